"""Files <-> waveforms: decode, downmix, resample, write; and say plainly what is wrong with a file.

A waveform ``y`` is float32, of shape (n_samples,), and lies in [-1, 1]; ``sr`` is its sampling rate
in Hz, a whole number. What isn't raises an `AudioError`, as everything does that can't be read or
written. FFmpeg decodes (`decoding`), libsndfile encodes. A file that was cut off is read to there.
"""

import io
import os
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import ArrayLike, DTypeLike, NDArray

from helpers import decoding, files

Samples = decoding.Samples  # float32, shape (n_samples, n_channels)
Waveform = NDArray[np.float32]  # shape (n_samples,)
AnyPath = str | os.PathLike

FULL_SCALE = 32768  # int16 steps in 1.0; libsndfile's scale too, so that save -> load is exact
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # Hz
_LOSSLESS, _LOSSY = (".wav", ".flac"), (".ogg", ".mp3")  # what is written
_LEAST_RATE = 2000  # bits/s; silence, best compressed, needs about as many
_MOST_UP = 100  # times that a sampling rate is raised: else a damaged header fills the memory


class AudioError(ValueError):
    """Something that is not valid audio: a file, a waveform or a setting."""


class AudioWarning(UserWarning):
    """Audio that could be used, but not all of it or not as it was."""


@dataclass(frozen=True)
class AudioInfo:
    """What an audio file says about itself.

    The encoding is in FFmpeg's words, for example ``"pcm_s16le"``, `sr` is in Hz. Samples are
    counted per channel, as many as the file promises; where it promises nothing, or what its size
    belies, as many as its packets should hold.
    """

    encoding: str
    sr: int
    n_channels: int
    n_samples: int
    size_bytes: int

    @property
    def duration(self) -> float:
        """Duration in seconds."""
        return self.n_samples / self.sr

    @property
    def kbps(self) -> float:
        """Mean bit rate of the whole file in kilobits per second."""
        return 8 * self.size_bytes / self.duration / 1000


def info(path: AnyPath) -> AudioInfo:
    """Return what an audio file says about itself, without decoding it."""
    with _decoder(path) as decoder:
        size_bytes = Path(path).stat().st_size
        n_samples = decoder.n_promised
        rate = 8 * size_bytes * decoder.sr / (n_samples or 1)  # bits/s
        if not n_samples or rate < _LEAST_RATE or decoder.may_hold_more():
            n_counted = decoder.count()
            if not n_samples or not 0.8 < n_counted / n_samples < 1.2:
                n_samples = n_counted
        if not n_samples:
            raise decoding.Undecodable("holds no samples; record or export it again")
        return AudioInfo(decoder.encoding, decoder.sr, decoder.n_channels, n_samples, size_bytes)


def read(path: AnyPath) -> tuple[Samples, int]:
    """Decode a whole file as it is stored: its own channels and sampling rate, in Hz.

    It is WAV, FLAC, Ogg, MP3, M4A, AIFF or anything else that FFmpeg decodes. What an encoder put
    before and after the sound is left out, where the file says how much that is. Where it is cut
    off, damaged or changes its rate or channels, an AudioWarning tells the seconds read and
    promised. (After a change, all is brought to the rate and channels that it begins with.) The
    samples, float32, (n_samples, n_channels), are one at least, and finite (else an AudioError);
    not clipped: a lossy or floating-point file may exceed 1.
    """
    with _decoder(path) as decoder:
        return _collected(decoder.blocks(), decoder, path), decoder.sr


def load(path: AnyPath, *, sr: int, start: float = 0.0, duration: float | None = None) -> Waveform:
    """Load a file, or a part of it, as a mono waveform at `sr`, Hz: float32, (n_samples,).

    The part begins at `start`, s, before the end (else an AudioError), and lasts `duration`, s, at
    most; it is what the whole has there. Samples beyond [-1, 1], as a loud MP3 has some, are
    clipped, with a warning that counts them. Errors and warnings are as in `read`.
    """
    sr = _valid_rate(sr)
    if not 0 <= start < np.inf or not (duration is None or 0 < duration < np.inf):
        raise AudioError(f"start must be >= 0 s and duration > 0 s, got {start} and {duration}")
    first = round(start * sr)
    end = None if duration is None else first + max(1, round(duration * sr))
    with _decoder(path) as decoder:
        if sr > _MOST_UP * decoder.sr:
            raise decoding.Undecodable(
                f"claims a sampling rate of {decoder.sr} Hz, too low for music at {sr} Hz, so its "
                "header is damaged; export it again"
            )
        mono = (x if x.shape[1] == 1 else x.mean(axis=1, keepdims=True) for x in decoder.blocks())
        mono = decoding.resampled(mono, sr_from=decoder.sr, sr_to=sr, n_channels=1)
        return _clip(_collected(_cut(mono, first, end), decoder, path, start)[:, 0], path)


