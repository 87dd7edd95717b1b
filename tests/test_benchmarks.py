from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile

from benchmarks import learning, music, original, speed, targets
from helpers import audio, note_model


def wav_of(n_samples, folder, seed=0):
    y = np.random.default_rng(seed).integers(-9000, 9000, n_samples, dtype=np.int16)
    path = folder / f"{n_samples}.wav"
    scipy.io.wavfile.write(path, original.SR, y)
    return path, y


def test_the_original_pads_its_last_block_with_zeros(tmp_path):
    path, y = wav_of(original.BLOCK_LENGTH + 5, tmp_path)
    blocks = original.blocks_of(path)
    assert [len(block) for block in blocks] == [original.BLOCK_LENGTH] * 2
    np.testing.assert_allclose(np.concatenate(blocks)[: len(y)], y / 32767, atol=1e-7)
    assert not blocks[1][5:].any()


def test_the_original_keeps_both_halves_of_each_spectrum_in_double_precision(tmp_path):
    path, _ = wav_of(original.BLOCK_LENGTH, tmp_path)
    (frame,) = original.transform(original.blocks_of(path))
    assert frame.shape == (2 * original.BLOCK_LENGTH,)
    spectrum = frame[: original.BLOCK_LENGTH] + 1j * frame[original.BLOCK_LENGTH :]
    np.testing.assert_allclose(spectrum[1:], np.conj(spectrum[:0:-1]), atol=1e-6)


@pytest.mark.parametrize(("n_blocks", "expected"), [(40, 0), (41, 1), (80, 1), (81, 2)])
def test_the_original_drops_the_last_full_chunk(tmp_path, n_blocks, expected):
    path, _ = wav_of(n_blocks * original.BLOCK_LENGTH, tmp_path)
    X, Y = original.examples([path])
    assert X.shape == Y.shape == (expected, 40, 22_050)
    assert X.dtype == np.float64


def test_the_target_lies_one_block_later(tmp_path):
    X, Y = original.examples([wav_of(41 * original.BLOCK_LENGTH, tmp_path)[0]])
    np.testing.assert_array_equal(Y[0, :-1], X[0, 1:])


def test_the_original_wraps_what_is_too_loud():
    loud = np.zeros((1, 2 * original.BLOCK_LENGTH))
    loud[0, 0] = 1.2 * original.BLOCK_LENGTH  # a constant of 1.2
    assert set(original.to_int16(loud)) == {np.int64(1.2 * 32767).astype(np.int16)} == {-26216}


def test_the_original_runs_its_whole_history_again_for_every_block():
    model = original.network(n_features=6, width=4)
    seed = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    generated = original.generate(model, seed, 2)
    history = np.concatenate([seed, generated[:1]])
    expected = np.asarray(model(history[None]))[0, -1]
    np.testing.assert_allclose(generated[1], expected, atol=1e-5)


def test_its_network_has_as_many_parameters_as_in_2016():
    assert original.network().count_params() == 53_574_178


def test_ratios_say_how_many_times_better_ours_is():
    measured = {
        "prepare original": {"seconds": 50.0, "peak_bytes": 8e9},
        "prepare ours": {"seconds": 5.0, "peak_bytes": 1e9},
        "epoch original": {"seconds": 60.0},
        "epoch rfft": {"seconds": 40.0},
        "epoch rate": {"seconds": 20.0},
        "epoch batch": {"seconds": 4.0},
        "epoch width": {"seconds": 1.0},
        "generate original": {"times_real_time": 0.5},
        "generate ours": {"times_real_time": 25.0},
    }
    rows = {row["what"]: row for row in speed.compare(measured)}
    assert [row["ratio"] for row in rows.values()] == pytest.approx([10, 8, 60, 50])
    assert [row["met"] for row in rows.values()] == [True, True, True, False]
    assert speed.shares(measured) == {"rfft": 1.5, "rate": 2, "batch": 5, "width": 4}


