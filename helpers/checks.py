"""One check for each exercise: it says whether an answer is right, and if not, what to think about.

A check takes the reader's answer, a value or a function. `None`, or a function that returns `None`,
has not been attempted yet, and is not an error: so a notebook runs from top to bottom as it comes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers import rolls


def _verdict(wrong: str | None, right: str) -> None:
    """Print the hint for a wrong answer, or the praise for a right one."""
    print(f"Not yet: {wrong}" if wrong else f"Right: {right}")


def _unattempted(answer: Any) -> bool:
    """Say so if there is no answer yet."""
    if answer is None:
        print("Not attempted yet: write your answer in the cell above the solution, and run it.")
    return answer is None


def _call(function: Callable[..., Any] | None, *arguments: Any) -> Any:
    """Return what the reader's function answers; its own errors show as they are."""
    return None if function is None else function(*arguments)


def _close(answer: Any, expected: npt.ArrayLike, tolerance: float = 1e-5) -> bool:
    """Compare numbers or arrays, of the same shape."""
    answer, expected = np.asarray(answer), np.asarray(expected)
    return answer.shape == expected.shape and np.allclose(answer, expected, atol=tolerance)


def nb01_downmix(downmix: Callable[..., Any]) -> None:
    """Check a function that mixes samples, `(n_samples, n_channels)`, down to a mono waveform."""
    samples = np.array([[1.0, 1.0], [0.5, -0.5], [0.25, -1.0], [0.0, 0.5]], np.float32)
    answer = _call(downmix, samples)
    if _unattempted(answer):
        return
    three = _call(downmix, samples[:, [0, 1, 0]])
    wrong = None
    if np.shape(answer) == (2,):
        wrong = "time is axis 0, so this is a mean over time: take it over the channels, axis 1."
    elif np.shape(answer) != (4,):
        wrong = f"a waveform has one axis, here of shape (4,), but yours is {np.shape(answer)}."
    elif _close(answer, samples.sum(axis=1)):
        wrong = "two channels at full scale add up to 2, and clip: their mean stays in [-1, 1]."
    elif _close(answer, samples[:, 0]):
        wrong = "that is the left channel alone; what only the right one plays is lost."
    elif not _close(answer, samples.mean(axis=1)):
        wrong = "each sample should be the mean of its row."
    elif not _close(three, samples[:, [0, 1, 0]].mean(axis=1)):
        wrong = "two channels work, three don't: divide by their number, not by 2."
    _verdict(wrong, "the mean over axis 1 can't leave [-1, 1], with any number of channels.")


def nb01_write_int16(write_int16: Callable[..., Any]) -> None:
    """Check a function that turns a waveform into int16: rounded, clipped, never wrapped."""
    y = np.array([0.5, -0.25, 1.2, -1.2, 1.0, -1.0, 2.7 / 32768, -2.7 / 32768])
    answer = _call(write_int16, y)
    if _unattempted(answer):
        return
    answer = np.asarray(answer)
    wrong = None
    if answer.dtype != np.int16:
        wrong = f"the result should be int16, and is {answer.dtype}: end with .astype(np.int16)."
    elif answer.shape != y.shape:
        wrong = f"{len(y)} samples went in, and an array of shape {answer.shape} came out."
    elif answer[2] < 0 or answer[3] > 0 or answer[4] < 0:
        wrong = "1.2 has wrapped to the other end of the scale: clip before astype(np.int16)."
    elif (answer[6], answer[7]) == (2, -2):
        wrong = "2.7 steps became 2: astype cuts the digits off; np.rint takes the nearest integer."
    elif answer[0] == 16383 or answer[5] == -32767:
        wrong = "the scale here is 32768: then -1.0 is -32768, and all 65,536 integers are used."
    elif answer[2] != 32767 or answer[4] != 32767:
        wrong = f"the largest int16 is 32767, but 1.2 became {answer[2]} and 1.0 {answer[4]}."
    elif not np.array_equal(answer, [16384, -8192, 32767, -32768, 32767, -32768, 3, -3]):
        wrong = f"samples {np.round(y, 5)} became {answer}: scale, round, clip, in this order."
    _verdict(wrong, "the error is at most half a step, and what is too loud stays at the end.")


def nb01_wav_bytes(wav_bytes: Callable[..., Any], times_smaller: float | None) -> None:
    """Check the size of PCM samples in bytes, and a compression ratio."""
    answer = _call(wav_bytes, 3, 1000, 2, 16)
    if _unattempted(answer) or _unattempted(times_smaller):
        return
    wrong = None
    if answer == 96_000:
        wrong = "those are bits; eight of them make a byte."
    elif answer == 6_000:
        wrong = "every channel has samples of its own: count them all."
    elif answer != 12_000:
        wrong = f"3 s of 1000 Hz, 2 channels and 16 bits are 12,000 bytes, not {answer}."
    elif _close(times_smaller, 18 / 8, 1e-3):
        wrong = "compare bits with bits: 128 kb/s are kilobits, the file's size is in bytes."
    elif _close(times_smaller, 9, 1e-3):
        wrong = "stereo has two channels, and 128 kb/s hold both of them."
    elif not _close(times_smaller, 18, 0.05):
        wrong = f"compare f_s b C with 128,000 bits a second: their ratio isn't {times_smaller}."
    _verdict(wrong, "seconds x Hz x channels x bits / 8; the hour itself cancels out of the ratio.")


