"""Make assignments of the lessons, and grade what was handed in; nbgrader keeps the marks.

`make assignments` writes an assignment for each lesson to course/release/; `make grade` reads
course/submitted/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, and writes course/marks.csv and, for each
student, pages to course/feedback/.

Only answers are taken from what was handed in. They are put into the course's own notebook, of
which just those cells run that the answers and their checks read. So a notebook that takes minutes
to run is graded in seconds, and a check that was edited or deleted changes nothing. It is no
sandbox: an answer runs with the rights of whoever grades it.
"""

import argparse
import ast
import copy
import csv
import hashlib
import json
import logging
import os
import re
import shutil
import symtable
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.notebooknode import NotebookNode
from nbgrader import preprocessors
from nbgrader.api import MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import is_grade, is_solution
from traitlets import Integer
from traitlets.config import Config

from classroom import versions
from helpers import audio, files
from notebooks import stopwatch

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = PROJECT / "notebooks"
COURSE = PROJECT / "course"
LESSONS = "[01][0-9]_*.ipynb"
LIMIT_S = 60
LONGEST_S = 1800  # of a cell of the lesson's own
MOST_TEXT = 100_000  # characters of what a cell prints, or says of an error
MOST_SHOWN = 5_000_000  # characters of all that it shows, pictures and sounds included
TO_STUDENTS = """**To be handed in:** this notebook, under this name. Only the cells above checks
are graded, so write into them whatever an answer needs, imports and functions of your own included.
A check says 1.0 under an answer that is right; each of these is worth one point."""
FRESH = "import importlib\nfrom helpers import checks\nimportlib.reload(checks)\n"


class Marked(NamedTuple):
    """One line of the table of marks; of what can't be graded, there is no mark."""

    student: str
    assignment: str
    mark: float | None
    out_of: float | None
    remark: str


class SubmissionError(ValueError):
    """Says why something that was handed in can't be graded, and what to do."""


def main() -> int:
    """Do what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("assignments", "grade"))
    parser.add_argument("--limit", type=int, default=LIMIT_S, help="seconds for an answer")
    options = parser.parse_args()
    if options.limit < 1:
        parser.error(f"--limit must be at least 1 second, got {options.limit}")
    logging.getLogger("traitlets").addHandler(logging.NullHandler())  # failures are told in full
    try:
        if options.command == "assignments":
            names = make_assignments(COURSE)
            print(f"{len(names)} assignments to hand out: {COURSE / 'release'}")
            return 0
        marks = []
        for marked in grade(COURSE, options.limit):
            print(line(marked), flush=True)
            marks.append(marked)
    except (FileNotFoundError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Marks: {COURSE / 'marks.csv'}; a page for each student: {COURSE / 'feedback'}")
    return 1 if any(marked.mark is None for marked in marks) else 0


def line(marked: Marked) -> str:
    """Write one line of the table of marks."""
    mark = "-" if marked.mark is None else f"{marked.mark:g} of {marked.out_of:g}"
    return f"{marked.student:16} {marked.assignment:26} {mark:8} {marked.remark}".rstrip()


# Making assignments


def make_assignments(course: Path) -> list[str]:
    """Write an assignment for each lesson, and let nbgrader release it; return their names."""
    api, paths = nbgrader(course), sorted(NOTEBOOKS.glob(LESSONS))
    names = [path.stem for path in paths if path.stem[:2] != "00"]
    for name in names:
        made = assignment(versions.student(nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)))
        write(made, course / "source" / name / f"{name}.ipynb")
        result = api.generate_assignment(name)
        if not result["success"]:
            raise RuntimeError(
                f"nbgrader refuses {name}: {reason(result)}. If its exercises have changed since "
                f"it was graded, move {course} away and make the course anew."
            )
    return names


def assignment(notebook: NotebookNode) -> NotebookNode:
    """Split each exercise of a student's notebook into answer, check, and what is heard of it."""
    made = copy.deepcopy(notebook)
    made.cells = [part for cell in notebook.cells for part in split(cell)]
    made.cells.insert(1, nbformat.v4.new_markdown_cell(TO_STUDENTS, id="to-be-handed-in"))
    made.metadata["edition"] = edition(made)
    return made


