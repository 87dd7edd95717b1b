import numpy as np
import pytest
import scipy.io.wavfile

from benchmarks import original, speed


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
