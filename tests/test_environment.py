import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PROJECT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
PINS = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
PINNED = {
    r.name.lower().replace("_", "-"): r
    for r in map(Requirement, re.findall(r"^[^#\n].*$", PINS, re.MULTILINE))
}
NEEDED = [
    Requirement(text)
    for text in PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["dev"]
]


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
        assert version(PINNED[needed.name.lower()]) in needed.specifier, needed


def test_conda_gives_python_and_pip_and_pip_gives_the_pins():
    plain = [entry for entry in CONDA["dependencies"] if isinstance(entry, str)]
    assert {re.split("[=<>]", entry)[0] for entry in plain} == {"python", "pip"}
    python = next(entry for entry in plain if entry.startswith("python=")).split("=")[1]
    assert python in SpecifierSet(PYPROJECT["project"]["requires-python"])
    assert CONDA["dependencies"][-1] == {"pip": ["-r requirements.txt", "-e ."]}
    assert CONDA["name"] == PYPROJECT["project"]["name"]


def test_each_platform_gets_one_tensorflow():
    for system, machine, expected in [
        ("linux", "x86_64", "tensorflow-cpu"),
        ("linux", "aarch64", "tensorflow"),
        ("darwin", "arm64", "tensorflow"),
        ("win32", "AMD64", "tensorflow-cpu"),
    ]:
        for requirements in (NEEDED, PINNED.values()):
            found = [
                r.name
                for r in requirements
                if r.name in ("tensorflow", "tensorflow-cpu") and applies(r, system, machine)
            ]
            assert found == [expected], (system, machine)


def test_pins_name_no_host_and_no_path():
    assert not re.search(r"https?:|file:|--(extra-)?index|--find-links| @ ", PINS)