def nb01_error_db(error_db: Callable[..., Any]) -> None:
    """Check a function that measures the level of an error relative to the music, in dB."""
    t = np.arange(1000) / 1000
    y, error = 0.5 * np.sin(2 * np.pi * 5 * t), 0.05 * np.sin(2 * np.pi * 40 * t)
    answer = _call(error_db, y, y + error)
    if _unattempted(answer):
        return
    wrong = None
    if np.shape(answer) != ():
        wrong = "one number is wanted: take the mean over time before the logarithm."
    elif abs(answer) < 1:
        wrong = "that compares the levels of the two sounds, which are nearly equal, whatever the "
        wrong += "error: subtract the waveforms first, then measure what is left."
    elif _close(answer, 20, 0.1):
        wrong = "the error is weaker than the music, so its relative level is below 0: invert it."
    elif _close(answer, -40, 0.1) or _close(answer, -10, 0.1):
        wrong = "10 log10 is for powers (mean squares), 20 log10 for amplitudes: don't mix them."
    elif not _close(answer, -20, 0.1):
        wrong = f"an error of a tenth of the music's amplitude is at -20 dB, not at {answer:.1f}."
    _verdict(wrong, "first the difference, then its level: that hears what changed.")


def nb02_alias(heard_at: Callable[..., Any]) -> None:
    """Check a function of f and sr that returns the frequency that is heard, all in Hz."""
    cases = {
        (1000, 8000): "1,000 Hz is below half of 8,000 Hz: it is heard as it is.",
        (7000, 8000): "7,000 Hz at 8,000 Hz lies above half the rate: it is mirrored to 1,000 Hz.",
        (9000, 8000): "9,000 Hz leaves the samples of 1,000 Hz: take whole multiples of sr away.",
        (12_500, 8000): "more than one multiple of sr may fit, and then the rest may need mirroring"
        ": 12,500 Hz at 8,000 Hz is 3,500 Hz away from 16,000 Hz.",
        (30_000, 44_100): "30,000 Hz at 44,100 Hz is 14,100 Hz away from the sampling rate.",
    }
    answers = {case: _call(heard_at, *case) for case in cases}
    if _unattempted(answers[1000, 8000]):
        return
    hints = [
        hint
        for (f, sr), hint in cases.items()
        if not _close(answers[f, sr], abs(f - sr * round(f / sr)), 1e-3)
    ]
    _verdict(hints[0] if hints else None, "subtract the nearest multiple of sr, forget the sign.")


def nb02_fast_enough(fast_enough: Callable[..., Any]) -> None:
    """Check a function that says whether a rate determines sounds up to f_max, both in Hz."""
    answers = [_call(fast_enough, 1000, sr) for sr in (8000, 1900, 2000, 2001)]
    if _unattempted(answers[0]):
        return
    wrong = None
    if not answers[0] or not answers[3]:
        wrong = "any rate above twice 1,000 Hz will do, even 2,001 Hz."
    elif answers[1]:
        wrong = "1,900 Hz is only nearly double: a tone of 1,000 Hz comes back as 900 Hz."
    elif answers[2]:
        wrong = "at exactly twice, 2,000 Hz, a sine of 1,000 Hz can vanish: sr must be greater."
    _verdict(wrong, "the rate must exceed twice the highest frequency.")


def nb02_bits(bits_needed: Callable[..., Any]) -> None:
    """Check the bits that a level in dBFS and a signal-to-noise ratio in dB ask for."""
    answer = _call(bits_needed, -20.0, 60.0)
    if _unattempted(answer):
        return
    for_a_sine = _call(bits_needed, -3.01, 60.0)
    wrong = None
    if not _close(for_a_sine, round(float(for_a_sine))):
        wrong = "a part of a bit can't be stored: round up, with int(np.ceil(...))."
    elif answer == for_a_sine:
        wrong = "6.02 n + 1.76 dB is for a full-scale sine; the level counts, dB for dB."
    elif answer == 12:
        wrong = "that many bits fall just short: round up, not to the nearest whole number."
    elif (answer, for_a_sine) != (13, 10):
        wrong = "solve SNR = 6.02 n + 4.77 dB + level for n; the level of music is negative."
    _verdict(wrong, "16 bits leave music at -20 dBFS 81 dB, and 24 bits room for any microphone.")


