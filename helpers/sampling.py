"""Sampling and quantisation: test signals, aliases, reconstruction, bits and dither.

Times and frequencies are float64 (float32 can't tell the samples of a few minutes apart);
waveforms are float32, (n_samples,); what is none raises what `audio.valid` does. `sr`, in Hz, and
durations, in s, must be above 0, a duration a sample at least (else a `ValueError`); counts are
whole numbers (else a `TypeError`) above 0.
"""

import math

import numpy as np
import scipy.signal
from numpy.typing import ArrayLike, NDArray

from helpers import audio, transforms

_STOP_DB = 100  # what decimate leaves of everything above the new half rate
_MOST_BITS = 24  # float32 holds every level of 24 bits exactly, and no more
_TABLE_VALUES = 2**21  # sinc values that reconstruct holds at once: 16 MB


def times(n_samples: int, *, sr: float) -> NDArray[np.float64]:
    """List when samples are taken: sample n at ``n / sr`` s; float64, (n_samples,).

    >>> times(3, sr=4)
    array([0.  , 0.25, 0.5 ])
    """
    n = np.arange(transforms.count(n_samples, "n_samples", "sample"))
    return n / transforms.positive(sr, "sr", "Hz")


def sinusoid(
    f0: float, *, sr: float, duration: float, amplitude: float = 0.5, phase: float = 0.0
) -> NDArray[np.float32]:
    """Sample ``amplitude * sin(2 pi f0 t + phase)``: float32, (round(duration * sr),).

    Nothing stops `f0`, in Hz, from being above ``sr / 2``: the samples are then those of the alias.
    An amplitude of 1 is full scale; `phase` is in radians.

    >>> sinusoid(1, sr=4, duration=1.0).round(6) + 0.0
    array([ 0. ,  0.5,  0. , -0.5], dtype=float32)
    """
    t = times(_n_samples(duration, sr), sr=sr)
    return (amplitude * np.sin(2 * np.pi * f0 * t + phase)).astype(np.float32)


def chirp(
    f_start: float, f_end: float, *, sr: float, duration: float, amplitude: float = 0.5
) -> NDArray[np.float32]:
    """Sample a sine whose frequency moves evenly from `f_start` to `f_end`, in Hz.

    `sr`, `duration`, `amplitude` and what is returned are as in `sinusoid`.
    """
    t = times(_n_samples(duration, sr), sr=sr)
    y = scipy.signal.chirp(t, f_start, duration, f_end, phi=-90)  # -90 degrees: a sine
    return (amplitude * y).astype(np.float32)


def alias_frequency(f: ArrayLike, *, sr: float) -> np.float64 | NDArray[np.float64]:
    """Say at which frequency, in Hz, a sine of frequency `f` is heard once it is sampled at `sr`.

    The samples are those of every frequency that differs from `f` by a multiple of `sr`, and of
    the mirror images of these; one lies between 0 and ``sr / 2``. A row gives a row, float64.

    Source: Shannon (1949), "Communication in the presence of noise". Notebook 02.

    >>> float(alias_frequency(30000, sr=44100))
    14100.0
    """
    f = np.asarray(f, np.float64)
    return np.abs(f - sr * np.round(f / transforms.positive(sr, "sr", "Hz")))


def decimate(y: ArrayLike, factor: int, *, antialias: bool = True) -> NDArray[np.float32]:
    """Keep every `factor`-th sample, after removing what the lower rate can't represent.

    The low-pass is a windowed sinc, symmetrical, so that nothing is delayed. It passes 90 % of the
    new half rate and leaves less than -100 dB of everything above it; without it, that comes back
    as an alias. Sample n of the result, float32, (ceil(n_samples / factor),), lies at the same
    instant as sample ``n * factor`` of `y`; with the low-pass, loud edges can overshoot a little.

    Source: Kaiser (1974), "Nonrecursive digital filter design using the I0-sinh window function".
    Notebook 02.

    >>> decimate(np.float32([0, 1, 2, 3, 4]), 2, antialias=False)
    array([0., 2., 4.], dtype=float32)
    """
    y = audio.valid(y)
    factor = transforms.count(factor, "factor", "sample")
    if factor == 1 or not antialias:
        return y[::factor].copy()
    n_taps, beta = scipy.signal.kaiserord(_STOP_DB, 0.1 / factor)
    low_pass = scipy.signal.firwin(n_taps | 1, 0.95 / factor, window=("kaiser", beta))
    return scipy.signal.resample_poly(y, 1, factor, window=low_pass).astype(np.float32)


