"""Take the network over notes apart: train it again without each of its parts, with three seeds.

`python -m data.build.ablation` writes how each training went to data/models/ablation.csv, and
keeps two of the first seed for the bench: notes_plain.npz, without recall, and notes_no_lstm.npz,
without an LSTM. It judges on the validation pieces, never on the test pieces. What stands in for
the LSTM was given its own learning rate, the best of `RATES` by validation, as many steps as the
whole network, and then at least as many seconds (which is kept). Last comes the strongest program
that only counts (`benchmarks.counted`), on the same pieces.
"""

import argparse
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import counted
from data.build import models
from helpers import datasets, events, note_model, notes, rolls, synthesis

SEEDS = (0, 1, 2)
RATES = (5e-4, 7e-4, 1e-3, 3e-3)  # tried for the network without an LSTM
COLUMNS = (
    *("run", "seed", "parameters", "learning_rate", "step", "seconds", "training_bits"),
    *("validation_bits", "wait", "key", "length", "loud", "bits_a_note"),
)


@dataclass(frozen=True)
class Run:
    """A network to train: how it differs from the whole one, and how fast and long it learns."""

    changes: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 3e-3
    steps: float = 1.0  # as a share of the whole network's
    kept_as: str = ""


WINDOW = {"window": 8, "hidden": 178}
RUNS = {
    "whole": Run(),
    "no LSTM, as many steps": Run(WINDOW, 1e-3),
    "no LSTM, as many seconds": Run(WINDOW, 1e-3, 2.1, "notes_no_lstm.npz"),
    "no recall": Run({"keys": 0}, kept_as="notes_plain.npz"),
}


def hear(split: str) -> list[events.Played]:
    """Find and write down the notes of the pieces of a split, with the shipped dictionary."""
    dictionary, _ = synthesis.load(models.DATA / "models" / "notes_bank.npz")
    tracks = models.choose(models.MUSIC, models.INSTRUMENT, split)
    waveforms = datasets.load_waveforms(tracks, sr=rolls.NoteSettings().sr)
    return [events.read(notes.encode(y, dictionary), name) for name, y in waveforms.items()]


def bits_a_note(
    weights: note_model.Weights, settings: note_model.NoteModelSettings, words: events.Words
) -> np.ndarray:
    """Return the bits of wait, key, length and loudness (loud or not) of each note: (n, 4).

    The first note of the piece, and its end, don't count.
    """
    return note_model.bits(weights, settings, words, touches=False)[1:-1]


def train(
    name: str, seed: int, pieces: dict[str, list[events.Played]], steps: int, folder: Path
) -> list[dict[str, Any]]:
    """Train one network; return its rows, one an epoch, the last with its bits a note."""
    run = RUNS[name]
    timing = events.learn_timing(pieces["train"])
    settings = replace(note_model.NoteModelSettings(timing=timing), **run.changes)
    words = {split: [events.words(one.score) for one in some] for split, some in pieces.items()}
    model = note_model.build(settings, seed=seed)
    n_steps = round(run.steps * steps)
    history = note_model.train(
        *(model, words["train"], words["validation"], settings),
        steps=n_steps,
        seed=seed,
        learning_rate=run.learning_rate,
    )
    weights = note_model.weights_of(model)
    if run.kept_as and seed == SEEDS[0]:
        note_model.save(folder / run.kept_as, weights, settings)
    rows = [
        {
            "run": name,
            "seed": seed,
            "parameters": model.count_params(),
            "learning_rate": run.learning_rate,
            "step": min((epoch + 1) * note_model.STEPS_PER_EPOCH, n_steps),
            "seconds": round(seconds),
            "training_bits": round(float(training), 3),
            "validation_bits": round(float(validation), 3),
        }
        for epoch, (training, validation, seconds) in enumerate(
            zip(history.train_loss, history.validation_loss, history.seconds, strict=True)
        )
    ]
    all_bits = [bits_a_note(weights, settings, piece) for piece in words["validation"]]
    each = np.concatenate(all_bits).mean(axis=0)
    rows[-1] |= dict(zip(("wait", "key", "length", "loud"), each.round(3).tolist(), strict=True))
    rows[-1]["bits_a_note"] = round(float(each.sum()), 3)
    return rows


def count(pieces: dict[str, list[events.Played]]) -> dict[str, Any]:
    """Judge the strongest program that counts, on the same notes; return its row."""
    start = time.perf_counter()
    model = counted.learn([one.score for one in pieces["train"]])
    seconds = time.perf_counter() - start
    each = np.concatenate([counted.bits(model, one.score) for one in pieces["validation"]])
    wait, key, length, touch, loud, within = each.mean(axis=0)
    bits = {"wait": wait + within, "key": key, "length": length, "loud": loud}
    return {
        "run": "best counting",
        "seconds": round(seconds),
        "validation_bits": round(float(wait + key + length + touch), 3),
        **{name: round(float(value), 3) for name, value in bits.items()},
        "bits_a_note": round(float(sum(bits.values())), 3),
    }


def main(arguments: list[str] | None = None) -> None:
    """Train all networks, and write the table and the two that are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=note_model.STEPS)
    parser.add_argument("--folder", type=Path, default=models.DATA / "models")
    options = parser.parse_args(arguments)
    pieces = {split: hear(split) for split in ("train", "validation")}
    rows: list[dict[str, Any]] = []
    for seed in SEEDS:
        for name in RUNS:
            rows += train(name, seed, pieces, options.steps, options.folder)
            print(f"{name}, seed {seed}: {rows[-1]['bits_a_note']} bits a note", flush=True)
            models.write_table(options.folder / "ablation.csv", COLUMNS, rows)
    models.write_table(options.folder / "ablation.csv", COLUMNS, [*rows, count(pieces)])
    models.enter(
        options.folder,
        ["ablation.csv", *(run.kept_as for run in RUNS.values() if run.kept_as)],
        made_by="data/build/ablation.py",
        learnt_from=models.sources(models.MUSIC, models.INSTRUMENT),
    )


if __name__ == "__main__":
    main()
