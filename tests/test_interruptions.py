"""A training that is killed or interrupted, or whose disk is full, ends as if nothing had been."""

import errno
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import helpers
from helpers import files, frame_model, note_model
from tests import interrupted

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """How a training of each kind goes if nothing happens, and its weights; each is run once."""
    found = {}

    def get(kind):
        if kind not in found:
            found[kind] = interrupted.KINDS[kind](tmp_path_factory.mktemp(kind))
        return found[kind]

    return get


@pytest.fixture
def whole(ended):
    return ended("whole")


def assert_same(found, whole):
    (history, weights), (expected, expected_weights) = found, whole
    np.testing.assert_allclose(history.train_loss, expected.train_loss, atol=1e-3)
    np.testing.assert_allclose(history.validation_loss, expected.validation_loss, atol=1e-3)
    for name, weight in weights.items():
        np.testing.assert_allclose(weight, expected_weights[name], atol=1e-4, err_msg=name)


# Stopped by a signal


def started(folder, kind, done):
    """Train in another process; return it."""
    command = [sys.executable, "-m", "tests.interrupted", folder, kind, done]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def run_and_stop(folder, kind, signum, n_steps, seconds):
    """Train in another process; stop it so long after a step; return from where to where it came.

    In a third place, say whether it was done before.
    """
    at = reached = 0
    with started(folder, kind, folder / "done.npz") as process:
        for line in process.stdout:
            if line != f"{interrupted.STEP}\n":
                at = reached = int(re.fullmatch(RESUMING, line)[1])
                continue
            reached += 1
            if reached == at + n_steps:
                time.sleep(seconds)
                process.send_signal(signum)
    stopped = (-signum, 1) if signum == signal.SIGINT else (-signum,)  # or KeyboardInterrupt
    assert process.returncode in (0, *stopped)
    return at, reached, process.returncode == 0


RESUMING = r"Resuming at step (\d+) \(\w+-\w{8}\.npz\)\n"


def load_ended(path):
    """Return how a training went in another process, and its weights."""
    with np.load(path) as file:
        weights = dict(file)
    losses = weights.pop("train"), weights.pop("validation")
    return frame_model.History(*losses, np.arange(1.0, 1 + len(losses[0]))), weights


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
@pytest.mark.parametrize(
    ("kind", "n_kills"),
    [  # five in all; and fifty
        *(("whole", 3), ("plain", 1), ("poet", 1)),
        pytest.param("whole", 20, marks=pytest.mark.long),
        pytest.param("plain", 15, marks=pytest.mark.long),
        pytest.param("poet", 15, marks=pytest.mark.long),
    ],
)
def test_a_training_stopped_at_random_moments_ends_as_if_nothing_had_been(
    kind, n_kills, tmp_path, ended
):
    rng, reached, n_checked = np.random.default_rng(n_kills), 0, 0
    for k, n_steps in enumerate([*rng.integers(1, 40, n_kills), 1000]):
        before, signum = reached, signal.SIGINT if k % 3 == 1 else signal.SIGKILL
        pause = rng.uniform(0, 0.05)
        at, reached, finished = run_and_stop(tmp_path, kind, signum, n_steps, pause)
        # the last step was told, but not written yet; or the other way round; or all was done
        assert abs(at - before) <= 1 or before >= N_STEPS[kind]
        if finished:
            assert_same(load_ended(tmp_path / "done.npz"), ended(kind))
            assert [path.name for path in tmp_path.glob("*.npz")] == ["done.npz"]
            reached, n_checked = 0, n_checked + 1
    assert n_checked > n_kills / 20


N_STEPS = {"whole": interrupted.STEPS, "plain": 100, "poet": 100}


def test_two_processes_that_train_the_same_in_one_folder_end_alike(tmp_path, whole):
    done = [tmp_path / f"done{k}.npz" for k in (0, 1)]
    for process in [started(tmp_path, "whole", path) for path in done]:
        process.communicate()
        assert process.returncode == 0
    for path in done:
        assert_same(load_ended(path), whole)
    assert sorted(tmp_path.glob("*.npz")) == done


# Interrupted in this process, each time at a bad moment


class Breaking:
    """A function; an exception follows when it has been called so often."""

    def __init__(self, n_calls, function=lambda *_: None, exception=KeyboardInterrupt):
        self.function, self.exception, self.left = function, exception, n_calls

    def __call__(self, *args, **options):
        result = self.function(*args, **options)
        self.left -= 1
        if self.left == 0:
            raise self.exception
        return result


BREAKS = {  # in this order: what breaks, after how many calls, and at which step it then goes on
    "told of a step": ("on_step", 7, 7),
    "amid a step": ("train_on_batch", 20, 27),
    "listening to the second piece": ("test_on_batch", 2, 50),
    "told of an epoch": ("on_epoch", 1, 50),
    "writing": ("save_npz", 11, 60),
    "told of the last epoch": ("on_epoch", 3, 120),
}


def test_a_training_that_is_interrupted_goes_on(tmp_path, whole, capsys):
    model = interrupted.built(note_model.weights_of(interrupted.built()))  # as when fine-tuning
    path, first, step = tmp_path / "training.npz", model.get_weights(), 0
    for name, n_calls, then in BREAKS.values():
        with pytest.MonkeyPatch.context() as patch:
            options = {}
            if name.startswith("on_"):
                options[name] = Breaking(n_calls)
            else:
                place = files if name == "save_npz" else model
                patch.setattr(place, name, Breaking(n_calls, getattr(place, name)))
            with pytest.raises(KeyboardInterrupt) as stop:
                interrupted.train(model, path, **options)
        resumed = f"Resuming at step {step} (training-"
        assert capsys.readouterr().out.startswith(resumed if step else ""), name
        assert interrupted.shown(stop.value, capsys) == f"{helpers.STOPPED[0]}\n"
        if then < interrupted.EPOCH:  # the best so far
            np.testing.assert_equal(model.get_weights(), first)
        step = then
    history = interrupted.train(model, path)
    assert capsys.readouterr().out.startswith("Resuming at step 120 (training-")
    assert_same((history, note_model.weights_of(model)), whole)
    assert (np.diff(history.seconds, prepend=0) > 0).all()
    assert not list(tmp_path.iterdir())


def test_on_a_full_disk_training_goes_on_and_the_last_checkpoint_stays(tmp_path, whole, capsys):
    def full(file, **_):
        file.write(b"a part of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    def on_step(_):
        nonlocal step
        step += 1
        if step == 10:
            patch.setattr(np, "savez", full)
        if step == 20:
            raise KeyboardInterrupt

    step, model, path = 0, interrupted.built(), tmp_path / "training.npz"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupted.train(model, path, on_step=on_step)
    said = capsys.readouterr().out
    assert said.count("\n") == said.count("No space left on device") == 1
    assert len(list(tmp_path.iterdir())) == 1
    history = interrupted.train(model, path)
    assert capsys.readouterr().out.startswith("Resuming at step 9 ")
    assert_same((history, note_model.weights_of(model)), whole)
