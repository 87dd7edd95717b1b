"""Players, pictures that follow a sound, controls that change both, the reader's voice, a piano.

Widgets hold values (sliders, HTML), never captured output: they run headless, and show unrun.
"""

import base64
import html
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import traitlets
from matplotlib.axes import Axes

from helpers import audio, plotting, rolls, synthesis
from helpers.plotting import Shown

Waveform = audio.Waveform
Answer = Callable[[rolls.Notes, npt.NDArray[np.float64] | None], Shown]  # of a phrase, its beats

VOICE = "my_voice.wav"  # what `load_voice` looks for in a folder
_MIME = {".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".ogg": "audio/ogg"}
_LOSSY = {".mp3": "MP3", ".ogg": "Ogg Vorbis"}  # not the samples themselves: the caption says so
_SHORT_BYTES = 60_000  # a sound up to this size is embedded as PCM; a longer one as MP3
_OWN_KEYS = 'data-lm-suppress-shortcuts="true"'  # else JupyterLab takes Space and the arrows
_LOWEST, _HIGHEST = 36, 96  # MIDI numbers of a piano's keys, two octaves of them in sight
_LONGEST = 30.0  # s: a phrase that is played without the click ends at the latest then
_KEY_S = 2.0  # s: how long a key that is held sounds
_READY = "Press Click, or strike a key: your first note begins the phrase. Keys: A, S, D, F, ..."


def _one_line(name: str, joint: str) -> str:
    """Read a file that lies beside this one as one line."""
    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()
    return joint.join(line.strip() for line in lines)


# The playhead is a range input as large as the axes, its thumb a line: a click, a drag, the arrow
# keys and a screen reader's commands come with it. The script makes it, so that where scripts are
# off no dead control stands in the picture.
_PLAYHEAD_STYLE, _CAPTIONS_STYLE = (_one_line(f"{x}.css", "") for x in ("playhead", "captions"))
_PLAYHEAD_SCRIPT, _CAPTIONS_SCRIPT = (_one_line(f"{x}.js", " ") for x in ("playhead", "captions"))


def player(y: Waveform, *, sr: int, label: str, lossless: bool = False) -> Shown:
    """Make an audio player that plays a sound at the level that it has.

    Nothing is normalised: two players can be compared by ear. What lies beyond full scale is
    clipped, as a loudspeaker's converter would, and the caption says how many samples that were.
    Both ends are faded over 5 ms, lest the cut clicks. Rates that a browser may refuse are
    resampled up. A longer sound is embedded as MP3, to keep a notebook small, and captioned so.

    The label says what is heard; the caption adds duration, level and any lossy coding. Where the
    lesson depends on the samples, `lossless` embeds them as they are, as FLAC. See `audio.valid`.
    """
    return embed(*_encoded(y, sr, label, lossless))


def file_player(path: str | Path, *, label: str) -> Shown:
    """Make an audio player of a file as it is: its own bytes, its own channels.

    What is heard is what the reader's browser decodes: an MP3 with its losses, stereo in stereo.
    The file is WAV, FLAC, Ogg or MP3 (else a ValueError), at a rate that browsers play; short, for
    it is embedded whole. One without audio raises an AudioError. The caption adds to the label
    duration, channels, RMS level over all, and any lossy coding.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _MIME:
        raise ValueError(f"path must end in one of {', '.join(_MIME)}, got {path.name!r}")
    samples, sr = audio.read(path)
    n_samples, n_channels = samples.shape
    data = path.read_bytes()
    duration, channels = n_samples / sr, {1: "mono", 2: "stereo"}
    facts = [f"{duration:.1f} s", channels.get(n_channels, f"{n_channels} channels")]
    facts += [_level(samples.ravel()), _codec(data, suffix, duration)]
    return embed(data, suffix, f"{label} ({', '.join(filter(None, facts))})")


def watch(
    ax: Axes | npt.NDArray[Any],
    y: Waveform,
    *,
    sr: int,
    label: str,
    alt: str,
    start: float = 0.0,
    lossless: bool = False,
    captions: Sequence[tuple[str, float, float]] = (),
) -> Shown:
    """Join the picture of a sound and its player: a line follows the sound, a click jumps there.

    The line is a slider over the axes, so the arrow keys move it too. One script in an attribute
    of the player drives it, wherever HTML is shown: in JupyterLab, in an exported page and inside
    `explore`, which may hold no script element. Where scripts are off, picture and player remain.

    The axes have one linear time axis, in s, in common, on which the sound begins at `start`; the
    line runs over them, and the whole figure is shown. Axes without one, or that don't show the
    sound, raise a ValueError. Sound and label are as in `player`, `alt` as in `plotting.show`.

    Captions are the syllables that are sung, in order: text, first and last second in the sound. A
    text ends with a space where its word does, with a line break where its line does. They stand
    below the player as words; the one that sounds is marked. Other times raise a ValueError.
    """
    data, suffix, caption = _encoded(y, sr, label, lossless)
    picture = plotting.show(ax, alt=alt)  # draws it: only now the axes have their final place
    begin, end, place = _time_span(ax, start, start + np.size(y) / sr)
    reach = {"min": f"{begin - start:.3f}", "max": f"{end - start:.3f}"}
    values = {"RANGE": reach, "PLACE": place, "START": round(start, 3)}
    values["NAME"] = f"Position in {label}"
    script = re.sub("|".join(values), lambda name: json.dumps(values[name[0]]), _PLAYHEAD_SCRIPT)
    style, verse, text = _PLAYHEAD_STYLE, "", f"{picture.text}\nSound: {caption}"
    if captions:
        verse, times = _verse(captions)
        style += _CAPTIONS_STYLE
        script += " " + _CAPTIONS_SCRIPT.replace("TIMES", json.dumps(times))
        text += "\n" + "".join(syllable for syllable, *_ in captions)
    page = (
        f'<figure style="margin:.3em 0"><style>{style}</style>{_caption(caption)}'
        f'<div style="position:relative;display:inline-block;max-width:100%;line-height:0">'
        f"{picture.html}</div><br>{_audio(data, suffix, caption, script)}{verse}</figure>"
    )
    return Shown(page, text)


def compare_players(sounds: dict[str, Waveform], *, sr: int, lossless: bool = False) -> Shown:
    """Make one player a sound, by label, side by side, all at the level that they have.

    Sounds, of which there must be one (else a ValueError), `sr` and `lossless` are as in `player`.
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


def embed(data: bytes, suffix: str, caption: str) -> Shown:
    """Make a player of the bytes of a whole audio file, under a caption, its accessible name.

    `suffix` says what kind of file it is: ".wav", ".flac", ".mp3" or ".ogg".
    """
    page = f"{_caption(caption)}{_audio(data, suffix, caption)}</figure>"
    page = f'<figure style="display:inline-block;margin:.3em 1em .3em 0">{page}'
    return Shown(page, f"Sound: {caption}")


def playable(y: Waveform, *, sr: int) -> tuple[Waveform, int]:
    """Resample a waveform to the next higher rate that every browser plays; return it and the rate.

    Both waveforms are float32, (n_samples,); above all of those rates, it is 48,000 Hz.
    """
    rate = next((r for r in audio.MP3_RATES if r >= sr), audio.MP3_RATES[-1])
    if rate == sr:
        return y, rate
    return np.clip(audio.resample(y, sr_from=sr, sr_to=rate), -1, 1), rate


class Controls(widgets.VBox):
    """Widgets in a column; as text, where they can't be shown, it says what it takes."""

    def __repr__(self) -> str:
        return "Controls stand here in a running notebook: run the cells down to this one."


class Page(widgets.HTML):
    """HTML that is written anew as one goes on; as text, it says what it takes."""

    def __repr__(self) -> str:
        return "What changes as you go on stands here in a running notebook."


def explore(
    view: Callable[..., Shown | Sequence[Shown]], **controls: widgets.ValueWidget
) -> Controls:
    """Build a small instrument: whenever a control moves, everything that `view` returns is remade.

    `view` takes the value of each control by name, and returns what to show (`plotting.show`,
    `player`, `watch`, `compare_players`, `line`), one thing or a sequence; an error is shown as
    text, and raised unless it is a `ValueError`. Controls are value widgets, such as
    `widgets.IntSlider`; one without a description is given the parameter's name. The result holds
    them, a reset button (which says so while something is computed), and the view.
    """
    first = {name: control.value for name, control in controls.items()}
    page = widgets.HTML(layout=widgets.Layout(max_width="900px"))  # no player beside a picture
    reset = widgets.Button(description="Reset", layout=widgets.Layout(width="8em"))

    def value_of(one: widgets.ValueWidget) -> Any:  # 0.9, where steps of 0.1 add up to less
        return round(one.value, 9) if isinstance(one, widgets.FloatSlider) else one.value

    def draw(change: Any = None) -> None:
        reset.description = "Computing ..."
        try:
            shown = view(**{name: value_of(control) for name, control in controls.items()})
        except Exception as error:  # else the picture before would seem to be the answer
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            page.value = f"<p><strong>{html.escape(kind + str(error))}</strong></p>"
            if kind:
                raise
        else:
            page.value = shown.html if isinstance(shown, Shown) else stack(*shown).html
        finally:
            reset.description = "Reset"

    def restore(button: widgets.Button) -> None:
        moved = [name for name, value in first.items() if controls[name].value != value]
        for name in moved:
            controls[name].unobserve(draw, names="value")  # or each would compute, in turn
            controls[name].value = first[name]
            controls[name].observe(draw, names="value")
        if moved:
            draw()

    for name, control in controls.items():
        if hasattr(control, "continuous_update"):
            control.continuous_update = False  # one picture for one movement
        control.description = control.description or name.replace("_", " ")
        control.tooltip = control.tooltip or control.description
        control.style.description_width = "initial"
        if hasattr(control.style, "button_width"):
            control.style.button_width = "auto"  # as wide as its text
        control.observe(draw, names="value")
    reset.on_click(restore)
    draw()
    row = widgets.HBox([*controls.values(), reset], layout=widgets.Layout(flex_flow="row wrap"))
    return Controls([row, page])


class LiveCurve:
    """A learning curve that is redrawn while a model trains, drawn by `plotting.learning_curve`.

    Display its `widget` before training begins; pass the object itself as `on_epoch`.
    """

    def __init__(self, baselines: dict[str, float] | None = None, **style: str) -> None:
        self._style: Any = {"baselines": baselines} | style
        self.widget = Page("<p>The curve appears after the first epoch.</p>")

    def __call__(self, history: Any) -> None:
        """Redraw the curve from a `frame_model.History`."""
        ax = plotting.learning_curve(history.train_loss, history.validation_loss, **self._style)
        alt = f"Learning curve after {len(history.train_loss)} epochs."
        self.widget.value = plotting.show(ax, alt=alt).html


class Recorder(anywidget.AnyWidget):
    """A button that records from the browser's microphone, if the reader consents, to a WAV file.

    Without a microphone, or without consent, it says so, and writes nothing. `recorder.js` records.
    The file, which ends in .wav (else a ValueError), is mono and at the microphone's own rate; its
    folder is made if missing. A recording has `seconds`, from 1 to 60 (else a TraitError), at most.
    """

    _esm = Path(__file__).with_name("recorder.js")
    seconds = traitlets.Float(5.0, min=1, max=60).tag(sync=True)
    status = traitlets.Unicode("Press the button, and speak or sing.").tag(sync=True)

    def __init__(self, path: str | Path, *, seconds: float = 5.0) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() != ".wav":
            raise ValueError(f"path must end in .wav, got {self._path.name!r}")
        super().__init__(seconds=float(seconds))
        self.on_msg(self._receive)

    __repr__ = Controls.__repr__

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Write what the browser recorded, let it be heard, and say what happened."""
        try:
            sr = int(content["sr"])
            y = np.frombuffer(b"".join(buffers), "<f4").astype(np.float32)
            if not np.any(y):
                raise ValueError("the microphone gave no sound; is it muted?")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            audio.save(self._path, np.clip(y, -1, 1), sr=sr)
            heard = player(y, sr=sr, label="your recording", lossless=True)
        except (KeyError, TypeError, ValueError, OSError) as fault:
            self.status = f"Nothing was recorded: {fault}"
            return
        self.status = f"Recorded {len(y) / sr:.1f} s at {sr} Hz: {self._path}"
        self.send({"player": heard.html})


class Keyboard(anywidget.AnyWidget):
    """A piano that is played with the mouse, a finger or the computer's keys.

    A phrase begins with its first note. With the click on, it ends after `bars` bars of four
    beats, and its beats are those of the click; else it ends when the reader asks for the answer.
    While the piano has the focus, JupyterLab's shortcuts are silent; at other times it takes no
    key. `keyboard.js` draws it. Notes and sounds travel as messages: a state would be stored.

    The keys sound like `bank`; one that lacks some is a ValueError. ``answer(found, times) ->
    Shown`` says what to show of a phrase. Its notes, float64, (n_found, 4), are as in `rolls`;
    `times`, float64, (n_beats,), are the beats, s, from the first to the end of the phrase, or None
    where there was no click. If it holds a player, that is started at the end of the phrase. An
    error that it raises is shown as text.
    """

    _esm = Path(__file__).with_name("keyboard.js")
    bars = traitlets.Int(4, min=1, max=8).tag(sync=True)
    lowest = traitlets.Int(_LOWEST).tag(sync=True)
    highest = traitlets.Int(_HIGHEST).tag(sync=True)
    longest = traitlets.Float(_LONGEST).tag(sync=True)
    status = traitlets.Unicode(_READY).tag(sync=True)

    def __init__(self, bank: synthesis.NoteBank, answer: Answer) -> None:
        if bank.settings.lowest > _LOWEST or bank.settings.highest < _HIGHEST:
            reach = f"{bank.settings.lowest} to {bank.settings.highest}"
            raise ValueError(f"bank must have the keys {_LOWEST} to {_HIGHEST}, got {reach}")
        self._bank, self._answer = bank, answer
        super().__init__()
        self.on_msg(self._receive)

    __repr__ = Controls.__repr__

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Send the sounds of the keys, or the answer to a phrase."""
        if "sounds" in content:
            sr, length = self._bank.settings.sr, round(_KEY_S * self._bank.settings.sr)
            keys = [[(0, _KEY_S, key, 1)] for key in range(_LOWEST, _HIGHEST + 1)]
            each = [synthesis.play(key, self._bank, n_samples=length) for key in keys]
            samples = np.rint(32767 * np.clip(np.concatenate(each), -1, 1)).astype("<i2")
            self.send({"sr": sr}, [samples.tobytes()])
            return
        try:
            beat, length = float(content["beat"]), float(content["length"])
            found = np.array(content["notes"], np.float64).reshape(-1, 4)
            if not len(found):
                raise ValueError("nothing was played yet")
            found[:, 0] = np.clip(found[:, 0], 0, None)  # the first note may precede its click
            found[:, 1] = np.maximum(np.minimum(found[:, 1], length), found[:, 0] + 0.05)
            found = rolls.valid_notes(found, lowest=_LOWEST, highest=_HIGHEST)
            found = found[np.lexsort((found[:, 2], found[:, 0]))]
            times = np.arange(0, length + beat / 2, beat) if beat else None
            page = self._answer(found, times).html
        except Exception as fault:  # whatever a reader's function raises: say it
            self._say(f"No answer: {fault if isinstance(fault, ValueError) else repr(fault)}")
            return
        end = found[:, 1].max() if times is None else times[-1]
        self.send({"page": page, "at": float(end), "view": content.get("view")})
        self._say(f"You played {len(found)} notes. For another answer, play again.")

    def _say(self, text: str) -> None:
        """Set the status, and send it also where it is what it was."""
        self.status = text
        self.send_state("status")


def load_voice(folder: str | Path, *, sr: int) -> Waveform | None:
    """Load what the reader recorded in notebook 01, at a peak of 0.5, for microphones differ.

    It is looked for as `VOICE` in a folder, ``"../outputs/01"``. The result is float32,
    (n_samples,), at `sr` Hz; None if nothing was recorded, or what was can't be read.
    """
    try:
        samples, rate = audio.read(Path(folder) / VOICE)
        y = audio.resample(audio.to_mono(samples), sr_from=rate, sr_to=sr)  # beyond 1, if loud
    except audio.AudioError:
        return None
    return y * np.float32(0.5 / max(float(np.abs(y).max()), 1e-4))


def _encoded(y: Waveform, sr: int, label: str, lossless: bool) -> tuple[bytes, str, str]:
    """Encode a waveform for a page: return the bytes, their suffix, and a caption."""
    y = audio.valid(y, "y")
    n_clipped = int(np.count_nonzero(np.abs(y) > 1))
    (y, rate), duration = playable(y, sr=sr), len(y) / sr
    facts = [f"{duration:.1f} s", _level(np.clip(y, -1, 1))]
    facts += [f"{n_clipped} {'sample' if n_clipped == 1 else 'samples'} clipped"] * (n_clipped > 0)
    y = np.clip(y if lossless else audio.faded(y, sr=rate), -1, 1)
    suffix = ".flac" if lossless else ".wav" if 2 * len(y) <= _SHORT_BYTES else ".mp3"
    data = audio.encode(y, sr=rate, suffix=suffix)
    facts.append(_codec(data, suffix, duration))
    return data, suffix, f"{label} ({', '.join(filter(None, facts))})"


def _codec(data: bytes, suffix: str, duration: float) -> str:
    """Say how a sound is coded if that isn't its samples; nothing if it is."""
    kbps = 8 * len(data) / 1000 / duration
    return f"{_LOSSY[suffix]}, {kbps:.0f} kb/s" if suffix in _LOSSY else ""


def _caption(caption: str) -> str:
    """Write a caption as HTML."""
    return f"<figcaption>{html.escape(caption, quote=True)}</figcaption>"


def _verse(captions: Sequence[tuple[str, float, float]]) -> tuple[str, list[list[float]]]:
    """Write syllables as a paragraph of HTML, and list when each begins and ends."""
    times = [[round(float(start), 3), round(float(end), 3)] for _, start, end in captions]
    if not all(a[0] <= min(a[1], b[0]) for a, b in zip(times, times[1:] + times[-1:], strict=True)):
        raise ValueError(
            "captions must be (text, start s, end s), each ending after it starts and in the order "
            f"of their starts, got {times}: sort them"
        )
    page = ""
    for text, *_ in captions:
        word = text.rstrip()
        space = text[len(word) :].replace("\n", "<br>")
        page += f'<span class="sung">{html.escape(word)}</span>{space}'
    return f'<p class="verse">{page}</p>', times


def _audio(data: bytes, suffix: str, name: str, script: str = "") -> str:
    """Write a player as HTML, with an accessible name, and a script that runs once it can play."""
    run = f' onloadedmetadata="{html.escape(script, quote=True)}"' if script else ""
    return (
        f'<audio controls {_OWN_KEYS} preload="metadata" aria-label="{html.escape(name)}"{run} '
        f'src="data:{_MIME[suffix]};base64,{base64.b64encode(data).decode()}"></audio>'
    )


def _time_span(ax: Axes | npt.NDArray[Any], start: float, end: float) -> tuple[float, float, str]:
    """Return which part of a sound the drawn axes show, and where, as CSS in shares of the figure.

    Pixels are whole, so that the last digits of a font's metrics don't change a stored page.
    """
    axes: list[Axes] = list(np.atleast_1d(np.asarray(ax, dtype=object)).flat)
    is_time = any(one.get_xlabel().startswith("Time (s)") for one in axes)
    if axes[-1].get_xscale() != "linear" or not is_time:
        raise ValueError(
            'ax must have a linear axis "Time (s)", got '
            f"{axes[-1].get_xlabel()!r} ({axes[-1].get_xscale()}): pass the axes that show time"
        )
    low, high = axes[-1].get_xlim()
    begin, end = max(start, low), min(end, high)
    if begin >= end:
        raise ValueError(
            f"ax must show some of the sound, got a time axis from {low:.2f} to {high:.2f} s and "
            f"a sound from {start:.2f} s: set `start`, the time at which the sound begins"
        )
    spans = {tuple(np.rint(one.transData.transform([(begin, 0), (end, 0)])[:, 0])) for one in axes}
    if len(spans) > 1:
        raise ValueError(f"ax must share one time axis, got {len(spans)}: pass those that agree")
    ((left, right),) = spans
    bottom = round(min(one.bbox.y0 for one in axes))
    top = round(max(one.bbox.y1 for one in axes))
    width, height = axes[0].figure.bbox.size
    css = {"left": left / width, "top": 1 - top / height}
    css |= {"width": (right - left) / width, "height": (top - bottom) / height}
    return begin, end, ";".join(f"{side}:{100 * share:.3f}%" for side, share in css.items())


def _level(y: Waveform) -> str:
    """Say the RMS level."""
    level_db = audio.level_dbfs(y)
    return "silence" if np.isneginf(level_db) else f"{level_db:.1f} dBFS"
