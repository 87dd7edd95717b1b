"""What a network may know of the music so far: each note's past, and where it sounded alike.

Everything here is counted, nothing is learnt. `listener` works frame by frame, so that training,
judging and composing hear exactly the same.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers import rolls

N_PLAIN = 8  # features of a note's own past, see `listener`
RECALLED_FRAMES = (0, 1, 2)  # of a remembered place: its own frame and the two after it
N_RECALLED = len(RECALLED_FRAMES) + 1


def n_features(n_memories: int, n_pulses: int) -> dict[str, int]:
    """Count the features that `listener` gives.

    Parameters
    ----------
    n_memories, n_pulses : int

    Returns
    -------
    dict of int
        Numbers of ``"neighbourhood"``, ``"recalled"`` and ``"frame"`` features.

    Examples
    --------
    >>> n_features(2, 1)
    {'neighbourhood': 10, 'recalled': 8, 'frame': 12}
    """
    return {
        "neighbourhood": N_PLAIN + n_memories,
        "recalled": N_RECALLED * n_memories,
        "frame": 4 * (n_memories + n_pulses),
    }


def listener(
    n_notes: int,
    n_streams: int,
    n_frames: int,
    *,
    memories: tuple[float, ...],
    pulses: tuple[float, ...],
    sharpness: float,
    min_lag: int,
) -> Callable[
    ..., tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]
]:
    r"""Make a function that hears one frame after the other, and remembers all of them.

    For every note it tells the state now and the frame before, and the time since the last onset.
    Besides, it asks: *where did the last moments sound like this before?* With :math:`o_t` the
    onsets of frame t and :math:`k_s` those of an earlier frame s, blurred by one frame, each
    earlier place has a score that grows while the two go on alike, and fades by :math:`\lambda`:

    .. math::
        S_t[s] = \lambda S_{t-1}[s-1] + o_t \cdot k_s

    A softmax over the scores, as cosines, says how much to trust each place. The average of what
    came there next is what the network may copy, if it finds that wise: attention, without weights
    to learn. The same is done with how many notes begin in a frame, no matter which: where the
    rhythm was alike, the beat will be too.

    Parameters
    ----------
    n_notes : int
    n_streams : int
        Pieces heard at once, each with a memory of its own.
    n_frames : int
        Frames that will be heard, at most.
    memories : tuple of float
        :math:`\lambda` of each memory, from 0 to below 1. Near 1: a long passage must agree.
    pulses : tuple of float
        The same for the memories of rhythm.
    sharpness : float
        How much better places are preferred: factor of the cosines in the softmax.
    min_lag : int
        The nearest place to remember, in frames before now; at least 3.

    Returns
    -------
    callable
        ``hear(states, kept=1.0) -> (neighbourhood, recalled, frame)``. `states`: uint8, (n_streams,
        n_notes). `kept`: which of the onsets the memories of notes keep, as 0 and 1, (n_streams,
        n_notes). The rest is float32:

        - neighbourhood, (n_streams, n_notes, 8 + n_memories): held, soft, loud; sounding and struck
          one frame ago; the time since the last onset, as three decays; and per memory the onset
          to be expected next.
        - recalled, (n_streams, n_notes, 4 * n_memories): per memory the onsets at the remembered
          place, one and two frames after it, and the notes that sounded after it.
        - frame, (n_streams, 4 * (n_memories + n_pulses)): per memory how alike the best place is (a
          cosine), and a third of how many onsets the remembered place and its two next frames had.

    References
    ----------
    E. Grave, A. Joulin and N. Usunier, "Improving neural language models with a continuous cache",
    ICLR 2017. T. F. Smith and M. S. Waterman, "Identification of common molecular subsequences",
    J. Mol. Biol. 147, 1981, for scores along a diagonal.
    """
    ages = np.full((n_streams, n_notes), np.inf, np.float32)
    past = np.zeros((2, n_streams, n_notes), np.float32)  # sounding, struck, one frame ago
    recall = _rememberer(n_notes, n_streams, n_frames, memories, sharpness, min_lag)
    recall_pulse = _rememberer(1, n_streams, n_frames, pulses, sharpness, min_lag)
    usual = np.zeros((n_streams, 1), np.float32)

    def hear(
        states: npt.NDArray[np.uint8], kept: npt.ArrayLike = 1.0
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        nonlocal ages, past, usual
        struck = states >= rolls.SOFT
        now = np.stack([states != rolls.OFF, struck]).astype(np.float32)
        ages = np.where(struck, np.float32(0), ages + 1)
        recalled, frame = recall(*now, now[1] * kept)
        count = np.sqrt(now[1].sum(axis=-1, keepdims=True))
        usual = usual + (count - usual) / 100
        beat = count - usual
        pulse = recall_pulse(beat, beat, beat)[1]
        plain = [states == rolls.HELD, states == rolls.SOFT, states == rolls.LOUD, *past]
        plain += [np.exp(-ages / frames) for frames in (3, 12, 48)]
        past = now
        expected = recalled[..., 1::N_RECALLED]  # onsets one frame after the remembered place
        neighbourhood = np.concatenate([np.stack(plain, axis=-1), expected], axis=-1)
        return neighbourhood.astype(np.float32), recalled, np.concatenate([frame, pulse], axis=-1)

    return hear


def listen(
    heard: npt.ArrayLike, **memory: Any
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Hear a whole roll, or several at once: the features of `listener` for each frame.

    Parameters
    ----------
    heard : ndarray, uint8, (n_frames, n_notes) or (n_rolls, n_frames, n_notes)
    **memory
        `memories`, `pulses`, `sharpness` and `min_lag`, see `listener`.

    Returns
    -------
    neighbourhood : ndarray, float32, (..., n_frames, n_notes, 8 + n_memories)
    recalled : ndarray, float32, (..., n_frames, n_notes, 4 * n_memories)
    frame : ndarray, float32, (..., n_frames, 4 * (n_memories + n_pulses))
        Those of frame t know frames 0 to t of their roll, and nothing later.

    Raises
    ------
    ValueError
        If one isn't a roll; see `rolls.valid`.
    """
    heard = np.asarray(heard)
    one = heard.ndim < 3
    streams = np.stack(
        [rolls.valid(roll, name="heard") for roll in (heard[None] if one else heard)]
    )
    n_streams, n_frames, n_notes = streams.shape
    hear = listener(n_notes, n_streams, n_frames, **memory)
    features = zip(*[hear(states) for states in streams.swapaxes(0, 1)], strict=True)
    neighbourhood, recalled, frame = (np.stack(part, axis=1) for part in features)
    return (neighbourhood[0], recalled[0], frame[0]) if one else (neighbourhood, recalled, frame)


