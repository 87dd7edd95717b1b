"""What readers are asked: predictions and quizzes with an answer, and a blind listening test."""

import csv
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
from IPython.display import display

from helpers import audio, files, interactive
from helpers.plotting import Shown

Waveform = audio.Waveform
Interval = Callable[[int, int], tuple[float, float]]

_COLUMNS = ("format", "test", "question", "sound", "right", "answer")  # of a file of answers
_FORMAT = 2
_LETTERS = ("A", "B", "X")
_TAG_BYTES = 21  # an ID3 tag that holds nothing: two headers and an empty name
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
    choice is needed for the notebook to go on. The question differs from every other one of the
    notebook. Choices are two or more, all different, and the answer, if one is right, is among them
    (else a ValueError). `reveal` is what happens, and why: a text, or a picture or player.
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
    return Asked(_text("Predict", question, choices), interactive.Controls([buttons, page]))


def quiz(questions: Sequence[Question]) -> Asked:
    """Ask questions with feedback; each may be tried until it is right, and first tries count.

    What was answered is kept while the kernel lives. No question, two of one text, or one that
    can't be answered (see `Question`) raises a ValueError.
    """
    texts = [question.text for question in questions]
    if not texts or len(set(texts)) < len(texts):
        raise ValueError(f"questions must be one or more of different texts, got {texts}")
    score = interactive.Page()

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


class BlindTest(interactive.Controls):
    """A blind listening test: pairs of sounds and buttons, a score, and answers that are kept.

    Each question has two sounds, A and B, from one place: one is the reference, one its opponent.
    Which is the reference? Or, in an ABX test, which of the two is sounded once more, as X? To
    guess is to be right in half of the questions. The page says nothing of what a sound is before
    the score is shown: not by its name, its length, its level or the size of its data. Each test
    draws anew. No score is seen that isn't saved: a bad round can't be dropped.

    Source: W. A. Munson and M. B. Gardner, "Standardizing auditory tests", J. Acoust. Soc. Am.
    22(5), 1950 (ABX); ITU-R BS.1116 (blind, at one level, in random order). Notebook 08.

    `clips`, float32, (n_samples,), stand under what they are; those of one place, at one index. One
    that is drawn and silent is a ValueError: it can't get the common level. `n_each` says how many
    questions to ask of each opponent of the `reference`; no place is heard twice, so that more of
    them than places are a ValueError. `sr` is all sounds' rate in Hz. `seed` decides what is drawn,
    with the number of the test, one more than the last in the file at `path`, a CSV for the answers
    (see `load_answers`), whose folder is made if missing. ``interval(n_right, n_asked)`` returns
    the bounds of the listener's true share, from 0 to 1, as `sound_metrics.wilson_interval` does.
    With `abx`, X is asked for, not the reference: can the two be told apart at all?
    """

    def __init__(
        self,
        clips: dict[str, list[Waveform]],
        n_each: dict[str, int],
        *,
        reference: str,
        sr: int,
        seed: int,
        path: str | Path,
        interval: Interval,
        abx: bool = False,
    ) -> None:
        self._clips, self._n_each, self._reference, self._abx = clips, n_each, reference, abx
        self._sr, self._seed, self._path, self._interval = sr, seed, Path(path), interval
        self._number = max((row["test"] for row in load_answers(self._path)), default=0)
        self._names: list[str] = []
        self._right: list[str] = []
        self._choices: list[widgets.ToggleButtons] = []
        self._questions, self._page = widgets.VBox(), widgets.HTML()
        self._score = _button("Save, and show the score", self._show_score)
        again = _button("Another test", self._begin)
        self._begin()
        super().__init__([self._questions, widgets.HBox([self._score, again]), self._page])

    def _begin(self, button: Any = None) -> None:
        """Draw new questions, none of them answered."""
        self._number += 1
        rng = np.random.default_rng([self._seed, self._number])
        drawn = _draw_questions(self._clips, self._n_each, self._reference, self._abx, rng=rng)
        self._names, self._right, sounds = drawn
        self._choices = [self._choice(i) for i in range(1, len(self._names) + 1)]
        pairs = zip(_blind_players(sounds, self._sr), self._choices, strict=True)
        self._questions.children = [widgets.VBox([widgets.HTML(p), c]) for p, c in pairs]
        self._page.value = "<p>Answer every question; then the score can be shown.</p>"
        self._score.disabled = True

    def _choice(self, number: int) -> widgets.ToggleButtons:
        """Make the buttons of a question, none of them pressed yet."""
        asked = f"{number}. Which of the two is {'X' if self._abx else self._reference}?"
        choice = _buttons(asked, _LETTERS[:2], width="")
        choice.observe(self._answered, names="value")
        return choice

    def _answered(self, change: Any) -> None:
        """Let the score be shown once every question has an answer."""
        self._score.disabled = any(choice.value is None for choice in self._choices)

    def _answers(self) -> tuple[list[str], list[str], list[str]]:
        """Return the opponents, the right answers, and the listener's."""
        return self._names, self._right, [choice.value for choice in self._choices]

    def _show_score(self, button: Any) -> None:
        """Save the answers and tell the truth, or say why not; after that no answer can change."""
        try:
            self._number = _save_answers(self._path, self._number, *self._answers())
        except (ValueError, OSError) as fault:
            self._page.value = f"<p><strong>Not saved: {html.escape(str(fault))}</strong></p>"
            return
        where = f"<p>Saved as test {self._number} in {html.escape(str(self._path))}.</p>"
        self._page.value = _score_html(*self._answers(), self._interval) + where
        for button in (*self._choices, self._score):
            button.disabled = True


