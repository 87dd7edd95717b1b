"""How well the voice sings, judged by programs that know nothing of it.

Verses are sung on phrases of composed melodies, no setting of the voice having been tuned on
either: the first poem of each of four books whose first eight lines have nine syllables at most,
and passages composed with seeds of their own. pYIN judges the pitch of held vowels, the rise of
levels in the sound when vowels begin, basic-pitch the melody, pocketsphinx the words: with a bigram
over the verse and as many lines of another book, and the same for the words as they are spoken.

`python -m benchmarks.sung` prints the table, and says how to get what is missing for a row;
`--dev` takes other verses and melodies, on which the settings of the voice were chosen.
"""

import argparse
import importlib.util
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import fitted, real, targets
from benchmarks.targets import at_least, at_most
from helpers import audio, lyrics, verse, voice

TEXTS = Path("data/texts")
BOOKS, DECOYS = ("stevenson", "dickinson", "housman", "teasdale"), "moore"
DEV_BOOKS = ("blake", "oxford", "psalms")
N_LINES, LONGEST, N_CHOICES = 8, 9, 15  # lines of a verse, syllables of a line, lines to pick from
GAP_S = 0.8  # between phrases
RATE = 16_000  # Hz, of pocketsphinx
# how its dictionary would write what isn't in it
_ARPA = (
    "aɪɚ AY ER,aɪə AY ER,aɪ AY,aʊ AW,ɔɪ OY,eɪ EY,oʊ OW,əl AH L,ɛɹ EH R,tʃ CH,dʒ JH,iː IY,uː UW,"
    "ɔː AO,oː AO,ɑː AA,ɜː ER,n̩ AH N,æ AE,ɛ EH,ɪ IH,i IY,ʌ AH,ə AH,ɐ AH,ɚ ER,ʊ UH,ɔ AO,ɑ AA,ᵻ IH,"
    "ð DH,θ TH,ʃ SH,ʒ ZH,ŋ NG,ɹ R,ɾ T,ʔ T,ɡ G,j Y,h HH"
)
_TABLE = [tuple(row.split(" ", 1)) for row in _ARPA.split(",")]
TARGETS = {
    "pitch of held vowels: median error (cents)": at_most(5, 2),
    "pitch of held vowels: within 30 cents (%)": at_least(95, 99),
    "vowel onsets within 30 ms (%)": at_least(92, 95),
    "melody found by basic-pitch (F)": at_least(0.85, 0.9),
    "words recognised, of those spoken (%)": at_least(65, 85),
    "right line of 15 (of 8)": at_least(7, 8),
    "times faster than real time": at_least(5, 10),
    "level (dBFS RMS)": targets.within((-22, -18), (-21, -19)),
    "samples that clip": at_most(0, 0),
}


@dataclass(frozen=True)
class Verse:
    """Lines, the melody for them, and how many syllables their words have."""

    lines: list[str]
    melody: voice.Melody
    syllables: list[list[int]]


