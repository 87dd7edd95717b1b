"""Give the network over notes a plan: a second LSTM says, bar by bar, what is to come.

A bar's plan is which earlier bar returns, if any, its chord and its bass, how many notes it has (a
rest has none) and how loud they are. `python -m benchmarks.plan` trains, with three seeds, an LSTM
over plans, and the network with the plans of this bar and the next one told to its LSTM and its
heads, and with the next note of the bar that returns. It prints the bits a note on the validation
pieces, those of the plans themselves counted, too; then both compose, the plan drawn one bar ahead,
and are judged as in `benchmarks.judge`, beside the network as it is (`--network`, {} its seed).
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from benchmarks import judge, opponents, other_memories
from benchmarks.opponents import Composer, Place
from data.build import ablation
from helpers import beats, events, frame_model, note_model, synthesis
from helpers.events import LABEL, NOTHING, ROW, TOUCH, WAIT

RESULT = Path("outputs/plan.json")
AGAIN, CHORD, BASS, DENSITY, LOUD = range(5)  # the columns of plans
FARTHEST = 32  # bars: from where one returns
SIZES = (FARTHEST + 1, 24, 12, 8, 3)  # classes of each
EDGES = np.array([1, 3, 5, 7, 10, 14, 20])  # notes: between densities
ALIKE = 0.5  # as many of the notes of two bars, of all that either has: then one returns
TRIADS = np.array(  # pitch classes of major, then of minor chords
    [[(p - k) % 12 in (0, third, 7) for p in range(12)] for third in (4, 3) for k in range(12)]
)
# What the network is told after a word: the plans of two bars (of AGAIN only whether), how many
# notes this one has so far, on which beat, and the next note of what returns.
BAR = (2, *SIZES[1:])
TOLD = (*BAR, *BAR, SIZES[DENSITY], 8, *events.N_CLASSES[: TOUCH + 1])
PLAN_STEPS, N_BARS, UNITS, DENSE = 600, 48, 64, 48  # of the LSTM over plans

Ints = NDArray[np.int64]
Note = tuple[int, ...]  # tick, row, length, touch


def bar_starts(played: events.Played, more: int = 400) -> Ints:
    """Give the tick at which each bar begins, (n_bars,), with some before and after the piece."""
    lines, found = np.array([0, 4]), events.play(played.score, played.beats, late=played.late)
    if len(found):
        lines = beats.bar_lines(found, played.beats)
    step = int(np.median(np.diff(lines))) if len(lines) > 1 else 4
    before = np.arange(lines[0] % step - step, lines[0], step)
    return beats.TICKS * np.concatenate([before, lines, lines[-1] + step * np.arange(1, more)])


def describe(notes: list[Note]) -> list[int]:
    """Say what a bar's chord, bass, density and loudness are."""
    if not notes:
        return [NOTHING, NOTHING, 0, NOTHING]
    _, row, length, touch = np.array(notes).T
    keys = row < events.N_KEYS
    weight = np.bincount(row[keys] % 12, events.LENGTHS[length[keys]], minlength=12)
    chord = int(np.argmax(TRIADS @ weight)) if keys.any() else NOTHING
    bass = int(row.min() % 12) if keys.any() else NOTHING
    density = int(np.searchsorted(EDGES, len(notes), "right"))
    return [chord, bass, density, int(np.clip(np.mean(touch) - 1, 0, 2))]


