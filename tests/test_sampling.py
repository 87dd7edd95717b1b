"""Signals whose samples, aliases and errors are known beforehand; scipy as the oracle."""

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import audio, sampling

NOT_WAVEFORMS = [
    np.zeros(0, np.float32),
    np.zeros((4, 2), np.float32),
    np.array([0.0, np.nan]),
    np.array([0, 16384], np.int16),
    np.array([1j]),
]
NOT_COUNTS = [
    (0, ValueError, r"at least 1 \w+, got 0"),
    (-3, ValueError, r"at least 1 \w+, got -3"),
] + [(value, TypeError, "whole number") for value in (2.0, True, "2", None)]


def peak_frequency(y, sr):
    """Frequency of the strongest FFT bin; one second of y makes the bins 1 Hz apart."""
    return np.argmax(np.abs(np.fft.rfft(y))) * sr / y.size


# Test signals


def test_times_are_multiples_of_the_sampling_interval():
    t = sampling.times(5, sr=8000)
    np.testing.assert_array_equal(t, np.arange(5) / 8000)
    assert t.dtype == np.float64


def test_sinusoid_follows_its_formula():
    t = np.arange(800) / 8000
    y = sampling.sinusoid(440, sr=8000, duration=0.1, amplitude=0.8, phase=0.3)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, 0.8 * np.sin(2 * np.pi * 440 * t + 0.3), atol=1e-7)


def test_sinusoid_stays_exact_after_ten_minutes():
    y = sampling.sinusoid(1000, sr=8000, duration=600.0, amplitude=1.0)
    np.testing.assert_allclose(y[-8:], y[:8], atol=1e-6)


@pytest.mark.parametrize(("duration", "n_samples"), [(1.0, 11025), (0.25, 2756), (1e-4, 1)])
def test_duration_is_rounded_to_samples(duration, n_samples):
    assert sampling.sinusoid(1.0, sr=11025, duration=duration).shape == (n_samples,)
    assert sampling.chirp(1.0, 2.0, sr=11025, duration=duration).shape == (n_samples,)


def test_sine_at_half_the_rate_vanishes_at_phase_zero():
    y = sampling.sinusoid(4000, sr=8000, duration=1.0, amplitude=1.0)
    assert np.abs(y).max() < 1e-10


def test_sine_at_half_the_rate_alternates_at_phase_half_pi():
    y = sampling.sinusoid(4000, sr=8000, duration=1.0, amplitude=1.0, phase=np.pi / 2)
    np.testing.assert_allclose(y, np.tile([1, -1], 4000), atol=1e-7)


@pytest.mark.parametrize(("f_start", "f_end"), [(100, 3000), (3000, 100), (500, 500)])
def test_the_frequency_of_a_chirp_moves_evenly(f_start, f_end):
    y = sampling.chirp(f_start, f_end, sr=8000, duration=2.0, amplitude=1.0)
    t = np.arange(16000) / 8000
    cycles = f_start * t + (f_end - f_start) * t**2 / 4  # the integral of the frequency
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, np.sin(2 * np.pi * cycles), atol=1e-6)


@pytest.mark.parametrize("make", [sampling.sinusoid, lambda f, **k: sampling.chirp(f, f, **k)])
@pytest.mark.parametrize(
    ("sr", "duration", "message"),
    [
        (0, 1.0, "sr must be a positive number of Hz, got 0"),
        (-8000, 1.0, "sr must be a positive"),
        (np.inf, 1.0, "sr must be a positive"),
        (8000, 0.0, r"duration must be a positive number of s, got 0\.0"),
        (8000, np.nan, "duration must be a positive"),
        (8000, 1e-5, "duration must be at least one sample, 0.000125 s, got 1e-05 s"),
    ],
)
def test_impossible_signals_are_refused(make, sr, duration, message):
    with pytest.raises(ValueError, match=message):
        make(440.0, sr=sr, duration=duration)


@pytest.mark.parametrize(("n_samples", "error", "message"), NOT_COUNTS)
def test_times_refuses_what_is_not_a_count(n_samples, error, message):
    with pytest.raises(error, match=message):
        sampling.times(n_samples, sr=8000)


# Aliasing


