import csv
import warnings
from pathlib import Path

import librosa
import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import audio, beats, datasets, events, notes, rolls, synthesis

DATA = Path(__file__).parent.parent / "data"
PIECES = ("beethoven_fuer_elise", "debussy_arabesque_1", "joplin_solace", "joplin_bethena")


def played(onset, pitch=60, length=0.2, level=1.0):
    onset = np.asarray(onset, float)
    columns = np.broadcast_arrays(onset, onset + length, pitch, level)
    return np.stack(columns, axis=1).astype(float)


def metronome(period, *, n_beats=60, parts=(0,), start=0.3, jitter=0.0, seed=0):
    """Play notes at the given parts of each beat, a low one on the beat."""
    rng = np.random.default_rng(seed)
    t = start + period * np.arange(n_beats)
    onset = np.concatenate([t + part * period for part in parts])
    pitch = np.concatenate([np.full(n_beats, 60 if part else 40) for part in parts])
    found = played(onset + jitter * rng.standard_normal(len(onset)), pitch)
    return found[np.argsort(found[:, 0])], t


def columns(kind, name, *titles):
    """Read columns of what is known of a piece, its notes or its beats."""
    with (DATA / kind / f"{name}.csv").open(encoding="utf-8") as file:
        return np.array([[float(row[title]) for title in titles] for row in csv.DictReader(file)]).T


@pytest.fixture(scope="module")
def recordings():
    """Return (y, found notes, their beats, true beats, true places in the bar) of four pieces."""
    dictionary, _ = synthesis.load(DATA / "models" / "notes_bank.npz")
    sr, out = dictionary.settings.sr, {}
    tracks = {track.name: track for track in datasets.find_tracks(DATA / "music")}
    for name in PIECES:
        y = audio.load(tracks[name].path, sr=sr)
        found = notes.encode(y, dictionary)
        out[name] = y, found, beats.track(found), *columns("beats", name, "time", "beat")
    return out


def continuity(true, found):
    """Return AMLt: how much of the music has the right beat, double and half tempo allowed."""
    true, found = mir_eval.beat.trim_beats(true), mir_eval.beat.trim_beats(found)
    return mir_eval.beat.continuity(true, found)[3]


# Beats


@pytest.mark.parametrize("period", [0.4, 0.5, 0.7])
@pytest.mark.parametrize("parts", [(0, 0.5), (0, 0.25, 0.5, 0.75), (0, 1 / 3, 2 / 3)])
def test_a_metronome_is_followed(period, parts):
    found, t = metronome(period, parts=parts, jitter=0.01)
    assert (
        continuity(t, beats.track(found)) > 0.85
    )  # at half the tempo, the first beats don't count


def test_a_tempo_that_changes_is_followed():
    t = 0.5 + np.cumsum(np.linspace(0.45, 0.75, 80))
    found = np.concatenate([played(t, 40), played(t[:-1] + np.diff(t) / 2)])
    true = np.column_stack([t[:-1], t[:-1]]).mean(axis=1)
    assert continuity(true, beats.track(found[np.argsort(found[:, 0])])) > 0.9


def test_beats_reach_from_the_first_note_to_past_the_last():
    found, _ = metronome(0.6, parts=(0, 0.5), start=2.0)
    times = beats.track(found)
    assert times[0] <= found[:, 0].min()
    assert times[-1] > found[:, 0].max()
    assert (np.diff(times) > 0).all()


