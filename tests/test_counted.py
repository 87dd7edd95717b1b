import numpy as np
import pytest

from benchmarks import counted, viewpoints
from helpers import events


def tune(n_bars: int, seed: int = 0, shift: int = 0) -> np.ndarray:
    """One random bar of chords and single notes, over and over."""
    rng = np.random.default_rng(seed)
    bar = [
        (tick, int(pitch) + shift, int(rng.choice([6, 12])), int(rng.integers(6)))
        for tick in range(0, 48, 6)
        for pitch in np.sort(rng.choice(np.arange(48, 84), rng.integers(1, 4), replace=False))
    ]
    return np.array([(t + 48 * k, *rest) for k in range(n_bars) for t, *rest in bar])


@pytest.fixture(scope="module")
def model() -> counted.Model:
    return counted.learn([tune(3, seed) for seed in range(3)])


def total(bits: np.ndarray) -> np.ndarray:
    return bits[:, [0, 1, 2, 3, 5]].sum(axis=1)


def test_words_name_waits_rows_lengths_and_places():
    score = np.array([[14, 28, 1, 0], [14, 96, 140, 5], [38, 60, 7, 2], [68, 60, 12, 2]])
    expected = [[0, 0, 0, 0, 2], [0, 68, 16, 5, 2], [24, 32, 5, 2, 26], [25, 32, 7, 2, 56]]
    assert counted.words(score).tolist() == expected


@pytest.mark.parametrize("note", [[0, 27, 6, 0], [0, 97, 6, 0], [0, 60, 0, 0]])
def test_notes_beyond_the_alphabet_are_refused(note):
    with pytest.raises(ValueError, match="pitches from 28 to 96"):
        counted.words(np.array([note]))


def test_probabilities_sum_to_one_and_chords_go_upwards(model):
    notes = counted.words(tune(3, 9))
    memory, weights = counted.Memory(notes[-1, 4] + 1), [w.copy() for w in model.weights]
    seen = set()
    steps = counted._listen(model, weights, memory, notes, counted.RATE)
    for attribute, symbol, p in steps:
        assert p.shape == (memory.sizes[attribute],)
        assert p.sum() == pytest.approx(1)
        assert p.min() >= 0
        assert p[symbol] > 0
        if attribute == 1 and not p[0]:
            assert not p[: memory.notes[-1][1] + 1].any()
            seen.add("chord")
        seen.add(attribute)
    assert seen == {0, 1, 2, 3, "chord"}


def test_bits_of_two_notes_by_hand():
    # With no tables, one expert, and nothing heard twice, every symbol is as likely as another.
    weights = tuple(np.ones((len(viewpoints.KERNELS), 14)) for _ in range(4))
    model = counted.Model({}, weights, "c")
    bits = counted.bits(model, np.array([[0, 60, 12, 1], [0, 64, 12, 4]]))
    above = 69 - (60 - 28) - 1  # a chord's next note is higher
    expected = np.log2([[30, above, 17, 6, 2, 1]])
    np.testing.assert_allclose(bits, expected)


def test_a_table_of_one_context_by_hand():
    # Two of three symbols were 1: discounted, then blended with 1 of 2 where nothing was counted.
    counts = np.array([[[0.0, 2.0, 1.0, 0.0]]])
    low = np.full(4, 0.25)
    given = 2 * counted.DISCOUNT + counted.ESCAPE
    expected = (np.array([0, 1.5, 0.5, 0]) + given * low) / (2 + given)
    np.testing.assert_allclose(counted._blend(counts, low)[0, 0], expected)


def test_waits_of_many_ticks_cost_their_place_in_the_class(model):
    bits = counted.bits(model, np.array([[0, 60, 12, 1], [32, 64, 12, 1]]))
    assert bits[0, 5] == 4  # 32 to 47 ticks


def test_a_piece_that_repeats_is_predicted_ever_better(model):
    bits = total(counted.bits(model, tune(6, 17)))
    n = (len(bits) + 1) // 6
    first, second, third, last = (bits[k * n :][:n].mean() for k in (0, 1, 2, 5))
    assert first > second > third
    assert last < 0.1 * first


def test_what_is_to_come_changes_nothing(model):
    score = tune(4, 5)
    other = score.copy()
    other[40:, 1] = other[40:, 1] - 7
    before = counted.bits(model, score)[:39]
    np.testing.assert_array_equal(counted.bits(model, other)[:39], before)


def test_noise_costs_what_it_must(model):
    rng = np.random.default_rng(0)
    n = 200
    score = np.stack(
        [12 * np.arange(n), rng.integers(28, 97, n), np.full(n, 12), rng.integers(0, 6, n)], 1
    )
    bits = counted.bits(model, score)[50:]
    assert bits[:, 1].mean() > np.log2(69)
    assert bits[:, 3].mean() > np.log2(6) - 0.05
    assert bits[:, 4].mean() > 0.95


def test_training_tables_know_pitches_in_another_key():
    known = counted.learn([tune(2, 3), tune(2, 3, shift=2)], parts="t")
    there, elsewhere, other = (
        counted.bits(known, score)[:, 1].mean()
        for score in (tune(2, 3), tune(2, 3, shift=-5), tune(2, 8))
    )
    assert max(there, elsewhere) < 0.2 * other


def test_composing_is_reproducible_and_valid(model):
    seed = tune(3, 21)
    new = counted.compose(model, seed, 96, np.random.default_rng(1))
    again = counted.compose(model, seed, 96, np.random.default_rng(1))
    np.testing.assert_array_equal(new, again)
    both = np.concatenate([seed, new])
    assert len(new)
    assert (np.lexsort((both[:, 1], both[:, 0])) == np.arange(len(both))).all()
    assert new[0, 0] >= seed[-1, 0]
    assert new[-1, 0] <= seed[-1, 0] + 96
    assert set(new[:, 2]) <= set(counted.LENGTHS)
    assert ((new[:, 3] >= 0) & (new[:, 3] < 6)).all()
    assert len(np.unique(both[:, :2], axis=0)) == len(both)


def test_a_seed_that_repeats_goes_on_repeating(model):
    seed = tune(6, 21)
    new = counted.compose(model, seed[:-1], 48, np.random.default_rng(0), temperature=0.1)
    expected = np.concatenate([seed[-1:], tune(7, 21)[len(seed) :]])
    np.testing.assert_array_equal(new[:12], expected[:12])


def with_drums(score: np.ndarray) -> np.ndarray:
    ticks = np.arange(0, score[-1, 0] + 1, 12)
    hits = np.stack([ticks, 128 + ticks // 12 % 3, np.ones_like(ticks), 2 + ticks % 2], axis=1)
    both = np.concatenate([score, hits])
    return both[np.lexsort((both[:, 1], both[:, 0]))]


def test_drums_are_counted_and_written_too():
    music = [with_drums(tune(3, seed)) for seed in range(3)]
    model = counted.learn(music)
    assert np.isfinite(counted.bits(model, with_drums(tune(3, 9)))).all()
    new = counted.compose(model, music[0], 96, np.random.default_rng(0))
    assert len(events.valid(new))
    assert (new[:, 1] >= 128).any()


def test_drums_that_training_lacked_surprise_it(model):
    bits = counted.bits(model, with_drums(tune(3)))
    assert np.isfinite(bits).all()
    assert bits[:, 1].mean() > counted.bits(model, tune(3))[:, 1].mean()
