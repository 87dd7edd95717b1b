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


def _match(answer: Any, right: Any, hints: dict[str, Any], otherwise: str, praise: str) -> None:
    """Praise the right answer; give a common wrong one its hint, and all others the last one."""
    hint = next((hint for hint, value in hints.items() if _close(answer, value)), otherwise)
    _verdict(None if _close(answer, right) else hint, praise)


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


def nb05_table_step(table_step: Callable[..., Any]) -> None:
    """Check one step of descent of a softmax layer that predicts a note from the note before."""
    rng = np.random.default_rng(5)
    W, now, then = rng.normal(0, 1, (12, 12)), rng.integers(0, 12, 40), np.arange(40) % 12
    rate = 3.0
    given = W.copy()
    answer = _call(table_step, given, now, then, rate)
    if np.array_equal(given, W) and _unattempted(answer):
        return
    p = np.exp(W) / np.exp(W).sum(axis=1, keepdims=True)
    came = np.eye(12)[then]
    slopes = np.eye(12)[now].T @ (p[now] - came) / len(now)
    once = W.copy()
    once[now] -= rate * (p[now] - came) / len(now)
    wrong = None
    if answer is None:
        wrong = "W is changed, but not returned: end with return W."
    elif _close(answer, W + rate * slopes):
        wrong = "that climbs: a step goes against the gradient, W minus."
    elif _close(answer, W - rate * slopes * len(now)):
        wrong = "that is the sum over the pairs; divide by their number, len(now)."
    elif _close(answer, slopes):
        wrong = "that is the gradient; return W after the step."
    elif _close(answer, W - slopes):
        wrong = "multiply the gradient by the learning rate."
    elif _close(answer, once):
        wrong = "gradient[now] += ... adds a note that comes twice only once; use np.add.at."
    elif not _close(answer, W - rate * slopes):
        wrong = "for each pair: softmax(W[now]) minus 1 at `then`, added to the row `now`."
    _verdict(wrong, "this step, some thousand times, is the whole training.")


def nb05_forget_bias(forget_bias: Callable[..., Any]) -> None:
    """Check the bias of a forget gate whose memory halves in a number of steps."""
    answers = [_call(forget_bias, n_steps) for n_steps in (8, 1, 40)]
    if _unattempted(answers[0]):
        return
    gates = [0.5 ** (1 / n_steps) for n_steps in (8, 1, 40)]
    expected = [np.log(gate / (1 - gate)) for gate in gates]
    wrong = None
    if _close(answers, gates, 1e-2):
        wrong = "that is the gate. The bias is what the sigmoid turns into the gate: undo it."
    elif _close(answers, [-bias for bias in expected], 1e-2) and answers[0] < 0:
        wrong = "the sign: a gate near 1, which keeps, needs a positive bias."
    elif _close(answers[1], 0.0, 1e-2) and not _close(answers, expected, 1e-2):
        wrong = "right for one step; after n the memory is gate ** n, so gate = 0.5 ** (1 / n)."
    elif not _close(answers, expected, 1e-2):
        wrong = "find the gate first, from gate ** n_steps = 0.5; then undo the sigmoid."
    _verdict(wrong, "to remember for long, a forget gate must be held open by a large bias.")


def nb05_ramps(ramps: Callable[..., Any]) -> None:
    """Check blocks that begin at the last sample heard and glide to zero."""
    last, n = np.array([0.5, -0.25, 0.1]), 1000
    answer = _call(ramps, last, n)
    if _unattempted(answer):
        return
    expected = np.outer(last, 1 - np.arange(n) / n)
    wrong = None
    if np.shape(answer) == (n, len(last)):
        wrong = "one block a row: the shape is (n_blocks, n_samples)."
    elif _close(answer, np.outer(last, np.ones(n))):
        wrong = "a constant joins its own beginning without a jump: let it glide to zero."
    elif _close(answer, expected[:, ::-1], 0.01) or _close(answer, last[:, None] - expected, 0.01):
        wrong = "that glides from zero to the last sample; the next block begins at it."
    elif _close(answer, -expected, 0.01):
        wrong = "the sign: the next block goes on where this one ended."
    elif not _close(answer, expected, 2 / n):  # whether it ends at zero or one sample before
        wrong = "block k begins at last[k], and loses the same amount from sample to sample."
    _verdict(wrong, "all that it knows of the past is one number a block.")


