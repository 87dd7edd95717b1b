"""The exercises of notebook 02: right answers, and the commonest wrong ones with their hints."""

import numpy as np
import scipy.signal

from helpers import checks

EDGES, BAND = [300, 3400], {"fs": 48_000, "pass_zero": False}
WIDE = scipy.signal.firwin(801, EDGES, **BAND)
LOW = scipy.signal.firwin(801, 3400, fs=48_000)


def convolved(y, taps, mode="same"):
    return np.convolve(y, taps, mode=mode)


def flipped(y):
    return y * (-1.0) ** np.arange(len(y))


RIGHT = [
    (checks.nb02_telephone, lambda y: convolved(y, WIDE)[::6]),
    (checks.nb02_telephone, lambda y: convolved(y, WIDE, "full")[::6]),
    (checks.nb02_telephone, lambda y: scipy.signal.lfilter(WIDE, 1, y)[3::6].astype(np.float32)),
    (
        checks.nb02_telephone,
        lambda y: scipy.signal.sosfilt(
            scipy.signal.butter(8, EDGES, "bandpass", fs=48_000, output="sos"), y
        )[::6],
    ),
    (
        checks.nb02_telephone,
        lambda y: scipy.signal.sosfiltfilt(
            scipy.signal.butter(4, EDGES, "bandpass", fs=48_000, output="sos"), y
        )[::6],
    ),
    *[
        (
            checks.nb02_telephone,
            lambda y, n=n: convolved(y, scipy.signal.firwin(n, EDGES, **BAND))[::6],
        )
        for n in (401, 501, 1601)
    ],
    *[
        (checks.nb02_telephone, lambda y, sos=sos: scipy.signal.sosfilt(sos, y)[::6])
        for sos in (
            scipy.signal.butter(10, EDGES, "bandpass", fs=48_000, output="sos"),
            scipy.signal.cheby1(6, 1, EDGES, "bandpass", fs=48_000, output="sos"),
            scipy.signal.ellip(5, 1, 60, EDGES, "bandpass", fs=48_000, output="sos"),
        )
    ],
    (checks.nb02_scramble, flipped),
    (checks.nb02_scramble, lambda y: np.multiply(y, flipped(np.ones(len(y))), out=y)),
    (checks.nb02_scramble, lambda y: np.fft.ifft(np.fft.fftshift(np.fft.fft(y))).real),
    (checks.nb02_scramble, lambda y: -flipped(y)),
    (checks.nb02_scramble, lambda y: list(y * np.cos(np.pi * np.arange(len(y))))),
    (
        checks.nb02_missed_db,
        lambda f, sr, factor: -20 * np.log10(np.cos(np.pi * f / (factor * sr))),
    ),
    (
        checks.nb02_missed_db,
        lambda f, sr, factor: 20 * np.log10(1 / np.sin(np.pi / 2 - np.pi * f / factor / sr)),
    ),
]
WRONG = [
    (checks.nb02_telephone, lambda y: convolved(y, WIDE), "every sixth"),
    (checks.nb02_telephone, lambda y: convolved(y, WIDE)[:, None][::6], "in a row"),
    (checks.nb02_telephone, lambda y: y[::6], "filter first"),
    (
        checks.nb02_telephone,
        lambda y: convolved(y[::6], scipy.signal.firwin(801, EDGES, fs=8000, pass_zero=False)),
        "filter first",
    ),
    (
        checks.nb02_telephone,
        lambda y: convolved(y, scipy.signal.firwin(801, EDGES, fs=192_000, pass_zero=False))[::6],
        "told the rate",
    ),
    *[
        (
            checks.nb02_telephone,
            lambda y, edges=edges: convolved(y, scipy.signal.firwin(801, edges, **BAND))[::6],
            hint,
        )
        for edges, hint in (
            ([300, 4400], "upper edge"),
            ([200, 4800], "upper edge"),
            ([300, 3700], "3,600 Hz comes through"),
            ([500, 2900], "400 Hz should pass"),
            ([400, 3400], "400 Hz should pass"),
            ([300, 3100], "3,200 Hz should pass"),
        )
    ],
    (
        checks.nb02_telephone,
        lambda y: convolved(y, scipy.signal.firwin(801, EDGES, fs=44_100, pass_zero=False))[::6],
        "fs=48_000",
    ),
    (checks.nb02_telephone, lambda y: 0.5 * convolved(y, WIDE)[::6], "400 Hz should pass"),
    (checks.nb02_telephone, lambda y: convolved(y, LOW)[::6], "100 Hz comes through"),
    (
        checks.nb02_telephone,
        lambda y: convolved(y, scipy.signal.firwin(101, [300, 3400], **BAND))[::6],
        "many taps",
    ),
    (checks.nb02_scramble, lambda y: y[::-1], "still at 500 Hz"),
    (checks.nb02_scramble, lambda y: -y, "still at 500 Hz"),
    (checks.nb02_scramble, lambda y: y * np.sin(np.pi * np.arange(len(y))), "all is silent"),
    (checks.nb02_scramble, lambda y: y[::2], "800 samples went in"),
    (checks.nb02_scramble, lambda y: y * np.exp(1j * np.pi * np.arange(len(y))), "real ones"),
    (checks.nb02_scramble, lambda y: y * np.cos(np.pi * np.arange(len(y)) / 4), "should be 3,500"),
    (checks.nb02_scramble, lambda y: 2 * flipped(y), "another level"),
    (checks.nb02_scramble, lambda y: np.fft.irfft(np.fft.rfft(y)[::-1], len(y)), "backwards"),
    (
        checks.nb02_missed_db,
        lambda f, sr, factor: 20 * np.log10(np.cos(np.pi * f / (factor * sr))),
        "positive",
    ),
    (
        checks.nb02_missed_db,
        lambda f, sr, factor: -10 * np.log10(np.cos(np.pi * f / (factor * sr))),
        "10 log10",
    ),
    (
        checks.nb02_missed_db,
        lambda f, sr, factor: -20 * np.log10(np.cos(2 * np.pi * f / (factor * sr))),
        "halfway",
    ),
    (checks.nb02_missed_db, lambda f, sr, factor: -20 * np.log10(np.cos(np.pi * f / sr)), "factor"),
    (checks.nb02_missed_db, lambda f, sr, factor: 3.01, "as an angle"),
    (
        checks.nb02_missed_db,
        lambda f, sr, factor: -20 * np.log10(np.cos(np.pi * f / (4 * sr))),
        "as an angle",
    ),
]
