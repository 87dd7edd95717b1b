"""Numbers about predictions and about sound, and the baselines to hold them against."""

import numpy as np

from helpers import transforms


def mean_absolute_error(prediction, target):
    """Average the distance between prediction and target over all values.

    Parameters
    ----------
    prediction, target : ndarray, any shape, the same for both

    Returns
    -------
    float
        In the units of `target`.

    Raises
    ------
    ValueError
        If the shapes differ (NumPy would stretch one silently), or there are no values.

    Examples
    --------
    >>> mean_absolute_error([1.0, -2.0], [0.0, 0.0])
    1.5
    """
    prediction, target = np.asarray(prediction), np.asarray(target)
    if prediction.shape != target.shape or target.size == 0:
        raise ValueError(
            "prediction and target must have one shape and at least 1 value, "
            f"got {prediction.shape} and {target.shape}"
        )
    return float(np.abs(np.subtract(prediction, target, dtype=np.float64)).mean())


def baseline_errors(X, Y, train_frames, *, silence=0.0):
    """Score three predictors that learn nothing, or next to nothing, in the space of the loss.

    A network is worth its training only where it beats all three.

    Parameters
    ----------
    X, Y : ndarray, (n_sequences, seq_length, n_features)
        The sequences to judge on, as the network gets them (standardised, if it gets them so).
    train_frames : ndarray, (..., n_features)
        Training frames, or training sequences, in the same space.
    silence : float or ndarray, (n_features,)
        What silence looks like in that space: 0 for raw spectra, else
        ``standardiser.apply(np.zeros(n_features))``, which is ``-mean / std``.

    Returns
    -------
    dict of float
        Mean absolute errors of ``"silence"``; ``"mean"``, the average training frame; and
        ``"copy-last"``, every frame repeated once more.

    References
    ----------
    Notebook 05. The original had no baseline.
    """
    Y, train_frames = np.asarray(Y), np.asarray(train_frames)
    mean_frame = train_frames.mean(axis=tuple(range(train_frames.ndim - 1)), dtype=np.float64)
    predictions = {"silence": silence, "mean": mean_frame, "copy-last": X}
    return {
        name: mean_absolute_error(np.broadcast_to(np.float32(frame), Y.shape), Y)
        for name, frame in predictions.items()
    }


def level_curve_db(y, *, sr, window_s=0.25, hop_s=None, floor_db=-120.0):
    """Follow the RMS level of a sound through time.

    Parameters
    ----------
    y : ndarray, float, (n_samples,)
        Waveform in [-1, 1].
    sr : int
        Sampling rate in Hz.
    window_s, hop_s : float
        Length of a window, and the time from one to the next, in s; `hop_s` defaults to
        `window_s`. A last window ends at the last sample; a sound shorter than a window is one.
    floor_db : float
        What silence reads, in dBFS, and anything quieter; its true level is minus infinity.

    Returns
    -------
    t : ndarray, float64, (n_windows,)
        Middles of the windows in s.
    level_db : ndarray, float64, (n_windows,)
        RMS levels in dBFS: a constant 1 reads 0 dB, a full-scale sine -3.01 dB.

    Raises
    ------
    ValueError
        If `y` is no waveform, or a length is shorter than a sample.

    References
    ----------
    Notebook 06.
    """
    y = _waveform(y)
    length = min(_samples(window_s, sr, "window_s"), len(y))
    hop = length if hop_s is None else _samples(hop_s, sr, "hop_s")
    last_start = len(y) - length
    starts = np.unique(np.append(np.arange(0, last_start, hop), last_start))
    energy = np.concatenate([[0.0], np.cumsum(np.square(y, dtype=np.float64))])
    power = (energy[starts + length] - energy[starts]) / length  # (n_windows,)
    level_db = 10 * np.log10(np.maximum(power, 10 ** (floor_db / 10)))
    return (starts + length / 2) / sr, level_db


