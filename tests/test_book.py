"""What the book's pages hold, before Sphinx sees them. `tests/browser/test_book.py` builds it."""

import importlib.util
import re
from pathlib import Path

import ipywidgets as widgets
import nbformat
import numpy as np
import pytest
from ipywidgets.embed import dependency_state

from helpers import interactive, plotting, questions, synthesis

PROJECT = Path(__file__).parent.parent
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", re.DOTALL)
GLOSSARY = """# Glossary

Before it.

```{glossary}
zero-padding
padding
  Zeros, appended.

bin
  A place in a spectrum.
```
"""


def load(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", PROJECT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


book, conf = load("book"), load("conf")


def code(source, *outputs, tags=(), hidden=False):
    metadata = {"tags": list(tags), "jupyter": {"source_hidden": hidden}}
    shown = [nbformat.v4.new_output("display_data", {"text/html": one}) for one in outputs]
    return nbformat.v4.new_code_cell(source, outputs=shown, metadata=metadata)


def paged(*cells, terms=None, name="03_blocks"):
    head = nbformat.v4.new_markdown_cell("# 3 · Blocks")
    notebook = nbformat.v4.new_notebook(cells=[head, *cells])
    return book.paged(notebook, name, str.upper, terms or {}).cells[1:]


def text_of(html):
    return re.sub(r"<[^>]+>", " ", html)


def standing(widget, name="03_blocks"):
    """Write a widget as a page shows it."""
    state = dependency_state([widget], drop_defaults=False)
    return book.standing(state, widget.model_id, name)


PREDICT = """
questions.predict(
    "Is 1 < 2?", ["yes", "no & never"], answer="yes",
    reveal="One is less "
    "than two.",
)
"""
QUIZ = """
QUIZ = (
    questions.Question("First?", ("a", "b"), answer="b", why="It is b.", hint="Not a."),
    questions.Question("Second?", ["c", "d"], answer="c", why="It is c."),
)
questions.quiz(QUIZ)
"""
COMPUTED = "questions.predict('Which?', ['A', 'B'], answer='AB'[k], reveal=', '.join(names))"


def test_a_prediction_folds_its_answer_and_its_code_goes():
    (cell,) = paged(code(PREDICT, "<p>Is 1 < 2?</p>", tags=["prediction"], hidden=True))
    (output,) = cell.outputs
    asked, answer = output.data["text/html"].split("<details>")
    assert "Is 1 &lt; 2?" in asked
    assert "<li>yes</li><li>no &amp; never</li>" in asked
    assert "<summary>The answer</summary><p><strong>yes</strong></p>" in answer
    assert "One is less than two." in answer
    assert "remove-input" in cell.metadata.tags
    assert "<button" not in asked + answer


def test_each_question_of_a_quiz_folds_its_own_answer():
    page = book.questions(QUIZ)
    assert re.findall(r"<strong>(\d):</strong> (\w+)\?", page) == [("1", "First"), ("2", "Second")]
    folded = re.findall(r"<details>.*?</details>", page)
    assert [text_of(one).split() for one in folded] == [
        ["The", "answer", letter, "It", "is", f"{letter}."] for letter in "bc"
    ]


def test_an_answer_that_is_computed_is_said_to_be():
    page = book.questions(COMPUTED)
    assert "Which?" in page
    assert "It is computed" in page


def test_a_question_may_have_another_name_and_no_keywords():
    source = "Q = questions.Question\nquestions.quiz([Q('Up?', ('a', 'b'), 'a', 'So.', 'No.')])"
    said = text_of(book.questions(source)).split()
    assert said == ["1:", "Up?", "a", "b", "The", "answer", "a", "So."]


def test_a_prediction_that_asks_nothing_is_named():
    with pytest.raises(ValueError, match="tagged prediction must call"):
        book.questions("y = audio.load(path, sr=SR)")


def test_an_instrument_becomes_what_it_shows_and_where_its_controls_stand():
    def view(**now):
        return interactive.line(f"said <{now['tone']}>")

    controls = {
        "tone": widgets.FloatSlider(220, min=190, max=250.5, description="tone (Hz)"),
        "n": widgets.SelectionSlider(options=[64, 128, 256], value=128),
        "window": widgets.Dropdown(options=["none", "Hann"], value="Hann"),
        "remedy": widgets.ToggleButtons(options=["clip", "wrap"], value="wrap"),
        "loud": widgets.Checkbox(True),
        "take": widgets.BoundedIntText(3, min=0, max=99),
        "line": widgets.Text("so <it> goes"),
        "heard": widgets.Textarea(""),
    }
    page = standing(interactive.explore(view, **controls))
    assert re.findall("<li>(.*?)</li>", page) == [
        "tone (Hz): 220, from 190 to 250.5",
        "n: 128, from 64 to 256",
        "window: Hann (choices: none, Hann)",
        "remedy: wrap (choices: clip, wrap)",
        "loud: on",
        "take: 3, from 0 to 99",
        "line: “so &lt;it&gt; goes”",
        "heard: a field to write in",
    ]
    assert page.index("</ul>") < page.index("said &lt;220.0&gt;")
    assert "in notebook 3: <a" in page
    assert not re.search("<(button|input|select|script)", page)


def test_a_picture_that_was_drawn_in_training_needs_no_note():
    page = standing(widgets.HTML("<img src='x' alt='A curve.'>"))
    assert page == "<img src='x' alt='A curve.'>"


@pytest.mark.parametrize("abx", [False, True])
def test_a_blind_test_is_heard_and_says_why_nobody_is_told_the_answers(tmp_path, abx):
    rng = np.random.default_rng(0)
    clips = {who: [rng.uniform(-0.1, 0.1, 8000).astype("float32")] for who in ("human", "ours")}
    told = {"sr": 8000, "seed": 0, "interval": lambda k, n: (0, 1), "path": tmp_path / "me.csv"}
    test = questions.BlindTest(clips, {"ours": 1}, reference="human", abx=abx, **told)
    page = standing(test)
    assert page.startswith(book.BLIND)
    assert page.count("<audio") == 2 + abx
    assert f"<p>1. Which of the two is {'X' if abx else 'human'}? A or B?</p>" in page
    assert "Answer every question" not in page  # there is nothing to press
    assert "in notebook 3: <a" in page


def test_a_picture_scrolls_where_it_is_too_wide_with_the_line_on_it():
    ax = plotting.waveform(np.zeros(8000, np.float32), sr=8000)
    shown = interactive.watch(ax, np.zeros(8000, np.float32), sr=8000, label="rest", alt="A > B.")
    for page in (shown.html, plotting.show(ax, alt="A > B.").html):
        (cell,) = paged(code("show(y)", page))
        made = cell.outputs[0].data["text/html"]
        inside = re.findall(
            r'<section class="picture" [^>]*tabindex="0"[^>]*>(.*?)</section>', made
        )
        assert len(inside) == made.count("<img") == 1
        assert inside[0].startswith("<div") == ("<audio" in page)
        assert re.sub(r"</?section[^>]*>", "", made) == page


def test_recorder_and_piano_are_described(tmp_path):
    bank = synthesis.load(PROJECT / "data" / "models" / "notes_bank.npz")[1]
    piano = interactive.Keyboard(bank, lambda found, times: interactive.line(""))
    assert "Here stands a piano" in standing(piano)
    page = standing(interactive.Recorder(tmp_path / "voice.wav", seconds=5))
    assert "records your microphone, up to 5 seconds" in page


def test_a_widget_that_a_page_cannot_show_is_named():
    with pytest.raises(ValueError, match=r"kind ColorPicker: say in docs/book\.py"):
        standing(widgets.ColorPicker())


PICTURE = '<img src="data:..." alt="A wave.">'


@pytest.mark.parametrize(
    ("cell", "folded"),
    [
        (code("y = f(x)"), None),
        (code("show(y)", PICTURE), "hide-input"),
        (code("player(y)", "<audio></audio>"), "hide-input"),
        (code("import numpy", tags=["plumbing"]), "hide-input"),
        (code("draw()", hidden=True), "hide-input"),
        (code("show(mine())", PICTURE, tags=["exercise"]), None),
        (code("mine = right", PICTURE, tags=["solution"], hidden=True), "hide-cell"),
    ],
)
def test_code_folds_where_the_lesson_is_in_the_picture(cell, folded):
    (cell,) = paged(cell)
    tags = {tag for tag in cell.metadata.tags if tag.startswith(("hide", "remove"))}
    assert tags == ({folded} if folded else set())
    if folded == "hide-cell":
        assert cell.metadata.mystnb == {"code_prompt_show": "A solution"}


def test_the_first_bold_term_of_a_page_leads_to_the_glossary():
    known = book.terms(GLOSSARY)
    text = "The **Bins** are few. **Zero-padding**, **padding**: more **bins**, **other**."
    first, second = paged(
        nbformat.v4.new_markdown_cell(text),
        nbformat.v4.new_markdown_cell("**padding**, and [**bin**](x)"),
        terms=known,
    )
    assert first.source == (
        "The **{term}`Bins <bin>`** are few. **{term}`Zero-padding <zero-padding>`**, "
        "**{term}`padding <padding>`**: more **bins**, **other**."
    )
    assert second.source == "**padding**, and [**bin**](X)"


def test_a_glossary_that_is_not_there_links_nothing():
    assert book.terms("") == {}
    assert book.with_terms("a **bin**", {}, set()) == "a **bin**"


@pytest.mark.parametrize(
    ("page", "target", "expected"),
    [
        ("notebooks/03.ipynb", "04_what_to_predict.ipynb", "04_what_to_predict.ipynb"),
        ("notebooks/03.ipynb", "00_start_here.ipynb#The-map", "00_start_here.ipynb#The-map"),
        ("docs/index.md", "../notebooks/10_words.ipynb", "10_words.ipynb"),
        ("notebooks/03.ipynb", "../docs/index.md", "index.md"),
        ("notebooks/03.ipynb", "../data/README.md#x", "https://x.org/m/blob/main/data/README.md#x"),
        ("docs/index.md", "../data", "https://x.org/m/tree/main/data"),
        ("docs/index.md", "..", "https://x.org/m"),
        ("docs/index.md", "#How-to-run-it", "#How-to-run-it"),
        ("docs/index.md", "https://arxiv.org/abs/1", "https://arxiv.org/abs/1"),
        ("docs/index.md", "mailto:a@x.org", "mailto:a@x.org"),
    ],
)
def test_links_stay_in_the_book_or_lead_to_the_repository(
    page, target, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(book, "repository", lambda: "https://x.org/m")
    link = book.linker(PROJECT / page, tmp_path)
    assert book.relinked(f"see [it]({target}).", link) == f"see [it]({expected})."


def test_a_picture_comes_along(tmp_path):
    link = book.linker(PROJECT / "docs/index.md", tmp_path)
    assert link("../notebooks/start.png") == "start.png"
    assert (tmp_path / "start.png").read_bytes() == (PROJECT / "notebooks/start.png").read_bytes()


@pytest.mark.parametrize("target", ["11_more.ipynb", "../../outside.md", "../datum/README.md"])
def test_a_link_that_leads_nowhere_is_named(target, tmp_path):
    link = book.linker(PROJECT / "notebooks/03.ipynb", tmp_path)
    with pytest.raises(ValueError, match=re.escape(target)):
        link(target)


@pytest.mark.parametrize("urls", ["", '[project.urls]\nRepository = "http://x.org"\n'])
def test_without_a_repository_there_is_no_book(urls, tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n{urls}', encoding="utf-8")
    monkeypatch.setattr(book, "PROJECT", tmp_path)
    monkeypatch.setattr(book, "BOOK", tmp_path / "book")
    assert book.main() == 1
    assert "[project.urls] Repository = " in capsys.readouterr().err
    assert not (tmp_path / "book").exists()


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Return where a book of one page stands, and what Sphinx would do next."""
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("the old book", encoding="utf-8")
    monkeypatch.setattr(book, "stage", lambda source: 1)

    def sphinx(status, size):
        def run(arguments):
            pages = Path(arguments[-1])
            pages.mkdir(parents=True)
            (pages / "index.html").write_bytes(b"n" * size)
            return status

        monkeypatch.setattr(book, "sphinx", run)

    return tmp_path, sphinx


@pytest.mark.parametrize(
    ("status", "size", "fault"), [(1, 9, "Sphinx found"), (0, 101, "at most 100 bytes, got 101")]
)
def test_a_book_that_fails_leaves_the_old_one(made, monkeypatch, status, size, fault):
    folder, sphinx = made
    monkeypatch.setattr(book, "MOST_BYTES", 100)
    sphinx(status, size)
    with pytest.raises(ValueError, match=fault):
        book.build(folder)
    assert (folder / "html" / "index.html").read_text(encoding="utf-8") == "the old book"


def test_a_new_book_replaces_the_old_one(made):
    folder, sphinx = made
    sphinx(0, 9)
    assert book.build(folder) == 9
    assert (folder / "html" / "index.html").read_bytes() == b"n" * 9
    assert [path.name for path in folder.iterdir()] == ["html"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_keeps_every_picture_and_sound_and_waits_for_nothing(path, tmp_path):
    stored = nbformat.read(path, 4)
    text = nbformat.writes(stored)
    n_questions = len(re.findall(r"<p><strong>(?:Predict|\d+):</strong>", text))
    page = book.paged(stored, path.stem, book.linker(path, tmp_path), {})
    assert "widgets" not in page.metadata
    outputs = [o for cell in page.cells for o in cell.get("outputs", [])]
    assert not any(book.WIDGET in output.get("data", {}) for output in outputs)
    shown = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    for kind in ("img", "audio"):
        assert shown.count(f"<{kind} ") == len(re.findall(rf"<{kind} ", text))
    assert all(re.search(r'\balt="[^"]+"', tag) for tag in re.findall("<img [^>]*>", shown))
    assert shown.count('<div class="question">') == n_questions


def test_every_formula_becomes_mathml():
    n_formulas = 0
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, 4).cells:
            if cell.cell_type == "markdown":
                for match in FORMULA.finditer(cell.source):
                    block = bool(match["block"])
                    page = conf.mathml(match["block"] or match["inline"], block=block)
                    assert page.startswith("<math ")
                    assert ('display="block"' in page) == block
                    n_formulas += 1
    assert n_formulas > 100


@pytest.mark.parametrize(
    ("formula", "same"),
    [
        (r"\frac16 \sum_m x", r"\frac{1}{6} \sum_m x"),
        (r"\tfrac12 - \tfrac12x", r"\tfrac{1}{2} - \tfrac{1}{2} x"),
        (r"\big(x\big)^2 + \Big|y\Big|", r"\bigl(x\bigr)^2 + \Bigl|y\Bigl|"),
        (r"1, \dots", r"1, \ldots"),
        (r"a \mathrel{+}= b", "a {+}= b"),
    ],
)
def test_formulas_are_read_as_tex_reads_them(formula, same):
    assert conf.mathml(formula, block=True) == conf.mathml(same, block=True)


def test_an_index_stands_beside_a_hat_and_not_below():
    page = conf.mathml(r"\hat x_{t+1}", block=True)
    assert "<msub>" in page
    assert "under" not in page


def test_a_line_over_a_term_covers_it():
    page = conf.mathml(r"2 \overline{a b} + c", block=False)
    covered = re.search(r'<mrow style="border-top[^"]*">(.*?)</mrow>\s*</mrow>', page, re.DOTALL)
    assert re.findall(r"<mi>(\w)</mi>", covered[1]) == ["a", "b"]


def test_a_function_stands_apart_from_what_it_is_of():
    assert "mspace" in conf.mathml(r"\log_{10} A", block=False)
    assert "mspace" not in conf.mathml(r"\log_{10}(A)", block=False)


def test_a_formula_that_cannot_be_read_is_shown():
    with pytest.raises(ValueError, match=r"no MathML of .*nonsense"):
        conf.mathml(r"\nonsense{x}", block=True)
