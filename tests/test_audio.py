import io
import os
import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import odd_files
import pytest
import scipy.signal
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from helpers import audio

pytestmark = pytest.mark.filterwarnings("error::helpers.audio.AudioWarning")

SR = 44100
MUSIC = Path(__file__).parent.parent / "data" / "music"
TOLERANCE = 2**-15  # one step of 16 bits
waveforms = hnp.arrays(
    np.float32, st.integers(1, 300), elements=st.floats(-1, 1, width=32, allow_subnormal=False)
)

few = settings(deadline=None, max_examples=50)


def noise(n_samples, seed=0, level=0.1):
    return (level * np.random.default_rng(seed).uniform(-1, 1, n_samples)).astype(np.float32)


def loud_then_soft(duration=6.0, sr=SR):
    """Sound whose first frames need many bits and the later ones few: an uneven bit rate."""
    t = np.arange(int(duration * sr)) / sr
    tone = 0.2 * np.sin(2 * np.pi * 440 * t)
    return (tone + (t < duration / 4) * noise(len(t), level=0.3)).astype(np.float32)


def encode(samples, sr=SR, *, container, encoding=None):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sr, format=container, subtype=encoding)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def mp3():
    return audio.encode(loud_then_soft(), sr=SR, suffix=".mp3")


@pytest.fixture
def write(tmp_path):
    def write(data, name="piece.mp3"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def without_xing(data):
    return b"".join(odd_files.mp3_frames(data)[1:])


# Reading what is whole


@pytest.mark.parametrize(
    ("container", "encoding", "named", "tolerance"),
    [
        ("WAV", "PCM_U8", "pcm_u8", 2**-7),
        ("WAV", "PCM_16", "pcm_s16le", 2**-15),
        ("WAV", "PCM_24", "pcm_s24le", 2**-23),
        ("WAV", "PCM_32", "pcm_s32le", 2**-24),
        ("WAV", "FLOAT", "pcm_f32le", 0),
        ("WAV", "DOUBLE", "pcm_f64le", 0),
        ("AIFF", "PCM_16", "pcm_s16be", 2**-15),
        ("FLAC", "PCM_24", "flac", 2**-23),
        ("OGG", "VORBIS", "vorbis", 0.1),
        ("OGG", "OPUS", "opus", 0.1),
        ("MP3", "MPEG_LAYER_III", "mp3", 0.1),
    ],
)
def test_every_format_reads_as_it_was_written(write, container, encoding, named, tolerance):
    sr = 48000
    samples = 0.5 * np.stack(
        [np.sin(2 * np.pi * f0 * np.arange(sr) / sr) for f0 in (220, 330)], axis=1, dtype=np.float32
    )
    path = write(encode(samples, sr, container=container, encoding=encoding), "a b 'ü'.bin")
    got, got_sr = audio.read(path)
    assert got_sr == sr
    assert got.dtype == np.float32
    assert got.shape == samples.shape
    np.testing.assert_allclose(got[4800:-4800], samples[4800:-4800], atol=tolerance)
    about = audio.info(path)
    assert about.encoding == named
    assert (about.sr, about.n_channels, about.n_samples) == (sr, 2, sr)
    assert about.duration == 1
    assert about.kbps == pytest.approx(8 * path.stat().st_size / 1000)


@pytest.mark.parametrize(
    "name",
    [
        "sectoid_feelings.wav",
        "sectoid_war_of_freedom.ogg",
        "corelli_sonata_op3_1_grave.mp3",  # stereo
        "liliuokalani_aloha_oe.mp3",  # 48 kHz
    ],
)
def test_samples_are_those_of_another_decoder_in_place(name):
    path = MUSIC / name
    got, sr = audio.read(path)
    expected, expected_sr = soundfile.read(path, dtype="float32", always_2d=True)
    assert sr == expected_sr
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert audio.info(path).n_samples == len(got)


@pytest.mark.parametrize(
    ("codec", "container", "most_db"),
    [
        ("aac", "ipod", -20),
        ("alac", "ipod", -90),
        ("libopus", "ogg", -20),
        ("libopus", "webm", -20),
        ("libmp3lame", "mp3", -20),
        ("wavpack", "wv", -30),
        ("pcm_s16be", "aiff", -80),
    ],
)
def test_the_delay_of_an_encoder_is_taken_out(write, codec, container, most_db):
    """One sample of delay alone would be an error of -20 dB or more here."""
    sr = 48000
    t = np.arange(2 * sr) / sr
    y = (0.3 * np.sin(2 * np.pi * 800 * t * (1 + t / 20)) * np.sin(np.pi * t / 2)).astype(
        np.float32
    )
    got = audio.load(write(odd_files.mux(y, sr, codec, container), "x.bin"), sr=sr)
    n_common = min(len(got), len(y))
    assert n_common == pytest.approx(2 * sr, abs=960)
    error = got[:n_common] - y[:n_common]
    assert audio.level_dbfs(error) - audio.level_dbfs(y) < most_db
    shifted = got[1:n_common] - y[: n_common - 1]
    assert audio.level_dbfs(shifted) > audio.level_dbfs(error)


@pytest.mark.parametrize("bits", [5, 12, 20])
def test_a_flac_of_any_depth_keeps_its_scale(write, bits):
    y = audio.load(write(odd_files.flac_of(bits), "x.flac"), sr=SR)
    np.testing.assert_allclose(y, odd_files.sound()[:, 0], atol=2.0**-bits)


def test_a_file_too_short_for_a_lower_rate_is_named(write):
    path = write(audio.encode(noise(2), sr=48000), "click.wav")
    with pytest.raises(audio.AudioError, match=r"click\.wav: 2 samples are too few to resample"):
        audio.load(path, sr=8000)


def test_a_rate_too_low_for_music_is_refused_where_it_would_fill_the_memory(write):
    path = write(audio.encode(noise(1000), sr=1), "slow.wav")
    assert len(audio.load(path, sr=1)) == 1000
    with pytest.raises(audio.AudioError, match=r"slow\.wav: claims a sampling rate of 1 Hz"):
        audio.load(path, sr=16000)


def test_memory_is_bounded_by_what_is_asked_for(write):
    path = write(audio.encode(np.zeros(600 * 8000), sr=8000, suffix=".flac"), "silence.flac")
    tracemalloc.start()
    try:
        y = audio.load(path, sr=8000)
        _, peak = tracemalloc.get_traced_memory()
        assert y.nbytes == 600 * 8000 * 4
        assert peak < 1.5 * y.nbytes
        del y
        tracemalloc.reset_peak()
        assert len(audio.load(path, sr=8000, start=590, duration=1.0)) == 8000
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("n_channels", [1, 2, 3, 8])
@pytest.mark.parametrize("sr", [8000, 11025, 22050, 37800, 96000])
def test_any_channel_count_and_any_rate_loads(write, n_channels, sr):
    samples = np.stack([noise(sr // 10, seed) for seed in range(n_channels)], axis=1)
    path = write(encode(samples, sr, container="WAV", encoding="FLOAT"), "x.wav")
    got, got_sr = audio.read(path)
    np.testing.assert_array_equal(got, samples)
    assert got_sr == sr
    np.testing.assert_allclose(audio.load(path, sr=sr), samples.mean(axis=1), atol=1e-7)
    assert len(audio.load(path, sr=44100)) == round(len(samples) * 44100 / sr)


@pytest.mark.parametrize(
    "name", ["ein Stück.mp3", "<b>.mp3", 'it\'s "it".MP3', "音楽.mp3", "noend"]
)
def test_odd_file_names_work(write, mp3, name):
    assert len(audio.load(write(mp3, name), sr=SR)) == len(loud_then_soft())


@pytest.mark.parametrize("start", [0, 0.5, 2.5, 4.75])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
@pytest.mark.parametrize("sr", [SR, 16000, 48000])
def test_a_part_is_what_slicing_the_whole_gives(tmp_path, suffix, start, sr):
    # A tone in a low bit rate: each frame of this MP3 leans on many before it.
    path = audio.save(tmp_path / f"x{suffix}", loud_then_soft(), sr=SR)
    whole = audio.load(path, sr=sr)
    first = round(start * sr)
    part = audio.load(path, sr=sr, start=start, duration=1.25)
    np.testing.assert_array_equal(part, whole[first : first + round(1.25 * sr)])
    rest = audio.load(path, sr=sr, start=start)
    np.testing.assert_array_equal(rest, whole[first:])


@pytest.mark.parametrize("sr", [8000, 16000, 24000, 32000])
def test_a_part_of_the_smallest_mp3_is_what_slicing_the_whole_gives(write, sr):
    buffer = io.BytesIO()
    options = {"format": "MP3", "compression_level": 0.999, "bitrate_mode": "CONSTANT"}
    soundfile.write(buffer, loud_then_soft(sr=sr), sr, **options)
    path = write(buffer.getvalue())
    whole = audio.load(path, sr=sr)
    part = audio.load(path, sr=sr, start=3.3)
    np.testing.assert_array_equal(part, whole[round(3.3 * sr) :])


def test_a_part_that_runs_past_the_end_gives_what_is_there(write, mp3):
    assert len(audio.load(write(mp3), sr=SR, start=5, duration=60)) == SR


@pytest.mark.parametrize("start", [6.0, 7, 1e6])
def test_a_start_beyond_the_end_is_refused(write, mp3, start):
    with pytest.raises(audio.AudioError, match=r"before its end at 6\.00 s"):
        audio.load(write(mp3), sr=SR, start=start)


@pytest.mark.parametrize(
    ("start", "duration"), [(-1, None), (0, 0), (0, -2), (np.nan, 1), (0, np.inf)]
)
def test_impossible_parts_are_refused(write, mp3, start, duration):
    with pytest.raises(audio.AudioError, match="start must be >= 0 s and duration > 0 s"):
        audio.load(write(mp3), sr=SR, start=start, duration=duration)


def test_silence_is_read_and_reported(write):
    y = audio.load(write(audio.encode(np.zeros(SR), sr=SR), "x.wav"), sr=SR)
    assert audio.level_dbfs(y) == -np.inf


def test_load_clips_what_is_beyond_full_scale_and_says_so(write):
    samples = np.array([0.5, 1.02, -1.5, 1.0], dtype=np.float32)
    path = write(encode(samples, container="WAV", encoding="FLOAT"), "loud.wav")
    with pytest.warns(audio.AudioWarning, match=r"loud\.wav: 2 of 4 samples.*peak was 1\.500"):
        y = audio.load(path, sr=SR)
    np.testing.assert_array_equal(y, [0.5, 1, -1, 1])
    np.testing.assert_array_equal(audio.read(path)[0][:, 0], samples)


def test_opposite_channels_cancel(write):
    y = noise(1000)
    path = write(encode(np.stack([y, -y], axis=1), container="WAV", encoding="FLOAT"), "x.wav")
    assert audio.level_dbfs(audio.load(path, sr=SR)) == -np.inf


# Files that hold no audio


def id3(size):
    return b"ID3\x04\0\0" + bytes(size >> 7 * i & 127 for i in (3, 2, 1, 0)) + bytes(size)


@pytest.mark.parametrize(
    ("data", "fault", "mend"),
    [
        (b"", "is empty", "download or export it again"),
        (id3(300), "ID3 tag, but no audio", "download or export"),
        (id3(3000) + b"<html>", "web page", "download the file itself"),
        (b"just some words\n", "is text", "check where it came from"),
        (b"\n<!DOCTYPE html><html><body>404", "web page", "download the file itself"),
        (b"\xef\xbb\xbf<html>", "web page", "download the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\nsize 9", "git-lfs", "git lfs pull"),
        (b"MThd\0\0\0\6\0\1\0\1\0\x60", "MIDI score", "render it"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "its index is missing", "get it again"),
        (b"#EXTM3U\nother.wav", "is a playlist", "name the files themselves"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is a picture", "name a file with sound"),
        (bytes(5000), "zeros only", "get it again"),
        (np.random.default_rng(0).bytes(5000), "damaged, or in a format", "convert it"),
    ],
)
def test_what_is_no_audio_is_named(write, data, fault, mend, capfd):
    path = write(data)
    for act in (audio.info, audio.read, lambda path: audio.load(path, sr=SR)):
        with pytest.raises(audio.AudioError, match=fault) as caught:
            act(str(path))
        assert str(caught.value).startswith(f"{path}: ")
        assert mend in str(caught.value)
    assert capfd.readouterr().err == ""  # no chatter of the decoder's own in a notebook


def test_a_lone_frame_header_is_named(write):
    with pytest.raises(audio.AudioError, match="damaged, or in a format that FFmpeg can't"):
        audio.read(write(b"\xff\xfb\x90\x00" + bytes(10)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(audio.AudioError, match=r"no such\.mp3: no such file; check its name"):
        audio.read(tmp_path / "no such.mp3")


def test_a_folder_is_named(tmp_path):
    with pytest.raises(audio.AudioError, match="is a folder; name a file in it"):
        audio.read(tmp_path)


@pytest.mark.parametrize("look", ["is_dir", "exists", "is_file", "stat"])
def test_a_folder_that_may_not_be_searched_is_named(write, mp3, monkeypatch, look):
    def deny(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    path = write(mp3)
    monkeypatch.setattr(type(path), look, deny)
    for act in (audio.info, audio.read):
        with pytest.raises(audio.AudioError, match=r"piece\.mp3: can't be read \(Permission"):
            act(path)


def test_a_file_that_may_not_be_opened_is_named(write, mp3, monkeypatch):
    def deny(*args):
        raise PermissionError(13, "Permission denied")

    path = write(mp3)
    monkeypatch.setattr(type(path), "open", deny)
    with pytest.raises(audio.AudioError, match=r"can't be read \(Permission denied\)"):
        audio.read(path)


@pytest.mark.parametrize("container", ["WAV", "AIFF", "OGG"])
def test_a_file_without_samples_is_named(write, container):
    path = write(encode(np.zeros(0), container=container), "none")
    for act in (audio.read, lambda path: audio.load(path, sr=SR)):
        with pytest.raises(audio.AudioError, match="holds no samples; record or export it again"):
            act(path)


def test_a_headerless_file_is_named(write):
    with pytest.raises(audio.AudioError, match="a format that FFmpeg can't decode"):
        audio.read(write(bytes(range(256)), "x.raw"))


def test_a_flac_stream_that_states_no_length_reads_whole(write):
    data = bytearray(encode(noise(SR), container="FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path = write(data, "stream.flac")
    assert len(audio.read(path)[0]) == audio.info(path).n_samples == SR


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("encoding", ["FLOAT", "DOUBLE"])
def test_samples_that_are_not_finite_are_refused(write, bad, encoding):
    samples = np.array([0.1, bad, 0.2])
    path = write(encode(samples, container="WAV", encoding=encoding), "bad.wav")
    with pytest.raises(audio.AudioError, match=r"bad\.wav: 1 samples are NaN or infinite"):
        audio.read(path)


def test_more_than_fits_into_memory_is_said(write, mp3, monkeypatch):
    def refuse(*args, **kwargs):
        raise MemoryError

    path = write(mp3)
    monkeypatch.setattr(audio.np, "count_nonzero", refuse)
    with pytest.raises(audio.AudioError, match="more don't fit into memory; load a part"):
        audio.read(path)


# Files that hold less than they promise


def assert_told(path, pattern, at_least):
    """Check that a short read warns; return what was read."""
    with pytest.warns(audio.AudioWarning, match=pattern) as caught:
        samples, sr = audio.read(path)
    assert str(caught[0].message).startswith(f"{path}: read ")
    assert caught[0].filename == __file__  # the warning points at the line that called
    assert len(samples) / sr >= at_least
    return samples[:, 0]


@pytest.mark.parametrize("kept", [0.1, 0.6, 0.95])
def test_a_truncated_mp3_is_told(write, mp3, kept):
    samples = assert_told(
        write(mp3[: int(kept * len(mp3))]), r"s of 6\.000 s promised.*cut off", kept * 2
    )
    assert len(samples) < 6 * SR


def test_an_mp3_that_ends_between_two_frames_is_told(write, mp3):
    frames = odd_files.mp3_frames(mp3)
    assert_told(write(b"".join(frames[:100])), r"s of 6\.000 s promised: the file is cut off", 2)


@pytest.mark.parametrize("insert", [True, False])
@pytest.mark.parametrize("kind", ["random", "zeros"])
def test_an_mp3_with_garbage_in_the_middle_is_read_past_it_and_told(write, mp3, insert, kind):
    garbage = np.random.default_rng(1).bytes(6000) if kind == "random" else bytes(6000)
    half = len(mp3) // 2
    data = mp3[:half] + garbage + mp3[half if insert else half + len(garbage) :]
    assert_told(write(data), r"\d{4} bytes in it are no audio", 5.9 if insert else 4)


def test_an_mp3_zeroed_to_its_end_is_told(write, mp3):
    assert_told(write(mp3[: len(mp3) * 3 // 4].ljust(len(mp3), b"\0")), r"of 6\.000 s promised", 3)


def test_variable_bit_rate_without_a_xing_tag_is_read_whole(write, mp3):
    data = without_xing(mp3)
    alone, _ = soundfile.read(io.BytesIO(data))
    assert len(alone) < 0.6 * 6 * SR  # libsndfile stops without a word
    path = write(data)
    samples, _ = audio.read(path)
    reference, _ = audio.read(write(mp3, "tagged.mp3"))
    delay = 576  # what the encoder put in front, which its lost tag would have told
    np.testing.assert_allclose(samples[delay : delay + len(reference)], reference, atol=1e-6)
    assert audio.info(path).n_samples == len(samples)


@pytest.mark.parametrize("cut", [0.3, 0.7])
def test_without_a_xing_tag_a_file_cut_within_a_frame_is_told(write, mp3, cut):
    data = without_xing(mp3)
    frames = odd_files.mp3_frames(data)
    n_whole = int(cut * len(frames))
    data = b"".join(frames[:n_whole]) + frames[n_whole][:60]
    assert_told(write(data), "ends in the middle of a frame", 0.5)


@pytest.mark.parametrize("tail", [bytes(60_000), np.random.default_rng(3).bytes(60_000)])
def test_without_a_xing_tag_a_spoilt_end_is_told(write, mp3, tail):
    data = without_xing(mp3)
    samples = assert_told(write(data + tail), r"\d{5} bytes in it are no audio", 6)
    with pytest.warns(audio.AudioWarning, match="no audio"):
        assert audio.load(write(data + tail), sr=SR, start=0.5).size == len(samples) - SR // 2


def test_two_mp3s_joined_are_read_to_the_end(write, mp3):
    samples, _ = audio.read(write(mp3 + id3(500) + mp3))
    assert len(samples) == pytest.approx(12 * SR, abs=3000)


@pytest.mark.parametrize("tag", [b"TAG" + bytes(125), b"APETAGEX" + bytes(9000), bytes(2000)])
@pytest.mark.parametrize("bare", [True, False])
def test_tags_around_an_mp3_are_no_fault(write, mp3, tag, bare):
    data = without_xing(mp3) if bare else mp3
    samples, _ = audio.read(write(id3(20_000) + id3(7) + data + tag))
    assert len(samples) == pytest.approx(6 * SR, abs=2000)


def test_a_xing_tag_that_counts_itself_is_no_fault(write, mp3):
    at = mp3.find(b"Xing") + 8
    n_frames = int.from_bytes(mp3[at : at + 4], "big") + 1
    samples, _ = audio.read(write(mp3[:at] + n_frames.to_bytes(4, "big") + mp3[at + 4 :]))
    assert len(samples) == pytest.approx(6 * SR, abs=1152)


def test_a_vbri_tag_is_believed(write, mp3):
    frames = odd_files.mp3_frames(mp3)
    silent = frames[0][:4] + bytes(len(frames[0]) - 4)
    for n_promised, is_whole in ((len(frames) - 1, True), (len(frames) + 40, False)):
        vbri = silent[:36] + b"VBRI\0\1" + bytes(8) + n_promised.to_bytes(4, "big") + silent[54:]
        path = write(vbri + b"".join(frames[1:]))
        if is_whole:
            assert len(audio.read(path)[0]) == pytest.approx(6 * SR, abs=2000)
        else:
            assert_told(path, r"of 7\.\d+ s promised", 6)


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("sr", audio.MP3_RATES)
def test_every_mp3_rate_reads_whole_without_its_tag(write, sr, n_channels):
    y = loud_then_soft(3.0, sr)
    data = encode(np.stack([y] * n_channels, axis=1), sr, container="MP3")
    assert len(audio.load(write(data), sr=sr)) == len(y)
    bare = audio.load(write(without_xing(data)), sr=sr)
    assert len(y) <= len(bare) <= len(y) + 3000


def test_constant_bit_rate_reads_whole_with_and_without_its_tag(write):
    buffer = io.BytesIO()
    options = {"format": "MP3", "compression_level": 0.3, "bitrate_mode": "CONSTANT"}
    soundfile.write(buffer, loud_then_soft(), SR, **options)
    assert b"Info" in buffer.getvalue()[:200]
    assert len(audio.read(write(buffer.getvalue()))[0]) == 6 * SR
    bare, _ = audio.read(write(without_xing(buffer.getvalue())))
    assert len(bare) == pytest.approx(6 * SR, abs=2000)


@pytest.mark.parametrize("container", ["WAV", "AIFF"])
@pytest.mark.parametrize("n_lost", [1, 2, 1000, 40_000])
def test_a_truncated_wav_or_aiff_is_told(write, container, n_lost):
    y = noise(SR)
    data = encode(y, container=container, encoding="PCM_16")
    path = write(data[:-n_lost], "x")
    samples = assert_told(path, r"s of 1\.000 s promised: the file is cut off", 0.5)
    assert len(samples) == SR - -(-n_lost // 2)
    np.testing.assert_allclose(samples, y[: len(samples)], atol=TOLERANCE)
    assert audio.info(path).n_samples == pytest.approx(SR, abs=1)


def test_the_part_of_a_truncated_wav_that_is_there_loads_without_a_warning(write):
    data = audio.encode(noise(SR), sr=SR)[:-40_000]
    path = write(data, "x.wav")
    assert len(audio.load(path, sr=SR, duration=0.5)) == SR // 2
    with pytest.warns(audio.AudioWarning, match="promised"):
        audio.load(path, sr=SR, duration=0.7)
    with (
        pytest.warns(audio.AudioWarning, match="promised"),
        pytest.raises(audio.AudioError, match="before its end"),
    ):
        audio.load(path, sr=SR, start=0.9)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_streamed_without_a_length_reads_whole(write, size):
    data = audio.encode(noise(SR), sr=SR)
    at = data.find(b"data") + 4
    data = data[:at] + size.to_bytes(4, "little") + data[at + 4 :]
    assert len(audio.read(write(data, "x.wav"))[0]) == SR


def test_other_chunks_in_a_wav_are_no_fault(write):
    data = audio.encode(noise(SR), sr=SR)
    data = data[:36] + b"note\3\0\0\0abc\0" + data[36:] + b"LIST\4\0\0\0abcd"
    assert len(audio.read(write(data, "x.wav"))[0]) == SR


def test_a_wav_without_sound_chunk_is_named(write):
    with pytest.raises(
        audio.AudioError, match=r"x\.wav: begins as a WAV file, but is damaged or cut off"
    ):
        audio.read(write(audio.encode(noise(SR), sr=SR)[:36], "x.wav"))


@pytest.mark.parametrize("fault", ["truncated", "zeros", "last bytes"])
def test_a_damaged_flac_is_told(write, fault):
    y = noise(2 * SR)
    data = encode(y, container="FLAC")
    half = len(data) // 2
    damaged = {
        "truncated": data[:half],
        "zeros": data[:half] + bytes(3000) + data[half + 3000 :],
        "last bytes": data[:-20],
    }
    samples = assert_told(write(damaged[fault], "x.flac"), r"s of 2\.000 s promised", 0.9)
    before = len(samples) if fault != "zeros" else 40960  # ten frames of 4096 samples
    np.testing.assert_allclose(samples[:before], y[:before], atol=TOLERANCE)
    after = len(samples) - before  # damaged frames are left out: they would be noise
    np.testing.assert_allclose(samples[before:], y[len(y) - after :], atol=TOLERANCE)


def test_a_flac_of_which_nothing_decodes_is_refused(write):
    path = write(encode(noise(SR), container="FLAC")[:1000], "x.flac")
    with (
        pytest.warns(audio.AudioWarning, match=r"read 0\.000 s of 1\.000 s"),
        pytest.raises(audio.AudioError, match="nothing could be decoded"),
    ):
        audio.read(path)


def test_a_flac_behind_an_id3_tag_reads_whole(write):
    data = id3(100) + encode(noise(SR), container="FLAC")
    assert len(audio.read(write(data, "x.flac"))[0]) == SR


@pytest.mark.parametrize("encoding", ["VORBIS", "OPUS"])
def test_a_damaged_ogg_is_told(write, encoding):
    data = encode(noise(5 * 48000), 48000, container="OGG", encoding=encoding)
    half = len(data) // 2
    assert_told(write(data[:half], "cut.ogg"), "ends in the middle of a page", 1)
    spoilt = data[:half] + bytes(5000) + data[half + 5000 :]
    assert_told(write(spoilt, "spoilt.ogg"), r"s of 5\.000 s promised", 1)


@pytest.mark.parametrize("encoding", ["VORBIS", "OPUS"])
def test_two_oggs_joined_are_read_to_the_end(write, encoding):
    parts = [encode(noise(n * 48000, n), 48000, container="OGG", encoding=encoding) for n in (3, 2)]
    path = write(b"".join(parts), "joined.ogg")
    samples, _ = audio.read(path)
    assert len(samples) == pytest.approx(5 * 48000, abs=400)
    assert audio.info(path).n_samples == pytest.approx(5 * 48000, abs=400)


def test_a_wav_named_mp3_reads_as_what_it_is(write):
    y = noise(1000)
    np.testing.assert_allclose(audio.load(write(audio.encode(y, sr=SR)), sr=SR), y, atol=TOLERANCE)


# Rates and channels


@pytest.mark.parametrize(
    ("sr_from", "sr_to"), [(44100, 22050), (22050, 44100), (48000, 44100), (8000, 37800)]
)
def test_resampling_agrees_with_scipy_and_librosa(sr_from, sr_to):
    t_from, t_to = np.arange(sr_from) / sr_from, np.arange(sr_to) / sr_to
    tones = [(0.3, 440.0), (0.2, 1234.5), (0.1, 3000.0)]  # all well below both Nyquist frequencies

    def signal(t):
        return np.sin(np.pi * t) ** 2 * sum(a * np.sin(2 * np.pi * f0 * t) for a, f0 in tones)

    y = signal(t_from).astype(np.float32)
    got = audio.resample(y, sr_from=sr_from, sr_to=sr_to)
    assert got.dtype == np.float32
    assert len(got) == sr_to
    divisor = np.gcd(sr_from, sr_to)
    by_scipy = scipy.signal.resample_poly(y, sr_to // divisor, sr_from // divisor)
    by_librosa = librosa.resample(y, orig_sr=sr_from, target_sr=sr_to, res_type="soxr_hq")
    np.testing.assert_allclose(got, signal(t_to), atol=1e-4)
    np.testing.assert_allclose(got, by_librosa, atol=1e-6)
    np.testing.assert_allclose(got, by_scipy, atol=3e-3)


def test_resampling_removes_what_the_new_rate_cannot_hold():
    y = np.sin(2 * np.pi * 15000 * np.arange(SR) / SR).astype(np.float32)
    middle = audio.resample(y, sr_from=SR, sr_to=22050)[2000:-2000]
    assert audio.level_dbfs(middle) < -100


def test_too_little_to_resample_is_refused():
    with pytest.raises(
        audio.AudioError, match=r"y at its new rate must have shape .* and not be empty"
    ):
        audio.resample(noise(2), sr_from=48000, sr_to=8000)


def test_the_same_rate_changes_nothing():
    y = noise(100)
    assert audio.resample(y, sr_from=SR, sr_to=SR) is y


@pytest.mark.parametrize("sr", [0, -1, 0.5, 22050.5, np.nan, np.inf, "44100", None])
def test_impossible_rates_are_refused(sr):
    with pytest.raises(audio.AudioError, match="sr must be a whole number of hertz"):
        audio.resample(noise(100), sr_from=SR, sr_to=sr)
    with pytest.raises(audio.AudioError, match="sr must be a whole number of hertz"):
        audio.encode(noise(100), sr=sr)


@few
@given(waveforms, st.integers(1, 9))
def test_equal_channels_mix_to_themselves(y, n_channels):
    mono = audio.to_mono(np.repeat(y[:, None], n_channels, axis=1))
    assert mono.dtype == np.float32
    np.testing.assert_allclose(mono, y, rtol=1e-6)


@few
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 50), st.integers(1, 9)),
        elements=st.floats(-1, 1, width=32),
    )
)
def test_mixing_never_leaves_the_range(samples):
    y = audio.to_mono(samples)
    assert y.shape == samples.shape[:1]
    assert np.abs(y).max() <= np.abs(samples).max() * (1 + 1e-6)


def test_a_mono_waveform_passes_unchanged():
    y = noise(10)
    assert audio.to_mono(y) is y


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 44100)), "time is axis 0"),
        (np.zeros((0, 2)), "not be empty"),
        (np.zeros((5, 0)), "not be empty"),
        (np.zeros((5, 2, 2)), "one axis"),
        (np.zeros((5, 2), dtype=np.int16), "from_int16"),
        (np.zeros(5, dtype=np.int16), "from_int16"),
    ],
)
def test_what_cannot_be_mixed_is_refused(samples, message):
    with pytest.raises(audio.AudioError, match=message):
        audio.to_mono(samples)


# Integers


def test_all_integers_survive_the_round_trip():
    integers = np.arange(-32768, 32768).astype(np.int16)
    y = audio.from_int16(integers)
    assert y.dtype == np.float32
    assert (y.min(), y.max()) == (-1, 32767 / 32768)
    np.testing.assert_array_equal(audio.to_int16(y), integers)


@few
@given(waveforms)
def test_rounding_is_off_by_half_a_step_at_most(y):
    error = audio.from_int16(audio.to_int16(y)) - y
    inside = y < 1 - TOLERANCE / 2  # 1.0 itself becomes the last step below it
    assert np.abs(error[inside]).max(initial=0) <= TOLERANCE / 2
    assert np.abs(error).max() <= TOLERANCE


@few
@given(hnp.arrays(np.float32, st.integers(1, 50), elements=st.floats(-100, 100, width=32)))
def test_what_is_too_loud_is_clipped_and_never_wraps(y):
    integers = audio.to_int16(y)
    assert np.all(np.sign(integers) * np.sign(y) >= 0)
    assert np.all(integers[y >= 1] == 32767)
    assert np.all(integers[y <= -1] == -32768)


def test_only_int16_is_taken_back():
    with pytest.raises(audio.AudioError, match="must be int16, got int32"):
        audio.from_int16(np.zeros(3, dtype=np.int32))


# Writing


@few
@given(waveforms, st.integers(1, 65_535), st.sampled_from([".wav", ".flac"]))
def test_lossless_files_load_as_the_integers_that_were_saved(tmp_path_factory, y, sr, suffix):
    path = tmp_path_factory.getbasetemp() / f"round_trip{suffix}"
    assert audio.save(path, y, sr=sr) == path
    np.testing.assert_array_equal(audio.load(path, sr=sr), audio.from_int16(audio.to_int16(y)))
    integers, _ = soundfile.read(path, dtype="int16")
    np.testing.assert_array_equal(integers, audio.to_int16(y))


@pytest.mark.parametrize("n_samples", [1, 2, 1151, 1152, 1153, 65536, 65537])
@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".wav", ".flac"])
def test_every_length_is_kept(tmp_path, n_samples, suffix):
    path = audio.save(tmp_path / f"x{suffix}", noise(n_samples), sr=SR)
    assert len(audio.load(path, sr=SR)) == n_samples


def test_a_minute_of_ogg_is_written(tmp_path):
    path = audio.save(tmp_path / "x.ogg", noise(60 * SR), sr=SR)  # at once, libsndfile crashes
    assert audio.info(path).duration == 60


@pytest.mark.parametrize("suffix", [".ogg", ".mp3"])
def test_lossy_files_sound_alike_and_quality_costs_bytes(tmp_path, suffix):
    y = (0.5 * np.sin(np.arange(2 * SR) ** 1.4 / 1000)).astype(np.float32)
    sizes = []
    for quality in (0, 0.5, 1):
        path = audio.save(tmp_path / f"x{suffix}", y, sr=SR, quality=quality)
        sizes.append(path.stat().st_size)
        assert audio.level_dbfs(audio.load(path, sr=SR)) == pytest.approx(
            audio.level_dbfs(y), abs=0.5
        )
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.8 * sizes[2]


def test_encoding_is_deterministic_except_for_ogg(mp3):
    assert audio.encode(loud_then_soft(), sr=SR, suffix=".MP3") == mp3


@pytest.mark.parametrize(
    ("suffix", "sr", "quality", "message"),
    [
        (".m4a", SR, None, r"suffix must be one of \.wav, \.flac, \.ogg, \.mp3, got '\.m4a'"),
        ("", SR, None, "suffix must be one of"),
        (".mp3", 37800, None, "MP3 can't have 37800 Hz; resample to 8000, "),
        (".ogg", 200_001, None, "Ogg Vorbis holds rates up to 200000 Hz"),
        (".flac", 65_537, None, r"FLAC can't have 65537 Hz; resample"),
        (".flac", 700_000, None, "FLAC can't have 700000 Hz"),
        (".wav", 2**40, None, "WAV can't have"),
        (".wav", SR, 0.5, "lossless"),
        (".flac", SR, 0.5, "lossless"),
        (".mp3", SR, 1.5, "quality must lie between 0"),
        (".ogg", SR, -0.1, "quality must lie between 0"),
    ],
)
def test_formats_that_cannot_be_written_are_refused(tmp_path, suffix, sr, quality, message):
    with pytest.raises(audio.AudioError, match=message):
        audio.save(tmp_path / f"x{suffix}", noise(100), sr=sr, quality=quality)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(0), r"not be empty, got shape \(0,\)"),
        (np.zeros((10, 2)), r"one axis, got shape \(10, 2\)"),
        (np.float32(0.5), "one axis"),
        (np.array([0.1, np.nan, np.inf]), r"in 2 of 3 values, the first at index \[1\]"),
        (np.array([1e300]), "NaN or infinity"),
        (np.zeros(10, dtype=np.int16), "floating point"),
        (np.zeros(10, dtype=np.complex64), "floating point"),
        (np.array([0.5, 1.2, -1.01]), r"peak of 1\.200 \(2 samples beyond\).*np.clip it"),
    ],
)
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_what_is_no_waveform_is_not_saved(tmp_path, y, message, suffix):
    with pytest.raises(audio.AudioError, match=message):
        audio.save(tmp_path / f"x{suffix}", y, sr=SR)
    assert not list(tmp_path.iterdir())


def fail_when_encoding(monkeypatch):
    def write(self, data):
        raise RuntimeError("power cut")

    monkeypatch.setattr(soundfile.SoundFile, "write", write)
    return RuntimeError


def fail_when_writing(monkeypatch):
    def write_bytes(self, data):
        with open(self, "wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", write_bytes)
    return audio.AudioError


def fail_when_renaming(monkeypatch):
    def replace(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", replace)
    return audio.AudioError


@pytest.mark.parametrize("fail", [fail_when_encoding, fail_when_writing, fail_when_renaming])
def test_where_saving_fails_the_old_file_stays_whole(tmp_path, monkeypatch, fail):
    path = audio.save(tmp_path / "x.wav", noise(1000), sr=SR)
    before = path.read_bytes()
    error = fail(monkeypatch)
    with pytest.raises(error, match=r"power cut|x\.wav: can't be written"):
        audio.save(path, noise(5000, seed=1), sr=SR)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_saving_replaces_an_old_file(tmp_path):
    path = tmp_path / "x.wav"
    for n_samples in (1000, 10):
        audio.save(str(path), noise(n_samples), sr=SR)
        assert audio.info(path).n_samples == n_samples


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(audio.AudioError, match=r"the folder .*no such folder does not exist"):
        audio.save(tmp_path / "no such folder" / "x.wav", noise(10), sr=SR)


def test_a_folder_is_never_replaced(tmp_path):
    (tmp_path / "x.wav").mkdir()
    with pytest.raises(audio.AudioError, match=r"x\.wav: can't be written"):
        audio.save(tmp_path / "x.wav", noise(10), sr=SR)
    assert list(tmp_path.iterdir()) == [tmp_path / "x.wav"]


# Reports


def test_levels_of_known_signals():
    t = np.arange(SR) / SR
    assert audio.level_dbfs(np.sin(2 * np.pi * 441 * t)) == pytest.approx(-3.01, abs=0.001)
    assert audio.level_dbfs(np.ones(10)) == 0
    assert audio.level_dbfs(np.full(10, 0.5)) == pytest.approx(-6.02, abs=0.001)
