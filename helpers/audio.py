"""Files <-> waveforms: decode, downmix, resample, write; and say plainly what is wrong with a file.

A waveform ``y`` has one axis, is float32 and lies in [-1, 1]; ``sr`` is its sampling rate in Hz.
libsndfile (through `soundfile`) decodes and encodes. It stops early in some files without a word,
so every file is checked here against what it promises.
"""

import io
import os
import uuid
import warnings
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import soundfile
import soxr

from helpers import mpeg

FULL_SCALE = 32768  # int16 steps in 1.0; libsndfile's scale too, so that save -> load is exact
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # Hz
_ENCODINGS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}


class AudioError(ValueError):
    """Something that is not valid audio: a file, a waveform or a setting."""


class AudioWarning(UserWarning):
    """Audio that could be used, but not all of it or not as it was."""


@dataclass(frozen=True)
class AudioInfo:
    """What an audio file says about itself.

    Attributes
    ----------
    path : Path
    container, encoding : str
        In libsndfile's words, for example ``"WAV"`` and ``"PCM_16"``.
    sr : int
        Sampling rate, Hz.
    n_channels, n_samples : int
        Samples are counted per channel, as many as the file promises.
    size_bytes : int
    """

    path: Path
    container: str
    encoding: str
    sr: int
    n_channels: int
    n_samples: int
    size_bytes: int

    @property
    def duration(self):
        """Duration in seconds."""
        return self.n_samples / self.sr

    @property
    def kbps(self):
        """Mean bit rate of the whole file in kilobits per second."""
        return 8 * self.size_bytes / self.duration / 1000


def info(path):
    """Return what an audio file says about itself, without decoding it.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    AudioInfo

    Raises
    ------
    AudioError
        If the file holds no audio that can be decoded; the message says what it holds instead.

    References
    ----------
    Notebook 01.
    """
    file, n_promised, _ = _open(path)
    with file:
        return AudioInfo(
            path=Path(path),
            container=file.format,
            encoding=file.subtype,
            sr=file.samplerate,
            n_channels=file.channels,
            n_samples=n_promised,
            size_bytes=Path(path).stat().st_size,
        )


def read(path, *, strict=False):
    """Decode a whole file as it is stored: its own channels and sampling rate.

    Parameters
    ----------
    path : str or Path
        WAV, FLAC, Ogg, MP3, AIFF or anything else that libsndfile decodes.
    strict : bool
        Raise where less could be read than the file promises, instead of warning.

    Returns
    -------
    samples : ndarray of float32, shape (n_samples, n_channels)
        Not clipped: a lossy or floating-point file may exceed 1.
    sr : int
        Sampling rate, Hz.

    Raises
    ------
    AudioError
        If there is no such file, no audio in it, no samples, or samples that are not finite.

    Warns
    -----
    AudioWarning
        If the file is cut off or damaged, with the seconds read and promised.

    References
    ----------
    Notebook 01.
    """
    return _decode(path, strict=strict)


def load(path, *, sr, start=0.0, duration=None, strict=False):
    """Load a file, or a part of it, as a mono waveform.

    Parameters
    ----------
    path : str or Path
    sr : int
        Sampling rate of the result, Hz.
    start : float
        Where to begin, s.
    duration : float, optional
        Load at most this much, s; a file that ends earlier gives what it has.
    strict : bool
        Raise where less could be read than the file promises, instead of warning.

    Returns
    -------
    y : ndarray of float32, shape (n_samples,)
        In [-1, 1]. Samples beyond are clipped, with a warning that counts them: a loud MP3 often
        decodes to 1.02, and turning the whole piece down for that would change every level.

    Raises
    ------
    AudioError
        As `read`; and if `start` lies beyond the end.

    References
    ----------
    Notebook 01.
    """
    samples, sr_from = _decode(path, start=start, duration=duration, strict=strict)
    y = resample(to_mono(samples), sr_from=sr_from, sr_to=sr)
    return _clip(y, path)


