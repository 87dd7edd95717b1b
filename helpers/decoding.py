"""An audio file -> blocks of samples, what it promised, and what is wrong with it.

FFmpeg's libraries (through PyAV) take a file apart and decode it. They are made to play on,
whatever comes: so what they pass over is counted here and noted as a fault. And they may open
nothing but the one file that they are handed, whatever it says about others.
"""

import ctypes
import errno
import os
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from math import ceil
from typing import Any, BinaryIO, Self

import av
import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # shape (n_samples, n_channels)
Kind = tuple[int, int]  # sampling rate in Hz, channels

# No playlists, no streams from a network, no pictures: FFmpeg knows those too.
FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,avr,caf,dsf,dts,eac3,flac,flv,iff,ircam,loas,m4a,matroska,"
    "mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,nistsphere,ogg,paf,pvf,rm,sds,shn,tak,tta,voc,w64,wav,webm,"
    "wv,wve,xwma"
)
_BARE = {"aac", "ac3", "amr", "dts", "eac3", "loas", "mp3", "mpeg", "mpegts", "shn"}  # no length
_EXACT = {"aiff", "ape", "au", "caf", "flac", "ogg", "tta", "w64", "wav", "wv"}  # to the sample
_LOSSLESS = {"alac", "ape", "flac", "tak", "tta", "wavpack"}
_MP3_DELAY = 529  # samples by which any decoder is late; FFmpeg takes them out only with a LAME tag
_N_STEADY = 4  # frames in a row that prove a change of rate or channels; fewer are garbage
_PADDING = 4096  # bytes at the end that are no audio and no fault
_BLOCK = 65536  # samples
_HIGHEST_SR = 4_000_000  # Hz; what claims more is damaged, and would take long to resample
_LEAST = 200  # samples; an Ogg file without any seems to promise up to 128
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBE")
# Bit rates of MPEG-1 and of MPEG-2 and 2.5, Layer III, in kb/s.
_KBPS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_PAGE = "is a web page (HTML), not audio; download the file itself"
_PLAYLIST = "is a playlist: it names other files, but holds no sound; name the files themselves"
_PICTURE = "is a picture, not audio; name a file with sound in it"
_ARCHIVE = "is an archive; unpack it first"
_OTHERS = {
    b"version https://git-lfs": "is a git-lfs pointer, not the sound itself; run `git lfs pull`",
    **dict.fromkeys((b"<!doctype html", b"<html"), _PAGE),
    b"MThd": "is a MIDI score: notes without sound; render it to WAV first",
    **dict.fromkeys((b"#EXTM3U", b"[playlist]", b"ffconcat"), _PLAYLIST),
    b"<?xml": "is XML, not audio; check where it came from",
    **dict.fromkeys((b"\xff\xd8\xff", b"\x89PNG", b"GIF8"), _PICTURE),
    **dict.fromkeys((b"PK\3\4", b"Rar!", b"\x1f\x8b", b"7z\xbc\xaf"), _ARCHIVE),
    b"%PDF": "is a PDF, not audio; check where it came from",
    b"\0\5\x16\7": "holds only what a Mac notes about another file; delete it",
}
_KINDS = {
    b"RIFF": "a WAV file",
    b"FORM": "an AIFF file",
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"MAC ": "a Monkey's Audio file",
    b"wvpk": "a WavPack file",
    b"\x1a\x45\xdf\xa3": "a Matroska or WebM file",
    b"0&\xb2u\x8ef\xcf\x11": "a WMA file",
}


class Undecodable(ValueError):
    """A file without sound: what is wrong and the remedy, to follow the name of the file."""


