import csv
import hashlib
import os
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import odd_files
import pytest
import soundfile
import tqdm.notebook
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers
from helpers import audio, datasets, files

SR = 8000
DATA = Path(__file__).parent.parent / "data"
HEADER = [*datasets.COLUMNS, "source", "sha256", "twenty"]


def put(folder, *names, seconds=70.0, level=0.1):
    """Write files of noise; the suffix chooses the format."""
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        y = np.random.default_rng(seed).uniform(-level, level, int(seconds * SR))
        audio.save(path, y.astype(np.float32), sr=SR)


def row(name, file, split="train", **others):
    cells = {"name": name, "file": file, "split": split, "minutes": "1.5", "instrument": "piano"}
    return {**dict.fromkeys(HEADER, ""), "genre": "ragtime", **cells, **others}


def put_manifest(folder, rows, header=HEADER):
    folder.mkdir(exist_ok=True)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def listed(tmp_path):
    """A folder of four pieces with a manifest in the folder above, as in this repository."""
    put(tmp_path, *(f"music/{name}.wav" for name in "abcd"), seconds=1)
    rows = [
        row("a", "music/a.wav", title="Für A", composer="C", twenty="0;61.5"),
        row("b", "music/b.wav", "validation", instrument="violin"),
        row("c", "music/c.wav", "test", genre="waltz", licence="CC0-1.0", origin="rendered"),
        row("d", "music/d.wav", twenty="10"),
    ]
    put_manifest(tmp_path, rows)
    return tmp_path, rows


def shape(tracks):
    return [(track.name, track.split) for track in tracks]


# With a manifest


@pytest.mark.parametrize("where", ["music", "."])
def test_the_manifest_is_found_in_the_folder_and_above_it(listed, where):
    tracks = datasets.find_tracks(str(listed[0] / where))
    assert shape(tracks) == [("a", "train"), ("b", "validation"), ("c", "test"), ("d", "train")]
    first = tracks[0]
    assert first.path == listed[0] / "music/a.wav"
    assert (first.title, first.composer, first.minutes) == ("Für A", "C", 1.5)
    assert (tracks[2].genre, tracks[2].licence, tracks[2].origin) == (
        "waltz",
        "CC0-1.0",
        "rendered",
    )


def test_a_manifest_above_that_lists_other_folders_does_not_count(listed):
    put(listed[0] / "mine", "x.wav", "y.wav")
    assert {track.name for track in datasets.find_tracks(listed[0] / "mine")} == {"x", "y"}


def test_some_other_csv_above_does_not_count(tmp_path):
    put(tmp_path / "mine", "x.wav", "y.wav")
    (tmp_path / "manifest.csv").write_text("ship,cargo\nEver,bananas\n")
    assert len(datasets.find_tracks(tmp_path / "mine")) == 2


def test_a_manifest_above_that_cannot_be_read_is_named_and_stops_nothing(listed):
    put(listed[0] / "mine", "x.wav", "y.wav")
    (listed[0] / "manifest.csv").write_bytes("Schiff;Öl\n".encode("latin-1"))
    with pytest.warns(audio.AudioWarning) as caught:
        assert {track.name for track in datasets.find_tracks(listed[0] / "mine")} == {"x", "y"}
    assert [str(warning.message).split(" (")[0] for warning in caught] == [
        f"left out: {Path('../manifest.csv')}: must be CSV, in UTF-8, each quote closed; save it "
        "again as CSV UTF-8"
    ]


def test_a_manifest_that_may_not_be_read_is_named(listed, monkeypatch):
    def deny(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "read_csv", deny)
    with pytest.raises(ValueError, match=r"manifest\.csv: can't be read \(Permission denied\); ch"):
        datasets.find_tracks(listed[0])


def test_files_that_the_manifest_does_not_list_are_named(listed):
    put(listed[0], "music/my own.wav", seconds=1)
    with pytest.warns(
        audio.AudioWarning, match=r"my own\.wav: the manifest doesn't list them; move your"
    ):
        tracks = datasets.find_tracks(listed[0] / "music")
    assert len(tracks) == 4


def test_a_manifest_may_mix_kinds_of_paths(listed, monkeypatch):
    rows = [listed[1][0], {**listed[1][1], "file": str(listed[0] / "music/b.wav")}]
    put_manifest(listed[0], rows)
    monkeypatch.chdir(listed[0])
    tracks, left = datasets.survey("music")
    (line,) = datasets.reasons(left, [track.path for track in tracks])
    assert "  c.wav, d.wav: the manifest doesn't list them" in line


