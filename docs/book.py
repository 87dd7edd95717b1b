"""Build the book: the stored notebooks and the pages of docs/ as a web site that needs no server.

Nothing is run: pictures, sounds and numbers are the stored ones. What needs a kernel, questions and
controls, becomes text that says the same. `stage` writes what Sphinx reads, `build` runs Sphinx.
"""

import ast
import html
import itertools
import re
import shutil
import sys
import tomllib
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from sphinx.cmd.build import main as sphinx

DOCS = Path(__file__).resolve().parent
PROJECT = DOCS.parent
NOTEBOOKS = PROJECT / "notebooks"
BOOK = PROJECT / "outputs" / "book"
MOST_BYTES = 60_000_000
WIDGETS = "application/vnd.jupyter.widget-state+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
STANDS_HERE = {  # what JupyterLab shows, and a page can't
    "helpers.interactive.Recorder": "Here stands a button that records your microphone, up to "
    "{seconds:g} seconds.",
    "helpers.interactive.Keyboard": "Here stands a piano: play a phrase with the mouse, a finger "
    "or the keys of your computer, and the network answers.",
}
LINK = re.compile(r"(?<=\]\()[^()\s]+(?=\))")
PICTURE = re.compile(r'(<div style="position:relative[^>]*>)?<img [^>]*>(?(1)</div>)')
SCROLLS = r'<section class="picture" role="group" tabindex="0" aria-label="Picture">\g<0></section>'
SCORE = "then the score can be shown"  # says a blind test, under its questions
BLIND = (
    '<p class="live">Here you can listen, and choose. What is right this page can\'t tell: only a '
    "running notebook knows it, and says it when all questions are answered.</p>"
)
BOLD = re.compile(r"(?<!\[)\*\*([^*`]+)\*\*")
GLOSSARY = re.compile(r"^(`{3,}|:{3,})\{glossary\}[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)

Cell = nbformat.NotebookNode
Link = Callable[[str], str]


def main() -> int:
    """Build the book, and say where it is."""
    try:
        size = build(BOOK)
    except ValueError as fault:
        print(f"No book: {fault}", file=sys.stderr)
        return 1
    page = BOOK / "html" / "index.html"
    print(f"{size / 1e6:.0f} MB. Open {page.as_uri()}")
    return 0


def build(folder: Path) -> int:
    """Build the book in `folder`/html, which is replaced only when all went well.

    Returns its size in bytes. A warning of Sphinx's, such as a link that leads nowhere, or a book
    of more than 60 MB, is a ValueError.
    """
    repository()  # ask first: what is missing there is said at once
    made, pages = folder / "building", folder / "html"
    shutil.rmtree(made, ignore_errors=True)
    print("Writing the pages' sources", flush=True)
    n_pages = stage(made / "source")
    print(f"Building {n_pages} pages (half a minute)", flush=True)
    options = ["-c", str(DOCS), "-d", str(made / "doctrees"), "-q", "-W", "--keep-going"]
    if sphinx(["-b", "html", *options, str(made / "source"), str(made / "html")]):
        raise ValueError("Sphinx found what it names above: correct that, and build again")
    size = sum(path.stat().st_size for path in (made / "html").rglob("*") if path.is_file())
    if size > MOST_BYTES:
        raise ValueError(f"it must be at most {MOST_BYTES:,} bytes, got {size:,}: embed less sound")
    shutil.rmtree(pages, ignore_errors=True)
    (made / "html").rename(pages)
    shutil.rmtree(made)
    return size


def repository() -> str:
    """Read the address of the project's repository from pyproject.toml."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    address = tomllib.loads(text)["project"].get("urls", {}).get("Repository", "")
    if not address.startswith("https://"):
        raise ValueError(
            "pyproject.toml must name the project's repository, for links to files that aren't "
            f'pages: [project.urls] Repository = "https://...", got {address!r}'
        )
    return str(address).rstrip("/")


def stage(source: Path) -> int:
    """Write what Sphinx reads into a folder, and return how many pages that are."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
    notebooks = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    known = terms(texts.get(DOCS / "glossary.md", ""))
    stored = source / "stored"
    stored.mkdir(parents=True)
    for path, text in texts.items():
        (source / path.name).write_text(relinked(text, linker(path, source)), encoding="utf-8")
    for path in notebooks:
        shutil.copyfile(path, stored / path.name)
        page = paged(nbformat.read(path, 4), path.stem, linker(path, source), known)
        nbformat.write(page, source / path.name)
    return len(texts) + len(notebooks)


def linker(page: Path, source: Path) -> Link:
    """Return what turns a link of a file into one of its page.

    Links to notebooks and to pages of docs/ stay in the book. A picture is copied into it. Any
    other file is shown by the repository. A link that leads to no file is a ValueError.
    """

    def link(target: str) -> str:
        if re.match(r"#|[a-z]+:", target):
            return target
        name, _, anchor = target.partition("#")
        file = (page.parent / urllib.parse.unquote(name)).resolve()
        if not file.exists() or not file.is_relative_to(PROJECT):
            raise ValueError(
                f"{page.relative_to(PROJECT)} links to {target!r}, and there is no such file in "
                "the project: correct the link"
            )
        anchor = anchor and f"#{anchor}"
        if file.parent in (NOTEBOOKS, DOCS) and file.suffix in (".ipynb", ".md"):
            return file.name + anchor
        if file.suffix in (".png", ".svg"):
            shutil.copyfile(file, source / file.name)
            return file.name
        place = file.relative_to(PROJECT).as_posix()
        if place == ".":
            return repository()
        return f"{repository()}/{'tree' if file.is_dir() else 'blob'}/main/{place}{anchor}"

    return link


def relinked(text: str, link: Link) -> str:
    """Turn each link of a text in Markdown by `link`."""
    return LINK.sub(lambda match: link(match[0]), text)


def terms(glossary: str) -> dict[str, str]:
    """Read the terms of a glossary in MyST: as they are spelt, by how they may stand in a text."""
    found = {}
    for _, entries in GLOSSARY.findall(glossary):
        for line in entries.splitlines():
            if line.strip() and not line.startswith((" ", "\t", ":")):
                found |= {line.strip().lower(): line.strip()}
    plurals = {f"{name}{end}": term for name, term in found.items() for end in ("s", "es")}
    return plurals | found


def paged(
    notebook: nbformat.NotebookNode, name: str, link: Link, known: Mapping[str, str]
) -> nbformat.NotebookNode:
    """Turn a stored notebook into one that is a page: nothing in it waits for a kernel.

    Parameters
    ----------
    notebook : NotebookNode
        As stored; it is changed and returned.
    name : str
        The name of its file, without the ending.
    link : callable
        What becomes of a link.
    known : mapping of str to str
        Terms of the glossary, by how they may be written; the first bold one links to its entry.
    """
    state = notebook.metadata.pop("widgets", {}).get(WIDGETS, {}).get("state", {})
    head, met = notebook.cells[0], set[str]()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _page_cell(cell, state, name)
        else:
            cell.source = relinked(cell.source, link)
            if cell is not head:  # where verbs are bold
                cell.source = with_terms(cell.source, known, met)
    head.source += f"\n\n{{download}}`This notebook <stored/{name}.ipynb>` as a file · "
    head.source += "[How to run it](index.md#How-to-run-it)"
    return notebook


def with_terms(text: str, known: Mapping[str, str], met: set[str]) -> str:
    """Link the first bold occurrence of each term to the glossary; `met` holds those linked."""

    def linked(match: re.Match[str]) -> str:
        term = known.get(match[1].lower())
        if term is None or term in met:
            return match[0]
        met.add(term)
        return f"**{{term}}`{match[1]} <{term}>`**"

    return BOLD.sub(linked, text)


def _page_cell(cell: Cell, state: Mapping[str, Any], name: str) -> None:
    """Fold the code whose lesson is what it shows, and the solutions; replace what needs a kernel.

    Code stays open where it teaches: where it shows neither picture nor sound, and in exercises.
    """
    tags = set(cell.metadata.get("tags", []))
    if "prediction" in tags:
        asked = {"text/html": questions(cell.source)}
        cell.outputs = [nbformat.v4.new_output("display_data", asked)]
        tags.add("remove-input")
    for output in cell.outputs:
        if WIDGET in output.get("data", {}):
            page = standing(state, output.data[WIDGET]["model_id"], name)
            output.data = nbformat.from_dict({"text/html": page})
        if "text/html" in output.get("data", {}):
            output.data["text/html"] = PICTURE.sub(SCROLLS, output.data["text/html"])
    shown = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    hidden = cell.metadata.get("jupyter", {}).get("source_hidden") or "plumbing" in tags
    if "exercise" in tags:
        untried = [o for o in cell.outputs if o.get("text", "").startswith("Not attempted yet")]
        cell.outputs = [output for output in cell.outputs if output not in untried]
        if untried:
            note = {"text/html": '<p class="live">To try it, open this notebook in JupyterLab.</p>'}
            cell.outputs.insert(0, nbformat.v4.new_output("display_data", note))
    if "solution" in tags:
        tags.add("hide-cell")
        cell.metadata["mystnb"] = {"code_prompt_show": "A solution"}
    elif hidden or ("exercise" not in tags and re.search(r"<(img|audio)\b", shown)):
        tags.add("hide-input")
        if "plumbing" in tags and not cell.outputs:
            cell.metadata["mystnb"] = {"code_prompt_show": "Set-up"}
    cell.metadata["tags"] = sorted(tags)


def questions(source: str) -> str:
    """Return the questions that a cell asks as HTML, each with its answer folded.

    They are read from the code; a cell without any is a ValueError.
    """
    tree = ast.parse(source)
    kinds = {"questions.predict": "Predict", "questions.Question": ""}
    for node in ast.walk(tree):  # Q = questions.Question
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in kinds:
            kinds[ast.unparse(node.targets[0])] = kinds[ast.unparse(node.value)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    calls = [call for call in calls if ast.unparse(call.func) in kinds]
    if not calls:
        raise ValueError(
            "a cell tagged prediction must call questions.predict or questions.Question, got "
            f"{source!r}: take the tag away, or say in docs/book.py what it asks"
        )
    calls.sort(key=lambda call: call.lineno)
    labels = (kinds[ast.unparse(call.func)] or str(n) for n, call in enumerate(calls, 1))
    return "".join(map(_question, labels, calls))


def _question(label: str, call: ast.Call) -> str:
    """Write a question with its choices, and its answer in a dropdown."""
    given = dict(zip(("text", "choices", "answer", "why"), call.args, strict=False))
    given |= {keyword.arg or "": keyword.value for keyword in call.keywords}
    text, choices = ast.literal_eval(given["text"]), ast.literal_eval(given["choices"])
    try:
        told = {
            name: html.escape(ast.literal_eval(given[name]))
            for name in ("answer", "reveal", "why")
            if name in given
        }
    except ValueError:  # it is computed
        told = {
            "": "It is computed in the notebook: make your choice in JupyterLab, and you are told."
        }
    if "answer" in told:
        told["answer"] = f"<strong>{told['answer']}</strong>"
    choices = "".join(f"<li>{html.escape(choice)}</li>" for choice in choices)
    answer = "".join(f"<p>{one}</p>" for one in told.values())
    return (
        f'<div class="question"><p><strong>{label}:</strong> {html.escape(text)}</p>'
        f"<ul>{choices}</ul><details><summary>The answer</summary>{answer}</details></div>"
    )


def standing(state: Mapping[str, Any], model: str, name: str) -> str:
    """Write a widget as it stands, in HTML: what it shows, and its controls as a list."""
    parts = [*_parts(state, model)]
    page = BLIND if any(kind == "asked" for kind, _ in parts) else ""
    for kind, some in itertools.groupby(parts, lambda part: part[0]):
        joined = "".join(text for _, text in some)
        if kind == "control":
            stands = '<p class="live">As they stood when this page was made:</p>'
            joined = f'{stands}<ul class="controls">{joined}</ul>'
        page += joined
    if any(kind != "shown" for kind, _ in parts):
        page += (
            f'<p class="live">You can use this in JupyterLab, in notebook {int(name[:2])}: '
            '<a href="index.html#How-to-run-it">how to run it</a>.</p>'
        )
    return page


def _parts(state: Mapping[str, Any], model: str) -> Iterator[tuple[str, str]]:
    """Yield what a widget and those inside it show, in order, each as its kind and its HTML."""
    kind, now = state[model]["model_name"].removesuffix("Model"), state[model]["state"]
    if "children" in now:
        for child in now["children"]:
            yield from _parts(state, child.removeprefix("IPY_MODEL_"))
    elif kind == "HTML":
        if SCORE not in now["value"]:
            yield "shown", now["value"]
    elif kind == "Any":
        yield "told", f"<p>{STANDS_HERE[now['_anywidget_id']].format(**now)}</p>"
    elif kind == "ToggleButtons" and now["index"] is None:
        asked = f"{now['description']} {' or '.join(now['_options_labels'])}?"
        yield "asked", f"<p>{html.escape(asked)}</p>"
    elif kind != "Button":
        stands = f"{now['description']}: {_setting(kind, now)}"
        yield "control", f"<li>{html.escape(stands)}</li>"


def _setting(kind: str, now: Mapping[str, Any]) -> str:
    """Say where a control stands, and where else it could."""
    if "min" in now:
        return f"{now['value']:g}, from {now['min']:g} to {now['max']:g}"
    if kind == "SelectionSlider":
        labels = now["_options_labels"]
        return f"{labels[now['index']]}, from {labels[0]} to {labels[-1]}"
    if "_options_labels" in now:
        labels = now["_options_labels"]
        return f"{labels[now['index']]} (choices: {', '.join(labels)})"
    if kind == "Checkbox":
        return "on" if now["value"] else "off"
    if kind == "FileUpload":
        return "a button that takes them"
    if kind in ("Text", "Textarea"):
        return f"“{now['value']}”" if now["value"] else "a field to write in"
    raise ValueError(f"a page can't show a widget of the kind {kind}: say in docs/book.py how")


if __name__ == "__main__":
    sys.exit(main())
