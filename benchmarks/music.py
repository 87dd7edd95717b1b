"""Measure how well notes are found, played, predicted and composed: the music half of `make bench`.

Everything is learnt from the training pieces, in processes of their own (`learning`), with three
seeds; the best weights are chosen on the validation pieces; what is reported is about the test
pieces. (A quick run is for trying things out, so it reports on the validation pieces.) What is
composed is judged by `judge`. Two tables are about validation pieces: the note bank's variants, and
the networks without a part, which are read from data/models/ablation.csv.
"""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import mir_eval
import numpy as np
from tqdm import tqdm

from benchmarks import counted, judge, targets
from benchmarks.targets import at_least, at_most
from data.build import ablation
from helpers import (
    audio,
    beats,
    datasets,
    events,
    note_model,
    notes,
    rolls,
    sound_metrics,
    synthesis,
)

FOLDER = Path("outputs/bench")
SEEDS = (0, 1, 2)
SETTINGS = rolls.NoteSettings()
TARGETS = {
    "onset F, unseen pieces": at_least(0.90, 0.95),
    "frame F, unseen pieces": at_least(0.78, 0.85),
    "onset F, dictionary from 2 minutes": at_least(0.88, 0.93),
    "beats, unseen pieces (AMLt)": at_least(0.95, 0.98),
    "bar lines, unseen pieces (F, 70 ms)": at_least(0.8, 0.95),
    "onsets moved to the grid (ms rms)": at_most(17, 12),
    "onset F, another piano": at_least(0.85, 0.93),
    "MP3 to notes (times real time)": at_least(100, 300),
    "learning everything (min)": at_most(5, 2.5),
    "bits a note": at_most(5.4, 4.8),
    "fewer than the best counting (%)": at_least(7, 20),
    "more without the LSTM, as many steps (%)": at_least(10, 20),
    "more without the LSTM, as many seconds (%)": at_least(10, 20),
    "composing one stream (times real time)": at_least(100, 300),
    "arithmetic rate, share of sgemm's": at_least(0.3, 0.5),
    "memory at the peak (GB)": at_most(3, 1.5),
}


def run(*, quick=False) -> dict:
    """Learn, compose and judge; return all numbers."""
    split = "validation" if quick else "test"
    steps = 100 if quick else note_model.STEPS
    seeds = SEEDS[:1] if quick else SEEDS
    learnt = {f"seed {seed}": learn(f"seed{seed}", seed=seed, steps=steps) for seed in seeds}
    dictionary, bank = synthesis.load(FOLDER / "seed0" / "notes_bank.npz")
    train, held_out = judge.load("train"), judge.load(split)
    report = {"judged on": split, "learnt": learnt, "speed": speeds(bank)}
    report["found"] = find(train, held_out, dictionary)
    heard, unheard = (
        {name: events.read(notes.encode(y, dictionary), name).score for name, y in pieces.items()}
        for pieces in (train, held_out)
    )
    report["bits"] = bits(heard, unheard, seeds)
    report["ablation"] = ablated()
    if not quick:
        report["second piano"] = on_another_piano(dictionary, bank, seeds)
    report["bank"] = vary_bank(judge.load("validation"), dictionary, bank)
    transcriber = judge.Transcriber(dictionary, bank)
    n_clips = judge.N_QUICK_CLIPS if quick else judge.N_CLIPS
    composers = judge.trained(f"{FOLDER}/seed{{}}/notes_lstm.npz")
    report["judge"] = judge.run(
        train, held_out, transcriber, composers, seeds=seeds, n_clips=n_clips
    )
    report["measured"] = measured(report)
    report["compared"] = targets.compare(report["measured"], TARGETS) + report["judge"]["compared"]
    return report


def learn(name: str, **options) -> dict:
    """Learn everything in a process of its own, and return its report."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.learning", str(folder), json.dumps(options)]
    print(f"learning: {name}", flush=True)
    subprocess.run(command, check=True)
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


# Finding notes


def beats_of(name: str) -> np.ndarray:
    """Return when the beats of a rendered piece were played, and their places in the bar."""
    with open(f"data/beats/{name}.csv", encoding="utf-8", newline="") as file:
        return np.array([(float(row["time"]), int(row["beat"])) for row in csv.DictReader(file)])


def pulse(name: str, found: np.ndarray) -> dict:
    """Compare the beats and bars found in a piece's notes with those that were played."""
    times, (true, place) = beats.track(found, name), beats_of(name).T
    lines = times[beats.bar_lines(found, times)]
    trim = mir_eval.beat.trim_beats  # the first five seconds don't count, as in MIREX
    late = beats.quantise(found, times)[1]
    return {
        "AMLt": mir_eval.beat.continuity(trim(true), trim(times))[3],
        "bars F": mir_eval.beat.f_measure(trim(true[place == 1]), trim(lines)),
        "moved (ms)": 1000 * float(np.sqrt(np.mean(late**2))),
    }


def frames_of(found: np.ndarray, n_frames: int) -> np.ndarray:
    """Say which notes sound in which frame."""
    level = np.ones((len(found), 1))
    notes_of = np.hstack([found[:, :3], level])
    return rolls.from_notes(notes_of, SETTINGS, n_frames=n_frames) != rolls.OFF


