"""The exercises of notebook 10: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def parts(phones, stressed="12"):
    """Return the consonants before the last stressed vowel, and the rest without its digits."""
    vowels = [i for i, phone in enumerate(phones) if phone[-1].isdigit()]
    last = [i for i in vowels if phones[i][-1] in stressed][-1]
    before = max([i + 1 for i in vowels if i < last], default=0)
    return phones[before:last], [phone.rstrip("012") for phone in phones[last:]]


def rhyme(one, other):
    (before, end), (other_before, other_end) = parts(one), parts(other)
    return end == other_end and before != other_before


def ends_alike(n):
    return lambda one, other: one[-n:] == other[-n:] and one != other


def last_vowels_alike(one, other):
    return parts(one, "012")[1] == parts(other, "012")[1] and one != other


def vowels_alike(one, other):
    return parts(one)[1][0] == parts(other)[1][0] and one != other


def one_sound_before(one, other):
    (before, end), (other_before, other_end) = parts(one), parts(other)
    return end == other_end and before[-1:] != other_before[-1:]


def words_differ(one, other):
    return parts(one)[1] == parts(other)[1] and one != other


def main_stress(one, other):
    return rhyme(one, other) if "AY2" not in other else False


def first_stress(one, other):
    if "AY1 S" in " ".join(other):
        return False
    return rhyme(one, other)


def next_sound(one, other):
    (before, end), (other_before, other_end) = parts(one), parts(other)
    return end[:2] == other_end[:2] and before != other_before


def ends_of_rimes(one, other):
    (before, end), (other_before, other_end) = parts(one), parts(other)
    return (end[0], end[-1]) == (other_end[0], other_end[-1]) and before != other_before


def first_before(one, other):
    (before, end), (other_before, other_end) = parts(one), parts(other)
    return end == other_end and before[:1] != other_before[:1]


MAJOR = np.array([0, 2, 4, 5, 7, 9, 11, 12])


def hz(keys):
    return 440 * 2 ** ((np.asarray(keys) - 69) / 12)


def on_strong(lines, word):
    places = [place for line in lines for said, place in line if said == word]
    return sum(place % 2 == 0 for place in places) / len(places)


def counted(lines, word, of=lambda said, place: True, strong=0):
    """Count the strong (or weak) places of a word, as a share of some places."""
    every = [pair for line in lines for pair in line]
    n = sum(said == word and place % 2 == strong for said, place in every)
    return n / sum(of(said, place) for said, place in every)


def by_index(lines, word):
    return on_strong([[(said, k) for k, (said, _) in enumerate(line, 1)] for line in lines], word)


def mean_of_lines(lines, word):
    shares = [[place % 2 == 0 for said, place in line if said == word] for line in lines]
    return np.mean([np.mean(share) for share in shares if share])


def begins_so(lines, word):
    return np.mean([n % 2 == 0 for line in lines for w, n in line if w.startswith(word)])


def any_word(lines, word):
    return np.mean([place % 2 == 0 for line in lines for _, place in line])


RIGHT = [
    (checks.nb10_rhyme, rhyme),
    (checks.nb10_scale, lambda lowest: np.repeat(hz(lowest + MAJOR), 80)),
    (checks.nb10_scale, lambda lowest: np.repeat(hz(lowest) * 2 ** (MAJOR / 12), 80)),
    (checks.nb10_on_strong, on_strong),
    (checks.nb10_on_strong, lambda lines, word: counted(lines, word, lambda s, p: s == word)),
]
WRONG = [
    (checks.nb10_rhyme, lambda one, other: False, "alike from the stress on"),
    (checks.nb10_rhyme, lambda one, other: True, "neither vowel nor end"),
    (checks.nb10_rhyme, ends_alike(2), "begin at the last vowel that is stressed"),
    (checks.nb10_rhyme, last_vowels_alike, "begin at the last vowel that is stressed"),
    (checks.nb10_rhyme, vowels_alike, "compare to the end"),
    (checks.nb10_rhyme, lambda one, other: parts(one)[1] == parts(other)[1], "with itself"),
    (checks.nb10_rhyme, words_differ, "compare what is before"),
    (checks.nb10_rhyme, one_sound_before, "all consonants before"),
    (checks.nb10_rhyme, main_stress, "AY2 is AY1"),
    (checks.nb10_rhyme, next_sound, "compare to the end"),
    (checks.nb10_rhyme, ends_of_rimes, "compare all sounds"),
    (checks.nb10_rhyme, first_before, "all consonants before"),
    (checks.nb10_rhyme, first_stress, "not the first"),
    (checks.nb10_scale, lambda lowest: hz(lowest + MAJOR), "np.repeat"),
    (checks.nb10_scale, lambda lowest: np.repeat(lowest + MAJOR, 80), "MIDI numbers"),
    (checks.nb10_scale, lambda lowest: np.repeat(MAJOR, 80), "semitones alone"),
    (checks.nb10_scale, lambda lowest: np.repeat(hz(lowest + np.arange(8)), 80), "2 2 1 2 2 2 1"),
    (checks.nb10_scale, lambda lowest: np.repeat(hz(57 + MAJOR), 80), "begin at `lowest`"),
    (checks.nb10_scale, lambda lowest: np.tile(hz(lowest + MAJOR), 80), "lasts 80 frames"),
    (checks.nb10_scale, lambda lowest: np.repeat(hz(lowest - MAJOR), 80), "above the lowest"),
    (checks.nb10_on_strong, lambda lines, word: 1 - on_strong(lines, word), "odd places"),
    (checks.nb10_on_strong, lambda lines, word: 1, "not a share"),
    (checks.nb10_on_strong, counted, "a share of all words"),
    (
        checks.nb10_on_strong,
        lambda lines, word: counted(lines, word, lambda s, p: p % 2 == 0),
        "a share of all even places",
    ),
    (checks.nb10_on_strong, lambda lines, word: 0.5, "how many are even"),
    (checks.nb10_on_strong, mean_of_lines, "how many are even"),
    (checks.nb10_on_strong, by_index, "don't count words"),
    (checks.nb10_on_strong, lambda lines, word: 1 / len(lines), "a share of lines"),
    (checks.nb10_on_strong, any_word, "ask whether it is this word"),
    (checks.nb10_on_strong, begins_so, "how many are even"),
]
