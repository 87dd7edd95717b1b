"""Train a small network in a process of its own, which may be killed: `test_interruptions` runs it.

python -m tests.interrupted FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from IPython.core.interactiveshell import InteractiveShell

from helpers import events, note_model

SETTINGS = note_model.NoteModelSettings(hidden=8, keys=4, depth=2, critic=4, dense=8)
STEPS, EPOCH = 120, 25


def music(seed):
    """A tune that wanders about, as words."""
    rng = np.random.default_rng(seed)
    pitches = 60 + np.cumsum(rng.integers(-2, 3, 40)) % 24
    return events.words(np.array([(6 * k, pitch, 6, 3) for k, pitch in enumerate(pitches)]))


def built(weights=None):
    """Build the network, not trained yet."""
    return note_model.build(SETTINGS, weights=weights)


def train(model, checkpoint=None, **options):
    """Train for a few seconds, and write a checkpoint after each step."""
    return note_model.train(
        model,
        [music(0), music(1)],
        [music(2), music(3)],
        SETTINGS,
        steps=STEPS,
        steps_per_epoch=EPOCH,
        n_words=24,
        batch_size=2,
        checkpoint=checkpoint,
        every=0.0,
        **options,
    )


def shown(error, capsys):
    """Return what IPython, and so Jupyter, shows of an error."""
    shell = InteractiveShell()
    shell.user_ns["error"] = error
    shell.run_cell("raise error")
    return capsys.readouterr().out


if __name__ == "__main__":
    folder, model = Path(sys.argv[1]), built()
    told = {"on_step": lambda _: print("one more step", flush=True)}
    history = train(model, folder / "training.npz", **told)
    losses = {"train": history.train_loss, "validation": history.validation_loss}
    np.savez(folder / "done.npz", **losses, **note_model.weights_of(model))
