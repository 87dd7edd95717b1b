"""What all networks share, and one that predicts the next frame: build, train, compose, keep it.

Only `build` and `train` need TensorFlow, and import it when called. A trained network is a plain
dictionary of arrays (`weights_of`), and composing with it is NumPy alone.
"""

import functools
import glob
import hashlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import helpers
from helpers import files

Array = NDArray[np.floating]
Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]
Shapes = dict[str, tuple[int, ...]]
Pair = tuple[NDArray[Any], NDArray[Any]]  # X and Y, (n_sequences, seq_length, n_features)
State = tuple[Floats, Floats]  # of an LSTM: its output h and its memory c


@dataclass(frozen=True)
class LstmSettings:
    """Say what network to build, and for which frames; each number is a whole one of at least 1.

    The network reads a frame of `n_features` values and predicts the next: its first layer squeezes
    a frame into `dense` values, its LSTM has `hidden` units. How the frames were made, `sr` in Hz
    and the samples in a block, is stored with it, so that it is never fed frames of another kind.
    """

    n_features: int
    dense: int = 256
    hidden: int = 256
    sr: int | None = None
    block_length: int | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            is_unknown = value is None and name in ("sr", "block_length")
            if not is_unknown and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


def make_sequences(frames: ArrayLike, seq_length: int) -> Pair:
    """Cut one piece, (n_frames, n_features), into inputs and targets: the same, one frame later.

    Every frame of the piece is used: where the sequences don't fit a whole number of times, the
    last one is moved back to end at the last frame, and overlaps the one before. The piece needs
    one frame more than a sequence at least (else a ValueError); its dtype is kept. X and Y,
    (n_sequences, seq_length, n_features), are views of one array, to save memory: write in neither.

    >>> X, Y = make_sequences(np.arange(6)[:, None], 3)
    >>> X[..., 0].tolist(), Y[..., 0].tolist()
    ([[0, 1, 2], [2, 3, 4]], [[1, 2, 3], [3, 4, 5]])
    """
    frames = np.asarray(frames)
    if frames.ndim != 2:
        raise ValueError(f"frames must have shape (n_frames, n_features), got {frames.shape}")
    if seq_length < 1:
        raise ValueError(f"seq_length must be at least 1 frame, got {seq_length}")
    if len(frames) <= seq_length:
        raise ValueError(
            f"a sequence of {seq_length} frames and its target need {seq_length + 1} frames, "
            f"the piece has {len(frames)}: choose a longer piece or a smaller seq_length"
        )
    last_start = len(frames) - seq_length - 1  # the target needs one frame more than the input
    starts = np.unique(np.append(np.arange(0, last_start, seq_length), last_start))
    windows = frames[starts[:, None] + np.arange(seq_length + 1)]
    return windows[:, :-1], windows[:, 1:]  # each (n_sequences, seq_length, n_features)


def concatenate_sequences(pairs: Iterable[Pair]) -> Pair:
    """Stack the sequences of several pieces; none runs from one piece into the next.

    `pairs` are what `make_sequences` returned for each piece, one at least, all of one length and
    one number of features (else a ValueError); the result is what it would return for all.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("pairs must hold the sequences of at least 1 piece, got none: choose more")
    shapes = sorted({part.shape[1:] for pair in pairs for part in pair})
    if len(shapes) > 1:
        raise ValueError(
            f"all sequences must share one (seq_length, n_features), got {shapes}: "
            "cut every piece with the same settings"
        )
    ((seq_length, n_features),) = shapes
    n_sequences = sum(len(X) for X, _ in pairs)
    windows = np.empty((n_sequences, seq_length + 1, n_features), pairs[0][0].dtype)
    np.concatenate([X for X, _ in pairs], out=windows[:, :-1])
    np.concatenate([Y for _, Y in pairs], out=windows[:, 1:])
    return windows[:, :-1], windows[:, 1:]


@dataclass(frozen=True, eq=False)
class Standardiser:
    """Bring features to mean 0 and standard deviation 1, and back; both float32, (n_features,).

    Fit it with `fit_standardiser` on training frames only, each deviation above zero.
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def apply(self, frames: ArrayLike) -> NDArray[np.float32]:
        """Standardise: ``(frames - mean) / std``, float32, (..., n_features)."""
        return ((np.asarray(frames, np.float32) - self.mean) / self.std).astype(np.float32)

    def invert(self, frames: ArrayLike) -> NDArray[np.float32]:
        """Undo `apply`: ``frames * std + mean``, float32, (..., n_features)."""
        return (np.asarray(frames, np.float32) * self.std + self.mean).astype(np.float32)


