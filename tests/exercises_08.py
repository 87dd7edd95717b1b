"""The exercises of notebook 08: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def step(w, X, y, rate):
    p = 1 / (1 + np.exp(-X @ w))
    return w - rate * X.T @ (p - y) / len(y)


def uphill(w, X, y, rate):
    return 2 * w - step(w, X, y, rate)


def change_alone(w, X, y, rate):
    return step(w, X, y, rate) - w


def summed(w, X, y, rate):
    return step(w, X, y, rate * len(y))


def without_sigmoid(w, X, y, rate):
    return w - rate * X.T @ (X @ w - y) / len(y)


def onsets(roll):
    return np.mean(roll > 1)


def key_centre(roll):
    return np.mean(np.nonzero(roll)[1])


def held(roll):
    return np.mean(roll == 1)


def note_length(roll):
    return np.count_nonzero(roll) / np.count_nonzero(roll >= 2)


def loud_share(roll):
    return np.mean(roll[roll >= 2] == 3)


def wait(roll):
    return np.mean(np.diff(np.flatnonzero((roll >= 2).any(axis=1))))


def rhythm(roll):
    onsets = (roll >= 2).sum(axis=1)
    return np.corrcoef(onsets[8:], onsets[:-8])[0, 1]


def fullest(roll):
    return (roll > 0).sum(axis=1).max()


def together(roll):
    return np.mean((roll > 0).sum(axis=1) > 1)


def by_rule(rng):
    return np.where(rng.random((100, 12)) < 0.1, 2, 0).astype(np.uint8)


def always_the_same(rng):
    return by_rule(np.random.default_rng(0))


def silence(rng):
    return np.zeros((100, 12), np.uint8)


def held_only(rng):
    return np.tri(100, 12, dtype=np.uint8)


def content(roll):
    return []


def strict(roll):
    return ["rhythm (+2.5)"]


SHAPE = (100, 12)
RIGHT = [
    *((checks.nb08_fooled, measure) for measure in (held, note_length, loud_share)),
    (checks.nb08_fooled, onsets),
    (checks.nb08_fooled, key_centre),
    (checks.nb08_step, step),
    (checks.nb08_rule, (by_rule, content, SHAPE)),
]
WRONG = [
    (checks.nb08_fooled, lambda roll: roll.mean(axis=0), "one finite number"),
    (checks.nb08_fooled, lambda roll: 1.0, "tells nothing apart"),
    (checks.nb08_fooled, together, "shuffled notes get another value"),
    (checks.nb08_fooled, fullest, "shuffled notes get another value"),
    (checks.nb08_fooled, wait, "shuffled notes get another value"),
    (checks.nb08_fooled, rhythm, "shuffled notes get another value"),
    (checks.nb08_step, uphill, "that is uphill"),
    (checks.nb08_step, change_alone, "the change alone"),
    (checks.nb08_step, summed, "divide by their number"),
    (checks.nb08_step, lambda w, X, y, rate: step(w, X, y, 1.0), "multiply it by rate"),
    (checks.nb08_step, without_sigmoid, "no probability yet"),
    (checks.nb08_step, lambda w, X, y, rate: 0.0, "of w's shape"),
    (checks.nb08_rule, (silence, content, SHAPE), "nothing is struck"),
    (checks.nb08_rule, (held_only, content, SHAPE), "that is no roll"),
    (
        checks.nb08_rule,
        (by_rule, content, (200, 12)),
        "return 200 frames of 12 notes",
    ),
    (checks.nb08_rule, (lambda rng: by_rule(rng)[:, :9], content, SHAPE), "not (100, 9)"),
    (checks.nb08_rule, (by_rule, strict, SHAPE), "by rhythm (+2.5)"),
    (checks.nb08_rule, (always_the_same, content, SHAPE), "only once"),
]
