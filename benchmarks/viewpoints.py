"""What a composer by counting remembers of a piece: viewpoints, and the places that agree with now.

A piece is read note by note; a note is four symbols (wait, pitch, length, touch) and its tick. At
any moment `contexts` says what the next symbol may depend on, and `votes` what came next at the
places that agree best with now. For that, the piece so far is laid beside itself at every shift in
ticks; a place scores by how many of the last notes it has as well, misses against it, so that a
slip of the transcription doesn't lose it (a longest matching suffix would be lost).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from helpers import events

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Tables = dict[tuple, npt.NDArray[np.int32]]
Chains = list[tuple[str, int, tuple]]  # sources, what symbols are relative to, context

DECAYS, MISS = np.array([0.75, 0.93]), 0.5  # a note: how agreement fades; what a miss costs
KERNELS = np.array([[0.0, 2.5, 0.0], [0.3, 1.5, 2.0]])  # of run, near and far agreement
N_PLACES, RUN = 48, 20  # places that vote; the longest run that counts
NOWHERE = -1  # a relative context that has nothing to refer to


@dataclass
class Memory:
    """What was heard, and how well every place in it agrees with now."""

    n_ticks: int  # that can be remembered
    n_rows: int = events.N_KEYS  # more where there are drums, from that row on
    notes: list[tuple[int, ...]] = field(default_factory=list)  # wait, row, length, touch, tick
    moments: dict[int, tuple[int, ...]] = field(default_factory=dict)  # rows struck at a tick
    tables: Tables = field(default_factory=dict)
    near: dict[int, tuple[int, ...]] = field(default_factory=dict)  # last note of a register
    now: int = 0

    def __post_init__(self) -> None:
        n = self.n_ticks
        self.sizes = events.END, self.n_rows, *events.N_CLASSES[2:4]  # wait, pitch, length, touch
        self.struck = np.full((2, n, self.n_rows), -1)  # length and touch of what was struck
        self.count, self.top = np.zeros(n), np.full(n, -1)  # of a moment: notes, highest row
        self.next = np.zeros(n, np.int64)  # tick of the moment after
        self.scores = np.zeros((3, n))  # agreement of a place with now: run, near, far
        self.hits = np.zeros(n)  # notes of this moment that a place has as well


def read(memory: Memory, notes: Ints) -> Iterator[tuple[int, int, int, Chains, Doubles]]:
    """Yield each symbol's attribute, itself, the lowest possible one, its contexts and votes."""
    for *symbols, tick in notes.tolist():
        for attribute, symbol in enumerate(symbols if memory.notes else ()):
            new = symbols[:attribute]
            if attribute:
                advance(memory, tick)
            yield (
                attribute,
                symbol,
                lowest(memory, new),
                contexts(memory, new),
                votes(memory, new),
            )
        hear(memory, (*symbols, tick), keep=memory.n_ticks > 0)


