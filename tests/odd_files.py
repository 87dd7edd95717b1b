"""Small files that are bad or odd, as people have them, each with what must happen.

They are made anew for each run, by encoders and by changing bytes; the kinds come from public files
and from reports about other programs (libsndfile, FFmpeg, mutagen's kin, players).
"""

import io
import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
import soundfile

from helpers import decoding

SR = 44100
SECONDS = 2
N = SECONDS * SR


@dataclass(frozen=True)
class Whole:
    """Reads without a word: about so many samples."""

    n_samples: int = N
    within: int = 0


@dataclass(frozen=True)
class Partly:
    """Reads with a warning that matches, at least so many seconds."""

    pattern: str
    at_least: float


@dataclass(frozen=True)
class Refused:
    """Is refused by an AudioError that matches."""

    pattern: str


# Making sound


@cache
def sound(seconds=SECONDS, sr=SR, channels=1):
    """A tone with noise at first: uneven bit rates, and no two seconds alike."""
    t = np.arange(round(seconds * sr)) / sr
    noise = np.random.default_rng(0).uniform(-1, 1, (len(t), channels))
    y = 0.2 * np.sin(2 * np.pi * 440 * t * (1 + t / 10))[:, None] + 0.1 * noise * (t < 0.7)[:, None]
    return y.astype(np.float32)


@cache
def written(container, encoding=None, seconds=SECONDS, sr=SR, channels=1):
    """A file by libsndfile."""
    buffer = io.BytesIO()
    y = sound(seconds, sr, channels)
    soundfile.write(buffer, y, sr, format=container, subtype=encoding)
    return buffer.getvalue()


@cache
def muxed(codec, container, sr=SR, with_video=False, **options):
    """A file by FFmpeg; without a codec it has no sound."""
    return mux(sound(sr=sr)[:, 0], sr, codec, container, with_video=with_video, **options)


def mux(y, sr, codec, container, *, with_video=False, **options):
    """Encode a mono waveform by FFmpeg, into a file, because some containers go back in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made"
        with av.open(path, "w", format=container, options=options) as output:
            packets = [frames_of_video(output)] if with_video else []
            packets += [frames_of_sound(output, y, sr, codec)] if codec else []
            for packet in itertools.chain(*packets):
                output.mux(packet)
        return path.read_bytes()


def frames_of_video(output):
    stream = output.add_stream("mpeg4", rate=10)
    stream.width = stream.height = 32
    stream.pix_fmt = "yuv420p"
    picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
    return (packet for frame in (picture, None) for packet in stream.encode(frame))


def frames_of_sound(output, y, sr, codec):
    stream = output.add_stream(codec, rate=sr, layout="mono")
    stream.bit_rate = 128_000
    frame = av.AudioFrame.from_ndarray(y[None], format="fltp", layout="mono")
    frame.rate, frame.pts = sr, 0
    kind = stream.codec_context.codec.audio_formats[0].name
    size = stream.codec_context.frame_size or None
    fit = av.AudioResampler(format=kind, layout="mono", rate=sr, frame_size=size)
    parts = [*fit.resample(frame), *fit.resample(None), None]
    return (packet for part in parts for packet in stream.encode(part))


def moved_to(ts, stream):
    """An MPEG-TS whose second half is sound of another stream, which nothing announces."""
    packets = [bytearray(ts[at : at + 188]) for at in range(0, len(ts), 188)]
    for packet in packets[len(packets) // 2 :]:
        if packet[1] & 31 == 1:  # 0x100, the first stream
            packet[1:3] = (packet[1] & 0xE0, stream)
    return b"".join(packets)


def mp3(**options):
    return written("MP3", **options)


def wav(**options):
    return written("WAV", "PCM_16", **options)


# Changing bytes


def mp3_frames(data):
    """Split an MP3 that holds nothing but frames."""
    frames = []
    while data:
        size = decoding._frame_size(data[:4])
        frames.append(data[:size])
        data = data[size:]
    return frames


def bare(data):
    """An MP3 without the frame that holds its tag."""
    return b"".join(mp3_frames(data)[1:])


def id3(size, content=b""):
    size_bytes = bytes(size >> 7 * i & 127 for i in (3, 2, 1, 0))
    return b"ID3\x04\0\0" + size_bytes + content.ljust(size, b"\0")


def noise(n_bytes, seed=1):
    return np.random.default_rng(seed).bytes(n_bytes)


def put(data, at, new):
    """Put bytes in place of others."""
    return data[:at] + new + data[at + len(new) :]


def unusual(caf):
    """The same CAF, but its one channel is described as belonging to no loudspeaker."""
    at = caf.index(b"chan")
    described = bytes(8) + (1).to_bytes(4, "big") + bytes(20)
    return caf[: at + 4] + len(described).to_bytes(8, "big") + described + caf[at + 24 :]


def after(data, mark, n_bytes, new):
    """Put bytes in place of others that stand so many bytes after the begin of a mark."""
    return put(data, data.index(mark) + n_bytes, new)


def cut(data, share=0.5):
    return data[: round(share * len(data))]


def cut_between_frames(data):
    frames = mp3_frames(data)
    return b"".join(frames[: len(frames) // 2])


def hole(data, n_bytes=3000, fill=b"\0", share=0.5):
    return put(data, round(share * len(data)), fill * n_bytes)


def chunk(name, content):
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


def wav_of(*chunks, size=None):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + (len(body) if size is None else size).to_bytes(4, "little") + body


def fmt(kind=1, channels=1, sr=SR, bits=16):
    align = channels * bits // 8
    numbers = ((kind, 2), (channels, 2), (sr, 4), (sr * align % 2**32, 4), (align, 2), (bits, 2))
    return chunk(b"fmt ", b"".join(number.to_bytes(size, "little") for number, size in numbers))


def pcm():
    return (sound()[:, 0] * 32768).astype("<i2").tobytes()


def apic():
    """An ID3 tag with a picture in it that has bytes like the headers of frames."""
    frame = b"APIC" + (40_000).to_bytes(4, "big")
    return id3(60_000, frame + b"\0\0\0image/png\0\3\0" + b"\xff\xfb\x90\x64" * 9000)


def without_end_mark(data):
    """An Ogg file whose last page isn't marked as the last."""
    at = data.rindex(b"OggS")
    page = bytearray(data[at:])
    page[5] &= ~4
    page[22:26] = bytes(4)
    page[22:26] = checksum(page, 0x04C11DB7, 32)[::-1]
    return data[:at] + bytes(page)


