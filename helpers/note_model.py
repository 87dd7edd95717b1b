"""A language model over notes: how probable each next frame of a roll is, given all before it.

Build and train it with TensorFlow; judge and compose with NumPy alone. Four things decide on a
note's next state, and all but the first treat every note alike, so that what is learnt about one
key serves for all:

1. the context: an LSTM hears whole frames;
2. the neighbourhood: what the notes around it just did (a convolution along the keyboard);
3. the memory: what came next where the piece sounded like this before (`note_features`);
4. the lower notes of the very frame that is being predicted, from the bass upwards.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.special

from helpers import files, frame_model, note_features, progress, rolls

STEPS = 400  # of training: on validation pieces, twice as many gain one percent
STEPS_PER_EPOCH = 50  # from one look at the validation pieces to the next
USUAL_DENSITY = 8.0  # onsets a second, of a lively piano piece

Floats = npt.NDArray[np.float32]
States = npt.NDArray[np.uint8]
Weights = frame_model.Weights

_SOUNDING = np.array([rolls.HELD, rolls.SOFT, rolls.LOUD], np.uint8)  # one-hot, without "off"


@dataclass(frozen=True)
class NoteModelSettings:
    """Say what network over notes to build, and what it may remember.

    Parameters
    ----------
    n_notes : int
        Notes in a frame.
    hidden : int
        Units of the LSTM, which hears the whole frame.
    channels : int
        Values that it tells each note.
    width : int
        Units of the two layers that every note has, with the same weights.
    reach : int
        How far a note hears its neighbours' past, in semitones up and down.
    below : int
        How far down a note hears what has been decided in the same frame, in semitones.
    memories, pulses : tuple of float
        How slowly each memory forgets, of notes and of rhythm; see `note_features.listener`.
    sharpness, min_lag :
        See `note_features.listener`.
    dropout : float
        Share of the LSTM's output that training hides from the notes.
    forgetting : float
        Share of the training passages that come from short excerpts, heard as if the music began
        there, so that the network also learns to begin.
    lowest : int
        MIDI number of the first note; stored, so that the network is never fed other notes.
    frame_rate : float
        Frames in a second.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """

    n_notes: int = 69
    hidden: int = 128
    channels: int = 8
    width: int = 48
    reach: int = 12
    below: int = 24
    memories: tuple[float, ...] = (0.7, 0.9, 0.97)
    pulses: tuple[float, ...] = (0.97, 0.99)
    sharpness: float = 40.0
    min_lag: int = 8
    dropout: float = 0.3
    forgetting: float = 0.2
    lowest: int = 28
    frame_rate: float = 16.0

    def __post_init__(self) -> None:
        for name in ("memories", "pulses"):
            fades = tuple(getattr(self, name))
            object.__setattr__(self, name, fades)  # JSON has no tuples
            if not fades or not all(0 <= fade < 1 for fade in fades):
                raise ValueError(f"{name} must be one or more from 0 to below 1, got {fades}")
        for name in ("n_notes", "hidden", "channels", "width", "reach", "below"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
        if not isinstance(self.min_lag, int) or self.min_lag < 3:
            raise ValueError(f"min_lag must be at least 3 frames, got {self.min_lag!r}")
        if not 0 <= self.sharpness < np.inf:
            raise ValueError(f"sharpness must be 0 or more, got {self.sharpness}")
        if not 0 < self.frame_rate < np.inf:
            raise ValueError(f"frame_rate must be above 0 frames a second, got {self.frame_rate}")
        for name in ("dropout", "forgetting"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1, got {getattr(self, name)}")

    @property
    def memory(self) -> dict[str, Any]:
        """The arguments of `note_features.listener`."""
        return {
            name: getattr(self, name) for name in ("memories", "pulses", "sharpness", "min_lag")
        }


_KIND = files.Kind("note model", 1, NoteModelSettings, "run notebook 05")


def settings_for(heard: rolls.NoteSettings, **options: Any) -> NoteModelSettings:
    """Make the settings of a network for rolls that were written with some note settings.

    Parameters
    ----------
    heard : rolls.NoteSettings
    **options
        Other fields of `NoteModelSettings`.
    """
    return NoteModelSettings(
        n_notes=heard.n_notes, lowest=heard.lowest, frame_rate=heard.frame_rate, **options
    )


def weight_shapes(settings: NoteModelSettings) -> dict[str, tuple[int, ...]]:
    """Give the shape of every weight by its name: what training must find.

    Parameters
    ----------
    settings : NoteModelSettings

    Returns
    -------
    dict of tuple of int
    """
    sizes = note_features.n_features(len(settings.memories), len(settings.pulses))
    hidden, width, n_notes = settings.hidden, settings.width, settings.n_notes
    return {
        "lstm/kernel": ((rolls.N_STATES - 1) * n_notes + sizes["frame"], 4 * hidden),
        "lstm/recurrent_kernel": (hidden, 4 * hidden),
        "lstm/bias": (4 * hidden,),
        "context/kernel": (hidden, n_notes * settings.channels),
        "context/bias": (n_notes * settings.channels,),
        "neighbourhood/kernel": (1, 2 * settings.reach + 1, sizes["neighbourhood"], width),
        "neighbourhood/bias": (width,),
        "frame/kernel": (sizes["frame"], width),
        "below/kernel": (1, settings.below, rolls.N_STATES - 1, width),
        "note/kernel": (settings.channels + sizes["recalled"], width),
        "mix/kernel": (width, width),
        "mix/bias": (width,),
        "states/kernel": (width, rolls.N_STATES),
        "states/bias": (rolls.N_STATES,),
    }


def build(settings: NoteModelSettings, *, seed: int = 0, weights: Weights | None = None) -> Any:
    r"""Build the network that gives each note's logits from the past and from the lower notes.

    For note n of the next frame, with :math:`c` the LSTM's output, :math:`u_m` the neighbourhood
    features, :math:`r_n` the recalled ones, :math:`f` those of the frame, and :math:`y_m` the new
    state of note m (one-hot, without "off"):

    .. math::
        a_n &= \sum_{|k| \le \text{reach}} A_k u_{n+k} + B\,[\,C_n c,\ r_n\,] + D f
               + \sum_{k=1}^{\text{below}} E_k y_{n-k} \\
        \text{logits}_n &= G\, \mathrm{relu}(F\, \mathrm{relu}(a_n))

    Only :math:`C_n` knows which note n is. The chain rule makes a frame's probability the product
    of its notes' probabilities, from the bass upwards.

    Parameters
    ----------
    settings : NoteModelSettings
    seed, weights
        As in `frame_model.build`.

    Returns
    -------
    keras.Model
        Maps [heard, coming, neighbourhood, recalled, frame] to logits, float32, (n_sequences,
        seq_length, n_notes, 4). `heard` and `coming` are rolls, one frame apart, the rest is
        from `note_features.listen`.

    Raises
    ------
    ValueError
        If `weights` don't fit `settings`.

    References
    ----------
    N. Boulanger-Lewandowski, Y. Bengio and P. Vincent, "Modeling temporal dependencies in
    high-dimensional sequences", ICML 2012, for the notes of a frame as a chain; D. D. Johnson,
    "Generating polyphonic music using tied parallel networks", EvoMUSART 2017, for one set of
    weights for all notes. Notebook 05.
    """
    if weights is not None:
        frame_model.check_weights(weights, weight_shapes(settings), settings)
    keras = frame_model.tensorflow().keras
    layers, ops = keras.layers, keras.ops
    keras.utils.set_random_seed(seed)
    sizes = note_features.n_features(len(settings.memories), len(settings.pulses))
    n_notes, width = settings.n_notes, settings.width
    heard = keras.Input((None, n_notes), dtype="uint8", name="heard")
    coming = keras.Input((None, n_notes), dtype="uint8", name="coming")
    neighbourhood = keras.Input((None, n_notes, sizes["neighbourhood"]), name="around")
    recalled = keras.Input((None, n_notes, sizes["recalled"]), name="recalled")
    frame = keras.Input((None, sizes["frame"]), name="whole")

    state = layers.Reshape((-1, (rolls.N_STATES - 1) * n_notes))(_one_hot(ops, heard))
    context = layers.LSTM(settings.hidden, return_sequences=True, name="lstm")(
        layers.Concatenate()([state, frame])
    )
    context = layers.Dropout(settings.dropout, seed=seed)(context)
    context = layers.Dense(n_notes * settings.channels, name="context")(context)
    context = layers.Reshape((-1, n_notes, settings.channels))(context)

    new = _one_hot(ops, coming)
    shifted = layers.ZeroPadding2D(((0, 0), (settings.below, 0)))(new)
    shifted = layers.Cropping2D(((0, 0), (0, 1)))(shifted)  # a note must not see itself
    row = (1, 2 * settings.reach + 1)
    a = (
        layers.Conv2D(width, row, padding="same", name="neighbourhood")(neighbourhood)
        + layers.Dense(width, use_bias=False, name="note")(
            layers.Concatenate()([context, recalled])
        )
        + layers.Dense(width, use_bias=False, name="frame")(frame)[:, :, None]
        + layers.Conv2D(width, (1, settings.below), use_bias=False, name="below")(shifted)
    )
    hidden = layers.Dense(width, activation="relu", name="mix")(layers.ReLU()(a))
    hidden = layers.Dropout(settings.dropout / 2, seed=seed + 1)(hidden)
    off = ops.cast(ops.equal(heard, rolls.OFF), "float32")[..., None]
    logits = layers.Dense(rolls.N_STATES, name="states")(hidden)
    logits = logits + off * np.array([0, -1e9, 0, 0], np.float32)  # none is held after off
    model = keras.Model([heard, coming, neighbourhood, recalled, frame], logits)
    model.get_layer("states").bias.assign([4, 0, 0, 0])  # most notes are off; a start near that
    if weights is not None:
        frame_model.set_weights(model, weights)
    return model


weights_of = frame_model.weights_of  # named as in `weight_shapes`


def train(
    model: Any,
    training_rolls: Sequence[npt.ArrayLike],
    validation_rolls: Sequence[npt.ArrayLike],
    settings: NoteModelSettings,
    *,
    steps: int = STEPS,
    patience: int | None = None,
    seed: int = 0,
    batch_size: int = 16,
    seq_length: int = 96,
    learning_rate: float = 4e-3,
    shifts: tuple[int, int] = (-6, 5),
    on_epoch: Callable[[frame_model.History], None] | None = None,
    on_step: Callable[[float], None] | None = None,
) -> frame_model.History:
    """Train on rolls in every key, and keep the weights that were best on validation pieces.

    A batch is drawn anew for every step: random passages of random pieces, each moved by a random
    number of semitones. The learning rate rises in 40 steps, then falls along a cosine.

    Parameters
    ----------
    model : keras.Model
        What `build` returned; its weights are changed.
    training_rolls, validation_rolls : list of ndarray, uint8, (n_frames, n_notes)
        Pieces to learn from, and other pieces to judge on; those are heard whole.
    settings : NoteModelSettings
        Those of the model.
    steps : int
        Changes of the weights.
    patience : int, optional
        As in `frame_model.train`.
    seed : int
        Draws passages and keys. The same seed, data, steps and machine give the same weights.
    batch_size, seq_length : int
        Passages in a batch, frames in a passage.
    learning_rate : float
        Adam's largest step size.
    shifts : tuple of int
        Lowest and highest transposition in semitones.
    on_epoch : callable, optional
        Called after each epoch with the `frame_model.History` so far, in bits a frame.
    on_step : callable, optional
        Called after each step with the seconds since the first one began, for instance to keep
        the weights of a network that has hardly learnt anything.

    Returns
    -------
    frame_model.History
        In bits a frame. The training's bits are higher than those of the finished network would
        be: they are measured with dropout, and from silence every `seq_length` frames.

    Raises
    ------
    ValueError
        If rolls are no rolls or too short, or the loss stops being finite.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015; I. Loshchilov
    and F. Hutter, "SGDR", ICLR 2017, for the cosine. Notebook 05.
    """
    if steps < 1 or batch_size < 1:
        raise ValueError(f"steps and batch_size must be at least 1, got {steps} and {batch_size}")
    music = _hear(training_rolls, settings, seq_length, shifts)
    passages = _passages(*music, settings, batch_size, seq_length, shifts, seed)
    validation = [_inputs(roll, settings) for roll in _check_rolls(validation_rolls, settings)]
    keras = frame_model.tensorflow().keras
    model.compile(keras.optimizers.Adam(learning_rate, clipnorm=1.0), _bits, jit_compile=False)
    bar = progress.bar(total=steps, desc="training", unit="step")
    epochs = _epochs(model, passages, bar, steps, learning_rate, on_step)
    losses = ((train_bits, _validate(model, validation)) for train_bits in epochs)
    return frame_model.run_epochs(
        model, losses, bar, patience=patience, on_epoch=on_epoch, digits=2
    )


def log_probabilities(weights: Weights, settings: NoteModelSettings, roll: npt.ArrayLike) -> Floats:
    """Say how probable each state of each note was, given the past and the lower notes (NumPy).

    Parameters
    ----------
    weights : dict of ndarray
        As `weights_of` and `load` return them.
    settings : NoteModelSettings
    roll : ndarray, uint8, (n_frames, n_notes)
        At least 2 frames.

    Returns
    -------
    ndarray, float32, (n_frames - 1, n_notes, 4)
        Natural logarithms; row t is about frame t + 1. Exactly 0 probability: a note that is off
        can't be held next.

    Raises
    ------
    ValueError
        If `roll` is no roll, or `weights` don't fit `settings`.
    """
    frame_model.check_weights(weights, weight_shapes(settings), settings)
    (checked,) = _check_rolls([roll], settings)
    heard, coming, *features = (part[0] for part in _inputs(checked, settings))
    outputs, state = [], None
    for states, frame in zip(heard, features[-1], strict=True):
        state = _lstm(weights, states[None], frame[None], state)
        outputs.append(state[0])
    context = np.concatenate(outputs)
    logs = []
    for first in range(0, len(heard), 256):  # keeps the memory small
        part = slice(first, first + 256)
        a = _past(weights, settings, context[part], *(value[part] for value in features))
        a += _below(weights, settings, coming[part])
        logs.append(scipy.special.log_softmax(_logits(weights, a, heard[part]), axis=-1))
    return np.concatenate(logs)


def bits_per_frame(
    weights: Weights, settings: NoteModelSettings, pieces: Iterable[npt.ArrayLike]
) -> npt.NDArray[np.float64]:
    """Measure how many bits a frame of each piece takes: the network's surprise.

    Parameters
    ----------
    weights : dict of ndarray
    settings : NoteModelSettings
    pieces : list of ndarray, uint8, (n_frames, n_notes)
        Rolls of whole pieces; each is heard from its start, and the first frame isn't judged.

    Returns
    -------
    ndarray, float64, (n_pieces,)

    Raises
    ------
    ValueError
        As in `log_probabilities`.

    References
    ----------
    C. E. Shannon, "Prediction and entropy of printed English", Bell Syst. Tech. J. 30, 1951.
    Notebook 05.
    """
    bits = []
    for roll in pieces:
        logs = log_probabilities(weights, settings, roll)
        chosen = np.take_along_axis(logs, np.asarray(roll)[1:, :, None].astype(int), axis=-1)
        bits.append(-chosen.sum(dtype=np.float64) / len(logs) / np.log(2))
    return np.array(bits)


def stepper(
    weights: Weights, settings: NoteModelSettings, *, n_streams: int, n_frames: int
) -> Callable[..., tuple[Floats, Floats]]:
    """Make a function that hears one frame after the other, in NumPy, and carries the state.

    Parameters
    ----------
    weights : dict of ndarray
    settings : NoteModelSettings
    n_streams : int
        Pieces heard at once.
    n_frames : int
        Frames that will be heard, at most.

    Returns
    -------
    callable
        ``hear(states, kept=1.0) -> (a, pulse)``. `states`: uint8, (n_streams, n_notes); `kept` as
        in `note_features.listener`. `a`: what all past frames add to the first layer of each note,
        float32, (n_streams, n_notes, width); `draw` goes on from there. `pulse`: whether the next
        frame begins more or fewer notes than usual where the rhythm was like this before, float32,
        (n_streams,).

    Raises
    ------
    ValueError
        If `weights` don't fit `settings`.
    """
    frame_model.check_weights(weights, weight_shapes(settings), settings)
    listen = note_features.listener(settings.n_notes, n_streams, n_frames, **settings.memory)
    state = None

    def hear(states: States, kept: npt.ArrayLike = 1.0) -> tuple[Floats, Floats]:
        nonlocal state
        neighbourhood, recalled, frame = listen(states, kept)
        state = _lstm(weights, states, frame, state)
        pulse = frame[:, -2]  # the slowest pulse, one frame after the remembered place
        return _past(weights, settings, state[0], neighbourhood, recalled, frame), pulse

    return hear


def draw(
    weights: Weights,
    settings: NoteModelSettings,
    a: Floats,
    heard: States,
    chances: Floats,
    *,
    temperature: float = 1.0,
    onset_bias: npt.ArrayLike = 0.0,
) -> States:
    """Draw the next frame, from the bass upwards; each note knows the lower ones.

    Most notes are off and change nothing for the others. So all notes are drawn as if no other
    sounded; the lowest that sounds is right, and only the notes that hear it are drawn again. That
    is exactly the chain, in a few rounds instead of one for each note.

    Parameters
    ----------
    weights : dict of ndarray
    settings : NoteModelSettings
    a : ndarray, float32, (n_streams, n_notes, width)
        What the past says; changed.
    heard : ndarray, uint8, (n_streams, n_notes)
        The last frame.
    chances : ndarray, float, (n_streams, n_notes)
        A random number from 0 to below 1 for each note.
    temperature : float
        See `compose`.
    onset_bias : float or ndarray, (n_streams,)
        Added to the logits of both onsets. Above 0: more notes.

    Returns
    -------
    ndarray, uint8, (n_streams, n_notes)
    """
    table = weights["below/kernel"][0, ::-1]  # (distance - 1, state - 1, width)
    states = np.zeros(heard.shape, np.uint8)
    biases = np.broadcast_to(onset_bias, len(heard))
    for row, last, chance, bias, new in zip(a, heard, chances, biases, states, strict=True):
        drawn = _pick(_logits(weights, row, last), chance, temperature, bias)
        for note in range(settings.n_notes):
            if drawn[note] == rolls.OFF:
                continue
            new[note] = drawn[note]
            above = slice(note + 1, note + 1 + settings.below)
            row[above] += table[: len(row[above]), new[note] - 1]
            logits = _logits(weights, row[above], last[above])
            drawn[above] = _pick(logits, chance[above], temperature, bias)
    return states


def compose(
    weights: Weights,
    settings: NoteModelSettings,
    n_frames: int,
    *,
    rng: np.random.Generator,
    seed_roll: npt.ArrayLike | None = None,
    n_streams: int | None = None,
    temperature: float = 0.95,
    density: float | None = None,
    steering: float = 2.0,
    pulse: float = 1.5,
    recall: float = 0.5,
) -> States:
    """Let the network listen to a beginning, then go on by itself.

    Left alone, it drifts: a quiet moment makes the next one likelier to be quiet, for nothing that
    it has learnt brings it back. So the onsets of the last seconds are counted, and the next ones
    made a little likelier or less likely. Notes are drawn one by one, so now and then one of them
    falls beside the beat, and the rhythm dissolves. So onsets are made likelier where the rhythm
    that came before says so. And it loves to repeat itself: what it plays is more like what it has
    just played than any real music would be, so its memory grows ever surer, and it goes round in
    circles. So it remembers only a random share of its own notes.

    Parameters
    ----------
    weights : dict of ndarray
        As `weights_of` and `load` return them.
    settings : NoteModelSettings
    n_frames : int
        Frames to compose, 0 or more.
    rng : numpy.random.Generator
    seed_roll : ndarray, uint8, (n_seed, n_notes) or (n_streams, n_seed, n_notes), optional
        Music to continue. Left out: a frame of silence.
    n_streams : int, optional
        Compose so many pieces at once.
    temperature : float
        Below 1: safer; above: bolder. 0: always the likeliest state.
    density : float, optional
        Onsets a second to keep to. Left out: the seed's; `USUAL_DENSITY` if that has none.
    steering : float
        How firmly the density is kept; 0 lets it drift.
    pulse : float
        How firmly the rhythm is kept that came before; 0 leaves it to the network.
    recall : float
        Share of its own notes that it remembers, from 0 to 1. The seed is remembered as it was.

    Returns
    -------
    ndarray, uint8, (n_frames, n_notes); (n_streams, n_frames, n_notes) if there are streams
        Without the seed. No note is held that was off the frame before.

    Raises
    ------
    ValueError
        If the seed is no roll, a number is out of its range, or `weights` don't fit `settings`.

    References
    ----------
    G. E. Hinton, "Products of experts", ICANN 1999: what is added to a logit multiplies the odds.
    Notebook 07.
    """
    _check_composition(
        n_frames, density, recall, temperature=temperature, steering=steering, pulse=pulse
    )
    seeds = _check_seeds(seed_roll, n_streams, settings)  # (n_streams, n_seed, n_notes)
    hear = stepper(
        weights, settings, n_streams=len(seeds), n_frames=seeds.shape[1] + max(n_frames, 1)
    )
    for states in seeds.swapaxes(0, 1):
        a, expected = hear(states)
    steer = _steering(seeds, density, steering, settings.frame_rate)
    roll = np.zeros((len(seeds), n_frames, settings.n_notes), np.uint8)
    chances = rng.random((n_frames, len(seeds), settings.n_notes), np.float32)
    kept = rng.random(chances.shape, np.float32) < recall
    for k in range(n_frames):
        if k > 0:
            a, expected = hear(states, kept[k - 1])
        bias = steer(states) + pulse * expected
        states = draw(
            weights, settings, a, states, chances[k], temperature=temperature, onset_bias=bias
        )
        roll[:, k] = states
    one = n_streams is None and (seed_roll is None or np.ndim(seed_roll) < 3)
    return roll[0] if one else roll


def save(path: str | Path, weights: Weights, settings: NoteModelSettings) -> Path:
    """Write a trained network and its settings as one .npz file; see `files.save_npz`.

    Parameters
    ----------
    path : str or Path
    weights : dict of ndarray
    settings : NoteModelSettings

    Raises
    ------
    ValueError
        If `weights` don't fit `settings`, or aren't finite.
    """
    frame_model.check_weights(weights, weight_shapes(settings), settings)
    ordered = {name: weights[name] for name in weight_shapes(settings)}
    return files.save_npz(path, _KIND, settings, ordered)


def load(
    path: str | Path, *, expect: NoteModelSettings | None = None
) -> tuple[dict[str, Floats], NoteModelSettings]:
    """Read what `save` wrote, or fail: never with random weights.

    Parameters
    ----------
    path : str or Path
    expect : NoteModelSettings, optional
        Refuse the file if it was saved with other settings.

    Returns
    -------
    weights : dict of ndarray of float32
    settings : NoteModelSettings

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or one that can't be used; see `files.load_npz`.
    """
    return files.load_npz(path, _KIND, _unpack, expect=expect)


def _one_hot(ops: Any, states: Any) -> Any:
    """Mark held, soft and loud in Keras; off is all zeros."""
    return ops.cast(ops.equal(states[..., None], _SOUNDING), "float32")


def _inputs(music: States, settings: NoteModelSettings) -> list[npt.NDArray]:
    """Make the network's inputs from one roll, as a batch of one, or from several of one length."""
    music = music[None] if music.ndim == 2 else music
    heard, coming = music[:, :-1], music[:, 1:]
    return [heard, coming, *note_features.listen(heard, **settings.memory)]


