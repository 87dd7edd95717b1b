"""Keras as the oracle for the NumPy LSTM; tiny networks that train in a moment."""

import dataclasses
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tqdm.notebook
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import helpers
from helpers import files, frame_model

TINY = frame_model.LstmSettings(n_features=4, dense=5, hidden=6, sr=8000, block_length=2)
STANDARDISER = frame_model.Standardiser(np.float32([0, 1, 2, 3]), np.float32([1, 2, 3, 4]))


def random_weights(network, seed=0):
    """Weights of the right shapes, without Keras."""
    rng = np.random.default_rng(seed)
    shapes = frame_model._weight_shapes(network).items()
    return {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes}


def rotation(n_frames, phase=0.0):
    """Music that can be predicted without error: four sines."""
    t = np.arange(n_frames)[:, None]
    return np.sin(0.4 * t + np.arange(4) + phase).astype(np.float32)


@pytest.fixture(scope="module")
def music():
    """Training and validation sequences."""
    train = [frame_model.make_sequences(rotation(60, phase), 10) for phase in (0, 1, 2)]
    validation = frame_model.make_sequences(rotation(60, 4), 10)
    return *frame_model.concatenate_sequences(train), validation


class ScriptedModel:
    """Stands in for a Keras model; its validation losses are given, its weights are the epoch."""

    input_shape = (None, None, 4)

    def __init__(self, *validation_losses):
        self.losses, self.epoch = validation_losses, 0  # an epoch ends with its validation

    def compile(self, optimizer, loss, jit_compile):
        pass

    def reset_metrics(self):
        pass

    def train_on_batch(self, X, Y):
        return 0.5

    def evaluate(self, X, Y, batch_size, verbose):
        self.epoch += 1
        return self.losses[self.epoch - 1]

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.epoch = weights


# Settings and sizes


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_features": 0}, "n_features must be a whole number of at least 1, got 0"),
        ({"hidden": 2.5}, "hidden must be .*, got 2.5"),
        ({"dense": None}, "dense must be .*, got None"),
        ({"sr": -1}, "sr must be .*, got -1"),
    ],
)
def test_impossible_settings_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        frame_model.LstmSettings(**{"n_features": 4, **changed})


# Building


def test_the_network_takes_sequences_of_any_length():
    model = frame_model.build(TINY)
    for seq_length in (1, 3, 8):
        Y = model.predict(rotation(seq_length)[None], verbose=0)
        assert Y.shape == (1, seq_length, 4)
        assert Y.dtype == np.float32


def test_a_seed_fixes_the_first_weights():
    drawn = [frame_model.weights_of(frame_model.build(TINY, seed=seed)) for seed in (3, 3, 4)]
    np.testing.assert_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0]["lstm/kernel"], drawn[2]["lstm/kernel"])


def test_weights_make_a_round_trip_through_keras():
    weights = random_weights(TINY)
    np.testing.assert_equal(
        frame_model.weights_of(frame_model.build(TINY, weights=weights)), weights
    )


def test_weights_of_another_network_are_refused():
    weights = random_weights(frame_model.LstmSettings(n_features=4, dense=5, hidden=7))
    with pytest.raises(ValueError, match=r"weights of LstmSettings\(n_features=4, .* got \{"):
        frame_model.build(TINY, weights=weights)


# The taught core


def test_steps_agree_with_keras():
    rng = np.random.default_rng(0)
    X = rng.normal(0, 2, (3, 7, 5)).astype(np.float32)  # (batch, time, inputs)
    keras = frame_model.tensorflow().keras
    lstm = keras.layers.LSTM(6, return_sequences=True, return_state=True)
    lstm.build(X.shape)
    weights = [rng.normal(0, 1, w.shape).astype(np.float32) for w in lstm.get_weights()]
    lstm.set_weights(weights)
    outputs, last_h, last_c = (np.asarray(value) for value in lstm(X))

    h = c = np.zeros((3, 6), np.float32)
    for t in range(7):
        h, c, gates = frame_model.lstm_step(X[:, t], h, c, *weights)
        np.testing.assert_allclose(h, outputs[:, t], atol=1e-5)
        for name, (low, high) in {"candidate": (-1, 1), "forget": (0, 1)}.items():
            assert low <= gates[name].min() <= gates[name].max() <= high
    np.testing.assert_allclose(h, last_h, atol=1e-5)
    np.testing.assert_allclose(c, last_c, atol=1e-5)
    assert h.dtype == c.dtype == np.float32


