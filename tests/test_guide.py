"""The teacher's guide says what the stored notebooks say, and its minutes are the stopwatch's."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from notebooks import stopwatch

PROJECT = Path(__file__).parent.parent
LESSONS = (PROJECT / "docs" / "lessons.md").read_text(encoding="utf-8")
TEACHING = (PROJECT / "docs" / "teaching.md").read_text(encoding="utf-8")
PATHS = {path.name[:2]: path for path in sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))}
NOTEBOOKS = {number: nbformat.read(path, 4) for number, path in PATHS.items()}


PARTS = ("**Goal.**", "**45 minutes:**", "**90 minutes:**", "**Before class.**", "**Run live.**")
PARTS += ("**Mistakes, and what to say.**", "**Discuss.**", "**Homework** (")


def lesson(number):
    """Return what the guide says of a notebook."""
    return re.search(rf"^## {int(number)} · .*?(?=^## |\Z)", LESSONS, re.MULTILINE | re.DOTALL)[0]


def plain(text):
    """Write a text as it is said: one kind of space, no marks."""
    return re.sub(r"\s+", " ", re.sub(r"[*`]", "", text))


def seen(notebook):
    """Return all that stands in a notebook: what its cells hold and print."""
    texts = []
    for cell in notebook.cells:
        texts.append(cell.source)
        for output in cell.get("outputs", []):
            texts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return plain("\n".join(texts))


def predictions(notebook):
    """List the predictions of a notebook: section, last question, answer (None: not constant)."""
    section, found = "-", []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^(?:## |### Error )(\d+)", cell.source, re.MULTILINE)
            section = headings[-1] if headings else section
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "questions.predict":
                sentences = re.split(r"(?<=[.?!]) ", ast.literal_eval(node.args[0]))
                asked = [sentence for sentence in sentences if sentence.endswith("?")][-1]
                said = {keyword.arg: keyword.value for keyword in node.keywords}.get("answer")
                found.append((section, asked, getattr(said, "value", None)))
                if isinstance(said, ast.Subscript):
                    found[-1] = (section, asked, None)
    return found


def test_every_notebook_has_a_lesson_of_the_same_anatomy():
    headings = re.findall(r"^## (\d+) · (.*)$", LESSONS, re.MULTILINE)
    titles = [notebook.cells[0].source.split("\n")[0] for notebook in NOTEBOOKS.values()]
    assert [f"# {number} · {title}" for number, title in headings] == titles
    for number in NOTEBOOKS:
        places = [lesson(number).find(part) for part in PARTS]
        assert places == sorted(places), number
        assert min(places) > 0, number
        mistakes = lesson(number).split(PARTS[5])[1].split(PARTS[6])[0]
        assert re.findall(r"^(\d)\. ", mistakes, re.MULTILINE) == list("12345"), number


def test_the_minutes_of_the_routes_are_the_stopwatch_s():
    assert stopwatch.state_lessons(LESSONS, NOTEBOOKS) == LESSONS
    assert stopwatch.state_lessons(TEACHING, NOTEBOOKS) == TEACHING
    assert len(re.findall(r"^\*\*(?:45|90) minutes:\*\*", LESSONS, re.MULTILINE)) == 24


def test_a_route_names_exercises_that_its_notebook_has():
    for line in re.findall(r"^\*\*\d\d minutes:\*\* .*(?= Cells)", LESSONS, re.MULTILINE):
        named = re.findall(rf"exercises? {stopwatch.SPANS}", line)
        chosen = [k for which in named for k in stopwatch.spread(which)]
        text = "\n".join(cell.source for cell in NOTEBOOKS[next(iter(stopwatch.stops(line)))].cells)
        for k in chosen:
            assert re.search(rf"\*\*(Exercise )?{k}(:| ·)", text), (line, k)


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_every_prediction_stands_there_with_its_answer(number):
    rows = [
        [plain(part).strip() for part in row.strip("|").split(" | ")]
        for row in lesson(number).split("\n")
        if row.startswith("| ")
    ]
    there = {(row[0].lstrip("| "), row[1]): row for row in rows if len(row) == 4}
    for section, asked, answer in predictions(NOTEBOOKS[number]):
        row = there.pop((section, plain(asked).strip()), None)
        assert row, (section, asked)
        assert answer is None or row[2] == plain(answer)
        assert len(row[3]) > 20
    assert [row for row in there if row[0] != "§"] == []


def test_the_plan_of_the_model_lesson_fills_its_minutes():
    spans = re.findall(r"^\| (\d+)-(\d+) \|", lesson("03"), re.MULTILINE)
    ends = [end for _, end in spans]
    assert ["0", *ends] == [*(begin for begin, _ in spans), "45"]
    plan = lesson("03").split("**The plan for 90 minutes.**")[1].split("\n")[0]
    spans = re.findall(r"(\d+)-(\d+)[;:)]", plan)
    assert [begin for begin, _ in spans] == ["43", *(end for _, end in spans[:-1])]
    assert spans[-1][1] == "90"


def hints():
    """Return all that the checks say."""
    source = (PROJECT / "helpers" / "checks.py").read_text(encoding="utf-8")
    constants = [
        node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)
    ]
    return plain("\n".join(text for text in constants if isinstance(text, str)))


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_what_a_mistake_quotes_is_said_by_a_check_or_the_notebook(number):
    mistakes = lesson(number).split(PARTS[5])[1].split(PARTS[6])[0]
    said = hints() + seen(NOTEBOOKS[number])
    for quoted in re.findall(r'"([^"]{6,})"', mistakes):
        assert plain(quoted).rstrip(".,") in said or quoted == "difference"


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_numbers_set_as_code_stand_in_the_notebook(number):
    for named in re.findall(r"`([^`\n]*\d[^`\n]*)`", lesson(number)):
        if "/" not in named:
            assert plain(named) in re.sub(r" +", " ", seen(NOTEBOOKS[number])), named


CODER, *LONGER = re.findall(r"^```python\n(.*?)^```$", TEACHING, re.MULTILINE | re.DOTALL)
PROGRAMS = [CODER, *(pytest.param(program, marks=pytest.mark.long) for program in LONGER)]


@pytest.mark.parametrize("program", PROGRAMS, ids=["coder", "table", "portrait"])
def test_the_first_steps_of_the_projects_print_what_the_guide_says(program, monkeypatch, capsys):
    monkeypatch.chdir(PROJECT / "notebooks")
    exec(compile(program, "teaching.md", "exec"), {})
    assert f"`{capsys.readouterr().out.strip()}`" in TEACHING


def test_the_course_has_ten_lessons_and_the_survey_ten_questions():
    rows = re.findall(r"^\| (\d+) \| ", TEACHING.split("## A course")[1].split("\n## ")[0], re.M)
    assert rows == [str(k) for k in range(1, 11)]
    survey = TEACHING.split("## A survey")[1]
    asked = re.findall(r"^(\d+)\. ", survey.split("**Answers")[0], re.MULTILINE)
    assert asked == [str(k) for k in range(1, 11)]
