import numpy as np
import pytest

from benchmarks import words
from helpers import verse

POEMS = [f"the {a} was {b},\nand so was i." for a in ("sea", "sky", "sun") for b in ("old", "red")]
ALPHABET = verse.alphabet_of(POEMS, least=1)


@pytest.mark.parametrize("smoothing", words.SMOOTHINGS)
def test_probabilities_add_up(smoothing):
    follows, before = words.read(POEMS[:4], ALPHABET)
    _, then = words.read(POEMS[4:], ALPHABET)

    def chain(some: np.ndarray) -> list[np.ndarray]:
        some_words = words.word_contexts(some, ALPHABET)
        return words.character_contexts(some, range(4)) + some_words

    tables = words.count_chain(chain(before), follows, smoothing)
    total = sum(
        words.probabilities(tables, chain(then), np.full(len(then), code), smoothing, len(ALPHABET))
        for code in range(len(ALPHABET))
    )
    np.testing.assert_allclose(total, 1)


def test_counting_beats_a_unigram_and_the_mixture_is_no_worse():
    bits = words.judge_counting(POEMS[:4], {"validation": POEMS[4:]}, ALPHABET)[0]["validation"]
    characters, both = bits["n-gram of characters"], bits["n-gram of words and characters"]
    assert bits["unigram"] > characters
    assert bits["mixed"] <= min(characters, both) + 1e-9
    assert bits["two n-grams of characters"] <= characters + 1e-9


def untrained():
    settings = verse.VerseSettings(ALPHABET, hidden=4, embedding=4, dense=4)
    rng, shapes = np.random.default_rng(0), verse.weight_shapes(settings)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    return verse.Model(weights, settings, verse.count(POEMS, ALPHABET))


def test_poems_are_judged_side_by_side_as_alone():
    model = untrained()
    poems = ["the sea", "\nso was i.", "the sun was red\n"]
    alone = np.concatenate([verse.bits(model, poem) for poem in poems]).mean()
    np.testing.assert_allclose(words.judge(model, poems), alone, rtol=1e-5)


def test_what_is_written_is_repeatable_and_greedy_when_cold():
    model = untrained()
    some = words.write(model, 30, temperature=0.7, seed=1)
    assert some == words.write(model, 30, temperature=0.7, seed=1)
    assert len(some) <= 30
    assert set(some) <= set(ALPHABET)
    cold = words.write(model, 1, temperature=1e-3, seed=0)
    assert cold == ALPHABET[int(model.start()[0].argmax())].replace(verse.PAGE, "")


def test_the_longest_shared_run():
    assert words.longest_shared("a rose is red", "the rose is dead") == len(" rose is ")
    assert words.longest_shared("xyz", "abc") == 0
