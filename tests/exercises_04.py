"""The exercises of notebook 04: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks, notes


def best_guess(values, loss):
    return {"squared": np.mean, "absolute": np.median}[loss](values, axis=0)


def swapped(values, loss):
    return best_guess(values, "absolute" if loss == "squared" else "squared")


def half_of(best_guess, known):
    return lambda values, loss: best_guess(values, loss) if loss == known else None


def growth(V, W, H):
    return (V / (H @ W.T)).T @ H


def mean_growth(V, W, H):
    return growth(V, W, H) / H.sum(axis=0)


def update_in_place(V, W, H):
    W *= mean_growth(V, W, H)
    return W


def share_of(W, H, which):
    return theirs(W, H, which) / (H @ W.T + 1e-6)


def theirs(W, H, which):
    return H[:, which] @ W[:, which].T


RIGHT = [
    (checks.nb04_best_guess, best_guess),
    (checks.nb04_best_guess, lambda values, loss: best_guess(values, loss).tolist()),
    (checks.nb04_update_templates, lambda V, W, H: W * mean_growth(V, W, H)),
    (checks.nb04_update_templates, update_in_place),
    (checks.nb04_update_templates, notes.update_templates),
    (checks.nb04_share, share_of),
    (checks.nb04_share, lambda W, H, which: theirs(W, H, which) / (H @ W.T)),
]
WRONG = [
    (checks.nb04_best_guess, lambda values, loss: np.mean(values), "over the cases, axis 0"),
    (checks.nb04_best_guess, half_of(best_guess, "squared"), "for both losses"),
    (checks.nb04_best_guess, half_of(best_guess, "absolute"), "for both losses"),
    (checks.nb04_best_guess, swapped, "the other way round"),
    (checks.nb04_best_guess, lambda values, loss: values.mean(axis=0), "pulls equally hard"),
    (checks.nb04_best_guess, lambda values, loss: np.median(values, axis=0), "derivative"),
    (
        checks.nb04_best_guess,
        lambda values, loss: values.mean(axis=0) if loss == "squared" else values[0],
        "as many cases lie above",
    ),
    (checks.nb04_update_templates, lambda V, W, H: H, "of shape"),
    (checks.nb04_update_templates, lambda V, W, H: W * growth(V, W, H), "not a mean"),
    (
        checks.nb04_update_templates,
        lambda V, W, H: W * growth(V, W, H) / W.sum(axis=0),
        "the sum of H, not of W",
    ),
    (checks.nb04_update_templates, mean_growth, "multiply the template by it"),
    (checks.nb04_update_templates, lambda V, W, H: W, "weighted by H"),
    (checks.nb04_share, theirs, "divide it by that of all notes"),
    (checks.nb04_share, lambda W, H, which: share_of(W, H, ~which), "of the other notes"),
    (
        checks.nb04_share,
        lambda W, H, which: theirs(W, H, which) / theirs(W, H, ~which),
        "these included",
    ),
    (checks.nb04_share, lambda W, H, which: share_of(W, H, which).T, "(n_frames, n_bands)"),
    (checks.nb04_share, lambda W, H, which: H[:, which], "divide, band by band"),
]