def silent_fraction(y, *, sr, threshold_db=-60.0, window_s=0.25):
    """Say which share of a sound is quieter than a threshold.

    Parameters
    ----------
    y : ndarray, float, (n_samples,)
        Waveform in [-1, 1].
    sr : int
        Sampling rate in Hz.
    threshold_db : float
        RMS level in dBFS below which a window counts as silent.
    window_s : float
        Length of the windows in s.

    Returns
    -------
    float
        From 0 (never silent) to 1 (nothing to hear).

    References
    ----------
    Notebook 06.
    """
    _, level_db = level_curve_db(y, sr=sr, window_s=window_s)
    return float(np.mean(level_db < threshold_db))


def spectral_flatness(y, *, n_fft, hop_length):
    """Measure how noise-like each frame is: geometric over arithmetic mean of its power spectrum.

    Parameters
    ----------
    y : ndarray, float, (n_samples,)
        Waveform in [-1, 1].
    n_fft, hop_length : int
        Length of the Hann window, and its step, in samples.

    Returns
    -------
    ndarray, float64, (n_frames,)
        Near 0 for a tone, 1 for a spectrum of equal values. One frame of white noise reads
        exp(-0.577) = 0.56, not 1: its power scatters around the flat mean as an exponential
        distribution, whose mean logarithm lies Euler's constant below the logarithm of its mean.
        Silence reads 1, since power below 1e-10 counts as 1e-10.

    References
    ----------
    J. D. Johnston, "Transform coding of audio signals using perceptual noise criteria", IEEE J.
    Sel. Areas Commun. 6(2), 1988. Notebook 07.
    """
    spectra = transforms.stft(_waveform(y), n_fft=n_fft, hop_length=hop_length)
    power = np.maximum(np.square(np.abs(spectra), dtype=np.float64), 1e-10)  # (n_frames, n_bins)
    return np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)


def spectral_centroid(y, *, sr, n_fft, hop_length):
    """Find the centre of gravity of each frame's magnitude spectrum, which is heard as brightness.

    Parameters
    ----------
    y : ndarray, float, (n_samples,)
        Waveform in [-1, 1].
    sr : int
        Sampling rate in Hz.
    n_fft, hop_length : int
        Length of the Hann window, and its step, in samples.

    Returns
    -------
    ndarray, float64, (n_frames,)
        Hz; 0 for a silent frame, which has no centre.

    References
    ----------
    J. M. Grey and J. W. Gordon, "Perceptual effects of spectral modifications on musical timbres",
    J. Acoust. Soc. Am. 63(5), 1978. Notebook 07.
    """
    magnitudes = np.abs(transforms.stft(_waveform(y), n_fft=n_fft, hop_length=hop_length))
    f = transforms.bin_frequencies(n_fft, sr=sr)
    total = magnitudes.sum(axis=1, dtype=np.float64)
    return magnitudes @ np.float64(f) / np.where(total > 0, total, 1.0)


def crest_factor_db(y):
    """Compare the peak of a sound with its RMS: 3.01 dB for a sine, 0 dB for a square wave.

    Parameters
    ----------
    y : ndarray, float, (n_samples,)
        Waveform in [-1, 1].

    Returns
    -------
    float
        dB; NaN for silence, which has neither.

    References
    ----------
    Notebook 07.
    """
    y = _waveform(y).astype(np.float64)
    rms = np.sqrt(np.mean(np.square(y)))
    return float(20 * np.log10(np.abs(y).max() / rms)) if rms > 0 else float("nan")


def _samples(seconds, sr, name):
    """Turn a time into a whole number of samples."""
    if round(seconds * sr) < 1:
        raise ValueError(
            f"{name} must be at least 1 sample = {1 / sr} s, got {seconds} s: make it longer"
        )
    return round(seconds * sr)


def _waveform(y):
    """Return `y` as an array, or say why it is no waveform."""
    y = np.asarray(y)
    if y.ndim != 1 or y.size == 0:
        raise ValueError(
            f"y must have shape (n_samples,) and at least 1 sample, got {y.shape}: "
            "take one channel, or audio.to_mono"
        )
    if not np.issubdtype(y.dtype, np.floating):
        raise TypeError(f"y must be floating point in [-1, 1], got {y.dtype}: use audio.load")
    if not np.isfinite(y).all():
        raise ValueError("y must be finite, got NaN or infinity: look for the step that made them")
    return y
