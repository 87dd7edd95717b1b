"""The exercises of notebook 01: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def wav_bytes(seconds, sr, n_channels, n_bits):
    return seconds * sr * n_channels * n_bits // 8


RIGHT = [
    (checks.nb01_downmix, (lambda samples: samples.mean(axis=1),)),
    (
        checks.nb01_write_int16,
        (lambda y: np.clip(np.rint(y * 32768), -32768, 32767).astype(np.int16),),
    ),
    (checks.nb01_wav_bytes, (wav_bytes, 18)),
    (checks.nb01_wav_bytes, (lambda s, sr, n, b: s * sr * n * b / 8, 18.0)),
    (
        checks.nb01_error_db,
        (lambda y, d: 20 * np.log10(np.sqrt(np.mean((d - y) ** 2) / np.mean(y**2))),),
    ),
]

WRONG = [  # the commonest one of each first
    (checks.nb01_downmix, (lambda s: s.sum(axis=1),), "add up to 2"),
    (checks.nb01_downmix, (lambda s: s.mean(axis=0),), "take it over the channels"),
    (checks.nb01_downmix, (lambda s: s[:, 0],), "left channel alone"),
    (checks.nb01_downmix, (lambda s: s.mean(axis=1, keepdims=True),), "one axis"),
    (checks.nb01_downmix, (lambda s: s[:, 0] * 0.3,), "mean of its row"),
    (checks.nb01_downmix, (lambda s: (s[:, 0] + s[:, 1]) / 2,), "three don't"),
    (
        checks.nb01_write_int16,
        (lambda y: (y * 32768).astype(np.int64).astype(np.int16),),
        "wrapped",
    ),
    (
        checks.nb01_write_int16,
        (lambda y: np.clip(y * 32768, -32768, 32767).astype(np.int16),),
        "np.rint",
    ),
    (
        checks.nb01_write_int16,
        (lambda y: np.rint(np.clip(y, -1, 1) * 32767).astype(np.int16),),
        "scale here is 32768",
    ),
    (checks.nb01_write_int16, (lambda y: y * 32768,), "should be int16"),
    (checks.nb01_write_int16, (lambda y: np.zeros(3, np.int16),), "came out"),
    (
        checks.nb01_write_int16,
        (lambda y: np.clip(np.rint(y * 32768), -32768, 32000).astype(np.int16),),
        "largest int16",
    ),
    (
        checks.nb01_write_int16,
        (lambda y: np.clip(np.ceil(y * 32768), -32768, 32767).astype(np.int16),),
        "scale, round, clip",
    ),
    (checks.nb01_wav_bytes, (lambda s, sr, n, b: s * sr * n * b, 18), "eight of them"),
    (checks.nb01_wav_bytes, (lambda s, sr, n, b: s * sr * b // 8, 18), "every channel"),
    (checks.nb01_wav_bytes, (lambda s, sr, n, b: 7, 18), "not 7"),
    (checks.nb01_wav_bytes, (wav_bytes, 2.25), "bits with bits"),
    (checks.nb01_wav_bytes, (wav_bytes, 9), "stereo has two"),
    (checks.nb01_wav_bytes, (wav_bytes, 5), "isn't 5"),
    (
        checks.nb01_error_db,
        (lambda y, d: 10 * np.log10(np.mean(d**2) / np.mean(y**2)),),
        "subtract the waveforms first",
    ),
    (
        checks.nb01_error_db,
        (lambda y, d: 10 * np.log10(np.mean(y**2) / np.mean((d - y) ** 2)),),
        "invert it",
    ),
    (
        checks.nb01_error_db,
        (lambda y, d: 20 * np.log10(np.mean((d - y) ** 2) / np.mean(y**2)),),
        "don't mix them",
    ),
    (checks.nb01_error_db, (lambda y, d: d - y,), "one number"),
    (checks.nb01_error_db, (lambda y, d: -33.0,), "not at -33.0"),
]

UNTRIED = [
    (checks.nb01_downmix, (None,)),
    (checks.nb01_downmix, (lambda samples: None,)),
    (checks.nb01_write_int16, (lambda y: None,)),
    (checks.nb01_wav_bytes, (lambda s, sr, n, b: None, None)),
    (checks.nb01_wav_bytes, (wav_bytes, None)),
    (checks.nb01_error_db, (lambda y, d: None,)),
]
