"""What every stored notebook keeps to; nbval tests beside this that it runs to what is stored."""

import re
from pathlib import Path
from statistics import median

import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9]*.ipynb"))
TAUGHT = [path for path in PATHS if not path.name.startswith("00")]
NOTEBOOKS = {path: nbformat.read(path, 4) for path in PATHS}


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in NOTEBOOKS[path].cells if cell.cell_type == "code"]


def tagged(path, tag):
    return [cell for cell in code_cells(path) if tag in cell.metadata.get("tags", [])]


def prose(path):
    return "\n".join(c.source for c in NOTEBOOKS[path].cells if c.cell_type == "markdown")


def output_text(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


@each(PATHS)
def test_every_code_cell_was_run_once_in_order(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each(PATHS)
def test_no_cell_wrote_to_stderr_or_failed(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.get("name") != "stderr", output.text
            assert output.output_type != "error", output


@each(PATHS)
def test_every_figure_has_alternative_text(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            data = output.get("data", {})
            assert "image/png" not in data, "show figures through plotting.show"
            for tag in re.findall(r"<img [^>]*>", "".join(data.get("text/html", ""))):
                assert re.search(r'alt="[^"]{20,}"', tag), tag[-200:]


@each(TAUGHT)
def test_figures_and_sounds_are_stored(path):
    text = path.read_text(encoding="utf-8")
    assert "data:image/png;base64," in text
    assert "data:audio/" in text


@each(PATHS)
def test_a_notebook_stays_under_1_5_mb(path):
    assert path.stat().st_size < 1.5e6


def test_all_notebooks_stay_under_9_mb():
    assert sum(path.stat().st_size for path in PATHS) < 9e6


@each(PATHS)
def test_code_is_short_and_stands_among_prose(path):
    asked = tagged(path, "prediction")  # text, and collapsed
    lengths = [len(c.source.splitlines()) for c in code_cells(path) if c not in asked]
    assert max(lengths) <= 25
    assert median(lengths) <= 6
    kinds = "".join(cell.cell_type[0] for cell in NOTEBOOKS[path].cells)
    assert "ccc" not in kinds


@each(PATHS)
def test_modules_are_imported_whole(path):
    for cell in code_cells(path):
        assert not re.search(r"^from helpers\.\w+ import|import \*", cell.source, re.MULTILINE)


@each(PATHS)
def test_the_music_is_one_setting(path):
    sources = [cell.source for cell in code_cells(path)]
    settings = re.findall(r"^MUSIC = .*$", "\n".join(sources), re.MULTILINE)
    assert settings == ['MUSIC = "../data/music"  # the folder of music; name your own here']
    assert not any("data/music" in s.replace(settings[0], "") for s in sources)


@each(TAUGHT)
def test_the_anatomy_is_complete(path):
    text = prose(path)
    number = int(path.name[:2])
    assert re.match(rf"# {number} · \S", text)
    for part in (
        "**You will be able to",
        "**You need**",
        "## What the original got wrong",
        "## Recap",
        "## Limits",
        "## Sources",
        "## Exercises",
    ):
        assert part in text, part


@each(PATHS)
def test_links_between_notebooks_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+\.ipynb)[^)]*\)", prose(path)):
        assert (FOLDER / target).exists(), target


@each(TAUGHT)
def test_exercises_wait_and_their_solutions_are_right(path):
    exercises, solutions = tagged(path, "exercise"), tagged(path, "solution")
    assert len(exercises) == len(solutions) >= 3
    for cell in exercises:
        assert output_text(cell).startswith("Not attempted yet"), cell.source
    for cell in solutions:
        assert output_text(cell).startswith("Right:"), cell.source
        assert cell.metadata["jupyter"]["source_hidden"], "a solution is stored collapsed"


@each(PATHS)
def test_what_gives_an_answer_away_is_stored_collapsed(path):
    for cell in code_cells(path):
        if re.search(r"\bquestions\.(predict|quiz)\(", cell.source):
            assert "prediction" in cell.metadata.get("tags", []), cell.source
            assert cell.metadata["jupyter"]["source_hidden"], cell.source


@each(PATHS)
def test_nothing_of_the_machine_is_stored(path):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", path.read_text(encoding="utf-8"))
    assert not re.search(r"/home/|/Users/|/root/|/tmp/|site-packages|C:\\\\", text)
