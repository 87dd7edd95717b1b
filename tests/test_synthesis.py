"""Notes sound as they did in the recordings that they were learnt from."""

from dataclasses import replace

import numpy as np
import pytest
from test_notes import onset_f, song, tone

from helpers import audio, notes, rolls, synthesis

SETTINGS = rolls.NoteSettings(lowest=52, highest=72)
DURATION = 40.0
SCALE = (60, 64, 67, 62, 57, 65)


def etude(seed=0):
    """Notes one after the other, now and then two, loud and soft, long and short."""
    rng = np.random.default_rng(seed)
    played, onset = [], 0.4
    while onset < DURATION - 2.5:
        length = rng.choice([0.4, 0.6, 1.5], p=[0.5, 0.3, 0.2])
        for pitch in rng.choice(SCALE, rng.integers(1, 3), replace=False):
            played.append((onset, onset + length, pitch, rng.choice([0.4, 1.2])))
        onset += rng.choice([0.5, 0.75])
    return one_key_at_a_time(np.array(sorted(played)))


def one_key_at_a_time(played):
    """End a note where its key is struck again."""
    for pitch in SCALE:
        same = np.flatnonzero(played[:, 2] == pitch)
        played[same[:-1], 1] = np.minimum(played[same[:-1], 1], played[same[1:], 0] - 0.03)
    return played


PLAYED = etude()
MUSIC = song(PLAYED, DURATION)


@pytest.fixture(scope="module")
def dictionary():
    return notes.learn_dictionary([MUSIC], SETTINGS)


@pytest.fixture(scope="module")
def found(dictionary):
    return notes.encode(MUSIC, dictionary)


@pytest.fixture(scope="module")
def bank(dictionary, found):
    return synthesis.build_bank([MUSIC], dictionary, found=[found])


def one_note(pitch, seconds, state=rolls.LOUD, *, n_frames=None):
    n_held = int(seconds * SETTINGS.frame_rate)
    roll = np.zeros((n_held if n_frames is None else n_frames, SETTINGS.n_notes), np.uint8)
    roll[:n_held, pitch - SETTINGS.lowest] = rolls.HELD
    roll[0, pitch - SETTINGS.lowest] = state
    return roll


def levels_db(y, sr=16_000, window=0.05):
    frames = y[: len(y) // int(window * sr) * int(window * sr)].reshape(-1, int(window * sr))
    return 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-12)


def spectrum_db(y, f, sr=16_000):
    """Level of a sine at each of the frequencies."""
    window = np.hanning(y.size)
    waves = np.exp(-2j * np.pi * np.outer(f, np.arange(y.size)) / sr)
    return 20 * np.log10(np.abs(waves @ (y * window)) * 2 / window.sum() + 1e-9)


# What is learnt


def test_laid_spectrograms_are_taken_apart_again():
    rng = np.random.default_rng(0)
    small = rolls.NoteSettings(lowest=60, highest=62)
    n_bands = len(synthesis._edges(small)) - 1
    fall = np.exp(-np.arange(synthesis.N_FRAMES) / 20)[:, None]
    truth = np.float32(rng.gamma(0.3, size=(3, 2, 1, n_bands)) * fall)
    release = np.float32(0.6 ** np.arange(1, 13))
    starts = np.cumsum(rng.integers(2, 12, 300))
    strikes = np.stack(
        [starts, rng.integers(5, 60, 300), rng.integers(0, 3, 300), rng.integers(0, 2, 300)], axis=1
    )
    V = np.zeros((starts[-1] + 90, n_bands), np.float32)
    for place, sound, _, weight in synthesis._lay(strikes, len(V), release):
        V[place] += weight * truth[sound]
    learnt, heard, ends = synthesis._learn_sounds([V], [strikes], small, n_updates=40)
    error = np.abs(learnt - truth)[:, :, :20].sum() / truth[:, :, :20].sum()
    assert error < 0.15
    assert heard[:, :, 0].sum() == 300
    np.testing.assert_allclose(ends[:4], release[:4], atol=0.08)


def test_sets_of_parts_are_judged_at_once_as_one_by_one():
    rng = np.random.default_rng(0)
    v, tried = rng.random(40).astype(np.float32), rng.random((3, 5, 40)).astype(np.float32)
    costs = []
    for parts in tried:
        H = notes.solve_activations(v[None], parts.T, n_updates=20)
        costs.append(notes.divergence(v[None], H @ parts))
    np.testing.assert_allclose(synthesis._costs(v, tried), costs, rtol=1e-4)


