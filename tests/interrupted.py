"""Train small networks in a process of its own, which may be killed: `test_interruptions` runs it.

python -m tests.interrupted FOLDER KIND DONE

trains what KIND names in FOLDER, and writes weights and losses to the file DONE.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
from IPython.core.interactiveshell import InteractiveShell

from helpers import events, frame_model, note_model, verse

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
SETTINGS = note_model.NoteModelSettings(hidden=8, keys=4, depth=2, critic=4, dense=8)
STEPS, EPOCH = 120, 25
STEP = "one more step"  # is said after each


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


class Telling(frame_model.Checkpoint):
    """A checkpoint that is written after each step, and says so before."""

    def __init__(self, model, path, training, every):
        assert every == 5
        super().__init__(model, path, training, every=0.0)

    def keep(self, *, at_once=False):
        """Tell of a step, and write the file."""
        print(STEP, flush=True)
        super().keep(at_once=at_once)


def lesson(name, cells, folder, **given):
    """Run cells of a notebook, and what is given between them; return all that they define."""
    (path,) = NOTEBOOKS.glob(f"{name}_*.ipynb")
    sources = {cell.id: cell.source for cell in nbformat.read(path, 4).cells}
    curve = Curve()
    found = {"np": np, "events": events, "verse": verse, "FOLDER": folder, "OUTPUTS": folder}
    found |= {"interactive": SimpleNamespace(LiveCurve=lambda *_, **__: curve), "curve": curve}
    kit = vars(frame_model) | {"Checkpoint": Telling}
    found |= {"frame_model": SimpleNamespace(**kit), "display": lambda _: None, "SEED": 4} | given
    for cell, changes in cells.items():
        source = sources[cell]
        for old, new in changes.items():
            assert old in source, old
            source = source.replace(old, new)
        exec(source, found)
    return found


class Curve:
    """Takes the place of a learning curve: it knows the last history."""

    widget = None

    def __call__(self, history):
        """Keep how it went."""
        self.history = history


def whole(folder):
    """Train the whole network of notebooks 06 and 09."""
    model = built()
    told = {"on_step": lambda _: print(STEP, flush=True)}
    return train(model, folder / "training.npz", **told), note_model.weights_of(model)


def plain(folder):
    """Train the plain LSTM of notebook 06 by its own loop."""
    sizes = {"hidden=192, dense=160": "hidden=8, dense=8"}
    cells = {"c6tabl18": {}, "c6plai27": sizes, "c6loss28": {}, "c6loop31": {"% 50": "% 25"}}
    cells["c6loop31"]["(-1, 50)"] = "(-1, 25)"
    cells = {"c6pass30": {"n=8, n_words=128": "n=2, n_words=24"}} | cells
    found = lesson("06", cells, folder, PLAIN_STEPS=100, KEY=1)
    words = {"train": [music(0), music(1)], "validation": [music(2)]}
    words = {split: [piece[:-1] for piece in pieces] for split, pieces in words.items()}
    model = found["train"](words, {}, "plain")
    return found["curve"].history, {str(k): x for k, x in enumerate(model.get_weights())}


def poet(folder):
    """Train the network over verse of notebook 10 by its own loop."""
    poems = verse.read_poems(NOTEBOOKS.parent / "data" / "texts")[:24]
    alphabet = verse.alphabet_of(poems, least=5)
    sizes = {"Settings(ALPHABET)": "Settings(ALPHABET, 8, 8, 8)", ", 64": ", 4"}
    cells = {"n10build": sizes, "n10batches": {}, "n10fitting": {"200": "25"}}
    given = {"ALPHABET": alphabet, "training": poems[:20], "validation": poems[20:], "STEPS": 100}
    counts = verse.count(poems[:20], alphabet)
    found = lesson("10", cells, folder, **given, counts=counts)
    model = found["build"]()
    found["train"](model, found["curve"], "poet")
    return found["curve"].history, frame_model.weights_of(model)


KINDS = {"whole": whole, "plain": plain, "poet": poet}


def shown(error, capsys):
    """Return what IPython, and so Jupyter, shows of an error."""
    shell = InteractiveShell()
    shell.user_ns["error"] = error
    shell.run_cell("raise error")
    return capsys.readouterr().out


if __name__ == "__main__":
    history, weights = KINDS[sys.argv[2]](Path(sys.argv[1]))
    losses = {"train": history.train_loss, "validation": history.validation_loss}
    np.savez(sys.argv[3], **losses, **weights)
