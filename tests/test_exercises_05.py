"""The exercises of notebook 05: right answers pass, the commonest wrong ones get their hint."""

import numpy as np
import pytest

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
CHECKS = sorted({check for check, _ in RIGHT}, key=lambda check: check.__name__)


def said(capsys, check, answer):
    assert check(answer) is None
    return capsys.readouterr().out


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers_are_right(capsys, check, answer):
    assert said(capsys, check, answer).startswith("Right:")


@pytest.mark.parametrize(("check", "answer", "hint"), WRONG)
def test_wrong_answers_get_a_hint(capsys, check, answer, hint):
    text = said(capsys, check, answer)
    assert text.startswith("Not yet:")
    assert hint in text


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("answer", [None, lambda *values: None])
def test_a_stub_has_not_been_attempted(capsys, check, answer):
    assert said(capsys, check, answer).startswith("Not attempted")