@pytest.mark.parametrize("column", [name for name in datasets.COLUMNS if name != "genre"])
@pytest.mark.parametrize("where", ["music", "."])
def test_a_missing_column_is_named(listed, column, where):
    put_manifest(*listed, header=[name for name in HEADER if name != column])
    if (column, where) == ("file", "music"):  # no file column: not a manifest of this folder
        with pytest.warns(audio.AudioWarning, match="only 2 s of music"):
            assert datasets.find_tracks(listed[0] / where)[0].origin == "own"
        return
    with pytest.raises(ValueError, match=rf"manifest\.csv, line 2: lacks the columns {column}"):
        datasets.find_tracks(listed[0] / where)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"file": "music/none.mp3"}, r"line 3: the file .*none\.mp3 is missing; restore it"),
        ({"file": "music"}, r"line 3: the file .*music is missing"),
        ({"split": "training"}, "line 3: split must be train, validation, test, got 'training'"),
        ({"minutes": "2:30"}, "line 3: minutes must be a number above 0, got '2:30'"),
        ({"minutes": "nan"}, "line 3: minutes must be a number above 0, got 'nan'"),
        ({"minutes": "inf"}, "line 3: minutes must be a number above 0, got 'inf'"),
        ({"minutes": "-3"}, "line 3: minutes must be a number above 0, got '-3'"),
        ({"minutes": ""}, "line 3: nothing is given for minutes; fill it in"),
        ({"name": "", "split": ""}, "line 3: nothing is given for name, split"),
        ({"name": "a"}, "names must differ; listed twice: a"),
        ({"file": "music/../music/a.wav"}, r"files must differ; listed twice: \S*music.a\.wav$"),
    ],
)
def test_a_fault_in_a_row_is_named(listed, fault, message):
    folder, rows = listed
    put_manifest(folder, [rows[0], {**rows[1], **fault}, *rows[2:]])
    with pytest.raises(ValueError, match=message):
        datasets.find_tracks(folder)


def test_a_misspelt_column_and_another_separator_are_shown(listed):
    path = listed[0] / "manifest.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("title", "titel"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"lacks the columns title; .*it has name, .*titel"):
        datasets.find_tracks(listed[0])
    path.write_text(text.replace(",", "|"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"it has name\|file\|title"):
        datasets.find_tracks(listed[0])


def test_a_comma_without_quotes_is_named(listed):
    path = listed[0] / "manifest.csv"
    text = path.read_text(encoding="utf-8").replace("Für A", "Für A, again")
    path.write_text(text.replace('"', ""), encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: has more fields than columns; put text with"):
        datasets.find_tracks(listed[0])


def test_what_a_manifest_does_not_say_is_unknown(listed):
    put_manifest(listed[0], [{**listed[1][0], "genre": "", "title": ""}, *listed[1][1:]])
    tracks = datasets.find_tracks(listed[0])
    assert tracks[0].title == "a"
    assert (tracks[0].genre, tracks[0].licence, tracks[1].genre) == (
        "unknown",
        "unknown",
        "ragtime",
    )


@pytest.mark.parametrize("header", [HEADER, [name for name in HEADER if name != "genre"]])
def test_without_genres_the_instrument_is_the_label(listed, header):
    folder, rows = listed
    rows = [{**row, "genre": ""} for row in rows]
    put_manifest(folder, [*rows[:3], {**rows[3], "instrument": ""}], header)
    kinds = [track.genre for track in datasets.find_tracks(folder)]
    assert kinds == ["piano", "violin", "piano", "unknown"]


def test_one_genre_is_enough_for_instruments_to_be_no_labels(listed):
    folder, rows = listed
    put_manifest(folder, [rows[0], *({**row, "genre": ""} for row in rows[1:])])
    assert [track.genre for track in datasets.find_tracks(folder)] == ["ragtime"] + 3 * ["unknown"]


def test_a_manifest_in_another_encoding_is_named(listed):
    text = (listed[0] / "manifest.csv").read_text(encoding="utf-8")
    (listed[0] / "manifest.csv").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match="must be CSV, in UTF-8"):
        datasets.find_tracks(listed[0])


def test_a_manifest_with_a_quote_left_open_is_named(listed):
    with (listed[0] / "manifest.csv").open("a", encoding="utf-8") as file:
        file.write('"' + 200_000 * "x")
    with pytest.raises(ValueError, match=r"manifest\.csv: must be CSV, .* each quote closed"):
        datasets.find_tracks(listed[0])


def test_a_manifest_can_be_saved_by_a_spreadsheet(listed):
    as_written, path = datasets.find_tracks(listed[0]), listed[0] / "manifest.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8-sig")
    assert datasets.find_tracks(listed[0]) == as_written
    path.write_text(text.replace("\n", ",key; tempo\n", 1), encoding="utf-8")
    assert datasets.find_tracks(listed[0]) == as_written
    text = text.replace("0;61.5", "0").replace(",", ";").replace("1.5", "1,5")  # in German
    path.write_text(text, encoding="utf-8-sig")
    assert datasets.find_tracks(listed[0]) == as_written