def fit_standardiser(frames_list: Sequence[ArrayLike]) -> Standardiser:
    """Measure the mean and the standard deviation of each feature in the training frames.

    The pieces are frames, (n_frames, n_features), finite, of one number of features (else a
    ValueError). No deviation is below 1e-4 of the one over all features: those that never change
    would divide by zero, and nearly silent ones be blown up.
    """
    pieces = [np.asarray(frames) for frames in frames_list]
    shapes = [frames.shape for frames in pieces]
    if sum(shape[0] for shape in shapes) == 0:
        raise ValueError("frames_list must hold at least 1 frame, got none: choose training pieces")
    if len({shape[1:] for shape in shapes}) > 1 or len(shapes[0]) != 2:
        raise ValueError(f"all frames must have one shape (n_frames, n_features), got {shapes}")
    if not all(np.isfinite(frames).all() for frames in pieces):
        raise ValueError("frames must be finite, got NaN or infinity: load with audio.load")
    frames = np.concatenate(pieces)
    mean, std = frames.mean(axis=0, dtype=float), frames.std(axis=0, dtype=float)  # float64
    overall = np.sqrt(np.mean(std**2)) or 1.0  # music that never changes: leave its scale alone
    return Standardiser(mean.astype(np.float32), np.maximum(std, 1e-4 * overall).astype(np.float32))


_KIND = files.Kind("frame model", 1, LstmSettings, "run notebook 05")


@dataclass(frozen=True, eq=False)
class History:
    """Remember how a training went, epoch by epoch; all float64, (n_epochs,).

    The training loss is the mean over an epoch, while the weights moved; the validation loss is
    that of the validation music at its end. Seconds go from the start to the end of each epoch.
    """

    train_loss: NDArray[np.float64]
    validation_loss: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @property
    def best_epoch(self) -> int:
        """Index of the epoch with the lowest validation loss."""
        return int(np.argmin(self.validation_loss))