def test_the_original_workload_is_twenty_minutes_of_piano():
    clips = speed.twenty_clips(Path(__file__).parent.parent / "data")
    assert len(clips) == 20
    for track, start in clips:
        assert (track.instrument, track.split) == ("piano", "train")
        assert start + speed.CLIP_SECONDS <= audio.info(track.path).duration
    by_start = sorted((track.name, start) for track, start in clips)
    for (name, earlier), (same, later) in pairwise(by_start):
        assert name != same or earlier + speed.CLIP_SECONDS <= later


# The music


def test_a_number_is_met_on_the_right_side_of_its_target():
    goals = {
        "more": targets.at_least(0.9, 0.95),
        "less": targets.at_most(5, 2.5),
        "between": targets.within((9, 20), (12, 17)),
        "beyond": targets.within((9, 20), (12, 17)),
    }
    values = {"more": [0.9, 0.94], "less": [4.0, 8.0], "between": [10.0, 16.0], "beyond": [8.0]}
    rows = targets.compare(values, goals)
    assert [row["value"] for row in rows] == pytest.approx([0.92, 6.0, 13.0, 8.0])
    assert [row["met"] for row in rows] == [True, False, True, False]
    assert [row["moonshot met"] for row in rows] == [False, False, True, False]
    assert [row["must"] for row in rows] == [">= 0.9", "<= 5", "9 to 20", "9 to 20"]


def test_notes_that_are_played_are_scored():
    reference = np.array([[0.5, 1.0, 60], [1.0, 2.0, 64], [2.0, 3.0, 67]])
    late = np.array([[0.54, 1.0, 60, 1], [1.2, 2.0, 64, 1], [2.0, 3.0, 67, 1]])
    scored = music.score(late, reference)
    assert scored["onset F"] == pytest.approx(2 / 3)
    assert 0.9 < scored["frame F"] < 1


def test_beats_and_bars_that_are_played_are_scored(tmp_path, monkeypatch):
    t = 0.5 + 0.6 * np.arange(60)
    (tmp_path / "data" / "beats").mkdir(parents=True)
    rows = [f"{time:.4f},{i % 4 + 1}" for i, time in enumerate(t)]
    (tmp_path / "data/beats/x.csv").write_text("\n".join(["time,beat", *rows]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    on = np.stack([t, t + 0.5, np.where(np.arange(60) % 4, 64, 40), np.ones(60)], axis=1)
    off = on + np.array([0.3, 0.3, 8, 0])
    scored = music.pulse("x", np.concatenate([on, off])[np.argsort([*t, *(t + 0.3)])])
    assert scored["AMLt"] > 0.9
    assert scored["bars F"] > 0.9
    assert scored["moved (ms)"] < 1


def test_one_timbre_keeps_the_loudness_of_each_note():
    sounds = np.random.default_rng(0).random((5, 2, 6, 7)).astype(np.float32)
    same = music.one_timbre(sounds)
    np.testing.assert_allclose((same**2).sum(axis=(2, 3)), (sounds**2).sum(axis=(2, 3)), rtol=1e-4)
    shape = same / np.sqrt((same**2).sum(axis=(2, 3), keepdims=True))
    np.testing.assert_allclose(shape[0], shape[4], atol=1e-5)


def test_operations_grow_with_words_and_units():
    few, many = (note_model.NoteModelSettings(hidden=n, keys=4, critic=n, dense=n) for n in (8, 16))
    one = learning.count_operations(few, 10, 1)
    assert learning.count_operations(few, 10, 7) == 7 * one
    assert learning.count_operations(few, 20, 1) > 2 * one  # each is compared with each
    assert learning.count_operations(many, 10, 1) > 1.8 * one


def test_each_weight_is_counted_once_a_word():
    smallest = note_model.NoteModelSettings(hidden=1, window=1, keys=0, dense=1)
    n_in = 31 + 80 + 17 + 6 + 12 + 8 + 12
    heads = (1 + 31) + (1 + 31 + 12 + 80) + (1 + 31 + 12 + 80 + 12 + 17)
    heads += 1 + 31 + 12 + 80 + 12 + 17 + 6
    assert learning.count_operations(smallest, 1, 1) == 4 * n_in + 6 * (1 + heads)


def test_a_matrix_multiplication_takes_time():
    assert 1e8 < learning.multiply_rate(n=64, n_times=3) < 1e14