# A reader's folder


def test_any_files_and_sub_folders_make_tracks(tmp_path):
    put(tmp_path, "b.WAV", "Album <1>/ü c.flac", "Album <1>/deep/d.Mp3", "e.ogg", seconds=20)
    put(tmp_path, ".hidden.wav", ".git/f.wav", seconds=1)
    (tmp_path / "._b.mp3").write_bytes(b"a file of the Finder")
    (tmp_path / "notes.txt").write_text("not audio")
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "folder.mp3").mkdir()
    with pytest.warns(audio.AudioWarning, match="only 40 s of music to train on"):
        tracks = datasets.find_tracks(tmp_path)
    assert [track.name for track in tracks] == ["d", "ü c", "b", "e"]
    assert [track.genre for track in tracks] == ["Album <1>", "Album <1>", "unknown", "unknown"]
    assert all(track.origin == "own" and track.path.is_file() for track in tracks)
    assert [track.minutes for track in tracks] == pytest.approx([1 / 3] * 4)
    assert sorted(track.split for track in tracks) == ["test", "train", "train", "validation"]


def test_the_same_name_in_two_sub_folders_stays_apart(tmp_path):
    put(tmp_path, "x/song.wav", "y/song.wav", "song.wav", "song.flac", "y/tune.wav")
    tracks = datasets.find_tracks(tmp_path)
    same = ["song.flac", "song.wav", "x/song.wav", "y/song.wav"]
    assert [track.name for track in tracks] == [*same, "y/tune.wav"]
    assert [track.title for track in tracks] == [*same, "tune"]  # players are named by it


def test_the_outermost_sub_folder_is_the_label(tmp_path):
    put(tmp_path, "Rock/CD1/a.wav", "Jazz/CD1/b.wav", "Jazz/c.wav")
    kinds = {track.name: track.genre for track in datasets.find_tracks(tmp_path)}
    assert kinds == {"a": "Rock", "b": "Jazz", "c": "Jazz"}
    put(tmp_path / "other", "Music/Rock/CD1/a.wav", "Music/Jazz/b.wav", "Music/c.wav")
    kinds = {track.name: track.genre for track in datasets.find_tracks(tmp_path / "other")}
    assert kinds == {"a": "Rock", "b": "Jazz", "c": "unknown"}


@pytest.mark.parametrize(
    ("n_files", "held_out"), [(2, (1, 0)), (3, (1, 1)), (4, (1, 1)), (11, (1, 1)), (24, (3, 3))]
)
def test_some_files_are_held_out(tmp_path, n_files, held_out):
    put(tmp_path, *(f"{i:02}.wav" for i in range(n_files)))
    tracks = datasets.find_tracks(tmp_path)
    splits = [track.split for track in tracks]
    assert (splits.count("validation"), splits.count("test")) == held_out
    assert tracks == datasets.find_tracks(tmp_path)  # and always the same ones


@settings(deadline=None)
@given(st.sets(st.text("abcdefgh", min_size=1), min_size=2, max_size=60))
def test_every_split_has_what_it_needs(names):
    files = {Path(f"{name}.mp3"): float(len(name)) for name in names}
    splits = datasets._split(files)
    assert splits == datasets._split(dict(sorted(files.items(), reverse=True)))
    counts = [list(splits.values()).count(split) for split in datasets.SPLITS]
    assert sum(counts) == len(files)
    assert counts[0] >= 1
    assert counts[1] >= 1
    assert counts[2] == (counts[1] if len(files) > 2 else 0)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 9))
def test_short_files_are_held_out_only_for_want_of_others(n_long, n_short):
    minutes = [1.0] * n_long + [0.3] * n_short
    lengths = {Path(f"{k}.mp3"): length for k, length in enumerate(minutes)}
    splits = datasets._split(lengths)
    n_held_out = max(1, round(len(lengths) / 8))
    if n_long > 2 * n_held_out:
        assert all(splits[file] == "train" for file in lengths if lengths[file] < 1)
    elif len(lengths) > 2:
        assert splits == datasets._split(dict.fromkeys(lengths, 1.0))


def test_of_two_files_the_longer_one_trains(tmp_path):
    for short, long in (("a", "b"), ("c", "d"), ("f", "e")):
        put(tmp_path / short, f"{short}.wav", seconds=5)
        put(tmp_path / short, f"{long}.wav", seconds=70)
        splits = dict(shape(datasets.find_tracks(tmp_path / short)))
        assert splits == {long: "train", short: "validation"}


@pytest.mark.parametrize("n_files", [0, 1])
def test_too_few_files_are_refused(tmp_path, n_files):
    put(tmp_path, *["one.wav"][:n_files])
    with pytest.raises(ValueError, match=rf"holds {n_files} readable audio files, .* at least 2"):
        datasets.find_tracks(tmp_path)


