"""Frames <-> what a network trains on: sequences shifted by one frame, and standardised values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Pair = tuple[npt.NDArray[Any], npt.NDArray[Any]]  # X and Y, (n_sequences, seq_length, n_features)


def make_sequences(frames: npt.ArrayLike, seq_length: int) -> Pair:
    """Cut one piece into inputs and targets; each target is its input one frame later.

    Every frame of the piece is used: where the sequences don't fit a whole number of times, the
    last one is moved back to end at the last frame, and overlaps the one before.

    Parameters
    ----------
    frames : ndarray, (n_frames, n_features)
        One piece of music in time order; any dtype, which is kept.
    seq_length : int
        Frames in a sequence.

    Returns
    -------
    X, Y : ndarray, (n_sequences, seq_length, n_features)
        ``Y[s, t]`` is the frame that follows ``X[s, t]``. Both are views of one array, which
        halves the memory: write into neither.

    Raises
    ------
    ValueError
        If the piece has fewer than ``seq_length + 1`` frames.

    Examples
    --------
    >>> X, Y = make_sequences(np.arange(6)[:, None], 3)
    >>> X[..., 0].tolist(), Y[..., 0].tolist()
    ([[0, 1, 2], [2, 3, 4]], [[1, 2, 3], [3, 4, 5]])
    """
    frames = np.asarray(frames)
    if frames.ndim != 2:
        raise ValueError(f"frames must have shape (n_frames, n_features), got {frames.shape}")
    if seq_length < 1:
        raise ValueError(f"seq_length must be at least 1 frame, got {seq_length}")
    if len(frames) <= seq_length:
        raise ValueError(
            f"a sequence of {seq_length} frames and its target need {seq_length + 1} frames, "
            f"the piece has {len(frames)}: choose a longer piece or a smaller seq_length"
        )
    last_start = len(frames) - seq_length - 1  # the target needs one frame more than the input
    starts = np.unique(np.append(np.arange(0, last_start, seq_length), last_start))
    windows = frames[starts[:, None] + np.arange(seq_length + 1)]
    return windows[:, :-1], windows[:, 1:]  # each (n_sequences, seq_length, n_features)


def concatenate_sequences(pairs: Iterable[Pair]) -> Pair:
    """Stack the sequences of several pieces; none runs from one piece into the next.

    Parameters
    ----------
    pairs : iterable of (X, Y)
        What `make_sequences` returned for each piece, all of one length and one number of features.

    Returns
    -------
    X, Y : ndarray, (n_sequences, seq_length, n_features)
        Views of one array, as those that `make_sequences` returns.

    Raises
    ------
    ValueError
        If there are no pairs, or their shapes differ.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("pairs must hold the sequences of at least 1 piece, got none: choose more")
    shapes = sorted({part.shape[1:] for pair in pairs for part in pair})
    if len(shapes) > 1:
        raise ValueError(
            f"all sequences must share one (seq_length, n_features), got {shapes}: "
            "cut every piece with the same settings"
        )
    ((seq_length, n_features),) = shapes
    starts = np.cumsum([0, *(len(X) for X, _ in pairs)])
    windows = np.empty((starts[-1], seq_length + 1, n_features), pairs[0][0].dtype)
    for start, (X, Y) in zip(starts, pairs, strict=False):
        windows[start : start + len(X), :-1] = X
        windows[start : start + len(X), 1:] = Y
    return windows[:, :-1], windows[:, 1:]


@dataclass(frozen=True, eq=False)
class Standardiser:
    """Bring features to mean 0 and standard deviation 1, and back.

    Fit it with `fit_standardiser` on training frames only; a model is then judged on other pieces
    without having seen anything of them.

    Parameters
    ----------
    mean, std : ndarray, float32, (n_features,)
        Statistics of the training frames; `std` is above zero.
    """

    mean: npt.NDArray[np.float32]
    std: npt.NDArray[np.float32]

    def apply(self, frames: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Standardise: ``(frames - mean) / std``, float32, (..., n_features)."""
        return ((np.asarray(frames, np.float32) - self.mean) / self.std).astype(np.float32)

    def invert(self, frames: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Undo `apply`: ``frames * std + mean``, float32, (..., n_features)."""
        return (np.asarray(frames, np.float32) * self.std + self.mean).astype(np.float32)


def fit_standardiser(frames_list: Sequence[npt.ArrayLike], *, floor: float = 1e-4) -> Standardiser:
    """Measure the mean and the standard deviation of each feature in the training frames.

    Parameters
    ----------
    frames_list : list of ndarray, each (n_frames, n_features)
        The training pieces. Sums run in float64, since float32 would lose digits over long music.
    floor : float
        Smallest standard deviation, as a fraction of the one over all features. It keeps features
        that never change from dividing by zero, and nearly silent ones from being blown up.

    Raises
    ------
    ValueError
        If there are no frames, the numbers of features differ, or values aren't finite.
    """
    pieces = [np.asarray(frames) for frames in frames_list]
    shapes = [frames.shape for frames in pieces]
    if sum(shape[0] for shape in shapes) == 0:
        raise ValueError("frames_list must hold at least 1 frame, got none: choose training pieces")
    if len({shape[1:] for shape in shapes}) > 1 or len(shapes[0]) != 2:
        raise ValueError(f"all frames must have one shape (n_frames, n_features), got {shapes}")
    if not all(np.isfinite(frames).all() for frames in pieces):
        raise ValueError("frames must be finite, got NaN or infinity: load with audio.load")
    n_frames = sum(len(frames) for frames in pieces)
    mean = np.asarray(sum(frames.sum(axis=0, dtype=np.float64) for frames in pieces)) / n_frames
    power = np.asarray(sum(np.square(frames - mean).sum(axis=0) for frames in pieces)) / n_frames
    overall = np.sqrt(power.mean()) or 1.0  # music that never changes at all: leave its scale alone
    std = np.maximum(np.sqrt(power), floor * overall)
    return Standardiser(np.asarray(mean, np.float32), np.asarray(std, np.float32))
