"""Signals and notes whose numbers are known beforehand; librosa and scipy as oracles."""

import itertools

import librosa
import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers import metrics, transforms

SR = 8000
STFT = {"n_fft": 512, "hop_length": 128}
few = settings(deadline=None, max_examples=30)
MELS = {"sr": SR, "n_mels": 20, **STFT}
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
        lambda y: metrics.level_drift_db(y, sr=SR),
        lambda y: metrics.mfcc(y, sr=SR),
        lambda y: metrics.spectral_flatness(y, **STFT),
        lambda y: metrics.spectral_centroid(y, sr=SR, **STFT),
        metrics.crest_factor_db,
    ],
)
def test_what_is_no_waveform_is_named(measure, y, error, message):
    with pytest.raises(error, match=message):
        measure(y)


# Drift


@pytest.mark.parametrize("drift_db", [-6.0, 0.0, 12.0])
def test_drift_of_a_sound_that_swells_or_fades_evenly(drift_db):
    gain = 10 ** np.linspace(-1, -1 + drift_db / 20, 20 * SR)
    y = gain * sine(1000, duration=20)
    assert metrics.level_drift_db(y, sr=SR) == pytest.approx(drift_db, abs=0.01)


def test_a_few_silent_seconds_are_no_drift():
    y = sine(1000, duration=20)
    y[-2 * SR :] = 0
    assert metrics.level_drift_db(y, sr=SR) == pytest.approx(0, abs=0.01)


def test_drift_needs_two_windows():
    with pytest.raises(ValueError, match=r"two windows of 1.0 s at least, got 1.5 s"):
        metrics.level_drift_db(sine(1000, duration=1.5), sr=SR)


# Timbre


@pytest.mark.parametrize(("sr", "n_fft", "n_mels"), [(8000, 512, 20), (16_000, 1024, 40)])
def test_mel_filters_agree_with_librosa(sr, n_fft, n_mels):
    theirs = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels, htk=True, norm=None)
    np.testing.assert_allclose(
        metrics.mel_filter_bank(n_mels, sr=sr, n_fft=n_fft), theirs, atol=1e-6
    )


def test_a_filter_without_a_bin_is_named():
    with pytest.raises(ValueError, match=r"a bin of 15.625 Hz to every filter, got 200"):
        metrics.mel_filter_bank(200, sr=SR, n_fft=512)


@pytest.mark.parametrize("y", [noise(SR), sine(440) + noise(SR), np.zeros(SR, np.float32)])
def test_mfcc_agree_with_librosa(y):
    S = np.abs(transforms.stft(y, **STFT)).T / 128  # a full-scale sine is 1
    mels = librosa.feature.melspectrogram(S=S**2, sr=SR, n_mels=20, htk=True, norm=None)
    theirs = librosa.feature.mfcc(S=np.log(np.maximum(mels, 1e-6)), n_mfcc=13)
    ours = metrics.mfcc(y, n_mfcc=13, **MELS)
    np.testing.assert_allclose(ours, theirs.T, atol=1e-3)


def test_gain_moves_the_first_coefficient_only_and_what_nobody_hears_counts_as_silence():
    loud, quiet = (middle(metrics.mfcc(noise(SR) * gain, **MELS)) for gain in (1, 0.1))
    np.testing.assert_allclose((loud - quiet)[:, 0], np.log(100) * np.sqrt(20), atol=1e-3)
    np.testing.assert_allclose((loud - quiet)[:, 1:], 0, atol=1e-3)
    silence = metrics.mfcc(np.zeros(SR), **MELS)
    np.testing.assert_array_equal(metrics.mfcc(noise(SR) * 1e-4, **MELS), silence)
    assert np.ptp(metrics.mfcc(noise(SR) * 1e-4, floor_db=-120, **MELS)) > 1