def nb02_dither(dither_and_round: Callable[..., Any]) -> None:
    """Check a function of y, step and rng that rounds y to multiples of step, with dither."""
    step, values = 0.25, (0.0, 0.0625, 0.125)  # constants: on a level, a quarter and a half above
    rng = np.random.default_rng(0)
    answers = [_call(dither_and_round, np.full(20_000, x), step, rng) for x in values]
    if _unattempted(answers[0]):
        return
    levels = np.array(answers) / step
    error = levels - np.array(values)[:, None] / step  # in steps
    mean, power = np.abs(error.mean(axis=1)).max(), np.mean(error**2, axis=1)
    wrong = None
    if not np.allclose(levels, np.round(levels), atol=1e-6):
        wrong = "the result must lie on multiples of step: add noise before rounding, not after."
    elif np.ptp(levels) == 0 or mean > 0.2:
        wrong = "the error still follows the signal: add noise before rounding, of mean zero."
    elif np.ptp(power) > 0.05:
        wrong = "the mean is right, but the power of the error still depends on the signal: one "
        wrong += "uniform number isn't enough, take the difference of two."
    elif mean > 0.05 or not _close(power, np.full(3, 0.25), 0.02):
        wrong = "TPDF dither reaches from -1 to 1 step: subtract two numbers between 0 and step."
    _verdict(wrong, "the mean of the error is 0, its power a quarter of a square step, always.")


def nb03_shortest_block(answer: Callable[..., Any]) -> None:
    """Check the length of the shortest block whose bins lie no farther apart than two tones."""
    cases = ((440.0, 442.0, 44100), (116.5, 110.0, 44100), (246.9, 261.6, 16000))
    answers = [_call(answer, *case) for case in cases]
    if _unattempted(answers[0]):
        return
    exact = [sr / abs(f2 - f1) for f1, f2, sr in cases]
    wrong = None
    if _close(answers[0], 44100 / 441, 2):
        wrong = "that is about one cycle of a tone. Bins lie sr / n apart: how far may they be?"
    elif min(answers) < 0:
        wrong = "the tones may come in either order; a length is never negative."
    elif _close(answers, [2 * n for n in exact], 1):
        wrong = "twice too long: bins lie sr / n apart, not sr / (2 n)."
    elif not _close(answers, np.ceil(exact)) and _close(answers, exact, 1):
        wrong = "nearly: round up. One sample fewer, and the bins lie farther apart than the tones."
    elif not _close(answers, np.ceil(exact)):
        wrong = f"{cases[0]} gives {answers[0]}. Bins lie sr / n apart: at which n is that f2 - f1?"
    _verdict(wrong, "the closer the tones, the longer the block; padding can't stand in for it.")


def nb03_sine_amplitude(answer: Callable[..., Any]) -> None:
    """Check the amplitude that is read from the spectrum of a windowed sine."""
    n = np.arange(1024)
    sine = 0.8 * np.sin(2 * np.pi * 37 * n / 1024 + 1)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / 1024)
    windows = (hann, hann**2, np.ones(1024))
    answers = [_call(answer, sine * w, w) for w in windows]
    if _unattempted(answers[0]):
        return
    wrong = None
    if _close(answers, [0.8 * w.mean() for w in windows], 1e-3):
        wrong = "the window took its part: without one, the magnitude is a / 2 times the number of "
        wrong += "samples; what does the window put in the place of that number?"
    elif _close(answers, [0.4, 0.4, 0.4], 1e-3):
        wrong = "half of it: the other half of the sine is at the negative frequency."
    elif not _close(answers, [0.8, 0.8, 0.8], 1e-3):
        wrong = "the highest magnitude of a sine of amplitude a is a / 2 times the window's sum; "
        wrong += f"with a Hann window and a = 0.8 you found {answers[0]:.4g}."
    _verdict(wrong, "divided by half the window's sum, a spectrum reads in amplitudes.")


def nb03_full_spectrum(answer: Callable[..., Any]) -> None:
    """Check the full spectrum that is rebuilt from the half that a real FFT computes."""
    rng = np.random.default_rng(0)
    blocks = [rng.standard_normal(n) for n in (8, 9)]
    even, odd = (_call(answer, np.fft.rfft(block), len(block)) for block in blocks)
    if _unattempted(even):
        return
    right_even, right_odd = (np.fft.fft(block) for block in blocks)
    wrong = None
    if np.shape(even) != (8,):
        wrong = f"8 samples have 8 bins, yours are {np.size(even)}: 0 Hz and sr / 2 have no mirror "
        wrong += "image of their own."
    elif _close(even[5:], right_even[5:].conj()):
        wrong = "the mirrored bins are conjugates; as they are, the block comes back complex."
    elif not _close(even, right_even):
        wrong = "look at single bins: of 8, bin 7 is the conjugate of bin 1, bin 6 that of bin 2."
    elif not _close(odd, right_odd):
        wrong = "right for even n. With odd n no bin lies at sr / 2, so the last bin has a mirror "
        wrong += "image too."
    _verdict(wrong, "half of the spectrum of a real block is all of it.")


