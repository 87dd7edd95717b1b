"""Measure everything that the series promises: `make bench` prints tables, and writes the numbers.

`make bench QUICK=1` measures the music alone, with one short training: to see whether it runs, not
how well.
"""

import argparse
import json
import os
import platform
from pathlib import Path

from benchmarks import music, speed

RESULT = Path("outputs/bench.json")


def main(arguments=None) -> None:
    """Run all measurements, and say how many targets are missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args(arguments).quick
    report = {
        "quick": quick,
        "machine": {
            "python": platform.python_version(),
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
    }
    if not quick:  # first, for on Linux a process counts its parent's memory as its own peak
        report["speed"] = speed.run()
    report["music"] = music.run(quick=quick)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    music.print_report(report["music"])
    rows = report["music"]["compared"]
    if quick:
        print("\nQUICK: one short training, on validation pieces: it says nothing of the full run.")
    else:
        speed.print_report(report["speed"])
        rows = rows + report["speed"]["compared"]
    print(f"\n{sum(not row['met'] for row in rows)} of {len(rows)} targets are missed.")
    print(f"All numbers: {RESULT}")


if __name__ == "__main__":
    main()
