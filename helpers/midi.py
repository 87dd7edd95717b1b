"""Notes <-> standard MIDI files, which every notation program and every synthesiser reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mido
import numpy as np
import numpy.typing as npt

from helpers import beats, events, files, rolls

Whole = beats.Whole
Event = tuple[int, Any]  # its tick, and what happens

VELOCITY = 64  # of a note at its usual level; louder ones have more, up to 127
SINGER, _OOHS = "voice", 53  # the track of what is sung; the sound of General MIDI's program 54
HANDS = ("Left hand", "Right hand", "Drums")
DRUMS = (36, 38, 42, 47)  # General MIDI's keys, on channel 10, for `drums.NAMES`; the last: a tom
_KINDS = {35: 0, 36: 0, 37: 1, 38: 1, 40: 1, 42: 2, 44: 2, 46: 2}  # how such keys are read
_TICKS, _TEMPO = 960, 500_000  # ticks a beat; microseconds a beat, that is 120 beats a minute
_TICK = _TEMPO / _TICKS / 1e6  # s
_SPLITS = np.arange(40, 82)  # MIDI numbers from which on the right hand may play


def save(
    path: str | Path,
    found: npt.ArrayLike,
    *,
    sung: npt.ArrayLike | None = None,
    lyrics: Sequence[tuple[str, float, float]] = (),
) -> Path:
    """Write notes as a MIDI file for the piano, drums on channel 10, and a voice with its words.

    Its folder is made if missing; it appears only when it is complete. What isn't notes is a
    ValueError; see `rolls.valid_notes`.

    `sung`, float64, (n_sung, 3), are the start and end, s, and the MIDI number of each note that is
    sung: on a track of its own. `lyrics` are its syllables: text, start and end in s, as
    `interactive.watch` takes them; without `sung` they raise a ValueError.

    Source: MIDI Association, "Standard MIDI files specification", RP-001, 1996, and "SMF lyric meta
    event definition", RP-017. Notebook 07.
    """
    tracks = [_track([(0, mido.MetaMessage("set_tempo", tempo=_TEMPO))], _struck(found))]
    if sung is not None:
        head: list[Event] = [
            (0, mido.MetaMessage("track_name", name=SINGER)),
            (0, mido.Message("program_change", channel=1, program=_OOHS)),
        ]
        for text, start, _ in lyrics:  # a carriage return ends a line
            lyric = mido.MetaMessage("lyrics", text=text.replace("\n", "\r"))
            head.append((round(start / _TICK), lyric))
        notes = np.asarray(sung, dtype=np.float64).reshape(-1, 3)
        tracks.append(_track(head, _struck(np.insert(notes, 3, 1, axis=1)), channel=1))
    elif lyrics:
        raise ValueError(f"lyrics need notes to be sung on, got {len(lyrics)} and none: pass sung")
    return _write(path, tracks)


def save_score(path: str | Path, score: npt.ArrayLike, times: events.Times, bars: Whole) -> Path:
    """Write a score as a MIDI file for notation programs: tempo, metre, a track for each hand.

    The file, as in `save`, begins with tick 0 of the score, int64, (n_notes, 4), from `events`.
    `times`, float64, (n_beats,), s, from `beats.track`, say when each beat is; beyond the last one,
    beats go on as long as it was. A beat is a quarter note. Even beats print as one tempo.

    `bars`, int64, (n_bars,), from `beats.bar_lines`, are the beats that begin a bar. The bars after
    the last have the usual number of beats; a shorter first bar is an upbeat, and a bar of another
    length has a time signature of its own.

    Each hand has one voice: what it strikes together ends together, at the next beat or when the
    hand strikes again. (As long as the score says, where the pedal holds them, notes would overlap,
    and fill the page with ties and rests.) Drums, if there are any, have a third track. What is no
    score, and beats or bars that can't be, raise a ValueError.
    """
    score = events.valid(score)
    tick, pitch, length, touch = score.T
    n_beats = -int(-(tick + length).max(initial=1) // beats.TICKS)
    tracks = [_track(_frame(times, bars, n_beats), np.zeros((0, 4), np.int64))]
    velocity = np.minimum(127, np.rint(VELOCITY * events.LEVELS[touch])).astype(int)
    unit, right = _TICKS // beats.TICKS, np.full(len(score), 2)
    key = pitch < rolls.FIRST_DRUM
    right[key] = _hands(score[key])
    length = _one_voice(tick, length, right)
    struck = np.stack([tick * unit, (tick + length) * unit, pitch, velocity, right], axis=1)
    struck = rolls.let_go(struck)
    for hand in (1, 0, 2)[: 2 if key.all() else 3]:  # the upper staff first
        name = (0, mido.MetaMessage("track_name", name=HANDS[hand]))
        tracks.append(_track([name], struck[struck[:, 4] == hand], channel=int(hand == 0)))
    return _write(path, tracks)


def load(path: str | Path) -> npt.NDArray[np.float64]:
    """Read the notes of a MIDI file, of all its tracks and channels; on channel 10, drums.

    A note that isn't ended lasts to the end of the file; one that ends as it begins is left out;
    the pedal is not looked at. No such file is a FileNotFoundError, no MIDI file a ValueError.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no MIDI file at {path}: check the name")
    try:
        if (file := mido.MidiFile(path)).ticks_per_beat < 0:
            raise ValueError("its time is in frames of a film, not in beats")
        messages = list(file)
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
            found.append((start, now, _pitch(*key), level))
        if message.type == "note_on" and message.velocity:
            sounding[key] = now, message.velocity / VELOCITY
    found += [(start, now, _pitch(*key), level) for key, (start, level) in sounding.items()]
    found = [note for note in found if note[1] > note[0]]
    return np.array(sorted(found), np.float64).reshape(-1, 4)


