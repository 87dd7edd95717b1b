"""Every command of the project, on any system: `python tasks.py lab`; `make lab` calls the same."""

from __future__ import annotations  # so that an old Python gets as far as being told so

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
VENV = PROJECT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
RECORD = VENV / ".ready"  # which pins were installed, once all of them are
PINS = READERS, WORDS, DEVELOPERS = (
    "requirements.txt",
    "requirements-words.txt",  # what notebook 10 alone needs
    "requirements-dev.txt",
)
PINS_HEAD = "# Exact versions for every platform, by `make pins` from pyproject.toml. Do not edit."
PROBE = "import helpers, numpy, soundfile, jupyterlab"  # what works only if the rest does, too
VERSIONS = ((3, 11), (3, 12), (3, 13))
NOTEBOOKS = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=3600")
PARALLEL = ("-n", "logical", "--maxprocesses=4", "--dist", "loadfile", "--no-loadscope-reorder")
MODELS = (  # what makes data/models; each may need what those before it have made
    ("data/build/models.py",),
    ("data/build/models.py", "--labelled"),
    ("-m", "data.build.ablation"),
    ("-m", "data.build.verse"),
    ("notebooks/execute.py", "notebooks/05_lstm_training.ipynb"),
    ("data/build/models.py", "--original", "outputs/05/original_lstm.npz"),
)
NOT_BOOK = "--ignore=tests/browser/test_book.py"
COVERAGE = ("--cov=helpers", "--cov-config=pyproject.toml", "--cov-fail-under=90")


def lab() -> None:
    """Open JupyterLab on the first notebook, in working copies of your own (my_notebooks/)."""
    environment()
    run("notebooks/copies.py")
    options = [
        "--ip=127.0.0.1",
        f"--ServerApp.root_dir={PROJECT}",
        "--LabApp.default_url=/lab/tree/my_notebooks/00_start_here.ipynb",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",
        # else notebook 09 loses files of more than 10 MB without a word
        "--ServerApp.tornado_settings={'websocket_max_message_size': 200_000_000}",
    ]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        options.append("--allow-root")
    run("-m", "jupyterlab", *options)


def test() -> None:
    """Check everything: lint, tests, every notebook re-run, compared (ten to fifteen minutes)."""
    lint()
    pytest(*PARALLEL, *COVERAGE, *NOTEBOOKS)


def check() -> None:
    """Check the code alone: lint and the unit tests, without notebooks (a minute and a half)."""
    lint()
    pytest(*PARALLEL, "--ignore=tests/test_own_music.py", "helpers", "tests")


def test_long() -> None:
    """Check what `test` takes samples of: every notebook on other music, many mutants of files."""
    environment(developers=True)
    pytest("-m", "long")


def test_browser() -> None:
    """Run the notebooks in JupyterLab in a headless Chromium, which must be installed."""
    environment(developers=True)
    pytest("-n", "2", "--no-loadscope-reorder", "tests/browser", NOT_BOOK)


def test_book() -> None:
    """Build the book, and read it in a headless Chromium, which must be installed."""
    environment(developers=True)
    pytest("tests/browser/test_book.py")


def test_portable() -> None:
    """Compare every notebook as weaker processors compute it, as far as this one can act them."""
    environment(developers=True)
    run("-m", "tests.portable")


def lint() -> None:
    """Judge style, format and types."""
    environment(developers=True)
    run("-m", "ruff", "check", ".")
    run("-m", "ruff", "format", "--check", ".")
    run("-m", "mypy")


def run_notebooks() -> None:
    """Run every notebook in order; executed copies and sounds go to outputs/."""
    environment()
    run("notebooks/execute.py")


def store_notebooks() -> None:
    """Run every notebook and store its outputs in place."""
    environment(developers=True)
    run("notebooks/execute.py", "--store")


def mine(folder: str | None = None) -> None:
    """Make music from a folder of yours: make mine MUSIC=folder, or tasks.py mine FOLDER."""
    folder = folder or os.environ.get("MUSIC")  # where make puts it
    if not folder:
        sys.exit("Name the folder of your music: make mine MUSIC=folder, or tasks.py mine FOLDER")
    folder = os.path.abspath(os.path.expanduser(folder))
    if not os.path.isdir(folder):
        sys.exit(f"{folder} is no folder: name the folder that your music is in")
    environment()
    run("notebooks/execute.py", "--mine", folder)


