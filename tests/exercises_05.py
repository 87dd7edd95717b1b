"""The exercises of notebook 05: right answers, and the commonest wrong ones with their hints."""

import itertools

import numpy as np

from helpers import checks


def gate(n_steps):
    return 0.5 ** (1 / n_steps)


def standardise(train, new):
    return (new - train.mean(axis=0)) / train.std(axis=0)


def peeking(train, new):
    return standardise(np.concatenate([train, new]), new)


def surprises(states, table):
    return -np.log2(table[states[:-1], states[1:]])


def weights(reach, n_features, width):
    return (2 * reach + 1) * n_features * width


RIGHT = [
    (checks.nb05_forget_bias, lambda n: np.log(gate(n) / (1 - gate(n)))),
    (checks.nb05_forget_bias, lambda n: -np.log(2 ** (1 / n) - 1)),
    (checks.nb05_lstm_parameters, lambda m, n: 4 * (m * n + n * n + n)),
    (checks.nb05_lstm_parameters, lambda m, n: 4.0 * n * (m + n + 1)),
    (checks.nb05_n_sequences, lambda n, length: -(-(n - 1) // length)),
    (checks.nb05_n_sequences, lambda n, length: int(np.ceil((n - 1) / length))),
    (checks.nb05_standardise, standardise),
    (checks.nb05_bits_a_frame, lambda states, table: surprises(states, table).mean()),
    (
        checks.nb05_bits_a_frame,
        lambda states, table: (
            sum(-np.log2(table[now, then]) for now, then in itertools.pairwise(states))
            / (len(states) - 1)
        ),
    ),
    (checks.nb05_saved_by_sharing, lambda n, r, f, w: (n - 1) * (weights(r, f, w) + w)),
    (checks.nb05_saved_by_sharing, lambda n, r, f, w: (n - 1.0) * w * (f * (2 * r + 1) + 1)),
]
WRONG = [
    (checks.nb05_forget_bias, gate, "that is the gate"),
    (checks.nb05_forget_bias, lambda n: np.log((1 - gate(n)) / gate(n)), "the sign"),
    (checks.nb05_forget_bias, lambda n: 0.0, "right for one step"),
    (checks.nb05_forget_bias, lambda n: n, "find the gate first"),
    (checks.nb05_lstm_parameters, lambda m, n: 3 * (m * n + n * n + n), "not three"),
    (checks.nb05_lstm_parameters, lambda m, n: m * n + n * n + n, "one gate"),
    (checks.nb05_lstm_parameters, lambda m, n: 4 * (m * n + n * n), "a bias too"),
    (checks.nb05_lstm_parameters, lambda m, n: 4 * (m * n + n), "hidden x hidden"),
    (checks.nb05_lstm_parameters, lambda m, n: m + n, "of one gate first"),
    (checks.nb05_n_sequences, lambda n, length: (n - 1) // length, "as the original did"),
    (checks.nb05_n_sequences, lambda n, length: n // length, "is no target"),
    (checks.nb05_n_sequences, lambda n, length: -(-n // length), "one sequence of 40"),
    (checks.nb05_n_sequences, lambda n, length: n - length, "and round up"),
    (checks.nb05_standardise, lambda train, new: standardise(new, new), "own statistics"),
    (checks.nb05_standardise, peeking, "that peeks"),
    (
        checks.nb05_standardise,
        lambda train, new: (new - train.mean()) / train.std(),
        "over time, axis 0",
    ),
    (checks.nb05_standardise, lambda train, new: standardise(train, train), "the new frames"),
    (checks.nb05_standardise, lambda train, new: new - train.mean(axis=0), "divide by"),
    (checks.nb05_bits_a_frame, lambda s, table: -surprises(s, table).mean(), "minus that"),
    (checks.nb05_bits_a_frame, lambda s, table: surprises(s, table).mean() * np.log(2), "nats"),
    (checks.nb05_bits_a_frame, lambda s, table: surprises(s, table).sum(), "whole series"),
    (checks.nb05_bits_a_frame, lambda s, table: surprises(s, table).sum() / len(s), "one frame"),
    (
        checks.nb05_bits_a_frame,
        lambda s, table: -np.log2(np.mean(table[s[:-1], s[1:]])),
        "the logarithm of each",
    ),
    (checks.nb05_bits_a_frame, lambda s, table: 2.0 * len(s), "look each probability up"),
    (checks.nb05_saved_by_sharing, lambda n, r, f, w: weights(r, f, w) + w, "shared layer has"),
    (checks.nb05_saved_by_sharing, lambda n, r, f, w: n * (weights(r, f, w) + w), "subtract it"),
    (checks.nb05_saved_by_sharing, lambda n, r, f, w: (n - 1) * weights(r, f, w), "own biases"),
    (
        checks.nb05_saved_by_sharing,
        lambda n, r, f, w: (n - 1) * (2 * r * f * w + w),
        "it hears itself",
    ),
    (checks.nb05_saved_by_sharing, lambda n, r, f, w: n * f * w, "count one note's"),
]
