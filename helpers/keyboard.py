"""A piano on the screen: play a phrase, and hear what a function makes of it.

The notes travel to Python as a message, not as the state of a widget, which a notebook would
store; so do the sounds of the keys, which are those of a note bank. `keyboard.js` draws the piano.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets

from helpers import rolls, synthesis
from helpers.plotting import Shown

LOWEST, HIGHEST = 36, 96  # MIDI numbers: five octaves, of which two are in sight
LONGEST = 30.0  # s: a phrase that is played without the click ends at the latest then

Floats = npt.NDArray[np.float64]

_SOUND_S = 2.0  # s: how long a key that is held sounds
_READY = (
    "Press Click, or strike a key: the phrase begins with your first note. Keys: A, S, D, F, ..."
)


class Keyboard(anywidget.AnyWidget):
    """A piano that is played with the mouse, a finger or the computer's keys.

    A phrase begins with its first note. With the click on, it ends after `bars` bars of four
    beats, and its beats are those of the click; else it ends when the reader asks for the answer.
    While the piano has the focus, JupyterLab's shortcuts are silent; at other times it takes no
    key.

    Parameters
    ----------
    bank : synthesis.NoteBank
        What the keys sound like; one that lacks some is a ValueError.
    answer : callable
        ``answer(found, times) -> Shown``: what to show of a phrase. `found` is float64,
        (n_found, 4): onset and offset in s, MIDI pitch, level. `times`, float64, (n_beats,), are
        the beats, s, from the first to the end of the phrase, or None where there was no click. If
        it holds a player, that is started at the end of the phrase. An error that it raises is
        shown as text.
    bars : int
        Bars in a phrase that is played with the click, from 1 to 8 (else a ValueError).
    """

    _esm = Path(__file__).with_suffix(".js")
    bars = traitlets.Int(4).tag(sync=True)
    lowest = traitlets.Int(LOWEST).tag(sync=True)
    highest = traitlets.Int(HIGHEST).tag(sync=True)
    longest = traitlets.Float(LONGEST).tag(sync=True)
    status = traitlets.Unicode(_READY).tag(sync=True)

    def __init__(
        self,
        bank: synthesis.NoteBank,
        answer: Callable[[Floats, Floats | None], Shown],
        *,
        bars: int = 4,
    ) -> None:
        if not 1 <= bars <= 8:
            raise ValueError(f"bars must be from 1 to 8, got {bars}")
        if bank.settings.lowest > LOWEST or bank.settings.highest < HIGHEST:
            reach = f"{bank.settings.lowest} to {bank.settings.highest}"
            raise ValueError(f"bank must have the keys {LOWEST} to {HIGHEST}, got {reach}")
        self._bank, self._answer = bank, answer
        super().__init__(bars=bars)
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return f"Keyboard(bars={self.bars})"

    def _receive(self, widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        """Send the sounds of the keys, or the answer to a phrase."""
        if "sounds" in content:
            self.send({"sr": self._bank.settings.sr}, [_sounds(self._bank)])
            return
        try:
            found, times = _phrase(content)
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


def _phrase(content: dict[str, Any]) -> tuple[Floats, Floats | None]:
    """Read a phrase from a message: its notes, and its beats if there was a click."""
    beat, length = float(content["beat"]), float(content["length"])
    found = np.array(content["notes"], np.float64).reshape(-1, 4)
    if not len(found):
        raise ValueError("nothing was played yet")
    found[:, 0] = np.clip(found[:, 0], 0, None)  # the first note may come before its click
    found[:, 1] = np.maximum(np.minimum(found[:, 1], length), found[:, 0] + 0.05)
    found = rolls.valid_notes(found, lowest=LOWEST, highest=HIGHEST)
    found = found[np.lexsort((found[:, 2], found[:, 0]))]
    return found, np.arange(0, length + beat / 2, beat) if beat else None


def _sounds(bank: synthesis.NoteBank) -> bytes:
    """Play every key by itself: int16 samples, one key after the other."""
    n_samples = round(_SOUND_S * bank.settings.sr)
    keys = range(LOWEST, HIGHEST + 1)
    each = [synthesis.play([(0, _SOUND_S, key, 1)], bank, n_samples=n_samples) for key in keys]
    return np.rint(32767 * np.clip(np.concatenate(each), -1, 1)).astype("<i2").tobytes()