@functools.cache
def tensorflow() -> Any:
    """Import TensorFlow without its chatter, which would differ in every stored notebook."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    saved = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)  # it writes to the file descriptor, past sys.stderr
    try:
        import tensorflow as tf

        tf.constant(0.0)  # the first operation starts the devices, which talk too
        tf.get_logger().setLevel("ERROR")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "TensorFlow is not installed: `make lab` (or `python tasks.py lab`) does that, except "
            "on a Mac with an Intel processor, for which it is not made any more"
        ) from error
    finally:
        os.dup2(saved, 2)
        os.close(saved)
    return tf


def build(settings: LstmSettings, *, seed: int = 0, weights: Weights | None = None) -> Any:
    """Build the network of the original: linear dense layer, LSTM, linear dense layer.

    The seed draws the first weights; it also seeds Python's, NumPy's and TensorFlow's global
    generators. Weights to start from instead are as `weights_of` and `load` return them; those that
    don't fit `settings` raise a ValueError. The model, a keras.Model, isn't compiled (`train` does
    that), and maps (n_sequences, seq_length, n_features), float32, to the same, for any seq_length.

    Source: A. Nayebi and M. Vitelli, "GRUV: Algorithmic Music Generation using Recurrent Neural
    Networks", Stanford CS224D report, 2015. Notebook 05.
    """
    keras = tensorflow().keras
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((None, settings.n_features)),  # None: any number of frames
            layers.Dense(settings.dense, name="dense_in"),  # treats every frame alike
            layers.LSTM(settings.hidden, return_sequences=True, name="lstm"),
            layers.Dense(settings.n_features, name="dense_out"),
        ]
    )
    if weights is not None:
        set_weights(model, check_weights(weights, _weight_shapes(settings), settings))
    return model


def train(
    model: Any,
    X: Floats,
    Y: Floats,
    validation: tuple[Floats, Floats],
    *,
    epochs: int,
    batch_size: int = 16,
    learning_rate: float = 1e-3,
    patience: int | None = None,
    loss: str = "mean_absolute_error",
    seed: int = 0,
    on_epoch: Callable[[History], None] | None = None,
) -> History:
    """Train with Adam, and keep the weights that were best on validation music.

    The weights of `model`, from `build`, are changed. `X` and `Y`, and the pair `validation`, of
    other pieces, are as in `make_sequences`, float32. A ValueError is raised where they don't fit
    the model or aren't finite, and where the `loss`, by Keras's name, stops being finite.

    It passes over the training sequences `epochs` times at most, and stops after `patience` epochs
    in a row without a better validation loss. Each `batch_size` of them change the weights, with
    Adam's step size `learning_rate`. The seed orders them: the same seed, data, epochs and machine
    give the same weights. After each epoch `on_epoch` is called with the `History` so far.

    Source: D. P. Kingma and J. Ba, "Adam", ICLR 2015. Notebook 05.
    """
    if epochs < 1 or batch_size < 1:
        raise ValueError(f"epochs and batch_size must be at least 1, got {epochs} and {batch_size}")
    _check_sequences("training", X, Y, model)
    _check_sequences("validation", *validation, model)
    model.compile(tensorflow().keras.optimizers.Adam(learning_rate), loss, jit_compile=False)
    rng = np.random.default_rng(seed)
    bar = helpers.bar(range(epochs), desc="training", unit="epoch")

    def losses() -> Iterator[tuple[float, float]]:
        for _ in bar:
            order, total = rng.permutation(len(X)), 0.0
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                model.reset_metrics()  # some versions of Keras average over batches until then
                total += float(model.train_on_batch(X[batch], Y[batch])) * len(batch)
            validation_loss = model.evaluate(*validation, batch_size=batch_size, verbose=0)
            yield total / len(order), validation_loss

    return run_epochs(model, losses(), bar, patience=patience, on_epoch=on_epoch)


@dataclass
class Course:
    """How far a training has come. Its lists only grow, so that it may break off anywhere."""

    start: str = ""  # digest of the weights that it began with
    losses: list[float] = field(default_factory=list)  # of every step
    judged: list[float] = field(default_factory=list)  # of all validation music, epoch after epoch
    records: list[tuple[float, float, float]] = field(default_factory=list)  # as in `History`
    seconds: float = 0.0  # of training


_CHECKPOINT = files.Kind("checkpoint", 1, Course, "train again")


class Checkpoint:
    """Keeps a training in a file, so that it can go on where it broke off.

    A path "folder/stem.npz" becomes "folder/stem-DIGEST.npz", another one for each training, so
    that two may use one folder at a time; without a path, nothing is written. `training` holds all
    that decides how it goes, beside network and optimiser: arrays and numbers, also in lists and
    mappings. If the file is there, and the model, compiled, has the weights that training began
    with (or the best ones, which an interruption leaves in it), all its variables, its optimiser's,
    the seeds of its dropout and the states of its LSTMs are set to those of the file, which it
    says. It is written `every` so many s. One's own loop runs over `remaining`, and fills `course`.
    """

    def __init__(
        self, model: Any, path: Path | None = None, training: Any = (), every: float = 20
    ) -> None:
        self.model, self.path, self.every = model, path, every
        self.course, self.best = Course(), model.get_weights()
        self._written, self._failed = time.perf_counter(), False
        if path is not None:
            rates = [getattr(layer, "rate", None) for layer in model.layers]  # of dropout
            way = tensorflow().keras.__version__, model.optimizer.get_config() | {"name": None}
            self.path = path.with_stem(f"{path.stem}-{_digest([way, rates, training])[:8]}")
            self.course.start = _digest(self.best)
            model.optimizer.build(model.trainable_variables)
            states = [one for layer in model.layers for one in getattr(layer, "states", None) or ()]
            self._variables = [*model.variables, *model.optimizer.variables, *states]
            self._resume(self.path, f"{glob.escape(path.stem)}-*.npz")

    def remaining(self, batches: Iterable[Any], n: int | None = None) -> Iterator[Any]:
        """Yield those of the (first `n`) batches that no step was made with before; keep each step.

        Each step appends its loss to ``course.losses``. The file is deleted after the last one.
        """
        for batch in itertools.islice(batches, len(self.course.losses), n):
            yield batch
            self.keep()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def keep(self, *, at_once: bool = False) -> None:
        """Write the file if it is time. On a full disk, say so once; the file before stays."""
        if self.path is None or not (at_once or time.perf_counter() - self._written >= self.every):
            return
        if int(self.model.optimizer.iterations.numpy()) > len(self.course.losses):
            # a step was interrupted when it was done, but its loss not told yet
            self.course.losses.append(float(self.model.get_metrics_result()["loss"]))
        arrays = {f"best/{k}": weight for k, weight in enumerate(self.best)}
        arrays |= {f"now/{k}": variable.numpy() for k, variable in enumerate(self._variables)}
        try:
            files.save_npz(self.path, _CHECKPOINT, self.course, arrays)
        except OSError as fault:
            if not self._failed:
                print(f"Training goes on, but a later run couldn't resume it here: {fault}")
            self._failed = True
        self._written = time.perf_counter()

    def _resume(self, path: Path, others: str) -> None:
        """Go on where the file says, or say why not."""

        def unpack(arrays: dict[str, NDArray], _: Course) -> list[list[NDArray]]:
            return [[arrays[key] for key in arrays if key[0] == first] for first in "bn"]

        try:
            (best, now), course = files.load_npz(path, _CHECKPOINT, unpack)
        except FileNotFoundError:
            if names := sorted(other.name for other in path.parent.glob(others)):
                print(f"Starting anew: {', '.join(names)} is of other music or settings")
        except files.FormatError as fault:
            print(f"Starting anew: {fault}")
        else:
            if self.course.start not in (course.start, _digest(best)):
                print(f"Starting anew: {path.name} began with other weights")
                return
            self.course, self.best = course, best
            for variable, value in zip(self._variables, now, strict=True):
                variable.assign(value)
            print(f"Resuming at step {len(course.losses)} ({path.name})")


def run_epochs(
    model: Any,
    losses: Iterator[tuple[float, float]],
    bar: Any,
    *,
    patience: int | None = None,
    on_epoch: Callable[[History], None] | None = None,
    digits: int = 4,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Run epoch after epoch, and leave the model with the weights of the best one.

    Each step of `losses` is an epoch, and gives the losses in training and on validation music; one
    that isn't finite is a ValueError. A bar (of tqdm) tells them to so many digits. With a
    checkpoint, it goes on there, writes it if interrupted, and deletes it at the end. See `train`.
    """
    kept = checkpoint or Checkpoint(model)
    start, records = time.perf_counter() - kept.course.seconds, kept.course.records
    try:
        for both in losses:
            if not np.isfinite(both).all():
                raise ValueError(
                    f"the loss must stay finite, got {both[0]} in training and {both[1]} in "
                    "validation: choose a lower learning_rate, and standardise the frames"
                )
            kept.course.seconds = time.perf_counter() - start
            record = (*both, kept.course.seconds)
            history = History(*np.array([*records, record]).T)
            if history.best_epoch == len(records):
                kept.best = model.get_weights()
            records.append(record)
            train, validation = (f"{loss:.{digits}f}" for loss in both)
            bar.set_postfix(train=train, validation=validation)
            if on_epoch is not None:
                on_epoch(history)
            if patience is not None and len(records) - 1 - history.best_epoch >= patience:
                break
    except KeyboardInterrupt as stop:
        kept.keep(at_once=True)
        if kept.path is not None and not kept._failed:
            vars(stop)["_render_traceback_"] = lambda: helpers.STOPPED
        raise
    finally:  # also when the reader interrupts it, or the loss explodes
        bar.close()
        model.set_weights(kept.best)
    if kept.path is not None:
        kept.path.unlink(missing_ok=True)
    return History(*np.array(records).T)


