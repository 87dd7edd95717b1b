"""Found notes -> beats -> ticks: where the pulse is, and where each note stands on it.

Played music never keeps an even time. A note is written down better by its place between two beats
than by the second in which it begins: the same rhythm then looks the same, slow or fast. Beats are
found by three classics: how strongly notes begin at each moment; how long a beat is around there,
by autocorrelation; and, by dynamic programming, the row of strong moments that far apart.
"""

import warnings

import numpy as np
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import ArrayLike, NDArray

from helpers import audio, rolls

Doubles = NDArray[np.float64]
Whole = NDArray[np.int64]

TICKS = 12  # per beat: halves, thirds, quarters and sixths of a beat are whole numbers of ticks
RATE = 100  # moments per second at which the onset strength is sampled

_LAGS = np.arange(28, 131)  # moments: what people hear as a beat, 0.28 to 1.3 s
_USUAL, _OCTAVES = 66.7, 0.55  # moments in a usual beat; how many octaves beside it are usual too
_GLIDES = (0, -0.04, -0.02, 0.02, 0.04)  # by how much a tempo may grow in a second, as logarithm
_PAYS = 0.3  # by how much a second a gliding tempo must explain the music better
_EVEN = 0.5  # s: a beat, where there is none
_CLEAR = 0.2  # a pulse whose autocorrelation is less is no pulse
_NEAR = 0.045  # s: a beat belongs to the onsets that are no farther away
_GRIDS = {2: 0.0, 4: 1.0, 3: 1.5, 6: 3.0, 12: 6.0}  # parts of a beat: how unusual they are, nats
_PLAYED = 0.022  # s: how far from its place a note is usually played
_METRES = (2, 3, 4, 6, 8)  # beats in a bar
_BAR, _BAR_OCTAVES = 1.5, 0.6  # s in a usual bar; how many octaves beside it are still usual


def onset_strength(found: Doubles) -> Doubles:
    """Say how strongly notes begin at each moment.

    Low notes count more, for the bass marks the beat; a chord counts less than its notes together.
    There must be a note (else a ValueError). The result, float64, (n_moments,), has `RATE` moments
    per second, from 0 to 2 s after the last onset; its standard deviation is 1.

    Source: D. P. W. Ellis, "Beat tracking by dynamic programming", J. New Music Res. 36(1), 2007.
    """
    onset, pitch, level = _notes(found)[:, [0, 2, 3]].T
    weight = np.sqrt(np.maximum(level, 0.05)) * np.select([pitch < 52, pitch < 67], [2.5, 1.0], 0.8)
    moment = onset * RATE
    places = moment.astype(int)[:, None] + np.arange(-6, 8)  # (n_found, 14)
    bumps = weight[:, None] * np.exp(-0.5 * ((places - moment[:, None]) / 1.8) ** 2)
    strength = np.zeros(int(moment.max()) + 2 * RATE)
    inside = places >= 0
    np.add.at(strength, places[inside], bumps[inside])
    strength = np.log1p(1.5 * strength)
    return strength / strength.std()