def song() -> None:
    """Make a song from the shipped models, in outputs/song/: make song SEED=2 TEXT=file."""
    given = {name: os.environ.get(name) for name in ("SEED", "TEXT")}  # where make puts them
    if given["TEXT"]:  # `run` goes to another folder
        given["TEXT"] = os.path.abspath(os.path.expanduser(given["TEXT"]))
    options = [f"--{name.lower()}={value}" for name, value in given.items() if value]
    environment()
    run("notebooks/song.py", *options)


def student() -> None:
    """Make the student's version of the notebooks, without solutions and outputs (student/)."""
    environment()
    run("-m", "classroom.versions", "student")


def instructor() -> None:
    """Make the instructor's version, with solutions unfolded and outputs (instructor/)."""
    environment()
    run("-m", "classroom.versions", "instructor")


def assignments() -> None:
    """Make an assignment of each lesson, for nbgrader, in course/release/."""
    environment(developers=True)
    run("-m", "classroom.grading", "assignments")


def grade() -> None:
    """Grade what lies in course/submitted/; make grade LIMIT=60: so many seconds for an answer."""
    limit = os.environ.get("LIMIT")  # where make puts it
    environment(developers=True)
    run("-m", "classroom.grading", "grade", *([f"--limit={limit}"] if limit else []))


def book() -> None:
    """Build the book of the stored notebooks, in outputs/book/html (half a minute)."""
    environment(developers=True)
    run("docs/book.py")


def bench(*, quick: bool = False) -> None:
    """Measure everything that is promised (--quick, or make bench QUICK=1, to try it)."""
    environment(developers=True)
    run("-m", "benchmarks", *(["--quick"] if quick else []))


def models() -> None:
    """Make data/models anew from data/music and data/texts, in order (half an hour)."""
    environment(developers=True)
    for program in MODELS:
        run(*program)


def ablation() -> None:
    """Train the network again without each of its parts, and write data/models/ablation.csv."""
    environment(developers=True)
    run("-m", "data.build.ablation")


def pins() -> None:
    """Resolve all requirements*.txt anew from pyproject.toml."""
    environment()
    run("-m", "pip", "install", "--quiet", "uv")
    everything = resolved("--upgrade", "--extra", "words", "--group", "dev")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(everything), encoding="utf-8")
        readers = resolved("--constraints", str(constraints))
        words = resolved("--constraints", str(constraints), "--extra", "words")
    words = [line for line in words if line not in readers]
    tools = [line for line in everything if line not in readers + words]
    tools = [f"-r {READERS}", f"-r {WORDS}", *tools]
    for name, lines in zip(PINS, (readers, words, tools), strict=True):
        (PROJECT / name).write_text("\n".join([PINS_HEAD, *lines, ""]), encoding="utf-8")


def resolved(*options: str) -> list[str]:
    """Return the pins of pyproject.toml's dependencies, one a line."""
    command = [str(PYTHON), "-m", "uv", "pip", "compile", "--quiet", "--universal", *options]
    command += ["--fork-strategy", "fewest", "--python-version", "3.11"]
    command += ["--no-annotate", "--no-header", "pyproject.toml"]
    result = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return result.stdout.splitlines()


def clean() -> None:
    """Delete what the notebooks and benchmarks wrote (outputs/)."""
    shutil.rmtree(PROJECT / "outputs", ignore_errors=True)


def environment(*, developers: bool = False) -> None:
    """Make the environment (.venv), or make it anew where it is incomplete or out of date."""
    if not is_ready(READERS):
        if VENV.exists():
            print(f"The environment in {VENV} is incomplete or out of date: making it anew.")
            leave_alone_what_runs_this()
            shutil.rmtree(VENV)
        make_environment()
    if developers and not is_recorded(*PINS):
        print("Adding the developers' tools to the environment (once)", flush=True)
        install("-r", DEVELOPERS)
        record(*PINS)
    elif not is_recorded(WORDS):
        add_words()


def is_recorded(*names: str) -> bool:
    """Tell whether these pins, as they are now, were installed."""
    try:
        recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return all(recorded.get(name) == checksum(name) for name in names)


def is_ready(*names: str) -> bool:
    """Tell whether the environment was completed with these pins, and still works here."""
    if not is_recorded(*names):
        return False
    probe = [str(PYTHON), "-c", PROBE]
    elsewhere = PROJECT / "notebooks"  # where `helpers` is found only if it is installed
    try:
        result = subprocess.run(probe, cwd=elsewhere, capture_output=True, check=False)
    except OSError:
        return False
    return result.returncode == 0