def weights_of(model: Any) -> dict[str, Floats]:
    """Take the weights out of a Keras model that `build` returned: arrays of float32 by name.

    A name is layer and kind, "lstm/kernel"; ``build(settings, weights=...)`` is the way back.
    """
    return {name: variable.numpy() for name, variable in variables_of(model).items()}


def variables_of(model: Any) -> dict[str, Any]:
    """Name what a Keras model has learnt, by layer and kind."""
    return {f"{layer.name}/{v.name}": v for layer in model.layers for v in layer.trainable_weights}


def set_weights(model: Any, weights: Weights) -> None:
    """Put weights, as `weights_of` returns them, into a Keras model."""
    for name, variable in variables_of(model).items():
        variable.assign(weights[name])


def lstm_step(
    x: Array, h: Array, c: Array, kernel: Array, recurrent_kernel: Array, bias: Array
) -> tuple[NDArray, NDArray, dict[str, NDArray]]:
    """Compute one step of an LSTM: one input in, its output and its memory one frame later out.

    Notebook 05 derives it. The input `x` is (..., n_inputs); `h` and `c`, (..., hidden), are output
    and memory of the step before (zeros at the beginning), and then of this one. The kernels of the
    four gates, W, (n_inputs, 4 * hidden), U, (hidden, 4 * hidden), and b, (4 * hidden,), stand side
    by side in Keras' order: input, forget, candidate (Keras calls it "c"), output. By these names
    the gates are returned, too, (..., hidden): the candidate from -1 to 1, the others from 0 to 1.

    Source: S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8),
    1997. The forget gate: F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual
    prediction with LSTM", Neural Computation 12(10), 2000.
    """
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4, axis=-1)
    i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
    c = f * c + i * g
    return o * np.tanh(c), c, {"input": i, "forget": f, "candidate": g, "output": o}


