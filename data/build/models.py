"""Make data/models: learn notes, how they sound, and what comes next; enter them in the manifest.

`python data/build/models.py` learns the dictionary and the note bank (notes_bank.npz) and the
network over notes (notes_lstm.npz) from the training pieces, and keeps early stages of the network
(notes_lstm_010s.npz: after 10 s of training). The best weights are chosen on the validation
pieces. The test pieces are not looked at. With `--original outputs/05/original_lstm.npz` it learns
nothing, and takes the network that notebook 05 has saved. With `--labelled` it only
teaches the network that is there whether a piece is a ragtime (notes_labelled.npz).

What the network's parts are worth is measured by `ablation.py`, beside this file; `make models`
does it all, in order.
"""

import argparse
import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from helpers import datasets, events, files, frame_model, note_model, notes, rolls, synthesis

DATA = Path(__file__).resolve().parents[1]
MUSIC, INSTRUMENT = DATA / "music", "piano"
LABELS = ("classical", "ragtime")  # as in a shop: all that is no ragtime is classical
LABEL_RATE, LABEL_STEPS = 2e-3, 150  # lower and fewer than the network's own
STAGES = (10, 40)  # s of training after which a copy is kept
COLUMNS = ("file", "kind", "format", "made_by", "learnt_from", "sources_sha256", "sha256")


def choose(music: str | Path, instrument: str | None, split: str) -> list[datasets.Track]:
    """Return the tracks of a split."""
    return datasets.select(datasets.find_tracks(music), split=split, instrument=instrument)


def stage_keeper(
    model: Any, settings: note_model.NoteModelSettings, folder: Path
) -> Callable[[float], None]:
    """Make a function that saves a copy of the network when a stage has passed."""
    left = list(STAGES)

    def keep(seconds: float) -> None:
        if left and seconds >= left[0]:
            path = stage_path(folder, left.pop(0))
            note_model.save(path, note_model.weights_of(model), settings)

    return keep


def stage_path(folder: Path, seconds: int) -> Path:
    """Return the path of the network after so many seconds of training."""
    return folder / f"notes_lstm_{seconds:03d}s.npz"


def train(
    training: list[events.Words],
    validation: list[events.Words],
    settings: note_model.NoteModelSettings,
    *,
    folder: Path,
    steps: int,
    seed: int,
) -> tuple[frame_model.History, list[float]]:
    """Train a network, save it and its stages; return its history, and when each step was done."""
    model, step_seconds = note_model.build(settings, seed=seed), []
    keep = stage_keeper(model, settings, folder)

    def on_step(seconds: float) -> None:
        step_seconds.append(seconds)
        keep(seconds)

    history = note_model.train(
        model, training, validation, settings, steps=steps, seed=seed, on_step=on_step
    )
    note_model.save(folder / "notes_lstm.npz", note_model.weights_of(model), settings)
    for stage in STAGES:
        if step_seconds[-1] < stage:  # not reached this time, so of another training
            stage_path(folder, stage).unlink(missing_ok=True)
    return history, step_seconds


def learn(
    folder: Path,
    *,
    music: str | Path = MUSIC,
    instrument: str = INSTRUMENT,
    minutes: float | None = None,
    steps: int = note_model.STEPS,
    seed: int = 0,
) -> dict[str, Any]:
    """Learn everything from a folder of music, write it, and report on it.

    Returns
    -------
    dict
        Ready for JSON: seconds since the start by what was done by then, the bits a word of the
        validation pieces, and the usual seconds of a step of the training.
    """
    seconds, start = {}, time.perf_counter()

    def done(what: str) -> None:
        seconds[what] = time.perf_counter() - start
        print(f"{seconds[what]:5.0f} s  {what}", flush=True)

    waveforms = []
    for split, most in (("train", minutes), ("validation", None)):
        tracks = choose(music, instrument, split)
        loaded = datasets.load_waveforms(tracks, sr=rolls.NoteSettings().sr, max_minutes=most)
        waveforms.append(list(loaded.values()))
    done("music loaded")
    dictionary = notes.learn_dictionary(waveforms[0])
    done("dictionary learnt")
    bank = synthesis.build_bank(waveforms[0], dictionary)
    synthesis.save(folder / "notes_bank.npz", dictionary, bank)
    done("note bank learnt")
    training, validation = (
        [events.read(notes.encode(y, dictionary)) for y in ys] for ys in waveforms
    )
    done("notes found and written down")
    settings = note_model.NoteModelSettings(timing=events.learn_timing(training))
    history, steps_done = train(
        [events.words(piece.score) for piece in training],
        [events.words(piece.score) for piece in validation],
        settings,
        folder=folder,
        steps=steps,
        seed=seed,
    )
    done("network trained")
    return {
        "seconds": seconds,
        "minutes of music": sum(map(len, waveforms[0])) / dictionary.settings.sr / 60,
        "steps": steps,
        "training bits": history.train_loss.tolist(),
        "validation bits": history.validation_loss.tolist(),
        "epoch seconds": history.seconds.tolist(),
        "step seconds": float(np.median(np.diff(steps_done))),  # without the validations
    }


def label_of(track: datasets.Track) -> int:
    """Give the index of a track's label in `LABELS`."""
    return LABELS.index("ragtime" if track.genre == "ragtime" else "classical")


