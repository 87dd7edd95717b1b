"""Rolls and notes say the same; what is no roll is refused everywhere with one message."""

import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers
from helpers import (
    note_metrics,
    plotting,
    rolls,
    synthesis,
)

SETTINGS = rolls.NoteSettings(lowest=55, highest=67)
N_NOTES = SETTINGS.n_notes

# Settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sr": 0}, "sr must be a whole number of at least 1, got 0"),
        ({"n_fft": 4096.0}, "n_fft must be a whole number"),
        ({"bands_per_semitone": -1}, "bands_per_semitone must be"),
        ({"n_fft": 3071}, "even numbers of samples.* got 3071 and 1000"),
        ({"hop_length": 4000}, "the hop at most n_fft, got 3072 and 4000"),
        ({"lowest": 97}, "0 <= lowest < highest <= 127, got 97 and 96"),
        ({"highest": 128}, "got 28 and 128"),
        ({"f_max": 9000.0}, "half the sampling rate, 8000 Hz, got 9000"),
        ({"f_max": 2000.0}, "between the highest note, 2093 Hz"),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        rolls.NoteSettings(**change)


def test_every_state_has_a_name_and_a_level():
    assert len(rolls.STATE_NAMES) == len(rolls.STATE_LEVELS) == rolls.N_STATES == rolls.LOUD + 1
    soft, loud = (rolls.STATE_LEVELS[state] for state in (rolls.SOFT, rolls.LOUD))
    assert 0 < soft < rolls.LOUD_LEVEL <= loud  # so that levels come back as the same states


# Rolls <-> notes


def made_valid(rows, part):
    """Let notes begin before they are held; in the first frame of a part they may be held."""
    roll = np.array(rows, np.uint8)
    for t in range(part, len(roll)):
        before = roll[t - 1] if t else np.zeros_like(roll[0])
        roll[t, (roll[t] == rolls.HELD) & (before == rolls.OFF)] = rolls.SOFT
    return roll


def random_rolls(part=False):
    row = st.lists(st.integers(0, 3), min_size=N_NOTES, max_size=N_NOTES)
    return st.lists(row, min_size=1, max_size=12).map(lambda rows: made_valid(rows, part))


@settings(max_examples=100, deadline=None)
@given(random_rolls())
def test_a_roll_survives_being_read_as_notes(roll):
    found = rolls.to_notes(roll, SETTINGS)
    np.testing.assert_array_equal(rolls.from_notes(found, SETTINGS, n_frames=len(roll)), roll)


@settings(max_examples=100, deadline=None)
@given(random_rolls(part=True))
def test_what_is_held_at_the_beginning_of_a_part_is_struck_there(roll):
    struck = rolls.cut(roll, 0, len(roll))
    held = roll[0] == rolls.HELD
    np.testing.assert_array_equal(struck[0], np.where(held, rolls.SOFT, roll[0]))
    np.testing.assert_array_equal(struck[1:], roll[1:])
    found = rolls.to_notes(roll, SETTINGS)
    np.testing.assert_array_equal(rolls.from_notes(found, SETTINGS, n_frames=len(roll)), struck)


@settings(max_examples=100, deadline=None)
@given(random_rolls(part=True))
def test_a_note_spans_the_frames_in_which_it_sounds(roll):
    for column in roll.T:
        starts, stops = rolls.spans(column)
        assert np.all(starts < stops)
        assert np.all(stops[:-1] <= starts[1:])
        inside = [np.arange(start, stop) for start, stop in zip(starts, stops, strict=True)]
        sounding = np.concatenate([*inside, np.zeros(0, int)])
        np.testing.assert_array_equal(sounding, np.flatnonzero(column != rolls.OFF))
        assert np.count_nonzero(column[1:] >= rolls.SOFT) == np.count_nonzero(starts > 0)


played_notes = st.tuples(
    st.floats(0, 3), st.floats(0.001, 2), st.integers(55, 67), st.floats(0.1, 3)
).map(lambda one: (one[0], one[0] + one[1], one[2], one[3]))


@settings(max_examples=100, deadline=None)
@given(st.lists(played_notes, max_size=20))
def test_notes_make_a_roll_in_which_all_of_them_begin(played):
    roll = rolls.from_notes(np.array(played).reshape(-1, 4), SETTINGS)
    assert rolls.valid(roll, n_notes=N_NOTES) is roll
    assert not np.any(roll[0] == rolls.HELD)
    assert len(rolls.to_notes(roll, SETTINGS)) <= len(played)


