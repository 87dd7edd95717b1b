"""Numbers about predictions and sound; those about written music are in `note_metrics`.

Measures of sound take waveforms, float, (n_samples,), in [-1, 1], at `sr` Hz; what is none raises
what `audio.valid` does. None says "music" by itself: read it beside real music and controls.
"""

from collections.abc import Sequence

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from helpers import audio, transforms

Clips = Sequence[ArrayLike]

N_FFT, N_MELS, N_MFCC, FLOOR_DB = 1024, 40, 20, -60.0  # of `mfcc`
SILENCE_DB = -120.0  # what silence reads in `level_curve_db`, dBFS


def mean_absolute_error(prediction: ArrayLike, target: ArrayLike) -> float:
    """Average the distance between prediction and target over all values, in their units.

    Two shapes, of which NumPy would stretch one silently, or no values, are a ValueError.

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


def baseline_errors(
    X: ArrayLike, Y: ArrayLike, train_frames: ArrayLike, *, silence: ArrayLike = 0.0
) -> dict[str, float]:
    """Score three predictors that learn nothing, or next to nothing, in the space of the loss.

    A network is worth its training only where it beats all three. They are judged on `X` and `Y`,
    (n_sequences, seq_length, n_features), as the network gets them, standardised or not. In the
    same space are `train_frames`, (..., n_features), and `silence`, a number or (n_features,): 0
    for raw spectra, else ``standardiser.apply(np.zeros(n_features))``, which is ``-mean / std``.
    What is returned are the mean absolute errors of ``"silence"``; of ``"mean"``, the average
    training frame; and of ``"copy-last"``, every frame repeated once more.
    """
    Y, train_frames = np.asarray(Y), np.asarray(train_frames)
    mean_frame = train_frames.mean(axis=tuple(range(train_frames.ndim - 1)), dtype=np.float64)
    predictions = {"silence": silence, "mean": mean_frame, "copy-last": X}
    return {
        name: mean_absolute_error(np.broadcast_to(np.asarray(frame, np.float32), Y.shape), Y)
        for name, frame in predictions.items()
    }


def level_curve_db(
    y: ArrayLike, *, sr: float, window_s: float = 0.25
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Follow the RMS level of a sound through time, in windows of `window_s` s.

    A window has a sample at least (else a ValueError). A last one ends at the last sample; a sound
    shorter than it is one. Their middles in s and their levels in dBFS are float64, (n_windows,): a
    constant 1 reads 0 dB, a full-scale sine -3.01 dB, what is quieter than `SILENCE_DB`, that.
    """
    y = audio.valid(y)
    length = min(steps_in(window_s, sr, name="window_s"), len(y))
    starts = window_starts(len(y), length, length)
    energy = np.concatenate([[0.0], np.cumsum(np.square(y, dtype=np.float64))])
    power = (energy[starts + length] - energy[starts]) / length  # (n_windows,)
    level_db = 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))
    return (starts.astype(np.float64) + length / 2) / sr, level_db


