"""The judges of singing, on sounds and words that are known."""

import numpy as np
import pytest

from benchmarks import sung
from helpers import voice

SR = voice.SR
NOTES = np.array([(0.5, 1.1, 60), (1.1, 1.7, 64), (1.7, 2.4, 62)])


def tones(notes, cents=0.0, late=0.0, depth=0.0):
    """Harmonic tones with pauses before them, as a voice with stops would sing."""
    t = np.arange(round(3 * SR)) / SR
    y = np.zeros(len(t))
    for start, end, midi in notes:
        here = (t >= start + late) & (t < end - 0.06 + late)
        swing = depth * np.sin(2 * np.pi * voice.VIBRATO_HZ * (t - start))
        f = 440 * 2 ** ((midi - 69 + (cents + swing) / 100) / 12)
        phase = 2 * np.pi * np.cumsum(f) / SR
        y[here] += sum(np.sin(k * phase[here]) / k for k in range(1, 9))
    return (0.1 * y).astype(np.float32)


@pytest.mark.parametrize("cents", [-20, 0, 12])
def test_pitch_is_judged_on_the_mean_over_a_vibrato(cents):
    errors = sung.pitch_errors(tones(NOTES, cents, depth=30), NOTES, sr=SR)
    assert len(errors) == 3
    assert errors == pytest.approx(cents, abs=4)


@pytest.mark.parametrize("late", [-0.05, 0.0, 0.04])
def test_onsets_are_found_in_the_sound(late):
    errors = sung.onset_errors(tones(NOTES, late=late), NOTES[:, 0], sr=SR)
    assert errors == pytest.approx(late, abs=0.012)


def test_a_bigram_is_a_distribution_that_knows_its_lines():
    rows = sung.bigram(["the cat sat", "the dog sat", "a cat"]).split("\n")
    single = [
        row.split() for row in rows[rows.index("\\1-grams:") + 1 : rows.index("\\2-grams:") - 1]
    ]
    double = [row.split() for row in rows[rows.index("\\2-grams:") + 1 : rows.index("\\end\\") - 1]]
    share = {word: 10 ** float(p) for p, word, _ in single if word != "<s>"}
    left = {word: 10 ** float(weight) for _, word, weight in single}
    assert sum(share.values()) == pytest.approx(1, abs=1e-3)
    for word in ("<s>", "the", "cat"):
        follow = {b: 10 ** float(p) for p, a, b in double if a == word}
        others = sum(p for other, p in share.items() if other not in follow)
        assert sum(follow.values()) + left[word] * others == pytest.approx(1, abs=1e-3)
    after = {b: float(p) for p, a, b in double if a == "the"}
    assert after.keys() == {"cat", "dog"}


def test_words_in_common_are_those_in_the_same_order():
    assert (
        sung.in_common(["in", "the", "night", "i", "sing"], ["the", "a", "night", "sing", "i"]) == 3
    )
    assert sung.in_common([], ["a"]) == 0


def test_lines_are_put_on_phrases_that_can_hold_them():
    pool = [(NOTES, np.array([True, False, True])), (NOTES[:2], np.array([True, False]))]
    verse = sung.place(["Lonely moon", "O night"], pool)
    assert verse.melody.phrases == ((0, 3), (3, 5))
    assert verse.syllables == [[2, 1], [1, 1]]
    gap = verse.melody.notes[3, 0] - verse.melody.notes[2, 1]
    assert gap == pytest.approx(sung.GAP_S)
    same = sung.controls(verse)["one note throughout"].melody
    assert len(set(same.notes[:, 2])) == 1
    assert np.array_equal(same.notes[:, :2], verse.melody.notes[:, :2])
    assert isinstance(same, voice.Melody)


def test_a_verse_is_the_first_with_short_lines(tmp_path):
    long = "# One\n" + "\n".join(["an unmistakably interminable sentence of syllables"] * 8)
    good = "# Two\n" + "\n".join(f"the sea and sky {k}" for k in "abcd")
    (tmp_path / "x.txt").write_text(f"{long}\n\n\n{good}\n\nso it\n" + "goes\n" * 4, "utf-8")
    assert sung.read_verse(tmp_path / "x.txt")[3:5] == ["the sea and sky d", "so it"]
    (tmp_path / "x.txt").write_text(long, "utf-8")
    with pytest.raises(ValueError, match="must hold a poem with 8 lines of 9 syllables"):
        sung.read_verse(tmp_path / "x.txt")


def test_words_that_the_dictionary_lacks_are_spelt():
    assert sung.spell("maketh") == "M EY K AH TH"
    assert sung.spell("heaven") == "HH EH V AH N"


def test_the_recogniser_hears_what_is_said_and_tells_it_from_another_line(tmp_path):
    pytest.importorskip("pocketsphinx")
    lines, decoys = (
        ["the moon was a golden boat"],
        ["who has seen the wind", "sing a song of sixpence"],
    )
    ears = sung.Recogniser(lines, decoys, tmp_path)
    y = voice.speak(lines[0]).y
    assert ears.count([y]) >= 5
    assert ears.pick([y]) == 1
    assert ears.pick([voice.speak(decoys[0]).y]) == 0
