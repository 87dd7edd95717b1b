"""Waveform <-> note roll: a dictionary of notes learnt from mixtures, and the notes found with it.

The magnitudes of a chord's spectrum are nearly those of its notes, added up. So a dictionary with
one spectrum for each note (its template) explains music by how strongly each note sounds in each
frame (its activation). Non-negative matrix factorisation (NMF) finds both in recordings alone: no
scores, no notes recorded one by one. It needs a hint where to look, a comb of partials for each
note, and is then taught by its own confident guesses. Notebook 04 teaches it.

All arrays are float32 unless something else is said: waveforms `y`, (n_samples,), at the sampling
rate of the settings, and what is none raises what `transforms.stft` does; magnitudes `V`,
(n_frames, n_bands); templates `W`, (n_bands, n_notes); activations `H`, (n_frames, n_notes). Found
notes are as in `rolls`; level 1 is usual for that note.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import scipy.ndimage
import scipy.special
from numpy.typing import ArrayLike, NDArray

import helpers
from helpers import rolls, transforms

Floats = NDArray[np.float32]
Confidence = Mapping[str, float]  # how sure of a note to be, as `_CONFIDENT`
Edges = NDArray[np.int64]  # (n_bands + 1,): the first bin of each band, and that after the last
Frames = NDArray[np.int64]  # (n_onsets,): a frame, or a note, for each onset

_TINY = np.float32(1e-6)  # -120 dB: keeps divisions finite where nothing sounds
_CHUNK = 2048  # frames that are transformed at once
_SEGMENT = 10.0  # s of music that the dictionary is learnt from at a time
_BETTER = 0.88  # of what a given dictionary leaves unexplained a piece's own may leave so much
_GIVEN_SHARE = 0.15  # of a given dictionary that a piece's own keeps
_CONFIDENT = {"rise": 0.20, "floor": 0.28}  # for learning: rather miss a note than invent one
_BALANCED = {"rise": 0.10, "floor": 0.16}  # for finding: miss as many as are invented
_ROUNDS = (_CONFIDENT, _CONFIDENT, _BALANCED, _BALANCED)  # of learning


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Hold what has been learnt about the spectra of notes.

    `templates`, float32, (n_bands, n_notes), are the spectrum of each note; each adds up to 1.
    `reference` is how strongly the strongest note of a loud frame sounds: the 95th percentile; and
    `usual_levels`, float64, (n_notes,), how strongly each note usually begins: stronger is loud.
    """

    settings: rolls.NoteSettings
    templates: Floats
    reference: float
    usual_levels: NDArray[np.float64]


def band_edges(n_fft: int, *, sr: float, f_max: float, bands_per_semitone: int = 8) -> Edges:
    """Group the bins of a spectrum into bands: single bins at the bottom, then ever wider.

    Bins are equally spaced, notes are not: above a few hundred hertz a semitone spans many bins.
    Adding these up makes everything that follows several times faster, and costs hardly a note.
    `sr` and `f_max` are in Hz. Edges are the first bin of each band, and the one after the last.

    Source: Brown (1991), "Calculation of a constant Q spectral transform".

    >>> edges = band_edges(3072, sr=16000, f_max=5500)
    >>> len(edges) - 1, edges[:4], edges[-4:]
    (430, array([0, 1, 2, 3]), array([1034, 1041, 1049, 1056]))
    """
    edges, n_bins = [0], int(f_max * n_fft / sr)
    growth = 2 ** (1 / (12 * bands_per_semitone)) - 1
    while edges[-1] < n_bins:
        edges.append(min(n_bins, edges[-1] + max(1, round(edges[-1] * growth))))
    return np.array(edges)


