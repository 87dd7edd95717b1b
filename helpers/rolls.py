"""Note rolls: what every note does in every frame, and the notes that a roll holds.

A roll is a table of states, uint8, (n_frames, n_notes). A note is `OFF`, or it begins, `SOFT` or
`LOUD`, and is `HELD` from then on. So `HELD` never follows `OFF`; in the first frame it says that
the note began earlier, for a roll may be a part of a longer one. A note begins where its state is
`SOFT` or more, and sounds where it isn't `OFF`. What is no roll raises a ValueError (`valid`).

Found notes are a table too, float64, (n_found, 4), sorted by onset: onset and offset in s, MIDI
pitch, level (1 is usual). Pitches from `FIRST_DRUM` on are drums. `valid_notes` refuses all others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Roll = NDArray[np.uint8]  # (n_frames, n_notes)
Notes = NDArray[np.float64]  # (n_found, 4): onset and offset in s, MIDI pitch, level

OFF, HELD, SOFT, LOUD = range(4)
STATE_NAMES = ("off", "held", "soft", "loud")
STATE_LEVELS = (0.0, 0.0, 0.75, 1.33)  # level of a note that begins so, re the usual level
LOUD_LEVEL = 1.0  # from this level on a note begins loud
N_STATES = len(STATE_NAMES)
FIRST_DRUM, N_DRUMS = 128, 11  # pitches from here on are drums: the kinds of `drums`, and to come
_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


@dataclass(frozen=True)
class NoteSettings:
    """Say how music is cut into frames, bands and notes; a ValueError if a setting is out of range.

    `sr` is in Hz. A frame of `n_fft` samples decides how well two notes or two moments are told
    apart; its step, `hop_length`, is also the time step of the roll. Nothing above `f_max`, Hz, is
    looked at when notes are sought. The lowest and the highest note are MIDI numbers. Bins that are
    closer together than `bands_per_semitone` are added up.

    >>> settings = NoteSettings()
    >>> settings.n_notes, settings.frame_rate
    (69, 16.0)
    """

    sr: int = 16_000
    n_fft: int = 3072
    hop_length: int = 1000
    f_max: float = 5500.0
    lowest: int = 28
    highest: int = 96
    bands_per_semitone: int = 8

    def __post_init__(self) -> None:
        for name in ("sr", "n_fft", "hop_length", "bands_per_semitone"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if self.n_fft % 2 or self.hop_length % 2 or self.hop_length > self.n_fft:
            raise ValueError(
                "n_fft and hop_length must be even numbers of samples, the hop at most n_fft, "
                f"got {self.n_fft} and {self.hop_length}"
            )
        if not 0 <= self.lowest < self.highest <= 127:
            raise ValueError(
                "lowest and highest must be MIDI numbers, 0 <= lowest < highest <= 127, "
                f"got {self.lowest} and {self.highest}"
            )
        if not frequency(self.highest) < self.f_max <= self.sr / 2:
            raise ValueError(
                f"f_max must lie between the highest note, {frequency(self.highest):.0f} Hz, and "
                f"half the sampling rate, {self.sr / 2:.0f} Hz, got {self.f_max}"
            )

    @property
    def n_notes(self) -> int:
        """How many notes a roll has."""
        return self.highest - self.lowest + 1

    @property
    def pitches(self) -> range:
        """MIDI numbers of the notes, in the order of a roll's columns."""
        return range(self.lowest, self.highest + 1)

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sr / self.hop_length


def frequency(pitch: ArrayLike) -> NDArray[np.float64]:
    """Give the frequency of notes in equal temperament: float64, Hz, for MIDI numbers (69: 440 Hz).

    >>> frequency([57, 69, 81])
    array([220., 440., 880.])
    """
    return 440 * 2 ** ((np.asarray(pitch, np.float64) - 69) / 12)


