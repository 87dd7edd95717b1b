"""A folder of awkward files is read or named: each kind, and all of them together."""

import re
import time
import warnings

import numpy as np
import odd_files
import pytest

from helpers import audio


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Return a function that writes a file of a kind, beside one that no list may bring in."""
    (tmp_path / "other.wav").write_bytes(odd_files.wav())
    monkeypatch.chdir(tmp_path)

    def put(name):
        path = tmp_path / name
        path.write_bytes(odd_files.KINDS[name][0]())
        return path

    return put


def attempt(act):
    """Return the result of an act or its AudioError, and the texts of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = act()
        except audio.AudioError as error:
            result = error
    assert all(warning.category is audio.AudioWarning for warning in caught), caught
    return result, [str(warning.message) for warning in caught]


def test_there_are_many_kinds():
    assert len(odd_files.KINDS) >= 100


@pytest.mark.parametrize("name", odd_files.KINDS)
def test_an_odd_file_is_read_or_named(name, put, capfd):
    path, expected = put(name), odd_files.KINDS[name][1]
    begin = time.perf_counter()
    read, said = attempt(lambda: audio.read(path))
    strict, _ = attempt(lambda: audio.read(path, strict=True))
    loaded, _ = attempt(lambda: audio.load(path, sr=16000))
    about, _ = attempt(lambda: audio.info(path))
    assert time.perf_counter() - begin < 10
    assert capfd.readouterr().err == ""  # no chatter of the decoder's own in a notebook
    for text in said + [str(x) for x in (read, strict) if isinstance(x, audio.AudioError)]:
        assert text.startswith(f"{path}: ")  # what is wrong with which file
        assert text.count(str(path)) == 1
    if isinstance(expected, odd_files.Refused):
        assert isinstance(read, audio.AudioError), (len(read[0]), said)
        assert re.search(expected.pattern, str(read), re.DOTALL), read
        assert isinstance(loaded, audio.AudioError)
        return
    assert not isinstance(read, Exception), read
    n_samples, sr = len(read[0]), read[1]
    assert len(loaded) == pytest.approx(n_samples * 16000 / sr, abs=1)
    if isinstance(expected, odd_files.Whole):
        assert not said
        assert n_samples == pytest.approx(expected.n_samples, abs=expected.within)
        assert about.n_samples == pytest.approx(n_samples, abs=max(2304, expected.within))
        np.testing.assert_array_equal(strict[0], read[0])
    else:
        assert len(said) == 1
        assert re.search(expected.pattern, said[0], re.DOTALL), said
        assert n_samples / sr >= expected.at_least, n_samples / sr
        assert isinstance(strict, audio.AudioError)
