"""The benchmark that asks whether what is composed from a folder stays like it."""

import re
import time
import types
from pathlib import Path

import numpy as np
import pytest

from benchmarks import opponents, own_music
from helpers import audio, note_model, rolls, synthesis
from tests import test_drums

LIMITS = np.array([[1.0, 2.0, -30.0], [2.0, 4.0, -20.0]])


@pytest.fixture(scope="module")
def bank():
    return synthesis.load("data/models/notes_bank.npz")[1]


def tune(rate, seconds=60.0, pitch=60):
    """Return so many notes a second, one after the other, on four keys in turn."""
    onset = np.arange(0, seconds - 1, 1 / rate)
    pitches = pitch + np.arange(len(onset)) % 4
    return np.stack([onset, onset + 0.9 / rate, pitches, np.ones(len(onset))], axis=1)


def music(bank, rates, **parts):
    """Return a folder of tunes: training pieces of these rates, other parts as given."""
    found = {"train": {str(k): tune(rate) for k, rate in enumerate(rates)}}
    found |= {part: parts.get(part, {}) for part in own_music.PARTS[1:]}
    seconds = {part: dict.fromkeys(some, 60.0) for part, some in found.items()}
    return own_music.Music(found, seconds, bank)


def test_windows_count_notes_and_their_level(bank):
    slow, fast = (own_music.in_windows(tune(rate), 60.0, bank) for rate in (2, 6))
    assert slow.shape == (6, 3)
    np.testing.assert_allclose(slow[:5, 1], 2, atol=0.11)
    np.testing.assert_allclose(fast[:5, 1], 6, atol=0.11)
    assert own_music.in_windows(tune(2), 9.0, bank).shape == (0, 3)


def test_inside_counts_each_measure_by_itself():
    windows = np.array([[1.0, 2.0, -20.0], [3.0, 4.0, -31.0]])
    assert own_music.inside(windows, LIMITS).tolist() == [0.5, 1.0, 0.5]


def test_music_like_all_other_music_lies_inside_more_often(bank):
    alike, mixed = ([2.0, 3.0, 2.0, 3.0], [2.0, 3.0, 3.0, 9.0])
    often, seldom = (own_music.as_often(music(bank, rates))[1] for rates in (alike, mixed))
    assert often > seldom
    assert 0 < own_music.as_often(music(bank, [2.0, 4.0]))[1] <= 1  # of few pieces, by fifths


def test_music_too_short_for_two_windows_is_named(bank):
    short = own_music.Music(
        {"train": {"a": tune(2, 9.0)}, "validation": {}, "held out": {}},
        {"train": {"a": 9.0}, "validation": {}, "held out": {}},
        bank,
    )
    with pytest.raises(ValueError, match="two windows of 10 s or more: add longer music"):
        own_music.as_often(short)


def test_where_a_piece_ends_the_next_begins():
    asked = []

    def compose(place, rng, seconds):
        asked.append((place.piece, seconds))
        return tune(2, 51.0)

    place = opponents.Place("seed", 10.0, tune(2))
    found = own_music.for_two_minutes(compose, place, np.random.default_rng(0))
    assert [piece for piece, _ in asked] == ["seed", "", ""]
    assert asked[0][1] == own_music.LONG
    assert asked[1][1] == pytest.approx(own_music.LONG - 51, abs=0.2)
    assert found[:, 1].max() <= own_music.LONG
    assert np.diff(found[:, 0]).min() >= 0


def test_silence_does_not_last_for_ever():
    nothing = own_music.for_two_minutes(
        lambda *_: np.zeros((0, 4)), own_music.NOTHING, np.random.default_rng(0)
    )
    assert nothing.shape == (0, 4)


def test_a_table_is_surprised_by_other_music(bank):
    known, other = {"a": tune(2)}, {"a": tune(5, pitch=70)}
    same = own_music.markov_bits(music(bank, [2.0], **{"held out": known}))
    assert 0 < same < own_music.markov_bits(music(bank, [2.0], **{"held out": other}))


def test_the_shipped_network_is_taken_as_it_is_without_steps(bank):
    weights, _, history = own_music.learn(music(bank, [2.0, 3.0]))
    shipped, _ = note_model.load(own_music.SHIPPED)
    assert history == []
    assert all(np.array_equal(weights[name], shipped[name]) for name in shipped)


def test_less_music_is_fewer_pieces_and_the_beginning_of_one(bank):
    whole = music(bank, [2.0, 4.0, 3.0])
    part = own_music.shortened(whole, 1.5)
    (first, minute), (second, half) = part.seconds["train"].items()
    assert (minute, half) == (60.0, 30.0)
    np.testing.assert_array_equal(part.found["train"][first], whole.found["train"][first])
    some = part.found["train"][second]
    assert some[:, 1].max() <= 30
    np.testing.assert_array_equal(some[:-1], whole.found["train"][second][: len(some) - 1])
    assert own_music.shortened(whole, 9.0).seconds == whole.seconds