def nb03_add_frames(answer: Callable[..., Any]) -> None:
    """Check the sum of overlapping frames."""
    frames = np.arange(1.0, 13.0).reshape(3, 4)
    answers = [_call(answer, frames, hop) for hop in (2, 1, 4)]
    if _unattempted(answers[0]):
        return
    expected = [np.zeros(8), np.zeros(6), np.zeros(12)]
    for total, hop in zip(expected, (2, 1, 4), strict=True):
        for k in range(3):
            total[k * hop : k * hop + 4] += frames[k]
    overwritten = [1, 2, 5, 6, 9, 10, 11, 12]
    wrong = None
    if _close(answers[0], overwritten):
        wrong = "where frames overlap, the later replaced the earlier: add to what is there, +=."
    elif np.shape(answers[0]) != (8,):
        wrong = "3 frames of 4 samples, 2 apart, reach over 8 samples: the last begins at sample "
        wrong += f"4; yours has shape {np.shape(answers[0])}."
    elif not all(_close(a, e) for a, e in zip(answers, expected, strict=True)):
        wrong = "with a hop of 2, sample 2 is the sum of frame 0's sample 2 and frame 1's sample 0."
    _verdict(wrong, "with windows that add up to one, this is all that hides the seams.")


def nb04_best_guess(best_guess: Callable[..., Any]) -> None:
    """Check which frame has the least squared, and which the least absolute error."""
    values = np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 9.0], [0.0, 4.0], [1.0, 0.0]])
    answers = [_call(best_guess, values, loss) for loss in ("squared", "absolute")]
    if _unattempted(answers[0]):
        return
    mean, median = values.mean(axis=0), np.median(values, axis=0)
    wrong = None
    if np.shape(answers[0]) != (2,):
        wrong = "a frame has one number for each feature: average over the cases, axis 0."
    elif _close(answers, [median, mean]):
        wrong = "the other way round: one far-off case moves the squared error's guess, not the "
        wrong += "absolute one's."
    elif _close(answers, [mean, mean]):
        wrong = "the mean is right for squares. An absolute error pulls equally hard from each "
        wrong += "case, near or far: it stops where as many lie above as below."
    elif not _close(answers[0], mean):
        wrong = "set the derivative of the sum of squares to 0: what is left is their mean."
    elif not _close(answers[1], median):
        wrong = "for absolute errors the best guess has as many cases above it as below."
    _verdict(wrong, "the mean of a key is a probability; its median is off, if it is mostly off.")


def nb04_left_of_a_tone(left_of_a_tone: Callable[..., Any]) -> None:
    """Check how much of a tone is left in the mean, if its time is uncertain."""
    cases = np.array([(440.0, 0.001), (100.0, 0.002), (1000.0, 0.0015), (50.0, 0.02)])
    answers = [_call(left_of_a_tone, f, spread_s) for f, spread_s in cases]
    if _unattempted(answers[0]):
        return
    periods = cases.prod(axis=1)
    wrong = None
    if _close(answers, np.sinc(periods)) and not _close(answers, np.abs(np.sinc(periods))):
        wrong = "right but for the sign: an amplitude is a length, so take np.abs."
    elif _close(answers, np.abs(np.sinc(periods / np.pi))):
        wrong = "np.sinc(x) is sin(pi x) / (pi x) already: pass it the spread in periods."
    elif _close(answers, np.abs(np.sinc(cases[:, 1]))):
        wrong = "the same spread is more periods of a higher tone: periods are f * spread_s."
    elif _close(answers, np.maximum(0, 1 - periods)):
        wrong = "it is 1 without any spread and 0 at a whole period, but not a straight line "
        wrong += "between: average e^(2 pi i u) over the spread."
    elif not _close(answers, np.abs(np.sinc(periods))):
        wrong = "how many periods is the spread? Then average an arrow that turns so often."
    _verdict(wrong, "a millisecond or two is enough to lose a tone, and the higher the sooner.")


def nb04_update_templates(update_templates: Callable[..., Any]) -> None:
    """Check the multiplicative update of the templates."""
    rng = np.random.default_rng(4)
    V, W, H = (rng.random(shape) + 0.1 for shape in ((6, 5), (5, 3), (6, 3)))
    answer = _call(update_templates, V, W, H)
    if _unattempted(answer):
        return
    ratio = V / (H @ W.T)
    gain, expected = ratio.T @ H, W * (ratio.T @ H) / H.sum(axis=0)
    wrong = None
    if np.shape(answer) != W.shape:
        wrong = f"templates have shape (n_bands, n_notes), here {W.shape}, and yours is "
        wrong += f"{np.shape(answer)}: sum over the frames."
    elif _close(answer, W * gain):
        wrong = "that is a sum over frames, not a mean: divide by how much each note sounds."
    elif _close(answer, W * gain / W.sum(axis=0)):
        wrong = "the weights of this mean are the activations: divide by the sum of H, not of W."
    elif _close(answer, gain / H.sum(axis=0)):
        wrong = "that is the factor by which a template grows; multiply the template by it."
    elif not _close(answer, expected, 1e-3):
        wrong = "ratio = V / (H @ W.T); then its mean over frames, weighted by the activations."
    _verdict(wrong, "the same step as for the activations, seen from the other side.")


