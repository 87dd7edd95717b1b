"""Signals whose numbers are known beforehand; librosa as the oracle for spectra."""

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import metrics, transforms

SR = 8000
STFT = {"n_fft": 512, "hop_length": 128}
NOT_WAVEFORMS = [
    (np.zeros(0, np.float32), ValueError, "at least 1 sample"),
    (np.zeros((4, 2), np.float32), ValueError, r"got \(4, 2\): take one channel"),
    (np.array([0.0, np.nan]), ValueError, "must be finite"),
    (np.array([0, 16384], np.int16), TypeError, "floating point in .*, got int16"),
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
    assert metrics.mean_absolute_error(np.full((2, 3), 4.0), np.ones((2, 3))) == 3
    assert metrics.mean_absolute_error(np.uint8([0, 3]), np.uint8([1, 0])) == 2


@pytest.mark.parametrize("shape", [(3,), (2, 1), (0,)])
def test_shapes_are_never_stretched(shape):
    with pytest.raises(ValueError, match=r"one shape .* got .* and \(2, 3\)"):
        metrics.mean_absolute_error(np.zeros(shape), np.zeros((2, 3)))


def test_no_values_have_no_error():
    with pytest.raises(ValueError, match="at least 1 value"):
        metrics.mean_absolute_error([], [])


def test_baselines_of_known_sequences():
    Y = np.float32([[[1, 2], [3, 4]]])  # (1 sequence, 2 frames, 2 features)
    X = np.float32([[[0, 0], [1, 2]]])
    errors = metrics.baseline_errors(X, Y, train_frames=np.float32([[1, 0], [3, 4]]))
    assert errors == {"silence": 2.5, "mean": 1.0, "copy-last": 7 / 4}


def test_silence_may_lie_anywhere_in_standardised_space():
    Y = np.float32([[[1, 2], [3, 4]]])
    errors = metrics.baseline_errors(Y, Y, Y, silence=np.float32([-1, 2]))
    assert errors["silence"] == (2 + 0 + 4 + 2) / 4
    assert errors["copy-last"] == 0


def test_the_mean_frame_is_that_of_training():
    Y = np.full((1, 4, 2), 5, np.float32)
    frames = np.zeros((7, 2), np.float32)
    sequences = np.zeros((3, 4, 2), np.float32)
    assert metrics.baseline_errors(Y, Y, frames)["mean"] == 5
    assert metrics.baseline_errors(Y, Y, sequences)["mean"] == 5


# Levels


def test_level_of_a_full_scale_sine_and_of_a_constant():
    _, level_db = metrics.level_curve_db(sine(1000), sr=SR)
    np.testing.assert_allclose(level_db, -3.0103, atol=1e-3)
    _, level_db = metrics.level_curve_db(np.ones(SR, np.float32), sr=SR)
    np.testing.assert_allclose(level_db, 0, atol=1e-9)


def test_level_follows_a_sound_that_fades():
    y = np.concatenate([sine(1000, amplitude=10.0**-k) for k in range(4)])
    t, level_db = metrics.level_curve_db(y, sr=SR, window_s=1.0)
    np.testing.assert_allclose(t, [0.5, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(level_db, [-3.01, -23.01, -43.01, -63.01], atol=0.01)


def test_silence_reads_the_floor_even_after_loud_sound():
    y = np.concatenate([sine(1000), np.zeros(SR, np.float32)])
    _, level_db = metrics.level_curve_db(y, sr=SR)
    np.testing.assert_array_equal(level_db[4:], -120)
    _, level_db = metrics.level_curve_db(np.zeros(9, np.float32), sr=SR, floor_db=-90.0)
    np.testing.assert_allclose(level_db, [-90])


@given(n_samples=st.integers(1, 300), window=st.integers(1, 80), hop=st.integers(1, 80))
def test_windows_lie_inside_the_sound_and_reach_its_end(n_samples, window, hop):
    y = noise(n_samples)
    t, level_db = metrics.level_curve_db(y, sr=SR, window_s=window / SR, hop_s=hop / SR)
    length = min(window, n_samples)
    starts = np.round(t * SR - length / 2).astype(int)
    assert starts[0] == 0
    assert starts[-1] + length == n_samples
    assert set(np.diff(starts)[:-1]) <= {hop}
    rms = [np.sqrt(np.mean(np.square(y[start : start + length]))) for start in starts]
    np.testing.assert_allclose(level_db, 20 * np.log10(rms), atol=1e-3)


@pytest.mark.parametrize("lengths", [{"window_s": 0.0}, {"hop_s": 1e-6}])
def test_windows_shorter_than_a_sample_are_named(lengths):
    with pytest.raises(ValueError, match=r"at least 1 sample = 0.000125 s, got"):
        metrics.level_curve_db(sine(100), sr=SR, **lengths)


def test_silent_fraction_of_known_sounds():
    half = np.concatenate([sine(1000), np.zeros(SR, np.float32)])
    assert metrics.silent_fraction(half, sr=SR) == 0.5
    assert metrics.silent_fraction(sine(1000), sr=SR) == 0
    assert metrics.silent_fraction(np.zeros(SR, np.float32), sr=SR) == 1
    assert metrics.silent_fraction(sine(1000, amplitude=0.05), sr=SR, threshold_db=-20) == 1


def test_crest_factors_of_known_sounds():
    assert metrics.crest_factor_db(sine(1000)) == pytest.approx(3.0103, abs=1e-3)
    assert metrics.crest_factor_db(np.tile(np.float32([0.3, -0.3]), 50)) == pytest.approx(0)
    assert metrics.crest_factor_db(np.eye(1, 100)[0]) == pytest.approx(20)
    assert np.isnan(metrics.crest_factor_db(np.zeros(10)))


# Spectra


def test_flatness_of_white_noise_is_that_of_its_periodogram():
    flatness = metrics.spectral_flatness(noise(20 * SR), **STFT)
    assert middle(flatness).mean() == pytest.approx(np.exp(-np.euler_gamma), abs=0.01)


def test_flatness_of_a_tone_is_near_zero_and_of_silence_one():
    assert middle(metrics.spectral_flatness(sine(1000), **STFT)).max() < 1e-4
    np.testing.assert_allclose(metrics.spectral_flatness(np.zeros(SR, "f"), **STFT), 1)


def test_flatness_of_a_click_is_one():
    y = np.zeros(4 * 512, np.float32)
    y[1024] = 1  # one sample: every bin has the same power
    flatness = metrics.spectral_flatness(y, **STFT)
    assert flatness[1024 // STFT["hop_length"]] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("f", [500, 1000, 3000])
def test_centroid_of_a_tone_is_its_frequency(f):
    centroid = metrics.spectral_centroid(sine(f), sr=SR, **STFT)
    np.testing.assert_allclose(middle(centroid), f, rtol=0.01)


def test_centroid_of_white_noise_is_in_the_middle_and_of_silence_zero():
    centroid = metrics.spectral_centroid(noise(10 * SR), sr=SR, **STFT)
    assert middle(centroid).mean() == pytest.approx(SR / 4, rel=0.01)
    np.testing.assert_array_equal(metrics.spectral_centroid(np.zeros(SR), sr=SR, **STFT), 0)


@pytest.mark.parametrize("y", [noise(SR), sine(440), sine(440) + noise(SR)])
def test_spectral_measures_agree_with_librosa(y):
    S = np.abs(transforms.stft(y, **STFT)).T.astype(np.float64)
    np.testing.assert_allclose(
        metrics.spectral_flatness(y, **STFT), librosa.feature.spectral_flatness(S=S)[0], rtol=1e-4
    )
    np.testing.assert_allclose(
        metrics.spectral_centroid(y, sr=SR, **STFT),
        librosa.feature.spectral_centroid(S=S, sr=SR, n_fft=512)[0],
        rtol=1e-4,
    )


@pytest.mark.parametrize(("y", "error", "message"), NOT_WAVEFORMS)
@pytest.mark.parametrize(
    "measure",
    [
        lambda y: metrics.level_curve_db(y, sr=SR),
        lambda y: metrics.silent_fraction(y, sr=SR),
        lambda y: metrics.spectral_flatness(y, **STFT),
        lambda y: metrics.spectral_centroid(y, sr=SR, **STFT),
        metrics.crest_factor_db,
    ],
)
def test_what_is_no_waveform_is_named(measure, y, error, message):
    with pytest.raises(error, match=message):
        measure(y)
