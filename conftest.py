"""Loaded by every run of pytest: how nbval compares, and what runs first."""

import os
import sys

from nbval import plugin

pytest_plugins = ["tests.comparison"]
# Workers are handed whole files in this order, so that none is left alone at the end: notebooks
# and the longest tests come first.
LONGEST = (
    *("10_", "06_", "09_", "test_own_music", "08_", "07_", "test_interruptions", "05_", "04_"),
    *("0", "9", "test_note_model", "test_audio"),
)

# The tests of `helpers` alone are to cover it; in a kernel, tracing costs up to half of the time.
plugin.setup_coverage = plugin.teardown_coverage = lambda *_: None

# Where two workers at a time compile what librosa needs, Numba's files may break: each has its own.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["NUMBA_CACHE_DIR"] = f"{sys.prefix}/numba/{worker}"


def pytest_collection_modifyitems(items):
    """Put what takes longest first; the rest keeps its order."""

    def place(item):
        name = item.path.name
        return next((i for i, start in enumerate(LONGEST) if name.startswith(start)), len(LONGEST))

    items.sort(key=place)