def to_mono(samples):
    """Mix channels down to one by their mean; a waveform with one axis passes unchanged.

    Parameters
    ----------
    samples : ndarray of float, shape (n_samples, n_channels) or (n_samples,)

    Returns
    -------
    y : ndarray of float32, shape (n_samples,)

    References
    ----------
    Notebook 01: what a mean does where left = -right.

    Examples
    --------
    >>> to_mono(np.array([[0.5, 0.25], [0.5, -0.5]], dtype=np.float32))
    array([0.375, 0.   ], dtype=float32)
    """
    samples = np.asarray(samples)
    if samples.ndim == 2 and samples.shape[1] > 255:
        raise AudioError(
            f"samples must have shape (n_samples, n_channels), got {samples.shape}: "
            "time is axis 0, so transpose it (samples.T)"
        )
    if samples.ndim == 2 and samples.shape[1] and np.issubdtype(samples.dtype, np.floating):
        samples = samples.mean(axis=1)
    return valid(samples, "samples")


def resample(y, *, sr_from, sr_to):
    """Change the sampling rate; what lies above the new Nyquist frequency is filtered out first.

    Parameters
    ----------
    y : ndarray of float32, shape (n_samples,)
    sr_from, sr_to : int
        Sampling rates, Hz.

    Returns
    -------
    y : ndarray of float32, shape (about n_samples * sr_to / sr_from,)
        May exceed the peak of its input a little: a loud edge rings when it is filtered.

    References
    ----------
    The SoX resampler library (soxr), quality "HQ". Notebook 02 teaches why the filter is needed.

    Examples
    --------
    >>> resample(np.zeros(44100, dtype=np.float32), sr_from=44100, sr_to=16000).shape
    (16000,)
    """
    y, sr_from, sr_to = valid(y), _valid_rate(sr_from), _valid_rate(sr_to)
    if sr_from == sr_to:
        return y
    return valid(soxr.resample(y, sr_from, sr_to, quality="HQ"), "y at its new rate")


