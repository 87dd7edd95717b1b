"""What stands in the LSTM's place, to compare with: a transformer, an untrained cache."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import other_memories
from helpers import events, note_model

SMALL = note_model.NoteModelSettings(hidden=16, keys=6, depth=3, critic=8, dense=12)
SCORE = np.array([(6 * k, 60 + (k % 4) ** 2, 6, k % 3) for k in range(70)])
WORDS = events.words(SCORE)
SHOWN = np.ones((1, len(WORDS), 1), np.float32)


def logits(model, words):
    return model.predict_on_batch([words[None].astype(np.int32), SHOWN])[0]


@pytest.mark.parametrize("keys", [6, 0])
def test_the_transformer_hears_nothing_that_comes_later(keys):
    model = other_memories.build(replace(SMALL, keys=keys))
    changed = WORDS.copy()
    changed[40:, note_model.ROW] += 7
    before, after = logits(model, WORDS), logits(model, changed)
    np.testing.assert_array_equal(before[:39], after[:39])
    assert (before[39:] != after[39:]).any(axis=1).all()
    assert not any(type(layer).__name__ == "LSTM" for layer in model.layers)


@pytest.mark.parametrize("name", other_memories.MEMORIES)
def test_it_has_as_many_parameters_as_the_network_in_whose_place_it_is(name):
    memory = other_memories.MEMORIES[name]
    build = other_memories.build if memory.transformer else note_model.build
    keys = {} if memory.settings.keys or not memory.transformer else {"keys": 0}
    theirs = note_model.build(note_model.NoteModelSettings(**keys)).count_params()
    near = 0.1 if memory.transformer else 0.001
    assert build(memory.settings).count_params() == pytest.approx(theirs, rel=near)


@pytest.mark.parametrize("transformer", [True, False])
def test_a_few_steps_teach_it(monkeypatch, transformer):
    settings = note_model.NoteModelSettings(hidden=16, keys=0)
    memory = other_memories.Memory(settings, transformer=transformer)
    monkeypatch.setitem(other_memories.MEMORIES, "small", memory)
    pieces = {"train": [WORDS], "validation": [WORDS]}
    row = other_memories.learn("small", pieces, learning_rate=1e-2, steps=20)
    new = (other_memories.build if transformer else note_model.build)(settings)
    assert row["parameters"] == new.count_params()
    before = other_memories.bits(other_memories.probabilities(new, WORDS), WORDS)
    assert row["bits_a_note"] < 0.9 * before.sum(axis=1).mean()
    assert set(row) == set(other_memories.COLUMNS)


@pytest.fixture(scope="module")
def plain():
    """Return the probabilities and the states of a plain LSTM that learnt nothing."""
    model = note_model.build(replace(SMALL, keys=0))
    return model, other_memories.probabilities(model, WORDS), other_memories.states(model, WORDS)


def test_bits_are_those_of_the_network(plain):
    model, probable, _ = plain
    settings = replace(SMALL, keys=0)
    bits = note_model.bits(note_model.weights_of(model), settings, WORDS, touches=False)
    np.testing.assert_allclose(other_memories.bits(probable, WORDS), bits[1:-1], atol=1e-4)


def test_a_cache_that_is_never_trusted_changes_nothing(plain):
    _, probable, states = plain
    heard = [(probable, states, WORDS)]
    never, _ = other_memories.judge(heard, (4, 10.0, 4.0), np.zeros(4))
    assert never == other_memories.bits(probable, WORDS).sum(axis=1).mean()
    best, shares = other_memories.judge(heard, (4, 10.0, 4.0))
    assert best < never / 2  # it repeats itself
    assert (shares > 0).all()


def test_a_cache_holds_only_what_has_been(plain):
    _, _, states = plain
    cached = other_memories.cached(states, WORDS, 4, 10.0, 4.0)
    assert (cached[0] == 0).all()
    assert cached.min() >= 0
    assert cached.max() <= 1 + 1e-6
    words, changed = WORDS.copy(), states.copy()
    words[41:, :4], changed[40:] = 2, -changed[40:]
    np.testing.assert_array_equal(
        other_memories.cached(changed, words, 4, 10.0, 4.0)[:40], cached[:40]
    )


def test_a_cache_expects_what_followed_the_same_way():
    states = np.eye(3)[np.arange(len(WORDS) - 1) % 3]
    words = WORDS.copy()
    words[1:, note_model.ROW] = 30 + np.arange(len(states)) % 3
    row = other_memories.cached(states, words, 1, 20.0, 0.0)[:, note_model.ROW]
    assert (row[:3] == 0).all()
    np.testing.assert_allclose(row[3:], 1, atol=1e-4)
