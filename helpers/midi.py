"""Notes <-> standard MIDI files, which every notation program and every synthesiser reads."""

from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from helpers import files, rolls

VELOCITY = 80  # of a note at its usual level; louder ones have more, up to 127
_TICKS, _TEMPO = 960, 500_000  # ticks a beat; microseconds a beat, that is 120 beats a minute
_TICK = _TEMPO / _TICKS / 1e6  # s


def save(path: str | Path, found: npt.ArrayLike) -> Path:
    """Write notes as a MIDI file for the piano.

    The file appears under its name only when it is complete.

    Parameters
    ----------
    path : str or Path
        File to write; its folder is made if missing.
    found : ndarray, float, (n_found, 4)
        Onset and offset in s, MIDI pitch, level: 1 is a note's usual one.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If `found` isn't notes; see `rolls.valid_notes`.

    References
    ----------
    MIDI Association, "Standard MIDI files specification", RP-001, 1996. Notebook 07.
    """
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=_TEMPO)])
    file.tracks.append(track)
    now = 0
    for tick, velocity, pitch in sorted(_events(rolls.valid_notes(found))):
        track.append(
            mido.Message("note_on", note=pitch, velocity=velocity, time=tick - now)
        )  # with velocity 0 it ends the note
        now = tick
    with files.replacing(path) as temporary:
        file.save(temporary)
    return Path(path)


def load(path: str | Path) -> npt.NDArray[np.float64]:
    """Read the notes of a MIDI file, of all its tracks and channels.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    ndarray, float64, (n_found, 4)
        Sorted by onset: onset and offset in s, MIDI pitch, level. A note that isn't ended lasts to
        the end of the file; the pedal is not looked at.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no MIDI file.

    References
    ----------
    As in `save`. Notebook 07.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no MIDI file at {path}: check the name")
    try:
        messages = list(mido.MidiFile(path))
    except Exception as fault:  # a damaged file fails in many ways
        raise ValueError(
            f"{path} is damaged, or no MIDI file: export it again ({type(fault).__name__}: {fault})"
        ) from fault
    found, now = [], 0.0
    sounding: dict[tuple[int, int], tuple[float, float]] = {}  # onset and level by channel and note
    for message in messages:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = message.channel, message.note
        if key in sounding:
            start, level = sounding.pop(key)
            found.append((start, now, message.note, level))
        if message.type == "note_on" and message.velocity:
            sounding[key] = now, message.velocity / VELOCITY
    found += [(start, now, pitch, level) for (_, pitch), (start, level) in sounding.items()]
    return np.array(sorted(found), np.float64).reshape(-1, 4)


def _events(found: npt.NDArray[np.float64]) -> Iterator[tuple[int, int, int]]:
    """Yield (tick, velocity, pitch) where a note begins, and with velocity 0 where it ends."""
    for onset, offset, pitch, level in found:
        start = round(onset / _TICK)
        velocity = int(np.clip(round(VELOCITY * level), 1, 127))
        yield start, velocity, int(pitch)
        yield max(start + 1, round(offset / _TICK)), 0, int(pitch)