def _hear(
    music: Sequence[npt.ArrayLike],
    settings: NoteModelSettings,
    seq_length: int,
    shifts: tuple[int, int],
) -> tuple[list[list[npt.NDArray]], list[list[npt.NDArray]]]:
    """Make the inputs of whole pieces, and of excerpts, with room to transpose them."""
    music = _check_rolls(music, settings, n_least=seq_length + 1)
    margin = max(-shifts[0], shifts[1], 0)
    bar = progress.bar(music, desc="hearing the music", unit="piece")
    pieces = [_with_margin(_inputs(roll, settings), margin)[0] for roll in bar]
    excerpts = _inputs(_excerpts(music, 4 * seq_length + 1), settings)
    return pieces, _with_margin(excerpts, margin)


def _passages(
    pieces: list[list[npt.NDArray]],
    beginnings: list[list[npt.NDArray]],
    settings: NoteModelSettings,
    batch_size: int,
    seq_length: int,
    shifts: tuple[int, int],
    seed: int,
) -> Iterator[list[npt.NDArray]]:
    """Yield batches of random passages in random keys, without end."""
    rng = np.random.default_rng(seed)
    margin = max(-shifts[0], shifts[1], 0)
    n_starts = np.array([len(piece[0]) - seq_length + 1 for piece in pieces])

    def passage() -> list[npt.NDArray]:
        piece = pieces[rng.choice(len(pieces), p=n_starts / n_starts.sum())]
        if rng.random() < settings.forgetting:
            piece = beginnings[rng.integers(len(beginnings))]
        first = rng.integers(len(piece[0]) - seq_length + 1)
        left = margin - rng.integers(*shifts, endpoint=True)
        *by_note, frame = (part[first : first + seq_length] for part in piece)
        return [part[:, left : left + settings.n_notes] for part in by_note] + [frame]

    while True:
        drawn = [passage() for _ in range(batch_size)]
        yield [np.stack(parts) for parts in zip(*drawn, strict=True)]