def score(found: np.ndarray, reference: np.ndarray) -> dict:
    """Compare the notes found in a piece with those that were played."""
    hz = [rolls.frequency(some[:, 2]) for some in (reference, found)]
    precision, recall, onset_f, _ = mir_eval.transcription.precision_recall_f1_overlap(
        reference[:, :2], hz[0], found[:, :2], hz[1], onset_tolerance=0.05, offset_ratio=None
    )
    n_frames = 2 + int(max(reference[:, 1].max(), found[:, 1].max()) * SETTINGS.frame_rate)
    a, b = (frames_of(some, n_frames) for some in (reference, found))
    frame_f = 2 * np.sum(a & b) / (a.sum() + b.sum())
    return {"onset F": onset_f, "precision": precision, "recall": recall, "frame F": float(frame_f)}


def find(train: dict, held_out: dict, dictionary) -> dict:
    """Score the dictionary, and one that was learnt from two minutes, on held-out pieces."""
    small = notes.learn_dictionary(list(train.values()), minutes=2)
    result = {}
    for what, which in {"5 minutes": dictionary, "2 minutes": small}.items():
        found = {name: notes.encode(y, which) for name, y in held_out.items()}
        result[what] = {
            n: score(some, judge.played(n)) | pulse(n, some) for n, some in found.items()
        }
    return result


# Speed


def speeds(bank) -> dict:
    """Measure how fast files become notes, and how fast music is composed, sound included."""
    tracks = datasets.select(
        datasets.find_tracks(judge.MUSIC), split="train", instrument=judge.INSTRUMENT
    )
    dictionary, _ = synthesis.load(FOLDER / "seed0" / "notes_bank.npz")
    start = time.perf_counter()
    heard = [notes.encode(audio.load(track.path, sr=SETTINGS.sr), dictionary) for track in tracks]
    reading = time.perf_counter() - start
    weights, settings = note_model.load(FOLDER / "seed0" / "notes_lstm.npz")
    played, rng = events.part(events.read(heard[0]), 0.0, 10.0), np.random.default_rng(0)
    start = time.perf_counter()
    found = note_model.go_on(weights, settings, played, 60.0, rng=rng, end=10.0)
    synthesis.play(found, bank)
    composing = time.perf_counter() - start
    composed = found[:, 1].max() - 10  # s: a piece may end early
    minutes = sum(track.minutes for track in tracks)
    return {"MP3 to notes": 60 * minutes / reading, "composing": composed / composing}


# Bits


def bits(heard: dict, unheard: dict, seeds: tuple[int, ...]) -> dict:
    """Measure the bits a note of held-out pieces: of ours by seed, and of the best counting."""
    result: dict = {"ours": {}}
    for seed in seeds:
        weights, settings = note_model.load(FOLDER / f"seed{seed}" / "notes_lstm.npz")
        result["ours"][f"seed {seed}"] = ours_a_note(weights, settings, unheard)
    model = counted.learn(list(heard.values()))
    columns = (0, 1, 2, 4, 5)  # 3 is the touch, of which 4 says only loud or not
    each = {name: counted.bits(model, score)[:, columns] for name, score in unheard.items()}
    result["counted"] = by_piece(each)
    return result


def ours_a_note(weights: dict, settings: note_model.NoteModelSettings, unheard: dict) -> dict:
    """Measure the bits a note of our network, of which only loud or not is asked."""
    each = {
        name: ablation.bits_a_note(weights, settings, events.words(score))
        for name, score in unheard.items()
    }
    return by_piece(each)


