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


def headed(run, *cells, number=3):
    head = f"# {number}\n\n9 minutes to read; {run} to run · [the map](00.ipynb)"
    return nbformat.v4.new_notebook(cells=[prose(head), *cells])


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("less than a minute", 1),
        ("about half a minute", 0.5),
        ("about two and a half minutes", 2.5),
        ("a minute and a half", 1.5),
        ("two minutes to run, ten to listen; none", 12),
    ],
)
def test_the_head_says_how_long_a_notebook_runs(said, minutes):
    assert stopwatch.waiting(headed(said)) == minutes


def test_a_head_that_says_nothing_of_it_is_refused():
    with pytest.raises(ValueError, match="to run"):
        stopwatch.waiting(headed("no time"))


def test_sounds_are_heard_once():
    said = "Figure: two\nSound: the first (4 s too late) (2.5 s, -20.0 dBFS)\nSound: b (1.0 s, MP3)"
    cell = code("x")
    cell.outputs = [new_output("display_data", data={"text/plain": said})]
    assert measure(cell).sound_seconds == 3.5
    cell.metadata["tags"] = ["solution"]
    assert measure(cell).sound_seconds == 0


def test_a_part_is_the_head_and_the_sections_that_are_named():
    texts = ["intro", "a\n\n## 1. One", "of 1", "of 1, too\n\n## 2. Two", "of 2\n\n## 3. Three"]
    texts += ["of 3", "## Exercises"]
    notebook = headed("a minute", *map(prose, texts))
    taken = [cell.source for cell in stopwatch.part(notebook, [1, 3]).cells[1:]]
    expected = ["intro", "a\n\n", "## 1. One", "of 1", "of 1, too\n\n", "## 3. Three", "of 3"]
    assert taken == expected
    with pytest.raises(ValueError, match="4"):
        stopwatch.part(notebook, [1, 4])


ROUTES = """
| notebook | you leave with | minutes, + exercises |
|---|---|---|
| [01 One](notebooks/01_one.ipynb) | a word | 99 |
| [02 Two](02_two.ipynb) | two, [a link](x) | 9 + 9 |

**The whole course**, 01 to 02, takes 9 hours. Doing its exercises takes 1 minutes more.

**The short path** takes 9 minutes: [01](01_one.ipynb); [02](02_two.ipynb), sections 1, 2 and 4.
It takes 5 minutes otherwise."""


def test_the_routes_and_the_table_are_stated_in_place_of_what_stands_there():
    sections = [prose(f"## {i}. " + "word " * 299) for i in range(1, 5)]
    notebooks = {
        "01": headed("two minutes", prose("word " * 1500), number=1),
        "02": headed("half a minute", *sections, code("None", "exercise"), number=2),
        "90": headed("two minutes", prose("word " * 3000), number=90),
    }
    stated = stopwatch.state_routes(ROUTES, notebooks)
    assert "| a word | 10 |" in stated
    assert "| two, [a link](x) | 8 + 6 |" in stated
    assert "takes 21 minutes. Doing its exercises takes 6 minutes more." in stated
    assert "takes 19 minutes: [01]" in stated
    assert "It takes 5 minutes otherwise." in stated
    assert stopwatch.state_routes(stated, notebooks) == stated


def test_a_route_adds_up_seconds_and_not_rounded_minutes():
    notebook = headed("a minute", *(prose("word " * 55) for _ in range(4)), number=1)
    one, ten = (
        stopwatch.route_minutes(
            {str(i): notebook for i in range(n)}, {str(i): [] for i in range(n)}
        )
        for n in (1, 10)
    )
    assert ten == pytest.approx(10 * one)
    assert one != round(one)


