"""Waveform <-> note roll: a dictionary of notes learnt from mixtures, and the notes found with it.

The magnitudes of a chord's spectrum are nearly those of its notes, added up. So a dictionary with
one spectrum for each note (its template) explains music by how strongly each note sounds in each
frame (its activation). Non-negative matrix factorisation (NMF) finds both in recordings alone: no
scores, no notes recorded one by one. It needs a hint where to look, a comb of partials for each
note, and is then taught by its own confident guesses.
"""

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
import scipy.ndimage
from tqdm.auto import tqdm

from helpers import transforms

OFF, HELD, SOFT, LOUD = 0, 1, 2, 3  # what a note does in a frame of a roll
STATE_LEVELS = (0.0, 0.0, 0.75, 1.33)  # level of a note that begins so, re the usual level

_TINY = np.float32(1e-6)  # -120 dB: keeps divisions finite where nothing sounds
_CHUNK = 2048  # frames that are transformed at once
_SEGMENT = 10.0  # s of music that the dictionary is learnt from at a time
_CONFIDENT = {"rise": 0.20, "floor": 0.28}  # for learning: rather miss a note than invent one
_BALANCED = {"rise": 0.10, "floor": 0.16}  # for finding: miss as many as are invented


@dataclass(frozen=True)
class NoteSettings:
    """Say how music is cut into frames, bands and notes.

    Parameters
    ----------
    sr : int, Hz
    n_fft, hop_length : int, samples
        Length of a frame, which decides how well two notes or two moments are told apart, and
        its step, which is also the time step of the roll.
    f_max : float, Hz
        Nothing above is looked at when notes are sought.
    lowest, highest : int
        MIDI numbers of the lowest and the highest note.
    bands_per_semitone : int
        Bins that are closer together than this are added up.

    Raises
    ------
    ValueError
        If a setting is out of range.

    References
    ----------
    Notebook 04.

    Examples
    --------
    >>> settings = NoteSettings()
    >>> settings.n_notes, settings.frame_rate
    (69, 16.0)
    """

    sr: int = 16_000
    n_fft: int = 3072
    hop_length: int = 1000
    f_max: float = 5500.0
    lowest: int = 28
    highest: int = 96
    bands_per_semitone: int = 8

    def __post_init__(self):
        for name in ("sr", "n_fft", "hop_length", "bands_per_semitone"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be a whole number of at least 1, got {getattr(self, name)!r}"
                )
        if self.n_fft % 2 or self.hop_length % 2 or self.hop_length > self.n_fft:
            raise ValueError(
                "n_fft and hop_length must be even numbers of samples, the hop at most n_fft, "
                f"got {self.n_fft} and {self.hop_length}"
            )
        if not 0 <= self.lowest < self.highest <= 127:
            raise ValueError(
                "lowest and highest must be MIDI numbers, 0 <= lowest < highest <= 127, "
                f"got {self.lowest} and {self.highest}"
            )
        if not _frequency(self.highest) < self.f_max <= self.sr / 2:
            raise ValueError(
                f"f_max must lie between the highest note, {_frequency(self.highest):.0f} Hz, and "
                f"half the sampling rate, {self.sr / 2:.0f} Hz, got {self.f_max}"
            )

    @property
    def n_notes(self):
        """How many notes a roll has."""
        return self.highest - self.lowest + 1

    @property
    def pitches(self):
        """MIDI numbers of the notes, in the order of a roll's columns."""
        return range(self.lowest, self.highest + 1)

    @property
    def frame_rate(self):
        """Frames per second."""
        return self.sr / self.hop_length

    def to_json(self):
        """Write the settings as a JSON object in one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text):
        """Read what `to_json` wrote; other JSON raises a ValueError."""
        try:
            return cls(**json.loads(text))
        except TypeError as fault:
            raise ValueError(f"these are no note settings: {text} ({fault})") from fault


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Hold what has been learnt about the spectra of notes.

    Parameters
    ----------
    settings : NoteSettings
    templates : ndarray, float32, (n_bands, n_notes)
        The spectrum of each note; each adds up to 1.
    reference : float
        How strongly the strongest note of a loud frame sounds: the 95th percentile.
    usual_levels : ndarray, float64, (n_notes,)
        How strongly each note usually begins; what begins stronger is called loud.
    """

    settings: NoteSettings
    templates: np.ndarray
    reference: float
    usual_levels: np.ndarray