@pytest.mark.parametrize("sr", [8000, 11025, 22050])
@pytest.mark.parametrize("f", [0, 1, 440, 3999, 5512, 8000, 8440, 15000, 22049, 30001, 96000])
def test_alias_is_the_peak_of_the_sampled_sine(f, sr):
    y = sampling.sinusoid(f, sr=sr, duration=1.0, amplitude=1.0, phase=0.5)
    assert sampling.alias_frequency(f, sr=sr) == pytest.approx(peak_frequency(y, sr), abs=1e-6)


@settings(deadline=None)
@given(f=st.floats(-1e6, 1e6), n=st.integers(-20, 20), sr=st.integers(1, 192000))
def test_alias_lies_below_half_the_rate_and_repeats_with_it(f, n, sr):
    alias = sampling.alias_frequency(f, sr=sr)
    assert 0 <= alias <= sr / 2
    assert sampling.alias_frequency(n * sr + f, sr=sr) == pytest.approx(alias, abs=1e-6)
    assert sampling.alias_frequency(n * sr - f, sr=sr) == pytest.approx(alias, abs=1e-6)


def test_alias_of_many_frequencies_at_once():
    f = np.array([0, 500, 501, 999, 1000, 1500, -200])
    np.testing.assert_array_equal(
        sampling.alias_frequency(f, sr=1000), [0, 500, 499, 1, 0, 500, 200]
    )


def test_alias_refuses_an_impossible_rate():
    with pytest.raises(ValueError, match="sr must be a positive number of Hz, got 0"):
        sampling.alias_frequency(440, sr=0)


# Decimation


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("n_samples", [1, 2, 3, 4, 5, 999, 1000])
@pytest.mark.parametrize("factor", [1, 2, 3, 7])
def test_decimate_keeps_one_sample_in_factor(n_samples, factor, antialias):
    y = np.linspace(-0.5, 0.5, n_samples, dtype=np.float32)
    decimated = sampling.decimate(y, factor, antialias=antialias)
    assert decimated.shape == y[::factor].shape
    assert decimated.dtype == np.float32
    if factor == 1 or not antialias:
        np.testing.assert_array_equal(decimated, y[::factor])
        assert not np.shares_memory(decimated, y)


@pytest.mark.parametrize("factor", [2, 3, 4, 10])
def test_decimate_passes_what_the_lower_rate_can_hold(factor):
    y = sampling.chirp(20, 0.9 * 22050 / factor, sr=44100, duration=1.0)
    decimated = sampling.decimate(y, factor)
    inside = slice(200, -200)
    np.testing.assert_allclose(decimated[inside], y[::factor][inside], atol=2e-5)


@pytest.mark.parametrize("factor", [2, 3, 4, 10])
def test_decimate_removes_what_would_alias(factor):
    y = sampling.chirp(22050 / factor, 22050, sr=44100, duration=1.0, amplitude=1.0)
    inside = slice(200, -200)
    assert np.abs(sampling.decimate(y, factor)[inside]).max() < 1.2e-5  # -98 dB
    assert np.abs(sampling.decimate(y, factor, antialias=False)[inside]).max() > 0.9


@pytest.mark.parametrize("factor", [2, 5])
def test_decimate_agrees_with_scipy_on_band_limited_noise(factor):
    noise = np.random.default_rng(0).standard_normal(20_001)
    low_pass = scipy.signal.firwin(501, 0.5 / factor)
    y = (0.2 * scipy.signal.fftconvolve(noise, low_pass, mode="same")).astype(np.float32)
    oracle = scipy.signal.decimate(y, factor, n=200, ftype="fir")
    inside = slice(200, -200)
    np.testing.assert_allclose(sampling.decimate(y, factor)[inside], oracle[inside], atol=2e-3)


def test_decimate_without_filter_turns_a_tone_into_its_alias():
    y = sampling.sinusoid(9000, sr=32000, duration=1.0)
    aliased = sampling.decimate(y, 4, antialias=False)
    assert peak_frequency(aliased, 8000) == sampling.alias_frequency(9000, sr=8000) == 1000


@pytest.mark.parametrize(("factor", "error", "message"), NOT_COUNTS)
def test_decimate_refuses_what_is_not_a_factor(factor, error, message):
    with pytest.raises(error, match=message):
        sampling.decimate(np.zeros(8, np.float32), factor)


# Reconstruction


@settings(deadline=None)
@given(
    samples=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=200),
    sr=st.floats(1, 192000),
)
def test_reconstruction_goes_through_the_samples(samples, sr):
    samples = np.float32(samples)
    t = sampling.times(samples.size, sr=sr)
    np.testing.assert_allclose(sampling.reconstruct(samples, sr=sr, t=t), samples, atol=1e-6)


