"""Predict and compose by counting alone: the strongest opponent without a network that we know.

Nothing here is recurrent: there are tables of what followed what, in the training pieces and in the
piece itself so far, and copies of what followed at places that sounded alike. A piece is read note
by note; a note is four symbols (wait, pitch, length, touch), each predicted given all before it,
then counted. Some twenty experts predict each symbol:

- **Tables** (PPM: Cleary and Witten 1984): counts after a context, blended with those after a
  shorter one, and so on down. Contexts are viewpoints on the same notes (Conklin and Witten 1995):
  notes as they are, intervals, distance from the bass, place in the beat. Training tables of
  pitch hold distances alone, so they need no transposed copies. As in IDyOM (Pearce 2005), most
  viewpoints have a long-term and a short-term table.
- **Copies** (`viewpoints.votes`): each of the places that agree best with the last notes votes for
  what came next there, with exp(agreement) votes.

The experts are mixed geometrically, p ~ prod p_k ** w_k, each weight chosen by how much its expert
has counted (PAQ: Mahoney 2005; Mattern 2012). The weights are learnt on the training pieces, each
read without its own notes in the training tables (a convex problem, so no seed), and go on learning
while a piece is read. Context tree weighting (Willems, Shtarkov and Tjalkens 1995) would weigh the
lengths of one context; here the mixture weighs lengths, viewpoints and copies alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize

from benchmarks import viewpoints
from benchmarks.viewpoints import NOWHERE, Chains, Doubles, Ints, Memory, Tables
from helpers import beats, events

LENGTHS, LOUD = events.LENGTHS, events.LOUD
DISCOUNT, ESCAPE = 0.5, 0.5  # taken from each count; given to the shorter context
COUNTED = np.array([1, 2, 3, 6, 16, 64])  # the classes of evidence
RATE, PULL = 5e-4, 1e-3  # of the weights while reading; to equal weights while learning
PARTS = "tpc"  # tables of the "t"raining pieces, tables of the "p"iece so far, "c"opies
_MIDDLE = events.N_KEYS + events.N_DRUMS + 24  # of a table of relative symbols
_WIDE = 2 * _MIDDLE


@dataclass(frozen=True)
class Model:
    """What training counted: tables, and each attribute's weights (n_experts, n_classes)."""

    tables: Tables
    weights: tuple[Doubles, ...]
    parts: str = PARTS
    n_rows: int = events.N_KEYS  # that can be written: all, if there were drums