def test_frechet_distance_of_known_gaussians():
    x = np.random.default_rng(0).standard_normal((500, 4))
    assert metrics.frechet_distance(x, x) == pytest.approx(0, abs=1e-12)
    assert metrics.frechet_distance(x, x[::-1] + np.array([3, 0, 4, 0])) == pytest.approx(25)
    assert metrics.frechet_distance(x, x * 3) > 1
    x = (x - x.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T  # covariance I
    scales = np.array([1, 2, 5, 0])
    assert metrics.frechet_distance(x, x * scales) == pytest.approx(np.sum((scales - 1) ** 2))


@few
@given(n_a=st.integers(2, 30), n_b=st.integers(2, 30), n_features=st.integers(1, 6))
def test_frechet_distance_agrees_with_the_matrix_square_root(n_a, n_b, n_features):
    rng = np.random.default_rng([n_a, n_b, n_features])
    a, b = rng.standard_normal((n_a, n_features)), rng.standard_normal((n_b, n_features)) * 2 + 1
    cov_a, cov_b = (np.cov(x.T).reshape(n_features, n_features) for x in (a, b))
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b).real  # of a product that is positive
    trace = np.trace(cov_a + cov_b) - 2 * np.sqrt(np.maximum(eigenvalues, 0)).sum()
    expected = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + trace
    assert metrics.frechet_distance(a, b) == pytest.approx(expected, abs=1e-5)
    assert metrics.frechet_distance(b, a) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", [(9,), (9, 2), (1, 3)])
def test_features_that_cannot_be_compared_are_named(shape):
    with pytest.raises(ValueError, match="two frames at least and as many features in both, got"):
        metrics.frechet_distance(np.zeros(shape), np.zeros((5, 3)))


def test_clips_are_compared_as_sets():
    clips = [sine(440), noise(SR), sine(1000)]
    same = metrics.mfcc_frechet_distance(clips, clips[::-1], **MELS)
    near = metrics.mfcc_frechet_distance([sine(440)], [sine(450)], **MELS)
    far = metrics.mfcc_frechet_distance([sine(440)], [noise(SR)], **MELS)
    assert same == pytest.approx(0, abs=1e-6)
    assert 0 < near < far


