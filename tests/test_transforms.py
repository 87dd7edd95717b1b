"""Round trips, known spectra, and numpy, scipy and librosa as oracles."""

import tracemalloc

import librosa  # compiles for some 20 s when it is first used in an environment
import numpy as np
import pytest
import scipy.signal
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helpers import audio, transforms

WINDOWS = ["hann", "hamming", "blackman", "boxcar", "bartlett", ("kaiser", 8.0), ("tukey", 0.3)]
SPECTRA = np.ones((5, 9), np.complex64)  # of frames of 16 samples
samples = st.floats(-1, 1, width=32)


def noise(n_samples, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, n_samples).astype(np.float32)


def waveforms(max_size):
    return st.integers(1, max_size).flatmap(lambda n: arrays(np.float32, n, elements=samples))


# Blocks


@pytest.mark.parametrize("block_length", [1, 2, 5, 11])
@pytest.mark.parametrize("difference", [-1, 0, 1])
def test_last_block_is_padded_with_zeros(block_length, difference):
    y = noise(3 * block_length + difference)
    blocks = transforms.split_blocks(y, block_length)
    assert blocks.shape == (-(-y.size // block_length), block_length)
    assert blocks.dtype == np.float32
    np.testing.assert_array_equal(blocks.ravel()[: y.size], y)
    assert not blocks.ravel()[y.size :].any()


def test_one_sample_makes_one_block():
    np.testing.assert_array_equal(
        transforms.split_blocks(np.float32([0.5]), 4), [[0.5, 0.0, 0.0, 0.0]]
    )


@settings(deadline=None)
@given(y=waveforms(300), block_length=st.integers(1, 400))
def test_blocks_round_trip_exactly(y, block_length):
    blocks = transforms.split_blocks(y, block_length)
    np.testing.assert_array_equal(transforms.join_blocks(blocks, y.size), y)


@pytest.mark.parametrize("n_samples", [2, 4])
def test_blocks_share_no_memory_with_the_waveform(n_samples):
    y = noise(4)
    blocks = transforms.split_blocks(y, 2)
    assert not np.shares_memory(blocks, y)
    assert not np.shares_memory(transforms.join_blocks(blocks, n_samples), blocks)


def test_joining_more_samples_than_there_are_is_refused():
    with pytest.raises(ValueError, match=r"n_samples must be at most 8 samples, got 9"):
        transforms.join_blocks(np.zeros((2, 4), np.float32), 9)


# Spectra of blocks


@settings(deadline=None)
@given(y=waveforms(400), block_length=st.integers(1, 300))
def test_spectra_round_trip(y, block_length):
    blocks = transforms.split_blocks(y, block_length)
    spectra = transforms.rfft_blocks(blocks)
    back = transforms.irfft_blocks(spectra, block_length=block_length)
    assert (spectra.dtype, back.dtype) == (np.complex64, np.float32)
    assert spectra.shape == (len(blocks), block_length // 2 + 1)
    np.testing.assert_allclose(transforms.join_blocks(back, y.size), y, atol=2e-6)


@pytest.mark.parametrize(
    ("block_length", "tolerance"), [(2048, 1e-6), (11025, 1e-6), (44100, 1e-6), (11027, 2e-6)]
)
def test_ten_seconds_of_noise_come_back_within_a_millionth(block_length, tolerance):
    # 11027 is prime, and its FFT a detour over a longer one (Bluestein) that rounds more often
    y = noise(441_000)
    spectra = transforms.rfft_blocks(transforms.split_blocks(y, block_length))
    back = transforms.irfft_blocks(spectra, block_length=block_length)
    assert np.abs(transforms.join_blocks(back, y.size) - y).max() < tolerance


@pytest.mark.parametrize("block_length", [8, 7, 1])
def test_spectra_agree_with_numpy(block_length):
    blocks = noise(3 * block_length).reshape(3, block_length)
    oracle = np.fft.rfft(blocks.astype(float))
    np.testing.assert_allclose(transforms.rfft_blocks(blocks), oracle, atol=1e-6)


def test_sine_in_the_middle_of_a_bin_fills_that_bin_alone():
    block = np.sin(2 * np.pi * 5 * np.arange(64) / 64)[None]
    magnitudes = np.abs(transforms.rfft_blocks(block))[0]
    assert magnitudes[5] == pytest.approx(32)
    assert np.delete(magnitudes, 5).max() < 1e-5


@pytest.mark.parametrize("block_length", [8, 15, 11])
def test_spectra_of_another_length_are_refused(block_length):
    with pytest.raises(ValueError, match=r"spectra must have . bins for FFTs of .* got 9; pass"):
        transforms.irfft_blocks(SPECTRA, block_length=block_length)


@pytest.mark.parametrize("n_fft", [1, 2, 7, 2048])
def test_bin_frequencies_agree_with_numpy(n_fft):
    np.testing.assert_array_equal(
        transforms.bin_frequencies(n_fft, sr=22050), np.fft.rfftfreq(n_fft, 1 / 22050)
    )


@pytest.mark.parametrize("sr", [0, -1, np.nan, np.inf])
def test_bin_frequencies_refuse_an_impossible_rate(sr):
    with pytest.raises(ValueError, match="sr must be a positive number of Hz"):
        transforms.bin_frequencies(8, sr=sr)


# Windows and frames


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("n", [1, 2, 15, 16])
def test_windows_are_scipys_periodic_ones(name, n):
    w = transforms.window(name, n)
    assert w.dtype == np.float32
    np.testing.assert_allclose(w, scipy.signal.get_window(name, n), atol=1e-7)


@pytest.mark.parametrize("name", ["hunn", "kaiser", "", None])
def test_unknown_windows_are_refused(name):
    with pytest.raises(ValueError, match=r"name must be a window that scipy.*got"):
        transforms.window(name, 8)


@pytest.mark.parametrize(
    ("frame_length", "hop_length"), [(1, 1), (4, 1), (4, 3), (4, 4), (5, 1), (5, 3), (5, 5)]
)
@pytest.mark.parametrize("n_samples", [1, 2, 3, 4, 5, 12, 13])
def test_frame_k_is_centred_on_sample_k_hops(n_samples, frame_length, hop_length):
    y = noise(n_samples)
    frames = transforms.frame(y, frame_length=frame_length, hop_length=hop_length)
    assert frames.shape == (1 + -(-n_samples // hop_length), frame_length)
    at_centres = np.append(y[::hop_length], 0)
    np.testing.assert_array_equal(frames[:, frame_length // 2], at_centres)


def test_frames_share_their_samples_and_are_read_only():
    frames = transforms.frame(noise(100_000), frame_length=2048, hop_length=1)
    assert frames.strides == (4, 4)
    assert not frames.flags.writeable


@pytest.mark.parametrize(("frame_length", "hop_length"), [(1, 1), (4, 4), (5, 2), (5, 3), (8, 1)])
def test_overlap_add_agrees_with_adding_frame_by_frame(frame_length, hop_length):
    frames = noise(6 * frame_length).reshape(6, frame_length)
    expected = np.zeros(5 * hop_length + frame_length)
    for k, one_frame in enumerate(frames):
        expected[k * hop_length : k * hop_length + frame_length] += one_frame
    total = transforms.overlap_add(frames, hop_length=hop_length)
    np.testing.assert_allclose(total, expected, atol=1e-6)


@settings(deadline=None)
@given(y=waveforms(200), half=st.integers(1, 40))
def test_hann_frames_half_overlapped_add_up_to_the_waveform(y, half):
    frames = transforms.frame(y, frame_length=2 * half, hop_length=half)
    windowed = frames * transforms.window("hann", 2 * half)
    back = transforms.overlap_add(windowed, hop_length=half, n_samples=y.size)
    np.testing.assert_allclose(back, y, atol=1e-6)


def test_overlap_add_refuses_samples_beyond_the_last_centre():
    with pytest.raises(ValueError, match=r"n_samples must be at most 8 samples, got 9"):
        transforms.overlap_add(np.ones((5, 4)), hop_length=2, n_samples=9)


@pytest.mark.parametrize(
    "call",
    [
        lambda: transforms.frame(noise(9), frame_length=4, hop_length=5),
        lambda: transforms.overlap_add(np.ones((5, 4)), hop_length=5),
        lambda: transforms.stft(noise(9), n_fft=4, hop_length=5),
        lambda: transforms.istft(np.ones((5, 3), complex), hop_length=5, n_samples=9),
    ],
)
def test_hops_that_leave_gaps_are_refused(call):
    with pytest.raises(ValueError, match="hop_length must be at most the frame's 4 samples, got 5"):
        call()


# Short-time Fourier transform


@settings(deadline=None)
@given(
    y=waveforms(300),
    half=st.integers(1, 40),
    hop_length=st.integers(1, 80),
)
def test_stft_round_trips_wherever_the_windows_cover(y, half, hop_length):
    n_fft = 2 * half
    assume(hop_length <= n_fft)
    squared = np.zeros((-(-n_fft // hop_length), hop_length))
    squared.ravel()[:n_fft] = transforms.window("hann", n_fft) ** 2
    assume(squared.sum(0).min() > 0.01 * squared.sum(0).max())
    spectra = transforms.stft(y, n_fft=n_fft, hop_length=hop_length)
    back = transforms.istft(spectra, hop_length=hop_length, n_samples=y.size)
    assert (spectra.dtype, back.dtype) == (np.complex64, np.float32)
    assert spectra.shape == (1 + -(-y.size // hop_length), half + 1)
    np.testing.assert_allclose(back, y, atol=5e-6)


@pytest.mark.parametrize("n_samples", [1, 2047, 2048, 2049, 441_000])
@pytest.mark.parametrize("hop_length", [512, 1024])
def test_stft_brings_noise_back_within_a_millionth(n_samples, hop_length):
    y = noise(n_samples)
    spectra = transforms.stft(y, n_fft=2048, hop_length=hop_length)
    back = transforms.istft(spectra, hop_length=hop_length, n_samples=n_samples)
    assert np.abs(back - y).max() < 1e-6


@pytest.mark.parametrize("n_samples", [4096, 5000])
def test_stft_and_istft_agree_with_librosa(n_samples):
    y = noise(n_samples)
    spectra = transforms.stft(y, n_fft=512, hop_length=128)
    settings = {"n_fft": 512, "hop_length": 128, "window": "hann"}
    oracle = librosa.stft(y, pad_mode="constant", **settings).T
    np.testing.assert_allclose(spectra[: len(oracle)], oracle, atol=1e-4)
    n_samples = 128 * (len(oracle) - 1)
    back = transforms.istft(oracle, hop_length=128, n_samples=n_samples)
    np.testing.assert_allclose(
        back, librosa.istft(oracle.T, length=n_samples, **settings), atol=2e-6
    )


@pytest.mark.parametrize("hop_length", [1, 100, 128, 200])
def test_stft_and_istft_agree_with_scipy(hop_length):
    y = noise(3000)
    w = scipy.signal.get_window("hann", 256)
    oracle = scipy.signal.ShortTimeFFT(w, hop_length, fs=1, phase_shift=None)
    n_frames = 1 + -(-y.size // hop_length)
    spectra = transforms.stft(y, n_fft=256, hop_length=hop_length)
    np.testing.assert_allclose(spectra, oracle.stft(y, p0=0, p1=n_frames).T, atol=1e-4)
    back = transforms.istft(spectra, hop_length=hop_length, n_samples=y.size)
    inverse = oracle.istft(oracle.stft(y), k1=y.size)
    np.testing.assert_allclose(back, inverse, atol=1e-5)


def test_stft_in_chunks_is_that_in_one_go(monkeypatch):
    y = noise(1000)
    spectra = transforms.stft(y, n_fft=64, hop_length=20)
    back = transforms.istft(spectra, hop_length=20, n_samples=y.size)
    monkeypatch.setattr(transforms, "_CHUNK_VALUES", 3 * 64)
    in_chunks = transforms.stft(y, n_fft=64, hop_length=20)
    np.testing.assert_array_equal(in_chunks, spectra)
    np.testing.assert_allclose(
        transforms.istft(in_chunks, hop_length=20, n_samples=y.size), back, atol=1e-6
    )


def test_istft_of_altered_spectra_is_the_nearest_waveform():
    rng = np.random.default_rng(0)
    spectra = (rng.standard_normal((9, 17)) + 1j * rng.standard_normal((9, 17))).astype("c8")

    def distance(y):
        # both halves of each full spectrum count: inner bins twice
        difference = np.abs(transforms.stft(y, n_fft=32, hop_length=8)[1:-1] - spectra[1:-1]) ** 2
        return (difference * ([1] + 15 * [2] + [1])).sum()

    y = transforms.istft(spectra, hop_length=8, n_samples=64)
    inside = slice(24, 40)  # covered by the inner frames alone
    for _ in range(20):
        change = np.zeros_like(y)
        change[inside] = 0.05 * rng.standard_normal(16)
        assert distance(y) < distance(y + change)


@pytest.mark.parametrize("hop_length", [63, 64])
def test_windows_that_leave_samples_uncovered_are_refused(hop_length):
    y = noise(200)
    spectra = transforms.stft(y, n_fft=64, hop_length=hop_length)
    with pytest.raises(ValueError, match=r"hop_length must let .* uncovered.* a hop of 16 will do"):
        transforms.istft(spectra, hop_length=hop_length, n_samples=60)


def test_istft_refuses_samples_beyond_the_last_centre():
    with pytest.raises(ValueError, match=r"n_samples must be at most 16 samples, got 17"):
        transforms.istft(SPECTRA, hop_length=4, n_samples=17)


@pytest.mark.parametrize("n_fft", [1, 2049])
def test_stft_refuses_odd_lengths(n_fft):
    with pytest.raises(ValueError, match=f"n_fft must be .*, got {n_fft}"):
        transforms.stft(noise(100), n_fft=n_fft, hop_length=1)


def test_five_minutes_need_little_more_memory_than_their_spectra():
    y = noise(5 * 60 * 44100)
    tracemalloc.start()
    spectra = transforms.stft(y, n_fft=2048, hop_length=512)
    forwards = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.reset_peak()
    back = transforms.istft(spectra, hop_length=512, n_samples=y.size)
    backwards = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert spectra.nbytes / 1e6 == pytest.approx(212, abs=1)
    assert forwards < 300
    assert backwards < 450  # the spectra included
    assert np.abs(back - y).max() < 1e-6


# Magnitudes, features, phases


def test_full_scale_sine_reads_zero_decibels():
    y = np.sin(2 * np.pi * 8 * np.arange(256) / 64)
    w = transforms.window("hann", 64)
    spectra = transforms.stft(y, n_fft=64, hop_length=32)
    level_db = transforms.magnitude_db(spectra, reference=w.sum() / 2)
    assert level_db.dtype == np.float32
    np.testing.assert_allclose(level_db[2:-2, 8], 0, atol=1e-4)
    assert np.unravel_index(level_db.argmax(), level_db.shape)[1] == 8


@pytest.mark.parametrize("floor_db", [-100.0, -40, -2000, -np.inf])
def test_levels_stop_at_the_floor(floor_db):
    level_db = transforms.magnitude_db(np.float32([1, 0]), reference=10, floor_db=floor_db)
    np.testing.assert_allclose(level_db, [-20, floor_db], atol=1e-5)


@pytest.mark.parametrize("reference", [0, -1.0, np.nan])
def test_impossible_reference_is_refused(reference):
    with pytest.raises(ValueError, match="reference must be a positive magnitude"):
        transforms.magnitude_db(SPECTRA, reference=reference)


@settings(deadline=None)
@given(frames=arrays(np.float32, st.tuples(st.integers(1, 5), st.just(12)), elements=samples))
def test_features_round_trip_exactly(frames):
    spectra = transforms.features_to_spectra(frames)
    assert spectra.dtype == np.complex64
    np.testing.assert_array_equal(spectra.real, frames[:, :6])
    np.testing.assert_array_equal(spectra.imag, frames[:, 6:])
    back = transforms.spectra_to_features(spectra)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, frames)


def test_odd_number_of_features_is_refused():
    with pytest.raises(ValueError, match="got 5, an odd number; pass what spectra_to_features"):
        transforms.features_to_spectra(np.zeros((2, 5), np.float32))


@pytest.mark.parametrize("n_fft", [1, 2, 3, 256, 255])
def test_shuffled_phases_keep_the_magnitudes_through_the_inverse(n_fft):
    spectra = transforms.rfft_blocks(noise(4 * n_fft).reshape(4, n_fft))
    shuffled = transforms.shuffle_phase(spectra, np.random.default_rng(0))
    assert shuffled.dtype == np.complex64
    y = transforms.irfft_blocks(shuffled, block_length=n_fft)
    again = transforms.rfft_blocks(y)
    np.testing.assert_allclose(np.abs(again), np.abs(spectra), atol=1e-5)
    np.testing.assert_array_equal(shuffled[:, [0, -1]], spectra[:, [0, -1]])


def test_shuffled_phases_are_even_and_follow_the_seed():
    spectra = np.full((50, 402), 2, np.complex64)
    shuffled = transforms.shuffle_phase(spectra, np.random.default_rng(0))
    counts = np.histogram(np.angle(shuffled[:, 1:-1]), bins=8, range=(-np.pi, np.pi))[0]
    np.testing.assert_allclose(counts, 2500, rtol=0.1)
    again = transforms.shuffle_phase(spectra, np.random.default_rng(0))
    np.testing.assert_array_equal(shuffled, again)


@pytest.mark.parametrize("rng", [None, 0, np.random])
def test_phases_without_generator_are_refused(rng):
    with pytest.raises(TypeError, match=r"rng must be a generator, np\.random\.default_rng\(seed"):
        transforms.shuffle_phase(SPECTRA, rng)


# Griffin-Lim


def melody():
    """Four notes of three partials each, 2 s at 8 kHz."""
    t = np.arange(16000) / 8000
    f0 = np.repeat([220, 277, 330, 440], 4000)
    fade = np.exp(-6 * (t % 0.5))
    return (0.2 * fade * sum(np.sin(2 * np.pi * k * f0 * t) / k for k in (1, 2, 3))).astype("f4")


def inconsistency(y, magnitudes):
    rebuilt = np.abs(transforms.stft(y, n_fft=512, hop_length=128))
    return np.linalg.norm(rebuilt - magnitudes) / np.linalg.norm(magnitudes)


def test_griffin_lim_comes_as_near_as_librosas():
    y = melody()
    magnitudes = np.abs(transforms.stft(y, n_fft=512, hop_length=128))
    ours = transforms.griffin_lim(
        magnitudes, n_fft=512, hop_length=128, n_samples=y.size, rng=np.random.default_rng(0)
    )
    theirs = librosa.griffinlim(
        magnitudes.T, n_iter=32, hop_length=128, length=y.size, pad_mode="constant", random_state=0
    )
    assert (ours.shape, ours.dtype) == (y.shape, np.float32)
    assert inconsistency(ours, magnitudes) < 1.1 * inconsistency(theirs, magnitudes)


def test_griffin_lim_comes_nearer_with_every_few_iterations():
    magnitudes = np.abs(transforms.stft(melody(), n_fft=512, hop_length=128))
    errors = [
        inconsistency(
            transforms.griffin_lim(
                magnitudes,
                n_fft=512,
                hop_length=128,
                n_samples=16000,
                rng=np.random.default_rng(0),
                n_iterations=n_iterations,
            ),
            magnitudes,
        )
        for n_iterations in (0, 4, 16, 64)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.25 * errors[0]


@pytest.mark.parametrize("n_samples", [1, 127, 128, 129])
def test_griffin_lim_of_silence_is_silent_and_of_the_asked_length(n_samples):
    n_frames = 1 + -(-n_samples // 4)
    y = transforms.griffin_lim(
        np.zeros((n_frames, 9), np.float32),
        n_fft=16,
        hop_length=4,
        n_samples=n_samples,
        rng=np.random.default_rng(0),
        n_iterations=2,
    )
    np.testing.assert_array_equal(y, np.zeros(n_samples))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"n_fft": 32}, ValueError, "magnitudes must have 17 bins for FFTs of 32 samples, got 9"),
        ({"n_samples": 17}, ValueError, "magnitudes must have 6 frames for 17 samples .* got 5"),
        ({"hop_length": 0}, ValueError, "hop_length must be at least 1 sample, got 0"),
        ({"n_iterations": -1}, ValueError, "n_iterations must be at least 0 iterations, got -1"),
        ({"magnitudes": -np.ones((5, 9))}, ValueError, r"magnitudes must be at least 0, got -1"),
        ({"magnitudes": SPECTRA}, ValueError, "magnitudes must hold real floating point numbers"),
        ({"rng": None}, TypeError, "rng must be a generator"),
    ],
)
def test_griffin_lim_refuses_what_does_not_match(change, error, message):
    good = {
        "magnitudes": np.abs(SPECTRA),
        "n_fft": 16,
        "hop_length": 4,
        "n_samples": 16,
        "rng": np.random.default_rng(0),
    }
    with pytest.raises(error, match=message):
        transforms.griffin_lim(**(good | change))


# What goes in is checked

TAKES_WAVEFORM = [
    lambda y: transforms.split_blocks(y, 4),
    lambda y: transforms.frame(y, frame_length=4, hop_length=2),
    lambda y: transforms.stft(y, n_fft=4, hop_length=2),
]
TAKES_ARRAY = {
    "blocks": [lambda x: transforms.join_blocks(x, 1), transforms.rfft_blocks],
    "frames": [lambda x: transforms.overlap_add(x, hop_length=1), transforms.features_to_spectra],
    "spectra": [
        lambda x: transforms.irfft_blocks(x, block_length=4),
        lambda x: transforms.istft(x, hop_length=2, n_samples=8),
        transforms.spectra_to_features,
        lambda x: transforms.shuffle_phase(x, np.random.default_rng(0)),
    ],
}
CALLS = [(name, call) for name, calls in TAKES_ARRAY.items() for call in calls]


@pytest.mark.parametrize(("name", "call"), CALLS)
def test_bad_arrays_are_refused(name, call):
    for shape in ((0, 4), (3, 2, 4)):
        message = rf"{name} must have shape \(.*not be empty, got shape"
        with pytest.raises(ValueError, match=message):
            call(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match=f"{name} must be finite, got NaN or infinity in 8 of 8"):
        call(np.full((2, 4), np.nan))
    with pytest.raises(ValueError, match=f"{name} must hold .* got int16; integers need scaling"):
        call(np.zeros((2, 4), np.int16))


@pytest.mark.parametrize("call", TAKES_WAVEFORM)
@pytest.mark.parametrize(
    "bad", [np.zeros(0), np.zeros((3, 8)), np.array([np.nan]), np.zeros(8, int)]
)
def test_what_is_no_waveform_is_refused(call, bad):
    with pytest.raises(audio.AudioError, match=r"^y must"):
        call(bad)


@pytest.mark.parametrize("bad", [np.zeros(0), np.array([np.inf])])
def test_levels_of_nothing_or_infinity_are_refused(bad):
    with pytest.raises(ValueError, match="spectra must"):
        transforms.magnitude_db(bad)


def test_complex_waveform_is_refused():
    with pytest.raises(audio.AudioError, match=r"y must .* got complex128"):
        transforms.split_blocks(np.zeros(4, complex), 2)


def test_float64_is_computed_in_single_precision():
    y = noise(64).astype(np.float64)
    assert transforms.split_blocks(y, 8).dtype == np.float32
    assert transforms.frame(y, frame_length=8, hop_length=4).dtype == np.float32
    assert transforms.stft(y, n_fft=8, hop_length=4).dtype == np.complex64
    assert transforms.rfft_blocks(y.reshape(8, 8)).dtype == np.complex64
    assert transforms.irfft_blocks(np.ones((2, 5), complex), block_length=8).dtype == np.float32


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("block_length", lambda n: transforms.split_blocks(noise(9), n)),
        ("block_length", lambda n: transforms.irfft_blocks(SPECTRA, block_length=n)),
        ("n_samples", lambda n: transforms.join_blocks(np.ones((2, 4)), n)),
        ("n_fft", lambda n: transforms.bin_frequencies(n, sr=8000)),
        ("n_fft", lambda n: transforms.stft(noise(9), n_fft=n, hop_length=2)),
        ("n", lambda n: transforms.window("hann", n)),
        ("frame_length", lambda n: transforms.frame(noise(9), frame_length=n, hop_length=2)),
        ("hop_length", lambda n: transforms.frame(noise(9), frame_length=4, hop_length=n)),
        ("hop_length", lambda n: transforms.overlap_add(np.ones((2, 4)), hop_length=n)),
        ("hop_length", lambda n: transforms.istft(SPECTRA, hop_length=n, n_samples=16)),
        ("n_samples", lambda n: transforms.istft(SPECTRA, hop_length=4, n_samples=n)),
    ],
)
def test_impossible_lengths_are_refused(name, call):
    with pytest.raises(ValueError, match=rf"^{name} must be at least . samples?, got 0"):
        call(0)
    for not_whole in (4.0, True, "4"):
        with pytest.raises(TypeError, match=f"^{name} must be a whole number of samples, got"):
            call(not_whole)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.uint64])
def test_lengths_may_be_numpy_integers(kind):
    assert transforms.split_blocks(noise(9), kind(4)).shape == (3, 4)
    frames = transforms.frame(noise(999), frame_length=kind(200), hop_length=kind(100))
    assert frames.shape == (11, 200)


@pytest.mark.parametrize("n", [-7, -4, -3, -1, 0, 1, 3, 4, 7])
def test_frames_move_as_far_as_wanted_and_leave_zeros(n):
    x = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
    wanted = np.zeros_like(x)
    for k in range(3):
        if 0 <= k + n < 3:
            wanted[k + n] = x[k]
    np.testing.assert_array_equal(transforms.shift(x, n), wanted)
