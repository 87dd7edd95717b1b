"""How Sphinx makes the book of what `docs/book.py` has staged. Nothing on a page asks the network.

Formulas become MathML, which browsers show by themselves. docutils (BSD licence) converts them; its
converter is provisional, so tests convert every formula. Browsers need a font that knows how to
set formulas: matplotlib's DejaVu Serif, of which the pages get a copy, with its licence.
"""

import operator
import re
import tomllib
from pathlib import Path

import matplotlib
from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from myst_nb.sphinx_ import HideCodeCellNode

PROJECT = Path(__file__).resolve().parent.parent
ADDRESS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FUNCTION = re.compile(  # one whose argument doesn't stand in brackets: TeX sets it apart
    r"\\(?:cos|exp|ln|log|sin|tanh)(?![a-z])(?:[_^](?:\w|\{[^{}]*\}))*(?!\s*(?:[(\[_^]|\\(?:[bB]ig|left)))"
)
OVERLINE = re.compile(  # few fonts stretch the stroke that docutils writes
    r'<mover accent="false">(.*?)<mo accent="true">_</mo>\s*</mover>', re.DOTALL
)
SPELT = {  # what docutils calls otherwise, reads otherwise, or does without
    r"\\(big|Big)(?=[)\]])": r"\\\1r",
    r"\\(big|Big)\b": r"\\\1l",
    r"\\dots\b": r"\\ldots",
    r"\\mathrel\b": "",
    r"\\(t?frac)(\d)(\d)": r"\\\1{\2}{\3}",
    r"\\hat ?(\w)": r"\\hat{\1}{}",
}


def mathml(formula, *, block):
    """Convert a formula; one that docutils can't read is an error that shows it."""
    text = formula
    for spelling, other in SPELT.items():
        text = re.sub(spelling, other, text)
    text = FUNCTION.sub(r"\,\g<0>\,", text)
    try:
        page = latex2mathml.tex2mathml(text, as_block=block)
    except MathError as fault:
        raise ValueError(f"no MathML of {formula!r}: {fault}; write it another way") from fault
    return OVERLINE.sub(r'<mrow style="border-top: .06em solid">\1</mrow>', page)


def show_inline(writer, node):
    """Write a formula in a line."""
    writer.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def show_display(writer, node):
    """Write a formula that stands by itself; one that is too wide scrolls, by keys as well."""
    reached = 'tabindex="0" role="group" aria-label="Formula"'
    formula = mathml(node.astext(), block=True)
    writer.body.append(f'<div class="formula" {reached}>{formula}</div>')
    raise nodes.SkipNode


def open_fold(writer, node):
    """Begin a dropdown, named by its words alone."""
    writer.body.append(f"<details><summary>{node['prompt_show']}</summary>")


def close_fold(writer, node):
    """End a dropdown."""
    writer.body.append("</details>")


def setup(app):
    """Tell Sphinx about formulas and dropdowns."""
    app.add_html_math_renderer("mathml", (show_inline, None), (show_display, None))
    app.add_node(HideCodeCellNode, override=True, html=(open_fold, close_fold))


project = "From an MP3 to music composed by an LSTM"
author = "The music-from-raw-audio authors"
language = "en"
extensions = ["myst_nb"]
exclude_patterns = ["stored"]

nb_execution_mode = "off"
nb_code_prompt_show = "The code"
myst_heading_anchors = 4
myst_heading_slug_func = operator.methodcaller("replace", " ", "-")  # as in JupyterLab
myst_enable_extensions = ["dollarmath", "colon_fence"]

html_theme = "sphinx_book_theme"
html_title = project
html_math_renderer = "mathml"
html_favicon = "_static/icon.svg"
html_static_path = ["_static", str(FONTS / "DejaVuSerif.ttf"), str(FONTS / "LICENSE_DEJAVU")]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_copy_source = False
html_use_index = False
html_show_search_summary = False  # for it, whole pages are fetched, sounds and all
html_show_sphinx = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "repository_url": ADDRESS["Repository"],
    "use_repository_button": True,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navbar_persistent": [],  # the sidebar has a search field
    "search_bar_text": "Search the book",
}
