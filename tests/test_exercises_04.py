"""The exercises of notebook 04: right answers pass, the commonest wrong ones get their hint."""

import json
from pathlib import Path

import mir_eval.transcription
import numpy as np
import pytest

from helpers import checks, notes

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "04_what_to_predict.ipynb"


def best_guess(values, loss):
    return {"squared": np.mean, "absolute": np.median}[loss](values, axis=0)


def swapped(values, loss):
    return best_guess(values, "absolute" if loss == "squared" else "squared")


def left(f, spread_s):
    return np.abs(np.sinc(f * spread_s))


def growth(V, W, H):
    return (V / (H @ W.T)).T @ H


def mean_growth(V, W, H):
    return growth(V, W, H) / H.sum(axis=0)


def off_before(roll):
    return np.vstack([np.zeros_like(roll[:1]), roll[:-1]]) == 0


def mend(roll):
    return np.where((roll == 1) & off_before(roll), 2, roll)


def mend_but_first(roll):
    return np.vstack([roll[:1], mend(roll)[1:]])


def in_place(roll):
    roll[(roll == 1) & off_before(roll)] = 2
    return roll


RIGHT = [
    (checks.nb04_best_guess, best_guess),
    (checks.nb04_left_of_a_tone, left),
    (checks.nb04_left_of_a_tone, lambda f, s: abs(np.sin(np.pi * f * s) / (np.pi * f * s))),
    (checks.nb04_update_templates, lambda V, W, H: W * mean_growth(V, W, H)),
    (checks.nb04_update_templates, notes.update_templates),
    (checks.nb04_mend, mend),
    (checks.nb04_mend, in_place),
]
WRONG = [
    (checks.nb04_best_guess, lambda values, loss: np.mean(values), "over the cases, axis 0"),
    (checks.nb04_best_guess, swapped, "the other way round"),
    (checks.nb04_best_guess, lambda values, loss: values.mean(axis=0), "pulls equally hard"),
    (checks.nb04_best_guess, lambda values, loss: np.median(values, axis=0), "derivative"),
    (
        checks.nb04_best_guess,
        lambda values, loss: values.mean(axis=0) if loss == "squared" else values[0],
        "as many cases above it as below",
    ),
    (checks.nb04_left_of_a_tone, lambda f, s: np.sinc(f * s), "but for the sign"),
    (checks.nb04_left_of_a_tone, lambda f, s: left(f, s / np.pi), "in periods"),
    (checks.nb04_left_of_a_tone, lambda f, s: left(1, s), "periods of a higher tone"),
    (checks.nb04_left_of_a_tone, lambda f, s: max(0, 1 - f * s), "not a straight line"),
    (checks.nb04_left_of_a_tone, lambda f, s: 0.5, "how many periods"),
    (checks.nb04_update_templates, lambda V, W, H: H, "sum over the frames"),
    (checks.nb04_update_templates, lambda V, W, H: W * growth(V, W, H), "not a mean"),
    (
        checks.nb04_update_templates,
        lambda V, W, H: W * growth(V, W, H) / W.sum(axis=0),
        "the sum of H, not of W",
    ),
    (checks.nb04_update_templates, mean_growth, "multiply the template by it"),
    (checks.nb04_update_templates, lambda V, W, H: W, "weighted by the activations"),
    (checks.nb04_mend, lambda roll: roll[1:], "came out"),
    (
        checks.nb04_mend,
        lambda roll: np.where((roll == 1) & off_before(roll), 0, roll),
        "let it begin instead",
    ),
    (checks.nb04_mend, mend_but_first, "the first frame counts too"),
    (
        checks.nb04_mend,
        lambda roll: np.where((roll >= 1) & off_before(roll), 2, roll),
        "begins loud keeps the rule",
    ),
    (checks.nb04_mend, lambda roll: np.where(roll == 1, 2, roll), "strikes the note again"),
    (checks.nb04_mend, lambda roll: roll, "a state is 2"),
]
CHECKS = sorted({check for check, _ in RIGHT}, key=lambda check: check.__name__)


def said(capsys, check, answer):
    assert check(answer) is None
    return capsys.readouterr().out


def of(cases):
    return [pytest.param(*case, id=f"{case[0].__name__}-{i}") for i, case in enumerate(cases)]


@pytest.mark.parametrize(("check", "answer"), of(RIGHT))
def test_a_right_answer_is_right(capsys, check, answer):
    assert said(capsys, check, answer).startswith("Right:")


@pytest.mark.parametrize(("check", "answer", "hint"), of(WRONG))
def test_a_wrong_answer_gets_its_hint(capsys, check, answer, hint):
    text = said(capsys, check, answer)
    assert text.startswith("Not yet:")
    assert hint in text


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("answer", [None, lambda *arguments: None], ids=["None", "stub"])
def test_a_stub_is_not_an_answer(capsys, check, answer):
    assert said(capsys, check, answer).startswith("Not attempted yet")


@pytest.mark.parametrize("seed", range(5))
def test_the_notebook_counts_notes_as_mir_eval_does(seed):
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    source = next("".join(c["source"]) for c in cells if "def onset_f" in "".join(c["source"]))
    names = {"np": np}
    exec(source, names)  # the notebook's own function, as the reader sees it
    rng = np.random.default_rng(seed)
    played = np.column_stack(
        [rng.uniform(0, 30, 300), np.full(300, 40.0), rng.integers(60, 66, 300)]
    )
    found = played[rng.random(300) < 0.8] + rng.normal(0, 0.02) * np.array([1, 0, 0])
    found[:, 0] = np.abs(found[:, 0] + rng.normal(0, 0.03, len(found)))
    extra = np.column_stack([rng.uniform(0, 30, 40), np.full(40, 40.0), rng.integers(60, 66, 40)])
    found = np.vstack([found, extra])
    hz = [440 * 2 ** ((x[:, 2] - 69) / 12) for x in (played, found)]
    expected = mir_eval.transcription.precision_recall_f1_overlap(
        played[:, :2], hz[0], found[:, :2], hz[1], offset_ratio=None
    )[2]
    # mir_eval rounds distances to 0.1 ms before it compares them
    assert names["onset_f"](found, played, tolerance=0.05005) == pytest.approx(expected)
