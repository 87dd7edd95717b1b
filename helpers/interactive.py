"""Players, and widgets that change picture, sound and text together.

Widgets hold values (sliders, HTML), never captured output: so they run headless, and a stored
notebook still shows them where no kernel runs.
"""

import base64
import html
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from helpers import audio, plotting
from helpers.plotting import Shown

_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # what every browser plays
_MIME = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
}
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


def note(text: str) -> Shown:
    """Make a line of text that can stand among pictures and players."""
    return Shown(f"<p>{html.escape(text)}</p>", text)


def explore(view: Callable[..., Shown | Sequence[Shown]], **controls: widgets.Widget):
    """Build a small instrument: whenever a control moves, everything that `view` returns is remade.

    Parameters
    ----------
    view : callable
        Takes the value of each control by name; returns what to show (`plotting.show`, `player`,
        `compare_players`, `note`), one thing or a sequence. A `ValueError` that it raises is
        shown as text.
    **controls : ipywidgets widget
        Value widgets, such as `widgets.IntSlider`, by parameter name.

    Returns
    -------
    widgets.VBox
        The controls, a button that resets them, and the view.

    References
    ----------
    Notebooks 01, 02 and 03 use it.
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
    return widgets.VBox([widgets.HBox([*controls.values(), reset]), page])


class LiveCurve:
    """A learning curve that is redrawn while a model trains.

    Parameters
    ----------
    baselines : dict of str to float, optional
        Loss of each baseline on the validation music.
    unit : str
        What the loss measures.

    Attributes
    ----------
    widget : widgets.HTML
        Display it before training begins; pass the object itself as `on_epoch`.
    """

    def __init__(self, baselines: dict[str, float] | None = None, unit="mean absolute error"):
        self._baselines, self._unit = baselines, unit
        self.widget = widgets.HTML("<p>The curve appears after the first epoch.</p>")

    def __call__(self, history) -> None:
        """Redraw the curve from a `models.History`."""
        ax = plotting.learning_curve(
            history.train_loss, history.validation_loss, baselines=self._baselines, unit=self._unit
        )
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
