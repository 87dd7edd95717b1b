"""Numbers about written music, and the controls to hold them against.

Most take a note roll (see `rolls`), uint8, (n_frames, n_notes), at `frame_rate` frames a second;
the first column is the MIDI note `lowest`. What is no roll is refused as `rolls.valid` says; one
that is too short, with a `ValueError`. Read any number beside those of music and of controls.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers import rolls, sound_metrics

Pieces = Sequence[ArrayLike]

_PROFILES = (  # how well each pitch class fits C major, C minor
    [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
    [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
)
KEY_PROFILES = np.array([np.roll(one, tonic) for one in _PROFILES for tonic in range(12)])


def key_clarity(roll: ArrayLike, *, frame_rate: float, lowest: int) -> float:
    """Say how clearly the notes suggest one key or another, in windows of 8 s.

    It is the mean over the windows of the best correlation, over 24 keys, between the time that
    each pitch class sounds and what listeners expect of the key. Notes at random don't read 0: one
    key of 24 always fits a little. Windows without notes are left out; NaN if all are.

    Source: C. L. Krumhansl and E. J. Kessler, "Tracing the dynamic changes in perceived tonal
    organization in a spatial representation of musical keys", Psychol. Rev. 89(4), 1982.
    Notebook 08.
    """
    roll = rolls.valid(roll)
    length = min(*_frames(frame_rate, window=8.0), len(roll))
    starts = sound_metrics.window_starts(len(roll), length, length)
    total = np.cumsum(np.pad(roll != rolls.OFF, ((1, 0), (0, 0))), axis=0)
    notes = total[starts + length] - total[starts]  # (n_windows, n_notes): frames of each note
    counts = notes @ np.eye(12)[(lowest + np.arange(roll.shape[1])) % 12]  # (n_windows, 12)
    counts = counts[counts.any(axis=1)]
    correlations = _standardised(counts) @ _standardised(KEY_PROFILES).T / 12  # (n_windows, 24)
    return float(correlations.max(axis=1).mean()) if len(counts) else float("nan")


def onset_rate(roll: ArrayLike, *, frame_rate: float) -> float:
    """Count the notes of a roll that are struck in a second."""
    roll = rolls.valid(roll)
    return float(np.count_nonzero(roll >= rolls.SOFT) * frame_rate / len(roll))


def rhythm_autocorrelation(roll: ArrayLike, *, frame_rate: float) -> float:
    """Say how regularly notes are struck: how well the onsets match themselves a beat later.

    It is the largest autocorrelation of the number of onsets in a frame, at lags from 0.25 to 1.5 s
    (beats, their halves and doubles): near 1 for a pulse, near 0 for onsets at random, 0 where the
    number never changes. The roll is longer than 1.5 s. Compare equal lengths: a tempo wanders.

    Source: J. C. Brown, "Determination of the meter of musical scores by autocorrelation", J.
    Acoust. Soc. Am. 94(4), 1993. Notebook 08.
    """
    onsets = np.count_nonzero(rolls.valid(roll) >= rolls.SOFT, axis=1)  # (n_frames,)
    first_lag, last_lag = _frames(frame_rate, shortest=0.25, longest=1.5)
    _long_enough(len(onsets), last_lag + 1, frame_rate, "roll")
    onsets = onsets - onsets.mean()
    largest = max(onsets[:-lag] @ onsets[lag:] for lag in range(first_lag, last_lag + 1))
    return float(largest / max(onsets @ onsets, 1e-9))


def polyphony(roll: ArrayLike) -> float:
    """Count the notes of a roll that sound at a time, on average where any does; 0 if none does."""
    n_sounding = np.count_nonzero(rolls.valid(roll) != rolls.OFF, axis=1)
    return float(n_sounding.sum() / max(np.count_nonzero(n_sounding), 1))


def dissonance(roll: ArrayLike) -> float:
    """Say which share of the intervals that sound are seconds, tritones or sevenths.

    Of the pairs of notes in a frame, all frames together, so many lie 1, 2, 6, 10 or 11 semitones
    apart, octaves aside; 5 / 12 by chance; NaN if no two notes ever sound together.

    Source: D. Huron, "Interval-class content in equally tempered pitch-class sets: common scales
    exhibit optimum tonal consonance", Music Percept. 11(3), 1994. Notebook 08.
    """
    sounding = (rolls.valid(roll) != rolls.OFF).astype(np.float32)
    together = np.triu(sounding.T @ sounding, k=1)  # frames in which two notes sound
    low, high = np.indices(together.shape)
    dissonant = np.isin((high - low) % 12, (1, 2, 6, 10, 11))
    n_pairs = together.sum()
    return float(together[dissonant].sum() / n_pairs) if n_pairs else float("nan")


def looping(roll: ArrayLike, *, frame_rate: float) -> float:
    """Say how much a piece, of 16 s at least, goes round in circles: the same again, at once.

    From 0 to 1: for each window of 8 s the largest similarity (shared over all sounding notes,
    frame by frame) with the music 1 to 8 s ago; the mean. Real music seldom repeats itself exactly.

    Source: P. Jaccard, "The distribution of the flora in the alpine zone", New Phytol. 11(2), 1912;
    J. Foote, "Visualizing music and audio using self-similarity", ACM Multimedia 1999, for
    diagonals beside the main one. Notebook 08.
    """
    sounding = rolls.valid(roll) != rolls.OFF
    length, first_lag, last_lag = _frames(frame_rate, window=8.0, shortest=1.0, longest=8.0)
    n_judged = len(sounding) - last_lag
    _long_enough(len(sounding), length + last_lag, frame_rate, "roll")
    best = []
    for start in last_lag + sound_metrics.window_starts(n_judged, length, length // 2 or 1):
        window = sounding[start : start + length]
        before = [sounding[start - lag :][:length] for lag in range(first_lag, last_lag + 1)]
        shared = [(window & other).sum() / max(1, (window | other).sum()) for other in before]
        best.append(max(shared))
    return float(np.mean(best))


def quoted(new: ArrayLike, old: ArrayLike) -> float:
    """Return the share of all runs of six keys in new notes that old ones have, too; 0 if no run.

    Both are MIDI numbers in the order in which they are struck, (n_notes,). Notebook 06.
    """
    each = [np.asarray(keys).tolist() for keys in (new, old)]
    runs, known = ([tuple(x[k : k + 6]) for k in range(len(x) - 5)] for x in each)
    there = set(known)
    return sum(run in there for run in runs) / max(len(runs), 1)


def copying(
    roll: ArrayLike, training_rolls: Pieces, *, frame_rate: float, hop_s: float = 1.5
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the training passage that each window of a roll resembles most, in any key.

    Windows last 3 s, and begin every `hop_s`, s; the training music is transposed by six semitones
    at most, up and down. The roll is a window long at least, and so is one of
    `training_rolls`; those that are shorter are passed over.

    The similarity, float64, (n_windows,), is how many notes sound in both over how many sound in
    either, frame by frame: 1 for a copy, 0 for a window without notes. How much is too much, a real
    unseen piece tells: compare the 95th percentiles. The nearest passage, int64, (n_windows, 3), is
    told by the index of its roll, its first frame, and the semitones to transpose it by.

    Source: Jaccard, as in `looping`. Notebook 08.
    """
    composed, *training = _same_notes([roll, *training_rolls])
    length, hop = _frames(frame_rate, window=3.0, hop_s=hop_s)
    semitones = 6
    _long_enough(len(composed), length, frame_rate, "roll")
    _long_enough(max(map(len, training), default=0), length, frame_rate, "training_rolls")
    starts = sound_metrics.window_starts(len(composed), length, hop)
    best, nearest = np.full(len(starts), -1.0), np.zeros((len(starts), 3), int)
    for index, piece in enumerate(training):
        if len(piece) < length:
            continue
        counts = np.zeros((piece.shape[1] + 2 * semitones, len(piece) + 1), np.int32)
        inside = counts[semitones : semitones + piece.shape[1], 1:]
        np.cumsum((piece != rolls.OFF).T, axis=1, out=inside)  # empty notes stay on both sides
        for row, start in enumerate(starts):
            window = composed[start : start + length] != rolls.OFF
            similarity = _jaccard(window, counts)
            shift, first = np.unravel_index(similarity.argmax(), similarity.shape)
            if similarity[shift, first] > best[row]:
                best[row] = similarity[shift, first]
                nearest[row] = index, first, semitones - shift
    return best, nearest


