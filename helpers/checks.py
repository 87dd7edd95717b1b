"""One check for each exercise: it says whether an answer is right, and if not, what to think about.

A check takes the reader's answer, a value or a function. `None`, or a function that returns `None`,
has not been attempted yet, and is not an error: so a notebook runs from top to bottom as it comes.
"""

from collections.abc import Callable

import numpy as np


def _verdict(wrong: str | None, right: str) -> None:
    """Print the hint for a wrong answer, or the praise for a right one."""
    print(f"Not yet: {wrong}" if wrong else f"Right: {right}")


def _unattempted(answer) -> bool:
    """Say so if there is no answer yet."""
    if answer is None:
        print("Not attempted yet: write your answer in the cell above the solution, and run it.")
    return answer is None


def _call(function: Callable, *arguments):
    """Return what the reader's function answers; its own errors show as they are."""
    return None if function is None else function(*arguments)


def _close(answer, expected, tolerance=1e-5) -> bool:
    """Compare numbers or arrays, of the same shape."""
    answer, expected = np.asarray(answer), np.asarray(expected)
    return answer.shape == expected.shape and np.allclose(answer, expected, atol=tolerance)
