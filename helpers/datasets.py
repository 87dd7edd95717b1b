"""A manifest or any folder of music -> tracks, split by piece, and their waveforms.

A split never cuts through a piece: what is held out for validation and test was not heard in
training, not even another part of it.
"""

import csv
import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from helpers import audio

SPLITS = ("train", "validation", "test")
SUFFIXES = (".mp3", ".wav", ".flac", ".ogg", ".oga", ".opus", ".aif", ".aiff")
COLUMNS = ("name", "file", "title", "composer", "instrument", "genre", "minutes", "split")
COLUMNS += ("origin", "licence")


@dataclass(frozen=True)
class Track:
    """One piece of music: a file, and what is known about it.

    Attributes
    ----------
    name : str
        Unique among its tracks.
    path : Path
    split : {"train", "validation", "test"}
    title, composer, instrument, genre : str
    minutes : float
    origin : str
        "rendered" from a score or "recorded"; "own" in a reader's folder.
    licence : str
    """

    name: str
    path: Path
    split: str
    title: str
    composer: str
    instrument: str
    genre: str
    minutes: float
    origin: str
    licence: str


@dataclass(frozen=True)
class Clip:
    """A part of a track: `start` and `duration` in seconds."""

    track: Track
    start: float
    duration: float = 60.0


def find_tracks(music):
    """Find the tracks in a folder: by its manifest, else every audio file in it and below.

    A manifest is a manifest.csv in the folder, or in the one above it if it lists files of this
    folder. Without one, each file is a piece: at least one is held out for validation and, from
    three files on, one for the test, about an eighth each. A checksum of the names decides which:
    arbitrary, yet the same on every machine, and it changes little when files are added. Genre is
    then the name of the sub-folder.

    Parameters
    ----------
    music : str or Path

    Returns
    -------
    tracks : list of Track
        In the order of the manifest, or sorted by path.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If `music` is not a folder.
    ValueError
        If the manifest has a fault, or there are fewer than two readable audio files.

    Warns
    -----
    AudioWarning
        Naming each file that is left out and why; and if there is very little to train on.

    References
    ----------
    Notebook 08 uses the reader's own folder; notebook 05 says why the split is by piece.
    """
    music = Path(music)
    if not music.exists():
        raise FileNotFoundError(f"music folder {music} does not exist; check the setting MUSIC")
    if not music.is_dir():
        raise NotADirectoryError(f"music must be a folder, got the file {music}: name its folder")
    tracks = _tracks_of_manifest(music) or _tracks_of_folder(music)
    minutes = sum(track.minutes for track in tracks if track.split == "train")
    if minutes < 1:
        warnings.warn(
            f"{music}: only {60 * minutes:.0f} s of music to train on; a model needs minutes, "
            "better an hour: add files",
            audio.AudioWarning,
            stacklevel=2,
        )
    return tracks


def select(tracks, *, split=None, instrument=None, genre=None):
    """Select the tracks that match everything that is given.

    Parameters
    ----------
    tracks : list of Track
    split, instrument, genre : str, optional

    Returns
    -------
    list of Track
        At least one.

    Raises
    ------
    ValueError
        If nothing matches; the message names what exists.
    """
    wanted = {"split": split, "instrument": instrument, "genre": genre}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    selected = [t for t in tracks if all(getattr(t, key) == wanted[key] for key in wanted)]
    if not selected:
        asked = " and ".join(f"{key} {value!r}" for key, value in wanted.items())
        exist = sorted({", ".join(getattr(track, key) for key in wanted) for track in tracks})
        raise ValueError(f"no track has {asked}; choose from: {'; '.join(exist) or 'no tracks'}")
    return selected


def pick(tracks, name):
    """Pick the track of a name, else the first: so that any folder of music has an example.

    Parameters
    ----------
    tracks : list of Track
    name : str

    Returns
    -------
    Track

    Raises
    ------
    ValueError
        If there are no tracks.
    """
    if not tracks:
        raise ValueError("tracks must hold at least 1 track, got 0: see datasets.find_tracks")
    return next((track for track in tracks if track.name == name), tracks[0])


