"""The music library is what its manifest and its README say."""

import csv
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

DATA = Path(__file__).resolve().parents[1] / "data"
COLUMNS = (
    *("name", "file", "title", "composer", "instrument", "genre", "minutes", "split"),
    *("origin", "licence", "source", "sha256", "twenty"),
)
CLIP_DURATION = 60  # s
ONSETS_DURATION = 30  # s of each piece in which onsets are listened for


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = read_csv(DATA / "manifest.csv")
RENDERED = [row for row in ROWS if row["origin"] == "rendered"]
PIANO = [row for row in ROWS if row["instrument"] == "piano"]
AGAIN = [row for row in ROWS if row["instrument"] == "recorded piano"]


def by_name(rows):
    return pytest.mark.parametrize("row", rows, ids=[row["name"] for row in rows])


@dataclass(frozen=True)
class Decoded:
    """What is left of a decoded file: the waveform itself would fill the memory."""

    n_samples: int
    n_frames_promised: int
    n_channels: int
    sr: int
    rms_db: float
    peak: float
    lead_in: float
    mono_start: np.ndarray

    @property
    def duration(self) -> float:
        return self.n_samples / self.sr


def decode(path: Path) -> Decoded:
    info = sf.info(path)
    y, sr = sf.read(path, dtype="float32", always_2d=True)
    loudest = np.abs(y).max(axis=1)
    return Decoded(
        n_samples=len(y),
        n_frames_promised=info.frames,
        n_channels=info.channels,
        sr=sr,
        rms_db=float(10 * np.log10(np.mean(y**2, dtype=np.float64))),
        peak=float(loudest.max()),
        lead_in=float(np.argmax(loudest > 1e-3)) / sr,
        mono_start=y[: ONSETS_DURATION * sr].mean(axis=1),
    )


@pytest.fixture(scope="session")
def decoded() -> dict[str, Decoded]:
    return {row["name"]: decode(DATA / row["file"]) for row in ROWS}


def test_manifest_has_the_documented_columns_and_unique_names():
    assert tuple(ROWS[0]) == COLUMNS
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert all(row[column] for column in COLUMNS if column != "twenty"), row["name"]
        assert Path(row["file"]).stem == row["name"]


def test_manifest_and_folders_list_the_same_files():
    listed = {row["file"] for row in ROWS}
    assert {f"music/{path.name}" for path in (DATA / "music").iterdir()} == listed
    for folder in ("notes", "beats"):
        assert {path.stem for path in (DATA / folder).iterdir()} == {
            row["name"] for row in RENDERED
        }


