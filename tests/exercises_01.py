"""The exercises of notebook 01: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def tone(n_samples, hz=19_000, amplitude=0.01):
    return amplitude * np.cos(2 * np.pi * hz * np.arange(n_samples) / 44_100)


def copies(y, n, trip):
    return y if n == 0 else copies(trip(y), n - 1, trip)


def phase_keyed(y, keyed):
    return y + 0.01 * np.sin(2 * np.pi * 19_000 * keyed * np.arange(len(y)) / 44_100)


def stretched(y, keyed):
    t = np.linspace(0, len(y) / 44_100, len(y))  # the last one is len(y) / 44_100, too
    return y + 0.01 * keyed * np.sin(2 * np.pi * 19_000 * t)


RIGHT = [
    (checks.nb01_hide, (lambda y, keyed: y + keyed * tone(len(y)),)),
    (checks.nb01_hide, (lambda y, keyed: (y + keyed * tone(len(y))).astype(np.float32),)),
    (checks.nb01_copies, (copies,)),
    (checks.nb01_levels, (-13.98, -16.99, -10)),
    (checks.nb01_levels, (-14, -17.0, -10.0)),
]

WRONG = [  # the commonest one of each first
    (checks.nb01_hide, (lambda y, keyed: y + tone(len(y)),), "multiply it by keyed"),
    (checks.nb01_hide, (lambda y, keyed: keyed * tone(len(y)),), "add the tone to y"),
    (checks.nb01_hide, (lambda y, keyed: y + keyed * tone(len(y), 3020),), "has 3020 Hz"),
    (checks.nb01_hide, (lambda y, keyed: y + keyed * tone(len(y), 19_000, 1),), "and is 1"),
    (checks.nb01_hide, (phase_keyed,), "whole sine"),
    (checks.nb01_hide, (stretched,), "19,004.3 Hz"),
    (checks.nb01_hide, (lambda y, keyed: y + keyed * tone(len(y), 18_999),), "18,999.0 Hz"),
    (checks.nb01_hide, (lambda y, keyed: y + (keyed > 0.5) * tone(len(y)),), "whole sine"),
    (checks.nb01_hide, (lambda y, keyed: y,), "nothing was added"),
    (checks.nb01_hide, (lambda y, keyed: y[:9],), "came out"),
    (checks.nb01_copies, (lambda y, n, trip: trip(y),), "one generation"),
    (checks.nb01_copies, (lambda y, n, trip: copies(y, n - 1, trip),), "two generations"),
    (checks.nb01_copies, (lambda y, n, trip: copies(y, n + 1, trip),), "too many"),
    (checks.nb01_copies, (lambda y, n, trip: copies(y, 3, trip),), "repeat n times"),
    (checks.nb01_copies, (lambda y, n, trip: y,), "the original"),
    (checks.nb01_copies, (lambda y, n, trip: [copies(y, i, trip) for i in range(n)],), "one wave"),
    (checks.nb01_levels, (-40, -40, -200), "decibels don't add up"),
    (checks.nb01_levels, (-16.99, -16.99, -10), "mean of a b is P"),
    (checks.nb01_levels, (-26, -17, -10), "isn't -26 dBFS"),
    (checks.nb01_levels, (-13.98, -13.98, -10), "only their powers"),
    (checks.nb01_levels, (-13.98, -23, -10), "isn't -23 dBFS"),
    (checks.nb01_levels, (-13.98, -16.99, 0), "ten times the power"),
    (checks.nb01_levels, (-13.9, -16.9, -10.1), "isn't -13.9 dBFS"),
]
