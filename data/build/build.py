"""Build the music library: scores -> performances -> sound -> files, note lists and manifest.

Run `python data/build/build.py --help`, or read the README beside this file.
"""

import argparse
import csv
import hashlib
import io
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from perform import Performance
from pieces import PIECES, Piece
from render import BEFORE_FIRST_NOTE, cut_silence, encode, fade, set_level, synthesize, write_whole
from sampler import play_samples
from sources import SOUNDFONT, MissingSourceError, check_tools, fetch, require

DATA = Path(__file__).resolve().parents[1]
WORK = DATA.parent / "outputs" / "data-build"
MANIFEST_COLUMNS = (
    *("name", "file", "title", "composer", "instrument", "genre", "minutes", "split"),
    *("origin", "licence", "source", "sha256", "twenty"),
)


@dataclass(frozen=True)
class Result:
    """What a piece has become; `notes` and `beats` are CSV texts, empty for a recording."""

    piece: Piece
    audio: bytes
    notes: str
    beats: str
    minutes: float

    @property
    def sha256(self) -> str:
        """SHA-256 of the audio file."""
        return hashlib.sha256(self.audio).hexdigest()


def build_piece(piece: Piece, work: Path, soundfont: Path) -> Result:
    """Make one piece: its audio file and its list of notes.

    Parameters
    ----------
    piece : Piece
        What to make.
    work : Path
        Folder with the unpacked packages.
    soundfont : Path
        SoundFont file for the rendered pieces.

    Returns
    -------
    Result
        The bytes of the files; nothing is written to the data folder.
    """
    if piece.excerpt:
        y, notes, beats = read_excerpt(piece, work), "", ""
        audio, n_samples = encode_below_full_scale(y, piece)
    else:
        performance = piece.play(work)
        y, shift = render_piece(piece, performance, work, soundfont)
        audio, n_samples = encode_below_full_scale(y, piece)
        notes = notes_csv(piece, performance, shift, n_samples / piece.sr)
        beats = beats_csv(performance, shift)
    return Result(piece, audio, notes, beats, n_samples / piece.sr / 60)


def read_excerpt(piece: Piece, work: Path) -> np.ndarray:
    """Return the excerpt of a recording at its level, rate and number of channels."""
    excerpt = piece.excerpt
    y, sr = sf.read(require(work / excerpt.path), always_2d=True)
    start = int(excerpt.start * sr)
    stop = start + int(excerpt.duration * sr) if excerpt.duration else len(y)
    y = y[start:stop] if piece.stereo else y[start:stop].mean(axis=1)
    if sr != piece.sr:
        y = soxr.resample(y, sr, piece.sr)
    y = cut_silence(set_level(y), piece.sr)
    if excerpt.duration:
        y = fade(y, piece.sr, fade_in=0.01, fade_out=1.5)
    return set_level(y)


def render_piece(
    piece: Piece, performance: Performance, work: Path, soundfont: Path
) -> tuple[np.ndarray, float]:
    """Return the sound of a performance, and how many seconds were cut before it."""
    if piece.recorded_piano:
        y = play_samples(performance, sr=piece.sr, work=work)
    else:
        with tempfile.TemporaryDirectory(dir=work) as scratch:
            y = synthesize(
                performance,
                programs=piece.programs,
                pans=piece.pans,
                sr=piece.sr,
                soundfont=soundfont,
                scratch=Path(scratch),
            )
    first = round((performance.notes[0].onset - BEFORE_FIRST_NOTE) * piece.sr)
    y = y[first:] if piece.stereo else y[first:].mean(axis=1)
    return set_level(cut_silence(set_level(y), piece.sr)), first / piece.sr


def encode_below_full_scale(y: np.ndarray, piece: Piece) -> tuple[bytes, int]:
    """Encode, lowering the level until no decoded sample clips; return file and n_samples."""
    while True:
        audio = encode(y, piece.sr, piece.suffix)
        decoded, sr = sf.read(io.BytesIO(audio))
        if sr != piece.sr or len(decoded) != len(y):
            raise RuntimeError(
                f"{piece.file}: {len(y)} samples at {piece.sr} Hz went in, "
                f"{len(decoded)} at {sr} Hz came out"
            )
        if np.abs(decoded).max() < 0.99:
            return audio, len(decoded)
        y = y * 10 ** (-0.5 / 20)


def notes_csv(piece: Piece, performance: Performance, shift: float, duration: float) -> str:
    """Return the CSV text of a performance, in seconds of the audio file."""
    columns = ["onset", "offset", "pitch", "velocity", "key_offset"]
    rows = []
    for note in performance.notes:
        times = (note.onset - shift, note.offset - shift, note.key_offset - shift)
        onset, offset, key_offset = (f"{min(time, duration):.4f}" for time in times)
        row = [onset, offset, note.pitch, note.velocity, key_offset]
        rows.append([*row, piece.part_names[note.part]] if piece.part_names else row)
    return csv_text([*columns, "part"] if piece.part_names else columns, rows)


def beats_csv(performance: Performance, shift: float) -> str:
    """Return the CSV text of the beats from the first note to the last, in s of the audio file."""
    first, last = performance.notes[0].onset, performance.notes[-1].onset
    beats = [(t, place) for t, place in performance.beats if first - 0.05 < t < last + 0.05]
    return csv_text(["time", "beat"], [[f"{t - shift:.4f}", place] for t, place in beats])


def manifest_row(result: Result) -> list[str]:
    """Return the manifest's row of a piece."""
    piece = result.piece
    return [
        *(piece.name, piece.file, piece.title, piece.composer, piece.instrument, piece.genre),
        *(f"{result.minutes:.2f}", piece.split, "recorded" if piece.excerpt else "rendered"),
        *(piece.licence, piece.source, result.sha256, ";".join(map(str, piece.twenty))),
    ]


