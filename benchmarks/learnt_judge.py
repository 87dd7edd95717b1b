"""A learnt judge: a classifier tells composed notes from real ones, if it can, by five seconds.

It hears windows of notes, as the transcriber heard them: the real clips played and transcribed
again (codec) on one side, a composer's clips on the other. It learns on the clips of all pieces
but one and judges those of that piece, so it can't know the tune. 0.5 is guessing, 1 is never
mistaken. It is only worth asking if it tells bad music apart without fail.
"""

import numpy as np
import scipy.stats
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import note_metrics

WINDOW, HOP = 5.0, 1.25  # s
N_TREES = 200

_STEP = 0.0625  # s: moments closer than this are one
_CHORDS = {  # pitch classes above a root
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "dominant seventh": (0, 4, 7, 10),
    "minor seventh": (0, 3, 7, 10),
    "major seventh": (0, 4, 7, 11),
    "diminished": (0, 3, 6, 9),
    "half-diminished": (0, 3, 6, 10),
    "augmented": (0, 4, 8),
}
_PAIRS = np.triu_indices(128, 1)
_INTERVALS = _PAIRS[1] - _PAIRS[0]  # semitones
_PROFILES = scipy.stats.zscore(note_metrics.KEY_PROFILES, axis=1) / np.sqrt(12)
_TEMPLATES = np.array(
    [
        [(pitch - root) % 12 in chord for pitch in range(12)]
        for chord in _CHORDS.values()
        for root in range(12)
    ]
)


def judge_all(clips: dict[str, list[list[np.ndarray]]], pieces: list[str]) -> dict:
    """Tell everyone from the codec: {whose: [{piece: AUC} of a seed]}.

    `clips` holds found notes: {whose: [clips of a seed]}, clip i from piece `pieces[i]`.
    """
    if len(set(pieces)) < 2:
        raise ValueError(f"pieces must be two at least, to learn on one, got {sorted(set(pieces))}")
    seen = {w: [[windows(clip) for clip in one] for one in runs] for w, runs in clips.items()}
    return {
        whose: auc_by_piece(seen["codec"][0], runs, pieces)
        for whose, runs in seen.items()
        if whose != "codec"
    }


def auc_by_piece(codec: list, runs: list[list], pieces: list[str]) -> list[dict[str, float]]:
    """Learn on all pieces but one, judge that one: {piece: AUC} for each seed.

    `codec` and each run hold the features of every clip: (n_windows, n_features).
    """
    result: list[dict[str, float]] = [{} for _ in runs]
    for piece in dict.fromkeys(pieces):
        learnt = [i for i, name in enumerate(pieces) if name != piece]
        judged = [i for i, name in enumerate(pieces) if name == piece]
        real = np.concatenate([codec[i] for i in learnt])
        other = np.concatenate([run[i] for run in runs for i in learnt])
        X = np.concatenate([real, other])
        y = np.arange(len(X)) >= len(real)
        models = fit(X, y)
        for run, aucs in zip(runs, result, strict=True):
            mine, theirs = (np.concatenate([one[i] for i in judged]) for one in (codec, run))
            truth = np.arange(len(mine) + len(theirs)) >= len(mine)
            aucs[piece] = float(roc_auc_score(truth, score(models, np.concatenate([mine, theirs]))))
    return result


def fit(X: np.ndarray, y: np.ndarray) -> list:
    """Teach two judges of different kinds.

    Their settings are those that told the first edition's network best on the validation pieces.
    """
    linear = LogisticRegression(C=0.003, class_weight="balanced", max_iter=2000)
    trees = ExtraTreesClassifier(
        N_TREES, min_samples_leaf=4, class_weight="balanced", random_state=0, max_features=0.05
    )
    return [make_pipeline(StandardScaler(), linear).fit(X, y), trees.fit(X, y)]


def score(models: list, X: np.ndarray) -> np.ndarray:
    """Average their odds, as logarithms: above 0 where a window sounds composed."""
    p = [np.clip(model.predict_proba(X)[:, 1], 0.002, 0.998) for model in models]
    return np.mean([np.log(one / (1 - one)) for one in p], axis=0)


