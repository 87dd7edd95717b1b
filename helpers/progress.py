"""Bars that show how far a long computation has come."""

import os
from collections.abc import Iterable
from typing import Any

from tqdm.auto import tqdm


def bar(items: Iterable[Any] | None = None, **options: Any) -> tqdm:
    """Make a bar of tqdm's, silent where the environment variable TQDM_DISABLE says so.

    tqdm's bar for notebooks doesn't look there itself.

    Parameters
    ----------
    items : iterable, optional
        What to go through; without it, the bar is moved by its `update`.
    **options
        Passed on to tqdm: ``desc``, ``unit``, ``total``, ``leave``.
    """
    return tqdm(items, disable=bool(os.environ.get("TQDM_DISABLE")), **options)