def gated(i, f, g, o):
    """One step of one unit whose gates are set by their biases alone; the memory held 0.7."""
    zeros = np.zeros((1, 4), np.float32)
    x, memory = np.zeros(1, np.float32), np.float32([0.7])
    return frame_model.lstm_step(x, x, memory, zeros, zeros, np.float32([i, f, g, o]))


def test_each_gate_does_what_its_name_says():
    shut, wide = -1000.0, 1000.0
    _, c, _ = gated(i=shut, f=wide, g=1.0, o=0.0)
    assert c == np.float32(0.7)  # kept
    _, c, _ = gated(i=shut, f=shut, g=1.0, o=0.0)
    assert c == 0  # forgotten
    _, c, _ = gated(i=wide, f=shut, g=1.0, o=0.0)
    np.testing.assert_allclose(c, np.tanh(1), rtol=1e-6)  # replaced
    h, _, _ = gated(i=shut, f=wide, g=1.0, o=wide)
    np.testing.assert_allclose(h, np.tanh(0.7), rtol=1e-6)  # shown
    h, _, gates = gated(i=shut, f=wide, g=1.0, o=shut)
    assert h == 0  # hidden
    assert list(gates) == ["input", "forget", "candidate", "output"]


def test_carrying_the_state_equals_running_the_whole_history():
    weights = random_weights(TINY)
    model = frame_model.build(TINY, weights=weights)
    frames = rotation(30)
    whole = model.predict(frames[None], verbose=0)[0]
    step, state = frame_model.stepper(weights), None
    for k, frame in enumerate(frames):
        prediction, state = step(frame, state)
        np.testing.assert_allclose(prediction, whole[k], atol=1e-5)
    assert prediction.dtype == np.float32


def test_a_stepper_runs_several_streams_at_once():
    step = frame_model.stepper(random_weights(TINY))
    frames = rotation(3)
    together, (h, c) = step(frames)
    assert h.shape == c.shape == (3, 6)
    for frame, prediction in zip(frames, together, strict=True):
        np.testing.assert_allclose(step(frame)[0], prediction, atol=1e-6)


# Composing


def counting_step(frame, state):
    """A model that adds one, and counts in its state how often it was asked."""
    return frame + 1, (state or 0) + 1


def test_composing_listens_and_then_goes_on():
    seed_frames = np.float32([[10], [20], [30]])
    forced, generated = frame_model.compose(counting_step, seed_frames, 4)
    assert forced.ravel().tolist() == [11, 21, 31]
    assert generated.ravel().tolist() == [31, 32, 33, 34]
    assert forced.dtype == generated.dtype == np.float32


def test_whole_numbers_are_gone_on_from_in_fractions():
    forced, generated = frame_model.compose(lambda x, _: (x / 2, None), [[1], [3]], 2)
    assert (forced.ravel().tolist(), generated.ravel().tolist()) == ([0.5, 1.5], [1.5, 0.75])


def test_composing_runs_no_more_steps_than_needed():
    states = []

    def step(frame, state):
        states.append(state)
        return counting_step(frame, state)

    frame_model.compose(step, np.zeros((3, 2)), 4)
    assert states == [None, 1, 2, 3, 4, 5]


