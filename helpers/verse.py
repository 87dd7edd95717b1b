"""A language model over verse: how probable each next character is, given all before it.

Verse is read *folded*: in lower case, with plain quotes. A line feed ends a line, two a stanza; a
poem begins and ends with `PAGE`. What follows a few characters can be counted (`Counts`, two
n-grams). The network hears, with each character, what both expect next; its LSTM learns when they
are wrong. Notebook 10 builds and trains it with Keras; here it is read with NumPy (`Model`).
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from helpers import files, frame_model

PAGE = "\f"
ORDER, SHORT = 8, 5  # characters before the one that is counted: Witten-Bell's, Kneser-Ney's
STRENGTH = 12  # of Witten-Bell: how often each kind that followed counts for what is shorter

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Heard = tuple[Ints, Floats]  # of each character: its index, log10 p of what is next, see `Counts`
State = tuple[Ints, Floats, Floats]  # the last characters, and an LSTM's output and memory

_PLAIN = str.maketrans("\u2018\u2019\u02bc\u2013\u2014\u2011", "'''---", '\r\f"\u201c\u201d_')


@dataclass(frozen=True)
class VerseSettings:
    """Say what network over verse to build.

    `alphabet` holds the characters that it knows, `PAGE` first (`alphabet_of`); `hidden` are the
    units of the LSTM, `embedding` the numbers that it hears of each character, `dense` the units of
    the layer that reads both; `dropout` is the share hidden in training of its input and output.
    """

    alphabet: str
    hidden: int = 192
    embedding: int = 96
    dense: int = 256
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.alphabet[:1] != PAGE or len(set(self.alphabet)) < max(len(self.alphabet), 2):
            raise ValueError(
                "alphabet must begin with PAGE, and hold other characters, each once, got "
                f"{self.alphabet!r}: take what alphabet_of returns"
            )
        if min(self.hidden, self.embedding, self.dense) < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"sizes must be at least 1, dropout from 0 to below 1, got {self}")


_KIND = files.Kind("verse model", 2, VerseSettings, "run notebook 10")


def read_poems(path: str | Path) -> list[str]:
    """Read the poems of a text file (UTF-8), which stand two or more blank lines apart.

    A first line "# Title" is left out. Of a folder, all *.txt are read. No poem is a ValueError.
    """
    if Path(path).is_dir():
        if not (paths := sorted(Path(path).glob("*.txt"))):
            raise ValueError(f"{path} must hold a file *.txt, got none: choose another folder")
        return [poem for file in paths for poem in read_poems(file)]
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ValueError(f"{path}: byte {fault.start} is not UTF-8: save it as UTF-8") from fault
    poems = re.split(r"\n(?:[^\S\n]*\n){2,}", text.strip())
    poems = [re.sub(r"\A# .*", "", poem.strip()).strip() for poem in poems]
    if not any(poems):
        raise ValueError(f"{path} must hold at least 1 poem, got none: choose another file")
    return [poem for poem in poems if poem]


def split(poems: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Split poems for training, validation and test, 80, 10 and 10 %, by a hash of their texts.

    Poems that share ten words in a row go to one side.
    """
    twin, first = list(range(len(poems))), dict[tuple[str, ...], int]()
    for k, poem in enumerate(poems):
        words = re.findall(r"\w+", fold(poem))
        runs = {tuple(words[start : start + 10]) for start in range(max(1, len(words) - 9))}
        for other in {twin[first.setdefault(some, k)] for some in runs}:
            twin = [twin[k] if one == other else one for one in twin]
    parts: tuple[list[str], list[str], list[str]] = ([], [], [])
    for k, poem in enumerate(poems):
        digest = hashlib.sha256(fold(poems[twin[k]]).encode()).digest()
        parts[{0: 1, 1: 2}.get(digest[0] % 10, 0)].append(poem)
    return parts


def fold(text: str) -> str:
    """Bring a text to what the network reads."""
    text = unicodedata.normalize("NFC", text).lower().translate(_PLAIN)
    text = re.sub(r"[^\S\n]*\n[^\S\n]*", "\n", re.sub(r"--+", "-", text))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[^\S\n]+", " ", text))


def alphabet_of(poems: Sequence[str], least: int = 50) -> str:
    """List the characters that occur so often in poems, `PAGE` first."""
    counts = Counter(fold("\n".join(poems)))
    if not (common := sorted(c for c, n in counts.items() if n >= least)):
        raise ValueError(f"no character occurs {least} times in {len(poems)} poems: give more text")
    return PAGE + "".join(common)


def encode(text: str, alphabet: str) -> Ints:
    """Fold a text and number its characters, int64, (n,); unknown ones are left out."""
    return np.array([alphabet.index(c) for c in fold(text) if c in alphabet], np.int64)


