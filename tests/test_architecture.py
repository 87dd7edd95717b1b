import ast
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).parent.parent / "helpers"
MAY_IMPORT = {
    "audio": {"decoding"},
    "datasets": {"audio"},
    "sampling": {"audio"},
    "transforms": set(),
    "notes": {"transforms"},
    "synthesis": {"files", "notes", "transforms"},
    "files": set(),
    "midi": {"files"},
    "sequences": set(),
    "frame_model": {"files", "sequences"},
    "note_features": {"notes"},
    "note_model": {"frame_model", "note_features", "notes"},
    "sound_metrics": {"transforms"},
    "note_metrics": {"sound_metrics"},
    "plotting": {"transforms"},
    "interactive": {"audio", "files", "plotting", "sampling", "transforms"},
    "checks": set(),
    "decoding": set(),
}


def imported(path):
    """Yield each imported module's dotted name, and whether it is imported at the top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in tree.body
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node in tree.body


def test_every_module_has_its_row():
    assert {path.stem for path in HELPERS.glob("*.py")} - {"__init__"} == set(MAY_IMPORT)


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_a_module_imports_only_what_its_row_allows(module):
    names = [name.split(".") for name, _ in imported(HELPERS / f"{module}.py")]
    ours = {name[1] for name in names if name[0] == "helpers" and len(name) > 1}
    assert ours <= MAY_IMPORT[module]


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_tensorflow_is_imported_by_frame_model_alone_and_only_when_called(module):
    for name, at_top in imported(HELPERS / f"{module}.py"):
        if name.split(".")[0] in ("tensorflow", "keras"):
            assert module == "frame_model"
            assert not at_top


def test_importing_the_package_is_quick_and_loads_nothing_heavy():
    code = "import sys, helpers; print([m for m in ('numpy', 'tensorflow') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_nothing_uses_pickle_or_a_shell():
    for path in HELPERS.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text, path
        assert "shell=True" not in text, path
        assert not {"pickle", "marshal", "shelve"} & {
            name.split(".")[0] for name, _ in imported(path)
        }
