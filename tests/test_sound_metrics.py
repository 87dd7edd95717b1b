"""Signals whose numbers are known beforehand; published formulas and scipy as oracles."""

import numpy as np
import pytest
import scipy.fft
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import audio, sound_metrics, transforms

SR = 8000
few = settings(deadline=None, max_examples=30)
NOT_WAVEFORMS = [
    (np.zeros(0, np.float32), "not be empty"),
    (np.zeros((4, 2), np.float32), r"got shape \(4, 2\): see audio.to_mono"),
    (np.array([0.0, np.nan]), "must be finite"),
    (np.array([0, 16384], np.int16), "floating point numbers, got int16"),
]


def sine(f, duration=1.0, amplitude=1.0):
    return (amplitude * np.sin(2 * np.pi * f * np.arange(round(duration * SR)) / SR)).astype("f")


def noise(n_samples):
    return np.random.default_rng(0).standard_normal(n_samples).astype(np.float32) / 10


def middle(values):
    """Leave out the frames that hang over the ends of the sound."""
    return values[4:-4]


# Predictions


def test_mean_absolute_error_of_known_values():
    assert sound_metrics.mean_absolute_error(np.full((2, 3), 4.0), np.ones((2, 3))) == 3
    assert sound_metrics.mean_absolute_error(np.uint8([0, 3]), np.uint8([1, 0])) == 2


@pytest.mark.parametrize("shape", [(3,), (2, 1), (0,)])
def test_shapes_are_never_stretched(shape):
    with pytest.raises(ValueError, match=r"one shape .* got .* and \(2, 3\)"):
        sound_metrics.mean_absolute_error(np.zeros(shape), np.zeros((2, 3)))


def test_no_values_have_no_error():
    with pytest.raises(ValueError, match="at least 1 value"):
        sound_metrics.mean_absolute_error([], [])


def test_baselines_of_known_sequences():
    Y = np.float32([[[1, 2], [3, 4]]])  # (1 sequence, 2 frames, 2 features)
    X = np.float32([[[0, 0], [1, 2]]])
    errors = sound_metrics.baseline_errors(X, Y, train_frames=np.float32([[1, 0], [3, 4]]))
    assert errors == {"silence": 2.5, "mean": 1.0, "copy-last": 7 / 4}


def test_silence_may_lie_anywhere_in_standardised_space():
    Y = np.float32([[[1, 2], [3, 4]]])
    errors = sound_metrics.baseline_errors(Y, Y, Y, silence=np.float32([-1, 2]))
    assert errors["silence"] == (2 + 0 + 4 + 2) / 4
    assert errors["copy-last"] == 0


def test_the_mean_frame_is_that_of_training():
    Y = np.full((1, 4, 2), 5, np.float32)
    frames = np.zeros((7, 2), np.float32)
    sequences = np.zeros((3, 4, 2), np.float32)
    assert sound_metrics.baseline_errors(Y, Y, frames)["mean"] == 5
    assert sound_metrics.baseline_errors(Y, Y, sequences)["mean"] == 5


# Levels


def test_level_of_a_full_scale_sine_and_of_a_constant():
    _, level_db = sound_metrics.level_curve_db(sine(1000), sr=SR)
    np.testing.assert_allclose(level_db, -3.0103, atol=1e-3)
    _, level_db = sound_metrics.level_curve_db(np.ones(SR, np.float32), sr=SR)
    np.testing.assert_allclose(level_db, 0, atol=1e-9)