def nb06_mean_bits(mean_bits: Callable[..., Any]) -> None:
    """Check the loss of a language model: the mean surprise, in bits, of the classes that came."""
    logits = np.random.default_rng(6).normal(0, 2, (9, 5))
    came = np.array([0, 4, 2, 2, 1, 3, 0, 4, 1])
    answer = _call(mean_bits, logits, came)
    if _unattempted(answer):
        return
    share, at = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), np.arange(len(came))
    p, bits = share[at, came], -np.log2(share[at, came])
    hints = {
        "the logarithm of a probability is negative; surprise is minus that.": -bits.mean(),
        "those are nats; bits take the logarithm to the base 2.": -np.log(p).mean(),
        "that is the sum over all words; their mean is asked for.": bits.sum(),
        "take the logarithm of each probability first, then the mean.": -np.log2(p.mean()),
        "those are the bits of each word: take their mean.": bits,
        "only the class that came is paid for: pick one of each row.": -np.log2(share).mean(),
        "those are logits: the softmax of each row comes first.": -logits[at, came].mean(),
    }
    praise = "what was expected is cheap, what was not is dear; the mean is the price."
    _match(answer, bits.mean(), hints, "softmax of each row, p of what came, -log2, mean.", praise)


def nb06_leave_out(leave_out: Callable[..., Any]) -> None:
    """Check min-p: what is less probable than a share of the largest is never drawn."""
    p, min_p = np.array([0.04, 0.5, 0.05, 0.34, 0.07]), 0.1
    answer = _call(leave_out, p.copy(), min_p)
    if _unattempted(answer):
        return
    kept, above, inside = (np.where(some, p, 0) for some in (p >= 0.05, p > 0.05, p >= min_p))
    hints = {
        "what is left adds up to less than 1: divide by its sum.": kept,
        "the limit is relative: min_p times the largest, here 0.05.": inside / inside.sum(),
        "what is exactly at the limit isn't below it, and stays.": above / above.sum(),
        "classes keep their places: set what is left out to 0.": kept[kept > 0] / kept.sum(),
        "nothing is left out: compare each probability with min_p * p.max().": p,
    }
    praise, otherwise = "rare slips are never drawn.", "p from min_p * p.max() on, else 0; / sum."
    _match(answer, kept / kept.sum(), hints, otherwise, praise)


def nb06_recalled(recalled: Callable[..., Any]) -> None:
    """Check what recall proposes: a softmax over the past, added up by what followed."""
    scores, followers = np.array([1.0, 3.0, -2.0, 3.0, 2.0]), np.array([2, 0, 2, 5, 0])
    answer = _call(recalled, scores, followers, 7)
    if _unattempted(answer):
        return
    weight, last = np.exp(scores), np.zeros(7)
    share, raw = weight / weight.sum(), np.bincount(followers, scores, minlength=7)
    last[followers] = share  # of moments with the same follower, only the last one
    expected = np.bincount(followers, share, minlength=7)
    tenfold = np.bincount(followers, weight**10 / (weight**10).sum(), minlength=7)
    hints = {
        "the scores are times 10 already: leave the factor out.": tenfold,
        "what never followed has a share too, 0: there are n_classes of them.": expected[:6],
        "two moments had the same follower: add up their shares (np.bincount).": last,
        "that copies the most alike moment alone; let others speak.": np.eye(7)[0],
        "all moments count alike: weigh them.": np.bincount(followers, minlength=7) / 5,
        "scores are no shares: take their softmax first.": raw,
        "scores are no shares, nor divided by their sum: take their softmax.": raw / raw.sum(),
        "shares add up to 1: divide by the sum.": np.bincount(followers, weight, minlength=7),
    }
    praise = "a probability for each class, copied from where it sounded like this before."
    _match(answer, expected, hints, "softmax of the scores, added up class by class.", praise)


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


