"""The frames of an MP3: count them, and mend the tag that says how many there are.

An MP3 is a row of frames, each with a 4-byte header of its own and 1152 or 576 samples. The first
may hold a "Xing" or "Info" tag instead of sound, which says how many follow. Without it, libsndfile
guesses the duration from the first few frames and stops there: at a third of a typical file with a
variable bit rate. So the frames are counted here, and libsndfile is handed a stream with a true tag
in front and nothing between the frames that doesn't belong there.
"""

from functools import lru_cache

# Sampling rates in Hz by version (3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5), bit rates in kb/s by index.
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBPS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@lru_cache(maxsize=4096)
def parse_header(four):
    """Read the header of a Layer III frame.

    Parameters
    ----------
    four : bytes
        The four bytes that may be a header.

    Returns
    -------
    (int, (int, bool)) or None
        Bytes in the frame; sampling rate in Hz, and whether it is mono. None if it is no header.

    References
    ----------
    ISO/IEC 11172-3 (1993) and 13818-3 (1998).
    """
    if len(four) < 4 or four[0] != 0xFF or four[1] & 0b11100110 != 0b11100010:
        return None
    version, rate, sr_index = four[1] >> 3 & 3, four[2] >> 4, four[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or sr_index == 3:
        return None
    sr = _RATES[version][sr_index]
    bits = (_KBPS_1 if version == 3 else _KBPS_2)[rate - 1] * 1000
    padding = four[2] >> 1 & 1
    return (144 if version == 3 else 72) * bits // sr + padding, (sr, four[3] >> 6 == 3)


def split_frames(data):
    """Split the bytes of an MP3 into its frames.

    Parameters
    ----------
    data : bytes
        A whole file; ID3 tags are passed over.

    Returns
    -------
    frames : list of bytes
    n_skipped : int
        Bytes between frames that belong to none.
    rest : bytes
        What follows the last frame.
    """
    frames, kind, position, end, n_skipped = [], None, 0, 0, 0
    while 0 <= position < len(data):
        if data.startswith(b"ID3", position):
            size = data[position + 6 : position + 10]
            position = end = position + 10 + sum(b << 7 * (3 - i) for i, b in enumerate(size))
        header = parse_header(data[position : position + 4])  # (length, kind)
        if header and (position > end or not frames):  # out of step: demand two in a row
            following = parse_header(data[position + header[0] :][:4])
            header = header if following and following[1] == header[1] else None
        if header and kind in (None, header[1]) and position + header[0] <= len(data):
            n_skipped += position - end if frames else 0
            end = position + header[0]
            frames.append(data[position:end])
            kind, position = header[1], end
        else:
            position = data.find(b"\xff", position + 1)
    return frames, n_skipped, data[end:]


def whole_stream(data):
    """Rebuild an MP3 so that it states its true length and holds nothing but frames.

    Parameters
    ----------
    data : bytes
        A whole file.

    Returns
    -------
    stream : bytes
        Empty if `data` holds no MP3.
    excess : float
        How many times more sound the file promised than there is.
    doubt : str
        What seems to be wrong with the file; empty if nothing.
    """
    frames, n_skipped, rest = split_frames(data)
    if rest.startswith((b"TAG", b"APETAGEX", b"LYRICSBEGIN")):
        rest = b""
    if len(frames) < 4:  # one or two look-alikes may turn up in any data
        return b"", 1.0, ""
    stream, n_promised = _with_xing_frame(frames)
    if not n_promised and len(rest) > 4096:  # a little padding at the end is common
        n_skipped += len(rest)
    excess = 1.0 if n_promised else 1 + n_skipped / sum(map(len, frames))
    if parse_header(rest[:4]):
        return stream, excess, "it ends in the middle of a frame, so it was cut off"
    doubt = f"{n_skipped} bytes in it are no MPEG audio and were skipped" if n_skipped else ""
    return stream, excess, doubt


def _with_xing_frame(frames):
    """Return the frames as one stream with a true Xing tag, and the frames its own tag promised."""
    first, n_promised = frames[0], 0
    at = max(first.find(b"Xing", 0, 44), first.find(b"Info", 0, 44))
    if at > 0 and first[at + 7] & 1:
        n_promised = int.from_bytes(first[at + 8 : at + 12], "big")
    elif first[36:40] == b"VBRI":  # the Fraunhofer encoder's tag
        n_promised = int.from_bytes(first[50:54], "big")
    audio = frames[1:] if at > 0 or n_promised else frames
    n_frames = max(n_promised, len(audio)).to_bytes(4, "big")
    if at > 0 and first[at + 7] & 3 == 3:  # keep the encoder's delay and padding, which follow
        n_bytes = sum(map(len, audio), len(first)).to_bytes(4, "big")
        return b"".join([first[: at + 8], n_frames, n_bytes, first[at + 16 :], *audio]), n_promised
    # A silent frame of the same kind: header, side information of zeros, tag (1: a count follows).
    header = bytes([0xFF, first[1] | 1, 0x90 | first[2] & 0x0C, first[3]])
    length, (sr, mono) = parse_header(header)
    # Bytes of side information, by (MPEG-1, mono); the lower rates are those of MPEG-2 and 2.5.
    n_side = {(True, True): 17, (True, False): 32, (False, True): 9, (False, False): 17}
    tag = header + bytes(n_side[sr >= 32000, mono]) + b"Xing\0\0\0\1" + n_frames
    return b"".join([tag.ljust(length, b"\0"), *audio]), n_promised
