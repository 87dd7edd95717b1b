"""Waveform to blocks to spectra and back: FFT, windows, overlap, STFT, phase.

Every array that comes in is checked (`audio.valid`, `audio.checked`) and computed in single
precision: float64 is converted, integers are refused, because nobody can tell whether they were
meant to be scaled. A length is a whole number of samples (else a `TypeError`) above 0 (else a
`ValueError`). What a function refuses besides, it says. Each transform stands beside its inverse.
"""

import numbers
from typing import Any, Literal

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from numpy.typing import ArrayLike, NDArray

from helpers import audio

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]

_CHUNK_VALUES = 2**20  # windowed samples held at once by stft and istft: 4 MB
_LEAST_WEIGHT = 1e-3  # below this, dividing by the squared windows would amplify rounding > 30-fold


def split_blocks(y: ArrayLike, block_length: int) -> Floats:
    """Split a waveform into blocks that don't overlap; the last one is padded with zeros.

    The result is float32, (n_blocks, block_length).

    >>> split_blocks(np.float32([1, 2, 3]), 2)
    array([[1., 2.],
           [3., 0.]], dtype=float32)
    """
    y = audio.valid(y)
    block_length = count(block_length, "block_length", "sample")
    return np.pad(y, (0, -y.size % block_length)).reshape(-1, block_length)


def join_blocks(blocks: ArrayLike, n_samples: int) -> Floats:
    """Join blocks into a waveform of `n_samples`, without the zeros that `split_blocks` added.

    Blocks, float32, (n_blocks, block_length), hold at least so many samples (else a ValueError).

    >>> join_blocks(np.float32([[1, 2], [3, 0]]), 3)
    array([1., 2., 3.], dtype=float32)
    """
    blocks = audio.checked(blocks, "blocks", ("n_blocks", "block_length"))
    n_samples = count(n_samples, "n_samples", "sample", at_most=blocks.size)
    return blocks.reshape(-1)[:n_samples].copy()


def rfft_blocks(blocks: ArrayLike) -> Spectra:
    """Compute the one-sided spectrum of each block: complex64, (n_blocks, block_length // 2 + 1).

    Blocks are float32, (n_blocks, block_length). Spectra are unscaled: a sine of amplitude a in the
    middle of a bin has the magnitude ``a * block_length / 2``.

    Source: Cooley and Tukey (1965), "An algorithm for the machine calculation of complex Fourier
    series"; Bluestein (1970) for prime lengths. Notebook 03.

    >>> rfft_blocks(np.ones((1, 4))).real
    array([[4., 0., 0.]], dtype=float32)
    """
    return scipy.fft.rfft(audio.checked(blocks, "blocks", ("n_blocks", "block_length")))


def irfft_blocks(spectra: ArrayLike, *, block_length: int) -> Floats:
    """Compute the blocks that one-sided spectra belong to: the inverse of `rfft_blocks`.

    Spectra, complex64, (n_blocks, n_bins), become float32, (n_blocks, block_length); a length that
    doesn't give so many bins is a ValueError. The imaginary parts of the first bin, and of the last
    when `block_length` is even, count for nothing: real waveforms have none.
    """
    spectra = audio.checked(spectra, "spectra", ("n_blocks", "n_bins"), np.complex64)
    block_length = count(block_length, "block_length", "sample")
    _match_bins(spectra, "spectra", block_length)
    return scipy.fft.irfft(spectra, n=block_length)


def bin_frequencies(n_fft: int, *, sr: float) -> NDArray[np.float64]:
    """List the frequency of each bin of a one-sided spectrum: float64, (n_fft // 2 + 1,), Hz.

    They are multiples of ``sr / n_fft``, `sr` in Hz and above 0 (else a ValueError).

    >>> bin_frequencies(4, sr=44100)
    array([    0., 11025., 22050.])
    """
    return scipy.fft.rfftfreq(count(n_fft, "n_fft", "sample"), 1 / positive(sr, "sr", "Hz"))


def window(name: str | tuple[Any, ...], n: int) -> Floats:
    """Return a window of `n` samples, periodic, as spectral analysis wants it: float32, (n,).

    Its name is one that `scipy.signal.get_window` knows (else a ValueError), such as "hann".

    Source: Harris (1978), "On the use of windows for harmonic analysis with the discrete Fourier
    transform". Notebook 03.

    >>> window("hann", 4)
    array([0. , 0.5, 1. , 0.5], dtype=float32)
    """
    n = count(n, "n", "sample")
    try:
        return scipy.signal.get_window(name, n, fftbins=True).astype(np.float32)
    except ValueError as error:
        raise ValueError(
            f'name must be a window that scipy.signal knows, like "hann", got {name!r} ({error})'
        ) from error


