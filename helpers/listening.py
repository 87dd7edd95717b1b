"""A blind listening test: what sounds is told by ear alone, and the answers are kept."""

import csv
import html
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np

from helpers import audio, files, interactive

_COLUMNS = ("format", "test", "question", "sound", "right", "answer")  # of a file of answers
_FORMAT = 1
_TAG_BYTES = 21  # an ID3 tag that holds nothing: two headers and an empty name

Waveform = audio.Waveform
Interval = Callable[[int, int], tuple[float, float]]


class BlindTest(widgets.VBox):
    """A blind listening test: players and buttons, a score, and answers that can be saved.

    The page says nothing of what a sound is before the score is shown: not by its name, its
    length, its level or the size of its data. Each test draws anew.

    Parameters
    ----------
    clips : dict of str to list of ndarray, float32, (n_samples,)
        Sounds to draw from, by what they are. None may be silent: it can't get the common level.
    n_each : dict of str to int
        How many to draw of each, no sound twice.
    right : dict of str to str
        The right answer for each name in `n_each`; half of the questions should have each answer,
        else saying always the same is better than guessing.
    sr : int
        Sampling rate, in Hz.
    seed : int
        With the number of tests in the file, it decides what is drawn.
    path : str or Path
        CSV file for the answers; its folder is made if missing. See `load_answers`.
    interval : callable
        ``interval(n_right, n_questions)`` returns the bounds between which the listener's true
        share lies, from 0 to 1; `sound_metrics.wilson_interval`.

    Raises
    ------
    ValueError
        If there are fewer sounds than asked for, or one is silent.

    References
    ----------
    ITU-R BS.1534, "Method for the subjective assessment of intermediate quality level of audio
    systems" (levels, random order). Notebook 08.
    """

    def __init__(
        self,
        clips: dict[str, list[Waveform]],
        n_each: dict[str, int],
        *,
        right: dict[str, str],
        sr: int,
        seed: int,
        path: str | Path,
        interval: Interval,
    ) -> None:
        self._clips, self._n_each, self._right = clips, n_each, right
        self._sr, self._seed, self._path, self._interval = sr, seed, path, interval
        self._number = max((row["test"] for row in load_answers(path)), default=0)
        self._names: list[str] = []
        self._choices: list[widgets.ToggleButtons] = []
        self._questions, self._page = widgets.VBox(), widgets.HTML()
        self._score = _button("Show the score", self._show_score)
        self._save = _button("Save my answers", self._keep)
        again = _button("Another test", self._begin)
        self._begin()
        row = widgets.HBox([self._score, self._save, again])
        super().__init__([self._questions, row, self._page])

    def _begin(self, button: Any = None) -> None:
        """Draw new questions, none of them answered."""
        self._number += 1
        rng = np.random.default_rng([self._seed, self._number])
        self._names, sounds = _draw_questions(self._clips, self._n_each, rng=rng)
        self._choices = [self._choice(i) for i in range(1, len(sounds) + 1)]
        players = [widgets.HTML(text) for text in _blind_players(sounds, self._sr)]
        pairs = zip(players, self._choices, strict=True)
        self._questions.children = [widgets.VBox(pair) for pair in pairs]
        self._page.value = "<p>Answer every question; then the score can be shown.</p>"
        self._score.disabled = self._save.disabled = True

    def _choice(self, number: int) -> widgets.ToggleButtons:
        """Make the buttons of a question, none of them pressed yet."""
        options = sorted(set(self._right.values()))
        choice = widgets.ToggleButtons(
            options=options, value=None, description=f"Sound {number}:", tooltip=f"Sound {number}"
        )
        choice.observe(self._answered, names="value")
        return choice

    def _answered(self, change: Any) -> None:
        """Let the score be shown once every question has an answer."""
        self._score.disabled = any(choice.value is None for choice in self._choices)

    def _answers(self) -> tuple[list[str], list[str], list[str]]:
        """Return what sounded, the right answers, and the listener's."""
        right = [self._right[name] for name in self._names]
        return self._names, right, [choice.value for choice in self._choices]

    def _show_score(self, button: Any) -> None:
        """Tell the truth; after that no answer can change."""
        self._page.value = _score_html(*self._answers(), self._interval)
        for choice in self._choices:
            choice.disabled = True
        self._score.disabled, self._save.disabled = True, False

    def _keep(self, button: Any) -> None:
        """Save the answers, and say where, or why not."""
        try:
            number = _save_answers(self._path, *self._answers())
        except (ValueError, OSError) as fault:
            self._page.value += f"<p><strong>{html.escape(str(fault))}</strong></p>"
        else:
            self._save.disabled = True
            self._page.value += f"<p>Saved as test {number} in {html.escape(str(self._path))}.</p>"


