"""Notes whose numbers are known beforehand; definitions written out as oracles."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers import note_metrics, rolls

few = settings(deadline=None, max_examples=30)


# Notes

ROLL = {"frame_rate": 16, "lowest": 60}
any_roll = st.builds(  # without the first frame, so that notes may be held at its beginning
    lambda *shape_and_seed: music(shape_and_seed[:2], shape_and_seed[2])[1:],
    st.integers(2, 26),
    st.integers(1, 5),
    st.integers(0, 10_000),
)


def music(shape, seed=0, density=0.2):
    """Notes at random, all of which begin."""
    rng = np.random.default_rng(seed)
    roll = rng.choice(4, shape, p=[1 - density, density / 2, density / 4, density / 4]).astype("u1")
    for before, now in itertools.pairwise([np.zeros_like(roll[0]), *roll]):
        now[(now == 1) & (before == 0)] = 0
    return roll


def held(counts, n_frames):
    """Let each note sound for as many frames as `counts` says."""
    return (np.arange(n_frames)[:, None] < np.array(counts)).astype(np.uint8)


MINOR = [633, 268, 352, 538, 260, 353, 254, 475, 398, 269, 334, 317]  # Krumhansl and Kessler


@pytest.mark.parametrize("tonic", range(12))
def test_notes_shared_out_as_listeners_expect_are_perfectly_clear(tonic):
    roll = held(np.roll(MINOR, tonic), 640)
    clarity = note_metrics.key_clarity(roll, frame_rate=80, lowest=36)
    assert clarity == pytest.approx(1)
    assert note_metrics.key_clarity(roll, frame_rate=180, lowest=45) == pytest.approx(1)


def test_windows_have_keys_of_their_own_and_silent_ones_none():
    parts = [held(np.roll(MINOR, tonic), 640) for tonic in (0, 6)]
    parts = [rolls.cut(part, 0, 640) for part in parts]
    roll = np.concatenate([*parts, np.zeros_like(parts[0])])
    lowest = ROLL["lowest"]
    assert note_metrics.key_clarity(roll, frame_rate=80, lowest=lowest) == pytest.approx(1)
    assert note_metrics.key_clarity(roll, frame_rate=240, lowest=lowest) < 0.6


def test_clarity_of_notes_without_a_key():
    chromatic = np.ones((128, 24), np.uint8)
    assert note_metrics.key_clarity(chromatic, **ROLL) == 0
    silence = np.zeros((128, 24), np.uint8)
    assert np.isnan(note_metrics.key_clarity(silence, **ROLL))


@few
@given(roll=any_roll, lowest=st.integers(20, 40))
def test_key_clarity_is_the_same_in_every_key(roll, lowest):
    moved = {"frame_rate": 16, "lowest": lowest}
    expected = note_metrics.key_clarity(roll, **ROLL)
    assert note_metrics.key_clarity(roll, **moved) == pytest.approx(expected, nan_ok=True)


def test_onset_rate_and_polyphony_of_known_notes():
    roll = np.zeros((32, 3), np.uint8)
    roll[8, 0], roll[9:16, 0] = 3, 1
    roll[12, 1], roll[13:16, 1] = 2, 1
    assert note_metrics.onset_rate(roll, frame_rate=16) == 1
    assert note_metrics.polyphony(roll) == (8 + 4) / 8
    assert note_metrics.polyphony(roll[:8]) == 0


def test_rhythm_of_a_pulse_of_noise_and_of_nothing():
    roll = np.zeros((480, 4), np.uint8)
    roll[::8, 1] = 2  # twice a second
    assert note_metrics.rhythm_autocorrelation(roll, frame_rate=16) == pytest.approx(1 - 8 / 480)
    roll[::8, 1], roll[::32, 1] = 0, 2  # too slow to be a beat
    assert note_metrics.rhythm_autocorrelation(roll, frame_rate=16) < 0
    assert note_metrics.rhythm_autocorrelation(music((480, 40)), frame_rate=16) < 0.2
    assert note_metrics.rhythm_autocorrelation(np.ones((480, 4), np.uint8), frame_rate=16) == 0


def test_rhythm_needs_more_than_the_longest_lag():
    with pytest.raises(ValueError, match=r"roll must last 1.5625 s = 25 frames at least, got 24"):
        note_metrics.rhythm_autocorrelation(np.zeros((24, 3), np.uint8), frame_rate=16)


@pytest.mark.parametrize(
    ("notes", "share"),
    [([0, 4, 7, 12], 0), ([0, 1, 6], 2 / 3), ([0, 11, 13, 26], 5 / 6), ([0, 10, 20], 2 / 3)],
)
def test_dissonance_of_known_chords(notes, share):
    roll = np.zeros((5, 30), np.uint8)
    roll[2:, notes] = 2
    assert note_metrics.dissonance(roll) == pytest.approx(share)


def test_dissonance_of_random_notes_and_of_single_ones():
    roll = music((2000, 48), density=0.1)
    assert note_metrics.dissonance(roll) == pytest.approx(5 / 12, abs=0.02)
    assert np.isnan(note_metrics.dissonance(2 * np.eye(9, dtype=np.uint8)))


# What comes back


def jaccard(a, b):
    return np.sum(a & b) / max(np.sum(a | b), 1)


def test_a_piece_that_goes_round_in_circles_loops_and_a_random_one_does_not():
    round_of_two_seconds = music((32, 20), density=0.3)
    circles = np.tile(round_of_two_seconds, (10, 1))
    assert note_metrics.looping(circles, frame_rate=16) == 1
    slow = np.tile(music((200, 20), density=0.3), (2, 1))  # its round is longer than 8 s
    assert note_metrics.looping(slow, frame_rate=16) < 0.4
    assert note_metrics.looping(music((320, 20), density=0.3), frame_rate=16) < 0.4
    assert note_metrics.looping(np.zeros((320, 20), np.uint8), frame_rate=16) == 0


def test_looping_needs_a_window_and_a_round():
    with pytest.raises(ValueError, match=r"last 16\.0 s = 256 frames at least, got 255"):
        note_metrics.looping(music((255, 3)), frame_rate=16)


@pytest.mark.parametrize(
    ("new", "old", "share"),
    [
        (range(60, 70), range(60, 70), 1),
        (range(60, 70), range(61, 71), 4 / 5),  # one run begins before the old ones do
        ([60, 61, 62, 63, 64, 65] * 2, [60, 61, 62, 63, 64, 65], 2 / 7),  # a run counts each time
        ([60, 61, 62, 64, 63, 65], range(60, 70), 0),  # the order counts
        ([60] * 5, [60] * 9, 0),  # no run
        ([60] * 9, [], 0),
    ],
)
def test_how_many_runs_of_six_keys_stood_in_older_notes(new, old, share):
    assert note_metrics.quoted(new, old) == pytest.approx(share)
    assert note_metrics.quoted(np.array(new), np.array(old)) == pytest.approx(share)


@pytest.mark.parametrize("semitones", [-6, -1, 0, 5, 6])
def test_a_transposed_training_passage_is_a_copy(semitones):
    training = [np.pad(music((200, 20), seed), ((0, 0), (6, 6))) for seed in range(3)]
    roll = np.roll(training[1][40:136], semitones, axis=1)
    similarity, nearest = note_metrics.copying(roll, training, frame_rate=16)
    np.testing.assert_array_equal(similarity, 1)
    np.testing.assert_array_equal(nearest, [[1, 40 + hop, semitones] for hop in (0, 24, 48)])
    similarity, _ = note_metrics.copying(roll, training[::2], frame_rate=16)
    assert similarity.max() < 0.5


@few
@given(roll=any_roll, training=st.lists(any_roll, min_size=1, max_size=3), length=st.integers(1, 5))
def test_copying_is_that_of_its_definition(roll, training, length):
    training = [music((len(other), roll.shape[1]), i) for i, other in enumerate(training)]
    assume(min(len(roll), max(map(len, training))) >= length)
    pace = {"frame_rate": length / 3, "hop_s": 6 / length}  # so many frames in 3 s, a hop of two
    similarity, nearest = note_metrics.copying(roll, training, **pace)
    last = len(roll) - length
    starts = sorted({*range(0, last, 2), last})
    assert len(similarity) == len(nearest) == len(starts)
    wide = [np.pad(other > 0, ((0, 0), (6, 6))) for other in [roll, *training]]

    def compare(start, index, first, shift):
        window = wide[0][start : start + length]
        return jaccard(window, np.roll(wide[1 + index][first : first + length], shift, axis=1))

    for start, score, found in zip(starts, similarity, nearest, strict=True):
        everywhere = [
            compare(start, index, first, shift)
            for index, other in enumerate(training)
            for first in range(len(other) - length + 1)
            for shift in range(-6, 7)
        ]
        assert score == pytest.approx(max(everywhere))
        assert score == pytest.approx(compare(start, *found))


def test_copying_passes_over_short_training_rolls_and_a_silent_window_is_no_copy():
    training = [np.zeros((10, 4), np.uint8), music((100, 4))]
    similarity, nearest = note_metrics.copying(training[1][20:68], training, frame_rate=16)
    np.testing.assert_array_equal(nearest, [[1, 20, 0]])
    similarity, _ = note_metrics.copying(np.zeros((48, 4), np.uint8), training, frame_rate=16)
    np.testing.assert_array_equal(similarity, 0)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ([], r"training_rolls must last 3.0 s = 48 frames at least, got 0"),
        ([music((47, 4))], r"training_rolls must last .* got 47"),
        ([music((48, 5))], r"as many notes, got \[4, 5\] notes in 2 pieces"),
    ],
)
def test_training_music_that_cannot_be_compared_is_named(training, message):
    with pytest.raises(ValueError, match=message):
        note_metrics.copying(music((48, 4)), training, frame_rate=16)
    with pytest.raises(ValueError, match="roll must last"):
        note_metrics.copying(music((47, 4)), [music((48, 4))], frame_rate=16)


# Controls


def test_a_markov_table_is_recovered_from_what_it_composes():
    table = np.random.default_rng(0).dirichlet(np.ones(4), (3, 4))
    table[:, rolls.OFF, rolls.HELD] = 0
    table /= table.sum(axis=2, keepdims=True)
    roll = note_metrics.markov_sample(table, 50_000, np.random.default_rng(1))
    learnt = note_metrics.markov_table([roll])
    np.testing.assert_allclose(learnt, table, atol=0.03)


def test_counts_shrink_towards_what_all_notes_share():
    often, never = np.zeros((1001, 1), np.uint8), np.zeros((1001, 1), np.uint8)
    often[1::2] = 2  # onset, off, onset, off
    table = note_metrics.markov_table([np.hstack([often, never])])
    np.testing.assert_allclose(table.sum(axis=2), 1)
    off_to_off = 1000 / 1500  # of both notes' 1500 frames that are off and have a successor
    assert table[1, 0, 0] == pytest.approx((1000 + 20 * off_to_off) / 1020, abs=1e-3)
    assert table[1, 2, 0] == pytest.approx(1, abs=1e-3)  # never struck, yet it knows what follows
    assert np.all(table[:, rolls.OFF, rolls.HELD] == 0)
    assert np.count_nonzero(table) == 2 * (16 - 1)  # all else is possible


def test_no_rolls_at_all_are_named():
    with pytest.raises(ValueError, match=r"must be one at least, .* in 0 pieces"):
        note_metrics.markov_table([])


def test_sampling_follows_the_table_from_the_start():
    turns = np.zeros((2, 4, 4))
    turns[0, [0, 1, 2], [2, 0, 1]] = 1  # off, soft onset, held, off
    turns[1, [0, 3], [3, 3]] = 1  # loud onset for ever
    roll = note_metrics.markov_sample(turns, 4, np.random.default_rng(0))
    np.testing.assert_array_equal(roll, [[2, 3], [1, 3], [0, 3], [2, 3]])


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
@given(roll=any_roll, seed=st.integers(0, 5))
def test_shuffling_keeps_every_note_and_only_moves_it(roll, seed):
    shuffled = note_metrics.shuffle_notes(roll, np.random.default_rng(seed))
    assert shuffled.dtype == np.uint8
    for before, after in zip(roll.T, shuffled.T, strict=True):
        assert soundings(after) == soundings(before)
        assert not ((after[1:] == 1) & (after[:-1] == 0)).any()


def test_shuffling_moves_notes_anywhere():
    roll = np.zeros((4, 1), np.uint8)
    roll[0], roll[1] = 3, 1
    rng = np.random.default_rng(0)
    starts = [note_metrics.shuffle_notes(roll, rng)[:, 0].argmax() for _ in range(3000)]
    np.testing.assert_allclose(np.bincount(starts) / 3000, 1 / 3, atol=0.03)
