"""Put other memories into the LSTM's place: a causal transformer, and a cache that isn't trained.

`python -m benchmarks.other_memories` trains the network over notes with a transformer where its
LSTMs are, with recall and without, at each of `RATES` for half of the steps; then, at the rate that
is best on the validation pieces, for as many steps as the LSTM has, and for as many seconds. A
plain LSTM with as many parameters as the network with recall learns so, too, with three seeds. The
shipped one gets a cache that is fitted on training pieces. All are judged on the validation pieces,
in bits a note, as in data/models/ablation.csv; the table is written to outputs/.
"""

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.build import ablation, models
from helpers import events, frame_model, note_model
from helpers.events import LENGTH, LOUD, ROW, TOUCH, WAIT

RESULT = Path("outputs/other_memories.csv")
COLUMNS = ("run", "seed", "parameters", "learning_rate", "steps", "seconds", "bits_a_note")
BLOCKS, HEADS = 2, 4  # of a transformer
WIDTH = 136  # so that it has as many parameters as the LSTM
RATES = (1e-3, 2e-3, 4e-3, 8e-3)
CACHES = tuple(itertools.product((1, 2, 4), (20.0, 40.0, 80.0), (0.0, 4.0, 8.0, 12.0)))
SHARES = np.linspace(0, 0.95, 20)  # of the cache, in what is expected


@dataclass(frozen=True)
class Memory:
    """A network to train: how wide, with a transformer or LSTMs in it; how fast, long and often."""

    settings: note_model.NoteModelSettings
    transformer: bool = True
    rates: tuple[float, ...] = RATES
    shares: tuple[float, ...] = (1.0,)  # of the steps of the LSTM
    seeds: tuple[int, ...] = (0,)


# A transformer's second share: the steps in the seconds of one of the LSTM, on one core.
MEMORIES = {
    "transformer, recall": Memory(note_model.NoteModelSettings(hidden=WIDTH), shares=(1, 0.8)),
    "transformer, no recall": Memory(
        note_model.NoteModelSettings(hidden=WIDTH, keys=0), shares=(1, 0.7)
    ),
    "large plain LSTM": Memory(
        note_model.NoteModelSettings(hidden=238, keys=0),
        transformer=False,
        rates=(*RATES, 1.6e-2),
        seeds=ablation.SEEDS,
    ),
}

Doubles = NDArray[np.float64]
Heard = tuple[Doubles, Doubles, events.Words]  # of a piece: `probabilities`, `states`, words


