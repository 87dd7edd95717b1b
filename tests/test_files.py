import json
import subprocess
import sys
import threading
from dataclasses import dataclass, replace

import numpy as np
import pytest

from helpers import files

# Files that appear when they are complete


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new folder" / "a.txt"
    with files.replacing(path) as temporary:
        temporary.write_text("all of it")
        assert not path.exists()
        assert temporary.name == path.name  # some writers look at the suffix
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


def fail_to_write(path):
    with files.replacing(path) as temporary:
        temporary.write_text("ha")
        raise OSError("full")


def test_what_was_there_stays_when_writing_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="full"):
        fail_to_write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_place_of_no_other(tmp_path):
    def keep(text):
        with files.replacing(tmp_path / "kept") as folder:
            folder.mkdir()
            (folder / "a.txt").write_text(text)

    keep("first")
    with pytest.raises(OSError, match="kept"):
        keep("second")
    assert (tmp_path / "kept" / "a.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.skipif(sys.platform == "win32", reason="it can't limit the size of files")
def test_on_a_full_disk_the_file_is_named(tmp_path):
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        with (
            pytest.raises(OSError, match=r"a\.bin'$"),
            files.replacing(tmp_path / "a.bin") as temporary,
        ):
            temporary.write_bytes(bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert not list(tmp_path.iterdir())


def test_a_link_that_leads_to_itself_gives_way(tmp_path):
    path = tmp_path / "a.txt"
    path.symlink_to(path)
    with files.replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_one_file_may_be_written_while_it_is_written(tmp_path):
    path = tmp_path / "a.txt"
    with files.replacing(path) as outer:
        outer.write_text("outer")
        with files.replacing(path) as inner:
            inner.write_text("inner")
        assert path.read_text() == "inner"
    assert path.read_text() == "outer"
    with files.replacing(path) as outer:
        outer.write_text("later")
        with pytest.raises(OSError, match="full"):
            fail_to_write(path)
    assert path.read_text() == "later"
    assert list(tmp_path.iterdir()) == [path]


def write_again_and_again(path, letter, faults):
    try:
        for _ in range(50):
            with files.replacing(path) as temporary:
                temporary.write_text(letter * 100_000)
    except OSError as fault:
        faults.append(fault)


def test_threads_that_write_one_file_leave_a_whole_one(tmp_path):
    path, faults = tmp_path / "a.txt", []
    threads = [
        threading.Thread(target=write_again_and_again, args=(path, letter, faults))
        for letter in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert path.read_text() in [letter * 100_000 for letter in "abcd"]
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_write_one_file_leave_a_whole_one(tmp_path):
    path = tmp_path / "a.txt"
    code = (
        "import sys\n"
        "from helpers import files\n"
        "path, letter = sys.argv[1:]\n"
        "for _ in range(100):\n"
        "    with files.replacing(path) as temporary:\n"
        "        temporary.write_text(letter * 100_000)\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, path, letter]) for letter in "ab"]
    assert [one.wait() for one in both] == [0, 0]
    assert path.read_text() in ["a" * 100_000, "b" * 100_000]
    assert list(tmp_path.iterdir()) == [path]


# Archives of arrays


@dataclass(frozen=True)
class Settings:
    sr: int = 16_000
    memories: tuple[float, ...] = (0.5, 0.25)

    def __post_init__(self):
        object.__setattr__(self, "memories", tuple(self.memories))
        if self.sr < 1:
            raise ValueError(f"sr must be at least 1 Hz, got {self.sr}")


KIND = files.Kind("test bank", 3, Settings, "run notebook 99")
ARRAYS = {"layer/kernel": np.arange(6.0).reshape(2, 3), "mean": np.float32([1, 2])}


def unpack(arrays, settings):
    """Take the arrays as they are, if they are all there."""
    return {name: arrays[name] for name in ARRAYS}


def load(path, **options):
    return files.load_npz(path, KIND, unpack, **options)


@pytest.fixture
def path(tmp_path):
    return files.save_npz(tmp_path / "new" / "a.npz", KIND, Settings(), ARRAYS)


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_and_settings_survive_the_round_trip(tmp_path, compressed):
    path = tmp_path / "a.npz"
    files.save_npz(path, KIND, Settings(sr=8000), ARRAYS, compressed=compressed)
    arrays, settings = load(path)
    np.testing.assert_equal(arrays, ARRAYS)
    assert [array.dtype for array in arrays.values()] == [np.float64, np.float32]
    assert settings == Settings(sr=8000)


def test_the_same_content_makes_the_same_bytes(path, tmp_path):
    again = files.save_npz(tmp_path / "b.npz", KIND, Settings(), ARRAYS)
    assert again.read_bytes() == path.read_bytes()


def test_a_file_says_what_it_is_without_pickle(path):
    with np.load(path, allow_pickle=False) as content:
        assert str(content["kind"]) == "test bank"
        assert int(content["version"]) == 3
        assert json.loads(str(content["settings"]))["sr"] == 16_000


@pytest.mark.parametrize("how", ["savez", "savez_compressed"])
def test_a_failed_save_leaves_the_old_file(path, monkeypatch, how):
    before = path.read_bytes()

    def crash(file, **content):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, how, crash)
    with pytest.raises(OSError, match="disk full"):
        files.save_npz(path, KIND, Settings(), {}, compressed=how == "savez_compressed")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_file_sends_to_what_makes_it(tmp_path):
    message = r"no test bank at .*x\.npz: run notebook 99, which saves one"
    with pytest.raises(FileNotFoundError, match=message):
        load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("version", "remedy"),
    [(2, "reads format 3: run notebook 99"), (4, "reads format 3: update the series, or run")],
)
def test_an_older_and_a_newer_format_are_named(path, version, remedy):
    files.save_npz(path, replace(KIND, version=version), Settings(), ARRAYS)
    with pytest.raises(files.FormatError, match=rf"a\.npz has format {version} of .*{remedy}"):
        load(path)


def test_a_file_from_before_formats_had_numbers_is_older(path):
    np.savez(path, settings=json.dumps({"sr": 16_000}), **ARRAYS)
    with pytest.raises(files.FormatError, match="has format 0 of a test bank"):
        load(path)


def test_another_kind_of_file_is_named(path):
    files.save_npz(path, replace(KIND, name="cake"), Settings(), ARRAYS)
    with pytest.raises(files.FormatError, match=r"a\.npz holds a cake, no test bank: give the"):
        load(path)


def damage(path, how):
    if how == "folder":
        path.unlink()
        path.mkdir()
        return
    whole = path.read_bytes()
    if how == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "text":
        path.write_text("version https://git-lfs.github.com/spec/v1")
    else:
        with np.load(path) as file:
            content = dict(file)
        if how == "array gone":
            del content["mean"]
        elif how == "settings gone":
            del content["settings"]
        elif how == "pickle":
            content["mean"] = np.array([{}], dtype=object)
        else:
            content[how.split()[0]] = {
                "version name": "three",
                "settings text": "sr=16000",
                "settings list": "[16000]",
                "settings of others": '{"tempo": 120}',
                "settings out of range": '{"sr": 0}',
            }[how]
        np.savez(path, **content)


@pytest.mark.parametrize(
    "how",
    [
        *("folder", "truncated", "text", "array gone", "settings gone", "pickle", "version name"),
        *("settings text", "settings list", "settings of others", "settings out of range"),
    ],
)
def test_a_damaged_file_is_named(path, how):
    damage(path, how)
    message = r"a\.npz is damaged, or no test bank: run notebook 99 to replace it \("
    with pytest.raises(files.FormatError, match=message):
        load(path)


# The reader's own file, or the shipped one


def test_the_readers_own_file_comes_first(path, tmp_path, capsys):
    own = files.save_npz(tmp_path / "own.npz", KIND, Settings(sr=8000), ARRAYS)
    chosen, (_, settings) = files.load_first(load, [own, path])
    assert (chosen, settings.sr) == (own, 8000)
    assert capsys.readouterr().out == ""


def test_without_one_the_shipped_one_is_loaded(path, tmp_path, capsys):
    chosen, (_, settings) = files.load_first(load, [tmp_path / "own.npz", path])
    assert (chosen, settings.sr) == (path, 16_000)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("how", ["older", "truncated"])
def test_a_file_that_cannot_be_read_is_passed_over_with_a_line(path, tmp_path, capsys, how):
    own = files.save_npz(tmp_path / "own.npz", replace(KIND, version=2), Settings(), ARRAYS)
    if how == "truncated":
        damage(own, how)
    assert files.load_first(load, [str(own), str(path)])[0] == path
    said = capsys.readouterr().out
    assert said.startswith(f"Not used: {own} ")
    assert said.count("\n") == 1


def test_the_last_file_says_what_is_wrong_with_it(path, tmp_path):
    damage(path, "truncated")
    with pytest.raises(files.FormatError, match=r"a\.npz is damaged"):
        files.load_first(load, [tmp_path / "own.npz", path])
