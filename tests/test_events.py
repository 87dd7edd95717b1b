"""Found notes -> score -> words and back; timing that was put in and is found again."""

import numpy as np
import pytest

from helpers import beats, events

TIMES = np.cumsum(np.append(0.3, 0.5 + 0.05 * np.sin(np.arange(40))))  # 41 beats, uneven


def random_score(n_notes=60, seed=0):
    """A valid score whose notes end before their keys are struck again."""
    rng = np.random.default_rng(seed)
    moments = np.sort(rng.choice(np.arange(0, 30 * beats.TICKS, 3), n_notes // 2, replace=False))
    score = [
        (tick, pitch, 0, rng.integers(6))
        for tick in moments
        for pitch in np.sort(rng.choice(np.arange(28, 97), 2, replace=False))
    ]
    score = np.array(score)
    for i, (tick, pitch, _, _) in enumerate(score):
        later = score[(score[:, 1] == pitch) & (score[:, 0] > tick), 0]
        room = (later.min() if len(later) else 10_000) - tick
        short = [n for n in events.LENGTHS if n <= min(room, 48)]
        score[i, 2] = rng.choice(short)
    return score


# Found notes and scores


def test_what_is_played_is_written_down_again():
    score = random_score()
    found = events.play(score, TIMES)
    again, late = events.write(found, TIMES)
    np.testing.assert_array_equal(again, score)
    np.testing.assert_allclose(late, 0, atol=1e-9)


def test_lateness_is_kept():
    score = random_score(seed=1)
    late = np.random.default_rng(0).normal(0, 0.004, len(score))
    again, found_late = events.write(events.play(score, TIMES, late=late), TIMES)
    np.testing.assert_array_equal(again, score)
    np.testing.assert_allclose(found_late, late, atol=1e-9)


def test_a_real_performance_comes_back():
    score = random_score(seed=2)
    found = events.play(score, TIMES, late=0.003)
    written, late = events.write(found, TIMES)
    np.testing.assert_allclose(events.play(written, TIMES, late=late), found, atol=1e-9)


def test_a_part_sounds_as_it_does_in_the_piece():
    score = random_score(seed=6)
    played = events.Played(score, np.full(len(score), 0.004), TIMES)
    part = events.part(played, 4.1, 9.0)
    found = events.play(score, TIMES, late=0.004)
    expected = found[(found[:, 0] >= 4.1) & (found[:, 0] < 9.0)] - [4.1, 4.1, 0, 0]
    again = events.play(part.score, part.beats, late=part.late)
    ends = expected[:, 1] < 9.0 - 4.1  # beyond its beats, only the last one is known
    np.testing.assert_allclose(again[ends], expected[ends], atol=1e-9)
    np.testing.assert_allclose(again[:, [0, 2, 3]], expected[:, [0, 2, 3]], atol=1e-9)
    assert part.beats[0] <= 0 < part.beats[1]
    assert part.beats[-2] < 9.0 - 4.1 <= part.beats[-1]


@pytest.mark.parametrize(("start", "stop"), [(0.0, 0.1), (100.0, 110.0), (5.0, 5.0)])
def test_a_part_without_notes_has_beats(start, stop):
    score = random_score(seed=7)
    part = events.part(events.Played(score, np.zeros(len(score)), TIMES), start, stop)
    assert part.score.shape == (0, 4)
    assert len(part.beats) >= 2


def test_reading_finds_the_beats_first():
    found = events.play(random_score(seed=5), TIMES)
    played = events.read(found)
    assert len(played.score) == len(played.late)
    again = events.play(played.score, played.beats, late=played.late)
    np.testing.assert_allclose(again[:, 0], found[:, 0], atol=1e-9)


def test_of_two_strokes_of_a_key_within_a_tick_the_louder_one_stays():
    found = np.array([[0.5, 0.8, 60, 0.5], [0.505, 0.9, 60, 1.3], [1.0, 1.2, 64, 1.0]])
    score, _ = events.write(found, np.array([0.5, 1.0, 1.5]))
    assert score[:, 1].tolist() == [60, 64]
    assert score[0, 3] == np.searchsorted([0.6, 0.8, 1.0, 1.25, 1.6], 1.3)


def test_a_note_ends_when_its_key_is_struck_again():
    found = np.array([[0.5, 3.0, 60, 1.0], [1.0, 1.4, 60, 1.0]])
    score, _ = events.write(found, np.array([0.5, 1.0, 1.5, 2.0]))
    assert score[0].tolist() == [0, 60, 12, 3]


def test_levels_are_the_touches_own():
    edges = [0.0, *events._EDGES, np.inf]
    for touch, level in enumerate(events.LEVELS):
        assert edges[touch] <= level < edges[touch + 1]
    assert edges[events.LOUD] == 1.0


def test_no_note_is_played_before_the_beginning():
    found = events.play(np.array([[0, 60, 12, 3]]), np.array([0.0, 0.5]), late=-0.2)
    assert found[0, 0] == 0 < found[0, 1]


# Words


def test_words_and_score_say_the_same():
    score = random_score(seed=3)
    words = events.words(score, label=2)
    inside = words[1:-1]
    assert words.shape == (len(score) + 2, 6)
    assert (inside >= 0).all()
    assert (inside < events.N_CLASSES).all()
    assert (words[0, :5] == events.NOTHING).all()
    assert words[-1, 0] == events.END
    assert (words[-1, 1:5] == events.NOTHING).all()
    assert (words[:, events.LABEL] == 2).all()
    np.testing.assert_array_equal(inside[:, events.ROW] + events.LOWEST, score[:, 1])
    np.testing.assert_array_equal(events.LENGTHS[inside[:, events.LENGTH]], score[:, 2])
    np.testing.assert_array_equal(inside[:, events.TOUCH], score[:, 3])
    np.testing.assert_array_equal(inside[:, events.PLACE], score[:, 0] % beats.TICKS)
    short = np.diff(score[:, 0]) <= events.LONGEST
    assert short.any()
    np.testing.assert_array_equal(inside[1:, events.WAIT][short], np.diff(score[:, 0])[short])


def test_drums_are_rows_above_the_keys():
    rows = np.arange(events.N_KEYS + events.N_DRUMS)
    pitches = events.pitch_of(rows)
    assert pitches[[0, 68, 69, 79]].tolist() == [28, 96, 128, 138]
    np.testing.assert_array_equal(events.row_of(pitches), rows)
    found = np.array([[0, 1, 60, 1.0], [0, 0.9, 128, 1.0], [0.5, 0.6, 130, 1.5]])
    times = np.arange(4) * 0.5
    score, late = events.write(found, times)
    assert score[:, :3].tolist() == [[0, 60, 24], [0, 128, 1], [12, 130, 1]]
    assert events.words(score)[1:-1, events.ROW].tolist() == [32, 69, 71]
    np.testing.assert_array_equal(events.play(score, times, late=late)[:, [0, 2]], found[:, [0, 2]])
    assert events.drums_in([events.words(score), events.words(score[:1])]) == (0, 2)


def test_an_empty_score_has_a_beginning_and_an_end():
    words = events.words(np.zeros((0, 4), int))
    assert words[:, events.WAIT].tolist() == [events.NOTHING, events.END]


@pytest.mark.parametrize("ticks", [0, 1, 24, 25, 31, 32, 119, 120, 5000])
def test_a_wait_is_drawn_from_its_own_class(ticks):
    wait = int(events.wait_class(ticks))
    rng = np.random.default_rng(0)
    for tick in range(12):
        drawn = events.draw_wait(wait, tick, rng)
        assert events.wait_class(drawn) == wait
    assert events.wait_bits(wait) >= 0
    assert (events.wait_bits(wait) == 0) == (ticks <= events.LONGEST)


@pytest.mark.parametrize("least", [50, 71, 119, 130, 1000])
def test_a_wait_that_must_be_long_is(least):
    wait = int(events.wait_class(least))
    drawn = events.draw_wait(wait, 5, np.random.default_rng(0), least=least)
    assert drawn >= least
    assert events.wait_class(drawn) == wait


def test_long_waits_lead_to_a_beat_where_one_is_in_reach():
    rng = np.random.default_rng(0)
    wait = int(events.wait_class(60))  # from 48 to 71: a beat is always in reach
    drawn = {5 + events.draw_wait(wait, 5, rng) for _ in range(50)}
    assert drawn == {60, 72}


# Hands


@pytest.mark.parametrize(
    ("struck", "free"),
    [
        ([], range(69)),
        ([10], range(11, 69)),  # either hand
        ([10, 24], range(25, 69)),  # the left hand reaches its last key; the right one is free
        ([10, 25], range(26, 40)),  # the right one begins at 25
        ([10, 11, 12, 13, 14], range(15, 69)),  # five fingers
        ([10, 11, 12, 13, 14, 15], range(16, 30)),
        (range(10, 20), []),
        ([60, 10, 68], []),  # in any order; no key is higher
        ([10, 70], []),  # nor is one above a drum
    ],
)
def test_two_hands_reach_what_they_can(struck, free):
    assert np.flatnonzero(events.within_reach(struck)).tolist() == list(free)


# Timing


def test_timing_that_was_put_in_is_found_again(monkeypatch):
    rng = np.random.default_rng(0)
    moments = np.repeat(np.arange(0, 12 * 390, 6), 3)
    score = np.stack([moments, np.tile([60, 64, 67], len(moments) // 3)], 1)
    score = np.hstack([score, np.full((len(score), 1), 6), np.full((len(score), 1), 3)])
    true = events.Timing(together=0.012, apart=0.008, wander=0.03, inertia=0.9)
    stray, lengths = 0.0, []
    for push in rng.normal(0, true.wander, 400):
        stray = true.inertia * stray + np.sqrt(1 - true.inertia**2) * push
        lengths.append(0.5 * np.exp(stray))
    late = rng.normal(0, true.together, len(score) // 3).repeat(3)
    late = late + rng.normal(0, true.apart, len(score))
    pieces = [events.Played(score, late, np.cumsum([0, *lengths]))] * 3
    monkeypatch.setattr(events, "_MISTAKES", (0.0, 0.0))
    learnt = events.learn_timing(pieces)
    assert learnt.together == pytest.approx(0.0128, abs=0.002)  # a mean of three strays too
    assert learnt.apart == pytest.approx(0.008 * np.sqrt(2 / 3), abs=0.001)
    assert learnt.wander == pytest.approx(0.03, rel=0.4)
    assert learnt.inertia == pytest.approx(0.9, abs=0.1)
    assert learnt.beat == pytest.approx(0.5, rel=0.05)
    monkeypatch.setattr(events, "_MISTAKES", (0.02, 0.003))
    less = events.learn_timing(pieces)
    assert less.together == 0
    assert less.apart == pytest.approx(np.sqrt(learnt.apart**2 - 0.003**2))
    assert less[2:] == learnt[2:]


def test_performing_is_reproducible_and_strays_as_told():
    score = random_score(seed=4)
    even = events.Timing(0.0, 0.0, 0.0, 0.0)
    options = {"beat_length": 0.5, "start": 1.0}
    exact = events.perform(score, rng=np.random.default_rng(0), timing=even, **options)
    np.testing.assert_allclose(exact[:, 0], 1 + score[:, 0] * 0.5 / beats.TICKS)
    timing = events.Timing(0.01, 0.01, 0.02, 0.9)
    first, second = (
        events.perform(score, rng=np.random.default_rng(5), timing=timing, **options)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert 0 < np.abs(np.diff(first[:, 0]) - np.diff(exact[:, 0])).max() < 0.2


def test_nothing_is_performed_as_nothing():
    empty = np.zeros((0, 4), int)
    timing = events.Timing()
    found = events.perform(empty, rng=np.random.default_rng(0), timing=timing, beat_length=0.5)
    assert found.shape == (0, 4)


# Bad input


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (np.zeros((3, 3), int), r"\(n_notes, 4\)"),
        (np.zeros((3, 4)), "whole numbers"),
        ([[-1, 60, 6, 3]], "ticks from 0"),
        ([[0, 20, 6, 3]], "pitches from 28 to 96, .*got \\[0, 20, 6, 3\\]"),
        ([[0, 100, 6, 3]], "for drums from 128 to 138, .*got \\[0, 100, 6, 3\\]"),
        ([[0, 139, 6, 3]], "for drums from 128 to 138"),
        ([[0, 60, 0, 3]], "lengths from 1 tick"),
        ([[0, 60, 6, 6]], "touches from 0 to 5"),
        ([[6, 60, 6, 3], [0, 60, 6, 3]], "sorted"),
        ([[0, 60, 6, 3], [0, 60, 6, 3]], "each note once"),
    ],
)
def test_what_is_no_score_is_refused(score, message):
    with pytest.raises(ValueError, match=message):
        events.valid(np.array(score))


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint64])
def test_a_score_is_judged_alike_whatever_its_integers(kind):
    score = np.array([[0, 60, 6, 3], [200, 62, 6, 3]])
    judged = events.valid(score.astype(kind))
    assert judged.dtype == np.int64
    np.testing.assert_array_equal(judged, score)
    with pytest.raises(ValueError, match="sorted"):
        events.valid(score[::-1].astype(kind))


@pytest.mark.parametrize("beat_length", [0, -1, np.inf, np.nan])
def test_a_beat_lasts_some_time(beat_length):
    with pytest.raises(ValueError, match="beat_length"):
        events.perform(
            random_score(),
            rng=np.random.default_rng(0),
            timing=events.Timing(),
            beat_length=beat_length,
        )


def test_timing_of_a_piece_of_one_note_is_learnt():
    one = events.read(np.array([[0.5, 1.0, 60, 1.0]]))
    timing = events.learn_timing([one])
    assert np.isfinite(timing).all()
    assert timing.inertia < 1


def test_timing_is_learnt_from_a_piece_at_least():
    with pytest.raises(ValueError, match="at least one piece"):
        events.learn_timing([])


def test_pieces_without_notes_teach_no_timing():
    one = events.read(np.array([[0.5, 1.0, 60, 1.0]]))
    assert events.learn_timing([events.SILENCE, one]) == events.learn_timing([one])
    with pytest.raises(ValueError, match="at least one piece"):
        events.learn_timing([events.SILENCE])
