"""Measure the language model over verse: bits a character beside the best that counting does.

Opponents see the same training poems and the same characters, and have every choice (order,
smoothing, how they are mixed) made on the validation poems: an n-gram of characters; the best two
with different smoothings, mixed; an n-gram that falls back from words to characters; this and the
first, mixed. Of the network, three trainings; on the validation poems, each part is taken away
once: what it hears of the counts, and its LSTM. Then copying: the longest run that a text shares
with the training poems, of what the network wrote, and of held-out poems as long.

`python -m benchmarks.words` trains and judges on the validation poems, in about fifteen minutes;
with `--test`, on the test poems, which is for once, at the end. `--counts` counts alone.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import targets
from benchmarks.targets import at_least, at_most
from data.build import verse as build
from helpers import files, verse

RESULT = Path("outputs/words.json")
ORDERS, WINDOW = range(1, 10), 40
SMOOTHINGS = {"Kneser-Ney": (0.0,), "Witten-Bell": (3.0, 6.0, 12.0, 16.0), "PPM": (0.7, 0.9)}
SHARES = np.linspace(0, 1, 11).tolist()  # of the second n-gram, in a mixture
PARTS: dict[str, dict[str, bool]] = {
    "hears no counts": {"hears": False},
    "no LSTM": {"lstm": False},
}
N_WRITTEN, LENGTH = 20, 400  # texts judged for copying, and their characters
TARGETS = {
    "fewer bits than the best n-gram of characters (%)": at_least(5, 10),
    "fewer bits than two n-grams of characters mixed (%)": at_least(0, 5),
    "fewer bits than words and characters mixed (%)": at_least(0, 5),
    "longest run shared with training, of a held-out's": at_most(1.5, 1),
}
Hashes = npt.NDArray[np.uint64]


def mix(h: Hashes, x: npt.NDArray) -> Hashes:
    """Hash x into h."""
    h = (h ^ x.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    return (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)


def read(poems: Sequence[str], alphabet: str) -> tuple[npt.NDArray[np.int64], npt.NDArray]:
    """Return what follows in all poems, (n,), and the characters before it, (n, WINDOW)."""
    follows, before = [], []
    for poem in poems:
        ids = np.concatenate([np.zeros(WINDOW), verse.encode(poem, alphabet), [0]]).astype(int)
        windows = np.lib.stride_tricks.sliding_window_view(ids.astype(np.uint8), WINDOW + 1)
        follows.append(ids[WINDOW:])
        before.append(windows[:, :-1])
    return np.concatenate(follows), np.concatenate(before)


def character_contexts(before: npt.NDArray, orders: range = range(10)) -> list[Hashes]:
    """Hash the last 0, 1, 2, ... characters."""
    result = []
    for order in orders:
        h = np.full(len(before), order + 1, np.uint64)
        for back in range(1, order + 1):
            h = mix(h, before[:, -back])
        result.append(h)
    return result


def word_contexts(before: npt.NDArray, alphabet: str, n_words: int = 3) -> list[Hashes]:
    """Hash the word so far, with it the word before, and so on."""
    in_word = np.array([c.isalpha() or c in "'-" for c in alphabet])
    result = []
    for n in range(n_words):
        h, part = np.full(len(before), 101 + n, np.uint64), np.zeros(len(before), int)
        for back in range(1, WINDOW + 1):
            code = before[:, -back]
            turn = in_word[code] == part % 2  # from a word to a gap, or back
            part += turn
            told = np.where(in_word[code] | (back == 1), code, 255)  # of a gap, the last character
            use = (part <= 2 * n + (back == 1)) & ((told < 255) | turn)
            h = np.where(use, mix(h, told), h)
        result.append(h)
    return result


@dataclass(frozen=True)
class Table:
    """What followed each context: counts by context and character, and three discounts."""

    contexts: Hashes
    totals: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int64]  # characters that followed once, twice, more often
    pairs: Hashes
    counts: npt.NDArray[np.int64]
    discounts: npt.NDArray[np.float64]


def count(contexts: Hashes, follows: npt.NDArray[np.int64]) -> Table:
    """Count what followed."""
    known, totals = np.unique(contexts, return_counts=True)
    pairs, first, counts = np.unique(mix(contexts, follows), return_index=True, return_counts=True)
    of = np.searchsorted(known, contexts[first])
    some = (counts == 1, counts == 2, counts > 2)
    kinds = np.array([np.bincount(of[one], minlength=len(known)) for one in some])
    n = [max(1, int((counts == k).sum())) for k in (1, 2, 3, 4)]
    y = n[0] / (n[0] + 2 * n[1])
    discounts = np.array(
        [0, *(np.clip(k - (k + 1) * y * n[k] / n[k - 1], 0, k) for k in (1, 2, 3))]
    )
    return Table(known, totals, kinds, pairs, counts, discounts)


def count_chain(
    contexts: Sequence[Hashes], follows: npt.NDArray[np.int64], smoothing: str
) -> list[Table]:
    """Count after each of a chain of contexts; for Kneser-Ney, below the last one only kinds."""
    tables = []
    for k, some in enumerate(contexts):
        part: slice | npt.NDArray = slice(None)
        if smoothing == "Kneser-Ney" and k < len(contexts) - 1:
            part = np.unique(mix(contexts[k + 1], follows), return_index=True)[1]
        tables.append(count(some[part], follows[part]))
    return tables


def probabilities(
    tables: Sequence[Table],
    contexts: Sequence[Hashes],
    follows: npt.NDArray[np.int64],
    smoothing: str,
    n_characters: int,
    strength: float = 0.5,
) -> npt.NDArray[np.float64]:
    """Give the probability of what follows, each table falling back on the one before it.

    Source: S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language
    modeling", Computer Speech and Language 13(4), 1999.
    """
    p = np.full(len(follows), 1 / n_characters)
    for table, some in zip(tables, contexts, strict=True):
        at = np.searchsorted(table.contexts, some) % len(table.contexts)
        known = table.contexts[at] == some
        pair = mix(some, follows)
        pair_at = np.searchsorted(table.pairs, pair) % len(table.pairs)
        n = np.where(table.pairs[pair_at] == pair, table.counts[pair_at], 0)
        total, kinds = table.totals[at], table.kinds[:, at]
        if smoothing == "Kneser-Ney":
            taken = table.discounts[np.minimum(n, 3)]
            given = table.discounts[1:] @ kinds
        elif smoothing == "PPM":
            taken, given = np.minimum(n, strength), strength * kinds.sum(0)
        else:
            taken, given = 0, strength * kinds.sum(0)
            total = total + given
        p = np.where(known, (n - taken + given * p) / total, p)
    return p


def judge_counting(
    training: Sequence[str], judged: dict[str, Sequence[str]], alphabet: str
) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """Choose the best counting on validation poems; return bits a character on each part, and why.

    `judged` holds "validation" first. The second result has, of every order and smoothing, the bits
    on the validation poems.
    """
    follows, before = read(training, alphabet)
    parts = {name: read(poems, alphabet) for name, poems in judged.items()}

    def contexts(some: npt.NDArray, order: int, words: int) -> list[Hashes]:
        characters = character_contexts(some, range(order + 1))
        return characters + word_contexts(some, alphabet)[:words]

    def run(name: str, order: int, words: int, smoothing: str, strength: float) -> npt.NDArray:
        chain = contexts(before, order, words)
        tables = count_chain(chain, follows, smoothing)
        then, some = parts[name]
        return probabilities(
            tables, contexts(some, order, words), then, smoothing, len(alphabet), strength
        )

    def bits(p: npt.NDArray) -> float:
        return float(-np.log2(p).mean())

    first = next(iter(judged))
    tried = [
        ((order, words, smoothing, strength), bits(run(first, order, words, smoothing, strength)))
        for smoothing, strengths in SMOOTHINGS.items()
        for strength in strengths
        for order in ORDERS
        for words in ((0, 1, 2, 3) if order in (4, 5, 6) and smoothing == "Kneser-Ney" else (0,))
    ]
    plain = [some for some in tried if not some[0][1]]
    best = [
        min(some, key=lambda t: t[1])[0]
        for some in (
            plain,
            [some for some in tried if some[0][1]],
            *(
                [some for some in plain if some[0][2] == name]
                for name in ("Kneser-Ney", "Witten-Bell")
            ),
        )
    ]
    results: dict[str, dict[str, float]] = {}
    shares: list[float] = []  # of the second, in a mixture
    for name in judged:
        p, q, kneser, witten = (run(name, *choice) for choice in best)
        pairs = ((p, q), (kneser, witten))
        if name == first:
            shares = [min(SHARES, key=lambda s: bits(s * b + (1 - s) * a)) for a, b in pairs]
        mixed, two = (bits(s * b + (1 - s) * a) for s, (a, b) in zip(shares, pairs, strict=True))
        results[name] = {
            "unigram": bits(run(name, 0, 0, "Kneser-Ney", 0.0)),
            "n-gram of characters": bits(p),
            "two n-grams of characters": two,
            "n-gram of words and characters": bits(q),
            "mixed": mixed,
        }
    return results, {"chosen": best, "shares": shares, "tried": tried}


def judge(model: verse.Model, poems: Sequence[str]) -> float:
    """Measure the bits a character of poems, each read from its beginning, all side by side."""
    codes = [[*verse.encode(poem.strip(), model.settings.alphabet), 0] for poem in poems]
    codes.sort(key=len, reverse=True)
    logp, state = model.start()
    logp, state = np.repeat(logp, len(codes), axis=0), verse.pick(state, [0] * len(codes))
    total = 0.0
    for place in range(len(codes[0])):
        came = [some[place] for some in codes if place < len(some)]
        total -= float(logp[range(len(came)), came].sum())
        logp, state = model.step(came, verse.pick(state, range(len(came))))
    return total / np.log(2) / sum(map(len, codes))


def longest_shared(text: str, training: str) -> int:
    """Give the length of the longest run of characters that a folded text shares with another."""
    start = longest = 0
    for end in range(1, len(text) + 1):
        while text[start:end] not in training:
            start += 1
        longest = max(longest, end - start)
    return longest


def write(model: verse.Model, n_characters: int, *, temperature: float, seed: int) -> str:
    """Let a model write a poem to its end, or so many characters of it."""
    rng, text, (logp, state) = np.random.default_rng(seed), "", model.start()
    while len(text) < n_characters:
        p = np.exp((logp[0] - logp.max()) / temperature).cumsum()
        code = int(np.searchsorted(p, rng.random() * p[-1], side="right"))
        if model.settings.alphabet[code] == verse.PAGE:
            break
        text += model.settings.alphabet[code]
        logp, state = model.step([code], state)
    return text


def copying(
    model: verse.Model, training: Sequence[str], held_out: Sequence[str]
) -> dict[str, float]:
    """Compare the runs shared with the training poems: medians of what is written and held out."""
    known = "\n\n".join(map(verse.fold, training))
    written = [write(model, LENGTH, temperature=0.7, seed=seed) for seed in range(N_WRITTEN)]
    real = [verse.fold(poem)[:LENGTH] for poem in held_out if len(poem) >= LENGTH]
    step = max(1, len(real) // N_WRITTEN)
    runs = [[longest_shared(text, known) for text in some] for some in (written, real[::step])]
    names = ("written", "held out")
    return {name: float(np.median(some)) for name, some in zip(names, runs, strict=True)} | {
        f"{name}, longest": float(max(some)) for name, some in zip(names, runs, strict=True)
    }


def measure(steps: int, seeds: Sequence[int], *, test: bool) -> dict[str, Any]:
    """Train and judge; the last part of the poems that is judged is the one that counts."""
    training, validation, held_out = verse.split(verse.read_poems(build.TEXTS))
    judged = {"validation": validation} | ({"test": held_out} if test else {})
    last = list(judged)[-1]
    counted, why = judge_counting(training, judged, verse.alphabet_of(training))
    networks: list[dict[str, Any]] = []
    trained = []
    for name, parts, seed in [("network", {}, seed) for seed in seeds] + [
        (name, parts, seeds[0]) for name, parts in PARTS.items() if not test
    ]:
        model, history = build.learn(training, validation, steps=steps, seed=seed, **parts)
        bits = {"validation": float(history.validation_loss.min())}
        if model is not None:
            bits = {part: judge(model, poems) for part, poems in judged.items()}
            trained.append(model)
        networks.append({"name": name, "seed": seed, "bits": bits})
        networks[-1] |= {name: part.tolist() for name, part in asdict(history).items()}
        print(f"{name}, seed {seed}: {bits}, {history.seconds[-1]:.0f} s", flush=True)
    ours = np.array([one["bits"][last] for one in networks if one["name"] == "network"])
    copied = copying(trained[0], training, judged[last])
    opponents = ("n-gram of characters", "two n-grams of characters", "mixed")
    measured = {
        name: (100 * (1 - ours / counted[last][opponent])).tolist()
        for name, opponent in zip(TARGETS, opponents, strict=False)
    }
    measured[list(TARGETS)[-1]] = [copied["written"] / copied["held out"]]
    return {"measured": measured, "counted": counted, "why": why, "networks": networks} | {
        "copying": copied
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table, and write outputs/words.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=build.STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--counts", action="store_true")
    options = parser.parse_args(arguments)
    if options.counts:
        training, validation, _ = verse.split(verse.read_poems(build.TEXTS))
        alphabet = verse.alphabet_of(training)
        counted, why = judge_counting(training, {"validation": validation}, alphabet)
        print(json.dumps([counted, why], indent=1))
        return
    result = measure(options.steps, options.seeds, test=options.test)
    print(json.dumps(result["counted"], indent=1))
    print(json.dumps(result["copying"], indent=1))
    targets.print_rows(targets.compare(result["measured"], TARGETS))
    with files.replacing(RESULT) as path:
        path.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