@by_name(ROWS)
def test_file_has_its_checksum(row):
    data = (DATA / row["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == row["sha256"]


@by_name([row for row in ROWS if row["file"].endswith(".mp3")])
def test_mp3_tells_its_length(row):
    with (DATA / row["file"]).open("rb") as file:
        start = file.read(4096)
    assert b"Xing" in start or b"Info" in start


@by_name(ROWS)
def test_file_decodes_completely(row, decoded):
    audio = decoded[row["name"]]
    assert audio.n_samples == audio.n_frames_promised
    assert float(row["minutes"]) == pytest.approx(audio.duration / 60, abs=0.01)


@by_name(ROWS)
def test_level_is_as_stated_and_nothing_clips(row, decoded):
    audio = decoded[row["name"]]
    assert audio.peak < 0.999
    assert -23.0 <= audio.rms_db <= -19.8
    if audio.rms_db < -20.2:
        assert audio.peak > 0.85, "only a high peak excuses a low level"


@by_name(ROWS)
def test_sound_starts_at_once(row, decoded):
    assert decoded[row["name"]].lead_in <= 0.1


def test_library_is_large_enough_and_small_enough(decoded):
    assert sum(audio.duration for audio in decoded.values()) >= 50 * 60
    assert sum((DATA / row["file"]).stat().st_size for row in ROWS) <= 45e6


def test_formats_are_mixed(decoded):
    mp3 = [decoded[row["name"]] for row in ROWS if row["file"].endswith(".mp3")]
    assert sum(audio.n_channels == 2 for audio in mp3) >= 2
    assert sum(audio.n_channels == 1 and audio.sr == 44100 for audio in mp3) > len(mp3) / 2
    assert any(audio.sr == 48000 for audio in mp3)
    suffixes = {Path(row["file"]).suffix for row in ROWS}
    assert ".wav" in suffixes
    assert suffixes & {".ogg", ".flac"}


def test_columns_use_their_words():
    assert {row["split"] for row in ROWS} == {"train", "validation", "test"}
    assert {row["origin"] for row in ROWS} == {"rendered", "recorded"}


def test_splits_share_no_work():
    split_of = {}
    for row in ROWS:
        work = (row["composer"], row["title"])
        assert split_of.setdefault(work, row["split"]) == row["split"]


def test_no_piano_piece_is_there_twice():
    works = Counter((row["composer"], row["title"]) for row in PIANO)
    assert set(works.values()) == {1}
    assert not [row for row in PIANO if "Prelude and Fugue" in row["title"]], "two files hold them"


def test_piano_genres_are_in_every_split_but_where_no_score_was_found():
    splits = {}
    for row in PIANO:
        splits.setdefault(row["genre"], set()).add(row["split"])
    everywhere = {"train", "validation", "test"}
    assert {genre: everywhere - found for genre, found in splits.items()} == {
        "baroque": set(),
        "classical": {"train"},
        "impressionist": {"validation"},
        "ragtime": set(),
        "romantic": set(),
    }


@pytest.mark.parametrize("rows", [ROWS, PIANO], ids=["all", "piano"])
def test_every_split_has_enough_pieces(rows):
    n_pieces = Counter(row["split"] for row in rows)
    assert min(n_pieces[split] for split in ("train", "validation", "test")) >= 3


def clip_starts(row: dict[str, str]) -> list[int]:
    return [int(start) for start in row["twenty"].split(";") if start]


def test_twenty_has_twenty_clips_of_piano_training_pieces():
    assert sum(len(clip_starts(row)) for row in ROWS) == 20
    for row in ROWS:
        if row["twenty"]:
            assert (row["instrument"], row["split"]) == ("piano", "train")


@by_name([row for row in ROWS if row["twenty"]])
def test_clips_of_twenty_lie_inside_their_piece_and_apart(row, decoded):
    starts = clip_starts(row)
    assert starts[0] >= 0
    assert starts[-1] + CLIP_DURATION <= decoded[row["name"]].duration
    assert np.all(np.diff(starts) >= CLIP_DURATION)


def read_notes(row: dict[str, str]) -> list[dict[str, str]]:
    return read_csv(DATA / "notes" / f"{row['name']}.csv")


@by_name(RENDERED)
def test_notes_are_sane_and_inside_the_audio(row, decoded):
    notes = read_notes(row)
    columns = ["onset", "offset", "pitch", "velocity", "key_offset"]
    assert list(notes[0]) == columns + ([] if row in PIANO + AGAIN else ["part"])
    onset, offset, pitch, velocity, key_offset = (
        np.array([float(note[column]) for note in notes]) for column in columns
    )
    assert len(notes) > 100
    assert onset[0] == pytest.approx(0.05, abs=1e-3)
    assert np.all(np.diff(onset) >= 0)
    assert np.all((onset < key_offset) & (key_offset <= offset))
    assert offset.max() <= decoded[row["name"]].duration + 1e-3
    assert (offset - onset).max() < 10.0, "a note is stuck"
    assert np.all((pitch >= 21) & (pitch <= 108) & (pitch == pitch.round()))
    assert np.all((velocity >= 1) & (velocity <= 127) & (velocity == velocity.round()))


def test_test_pieces_are_played_again_on_a_recorded_piano():
    by_name = {row["name"]: row for row in PIANO if row["split"] == "test"}
    assert {row["name"].removesuffix("_salamander") for row in AGAIN} == set(by_name)
    for row in AGAIN:
        first = by_name[row["name"].removesuffix("_salamander")]
        same = ("title", "composer", "genre", "split", "origin")
        assert [row[column] for column in same] == [first[column] for column in same]
        assert "Alexander Holm" in row["source"]
        assert row["licence"].startswith("CC-BY")


@by_name(AGAIN)
def test_second_rendering_is_the_same_performance(row):
    first = row["name"].removesuffix("_salamander")
    for kind in ("notes", "beats"):
        again, before = (DATA / kind / f"{name}.csv" for name in (row["name"], first))
        assert again.read_bytes() == before.read_bytes()


@by_name(AGAIN)
def test_second_rendering_is_another_piano(row, decoded):
    powers = []
    for name in (row["name"], row["name"].removesuffix("_salamander")):
        y = decoded[name].mono_start
        blocks = y[: len(y) // 4096 * 4096].reshape(-1, 4096) * np.hanning(4096)
        powers.append((np.abs(np.fft.rfft(blocks)) ** 2).mean(axis=0)[20:400])
    assert (10 * np.log10(powers[0] / powers[1])).std() > 3  # dB: the same notes, other overtones


@by_name(PIANO + AGAIN)
def test_no_key_is_struck_while_it_is_down(row):
    strokes: dict[str, float] = {}
    for note in read_notes(row):
        assert float(note["onset"]) >= strokes.get(note["pitch"], 0.0)
        strokes[note["pitch"]] = float(note["offset"]) - 1e-3


def heard_onsets(y: np.ndarray, sr: int) -> np.ndarray:
    """Return the times of peaks of the spectral flux."""
    n_fft, hop_length = 2048, sr // 200
    blocks = np.lib.stride_tricks.sliding_window_view(y, n_fft)[::hop_length]
    level = np.log1p(np.abs(np.fft.rfft(blocks * np.hanning(n_fft).astype("float32"))))
    flux = np.maximum(level[2:] - level[:-2], 0).sum(axis=1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(flux, 3), 7)
    peaks = np.flatnonzero((flux == around.max(axis=1)) & (flux > flux.mean()))
    return ((peaks + 1) * hop_length + n_fft / 2) / sr


@by_name([row for row in PIANO + AGAIN if row["split"] == "test" or "rag" in row["name"]])
def test_notes_are_heard_when_they_are_listed(row, decoded):
    audio = decoded[row["name"]]
    heard = heard_onsets(audio.mono_start, audio.sr)
    listed = np.unique([float(note["onset"]) for note in read_notes(row)])
    listed = listed[(listed > heard[0] - 0.05) & (listed < heard[-1])]
    nearest = heard[np.abs(heard[:, None] - listed).argmin(axis=0)]
    late = nearest - listed
    close = np.abs(late) < 0.05
    assert close.mean() > 0.8
    assert abs(np.median(late[close])) < 0.015


@by_name([row for row in ROWS if row["origin"] == "rendered"])
def test_beats_are_listed_while_notes_are_played(row):
    with (DATA / "beats" / f"{row['name']}.csv").open(encoding="utf-8", newline="") as file:
        time, place = np.array([[float(x) for x in r.values()] for r in csv.DictReader(file)]).T
    onset = np.array([float(note["onset"]) for note in read_notes(row)])
    assert onset.min() - 0.06 < time.min() < onset.min() + 4
    assert onset.max() - 4 < time.max() < onset.max() + 0.06
    length = np.diff(time)
    assert np.all((length > 0.5 * np.median(length)) & (length < 4 * np.median(length)))
    assert np.all((np.diff(place) == 1) | (place[1:] == 1)), "a bar counts its beats from 1"
    near = np.abs(time[:, None] - onset).min(axis=1) < 0.05
    assert near.mean() > 0.6, "on most beats a note begins"


@by_name(ROWS)
def test_readme_credits_the_file(row):
    line = (
        f"| `{Path(row['file']).name}` | {row['title']} | {row['composer']} "
        f"| {row['source']} | {row['licence']} |"
    )
    assert line in (DATA / "README.md").read_text(encoding="utf-8").splitlines()


def test_notices_that_licences_ask_for_are_there():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for words in (
        "creativecommons.org/licenses/by-sa/3.0/de/",
        "creativecommons.org/licenses/by/3.0/",
        "http://www.piano-midi.de",
        "creativecommons.org/licenses/by-sa/4.0/",
        "Alexander Holm",
        "Cypressdome",
        "Kevin MacLeod",
        "Michael Scott Cuthbert",
    ):
        assert words in readme
    notice = (DATA / "LICENSES" / "MIT-Sectoid.txt").read_text(encoding="utf-8")
    assert "Copyright (c) 2006/2007  Carlos" in notice
    assert "Permission is hereby granted, free of charge" in notice
    notice = (DATA / "LICENSES" / "CC-BY-3.0-Salamander.txt").read_text(encoding="utf-8")
    assert "Alexander Holm" in notice
    assert "http://creativecommons.org/licenses/by/3.0/" in notice


TEXTS = DATA / "texts"
TEXT_ROWS = read_csv(TEXTS / "manifest.csv")
TEXT_COLUMNS = (
    *("file", "title", "author", "years", "source", "licence"),
    *("n_poems", "n_characters", "sha256"),
)
by_text = pytest.mark.parametrize("row", TEXT_ROWS, ids=[row["file"] for row in TEXT_ROWS])


def poems_in(row: dict[str, str]) -> list[str]:
    text = (TEXTS / row["file"]).read_text(encoding="utf-8")
    return text.removesuffix("\n").split("\n\n\n")


def test_manifest_of_texts_lists_every_file():
    assert tuple(TEXT_ROWS[0]) == TEXT_COLUMNS
    assert all(all(row.values()) for row in TEXT_ROWS)
    listed = [row["file"] for row in TEXT_ROWS]
    assert sorted([*listed, "manifest.csv"]) == sorted(path.name for path in TEXTS.iterdir())


@by_text
def test_text_is_what_its_manifest_says(row):
    data = (TEXTS / row["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == row["sha256"]
    assert int(row["n_characters"]) == len(data.decode("ascii"))
    assert int(row["n_poems"]) == len(poems_in(row))
    assert row["licence"].startswith("poem: public domain; package: ")
    assert max(int(year) for year in row["years"].split("-")) < 1930


@by_text
def test_poems_are_verses_and_nothing_else(row):
    for poem in poems_in(row):
        title, *lines = poem.split("\n")
        assert title.startswith("# ")
        assert sum(map(bool, lines)) >= 4, title
        for line in lines:
            assert line == " ".join(line.split()), f"{title}: {line!r} has spaces to spare"
            assert not set(line) & set("0123456789[]{}<>|_*#@/"), f"{title}: {line!r}"
        assert all(poem.split("\n\n")), f"{title}: a stanza is empty"
        assert lines[0], title
    words = " ".join(poems_in(row)).lower()
    assert "gutenberg" not in words
    assert "copyright" not in words


def test_there_is_verse_enough():
    assert 600_000 <= sum(int(row["n_characters"]) for row in TEXT_ROWS) <= 1_500_000


def test_no_two_poems_share_a_long_run():
    """So that no split of the poems lets a model learn a held-out poem by heart."""
    run, owner = 60, {}
    for poem in (poem for row in TEXT_ROWS for poem in poems_in(row)):
        text = " ".join(re.findall("[a-z]+", poem.split("\n", 1)[1].lower()))
        for start in range(len(text) - run):
            assert owner.setdefault(text[start : start + run], poem) is poem, poem.split("\n")[0]


@by_text
def test_readme_credits_the_text(row):
    columns = ("title", "author", "years", "source", "licence")
    line = " | ".join([f"| `{row['file']}`", *(row[column] for column in columns)]) + " |"
    assert line in (DATA / "README.md").read_text(encoding="utf-8").splitlines()
