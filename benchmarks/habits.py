"""Repeat each choice of how music is drawn: its value beside its neighbours, on validation pieces.

`python -m benchmarks.habits` changes one habit of `note_model.compose` at a time. After a seed it
is judged by the distance from what really follows at 18 places; from nothing, by the share of 10 s
windows that lie in the training music's 5th to 95th percentile, in notes at once, onset rate and
level. These are the measures on which the series chose. It takes the shipped network, or for each
seed another: `python -m benchmarks.habits 'outputs/bench/seed{}/notes_lstm.npz'`. The table is
written to outputs/habits.csv, a row for each value.
"""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import judge, measures, opponents
from benchmarks.opponents import Composer, Place
from data.build import models
from helpers import events, note_model, synthesis

RESULT = Path("outputs/habits.csv")
SEEDS, N_TAKES = (0, 1, 2), 3
SHARE, REACH = "waits' share of min_p", "reach of two hands"  # habits that have no argument
AFTER = "after a seed"
WAYS = {  # the first value of each is the series' own
    AFTER: {
        "temperature": (0.8, 0.6, 0.7, 0.9, 1.0),
        "min_p": (0.05, 0.0, 0.02, 0.1, 0.2),
        SHARE: (0.5, 0.0, 0.25, 1.0),
        "recall": (0.9, 0.5, 0.7, 0.8, 1.0),
        "keep": (0.0, 0.1, 0.3, 1.0),
        "steady": (0, 1),
        REACH: (1, 0),
    },
    "from nothing": {
        "temperature": (0.8, 0.7, 0.9, 1.0),
        "min_p": (0.05, 0.0, 0.02, 0.1),
        SHARE: (0.5, 0.0, 1.0),
        "recall": (0.3, 0.1, 0.5, 0.7),
        "keep": (1.0, 0.0, 0.5),
        "steady": (1, 0),
        REACH: (1, 0),
    },
}
WINDOWS = ("notes at once", "onset rate", "level")
COLUMNS = ("way", "habit", "value", "seeds", "distance", "SD over seeds", *WINDOWS, "mean of three")
NOTHING = Place("", 0.0, np.zeros((0, 4)))


@contextlib.contextmanager
def changed(habit: str, value: float) -> Iterator[dict[str, Any]]:
    """Change a habit for a while; give what is to be told to the composer."""
    draw, n_waits = note_model._draw, events.N_CLASSES[events.WAIT]

    def draw_so(logits: Any, rng: Any, temperature: float, min_p: float, values: Any) -> int:
        least = 2 * value * min_p if len(logits) == n_waits else min_p  # it comes halved
        return draw(logits, rng, temperature, least, values)

    if habit == SHARE:
        with mock.patch.object(note_model, "_draw", draw_so):
            yield {}
    elif habit == REACH and not value:
        with mock.patch.object(events, "within_reach", above):
            yield {}
    else:
        yield {} if habit == REACH else {habit: value}


def above(struck: list[int]) -> np.ndarray:
    """Say which keys lie above those struck already: two hands or not, all of them."""
    return np.arange(events.N_KEYS) > max(struck, default=-1)


class Validation:
    """Know what is real in the validation pieces, and judge composers by it."""

    def __init__(self, n_clips: int = judge.N_CLIPS) -> None:
        learnt = synthesis.load("data/models/notes_bank.npz")
        self.transcriber = judge.Transcriber(*learnt)
        known, unseen = (
            {name: self.transcriber.hear(y) for name, y in judge.load(split).items()}
            for split in ("train", "validation")
        )
        self.places = judge.spread(unseen, n_clips)
        clips = [self.transcriber.excerpt(unseen[p.piece], p.start) for p in self.places]
        self.real = measures.measure([clip.roll for clip in clips])
        windows = np.concatenate([judge.in_windows(heard) for heard in known.values()])
        self.range = np.percentile(windows, (5, 95), axis=0)

    def away(self, compose: Composer, seed: int) -> list[float]:
        """Give the mean distance from what really follows, (1,)."""
        clips = [
            compose(place, np.random.default_rng([seed, i]), judge.SECONDS)
            for i, place in enumerate(self.places)
        ]
        heard = [self.transcriber.play(clip, judge.SECONDS).roll for clip in clips]
        return [float(measures.distance(measures.measure(heard), self.real).mean())]

    def inside(self, compose: Composer, seed: int) -> list[float]:
        """Give the shares of windows in the range, of two minutes from nothing, (3,)."""
        takes = [
            compose(NOTHING, np.random.default_rng([seed, i, 1]), judge.LONG_SECONDS)
            for i in range(N_TAKES)
        ]
        heard = [self.transcriber.play(take, judge.LONG_SECONDS) for take in takes]
        windows = np.concatenate([judge.in_windows(one) for one in heard])
        low, high = self.range
        return np.mean((windows >= low) & (windows <= high), axis=0).tolist()


def rows(path: str, pieces: Validation, ways: dict = WAYS) -> Iterator[dict[str, Any]]:
    """Judge every value of every habit; yield its row."""
    networks = [note_model.load(path.format(seed)) for seed in SEEDS]
    for way, habits in ways.items():
        judged: dict[float, list[list[float]]] = {}  # what is the series' own, once for all
        for habit, values in habits.items():
            for value in values:
                own = value == values[0]
                row = {"way": way, "habit": habit, "value": value, "seeds": len(SEEDS)}
                with changed(habit, value) as options:
                    each = judged.get(own) or [
                        (pieces.away if way == AFTER else pieces.inside)(
                            opponents.network(*network, **options), seed
                        )
                        for seed, network in zip(SEEDS, networks, strict=True)
                    ]
                if own:
                    judged[own] = each
                mean = np.mean(each, axis=0).round(3).tolist()
                if way == AFTER:
                    row |= {
                        "distance": mean[0],
                        "SD over seeds": round(float(np.std(each, ddof=1)), 3),
                    }
                else:
                    row |= dict(zip(WINDOWS, mean, strict=True))
                    row |= {"mean of three": round(float(np.mean(each)), 3)}
                    row |= {"SD over seeds": round(float(np.std(np.mean(each, axis=1), ddof=1)), 3)}
                yield row


def main(arguments: list[str] | None = None) -> None:
    """Judge all, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", default="data/models/notes_lstm.npz")
    options = parser.parse_args(arguments)
    RESULT.parent.mkdir(exist_ok=True)
    done = []
    for row in rows(options.network, Validation()):
        print(*(f"{name} {value}" for name, value in row.items()), sep=", ", flush=True)
        models.write_table(RESULT, COLUMNS, [*done, row])
        done.append(row)


if __name__ == "__main__":
    main()
