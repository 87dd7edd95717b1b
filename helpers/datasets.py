"""A manifest or any folder of music -> tracks, split by piece, and their waveforms.

A split never cuts through a piece: of what is held out, no other part was heard in training.
"""

import hashlib
import os
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import joblib
import numpy as np
import scipy.signal
from numpy.typing import NDArray

import helpers
from helpers import audio, files

SPLITS = ("train", "validation", "test")
SUFFIXES = (
    *(".mp3", ".m4a", ".aac", ".mp4", ".m4b", ".mp2", ".mpga", ".wma", ".ac3", ".mpc", ".amr"),
    *(".3gp", ".ts", ".ra", ".rm", ".dts", ".spx", ".mogg", ".webm", ".weba", ".mka", ".nist"),
    *(".ogg", ".oga", ".opus", ".ape", ".wv", ".tta", ".tak", ".dsf", ".shn", ".voc", ".snd"),
    *(".wav", ".wave", ".w64", ".rf64", ".flac", ".aif", ".aiff", ".aifc", ".au", ".caf"),
)
_MUSICAL = {  # why what a person may take for music isn't taken here
    "scores hold notes without sound; render them to WAV": ".mid .midi .kar .rmi .mxl .musicxml",
    "unfinished downloads; get them whole": ".part .crdownload .download .partial .opdownload",
    "archives; unpack them": ".zip .rar .7z .tar .tgz .gz",
    "films; extract their sound to WAV or M4A": ".mov .mkv .avi .flv .mpg .mpeg .wmv .m4v",
    "a format that isn't read; convert them to WAV or MP3": (
        ".mod .xm .s3m .it .sid .spc .nsf .vgm .m4p .aa .aax .dff .iso"
    ),
}
_UNSEEN = "hidden files, recycle bins and previews"
_OTHER = "no music"
_MISNAMED = "sound, but their names don't say so; rename them, to end in .wav or .mp3 for example"
_COARSE_SR = 4000  # Hz, at which recordings are compared: codecs leave that much alone
_BLOCK = 200  # samples at that rate, whose loudness is compared first, which is quick
_MANY = 100  # files, from which on a second process is worth its start
_IDLE = 20  # s: then a process without work ends
SHORT = 40.0  # s: what lasts less is hardly enough to learn from, and to judge by
SILENT = "is silent throughout, or its channels cancel; export it again, or keep one channel"
_HEARD = 2  # version of what is kept of it: to be raised when it would be heard otherwise
# Correlations of copies. 35 pieces have at least 0.88 and 0.97 with theirs, coded anew and moved,
# at most 0.61 and 0.22 with one another.
_LOUDNESS_ALIKE, _ALIKE = 0.7, 0.85
_BINS = {"$recycle.bin", "#recycle", "recycler", "recycled", "trash", "system volume information"}
_BINS |= {"__macosx", "@eadir", "#snapshot", "lost+found", "preview", "previews"}
COLUMNS = (
    *("name", "file", "title", "composer", "instrument", "genre", "minutes", "split"),
    *("origin", "licence"),
)


@dataclass(frozen=True, kw_only=True)
class Track:
    """One piece of music: a file, and what is known about it.

    Its name is unique, its split one of `SPLITS`, its origin "own", or what its manifest says.
    """

    name: str
    path: Path
    split: str
    title: str
    composer: str = "unknown"
    instrument: str = "unknown"
    genre: str
    minutes: float
    origin: str
    licence: str = "unknown"


@dataclass(frozen=True)
class Left:
    """A file that was left out of the tracks, and why."""

    path: Path
    why: str


