"""Awkward files are read or named, and nothing but the one file is opened."""

import errno
import io
import re
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import odd_files
import pytest

from helpers import audio, datasets, decoding


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
    begin = time.process_time()
    read, said = attempt(lambda: audio.read(path))
    loaded, _ = attempt(lambda: audio.load(path, sr=16000))
    about, _ = attempt(lambda: audio.info(path))
    assert time.process_time() - begin < 10
    assert capfd.readouterr().err == ""  # no chatter of the decoder's own in a notebook
    for text in said + [str(read)] * isinstance(read, audio.AudioError):
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
    else:
        assert len(said) == 1
        assert re.search(expected.pattern, said[0], re.DOTALL), said
        assert n_samples / sr >= expected.at_least, n_samples / sr


def test_a_folder_of_all_of_them_makes_tracks_of_what_can_be_read(put, tmp_path):
    for name in odd_files.KINDS:
        put(name)
    with pytest.warns(audio.AudioWarning) as caught:
        tracks = datasets.find_tracks(tmp_path)
    said = "\n".join(str(warning.message) for warning in caught)
    taken = {track.path.name for track in tracks}
    refused = {n for n, (_, how) in odd_files.KINDS.items() if isinstance(how, odd_files.Refused)}
    assert not taken & refused
    assert "is a git-lfs pointer" in said
    assert "the same recording as" in said  # most of them hold the same tone


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")
@pytest.mark.parametrize("name", ["http:host", "concat:other.wav|other.wav", "pipe:0", "file:x"])
def test_a_name_is_never_an_address(put, tmp_path, name):
    (tmp_path / name).write_bytes(odd_files.mp3())
    assert len(audio.read(name)[0]) == odd_files.N


@pytest.mark.parametrize("listing", [odd_files.HLS, b"ffconcat version 1.0\nfile 'other.wav'\n"])
def test_a_list_behind_a_tag_stays_shut(put, tmp_path, listing):
    path = tmp_path / "list.mp3"
    path.write_bytes(odd_files.id3(100) + listing)
    with pytest.raises(audio.AudioError, match="is a playlist"):
        audio.read(path)


def test_files_are_read_by_several_threads_at_once(tmp_path):
    names = ["aac.m4a", "low rate.mp3", "deep.flac", "two streams.ogg"] * 3
    for name in set(names):
        (tmp_path / name).write_bytes(odd_files.KINDS[name][0]())
    alone = {name: audio.read(tmp_path / name)[0] for name in set(names)}
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda name: audio.read(tmp_path / name)[0], names)
    for name, samples in zip(names, together, strict=True):
        np.testing.assert_array_equal(samples, alone[name])


def test_a_decoder_counts_what_it_reads_and_leaves_the_file_open():
    file = io.BytesIO(odd_files.mp3())
    with decoding.Decoder(file) as decoder:
        assert decoder.encoding == "mp3"
        assert (decoder.sr, decoder.n_channels, decoder.n_promised) == (44100, 1, odd_files.N)
        lengths = [len(block) for block in decoder.blocks()]
        assert decoder.n_read == sum(lengths) == odd_files.N
        assert decoder.faults == decoder.changes == []
    assert not file.closed


@pytest.mark.parametrize("container", ["MP3", "FLAC", "WAV"])
def test_counting_without_decoding_agrees_with_decoding(container):
    with decoding.Decoder(io.BytesIO(odd_files.written(container))) as decoder:
        assert decoder.count() == pytest.approx(odd_files.N, abs=1152)


@pytest.mark.parametrize("n_good", [0, 20])
def test_a_failing_disk_is_told(tmp_path, monkeypatch, n_good):
    path = tmp_path / "x.wav"
    path.write_bytes(odd_files.wav(seconds=20))
    read, n_calls = decoding._Behind.read, iter(range(1000))

    def fail_later(self, n=-1):
        if next(n_calls) > 4 + n_good:
            raise OSError(5, "Input/output error")
        return read(self, n)

    monkeypatch.setattr(decoding._Behind, "read", fail_later)
    told = attempt(lambda: audio.read(path))
    assert re.search(r"x\.wav: .*Input/output error", str(told))


@pytest.mark.parametrize("whence", [io.SEEK_SET, io.SEEK_CUR, io.SEEK_END])
def test_a_place_before_a_file_is_refused_as_ffmpeg_does(tmp_path, whence):
    path = tmp_path / "x"
    path.write_bytes(bytes(100))
    with path.open("rb") as file:
        behind = decoding._Behind(file, 10)
        assert behind.seek(-500, whence) == -errno.EINVAL
        assert behind.tell() == 0
    behind = decoding._Behind(io.BytesIO(bytes(100)), 10)
    assert behind.seek(-500) == -errno.EINVAL
