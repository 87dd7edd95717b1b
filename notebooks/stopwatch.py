"""Measure the notebooks: cells, words, and the minutes that a reader needs for them.

The stopwatch allows 150 words a minute, 4 seconds for a line of code that isn't collapsed, 25
seconds for a prediction, and 6 minutes for an exercise, which are counted apart. Cells tagged
`deeper` are left out: nothing later needs them. The two routes through the series, which notebook
00 describes, also take the time to run the cells (as the heads say) and to hear each sound once.

Run without options, it prints a table. With --state, it writes the minutes wherever they are said:
into the heads of the notebooks, into the tables and the routes of notebook 00 and the README, and
into the routes of the teacher's guide.
"""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat

from helpers import files

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
STATED = re.compile(r"(\d+) minutes to read(?:, (\d+) more for the exercises)?")
NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}
# In 00 and the README: the rows of the table, with minutes last; the lines of the routes.
ROW = re.compile(
    r"^(\| \[[^]]*\]\((?:notebooks/)?(\d\d)_\w+\.ipynb\) \|.*\|) [^|]* \|$", re.MULTILINE
)
WHOLE, SHORT = "**The whole course**", "**The short path**"
TAKES = re.compile(r"(?<=takes )(?:\d+ hours?(?: \d+ minutes)?|\d+ minutes)")
HEADING = "## |### Error "
SPANS = r"(\d+(?:(?:, | and | to )\d+)*)"
STOP = re.compile(rf"\[(\d\d)\]\([^)]*\)(?:, (?:section|error)s? {SPANS})?")
# In the guide: a lesson of so many minutes, its route, and how the minutes are divided.
LESSON = re.compile(r"^(\*\*(\d+) minutes:\*\* .*) Cells .*$", re.MULTILINE)


@dataclass(frozen=True)
class Measures:
    """What a notebook asks of its reader, without its deeper parts.

    Parameters
    ----------
    n_cells, n_words : int
        Cells of any kind; words of prose, those of the exercises included.
    seconds : float
        To read everything but the exercises and their solutions.
    exercise_minutes : int
        To do the exercises.
    sound_seconds : float
        How long the sounds last, once each, without those of the exercises.
    first_shown : int or None
        Which cell, counted from 1, shows the first picture or plays the first sound.
    bare : tuple of str
        The ids of the cells that print nothing but True or False, with or without a label.
    """

    n_cells: int
    n_words: int
    seconds: float
    exercise_minutes: int
    sound_seconds: float
    first_shown: int | None
    bare: tuple[str, ...]

    @property
    def minutes(self) -> int:
        """Give the minutes to read, as they are stated."""
        return round(self.seconds / 60)


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
        seconds=seconds,
        exercise_minutes=6 * len(exercises),
        sound_seconds=sum(map(count_sound, read)),
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