def nb07_nucleus(nucleus: Callable[..., Any]) -> None:
    """Check that only the likeliest classes are left, up to a share of all: top-p."""
    p = np.array([0.05, 0.5, 0.15, 0.3])
    shares = (0.45, 0.75, 0.9)
    answers = [_call(nucleus, p.copy(), share) for share in shares]
    if _unattempted(answers[0]):
        return
    n_right = (1, 2, 3)

    def keep(n_kept: tuple[int, ...]) -> list[Any]:
        return [np.where(p >= np.sort(p)[-n], p, 0) if n else 0 * p for n in n_kept]

    whole = [some / some.sum() for some in keep(n_right)]
    wrong = None
    if _close(answers, keep(n_right)):
        wrong = "the right ones are left, but they must add up to 1 again."
    elif _close(answers, [some / max(some.sum(), 1e-9) for some in keep((0, 1, 2))]):
        wrong = "the class that takes the sum to the share or past it is kept, too: together they "
        wrong += "must hold at least so much."
    elif _close(answers, [some / max(some.sum(), 1e-9) for some in keep((1, 0, 0))]):
        wrong = "that compares each class with the share; add them up, from the likeliest down."
    elif _close(answers, [p] * 3):
        wrong = "nothing was struck out."
    elif not _close(answers, whole):
        wrong = "sort the classes, the likeliest first; how much do those before each one hold?"
    _verdict(wrong, "unsure, it leaves many classes; sure, one: so does min-p, by another rule.")


def nb08_step(step: Callable[..., Any]) -> None:
    """Check a step of gradient descent for logistic regression."""
    rng = np.random.default_rng(8)
    w, X, y = rng.normal(size=3), rng.normal(size=(8, 3)), np.repeat([0.0, 1.0], 4)
    answer = _call(step, w.copy(), X, y, 0.5)
    if _unattempted(answer):
        return
    p = 1 / (1 + np.exp(-X @ w))
    downhill = -0.5 * X.T @ (p - y) / 8
    wrong = None
    if _close(answer, w - downhill):
        wrong = "that is uphill: the gradient is taken off the weights, not added."
    elif _close(answer, downhill) or _close(answer, -downhill):
        wrong = "that is the change alone: return the weights after it."
    elif _close(answer, w + 8 * downhill):
        wrong = "the loss is a mean over the windows: divide by their number."
    elif _close(answer, w - 0.5 * X.T @ (X @ w - y) / 8):
        wrong = "X @ w is no probability yet: put it through 1 / (1 + exp(-X @ w))."
    elif not _close(answer, w + downhill):
        wrong = (
            "compute p = 1 / (1 + exp(-X @ w)), then w - rate * X.T @ (p - y) / len(y); what you "
        )
        wrong += f"returned has shape {np.shape(answer)}, the weights have {np.shape(w)}."
    _verdict(wrong, "prediction minus answer, weighed by what was seen: any network learns so.")


def nb08_rule(
    by_rule: Callable[..., Any], jury: Callable[..., Any], shape: tuple[int, int]
) -> None:
    """Check a roll that is composed by a rule; `jury` returns the measures that catch a roll."""
    roll, again = (_call(by_rule, np.random.default_rng(seed)) for seed in (7, 8))
    if _unattempted(roll):
        return
    try:
        roll, again = rolls.valid(roll), rolls.valid(again)
    except ValueError as fault:
        return _verdict(f"that is no roll: {fault}", "")
    wrong = None
    if roll.shape != shape:
        wrong = f"return {shape[0]} frames of {shape[1]} notes, not {roll.shape}."
    elif not (roll >= rolls.SOFT).any():
        wrong = "nothing is struck: silence makes no mistakes, and no music."
    elif caught := jury(roll):
        wrong = (
            f"the jury catches it by {', '.join(caught)}: + is more than real music has, - less."
        )
    elif np.array_equal(roll, again):
        wrong = "it passes, but only once: let rng decide something, so that there is a next piece."
    _verdict(wrong, "six measures pass it. Now listen: what should the seventh ask?")


def nb08_fooled(measure: Callable[..., Any]) -> None:
    """Check a measure that tells one music from another, but not from its shuffled notes."""
    rng, pieces = np.random.default_rng(7), []
    for share, louder in ((0.2, 0.2), (0.4, 0.7)):
        slots = np.zeros((25, 8, 12), np.uint8)  # a note begins in the first frame of its slot
        lengths = rng.integers(1, 8, (25, 12)) * (rng.random((25, 12)) < share)
        slots[np.arange(8)[:, None] < lengths[:, None]] = rolls.HELD
        onsets = np.where(rng.random((25, 12)) < louder, rolls.LOUD, rolls.SOFT)
        slots[:, 0][lengths > 0] = onsets[lengths > 0]
        pieces.append(slots)
    pieces[1][..., 1::2] = 0  # whole tones
    order = rng.permuted(np.tile(np.arange(25)[:, None], (1, 12)), axis=0)  # each key on its own
    shuffled = [np.take_along_axis(slots, order[:, None], axis=0) for slots in pieces]
    values = [_call(measure, slots.reshape(200, 12)) for slots in (*pieces, *shuffled)]
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