def test_the_seed_chooses_the_pieces_and_more_minutes_only_add_to_them(bank):
    whole = music(bank, [2.0] * 6)
    chosen = [list(own_music.shortened(whole, 2.0, seed).found["train"]) for seed in range(4)]
    assert len(set(map(tuple, chosen))) > 1
    for seed, some in enumerate(chosen):
        assert list(own_music.shortened(whole, 4.0, seed).found["train"])[:2] == some


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="Linux tells it")
def test_the_most_memory_of_a_step_is_told(capsys, monkeypatch):
    before, looks = own_music.memory(), []
    look = own_music.memory
    monkeypatch.setattr(own_music, "memory", lambda: looks.append(look()) or looks[-1])
    with own_music.measured("a step"):
        some = np.ones(2**25)  # 0.25 GiB
        end, n_looks = time.monotonic() + 60, len(looks)
        while len(looks) < n_looks + 2 and time.monotonic() < end:  # one may have begun before
            time.sleep(0.1)
    del some
    what, seconds, _, most, unit = capsys.readouterr().out.rsplit(maxsplit=4)
    assert (what, unit) == ("a step", "GiB")
    assert float(seconds) > 0.1
    assert before + 0.2 < float(most) < before + 0.4


@pytest.mark.parametrize(("seconds", "learnt"), [(31.0, {"song", "short"}), (41.0, {"short"})])
def test_a_short_piece_without_an_alarm_is_not_learnt_from_alone(
    seconds, learnt, bank, monkeypatch
):
    facts = {"split": "train", "found": tune(2), "keys": tune(2)}
    lengths = {"song": 60.0, "short": seconds}
    pieces = {x: types.SimpleNamespace(name=x, seconds=s, **facts) for x, s in lengths.items()}
    told = {
        "estimate": lambda *_, **__: 0.0,
        "prepare": lambda *_, **__: (pieces, []),
        "report": lambda *_: "",
        "alarm": lambda piece: "a blur" * (piece.name == "song"),
        "sounds": lambda *_: bank,
    }
    for name, tell in told.items():
        monkeypatch.setattr(own_music.library, name, tell)
    monkeypatch.setattr(own_music.datasets, "survey", lambda *_, **__: ([], []))
    assert own_music.prepared("folder", Path("kept")).found["train"].keys() == learnt


@pytest.mark.long
def test_drums_are_taken_out_and_learnt(bank, tmp_path):
    struck = test_drums.groove(np.random.default_rng(0))
    y = synthesis.play(tune(3, 40.0), bank, n_samples=40 * test_drums.SR)
    y = test_drums.mix(y, test_drums.strike(struck))
    (tmp_path / "music").mkdir()
    audio.save(tmp_path / "music" / "band.wav", y, sr=test_drums.SR)
    some = own_music.prepared(tmp_path / "music", tmp_path / "kept")
    assert some.bank.drums.any(axis=1).tolist() == [True, True, True, False]
    for part, start, stop in zip(own_music.PARTS, (0, 22.8, 26.8), (22.8, 26.8, 40), strict=True):
        assert some.seconds[part] == {"band": pytest.approx(stop - start)}
        n_hits = np.count_nonzero(some.found[part]["band"][:, 2] >= rolls.FIRST_DRUM)
        n_struck = np.count_nonzero((struck[:, 0] >= start) & (struck[:, 0] < stop))
        assert n_hits == pytest.approx(n_struck, abs=3)
    _, settings, _ = own_music.learn(some, steps=1, carry_on=True)
    assert settings.drums == (0, 1, 2)


@pytest.mark.long
def test_a_long_folder_is_prepared_and_taught(bank, tmp_path, capsys):
    (tmp_path / "music").mkdir()
    for k in range(4):
        y = synthesis.play(tune(2 + k, 20.0), bank)
        audio.save(tmp_path / "music" / f"{k}.wav", y, sr=bank.settings.sr)
    found = own_music.prepared(tmp_path / "music", tmp_path / "kept").found
    assert [len(some) for some in found.values()] == [2, 1, 1]
    own_music.taught(tmp_path / "music", tmp_path / "kept", [1])
    said = capsys.readouterr().out
    assert "to be prepared in 0 s" in said
    assert "train: 2 pieces, 0.6 minutes" in said
    assert re.search(r"held out, bits a note: \d+\.\d\d", said)