def flac_of(bits):
    """A FLAC of any depth, its samples as they are; libsndfile writes and reads a few depths."""
    block = 4410
    integers = np.round(sound()[:, 0] * 2 ** (bits - 1)).astype(np.int64)
    info = f"{block:016b}" * 2 + "0" * 48 + f"{SR:020b}" + "000" + f"{bits - 1:05b}" + f"{N:036b}"
    data = b"fLaC\x80\0\0\x22" + packed(info) + bytes(16)
    for number, samples in enumerate(integers.reshape(-1, block)):
        head = packed("1" * 13 + "000" + "01111001" + "0000" + "000" + "0")
        head += bytes([number]) + (block - 1).to_bytes(2, "big")
        head += checksum(head, 0x07, 8)
        values = "".join(f"{value % 2**bits:0{bits}b}" for value in samples.tolist())
        frame = head + packed("00000010" + values)
        data += frame + checksum(frame, 0x8005, 16)
    return data


def packed(bits):
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def checksum(data, polynomial, n_bits):
    """A cyclic redundancy check, the highest bit first, as bytes."""
    value, top = 0, 1 << (n_bits - 1)
    for byte in data:
        value ^= byte << (n_bits - 8)
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value & top else 0)) % (2 * top)
    return value.to_bytes(n_bits // 8, "big")


def without_length(flac):
    return put(put(flac, 22, bytes(4)), 21, bytes([flac[21] & 0xF0]))


def long_flac(flac):
    return put(flac, 22, (12 * 3600 * SR).to_bytes(4, "big"))


def long_mp3(data):
    return after(data, b"Xing", 8, (12 * 3600 * SR // 1152).to_bytes(4, "big"))


def without_index(mp4):
    return mp4.replace(b"moov", b"gone")


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:other.wav\n#EXT-X-ENDLIST\n"
CUE = b'FILE "other.wav" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n'
DAMAGED = "damaged or cut off; get a whole copy"
CUT = r"read [\d.]+ s of 2\.\d+ s promised.*the file is cut off or damaged\. Get a whole copy"

KINDS: dict[str, tuple[Callable[[], bytes], Whole | Partly | Refused]] = {
    # Whole files in the formats that people have
    "aac.m4a": (lambda: muxed("aac", "ipod"), Whole()),
    "alac.m4a": (lambda: muxed("alac", "ipod"), Whole()),
    "index first.m4a": (lambda: muxed("aac", "ipod", movflags="faststart"), Whole()),
    "fragments.mp4": (
        lambda: muxed("aac", "mp4", movflags="frag_keyframe+empty_moov"),
        Whole(within=2048),
    ),
    "film.mp4": (lambda: muxed("aac", "mp4", with_video=True), Whole(within=2048)),
    "quicktime.mov": (lambda: muxed("aac", "mov"), Whole()),
    "stream.aac": (lambda: muxed("aac", "adts"), Whole(within=2048)),
    "ogg.opus": (lambda: muxed("libopus", "ogg", sr=48000), Whole(96000)),
    "opus.webm": (lambda: muxed("libopus", "webm", sr=48000), Whole(96000, within=960)),
    "flac.mka": (lambda: muxed("flac", "matroska"), Whole()),
    "flac in ogg.oga": (lambda: muxed("flac", "ogg"), Whole()),
    "two.wma": (lambda: muxed("wmav2", "asf"), Whole(within=4096)),
    "layer two.mp2": (lambda: muxed("mp2", "mp2"), Whole(within=1152)),
    "dolby.ac3": (lambda: muxed("ac3", "ac3"), Whole(within=1536)),
    "pack.wv": (lambda: muxed("wavpack", "wv"), Whole()),
    "true.tta": (lambda: muxed("tta", "tta"), Whole()),
    "film.flv": (lambda: muxed("aac", "flv"), Whole(within=2048)),
    "broadcast.ts": (lambda: muxed("aac", "mpegts"), Whole(within=2048)),
    "film.avi": (lambda: muxed("mp3", "avi"), Whole(within=2304)),
    "apple.caf": (lambda: written("CAF"), Whole()),
    "unusual layout.caf": (lambda: unusual(muxed("pcm_s16be", "caf")), Whole()),
    "sun.au": (lambda: written("AU"), Whole()),
    "sony.w64": (lambda: written("W64"), Whole()),
    "long.rf64": (lambda: written("RF64"), Whole()),
    "creative.voc": (lambda: written("VOC"), Whole()),
    "speech.nist": (lambda: written("NIST"), Whole()),
    "float.aifc": (lambda: written("AIFF", "FLOAT"), Whole()),
    "compressed.aifc": (lambda: written("AIFF", "ULAW"), Whole()),
    "eight.aiff": (lambda: written("AIFF", "PCM_S8"), Whole()),
    "gsm.wav": (lambda: written("WAV", "GSM610", sr=8000), Whole(16000, within=320)),
    "ms adpcm.wav": (lambda: written("WAV", "MS_ADPCM"), Whole(within=2048)),
    "ima adpcm.wav": (lambda: written("WAV", "IMA_ADPCM"), Whole(within=2048)),
    "a-law.wav": (lambda: written("WAV", "ALAW"), Whole()),
    "mu-law.wav": (lambda: written("WAV", "ULAW"), Whole()),
    "g722.wav": (lambda: muxed("g722", "wav"), Whole()),
    "mp3 in.wav": (lambda: muxed("mp3", "wav"), Whole(within=2304)),
    "extensible.wav": (lambda: written("WAVEX", "PCM_24", channels=6), Whole()),
    "double.wav": (lambda: written("WAV", "DOUBLE"), Whole()),
    "deep.flac": (lambda: written("FLAC", "PCM_24"), Whole()),
    "shallow.flac": (lambda: written("FLAC", "PCM_S8"), Whole()),
    "twelve bits.flac": (lambda: flac_of(12), Whole()),
    "twenty bits.flac": (lambda: flac_of(20), Whole()),
    "many channels.flac": (lambda: written("FLAC", channels=8), Whole()),
    # Named as what they are not
    "wav.mp3": (lambda: wav(), Whole()),
    "m4a.mp3": (lambda: muxed("aac", "ipod"), Whole()),
    "mp3.wav": (lambda: mp3(), Whole()),
    "flac.bin": (lambda: written("FLAC"), Whole()),
    # MP3
    "no tag.mp3": (lambda: bare(mp3()), Whole(within=1700)),
    "low rate.mp3": (lambda: mp3(sr=8000), Whole(16000)),
    "picture.mp3": (lambda: apic() + mp3(), Whole()),
    "two tags.mp3": (lambda: id3(300) + id3(7) + mp3(), Whole()),
    "tags behind.mp3": (
        lambda: mp3() + b"APETAGEX" + bytes(60) + b"TAG" + bytes(125),
        Whole(),
    ),
    "large tag behind.mp3": (lambda: mp3() + b"APETAGEX" + noise(9000), Whole(within=1200)),
    "padded.mp3": (lambda: mp3() + bytes(2000), Whole(within=1200)),
    "a line behind.mp3": (lambda: bare(mp3()) + b"\n", Whole(within=1700)),
    "two zeros behind.mp3": (lambda: bare(mp3()) + bytes(2), Whole(within=1700)),
    "joined.mp3": (lambda: mp3() + mp3(), Whole(2 * N, within=4000)),
    "joined, tags between.mp3": (
        lambda: mp3() + b"TAG" + bytes(125) + apic() + mp3(),
        Whole(2 * N, within=4000),
    ),
    "joined without tags.mp3": (lambda: bare(mp3()) * 3, Whole(3 * N, within=6000)),
    "joined at other rates.mp3": (
        lambda: bare(mp3()) + bare(mp3(sr=48000)),
        Partly(r"from 2\.\d\d s on it has 48000 Hz and 1 channels, which were brought", 3.9),
    ),
    "mono, then stereo.mp3": (
        lambda: bare(mp3()) + bare(mp3(channels=2)),
        Partly(r"from 2\.\d\d s on it has 44100 Hz and 2 channels", 3.9),
    ),
    "a frame of another kind.mp3": (
        lambda: (
            cut_between_frames(mp3())
            + b"".join(mp3_frames(mp3(channels=2))[2:4])
            + mp3()[len(cut_between_frames(mp3())) :]
        ),
        Partly("2 frames unlike their neighbours were left out", 1.9),
    ),
    "counts its tag.mp3": (
        lambda: after(mp3(), b"Xing", 8, len(mp3_frames(mp3())).to_bytes(4, "big")),
        Whole(within=1152),
    ),
    "junk first.mp3": (lambda: noise(300) + mp3(), Whole(within=2400)),
    "junk inside.mp3": (
        lambda: cut(mp3()) + noise(6000) + mp3()[round(len(mp3()) / 2) :],
        Partly(r"\d{4} bytes in it are no audio and were skipped", 1.9),
    ),
    "zeros inside.mp3": (lambda: hole(mp3()), Partly(r"\d{4} bytes in it are no audio", 0.9)),
    "zeros to the end.mp3": (lambda: cut(mp3()).ljust(len(mp3()), b"\0"), Partly(CUT, 0.5)),
    "cut.mp3": (lambda: cut(mp3()), Partly(CUT, 0.5)),
    "cut without tag.mp3": (
        lambda: bare(mp3())[:-60],
        Partly("it ends in the middle of a frame, so it was cut off", 1.9),
    ),
    "twelve hours.mp3": (lambda: long_mp3(mp3()), Partly(r"2\.\d+ s of 43\d+\.\d+ s", 2)),
    "only a tag.mp3": (lambda: id3(3000), Refused("holds an ID3 tag, but no audio; download")),
    "tag longer than the file.mp3": (
        lambda: id3(3000)[:500],
        Refused("holds an ID3 tag, but no audio"),
    ),
    # An ID3 tag before what has none
    "tagged.aac": (lambda: id3(5000) + muxed("aac", "adts"), Whole(within=2048)),
    "tagged.tta": (lambda: id3(5000) + muxed("tta", "tta"), Whole()),
    "tagged.flac": (lambda: apic() + written("FLAC"), Whole()),
    "tagged.wav": (lambda: id3(300_000) + wav(), Whole()),
    "tagged.m4a": (lambda: id3(300) + muxed("alac", "ipod"), Whole()),
    "tagged.ogg": (lambda: id3(300) + written("OGG"), Whole()),
    # WAV
    "size zero.wav": (lambda: after(wav(), b"data", 4, bytes(4)), Whole()),
    "size unknown.wav": (lambda: after(wav(), b"data", 4, b"\xff" * 4), Whole()),
    "size near 2 GiB.wav": (lambda: after(wav(), b"data", 4, b"\0\xf0\xff\x7f"), Whole()),
    "no sizes at all.wav": (
        lambda: put(after(wav(), b"data", 4, bytes(4)), 4, bytes(4)),
        Whole(),
    ),
    "cut.wav": (lambda: cut(wav()), Partly(CUT, 0.9)),
    "cut within a sample.wav": (lambda: wav()[:-1001], Partly(CUT, 1.9)),
    "twelve hours.wav": (
        lambda: after(wav(), b"data", 4, (2 * 6 * 3600 * SR).to_bytes(4, "little")),
        Partly(r"2\.000 s of 21600\.000 s promised", 2),
    ),
    "three gigabytes, cut.wav": (
        lambda: after(wav(), b"data", 4, (3 * 10**9).to_bytes(4, "little")),
        Partly(r"2\.000 s of 34013\.605 s promised", 2),
    ),
    "chunks around.wav": (
        lambda: wav_of(
            chunk(b"JUNK", bytes(27)),
            fmt(),
            chunk(b"note", b"odd"),
            chunk(b"data", pcm()),
            chunk(b"id3 ", id3(50)),
            chunk(b"LIST", b"INFO"),
        ),
        Whole(),
    ),
    "no sound in.wav": (lambda: wav_of(fmt(), chunk(b"data", b"")), Refused("holds no samples")),
    "no data.wav": (lambda: wav_of(fmt()), Refused(f"begins as a WAV file, but is {DAMAGED}")),
    "no format.wav": (lambda: wav_of(chunk(b"data", pcm())), Refused(DAMAGED)),
    "no channels.wav": (lambda: wav_of(fmt(channels=0), chunk(b"data", pcm())), Refused("damaged")),
    "no rate.wav": (lambda: wav_of(fmt(sr=0), chunk(b"data", pcm())), Refused("damaged")),
    "absurd rate.wav": (
        lambda: wav_of(fmt(sr=2_000_000_000), chunk(b"data", pcm())),
        Refused("claims 1 channels at 2000000000 Hz, so its header is damaged"),
    ),
    "no bits.wav": (lambda: wav_of(fmt(bits=0), chunk(b"data", pcm())), Refused("damaged")),
    "unknown encoding.wav": (
        lambda: wav_of(fmt(kind=0x1234), chunk(b"data", pcm())),
        Refused("can't decode|damaged"),
    ),
    "not a number.wav": (
        lambda: wav_of(fmt(kind=3, bits=32), chunk(b"data", b"\0\0\xc0\x7f" * 1000)),
        Refused("1000 samples are NaN or infinite; export the file again"),
    ),
    # AIFF, AU, FLAC
    "cut.aiff": (lambda: cut(written("AIFF")), Partly(CUT, 0.9)),
    "twelve hours.aiff": (
        lambda: after(written("AIFF"), b"COMM", 10, (12 * 3600 * SR).to_bytes(4, "big")),
        Partly(r"2\.000 s of 43200\.000 s promised", 2),
    ),
    "size unknown.au": (lambda: put(written("AU"), 8, b"\xff" * 4), Whole()),
    "cut.flac": (lambda: cut(written("FLAC")), Partly(CUT, 0.4)),
    "hole.flac": (lambda: hole(written("FLAC")), Partly(CUT, 1)),
    "no length.flac": (lambda: without_length(written("FLAC")), Whole()),
    "twelve hours.flac": (lambda: long_flac(written("FLAC")), Partly(r"of 43200\.000 s", 2)),
    "nothing decodes.flac": (lambda: written("FLAC")[:200], Refused("nothing could be decoded")),
    # Ogg
    "no end mark.ogg": (lambda: without_end_mark(written("OGG")), Whole()),
    "cut.ogg": (
        lambda: cut(written("OGG", seconds=9)),
        Partly("ends in the middle of a page", 1.7),
    ),
    "cut in its only page.ogg": (
        lambda: cut(written("OGG")),
        Refused(DAMAGED),
    ),
    "hole.ogg": (
        lambda: hole(written("OGG", seconds=9), share=0.3),
        Partly(r"\d pages of it are damaged", 4),
    ),
    "two streams.ogg": (lambda: written("OGG") * 2, Whole(2 * N, within=1200)),
    "two streams at other rates.ogg": (
        lambda: written("OGG") + written("OGG", sr=22050),
        Partly("what follows can't be read", 2),
    ),
    "two streams.opus": (
        lambda: written("OGG", "OPUS", sr=48000) * 2,
        Whole(4 * 48000, within=700),
    ),
    # MP4 and others, damaged
    "no index.m4a": (
        lambda: without_index(muxed("aac", "ipod")),
        Refused("is MP4 or M4A, but its index is missing or damaged"),
    ),
    "half.m4a": (lambda: cut(muxed("aac", "ipod")), Refused("its index is missing or damaged")),
    "half, index first.m4a": (
        lambda: cut(muxed("aac", "ipod", movflags="faststart")),
        Partly(CUT, 0.5),
    ),
    "half.aac": (lambda: cut(muxed("aac", "adts")), Partly("middle of a frame", 0.5)),
    "half.webm": (lambda: cut(muxed("libopus", "webm", sr=48000)), Partly(CUT, 0.5)),
    "half.wma": (lambda: cut(muxed("wmav2", "asf")), Partly("cut off or damaged", 0.5)),
    "protected.m4p": (
        lambda: muxed("aac", "ipod").replace(b"mp4a", b"drms"),
        Refused("is protected against copying; get it without"),
    ),
    "unknown stream.ts": (
        lambda: moved_to(muxed("aac", "mpegts"), 0x17),
        Partly("what follows can't be read", 0.9),
    ),
    "silent film.mp4": (
        lambda: muxed("", "mp4", with_video=True),
        Refused("holds no sound, only pictures"),
    ),
    # No sound at all
    "empty.mp3": (lambda: b"", Refused("is empty")),
    "zeros.mp3": (lambda: bytes(5000), Refused("begins with zeros only")),
    "random.mp3": (lambda: noise(5000), Refused("is damaged, or in a format that FFmpeg can't")),
    "pointer.mp3": (lambda: LFS, Refused("is a git-lfs pointer.*git lfs pull")),
    "page.mp3": (lambda: b"\n<!DOCTYPE html><html>404", Refused(r"is a web page \(HTML\)")),
    "words.mp3": (lambda: b"just some words\n", Refused("is text, not audio")),
    "score.mp3": (lambda: b"MThd\0\0\0\6\0\1\0\1\0\x60", Refused("is a MIDI score.*render it")),
    "picture.jpg": (lambda: b"\xff\xd8\xff\xe0\0\x10JFIF" + noise(500), Refused("is a picture")),
    "cover.png": (lambda: b"\x89PNG\r\n\x1a\n" + noise(500), Refused("is a picture")),
    "cover.webp": (lambda: b"RIFF\0\2\0\0WEBPVP8 " + noise(500), Refused("is a picture")),
    "album.zip": (lambda: b"PK\3\4" + noise(500), Refused("is an archive; unpack it first")),
    "booklet.pdf": (lambda: b"%PDF-1.4\n" + noise(500), Refused("is a PDF")),
    "._song.mp3": (lambda: b"\0\5\x16\7\0\2\0\0" + bytes(300), Refused("what a Mac notes")),
    # Lists of other files, which must stay shut
    "list.m3u8": (lambda: HLS, Refused("is a playlist: it names other files")),
    "list.mp3": (lambda: HLS, Refused("is a playlist")),
    "list.pls": (lambda: b"[playlist]\nFile1=other.wav\n", Refused("is a playlist")),
    "list.ffconcat": (
        lambda: b"ffconcat version 1.0\nfile 'other.wav'\n",
        Refused("is a playlist"),
    ),
    "list.wav": (lambda: b"ffconcat version 1.0\nfile other.wav\n", Refused("is a playlist")),
    "list.cue": (lambda: CUE, Refused("is text, not audio")),
}