class Decoder:
    """A file being decoded, from its beginning on, by FFmpeg's libavformat and libavcodec.

    `file` is open for reading, seekable, and stays open; one without sound raises `Undecodable`.

    `encoding` is in FFmpeg's words, for example ``"pcm_s16le"``. All blocks have the sampling rate
    `sr`, Hz, and `n_channels`. `n_read` counts the samples in all blocks so far; `n_promised` is
    how many the file says it holds, or None. `changes` tell where its rate or channels changed.
    """

    def __init__(self, file: BinaryIO) -> None:
        offset = 0  # behind ID3 tags: FFmpeg finds some formats only there
        while size := _tag_size(_peek(file, offset, 10)):
            offset += size
        self._file = _Behind(file, offset)
        head = _peek(self._file, 0, 512)
        try:
            self._input = av.open(
                self._file,
                mode="r",
                options={"format_whitelist": FORMATS},
                io_open=_refuse,
                metadata_errors="replace",
            )
        except (av.FFmpegError, OverflowError, ValueError) as error:
            raise Undecodable(diagnose(head)) from error
        try:
            self._open_stream()
        except BaseException:
            self._input.close()
            raise
        self.n_read = 0
        self.changes: list[str] = []
        self._faults: list[str] = []
        self._gaps: list[tuple[float, float]] = []  # begin and length, s
        self._n_dropped = 0  # frames that looked like sound
        self._n_skipped = 0  # bytes that are no audio, with audio behind them
        self._n_doubtful = 0  # bytes that are no audio, since the last that were

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._input.close()

    @property
    def faults(self) -> list[str]:
        """What is wrong with the part that was read so far."""
        faults = list(self._faults)
        if self._gaps:
            seconds, first = sum(length for _, length in self._gaps), self._gaps[0][0]
            places = f"at {first:.2f} s" + " and later" * (len(self._gaps) > 1)
            faults.append(f"{seconds:.2f} s are missing {places}")
        if self._n_skipped:
            faults.append(f"{self._n_skipped} bytes in it are no audio and were skipped")
        if self._n_dropped:
            faults.append(f"{self._n_dropped} frames unlike their neighbours were left out")
        return faults

    def may_hold_more(self) -> bool:
        """Return whether there are several streams, one after the other, of which one promises."""
        if self._family == "ogg":
            return _find(self._file, b"OggS\0\2", start=1) > 0  # a page that begins a stream
        return self._is_joined

    def count(self) -> int:
        """Count the samples without decoding them; nothing can be decoded afterwards."""
        n_samples = 0.0
        for packet in self._packets():
            n_samples += (packet.duration or 0) * self._seconds * self.sr
            n_samples -= self._n_early(packet)[0]
        return max(0, round(n_samples))

    def blocks(self) -> Iterator[Samples]:
        """Decode from the beginning; yield float32, (1 or more samples, n_channels)."""
        for index, (kind, run) in enumerate(groupby(self._steady_frames(), key=lambda f: f[0])):
            if index:
                self.changes.append(
                    f"from {self.n_read / self.sr:.2f} s on it has {kind[0]} Hz and {kind[1]} "
                    f"channels, which were brought to {self.sr} Hz and {self.n_channels}"
                )
            for block in self._uniform((samples for _, samples in run), *kind):
                if self._n_most is not None:
                    block = block[: self._n_most - self.n_read]
                self.n_read += len(block)
                if len(block):
                    yield block
        self._note_end()

    def _open_stream(self) -> None:
        """Choose the sound among the streams of a file."""
        streams = self._input.streams
        stream: Any = streams.best("audio") if streams.audio else None
        context = None if stream is None else stream.codec_context
        if context is None:
            if streams.audio:
                raise Undecodable(
                    "holds sound in an encoding that FFmpeg can't decode: damaged, or rare; export "
                    "it as WAV or MP3 where it plays"
                )
            what = "pictures" if streams.video else "other data"
            raise Undecodable(f"holds no sound, only {what}; name a file with sound in it")
        if self._input.format.name.startswith("mov") and _is_protected(context):
            raise Undecodable("is protected against copying; get it without that protection")
        self._stream = stream
        self._family = self._input.format.name.split(",")[0]
        self.encoding = context.codec.canonical_name
        self.sr, self.n_channels = context.sample_rate, _kept(context.layout).nb_channels
        if not (1 <= self.sr <= _HIGHEST_SR and 1 <= self.n_channels <= 255):
            raise Undecodable(
                f"claims {self.n_channels} channels at {self.sr} Hz, so its header is damaged; get "
                "a whole copy of it"
            )
        if self.encoding in _LOSSLESS:  # else a damaged frame becomes noise
            context.options = {"err_detect": "crccheck+explode"}
        self._seconds = float(stream.time_base)
        self._is_joined = False
        is_exact = self._family in _EXACT and (
            self._family == "ogg" or self.encoding in _LOSSLESS or self.encoding.startswith("pcm")
        )
        self._tolerance = 0 if is_exact else 1152 if self._family == "mp3" else self.sr // 10
        self.n_promised = self._promise()
        self._n_most = None  # samples that are read at most
        if self.encoding == "vorbis" and self._family == "ogg" and not self.may_hold_more():
            # FFmpeg's own cutting is wrong by a packet where all sound is in one page.
            context.flags2 |= av.codec.context.Flags2.skip_manual
            self._n_most = self.n_promised

    def _promise(self) -> int | None:
        """Return the samples that a file says it holds, None if it doesn't say."""
        if self._stream.duration is not None:
            n_stated = round(self._stream.duration * self._seconds * self.sr)
        elif self._input.duration is not None:
            n_stated = round(self._input.duration / av.time_base * self.sr)
        else:
            return None
        extradata = self._stream.codec_context.extradata or b""
        if extradata.startswith(b"OpusHead"):  # FFmpeg counts what is to be skipped at first
            n_stated -= round(int.from_bytes(extradata[10:12], "little") * self.sr / 48000)
        if self._family == "wav":
            n_stated = ceil(n_stated * _wav_excess(self._file) - 1e-6)
        if self._family == "mp3":
            n_tagged = _mp3_tag(self._file) * (1152 if self.sr >= 32000 else 576)
            is_stated = abs(n_stated - n_tagged) < 4 * 1152  # else guessed from the bit rate
            self._is_joined = n_tagged > 0 and not is_stated
            return n_stated if n_tagged and is_stated else n_tagged or None
        return n_stated if n_stated > 0 and self._family not in _BARE else None

    def _packets(self) -> Iterator[Any]:
        """Yield the packets of the sound, up to the first error of its container."""
        tag_end = 0
        try:
            for packet in self._input.demux(self._stream):
                # Tags may stand between files that were joined.
                if self._family in ("aac", "mp3") and packet.size:
                    data = bytes(packet)
                    if data[0] != 0xFF and b"ID3" in data:
                        at = data.index(b"ID3")
                        tag_end = packet.pos + at + _tag_size(data[at:])
                    if data.startswith(_TAGS) or packet.pos < tag_end:
                        continue
                yield packet
        except (av.FFmpegError, OSError, IndexError) as error:  # the last where a stream is new
            why = getattr(error, "strerror", "of a stream that nothing announced")
            self._faults.append(f"what follows can't be read ({why})")

    def _n_early(self, packet: Any) -> tuple[int, int]:
        """Return how many samples of a packet come before the sound; how many FFmpeg leaves in."""
        told = bytes(packet.get_sidedata("skip_samples"))  # empty if there are none
        n_left = _MP3_DELAY if not told and self.encoding == "mp3" and packet.pts == 0 else 0
        return int.from_bytes(told[:4], "little") + n_left, n_left

    def _frames(self) -> Iterator[tuple[Kind, Samples]]:
        """Yield decoded frames, one late; bytes that are none are counted."""
        n_late, ticks, due = 0, None, None
        held: tuple[Kind, Samples] | None = None
        last: Any = None
        for index, packet in enumerate(self._packets()):
            last = packet if packet.size else last
            n_late += self._n_early(packet)[1]
            try:
                frames = packet.decode()
                for frame in frames:
                    _kept(frame.layout)
            except av.FFmpegError:
                frames = []
                self._n_doubtful += packet.size
            if self._n_most is not None and not index:
                frames = []  # the first packet only prepares the second
            for frame in frames:
                self._n_skipped, self._n_doubtful = self._n_skipped + self._n_doubtful, 0
                if held:
                    yield held
                due = self._note_gap(frame, due)
                samples = _floats(frame)
                late = min(n_late, len(samples))
                n_late -= late
                held = (frame.sample_rate, samples.shape[1]), samples[late:]
                ticks = packet.duration
        if held and ticks and self._family == "mov":  # there alone it tells where the sound ends
            held = held[0], held[1][: round(ticks * self._seconds * held[0][0])]
        if held:
            yield held
        self._last = last

    def _note_gap(self, frame: av.AudioFrame, due: float | None) -> float | None:
        """Note where a frame comes later than it was due; return when the next one is due, s."""
        if frame.pts is None or self._family in _BARE:
            return None
        begin = frame.pts * self._seconds
        if due is not None and begin > due + 0.1:
            self._gaps.append((due, begin - due))
        return begin + frame.samples / frame.sample_rate

    def _steady_frames(self) -> Iterator[tuple[Kind, Samples]]:
        """Yield frames, but no short run of another kind: garbage that looked like frames."""
        kind: Kind | None = None
        held: list[tuple[Kind, Samples]] = []
        for frame in self._frames():
            if held and held[0][0] != frame[0]:
                self._n_dropped += len(held)
                held = []
            held.append(frame)
            if frame[0] == kind or len(held) == _N_STEADY:
                kind = frame[0]
                yield from held
                held = []
        if kind is None:
            yield from held
        else:
            self._n_dropped += len(held)

    def _uniform(self, run: Iterable[Samples], sr: int, n_channels: int) -> Iterator[Samples]:
        """Bring frames of one kind to the sampling rate and channels of the stream, in blocks."""
        blocks = _joined(run)
        if n_channels != self.n_channels:
            mono = (block.mean(axis=1, keepdims=True) for block in blocks)
            blocks = (np.repeat(block, self.n_channels, axis=1) for block in mono)
        return resampled(blocks, sr_from=sr, sr_to=self.sr, n_channels=self.n_channels)

    def _note_end(self) -> None:
        """Note what is wrong with the end of a file."""
        if self.n_promised is not None:
            if self.n_read + self._tolerance < self.n_promised and self.n_promised >= _LEAST:
                self._faults.append("the file is cut off or damaged")
        elif self._n_doubtful > _PADDING:
            self._n_skipped += self._n_doubtful
        elif self._last is not None and self._family in _BARE:
            last = bytes(self._last)
            whole = _frame_size(last[:4]) if self.encoding == "mp3" else 0
            if len(last) < whole or (self._n_doubtful and last.strip(b"\0\r\n ")):
                self._faults.append("it ends in the middle of a frame, so it was cut off")
        if self._family == "ogg" and (fault := _ogg_fault(self._file)):
            self._faults.append(fault)


