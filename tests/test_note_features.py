"""Rolls whose past is known: what is told of it, and that nothing of the future is."""

import numpy as np
import pytest

from helpers import note_features, rolls

MEMORY = {"memories": (0.5, 0.9), "pulses": (0.95,), "sharpness": 40.0, "min_lag": 3}
N_NOTES = 12


def random_roll(n_frames=80, n_notes=N_NOTES, seed=0):
    """Notes that start at random, and are held for a while."""
    rng = np.random.default_rng(seed)
    roll = np.zeros((n_frames, n_notes), np.uint8)
    for t in range(n_frames):
        roll[t] = np.where(rng.random(n_notes) < 0.1, rng.integers(2, 4, n_notes), 0)
        if t > 0:
            holds = (roll[t] == 0) & (roll[t - 1] > 0) & (rng.random(n_notes) < 0.7)
            roll[t, holds] = 1
    return roll


def test_a_note_knows_its_state_and_its_last_one():
    roll = np.uint8([[0], [3], [1], [0], [2]])
    neighbourhood, _, _ = note_features.listen(roll, **MEMORY)
    held, soft, loud, sounded, struck = neighbourhood[:, 0, :5].T
    assert held.tolist() == [0, 0, 1, 0, 0]
    assert soft.tolist() == [0, 0, 0, 0, 1]
    assert loud.tolist() == [0, 1, 0, 0, 0]
    assert sounded.tolist() == [0, 0, 1, 1, 0]
    assert struck.tolist() == [0, 0, 1, 0, 0]


def test_a_note_knows_how_long_ago_it_was_struck():
    roll = np.uint8([[0], [2], [0], [0], [3]])
    ages = note_features.listen(roll, **MEMORY)[0][:, 0, 5:8]
    np.testing.assert_allclose(ages[:, 0], [0, 1, np.exp(-1 / 3), np.exp(-2 / 3), 1], rtol=1e-6)
    np.testing.assert_allclose(ages[3], np.exp(-2 / np.array([3, 12, 48])), rtol=1e-6)


def test_a_repeat_is_recognised_and_its_continuation_recalled():
    passage = random_roll(30)
    passage[-1] = 0
    roll = np.concatenate([passage, random_roll(20, seed=1), passage])
    _, recalled, frame = note_features.listen(roll, **MEMORY | {"sharpness": 200.0})
    start, struck = 50, roll >= rolls.SOFT
    for t in range(start + 10, start + 27):
        for memory in (0, 4):  # the first feature of each memory
            for later in (0, 1, 2):
                found = recalled[t, :, memory + later]
                np.testing.assert_allclose(found, struck[t - start + later], atol=0.05)
            np.testing.assert_allclose(
                recalled[t, :, memory + 3], passage[t - start + 1] > 0, atol=0.05
            )
    before, after = slice(20, 50), slice(60, 77)
    assert frame[after, 4].mean() > frame[before, 4].mean() + 0.2
    expected = recalled.reshape(len(roll), N_NOTES, 2, 4)[..., :3].sum(axis=1) / 3
    found = frame.reshape(-1, 3, 4)[:, :2, 1:]  # without the pulse
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_scores_are_the_sums_that_the_definition_says():
    roll = random_roll(40)
    fade, blur = 0.9, 0.6
    onsets = (roll >= 2).astype(float)
    keys = onsets.copy()
    keys[1:] += blur * onsets[:-1]
    keys[:-1] += blur * onsets[1:]
    frame = note_features.listen(roll, **MEMORY)[2]
    for t in (5, 20, 39):
        best = 0
        for s in range(t - MEMORY["min_lag"] + 1):
            back = np.arange(s + 1)
            fades = fade**back
            score = (fades * (onsets[t - back] * keys[s - back]).sum(axis=1)).sum()
            everything = np.arange(t + 1)
            energy = (fade**everything * onsets[t - everything].sum(axis=1)).sum()
            key_energy = (fades * (keys[s - back] ** 2).sum(axis=1)).sum()
            best = max(best, score / np.sqrt((energy + 1) * (key_energy + 1)))
        assert frame[t, 4] == pytest.approx(best, rel=1e-4)


def test_a_rhythm_is_recognised_whatever_the_notes():
    rng = np.random.default_rng(0)
    roll = np.zeros((160, N_NOTES), np.uint8)
    beats = np.flatnonzero(np.arange(160) % 5 == 0)
    roll[beats, rng.integers(0, N_NOTES, len(beats))] = 2
    frame = note_features.listen(roll, **MEMORY)[2]
    here, next_one, after = frame[100:, 9:].T  # of the pulse
    beat = np.arange(100, 160) % 5
    for phase, feature in ((0, here), (4, next_one), (3, after)):
        assert feature[beat == phase].min() > 0.1 + feature[beat != phase].max()


def test_nothing_near_is_remembered():
    roll = random_roll(10)
    _, recalled, frame = note_features.listen(roll, **MEMORY | {"min_lag": 20})
    assert not recalled.any()
    assert not frame.any()


def test_the_future_is_not_heard():
    roll = random_roll()
    whole = note_features.listen(roll, **MEMORY)
    changed = roll.copy()
    changed[50:] = random_roll(30, seed=7)
    for before, after in zip(whole, note_features.listen(changed, **MEMORY), strict=True):
        np.testing.assert_array_equal(before[:50], after[:50])
        assert not np.array_equal(before[50:], after[50:])


def test_all_of_it_moves_with_a_transposition():
    roll = np.pad(random_roll(n_notes=6), ((0, 0), (3, 3)))
    moved = np.roll(roll, 3, axis=1)
    for plain, up in zip(
        note_features.listen(roll, **MEMORY), note_features.listen(moved, **MEMORY), strict=True
    ):
        expected = np.roll(plain, 3, axis=1) if plain.ndim == 3 else plain
        np.testing.assert_allclose(up, expected, atol=1e-6)


def test_streams_do_not_hear_each_other():
    both = np.stack([random_roll(seed=seed) for seed in (0, 1)])
    hear = note_features.listener(N_NOTES, 2, 80, **MEMORY)
    together = [hear(states) for states in both.swapaxes(0, 1)]
    for stream, roll in enumerate(both):
        alone = note_features.listen(roll, **MEMORY)
        for part, expected in zip(zip(*together, strict=True), alone, strict=True):
            found = np.stack(part)[:, stream]
            np.testing.assert_allclose(found, expected, atol=1e-5)
            assert found.dtype == np.float32


def test_onsets_that_are_not_kept_are_not_recalled():
    roll, key = np.zeros((60, N_NOTES), np.uint8), 4
    roll[::10] = rolls.SOFT  # the same chord again and again
    hear = note_features.listener(N_NOTES, 1, 60, **MEMORY)
    kept = np.ones((1, N_NOTES))
    surest = [hear(states, kept)[2][0, key] for states in roll[:, None]]
    hear = note_features.listener(N_NOTES, 1, 60, **MEMORY)
    unsure = [hear(states, 0 * kept)[2][0, key] for states in roll[:, None]]
    assert surest[50] > 0.7
    assert unsure[50] == 0


def test_as_many_features_come_as_are_announced():
    sizes = note_features.n_features(2, 1)
    neighbourhood, recalled, frame = note_features.listen(random_roll(20), **MEMORY)
    assert neighbourhood.shape == (20, N_NOTES, sizes["neighbourhood"])
    assert recalled.shape == (20, N_NOTES, sizes["recalled"])
    assert frame.shape == (20, sizes["frame"])