def test_textures_hear_change_that_frames_average_away():
    a, b = sine(440, duration=4), noise(4 * SR)
    halves = np.concatenate([a[: 2 * SR], b[2 * SR :]])
    turns = np.where(np.arange(4 * SR) // 800 % 2, b, a)  # the same sounds, in turn
    frames = metrics.mfcc_frechet_distance([halves], [turns], **MELS)
    textures = metrics.mfcc_frechet_distance([halves], [turns], texture_s=0.5, **MELS)
    assert textures > 4 * frames


def test_a_clip_shorter_than_a_texture_is_named():
    with pytest.raises(ValueError, match=r"fit into every clip, got 62 frames .* of 33"):
        metrics.mfcc_frechet_distance([sine(440)] * 2, [noise(4000)], sr=SR, texture_s=1, **STFT)


# Notes

ROLL = {"frame_rate": 16, "lowest": 60}
BAD_ROLLS = [
    (np.zeros((0, 5), np.uint8), r"not be empty, got uint8 in \(0, 5\)"),
    (np.zeros(5, np.uint8), r"shape \(n_frames, n_notes\)"),
    (np.zeros((5, 5)), "whole numbers in .* got float64"),
    (np.full((5, 5), 4), "states from 0 to 3, got 4 to 4"),
    (np.full((5, 5), -1), "states from 0 to 3, got -1 to -1"),
]
rolls = st.builds(
    lambda *shape_and_seed: music(shape_and_seed[:2], shape_and_seed[2]),
    st.integers(1, 25),
    st.integers(1, 5),
    st.integers(0, 10_000),
)


def music(shape, seed=0, density=0.2):
    """Notes at random; held never follows off, but for the first frame."""
    rng = np.random.default_rng(seed)
    roll = rng.choice(4, shape, p=[1 - density, density / 2, density / 4, density / 4]).astype("u1")
    for before, now in itertools.pairwise(roll):
        now[(now == 1) & (before == 0)] = 0
    return roll


def held(counts, n_frames):
    """Let each note sound for as many frames as `counts` says."""
    return (np.arange(n_frames)[:, None] < np.array(counts)).astype(np.uint8)


@pytest.mark.parametrize(("roll", "message"), BAD_ROLLS)
@pytest.mark.parametrize(
    "measure",
    [
        lambda roll: metrics.key_clarity(roll, **ROLL),
        lambda roll: metrics.chroma_entropy(roll, **ROLL),
        lambda roll: metrics.onset_rate(roll, frame_rate=16),
        lambda roll: metrics.rhythm_autocorrelation(roll, frame_rate=16),
        metrics.polyphony,
        metrics.silent_frames,
        metrics.dissonance,
        lambda roll: metrics.self_similarity(roll, frame_rate=16),
        lambda roll: metrics.copying(roll, [music((99, 5))], frame_rate=16),
        metrics.markov_table,
        lambda roll: metrics.shuffle_notes(roll, np.random.default_rng(0)),
    ],
)
def test_what_is_no_roll_is_named(measure, roll, message):
    with pytest.raises(ValueError, match=message):
        measure(roll)


MINOR = [633, 268, 352, 538, 260, 353, 254, 475, 398, 269, 334, 317]  # Krumhansl and Kessler


@pytest.mark.parametrize("tonic", range(12))
def test_notes_shared_out_as_listeners_expect_are_perfectly_clear(tonic):
    roll = held(np.roll(MINOR, tonic), 640)
    clarity = metrics.key_clarity(roll, frame_rate=16, lowest=36, window_s=40)
    assert clarity == pytest.approx(1)
    assert metrics.key_clarity(roll, frame_rate=16, lowest=45, window_s=90) == pytest.approx(1)


def test_windows_have_keys_of_their_own_and_silent_ones_none():
    parts = [held(np.roll(MINOR, tonic), 640) for tonic in (0, 6)]
    roll = np.concatenate([*parts, np.zeros_like(parts[0])])
    assert metrics.key_clarity(roll, **ROLL, window_s=40) == pytest.approx(1)
    assert metrics.key_clarity(roll, **ROLL, window_s=120) < 0.6


def test_clarity_and_entropy_of_notes_without_a_key():
    chromatic = np.ones((128, 24), np.uint8)
    assert metrics.key_clarity(chromatic, **ROLL) == 0
    assert metrics.chroma_entropy(chromatic, **ROLL) == pytest.approx(np.log2(12))
    silence = np.zeros((128, 24), np.uint8)
    assert np.isnan(metrics.key_clarity(silence, **ROLL))
    assert np.isnan(metrics.chroma_entropy(silence, **ROLL))


def test_entropy_of_octaves_and_of_a_scale():
    roll = np.zeros((300, 36), np.uint8)
    roll[:, [0, 12, 24]] = 1
    assert metrics.chroma_entropy(roll, **ROLL) == 0
    roll[:, [2, 4, 5, 7, 9, 11, 14, 16, 17, 19, 21, 23, 26, 28, 29, 31, 33, 35]] = 1
    assert metrics.chroma_entropy(roll, **ROLL) == pytest.approx(np.log2(7))


@few
@given(roll=rolls, lowest=st.integers(20, 40))
def test_measures_of_harmony_are_the_same_in_every_key(roll, lowest):
    moved = {"frame_rate": 16, "lowest": lowest}
    for measure in (metrics.key_clarity, metrics.chroma_entropy):
        expected = measure(roll, **ROLL)
        assert measure(roll, **moved) == pytest.approx(expected, nan_ok=True)


def test_onset_rate_polyphony_and_silence_of_known_notes():
    roll = np.zeros((32, 3), np.uint8)
    roll[8, 0], roll[9:16, 0] = 3, 1
    roll[12, 1], roll[13:16, 1] = 2, 1
    assert metrics.onset_rate(roll, frame_rate=16) == 1
    assert metrics.polyphony(roll) == (8 + 4) / 8
    assert metrics.silent_frames(roll) == 24 / 32
    assert metrics.polyphony(roll[:8]) == 0


def test_rhythm_of_a_pulse_of_noise_and_of_nothing():
    roll = np.zeros((480, 4), np.uint8)
    roll[::8, 1] = 2  # twice a second
    assert metrics.rhythm_autocorrelation(roll, frame_rate=16) == pytest.approx(1 - 8 / 480)
    roll[::8, 1], roll[::32, 1] = 0, 2  # too slow to be a beat
    assert metrics.rhythm_autocorrelation(roll, frame_rate=16) < 0
    assert metrics.rhythm_autocorrelation(music((480, 40)), frame_rate=16) < 0.2
    assert metrics.rhythm_autocorrelation(np.ones((480, 4), np.uint8), frame_rate=16) == 0


def test_rhythm_needs_more_than_the_longest_lag():
    with pytest.raises(ValueError, match=r"roll must last 1.5625 s = 25 frames at least, got 24"):
        metrics.rhythm_autocorrelation(np.zeros((24, 3), np.uint8), frame_rate=16)


@pytest.mark.parametrize(
    ("notes", "share"),
    [([0, 4, 7, 12], 0), ([0, 1, 6], 2 / 3), ([0, 11, 13, 26], 5 / 6), ([0, 10, 20], 2 / 3)],
)
def test_dissonance_of_known_chords(notes, share):
    roll = np.zeros((5, 30), np.uint8)
    roll[2:, notes] = 1
    assert metrics.dissonance(roll) == pytest.approx(share)


def test_dissonance_of_random_notes_and_of_single_ones():
    roll = music((2000, 48), density=0.1)
    assert metrics.dissonance(roll) == pytest.approx(5 / 12, abs=0.02)
    assert np.isnan(metrics.dissonance(np.eye(9, dtype=np.uint8)))


# What comes back


def jaccard(a, b):
    return np.sum(a & b) / max(np.sum(a | b), 1)


def test_a_piece_that_returns_is_similar_to_itself_and_a_random_one_is_not():
    a, b, *others = (music((160, 40), seed, density=0.06) for seed in range(5))
    again = metrics.self_similarity(np.concatenate([a, b, a, b, a]), frame_rate=16)
    never = metrics.self_similarity(np.concatenate([a, b, *others]), frame_rate=16)
    assert again == 1
    assert never < 0.15
    once = metrics.self_similarity(np.concatenate([a, *others[:2], a]), frame_rate=16)
    assert never < once < again


def test_what_comes_back_at_once_does_not_count():
    a, *others = (music((64, 40), seed, density=0.06) for seed in range(9))
    roll = np.concatenate([a, a, *others[:4]])
    assert metrics.self_similarity(roll, frame_rate=16, gap_s=8) < 0.15
    assert metrics.self_similarity(roll, frame_rate=16, gap_s=4) > 0.2
    assert metrics.self_similarity(roll * 0, frame_rate=16) == 0


def test_self_similarity_needs_a_passage_for_every_window():
    with pytest.raises(ValueError, match=r"must last 20.0 s = 320 frames at least, got 319"):
        metrics.self_similarity(np.zeros((319, 3), np.uint8), frame_rate=16)


@few
@given(roll=rolls, length=st.integers(1, 6), gap=st.integers(1, 9), hop=st.integers(1, 5))
def test_self_similarity_is_that_of_its_definition(roll, length, gap, hop):
    assume(len(roll) >= length + 2 * gap)
    struck, last = roll > 1, len(roll) - length
    starts = sorted({*range(0, last, hop), last})
    best = [
        max(
            jaccard(struck[i : i + length], struck[j : j + length])
            for j in range(last + 1)
            if abs(i - j) >= gap
        )
        for i in starts
    ]
    ours = metrics.self_similarity(roll, frame_rate=1, window_s=length, gap_s=gap, hop_s=hop)
    assert ours == pytest.approx(np.mean(best))


@pytest.mark.parametrize("semitones", [-6, -1, 0, 5, 6])
def test_a_transposed_training_passage_is_a_copy(semitones):
    training = [np.pad(music((200, 20), seed), ((0, 0), (6, 6))) for seed in range(3)]
    roll = np.roll(training[1][40:136], semitones, axis=1)
    similarity, nearest = metrics.copying(roll, training, frame_rate=16)
    np.testing.assert_array_equal(similarity, 1)
    np.testing.assert_array_equal(nearest, [[1, 40 + hop, semitones] for hop in (0, 24, 48)])
    similarity, _ = metrics.copying(roll, training[::2], frame_rate=16)
    assert similarity.max() < 0.5


@few
@given(roll=rolls, training=st.lists(rolls, min_size=1, max_size=3), length=st.integers(1, 5))
def test_copying_is_that_of_its_definition(roll, training, length):
    training = [np.resize(other, (len(other), roll.shape[1])) for other in training]
    assume(min(len(roll), max(map(len, training))) >= length)
    similarity, nearest = metrics.copying(
        roll, training, frame_rate=1, window_s=length, hop_s=2, semitones=2
    )
    last = len(roll) - length
    starts = sorted({*range(0, last, 2), last})
    assert len(similarity) == len(nearest) == len(starts)
    wide = [np.pad(other > 0, ((0, 0), (2, 2))) for other in [roll, *training]]

    def compare(start, index, first, shift):
        window = wide[0][start : start + length]
        return jaccard(window, np.roll(wide[1 + index][first : first + length], shift, axis=1))

    for start, score, found in zip(starts, similarity, nearest, strict=True):
        everywhere = [
            compare(start, index, first, shift)
            for index, other in enumerate(training)
            for first in range(len(other) - length + 1)
            for shift in range(-2, 3)
        ]
        assert score == pytest.approx(max(everywhere))
        assert score == pytest.approx(compare(start, *found))


def test_copying_passes_over_short_training_rolls_and_a_silent_window_is_no_copy():
    training = [np.zeros((10, 4), np.uint8), music((100, 4))]
    similarity, nearest = metrics.copying(training[1][20:68], training, frame_rate=16)
    np.testing.assert_array_equal(nearest, [[1, 20, 0]])
    similarity, _ = metrics.copying(np.zeros((48, 4), np.uint8), training, frame_rate=16)
    np.testing.assert_array_equal(similarity, 0)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ([], r"training_rolls must last 3.0 s = 48 frames at least, got 0"),
        ([music((47, 4))], r"training_rolls must last .* got 47"),
        ([music((48, 5))], r"as many notes, got \[4, 5\] notes in 2 rolls"),
    ],
)
def test_training_music_that_cannot_be_compared_is_named(training, message):
    with pytest.raises(ValueError, match=message):
        metrics.copying(music((48, 4)), training, frame_rate=16)
    with pytest.raises(ValueError, match="roll must last"):
        metrics.copying(music((47, 4)), [music((48, 4))], frame_rate=16)