def windows(found: np.ndarray, seconds: float = 30.0) -> np.ndarray:
    """Describe a clip by windows: (n_windows, n_features)."""
    starts = np.arange(0, seconds - WINDOW + 1e-9, HOP)
    return np.array([features(found, start) for start in starts])


def features(found: np.ndarray, start: float) -> np.ndarray:
    """Describe what sounds in a window, in any key, by shares and means: (n_features,)."""
    inside = (found[:, 0] < start + WINDOW) & (found[:, 1] > start)
    onset, offset, pitch, level = found[inside].T
    onset = onset - start
    pitch = pitch.astype(int)
    new = onset >= 0
    moment = np.rint(onset / _STEP).astype(int)
    n_frames = round(WINDOW / _STEP)
    sounding = np.zeros((n_frames, 128), bool)
    struck = np.zeros((n_frames, 128), bool)
    for a, b, p in zip(moment, np.rint((offset - start) / _STEP).astype(int), pitch, strict=True):
        sounding[max(a, 0) : max(b, a + 1), p] = True
        if 0 <= a < n_frames:
            struck[a, p] = True
    return np.concatenate(
        [
            _harmony(sounding, struck),
            _melody(struck),
            _rhythm(struck, onset[new]),
            _touch(offset[new] - onset[new] - start, level[new]),
            _again(sounding, struck),
        ]
    )


