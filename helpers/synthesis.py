"""Note roll -> waveform: how each note sounds, learnt from the recordings, and played again.

A bank holds, for every note struck softly and struck loud, how strong each partial is from frame
to frame after the onset, and how strong the noise beside them; for all notes, how a damped string
dies away. All of it is learnt from mixtures, and small enough to be kept beside the dictionary.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

import helpers
from helpers import files, notes, rolls, transforms

N_PARTIALS, N_NOISES = 48, 14
N_FFT = 2048  # samples: shorter than for finding notes, for here onsets must be sharp
N_FRAMES, N_RELEASE = 64, 12  # frames kept of a sound, and of its end; two frames to one of a roll
ATTACK = 0.004  # s in which a note comes up, without a click
PEAK = 0.98  # loudest sample of what is rendered

Floats = NDArray[np.float32]
Strikes = NDArray[np.int64]  # (n_struck, 4): first frame, number of frames, note, 1 if loud

_TINY = np.float32(1e-7)
_BEYOND = 0.4  # power of a level beyond those learnt that is its gain, so that it's found again
_FALLS = (-0.25, -0.005)  # natural logarithm per frame: how a sound may go on
_SHAPES: dict[str, tuple[str | int, ...]] = {  # of what a file holds, in this order
    "templates": ("n_bands", "n_notes"),
    "reference": (),
    "usual_levels": ("n_notes",),
    "sounds": ("n_notes", 2, N_FRAMES, N_PARTIALS + N_NOISES),
    "falls": ("n_notes", 2, N_PARTIALS + N_NOISES),
    "stiffness": ("n_notes",),
    "release": (N_RELEASE,),
    "n_heard": ("n_notes", 2),
}
_KIND = files.Kind("note bank", 1, rolls.NoteSettings, "run notebook 04")


@dataclass(frozen=True, eq=False)
class NoteBank:
    """Hold how every note sounds.

    All are float32 but `n_heard`. `sounds`, (n_notes, 2, N_FRAMES, N_PARTIALS + N_NOISES), are soft
    and loud; amplitudes of partials, then of noises, half a roll's frame apart. `falls`, (n_notes,
    2, N_PARTIALS + N_NOISES), is how each goes on after that: the change of its natural logarithm
    per frame. `stiffness`, (n_notes,), is as in `notes.partial_frequencies`; `release`,
    (N_RELEASE,), what is left of any note so many frames after its end; `n_heard`, int32, (n_notes,
    2), how often each was heard: rarely, and it sounds like its neighbours. `drums`, (n_kinds,
    n_samples), is the sound of each at its usual level, from `drums.separate`; none if left out.
    """

    settings: rolls.NoteSettings
    sounds: Floats
    falls: Floats
    stiffness: Floats
    release: Floats
    n_heard: NDArray[np.int32]
    drums: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def build_bank(
    waveforms: Iterable[Floats],
    dictionary: notes.Dictionary,
    *,
    found: Iterable[rolls.Notes] | None = None,
    minutes: float = 40.0,
) -> NoteBank:
    """Learn how every note sounds from recordings in which notes sound together.

    There is one waveform at least, float32, (n_samples,). `found`, float64, (n_found, 4), is what
    `notes.encode` finds in each, which is asked if this is left out; drums are passed over. Of each
    waveform it learns from so much that together they last no longer than `minutes`. No waveform,
    no notes, or notes of another number of waveforms, are a ValueError.

    Source: Smaragdis (2004), "Non-negative matrix factor deconvolution; extraction of multiple
    sound sources from monophonic inputs"; Serra and Smith (1990), "Spectral modeling synthesis: a
    sound analysis/synthesis system based on a deterministic plus stochastic decomposition"; Rigaud
    et al. (2013), as in `notes.stiffness`. Notebook 04.
    """
    settings, waveforms = dictionary.settings, list(waveforms)
    total = sum(map(len, waveforms)) / settings.sr / 60
    if not total:
        raise ValueError("waveforms must hold one waveform at least, got none")
    waveforms = [y[: int(np.ceil(len(y) * min(1, minutes / total)))] for y in waveforms]
    found = [notes.encode(y, dictionary) for y in waveforms] if found is None else list(found)
    found = [rolls.keys_of(one) for one in found]
    if len(found) != len(waveforms) or not sum(map(len, found)):
        raise ValueError(
            "found must have the notes of each waveform, and some, got "
            f"{[len(one) for one in found]} notes for {len(waveforms)} waveforms"
        )
    kwargs = {"n_fft": N_FFT, "hop_length": _hop(settings)}
    spectra = [notes.band_magnitudes(y, _edges(settings), **kwargs) for y in waveforms]
    rate, struck = settings.sr / _hop(settings), []
    for onset, offset, pitch, level in (one.T for one in found):
        length = np.maximum(1, np.rint((offset - onset) * rate))
        columns = np.rint(onset * rate), length, pitch - settings.lowest, level >= rolls.LOUD_LEVEL
        struck.append(np.stack(columns, axis=1).astype(int))
    templates, heard, release = _learn_sounds(spectra, struck, settings)
    stiffness = _fit_stiffness(templates, heard, settings)
    sounds = _split_sounds(templates, stiffness, settings)
    sounds, falls = _borrow(sounds, heard)
    sounds *= _two_levels(np.concatenate(found)[:, 3])[:, None, None]
    n_heard = heard[:, :, 0].astype(np.int32)
    bank = NoteBank(settings, sounds, falls, stiffness, release, n_heard)
    sounds = sounds * _missing_gain(bank, waveforms, found)
    return replace(bank, sounds=sounds.astype(np.float16).astype(np.float32))  # as it is saved


def play(found: ArrayLike, bank: NoteBank, *, n_samples: int | None = None) -> Floats:
    """Play notes: each from the very sample at which it begins, and as loud as its level says.

    Between the levels of a roll, `rolls.STATE_LEVELS`, the soft sound turns into the loud one;
    beyond them only the loudness follows, so far that about the same level is found in the sound
    again. A key that is struck again has been let go. Notes that the bank lacks are refused.

    The waveform, float32, has `n_samples`, 0 or more (else a ValueError); left out, it goes on up
    to where the last note has died away. It is as loud as the recordings that the bank was learnt
    from, but turned down as a whole where a sample would pass `PEAK`. The same notes give the same.

    Source: Serra and Smith (1990), as in `build_bank`. Notebook 07.
    """
    settings, hop = bank.settings, _hop(bank.settings)
    lowest, highest, n_end = settings.lowest, settings.highest, N_RELEASE * hop
    found = rolls.valid_notes(found, lowest=lowest, highest=highest, n_drums=len(bank.drums))
    found = rolls.let_go(found)
    pitch, level = found[:, 2:].T
    start, stop = np.rint(found[:, :2].T * settings.sr).astype(int)
    if n_samples is None:
        n_samples = int(stop.max(initial=-n_end)) + n_end
    if n_samples < 0:
        raise ValueError(f"n_samples must be 0 samples or more, got {n_samples}: give the length")
    soft, loud = rolls.STATE_LEVELS[rolls.SOFT :]
    within = np.clip(level, soft, loud)
    share = (within - soft) / (loud - soft)
    gains = (np.stack([1 - share, share]) * (level / within) ** _BEYOND).astype(np.float32)

    n_hit = bank.drums.shape[1] if (pitch >= rolls.FIRST_DRUM).any() else 0
    y = np.zeros(int(stop.max(initial=0)) + max(n_end, n_hit), np.float32)
    place = np.arange(n_end) / hop
    fade = np.interp(place, np.arange(N_RELEASE + 1), [1, *bank.release[:-1], 0])
    fade = fade.astype(np.float32)
    for i in np.flatnonzero(pitch >= rolls.FIRST_DRUM):
        hit = np.float32(level[i]) * bank.drums[int(pitch[i]) - rolls.FIRST_DRUM]
        y[start[i] : start[i] + len(hit)] += hit
    for number in np.unique(rolls.keys_of(found)[:, 2]):
        for kind, gain in enumerate(gains):  # of the soft sound, and of the loud one
            struck = (pitch == number) & (gain > 0) & (start < n_samples)
            if not struck.any():
                continue
            n_frames = -(-np.max((stop - start)[struck]) // hop) + N_RELEASE
            sound = _play(bank, int(number) - settings.lowest, kind, n_frames)
            for i in np.flatnonzero(struck):
                held = stop[i] - start[i]
                y[start[i] : stop[i]] += gain[i] * sound[:held]
                y[stop[i] :][:n_end] += gain[i] * sound[held:][:n_end] * fade
    y = np.pad(y, (0, max(0, n_samples - y.size)))[:n_samples]
    return y * np.float32(min(1, PEAK / np.abs(y).max(initial=PEAK)))


def render(roll: ArrayLike, bank: NoteBank) -> Floats:
    """Play a roll: what `play` makes of its notes, float32, (n_frames * hop_length,).

    What is held in its first frame is struck there. `rolls.valid` says what is no roll.
    """
    found = rolls.to_notes(roll, bank.settings)
    return play(found, bank, n_samples=len(np.asarray(roll)) * bank.settings.hop_length)


def save(path: str | Path, dictionary: notes.Dictionary, bank: NoteBank) -> Path:
    """Write a dictionary and a bank of the same settings (else a ValueError): `files.save_npz`."""
    if dictionary.settings != bank.settings:
        raise ValueError(
            f"dictionary and bank must have one and the same settings, got {dictionary.settings} "
            f"and {bank.settings}: build the bank with this dictionary"
        )
    both = vars(dictionary) | vars(bank) | {"sounds": bank.sounds.astype(np.float16)}
    content = {name: both[name] for name in (*_SHAPES, *["drums"][: len(bank.drums)])}
    return files.save_npz(path, _KIND, bank.settings, content, compressed=True)


def load(path: str | Path) -> tuple[notes.Dictionary, NoteBank]:
    """Read what `save` wrote, by `files.load_npz`."""
    return files.load_npz(path, _KIND, _unpack)[0]


def _hop(settings: rolls.NoteSettings) -> int:
    """Give the step of a bank's frames, samples."""
    return settings.hop_length // 2