@pytest.mark.parametrize("factor", [0.0, 1.0, 2.0])
def test_stiffness_of_strings_is_measured(factor):
    settings = rolls.NoteSettings(lowest=58, highest=62)
    edges = synthesis._edges(settings)
    templates = np.zeros((5, 2, synthesis.N_FRAMES, len(edges) - 1), np.float32)
    for note, pitch in enumerate(settings.pitches):
        y = tone(pitch, 1.0, stiffness=factor * notes.stiffness(pitch)).astype(np.float32)
        V = notes.band_magnitudes(y, edges, n_fft=synthesis.N_FFT, hop_length=500)
        templates[note, :, : len(V)] = V
    heard = np.ones(templates.shape[:3], np.float32)
    measured = synthesis._fit_stiffness(templates, heard, settings)
    expected = factor * notes.stiffness(np.array(settings.pitches))
    np.testing.assert_allclose(measured, expected, rtol=0.35)


@pytest.mark.parametrize("pitch", [57, 60, 64])
def test_partials_are_as_strong_as_they_were(bank, pitch):
    sound = synthesis._play(bank, pitch - SETTINGS.lowest, 1, 20)
    f = notes.partial_frequencies(pitch, 4, B=notes.stiffness(pitch))
    ours, theirs = (spectrum_db(y[1600:6400], f) for y in (sound, 1.2 * tone(pitch, 1.0)))
    np.testing.assert_allclose(ours, theirs, atol=3)


def test_a_held_note_dies_away_as_it_did(bank):
    ours = levels_db(synthesis._play(bank, 60 - SETTINGS.lowest, 1, 48))
    theirs = levels_db(1.2 * tone(60, 2.0))
    np.testing.assert_allclose(ours[2:26], theirs[2:26], atol=3)


def test_a_damped_note_is_gone_soon(bank):
    y = synthesis.render(one_note(60, 1.0, n_frames=32), bank)
    level = levels_db(y)
    assert level[18] > -40
    assert level[28] < level[18] - 25  # 0.4 s after the end
    assert level[38] < -100


def test_loud_is_louder_than_soft_by_as_much_as_it_was(bank):
    loud, soft = (
        levels_db(synthesis.render(one_note(60, 1.0, state), bank))[2]
        for state in (rolls.LOUD, rolls.SOFT)
    )
    assert loud - soft == pytest.approx(20 * np.log10(1.2 / 0.4), abs=2)


def test_a_note_can_be_held_longer_than_any_was_heard(bank):
    level = levels_db(synthesis.render(one_note(60, 6.0), bank), window=0.25)
    assert (np.diff(level[:12]) < 0).all()
    assert np.diff(level).max() < 2  # at the end little more than noise is left
    assert level[4] - 60 < level[-1] < level[4] - 20


@pytest.mark.parametrize("pitch", [52, 59, 70, 72])
def test_a_note_that_was_never_heard_sounds_like_its_neighbours(bank, pitch):
    assert bank.n_heard[pitch - SETTINGS.lowest].sum() < 3
    y = synthesis.render(one_note(pitch, 0.5), bank)
    f = 440 * 2 ** ((np.arange(50, 75) - 69) / 12)
    assert np.argmax(spectrum_db(y[800:], f)) == pitch - 50
    assert levels_db(y)[2] == pytest.approx(
        levels_db(synthesis.render(one_note(60, 0.5), bank))[2], abs=8
    )


def test_heard_notes_are_counted(bank):
    heard = {pitch: bank.n_heard[pitch - SETTINGS.lowest].sum() for pitch in SCALE}
    played = {pitch: np.sum(PLAYED[:, 2] == pitch) for pitch in SCALE}
    assert heard == pytest.approx(played, abs=2)


def test_a_bank_can_be_learnt_without_naming_the_notes(dictionary, bank):
    again = synthesis.build_bank([MUSIC], dictionary)
    np.testing.assert_array_equal(again.sounds, bank.sounds)


