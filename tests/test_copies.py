import importlib.util
import json
from pathlib import Path

import nbformat
import pytest

SOURCE = Path(__file__).parent.parent / "notebooks" / "copies.py"
SPEC = importlib.util.spec_from_file_location("copies", SOURCE)
copies = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(copies)

NAME, NEWER = "02_sampling.ipynb", "02_sampling (newer edition).ipynb"


@pytest.fixture
def series(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    publish(folder, "print(1)")
    return folder


@pytest.fixture
def mine(series):
    return series.parent / "my_notebooks"


def publish(folder, *sources, name=NAME):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / name)


def sources(path):
    return [cell.source for cell in nbformat.read(path, 4).cells]


def names(folder):
    return sorted(path.name for path in folder.glob("*.ipynb"))


def test_the_first_time_every_notebook_is_copied_in_silence(series, mine):
    publish(series, "", name="03_blocks.ipynb")
    (series / "execute.py").touch()
    assert copies.update(series, mine) == []
    assert names(mine) == [NAME, "03_blocks.ipynb"]
    assert (mine / NAME).read_bytes() == (series / NAME).read_bytes()


def test_what_was_edited_stays(series, mine):
    copies.update(series, mine)
    publish(mine, "my own")
    assert copies.update(series, mine) == []
    assert sources(mine / NAME) == ["my own"]
    assert names(mine) == [NAME]


def test_a_newer_edition_lies_beside_what_was_edited_and_is_said_once(series, mine):
    copies.update(series, mine)
    publish(mine, "my own")
    publish(series, "print(2)")
    assert copies.update(series, mine) == [f"You have edited {NAME}; its newer edition: {NEWER}"]
    assert copies.update(series, mine) == []
    assert sources(mine / NAME) == ["my own"]
    assert sources(mine / NEWER) == ["print(2)"]


def test_a_copy_that_nobody_edited_becomes_the_newer_edition(series, mine):
    copies.update(series, mine)
    publish(series, "print(2)")
    assert copies.update(series, mine) == []
    assert sources(mine / NAME) == ["print(2)"]
    assert names(mine) == [NAME]


def test_running_is_not_editing_but_its_outputs_stay_until_there_is_something_newer(series, mine):
    copies.update(series, mine)
    ran = nbformat.read(mine / NAME, 4)
    ran.cells[0].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    ran.cells.append(nbformat.v4.new_code_cell(""))  # as JupyterLab does behind the last cell
    nbformat.write(ran, mine / NAME)
    copies.update(series, mine)
    assert nbformat.read(mine / NAME, 4).cells[0].outputs
    publish(series, "print(2)")
    copies.update(series, mine)
    assert sources(mine / NAME) == ["print(2)"]


def test_an_edited_newer_edition_stays_too(series, mine):
    copies.update(series, mine)
    publish(mine, "my own")
    publish(series, "print(2)")
    copies.update(series, mine)
    publish(mine, "my second", name=NEWER)
    publish(series, "print(3)")
    (said,) = copies.update(series, mine)
    third = "02_sampling (newer edition 2).ipynb"
    assert said.endswith(third)
    assert [sources(mine / name) for name in (NAME, NEWER, third)] == [
        ["my own"],
        ["my second"],
        ["print(3)"],
    ]


def test_an_untouched_newer_edition_is_replaced_by_a_still_newer_one(series, mine):
    copies.update(series, mine)
    publish(mine, "my own")
    for source in ("print(2)", "print(3)"):
        publish(series, source)
        copies.update(series, mine)
    assert names(mine) == [NEWER, NAME]
    assert sources(mine / NEWER) == ["print(3)"]


def test_a_newer_edition_that_was_deleted_is_not_offered_again(series, mine):
    copies.update(series, mine)
    publish(mine, "my own")
    publish(series, "print(2)")
    copies.update(series, mine)
    (mine / NEWER).unlink()
    assert copies.update(series, mine) == []
    assert names(mine) == [NAME]


def test_a_copy_that_was_deleted_is_made_again(series, mine):
    copies.update(series, mine)
    (mine / NAME).unlink()
    copies.update(series, mine)
    assert sources(mine / NAME) == ["print(1)"]


@pytest.mark.parametrize("record", [None, "{", "[]"])
def test_without_a_record_nothing_is_overwritten(series, mine, record):
    copies.update(series, mine)
    publish(mine, "my own")
    if record is None:
        (mine / copies.RECORD).unlink()
    else:
        (mine / copies.RECORD).write_text(record, encoding="utf-8")
    (said,) = copies.update(series, mine)
    assert said.endswith(NEWER)
    assert sources(mine / NAME) == ["my own"]


def test_a_copy_that_is_no_notebook_any_more_is_not_overwritten(series, mine):
    copies.update(series, mine)
    (mine / NAME).write_text('{"cells": [', encoding="utf-8")
    publish(series, "print(2)")
    copies.update(series, mine)
    assert (mine / NAME).read_text(encoding="utf-8") == '{"cells": ['
    assert sources(mine / NEWER) == ["print(2)"]


def test_an_older_edition_comes_back_in_the_same_way(series, mine):
    for source in ("print(1)", "print(2)", "print(1)"):
        publish(series, source)
        copies.update(series, mine)
    assert sources(mine / NAME) == ["print(1)"]
    assert names(mine) == [NAME]


@pytest.mark.parametrize("edited", [True, False])
def test_a_notebook_that_left_the_series_goes_unless_it_was_edited(series, mine, edited):
    copies.update(series, mine)
    if edited:
        publish(mine, "my own")
    (series / NAME).rename(series / "03_sampling.ipynb")
    said = copies.update(series, mine)
    assert (mine / NAME).exists() == edited
    assert bool(said) == edited
    assert copies.update(series, mine) == []
    assert (mine / "03_sampling.ipynb").exists()


def test_files_of_the_readers_own_are_left_alone(series, mine):
    mine.mkdir()
    publish(mine, "mine", name="my idea.ipynb")
    publish(mine, "mine", name="99_idea.ipynb")
    copies.update(series, mine)
    assert sources(mine / "my idea.ipynb") == sources(mine / "99_idea.ipynb") == ["mine"]
    assert set(json.loads((mine / copies.RECORD).read_text(encoding="utf-8"))) == {NAME}


def test_links_and_paths_of_a_notebook_hold_from_where_its_copy_lies():
    assert copies.MINE.parent == copies.EDITIONS.parent
    ignored = (copies.MINE.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"{copies.MINE.name}/" in ignored