def _edges(settings: rolls.NoteSettings) -> NDArray[np.int64]:
    """Give the bands of a bank: finer in time than the dictionary's, and up to the top."""
    bands = settings.bands_per_semitone
    return notes.band_edges(N_FFT, sr=settings.sr, f_max=settings.sr / 2, bands_per_semitone=bands)


def _learn_sounds(
    spectra: list[Floats], struck: list[Strikes], settings: rolls.NoteSettings, n_updates: int = 6
) -> tuple[Floats, Floats, Floats]:
    """Learn every note's spectrogram, how often each of its frames was heard, and the release.

    The music is taken to be the sum of its notes' spectrograms, each laid where the note begins.
    Wherever the music has more than that sum, the notes that sound there grow by this ratio,
    averaged over all the times that they were struck, frame by frame after the onset. The end of
    notes is learnt by the same step. Shapes: (n_notes, 2, N_FRAMES, n_bands), without bands,
    (N_RELEASE,). Source: Smaragdis (2004), non-negative matrix factor deconvolution.
    """
    templates = _first_templates(spectra, settings)
    release = np.exp(-np.arange(1, N_RELEASE + 1) / 3).astype(np.float32)
    for _ in helpers.bar(range(n_updates), desc="Learning sounds", leave=False):
        gain, heard = np.zeros_like(templates), np.zeros((*templates.shape[:3], 1), np.float32)
        ends = np.zeros((2, N_RELEASE))
        for V, strikes in zip(spectra, struck, strict=True):
            laid = list(_lay(strikes, len(V), release))
            model = np.full_like(V, _TINY)
            for place, sound, _, weight in laid:
                model[place] += weight * templates[sound]
            ratio = V / model
            for place, sound, length, weight in laid:
                gain[sound] += weight * ratio[place]
                heard[sound] += weight
                after = templates[sound][length:]
                ends[0, : len(after)] += np.sum(after * ratio[place][length:], axis=1)
                ends[1, : len(after)] += np.sum(after, axis=1)
        templates = np.where(heard > 0, templates * gain / np.maximum(heard, _TINY), templates)
        release = np.minimum(1, release * ends[0] / np.maximum(ends[1], _TINY)).astype(np.float32)
    return templates, heard[..., 0], release


