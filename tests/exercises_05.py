"""The exercises of notebook 05: right answers, and the commonest wrong ones with their hints."""

import numpy as np

from helpers import checks


def gate(n_steps):
    return 0.5 ** (1 / n_steps)


def standardise(train, new):
    return (new - train.mean(axis=0)) / train.std(axis=0)


def peeking(train, new):
    return standardise(np.concatenate([train, new]), new)


RIGHT = [
    (checks.nb05_forget_bias, lambda n: np.log(gate(n) / (1 - gate(n)))),
    (checks.nb05_forget_bias, lambda n: -np.log(2 ** (1 / n) - 1)),
    (checks.nb05_lstm_parameters, lambda m, n: 4 * (m * n + n * n + n)),
    (checks.nb05_lstm_parameters, lambda m, n: 4.0 * n * (m + n + 1)),
    (checks.nb05_n_sequences, lambda n, length: -(-(n - 1) // length)),
    (checks.nb05_n_sequences, lambda n, length: int(np.ceil((n - 1) / length))),
    (checks.nb05_standardise, standardise),
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
]