def split(cell: NotebookNode) -> list[NotebookNode]:
    """Return the parts of an exercise's cell; another cell is one part."""
    if cell.cell_type != "code" or "exercise" not in stopwatch.tags(cell):
        return [cell]
    lines = cell.source.split("\n")
    called = [s for s in ast.parse(cell.source).body if "checks.nb" in ast.unparse(s)]
    if len(called) != 1:
        raise RuntimeError(f"the exercise {cell.id} needs one check, and has {len(called)}")
    first, last = called[0].lineno - 1, called[0].end_lineno
    check = "\n".join(lines[first:last])
    name = re.search(r"checks\.nb\d+_(\w+)", check)[1]
    parts = ["\n".join(lines[:first]), f"float({check})", "\n".join(lines[last:])]
    cells = []
    for i, source in enumerate(parts):
        part = copy.deepcopy(cell)
        part.source, part.id = source.strip("\n"), cell.id + ("", "-check", "-heard")[i]
        if i < 2:
            kind = {"solution": i == 0, "grade": i == 1, "locked": i == 1, "task": False}
            kind |= {"points": 1} if i else {}
            grade_id = f"check-{name}" if i else name
            part.metadata["nbgrader"] = {"schema_version": 3, "grade_id": grade_id, **kind}
        cells += [part] if part.source else []
    return cells


def edition(made: NotebookNode) -> str:
    """Return what changes when the exercises of an assignment do."""
    asked = [[grade_id(cell), cell.source] for cell in made.cells if grade_id(cell)]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def grade_id(cell: NotebookNode) -> str:
    """Return by which name nbgrader knows a cell, if it does."""
    known = cell.metadata.get("nbgrader")
    return str(known.get("grade_id", "")) if isinstance(known, dict) else ""


# Collecting answers


