import importlib.util
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

SOURCE = Path(__file__).parent.parent / "notebooks" / "stopwatch.py"
SPEC = importlib.util.spec_from_file_location("stopwatch", SOURCE)
stopwatch = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(stopwatch)


def prose(text, *tags):
    return new_markdown_cell(text, metadata={"tags": list(tags)})


def code(text, *tags, printed=None, html=None):
    outputs = [new_output("stream", text=printed)] if printed else []
    outputs += [new_output("display_data", data={"text/html": html})] if html else []
    return new_code_cell(text, metadata={"tags": list(tags)}, outputs=outputs)


def measure(*cells):
    return stopwatch.measure(nbformat.v4.new_notebook(cells=list(cells)))


def test_the_rates_of_the_stopwatch():
    assert measure(prose("word " * 300)).minutes == 2
    assert measure(code("x = 1\n\n" * 30)).minutes == 2  # 30 lines; empty ones take no time
    assert measure(*(prose("", "prediction") for _ in range(12))).minutes == 5
    found = measure(*(code("1\n" * 60, tag) for tag in ("exercise", "solution") * 2))
    assert (found.minutes, found.exercise_minutes) == (0, 12)


def test_a_question_in_a_collapsed_cell_takes_its_time_and_its_code_none():
    question = code("ask(\n    1,\n    answer=1,\n)\n" * 12, "prediction")
    question.metadata["jupyter"] = {"source_hidden": True}
    assert measure(question).minutes == 5
    assert measure(*(code("ask_all(BOX)", "prediction") for _ in range(2))).minutes == 1


def test_what_goes_deeper_takes_no_time_and_has_no_cells():
    found = measure(prose("one two"), prose("word " * 300, "deeper"), code("x\n" * 90, "deeper"))
    assert (found.n_cells, found.n_words, found.minutes) == (1, 2, 0)


def test_the_words_of_an_exercise_count_as_words_and_not_as_minutes():
    found = measure(prose("word " * 300, "exercise"))
    assert (found.n_words, found.minutes, found.exercise_minutes) == (300, 0, 0)


@pytest.mark.parametrize(
    ("text", "n_words"),
    [
        ("", 0),
        ("two words", 2),
        ("[a link](https://an.address/with/many-parts) follows", 3),
        ("| a | row |\n|---|---|", 2),
        ("<kbd>Shift</kbd>", 1),
        ("**1 · Downmix.** -- ...", 2),
    ],
)
def test_words_are_what_is_read(text, n_words):
    assert stopwatch.count_words(prose(text)) == n_words


def test_the_first_cell_that_shows_something_is_found():
    picture, sound = code("", html="<img src='a.png'>"), code("", html="<audio controls>")
    assert measure(prose("text"), code("1", printed="1"), sound, picture).first_shown == 3
    assert measure(prose("![a picture](a.png)")).first_shown == 1
    assert measure(prose("text"), code("1", html="<b>1</b>")).first_shown is None


@pytest.mark.parametrize("printed", ["True\n", "True\nFalse", "quieter than silence: True"])
def test_a_cell_that_prints_only_true_or_false_is_named(printed):
    cell = code("x", printed=printed)
    assert measure(cell).bare == (cell.id,)


@pytest.mark.parametrize("printed", [None, "3.0", "True\n3.0", "Untrue", "TrueType"])
def test_a_cell_that_prints_more_is_not(printed):
    assert measure(code("x", printed=printed)).bare == ()


def test_minutes_are_stated_in_place_of_those_that_stand_there():
    found = measure(prose("word " * 450), code("None", "exercise"))
    old = "# 1\n\n*90 minutes to read; two to run.* 7 minutes to read"
    new = "# 1\n\n*3 minutes to read, 6 more for the exercises; two to run.* 7 minutes to read"
    assert stopwatch.state(old, found) == new
    assert stopwatch.state(new, found) == new
