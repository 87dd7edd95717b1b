"""Keras as the oracle for the NumPy network over notes; the chain of notes, note by note."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

from helpers import files, frame_model, note_metrics, note_model
from helpers.note_model import NoteModelSettings

TINY = NoteModelSettings(
    n_notes=10,
    hidden=5,
    channels=2,
    width=6,
    reach=2,
    below=3,
    memories=(0.5, 0.9),
    pulses=(0.95,),
    lowest=60,
)


def random_weights(settings=TINY, seed=0):
    """Weights of the right shapes, without Keras."""
    rng = np.random.default_rng(seed)
    shapes = note_model.weight_shapes(settings).items()
    return {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes}


WEIGHTS = random_weights()


def random_roll(n_frames=40, n_notes=10, seed=0):
    """A roll that keeps the one rule: what is off can't be held next."""
    rng = np.random.default_rng(seed)
    roll = rng.choice(4, (n_frames, n_notes), p=[0.5, 0.3, 0.1, 0.1]).astype(np.uint8)
    for t in range(n_frames):
        off = roll[t - 1] == 0 if t > 0 else np.ones(n_notes, bool)
        roll[t, off & (roll[t] == 1)] = 0
    return roll


def tune(n_frames, start=0):
    """A tune of eight notes, four frames each, over and over."""
    roll = np.zeros((n_frames, 10), np.uint8)
    for t in range(n_frames):
        note = (0, 4, 2, 7, 5, 9, 7, 2)[(t + start) // 4 % 8]
        roll[t, note] = 3 if (t + start) % 4 == 0 or t == 0 else 1
    return roll


@pytest.fixture(scope="module")
def trained():
    """A small network that has learnt the tune, and how that went."""
    model = note_model.build(TINY, seed=1)
    reports = []
    history = note_model.train(
        model,
        [tune(200), tune(200, start=3)],
        [tune(90, start=5)],
        TINY,
        steps=150,
        seq_length=24,
        learning_rate=0.02,
        shifts=(0, 0),
        on_epoch=reports.append,
    )
    return model, history, reports


# Settings


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_notes": 0}, "n_notes must be a whole number of at least 1, got 0"),
        ({"hidden": 2.5}, "hidden must be .*, got 2.5"),
        ({"below": None}, "below must be .*, got None"),
        ({"min_lag": 2}, "min_lag must be at least 3 frames, got 2"),
        ({"memories": ()}, r"memories must be one or more from 0 to below 1, got \(\)"),
        ({"pulses": (-0.1,)}, r"pulses must be .*, got \(-0.1,\)"),
        ({"memories": (0.5, 1)}, r"memories must be .*, got \(0.5, 1\)"),
        ({"sharpness": -1}, "sharpness must be 0 or more, got -1"),
        ({"frame_rate": 0}, "frame_rate must be above 0 frames a second, got 0"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1, got 1.0"),
        ({"forgetting": -0.1}, "forgetting must be from 0 to below 1, got -0.1"),
    ],
)
def test_impossible_settings_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        NoteModelSettings(**changed)


# NumPy and Keras


def test_numpy_and_keras_agree():
    model = note_model.build(TINY, weights=WEIGHTS)
    roll = random_roll(300)  # longer than what NumPy handles at once
    logs = note_model.log_probabilities(WEIGHTS, TINY, roll)
    logits = model.predict(note_model._inputs(roll, TINY), verbose=0)[0]
    expected = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    possible = np.isfinite(logs)
    np.testing.assert_allclose(logs[possible], expected[possible], atol=1e-4)
    assert logs.shape == (299, 10, 4)
    assert logs.dtype == np.float32
    np.testing.assert_allclose(np.exp(logs).sum(axis=-1), 1, rtol=1e-5)
    bits = note_model.bits_per_frame(WEIGHTS, TINY, [roll])
    model.compile(loss=note_model._bits)
    inputs = note_model._inputs(roll, TINY)
    assert bits == pytest.approx(model.test_on_batch(inputs, inputs[1]), rel=1e-4)


