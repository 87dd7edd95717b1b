"""Learn notes, how they sound, and what comes next; write what is shipped in data/models.

`python -m benchmarks.train_notes` learns the dictionary and the note bank (notes_bank.npz) and the
network over notes (notes_lstm.npz) from the training pieces, and keeps early stages of the network
(notes_lstm_030s.npz: after 30 s of training). The best weights are chosen on the validation
pieces. The test pieces are not looked at.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks import tasks
from helpers import datasets, note_metrics, note_model, notes, synthesis

FOLDER = "data/models"
STAGES = (10, 30, 60)  # s of training after which a copy is kept


def load(music, instrument, minutes):
    """Return the waveforms of the training and of the validation pieces."""
    tracks, sr = datasets.find_tracks(music), notes.NoteSettings().sr
    waveforms = []
    for split, most in (("train", minutes), ("validation", None)):
        chosen = datasets.select(tracks, split=split, instrument=instrument)
        loaded = datasets.load_waveforms(chosen, sr=sr, max_minutes=most)
        waveforms.append(list(loaded.values()))
    return waveforms


def stage_keeper(model, settings, folder):
    """Make a function that saves a copy of the network when a stage has passed."""
    left = list(STAGES)

    def keep(seconds):
        if left and seconds >= left[0]:
            path = folder / f"notes_lstm_{left.pop(0):03d}s.npz"
            note_model.save(path, note_model.weights_of(model), settings)

    return keep


def train(rolls, validation_rolls, settings, *, folder, steps, seed):
    """Train a network, save it and its stages; return its history, and when each step was done."""
    model, step_seconds = note_model.build(settings, seed=seed), []
    keep = stage_keeper(model, settings, folder)

    def on_step(seconds):
        step_seconds.append(seconds)
        keep(seconds)

    history = note_model.train(
        model, rolls, validation_rolls, settings, steps=steps, seed=seed, on_step=on_step
    )
    note_model.save(folder / "notes_lstm.npz", note_model.weights_of(model), settings)
    return history, step_seconds


def multiply_rate(n=2048, n_times=20):
    """Measure how fast NumPy multiplies float32 matrices here, operations a second."""
    a = np.random.default_rng(0).standard_normal((n, n), np.float32)
    a @ a  # wakes the threads
    start = time.perf_counter()
    for _ in range(n_times):
        a @ a
    return n_times * 2 * n**3 / (time.perf_counter() - start)


def learn(music, instrument, folder, *, minutes=None, steps=note_model.STEPS, seed=0):
    """Learn everything from a folder of music, write it, and report on it.

    Returns
    -------
    dict
        Ready for JSON: seconds since the start by what was done by then, the bits a frame of the
        validation pieces, and what the computer had to give for it.
    """
    seconds, start = {}, time.perf_counter()

    def done(what):
        seconds[what] = time.perf_counter() - start
        print(f"{seconds[what]:5.0f} s  {what}", flush=True)

    waveforms = load(music, instrument, minutes)
    done("music loaded")
    dictionary = notes.learn_dictionary(waveforms[0])
    done("dictionary learnt")
    bank = synthesis.build_bank(waveforms[0], dictionary)
    synthesis.save(folder / "notes_bank.npz", dictionary, bank)
    done("note bank learnt")
    rolls, validation_rolls = ([notes.encode_roll(y, dictionary) for y in ys] for ys in waveforms)
    done("rolls written")
    settings = note_model.settings_for(dictionary.settings)
    history, steps_done = train(
        rolls, validation_rolls, settings, folder=folder, steps=steps, seed=seed
    )
    done("network trained")
    table = note_metrics.markov_table(rolls)
    chain = [note_metrics.bits_per_frame([roll], table) for roll in validation_rolls]
    step = float(np.median(np.diff(steps_done)))  # s; the median leaves out the validations
    return {
        "seconds": seconds,
        "minutes of music": sum(map(len, waveforms[0])) / dictionary.settings.sr / 60,
        "steps": steps,
        "training bits": history.train_loss.tolist(),
        "validation bits": history.validation_loss.tolist(),
        "epoch seconds": history.seconds.tolist(),
        "validation bits of Markov": float(np.mean(chain)),
        "peak_bytes": tasks.peak_bytes(),
        "operations a second": note_model.count_operations(settings, 16 * 96) / step,
        "operations a second of sgemm": multiply_rate(),
    }


def main(arguments=None):
    """Learn, tell how it went, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", default="data/music")
    parser.add_argument("--instrument", default="piano")
    parser.add_argument("--minutes", type=float, help="learn from so much music at most")
    parser.add_argument("--steps", type=int, default=note_model.STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--report", type=Path, help="write what was measured as JSON")
    options = vars(parser.parse_args(arguments))
    path, folder = options.pop("report"), Path(options.pop("folder"))
    report = learn(options.pop("music"), options.pop("instrument"), folder, **options)
    bits, chain = min(report["validation bits"]), report["validation bits of Markov"]
    print(f"validation, bits a frame: {bits:.3f}; Markov: {chain:.3f}")
    if path:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
