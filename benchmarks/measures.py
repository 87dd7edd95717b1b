"""Measures of music beside real music: ten that make a distance, faults, copies, and tests."""

from collections.abc import Callable

import numpy as np
import scipy.stats

from benchmarks import struck
from benchmarks.opponents import Place
from helpers import note_metrics, rolls, sound_metrics

SECONDS = 30  # of a clip
RATE, LOWEST = rolls.NoteSettings().frame_rate, rolls.NoteSettings().lowest
FLOORS = (
    "another place",
    "another place, codec",
    "another piece",
    "every measure at the real mean",
)
FEWEST_ONSETS = 8  # in 3 s: a window with fewer is near to empty, and resembles anything like it

MEASURES: dict[str, Callable] = {  # the ten that make the distance
    "onset rate": lambda roll: note_metrics.onset_rate(roll, frame_rate=RATE),
    "notes per moment": struck.notes_per_moment,
    "gaps a minute": lambda roll: struck.gaps_per_minute(roll, frame_rate=RATE),
    "dissonance": note_metrics.dissonance,
    "key clarity": lambda roll: note_metrics.key_clarity(roll, frame_rate=RATE, lowest=LOWEST),
    "rhythm": lambda roll: note_metrics.rhythm_autocorrelation(roll, frame_rate=RATE),
    "looping": lambda roll: note_metrics.looping(roll, frame_rate=RATE),
    "self-similarity": lambda roll: struck.self_similarity(roll, frame_rate=RATE),
    "polyphony": note_metrics.polyphony,
    "below C4": lambda roll: struck.low_onsets(roll, lowest=LOWEST),
}
FAULTS: dict[str, Callable] = {
    "6 and more onsets (%)": lambda roll: 100 * struck.crowded_frames(roll),
    "unplayable (%)": lambda roll: 100 * struck.unplayable_moments(roll),
}


def measure(some: list[np.ndarray]) -> dict[str, list[float]]:
    """Measure rolls; what has no value, as the key of silence, counts as 0."""
    both = MEASURES | FAULTS
    return {what: np.nan_to_num([f(roll) for roll in some]).tolist() for what, f in both.items()}


def distance(measured: dict, real: dict) -> np.ndarray:
    """Say how far each clip is from the real one that it is paired with: (n_clips,).

    Mean over the ten measures of the absolute difference, in units of the measure's standard
    deviation over the real clips.
    """
    far = [
        np.abs(np.subtract(measured[what], real[what])) / max(np.std(real[what], ddof=1), 1e-6)
        for what in MEASURES
    ]
    return np.mean(far, axis=0)


def floors(real: dict, codec: dict, places: list[Place]) -> dict[str, list[list[float]]]:
    """Give the distances, by clip, of real music from elsewhere, and of music that is only average.

    Another place is a clip of the same piece that doesn't overlap; of several, the mean counts. NaN
    if a piece is too short for one. As heard through the codec, it loses what all others lose.
    """
    here = range(len(places))
    far = np.array([[a.piece != b.piece for b in places] for a in places])
    apart = np.array([[abs(a.start - b.start) >= SECONDS for b in places] for a in places])

    def same(one: dict, k: int) -> np.ndarray:  # how far clip k is from each real clip
        return distance({what: [values[k]] * len(places) for what, values in one.items()}, real)

    away, through_codec = (np.transpose([same(one, k) for k in here]) for one in (real, codec))
    bland = {what: [np.mean(values)] * len(places) for what, values in real.items()}
    return {
        "another place": [[_mean(away[i, ~far[i] & apart[i]]) for i in here]],
        "another place, codec": [[_mean(through_codec[i, ~far[i] & apart[i]]) for i in here]],
        "another piece": [[_mean(away[i, far[i]]) for i in here]],
        "every measure at the real mean": [distance(bland, real).tolist()],
    }


def _mean(values: np.ndarray) -> float:
    """Return the mean; NaN of nothing."""
    return float(values.mean()) if len(values) else float("nan")


def copied(some: list[np.ndarray], train: list[np.ndarray]) -> list[float]:
    """Say how near each window of 3 s comes to a training passage; near-empty windows are none."""
    result = []
    for roll in some:
        similarity, _ = note_metrics.copying(roll, train, frame_rate=RATE)
        length = round(3 * RATE)
        starts = sound_metrics.window_starts(len(roll), length, round(1.5 * RATE))
        n_onsets = [np.count_nonzero(roll[k : k + length] >= rolls.SOFT) for k in starts]
        result += similarity[np.array(n_onsets) >= FEWEST_ONSETS].tolist()
    return result


def variances(one: dict, real: dict) -> list[float]:
    """Give the variance of each of the ten measures over the clips, as a share of real music's."""
    return [np.var(one[what], ddof=1) / max(np.var(real[what], ddof=1), 1e-12) for what in MEASURES]


# Statistics


def compare_paired(distances: dict, pieces: list[str]) -> list[dict]:
    """Test whether ours is nearer to real music than each opponent, by clip and seed.

    The clips of a piece resemble each other, so a piece is one observation: the mean of its
    differences. With three pieces a cluster bootstrap has ten different draws and its intervals
    are too short, so this is Student's t with one degree of freedom less than there are pieces.
    Holm's correction allows for the number of tests.
    """
    names, rows = np.array(pieces), []
    for whose, runs in distances.items():
        if whose in ("real", "codec", "ours", *FLOORS[1:3]):
            continue
        difference = np.subtract(distances["ours"], runs)  # (n_seeds, n_clips); below 0: nearer
        by_piece = [
            np.nanmean(difference[:, names == name])
            for name in dict.fromkeys(pieces)
            if np.isfinite(difference[:, names == name]).any()  # a piece may have no other place
        ]
        if len(by_piece) < 2:
            continue
        test = scipy.stats.ttest_1samp(by_piece, 0)
        rows.append(
            {
                "opponent": whose,
                "difference": float(np.mean(by_piece)),
                "interval": [float(bound) for bound in test.confidence_interval(0.95)],
                "by piece": [float(one) for one in by_piece],
                "SD over clips and seeds": float(np.nanstd(difference, ddof=1)),
                "p": float(test.pvalue),
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p, Holm"] = p
    return rows


def holm(p: list[float]) -> list[float]:
    """Correct p-values for their number.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6, 1979.
    """
    order, result = np.argsort(p), np.empty(len(p))
    stepped = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    result[order] = np.minimum(1, np.maximum.accumulate(stepped))
    return result.tolist()
