"""The exercises of notebook 06: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def of_what_came(logits, came):
    return softmax(logits)[np.arange(len(came)), came]


def surprises(logits, came):
    return -np.log2(of_what_came(logits, came))


def kept(p, least):
    return np.where(p >= least, p, 0)


def shares_from(p, least):
    return kept(p, least) / kept(p, least).sum()


def shares(scores, followers, n_classes):
    return np.bincount(followers, softmax(scores), minlength=n_classes)


def last_shares(scores, followers, n_classes):
    result = np.zeros(n_classes)
    result[followers] = softmax(scores)
    return result


RIGHT = [
    (checks.nb06_mean_bits, lambda x, came: surprises(x, came).mean()),
    (
        checks.nb06_mean_bits,
        lambda x, came: np.mean(
            [
                np.log2(np.sum(2 ** ((row - row[i]) / np.log(2))))
                for row, i in zip(x, came, strict=True)
            ]
        ),
    ),
    (checks.nb06_leave_out, lambda p, m: kept(p, m * p.max()) / kept(p, m * p.max()).sum()),
    (checks.nb06_leave_out, lambda p, m: kept(p / p.max(), m) / kept(p / p.max(), m).sum()),
    (checks.nb06_recalled, shares),
    (checks.nb06_recalled, lambda s, followers, n: softmax(s) @ np.eye(n)[followers]),
]
WRONG = [
    (checks.nb06_mean_bits, lambda x, came: -surprises(x, came).mean(), "minus that"),
    (checks.nb06_mean_bits, lambda x, came: surprises(x, came).mean() * np.log(2), "nats"),
    (checks.nb06_mean_bits, lambda x, came: surprises(x, came).sum(), "sum over all words"),
    (checks.nb06_mean_bits, surprises, "of each word"),
    (checks.nb06_mean_bits, lambda x, came: -np.log2(of_what_came(x, came).mean()), "of each prob"),
    (checks.nb06_mean_bits, lambda x, came: -np.log2(softmax(x)).mean(), "only the class"),
    (checks.nb06_mean_bits, lambda x, came: -x[np.arange(len(came)), came].mean(), "are logits"),
    (checks.nb06_mean_bits, lambda x, came: 2.0, "softmax of each row, p"),
    (checks.nb06_leave_out, lambda p, m: kept(p, m * p.max()), "less than 1"),
    (checks.nb06_leave_out, lambda p, m: kept(p, m) / kept(p, m).sum(), "relative"),
    (
        checks.nb06_leave_out,
        lambda p, m: np.where(p > m * p.max(), p, 0) / p[p > m * p.max()].sum(),
        "exactly at the limit",
    ),
    (
        checks.nb06_leave_out,
        lambda p, m: p[p >= m * p.max()] / p[p >= m * p.max()].sum(),
        "keep their places",
    ),
    (checks.nb06_leave_out, lambda p, m: p, "nothing is left out"),
    (checks.nb06_leave_out, lambda p, m: shares_from(p, np.quantile(p, m)), "on, else 0"),
    (checks.nb06_leave_out, lambda p, m: p**2, "on, else 0"),
    (checks.nb06_recalled, lambda s, f, n: np.bincount(f, softmax(s)), "never followed"),
    (checks.nb06_recalled, last_shares, "add up their shares"),
    (checks.nb06_recalled, lambda s, f, n: np.eye(n)[f[s.argmax()]], "alone"),
    (checks.nb06_recalled, lambda s, f, n: np.bincount(f, minlength=n) / len(f), "all moments"),
    (checks.nb06_recalled, lambda s, f, n: np.bincount(f, s, minlength=n), "no shares"),
    (checks.nb06_recalled, lambda s, f, n: np.bincount(f, np.exp(s), minlength=n), "add up to 1"),
    (checks.nb06_recalled, lambda s, f, n: softmax(s), "softmax of the scores"),
    (checks.nb06_recalled, lambda s, f, n: shares(10 * s, f, n), "times 10 already"),
]