def by_piece(each: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the bits a note of each piece, and of all notes together."""
    sums = {name: bits.sum(axis=1) for name, bits in each.items()}
    return {name: float(one.mean()) for name, one in sums.items()} | {
        "all": float(np.concatenate(list(sums.values())).mean())
    }


def ablated() -> dict[str, list[float]]:
    """Read what each network without a part had on validation pieces, one number a seed."""
    with open("data/models/ablation.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["bits_a_note"]]
    return {
        name: [float(row["bits_a_note"]) for row in rows if row["run"] == name]
        for name in dict.fromkeys(row["run"] for row in rows)
    }


def on_another_piano(dictionary, bank, seeds: tuple[int, ...]) -> dict:
    """Find notes in the test pieces as another piano plays them, as in any music; predict those."""
    waveforms = judge.load("test", instrument=judge.ANOTHER)
    transcriber = judge.OfAnyMusic(dictionary, bank)
    found = {name: transcriber.hear(y).found for name, y in waveforms.items()}
    scores = {name: events.read(some, name).score for name, some in found.items()}
    result = {"found": {name: score(some, judge.played(name)) for name, some in found.items()}}
    for seed in seeds:
        weights, settings = note_model.load(FOLDER / f"seed{seed}" / "notes_lstm.npz")
        result[f"seed {seed}"] = ours_a_note(weights, settings, scores)
    return result


# Sound


def vary_bank(pieces: dict, dictionary, bank) -> dict:
    """Measure what each part of the note bank is worth, on validation pieces: FDm of the codec."""
    transcriber = judge.Transcriber(dictionary, bank)
    heard = {name: transcriber.hear(y).roll for name, y in pieces.items()}
    n_partials, sounds = synthesis.N_PARTIALS, bank.sounds
    tones = np.arange(sounds.shape[-1]) < n_partials
    early = np.repeat(sounds[:, :, 2:10].mean(axis=2, keepdims=True), sounds.shape[2], axis=2)
    changes = {
        "as it is": {},
        "without noise": {"sounds": sounds * tones},
        "noise only": {"sounds": sounds * ~tones},
        "one loudness": {"sounds": np.repeat(sounds.mean(axis=1, keepdims=True), 2, axis=1)},
        "no decay": {"sounds": early, "falls": np.zeros_like(bank.falls)},
        "no release": {"release": np.zeros_like(bank.release)},
        "whole multiples": {"stiffness": np.zeros_like(bank.stiffness)},
        "one timbre for all notes": {"sounds": one_timbre(sounds)},
    }
    transcriber = judge.Transcriber(dictionary, bank)
    places = judge.spread({name: transcriber.hear(y) for name, y in pieces.items()})
    real = [judge.cut(pieces[place.piece], place.start) for place in places]
    result = {}
    for what, change in tqdm(changes.items(), desc="note bank", unit="variant"):
        other = synthesis.NoteBank(**(vars(bank) | change))
        played_again = {name: synthesis.render(roll, other) for name, roll in heard.items()}
        clips = [judge.cut(played_again[place.piece], place.start) for place in places]
        result[what] = sound_metrics.mfcc_frechet_distance(clips, real, sr=SETTINGS.sr)
    return result


def one_timbre(sounds: np.ndarray) -> np.ndarray:
    """Give all notes the mean sound of all, each as loud as it was."""
    energy = np.sqrt(np.sum(np.square(sounds), axis=(2, 3), keepdims=True))
    mean = np.mean(sounds / np.maximum(energy, 1e-9), axis=0, keepdims=True)
    return (energy * mean / np.sqrt(np.sum(np.square(mean), axis=(2, 3), keepdims=True))).astype(
        np.float32
    )


# The report


def measured(report: dict) -> dict[str, list[float]]:
    """Collect the numbers that have targets: one for each seed, piece or run."""
    full, small = (list(report["found"][key].values()) for key in ("5 minutes", "2 minutes"))
    own, speed = list(report["learnt"].values()), report["speed"]
    rates = [(one["operations a second"], one["operations a second of sgemm"]) for one in own]
    ours = np.array([one["all"] for one in report["bits"]["ours"].values()])
    whole = np.array(report["ablation"]["whole"])
    without = {
        length: 100 * (np.array(report["ablation"][f"no LSTM, as many {length}"]) / whole - 1)
        for length in ("steps", "seconds")
    }
    rows = {
        "onset F, unseen pieces": [one["onset F"] for one in full],
        "frame F, unseen pieces": [one["frame F"] for one in full],
        "onset F, dictionary from 2 minutes": [one["onset F"] for one in small],
        "beats, unseen pieces (AMLt)": [one["AMLt"] for one in full],
        "bar lines, unseen pieces (F, 70 ms)": [one["bars F"] for one in full],
        "onsets moved to the grid (ms rms)": [one["moved (ms)"] for one in full],
        "MP3 to notes (times real time)": [speed["MP3 to notes"]],
        "learning everything (min)": [one["seconds"]["network trained"] / 60 for one in own],
        "bits a note": ours.tolist(),
        "fewer than the best counting (%)": (
            100 * (1 - ours / report["bits"]["counted"]["all"])
        ).tolist(),
        "more without the LSTM, as many steps (%)": without["steps"].tolist(),
        "more without the LSTM, as many seconds (%)": without["seconds"].tolist(),
        "composing one stream (times real time)": [speed["composing"]],
        "arithmetic rate, share of sgemm's": [ours / sgemm for ours, sgemm in rates],
        "memory at the peak (GB)": [one["peak_bytes"] / 1e9 for one in own],
    }
    if "second piano" in report:
        other = report["second piano"]["found"].values()
        rows["onset F, another piano"] = [one["onset F"] for one in other]
    return rows


def print_report(report: dict) -> None:
    """Print the tables."""
    targets.print_rows(report["compared"])
    print(f"\nBits a note, {report['judged on']} pieces:")
    for name, one in (report["bits"]["ours"] | {"counted": report["bits"]["counted"]}).items():
        print(f"  {name:10}" + "  ".join(f"{piece} {value:.2f}" for piece, value in one.items()))
    print("\nBits a note without a part of the network, validation pieces, each seed:")
    for name, values in report["ablation"].items():
        print(f"  {name:28}" + "  ".join(f"{value:.3f}" for value in values))
    if "second piano" in report:
        print("\nThe test pieces on another, recorded piano:", report["second piano"])
    print("\nThe note bank, changed (FDm of the codec, validation pieces):")
    for what, value in report["bank"].items():
        print(f"  {what:28}{value:8.1f}")
    judge.print_report(report["judge"])
