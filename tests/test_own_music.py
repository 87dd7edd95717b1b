"""Notebooks run on a reader's own folder: any formats, sub-folders, no manifest."""

import base64
import io
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import soundfile

from helpers import audio, datasets, events, library, note_model

PROJECT = Path(__file__).parent.parent
SAMPLE = ("01", "04", "07")  # a file's way to sound, what is learnt, what is composed
NOTEBOOKS = [
    pytest.param(path, id=path.stem, marks=[] if path.name[:2] in SAMPLE else pytest.mark.long)
    for path in sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four excerpts of 40 s: stereo WAV, MP3 at 48 kHz, FLAC and Ogg, in two sub-folders."""
    folder = tmp_path_factory.mktemp("My <music> & 'more'")
    for name in ("studio", "live"):  # in notebook 09 they are labels
        (folder / name).mkdir()
    ours = datasets.select(datasets.find_tracks(PROJECT / "data" / "music"), instrument="piano")
    excerpts = [audio.load(track.path, sr=48000, start=20, duration=40) for track in ours[:4]]
    stereo = np.stack([excerpts[0], 0.5 * excerpts[0]], axis=1)
    soundfile.write(folder / "studio" / "a stereo take.wav", stereo, 48000, subtype="PCM_24")
    audio.save(folder / "studio" / "b.mp3", excerpts[1], sr=48000)
    slow = audio.resample(excerpts[2], sr_from=48000, sr_to=22050)
    audio.save(folder / "live" / "c.flac", np.clip(slow, -1, 1), sr=22050)
    audio.save(folder / "live" / "d.ogg", excerpts[3], sr=48000)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of what notebooks need, so that nothing is written to the real outputs/."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT / "notebooks", copy / "notebooks")
    for name in ("models", "texts"):
        shutil.copytree(PROJECT / "data" / name, copy / "data" / name)
    for name in ("requirements.txt", "tasks.py"):
        shutil.copy(PROJECT / name, copy)
    return copy


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_notebook_runs_on_a_folder_of_the_readers_own(path, folder, project):
    name = Path("notebooks") / path.name
    command = [sys.executable, "notebooks/execute.py", name, "--music", folder]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
    assert (project / "outputs" / name).exists()


# Cells of notebooks, each on music that some folder holds

CELLS = {
    cell.id: cell.source
    for name in ("07_listening", "09_your_own_music")
    for cell in nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", 4).cells
}


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """Let each piece tell its own alarm."""
    monkeypatch.setattr(library, "alarm", lambda one: one.alarm)
    monkeypatch.setattr(library, "sounds", lambda pieces, given: [one.name for one in pieces])
    monkeypatch.setattr(library, "waveform", lambda one, **_: np.zeros(9))


def run(*cells, **names):
    """Run cells, one after the other, among these names; return what the names are then."""
    names = {"np": np, "events": events, "library": library, "given": None, "SR": 16_000} | names
    for cell in cells:
        exec(CELLS[cell], names)
    return names


def piece(name, seconds=60.0, *, begin=0.0, **facts):
    """Return a piece as notebook 09 has it: from its beginning on two notes a second."""
    onset = np.arange(begin, seconds, 0.5)
    found = np.stack([onset, onset + 0.4, 60 + np.arange(len(onset)) % 12, onset**0], axis=1)
    given = {"name": name, "title": name, "alarm": "", "genre": "unknown", "split": "test"}
    given |= {"seconds": seconds, "start": 0.0, "rate": 2.0, "found": found, "keys": found}
    return SimpleNamespace(**(given | facts))


def named(*pieces):
    return {one.name: one for one in pieces}


@pytest.mark.parametrize(
    ("seconds", "good"), [(50, ["good"]), (30, ["song", "band", "good"]), (15, ["song", "band"])]
)
def test_a_short_piece_without_an_alarm_is_not_learnt_from_alone(seconds, good, capsys):
    pieces = named(piece("song", alarm="a blur"), piece("band", alarm="a blur"))
    names = run("n9enough", "n9bank", pieces=pieces | named(piece("good", seconds)))
    assert names["bank"] == good
    said = {50: "song, band", 30: "none", 15: "good (30 notes at most)"}
    assert capsys.readouterr().out == f"not learnt from: {said[seconds]}\n"


@pytest.mark.parametrize("begin", [12.0, 12.1])
def test_a_piece_that_begins_with_silence_is_gone_on_with_from_its_first_note(begin):
    names = dict.fromkeys(("weights", "settings", "shipped", "its_settings", "rng"))
    names |= {"learnt": {"test": ["late"]}, "few": False, "SEED_S": 10.0, "COMPOSE_S": 16.0}
    good = named(piece("late", begin=begin))
    names |= {"heard": good, "good": good, "pieces": good}
    ((seed, follows, seconds),) = run("n9bank", "n9comp", **names)["places"].values()
    assert (len(seed.score), len(follows), seconds) == (20, 32, 16.0)


@pytest.fixture
def cut_off(tmp_path):
    """Tracks: one of nothing; one that ends at 14 s, though it should last two minutes."""
    sound = np.sin(np.arange(120 * 16_000) / 7).astype(np.float32) / 4
    path = audio.save(tmp_path / "cut.wav", sound, sr=16_000)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 14 * 16_000])
    (tmp_path / "none.wav").write_bytes(b"")
    names = ("none", "cut")
    return [SimpleNamespace(path=tmp_path / f"{name}.wav", minutes=2.0) for name in names]


def test_a_file_that_is_cut_off_is_heard_all_the_same(cut_off, monkeypatch):
    monkeypatch.chdir(PROJECT / "notebooks")
    names = run("n9imp", "n9set")
    track, y = names["excerpt"](cut_off)
    assert (track, len(y)) == (cut_off[1], 14 * 16_000)
    with pytest.raises(audio.AudioError, match=r"none.wav: is empty"):
        names["excerpt"](cut_off[:1])
    heard = CELLS["a8685a98"].split("\n\n\n")[1]
    names |= {"SEED_START": 20.0, "SEED_S": 10.0}
    exec(heard, names)
    np.testing.assert_array_equal(names["excerpt"](cut_off[1], 16_000), y[-10 * 16_000 :])


def test_parts_of_one_file_do_not_take_the_places_of_other_music():
    parts = [piece(f"concert ({k} of 3)", title="concert", start=60.0 * k) for k in range(1, 4)]
    good = named(*parts, piece("song"))
    names = {"heard": good, "good": good, "pieces": good, "name": parts[1].name, "k": 0, "t": 4.0}
    names |= {"clips": {"your network": [None]}, "alike": {"your network": [1]}}
    names |= {"synthesis": SimpleNamespace(play=lambda *_, **__: np.zeros(9))}
    names |= {"notes": SimpleNamespace(level_gain=lambda y, sr: 1)}
    shown = []
    names |= {"interactive": SimpleNamespace(compare_players=lambda x, sr: shown.append([*x]))}
    run("n9bank", "n9codec", "n9heard", "n9swapc", **names)
    assert shown[0] == ["concert", "concert: codec", "song", "song: codec"]
    assert "concert, 124 s" in shown[1]
    said = ("in the sounds of concert", "in the sounds of song", "of all")
    assert shown[2] == [f"concert, {x}" for x in said]


def test_a_piece_is_not_said_to_have_no_drums_because_its_middle_has_none():
    names = {"drums": SimpleNamespace(separate=lambda y, **_: (y, [], None)), "shown": []}
    names |= {"pieces": named(piece("song")), "interactive": SimpleNamespace()}
    names["interactive"].compare_players = lambda x, sr: names["shown"].extend(x)
    run("n9drums", **names)
    assert names["shown"] == ["song: no drums here"]


@pytest.mark.parametrize(
    ("kinds", "silent", "said"),
    [
        (["rock", "jazz"], [], "jazz, rock"),
        (["rock"], ["jazz"], "none; nothing is learnt from jazz"),
        (["rock", "jazz"], ["pop"], "jazz, rock; nothing is learnt from pop"),
        ([*"abcdefghi"], [], "none; 9 kinds, 8 at most"),
    ],
)
def test_kinds_of_music_that_are_no_labels_are_told(kinds, silent, said, capsys):
    tracks = [piece(kind, genre=kind) for kind in (*kinds, *silent, "unknown")]
    played = events.read(tracks[0].found)
    learnt = {"train": dict.fromkeys(kinds, played), "test": dict.fromkeys(kinds, played)}
    names = {"learning": {*kinds, "unknown"}, "good": named(*tracks), "ours": False}
    run("n9words", tracks=tracks, learnt=learnt, **names)
    assert capsys.readouterr().out.splitlines()[-1] == f"labels: {said}"


# make mine

QUICK = {  # of notebook 09: fewer steps, fewer and shorter takes
    "n9set": {"STEPS = None": "STEPS = 3"},
    "n9draw": {"* 8)[:8]": "* 1)[:1]", "] * 8": "] * 1"},
    "n9far": {"* 4": "* 1", "range(4)": "range(1)"},
    "n9copy": {"* 32)[:32]": "* 2)[:2]"},
    "n9runaway": {"120": "20"},
    "n9between": {"range(4)": "range(1)", ", 40,": ", 8,"},
}
PIECE = "Für <b>Élise & \u591c"  # its name is shown as it is, and is no HTML


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag, attribute):
        """List the values of an attribute of all tags of a name that have it."""
        return [given[attribute] for name, given in self.tags if name == tag and attribute in given]


def mine(project, folder):
    """Run `make mine` as a user does, but in the environment of these tests."""
    program = "import sys, tasks; tasks.environment = lambda: None; tasks.PYTHON = sys.executable; "
    command = [sys.executable, "-c", program + "tasks.main(sys.argv[1:])", "mine", str(folder)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def files_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def few(tmp_path):
    """A folder with one piece of 42 s, and what can't be used: silent, broken, text."""
    folder = tmp_path / "Mine <i>& yours"
    folder.mkdir()
    track = datasets.pick(datasets.find_tracks(PROJECT / "data" / "music"), "joplin_solace")
    y = audio.load(track.path, sr=16_000, start=20, duration=42)
    audio.save(folder / f"{PIECE}.mp3", y, sr=16_000)
    audio.save(folder / "quiet.wav", np.zeros(16_000 * 12, np.float32), sr=16_000)
    (folder / "broken.mp3").write_bytes(track.path.read_bytes()[:300])
    (folder / "letter.mp3").write_text("Dear Sir,\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("changes", [QUICK, pytest.param({}, marks=pytest.mark.long)])
def test_make_mine_makes_a_page_of_music_from_a_folder(changes, few, project):
    (path,) = (project / "notebooks").glob("09_*.ipynb")
    notebook = nbformat.read(PROJECT / "notebooks" / path.name, 4)
    for cell in notebook.cells:
        for old, new in changes.get(cell.id, {}).items():
            assert old in cell.source, (cell.id, old)
            cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, path)
    before = files_of(project) | files_of(few)
    result = mine(project, few)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    after = files_of(project) | files_of(few)
    assert {name: after.get(name) for name in before} == before
    new = after.keys() - before.keys()
    (folder,) = {path.parent for path in new if path.name == "index.html"}
    assert folder.parent == project / "outputs" / "mine"
    assert all(folder in path.parents for path in new)
    judge_page(folder, result.stdout)


def judge_page(folder, said):
    """Look at a page of results, and at what it shows, plays and links to."""
    html = (folder / "index.html").read_text(encoding="utf-8")
    page = Page(html)
    assert "<b>Élise" not in html
    assert "<i>&" not in html
    assert not re.search(r"""(src|href)=.https?://""", html)  # it needs no network
    assert "Mine <i>& yours" in page.text
    for text in (PIECE, "quiet.wav: ", "broken.mp3: ", "letter.mp3: is text, not audio"):
        assert text in page.text, text
        assert text in said, text
    assert re.search(rf"{PIECE}.* 0\.7 +\d+\.\d +\d+%", page.text)  # minutes, notes/s, explained
    for whose in ("Markov's table", "the shipped network", "your network"):
        assert re.search(rf"{whose} +\d+\.\d\d bits a word", page.text)
    for data in embedded(page.all("img", "src"), "image/png"):
        assert np.ptp(plt.imread(io.BytesIO(data))) > 0.5  # something is drawn
    links = {unquote(link) for link in page.all("a", "href") if not link.startswith("#")}
    assert links == {f"{x}/music.{y}" for x in ("yours", "shipped") for y in ("wav", "mp3", "mid")}
    sounds = page.all("audio", "src")
    linked = [src for src in sounds if not src.startswith("data:")]
    assert {*linked} == {"yours/music.mp3", "shipped/music.mp3"}
    for data in embedded([src for src in sounds if src not in linked], "audio/"):
        assert heard(io.BytesIO(data))
    for whose in ("yours", "shipped"):
        assert sorted(path.name for path in (folder / whose).iterdir()) == [
            *("about.txt", "music.mid", "music.mp3", "music.wav", "network.npz")
        ]
        assert heard(folder / whose / "music.wav") == pytest.approx(30, abs=4)
        note_model.load(folder / whose / "network.npz")


def embedded(sources, kind):
    """Decode what a page holds itself, of one kind; there must be something."""
    assert sources
    for source in sources:
        head, data = source.split(";base64,")
        assert head.startswith(f"data:{kind}")
        yield base64.b64decode(data, validate=True)


def heard(file):
    """Return how many seconds a sound lasts, which isn't silent."""
    y, sr = soundfile.read(file)
    assert np.abs(y).max() > 0.01
    return len(y) / sr
