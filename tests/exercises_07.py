"""The exercises of notebook 07: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks, frame_model


def go_on(step, seed, n_frames):
    return frame_model.compose(step, seed, n_frames)[1]


def everything(step, seed, n_frames):
    return [*seed, *go_on(step, seed, n_frames)]


def one_late(step, seed, n_frames):
    return go_on(step, seed, n_frames + 1)[1:]


def seed_frame_twice(step, seed, n_frames):
    return go_on(step, [*seed, seed[-1]], n_frames)


def stateless(step, seed, n_frames):
    prediction = go_on(step, seed, 1)[0]
    generated = []
    for _ in range(n_frames):
        generated.append(prediction)
        prediction, _ = step(prediction, None)
    return generated


def last_frame_only(step, seed, n_frames):
    return go_on(step, seed[-1:], n_frames)


def seconds_to_fall(drop_db, rho, step_s):
    return drop_db / (-20 * np.log10(rho)) * step_s


def tempered(p, temperature):
    powers = p ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def without_tail(p, min_p, largest=None):
    left = np.where(p >= min_p * (p.max(-1, keepdims=True) if largest is None else largest), p, 0)
    return left / left.sum(axis=-1, keepdims=True)


RIGHT = [
    (checks.nb07_tempered, tempered),
    (checks.nb07_go_on, go_on),
    (checks.nb07_go_on, lambda *arguments: list(go_on(*arguments))),
    (checks.nb07_without_tail, without_tail),
    (checks.nb07_seconds_to_fall, seconds_to_fall),
    (checks.nb07_seconds_to_fall, lambda d, rho, s: s * d / 20 * np.log(10) / -np.log(rho)),
]
WRONG = [
    (checks.nb07_go_on, everything, "not 8"),
    (checks.nb07_go_on, one_late, "one frame is lost"),
    (checks.nb07_go_on, seed_frame_twice, "twice"),
    (checks.nb07_go_on, stateless, "the state is lost"),
    (checks.nb07_go_on, last_frame_only, "only the last frame"),
    (checks.nb07_go_on, lambda step, seed, n: np.zeros((n, 2)), "is the next input"),
    (checks.nb07_seconds_to_fall, lambda *values: -seconds_to_fall(*values), "the sign"),
    (checks.nb07_seconds_to_fall, lambda *values: 2 * seconds_to_fall(*values), "not 10"),
    (checks.nb07_seconds_to_fall, lambda d, rho, s: seconds_to_fall(d, rho, 1), "are steps"),
    (checks.nb07_seconds_to_fall, lambda d, rho, s: d * s, "one step take away"),
    (checks.nb07_tempered, lambda p, t: p / t, "divides the logits"),
    (checks.nb07_tempered, lambda p, t: p / t / (p / t).sum(-1, keepdims=True), "don't depend"),
    (checks.nb07_tempered, lambda p, t: p ** (1 / t), "add up to 1 again"),
    (checks.nb07_tempered, lambda p, t: tempered(p, 1 / t), "wrong way round"),
    (checks.nb07_tempered, lambda p, t: p * 0 + 0.25, "z = log p"),
    (checks.nb07_without_tail, lambda p, m: p * (p >= m * p.max(-1, keepdims=True)), "add up to 1"),
    (checks.nb07_without_tail, lambda p, m: without_tail(p, m, 1), "not a probability"),
    (checks.nb07_without_tail, lambda p, m: without_tail(p, m, p.max()), "of its own"),
    (checks.nb07_without_tail, lambda p, m: p, "nothing was struck"),
    (checks.nb07_without_tail, lambda p, m: p * 0 + 0.25, "divide by"),
]
