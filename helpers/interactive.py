"""Players, and widgets that change picture, sound and text together.

Widgets hold values (sliders, HTML), never captured output: so they run headless, and a stored
notebook still shows them where no kernel runs.
"""

import base64
import csv
import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from helpers import audio, files, plotting
from helpers.plotting import Shown

_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # what every browser plays
_MIME = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
}
_COLUMNS = ("test", "question", "sound", "right", "answer")  # of a file of answers
_TAG_BYTES = 21  # an ID3 tag that holds nothing: two headers and an empty name
_SHORT_BYTES = 60_000  # a sound up to this size is embedded as it is; a longer one as MP3


def player(y: np.ndarray, *, sr: int, label: str, lossless: bool = False) -> Shown:
    """Make an audio player that plays the samples at the level that they have.

    Nothing is normalised: two players can be compared by ear. What lies beyond full scale is
    clipped, as a loudspeaker's converter would, and the caption says how many samples that were.
    Rates that a browser may refuse are resampled up. A longer sound is embedded as MP3, to keep a
    notebook small.

    Parameters
    ----------
    y : ndarray, float32, (n_samples,)
        Mono waveform.
    sr : int
        Sampling rate, in Hz.
    label : str
        What is heard.
    lossless : bool
        Embed FLAC whatever the length, where the MP3 coder would hide what is to be heard.

    Returns
    -------
    Shown
        A caption with duration and level, and the player.

    Raises
    ------
    AudioError
        If `y` is not a valid waveform: empty, not 1-D, or with NaN or infinite samples.

    References
    ----------
    Notebook 01.
    """
    y = audio.valid(y, "y")
    n_clipped = int(np.count_nonzero(np.abs(y) > 1))
    caption = f"{label} ({len(y) / sr:.1f} s, {_level(y)}{_clipping(n_clipped)})"
    y, rate = _playable(np.clip(y, -1, 1), sr)
    suffix = ".flac" if lossless else ".wav" if 2 * len(y) <= _SHORT_BYTES else ".mp3"
    return _player(audio.encode(y, sr=rate, suffix=suffix), suffix, caption)