def load_answers(path: str | Path) -> list[dict[str, Any]]:
    """Read the answers that a `BlindTest` saved.

    Returns
    -------
    list of dict
        A row a question: ``"test"`` and ``"question"``, whole numbers; ``"sound"``, ``"right"``
        and ``"answer"``, text. Empty if there is no such file; one of another format is named and
        passed over, and nothing is written to it.
    """
    try:
        return _read_answers(Path(path))
    except ValueError as fault:
        print(f"Not used: {fault}")
        return []


def _read_answers(path: Path) -> list[dict[str, Any]]:
    """Read a file of answers, if there is one; raise a ValueError if it is something else."""
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        answers = [
            {name: int(row[name]) if name in _COLUMNS[:3] else row[name] for name in _COLUMNS}
            for row in rows
        ]
        if any(row["format"] != _FORMAT for row in answers):
            raise ValueError(f"format must be {_FORMAT}")
    except (KeyError, TypeError, ValueError, csv.Error) as fault:
        raise ValueError(
            f"{path} must have the columns {', '.join(_COLUMNS)}, in format {_FORMAT}, and isn't "
            f"such a file: move it away ({type(fault).__name__}: {fault})"
        ) from fault
    return answers


def _draw_questions(
    clips: dict[str, list[Waveform]], n_each: dict[str, int], *, rng: np.random.Generator
) -> tuple[list[str], list[Waveform]]:
    """Draw names and sounds in random order, all of one length and one level."""
    drawn = []
    for name, n in n_each.items():
        if not 0 <= n <= len(clips.get(name, [])):
            raise ValueError(
                f"clips must hold {n} sounds of {name!r}, got {len(clips.get(name, []))}: "
                "cut more of them, or ask for fewer"
            )
        drawn += [(name, clips[name][i]) for i in rng.permutation(len(clips[name]))[:n]]
    if not drawn:
        raise ValueError(f"n_each must ask for one sound at least, got {n_each}")
    drawn = [drawn[i] for i in rng.permutation(len(drawn))]
    return [name for name, _ in drawn], _alike([sound for _, sound in drawn])


def _save_answers(path: str | Path, names: list[str], right: list[str], answers: list[str]) -> int:
    """Add the answers of a test to a CSV file, a line a question, and return the test's number.

    The file is replaced as a whole when the new one is complete: no test is lost, none half kept.
    """
    path, kept = Path(path), _read_answers(Path(path))
    test = 1 + max((row["test"] for row in kept), default=0)
    lines = enumerate(zip(names, right, answers, strict=True), 1)
    rows = [dict(zip(_COLUMNS, (_FORMAT, test, i, *line), strict=True)) for i, line in lines]
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept + rows)
    with files.replacing(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
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


def _blind_players(sounds: list[Waveform], sr: int) -> list[str]:
    """Return the HTML of players that differ in their number and their sound alone."""
    playable = [interactive.playable(y, sr=sr) for y in sounds]
    data = [audio.encode(y, sr=rate, suffix=".mp3", quality=0.3) for y, rate in playable]
    size = max(map(len, data)) + _TAG_BYTES
    same = [_padded(one, size) for one in data]
    return [interactive.embed(one, ".mp3", f"Sound {i}").html for i, one in enumerate(same, 1)]


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
        f"<tr><td>Sound {i}</td><td>{html.escape(name)}</td><td>{html.escape(answer)}</td>"
        f"<td>{'right' if answer == wanted else 'wrong'}</td></tr>"
        for i, (name, wanted, answer) in enumerate(zip(names, right, answers, strict=True), 1)
    )
    return (
        f"<p><strong>{n_right} of {len(right)} right.</strong> Your true share lies between "
        f"{100 * low:.0f} % and {100 * high:.0f} %, with 95 % confidence.</p>"
        f"<table><tr><th></th><th>was</th><th>you said</th><th></th></tr>{rows}</table>"
    )
