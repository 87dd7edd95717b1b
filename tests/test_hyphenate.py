import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import voice


@given(st.lists(st.tuples(st.text("aeiouybcdlnrstqu'", min_size=1), st.integers(1, 5)), max_size=6))
def test_syllables_of_a_text_are_the_text(parts):
    text = " ".join(f"x{word}" for word, _ in parts)
    counts = [n for (_, n), _ in zip(parts, voice._WORD.findall(text), strict=False)]
    if len(voice._WORD.findall(text)) == len(counts):
        assert "".join(voice.hyphenate(text, counts)) == text
        assert len(voice.hyphenate(text, counts)) == sum(counts)


def test_syllables_are_cut_where_readers_expect():
    cut = voice.hyphenate("The quiet mother, wand'ring: little loves!", [1, 2, 2, 2, 2, 1])
    assert cut == ["The ", "qui", "et ", "mo", "ther, ", "wand'", "ring: ", "lit", "tle ", "loves!"]
    with pytest.raises(ValueError, match="has 2 words, got syllables of 1"):
        voice.hyphenate("two words", [1])


def test_more_syllables_than_spelling_shows_are_shared_out():
    assert voice.hyphenate("night", [3]) == ["n", "ig", "ht"]