def to_mono(samples: ArrayLike) -> Waveform:
    """Mix channels down to one by their mean; a waveform with one axis passes unchanged.

    From (n_samples, n_channels) to float32, (n_samples,). Notebook 01 hears it where left = -right.

    >>> to_mono(np.array([[0.5, 0.25], [0.5, -0.5]], dtype=np.float32))
    array([0.375, 0.   ], dtype=float32)
    """
    samples = np.asarray(samples)
    if samples.ndim == 2:
        samples = checked(samples, "samples", ("n_samples", "n_channels"))
        if samples.shape[1] > 255:
            raise AudioError(
                f"samples must have shape (n_samples, n_channels), got {samples.shape}: "
                "time is axis 0, so transpose it (samples.T)"
            )
        samples = samples.mean(axis=1)
    return valid(samples, "samples")


def resample(y: ArrayLike, *, sr_from: int, sr_to: int) -> Waveform:
    """Change the sampling rate; what lies above the new Nyquist frequency is filtered out first.

    It is done by the SoX resampler library (soxr), quality "HQ". Notebook 02 teaches why the filter
    is needed. The result may exceed the peak of its input a little: loud edges ring when filtered.

    >>> resample(np.zeros(44100, dtype=np.float32), sr_from=44100, sr_to=16000).shape
    (16000,)
    """
    y, sr_from, sr_to = valid(y), _valid_rate(sr_from), _valid_rate(sr_to)
    if sr_from == sr_to:
        return y
    return valid(soxr.resample(y, sr_from, sr_to, quality="HQ"), "y at its new rate")