# Controls


def test_a_markov_table_is_recovered_from_what_it_composes():
    table = np.random.default_rng(0).dirichlet(np.ones(4), (3, 4))
    roll = metrics.markov_sample(table, 50_000, np.random.default_rng(1))
    learnt = metrics.markov_table(roll)
    np.testing.assert_allclose(learnt, table, atol=0.03)
    assert metrics.bits_per_frame(roll, learnt) <= metrics.bits_per_frame(roll, table) + 1e-3


def test_counts_shrink_towards_what_all_notes_share():
    often, never = np.zeros((1001, 1), np.uint8), np.zeros((1001, 1), np.uint8)
    often[1::2] = 2  # onset, off, onset, off
    table = metrics.markov_table(np.hstack([often, never]), shrinkage=500)
    np.testing.assert_allclose(table.sum(axis=2), 1)
    off_to_off = 1000 / 1500  # of both notes' 1500 frames that are off and have a successor
    assert table[1, 0, 0] == pytest.approx((1000 + 500 * off_to_off) / 1500, abs=1e-3)
    assert table[1, 2, 0] == pytest.approx(1, abs=1e-3)  # never struck, yet it knows what follows
    assert table.min() > 0


def test_the_unigram_model_forgets_the_last_state():
    table = metrics.markov_table([music((300, 4)), music((200, 4), 1)], order=0)
    np.testing.assert_allclose(table, table[:, :1].repeat(4, axis=1))


