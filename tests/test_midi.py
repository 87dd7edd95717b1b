import itertools

import mido
import numpy as np
import pytest

from helpers import files, midi, rolls

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
    on = [mido.Message("note_on", note=60, velocity=80, channel=c, time=100) for c in (0, 1)]
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
        [[0, 1, 128, 1]],
        [[0, 1, -1, 1]],
        [[0, 1, 60, 0]],
        [[0, np.inf, 60, 1]],
        [[0, 1, 60, np.nan]],
    ],
)
def test_notes_that_cannot_be_are_named(wrong, tmp_path):
    with pytest.raises(ValueError, match=r"check the columns|between 0 and 127, got (-1|128)"):
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


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = midi.save(tmp_path / "a.mid", NOTES)
    before = path.read_bytes()
    monkeypatch.setattr(files.os, "replace", lambda *paths: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        midi.save(path, NOTES[:1])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