def diagnose(head: bytes) -> str:
    """Say what a file is that FFmpeg doesn't know, by its first 512 bytes; and the remedy."""
    if not head:
        return "holds an ID3 tag, but no audio; download or export it again"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, what in _OTHERS.items():
        if text.startswith(start.lower()):
            return what
    if not head.strip(b"\0"):
        return "begins with zeros only, as an unfinished download does; get it again"
    if head[8:12] == b"WEBP":
        return _PICTURE
    if head[4:8] == b"ftyp":
        return (
            "is MP4 or M4A, but its index is missing or damaged, as in an unfinished download; get "
            "it again"
        )
    for start, kind in _KINDS.items():
        if head.startswith(start):
            return f"begins as {kind}, but is damaged or cut off; get a whole copy of it"
    if all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return "is text, not audio; check where it came from"
    return "is damaged, or in a format that FFmpeg can't decode; convert it to WAV or MP3"


def resampled(
    blocks: Iterable[Samples], *, sr_from: int, sr_to: int, n_channels: int
) -> Iterator[Samples]:
    """Bring blocks of one sound, (n_samples, n_channels), to another sampling rate, Hz."""
    if sr_from == sr_to:
        yield from blocks
        return
    resampler = soxr.ResampleStream(sr_from, sr_to, n_channels, quality="HQ")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros((0, n_channels), np.float32), last=True)


