"""Chords, gaps, hands and returns of music that is known; a definition written out as oracle."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks import struck


@pytest.mark.parametrize(
    ("chord", "plays"),
    [
        ([0, 14], True),
        ([0, 15, 29], True),  # the left hand one note, the right two
        ([0, 15, 30], False),
        ([0, 2, 4, 5, 7, 9, 11, 12, 14, 16], True),  # ten fingers
        ([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17], False),
        ([0, 1, 2, 3, 4, 5, 20], False),  # a sixth finger would reach it
    ],
)
def test_what_two_hands_can_strike(chord, plays):
    roll = np.zeros((4, 40), np.uint8)
    roll[1, chord], roll[2, chord], roll[3, 5] = 2, 1, 3
    assert struck.unplayable_moments(roll) == (0 if plays else 1 / 2)
    assert struck.unplayable_moments(roll * 0) == 0


def test_chords_gaps_and_low_notes_of_known_music():
    roll = np.zeros((160, 30), np.uint8)
    roll[0, [0, 4, 7, 12, 16, 19]] = 2
    roll[[6, 13], 12] = 3  # 6 and 7 frames later, of 1/16 s
    assert struck.notes_per_moment(roll) == 8 / 3
    assert struck.crowded_frames(roll) == 1 / 160
    assert struck.crowded_frames(roll, n_least=7) == 0
    assert struck.low_onsets(roll, lowest=50) == 3 / 8
    assert struck.low_onsets(roll, lowest=60) == 0
    assert struck.gaps_per_minute(roll, frame_rate=16) == 2 * 6  # after 6 frames: 0.375 s
    silence = np.zeros((160, 30), np.uint8)
    assert struck.notes_per_moment(silence) == 0
    assert struck.low_onsets(silence, lowest=50) == 0
    assert struck.gaps_per_minute(silence, frame_rate=16) == 6  # one long one


def music(shape, seed, density):
    """Onsets at random."""
    return 2 * (np.random.default_rng(seed).random(shape) < density).astype(np.uint8)


def jaccard(a, b):
    return np.sum(a & b) / max(np.sum(a | b), 1)


def test_a_piece_that_returns_is_similar_to_itself_and_a_random_one_is_not():
    a, b, *others = (music((160, 40), seed, density=0.03) for seed in range(5))
    again = struck.self_similarity(np.concatenate([a, b, a, b, a]), frame_rate=16)
    never = struck.self_similarity(np.concatenate([a, b, *others]), frame_rate=16)
    assert again == 1
    assert never < 0.15
    once = struck.self_similarity(np.concatenate([a, *others[:2], a]), frame_rate=16)
    assert never < once < again


def test_what_comes_back_at_once_does_not_count():
    a, *others = (music((64, 40), seed, density=0.03) for seed in range(9))
    roll = np.concatenate([a, a, *others[:4]])
    assert struck.self_similarity(roll, frame_rate=16, gap_s=8) < 0.15
    assert struck.self_similarity(roll, frame_rate=16, gap_s=4) > 0.2
    assert struck.self_similarity(roll * 0, frame_rate=16) == 0


def test_self_similarity_needs_a_passage_for_every_window():
    with pytest.raises(ValueError, match=r"must last 20.0 s = 320 frames at least, got 319"):
        struck.self_similarity(np.zeros((319, 3), np.uint8), frame_rate=16)


@settings(deadline=None, max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 25), st.integers(1, 5)),
    seed=st.integers(0, 10_000),
    length=st.integers(1, 6),
    gap=st.integers(1, 9),
    hop=st.integers(1, 5),
)
def test_self_similarity_is_that_of_its_definition(shape, seed, length, gap, hop):
    roll = music(shape, seed, density=0.15)
    assume(len(roll) >= length + 2 * gap)
    onsets, last = roll > 1, len(roll) - length
    starts = sorted({*range(0, last, hop), last})
    best = [
        max(
            jaccard(onsets[i : i + length], onsets[j : j + length])
            for j in range(last + 1)
            if abs(i - j) >= gap
        )
        for i in starts
    ]
    ours = struck.self_similarity(roll, frame_rate=1, window_s=length, gap_s=gap, hop_s=hop)
    assert ours == pytest.approx(np.mean(best))