def test_reconstruction_finds_the_curve_between_the_samples():
    sr = 1000
    y = sampling.sinusoid(330, sr=sr, duration=2.0, amplitude=1.0, phase=0.7)
    t = np.linspace(0.9, 1.1, 501)  # the middle, far from the ends
    true_curve = np.sin(2 * np.pi * 330 * t + 0.7)
    np.testing.assert_allclose(sampling.reconstruct(y, sr=sr, t=t), true_curve, atol=2e-3)


def test_reconstruction_of_an_undersampled_sine_is_its_alias():
    y = sampling.sinusoid(700, sr=1000, duration=2.0, amplitude=1.0)
    t = np.linspace(0.9, 1.1, 501)
    alias = -np.sin(2 * np.pi * 300 * t)
    np.testing.assert_allclose(sampling.reconstruct(y, sr=1000, t=t), alias, atol=2e-3)


def test_reconstruction_in_pieces_is_that_in_one_go(monkeypatch):
    y = sampling.sinusoid(30, sr=100, duration=0.5)
    t = np.linspace(0, 0.5, 77)
    at_once = sampling.reconstruct(y, sr=100, t=t)
    monkeypatch.setattr(sampling, "_TABLE_VALUES", 3 * y.size)
    np.testing.assert_allclose(sampling.reconstruct(y, sr=100, t=t), at_once, atol=1e-7)


def test_reconstruction_at_no_time_is_empty():
    assert sampling.reconstruct(np.ones(3, np.float32), sr=1, t=[]).shape == (0,)


@pytest.mark.parametrize("t", [0.5, [[0.5]], [np.nan]])
def test_reconstruction_refuses_what_are_not_times(t):
    with pytest.raises(ValueError, match="t must be a row of finite times in s"):
        sampling.reconstruct(np.ones(3, np.float32), sr=1, t=t)


# Quantisation


@pytest.mark.parametrize("n_bits", [1, 2, 3, 8, 16, 24])
def test_quantising_errs_by_half_a_step_at_most(n_bits):
    step = 2 / 2**n_bits
    y = np.random.default_rng(0).uniform(-1, 1 - step / 2, 5000).astype(np.float32)
    assert np.abs(y.astype(float) - sampling.quantise(y, n_bits)).max() <= step / 2


@pytest.mark.parametrize("n_bits", [1, 2, 3, 8, 16])
def test_at_full_scale_the_error_is_a_whole_step(n_bits):
    error = 1 - sampling.quantise(np.ones(1, np.float32), n_bits)
    np.testing.assert_array_equal(error, 2 / 2**n_bits)


@pytest.mark.parametrize("kind", [np.uint8, np.int16])
def test_bits_may_be_numpy_integers(kind):
    y = np.linspace(-1, 1, 50, dtype=np.float32)
    np.testing.assert_array_equal(sampling.quantise(y, kind(4)), sampling.quantise(y, 4))


@pytest.mark.parametrize("n_bits", [1, 2, 3, 8])
def test_quantising_uses_every_level_and_no_other(n_bits):
    y = np.linspace(-1, 1, 4001, dtype=np.float32)
    levels = np.arange(-(2 ** (n_bits - 1)), 2 ** (n_bits - 1)) * 2 / 2**n_bits
    np.testing.assert_array_equal(np.unique(sampling.quantise(y, n_bits)), levels)


@pytest.mark.parametrize("n_bits", [6, 8, 12, 16])
def test_loudest_sine_has_six_decibels_a_bit(n_bits):
    loudest = 1 - 1 / 2**n_bits  # half a step below 1: nothing is clipped
    y = sampling.sinusoid(997, sr=48000, duration=1.0, amplitude=loudest)
    measured = sampling.snr_db(y, sampling.quantise(y, n_bits))
    assert measured == pytest.approx(6.02 * n_bits + 1.76, abs=0.5)


def test_clipping_above_the_topmost_level_costs_signal_to_noise_ratio():
    y = sampling.sinusoid(997, sr=48000, duration=1.0, amplitude=1.0)
    measured = sampling.snr_db(y, sampling.quantise(y, 8))
    assert 0.5 < 6.02 * 8 + 1.76 - measured < 1.0