def stepper(weights: Weights) -> Callable[..., tuple[NDArray, Any]]:
    """Make a function that runs the network one frame at a time, in NumPy.

    It is ``step(frame, state=None) -> (prediction, state)``: `frame` and `prediction` of shape
    (..., n_features), `state` the pair (h, c), None at first. Weights are as from `weights_of`.
    """
    lstm = [weights[f"lstm/{name}"] for name in ("kernel", "recurrent_kernel", "bias")]

    def step(frame: Floats, state: State | None = None) -> tuple[Floats, State]:
        x = frame @ weights["dense_in/kernel"] + weights["dense_in/bias"]
        if state is None:
            state = (np.zeros((*x.shape[:-1], len(lstm[1])), np.float32),) * 2
        h, c, _ = lstm_step(x, *state, *lstm)
        return h @ weights["dense_out/kernel"] + weights["dense_out/bias"], (h, c)

    return step


def compose(
    step: Callable[..., tuple[NDArray, Any]], seed_frames: ArrayLike, n_frames: int
) -> tuple[NDArray, NDArray]:
    """Let a network listen to real frames, then go on by itself.

    It hears `seed_frames`, float32, (n_seed, n_features), one at least, and generates `n_frames`, 0
    or more (else a ValueError): by ``step(frame, state) -> (prediction, state)``, for instance from
    `stepper`. Returned are `teacher_forced`, (n_seed, n_features), of which each predicts the frame
    after the one of the seed, having heard real music until then; and `generated`, (n_frames,
    n_features), each predicted from those before it: the first is ``teacher_forced[-1]``.
    """
    seed_frames = np.multiply(seed_frames, np.float32(1))  # in whole numbers nothing can move
    if len(seed_frames) == 0:
        raise ValueError("seed_frames must hold at least 1 frame, got 0: give music to continue")
    if n_frames < 0:
        raise ValueError(f"n_frames must be at least 0, got {n_frames}")
    teacher_forced, state = np.empty_like(seed_frames), None
    generated = np.empty((n_frames, *seed_frames.shape[1:]), seed_frames.dtype)
    for k, real in enumerate(seed_frames):
        teacher_forced[k], state = step(real, state)
    generated[:1] = teacher_forced[-1]
    for k in range(1, n_frames):
        generated[k], state = step(generated[k - 1], state)
    return teacher_forced, generated


