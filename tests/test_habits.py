"""How music is drawn: each habit is changed alone, and is afterwards what it was."""

import numpy as np
import pytest

from benchmarks import habits, judge, measures
from benchmarks.opponents import Place
from helpers import events, note_model


@pytest.mark.parametrize(("way", "habit"), [(w, h) for w in habits.WAYS for h in habits.WAYS[w]])
def test_each_habit_begins_with_the_series_own(way, habit):
    settings = note_model.NoteModelSettings(hidden=8, keys=4, depth=2, critic=4, dense=6)
    shapes, rng = note_model.weight_shapes(settings), np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
    found = np.array([[0.25 * k, 0.25 * k + 0.2, 50 + k % 9, 1.0] for k in range(40)])
    place = Place("piece", 10.0, found) if way == habits.AFTER else habits.NOTHING

    def composed(**options):
        compose = habits.opponents.network(weights, settings, **options)
        return compose(place, np.random.default_rng(0), 10.0)

    own, *others = habits.WAYS[way][habit]
    with habits.changed(habit, own) as options:
        np.testing.assert_array_equal(composed(**options), composed())
    changed = []
    for value in others:
        with habits.changed(habit, value) as options:
            changed.append(composed(**options))
    if habit != habits.REACH:  # this network seldom strikes chords
        assert any(not np.array_equal(one, composed()) for one in changed)
    assert note_model._draw.__name__ == "_draw"
    assert events.within_reach.__name__ == "within_reach"


def test_without_two_hands_all_keys_above_are_free():
    assert not events.within_reach([0, 1]).all()
    free = habits.above([3, 10])
    assert free.tolist() == [key > 10 for key in range(events.N_KEYS)]
    assert habits.above([]).all()


def test_rows_say_each_value_once_and_judge_the_own_once(monkeypatch):
    class Pieces:
        asked = 0

        def away(self, compose, seed):
            Pieces.asked += 1
            return [1.0 + seed]

        def inside(self, compose, seed):
            return [0.5, 0.7, 0.9]

    monkeypatch.setattr(habits.note_model, "load", lambda path: (path, None))
    ways = {
        habits.AFTER: {"recall": (0.9, 0.5), "keep": (0.0, 1.0)},
        "from nothing": {"keep": (1, 0)},
    }
    table = list(habits.rows("seed{}", Pieces(), ways))
    assert [row["value"] for row in table] == [0.9, 0.5, 0.0, 1.0, 1, 0]
    assert Pieces.asked == 9
    assert table[0]["distance"] == 2.0
    assert table[0]["SD over seeds"] == 1.0
    assert table[-1]["mean of three"] == 0.7
    assert set().union(*table) == set(habits.COLUMNS)


def test_the_pieces_themselves_are_perfect(monkeypatch):
    sr = judge.SETTINGS.sr

    class Transcriber:
        def __init__(self, *_):
            pass

        def hear(self, y):
            return judge.Heard(y, found)

        def excerpt(self, piece, start):
            return self.play(judge.opponents.part(piece.found, start, start + judge.SECONDS))

        def play(self, notes, seconds=judge.SECONDS):
            return judge.Heard(np.full(round(seconds * sr), 0.1, np.float32), notes)

    found = np.array([[0.25 * k, 0.25 * k + 0.2, 50 + k % 9, 1.0] for k in range(480)])
    monkeypatch.setattr(habits.judge, "Transcriber", Transcriber)
    monkeypatch.setattr(habits.synthesis, "load", lambda path: (None, None))
    monkeypatch.setattr(habits.judge, "load", lambda split: {"a": np.full(120 * sr, 0.1)})
    pieces = habits.Validation(3)

    def real(place, rng, seconds):
        start = place.start if place.piece else 0
        return judge.opponents.part(found, start, start + seconds)

    assert set(pieces.real) >= set(measures.MEASURES)
    assert pieces.away(real, 0) == [0]
    assert pieces.inside(real, 0)[:2] == [1, 1]
