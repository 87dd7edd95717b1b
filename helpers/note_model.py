"""A language model over notes: how probable each next word is, given all words before it.

A word is a note (`events.words`), a chord is read upwards. Four parts decide on the next word:

1. an LSTM that hears word after word;
2. a recall: where did the LSTM's states move as they just did? What followed there is proposed;
3. a critic, a small second LSTM, that hears how often recall was right;
4. four heads in turn: when the next note comes, which, how long, how loud, each knowing the last.

Build and train it with TensorFlow; judge and compose with NumPy alone.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import helpers
from helpers import events, files, frame_model
from helpers.events import LABEL, LENGTH, NOTHING, PLACE, ROW, TOUCH, WAIT

STEPS = 300  # of training: from then on validation pieces gain no more
STEPS_PER_EPOCH = 50  # from one look at the validation pieces to the next
HEADS = ("wait", "row", "length", "touch")  # columns WAIT to TOUCH of words

Floats = NDArray[np.float32]
Weights = frame_model.Weights
Label = str | Mapping[str, float] | None  # what music: a name, shares of several, or left open

_N = events.N_CLASSES
_EVEN = events.Timing()
_SHARP = 10.0  # how much more likely recall goes to a way that is more alike
# What the classes of a head are worth, in ticks or steps of loudness; END takes no time.
_VALUES = np.r_[: events.LONGEST + 1, events.LONG_WAITS[:-1], 0], None, events.LENGTHS, np.arange(6)
_TILTS = np.linspace(-1, 1, 65)[:, None] ** 3  # of their probabilities
_FLOOR = 0.003  # what recall gives a word that it doesn't propose
_AT_ONCE = 4096  # words of a validation piece; recall's memory grows with their square
_SHIFTS = -6, 5  # semitones by which passages are transposed, at most
_TURN = 1 / 16  # how often, a word, another label's piece takes over in a medley
_APART = 0.8  # bits a word: by how much, in training, the wrong label is to cost more
_DRUM_RATE = 0.03  # Adam's step size, at least, for weights that only drums use


@dataclass(frozen=True)
class NoteModelSettings:
    """Say what network over notes to build; a ValueError if something is out of its range.

    The LSTM has `hidden` units; the one that hears how well recall does, `critic`; each head,
    `dense`. A key of the recall has `keys` numbers (0: no recall, to compare with); it compares
    `depth` states in a row. A `window` above 0 puts convolutions of so many words in the places of
    the LSTMs, to compare with. Training hides shares: `dropout` of the LSTM's output (half of it of
    the heads'); for `hide` of the words what is recalled, so that the LSTM learns to do without.

    `timing` is how the notes that it learnt from were played; the network doesn't use it. `labels`
    are names, all different, of its words' labels, from 0 on; the heads read the label then.
    `drums` are the kinds in the music that it learns (`events.drums_in`); others aren't composed.
    """

    hidden: int = 192
    window: int = 0
    keys: int = 48
    depth: int = 8
    critic: int = 64
    dense: int = 160
    dropout: float = 0.3
    hide: float = 0.3
    timing: events.Timing = _EVEN
    labels: tuple[str, ...] = ()
    drums: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("hidden", "window", "keys", "depth", "critic", "dense"):
            value, least = getattr(self, name), int(name not in ("window", "keys"))
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")
        for name in ("dropout", "hide"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be from 0 to below 1, got {getattr(self, name)}")
        if not set(self.drums) <= set(range(events.N_DRUMS)):
            raise ValueError(f"drums must be from 0 to {events.N_DRUMS - 1}, got {self.drums}")
        timing, labels = events.Timing(*self.timing), tuple(self.labels)
        if not (all(0 <= t < np.inf for t in timing) and timing.inertia < 1 and timing.beat):
            raise ValueError(f"timing must be >= 0, inertia below 1, beat above 0, got {timing}")
        if not len(set(labels)) == len(labels) <= events.N_LABELS or "" in labels:
            most = f"at most {events.N_LABELS} different names"
            raise ValueError(f"labels must be {most}, got {labels}")
        for name, value in dict(timing=timing, labels=labels, drums=tuple(self.drums)).items():
            object.__setattr__(self, name, value)  # JSON has no tuples


_KIND = files.Kind("note model", 2, NoteModelSettings, "run notebook 06")


def weight_shapes(settings: NoteModelSettings) -> frame_model.Shapes:
    """Give the shape of every weight by its name: what training must find."""
    hidden, window, dense = settings.hidden, settings.window, frame_model.dense_shapes

    def memory(name: str, n_inputs: int, n: int) -> frame_model.Shapes:
        if not window:
            return frame_model.lstm_shapes(name, n_inputs, n)
        return {f"{name}/kernel": (window, n_inputs, n), f"{name}/bias": (n,)}

    shapes = memory("lstm", sum(_N) + 12, hidden)
    if window:
        shapes |= dense("mix", hidden, hidden)
    known = hidden
    if settings.keys:
        shapes |= {"key/kernel": (hidden, settings.keys), "recall/trust": (settings.depth + 2,)}
        shapes |= memory("critic", hidden + 3, settings.critic)
        known += settings.critic
    known += events.N_LABELS * bool(settings.labels)
    for head, n in enumerate(_N[: LABEL - 1]):
        name, recalled = HEADS[head], n + 1 if settings.keys else 0
        shapes |= dense(f"{name}_hidden", known + recalled, settings.dense)
        shapes |= dense(f"{name}_logits", settings.dense, n)
        if settings.keys:
            shapes |= dense(f"{name}_recall", settings.dense, 1)
        known += n + {WAIT: _N[PLACE], ROW: 12}.get(head, 0)
    return shapes


def build(settings: NoteModelSettings, *, seed: int = 0, weights: Weights | None = None) -> Any:
    r"""Build the network that gives the logits of each next word.

    With :math:`h_t` the LSTM's output after word t, :math:`k_t = K h_t / |K h_t|` its key, and
    :math:`y_t` the part of word t that a head is about (one-hot):

    .. math::
        s_{ti} &= \sum_{d < \text{depth}} a_d\, k_{t-d} \cdot k_{i-d}
                  && \text{how alike the ways to t and to i were, for } i < t \\
        c_t &= \sum_i \mathrm{softmax}_i(10\, s_{ti})\, y_{i+1}
                  && \text{what followed there} \\
        g_t &= \mathrm{LSTM}(h_t,\ c_{t-1} \cdot y_t,\ m_t)
                  && \text{the critic, with } m_t = \max_i s_{ti} \\
        z_t &= \mathrm{relu}(A\,[\,h_t,\ g_t,\ \text{what is decided},\ m_t,\ c_t\,]) \\
        \text{logits}_t &= B z_t + \mathrm{softplus}(g \cdot z_t)\, \log(c_t + .003)

    Where the next wait, and then the next key, have been decided, :math:`s_{ti}` rises by
    :math:`a_\text{wait}, a_\text{row}` for those i that were followed by the same.

    The keras.Model maps [words, seen] to logits, float32, (n, n_words - 1, 134): those of the four
    heads side by side. `words` is int32, (n, n_words, 6); `seen`, float32, (n, n_words, 1), is 0
    where recall is hidden for a word, else 1. Seed and weights are as in `frame_model.build`.

    Source: S. Merity et al., "Pointer sentinel mixture models", and E. Grave et al., "Improving
    neural language models with a continuous cache", both ICLR 2017, for recall. Notebook 06.
    """
    keras = frame_model.tensorflow().keras
    layers, ops = keras.layers, keras.ops
    keras.utils.set_random_seed(seed)
    words = keras.Input((None, len(_N)), dtype="int32", name="words")
    seen = keras.Input((None, 1), name="seen")

    def one_hot(column: int) -> Any:
        return ops.one_hot(words[..., column], _N[column], dtype="float32")  # NOTHING is all 0

    each = [one_hot(column) for column in range(len(_N))]
    each.append(ops.one_hot(_pitch_class(words[..., ROW], ops), 12, dtype="float32"))
    *parts, place, label, pitch_class = (part[:, 1:] for part in each)  # of the next word
    if settings.labels:  # the heads read it; what was heard shouldn't depend on it
        each[LABEL] = ops.zeros_like(each[LABEL])
    heard = ops.concatenate(each, axis=-1)[:, :-1]

    def remember(x: Any, n: int, name: str) -> Any:
        if not settings.window:
            return layers.LSTM(n, return_sequences=True, name=name)(x)
        x = layers.ZeroPadding1D((settings.window - 1, 0))(x)
        return layers.Conv1D(n, settings.window, activation="relu", name=name)(x)

    h = remember(heard, settings.hidden, "lstm")
    if settings.window:
        h = layers.Dense(settings.hidden, activation="tanh", name="mix")(h)
    h = layers.Dropout(settings.dropout, seed=seed)(h)
    known, logits = [h], []
    if settings.keys:
        key = layers.Dense(settings.keys, use_bias=False, name="key")(h)
        *recalled, best = _recall(keras, settings.depth)([key, *parts])
        recalled = [some * seen[:, 1:] for some in recalled]
        best = best * seen[:, 1:] - (1 - seen[:, 1:])
        hits = [ops.sum(recalled[head] * parts[head], -1, keepdims=True) for head in (WAIT, ROW)]
        hits = ops.pad(ops.concatenate(hits, -1)[:, :-1], [[0, 0], [1, 0], [0, 0]])
        g = remember(ops.concatenate([h, hits, best], -1), settings.critic, "critic")
        known.append(layers.Dropout(settings.dropout, seed=seed + 1)(g))
    if settings.labels:
        known.append(label)
    for head, name in enumerate(HEADS):
        extra = [best, recalled[head]] if settings.keys else []
        z = layers.Dense(settings.dense, activation="relu", name=f"{name}_hidden")(
            ops.concatenate(known + extra, axis=-1)
        )
        z = layers.Dropout(settings.dropout / 2, seed=seed + 2 + head)(z)
        out = layers.Dense(_N[head], name=f"{name}_logits")(z)
        if settings.keys:
            trust = layers.Dense(1, activation="softplus", name=f"{name}_recall")(z)
            out = out + trust * ops.log(recalled[head] + _FLOOR)
        if head == ROW:  # a chord goes upwards
            together = ops.cast(ops.equal(words[:, 1:, WAIT, None], 0), "float32")
            below = ops.less_equal(np.arange(_N[ROW], dtype=np.int32), words[:, :-1, ROW, None])
            out = out - 1e9 * together * ops.cast(below, "float32")
        logits.append(out)
        known += [parts[head], *{WAIT: [place], ROW: [pitch_class]}.get(head, [])]
    model = keras.Model([words, seen], ops.concatenate(logits, axis=-1))
    if weights is not None:
        fitting = frame_model.check_weights(weights, weight_shapes(settings), settings)
        frame_model.set_weights(model, fitting)
    return model


weights_of = frame_model.weights_of  # named as in `weight_shapes`


def train(
    model: Any,
    training: Sequence[events.Words],
    validation: Sequence[events.Words],
    settings: NoteModelSettings,
    *,
    steps: int = STEPS,
    steps_per_epoch: int = STEPS_PER_EPOCH,
    seed: int = 0,
    batch_size: int = 8,
    n_words: int = 384,
    learning_rate: float = 3e-3,
    on_epoch: Callable[[frame_model.History], None] | None = None,
    on_step: Callable[[float], None] | None = None,
    checkpoint: Path | None = None,
    every: float = 20.0,
) -> frame_model.History:
    """Train on pieces in every key, and keep the weights that were best on validation pieces.

    A batch is drawn anew for every step: random passages of random pieces, each moved by up to
    six semitones; with labels, also medleys, in which the label says when a piece of another
    label takes over, and passages that a wrong label is to make less likely. The learning rate
    rises in 20 steps, then falls along a cosine. With a checkpoint, a training that was interrupted
    or killed goes on where it broke off when it is begun again with the same model, music and
    numbers, and ends as if nothing had happened. No piece, numbers out of their range, and a loss
    that isn't finite raise a ValueError.

    It takes what `build` returned, of which the weights are changed, and its settings. Pieces,
    int64, (n_words, 6), are as in `events.words`; those to judge on are heard whole (above 4096
    words, in parts). Each of `steps` changes the weights, by `batch_size` passages of `n_words`
    words; Adam's step size is `learning_rate` at most, 0.03 for what only drums use: a network to
    carry on from may have heard none. After `steps_per_epoch` it looks at the validation pieces.
    The same seed, data, steps and machine give the same weights.

    After each epoch `on_epoch` is called with the `frame_model.History` so far, after each step
    `on_step` with the seconds since the first one began. `checkpoint` is where a file is kept until
    all is done, written `every` so many s: what is lost at most, beside a step.

    The History is in bits a word, of the classes alone: without `events.wait_bits`, and with all
    touches. The training's bits are higher than those of the finished network would be: they are
    measured with dropout, and on short passages, which have less to recall.

    Source: D. P. Kingma and J. Ba, "Adam", ICLR 2015; I. Loshchilov and F. Hutter, "SGDR", ICLR
    2017; B. Krause et al., "GeDi", Findings of EMNLP 2021, for learning from wrong labels; J.
    Howard and S. Ruder, "Universal language model fine-tuning", ACL 2018, for rates that differ.
    """
    if min(steps, steps_per_epoch, batch_size) < 1 or n_words < 2:
        got = f"{steps}, {steps_per_epoch}, {batch_size}, {n_words}"
        raise ValueError(f"steps, an epoch and a batch must be at least 1, n_words 2, got {got}")
    for name, pieces in (("training", training), ("validation", validation)):
        if not pieces:
            raise ValueError(f"{name} must hold at least 1 piece, got none: choose more music")
    unknown = set(events.drums_in(training)) - set(settings.drums)
    if unknown:
        raise ValueError(
            f"settings.drums must name the drums of the training pieces, got {settings.drums} "
            f"without {sorted(unknown)}: take what events.drums_in returns"
        )
    keras, rng = frame_model.tensorflow().keras, np.random.default_rng(seed)
    loss = _steered_bits if settings.labels else _bits
    model.compile(_adam(keras, model, settings, learning_rate), loss, jit_compile=False)
    decisive = [replace(settings, timing=_EVEN), steps, steps_per_epoch, seed, batch_size, n_words]
    decisive += [learning_rate, training, validation]
    decisive += [getattr(layer, "seed", None) for layer in model.layers]
    kept = frame_model.Checkpoint(model, checkpoint, decisive, every)
    done = len(kept.course.losses)
    bar = helpers.bar(total=steps, initial=done, desc="training", unit="step")
    drawn = training, rng, batch_size, n_words, settings.hide, settings.labels
    for _ in range(done):
        _passages(*drawn)  # those before are drawn, and not used again

    def bits() -> Iterator[tuple[float, float]]:
        """Change the weights step by step, and yield the mean losses of each epoch at its end."""
        course = kept.course
        start = time.perf_counter() - course.seconds
        for step in range(done, steps + 1):
            course.seconds = time.perf_counter() - start
            kept.keep()
            first = steps_per_epoch * len(course.records)  # of this epoch
            if first < step and (step % steps_per_epoch == 0 or step == steps):
                train_bits = float(np.mean(course.losses[first:]))
                yield train_bits, _validate(validation, kept, settings.labels)
            if step == steps:
                return
            fall = 0.5 * (1 + np.cos(np.pi * ((step + 1) / steps)))
            rate = min(1.0, (step + 1) / 20) * max(0.02, fall)
            model.optimizer.learning_rate.assign(learning_rate * rate)
            words, seen = _passages(*drawn)
            model.reset_metrics()  # some versions of Keras average over batches until then
            course.losses.append(float(model.train_on_batch([words, seen], words[:, 1:])))
            bar.update()
            if on_step is not None:
                on_step(time.perf_counter() - start)

    return frame_model.run_epochs(model, bits(), bar, on_epoch=on_epoch, digits=2, checkpoint=kept)


class Listener:
    """Hears words one at a time, and says what may come next (NumPy).

    It takes weights, as from `weights_of`, and their settings; a ValueError if they don't fit.
    """

    def __init__(self, weights: Weights, settings: NoteModelSettings) -> None:
        frame_model.check_weights(weights, weight_shapes(settings), settings)
        self.weights, self.settings = weights, settings
        self.label: Floats | None = None  # from `blend`: what to tell instead of words' labels
        self.last = np.full(len(_N), NOTHING)
        self._states: dict[str, Any] = {}  # of the LSTMs; without any, their last inputs
        self._alike: list[NDArray] = []  # of the last keys with all before them
        self._keys = np.zeros((256, settings.keys), np.float32)
        self._followers = np.zeros((256, len(HEADS)), int)
        self._kept = np.zeros(256, bool)
        self._n = 0

    def hear(self, word: ArrayLike, *, keep: bool = True, blind: bool = False) -> None:
        """Hear a word, (6,); say whether to recall it later, and to hide recall for the next."""
        word, w = np.asarray(word), self.weights
        hits = [0.0, 0.0]
        if self._n and self.settings.keys:
            hits = [self.recall(head, word)[1 + word[head]] for head in (WAIT, ROW)]
        if self._n == len(self._keys):  # room for as many again
            for name in ("_keys", "_followers", "_kept"):
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
        if self._n:
            self._followers[self._n - 1] = word[: len(HEADS)]
            self._kept[self._n - 1] = keep
        self.last = word
        if self.settings.labels:  # the heads read it
            word = np.where(np.arange(len(_N)) == LABEL, NOTHING, word)
        h = self._remember("lstm", _one_hots(word))
        if self.settings.window:
            h = np.tanh(h @ w["mix/kernel"] + w["mix/bias"])
        self._known = h
        self._n += 1
        if self.settings.keys:
            self._compare(h @ w["key/kernel"], blind)
            x = np.concatenate([h, hits, [self._likeness.max(initial=-1)]]).astype(np.float32)
            self._known = np.concatenate([h, self._remember("critic", x)])

    def logits(self, head: int, word: ArrayLike) -> Floats:
        """Give the logits of the classes of a part of the next word: float32, (n_classes,).

        The head is `WAIT`, `ROW`, `LENGTH` or `TOUCH`; `word`, int, (6,), is the next one as far as
        it is decided, with the wait its place. A key that can't come has minus infinity.
        """
        w, name, word = self.weights, HEADS[head], np.asarray(word)
        known = _one_hots(word, upto=head)
        recalled = self.recall(head, word) if self.settings.keys else np.zeros(0, np.float32)
        label = np.arange(events.N_LABELS) == word[LABEL] if self.label is None else self.label
        told = label.astype(np.float32) if self.settings.labels else label[:0]
        x = np.concatenate([self._known, told, known, recalled], dtype=np.float32)
        z = np.maximum(x @ w[f"{name}_hidden/kernel"] + w[f"{name}_hidden/bias"], 0)
        out = z @ w[f"{name}_logits/kernel"] + w[f"{name}_logits/bias"]
        if self.settings.keys:
            trust = np.logaddexp(0, z @ w[f"{name}_recall/kernel"] + w[f"{name}_recall/bias"])
            out = out + trust * np.log(recalled[1:] + _FLOOR)
        if head == ROW and word[WAIT] == 0:
            out[: self.last[ROW] + 1] = -np.inf
        return out

    def recall(self, head: int, word: ArrayLike) -> Floats:
        """Say how alike the most alike way was, and the share of each class that followed."""
        word = np.asarray(word)
        result = np.zeros(1 + _N[head], np.float32)
        alike, followers = self._likeness, self._followers[self._past]
        result[0] = alike.max(initial=-1)
        if not len(alike):
            return result
        for part in range(min(head, LENGTH)):
            bonus = self.weights["recall/trust"][self.settings.depth + part]
            alike = alike + bonus * (followers[:, part] == word[part])
        share = np.exp(_SHARP * (alike - alike.max()))
        known = followers[:, head] >= 0
        share = share[known] / share.sum()
        result[1:] = np.bincount(followers[known, head], share, minlength=_N[head])
        return result

    def _remember(self, name: str, x: Floats) -> Floats:
        """Run an LSTM for one step, or the convolution in its place."""
        kernel, bias = self.weights[f"{name}/kernel"], self.weights[f"{name}/bias"]
        if self.settings.window:
            inputs = [*self._states.get(name, []), x][-self.settings.window :]
            self._states[name] = inputs
            a = np.concatenate(inputs) @ kernel[-len(inputs) :].reshape(-1, len(bias))
            return np.maximum(a + bias, 0)
        recurrent = self.weights[f"{name}/recurrent_kernel"]
        h, c = self._states.get(name, np.zeros((2, len(recurrent)), np.float32))
        h, c, _ = frame_model.lstm_step(x, h, c, kernel, recurrent, bias)
        self._states[name] = h, c
        return h

    def _compare(self, key: Floats, blind: bool) -> None:
        """Compare a new key, and the way to it, with all before that recall may go back to."""
        key = key / max(float(np.linalg.norm(key)), 1e-3)
        n, depth, trust = self._n - 1, self.settings.depth, self.weights["recall/trust"]
        self._keys[n] = key
        self._alike = [self._keys[:n] @ key, *self._alike][:depth]
        match = np.zeros(n, np.float32)
        for d, alike in enumerate(self._alike):
            match[d:] += trust[d] * alike[: max(n - d, 0)]
        self._past = np.flatnonzero(self._kept[:n] & (not blind))
        self._likeness = match[self._past]


def blend(settings: NoteModelSettings, label: Label) -> Floats:
    """Put what music it is to be into what the network reads: float32, (events.N_LABELS,).

    `label` is a name of `settings.labels`, or names with their shares: 0 or more, 1 at most in
    all, where what is missing is left open; None leaves all open. Else, a ValueError.
    """
    shares = {label: 1.0} if isinstance(label, str) else dict(label or {})
    unknown = sorted(set(shares) - set(settings.labels))
    if unknown:
        known = ", ".join(settings.labels) or "none: train with labels"
        raise ValueError(f"a label must be one that the network learnt ({known}), got {unknown}")
    if min(shares.values(), default=0) < 0 or sum(shares.values()) > 1 + 1e-6:
        raise ValueError(f"shares of labels must be 0 or more, in all at most 1, got {shares}")
    values = [shares.get(name, 0.0) for name in settings.labels]
    return np.pad(np.array(values, np.float32), (0, events.N_LABELS - len(values)))


def bits(
    weights: Weights,
    settings: NoteModelSettings,
    words: events.Words,
    *,
    touches: bool = True,
    label: Label = None,
) -> NDArray[np.float64]:
    """Say how surprising each word of a piece was, given all before it (NumPy).

    Weights and settings are as in `Listener`, `words` int64, (n_words, 6). Without `touches` it is
    asked of the touch only whether a note is loud (`events.LOUD`). The label, as in `blend`, is
    told to the network in place of what the words say. The result, float64, (n_words - 1, 4), are
    the bits of wait, key, length and touch; row t is about word t + 1. Where there is nothing to
    say, they are 0. The wait's include `events.wait_bits`.
    """
    listener = Listener(weights, settings)
    listener.label = None if label is None else blend(settings, label)
    result = np.zeros((len(words) - 1, len(HEADS)))
    for t, word in enumerate(words[1:]):
        listener.hear(words[t])
        for head in range(len(HEADS)):
            if word[head] != NOTHING:
                logits = listener.logits(head, word)
                said = logits[word[head]]
                if head == TOUCH and not touches:
                    loud = np.arange(len(logits)) >= events.LOUD
                    said = np.logaddexp.reduce(logits[loud == (word[head] >= events.LOUD)])
                result[t, head] = np.logaddexp.reduce(logits) - said
    result /= np.log(2)
    result[:, WAIT] += events.wait_bits(words[1:, WAIT])
    return result


def compose(
    weights: Weights,
    settings: NoteModelSettings,
    n_ticks: int,
    *,
    rng: np.random.Generator,
    seed: events.Scores | None = None,
    start: int | None = None,
    temperature: float = 0.8,
    min_p: float = 0.05,
    recall: float | None = None,
    keep: float | None = None,
    steady: bool = False,
    label: Label | Callable[[float], Label] = None,
) -> events.Scores:
    """Draw word after word: when, what, how long, how loud.

    A chord goes upwards, drums last, and two hands can strike its keys (`events.within_reach`).
    With drums, no wait is over two beats. After a seed, recall goes back to that, not to what was
    composed since: it would run in circles. Temperature, min_p, recall and keep were chosen on
    validation pieces, by its distance from what follows there; from nothing, by how often 10 s are
    as full, as busy and as loud as the training music. A number out of its range, and weights that
    don't fit (`Listener`), are a ValueError. The new notes' ticks go on from those of the seed.

    Source: M. Nguyen et al., "Turning up the heat: min-p sampling for creative and coherent LLM
    outputs", ICLR 2025. Notebook 07.

    It composes `n_ticks`, `beats.TICKS` a beat, unless it ends earlier, as a piece does. No note
    begins before the tick `start`; left out, none before the last of the `seed`, a score to go on
    from, if there is one. A temperature below 1 is safer, above, bolder, at 0, always the likeliest
    class. What is less probable than `min_p` of that is never drawn; for waits, than half of it.
    This shortens waits, for long ones are spread over many classes, and most where the network is
    unsure, as from nothing or after little music. If `steady`, what is left is weighed so that the
    network's means of wait, length and touch stay: as busy, as full and as loud as it expects.
    `recall` is the share of the notes for which it is asked what followed where it went like this:
    0.9, or without a seed 0.5, if steady 0.3; `keep`, that of its own notes that recall may go back
    to: 0, or without a seed, for want of others, 1. `label` says what music to make, as in `blend`,
    or how it moves with the share composed: ``lambda x: {"ragtime": x, "romantic": 1 - x}``.
    """
    heard = np.zeros((0, 4), np.int64) if seed is None else events.valid(seed)
    keep = float(not len(heard)) if keep is None else keep
    recall = (0.9 if len(heard) else 0.3 if steady else 0.5) if recall is None else recall
    if n_ticks < 0 or not 0 <= temperature < np.inf:
        raise ValueError(f"n_ticks and temperature must be 0 or more, got {n_ticks}, {temperature}")
    if not all(0 <= share <= 1 for share in (min_p, recall, keep)):
        raise ValueError(f"min_p, recall, keep must be from 0 to 1, got {min_p}, {recall}, {keep}")
    listener, rows = Listener(weights, settings), np.arange(_N[ROW])
    learnt = (rows < events.N_KEYS) | np.isin(rows - events.N_KEYS, settings.drums)
    for word in events.words(heard)[:-1]:
        listener.hear(word)
    tick = int(heard[-1, 0]) if len(heard) else 0
    start = tick if start is None else start
    composed: list[tuple[int, ...]] = []
    struck = events.row_of(heard[heard[:, 0] == tick, 1]).tolist()  # at this moment
    while True:
        least = max(start - tick, 0)
        word = np.full(len(_N), NOTHING)
        done = (max(tick, start) - start) / max(n_ticks, 1)
        listener.label = blend(settings, label(done) if callable(label) else label)
        for head in range(len(HEADS)):
            logits = listener.logits(head, word)
            if head == WAIT:
                logits[: events.wait_class(least)] = -np.inf
                if settings.drums and least <= events.LONGEST:
                    logits[events.LONGEST + 1 : events.END] = -np.inf
                if least:
                    logits[events.END] = -np.inf  # it is to go on
                free = learnt & (rows > max(struck, default=-1))
                free[: events.N_KEYS] = events.within_reach(struck)
                if not free.any():
                    logits[0] = -np.inf  # no hand is free for a note more
            if head == ROW:
                logits[~learnt] = -np.inf
                if word[WAIT] == 0:
                    logits[~free] = -np.inf
                else:
                    struck = []
            share = min_p / 2 if head == WAIT else min_p
            word[head] = _draw(logits, rng, temperature, share, _VALUES[head] if steady else None)
            if head == WAIT:
                if word[WAIT] == events.END:
                    return np.array(composed, np.int64).reshape(-1, 4)
                tick += events.draw_wait(int(word[WAIT]), tick, rng, least=least)
                word[PLACE] = tick % _N[PLACE]
        if tick >= start + n_ticks:
            return np.array(composed, np.int64).reshape(-1, 4)
        length = events.LENGTHS[word[LENGTH]]
        composed.append((tick, int(events.pitch_of(word[ROW])), length, word[TOUCH]))
        struck.append(int(word[ROW]))
        listener.hear(word, keep=bool(rng.random() < keep), blind=bool(rng.random() >= recall))


def go_on(
    weights: Weights,
    settings: NoteModelSettings,
    played: events.Played,
    seconds: float,
    *,
    rng: np.random.Generator,
    end: float,
    **options: Any,
) -> NDArray[np.float64]:
    """Go on where a piece breaks off: `compose`, played by `events.go_on`.

    `options` are those of `compose`: temperature, min_p, recall, keep, steady, label.
    """

    def write(n_ticks: int, seed: events.Scores, start: int) -> events.Scores:
        return compose(weights, settings, n_ticks, rng=rng, seed=seed, start=start, **options)

    return events.go_on(write, played, seconds, rng=rng, end=end, timing=settings.timing)


def save(path: str | Path, weights: Weights, settings: NoteModelSettings) -> Path:
    """Write a network as one .npz file; a ValueError unless its weights are finite and fit."""
    ordered = frame_model.check_weights(weights, weight_shapes(settings), settings)
    return files.save_npz(path, _KIND, settings, ordered)


def load(path: str | Path) -> tuple[dict[str, Floats], NoteModelSettings]:
    """Read what `save` wrote, weights and settings, or fail, never at random: `files.load_npz`."""
    return files.load_npz(
        path, _KIND, lambda w, its: frame_model.check_weights(w, weight_shapes(its), its)
    )


def _recall(keras: Any, depth: int) -> Any:
    """Make the layer that compares ways through the music; see `build`."""
    ops = keras.ops

    class Recall(keras.layers.Layer):
        def build(self, _: Any) -> None:
            first = [1.0] + [0.3] * (depth - 1) + [0.2, 0.2]
            self.trust = self.add_weight(
                shape=(depth + 2,), initializer=lambda *_, **__: np.array(first), name="trust"
            )

        def call(self, inputs: list[Any]) -> list[Any]:
            key, wait, row, length, touch = inputs
            key = ops.normalize(key, axis=-1, epsilon=1e-3)
            step = ops.matmul(key, ops.swapaxes(key, 1, 2))  # (n, t, i)
            alike = self.trust[0] * step
            for d in range(1, depth):
                step = ops.pad(step[:, :-1, :-1], [[0, 0], [1, 0], [1, 0]])
                alike = alike + self.trust[d] * step
            t = ops.arange(ops.shape(key)[1])
            alike = alike - 1e9 * ops.cast(t[None, :] >= t[:, None], "float32")
            past = ops.cast(t > 0, "float32")[None, :, None]
            best = ops.maximum(ops.max(alike, axis=-1, keepdims=True), -1.0)
            recalled = [past * ops.matmul(ops.softmax(_SHARP * alike), wait)]
            for bonus, decided, wanted in ((depth, wait, [row]), (depth + 1, row, [length, touch])):
                same = ops.matmul(decided, ops.swapaxes(decided, 1, 2))
                alike = alike + self.trust[bonus] * same
                share = ops.softmax(_SHARP * alike)
                recalled += [past * ops.matmul(share, part) for part in wanted]
            return [*recalled, best]

    return Recall(name="recall")


def _is_key(row: Any) -> Any:
    """Tell keys from drums and `NOTHING`."""
    return (row >= 0) & (row < events.N_KEYS)


def _pitch_class(row: Any, ops: Any = np) -> Any:
    """Give the pitch class of a key; what is none has none."""
    return ops.where(_is_key(row), row % 12, NOTHING)


def _one_hots(word: NDArray[np.int64], upto: int | None = None) -> Floats:
    """Mark the classes of a whole word, or of what is decided before head `upto`."""
    pitch_class = (_pitch_class(word[ROW]), 12)
    wait, row, length, touch, place, label = zip(word, _N, strict=True)
    parts = [wait, row, length, touch, place, label, pitch_class]
    if upto is not None:
        parts = [wait, place, row, pitch_class, length][: (0, 2, 4, 5)[upto]]
    marks = [np.arange(n) == value for value, n in parts]
    return np.concatenate([np.zeros(0), *marks]).astype(np.float32)


def _passages(
    pieces: Sequence[events.Words],
    rng: np.random.Generator,
    batch_size: int,
    n_words: int,
    hide: float,
    labels: tuple[str, ...] = (),
) -> tuple[NDArray[np.int32], Floats]:
    """Draw a batch: random passages in random keys, and for which words recall is hidden.

    With labels, every second has another than the one before; last comes one with wrong labels.
    """
    batch = np.full((batch_size, n_words, len(_N)), NOTHING, np.int32)
    sizes = np.array([len(piece) for piece in pieces], float)
    label_of, n = np.array([piece[0, LABEL] for piece in pieces]), 0
    for k, passage in enumerate(batch):
        other = label_of != label_of[n] if labels and k % 2 else np.True_
        p = sizes * (other if other.any() else 1)
        n = rng.choice(len(pieces), p=p / p.sum())
        piece = pieces[n]
        start = max(0, int(rng.integers(-n_words // 4, max(1, len(piece) - n_words // 2))))
        part = piece[start : start + n_words]
        passage[: len(part)] = part
        is_key = _is_key(passage[:, ROW])
        keys = passage[is_key, ROW]
        low, high = -keys.min(initial=events.N_KEYS), events.N_KEYS - 1 - keys.max(initial=0)
        shift = rng.integers(max(_SHIFTS[0], low), min(_SHIFTS[1], high), endpoint=True)
        passage[is_key, ROW] += shift
    if labels:
        _make_medleys(batch, rng)
        batch = np.concatenate([batch, _mislabel(batch[-1:], labels, rng)])
    return batch, (rng.random((len(batch), n_words, 1)) >= hide).astype(np.float32)


def _mislabel(
    words: NDArray[np.int32], labels: tuple[str, ...], rng: np.random.Generator
) -> NDArray[np.int32]:
    """Give words other labels, all moved on by as many; what is open stays so."""
    result, step = words.copy(), rng.integers(1, max(2, len(labels)))
    result[..., LABEL] = (words[..., LABEL] + step) % len(labels)
    return np.where(words == NOTHING, NOTHING, result)


def _make_medleys(batch: NDArray[np.int32], rng: np.random.Generator) -> None:
    """Let two passages take turns, in half of the pairs; hide labels up to a random word, or all.

    So a label is worth heeding: where it changes, nothing that was heard says what comes.
    """
    n_words = batch.shape[1]
    for one, other in zip(batch[::2], batch[1::2], strict=False):
        moments = (one[:, WAIT] > 0) & (other[:, WAIT] > 0)  # no chord is cut
        turn = moments & (rng.random(n_words) < rng.choice([0, _TURN]))
        swap = np.cumsum(turn) % 2 == 1
        one[swap], other[swap] = other[swap], one[swap]
    for passage in batch:
        passage[: max(0, int(n_words * rng.uniform(-1.5, 1.5))), LABEL] = NOTHING


def _adam(keras: Any, model: Any, settings: NoteModelSettings, learning_rate: float) -> Any:
    """Make the optimiser; it moves what only drums use in steps of `_DRUM_RATE`."""
    if not settings.drums:
        return keras.optimizers.Adam(learning_rate, clipnorm=1.0)
    faster, drums = max(1.0, _DRUM_RATE / learning_rate), events.N_KEYS + np.array(settings.drums)
    scale = {name: np.ones(shape, np.float32) for name, shape in weight_shapes(settings).items()}
    scale["lstm/kernel"][..., _N[WAIT] + drums, :] = faster
    scale["row_logits/kernel"][:, drums] = scale["row_logits/bias"][drums] = faster
    known = len(scale["row_hidden/kernel"]) - (1 + _N[ROW]) * bool(settings.keys)
    for head in HEADS[LENGTH:]:
        scale[f"{head}_hidden/kernel"][known + drums] = faster
    if settings.keys:
        scale["row_hidden/kernel"][known + 1 + drums] = faster
    scales = {id(v.value): scale[name] for name, v in frame_model.variables_of(model).items()}

    class Adam(keras.optimizers.Adam):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            super().update_step(gradient, variable, learning_rate * scales[id(variable)])

    return Adam(learning_rate, clipnorm=1.0)


def _bits(words: Any, logits: Any) -> Any:
    """Measure the mean bits of a word in TensorFlow: the loss. `NOTHING` costs nothing."""
    tf = frame_model.tensorflow()
    words, total = tf.cast(words, "int32"), 0.0
    for head, out in enumerate(tf.split(logits, _N[: len(HEADS)], axis=-1)):
        said = words[..., head]
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(said, 0), out)
        total += tf.reduce_sum(tf.where(said >= 0, nats, 0.0))
    n_words = tf.reduce_sum(tf.cast(words[..., WAIT] >= 0, "float32"))
    return total / n_words / np.log(2)


def _steered_bits(words: Any, logits: Any) -> Any:
    """Measure mean bits, and what the last passage's wrong labels cost too little: the loss."""
    tf = frame_model.tensorflow()
    last, twin = slice(-2, -1), slice(-1, None)
    right, wrong = (_bits(words[one], logits[one]) for one in (last, twin))
    return _bits(words[:-1], logits[:-1]) + tf.nn.relu(_APART + right - wrong)


