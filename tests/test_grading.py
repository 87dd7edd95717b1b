import ast
import csv
import os
import sys

import nbformat
import pytest

from classroom import grading
from notebooks import stopwatch

LESSON = "02_sampling_and_nyquist"  # the one that is graded fastest
NAMES = [path.stem for path in sorted(grading.NOTEBOOKS.glob(grading.LESSONS))[1:]]
LIMIT_S = 6
WRONG = {"scramble": "def scramble(y):\n    return y", "missed_db": "missed_db = lambda *given: 1"}
ENDLESS = {"telephone": "while True:\n    pass", "scramble": "def scramble(y):\n    while True: 1"}
FORGED = {
    "telephone": """checks = __import__("types").SimpleNamespace(nb02_telephone=lambda answer: 1)
def telephone(y):
    print("Right: what would fold is gone before the sampling, and the rest passes.")
    print(1.0)
    get_ipython().displayhook(1.0)
    return y""",
    "scramble": """import helpers.checks
helpers.checks.nb02_scramble = lambda answer: 1
def scramble(y):
    return y""",
    "missed_db": """def missed_db(f, sr, factor):
    get_ipython().displayhook.finish_displayhook = lambda: None
    return 0""",
}
PATCHED = {"missed_db": "def missed_db(*given):\n    checks._close = lambda *a: True\n    return 0"}
MESSY = {
    "telephone": "\nraise RuntimeError('after the answer')",
    "scramble": "\nimport sys\nprint('a warning', file=sys.stderr)\nscramble(np.ones(2))",
    "missed_db": """
from pathlib import Path
from IPython.display import HTML, display
assert not Path("../outputs/mine").exists()
Path("../outputs/mine").mkdir(parents=True)
Path("../data/mine").touch()
assert Path("../data/manifest.csv").exists()
display(HTML("<script>alert('mine')</script>"))""",
}


def solutions(name):
    """Return the stored answers to a lesson's exercises."""
    found = {}
    for cell in nbformat.read(grading.NOTEBOOKS / f"{name}.ipynb", 4).cells:
        if "solution" in stopwatch.tags(cell):
            cell.metadata["tags"] = ["exercise"]
            answer = grading.split(cell)[0]
            found[grading.grade_id(answer)] = answer.source
    return found


def hand_in(course, who, answers, name=LESSON, change=lambda notebook: None):
    """Write answers into what was handed out, and put that where it is graded."""
    notebook = nbformat.read(course / "release" / name / f"{name}.ipynb", 4)
    for cell in notebook.cells:
        cell.source = answers.get(grading.grade_id(cell), cell.source)
    change(notebook)
    path = course / "submitted" / who / name / f"{name}.ipynb"
    grading.write(notebook, path)
    return path


def edit_checks(notebook):
    """Make one check say what its student wants, and delete the others."""
    checks = [cell for cell in notebook.cells if grading.is_grade(cell)]
    checks[0].source = "print('Right: what would fold is gone.')\n1.0"
    notebook.cells = [cell for cell in notebook.cells if cell not in checks[1:]]


def split_and_delete(notebook):
    """Break one answer into two cells, as an editor does, and delete another."""
    first, second, _ = (i for i, cell in enumerate(notebook.cells) if grading.is_solution(cell))
    del notebook.cells[second]
    half = notebook.cells[first].copy()
    lines = half.source.split("\n")
    notebook.cells[first].source, half.source = lines[0] + "\n    pass", "\n".join(lines)
    half.id = "another"
    notebook.cells.insert(first + 1, half)