def _harmony(sounding: np.ndarray, struck: np.ndarray) -> np.ndarray:
    """Describe pitch classes, intervals, chords."""
    n = len(sounding)
    chroma = np.pad(sounding, ((0, 0), (0, 4))).reshape(n, 11, 12).sum(axis=1)
    total = chroma.sum(axis=0) + 1e-9
    share = total / total.sum()
    fits = _PROFILES @ (share - 1 / 12) / max(np.linalg.norm(share - 1 / 12), 1e-9)
    in_c = np.roll(share, -(int(np.argmax(fits)) % 12))  # as it were in C
    struck_by, sounding_by = (
        (on := some.astype(np.float32)).T @ on for some in (struck, sounding)
    )  # notes together: (128, 128)
    struck_by = np.bincount(_INTERVALS, struck_by[_PAIRS])
    sounding_by = np.bincount(_INTERVALS, sounding_by[_PAIRS])
    struck_by = np.append(struck_by[1:25], struck_by[25:].sum())
    sounding_by = np.pad(sounding_by, (0, 4)).reshape(-1, 12).sum(axis=0)
    classes = chroma > 0
    n_classes = classes.sum(axis=1)
    several = n_classes >= 3
    inside = classes[several].astype(int) @ _TEMPLATES.T.astype(int)
    fitting = np.max(inside, axis=1, initial=0) / np.maximum(n_classes[several], 1)
    whole = inside == n_classes[several][:, None]
    kinds = [
        np.mean(whole[:, 12 * k : 12 * k + 12].any(axis=1)) if several.any() else 0
        for k in range(len(_CHORDS))
    ]
    change = np.abs(np.diff(classes.astype(int), axis=0)).sum(axis=1)
    half = chroma[: n // 2].sum(axis=0), chroma[n // 2 :].sum(axis=0)
    alike = half[0] @ half[1] / (np.linalg.norm(half[0]) * np.linalg.norm(half[1]) + 1e-9)
    return np.array(
        [
            *in_c,
            max(fits),
            sorted(fits)[-1] - sorted(fits)[-3],
            -np.sum(share * np.log2(share)),
            *np.sort(share)[::-1],
            *struck_by / max(struck_by.sum(), 1),
            *sounding_by / max(sounding_by.sum(), 1),
            *np.bincount(np.minimum(n_classes, 7), minlength=8) / n,
            fitting.mean() if len(fitting) else 0,
            np.mean(fitting == 1) if len(fitting) else 0,
            *kinds,
            change.mean(),
            alike,
        ]
    )


def _melody(struck: np.ndarray) -> np.ndarray:
    """Describe the top and the bottom line, and where notes lie."""
    moments = np.flatnonzero(struck.any(axis=1))
    pitches = np.nonzero(struck)[1]
    if len(moments) < 3:
        return np.zeros(2 * 19 + 12)
    rows = struck[moments]
    top = 127 - rows[:, ::-1].argmax(axis=1)
    bottom = rows.argmax(axis=1)
    result = []
    for line in (top, bottom):
        step = np.diff(line)
        result += [*np.bincount(np.minimum(np.abs(step), 13), minlength=14) / len(step)]
        result += [
            np.mean(step),
            np.std(step),
            np.std(line),
            np.mean(np.sign(step[1:]) == -np.sign(step[:-1])),
            np.mean(step[1:] == step[:-1]),
        ]
    gaps = [np.diff(np.flatnonzero(row)) for row in rows if row.sum() > 1]
    gap = np.concatenate(gaps) if gaps else np.zeros(1)
    result += [np.mean(pitches), np.std(pitches), top.mean(), bottom.mean(), (pitches < 60).mean()]
    result += [gap.mean(), gap.max(), np.mean(gap <= 2), np.mean(gap >= 12)]
    result += [np.mean(top - bottom), np.max(top - bottom), len(np.unique(pitches)) / len(pitches)]
    return np.array(result)


def _rhythm(struck: np.ndarray, onset: np.ndarray) -> np.ndarray:
    """Describe how notes follow each other in time."""
    n_struck = struck.sum(axis=1)
    moments = np.flatnonzero(n_struck)
    wait = np.diff(moments)
    waits = np.bincount(np.minimum(wait, 17), minlength=18)[1:] / max(len(wait), 1)
    centred = n_struck - n_struck.mean()
    energy = max(centred @ centred, 1e-9)
    similar = [centred[:-lag] @ centred[lag:] / energy for lag in range(1, 25)]
    sizes = np.bincount(np.minimum(n_struck, 8), minlength=9) / len(n_struck)
    wide = [
        np.ptp(one) if len(one) else 0
        for one in np.split(np.sort(onset), np.flatnonzero(np.diff(np.sort(onset)) > 0.045) + 1)
    ]
    same = np.mean(wait[1:] == wait[:-1]) if len(wait) > 1 else 0
    accents = np.argsort(similar[1:])[-1]
    return np.array(
        [
            *waits,
            *similar,
            max(similar[2:]),
            accents,
            *sizes,
            len(onset) / WINDOW,
            n_struck.max(),
            same,
            np.std(wait) if len(wait) else 0,
            wait.max(initial=0),
            np.mean(wide),
            np.max(wide, initial=0),
            np.std(np.add.reduceat(n_struck, np.arange(0, len(n_struck), 16))),
        ]
    )


def _touch(lasting: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Describe how long and how loud notes are."""
    if not len(level):
        return np.zeros(17)
    edges = [0, 0.09, 0.15, 0.21, 0.28, 0.35, 0.45, 0.6, 0.85, 1.2, 2.0, np.inf]
    lengths = np.histogram(lasting, edges)[0] / len(level)
    loud = np.log(level)
    return np.array(
        [
            *lengths,
            np.mean(np.log(np.maximum(lasting, 0.03))),
            np.std(np.log(np.maximum(lasting, 0.03))),
            loud.mean(),
            loud.std(),
            np.abs(np.diff(loud)).mean() if len(loud) > 1 else 0,
            np.mean(level >= 1),
        ]
    )


def _again(sounding: np.ndarray, struck: np.ndarray) -> np.ndarray:
    """Describe how soon notes, chords and all come back."""
    result = []
    for which in (struck, sounding):
        for lag in range(2, 41, 2):
            a, b = which[lag:], which[:-lag]
            result.append((a & b).sum() / max((a | b).sum(), 1))
    moments = struck[struck.any(axis=1)]
    if len(moments) < 4:
        return np.array([*result, max(result[:20]), max(result[20:]), 0, 0, 0])
    result += [max(result[:20]), max(result[20:40])]
    for lag in (1, 2, 4):  # the next moments: notes in common
        a, b = moments[lag:], moments[:-lag]
        result.append((a & b).sum() / max((a | b).sum(), 1) if len(a) else 0)
    return np.array(result)
