"""A voice that speaks and sings: eSpeak NG says a line, WORLD takes it apart, and notes shape it.

eSpeak NG gives the sounds of speech with their times. WORLD describes them every 5 ms as a source
(its pitch `f0` in Hz, 0 where it is unvoiced, and the share of noise in each band) that passes a
filter (the spectral envelope, which holds the vowel). Singing is then three changes: where in the
speech each moment of the song is taken from, how high the source is, how loud it is.

The libraries stand in the extra `words`, and are loaded only when they are used. Sound is mono
float32 at 22,050 Hz, which is eSpeak NG's rate. Times are in s, and the same call gives the same
sound. Taught in notebook 10.

Source: eSpeak NG (espeak-ng.org); M. Morise, F. Yokomori and K. Ozawa, "WORLD: a vocoder-based
high-quality speech synthesis system", IEICE Transactions on Information and Systems E99-D, 2016;
J. Sundberg, The Science of the Singing Voice, 1987.
"""

import ctypes
import difflib
import functools
import os
import re
import tempfile
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from helpers import audio

SR = 22_050  # Hz
FRAME_S = 0.005
RATE, VOLUME, PITCH, MELODY = 130, 100, 40, 0  # of speech: words a minute, the others of 100
LOWEST, HIGHEST = 36, 81  # MIDI pitches between which WORLD and a throat can follow
SHORTEST_S = 0.12  # of a sung syllable
VOWELS = "iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝᵻ\u0329"  # the last marks a consonant that is a syllable
CONSONANTS, SHARE = 1.4, 0.45  # times as long as spoken, but at most this share of a short note
EDGE_S = 0.07  # of a vowel, that keep the speed of speech
NOISE = 0.3  # least share of noise in the source: it fills what lies between high partials
LOWEST_DB = 10.0  # by which vowels' lowest partial is raised: else their second is often stronger
GLIDE_S, VIBRATO_HZ, VIBRATO = 0.06, 5.5, 0.3  # the last: half its extent in semitones
LEVEL_DB, ARCH_DB, BREATH_DB = -20.0, 3.0, -30.0  # dBFS RMS; re a phrase's ends; re its vowel
Phonemes = list[tuple[str, float, float]]  # name in IPA, start s, end s
Held = list[tuple[int, float, float]]  # which phoneme, from when to when in the song
_LETTERS = "(?:[^\\W\\d_]\0*)+"  # of what `_plain` makes
_WORD = re.compile(f"['’]?{_LETTERS}(?:['’-]{_LETTERS})*['’]?")
_SPELT = re.compile("(?:(?!(?<=q)u)[aeiouyàâäáåãæèéêëìíîïòóôöõøùúûüýÿœ])+")  # vowels in writing
_LOCK = threading.Lock()  # eSpeak NG has one state for the whole process


@dataclass(frozen=True)
class Speech:
    """What was said; `words` says of each phoneme to which of `words(text)` it belongs."""

    y: np.ndarray
    sr: int
    phonemes: Phonemes
    words: list[int]


@dataclass(frozen=True)
class Frames:
    """What WORLD knows of a sound, every 5 ms; `replace(frames, f0=...)` changes one part."""

    f0: np.ndarray  # (n_frames,) Hz, 0 where unvoiced
    envelope: np.ndarray  # (n_frames, n_bins) power: the filter
    aperiodicity: np.ndarray  # (n_frames, n_bins) the share of noise in the source, 0 to 1
    sr: int


@dataclass(frozen=True)
class Melody:
    """What a voice sings.

    `notes`, float64, (n_notes, 3), are start and end in s and MIDI pitch, none overlapping the
    next; `strong`, bool, (n_notes,), says which begin on a strong beat. Each of `phrases`, a breath
    and a line of verse, is its first note and the one after its last. `syllable`, int64,
    (n_notes,), says which syllable of its phrase a note holds; left out, each holds its own.
    """

    notes: np.ndarray
    strong: np.ndarray
    phrases: tuple[tuple[int, int], ...]
    syllable: np.ndarray | None = None