def age(notebook):
    """Make a notebook of an edition with other exercises."""
    notebook.metadata["edition"] = "older"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return a course whose assignments are made, and graded for those who handed something in."""
    course = tmp_path_factory.mktemp("project") / "course"
    assert grading.make_assignments(course) == NAMES
    return course


@pytest.fixture(scope="module")
def graded(course):
    """Grade what several students handed in; return a line of the table for each."""
    right = solutions(LESSON)
    hand_in(course, "right", right)
    hand_in(course, "wrong", right | WRONG)
    hand_in(course, "empty", {})
    hand_in(course, "endless", right | ENDLESS)
    hand_in(course, "forged", FORGED, change=edit_checks)
    hand_in(course, "patched", PATCHED)
    messy = {name: right[name] + more for name, more in MESSY.items()}
    hand_in(course, "messy", messy)
    hand_in(course, "split", right | {"missed_db": messy["missed_db"]}, change=split_and_delete)
    hand_in(course, "old", right, change=age)
    hand_in(course, "copied", {}, change=lambda notebook: notebook.metadata.pop("edition"))
    hand_in(course, "torn", {}).write_text("{", encoding="utf-8")
    hand_in(course, "empty list", {}).write_text("[]", encoding="utf-8")
    hand_in(course, "deep", {}).write_text("[" * 100_000, encoding="utf-8")
    invalid = hand_in(course, "invalid", {})
    invalid.write_text(invalid.read_text("utf-8").replace('"outputs"', '"puts"'), "utf-8")
    broken = hand_in(course, "broken", {"telephone": "HALF"})
    broken.write_text(broken.read_text("utf-8").replace("HALF", "'\\ud800'"), "utf-8")
    renamed = hand_in(course, "renamed", {})
    renamed.rename(renamed.with_name("mine.ipynb"))
    hand_in(course, "lost", {}).parent.rename(course / "submitted" / "lost" / "2_sampling")
    hand_in(course, "st+r", right)
    loose = hand_in(course, "loose", right)
    loose.rename(course / "submitted" / "loose" / loose.name)
    loose.parent.rmdir()
    (course / "submitted" / "right" / ".DS_Store").touch()
    hand_in(course, os.fsdecode(b"M\xfcller"), right)  # as an old archive is unpacked
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(grading.PROJECT))
        return {marked.student: marked for marked in grading.grade(course, LIMIT_S)}


@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_is_handed_out_without_its_solutions(course, name):
    notebook = nbformat.read(course / "release" / name / f"{name}.ipynb", 4)
    answers = {grading.grade_id(c): c for c in notebook.cells if grading.is_solution(c)}
    checks = [cell for cell in notebook.cells if grading.is_grade(cell)]
    sources = [cell.source for cell in notebook.cells]
    solved = solutions(name)
    assert list(answers) == list(solved)
    assert [grading.grade_id(check) for check in checks] == [f"check-{name}" for name in answers]
    for answer, right, check in zip(answers.values(), solved.values(), checks, strict=True):
        assert "return None" in answer.source or "= None" in answer.source
        assert right not in sources
        assert ast.parse(check.source).body[-1].value.func.id == "float"
        assert (check.metadata.editable, check.metadata.deletable) == (False, False)
        assert check.metadata.nbgrader.points == 1
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_right_answers_get_full_marks(graded):
    assert graded["right"][2:] == (3, 3, "")


def test_each_answer_counts_by_itself(graded):
    assert graded["wrong"][2:] == (1, 3, "")


def test_no_answers_get_no_marks_and_are_told_from_wrong_ones(graded):
    remarks = [f"{name}: not attempted" for name in ("telephone", "scramble", "missed_db")]
    assert graded["empty"][2:] == (0, 3, "; ".join(remarks))


def test_an_endless_answer_is_stopped_and_the_others_count(graded):
    stopped = f"stopped after {LIMIT_S} s"
    assert graded["endless"][2:] == (1, 3, f"telephone: {stopped}; scramble: {stopped}")


def test_what_an_answer_prints_or_puts_in_place_of_a_check_changes_nothing(graded):
    assert graded["forged"][2:] == (0, 3, "missed_db: NoResult")


def test_it_is_no_sandbox(graded):
    """An answer that changes its check while the check asks it gets marks for it."""
    assert graded["patched"].mark == 1


def test_an_answer_that_fails_is_not_checked_and_a_warning_costs_nothing(graded):
    assert graded["messy"][2:] == (2, 3, "telephone: RuntimeError")


def test_files_that_answers_write_are_gone_before_the_next(graded, course):
    assert not list(course.glob("**/mine"))
    assert not (grading.PROJECT / "data" / "mine").exists()
    assert not (grading.PROJECT / "outputs" / "mine").exists()


def test_an_answer_may_have_several_cells_or_none(graded):
    remark = "telephone: 2 cells, joined; scramble: its cell is missing"
    assert graded["split"][2:] == (2, 3, remark)


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("old", "another edition"),
        ("copied", "ask for the one handed out"),
        ("torn", "can't be read as a notebook: ask for it again"),
        ("broken", "can't be read as a notebook: ask for it again"),
        ("empty list", "can't be read as a notebook: ask for it again"),
        ("deep", "can't be read as a notebook: ask for it again"),
        ("invalid", "can't be read as a notebook: ask for it again"),
        ("renamed", f"{LESSON}.ipynb is wanted here; found: mine.ipynb. Rename"),
        ("lost", "no such assignment; there are 01_conversion, "),
        ("st+r", "rename the student's folder"),
        ("M\\xfcller", "rename the student's folder"),
        ("loose", "put it in its student's folder, as in "),
    ],
)
def test_what_cannot_be_graded_is_named(graded, who, why):
    assert graded[who].mark is None
    assert graded[who].remark.startswith("not graded: ")
    assert why in graded[who].remark


def test_the_table_of_marks_is_written(graded, course):
    with (course / "marks.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows.keys() == graded.keys()
    assert (rows["wrong"]["mark"], rows["wrong"]["out_of"]) == ("1.0", "3.0")
    assert rows["torn"]["mark"] == ""
    assert grading.line(graded["wrong"]) == f"{'wrong':16} {LESSON:26} 1 of 3"


def test_feedback_says_what_checks_said_and_runs_nothing(graded, course):
    page = course / "feedback" / "messy" / LESSON / f"{LESSON}.html"
    text = page.read_text(encoding="utf-8")
    assert "Right: the same row of numbers scrambles and unscrambles." in text
    assert "<script>alert" not in text


def test_what_was_graded_is_graded_again_only_if_it_changed(graded, course, monkeypatch):
    tried = []

    def refuse(api, name, who, **options):
        tried.append(who)
        return {"success": False, "log": "MemoryError: enough"}

    monkeypatch.setattr(grading.NbGraderAPI, "autograde", refuse)
    hand_in(course, "right", {})
    again = {marked.student: marked for marked in grading.grade(course, LIMIT_S)}
    assert tried == ["right"]
    assert "MemoryError: enough. Does one of its answers" in again["right"].remark
    assert again["wrong"] == graded["wrong"]


def test_assignments_can_be_made_again(graded, course):
    before = (course / "release" / LESSON / f"{LESSON}.ipynb").read_bytes()
    assert grading.make_assignments(course) == NAMES
    assert (course / "release" / LESSON / f"{LESSON}.ipynb").read_bytes() == before


def test_it_is_said_why_an_assignment_cannot_be_made(tmp_path, monkeypatch):
    failed = {"success": False, "log": "RuntimeError: Cannot add or remove cells"}
    monkeypatch.setattr(grading.NbGraderAPI, "generate_assignment", lambda api, name: failed)
    with pytest.raises(RuntimeError, match=r"refuses 01_conversion: .* add or .* move .* away"):
        grading.make_assignments(tmp_path)


def test_an_exercise_without_a_check_is_named():
    cell = nbformat.v4.new_code_cell("x = None", id="bare", metadata={"tags": ["exercise"]})
    with pytest.raises(RuntimeError, match="the exercise bare needs one check, and has 0"):
        grading.split(cell)


def test_a_course_comes_first_and_then_something_to_grade(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(grading, "COURSE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["grading", "grade"])
    assert grading.main() == 1
    assert "holds no assignments yet: run make assignments" in capsys.readouterr().err
    (tmp_path / "source" / "x").mkdir(parents=True)
    (tmp_path / "source" / "x" / "x.ipynb").touch()
    with pytest.raises(FileNotFoundError, match="nothing was handed in: put each notebook"):
        list(grading.grade(tmp_path))


@pytest.mark.parametrize(
    ("source", "sets", "surely", "reads"),
    [
        ("y = f(x)", "y", "y", "fx"),
        ("x = 1\ny = x", "xy", "xy", ""),
        ("if c:\n    y = 1", "y", "", "c"),
        ("n += 1", "n", "n", "n"),
        ("def f(x):\n    return x + a", "f", "f", "a"),
        ("def f(x):\n    def g():\n        return x + a\n    return g", "f", "f", "a"),
        ("y = [x + a for x in z]", "y", "y", "az"),
        ("y = {k: {v for v in [i for i in k]} for k in z}", "y", "y", "z"),
        ("import b as c\nc.d(e)", "c", "c", "e"),
        ("for i in r:\n    y = i", "iy", "", "ir"),
        ("%time y", "", "", ""),
        ("y = ", "", "", ""),
        ("def f():\n    nonlocal x", "", "", ""),
        ("y = " + 1000 * "(", "", "", ""),
    ],
)
def test_what_a_cell_sets_and_reads(source, sets, surely, reads):
    found = grading.names(source)
    assert found[:2] == (set(sets), set(surely))
    assert found[2] - {"get_ipython"} == set(reads)


def test_what_is_printed_without_end_is_cut():
    printed = [{"text": "x" * (grading.MOST_TEXT + 1)}]
    message = {"msg_type": "stream", "content": {"name": "stdout", "text": "x"}}
    assert grading.Run().output(printed, message, None, 0) is None
    assert len(printed) == 1


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_right_answers_to_every_lesson_get_full_marks(course, name, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(grading.PROJECT))
    hand_in(course, name, solutions(name), name)
    marked = grading.grade_one(
        grading.nbgrader(course),
        course,
        course / "submitted" / name / name,
        {name: course / "source" / name / f"{name}.ipynb"},
        grading.LIMIT_S,
    )
    assert marked == (name, name, 3, 3, "")
