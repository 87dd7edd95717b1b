"""One check for each exercise: it says whether an answer is right, and if not, what to think about.

A check takes the reader's answer, a value or a function. `None`, or a function that only returns
`None`, isn't attempted yet, and is not an error: so a notebook runs from top to bottom as it comes.
An answer of another kind gets a hint, too; an error of the reader's own function shows as it is.
What a check prints is for the reader; the `Result` that it returns is for a program that grades.
"""

import copy
import functools
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers import rolls


@dataclass(frozen=True)
class Result:
    """What a check found, and what it printed; as a number, 1 if the answer is right, else 0."""

    attempted: bool
    right: bool
    message: str

    def __float__(self) -> float:
        return float(self.right)

    def _ipython_display_(self) -> None:
        """Show nothing where a cell ends with a check: its message has been printed."""


class _Unattempted(Exception):
    """Says that there is no answer yet."""


def _check(praise: str) -> Callable[[Callable[..., str]], Callable[..., Result]]:
    """Make a check of a function that returns a hint for an answer: print it, else praise."""

    def decorate(hint_for: Callable[..., str]) -> Callable[..., Result]:
        @functools.wraps(hint_for)
        def check(*answers: Any) -> Result:
            is_attempted = all(answer is not None for answer in answers)
            try:
                hint = hint_for(*answers) if is_attempted else ""
            except _Unattempted:
                is_attempted = False
            except (TypeError, ValueError, LookupError) as fault:
                frames = traceback.extract_tb(fault.__traceback__)  # the reader's own are shown
                inside = _answers.__name__ in (frame.name for frame in frames)
                if inside and frames[-1].filename != __file__:
                    raise
                hint = f"that isn't of the kind that is asked for ({fault})."
            if not is_attempted:
                how = "write your answer in the cell above, and run it."
                result = Result(False, False, f"Not attempted yet: {how}")
            else:
                result = Result(True, not hint, f"Not yet: {hint}" if hint else f"Right: {praise}")
            print(result.message)
            return result

        return check

    return decorate


def _answers(function: Callable[..., Any], *cases: Sequence[Any]) -> list[Any]:
    """Return what the reader's function answers to each case: to copies, which it may change."""
    answers = [function(*copy.deepcopy(case)) for case in cases]
    if all(answer is None for answer in answers):
        stub, code = (lambda: None).__code__, getattr(function, "__code__", None)
        if code and len(code.co_code) > len(stub.co_code) + 2:  # 2: a `pass` or `...` before it
            raise ValueError("your function returns None: end it with return and its result")
        raise _Unattempted
    return answers


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the reader's function answers to one case."""
    return _answers(function, arguments)[0]


def _close(answer: Any, expected: npt.ArrayLike, tolerance: float = 1e-5) -> bool:
    """Compare numbers or arrays, of the same shape."""
    answer, expected = np.asarray(answer), np.asarray(expected)
    return answer.shape == expected.shape and np.allclose(answer, expected, atol=tolerance)


def _hint(answer: Any, right: Any, hints: dict[str, Any], otherwise: str, *near: float) -> str:
    """Find the hint for a common wrong answer, or the last one; a right answer has none."""
    hints = {"": right} | hints
    return next((h for h, value in hints.items() if _close(answer, value, *near)), otherwise)


@_check("a sine, switched by the message, added to the music.")
def nb01_hide(hide: Callable[..., Any]) -> str:
    """Check a function of y and keyed that adds 19 kHz at 44.1 kHz, of amplitude 0.01 keyed."""
    y = 0.3 * np.sin(np.arange(4410) / 9)
    keyed = np.clip((np.arange(4410) - 2095) / 110, 0, 1)  # 0, a glide, and 1 from 2205 on
    answer = _call(hide, y, keyed)
    if np.shape(answer) != y.shape:
        return f"{y.shape} samples went in, and {np.shape(answer)} came out."
    added, glide = np.asarray(answer) - y, slice(2095, 2205)
    levels = np.abs(np.fft.rfft(added[2205:])) / 1102.5  # a bin is 20 Hz wide: 19 kHz is bin 950
    if _close(added, -y, 0.02):
        return "the music is gone: add the tone to y."
    if np.abs(added[:2095]).max() > 1e-4:
        return "the tone sounds where keyed is 0, too: multiply it by keyed."
    if np.abs(added).max() < 1e-4:
        return "nothing was added, or sin(2 pi times a whole number), which is 0: divide n by SR."
    if np.argmax(levels) != 950:
        return f"the tone has {20 * np.argmax(levels)} Hz: 2 pi times 19,000 Hz times n / SR."
    n = np.arange(2206, 4410).reshape(2, -1)  # two halves; from one to the next, its phase drifts
    early, late = np.sum(added[n] * np.exp(-2j * np.pi * 19_000 * n / 44_100), axis=1)
    if abs(off := np.angle(late / early) / (2 * np.pi) * 44_100 / 1102) > 0.5:
        return f"the tone has {19_000 + off:,.1f} Hz: n / SR is the time (linspace stretches it)."
    if not _close(levels[950], 0.01, 1e-3):
        return f"the tone's amplitude should be 0.01, and is {levels[950]:.2g}."
    if not _close(np.sum(added[glide] ** 2), 0.5e-4 * np.sum(keyed[glide] ** 2), 2e-4):
        return "where keyed glides, the tone should, too: multiply the whole sine by keyed."
    return ""