def test_a_bank_can_be_learnt_from_a_part(dictionary):
    part = synthesis.build_bank([MUSIC, MUSIC], dictionary, minutes=0.5)
    assert 0 < part.n_heard.sum() < 0.6 * 2 * len(PLAYED)


def test_levels_of_one_kind_are_left_alone():
    for levels in (np.full(5, 1.2), np.full(5, 0.8)):
        np.testing.assert_allclose(synthesis._two_levels(levels), 1, rtol=1e-6)
    spread = synthesis._two_levels(np.exp(np.random.default_rng(0).normal(0, 0.4, 5000)))
    np.testing.assert_allclose(np.log(spread), [-0.081, 0.081], atol=0.02)  # 0.4 (1 - sqrt(2/pi))


# Rendering


def test_what_is_rendered_has_the_notes_and_the_level_of_the_music(dictionary, found, bank):
    roll = rolls.from_notes(found, SETTINGS, n_frames=641)
    y = synthesis.render(roll, bank)
    assert y.dtype == np.float32
    assert y.size == 641 * SETTINGS.hop_length
    assert audio.level_dbfs(y) == pytest.approx(audio.level_dbfs(MUSIC), abs=1)
    assert onset_f(PLAYED, found) > 0.95
    assert onset_f(rolls.to_notes(roll, SETTINGS), notes.encode(y, dictionary)) > 0.9


def test_rendering_gives_the_same_each_time(found, bank):
    roll = rolls.from_notes(found[:20], SETTINGS)
    np.testing.assert_array_equal(synthesis.render(roll, bank), synthesis.render(roll, bank))


def test_all_notes_at_once_do_not_clip(bank):
    roll = np.full((32, SETTINGS.n_notes), rolls.LOUD, np.uint8)
    assert np.abs(synthesis.render(roll, bank)).max() == pytest.approx(synthesis.PEAK, abs=1e-3)


def test_a_silent_roll_is_silent(bank):
    y = synthesis.render(np.zeros((16, SETTINGS.n_notes), np.uint8), bank)
    np.testing.assert_array_equal(y, np.zeros(16_000, np.float32))


def test_a_note_in_the_last_frame_is_played(bank):
    roll = np.zeros((4, SETTINGS.n_notes), np.uint8)
    roll[3, 8] = rolls.LOUD
    y = synthesis.render(roll, bank)
    assert not y[:3000].any()
    assert np.abs(y[3000:]).max() > 0.01


def test_notes_begin_without_a_click(bank):
    y = synthesis._play(bank, 8, 1, 4)
    assert abs(y[0]) < 1e-3
    assert np.abs(np.diff(y[:16])).max() < 0.02


def test_a_roll_of_other_notes_is_refused(bank):
    with pytest.raises(ValueError, match=r"shape \(n_frames, 21\).* got shape"):
        synthesis.render(np.zeros((16, 69), np.uint8), bank)


# Playing


@pytest.mark.parametrize("onset", [0.0, 0.1, 1.23456])
def test_a_note_begins_where_it_is_asked_for(bank, onset):
    y = synthesis.play([[onset, onset + 0.3, 60, 1.0]], bank)
    first = round(onset * SETTINGS.sr)
    assert not y[: first + 1].any()  # a note comes up from 0
    assert y[first + 1 : first + 4].all()
    early = synthesis.play([[0.0, 0.3, 60, 1.0]], bank)
    np.testing.assert_array_equal(y[first:], early)


def test_a_note_ends_where_it_is_asked_for(bank):
    damped = replace(bank, release=np.zeros(synthesis.N_RELEASE, np.float32))
    long, short = (synthesis.play([[0, t, 60, 1.0]], damped, n_samples=8000) for t in (0.5, 0.21))
    assert np.flatnonzero(long != short)[0] in range(3360, 3364)
    assert not short[3360 + 500 :].any()


@pytest.mark.parametrize("pitch", [52, 60, 67])  # the first was never heard
def test_notes_of_a_higher_level_are_louder(bank, pitch):
    levels = np.geomspace(0.2, 2.5, 60)
    louder = [np.sum(np.square(synthesis.play([[0, 0.4, pitch, one]], bank))) for one in levels]
    steps = np.diff(10 * np.log10(louder))
    assert (steps > 0).all()
    assert steps.max() < 1.5  # dB, of 0.4 if the loudness followed the level alone