def band_magnitudes(y: Floats, edges: Edges, *, n_fft: int, hop_length: int) -> Floats:
    """Compute the magnitudes of a waveform's frames, added up in bands of `band_edges`.

    With `n_fft` and `hop_length` as in `transforms.stft`, there are ``1 + ceil(n_samples /
    hop_length)`` frames. A full-scale sine in the middle of a bin reads 1 there, and 0.5 beside it.
    """
    n_frames = 1 + -(-len(y) // hop_length)
    margin = -(-n_fft // (2 * hop_length))  # frames whose centres lie within half a frame
    V = np.empty((n_frames, len(edges) - 1), np.float32)
    for start in range(0, n_frames, _CHUNK):
        first, stop = max(0, start - margin), min(n_frames, start + _CHUNK)
        part = y[first * hop_length : (stop + margin) * hop_length]
        spectra = transforms.stft(part, n_fft=n_fft, hop_length=hop_length)
        magnitudes = np.abs(spectra[start - first : stop - first, : edges[-1]])
        np.add.reduceat(magnitudes, edges[:-1], axis=1, out=V[start:stop])
    V /= n_fft / 4  # a Hann window's sum is n_fft / 2, and half of a sine's is at -f
    return V


def steady(V: Floats, n_frames: int = 9) -> Floats:
    """Keep what lasts in magnitudes, and take out what only strikes: drums, hammers, consonants.

    A partial is a ridge along time, a stroke one along frequency: a median along either, of so many
    frames or 25 bands, keeps its own and loses the other. They share out `V` by their squares.

    Source: Fitzgerald (2010), "Harmonic/percussive separation using median filtering".
    """
    lasting = transforms.running_medians(V.T, n_frames, mode="symmetric").T ** 2
    struck = transforms.running_medians(V, 25, mode="symmetric") ** 2
    return V * (lasting / (lasting + struck + _TINY**2))


def level_gain(y: Floats, *, sr: float) -> float:
    """Say by how much to amplify music so that it is as loud as the shipped pieces.

    It brings blocks of 0.4 s with a tenth of the mean power at least to -20 dBFS; 1 below -80 dBFS.

    Source: ITU-R BS.1770-4 (2015), for the gate.
    """
    length = min(len(y), round(0.4 * sr))
    blocks = y[: len(y) // length * length].reshape(-1, length)
    power = np.array([np.square(block, dtype=np.float64).mean() for block in blocks])
    active = power[power >= power.mean() / 10].mean()
    return 0.1 / math.sqrt(active) if active > 1e-8 else 1.0


def tuning(y: Floats, *, sr: float) -> float:
    """Say how many cents music is tuned above A = 440 Hz.

    The peaks between 80 and 2,000 Hz of three excerpts of 10 s vote, by their magnitudes, for how
    far they lie from equal temperament. Music resampled to ``sr * 2 ** (cents / 1200)`` and taken
    as if it were sampled at `sr` (Hz) is in tune. Cents go from -45 to 55, for who doesn't tune to
    440 Hz tunes higher; they are 0 where the votes disagree.

    Source: Dressler and Streich (2007), "Tuning frequency estimation using circular statistics".
    """
    n_fft = 8192
    first, stop = (int(f * n_fft / sr) for f in (80, 2000))
    votes = []
    for part in _excerpts([y], sr, 0.5):
        spectra = transforms.stft(part, n_fft=n_fft, hop_length=n_fft // 4)
        level = np.log(np.abs(spectra[:, first - 1 : stop + 1]) + 1e-9)
        below, here, above = level[:, :-2], level[:, 1:-1], level[:, 2:]
        peak = (here > below) & (here > above) & (here > here.max() - 6)  # within 52 dB
        below, here, above = below[peak], here[peak], above[peak]
        top = (below - above) / (below - 2 * here + above) / 2  # of a parabola, in bins
        f = (first + np.nonzero(peak)[1] + top) * sr / n_fft
        votes.append(np.exp(here + 24j * np.pi * np.log2(f / 440)))
    z = np.concatenate(votes)
    if not abs(z.sum()) > 0.1 * np.abs(z).sum():
        return 0.0
    return float((np.angle(z.sum()) * 50 / np.pi + 45) % 100 - 45)


def stiffness(pitch: ArrayLike) -> NDArray[np.float64]:
    """Say how stiff a piano's string is: how far its partials are spread from whole multiples.

    For MIDI numbers, Fletcher's inharmonicity coefficient B for a typical piano, float64: least in
    the tenor, more in the thick strings of the bass, and in the treble three times more an octave.

    Source: Fletcher et al. (1962), "Quality of piano tones"; Rigaud et al. (2013), "A parametric
    model and estimation techniques for the inharmonicity and tuning of the piano".
    """
    pitch = np.asarray(pitch, np.float64)
    return np.exp(-0.0847 * pitch - 5.82) + np.exp(0.0926 * pitch - 13.64)


def partial_frequencies(pitch: float, n_partials: int, *, B: float) -> NDArray[np.float64]:
    """List the frequencies at which a stiff string sounds: float64, (n_partials,), Hz.

    `pitch` is a MIDI number. Where the inharmonicity `B` is 0, they are multiples of the first.

    Source: Fletcher (1964), "Normal vibration frequencies of a stiff piano string".
    """
    h = np.arange(1, n_partials + 1)
    return h * rolls.frequency(pitch) * np.sqrt(1 + B * h**2)


def lobes(f: ArrayLike, edges: Edges, *, n_fft: int, sr: float, width: ArrayLike = 1.0) -> Floats:
    """Draw what sines of amplitude 1 look like in bands: the main lobe of the Hann window.

    For frequencies, (n_sines,), Hz, it is float32, (n_sines, n_bands); edges, `n_fft` and `sr` are
    as in `band_edges`. A width above 1, or one for each, is for sines that aren't exactly there.

    Source: Harris (1978), as in `transforms.window`.
    """
    f, width = np.asarray(f, np.float64)[:, None], np.reshape(width, (-1, 1))
    distance = np.abs(np.arange(edges[-1]) - f * n_fft / sr) / width  # in bins
    distance += 1e-6  # the formula divides zero by zero at a distance of 1
    lobe = np.where(distance < 2, np.sinc(distance) / (1 - distance**2), 0)
    return np.add.reduceat(np.abs(lobe), edges[:-1], axis=1).astype(np.float32)


def comb(
    settings: rolls.NoteSettings, *, edges: Edges | None = None, n_fft: int | None = None
) -> Floats:
    """Guess the spectrum of every note, knowing nothing but where strings have their partials.

    24 partials, each a lobe, a little wider than it is, and the wider the higher it is, for nobody
    knows these strings. Below 150 Hz the partials are equally strong, above they fall by 12 dB an
    octave, steeper than a real note's: a comb that falls slowly finds low notes that aren't there.
    Each note's templates add up to 1. Other bands are given by their `edges`, with their `n_fft`.

    Source: Raczyński, Ono and Sagayama (2007), "Multipitch analysis with harmonic nonnegative
    matrix approximation".
    """
    edges = _edges(settings) if edges is None else edges
    n_fft = settings.n_fft if n_fft is None else n_fft
    W = np.empty((len(edges) - 1, settings.n_notes))
    for note, pitch in enumerate(settings.pitches):
        f = partial_frequencies(pitch, 24, B=float(stiffness(pitch)))
        width = 1.2 + 0.024 * np.arange(1, 25)
        amplitude = (f < edges[-1] * settings.sr / n_fft) / (1 + (f / 150) ** 2)
        W[:, note] = amplitude @ lobes(f, edges, n_fft=n_fft, sr=settings.sr, width=width)
    return (W / W.sum(axis=0)).astype(np.float32)


_comb = cache(comb)  # all learning begins with it


def divergence(V: ArrayLike, model: ArrayLike) -> float:
    """Say how badly a model explains magnitudes: the generalised Kullback-Leibler divergence.

    `V` and `model` have one shape, and nothing below 0; the result is 0 where they are equal.

    Source: Lee and Seung (2001), as in `update_activations`, equation 3.

    >>> round(divergence(np.array([1.0, 2.0]), np.array([2.0, 2.0])), 4)
    0.3069
    """
    V, model = np.asarray(V, np.float64) + _TINY, np.asarray(model, np.float64) + _TINY
    return float(scipy.special.kl_div(V, model).sum())


def update_activations(V: Floats, W: Floats, H: Floats, *, exponent: float = 1.0) -> Floats:
    """Improve the activations: one multiplicative step down the KL divergence of V from H W'.

    Where a frame has more than the model says, the notes that have energy there grow by that
    ratio; nothing becomes negative, and what is 0 stays 0. The exponent 1 is the classical step,
    which never makes it worse; 1.5 gets there in fewer steps.

    Source: Lee and Seung (2001), "Algorithms for non-negative matrix factorization", equation 5;
    Badeau et al. (2010), "Stability analysis of multiplicative update algorithms" (exponents).
    """
    model = H @ W.T + _TINY
    gain = np.divide(V, model, out=model) @ W  # in place: large arrays cost more than arithmetic
    gain /= np.maximum(W.sum(axis=0), _TINY)
    return H * (gain if exponent == 1 else gain**exponent)


def update_templates(V: Floats, W: Floats, H: Floats) -> Floats:
    """Improve the templates: the same step as `update_activations`, for the other factor.

    A template that never sounds stays as it is.

    Source: Lee and Seung (2001); Smaragdis and Brown (2003), "Non-negative matrix factorization for
    polyphonic music transcription".
    """
    model = H @ W.T + _TINY
    gain = np.divide(V, model, out=model).T @ H
    total = H.sum(axis=0)
    return np.where(total > 0, W * gain / np.maximum(total, _TINY), W)


def solve_activations(V: Floats, W: Floats, *, n_updates: int = 10) -> Floats:
    """Find the activations that explain V by given templates, starting with all notes alike."""
    H = np.repeat(V.mean(axis=1, keepdims=True), W.shape[1], axis=1)
    for _ in range(n_updates):
        H = update_activations(V, W, H, exponent=1.5)
    return H


def learn_dictionary(
    waveforms: Iterable[Floats],
    settings: rolls.NoteSettings | None = None,
    *,
    minutes: float = 5.0,
    n_rounds: int = 4,
) -> Dictionary:
    """Learn the spectrum of every note from music in which notes sound together.

    A comb of partials explains the music roughly, and the notes it is sure of teach it their real
    spectra: two rounds in the comb's own bins, two more in all of them; or `n_rounds`, to see what
    each is for: 0 leaves the comb as it is. A note that wasn't heard for a second by then is taught
    no more, or it would learn whatever else is left over; that is for a few broad noises. It learns
    from so many minutes, spread over the music. Music without notes raises a ValueError.

    Source: Smaragdis and Brown (2003), Raczyński et al. (2007), as in `update_templates`, `comb`.
    """
    settings = rolls.NoteSettings() if settings is None else settings
    if n_rounds not in range(5):
        raise ValueError(f"n_rounds must be a whole number from 0 to 4, got {n_rounds!r}")
    parts = [_magnitudes(y, settings) for y in _excerpts(waveforms, settings.sr, minutes)]
    W = _learn(parts, settings, _ROUNDS[:n_rounds], desc="Learning notes")
    return _measure_levels(parts, W, settings)


def choose_dictionary(y: Floats, given: Dictionary) -> Dictionary:
    """Learn a dictionary from one piece, and keep it if it explains the piece much better.

    That is asked of every second segment, after two rounds of learning from the others; then it is
    learnt again from all, and keeps a little of the given one. Where its own is only a little
    better, one that was learnt from more music finds more. It learns from what lasts in two
    minutes, spread evenly; for less than 20 s, `given` itself is returned.
    """
    settings = given.settings
    if len(y) < 2 * _SEGMENT * settings.sr:
        return given
    V = np.concatenate([steady(_magnitudes(x, settings)) for x in _excerpts([y], settings.sr, 2.0)])
    parts = np.array_split(V, len(V) // int(_SEGMENT / 2 * settings.frame_rate))
    others = np.concatenate(parts[1::2])
    try:
        costs = []
        for templates in (_learn(parts[::2], settings, _ROUNDS[1:3]), given.templates):
            W = np.hstack([templates, _noises(settings)])
            costs.append(divergence(others, solve_activations(others, W) @ W.T))
        if costs[0] > _BETTER * costs[1]:
            return given
        W = (1 - _GIVEN_SHARE) * _learn(parts, settings) + _GIVEN_SHARE * given.templates
        return _measure_levels(parts, W.astype(np.float32), settings)
    except ValueError:  # nothing in it sounds like notes
        return given


def explained(y: Floats, dictionary: Dictionary) -> float:
    """Say what share of a sound its notes explain: of the magnitudes of a minute, evenly spread.

    From 0 to 1; noises and what is struck explain nothing, what lasts a sixth of a second may be a
    quick note. Silence has nothing to be explained: 0.
    """
    settings = dictionary.settings
    V = np.concatenate([_magnitudes(x, settings) for x in _excerpts([y], settings.sr, 1.0)])
    H = _explain(steady(V, 5), dictionary.templates, settings)[:, : settings.n_notes]
    return float(np.minimum(V, H @ dictionary.templates.T).sum() / max(V.sum(), _TINY))


def activations(y: Floats, dictionary: Dictionary, *, lasting: bool = False) -> Floats:
    """Say how strongly each note of the dictionary sounds in each frame.

    Frame k is centred on sample ``k * hop_length``. In units of magnitude: a note's bands add up to
    it. With `lasting`, it looks only at what lasts (`steady`), and at twice as many frames.
    """
    settings = dictionary.settings
    V = steady(_magnitudes(y, _denser(settings)), 13) if lasting else _magnitudes(y, settings)
    return _explain(V, dictionary.templates, settings)[:, : settings.n_notes]


def find_notes(
    H: Floats, dictionary: Dictionary, *, strictness: float = 1.0, lasting: bool = False
) -> rolls.Notes:
    """Find where notes begin and end in their activations: float64, (n_found, 4), sorted by onset.

    A note begins where its activation rises, by enough and to enough, measured by the loudest note
    within half a second. The time is where half of the rise is done, between frames. It ends where
    the damper falls, that is within an eighth of a second to less than a quarter, or where it has
    died away. A strictness of 1 misses as many piano notes as it invents, 2 asks for twice as much
    rise. With `lasting`, as for `activations`, rises are measured by all notes together, and
    doubted where little is left after an eighth of a second or sounds an octave above, as in
    strokes and other notes' overtones. `H` has as many notes as the dictionary (else a ValueError).

    Source: Bello et al. (2005), "A tutorial on onset detection in music signals".
    """
    settings = dictionary.settings
    if np.ndim(H) != 2 or np.shape(H)[1] != settings.n_notes:
        raise ValueError(
            f"H must have shape (n_frames, {settings.n_notes}), got {np.shape(H)}: pass what "
            "activations returns for the same dictionary"
        )
    least = {name: strictness * share for name, share in _BALANCED.items()}
    if lasting:
        settings = _denser(settings)
        least = {"rise": 0.29 * least["rise"], "floor": 0.53 * least["floor"], "doubt": 0.25}
    found = _track(H, settings, dictionary.reference, **least)
    found[:, :2] /= settings.frame_rate
    found[:, 3] /= dictionary.usual_levels[found[:, 2].astype(int) - settings.lowest]
    return found


def encode(y: Floats, dictionary: Dictionary, *, lasting: bool = False) -> rolls.Notes:
    """Find the notes of a recording: `activations`, then `find_notes`.

    To look only at what lasts is better for any music but clean pianos.
    """
    return find_notes(activations(y, dictionary, lasting=lasting), dictionary, lasting=lasting)


@cache
def _edges(settings: rolls.NoteSettings) -> Edges:
    """Give the bands of the settings."""
    sr, f_max, bands = settings.sr, settings.f_max, settings.bands_per_semitone
    return band_edges(settings.n_fft, sr=sr, f_max=f_max, bands_per_semitone=bands)


def _denser(settings: rolls.NoteSettings) -> rolls.NoteSettings:
    """Halve the step of the frames."""
    return replace(settings, hop_length=settings.hop_length // 4 * 2)


def _magnitudes(y: Floats, settings: rolls.NoteSettings) -> Floats:
    """Compute the magnitudes of the settings' frames in its bands."""
    n_fft, hop_length = settings.n_fft, settings.hop_length
    return band_magnitudes(y, _edges(settings), n_fft=n_fft, hop_length=hop_length)


@cache
def _noises(settings: rolls.NoteSettings) -> Floats:
    """Make three broad hills, (n_bands, 3), that take up what no note explains."""
    edges = _edges(settings)
    f = transforms.bin_frequencies(settings.n_fft, sr=settings.sr)[: edges[-1]]
    centres = np.geomspace(150, 4000, 3)[:, None]
    hills = np.exp(-0.5 * (np.log2((f + 30) / centres) / 0.8) ** 2)
    W = np.add.reduceat(hills, edges[:-1], axis=1).T
    return (W / W.sum(axis=0)).astype(np.float32)


def _excerpts(waveforms: Iterable[Floats], sr: float, minutes: float) -> list[Floats]:
    """Cut so many minutes of short segments out of all the music, evenly spread."""
    waveforms = list(waveforms)
    if not waveforms or not math.isfinite(minutes) or minutes <= 0:
        raise ValueError(
            "there must be one waveform at least and more than 0 minutes to learn from, got "
            f"{len(waveforms)} and {minutes}"
        )
    y, length = np.concatenate(waveforms), int(_SEGMENT * sr)
    n_segments = max(1, round(minutes * 60 / _SEGMENT))
    if y.size <= n_segments * length:
        return waveforms
    starts = np.linspace(0, y.size - length, n_segments).astype(int)
    return [y[start : start + length] for start in starts]


def _learn(
    parts: list[Floats],
    settings: rolls.NoteSettings,
    rounds: Sequence[Confidence] = _ROUNDS,
    desc: str = "",
) -> Floats:
    """Learn templates from the magnitudes of excerpts, with a bar if it is to have a name."""
    mean = np.concatenate(parts).mean(axis=0)[:, None]
    if not mean.sum() > 0:
        raise ValueError("waveforms must hold music, got silence only: check what was loaded")

    W, n_heard = _comb(settings), np.zeros(settings.n_notes, np.int64)
    sure = np.ones(settings.n_notes, bool)
    shown = helpers.bar(rounds, desc=desc, unit="round", leave=False) if desc else rounds
    for i, confidence in enumerate(shown):
        if i == 2:  # what is 0 stays 0, so give every template a little of everything
            W = 0.97 * W + 0.03 * mean / mean.sum()
            sure = n_heard >= settings.frame_rate
        W, n_heard = _teach(parts, W, settings, confidence, sure)
    return W.astype(np.float32)


def _explain(V: Floats, W: Floats, settings: rolls.NoteSettings) -> Floats:
    """Find activations for notes and noises, (n_frames, n_notes + 3)."""
    return solve_activations(V, np.hstack([W, _noises(settings)]))


def _teach(
    parts: list[Floats],
    W: Floats,
    settings: rolls.NoteSettings,
    confidence: Confidence,
    sure: NDArray[np.bool_],
) -> tuple[Floats, NDArray[np.int64]]:
    """Find notes, then improve their templates there; also count the frames of each note."""
    V, n_notes = np.concatenate(parts), settings.n_notes
    both = np.hstack([W, _noises(settings)])
    explained = [_explain(part, W, settings) for part in parts]
    H = np.concatenate(explained)
    reference = float(np.percentile(H[:, :n_notes].max(axis=1), 95))
    gates = [np.zeros((len(h), n_notes), bool) for h in explained]
    for found, h in zip(gates, explained, strict=True):
        for start, stop, pitch, _ in _track(h[:, :n_notes], settings, reference, **confidence):
            frames = slice(max(0, int(start) - 1), math.ceil(stop) + 2)  # one before, one after
            found[frames, int(pitch) - settings.lowest] = True
    gate = np.concatenate(gates) & sure
    heard = gate.any(axis=0)  # the other notes stay as they are
    n_heard, used = heard.sum(), np.append(heard, np.ones(both.shape[1] - n_notes, bool))
    taught, H = both[:, used], np.hstack([H[:, :n_notes] * gate, H[:, n_notes:]])[:, used]
    for _ in range(4):
        H = update_activations(V, taught, H)
        taught[:, :n_heard] = update_templates(V, taught, H)[:, :n_heard]
        total = taught.sum(axis=0)
        taught, H = taught / total, H * total
    both[:, used] = taught
    return both[:, :n_notes], gate.sum(axis=0)


def _measure_levels(parts: list[Floats], W: Floats, settings: rolls.NoteSettings) -> Dictionary:
    """Complete a dictionary: how strong notes are, and the usual strength of each."""
    H = [_explain(part, W, settings)[:, : settings.n_notes] for part in parts]
    reference = float(np.percentile(np.concatenate(H).max(axis=1), 95))
    found = np.concatenate([_track(h, settings, reference, **_BALANCED) for h in H])
    if not len(found):
        raise ValueError("waveforms must hold notes, got none that begin: check what was loaded")
    found = found[np.argsort(found[:, 3])]
    distance = found[:, 2] - np.array(settings.pitches)[:, None]  # (n_notes, n_found)
    weight = np.cumsum(np.exp(-0.5 * (distance / 3) ** 2) + 1e-9, axis=1)
    middle = [np.searchsorted(w, w[-1] / 2) for w in weight]  # a median over near notes
    return Dictionary(settings, W, reference, found[middle, 3])


def _onsets(
    H: Floats, settings: rolls.NoteSettings, reference: float, **least: float
) -> NDArray[np.bool_]:
    """Say in which frames notes begin: (n_frames, n_notes), bool."""
    low = np.minimum(transforms.shift(H, 1), transforms.shift(H, 2))
    high = np.maximum(H, transforms.shift(H, -1))
    jump = high - low
    second = int(settings.frame_rate) | 1
    loudest = scipy.ndimage.maximum_filter1d(H.max(axis=1), second)
    loudest = np.maximum(loudest, reference / 8)[:, None]  # in silence nothing is loud
    steepest = (jump >= transforms.shift(jump, 1)) & (jump > transforms.shift(jump, -1))
    if "doubt" in least:
        fullest = scipy.ndimage.maximum_filter1d(H.sum(axis=1), second)[:, None]
        jump = jump * loudest / np.maximum(fullest, reference / 2)
        octave = 0.1 * H  # the highest notes have none in the dictionary
        octave[:, :-12] = H[:, 12:]
        octave = scipy.ndimage.maximum_filter1d(octave, 3, axis=0)
        left, above = (np.minimum(h / (high + _TINY), 1) for h in (transforms.shift(H, -4), octave))
        jump = jump * (left**2 * (above + 0.03)) ** least["doubt"]
    enough = (jump > least["rise"] * loudest) & (high > least["floor"] * loudest)
    return steepest & enough & (high > 1.3 * low)


def _cut(H: Floats, frame: Frames, note: Frames, before: int, after: int) -> Floats:
    """Cut what notes do around frames: (n_cut, before + 1 + after), -1 beyond the ends."""
    wide = np.pad(H, ((before, after), (0, 0)), constant_values=-1)
    return wide[frame[:, None] + np.arange(before + 1 + after), note[:, None]]


def _onset_times(H: Floats, frame: Frames, note: Frames, eighth: int) -> Floats:
    """Find where half of the rise around each onset is done, in frames."""
    rise, each = _cut(H, frame, note, eighth, eighth // 2), np.arange(len(frame))
    first = np.argmin(np.where(rise < 0, np.inf, rise)[:, : eighth + 1], axis=1)
    rise[np.arange(rise.shape[1]) < first[:, None]] = -1
    half = (rise[each, first] + rise.max(axis=1)) / 2
    i = np.argmax(rise >= half[:, None], axis=1)
    high, low = rise[each, i], rise[each, i - 1]
    share = np.where(i > first, high - half, 0) / np.where(i > first, high - low, 1)
    return (frame - eighth + i).astype(np.float32) - share  # if it sounds from the start, there


def _offset_times(
    H: Floats, onsets: NDArray[np.bool_], frame: Frames, note: Frames, eighth: int
) -> tuple[NDArray[np.float64], Floats]:
    """Find where each note ends, at its next onset at the latest, in frames; and its strength."""
    H, struck = np.pad(H, ((0, 1), (0, 0))), np.pad(onsets, ((0, 1), (0, 0)), constant_values=True)
    time = np.arange(len(H))[:, None]
    last = np.maximum.accumulate(np.where(struck, time, 0))
    strength = np.max([transforms.shift(H, -i) if i else H for i in range(eighth + 1)], axis=0)
    before = np.take_along_axis(H, np.maximum(time - eighth, last), axis=0)
    least = np.maximum(0.25 * before, 0.02 * np.take_along_axis(strength, last, axis=0))
    over = struck | (least > H)
    end = np.minimum.accumulate(np.where(over, time, len(H))[::-1])[::-1][frame + 1, note]
    first, each = np.maximum(frame, end - eighth), np.arange(len(frame))
    fall = _cut(H, first, note, 0, eighth)
    half = fall[:, 0] / 2
    has_fallen = (fall <= half[:, None]) & (np.arange(eighth + 1) <= (end - first)[:, None])
    i = np.maximum(1, np.argmax(has_fallen, axis=1))
    high, low = fall[each, i - 1], fall[each, i]
    share = np.minimum(1, (high - half) / np.maximum(high - low, _TINY))
    fallen = (first - 1 + i).astype(np.float32) + share - 0.4 * eighth  # rooms ring on a little
    return np.where(struck[end, note], end, fallen), strength[frame, note]


def _track(
    H: Floats, settings: rolls.NoteSettings, reference: float, **least: float
) -> NDArray[np.float64]:
    """Find notes: (n_found, 4), onset and offset in frames, pitch, strength, sorted by onset."""
    eighth = 4 if "doubt" in least else 2  # frames in an eighth of a second
    onsets = _onsets(H, settings, reference, **least)
    note, frame = np.nonzero(onsets.T)
    start = _onset_times(H, frame, note, eighth)
    stop, strength = _offset_times(H, onsets, frame, note, eighth)
    following = np.append(start, np.inf)[1:]
    following[np.append(np.diff(note) > 0, True)[: len(note)]] = np.inf
    stop = np.minimum(np.maximum(start + eighth // 2, stop), following)
    found = np.stack([start, stop, settings.lowest + note, strength], axis=1)
    found = found[following > start].astype(np.float64)  # else the next is the same stroke
    return found[np.lexsort(found.T[::-1])]