@_check("each copy starts from the last one's errors.")
def nb01_copies(copies: Callable[..., Any]) -> str:
    """Check a function of y, n and trip that returns what n trips in a row leave of y."""
    y = np.array([1.0, 0.5])
    twice, answer = _answers(copies, *((y, n, lambda x: x / 2 + 1) for n in (2, 3)))
    hints = {
        "that is one generation: each trip must start from the last one's result.": y / 2 + 1,
        "those are two generations where three are wanted.": y / 4 + 1.5,
        "that is one generation too many.": y / 16 + 1.875,
        "that is the original.": y,
    }
    otherwise = f"return one waveform of shape {y.shape}, after n trips."
    if _close(answer, y / 8 + 1.75) and not _close(twice, y / 4 + 1.5):
        return "right for n = 3, and wrong for n = 2: repeat n times."
    return _hint(answer, y / 8 + 1.75, hints, otherwise)


@_check("6 dB for twice the amplitude, 3 dB for twice the power, 10 dB for ten times.")
def nb01_levels(same: float | None, independent: float | None, ten: float | None) -> str:
    """Check the levels, dBFS, of sums of sounds at -20 dBFS: equal, independent, ten of these."""
    if _close(same, -40, 0.05) or _close(independent, -40, 0.05):
        return "decibels don't add up, powers do: go back to P, add, and take the logarithm again."
    if not _close(same, -13.98, 0.05):
        return f"a sound plus itself: b = a, so the mean of a b is P; that isn't {same} dBFS."
    if _close(independent, -13.98, 0.05):
        return "independent sounds don't add up in amplitude: only their powers do."
    if not _close(independent, -16.99, 0.05):
        return f"two independent sounds have twice the power of one; that isn't {independent} dBFS."
    otherwise = f"ten independent sounds have ten times the power; that isn't {ten} dBFS."
    return _hint(ten, -10, {}, otherwise, 0.05)


@_check("what would fold is gone before the sampling, and the rest passes.")
def nb02_telephone(telephone: Callable[..., Any]) -> str:
    """Check a function that leaves, at 8,000 Hz, 300 to 3,400 Hz of a waveform at 48,000 Hz."""
    t, change = np.arange(48_000) / 48_000, {}  # s; dB by frequency in Hz
    for f in (400, 1500, 3200, 100, 3600, 4200, 5000):
        answer = _call(telephone, np.float32(0.5 * np.sin(2 * np.pi * f * t)))
        size = np.shape(answer)
        middle = np.resize(np.asarray(answer, float), 8000)[2000:6000]
        change[f] = 20 * np.log10(np.std(middle) / np.sqrt(0.125) + 1e-9)
    most = {400: 5, 1500: 2, 3200: 5}  # dB; near the edges, gentle filters are allowed
    lost = [f for f, db in most.items() if abs(change[f]) > db]
    if len(size) != 1 or not 7000 < size[0] < 9000:
        return f"a second should be about 8,000 samples in a row, every sixth, and is {size}."
    if change[5000] > -30:
        return "5,000 Hz comes through, as 3,000 Hz: filter first, then keep every sixth sample."
    if change[4200] > -15:
        return "4,200 Hz comes through, as 3,800 Hz: is the upper edge at 3,400 Hz, and steep?"
    if change[3600] > -3:
        return "3,600 Hz comes through: is the upper edge at 3,400 Hz, and fs=48_000?"
    if lost:
        how = f"{lost[0]:,} Hz should pass, and changes by {change[lost[0]]:.0f} dB: edges of "
        return how + "300 and 3,400 Hz? Is the filter told the rate, fs=48_000?"
    if change[100] > -20:
        return "100 Hz comes through: so low an edge, 300 Hz, needs a band-pass of many taps."
    return ""


@_check("the same row of numbers scrambles and unscrambles.")
def nb02_scramble(scramble: Callable[..., Any]) -> str:
    """Check a function that moves each frequency f to half the sampling rate minus f."""
    tones = [np.sin(2 * np.pi * f * np.arange(800) / 8000 + 0.5) for f in (500, 1000)]
    turned = [tone * (-1.0) ** np.arange(800) for tone in tones]
    answers = _answers(scramble, *([tone] for tone in tones))
    if any(np.shape(x) != (800,) or np.iscomplexobj(x) for x in answers):
        return f"800 samples went in, shape {np.shape(answers[0])} came out: return 800 real ones."
    if np.abs(answers).max() < 1e-6:
        return "all is silent: at half the rate, a sine of phase 0 has only samples of 0."
    if (peaks := [10 * int(np.abs(np.fft.rfft(x)).argmax()) for x in answers]) == [500, 1000]:
        return "500 Hz at 8,000 Hz is still at 500 Hz: no turning round in time or sign moves it."
    if peaks != [3500, 3000]:
        return f"500 and 1,000 Hz at 8,000 Hz become {peaks} Hz, and should be 3,500 and 3,000 Hz."
    otherwise = "right frequencies; backwards, or at another level? Multiply by a row of numbers."
    return "" if any(_close(s * np.asarray(answers), turned) for s in (1, -1)) else otherwise


