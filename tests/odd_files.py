from helpers import decoding


def mp3_frames(data):
    """Split an MP3 that holds nothing but frames."""
    frames = []
    while data:
        size = decoding._frame_size(data[:4])
        frames.append(data[:size])
        data = data[size:]
    return frames
