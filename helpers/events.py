"""Notes as words: what a network reads and writes, one note after the other, a chord upwards.

A score is a table, int64, (n_notes, 4), sorted by tick, then pitch:

====== ======================================================================
tick   when the note begins, `beats.TICKS` to a beat
pitch  MIDI number; a drum's, from `rolls.FIRST_DRUM` on, is `drums.NAMES` in their order
length in ticks, one of `LENGTHS`; a note that the pedal holds is a long note
touch  how hard it is struck, the index of one of `LEVELS`
====== ======================================================================

`write` makes it of found notes and their beats; `play` says again when they sound, `perform` plays
it with new timing. `words` puts it into the alphabet of the network.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers import beats, rolls

LENGTHS = np.array([1, 2, 3, 4, 6, 8, 9, 12, 15, 18, 24, 30, 36, 48, 72, 96, 144])  # ticks
LEVELS = np.array([0.45, 0.7, 0.9, 1.12, 1.4, 1.9])  # of each touch, re a note's usual level
_EDGES = np.array([0.6, 0.8, 1.0, 1.25, 1.6])  # between the touches
_MISTAKES = 0.0117, 0.0085  # s: of the transcriber, where notes are known: together and apart
LOUD = 3  # from this touch on a note is loud: `rolls.LOUD_LEVEL`

LONGEST = 24  # ticks: longer waits are classes, from each of these on, up to the next
LONG_WAITS = np.array([25, 32, 48, 72, 120, 400])
END = LONGEST + len(LONG_WAITS)  # the word after the last note: no note comes any more
LOWEST = 28  # MIDI number of the first row
N_KEYS, N_DRUMS, N_LABELS = 69, rolls.N_DRUMS, 8  # rows of keys; above them, of drums; labels
N_CLASSES = (END + 1, N_KEYS + N_DRUMS, len(LENGTHS), len(LEVELS), beats.TICKS, N_LABELS)
WAIT, ROW, LENGTH, TOUCH, PLACE, LABEL = range(6)  # the columns of words
REACH, FINGERS = 14, 5  # what a hand strikes at once: semitones from end to end, and keys
NOTHING = -1  # in a column of words: nothing is known, or there is nothing to know

Random = np.random.Generator
Times = NDArray[np.float64]  # s
Scores = NDArray[np.int64]
Words = NDArray[np.int64]


class Timing(NamedTuple):
    """How played notes stray from an even beat, learnt by `learn_timing`; all in s unless said.

    Standard deviations of how late a moment is (`together`), and each of its notes beside the
    others (`apart`); of a beat's length (`wander`), as a share of the usual one, and its
    correlation with the beat before (`inertia`); and how long the beats are in which most notes
    fall (`beat`): the tempo of what begins from nothing.
    """

    together: float = 0.01
    apart: float = 0.01
    wander: float = 0.03
    inertia: float = 0.8
    beat: float = 0.6


class Played(NamedTuple):
    """A piece as it was played: its score, int64, (n_notes, 4), and what that leaves out.

    How `late` each note was after its tick, (n_notes,), when `beats` were, (n_beats,): float64, s.
    """

    score: Scores
    late: Times
    beats: Times


SILENCE = Played(np.zeros((0, 4), np.int64), np.zeros(0), np.array([0.0, 0.6]))  # for beginnings


def read(found: rolls.Notes, name: str = "") -> Played:
    """Find the beats of found notes and write them down: `beats.track`, then `write`.

    A warning that there is no clear pulse calls the piece by its name, if it is given.
    """
    times = beats.track(found, name)
    return Played(*write(found, times), times)


def write(found: rolls.Notes, times: Times) -> tuple[Scores, Times]:
    """Write found notes down on their beats: `times`, float64, (n_beats,), from `beats.track`.

    If there are no notes, or the beats don't reach around them, a ValueError is raised. The score,
    int64, (n_notes, 4), has only the louder note where one key is struck twice within a tick; a
    note ends at the latest when its key is struck again. `late`, (n_notes,), says how late it came.
    """
    highest = LOWEST + N_KEYS - 1
    found = rolls.valid_notes(found, lowest=LOWEST, highest=highest, n_drums=N_DRUMS)
    ticks, late = beats.quantise(found, times)
    onset, offset, pitch, level = found.T
    length = np.rint(beats.tick_of(offset, times) - beats.tick_of(onset, times)).astype(int)
    length[pitch >= rolls.FIRST_DRUM] = 1  # nobody holds a drum
    whole = np.stack([ticks, ticks + np.maximum(length, 1), pitch, level, late], axis=1)
    whole = rolls.let_go(whole)
    pitch, again = whole[:, 2], np.append(whole[1:, 2] == whole[:-1, 2], False)
    room = np.where(again, np.roll(whole[:, 0], -1) - whole[:, 0], np.inf)
    length = _nearest_length(whole[:, 1] - whole[:, 0])
    length -= LENGTHS[length] > room  # rounded up, it would pass the next stroke
    touch = np.searchsorted(_EDGES, whole[:, 3], "right")
    score = np.stack([whole[:, 0], pitch, LENGTHS[length], touch], axis=1).astype(np.int64)
    order = np.lexsort((pitch, whole[:, 0]))
    return score[order], whole[order, 4]


def play(score: Scores, times: Times, *, late: ArrayLike = 0.0) -> rolls.Notes:
    """Say when each note of a score sounds: the inverse of `write`.

    `late`, one number or (n_notes,), says how many s after its tick a note is played, but none
    begins before 0 s. Beyond the last of the beats, `times`, they go on as long as it was. Found
    notes are returned, (n_notes, 4), in the order of the score; no score is a ValueError (`valid`).
    """
    tick, pitch, length, touch = valid(score).T
    late = np.asarray(late, np.float64)
    onset, offset = (beats.time_of(ticks, times) + late for ticks in (tick, tick + length))
    onset = np.maximum(onset, 0)
    return np.stack([onset, np.maximum(offset, onset + 0.04), pitch, LEVELS[touch]], 1)


def part(played: Played, start: float, stop: float) -> Played:
    """Take out of a piece the notes that begin from `start` to `stop`, s: a piece of its own.

    It begins at 0 s; its beats reach from the one before to the one after.
    """
    score, late, times = played
    onset = beats.time_of(score[:, 0], times) + late
    inside = (onset >= start) & (onset < stop)
    first = int(np.clip(np.searchsorted(times, start, "right") - 1, 0, len(times) - 2))
    end = max(first + 2, int(np.searchsorted(times, stop)) + 1)
    score = score[inside] - np.array([first * beats.TICKS, 0, 0, 0])
    return Played(score, late[inside], times[first:end] - start)


def learn_timing(played: Iterable[Played]) -> Timing:
    """Learn how played notes stray from an even beat.

    It is that of the piece in the middle, number by number; the beat's length, of the note in the
    middle. Pieces without notes are passed over; if none is left, it is a ValueError. How much of
    `together` and of `apart` is the transcriber's own mistake is taken off.

    Source: A. M. Wing and A. B. Kristofferson, "Response delays and the timing of discrete motor
    responses", Perception & Psychophysics 14(1), 1973: what strays with the clock, what without.
    """
    each, lengths = [], []
    for score, late, times in (one for one in played if len(one.score)):
        lengths.append(np.diff(times)[np.minimum(score[:, 0] // beats.TICKS, len(times) - 2)])
        _, moment, size = np.unique(score[:, 0], return_inverse=True, return_counts=True)
        mean = np.bincount(moment, weights=late) / size
        apart = (late - mean[moment])[size[moment] > 1]
        stray = np.log(np.diff(times) / np.median(np.diff(times)))
        # what a beat gains and the next one loses is a mistake in finding it: not lag 0, but 1, 2
        lag1, lag2 = (max(1e-9, float(stray[lag:] @ stray[:-lag]) / len(stray)) for lag in (1, 2))
        inertia = min(lag2 / lag1, 0.98)
        wander = np.sqrt(lag1 / max(inertia, 0.5))
        each.append((mean.std(), apart.std() if len(apart) else 0.0, wander, inertia))
    if not each:
        raise ValueError("there must be at least one piece with notes to learn from, got none")
    together, apart, wander, inertia = np.median(each, axis=0)
    played_so = np.sqrt(np.maximum(np.square([together, apart]) - np.square(_MISTAKES), 0))
    return Timing(*map(float, (*played_so, wander, inertia, np.median(np.concatenate(lengths)))))


def perform(
    score: Scores, *, rng: Random, timing: Timing, beat_length: float, start: float = 0.0
) -> rolls.Notes:
    """Play a score as a player would: the tempo wanders, chords are never quite together.

    Tick 0 is at `start`, s, and a beat usually lasts `beat_length`, s. Returns what `play` does.
    """
    score = valid(score)
    if not 0 < beat_length < np.inf:
        raise ValueError(f"beat_length must be above 0 s, got {beat_length}")
    n_beats = 2 + int((score[:, 0] + score[:, 2]).max(initial=0)) // beats.TICKS
    stray, lengths = 0.0, []
    for push in rng.normal(0, timing.wander, n_beats):
        stray = timing.inertia * stray + np.sqrt(1 - timing.inertia**2) * push
        lengths.append(beat_length * np.exp(stray))
    times = start + np.append(0, np.cumsum(lengths))
    _, moment = np.unique(score[:, 0], return_inverse=True)
    late = rng.normal(0, timing.together, len(score))[moment] if len(score) else np.zeros(0)
    return play(score, times, late=late + rng.normal(0, timing.apart, len(score)))


def go_on(
    write: Callable[[int, Scores, int], Scores],
    played: Played,
    seconds: float,
    *,
    rng: Random,
    end: float,
    timing: Timing,
) -> rolls.Notes:
    """Let a composer of scores go on where a piece breaks off, at the tempo of its last beats.

    From nothing, `played` is `SILENCE`, it goes at the tempo of the music that was learnt. What was
    heard, from `read` or `part`, breaks off at `end`, s; the new music begins on the next tick, and
    lasts so many seconds. ``write(n_ticks, seed, start) -> score`` goes on from the score `seed`
    with `n_ticks` of music from tick `start` on. `rng` and `timing` are as in `perform`. The new
    notes, float64, (n_found, 4), have times that go on from those of the piece.
    """
    beat, start, first = timing.beat, 0, end
    if len(played.score):
        beat = float(np.median(np.diff(played.beats)[-8:]))
        start = int(np.ceil(beats.tick_of(end, played.beats)))
        first = float(beats.time_of(start, played.beats))
    score = write(int(np.ceil(seconds / beat * beats.TICKS)), played.score, start)
    score[:, 0] -= start
    found = perform(score, rng=rng, timing=timing, beat_length=beat, start=first)
    found[:, :2] += np.maximum(end - found[:, :1], 0)  # none begins early
    return found[found[:, 0] < end + seconds]


def words(score: Scores, *, label: int = NOTHING) -> Words:
    """Put a score into the alphabet that the network reads: int64, (n_notes + 2, 6).

    The first note lies within the first `LONGEST` ticks, or it begins after a long wait. The label
    says what music it is, 0 to ``N_LABELS - 1``; `NOTHING` leaves it open. First comes a word that
    says `NOTHING`, last one that says `END`; between them a word for each note, with the columns

    - wait: ticks since the note before, up to `LONGEST`, then classes (`wait_class`);
    - row: the key, its MIDI number less `LOWEST`, or after the keys the drum (`row_of`);
    - length: index of one of `LENGTHS`;
    - touch: index of one of `LEVELS`;
    - place: in the beat, in ticks; it follows from the waits;
    - label.
    """
    tick, pitch, length, touch = valid(score).T
    result = np.full((len(tick) + 2, 6), NOTHING)
    columns = wait_class(np.diff(tick, prepend=0)), row_of(pitch), _nearest_length(length), touch
    result[1:-1, :LABEL] = np.stack([*columns, tick % beats.TICKS], axis=1)
    result[-1, WAIT] = END
    result[:, LABEL] = label
    return result


def row_of(pitch: ArrayLike) -> NDArray[np.int64]:
    """Give the row of a pitch: keys upwards, then drums; `pitch_of` is the inverse."""
    pitch = np.asarray(pitch)
    return np.where(pitch < rolls.FIRST_DRUM, pitch - LOWEST, pitch - rolls.FIRST_DRUM + N_KEYS)


def pitch_of(row: ArrayLike) -> NDArray[np.int64]:
    """Give the pitch of a row."""
    row = np.asarray(row)
    return np.where(row < N_KEYS, row + LOWEST, row - N_KEYS + rolls.FIRST_DRUM)


def drums_in(music: Iterable[Words]) -> tuple[int, ...]:
    """List the kinds of drums that are hit in words: rows less `N_KEYS`."""
    rows = np.concatenate([np.zeros(0, np.int64), *(one[:, ROW] for one in music)])
    return tuple((np.unique(rows[rows >= N_KEYS]) - N_KEYS).tolist())


def wait_class(ticks: ArrayLike) -> NDArray[np.int64]:
    """Give the class of a wait in ticks: itself up to `LONGEST`, then one for ever longer waits."""
    ticks = np.asarray(ticks)
    long = LONGEST + np.searchsorted(LONG_WAITS[:-1], ticks, side="right")
    return np.where(ticks <= LONGEST, ticks, long)


def wait_bits(waits: ArrayLike) -> NDArray[np.float64]:
    """Say how many bits a class of waits leaves open: log2 of its size, of the last as if 280."""
    widths = np.concatenate([np.ones(LONGEST + 1), np.diff(LONG_WAITS), [1]])
    return np.log2(widths[np.asarray(waits)])


def within_reach(struck: Sequence[int]) -> NDArray[np.bool_]:
    """Say which keys above those struck already two hands can strike with them: (N_KEYS,).

    A hand strikes `FINGERS` keys at most, `REACH` semitones from its lowest to its highest; the
    left one takes all that it can from the lowest key up. Keys are rows, from 0; drums take none.
    """
    left, keys = sorted(key for key in struck if key < N_KEYS), np.arange(N_KEYS)
    right = [key for i, key in enumerate(left) if i >= FINGERS or key > left[0] + REACH]
    free = keys > max(struck, default=-1)
    return free & (keys <= right[0] + REACH) & (len(right) < FINGERS) if right else free


def draw_wait(wait: int, tick: int, rng: Random, *, least: int = 0) -> int:
    """Draw the ticks of a wait from its class, `least` or more: if any lead to a beat, of those."""
    if wait <= LONGEST:
        return int(wait)
    first, stop = LONG_WAITS[wait - LONGEST - 1], LONG_WAITS[wait - LONGEST]
    ticks = max(first, least) + np.arange(4 * beats.TICKS)
    ticks = ticks[ticks < stop] if wait < END - 1 else ticks  # of the last, only four beats
    for step in (beats.TICKS, beats.TICKS // 2, 3, 1):
        fitting = ticks[(tick + ticks) % step == 0]
        if len(fitting):
            break
    return int(rng.choice(fitting))


def valid(score: ArrayLike) -> Scores:
    """Return a score as an array, or say what is wrong with it.

    It is a ValueError if it has another shape, isn't sorted, or a number is out of its range.
    """
    array = np.asarray(score)
    if array.ndim != 2 or array.shape[1] != 4 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(
            "a score must be whole numbers, (n_notes, 4): tick, pitch, length, touch; got "
            f"{array.dtype}, {array.shape}: see events.write"
        )
    array = array.astype(np.int64)
    tick, pitch, length, touch = array.T
    row = row_of(pitch)
    right = (tick >= 0) & (row >= 0) & (row < N_KEYS + N_DRUMS) & (length >= 1)
    right &= (row < N_KEYS) == (pitch < rolls.FIRST_DRUM)
    right &= (touch >= 0) & (touch < len(LEVELS))
    if not right.all():
        raise ValueError(
            f"a score's notes must have ticks from 0, pitches from {LOWEST} to "
            f"{LOWEST + N_KEYS - 1}, or for drums from {rolls.FIRST_DRUM} to "
            f"{rolls.FIRST_DRUM + N_DRUMS - 1}, lengths from 1 tick, touches from 0 to "
            f"{len(LEVELS) - 1}, got {array[~right][0].tolist()}: see events.write"
        )
    if len(array) > 1 and not (np.diff(256 * tick + pitch) > 0).all():
        raise ValueError("a score must be sorted by tick, then pitch, each note once: sort it")
    return array


def _nearest_length(ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the index of the length that is nearest, as a ratio."""
    return np.abs(np.log(np.maximum(ticks, 1))[:, None] - np.log(LENGTHS)).argmin(axis=1)