@_check("at 4 times the rate a meter misses 0.7 dB at most; at the rate itself, any number.")
def nb02_missed_db(missed_db: Callable[..., Any]) -> str:
    """Check by how many dB a meter of peaks can miss the crest of a sine."""
    cases = ((20_000, 48_000, 4), (15_000, 44_100, 2), (1500, 8000, 1))
    answers = _answers(missed_db, *cases)
    f, sr, factor = np.transpose(cases)
    angle = np.pi * f / (factor * sr)
    right, far, slow = (-20 * np.log10(np.cos(n * angle)) for n in (1, 2, factor))
    hints = {
        "a crest above the values is a positive number of dB.": -right,
        "20 log10 is for amplitudes, 10 log10 for powers.": right / 2,
        "at worst the crest lies halfway between two values, half their distance from each.": far,
        "the meter's values come at factor times the rate.": slow,
    }
    otherwise = f"for (f, sr, factor) = {cases} you answer {np.round(answers, 3)} dB: how far "
    otherwise += "apart are the values, as an angle of the sine? And the cosine of half of that?"
    return _hint(answers, right, hints, otherwise)


@_check("440 and 442 Hz take a second; padding can't stand in for it.")
def nb03_shortest_block(answer: Callable[..., Any]) -> str:
    """Check the length of the shortest block in which a Hann window resolves two tones."""
    cases = ((440.0, 442.0, 44100), (116.5, 110.0, 44100), (246.9, 261.6, 16000))
    answers = _answers(answer, *cases)
    exact = [2 * sr / abs(f2 - f1) for f1, f2, sr in cases]
    if min(answers) < 0:
        return "the tones may come in either order; a length is never negative."
    if _close(answers, [n / 2 for n in exact], 1):
        return "in that block they lie one bin apart; a Hann window needs two."
    if not _close(answers, np.ceil(exact)) and _close(answers, exact, 1):
        return "nearly: take the least whole number for which they lie at least two bins apart."
    otherwise = f"{cases[0]} gives {answers[0]}. Bins lie sr / n apart: two of them make f2 - f1."
    return _hint(answers, np.ceil(exact), {}, otherwise)


@_check("the same samples as in one go.")
def nb03_convolve(answer: Callable[..., Any]) -> str:
    """Check a linear convolution by overlap-add, with filters shorter and longer than a block."""
    rng = np.random.default_rng(0)
    sizes = ((20, 6, 8), (20, 21, 4), (13, 3, 64))  # samples, of the filter, of a block
    waves = [[rng.uniform(-1, 1, n).astype(np.float32) for n in s[:2]] for s in sizes]
    cases = [(y, h, s[2]) for (y, h), s in zip(waves, sizes, strict=True)]
    answers = _answers(answer, *cases)
    (y, h, n), expected = cases[0], [np.convolve(y, h) for y, h, _ in cases]
    by_block = [np.convolve(block, h) for block in np.pad(y, (0, 4)).reshape(-1, n)]
    heads = np.concatenate([answer[:n] for answer in by_block])
    wraps = [head[:n] + np.pad(head[n:], (0, n - 5)) for head in by_block]
    if np.iscomplexobj(answers[0]) and _close(np.real(answers[0]), expected[0], 1e-4):
        return "right, but complex: two real sounds give a real one, so take irfft."
    if _close(np.ravel(answers[0])[:20], np.concatenate(wraps)[:20], 1e-4):
        wrong = "it wraps: each block came back with block_length samples, its tail added to its "
        return wrong + "head. Pad to block_length + len(h) - 1: rfft(blocks, n_fft)."
    if _close(np.ravel(answers[0])[:20], heads[:20], 1e-4):
        return "the tails are cut off: add each to the beginning of the next block's answer."
    if np.shape(answers[0]) != (25,):
        wrong = f"20 samples and a filter of 6 give 25, yours have shape {np.shape(answers[0])}: "
        return wrong + "the last block was padded, so cut the sum to len(y) + len(h) - 1."
    if not _close(answers[0], expected[0], 1e-4):
        wrong = "for each block: pad, rfft, multiply by h's rfft of the same length, irfft to "
        return wrong + "n_fft; then add the answers up, each block_length after the one before."
    if not all(_close(a, e, 1e-4) for a, e in zip(answers, expected, strict=True)):
        wrong = "right while the filter is shorter than a block. A longer one's tail reaches over "
        return wrong + "several blocks: all of it counts."
    return ""


