"""Run the notebooks in order, headless: into outputs/, or, with --store, in place.

A stored notebook changes only where a cell's code or its result did: encoded pictures and sounds of
equal text stay as they were stored. So do measured numbers, but only all of them together, where
nothing else has changed: those of two runs never stand side by side. The picture of the cell named
`readme-picture` is written to start.png as well, for the README.

With --mine FOLDER, notebook 09 runs on a folder of music, and what came of it becomes a page.
"""

import argparse
import asyncio
import base64
import contextlib
import copy
import functools
import hashlib
import html
import importlib.util
import itertools
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbclient.util import ensure_async

from helpers import audio, files, interactive

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
WIDGETS = "application/vnd.jupyter.widget-state+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
SETTING = re.compile(r"^MUSIC = .*$", re.MULTILINE)
MADE = re.compile(r"^NAME, OTHER = .*\nOUTPUTS, MODELS = [^#\n]*", re.MULTILINE)  # of notebook 09
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>
body {{ font-family: sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em }}
pre {{ white-space: pre-wrap }} img {{ max-width: 100% }} .anchor-link {{ display: none }}
audio {{ max-width: 100%; vertical-align: middle }}
@media (max-width: 50em) {{ pre {{ white-space: pre; overflow-x: auto }} }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""
NOT_SHOWN = {"exercise", "solution", "prediction"}
LESSONS = ("n9drop", "n9hear1c", "n9little")  # cells of notebook 09 that aren't about the folder
BLENDS = ("n9labelled", "n9slider", "n9between", "n9movesc")  # nor are these, without labels
MINE = ("yours", "shipped")  # a page's two compositions; those of later ones have a number, too
KEPT = " was kept before, and stays"  # is said if another run was first


def main() -> int:
    """Run the notebooks that the command line names, or all of them."""
    sys.stdout.reconfigure(errors="backslashreplace")  # what takes its place may know few letters
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="all of them by default")
    parser.add_argument("--store", action="store_true", help="store the outputs in place")
    parser.add_argument("--music", type=Path, help="a folder of music to use instead of data/music")
    parser.add_argument("--to", type=Path, default=PROJECT / "outputs" / "notebooks")
    parser.add_argument("--mine", type=Path, help="a folder of music to run notebook 09 on")
    options = parser.parse_args()
    if options.mine:
        return mine(options.mine)
    if options.music and (options.store or not options.music.is_dir()):
        parser.error("--music needs an existing folder, and can't be combined with --store")
    voice, dropped = PROJECT / "outputs/01" / interactive.VOICE, PROJECT / "outputs/09/your_music"
    for own in (voice, dropped):
        if options.store and own.exists():
            parser.error(f"{own} would be stored in the notebooks: move it away first")
    os.environ["TQDM_DISABLE"] = "1"
    paths = options.notebooks or sorted(HERE.glob("[0-9]*.ipynb"))
    for i, path in enumerate(paths, 1):
        print(f"[{i}/{len(paths)}] {path.stem} ...", end=" ", flush=True)
        notebook = nbformat.read(path, 4)
        if options.music:
            use_music(notebook, options.music.resolve())
        announce = functools.partial(count, len(notebook.cells)) if sys.stdout.isatty() else None
        try:
            seconds, peak_bytes = execute(notebook, announce=announce)
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


def count(total: int, cell, cell_index: int) -> None:
    """Say on the terminal which cell runs; the next one is said in the same place."""
    step = f"cell {cell_index + 1}/{total}"
    print(step, end="\b" * (6 + 2 * len(str(total))), flush=True)