def test_a_key_that_is_struck_again_is_let_go_first():
    played = np.array([(0.0, 1.0, 60, 1.5), (0.25, 0.5, 60, 0.5)])
    roll = rolls.from_notes(played, SETTINGS, n_frames=16)[:, 5]
    np.testing.assert_array_equal(roll, [3, 1, 1, 1, 2, 1, 1, 1] + 8 * [0])


def test_a_key_that_is_let_go_sounds_once_at_a_time():
    rng = np.random.default_rng(0)
    onset = rng.integers(0, 40, 300)
    found = np.column_stack(
        [onset, onset + rng.integers(1, 9, 300), rng.integers(60, 64, 300), rng.random(300)]
    )
    kept = rolls.let_go(found)
    for pitch in range(60, 64):
        before, now = found[found[:, 2] == pitch], kept[kept[:, 2] == pitch]
        assert set(now[:, 0]) == set(before[:, 0])
        assert (now[:-1, 1] <= now[1:, 0]).all()
        for onset, offset, _, level in now:
            assert level == before[before[:, 0] == onset, 3].max()
            assert onset < offset <= before[before[:, 0] == onset, 1].max()
    np.testing.assert_array_equal(rolls.let_go(kept), kept)


def test_no_notes_are_a_silent_roll():
    roll = rolls.from_notes(np.zeros((0, 4)), SETTINGS, n_frames=3)
    assert roll.shape == (3, 13)
    assert rolls.to_notes(roll, SETTINGS).shape == (0, 4)


def test_hits_of_drums_are_no_part_of_a_roll():
    found = np.array([(0, 1, 60, 1), (0.5, 0.6, rolls.FIRST_DRUM, 1)])
    np.testing.assert_array_equal(rolls.keys_of(found), found[:1])
    roll, without = (rolls.from_notes(one, SETTINGS) for one in (found, found[:1]))
    np.testing.assert_array_equal(roll, without)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (np.zeros((3, 3)), r"shape \(n_found, 4\).* got \(3, 3\)"),
        ([(-0.1, 1, 60, 1)], "begin at 0 s or later"),
        ([(0, 1, 60, 1), (1, 1, 60, 1)], r"end after they begin.* got \[1\.0, 1\.0, 60\.0, 1\.0\]"),
        ([(np.nan, 1, 60, 1)], "must be finite"),
        ([(0, 1, 60, 0)], "have levels above 0"),
        ([(0, 1, 54, 1)], "whole MIDI numbers between 55 and 67, got 54"),
        ([(0, 1, 139, 1)], "11 kinds of drums may be among them, from 128 on"),
        ([(0, 1, 60.5, 1)], "between 55 and 67, got 60.5"),
    ],
)
def test_notes_that_cannot_be_are_refused(found, message):
    with pytest.raises(ValueError, match=message):
        rolls.from_notes(found, SETTINGS)


def test_notes_after_the_end_of_a_roll_are_refused():
    with pytest.raises(ValueError, match="exceed 32, of the last onset, got 16"):
        rolls.from_notes([(2.0, 3.0, 60, 1)], SETTINGS, n_frames=16)


def test_a_part_is_a_roll_of_its_own():
    roll = np.zeros((6, N_NOTES), np.uint8)
    roll[1:5, 3] = [rolls.LOUD, rolls.HELD, rolls.HELD, rolls.HELD]
    part = rolls.cut(roll, 2, 6)
    assert part[:, 3].tolist() == [rolls.SOFT, rolls.HELD, rolls.HELD, rolls.OFF]
    part[:] = rolls.OFF
    assert roll[2, 3] == rolls.HELD  # the whole is as it was


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 3), (0, 7)])
def test_parts_that_are_not_there_are_named(start, stop):
    with pytest.raises(ValueError, match=f"<= 6, got {start} and {stop}"):
        rolls.cut(np.zeros((6, 3), np.uint8), start, stop)


# What is a roll


@pytest.mark.parametrize("dtype", ["u1", "i1", "i8", "u4"])
def test_any_whole_numbers_will_do(dtype):
    roll = rolls.valid(np.array([[1, 0], [1, 3], [0, 1]], dtype))
    assert roll.dtype == np.uint8
    np.testing.assert_array_equal(roll, [[1, 0], [1, 3], [0, 1]])