@_check("one pulse per frame; the ear takes their rate for the pitch.")
def nb03_robot(answer: Callable[..., Any]) -> str:
    """Check spectra of equal magnitudes whose pulse stands in the middle of the frame."""
    rng = np.random.default_rng(0)
    spectra = np.fft.rfft(rng.standard_normal((3, 64)))
    result = _call(answer, spectra)
    magnitudes, wrong = np.abs(spectra), ""
    if np.shape(result) != spectra.shape:
        wrong = f"{spectra.shape} went in, and {np.shape(result)} came out: keep frames and bins."
    elif not _close(np.abs(result), magnitudes):
        wrong = "the magnitudes have changed, and with them the vowels: change the phases alone."
    elif _close(result, magnitudes):
        wrong = "all phases are zero, so the pulse stands at sample 0, where the window silences "
        wrong += "it. Half a frame later, bin k has turned by k / 2 cycles."
    elif not _close(np.abs(np.fft.irfft(result)[:, 32]), np.fft.irfft(magnitudes)[:, 0]):
        wrong = "the sinusoids don't meet at one sample. Half a frame is k / 2 cycles of bin k: "
        wrong += "an even bin has phase 0 there, an odd one pi."
    return wrong


@_check("the mean of a key is a probability; its median is off, if it is mostly off.")
def nb04_best_guess(best_guess: Callable[..., Any]) -> str:
    """Check which frame has the least squared, and which the least absolute error."""
    values = np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 9.0], [0.0, 4.0], [1.0, 0.0]])
    answers = _answers(best_guess, *((values, loss) for loss in ("squared", "absolute")))
    if any(np.shape(answer) != (2,) for answer in answers):
        return "for both losses, a number for each feature: over the cases, axis 0."
    mean, median = values.mean(axis=0), np.median(values, axis=0)
    other = "for absolute errors, as many cases lie above the best guess as below it."
    if not _close(answers[0], mean):
        other = "set the derivative of the sum of squares to 0: what is left is their mean."
    hints = {
        "the other way round: one far-off case moves the squared error's guess.": [median, mean],
        "right for squares. An absolute error pulls equally hard from near and far.": [mean, mean],
    }
    return _hint(answers, [mean, median], hints, other)


@_check("section 4's step, seen from the other side.")
def nb04_update_templates(update_templates: Callable[..., Any]) -> str:
    """Check the multiplicative update of the templates."""
    rng = np.random.default_rng(4)
    V, W, H = (rng.random(shape) + 0.1 for shape in ((6, 5), (5, 3), (6, 3)))
    V, H = 1000 * V, 1000 * H  # so that a small number in the model doesn't matter
    answer = _call(update_templates, V, W, H)
    growth = (V / (H @ W.T)).T @ H
    hints = {
        "that is a sum over frames, not a mean: divide by how much each note sounds.": W * growth,
        "these weights are activations: divide by the sum of H, not of W.": W * growth / W.sum(0),
        "that is only the factor: multiply the template by it.": growth / H.sum(axis=0),
    }
    otherwise = f"of shape {W.shape}: W times the mean of V / (H @ W.T), weighted by H, unscaled."
    return _hint(answer, W * growth / H.sum(axis=0), hints, otherwise)


@_check("all shares add up to 1, so that nothing is lost.")
def nb04_share(share: Callable[..., Any]) -> str:
    """Check which share of a model's spectra belongs to some of its notes."""
    rng = np.random.default_rng(4)
    W, H, which = rng.random((5, 3)) + 0.1, 1000 * rng.random((6, 3)) + 100, np.arange(3) != 1
    answer = _call(share, W, H, which)
    theirs, M = H[:, which] @ W[:, which].T, H @ W.T
    right = theirs / M
    hints = {
        "that is the spectrum of these notes: divide it by that of all notes.": theirs,
        "that is the share of the other notes.": 1 - right,
        "divide by the spectrum of all notes, these included.": theirs / (M - theirs),
        f"the shape should be (n_frames, n_bands), here {M.shape}: H @ W.T.": right.T,
    }
    otherwise = "theirs is H[:, which] @ W[:, which].T, all is H @ W.T: divide, band by band."
    return _hint(answer, right, hints, otherwise)