class _Behind:
    """A file of so many bytes as it is seen from an offset on."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file, self._offset = file, offset
        self.size = file.seek(0, os.SEEK_END) - offset
        file.seek(offset)

    def read(self, n: int = -1) -> bytes:
        return self._file.read(n)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        offset += self._offset if whence == os.SEEK_SET else 0
        try:
            return self._file.seek(offset, whence) - self._offset
        except (OSError, OverflowError, ValueError):  # a damaged header led out of the file
            return -errno.EINVAL  # as FFmpeg's own functions tell it

    def tell(self) -> int:
        return self._file.tell() - self._offset


def _is_protected(context: Any) -> bool:
    """Return whether the sound of an MP4 is encrypted."""
    try:
        return context.codec_tag in ("aavd", "drms", "enca")
    except UnicodeDecodeError:  # damaged
        return False


def _tag_size(head: bytes) -> int:
    """Return the bytes in the ID3 tag that begins so; 0 if it is none."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    size = sum(byte << 7 * (3 - i) for i, byte in enumerate(head[6:10]))
    return 10 + size + (10 if head[5] & 16 else 0)  # that flag: a footer follows


def _refuse(url: str, *_: Any) -> None:
    """Refuse to open another file, whatever one says."""
    raise PermissionError(13, "a file of sound may not open others", url)


def _peek(file: _Behind | BinaryIO, start: int, n_bytes: int) -> bytes:
    """Return bytes of a file and leave its position as it was."""
    position = file.tell()
    file.seek(start)
    data = file.read(n_bytes)
    file.seek(position)
    return data


