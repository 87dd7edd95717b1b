"""Loaded by every run of pytest: how nbval compares and measures, and what runs first."""

from nbval import _cover5

pytest_plugins = ["tests.comparison"]
# Workers are handed whole files in this order, so that none is left alone at the end.
LONGEST = (
    *("06_", "10_", "05_", "test_own_music", "08_", "test_interruptions", "04_", "07_"),
    *("test_note_model", "test_audio"),
)

# nbval lets a kernel write what it covered into the file of its worker, which then overwrites it.
_cover5._python_setup = _cover5._python_setup.replace("__cov.load()\n", "").replace(
    "data_suffix='.nbval'", "data_suffix=True"
)


def pytest_collection_modifyitems(items):
    """Put what takes longest first; the rest keeps its order."""

    def place(item):
        name = item.path.name
        return next((i for i, start in enumerate(LONGEST) if name.startswith(start)), len(LONGEST))

    items.sort(key=place)