def test_weights_make_a_round_trip_through_keras():
    model = note_model.build(TINY, weights=WEIGHTS)
    np.testing.assert_equal(note_model.weights_of(model), WEIGHTS)


def test_a_seed_fixes_the_first_weights():
    drawn = [note_model.weights_of(note_model.build(TINY, seed=seed)) for seed in (3, 3, 4)]
    np.testing.assert_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0]["lstm/kernel"], drawn[2]["lstm/kernel"])


def test_stepping_equals_judging_the_whole_roll():
    rolls = np.stack([random_roll(seed=seed) for seed in (0, 1)])
    hear = note_model.stepper(WEIGHTS, TINY, n_streams=2, n_frames=40)
    whole = [note_model.log_probabilities(WEIGHTS, TINY, roll) for roll in rolls]
    for t in range(39):
        a = hear(rolls[:, t])[0] + note_model._below(WEIGHTS, TINY, rolls[:, t + 1])
        for stream in (0, 1):
            logits = note_model._logits(WEIGHTS, a[stream], rolls[stream, t])
            found = note_model._log_softmax(logits)
            np.testing.assert_allclose(found, whole[stream][t], atol=1e-4)


# Who hears whom


def test_a_note_hears_the_lower_notes_of_its_frame_and_no_higher_ones():
    roll = random_roll()
    before = np.exp(note_model.log_probabilities(WEIGHTS, TINY, roll))
    for note in range(10):
        changed = roll.copy()
        changed[20, note] = 3 if roll[20, note] != 3 else 2
        after = np.exp(note_model.log_probabilities(WEIGHTS, TINY, changed))
        np.testing.assert_array_equal(after[:19], before[:19])  # row t is about frame t + 1
        moved = np.abs(after[19] - before[19])[:, 0] > 0
        assert not moved[: note + 1].any()
        assert moved[note + 1 : note + 1 + TINY.below].all()
        assert not moved[note + 1 + TINY.below :].any()
        assert not np.array_equal(after[20:], before[20:])


def test_without_context_all_notes_are_alike():
    weights = WEIGHTS | {
        name: np.zeros_like(WEIGHTS[name]) for name in ("context/kernel", "context/bias")
    }
    roll = np.pad(random_roll(n_notes=4), ((0, 0), (3, 3)))
    moved = np.roll(roll, 2, axis=1)
    plain = note_model.log_probabilities(weights, TINY, roll)[:, 3:7]
    up = note_model.log_probabilities(weights, TINY, moved)[:, 5:9]
    np.testing.assert_allclose(up, plain, atol=1e-5)
    plain = np.exp(note_model.log_probabilities(WEIGHTS, TINY, roll)[:, 3:7])
    up = np.exp(note_model.log_probabilities(WEIGHTS, TINY, moved)[:, 5:9])
    assert np.abs(up - plain).max() > 1e-2  # the context knows the keyboard


# Training


def test_training_learns_what_markov_cannot(trained):
    model, history, _ = trained
    unheard = tune(90, start=5)
    bits = note_model.bits_per_frame(note_model.weights_of(model), TINY, [unheard])
    markov = note_metrics.bits_per_frame(
        [unheard], note_metrics.markov_table([tune(200), tune(200, 3)])
    )
    assert bits[0] < 0.6 * markov
    assert bits[0] == pytest.approx(history.validation_loss.min(), rel=1e-3)


def test_training_reports_bits_epoch_by_epoch(trained):
    _, history, reports = trained
    assert [len(report.seconds) for report in reports] == [1, 2, 3]
    assert (np.diff(history.seconds, prepend=0) > 0).all()
    assert history.train_loss[0] > history.train_loss[-1] > 0


def quick(seed=0, steps=2, **options):
    """Train a little, and return model and history."""
    model = note_model.build(TINY, seed=1)
    options = {"seq_length": 8, "batch_size": 2, "steps_per_epoch": 1} | options
    history = note_model.train(
        model, [random_roll()], [random_roll(12)], TINY, steps=steps, seed=seed, **options
    )
    return model, history