def to_int16(y):
    """Round a waveform to 16-bit integers; what is too loud is clipped, it never wraps.

    The scale is 32768, as in libsndfile: all 65,536 integers then have exactly one float each, and
    a saved file loads as the same numbers. The price: 1.0 itself becomes 32767, one step lower.

    Parameters
    ----------
    y : ndarray of float32, shape (n_samples,)

    Returns
    -------
    integers : ndarray of int16, shape (n_samples,)

    References
    ----------
    Notebook 01: wrapped, clipped and rounded, heard and measured.

    Examples
    --------
    >>> to_int16(np.array([-1.0, 0.5, 1.0, 1.2]))
    array([-32768,  16384,  32767,  32767], dtype=int16)
    """
    return np.clip(np.rint(valid(y) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_int16(integers):
    """Turn 16-bit integers into floats in [-1, 1): the exact inverse of `to_int16`.

    Parameters
    ----------
    integers : ndarray of int16

    Returns
    -------
    y : ndarray of float32, of the same shape

    References
    ----------
    Notebook 01.

    Examples
    --------
    >>> from_int16(np.array([-32768, 16384], dtype=np.int16))
    array([-1. ,  0.5], dtype=float32)
    """
    integers = np.asarray(integers)
    if integers.dtype != np.int16:
        raise AudioError(
            f"integers must be int16, got {integers.dtype}: a scale of 32768 fits no other type"
        )
    return integers.astype(np.float32) / FULL_SCALE


def encode(y, *, sr, suffix=".wav", quality=None):
    """Encode a waveform as the bytes of an audio file.

    Parameters
    ----------
    y : ndarray of float32, shape (n_samples,)
        In [-1, 1].
    sr : int
        Sampling rate, Hz.
    suffix : {".wav", ".flac", ".ogg", ".mp3"}
        WAV and FLAC hold 16-bit integers (`to_int16`); Ogg is Vorbis; Ogg and MP3 are lossy.
    quality : float, optional
        For Ogg and MP3 only, from 0 (smallest) to 1 (best), with a variable bit rate.

    Returns
    -------
    bytes

    Raises
    ------
    AudioError
        If `y` exceeds 1 or isn't a waveform, or the format can't hold that rate.

    References
    ----------
    Notebook 01.
    """
    y, sr, suffix = valid(y), _valid_rate(sr), str(suffix).lower()
    _check_format(suffix, sr, quality)
    n_over = np.count_nonzero(np.abs(y) > 1)
    if n_over:
        raise AudioError(
            f"y must lie in [-1, 1], got a peak of {np.abs(y).max():.3f} ({n_over} samples "
            "beyond): divide y by its peak, or save with clip=True"
        )
    container, encoding = _ENCODINGS[suffix]
    samples = to_int16(y) if encoding == "PCM_16" else y
    level = None if quality is None else min(1 - quality, 0.999)  # libsndfile refuses 1.0 for MP3
    buffer, how = io.BytesIO(), {"format": container, "compression_level": level}
    try:
        with soundfile.SoundFile(buffer, "w", sr, 1, encoding, **how) as file:
            for begin in range(0, len(samples), 65536):  # it crashes on a minute of Ogg at once
                file.write(samples[begin : begin + 65536])
    except (soundfile.LibsndfileError, OverflowError) as error:
        raise AudioError(
            f"{container} can't be written at {sr} Hz; resample to a usual rate, such as 44100"
        ) from error
    return buffer.getvalue()


def save(path, y, *, sr, clip=False, quality=None):
    """Write a waveform to a file, whole or not at all.

    The bytes go to a temporary file beside `path`, which then takes its name: where writing fails,
    a file that was there before is still whole.

    Parameters
    ----------
    path : str or Path
        The suffix chooses the format: .wav, .flac, .ogg or .mp3.
    y : ndarray of float32, shape (n_samples,)
    sr : int
        Sampling rate, Hz.
    clip : bool
        Clip samples beyond 1, with a warning that counts them, instead of raising.
    quality : float, optional
        As in `encode`.

    Returns
    -------
    Path

    Raises
    ------
    AudioError
        As `encode`; and if the folder is missing or can't be written to.

    References
    ----------
    Notebook 01.
    """
    path, y = Path(path), valid(y)
    y = _clip(y, path) if clip else y
    if not path.parent.is_dir():
        raise AudioError(f"{path}: the folder {path.parent} does not exist; make it first")
    data = encode(y, sr=sr, suffix=path.suffix, quality=quality)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        raise AudioError(f"{path}: can't be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def level_dbfs(y):
    """Return the RMS level of a waveform in dB re full scale (1.0); -inf for silence.

    Parameters
    ----------
    y : ndarray of float32, shape (n_samples,)

    Returns
    -------
    level_db : float
        dBFS; a sine that fills [-1, 1] reads -3.01.

    References
    ----------
    Notebook 01.

    Examples
    --------
    >>> round(level_dbfs(np.full(100, 0.1, dtype=np.float32)), 3)
    -20.0
    """
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.mean(valid(y).astype(np.float64) ** 2)))


def count_clipped(y):
    """Count the samples at or beyond full scale, that is, at the last step of 16 bits or further.

    Parameters
    ----------
    y : ndarray of float32, shape (n_samples,)

    Returns
    -------
    int

    References
    ----------
    Notebook 01.

    Examples
    --------
    >>> count_clipped(np.array([0.5, 1.0, -1.3]))
    2
    """
    return int(np.count_nonzero(np.abs(valid(y)) >= (FULL_SCALE - 1) / FULL_SCALE))


def valid(y, name="y"):
    """Return `y` as a float32 waveform, or say why it is none.

    Parameters
    ----------
    y : array_like of float, shape (n_samples,)
        At least one sample, all of them finite; the range is not checked.
    name : str
        What to call it in the message.

    Returns
    -------
    y : ndarray of float32, shape (n_samples,)

    Raises
    ------
    AudioError
        If one of these doesn't hold.
    """
    y = np.asarray(y)
    if y.ndim != 1:
        raise AudioError(f"{name} must have one axis, time, got shape {y.shape}: see audio.to_mono")
    if not np.issubdtype(y.dtype, np.floating):
        raise AudioError(
            f"{name} must be floating point in [-1, 1], got {y.dtype}: see audio.from_int16"
        )
    if not y.size:
        raise AudioError(
            f"{name} must hold at least 1 sample, got 0: check the slice it comes from"
        )
    with np.errstate(over="ignore"):  # what float32 can't hold becomes inf, and is reported
        y = y.astype(np.float32, copy=False)
    n_bad = y.size - np.count_nonzero(np.isfinite(y))
    if n_bad:
        raise AudioError(
            f"{name} must be finite, got {n_bad} samples that are NaN or infinite, the first at "
            f"index {np.argmin(np.isfinite(y))}: look for a division by zero"
        )
    return y


def _clip(y, path):
    """Clip a waveform to [-1, 1], with a warning that counts the samples."""
    n_over, peak = np.count_nonzero(np.abs(y) > 1), np.abs(y).max()
    if n_over:
        message = f"{path}: {n_over} of {len(y)} samples beyond full scale clipped"
        warnings.warn(f"{message} (the peak was {peak:.3f})", AudioWarning, stacklevel=3)
    return np.clip(y, -1, 1)


def _valid_rate(sr):
    """Return a sampling rate as an int, or raise."""
    if not isinstance(sr, (int, float, np.number)) or not sr >= 1 or sr % 1:
        raise AudioError(f"sr must be a whole number of hertz, at least 1, got {sr!r}")
    return int(sr)


def _check_format(suffix, sr, quality):
    """Raise where the format is unknown or can't be written with these settings."""
    if suffix not in _ENCODINGS:
        raise AudioError(f"suffix must be one of {', '.join(_ENCODINGS)}, got {suffix!r}")
    if suffix == ".mp3" and sr not in MP3_RATES:
        raise AudioError(
            f"MP3 holds only the rates {', '.join(map(str, MP3_RATES))} Hz, got {sr}: "
            "resample first, or write .wav or .flac"
        )
    if suffix == ".ogg" and sr > 200_000:  # libsndfile crashes
        raise AudioError(f"Ogg Vorbis holds rates up to 200000 Hz, got {sr}: resample first")
    if quality is not None and suffix not in (".mp3", ".ogg"):
        raise AudioError(f"quality is for .mp3 and .ogg; {suffix} is lossless: leave it None")
    if quality is not None and not 0 <= quality <= 1:
        raise AudioError(f"quality must lie between 0 (smallest) and 1 (best), got {quality}")


def _decode(path, *, start=0.0, duration=None, strict=False):
    """Return (samples, sr) of a part of a file, after all the checks that `read` promises."""
    if not 0 <= start < np.inf or not (duration is None or 0 < duration < np.inf):
        raise AudioError(f"start must be >= 0 s and duration > 0 s, got {start} and {duration}")
    file, n_promised, doubt = _open(path)
    with file:
        sr, first = file.samplerate, round(start * file.samplerate)
        if first >= file.frames:
            raise AudioError(
                f"{path}: start must lie before its end at {file.frames / sr:.2f} s, got {start} s"
            )
        n_wanted = n_promised if duration is None else max(1, round(duration * sr))
        samples = _read_samples(path, file, first, min(n_wanted, file.frames - first))
        tolerance = 1152 if file.format == "MP3" else 0  # some encoders count the Xing frame itself
    if doubt or len(samples) + tolerance < min(n_wanted, n_promised - first):
        message = (
            f"{path}: read {(first + len(samples)) / sr:.3f} s of {n_promised / sr:.3f} s "
            f"promised: {doubt or 'the file is cut off or damaged'}. Get a whole copy of it"
        )
        if strict:
            raise AudioError(message)
        warnings.warn(message, AudioWarning, stacklevel=3)
    if not len(samples):
        raise AudioError(f"{path}: nothing could be decoded from {start:g} s on; get a whole copy")
    n_bad = samples.size - np.count_nonzero(np.isfinite(samples))
    if n_bad:
        raise AudioError(f"{path}: {n_bad} samples are NaN or infinite; export the file again")
    return samples, sr


def _read_samples(path, file, first, n_samples):
    """Return the samples that can be decoded, up to the first damage."""
    n_before = min(first, file.samplerate)  # an MP3 frame may lean on the 25 before it
    try:
        samples = np.empty((n_before + n_samples, file.channels), dtype=np.float32)
        file.seek(first - n_before)
        return file.read(out=samples)[n_before:]
    except MemoryError as error:
        raise AudioError(
            f"{path}: {n_samples / file.samplerate:.0f} s don't fit into memory; load a part of it "
            "with start and duration"
        ) from error
    except soundfile.LibsndfileError:
        return samples[n_before : max(n_before, file.tell() - first + n_before)]


def _open(path):
    """Open a file; return it with the samples it promises and a doubt about it ("" for none)."""
    path = Path(path)
    head = _first_bytes(path)
    source, excess, doubt = path, 1.0, ""
    if head[:4] in (b"RIFF", b"FORM"):
        excess = _iff_excess(path)
    elif head[:4] == b"OggS":
        doubt = _ogg_doubt(path)
    elif head[:3] == b"ID3" or mpeg.parse_header(head[:4]) or path.suffix.lower() == ".mp3":
        data = path.read_bytes()
        stream, excess, doubt = mpeg.whole_stream(data)
        source = io.BytesIO(stream or data)  # without its name: .mp3 alone makes it no MP3
    try:
        file = soundfile.SoundFile(source)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a file named .raw
        raise AudioError(f"{path}: {_diagnose(head)}") from error
    if not 0 < file.frames < 2**62:
        file.close()
        raise AudioError(f"{path}: its header promises no samples; record or export it again")
    return file, ceil(file.frames * excess - 1e-6), doubt


def _first_bytes(path):
    """Return the first 512 bytes of a file, or say why there are none."""
    if path.is_dir():
        raise AudioError(f"{path}: is a folder; name a file in it, or see datasets.find_tracks")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError as error:
        raise AudioError(f"{path}: no such file; check its name and its folder") from error
    except OSError as error:
        raise AudioError(
            f"{path}: can't be opened ({error.strerror}); check its permissions"
        ) from error
    if not head:
        raise AudioError(f"{path}: is empty (0 bytes); download or export it again")
    return head


def _diagnose(head):
    """Say what a file is whose first bytes libsndfile didn't recognise, and what to do."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"version https://git-lfs"):
        return "is a git-lfs pointer, not the sound itself; run `git lfs pull`"
    if text.startswith((b"<!doctype html", b"<html")):
        return "is a web page (HTML), not audio; download the file itself"
    if head.startswith(b"ID3"):
        return "holds an ID3 tag, but no audio; download or export it again"
    if head.startswith(b"MThd"):
        return "is a MIDI score: notes without sound; render it to WAV first"
    if head[4:8] == b"ftyp":
        return "is MP4 or M4A (AAC), which libsndfile can't decode; convert it to WAV or MP3"
    if not head.strip(b"\0"):
        return "begins with zeros only, as an unfinished download does; get it again"
    if all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return "is text, not audio; check where it came from"
    return "is damaged, or in a format that libsndfile can't decode; convert it to WAV or MP3"


def _iff_excess(path):
    """Return how many times more sound the header of a WAV or AIFF file promises than is there."""
    n_bytes = path.stat().st_size
    with path.open("rb") as file:
        order = "little" if file.read(12).startswith(b"RIFF") else "big"
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], order)
            n_present = n_bytes - file.tell()
            if chunk[:4] in (b"data", b"SSND"):
                head = 8 if chunk[:4] == b"SSND" else 0
                # Sizes near 2 and 4 GiB are what streaming writers put for "unknown".
                short = head < n_present < size < 0x7FFFF000
                return (size - head) / (n_present - head) if short else 1.0
            file.seek(size + size % 2, os.SEEK_CUR)
    return 1.0


def _ogg_doubt(path):
    """Return a doubt where the last page of an Ogg file isn't marked as the end of its stream."""
    data = path.read_bytes()
    last = data[data.rfind(b"OggS") :]
    if last[5:6] and last[5] & 4 and data.count(b"OggS\0\2") == 1:  # marks of its end and begin
        return ""
    return "its Ogg stream isn't ended, so it was cut off, or another one follows that is not read"
