"""A folder of any music -> pieces ready to learn from, or the reason why one is left out.

Each piece is brought to one level and one tuning, its drums are taken apart, and its notes are
found. What this takes minutes for is kept: a second run reads it again, whatever the files are
called by now. Nothing that happens to one file, or to the run, costs what was prepared before.
"""

import hashlib
import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

import helpers
from helpers import audio, datasets, drums, files, notes, rolls, synthesis

Floats = NDArray[np.float32]
Tracks = Sequence[datasets.Track]

_ROWS = 30  # of a report
PART = 20.0  # minutes: a longer file becomes several pieces, which bounds the memory
_VERSION = 8  # of what is kept: to be raised when the same file would give other notes
# Notes a second, fewest and most, and the least share of the sound that notes explain. Of 12
# recordings the 7 of a piano lie within (0.60 explained at least), the 5 whose notes are often
# found wrong beyond (0.51 at most): docs/measured.md. Of 158 quick tunes on a piano 2 are beyond.
_SPARSE, _BUSY, _EXPLAINED = 0.2, 12.0, 0.54
# Where notes explain more, no drums are sought. Beside a kit 12 dB softer than a piano it is 0.60.
_DRUMLESS = 0.62
_REMEDY = "what was prepared is kept: run it again, with n_jobs=1 where memory is short"


@dataclass(frozen=True)
class Facts:
    """Say what was found out about a piece as it was prepared.

    It is a part of its file, from `start` on, so many seconds long. `gain_db` brings it to the
    level of all pieces, -20 dBFS; it is tuned so many cents above A = 440 Hz, and moved by them.
    `explained` is the share of its sound, drums included, that notes of the given dictionary
    explain, from 0 to 1. Remarks say what was wrong with its file.
    """

    start: float
    seconds: float
    gain_db: float
    cents: float
    explained: float
    remarks: tuple[str, ...]

    def __post_init__(self) -> None:
        """Make a tuple of JSON's list."""
        object.__setattr__(self, "remarks", tuple(self.remarks))

    @property
    def stretch(self) -> float:
        """By what factor it lasts longer after it was moved to A = 440 Hz."""
        return 2 ** (self.cents / 1200)


