import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from jupyterhub.app import JupyterHub
from jupyterhub.spawner import Spawner

from benchmarks import hub

PROJECT = Path(__file__).parent.parent
ROOM = PROJECT / "classroom" / "hub"
SPEC = importlib.util.spec_from_file_location("start", ROOM / "start.py")
start = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(start)

NAME = "01_conversion.ipynb"
DOCKER = (ROOM / "Dockerfile").read_text(encoding="utf-8")
VALUES = yaml.safe_load((ROOM / "values.yaml").read_text(encoding="utf-8"))
PROXY = shutil.which("configurable-http-proxy")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a small project, put in the place of the real one."""
    folder = tmp_path / "shared"
    for name in ("data", "helpers", "notebooks"):
        (folder / name).mkdir(parents=True)
    (folder / "requirements.txt").touch()
    publish(folder / "notebooks" / NAME, "print(1)")
    monkeypatch.setattr(start, "PROJECT", folder)
    return folder


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home" / "music-from-raw-audio"


def publish(path, source):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)


def source(path):
    return nbformat.read(path, 4).cells[0].source


def test_the_configuration_loads_in_a_hub():
    app = JupyterHub()
    app.load_config_file(str(ROOM / "jupyterhub_config.py"))
    python, script = app.config.Spawner.cmd
    assert Path(python).exists()
    assert Path(script) == ROOM / "start.py"
    assert app.config.JupyterHub.cleanup_servers is False
    assert "authenticator_class" not in app.config.JupyterHub  # it's for who runs the hub to choose


def test_it_also_loads_as_a_link_in_another_hub(tmp_path):
    link = tmp_path / "jupyterhub_config.d" / "music.py"
    link.parent.mkdir()
    link.symlink_to(ROOM / "jupyterhub_config.py")
    own = tmp_path / "jupyterhub_config.d" / "own.py"
    page = hub.PAGE.read_text(encoding="utf-8")
    own.write_text(re.search(r"`(c\.Spawner\.environment.*?)`", page)[1], encoding="utf-8")
    main = tmp_path / "main.py"
    both = "".join(f"load_subconfig({str(path)!r})\n" for path in (link, own))
    main.write_text(f"c = get_config()\n{both}", encoding="utf-8")
    app = JupyterHub()
    app.load_config_file(str(main))
    assert Path(app.config.Spawner.cmd[1]) == ROOM / "start.py"
    assert Spawner(config=app.config).environment == {"EDITION": "student"}


def test_a_students_folder_has_all_that_the_notebooks_read_at_their_parent(project, home):
    assert start.furnish(home, project / "notebooks") == []
    assert {path.name for path in home.iterdir()} == {*start.SHARED, "my_notebooks"}
    assert source(home / "my_notebooks" / NAME) == "print(1)"
    for path in (PROJECT / "notebooks").glob("[0-9]*.ipynb"):
        cells = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        read = set(re.findall(r"\.\./([\w.]+)", "\n".join(cells)))
        assert read <= {*start.SHARED, "outputs"}, path


def test_an_update_keeps_what_a_student_wrote(project, home):
    start.furnish(home, project / "notebooks")
    publish(home / "my_notebooks" / NAME, "my own")
    publish(project / "notebooks" / NAME, "print(2)")
    (said,) = start.furnish(home, project / "notebooks")
    assert "newer edition" in said
    assert source(home / "my_notebooks" / NAME) == "my own"
    assert start.furnish(home, project / "notebooks") == []


def test_links_follow_a_project_that_moves(project, home, monkeypatch):
    start.furnish(home, project / "notebooks")
    moved = project.rename(project.with_name("moved"))
    monkeypatch.setattr(start, "PROJECT", moved)
    assert start.furnish(home, moved / "notebooks") == []
    assert (home / "data").resolve() == moved / "data"


def test_a_folder_of_the_students_own_is_left_alone_and_named(project, home):
    (home / "data").mkdir(parents=True)
    (said,) = start.furnish(home, project / "notebooks")
    assert str(home / "data") in said
    assert not (home / "data").is_symlink()


def test_without_an_edition_nothing_is_taken_away(project, home):
    start.furnish(home, project / "notebooks")
    with pytest.raises(SystemExit, match=r"EDITION is 'student'.*make student"):
        start.furnish(home, project / "student")
    assert (home / "my_notebooks" / NAME).exists()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="to root no file is read-only, and Windows has other permissions",
)
def test_a_student_cannot_write_what_is_shared(project, home):  # pragma: no cover
    start.furnish(home, project / "notebooks")
    for folder in (project, *(path for path in project.iterdir() if path.is_dir())):
        folder.chmod(0o555)
    with pytest.raises(PermissionError):
        (home / "data" / "mine.wav").touch()
    assert start.furnish(home, project / "notebooks") == []  # and that needs no such right


@pytest.mark.parametrize(
    ("limit", "threads"), [(None, "1"), ("0.5", "1"), ("2", "2"), ("2.0", "2")]
)
def test_a_kernel_has_as_many_threads_as_the_hub_allows_cores(limit, threads):
    environment = start.environment({"CPU_LIMIT": limit} if limit else {})
    assert {environment[name] for name in start.THREADS} == {threads}
    assert environment["PYTHONPATH"] == str(PROJECT)


def test_what_who_runs_the_hub_sets_is_kept():
    given = {"OMP_NUM_THREADS": "7", "PYTHONPATH": "/opt/own"}
    environment = start.environment(given)
    assert "OMP_NUM_THREADS" not in environment
    assert environment["PYTHONPATH"].split(os.pathsep) == [str(PROJECT), "/opt/own"]


def test_a_server_starts_in_the_folder_even_where_the_disk_is_full(project, tmp_path):
    code = (
        "import errno, importlib.util, os\n"
        f"spec = importlib.util.spec_from_file_location('start', {str(ROOM / 'start.py')!r})\n"
        "start = importlib.util.module_from_spec(spec); spec.loader.exec_module(start)\n"
        "def full(*_): raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "start.copies.update = full\n"
        "os.execv = lambda program, command: print(os.getcwd(), *command, sep='\\n')\n"
        "start.main(['--port=1', '--ServerApp.shutdown_no_activity_timeout=9'])\n"
    )
    environment = os.environ | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "not up to date" in result.stderr
    assert "No space left on device" in result.stderr
    where, *command = result.stdout.splitlines()
    assert Path(where).name == "music-from-raw-audio"
    assert command[1:3] == ["-m", "jupyterhub.singleuser"]
    assert "--port=1" in command
    timeouts = [option for option in command if "shutdown_no_activity_timeout" in option]
    assert timeouts == ["--ServerApp.shutdown_no_activity_timeout=9"]  # the server takes one only


def test_the_image_holds_what_a_server_needs_and_nothing_else():
    lines = (ROOM / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert {*start.SHARED, "notebooks", "classroom/hub/start.py"} <= kept
    for name in kept - {"student"}:  # which `make student` writes
        assert (PROJECT / name).exists(), name
    for sources in re.findall(r"^COPY (.+) \S+$", DOCKER, re.MULTILINE):
        assert all(name == "." or name in kept for name in sources.split()), sources


def test_the_image_uses_the_pins_one_hub_and_no_root():
    for pins in re.findall(r"--requirement /tmp/(\S+)", DOCKER):
        assert (PROJECT / pins).exists()
    assert "requirements.txt" in DOCKER
    assert re.search(r"^ARG JUPYTERHUB=\d+\.\d+\.\d+$", DOCKER, re.MULTILINE)
    assert '"jupyterhub==${JUPYTERHUB}"' in DOCKER
    (version,) = re.findall(r"^FROM python:(3\.\d+)-slim$", DOCKER, re.MULTILINE)
    conda = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    assert f"python={version}" in conda["dependencies"]
    assert f"USER {VALUES['singleuser']['uid']}" in DOCKER.splitlines()
    command = json.loads(re.search(r"^CMD (.+)$", DOCKER, re.MULTILINE)[1])
    assert VALUES["singleuser"]["cmd"] == command
    assert VALUES["singleuser"]["storage"]["homeMountPath"] in DOCKER


def test_a_student_on_kubernetes_may_take_what_was_measured():
    rows = hub.read()
    most = max(row["student_mb"] for row in rows if row["notebooks"] != hub.TRAINING[:2])
    training = [row["student_mb"] for row in rows if row["notebooks"] == hub.TRAINING[:2]]
    memory = VALUES["singleuser"]["memory"]
    more = VALUES["singleuser"]["profileList"][1]["kubespawner_override"]
    assert training
    assert most <= megabytes(memory["guarantee"]) <= megabytes(memory["limit"])
    assert (
        max([most, *training]) <= megabytes(more["mem_guarantee"]) <= megabytes(more["mem_limit"])
    )


def megabytes(text):
    return 1000 * float(text.removesuffix("G"))


def test_the_page_states_what_was_measured():
    found = hub.STATED.search(hub.PAGE.read_text(encoding="utf-8"))
    assert found[2] == hub.tables(hub.read())


def test_colab_is_given_packages_that_the_series_uses():
    (line,) = re.findall(r"^%pip install -q (.+)$", hub.PAGE.read_text(encoding="utf-8"), re.M)
    pins = "".join((PROJECT / f"requirements{end}.txt").read_text() for end in ("", "-words"))
    for name in line.split():
        assert re.search(rf"^{name}==", pins, re.M), name


def row(**given):
    row = {"notebooks": "01 02 03", "students": 10, "longest_cell_s": 6.0, "all_done_s": 120}
    row |= {"student_mb": 1000, "hub_mb": 200, "left_mb": 6000, "student_cpu_s": 36}
    return row | {"opened_mb": 5, "received_mb": 6, "hub_back_s": 5} | given


def test_sizes_follow_from_what_was_measured():
    training = row(notebooks="05", students=1, student_mb=3000, student_cpu_s=600)
    need = hub.sizing([row(students=2, student_mb=9000), row(), training], 30)
    assert need["reading_gb"] == 32  # 30 students, the hub, and what must stay free
    assert need["mixed_gb"] == 52  # ten of them with 2 GB more
    assert need["cores"] == 6  # 30 times 36 s in 180 s
    assert need["training_minutes"] == 50


@pytest.mark.parametrize(
    ("given", "expected"), [({}, 14), ({"left_mb": 1500}, 10), ({"longest_cell_s": 50}, 12)]
)
def test_a_class_grows_to_what_memory_and_time_allow(given, expected):
    assert hub.room_for(row(**given)) == expected


def test_the_largest_class_is_the_largest_that_did_not_fail(monkeypatch):
    def run(n, *, proxy):
        if n > 10:
            raise hub.Failed("memory ran out")
        return row(students=n, left_mb=12000 if n < 10 else 1000)

    monkeypatch.setattr(hub, "run", run)
    assert [r["students"] for r in hub.largest("proxy", minutes=60)] == [2, 10]


def test_without_a_proxy_it_says_where_to_get_one(capsys):
    with pytest.raises(SystemExit, match="npm install -g configurable-http-proxy"):
        hub.main(["--proxy", "no-such-proxy"])


@pytest.mark.long
@pytest.mark.skipif(PROXY is None, reason="needs npm's configurable-http-proxy, which PyPI lacks")
def test_two_students_lose_nothing_when_hub_and_proxy_are_killed():
    measured = hub.run(2, proxy=PROXY)
    assert measured["cells"] > 200
    assert measured["longest_cell_s"] < hub.CELL_SECONDS
    assert measured["kernels_with_tensorflow"] == 0