@pytest.mark.parametrize("n_bits", [1, 4, 16, 24])
def test_silence_stays_silent_without_dither(n_bits):
    assert not sampling.quantise(np.zeros(100, np.float32), n_bits).any()


@pytest.mark.parametrize("steps", [0.3, -0.3, 0.5, 2.8])
def test_dither_keeps_on_average_what_rounding_loses(steps):
    step = 2 / 2**8
    y = np.full(200_000, steps * step, np.float32)
    dithered = sampling.quantise(y, 8, dither=True, rng=np.random.default_rng(0))
    assert dithered.mean(dtype=float) / step == pytest.approx(steps, abs=0.01)
    assert np.all(sampling.quantise(y, 8) == np.round(steps) * step)


@pytest.mark.parametrize("steps", [0.0, 0.25, 0.5])
def test_error_power_with_dither_is_a_quarter_step_whatever_the_signal(steps):
    step = 2 / 2**8
    y = np.full(200_000, steps * step, np.float32)
    error = sampling.quantise(y, 8, dither=True, rng=np.random.default_rng(1)) - y
    assert np.mean((error / step) ** 2) == pytest.approx(1 / 4, abs=0.005)


def test_dither_turns_distortion_into_noise():
    y = sampling.sinusoid(1000, sr=48000, duration=1.0, amplitude=2 / 2**8)  # one step
    plain = sampling.quantise(y, 8)
    dithered = sampling.quantise(y, 8, dither=True, rng=np.random.default_rng(0))
    third_harmonic = [np.abs(np.fft.rfft(x))[3000] * 2 / x.size for x in (plain, dithered)]
    assert third_harmonic[1] < third_harmonic[0] / 10


@settings(deadline=None)
@given(
    y=st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=50),
    n_bits=st.integers(1, 24),
    dither=st.booleans(),
)
def test_quantised_samples_never_leave_full_scale(y, n_bits, dither):
    rng = np.random.default_rng(0)
    quantised = sampling.quantise(np.float32(y), n_bits, dither=dither, rng=rng)
    assert quantised.dtype == np.float32
    assert quantised.min() >= -1
    assert quantised.max() <= 1 - 2 / 2**n_bits


def test_dither_repeats_with_the_seed():
    y = sampling.sinusoid(440, sr=8000, duration=0.1)
    first, second = (
        sampling.quantise(y, 4, dither=True, rng=np.random.default_rng(7)) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rng", [None, 0])
def test_dither_without_generator_is_refused(rng):
    with pytest.raises(ValueError, match=r"dither needs rng=np\.random\.default_rng\(seed\)"):
        sampling.quantise(np.zeros(4, np.float32), 8, dither=True, rng=rng)


@pytest.mark.parametrize(
    ("n_bits", "error", "message"),
    [*NOT_COUNTS, (25, ValueError, "n_bits must be at most 24 bits, got 25")],
)
def test_impossible_bits_are_refused(n_bits, error, message):
    with pytest.raises(error, match=message):
        sampling.quantise(np.zeros(4, np.float32), n_bits)


def test_snr_of_known_errors():
    y = np.ones(10, np.float32)
    assert sampling.snr_db(y, y * np.float32(0.99)) == pytest.approx(40, abs=1e-3)
    assert sampling.snr_db(y, y) == math.inf
    assert sampling.snr_db(0 * y, y) == -math.inf


def test_snr_of_different_lengths_is_refused():
    with pytest.raises(ValueError, match="as long as y, got 4 and 3"):
        sampling.snr_db(np.ones(3), np.ones(4))


@pytest.mark.parametrize("bad", NOT_WAVEFORMS)
@pytest.mark.parametrize(
    "call",
    [
        lambda bad: sampling.decimate(bad, 2),
        lambda bad: sampling.reconstruct(bad, sr=8000, t=[0.0]),
        lambda bad: sampling.quantise(bad, 8),
        lambda bad: sampling.snr_db(bad, np.ones(2)),
        lambda bad: sampling.snr_db(np.ones(2), bad),
    ],
)
def test_what_is_not_a_waveform_is_refused(call, bad):
    with pytest.raises(audio.AudioError, match=r"^(y|samples|y_quantised) must"):
        call(bad)


@settings(deadline=None)
@given(y=st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=20), factor=st.integers(1, 30))
def test_float64_is_converted(y, factor):
    y = np.array(y)
    assert sampling.decimate(y, factor).dtype == np.float32
    assert sampling.quantise(y, 8).dtype == np.float32
