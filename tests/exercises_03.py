"""The exercises of notebook 03: right answers, and the commonest wrong ones with their hints."""

import numpy as np
import scipy.fft
import scipy.signal

from helpers import checks, transforms


def shortest_block(f1, f2, sr):
    return int(np.ceil(2 * sr / abs(f2 - f1)))


def convolve(y, h, block_length):
    n_fft = block_length + len(h) - 1
    blocks = transforms.split_blocks(y, block_length)
    spectra = scipy.fft.rfft(blocks, n_fft) * scipy.fft.rfft(h, n_fft)
    answers = scipy.fft.irfft(spectra, n_fft)
    return transforms.overlap_add(answers, hop_length=block_length)[: len(y) + len(h) - 1]


def convolve_in_a_loop(y, h, block_length):
    total = np.zeros(len(y) + len(h) - 1)
    for start in range(0, len(y), block_length):
        answer = np.convolve(y[start : start + block_length], h)
        total[start : start + len(answer)] += answer
    return total


def robot(spectra):
    return np.abs(spectra) * (-1.0) ** np.arange(spectra.shape[1])


def robot_upside_down(spectra):
    return -np.abs(spectra) * np.exp(-1j * np.pi * np.arange(spectra.shape[1]))


def robot_by_shifting(spectra):
    return np.fft.rfft(np.fft.fftshift(np.fft.irfft(np.abs(spectra)), axes=1))


RIGHT = [
    (checks.nb03_shortest_block, shortest_block),
    (checks.nb03_shortest_block, lambda f1, f2, sr: np.ceil(2 * sr / np.abs(f1 - f2))),
    (checks.nb03_convolve, convolve),
    (checks.nb03_convolve, convolve_in_a_loop),
    (checks.nb03_convolve, lambda y, h, block_length: scipy.signal.oaconvolve(y, h)),
    (checks.nb03_robot, robot),
    (checks.nb03_robot, robot_upside_down),
    (checks.nb03_robot, robot_by_shifting),
]


def answers_of(y, h, block_length, n_fft):
    blocks = transforms.split_blocks(y, block_length)
    return scipy.fft.irfft(scipy.fft.rfft(blocks, n_fft) * scipy.fft.rfft(h, n_fft), n_fft)


def wrapped(y, h, block_length):
    return answers_of(y, h, max(block_length, len(h)), max(block_length, len(h))).ravel()[: len(y)]


def without_tails(y, h, block_length):
    answers = answers_of(y, h, block_length, block_length + len(h) - 1)
    return answers[:, :block_length].ravel()[: len(y)]


def not_cut(y, h, block_length):
    answers = answers_of(y, h, block_length, block_length + len(h) - 1)
    return transforms.overlap_add(answers, hop_length=block_length)


def end_to_end(y, h, block_length):
    answers = answers_of(y, h, block_length, block_length + len(h) - 1)
    return answers.ravel()[: len(y) + len(h) - 1]


def one_block_of_tail(y, h, block_length):
    answers = answers_of(y, h, block_length, block_length + len(h) - 1)
    answers = answers[:, : 2 * block_length].copy()
    total = np.zeros(len(y) + len(h) + 4 * block_length)
    for k, answer in enumerate(answers):
        total[k * block_length :][: len(answer)] += answer
    return total[: len(y) + len(h) - 1]


def complex_inverse(y, h, block_length):
    n_fft = block_length + len(h) - 1
    total = np.zeros(len(y) + len(h) + 4 * block_length, complex)
    for k, block in enumerate(transforms.split_blocks(y, block_length)):
        spectrum = scipy.fft.fft(block, n_fft) * scipy.fft.fft(h, n_fft)
        total[k * block_length :][:n_fft] += scipy.fft.ifft(spectrum)
    return total[: len(y) + len(h) - 1]


def odd_length_lost(y, h, block_length):
    n_fft = block_length + len(h) - 1
    blocks = transforms.split_blocks(y, block_length)
    answers = scipy.fft.irfft(scipy.fft.rfft(blocks, n_fft) * scipy.fft.rfft(h, n_fft))
    return transforms.overlap_add(answers, hop_length=block_length)[: len(y) + len(h) - 1]


WRONG = [
    (  # one bin
        checks.nb03_shortest_block,
        lambda f1, f2, sr: int(np.ceil(sr / abs(f2 - f1))),
        "needs two",
    ),
    (  # rounded down
        checks.nb03_shortest_block,
        lambda f1, f2, sr: int(2 * sr / abs(f2 - f1)),
        "least whole number",
    ),
    (  # one too many where the tones lie on bins
        checks.nb03_shortest_block,
        lambda f1, f2, sr: int(2 * sr / abs(f2 - f1)) + 1,
        "least whole number",
    ),
    (  # order of the tones
        checks.nb03_shortest_block,
        lambda f1, f2, sr: int(np.ceil(2 * sr / (f2 - f1))),
        "either order",
    ),
    (checks.nb03_shortest_block, lambda f1, f2, sr: sr + 1, "gives 44101"),  # always the same
    (checks.nb03_convolve, wrapped, "it wraps"),
    (checks.nb03_convolve, without_tails, "tails are cut off"),
    (checks.nb03_convolve, not_cut, "cut the sum"),
    (checks.nb03_convolve, end_to_end, "add the answers up"),
    (checks.nb03_convolve, one_block_of_tail, "several blocks"),
    (checks.nb03_convolve, complex_inverse, "take irfft"),
    (checks.nb03_convolve, odd_length_lost, "irfft to n_fft"),
    (checks.nb03_robot, np.abs, "window silences it"),  # zero phases
    (checks.nb03_robot, np.real, "magnitudes have changed"),
    (checks.nb03_robot, np.ones_like, "magnitudes have changed"),
    (checks.nb03_robot, lambda spectra: spectra[:, 1:], "keep frames and bins"),
    (checks.nb03_robot, lambda spectra: 1j * np.abs(spectra), "meet at one sample"),
]
