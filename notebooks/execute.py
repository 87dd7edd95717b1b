"""Run the notebooks in order, headless: into outputs/, or, with --store, in place.

A stored notebook changes only where a cell's code or its result did: encoded pictures and sounds of
equal text stay as they were stored. So do measured numbers, but only all of them together, where
nothing else has changed: those of two runs never stand side by side. The picture of the cell named
`readme-picture` is written to start.png as well, for the README.
"""

import argparse
import base64
import copy
import functools
import hashlib
import importlib.util
import json
import os
import re
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from helpers import files, interactive

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
SETTING = re.compile(r"^MUSIC = .*$", re.MULTILINE)


def main() -> int:
    """Run the notebooks that the command line names, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="all of them by default")
    parser.add_argument("--store", action="store_true", help="store the outputs in place")
    parser.add_argument("--music", type=Path, help="a folder of music to use instead of data/music")
    parser.add_argument("--to", type=Path, default=PROJECT / "outputs" / "notebooks")
    options = parser.parse_args()
    if options.music and (options.store or not options.music.is_dir()):
        parser.error("--music needs an existing folder, and can't be combined with --store")
    voice = PROJECT / "outputs" / "01" / interactive.VOICE
    if options.store and voice.exists():
        parser.error(f"{voice} would be stored in the notebooks: move it away first")
    os.environ["TQDM_DISABLE"] = "1"
    paths = options.notebooks or sorted(HERE.glob("[0-9]*.ipynb"))
    for i, path in enumerate(paths, 1):
        print(f"[{i}/{len(paths)}] {path.stem} ...", end=" ", flush=True)
        notebook = nbformat.read(path, 4)
        if options.music:
            use_music(notebook, options.music.resolve())
        try:
            seconds, peak_bytes = execute(notebook, announce=sys.stdout.isatty())
        except CellExecutionError as error:
            print(f"failed\n{error}")
            return 1
        print(f"{seconds:.0f} s, at most {peak_bytes / 2**30:.1f} GiB", flush=True)
        if options.store:
            keep_stored_outputs(notebook, nbformat.read(path, 4))
            write(notebook, path)
            write_picture(notebook, path.with_name("start.png"))
        else:
            write(notebook, options.to / path.name)
    return 0


def use_music(notebook, folder: Path) -> None:
    """Point the setting MUSIC of a notebook at another folder."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = SETTING.sub(lambda _: f"MUSIC = {str(folder)!r}", cell.source)


def execute(notebook, *, announce=False) -> tuple[float, int]:
    """Run all cells in a fresh kernel; return the seconds and the kernel's peak memory in bytes."""
    client = NotebookClient(
        notebook,
        timeout=1800,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(HERE)}},
    )
    client.widget_registry = {}  # else nbclient now and then waits for ever on widgets
    if announce:
        total = len(notebook.cells)
        client.on_cell_start = lambda cell, cell_index: print(
            f"cell {cell_index + 1}/{total}", end="\b" * (6 + 2 * len(str(total))), flush=True
        )
    start, peak, done = time.perf_counter(), [0], threading.Event()
    watch = threading.Thread(target=_watch_memory, args=(peak, done), daemon=True)
    watch.start()
    try:
        client.execute()
    finally:
        done.set()
        watch.join()
    clean(notebook)
    return time.perf_counter() - start, peak[0]


def _watch_memory(peak: list[int], done: threading.Event) -> None:
    """Keep the largest memory of the kernel, this process's child, until told to stop."""
    while not done.wait(0.2):
        for child in psutil.Process().children(recursive=True):
            try:
                peak[0] = max(peak[0], child.memory_info().rss)
            except psutil.NoSuchProcess:
                continue


def clean(notebook) -> None:
    """Make a run repeatable: stable widget ids, no trace of the machine in the metadata."""
    name_widgets(notebook)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }


def name_widgets(notebook) -> None:
    """Name each widget by its place of display, and drop the state of those not displayed."""
    key = "application/vnd.jupyter.widget-state+json"
    stored = notebook.metadata.get("widgets", {}).get(key)
    if not stored:
        return
    state, names = stored["state"], {}

    def visit(widget):
        if widget in state and widget not in names:
            names[widget] = hashlib.md5(str(len(names)).encode()).hexdigest()
            for child in re.findall(r"IPY_MODEL_(\w+)", json.dumps(state[widget])):
                visit(child)

    for widget in re.findall(r'"model_id": "(\w+)"', json.dumps(notebook.cells)):
        visit(widget)
    stored["state"] = {widget: state[widget] for widget in names}
    text = nbformat.writes(notebook)
    for widget, name in names.items():
        text = text.replace(widget, name)
    notebook.update(nbformat.reads(text, 4))


def keep_stored_outputs(notebook, stored) -> None:
    """Put back the stored outputs of cells that ran to the same result as before."""
    before = {cell.id: cell for cell in stored.cells}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    same = [cell.id in before and _same(before[cell.id], cell) for cell in code]
    for cell, unchanged in zip(code, same, strict=True):
        if unchanged and (all(same) or not _is_ignored(cell)):
            cell.outputs = copy.deepcopy(before[cell.id].outputs)


def _same(old, cell) -> bool:
    """Tell whether two runs of one cell differ only in what a test ignores."""
    if old.source != cell.source:
        return False
    return _alike(
        old.outputs, cell.outputs, _same_words if _is_ignored(cell) else comparison().alike
    )


def _is_ignored(cell) -> bool:
    """Tell whether tests ignore what a cell prints."""
    return "nbval-ignore-output" in cell.metadata.get("tags", [])


def _same_words(old: str, new: str) -> bool:
    """Compare what a test ignores: measured numbers may differ, but not what is shown."""
    without = [re.sub(r"base64,[A-Za-z0-9+/=]+|[-+.,\d\s]+", "", text) for text in (old, new)]
    return without[0] == without[1]


def _alike(old, new, same_text) -> bool:
    """Compare outputs; the count of executions is no part of them."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = (old.keys() | new.keys()) - {"execution_count"}
        return all(k in old and k in new and _alike(old[k], new[k], same_text) for k in keys)
    if isinstance(old, list) and isinstance(new, list):
        pairs = zip(old, new, strict=False)
        return len(old) == len(new) and all(_alike(a, b, same_text) for a, b in pairs)
    if isinstance(old, str) and isinstance(new, str):
        return same_text(old, new)
    return old == new


@functools.cache
def comparison():
    """Load what the tests compare outputs with; only developers, who store, need it."""
    spec = importlib.util.spec_from_file_location("comparison", PROJECT / "tests/comparison.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(notebook, path: Path) -> None:
    """Write a notebook whole or not at all."""
    with files.replacing(path) as temporary:
        temporary.write_text(nbformat.writes(notebook).rstrip("\n") + "\n", encoding="utf-8")


def write_picture(notebook, path: Path) -> None:
    """Write the picture that the README shows, if this is the notebook that draws it."""
    for cell in notebook.cells:
        if cell.id == "readme-picture":
            data = re.search(r"data:image/png;base64,([\w+/=]+)", json.dumps(cell.outputs))[1]
            with files.replacing(path) as temporary:
                temporary.write_bytes(base64.b64decode(data))


if __name__ == "__main__":
    sys.exit(main())
