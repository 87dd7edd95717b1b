"""The exercises of all notebooks: right answers pass, the commonest wrong ones get their hint."""

import copy
import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import checks

TABLES = [
    importlib.import_module(path.stem)
    for path in sorted(Path(__file__).parent.glob("exercises_*.py"))
]
RIGHT = [case for table in TABLES for case in table.RIGHT]
WRONG = [case for table in TABLES for case in table.WRONG]
CHECKS = [check for name, check in inspect.getmembers(checks) if name.startswith("nb")]


def each(cases):
    return [pytest.param(*case, id=f"{case[0].__name__}-{i}") for i, case in enumerate(cases)]


def found(capsys, check, answer):
    """Return what a check finds of an answer, a value or function or a tuple of several."""
    result = check(*(answer if isinstance(answer, tuple) else (answer,)))
    assert capsys.readouterr().out == result.message + "\n"
    return result


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_right_and_wrong_answers(check):
    assert check in [case[0] for case in RIGHT]
    assert check in [case[0] for case in WRONG]


@pytest.mark.parametrize(("check", "answer"), each(RIGHT))
def test_a_right_answer_is_praised(capsys, check, answer):
    result = found(capsys, check, answer)
    assert result.message.startswith("Right: ")
    assert (result.attempted, result.right, float(result)) == (True, True, 1)


@pytest.mark.parametrize(("check", "answer"), [case for case in RIGHT if callable(case[1])])
def test_a_right_answer_may_spoil_what_it_was_given(capsys, check, answer):
    def spoil(*given):
        said = copy.deepcopy(answer(*given))
        for one in given:
            if isinstance(one, np.ndarray):
                one[:] = 0
        return said

    assert found(capsys, check, spoil).right


@pytest.mark.parametrize(("check", "answer", "hint"), each(WRONG))
def test_a_wrong_answer_gets_its_hint(capsys, check, answer, hint):
    result = found(capsys, check, answer)
    assert result.message.startswith("Not yet: ")
    assert hint in result.message
    assert (result.attempted, result.right, float(result)) == (True, False, 0)


def begun(*arguments):
    """Return what is asked for."""
    ...  # not begun yet
    return None


@pytest.mark.parametrize("stub", [None, lambda *arguments: None, begun])
@pytest.mark.parametrize("check", CHECKS)
def test_a_stub_has_not_been_attempted(capsys, check, stub):
    n_others = len(inspect.signature(check).parameters) - 1
    result = found(capsys, check, (stub, *[None] * n_others))
    assert result.message.startswith("Not attempted yet: ")
    assert (result.attempted, result.right, float(result)) == (False, False, 0)


@pytest.mark.parametrize(("check", "answer"), [case for case in RIGHT if callable(case[1])])
def test_an_answer_that_is_not_returned_is_an_attempt(capsys, check, answer):
    def forgotten(*given):
        answer(*given)

    result = found(capsys, check, forgotten)
    assert "end it with return" in result.message
    assert (result.attempted, result.right) == (True, False)


ODD = ["text", 3.0, 1j, [], [1, [2, 3]], {"a": 1}, np.zeros(0), np.ones((2, 3))]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("check", CHECKS)
def test_an_answer_of_another_kind_gets_a_hint(capsys, check, odd):
    n_others = len(inspect.signature(check).parameters) - 1
    is_value = check in (checks.nb01_levels, checks.nb09_tape)
    for answer in [odd] if is_value else [lambda *_: odd, odd]:
        result = found(capsys, check, (answer, *[odd] * n_others))
        assert result.message.startswith("Not yet: ")


def test_an_answer_to_some_of_the_cases_gets_a_hint(capsys):
    result = found(capsys, checks.nb05_forget_bias, lambda n: None if n == 1 else 1.0)
    assert result.message.startswith("Not yet: ")


def test_an_error_of_the_readers_own_shows_as_it_is():
    def broken(*_):
        return 1 + "1"

    with pytest.raises(TypeError, match="unsupported operand"):
        checks.nb05_forget_bias(broken)


def test_one_answer_of_several_is_not_an_attempt(capsys):
    assert not found(capsys, checks.nb01_levels, (-14, None, None)).attempted


def test_a_cell_that_ends_with_a_check_shows_its_message_alone(capsys):
    shell = InteractiveShell()
    shell.run_cell("from helpers import checks\nchecks.nb01_levels(None, None, None)")
    text = capsys.readouterr().out
    assert text.startswith("Not attempted yet: ")
    assert text.count("\n") == 1