def collect(source: NotebookNode, handed_in: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """Put answers into as much of the course's notebook as they and their checks read.

    Returns
    -------
    collected : NotebookNode
        What is to run.
    remarks : list of str
        Which answers were missing, untouched, or had several cells.
    """
    if "edition" not in handed_in.metadata:
        raise SubmissionError("it wasn't made from this assignment: ask for the one handed out")
    if handed_in.metadata["edition"] != source.metadata["edition"]:
        raise SubmissionError(
            "it was made from another edition, with other exercises: ask for the answers in the "
            "one that is in course/release now"
        )
    answers: dict[str, list[str]] = {}
    for cell in handed_in.cells:
        if cell.cell_type == "code":
            answers.setdefault(grade_id(cell), []).append(cell.source)
    collected, remarks = copy.deepcopy(source), []
    for cell in collected.cells:
        if is_solution(cell):
            found = answers.get(name := grade_id(cell), [])
            if len(found) != 1:
                n = f"{len(found)} cells, joined" if found else "its cell is missing"
                remarks.append(f"{name}: {n}")
            elif found[0].strip() in ("", cell.source.strip()):
                remarks.append(f"{name}: not attempted")
            cell.source = "\n\n".join(found) if found else cell.source
    collected.cells = needed(collected.cells)
    return collected, remarks


def needed(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Keep answers, checks, what stands before them, and the cells that set what those read."""
    kept: list[NotebookNode] = []
    wanted: set[str] = set()
    asked = False  # whether the next cell is an answer
    for cell in reversed(cells):
        is_code, judged = cell.cell_type == "code", is_solution(cell) or is_grade(cell)
        if is_code:
            sets, surely, reads = names(cell.source)
        if (is_code and (judged or sets & wanted)) or (not is_code and asked):
            kept.insert(0, cell)
            wanted = (wanted - surely) | reads if is_code else wanted
        asked = is_solution(cell)
    return kept


class _Scoped(ast.NodeTransformer):
    """Make generators of comprehensions: to any Python, their variables are none of the cell's."""

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.GeneratorExp:
        self.generic_visit(node)
        return ast.GeneratorExp(node.elt, node.generators)

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> ast.GeneratorExp:
        self.generic_visit(node)
        return ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)


def scopes(statement: ast.stmt) -> symtable.SymbolTable:
    """Return the names of a statement, and of each scope in it, the same in any Python."""
    return symtable.symtable(ast.unparse(_Scoped().visit(statement)), "cell", "exec")


def names(source: str) -> tuple[set[str], set[str], set[str]]:
    """Return which names code sets, sets whatever happens, and reads before it has set them.

    What it changes in place, as a list that it appends to, isn't followed.
    """
    sets: set[str] = set()
    surely: set[str] = set()
    reads: set[str] = set()
    try:
        for statement in ast.parse(TransformerManager().transform_cell(source)).body:
            table = scopes(statement)
            found = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
            inner = list(table.get_children())
            while inner:
                scope = inner.pop()
                inner += scope.get_children()
                found |= {s.get_name() for s in scope.get_symbols() if s.is_global()}
            changed = [n.target for n in ast.walk(statement) if isinstance(n, ast.AugAssign)]
            found |= {target.id for target in changed if isinstance(target, ast.Name)}
            new = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
            reads |= found - surely
            sets |= new
            if not isinstance(statement, (ast.If, ast.For, ast.While, ast.Try)):
                surely |= new
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        pass  # it will fail when it is run, and say so itself
    return sets, surely, reads


# Grading


class Run(preprocessors.Execute):
    """Run what was collected, each answer and check no longer than allowed, in a passing folder.

    The folder lies where a notebook does: beside it are a copy of data/ and an outputs/ of its own.
    """

    limit_s = Integer(LIMIT_S).tag(config=True)

    def preprocess(self, nb, resources, km=None):
        """Run a notebook."""
        self.timeout_func = lambda cell: (
            self.limit_s if is_grade(cell) or is_solution(cell) else LONGEST_S
        )
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            shutil.copytree(PROJECT / "data", Path(folder, "data"))
            Path(folder, "work").mkdir()
            there = {"metadata": {"path": str(Path(folder, "work"))}}
            nb, _ = super().preprocess(nb, {**resources, **there}, km)
        return nb, resources

    def preprocess_cell(self, cell, resources, index):
        """Run a cell; a check counts if its answer ran, and its own last result is what counts."""
        self.widget_registry = {}  # else nbclient now and then waits for ever on widgets
        if not is_grade(cell):
            return super().preprocess_cell(cell, resources, index)
        cell.outputs = errors(self.nb.cells[index - 1])[-1:]
        if not cell.outputs:
            source, cell.source = cell.source, FRESH + cell.source
            super().preprocess_cell(cell, resources, index)
            cell.source = source
            printed = [output for output in cell.outputs if output.get("name") == "stdout"]
            results = [o for o in cell.outputs if o.output_type == "execute_result"]
            none = nbformat.v4.new_output("error", **error("NoResult", "the check gave no result"))
            cell.outputs = printed + (errors(cell)[-1:] or results[-1:] or [none])
        return cell, resources

    def output(self, outs, msg, display_id, cell_index):
        """Keep what a cell shows, up to a limit: what is endless may show without end."""
        content = msg["content"]
        if msg["msg_type"] == "error":
            content["evalue"] = content["evalue"][:MOST_TEXT]
            content["traceback"] = [line[:MOST_TEXT] for line in content["traceback"][-20:]]
        elif msg["msg_type"] == "stream":
            if sum(len(output.get("text", "")) for output in outs) > MOST_TEXT:
                return None
        elif "data" in content and len(str(outs)) + len(str(content)) > MOST_SHOWN:
            return None
        return super().output(outs, msg, display_id, cell_index)


def error(name: str, what: str) -> dict[str, str | list[str]]:
    """Return what a cell shows of an error."""
    return {"ename": name, "evalue": what, "traceback": [f"{name}: {what}"]}


def errors(cell: NotebookNode) -> list[NotebookNode]:
    """Return the errors that a cell shows."""
    outputs = cell.get("outputs", [])
    return [output for output in outputs if output.output_type == "error"]


def nbgrader(course: Path, limit_s: int = LIMIT_S) -> NbGraderAPI:
    """Set nbgrader up for a course."""
    warnings.filterwarnings("ignore", module=r"nbgrader\.api")  # of its ways with its database
    scripts = sysconfig.get_path("scripts")  # where nbgrader needs to find Alembic
    if scripts not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join((scripts, os.environ["PATH"]))
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.submitted_directory = "collected"
    config.GenerateAssignment.preprocessors = [  # there are no solutions left to be cleared
        preprocessors.LockCells,
        preprocessors.CheckCellMetadata,
        preprocessors.ComputeChecksums,
        preprocessors.SaveCells,
    ]
    config.Autograde.autograde_preprocessors = [
        Run,
        preprocessors.LimitOutput,
        preprocessors.SaveAutoGrades,
    ]
    config.Run.limit_s = limit_s
    stopped = f"stopped after {limit_s} s"
    config.Run.error_on_timeout = error("CellTimeoutError", stopped)
    config.Run.extra_arguments = ["--log-level=ERROR"]
    config.HTMLExporter.sanitize_html = True  # what answers show is read by others
    return NbGraderAPI(CourseDirectory(config=config), config=config)


def reason(result: dict[str, str]) -> str:
    """Return the last error that nbgrader met."""
    said = (result.get("log", "") + result.get("error", "")).splitlines()
    found = [text for text in map(str.strip, said) if re.match(r"[\w.]+(Error|Exception)\b", text)]
    ours = [text for text in found if "NbGraderException" not in text]
    return (ours or found or ["unknown"])[-1]


def grade(course: Path, limit_s: int = LIMIT_S) -> Iterator[Marked]:
    """Grade all that was handed in and not graded yet; write the table of marks at the end.

    Yields
    ------
    Marked
        One at a time, as they are graded.
    """
    sources = {path.stem: path for path in (course / "source").glob("*/*.ipynb")}
    if not sources:
        raise FileNotFoundError(f"{course} holds no assignments yet: run make assignments")
    loose = [path for path in course.glob("submitted/*") if path.is_file()]
    found = sorted(p for p in [*loose, *course.glob("submitted/*/*")] if p.name[0] not in "._")
    where = course / "submitted" / "STUDENT" / min(sources) / f"{min(sources)}.ipynb"
    if not found:
        raise FileNotFoundError(
            f"nothing was handed in: put each notebook in its student's folder, as in {where}"
        )
    os.environ["TQDM_DISABLE"] = "1"
    api, marks = nbgrader(course, limit_s), []
    for folder in found:
        who, name = audio.shown(folder.parent.name), audio.shown(folder.name)
        try:
            if folder.is_file():
                raise SubmissionError(f"put it in its student's folder, as in {where}")
            marked = grade_one(api, course, folder, sources, limit_s)
        except SubmissionError as error:
            marked = Marked(who, name, None, None, f"not graded: {error}")
        except Exception as error:  # whatever one of them does, the others are graded
            why = f"not graded: {type(error).__name__}: {error}"
            marked = Marked(who, name, None, None, why[:MOST_TEXT])
        yield marked
        marks.append(marked)
    with (
        files.replacing(course / "marks.csv") as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file).writerows([Marked._fields, *marks])


def grade_one(
    api: NbGraderAPI, course: Path, folder: Path, sources: dict[str, Path], limit_s: int
) -> Marked:
    """Grade one student's assignment, if anything has changed since it was graded."""
    who, name = folder.parent.name, folder.name
    if not re.fullmatch(r"[\w@-]([\w@. -]*[\w@-])?", who):
        raise SubmissionError("rename the student's folder: letters, digits, - _ . @ and spaces")
    if name not in sources:
        raise SubmissionError(f"no such assignment; there are {', '.join(sorted(sources))}")
    collected, remarks = collect(nbformat.read(sources[name], 4), read(folder / f"{name}.ipynb"))
    collected.metadata["limit_s"] = limit_s  # where it is another, all is graded again
    place = Path(who, name, f"{name}.ipynb")
    kept, graded = course / "collected" / place, course / "autograded" / place
    page, text = course / "feedback" / place.with_suffix(".html"), nbformat.writes(collected)
    is_done = page.exists() and graded.exists() and score(api, who, name)
    if not (is_done and kept.exists() and kept.read_text(encoding="utf-8") == text):
        page.unlink(missing_ok=True)  # it is made last: where there is one, all went well
        write(collected, kept)
        for step in (api.autograde, api.generate_feedback):
            if not (result := step(name, who))["success"]:
                raise SubmissionError(
                    f"{reason(result).rstrip('.')}. Does one of its answers end Python, refuse to "
                    "be stopped, or use up the memory? Empty its cell, and run make grade again"
                )
    for cell in nbformat.read(graded, 4).cells:
        if is_grade(cell) and errors(cell):
            last = errors(cell)[-1]
            what = last.evalue if last.ename == "CellTimeoutError" else last.ename
            remarks.append(f"{grade_id(cell).removeprefix('check-')}: {what}")
    return Marked(who, name, *score(api, who, name), "; ".join(remarks))


def score(api: NbGraderAPI, who: str, name: str) -> tuple[float, ...]:
    """Look up a mark and the highest one in the gradebook; nothing if it isn't there."""
    with api.gradebook as book:
        try:
            submission = book.find_submission(name, who)
        except MissingEntry:
            return ()
        return submission.score, submission.max_score


def read(path: Path) -> NotebookNode:
    """Read a notebook that was handed in."""
    if path.exists() and not path.is_file():
        raise SubmissionError(f"{path.name} is no file: ask for it again")
    if not path.is_file():
        found = ", ".join(audio.shown(other.name) for other in sorted(path.parent.glob("*")))
        raise SubmissionError(
            f"{path.name} is wanted here; found: {found or 'nothing'}. Rename or add it"
        )
    try:
        notebook = nbformat.read(path, 4)
        nbformat.validate(notebook)
        nbformat.writes(notebook).encode("utf-8")  # which half of a character can't be
    except Exception as error:  # nbformat fails in many ways on what is no notebook
        why = f"{path.name} can't be read as a notebook: ask for it again"
        raise SubmissionError(why) from error
    return notebook


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    with files.replacing(path) as temporary:
        temporary.write_text(nbformat.writes(notebook), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
