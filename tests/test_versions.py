"""The student's and the instructor's version; and what can be left out, is: deeper cells, too."""

import ast
import builtins
import copy
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from classroom import grading, versions
from notebooks import copies, execute

PROJECT = Path(__file__).parent.parent
PATHS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
NOTEBOOKS = {path: nbformat.read(path, 4) for path in PATHS}

BLANK = re.compile(r"^(    return None|[\w, ]+ = None(, None)*)(  #.*)?$", re.MULTILINE)
DOCSTRING = re.compile(r'^    """.*"""\n', re.MULTILINE)
# True in both versions:
GIVEN = "Where solutions are given, each follows, collapsed; once run, it replaces yours."
QUICK = {("02", "student"), ("03", "student"), ("03", "without deeper")}  # ten seconds each


def without_deeper(notebook):
    version = copy.deepcopy(notebook)
    version.cells = [cell for cell in version.cells if "deeper" not in execute.tags(cell)]
    return version


SHORTER = {"student": versions.student, "without deeper": without_deeper}
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
shorter = pytest.mark.parametrize("name", SHORTER)


def code_cells(notebook, *tags):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in code if set(tags) <= execute.tags(cell)]


def without_outputs(cell):
    return {k: v for k, v in cell.items() if k not in ("outputs", "execution_count")}


# What the versions are.


def converted(convert, path):
    """Return a notebook, which must stay as it is, and its version."""
    notebook = copy.deepcopy(NOTEBOOKS[path])
    version = convert(notebook)
    assert notebook == NOTEBOOKS[path], "what goes in stays as it is"
    nbformat.validate(version)
    return notebook, version


@each
def test_the_students_version_lacks_solutions_and_outputs_and_nothing_else(path):
    notebook, version = converted(versions.student, path)
    kept = [cell for cell in notebook.cells if "solution" not in execute.tags(cell)]
    assert list(map(without_outputs, version.cells)) == list(map(without_outputs, kept))
    assert [c.id for c in code_cells(version) if c.outputs or c.execution_count] == []
    assert version.metadata == {k: v for k, v in notebook.metadata.items() if k != "widgets"}


@each
def test_the_instructors_version_has_everything_and_unfolds_the_solutions(path):
    notebook, version = converted(versions.instructor, path)
    assert not any("jupyter" in cell.metadata for cell in code_cells(version, "solution"))
    for cell in code_cells(version, "solution"):
        cell.metadata["jupyter"] = {"source_hidden": True}
    assert version == notebook


@each
def test_the_students_version_speaks_of_no_solution(path):
    for cell in versions.student(NOTEBOOKS[path]).cells:
        assert not re.search(r"\bsolutions?\b", cell.source.replace(GIVEN, "")), cell.source


@each
def test_a_solution_is_its_stub_with_the_blank_filled_in(path):
    """It may lose the stub's docstring, and show more below; nothing else differs."""
    cells = NOTEBOOKS[path].cells
    solutions = code_cells(NOTEBOOKS[path], "solution")
    stubs = code_cells(NOTEBOOKS[path], "exercise")
    assert [cells.index(cell) + 1 for cell in stubs] == list(map(cells.index, solutions))
    for stub, solution in zip(stubs, solutions, strict=True):
        source = DOCSTRING.sub("", stub.source)
        (blank,) = BLANK.finditer(source)
        before, after = source[: blank.start()], source[blank.end() :]
        assert after.count("\nchecks.nb") == 1, source
        assert solution.source.startswith(before), solution.source
        answer, found, more = solution.source[len(before) :].partition(after)
        assert found, f"{solution.source}\n\nlacks\n{after}"
        assert not more or more.startswith("\n"), more
        assert answer.strip() not in ("", blank[0].strip()), solution.source


# The files that are made of them.


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "PROJECT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", versions.VERSIONS)
def test_all_notebooks_are_written_where_their_links_and_paths_hold(folder, capsys, name):
    assert versions.main([name]) == 0
    written = sorted(path.name for path in (folder / name).glob("*.ipynb"))
    assert written == [path.name for path in PATHS]
    for path in PATHS:
        made = nbformat.read(folder / name / path.name, 4)
        assert made == versions.VERSIONS[name](NOTEBOOKS[path])
    assert capsys.readouterr().out == f"The {name}'s version is in {folder / name}\n"
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"{name}/" in ignored


