"""Train the network over notes that is shipped: `python -m benchmarks.train_notes`.

It learns the dictionary, writes every piece as a roll, trains on the training pieces, and writes
data/models/notes_lstm.npz. The test pieces are not looked at.
"""

import argparse
import time

import numpy as np

from helpers import datasets, note_metrics, note_models, notes

PATH = "data/models/notes_lstm.npz"


def rolls_of(waveforms, dictionary):
    """Write waveforms as rolls."""
    settings = dictionary.settings
    return [
        notes.notes_to_roll(
            notes.encode(y, dictionary), settings, n_frames=1 + -(-len(y) // settings.hop_length)
        )
        for y in waveforms
    ]


def prepare(music, instrument):
    """Return the rolls of the training and of the validation pieces, and their settings."""
    tracks, settings = datasets.find_tracks(music), notes.NoteSettings()
    waveforms = {
        split: list(
            datasets.load_waveforms(
                datasets.select(tracks, split=split, instrument=instrument), sr=settings.sr
            ).values()
        )
        for split in ("train", "validation")
    }
    dictionary = notes.learn_dictionary(waveforms["train"], settings)
    return *(rolls_of(found, dictionary) for found in waveforms.values()), settings


def main(arguments=None):
    """Train, tell how it went, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", default="data/music")
    parser.add_argument("--instrument", default="piano")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--path", default=PATH)
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    train, validation, heard = prepare(options.music, options.instrument)
    print(f"{sum(map(len, train)) / heard.frame_rate / 60:.1f} minutes to learn from", flush=True)
    settings = note_models.NoteModelSettings(
        n_notes=heard.n_notes, lowest=heard.lowest, frame_rate=heard.frame_rate
    )
    model = note_models.build(settings, seed=options.seed)
    note_models.train(model, train, validation, settings, steps=options.steps, seed=options.seed)
    weights = note_models.weights_of(model)
    bits = note_models.bits_per_frame(weights, settings, validation)
    markov = note_metrics.markov_table(train)
    chain = [note_metrics.bits_per_frame([roll], markov) for roll in validation]
    print(f"validation, bits a frame: {np.mean(bits):.3f}; Markov: {np.mean(chain):.3f}")
    path = note_models.save(options.path, weights, settings)
    print(f"{path} written after {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
