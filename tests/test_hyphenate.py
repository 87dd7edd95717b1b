import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import voice


@given(st.lists(st.tuples(st.text("aeiouybcdlnrstqu'", min_size=1), st.integers(1, 5)), max_size=6))
def test_syllables_of_a_text_are_the_text(parts):
    text = " ".join(f"x{word}" for word, _ in parts)
    counts = [n for (_, n), _ in zip(parts, voice.words(text), strict=False)]
    if len(voice.words(text)) == len(counts):
        assert "".join(voice.hyphenate(text, counts)) == text
        assert len(voice.hyphenate(text, counts)) == sum(counts)


def test_syllables_are_cut_where_readers_expect():
    cut = voice.hyphenate("The quiet mother, wand'ring: little loves!", [1, 2, 2, 2, 2, 1])
    assert cut == ["The ", "qui", "et ", "mo", "ther, ", "wand'", "ring: ", "lit", "tle ", "loves!"]
    with pytest.raises(ValueError, match="has 2 words, syllables of 1"):
        voice.hyphenate("two words", [1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don\u2019t go, lovers\u2019 night", ["don't", "go", "lovers'", "night"]),
        ("\u2019tis o\u2019er", ["'tis", "o'er"]),
        ("un cafe\u0301 noir", ["un", "caf\u00e9", "noir"]),  # the accent a character of its own
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),  # so are its vowels
        ("\u0130zmir g\u00fczel", ["i\u0307zmir", "g\u00fczel"]),  # longer in lower case
    ],
)
def test_apostrophes_and_accents_belong_to_their_words(text, words):
    assert voice.words(text) == words
    assert "".join(voice.hyphenate(text, [1] * len(words))) == text
    assert voice.hyphenate("o\u2019er", [2]) == ["o\u2019", "er"]


def test_more_syllables_than_spelling_shows_are_shared_out():
    assert voice.hyphenate("night", [3]) == ["n", "ig", "ht"]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("be\u0301ant", ["be\u0301", "ant"]),
        ("दुनिया", ["दु", "नि", "या"]),
        ("\u0130zmir", ["\u0130z", "mir"]),
    ],
)
def test_no_cut_parts_a_letter_from_its_accents(text, cut):
    assert voice.hyphenate(text, [len(cut)]) == cut
