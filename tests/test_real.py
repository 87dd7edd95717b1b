import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import real
from helpers import audio, library, rolls, synthesis

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.mark.filterwarnings("ignore:Estimated notes are empty")
def test_files_are_scored_by_kind_and_pianos_lowered_too(tmp_path):
    given = synthesis.load(DATA / "models" / "notes_bank.npz")[0]
    y = audio.load(DATA / "music" / "joplin_solace.mp3", sr=16_000, duration=25.0)
    true = rolls.keys_of(library.hear(y, given)[1])  # as if the other program heard just this
    for name in ("piano_a", "piano_b", "song_c"):
        audio.save(tmp_path / f"{name}.flac", y, sr=16_000)
    (tmp_path / "notes.txt").write_text("no music")
    scores = real.compare(tmp_path, given, lambda _: true)
    assert {kind: len(rows) for kind, rows in scores.items()} == {
        "piano": 2,
        "pianos, lowered": 2,
        "pop, lofi, rock": 1,
    }
    assert np.mean(scores["pianos, lowered"], axis=0)[1] > 0.95  # levelled before
    assert scores["pianos, lowered"][1][0] < 0.7  # 42 dB down


def test_onsets_count_within_50_ms():
    true = np.array([(1.0, 2.0, 60, 1.0), (1.0, 2.0, 64, 1.0)])
    assert real.onset_f(true, true + np.array([0.04, 0, 0, 0])) == 1
    assert real.onset_f(true, true + np.array([0.06, 0, 0, 0])) == 0
    assert real.onset_f(true, true[:1]) == pytest.approx(2 / 3)


def test_what_is_missing_is_said(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(real.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["real", str(tmp_path)])
    real.main()
    assert "pip install onnxruntime" in capsys.readouterr().out