@_check("this step, some thousand times, is the whole training.")
def nb05_table_step(table_step: Callable[..., Any]) -> str:
    """Check one step of descent of a softmax layer that predicts a note from the note before."""
    rng = np.random.default_rng(5)
    W, now, then = rng.normal(0, 1, (12, 12)), rng.integers(0, 12, 40), np.arange(40) % 12
    rate = 3.0
    answer = _call(table_step, W, now, then, rate)
    p = np.exp(W) / np.exp(W).sum(axis=1, keepdims=True)
    came = np.eye(12)[then]
    slopes = np.eye(12)[now].T @ (p[now] - came) / len(now)
    once = W.copy()
    once[now] -= rate * (p[now] - came) / len(now)
    right, summed = W - rate * slopes, W - rate * slopes * len(now)
    hints = {
        "that climbs: a step goes against the gradient, W minus.": W + rate * slopes,
        "that is the sum over the pairs; divide by their number, len(now).": summed,
        "that is the gradient; return W after the step.": slopes,
        "multiply the gradient by the learning rate.": W - slopes,
        "gradient[now] += ... adds a note that comes twice only once; use np.add.at.": once,
    }
    otherwise = "softmax(W[now]) minus 1 at `then`, summed in row `now`; all divided by len(now)."
    return _hint(answer, right, hints, otherwise)


@_check("to remember for long, a forget gate must be held open by a large bias.")
def nb05_forget_bias(forget_bias: Callable[..., Any]) -> str:
    """Check the bias of a forget gate whose memory halves in a number of steps."""
    answers = _answers(forget_bias, [8], [1], [40])
    gates = 0.5 ** (1 / np.array([8, 1, 40]))
    expected = np.log(gates / (1 - gates))
    hints = {
        "that is the gate. The bias is what the sigmoid turns into the gate: undo it.": gates,
        "the sign: a gate near 1, which keeps, needs a positive bias.": -expected,
    }
    otherwise = "find the gate first, from gate ** n_steps = 0.5; then undo the sigmoid."
    if _close(answers[1], 0.0, 1e-2):
        otherwise = "right for one step; after n the memory is gate ** n: gate = 0.5 ** (1 / n)."
    return _hint(answers, expected, hints, otherwise, 1e-2)


@_check("all that it knows of the past is one number a block.")
def nb05_ramps(ramps: Callable[..., Any]) -> str:
    """Check blocks that begin at the last sample heard and glide to zero."""
    last, n = np.array([0.5, -0.25, 0.1]), 1000
    answer = _call(ramps, last, n)
    expected = np.outer(last, 1 - np.arange(n) / n)
    if np.shape(answer) == (n, len(last)):
        return "one block a row: the shape is (n_blocks, n_samples)."
    flat = np.outer(last, np.ones(n))
    hints = {
        "a constant joins its own beginning without a jump: let it glide to zero.": flat,
        "that glides from zero to the last sample; the next block begins at it.": flat - expected,
        "the sign: the next block goes on where this one ended.": -expected,
    }
    otherwise = "block k begins at last[k], and loses the same amount from sample to sample."
    return _hint(answer, expected, hints, otherwise, 2 / n)  # it ends at zero or one sample before


@_check("what was expected is cheap, what was not is dear; the mean is the price.")
def nb06_mean_bits(mean_bits: Callable[..., Any]) -> str:
    """Check the loss of a language model: the mean surprise, in bits, of the classes that came."""
    logits = np.random.default_rng(6).normal(0, 2, (9, 5))
    came = np.array([0, 4, 2, 2, 1, 3, 0, 4, 1])
    answer = _call(mean_bits, logits, came)
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
    return _hint(answer, bits.mean(), hints, "softmax of each row, p of what came, -log2, mean.")


@_check("rare slips are never drawn.")
def nb06_leave_out(leave_out: Callable[..., Any]) -> str:
    """Check min-p: what is less probable than a share of the largest is never drawn."""
    p, min_p = np.array([0.04, 0.5, 0.05, 0.33, 0.06, 0.02]), 0.1
    answer = _call(leave_out, p, min_p)
    kept, above, inside = (np.where(some, p, 0) for some in (p >= 0.05, p > 0.05, p >= min_p))
    hints = {
        "what is left adds up to less than 1: divide by its sum.": kept,
        "the limit is relative: min_p times the largest, here 0.05.": inside / inside.sum(),
        "what is exactly at the limit isn't below it, and stays.": above / above.sum(),
        "classes keep their places: set what is left out to 0.": kept[kept > 0] / kept.sum(),
        "nothing is left out: compare each probability with min_p * p.max().": p,
    }
    return _hint(answer, kept / kept.sum(), hints, "p from min_p * p.max() on, else 0; / sum.")


@_check("a probability for each class, copied from where it sounded like this before.")
def nb06_recalled(recalled: Callable[..., Any]) -> str:
    """Check what recall proposes: a softmax over the past, added up by what followed."""
    scores, followers = np.array([1.0, 3.0, -2.0, 3.0, 2.0]), np.array([2, 0, 2, 5, 0])
    answer = _call(recalled, scores, followers, 7)
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
    return _hint(answer, expected, hints, "softmax of the scores, added up class by class.")