def beat_lengths(strength: Doubles) -> tuple[Doubles, Doubles]:
    """Find how long a beat is at each second: the lag at which the music resembles itself.

    Ten seconds around each second are correlated with themselves. A length is good if a beat
    later, and two, and four, the music begins notes again; lengths near 0.67 s are usual; and a
    length doesn't jump from second to second (Viterbi's algorithm finds the best path). Where it
    pays over the whole music, the ten seconds are first bent straight, as if the tempo glided.

    `strength` is from `onset_strength`. Lengths, in moments, and clarity are float64, (n_seconds,);
    the latter is the autocorrelation there, from -1 to 1: how clear the pulse is.

    Source: P. Grosche and M. Müller, "Extracting predominant local pulse information from music
    recordings", IEEE Trans. Audio Speech Lang. Process. 19(6), 2011; L. Weruaga and M. Képesi, "The
    fan-chirp transform for non-stationary harmonic signals", Signal Process. 87(6), 2007.
    """
    n, centred, scores, similars = 10 * RATE, strength - strength.mean(), [], []
    around, seconds = np.arange(n) - n // 2, np.arange(0, len(strength) + 1, RATE)
    usual = -0.5 * (np.log2(_LAGS / _USUAL) / _OCTAVES) ** 2
    for glide in _GLIDES:
        bent = np.log1p(glide * around / RATE) / glide * RATE if glide else around
        windows = np.interp(seconds[:, None] + bent, np.arange(len(centred)), centred, 0, 0)
        spectra = scipy.fft.rfft(windows, 2 * n, axis=1)
        similar = scipy.fft.irfft(np.abs(spectra) ** 2, axis=1)[:, :n]
        similar /= np.maximum(similar[:, :1], 1e-6)
        half = (similar[:, _LAGS // 2] + similar[:, (_LAGS + 1) // 2]) / 2
        score = similar[:, _LAGS] + 0.6 * similar[:, 2 * _LAGS] + 0.4 * similar[:, 4 * _LAGS]
        score += 0.3 * half
        scores.append(4 * score + 0.6 * usual)
        similars.append(similar[:, _LAGS])
    change = -25 * np.abs(np.subtract.outer(np.log(_LAGS), np.log(_LAGS)))
    steady, gliding = scores[0], np.max(scores, axis=0)
    path, other = best_path(steady, change), best_path(gliding, change)
    now, glide = np.arange(len(path)), 0
    if np.mean(gliding[now, other] - steady[now, path]) > _PAYS:
        path, glide = other, np.argmax(scores, axis=0)[now, other]
    return _LAGS[path].astype(float), np.array(similars)[glide, now, path]


def track(found: Doubles, name: str = "") -> Doubles:
    """Find the beats of played notes: float64, (n_beats,), s, rising.

    The first is no later than the first note, the last later than the last. If the notes have no
    clear pulse, beats are even, two a second, with an AudioWarning, which calls the piece by its
    name, if it is given. No notes are a ValueError.
    Where music comes again after threes of half beats, not twos, longer beats of three are sought.

    Source: Ellis (2007), as in `onset_strength`; F. Gouyon and P. Herrera, "Determination of the
    meter of musical audio signals", 114th AES Convention, 2003.
    """
    found = _notes(found)
    onset = np.sort(found[:, 0])
    strength = onset_strength(found)
    lengths, clarity = beat_lengths(strength)
    if np.median(clarity) < _CLEAR:
        piece = f"{audio.shown(name)}: " if name else ""
        message = f"no clear pulse in {len(onset)} notes: an even beat of {_EVEN} s is laid instead"
        warnings.warn(piece + message, audio.AudioWarning, stacklevel=2)
        return np.arange(onset[0], onset[-1] + 2 * _EVEN, _EVEN)
    moments = np.interp(np.arange(len(strength)) / RATE, np.arange(len(lengths)), lengths)
    beats = _followed(found, strength, moments)
    return _followed(found, strength, 1.5 * moments) if _by_threes(found, beats) else beats


def quantise(found: Doubles, beats: Doubles) -> tuple[Whole, Doubles]:
    """Give each note its tick; a beat is cut into 2, 3, 4, 6 or 12 parts, whichever fits best.

    A fine cut fits everything, so it must pay: by its parts' rarity in this music and in general.
    Beats, float64, (n_beats,), are from `track`; a ValueError if they don't reach around the notes.
    Ticks, int64, (n_found,), are `TICKS` a beat; tick 0 is the first beat. By how much each note
    was played after its tick is float64, (n_found,), s: `time_of(ticks, beats) + late` is when.

    Source: A. Cemgil et al., "Rhythm quantization for transcription", Comput. Music J. 24(2), 2000.
    """
    onset = _notes(found)[:, 0]
    if len(beats) < 2 or not beats[0] - 1e-9 <= onset.min() <= onset.max() < beats[-1]:
        raise ValueError(
            f"beats must reach from before the first note, at {onset.min():.3f} s, to after the "
            f"last, at {onset.max():.3f} s: find them in the same notes with beats.track"
        )
    beat = np.clip(np.searchsorted(beats, onset, side="right") - 1, 0, len(beats) - 2)
    length = np.diff(beats)[beat]
    place = (onset - beats[beat]) / length  # from 0 to 1
    parts = np.array(list(_GRIDS))[:, None]
    nearest = np.rint(place * parts) / parts  # (n_grids, n_found)
    misfit = np.minimum(((place - nearest) * length / _PLAYED) ** 2, 16) / 2
    misfit = np.stack([np.bincount(beat, weights=one, minlength=len(beats)) for one in misfit])
    rare, taken = np.zeros(len(_GRIDS)), np.unique(beat)
    for _ in range(3):
        choice = np.argmin(misfit + (np.array(list(_GRIDS.values())) + rare)[:, None], axis=0)
        n_used = 1 + np.bincount(choice[taken], minlength=len(_GRIDS))
        rare = -np.log(n_used / n_used.sum())
    place = nearest[choice[beat], np.arange(len(onset))]
    ticks = TICKS * beat + np.rint(TICKS * place).astype(int)
    return ticks, onset - time_of(ticks, beats)


def bar_lines(found: Doubles, beats: Doubles) -> Whole:
    """Find the beats that begin a bar: the harmony changes there, on low notes that last.

    The number of beats in a bar is the one whose first beats stand out most, bars near 1.5 s
    preferred. Half a bar, or two, are the usual mistake. The result are indices of beats.

    Source: M. Goto, "An audio-based real-time beat tracking system for music with or without
    drum-sounds", J. New Music Res. 30(2), 2001.
    """
    accent = _accents(found, beats)
    seconds = np.median(np.diff(beats))
    candidates = []
    for n in _METRES:
        here = np.outer(accent, np.arange(n) == 0)
        change = np.full((n, n), -12.0)  # a bar too short or too long is rare
        change[np.arange(n), np.arange(n) - 1] = 0
        first = np.flatnonzero(best_path(here, change) == 0)
        usual = np.exp(-0.5 * (np.log2(n * seconds / _BAR) / _BAR_OCTAVES) ** 2)
        candidates.append((usual * accent[first].sum() / np.sqrt(len(first)), first))
    return max(candidates, key=lambda candidate: candidate[0])[1]


def time_of(ticks: ArrayLike, beats: Doubles) -> Doubles:
    """Say when ticks are played, in s; beyond the last beat, beats go on as long as it was.

    >>> time_of([0, 6, 18, 48], np.array([1.0, 1.5, 2.5]))
    array([1.  , 1.25, 2.  , 4.5 ])
    """
    place = np.asarray(ticks) / TICKS
    inside = np.interp(place, np.arange(len(beats)), beats)
    return inside + np.maximum(place - len(beats) + 1, 0) * (beats[-1] - beats[-2])


def tick_of(times: ArrayLike, beats: Doubles) -> Doubles:
    """Say at which tick, not rounded, something is, 0 before the first beat: `time_of` undone."""
    times = np.asarray(times, np.float64)
    inside = np.interp(times, beats, np.arange(len(beats)))
    return TICKS * (inside + np.maximum(times - beats[-1], 0) / (beats[-1] - beats[-2]))


def best_path(score: Doubles, change: Doubles) -> Whole:
    """Find the states whose scores and changes have the largest sum, by Viterbi's algorithm.

    Scores are (n_times, n_states), changes (n_states, n_states), to a state (row) from another.
    """
    best, came = score[0], []
    for now in score[1:]:
        total = best[None] + change  # (to, from)
        came.append(total.argmax(axis=1))
        best = total.max(axis=1) + now
    path = [int(best.argmax())]
    for back in came[::-1]:
        path.append(int(back[path[-1]]))
    return np.array(path[::-1])


def _notes(found: Doubles) -> Doubles:
    """Return found notes, or raise."""
    if not len(found):
        raise ValueError("found must hold at least one note, got none: see notes.encode")
    return rolls.valid_notes(found, n_drums=rolls.N_DRUMS)


def _accents(found: Doubles, beats: Doubles) -> Doubles:
    """Say how much each beat is like a bar's first: bass, long low notes, and new harmony."""
    ticks = quantise(found, beats)[0]
    beat, length = ticks // TICKS, (tick_of(found[:, 1], beats) - ticks) / TICKS
    low, on = found[:, 2] < 52, ticks % TICKS == 0
    bass = np.bincount(beat, weights=low & on, minlength=len(beats))
    lasting = np.bincount(beat, np.minimum(length, 4) * (found[:, 2] < 60) * on, len(beats))
    chroma = np.zeros((len(beats), 12))
    for begin, end, pitch in zip(ticks / TICKS, ticks / TICKS + length, found[:, 2], strict=True):
        touched = np.arange(int(begin), min(len(beats), int(np.ceil(end))))
        share = np.minimum(touched + 1, end) - np.maximum(touched, begin)
        weight = 2 if pitch < 55 else int(pitch < rolls.FIRST_DRUM)  # a drum has no harmony
        chroma[touched, int(pitch) % 12] += share * weight
    chroma /= np.linalg.norm(chroma, axis=1, keepdims=True) + 1e-6
    new = 1 - np.sum(chroma * np.roll(chroma, 1, axis=0), axis=1)
    new[0] = 0
    parts = (0.5, np.minimum(bass, 2)), (1.0, np.minimum(lasting, 6)), (2.0, new)
    return sum(weight * (part - part.mean()) / (part.std() + 1e-9) for weight, part in parts)


def _followed(found: Doubles, strength: Doubles, lengths: Doubles) -> Doubles:
    """Find beats about so many moments long, and fit them to the notes near them."""
    onset = np.sort(found[:, 0])
    beats = _chain(strength, lengths) / RATE
    for i, beat in enumerate(beats):
        near = onset[slice(*np.searchsorted(onset, (beat - _NEAR, beat + _NEAR)))]
        beats[i] = near.mean() if len(near) else beat
    beats = _reach(beats[beats < onset[-1] + _NEAR], onset[0], onset[-1])
    for _ in range(3):
        beats = _fit(beats, found[:, 0], quantise(found, beats)[0])
    return beats


def _by_threes(found: Doubles, beats: Doubles) -> bool:
    """Say if three half beats make a beat: rhythm and harmony come again after threes, not twos."""
    place = quantise(found, beats)[0] % TICKS
    if len(found) < 50 or np.sum(place == 6) <= np.sum(place % 6 > 0):  # few, or finer parts
        return False
    begin, end = (tick_of(times, beats) / 6 for times in found[:, :2].T)
    half, pitch_class = np.rint(begin).astype(int), found[:, 2].astype(int) % 12
    begun = np.zeros((max(half.max() + 1, 19), 12))  # how much begins in each half beat
    np.add.at(begun, (half, pitch_class), np.minimum(end - begin, 6))
    rhythm = np.log1p(begun.sum(axis=1, keepdims=True))
    rhythm = (rhythm - rhythm.mean()) / (rhythm.std() + 0.1)  # small changes are no rhythm
    both = np.hstack([rhythm, begun / (np.linalg.norm(begun, axis=1, keepdims=True) + 1e-9)])
    again = np.array([np.mean(both[q:] * both[: len(both) - q], axis=0) for q in range(19)])
    rhythm, harmony = again[:, 0], 3 * again[:, 1:].sum(axis=1)  # autocorrelations
    twos = rhythm[[2, 4]].mean() + harmony[[4, 8, 16]].mean()
    return rhythm[[3, 9]].mean() + harmony[[6, 12, 18]].mean() > twos + 0.02


def _chain(strength: Doubles, lengths: Doubles) -> Doubles:
    """Find the row of moments that are strong and lie a beat apart (Ellis, 2007)."""
    best, before = strength.copy(), np.full(len(strength), -1)
    for t, length in enumerate(lengths):
        earlier = np.arange(max(0, int(t - 1.6 * length)), max(0, int(t - 0.6 * length)) + 1)
        earlier = earlier[earlier < t]
        if not len(earlier):
            continue
        value = best[earlier] - 60 * np.log((t - earlier) / length) ** 2
        i = value.argmax()
        if value[i] > 0:
            best[t] += value[i]
            before[t] = earlier[i]
    start = max(0, len(best) - int(1.5 * lengths[-1]))
    chain = [start + int(best[start:].argmax())]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1], np.float64)