def find_tracks(music: str | os.PathLike) -> list[Track]:
    """Find the tracks in a folder: by its manifest, else every audio file in it and below.

    As `survey`, which also lists everything that is left out. An AudioWarning names what could have
    been music and is left out, and why: files that can't be read, copies of a recording that is
    there already, scores, films. Another comes if there is very little to train on.
    """
    tracks, left = survey(music)
    for why, group in _by_reason(left):
        if why not in (_UNSEEN, _OTHER):
            message = f"left out: {_names(group, Path(music).expanduser())}: {why}"
            warnings.warn(message, audio.AudioWarning, stacklevel=2)
    minutes = sum(track.minutes for track in tracks if track.split == "train")
    if minutes < 1:
        message = f"{audio.shown(music)}: only {60 * minutes:.0f} s of music to train on; "
        message += "a model needs minutes, better an hour: add files"
        warnings.warn(message, audio.AudioWarning, stacklevel=2)
    return tracks


def survey(
    music: str | os.PathLike, *, fewest: int = 2, kept: Path | None = None
) -> tuple[list[Track], list[Left]]:
    """Look through a folder of music: what to take, what to leave and why.

    A manifest is a manifest.csv in the folder, or in the one above it if it lists files of this
    folder; if it gives no genre at all, each piece has its instrument for one. Without a manifest,
    each file is a piece, its genre the outermost sub-folder not shared by all. At least one is held
    out for validation and, from three files on, one for the test, about an eighth each; where there
    are enough others, none under 40 s. A checksum of the names decides which: arbitrary, yet the
    same on every machine, until files are added.

    Of several copies of one recording, whatever their formats, the largest file is taken. They are
    known by 10 s from the middle of their first 40, or four fifths of a short one: so a copy that
    begins over 15 s earlier or later, is over a fifth shorter, or runs faster or slower, counts as
    another piece. What is shorter than 1 s, or silent throughout, is left out. Linked folders are
    entered, once. What is heard of a file, 0.3 MB, stays in the folder `kept`, if given.

    Tracks are in the order of the manifest, or sorted by path; every other file is left. ``~`` is
    your home folder; what is no folder is a FileNotFoundError or NotADirectoryError. A fault of the
    manifest, or without one fewer than the `fewest` readable audio files, is a ValueError.
    """
    music = Path(music).expanduser()
    shown = audio.shown(music)
    if not music.exists():
        raise FileNotFoundError(f"music folder {shown} does not exist; check the setting MUSIC")
    if not music.is_dir():
        raise NotADirectoryError(f"music must be a folder, got the file {shown}: name its folder")
    paths, left = _audio_files(music)
    tracks = _listed(music, left)
    if not tracks:
        return _tracks_of_folder(music, paths, left, fewest, kept), left
    listed = {track.path.resolve() for track in tracks}
    why = "the manifest doesn't list them; move your own files to a folder of their own"
    return tracks, left + [Left(path, why) for path in paths if path.resolve() not in listed]


def select(tracks: list[Track], **wanted: str | None) -> list[Track]:
    """Select the tracks that match all that isn't None of what is wanted: split, instrument, genre.

    If none does, a ValueError is raised, which names what exists.
    """
    wanted = {key: value for key, value in wanted.items() if value is not None}
    selected = [t for t in tracks if all(getattr(t, key) == wanted[key] for key in wanted)]
    if not selected:
        asked = " and ".join(f"{key} {value!r}" for key, value in wanted.items())
        exist = sorted({", ".join(getattr(track, key) for key in wanted) for track in tracks})
        raise ValueError(f"no track has {asked}; choose from: {'; '.join(exist) or 'no tracks'}")
    return selected


def pick(tracks: list[Track], name: str) -> Track:
    """Pick the track of a name, else the first: so that any folder of music has an example.

    A ValueError says that there are no tracks.
    """
    if not tracks:
        raise ValueError("tracks must hold at least 1 track, got 0: see datasets.find_tracks")
    return next((track for track in tracks if track.name == name), tracks[0])


