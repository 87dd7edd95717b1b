"""Measure how a label steers the network over notes: in bits, to a classifier, and in its music.

The right label must surprise the network less than the wrong one on held-out pieces. A classifier
that learnt the two kinds of music from real clips must put what is composed half-way between what
is composed with either label, and so must measures of the music.

`python -m benchmarks.labels` judges the shipped network on the validation pieces, with `--test` on
the test pieces. With other files of networks, it judges those.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import learnt_judge, measures, opponents, targets
from benchmarks.targets import at_least
from data.build import models
from helpers import events, note_model, rolls

RESULT = Path("outputs/labels.json")
SHIPPED = Path("data/models/notes_labelled.npz")
SECONDS, N_CLIPS, SHARES = 30, 24, (0.0, 0.25, 0.5, 0.75, 1.0)
SETTINGS = rolls.NoteSettings()
WHAT = ("onset rate", "polyphony", "key clarity")
TARGETS = {"wrong label, more bits than the right one (%)": at_least(5, 10)}

Heard = dict[str, tuple[int, np.ndarray]]  # of each piece its label and found notes
Learnt = tuple[note_model.Weights, note_model.NoteModelSettings]


def bits(learnt: Learnt, pieces: dict[str, tuple[int, events.Played]]) -> dict[str, dict]:
    """Measure the bits a note of each piece, told the right label, the wrong one, and nothing.

    The first note of the piece, and its end, don't count.
    """
    names, result = models.LABELS, {}
    for piece, (label, played) in pieces.items():
        told = {"right": names[label], "wrong": names[1 - label], "open": None}
        words = events.words(played.score)
        result[piece] = {
            how: float(
                note_model.bits(*learnt, words, touches=False, label=name)[1:-1].sum(axis=1).mean()
            )
            for how, name in told.items()
            if name is None or learnt[1].labels
        } | {"label": names[label], "notes": len(words) - 3}
    return result


def wrong_costs(measured: dict[str, dict]) -> dict[str, float]:
    """Say how many percent more bits the wrong label costs: of each label's pieces, and of all."""

    def mean(how: str, label: str) -> float:
        some = [one for one in measured.values() if one["label"] == label]
        return sum(one[how] * one["notes"] for one in some) / sum(one["notes"] for one in some)

    costs = {k: 100 * (mean("wrong", k) / mean("right", k) - 1) for k in models.LABELS}
    return costs | {"mean": float(np.mean(list(costs.values())))}


def cut(played: events.Played) -> list[np.ndarray]:
    """Cut a piece into clips that overlap by half: their notes."""
    found = events.play(played.score, played.beats, late=played.late)
    starts = np.arange(0, found[:, 0].max() - SECONDS, SECONDS / 2)
    return [opponents.in_order(opponents.part(found, t, t + SECONDS)) for t in starts]


def classifier(pieces: dict[str, tuple[int, events.Played]]) -> Callable[[np.ndarray], float]:
    """Learn the two kinds of music from real clips; above 0, a clip sounds like the second."""
    sides: tuple[list, list] = ([], [])
    for label, played in pieces.values():
        sides[label].extend(learnt_judge.windows(clip) for clip in cut(played))
    X = np.concatenate([*sides[0], *sides[1]])
    learnt = learnt_judge.fit(X, np.arange(len(X)) >= sum(map(len, sides[0])))
    return lambda clip: float(learnt_judge.score(learnt, learnt_judge.windows(clip)).mean())


def describe(clips: list[np.ndarray], judge: Callable[[np.ndarray], float]) -> dict[str, list]:
    """Judge and measure clips: {what: a number of each}."""
    n_frames = round(SECONDS * SETTINGS.frame_rate)
    begun = [clip[clip[:, 0] * SETTINGS.frame_rate < n_frames - 0.5] for clip in clips]
    played = [rolls.from_notes(clip, SETTINGS, n_frames=n_frames) for clip in begun]
    each = {what: [measures.MEASURES[what](roll) for roll in played] for what in WHAT}
    result = {what: np.nan_to_num(values).tolist() for what, values in each.items()}
    return {"classifier": [judge(clip) for clip in clips]} | result


