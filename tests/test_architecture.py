"""The house: who imports whom, what is typed, who uses what, and that its description is true."""

import ast
import functools
import graphlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
HELPERS = PROJECT / "helpers"
MODULES = sorted(path.stem for path in HELPERS.glob("*.py") if path.stem != "__init__")
TOP = {"interactive", "questions", "checks"}  # readers touch
HEAVY = ("tensorflow", "keras", "librosa", "numba", "sklearn")  # imported only where they are used

# What doesn't keep to a rule yet. An entry that is no longer needed fails, so these lists shrink.
UNTYPED = set()
WRONG_CITATIONS = set()
UNUSED = set()


def each(modules):
    return pytest.mark.parametrize("module", modules)


@functools.cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def module_tree(module):
    return tree(HELPERS / f"{module}.py")


def described():
    """Read the table of modules in CONTRIBUTING.md: what each one may import."""
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("### Modules are activities")[1].split("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", section, re.MULTILINE)
    return {module: set(re.findall(r"`(\w+)`", cell)) for module, cell in rows}


def imported(module):
    """Yield each imported module's dotted name, and whether it is imported at the top level."""
    for node in ast.walk(module_tree(module)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in module_tree(module).body
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node in module_tree(module).body


def public(module):
    """Return the public functions and classes of a module by name."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    nodes = [node for node in module_tree(module).body if isinstance(node, kinds)]
    return {node.name: node for node in nodes if not node.name.startswith("_")}


def methods(node):
    """Return the public methods of a class by name; a function has none."""
    inner = [n for n in getattr(node, "body", []) if isinstance(n, ast.FunctionDef)]
    is_class = isinstance(node, ast.ClassDef)
    return {n.name: n for n in inner if is_class and not n.name.startswith("_")}


def attributes(*trees):
    """Return what code takes out of names, as `module.name`, and all attributes, as `.name`."""
    nodes = [n for t in trees for n in ast.walk(t) if isinstance(n, ast.Attribute)]
    of_names = {f"{n.value.id}.{n.attr}" for n in nodes if isinstance(n.value, ast.Name)}
    return of_names | {f".{n.attr}" for n in nodes}


@functools.cache
def notebooks():
    """Return what the code of each notebook names, by the notebook's number."""
    named = {}
    for path in (PROJECT / "notebooks").glob("[0-9]*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        named[path.name[:2]] = attributes(*map(ast.parse, code))
    return named


def cited(node):
    """Return the numbers of the notebooks that a docstring cites: "Notebooks 05 and 08."."""
    found = re.findall(r"\bNotebooks? (\d\d(?:(?:, | and )\d\d)*)", ast.get_docstring(node) or "")
    return {number for numbers in found for number in re.findall(r"\d\d", numbers)}


@functools.cache
def wrong_citations():
    wrong = set()
    for module in MODULES:
        for name, node in public(module).items():
            uses = {f"{module}.{name}", *(f".{method}" for method in methods(node))}
            if not all(uses & notebooks().get(number, set()) for number in cited(node)):
                wrong.add(f"{module}.{name}")
    return wrong


@functools.cache
def unused():
    """Return what neither the notebooks nor any program uses, and so, at most, its own tests."""
    folders = ("benchmarks", "data/build", "notebooks", ".")
    programs = [path for folder in folders for path in (PROJECT / folder).glob("*.py")]
    named = attributes(*map(module_tree, MODULES), *map(tree, programs)).union(
        *notebooks().values()
    )
    left = set()
    for module in MODULES:
        inside = {n.id for n in ast.walk(module_tree(module)) if isinstance(n, ast.Name)}
        left |= {
            f"{module}.{name}"
            for name in public(module)
            if name not in inside and f"{module}.{name}" not in named
        }
    return left


def untyped(module):
    """Return the public functions and methods of a module that lack a type."""
    functions = {}
    for name, node in public(module).items():
        functions |= {name: node} if isinstance(node, ast.FunctionDef) else {}
        functions |= {f"{name}.{method}": n for method, n in methods(node).items()}
    lacking = set()
    for name, node in functions.items():
        inputs = node.args
        every = [*inputs.posonlyargs, *inputs.args, *inputs.kwonlyargs, inputs.vararg, inputs.kwarg]
        wanted = [a for a in every if a is not None and a.arg not in ("self", "cls")]
        if node.returns is None or any(a.annotation is None for a in wanted):
            lacking.add(name)
    return lacking


def test_every_module_has_its_row():
    assert sorted(described()) == MODULES


@each(MODULES)
def test_a_module_imports_what_its_row_says_and_nothing_else(module):
    names = [name.split(".") for name, _ in imported(module)]
    ours = {name[1] for name in names if name[0] == "helpers" and len(name) > 1}
    assert ours == described().get(module), "CONTRIBUTING.md says otherwise"


def test_imports_run_one_way_and_none_lead_to_the_top_floor():
    list(graphlib.TopologicalSorter(described()).static_order())  # raises where they run in a ring
    for module in set(described()) - TOP:
        assert not TOP & described()[module], module
    assert all("checks" not in row for row in described().values())


@each(MODULES)
def test_heavy_libraries_are_imported_only_when_they_are_used(module):
    for name, at_top in imported(module):
        root = name.split(".")[0]
        assert root not in HEAVY or not at_top, name
        assert root not in ("tensorflow", "keras") or module == "frame_model", name


def test_importing_the_package_loads_nothing():
    code = "import sys, helpers; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    assert run(code) == "[]"


def test_importing_all_modules_loads_nothing_heavy():
    names = ", ".join(f"helpers.{module}" for module in MODULES)
    assert run(f"import sys, {names}; print([m for m in {HEAVY} if m in sys.modules])") == "[]"


def run(code):
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    return result.stdout.strip()


@each(MODULES)
def test_every_public_argument_and_result_has_a_type(module):
    assert bool(untyped(module)) == (module in UNTYPED), untyped(module) or "take it off UNTYPED"


def test_type_checkers_are_told_of_the_types():
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "py.typed" in settings["tool"]["setuptools"]["package-data"]["helpers"]
    assert (HELPERS / "py.typed").exists()
    assert settings["tool"]["mypy"]["disallow_untyped_defs"]


def test_a_docstring_cites_a_notebook_only_if_that_notebook_uses_it():
    assert wrong_citations() == WRONG_CITATIONS


def test_what_is_public_is_used_by_more_than_its_tests():
    assert unused() == UNUSED


def test_nothing_uses_pickle_or_a_shell():
    for module in MODULES:
        text = (HELPERS / f"{module}.py").read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text, module
        assert "shell=True" not in text, module
        roots = {name.split(".")[0] for name, _ in imported(module)}
        assert not {"pickle", "marshal", "shelve"} & roots, module


def test_the_package_stays_small():
    n_lines = sum(len(path.read_text("utf-8").splitlines()) for path in HELPERS.glob("*.py"))
    assert len(MODULES) <= 25
    assert n_lines <= 10_000