def _struck(found: npt.ArrayLike) -> Whole:
    """Lay notes on ticks: first and last tick, pitch and velocity, (n_found, 4)."""
    onset, offset, pitch, level = rolls.let_go(rolls.valid_notes(found, n_drums=len(DRUMS))).T
    start = np.rint(onset / _TICK)
    stop = np.maximum(start + 1, np.rint(offset / _TICK))
    velocity = np.clip(np.rint(VELOCITY * level), 1, 127)
    return np.stack([start, stop, pitch, velocity], axis=1).astype(int)


def _pitch(channel: int, note: int) -> int:
    """Give the pitch of a note of a MIDI file, or its drum."""
    return note if channel != 9 else rolls.FIRST_DRUM + _KINDS.get(note, len(DRUMS) - 1)


def _hands(score: events.Scores) -> Whole:
    """Divide a score between hands: 0 for a note of the left one, 1 for the right one, (n_notes,).

    At each moment the left hand has the notes below some key, the right hand the others. Of all
    rows of such keys the one is taken that costs least: a hand that must strike more keys, or
    farther apart, than `events` says; a key far from middle C, or between close notes; and every
    move of that key from moment to moment (Viterbi's algorithm).
    """
    if not len(score):
        return np.zeros(0, np.int64)
    _, first, moment = np.unique(score[:, 0], return_index=True, return_inverse=True)
    costs = []
    for chord in np.split(score[:, 1], first[1:]):
        left = chord < _SPLITS[:, None]  # (n_splits, n_keys)
        near = np.maximum(0, 5 - np.abs(_SPLITS[:, None] - 0.5 - chord).min(axis=1))
        cost = 0.1 * near + 0.02 * np.abs(_SPLITS - 60)
        for own in (left, ~left):
            lowest, highest = np.where(own, chord, 127).min(axis=1), (own * chord).max(axis=1)
            far = highest - lowest - events.REACH  # below 0 where there is no key
            cost += 2 * np.maximum(0, far)
            cost += 2 * np.maximum(0, own.sum(axis=1) - events.FINGERS)
        costs.append(cost)
    move = 0.15 * np.abs(np.subtract.outer(_SPLITS, _SPLITS))
    split = _SPLITS[beats.best_path(-np.array(costs), -move)]
    return (score[:, 1] >= split[moment]).astype(np.int64)