@dataclass(frozen=True)
class Song:
    """A sung melody; `syllables` are (text, start s, end s), from the beat of the first note on."""

    y: np.ndarray
    sr: int
    syllables: list[tuple[str, float, float]]


def library(name: str) -> ModuleType:
    """Import a library of the extra `words`."""
    try:
        return __import__(name)
    except ImportError as error:
        raise ImportError(
            f"a voice needs the packages of the extra `words`, but {name} is missing: "
            "python -m pip install -e '.[words]'"
        ) from error


def _is_vowel(name: str) -> bool:
    """Say whether a phoneme can be a syllable."""
    return any(c in VOWELS for c in name)


class _Event(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("type", "uid", "position", "length", "ms", "sample")),
        ("user", ctypes.c_void_p),
        ("name", ctypes.c_ubyte * 8),  # of a phoneme, not always with a NUL
    )


_SAID: list[bytes] = []
_EVENTS: list[tuple[int, int, int, str]] = []  # type, place in the text, sample, name


# it must live as long as the library, hence here
@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))
def _collect(wave: int | None, n_samples: int, event: Any) -> int:
    """Take what eSpeak NG says, and when: 1 a word begins, 7 a phoneme, 0 ends the list."""
    if wave and n_samples > 0:
        _SAID.append(ctypes.string_at(wave, 2 * n_samples))  # a copy: the buffer is reused
    i = 0
    while event[i].type:
        name = bytes(event[i].name).split(b"\0")[0] if event[i].type == 7 else b""
        row = event[i].type, event[i].position, event[i].sample, name.decode("utf-8", "ignore")
        _EVENTS.append(row)
        i += 1
    return 0


@functools.cache
def _espeak() -> ctypes.CDLL:
    """Load eSpeak NG: synchronous, with events for phonemes, named in IPA."""
    loader = library("espeakng_loader")
    lib = ctypes.CDLL(str(loader.get_library_path()))
    data = os.fsencode(str(loader.get_data_path()))
    if lib.espeak_Initialize(2, 500, data, 1 | 2 | 0x8000) <= 0:  # the last: else it ends Python
        raise OSError(
            f"eSpeak NG can't read {os.fsdecode(data)}, a path of {len(data)} characters: at most "
            "150 work; install the project in a shorter folder"
        )
    lib.espeak_SetSynthCallback(_collect)
    return lib


