import pytest

from helpers import files


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new folder" / "a.txt"
    with files.replacing(path) as temporary:
        temporary.write_text("all of it")
        assert not path.exists()
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