@pytest.mark.parametrize("density", [2, 10])
def test_music_without_a_pulse_gets_an_even_beat_and_is_told(density):
    onset = np.sort(np.random.default_rng(1).uniform(0, 90, 90 * density))
    with pytest.warns(audio.AudioWarning, match=r"^no clear pulse in \d+ notes: an even beat"):
        times = beats.track(played(onset))
    np.testing.assert_allclose(np.diff(times), 0.5)
    beats.quantise(played(onset), times)
    with pytest.warns(audio.AudioWarning, match=r"^a sigh: no clear pulse in"):
        events.read(played(onset), "a sigh")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_notes_are_no_error(n):
    found = played(np.arange(n) * 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", audio.AudioWarning)
        times = beats.track(found)
    ticks, late = beats.quantise(found, times)
    np.testing.assert_allclose(beats.time_of(ticks, times) + late, found[:, 0])


def test_what_are_no_notes_is_named():
    with pytest.raises(ValueError, match="at least one note, got none"):
        beats.track(np.zeros((0, 4)))
    with pytest.raises(ValueError, match=r"notes must have shape \(n_found, 4\)"):
        beats.track(np.zeros((3, 3)))


def test_beats_of_recordings_are_found(recordings):
    score = {n: continuity(true, times) for n, (_, _, times, true, _) in recordings.items()}
    assert np.mean(list(score.values())) >= 0.95, score
    assert min(score.values()) >= 0.8, score


def test_beats_are_at_least_as_good_as_librosas(recordings):
    ours, theirs = [], []
    for y, _, times, true, _ in list(recordings.values())[:2]:
        ours.append(continuity(true, times))
        their_times = librosa.beat.beat_track(y=y, sr=16_000, units="time")[1]
        theirs.append(continuity(true, their_times))
    assert np.mean(ours) >= np.mean(theirs), (ours, theirs)


@pytest.mark.parametrize("name", ["bach_prelude_bwv846", "joplin_pineapple_rag"])
def test_a_tempo_that_glides_is_followed(name, monkeypatch):
    """Every 15 s it rises by a factor of 1.4, and falls again."""
    onset, offset, pitch = columns("notes", name, "onset", "offset", "pitch")
    found, (true,) = played(onset, pitch, offset - onset), columns("beats", name, "time")
    time = np.arange(0, found[:, 1].max() + 9, 0.01)
    warped = np.cumsum(0.01 * 1.4 ** (0.5 * np.sin(2 * np.pi * time / 15)))
    found[:, :2], true = np.interp(found[:, :2], time, warped), np.interp(true, time, warped)
    assert continuity(true, beats.track(found)) > 0.9
    monkeypatch.setattr(beats, "_GLIDES", (0,))
    assert continuity(true, beats.track(found)) < 0.6


def jig(period, *, n_bars=32, seed=1):
    """Play bars of two beats of three parts: a long note or a run on each, chords by the bar."""
    rng, found, t = np.random.default_rng(seed), [], 0.3
    for bar in range(n_bars):
        chord = np.array((0, 4, 7)) + (0, 5, 7, 0)[bar % 4]
        for parts in ((0, 1, 2), (0, 2)) if bar % 2 else ((0, 2), (0, 1, 2)):
            for part, stop in zip(parts, (*parts[1:], 3), strict=True):
                onset, end = (t + period * share / 3 for share in (part, stop))
                found.append((onset, end, 60 + rng.choice(chord), 0.7))
            t += period
    found = np.array(found)
    found[:, :2] += 0.008 * rng.standard_normal((len(found), 1))
    return found, 0.3 + period * np.arange(2 * n_bars)


@pytest.mark.parametrize("period", [0.6, 0.75, 1.0])
def test_a_jig_has_beats_of_three(period):
    found, t = jig(period)
    assert continuity(t, beats.track(found)) > 0.9


def test_a_waltz_keeps_beats_of_two():
    t, found = 0.3 + 0.6 * np.arange(96), []
    for i, time in enumerate(t):
        root = 48 + (0, 5, 7, 0)[i // 3 % 4]
        length = 1.8 if i % 3 == 0 else 0.6
        found.append((time, time + length, root if i % 3 == 0 else root + 16, 0.7))
        found += [(time + 0.3 * k, time + 0.3 * k + 0.3, root + 24 + 2 * k, 0.6) for k in (0, 1)]
    times = beats.track(np.array(sorted(found)))
    np.testing.assert_allclose(np.median(np.diff(times)), 0.6, atol=0.01)


# Bars


def test_bar_lines_of_recordings_are_found(recordings):
    score = {}
    for name, (_, found, times, true, place) in recordings.items():
        lines = mir_eval.beat.trim_beats(times[beats.bar_lines(found, times)])
        score[name] = mir_eval.beat.f_measure(mir_eval.beat.trim_beats(true[place == 1]), lines)
    assert np.mean(list(score.values())) > 0.8, score


@pytest.mark.parametrize("n", [3, 4])
def test_a_bass_note_with_a_new_chord_begins_a_bar(n):
    found, t = [], 0.5 + 0.6 * np.arange(20 * n)
    for i, time in enumerate(t):
        root = 48 + (0, 5, 7, 9)[i // n % 4]
        found.append((time, time + 0.3, root + 16, 1.0))
        if i % n == 0:
            found.append((time, time + 0.6 * n, root - 12, 1.0))
    found = np.array(found)
    lines = beats.bar_lines(found, t := beats.track(found))
    np.testing.assert_allclose(np.diff(t[lines]), 0.6 * n, atol=0.02)
    assert np.min(np.abs(t[lines][3] - found[found[:, 2] < 48, 0])) < 0.02


# Ticks


def test_notes_get_the_ticks_they_were_played_on():
    found, t = metronome(0.6, parts=(0, 0.25, 0.5, 0.75), jitter=0.008)
    found = found[1:-1]
    ticks, late = beats.quantise(found, 0.3 + 0.6 * np.arange(-1, len(t) + 1))
    np.testing.assert_array_equal(ticks, 12 + np.arange(1, len(found) + 1) * 3)
    assert np.sqrt(np.mean(late**2)) == pytest.approx(0.008, abs=0.001)


def test_triplets_and_quarters_are_told_apart():
    t = 1.0 + 0.6 * np.arange(41)
    offbeats = [t[i] + 0.6 * np.array([1, 2]) / 3 for i in range(20)]
    offbeats += [t[i] + 0.6 * np.array([1, 2, 3]) / 4 for i in range(20, 40)]
    onset = np.sort(np.concatenate([t[:-1], *offbeats]))
    onset += np.random.default_rng(0).normal(0, 0.008, len(onset))
    ticks, _ = beats.quantise(played(onset), np.append(t[0] - 0.6, t))
    early, late = ticks[onset < t[20] - 0.1] % 12, ticks[onset > t[20] - 0.1] % 12
    assert set(early) == {0, 4, 8}
    assert set(late) == {0, 3, 6, 9}


def test_ticks_and_residuals_give_the_onsets_back(recordings):
    moved = []
    for _, found, times, _, _ in recordings.values():
        ticks, late = beats.quantise(found, times)
        np.testing.assert_allclose(beats.time_of(ticks, times) + late, found[:, 0], atol=1e-9)
        moved.append(np.sqrt(np.mean(late**2)))
    assert np.mean(moved) <= 0.017, moved


@given(st.lists(st.floats(0.2, 2.0), min_size=2, max_size=20), st.integers(0, 300))
def test_ticks_and_times_are_inverse(lengths, tick):
    times = 0.4 + np.cumsum(lengths)
    assert beats.tick_of(beats.time_of(tick, times), times) == pytest.approx(tick, abs=1e-6)
    assert beats.tick_of(times[0] - 0.1, times) == 0


def test_beats_of_other_notes_are_named():
    found, t = metronome(0.5)
    with pytest.raises(
        ValueError, match=r"beats must reach from before the first note, at 0.300 s"
    ):
        beats.quantise(found, t[5:])


def test_a_drum_has_no_harmony():
    times = 0.3 + 0.5 * np.arange(40)
    chords = [played(times + 0.01, pitch + 5 * (np.arange(40) // 4 % 2)) for pitch in (60, 64)]
    hits = played(times + 0.01, rolls.FIRST_DRUM + np.arange(40) % 2)
    alone, both = (np.concatenate(parts) for parts in (chords, [*chords, hits]))
    lines = beats.bar_lines(both, np.append(times, 20.3))
    np.testing.assert_array_equal(lines, beats.bar_lines(alone, np.append(times, 20.3)))
    assert (lines % 4 == lines[0]).all()