def _excerpts(music: list[States], n_frames: int) -> States:
    """Cut rolls into excerpts of one length, (n_excerpts, n_frames, n_notes)."""
    n_frames = min(n_frames, *(len(roll) for roll in music))
    starts = [(roll, range(0, len(roll) - n_frames + 1, n_frames - 1)) for roll in music]
    cut = [roll[first : first + n_frames] for roll, firsts in starts for first in firsts]
    return np.stack(cut)


def _with_margin(inputs: list[npt.NDArray], margin: int) -> list[list[npt.NDArray]]:
    """Add silent notes on both sides, to transpose by cutting; list the inputs of each roll."""
    heard, coming, neighbourhood, recalled, frame = inputs
    by_note = [heard, coming, neighbourhood.astype(np.float16), recalled.astype(np.float16)]
    around = ((0, 0), (0, 0), (margin, margin), (0, 0))
    padded = [np.pad(part, around[: part.ndim]) for part in by_note]
    return [list(parts) for parts in zip(*padded, frame, strict=True)]


def _epochs(
    model: Any,
    passages: Iterator[list[npt.NDArray]],
    bar: Any,
    steps: int,
    learning_rate: float,
    on_step: Callable[[float], None] | None,
) -> Iterator[float]:
    """Change the weights step by step, and yield the mean loss of each epoch at its end."""
    losses, start = [], time.perf_counter()
    for step in range(1, steps + 1):
        batch = next(passages)
        model.optimizer.learning_rate.assign(learning_rate * _rate(step, step / steps))
        model.reset_metrics()  # some versions of Keras average over batches until then
        losses.append(float(model.train_on_batch(batch, batch[1])))
        bar.update()
        if on_step is not None:
            on_step(time.perf_counter() - start)
        if step % STEPS_PER_EPOCH == 0 or step == steps:
            yield float(np.mean(losses))
            losses = []


