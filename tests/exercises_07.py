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


def tempered(p, temperature):
    powers = p ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def nucleus(p, share, *, reach=True):
    order = np.argsort(p)[::-1]
    before = np.cumsum(p[order]) - (p[order] if reach else 0)
    left = np.zeros_like(p)
    left[order[before < share]] = p[order[before < share]]
    return left / max(left.sum(), 1e-9)


RIGHT = [
    (checks.nb07_tempered, tempered),
    (checks.nb07_tempered, lambda p, t: tempered(p + 1e-9, t)),
    (checks.nb07_go_on, go_on),
    (checks.nb07_go_on, lambda *arguments: list(go_on(*arguments))),
    (checks.nb07_nucleus, nucleus),
    (checks.nb07_nucleus, lambda p, share: nucleus(p, share + 1e-9)),
]
WRONG = [
    (checks.nb07_go_on, everything, "not 8"),
    (checks.nb07_go_on, one_late, "one frame is lost"),
    (checks.nb07_go_on, seed_frame_twice, "twice"),
    (checks.nb07_go_on, stateless, "the state is lost"),
    (checks.nb07_go_on, last_frame_only, "only the last frame"),
    (checks.nb07_go_on, lambda step, seed, n: np.zeros((n, 2)), "is the next input"),
    (checks.nb07_tempered, lambda p, t: p / t, "divides the logits"),
    (checks.nb07_tempered, lambda p, t: p / t / (p / t).sum(-1, keepdims=True), "don't depend"),
    (checks.nb07_tempered, lambda p, t: p ** (1 / t), "add up to 1 again"),
    (checks.nb07_tempered, lambda p, t: tempered(p, 1 / t), "wrong way round"),
    (checks.nb07_tempered, lambda p, t: p * 0 + 0.25, "z = log p"),
    (checks.nb07_tempered, lambda p, t: p ** (1 / t) / np.sum(p ** (1 / t)), "each row"),
    (checks.nb07_nucleus, lambda p, s: np.where(nucleus(p, s) > 0, p, 0), "add up to 1 again"),
    (checks.nb07_nucleus, lambda p, s: nucleus(p, s, reach=False), "is kept, too"),
    (checks.nb07_nucleus, lambda p, s: (q := p * (p >= s)) / max(q.sum(), 1e-9), "add them up"),
    (checks.nb07_nucleus, lambda p, s: p, "nothing was struck"),
    (checks.nb07_nucleus, lambda p, s: np.sort(nucleus(p, s))[::-1], "keeps its place"),
    (checks.nb07_nucleus, lambda p, s: p * 0 + 0.25, "keeps its place"),
    (checks.nb07_nucleus, lambda p, s: (q := nucleus(p, s))[q > 0], "isn't left out"),
]
