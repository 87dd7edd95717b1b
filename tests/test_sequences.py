"""Sequences that lose no frame and cross no piece; statistics against NumPy's own."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from helpers import sequences


def numbered(n_frames):
    """Frames that say their own number."""
    return np.arange(n_frames, dtype=np.float32)[:, None]


# Sequences


@given(seq_length=st.integers(1, 12), extra=st.integers(1, 40))
def test_targets_come_one_frame_later_and_no_frame_is_lost(seq_length, extra):
    n_frames = seq_length + extra
    X, Y = sequences.make_sequences(numbered(n_frames), seq_length)
    np.testing.assert_array_equal(Y, X + 1)
    np.testing.assert_array_equal(np.diff(X[..., 0], axis=1), 1)
    assert set(np.concatenate([X, Y]).ravel()) == set(range(n_frames))
    starts = X[:, 0, 0]
    assert len(starts) == 1 + -(-(extra - 1) // seq_length)
    assert all(np.diff(starts)[:-1] == seq_length)
    assert Y[-1, -1, 0] == n_frames - 1


@pytest.mark.parametrize(
    ("n_frames", "starts"), [(6, [0]), (7, [0, 1]), (10, [0, 4]), (11, [0, 5]), (12, [0, 5, 6])]
)
def test_the_last_sequence_ends_at_the_last_frame(n_frames, starts):
    X, _ = sequences.make_sequences(numbered(n_frames), 5)
    assert X[:, 0, 0].tolist() == starts


def test_forty_one_frames_give_a_sequence_where_the_original_had_none_from_forty():
    X, Y = sequences.make_sequences(numbered(41), 40)
    assert X.shape == Y.shape == (1, 40, 1)


def test_sequences_keep_the_type_and_the_features():
    X, Y = sequences.make_sequences(np.arange(30, dtype=np.uint8).reshape(10, 3), 4)
    assert X.dtype == Y.dtype == np.uint8
    assert X[1, 2].tolist() == [18, 19, 20]


@pytest.mark.parametrize(
    ("shape", "seq_length", "message"),
    [
        ((40, 2), 40, "need 41 frames, the piece has 40: choose"),
        ((0, 2), 3, "need 4 frames, the piece has 0"),
        ((40, 2), 0, "seq_length must be at least 1 frame, got 0"),
        ((40,), 4, r"shape \(n_frames, n_features\), got \(40,\)"),
    ],
)
def test_what_cannot_be_cut_is_named(shape, seq_length, message):
    with pytest.raises(ValueError, match=message):
        sequences.make_sequences(np.zeros(shape), seq_length)


def test_no_sequence_runs_across_pieces():
    pieces = [np.full((n, 2), piece, np.float32) for piece, n in enumerate((9, 5, 23))]
    pairs = (sequences.make_sequences(piece, 4) for piece in pieces)
    X, Y = sequences.concatenate_sequences(pairs)
    assert X.shape == Y.shape == (2 + 1 + 6, 4, 2)
    assert np.shares_memory(X, Y)  # half the memory
    assert all(len(np.unique(both)) == 1 for both in np.concatenate([X, Y], axis=1))


def test_sequences_that_do_not_match_are_named():
    with pytest.raises(ValueError, match="at least 1 piece, got none"):
        sequences.concatenate_sequences([])
    pairs = [sequences.make_sequences(numbered(9), seq_length) for seq_length in (3, 4)]
    with pytest.raises(ValueError, match=r"got \[\(3, 1\), \(4, 1\)\]: cut every piece"):
        sequences.concatenate_sequences(pairs)


# Standardising


def pieces(rng, *lengths):
    """Pieces whose four features have different means and spreads."""
    return [rng.normal([0, 5, -1, 0], [1, 0.1, 30, 2], (n, 4)).astype(np.float32) for n in lengths]


def test_statistics_are_those_of_all_pieces_together():
    frames_list = pieces(np.random.default_rng(0), 50, 7, 0, 90)
    together = np.concatenate(frames_list).astype(np.float64)
    found = sequences.fit_standardiser(frames_list)
    np.testing.assert_allclose(found.mean, together.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.std, together.std(axis=0), rtol=1e-5)
    assert found.mean.dtype == found.std.dtype == np.float32


def test_training_frames_become_standard():
    frames_list = pieces(np.random.default_rng(1), 400, 300)
    standard = sequences.fit_standardiser(frames_list).apply(np.concatenate(frames_list))
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=1e-4)


def test_statistics_of_long_music_lose_no_digits():
    frames = np.full((400_000, 1), 0.1, np.float32)
    frames[::2] += 0.001
    found = sequences.fit_standardiser([frames])
    np.testing.assert_allclose(found.mean, [0.1005], rtol=1e-6)
    np.testing.assert_allclose(found.std, [0.0005], rtol=1e-4)


@given(
    frames=hnp.arrays(
        np.float32, (6, 3), elements=st.floats(-1000, 1000, width=32, allow_subnormal=False)
    )
)
def test_invert_undoes_apply(frames):
    standardiser = sequences.fit_standardiser([frames])
    standard = standardiser.apply(frames)
    assert standard.dtype == np.float32
    assert np.isfinite(standard).all()
    back = standardiser.invert(standard)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, frames, atol=1e-6 * (1 + np.abs(frames).max()))


def test_features_that_never_change_get_the_floor():
    frames = np.zeros((100, 2), np.float32)
    frames[:, 1] = np.tile([-4, 4], 50)  # standard deviation 4; over both features, 4 / sqrt(2)
    standardiser = sequences.fit_standardiser([frames], floor=0.01)
    np.testing.assert_allclose(standardiser.std, [0.04 / np.sqrt(2), 4], rtol=1e-6)
    np.testing.assert_array_equal(standardiser.apply(frames)[:, 0], 0)


def test_music_that_never_changes_stays_finite():
    frames = np.full((10, 3), 7, np.float32)
    standardiser = sequences.fit_standardiser([frames])
    np.testing.assert_array_equal(standardiser.apply(frames), 0)
    np.testing.assert_array_equal(standardiser.invert(np.zeros((2, 3))), 7)


def test_a_standardiser_takes_sequences_and_single_frames():
    standardiser = sequences.fit_standardiser(pieces(np.random.default_rng(2), 30))
    X = np.ones((2, 5, 4), np.float32)
    np.testing.assert_array_equal(standardiser.apply(X)[1, 3], standardiser.apply(X[1, 3]))


def test_a_standardiser_is_frozen():
    standardiser = sequences.fit_standardiser(pieces(np.random.default_rng(3), 30))
    with pytest.raises(dataclasses.FrozenInstanceError):
        standardiser.mean = 0


@pytest.mark.parametrize(
    ("frames_list", "message"),
    [
        ([], "at least 1 frame, got none"),
        ([np.zeros((0, 4))], "at least 1 frame, got none"),
        ([np.zeros((5, 4)), np.zeros((5, 3))], r"one shape .*, got \[\(5, 4\), \(5, 3\)\]"),
        ([np.zeros(5)], r"got \[\(5,\)\]"),
        ([np.ones((5, 4)), np.full((5, 4), np.inf)], "must be finite"),
    ],
)
def test_frames_without_statistics_are_named(frames_list, message):
    with pytest.raises(ValueError, match=message):
        sequences.fit_standardiser(frames_list)