def _rate(step: int, share: float, rise: int = 40, last: float = 0.02) -> float:
    """Shape the learning rate: up a ramp, then down a cosine."""
    return min(1.0, step / rise) * max(last, 0.5 * (1 + np.cos(np.pi * share)))


def _bits(coming: Any, logits: Any) -> Any:
    """Measure the bits of each frame in TensorFlow: the loss."""
    nn = frame_model.tensorflow().nn
    coming = frame_model.tensorflow().cast(coming, "int32")
    nats = nn.sparse_softmax_cross_entropy_with_logits(coming, logits)
    return frame_model.tensorflow().reduce_sum(nats, axis=-1) / np.log(2)


def _validate(model: Any, pieces: list[list[npt.NDArray]]) -> float:
    """Return the mean over the pieces of their bits a frame."""
    bits = []
    for inputs in pieces:
        model.reset_metrics()
        bits.append(float(model.test_on_batch(inputs, inputs[1])))
    return float(np.mean(bits))


def _lstm(
    weights: Weights, states: States, frame: Floats, state: frame_model.State | None
) -> tuple[Floats, Floats]:
    """Let the LSTM hear one frame of each stream."""
    one_hot = (states[..., None] == _SOUNDING).reshape(len(states), -1)
    x = np.concatenate([one_hot, frame], axis=1, dtype=np.float32)
    return frame_model.lstm_of(weights, x, state)


