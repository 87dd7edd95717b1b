"""The exercises of notebook 03: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def shortest_block(f1, f2, sr):
    return int(np.ceil(sr / abs(f2 - f1)))


def sine_amplitude(windowed, w):
    return np.abs(np.fft.rfft(windowed)).max() / (w.sum() / 2)


def full_spectrum(half, n):
    return np.concatenate([half, np.conj(half[1 : n - len(half) + 1][::-1])])


def add_frames(frames, hop_length):
    y = np.zeros((len(frames) - 1) * hop_length + frames.shape[1])
    for k, frame in enumerate(frames):
        y[k * hop_length :][: len(frame)] += frame
    return y


RIGHT = [
    (checks.nb03_shortest_block, shortest_block),
    (checks.nb03_sine_amplitude, sine_amplitude),
    (checks.nb03_full_spectrum, full_spectrum),
    (checks.nb03_add_frames, add_frames),
]


def overwrite_frames(frames, hop_length):
    y = np.zeros((len(frames) - 1) * hop_length + frames.shape[1])
    for k, frame in enumerate(frames):
        y[k * hop_length :][: len(frame)] = frame
    return y


WRONG = [
    (  # a cycle of the tone
        checks.nb03_shortest_block,
        lambda f1, f2, sr: int(np.ceil(sr / f2)),
        "one cycle of a tone",
    ),
    (  # rounded down
        checks.nb03_shortest_block,
        lambda f1, f2, sr: int(sr / abs(f2 - f1)),
        "round up",
    ),
    (  # order of the tones
        checks.nb03_shortest_block,
        lambda f1, f2, sr: int(np.ceil(sr / (f2 - f1))),
        "either order",
    ),
    (  # twice as long
        checks.nb03_shortest_block,
        lambda f1, f2, sr: int(np.ceil(2 * sr / abs(f2 - f1))),
        "twice too long",
    ),
    (checks.nb03_shortest_block, lambda f1, f2, sr: sr, "gives 44100"),  # a second, always
    (  # the window forgotten
        checks.nb03_sine_amplitude,
        lambda windowed, w: np.abs(np.fft.rfft(windowed)).max() / (len(w) / 2),
        "the window took its part",
    ),
    (  # half of the amplitude
        checks.nb03_sine_amplitude,
        lambda windowed, w: np.abs(np.fft.rfft(windowed)).max() / w.sum(),
        "negative frequency",
    ),
    (  # unscaled
        checks.nb03_sine_amplitude,
        lambda windowed, w: np.abs(np.fft.rfft(windowed)).max(),
        "times the window's sum",
    ),
    (  # only for even n
        checks.nb03_full_spectrum,
        lambda half, n: np.concatenate([half, np.conj(half[1:-1][::-1])]),
        "odd n",
    ),
    (  # not conjugated
        checks.nb03_full_spectrum,
        lambda half, n: np.concatenate([half, half[1 : n - len(half) + 1][::-1]]),
        "conjugates",
    ),
    (  # not reversed
        checks.nb03_full_spectrum,
        lambda half, n: np.concatenate([half, np.conj(half[1 : n - len(half) + 1])]),
        "bin 7 is the conjugate of bin 1",
    ),
    (  # all bins mirrored
        checks.nb03_full_spectrum,
        lambda half, n: np.concatenate([half, np.conj(half[::-1])]),
        "8 samples have 8 bins",
    ),
    (checks.nb03_add_frames, overwrite_frames, "+="),  # the later frame wins
    (  # end to end
        checks.nb03_add_frames,
        lambda frames, hop_length: frames.reshape(-1),
        "reach over 8 samples",
    ),
    (  # hop ignored
        checks.nb03_add_frames,
        lambda frames, hop_length: np.zeros(8),
        "with a hop of 2",
    ),
]