def band_edges(n_fft, *, sr, f_max, bands_per_semitone=8):
    """Group the bins of a spectrum into bands: single bins at the bottom, then ever wider.

    Bins are equally spaced, notes are not: above a few hundred hertz a semitone spans many bins.
    Adding these up makes everything that follows several times faster, and costs hardly a note.

    Parameters
    ----------
    n_fft : int, samples
    sr, f_max : float, Hz
    bands_per_semitone : int

    Returns
    -------
    ndarray, int64, (n_bands + 1,)
        The first bin of each band, and the bin after the last band.

    References
    ----------
    Brown (1991), "Calculation of a constant Q spectral transform". Notebook 04.

    Examples
    --------
    >>> edges = band_edges(3072, sr=16000, f_max=5500)
    >>> len(edges) - 1, edges[:4], edges[-4:]
    (430, array([0, 1, 2, 3]), array([1034, 1041, 1049, 1056]))
    """
    edges, n_bins = [0], int(f_max * n_fft / sr)
    growth = 2 ** (1 / (12 * bands_per_semitone)) - 1
    while edges[-1] < n_bins:
        edges.append(min(n_bins, edges[-1] + max(1, round(edges[-1] * growth))))
    return np.array(edges)


def band_magnitudes(y, edges, *, n_fft, hop_length):
    """Compute the magnitudes of a waveform's frames, added up in bands.

    Parameters
    ----------
    y : ndarray, float32, (n_samples,)
    edges : ndarray, int, (n_bands + 1,)
        From `band_edges`.
    n_fft, hop_length : int, samples
        As in `transforms.stft`.

    Returns
    -------
    V : ndarray, float32, (1 + ceil(n_samples / hop_length), n_bands)
        A full-scale sine in the middle of a bin has the magnitude 1 in that bin, and 0.5 in the
        bins beside it: its lobe.

    Raises
    ------
    ValueError, TypeError
        If `y` isn't a waveform; see `transforms.stft`.

    References
    ----------
    Notebook 04.
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


def stiffness(pitch):
    """Say how stiff a piano's string is: how far its partials are spread from whole multiples.

    Parameters
    ----------
    pitch : float or ndarray
        MIDI number.

    Returns
    -------
    B : float64, as `pitch`
        Fletcher's inharmonicity coefficient for a typical piano: least in the tenor, more in the
        thick strings of the bass, and about three times more with each octave in the treble.

    References
    ----------
    Fletcher, Blackham and Stratton (1962), "Quality of piano tones"; Rigaud, David and Daudet
    (2013), "A parametric model and estimation techniques for the inharmonicity and tuning of the
    piano". Notebook 04.

    Examples
    --------
    >>> [round(float(stiffness(pitch)) * 1e6) for pitch in (36, 60, 84)]
    [174, 327, 2849]
    """
    pitch = np.asarray(pitch, np.float64)
    return np.exp(-0.0847 * pitch - 5.82) + np.exp(0.0926 * pitch - 13.64)


def partial_frequencies(pitch, n_partials, *, B):
    """List the frequencies at which a stiff string sounds.

    Parameters
    ----------
    pitch : float
        MIDI number; 69 is 440 Hz.
    n_partials : int
    B : float
        Inharmonicity; 0 gives whole multiples of the first.

    Returns
    -------
    f : ndarray, float64, (n_partials,), Hz

    References
    ----------
    Fletcher (1964), "Normal vibration frequencies of a stiff piano string". Notebook 04.

    Examples
    --------
    >>> partial_frequencies(69, 3, B=0)
    array([ 440.,  880., 1320.])
    >>> partial_frequencies(69, 3, B=stiffness(69)).round(1)
    array([ 440.2,  881.3, 1324.3])
    """
    h = np.arange(1, n_partials + 1)
    return h * _frequency(pitch) * np.sqrt(1 + B * h**2)


def lobes(f, edges, *, n_fft, sr, width=1.0):
    """Draw what sines of amplitude 1 look like in bands: the main lobe of the Hann window.

    Parameters
    ----------
    f : ndarray, float, (n_sines,), Hz
    edges : ndarray, int, (n_bands + 1,)
        From `band_edges`.
    n_fft : int, samples
    sr : float, Hz
    width : float or ndarray, (n_sines,)
        Make the lobes wider than they are, for sines that are not exactly where they should be.

    Returns
    -------
    ndarray, float32, (n_sines, n_bands)

    References
    ----------
    Harris (1978), as in `transforms.window`. Notebook 03.
    """
    f, width = np.asarray(f, np.float64)[:, None], np.reshape(width, (-1, 1))
    distance = np.abs(np.arange(edges[-1]) - f * n_fft / sr) / width  # in bins
    distance += 1e-6  # the formula divides zero by zero at a distance of 1
    lobe = np.where(distance < 2, np.sinc(distance) / (1 - distance**2), 0)
    return np.add.reduceat(np.abs(lobe), edges[:-1], axis=1).astype(np.float32)


def comb(settings, *, edges=None, n_fft=None):
    """Guess the spectrum of every note, knowing nothing but where strings have their partials.

    24 partials, each a lobe, a little wider than it is, and the wider the higher it is, for nobody
    knows these strings. Below 150 Hz the partials are equally strong, above they fall by 12 dB an
    octave, steeper than a real note's: a comb that falls slowly finds low notes that aren't there.

    Parameters
    ----------
    settings : NoteSettings
    edges : ndarray, int, (n_bands + 1,), optional
        Other bands than those of the settings, with the `n_fft` that they are for.
    n_fft : int, samples, optional

    Returns
    -------
    W : ndarray, float32, (n_bands, n_notes)
        Each column adds up to 1.

    References
    ----------
    Raczynski, Ono and Sagayama (2007), "Multipitch analysis with harmonic nonnegative matrix
    approximation". Notebook 04.
    """
    edges = _edges(settings) if edges is None else edges
    n_fft = settings.n_fft if n_fft is None else n_fft
    W = np.empty((len(edges) - 1, settings.n_notes))
    for note, pitch in enumerate(settings.pitches):
        f = partial_frequencies(pitch, 24, B=stiffness(pitch))
        width = 1.2 + 0.024 * np.arange(1, 25)
        amplitude = (f < edges[-1] * settings.sr / n_fft) / (1 + (f / 150) ** 2)
        W[:, note] = amplitude @ lobes(f, edges, n_fft=n_fft, sr=settings.sr, width=width)
    return (W / W.sum(axis=0)).astype(np.float32)


def divergence(V, model):
    """Say how badly a model explains magnitudes: the generalised Kullback-Leibler divergence.

    Parameters
    ----------
    V, model : ndarray, float, of one shape
        None below 0.

    Returns
    -------
    float
        0 where they are equal.

    References
    ----------
    Lee and Seung (2001), as in `update_activations`, equation 3. Notebook 04.

    Examples
    --------
    >>> round(divergence(np.array([1.0, 2.0]), np.array([2.0, 2.0])), 4)
    0.3069
    """
    V, model = np.asarray(V, np.float64) + _TINY, np.asarray(model, np.float64) + _TINY
    return float(np.sum(V * np.log(V / model) - V + model))


def update_activations(V, W, H, *, exponent=1.0):
    """Improve the activations: one multiplicative step down the KL divergence of V from H W'.

    Where a frame has more than the model says, the notes that have energy there grow by that
    ratio; nothing becomes negative, and what is 0 stays 0.

    Parameters
    ----------
    V : ndarray, float32, (n_frames, n_bands)
        Magnitudes.
    W : ndarray, float32, (n_bands, n_templates)
    H : ndarray, float32, (n_frames, n_templates)
        Activations.
    exponent : float
        1 is the classical step, which never makes it worse; 1.5 gets there in fewer steps.

    Returns
    -------
    H : ndarray, float32, (n_frames, n_templates)

    References
    ----------
    Lee and Seung (2001), "Algorithms for non-negative matrix factorization", equation 5; Badeau,
    Bertin and Vincent (2010), "Stability analysis of multiplicative update algorithms", for
    exponents between 0 and 2. Notebook 04.
    """
    gain = (V / (H @ W.T + _TINY)) @ W
    gain /= np.maximum(W.sum(axis=0), _TINY)
    return H * (gain if exponent == 1 else gain**exponent)


def update_templates(V, W, H):
    """Improve the templates: the same step as `update_activations`, for the other factor.

    Parameters
    ----------
    V, W, H : ndarray
        As in `update_activations`.

    Returns
    -------
    W : ndarray, float32, (n_bands, n_templates)
        A template that never sounds stays as it is.

    References
    ----------
    Lee and Seung (2001); Smaragdis and Brown (2003), "Non-negative matrix factorization for
    polyphonic music transcription". Notebook 04.
    """
    gain = (V / (H @ W.T + _TINY)).T @ H
    total = H.sum(axis=0)
    return np.where(total > 0, W * gain / np.maximum(total, _TINY), W)


def solve_activations(V, W, *, n_updates=10):
    """Find the activations that explain V by given templates, starting with all notes alike.

    Parameters
    ----------
    V : ndarray, float32, (n_frames, n_bands)
    W : ndarray, float32, (n_bands, n_templates)
    n_updates : int

    Returns
    -------
    H : ndarray, float32, (n_frames, n_templates)

    References
    ----------
    Notebook 04.
    """
    H = np.repeat(V.mean(axis=1, keepdims=True), W.shape[1], axis=1)
    for _ in range(n_updates):
        H = update_activations(V, W, H, exponent=1.5)
    return H


def learn_dictionary(waveforms, settings=None, *, minutes=5.0, n_rounds=4, progress=False):
    """Learn the spectrum of every note from music in which notes sound together.

    A comb of partials explains the music roughly, and the notes it is sure of teach it their real
    spectra: two rounds in the comb's own bins, two more in all of them. A note that wasn't heard
    for a second by then keeps its comb, or it would learn whatever else is left over; that is for
    a few broad noises. Nothing is random.

    Parameters
    ----------
    waveforms : list of ndarray, float32, (n_samples,)
    settings : NoteSettings, optional
    minutes : float
        Learn from so much of the music, spread evenly over it.
    n_rounds : int
        Stop after so many of the four rounds, to see what each is for; 0 leaves the comb as it is.
    progress : bool
        Show a bar.

    Returns
    -------
    Dictionary

    Raises
    ------
    ValueError
        If there is no music, nothing in it sounds like notes, or there is no such number of rounds.

    References
    ----------
    Smaragdis and Brown (2003), as in `update_templates`; Raczynski et al. (2007), as in `comb`.
    Notebook 04.
    """
    settings = NoteSettings() if settings is None else settings
    if n_rounds not in range(5):
        raise ValueError(f"n_rounds must be a whole number from 0 to 4, got {n_rounds!r}")
    kwargs = {"n_fft": settings.n_fft, "hop_length": settings.hop_length}
    parts = _excerpts(waveforms, settings.sr, minutes)
    parts = [band_magnitudes(y, _edges(settings), **kwargs) for y in parts]
    mean = np.concatenate(parts).mean(axis=0)[:, None]
    if not mean.sum() > 0:
        raise ValueError("waveforms must hold music, got silence only: check what was loaded")

    W, n_heard = comb(settings), None
    sure = np.ones(settings.n_notes, bool)
    rounds = (_CONFIDENT, _CONFIDENT, _BALANCED, _BALANCED)[:n_rounds]
    for i, confidence in enumerate(tqdm(rounds, desc="dictionary", disable=not progress)):
        if i == 2:  # what is 0 stays 0, so give every template a little of everything
            W = 0.97 * W + 0.03 * mean / mean.sum()
            sure = n_heard >= settings.frame_rate
        W, n_heard = _teach(parts, W, settings, confidence, sure)
    return _measure_levels(parts, W.astype(np.float32), settings)


def activations(y, dictionary):
    """Say how strongly each note of the dictionary sounds in each frame.

    Parameters
    ----------
    y : ndarray, float32, (n_samples,)
        At the sampling rate of the dictionary's settings.
    dictionary : Dictionary

    Returns
    -------
    H : ndarray, float32, (n_frames, n_notes)
        Frame k is centred on sample ``k * hop_length``. In units of magnitude: a note's bands add
        up to it.

    Raises
    ------
    ValueError, TypeError
        If `y` isn't a waveform; see `transforms.stft`.

    References
    ----------
    Notebook 04.
    """
    settings = dictionary.settings
    V = band_magnitudes(y, _edges(settings), n_fft=settings.n_fft, hop_length=settings.hop_length)
    return _explain(V, dictionary.templates, settings)[:, : settings.n_notes]


def find_notes(H, dictionary):
    """Find where notes begin and end in their activations.

    A note begins where its activation rises, by enough and to enough, measured by the loudest
    note of the half second around. The time is where half of the rise is done, between frames. It
    ends where the damper falls, that is at less than a quarter of what it was two frames before,
    or where it has died away.

    Parameters
    ----------
    H : ndarray, float32, (n_frames, n_notes)
    dictionary : Dictionary

    Returns
    -------
    found : ndarray, float64, (n_found, 4)
        Sorted by onset: onset and offset in s, MIDI pitch, level (1 is usual for that note).

    Raises
    ------
    ValueError
        If `H` has another number of notes than the dictionary.

    References
    ----------
    Bello et al. (2005), "A tutorial on onset detection in music signals". Notebook 04.
    """
    settings = dictionary.settings
    if np.ndim(H) != 2 or np.shape(H)[1] != settings.n_notes:
        raise ValueError(
            f"H must have shape (n_frames, {settings.n_notes}), got {np.shape(H)}: pass what "
            "activations returns for the same dictionary"
        )
    found = _track(H, settings, dictionary.reference, **_BALANCED)
    found[:, :2] /= settings.frame_rate
    found[:, 3] /= dictionary.usual_levels[found[:, 2].astype(int) - settings.lowest]
    return found


def encode(y, dictionary):
    """Find the notes of a recording: `activations`, then `find_notes`.

    Parameters
    ----------
    y : ndarray, float32, (n_samples,)
    dictionary : Dictionary

    Returns
    -------
    found : ndarray, float64, (n_found, 4)
        Onset and offset in s, MIDI pitch, level.

    References
    ----------
    Notebook 04.
    """
    return find_notes(activations(y, dictionary), dictionary)


def encode_roll(y, dictionary):
    """Write a recording as a roll: `encode`, then `notes_to_roll`.

    Parameters
    ----------
    y : ndarray, float32, (n_samples,)
    dictionary : Dictionary

    Returns
    -------
    roll : ndarray, uint8, (1 + ceil(n_samples / hop_length), n_notes)

    References
    ----------
    Notebook 04.
    """
    n_frames = 1 + -(-len(y) // dictionary.settings.hop_length)
    return notes_to_roll(encode(y, dictionary), dictionary.settings, n_frames=n_frames)


def notes_to_roll(found, settings, *, n_frames=None):
    """Write notes as a roll: for each frame and note, whether it is off, held, or begins.

    Parameters
    ----------
    found : ndarray, float, (n_found, 4)
        Onset and offset in s, MIDI pitch, level: from 1 on a note begins loud.
    settings : NoteSettings
    n_frames : int, optional
        Length of the roll; up to the last offset when left out. For a waveform it is
        ``1 + ceil(n_samples / hop_length)``.

    Returns
    -------
    roll : ndarray, uint8, (n_frames, n_notes)
        `OFF`, `HELD`, `SOFT` or `LOUD`. `HELD` never follows `OFF`.

    Raises
    ------
    ValueError
        If `found` has another shape, times or pitches that can't be, or notes after the roll's end.

    References
    ----------
    Notebook 04.

    Examples
    --------
    >>> settings = NoteSettings(lowest=60, highest=62)
    >>> notes_to_roll(np.array([[0.0, 0.2, 60, 1.2], [0.06, 0.12, 62, 0.5]]), settings)
    array([[3, 0, 0],
           [1, 0, 2],
           [1, 0, 0]], dtype=uint8)
    """
    found = _checked_notes(found, settings)
    start = np.rint(found[:, 0] * settings.frame_rate).astype(int)
    stop = np.maximum(start + 1, np.rint(found[:, 1] * settings.frame_rate).astype(int))
    n_frames = int(stop.max(initial=1)) if n_frames is None else n_frames
    if np.any(start >= n_frames):
        raise ValueError(
            f"n_frames must reach beyond the last onset, in frame {start.max()}, got {n_frames}"
        )
    roll = np.zeros((n_frames, settings.n_notes), np.uint8)
    for i in np.argsort(start, kind="stable"):
        note = int(found[i, 2]) - settings.lowest
        roll[start[i] :, note] = OFF  # a key that is struck again has been let go
        roll[start[i] : stop[i], note] = HELD
        roll[start[i], note] = LOUD if found[i, 3] >= 1 else SOFT
    return roll


def roll_to_notes(roll, settings):
    """Read the notes of a roll: the inverse of `notes_to_roll`, as far as a roll remembers.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)
    settings : NoteSettings

    Returns
    -------
    found : ndarray, float64, (n_found, 4)
        Sorted by onset: onset and offset in s, MIDI pitch, level (`STATE_LEVELS`).

    Raises
    ------
    ValueError
        If `roll` has another shape or other states, or a note is held that hasn't begun.

    References
    ----------
    Notebook 04.

    Examples
    --------
    >>> roll_to_notes(np.uint8([[3, 0], [1, 2], [0, 1]]), NoteSettings(lowest=60, highest=61))
    array([[ 0.    ,  0.125 , 60.    ,  1.33  ],
           [ 0.0625,  0.1875, 61.    ,  0.75  ]])
    """
    roll = _checked_roll(roll, settings)
    found = []
    for note in np.flatnonzero(roll.any(axis=0)):
        state = np.append(roll[:, note], OFF)
        not_held = np.flatnonzero(state != HELD)
        starts = np.flatnonzero(state >= SOFT)
        stops = not_held[np.searchsorted(not_held, starts + 1)]
        for start, stop in zip(starts, stops, strict=True):
            found.append((start, stop, settings.lowest + note, STATE_LEVELS[state[start]]))
    found = np.array(sorted(found), np.float64).reshape(-1, 4)
    found[:, :2] /= settings.frame_rate
    return found


def cut_roll(roll, start, stop):
    """Take frames `start` to `stop` out of a roll; what is held at its beginning is struck there.

    Parameters
    ----------
    roll : ndarray, uint8, (n_frames, n_notes)
    start, stop : int

    Returns
    -------
    ndarray, uint8, (stop - start, n_notes)
        A roll of its own, which can be rendered: `HELD` never follows nothing.

    Raises
    ------
    ValueError
        If `roll` has no such frames.

    References
    ----------
    Notebook 07.

    Examples
    --------
    >>> cut_roll(np.uint8([[3], [1], [1], [0]]), 1, 3)
    array([[2],
           [1]], dtype=uint8)
    """
    if not 0 <= start < stop <= len(roll):
        raise ValueError(
            f"start and stop must be frames of the roll, 0 <= start < stop <= {len(roll)}, "
            f"got {start} and {stop}"
        )
    part = np.array(roll[start:stop])
    part[0, part[0] == HELD] = SOFT
    return part


def _frequency(pitch):
    """Give the frequency of a MIDI number in equal temperament, Hz."""
    return 440 * 2 ** ((pitch - 69) / 12)


def _edges(settings):
    """Give the bands of the settings."""
    return band_edges(
        settings.n_fft,
        sr=settings.sr,
        f_max=settings.f_max,
        bands_per_semitone=settings.bands_per_semitone,
    )


def _noises(settings):
    """Make three broad hills, (n_bands, 3), that take up what no note explains."""
    edges = _edges(settings)
    f = transforms.bin_frequencies(settings.n_fft, sr=settings.sr)[: edges[-1]]
    centres = np.geomspace(150, 4000, 3)[:, None]
    hills = np.exp(-0.5 * (np.log2((f + 30) / centres) / 0.8) ** 2)
    W = np.add.reduceat(hills, edges[:-1], axis=1).T
    return (W / W.sum(axis=0)).astype(np.float32)


def _excerpts(waveforms, sr, minutes):
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


def _explain(V, W, settings):
    """Find activations for notes and noises, (n_frames, n_notes + 3)."""
    return solve_activations(V, np.hstack([W, _noises(settings)]))


def _reference(H):
    """Say how strong the strongest note of a loud frame is."""
    return float(np.percentile(H.max(axis=1), 95))


def _teach(parts, W, settings, confidence, sure, n_updates=4):
    """Find notes, then improve their templates there; also count the frames of each note."""
    V, n_notes = np.concatenate(parts), settings.n_notes
    both = np.hstack([W, _noises(settings)])
    H = [_explain(part, W, settings) for part in parts]
    reference = _reference(np.concatenate(H)[:, :n_notes])
    gates = [_gate(h[:, :n_notes], settings, reference, confidence) for h in H]
    gate = np.concatenate(gates) & sure
    H = np.concatenate(H)
    H[:, :n_notes] *= gate
    for _ in range(n_updates):
        H = update_activations(V, both, H)
        both[:, :n_notes] = update_templates(V, both, H)[:, :n_notes]
        total = both.sum(axis=0)
        both, H = both / total, H * total
    return both[:, :n_notes], gate.sum(axis=0)


def _gate(H, settings, reference, confidence):
    """Say where notes were found, and a frame before and after: (n_frames, n_notes)."""
    gate = np.zeros(H.shape, bool)
    for start, stop, pitch, _ in _track(H, settings, reference, **confidence):
        gate[max(0, int(start) - 1) : math.ceil(stop) + 2, int(pitch) - settings.lowest] = True
    return gate


def _measure_levels(parts, W, settings):
    """Complete a dictionary: how strong notes are, and the usual strength of each."""
    H = [_explain(part, W, settings)[:, : settings.n_notes] for part in parts]
    reference = _reference(np.concatenate(H))
    found = np.concatenate([_track(h, settings, reference, **_BALANCED) for h in H])
    if not len(found):
        raise ValueError("waveforms must hold notes, got none that begin: check what was loaded")
    found = found[np.argsort(found[:, 3])]
    distance = found[:, 2] - np.array(settings.pitches)[:, None]  # (n_notes, n_found)
    weight = np.cumsum(np.exp(-0.5 * (distance / 3) ** 2) + 1e-9, axis=1)
    middle = [np.searchsorted(w, w[-1] / 2) for w in weight]  # a median over near notes
    return Dictionary(settings, W, reference, found[middle, 3])


def _shifted(H, n):
    """Move rows down by n (up if negative), zeros coming in."""
    moved = np.zeros_like(H)
    moved[max(0, n) : len(H) + min(0, n)] = H[max(0, -n) : len(H) - max(0, n)]
    return moved


def _onsets(H, settings, reference, rise, floor):
    """Say in which frames notes begin: (n_frames, n_notes), bool."""
    low = np.minimum(_shifted(H, 1), _shifted(H, 2))
    high = np.maximum(H, _shifted(H, -1))
    jump = high - low
    loudest = scipy.ndimage.maximum_filter1d(H.max(axis=1), int(settings.frame_rate) | 1)
    loudest = np.maximum(loudest, reference / 8)[:, None]  # in silence nothing is loud
    steepest = (jump >= _shifted(jump, 1)) & (jump > _shifted(jump, -1))
    return steepest & (jump > rise * loudest) & (high > floor * loudest) & (high > 1.3 * low)


def _onset_time(h, frame):
    """Find where half of the rise around a frame is done, in frames."""
    first = max(0, frame - 2)
    first += int(np.argmin(h[first : frame + 1]))
    rise = h[first : frame + 2]
    half = (rise[0] + rise.max()) / 2
    i = int(np.argmax(rise >= half))
    if i == 0:  # it sounds from the start
        return first
    return first + i - (rise[i] - half) / (rise[i] - rise[i - 1])


def _offset_time(h, frame, stop):
    """Find where a note ends that begins in a frame, before the next one in frame `stop`."""
    later = np.arange(frame + 1, stop)
    before = h[np.maximum(later - 2, frame)]
    over = (h[later] < 0.02 * h[frame : frame + 3].max()) | (h[later] < 0.25 * before)
    if not over.any():
        return stop
    end = frame + 1 + int(np.argmax(over))
    fall = h[max(frame, end - 2) : end + 1]
    i = max(1, int(np.argmax(fall <= fall[0] / 2)))  # here it has fallen to half
    share = (fall[i - 1] - fall[0] / 2) / max(fall[i - 1] - fall[i], _TINY)
    return end - len(fall) + i + min(1, share) - 0.8  # strings and rooms ring on a little


def _track(H, settings, reference, *, rise, floor):
    """Find notes: (n_found, 4), onset and offset in frames, pitch, strength, sorted by onset."""
    found = []
    onsets = _onsets(H, settings, reference, rise, floor)
    for note in np.flatnonzero(onsets.any(axis=0)):
        h, frames = H[:, note], np.flatnonzero(onsets[:, note])
        starts = [_onset_time(h, frame) for frame in frames]
        for i, (frame, start) in enumerate(zip(frames, starts, strict=True)):
            last = i + 1 == len(frames)
            stop = _offset_time(h, frame, len(h) if last else frames[i + 1])
            stop = max(start + 1, stop) if last else min(max(start + 1, stop), starts[i + 1])
            found.append((start, stop, settings.lowest + note, h[frame : frame + 3].max()))
    return np.array(sorted(found), np.float64).reshape(-1, 4)


def _checked_notes(found, settings):
    """Return notes as an array, or say what is wrong with them."""
    found = np.asarray(found, np.float64)
    if found.ndim != 2 or found.shape[1] != 4:
        raise ValueError(
            "notes must have shape (n_found, 4): onset and offset in s, pitch, level; "
            f"got {found.shape}"
        )
    onset, offset, pitch = found[:, :3].T
    if not (np.isfinite(found).all() and (onset >= 0).all() and (offset > onset).all()):
        raise ValueError(
            "notes must be finite, begin at 0 s or later and end after they begin, got one that "
            "doesn't: check the columns, which are onset, offset, pitch, level"
        )
    if not ((pitch >= settings.lowest) & (pitch <= settings.highest)).all():
        raise ValueError(
            f"pitches must lie between {settings.lowest} and {settings.highest}, got "
            f"{pitch.min():g} to {pitch.max():g}: drop or transpose the notes beyond"
        )
    return found


def _checked_roll(roll, settings):
    """Return a roll, or say what is wrong with it."""
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != settings.n_notes or not len(roll):
        raise ValueError(
            f"roll must have shape (n_frames, {settings.n_notes}) and not be empty, "
            f"got {roll.shape}"
        )
    if roll.dtype.kind not in "ui" or roll.min() < OFF or roll.max() > LOUD:
        raise ValueError(
            f"roll must hold the whole numbers {OFF} (off), {HELD} (held), {SOFT} (soft), {LOUD} "
            f"(loud), got {roll.dtype} from {roll.min()} to {roll.max()}"
        )
    before = np.vstack([np.zeros_like(roll[:1]), roll[:-1]])
    n_wrong = np.count_nonzero((roll == HELD) & (before == OFF))
    if n_wrong:
        raise ValueError(
            f"a note must begin before it is held, got {n_wrong} held after off: "
            f"let such notes begin with {SOFT} or {LOUD}"
        )
    return roll