def steered(
    learnt: Learnt, seeds: list[events.Played], judge: Callable[[np.ndarray], float], n_clips: int
) -> dict[str, dict]:
    """Compose with growing shares of the second label, after each seed: {share: numbers}."""
    first, second = models.LABELS
    result = {}
    for share in SHARES:
        clips = []
        for k in range(n_clips):
            found = note_model.go_on(
                *(*learnt, seeds[k % len(seeds)], SECONDS),
                rng=np.random.default_rng([7, k]),
                end=opponents.SEED_SECONDS,
                label={first: 1 - share, second: share},
            )
            clips.append(opponents.after_seed(found, SECONDS))
        result[str(share)] = describe(clips, judge)
    return result


def between(result: dict[str, dict]) -> dict[str, bool]:
    """Say of which measures the half-way blend lies between its ends."""
    low, half, high = (
        {what: np.mean(values) for what, values in result[share].items()}
        for share in ("0.0", "0.5", "1.0")
    )
    return {w: bool(min(low[w], high[w]) <= half[w] <= max(low[w], high[w])) for w in half}


def run(paths: list[Path], split: str, n_clips: int = N_CLIPS) -> dict:
    """Judge networks; return all numbers by file. Seeds stand on their whole pieces' beats."""
    train, held_out = models.hear_labelled("train"), models.hear_labelled(split)
    judge, report = classifier(train), {}
    for path in paths:
        learnt = note_model.load(path)
        report[path.name] = {"bits": bits(learnt, held_out)}
        if not learnt[1].labels:
            continue
        report[path.name]["wrong costs"] = wrong_costs(report[path.name]["bits"])
        seeds = {"nothing": [events.SILENCE]}
        for label, name in enumerate(models.LABELS):
            pieces = [piece for which, piece in held_out.values() if which == label]
            times = (20.0, 50.0)
            seeds[name] = [
                events.part(p, t, t + opponents.SEED_SECONDS) for p in pieces for t in times
            ]
        composed = {name: steered(learnt, some, judge, n_clips) for name, some in seeds.items()}
        report[path.name]["composed"] = composed
        report[path.name]["half-way between"] = {w: between(one) for w, one in composed.items()}
    real: dict[str, list] = {name: [] for name in models.LABELS}
    for label, piece in held_out.values():
        real[models.LABELS[label]] += cut(piece)
    report["real"] = {name: describe(clips, judge) for name, clips in real.items()}
    return report


def print_report(report: dict) -> None:
    """Print the tables: means over clips."""

    def row(what: str, numbers: dict[str, list]) -> None:
        print(f"  {what:28}" + "".join(f"{np.mean(v):+13.2f}" for v in numbers.values()))

    real = report.pop("real")
    for name, numbers in real.items():
        row(f"real, {name}", numbers)
    costs = []
    for path, one in report.items():
        print(f"\n{path}: bits a note, and with the wrong label")
        for piece, b in one["bits"].items():
            said = ", ".join(
                f"{how} {b[how]:.3f}" for how in ("right", "wrong", "open") if how in b
            )
            print(f"  {piece:32}{b['label']:12}{said}")
        if "composed" not in one:
            continue
        print(
            "  the wrong label costs (%):", {k: round(v, 1) for k, v in one["wrong costs"].items()}
        )
        costs.append(one["wrong costs"]["mean"])
        for after, shares in one["composed"].items():
            print(f"  {'after ' + after:28}" + "".join(f"{w:>13}" for w in ("classifier", *WHAT)))
            for share, numbers in shares.items():
                row(f"{models.LABELS[1]} {share}", numbers)
            print(f"  half-way between: {one['half-way between'][after]}")
    targets.print_rows(targets.compare({next(iter(TARGETS)): costs}, TARGETS))


def main(arguments: list[str] | None = None) -> None:
    """Judge, print, and write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", type=Path, nargs="*", default=[SHIPPED])
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--clips", type=int, default=N_CLIPS)
    options = parser.parse_args(arguments)
    report = run(options.networks, "test" if options.test else "validation", options.clips)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print_report(report)


if __name__ == "__main__":
    main()