def load_answers(path: str | Path) -> list[dict[str, Any]]:
    """Read the answers that a `BlindTest` saved, or those of a whole class: a folder of such files.

    A row for each question has ``"test"`` and ``"question"``, whole numbers; ``"sound"`` (the
    opponent), ``"right"`` and ``"answer"``, text; and ``"listener"``, the name of the file without
    its ending. There is none if there is no such file; one of another format is named and passed
    over, and nothing is written to it.
    """
    path, rows = Path(path), []
    for file in sorted(path.glob("*.csv")) if path.is_dir() else [path]:
        try:
            rows += [row | {"listener": file.stem} for row in _read_answers(file)]
        except (OSError, ValueError) as fault:
            print(f"Not used: {fault}")
    return rows


def _quiz_row(number: int, question: Question, count: Callable[[], None]) -> widgets.Widget:
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
    return interactive.Controls([buttons, page])


def _check(question: str, choices: Sequence[str], answer: str | None) -> None:
    """Raise ValueError unless a question can be answered."""
    if isinstance(choices, str) or len(set(choices)) < max(2, len(choices)):
        raise ValueError(f"choices of {question!r} must be 2 or more different texts: {choices!r}")
    if answer is not None and answer not in choices:
        raise ValueError(f"answer must be one of {list(choices)}, got {answer!r}")


def _text(name: str, question: str, choices: Sequence[str]) -> Shown:
    """Write a question for pages and for plain text."""
    asked, listed = html.escape(question), html.escape(" · ".join(choices))
    page = f"<p><strong>{html.escape(name)}:</strong> {asked} <em>({listed})</em></p>"
    return Shown(page, f"{name}: {question} [{' | '.join(choices)}]")


def _buttons(name: str, choices: Sequence[str], *, width: str = "auto") -> widgets.ToggleButtons:
    """Make a row of named buttons, none pressed; Tab goes from one to the next, Space presses."""
    named = {"description": name, "tooltip": name}
    buttons = widgets.ToggleButtons(options=list(choices), value=None, **named)
    buttons.style.button_width, buttons.style.description_width = width, "initial"
    return buttons


def _read_answers(path: Path) -> list[dict[str, Any]]:
    """Read a file of answers, if there is one; raise a ValueError if it is something else."""
    if not path.exists():
        return []
    try:
        answers = [
            {name: int(row[name]) if name in _COLUMNS[:3] else row[name] for name in _COLUMNS}
            for _, row in files.read_csv(path)
        ]
        if any(row["format"] != _FORMAT or not row["answer"] for row in answers):
            raise ValueError(f"format must be {_FORMAT}, and each row have an answer")
    except (KeyError, TypeError, ValueError) as fault:
        raise ValueError(
            f"{path} must have the columns {', '.join(_COLUMNS)}, in format {_FORMAT}, and isn't "
            f"such a file: move it away ({type(fault).__name__}: {fault})"
        ) from fault
    return answers


def _draw_questions(
    clips: dict[str, list[Waveform]],
    n_each: dict[str, int],
    reference: str,
    abx: bool,
    *,
    rng: np.random.Generator,
) -> tuple[list[str], list[str], list[list[Waveform]]]:
    """Draw opponents in random order, the right answers, and two or three sounds for each."""
    names = [name for name, n in n_each.items() for _ in range(n)]
    n_places = min(len(clips.get(name, [])) for name in (reference, *names))
    if not 1 <= len(names) <= n_places or min(n_each.values()) < 0:
        raise ValueError(
            f"n_each must ask for 1 to {n_places} questions, as many as there are places of "
            f"{reference!r} and its opponents, got {n_each}: cut more clips, or ask for fewer"
        )
    names = [names[i] for i in rng.permutation(len(names))]
    right, sounds = [], []
    for name, place in zip(names, rng.permutation(n_places)[: len(names)], strict=True):
        two = [clips[reference][place], clips[name][place]]
        order = rng.permutation(2)
        which = int(rng.integers(2)) if abx else int(order[0])  # 0 where A is the reference
        two = [two[i] for i in order]
        right.append(_LETTERS[which])
        sounds.append([*two, two[which][int(rng.integers(1, 800)) :]][: 3 if abx else 2])
    flat = iter(_alike([y for some in sounds for y in some]))
    return names, right, [[next(flat) for _ in some] for some in sounds]


