"""Questions that a reader answers before the answer is shown."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from helpers.plotting import Shown

_given: dict[str, list[str]] = {}  # question -> what was answered, while the kernel lives


@dataclass(frozen=True)
class Question:
    """A question with choices, two or more, all different, one of which is the right `answer`.

    `why` is said once the right one is chosen, `hint` when another one is.
    """

    text: str
    choices: tuple[str, ...]
    answer: str
    why: str
    hint: str = "Think again."


class Asked:
    """Questions as a cell displays them: text on every page, and controls where a kernel runs.

    The parts, `Shown` or a widget, are displayed in their order. It is to be its cell's last line.
    """

    def __init__(self, *parts: Shown | widgets.Widget) -> None:
        self.parts = parts

    def _ipython_display_(self) -> None:
        for part in self.parts:
            display(part)


def predict(
    question: str, choices: Sequence[str], *, reveal: str | Shown, answer: str | None = None
) -> Asked:
    """Ask what will happen; show what does happen once the reader has committed to a choice.

    The first choice counts. It is kept while the kernel lives: the cell, run again, shows it. No
    choice is needed for the notebook to go on.

    Parameters
    ----------
    question : str
        What to predict; different from every other question of the notebook.
    choices : sequence of str
        Two or more, all different (else a ValueError).
    reveal : str or Shown
        What happens, and why: a text, or a picture or player.
    answer : str, optional
        The right choice, if one is right; one that isn't among the choices is a ValueError.
    """
    _check(question, choices, answer)
    shown = reveal.html if isinstance(reveal, Shown) else f"<p>{html.escape(reveal)}</p>"
    buttons, page = _buttons("Your prediction:", choices), widgets.HTML()

    def answered(change: Any = None) -> None:
        _given[question] = [buttons.value]
        said = f"You said: <strong>{html.escape(buttons.value)}</strong>."
        if answer is not None:
            is_right = buttons.value == answer
            said += " That is right." if is_right else f" It is: {html.escape(answer)}."
        page.value = f"<p>{said}</p>{shown}"
        buttons.disabled = True

    if question in _given and _given[question][0] in choices:
        buttons.value = _given[question][0]
        answered()
    buttons.observe(answered, names="value")
    return Asked(_text("Predict", question, choices), widgets.VBox([buttons, page]))


def quiz(questions: Sequence[Question]) -> Asked:
    """Ask questions with feedback; each may be tried until it is right, and first tries count.

    What was answered is kept while the kernel lives. No question, two of one text, or one that
    can't be answered (see `Question`) raises a ValueError.
    """
    texts = [question.text for question in questions]
    if not texts or len(set(texts)) < len(texts):
        raise ValueError(f"questions must be one or more of different texts, got {texts}")
    score = widgets.HTML()

    def count() -> None:
        tried = [question for question in questions if question.text in _given]
        n_right = sum(_given[question.text][0] == question.answer for question in tried)
        said = f"{len(tried)} of {len(texts)} answered, {n_right} right at the first try."
        score.value = f"<p>{said}</p>"

    parts: list[Shown | widgets.Widget] = []
    for number, question in enumerate(questions, 1):
        _check(question.text, question.choices, question.answer)
        parts.append(_text(str(number), question.text, question.choices))
        parts.append(_quiz_row(number, question, count))
    count()
    return Asked(*parts, score)


def _quiz_row(number: int, question: Question, count: Callable[[], None]) -> widgets.VBox:
    """Make the choices of one question, and the line that answers."""
    buttons, page = _buttons(f"Answer {number}:", question.choices), widgets.HTML()

    def answered(change: Any = None) -> None:
        if change is not None:
            _given.setdefault(question.text, []).append(buttons.value)
        is_right = buttons.value == question.answer
        verdict, more = ("Right.", question.why) if is_right else ("Not that one.", question.hint)
        page.value = f"<p><strong>{verdict}</strong> {html.escape(more)}</p>"
        buttons.disabled = is_right
        count()

    if _given.get(question.text, [None])[-1] in question.choices:
        buttons.value = _given[question.text][-1]
        answered()
    buttons.observe(answered, names="value")
    return widgets.VBox([buttons, page])


def _check(question: str, choices: Sequence[str], answer: str | None) -> None:
    """Raise ValueError unless a question can be answered."""
    if isinstance(choices, str) or len(set(choices)) < max(2, len(choices)):
        raise ValueError(
            f"choices must be two or more different texts, got {choices!r} for {question!r}"
        )
    if answer is not None and answer not in choices:
        raise ValueError(f"answer must be one of {list(choices)}, got {answer!r}")


def _text(name: str, question: str, choices: Sequence[str]) -> Shown:
    """Write a question for pages and for plain text."""
    asked, listed = html.escape(question), html.escape(" · ".join(choices))
    page = f"<p><strong>{html.escape(name)}:</strong> {asked} <em>({listed})</em></p>"
    return Shown(page, f"{name}: {question} [{' | '.join(choices)}]")


def _buttons(name: str, choices: Sequence[str]) -> widgets.ToggleButtons:
    """Make a row of named buttons, none pressed; Tab goes from one to the next, Space presses."""
    named = {"description": name, "tooltip": name}
    buttons = widgets.ToggleButtons(options=list(choices), value=None, **named)
    buttons.style.button_width = "auto"
    buttons.style.description_width = "initial"
    return buttons
