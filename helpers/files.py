"""Files that appear only when complete, archives that say what they hold, and Excel's tables."""

import contextlib
import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")
Content = TypeVar("Content")


class FormatError(ValueError):
    """Says that a file is damaged, or of another kind or format than the one that is wanted."""


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file beside the one that it will replace; it takes its place when all went well.

    What is yielded is where to write: the same name in a passing folder. If the block raises, this
    is deleted, and what was there before stays. A folder that is missing is made. Several may write
    one file at a time, also one inside the other: each has its own place; the last one done stays.
    A folder may be made there, too; it takes the place of none that holds a file (an OSError).
    An OSError names the file, also where the system doesn't: on a full disk.
    """
    path = Path(os.path.realpath(path))  # a link stays one, and leads to the new file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
            temporary = Path(folder) / path.name
            yield temporary
            os.replace(temporary, path)
    except OSError as error:
        if error.errno and not error.filename:
            error.filename = str(path)
        raise


@dataclass(frozen=True)
class Kind(Generic[Settings]):
    """Name a kind of .npz file: arrays, and the settings that they were made with.

    The version is that of its format, to be raised when older files can't be read any more. The
    settings are a dataclass that checks itself, of what JSON knows; `made_by`, "run notebook 04".
    """

    name: str
    version: int
    settings: type[Settings]
    made_by: str


def save_npz(
    path: str | Path,
    kind: Kind[Settings],
    settings: Settings,
    arrays: Mapping[str, ArrayLike],
    *,
    compressed: bool = False,
) -> Path:
    """Write arrays with their settings, the kind of the file and the version of its format.

    The same content makes the same bytes. The file appears only when it is complete; its folder is
    made if missing. To be compressed takes longer, and pays for arrays with many equal numbers.
    """
    write: Callable[..., None] = np.savez_compressed if compressed else np.savez
    head = {"kind": kind.name, "version": kind.version, "settings": json.dumps(asdict(settings))}
    with replacing(path) as temporary, open(temporary, "wb") as file:
        write(file, **head, **arrays)
    return Path(path)


def load_npz(
    path: str | Path,
    kind: Kind[Settings],
    unpack: Callable[[dict[str, NDArray], Settings], Content],
) -> tuple[Content, Settings]:
    """Read what `save_npz` wrote: what ``unpack(arrays, settings)`` makes of it, and the settings.

    No such file is a FileNotFoundError; a FormatError says that it is damaged, or of another kind
    or format, or that `unpack` raised, because the arrays aren't what they should be.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no {kind.name} at {path}: {kind.made_by}, which saves one")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        text = str(arrays.pop("settings"))
        name, version = str(arrays.pop("kind", kind.name)), int(arrays.pop("version", 0))
        if (name, version) == (kind.name, kind.version):
            settings = kind.settings(**json.loads(text))
            content = unpack(arrays, settings)
    except Exception as fault:  # a damaged file fails in many ways
        raise FormatError(
            f"{path} is damaged, or no {kind.name}: {kind.made_by} to replace it "
            f"({type(fault).__name__}: {fault})"
        ) from fault
    if name != kind.name:
        raise FormatError(f"{path} holds a {name}, no {kind.name}: give the path of a {kind.name}")
    if version != kind.version:
        remedy = "update the series, or " if version > kind.version else ""
        raise FormatError(
            f"{path} has format {version} of a {kind.name}, and this edition reads format "
            f"{kind.version}: {remedy}{kind.made_by} to replace it"
        )
    return content, settings


def read_csv(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Read a table, with commas or semicolons: its rows, each with its line's number.

    What isn't in UTF-8, or no table, is a ValueError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = max(",;", key=file.readline().count)
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter, strict=True)
            return [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        what = "must be CSV, in UTF-8, each quote closed; save it again as CSV UTF-8"
        raise ValueError(f"{path}: {what} ({error})") from error


def load_first(
    load: Callable[[Path], Content], paths: Iterable[str | Path]
) -> tuple[Path, Content]:
    """Load the first file that is there and has the right format; name those passed over.

    ``load(path)`` raises a FormatError for a file that it can't read. Of the paths, what
    the reader made is first, what is shipped last; why the last is refused, is raised. What is
    returned is the path of the file that was loaded, and what `load` returned.
    """
    *others, last = map(Path, paths)
    for path in others:
        try:
            return path, load(path)
        except FileNotFoundError:
            continue
        except FormatError as fault:
            print(f"Not used: {fault}")
    return last, load(last)
