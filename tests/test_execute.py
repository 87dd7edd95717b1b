import ast
import copy
import importlib.util
import io
import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest

from helpers import interactive

SOURCE = Path(__file__).parent.parent / "notebooks" / "execute.py"
SPEC = importlib.util.spec_from_file_location("execute", SOURCE)
execute = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(execute)


def notebook_of(*sources, tags=()):
    cells = [nbformat.v4.new_code_cell(s, id=f"cell-{i}") for i, s in enumerate(sources)]
    for cell in cells:
        cell.metadata["tags"] = list(tags)
    return nbformat.v4.new_notebook(cells=cells)


def run(notebook):
    execute.execute(notebook)
    return notebook


@pytest.fixture(scope="module")
def with_slider():
    sources = (
        "import ipywidgets as widgets\nunseen = widgets.IntSlider()",
        "widgets.HBox([widgets.IntSlider(value=3), widgets.HTML('<b>seen</b>')])",
    )
    return [run(notebook_of(*sources)) for _ in range(2)]


def test_a_recorded_voice_is_never_stored(tmp_path, monkeypatch, capsys):
    (tmp_path / "outputs" / "01").mkdir(parents=True)
    (tmp_path / "outputs" / "01" / interactive.VOICE).write_bytes(b"")
    monkeypatch.setattr(execute, "PROJECT", tmp_path)
    monkeypatch.setattr("sys.argv", ["execute.py", "--store"])
    with pytest.raises(SystemExit):
        execute.main()
    assert "move it away" in capsys.readouterr().err


def test_two_runs_store_the_same_bytes(with_slider):
    first, second = with_slider
    assert nbformat.writes(first) == nbformat.writes(second)


def test_the_state_of_displayed_widgets_is_stored_and_no_other(with_slider):
    state = with_slider[0].metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert sorted(s["model_name"] for s in state.values() if "Slider" in s["model_name"]) == [
        "IntSliderModel",
        "SliderStyleModel",
    ]
    shown = re.findall(r'"model_id": "(\w+)"', json.dumps(with_slider[0].cells))
    assert len(shown) == 1
    assert shown[0] in state


def test_a_failing_cell_stops_the_run():
    with pytest.raises(execute.CellExecutionError, match="ZeroDivisionError"):
        run(notebook_of("1 / 0"))


def test_what_a_cell_says_is_told_while_it_still_runs(tmp_path):
    heard = tmp_path / "heard"
    waits = "import pathlib, time\nend = time.time() + 120\n"
    waits += "print('an estimate', end='', flush=True)\n"
    waits += f"while not pathlib.Path({str(heard)!r}).exists():\n    assert time.time() < end"
    execute.execute(notebook_of(waits), tell=lambda cell, text: heard.write_text(text))
    assert heard.read_text() == "an estimate"


@pytest.mark.parametrize(
    ("old", "new", "tags", "kept"),
    [
        ("base64,AAAA", "base64,BBBB", (), True),
        ("level -20.1", "level -20.2", (), True),
        ("level -20.1", "level -20.3", (), False),
        ("0.7 s", "0.8 s", ("nbval-ignore-output",), True),
        ("0.7 s", "a picture, 0.8 s", ("nbval-ignore-output",), False),
    ],
)
def test_stored_outputs_stay_where_only_ignored_things_differ(old, new, tags, kept):
    def made(text):
        notebook = notebook_of("show()", tags=tags)
        data = {"text/html": text, "text/plain": "Figure"}
        notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data)]
        return notebook

    stored, fresh = made(old), made(new)
    execute.keep_stored_outputs(fresh, stored)
    assert fresh.cells[0].outputs[0].data["text/html"] == (old if kept else new)


def test_changed_code_stores_its_new_output():
    stored = notebook_of("1", tags=("nbval-ignore-output",))
    fresh = copy.deepcopy(stored)
    fresh.cells[0].source = "2"
    fresh.cells[0].outputs = [nbformat.v4.new_output("stream", text="2")]
    execute.keep_stored_outputs(fresh, stored)
    assert fresh.cells[0].outputs[0].text == "2"


def test_measured_numbers_of_two_runs_are_not_mixed():
    def output(text):
        return [nbformat.v4.new_output("stream", text=text)]

    stored = notebook_of("1", "2", "3")
    stored.cells[0].metadata["tags"] = ["nbval-ignore-output"]
    for cell, text in zip(stored.cells, ("0.7 s", "a network", "a table"), strict=True):
        cell.outputs = output(text)
    fresh = copy.deepcopy(stored)
    fresh.cells[0].outputs = output("0.9 s")
    fresh.cells[1].outputs = output("another network")
    execute.keep_stored_outputs(fresh, stored)
    assert [cell.outputs[0].text for cell in fresh.cells] == ["0.9 s", "another network", "a table"]


def test_the_setting_is_pointed_at_another_folder(tmp_path):
    notebook = notebook_of('MUSIC = r"../data/music"  # the folder\nSEED = 0')
    folder = tmp_path / "it's \\1 odd"
    execute.use_music(notebook, folder)
    assert notebook.cells[0].source == f"MUSIC = {str(folder)!r}\nSEED = 0"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "n.ipynb"
    execute.write(notebook_of("1"), path)
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        execute.write(notebook_of("2"), path)
    assert path.read_bytes() == before