def _save_answers(
    path: str | Path, number: int, names: list[str], right: list[str], answers: list[str]
) -> int:
    """Add the answers of a test to a CSV file, a line a question, and return the test's number.

    A number that the file has passed already becomes the next one; one that it hasn't stays.
    The file is replaced as a whole when the new one is complete: no test is lost, none half kept.
    """
    path, kept = Path(path), _read_answers(Path(path))
    test = max(number, 1 + max((row["test"] for row in kept), default=0))
    lines = enumerate(zip(names, right, answers, strict=True), 1)
    rows = [dict(zip(_COLUMNS, (_FORMAT, test, i, *line), strict=True)) for i, line in lines]
    with files.replacing(path) as new, new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept + rows)
    return test


def _button(text: str, action: Callable[[Any], None]) -> widgets.Button:
    """Make a button as wide as its text."""
    button = widgets.Button(description=text, layout=widgets.Layout(width="auto"))
    button.on_click(action)
    return button


def _alike(sounds: list[Waveform]) -> list[Waveform]:
    """Cut sounds to the shortest, and bring them to the level that the peakiest can have."""
    n_samples = min(map(len, sounds))
    sounds = [audio.valid(sound, "y")[:n_samples] for sound in sounds]
    rms = np.array([np.sqrt(np.mean(np.square(y, dtype=np.float64))) for y in sounds])
    if not rms.all():
        raise ValueError("clips must not be silent, got a sound without any level: leave it out")
    peaks = np.array([np.abs(y).max() for y in sounds])
    level = min(np.median(rms), 0.98 * np.min(rms / peaks))
    return [(y * (level / one)).astype(np.float32) for y, one in zip(sounds, rms, strict=True)]


def _blind_players(sounds: list[list[Waveform]], sr: int) -> list[str]:
    """Return the HTML of each question's players, which differ in letter and sound alone."""

    def encoded(y: Waveform) -> bytes:
        y, rate = interactive.playable(y, sr=sr)
        return audio.encode(y, sr=rate, suffix=".mp3", quality=0.3)

    data = [[encoded(y) for y in some] for some in sounds]
    size = max(len(one) for some in data for one in some) + _TAG_BYTES
    return [
        "".join(
            interactive.embed(_padded(one, size), ".mp3", f"{number} {letter}").html
            for one, letter in zip(some, _LETTERS, strict=False)
        )
        for number, some in enumerate(data, 1)
    ]


def _padded(mp3: bytes, size: int) -> bytes:
    """Bring an MP3 to a size by an ID3 tag before it, which players pass over."""
    n = size - len(mp3) - _TAG_BYTES
    frame = b"PRIV" + _syncsafe(n + 1) + bytes(2) + bytes(n + 1)
    return b"ID3\x04\x00\x00" + _syncsafe(len(frame)) + frame + mp3


def _syncsafe(n: int) -> bytes:
    """Write a number in four bytes of seven bits each, as ID3 does."""
    return bytes(n >> shift & 0x7F for shift in (21, 14, 7, 0))


def _score_html(names: list[str], right: list[str], answers: list[str], interval: Interval) -> str:
    """Say how a test went, question by question."""
    n_right = sum(one == other for one, other in zip(right, answers, strict=True))
    low, high = interval(n_right, len(right))
    rows = "".join(
        f"<tr><td>{i}</td><td>{html.escape(name)}</td><td>{wanted}</td><td>{answer}</td>"
        f"<td>{'right' if answer == wanted else 'wrong'}</td></tr>"
        for i, (name, wanted, answer) in enumerate(zip(names, right, answers, strict=True), 1)
    )
    return (
        f"<p><strong>{n_right} of {len(right)} right.</strong> Your true share lies between "
        f"{100 * low:.0f} % and {100 * high:.0f} %, with 95 % confidence.</p><table><tr><th></th>"
        f"<th>opponent</th><th>it was</th><th>you said</th><th></th></tr>{rows}</table>"
    )
