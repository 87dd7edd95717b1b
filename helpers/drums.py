"""Waveform -> drums and the rest: what was hit and when, how it sounds, the music without it.

What lasts is notes, what doesn't is drums. A median over time, looked at from before, around and
after each moment, says how strongly each frequency lasts there. From what doesn't, a factorisation
learns a short spectrogram each for a kick, a snare and a hat, and two for the attacks of notes,
which are thrown away. A drum too weak or of the wrong colour is none; without any, nothing changes.
"""

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from helpers import rolls, transforms

NAMES = ("kick", "snare", "hat", "drum")  # the last one is hit, but of which kind can't be told

Floats = NDArray[np.float32]

_PART = 150.0  # s: drums are learnt anew for each part, which bounds memory too
_FRAME, _HOP = 0.064, 0.01  # s
_KICK = 16  # bins of 15.6 Hz: below, a kick rings longer
_LASTS = (61, 25)  # frames of the median, there and above
_LENGTH, _TAIL, _EARLY = 10, 30, 2  # frames of a drum to find it, to take it out; before the hit
_TAKEN = 2.0  # times the model, thoroughly or to see what lasts: noise is often twice its mean
_LEAST = (0.6, 1.0, 0.37)  # of a strong hit, re the mean of the frames' magnitudes; kick: at 100 Hz
_COLOUR = ((0, 250), (900, 4500), (3500, 8000))  # Hz: where the centroid must lie
_FLOOR = (0.25, 0.12, 0.06)  # of the weakest hit, re a strong one
_LEAK = 2.0  # a snare must be so many times stronger than what the kick leaves in its row
_TINY = np.float32(1e-6)


