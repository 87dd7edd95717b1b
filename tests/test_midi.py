import itertools

import mido
import music21
import numpy as np
import pytest

from helpers import beats, events, files, midi, rolls

NOTES = np.array([[0.0, 0.5, 60, 1.0], [0.25, 0.5, 64, 0.75], [0.5, 2.0, 60, 1.33]])


def test_notes_survive_the_round_trip(tmp_path):
    path = midi.save(tmp_path / "new folder" / "a.mid", NOTES)
    found = midi.load(path)
    np.testing.assert_allclose(found[:, :3], NOTES[:, :3], atol=1e-3)
    np.testing.assert_allclose(found[:, 3], NOTES[:, 3], atol=0.01)
    assert list(path.parent.iterdir()) == [path]


def test_a_roll_survives_too(tmp_path):
    settings = rolls.NoteSettings()
    rng = np.random.default_rng(0)
    roll = np.where(rng.random((60, 69)) < 0.1, rng.integers(2, 4, (60, 69)), 0).astype(np.uint8)
    for before, now in itertools.pairwise(roll):
        now[(before > 0) & (now == 0) & (rng.random(69) < 0.5)] = rolls.HELD
    found = midi.load(midi.save(tmp_path / "a.mid", rolls.to_notes(roll, settings)))
    np.testing.assert_array_equal(rolls.from_notes(found, settings, n_frames=60), roll)


def test_no_notes_make_an_empty_file(tmp_path):
    assert midi.load(midi.save(tmp_path / "a.mid", np.zeros((0, 4)))).shape == (0, 4)


def test_tempo_changes_tracks_and_channels_of_other_programs_are_understood(tmp_path):
    file = mido.MidiFile(ticks_per_beat=100)
    tempo = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)])  # a beat a second
    on = [mido.Message("note_on", note=60, velocity=64, channel=c, time=100) for c in (0, 1)]
    off = mido.Message("note_off", note=60, channel=0, time=50)
    file.tracks += [tempo, mido.MidiTrack([on[0], off]), mido.MidiTrack([on[1]])]
    path = tmp_path / "other.mid"
    file.save(path)
    np.testing.assert_allclose(midi.load(path), [[1, 1.5, 60, 1], [1, 1.5, 60, 1]])


@pytest.mark.parametrize(
    "wrong",
    [
        [[-0.1, 0.5, 60, 1]],
        [[0.5, 0.5, 60, 1]],
        [[0, 1, 132, 1]],
        [[0, 1, -1, 1]],
        [[0, 1, 60, 0]],
        [[0, np.inf, 60, 1]],
        [[0, 1, 60, np.nan]],
    ],
)
def test_notes_that_cannot_be_are_named(wrong, tmp_path):
    with pytest.raises(ValueError, match=r"check the columns|between 0 and 127, got (-1|132)"):
        midi.save(tmp_path / "a.mid", wrong)
    assert not list(tmp_path.iterdir())