def hear_labelled(
    split: str, *, music: str | Path = MUSIC, instrument: str = INSTRUMENT
) -> dict[str, tuple[int, events.Played]]:
    """Find and write down a split's notes with the shipped dictionary: {name: label, piece}."""
    dictionary, _ = synthesis.load(DATA / "models" / "notes_bank.npz")
    tracks = choose(music, instrument, split)
    waveforms = datasets.load_waveforms(tracks, sr=rolls.NoteSettings().sr)
    heard = (events.read(notes.encode(y, dictionary)) for y in waveforms.values())
    return {
        name: (label_of(track), piece)
        for name, track, piece in zip(waveforms, tracks, heard, strict=True)
    }


def with_labels(
    weights: note_model.Weights, settings: note_model.NoteModelSettings, labels: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], note_model.NoteModelSettings]:
    """Let the heads of a network read labels too, with weights of 0: so far, none says anything."""
    known = settings.hidden + (settings.critic if settings.keys else 0)
    wider = {
        name: np.insert(w, [known] * events.N_LABELS, 0.0, axis=0)
        if name.endswith("_hidden/kernel")
        else w
        for name, w in weights.items()
    }
    return wider, replace(settings, labels=labels)


def learn_labelled(
    path: Path, *, music: str | Path, instrument: str, steps: int, seed: int
) -> frame_model.History:
    """Teach the shipped network what music it hears, and save it."""
    words = {
        split: [
            events.words(piece.score, label=label)
            for label, piece in hear_labelled(split, music=music, instrument=instrument).values()
        ]
        for split in ("train", "validation")
    }
    shipped = note_model.load(DATA / "models" / "notes_lstm.npz")
    weights, settings = with_labels(*shipped, LABELS)
    model = note_model.build(settings, seed=seed, weights=weights)
    history = note_model.train(
        *(model, words["train"], words["validation"], settings),
        steps=steps,
        seed=seed,
        learning_rate=LABEL_RATE,
    )
    note_model.save(path, note_model.weights_of(model), settings)
    return history


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sources(music: str | Path, instrument: str | None) -> dict[str, str]:
    """Say what was learnt from, and the checksum of the checksums of its files."""
    tracks = [*choose(music, instrument, "train"), *choose(music, instrument, "validation")]
    together = "\n".join(sorted(sha256(track.path) for track in tracks))
    return {
        "learnt_from": f"{len(tracks)} pieces: {instrument or 'all'}, train and validation",
        "sources_sha256": hashlib.sha256(together.encode()).hexdigest(),
    }


def read_manifest(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the manifest, none where there is no manifest yet."""
    path = folder / "manifest.csv"
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def enter(folder: Path, names: Iterable[str], *, made_by: str, learnt_from: dict[str, str]) -> None:
    """Enter files into the manifest of their folder; the rows of others that are there stay."""
    rows = {row["file"]: row for row in read_manifest(folder) if (folder / row["file"]).exists()}
    for name in names:
        kind = {"kind": "table", "format": "1"}
        if not name.endswith(".csv"):
            with np.load(folder / name, allow_pickle=False) as content:
                kind = {"kind": str(content["kind"]), "format": str(content["version"])}
        row = {"file": name, **kind, "made_by": made_by, **learnt_from}
        rows[name] = row | {"sha256": sha256(folder / name)}
    write_table(folder / "manifest.csv", COLUMNS, [rows[name] for name in sorted(rows)])


def write_table(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV; what a row doesn't say stays empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with files.replacing(path) as temporary:
        temporary.write_text(buffer.getvalue(), encoding="utf-8", newline="")


def main(arguments: list[str] | None = None) -> None:
    """Learn, tell how it went, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", default=MUSIC)
    parser.add_argument("--instrument", default=INSTRUMENT)
    parser.add_argument("--minutes", type=float, help="learn from so much music at most")
    parser.add_argument("--steps", type=int, default=note_model.STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=DATA / "models")
    parser.add_argument("--original", type=Path, help="only take this network of notebook 05")
    parser.add_argument("--labelled", action="store_true", help="only learn the labelled network")
    options = vars(parser.parse_args(arguments))
    folder, original = options.pop("folder"), options.pop("original")
    labelled = options.pop("labelled")
    learnt_from = sources(options["music"], options["instrument"])
    if original:
        frame_model.save(folder / "original_lstm.npz", *frame_model.load(original))
        made_by = "notebooks/05_lstm_training.ipynb"
        enter(folder, ["original_lstm.npz"], made_by=made_by, learnt_from=learnt_from)
        return
    if labelled:
        del options["minutes"]
        options["steps"] = min(options["steps"], LABEL_STEPS)
        history = learn_labelled(folder / "notes_labelled.npz", **options)
        print(f"validation, bits a word: {history.validation_loss.min():.3f}")
        made = ["notes_labelled.npz"]
        enter(folder, made, made_by="data/build/models.py", learnt_from=learnt_from)
        return
    report = learn(folder, **options)
    print(f"validation, bits a word: {min(report['validation bits']):.3f}")
    stages = [stage_path(folder, stage).name for stage in STAGES]
    made = ["notes_bank.npz", "notes_lstm.npz", *(s for s in stages if (folder / s).exists())]
    enter(folder, made, made_by="data/build/models.py", learnt_from=learnt_from)


if __name__ == "__main__":
    main()
