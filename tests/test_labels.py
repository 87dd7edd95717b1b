"""What is measured of labels: right and wrong ones, and what lies between two."""

import numpy as np
import pytest

from benchmarks import labels
from data.build import models
from helpers import events, note_model

SETTINGS = note_model.NoteModelSettings(
    hidden=6, keys=4, depth=3, critic=3, dense=8, labels=models.LABELS
)


def piece(pitch):
    """Repeated notes of one pitch for a minute."""
    score = np.array([(6 * k, pitch + k % 3, 6, 3) for k in range(240)])
    return events.Played(score, np.zeros(240), np.arange(125) * 0.5)


PIECES = {"low": (0, piece(40)), "high": (1, piece(88))}


def network():
    """Weights that prefer low keys for the first label, high ones for the second."""
    shapes = note_model.weight_shapes(SETTINGS).items()
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes}
    known = SETTINGS.hidden + SETTINGS.critic
    weights["wait_logits/bias"][6] = 5.0
    weights["row_hidden/kernel"][known, 0] = weights["row_hidden/kernel"][known + 1, 1] = 2.0
    keys = np.arange(events.N_KEYS + events.N_DRUMS)
    weights["row_logits/kernel"][0] = -0.02 * keys
    weights["row_logits/kernel"][1] = 0.02 * keys
    return weights, SETTINGS


def test_the_wrong_label_costs_bits():
    measured = labels.bits(network(), PIECES)
    for one in measured.values():
        assert one["right"] < one["open"] < one["wrong"]
        assert one["notes"] == 239
    costs = labels.wrong_costs(measured)
    assert costs["mean"] == pytest.approx(np.mean([costs[name] for name in models.LABELS]))
    assert costs["mean"] > 5


def test_costs_are_paired_and_weighted_by_notes():
    one = {"label": "ragtime", "right": 4.0, "wrong": 5.0, "open": 4.0, "notes": 100}
    measured = {"a": one, "b": one | {"right": 8.0, "wrong": 8.0, "notes": 300}}
    measured["c"] = one | {"label": "classical", "wrong": 4.4}
    costs = labels.wrong_costs(measured)
    assert costs["ragtime"] == pytest.approx(100 * (7.25 / 7 - 1))
    assert costs["classical"] == pytest.approx(10)


def test_a_classifier_and_measures_lie_between_for_what_lies_between(capsys):
    judge = labels.classifier(PIECES)
    low, high = (labels.cut(played) for _, played in PIECES.values())
    assert max(map(judge, low)) < min(map(judge, high))
    steered = labels.steered(network(), [events.SILENCE], judge, 2)
    assert list(steered) == [str(share) for share in labels.SHARES]
    assert all(len(values) == 2 for values in steered["0.5"].values())


def test_half_way_is_between_or_not():
    ends = {"0.0": {"polyphony": [1, 2]}, "1.0": {"polyphony": [3, 4]}}
    for half, expected in (([2, 3], True), ([1, 1], False), ([4, 4], False)):
        assert labels.between(ends | {"0.5": {"polyphony": half}}) == {"polyphony": expected}