def file_player(path: str | Path, *, label: str) -> Shown:
    """Make an audio player of a file as it is: its own bytes, its own channels.

    What is heard is what the reader's browser decodes: an MP3 with its losses, stereo in stereo.

    Parameters
    ----------
    path : str or Path
        WAV, FLAC, Ogg or MP3, at a rate that browsers play; short, for it is embedded whole.
    label : str
        What is heard.

    Returns
    -------
    Shown
        A caption with duration, channels and RMS level over all channels, and the player.

    Raises
    ------
    AudioError
        If the file holds no audio.
    ValueError
        If browsers don't play files of that suffix.

    References
    ----------
    Notebook 01.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _MIME:
        raise ValueError(f"path must end in one of {', '.join(_MIME)}, got {path.name!r}")
    samples, sr = audio.read(path)
    n_samples, n_channels = samples.shape
    channels = {1: "mono", 2: "stereo"}.get(n_channels, f"{n_channels} channels")
    caption = f"{label} ({n_samples / sr:.1f} s, {channels}, {_level(samples.ravel())})"
    return _player(path.read_bytes(), suffix, caption)


def compare_players(sounds: dict[str, np.ndarray], *, sr: int, lossless: bool = False) -> Shown:
    """Make one player a sound, side by side, all at the level that they have.

    Parameters
    ----------
    sounds : dict of str to ndarray, float32, (n_samples,)
        Mono waveforms by label.
    sr : int
        Sampling rate of all of them, in Hz.
    lossless : bool
        As in `player`.

    Returns
    -------
    Shown

    Raises
    ------
    ValueError
        If there is no sound.
    """
    if not sounds:
        raise ValueError("sounds must hold at least one labelled waveform, got none")
    return stack(*(player(y, sr=sr, label=label, lossless=lossless) for label, y in sounds.items()))


def stack(*shown: Shown) -> Shown:
    """Join pictures, players and texts into one thing to display."""
    return Shown("".join(s.html for s in shown), "\n".join(s.text for s in shown))


def line(text: str) -> Shown:
    """Make a line of text that can stand among pictures and players."""
    return Shown(f"<p>{html.escape(text)}</p>", text)


def explore(view: Callable[..., Shown | Sequence[Shown]], **controls: widgets.Widget):
    """Build a small instrument: whenever a control moves, everything that `view` returns is remade.

    Parameters
    ----------
    view : callable
        Takes the value of each control by name; returns what to show (`plotting.show`, `player`,
        `compare_players`, `line`), one thing or a sequence. A `ValueError` that it raises is
        shown as text.
    **controls : ipywidgets widget
        Value widgets, such as `widgets.IntSlider`, by parameter name.

    Returns
    -------
    widgets.VBox
        The controls, a button that resets them, and the view.

    References
    ----------
    Notebooks 01, 02, 03, 04 and 07 use it.
    """
    first = {name: control.value for name, control in controls.items()}
    page = widgets.HTML()
    reset = widgets.Button(description="Reset", layout=widgets.Layout(width="5em"))

    def draw(change=None):
        page.value = _view_html(view, {name: c.value for name, c in controls.items()})

    def restore(button):
        for name, value in first.items():
            controls[name].value = value

    for control in controls.values():
        if hasattr(control, "continuous_update"):
            control.continuous_update = False  # one picture for one movement
        control.style.description_width = "initial"
        control.observe(draw, names="value")
    reset.on_click(restore)
    draw()
    row = widgets.HBox([*controls.values(), reset], layout=widgets.Layout(flex_flow="row wrap"))
    return widgets.VBox([row, page])


def draw_questions(clips, n_each, *, rng):
    """Draw the questions of a blind listening test, in random order.

    Nothing but the music may tell the sounds apart, so all get one length and one RMS level.

    Parameters
    ----------
    clips : dict of str to list of ndarray, float32, (n_samples,)
        Sounds to draw from, by what they are. None may be silent: it can't get the level.
    n_each : dict of str to int
        How many to draw of each, no sound twice.
    rng : numpy.random.Generator

    Returns
    -------
    names : list of str
        What each sound is.
    sounds : list of ndarray, float32, (n_samples,)
        Cut to the shortest; their peaks stay below full scale.

    Raises
    ------
    ValueError
        If there are fewer sounds than asked for, or one is silent.

    References
    ----------
    ITU-R BS.1534, "Method for the subjective assessment of intermediate quality level of audio
    systems" (levels, random order). Notebook 08.
    """
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


def score_answers(right, answers, *, interval):
    """Count right answers, and say between which bounds the listener's true share lies.

    Parameters
    ----------
    right, answers : list of str
        For each question what it is, and what the listener said.
    interval : callable
        ``interval(n_right, n_questions)`` returns the bounds; `sound_metrics.wilson_interval`.

    Returns
    -------
    n_right : int
    bounds : tuple of float
        From 0 to 1. If guessing lies between, guessing explains the answers.

    Raises
    ------
    ValueError
        If a question has no answer.

    References
    ----------
    Notebook 08.
    """
    if len(right) != len(answers) or any(answer is None for answer in answers):
        n_open = len(right) - sum(answer is not None for answer in answers)
        raise ValueError(f"answers must be as many as the {len(right)} questions, {n_open} missing")
    n_right = sum(one == other for one, other in zip(right, answers, strict=True))
    return n_right, interval(n_right, len(right))


def save_answers(path, names, right, answers):
    """Add the answers of a listening test to a CSV file, a line a question.

    The file is replaced as a whole when the new one is complete: no test is lost, none half kept.

    Parameters
    ----------
    path : str or Path
        Its folder is made if missing.
    names, right, answers : list of str
        For each question what sounded, the right answer, and the listener's.

    Returns
    -------
    int
        The number of this test in the file: 1, then 2, ...

    Raises
    ------
    ValueError
        If there is a file of that name with other columns; it is left as it is.

    References
    ----------
    Notebook 08.
    """
    path, kept = Path(path), load_answers(path)
    test = 1 + max((row["test"] for row in kept), default=0)
    rows = zip(names, right, answers, strict=True)
    rows = [dict(zip(_COLUMNS, (test, i, *row), strict=True)) for i, row in enumerate(rows, 1)]
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(kept + rows)
    with files.replacing(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    return test


def load_answers(path):
    """Read what `save_answers` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of dict
        A row a question: ``"test"`` and ``"question"``, whole numbers; ``"sound"``, ``"right"``
        and ``"answer"``, text. Empty if there is no such file.

    Raises
    ------
    ValueError
        If the file is something else.

    References
    ----------
    Notebook 08.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        return [
            {name: int(row[name]) if name in _COLUMNS[:2] else row[name] for name in _COLUMNS}
            for row in rows
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as fault:
        raise ValueError(
            f"{path} must have the columns {', '.join(_COLUMNS)}, and isn't such a file: move it "
            f"away ({type(fault).__name__}: {fault})"
        ) from fault


def listening_test(clips, n_each, *, right, sr, seed, path, interval):
    """Build a blind listening test: players and buttons, a score, and answers that can be saved.

    The page says nothing of what a sound is before the score is shown: not by its name, its
    length, its level or the size of its data. Each test draws anew.

    Parameters
    ----------
    clips, n_each
        As in `draw_questions`.
    right : dict of str to str
        The right answer for each name in `n_each`; half of the questions should have each answer,
        else saying always the same is better than guessing.
    sr : int, Hz
    seed : int
        With the number of tests in the file, it decides what is drawn.
    path : str or Path
        CSV file for the answers; see `save_answers`.
    interval : callable
        As in `score_answers`.

    Returns
    -------
    widgets.VBox
        The questions, buttons, and the score.

    Raises
    ------
    ValueError
        As `draw_questions` and `load_answers`.

    References
    ----------
    Notebook 08.
    """
    tests, questions, page = [], widgets.VBox(), widgets.HTML()
    first = 1 + max((row["test"] for row in load_answers(path)), default=0)
    score, save, again = (
        widgets.Button(description=text, layout=widgets.Layout(width="auto"))
        for text in ("Show the score", "Save my answers", "Another test")
    )

    def begin(button=None):
        rng = np.random.default_rng([seed, first + len(tests)])
        names, sounds = draw_questions(clips, n_each, rng=rng)
        tests.append(names)
        choices = [_choice(sorted(set(right.values()))) for _ in names]
        for choice in choices:
            choice.observe(answered, names="value")
        players = [widgets.HTML(text) for text in _blind_players(sounds, sr)]
        questions.children = [widgets.VBox(pair) for pair in zip(players, choices, strict=True)]
        page.value = "<p>Answer every question; then the score can be shown.</p>"
        score.disabled = save.disabled = True

    def state():
        choices = [question.children[1] for question in questions.children]
        return choices, tests[-1], [right[name] for name in tests[-1]], [c.value for c in choices]

    def answered(change):
        score.disabled = None in state()[3]

    def show_score(button):
        choices, names, wanted, answers = state()
        page.value = _score_html(names, wanted, answers, interval)
        for choice in choices:
            choice.disabled = True  # no second thoughts once the truth is out
        score.disabled, save.disabled = True, False

    def keep(button):
        try:
            test = save_answers(path, *state()[1:])
        except (ValueError, OSError) as fault:
            page.value += f"<p><strong>{html.escape(str(fault))}</strong></p>"
        else:
            save.disabled = True
            page.value += f"<p>Saved as test {test} in {html.escape(str(path))}.</p>"

    score.on_click(show_score)
    save.on_click(keep)
    again.on_click(begin)
    begin()
    return widgets.VBox([questions, widgets.HBox([score, save, again]), page])


class LiveCurve:
    """A learning curve that is redrawn while a model trains.

    Parameters
    ----------
    baselines : dict of str to float, optional
        Loss of each baseline on the validation music.
    unit : str
        What the loss measures.
    log : bool
        As in `plotting.learning_curve`.

    Attributes
    ----------
    widget : widgets.HTML
        Display it before training begins; pass the object itself as `on_epoch`.
    """

    def __init__(
        self, baselines: dict[str, float] | None = None, unit="mean absolute error", log=False
    ):
        self._style = {"baselines": baselines, "unit": unit, "log": log}
        self.widget = widgets.HTML("<p>The curve appears after the first epoch.</p>")

    def __call__(self, history) -> None:
        """Redraw the curve from a `frame_model.History`."""
        ax = plotting.learning_curve(history.train_loss, history.validation_loss, **self._style)
        alt = f"Learning curve after {len(history.train_loss)} epochs."
        self.widget.value = plotting.show(ax, alt=alt).html


def _view_html(view, values) -> str:
    """Return the HTML of a view, or of the error that it raised."""
    try:
        shown = view(**values)
    except ValueError as error:
        return f"<p><strong>{html.escape(str(error))}</strong></p>"
    return shown.html if isinstance(shown, Shown) else stack(*shown).html


def _player(data: bytes, suffix: str, caption: str) -> Shown:
    """Embed the bytes of an audio file, with a caption."""
    encoded, text = base64.b64encode(data).decode(), html.escape(caption, quote=True)
    return Shown(
        f'<figure style="display:inline-block;margin:.3em 1em .3em 0">'
        f"<figcaption>{text}</figcaption>"
        f'<audio controls preload="metadata" aria-label="{text}" '
        f'src="data:{_MIME[suffix]};base64,{encoded}"></audio></figure>',
        f"Sound: {caption}",
    )


def _choice(options) -> widgets.ToggleButtons:
    """Make buttons of which none is pressed yet."""
    return widgets.ToggleButtons(options=options, value=None)


def _alike(sounds):
    """Cut sounds to the shortest, and bring them to the level that the peakiest can have."""
    n_samples = min(map(len, sounds))
    sounds = [audio.valid(sound, "y")[:n_samples] for sound in sounds]
    rms = np.array([np.sqrt(np.mean(np.square(y, dtype=np.float64))) for y in sounds])
    if not rms.all():
        raise ValueError("clips must not be silent, got a sound without any level: leave it out")
    peaks = np.array([np.abs(y).max() for y in sounds])
    level = min(np.median(rms), 0.98 * np.min(rms / peaks))
    return [(y * (level / one)).astype(np.float32) for y, one in zip(sounds, rms, strict=True)]


def _blind_players(sounds, sr) -> list[str]:
    """Return the HTML of players that differ in their number and their sound alone."""
    playable = [_playable(y, sr) for y in sounds]
    data = [audio.encode(y, sr=rate, suffix=".mp3", quality=0.3) for y, rate in playable]
    size = max(map(len, data)) + _TAG_BYTES
    return [_player(_padded(one, size), ".mp3", f"Sound {i}").html for i, one in enumerate(data, 1)]


def _padded(mp3: bytes, size: int) -> bytes:
    """Bring an MP3 to a size by an ID3 tag before it, which players pass over."""
    n = size - len(mp3) - _TAG_BYTES
    frame = b"PRIV" + _syncsafe(n + 1) + bytes(2) + bytes(n + 1)
    return b"ID3\x04\x00\x00" + _syncsafe(len(frame)) + frame + mp3


def _syncsafe(n: int) -> bytes:
    """Write a number in four bytes of seven bits each, as ID3 does."""
    return bytes(n >> shift & 0x7F for shift in (21, 14, 7, 0))


def _score_html(names, right, answers, interval) -> str:
    """Say how a test went, question by question."""
    n_right, (low, high) = score_answers(right, answers, interval=interval)
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


def _level(y: np.ndarray) -> str:
    """Say the RMS level."""
    level_db = audio.level_dbfs(y)
    return "silence" if np.isneginf(level_db) else f"{level_db:.1f} dBFS"


def _clipping(n_clipped: int) -> str:
    """Say how many samples were clipped, if any."""
    return f", {n_clipped} samples clipped" if n_clipped else ""


def _playable(y: np.ndarray, sr: int) -> tuple[np.ndarray, int]:
    """Resample up to a rate that every browser plays."""
    rate = next((r for r in _RATES if r >= sr), _RATES[-1])
    if rate == sr:
        return y, rate
    return np.clip(audio.resample(y, sr_from=sr, sr_to=rate), -1, 1), rate
