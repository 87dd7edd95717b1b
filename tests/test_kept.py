"""What notebooks keep: stages of a training (06), chosen files and compositions (09)."""

import errno
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import ipywidgets
import mido
import nbformat
import numpy as np
import pytest
import soundfile

from helpers import audio, datasets, files, interactive, midi, note_model, synthesis

PROJECT = Path(__file__).parent.parent
SOURCES = {
    cell.id: cell.source
    for name in ("06_composing_lstm", "09_your_own_music")
    for cell in nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", 4).cells
}
SUFFIXES = ("wav", "mp3")
NAMES = [f"take {k}" for k in range(4)]


def keeper(folder, value):
    """Return notebook 09's `keep`, and a composition of a network whose weights are all `value`."""
    _, bank = synthesis.load(PROJECT / "data" / "models" / "notes_bank.npz")
    settings = note_model.NoteModelSettings(hidden=2, keys=2, depth=1, critic=2, dense=2)
    shapes = note_model.weight_shapes(settings)
    weights = {name: np.full(shape, value, np.float32) for name, shape in shapes.items()}
    found = {"np": np, "audio": audio, "files": files, "midi": midi, "note_model": note_model}
    found |= {"synthesis": synthesis, "bank": bank, "SR": bank.settings.sr, "OUTPUTS": folder}
    found |= {"networks": {"it": (weights, settings)}, "scores": {"it": np.array([float(value)])}}
    exec(SOURCES["n9kept"].partition("\nlong_seed = ")[0], found)
    onset = np.arange(10.0 + value)
    notes = np.stack([onset, onset + 0.5, 60 + onset, np.ones(len(onset))], axis=1)
    return lambda name: found["keep"](name, notes, "it")


def whose(folder):
    """Return by the value of which network each file of a kept composition was made."""
    about = (folder / "about.txt").read_text(encoding="utf-8")
    weights, _ = note_model.load(folder / "network.npz")
    played = [one for one in mido.MidiFile(folder / "music.mid") if one.type == "note_on"]
    values = [float(re.fullmatch(r"by it, (\d\.\d) bits a word", about)[1])]
    values += [sum(one.velocity > 0 for one in played) - 10]
    values += [soundfile.info(folder / f"music.{suffix}").duration // 1 - 9 for suffix in SUFFIXES]
    return {*values, *(np.unique(weight).item() for weight in weights.values())}


def test_what_two_processes_keep_under_one_name_is_of_one_of_them(tmp_path):
    program = "from tests import test_kept; test_kept.keep_all({!r}, {})"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program.format(str(tmp_path), value)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for value in (1, 4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.close()  # go
    said = [process.stdout.read() for process in processes]
    assert [process.wait() for process in processes] == [0, 0]
    for name in NAMES:
        assert whose(tmp_path / name) in ({1}, {4})
        told = f"{name} was kept before, and stays: to keep a new one, choose another name\n"
        assert sum(told in text for text in said) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES


def keep_all(folder, value):
    """Keep a composition under each name, as soon as the input ends."""
    keep = keeper(Path(folder), value)
    print("ready", flush=True)
    sys.stdin.read()
    for name in NAMES:
        keep(name)


def test_nothing_is_kept_by_half(tmp_path, monkeypatch):
    keep = keeper(tmp_path, 1)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(midi, "save", full)
        with pytest.raises(OSError, match="No space left"):
            keep("first")
    assert not list(tmp_path.iterdir())
    keep("first")
    assert whose(tmp_path / "first") == {1}


@pytest.fixture
def drop(tmp_path):
    """Return what keeps files that are chosen, what it says, and where they go."""
    folder = tmp_path / "09" / "your_music"
    found = {"Path": Path, "datasets": datasets, "files": files, "widgets": ipywidgets}
    found |= {"interactive": interactive, "YOURS": folder}
    exec(SOURCES["n9drop"], found)

    def choose(**contents):
        chosen = tuple({"name": name, "content": memoryview(x)} for name, x in contents.items())
        found["drop"].value = ()
        found["keep_files"]({"new": chosen})
        return re.sub("<[^>]*>", "", found["said"].value)

    return SimpleNamespace(choose=choose, folder=folder, top=tmp_path)


def everything(drop):
    return {str(p.relative_to(drop.top)) for p in drop.top.rglob("*") if p.is_file()}


def test_files_that_are_chosen_are_kept_as_they_are(drop):
    assert drop.choose(**{"Für Élise.mp3": b"one", "b.wav": b"two"}).startswith(
        "Files in outputs/09/your_music: 2. Run all cells."
    )
    assert (drop.folder / "Für Élise.mp3").read_bytes() == b"one"
    assert "your_music: 2." in drop.choose(**{"b.wav": b"another"})
    assert (drop.folder / "b.wav").read_bytes() == b"another"


@pytest.mark.parametrize("name", ["../../../b.wav", "/b.wav", "x/../b.wav"])
def test_a_file_that_is_chosen_goes_nowhere_else(name, drop):
    drop.choose(**{name: b"one"})
    assert everything(drop) == {"09/your_music/b.wav"}


@pytest.mark.parametrize("name", ["..", ".", "", 300 * "a" + ".mp3"])
def test_a_file_without_a_name_to_keep_it_under_is_refused(name, drop):
    drop.choose(**{"b.wav": b"two"})
    assert drop.choose(**{name: b"one"}).startswith("Not all could be kept: ")
    assert everything(drop) == {"09/your_music/b.wav"}


def test_on_a_full_disk_it_says_so_and_what_was_there_stays(drop, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    drop.choose(**{"b.wav": b"two"})
    monkeypatch.setattr(Path, "write_bytes", full)
    assert drop.choose(**{"b.wav": b"one"}) == "Not all could be kept: No space left on device."
    assert (drop.folder / "b.wav").read_bytes() == b"two"
    assert everything(drop) == {"09/your_music/b.wav"}


def test_stages_of_a_training_are_kept_once_also_if_it_goes_on_later(tmp_path):
    for name in ("notes_lstm", "notes_lstm_010s", "notes_lstm_090s"):
        (tmp_path / f"{name}.npz").write_text("of an older training")
    network = SimpleNamespace(optimizer=SimpleNamespace(iterations=1), weights="first")
    found = {"FOLDER": tmp_path, "STAGES": (10, 40), "network": network, "settings": None}
    found["note_model"] = SimpleNamespace(
        weights_of=lambda network: network.weights,
        save=lambda path, weights, settings: path.write_text(weights),
    )
    exec(SOURCES["c6buil48"].partition("\n\n\nlines = ")[0], found)
    found["keep"](0.5)
    assert not list(tmp_path.iterdir())
    for k, (seconds, weights) in enumerate([(11, "a"), (21, "b"), (19, "resumed"), (41, "c")]):
        network.optimizer.iterations, network.weights = 2 + k, weights
        found["keep"](seconds)
    found["keep"](np.inf)
    kept = {path.stem: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"notes_lstm_010s": "a", "notes_lstm_040s": "c"}