def count_sound(cell: nbformat.NotebookNode) -> float:
    """Add up the seconds that the captions of a cell's players state."""
    said = "\n".join(o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", []))
    return sum(map(float, re.findall(r"^Sound: .*\((\d+\.\d) s\b", said, re.MULTILINE)))


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


def waiting(notebook: nbformat.NotebookNode) -> float:
    """Read from the head how many minutes a notebook runs, and how long one listens in it."""
    head = notebook.cells[0].source
    run, listen = (re.search(rf"[;,] ([a-z ]+?) to {what}\b", head) for what in ("run", "listen"))
    if not run or not set(run[1].split()) & set(NUMBERS):
        raise ValueError(f"the head must say '; about a minute to run', got {head[:300]!r}")
    listening = _minutes(listen[1]) if listen else 0.0
    return _minutes(run[1]) + listening


def _minutes(words: str) -> float:
    """Read "half a minute", "less than a minute", "about two and a half minutes"."""
    number = next(NUMBERS[word] for word in words.split() if word in NUMBERS)
    return 0.5 if words.endswith("half a minute") else number + 0.5 * ("half" in words)


def part(notebook: nbformat.NotebookNode, sections: list[int]) -> nbformat.NotebookNode:
    """Take the head of a notebook and some of its sections (of 90: errors), by number.

    Prose is cut at its headings: what stands above one ends the section before.
    """
    taken = {0: []}
    now = taken[0]
    for cell in notebook.cells:
        is_prose = cell.cell_type == "markdown"
        texts = re.split(rf"^(?={HEADING})", cell.source, flags=re.M) if is_prose else [cell.source]
        for text in filter(None, texts):
            if is_prose and (heading := re.match(rf"(?:{HEADING})(\d*)", text)):
                now = taken.setdefault(int(heading[1] or -1), [])
            now.append({**cell, "source": text})
    if missing := set(sections) - set(taken):
        raise ValueError(f"no section {missing} in {notebook.cells[0].source[:50]!r}")
    cells = [cell for section in [0, *sections] for cell in taken[section]]
    return nbformat.from_dict({**notebook, "cells": cells})


def stops(route: str) -> dict[str, list[int]]:
    """Read where a route leads: notebooks by number, and their sections, or none for all."""
    found = {}
    for number, which in STOP.findall(route):
        found[number] = spread(which)
    return found


def spread(which: str) -> list[int]:
    """List the numbers of a text such as "1 to 3, 5 and 7"."""
    spans = [(int(a), int(b or a)) for a, b in re.findall(r"(\d+)(?: to (\d+))?", which)]
    return [number for a, b in spans for number in range(a, b + 1)]


def route_minutes(
    notebooks: Mapping[str, nbformat.NotebookNode], way: Mapping[str, list[int]]
) -> float:
    """Add up what a route takes: to read, to run, and to hear each sound once."""
    minutes = 0.0
    for number, sections in way.items():
        whole = notebooks[number]
        found = measure(part(whole, sections) if sections else whole)
        minutes += (found.seconds + found.sound_seconds) / 60 + waiting(whole)
    return minutes


def clock(minutes: float) -> str:
    """Write a duration in words, to the minute up to two hours, then to five minutes."""
    if minutes <= 120:
        return f"{minutes:.0f} minutes"
    hours, rest = divmod(5 * round(minutes / 5), 60)
    return f"{hours} hours" + f" {rest} minutes" * bool(rest)


def state_routes(text: str, notebooks: Mapping[str, nbformat.NotebookNode]) -> str:
    """Write the minutes into the table and the routes of a text, for those that stand there."""

    def row(match: re.Match[str]) -> str:
        found = measure(notebooks[match[2]])
        exercises = f" + {found.exercise_minutes}" * bool(found.exercise_minutes)
        return f"{match[1]} {found.minutes}{exercises} |"

    lessons = [number for number in notebooks if int(number) < 90]
    lines = []
    for line in ROW.sub(row, text).split("\n"):
        minutes = []
        if line.startswith(WHOLE):
            exercises = sum(measure(notebooks[number]).exercise_minutes for number in lessons)
            minutes = [route_minutes(notebooks, {number: [] for number in lessons}), exercises]
        elif line.startswith(SHORT):
            minutes = [route_minutes(notebooks, stops(line))]
        lines.append(state_times(line, minutes) if minutes else line)
    return "\n".join(lines)


def state_lessons(text: str, notebooks: Mapping[str, nbformat.NotebookNode]) -> str:
    """Write into each route of the guide how a lesson's minutes are divided.

    Its cells are read, run and heard once; each exercise that it names takes six minutes; what is
    left is for talk. A ValueError if nothing is.
    """

    def divide(match: re.Match[str]) -> str:
        lesson = match[1]
        cells = round(route_minutes(notebooks, stops(lesson)))
        named = re.findall(rf"exercises? {SPANS}", lesson)
        exercises = 6 * sum(len(spread(which)) for which in named)
        if (talk := int(match[2]) - cells - exercises) < 0:
            raise ValueError(
                f"{lesson!r}: cells take {cells}, exercises {exercises} min: shorten it"
            )
        return f"{lesson} Cells {cells}, exercises {exercises}, talk {talk}."

    return LESSON.sub(divide, text)


def state_times(line: str, minutes: list[float]) -> str:
    """Write one time after each "takes" of a line; raise ValueError if there are more or fewer."""
    texts = TAKES.split(line)
    times = [*map(clock, minutes), ""]
    return "".join(text + time for text, time in zip(texts, times, strict=True))


def main() -> None:
    """Print what each notebook asks of its reader; with --state, say so where it is said."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--state", action="store_true", help="write the minutes where they are said"
    )
    options = parser.parse_args()
    paths = {path.name[:2]: path for path in sorted(HERE.glob("[0-9]*.ipynb"))}
    notebooks = {number: nbformat.read(path, 4) for number, path in paths.items()}
    print(f"{'':28}{'cells':>6}{'words':>7}{'minutes':>9}{'exercises':>11}{'shows':>7}{'bare':>6}")
    for number, path in paths.items():
        found = measure(notebooks[number])
        print(
            f"{path.stem:28}{found.n_cells:6}{found.n_words:7}{found.minutes:9}"
            f"{found.exercise_minutes:11}{found.first_shown or '-':>7}{len(found.bare):6}"
        )
    if options.state:
        for notebook in notebooks.values():
            head = notebook.cells[0]
            head.source = state(head.source, measure(notebook))
        for cell in notebooks["00"].cells:
            if cell.cell_type == "markdown":
                cell.source = state_routes(cell.source, notebooks)
        for number, path in paths.items():
            write(path, nbformat.writes(notebooks[number]).rstrip("\n") + "\n")
        write(README, state_routes(README.read_text(encoding="utf-8"), notebooks))
        for page in sorted((HERE.parent / "docs").glob("*.md")):
            text = page.read_text(encoding="utf-8")
            if LESSON.search(text):
                write(page, state_lessons(text, notebooks))


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with files.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