def test_composing_equals_predicting_the_growing_history():
    weights = random_weights(TINY)
    model = frame_model.build(TINY, weights=weights)
    history = rotation(5)
    forced, generated = frame_model.compose(frame_model.stepper(weights), history, 6)
    np.testing.assert_allclose(forced, model.predict(history[None], verbose=0)[0], atol=1e-5)
    for _ in range(6):
        history = np.append(history, model.predict(history[None], verbose=0)[0, -1:], axis=0)
    np.testing.assert_allclose(generated, history[5:], atol=1e-5)


def test_composing_nothing_only_listens():
    forced, generated = frame_model.compose(counting_step, np.zeros((2, 3)), 0)
    assert (forced.shape, generated.shape) == ((2, 3), (0, 3))


@pytest.mark.parametrize(
    ("n_seed", "n_frames", "message"), [(0, 4, "at least 1 frame, got 0"), (3, -1, "got -1")]
)
def test_impossible_compositions_are_named(n_seed, n_frames, message):
    with pytest.raises(ValueError, match=message):
        frame_model.compose(counting_step, np.zeros((n_seed, 2)), n_frames)


# Training


def test_training_learns_what_can_be_learnt_and_ends_at_its_best(music):
    X, Y, validation = music
    model = frame_model.build(TINY, seed=1)
    history = frame_model.train(model, X, Y, validation, epochs=30, learning_rate=0.03)
    assert history.train_loss.shape == history.validation_loss.shape == (30,)
    assert history.validation_loss.min() < 0.5 * np.abs(validation[1] - validation[0]).mean()
    assert (np.diff(history.seconds, prepend=0) > 0).all()
    loss = np.abs(model.predict(validation[0], verbose=0) - validation[1]).mean()
    assert loss == pytest.approx(history.validation_loss[history.best_epoch], rel=1e-5)


def test_the_loss_is_the_one_that_is_named(music):
    X, Y, validation = music
    model = frame_model.build(TINY, seed=1)
    history = frame_model.train(model, X, Y, validation, epochs=1, loss="mean_squared_error")
    squared = np.mean((np.asarray(model(validation[0])) - validation[1]) ** 2)
    np.testing.assert_allclose(history.validation_loss, squared, rtol=1e-4)


def test_a_seed_fixes_the_training(music):
    def run():
        model = frame_model.build(TINY, seed=1)
        frame_model.train(model, *music, epochs=1, batch_size=4, seed=5)
        return frame_model.weights_of(model)

    np.testing.assert_equal(run(), run())


def orders(music, seed):
    """In which order two epochs go through the 18 sequences, each known by its first value."""
    batches = []
    model = ScriptedModel(1.0, 1.0)
    model.train_on_batch = lambda X, Y: batches.append(X[:, 0, 0].tolist()) or 0.5
    frame_model.train(model, *music, epochs=2, batch_size=7, seed=seed)
    assert [len(batch) for batch in batches] == [7, 7, 4, 7, 7, 4]
    return np.concatenate(batches[:3]).tolist(), np.concatenate(batches[3:]).tolist()


def test_every_sequence_is_used_once_an_epoch_in_an_order_fixed_by_the_seed(music):
    first, second = orders(music, seed=0)
    assert sorted(first) == sorted(second) == sorted(music[0][:, 0, 0].tolist())
    assert first != second
    assert orders(music, seed=0) == (first, second)
    assert orders(music, seed=1) != (first, second)


def test_batches_keep_inputs_and_targets_together_and_weigh_by_their_size(music):
    model = ScriptedModel(1.0)

    def train_on_batch(X, Y):
        np.testing.assert_array_equal(X[:, 1:], Y[:, :-1])
        return len(X)  # as if it were the loss

    model.train_on_batch = train_on_batch
    history = frame_model.train(model, *music, epochs=1, batch_size=7)
    assert history.train_loss == pytest.approx((7 * 7 + 7 * 7 + 4 * 4) / 18)


def test_the_best_weights_are_restored(music):
    model = ScriptedModel(3.0, 1.0, 2.0, 1.0)
    history = frame_model.train(model, *music, epochs=4)
    assert history.validation_loss.tolist() == [3, 1, 2, 1]
    assert model.epoch == history.best_epoch + 1 == 2