def name(pitch: int) -> str:
    """Name a note by its MIDI number: 60 is C4, 66 is F♯4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def valid(roll: ArrayLike, *, n_notes: int | None = None) -> Roll:
    """Return a roll as uint8, or say why it is none.

    It is the same array where it is uint8 already; any whole numbers will do. A ValueError is
    raised for another shape or number of notes, other values, or a note held that was off before.

    >>> valid([[2, 0], [1, 0]])
    array([[2, 0],
           [1, 0]], dtype=uint8)
    """
    roll = np.asarray(roll)
    fault = _fault(roll, n_notes)
    if fault:
        states = ", ".join(f"{state} ({word})" for state, word in enumerate(STATE_NAMES))
        raise ValueError(
            f"roll must be a note roll: whole numbers {states} in shape (n_frames, "
            f"{n_notes or 'n_notes'}), n_frames at least 1, no note held that was off the frame "
            f"before; got {fault}. rolls.from_notes writes one from notes, rolls.cut takes a part "
            "out of one"
        )
    return roll.astype(np.uint8, copy=False)


def valid_notes(
    found: ArrayLike, *, lowest: int = 0, highest: int = 127, n_drums: int = 0
) -> Notes:
    """Return notes as an array, float64, (n_found, 4), or say what is wrong with them.

    A ValueError is raised for another shape, times and levels that can't be, and pitches that
    neither lie between `lowest` and `highest` nor are among the `n_drums` kinds of drums.
    """
    found = np.asarray(found, np.float64)
    if found.ndim != 2 or found.shape[1] != 4:
        raise ValueError(
            "notes must have shape (n_found, 4): onset and offset in s, pitch, level; got "
            f"{found.shape}: pass what notes.encode or rolls.to_notes returns"
        )
    onset, offset, pitch, level = found.T
    right = np.isfinite(found).all(axis=1) & (onset >= 0) & (offset > onset) & (level > 0)
    if not right.all():
        raise ValueError(
            "notes must be finite, begin at 0 s or later, end after they begin and have levels "
            f"above 0, got {found[~right][0].tolist()}: check the columns, which are onset, "
            "offset, pitch, level"
        )
    right = (pitch >= lowest) & (pitch <= highest)
    right |= (pitch >= FIRST_DRUM) & (pitch < FIRST_DRUM + n_drums)
    right &= pitch % 1 == 0
    if not right.all():
        raise ValueError(
            f"pitches must be whole MIDI numbers between {lowest} and {highest}, got "
            f"{pitch[~right][0]:g}: drop or transpose the notes beyond; {n_drums} kinds of drums "
            f"may be among them, from {FIRST_DRUM} on"
        )
    return found


def keys_of(found: Notes) -> Notes:
    """Leave out the hits of drums: the notes that have a pitch."""
    return found[found[:, 2] < FIRST_DRUM]


def let_go(found: NDArray) -> NDArray:
    """End notes where their keys are struck again; of two struck at once, keep the louder.

    Columns are onset, offset, pitch, level, in any units, and more. Sorted by pitch, then onset.

    >>> let_go(np.array([[0, 5, 60, 1], [3, 8, 60, 2], [3, 4, 60, 1], [1, 9, 62, 1]]))
    array([[ 0,  3, 60,  1],
           [ 3,  8, 60,  2],
           [ 1,  9, 62,  1]])
    """
    found = found[np.lexsort((found[:, 3], found[:, 0], found[:, 2]))]
    again = found[1:, 2] == found[:-1, 2]
    found[:-1, 1][again] = np.minimum(found[:-1, 1], found[1:, 0])[again]
    return found[found[:, 1] > found[:, 0]]


def from_notes(found: ArrayLike, settings: NoteSettings, *, n_frames: int | None = None) -> Roll:
    """Write notes as a roll: for each frame and note, whether it is off, held, or begins.

    From `LOUD_LEVEL` on a note begins loud; nothing is held in the first frame; drums are left out.
    The roll lasts up to the last offset, or for `n_frames`, and notes after its end are a
    ValueError. For a waveform they are ``1 + ceil(n_samples / hop_length)``.

    >>> settings = NoteSettings(lowest=60, highest=62)
    >>> from_notes([[0.0, 0.2, 60, 1.2], [0.06, 0.12, 62, 0.5]], settings)
    array([[3, 0, 0],
           [1, 0, 2],
           [1, 0, 0]], dtype=uint8)
    """
    lowest, highest = settings.lowest, settings.highest
    found = keys_of(valid_notes(found, lowest=lowest, highest=highest, n_drums=N_DRUMS))
    start = np.rint(found[:, 0] * settings.frame_rate).astype(int)
    stop = np.maximum(start + 1, np.rint(found[:, 1] * settings.frame_rate).astype(int))
    n_frames = int(stop.max(initial=1)) if n_frames is None else n_frames
    if np.any(start >= n_frames):
        raise ValueError(f"n_frames must exceed {start.max()}, of the last onset, got {n_frames}")
    roll = np.zeros((n_frames, settings.n_notes), np.uint8)
    for i in np.argsort(start, kind="stable"):
        note = int(found[i, 2]) - settings.lowest
        roll[start[i] :, note] = OFF  # a key that is struck again has been let go
        roll[start[i] : stop[i], note] = HELD
        roll[start[i], note] = LOUD if found[i, 3] >= LOUD_LEVEL else SOFT
    return roll


def to_notes(roll: ArrayLike, settings: NoteSettings) -> Notes:
    """Read the notes of a roll: the inverse of `from_notes`, as far as a roll remembers.

    What is held in its first frame counts as struck there, softly; levels are `STATE_LEVELS`.

    >>> to_notes(np.uint8([[3, 0], [1, 2], [0, 1]]), NoteSettings(lowest=60, highest=61))
    array([[ 0.    ,  0.125 , 60.    ,  1.33  ],
           [ 0.0625,  0.1875, 61.    ,  0.75  ]])
    """
    roll = valid(roll, n_notes=settings.n_notes)
    roll = cut(roll, 0, len(roll))
    found = []
    for note in np.flatnonzero(roll.any(axis=0)):
        starts, stops = spans(roll[:, note])
        for start, stop in zip(starts, stops, strict=True):
            found.append((start, stop, settings.lowest + note, STATE_LEVELS[roll[start, note]]))
    read = np.array(sorted(found), np.float64).reshape(-1, 4)
    read[:, :2] /= settings.frame_rate
    return read


def spans(column: Roll) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find where one note, a column of a roll, begins and ends: `starts` and `stops`.

    Both are int64, (n_soundings,): the first frame of each sounding, and the frame after its last.
    """
    begins = column >= SOFT
    begins[:1] |= column[:1] == HELD
    starts = np.flatnonzero(begins)
    stops = np.flatnonzero(np.append(column, OFF) != HELD)  # a new onset ends the note before it
    return starts, stops[np.searchsorted(stops, starts, side="right")]