def reconstruct(samples: ArrayLike, *, sr: float, t: ArrayLike) -> NDArray[np.float32]:
    """Draw the smooth curve through samples: one sinc per sample, added up.

    It is the original curve again if that held nothing at or above ``sr / 2``. Near the ends it
    departs, because the samples before the first and after the last one count as zeros. The samples
    were taken at ``times(n_samples, sr=sr)``; the curve, float32, (n_times,), is evaluated at `t`,
    float64, (n_times,), s: anything but a row of finite times raises a ValueError. It takes time
    that grows with ``samples.size * t.size``: it is meant for excerpts.

    Source: Whittaker (1915); Shannon (1949), as in `alias_frequency`. Notebook 02.

    >>> reconstruct(np.float32([0, 1, 0]), sr=1, t=np.array([1.0, 1.5])).round(4)
    array([1.    , 0.6366], dtype=float32)
    """
    samples = audio.valid(samples, "samples")
    t = np.asarray(t, np.float64)
    if t.ndim != 1 or not np.isfinite(t).all():
        raise ValueError(f"t must be a row of finite times in s, got shape {t.shape}")
    position = t * transforms.positive(sr, "sr", "Hz")
    curve = np.empty(t.size, np.float32)
    step = max(1, _TABLE_VALUES // samples.size)
    for start in range(0, t.size, step):
        part = slice(start, start + step)
        table = np.sinc(position[part, None] - np.arange(samples.size))  # (n_times, n_samples)
        curve[part] = table @ samples
    return curve


def quantise(
    y: ArrayLike, n_bits: int, *, dither: bool = False, rng: np.random.Generator | None = None
) -> NDArray[np.float32]:
    """Round each sample to one of the ``2**n_bits`` levels that `n_bits`, 1 to 24, can store.

    The levels are those of a WAV file: steps of ``2 / 2**n_bits`` from -1 to one step below 1,
    with 0 among them (mid-tread), so that silence stays silent. From -1 to half a
    step below 1 the error is at most half a step; what lies above is clipped, 1 by a whole step.

    Dither adds noise from `rng` before rounding, triangular between -1 and 1 step (TPDF). The
    error's mean and its power then no longer depend on the signal: hiss instead of distortion.
    Dither without `rng`, and other numbers of bits, raise a ValueError.

    Source: Lipshitz et al. (1992), "Quantization and dither: a theoretical survey". Notebook 02.

    >>> quantise(np.float32([0, 0.1, 0.2, 0.9]), 3)
    array([0.  , 0.  , 0.25, 0.75], dtype=float32)
    """
    y = audio.valid(y)
    n_bits = transforms.count(n_bits, "n_bits", "bit", at_most=_MOST_BITS)
    step = 2.0 ** (1 - n_bits)
    in_steps = y / step  # exact: the step is a power of 2
    if dither:
        if not isinstance(rng, np.random.Generator):
            raise ValueError(f"dither needs rng=np.random.default_rng(seed), got rng={rng!r}")
        in_steps = in_steps + rng.random(y.size) - rng.random(y.size)
    levels = np.clip(np.round(in_steps), -1 / step, 1 / step - 1)
    return (levels * step).astype(np.float32)


def snr_db(y: ArrayLike, y_quantised: ArrayLike) -> float:
    """Compare the power of a signal with the power of the error made by quantising it, in dB.

    It is inf without an error, -inf for silence with one. Two lengths raise a ValueError.

    >>> round(snr_db(np.float32([1, -1]), np.float32([0.9, -1.1])), 4)
    20.0
    """
    y, y_quantised = audio.valid(y), audio.valid(y_quantised, "y_quantised")
    if y.size != y_quantised.size:
        raise ValueError(f"y_quantised must be as long as y, got {y_quantised.size} and {y.size}")
    signal = np.sum(y.astype(np.float64) ** 2)
    noise = np.sum((y.astype(np.float64) - y_quantised) ** 2)
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _n_samples(duration: float, sr: float) -> int:
    """Return how many samples `duration` has, at least one."""
    positive = transforms.positive
    n_samples = round(positive(duration, "duration", "s") * positive(sr, "sr", "Hz"))
    if n_samples < 1:
        raise ValueError(f"duration must be at least one sample, {1 / sr} s, got {duration} s")
    return n_samples
