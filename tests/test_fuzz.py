"""Damaged copies of real files never crash the reader, hang it, or fill the memory."""

import json
import subprocess
import sys
from pathlib import Path

import odd_files
import pytest

from helpers import audio

PROJECT = Path(__file__).parent.parent
MUSIC = PROJECT / "data" / "music"
PER_PROCESS = 50
BASE = 150e6  # bytes: Python, numpy, FFmpeg, and the file itself


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Real music in eight formats."""
    folder = tmp_path_factory.mktemp("real")
    samples, sr = audio.read(MUSIC / "sectoid_feelings.wav")
    y = samples[: 10 * sr, 0]
    made = {
        "a.m4a": ("aac", "ipod"),
        "c.wma": ("wmav2", "asf"),
        "d.caf": ("pcm_s16be", "caf"),
        "e.ts": ("aac", "mpegts"),
    }
    for name, (codec, container) in made.items():
        (folder / name).write_bytes(odd_files.mux(y, sr, codec, container))
    audio.save(folder / "b.flac", y, sr=sr)
    ours = ["joplin_solace.mp3", "corelli_sonata_op3_1_grave.mp3"]
    ours += ["sectoid_feelings.wav", "sectoid_war_of_freedom.ogg"]
    return [str(MUSIC / name) for name in ours] + [str(folder / name) for name in (*made, "b.flac")]


def check(seed, files):
    command = [sys.executable, str(PROJECT / "tests" / "fuzz.py"), str(seed), str(PER_PROCESS)]
    result = subprocess.run(
        [*command, *files], capture_output=True, text=True, check=False, timeout=300, cwd=PROJECT
    )
    mutants = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0, (seed, len(mutants), result.stderr[-2000:])
    assert len(mutants) == PER_PROCESS
    assert result.stderr == ""
    for mutant in mutants:
        assert "permissions" not in mutant["said"]
        assert mutant["s"] < 10, (seed, mutant)
        largest = max(other["bytes"] for other in mutants[: mutant["number"] + 1])
        assert mutant["peak"] < BASE + 10 * largest, (seed, mutant)
    assert any(mutant["bytes"] for mutant in mutants)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_hundred_mutants_are_read_or_refused(seed, files):
    check(seed, files)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(40))
def test_two_thousand_mutants_are_read_or_refused(seed, files):
    check(seed, files)
