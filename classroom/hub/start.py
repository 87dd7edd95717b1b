"""Start a student's server, as that student: their working copies are first brought up to date.

The project is shared, and read-only. In the student's home, `music-from-raw-audio/` holds links to
what the notebooks read, the working copies, and `outputs/`. EDITION names the folder of the project
that is copied: `notebooks`, or `student`, which `make student` writes. It is all that a hub has to
run, on one machine or on Kubernetes; what is said on the command line goes on to the server.
"""

import os
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from notebooks import copies  # noqa: E402 (found by the line above)

SHARED = ("data", "helpers", "requirements.txt")  # what notebooks read at ../
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
IDLE = 3600  # seconds until a kernel that nobody uses ends, and then as many until its server does
OPTIONS = (
    f"--MappingKernelManager.cull_idle_timeout={IDLE}",
    "--MappingKernelManager.cull_connected=True",  # also where a browser was left open
    f"--ServerApp.shutdown_no_activity_timeout={IDLE}",
    "--KernelManager.transport=ipc",  # a class that starts kernels at once would race for ports
)


def main(arguments: list[str]) -> None:
    """Become the student's server."""
    home = Path.home() / "music-from-raw-audio"
    try:
        said = furnish(home, PROJECT / os.environ.get("EDITION", "notebooks"))
    except OSError as fault:  # a full disk: the student needs the server to make room
        said = [f"the working copies in {home} are not up to date: {fault}"]
    for line in said:
        print(line, file=sys.stderr, flush=True)
    os.environ.update(environment(os.environ))
    if "JUPYTER_RUNTIME_DIR" not in os.environ:  # for sockets, whose paths must be short
        os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="jupyter-")
    os.chdir(home if home.is_dir() else Path.home())
    named = {argument.partition("=")[0] for argument in arguments}
    options = [f"--ServerApp.root_dir={Path.cwd()}", *OPTIONS]
    options = [option for option in options if option.partition("=")[0] not in named]
    server = [sys.executable, "-m", "jupyterhub.singleuser", *options, *arguments]
    os.execv(sys.executable, server)


def furnish(home: Path, editions: Path) -> list[str]:
    """Bring a student's folder up to date; overwrite nothing of theirs, and say what stays behind.

    Parameters
    ----------
    home : Path
        The student's folder; it is made if missing.
    editions : Path
        The folder of the project that the working copies are made from.

    Returns
    -------
    list of str
        What is not as it should be, or new, a line each.
    """
    if not any(editions.glob("[0-9]*.ipynb")):  # from none, all copies would be taken away
        raise SystemExit(
            f"EDITION is {editions.name!r}, and {editions} holds no notebooks: set EDITION to "
            "notebooks, or to student after `make student`"
        )
    home.mkdir(parents=True, exist_ok=True)
    said = []
    for name in SHARED:
        link, target = home / name, PROJECT / name
        if link.is_symlink() and link.readlink() != target:
            link.unlink()  # the project has moved
        if link.is_symlink():
            continue
        if link.exists():
            said.append(f"{link} is the student's own: the notebooks read it instead of {target}")
        else:
            link.symlink_to(target)
    return said + copies.update(editions, home / "my_notebooks")


def environment(given: os._Environ | dict[str, str]) -> dict[str, str]:
    """Return what the kernels of a student need: the package, and no more threads than cores.

    The cores are those of the hub's limit, or one. glibc gives memory back that a notebook has done
    with, rather than keep it for later: it is what a class runs out of first.
    """
    cores = max(1, int(float(given.get("CPU_LIMIT") or 1)))
    defaults = {name: str(cores) for name in THREADS} | {"MALLOC_TRIM_THRESHOLD_": "131072"}
    paths = [str(PROJECT), *filter(None, [given.get("PYTHONPATH")])]
    kept = {name: value for name, value in defaults.items() if name not in given}
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}


if __name__ == "__main__":
    main(sys.argv[1:])
