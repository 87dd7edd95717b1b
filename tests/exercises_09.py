"""The exercises of notebook 09: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def arrows(f, w, turns=1):
    return np.sum(w * np.exp(2j * np.pi * 12 * np.log2(f / 440) * turns))


def cents(f, w):
    return np.angle(arrows(f, w)) * 50 / np.pi


def by_remainders(f, w):
    off = 1200 * np.log2(f / 440)
    off -= 100 * np.round(off / 100)
    return np.arctan2(w @ np.sin(np.pi * off / 50), w @ np.cos(np.pi * off / 50)) * 50 / np.pi


def plain_mean(f, w):
    off = 1200 * np.log2(f / 440)
    return np.average(off - 100 * np.round(off / 100), weights=w)


def blend(done, first, second):
    share = min(max(2 * done - 0.5, 0), 1)
    return {first: 1 - share, second: share}


def stepwise(done, first, second):
    share = (0, 0.5, 1)[(done >= 0.25) + (done >= 0.75)]
    return {first: 1 - share, second: share}


def sharing(share):
    return lambda done, first, second: {first: 1 - share(done), second: share(done)}


FAST = 2 ** (30 / 1200)
RIGHT = [
    (checks.nb09_tape, (FAST, 180 / FAST)),
    (checks.nb09_tape, (1.01748, 176.9)),
    (checks.nb09_tape, (1.017, 177)),
    (checks.nb09_tape, (1.0175, 177)),
    (checks.nb09_cents, cents),
    (checks.nb09_cents, by_remainders),
    (checks.nb09_blend, blend),
]
WRONG = [
    (checks.nb09_tape, (2 ** (30 / 12), 31.8), "divide 30 by 1200"),
    (checks.nb09_tape, (2 ** (30 / 100), 146.2), "divide 30 by 1200"),
    (checks.nb09_tape, (1 + 0.3 * (2 ** (1 / 12) - 1), 176.8), "100 equal factors"),
    (checks.nb09_tape, (1 / FAST, 180 / FAST), "above 1"),
    (checks.nb09_tape, (1.3, 138.5), "an octave is a factor of 2"),
    (checks.nb09_tape, (FAST, 180 * FAST), "lasts less long"),
    (checks.nb09_tape, (FAST, 180 - 180 / FAST), "by how much it is shorter"),
    (checks.nb09_tape, (FAST, 150.0), "divided by the factor"),
    (checks.nb09_cents, plain_mean, "nearly cancel"),
    (checks.nb09_cents, lambda f, w: np.angle(arrows(f, w)), "in radians"),
    (checks.nb09_cents, lambda f, w: 2 * cents(f, w), "not two"),
    (checks.nb09_cents, lambda f, w: -cents(f, w), "wrong way round"),
    (checks.nb09_cents, lambda f, w: cents(f, np.ones(len(f))), "multiply each arrow"),
    (checks.nb09_cents, lambda f, w: cents(f, w) % 100, "beyond 50"),
    (checks.nb09_cents, lambda f, w: 7.0, "the angle of their sum"),
    (checks.nb09_blend, lambda done, first, second: done, "a dictionary by the two names given"),
    (checks.nb09_blend, lambda done, first, second: {first: 1, second: done}, "add up to 1"),
    (checks.nb09_blend, sharing(lambda done: 1 - blend(done, 0, 1)[1]), "begins with the first"),
    (checks.nb09_blend, sharing(lambda done: done), "let it stay"),
    (checks.nb09_blend, sharing(round), "it jumps"),
    (checks.nb09_blend, sharing(lambda done: 2 * done - 0.5), "np.clip"),
    (checks.nb09_blend, stepwise, "rises by 2"),
]