def test_a_lesson_is_divided_among_cells_exercises_and_talk():
    sections = [prose(f"## {i}. " + "word " * 299) for i in range(1, 5)]
    notebooks = {"02": headed("two minutes", *sections, number=2)}
    route = "**45 minutes:** [02](x.ipynb), sections 1, 2 and 4; exercises 1 to 3."
    stated = f"{route} Cells 8, exercises 18, talk 19."
    before, after = (f"a\n\n{route}\n\nb" for route in (f"{route} Cells ?", stated))
    assert stopwatch.state_lessons(before, notebooks) == after
    assert stopwatch.state_lessons(stated, notebooks) == stated
    with pytest.raises(ValueError, match="shorten"):
        stopwatch.state_lessons(stated.replace("45", "20"), notebooks)
    with pytest.raises(ValueError, match="no section"):
        stopwatch.state_lessons(stated.replace("and 4", "and 5"), notebooks)


def test_the_parts_of_an_appendix_are_its_errors():
    texts = ["intro", "## Said wrongly\n\nwhat", "### Error 1: a", "of 1", "### Error 2: b"]
    notebook = headed("a minute", *map(prose, [*texts, "of 2", "## Recap"]), number=90)
    taken = [cell.source for cell in stopwatch.part(notebook, [2]).cells[1:]]
    assert taken == ["intro", "### Error 2: b", "of 2"]
    assert stopwatch.stops("[90](90.ipynb), errors 1, 4 to 6.") == {"90": [1, 4, 5, 6]}


@pytest.mark.parametrize(
    "line", ["It takes 3 hours.", "takes 3 hours, takes 1 minutes, takes 9 hours"]
)
def test_a_line_with_too_few_or_too_many_times_is_refused(line):
    assert stopwatch.state_times("takes 9 hours, takes 90 minutes", [90, 9]) == (
        "takes 90 minutes, takes 9 minutes"
    )
    with pytest.raises(ValueError, match="zip"):
        stopwatch.state_times(line, [90, 9])


def test_a_route_is_read_from_its_line():
    line = "[00](00.ipynb); [04](n/04.ipynb), section 5; [06](06.ipynb), sections 1 to 3, 5 and 7."
    assert stopwatch.stops(line) == {"00": [], "04": [5], "06": [1, 2, 3, 5, 7]}


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(88.6, "89 minutes"), (182, "3 hours"), (273, "4 hours 35 minutes"), (119.9, "120 minutes")],
)
def test_long_times_are_said_in_hours(minutes, said):
    assert stopwatch.clock(minutes) == said
    assert stopwatch.TAKES.sub("", f"takes {said}") == "takes "


def test_the_minutes_are_written_into_heads_routes_and_readme(tmp_path, monkeypatch):
    monkeypatch.setattr(stopwatch, "HERE", tmp_path)
    monkeypatch.setattr(stopwatch, "README", tmp_path / "README.md")
    monkeypatch.setattr("sys.argv", ["stopwatch.py", "--state"])
    (tmp_path / "README.md").write_text(ROUTES, encoding="utf-8")
    sections = [prose(f"## {i}. " + "word " * 299) for i in range(1, 5)]
    (tmp_path.parent / "docs").mkdir(exist_ok=True)
    guide = tmp_path.parent / "docs" / "lessons.md"
    guide.write_text("**45 minutes:** [02](x.ipynb), section 1. Cells ?", encoding="utf-8")
    for name, cells in {
        "00": [prose(ROUTES)],
        "01": [prose("word " * 900)],
        "02": sections,
    }.items():
        nbformat.write(
            headed("two minutes", *cells, number=int(name)), tmp_path / f"{name}_x.ipynb"
        )
    stopwatch.main()
    assert guide.read_text(encoding="utf-8").endswith("Cells 4, exercises 0, talk 41.")
    assert "| a word | 6 |" in (tmp_path / "README.md").read_text(encoding="utf-8")
    start = nbformat.read(tmp_path / "00_x.ipynb", 4)
    assert "| a word | 6 |" in start.cells[1].source
    assert (
        "6 minutes to read; two minutes to run"
        in nbformat.read(tmp_path / "01_x.ipynb", 4).cells[0].source
    )
