"""Make sound: fluidsynth, levels, fades, and files that are written whole or not at all."""

import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile as sf
from perform import Performance, midi_bytes

from helpers import files

RMS_DB = -20.0  # dBFS of a whole file
PEAK = 0.89  # full scale is 1.0
BEFORE_FIRST_NOTE = 0.05  # s
SILENCE_DB = -55.0  # dBFS; the end is cut where the sound stays below
MP3_COMPRESSION_LEVEL = 0.5


def synthesize(
    performance: Performance,
    *,
    programs: tuple[int, ...],
    pans: tuple[int, ...],
    sr: int,
    soundfont: Path,
    scratch: Path,
) -> np.ndarray:
    """Render a performance with fluidsynth.

    Parameters
    ----------
    performance : Performance
        What is played; the sound starts with the MIDI clock at 0 s.
    programs, pans : tuple of int
        Instrument and place of each part (see `perform.midi_bytes`).
    sr : int
        Sampling rate in Hz.
    soundfont : Path
        SoundFont file.
    scratch : Path
        Folder for two passing files.

    Returns
    -------
    np.ndarray
        Waveform, float64, shape (n_samples, 2).
    """
    midi_path, wav_path = scratch / "piece.mid", scratch / "piece.wav"
    midi_path.write_bytes(midi_bytes(performance, programs, pans))
    settings = {
        "synth.cpu-cores": "1",
        "synth.dynamic-sample-loading": "1",
        "synth.reverb.room-size": "0.45",
        "synth.reverb.level": "0.35",
    }
    command = ["fluidsynth", "-n", "-i", "-q", "-r", str(sr), "-O", "float", "-g", "0.7"]
    command += ["-C", "0", "-R", "1"]
    for name, value in settings.items():
        command += ["-o", f"{name}={value}"]
    command += ["-F", str(wav_path), str(soundfont), str(midi_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode or "error:" in result.stderr or not wav_path.exists():
        raise RuntimeError(f"fluidsynth could not render {midi_path}: {result.stderr.strip()}")
    y, _ = sf.read(wav_path, always_2d=True)
    return y


def cut_silence(y: np.ndarray, sr: int) -> np.ndarray:
    """Cut the end where the sound stays below SILENCE_DB, and fade out over 0.3 s.

    Parameters
    ----------
    y : np.ndarray
        Waveform at its final level, shape (n_samples,) or (n_samples, n_channels).
    sr : int
        Sampling rate in Hz.

    Returns
    -------
    np.ndarray
        The start of `y`.
    """
    block_length = sr // 50
    n_blocks = len(y) // block_length
    energy = (y[: n_blocks * block_length] ** 2).reshape(n_blocks, -1).mean(axis=1)
    audible = np.flatnonzero(energy > 10 ** (SILENCE_DB / 10))
    end = min(len(y), (int(audible[-1]) + 1) * block_length + int(0.3 * sr))
    return fade(y[:end], sr, fade_in=0.0, fade_out=0.3)


def fade(y: np.ndarray, sr: int, *, fade_in: float, fade_out: float) -> np.ndarray:
    """Fade a waveform in and out along a squared sine; lengths in s."""
    gain = np.ones(len(y))
    n_in, n_out = int(fade_in * sr), int(fade_out * sr)
    if n_in:
        gain[:n_in] = np.sin(np.linspace(0.0, np.pi / 2, n_in)) ** 2
    if n_out:
        gain[-n_out:] = np.cos(np.linspace(0.0, np.pi / 2, n_out)) ** 2
    return y * (gain if y.ndim == 1 else gain[:, None])


def set_level(y: np.ndarray) -> np.ndarray:
    """Remove the mean and bring a waveform to RMS_DB, or lower if its peak would pass PEAK."""
    y = y - y.mean(axis=0)
    y = y * (10 ** (RMS_DB / 20) / np.sqrt((y**2).mean()))
    return y * min(1.0, PEAK / np.abs(y).max())


def encode(y: np.ndarray, sr: int, suffix: str) -> bytes:
    """Encode a waveform as the bytes of an MP3, Ogg Vorbis or 16 bit WAV file.

    Parameters
    ----------
    y : np.ndarray
        Waveform in [-1, 1], shape (n_samples,) or (n_samples, n_channels).
    sr : int
        Sampling rate in Hz.
    suffix : str
        ".mp3", ".ogg" or ".wav".

    Returns
    -------
    bytes
        The file; the same bytes for the same waveform.
    """
    options = {
        ".mp3": {"format": "MP3", "compression_level": MP3_COMPRESSION_LEVEL},
        ".ogg": {"format": "OGG", "subtype": "VORBIS"},
        ".wav": {"format": "WAV", "subtype": "PCM_16"},
    }[suffix]
    y, buffer = y.astype(np.float32), io.BytesIO()
    n_channels = 1 if y.ndim == 1 else y.shape[1]
    with sf.SoundFile(buffer, "w", sr, n_channels, **options) as file:
        for start in range(0, len(y), sr):  # Vorbis overflows the stack when given all at once
            file.write(y[start : start + sr])
    data = buffer.getvalue()
    return with_fixed_serial(data) if suffix == ".ogg" else data


def with_fixed_serial(ogg: bytes, serial: int = 1) -> bytes:
    """Give every page of a one-stream Ogg file a fixed serial number and a new checksum.

    libsndfile draws the serial number from the clock, so that no two files are alike.
    """
    pages, start = [], 0
    while start < len(ogg):
        n_segments = ogg[start + 26]
        body = start + 27 + n_segments
        end = body + sum(ogg[start + 27 : body])
        page = bytearray(ogg[start:end])
        page[14:18] = serial.to_bytes(4, "little")
        page[22:26] = bytes(4)
        page[22:26] = _ogg_checksum(page).to_bytes(4, "little")
        pages.append(bytes(page))
        start = end
    return b"".join(pages)


def _ogg_checksum(page: bytes) -> int:
    """Return the CRC-32 of RFC 3533: polynomial 0x04C11DB7, not reflected, from 0."""
    checksum = 0
    for byte in page:
        checksum = ((checksum << 8) & 0xFFFFFFFF) ^ _CRC_TABLE[(checksum >> 24) ^ byte]
    return checksum


def _crc_entry(byte: int) -> int:
    """Return one entry of the checksum's table."""
    value = byte << 24
    for _ in range(8):
        value = ((value << 1) & 0xFFFFFFFF) ^ (0x04C11DB7 if value & 0x80000000 else 0)
    return value


_CRC_TABLE = [_crc_entry(byte) for byte in range(256)]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is never half there."""
    with files.replacing(path) as temporary:
        temporary.write_bytes(data)