class Walk:
    """Go through a piece note by note, and remember its bars."""

    def __init__(self, starts: Ints, plans: Ints | None = None) -> None:
        self.starts, self.plans = starts, plans
        self.bars: dict[int, list[Note]] = defaultdict(list)
        self.tick, self.row = 0, NOTHING

    def bar(self, tick: int | None = None) -> int:
        """Say in which bar a tick is, or the last note."""
        tick = self.tick if tick is None else tick
        return int(np.searchsorted(self.starts, tick, "right")) - 1

    def strike(self, tick: int, row: int, length: int, touch: int, *_: int) -> None:
        """Remember a note."""
        self.tick, self.row = tick, row
        self.bars[self.bar()].append((tick, row, length, touch))

    def planned(self, bar: int) -> Ints:
        """Give the plan of a bar, (5,)."""
        assert self.plans is not None
        return self.plans[bar]

    def hear(self, word: Ints, tick: int) -> Ints:
        """Hear a word at a tick, and give what is told after it, (len(TOLD),)."""
        if word[ROW] != NOTHING:
            self.strike(tick, *word[ROW:LABEL].tolist())
        bar = self.bar()
        now, then = (self.planned(k) for k in (bar, bar + 1))
        so_far = np.searchsorted(EDGES, len(self.bars.get(bar, [])), "right")
        beat = min((self.tick - self.starts[bar]) // beats.TICKS, 7)
        told = [*shown(now), *shown(then), so_far, beat, *self.offer({bar: now, bar + 1: then})]
        return np.array(told, np.int64)

    def offer(self, plans: dict[int, Ints]) -> list[int]:
        """Give the wait, row, length and touch of the next note of the bars that return."""
        coming = [
            (tick + self.starts[bar] - self.starts[bar - plan[AGAIN]], *note)
            for bar, plan in plans.items()
            if plan[AGAIN] > 0
            for tick, *note in self.bars.get(bar - plan[AGAIN], [])
        ]
        coming = [note for note in coming if note[:2] > (self.tick, self.row)]
        if not coming:
            return [NOTHING] * 4
        tick, *note = min(coming)
        return [int(events.wait_class(tick - self.tick)), *note]

    def turned_out(self, bar: int) -> list[int]:
        """Give the plan that a bar has followed, (5,): which one returned, and what it has."""
        here = self._places(bar)
        shares = [0.0] + [
            len(here & there) / max(len(here | there), 1)
            for there in (self._places(bar - far) for far in range(1, min(bar, FARTHEST) + 1))
        ]
        best = int(np.argmax(shares))
        return [best if shares[best] >= ALIKE else 0, *describe(self.bars.get(bar, []))]

    def _places(self, bar: int) -> set[tuple[int, int]]:
        return {(tick - self.starts[bar], row) for tick, row, *_ in self.bars.get(bar, [])}


def shown(plan: Ints) -> list[int]:
    """Say of a plan what the network is told."""
    return [int(plan[AGAIN] > 0), *plan[CHORD:].tolist()]


def plans_of(played: events.Played, starts: Ints) -> tuple[Ints, int]:
    """Give the plans that a piece has followed, (n_bars, 5), and its first bar with notes."""
    walk, score = Walk(starts), played.score
    for tick, row, *rest in np.column_stack([score[:, 0], events.words(score)[1:-1, ROW:LABEL]]):
        walk.strike(tick, row, *rest)
    if not walk.bars:
        return np.zeros((0, len(SIZES)), np.int64), 0
    return np.array([walk.turned_out(bar) for bar in range(walk.bar() + 1)]), min(walk.bars)


def write_down(played: events.Played) -> tuple[events.Words, Ints]:
    """Give the words of a piece with what is told after each, (n_words, 28), and its plans."""
    words, starts = events.words(played.score), bar_starts(played)
    plans, first = plans_of(played, starts)
    rests = np.tile([0, *describe([])], (len(starts) - len(plans), 1))
    walk = Walk(starts, np.concatenate([plans, rests]))
    ticks = [0, *played.score[:, 0].tolist(), 0]
    told = [walk.hear(word, tick) for word, tick in zip(words, ticks, strict=True)]
    return np.hstack([words, told]), plans[first:]


# The network over notes, told


def build(settings: note_model.NoteModelSettings, *, seed: int = 0) -> Any:
    """Build the network over notes; its LSTM and its heads are told, too.

    The heads after the wait know the bar of the next word, so they are told its plan.
    """
    keras = frame_model.tensorflow().keras
    ops = keras.ops
    whole = note_model.build(settings, seed=seed)
    words = keras.Input((None, len(events.N_CLASSES) + len(TOLD)), dtype="int32", name="words")
    parts = [
        ops.one_hot(words[..., len(events.N_CLASSES) + k], n, dtype="float32")
        for k, n in enumerate(TOLD)
    ]
    now = ops.concatenate(parts, axis=-1)[:, :-1]
    then = ops.concatenate(parts[: len(BAR)], axis=-1)[:, 1:]

    def put(layer: Any) -> Any:
        if layer.name != "lstm" and not layer.name.endswith("_hidden"):
            return layer
        told = [now] if layer.name in ("lstm", "wait_hidden") else [now, then]
        wider = layer.__class__.from_config(layer.get_config())
        return lambda x, **how: wider(ops.concatenate([x, *told], axis=-1), **how)

    return keras.models.clone_model(
        whole, input_tensors=[words, whole.inputs[1]], clone_function=put
    )


def teach(
    words: dict[str, list[events.Words]],
    settings: note_model.NoteModelSettings,
    *,
    steps: int,
    seed: int,
) -> Any:
    """Build and train the network over notes that is told a plan, as `note_model` would."""
    model = build(settings, seed=seed)
    with mock.patch.object(note_model, "_passages", passages):
        both = words["train"], words["validation"]
        note_model.train(model, *both, settings, steps=steps, seed=seed)
    return model


def passages(
    pieces: list[events.Words],
    rng: np.random.Generator,
    batch_size: int,
    n_words: int,
    hide: float,
    _: tuple[str, ...],
) -> tuple[Ints, NDArray[np.float32]]:
    """Draw a batch as `note_model` does, what is told transposed with the words."""
    batch = np.full((batch_size, n_words, pieces[0].shape[1]), NOTHING, np.int32)
    sizes = np.array([len(piece) for piece in pieces], float)
    for passage in batch:
        piece = pieces[rng.choice(len(pieces), p=sizes / sizes.sum())]
        start = max(0, int(rng.integers(-n_words // 4, max(1, len(piece) - n_words // 2))))
        part = piece[start : start + n_words]
        keys = part[part[:, ROW] >= 0, ROW]
        low, high = note_model._SHIFTS
        low, high = max(low, -keys.min()), min(high, events.N_KEYS - 1 - keys.max())
        passage[: len(part)] = transpose(part, int(rng.integers(low, high, endpoint=True)))
    return batch, (rng.random((batch_size, n_words, 1)) >= hide).astype(np.float32)


def transpose(words: events.Words, shift: int) -> events.Words:
    """Move words, and what is told of them, by semitones."""
    result, first = words.copy(), len(events.N_CLASSES)
    offered = first + len(TOLD) - 4 + ROW
    for column in (ROW, offered):
        result[words[:, column] >= 0, column] += shift
    result[result[:, offered] >= events.N_KEYS, offered] = NOTHING
    for bar in (first, first + len(BAR)):
        result[:, bar + CHORD : bar + DENSITY] = turn(words[:, bar + CHORD : bar + DENSITY], shift)
    return result


def turn(chord_and_bass: Ints, shift: int) -> Ints:
    """Move chords and basses, (n, 2), by semitones."""
    moved = chord_and_bass // 12 * 12 + (chord_and_bass + shift) % 12
    return np.where(chord_and_bass == NOTHING, NOTHING, moved)


# The LSTM over plans


def build_plan(*, seed: int = 0) -> Any:
    """Build the LSTM over plans: from int32, (n, n_bars, 10), to the logits of the next ones.

    A bar's row holds its plan and that of the bar that returns in it; each head knows what is
    decided before it, and from CHORD on what the bar has that returns.
    """
    keras = frame_model.tensorflow().keras
    layers, ops = keras.layers, keras.ops
    keras.utils.set_random_seed(seed)
    bars = keras.Input((None, 2 * len(SIZES)), dtype="int32")
    parts = [ops.one_hot(bars[..., k], n, dtype="float32") for k, n in enumerate(SIZES * 2)]
    heard = ops.concatenate(parts[: len(SIZES)], axis=-1)[:, :-1]
    h = layers.LSTM(UNITS, return_sequences=True, name="lstm")(heard)
    known = [layers.Dropout(0.5, seed=seed)(h)]
    logits = []
    for head, n in enumerate(SIZES):
        z = layers.Dense(DENSE, activation="relu", name=f"hidden{head}")(ops.concatenate(known, -1))
        logits.append(layers.Dense(n, name=f"logits{head}")(layers.Dropout(0.3, seed=head)(z)))
        known.append(parts[head][:, 1:])
        known += [part[:, 1:] for part in parts[len(SIZES) :]] if head == AGAIN else []
    return keras.Model(bars, ops.concatenate(logits, axis=-1))


def with_returned(plans: Ints) -> Ints:
    """Add to plans those of the bars that return, (n_bars, 10); first a row of nothing."""
    at = np.arange(len(plans))
    back = at - plans[:, AGAIN]
    there = np.where(((plans[:, AGAIN] > 0) & (back >= 0))[:, None], plans[back], NOTHING)
    return np.pad(np.hstack([plans, there]), ((1, 0), (0, 0)), constant_values=NOTHING)


def plan_bits(bars: Any, logits: Any) -> Any:
    """Measure the mean bits of a bar's plan: the loss."""
    tf = frame_model.tensorflow()
    bars, total = tf.cast(bars, "int32"), 0.0
    for head, out in enumerate(tf.split(logits, SIZES, axis=-1)):
        said = bars[..., head]
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(said, 0), out)
        total += tf.reduce_sum(tf.where(said >= 0, nats, 0.0))
    return total / tf.reduce_sum(tf.cast(bars[..., AGAIN] >= 0, "float32")) / np.log(2)


def learn_plan(
    train: list[Ints], validation: list[Ints], *, seed: int, steps: int = PLAN_STEPS
) -> tuple[Any, float]:
    """Teach it plans in every key; return it, and its bits for all bars of validation pieces."""
    keras, rng = frame_model.tensorflow().keras, np.random.default_rng(seed)
    model = build_plan(seed=seed)
    model.compile(keras.optimizers.Adam(2e-3, clipnorm=1.0), plan_bits, jit_compile=False)

    def batches() -> Iterator[tuple[Ints, Ints]]:
        while True:
            batch = np.full((16, N_BARS + 1, 2 * len(SIZES)), NOTHING)
            for passage in batch:
                plans, shift = with_returned(train[rng.integers(len(train))]), rng.integers(12)
                start = rng.integers(max(1, len(plans) - N_BARS))
                part = plans[start : start + N_BARS + 1].copy()
                for k in (CHORD, CHORD + len(SIZES)):
                    part[:, k : k + 2] = turn(part[:, k : k + 2], shift)
                passage[: len(part)] = part
            yield batch, batch[:, 1:]

    judged = np.full((len(validation), 1 + max(map(len, validation)), 2 * len(SIZES)), NOTHING)
    for whole, plans in zip(judged, validation, strict=True):
        whole[: len(plans) + 1] = with_returned(plans)
    best = keras.callbacks.EarlyStopping(patience=steps, restore_best_weights=True)
    how = {"steps_per_epoch": min(steps, 50), "epochs": max(steps // 50, 1), "verbose": 0}
    how |= {"validation_batch_size": len(judged), "callbacks": [best]}
    history = model.fit(batches(), validation_data=(judged, judged[:, 1:]), **how)
    return model, min(history.history["val_loss"]) * sum(map(len, validation))


class Planner(Walk):
    """Draw the plans of the bars that are to come, from those that were heard and composed."""

    def __init__(
        self, starts: Ints, plans: Ints, first: int, weights: frame_model.Weights, rng: Any
    ) -> None:
        super().__init__(starts, plans)
        self.first, self.weights, self.rng = first, weights, rng
        if len(plans) and self.plans[-1, DENSITY]:  # the seed breaks off in its last bar
            whole = self._draw(len(plans) - 1)[DENSITY]
            self.plans[-1, DENSITY] = max(whole, self.plans[-1, DENSITY])

    def planned(self, bar: int) -> Ints:
        """Give the plan of a bar; draw it, if there is none."""
        while len(self.plans) <= bar:
            self.plans = np.vstack([self.plans, self._draw(len(self.plans))])
        return self.plans[bar]

    def _draw(self, bar: int) -> Ints:
        """Draw the plan of a bar, given how those before it turned out, or are planned."""
        w, so_far = self.weights, self.plans[:bar].copy()
        for k in range(self.first, min(self.bar(), bar)):
            so_far[k] = self.turned_out(k)
        h, c = np.zeros((2, UNITS), np.float32)
        for row in with_returned(so_far)[[0, *range(self.first + 1, bar + 1)]]:
            x = marks(row[: len(SIZES)], SIZES)
            kernels = (w[f"lstm/{name}"] for name in ("kernel", "recurrent_kernel", "bias"))
            h, c, _ = frame_model.lstm_step(x, h, c, *kernels)
        plan, known = np.full(len(SIZES), NOTHING), [h]
        for head, n in enumerate(SIZES):
            z = np.concatenate(known) @ w[f"hidden{head}/kernel"] + w[f"hidden{head}/bias"]
            logits = np.maximum(z, 0) @ w[f"logits{head}/kernel"] + w[f"logits{head}/bias"]
            if head == AGAIN:
                logits[bar - self.first + 1 :] = -np.inf
            plan[head] = note_model._draw(logits, self.rng, 0.8, 0.05)
            known.append(marks(plan[head : head + 1], (n,)))
            if head == AGAIN:
                back = so_far[bar - plan[AGAIN]] if plan[AGAIN] else np.full(len(SIZES), NOTHING)
                known.append(marks(back, SIZES))
        return plan if plan[DENSITY] else np.array([0, *describe([])])


class Listener(note_model.Listener):
    """Hear words and plans: what is told goes through kernels of its own into the biases."""

    def __init__(
        self,
        weights: frame_model.Weights,
        settings: note_model.NoteModelSettings,
        planner: Planner,
        ticks: list[int],
    ) -> None:
        own, self.more = dict(weights), {}
        for name in ("lstm", *(f"{head}_hidden" for head in note_model.HEADS)):
            n = sum(TOLD) + sum(BAR) * (name not in ("lstm", "wait_hidden"))
            kernel = weights[f"{name}/kernel"]
            own[f"{name}/kernel"] = kernel[:-n]
            self.more[name] = kernel[-n:], weights[f"{name}/bias"]
        super().__init__(own, settings)
        self.planner, self.ticks = planner, iter(ticks)  # of the words of a seed

    def hear(self, word: Ints, **how: bool) -> None:
        """Hear a word, and what is told after it."""
        tick = next(self.ticks, None)
        tick = self._tick(word) if tick is None else tick
        self.told = marks(self.planner.hear(word, tick), TOLD)
        self._tell("lstm", self.told)
        super().hear(word, **how)

    def logits(self, head: int, word: Ints) -> NDArray[np.float32]:
        """Give the logits of a head; after the wait, the plan of the next word's bar is known."""
        told = [self.told]
        if head > WAIT:
            plan = self.planner.planned(self.planner.bar(self._tick(word)))
            told.append(marks(shown(plan), BAR))
        self._tell(f"{note_model.HEADS[head]}_hidden", np.concatenate(told))
        return super().logits(head, word)

    def _tell(self, name: str, told: NDArray[np.float32]) -> None:
        kernel, bias = self.more[name]
        self.weights[f"{name}/bias"] = bias + told @ kernel

    def _tick(self, word: Ints) -> int:
        """Say when a word comes; of a long wait, the shortest that leads to its place."""
        wait, tick = int(word[WAIT]), self.planner.tick
        if wait <= events.LONGEST:
            return tick + max(wait, 0)
        least = tick + int(events.LONG_WAITS[min(wait, events.END - 1) - events.LONGEST - 1])
        return least + (int(word[events.PLACE]) - least) % beats.TICKS


def marks(classes: Any, sizes: tuple[int, ...]) -> NDArray[np.float32]:
    """Mark classes one-hot, side by side; `NOTHING` is all 0."""
    each = [np.arange(n) == k for k, n in zip(classes, sizes, strict=True)]
    return np.concatenate(each).astype(np.float32)


def planned(
    weights: frame_model.Weights,
    settings: note_model.NoteModelSettings,
    plan_weights: frame_model.Weights,
) -> Composer:
    """Let the network go on by plans that are drawn one bar ahead."""

    def compose(place: Place, rng: np.random.Generator, seconds: float) -> np.ndarray:
        heard = place.heard
        starts, ticks = bar_starts(heard), [0, *heard.score[:, 0].tolist()]
        plans, first = plans_of(heard, starts)
        planner = Planner(starts, plans, first, plan_weights, np.random.default_rng(rng))

        def listen(weights: frame_model.Weights, settings: Any) -> Listener:
            return Listener(weights, settings, planner, ticks)

        with mock.patch.object(note_model, "Listener", listen):
            return opponents.network(weights, settings)(place, rng, seconds)

    return compose


def main(arguments: list[str] | None = None) -> None:
    """Train, tell the bits, compose and judge; write all numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=note_model.STEPS)
    parser.add_argument("--network", default="outputs/bench/seed{}/notes_lstm.npz")
    options = parser.parse_args(arguments)
    heard = {split: ablation.hear(split) for split in ("train", "validation")}
    settings = note_model.NoteModelSettings(timing=events.learn_timing(heard["train"]))
    words, plans = (
        {split: [write_down(piece)[k] for piece in some] for split, some in heard.items()}
        for k in (0, 1)
    )
    n_notes = sum(len(piece.score) for piece in heard["validation"])
    trained, rows = {}, []
    for seed in ablation.SEEDS:
        plan, bits = learn_plan(plans["train"], plans["validation"], seed=seed)
        model = teach(words, settings, steps=options.steps, seed=seed)
        each = [
            other_memories.bits(other_memories.probabilities(model, one), one)
            for one in words["validation"]
        ]
        told = float(np.concatenate(each).sum(axis=1).mean())
        rows.append({"seed": seed, "plan": bits / n_notes, "notes, told": told})
        print(", ".join(f"{what} {value:.3f}" for what, value in rows[-1].items()), flush=True)
        trained[seed] = [frame_model.weights_of(one) for one in (model, plan)]

    def composers(seed: int, _: list[np.ndarray]) -> dict[str, Composer]:
        weights, plan_weights = trained[seed]
        as_it_is = opponents.network(*note_model.load(options.network.format(seed)))
        return {"ours": planned(weights, settings, plan_weights), "without a plan": as_it_is}

    learnt = judge.Transcriber(*synthesis.load("data/models/notes_bank.npz"))
    judged = judge.run(judge.load("train"), judge.load("validation"), learnt, composers)
    judge.print_report(judged)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"bits": rows} | judged, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