def test_level_follows_a_sound_that_fades():
    y = np.concatenate([sine(1000, amplitude=10.0**-k) for k in range(4)])
    t, level_db = sound_metrics.level_curve_db(y, sr=SR, window_s=1.0)
    np.testing.assert_allclose(t, [0.5, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(level_db, [-3.01, -23.01, -43.01, -63.01], atol=0.01)


def test_silence_reads_the_floor_even_after_loud_sound():
    y = np.concatenate([sine(1000), np.zeros(SR, np.float32)])
    _, level_db = sound_metrics.level_curve_db(y, sr=SR)
    np.testing.assert_array_equal(level_db[4:], -120)
    _, level_db = sound_metrics.level_curve_db(np.zeros(9, np.float32), sr=SR)
    np.testing.assert_allclose(level_db, [-120])


@given(n_samples=st.integers(1, 300), window=st.integers(1, 80))
def test_windows_lie_inside_the_sound_and_reach_its_end(n_samples, window):
    y = noise(n_samples)
    t, level_db = sound_metrics.level_curve_db(y, sr=SR, window_s=window / SR)
    length = min(window, n_samples)
    starts = np.round(t * SR - length / 2).astype(int)
    assert starts[0] == 0
    assert starts[-1] + length == n_samples
    assert set(np.diff(starts)[:-1]) <= {window}
    rms = [np.sqrt(np.mean(np.square(y[start : start + length]))) for start in starts]
    np.testing.assert_allclose(level_db, 20 * np.log10(rms), atol=1e-3)


@pytest.mark.parametrize("window_s", [0.0, 1e-6])
def test_windows_shorter_than_a_sample_are_named(window_s):
    with pytest.raises(ValueError, match=r"at least 1 sample = 0.000125 s, got"):
        sound_metrics.level_curve_db(sine(100), sr=SR, window_s=window_s)


# Spectra


@pytest.mark.parametrize(("y", "message"), NOT_WAVEFORMS)
@pytest.mark.parametrize(
    "measure",
    [
        lambda y: sound_metrics.level_curve_db(y, sr=SR),
        lambda y: sound_metrics.mfcc(y, sr=SR),
    ],
)
def test_what_is_no_waveform_is_named(measure, y, message):
    with pytest.raises(audio.AudioError, match=message):
        measure(y)


# Timbre


def triangles(n_mels, *, sr, n_fft):
    """Make O'Shaughnessy's mel filters from his formula, one triangle after the other."""
    mel = np.linspace(0, 2595 * np.log10(1 + sr / 2 / 700), n_mels + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)  # Hz
    f = np.arange(n_fft // 2 + 1) * sr / n_fft
    return [np.interp(f, edges[i : i + 3], [0, 1, 0]) for i in range(n_mels)]


@pytest.mark.parametrize("y", [noise(SR), sine(440) + noise(SR), np.zeros(SR, np.float32)])
def test_mfcc_follow_the_published_formula(y):
    power = np.square(
        np.abs(transforms.stft(y, n_fft=1024, hop_length=512)) / 256
    )  # a full-scale sine is 1
    bands = power @ np.transpose(triangles(40, sr=SR, n_fft=1024))
    theirs = scipy.fft.dct(np.log(np.maximum(bands, 1e-6)), axis=1, norm="ortho")[:, :20]
    np.testing.assert_allclose(sound_metrics.mfcc(y, sr=SR), theirs, atol=1e-6)


def test_gain_moves_the_first_coefficient_only_and_what_nobody_hears_counts_as_silence(monkeypatch):
    loud, quiet = (middle(sound_metrics.mfcc(noise(SR) * gain, sr=SR)) for gain in (3, 0.3))
    np.testing.assert_allclose((loud - quiet)[:, 0], np.log(100) * np.sqrt(40), atol=1e-3)
    np.testing.assert_allclose((loud - quiet)[:, 1:], 0, atol=1e-3)
    silence = sound_metrics.mfcc(np.zeros(SR), sr=SR)
    np.testing.assert_array_equal(sound_metrics.mfcc(noise(SR) * 1e-4, sr=SR), silence)
    monkeypatch.setattr(sound_metrics, "FLOOR_DB", -120.0)
    assert np.ptp(sound_metrics.mfcc(noise(SR) * 1e-4, sr=SR)) > 1


def test_frechet_distance_of_known_gaussians():
    x = np.random.default_rng(0).standard_normal((500, 4))
    assert sound_metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-12)
    assert sound_metrics.frechet_distance(x, x[::-1] + np.array([3, 0, 4, 0])) == pytest.approx(25)
    assert sound_metrics.frechet_distance(x, x * 3) > 1
    x = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T  # covariance I
    scales = np.array([1, 2, 5, 0])
    assert sound_metrics.frechet_distance(x, x * scales) == pytest.approx(np.sum((scales - 1) ** 2))


@few
@given(n_a=st.integers(2, 30), n_b=st.integers(2, 30), n_features=st.integers(1, 6))
def test_frechet_distance_agrees_with_the_matrix_square_root(n_a, n_b, n_features):
    rng = np.random.default_rng([n_a, n_b, n_features])
    a, b = rng.standard_normal((n_a, n_features)), rng.standard_normal((n_b, n_features)) * 2 + 1
    cov_a, cov_b = (np.cov(x.T).reshape(n_features, n_features) for x in (a, b))
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b).real  # of a product that is positive
    trace = np.trace(cov_a + cov_b) - 2 * np.sqrt(np.maximum(eigenvalues, 0)).sum()
    expected = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + trace
    assert sound_metrics.frechet_distance(a, b) == pytest.approx(expected, abs=1e-5)
    assert sound_metrics.frechet_distance(b, a) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", [(9,), (9, 2), (1, 3)])
def test_features_that_cannot_be_compared_are_named(shape):
    with pytest.raises(ValueError, match="two frames at least and as many features in both, got"):
        sound_metrics.frechet_distance(np.zeros(shape), np.zeros((5, 3)))


def test_clips_are_compared_as_sets():
    clips = [sine(440), noise(SR), sine(1000)]
    same = sound_metrics.mfcc_frechet_distance(clips, clips[::-1], sr=SR)
    near = sound_metrics.mfcc_frechet_distance([sine(440)], [sine(450)], sr=SR)
    far = sound_metrics.mfcc_frechet_distance([sine(440)], [noise(SR)], sr=SR)
    assert same == pytest.approx(0, abs=1e-6)
    assert 0 < near < far


# The listening test


@given(n_trials=st.integers(1, 200), share=st.floats(0, 1))
def test_the_bounds_lie_as_far_from_the_observed_share_as_wilson_says(n_trials, share):
    n_right = round(share * n_trials)
    bounds = np.array(sound_metrics.wilson_interval(n_right, n_trials))
    z = scipy.stats.norm.ppf((1 + 0.95) / 2)
    distance = z * np.sqrt(bounds * (1 - bounds) / n_trials)
    np.testing.assert_allclose(np.abs(n_right / n_trials - bounds), distance, atol=1e-9)


@pytest.mark.parametrize(
    ("n_right", "n_trials", "message"),
    [
        (0, 0, "n must be an integer not less than 1"),
        (5, 4, "5.* must not be greater than n .4"),
        (-1, 4, "not less than 0"),
    ],
)
def test_impossible_listening_tests_are_named(n_right, n_trials, message):
    with pytest.raises(ValueError, match=message):
        sound_metrics.wilson_interval(n_right, n_trials)