def transformer(n_in: int, n: int, name: str) -> Any:
    """Make a causal transformer: float32, (k, n_words, n_in), to (k, n_words, n).

    A block is attention and a layer of `2 * n`, each after a LayerNormalization, each added to what
    went in. What is farther back counts less, in each head by another slope, so that pieces may be
    longer than the passages that it learnt from.

    Source: A. Vaswani et al., "Attention is all you need", NIPS 2017; O. Press et al., "Train
    short, test long: attention with linear biases enables input length extrapolation", ICLR 2022.
    """
    keras = frame_model.tensorflow().keras
    layers, ops = keras.layers, keras.ops
    heard = keras.Input((None, n_in))
    time = ops.cumsum(ops.ones_like(heard[:, None, :, :1]), axis=2)
    back = time - ops.swapaxes(time, 2, 3)  # (k, 1, t, i): how many words ago i was
    slopes = 2.0 ** (-8 / HEADS * np.arange(1, HEADS + 1, dtype=np.float32))[:, None, None]
    far = back * slopes + 1e9 * ops.cast(back < 0, "float32")
    x = layers.Dense(n)(heard)
    for _ in range(BLOCKS):
        y = layers.Dense(3 * n, use_bias=False)(layers.LayerNormalization()(x))
        y = layers.Reshape((-1, 3 * HEADS, n // HEADS))(y)
        q, k, v = ops.split(y, 3, axis=2)
        share = ops.softmax(ops.einsum("bthd,bihd->bhti", q, k) / (n // HEADS) ** 0.5 - far)
        y = layers.Reshape((-1, n))(ops.einsum("bhti,bihd->bthd", share, v))
        x = x + layers.Dense(n)(y)
        y = layers.Dense(2 * n, activation="gelu")(layers.LayerNormalization()(x))
        x = x + layers.Dense(n)(y)
    return keras.Model(heard, layers.LayerNormalization()(x), name=name)


def build(settings: note_model.NoteModelSettings, *, seed: int = 0) -> Any:
    """Build the network over notes with a `transformer` as wide in the place of each LSTM."""
    keras = frame_model.tensorflow().keras

    def put(layer: Any) -> Any:
        if not isinstance(layer, keras.layers.LSTM):
            return layer
        return transformer(layer.input.shape[-1], layer.units, layer.name)

    return keras.models.clone_model(note_model.build(settings, seed=seed), clone_function=put)


def probabilities(model: Any, words: events.Words) -> Doubles:
    """Say how probable what came was, (n_words - 1, 4): a column is a head.

    Of the touch only whether it is loud counts.
    """
    logits = model.predict_on_batch(_inputs(words))[0].astype(float)
    said, result = _said(words), np.zeros((len(words) - 1, TOUCH + 1))
    cuts = np.cumsum(events.N_CLASSES[: TOUCH + 1])[:-1]
    for head, out in enumerate(np.split(logits, cuts, axis=1)):
        p = np.exp(out - out.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        if head == TOUCH:
            p = np.stack([p[:, :LOUD].sum(axis=1), p[:, LOUD:].sum(axis=1)], axis=1)
        result[:, head] = p[np.arange(len(p)), np.maximum(said[:, head], 0)]
    return result


def states(model: Any, words: events.Words) -> Doubles:
    """Give the states of the LSTM after each word but the last, (n_words - 1, hidden)."""
    keras = frame_model.tensorflow().keras
    lstm = keras.Model(model.inputs, model.get_layer("lstm").output)
    return lstm.predict_on_batch(_inputs(words))[0].astype(float)


def bits(probable: Doubles, words: events.Words) -> Doubles:
    """Turn `probabilities` into bits a note, (n_words - 3, 4), as in `ablation.bits_a_note`."""
    result = -np.log2(probable)
    result[:, WAIT] += events.wait_bits(words[1:, WAIT])
    return result[1:-1]


def cached(
    heard: Doubles, words: events.Words, depth: int, sharpness: float, bonus: float
) -> Doubles:
    """Say how probable what came was to a cache of all that was heard, (n_words - 1, 4).

    What followed a state counts by how alike it was to the last one, and the `depth - 1` before it
    to those before that: as exp(sharpness * mean cosine). Where the wait has been decided, what was
    followed by the same one counts exp(bonus) times as much, and so with the key.

    Source: E. Grave et al., "Improving neural language models with a continuous cache", ICLR 2017
    (there `depth` is 1, and nothing is decided in turn).
    """
    said = _said(words)
    length = np.linalg.norm(heard, axis=1, keepdims=True)
    key = (heard / np.maximum(length, 1e-9)).astype(np.float32)
    step = key @ key.T
    alike = step.copy()
    for _ in range(1, depth):
        step = np.pad(step[:-1, :-1], ((1, 0), (1, 0)))
        alike += step
    weight = np.exp(sharpness * (alike / depth - 1)) * np.tri(len(key), k=-1, dtype=np.float32)
    result = np.zeros((len(key), TOUCH + 1))
    for head in range(TOUCH + 1):
        if head in (ROW, LENGTH):
            before = said[:, head - 1]
            weight *= np.where(before[:, None] == before, np.exp(np.float32(bonus)), 1)
        same = said[:, head, None] == said[:, head]
        result[1:, head] = ((weight * same).sum(axis=1) / weight.sum(axis=1).clip(1e-30))[1:]
    return result


def mix(probable: Doubles, of_cache: Doubles, shares: Doubles) -> Doubles:
    """Mix what the network expects with what the cache does, by a share for each head, (4,)."""
    return (1 - shares) * probable + shares * of_cache


def fit_shares(probable: Doubles, of_cache: Doubles) -> Doubles:
    """Find the share of the cache that is best for each head, (4,)."""
    mixed = [mix(probable, of_cache, np.full(TOUCH + 1, share)) for share in SHARES]
    return SHARES[np.argmin([-np.log2(one).mean(axis=0) for one in mixed], axis=0)]


def judge(
    heard: list[Heard], cache: tuple[int, float, float], shares: Doubles | None = None
) -> tuple[float, Doubles]:
    """Return the mean bits a note with a cache, and its shares; without any given, the best."""
    others = [cached(state, words, *cache) for _, state, words in heard]
    if shares is None:
        pairs = [(one[0][1:-1], other[1:-1]) for one, other in zip(heard, others, strict=True)]
        shares = fit_shares(*(np.concatenate(side) for side in zip(*pairs, strict=True)))
    each = [
        bits(mix(probable, other, shares), words)
        for (probable, _, words), other in zip(heard, others, strict=True)
    ]
    return float(np.concatenate(each).sum(axis=1).mean()), shares


def add_caches(pieces: dict[str, list[events.Words]]) -> list[dict[str, Any]]:
    """Give the shipped plain LSTM caches that are fitted on training pieces; return their rows.

    First come caches of single states, without a bonus. The last one is fitted on the validation
    pieces, which flatters it.
    """
    weights, settings = note_model.load(models.DATA / "models" / "notes_plain.npz")
    model = note_model.build(settings, weights=weights)
    told = {split: [states(model, words) for words in pieces[split]] for split in pieces}
    mean = np.concatenate(told["train"]).mean(axis=0)
    heard = {
        split: [
            (probabilities(model, words), state - mean, words)
            for state, words in zip(told[split], pieces[split], strict=True)
        ]
        for split in pieces
    }
    single = [one for one in CACHES if one[0] == 1 and not one[2]]
    rows = []
    for caches, split in ((single, "train"), (CACHES, "train"), (CACHES, "validation")):
        fitted = [(*judge(heard[split], cache), cache) for cache in caches]
        _, shares, cache = min(fitted, key=lambda one: one[0])
        said = "depth {}, sharpness {:g}, bonus {:g}".format(*cache)
        said += f", shares {', '.join(f'{share:.2f}' for share in shares)}, fitted on {split}"
        measured, _ = judge(heard["validation"], cache, shares)
        rows.append({"run": f"plain LSTM, cache: {said}", "bits_a_note": round(measured, 3)})
    return rows


def learn(
    name: str,
    pieces: dict[str, list[events.Words]],
    *,
    learning_rate: float,
    steps: int,
    seed: int = 0,
) -> dict[str, Any]:
    """Train one of the `MEMORIES`, and judge it; return its row."""
    settings = MEMORIES[name].settings
    model = (build if MEMORIES[name].transformer else note_model.build)(settings, seed=seed)
    history = note_model.train(
        *(model, pieces["train"], pieces["validation"], settings),
        steps=steps,
        seed=seed,
        learning_rate=learning_rate,
    )
    each = [bits(probabilities(model, words), words) for words in pieces["validation"]]
    return {
        "run": name,
        "seed": seed,
        "parameters": model.count_params(),
        "learning_rate": learning_rate,
        "steps": steps,
        "seconds": round(history.seconds[-1]),
        "bits_a_note": round(float(np.concatenate(each).sum(axis=1).mean()), 3),
    }


def main(arguments: list[str] | None = None) -> None:
    """Train, judge, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=note_model.STEPS)
    parser.add_argument("--only", choices=MEMORIES, help="train only this one, without caches")
    options = parser.parse_args(arguments)
    pieces = {
        split: [events.words(piece.score) for piece in ablation.hear(split)]
        for split in ("train", "validation")
    }
    rows = []

    def enter(row: dict[str, Any]) -> float:
        rows.append(row)
        print(*(f"{name} {row[name]}" for name in COLUMNS if name in row), sep=", ", flush=True)
        models.write_table(RESULT, COLUMNS, rows)
        return row["bits_a_note"]

    RESULT.parent.mkdir(exist_ok=True)
    for row in [] if options.only else add_caches(pieces):
        enter(row)
    for name in [options.only] if options.only else MEMORIES:
        half = [
            enter(learn(name, pieces, learning_rate=rate, steps=options.steps // 2))
            for rate in MEMORIES[name].rates
        ]
        rate = MEMORIES[name].rates[int(np.argmin(half))]
        for share, seed in itertools.product(MEMORIES[name].shares, MEMORIES[name].seeds):
            steps = round(share * options.steps)
            enter(learn(name, pieces, learning_rate=rate, steps=steps, seed=seed))


def _inputs(words: events.Words) -> list[NDArray]:
    """Give what the network reads of a piece, with nothing hidden."""
    return [words[None].astype(np.int32), np.ones((1, len(words), 1), np.float32)]


def _said(words: events.Words) -> NDArray[np.int64]:
    """Give what came, (n_words - 1, 4): the classes of the heads, and whether it was loud."""
    said = words[1:, : TOUCH + 1].copy()
    said[:, TOUCH] = said[:, TOUCH] >= LOUD
    return said


if __name__ == "__main__":
    main()