def use_music(notebook, folder: Path) -> None:
    """Point the setting MUSIC of a notebook at another folder."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = SETTING.sub(lambda _: f"MUSIC = {str(folder)!r}", cell.source)


def mine(folder: Path) -> int:
    """Run notebook 09 on a folder, and write its results as a page, sounds beside it."""
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        print(
            f"{audio.shown(folder)} is no folder: name the folder that your music is in",
            file=sys.stderr,
        )
        return 2
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:6]  # two folders may have one name
    to = PROJECT / "outputs" / "mine" / f"{folder.name[:40]}-{mark}"  # a long one has no room left
    notebook = nbformat.read(HERE / "09_your_own_music.ipynb", 4)
    use_music(notebook, folder)
    made = unused(to)
    for cell in notebook.cells:
        new = f'NAME, OTHER = {made}\nOUTPUTS, MODELS = Path({str(to)!r}), Path("../data/models")  '
        cell.source = MADE.sub(lambda _, new=new: new, cell.source)
    print(f"{audio.shown(folder)}: Ctrl+C stops; what was prepared and learnt is kept", flush=True)
    os.environ["TQDM_DISABLE"] = "1"

    def say(cell, cell_index):
        heading = re.search(r"^## \d+\. (.*)$", cell.source, re.MULTILINE)
        if heading:
            print(f"[{cell_index + 1}/{len(notebook.cells)}] {heading[1]}", flush=True)

    def tell(cell, text):
        if not NOT_SHOWN & tags(cell):
            print(text, end="", flush=True)

    try:
        seconds, _ = execute(notebook, announce=say, tell=tell, timeout=None)
    except (CellExecutionError, KeyboardInterrupt) as error:
        if getattr(error, "ename", "KeyboardInterrupt") == "KeyboardInterrupt":
            print("Stopped. The same command goes on where this broke off.", file=sys.stderr)
            return 130
        print(f"Nothing can be made of this: {error.evalue}", file=sys.stderr)
        return 1
    except DeadKernelError:
        print(
            "The computation was ended, mostly for want of memory. What was prepared is kept: run "
            "it again with less else open.",
            file=sys.stderr,
        )
        return 1
    if any(KEPT in str(cell.get("outputs")) for cell in notebook.cells):
        print(
            "Another run on this folder has ended meanwhile, and its page stays. Run it again.",
            file=sys.stderr,
        )
        return 1
    with files.replacing(to / "index.html") as temporary:
        temporary.write_text(page(notebook, folder.name, made), encoding="utf-8")
    print(f"{seconds:.0f} s. Open {audio.shown(to / 'index.html')}", flush=True)
    return 0


def unused(folder: Path) -> tuple[str, ...]:
    """Name what is composed next: a page, and what it plays, stays until another one is ready."""
    for number in itertools.count(1):
        names = tuple(f"{name}-{number}" if number > 1 else name for name in MINE)
        if not any((folder / name).exists() for name in names):
            return names


def page(notebook, name: str, made: tuple[str, ...] = MINE) -> str:
    """Write what a run of notebook 09 showed as HTML: headings, numbers, pictures, players."""
    from nbconvert import HTMLExporter  # takes a while

    cells = []
    for one, whose in zip(made, ("your network", "the shipped network, to compare"), strict=True):
        links = (f'<a href="{one}/music.{x}">{x.upper()}</a>' for x in ("wav", "mp3", "mid"))
        player = f'<audio controls src="{one}/music.mp3"></audio> ' + ", ".join(links)
        cells.append(nbformat.v4.new_markdown_cell(f"Composed by {whose}: {player}"))
    state = notebook.metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    said = "".join(str(cell.outputs) for cell in notebook.cells if cell.id == BLENDS[0])
    hidden = LESSONS if "your network, from" in said else LESSONS + BLENDS
    for cell in notebook.cells:
        if NOT_SHOWN & tags(cell) or cell.id in hidden:
            continue
        if cell.cell_type == "markdown":
            found = re.findall(r"^## \d+\. .*$", cell.source, re.MULTILINE)
            cells += [nbformat.v4.new_markdown_cell(text) for text in found]
        elif cell.outputs:
            shown = copy.deepcopy(cell)
            shown.outputs = [still(output, state) for output in shown.outputs]
            cells.append(shown)
    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_input_prompt=True)
    exporter.exclude_output_prompt = True
    body, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    return PAGE.format(title=html.escape(audio.shown(name)), body=body)


def still(output, state):
    """Replace a widget by the HTML that it shows: a page has no kernel."""
    shown = output.get("data", {}).get(WIDGET)
    if shown is None:
        return output
    todo, texts = [shown["model_id"]], []
    while todo:
        model = state.get(todo.pop(0), {}).get("state", {})
        texts += [model.get("value", "")] * (model.get("_model_name") == "HTMLModel")
        todo += re.findall(r"IPY_MODEL_(\w+)", json.dumps(model.get("children", [])))
    return nbformat.v4.new_output("display_data", {"text/html": "".join(texts)})


def tags(cell) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


def execute(notebook, *, announce=None, tell=None, timeout=1800) -> tuple[float, int]:
    """Run all cells in a fresh kernel; return the seconds and the kernel's peak memory in bytes.

    Ctrl+C interrupts the cell, as Jupyter's stop button does, so that it can keep what it has.
    """

    def started(cell, cell_index):
        with contextlib.suppress(RuntimeError, NotImplementedError):  # Windows can't
            stop = client.km.interrupt_kernel
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(
                signal.SIGINT, lambda: asyncio.ensure_future(ensure_async(stop()))
            )
        if announce is not None:
            announce(cell, cell_index)

    client = NotebookClient(
        notebook,
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(HERE)}},
    )
    client.widget_registry = {}  # else nbclient now and then waits for ever on widgets
    client.on_cell_start, process = started, client.process_message

    def heard(msg, cell, cell_index):  # as it is said: an estimate, before what it is of
        if tell and msg["msg_type"] == "stream" and msg["content"]["name"] == "stdout":
            tell(cell, msg["content"]["text"])
        return process(msg, cell, cell_index)

    client.process_message = heard
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
    stored = notebook.metadata.get("widgets", {}).get(WIDGETS)
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
