"""Make the student's and the instructor's version of every notebook, in student/ or instructor/.

The student's has no solutions and no outputs: what is stored below a prediction, or further down,
gives its answer away. The answers to predictions and to the quiz stay in the source of collapsed
cells, where whoever unfolds one can read them. The instructor's has everything, with its solutions
unfolded.

Git ignores both folders, and what somebody has edited there is never overwritten: a newer edition
is laid beside it (`notebooks/copies.py`).
"""

import argparse
import copy
import sys
import tempfile
from pathlib import Path

import nbformat

from notebooks import copies, stopwatch

PROJECT = Path(__file__).resolve().parent.parent


def student(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook without solutions, as if it had never been run."""
    version = copy.deepcopy(notebook)
    version.cells = [cell for cell in version.cells if "solution" not in stopwatch.tags(cell)]
    for cell in version.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    version.metadata.pop("widgets", None)
    return version


def instructor(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook with everything in it, and its solutions unfolded."""
    version = copy.deepcopy(notebook)
    for cell in version.cells:
        if "solution" in stopwatch.tags(cell):
            cell.metadata.pop("jupyter", None)
    return version


VERSIONS = {"student": student, "instructor": instructor}


def main(arguments: list[str] | None = None) -> int:
    """Bring the version that the command line names up to date, and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("version", choices=VERSIONS)
    name = parser.parse_args(arguments).version
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(copies.EDITIONS.glob("[0-9]*.ipynb")):
            version = VERSIONS[name](nbformat.read(path, 4))
            nbformat.write(version, Path(folder) / path.name)
        try:
            for line in copies.update(Path(folder), PROJECT / name):
                print(line)
        except OSError as error:
            print(f"{PROJECT / name} can't be written: {error}", file=sys.stderr)
            return 1
    print(f"The {name}'s version is in {PROJECT / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