def test_soft_turns_into_loud(bank):
    soft, middle, loud = (
        synthesis.play([[0, 0.4, 60, one]], bank)
        for one in (rolls.STATE_LEVELS[2], np.mean(rolls.STATE_LEVELS[2:]), rolls.STATE_LEVELS[3])
    )
    np.testing.assert_allclose(middle, (soft + loud) / 2, atol=1e-6)
    assert np.corrcoef(soft, loud)[0, 1] < 0.9999  # they differ in more than loudness


@pytest.mark.parametrize(("level", "nearest"), [(0.375, 0.75), (1.995, 1.33)])
def test_beyond_soft_and_loud_the_loudness_alone_follows_the_level(bank, level, nearest):
    ours, theirs = (synthesis.play([[0, 0.4, 60, one]], bank) for one in (level, nearest))
    np.testing.assert_allclose(ours, theirs * (level / nearest) ** 0.4, atol=1e-6)


def test_a_key_that_is_struck_again_has_been_let_go(bank):
    once = synthesis.play([[0.0, 0.5, 60, 1.0], [0.5, 1.0, 60, 1.0]], bank)
    over = synthesis.play([[0.0, 0.9, 60, 1.0], [0.5, 1.0, 60, 1.0]], bank)
    np.testing.assert_array_equal(once, over)
    both = synthesis.play([[0.0, 0.5, 60, 1.0], [0.0, 0.5, 60, 0.8]], bank)
    np.testing.assert_array_equal(both, synthesis.play([[0.0, 0.5, 60, 1.0]], bank))


def test_the_order_of_notes_does_not_matter(found, bank):
    y = synthesis.play(found[:40], bank)
    np.testing.assert_array_equal(synthesis.play(found[39::-1], bank), y)


def test_what_is_played_can_be_cut_short(bank):
    found = [[0.0, 0.5, 60, 1.0], [0.8, 1.4, 64, 1.0], [5.0, 6.0, 60, 1.0]]
    whole = synthesis.play(found, bank)
    assert whole.size == 6 * SETTINGS.sr + synthesis.N_RELEASE * SETTINGS.hop_length // 2
    for n in (0, 9_000, 20_000, 150_000):
        y = synthesis.play(found, bank, n_samples=n)
        assert y.size == n
        np.testing.assert_array_equal(y[: whole.size], whole[:n])
        assert not y[whole.size :].any()


def test_no_notes_are_silence(bank):
    for n in (0, 500):
        y = synthesis.play(np.zeros((0, 4)), bank, n_samples=n)
        np.testing.assert_array_equal(y, np.zeros(n, np.float32))
    assert synthesis.play(np.zeros((0, 4)), bank).size == 0


def test_a_roll_sounds_as_it_always_did(found, bank):
    """Two frames of the bank to one of the roll, one sound for each of a note's two states."""
    roll = rolls.from_notes(found[:60], SETTINGS)
    y, hop = np.zeros((len(roll) + 10) * 1000, np.float32), 500
    end = [1, *bank.release[:-1], 0]
    fade = np.interp(np.arange(12 * hop) / hop, np.arange(13), end)
    for note in range(SETTINGS.n_notes):
        for first, stop in zip(*rolls.spans(roll[:, note]), strict=True):
            sound = synthesis._play(bank, note, int(roll[first, note] == rolls.LOUD), 200)
            held = 1000 * (stop - first)
            sound = sound[: held + 12 * hop] * np.append(np.ones(held), fade)
            y[1000 * first :][: sound.size] += sound
    y = y[: 1000 * len(roll)]
    assert np.abs(y).max() < synthesis.PEAK
    np.testing.assert_allclose(synthesis.render(roll, bank), y, atol=1e-5)


def test_notes_that_the_bank_cannot_play_are_refused(bank):
    with pytest.raises(ValueError, match="between 52 and 72, got 40"):
        synthesis.play([[0, 1, 40, 1]], bank)
    with pytest.raises(ValueError, match="check the columns"):
        synthesis.play([[1, 0.5, 60, 1]], bank)
    with pytest.raises(ValueError, match="n_samples must be 0 samples or more, got -1"):
        synthesis.play([[0, 1, 60, 1]], bank, n_samples=-1)


# Bad music