def _past(
    weights: Weights,
    settings: NoteModelSettings,
    context: Floats,
    neighbourhood: Floats,
    recalled: Floats,
    frame: Floats,
) -> Floats:
    """Sum what context, neighbourhood and memory add to the first layer: (n, n_notes, width)."""
    told = context @ weights["context/kernel"] + weights["context/bias"]
    told = told.reshape(len(context), settings.n_notes, settings.channels)
    note = np.concatenate([told, recalled], axis=-1) @ weights["note/kernel"]
    reach = (settings.reach, settings.reach)
    a = _along_notes(neighbourhood, reach, weights["neighbourhood/kernel"][0])
    frame = frame @ weights["frame/kernel"] + weights["neighbourhood/bias"]
    return a + note + frame[:, None]


def _below(weights: Weights, settings: NoteModelSettings, coming: States) -> Floats:
    """Sum what the lower notes of a known frame add to the first layer."""
    new = (coming[..., None] == _SOUNDING).astype(np.float32)
    return _along_notes(new[:, :-1], (settings.below, 0), weights["below/kernel"][0])


def _along_notes(values: Floats, padding: tuple[int, int], kernel: Floats) -> Floats:
    """Convolve (n, n_notes, n_values) along the notes with a kernel (reach, n_values, width)."""
    reach, n_values, width = kernel.shape
    padded = np.zeros((len(values), sum(padding) + values.shape[1], n_values), np.float32)
    padded[:, padding[0] : padding[0] + values.shape[1]] = values
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=1)
    windows = windows.reshape(*windows.shape[:2], n_values * reach)
    return windows @ kernel.transpose(1, 0, 2).reshape(n_values * reach, width)


