import importlib.util
import io
from pathlib import Path

import mido
import pytest
from test_lyrics import Indifferent

from helpers import audio, midi

SOURCE = Path(__file__).parent.parent / "notebooks" / "song.py"
SPEC = importlib.util.spec_from_file_location("song", SOURCE)
song = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(song)


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Return a function that makes a song of the lines of a file, or of what a model writes."""

    def make(text=None, *options):
        given = ["song.py", "--to", str(tmp_path / "song"), *options]
        if text is not None:
            path = tmp_path / "words of mine.txt"
            path.write_text(text, encoding="utf-8")
            given += ["--text", str(path)]
        monkeypatch.setattr(song.sys, "argv", given)
        return song.main()

    return make


def read(folder):
    """Return the sound's duration and level, the words of MIDI, LRC, and of the text."""
    path = folder / "song.wav"
    sr = audio.info(path).sr
    y = audio.load(path, sr=sr)
    voice = mido.MidiFile(folder / "song.mid").tracks[1]
    sung = "".join(m.text for m in voice if m.type == "lyrics").replace("\r", "\n")
    lrc, text = ((folder / n).read_text(encoding="utf-8") for n in ("song.lrc", "words.txt"))
    return len(y) / sr, audio.level_dbfs(y), sung, lrc, text


def test_words_of_ones_own_are_sung_and_written_to_every_file(make, tmp_path, capsys):
    assert make("The snow lies deep\n\nUpon the hill\n") == 0
    duration, level_db, sung, lrc, text = read(tmp_path / "song")
    assert text == sung == "The snow lies deep\nUpon the hill\n"
    assert [line.split("> ")[1].split(" ")[0] for line in lrc.splitlines()] == ["The", "Upon"]
    assert lrc.startswith("[00:04.00]")  # the music comes before the voice
    assert 12 < duration < 40
    assert -26 < level_db < -14
    assert len(midi.load(tmp_path / "song" / "song.mid")) > 20
    assert (tmp_path / "song" / "song.mp3").exists()
    assert "The snow lies deep" in capsys.readouterr().out


def test_words_are_written_for_the_tune(make, tmp_path, monkeypatch):
    monkeypatch.setattr(song.verse, "load", lambda path: Indifferent())
    assert make(None, "--seed", "3") == 0
    _, _, sung, lrc, text = read(tmp_path / "song")
    assert len(text.splitlines()) == len(lrc.splitlines()) == 4
    assert sung == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n \n", "holds no line: write one for each phrase"),
        ("It is 12 o'clock", "numbers as words"),
        ("and " * 60, "as many syllables as its phrase has notes, 15, got 60"),
    ],
)
def test_lines_that_cannot_be_sung_say_why(make, text, said, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(song, "N_TAKES", 1)
    assert make(text) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "song").exists()


def test_a_text_that_is_not_there_is_named(make, tmp_path, capsys):
    with pytest.raises(SystemExit):
        make(None, "--text", str(tmp_path / "none.txt"))
    assert "none.txt is no file: name a text file" in capsys.readouterr().err


def test_words_may_be_told_where_few_letters_are_known(make, monkeypatch):
    said = io.BytesIO()
    monkeypatch.setattr(song.sys, "stdout", io.TextIOWrapper(said, encoding="cp1252"))
    monkeypatch.setattr(song, "make", lambda seed, own, to: print(*own, flush=True))
    assert make("\u591c\n") == 0
    assert said.getvalue().strip() == b"\\u591c"
