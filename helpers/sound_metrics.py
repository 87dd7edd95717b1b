"""Numbers about predictions and sound; those about written music are in `note_metrics`.

Measures of sound take a waveform. No measure says "music" by itself: each is read beside real music
and beside controls.
"""

import numpy as np
import scipy.fft
import scipy.special
import scipy.stats

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
    y : ndarray, float, (n_samples,), in [-1, 1]
    sr : int, Hz
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
    Notebook 07.
    """
    y = _waveform(y)
    length = min(steps_in(window_s, sr, name="window_s"), len(y))
    hop = length if hop_s is None else steps_in(hop_s, sr, name="hop_s")
    starts = window_starts(len(y), length, hop)
    energy = np.concatenate([[0.0], np.cumsum(np.square(y, dtype=np.float64))])
    power = (energy[starts + length] - energy[starts]) / length  # (n_windows,)
    level_db = 10 * np.log10(np.maximum(power, 10 ** (floor_db / 10)))
    return (starts + length / 2) / sr, level_db


def silent_fraction(y, *, sr, threshold_db=-60.0, window_s=0.25):
    """Say which share of a sound is quieter than a threshold.

    Parameters
    ----------
    y : ndarray, float, (n_samples,), in [-1, 1]
    sr : int, Hz
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
    Notebook 07.
    """
    _, level_db = level_curve_db(y, sr=sr, window_s=window_s)
    return float(np.mean(level_db < threshold_db))


def level_drift_db(y, *, sr, window_s=1.0):
    """Say by how much a sound swells or fades from its beginning to its end.

    Parameters
    ----------
    y : ndarray, float, (n_samples,), in [-1, 1]
        Of two windows at least; meant for 60 s or so.
    sr : int, Hz
    window_s : float, s
        Length of the windows whose levels are compared.

    Returns
    -------
    float
        dB: the median slope between any two windows times the duration. A few silent or loud
        windows don't move it.

    Raises
    ------
    ValueError
        If the sound is shorter than two windows.

    References
    ----------
    P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", J. Am. Stat.
    Assoc. 63(324), 1968. Notebook 08.
    """
    if len(_waveform(y)) < 2 * steps_in(window_s, sr, name="window_s"):
        raise ValueError(
            f"y must last two windows of {window_s} s at least, got {len(y) / sr} s: "
            "take a longer sound or shorter windows"
        )
    t, level_db = level_curve_db(y, sr=sr, window_s=window_s)
    return float(scipy.stats.theilslopes(level_db, t).slope * len(y) / sr)


def spectral_flatness(y, *, n_fft, hop_length):
    """Measure how noise-like each frame is: geometric over arithmetic mean of its power spectrum.

    Parameters
    ----------
    y : ndarray, float, (n_samples,), in [-1, 1]
    n_fft, hop_length : int, samples
        Length of the Hann window, and its step.

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
    Sel. Areas Commun. 6(2), 1988. Notebook 08.
    """
    spectra = transforms.stft(_waveform(y), n_fft=n_fft, hop_length=hop_length)
    power = np.maximum(np.square(np.abs(spectra), dtype=np.float64), 1e-10)  # (n_frames, n_bins)
    return np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)


def spectral_centroid(y, *, sr, n_fft, hop_length):
    """Find the centre of gravity of each frame's magnitude spectrum, which is heard as brightness.

    Parameters
    ----------
    y : ndarray, float, (n_samples,), in [-1, 1]
    sr : int, Hz
    n_fft, hop_length : int, samples
        Length of the Hann window, and its step.

    Returns
    -------
    ndarray, float64, (n_frames,)
        Hz; 0 for a silent frame, which has no centre.

    References
    ----------
    J. M. Grey and J. W. Gordon, "Perceptual effects of spectral modifications on musical timbres",
    J. Acoust. Soc. Am. 63(5), 1978. Notebook 08.
    """
    magnitudes = np.abs(transforms.stft(_waveform(y), n_fft=n_fft, hop_length=hop_length))
    f = transforms.bin_frequencies(n_fft, sr=sr)
    total = magnitudes.sum(axis=1, dtype=np.float64)
    return magnitudes @ np.float64(f) / np.where(total > 0, total, 1.0)


def crest_factor_db(y):
    """Compare the peak of a sound with its RMS: 3.01 dB for a sine, 0 dB for a square wave.

    Parameters
    ----------
    y : ndarray, float, (n_samples,), in [-1, 1]

    Returns
    -------
    float
        dB; NaN for silence, which has neither.

    References
    ----------
    Notebook 08.
    """
    y = _waveform(y).astype(np.float64)
    rms = np.sqrt(np.mean(np.square(y)))
    return float(20 * np.log10(np.abs(y).max() / rms)) if rms > 0 else float("nan")


def mel_filter_bank(n_mels, *, sr, n_fft):
    """Make triangular filters that are equally spaced on the mel scale, as hearing roughly is.

    Parameters
    ----------
    n_mels : int
        Number of filters between 0 Hz and half the sampling rate.
    sr : int, Hz
    n_fft : int, samples

    Returns
    -------
    ndarray, float64, (n_mels, n_fft // 2 + 1)
        Each filter rises from 0 at the centre of the one below to 1 and falls again.

    Raises
    ------
    ValueError
        If a filter is so narrow that no bin falls into it.

    References
    ----------
    D. O'Shaughnessy, "Speech communication: human and machine", 1987 (the scale). Notebook 08.
    """
    mel = np.linspace(0, 2595 * np.log10(1 + sr / 2 / 700), n_mels + 2)
    edges = (700 * (10 ** (mel / 2595) - 1))[:, None]  # Hz
    f = transforms.bin_frequencies(n_fft, sr=sr)
    rising = (f - edges[:-2]) / (edges[1:-1] - edges[:-2])  # (n_mels, n_bins)
    falling = (edges[2:] - f) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    if not filters.any(axis=1).all():
        raise ValueError(
            f"n_mels must leave a bin of {sr / n_fft} Hz to every filter, got {n_mels}: "
            "take fewer filters, or a longer FFT"
        )
    return filters


def mfcc(y, *, sr, n_mfcc=20, n_mels=40, n_fft=1024, hop_length=512, floor_db=-60.0):
    """Compute mel-frequency cepstral coefficients: each frame's spectrum, in a few values.

    Parameters
    ----------
    y : ndarray, float, (n_samples,), in [-1, 1]
    sr : int, Hz
    n_mfcc, n_mels : int
        Coefficients to keep, and mel bands that they are made of.
    n_fft, hop_length : int, samples
        Length of the Hann window, and its step.
    floor_db : float
        What a quieter mel band reads, in dB re a full-scale sine. The logarithm would make much of
        differences that nobody hears: noise at -70 dB, or where the MP3 ends.

    Returns
    -------
    ndarray, float64, (n_frames, n_mfcc)
        Orthonormal DCT of the natural logarithm of the power in the bands; the first coefficient
        is the level.

    References
    ----------
    S. B. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition", IEEE Trans. Acoust. Speech Signal Process. 28(4), 1980. Notebook 08.
    """
    spectra = transforms.stft(_waveform(y), n_fft=n_fft, hop_length=hop_length)
    power = np.square(np.abs(spectra) / (n_fft / 4))  # a Hann window's sum is n_fft / 2
    bands = power @ mel_filter_bank(n_mels, sr=sr, n_fft=n_fft).T  # (n_frames, n_mels)
    level = np.log(np.maximum(bands, 10 ** (floor_db / 10)))
    return scipy.fft.dct(level, axis=1, norm="ortho")[:, :n_mfcc]


def frechet_distance(features_a, features_b):
    """Measure how far two clouds of points lie apart, each described by a Gaussian.

    Parameters
    ----------
    features_a, features_b : ndarray, float, (n_frames, n_features)
        Two frames each at least, and as many features in both.

    Returns
    -------
    float
        ``|mean_a - mean_b|**2 + trace(A + B - 2 * sqrt(A @ B))`` of means and covariances A and B,
        in squared units of the features; 0 for equal Gaussians.

    Raises
    ------
    ValueError
        If the features differ in number, or there are fewer than two frames.

    Notes
    -----
    A covariance is ``R.T @ R`` with R from a QR factorisation of the centred features, and the
    trace of the square root is the sum of the singular values of ``R_a @ R_b.T``. So nothing is
    squared and rooted again, and covariances without full rank do no harm.

    References
    ----------
    D. C. Dowson and B. V. Landau, "The Frechet distance between multivariate normal
    distributions", J. Multivar. Anal. 12(3), 1982; K. Kilgour et al., "Frechet audio distance",
    Interspeech 2019, for music. Notebook 08.
    """
    a, b = np.asarray(features_a, np.float64), np.asarray(features_b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            "features must have shape (n_frames, n_features), two frames at least and as many "
            f"features in both, got {a.shape} and {b.shape}"
        )
    root_a, root_b = (
        np.linalg.qr(x - x.mean(axis=0), mode="r") / np.sqrt(len(x) - 1) for x in (a, b)
    )
    between = np.sum(np.square(a.mean(axis=0) - b.mean(axis=0)))
    within = np.sum(np.square(root_a)) + np.sum(np.square(root_b))
    return float(max(0, between + within - 2 * np.linalg.norm(root_a @ root_b.T, "nuc")))


def mfcc_frechet_distance(clips_a, clips_b, *, sr, texture_s=None, hop_length=512, **settings):
    """Compare how two sets of clips sound: `frechet_distance` between their MFCCs.

    Parameters
    ----------
    clips_a, clips_b : list of ndarray, float, (n_samples,)
        Waveforms in [-1, 1].
    sr : int, Hz
    texture_s : float, optional
        Compare mean and standard deviation over so many seconds instead of single frames, which
        also hears how the sound changes.
    hop_length, **settings
        Of `mfcc`. Only distances with the same settings can be compared.

    Returns
    -------
    float
        0 for the same clips. It hears instrument, level and density, but not what follows what:
        shuffled notes on the right instrument score well.

    Raises
    ------
    ValueError
        If a clip is shorter than a texture.

    References
    ----------
    As in `frechet_distance`; G. Tzanetakis and P. Cook, "Musical genre classification of audio
    signals", IEEE Trans. Speech Audio Process. 10(5), 2002, for textures. Notebook 08.
    """
    sets = [
        [mfcc(y, sr=sr, hop_length=hop_length, **settings) for y in c] for c in (clips_a, clips_b)
    ]
    if texture_s is not None:
        length = steps_in(texture_s, sr / hop_length, name="texture_s", unit="frame")
        sets = [[_textures(frames, length) for frames in clips] for clips in sets]
    return frechet_distance(*(np.concatenate(clips) for clips in sets))


def wilson_interval(n_right, n_trials, confidence=0.95):
    """Say between which bounds the true share of right answers lies, as a listening test needs.

    Parameters
    ----------
    n_right, n_trials : int
        Right answers, out of how many.
    confidence : float
        How often, between 0 and 1, such an interval shall hold the true share.

    Returns
    -------
    tuple of float
        Lower and upper bound, from 0 to 1. If the share of guessing lies between, the listener may
        have guessed.

    Raises
    ------
    ValueError
        If there are no trials, or more right answers than trials, or no such confidence.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Am.
    Stat. Assoc. 22(158), 1927. Notebook 08.

    Examples
    --------
    >>> low, high = wilson_interval(5, 10)
    >>> round(low, 3), round(high, 3)
    (0.237, 0.763)
    """
    if not 0 <= n_right <= n_trials or n_trials < 1:
        raise ValueError(
            f"n_right must lie between 0 and n_trials, and n_trials be at least 1, got {n_right} "
            f"of {n_trials}: answer at least one question"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}: try 0.95")
    z = scipy.special.ndtri((1 + confidence) / 2)
    share, weight = n_right / n_trials, z**2 / n_trials
    middle = (share + weight / 2) / (1 + weight)
    half = np.sqrt(share * (1 - share) * weight + weight**2 / 4) / (1 + weight)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def steps_in(seconds, rate, *, name, unit="sample"):
    """Turn a time into a whole number of samples, or of frames.

    Parameters
    ----------
    seconds, rate : float
        The time in s, and how many steps a second has.
    name, unit : str
        What the time and the steps are called in the error.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is less than one step.
    """
    if round(seconds * rate) < 1:
        raise ValueError(
            f"{name} must be at least 1 {unit} = {1 / rate} s, got {seconds} s: make it longer"
        )
    return round(seconds * rate)


def window_starts(n, length, hop):
    """Return where windows begin, `hop` apart; the last one ends with the last value.

    Parameters
    ----------
    n, length, hop : int
        How many values there are, how many a window has, and from one window to the next.

    Returns
    -------
    ndarray, int, (n_windows,)
    """
    return np.unique(np.append(np.arange(0, n - length, hop), n - length))


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


def _textures(frames, length):
    """Return mean and deviation of `length` frames at a time: (n_textures, 2 * n_features)."""
    if len(frames) < length:
        raise ValueError(
            f"texture_s must fit into every clip, got {length} frames for a clip of {len(frames)}: "
            "make it shorter"
        )
    starts = window_starts(len(frames), length, length)
    blocks = frames[starts[:, None] + np.arange(length)]  # (n_textures, length, n_features)
    return np.concatenate([blocks.mean(axis=1), blocks.std(axis=1)], axis=1)