def _logits(weights: Weights, a: Floats, heard: States) -> Floats:
    """Run the layers that turn the sums of the first layer into logits: (..., 4)."""
    hidden = np.maximum(a, 0) @ weights["mix/kernel"] + weights["mix/bias"]
    logits = np.maximum(hidden, 0) @ weights["states/kernel"] + weights["states/bias"]
    logits[..., rolls.HELD][heard == rolls.OFF] = -np.inf
    return logits


def _pick(
    logits: Floats, chance: Floats, temperature: float, onset_bias: float
) -> npt.NDArray[np.int64]:
    """Draw a state for each note, (n, 4) -> (n,): the first whose summed probability passes."""
    logits[:, rolls.SOFT :] += onset_bias
    if temperature == 0:
        return logits.argmax(axis=-1)
    p = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    sums = p.cumsum(axis=-1)
    return (chance[:, None] * sums[:, -1:] >= sums[:, :-1]).sum(axis=-1)


def _steering(
    seeds: States, density: float | None, steering: float, frame_rate: float, span: float = 8.0
) -> Callable[[States], npt.NDArray[np.float64]]:
    """Make a function that says how much to favour onsets, from those of the last `span` s."""
    usual = (seeds >= rolls.SOFT).sum(axis=(1, 2)) / seeds.shape[1]  # onsets a frame
    usual[usual == 0] = USUAL_DENSITY / frame_rate
    target = usual if density is None else density / frame_rate
    lately = np.broadcast_to(target, len(seeds)).astype(float)
    floor = 0.05  # onsets a frame; keeps the logarithm small in a rest

    def steer(states: States) -> npt.NDArray[np.float64]:
        nonlocal lately
        onsets = (states >= rolls.SOFT).sum(axis=-1)
        lately = lately + (onsets - lately) / (span * frame_rate)
        return steering * np.log((target + floor) / (lately + floor))

    return steer


