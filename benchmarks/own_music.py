"""Ask of any folder of music whether what is composed from it stays like it, for two minutes.

`python -m benchmarks.own_music FOLDER` prepares a folder as notebook 09 does, drums and all, and
learns from it in five ways: anew; from the shipped network on, briefly in small steps or in larger
ones, or as long; not at all. It composes 120 s after seeds and from nothing, drawn as there, and
prints in which share of 10 s windows polyphony, onset rate and level lie inside the music's 5th to
95th percentile, beside music that was held out. Everything is measured on notes, and on their sound
as the folder's own bank plays them: real music and composed music go the same way. It also prints
the bits a note of what was held out (a stroke of a drum counts as one; Markov's table knows none),
and of the strongest program that only counts; and how long it took to prepare the folder, and the
memory of all its processes (Linux). What was prepared is kept.

`--long KEPT` is for long folders: it keeps that in a folder of yours, and after `--steps` of
training anew prints the bits a note of what was held out.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import counted, judge, opponents
from data.build import ablation, models
from helpers import (
    audio,
    datasets,
    events,
    library,
    note_metrics,
    note_model,
    rolls,
    synthesis,
)

OUTPUT = Path("outputs/bench/own_music")
SHIPPED, BANK = Path("data/models/notes_lstm.npz"), Path("data/models/notes_bank.npz")
SETTINGS = rolls.NoteSettings()
WINDOW, LONG, SEED = 10.0, 120.0, opponents.SEED_SECONDS  # s
WHAT = ("polyphony", "onset rate", "level")
PARTS = ("train", "validation", "held out")
FEW = 4  # pieces: with fewer, the end of each is held out, instead of whole pieces
SHARES = (0.57, 0.67)  # of such a piece: where learning stops, and where validation stops
NOTHING = opponents.Place("", 0.0, np.zeros((0, 4)))
LARGE = {"steps": note_model.STEPS, "learning_rate": 3e-3, "batch_size": 8}
WAYS: dict[str, dict] = {
    "anew": LARGE,
    "carried on": {"steps": 60, "learning_rate": 1e-3, "batch_size": 4, "carry_on": True},
    "carried on, larger": LARGE | {"steps": 60, "carry_on": True},
    "carried on longer": LARGE | {"carry_on": True},
    "shipped": {},
}
MINUTES = (2.0, 5.0, 10.0, 20.0, 40.0)  # of training music
COLUMNS = ("music", "way", "minutes", "steps", "batch_size", "learning_rate", "seed", "bits_a_note")
TOLERANCE = 0.05  # how much seldomer than held-out music composed music may lie inside


@dataclass(frozen=True, eq=False)
class Music:
    """Hold a folder's notes and hits by part (`PARTS`) and piece, (n_found, 4), and its bank."""

    found: dict[str, dict[str, np.ndarray]]
    seconds: dict[str, dict[str, float]]
    bank: synthesis.NoteBank


def prepared(folder: str | Path, kept: Path) -> Music:
    """Prepare a folder as notebook 09 does; learn from what suits, else from all that is heard."""
    given, _ = synthesis.load(BANK)
    with measured("looking through"):
        tracks, left = datasets.survey(folder, fewest=1, kept=kept)
    with measured("estimating"):
        seconds = library.estimate(tracks, kept, given=given)
    print(f"to be prepared in {seconds:.0f} s or so")
    with measured("preparing"):
        pieces, failed = library.prepare(tracks, kept, given=given)
    print(library.report(pieces, left + failed))
    heard = {name: piece for name, piece in pieces.items() if len(piece.keys) > 30}
    good = list((library.suiting(pieces) or heard).values())
    with measured("its sounds"):
        bank = library.sounds(good, given)
    few = len(good) < FEW or {piece.split for piece in good} != set(datasets.SPLITS)
    names = dict(zip(datasets.SPLITS, PARTS, strict=True))
    found: dict[str, dict] = {part: {} for part in PARTS}
    seconds_of: dict[str, dict] = {part: {} for part in PARTS}
    for piece in good:
        cuts = itertools.pairwise((0.0, *SHARES, 1.0))
        spans = dict(zip(PARTS, cuts, strict=True)) if few else {names[piece.split]: (0.0, 1.0)}
        for part, span in spans.items():
            start, stop = np.array(span) * piece.seconds
            some = opponents.part(piece.found, start, stop)
            if len(some) > 1:
                found[part][piece.name], seconds_of[part][piece.name] = some, stop - start
    return Music(found, seconds_of, bank)


