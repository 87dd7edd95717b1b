"""Speech and its times; source and filter; songs whose pitch, times and faults are known."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import librosa
import numpy as np
import pytest

from helpers import audio, voice

pytest.importorskip("pyworld")
pytest.importorskip("espeakng_loader")
SR = voice.SR


def tune(*phrases, gap=0.7, first=0.5):
    """Return a melody; each phrase is a list of (seconds, pitch)."""
    notes, edges, t = [], [0], first
    for phrase in phrases:
        for seconds, pitch in phrase:
            notes.append((t, t + seconds, pitch))
            t += seconds
        edges.append(len(notes))
        t += gap
    spans = tuple(pairwise(edges))
    return voice.Melody(np.array(notes, float), np.ones(len(notes), bool), spans)


def pitch_of(y, start, end, midi):
    """Return the mean MIDI pitch of a part, found near the one that is expected."""
    part = y[round(start * SR) : round(end * SR)]
    low, high = librosa.midi_to_hz([midi - 4, midi + 4])
    f0 = librosa.pyin(part, sr=SR, fmin=low, fmax=high, resolution=0.05, frame_length=1024)[0]
    return float(np.mean(librosa.hz_to_midi(f0[np.isfinite(f0)])))


def centroid(y, low=200, high=4000):
    power, f = np.abs(np.fft.rfft(y)) ** 2, np.fft.rfftfreq(len(y), 1 / SR)
    kept = (f > low) & (f < high)
    return float((power * f)[kept].sum() / power[kept].sum())


@pytest.fixture(scope="module")
def vowel():
    """Frames of one long vowel, and one frame amid it."""
    speech = voice.speak("far")
    name, start, end = next(p for p in speech.phonemes if "ɑ" in p[0])
    assert end - start > 0.1, name
    return voice.analyse(speech.y, sr=SR), (start + end) / 2 / voice.FRAME_S


def test_phonemes_have_the_order_of_the_words_and_times_in_the_sound():
    speech = voice.speak("The Lord is my shepherd")
    assert (speech.y.dtype, speech.sr) == (np.float32, 22_050)
    assert speech.words == sorted(speech.words)
    assert set(speech.words) == {0, 1, 2, 3, 4}
    times = np.array([(start, end) for _, start, end in speech.phonemes])
    assert (times[:, 1] > times[:, 0]).all()
    assert np.all(times[1:, 0] >= times[:-1, 1] - 1e-9)
    assert 0 <= times[0, 0] < times[-1, 1] <= len(speech.y) / SR
    level = [np.abs(speech.y[round(a * SR) : round(b * SR)]).max() for a, b in times]
    loud = [voice._is_vowel(name) for name, *_ in speech.phonemes]
    assert min(np.array(level)[loud]) > 0.05  # where vowels are said to be, something sounds


def test_speech_is_the_same_each_time_and_from_many_threads():
    lines = ["so long as men can breathe", "or eyes can see", "so long lives this"]
    alone = [voice.speak(line) for line in lines]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(voice.speak, lines * 4))
    for k, speech in enumerate(together):
        assert np.array_equal(speech.y, alone[k % 3].y)
        assert speech.phonemes == alone[k % 3].phonemes


@pytest.mark.parametrize(
    ("text", "name", "counts"),
    [
        ("The fire of the heaven!", "en-us", [1, 1, 1, 1, 2]),
        ("never-ending", "en-us", [4]),
        ("Über allen Gipfeln", "de", [2, 2, 2]),
        ("caminante no hay camino", "es", [4, 1, 1, 3]),
    ],
)
def test_syllables_of_any_language_are_counted(text, name, counts):
    assert voice.count_syllables(text, voice=name) == counts


def test_voices_that_are_listed_speak_and_others_are_refused_with_similar_ones():
    languages, variants = voice.voices()
    assert {"en-us", "de", "fr", "es", "cmn"} <= languages.keys()
    assert {"f2", "m3"} <= variants.keys()
    speech = {name: voice.speak("la la", voice=name) for name in ("en-us+f2", "en-us+m3", "it")}
    assert len({speech[name].y.tobytes() for name in speech}) == 3
    with pytest.raises(ValueError, match=r"'en-uk' is unknown, similar are .*en-us"):
        voice.speak("la", voice="en-uk")
    with pytest.raises(ValueError, match=r"'f9' is unknown, similar are .*f[1-5]"):
        voice.speak("la", voice="de+f9")
    with pytest.raises(ValueError, match="'' is unknown"):
        voice.speak("la", voice="de+")


@pytest.mark.parametrize("text", ["", " — !", "in 1665"])
def test_a_line_needs_words_that_can_be_said(text):
    with pytest.raises(ValueError, match="must have words to be sung, numbers written out"):
        voice.speak(text)


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(ImportError, match=r"extra `words`, but pyworld is missing: .*\[words\]"):
        voice.analyse(np.zeros(SR, np.float32), sr=SR)


def test_taken_apart_and_put_together_speech_is_near_what_it_was():
    speech = voice.speak("the still waters of the shining shore")
    frames = voice.analyse(speech.y, sr=SR)
    pitch = frames.f0[frames.f0 > 0]
    assert np.percentile(pitch, 95) / np.percentile(pitch, 5) < 1.2  # no octave errors
    again = voice.analyse(voice.synthesise(frames), sr=SR)
    n = min(len(frames.f0), len(again.f0))
    both = (frames.f0[:n] > 0) & (again.f0[:n] > 0)
    assert both.sum() > 0.5 * n
    level = 10 * np.log10(frames.envelope[:n][both] / again.envelope[:n][both])
    assert np.median(np.abs(level)) < 3


def test_pitch_moves_without_the_vowel_and_the_vowel_without_the_pitch(vowel):
    frames, place = vowel
    held = voice.take(frames, np.full(200, place))
    sounds = {}
    for pitch in (50, 57):
        for factor in (1.0, 1.25):
            moved = replace(held, f0=np.full(200, 440 * 2 ** ((pitch - 69) / 12)))
            sounds[pitch, factor] = voice.synthesise(voice.scale_formants(moved, factor))
    for (pitch, _), y in sounds.items():
        assert pitch_of(y, 0.1, 0.9, pitch) == pytest.approx(pitch, abs=0.1)
    low, high = centroid(sounds[50, 1.0]), centroid(sounds[57, 1.0])
    assert high == pytest.approx(low, rel=0.1)
    assert centroid(sounds[50, 1.25]) == pytest.approx(1.25 * low, rel=0.1)
    assert len(sounds[50, 1.0]) == pytest.approx(SR, rel=0.01)


def test_taking_every_frame_changes_nothing_and_between_two_lies_their_mean(vowel):
    frames, place = vowel
    n = np.arange(len(frames.f0))
    same = voice.take(frames, n)
    np.testing.assert_allclose(same.envelope, frames.envelope, rtol=1e-6, atol=1e-15)
    assert np.array_equal(same.f0, frames.f0)
    i = int(place)
    between = voice.take(frames, np.array([i + 0.5])).envelope[0]
    mean = np.sqrt(frames.envelope[i] * frames.envelope[i + 1])
    np.testing.assert_allclose(between, mean, rtol=1e-3)


def test_notes_are_joined_by_glides_and_held_ones_tremble_about_their_pitch():
    notes = np.array([(0, 1.2, 60), (1.2, 1.5, 64), (1.5, 1.8, 64)], float)
    t = np.arange(0, 1.8, 0.001)
    pitch = librosa.hz_to_midi(voice.pitch_curve(t, notes))
    assert np.allclose(pitch[t < 0.29], 60)
    swing = pitch[(t > 0.6) & (t < 1.05)]
    assert swing.max() - swing.min() == pytest.approx(0.6, abs=0.02)
    assert np.all(np.diff(pitch[(t > 1.17) & (t < 1.2)]) >= 0)
    assert np.allclose(pitch[t > 1.25], 64)  # too short for a vibrato


def test_a_song_has_the_pitches_and_the_times_of_its_melody():
    melody = tune([(0.5, 60), (0.6, 64), (0.5, 62), (1.0, 57)], [(0.5, 64), (0.7, 65)])
    song = voice.sing(["Loud and lone owls", "my moon"], melody)
    assert (song.y.dtype, song.sr) == (np.float32, SR)
    assert [text for text, *_ in song.syllables] == [
        "Loud ",
        "and ",
        "lone ",
        "owls\n",
        "my ",
        "moon\n",
    ]
    for (_, start, end), note in zip(song.syllables, melody.notes, strict=True):
        assert (start, end) == (note[0], pytest.approx(note[1]))
        assert pitch_of(song.y, start + 0.06, end - 0.12, note[2]) == pytest.approx(
            note[2], abs=0.2
        )
    rest = slice(round((melody.notes[3, 1] + 0.1) * SR), round((melody.notes[4, 0] - 0.5) * SR))
    sung = np.sqrt(np.mean(song.y[round(0.5 * SR) : round(3.1 * SR)] ** 2))
    assert 20 * np.log10(sung) == pytest.approx(-20, abs=2.5)
    assert np.sqrt(np.mean(song.y[rest] ** 2)) < 0.1 * sung  # at most a breath
    assert np.abs(song.y).max() < 1
    assert np.array_equal(voice.sing(["Loud and lone owls", "my moon"], melody).y, song.y)


def test_the_lowest_partial_is_the_strongest():
    """Else the octave above it is heard as a note, too: of low notes, the second partial leads."""
    melody = tune([(0.6, pitch) for pitch in (57, 60, 64, 69)])
    song = voice.sing(["may red men sing"], melody, syllables=[[1, 1, 1, 1]])
    for start, end, pitch in melody.notes:
        part = song.y[round((start + 0.15) * SR) : round((end - 0.15) * SR)]
        level = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * SR))
        k = np.arange(1, 9)[:, None] * 440 * 2 ** ((pitch - 69) / 12)
        bins = np.rint(8 * k * np.linspace(0.98, 1.02, 41)).astype(int)
        assert level[bins].max(axis=1).argmax() == 0, pitch


def test_consonants_stand_before_the_beat():
    melody = tune([(0.6, 60)])
    song = voice.sing(["sea"], melody)
    before, after = (song.y[round(a * SR) : round(b * SR)] for a, b in ((0.4, 0.48), (0.53, 0.8)))
    assert centroid(before, high=10_000) > 3000  # the hiss
    assert centroid(after, high=10_000) < 2500


def test_a_syllable_may_hold_several_notes():
    melody = replace(tune([(0.5, 60), (0.5, 64), (0.5, 62)]), syllable=np.array([0, 0, 1]))
    song = voice.sing(["lone now"], melody)
    assert song.syllables[0][1:] == (0.5, 1.5)
    for k, pitch in enumerate((60, 64)):
        found = pitch_of(song.y, 0.6 + k / 2, 0.85 + k / 2, pitch)
        assert found == pytest.approx(pitch, abs=0.2)


@pytest.mark.parametrize(
    ("line", "counts"),
    [("fire of heaven", [1, 1, 1]), ("fire of heaven", [2, 1, 2]), ("in the hour", [1, 1, 2])],
)
def test_words_are_sung_on_as_many_syllables_as_asked(line, counts):
    melody = tune([(0.4, 60 + k % 3) for k in range(sum(counts))])
    song = voice.sing([line], melody, syllables=[counts])
    assert "".join(text for text, *_ in song.syllables) == line + "\n"
    assert [start for _, start, _ in song.syllables] == melody.notes[:, 0].tolist()
    for (_, start, end), note in zip(song.syllables, melody.notes, strict=True):
        assert pitch_of(song.y, start + 0.05, end - 0.1, note[2]) == pytest.approx(note[2], abs=0.5)


@pytest.mark.parametrize(
    ("lines", "melody", "counts", "says"),
    [
        (["la", "la"], tune([(1, 60)]), None, r"1 phrases .* need as many lines .*, got \[2\]"),
        (["la"], tune([(1, 60)]), [], r"need as many lines to be sung, got \[1, 0\]"),
        (["la la"], tune([(1, 60)] * 2), [[2, 0]], "each word needs a syllable"),
        (["la"], tune([(1, 60)], first=-1), None, "notes start at 0 s or later"),
        (["la"], tune([(1, np.nan)]), None, "notes start at 0 s or later"),
        (["la la la"], tune([(1, 60)]), None, "3 words and 1 syllables are needed, got 3 and 3"),
        (["la la"], tune([(1, 60)] * 2), [[2]], "2 words and 2 syllables are needed, got 1 and 2"),
        (["la la"], tune([(0.1, 60)] * 2), None, r"must last 0.12 s at least, got 0.100 s: slow"),
        (["la"], tune([(1, 30)]), None, "must be 36 to 81, got 30 to 30: move the melody"),
        ([""], tune([(1, 60)]), None, "must have words to be sung"),
    ],
)
def test_what_cannot_be_sung_is_said(lines, melody, counts, says):
    with pytest.raises(ValueError, match=says):
        voice.sing(lines, melody, syllables=counts)


def test_a_voice_is_found_from_a_folder_with_a_long_name(tmp_path, monkeypatch):
    expected = [voice.speak("the night is long", voice=name).y for name in ("de", "en-us+f2")]
    folder = tmp_path / ("a long name " * 8)
    folder.mkdir()
    monkeypatch.setattr(voice.tempfile, "tempdir", str(folder))
    for name, y in zip(("de", "en-us+f2"), expected, strict=True):
        np.testing.assert_array_equal(voice.speak("the night is long", voice=name).y, y)
    assert not list(folder.iterdir())


def test_a_voice_is_found_where_all_other_folders_have_long_names(tmp_path, monkeypatch):
    expected = voice.speak("the night is long").y
    folder, make = tmp_path / ("a long name " * 8), voice.tempfile.mkdtemp
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(voice.tempfile, "tempdir", str(folder))
    monkeypatch.setattr(voice.os.path, "isdir", lambda path: path != "/tmp")
    monkeypatch.setattr(  # as Python 3.12 does
        voice.tempfile, "mkdtemp", lambda *args: str((folder / make(*args)).resolve())
    )
    np.testing.assert_array_equal(voice.speak("the night is long").y, expected)
    assert not list(folder.iterdir())


def test_threads_may_speak_first_at_the_same_time():
    code = """
