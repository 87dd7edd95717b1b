"""Notes found in a folder of real recordings, beside what another program finds in them.

``python -m benchmarks.real FOLDER`` prints, for each kind of music (files named piano_..., and so
on), the onset F-measure: a note is right if it has the pitch and begins within 50 ms. Nobody knows
the true notes. The other program is basic-pitch, which scores about .83 itself where they are
known, because it strikes held notes again; so .8 to .9 is all that can be reached.
"""

import argparse
import importlib.util
from collections.abc import Callable
from pathlib import Path

import mir_eval
import numpy as np

from helpers import audio, datasets, library, notes, rolls, synthesis

ORACLE_SR, WINDOW, OVERLAP = 22_050, 43_844, 30 * 256  # samples; of basic-pitch's network
KINDS = {"piano": "piano", "orchestra": "orchestra, strings", "strings": "orchestra, strings"}
KINDS |= {"lofi": "pop, lofi, rock", "song": "pop, lofi, rock"}
HOW = (
    "Notes of real recordings are compared with those of basic-pitch, which isn't installed: "
    "python -m pip install onnxruntime; python -m pip install --no-deps basic-pitch pretty_midi "
    "resampy mido"
)
Oracle = Callable[[np.ndarray], np.ndarray]  # y at ORACLE_SR -> (n, 4), as notes.find_notes


def load_oracle() -> Oracle | None:
    """Return what finds notes by basic-pitch's ONNX network; None if it isn't installed.

    Bittner et al. (2022), "A lightweight instrument-agnostic model for polyphonic note
    transcription and multipitch estimation".
    """
    if not all(importlib.util.find_spec(name) for name in ("onnxruntime", "basic_pitch")):
        return None
    import onnxruntime
    from basic_pitch import note_creation

    folder = Path(note_creation.__file__).parent / "saved_models" / "icassp_2022"
    network = onnxruntime.InferenceSession(folder / "nmp.onnx")
    outputs = [f"StatefulPartitionedCall:{i}" for i in (1, 2)]  # notes, onsets
    step = WINDOW - OVERLAP

    def find(y: np.ndarray) -> np.ndarray:
        y = np.pad(y, (OVERLAP // 2, WINDOW))
        starts = range(0, len(y) - WINDOW, step)
        windows = (y[None, start : start + WINDOW, None] for start in starts)
        parts = [network.run(outputs, {network.get_inputs()[0].name: x}) for x in windows]
        sounding, onsets = (np.concatenate([part[i][0][15:-15] for part in parts]) for i in (0, 1))
        found = note_creation.output_to_notes_polyphonic(
            sounding, onsets, 0.5, 0.3, 11, True, None, None
        )
        frames = np.arange(len(sounding) + 1)
        n_kept = WINDOW // 256 + 1 - 30  # frames of each window
        t = (frames % n_kept * 256 + frames // n_kept * step) / ORACLE_SR
        return np.array(sorted((t[a], t[b], *rest) for a, b, *rest in found)).reshape(-1, 4)

    return find


def onset_f(true: np.ndarray, found: np.ndarray) -> float:
    """Return the F-measure of onsets, within 50 ms, and pitches."""
    intervals = [np.c_[one[:, 0], np.maximum(one[:, 1], one[:, 0] + 0.01)] for one in (true, found)]
    hz = [440 * 2 ** ((one[:, 2] - 69) / 12) for one in (true, found)]
    return mir_eval.transcription.precision_recall_f1_overlap(
        intervals[0], hz[0], intervals[1], hz[1], onset_tolerance=0.05, offset_ratio=None
    )[2]


def compare(folder: Path, given: notes.Dictionary, oracle: Oracle) -> dict[str, list[np.ndarray]]:
    """Score every file of a folder, and each piano made 4 to 42 dB softer.

    Returns
    -------
    dict
        For each kind, one array for each file: F as it is with the given dictionary, F prepared.
    """
    settings, scores = given.settings, {}
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in datasets.SUFFIXES)
    pianos = [path for path in paths if path.stem.startswith("piano")]
    lower = dict(zip(pianos, np.linspace(-4, -42, len(pianos)), strict=True))
    for path in paths:
        y = audio.load(path, sr=settings.sr)
        true = oracle(audio.load(path, sr=ORACLE_SR))
        true = true[(true[:, 2] >= settings.lowest) & (true[:, 2] <= settings.highest)]
        kind = KINDS.get(path.stem.split("_")[0], "other")
        gains = {kind: 0.0} | ({"pianos, lowered": lower[path]} if path in lower else {})
        for name, gain_db in gains.items():
            x = y * np.float32(10 ** (gain_db / 20))
            prepared = rolls.keys_of(library.hear(x, given)[1])
            score = [onset_f(true, found) for found in (notes.encode(x, given), prepared)]
            scores.setdefault(name, []).append(np.array(score))
            print(f"{path.stem:32}{name:20}{score[0]:10.3f}{score[1]:10.3f}", flush=True)
    return scores


def main() -> None:
    """Print the table, or say how to install what it needs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder, oracle = parser.parse_args().folder, load_oracle()
    if oracle is None:
        print(HOW)
        return
    root = Path(__file__).resolve().parents[1]
    given = synthesis.load(root / "data" / "models" / "notes_bank.npz")[0]
    print(f"{'onset F against basic-pitch':52}{'as it is':>10}{'prepared':>10}")
    for kind, rows in compare(folder, given, oracle).items():
        before, after = np.mean(rows, axis=0)
        print(f"{kind:32}{f'mean of {len(rows)}':20}{before:10.3f}{after:10.3f}")


if __name__ == "__main__":
    main()