def mfcc(y: ArrayLike, *, sr: float) -> NDArray[np.float64]:
    """Compute mel-frequency cepstral coefficients: each frame's spectrum, in a few values.

    The frames are Hann windows of `N_FFT` samples, half of that apart. Their power in `N_MELS` mel
    bands (triangles on O'Shaughnessy's scale, each with its peak at 1) is taken for `FLOOR_DB`, in
    dB re a full-scale sine, where it is less: the logarithm would make much of differences that
    nobody hears, noise at -70 dB, or where the MP3 ends. The result, float64, (n_frames, N_MFCC),
    is the orthonormal DCT of the natural logarithm of that power; the first one is the level.

    Source: S. B. Davis and P. Mermelstein, "Comparison of parametric representations for
    monosyllabic word recognition", IEEE Trans. Acoust. Speech Signal Process. 28(4), 1980.
    """
    import librosa  # only here: it takes a second, and compiles for some 20 s when it is new

    spectra = transforms.stft(y, n_fft=N_FFT, hop_length=N_FFT // 2)
    power = np.square(np.abs(spectra) / (N_FFT / 4))  # a Hann window's sum is n_fft / 2
    mel = librosa.filters.mel(sr=sr, n_fft=N_FFT, n_mels=N_MELS, htk=True, norm=None, dtype=float)
    level = np.log(np.maximum(power @ mel.T, 10 ** (FLOOR_DB / 10)))  # (n_frames, N_MELS)
    return librosa.feature.mfcc(S=level.T, n_mfcc=N_MFCC).T


def frechet_distance(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """Measure how far two clouds of points, (n_frames, n_features), lie apart as Gaussians.

    It is ``|mean_a - mean_b|**2 + trace(A + B - 2 * sqrt(A @ B))`` of means and covariances A and
    B, in squared units of the features; 0 for equal Gaussians. Two frames each at least are needed,
    and as many features in both (else a ValueError). A covariance is ``R.T @ R`` with R from a QR
    factorisation of the centred features, and the trace of the square root is the sum of the
    singular values of ``R_a @ R_b.T``: no full rank is needed.

    Source: D. C. Dowson and B. V. Landau, "The Fréchet distance between multivariate normal
    distributions", J. Multivar. Anal. 12(3), 1982; K. Kilgour et al., "Fréchet audio distance",
    Interspeech 2019, for music.
    """
    a, b = np.asarray(features_a, np.float64), np.asarray(features_b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            "features must have shape (n_frames, n_features), two frames at least and as many "
            f"features in both, got {a.shape} and {b.shape}"
        )
    roots = [np.linalg.qr(x - x.mean(axis=0), mode="r") / np.sqrt(len(x) - 1) for x in (a, b)]
    between = np.sum(np.square(a.mean(axis=0) - b.mean(axis=0)))
    within = np.sum(np.square(roots[0])) + np.sum(np.square(roots[1]))
    return float(max(0, between + within - 2 * np.linalg.norm(roots[0] @ roots[1].T, "nuc")))


def mfcc_frechet_distance(clips_a: Clips, clips_b: Clips, *, sr: float) -> float:
    """Compare how two sets of clips sound: `frechet_distance` between their MFCCs.

    It is 0 for the same clips. It hears instrument, level and density, but not what follows what.
    """
    sets = [[mfcc(y, sr=sr) for y in clips] for clips in (clips_a, clips_b)]
    return frechet_distance(*(np.concatenate(clips) for clips in sets))


def wilson_interval(n_right: int, n_trials: int) -> tuple[float, float]:
    """Say between which bounds the true share of right answers lies, as a listening test needs.

    The bounds, from 0 to 1, are right for 95 tests of 100. If the share of guessing lies between,
    the listener may have guessed. No trials, or more right answers than trials, are a ValueError.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J.
    Am. Stat. Assoc. 22(158), 1927. Notebook 08.

    >>> low, high = wilson_interval(5, 10)
    >>> round(low, 3), round(high, 3)
    (0.237, 0.763)
    """
    low, high = scipy.stats.binomtest(n_right, n_trials).proportion_ci(0.95, method="wilson")
    return float(low), float(high)


def steps_in(seconds: float, rate: float, *, name: str, unit: str = "sample") -> int:
    """Turn a time in s into a whole number of steps of one unit, of `rate` in a second.

    One shorter than a step is a ValueError, whose message calls the time `name`.
    """
    if round(seconds * rate) < 1:
        raise ValueError(f"{name} must be at least 1 {unit} = {1 / rate} s, got {seconds} s")
    return round(seconds * rate)


def window_starts(n: int, length: int, hop: int) -> NDArray[np.intp]:
    """Return where windows of `length` of `n` values begin, `hop` apart: int, (n_windows,).

    The last one ends with the last value.
    """
    return np.unique(np.append(np.arange(0, n - length, hop), n - length))
