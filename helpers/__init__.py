"""The small package that the notebooks share; each module is an activity (see CONTRIBUTING.md)."""

import os
from collections.abc import Iterable
from typing import Any

from tqdm.auto import tqdm

__version__ = "1.10.0"
# what Jupyter shows in place of a traceback, where a run that is kept was interrupted
STOPPED = ["KeyboardInterrupt: stopped. Run this cell again: it goes on from what was kept."]


def bar(items: Iterable[Any] | None = None, **options: Any) -> tqdm:
    """Make a bar of tqdm's, silent where the environment variable TQDM_DISABLE says so.

    tqdm's bar for notebooks doesn't look there itself. Without items to go through, the bar is
    moved by its `update`; the options are tqdm's: ``desc``, ``unit``, ``total``, ``leave``.
    """
    return tqdm(items, disable=bool(os.environ.get("TQDM_DISABLE")), **options)