def _rememberer(
    n_notes: int,
    n_streams: int,
    n_frames: int,
    memories: tuple[float, ...],
    sharpness: float,
    min_lag: int,
) -> Callable[..., tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Make the function that finds and recalls earlier places; see `listener`."""
    fades = np.array(memories, np.float32)
    sounding, struck, keys = np.zeros((3, n_streams, n_frames + 1, n_notes), np.float32)
    scores, key_energies = np.zeros((2, n_streams, len(fades), n_frames), np.float32)
    energy = key_energy = np.zeros((n_streams, len(fades)), np.float32)
    t = -1

    def recall(
        sounding_now: npt.NDArray[np.float32],
        struck_now: npt.NDArray[np.float32],
        kept_now: npt.NDArray[np.float32],
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        nonlocal t, energy, key_energy
        t += 1
        sounding[:, t], struck[:, t] = sounding_now, struck_now
        _blur(keys, kept_now, t)
        energy = fades * energy + np.square(struck_now).sum(axis=-1, keepdims=True)
        if t > 0:  # the key of the frame before is complete now
            key_energy = fades * key_energy + np.square(keys[:, t - 1]).sum(axis=-1, keepdims=True)
            key_energies[..., t - 1] = key_energy
        n = t + 1 - min_lag  # places that are far enough back
        if n < 1:
            return _nothing(n_streams, n_notes, len(fades))
        scores[..., 1:n] = fades[:, None] * scores[..., : n - 1]
        scores[..., 0] = 0
        scores[..., :n] += np.swapaxes(_products(keys[:, :n], struck_now), 1, 2)
        cosines = scores[..., :n] / np.sqrt((energy[..., None] + 1) * (key_energies[..., :n] + 1))
        return _average(cosines, sharpness, struck, sounding)

    return recall


def _blur(
    keys: npt.NDArray[np.float32], kept_now: npt.NDArray[np.float32], t: int, share: float = 0.6
) -> None:
    """Enter the onsets of frame t into the keys, and a share of them one frame to either side."""
    keys[:, t] += kept_now
    keys[:, t + 1] += share * kept_now
    if t > 0:
        keys[:, t - 1] += share * kept_now


def _products(
    keys: npt.NDArray[np.float32], struck_now: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Multiply the keys with the onsets now, (n_streams, n, 1); mostly there are none."""
    if not struck_now.any():
        return np.zeros((*keys.shape[:2], 1), np.float32)
    return keys @ struck_now[..., None]


def _nothing(
    n_streams: int, n_notes: int, n_memories: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Recall nothing: there is no place far enough back."""
    recalled = np.zeros((n_streams, n_notes, N_RECALLED * n_memories), np.float32)
    return recalled, np.zeros((n_streams, 4 * n_memories), np.float32)


def _average(
    cosines: npt.NDArray[np.float32],
    sharpness: float,
    struck: npt.NDArray[np.float32],
    sounding: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Average what came after each place, weighted by a softmax."""
    best = cosines.max(axis=-1, keepdims=True)
    weights = np.exp(sharpness * (cosines - best))
    weights /= weights.sum(axis=-1, keepdims=True)  # (n_streams, n_memories, n)
    n_streams, n_memories, n = weights.shape
    onsets = [weights @ struck[:, later : n + later] for later in RECALLED_FRAMES]
    sums = [some.sum(axis=-1, keepdims=True) / 3 for some in onsets]
    parts = [*onsets, weights @ sounding[:, 1 : n + 1]]
    recalled = np.stack(parts, axis=-1).swapaxes(1, 2)  # (n_streams, n_notes, n_memories, 4)
    frame = np.concatenate([best, *sums], axis=-1)  # (n_streams, n_memories, 4)
    return recalled.reshape(n_streams, -1, N_RECALLED * n_memories), frame.reshape(n_streams, -1)