def load_waveforms(tracks, *, sr, max_minutes=None, strict=False):
    """Load tracks as mono waveforms, with a progress bar.

    Parameters
    ----------
    tracks : list of Track
    sr : int
        Sampling rate of the results, Hz.
    max_minutes : float, optional
        Stop when this much is loaded in all; the last track is cut off there.
    strict : bool
        Raise where a file can't be decoded or is cut off, instead of warning.

    Returns
    -------
    waveforms : dict of str to ndarray of float32, shape (n_samples,)
        By the tracks' names, in their order.

    Raises
    ------
    AudioError
        If nothing could be loaded; under `strict` at the first fault.

    Warns
    -----
    AudioWarning
        Naming each file that could not be decoded and is left out.
    """
    if max_minutes is not None and not max_minutes > 0:
        raise ValueError(f"max_minutes must be more than 0 minutes, got {max_minutes}")
    if _twice(tracks):
        raise ValueError(f"tracks must have names that differ, got twice: {_twice(tracks)}")
    waveforms, left = {}, None if max_minutes is None else 60 * max_minutes  # s
    silent = bool(os.environ.get("TQDM_DISABLE"))  # tqdm's notebook bar doesn't look there itself
    for track in tqdm(tracks, desc="Loading", unit="piece", leave=False, disable=silent):
        if left is not None and left * sr < 1:
            break
        try:
            y = audio.load(track.path, sr=sr, duration=left, strict=strict)
        except audio.AudioError as error:
            if strict:
                raise
            warnings.warn(f"left out: {error}", audio.AudioWarning, stacklevel=2)
            continue
        waveforms[track.name] = y
        left = None if left is None else left - len(y) / sr
    if not waveforms:
        raise audio.AudioError(f"none of {len(tracks)} tracks could be loaded; see the warnings")
    return waveforms


def twenty_clips(music):
    """Return the workload of the original: twenty one-minute clips, all for the piano.

    Parameters
    ----------
    music : str or Path
        A folder whose manifest has the column `twenty`: start times in seconds, "0;61".

    Returns
    -------
    list of Clip

    Raises
    ------
    ValueError
        If there is no manifest or it names no clips.

    References
    ----------
    Unnati Data Labs, music-generation (2016), trained on twenty one-minute piano pieces.
    """
    rows = _manifest_rows(Path(music))
    if not rows:
        raise ValueError(f"{music} has no manifest.csv, so it names no clips: use data/music")
    clips = []
    for where, row, track in rows:
        try:
            starts = [float(start) for start in (row.get("twenty") or "").split(";") if start]
        except ValueError as error:
            raise ValueError(
                f"{where}: twenty must be seconds like 0;61, got {row['twenty']!r}"
            ) from error
        clips += [Clip(track, start) for start in starts]
    if not clips:
        raise ValueError(f"the manifest of {music} names no clips in its column twenty")
    return clips


def describe(tracks):
    """Describe tracks as an aligned table: pieces, minutes and instruments of each split.

    Parameters
    ----------
    tracks : list of Track

    Returns
    -------
    str
        Plain text.
    """
    lines = [f"{'split':<12}{'pieces':>6}{'minutes':>9}  instruments"]
    for split in (*SPLITS, "all"):
        chosen = [track for track in tracks if split in (track.split, "all")]
        instruments = sorted({track.instrument for track in chosen}) if split != "all" else []
        minutes = sum(track.minutes for track in chosen)
        line = f"{split:<12}{len(chosen):>6}{minutes:>9.1f}  {', '.join(instruments)}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _twice(tracks):
    """Return the names that more than one track has, as text."""
    names = [track.name for track in tracks]
    return ", ".join(sorted({name for name in names if names.count(name) > 1}))


def _audio_files(music):
    """Return the audio files in a folder and below, sorted; hidden ones left out."""
    files = (path.relative_to(music) for path in music.rglob("*") if path.is_file())
    chosen = [
        file
        for file in files
        if file.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in file.parts)
    ]
    return sorted(chosen, key=Path.as_posix)


