"""Chords, gaps and hands of music that is known."""

import numpy as np
import pytest

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