def frame(y: ArrayLike, *, frame_length: int, hop_length: int) -> Floats:
    """Slice a waveform into frames, frame k centred on sample ``k * hop_length``.

    Zeros are added before the first and after the last sample. The frames go on until a centre has
    reached the end, so that each sample lies between two centres and is covered. The hop is at most
    the frame (else a ValueError). The result, float32, ``(1 + ceil(n_samples / hop_length),
    frame_length)``, is a read-only view of shared samples: copy it to write to it.

    >>> frame(np.float32([1, 2, 3, 4]), frame_length=4, hop_length=2)
    array([[0., 0., 1., 2.],
           [1., 2., 3., 4.],
           [3., 4., 0., 0.]], dtype=float32)
    """
    y, frame_length = audio.valid(y), count(frame_length, "frame_length", "sample")
    hop_length = _hop(hop_length, frame_length)
    last_centre = -(-y.size // hop_length) * hop_length
    before = frame_length // 2
    padded = np.pad(y, (before, last_centre + frame_length - before - y.size))
    return np.lib.stride_tricks.sliding_window_view(padded, frame_length)[::hop_length]


def overlap_add(frames: ArrayLike, *, hop_length: int, n_samples: int | None = None) -> Floats:
    """Add frames, float32, (n_frames, frame_length), up, each `hop_length` after the one before.

    This undoes `frame` where the frames were multiplied by a window whose copies add up to 1 (a
    Hann window with a hop of half its length, for instance). The hop is at most the frame (else a
    ValueError). The result, float32, is all of the sum, ``(n_frames - 1) * hop_length +
    frame_length`` samples; or the `n_samples` that `frame` was given, without the zeros that it
    added around them, of which more than reach to the last frame's centre are a ValueError.

    Source: Allen and Rabiner (1977), "A unified approach to short-time Fourier analysis and
    synthesis". Notebook 03.

    >>> overlap_add(np.ones((3, 4)), hop_length=2)
    array([1., 1., 2., 2., 2., 2., 1., 1.], dtype=float32)
    """
    frames = audio.checked(frames, "frames", ("n_frames", "frame_length"))
    n_frames, frame_length = frames.shape
    hop_length = _hop(hop_length, frame_length)
    total = _sum_overlapping(frames, hop_length)
    if n_samples is None:
        return total
    n_samples = count(n_samples, "n_samples", "sample", at_most=(n_frames - 1) * hop_length)
    return total[frame_length // 2 :][:n_samples]


def stft(y: ArrayLike, *, n_fft: int, hop_length: int) -> Spectra:
    """Compute the short-time Fourier transform: the spectra of overlapping frames, Hann-windowed.

    A frame has `n_fft` samples, an even number, and the next begins `hop_length`, at most as many,
    later. The result is complex64, ``(1 + ceil(n_samples / hop_length), n_fft // 2 + 1)``, frame k
    centred as `frame` says; unscaled: a full-scale sine in the middle of a bin has the magnitude
    ``window("hann", n_fft).sum() / 2``. Beyond it, memory is a few megabytes and a padded `y`.

    Source: Allen and Rabiner (1977), as in `overlap_add`. Notebook 03.
    """
    n_fft = _even(n_fft)
    frames = frame(y, frame_length=n_fft, hop_length=hop_length)
    w = window("hann", n_fft)
    spectra = np.empty((len(frames), n_fft // 2 + 1), np.complex64)
    for part in _chunks(len(frames), n_fft):
        spectra[part] = scipy.fft.rfft(frames[part] * w)
    return spectra


def istft(spectra: ArrayLike, *, hop_length: int, n_samples: int) -> Floats:
    """Compute the waveform whose `stft` comes nearest to `spectra`: the exact inverse of `stft`.

    Each frame is windowed once more, the frames are added up, and the sum is divided by the sum of
    the squared windows. Spectra that no waveform has (altered, generated) give the waveform that
    fits them best in the least-squares sense. Spectra are complex64, (n_frames, n_bins). Windows
    that leave samples (nearly) uncovered, as without overlap, are a ValueError; so are more than
    ``(n_frames - 1) * hop_length`` samples.

    Source: Griffin and Lim (1984), "Signal estimation from modified short-time Fourier transform",
    equation 6. Notebook 03.
    """
    spectra = audio.checked(spectra, "spectra", ("n_frames", "n_bins"), np.complex64)
    n_frames, n_fft = len(spectra), _even(2 * (spectra.shape[1] - 1))
    hop_length = _hop(hop_length, n_fft)
    n_samples = count(n_samples, "n_samples", "sample", at_most=(n_frames - 1) * hop_length)
    w = window("hann", n_fft)
    inside = slice(n_fft // 2, n_fft // 2 + n_samples)
    weight = _sum_overlapping(np.broadcast_to(w**2, (n_frames, n_fft)), hop_length)[inside]
    if weight.min() < _LEAST_WEIGHT * weight.max():
        raise ValueError(
            "hop_length must let the Hann windows overlap so that their squares leave no sample "
            f"uncovered, got a hop of {hop_length} for {n_fft} samples; a hop of "
            f"{max(1, n_fft // 4)} will do"
        )
    y = np.zeros((n_frames - 1) * hop_length + n_fft, np.float32)
    for part in _chunks(n_frames, n_fft):
        added = _sum_overlapping(scipy.fft.irfft(spectra[part], n=n_fft) * w, hop_length)
        y[part.start * hop_length :][: added.size] += added
    return y[inside] / weight


def magnitude_db(spectra: ArrayLike, *, reference: float = 1.0, floor_db: float = -100.0) -> Floats:
    """Express the magnitude of spectra, complex64 or float32, of any shape, in decibels, float32.

    0 dB is `reference`, above 0 (else a ValueError): ``window.sum() / 2`` (without a window, half
    the block's length) for a full-scale sine in the middle of a bin. Lower levels read `floor_db`.

    >>> magnitude_db(np.array([1 + 0j, 0.1j, 0]))
    array([   0.,  -20., -100.], dtype=float32)
    """
    magnitudes = audio.checked(np.abs(spectra), "spectra")
    if not (np.isfinite(reference) and reference > 0):
        raise ValueError(f"reference must be a positive magnitude, got {reference!r}")
    with np.errstate(divide="ignore"):  # silence is -inf dB, and then the floor
        return np.maximum(20 * np.log10(magnitudes / float(reference)), np.float32(floor_db))


def spectra_to_features(spectra: ArrayLike) -> Floats:
    """Write complex spectra as real feature vectors: real parts, then imaginary parts.

    Spectra, complex64, (n_frames, n_bins), become float32, (n_frames, 2 * n_bins).

    Source: Nayebi and Vitelli (2015), as in `frame_model.build`. Notebook 03.

    >>> spectra_to_features(np.array([[1 + 2j, 3 + 4j]]))
    array([[1., 3., 2., 4.]], dtype=float32)
    """
    spectra = audio.checked(spectra, "spectra", ("n_frames", "n_bins"), np.complex64)
    return np.concatenate([spectra.real, spectra.imag], axis=1)


def features_to_spectra(frames: ArrayLike) -> Spectra:
    """Read real feature vectors as complex spectra: the inverse of `spectra_to_features`.

    Frames, (n_frames, 2 * n_bins), an even number (else a ValueError), become (n_frames, n_bins).
    """
    frames = audio.checked(frames, "frames", ("n_frames", "2 * n_bins"))
    n_bins, left_over = divmod(frames.shape[1], 2)
    if left_over:
        raise ValueError(
            f"frames must have as many imaginary as real features, got {frames.shape[1]}, "
            f"an odd number; pass what spectra_to_features returned"
        )
    return frames[:, :n_bins] + np.complex64(1j) * frames[:, n_bins:]


def shuffle_phase(spectra: ArrayLike, rng: np.random.Generator) -> Spectra:
    """Give every bin of spectra, complex64, (n_blocks, n_bins), a random phase; keep its magnitude.

    The first and the last bin stay as they are: in the spectrum of a real waveform they are real
    (the last one when the FFT length is even), and another phase would lose magnitude in the
    inverse FFT. What is no `numpy.random.Generator` is a TypeError.

    Source: Theiler et al. (1992), "Testing for nonlinearity in time series: the method of surrogate
    data". Notebook 03.
    """
    spectra = audio.checked(spectra, "spectra", ("n_blocks", "n_bins"), np.complex64)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a generator, np.random.default_rng(seed), got {rng!r}")
    phase = 2 * np.pi * rng.random(spectra.shape, dtype=np.float32)
    shuffled = np.abs(spectra) * np.exp(1j * phase)
    shuffled[:, [0, -1]] = spectra[:, [0, -1]]
    return shuffled


def griffin_lim(
    magnitudes: ArrayLike,
    *,
    n_fft: int,
    hop_length: int,
    n_samples: int,
    rng: np.random.Generator,
    n_iterations: int = 32,
) -> Floats:
    """Find a waveform whose `stft` has nearly the given magnitudes, from random phases.

    Each iteration makes a waveform of the spectra, takes its `stft`, keeps the phases of that and
    puts the wanted magnitudes back; without any, the phases stay random. A momentum of 0.99 along
    the last change makes it the fast variant. It finds a waveform, not the waveform: the phases are
    lost for good. Magnitudes, float32, (n_frames, n_fft // 2 + 1), are what ``np.abs`` of `stft`
    gives for `n_samples`: another number of frames, or a value below 0, raises a ValueError.

    Source: as in `istft`; Perraudin et al. (2013), "A fast Griffin-Lim algorithm". Notebook 03.
    """
    magnitudes = audio.checked(magnitudes, "magnitudes", ("n_frames", "n_bins"))
    _match_bins(magnitudes, "magnitudes", _even(n_fft))
    if magnitudes.min() < 0:
        raise ValueError(f"magnitudes must be at least 0, got {magnitudes.min()}; take np.abs")
    n_iterations = count(n_iterations, "n_iterations", "iteration", at_least=0)
    n_frames = 1 - (-count(n_samples, "n_samples", "sample") // _hop(hop_length, n_fft))
    if len(magnitudes) != n_frames:
        raise ValueError(
            f"magnitudes must have {n_frames} frames for {n_samples} samples and a hop of "
            f"{hop_length}, got {len(magnitudes)}; pass the n_samples that stft was given"
        )

    spectra = shuffle_phase(magnitudes, rng)
    previous = np.zeros_like(spectra)
    for _ in range(n_iterations):
        y = istft(spectra, n_samples=n_samples, hop_length=hop_length)
        rebuilt = stft(y, n_fft=n_fft, hop_length=hop_length)
        spectra = rebuilt + 0.99 * (rebuilt - previous)
        spectra *= magnitudes / np.maximum(np.abs(spectra), np.finfo(np.float32).tiny)
        previous = rebuilt
    return istft(spectra, n_samples=n_samples, hop_length=hop_length)


def running_medians(x: Floats, size: int, *, mode: Literal["edge", "symmetric"]) -> Floats:
    """Take running medians along each row; in one row of all, which is several times faster.

    `size` is odd; `mode` says how `numpy.pad` goes on at both ends of a row.
    """
    half, n = size // 2, x.shape[1]
    wide = np.pad(x, ((0, 0), (half, half)), mode=mode)
    return scipy.ndimage.median_filter(wide.ravel(), size).reshape(wide.shape)[:, half : half + n]


def shift(x: Floats, n: int) -> Floats:
    """Move frames, the rows of x, n later (earlier if negative), zeros coming in."""
    zeros = np.zeros_like(x[: abs(n)])
    return np.concatenate([zeros, x[:-n]] if n > 0 else [x[-n:], zeros])


def count(value: int, name: str, unit: str, *, at_least: int = 1, at_most: float = np.inf) -> int:
    """Return `value` if it is a whole number within its bounds, or say what is wrong with it."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number of {unit}s, got {value!r}; use int()")
    if value < at_least:
        plural = "" if at_least == 1 else "s"
        raise ValueError(f"{name} must be at least {at_least} {unit}{plural}, got {value}")
    if value > at_most:
        raise ValueError(f"{name} must be at most {at_most} {unit}s, got {value}")
    return int(value)


def positive(value: float, name: str, unit: str) -> float:
    """Return `value` if it is a finite number above 0, or say that it isn't."""
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number of {unit}, got {value!r}")
    return value


def _hop(hop_length: int, frame_length: int) -> int:
    """Return `hop_length` if frames that far apart leave no gap."""
    hop_length = count(hop_length, "hop_length", "sample")
    if hop_length > frame_length:
        raise ValueError(
            f"hop_length must be at most the frame's {frame_length} samples, got {hop_length}; "
            f"the samples in between would be lost"
        )
    return hop_length


def _even(n_fft: int) -> int:
    """Return `n_fft` if it is even, so that a frame has a centre and n_bins tells its length."""
    n_fft = count(n_fft, "n_fft", "sample", at_least=2)
    if n_fft % 2:
        raise ValueError(f"n_fft must be an even number of samples, got {n_fft}; take {n_fft + 1}")
    return n_fft


def _match_bins(values: NDArray[Any], name: str, n_fft: int) -> None:
    """Check that one-sided spectra belong to FFTs of `n_fft` samples."""
    if values.shape[1] != n_fft // 2 + 1:
        raise ValueError(
            f"{name} must have {n_fft // 2 + 1} bins for FFTs of {n_fft} samples, "
            f"got {values.shape[1]}; pass the FFT length that made them"
        )


def _chunks(n_frames: int, frame_length: int) -> list[slice]:
    """List slices over frames that are small enough to be windowed at once."""
    step = max(1, _CHUNK_VALUES // frame_length)
    return [slice(start, min(start + step, n_frames)) for start in range(0, n_frames, step)]


def _sum_overlapping(frames: Floats, hop_length: int) -> Floats:
    """Add frames up `hop_length` apart: cut into hops, each frame adds to a run of rows."""
    n_frames, frame_length = frames.shape
    n_hops = -(-frame_length // hop_length)
    rows = np.zeros((n_frames + n_hops - 1, hop_length), frames.dtype)
    for hop in range(n_hops):
        piece = frames[:, hop * hop_length : (hop + 1) * hop_length]
        rows[hop : hop + n_frames, : piece.shape[1]] += piece
    return rows.reshape(-1)[: (n_frames - 1) * hop_length + frame_length]
