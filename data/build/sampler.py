"""Play a performance on a recorded piano: one recorded note for every three keys, five touches."""

from functools import cache
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from perform import Performance, PlayedNote
from scores import pitch_number
from sources import SAMPLE_LAYERS, samples_folder

# MIDI velocity at which a layer of the Salamander Grand Piano sounds as recorded.
VELOCITIES = dict(zip(SAMPLE_LAYERS, (36, 49, 69, 93, 117), strict=True))
MAX_DURATION = 12.0  # s of a recorded note; no note of the library is held longer
ONSET_SHARE = 0.01  # a recorded note starts where it passes this share of its peak
BEFORE_ONSET = 0.002  # s of a recorded note kept before that
LOUDNESS_DURATION = 0.5  # s after the onset over which the loudness of a layer is taken
DB_PER_VELOCITY = 0.3  # below the softest layer
RING = 1.0  # s computed after a note is damped


def play_samples(performance: Performance, *, sr: int, work: Path) -> np.ndarray:
    """Play every note with the recorded note nearest in pitch and touch.

    A recorded note is resampled to the pitch, at most a semitone and a half away; its level follows
    the velocity between the layers; from the note's offset on it dies away as under a damper.

    Parameters
    ----------
    performance : Performance
        What is played; the sound starts with its clock at 0 s.
    sr : int
        Sampling rate in Hz.
    work : Path
        Folder with the unpacked packages.

    Returns
    -------
    np.ndarray
        Waveform, float64, shape (n_samples, 1).
    """
    end = max(note.offset for note in performance.notes) + RING
    y = np.zeros(int(end * sr) + 1)
    for note in performance.notes:
        start = round(note.onset * sr)
        sound = _sound(note, sr, work)[: len(y) - start]
        y[start : start + len(sound)] += sound
    return y[:, None]


def _sound(note: PlayedNote, sr: int, work: Path) -> np.ndarray:
    """Return the sound of one note from its onset until it has died away."""
    layer = min(SAMPLE_LAYERS, key=lambda layer: abs(VELOCITIES[layer] - note.velocity))
    sound = _recorded(note.pitch, layer, sr, work)
    loudness = [_loudness(note.pitch, layer, sr, work) for layer in SAMPLE_LAYERS]
    velocities = list(VELOCITIES.values())
    wanted = np.interp(note.velocity, velocities, loudness)
    wanted -= DB_PER_VELOCITY * max(0, velocities[0] - note.velocity)
    gain = 10 ** ((wanted - loudness[SAMPLE_LAYERS.index(layer)]) / 20)
    held = round((note.offset - note.onset) * sr)
    sound = gain * sound[: held + int(RING * sr)]
    damper = 0.05 * 2 ** ((60 - note.pitch) / 24)  # s; time constant, longer for longer strings
    seconds_damped = np.maximum(np.arange(len(sound)) - held, 0) / sr
    return sound * np.exp(-seconds_damped / np.clip(damper, 0.03, 0.12))


@cache
def _loudness(pitch: int, layer: int, sr: int, work: Path) -> float:
    """Return the RMS level in dBFS of the start of a recorded note."""
    start = _recorded(pitch, layer, sr, work)[: int(LOUDNESS_DURATION * sr)]
    return float(10 * np.log10(np.mean(start.astype(np.float64) ** 2)))


@cache
def _recorded(pitch: int, layer: int, sr: int, work: Path) -> np.ndarray:
    """Return the nearest recorded note at a pitch, from its onset on, mono, float32."""
    path, recorded_pitch = _nearest_file(pitch, layer, work)
    y, recorded_sr = sf.read(path, dtype="float32", always_2d=True)
    y = y.mean(axis=1)
    onset = int(np.argmax(np.abs(y) > ONSET_SHARE * np.abs(y).max()))
    y = y[max(0, onset - int(BEFORE_ONSET * recorded_sr)) :]
    ratio = 2 ** ((pitch - recorded_pitch) / 12)  # read faster, it sounds higher
    y = y[: int(MAX_DURATION * recorded_sr * ratio)]
    return soxr.resample(y, recorded_sr * ratio, sr)


def _nearest_file(pitch: int, layer: int, work: Path) -> tuple[Path, int]:
    """Return the file of a layer that was recorded nearest to a pitch, and its pitch."""
    files = samples_folder(work, layer).glob("*.ogg")
    pitches = {path: pitch_number(path.stem.removesuffix(f"v{layer}")) for path in files}
    path = min(sorted(pitches), key=lambda path: abs(pitches[path] - pitch))
    return path, pitches[path]