def test_bits_of_known_tables():
    roll = music((50, 7))
    assert metrics.bits_per_frame(roll, np.full((7, 4, 4), 1 / 4)) == pytest.approx(14)
    certain = np.zeros((1, 4, 4))
    certain[0, [0, 2], [2, 0]] = 1
    pulse = np.tile(np.uint8([[0], [2]]), (5, 1))
    assert metrics.bits_per_frame([pulse, pulse[1:]], certain) == 0
    assert metrics.bits_per_frame(np.zeros((5, 1), np.uint8), certain) == np.inf


def test_baselines_fall_from_uniform_to_markov():
    training = [np.repeat(music((300, 6), seed), 2, axis=0) for seed in range(3)]
    bits = metrics.note_baselines(training[:1], training)
    assert list(bits) == ["uniform", "unigram", "Markov"]
    assert bits["uniform"] == 12
    assert bits["uniform"] > bits["unigram"] > bits["Markov"]


@pytest.mark.parametrize("shape", [(9, 3), (1, 2)])
def test_rolls_that_a_table_cannot_judge_are_named(shape):
    with pytest.raises(ValueError, match="the notes of the table and a frame to predict, got"):
        metrics.bits_per_frame(np.zeros(shape, np.uint8), np.full((2, 4, 4), 1 / 4))