def test_the_picture_of_the_readme_is_written_where_it_is_drawn(tmp_path):
    source = (
        "from helpers import plotting\nplotting.show(plotting.new_axes(), alt='An empty figure.')"
    )
    notebook = run(notebook_of(source))
    execute.write_picture(notebook, tmp_path / "start.png")
    assert not (tmp_path / "start.png").exists()
    notebook.cells[0].id = "readme-picture"
    execute.write_picture(notebook, tmp_path / "start.png")
    assert (tmp_path / "start.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_of_results_needs_no_kernel_and_no_network(with_slider):
    notebook = copy.deepcopy(with_slider[0])
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("Prose.\n\n## 1. A section\n\nMore."))
    page = execute.page(notebook, "my <music>")
    assert "<b>seen</b>" in page
    assert "A section" in page
    assert "Prose" not in page
    assert "my &lt;music&gt;" in page
    assert 'href="yours/music.mp3"' in page
    assert 'name="viewport"' in page  # else a phone shows it as small as a stamp
    assert not re.search(r"""(src|href)=.https?://|cdnjs|unpkg|jsdelivr""", page)


def test_what_a_page_leaves_out_stands_in_notebook_09():
    stored = nbformat.read(execute.HERE / "09_your_own_music.ipynb", 4)
    shown = {cell.id: str(cell.get("outputs")) for cell in stored.cells}
    assert {*execute.LESSONS, *execute.BLENDS} <= shown.keys()
    assert "the shipped network, from" in shown[execute.BLENDS[0]]


@pytest.mark.parametrize("whose", ["your", "the shipped"])
def test_a_page_blends_the_folders_own_kinds_of_music_alone(whose):
    sources = (f"print('{whose} network, from fast to slow')", "print('half and half')")
    notebook = run(notebook_of(*sources))
    for cell, name in zip(notebook.cells, execute.BLENDS, strict=False):
        cell.id = name
    assert ("half and half" in execute.page(notebook, "music")) == (whose == "your")


def test_the_page_of_nowhere_says_so(tmp_path, capsys):
    assert execute.mine(tmp_path / os.fsdecode(b"caf\xe9")) == 2  # a name that isn't UTF-8
    assert "caf\\xe9 is no folder" in capsys.readouterr().err


def test_a_page_never_shows_what_another_run_composed(tmp_path, monkeypatch, capsys):
    def run(notebook, **_):
        (cell,) = (cell for cell in notebook.cells if cell.id == "n9kept")
        assert execute.KEPT in cell.source
        cell.outputs = [nbformat.v4.new_output("stream", text=f"shipped{execute.KEPT}: to keep\n")]
        return 0.0, 0

    monkeypatch.setattr(execute, "execute", run)
    monkeypatch.setattr(execute, "PROJECT", tmp_path)
    assert execute.mine(tmp_path) == 1
    assert "Run it again" in capsys.readouterr().err
    assert not list(tmp_path.rglob("index.html"))


def test_a_page_and_what_it_plays_stay_until_another_one_is_ready(tmp_path, monkeypatch):
    (tmp_path / "music").mkdir()
    monkeypatch.setattr(execute, "PROJECT", tmp_path)

    def compose(notebook, **_):
        (cell,) = (cell for cell in notebook.cells if cell.id == "n9set")
        settings = r"NAME, OTHER = (.*)\nOUTPUTS.*Path\('(.*?)'\)"
        names, folder = re.search(settings, cell.source).groups()
        for name in ast.literal_eval(names):
            (Path(folder) / name).mkdir(parents=True)
        return 0.0, 0

    def fail(*_, **__):
        raise KeyboardInterrupt

    for run, ends in ((compose, 0), (fail, 130), (compose, 0)):
        before = {path: path.read_bytes() for path in tmp_path.rglob("index.html")}
        held = {*tmp_path.rglob("*")}
        monkeypatch.setattr(execute, "execute", run)
        assert execute.mine(tmp_path / "music") == ends
        assert held <= {*tmp_path.rglob("*")}
        if ends:
            assert before == {path: path.read_bytes() for path in tmp_path.rglob("index.html")}
    (page,) = tmp_path.rglob("index.html")
    played = re.findall(r'src="(.*?)/music.mp3"', page.read_text(encoding="utf-8"))
    assert played == ["yours-2", "shipped-2"]
    assert all((page.parent / name).is_dir() for name in played)


def test_a_folder_may_have_the_longest_name(tmp_path, monkeypatch):
    (tmp_path / ("\u591c" * 84)).mkdir()
    monkeypatch.setattr(execute, "PROJECT", tmp_path)
    monkeypatch.setattr(execute, "execute", lambda *_, **__: (0.0, 0))
    assert execute.mine(tmp_path / ("\u591c" * 84)) == 0


def test_output_may_go_where_few_letters_are_known(tmp_path, monkeypatch):
    def fail(notebook, *, tell, **_):
        tell(notebook.cells[0], "\u591c.mp3\n")
        raise KeyboardInterrupt

    said = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(said, encoding="cp1252"))
    monkeypatch.setattr(sys, "argv", ["execute.py", "--mine", str(tmp_path)])
    monkeypatch.setattr(execute, "execute", fail)
    assert execute.main() == 130
    assert b"\\u591c.mp3" in said.getvalue()


def test_a_folder_whose_name_is_not_utf8_gets_a_page():
    page = execute.page(notebook_of(), os.fsdecode(b"caf\xe9"))
    assert b"<h1>caf\\xe9</h1>" in page.encode("utf-8")


def test_the_settings_of_notebook_09_are_those_that_a_page_changes():
    text = (SOURCE.parent / "09_your_own_music.ipynb").read_text(encoding="utf-8")
    cells = nbformat.reads(text, 4).cells
    assert sum(bool(execute.MADE.search(cell.source)) for cell in cells) == 1