def _fit_stiffness(templates: Floats, heard: Floats, settings: rolls.NoteSettings) -> Floats:
    """Find how far each note's partials are spread, by trying: (n_notes,); near notes agree."""
    typical = notes.stiffness(np.array(settings.pitches))
    factors = np.append(0, np.geomspace(0.35, 3, 10))  # 0: whole multiples, as of a wind instrument
    weight = heard[:, :, 2:10, None]
    V = np.sum(weight * templates[:, :, 2:10], axis=(1, 2))  # (n_notes, n_bands)
    V /= np.maximum(V.sum(axis=1, keepdims=True), _TINY)
    cost = []
    for v, pitch, B in zip(V, settings.pitches, typical, strict=True):
        cost.append(_costs(v, np.stack([_parts(pitch, B * x, settings) for x in factors])))
    distance = np.subtract.outer(np.arange(len(V)), np.arange(len(V)))
    near = np.exp(-0.5 * (distance / 2) ** 2) * np.minimum(30, heard[:, :, 0].sum(axis=1))
    return (typical * factors[np.argmin(near @ cost, axis=1)]).astype(np.float32)


def _costs(v: Floats, tried: Floats, n_updates: int = 20) -> list[float]:
    """Say how badly each set of parts, (n_sets, n_parts, n_bands), explains one spectrum.

    As `notes.solve_activations`, for all at once: threads can't share products that are so small.
    """
    H = np.full(tried.shape[:2], v.mean())
    size = np.maximum(tried.sum(axis=2), _TINY)
    for _ in range(n_updates):
        ratio = v / (np.einsum("sp,spb->sb", H, tried) + _TINY)
        H *= (np.einsum("sb,spb->sp", ratio, tried) / size) ** 1.5
    return [notes.divergence(v, model) for model in np.einsum("sp,spb->sb", H, tried)]