@pytest.mark.parametrize(("patience", "n_epochs"), [(1, 3), (2, 6), (None, 7)])
def test_patience_ends_a_training_that_gets_no_better(music, patience, n_epochs):
    model = ScriptedModel(5.0, 4.0, 4.5, 3.0, 3.0, 9.0, 1.0)
    history = frame_model.train(model, *music, epochs=7, patience=patience)
    assert len(history.seconds) == n_epochs


def test_each_epoch_reports_the_history_so_far(music):
    reports = []
    frame_model.train(ScriptedModel(3.0, 2.0, 1.0), *music, epochs=3, on_epoch=reports.append)
    assert [report.validation_loss.tolist() for report in reports] == [[3], [3, 2], [3, 2, 1]]
    assert reports[1].train_loss.tolist() == [0.5, 0.5]


def test_an_interrupted_training_leaves_the_best_weights(music):
    def interrupt(history):
        if len(history.seconds) == 3:
            raise KeyboardInterrupt

    model = ScriptedModel(3.0, 1.0, 2.0)
    with pytest.raises(KeyboardInterrupt):
        frame_model.train(model, *music, epochs=9, on_epoch=interrupt)
    assert model.epoch == 2


# Checkpoints (what training does with them is tested in `test_interruptions`)


def compiled(seed=0):
    """A network about to be trained."""
    model = frame_model.build(TINY, seed=seed)
    model.compile(frame_model.tensorflow().keras.optimizers.Adam())
    return model


def interrupt_after(seconds, model, path, training):
    """Leave a checkpoint of a training that had no time for a step."""
    checkpoint = frame_model.Checkpoint(model, path, training)
    checkpoint.course.seconds = seconds
    checkpoint.keep(at_once=True)
    return checkpoint


def test_trainings_on_other_music_keep_each_its_checkpoint(tmp_path, capsys):
    path, one, other = tmp_path / "[x].checkpoint.npz", np.arange(4), np.arange(4).reshape(2, 2)
    kept = {k: interrupt_after(k, compiled(), path, [what]) for k, what in enumerate((one, other))}
    name = kept[0].path.name
    assert re.fullmatch(r"\[x\]\.checkpoint-\w{8}\.npz", name)
    assert capsys.readouterr().out == f"Starting anew: {name} is of other music or settings\n"
    assert {file.name for file in tmp_path.iterdir()} == {kept[k].path.name for k in (0, 1)}
    for k, what in enumerate((one, other)):
        assert frame_model.Checkpoint(compiled(), path, [what]).course.seconds == k
        assert capsys.readouterr().out == f"Resuming at step 0 ({kept[k].path.name})\n"


def test_a_checkpoint_is_of_the_weights_that_its_training_began_with(tmp_path, capsys):
    path, model = tmp_path / "x.npz", compiled()
    checkpoint = interrupt_after(1.0, model, path, [])
    assert frame_model.Checkpoint(compiled(seed=1), path).course.seconds == 0
    assert capsys.readouterr().out == (
        f"Starting anew: {checkpoint.path.name} began with other weights\n"
    )
    checkpoint.best = [weight + 1 for weight in checkpoint.best]
    checkpoint.keep(at_once=True)
    model.set_weights(checkpoint.best)  # as an interruption leaves them
    assert frame_model.Checkpoint(model, path).course.seconds == 1
    np.testing.assert_equal(model.get_weights(), compiled().get_weights())


def test_a_damaged_checkpoint_is_named_and_replaced(tmp_path, capsys):
    path = tmp_path / "x.npz"
    file = interrupt_after(1.0, compiled(), path, []).path
    file.write_bytes(file.read_bytes()[:-100])
    checkpoint = frame_model.Checkpoint(compiled(), path)
    assert re.match(r"Starting anew: .*npz is damaged, .*train again", capsys.readouterr().out)
    checkpoint.keep(at_once=True)
    frame_model.Checkpoint(compiled(), path)
    assert capsys.readouterr().out.startswith("Resuming")