@dataclass(frozen=True, eq=False, kw_only=True)
class Piece(Facts):
    """Hold a piece of music that is ready to be learnt from.

    Name, title, split, genre and path are those of its `datasets.Track`; a part of a long file has
    its number in its name. `found`, float64, (n_found, 4), is as in `rolls`, with the drums, in s
    from its beginning; `kit`, float32, (n_kinds, n_samples), is how its drums sound (`drums`).
    """

    name: str
    title: str
    split: str
    genre: str
    path: Path
    found: rolls.Notes
    kit: Floats

    @property
    def keys(self) -> rolls.Notes:
        """What was found, without the drums."""
        return rolls.keys_of(self.found)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The drums in it, of `drums.NAMES`."""
        return tuple(name for name, one in zip(drums.NAMES, self.kit, strict=True) if one.any())

    @property
    def rate(self) -> float:
        """How many notes begin in a second, on average."""
        return len(self.keys) / self.seconds


Content = tuple[Facts, rolls.Notes, Floats]
Done = tuple[Path, Content | str]  # where it is to be kept; a str says why it can't be done
_KIND = files.Kind("prepared piece", _VERSION, Facts, "delete it and prepare the music again")


@dataclass(frozen=True)
class _Job:
    """A track, or a part of it, to be prepared, and where that is kept."""

    track: datasets.Track
    content: str  # of its file, as `datasets.digest` tells it, so that it is kept as what it was
    name: str
    start: float  # s
    minutes: float
    last: bool  # it goes on to the end of the file, wherever that is
    kept: Path


def prepare(
    tracks: Tracks, folder: str | os.PathLike, *, given: notes.Dictionary, n_jobs: int = 2
) -> tuple[dict[str, Piece], list[datasets.Left]]:
    """Prepare tracks, several at a time, and keep what was prepared in a folder.

    A track is prepared anew only if its content, the dictionary, or how it is done changed. What is
    kept may be deleted; two runs may share the folder; a UserWarning says if it can't be written.

    `given` finds the notes of a piece unless a dictionary of its own does better. One that is
    learnt from the folder changes with it, and then everything is prepared anew. `n_jobs` processes
    run at a time; within ``joblib.parallel_config(backend="dask")`` the cluster decides. A
    RuntimeError says that the system ended a process, mostly for want of memory. Returned are the
    pieces by name (which must differ, else a ValueError), in the order of the tracks, and what
    couldn't be prepared, and why.
    """
    jobs, left = _jobs(tracks, Path(folder).expanduser(), given)
    ready: dict[Path, Content | str] = {job.kept: one for job in jobs if (one := _read(job.kept))}
    todo = {job.kept: job for job in jobs if job.kept not in ready}
    in_order = sorted(todo.values(), key=lambda job: -job.minutes)  # none is left alone at the end
    total = sum(job.minutes for job in in_order)
    form = "{l_bar}{bar}| {n:.1f}/{total:.1f} min [{elapsed}<{remaining}]"
    with helpers.bar(desc="Preparing", total=total, bar_format=form, leave=False) as bar:
        try:
            for kept, result in _attempts(in_order, given, n_jobs):
                bar.update(todo[kept].minutes)
                ready[kept] = result
                if not isinstance(result, str):
                    _keep(kept, result)
        except KeyboardInterrupt as stop:
            vars(stop)["_render_traceback_"] = lambda: helpers.STOPPED
            raise
        except RuntimeError as error:  # of the pool: what happens to a piece is a result
            raise RuntimeError(f"preparing was cut short ({error}); {_REMEDY}") from error
    pieces = {}
    for job in jobs:
        result = ready[job.kept]
        if isinstance(result, str):
            part = "" if job.name == job.track.name else f"{job.name}: "
            left.append(datasets.Left(job.track.path, part + result))
            continue
        facts, found, kit = result
        said = {key: getattr(job.track, key) for key in ("title", "split", "genre", "path")}
        pieces[job.name] = Piece(**asdict(facts), name=job.name, found=found, kit=kit, **said)
    return pieces, left


def hear(y: audio.Waveform, given: notes.Dictionary) -> Content:
    """Find out about a piece what `prepare` tells: facts, notes with drums, sounds of the drums."""
    sr, y = given.settings.sr, _centred(audio.valid(y))
    seconds, gain = len(y) / sr, notes.level_gain(y, sr=sr)
    y = y * np.float32(gain)
    cents = round(notes.tuning(y, sr=sr), 1)
    moved = round(sr * 2 ** (cents / 1200))
    y = y if moved == sr else audio.resample(y, sr_from=sr, sr_to=moved)
    explained = notes.explained(y, given)
    none = y, np.zeros((0, 4)), drums.no_kit(sr)
    y, hits, kit = none if explained > _DRUMLESS else drums.separate(y, sr=sr)
    found = notes.encode(y, notes.choose_dictionary(y, given), lasting=True)
    found = np.concatenate([found, hits])
    found = found[np.lexsort(found.T[[2, 0]])]
    found[:, :2] *= sr / moved  # from where it was moved back to the seconds of its file
    return Facts(0.0, seconds, float(20 * np.log10(gain)), cents, explained, ()), found, kit


def estimate(
    tracks: Tracks, folder: str | os.PathLike, *, given: notes.Dictionary, n_jobs: int = 2
) -> float:
    """Say how many seconds `prepare` will take, given the same; 0 if everything is kept already.

    It is told from how long a minute of a few pieces takes now.
    """
    jobs, _ = _jobs(tracks, Path(folder).expanduser(), given)
    todo = list({job.kept: job for job in jobs if not job.kept.exists()}.values())
    if not todo:
        return 0.0
    places = np.linspace(0, len(todo) - 1, 2 * joblib.effective_n_jobs(n_jobs)).astype(int)
    for most in (0.1, 1.0):  # minutes; the first round starts the processes
        short = {"content": "", "last": False}  # a trial isn't kept
        samples = [replace(todo[i], minutes=min(most, todo[i].minutes), **short) for i in places]
        began = time.perf_counter()
        list(_attempts(samples, given, n_jobs))
        spent, heard = time.perf_counter() - began, sum(sample.minutes for sample in samples)
    return sum(job.minutes for job in todo) * spent / heard


def alarm(piece: Piece) -> str:
    """Say in a few words what stands in the way of learning from a piece; nothing if it suits."""
    if piece.rate < _SPARSE:
        return "hardly a note is heard"
    if len(np.unique(piece.keys[:, 2])) < 3:
        return "one held note, or two"
    if piece.explained < _EXPLAINED:
        return "much sound that isn't notes"
    return f"a blur: more than {_BUSY:g} notes a second" if piece.rate > _BUSY else ""


def suiting(pieces: Mapping[str, Piece]) -> dict[str, Piece]:
    """Choose what to learn from: over 30 notes, no `alarm`; nothing, unless a piece lasts 40 s."""
    good = {key: one for key, one in pieces.items() if len(one.keys) > 30 and not alarm(one)}
    return good if any(one.seconds >= datasets.SHORT for one in good.values()) else {}


def report(pieces: Mapping[str, Piece], left: Sequence[datasets.Left] = ()) -> str:
    """Describe how a folder suits: each piece, what was left out, and what to expect.

    It takes what `prepare` returns, and `datasets.survey`, and shows 30 pieces; of more,
    those with an alarm first. The last line says what music from this folder will sound like.
    """
    head = f"{'piece':<32}{'minutes':>8}{'notes/s':>8}{'explained':>10}{'gain dB':>8}{'cents':>6}"
    lines = [head + "  drums, alarms"]
    shown = sorted(pieces.values(), key=lambda piece: not alarm(piece))
    for piece in shown[:_ROWS] if len(shown) > _ROWS else pieces.values():
        said = [", ".join(piece.kinds), alarm(piece), *piece.remarks]
        numbers = f"{piece.explained:>10.0%}{round(piece.gain_db):>8}{round(piece.cents):>6}"
        start = f"{piece.name[:31]:<32}{piece.seconds / 60:>8.1f}{piece.rate:>8.1f}{numbers}"
        lines.append(f"{start}  {'; '.join(filter(None, said))}".rstrip())
    if len(shown) > _ROWS:
        lines.append(f"and {len(shown) - _ROWS} more, less alarming")
    lines += datasets.reasons(left)
    minutes = sum(piece.seconds for piece in shown) / 60
    usable = sum(piece.seconds for piece in suiting(pieces).values()) / 60
    most = max((piece.seconds for piece in shown), default=0)
    lines.append(f"{usable:.1f} of {minutes:.1f} minutes suit. {_outlook(usable, minutes, most)}")
    return "\n".join(lines)


def waveform(
    piece: Piece, *, sr: int, start: float = 0.0, duration: float = math.inf
) -> audio.Waveform:
    """Load a piece as it was prepared, at its level, moved to A = 440 Hz: float32, (n_samples,).

    It is loaded for playing at `sr`, Hz; there it lasts ``piece.stretch`` times as long as in its
    file. `start` and `duration` (left out: up to its end) are s of the piece as it is in its file.
    """
    part = {"start": piece.start + start, "duration": min(duration, piece.seconds - start)}
    y = audio.load(piece.path, sr=round(sr * piece.stretch), **part)
    return np.clip(_centred(y) * np.float32(10 ** (piece.gain_db / 20)), -1, 1)


def sounds(pieces: Sequence[Piece], given: notes.Dictionary) -> synthesis.NoteBank:
    """Learn how the notes and the drums of pieces sound.

    It learns from 20 minutes of music: excerpts of half a minute or more, spread over all
    pieces; `given` is as for `prepare`. No notes in the pieces are a ValueError. Each drum is
    that of one piece: of those in which it is hit, one of middling loudness (of two, the louder).
    """
    sr, n_excerpts = given.settings.sr, min(len(pieces), 40)
    waveforms, found = [], []
    for i in np.linspace(0, len(pieces) - 1, n_excerpts).round().astype(int):
        piece = pieces[i]
        length = min(piece.seconds, 1200 / n_excerpts)
        start = (piece.seconds - length) / 2
        y = waveform(piece, sr=sr, start=start, duration=length)
        waveforms.append(drums.separate(y, sr=sr, thoroughly=True)[0] if piece.kinds else y)
        here = (piece.keys[:, 0] >= start) & (piece.keys[:, 1] <= start + length)
        found.append((piece.keys[here] - [start, start, 0, 0]) * ([piece.stretch] * 2 + [1, 1]))
    bank = synthesis.build_bank(waveforms, given, found=found, minutes=20)
    power = np.array([np.sum(piece.kit**2, axis=1) for piece in pieces])
    middle = -1 - (np.count_nonzero(power, axis=0) - 1) // 2  # the median; of two, the louder one
    middle = np.take_along_axis(power.argsort(axis=0), middle[None], axis=0)[0]
    return replace(bank, drums=np.stack([pieces[i].kit[k] for k, i in enumerate(middle)]))


def _outlook(usable: float, minutes: float, longest: float) -> str:
    """Say what music learnt from so many minutes will sound like."""
    if longest < datasets.SHORT:
        return f"There is nothing to learn from: no piece lasts {datasets.SHORT:.0f} s."
    if not usable:
        return (
            "This will sound like a shimmer of notes in the colours of your music, hardly like its "
            "tunes: many of the notes that are heard here are wrong."
        )
    few = " There is little to learn from: it will go round in what it knows." * (usable < 5)
    if usable < 0.9 * minutes:
        return f"What suits will sound like itself: three notes in four or so are right there.{few}"
    return f"This will sound like your music: three notes in four or so are right.{few}"


def _jobs(
    tracks: Tracks, folder: Path, given: notes.Dictionary
) -> tuple[list[_Job], list[datasets.Left]]:
    """Return what is to be done for tracks, long files in parts, and what can't be read."""
    jobs, left = [], []
    way = hashlib.sha256(f"{_VERSION} {given.settings} {given.reference}".encode())
    way.update(given.templates.tobytes() + given.usual_levels.tobytes())
    for track in tracks:
        try:
            content = datasets.digest(track.path)
        except audio.AudioError as error:
            left.append(datasets.Left(track.path, audio.reason(error, track.path)))
            continue
        n_parts = max(1, math.ceil(track.minutes / PART))
        minutes = track.minutes / n_parts
        for i in range(n_parts):
            name = track.name if n_parts == 1 else f"{track.name} ({i + 1} of {n_parts})"
            start = round(60 * minutes * i, 3)
            key = hashlib.sha256(f"{way.hexdigest()} {content} {start} {n_parts}".encode())
            kept = folder / f"{key.hexdigest()[:32]}.npz"
            jobs.append(_Job(track, content, name, start, minutes, i == n_parts - 1, kept))
    datasets.check_names(job.name for job in jobs)
    return jobs, left


