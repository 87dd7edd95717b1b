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
from helpers import events, note_model


def multiply_rate(n: int = 2048, n_times: int = 20) -> float:
    """Measure how fast NumPy multiplies float32 matrices here, operations a second."""
    a = np.random.default_rng(0).standard_normal((n, n), np.float32)
    a @ a  # wakes the threads
    start = time.perf_counter()
    for _ in range(n_times):
        a @ a
    return n_times * 2 * n**3 / (time.perf_counter() - start)


def count_operations(settings: note_model.NoteModelSettings, n_words: int, n_batch: int) -> int:
    """Count the additions and multiplications that a step of training takes.

    Forwards, each weight takes one of both for every word. Backwards, it takes them twice again:
    for its own gradient, and for its input's, which only what hears the words doesn't need. Recall
    compares each word with each other, and adds up what followed.
    """
    total = 0
    for name, shape in note_model.weight_shapes(settings).items():
        if "kernel" in name:
            total += 2 * (2 if name == "lstm/kernel" else 3) * math.prod(shape)
    if settings.keys:
        wait, row, length, touch, *_ = events.N_CLASSES
        total += 6 * n_words * (settings.keys + 2 * wait + 2 * row + length + touch)
    return total * n_words * n_batch


def learn(folder: Path, **options) -> dict:
    """Learn, and add memory and arithmetic to the report."""
    report = models.learn(folder, **options)
    _, settings = note_model.load(folder / "notes_lstm.npz")
    return report | {
        "peak_bytes": tasks.peak_bytes(),
        "operations a second": count_operations(settings, 384, 8) / report["step seconds"],
        "operations a second of sgemm": multiply_rate(),
    }


if __name__ == "__main__":
    folder, options = sys.argv[1:]
    report = learn(Path(folder), **json.loads(options))
    (Path(folder) / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