def test_a_bank_of_nothing_is_refused(dictionary, found):
    with pytest.raises(ValueError, match="one waveform at least, got none"):
        synthesis.build_bank([], dictionary)
    with pytest.raises(ValueError, match=r"got \[0\] notes for 1 waveforms"):
        synthesis.build_bank([np.zeros(16_000, np.float32)], dictionary)
    with pytest.raises(ValueError, match="notes for 2 waveforms"):
        synthesis.build_bank([MUSIC, MUSIC], dictionary, found=[found])


# Files (what is the same for all kinds of files is tested with `files`)


def test_what_is_saved_is_loaded(tmp_path, dictionary, bank):
    path = synthesis.save(tmp_path / "new" / "piano.npz", dictionary, bank)
    same_dictionary, same_bank = synthesis.load(path)
    for saved, loaded in ((dictionary, same_dictionary), (bank, same_bank)):
        assert vars(saved).keys() == vars(loaded).keys()
        for name, value in vars(saved).items():
            np.testing.assert_array_equal(getattr(loaded, name), value)
            if isinstance(value, np.ndarray):
                assert getattr(loaded, name).dtype == value.dtype
    assert [one.name for one in path.parent.iterdir()] == ["piano.npz"]
    assert path.stat().st_size < 500_000


def test_a_dictionary_of_other_settings_is_not_saved(tmp_path, dictionary, bank):
    other = replace(dictionary, settings=rolls.NoteSettings())
    with pytest.raises(ValueError, match=r"one and the same settings.*lowest=28.*lowest=52"):
        synthesis.save(tmp_path / "piano.npz", other, bank)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no note bank at .*piano.npz: run notebook 04"):
        synthesis.load(tmp_path / "piano.npz")


@pytest.mark.parametrize("how", ["missing", "shape", "nan"])
def test_a_damaged_file_is_refused(tmp_path, dictionary, bank, how):
    path = synthesis.save(tmp_path / "piano.npz", dictionary, bank)
    with np.load(path) as file:
        content = dict(file)
    if how == "missing":
        del content["release"]
    elif how == "shape":
        content["stiffness"] = content["stiffness"][1:]
    else:
        content["sounds"] = content["sounds"] * np.nan
    np.savez(path, **content)
    with pytest.raises(ValueError, match=r"piano.npz is damaged, .*run notebook 04 to replace it"):
        synthesis.load(path)


def test_drums_are_played_from_the_sample_at_which_they_are_hit(tmp_path, dictionary, bank):
    kit = np.random.default_rng(0).normal(0, 0.1, (2, 500)).astype(np.float32)
    band = replace(bank, drums=kit)
    found = np.array([[0.1, 0.5, 60, 1], [0.2, 0.21, rolls.FIRST_DRUM + 1, 0.5]])
    y, notes_alone = (synthesis.play(one, band, n_samples=8000) for one in (found, found[:1]))
    np.testing.assert_allclose((y - notes_alone)[3200:3700], 0.5 * kit[1], atol=1e-6)
    np.testing.assert_array_equal(notes_alone, synthesis.play(found[:1], bank, n_samples=8000))
    with pytest.raises(ValueError, match="0 kinds of drums may be among them"):
        synthesis.play(found, bank)
    _, loaded = synthesis.load(synthesis.save(tmp_path / "band.npz", dictionary, band))
    np.testing.assert_array_equal(loaded.drums, kit)


def test_notes_after_the_end_of_a_recording_say_nothing_of_its_level(bank):
    onset = np.arange(0.0, 24, 0.5)
    found = np.stack([onset, onset + 0.4, 60 + 2 * onset % 12, np.full(len(onset), 1.33)], axis=1)
    whole = synthesis.render(rolls.from_notes(found, bank.settings), bank)
    for y in (whole, whole[: len(whole) // 4]):
        assert synthesis._missing_gain(bank, [y], [found]) == pytest.approx(1, abs=0.05)


def test_a_recording_cut_while_notes_sound_has_their_level(bank):
    found = np.array(
        [[0.1, 3.03, pitch, 1.33] for pitch in (60, 64, 67)]
    )  # to a frame after the end
    y = synthesis.render(rolls.from_notes(found, bank.settings), bank)[: 3 * bank.settings.sr]
    assert synthesis._missing_gain(bank, [2 * y], [found]) == pytest.approx(2, abs=0.1)
