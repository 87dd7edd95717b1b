"""Numbers about predictions, sound and music, and the controls to hold them against.

Measures of sound take a waveform; measures of music take a note roll: whole numbers,
(n_frames, n_notes), at `frame_rate` frames a second, where 0 is off, 1 held, 2 a soft onset and 3 a
loud onset, and the first column is the MIDI note `lowest`. A note sounds wherever it isn't off.
No measure says "music" by itself: each is read beside real music and beside the controls.
"""

import numpy as np
import scipy.fft
import scipy.special
import scipy.stats

from helpers import transforms

_N_STATES = 4  # off, held, soft onset, loud onset
_KEY_PROFILES = np.array(  # how well each pitch class fits C major, C minor; then the other keys
    [
        np.roll(profile, tonic)
        for profile in (
            [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
            [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
        )
        for tonic in range(12)
    ]
)


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
    Notebook 06.
    """
    y = _waveform(y)
    length = min(_count(window_s, sr, "window_s"), len(y))
    hop = length if hop_s is None else _count(hop_s, sr, "hop_s")
    starts = _starts(len(y), length, hop)
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
    Notebook 06.
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
    Assoc. 63(324), 1968. Notebook 07.
    """
    if len(_waveform(y)) < 2 * _count(window_s, sr, "window_s"):
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
    Sel. Areas Commun. 6(2), 1988. Notebook 07.
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
    y : ndarray, float, (n_samples,), in [-1, 1]

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
    D. O'Shaughnessy, "Speech communication: human and machine", 1987 (the scale). Notebook 07.
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
    recognition", IEEE Trans. Acoust. Speech Signal Process. 28(4), 1980. Notebook 07.
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
    Interspeech 2019, for music. Notebook 07.
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
    signals", IEEE Trans. Speech Audio Process. 10(5), 2002, for textures. Notebook 07.
    """
    sets = [
        [mfcc(y, sr=sr, hop_length=hop_length, **settings) for y in c] for c in (clips_a, clips_b)
    ]
    if texture_s is not None:
        length = _count(texture_s, sr / hop_length, "texture_s", "frame")
        sets = [[_textures(frames, length) for frames in clips] for clips in sets]
    return frechet_distance(*(np.concatenate(clips) for clips in sets))


def key_clarity(roll, *, frame_rate, lowest, window_s=8.0):
    """Say how clearly the notes suggest one key or another, a few seconds at a time.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)
    frame_rate : float, frames/s
    lowest : int, MIDI note of the first column
    window_s : float, s
        Length of the windows; each may have a key of its own.

    Returns
    -------
    float
        Mean over the windows of the best correlation, over 24 keys, between the time that each
        pitch class sounds and what listeners expect of the key. Notes at random don't read 0: one
        key of 24 always fits a little. Windows without notes are left out; NaN if all are.

    References
    ----------
    C. L. Krumhansl and E. J. Kessler, "Tracing the dynamic changes in perceived tonal organization
    in a spatial representation of musical keys", Psychol. Rev. 89(4), 1982. Notebook 07.
    """
    counts = _pitch_class_counts(roll, frame_rate, lowest, window_s)
    correlations = _standardised(counts) @ _standardised(_KEY_PROFILES).T / 12  # (n_windows, 24)
    return _mean(correlations.max(axis=1))


def chroma_entropy(roll, *, frame_rate, lowest, window_s=8.0):
    """Say how evenly the twelve pitch classes share the time in each window.

    Parameters
    ----------
    roll, frame_rate, lowest, window_s
        As in `key_clarity`.

    Returns
    -------
    float
        Bits, from 0 (one pitch class) to 3.58 (all twelve alike; a scale of seven has 2.81). Mean
        over the windows that have notes; NaN if none has.

    References
    ----------
    C. E. Shannon, "A mathematical theory of communication", Bell Syst. Tech. J. 27, 1948; S.-L. Wu
    and Y.-H. Yang, "The Jazz Transformer on the front line", ISMIR 2020, for music. Notebook 07.
    """
    counts = _pitch_class_counts(roll, frame_rate, lowest, window_s)
    return _mean(scipy.stats.entropy(counts, base=2, axis=1))


def onset_rate(roll, *, frame_rate):
    """Count the notes that are struck in a second.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)
    frame_rate : float, frames/s

    Returns
    -------
    float
        Onsets per second.

    References
    ----------
    Notebook 07.
    """
    return float(np.count_nonzero(_roll(roll) > 1) * frame_rate / len(roll))


def rhythm_autocorrelation(roll, *, frame_rate, shortest_s=0.25, longest_s=1.5):
    """Say how regularly notes are struck: how well the onsets match themselves a beat later.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)
        Compare rolls of equal length: a tempo that wanders matches less in the long run.
    frame_rate : float, frames/s
    shortest_s, longest_s : float
        The lags to try, in s: beats, and their halves and doubles.

    Returns
    -------
    float
        Largest autocorrelation of the number of onsets in a frame: near 1 for a pulse, near 0 for
        onsets at random, 0 where the number never changes.

    Raises
    ------
    ValueError
        If the roll isn't longer than the longest lag.

    References
    ----------
    J. C. Brown, "Determination of the meter of musical scores by autocorrelation", J. Acoust. Soc.
    Am. 94(4), 1993. Notebook 07.
    """
    onsets = np.count_nonzero(_roll(roll) > 1, axis=1)  # (n_frames,)
    last_lag = _count(longest_s, frame_rate, "longest_s", "frame")
    _long_enough(len(onsets), last_lag + 1, frame_rate, "roll")
    lags = range(_count(shortest_s, frame_rate, "shortest_s", "frame"), last_lag + 1)
    onsets = onsets - onsets.mean()
    largest = max(onsets[:-lag] @ onsets[lag:] for lag in lags)
    return float(largest / max(onsets @ onsets, 1e-9))


def polyphony(roll):
    """Count the notes that sound at a time, where any does.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)

    Returns
    -------
    float
        Mean number of notes over the frames that aren't silent; 0 if all are.

    References
    ----------
    Notebook 07.
    """
    n_sounding = np.count_nonzero(_roll(roll), axis=1)
    return float(n_sounding.sum() / max(np.count_nonzero(n_sounding), 1))


def silent_frames(roll):
    """Say in which share of its frames no note sounds.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)

    Returns
    -------
    float
        From 0 (never silent) to 1 (nothing to hear).

    References
    ----------
    Notebook 07.
    """
    return float(np.mean(~_roll(roll).any(axis=1)))


def dissonance(roll):
    """Say which share of the intervals that sound are seconds, tritones or sevenths.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)

    Returns
    -------
    float
        Share of the pairs of notes in a frame, all frames together, that lie 1, 2, 6, 10 or 11
        semitones apart, octaves aside; 5 / 12 by chance; NaN if no two notes ever sound together.

    References
    ----------
    D. Huron, "Interval-class content in equally tempered pitch-class sets: common scales exhibit
    optimum tonal consonance", Music Percept. 11(3), 1994. Notebook 07.
    """
    sounding = (_roll(roll) > 0).astype(np.float32)
    together = np.triu(sounding.T @ sounding, k=1)  # frames in which two notes sound
    low, high = np.indices(together.shape)
    dissonant = np.isin((high - low) % 12, (1, 2, 6, 10, 11))
    n_pairs = together.sum()
    return float(together[dissonant].sum() / n_pairs) if n_pairs else float("nan")


def self_similarity(roll, *, frame_rate, window_s=4.0, gap_s=8.0, hop_s=1.0):
    """Say how much of a piece comes back later, or was there before.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)
        Compare rolls of equal length: a longer one has more to come back to.
    frame_rate : float, frames/s
    window_s, hop_s : float
        Length of the windows that are looked for, and the time from one to the next, in s.
    gap_s : float
        Only passages that begin so much earlier or later count, in s.

    Returns
    -------
    float
        Mean over the windows of the best match: onsets in common, in the same frame of the passage
        and at the same pitch, over the onsets in either. 1 if everything comes back exactly; a
        window without onsets counts as 0.

    Raises
    ------
    ValueError
        If the roll is too short for each window to have a passage to be compared with.

    References
    ----------
    J. Foote, "Visualizing music and audio using self-similarity", ACM Multimedia 1999; P. Jaccard,
    "The distribution of the flora in the alpine zone", New Phytol. 11(2), 1912. Notebook 07.
    """
    struck = _roll(roll) > 1
    length, gap, hop = (
        _count(seconds, frame_rate, name, "frame")
        for seconds, name in ((window_s, "window_s"), (gap_s, "gap_s"), (hop_s, "hop_s"))
    )
    _long_enough(len(struck), length + 2 * gap, frame_rate, "roll")
    starts, counts = _starts(len(struck), length, hop), _running_counts(struck)
    best = []
    for start in starts:
        similarity = _jaccard(struck[start : start + length], counts)[0]  # (n_passages,)
        similarity[max(0, start - gap + 1) : start + gap] = 0  # too near
        best.append(similarity.max())
    return float(np.mean(best))


def copying(roll, training_rolls, *, frame_rate, window_s=3.0, hop_s=1.5, semitones=6):
    """Find the training passage that each window of a roll resembles most, in any key.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)
    training_rolls : list of ndarray, uint8, (n_frames, n_notes)
        Those shorter than a window are passed over.
    frame_rate : float, frames/s
    window_s, hop_s : float
        Length of the windows, and the time from one to the next, in s.
    semitones : int
        Transpose the training music by so much at most, up and down.

    Returns
    -------
    similarity : ndarray, float64, (n_windows,)
        Notes that sound in both over notes that sound in either, frame by frame: 1 for a copy, 0
        for a window without notes. How much is too much, a real unseen piece tells: compare the
        95th percentiles.
    nearest : ndarray, int64, (n_windows, 3)
        The passage: index of its roll, first frame, semitones to transpose it by.

    Raises
    ------
    ValueError
        If the roll, or every training roll, is shorter than a window.

    References
    ----------
    Jaccard, as in `self_similarity`. Notebook 07.
    """
    roll, *rolls = _rolls([roll, *training_rolls])
    length = _count(window_s, frame_rate, "window_s", "frame")
    _long_enough(len(roll), length, frame_rate, "roll")
    _long_enough(max(map(len, rolls), default=0), length, frame_rate, "training_rolls")
    starts = _starts(len(roll), length, _count(hop_s, frame_rate, "hop_s", "frame"))
    best, nearest = np.full(len(starts), -1.0), np.zeros((len(starts), 3), int)
    for index, training in enumerate(rolls):
        if len(training) < length:
            continue
        counts = _running_counts(training > 0, semitones)
        for row, start in enumerate(starts):
            similarity = _jaccard(roll[start : start + length] > 0, counts)
            shift, first = np.unravel_index(similarity.argmax(), similarity.shape)
            if similarity[shift, first] > best[row]:
                best[row] = similarity[shift, first]
                nearest[row] = index, first, semitones - shift
    return best, nearest


def markov_table(rolls, *, order=1, shrinkage=20.0):
    """Count how each note's state follows from its last: the simplest model that can be sampled.

    Parameters
    ----------
    rolls : ndarray or list of ndarray, uint8, (n_frames, n_notes)
        Training music.
    order : 1 or 0
        0 forgets the last state: the unigram model.
    shrinkage : float
        Weight of what all notes have in common, in frames; rare notes learn most of it.

    Returns
    -------
    ndarray, float64, (n_notes, 4, 4)
        Probability of the next state (last axis), given the note and its state now.

    References
    ----------
    C. E. Shannon, as in `chroma_entropy`, section 3; D. J. C. MacKay and L. C. B. Peto, "A
    hierarchical Dirichlet language model", Nat. Lang. Eng. 1(3), 1995. Notebooks 05 and 07.
    """
    counts = sum(map(_transitions, _rolls(rolls)))  # (n_notes, 4, 4)
    if order == 0:
        counts = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape)
    pooled = counts.sum(axis=0) + 0.1  # no transition is impossible
    counts = counts + shrinkage * pooled / pooled.sum(axis=1, keepdims=True)
    return counts / counts.sum(axis=2, keepdims=True)


def bits_per_frame(rolls, table):
    """Say how many bits a table of probabilities needs for a frame: its surprise at the music.

    Parameters
    ----------
    rolls : ndarray or list of ndarray, uint8, (n_frames, n_notes)
        Music to predict; the first frame of a roll is given.
    table : ndarray, float, (n_notes, 4, 4)
        As from `markov_table`.

    Returns
    -------
    float
        Mean over all frames of the sum over the notes, in bits.

    Raises
    ------
    ValueError
        If the table is of another number of notes, or no roll has a second frame.

    References
    ----------
    C. E. Shannon, as in `chroma_entropy`. Notebook 05.
    """
    counts = sum(map(_transitions, _rolls(rolls)))
    if counts.shape != np.shape(table) or not counts.any():
        raise ValueError(
            "rolls must have the notes of the table and a frame to predict, got "
            f"{len(counts)} notes, {int(counts[0].sum())} such frames, a table of {np.shape(table)}"
        )
    with np.errstate(divide="ignore"):  # what the table calls impossible costs infinitely much
        bits = -np.log2(table, where=counts > 0, out=np.zeros(counts.shape))
    return float((counts * bits).sum() / counts[0].sum())


def note_baselines(rolls, training_rolls):
    """Score three models of notes that learn nothing, or next to nothing, in bits a frame.

    Parameters
    ----------
    rolls, training_rolls : ndarray or list of ndarray, uint8, (n_frames, n_notes)
        Music to predict, and music to learn from.

    Returns
    -------
    dict of float
        Bits a frame of ``"uniform"``, every state as likely; ``"unigram"``, how often each note is
        in each state; ``"Markov"``, the same given its last state.

    References
    ----------
    As in `markov_table`. Notebook 05.
    """
    unigram, markov = (markov_table(training_rolls, order=order) for order in (0, 1))
    uniform = np.full_like(markov, 1 / _N_STATES)
    tables = {"uniform": uniform, "unigram": unigram, "Markov": markov}
    return {name: bits_per_frame(rolls, table) for name, table in tables.items()}


def markov_sample(table, n_frames, rng, start=None):
    """Compose by `markov_table`: each note follows its own past and hears no other.

    Parameters
    ----------
    table : ndarray, float, (n_notes, 4, 4)
    n_frames : int
        Length of the roll to compose.
    rng : numpy.random.Generator
    start : ndarray, int, (n_notes,), optional
        States of the frame before the first; all off if left out.

    Returns
    -------
    ndarray, uint8, (n_frames, n_notes)

    Raises
    ------
    ValueError
        If `start` is of another number of notes.

    References
    ----------
    As in `markov_table`. Notebook 07.
    """
    thresholds = np.cumsum(table, axis=2)[..., :-1]  # (n_notes, 4, 3)
    notes = np.arange(len(thresholds))
    states = np.zeros(len(notes), int) if start is None else _roll([start])[0].astype(int)
    if states.shape != notes.shape:
        raise ValueError(
            f"start must hold a state for each of the table's {len(notes)} notes, "
            f"got {len(states)}: pass one frame of a roll"
        )
    roll = np.empty((n_frames, len(notes)), np.uint8)
    for frame in roll:
        frame[:] = states = (rng.random((len(notes), 1)) > thresholds[notes, states]).sum(axis=1)
    return roll


def shuffle_notes(roll, rng):
    """Move every note to a random time: real notes without harmony, melody or rhythm.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, uint8, (n_frames, n_notes)
        As many notes of each pitch, as long and as loud, in any order. A note held into the first
        frame counts as struck softly there.

    References
    ----------
    J. Theiler et al., "Testing for nonlinearity in time series: the method of surrogate data",
    Physica D 58, 1992. Notebook 07.
    """
    roll = _roll(roll)
    shuffled = np.zeros_like(roll)
    for note, column in enumerate(roll.T):
        starts, ends = _notes_in(column)
        order = rng.permutation(len(starts))
        lengths, levels = (ends - starts)[order], np.maximum(column[starts[order]], 2)
        n_free = len(column) - lengths.sum()  # frames of silence, to be dealt out between the notes
        before = np.sort(rng.choice(n_free + len(order), len(order), replace=False))
        starts = before - np.arange(len(order)) + np.cumsum(lengths) - lengths
        for start, length, level in zip(starts, lengths, levels, strict=True):
            shuffled[start : start + length, note] = 1
            shuffled[start, note] = level
    return shuffled


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
    Stat. Assoc. 22(158), 1927. Notebook 07.

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


def _count(seconds, rate, name, unit="sample"):
    """Turn a time into a whole number of samples, or of frames."""
    if round(seconds * rate) < 1:
        raise ValueError(
            f"{name} must be at least 1 {unit} = {1 / rate} s, got {seconds} s: make it longer"
        )
    return round(seconds * rate)


def _starts(n, length, hop):
    """Return where windows begin, `hop` apart; the last one ends with the last value."""
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


def _roll(roll):
    """Return `roll` as uint8, or say why it is no note roll."""
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.size == 0 or not np.issubdtype(roll.dtype, np.integer):
        raise ValueError(
            "roll must hold whole numbers in shape (n_frames, n_notes) and not be empty, "
            f"got {roll.dtype} in {roll.shape}: pass what notes.encode makes"
        )
    if roll.min() < 0 or roll.max() >= _N_STATES:
        raise ValueError(
            f"roll must hold states from 0 to {_N_STATES - 1}, got {roll.min()} to {roll.max()}"
        )
    return roll.astype(np.uint8, copy=False)


def _rolls(rolls):
    """Return one roll or several as a list of rolls that have the same notes."""
    rolls = [_roll(roll) for roll in ([rolls] if isinstance(rolls, np.ndarray) else rolls)]
    if len({roll.shape[1] for roll in rolls}) != 1:
        raise ValueError(
            "rolls must be one at least, all of as many notes, got "
            f"{sorted({roll.shape[1] for roll in rolls})} notes in {len(rolls)} rolls"
        )
    return rolls


def _long_enough(n_frames, n_least, frame_rate, name):
    """Say that a roll is too short."""
    if n_frames < n_least:
        raise ValueError(
            f"{name} must last {n_least / frame_rate} s = {n_least} frames at least, "
            f"got {n_frames} frames: take a longer one"
        )


def _textures(frames, length):
    """Return mean and deviation of `length` frames at a time: (n_textures, 2 * n_features)."""
    if len(frames) < length:
        raise ValueError(
            f"texture_s must fit into every clip, got {length} frames for a clip of {len(frames)}: "
            "make it shorter"
        )
    starts = _starts(len(frames), length, length)
    blocks = frames[starts[:, None] + np.arange(length)]  # (n_textures, length, n_features)
    return np.concatenate([blocks.mean(axis=1), blocks.std(axis=1)], axis=1)


def _mean(values):
    """Return the mean, or NaN without a warning if there is nothing to take it of."""
    return float(np.mean(values)) if len(values) else float("nan")


def _standardised(rows):
    """Give each row mean 0 and variance 1; a row without variance becomes 0."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    std = rows.std(axis=1, keepdims=True)
    return rows / np.where(std > 0, std, 1)