def csv_text(columns: list[str], rows: list[list]) -> str:
    """Return the text of a CSV file with newlines as line ends."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def describe(result: Result) -> str:
    """Return one line about the file as a listener decodes it."""
    y, sr = sf.read(io.BytesIO(result.audio), always_2d=True)
    rms_db, peak = 20 * np.log10(np.sqrt((y**2).mean())), np.abs(y).max()
    y = y.mean(axis=1)
    blocks = y[: len(y) // 2048 * 2048].reshape(-1, 2048)
    power = (np.abs(np.fft.rfft(blocks * np.hanning(2048), axis=1)) ** 2).mean(axis=0)
    centroid = float((np.fft.rfftfreq(2048, 1 / sr) * power).sum() / power.sum())
    silent = float((np.sqrt((blocks**2).mean(axis=1)) < 1e-3).mean())
    n_bytes = len(result.audio)
    return (
        f"{result.piece.file:42s} {result.minutes:5.2f} min {n_bytes / 1000:6.0f} kB "
        f"{n_bytes * 8 / 60000 / result.minutes:4.0f} kb/s  rms {rms_db:6.2f} dBFS  "
        f"peak {peak:.3f}  centroid {centroid:5.0f} Hz  silent {100 * silent:4.1f} %  "
        f"{result.piece.split}"
    )


def build_all(pieces: tuple[Piece, ...], work: Path, soundfont: Path, jobs: int) -> list[Result]:
    """Build pieces side by side; return them in the catalogue's order."""
    results = {}
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(_build_by_name, piece.name, work, soundfont) for piece in pieces]
        for future in as_completed(futures):
            name, *made = future.result()
            piece = next(piece for piece in pieces if piece.name == name)
            results[name] = Result(piece, *made)
            print(describe(results[name]), flush=True)
    return [results[piece.name] for piece in pieces]


def _build_by_name(name: str, work: Path, soundfont: Path) -> tuple[str, bytes, str, str, float]:
    """Build one piece in a process of its own; a Piece holds functions and cannot travel."""
    piece = next(piece for piece in PIECES if piece.name == name)
    result = build_piece(piece, work, soundfont)
    return name, result.audio, result.notes, result.beats, result.minutes


def write_library(results: list[Result], data: Path) -> None:
    """Write music, note lists and, last, the manifest; keep the rows of pieces not built."""
    for result in results:
        write_whole(data / result.piece.file, result.audio)
        for file, text in texts(result).items():
            write_whole(data / file, text.encode())
    rows = {row["name"]: [row[c] for c in MANIFEST_COLUMNS] for row in read_manifest(data)}
    rows |= {result.piece.name: manifest_row(result) for result in results}
    ordered = [rows[piece.name] for piece in PIECES if piece.name in rows]
    write_whole(data / "manifest.csv", csv_text(list(MANIFEST_COLUMNS), ordered).encode())


def texts(result: Result) -> dict[str, str]:
    """Return the note list and the beats of a rendered piece by their path in the data folder."""
    name = f"{result.piece.name}.csv"
    made = {f"notes/{name}": result.notes, f"beats/{name}": result.beats}
    return {file: text for file, text in made.items() if text}


def read_manifest(data: Path) -> list[dict[str, str]]:
    """Return the rows of the manifest, none where there is no manifest yet."""
    path = data / "manifest.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def differences(results: list[Result], data: Path) -> list[str]:
    """Compare what was built with the manifest and the note lists; return what differs."""
    committed = {row["name"]: row for row in read_manifest(data)}
    found = []
    for result in results:
        piece = result.piece
        if committed.get(piece.name, {}).get("sha256") != result.sha256:
            found.append(f"{piece.file}: sha256 differs from the manifest's")
        elif list(committed[piece.name].values()) != manifest_row(result):
            found.append(f"{piece.name}: the manifest's row differs from the catalogue")
        for file, text in texts(result).items():
            path = data / file
            if not path.exists() or path.read_text("utf-8") != text:
                found.append(f"{file}: differs")
    return found


def choose_pieces(names: list[str]) -> tuple[Piece, ...]:
    """Return the pieces with the given names, all where none is given."""
    unknown = set(names) - {piece.name for piece in PIECES}
    if unknown:
        raise MissingSourceError(
            f"there is no piece named {', '.join(sorted(unknown))}; "
            f"the catalogue has {', '.join(piece.name for piece in PIECES)}"
        )
    return tuple(piece for piece in PIECES if not names or piece.name in names)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pieces", nargs="*", help="names of pieces (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing; compare with data/")
    parser.add_argument("--data", type=Path, default=DATA, help="folder to write to")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for downloads")
    parser.add_argument("--soundfont", type=Path, default=SOUNDFONT)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Build or check the library; return the exit status."""
    options, start = parse_arguments(argv), time.monotonic()
    try:
        pieces = choose_pieces(options.pieces)
        check_tools(options.soundfont)
        fetch(options.work)
        results = build_all(pieces, options.work, options.soundfont, options.jobs)
    except RuntimeError as error:  # ours, and a worker that has died
        print(f"build.py: {error}", file=sys.stderr)
        return 2
    minutes = sum(result.minutes for result in results)
    megabytes = sum(len(result.audio) for result in results) / 1e6
    seconds = time.monotonic() - start
    print(f"{len(results)} pieces, {minutes:.1f} min, {megabytes:.2f} MB, built in {seconds:.0f} s")
    if not options.check:
        write_library(results, options.data)
        return 0
    found = differences(results, options.data)
    print("\n".join(found) or "every file is identical to the one in the manifest")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