def passages(rolls, settings, batch_size, seq_length, shifts, seed=0):
    """Yield batches without end."""
    music = note_model._hear(rolls, settings, seq_length, shifts)
    return note_model._passages(*music, settings, batch_size, seq_length, shifts, seed)


def test_a_seed_fixes_the_training():
    first, second = (note_model.weights_of(quick()[0]) for _ in range(2))
    np.testing.assert_equal(first, second)
    drawn = [next(passages([random_roll()], TINY, 4, 8, (-6, 5), seed)) for seed in (0, 1)]
    assert not np.array_equal(drawn[0][0], drawn[1][0])


def test_the_best_weights_are_kept_and_patience_ends_it(monkeypatch):
    losses = iter([3.0, 1.0, 2.0, 2.0, 9.0])
    seen = []

    def validate(model, pieces):
        seen.append(note_model.weights_of(model))
        return next(losses)

    monkeypatch.setattr(note_model, "_validate", validate)
    model, history = quick(steps=5, patience=2)
    assert history.validation_loss.tolist() == [3, 1, 2, 2]
    np.testing.assert_equal(note_model.weights_of(model), seen[1])


def test_a_training_with_too_little_time_ends_early():
    _, history = quick(steps=1000, seconds=0.01)
    assert len(history.seconds) <= 2


def test_each_step_is_told():
    seconds = []
    quick(steps=3, on_step=seconds.append)
    assert len(seconds) == 3
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_a_loss_that_explodes_is_named(monkeypatch):
    monkeypatch.setattr(note_model, "_validate", lambda model, pieces: np.nan)
    with pytest.raises(ValueError, match=r"loss must stay finite, got .* and nan in"):
        quick()


def test_the_learning_rate_rises_and_falls():
    rates = [note_model._rate(step, step / 200) for step in range(1, 201)]
    assert np.argmax(rates) in range(35, 41)
    assert rates[0] < 0.05
    assert rates[-1] == 0.02


def test_passages_are_cut_from_all_places_and_moved_as_a_whole():
    roll = np.pad(random_roll(n_notes=4), ((0, 0), (3, 3)))
    settings = dataclasses.replace(TINY, forgetting=0.0)
    drawn = passages([roll], settings, 20, 30, (-3, 3))
    heard, coming, *features = next(drawn)
    np.testing.assert_array_equal(heard[:, 1:], coming[:, :-1])
    places, shifts, (_, _, *whole) = set(), set(), note_model._inputs(roll, settings)
    for k in range(20):
        for up, first in np.ndindex(7, 10):
            part = slice(first, first + 30)
            if np.array_equal(heard[k], np.roll(roll[part], up - 3, axis=1)):
                places, shifts = places | {first}, shifts | {up}
                neighbourhood, recalled, frame = (feature[0, part] for feature in whole)
                moved = [np.roll(part, up - 3, axis=1) for part in (neighbourhood, recalled)]
                for found, expected in zip(features, [*moved, frame], strict=True):
                    np.testing.assert_allclose(found[k], expected, atol=2e-3)
                break
        else:
            raise AssertionError("a passage that isn't from the roll")
    assert len(places) > 5
    assert len(shifts) > 5


def test_some_passages_begin_as_if_nothing_had_been_before():
    rolls = [random_roll(100), random_roll(90, seed=1)]
    settings = dataclasses.replace(TINY, forgetting=0.999)
    drawn = passages(rolls, settings, 30, 9, (0, 0))
    heard, _, _, recalled, _ = next(drawn)
    excerpts = note_model._excerpts(rolls, 37)
    assert excerpts.shape == (4, 37, 10)
    known = 0
    for k, place in np.ndindex(30, 4):
        for first in range(28):
            if np.array_equal(heard[k], excerpts[place, first : first + 9]):
                fresh = note_model._inputs(excerpts[place], settings)[3]
                np.testing.assert_allclose(recalled[k], fresh[0, first : first + 9], atol=2e-3)
                known += 1
    assert known == 30