def nb04_mend(mend: Callable[..., Any]) -> None:
    """Check that notes begin before they are held."""
    rows = [[1, 0, 2, 0], [1, 1, 1, 3], [0, 1, 0, 1], [2, 0, 1, 1], [3, 1, 1, 0]]
    roll = np.array(rows, np.uint8)
    answer = _call(mend, roll.copy())
    if _unattempted(answer):
        return
    off_before = np.vstack([np.zeros_like(roll[:1]), roll[:-1]]) == rolls.OFF
    broken = (roll == rolls.HELD) & off_before
    wrong = None
    if np.shape(answer) != roll.shape:
        wrong = f"a roll of shape {roll.shape} went in, and {np.shape(answer)} came out."
    elif _close(answer, np.where(broken, rolls.OFF, roll)):
        wrong = "switched off, the note is off in the next frame's past too, and that one breaks "
        wrong += "the rule again: let it begin instead."
    elif _close(answer[1:], np.where(broken, rolls.SOFT, roll)[1:]) and answer[0, 0] != rolls.SOFT:
        wrong = "the first frame counts too: before it everything is off."
    elif _close(answer, np.where((roll >= rolls.HELD) & off_before, rolls.SOFT, roll)):
        wrong = "a note that begins loud keeps the rule: change only what is held."
    elif _close(answer, np.where(roll == rolls.HELD, rolls.SOFT, roll)):
        wrong = "only where the frame before is off: now every held frame strikes the note again."
    elif not _close(answer, np.where(broken, rolls.SOFT, roll)):
        wrong = "a state is 2 where it was 1 and the frame before was 0; all others stay."
    _verdict(wrong, "now every string was struck before it sounded.")


def nb05_forget_bias(forget_bias: Callable[..., Any]) -> None:
    """Check the bias of a forget gate whose memory halves in a number of steps."""
    answers = [_call(forget_bias, n_steps) for n_steps in (8, 1, 40)]
    if _unattempted(answers[0]):
        return
    gates = [0.5 ** (1 / n_steps) for n_steps in (8, 1, 40)]
    expected = [np.log(gate / (1 - gate)) for gate in gates]
    wrong = None
    if _close(answers, gates, 1e-3):
        wrong = "that is the gate. The bias is what the sigmoid turns into the gate: undo it."
    elif _close(answers, [-bias for bias in expected], 1e-3) and answers[0] < 0:
        wrong = "the sign: a gate near 1, which keeps, needs a positive bias."
    elif _close(answers[1], 0.0, 1e-3) and not _close(answers[0], expected[0], 1e-3):
        wrong = "right for one step; after n the memory is gate ** n, so gate = 0.5 ** (1 / n)."
    elif not _close(answers, expected, 1e-3):
        wrong = "find the gate first, from gate ** n_steps = 0.5; then undo the sigmoid."
    _verdict(wrong, "to remember for long, a forget gate must be held open by a large bias.")


def nb05_lstm_parameters(lstm_parameters: Callable[..., Any]) -> None:
    """Check the number of parameters of an LSTM layer."""
    sizes = [(3, 5), (64, 64), (1024, 7)]
    answers = [_call(lstm_parameters, m, n) for m, n in sizes]
    if _unattempted(answers[0]):
        return
    gate = np.array([m * n + n * n + n for m, n in sizes])
    wrong = None
    if _close(answers, 3 * gate):
        wrong = "three gates and one candidate: four sets of W, U and b, not three."
    elif _close(answers, gate):
        wrong = "that is one gate; an LSTM has four such sets."
    elif _close(answers, [4 * (m * n + n * n) for m, n in sizes]):
        wrong = "each of the four has a bias too, one number a unit."
    elif _close(answers, [4 * (m * n + n) for m, n in sizes]):
        wrong = "the gates look at the last output as well: U has hidden x hidden weights."
    elif not _close(answers, 4 * gate):
        wrong = "count W (n_inputs x hidden), U (hidden x hidden) and b (hidden) of one gate first."
    _verdict(wrong, "four times W, U and b, as Keras counts.")


