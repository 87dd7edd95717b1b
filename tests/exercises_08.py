"""The exercises of notebook 08: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks, sound_metrics


def frechet(mean_a, std_a, mean_b, std_b):
    return (mean_a - mean_b) ** 2 + (std_a - std_b) ** 2


def by_variances(mean_a, std_a, mean_b, std_b):
    return (mean_a - mean_b) ** 2 + abs(std_a**2 - std_b**2)


def deviations_as_variances(mean_a, std_a, mean_b, std_b):
    return (mean_a - mean_b) ** 2 + std_a + std_b - 2 * np.sqrt(std_a * std_b)


def first_beyond_a_half(share, *, whole, bound):
    n = 1
    while (whole and share * n != round(share * n)) or bound(round(share * n), n) <= 0.5:
        n += 1
    return n


def lower_bound(n_right, n):
    return sound_metrics.wilson_interval(n_right, n)[0]


def fewest_trials(share):
    return first_beyond_a_half(share, whole=True, bound=lower_bound)


def rounding(share):
    return first_beyond_a_half(share, whole=False, bound=lower_bound)


def without_bounds(share):
    return first_beyond_a_half(share, whole=True, bound=lambda n_right, n: n_right / n)


def without_the_easy_case(share):
    return 4 if share == 1 else without_bounds(share)


def onsets(roll):
    return np.mean(roll > 1)


def pitch_centre(roll):
    return np.mean(np.nonzero(roll)[1])


def together(roll):
    return np.mean((roll > 0).sum(axis=1) > 1)


RIGHT = [
    (checks.nb08_frechet, frechet),
    (checks.nb08_trials, fewest_trials),
    (checks.nb08_fooled, onsets),
    (checks.nb08_fooled, pitch_centre),
]
WRONG = [
    (checks.nb08_frechet, lambda a, s, b, t: (a - b) ** 2, "differ in width"),
    (checks.nb08_frechet, lambda *values: np.sqrt(frechet(*values)), "its root"),
    (checks.nb08_frechet, by_variances, "the square of"),
    (checks.nb08_frechet, deviations_as_variances, "the squares of the deviations"),
    (checks.nb08_frechet, lambda a, s, b, t: abs(a - b), "no matrices"),
    (checks.nb08_trials, without_bounds, "a coin does"),
    (checks.nb08_trials, rounding, "a whole number"),
    (checks.nb08_trials, without_the_easy_case, "not yet its lower bound"),
    (checks.nb08_trials, lambda share: 2 * fewest_trials(share), "you found 32 and 8"),
    (checks.nb08_fooled, lambda roll: roll.mean(axis=0), "one finite number"),
    (checks.nb08_fooled, lambda roll: 1.0, "tells nothing apart"),
    (checks.nb08_fooled, together, "shuffled notes get another value"),
]
