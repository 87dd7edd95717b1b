"""Make data/models/verse.npz: learn what comes next in verse, and enter it in the manifest.

`python -m data.build.verse` trains on the training poems of data/texts; the best weights are chosen
on the validation poems. The test poems are not looked at.
"""

import argparse
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import helpers
from data.build import models
from helpers import frame_model, verse

TEXTS, FILE = models.DATA / "texts", "verse.npz"
STEPS, STEPS_PER_EPOCH = 2200, 200  # of training; from one look at the validation poems to the next


def sources(folder: Path = TEXTS) -> dict[str, str]:
    """Say what was learnt from, and the checksum of the checksums of its files."""
    together = "\n".join(sorted(models.sha256(path) for path in folder.glob("*.txt")))
    return {
        "learnt_from": f"{len(together.split())} texts: training and validation poems",
        "sources_sha256": hashlib.sha256(together.encode()).hexdigest(),
    }


def build(
    settings: verse.VerseSettings, *, seed: int = 0, batch_size: int = 64, lstm: bool = True
) -> Any:
    """Build the network that gives the logits of each next character, if wanted without its LSTM.

    Returns
    -------
    keras.Model
        Maps what is `verse.Heard`, int32, (batch_size, n_characters), and float32, (batch_size,
        n_characters, 2 * len(alphabet)), to float32, (batch_size, n_characters, len(alphabet)). Its
        LSTM remembers from one batch to the next, until ``reset_states``.
    """
    keras = frame_model.tensorflow().keras
    layers, n = keras.layers, len(settings.alphabet)
    keras.utils.set_random_seed(seed)
    character = keras.Input((None,), batch_size, dtype="int32")
    counted = keras.Input((None, 2 * n), batch_size)
    wide = keras.initializers.RandomNormal(stddev=1.0)  # learns faster than Keras' 0.03
    x = layers.Embedding(n, settings.embedding, wide, name="character")(character)
    x = layers.add([x, layers.Dense(settings.embedding, name="counted")(counted)])
    if lstm:
        h = layers.LSTM(settings.hidden, return_sequences=True, stateful=True, name="lstm")(x)
        x = layers.concatenate([h, x])
    x = layers.Dropout(settings.dropout, seed=seed)(x)
    x = layers.Dense(settings.dense, "relu", name="dense")(x)
    x = layers.Dropout(settings.dropout, seed=seed + 1)(x)
    return keras.Model([character, counted], layers.Dense(n, name="next")(x))


def train(
    model: Any,
    training: Sequence[verse.Heard],
    validation: Sequence[verse.Heard],
    *,
    steps: int = STEPS,
    steps_per_epoch: int = STEPS_PER_EPOCH,
    seed: int = 0,
    n_characters: int = 32,
    learning_rate: float = 4e-3,
    on_epoch: Callable[[frame_model.History], None] | None = None,
) -> frame_model.History:
    """Train on poems, and keep the weights that were best on validation poems.

    The poems, in ever new orders, make one long text, cut into as many parts as a batch has rows; a
    step reads the next `n_characters` of each. The learning rate rises in 20 steps, then falls
    along a cosine. What `hear` returns is given; too little of it is a ValueError. The history is
    in bits a character; all else is as in `note_model.train`.
    """
    batch_size = model.input_shape[0][0]
    for name, poems in (("training", training), ("validation", validation)):
        if (size := sum(len(poem[0]) for poem in poems)) <= (least := batch_size * n_characters):
            raise ValueError(
                f"{name} poems must have more than {least:,} characters, got {size:,}: add poems"
            )
    keras = frame_model.tensorflow().keras
    adam = keras.optimizers.Adam(learning_rate, beta_2=0.99, global_clipnorm=1.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(adam, loss, jit_compile=False)
    bar = helpers.bar(total=steps, desc="training", unit="step")

    def losses() -> Iterator[tuple[float, float]]:
        batches = _batches(training, batch_size, n_characters, np.random.default_rng(seed))
        some = []
        for step in range(1, steps + 1):
            rate = min(1, step / 20) * max(0.02, 0.5 * (1 + np.cos(np.pi * step / steps)))
            adam.learning_rate.assign(learning_rate * rate)
            model.reset_metrics()  # some versions of Keras average over batches until then
            some.append(float(model.train_on_batch(*next(batches))))
            bar.update()
            if step % steps_per_epoch == 0 or step == steps:
                _forget(model)
                judged = []
                for batch in _batches(validation, batch_size, n_characters):
                    model.reset_metrics()
                    judged.append(float(model.test_on_batch(*batch)))
                _forget(model)
                yield float(np.mean(some) / np.log(2)), float(np.mean(judged) / np.log(2))
                some = []

    return frame_model.run_epochs(model, losses(), bar, on_epoch=on_epoch, digits=3)


def _forget(model: Any) -> None:
    """Let the LSTM, if there is one, forget what it has read."""
    for layer in model.layers:
        if hasattr(layer, "reset_states"):
            layer.reset_states()


def _batches(
    poems: Sequence[verse.Heard],
    batch_size: int,
    n_characters: int,
    rng: np.random.Generator | None = None,
) -> Iterator[tuple[verse.Heard, verse.Ints]]:
    """Cut poems into what is heard and what follows; each row of a batch goes on in the next.

    With `rng`, without end, in ever new orders; without it, once.
    """
    while True:
        order = range(len(poems)) if rng is None else rng.permutation(len(poems))
        ids, counted = (np.concatenate([poems[k][i] for k in order]) for i in (0, 1))
        size = len(ids) // batch_size
        rows = ids[: size * batch_size].reshape(batch_size, -1)
        expected = counted[: size * batch_size].reshape(batch_size, size, -1)
        for start in range(0, size - n_characters, n_characters):
            part = slice(start, start + n_characters)
            yield (rows[:, part], expected[:, part]), rows[:, start + 1 : part.stop + 1]
        if rng is None:
            return


def learn(
    training: Sequence[str],
    validation: Sequence[str],
    *,
    steps: int = STEPS,
    seed: int = 0,
    hears: bool = True,
    lstm: bool = True,
) -> tuple[verse.Model | None, frame_model.History]:
    """Train a network; return it, and how it went, in bits a character.

    One that doesn't hear what was counted, or has no LSTM, is no `verse.Model`.
    """
    settings = verse.VerseSettings(verse.alphabet_of(training))
    counts = verse.count(training, settings.alphabet)
    heard = verse.hear(training, settings.alphabet)
    judged = verse.hear(validation, settings.alphabet, counts)
    if not hears:
        heard, judged = ([(ids, 0 * counted) for ids, counted in some] for some in (heard, judged))
    network = build(settings, seed=seed, lstm=lstm)
    history = train(network, heard, judged, steps=steps, seed=seed)
    if not (hears and lstm):
        return None, history
    return verse.Model(frame_model.weights_of(network), settings, counts), history


def main(arguments: list[str] | None = None) -> None:
    """Learn, tell how it went, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=models.DATA / "models")
    options = parser.parse_args(arguments)
    training, validation, _ = verse.split(verse.read_poems(TEXTS))
    model, history = learn(training, validation, steps=options.steps, seed=options.seed)
    bits, seconds = history.validation_loss.min(), history.seconds[-1]
    print(f"validation, bits a character: {bits:.3f}, after {seconds:.0f} s")
    verse.save(options.folder / FILE, model)
    made_by = "data/build/verse.py"
    models.enter(options.folder, [FILE], made_by=made_by, learnt_from=sources())


if __name__ == "__main__":
    main()