def test_very_little_music_is_said(tmp_path):
    put(tmp_path, "a.wav", "b.wav", seconds=12)
    with pytest.warns(audio.AudioWarning, match="only 12 s of music to train on") as caught:
        datasets.find_tracks(tmp_path)
    assert caught[0].filename == __file__


def test_an_unreadable_file_is_named_and_left_out(tmp_path):
    put(tmp_path, "a.wav", "b.wav", "c.wav")
    (tmp_path / "bad.mp3").write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.warns(audio.AudioWarning, match=r"left out: .*bad\.mp3.*git lfs pull") as caught:
        tracks = datasets.find_tracks(tmp_path)
    assert caught[0].filename == __file__
    assert [track.name for track in tracks] == ["a", "b", "c"]


def test_formats_side_by_side_are_all_taken(tmp_path):
    put(tmp_path, "a.mp3", "b.wav", "c.flac", "d.ogg", seconds=20)
    (tmp_path / "b.wav").rename(tmp_path / "b.WAVE")
    made = (("e.m4a", "aac", "ipod"), ("f.aifc", "pcm_s16be", "aiff"), ("g.au", "pcm_s16be", "au"))
    for number, (name, codec, container) in enumerate(made):
        y = np.random.default_rng(9 + number).uniform(-0.1, 0.1, 20 * SR).astype(np.float32)
        (tmp_path / name).write_bytes(odd_files.mux(y, SR, codec, container))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracks = datasets.find_tracks(tmp_path)
    assert "".join(track.name for track in tracks) == "abcdefg"


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A song as MP3, M4A (later by 0.1 s, softer) and in a sub-folder, and two other songs."""
    folder = tmp_path_factory.mktemp("copied")
    y = audio.load(DATA / "music" / "joplin_solace.mp3", sr=22050, duration=40)
    others = audio.load(DATA / "music" / "joplin_solace.mp3", sr=22050, start=60, duration=80)
    (folder / "album").mkdir()
    audio.save(folder / "song.mp3", y, sr=22050, quality=1)
    later = np.concatenate([np.zeros(2205, np.float32), 0.7 * y])
    (folder / "same.m4a").write_bytes(odd_files.mux(later, 22050, "aac", "ipod"))
    audio.save(folder / "album" / "again.ogg", y, sr=22050)
    audio.save(folder / "other.mp3", others[: len(y)], sr=22050)
    audio.save(folder / "third.mp3", others[len(y) :], sr=22050)
    return folder


def test_copies_of_a_recording_are_one_piece(copied):
    with pytest.warns(audio.AudioWarning) as caught:
        tracks = datasets.find_tracks(copied)
    largest = max(
        ("song.mp3", "same.m4a", "album/again.ogg"), key=lambda name: (copied / name).stat().st_size
    )
    assert [track.path.name for track in tracks] == sorted(
        [Path(largest).name, "other.mp3", "third.mp3"]
    )
    said = [str(warning.message) for warning in caught if "left out" in str(warning.message)]
    assert len(said) == 1
    assert said[0].endswith(f": the same recording as {largest}")
    assert caught[0].filename == __file__


def test_another_song_of_the_same_length_is_no_copy(copied):
    paths = [copied / name for name in ("song.mp3", "same.m4a", "other.mp3")]
    larger, smaller = sorted(paths[:2], key=lambda path: -path.stat().st_size)
    infos = {path: audio.info(path) for path in paths}
    heard = {path: datasets._hear(path, None)[1] for path in paths}
    why = f"the same recording as {larger.name}"
    assert datasets._copies(copied, infos, heard, None) == {smaller: why}


@pytest.mark.parametrize("kept", [False, True])
def test_a_file_that_vanishes_while_copies_are_sought_is_left_out(copied, tmp_path, kept):
    folder = tmp_path / "kept" if kept else None
    music = shutil.copytree(copied, tmp_path / "music")
    paths = [music / name for name in ("song.mp3", "same.m4a", "other.mp3")]
    infos = {path: audio.info(path) for path in paths}
    heard = {path: datasets._hear(path, folder)[1] for path in paths}
    gone = max(paths[:2], key=lambda path: path.stat().st_size)
    gone.unlink()
    ((path, why),) = datasets._copies(music, infos, heard, folder).items()
    assert path == gone
    assert "no such file" in why.lower()
    assert str(music) not in why


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    put(tmp_path, "a.wav", "b.wav", "locked/c.wav", "lost+found/d.wav", seconds=70)
    scandir = os.scandir

    def refuse(path):
        if Path(path).name in ("locked", "lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    tracks, left = datasets.survey(tmp_path)
    assert len(tracks) == 2
    assert {one.path.name: one.why for one in left} == {
        "locked": "a folder that can't be read (Permission denied); check its permissions",
        "lost+found": "hidden files, recycle bins and previews",
    }
    with pytest.warns(audio.AudioWarning, match="left out: locked: a folder that can't be read"):
        datasets.find_tracks(tmp_path)
    with pytest.raises(ValueError, match=r"left out: \.: a folder that can't be read"):
        datasets.survey(tmp_path / "locked")


def test_many_files_are_looked_through_by_two_processes(copied, tmp_path, monkeypatch):
    music = shutil.copytree(copied, tmp_path / "music")
    (music / "cut off.mp3").write_bytes(b"ID3")
    alone = datasets.survey(music)
    monkeypatch.setattr(datasets, "_MANY", 2)
    real, seen = datasets.pool, []
    monkeypatch.setattr(datasets, "pool", lambda n, **how: seen.append(n) or real(n, **how))
    assert datasets.survey(music) == alone
    assert seen == [2]
    assert "cut off.mp3" in {one.path.name for one in alone[1]}


def test_files_of_about_one_length_are_compared_at_once(tmp_path):
    put(tmp_path, "a.wav", seconds=12.1)
    put(tmp_path, "b.wav", seconds=12.9)
    assert {len(datasets._hear(path, None)[1]) for path in tmp_path.iterdir()} == {12 * 20}


def test_what_was_heard_is_kept_by_its_content(copied, tmp_path, monkeypatch):
    (copied / "cut off.mp3").write_bytes(b"")
    heard, load = [], audio.load
    monkeypatch.setattr(audio, "load", lambda path, **how: heard.append(path) or load(path, **how))

    def again():
        heard.clear()
        return datasets.survey(copied, kept=kept)

    kept = tmp_path / "kept"
    first = again()
    n_files = len(list(kept.iterdir()))
    assert len(heard) == n_files == 5
    assert again() == first
    assert not heard
    (copied / "other.mp3").rename(copied / "renamed.mp3")
    again()
    assert not heard
    one, two, *_ = kept.iterdir()
    one.write_bytes(one.read_bytes()[:-50])  # what is damaged is heard anew
    content = bytearray(two.read_bytes())
    content[len(content) // 2] ^= 1
    two.write_bytes(content)
    again()
    assert len(heard) == 2
    again()
    assert not heard
    with (copied / "song.mp3").open("ab") as file:  # another content
        file.write(bytes(9))
    again()
    assert [path.name for path in heard] == ["song.mp3"]


def test_what_cannot_be_read_to_its_end_is_left_with_a_reason(copied, tmp_path, monkeypatch):
    def failing(file, kind):
        if Path(file.name).name == bad.name:
            raise OSError(5, "Input/output error")
        return digest(file, kind)

    digest, bad = hashlib.file_digest, copied / "third.mp3"
    monkeypatch.setattr(datasets.hashlib, "file_digest", failing)
    tracks, left = datasets.survey(copied, fewest=1, kept=tmp_path)
    assert bad not in {track.path for track in tracks}
    assert {one.why for one in left if one.path == bad} == {
        "can't be read (Input/output error); check its permissions, and the disk it is on"
    }


def test_what_was_heard_need_not_be_kept(copied, tmp_path):
    place = tmp_path / "kept"
    place.write_text("no folder")
    assert datasets.survey(copied, kept=place) == datasets.survey(copied)


def test_short_sounds_that_share_a_note_are_no_copies(tmp_path):
    t = np.arange(4 * 16000) / 16000
    tones = {pitch: 0.2 * np.sin(2 * np.pi * pitch * t) for pitch in (220, 330, 440)}
    for name, order in {"up": (220, 330, 440), "down": (440, 330, 220)}.items():
        y = np.concatenate([tones[pitch] for pitch in order])
        audio.save(tmp_path / f"{name}.wav", y.astype(np.float32), sr=16000)
    left: list[datasets.Left] = []
    tracks = datasets._tracks_of_folder(tmp_path, sorted(tmp_path.iterdir()), left, 1, None)
    assert [track.name for track in tracks] == ["down", "up"], left


def test_likeness_is_the_highest_correlation_whatever_the_lengths():
    rng = np.random.default_rng(0)
    y, others = rng.normal(size=60), [rng.normal(size=n) for n in (60, 48, 75, 60)]
    others[-1][20:40] = -y[5:25]
    expected = []
    for x in others:
        n = min(20, 4 * min(len(x), len(y)) // 5)
        part = x[(len(x) - n) // 2 :][:n]
        each = [np.corrcoef(part, y[i : i + n])[0, 1] for i in range(1, len(y) - n + 1)]
        expected.append(np.abs(each).max())
    np.testing.assert_allclose(datasets._likeness(y, others, 2), expected, atol=1e-4)
    assert expected[-1] > 0.999
    assert datasets._likeness(y, [y[:5], np.ones(5)], 2)[1] < 0.01  # what never changes
    assert not len(datasets._likeness(y, [], 2))


def put_copies(folder, y, shifted):
    audio.save(folder / "song.mp3", y, sr=22050, quality=1)
    audio.save(folder / "copy.ogg", shifted, sr=22050, quality=0.2)
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, len(y)).astype(np.float32)
    audio.save(folder / "noise.wav", noise, sr=22050)
    return [one.why for one in datasets.survey(folder)[1]]


@pytest.mark.parametrize(
    ("before", "after"), [(2.0, 0), (-2.0, 0), (0.9, -4.0), (10.0, 0), (-10.0, -2.0), (0, 8.0)]
)
def test_a_copy_that_is_moved_or_of_another_length_is_known(copied, tmp_path, before, after):
    y = audio.load(copied / "song.mp3", sr=22050)
    shifted = y
    for seconds, pad in ((before, (1, 0)), (after, (0, 1))):
        n = round(abs(seconds) * 22050)
        if seconds > 0:
            shifted = np.pad(shifted, (n * pad[0], n * pad[1]))
        elif seconds < 0:
            shifted = shifted[n * pad[0] : len(shifted) - n * pad[1]]
    whys = put_copies(tmp_path, np.concatenate([y, y[::-1]]), np.concatenate([shifted, y[::-1]]))
    assert len(whys) == 1
    assert whys[0].startswith("the same recording as ")


@pytest.mark.parametrize("before", [25.0, -25.0])
def test_a_copy_that_is_moved_too_far_is_a_piece_of_its_own(copied, tmp_path, before):
    y = np.concatenate([audio.load(copied / name, sr=22050) for name in ("song.mp3", "third.mp3")])
    y = np.concatenate([y, y])
    n = round(abs(before) * 22050)
    assert not put_copies(tmp_path, y, np.pad(y, (n, 0)) if before > 0 else y[n:])


def test_what_is_short_or_silent_is_left_out(tmp_path):
    put(tmp_path, "a.wav", "b.wav", "late.flac")
    put(tmp_path, "blip.wav", seconds=0.9)
    put(tmp_path, "nothing.mp3", "nothing.wav", level=0)
    y = np.zeros(60 * SR, np.float32)
    y[-100:] = 0.1
    audio.save(tmp_path / "late.flac", y, sr=SR)
    tracks, left = datasets.survey(tmp_path)
    assert [track.name for track in tracks] == ["a", "b", "late"]
    whys = {one.path.name: one.why for one in left}
    assert "under 1 s long" in whys.pop("blip.wav")
    assert sorted(whys) == ["nothing.mp3", "nothing.wav"]
    assert all("is silent throughout" in why for why in whys.values())


def test_channels_that_cancel_are_named(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    y = np.random.default_rng(9).integers(-3000, 3000, 2 * SR, np.int16)
    soundfile.write(tmp_path / "apart.wav", np.stack([y, -y], axis=1), SR)
    ((path, why),) = [(one.path.name, one.why) for one in datasets.survey(tmp_path)[1]]
    assert path == "apart.wav"
    assert why.startswith("is silent throughout, or its channels cancel;")


def test_sound_whose_name_does_not_say_so_is_named(tmp_path):
    put(tmp_path, "a.wav", "b.wav", "c.wav", "d.flac", "e.wav", "f.wav")
    (tmp_path / "c.wav").rename(tmp_path / "take 3")
    (tmp_path / "d.flac").rename(tmp_path / "song.flac.bak")
    (tmp_path / "e.wav").rename(tmp_path / "e.wav ")  # a trailing blank does no harm
    (tmp_path / "f.wav").rename(tmp_path / "f.nist")
    (tmp_path / "LICENCE").write_text("All rights reserved")
    (tmp_path / "list.xyz").write_text("#EXTM3U\na.wav\n")
    (tmp_path / "random").write_bytes(odd_files.noise(9000))
    with pytest.warns(audio.AudioWarning) as caught:
        tracks = datasets.find_tracks(tmp_path)
    assert [track.path.name for track in tracks] == ["a.wav", "b.wav", "e.wav ", "f.nist"]
    assert [str(warning.message) for warning in caught] == [
        "left out: song.flac.bak, take 3: sound, but their names don't say so; rename them, to end "
        "in .wav or .mp3 for example"
    ]


def test_the_reasons_tell_where_what_is_left_out_lies(tmp_path):
    put(tmp_path, "x/a.wav", "y/b.wav")
    (tmp_path / "y" / "score.mid").write_bytes(b"MThd")
    tracks, left = datasets.survey(tmp_path)
    (line,) = datasets.reasons(left, [track.path for track in tracks])
    assert "  y/score.mid: scores hold" in line
    (line,) = datasets.reasons(left)
    assert "  score.mid: scores hold" in line


def test_what_only_looks_like_music_is_named_by_its_reason(tmp_path):
    put(tmp_path, "a.wav", "b.wav", "c.wav")
    for number in range(7):
        (tmp_path / f"{number}.mid").write_bytes(b"MThd")
    (tmp_path / "later.mp3.part").write_bytes(b"ID3")
    (tmp_path / "album.zip").write_bytes(b"PK")
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.warns(audio.AudioWarning) as caught:
        datasets.find_tracks(tmp_path)
    assert sorted(str(warning.message) for warning in caught) == [
        "left out: 0.mid, 1.mid, 2.mid, 3.mid and 3 more: scores hold notes without sound; render "
        "them to WAV",
        "left out: album.zip: archives; unpack them",
        "left out: later.mp3.part: unfinished downloads; get them whole",
    ]
    tracks, left = datasets.survey(tmp_path)
    assert len(tracks) == 3
    assert len(left) == 10
    assert "left out         1  cover.jpg: no music" in datasets.reasons(left)


def test_bins_previews_and_hidden_folders_are_passed_over(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    unseen = ("$RECYCLE.BIN/x.wav", ".Trash-1000/files/y.wav", "@eaDir/z.wav", "Previews/v.wav")
    put(tmp_path, *unseen, "__MACOSX/w.wav", seconds=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [track.name for track in datasets.survey(tmp_path)[0]] == ["a", "b"]
    assert len(datasets.survey(tmp_path)[1]) == 5


def test_links_are_followed_once(tmp_path):
    put(tmp_path, "music/b.wav", "music/zoo/c.wav", "elsewhere/d.wav")
    music = tmp_path / "music"
    (music / "album").symlink_to(tmp_path / "elsewhere")
    (music / "loop").symlink_to(music)
    (music / "farm").symlink_to(music / "zoo")
    (music / "again.wav").symlink_to(music / "b.wav")
    with pytest.warns(audio.AudioWarning) as caught:
        tracks = datasets.find_tracks(music)
    assert [str(track.path.relative_to(music)) for track in tracks] == [
        str(Path("album/d.wav")),
        "b.wav",
        str(Path("zoo/c.wav")),
    ]
    assert [str(warning.message) for warning in caught] == ["left out: again.wav: linked to b.wav"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_dead_links_and_pipes_are_named(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    (tmp_path / "lost.wav").symlink_to(tmp_path / "none.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    os.mkfifo(tmp_path / "pipe.mp3")
    os.mkfifo(tmp_path / "pipe")
    tracks, left = datasets.survey(tmp_path)
    assert len(tracks) == 2
    assert {one.path.name: one.why.split(";")[0] for one in left} == {
        "lost.wav": "no such file",
        "loop.wav": "no such file",
        "pipe.mp3": "is no regular file",
        "pipe": "no music",
    }


def test_the_home_folder_has_its_short_name(tmp_path, monkeypatch):
    put(tmp_path / "music", "a.wav", "b.wav")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert len(datasets.find_tracks("~/music")) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_name_that_is_not_utf8_can_be_shown(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    os.rename(tmp_path / "b.wav", odd)
    (tmp_path / os.fsdecode(b"\xe9.mp3")).write_bytes(b"")
    with pytest.warns(audio.AudioWarning, match="is empty") as caught:
        tracks = datasets.find_tracks(tmp_path)
    assert [track.name for track in tracks] == ["a", "caf\\xe9"]
    for text in (str(caught[0].message), tracks[1].title, datasets.describe(tracks)):
        assert text.encode("utf-8")
    assert len(datasets.load_waveforms(tracks, sr=SR)) == 2


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; check the setting MUSIC"):
        datasets.find_tracks(tmp_path / "none")
    put(tmp_path, "a.wav", seconds=1)
    with pytest.raises(NotADirectoryError, match=r"got the file .*a\.wav: name its folder"):
        datasets.find_tracks(tmp_path / "a.wav")


# Tracks


def test_selecting_by_split_instrument_and_genre(listed):
    tracks = datasets.find_tracks(listed[0])
    assert datasets.select(tracks) == tracks
    assert shape(datasets.select(tracks, split="train")) == [("a", "train"), ("d", "train")]
    assert shape(datasets.select(tracks, instrument="piano", genre="waltz")) == [("c", "test")]


def test_selecting_nothing_names_what_exists(listed):
    tracks = datasets.find_tracks(listed[0])
    with pytest.raises(ValueError, match="no track has genre 'jazz'; choose from: ragtime; waltz"):
        datasets.select(tracks, genre="jazz")
    with pytest.raises(ValueError, match=r"'test' and instrument 'violin'; .*test, piano;"):
        datasets.select(tracks, split="test", instrument="violin")
    with pytest.raises(ValueError, match="choose from: no tracks"):
        datasets.select([], split="test")


def test_picking_gives_the_named_track_or_the_first(listed):
    tracks = datasets.find_tracks(listed[0])
    assert datasets.pick(tracks, "c") == tracks[2]
    assert datasets.pick(tracks, "a piece that a reader hasn't got") == tracks[0]
    with pytest.raises(ValueError, match="at least 1 track, got 0"):
        datasets.pick([], "c")


def test_loading_keeps_names_order_and_rate(listed):
    tracks = datasets.find_tracks(listed[0])[::-1]
    waveforms = datasets.load_waveforms(tracks, sr=4000)
    assert list(waveforms) == ["d", "c", "b", "a"]
    for y in waveforms.values():
        assert (y.dtype, y.shape) == (np.float32, (4000,))


def test_the_progress_bar_of_a_notebook_can_be_silenced(listed, monkeypatch):
    shown = []
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr(tqdm.notebook, "display", shown.append)
    monkeypatch.setattr(helpers, "tqdm", tqdm.notebook.tqdm)
    datasets.load_waveforms(datasets.find_tracks(listed[0]), sr=SR)
    assert not shown


@pytest.mark.parametrize(
    ("seconds", "lengths"),
    [(0.5, [4000]), (1, [8000]), (2.25, [8000, 8000, 2000]), (9, [8000] * 4)],
)
def test_loading_stops_at_the_limit(listed, seconds, lengths):
    tracks = datasets.find_tracks(listed[0])
    waveforms = datasets.load_waveforms(tracks, sr=SR, max_minutes=seconds / 60)
    assert [len(y) for y in waveforms.values()] == lengths


@pytest.mark.parametrize("max_minutes", [0, -1, np.nan])
def test_an_impossible_limit_is_refused(listed, max_minutes):
    with pytest.raises(ValueError, match="max_minutes must be more than 0 minutes"):
        datasets.load_waveforms(datasets.find_tracks(listed[0]), sr=SR, max_minutes=max_minutes)


def test_the_same_name_twice_is_refused(listed):
    tracks = datasets.find_tracks(listed[0])
    with pytest.raises(ValueError, match="names that differ, got twice: a, b"):
        datasets.load_waveforms([*tracks, *tracks[:2]], sr=SR)


def test_a_file_that_fails_while_loading_is_left_out(listed):
    tracks = datasets.find_tracks(listed[0])
    tracks[1].path.write_text("no longer a sound")
    with pytest.warns(audio.AudioWarning, match=r"left out: .*b\.wav: is text") as caught:
        waveforms = datasets.load_waveforms(tracks, sr=SR)
    assert caught[0].filename == __file__
    assert list(waveforms) == ["a", "c", "d"]
    with (
        pytest.warns(audio.AudioWarning, match="left out"),
        pytest.raises(audio.AudioError, match="none of 1 tracks could be loaded"),
    ):
        datasets.load_waveforms(tracks[1:2], sr=SR)


def test_the_description_counts_minutes_per_split(listed):
    assert datasets.describe(datasets.find_tracks(listed[0])).splitlines() == [
        "split       pieces  minutes  instruments",
        "train            2      3.0  piano",
        "validation       1      1.5  violin",
        "test             1      1.5  piano",
        "all              4      6.0",
    ]


# The music of this repository


def test_the_music_of_this_repository_is_whole_and_as_listed():
    tracks = datasets.find_tracks(DATA / "music")
    assert sum(track.minutes for track in tracks) > 50
    for split in ("validation", "test"):
        assert len(datasets.select(tracks, split=split)) >= 3
    rows = files.read_csv(DATA / "manifest.csv")
    listed = {Path(row["file"]).name: row["sha256"] for _, row in rows}
    for track in tracks:
        assert audio.info(track.path).duration / 60 == pytest.approx(track.minutes, abs=0.01)
        assert hashlib.sha256(track.path.read_bytes()).hexdigest() == listed[track.path.name]
    assert sum(track.path.stat().st_size for track in tracks) <= 45e6


@pytest.mark.skipif(sys.platform == "win32", reason="has no such names")
def test_a_name_with_a_line_break_or_an_escape_is_shown_on_one_line(tmp_path):
    for k, name in enumerate(("new\nline", "\x1b[31mred", "two\u2028lines")):
        noise = np.random.default_rng(k).uniform(-0.1, 0.1, 32_000).astype(np.float32)
        audio.save(tmp_path / f"{name}.wav", noise, sr=16_000)
    assert [track.name for track in datasets.survey(tmp_path)[0]] == [
        r"\x1b[31mred",
        r"new\nline",
        r"two\u2028lines",
    ]
