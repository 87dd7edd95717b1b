"""Learn everything as `data/build/models.py` does, and measure what the computer gives for it.

It runs in a process of its own, so that its memory is its own, and leaves what it learns and its
report in a folder.
"""

import json
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


def learn(folder: Path, **options) -> dict:
    """Learn, and add memory and arithmetic to the report."""
    report = models.learn(folder, **options)
    _, settings = note_model.load(folder / "notes_lstm.npz")
    return report | {
        "peak_bytes": tasks.peak_bytes(),
        "operations a second": note_model.count_operations(settings, 16 * 96)
        / report["step seconds"],
        "operations a second of sgemm": multiply_rate(),
    }


if __name__ == "__main__":
    folder, options = sys.argv[1:]
    report = learn(Path(folder), **json.loads(options))
    (Path(folder) / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
