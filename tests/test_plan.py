"""A plan for the network over notes: what bars have, which of them return, and how it is told."""

import numpy as np
import pytest

from benchmarks import opponents, other_memories, plan
from helpers import beats, events, frame_model, note_model

SETTINGS = note_model.NoteModelSettings(hidden=12, keys=6, depth=3, critic=8, dense=10)
TUNE = (0, 4, 7, 12, 5, 9, 7, 2)  # two bars of four beats
N_BARS = 24


@pytest.fixture(scope="module")
def played():
    """Return a piece: chords and a tune, every fourth pair of bars a fifth higher."""
    score = []
    for bar in range(N_BARS):
        up = 7 * (bar // 2 % 4 == 3)
        score += [(48 * bar, 48 + up + k, 48, 2) for k in (0, 4, 7)]
        score += [(48 * bar + 12 * k, 72 + up + TUNE[4 * (bar % 2) + k], 12, 4) for k in range(4)]
    score = np.array(sorted(score))
    return events.Played(score, np.zeros(len(score)), 0.4 * np.arange(4 * N_BARS + 2))


@pytest.fixture(scope="module")
def written(played):
    return plan.write_down(played)


def test_bars_are_those_of_the_piece(played):
    starts = plan.bar_starts(played)
    assert set(np.diff(starts)) == {4 * beats.TICKS}
    assert 0 in starts
    assert starts[0] < 0
    silent = plan.bar_starts(events.SILENCE)
    assert (silent[:3] == [-48, 0, 48]).all()


def test_a_plan_says_what_returns_and_what_a_bar_has(written):
    _, plans = written
    assert plans.shape == (N_BARS, 5)
    assert (plans[:2, plan.AGAIN] == 0).all()
    assert (plans[2:6, plan.AGAIN] == 2).all()
    assert (plans[8:10, plan.AGAIN] == 4).all()  # not what was higher
    assert (plans[14:16, plan.AGAIN] == 8).all()  # but this does
    low, high = (48 - events.LOWEST) % 12, (55 - events.LOWEST) % 12  # of rows, not of pitches
    assert (plans[:, plan.BASS] == np.array([low] * 6 + [high] * 2)[np.arange(N_BARS) % 8]).all()
    assert plans[0, plan.CHORD] == low
    assert plans[7, plan.CHORD] == high
    assert len(set(plans[:, plan.DENSITY])) == 1
    assert plan.describe([]) == [-1, -1, 0, -1]
    minor = [(0, row, 6, 0) for row in (5, 8, 12)]
    assert plan.describe(minor)[:2] == [12 + 5, 5]


def test_what_returns_is_offered_note_by_note(written):
    words, plans = written
    offered, returns = words[:-2, -4:], np.repeat(plans[:, plan.AGAIN] > 0, 7)
    np.testing.assert_array_equal(offered[returns], words[1:-1][returns, :4])
    assert (offered[:7] == events.NOTHING).all()


def test_the_listener_expects_what_the_trained_model_does(played, written):
    words, plans = written
    model = plan.build(SETTINGS)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    starts = plan.bar_starts(played)
    first = int(np.searchsorted(starts, 0))
    walk = plan.Walk(starts, np.vstack([plans[:first] * 0, plans, [[0, -1, -1, 0, -1]]]))
    ticks = [0, *played.score[:, 0], 0]
    listener = plan.Listener(frame_model.weights_of(model), SETTINGS, walk, ticks)
    result = np.zeros((len(words) - 1, 4))
    for t, word in enumerate(words[1:, : len(events.N_CLASSES)]):
        listener.hear(words[t, : len(events.N_CLASSES)])
        for head in range(4 * (t < len(words) - 2)):
            logits = listener.logits(head, word)
            if head == events.TOUCH:
                loud = np.arange(6) >= events.LOUD
                said = np.logaddexp.reduce(logits[loud == (word[head] >= events.LOUD)])
            else:
                said = logits[word[head]]
            result[t, head] = np.logaddexp.reduce(logits) - said
    expected = other_memories.bits(other_memories.probabilities(model, words), words)
    np.testing.assert_allclose(result[1:-1] / np.log(2), expected, atol=1e-3)


def test_transposed_words_are_those_of_the_transposed_piece(played, written):
    higher, plans = plan.write_down(played._replace(score=played.score + np.array([0, 3, 0, 0])))
    np.testing.assert_array_equal(plan.transpose(written[0], 3), higher)
    moved = written[1].copy()
    moved[:, plan.CHORD : plan.DENSITY] = plan.turn(moved[:, plan.CHORD : plan.DENSITY], 3)
    np.testing.assert_array_equal(moved, plans)


@pytest.mark.filterwarnings("ignore:.shuffle=True. was passed")
def test_the_network_is_taught_with_its_plan(written):
    words = {split: [written[0]] for split in ("train", "validation")}
    model = plan.teach(words, SETTINGS, steps=3, seed=0)
    fresh = plan.build(SETTINGS, seed=0)
    weights = [frame_model.weights_of(one) for one in (model, fresh)]
    assert any(np.abs(weights[0][name] - weights[1][name]).max() > 1e-6 for name in weights[0])


def test_a_few_steps_teach_plans_and_they_are_drawn_ahead(played, written):
    model, bits = plan.learn_plan([written[1]], [written[1]], seed=0, steps=100)
    even = sum(np.log2(plan.SIZES)) * N_BARS
    assert bits < 0.6 * even
    whole = plan.with_returned(written[1])[None]
    kept = model.evaluate(whole, whole[:, 1:], verbose=0) * N_BARS
    assert kept == pytest.approx(bits, rel=1e-3)  # its best weights
    told = plan.build(SETTINGS)
    weights = [frame_model.weights_of(one) for one in (told, model)]
    compose = plan.planned(weights[0], SETTINGS, weights[1])
    found = [(0.1 * t, 0.1 * t + 0.3, p, 1.0) for t, p, *_ in played.score[:80] / [3, 1, 1, 1]]
    place = opponents.Place("piece", 12.0, np.array(found))
    for one in (place, opponents.Place("", 0.0, np.zeros((0, 4)))):
        composed = compose(one, np.random.default_rng(0), 5.0)
        assert composed.shape[1] == 4
        again = compose(one, np.random.default_rng(0), 5.0)
        np.testing.assert_array_equal(again, composed)
    assert note_model.Listener is not plan.Listener
