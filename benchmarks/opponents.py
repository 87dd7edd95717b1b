"""Composers to be better than: they know the training music, or even the piece, but not its order.

A composer is called with a place in a piece, a random generator and a time in s, and returns so
much music as found notes: float64, (n_found, 4), onset and offset in s from there on, pitch, level.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks import counted
from helpers import audio, beats, events, note_metrics, note_model, rolls

SEED_SECONDS = 10


@dataclass(frozen=True, eq=False)
class Place:
    """Say where in which piece a composer begins; `found` are the notes of the whole piece."""

    piece: str
    start: float  # s
    found: np.ndarray  # float64, (n_found, 4)

    @property
    def seed(self) -> np.ndarray:
        """Give the notes of the 10 s before, their times from 0 on: all that a composer hears."""
        return part(self.found, self.start - SEED_SECONDS, self.start)

    @cached_property
    def heard(self) -> events.Played:
        """Give the seed on the beats that it has by itself: a composer knows no more of them."""
        return on_beats(self.seed) if len(self.seed) else events.SILENCE


Composer = Callable[[Place, np.random.Generator, float], np.ndarray]


def part(found: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Take the notes that begin between two times, s; the first time becomes 0."""
    chosen = found[(found[:, 0] >= start) & (found[:, 0] < stop)].copy()
    chosen[:, :2] = np.minimum(chosen[:, :2], stop) - start
    return chosen[chosen[:, 1] > chosen[:, 0]]


def all_of(train: list[np.ndarray], settings: rolls.NoteSettings) -> dict[str, Composer]:
    """Name the opponents that need no network."""
    return {
        "markov": markov(train, settings),
        "shuffle": shuffled_notes(settings),
        "shuffled bars": shuffled_bars,
        "reversed": reversed_piece,
        "counted": counted_copying(train),
    }


def network(weights: dict, settings: note_model.NoteModelSettings, **options) -> Composer:
    """Let the network over notes go on; unless told otherwise, steadily from nothing alone."""

    def compose(place: Place, rng: np.random.Generator, seconds: float) -> np.ndarray:
        how = {"rng": rng, "end": SEED_SECONDS, "steady": not len(place.seed)} | options
        found = note_model.go_on(weights, settings, place.heard, seconds, **how)
        return after_seed(found, seconds)

    return compose


def counted_copying(train: list[np.ndarray]) -> Composer:
    """Let counts of the training music and of the seed write, without a network."""
    pieces = [events.read(found) for found in train]
    model, timing = counted.learn([one.score for one in pieces]), events.learn_timing(pieces)

    def compose(place: Place, rng: np.random.Generator, seconds: float) -> np.ndarray:
        def write(n_ticks: int, seed: np.ndarray, start: int) -> np.ndarray:
            if not len(seed):
                return seed  # it only goes on from something
            last = int(seed[-1, 0])
            score = counted.compose(model, seed, start + n_ticks - last, rng)
            return score[score[:, 0] >= start]

        how = {"rng": rng, "end": SEED_SECONDS, "timing": timing}
        return after_seed(events.go_on(write, place.heard, seconds, **how), seconds)

    return compose


def on_beats(found: np.ndarray) -> events.Played:
    """Write notes down on their beats; without a pulse, these are even, which is not said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", audio.AudioWarning)
        return events.read(found)


def after_seed(found: np.ndarray, seconds: float) -> np.ndarray:
    """Let what goes on after the seed begin at 0 s, and end in time."""
    return in_order(part(found, SEED_SECONDS, SEED_SECONDS + seconds))


def markov(train: list[np.ndarray], settings: rolls.NoteSettings) -> Composer:
    """Let each note follow its own past, as counted in the training music, and hear no other."""
    table = note_metrics.markov_table([rolls.from_notes(found, settings) for found in train])

    def compose(place: Place, rng: np.random.Generator, seconds: float) -> np.ndarray:
        n_frames = round(seconds * settings.frame_rate)
        return rolls.to_notes(note_metrics.markov_sample(table, n_frames, rng), settings)

    return compose


def shuffled_notes(settings: rolls.NoteSettings) -> Composer:
    """Move the notes that really follow to random times."""

    def compose(place: Place, rng: np.random.Generator, seconds: float) -> np.ndarray:
        n_frames = round(seconds * settings.frame_rate)
        coming = part(place.found, place.start, place.start + seconds - 0.5 / settings.frame_rate)
        roll = rolls.from_notes(coming, settings, n_frames=n_frames)
        return rolls.to_notes(note_metrics.shuffle_notes(roll, rng), settings)

    return compose


def shuffled_bars(place: Place, rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Play bars of the piece in any order, each as it is: real bars, and no form."""
    times = on_beats(place.found).beats
    lines = times[beats.bar_lines(place.found, times)]
    if len(lines) < 2:
        raise ValueError(f"{place.piece} needs two bars or more: choose longer music")
    time, bars = 0.0, []
    while time < seconds:
        for i in rng.permutation(len(lines) - 1):
            bar = place.found[(place.found[:, 0] >= lines[i]) & (place.found[:, 0] < lines[i + 1])]
            bars.append(bar + np.array([time - lines[i]] * 2 + [0, 0]))
            time += lines[i + 1] - lines[i]
    return in_order(part(np.concatenate(bars), 0, seconds))


def reversed_piece(place: Place, rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Play the piece backwards: its notes begin in reverse order, each as long as it was."""
    onset, offset = place.found[:, 0], place.found[:, 1]
    backwards = place.found.copy()
    backwards[:, 0] = onset.max() - onset
    backwards[:, 1] = backwards[:, 0] + offset - onset
    return in_order(part(backwards, place.start, place.start + seconds))


def in_order(found: np.ndarray) -> np.ndarray:
    """Sort notes by onset, then pitch."""
    return found[np.lexsort((found[:, 2], found[:, 0]))]