def save(
    path: str | Path, weights: Weights, settings: LstmSettings, standardiser: Standardiser
) -> Path:
    """Write a trained network and all that is needed to use it as one .npz file (`files.save_npz`).

    The standardiser is the one that made the training frames. Unfit weights are a ValueError.
    """
    check_weights(weights, _weight_shapes(settings), settings)
    content = {"mean": standardiser.mean, "std": standardiser.std, **weights}
    return files.save_npz(path, _KIND, settings, content)


def load(path: str | Path) -> tuple[dict[str, Floats], LstmSettings, Standardiser]:
    """Read what `save` wrote, or fail: never with random weights.

    The weights are for `stepper`, or ``build(settings, weights=...)``. Errors: `files.load_npz`.
    """
    (weights, standardiser), settings = files.load_npz(path, _KIND, _unpack)
    return weights, settings, standardiser


def dense_shapes(name: str, n_inputs: int, n: int) -> Shapes:
    """Give the shapes of a dense layer's weights, by their names."""
    return {f"{name}/kernel": (n_inputs, n), f"{name}/bias": (n,)}


def lstm_shapes(name: str, n_inputs: int, n: int) -> Shapes:
    """Give the shapes of an LSTM's weights, by their names; see `lstm_step`."""
    gates = 4 * n
    own = {f"{name}/recurrent_kernel": (n, gates), f"{name}/bias": (gates,)}
    return {f"{name}/kernel": (n_inputs, gates)} | own


def check_weights(weights: Weights, shapes: Shapes, settings: Any) -> dict[str, Floats]:
    """Return weights in the order of their shapes; a ValueError unless they're finite and fit."""
    found = {name: np.shape(value) for name, value in weights.items()}
    if found != shapes:
        raise ValueError(
            f"weights of {settings} must have shapes {shapes}, got {found}: "
            "use the settings that the network was built with"
        )
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise ValueError("weights must be finite, got NaN or infinity: train again")
    return {name: weights[name] for name in shapes}


def _digest(part: Any) -> str:
    """Tell things apart: arrays by content, lists and mappings by their parts, others by repr."""
    if isinstance(part, Mapping):
        part = list(part.items())
    if isinstance(part, list | tuple):
        part = [_digest(each) for each in part]
    elif isinstance(part, np.ndarray):
        part = part.dtype, part.shape, hashlib.sha256(part.tobytes()).digest()
    return hashlib.sha256(repr(part).encode()).hexdigest()


def _sigmoid(x: NDArray) -> NDArray:
    """Squeeze into 0 to 1; written with tanh, which never overflows."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _check_sequences(name: str, X: Floats, Y: Floats, model: Any) -> None:
    """Raise unless X and Y are sequences that the model can learn from."""
    n_features = model.input_shape[-1]
    if X.shape != Y.shape or X.ndim != 3 or X.shape[-1] != n_features or len(X) == 0:
        raise ValueError(
            f"{name} sequences X and Y must have one shape (n_sequences, seq_length, {n_features}) "
            f"and at least 1 sequence, got {X.shape} and {Y.shape}: see make_sequences"
        )
    if not (np.isfinite(X).all() and np.isfinite(Y).all()):
        raise ValueError(f"{name} sequences must be finite, got NaN or infinity: check the frames")


def _weight_shapes(settings: LstmSettings) -> Shapes:
    """Give the shape of every weight by its name, in Keras' order."""
    n_features, dense, hidden = settings.n_features, settings.dense, settings.hidden
    first = dense_shapes("dense_in", n_features, dense) | lstm_shapes("lstm", dense, hidden)
    return first | dense_shapes("dense_out", hidden, n_features)


def _unpack(
    arrays: dict[str, NDArray], settings: LstmSettings
) -> tuple[dict[str, Floats], Standardiser]:
    """Take weights and standardiser out of what a file holds, or raise."""
    standardiser = Standardiser(arrays.pop("mean"), arrays.pop("std"))
    return check_weights(arrays, _weight_shapes(settings), settings), standardiser
