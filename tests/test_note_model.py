"""Keras as the oracle for the NumPy network over notes; what it learns, recalls and composes."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

from helpers import events, files, frame_model, note_model, rolls
from helpers.events import LABEL, LENGTH, PLACE, ROW, TOUCH, WAIT
from helpers.note_model import NoteModelSettings

TINY = NoteModelSettings(hidden=6, keys=4, depth=3, critic=3, dense=8)
KINDS = {
    "with recall": TINY,
    "without recall": dataclasses.replace(TINY, keys=0),
    "without LSTM": dataclasses.replace(TINY, window=3),
    "of one state": dataclasses.replace(TINY, depth=1),
    "with labels": dataclasses.replace(TINY, labels=("low", "high")),
}


def random_weights(settings=TINY, seed=0):
    """Weights of the right shapes, without Keras."""
    rng = np.random.default_rng(seed)
    shapes = note_model.weight_shapes(settings).items()
    return {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes}


def tune(n_notes=64, start=0, chords=True):
    """A tune of eight notes, a bass note under every fourth, over and over."""
    score = []
    for k in range(start, start + n_notes):
        tick = 6 * (k - start)
        if chords and k % 4 == 0:
            score.append((tick, 48, 24, 2))
        score.append((tick, 60 + (0, 4, 2, 7, 5, 9, 7, 2)[k % 8], 6, 4 if k % 4 == 0 else 3))
    return np.array(score)


WORDS = events.words(tune(24, start=3), label=1)
LABELLED = KINDS["with labels"]


@pytest.fixture(scope="module")
def trained():
    """A small network that has learnt the tune, and how that went."""
    settings = NoteModelSettings(hidden=24, keys=8, depth=3, critic=8, dense=24, dropout=0.1)
    model = note_model.build(settings, seed=1)
    reports, seconds = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(note_model, "_SHIFTS", (0, 0))  # in one key
        history = note_model.train(
            model,
            [events.words(tune(80)), events.words(tune(80, start=3))],
            [events.words(tune(40, start=5))],
            settings,
            steps=120,
            n_words=48,
            learning_rate=0.02,
            steps_per_epoch=45,
            on_epoch=reports.append,
            on_step=seconds.append,
        )
    return model, settings, history, reports, seconds


# Settings and weights


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hidden": 0}, "hidden must be a whole number from 1"),
        ({"window": -1}, "window must be a whole number from 0"),
        ({"keys": 1.5}, "keys must be a whole number from 0"),
        ({"depth": 0}, "depth must be a whole number from 1"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1"),
        ({"hide": -0.1}, "hide must be from 0 to below 1"),
        ({"timing": (0.01, 0.01, 0.02, 1.0)}, "inertia below 1"),
        ({"drums": (0, 11)}, "drums must be from 0 to 10"),
        ({"labels": ("a", "a")}, "at most 8 different names"),
        ({"labels": ("a", "")}, "at most 8 different names"),
        ({"labels": tuple("abcdefghi")}, "at most 8 different names"),
        ({"timing": (np.nan, 0.01, 0.02, 0.5)}, "timing must be >= 0"),
    ],
)
def test_settings_out_of_range_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        NoteModelSettings(**changed)


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_weight_shapes_are_those_of_keras(settings):
    weights = note_model.weights_of(note_model.build(settings))
    assert {name: w.shape for name, w in weights.items()} == note_model.weight_shapes(settings)


def test_a_seed_decides_the_first_weights():
    first, again, other = (
        note_model.weights_of(note_model.build(TINY, seed=seed))["lstm/kernel"]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_weights_that_do_not_fit_are_refused():
    wrong = random_weights() | {"lstm/bias": np.zeros(3, np.float32)}
    with pytest.raises(ValueError, match="must have shapes"):
        note_model.build(TINY, weights=wrong)
    with pytest.raises(ValueError, match="must have shapes"):
        note_model.Listener(wrong, TINY)


# NumPy and Keras


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_numpy_and_keras_agree_on_every_class(settings):
    weights = random_weights(settings)
    model = note_model.build(settings, weights=weights)
    seen = np.ones((1, len(WORDS), 1), np.float32)
    expected = model([WORDS[None].astype(np.int32), seen]).numpy()[0]
    listener = note_model.Listener(weights, settings)
    for t, word in enumerate(WORDS[1:]):
        listener.hear(WORDS[t])
        logits = np.concatenate([listener.logits(head, word) for head in range(4)])
        possible = np.isfinite(logits)
        assert (expected[t][~possible] < -1e8).all()
        np.testing.assert_allclose(logits[possible], expected[t][possible], rtol=1e-4, atol=1e-4)


def test_numpy_recalls_nothing_where_keras_hides_it():
    weights = random_weights()
    model = note_model.build(TINY, weights=weights)
    hidden = np.zeros((1, len(WORDS), 1), np.float32)
    expected = model([WORDS[None].astype(np.int32), hidden]).numpy()[0]
    listener = note_model.Listener(weights, TINY)
    for t, word in enumerate(WORDS[1:]):
        listener.hear(WORDS[t], keep=False)
        np.testing.assert_allclose(
            listener.logits(WAIT, word), expected[t][: events.END + 1], rtol=1e-4, atol=1e-4
        )


def test_bits_are_those_that_training_counts(trained):
    model, settings, history, _, _ = trained
    words = events.words(tune(40, start=5))
    bits = note_model.bits(note_model.weights_of(model), settings, words)
    assert bits.shape == (len(words) - 1, 4)
    assert bits.sum() / len(bits) == pytest.approx(history.validation_loss.min(), rel=1e-3)
    assert (bits >= 0).all()
    assert (bits[-1, 1:] == 0).all()  # the end has no key


def test_loud_or_not_costs_less_than_which_touch():
    weights = random_weights()
    all_six, loud = (
        note_model.bits(weights, TINY, WORDS, touches=touches) for touches in (True, False)
    )
    np.testing.assert_array_equal(all_six[:, :TOUCH], loud[:, :TOUCH])
    assert (loud[:-1, TOUCH] < all_six[:-1, TOUCH]).all()
    assert loud[:-1, TOUCH].min() > 0


def test_long_waits_cost_what_their_class_leaves_open():
    weights = random_weights()
    near, far = (events.words(np.array([[0, 60, 6, 3], [wait, 60, 6, 3]])) for wait in (48, 71))
    costs = [note_model.bits(weights, TINY, words)[1, WAIT] for words in (near, far)]
    assert costs[0] == pytest.approx(costs[1])
    assert costs[0] > np.log2(24)  # the class holds 24 waits


def test_a_chord_goes_upwards():
    listener = note_model.Listener(random_weights(), TINY)
    for word in WORDS[:6]:
        listener.hear(word)
    word = np.array([0, -1, -1, -1, WORDS[5, PLACE], -1])
    together = listener.logits(ROW, word)
    assert (together[: WORDS[5, ROW] + 1] == -np.inf).all()
    assert np.isfinite(together[WORDS[5, ROW] + 1 :]).all()
    word[WAIT] = 6
    assert np.isfinite(listener.logits(ROW, word)).all()


# Recall


def test_recall_proposes_what_followed():
    weights = random_weights() | {"recall/trust": np.array([3, 3, 3, 0.2, 0.2], np.float32)}
    words = events.words(tune(40, chords=False))
    listener = note_model.Listener(weights, TINY)
    for word in words[:30]:
        listener.hear(word)
    coming = words[30]
    proposed = listener.recall(ROW, coming)
    assert proposed[1:].argmax() == coming[ROW]
    assert proposed[1:].sum() == pytest.approx(1, abs=1e-5)


def test_what_is_not_kept_is_not_recalled():
    words = events.words(tune(40, chords=False))
    listener = note_model.Listener(random_weights(), TINY)
    for k, word in enumerate(words[:30]):
        listener.hear(word, keep=k < 5)
    kept = set(words[1:5, ROW])
    proposed = listener.recall(ROW, words[30])[1:]
    assert set(np.flatnonzero(proposed)) <= kept
    assert proposed.sum() == pytest.approx(1, abs=1e-5)


# Training


def test_training_learns_the_tune(trained):
    _, _, history, reports, seconds = trained
    assert len(seconds) == 120
    assert np.all(np.diff(seconds) > 0)
    assert len(reports) == len(history.train_loss) == 3  # 45 steps, 45, then 30
    assert history.validation_loss.min() < 3  # of 11 bits where nothing is known


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "steps, an epoch and a batch must be at least 1"),
        ({"steps_per_epoch": 0}, "steps, an epoch and a batch must be at least 1"),
        ({"n_words": 1}, "n_words 2"),
        ({"training": []}, "training must hold at least 1 piece"),
        ({"validation": []}, "validation must hold at least 1 piece"),
    ],
)
def test_training_on_nothing_is_refused(changed, message):
    options = {"training": [WORDS], "validation": [WORDS], "settings": TINY, "steps": 1} | changed
    with pytest.raises(ValueError, match=message):
        note_model.train(note_model.build(TINY), **options)


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_what_only_drums_use_moves_in_larger_steps(settings):
    """What that is, the gradients say: those of music with drums, and with keys in their place."""
    settings, tf = dataclasses.replace(settings, drums=(0, 2)), frame_model.tensorflow()
    with_drums = np.repeat(events.words(tune(8), label=1)[:-1], 2, axis=0)
    with_drums[1::2, ROW] = events.N_KEYS + np.arange(len(with_drums) // 2) % 2 * 2
    with_keys = with_drums.copy()
    with_keys[1::2, ROW] = 60
    start = random_weights(settings)
    for name in start:  # no unit is dead
        start[name] += 500 * ("_hidden/bias" in name)
        start[name] += 10 * (name in ("lstm/bias", "critic/bias") and settings.window > 0)
    model = note_model.build(settings, weights=start)
    seen, variables = np.ones((1, len(with_drums), 1), np.float32), frame_model.variables_of(model)

    def used(words, is_asked):
        with tf.GradientTape() as tape:
            logits = model([words[None].astype(np.int32), seen])
            total = tf.reduce_sum(tf.where(is_asked & (logits > -1e8), logits, 0.0))
        found = tape.gradient(total, [v.value for v in variables.values()])
        return {name: g.numpy() != 0 for name, g in zip(variables, found, strict=True)}

    classes = np.arange(sum(events.N_CLASSES[:4])) - events.N_CLASSES[WAIT]
    is_drum = (classes >= events.N_KEYS) & (classes < events.N_CLASSES[ROW])
    is_learnt = ~is_drum | np.isin(classes - events.N_KEYS, settings.drums)
    for_drums, for_keys = used(with_drums, is_learnt), used(with_keys, ~is_drum)
    adam = note_model._adam(tf.keras, model, settings, 1e-3)
    adam.apply([tf.ones_like(v.value) for v in variables.values()], list(variables.values()))
    for name, weight in note_model.weights_of(model).items():
        expected = np.where(for_drums[name] & ~for_keys[name], 0.03, 1e-3)
        np.testing.assert_allclose(start[name] - weight, expected, rtol=0.02, err_msg=name)


def test_without_drums_all_steps_are_alike():
    keras = frame_model.tensorflow().keras
    assert type(note_model._adam(keras, None, TINY, 1e-3)) is keras.optimizers.Adam


def test_long_validation_pieces_are_heard_in_parts(monkeypatch):
    model = note_model.build(TINY, weights=random_weights())
    model.compile(loss=note_model._bits)

    def judged(pieces):
        checkpoint = frame_model.Checkpoint(model)
        return note_model._validate(pieces, checkpoint), len(checkpoint.course.judged)

    by_hand = judged([WORDS[:10], WORDS[9:19], WORDS[18:28]])
    monkeypatch.setattr(note_model, "_AT_ONCE", 10)
    assert judged([WORDS[:28]]) == by_hand == judged([WORDS[:28]])
    assert judged([WORDS[:10], WORDS[:28]])[1] == 4


def test_passages_are_pieces_moved_by_semitones():
    piece = events.words(tune(30))
    batch, seen = note_model._passages([piece], np.random.default_rng(0), 40, 20, hide=0.25)
    assert batch.shape == (40, 20, 6)
    shifts, beginnings = set(), 0
    for passage in batch:
        n = int(np.count_nonzero((passage[:, WAIT] >= 0) | (passage[:, ROW] >= 0)))
        beginnings += passage[0, WAIT] == events.NOTHING
        heard = passage[(passage[:, ROW] >= 0)]
        places = [
            k
            for k in range(len(piece) - len(heard) + 1)
            if (
                piece[k : k + len(heard)][:, [WAIT, LENGTH, TOUCH]]
                == heard[:, [WAIT, LENGTH, TOUCH]]
            ).all()
            and len(set(heard[:, ROW] - piece[k : k + len(heard), ROW])) == 1
        ]
        assert places
        assert n > 0
        shifts.add(int(heard[0, ROW] - piece[places[0], ROW]))
    assert shifts == set(range(-6, 6))
    assert 0 < beginnings < 40
    assert 0.1 < np.mean(seen == 0) < 0.4


def test_keys_stay_on_the_keyboard():
    highest = np.array([[0, 96, 6, 3], [6, 28, 6, 3]])
    batch, _ = note_model._passages(
        [events.words(highest)], np.random.default_rng(0), 20, 4, hide=0.0
    )
    assert {*np.unique(batch[..., ROW])} == {-1, 0, 68}


def two_labels(n_notes=60):
    """The tune low, with label 0, and high, with label 1."""
    low, high = tune(n_notes), tune(n_notes)
    low[:, 1] -= 18
    high[:, 1] += 18
    return [events.words(score, label=label) for label, score in enumerate((low, high))]


def test_in_medleys_the_label_says_which_piece_goes_on(monkeypatch):
    monkeypatch.setattr(note_model, "_SHIFTS", (0, 0))  # in one key
    pieces = two_labels()
    batch, _ = note_model._passages(pieces, np.random.default_rng(0), 40, 60, 0.0, LABELLED.labels)
    batch, wrong = batch[:-1], batch[-1]  # one more than asked for: the last with wrong labels
    np.testing.assert_array_equal(wrong[:, :LABEL], batch[-1, :, :LABEL])
    np.testing.assert_array_equal(
        wrong[:, LABEL], np.where(batch[-1, :, LABEL] >= 0, 1 - batch[-1, :, LABEL], events.NOTHING)
    )
    row, label = batch[..., ROW], batch[..., LABEL]
    expected = np.where(row >= 64 - events.LOWEST, 1, 0)  # what keys say
    known = (row >= 0) & (label >= 0)
    assert (label == expected)[known].all()
    turns = np.diff(expected, axis=1) != 0
    turns &= (row[:, 1:] >= 0) & (row[:, :-1] >= 0)
    assert 20 < turns.sum() < 120
    assert (batch[:, 1:, WAIT][turns] > 0).all()  # between moments
    assert 0.05 < np.mean(turns.any(axis=1)) < 0.7  # some are no medleys
    hidden = (label < 0) & (row >= 0)
    assert 0.2 < hidden.mean() < 0.5
    assert (np.diff(hidden[:, 1:].astype(int), axis=1)[row[:, 2:] >= 0] <= 0).all()  # never again


def test_music_of_one_label_or_none_is_drawn_as_well():
    for label in (events.NOTHING, 1):
        batch, _ = note_model._passages(
            [events.words(tune(30), label=label)],
            *(np.random.default_rng(0), 4, 20, 0.0, LABELLED.labels),
        )
        assert set(np.unique(batch[..., LABEL])) <= {events.NOTHING, label}


def test_tensorflow_is_imported_only_to_build_and_train():
    code = "import sys; from helpers import note_model; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


# Labels


@pytest.mark.parametrize(
    ("label", "expected"),
    [("high", [0, 1]), ({"low": 0.25, "high": 0.5}, [0.25, 0.5]), (None, [0, 0]), ({}, [0, 0])],
)
def test_a_label_is_a_name_or_shares(label, expected):
    np.testing.assert_array_equal(note_model.blend(LABELLED, label), expected + [0] * 6)


@pytest.mark.parametrize(
    ("settings", "label", "message"),
    [
        (LABELLED, "loud", r"learnt \(low, high\), got \['loud'\]"),
        (TINY, "low", "none: train with labels"),
        (LABELLED, {"low": 0.75, "high": 0.75}, "in all at most 1"),
        (LABELLED, {"low": -0.5}, "0 or more"),
    ],
)
def test_other_labels_are_refused(settings, label, message):
    with pytest.raises(ValueError, match=message):
        note_model.blend(settings, label)
    options = {"rng": np.random.default_rng(0), "label": label}
    with pytest.raises(ValueError, match=message):
        note_model.compose(random_weights(settings), settings, 12, **options)


def test_a_name_tells_what_the_words_of_that_label_tell():
    weights, words = random_weights(LABELLED), WORDS.copy()
    bits = {
        label: note_model.bits(weights, LABELLED, words, label=label)
        for label in (None, "low", "high")
    }
    np.testing.assert_array_equal(bits[None], bits["high"])
    assert np.abs(bits["low"] - bits["high"]).max() > 0.01
    words[:, LABEL] = events.NOTHING
    np.testing.assert_array_equal(
        *(note_model.bits(weights, LABELLED, some, label={}) for some in (words, WORDS))
    )


def test_what_was_heard_does_not_depend_on_its_label():
    weights, coming = random_weights(LABELLED), WORDS[6]
    logits = []
    for label in (0, 1):
        listener = note_model.Listener(weights, LABELLED)
        for word in events.words(tune(24, start=3), label=label)[:6]:
            listener.hear(word)
        logits.append(listener.logits(WAIT, coming))
    np.testing.assert_array_equal(*logits)


def test_a_label_steers_what_is_composed_also_while_it_plays(monkeypatch):
    monkeypatch.setattr(note_model, "_SHIFTS", (0, 0))  # in one key
    settings = dataclasses.replace(
        LABELLED, hidden=24, keys=8, critic=8, dense=24, dropout=0.1, hide=0.5
    )
    model, pieces = note_model.build(settings, seed=1), two_labels(80)
    options = {"steps": 100, "n_words": 48, "learning_rate": 0.02}
    note_model.train(model, pieces, pieces, settings, **options)
    weights = note_model.weights_of(model)
    bits = [
        [note_model.bits(weights, settings, words, label=label).mean() for label in settings.labels]
        for words in pieces
    ]
    assert bits[0][0] < 0.9 * bits[0][1]
    assert bits[1][1] < 0.9 * bits[1][0]

    def composed(label):
        rng = np.random.default_rng(0)
        return note_model.compose(weights, settings, 400, rng=rng, label=label)

    low, high = (composed(label)[:, 1] for label in settings.labels)
    assert np.median(low) < 55 < 70 < np.median(high)
    tick, pitch = composed(lambda done: "high" if done < 0.5 else {"low": 1.0})[:, :2].T
    assert np.median(pitch[tick < 200]) > 70
    assert np.median(pitch[tick >= 200]) < 55


# Composing


def test_the_tune_goes_on(trained):
    model, settings, *_ = trained
    weights = note_model.weights_of(model)
    composed = note_model.compose(
        weights, settings, 96, rng=np.random.default_rng(0), seed=tune(40), temperature=0
    )
    truth = tune(60)
    truth = truth[truth[:, 0] > tune(40)[-1, 0]]
    n = min(len(composed), len(truth), 8)
    assert np.mean((composed[:n, :2] == truth[:n, :2]).all(axis=1)) >= 0.75


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_what_is_composed_is_a_score_and_reproducible(settings):
    weights = random_weights(settings)
    first, second = (
        note_model.compose(weights, settings, 240, rng=np.random.default_rng(3), seed=tune(16))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    events.valid(np.concatenate([tune(16)[:-1], first[first[:, 0] > tune(16)[-1, 0]]]))
    assert first[-1, 0] < tune(16)[-1, 0] + 240


def test_from_nothing_it_begins_at_the_beginning():
    weights = random_weights()
    composed = note_model.compose(weights, TINY, 240, rng=np.random.default_rng(1))
    assert len(events.valid(composed)) > 3


def test_nothing_begins_before_the_start():
    weights = random_weights()
    for seed, beyond in enumerate((1, 17, 40, 90, 700)):
        start = int(tune(16)[-1, 0]) + beyond
        composed = note_model.compose(
            weights, TINY, 100, rng=np.random.default_rng(seed), seed=tune(16), start=start
        )
        assert len(composed)
        assert (composed[:, 0] >= start).all()
        assert (composed[:, 0] < start + 100).all()


def test_going_on_is_composing_in_seconds():
    times = np.arange(40) * 0.5
    played = events.Played(tune(16), np.zeros(len(tune(16))), times)
    weights, rng = random_weights(), np.random.default_rng
    weights["wait_logits/bias"][events.END] = -50.0
    found = note_model.go_on(weights, TINY, played, 12.0, rng=rng(0), end=8.0)
    assert (found[:, 0] >= 8).all()
    assert 15 < found[-1, 0] < 20
    options = {"rng": rng(0), "seed": tune(16), "start": 12 * 16}
    score = note_model.compose(weights, TINY, 12 * 24, **options)
    assert set(found[:, 2]) <= set(score[:, 1])
    assert len(found) >= len(score) - 5  # some may be a little early or late


def test_after_silence_it_begins_anew():
    weights = random_weights()
    weights["wait_logits/bias"][events.END] = -50.0
    rng = np.random.default_rng(2)
    found = note_model.go_on(weights, TINY, events.SILENCE, 20.0, rng=rng, end=5.0)
    assert len(found) > 3
    assert (found[:, 0] >= 5).all()
    assert found[0, 0] < 10


def test_a_piece_can_end():
    weights = random_weights()
    weights["wait_logits/bias"][events.END] = 50.0
    composed = note_model.compose(weights, TINY, 240, rng=np.random.default_rng(0), seed=tune(16))
    assert composed.shape == (0, 4)


def test_drums_that_were_not_learnt_are_not_composed():
    weights = random_weights()
    weights["row_logits/bias"][events.N_KEYS :] = 50.0
    composed = note_model.compose(weights, TINY, 240, rng=np.random.default_rng(0))
    assert (composed[:, 1] < events.LOWEST + events.N_KEYS).all()


def test_drums_that_were_learnt_are_composed_above_the_keys():
    settings = dataclasses.replace(TINY, drums=(0, 2))
    weights = random_weights(settings)
    weights["wait_logits/bias"][[0, 6]] = 20  # one chord after the other
    weights["row_logits/bias"][events.N_KEYS :] = 2.0
    composed = note_model.compose(weights, settings, 240, rng=np.random.default_rng(0))
    events.valid(composed)
    hit = composed[:, 1] >= rolls.FIRST_DRUM
    assert set(composed[hit, 1]) == {rolls.FIRST_DRUM, rolls.FIRST_DRUM + 2}
    assert not hit.all()
    seed = composed[: 1 + np.flatnonzero(hit)[0]]  # a seed may break off at a drum
    note_model.compose(weights, settings, 60, rng=np.random.default_rng(0), seed=seed)


def test_with_drums_none_waits_over_two_beats_unless_it_goes_on_later():
    weights, ticks = random_weights(), 40 * events.LONGEST
    weights["wait_logits/bias"][[events.LONGEST, events.LONGEST + 3]] = 20, 21
    score = np.array([[0, 60, 12, 3]])
    for drums, is_short in (((), False), ((0,), True)):
        settings = dataclasses.replace(TINY, drums=drums)
        how = {"rng": np.random.default_rng(0), "seed": score, "temperature": 0}
        waits = np.diff(note_model.compose(weights, settings, ticks, **how)[:, 0], prepend=0)
        assert (waits.max() <= events.LONGEST) == is_short
        later = note_model.compose(weights, settings, ticks, start=50, **how)
        assert later[0, 0] >= 50


def test_drums_must_be_named_before_they_are_learnt():
    score = np.array([[0, 60, 6, 2], [0, rolls.FIRST_DRUM + 1, 1, 2]])
    pieces = [events.words(score)]
    assert events.drums_in(pieces) == (1,)
    message = r"settings.drums must name .* got \(0,\) without \[1\]"
    with pytest.raises(ValueError, match=message):
        note_model.train(None, pieces, pieces, dataclasses.replace(TINY, drums=(0,)))


def test_two_hands_can_strike_what_is_composed():
    weights = random_weights()
    weights["wait_logits/bias"][0] = 20  # everything at once
    weights["row_logits/kernel"][:] = 0
    weights["row_logits/bias"][:] = -0.1 * np.arange(events.N_CLASSES[ROW])  # as dense as it can
    composed = note_model.compose(weights, TINY, 60, rng=np.random.default_rng(0), seed=tune(4))
    moments = [composed[composed[:, 0] == tick, 1] for tick in np.unique(composed[:, 0])[1:]]
    assert max(map(len, moments)) >= 8
    for low_to_high in moments:
        left = low_to_high[:5][low_to_high[:5] <= low_to_high[0] + 14]
        right = low_to_high[len(left) :]
        assert len(right) <= 5
        assert right.max(initial=0) - right.min(initial=120) <= 14


def test_notes_join_the_last_chord_of_the_seed_only_within_reach():
    seed = np.array([[0, pitch, 6, 3] for pitch in (40, 60, 62, 64, 66, 67)])  # no finger is free
    weights = random_weights()
    weights["wait_logits/bias"][0] = 20
    composed = note_model.compose(weights, TINY, 24, rng=np.random.default_rng(0), seed=seed)
    assert len(composed)
    assert (composed[:, 0] > 0).all()


def test_min_p_leaves_out_what_is_unlikely():
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    rng = np.random.default_rng(0)
    drawn = [note_model._draw(logits, rng, 1.0, 0.2) for _ in range(2000)]
    counts = np.bincount(drawn, minlength=4) / 2000
    np.testing.assert_allclose(counts[:3], np.array([0.5, 0.3, 0.15]) / 0.95, atol=0.04)
    assert counts[3] == 0
    assert note_model._draw(logits, rng, 0, 0.0) == 0


@pytest.mark.parametrize("head", [WAIT, LENGTH, TOUCH])
def test_drawn_steadily_the_mean_stays_as_expected(head):
    values = note_model._VALUES[head]
    logits, rng = np.zeros(len(values), np.float32), np.random.default_rng(0)
    logits[:2] = 3.5  # the others are improbable, each for itself
    p = np.exp(logits) / np.exp(logits).sum()
    hasty, steady = (
        np.mean([values[note_model._draw(logits, rng, 0.8, 0.01, some)] for _ in range(4000)])
        for some in (None, values)
    )
    assert steady == pytest.approx(p @ values, rel=0.1)
    assert hasty < 0.9 * steady
    assert note_model._draw(logits, rng, 0, 0.0, values) == 0


def test_what_is_composed_steadily_is_less_busy():
    weights = random_weights()
    weights["wait_logits/bias"][6:] += 0.7  # long waits: likely together, none of them alone
    weights["wait_logits/bias"][[1, events.END]] = 5.0, -50.0
    hasty, steady = (
        note_model.compose(weights, TINY, 2400, rng=np.random.default_rng(5), steady=steady)
        for steady in (False, True)
    )
    assert 0 < len(steady) < 0.8 * len(hasty)


def test_recall_that_is_hidden_for_a_note_is_hidden_as_in_training():
    weights = random_weights()
    model = note_model.build(TINY, weights=weights)
    seen = np.ones((1, len(WORDS), 1), np.float32)
    seen[0, 8:12] = 0
    expected = model([WORDS[None].astype(np.int32), seen]).numpy()[0]
    listener = note_model.Listener(weights, TINY)
    for t, word in enumerate(WORDS[1:]):
        listener.hear(WORDS[t], blind=7 <= t < 11)  # `seen` is about the word that is predicted
        logits = np.concatenate([listener.logits(head, word) for head in range(4)])
        possible = np.isfinite(logits)
        np.testing.assert_allclose(logits[possible], expected[t][possible], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("recall", [-0.1, 1.1])
def test_recall_is_a_share(recall):
    with pytest.raises(ValueError, match="from 0 to 1"):
        note_model.compose(random_weights(), TINY, 6, rng=np.random.default_rng(0), recall=recall)


@pytest.mark.parametrize(
    "changed",
    [{"n_ticks": -1}, {"temperature": -1}, {"temperature": np.inf}, {"min_p": 2}, {"keep": 1.5}],
)
def test_numbers_out_of_range_are_refused(changed):
    options = {"n_ticks": 12} | changed
    with pytest.raises(ValueError, match=r"must be (0 or more|from 0 to 1)"):
        note_model.compose(random_weights(), TINY, rng=np.random.default_rng(0), **options)


# Files


def test_saved_is_what_is_loaded(tmp_path):
    settings = dataclasses.replace(TINY, timing=events.Timing(0.02, 0.01, 0.03, 0.5))
    path = note_model.save(tmp_path / "new" / "net.npz", random_weights(settings), settings)
    weights, loaded = note_model.load(path)
    assert loaded == settings
    assert isinstance(loaded.timing, events.Timing)
    for name, w in random_weights(settings).items():
        np.testing.assert_array_equal(weights[name], w)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    weights = random_weights()
    weights["key/kernel"][0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        note_model.save(tmp_path / "net.npz", weights, TINY)
    assert not (tmp_path / "net.npz").exists()


def test_another_network_is_refused(tmp_path):
    path = note_model.save(tmp_path / "net.npz", random_weights(), TINY)
    with pytest.raises(files.FormatError, match="note model"):
        frame_model.load(path)
    with pytest.raises(FileNotFoundError, match="run notebook 06"):
        note_model.load(tmp_path / "none.npz")
