"""Read damaged copies of real files in a process of its own, which measures what that takes.

`python tests/fuzz.py SEED N FILE...` prints, for each of N mutants, one line of JSON.
"""

import json
import os
import re
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from helpers import audio

MOST_BYTES = 300_000  # of a file that are used: each mutant has to be read in a moment


def mutate(data, rng):
    """Damage bytes: flip some, overwrite or cut out or repeat a stretch, or cut the end off."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(6)
        in_head = rng.random() < 0.5  # where formats, rates and lengths stand
        at = int(rng.integers(0, min(len(data), 400) if in_head else len(data)))
        length = int(rng.integers(1, 2000 if not in_head else 12))
        if kind == 0:
            for position in rng.integers(0, len(data), rng.integers(1, 30)):
                data[position] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at : at + length] = rng.bytes(length)
        elif kind == 2:
            data[at : at + length] = bytes([int(rng.choice([0, 255, 127, 128]))]) * length
        elif kind == 3:
            del data[at : at + length]
        elif kind == 4:
            data[at:at] = data[at : at + length]
        else:
            del data[max(100, at) :]
        data = data or bytearray(b"\0")
    return bytes(data)


def peak_memory():
    """Return the most memory that this process held, in bytes.

    On Linux `ru_maxrss` begins with what the parent held, which is a worker full of libraries.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(seed, n_mutants, *paths):
    rng = np.random.default_rng(int(seed))
    whole = [Path(path).read_bytes()[:MOST_BYTES] for path in paths]
    warnings.simplefilter("ignore", audio.AudioWarning)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(int(n_mutants)):
            choice = int(rng.integers(len(paths)))
            path = Path(folder) / f"mutant{Path(paths[choice]).suffix}"
            path.write_bytes(mutate(whole[choice], rng))
            said, n_bytes, begin = "", 0, time.process_time()
            try:
                audio.info(path)
                samples, _ = audio.read(path)
                n_bytes = samples.nbytes
                assert np.isfinite(samples).all()
                del samples
                y = audio.load(path, sr=16000)
                n_bytes = max(n_bytes, y.nbytes)
                assert np.abs(y).max() <= 1
                audio.load(path, sr=16000, start=0.25, duration=2.0)
            except audio.AudioError as error:
                said = str(error)
                assert said.startswith(f"{path}: ")
            seconds = time.process_time() - begin
            peak = peak_memory()
            line = {"number": number, "file": os.path.basename(paths[choice]), "said": said}
            print(json.dumps({**line, "s": seconds, "bytes": n_bytes, "peak": peak}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