def markov_table(pieces: Pieces) -> NDArray[np.float64]:
    """Count how each note's state follows from its last: the simplest model that can be sampled.

    It gives the probability of the next state (last axis), given the note and its state now:
    float64, (n_notes, 4, 4). What all notes share has the weight of 20 frames.

    Source: C. E. Shannon, "A mathematical theory of communication", Bell Syst. Tech. J. 27, 1948,
    section 3; D. J. C. MacKay and L. C. B. Peto, "A hierarchical Dirichlet language model", Nat.
    Lang. Eng. 1(3), 1995. Notebook 08.
    """
    pieces, n = _same_notes(pieces), rolls.N_STATES
    notes = np.arange(pieces[0].shape[1])
    codes = [((notes * n + piece[:-1]) * n + piece[1:]).ravel() for piece in pieces]
    counts = np.bincount(np.concatenate(codes), minlength=len(notes) * n * n)
    counts = counts.reshape(len(notes), n, n)
    pooled = counts.sum(axis=0) + 0.1  # no transition is impossible,
    pooled[rolls.OFF, rolls.HELD] = 0  # but to be held after off
    counts = counts + 20 * pooled / pooled.sum(axis=1, keepdims=True)
    return counts / counts.sum(axis=2, keepdims=True)


def markov_sample(
    table: NDArray[np.float64], n_frames: int, rng: np.random.Generator
) -> rolls.Roll:
    """Compose `n_frames` by `markov_table`: each note follows its own past and hears no other.

    All are off before the first frame. It is a roll, if the table lets nothing be held after off.
    """
    thresholds = np.cumsum(table, axis=2)[..., :-1]  # (n_notes, 4, 3)
    notes = np.arange(len(thresholds))
    states = np.zeros(len(notes), np.int64)  # all off before the first frame
    roll = np.empty((n_frames, len(notes)), np.uint8)
    for frame in roll:
        frame[:] = states = (rng.random((len(notes), 1)) > thresholds[notes, states]).sum(axis=1)
    return roll