class Counts:
    """What follows the last characters, by counting, in two ways: n-grams, each smoothed.

    Kneser and Ney's looks back `SHORT` characters; of runs shorter than that, each counts once for
    each different character before it. Witten and Bell's looks back `ORDER`. Runs of ``ORDER + 1``
    characters are numbers to the base `n`, the size of the alphabet: `runs`, int64, each once, in
    order, and how often each was `seen`.

    Source: S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language
    modeling", Computer Speech and Language 13(4), 1999: interpolated Kneser-Ney, modified;
    Witten-Bell, with a strength of `STRENGTH` instead of 1.
    """

    def __init__(self, runs: Ints, seen: Ints, n: int) -> None:
        self.runs, self.seen, self.n = runs, seen, n
        self.tables = [self._smooth(SHORT), self._smooth(ORDER, STRENGTH)]

    def _smooth(self, order: int, strength: int = 0) -> list[tuple[npt.NDArray, ...]]:
        """List, by what stands before: the share given away, what follows, its shares."""
        tables: list[tuple[npt.NDArray, ...]] = []
        runs, seen, less = *_shorten(self.runs, self.seen, self.n ** (order + 1)), np.zeros(4)
        for length in reversed(range(order + 1)):  # of what stands before
            before, begin = np.unique(runs // self.n, return_index=True)
            begin = np.append(begin, len(runs))
            if not strength:
                once = np.maximum(np.bincount(np.minimum(seen, 5), minlength=6), 1)
                y, k = once[1] / (once[1] + 2 * once[2]), np.arange(1, 4)
                less[1:] = np.clip(k - (k + 1) * y * once[k + 1] / once[k], 0.1, k)
            kinds, kept = np.diff(begin), seen - less[np.minimum(seen, 3)]
            total = np.add.reduceat(seen, begin[:-1]) + strength * kinds
            rest = 1 - np.add.reduceat(kept, begin[:-1]) / total
            tables.insert(0, (before, rest, begin, runs % self.n, kept / np.repeat(total, kinds)))
            runs, seen = _shorten(runs, seen if strength else np.ones_like(seen), self.n**length)
        return tables

    def expect(self, recent: Ints) -> npt.NDArray[np.float64]:
        """Give the probabilities of each next character after (n_places, ORDER).

        The result is (n_places, 2 * n): first all by Kneser and Ney, then all by Witten and Bell.
        """
        return np.concatenate([self._ask(tables, recent) for tables in self.tables], axis=1)

    def _ask(self, tables: list[tuple[npt.NDArray, ...]], recent: Ints) -> npt.NDArray[np.float64]:
        p = np.full((len(recent), self.n), 1 / self.n)
        for length, (known, rest, begin, following, share) in enumerate(tables):
            code = recent[:, ORDER - length :] @ self.n ** np.arange(length)[::-1]
            at = np.searchsorted(known, code) % len(known)
            found = known[at] == code
            many = np.where(found, begin[at + 1] - begin[at], 0)
            entry = np.arange(many.sum()) + np.repeat(begin[at] + many - many.cumsum(), many)
            p *= np.where(found, rest[at], 1)[:, None]
            p[np.repeat(np.arange(len(p)), many), following[entry]] += share[entry]
        return p


def _shorten(runs: Ints, seen: Ints, base: int) -> tuple[Ints, Ints]:
    """Cut the beginnings of runs off, and count each kind once."""
    runs, of = np.unique(runs % base, return_inverse=True)
    return runs, np.bincount(of, seen).astype(np.int64)


def windows(poem: str, alphabet: str) -> Ints:
    """List all characters of a poem, its end too, each with the `ORDER` before it."""
    padded = np.pad(encode(poem.strip(), alphabet), (ORDER, 1))
    return np.lib.stride_tricks.sliding_window_view(padded, ORDER + 1)


def count(poems: Sequence[str], alphabet: str) -> Counts:
    """Count what follows what in poems; at least one is needed, else it is a ValueError."""
    return _count([windows(poem, alphabet) for poem in poems], len(alphabet))


def _count(rows: Sequence[Ints], n: int) -> Counts:
    """Count runs, listed by poem."""
    if not rows:
        raise ValueError("poems must be one at least to be counted, got none: add some")
    if n ** (ORDER + 1) >= 2**63:
        raise ValueError(f"alphabet must have at most 127 characters, got {n}: raise `least`")
    runs = np.concatenate(rows) @ n ** np.arange(ORDER + 1)[::-1]
    return Counts(*_shorten(runs, np.ones_like(runs), n ** (ORDER + 1)), n)


def hear(poems: Sequence[str], alphabet: str, counts: Counts | None = None) -> list[Heard]:
    """Prepare poems for the network: their characters from `PAGE` on, and what counting expects.

    Without `counts`, what is expected in each tenth of the poems was counted in the other nine:
    else, in training, the network would learn to trust what it hears too much.
    """
    if not counts and len(poems) < 2:
        raise ValueError(f"poems must be two at least without counts, got {len(poems)}: add some")
    rows, result = [windows(poem, alphabet) for poem in poems], list[Heard]()
    for k in range(1 if counts else min(10, len(poems))):
        some = rows if counts else rows[k::10]
        others = [row for i, row in enumerate(rows) if i % 10 != k]
        known = counts or _count(others, len(alphabet))
        p = known.expect(np.concatenate(some)[:, :-1])
        parts = np.split(np.log10(p).astype(np.float32), np.cumsum([*map(len, some)])[:-1])
        result += [(row[:, -2], part) for row, part in zip(some, parts, strict=True)]
    return result


def weight_shapes(settings: VerseSettings) -> frame_model.Shapes:
    """Give the shape of every weight by its name: what training must find."""
    n, hidden, embedding = len(settings.alphabet), settings.hidden, settings.embedding
    return {
        "character/embeddings": (n, embedding),
        **frame_model.dense_shapes("counted", 2 * n, embedding),
        **frame_model.lstm_shapes("lstm", embedding, hidden),
        **frame_model.dense_shapes("dense", hidden + embedding, settings.dense),
        **frame_model.dense_shapes("next", settings.dense, n),
    }


class Model:
    """Reads texts character by character, and says what may come next (NumPy).

    It takes weights, as from `frame_model.weights_of`, their settings, and the counts that it
    hears; a ValueError if they don't fit. A state has a row for each text; `pick` takes some.
    """

    def __init__(
        self, weights: frame_model.Weights, settings: VerseSettings, counts: Counts
    ) -> None:
        frame_model.check_weights(weights, weight_shapes(settings), settings)
        self.weights, self.settings, self.counts = weights, settings, counts

    def start(self, text: str = "") -> tuple[Floats, State]:
        """Begin one poem, and read its first characters; see `step`."""
        nothing = np.zeros((1, self.settings.hidden), np.float32)
        state = np.zeros((1, ORDER), np.int64), nothing, nothing
        for code in [0, *encode(text, self.settings.alphabet)]:
            logp, state = self.step([code], state)
        return logp, state

    def step(self, ids: npt.ArrayLike, state: State) -> tuple[Floats, State]:
        """Read one character more of each text, given by its index in the alphabet, (n,).

        Returns the natural logarithms of the probabilities of each next one, float32, (n,
        len(alphabet)), and the state after it; the state before it stays as it is.
        """
        recent = np.concatenate([state[0][:, 1:], np.asarray(ids)[:, None]], axis=1)
        counted = np.log10(self.counts.expect(recent)).astype(np.float32)
        w = self.weights
        x = w["character/embeddings"][recent[:, -1]]
        x = x + counted @ w["counted/kernel"] + w["counted/bias"]
        lstm = [w[f"lstm/{name}"] for name in ("kernel", "recurrent_kernel", "bias")]
        h, c, _ = frame_model.lstm_step(x, *state[1:], *lstm)
        z = np.concatenate([h, x], axis=1) @ w["dense/kernel"] + w["dense/bias"]
        logits = np.maximum(z, 0) @ w["next/kernel"] + w["next/bias"]
        return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True), (recent, h, c)