@functools.cache
def voices() -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the languages that can be spoken, and variants (f2 in "de+f2"), with their files."""
    data = Path(library("espeakng_loader").get_data_path())
    spoken = {path.name.split("_")[0] for path in data.glob("*_dict")}
    files = sorted(path for path in (data / "lang").rglob("*") if path.is_file())
    languages = {path.name.lower(): path for path in files}
    return (
        {code: path for code, path in languages.items() if code.split("-")[0] in spoken},
        {path.name: path for path in sorted((data / "voices" / "!v").iterdir())},
    )


def _description(voice: str) -> str:
    """Return eSpeak NG's description of a voice; ValueError with similar ones for an unknown one.

    It is made steady: what flutters goes on from one line to the next, so that none would sound
    the same again, and what echoes blurs where sounds end.
    """
    language, plus, variant = voice.partition("+")
    text = ""
    for name, known in zip([language, variant] if plus else [language], voices(), strict=False):
        if name not in known:
            close = difflib.get_close_matches(name, known, 3, 0.3) or list(known)[:3]
            raise ValueError(
                "voice must be a language of eSpeak NG, with or without a variant (en-us+f2), got "
                f"{voice!r}: {name!r} is unknown, similar are {', '.join(close)}; voices() has all"
            )
        rows = known[name].read_text(encoding="utf-8").split("\n")
        text += "\n".join(row for row in rows if row != "language variant") + "\n"
    return text + "flutter 0\nroughness 0\necho 0 0\n"


def _plain(text: str) -> str:
    """Put NUL for each mark on a letter (accents, and in Hindi vowels), and for what joins two."""
    marks = (c in "\u200c\u200d" or unicodedata.category(c)[0] == "M" for c in text)
    return "".join("\0" if mark else c for mark, c in zip(marks, text, strict=True))


def words(text: str) -> list[str]:
    """Return the words of a line as they are sung, in lower case: punctuation is passed over."""
    text = unicodedata.normalize("NFC", text)
    found = (text[slice(*match.span())] for match in _WORD.finditer(_plain(text)))
    return [word.lower().replace("’", "'") for word in found]


def hyphenate(text: str, syllables: Sequence[int]) -> list[str]:
    """Cut a line's text into its syllables, near enough to read along: joined, they are the text.

    `syllables` says how many each word has; another number of words is a ValueError.

    >>> hyphenate("o heaven's loved, delighteth", [1, 2, 1, 3])
    ['o ', 'hea', "ven's ", 'loved, ', 'de', 'ligh', 'teth']
    """
    plain, result = _plain(text), list[str]()
    begins = [match.start() for match in _WORD.finditer(plain)]
    if len(begins) != len(syllables):
        raise ValueError(f"{text[:40]!r} has {len(begins)} words, syllables of {len(syllables)}")
    edges = [0, *begins[1:], len(text)] if begins else []
    for (begin, end), n in zip(pairwise(edges), syllables, strict=True):
        whole, cuts = text[begin:end], [0]
        at = [k for k, c in enumerate(plain[begin:end]) if not k or c != "\0"] + [len(whole)]
        signs = (unicodedata.normalize("NFC", whole[a:b])[0] for a, b in pairwise(at))
        word = "".join(sign.lower()[0] for sign in signs)  # a letter each, whatever its accents
        vowels = [match.span() for match in _SPELT.finditer(word)] or [(0, len(word))]
        if len(vowels) > n and re.search(r"([^l]e|e[ds])\W*$", word):
            del vowels[-1]  # it is silent
        while len(vowels) < n:  # vowels side by side: di-al
            longest = max(vowels, key=lambda span: span[1] - span[0])
            i, (a, b) = vowels.index(longest), longest
            vowels[i : i + 1] = [(a, a + 1), (min(a + 1, b), b)]
        for (_, left), (right, _) in pairwise(vowels[:n]):
            last = re.search("([tscpwg]h|[bcdfgkpt][lr]|[^'’-])?$", word[left:right])
            cuts.append(right - len(last[0] if last else ""))
        if min(np.diff([*cuts, len(word)])) < 1:  # spelling doesn't show them
            cuts = [len(word) * k // n for k in range(n)]
        result += [whole[at[a] : at[b]] for a, b in pairwise([*cuts, len(word)])]
    return result


def speak(text: str, *, voice: str = "en-us+f2") -> Speech:
    """Say a line, slowly and on one pitch, as is best to be sung.

    A text without words and an unknown voice are ValueErrors.
    """
    said = words(text)
    if not said or re.search(r"\d", text):
        raise ValueError(
            f"a line must have words to be sung, numbers written out, got {text[:40]!r}: write it "
            "as it is to be said"
        )
    description = _description(voice)
    folders = (tempfile.gettempdir(), "/tmp", os.curdir)
    short = next(some for some in folders if os.path.isdir(some) and len(os.fsencode(some)) < 48)
    with _LOCK, tempfile.TemporaryDirectory(prefix="", dir=short) as folder:
        near = os.path.relpath(folder) if short == os.curdir else folder  # Python 3.12 resolves it
        lib, path = _espeak(), os.path.join(near, "v")  # eSpeak NG keeps 59 bytes of a path
        Path(path).write_text(description, encoding="utf-8")
        _SAID.clear()
        _EVENTS.clear()
        lib.espeak_ng_SetRandSeed(1)
        if lib.espeak_ng_SetVoiceByFile(os.fsencode(path)):
            raise OSError(f"eSpeak NG can't read {path}: set TMPDIR to a shorter folder")
        for parameter, value in enumerate((RATE, VOLUME, PITCH, MELODY), 1):
            lib.espeak_SetParameter(parameter, value, 0)
        raw = " ".join(said).encode() + b"\0"
        lib.espeak_Synth(raw, ctypes.c_size_t(len(raw)), 0, 1, 0, 1, None, None)  # 1: characters
        lib.espeak_Synchronize()
        y, events = audio.from_int16(np.frombuffer(b"".join(_SAID), np.int16)), list(_EVENTS)
    ends = np.cumsum([len(word) + 1 for word in said])  # of each word, in characters from 1
    phonemes, places, place = [], [], 0
    for (kind, position, sample, sound), (*_, end, _) in pairwise(events):
        if kind == 1:
            place = int(np.searchsorted(ends, position))
        elif kind == 7 and sound and end > sample:
            phonemes.append((sound, sample / SR, end / SR))
            places.append(place)
    return Speech(y, SR, _dated(y, phonemes), places)


def analyse(y: np.ndarray, *, sr: int, voiced: np.ndarray | None = None) -> Frames:
    """Take speech apart into source and filter (WORLD: DIO, CheapTrick, D4C).

    Its pitch must stay within half an octave of its median, else octave errors would ripple the
    filter. Where `voiced`, (n_frames,) bool, is true and no pitch is found, the nearest is taken.
    """
    world, period = library("pyworld"), 1000 * FRAME_S
    x = np.ascontiguousarray(y, np.float64)
    rough = world.harvest(x[:sr], sr, frame_period=period)[0]
    middle = float(np.median(rough[rough > 0])) if rough.any() else 150.0
    f0, t = world.dio(x, sr, middle / 1.4, middle * 1.6, frame_period=period)
    f0 = world.stonemask(x, f0, t, sr)
    if voiced is not None and f0.any():
        gaps = voiced[: len(f0)] & (f0 == 0)
        f0[gaps] = np.interp(t[gaps], t[f0 > 0], f0[f0 > 0])
    envelope = world.cheaptrick(x, f0, t, sr)
    return Frames(f0, envelope, world.d4c(x, f0, t, sr, fft_size=2 * (envelope.shape[1] - 1)), sr)


def synthesise(frames: Frames) -> np.ndarray:
    """Let the source of the frames sound through their filter: the inverse of `analyse`."""
    parts = (frames.f0, frames.envelope, frames.aperiodicity)
    arrays = [np.ascontiguousarray(part, np.float64) for part in parts]
    return library("pyworld").synthesize(*arrays, frames.sr, 1000 * FRAME_S).astype(np.float32)


def take(frames: Frames, places: np.ndarray) -> Frames:
    """Read frames at other moments: `places` are frame numbers, also between two frames.

    `np.full(200, 31)` holds frame 31 for a second; what lies between is mixed (the envelope in dB).
    """
    places = np.clip(places, 0, len(frames.f0) - 1)
    i, j = np.floor(places).astype(int), np.ceil(places).astype(int)
    part = (places - i)[:, None]
    both = np.log(frames.envelope + 1e-16), frames.aperiodicity
    level, noise = (x[i] * (1 - part) + x[j] * part for x in both)
    return Frames(frames.f0[np.rint(places).astype(int)], np.exp(level), noise, frames.sr)


def scale_formants(frames: Frames, factor: float) -> Frames:
    """Move all formants up (a shorter throat) or down, by a factor; the pitch stays."""
    bins = np.arange(frames.envelope.shape[1])
    moved = [np.interp(bins / factor, bins, row) for row in np.log(frames.envelope + 1e-16)]
    return replace(frames, envelope=np.exp(moved))


def _change_of_spectrum(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every 2.5 ms how much the levels of 24 bands of 0.2 to 6 kHz change (t in s, dB)."""
    hop, size, k = round(0.0025 * SR), round(0.015 * SR), 5
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(y, size), size)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), 512)) ** 2
    edges = np.searchsorted(np.fft.rfftfreq(512, 1 / SR), np.geomspace(200, 6000, 25))
    bands = np.stack([power[:, a : max(b, a + 1)].sum(1) for a, b in pairwise(edges)], 1)
    bands = 10 * np.log10(bands + 1e-4 * bands.max() + 1e-12)
    sums = np.cumsum(np.pad(bands, ((1, 0), (0, 0))), axis=0)
    means = (sums[k:] - sums[:-k]) / k  # of k frames each
    change = np.linalg.norm(means[k:] - means[:-k], axis=1)  # after frame i + k, against before
    return ((np.arange(len(change)) + k) * hop - size / 2) / SR, change