def load_waveforms(
    tracks: list[Track], *, sr: int, max_minutes: float | None = None
) -> dict[str, audio.Waveform]:
    """Load tracks, with names that differ, as mono waveforms by these names, with a progress bar.

    They are float32, (n_samples,), at `sr` Hz. After `max_minutes` in all, above 0, the last one is
    cut off. An AudioWarning names a file that can't be decoded or is cut off; if nothing could be
    loaded, it is an AudioError. Names that are the same, and no minutes, are a ValueError.
    """
    if max_minutes is not None and not max_minutes > 0:
        raise ValueError(f"max_minutes must be more than 0 minutes, got {max_minutes}")
    check_names(track.name for track in tracks)
    waveforms: dict[str, audio.Waveform] = {}
    left = None if max_minutes is None else 60 * max_minutes  # s
    for track in helpers.bar(tracks, desc="Loading", unit="piece", leave=False):
        if left is not None and left * sr < 1:
            break
        try:
            y = audio.load(track.path, sr=sr, duration=left)
        except audio.AudioError as error:
            warnings.warn(f"left out: {error}", audio.AudioWarning, stacklevel=2)
            continue
        waveforms[track.name] = y
        left = None if left is None else left - len(y) / sr
    if not waveforms:
        raise audio.AudioError(f"none of {len(tracks)} tracks could be loaded; see the warnings")
    return waveforms


def check_names(names: Iterable[str]) -> None:
    """Raise a ValueError where names of tracks don't differ: by name, one of them would be lost."""
    if twice := _twice(names):
        raise ValueError(f"tracks must have names that differ, got twice: {twice}; rename them")