def words(score: Ints) -> Ints:
    """Read a score as symbols.

    Parameters
    ----------
    score : ndarray, int64, (n_notes, 4)
        Tick, MIDI pitch, length in ticks, touch (0 to 5), sorted by tick, then pitch.

    Returns
    -------
    ndarray, int64, (n_notes, 5)
        Wait class, row, length class, touch, and the tick, counted from the first note's beat.
    """
    if not len(score):
        raise ValueError("a score needs a note or more, got none: leave it out")
    tick, symbols = np.asarray(score)[:, 0], events.words(score)[1:-1, :4]
    symbols[0, 0] = 0  # nothing is waited for before the first note
    return np.column_stack([symbols, tick - tick[0] // beats.TICKS * beats.TICKS])


def learn(scores: Sequence[Ints], parts: str = PARTS) -> Model:
    """Count the training pieces and learn how far to trust each expert.

    Parameters
    ----------
    scores : sequence of ndarray, int64, (n_notes, 4)
        As `words` reads them, of 2 notes and more.
    parts : str
        What may be used (`PARTS`), to measure what each is worth.

    Returns
    -------
    Model
    """
    pieces = [words(score) for score in scores]
    n_rows = max(map(_n_rows, pieces), default=events.N_KEYS)
    own: list[Tables] = [{} for _ in pieces]
    for notes, tables in zip(pieces, own, strict=True):
        for _, symbol, _, chains, _ in viewpoints.read(Memory(0, n_rows), notes):
            _count(tables, chains, symbol)
    every: Tables = {}
    for tables in own:
        for name, counts in tables.items():
            every[name] = every.get(name, 0) + counts
    seen: tuple[list, ...] = ([], [], [], [])
    for notes, tables in zip(pieces, own, strict=True):
        memory = Memory(notes[-1, 4] + 1, n_rows)
        for attribute, symbol, lowest, chains, said in viewpoints.read(memory, notes):
            seen[attribute].append(
                (symbol, lowest, *_experts(memory, chains, said, every, tables, parts))
            )
            _count(memory.tables, chains, symbol)
    return Model(every, tuple(_fit(examples) for examples in seen), parts, n_rows)


def bits(model: Model, score: Ints, rate: float = RATE) -> Doubles:
    """Say how many bits each note costs, given all before it.

    Parameters
    ----------
    model : Model
    score : ndarray, int64, (n_notes, 4)
    rate : float
        Of the weights' learning while the piece is read.

    Returns
    -------
    ndarray, float64, (n_notes - 1, 6), bits
        Wait class, pitch, length, touch, touch in two classes, the wait within its class. The first
        note isn't predicted.
    """
    notes = words(score)
    memory, weights = _begin(model, notes, 0)
    shares = []
    for attribute, symbol, p in _listen(model, weights, memory, notes, rate):
        shares.append(p[symbol])
        if attribute == 3:
            shares.append(p[LOUD:].sum() if symbol >= LOUD else p[:LOUD].sum())
    within = events.wait_bits(notes[1:, 0])
    return np.column_stack([-np.log2(shares).reshape(-1, 5), within])


def compose(
    model: Model,
    seed: Ints,
    n_ticks: int,
    rng: np.random.Generator,
    *,
    temperature: float = 0.8,
    min_p: Sequence[float] = (0.025, 0.05, 0.05, 0.05),
    keep: bool = False,
) -> Ints:
    """Go on from a seed by drawing from what was counted.

    Parameters
    ----------
    model : Model
    seed : ndarray, int64, (n_notes, 4)
    n_ticks : int
        How far to go on after the seed's last note.
    rng : Generator
    temperature : float
        Below 1, likely symbols get likelier.
    min_p : sequence of 4 floats
        Of wait, pitch, length and touch: what is less likely than this share of the likeliest
        symbol, once the temperature is applied, isn't drawn.
    keep : bool
        Whether what is composed is counted and copied as well, or the seed alone.

    Returns
    -------
    ndarray, int64, (n_notes, 4)
        The new notes; their ticks go on from the seed's.
    """
    notes = words(seed)
    memory, weights = _begin(model, notes, n_ticks)
    for _ in _listen(model, weights, memory, notes, RATE):
        pass
    score: list[tuple] = []
    shift = seed[-1][0] - notes[-1, 4]
    while True:
        note: list[int] = []
        for attribute, size in enumerate(memory.sizes):
            lowest = viewpoints.lowest(memory, note)
            chains, said = viewpoints.contexts(memory, note), viewpoints.votes(memory, note)
            experts = _experts(memory, chains, said, model.tables, {}, model.parts)
            p = _mix(weights[attribute], lowest, *experts)
            if attribute == 0 and memory.notes[-1][1] == memory.n_rows - 1:
                p[0] = 0  # no key lies above the highest
            p[p < min_p[attribute] * p.max()] = 0
            p **= 1 / temperature  # after the cut, as ours
            note.append(int(rng.choice(size, p=p / p.sum())))
            if keep:
                _count(memory.tables, chains, note[-1])
            if attribute == 0:
                tick = memory.now + events.draw_wait(note[0], memory.now, rng)
                if tick >= memory.n_ticks:
                    return np.array(score, np.int64).reshape(-1, 4)
                viewpoints.advance(memory, tick)
        viewpoints.hear(memory, (*note, tick), keep)
        score.append((tick + shift, int(events.pitch_of(note[1])), LENGTHS[note[2]], note[3]))


def _n_rows(notes: Ints) -> int:
    """Return how many rows a piece may have: keys, or if there are drums in it, all."""
    return events.N_KEYS + events.N_DRUMS * bool((notes[:, 1] >= events.N_KEYS).any())


def _begin(model: Model, notes: Ints, n_ticks: int) -> tuple[Memory, list[Doubles]]:
    """Return an empty memory for notes and so many ticks more, and weights that may change."""
    memory = Memory(notes[-1, 4] + n_ticks + 1, max(model.n_rows, _n_rows(notes)))
    return memory, [w.copy() for w in model.weights]


def _listen(
    model: Model, weights: list[Doubles], memory: Memory, notes: Ints, rate: float
) -> Iterator[tuple[int, int, Doubles]]:
    """Yield attribute, symbol and probabilities, and learn from each: tables and weights."""
    for attribute, symbol, lowest, chains, said in viewpoints.read(memory, notes):
        guesses, evidence = _experts(memory, chains, said, model.tables, {}, model.parts)
        p = _mix(weights[attribute], lowest, guesses, evidence)
        yield attribute, symbol, p
        slope = guesses[:, symbol] - guesses @ p
        weights[attribute][np.arange(len(slope)), evidence] += rate * slope
        _count(memory.tables, chains, symbol)


def _experts(
    memory: Memory, chains: Chains, said: Doubles, tables: Tables, without: Tables, parts: str
) -> tuple[Doubles, Ints]:
    """Ask every expert: log probabilities (n_experts, n_symbols), class of its evidence."""
    size = said.shape[1]
    rows = [(i, source) for i, chain in enumerate(chains) for source in chain[0] if source in parts]
    lengths = np.array([len(chains[i][2]) for i, _ in rows], np.int64)
    counts = np.zeros((len(rows), max(lengths, default=0), size))
    for row, (i, source) in zip(counts, rows, strict=True):
        _, reference, context = chains[i]
        for j in range(len(context) if reference != NOWHERE else 0):
            name = context[: j + 1]
            found = (tables if source == "t" else memory.tables).get(name)
            if found is None:
                break  # nor was anything longer
            if source == "t" and name in without:
                found = found - without[name]
            row[j] = found[_MIDDLE - reference : _MIDDLE - reference + size]
    n_first = sum(i == 0 for i, _ in rows)
    first = _blend(counts[:n_first], np.full(size, 1 / size))
    start = first[-1, lengths[0] - 1] if n_first else np.full(size, 1 / size)
    used = np.arange(counts.shape[1]) < lengths[:, None]
    guesses = np.concatenate([first, _blend(counts[n_first:], start)])[used]
    total, kinds = counts.sum(axis=2)[used], np.count_nonzero(counts, axis=2)[used]
    evidence = (2 * np.searchsorted(COUNTED, total, "right") + (kinds == 1)) * (total > 0)
    if "c" in parts:
        total = said.sum(axis=1)
        general = guesses.mean(axis=0) if len(guesses) else start
        clear = said.max(axis=1) > 0.9 * total
        guesses = np.concatenate([guesses, (said + general) / (total[:, None] + 1)])
        known = 1 + 2 * np.minimum(5, np.log2(1 + total) / 1.5).astype(int) + clear
        evidence = np.append(evidence, known * (total > 0))
    return np.log(np.maximum(guesses, 1e-7)), evidence


def _blend(counts: Doubles, start: Doubles) -> Doubles:
    """Blend each context's counts with the shorter one's: (n_chains, depth, n_symbols)."""
    given = DISCOUNT * np.count_nonzero(counts, axis=2, keepdims=True) + ESCAPE
    blended, low = np.empty(counts.shape), start
    for j in range(counts.shape[1]):
        low = np.maximum(counts[:, j] - DISCOUNT, 0) + given[:, j] * low
        low = low / low.sum(axis=1, keepdims=True)
        blended[:, j] = low
    return blended


def _count(tables: Tables, chains: Chains, symbol: int) -> None:
    """Count a symbol in all its contexts."""
    for _, reference, context in chains:
        for j in range(len(context) if reference != NOWHERE else 0):
            counts = tables.setdefault(context[: j + 1], np.zeros(_WIDE, np.int32))
            counts[_MIDDLE + symbol - reference] += 1


def _mix(weights: Doubles, lowest: int, guesses: Doubles, evidence: Ints) -> Doubles:
    """Mix experts geometrically into probabilities; symbols below `lowest` can't be."""
    logits = weights[np.arange(len(evidence)), evidence] @ guesses
    logits[:lowest] = -np.inf
    p = np.exp(logits - logits.max())
    return p / p.sum()


def _fit(examples: list[tuple]) -> Doubles:
    """Find the weights that predict best, pulled towards equal ones."""
    symbols, lowest, guesses, evidence = (np.array(x) for x in zip(*examples, strict=True))
    examples.clear()
    n, n_experts, size = guesses.shape
    shape, rows, columns = (n_experts, 2 * len(COUNTED) + 2), np.arange(n), np.arange(n_experts)
    start, cannot = np.full(shape, 1.5 / n_experts), np.arange(size) < lowest[:, None]

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(shape)
        logits = np.einsum("nk,nks->ns", weights[columns, evidence], guesses)
        logits[cannot] = -np.inf
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        cost = -np.log(p[rows, symbols]).mean() + PULL * ((weights - start) ** 2).sum()
        p[rows, symbols] -= 1
        slopes = np.einsum("ns,nks->kn", p, guesses) / n
        slope = [np.bincount(e, s, shape[1]) for e, s in zip(evidence.T, slopes, strict=True)]
        return cost, (np.array(slope) + 2 * PULL * (weights - start)).ravel()

    options = {"maxiter": 50}
    found = scipy.optimize.minimize(
        loss, start.ravel(), jac=True, method="L-BFGS-B", options=options
    )
    return found.x.reshape(shape)