def make_environment() -> None:
    """Make a virtual environment with what readers need."""
    if sys.version_info[:2] not in VERSIONS:
        sys.exit(
            f"This project needs Python 3.11, 3.12 or 3.13; {sys.executable} is Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}. Name another one: "
            "python3.12 tasks.py ..., or make PYTHON=python3.12 ..."
        )
    print(f"Making the environment in {VENV} (once; one to three minutes)", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", VENV], check=False).returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            "No virtual environment could be made. "
            "On Debian or Ubuntu: apt-get install python3-venv"
        )
    install("-r", READERS)
    install("--no-deps", "--editable", ".")
    settings = VENV / "share/jupyter/lab/settings"  # JupyterLab shall not ask the network for news
    settings.mkdir(parents=True, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    overrides = {"@jupyterlab/apputils-extension:notification": quiet}
    (settings / "overrides.json").write_text(json.dumps(overrides), encoding="utf-8")
    record(READERS)


def add_words() -> None:
    """Add what notebook 10 needs, once and as wheels only: the other notebooks run without it."""
    print("Adding what notebook 10 needs to the environment (once)", flush=True)
    try:
        install("--only-binary=:all:", "-r", WORDS)
    except SystemExit:
        print(
            "Notebook 10 will have no voice: its packages can't be had here and now (pip says why, "
            "above). All other notebooks run without them. To try again, with a compiler: "
            f"{PYTHON} -m pip install -r {WORDS}",
            flush=True,
        )
    record(READERS, WORDS)  # not to be tried again at each start


def leave_alone_what_runs_this() -> None:
    """Refuse to delete the environment whose Python runs this."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        sys.exit(f"Run this with another Python than the one in {VENV}: that is to be deleted.")


def install(*what: str) -> None:
    """Install into the environment."""
    run("-m", "pip", "install", "--disable-pip-version-check", *what)


def record(*names: str) -> None:
    """Note which pins are installed."""
    RECORD.write_text(json.dumps({name: checksum(name) for name in names}), encoding="utf-8")


def checksum(name: str) -> str:
    """Return what tells one state of a file from another, whatever its line ends are."""
    return hashlib.sha256((PROJECT / name).read_text(encoding="utf-8").encode()).hexdigest()


def pytest(*options: str) -> None:
    """Run pytest; pyproject.toml says what it leaves out."""
    os.environ["TQDM_DISABLE"] = "1"
    if "-n" in options:
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            os.environ.setdefault(name, "1")  # where each core has a worker, threads only wait
    run("-m", "pytest", *options)


def run(*arguments: str) -> None:
    """Run the environment's Python in the project's folder; where it fails, end with its status."""
    os.environ["PYTHONHASHSEED"] = "0"
    with subprocess.Popen([PYTHON, *arguments], cwd=PROJECT) as process:
        while process.poll() is None:
            try:
                process.wait()
            except KeyboardInterrupt:  # it was interrupted, too, and knows what to do
                continue
    if process.returncode:
        sys.exit(process.returncode)


def help_() -> None:
    """List the commands."""
    for name, command in COMMANDS.items():
        print(f"{name:15}{str(command.__doc__).splitlines()[0]}")


COMMANDS: dict[str, Callable[..., None]] = {
    "lab": lab,
    "test": test,
    "check": check,
    "test-long": test_long,
    "test-browser": test_browser,
    "test-book": test_book,
    "test-portable": test_portable,
    "lint": lint,
    "run": run_notebooks,
    "notebooks": store_notebooks,
    "mine": mine,
    "song": song,
    "student": student,
    "instructor": instructor,
    "assignments": assignments,
    "grade": grade,
    "book": book,
    "bench": bench,
    "models": models,
    "ablation": ablation,
    "pins": pins,
    "environment": environment,
    "clean": clean,
    "help": help_,
}


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", nargs="?", default="help", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("folder", nargs="?", help="of mine: where your music is")
    parser.add_argument("--quick", action="store_true", help="of bench: one short training")
    options = parser.parse_args(arguments)
    if options.folder and options.command != "mine":
        parser.error("a folder belongs to mine")
    if options.quick and options.command != "bench":
        parser.error("--quick belongs to bench")
    given = {"quick": True} if options.quick else {}
    given |= {"folder": options.folder} if options.folder else {}
    COMMANDS[options.command](**given)


if __name__ == "__main__":
    main()