@pytest.mark.parametrize(
    "numbers", [{"steps": 0}, {"batch_size": 0}, {"steps_per_epoch": 0}], ids=str
)
def test_a_training_needs_steps_and_batches(numbers):
    with pytest.raises(ValueError, match="must be at least 1, got"):
        note_model.train(None, [], [], TINY, **numbers)


@pytest.mark.parametrize(
    ("rolls", "message"),
    [
        ([], "at least 1 piece, got none"),
        ([random_roll(96)], "n_frames at least 97, .*got 96 frames"),
        ([random_roll(n_notes=9)], r"shape \(n_frames, 10\), .*got shape \(40, 9\)"),
        ([random_roll().astype(float)], "whole numbers .* got float64"),
        ([random_roll() + np.uint8(1)], "got numbers from 1 to 4"),
        ([np.eye(10, dtype=np.uint8)], "got 9 held after off"),
    ],
)
def test_rolls_that_are_none_are_named(rolls, message):
    with pytest.raises(ValueError, match=message):
        note_model.train(note_model.build(TINY), rolls, [random_roll()], TINY)


def test_training_shows_its_bits(monkeypatch, capfd):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    quick()
    out, err = capfd.readouterr()
    assert out == ""
    assert "training: 100%" in err
    assert "validation=" in err


# Composing


def sampled_note_by_note(a, heard, chances, temperature, onset_bias):
    """Draw a frame as the definition says: each note after all lower ones."""
    states = np.zeros((1, 10), np.uint8)
    for note in range(10):
        now = a + note_model._below(WEIGHTS, TINY, states)
        logits = note_model._logits(WEIGHTS, now[0], heard)[note].astype(float)
        logits[2:] += onset_bias
        p = np.exp((logits - logits.max()) / temperature)
        states[0, note] = np.searchsorted(np.cumsum(p / p.sum()), chances[note], side="right")
    return states[0]


def test_drawing_in_rounds_equals_drawing_note_by_note():
    rng = np.random.default_rng(0)
    hear = note_model.stepper(WEIGHTS, TINY, n_streams=1, n_frames=40)
    for heard in random_roll():
        a, _ = hear(heard[None])
        chances = rng.random((1, 10))
        expected = sampled_note_by_note(a, heard, chances[0], 0.8, 0.2)
        found = note_model.draw(
            WEIGHTS, TINY, a, heard[None], chances, temperature=0.8, onset_bias=0.2
        )
        np.testing.assert_array_equal(found[0], expected)


def test_what_is_composed_follows_the_probabilities():
    roll = note_model.compose(
        WEIGHTS,
        TINY,
        3000,
        rng=np.random.default_rng(0),
        temperature=1.0,
        steering=0.0,
        pulse=0.0,
        recall=1.0,
    )
    logs = note_model.log_probabilities(WEIGHTS, TINY, np.insert(roll, 0, 0, axis=0))
    counted = (roll[..., None] == np.arange(4)).mean(axis=0)
    np.testing.assert_allclose(counted, np.exp(logs).mean(axis=0), atol=0.03)


def composed(n_frames=60, seed=0, weights=WEIGHTS, **how):
    """Compose from nothing."""
    return note_model.compose(weights, TINY, n_frames, rng=np.random.default_rng(seed), **how)


@pytest.mark.parametrize("temperature", [0, 0.5, 3.0])
def test_nothing_is_held_that_was_off(temperature):
    roll = composed(200, temperature=temperature)
    assert roll.dtype == np.uint8
    assert roll.max() <= 3
    before = np.insert(roll[:-1], 0, 0, axis=0)  # silence before the first frame
    assert not ((roll == 1) & (before == 0)).any()


def test_a_seed_fixes_what_is_composed():
    np.testing.assert_array_equal(composed(seed=3), composed(seed=3))
    assert not np.array_equal(composed(seed=3), composed(seed=4))


def test_without_temperature_chance_plays_no_part():
    cold = composed(temperature=0, recall=1)
    np.testing.assert_array_equal(cold, composed(seed=1, temperature=0, recall=1))
    nearly = composed(temperature=1e-4, recall=1)
    np.testing.assert_array_equal(cold, nearly)