def hear(memory: Memory, note: tuple[int, ...], keep: bool) -> None:
    """Take a note in: places that have it agree better; if it is kept, it can be copied."""
    _, row, length, touch, tick = note
    advance(memory, tick)
    struck = memory.struck[0, :tick, row] >= 0
    n = len(struck)
    memory.scores[0, :n] = np.where(struck, memory.scores[0, :n] + 1, 0)
    for score, decay in zip(memory.scores[1:], DECAYS, strict=True):
        score[:n] = decay * score[:n] + np.where(struck, 1, -MISS) * (1 - decay) * 4
    memory.hits[:n] += struck
    if keep:
        if memory.notes:
            memory.next[memory.notes[-1][4] : tick] = tick
        memory.struck[:, tick, row] = length, touch
        memory.top[tick] = row
        memory.count[tick] += 1
    memory.moments[tick] = (*memory.moments.get(tick, ()), row)
    memory.near[row // 5] = note
    memory.notes.append(note)


def advance(memory: Memory, tick: int) -> None:
    """Move every place along to `tick`; what was struck there and not here are misses."""
    wait, n = tick - memory.now, memory.n_ticks
    if wait > 0:
        before = np.append(0, np.cumsum(memory.count))
        missed = before[np.minimum(np.arange(n) + wait, n)] - before[:n] - memory.hits
        scores = memory.scores - np.array([[0.0], [MISS], [MISS]]) * missed
        scores[0, missed > 0] = 0
        memory.scores, memory.hits = np.zeros((3, n)), np.zeros(n)
        memory.scores[:, wait:tick] = scores[:, : min(memory.now, max(n - wait, 0))]
        memory.now = tick


def votes(memory: Memory, new: Sequence[int]) -> Doubles:
    """Let the places that agree best say what comes next: votes, (n_kernels, n_symbols)."""
    attribute, row = len(new), memory.notes[-1][1]
    run, near, far = memory.scores[:, : memory.now]
    order = -(near + far + 0.3 * np.minimum(run, 16))
    places = np.argsort(order, kind="stable")[:N_PLACES]
    if attribute == 0:
        after = memory.next[places]
        said = np.where(after > 0, events.wait_class(after - places), -1)
        said[memory.top[places] > row] = 0
    elif attribute == 1:
        struck = memory.struck[0, places] >= 0
        struck[:, : lowest(memory, new)] = False
        said = np.where(struck.any(axis=1), struck.argmax(axis=1), -1)
    else:
        said = memory.struck[attribute - 2, places, new[1]]
    agreement = np.stack([np.minimum(run, RUN), near, far])[:, places]
    weights = np.exp(KERNELS @ agreement) * (said >= 0)
    return np.array([np.bincount(np.maximum(said, 0), w, memory.sizes[attribute]) for w in weights])


def contexts(memory: Memory, new: Sequence[int]) -> Chains:
    """List the viewpoints; each is a context whose beginnings are contexts as well."""
    ticks, chords = zip(*[*[(-99, ())] * 4, *list(memory.moments.items())[-5:]][-5:], strict=True)
    gaps = [min(b - a, 49) for a, b in zip(ticks[:0:-1][1:], ticks[:0:-1], strict=False)]
    chord, before, earlier = chords[:-4:-1]
    recent = [*memory.notes[:-4:-1], *[(-1,) * 5] * 2][:3]
    row, row2, row3 = (note[1] for note in recent)
    place, up, quarter = memory.now % 12, bool(new) and new[0] == 0, memory.now % 48
    here, last = (chord, before) if up else ((), chord)
    bass = last[0] if last else 0
    if len(new) == 0:
        n, (n1, n2, *rest) = min(len(chord), 6), [len(c) for c in chords[-2::-1]]
        chains = [
            ("tp", 0, ((), (place, n), (gaps[0], n1), (gaps[1], n2), (*gaps, *rest))),
            ("tp", 0, ((place, _from(chord, chord)), _from(before, chord))),
            ("p", 0, (place, row)),
            ("p", 0, ((place, chord), before, earlier)),
        ]
    elif len(new) == 1:
        n, step = min(len(here), 4), row - row2
        chains = [
            ("p", 0, ((), n, place, quarter)),
            ("p", 0, ((up, row), row2, row3)),
            ("tp", row, (up, step, row2 - row3, place)),
            ("tp", bass, ((n, (row - bass) * up), (place, new[0], min(len(last), 4)))),
        ]
        for lag in (12, 24, 48):
            then = memory.moments.get(memory.now - lag, ())
            low = next((x for x in then if x >= lowest(memory, new)), NOWHERE)
            chains.append(("tp", low, ((n, (row - low) * up),)))
    else:
        a, row1, row = len(new), row, new[1]
        register, nearest = row // 6, memory.near.get(row // 5, (-1,) * 4)[a]
        one, two, three = [note[a] for note in recent]
        chains = [
            ("tp", 0, ((), (place, up), one, two, three)),
            ("tp", 0, ((register, place, up), one)),
            ("tp", 0, ((nearest, up), one, register)),
            ("tp", 0, ((register, place, nearest),)),
            ("tp", 0, ((new[-1], up), one)),
            ("p", 0, (row, place, quarter)),
            ("p", 0, ((row, row1), one)),
            ("p", 0, ((row, here, place), last)),
        ]
    return [(s, r, ((len(new), i, c[0]), *c[1:])) for i, (s, r, c) in enumerate(chains)]


def lowest(memory: Memory, new: Sequence[int]) -> int:
    """Find the lowest pitch row that can follow: chords are written from the bass up."""
    return memory.notes[-1][1] + 1 if len(new) == 1 and new[0] == 0 else 0


def _from(rows: tuple[int, ...], chord: tuple[int, ...]) -> tuple[int, ...]:
    """Write rows relative to the bass of a chord."""
    return tuple(row - chord[0] for row in rows)