def _tracks_of_manifest(music):
    """Return the tracks that a manifest lists in a folder; none if there is no such manifest."""
    tracks = [track for _, _, track in _manifest_rows(music)]
    listed = {track.path.resolve() for track in tracks}
    others = [str(file) for file in _audio_files(music) if (music / file).resolve() not in listed]
    if tracks and others:
        warnings.warn(
            f"{music}: left out, because the manifest doesn't list them: {', '.join(others)}; move "
            "your own files to a folder of their own",
            audio.AudioWarning,
            stacklevel=3,
        )
    return tracks


def _manifest_rows(music):
    """Return (where, row, track) for each row of the manifest that lists the files of a folder."""
    for folder in (music, music.parent):
        manifest = folder / "manifest.csv"
        rows = _read_csv(manifest) if manifest.is_file() else []
        if folder != music:
            rows = [(where, row) for where, row in rows if _lies_in(music, folder, row.get("file"))]
        tracks = [_track_of_row(where, row, folder) for where, row in rows]
        twice = _twice(tracks)
        if twice:
            raise ValueError(f"{manifest}: names must differ; listed twice: {twice}")
        if rows:
            return [(*row, track) for row, track in zip(rows, tracks, strict=True)]
    return []


def _read_csv(manifest):
    """Return (where, row) for each row of a CSV file; `where` names the line for messages."""
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return [(f"{manifest}, line {reader.line_num}", row) for row in reader]
    except UnicodeDecodeError as error:
        raise ValueError(f"{manifest}: must be UTF-8 text; save it again as CSV UTF-8") from error


def _lies_in(music, folder, file):
    """Return whether a file, named relative to a folder, lies in the folder of music."""
    return bool(file) and (folder / file).resolve().is_relative_to(music.resolve())


def _track_of_row(where, row, folder):
    """Return the track that a row of a manifest describes, or say what is wrong with the row."""
    missing = [column for column in COLUMNS if column not in row]
    if missing:
        raise ValueError(f"{where}: the manifest lacks the columns {', '.join(missing)}; add them")
    empty = [column for column in ("name", "file", "split", "minutes") if not row[column]]
    if empty:
        raise ValueError(f"{where}: nothing is given for {', '.join(empty)}; fill it in")
    path = folder / row["file"]
    if not path.is_file():
        raise ValueError(f"{where}: the file {path} is missing; restore it, or remove the row")
    if row["split"] not in SPLITS:
        raise ValueError(f"{where}: split must be {', '.join(SPLITS)}, got {row['split']!r}")
    try:
        minutes = float(row["minutes"])
    except ValueError as error:
        raise ValueError(f"{where}: minutes must be a number, got {row['minutes']!r}") from error
    values = {column: row[column] or "" for column in COLUMNS if column != "file"}
    return Track(**{**values, "path": path, "minutes": minutes})


def _tracks_of_folder(music):
    """Return a track for each readable audio file in a folder and below, split by file."""
    files = {}  # file -> minutes
    for file in _audio_files(music):
        try:
            files[file] = audio.info(music / file).duration / 60
        except audio.AudioError as error:
            warnings.warn(f"left out: {error}", audio.AudioWarning, stacklevel=3)
    if len(files) < 2:
        raise ValueError(
            f"{music} holds {len(files)} readable audio files, but at least 2 are needed: one to "
            f"train on and one held out. Put more files there ({' '.join(SUFFIXES)})"
        )
    stems = {file.stem for file in files}
    names = {file: file.stem if len(stems) == len(files) else file.as_posix() for file in files}
    splits = _split(files)
    return [
        Track(
            name=names[file],
            path=music / file,
            split=splits[file],
            title=file.stem,
            composer="unknown",
            instrument="unknown",
            genre=file.parent.name or "unknown",
            minutes=minutes,
            origin="own",
            licence="unknown",
        )
        for file, minutes in files.items()
    ]


def _split(files):
    """Return file -> split; of two files, the shorter is held out."""
    n_held_out = max(1, round(len(files) / 8))
    order = sorted(files, key=lambda file: hashlib.sha256(file.as_posix().encode()).digest())
    if len(files) == 2:
        order.sort(key=files.get)
    validation, test = order[:n_held_out], order[n_held_out : 2 * n_held_out]
    test = test if len(files) > 2 else []
    return {
        file: "validation" if file in validation else "test" if file in test else "train"
        for file in files
    }