@_check("hear the seed, keep the state, and then take every prediction for real.")
def nb07_go_on(go_on: Callable[..., Any]) -> str:
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
    if len(answer) != 5:
        return f"5 frames were asked for, not {len(answer)}: all after the seed, none within it."
    late, twice = loop(seed, 6)[1:], loop(seed, 5, repeat=True)
    gone, last = loop(seed, 5, forget=True), loop(seed[-1:], 5)
    hints = {
        "one frame is lost: what it predicts at the end of the seed is the first new frame.": late,
        "it hears the last frame of the seed twice: feed back what it predicted there.": twice,
        "the state is lost on the way: pass each step the state that the last one returned.": gone,
        "it heard only the last frame of the seed: let the state pass through all of it.": last,
    }
    otherwise = "each prediction is the next input, together with the state that came with it."
    return _hint(answer, loop(seed, 5), hints, otherwise)


@_check("cold sharpens, hot flattens, and what is impossible stays so.")
def nb07_tempered(tempered: Callable[..., Any]) -> str:
    """Check how probabilities change with temperature."""
    p = np.array([[0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.25, 0.25]])
    temperatures = (0.5, 1.0, 2.0)
    answers = _answers(tempered, *((p, temperature) for temperature in temperatures))
    powers, turned = ([p ** (t**sign) for t in temperatures] for sign in (-1, 1))
    right, wrong_way = (
        [q / q.sum(axis=-1, keepdims=True) for q in some] for some in (powers, turned)
    )
    divided = [p / temperature for temperature in temperatures]
    hints = {
        "T divides the logits, the logarithms of p, not p itself; the sum must be 1.": divided,
        "the answers don't depend on the temperature: a sum takes out a common factor.": [p] * 3,
        "the right proportions, but they must add up to 1 again.": powers,
        "the wrong way round: a high temperature must make them more alike.": wrong_way,
    }
    otherwise = "z = log p; what is exp(z / T)? And what makes each row (last axis) add up to 1?"
    return _hint(answers, right, hints, otherwise, 1e-4)  # log(p + 1e-9) will do


@_check("unsure, it leaves many classes; sure, one: so does min-p, by another rule.")
def nb07_nucleus(nucleus: Callable[..., Any]) -> str:
    """Check that only the likeliest classes are left, up to a share of all: top-p."""
    p = np.array([0.05, 0.5, 0.15, 0.3])
    answers = _answers(nucleus, *((p, share) for share in (0.45, 0.75, 0.9)))
    if any(np.shape(answer) != p.shape for answer in answers):
        return "each class keeps its place: what is struck out gets 0, and isn't left out."
    ranks, n_kept = np.array([3, 0, 2, 1]), ((1, 2, 3), (0, 1, 2), (1, 0, 0))
    kept = [[np.where(ranks < n, p, 0) for n in some] for some in n_kept]
    whole, less, few = ([x / max(x.sum(), 1e-9) for x in some] for some in kept)
    hints = {
        "the right ones are left, but they must add up to 1 again.": kept[0],
        "the class that takes the sum to the share or past it is kept, too: together they "
        "must hold at least so much.": less,
        "that compares each class with the share; add them up, from the likeliest down.": few,
        "nothing was struck out.": [p] * 3,
    }
    otherwise = "how much do those likelier than a class hold? And each class keeps its place."
    return _hint(answers, whole, hints, otherwise)


@_check("prediction minus answer, weighed by what was seen: so an output layer learns.")
def nb08_step(step: Callable[..., Any]) -> str:
    """Check a step of gradient descent for logistic regression."""
    rng = np.random.default_rng(8)
    w, X, y = rng.normal(size=3), rng.normal(size=(8, 3)), np.repeat([0.0, 1.0], 4)
    answer = _call(step, w, X, y, 0.5)
    p = 1 / (1 + np.exp(-X @ w))
    downhill = -0.5 * X.T @ (p - y) / 8
    linear = w - 0.5 * X.T @ (X @ w - y) / 8
    if _close(answer, downhill) or _close(answer, -downhill):
        return "that is the change alone: return the weights after it."
    hints = {
        "that is uphill: the gradient is taken off the weights, not added.": w - downhill,
        "the loss is a mean over the windows: divide by their number.": w + 8 * downhill,
        "the gradient alone gives no length of a step: multiply it by rate.": w + 2 * downhill,
        "X @ w is no probability yet: put it through 1 / (1 + exp(-X @ w)).": linear,
    }
    otherwise = "p = 1 / (1 + exp(-X @ w)), then w - rate * X.T @ (p - y) / len(y), of w's shape."
    return _hint(answer, w + downhill, hints, otherwise)


@_check("six measures pass it. Now listen: what should the seventh ask?")
def nb08_rule(by_rule: Callable[..., Any], jury: Callable[..., Any], shape: tuple[int, int]) -> str:
    """Check a roll that is composed by a rule; `jury` returns the measures that catch a roll."""
    roll, again = _answers(by_rule, *([np.random.default_rng(seed)] for seed in (7, 8)))
    try:
        roll, again = rolls.valid(roll), rolls.valid(again)
    except ValueError as fault:
        return f"that is no roll: {fault}"
    if roll.shape != shape:
        return f"return {shape[0]} frames of {shape[1]} notes, not {roll.shape}."
    if not (roll >= rolls.SOFT).any():
        return "nothing is struck: silence makes no mistakes, and no music."
    if caught := jury(roll):
        return f"the jury catches it by {', '.join(caught)}: + is more than real music has, - less."
    if np.array_equal(roll, again):
        return "it passes, but only once: let rng decide something, so that there is a next piece."
    return ""


