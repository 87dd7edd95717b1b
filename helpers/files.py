"""Files that appear under their name only when they are complete."""

import contextlib
import os
from pathlib import Path


@contextlib.contextmanager
def replacing(path):
    """Write a file beside the one that it will replace; it takes its place when all went well.

    Parameters
    ----------
    path : str or Path
        Its folder is made if missing.

    Yields
    ------
    Path
        Where to write. If the block raises, this is deleted, and what was there before stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