def _one_voice(tick: Whole, length: Whole, right: Whole) -> Whole:
    """Lengthen notes to the next beat, and end them where their hand strikes again: (n_notes,)."""
    stop = -(-(tick + length) // beats.TICKS) * beats.TICKS
    for hand in (0, 1):
        own = np.flatnonzero(right == hand)
        moments, moment = np.unique(tick[own], return_inverse=True)
        last = np.zeros(len(moments), np.int64)
        np.maximum.at(last, moment, stop[own])
        stop[own] = np.minimum(last, np.append(moments[1:], stop.max(initial=0)))[moment]
    return stop - tick


def _frame(times: events.Times, bars: Whole, n_beats: int) -> list[Event]:
    """List (tick, message) where the tempo changes, and the metre."""
    lengths = np.diff(times)[:n_beats] if np.ndim(times) == 1 else np.zeros(0)
    tempi = np.rint(1e6 * lengths)  # us
    if not tempi.size or not ((tempi >= 1) & (tempi < 2**24)).all():
        raise ValueError(
            "times must be those of two beats at least, rising, each beat at most 16.7 s, got "
            f"{times}: see beats.track"
        )
    lines = np.asarray(bars) if np.ndim(bars) == 1 else np.zeros(0)
    lines = np.append(lines, lines + 4) if len(lines) == 1 else lines  # a bar of four beats
    sizes = np.diff(lines)
    if lines.dtype.kind != "i" or not sizes.size or lines[0] < 0 or sizes.min() < 1:
        raise ValueError(
            "bars must be the beats that begin a bar, one at least, rising from 0 or later, got "
            f"{bars}: see beats.bar_lines"
        )
    sizes = np.append(sizes, np.bincount(sizes).argmax())  # the last bar, and all after it
    if lines[0]:
        lines, sizes = np.append(0, lines), np.append(lines[0], sizes)
    frame = []
    for i in np.flatnonzero(np.diff(sizes, prepend=0)):
        metre = mido.MetaMessage("time_signature", numerator=int(sizes[i]), denominator=4)
        frame.append((int(lines[i]) * _TICKS, metre))
    for i in np.flatnonzero(np.diff(tempi, prepend=0)):
        frame.append((int(i) * _TICKS, mido.MetaMessage("set_tempo", tempo=int(tempi[i]))))
    return sorted(frame, key=lambda event: event[0])


def _write(path: str | Path, tracks: list[mido.MidiTrack]) -> Path:
    """Write tracks as a MIDI file, of one track or of several at a time."""
    file = mido.MidiFile(type=int(len(tracks) > 1), ticks_per_beat=_TICKS, charset="utf-8")
    file.tracks += tracks
    with files.replacing(path) as temporary:
        file.save(temporary)
    return Path(path)


def _track(head: list[Event], struck: Whole, *, channel: int = 0) -> mido.MidiTrack:
    """Make a track of (tick, message), then of notes: first and last tick, pitch, velocity."""
    keys = struck[:, [0, 3, 2]].tolist()
    keys += [[stop, 0, pitch] for stop, pitch in struck[:, 1:3].tolist()]  # velocity 0 ends it
    own = []
    for tick, velocity, pitch in sorted(keys):
        drum = pitch >= rolls.FIRST_DRUM
        on, note = (9, DRUMS[pitch - rolls.FIRST_DRUM]) if drum else (channel, pitch)
        own.append((tick, mido.Message("note_on", velocity=velocity, channel=on, note=note)))
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(head + own, key=lambda event: event[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track
