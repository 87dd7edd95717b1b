"""Numbers about the moments at which notes are struck; rolls are uint8, (n_frames, n_notes)."""

import numpy as np

from helpers import events, rolls, sound_metrics


def notes_per_moment(roll: np.ndarray) -> float:
    """Return the mean number of onsets over the frames that have any; 0 if none has."""
    n_struck = np.count_nonzero(roll >= rolls.SOFT, axis=1)
    return float(n_struck.sum() / max(np.count_nonzero(n_struck), 1))


def crowded_frames(roll: np.ndarray, *, n_least: int = 6) -> float:
    """Say in which share of its frames many notes are struck at once."""
    n_struck = np.count_nonzero(roll >= rolls.SOFT, axis=1)
    return float(np.mean(n_struck >= n_least))


def unplayable_moments(roll: np.ndarray) -> float:
    """Say which share of the moments at which notes are struck two hands can't strike.

    A moment is judged as `events.within_reach` lets one be composed, from the lowest note up.
    """
    n_moments = n_bad = 0
    for struck in roll >= rolls.SOFT:
        notes = np.flatnonzero(struck)
        n_moments += len(notes) > 0
        n_bad += any(not events.within_reach(notes[:i])[note] for i, note in enumerate(notes))
    return n_bad / max(n_moments, 1)


def gaps_per_minute(roll: np.ndarray, *, frame_rate: float, gap_s: float = 0.4) -> float:
    """Count how often a minute nothing is struck for a while; a roll's ends count as struck."""
    struck = np.flatnonzero((roll >= rolls.SOFT).any(axis=1))
    gaps = np.diff(struck, prepend=0, append=len(roll)) / frame_rate
    return float(np.count_nonzero(gaps >= gap_s) * 60 * frame_rate / len(roll))


def low_onsets(roll: np.ndarray, *, lowest: int, below: int = 60) -> float:
    """Say which share of the notes that are struck lie below a pitch, by default middle C."""
    struck = roll >= rolls.SOFT
    return float(struck[:, : max(0, below - lowest)].sum() / max(struck.sum(), 1))


def self_similarity(
    roll: np.ndarray,
    *,
    frame_rate: float,
    window_s: float = 4.0,
    gap_s: float = 8.0,
    hop_s: float = 1.0,
) -> float:
    """Say how much of a piece comes back later, or was there before.

    Windows, `hop_s` apart, are each compared with the passages that begin `gap_s` earlier or later
    at least: onsets in common, in the same frame of the passage and at the same pitch, over the
    onsets in either (P. Jaccard, 1912; J. Foote, "Visualizing music and audio using
    self-similarity", ACM Multimedia 1999). The mean of the best matches is 1 if everything comes
    back exactly; a window without onsets counts as 0. A longer roll has more to come back to.
    """
    struck = roll >= rolls.SOFT
    length, gap, hop = (round(seconds * frame_rate) for seconds in (window_s, gap_s, hop_s))
    n_least = length + 2 * gap
    if len(roll) < n_least:
        raise ValueError(
            f"roll must last {n_least / frame_rate} s = {n_least} frames at least, "
            f"got {len(roll)} frames: take a longer one"
        )
    passages = np.arange(len(roll) - length + 1)
    n_onsets = np.convolve(struck.sum(axis=1), np.ones(length, int), "valid")  # (n_passages,)
    best = []
    for start in sound_metrics.window_starts(len(roll), length, hop):
        frames, notes = np.nonzero(struck[start : start + length])
        shared = struck[frames[:, None] + passages, notes[:, None]].sum(axis=0)
        similarity = shared / np.maximum(len(frames) + n_onsets - shared, 1)
        best.append(similarity[np.abs(passages - start) >= gap].max())
    return float(np.mean(best))