def test_a_pulse_that_was_heard_is_kept():
    seed_roll = np.zeros((400, 10), np.uint8)
    seed_roll[::8] = 3  # a chord every eighth frame
    hear = note_model.stepper(WEIGHTS, TINY, n_streams=1, n_frames=400)
    expected = np.array([hear(states[None])[1][0] for states in seed_roll])[200:].reshape(-1, 8)
    assert (expected.argmax(axis=1) == 7).all()  # the frame before the next chord

    def n_onsets(n_seed, **how):
        return (composed(1, seed_roll=seed_roll[:n_seed], n_streams=20, **how) > 1).sum()

    assert n_onsets(400, pulse=5, steering=0) > n_onsets(400, pulse=0, steering=0)
    assert n_onsets(396, pulse=5, steering=0) < n_onsets(396, pulse=0, steering=0)


def test_without_recall_its_own_notes_are_forgotten():
    seed_roll = random_roll(30)
    hear = note_model.stepper(WEIGHTS, TINY, n_streams=1, n_frames=60)
    for states in seed_roll[:, None]:
        a, _ = hear(states)
    rng, expected = np.random.default_rng(0), []
    for chances in rng.random((20, 1, 10), np.float32):
        states = note_model.draw(WEIGHTS, TINY, a, states, chances)
        expected.append(states[0])
        a, _ = hear(states, np.zeros((1, 10)))
    plain = {"temperature": 1, "steering": 0, "pulse": 0, "seed_roll": seed_roll}
    np.testing.assert_array_equal(composed(20, recall=0, **plain), expected)
    assert not np.array_equal(composed(20, recall=1, **plain), expected)


def test_a_density_is_kept():
    def onsets_per_second(**how):
        return (composed(800, **how) > 1).sum() / 50  # 800 frames are 50 s

    left_alone = onsets_per_second(steering=0)
    assert left_alone == onsets_per_second(steering=0, density=5)
    for density in (10, 20, 80):
        missed = abs(onsets_per_second(density=density, steering=8) - density)
        assert missed < 0.6 * abs(left_alone - density)


def test_the_density_of_the_seed_is_kept():
    sparse, dense = random_roll(64), random_roll(64)
    sparse[:, 1:] = 0
    steers = [note_model._steering(seed[None], None, 1.0, 16.0) for seed in (sparse, dense)]
    silence = np.zeros((1, 10), np.uint8)
    for _ in range(100):
        biases = [steer(silence)[0] for steer in steers]
    assert 0 < biases[0] < biases[1]
    full = np.full((1, 10), 3, np.uint8)
    for _ in range(500):
        biases = [steer(full)[0] for steer in steers]
    assert biases[0] < biases[1] < 0


def test_composing_goes_on_from_a_seed(trained):
    weights = note_model.weights_of(trained[0])
    seed_roll = tune(150)
    roll = composed(34, weights=weights, seed_roll=seed_roll, temperature=0, pulse=0)
    assert (roll == tune(184)[150:]).mean() > 0.95


def test_streams_are_composed_at_once():
    rolls = composed(20, n_streams=3)
    assert rolls.shape == (3, 20, 10)
    assert not np.array_equal(rolls[0], rolls[1])
    seeds = np.stack([random_roll(5, seed=seed) for seed in (0, 1)])
    assert composed(20, seed_roll=seeds).shape == (2, 20, 10)
    assert composed(20, seed_roll=seeds[0], n_streams=2).shape == (2, 20, 10)
    assert composed(20, seed_roll=seeds[0]).shape == (20, 10)


def test_each_stream_is_composed_as_if_alone():
    seeds = np.stack([random_roll(5, seed=seed) for seed in (0, 1)])
    how = {"temperature": 0, "recall": 1}
    together = composed(30, seed_roll=seeds, **how)
    for seed_roll, roll in zip(seeds, together, strict=True):
        np.testing.assert_array_equal(composed(30, seed_roll=seed_roll, **how), roll)


