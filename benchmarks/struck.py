"""Numbers about the moments at which notes are struck; rolls are uint8, (n_frames, n_notes)."""

import numpy as np

from helpers import events, rolls


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