def shuffle_notes(roll: ArrayLike, rng: np.random.Generator) -> rolls.Roll:
    """Move every note to a random time: real notes without harmony, melody or rhythm.

    As many notes of each pitch, as long and as loud, in any order; held at first counts as soft.

    Source: Theiler et al. (1992), as in `transforms.shuffle_phase`. Notebook 08.
    """
    roll = rolls.valid(roll)
    shuffled = np.zeros_like(roll)
    for note, column in enumerate(roll.T):
        starts, ends = rolls.spans(column)
        order = rng.permutation(len(starts))
        lengths, levels = (ends - starts)[order], np.maximum(column[starts[order]], rolls.SOFT)
        n_free = len(column) - lengths.sum()  # frames of silence, to be dealt out between the notes
        before = np.sort(rng.choice(n_free + len(order), len(order), replace=False))
        starts = before - np.arange(len(order)) + np.cumsum(lengths) - lengths
        for start, length, level in zip(starts, lengths, levels, strict=True):
            shuffled[start : start + length, note] = rolls.HELD
            shuffled[start, note] = level
    return shuffled


def _same_notes(pieces: Pieces) -> list[rolls.Roll]:
    """Return rolls as a list, all of which have the same notes."""
    checked = [rolls.valid(piece) for piece in pieces]
    sizes = sorted({piece.shape[1] for piece in checked})
    if len(sizes) != 1:
        raise ValueError(
            "pieces must be one at least, all of as many notes, got "
            f"{sizes} notes in {len(checked)} pieces"
        )
    return checked


def _frames(frame_rate: float, **times: float) -> list[int]:
    """Turn times in s into whole numbers of frames."""
    steps = sound_metrics.steps_in
    return [steps(time, frame_rate, name=name, unit="frame") for name, time in times.items()]


def _long_enough(n_frames: int, n_least: int, frame_rate: float, name: str) -> None:
    """Say that a roll is too short."""
    if n_frames < n_least:
        raise ValueError(
            f"{name} must last {n_least / frame_rate} s = {n_least} frames at least, "
            f"got {n_frames} frames: take a longer one"
        )


def _standardised(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each row mean 0 and variance 1; a row without variance becomes 0."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    std = rows.std(axis=1, keepdims=True)
    return rows / np.where(std > 0, std, 1)


def _jaccard(window: NDArray[np.bool_], counts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Compare a window with every passage: shared over all active frames, (n_shifts, n_passages).

    `counts` says in how many frames each note has sounded up to each frame: what a passage shares
    with one sounding of the window is the difference of two of them.
    """
    length, n_notes = window.shape
    n_shifts, n_passages = len(counts) - n_notes + 1, counts.shape[1] - length
    edges = np.diff(np.pad(window.T.astype(np.int8), ((0, 0), (1, 1))))  # 1 at begins, -1 at ends
    shared = np.zeros((n_shifts, n_passages), np.int32)
    for note, frame in np.argwhere(edges):
        passed = counts[note : note + n_shifts, frame : frame + n_passages]
        shared -= edges[note, frame] * passed
    total = counts.sum(axis=0)
    return shared / np.maximum(window.sum() + total[length:] - total[:-length] - shared, 1)