def _dated(y: np.ndarray, phonemes: Phonemes, reach: float = 0.035) -> Phonemes:
    """Let vowels begin where the sound changes: after some consonants they are 20 to 50 ms off."""
    moved = list(phonemes)
    t, change = _change_of_spectrum(y)
    for k in range(1, len(moved)):
        (before, start, _), (name, onset, end) = moved[k - 1], moved[k]
        near = (t >= max(onset - reach, start + 0.015)) & (t <= min(onset + reach, end - 0.03))
        if _is_vowel(name) and not _is_vowel(before) and near.any():
            likely = change * np.exp(-((t - onset) ** 2) / 0.0018)
            onset = float(t[np.where(near, likely, -1).argmax()])
            moved[k - 1], moved[k] = (before, start, onset), (name, onset, end)
    return moved


def _groups(speech: Speech, n_words: int) -> list[tuple[range, list[int]]]:
    """Return which words are said as one (of the), and which phonemes are their vowels."""
    vowels = [(i, at) for i, at in enumerate(speech.words) if _is_vowel(speech.phonemes[i][0])]
    bounds = pairwise([0, *sorted(set(speech.words) - {speech.words[0]}), n_words])
    return [(range(a, b), [i for i, at in vowels if a <= at < b]) for a, b in bounds]


