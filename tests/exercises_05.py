"""The exercises of notebook 05: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def slopes(W, now, then, *, at_once=False):
    """Return the sum of the gradients over all pairs."""
    p = np.exp(W) / np.exp(W).sum(axis=1, keepdims=True)
    total = np.zeros_like(W)
    if at_once:
        total[now] += p[now] - np.eye(12)[then]
    else:
        np.add.at(total, now, p[now] - np.eye(12)[then])
    return total


def step(W, now, then, rate):
    return W - rate * slopes(W, now, then) / len(now)


def by_matrices(W, now, then, rate):
    one_hot = np.eye(12)
    p = np.exp(W) / np.exp(W).sum(axis=1, keepdims=True)
    W -= rate * one_hot[now].T @ (p[now] - one_hot[then]) / len(now)  # in place
    return W


def in_place_only(W, now, then, rate):
    W -= rate * slopes(W, now, then) / len(now)


def gate(n_steps):
    return 0.5 ** (1 / n_steps)


def ramps(last, n):
    return np.outer(last, 1 - np.arange(n) / n)


def ramps_in_place(last, n):
    blocks, step = np.empty((len(last), n)), last / n
    for i in range(n):
        blocks[:, i] = last
        last -= step
    return blocks


RIGHT = [
    (checks.nb05_table_step, step),
    (checks.nb05_table_step, by_matrices),
    (checks.nb05_forget_bias, lambda n: np.log(gate(n) / (1 - gate(n)))),
    (checks.nb05_forget_bias, lambda n: -np.log(2 ** (1 / n) - 1)),
    (checks.nb05_forget_bias, lambda n: round(-float(np.log(2 ** (1 / n) - 1)), 2)),
    (checks.nb05_ramps, ramps),
    (checks.nb05_ramps, ramps_in_place),
    (checks.nb05_ramps, lambda last, n: np.linspace(last, 0, n, axis=1)),
]
WRONG = [
    (checks.nb05_table_step, lambda W, now, then, rate: 2 * W - step(W, now, then, rate), "climbs"),
    (checks.nb05_table_step, lambda W, now, then, rate: step(W, now, then, 40 * rate), "the sum"),
    (checks.nb05_table_step, lambda W, now, then, rate: slopes(W, now, then) / 40, "return W"),
    (checks.nb05_table_step, lambda W, now, then, rate: step(W, now, then, 1), "learning rate"),
    (checks.nb05_table_step, in_place_only, "returns None"),
    (
        checks.nb05_table_step,
        lambda W, now, then, rate: W - rate * slopes(W, now, then, at_once=True) / 40,
        "np.add.at",
    ),
    (checks.nb05_table_step, lambda W, now, then, rate: step(W, then, now, rate), "summed in row"),
    (checks.nb05_forget_bias, gate, "that is the gate"),
    (checks.nb05_forget_bias, lambda n: np.log((1 - gate(n)) / gate(n)), "the sign"),
    (checks.nb05_forget_bias, lambda n: 0.0, "right for one step"),
    (checks.nb05_forget_bias, lambda n: n, "find the gate first"),
    (checks.nb05_ramps, lambda last, n: ramps(last, n).T, "a row"),
    (checks.nb05_ramps, lambda last, n: np.outer(last, np.ones(n)), "a constant"),
    (checks.nb05_ramps, lambda last, n: ramps(last, n)[:, ::-1], "from zero"),
    (checks.nb05_ramps, lambda last, n: ramps(-last, n), "the sign"),
    (checks.nb05_ramps, lambda last, n: ramps(last, 5 * n)[:, :n], "begins at last[k]"),
]
