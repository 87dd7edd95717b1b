"""Learn everything as `data/build/models.py` does, and measure what the computer gives for it.

It runs in a process of its own, so that its memory is its own, and leaves what it learns and its
report in a folder.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks import tasks
from data.build import models
from helpers import note_model


def multiply_rate(n: int = 2048, n_times: int = 20) -> float:
    """Measure how fast NumPy multiplies float32 matrices here, operations a second."""
    a = np.random.default_rng(0).standard_normal((n, n), np.float32)
    a @ a  # wakes the threads
    start = time.perf_counter()
    for _ in range(n_times):
        a @ a
    return n_times * 2 * n**3 / (time.perf_counter() - start)


def count_operations(settings: note_model.NoteModelSettings, n_frames: int) -> int:
    """Count the additions and multiplications with weights that training on some frames takes.

    Forwards, each weight takes one of both wherever it is used: once a frame, or once for every
    note. Backwards, it takes them twice again: for its own gradient, and for its input's, which
    only those layers don't need that hear the music itself.
    """
    once = ("lstm/kernel", "lstm/recurrent_kernel", "context/kernel", "frame/kernel")
    hear_music = ("lstm/kernel", "frame/kernel", "neighbourhood/kernel", "below/kernel")
    total = 0
    for name, shape in note_model.weight_shapes(settings).items():
        if "kernel" in name:
            uses = 1 if name in once else settings.n_notes
            total += 2 * (2 if name in hear_music else 3) * uses * math.prod(shape)
    return total * n_frames


def learn(folder: Path, **options) -> dict:
    """Learn, and add memory and arithmetic to the report."""
    report = models.learn(folder, **options)
    _, settings = note_model.load(folder / "notes_lstm.npz")
    return report | {
        "peak_bytes": tasks.peak_bytes(),
        "operations a second": count_operations(settings, 16 * 96) / report["step seconds"],
        "operations a second of sgemm": multiply_rate(),
    }


if __name__ == "__main__":
    folder, options = sys.argv[1:]
    report = learn(Path(folder), **json.loads(options))
    (Path(folder) / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