def test_no_rolls_at_all_are_named():
    with pytest.raises(ValueError, match=r"must be one at least, .* in 0 rolls"):
        metrics.markov_table([])


def test_sampling_follows_the_table_from_the_start():
    turns = np.zeros((2, 4, 4))
    turns[:, [0, 1, 2, 3], [2, 0, 1, 3]] = 1  # off, soft onset, held, off; loud onset for ever
    roll = metrics.markov_sample(turns, 4, np.random.default_rng(0), start=[3, 1])
    np.testing.assert_array_equal(roll, [[3, 0], [3, 2], [3, 1], [3, 0]])
    roll = metrics.markov_sample(turns, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(roll, [[2, 2]])
    with pytest.raises(ValueError, match="each of the table's 2 notes, got 3"):
        metrics.markov_sample(turns, 4, np.random.default_rng(0), start=[0, 0, 0])


def soundings(column):
    """List a note's soundings, as (frames, level), by walking through the frames."""
    found = []
    for before, now in itertools.pairwise([0, *column.tolist()]):
        if now > 1 or (now == 1 and before == 0):
            found.append([1, max(now, 2)])
        elif now == 1:
            found[-1][0] += 1
    return sorted(found)


@few
@given(roll=rolls, seed=st.integers(0, 5))
def test_shuffling_keeps_every_note_and_only_moves_it(roll, seed):
    shuffled = metrics.shuffle_notes(roll, np.random.default_rng(seed))
    assert shuffled.dtype == np.uint8
    for before, after in zip(roll.T, shuffled.T, strict=True):
        assert soundings(after) == soundings(before)
        assert not ((after[1:] == 1) & (after[:-1] == 0)).any()


def test_shuffling_moves_notes_anywhere():
    roll = np.zeros((4, 1), np.uint8)
    roll[0], roll[1] = 3, 1
    rng = np.random.default_rng(0)
    starts = [metrics.shuffle_notes(roll, rng)[:, 0].argmax() for _ in range(3000)]
    np.testing.assert_allclose(np.bincount(starts) / 3000, 1 / 3, atol=0.03)


# The listening test


@few
@given(n_trials=st.integers(1, 200), share=st.floats(0, 1), confidence=st.floats(0.5, 0.99))
def test_wilson_interval_agrees_with_scipy(n_trials, share, confidence):
    n_right = round(share * n_trials)
    theirs = scipy.stats.binomtest(n_right, n_trials).proportion_ci(confidence, method="wilson")
    ours = metrics.wilson_interval(n_right, n_trials, confidence)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize(
    ("n_right", "n_trials", "confidence", "message"),
    [
        (0, 0, 0.95, "n_trials be at least 1, got 0 of 0"),
        (5, 4, 0.95, "between 0 and n_trials, .* got 5 of 4"),
        (-1, 4, 0.95, "got -1 of 4"),
        (2, 4, 95, "between 0 and 1, got 95"),
    ],
)
def test_impossible_listening_tests_are_named(n_right, n_trials, confidence, message):
    with pytest.raises(ValueError, match=message):
        metrics.wilson_interval(n_right, n_trials, confidence)