def _pitch_class_counts(roll, frame_rate, lowest, window_s):
    """Count in how many frames of each window each pitch class sounds, where any does."""
    roll = _roll(roll)
    length = min(_count(window_s, frame_rate, "window_s", "frame"), len(roll))
    starts = _starts(len(roll), length, length)
    total = np.cumsum(np.pad(roll > 0, ((1, 0), (0, 0))), axis=0)
    notes = total[starts + length] - total[starts]  # (n_windows, n_notes)
    counts = notes @ np.eye(12)[(lowest + np.arange(roll.shape[1])) % 12]  # (n_windows, 12)
    return counts[counts.any(axis=1)]


def _running_counts(active, reach=0):
    """Count each note's active frames up to each frame, with `reach` empty notes on both sides."""
    n_frames, n_notes = active.shape
    counts = np.zeros((n_notes + 2 * reach, n_frames + 1), np.int32)
    np.cumsum(active.T, axis=1, out=counts[reach : reach + n_notes, 1:])
    return counts


def _jaccard(window, counts):
    """Compare a window with every passage: shared over all active frames, (n_shifts, n_passages).

    What a passage shares with one sounding of the window is the difference of two running counts.
    """
    length, n_notes = window.shape
    n_shifts, n_passages = len(counts) - n_notes + 1, counts.shape[1] - length
    edges = np.diff(np.pad(window.T.astype(np.int8), ((0, 0), (1, 1))))  # 1 at begins, -1 at ends
    shared = np.zeros((n_shifts, n_passages), np.int32)
    for note, frame in np.argwhere(edges):
        passed = counts[note : note + n_shifts, frame : frame + n_passages]
        shared -= edges[note, frame] * passed
    total = counts.sum(axis=0)
    return shared / np.maximum(window.sum() + total[length:] - total[:-length] - shared, 1)


def _transitions(roll):
    """Count how often each note goes from one state to another: (n_notes, 4, 4)."""
    roll = roll.astype(int)
    notes = np.arange(roll.shape[1])
    codes = (notes * _N_STATES + roll[:-1]) * _N_STATES + roll[1:]
    shape = (roll.shape[1], _N_STATES, _N_STATES)
    return np.bincount(codes.ravel(), minlength=np.prod(shape)).reshape(shape)


def _notes_in(column):
    """Return the first frames of a note's soundings, and the frames after their last."""
    begins = (column > 1) | ((column == 1) & (np.append(0, column[:-1]) == 0))
    starts = np.flatnonzero(begins)
    stops = np.flatnonzero(np.append(column, 0) != 1)  # a new onset ends the note before it
    return starts, stops[np.searchsorted(stops, starts, side="right")]
