"""Notebooks run on a reader's own folder: any formats, sub-folders, no manifest."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers import audio, datasets

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
    shutil.copy(PROJECT / "requirements.txt", copy)
    return copy


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_a_notebook_runs_on_a_folder_of_the_readers_own(path, folder, project):
    name = Path("notebooks") / path.name
    command = [sys.executable, "notebooks/execute.py", name, "--music", folder]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
    assert (project / "outputs" / name).exists()