def describe(tracks: list[Track]) -> str:
    """Describe tracks as an aligned table: pieces, minutes and instruments of each split."""
    lines = [f"{'split':<12}{'pieces':>6}{'minutes':>9}  instruments"]
    for split in (*SPLITS, "all"):
        chosen = [track for track in tracks if split in (track.split, "all")]
        played = ", ".join(sorted({track.instrument for track in chosen})) * (split != "all")
        minutes = sum(track.minutes for track in chosen)
        lines.append(f"{split:<12}{len(chosen):>6}{minutes:>9.1f}  {played}".rstrip())
    return "\n".join(lines)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content; one that can't be read is an AudioError."""
    with audio.naming(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pool(n_jobs: int, *, return_as: str) -> joblib.Parallel:
    """Make a pool of processes, which end soon after their work, or their parent, has ended."""
    how = {"idle_worker_timeout": _IDLE, "initializer": _watch, "initargs": (os.getpid(),)}
    return joblib.Parallel(n_jobs, return_as=return_as, **how)


def reasons(left: Sequence[Left], beside: Sequence[Path] = ()) -> list[str]:
    """Describe what `survey` left out, a line for each reason.

    Names are shown relative to the folder that they share with the paths `beside`.
    """
    paths = [*beside, *(one.path for one in left)] if left else []
    folder = os.path.commonpath([os.path.abspath(path.parent) for path in paths] or [""])
    groups = _by_reason(left)
    return [f"{'left out':<12}{len(at):>6}  {_names(at, folder)}: {why}" for why, at in groups]


def _watch(parent: int) -> None:
    """End this process soon after its parent was killed: it might wait for ever to be read."""
    if os.getppid() != parent:  # on Windows it stays what it was
        os._exit(1)
    timer = threading.Timer(1.0, _watch, (parent,))
    timer.daemon = True
    timer.start()


def _by_reason(left: Iterable[Left]) -> list[tuple[str, list[Path]]]:
    """Return the paths that were left out for each reason."""
    ordered = sorted(left, key=lambda one: (one.why, os.fsencode(one.path)))
    groups = groupby(ordered, key=lambda one: one.why)
    return [(why, [one.path for one in group]) for why, group in groups]


def _names(paths: list[Path], folder: str | Path) -> str:
    """Return the names of a few paths, relative to a folder, and how many more there are."""
    names = [audio.shown(os.path.relpath(path, folder)) for path in paths]
    more = f" and {len(names) - 4} more" if len(names) > 5 else ""
    return ", ".join(names[: 4 if more else 5]) + more


def _twice(names: Iterable[str]) -> str:
    """Return the names that come more than once, as text."""
    return ", ".join(sorted(name for name, n in Counter(names).items() if n > 1))


def _audio_files(music: Path) -> tuple[list[Path], list[Left]]:
    """Return the audio files in a folder and below, sorted, and the other files."""
    taken: dict[Path, Path] = {}  # real path -> path
    left = []
    real_music = music.resolve()
    unread: dict[Path, str | None] = {}  # folder -> why
    walk = _walk(music, lambda error: unread.update({Path(error.filename): error.strerror}))
    paths = sorted([*walk, *unread], key=os.fsencode)
    paths.sort(key=lambda path: os.path.realpath(path) != str(real_music / path.relative_to(music)))
    for path in paths:  # links last
        parts = [part.lower() for part in path.relative_to(music).parts]
        suffix = path.suffix.lower().rstrip()
        if any(part.startswith(".") or part in _BINS for part in parts):
            left.append(Left(path, _UNSEEN))
        elif path in unread:
            why = f"a folder that can't be read ({unread[path]}); check its permissions"
            left.append(Left(path, why))
        elif suffix not in SUFFIXES:
            known = (why for why, suffixes in _MUSICAL.items() if suffix in suffixes.split())
            left.append(Left(path, next(known, None) or _by_content(path)))
        elif (real := Path(os.path.realpath(path))) in taken:
            left.append(Left(path, f"linked to {audio.shown(taken[real].relative_to(music))}"))
        else:
            taken[real] = path
    return sorted(taken.values(), key=os.fsencode), left


def _by_content(path: Path) -> str:
    """Return why a file is left out whose suffix isn't one of music."""
    with suppress(audio.AudioError):
        audio.info(path)
        return _MISNAMED
    return _OTHER


def _walk(folder: Path, unread: Callable[[OSError], None]) -> Iterator[Path]:
    """Yield the files in a folder and below, linked folders too, but none twice."""
    seen = set()
    for here, folders, names in os.walk(folder, onerror=unread, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort(key=lambda name: (os.path.islink(os.path.join(here, name)), name))
        yield from (Path(here, name) for name in names)


def _listed(music: Path, left: list[Left]) -> list[Track]:
    """Return the tracks of the manifest that lists the files of a folder; none without one."""
    for folder in (music, music.parent):
        manifest, rows = folder / "manifest.csv", []
        try:
            with audio.naming(manifest):
                rows = files.read_csv(manifest) if manifest.is_file() else []
        except ValueError as error:
            if folder == music:
                raise
            left.append(Left(manifest, audio.reason(error, manifest)))  # it may be of other things
        if folder != music:
            inside = [(folder / (row.get("file") or "..")).resolve() for _, row in rows]
            real = music.resolve()
            rows = [row for row, at in zip(rows, inside, strict=True) if at.is_relative_to(real)]
        kind = "genre" if any(row.get("genre") for _, row in rows) else "instrument"
        tracks = [_track_of_row(f"{manifest}, line {n}", row, folder, kind) for n, row in rows]
        paths = (os.path.realpath(track.path) for track in tracks)
        for what, each in (("names", (track.name for track in tracks)), ("files", paths)):
            if twice := _twice(each):
                raise ValueError(f"{manifest}: {what} must differ; listed twice: {twice}")
        if tracks:
            return tracks
    return []


def _track_of_row(where: str, row: dict[str, str], folder: Path, kind: str) -> Track:
    """Return the track that a row of a manifest describes, or say what is wrong with the row."""
    missing = [column for column in COLUMNS if column not in (*row, "genre")]
    if missing:
        lacks, has = ", ".join(missing), ", ".join(filter(None, row))
        raise ValueError(f"{where}: lacks the columns {lacks}; add them (it has {has})")
    if None in row:
        raise ValueError(f"{where}: has more fields than columns; put text with , or ; in quotes")
    empty = [column for column in ("name", "file", "split", "minutes") if not row[column]]
    if empty:
        raise ValueError(f"{where}: nothing is given for {', '.join(empty)}; fill it in")
    path = folder / row["file"]
    if not path.is_file():
        raise ValueError(f"{where}: the file {path} is missing; restore it, or remove the row")
    if row["split"] not in SPLITS:
        raise ValueError(f"{where}: split must be {', '.join(SPLITS)}, got {row['split']!r}")
    minutes = 0.0
    with suppress(ValueError):
        minutes = float(row["minutes"].replace(",", "."))  # as Excel writes it in German
    if not 0 < minutes < np.inf:
        raise ValueError(f"{where}: minutes must be a number above 0, got {row['minutes']!r}")
    texts = {key: row.get(key) or "unknown" for key in COLUMNS if key not in ("file", "minutes")}
    texts |= {"title": row["title"] or row["name"], "genre": row[kind] or "unknown"}
    return Track(path=path, minutes=minutes, **texts)


def _tracks_of_folder(
    music: Path, paths: list[Path], left: list[Left], fewest: int, kept: Path | None
) -> list[Track]:
    """Return a track for each readable recording among files, split by piece; leave the others."""
    infos, heard = {}, {}
    looks = pool(2 if len(paths) > _MANY else 1, return_as="generator")(
        joblib.delayed(_look)(path, kept) for path in paths
    )
    shown = {"desc": "Looking through", "unit": "file", "delay": 2, "leave": False}
    for path, seen in zip(paths, helpers.bar(looks, total=len(paths), **shown), strict=True):
        if isinstance(seen, str):
            left.append(Left(path, seen))
        else:
            infos[path], heard[path] = seen
    for path, why in _copies(music, infos, heard, kept).items():
        del infos[path]
        left.append(Left(path, why))
    if len(infos) < fewest:
        why = "2 are needed: one to train on and one held out" if fewest > 1 else "1 is needed"
        raise ValueError(
            f"{audio.shown(music)} holds {len(infos)} readable audio files, but at least {why}. "
            f"Put more files there ({' '.join(SUFFIXES)})"
            + "".join(f"\nleft out: {_names(at, music)}: {why}" for why, at in _by_reason(left))
        )
    lengths = {path.relative_to(music): info.duration / 60 for path, info in infos.items()}
    stems, splits = Counter(file.stem for file in lengths), _split(lengths)
    above = len(Path(os.path.commonpath([file.parent for file in lengths])).parts)  # all lie there
    return [
        Track(
            name=audio.shown(file.stem if len(stems) == len(lengths) else file.as_posix()),
            path=music / file,
            split=splits[file],
            title=audio.shown(file.stem if stems[file.stem] == 1 else file.as_posix()),
            genre=audio.shown((*file.parts[:-1], "unknown")[above]),
            minutes=minutes,
            origin="own",
        )
        for file, minutes in lengths.items()
    ]


def _look(path: Path, kept: Path | None) -> tuple[audio.AudioInfo, NDArray] | str:
    """Return what a file says of itself, and its loudness; or why it can't be used."""
    try:
        return audio.info(path), _hear(path, kept)[1]
    except audio.AudioError as error:
        return audio.reason(error, path)


def _copies(
    music: Path, infos: dict[Path, audio.AudioInfo], heard: dict[Path, NDArray], kept: Path | None
) -> dict[Path, str]:
    """Return path -> why for copies of a larger file, and what can't be read any more."""
    left: dict[Path, str] = {}

    def sound(path: Path) -> NDArray:
        try:
            return _hear(path, kept)[0]
        except audio.AudioError as error:
            left[path] = audio.reason(error, path)
            return np.zeros(_COARSE_SR, np.int16)  # which is like nothing

    order = sorted(infos, key=lambda path: (-infos[path].size_bytes, os.fsencode(path)))
    for place, path in enumerate(order):
        if path in left:
            continue
        length, later = infos[path].duration, (at for at in order[place + 1 :] if at not in left)
        near = [at for at in later if 0.8 < length / infos[at].duration < 1.25]
        louds = [heard[at] for at in near]  # all at once, or a thousand files would take minutes
        likeness = _likeness(heard[path], louds, _COARSE_SR // _BLOCK)
        alike = [near[i] for i in np.flatnonzero(likeness > _LOUDNESS_ALIKE)]
        y = sound(path) if alike else heard[path]
        for at in alike:
            if _likeness(y, [sound(at)], _COARSE_SR)[0] > _ALIKE:
                left[at] = f"the same recording as {audio.shown(path.relative_to(music))}"
    return left


def _likeness(y: NDArray, others: Sequence[NDArray], sr: int) -> NDArray[np.float64]:
    """Return the highest correlation of the middle of each other signal, 10 s, with any part of y.

    Shapes: (n_samples,), and n_others of (their_samples,) -> (n_others,).
    """
    y, likeness = y - np.mean(y, dtype=np.float32), np.zeros(len(others))
    sums = np.cumsum([y, y**2], axis=1, dtype=np.float64)
    floor = 1e-4 * np.mean(y**2) + 1e-9  # for what is silent
    lengths = np.array([min(10 * sr, 4 * min(len(x), len(y)) // 5) for x in others])
    for n in set(lengths.tolist()):  # of a short one less; if less still, a note alone would do
        these = np.flatnonzero(lengths == n).tolist()
        middles = [others[i][(len(others[i]) - n) // 2 :][:n] for i in these]
        parts = np.array(middles, np.float32)
        parts -= parts.mean(axis=1, keepdims=True)
        parts /= np.sqrt(np.sum(parts**2, axis=1, keepdims=True) + 1e-9)
        mean, power = (sums[:, n:] - sums[:, :-n]) / n
        spread = np.sqrt(n * np.maximum(power - mean**2, floor)).astype(np.float32)
        correlation = scipy.signal.fftconvolve(y[None], parts[:, ::-1], "valid", axes=1)[:, 1:]
        likeness[these] = np.max(np.abs(correlation) / spread, axis=1)
    return likeness


def _hear(path: Path, kept: Path | None) -> tuple[NDArray, NDArray]:
    """Return a file's beginning at a low rate, and its loudness, or say why it is no music."""
    if kept is not None:
        place = kept / f"{digest(path)[:32]}_heard_{_HEARD}.npz"
        with suppress(Exception), np.load(place) as known:  # what is damaged fails in many ways
            return known["y"], known["loud"]
    with warnings.catch_warnings(action="ignore", category=audio.AudioWarning):
        y = audio.to_int16(audio.load(path, sr=_COARSE_SR, duration=40.0))
        if len(y) < _COARSE_SR:
            raise audio.AudioError("is under 1 s long; leave it out, or join it")
        if not y.any() and not audio.to_int16(audio.load(path, sr=_COARSE_SR)).any():
            raise audio.AudioError(SILENT)
    blocks = y[: len(y) // _COARSE_SR * _COARSE_SR].reshape(-1, _BLOCK)  # whole seconds
    loud = np.sqrt(np.mean(np.square(blocks, dtype=np.float32), axis=1))
    if kept is not None:
        with suppress(OSError), files.replacing(place) as temporary:  # a full disk costs only time
            np.savez(temporary, y=y, loud=loud)  # compressing takes a while, saves little
    return y, loud


def _split(lengths: dict[Path, float]) -> dict[Path, str]:
    """Return file -> split, by minutes; of two files, the shorter is held out."""
    n_held_out = max(1, round(len(lengths) / 8))
    order = sorted(lengths, key=lambda file: hashlib.sha256(os.fsencode(file.as_posix())).digest())
    if len(lengths) == 2:
        order.sort(key=lengths.__getitem__)
    short = {file for file, minutes in lengths.items() if 60 * minutes < SHORT}
    if len(lengths) - len(short) > 2 * n_held_out:  # else none but short ones would be left
        order.sort(key=short.__contains__)
    held_out = dict.fromkeys(order[:n_held_out], "validation")
    if len(lengths) > 2:
        held_out |= dict.fromkeys(order[n_held_out : 2 * n_held_out], "test")
    return {file: held_out.get(file, "train") for file in lengths}