def pick(state: State, rows: npt.ArrayLike) -> State:
    """Take rows of a state, in any order and as often as wanted."""
    recent, h, c = (part[np.asarray(rows)] for part in state)
    return recent, h, c


def bits(model: Model, poem: str) -> npt.NDArray[np.float64]:
    """Say how surprising each character of a poem was, and its end: float64, (n + 1,)."""
    result, (logp, state) = [], model.start()
    for code in [*encode(poem.strip(), model.settings.alphabet), 0]:
        result.append(-logp[0, code] / np.log(2))
        logp, state = model.step([code], state)
    return np.array(result, np.float64)


def save(path: str | Path, model: Model) -> Path:
    """Write a network and its counts as one .npz file, its weights rounded to 16 bits."""
    weights = {name: w.astype(np.float16) for name, w in model.weights.items()}
    counted = {"runs": model.counts.runs, "seen": model.counts.seen}
    return files.save_npz(path, _KIND, model.settings, {**weights, **counted}, compressed=True)


def load(path: str | Path) -> Model:
    """Read what `save` wrote; see `files.load_npz` for what is raised."""

    def unpack(arrays: dict[str, npt.NDArray], settings: VerseSettings) -> Model:
        weights = {name: arrays[name].astype(np.float32) for name in weight_shapes(settings)}
        counts = Counts(arrays["runs"], arrays["seen"], len(settings.alphabet))
        return Model(weights, settings, counts)

    return files.load_npz(path, _KIND, unpack)[0]