def separate(y: Floats, *, sr: int, thoroughly: bool = False) -> tuple[Floats, rolls.Notes, Floats]:
    """Find the drums in music, and take them out.

    The music, float32, (n_samples,), is about -20 dBFS loud, at 16,000 Hz at least (else a
    ValueError): a hat sounds up there. What is no waveform is refused as by `transforms.stft`. What
    is learnt of the drums is taken out once: that is best for `notes.encode` with `lasting`, since
    more would take chords with it that are struck with a drum. `thoroughly` takes out twice as much
    of what doesn't last: the rest sounds better, as `synthesis.build_bank` needs it.

    Source: Smaragdis (2004), as in `synthesis.build_bank`.

    Returned are the music without its drums, float32, (n_samples,), `y` itself if there are none;
    the hits, float64, (n_hits, 4), sorted by onset: onset and offset in s, ``rolls.FIRST_DRUM`` and
    up by the index of one of `NAMES`, level (root mean square: 1), to stand among notes; and
    the kit, float32, (len(NAMES), n_samples): each drum's sound at its usual level, or zeros.
    """
    if sr < 16_000:
        raise ValueError(f"sr must be at least 16000 Hz to hear hats, got {sr}: resample the music")
    parts = np.array_split(y, max(1, -(-len(y) // round(_PART * sr))))
    done = [_separate(part, sr, thoroughly) for part in parts]
    strength, hop = np.concatenate([hits for _, hits, _ in done]), round(_HOP * sr)
    kit, usual = no_kit(sr), np.ones(len(NAMES))
    for k in np.flatnonzero(strength.any(axis=0)):
        usual[k] = np.sqrt(np.mean(strength[strength[:, k] > 0, k] ** 2))
        most = max(done, key=lambda one: np.count_nonzero(one[1][:, k]))
        kit[k] = usual[k] * most[2][k]
    if not strength.any():
        return y, np.zeros((0, 4)), kit
    starts = np.cumsum([0, *map(len, parts[:-1])])
    times = [s + hop * np.arange(len(one[1])) for s, one in zip(starts, done, strict=True)]
    frame, k = np.nonzero(strength)
    onset = np.concatenate(times)[frame] / sr
    hits = np.c_[onset, onset + 0.1, rolls.FIRST_DRUM + k, strength[frame, k] / usual[k]]
    hits = hits[np.argsort(onset, kind="stable")]
    return np.concatenate([rest for rest, _, _ in done]), hits, kit


def no_kit(sr: int) -> Floats:
    """Return the kit of music without drums, as `separate` does: zeros, (len(NAMES), n_samples)."""
    return np.zeros((len(NAMES), _TAIL * round(_HOP * sr)), np.float32)


def _separate(y: Floats, sr: int, thoroughly: bool) -> tuple[Floats, Floats, list[Floats]]:
    """Take a part apart: the rest, the strength of hits (n_frames, n_kinds), and their sounds."""
    hop = round(_HOP * sr)
    X = transforms.stft(y, n_fft=2 * round(_FRAME * sr / 2), hop_length=hop)
    S = np.abs(X)
    P = _brief(S, 0.0)
    hits = _find_hits(S, P, sr)
    if not hits.any():
        return y, hits, []
    model = _lay(_learn(P, hits), hits)
    Q = _brief(S, model)
    if hits[:, 1].any():  # it rings: beside a loud stroke, a soft one alone seemed to last
        apart = scipy.ndimage.maximum_filter1d(hits.max(axis=1), 9) == 0
        if (more := _find_hits(S, Q, sr)[:, 1] * apart).any():
            hits[:, 1] += more
            model = _lay(_learn(P, hits), hits)
            Q = _brief(S, model)
    W = _learn(Q, hits)
    kept = S - np.minimum(Q, _TAKEN * _lay(W, hits)) if thoroughly else np.maximum(S - model, 0)
    rest = transforms.istft(X * (kept / (S + _TINY)), hop_length=hop, n_samples=len(y))
    return rest, hits, [_sound(w, h, Q, X, hop) for w, h in zip(W, hits.T, strict=True)]


def _brief(S: Floats, model: Floats | float) -> Floats:
    """Say how much of each bin doesn't last before, around or after each frame, without drums."""
    rest = np.maximum(S - _TAKEN * model, 0)
    out = np.empty_like(S)
    for part, length in zip((slice(0, _KICK), slice(_KICK, None)), _LASTS, strict=True):
        M = transforms.running_medians(rest[:, part].T, length, mode="edge").T
        half = length // 2 - 1  # it may begin or end here
        M = np.maximum(M, np.maximum(transforms.shift(M, half), transforms.shift(M, -half)))
        out[:, part] = S[:, part] - np.minimum(rest[:, part], M)
    return out


def _bands(P: Floats, sr: int) -> tuple[Floats, NDArray[np.float64]]:
    """Add bins up: (n_frames, n_bands), and their centres, Hz.

    Above 400 Hz by the median of the bins there, which a partial can't move, and noise can.
    """
    edges = [1]
    while edges[-1] < P.shape[1]:
        edges.append(min(P.shape[1], edges[-1] + max(1, round(edges[-1] * 0.12))))
    V = np.add.reduceat(P, edges[:-1], axis=1)
    f = (np.array(edges[:-1]) + edges[1:] - 1) / 2 * sr / (2 * P.shape[1] - 2)
    for band in np.flatnonzero(f > 400):
        a, b = edges[band : band + 2]
        middle = (a + b - 1) // 2
        typical = np.median(P[:, min(a, middle - 6) : max(b, middle + 7)], axis=1)
        V[:, band] = np.minimum(V[:, band], typical * (b - a))
    return V, f


def _first_templates(f: NDArray[np.float64]) -> Floats:
    """Guess a kick, a snare, a hat and two attacks of notes: (LENGTH, 5, n_bands)."""

    def hill(centre: float, octaves: float) -> NDArray[np.float64]:
        return np.exp(-0.5 * (np.log2(f / centre) / octaves) ** 2)

    shapes = [np.exp(-((f / 110) ** 2)), hill(1200, 1.8), 1 / (1 + np.exp((5500 - f) / 600))]
    shapes += [hill(400, 0.8), hill(1200, 0.8)]
    decay = np.exp(-np.arange(_LENGTH)[:, None] / np.array([5, 4, 2, 3, 3]))
    W = decay[..., None] * (np.stack(shapes) + 1e-3)
    return (W / W.sum(axis=(0, 2), keepdims=True)).astype(np.float32)


def _factorise(V: Floats, W: Floats, n_updates: int = 25) -> tuple[Floats, Floats]:
    """Find templates and activations, (n_frames, n_templates), that explain V (NMFD)."""
    H, shape = np.full((len(V), W.shape[1]), V.mean(), np.float32), W.shape

    def late(H: Floats) -> Floats:  # as each frame of the templates needs it, side by side
        return np.hstack([transforms.shift(H, t) for t in range(len(W))])

    for i in range(n_updates):
        flat = W.reshape(-1, shape[2])
        each = np.hsplit(V / (late(H) @ flat + _TINY) @ flat.T, len(W))
        H = H * sum(transforms.shift(one, -t) for t, one in enumerate(each))
        H /= W.sum(axis=(0, 2)) + _TINY
        H[H < 1e-30] = 0  # with numbers below 1e-38 most processors are slow
        if i >= 3:
            L = late(H)
            gain = (L.T @ (V / (L @ flat + _TINY))).reshape(shape)
            W = W * gain / (H.sum(axis=0) + _TINY)[:, None]
            size = W.sum(axis=(0, 2)) + np.float32(1e-9)
            W, H = W / size[:, None], H * size
    return W, H


def _find_hits(S: Floats, P: Floats, sr: int) -> Floats:
    """Say how strongly each drum is hit, 0 where it isn't: (n_frames, n_kinds)."""
    hits = np.zeros((len(S), len(NAMES)), np.float32)
    if len(S) < 2 * _TAIL:
        return hits
    V, f = _bands(P, sr)
    W, H = _factorise(V, _first_templates(f))
    around = 5 * scipy.ndimage.uniform_filter1d(H, 5, axis=0)
    n_strong = int(np.clip(len(S) / 300, 8, 20))  # every third second, in half a minute and more
    for k in (0, 2, 1):
        heard = slice(None, np.searchsorted(f, 250)) if k == 0 else slice(None)  # a kick may click
        h, shape = H[:, k], W[:, k].sum(axis=0)[heard]
        strong = np.sort(h)[-n_strong]
        colour = shape @ f[heard] / max(shape.sum(), _TINY)
        least, (low, high) = _LEAST[k], _COLOUR[k]
        if k == 0:
            least *= (colour / 100) ** 3  # above 100 Hz it may be a bass
        elif k == 1 and hits.any(axis=0).sum() == 2:
            least *= 0.5  # kick and hat are seldom alone
        if strong > least * S.sum(axis=1).mean() and low <= colour <= high:
            top = (h == scipy.ndimage.maximum_filter1d(h, 9)) & (h > _FLOOR[k] * strong)
            top &= h > 1.5 * scipy.ndimage.uniform_filter1d(h, 51)
            hits[top, k] = around[top, k]
    kick, snare = hits[:, 0], hits[:, 1]
    if kick.any():  # what is in the snare's row at most kicks comes from them
        beside = scipy.ndimage.maximum_filter1d(around[:, 1], 7)
        leak = float(np.percentile(beside[kick > 0] / kick[kick > 0], 40))
        own = snare * (snare >= _LEAK * leak * scipy.ndimage.maximum_filter1d(kick, 7))
        if leak < 1 or np.count_nonzero(own) >= 8:  # else it is one drum, low and bright at once
            hits[:, 1] = own
    for a, b in ((0, 1), (0, 2), (1, 2), (3, 2)):
        pairs = (hits[:, a], hits[:, b]), (hits[:, b], hits[:, a])
        near = [scipy.ndimage.maximum_filter1d(one, 7)[other > 0] > 0 for one, other in pairs]
        if all(len(one) and one.mean() > 0.85 for one in near):  # hit together: they are one
            hits[:, [a, b]], hits[:, 3] = 0, np.maximum(hits[:, 3], hits[:, a])
    return hits


def _learn(P: Floats, hits: Floats, n_updates: int = 5) -> Floats:
    """Learn the spectrogram of each drum in all bins: (n_kinds, TAIL, n_bins).

    It is little above the median of its hits, which chords that happened to sound can't move.
    """
    first = P.mean(axis=0) + _TINY
    W = np.tile(first / (_TAIL * first.sum()), (hits.shape[1], _TAIL, 1))
    times = [_inside(hits[:, k]) for k in range(len(W))]
    for _ in range(n_updates):
        R = P / (_lay(W, hits) + _TINY)
        for k, t in enumerate(times):
            if len(t):
                W[k] *= sum(hits[i, k] * R[_cut(i)] for i in t) / hits[t, k].sum()
    share = P / (_lay(W, hits) + _TINY)
    for k, t in enumerate(times):
        if len(t) >= 8:
            own = share * _lay(W[k : k + 1], hits[:, k : k + 1])
            middle = np.median([own[_cut(i)] / hits[i, k] for i in t], axis=0)
            W[k] = np.minimum(W[k], 1.2 * middle)
    return W


def _lay(W: Floats, hits: Floats) -> Floats:
    """Lay drums where they are hit: (n_frames, n_bins)."""
    out = np.zeros((_EARLY + len(hits) + _TAIL, W.shape[2]), np.float32)
    for t, k in np.argwhere(hits).tolist():
        out[t : t + _TAIL] += hits[t, k] * W[k]
    return out[_EARLY:][: len(hits)]


def _inside(h: Floats) -> NDArray[np.int64]:
    """List the frames of hits that are whole."""
    t = np.flatnonzero(h)
    return t[(t >= _EARLY) & (t < len(h) - _TAIL)]


def _cut(t: int) -> slice:
    """Give the frames of a hit."""
    return slice(t - _EARLY, t - _EARLY + _TAIL)


def _sound(W: Floats, h: Floats, P: Floats, X: NDArray[np.complex64], hop: int) -> Floats:
    """Make the waveform of a drum at strength 1: learnt magnitudes, phases of the likest hit."""
    n, times = _TAIL * hop, _inside(h)
    if not len(times):
        return np.zeros(n, np.float32)
    like = [h[t] ** 0.5 * np.sum(P[_cut(t)] * W) / np.linalg.norm(P[_cut(t)]) for t in times]
    phase = np.angle(X[_cut(times[int(np.argmax(like))])])
    spectra = np.pad(1.2 * W * np.exp(1j * phase), ((0, 1), (0, 0))).astype(np.complex64)
    sound = transforms.istft(spectra, hop_length=hop, n_samples=n)
    first = int(np.argmax(np.abs(sound) > 0.2 * np.abs(sound).max()))  # there it is hit
    sound = sound[max(0, first - hop // 5) :]
    sound[-3 * hop :] *= np.linspace(1, 0, 3 * hop, dtype=np.float32)
    return np.pad(sound, (0, n - len(sound)))