def count_syllables(text: str, *, voice: str = "en-us+f2") -> list[int]:
    """Count the syllables that a voice says of each word, in any language."""
    said = words(text)
    counts = [1] * len(said)
    for group, vowels in _groups(speak(text, voice=voice), len(said)):
        counts[max(group, key=lambda k: len(said[k]))] += max(0, len(vowels) - len(group))
    return counts


def stresses(word: str) -> str:
    """Say how English is stressed in a word: a digit a syllable, 1 main, 2 second, 0 none."""
    phonemes = [name for name, *_ in speak(word, voice="en-us").phonemes if _is_vowel(name)]
    return "".join("1" if "ˈ" in name else "2" if "ˌ" in name else "0" for name in phonemes)


def _held(speech: Speech, said: list[str], counts: Sequence[int], edges: list[float]) -> Held:
    """Choose the vowels that are held, in order: place among the phonemes, start s, end s.

    Where more vowels are said than there are syllables, the weakest are sung like consonants;
    where fewer, the longest are held for several. `edges` bound the syllables.
    """
    held: Held = []
    k = 0
    for group, vowels in _groups(speech, len(said)):
        if not vowels:
            word = " ".join(said[i] for i in group)
            raise ValueError(f"a word must have a vowel to be sung, got {word!r}: spell it as said")
        n = sum(counts[i] for i in group)
        length = {i: speech.phonemes[i][2] - speech.phonemes[i][1] for i in vowels}
        weakest = sorted(vowels, key=lambda i: ("ˈ" in speech.phonemes[i][0], length[i]))
        share = dict.fromkeys(sorted(weakest[max(0, len(vowels) - n) :]), 1)
        while sum(share.values()) < n:
            share[max(share, key=lambda i: length[i] / share[i])] += 1
        for i, times in share.items():
            held.append((i, edges[k], edges[k + times]))
            k += times
    return held


def _time_map(phonemes: Phonemes, held: Held, room_s: float) -> np.ndarray:
    """Return moments of the song, and the moments of the speech that sound there: (2, n_knots).

    Consonants stand before beats, vowels stretch in the middle; before the first beat is `room_s`.
    """
    before = CONSONANTS * (phonemes[held[0][0]][1] - phonemes[0][1])
    knots = [(held[0][1] - min(before, room_s), phonemes[0][1])]
    following = [phonemes[i][1] for i, *_ in held[1:]] + [phonemes[-1][2]]
    for (i, start, end), after in zip(held, following, strict=True):
        name, v0, v1 = phonemes[i]
        room, length = end - start, v1 - v0
        vowel = room - min(CONSONANTS * (after - v1), max(SHARE * room, room - SHORTEST_S))
        knots.append((start, v0))
        if vowel > length:
            glides = sum(c in VOWELS for c in name) > 1  # a diphthong: its first vowel is held
            a = min(0.3 * length, 0.08 if glides else EDGE_S)
            b = 0.6 * length if glides else min(EDGE_S, 0.35 * length)
            knots += [(start + a, v0 + a), (start + vowel - b, v1 - b)]
        if after - v1 > 1e-4:
            knots.append((start + vowel, v1))
    return np.array([*knots, (held[-1][2], phonemes[-1][2])]).T