def _split_sounds(templates: Floats, stiffness: Floats, settings: rolls.NoteSettings) -> Floats:
    """Take spectrograms apart: amplitudes of partials, which are sines, and of noise."""
    sounds = np.empty((*templates.shape[:3], N_PARTIALS + N_NOISES), np.float32)
    for note, pitch in enumerate(settings.pitches):
        parts = _parts(pitch, stiffness[note], settings)
        V = templates[note].reshape(-1, templates.shape[3])
        H = notes.solve_activations(V, parts.T, n_updates=25)
        sounds[note] = H.reshape(2, N_FRAMES, -1)
    # The first frames reach back to before the onset. A string only dies away once it is struck,
    # so a partial begins as strong as it is just after; noise is short, so it is scaled up.
    first = sounds[:, :, 2::-1, :N_PARTIALS]
    sounds[:, :, :3, :N_PARTIALS] = np.maximum.accumulate(first, axis=2)[:, :, ::-1]
    window = np.cumsum(transforms.window("hann", N_FFT))
    reach = np.minimum(N_FFT // 2 + np.arange(N_FRAMES) * _hop(settings), N_FFT) - 1
    sounds[..., N_PARTIALS:] /= (window[reach] / window[-1])[:, None]
    return sounds


def _lay(
    strikes: Strikes, n_frames: int, release: Floats
) -> Iterator[tuple[slice, tuple[int, int, slice], int, Floats]]:
    """Say for each strike which frames it takes, of which sound, its length, and its weights."""
    for start, length, note, loud in strikes:
        length = min(length, N_FRAMES)
        n_laid = min(length + N_RELEASE, N_FRAMES, n_frames - start)
        weight = np.ones((max(0, n_laid), 1), np.float32)
        weight[length:, 0] = release[: max(0, n_laid - length)]
        yield slice(start, start + len(weight)), (note, loud, slice(len(weight))), length, weight


def _first_templates(spectra: list[Floats], settings: rolls.NoteSettings) -> Floats:
    """Start from combs that die away, with a little of everything beside them."""
    mean = np.mean([V.mean(axis=0) for V in spectra], axis=0)
    comb = notes.comb(settings, edges=_edges(settings), n_fft=N_FFT).T  # (n_notes, n_bands)
    comb = 0.3 * (0.98 * comb + 0.02 * mean / max(mean.sum(), _TINY))
    fall = np.exp(-np.arange(N_FRAMES) / 40)[:, None]
    one = np.float32(comb[:, None, None] * fall)
    return np.repeat(one, 2, axis=1)  # (n_notes, 2, N_FRAMES, n_bands)


def _parts(pitch: int, B: float, settings: rolls.NoteSettings) -> Floats:
    """Draw the spectra of a note's partials and of noises: (N_PARTIALS + N_NOISES, n_bands)."""
    f, edges = notes.partial_frequencies(pitch, N_PARTIALS, B=B), _edges(settings)
    partials = notes.lobes(f, edges, n_fft=N_FFT, sr=settings.sr)
    partials[f > 0.48 * settings.sr] = 0
    noises = np.add.reduceat(_noise_shapes(settings)[:, : edges[-1]], edges[:-1], axis=1)
    return np.concatenate([partials, noises])


@functools.lru_cache(maxsize=4)
def _noise_shapes(settings: rolls.NoteSettings) -> Floats:
    """Draw overlapping triangles over the bins, equally wide in octaves: (N_NOISES, n_bins)."""
    f = transforms.bin_frequencies(N_FFT, sr=settings.sr)
    centres = np.log(np.geomspace(60, settings.sr / 2, N_NOISES))
    place = np.interp(np.log(np.maximum(f, 1)), centres, np.arange(N_NOISES))
    return np.maximum(0, 1 - np.abs(place - np.arange(N_NOISES)[:, None])).astype(np.float32)


@functools.lru_cache(maxsize=4)
def _noise(settings: rolls.NoteSettings, n_frames: int = 128) -> Floats:
    """Make noises whose bins have the mean magnitude 1: (n_frames, N_NOISES, hop)."""
    n_samples = n_frames * _hop(settings)
    white = np.fft.rfft(np.random.default_rng(0).standard_normal(n_samples))
    f = transforms.bin_frequencies(N_FFT, sr=settings.sr)
    f_fine = transforms.bin_frequencies(n_samples, sr=settings.sr)
    shapes = np.stack([np.interp(f_fine, f, shape) for shape in _noise_shapes(settings)])
    energy = np.sum(np.square(transforms.window("hann", N_FFT)))
    magnitude = np.sqrt(energy * np.pi) / 2 / (N_FFT / 4)  # of white noise, in band_magnitudes
    y = np.fft.irfft(white * shapes, n_samples) / magnitude
    return y.reshape(N_NOISES, n_frames, -1).transpose(1, 0, 2).astype(np.float32)


def _borrow(sounds: Floats, heard: Floats) -> tuple[Floats, Floats]:
    """Let rare notes sound like those near them; say how sounds go on where none was heard."""
    distance = np.abs(np.subtract.outer(np.arange(len(sounds)), np.arange(len(sounds))))
    near = np.exp(-distance / 2.5) * (distance > 0)
    own = np.minimum(50, heard)[..., None] * sounds.any(axis=2, keepdims=True)
    others = np.tensordot(near, own, axes=1)
    level = np.log(sounds + 1e-6)  # averages are taken in decibels, so to speak
    borrowed = np.tensordot(near, own * level, axes=1) / np.maximum(others, _TINY)
    share = np.minimum(1, others)
    level = (own * level + share * borrowed) / np.maximum(own + share, _TINY)
    level[own + share < 1e-3] = np.log(1e-6)  # nobody has such a partial

    enough = np.max(own + others, axis=3) >= 1  # (n_notes, 2, N_FRAMES)
    falls = np.empty(level.shape[:2] + level.shape[3:], np.float32)
    for note, loud in np.ndindex(falls.shape[:2]):
        n_known = max(8, int(np.max(np.flatnonzero(enough[note, loud]), initial=0)) + 1)
        frames = level[note, loud]  # they are filled after those known along a straight line
        last = frames[max(4, n_known - 24) : n_known]
        t = np.arange(len(last)) - (len(last) - 1) / 2
        falls[note, loud] = slope = np.clip(t @ last / np.sum(t**2), *_FALLS)
        t = np.arange(n_known, len(frames)) - (n_known - 1 - t[-1])
        frames[n_known:] = last.mean(axis=0) + slope * t[:, None]
    return np.maximum(np.exp(level) - 1e-6, 0), falls


def _two_levels(levels: NDArray[np.float64]) -> Floats:
    """Say by how much to move soft and loud apart so that levels vary as they did: (2,)."""
    level, loud = np.log(levels), levels >= rolls.LOUD_LEVEL
    wanted = level.mean() + level.std() * np.array([-1, 1])
    means = [level[~loud].mean() if (~loud).any() else wanted[0]]
    means += [level[loud].mean() if loud.any() else wanted[1]]
    return np.exp(np.clip(wanted - means, -0.3, 0.3)).astype(np.float32)


def _missing_gain(
    bank: NoteBank, waveforms: list[Floats], found: list[rolls.Notes], seconds: float = 30
) -> np.float32:
    """Say by how much recordings are louder than what is rendered from their notes."""
    energy = np.zeros(2)
    for y, one in zip(waveforms, found, strict=True):
        early = one[one[:, 1] < min(seconds, len(y) / bank.settings.sr + 0.1)]  # 0.1: to a frame
        if len(early):
            z = render(rolls.from_notes(early, bank.settings), bank)
            energy += np.sum(np.square(y[: z.size])), np.sum(np.square(z))
    return np.float32(np.sqrt(energy[0] / energy[1])) if energy.all() else np.float32(1)


def _play(bank: NoteBank, note: int, loud: int, n_frames: int) -> Floats:
    """Make the waveform of one note, held for `n_frames`: sines and noises, added up."""
    settings, hop, n_more = bank.settings, _hop(bank.settings), max(0, n_frames + 1 - N_FRAMES)
    kept = bank.sounds[note, loud]
    after = kept[-1] * np.exp(bank.falls[note, loud] * np.arange(1, n_more + 1)[:, None])
    amplitude = np.concatenate([kept, after])[: n_frames + 1]

    f = notes.partial_frequencies(settings.lowest + note, N_PARTIALS, B=bank.stiffness[note])
    f = f[f < 0.48 * settings.sr]
    cycles = f * hop / settings.sr * np.arange(n_frames)[:, None]  # at each frame's start
    start = _turned(cycles + np.random.default_rng(note).random(len(f)))  # (n_frames, n_partials)
    turn = _turned(np.outer(f / settings.sr, np.arange(hop)))  # (n_partials, hop)
    noise = _noise(settings)[np.arange(n_frames) % len(_noise(settings))]

    share = np.arange(hop, dtype=np.float32) / hop  # from each frame's amplitude to the next
    y = np.zeros((n_frames, hop), np.float32)
    for values, weight in ((amplitude[:-1], 1 - share), (amplitude[1:], share)):
        tones = ((values[:, : len(f)] * start) @ turn).imag
        y += weight * (tones + np.matmul(values[:, None, N_PARTIALS:], noise)[:, 0])
    n_attack = int(ATTACK * settings.sr)
    sound = y.reshape(-1)
    sound[:n_attack] *= np.arange(n_attack, dtype=np.float32) / n_attack
    return sound


def _turned(cycles: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Turn 1 around the unit circle by so many cycles."""
    return np.exp(2j * np.pi * (cycles % 1)).astype(np.complex64)


def _unpack(
    arrays: dict[str, NDArray], settings: rolls.NoteSettings
) -> tuple[notes.Dictionary, NoteBank]:
    """Make dictionary and bank of what a file holds, or raise."""
    sizes: Mapping = {"n_notes": settings.n_notes, "n_bands": len(arrays["templates"])}
    for name, axes in _SHAPES.items():
        shape = tuple(sizes.get(size, size) for size in axes)
        if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} must be finite, {shape}, got shape {arrays[name].shape}")
    templates, reference, usual_levels, sounds, *others = (arrays[name] for name in _SHAPES)
    dictionary = notes.Dictionary(settings, templates, float(reference), usual_levels)
    drums = arrays.get("drums", np.zeros((0, 0), np.float32))
    if drums.ndim != 2 or len(drums) > rolls.N_DRUMS or not np.isfinite(drums).all():
        raise ValueError(f"drums must be finite, (n_kinds, n_samples), got shape {drums.shape}")
    bank = NoteBank(settings, sounds.astype(np.float32), *others)
    return dictionary, replace(bank, drums=drums)