@_check("it knows which notes there are and nothing of their order: music is the rest.")
def nb08_fooled(measure: Callable[..., Any]) -> str:
    """Check a measure that tells one music from another, but not from its shuffled notes."""
    rng, pieces = np.random.default_rng(8), []
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
    values = _answers(measure, *([slots.reshape(200, 12)] for slots in (*pieces, *shuffled)))
    if np.size(values[0]) != 1 or not np.isfinite(values).all():
        return f"a measure returns one finite number; yours returned {values[0]!r}."
    if _close(values, np.full(4, float(values[0]))):
        return "it gives everything the same value, so it tells nothing apart."
    otherwise = "the shuffled notes get another value: yours looks at when notes sound, or "
    otherwise += "together. What does shuffling keep?"
    return _hint(values[:2], values[2:], {}, otherwise)


@_check("neighbours stay neighbours, also across the far side.")
def nb09_cents(cents: Callable[..., Any]) -> str:
    """Check a tuner: the circular mean of how far peaks lie from equal temperament, in cents."""
    keys, w = np.array([-9, -2, 3, 10]), np.array([1.0, 2.0, 0.5, 0.2])
    off = np.array([[20.0, 20, 20, 20], [48, -46, 49, 30]])  # the second row: across the far side
    f = 440 * 2 ** ((keys + off / 100) / 12)
    answer = _answers(cents, *((each, w) for each in f))
    arrows, mean = np.exp(2j * np.pi * off / 100), off @ w / w.sum()
    right, equal = (np.angle((arrows * v).sum(axis=1)) * 50 / np.pi for v in (w, np.ones(4)))
    hints = {
        "that is a mean of cents, in which +48 and -46 nearly cancel: add up arrows.": mean,
        "that is the angle in radians: all round, 2 pi, are 100 cents.": right * np.pi / 50,
        "all round must be one semitone, 100 cents, not two.": right * 2,
        "the wrong way round: a piece that is too high has positive cents.": -right,
        "from -50 to 50: what is beyond 50 lies below the next key.": right % 100,
        "all peaks count alike: multiply each arrow by its w.": equal,
    }
    otherwise = "an arrow w exp(2 pi i 12 log2(f / 440)) for each peak; the angle of their sum."
    return _hint(answer, right, hints, otherwise)


@_check("30 cents are 1.7 %: three seconds in three minutes, so notes move, too.")
def nb09_tape(factor: float | None, seconds: float | None) -> str:
    """Check by what factor a tape runs too fast, 30 cents too high, and how long 3 minutes last."""
    right = 2 ** (30 / 1200)
    if _close(factor, 2 ** (30 / 12), 1e-3) or _close(factor, 2 ** (30 / 100), 1e-3):
        return "a semitone has 100 cents, and an octave 12 semitones: divide 30 by 1200."
    if _close(factor, 1 + 0.3 * (2 ** (1 / 12) - 1), 2e-4):
        return "not three tenths of a semitone's 5.9 %: 100 equal factors make it, not equal steps."
    hints = {"too high is too fast: the factor of the frequencies is above 1.": 1 / right}
    otherwise = f"an octave is a factor of 2, so 30 cents are one of 2 to the 30 / 1200: {factor}?"
    if wrong := _hint(factor, right, hints, otherwise, 1e-3):
        return wrong
    hints = {
        "what runs too fast lasts less long: divide by the factor.": 180 * right,
        "that is by how much it is shorter.": 180 - 180 / right,
    }
    otherwise = f"3 minutes are 180 s: how many are they, divided by the factor? Not {seconds}."
    return _hint(seconds, 180 / right, hints, otherwise, 0.5)


@_check("it stays, glides, and arrives.")
def nb09_blend(blend: Callable[..., Any]) -> str:
    """Check a blend that stays, glides and stays: the shares of two labels as a piece goes on."""
    at = np.array([0, 0.2, 0.25, 0.4, 0.5, 0.75, 0.9, 1])
    answers = _answers(blend, *((float(done), "one", "other") for done in at))
    for shares in answers:
        if not isinstance(shares, dict) or set(shares) != {"one", "other"}:
            return f"return a dictionary by the two names given, not {shares!r}."
    shares = np.array([[one["one"], one["other"]] for one in answers], float)
    expected, jump = np.clip(2 * at - 0.5, 0, 1), np.round(at)
    if not _close(shares.sum(axis=1), np.ones(len(at))):
        return "the shares of both must add up to 1 at every moment."
    hints = {
        "the wrong way round: it begins with the first.": 1 - expected,
        "it glides from the beginning to the end: let it stay in the first and last quarter.": at,
        "it jumps: between the quarters the share must grow along a straight line.": jump,
        "shares lie from 0 to 1: np.clip keeps them there.": 2 * at - 0.5,
    }
    otherwise = "the second's share is 0 up to 1/4, 1 from 3/4 on, and rises by 2 a unit between."
    return _hint(shares[:, 1], expected, hints, otherwise)