def words(music: Music, part: str) -> list[events.Words]:
    """Write the pieces of a part down on their beats, as words."""
    return [events.words(opponents.on_beats(some).score) for some in music.found[part].values()]


def learn(
    music: Music,
    *,
    steps: int = 0,
    learning_rate: float = 3e-3,
    carry_on: bool = False,
    batch_size: int = 8,
    seed: int = 0,
) -> tuple[note_model.Weights, note_model.NoteModelSettings, list[float]]:
    """Train on a folder, from the shipped weights on or anew; without steps, take these.

    Returns weights, settings, and the bits a word of the validation pieces, epoch by epoch.
    """
    weights, settings = note_model.load(SHIPPED)
    played = [opponents.on_beats(some) for some in music.found["train"].values()]
    settings = replace(settings, timing=events.learn_timing(played))
    if not steps:
        return weights, settings, []
    pieces = [words(music, part) for part in PARTS[:2]]
    settings = replace(settings, drums=events.drums_in([*pieces[0], *pieces[1]]))
    model = note_model.build(settings, seed=seed, weights=weights if carry_on else None)
    how = {"steps": steps, "learning_rate": learning_rate, "batch_size": batch_size}
    how["steps_per_epoch"] = min(25, max(1, steps // 6))  # as in notebook 09, or more often
    history = note_model.train(model, *pieces, settings, seed=seed, **how)
    return note_model.weights_of(model), settings, history.validation_loss.tolist()


def shortened(music: Music, minutes: float, seed: int = 0) -> Music:
    """Keep so many minutes of training music: pieces as the seed draws them, the last one cut."""
    found, seconds, left = {}, {}, 60 * minutes
    for name in np.random.default_rng(seed).permutation(list(music.found["train"])):
        length = min(left, music.seconds["train"][name])
        some = opponents.part(music.found["train"][name], 0, length)
        left -= length
        if len(some) > 1:
            found[name], seconds[name] = some, length
    return Music(music.found | {"train": found}, music.seconds | {"train": seconds}, music.bank)


# Windows


def in_windows(found: np.ndarray, seconds: float, bank: synthesis.NoteBank) -> np.ndarray:
    """Measure windows of 10 s: polyphony, onset rate, level in dB; (n_windows, 3)."""
    n_windows = int(seconds // WINDOW)
    if not n_windows:
        return np.zeros((0, len(WHAT)))
    found = found[found[:, 0] < n_windows * WINDOW - 0.5 / SETTINGS.frame_rate]
    y = synthesis.play(found, bank, n_samples=round(n_windows * WINDOW * SETTINGS.sr))
    return judge.in_windows(judge.Heard(y, found), WINDOW)


def windows_of(music: Music, part: str) -> np.ndarray:
    """Measure the windows of all pieces of a part."""
    each = music.found[part].items()
    return np.concatenate(
        [in_windows(some, music.seconds[part][name], music.bank) for name, some in each]
    )


def as_often(music: Music) -> np.ndarray:
    """Say how often music of the folder lies inside the range of its other music, (3,).

    Each piece is held against all others; of few pieces, each fifth against the other four.
    """
    pieces: dict[str, list] = {}
    for part in PARTS:
        for name, some in music.found[part].items():
            windows = in_windows(some, music.seconds[part][name], music.bank)
            pieces.setdefault(name, []).append(windows)
    groups = [np.concatenate(each) for each in pieces.values()]
    if len(groups) < FEW:
        fifths = [np.array_split(group, 5) for group in groups]
        groups = [np.concatenate(some) for some in zip(*fifths, strict=True)]
    shares, sizes = [], []
    for k, group in enumerate(groups):
        others = np.concatenate(groups[:k] + groups[k + 1 :])
        if len(group) and len(others):
            shares.append(inside(group, usual(others)))
            sizes.append(len(group))
    if not sizes:
        raise ValueError(f"the folder needs two windows of {WINDOW:g} s or more: add longer music")
    return np.average(shares, axis=0, weights=sizes)


def usual(windows: np.ndarray) -> np.ndarray:
    """Give the range of each measure, 5th to 95th percentile: (2, 3)."""
    return np.percentile(windows, (5, 95), axis=0)


def inside(windows: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Say in which share of windows each measure lies in its range, (3,)."""
    return np.mean((windows >= limits[0]) & (windows <= limits[1]), axis=0)


def for_two_minutes(
    compose: opponents.Composer, place: opponents.Place, rng: np.random.Generator
) -> np.ndarray:
    """Compose 120 s: where a piece ends early, the next one begins, from nothing, 1 s later."""
    parts, time = [], 0.0
    while time < LONG - 1:
        some = compose(place, rng, LONG - time)
        parts.append(some + np.array([time, time, 0, 0]))
        time, place = 1 + time + some[:, 1].max(initial=0), NOTHING
    return opponents.in_order(opponents.part(np.concatenate(parts), 0, LONG))


def compose_all(
    music: Music,
    places: list[opponents.Place],
    compose: opponents.Composer,
    seed: int,
) -> np.ndarray:
    """Compose 120 s at each place; return the windows of all, (n_windows, 3)."""
    each = [
        for_two_minutes(compose, place, np.random.default_rng([seed, i]))
        for i, place in enumerate(places)
    ]
    return np.concatenate([in_windows(some, LONG, music.bank) for some in each])


def places(music: Music, n: int) -> dict[str, list[opponents.Place]]:
    """Choose n places to go on: after the first 10 s of what is held out, and from nothing."""
    some = [
        opponents.Place(name, SEED, found)
        for name, found in music.found["held out"].items()
        if len(opponents.part(found, 0, SEED)) > 1
    ]
    return {"after a seed": (some * n)[:n], "from nothing": [NOTHING] * n}


# Long folders


def memory() -> float:
    """Return the GiB in use by this process and all below it; what they share counts once."""
    pids, kib = [os.getpid()], 0
    for pid in pids:  # they become more on the way
        with contextlib.suppress(OSError):  # one that ended just now
            for task in Path(f"/proc/{pid}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            kib += sum(map(int, re.findall(r"^Pss: +(\d+)", rollup, re.MULTILINE)))
    return kib / 2**20


@contextlib.contextmanager
def measured(what: str) -> Iterator[None]:
    """Print how long a block takes, s, and the most memory in use meanwhile, looked at often."""
    most, over = [memory()], threading.Event()

    def look() -> None:
        while not over.wait(0.25):
            most.append(memory())

    thread, began = threading.Thread(target=look), time.perf_counter()
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        print(f"{what:16}{time.perf_counter() - began:8.1f} s{max(most):8.2f} GiB", flush=True)


def taught(folder: str | Path, kept: Path, steps: list[int]) -> None:
    """Prepare a long folder, train anew for so many steps, print what each number of them brings.

    Where steps are to be chosen, look at the bits a word of the validation pieces.
    """
    music = prepared(folder, kept)
    for part in PARTS:
        n_notes, seconds = sum(map(len, music.found[part].values())), music.seconds[part].values()
        print(f"{part}: {len(seconds)} pieces, {sum(seconds) / 60:.1f} minutes, {n_notes} notes")
    for n_steps in steps:
        with measured(f"{n_steps} steps"):
            weights, settings, history = learn(music, steps=n_steps)
        print(f"  validation, bits a word: {min(history):.2f}")
        print(f"  held out, bits a note: {bits_a_note(music, weights, settings):.2f}")


# The report


def bits_a_note(
    music: Music, weights: note_model.Weights, settings: note_model.NoteModelSettings
) -> float:
    """Return the mean bits a note of what was held out."""
    each = [ablation.bits_a_note(weights, settings, one) for one in words(music, "held out")]
    return float(np.concatenate(each).sum(axis=1).mean())


def counted_bits(music: Music) -> float:
    """Return the mean bits a note of what was held out, for a program that only counts."""
    scores = {
        part: [opponents.on_beats(some).score for some in music.found[part].values()]
        for part in PARTS
    }
    model = counted.learn(scores["train"])
    each = [counted.bits(model, score)[:, (0, 1, 2, 4, 5)] for score in scores["held out"]]
    return float(np.concatenate(each).sum(axis=1).mean())


def markov_bits(music: Music) -> float:
    """Return the bits a note of what was held out for a Markov table: those of all its frames.

    It knows no drums.
    """
    train, held_out = (
        [rolls.from_notes(some, SETTINGS).astype(int) for some in music.found[part].values()]
        for part in ("train", "held out")
    )
    table = note_metrics.markov_table(train)
    keys = np.arange(SETTINGS.n_notes)
    total = sum(-np.log2(table[keys, roll[:-1], roll[1:]]).sum() for roll in held_out)
    return float(total / sum(np.count_nonzero(roll[1:] >= rolls.SOFT) for roll in held_out))


def run(music: Music, *, seeds: tuple[int, ...] = (0, 1, 2), quick: bool = False) -> dict:
    """Learn in each of `WAYS`, compose and judge; return all numbers."""
    limits, real = usual(windows_of(music, "train")), as_often(music)
    report: dict = {
        "minutes": {part: sum(music.seconds[part].values()) / 60 for part in PARTS},
        "range": dict(zip(WHAT, limits.T.tolist(), strict=True)),
        "held out": dict(zip(WHAT, real.tolist(), strict=True)),
        "bits": {"Markov": [markov_bits(music)], "counted": [counted_bits(music)]},
        "inside": {},
    }
    for way, options in WAYS.items():
        options = options | ({"steps": 2} if quick and options else {})
        for seed in seeds:
            weights, settings, _ = learn(music, seed=seed, **options)
            report["bits"].setdefault(way, []).append(bits_a_note(music, weights, settings))
            for where, some in places(music, 1 if quick else 6).items():
                compose = opponents.network(weights, settings, steady=True)
                windows = compose_all(music, some, compose, seed)
                shares = dict(zip(WHAT, inside(windows, limits).tolist(), strict=True))
                report["inside"].setdefault(f"{way}, {where}", []).append(shares)
    return report


def little(
    music: Music,
    name: str,
    *,
    minutes: tuple[float, ...] = MINUTES,
    seeds: tuple[int, ...] = (0, 1, 2),
) -> list[dict]:
    """Learn from more and more minutes of a folder, in each of `WAYS`; return a row for each."""
    length, rows = sum(music.seconds["train"].values()) / 60, []

    def add(way: str, bits: float, **options) -> None:
        rows.append({"music": name, "way": way, **options, "bits_a_note": round(bits, 3)})

    for some, seed in itertools.product(sorted({min(one, length) for one in minutes}), seeds):
        part, how = shortened(music, some, seed), {"minutes": round(some, 2), "seed": seed}
        add("Markov", markov_bits(part), **how)
        add("counted", counted_bits(part), **how)
        for way, options in WAYS.items():
            weights, settings, _ = learn(part, seed=seed, **options)
            told = {key: value for key, value in options.items() if key in COLUMNS}
            add(way, bits_a_note(part, weights, settings), **how, **told)
    return rows


def print_report(report: dict) -> None:
    """Print the tables."""
    print("\nBits a note of what was held out, each seed:")
    for name, values in report["bits"].items():
        print(f"  {name:20}" + "  ".join(f"{value:.2f}" for value in values))
    print("\nShare of 10 s windows inside the 5th to 95th percentile of the music:")
    print(f"  {'':44}" + "  ".join(f"{what:>12}" for what in WHAT))
    real = report["held out"]
    print(f"  {'music held out':44}" + "  ".join(f"{real[what]:12.2f}" for what in WHAT))
    for name, each in report["inside"].items():
        means = {what: float(np.mean([one[what] for one in each])) for what in WHAT}
        short = [what for what in WHAT if means[what] < real[what] - TOLERANCE]
        row = "  ".join(f"{means[what]:12.2f}" for what in WHAT)
        print(f"  {name:44}{row}" + (f"  missed: {', '.join(short)}" if short else ""))


def main(arguments: list[str] | None = None) -> None:
    """Measure a folder, print tables and write all numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="hardly train: does it run?")
    parser.add_argument("--little", type=Path, help="only write a table: bits against minutes")
    parser.add_argument("--long", type=Path, metavar="KEPT", help="prepare it, and keep that here")
    parser.add_argument("--steps", type=int, nargs="*", default=[], help="of training, with --long")
    options = parser.parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", audio.AudioWarning)  # music without a pulse, small folders
        if options.long:
            taught(options.folder, options.long, options.steps)
            return
        music = prepared(options.folder, OUTPUT / "prepared")
        if options.little:
            rows = little(music, options.folder.resolve().name)
            models.write_table(options.little, COLUMNS, rows)
            return
        report = run(music, seeds=(0,) if options.quick else (0, 1, 2), quick=options.quick)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / f"{options.folder.resolve().name}.json"
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_report(report)
    print(f"\nAll numbers: {path}")


if __name__ == "__main__":
    main()