def test_what_a_student_wrote_is_never_overwritten(folder, monkeypatch, capsys):
    editions = folder / "notebooks"
    editions.mkdir()
    monkeypatch.setattr(copies, "EDITIONS", editions)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = None")])
    nbformat.write(notebook, editions / "01_a.ipynb")
    versions.main(["student"])
    mine = folder / "student" / "01_a.ipynb"
    notebook.cells[0].source = "x = 1  # mine"
    nbformat.write(notebook, mine)
    notebook.cells[0].source = "x, y = None, None"
    nbformat.write(notebook, editions / "01_a.ipynb")
    capsys.readouterr()
    versions.main(["student"])
    assert nbformat.read(mine, 4).cells[0].source == "x = 1  # mine"
    newer = nbformat.read(folder / "student" / "01_a (newer edition).ipynb", 4)
    assert newer.cells[0].source == "x, y = None, None"
    assert "You have edited 01_a.ipynb" in capsys.readouterr().out


# They run. First what can be seen without running them.


def looked_up(table, later=False):
    """Yield the names that code looks up in the notebook, and whether only once it is called."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name(), later
    for child in table.get_children():
        at_once = child.get_name() in ("listcomp", "setcomp", "dictcomp", "genexpr")
        yield from looked_up(child, later or not at_once)


def missing(cells):
    """Return the names that cells look up before Python or one of them has defined them."""
    known, lacking, called = {*dir(builtins), "display"}, [], []
    for cell in cells:
        for statement in ast.parse(cell.source).body:
            table = grading.scopes(statement)
            symbols = table.get_symbols()
            made = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
            plain = isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr)
            walrus = {n.target.id for n in ast.walk(statement) if isinstance(n, ast.NamedExpr)}
            defined = known | (walrus if plain else made)  # a loop knows its variable
            names = [(name, later) for name, later in looked_up(table) if name not in defined]
            lacking += [(cell.id, name) for name, later in names if not later]
            called += [(cell.id, name) for name, later in names if later]
            known |= made
    return lacking + [(cell, name) for cell, name in called if name not in known]


@shorter
@each
def test_a_name_that_is_used_is_defined_in_a_cell_that_stays(path, name):
    assert missing(code_cells(SHORTER[name](NOTEBOOKS[path]))) == []


def test_a_name_that_left_is_missed():
    cells = [nbformat.v4.new_code_cell(s) for s in ("n = 1", "n = n + m", "def f():\n    return k")]
    assert sorted(name for _, name in missing(cells)) == ["k", "m"]
    assert sorted(name for _, name in missing(cells[1:])) == ["k", "m", "n"]
    assert missing([*cells[2:], nbformat.v4.new_code_cell("k = 1\nf()")]) == []


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of what notebooks need, so that nothing is written to the real outputs/."""
    copied = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT / "data", copied / "data")
    shutil.copy(PROJECT / "requirements.txt", copied)
    (copied / "notebooks").mkdir()
    return copied


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param(
            path,
            name,
            id=f"{path.stem}-{name}",
            marks=[] if (path.name[:2], name) in QUICK else pytest.mark.long,
        )
        for path in PATHS
        for name in SHORTER
        if len(SHORTER[name](NOTEBOOKS[path]).cells) < len(NOTEBOOKS[path].cells)
    ],
)
def test_it_runs_from_top_to_bottom(path, name, project, monkeypatch):
    monkeypatch.setattr(execute, "HERE", project / "notebooks")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    notebook = SHORTER[name](NOTEBOOKS[path])
    execute.execute(notebook)
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.get("name") != "stderr", (cell.source, output.text)
    said = json.dumps([cell.outputs for cell in code_cells(notebook, "exercise")])
    assert said.count("Not attempted yet") == len(code_cells(notebook, "exercise"))