@_check("alike from the last stressed vowel on, and not before it.")
def nb10_rhyme(rhyme: Callable[..., Any]) -> str:
    """Check a test of rhyme for two words, each a list of phones as CMUdict writes them."""
    night, light, nation = "N AY1 T", "L AY1 T", "N EY1 SH AH0 N"
    cases = (  # does it rhyme, and what to say if the answer is another
        (night, "D IH0 L AY1 T", True, "'night', 'delight': they are alike from the stress on."),
        (night, "DH AH1 S", False, "'night' and 'thus' have neither vowel nor end in common."),
        (nation, "P AE1 SH AH0 N", False, "'passion': begin at the last vowel that is stressed."),
        (night, "N AY1 N", False, "'night' and 'nine' part after the vowel: compare to the end."),
        (night, night, False, "a word doesn't rhyme with itself: something before must differ."),
        (light, "D IH0 L AY1 T", False, "'light' and 'delight': compare what is before, too."),
        ("F AY1 T", "F L AY1 T", True, "'fight', 'flight' rhyme: look at all consonants before."),
        (light, "B L AY1 T", True, "'light' and 'blight' rhyme: look at all consonants before."),
        (nation, "S T EY1 SH AH0 N", True, "'nation' and 'station' rhyme, on two syllables."),
        (nation, "R EY1 N", False, "'nation' and 'rain': compare all sounds from the vowel on."),
        (nation, "P EY1 SH AH0 N S", False, "'nation' and 'patience': compare to the end."),
        (night, "S AE1 T AH0 L AY2 T", True, "'satellite' rhymes with 'night': AY2 is AY1."),
        (night, "AY1 S AY1 T", True, "'eyesight': the last stressed vowel counts, not the first."),
    )
    answers = _answers(rhyme, *((one.split(), other.split()) for one, other, *_ in cases))
    wrong = (case[3] for case, said in zip(cases, answers, strict=True) if bool(said) != case[2])
    return next(wrong, "")


@_check("eight notes, one vowel.")
def nb10_scale(scale: Callable[..., Any]) -> str:
    """Check the pitch of a sung major scale in Hz: eight notes of 80 frames, from a MIDI number."""
    for lowest in (57, 60):
        answer = _call(scale, lowest)
        if np.shape(answer) != (640,):
            return f"8 notes of 80 frames are (640,), got {np.shape(answer)}: np.repeat."
        steps = np.array([[0, 2, 4, 5, 7, 9, 11, 12], range(8)])
        keys, notes = np.repeat(lowest + steps[0], 80), 440 * 2 ** ((steps + lowest - 69) / 12)
        hints = {
            "those are MIDI numbers: 69 is 440 Hz, and 12 more are twice as much.": keys,
            "those are semitones alone: add the lowest, and turn it into Hz.": keys - lowest,
            "all steps are one semitone: a major scale has 2 2 1 2 2 2 1.": np.repeat(notes[1], 80),
            "a step after every frame: each note lasts 80 frames.": np.tile(notes[0], 80),
        }
        if lowest != 57:
            hints["it must begin at `lowest`, whatever that is."] = 220 * 2 ** ((keys - 60) / 12)
        otherwise = "440 * 2 ** ((key - 69) / 12), of the keys 0 2 4 5 7 9 11 12 above the lowest."
        if hint := _hint(answer, np.repeat(notes[0], 80), hints, otherwise):
            return hint
    return ""


@_check("a share of 1/2 would be chance.")
def nb10_on_strong(on_strong: Callable[..., Any]) -> str:
    """Check which share of a word's places in lines is even, if a line's places count from 1."""
    lines = ["the 1 day 2", "the 1 heaven 2 the 4", "the 1 sun 2", "o 1 then 2", "my 2 love 4"]
    pairs = [np.reshape(line.split(), (-1, 2)).tolist() for line in lines]
    placed = [[(word, int(place)) for word, place in line] for line in pairs]
    answer = _call(on_strong, placed, "the")
    hints = {
        "that is how often it stands on odd places, the weak ones.": 3 / 4,
        "that is a number of places, not a share of them all.": 1,
        "that is a share of all words: divide by how often this word comes.": 1 / 11,
        "that is a share of all even places: divide by how often the word comes.": 1 / 7,
        "that is a share of lines: divide by how often the word comes.": 1 / 5,
        "a place is given with each word: don't count words.": 0,
        "ask whether it is this word: you count places of all words.": 7 / 11,
    }
    otherwise = "among all places of the word, in all lines, how many are even?"
    return _hint(answer, 1 / 4, hints, otherwise)
