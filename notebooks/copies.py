"""Keep a reader's working copies of the notebooks in my_notebooks/; nothing of theirs is lost.

A copy that was only run is brought up to date. One that was edited stays as it is; where the series
has changed since it was copied, the newer edition is laid beside it, and that is said.
"""

import hashlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from helpers import files

EDITIONS = Path(__file__).resolve().parent
MINE = EDITIONS.parent / "my_notebooks"
RECORD = ".editions.json"  # of each copy: the fingerprint of the edition that it was made from


def main() -> int:
    """Bring my_notebooks/ up to date, and say what was done."""
    for line in update(EDITIONS, MINE):
        print(line)
    return 0


def update(editions: Path, mine: Path) -> list[str]:
    """Copy each notebook that is new or newer, and overwrite nothing that was edited.

    Parameters
    ----------
    editions, mine : Path
        The folder of the series, and the folder of working copies; it is made if missing.

    Returns
    -------
    list of str
        What the reader should know, a line each.
    """
    made_from = _read_record(mine / RECORD)
    said = []
    published = sorted(editions.glob("[0-9]*.ipynb"))
    for source in published:
        said += _offer(source, mine, made_from)
    said += _retire({source.name for source in published}, mine, made_from)
    with files.replacing(mine / RECORD) as temporary:
        temporary.write_text(json.dumps(made_from, indent=1, sort_keys=True), encoding="utf-8")
    return said


def _offer(source: Path, mine: Path, made_from: dict[str, str]) -> list[str]:
    """Bring one copy up to date, or lay the newer edition beside it."""
    edition = fingerprint(source)
    for name in _names(source):
        copy = mine / name
        if copy.exists() and fingerprint(copy) == edition:
            made_from[name] = edition
            return []
        if made_from.get(name) == edition and (copy.exists() or name != source.name):
            return []  # edited since, or offered before and deleted by the reader
        if not copy.exists() or fingerprint(copy) == made_from.get(name):
            beside = name != source.name
            with files.replacing(copy) as temporary:
                temporary.write_bytes(source.read_bytes())
            made_from[name] = edition
            return [f"You have edited {source.name}; its newer edition: {name}"] if beside else []
    raise AssertionError("names never end")


def _names(source: Path) -> Iterator[str]:
    """Yield the name of the working copy, and of newer editions beside it."""
    yield source.name
    yield f"{source.stem} (newer edition).ipynb"
    for i in itertools.count(2):
        yield f"{source.stem} (newer edition {i}).ipynb"


def _retire(published: set[str], mine: Path, made_from: dict[str, str]) -> list[str]:
    """Take away copies of notebooks that the series no longer has, where nobody edited them."""
    said = []
    for name in sorted(made_from):
        copy = mine / name
        if f"{name.partition(' (newer edition')[0].removesuffix('.ipynb')}.ipynb" in published:
            continue
        if copy.exists() and fingerprint(copy) != made_from[name]:
            said.append(f"{name} is no longer part of the series; what you wrote in it stays")
        else:
            copy.unlink(missing_ok=True)
        del made_from[name]
    return said


def fingerprint(path: Path) -> str:
    """Return what changes when somebody writes in a notebook, and not when it is only run.

    A file that can't be read as a notebook is told apart by its bytes.
    """
    content = path.read_bytes()
    try:
        cells = json.loads(content)["cells"]
        written = [[c["cell_type"], "".join(c["source"])] for c in cells if c["source"]]
        content = json.dumps(written).encode()
    except (ValueError, KeyError, TypeError):
        pass
    return hashlib.sha256(content).hexdigest()


def _read_record(path: Path) -> dict[str, str]:
    """Return what the copies were made from; nothing is known of them if that can't be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


if __name__ == "__main__":
    sys.exit(main())