THE_MESSAGE = re.compile(
    r"(roll|heard) must be a note roll: whole numbers 0 \(off\), 1 \(held\), 2 \(soft\), 3 "
    r"\(loud\) in shape \(n_frames, (n_notes|13)\), n_frames at least \d+, no note held that was "
    r"off the frame before; got (.*)\. rolls\.from_notes writes one from notes, "
    r"rolls\.cut takes a part out of one"
)
SILENCE = np.zeros((400, N_NOTES), np.uint8)
NO_ROLLS = {
    "shape (13,)": SILENCE[0],
    "shape (0, 13)": SILENCE[:0],
    "float64": SILENCE.astype(float),
    "bool": SILENCE > 0,
    "numbers from 0 to 4": np.where(np.arange(N_NOTES) == 3, 4, SILENCE),
    "numbers from -1 to 0": np.where(np.arange(N_NOTES) == 3, -1, SILENCE.astype(int)),
    "2 held after off": np.pad(np.uint8([[1, 1], [0, 0]]), ((2, 396), (0, 11))),
}
BANK = synthesis.NoteBank(SETTINGS, *[np.zeros(0, np.float32)] * 5)
RATE = {"frame_rate": 16}


class Untouched:
    """A network, or a generator of random numbers, that nobody asks for anything."""


CALLS = {
    "rolls.valid": rolls.valid,
    "rolls.to_notes": lambda roll: rolls.to_notes(roll, SETTINGS),
    "rolls.cut": lambda roll: rolls.cut(roll, 0, 1),
    "synthesis.render": lambda roll: synthesis.render(roll, BANK),
    "note_metrics.key_clarity": lambda roll: note_metrics.key_clarity(roll, **RATE, lowest=55),
    "note_metrics.onset_rate": lambda roll: note_metrics.onset_rate(roll, **RATE),
    "note_metrics.rhythm_autocorrelation": lambda roll: note_metrics.rhythm_autocorrelation(
        roll, **RATE
    ),
    "note_metrics.polyphony": note_metrics.polyphony,
    "note_metrics.dissonance": note_metrics.dissonance,
    "note_metrics.looping": lambda roll: note_metrics.looping(roll, **RATE),
    "note_metrics.copying": [
        lambda roll: note_metrics.copying(roll, [SILENCE], **RATE),
        lambda roll: note_metrics.copying(SILENCE, [SILENCE, roll], **RATE),
    ],
    "note_metrics.markov_table": lambda roll: note_metrics.markov_table([roll]),
    "note_metrics.shuffle_notes": lambda roll: note_metrics.shuffle_notes(roll, Untouched()),
    "plotting.piano_roll": lambda roll: plotting.piano_roll(roll, **RATE, lowest=55),
}


@pytest.mark.parametrize("got", NO_ROLLS)
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_roll_is_refused_with_one_message(name, got):
    calls = CALLS[name] if isinstance(CALLS[name], list) else [CALLS[name]]
    for call in calls:
        with pytest.raises(ValueError, match="must be a note roll") as refused:
            call(NO_ROLLS[got])
        assert THE_MESSAGE.fullmatch(str(refused.value))[3].startswith(got)


def test_every_function_that_takes_a_roll_is_asked():
    taking = set()
    for path in Path(helpers.__file__).parent.glob("[!_]*.py"):
        module = importlib.import_module(f"helpers.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("_") or function.__module__ != module.__name__:
                continue
            for parameter in inspect.signature(function).parameters:
                of_rolls = parameter == "pieces" and path.stem != "library"  # its own are prepared
                if of_rolls or re.search(r"\brolls?$|_rolls?$", parameter):
                    taking.add(f"{path.stem}.{name}")
    assert taking == set(CALLS)


def test_a_roll_has_the_notes_that_are_asked_for():
    rolls.valid(SILENCE[:9], n_notes=13)
    with pytest.raises(ValueError, match=re.escape("got shape (9, 13)")):
        rolls.valid(SILENCE[:9], n_notes=12)


@pytest.mark.parametrize(
    ("pitch", "name"), [(60, "C4"), (66, "F♯4"), (69, "A4"), (59, "B3"), (21, "A0"), (0, "C-1")]
)
def test_notes_have_names_with_middle_c_as_c4(pitch, name):
    assert rolls.name(pitch) == name