def cut(roll: ArrayLike, start: int, stop: int) -> Roll:
    """Take frames `start` to `stop` out of a roll; what is held at its beginning is struck there.

    It is a roll of its own, in which every note begins. No such frames are a ValueError.

    >>> cut(np.uint8([[3], [1], [1], [0]]), 1, 3)
    array([[2],
           [1]], dtype=uint8)
    """
    roll = valid(roll)
    if not 0 <= start < stop <= len(roll):
        raise ValueError(
            f"start and stop must be frames of the roll, 0 <= start < stop <= {len(roll)}, "
            f"got {start} and {stop}"
        )
    part = roll[start:stop].copy()
    part[0, part[0] == HELD] = SOFT
    return part


def _fault(roll: NDArray, n_notes: int | None) -> str:
    """Say what keeps an array from being a roll; nothing if it is one."""
    if roll.ndim != 2 or not roll.size or roll.shape[1] != (n_notes or roll.shape[1]):
        return f"shape {roll.shape}"
    if roll.dtype.kind not in "ui":
        return f"{roll.dtype}"
    if roll.min() < OFF or roll.max() > LOUD:
        return f"numbers from {roll.min()} to {roll.max()}"
    n_wrong = np.count_nonzero((roll[1:] == HELD) & (roll[:-1] == OFF))
    return f"{n_wrong} held after off" if n_wrong else ""
