"""Measure the notebooks: cells, words, and the minutes that a reader needs for them.

The stopwatch allows 150 words a minute, 4 seconds for a line of code that isn't collapsed, 25
seconds for a prediction, and 6 minutes for an exercise, which are counted apart. Cells tagged
`deeper` are left out: nothing later needs them. Run without options, it prints a table; with
--state, it writes the minutes into the heads of the notebooks as well.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from helpers import files

HERE = Path(__file__).resolve().parent
STATED = re.compile(r"(\d+) minutes to read(?:, (\d+) more for the exercises)?")


@dataclass(frozen=True)
class Measures:
    """What a notebook asks of its reader, without its deeper parts.

    Parameters
    ----------
    n_cells, n_words : int
        Cells of any kind; words of prose, those of the exercises included.
    minutes, exercise_minutes : int
        To read everything but the exercises and their solutions; to do the exercises.
    first_shown : int or None
        Which cell, counted from 1, shows the first picture or plays the first sound.
    bare : tuple of str
        The ids of the cells that print nothing but True or False, with or without a label.
    """

    n_cells: int
    n_words: int
    minutes: int
    exercise_minutes: int
    first_shown: int | None
    bare: tuple[str, ...]


def measure(notebook: nbformat.NotebookNode) -> Measures:
    """Measure a notebook that was run, as `nbformat.read` returns it."""
    core = [cell for cell in notebook.cells if "deeper" not in tags(cell)]
    read = [cell for cell in core if not {"exercise", "solution"} & tags(cell)]
    seconds = (
        sum(map(count_words, read)) * 60 / 150
        + sum(map(count_lines, read)) * 4
        + sum(map(count_predictions, read)) * 25
    )
    exercises = [c for c in core if c.cell_type == "code" and "exercise" in tags(c)]
    shown = (i for i, cell in enumerate(core, 1) if shows(cell))
    return Measures(
        n_cells=len(core),
        n_words=sum(map(count_words, core)),
        minutes=round(seconds / 60),
        exercise_minutes=6 * len(exercises),
        first_shown=next(shown, None),
        bare=tuple(cell.id for cell in core if is_bare(cell)),
    )


def tags(cell: nbformat.NotebookNode) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def count_words(cell: nbformat.NotebookNode) -> int:
    """Count the words of a cell of prose, without addresses and markup; those of others are 0."""
    if cell.cell_type != "markdown":
        return 0
    text = re.sub(r"\]\([^)]*\)|<[^>]+>", " ", cell.source)
    return sum(bool(re.search(r"\w", word)) for word in text.split())


def count_lines(cell: nbformat.NotebookNode) -> int:
    """Count the lines of code that are read: not those of a collapsed cell, and no empty ones."""
    hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
    if cell.cell_type != "code" or hidden:
        return 0
    return sum(bool(line.strip()) for line in cell.source.split("\n"))


def count_predictions(cell: nbformat.NotebookNode) -> int:
    """Count the questions that a cell asks: one in prose, in code one for each right answer."""
    if "prediction" not in tags(cell):
        return 0
    return 1 if cell.cell_type == "markdown" else max(1, cell.source.count("answer="))


def shows(cell: nbformat.NotebookNode) -> bool:
    """Say whether a cell shows a picture or plays a sound."""
    html = cell.source if cell.cell_type == "markdown" else ""
    for output in cell.get("outputs", []):
        html += "".join(output.get("data", {}).get("text/html", ""))
    return bool(re.search(r"<(img|svg|audio)\b|!\[[^]]*\]\(", html))


def is_bare(cell: nbformat.NotebookNode) -> bool:
    """Say whether all that a cell prints are the words True and False, and what they are about."""
    outputs = cell.get("outputs", [])
    said = "".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs)
    lines = said.strip().split("\n")
    return all(re.search(r"(^|\s)(True|False)$", line.rstrip()) for line in lines)


def state(source: str, measures: Measures) -> str:
    """Write the minutes into the head of a notebook, in place of those that stand there."""
    minutes = f"{measures.minutes} minutes to read"
    if measures.exercise_minutes:
        minutes += f", {measures.exercise_minutes} more for the exercises"
    return STATED.sub(minutes, source, count=1)


def main() -> None:
    """Print what each notebook asks of its reader; with --state, say so in its head."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--state", action="store_true", help="write the minutes into the notebooks")
    options = parser.parse_args()
    print(f"{'':28}{'cells':>6}{'words':>7}{'minutes':>9}{'exercises':>11}{'shows':>7}{'bare':>6}")
    for path in sorted(HERE.glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, 4)
        found = measure(notebook)
        print(
            f"{path.stem:28}{found.n_cells:6}{found.n_words:7}{found.minutes:9}"
            f"{found.exercise_minutes:11}{found.first_shown or '-':>7}{len(found.bare):6}"
        )
        if options.state:
            notebook.cells[0].source = state(notebook.cells[0].source, found)
            text = nbformat.writes(notebook).rstrip("\n") + "\n"
            with files.replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