def _reach(beats: Doubles, first: float, last: float) -> Doubles:
    """Add beats before and after until all notes lie between, with one to spare."""
    times = beats.tolist() if len(beats) > 1 else [first, first + _EVEN]
    while times[0] > first:
        times.insert(0, 2 * times[0] - times[1])
    while times[-2] <= last:
        times.append(2 * times[-1] - times[-2])
    return np.array(times)


def _fit(beats: Doubles, onset: Doubles, ticks: Whole) -> Doubles:
    """Move beats so that notes lie on their ticks, as far as the tempo stays smooth."""
    beat = np.minimum(ticks // TICKS, len(beats) - 2)
    share = ticks / TICKS - beat
    rows, columns = np.repeat(np.arange(len(onset)), 2), np.stack([beat, beat + 1], 1).ravel()
    weights = np.stack([1 - share, share], axis=1).ravel()
    A = scipy.sparse.csr_matrix((weights, (rows, columns)), shape=(len(onset), len(beats)))
    bend = scipy.sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(len(beats) - 2, len(beats)))
    late = onset - A @ beats
    trust = scipy.sparse.diags(1 / np.maximum(1, np.abs(late) / 0.03))  # of outliers, little
    system = (A.T @ trust @ A + 0.3 * bend.T @ bend).tocsc()
    moved = beats + scipy.sparse.linalg.spsolve(system, A.T @ trust @ late)
    return _reach(moved, onset.min(), onset.max()) if (np.diff(moved) > 0.1).all() else beats