def _validate(
    pieces: Sequence[events.Words], kept: frame_model.Checkpoint, labels: tuple[str, ...] = ()
) -> float:
    """Return the mean over the words of all pieces of their loss, with nothing hidden."""
    model, judged = kept.model, kept.course.judged
    parts = [
        piece[start : start + _AT_ONCE]
        for piece in pieces
        for start in range(0, len(piece) - 1, _AT_ONCE - 1)  # each begins with a word it has heard
    ]
    first = len(parts) * len(kept.course.records)  # of this epoch
    for part in parts[len(judged) - first :]:
        words = part[None].astype(np.int32)
        if labels:
            wrong = _mislabel(words, labels, np.random.default_rng(0))
            words = np.concatenate([words, wrong])
        model.reset_metrics()
        seen = np.ones((len(words), len(part), 1), np.float32)
        bits = float(model.test_on_batch([words, seen], words[:, 1:]))
        judged.append(bits * (len(part) - 1))
        kept.keep()
    total = float(np.cumsum(judged[first:])[-1])  # Python's sum rounds as its version does
    return total / sum(len(part) - 1 for part in parts)


def _draw(
    logits: Floats, rng: events.Random, temperature: float, min_p: float, values: Any = None
) -> int:
    """Draw a class; the least probable ones are left out. The mean of the `values` is kept."""
    p = np.exp(logits - logits.max())
    if temperature == 0:
        return int(p.argmax())
    kept = np.where(p >= min_p, p ** (1 / temperature), 0)
    if values is not None:
        off = values - p @ values / p.sum()
        tilted = kept * np.exp(_TILTS * off)
        tilt = np.interp(0, tilted @ off / tilted.sum(axis=1), _TILTS[:, 0])
        kept = kept * np.exp(tilt * off)
    kept = kept.cumsum()
    return int(np.searchsorted(kept, rng.random() * kept[-1], side="right"))
