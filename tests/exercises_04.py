"""The exercises of notebook 04: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks, notes


def best_guess(values, loss):
    return {"squared": np.mean, "absolute": np.median}[loss](values, axis=0)


def swapped(values, loss):
    return best_guess(values, "absolute" if loss == "squared" else "squared")


def left(f, spread_s):
    return np.abs(np.sinc(f * spread_s))


def growth(V, W, H):
    return (V / (H @ W.T)).T @ H


def mean_growth(V, W, H):
    return growth(V, W, H) / H.sum(axis=0)


def off_before(roll):
    return np.vstack([np.zeros_like(roll[:1]), roll[:-1]]) == 0


def mend(roll):
    return np.where((roll == 1) & off_before(roll), 2, roll)


def mend_but_first(roll):
    return np.vstack([roll[:1], mend(roll)[1:]])


def in_place(roll):
    roll[(roll == 1) & off_before(roll)] = 2
    return roll


RIGHT = [
    (checks.nb04_best_guess, best_guess),
    (checks.nb04_left_of_a_tone, left),
    (checks.nb04_left_of_a_tone, lambda f, s: abs(np.sin(np.pi * f * s) / (np.pi * f * s))),
    (checks.nb04_update_templates, lambda V, W, H: W * mean_growth(V, W, H)),
    (checks.nb04_update_templates, notes.update_templates),
    (checks.nb04_mend, mend),
    (checks.nb04_mend, in_place),
]
WRONG = [
    (checks.nb04_best_guess, lambda values, loss: np.mean(values), "over the cases, axis 0"),
    (checks.nb04_best_guess, swapped, "the other way round"),
    (checks.nb04_best_guess, lambda values, loss: values.mean(axis=0), "pulls equally hard"),
    (checks.nb04_best_guess, lambda values, loss: np.median(values, axis=0), "derivative"),
    (
        checks.nb04_best_guess,
        lambda values, loss: values.mean(axis=0) if loss == "squared" else values[0],
        "as many cases above it as below",
    ),
    (checks.nb04_left_of_a_tone, lambda f, s: np.sinc(f * s), "but for the sign"),
    (checks.nb04_left_of_a_tone, lambda f, s: left(f, s / np.pi), "in periods"),
    (checks.nb04_left_of_a_tone, lambda f, s: left(1, s), "periods of a higher tone"),
    (checks.nb04_left_of_a_tone, lambda f, s: max(0, 1 - f * s), "not a straight line"),
    (checks.nb04_left_of_a_tone, lambda f, s: 0.5, "how many periods"),
    (checks.nb04_update_templates, lambda V, W, H: H, "sum over the frames"),
    (checks.nb04_update_templates, lambda V, W, H: W * growth(V, W, H), "not a mean"),
    (
        checks.nb04_update_templates,
        lambda V, W, H: W * growth(V, W, H) / W.sum(axis=0),
        "the sum of H, not of W",
    ),
    (checks.nb04_update_templates, mean_growth, "multiply the template by it"),
    (checks.nb04_update_templates, lambda V, W, H: W, "weighted by the activations"),
    (checks.nb04_mend, lambda roll: roll[1:], "came out"),
    (
        checks.nb04_mend,
        lambda roll: np.where((roll == 1) & off_before(roll), 0, roll),
        "let it begin instead",
    ),
    (checks.nb04_mend, mend_but_first, "the first frame counts too"),
    (
        checks.nb04_mend,
        lambda roll: np.where((roll >= 1) & off_before(roll), 2, roll),
        "begins loud keeps the rule",
    ),
    (checks.nb04_mend, lambda roll: np.where(roll == 1, 2, roll), "strikes the note again"),
    (checks.nb04_mend, lambda roll: roll, "a state is 2"),
]