def test_composing_nothing_gives_an_empty_roll():
    assert composed(0).shape == (0, 10)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_frames": -1}, "n_frames must be at least 0, got -1"),
        ({"temperature": -0.1}, "temperature must be 0 or more, got -0.1"),
        ({"temperature": np.nan}, "temperature must be 0 or more, got nan"),
        ({"density": 0}, "density must be above 0 onsets a second, got 0"),
        ({"steering": -1}, "steering must be 0 or more, got -1"),
        ({"pulse": -1}, "pulse must be 0 or more, got -1"),
        ({"recall": 1.1}, "recall must be from 0 to 1, got 1.1"),
        ({"n_streams": 0}, "n_streams must be at least 1, got 0"),
        ({"seed_roll": random_roll(0)}, r"got shape \(0, 10\)"),
        ({"seed_roll": random_roll(n_notes=3)}, r"got shape \(40, 3\)"),
        ({"seed_roll": [random_roll()] * 2, "n_streams": 3}, "1 or n_streams = 3 rolls, got 2"),
    ],
)
def test_impossible_compositions_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        composed(**{"n_frames": 4} | wrong)


# Files (what is the same for all kinds of files is tested with `files`)


@pytest.fixture
def path(tmp_path):
    return note_model.save(tmp_path / "notes.npz", WEIGHTS, TINY)


@pytest.mark.parametrize("settings", [TINY, NoteModelSettings(memories=(0.1,), dropout=0.0)])
def test_saving_and_loading_is_a_round_trip(tmp_path, settings):
    shapes = note_model.weight_shapes(settings).items()
    weights = {name: np.full(shape, 0.5, np.float32) for name, shape in shapes}
    path = note_model.save(tmp_path / "notes.npz", weights, settings)
    loaded, loaded_settings = note_model.load(path, expect=settings)
    np.testing.assert_equal(loaded, weights)
    assert loaded_settings == settings


def test_a_missing_file_sends_to_the_notebook_that_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no note model at .*x.npz: run notebook 05"):
        note_model.load(tmp_path / "x.npz")


@pytest.mark.parametrize("wrong", ["a weight less", "other settings"])
def test_weights_that_are_not_those_of_the_settings_are_damage(path, wrong):
    with np.load(path) as file:
        content = dict(file)
    if wrong == "a weight less":
        del content["mix/bias"]
    else:
        content["settings"] = str(content["settings"]).replace('"width": 6', '"width": 7')
    np.savez(path, **content)
    with pytest.raises(files.FormatError, match=r"damaged, or no note model: run notebook 05"):
        note_model.load(path)


def test_the_networks_of_two_kinds_are_told_apart(path):
    with pytest.raises(files.FormatError, match="holds a note model, no frame model"):
        frame_model.load(path)


def test_weights_that_do_not_fit_are_refused_everywhere(tmp_path):
    other = dataclasses.replace(TINY, width=7)
    for use in (
        lambda: note_model.build(other, weights=WEIGHTS),
        lambda: note_model.log_probabilities(WEIGHTS, other, random_roll()),
        lambda: note_model.compose(WEIGHTS, other, 3, rng=np.random.default_rng(0)),
        lambda: note_model.save(tmp_path / "x.npz", WEIGHTS, other),
    ):
        with pytest.raises(ValueError, match=r"weights of NoteModelSettings\(.*width=7.* got \{"):
            use()
    broken = WEIGHTS | {"mix/bias": np.full(6, np.nan, np.float32)}
    with pytest.raises(ValueError, match="weights must be finite"):
        note_model.save(tmp_path / "x.npz", broken, TINY)
    assert not list(tmp_path.iterdir())


def test_composing_from_a_file_imports_no_tensorflow(path):
    code = (
        "import sys, numpy as np\n"
        "from helpers import note_model\n"
        f"weights, settings = note_model.load({str(path)!r})\n"
        "note_model.compose(weights, settings, 5, rng=np.random.default_rng(0))\n"
        "print([name for name in sys.modules if name.startswith(('tensorflow', 'keras'))])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert result.stdout == "[]\n"