def _attempts(jobs: list[_Job], given: notes.Dictionary, n_jobs: int) -> Iterator[Done]:
    """Prepare several tracks at a time; they come as they are done."""
    pool = datasets.pool(n_jobs, return_as="generator_unordered")
    return pool(joblib.delayed(_attempt)(job, given) for job in jobs)


def _attempt(job: _Job, given: notes.Dictionary) -> Done:
    """Prepare a track, or say why this can't be done; one bad file doesn't stop a folder."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", audio.AudioWarning)
            facts, found, kit = _prepare(job, given)
    except Exception as error:  # a strange file may fail in any step
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        return job.kept, kind + audio.reason(error, job.track.path)
    told = [w.message for w in caught if issubclass(w.category, audio.AudioWarning)]
    remarks = tuple(audio.reason(message, job.track.path) for message in told)
    return job.kept, (replace(facts, remarks=remarks), found, kit)


def _prepare(job: _Job, given: notes.Dictionary) -> Content:
    """Load a piece, and find out everything about it."""
    duration = None if job.last else 60 * job.minutes
    y = audio.load(job.track.path, sr=given.settings.sr, start=job.start, duration=duration)
    if job.content and datasets.digest(job.track.path) != job.content:
        raise audio.AudioError("changed while it was to be prepared; run it again")
    if not y.any():
        raise audio.AudioError(datasets.SILENT)
    facts, found, kit = hear(y, given)
    return replace(facts, start=job.start), found, kit


def _centred(y: Floats) -> Floats:
    """Take away what never changes, as some sound cards add it: it would count as loud sound."""
    mean = np.mean(y, dtype=np.float64)
    return y - np.float32(mean) if abs(mean) > 1e-3 else y


def _keep(path: Path, content: Content) -> None:
    """Write what was prepared; where this can't be done, go on without."""
    facts, found, kit = content
    try:
        arrays: dict[str, NDArray] = {"found": found, "kit": kit.astype(np.float16)}
        files.save_npz(path, _KIND, facts, arrays, compressed=True)
    except OSError as error:
        message = f"{path.parent}: {error.strerror}; make room, or name another folder"
        warnings.warn(f"can't keep pieces in {message}", stacklevel=3)  # it isn't of the music


def _read(path: Path) -> Content | None:
    """Read what was kept; nothing if it isn't there, or damaged."""
    try:
        (found, kit), facts = files.load_npz(path, _KIND, _unpack)
    except (FileNotFoundError, files.FormatError):
        return None
    return facts, found, kit


def _unpack(arrays: dict[str, NDArray], _facts: Facts) -> tuple[rolls.Notes, Floats]:
    """Check what was kept."""
    found = rolls.valid_notes(arrays["found"], n_drums=len(drums.NAMES))
    kit = arrays["kit"].astype(np.float32)
    if kit.ndim != 2 or len(kit) != len(drums.NAMES) or not np.isfinite(kit).all():
        raise ValueError(f"kit must have shape ({len(drums.NAMES)}, n_samples), got {kit.shape}")
    return found, kit