def phrases(seeds: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Compose a passage with each seed, and return the phrases of its melody: notes, strong."""
    tunes = [tune for _, tune in fitted.melodies(seeds)]
    return [(tune.notes[a:b], tune.strong[a:b]) for tune in tunes for a, b in tune.phrases]


def read_verse(path: Path) -> list[str]:
    """Return the first lines of the first poem whose lines are short enough."""
    for poem in verse.read_poems(path):
        lines = [line for line in poem.split("\n") if line.strip()][:N_LINES]
        if len(lines) == N_LINES and all(_count(line) <= LONGEST for line in lines):
            return lines
    raise ValueError(f"{path.name} must hold a poem with {N_LINES} lines of {LONGEST} syllables")


def _count(line: str) -> int:
    return sum(len(lyrics.sounds(word)[0].stresses) for word in voice.words(line))


def place(lines: list[str], pool: list[tuple[np.ndarray, np.ndarray]]) -> Verse:
    """Put each line on the phrase that fits it best and was used least; take turns in the pool."""
    used, notes, strong, holders, counts, t = Counter(), [], [], [], [], 0.5
    for line in lines:
        fits = [i for i, (own, _) in enumerate(pool) if len(own) >= _count(line)]
        k = min(fits, key=lambda i: (used[i], len(pool[i][0]), i))
        used[k] += 1
        own, on_strong = pool[k]
        _, counted, holder = lyrics.set_line(line, on_strong)
        notes.append(own - [own[0, 0] - t, own[0, 0] - t, 0])
        strong.append(on_strong)
        holders.append(holder)
        counts.append(counted)
        t = notes[-1][-1, 1] + GAP_S
    edges = np.cumsum([0, *map(len, notes)]).tolist()
    melody = voice.Melody(
        np.concatenate(notes),
        np.concatenate(strong),
        tuple(pairwise(edges)),
        np.concatenate(holders),
    )
    return Verse(lines, melody, counts)


def sing(own: Verse, name: str) -> voice.Song:
    return voice.sing(own.lines, own.melody, voice=name, syllables=own.syllables)


def cut(song: voice.Song, own: Verse) -> list[np.ndarray]:
    """Cut a song into its lines, each with the consonants before it."""
    notes = own.melody.notes
    spans = [(notes[a, 0] - 0.45, notes[b - 1, 1] + 0.1) for a, b in own.melody.phrases]
    return [song.y[max(0, round(a * song.sr)) : round(b * song.sr)] for a, b in spans]


def pitch_errors(y: np.ndarray, notes: np.ndarray, *, sr: int) -> np.ndarray:
    """Return by how many cents held notes are off, on the mean over whole cycles of vibrato."""
    import librosa

    cycle, errors = 1 / voice.VIBRATO_HZ, []
    for start, end, pitch in notes[notes[:, 1] - notes[:, 0] >= 0.3]:
        first, n_cycles = start + 0.08, math.floor((end - start - 0.16) / cycle)
        last = first + n_cycles * cycle if n_cycles else end - 0.08
        part = y[round((first - 0.05) * sr) : round((last + 0.05) * sr)]
        low, high = librosa.midi_to_hz([pitch - 2, pitch + 2])
        f0, voiced, _ = librosa.pyin(
            part, sr=sr, fmin=low, fmax=high, resolution=0.02, frame_length=1024, hop_length=110
        )
        t = first - 0.05 + np.arange(len(f0)) * 110 / sr
        kept = voiced & (t >= first) & (t < last)
        if kept.sum() >= 10:
            errors.append(np.mean(1200 * np.log2(f0[kept] / librosa.midi_to_hz(pitch))))
    return np.array(errors)


def onset_errors(y: np.ndarray, times: Sequence[float], *, sr: int) -> np.ndarray:
    """Return how far from each time (s) the levels of 12 bands of 0.3 to 3 kHz rise most.

    Looked for within 80 ms, in 30 ms after against 30 ms before, without any knowledge of what was
    sung. After D. Hermes (1990), "Vowel-onset detection", JASA 87(2).
    """
    size, hop, k = round(0.015 * sr), round(0.0025 * sr), 12
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(y, size), size)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), 1024)) ** 2
    edges = np.searchsorted(np.fft.rfftfreq(1024, 1 / sr), np.geomspace(300, 3000, 13))
    bands = np.stack([power[:, a:b].sum(1) for a, b in pairwise(edges)], 1)
    level = 10 * np.log10(bands + 1e-3 * bands.max(axis=0) + 1e-12)
    sums = np.cumsum(np.pad(level, ((1, 0), (0, 0))), axis=0)
    means = (sums[k:] - sums[:-k]) / k
    rise = np.maximum(means[k:] - means[:-k], 0).sum(axis=1)
    t = ((np.arange(len(rise)) + k) * hop - size / 2) / sr
    near = [np.flatnonzero(np.abs(t - time) <= 0.08) for time in times]
    return np.array([t[i[rise[i].argmax()]] - time for i, time in zip(near, times, strict=True)])


def bigram(lines: Sequence[str], discount: float = 0.5) -> str:
    """Write a language model in ARPA's format: pairs of words, smoothed by absolute discounting."""
    pairs: Counter[tuple[str, str]] = Counter()
    for line in lines:
        row = ["<s>", *voice.words(line), "</s>"]
        pairs.update(pairwise(row))
    singles, before, kinds = Counter(), Counter(), Counter(first for first, _ in pairs)
    for (first, second), n in pairs.items():
        singles[second] += n
        before[first] += n
    share = {word: n / sum(singles.values()) for word, n in singles.items()}
    left = {word: discount * kinds[word] / n for word, n in before.items()}
    rows = [f"-99 <s> {math.log10(left['<s>']):.5f}"]
    rows += [
        f"{math.log10(p):.5f} {word} {math.log10(left.get(word, 1)):.5f}"
        for word, p in share.items()
    ]
    double = [
        f"{math.log10((n - discount) / before[a] + left[a] * share[b]):.5f} {a} {b}"
        for (a, b), n in pairs.items()
    ]
    head = ["\\data\\", f"ngram 1={len(rows)}", f"ngram 2={len(double)}", "", "\\1-grams:"]
    return "\n".join([*head, *rows, "", "\\2-grams:", *double, "", "\\end\\", ""])


def spell(word: str) -> str:
    """Write how the voice says a word in the alphabet of pocketsphinx's dictionary."""
    result = []
    for name, *_ in voice.speak(word, voice="en-us").phonemes:
        rest = name.strip("ˈˌ")
        while rest:
            found = next(((a, b) for a, b in _TABLE if rest.startswith(a)), (rest[0], ""))
            result.append(found[1] or (found[0].upper() if found[0].isascii() else ""))
            rest = rest[len(found[0]) :]
    return " ".join(filter(None, result))


class Recogniser:
    """pocketsphinx, with a bigram over the lines and decoys; a fresh decoder for each line."""

    def __init__(self, lines: Sequence[str], decoys: Sequence[str], folder: Path) -> None:
        import pocketsphinx

        self.lines, self.decoys, self.sphinx = lines, decoys, pocketsphinx
        acoustic = Path(pocketsphinx.get_model_path()) / "en-us"
        said: dict[str, list[str]] = {}
        for row in (acoustic / "cmudict-en-us.dict").read_text(encoding="utf-8").split("\n"):
            word, _, phones = row.partition(" ")
            said.setdefault(word.split("(")[0], []).append(phones)
        rows = []
        for word in sorted({word for line in [*lines, *decoys] for word in voice.words(line)}):
            for k, phones in enumerate(said.get(word) or [spell(word)]):
                rows.append(f"{word}{f'({k + 1})' if k else ''} {phones}")
        self.options = {"hmm": str(acoustic / "en-us"), "dict": str(folder / "words.dict")}
        self.options |= {"cmn": "batch", "beam": 1e-80, "pbeam": 1e-80, "wbeam": 1e-60}
        (folder / "words.dict").write_text("\n".join([*rows, ""]), encoding="utf-8")
        self.bigram = folder / "bigram.arpa"
        self.bigram.write_text(bigram([*lines, *decoys]), encoding="utf-8")

    def hear(self, y: np.ndarray, choices: Sequence[str] = ()) -> list[str]:
        """Return the words heard; of `choices`, if there are any, all the words of one."""
        lm = {} if choices else {"lm": str(self.bigram)}
        decoder = self.sphinx.Decoder(**self.options, **lm, samprate=RATE, loglevel="FATAL")
        if choices:
            arcs, n_states = [], 2  # from 0 to 1, each choice a way of its own
            for choice in choices:
                way = voice.words(choice)
                states = [0, *range(n_states, n_states + len(way) - 1), 1]
                n_states += len(way) - 1
                for (a, b), word in zip(pairwise(states), way, strict=True):
                    arcs.append((a, b, 1 / len(choices) if a == 0 else 1.0, word))
            decoder.add_fsg("lines", decoder.create_fsg("lines", 0, 1, arcs))
            decoder.activate_search("lines")
        x = audio.resample(np.pad(y, voice.SR // 4), sr_from=voice.SR, sr_to=RATE)
        x = x / max(2 * float(np.abs(x).max()), 1e-9)
        x = x + 1e-4 * np.random.default_rng(0).standard_normal(len(x))  # digital silence misleads
        decoder.start_utt()
        decoder.process_raw(audio.to_int16(x).tobytes(), full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        return heard.hypstr.split() if heard else []

    def count(self, sounds: Sequence[np.ndarray]) -> int:
        """Count the words of the lines that are heard, in their order."""
        pairs = zip(self.lines, sounds, strict=True)
        return sum(in_common(voice.words(line), self.hear(y)) for line, y in pairs)

    def pick(self, sounds: Sequence[np.ndarray]) -> int:
        """Count the lines that are told from others."""
        n = 0
        for line, y in zip(self.lines, sounds, strict=True):
            others = [other for other in [*self.lines, *self.decoys] if other != line]
            choices = [line, *others][:N_CHOICES]
            n += self.hear(y, choices) == voice.words(line)
        return n


def in_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest row of words that both hold in that order."""
    best = [0] * (len(other) + 1)
    for word in one:
        row = [0]
        for k, candidate in enumerate(other):
            row.append(best[k] + 1 if word == candidate else max(best[k + 1], row[k]))
        best = row
    return best[-1]


def controls(own: Verse) -> dict[str, Verse]:
    """Return the verse on one note throughout, and its melody without words."""
    melody = own.melody
    notes = melody.notes.copy()
    notes[:, 2] = np.round(np.median(notes[:, 2]))
    counts = [sum(line) for line in own.syllables]
    return {
        "one note throughout": replace(own, melody=replace(melody, notes=notes)),
        "melody alone": Verse(
            [" ".join(["la"] * n) for n in counts], melody, [[1] * n for n in counts]
        ),
    }


def measure(
    lines: list[str],
    decoys: list[str],
    pool: list[tuple[np.ndarray, np.ndarray]],
    oracle: real.Oracle | None,
    voice_name: str,
) -> tuple[dict[str, list[float]], dict[str, dict[str, float]]]:
    """Sing a verse and have it judged; return numbers for the table, and those of the controls."""
    own = place(lines, pool)
    notes = own.melody.notes
    seconds = math.inf
    for _ in range(3):  # the first time, libraries are loaded; others may be at work, too
        start = time.perf_counter()
        song = sing(own, voice_name)
        seconds = min(seconds, time.perf_counter() - start)
    sung = np.concatenate(cut(song, own))
    cents = np.abs(pitch_errors(song.y, notes, sr=song.sr))
    onsets = onset_errors(song.y, [start for _, start, _ in song.syllables], sr=song.sr)
    names = iter(TARGETS)
    values = {
        next(names): [float(np.median(cents))],
        next(names): [100 * float(np.mean(cents <= 30))],
        next(names): [100 * float(np.mean(np.abs(onsets) <= 0.03))],
    }
    name = next(names)
    others = controls(own) | {"wrong words": place(decoys, pool)}
    sounds = {"sung": song} | {what: sing(one, voice_name) for what, one in others.items()}
    table: dict[str, dict[str, float]] = {what: {} for what in ("spoken", *sounds)}
    if oracle:
        for what in ("sung", "one note throughout", "melody alone"):
            table[what]["F"] = real.onset_f(notes, oracle(sounds[what].y))
        values[name] = [table["sung"]["F"]]
    names_of_words = next(names), next(names)
    if importlib.util.find_spec("pocketsphinx"):
        with TemporaryDirectory() as folder:
            ears = Recogniser(lines, decoys, Path(folder))
            parts = {what: cut(one, others.get(what, own)) for what, one in sounds.items()}
            parts["spoken"] = [voice.speak(line, voice=voice_name).y for line in lines]
            for what, some in parts.items():
                table[what] |= {"words": ears.count(some), "lines": ears.pick(some)}
        share = table["sung"]["words"] / max(table["spoken"]["words"], 1)
        values |= zip(names_of_words, ([100 * share], [table["sung"]["lines"]]), strict=True)
    values[next(names)] = [len(song.y) / song.sr / seconds]
    values[next(names)] = [audio.level_dbfs(sung)]
    values[next(names)] = [float(np.count_nonzero(np.abs(song.y) >= 1))]
    return values, table


def main() -> None:
    """Print the table, and what the controls are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--voice", default="en-us+f2")
    parser.add_argument(
        "--dev", action="store_true", help="verses and melodies to choose settings on"
    )
    parser.add_argument("--texts", type=Path, default=TEXTS)
    options = parser.parse_args()
    oracle = real.load_oracle()
    if oracle is None:
        print(real.HOW)
    if not importlib.util.find_spec("pocketsphinx"):
        print("Words are recognised by pocketsphinx, which isn't installed: make check installs it")
    pool = phrases(range(100, 106) if options.dev else range(300, 310))
    decoys = read_verse(options.texts / f"{DECOYS}.txt")
    values: dict[str, list[float]] = {}
    sums: dict[str, Counter] = {}
    for book in DEV_BOOKS if options.dev else BOOKS:
        lines = read_verse(options.texts / f"{book}.txt")
        own, table = measure(lines, decoys, pool, oracle, options.voice)
        print(f"{book:12}", ", ".join(f"{value[0]:.3f}" for value in own.values()), flush=True)
        for what, value in own.items():
            values.setdefault(what, []).extend(value)
        for what, row in table.items():
            sums.setdefault(what, Counter()).update(row)
            print(
                f"{'':12}{what:22}", ", ".join(f"{k} {n:.3g}" for k, n in row.items()), flush=True
            )
    targets.print_rows(targets.compare(values, TARGETS))
    print("sums over the verses:")
    for what, row in sums.items():
        print(f"{what:22}", ", ".join(f"{k} {n:.3g}" for k, n in row.items()))


if __name__ == "__main__":
    main()