def nb05_n_sequences(n_sequences: Callable[..., Any]) -> None:
    """Check how many sequences cover a piece."""
    cases = [(41, 40), (40, 40), (81, 40), (82, 40), (10, 4)]
    answers = [_call(n_sequences, n_frames, seq_length) for n_frames, seq_length in cases]
    if _unattempted(answers[0]):
        return
    wrong = None
    if _close(answers, [(n - 1) // length for n, length in cases]):
        wrong = "that rounds down, and the end of the piece is dropped, as the original did."
    elif _close(answers, [n // length for n, length in cases]):
        wrong = "that drops the end; and the first frame is no target, so count n_frames - 1."
    elif _close(answers, [-(-n // length) for n, length in cases]):
        wrong = "41 frames make one sequence of 40, not two: the first frame is never a target."
    elif not _close(answers, [-(-(n - 1) // length) for n, length in cases]):
        wrong = "divide the number of targets, n_frames - 1, by seq_length, and round up."
    _verdict(wrong, "rounded up, so that the last frames count too; the last sequence overlaps.")


def nb05_standardise(standardise: Callable[..., Any]) -> None:
    """Check standardising on training statistics."""
    rng = np.random.default_rng(5)
    scale = np.array([1.0, 10.0, 100.0])
    train, new = scale * rng.normal(1, 1, (50, 3)), scale * rng.normal(3, 2, (20, 3))
    answer = _call(standardise, train, new)
    if _unattempted(answer):
        return
    both = np.concatenate([train, new])
    wrong = None
    if _close(answer, (new - new.mean(axis=0)) / new.std(axis=0)):
        wrong = "those are the new frames' own statistics: in use, there may be a single frame."
    elif _close(answer, (new - both.mean(axis=0)) / both.std(axis=0)):
        wrong = "that peeks: the new frames, to be judged by, have a part in the statistics."
    elif _close(answer, (new - train.mean()) / train.std()):
        wrong = "one mean and one deviation for all features; take them over time, axis 0."
    elif np.shape(answer) == np.shape(train):
        wrong = "it is the new frames that are asked for, not those of training."
    elif not _close(answer, (new - train.mean(axis=0)) / train.std(axis=0)):
        wrong = "subtract the training mean, divide by the training deviation, each by feature."
    _verdict(wrong, "measured on training, applied to everything.")


def nb06_mean_bits(mean_bits: Callable[..., Any]) -> None:
    """Check the loss of a language model: the mean surprise, in bits, of the classes that came."""
    logits = np.random.default_rng(6).normal(0, 2, (9, 5))
    came = np.array([0, 4, 2, 2, 1, 3, 0, 4, 1])
    answer = _call(mean_bits, logits, came)
    if _unattempted(answer):
        return
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = share[np.arange(len(came)), came]
    bits = -np.log2(p)
    wrong = None
    if _close(answer, -bits.mean()):
        wrong = "the logarithm of a probability is negative; surprise is minus that."
    elif _close(answer, -np.log(p).mean()):
        wrong = "those are nats, by the natural logarithm; bits take the logarithm to the base 2."
    elif _close(answer, bits.sum()):
        wrong = "that is the sum over all words; their mean is asked for."
    elif _close(answer, -np.log2(p.mean())):
        wrong = "take the logarithm of each probability first, and the mean of those."
    elif _close(answer, bits):
        wrong = "those are the bits of each word: take their mean."
    elif _close(answer, -np.log2(share).mean()):
        wrong = "only the class that came is paid for: pick one probability from each row."
    elif _close(answer, -logits[np.arange(len(came)), came].mean()):
        wrong = "those are logits: the softmax of each row makes probabilities of them."
    elif not _close(answer, bits.mean()):
        wrong = (
            "softmax along each row, the probability of the class that came, -log2, and the mean."
        )
    _verdict(wrong, "what was expected is cheap, what was not is dear; the mean is the price.")


def nb06_leave_out(leave_out: Callable[..., Any]) -> None:
    """Check min-p: what is less probable than a share of the largest is never drawn."""
    p, min_p = np.array([0.04, 0.5, 0.05, 0.34, 0.07]), 0.1
    answer = _call(leave_out, p.copy(), min_p)
    if _unattempted(answer):
        return
    kept = np.where(p >= min_p * p.max(), p, 0)
    wrong = None
    if _close(answer, kept):
        wrong = "what is left adds up to less than 1: divide by its sum."
    elif _close(answer, np.where(p >= min_p, p, 0) / p[p >= min_p].sum()):
        wrong = "the limit is relative: min_p times the largest probability, here 0.05."
    elif _close(answer, np.where(p > min_p * p.max(), p, 0) / p[p > min_p * p.max()].sum()):
        wrong = "what is exactly at the limit isn't below it, and stays."
    elif _close(answer, kept[kept > 0] / kept.sum()):
        wrong = "the classes keep their places: set what is left out to 0, don't cut it away."
    elif _close(answer, p):
        wrong = "nothing is left out: compare each probability with min_p * p.max()."
    elif not _close(answer, kept / kept.sum()):
        wrong = "keep p where it is at least min_p * p.max(), 0 elsewhere; then divide by the sum."
    _verdict(wrong, "rare slips are never drawn, and a flat list keeps all that it offers.")


def nb06_recalled(recalled: Callable[..., Any]) -> None:
    """Check what recall proposes: a softmax over the past, added up by what followed."""
    scores, followers = np.array([1.0, 3.0, -2.0, 3.0, 2.0]), np.array([2, 0, 2, 5, 0])
    answer = _call(recalled, scores, followers, 7)
    if _unattempted(answer):
        return
    share = np.exp(scores) / np.exp(scores).sum()
    expected = np.bincount(followers, share, minlength=7)
    last = np.zeros(7)
    last[followers] = share  # of moments with the same follower, only the last one
    best = np.eye(7)[followers[scores.argmax()]]
    raw = np.bincount(followers, scores, minlength=7)
    wrong = None
    if np.shape(answer) == (6,) and _close(answer, expected[:6]):
        wrong = "a class that never followed has a share too, 0: there are n_classes of them."
    elif _close(answer, last):
        wrong = "two moments were followed by the same class: add up their shares (np.bincount)."
    elif _close(answer, best):
        wrong = "that copies the most alike moment alone; the softmax lets others speak, too."
    elif _close(answer, np.bincount(followers, minlength=7) / len(followers)):
        wrong = "that counts all moments alike: weigh each by the softmax of its score."
    elif _close(answer, raw) or _close(answer, raw / raw.sum()):
        wrong = "scores are no shares: take their softmax first."
    elif _close(answer, np.bincount(followers, np.exp(scores), minlength=7)):
        wrong = "the shares should add up to 1: divide by the sum of the exponentials."
    elif not _close(answer, expected):
        wrong = "softmax of the scores; then add each moment's share to the class that followed it."
    _verdict(wrong, "a probability for each class, copied from where it sounded like this before.")


def nb07_go_on(go_on: Callable[..., Any]) -> None:
    """Check the loop that lets a network hear a seed, and then itself."""

    def step(frame: Any, state: Any) -> tuple[Any, Any]:
        state = (0.0 if state is None else 0.5 * state) + frame
        return 0.9 * state + 1, state

    def loop(seed: Any, n_frames: int, *, forget: bool = False, repeat: bool = False) -> Any:
        state = None
        for frame in seed:
            prediction, state = step(frame, state)
        prediction, state = step(seed[-1], state) if repeat else (prediction, state)
        generated = []
        for _ in range(n_frames):
            generated.append(prediction)
            prediction, state = step(prediction, None if forget else state)
        return np.array(generated)

    seed = np.array([[1.0, -2.0], [3.0, 0.5], [0.0, 4.0]])
    answer = _call(go_on, step, seed, 5)
    if _unattempted(answer):
        return
    right = loop(seed, 5)
    wrong = None
    if len(answer) != 5:
        wrong = f"5 frames were asked for, not {len(answer)}: what it predicts while it hears the "
        wrong += "seed is not returned."
    elif _close(answer, loop(seed, 6)[1:]):
        wrong = "one frame is lost: what it predicts at the end of the seed is the first new frame."
    elif _close(answer, loop(seed, 5, repeat=True)):
        wrong = "it hears the last frame of the seed twice: feed back what it predicted there."
    elif _close(answer, loop(seed, 5, forget=True)):
        wrong = "the state is lost on the way: pass each step the state that the last one returned."
    elif _close(answer, loop(seed[-1:], 5)):
        wrong = "it heard only the last frame of the seed: let the state pass through all of it."
    elif not _close(answer, right):
        wrong = "each prediction is the next input, together with the state that came with it."
    _verdict(wrong, "hear the seed, keep the state, and then take every prediction for real.")


def nb07_seconds_to_fall(seconds_to_fall: Callable[..., Any]) -> None:
    """Check the time in which a loop forgets."""
    cases = [(60.0, 0.5, 0.25), (20.0, 0.9, 1.0), (6.0, 0.99, 0.1)]
    answers = [_call(seconds_to_fall, *case) for case in cases]
    if _unattempted(answers[0]):
        return
    steps = np.array([drop_db / (-20 * np.log10(rho)) for drop_db, rho, _ in cases])
    right = steps * [step_s for _, _, step_s in cases]
    wrong = None
    if _close(answers, -right):
        wrong = "the sign: log10(rho) is negative, and a drop of so many dB a step is positive."
    elif _close(answers, 2 * right):
        wrong = "rho multiplies amplitudes, so a step is 20 log10(rho) dB, not 10."
    elif _close(answers, steps):
        wrong = "those are steps; seconds were asked for."
    elif not _close(answers, right):
        wrong = "how many dB does one step take away? 20 log10 of a ratio of amplitudes."
    _verdict(wrong, "a spectral radius is a time: it says how long a loop remembers.")


def nb07_tempered(tempered: Callable[..., Any]) -> None:
    """Check how probabilities change with temperature."""
    p = np.array([[0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.25, 0.25]])
    temperatures = (0.5, 1.0, 2.0)
    answers = [_call(tempered, p.copy(), temperature) for temperature in temperatures]
    if _unattempted(answers[0]):
        return
    powers = [p ** (1 / temperature) for temperature in temperatures]
    right = [power / power.sum(axis=-1, keepdims=True) for power in powers]
    wrong = None
    if _close(answers, [p / temperature for temperature in temperatures]):
        wrong = "T divides the logits, the logarithms of p, not p itself; and the sum must be 1."
    elif _close(answers, [p] * 3):
        wrong = "the answers don't depend on the temperature: a sum takes out a common factor."
    elif _close(answers, powers):
        wrong = "the right proportions, but they must add up to 1 again."
    elif _close(answers, [(q := p**t) / q.sum(axis=-1, keepdims=True) for t in temperatures]):
        wrong = "the wrong way round: a high temperature must make them more alike."
    elif not _close(answers, right):
        wrong = "z = log p; what is exp(z / T)? And what makes probabilities add up to 1?"
    _verdict(wrong, "cold sharpens, hot flattens, and what is impossible stays so.")


def nb07_without_tail(without_tail: Callable[..., Any]) -> None:
    """Check that improbable classes are struck out: min-p."""
    p = np.array([[0.5, 0.3, 0.19, 0.01], [0.91, 0.04, 0.03, 0.02]])
    shares = (0.2, 0.5)
    answers = [_call(without_tail, p.copy(), min_p) for min_p in shares]
    if _unattempted(answers[0]):
        return
    largest = p.max(axis=-1, keepdims=True)
    left = [np.where(p >= min_p * largest, p, 0) for min_p in shares]
    absolute = [np.where(p >= min_p, p, 0) for min_p in shares]
    of_all = [np.where(p >= min_p * p.max(), p, 0) for min_p in shares]
    wrong = None
    if _close(answers, left):
        wrong = "the right ones are left, but they must add up to 1 again."
    elif _close(answers, [some / some.sum(axis=-1, keepdims=True) for some in absolute]):
        wrong = "min_p is a share of the likeliest class, not a probability by itself."
    elif _close(answers, [some / some.sum(axis=-1, keepdims=True) for some in of_all]):
        wrong = "each row has a likeliest class of its own: take the maximum over the last axis."
    elif _close(answers, [p] * 2):
        wrong = "nothing was struck out."
    elif not _close(answers, [some / some.sum(axis=-1, keepdims=True) for some in left]):
        wrong = "keep p where it is at least min_p times the row's largest, else 0; then divide by "
        wrong += "the sum."
    _verdict(wrong, "sure, it leaves little choice; unsure, much: the cut moves with the music.")


def nb08_frechet(frechet: Callable[..., Any]) -> None:
    """Check the Frechet distance of two Gaussians in one dimension."""
    cases = [(3.0, 2.0, 0.0, 0.5), (1.0, 1.0, 1.0, 4.0), (-2.0, 3.0, 2.0, 3.0)]
    answers = [_call(frechet, *case) for case in cases]
    if _unattempted(answers[0]):
        return
    mean_a, std_a, mean_b, std_b = np.transpose(cases)
    means, right = (mean_a - mean_b) ** 2, (mean_a - mean_b) ** 2 + (std_a - std_b) ** 2
    wrong = None
    if _close(answers, means):
        wrong = "two Gaussians with one mean can still differ in width, and then they lie apart."
    elif _close(answers, np.sqrt(right)):
        wrong = "that is its root; the distance is commonly given squared, as in the formula above."
    elif _close(answers, means + np.abs(std_a**2 - std_b**2)):
        wrong = "A + B - 2 sqrt(A B) is not the difference of A and B: what is it the square of?"
    elif _close(answers, means + std_a + std_b - 2 * np.sqrt(std_a * std_b)):
        wrong = "A and B are covariances, in one dimension the squares of the deviations."
    elif not _close(answers, right):
        wrong = "put A = std_a ** 2 and B = std_b ** 2 into the formula; no matrices are left."
    _verdict(wrong, "in one dimension it is plain Pythagoras, in the plane of mean and deviation.")


def nb08_trials(fewest_trials: Callable[..., Any]) -> None:
    """Check the shortest test that tells a share of right answers from guessing."""
    shares, expected = np.array([0.75, 1.0, 0.625, 0.5625]), [16, 4, 64, 256]
    answers = [_call(fewest_trials, share) for share in shares]
    if _unattempted(answers[0]):
        return
    wrong = None
    if answers[1] == 1:
        wrong = "one right answer of one is what a coin does half of the time: ask for the bounds."
    elif not _close(shares * answers, np.round(shares * answers)):
        wrong = f"{answers[2]} questions can't be answered right in a share of 0.625: try only "
        wrong += "such n for which share * n is a whole number."
    elif (np.array(answers) < expected).any():
        wrong = "the share itself lies above one half, but not yet its lower bound: go on."
    elif not _close(answers, expected):
        wrong = "at a share of 0.75, 16 questions are enough, at 1.0 even 4; you found "
        wrong += f"{answers[0]} and {answers[1]}: the first n whose lower bound passes one half."
    _verdict(wrong, "half as far from guessing, four times as many questions.")


def nb08_fooled(measure: Callable[..., Any]) -> None:
    """Check a measure that tells one music from another, but not from its shuffled notes."""
    rng = np.random.default_rng(7)
    rolls = [np.where(rng.random((200, 12)) < p, 3, 0).astype(np.uint8) for p in (0.05, 0.2)]
    rolls[1][:, 1::2] = 0  # whole tones
    shuffled = [rng.permuted(roll, axis=0) for roll in rolls]  # each note on its own
    values = [_call(measure, roll) for roll in (*rolls, *shuffled)]
    if _unattempted(values[0]):
        return
    wrong = None
    if np.size(values[0]) != 1 or not np.isfinite(values).all():
        wrong = f"a measure returns one finite number; yours returned {values[0]!r}."
    elif _close(values, np.full(4, float(values[0]))):
        wrong = "it gives everything the same value, so it tells nothing apart."
    elif not _close(values[:2], values[2:]):
        wrong = "the shuffled notes get another value: yours looks at when notes sound, or "
        wrong += "together. What does shuffling keep?"
    _verdict(wrong, "it knows which notes there are and nothing of their order: music is the rest.")