def to_int16(y: ArrayLike) -> NDArray[np.int16]:
    """Round a waveform to 16-bit integers; what is too loud is clipped, it never wraps.

    The scale is 32768, as in libsndfile: all 65,536 integers then have exactly one float each, and
    a saved file loads as the same numbers. The price: 1.0 itself becomes 32767, one step lower.
    Notebook 01 has it wrapped, clipped and rounded, heard and measured.

    >>> to_int16(np.array([-1.0, 0.5, 1.0, 1.2]))
    array([-32768,  16384,  32767,  32767], dtype=int16)
    """
    return np.clip(np.rint(valid(y) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def from_int16(integers: ArrayLike) -> NDArray[np.float32]:
    """Turn 16-bit integers, of any shape, into floats in [-1, 1): the exact inverse of `to_int16`.

    >>> from_int16(np.array([-32768, 16384], dtype=np.int16))
    array([-1. ,  0.5], dtype=float32)
    """
    integers = np.asarray(integers)
    if integers.dtype != np.int16:
        raise AudioError(f"integers must be int16, got {integers.dtype}: no other has their scale")
    return integers.astype(np.float32) / np.float32(FULL_SCALE)


def encode(y: ArrayLike, *, sr: int, suffix: str = ".wav", quality: float | None = None) -> bytes:
    """Encode a waveform as the bytes of an audio file.

    The suffix is .wav or .flac, which hold 16-bit integers (`to_int16`), .ogg, which is Vorbis, or
    .mp3; the latter two are lossy, and for them alone is a quality from 0 (smallest) to 1 (best),
    with a variable bit rate. A rate that it can't hold, and samples beyond 1, are an AudioError.
    """
    y, sr, suffix = valid(y), _valid_rate(sr), str(suffix).lower()
    _check_format(suffix, sr, quality)
    n_over = np.count_nonzero(np.abs(y) > 1)
    if n_over:
        raise AudioError(
            f"y must lie in [-1, 1], got a peak of {np.abs(y).max():.3f} ({n_over} samples "
            "beyond): divide y by its peak, or np.clip it"
        )
    container = suffix[1:].upper()
    samples = to_int16(y) if suffix in _LOSSLESS else y
    level = None if quality is None else min(1 - quality, 0.999)  # libsndfile refuses 1.0 for MP3
    buffer, how = io.BytesIO(), {"format": container, "compression_level": level}
    try:
        with soundfile.SoundFile(buffer, "w", sr, 1, **how) as file:
            for begin in range(0, len(samples), 65536):  # it crashes on a minute of Ogg at once
                file.write(samples[begin : begin + 65536])
    except (soundfile.LibsndfileError, OverflowError) as error:
        rates = ", ".join(map(str, MP3_RATES)) if suffix == ".mp3" else "44100, 48000"
        raise AudioError(f"{container} can't have {sr} Hz; resample to {rates} Hz") from error
    return buffer.getvalue()


def save(path: AnyPath, y: ArrayLike, *, sr: int, quality: float | None = None) -> Path:
    """Write a waveform to a file, whole or not at all: then what was there before stays.

    The suffix chooses the format; all else, and errors, are as in `encode`.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise AudioError(f"{shown(path)}: the folder {path.parent} does not exist; make it first")
    data = encode(y, sr=sr, suffix=path.suffix, quality=quality)
    try:
        with files.replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise AudioError(f"{shown(path)}: can't be written ({error.strerror})") from error
    return path


def level_dbfs(y: ArrayLike) -> float:
    """Return the RMS level of a waveform in dB re full scale (1.0); -inf for silence.

    A sine that fills [-1, 1] reads -3.01 dBFS.

    >>> round(level_dbfs(np.full(100, 0.1, dtype=np.float32)), 3)
    -20.0
    """
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.mean(valid(y).astype(np.float64) ** 2)))


def faded(y: ArrayLike, *, sr: float, seconds: float = 0.005) -> Waveform:
    """Fade both ends of a waveform, so many seconds each: where a sound is cut, it would click.

    >>> faded(np.ones(5), sr=2, seconds=1)
    array([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """
    y = valid(y)
    n = np.arange(len(y), dtype=np.float32)
    return y * np.minimum(1, np.minimum(n, n[::-1]) / np.float32(max(1, seconds * sr)))


def valid(y: ArrayLike, name: str = "y") -> Waveform:
    """Return `y` as a float32 waveform, or say why it is none.

    It needs one axis, floating point numbers, one sample at least, all of them finite: else an
    AudioError, which calls it `name`, is raised. The range is not checked.
    """
    if np.ndim(y) != 1:
        raise AudioError(f"{name} must have one axis, got shape {np.shape(y)}: see audio.to_mono")
    return checked(y, name, ("n_samples",))


def checked(
    values: ArrayLike, name: str, axes: Sequence[str] = (), dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Return an array as `dtype`, or say in an AudioError what is wrong with it.

    It needs floating point numbers, real ones unless `dtype` is complex, one at least, all of them
    finite, and as many axes as are named; no names are any shape. The message calls it `name`.
    """
    values = np.asarray(values)
    wanted = "fc" if np.issubdtype(dtype, np.complexfloating) else "f"
    if values.dtype.kind not in wanted:
        raise AudioError(
            f"{name} must hold {'complex' if 'c' in wanted else 'real'} floating point numbers, "
            f"got {values.dtype}; integers need scaling first, as audio.from_int16 does"
        )
    if values.size == 0 or (axes and values.ndim != len(axes)):
        shape = f"shape ({', '.join(axes)})" if axes else "any shape"
        raise AudioError(
            f"{name} must have {shape} and not be empty, got shape {values.shape}: check its axes, "
            "and where it was cut"
        )
    with np.errstate(over="ignore"):  # what float32 can't hold becomes inf, and is reported
        values = values.astype(dtype, copy=False)
    n_bad = values.size - np.count_nonzero(np.isfinite(values))
    if n_bad:
        first = np.argwhere(~np.isfinite(values))[0].tolist()
        raise AudioError(
            f"{name} must be finite, got NaN or infinity in {n_bad} of {values.size} values, the "
            f"first at index {first}: look for a division by zero"
        )
    return values


def shown(path: AnyPath) -> str:
    """Return a path as text that can be printed, on one line, even if its name isn't UTF-8."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    odd = ("Cc", "Zl", "Zp")  # controls, line and paragraph separators
    return "".join(repr(c)[1:-1] if unicodedata.category(c) in odd else c for c in text)


@contextmanager
def naming(path: AnyPath) -> Iterator[None]:
    """Let what goes wrong as a file is read be an AudioError, which names it."""
    try:
        yield
    except decoding.Undecodable as error:
        raise AudioError(f"{shown(path)}: {error}") from None
    except OSError as error:
        why = f"can't be read ({error.strerror}); check its permissions, and the disk it is on"
        raise AudioError(f"{shown(path)}: {why}") from error


def reason(error: Exception | str, path: AnyPath) -> str:
    """Return what an error or a warning says of a file, without the file's name."""
    return str(error).removeprefix(f"{shown(path)}: ")


def _clip(y: Waveform, path: AnyPath) -> Waveform:
    """Clip a waveform to [-1, 1], with a warning that counts the samples."""
    peak = max(y.max(), -y.min())
    if peak <= 1:
        return y
    message = f"{shown(path)}: {np.count_nonzero(np.abs(y) > 1)} of {len(y)} samples beyond full"
    warnings.warn(f"{message} scale clipped (the peak was {peak:.3f})", AudioWarning, stacklevel=3)
    return np.clip(y, -1, 1)


def _valid_rate(sr: Any) -> int:
    """Return a sampling rate as an int, or raise."""
    if not isinstance(sr, (int, float, np.integer, np.floating)) or not sr >= 1 or sr % 1:
        raise AudioError(f"sr must be a whole number of hertz >= 1, got {sr!r}: see audio.info")
    return int(sr)


def _check_format(suffix: str, sr: int, quality: float | None) -> None:
    """Raise where the format is unknown or can't be written with these settings."""
    if suffix not in _LOSSLESS + _LOSSY:
        raise AudioError(f"suffix must be one of {', '.join(_LOSSLESS + _LOSSY)}, got {suffix!r}")
    if suffix == ".ogg" and sr > 200_000:  # libsndfile crashes
        raise AudioError(f"Ogg Vorbis holds rates up to 200000 Hz, got {sr}: resample first")
    if quality is not None and suffix in _LOSSLESS:
        raise AudioError(f"quality is for .mp3 and .ogg; {suffix} is lossless: leave it None")
    if quality is not None and not 0 <= quality <= 1:
        raise AudioError(f"quality must lie between 0 (smallest) and 1 (best), got {quality}")


@contextmanager
def _decoder(path: AnyPath) -> Iterator[decoding.Decoder]:
    """Open a file for decoding."""
    with naming(path):
        _check_file(Path(path))
        with Path(path).open("rb") as file, decoding.Decoder(file) as decoder:
            yield decoder


def _check_file(path: Path) -> None:
    """Raise where a path leads to no file that may hold sound."""
    if path.is_dir():
        raise decoding.Undecodable("is a folder; name a file in it, or see datasets.find_tracks")
    if not path.exists():
        raise decoding.Undecodable("no such file; check its name, folder or link")
    if not path.is_file():
        raise decoding.Undecodable("is no regular file; name a file with sound in it")
    if not path.stat().st_size:
        raise decoding.Undecodable("is empty (0 bytes); download or export it again")


def _cut(blocks: Iterator[Samples], first: int, end: int | None) -> Iterator[Samples]:
    """Yield the samples from `first` to `end`, in blocks."""
    at = 0
    for block in blocks:
        part = block[max(0, first - at) : None if end is None else max(0, end - at)]
        at += len(block)
        if len(part):
            yield part
        if end is not None and at >= end:
            return


def _collected(
    blocks: Iterator[Samples], decoder: decoding.Decoder, path: AnyPath, start: float = 0.0
) -> Samples:
    """Join blocks along time, in little more memory than they need, and report what is wrong."""
    joined, n_channels, n_bad = bytearray(), 1, 0
    try:
        for block in blocks:
            n_channels = block.shape[1]
            n_bad += int(block.size - np.count_nonzero(np.isfinite(block)))
            joined += block.tobytes()  # grows in place, where the system can
    except MemoryError as error:
        n_samples = len(joined) // (4 * n_channels)
        raise decoding.Undecodable(
            f"{n_samples} samples and more don't fit into memory; load a part of it with start and "
            "duration"
        ) from error
    if n_bad:
        raise decoding.Undecodable(f"{n_bad} samples are NaN or infinite; export the file again")
    _report(decoder, path)
    if not joined:
        raise decoding.Undecodable(_nothing(decoder, start))
    return np.frombuffer(joined, np.float32).reshape(-1, n_channels)


def _report(decoder: decoding.Decoder, path: AnyPath) -> None:
    """Warn about what is wrong with what was read of a file."""
    faults = decoder.faults + decoder.changes
    if not faults or not (decoder.n_read or decoder.n_promised):
        return
    message = f"{shown(path)}: read {decoder.n_read / decoder.sr:.3f} s"
    if (decoder.n_promised or 0) > decoder.n_read:
        message += f" of {(decoder.n_promised or 0) / decoder.sr:.3f} s promised"
    remedy = "Get a whole copy of it" if decoder.faults else "Split it there, or convert it to WAV"
    warnings.warn(f"{message}: {'; '.join(faults)}. {remedy}", AudioWarning, stacklevel=4)


def _nothing(decoder: decoding.Decoder, start: float) -> str:
    """Say why there are no samples."""
    end = decoder.n_read / decoder.sr
    if decoder.n_read and start >= end:
        return f"start must lie before its end at {end:.2f} s, got {start} s"
    if decoder.n_read:
        return f"{decoder.n_read} samples are too few to resample; take more"
    if decoder.faults:
        return "nothing could be decoded; get a whole copy of it"
    return "holds no samples; record or export it again"