def _check_rolls(
    music: Iterable[npt.ArrayLike], settings: NoteModelSettings, n_least: int = 2
) -> list[States]:
    """Return rolls as arrays, or raise unless each is a roll of these notes, and long enough."""
    checked = [rolls.valid(roll, n_notes=settings.n_notes, n_least=n_least) for roll in music]
    if not checked:
        raise ValueError("there must be the roll of at least 1 piece, got none: choose more music")
    return checked


def _check_seeds(
    seed_roll: npt.ArrayLike | None, n_streams: int | None, settings: NoteModelSettings
) -> States:
    """Return the seeds of all streams, (n_streams, n_seed, n_notes)."""
    if n_streams is not None and n_streams < 1:
        raise ValueError(f"n_streams must be at least 1, got {n_streams}")
    if seed_roll is None:
        return np.zeros((n_streams or 1, 1, settings.n_notes), np.uint8)
    seeds = np.asarray(seed_roll)
    seeds = seeds if seeds.ndim == 3 else seeds[None]
    seeds = np.stack(_check_rolls(seeds, settings, n_least=1))
    if n_streams is not None and len(seeds) not in (1, n_streams):
        raise ValueError(
            f"seed_roll must hold 1 or n_streams = {n_streams} rolls, got {len(seeds)}"
        )
    return np.repeat(seeds, n_streams, axis=0) if len(seeds) == 1 and n_streams else seeds


def _check_composition(
    n_frames: int, density: float | None, recall: float, **at_least_0: float
) -> None:
    """Raise unless the numbers are in their ranges."""
    if n_frames < 0:
        raise ValueError(f"n_frames must be at least 0, got {n_frames}")
    if density is not None and not 0 < density < np.inf:
        raise ValueError(f"density must be above 0 onsets a second, got {density}")
    if not 0 <= recall <= 1:
        raise ValueError(f"recall must be from 0 to 1, got {recall}")
    for name, value in at_least_0.items():
        if not 0 <= value < np.inf:
            raise ValueError(f"{name} must be 0 or more, got {value}")


def _unpack(arrays: dict[str, npt.NDArray], settings: NoteModelSettings) -> dict[str, Floats]:
    """Take the weights of a network out of what a file holds, or raise."""
    weights = {name: arrays[name] for name in weight_shapes(settings)}
    frame_model.check_weights(weights, weight_shapes(settings), settings)
    return weights
