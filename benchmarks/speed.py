"""Measure how fast the original's pipeline is, beside ours.

Both start from the same twenty one-minute piano clips (`twenty` in the manifest), in MP3. Every
measurement runs alone, in a process of its own. The ratios are what matters: seconds differ from
machine to machine.
"""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

from benchmarks import original, tasks
from helpers import audio, datasets

FOLDER = Path("outputs/bench/twenty")
CLIP_SECONDS = 60


def run() -> dict:
    """Run all measurements, and return them with the ratios that we promise and those we reach."""
    cut_clips()
    todo = [(task, who) for task in ("prepare", "generate") for who in ("original", "ours")]
    todo += [("epoch", step) for step in tasks.STEPS]
    measured = {}
    for task, variant in (progress := tqdm(todo, desc="measuring", unit="task")):
        progress.set_postfix_str(f"{task} {variant}")
        measured[f"{task} {variant}"] = measure(task, variant)
    return {
        "decoder of the original": original.decoder(),
        "measured": measured,
        "compared": compare(measured),
        "share of each change": shares(measured),
    }


def cut_clips() -> None:
    """Write the subset `twenty` as one-minute MP3 files, if it isn't there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    clips = twenty_clips(Path("data"))
    for i, (track, start) in enumerate(tqdm(clips, desc="cutting clips", unit="clip")):
        path = FOLDER / f"clip_{i:02d}.mp3"
        if not path.exists():
            y = audio.load(track.path, sr=44_100, start=start, duration=CLIP_SECONDS)
            audio.save(path, y, sr=44_100)


def twenty_clips(data: Path) -> list[tuple[datasets.Track, float]]:
    """Return the workload of the original, twenty minutes of piano: tracks, and starts in seconds.

    Its authors (Unnati Data Labs, music-generation, 2016) trained on twenty one-minute pieces.
    """
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as file:
        starts = {row["name"]: row["twenty"].split(";") for row in csv.DictReader(file)}
    tracks = datasets.find_tracks(data / "music")
    return [(track, float(start)) for track in tracks for start in starts[track.name] if start]


def measure(task: str, variant: str) -> dict:
    """Run one measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.tasks", task, variant, str(FOLDER)]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"the measurement {task} {variant} failed:\n{result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])


def compare(measured: dict) -> list[dict]:
    """Set the original beside ours, each with the ratio that we promise and the one we reach."""
    rows = [
        ("MP3 to tensors (s)", "prepare", "seconds", "original", "ours", 1.0, 10),
        ("MP3 to tensors, peak memory (MB)", "prepare", "peak_bytes", "original", "ours", 1e-6, 8),
        ("one epoch (s)", "epoch", "seconds", "original", "width", 1.0, 20),
        ("generation (times real time)", "generate", "times_real_time", "original", "ours", 1, 100),
    ]
    compared = []
    for name, task, key, theirs, ours, scale, target in rows:
        a, b = (scale * measured[f"{task} {who}"][key] for who in (theirs, ours))
        ratio = b / a if key == "times_real_time" else a / b
        compared.append(
            {
                "what": name,
                "original": a,
                "ours": b,
                "ratio": ratio,
                "target": target,
                "met": bool(ratio >= target),
            }
        )
    return compared


def shares(measured: dict) -> dict[str, float]:
    """Tell by how much each change alone, after those before it, speeds up an epoch."""
    seconds = [measured[f"epoch {step}"]["seconds"] for step in tasks.STEPS]
    return {
        step: before / after
        for step, before, after in zip(tasks.STEPS[1:], seconds, seconds[1:], strict=False)
    }


def print_report(report: dict) -> None:
    """Print the table."""
    print(f"\nThe original's MP3 are decoded by {report['decoder of the original']}.")
    print(f"{'':34}{'original':>10}{'ours':>10}{'ratio':>9}{'target':>8}")
    for row in report["compared"]:
        met = "" if row["met"] else "  missed"
        print(
            f"{row['what']:34}{row['original']:10.2f}{row['ours']:10.2f}"
            f"{row['ratio']:8.1f}x{row['target']:7d}x{met}"
        )
    print("\nShare of each change in the epoch's speed, one after the other:")
    for step, factor in report["share of each change"].items():
        print(f"  {step:8}{factor:6.1f}x")