def test_other_shapes_and_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"shape \(n_found, 4\).*got \(2, 3\)"):
        midi.save(tmp_path / "a.mid", np.zeros((2, 3)))
    with pytest.raises(FileNotFoundError, match="no MIDI file at"):
        midi.load(tmp_path / "a.mid")
    (tmp_path / "b.mid").write_bytes(b"RIFF and nothing else")
    with pytest.raises(ValueError, match=r"b\.mid is damaged, or no MIDI file"):
        midi.load(tmp_path / "b.mid")
    data = bytearray(midi.save(tmp_path / "c.mid", NOTES).read_bytes())
    data[12:14] = -25 % 256, 40  # 25 frames a second, 40 ticks a frame
    (tmp_path / "c.mid").write_bytes(data)
    with pytest.raises(ValueError, match=r"c\.mid is .* its time is in frames of a film"):
        midi.load(tmp_path / "c.mid")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = midi.save(tmp_path / "a.mid", NOTES)
    before = path.read_bytes()
    monkeypatch.setattr(files.os, "replace", lambda *paths: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        midi.save(path, NOTES[:1])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_struck_again_while_it_sounds_keeps_its_second_note(tmp_path):
    found = midi.load(midi.save(tmp_path / "a.mid", [[0, 1, 60, 1], [0.5, 2, 60, 1]]))
    np.testing.assert_allclose(found[:, :2], [[0, 0.5], [0.5, 2]], atol=1e-3)


def test_a_key_struck_twice_at_once_is_one_note(tmp_path):
    file = mido.MidiFile()
    on, off = (mido.Message(kind, note=60) for kind in ("note_on", "note_off"))
    file.tracks.append(mido.MidiTrack([on, on, off.copy(time=480)]))
    file.save(tmp_path / "a.mid")
    found = midi.load(tmp_path / "a.mid")
    assert len(found) == 1
    np.testing.assert_allclose(found[0, :3], [0, 0.5, 60])


# Words

MELODY = np.array([[0.0, 0.9, 67], [1.0, 1.5, 69], [1.5, 2.5, 64]])
SUNG = [("Ho", 0.0, 0.9), ("ly\n", 1.0, 1.5), ("night", 1.5, 2.5)]


def test_words_stand_on_the_voices_track_where_they_are_sung(tmp_path):
    path = midi.save(tmp_path / "a.mid", NOTES, sung=MELODY, lyrics=SUNG)
    accompaniment, voice = mido.MidiFile(path).tracks
    assert not [m for m in accompaniment if m.type in ("lyrics", "track_name")]
    assert voice.name == "voice"
    seconds = np.cumsum([m.time for m in voice]) / 960 * 0.5
    words = [(t, m.text) for t, m in zip(seconds, voice, strict=True) if m.type == "lyrics"]
    assert [text for _, text in words] == ["Ho", "ly\r", "night"]
    np.testing.assert_allclose([t for t, _ in words], MELODY[:, 0], atol=1e-3)
    after = [voice[i + 1] for i, m in enumerate(voice) if m.type == "lyrics"]
    assert [m.type for m in after] == ["note_on"] * 3  # the word comes first
    found = midi.load(path)
    np.testing.assert_allclose(
        found[found[:, 2] != 60][:, [0, 2]],
        [[0.0, 67], [0.25, 64], [1.0, 69], [1.5, 64]],
        atol=1e-3,
    )


def test_a_program_of_notation_shows_each_word_under_its_note(tmp_path):
    path = midi.save(tmp_path / "a.mid", NOTES, sung=MELODY, lyrics=SUNG)
    parts = music21.converter.parse(path, quantizePost=False).parts
    (voice,) = [part for part in parts if part.partName == "voice"]
    notes = voice.flatten().stripTies().notes  # a note over a bar line is written as two
    shown = [(note.pitch.midi, note.lyric.strip()) for note in notes]
    assert shown == [(67, "Ho"), (69, "ly"), (64, "night")]


def test_words_of_any_alphabet_survive(tmp_path):
    path = midi.save(tmp_path / "a.mid", NOTES, sung=MELODY, lyrics=[("Süße ночь", 0.0, 1.0)])
    (word,) = [m for m in mido.MidiFile(path, charset="utf-8").tracks[1] if m.type == "lyrics"]
    assert word.text == "Süße ночь"


def test_a_voice_without_words_is_written_and_words_without_a_voice_are_refused(tmp_path):
    path = midi.save(tmp_path / "a.mid", np.zeros((0, 4)), sung=MELODY)
    np.testing.assert_allclose(midi.load(path)[:, :3], MELODY, atol=1e-3)
    with pytest.raises(ValueError, match="need notes to be sung on, got 3 and none: pass sung"):
        midi.save(tmp_path / "b.mid", NOTES, lyrics=SUNG)
    with pytest.raises(ValueError, match="check the columns"):
        midi.save(tmp_path / "b.mid", NOTES, sung=[[1, 0.5, 60]])
    assert list(tmp_path.iterdir()) == [path]


# Scores


def rag(n_bars=8):
    """One beat before the first bar, then bars of two: bass and chords below, octaves above."""
    score = [(6, 74, 3, 2), (9, 76, 3, 2)]
    for bar in range(n_bars):
        start = 12 + 24 * bar
        score += [(start, 41, 9, 3), (start + 12, 36, 9, 3)]
        score += [(start + t, key, 4, 1) for t in (6, 18) for key in (55, 58, 64)]
        score += [(start + t, key, 2, 4) for t in (0, 3, 9, 12, 18) for key in (72, 84)]
    return np.array(sorted(score))


RAG, LINES, BARS = rag(), np.arange(1, 18, 2), np.array([0, 4])  # bars of two and of four beats
OF_LEFT_HAND = RAG[:, 1] < 70


def even(beat):
    """When beats are that all last so many seconds."""
    return beat * np.arange(400)


def random_score(seed, n=400):
    rng = np.random.default_rng(seed)
    keys = np.unique(rng.integers([0, 40], [240, 90], (n, 2)), axis=0)
    lengths, touches = rng.choice(events.LENGTHS, len(keys)), rng.integers(0, 6, len(keys))
    return np.column_stack([keys, lengths, touches])


def meta(path, kind):
    """List (quarter note, message) of the first track."""
    file = mido.MidiFile(path)
    ticks = np.cumsum([message.time for message in file.tracks[0]]) / file.ticks_per_beat
    return [
        (tick, message)
        for tick, message in zip(ticks, file.tracks[0], strict=True)
        if message.type == kind
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_score_survives_the_round_trip(tmp_path, seed):
    score = random_score(seed)
    times = np.cumsum(np.random.default_rng(seed).uniform(0.5, 0.7, 12))  # the score lasts longer
    path = midi.save_score(tmp_path / "new" / "a.mid", score, times, BARS)
    found = midi.load(path)
    played = rolls.let_go(events.play(score, times - times[0]))
    found, played = (one[np.lexsort((one[:, 2], one[:, 0].round(4)))] for one in (found, played))
    np.testing.assert_allclose(found[:, [0, 2]], played[:, [0, 2]], atol=1e-4)
    np.testing.assert_allclose(found[:, 3], played[:, 3], atol=0.01)
    again, late = events.write(found, beats.time_of(12 * np.arange(40), times - times[0]))
    np.testing.assert_array_equal(again[:, [0, 1, 3]], score[:, [0, 1, 3]])
    assert np.abs(late).max() < 1e-4
    assert list(path.parent.iterdir()) == [path]


def test_an_even_beat_is_one_tempo(tmp_path):
    path = midi.save_score(tmp_path / "a.mid", RAG, even(0.75), BARS)
    assert [(tick, one.tempo) for tick, one in meta(path, "set_tempo")] == [(0, 750_000)]
    np.testing.assert_allclose(midi.load(path)[-1, 0], RAG[-1, 0] / 12 * 0.75, atol=1e-6)


@pytest.mark.parametrize(
    ("bars", "metres"),
    [
        ([0, 4, 8], [(0, 4)]),
        ([0, 3, 6], [(0, 3)]),
        ([1, 3, 5], [(0, 1), (1, 2)]),  # an upbeat
        ([0, 4, 8, 13, 17], [(0, 4), (8, 5), (13, 4)]),
    ],
)
def test_bar_lines_stand_where_they_were_found(tmp_path, bars, metres):
    path = midi.save_score(tmp_path / "a.mid", RAG, even(0.5), np.array(bars))
    found = meta(path, "time_signature")
    assert [(tick, one.numerator) for tick, one in found] == metres
    assert {one.denominator for _, one in found} == {4}


def test_each_hand_has_its_track(tmp_path):
    np.testing.assert_array_equal(midi._hands(RAG), np.where(OF_LEFT_HAND, 0, 1))
    file = mido.MidiFile(midi.save_score(tmp_path / "a.mid", RAG, even(0.5), BARS))
    assert file.type == 1
    keys = [
        {message.note for message in track if message.type == "note_on"} for track in file.tracks
    ]
    assert keys == [set(), {72, 74, 76, 84}, {36, 41, 55, 58, 64}]
    assert [track.name for track in file.tracks[1:]] == ["Right hand", "Left hand"]


def test_hands_do_not_cross_and_reach_what_hands_can():
    score = random_score(2)
    right = midi._hands(score)
    for tick in np.unique(score[:, 0]):
        here = score[:, 0] == tick
        keys = [score[here & (right == hand), 1] for hand in (0, 1)]
        assert max(keys[0], default=0) < min(keys[1], default=127)
        some = score[here, 1]
        possible = any(
            np.ptp(some[:k]) <= events.REACH and np.ptp(some[k:]) <= events.REACH
            for k in range(1, len(some))
        )
        if possible and len(some) <= events.FINGERS:
            assert all(np.ptp(one) <= events.REACH for one in keys if len(one))


def test_a_tune_that_dips_stays_in_its_hand():
    tune = [(12 * i, key, 12, 2) for i, key in enumerate([67, 64, 60, 57, 60, 64, 67])]
    bass = [(12 * i, key, 12, 2) for i, key in enumerate([43, 48, 43, 40, 43, 48, 43])]
    score = np.array(sorted(tune + bass))
    np.testing.assert_array_equal(midi._hands(score), score[:, 1] > 50)


def test_each_hand_has_one_voice(tmp_path):
    score = random_score(3)
    right = midi._hands(score)
    found = midi.load(
        midi.save_score(tmp_path / "a.mid", score, even(1.2), BARS)
    )  # a tick is 0.1 s
    start, stop = np.rint(found[:, :2].T * 10).astype(int)
    place = {
        (tick, key): hand for (tick, key), hand in zip(score[:, :2].tolist(), right, strict=True)
    }
    hand = np.array([place[tick, key] for tick, key in zip(start, found[:, 2], strict=True)])
    for which in (0, 1):
        spans = sorted(set(zip(start[hand == which], stop[hand == which], strict=True)))
        for (begin, end), (following, _) in itertools.pairwise(spans):
            assert begin < end <= following
            assert end == following or end % 12 == 0


def test_a_notation_program_reads_a_score(tmp_path):
    import music21
    import verovio

    path = midi.save_score(tmp_path / "rag.mid", RAG, even(0.75), LINES)
    read = music21.converter.parse(path, forceSource=True)
    right, left = read.parts
    assert (right.partName, left.partName) == ("Right hand", "Left hand")
    assert next(one.number for one in read.recurse().getElementsByClass("MetronomeMark")) == 80
    for part, own in ((right, RAG[~OF_LEFT_HAND]), (left, RAG[OF_LEFT_HAND])):
        bars = list(part.getElementsByClass("Measure"))
        assert [bar.barDuration.quarterLength for bar in bars] == [1] + 8 * [2]
        assert [bar.offset for bar in bars] == [0, *LINES[:-1]]
        assert not part.recurse().getElementsByClass("Voice")
        written = {
            (float(one.getOffsetInHierarchy(part)), pitch.midi)
            for one in part.recurse().notes
            for pitch in one.pitches
        }
        assert written == {(tick / 12, key) for tick, key in own[:, :2]}
    clefs = [part.recurse().getElementsByClass("Clef")[0].sign for part in (right, left)]
    assert clefs == ["G", "F"]

    engraver = verovio.toolkit()
    assert engraver.loadData(music21.musicxml.m21ToXml.GeneralObjectExporter(read).parse().decode())
    pages = "".join(engraver.renderToSVG(page + 1) for page in range(engraver.getPageCount()))
    assert pages.count('class="measure') == 9
    assert pages.count('class="notehead') == len(RAG)


def test_an_empty_score_is_written(tmp_path):
    path = midi.save_score(tmp_path / "a.mid", np.zeros((0, 4), int), even(0.5), BARS)
    assert midi.load(path).shape == (0, 4)


def test_after_a_single_bar_line_bars_have_four_beats(tmp_path):
    path = midi.save_score(tmp_path / "a.mid", RAG, even(0.5), np.array([1]))
    metres = [m for m in mido.MidiFile(path).tracks[0] if m.type == "time_signature"]
    assert [metre.numerator for metre in metres] == [1, 4]


@pytest.mark.parametrize(
    ("times", "bars", "message"),
    [
        (even(0.0), BARS, "times must be"),
        (np.array([1.0]), BARS, r"times must be .* got \[1.\]"),
        (np.array([1.0, 1.0, 2.0]), BARS, "times must be"),
        (even(np.nan), BARS, "times must be"),
        (0.5, BARS, "times must be"),
        (even(0.5), 4, "bars must be"),
        (even(0.5), [0, 0], r"bars must be .* got \[0, 0\]"),
        (even(0.5), [], "bars must be"),
        (even(0.5), [0, 2.5], "bars must be"),
        (even(0.5), [-1, 3], "bars must be"),
        (even(0.5), [4, 2], "bars must be"),
    ],
)
def test_beats_and_bars_that_cannot_be_are_named(tmp_path, times, bars, message):
    with pytest.raises(ValueError, match=message):
        midi.save_score(tmp_path / "a.mid", RAG, times, bars)
    with pytest.raises(ValueError, match="a score must be"):
        midi.save_score(tmp_path / "a.mid", RAG[::-1], even(0.5), BARS)
    assert not list(tmp_path.iterdir())


def test_drums_are_written_on_channel_ten_and_read_again(tmp_path):
    found = np.array([[0, 0.1, 36, 1], [0, 0.1, 128, 1], [0.5, 0.6, 129, 0.5], [1, 1.1, 131, 1]])
    path = midi.save(tmp_path / "a.mid", found)
    np.testing.assert_allclose(midi.load(path), found, atol=0.01)
    struck = [m for m in mido.MidiFile(path) if m.type == "note_on" and m.velocity]
    assert [(m.channel, m.note) for m in struck] == [(0, 36), (9, 36), (9, 38), (9, 47)]
    score = np.array([[0, 48, 12, 3], [0, 72, 12, 3], [0, 128, 1, 3], [6, 130, 1, 3]])
    path = midi.save_score(tmp_path / "b.mid", score, even(0.5), BARS)
    *_, drums = mido.MidiFile(path).tracks
    assert drums[0].name == "Drums"
    assert {m.channel for m in drums if m.type == "note_on"} == {9}
    np.testing.assert_array_equal(midi.load(path)[:, 2], [48, 72, 128, 130])
