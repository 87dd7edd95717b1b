"""The exercises of notebook 02: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def rounded_after_noise(y, step, rng):
    return step * np.round(y / step + rng.random(len(y)) - rng.random(len(y)))


def bits(level_db, snr_db):
    return int(np.ceil((snr_db - level_db - 4.77) / 6.02))


RIGHT = [
    (checks.nb02_alias, lambda f, sr: abs(f - sr * round(f / sr))),
    (checks.nb02_alias, lambda f, sr: min(f % sr, sr - f % sr)),
    (checks.nb02_fast_enough, lambda f_max, sr: sr > 2 * f_max),
    (checks.nb02_fast_enough, lambda f_max, sr: np.bool_(f_max < sr / 2)),
    (checks.nb02_bits, bits),
    (checks.nb02_bits, lambda level_db, snr_db: np.ceil((snr_db - level_db - 4.7712) / 6.0206)),
    (checks.nb02_dither, rounded_after_noise),
]
WRONG = [
    (checks.nb02_alias, lambda f, sr: sr - f, "it is heard as it is"),
    (checks.nb02_alias, lambda f, sr: f, "mirrored to 1,000 Hz"),
    (checks.nb02_alias, lambda f, sr: f % sr, "mirrored to 1,000 Hz"),
    (checks.nb02_alias, lambda f, sr: f if f <= sr / 2 else sr - f, "whole multiples"),
    (checks.nb02_alias, lambda f, sr: f if f <= sr / 2 else abs(f - sr), "more than one multiple"),
    (checks.nb02_fast_enough, lambda f_max, sr: sr >= 2 * f_max, "at exactly twice"),
    (checks.nb02_fast_enough, lambda f_max, sr: sr > 1.8 * f_max, "only nearly double"),
    (checks.nb02_fast_enough, lambda f_max, sr: sr > 2.2 * f_max, "even 2,001 Hz"),
    (checks.nb02_fast_enough, lambda f_max, sr: False, "even 2,001 Hz"),
    (
        checks.nb02_bits,
        lambda level_db, snr_db: int(np.ceil((snr_db - 1.76) / 6.02)),
        "dB for dB",
    ),
    (checks.nb02_bits, lambda level_db, snr_db: (snr_db - level_db - 4.77) / 6.02, "round up"),
    (checks.nb02_bits, lambda level_db, snr_db: int((snr_db - level_db - 4.77) / 6.02), "round up"),
    (checks.nb02_bits, lambda level_db, snr_db: bits(-level_db, snr_db), "is negative"),
    (checks.nb02_dither, lambda y, step, rng: step * np.round(y / step), "follows the signal"),
    (
        checks.nb02_dither,
        lambda y, step, rng: step * np.round(y / step + rng.random(len(y)) - 0.5),
        "difference of two",
    ),
    (
        checks.nb02_dither,
        lambda y, step, rng: step * np.round(y / step) + step * rng.random(len(y)),
        "before rounding, not after",
    ),
    (
        checks.nb02_dither,
        lambda y, step, rng: rounded_after_noise(y + step * rng.normal(size=len(y)), step, rng),
        "from -1 to 1 step",
    ),
]