def test_a_checkpoint_is_written_as_often_as_is_said(tmp_path, monkeypatch):
    clock, written = [100.0], []
    monkeypatch.setattr(frame_model.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(files, "save_npz", lambda *_: written.append(clock[0]))
    checkpoint = frame_model.Checkpoint(compiled(), tmp_path / "x.npz")
    for clock[0] in range(101, 200):
        checkpoint.keep()
    assert written == [120, 140, 160, 180]  # much less than 30 s are lost


def test_without_a_path_nothing_is_written():
    model = ScriptedModel()
    frame_model.Checkpoint(model).keep(at_once=True)


@pytest.mark.parametrize(("losses", "epoch"), [((2.0, np.nan), 1), ((np.inf,), 0)])
def test_a_loss_that_explodes_is_named_and_spoils_nothing(music, losses, epoch):
    model = ScriptedModel(*losses)
    with pytest.raises(ValueError, match=r"stay finite, got 0.5 in training and (nan|inf) in"):
        frame_model.train(model, *music, epochs=9)
    assert model.epoch == epoch


@pytest.mark.parametrize("broken", ["X", "Y", "features", "empty", "dimensions", "validation"])
def test_sequences_that_do_not_fit_are_named(music, broken):
    X, Y, validation = music
    X, Y, validation = {
        "X": (X[:-1], Y, validation),
        "Y": (X, Y[:, 1:], validation),
        "features": (X[..., :3], Y[..., :3], validation),
        "empty": (X[:0], Y[:0], validation),
        "dimensions": (X[0], Y[0], validation),
        "validation": (X, Y, (validation[0], validation[1][:0])),
    }[broken]
    name = "validation" if broken == "validation" else "training"
    with pytest.raises(ValueError, match=rf"{name} sequences .*seq_length, 4\) and .* got \("):
        frame_model.train(ScriptedModel(), X, Y, validation, epochs=1)


@pytest.mark.parametrize("which", [0, 1])
def test_sequences_that_are_not_finite_are_named(music, which):
    parts = [part.copy() for part in music[:2]]
    parts[which][0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="training sequences must be finite"):
        frame_model.train(ScriptedModel(), *parts, music[2], epochs=1)


@pytest.mark.parametrize("numbers", [{"epochs": 0}, {"epochs": 1, "batch_size": 0}])
def test_a_training_needs_an_epoch_and_a_batch(music, numbers):
    with pytest.raises(ValueError, match="epochs and batch_size must be at least 1, got"):
        frame_model.train(ScriptedModel(), *music, **numbers)


def test_training_shows_its_losses(music, monkeypatch, capfd):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    frame_model.train(ScriptedModel(2.0, 1.0), *music, epochs=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert "training: 100%" in err
    assert "train=0.5000, validation=1.0000" in err


def test_the_progress_bar_of_a_notebook_can_be_silenced_too(music, monkeypatch):
    shown = []
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr(tqdm.notebook, "display", shown.append)
    monkeypatch.setattr(helpers, "tqdm", tqdm.notebook.tqdm)
    frame_model.train(ScriptedModel(2.0, 1.0), *music, epochs=2)
    assert not shown


# Files (what is the same for all kinds of files is tested with `files`)


@pytest.fixture
def path(tmp_path):
    return frame_model.save(tmp_path / "model.npz", random_weights(TINY), TINY, STANDARDISER)


def test_saving_and_loading_is_a_round_trip(path):
    weights, network, standardiser = frame_model.load(path)
    np.testing.assert_equal(weights, random_weights(TINY))
    assert list(weights) == list(frame_model._weight_shapes(TINY))
    assert network == TINY
    np.testing.assert_equal(vars(standardiser), vars(STANDARDISER))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_not_saved(tmp_path, value):
    weights = random_weights(TINY)
    weights["lstm/bias"][0] = value
    with pytest.raises(ValueError, match="weights must be finite"):
        frame_model.save(tmp_path / "model.npz", weights, TINY, STANDARDISER)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_sends_to_the_notebook_that_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no frame model at .*x\.npz: run notebook 05"):
        frame_model.load(tmp_path / "x.npz")


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_truncated_file_is_named(path, data):
    whole = path.read_bytes()
    damaged = path.with_name("damaged.npz")
    damaged.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(
        ValueError, match=r"damaged.npz is damaged, or no frame model: run notebook 05"
    ):
        frame_model.load(damaged)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_byte_is_named_or_harmless(path, data):
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = path.with_name("damaged.npz")
    damaged.write_bytes(content)
    try:
        weights, network, standardiser = frame_model.load(damaged)
    except ValueError:  # its message is the one of a truncated file
        return
    np.testing.assert_equal(weights, random_weights(TINY))
    np.testing.assert_equal(vars(standardiser), vars(STANDARDISER))
    assert network == TINY


def test_weights_of_other_settings_are_damage(path):
    with np.load(path) as file:
        content = dict(file)
    content["settings"] = str(content["settings"]).replace('"hidden": 6', '"hidden": 7')
    np.savez(path, **content)
    with pytest.raises(files.FormatError, match=r"damaged, .* must have shapes"):
        frame_model.load(path)


# What a reader's kernel sees


def run(code, **environment):
    """Run code in a fresh Python."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )


def test_composing_from_a_file_imports_no_tensorflow(path):
    result = run(
        "import sys, numpy as np\n"
        "from helpers import frame_model\n"
        f"weights, network, standardiser = frame_model.load({str(path)!r})\n"
        "step = frame_model.stepper(weights)\n"
        "frame_model.compose(step, np.zeros((2, network.n_features), 'f'), 3)\n"
        "print([name for name in sys.modules if name.startswith(('tensorflow', 'keras'))])"
    )
    assert result.stdout == "[]\n"


def test_training_is_silent_apart_from_its_progress_bar():
    result = run(
        "import numpy as np\n"
        "from helpers import frame_model\n"
        "X = np.zeros((3, 5, 4), 'f')\n"
        "model = frame_model.build(frame_model.LstmSettings(n_features=4, dense=2, hidden=2))\n"
        "frame_model.train(model, X, X, (X, X), epochs=2, batch_size=2)",
        TQDM_DISABLE="1",
    )
    assert (result.stdout, result.stderr) == ("", "")


def test_a_missing_tensorflow_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ModuleNotFoundError, match=r"make lab.*Intel"):
        frame_model.tensorflow.__wrapped__()


# Sequences and standardising: no frame is lost, none crosses pieces; NumPy is the oracle


def numbered(n_frames):
    """Frames that say their own number."""
    return np.arange(n_frames, dtype=np.float32)[:, None]


@given(seq_length=st.integers(1, 12), extra=st.integers(1, 40))
def test_targets_come_one_frame_later_and_no_frame_is_lost(seq_length, extra):
    n_frames = seq_length + extra
    X, Y = frame_model.make_sequences(numbered(n_frames), seq_length)
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
    X, _ = frame_model.make_sequences(numbered(n_frames), 5)
    assert X[:, 0, 0].tolist() == starts


def test_forty_one_frames_give_a_sequence_where_the_original_had_none_from_forty():
    X, Y = frame_model.make_sequences(numbered(41), 40)
    assert X.shape == Y.shape == (1, 40, 1)


def test_sequences_keep_the_type_and_the_features():
    X, Y = frame_model.make_sequences(np.arange(30, dtype=np.uint8).reshape(10, 3), 4)
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
        frame_model.make_sequences(np.zeros(shape), seq_length)


def test_no_sequence_runs_across_pieces():
    pieces = [np.full((n, 2), piece, np.float32) for piece, n in enumerate((9, 5, 23))]
    pairs = (frame_model.make_sequences(piece, 4) for piece in pieces)
    X, Y = frame_model.concatenate_sequences(pairs)
    assert X.shape == Y.shape == (2 + 1 + 6, 4, 2)
    assert np.shares_memory(X, Y)  # half the memory
    assert all(len(np.unique(both)) == 1 for both in np.concatenate([X, Y], axis=1))


def test_sequences_that_do_not_match_are_named():
    with pytest.raises(ValueError, match="at least 1 piece, got none"):
        frame_model.concatenate_sequences([])
    pairs = [frame_model.make_sequences(numbered(9), seq_length) for seq_length in (3, 4)]
    with pytest.raises(ValueError, match=r"got \[\(3, 1\), \(4, 1\)\]: cut every piece"):
        frame_model.concatenate_sequences(pairs)


# Standardising


def pieces(rng, *lengths):
    """Pieces whose four features have different means and spreads."""
    return [rng.normal([0, 5, -1, 0], [1, 0.1, 30, 2], (n, 4)).astype(np.float32) for n in lengths]


def test_statistics_are_those_of_all_pieces_together():
    frames_list = pieces(np.random.default_rng(0), 50, 7, 0, 90)
    together = np.concatenate(frames_list).astype(np.float64)
    found = frame_model.fit_standardiser(frames_list)
    np.testing.assert_allclose(found.mean, together.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.std, together.std(axis=0), rtol=1e-5)
    assert found.mean.dtype == found.std.dtype == np.float32


def test_training_frames_become_standard():
    frames_list = pieces(np.random.default_rng(1), 400, 300)
    standard = frame_model.fit_standardiser(frames_list).apply(np.concatenate(frames_list))
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=1e-4)


def test_statistics_of_long_music_lose_no_digits():
    frames = np.full((400_000, 1), 0.1, np.float32)
    frames[::2] += 0.001
    found = frame_model.fit_standardiser([frames])
    np.testing.assert_allclose(found.mean, [0.1005], rtol=1e-6)
    np.testing.assert_allclose(found.std, [0.0005], rtol=1e-4)


@given(
    frames=hnp.arrays(
        np.float32, (6, 3), elements=st.floats(-1000, 1000, width=32, allow_subnormal=False)
    )
)
def test_invert_undoes_apply(frames):
    standardiser = frame_model.fit_standardiser([frames])
    standard = standardiser.apply(frames)
    assert standard.dtype == np.float32
    assert np.isfinite(standard).all()
    back = standardiser.invert(standard)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, frames, atol=1e-6 * (1 + np.abs(frames).max()))


def test_features_that_never_change_get_the_floor():
    frames = np.zeros((100, 2), np.float32)
    frames[:, 1] = np.tile([-4, 4], 50)  # standard deviation 4; over both features, 4 / sqrt(2)
    standardiser = frame_model.fit_standardiser([frames])
    np.testing.assert_allclose(standardiser.std, [4e-4 / np.sqrt(2), 4], rtol=1e-6)
    np.testing.assert_array_equal(standardiser.apply(frames)[:, 0], 0)


def test_music_that_never_changes_stays_finite():
    frames = np.full((10, 3), 7, np.float32)
    standardiser = frame_model.fit_standardiser([frames])
    np.testing.assert_array_equal(standardiser.apply(frames), 0)
    np.testing.assert_array_equal(standardiser.invert(np.zeros((2, 3))), 7)


def test_a_standardiser_takes_sequences_and_single_frames():
    standardiser = frame_model.fit_standardiser(pieces(np.random.default_rng(2), 30))
    X = np.ones((2, 5, 4), np.float32)
    np.testing.assert_array_equal(standardiser.apply(X)[1, 3], standardiser.apply(X[1, 3]))


def test_a_standardiser_is_frozen():
    standardiser = frame_model.fit_standardiser(pieces(np.random.default_rng(3), 30))
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
        frame_model.fit_standardiser(frames_list)