def pitch_curve(t: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Return the pitch (Hz) at times `t` (s): notes joined by glides, those held with a vibrato.

    `notes` are (start s, end s, MIDI pitch).
    """
    pitch = np.full(len(t), notes[0, 2])
    for (_, _, before), (start, _, after) in pairwise(notes):
        part = np.clip((t - start) / GLIDE_S + 0.67, 0, 1)
        pitch += (after - before) * (0.5 - 0.5 * np.cos(np.pi * part))
    for start, end, _ in notes[notes[:, 1] - notes[:, 0] > 0.55]:
        depth = np.clip((t - start - 0.3) / 0.25, 0, 1) * np.clip((end - 0.03 - t) / 0.1, 0, 1)
        pitch += VIBRATO * depth * np.sin(2 * np.pi * VIBRATO_HZ * (t - start - 0.3))
    return 440 * 2 ** ((pitch - 69) / 12)


def sing(
    lines: Sequence[str],
    melody: Melody,
    *,
    voice: str = "en-us+f2",
    syllables: Sequence[Sequence[int]] | None = None,
) -> Song:
    """Sing lines on a melody, one a phrase, each in one breath.

    `voice` is as for `speak`. `syllables` says how many each word of each line has; by default
    those that the voice says. The song begins where the melody's time is 0, which should be 0.5 s
    before its first note, for its consonants; its level is -20 dBFS RMS. A ValueError says where
    lines and phrases, or syllables and notes, aren't as many, or what can't be said or sung.
    """
    n, got = len(melody.phrases), [len(lines)] + ([] if syllables is None else [len(syllables)])
    if not n or any(k != n for k in got):
        raise ValueError(f"{n} phrases (at least 1) need as many lines to be sung, got {got}")
    y = np.zeros(round((melody.notes[-1, 1] + 0.5) * SR), np.float32)
    parts, before = [], 0.0
    shown: list[tuple[str, float, float]] = []
    for k, (text, (first, last)) in enumerate(zip(lines, melody.phrases, strict=True)):
        notes = melody.notes[first:last]
        holder = np.arange(last - first) if melody.syllable is None else melody.syllable[first:last]
        edges = np.append(notes[np.diff(holder, prepend=-1) > 0, 0], notes[-1, 1])
        counts = count_syllables(text, voice=voice) if syllables is None else list(syllables[k])
        _check(text, counts, notes, edges)
        speech = speak(text, voice=voice)
        held = _held(speech, words(text), counts, edges.tolist())
        part, begin = _phrase(speech, held, notes, before)
        at = max(0, round(begin * SR))
        y[at : at + len(part)] += part
        parts.append(part)
        before = float(notes[-1, 1])
        spans = zip(hyphenate(text + "\n", counts), pairwise(edges.tolist()), strict=True)
        shown += [(syllable, *span) for syllable, span in spans]
    gain_db = LEVEL_DB - audio.level_dbfs(np.concatenate(parts))
    y *= np.float32(min(10 ** (gain_db / 20), 0.98 / max(float(np.abs(y).max()), 1e-9)))
    return Song(y, SR, shown)


def _check(text: str, counts: Sequence[int], notes: np.ndarray, edges: np.ndarray) -> None:
    """Raise a ValueError for what can't be sung; `edges` bound the syllables."""
    shortest, low, high = np.diff(edges).min(), notes[:, 2].min(), notes[:, 2].max()
    needed, given = (len(words(text)), len(edges) - 1), (len(counts), sum(counts))
    fault = ""
    if needed != given:
        fault = "{} words and {} syllables are needed, got {} and {}".format(*needed, *given)
        fault += ": lyrics.set_line puts a line on the notes of a phrase"
    elif min(counts) < 1 or notes[0, 0] < 0 or not np.isfinite(notes).all():
        fault = f"each word needs a syllable, and notes start at 0 s or later: got {list(counts)}"
    elif shortest < SHORTEST_S - 1e-6:
        fault = f"a syllable must last {SHORTEST_S} s at least, got {shortest:.3f} s"
        fault += ": slow the melody down, or hold notes together"
    elif low < LOWEST or high > HIGHEST:
        fault = f"MIDI pitches must be {LOWEST} to {HIGHEST}, got {low:g} to {high:g}"
        fault += ": move the melody by octaves"
    if fault:
        raise ValueError(f"to sing {text[:40]!r}, {fault}")


def _phrase(
    speech: Speech, held: Held, notes: np.ndarray, before: float
) -> tuple[np.ndarray, float]:
    """Sing one line; return its sound, and when that begins (s), which is after `before`."""
    t = np.arange(len(speech.y) / SR / FRAME_S + 1) * FRAME_S
    voiced = np.zeros(len(t), bool)
    for name, start, end in speech.phonemes:
        voiced |= _is_vowel(name) & (t >= start - FRAME_S / 2) & (t < end - FRAME_S)
    spoken = analyse(speech.y, sr=SR, voiced=voiced)
    sung, places = _time_map(speech.phonemes, held, max(0.02, notes[0, 0] - before))
    inhaled = min(0.3, max(0.0, sung[0] - before - 0.05))  # s of breath before the first sound
    t = np.arange(sung[0] - inhaled, sung[-1] + 0.1, FRAME_S)
    source = np.interp(t, sung, places) / FRAME_S
    frames, vowel = take(spoken, source), np.interp(source, np.arange(len(voiced)), voiced)
    # the mouth opens and closes; louder amid the phrase; breath is noise through the first vowel
    edge = np.clip((t - sung[0]) / 0.015, 0, 1) * np.clip((sung[-1] + 0.03 - t) / 0.03, 0, 1)
    arch = np.sin(np.pi * np.clip((t - sung[0]) / (sung[-1] - sung[0]), 0, 1))
    envelope = frames.envelope * (edge * 10 ** (ARCH_DB / 20 * arch))[:, None] ** 2
    wave = np.sin(np.pi * np.clip((t - t[0]) / max(inhaled, FRAME_S), 0, 1)) * (t < sung[0])
    mouth = spoken.envelope[round(sum(speech.phonemes[held[0][0]][1:]) / 2 / FRAME_S)]
    envelope += 10 ** (BREATH_DB / 10) * (wave**2)[:, None] * mouth + 1e-12
    f0 = np.where((frames.f0 > 0) & (edge > 0), pitch_curve(t, notes), 0)
    partial = np.linspace(0, SR / 2, envelope.shape[1]) / np.maximum(f0, 1)[:, None]
    lowest = np.clip(1 - np.abs(partial - 1), 0, 1) * (vowel * (f0 > 0))[:, None]
    envelope *= 10 ** (LOWEST_DB / 10 * lowest)
    noise = np.maximum(frames.aperiodicity, NOISE)
    return synthesise(Frames(f0, envelope, noise, SR)), float(t[0])


def mix(song: Song, music: np.ndarray, *, balance_db: float = 6.0) -> np.ndarray:
    """Return song and music, at the song's rate, with the voice `balance_db` above the music (RMS).

    Both are compared over the time that is sung (music that hardly sounds then is measured as a
    whole); the longer one gives the length. What would clip is turned down as a whole.
    """
    music = audio.valid(music)
    n = max(len(song.y), len(music))
    y, music = np.pad(song.y, (0, n - len(song.y))), np.pad(music, (0, n - len(music)))
    sung = slice(round(song.syllables[0][1] * SR), round(song.syllables[-1][2] * SR))
    level_db = max(audio.level_dbfs(music[sung]), audio.level_dbfs(music) - 12)
    gain_db = audio.level_dbfs(y[sung]) - level_db - balance_db
    y += music * np.float32(10 ** (gain_db / 20) if np.isfinite(gain_db) else 0)
    return y * np.float32(min(1.0, 0.98 / max(float(np.abs(y).max()), 1e-9)))