from concurrent.futures import ThreadPoolExecutor
from helpers import audio, voice
with ThreadPoolExecutor(6) as pool:
    print(len(set(pool.map(lambda _: voice.speak("the night").y.tobytes(), range(6)))))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "1"


def test_a_word_without_a_vowel_is_named():
    said = voice.Speech(np.zeros(9, np.float32), SR, [("p", 0.0, 0.1), ("s", 0.1, 0.2)], [0, 0])
    with pytest.raises(ValueError, match="a word must have a vowel to be sung, got 'ps'"):
        voice._held(said, ["ps"], [1], [0.5, 1.0])


def test_voice_and_music_have_the_balance_that_is_asked():
    melody = tune([(1, 60), (1, 62)])
    song = voice.sing(["la la"], melody)
    music = 0.3 * np.random.default_rng(0).standard_normal(5 * SR).astype(np.float32)
    mixed = voice.mix(song, music, balance_db=6)
    assert mixed.dtype == np.float32
    assert len(mixed) == 5 * SR
    sung = slice(round(0.5 * SR), round(2.5 * SR))
    both = np.linalg.lstsq(
        np.stack([song.y, music[: len(song.y)]], 1), mixed[: len(song.y)], rcond=None
    )[0]
    parts = [part[sung] * gain for part, gain in zip((song.y, music), both, strict=True)]
    levels = [10 * np.log10(np.mean(part**2)) for part in parts]
    assert levels[0] - levels[1] == pytest.approx(6, abs=0.1)
    assert np.abs(voice.mix(song, 100 * music, balance_db=-40)).max() < 1


@pytest.mark.parametrize("after", [0.0, 1e-6])
def test_music_that_ends_before_the_voice_leaves_it_heard(after):
    song = voice.sing(["la la"], tune([(1, 60), (1, 62)], first=3.0))
    music = np.full(5 * SR, after, np.float32)
    music[:SR] = 0.1 * np.random.default_rng(0).standard_normal(SR)
    mixed = voice.mix(song, music)
    sung = slice(3 * SR, 5 * SR)
    assert audio.level_dbfs(mixed[sung]) > -30
    np.testing.assert_array_equal(voice.mix(song, np.zeros(9, np.float32)), song.y)
    with pytest.raises(audio.AudioError, match="must have one axis"):
        voice.mix(song, np.zeros((9, 2), np.float32))