def _find(file: _Behind, wanted: bytes, start: int) -> int:
    """Return where bytes occur in a file from `start` on, reading a mebibyte at a time; or -1."""
    for at in range(start, file.size, 2**20):
        found = _peek(file, at, 2**20 + len(wanted)).find(wanted)
        if found >= 0:
            return at + found
    return -1


def _kept(layout: Any) -> Any:
    """Keep an unusual layout of channels for good: else PyAV 18 frees it, and FFmpeg once more."""
    if "(" in layout.name:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))
    return layout


def _floats(frame: av.AudioFrame) -> Samples:
    """Return a frame as floats on the scale of libsndfile, shape (n_samples, n_channels)."""
    samples = frame.to_ndarray()
    is_planar, n_channels = frame.format.is_planar, frame.layout.nb_channels
    samples = samples.T if is_planar else samples.reshape(-1, n_channels)
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what float32 can't hold becomes inf, and is reported
            return samples.astype(np.float32, copy=False)
    half = np.float32(2.0 ** (8 * samples.itemsize - 1))
    return samples.astype(np.float32) / half - (1 if samples.dtype.kind == "u" else 0)


def _joined(run: Iterable[Samples]) -> Iterator[Samples]:
    """Join short arrays to blocks, with which everything is quicker."""
    held: list[Samples] = []
    n_samples = 0
    for samples in run:
        held.append(samples)
        n_samples += len(samples)
        if n_samples >= _BLOCK:
            yield np.concatenate(held)
            held, n_samples = [], 0
    if held:
        yield np.concatenate(held)


def _mp3_tag(file: _Behind) -> int:
    """Return how many frames the tag in the first frame of an MP3 promises; 0 without one."""
    data = _peek(file, 0, 4096)
    at = max(data.find(b"Xing"), data.find(b"Info"))
    if 0 <= at < len(data) - 12:
        return int.from_bytes(data[at + 8 : at + 12], "big") if data[at + 7] & 1 else 0
    at = data.find(b"VBRI")  # the Fraunhofer encoder's tag
    return int.from_bytes(data[at + 14 : at + 18], "big") if at >= 0 else 0


def _frame_size(head: bytes) -> int:
    """Return the bytes in a frame of MPEG Layer III with this header (ISO 11172-3); 0 if none."""
    head = head.ljust(4, b"\0")
    version, rate, sr = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or sr == 3:
        return 0
    kbps = (_KBPS_1 if version == 3 else _KBPS_2)[rate - 1]
    hertz = (44100, 48000, 32000)[sr] >> (3 - version if version else 2)
    return (144 if version == 3 else 72) * 1000 * kbps // hertz + (head[2] >> 1 & 1)


def _wav_excess(file: _Behind) -> float:
    """Return how many times more sound the header of a WAV file promises than is there."""
    at = 12
    while len(chunk := _peek(file, at, 8)) == 8:
        size, at = int.from_bytes(chunk[4:], "little"), at + 8
        if chunk[:4] == b"data":
            n_present = file.size - at
            # Sizes just below 2 and 4 GiB are what streaming writers put for "unknown".
            is_unknown = -size % 2**31 < 2**16
            return size / n_present if 0 < n_present < size and not is_unknown else 1.0
        at += size + size % 2
    return 1.0


def _ogg_fault(file: _Behind) -> str:
    """Say what is wrong with the pages of an Ogg file (RFC 3533); nothing if they are whole."""
    at, n_bad = 0, 0
    while 0 <= at < file.size:
        page = _peek(file, at, 27 + 255)
        if page.startswith(b"OggS"):
            n_segments = page[26] if len(page) > 26 else 255
            length = 27 + n_segments + sum(page[27 : 27 + n_segments])
            if at + length > file.size:
                return "it ends in the middle of a page, so it was cut off"
            page = _peek(file, at, length)
            value = zlib.crc32((page[:22] + bytes(4) + page[26:]).translate(_MIRRORED), 0xFFFFFFFF)
            checksum = int(f"{value ^ 0xFFFFFFFF:032b}"[::-1], 2)  # that of zlib, mirrored
            n_bad += checksum != int.from_bytes(page[22:26], "little")
            at += length
        else:
            at = _find(file, b"OggS", start=at)
            n_bad += at > 0  # else it is something that was put behind
    return f"{n_bad} pages of it are damaged" if n_bad else ""
