import itertools

import numpy as np
import pytest
import scipy.stats

from benchmarks import judge, learnt_judge, measures, opponents
from benchmarks.opponents import Place
from helpers import rolls

SETTINGS = rolls.NoteSettings()


def tune(n_notes=400, seed=0, beat=0.25, pitches=range(50, 75)):
    """Return notes one after the other."""
    onset = beat * np.arange(n_notes)
    pitch = np.random.default_rng(seed).choice(list(pitches), n_notes)
    return np.stack([onset, onset + 0.8 * beat, pitch, np.ones(n_notes)], axis=1)


def place(start=20.0, **options):
    return Place("piece", start, tune(**options))


# The distance


def measured(seed, n_clips=6):
    rng = np.random.default_rng(seed)
    return {
        what: rng.normal(size=n_clips).tolist() for what in (*measures.MEASURES, *measures.FAULTS)
    }


def test_the_distance_is_in_standard_deviations_and_pairs_the_clips():
    real = measured(0)
    assert measures.distance(real, real).tolist() == [0] * 6
    moved = dict(real)
    sd = np.std(real["rhythm"], ddof=1)
    moved["rhythm"] = [real["rhythm"][0] - 3 * sd, *real["rhythm"][1:]]
    np.testing.assert_allclose(measures.distance(moved, real), [3 / 10, 0, 0, 0, 0, 0], atol=1e-12)
    faulty = real | dict.fromkeys(measures.FAULTS, [9.0] * 6)
    assert measures.distance(faulty, real).tolist() == [0] * 6  # they are judged by themselves


def test_floors_pair_a_clip_with_others_that_do_not_overlap():
    real, codec = measured(0, 5), measured(1, 5)
    starts = [("a", 10), ("a", 30), ("a", 45), ("b", 10), ("b", 70)]
    floors = measures.floors(real, codec, [Place(name, t, np.zeros((0, 4))) for name, t in starts])

    def away(i, k, whose=real):
        far = [abs(real[w][i] - whose[w][k]) / np.std(real[w], ddof=1) for w in measures.MEASURES]
        return np.mean(far)

    expected = [away(0, 2), np.nan, away(2, 0), away(3, 4), away(4, 3)]
    np.testing.assert_allclose(floors["another place"], [expected])
    expected = [away(i, k, codec) for i, k in ((2, 0), (3, 4), (4, 3))]
    np.testing.assert_allclose(floors["another place, codec"][0][2:], expected)
    expected = [np.mean([away(i, 3), away(i, 4)]) for i in range(3)]
    np.testing.assert_allclose(floors["another piece"][0][:3], expected)
    bland = np.mean(
        [np.abs(scipy.stats.zscore(real[what], ddof=1)) for what in measures.MEASURES], axis=0
    )
    np.testing.assert_allclose(floors["every measure at the real mean"], [bland])


def test_music_of_its_own_draws_varies_as_much_as_real_music():
    real = {what: np.random.default_rng(1).normal(size=9) for what in measures.MEASURES}
    wide = {what: 2 * values + 5 for what, values in real.items()}
    np.testing.assert_allclose(measures.variances(wide, real), 4)


def test_silence_is_measured_and_far_from_music():
    silence = np.zeros((480, SETTINGS.n_notes), np.uint8)
    values = measures.measure([silence])
    assert values["key clarity"] == values["dissonance"] == values["onset rate"] == [0]
    assert np.isfinite([values[what][0] for what in values]).all()


def test_near_empty_windows_copy_nothing():
    train = [rolls.from_notes(tune(), SETTINGS)]
    copy = train[0][160:320].copy()
    assert measures.copied([copy], train) == [1] * len(measures.copied([copy], train))
    copy[40:] = 0  # the first window alone has onsets, ten of them; then three
    assert measures.copied([copy], train) == pytest.approx([40 / 48], abs=0.1)
    assert measures.copied([copy * 0], train) == []


# Statistics


def test_a_piece_is_one_observation():
    pieces = ["a", "a", "b", "b", "c", "c"]
    ours = [[1, 2, 3, 4, 5, 6], [3, 2, 5, 4, 7, 6]]
    distances = {
        "ours": ours,
        "codec": [[0] * 6],
        "markov": [[4, 4, 8, 8, 6, 6], [4, 4, 8, 8, 6, 6]],
    }
    (row,) = measures.compare_paired(distances, pieces)
    assert row["by piece"] == [-2, -4, 0]
    low, high = scipy.stats.t.interval(0.95, 2, loc=-2, scale=2 / np.sqrt(3))
    assert row["interval"] == pytest.approx([low, high])
    assert row["p, Holm"] == row["p"] == pytest.approx(2 * scipy.stats.t.sf(np.sqrt(3), 2))


def test_p_values_are_corrected_for_their_number():
    assert measures.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert measures.holm([0.6, 0.5]) == [1, 1]
    assert measures.holm([]) == []


# Clips


def test_clips_are_spread_over_all_pieces_and_fit():
    sr = SETTINGS.sr
    pieces = {
        name: judge.Heard(np.zeros(seconds * sr), np.zeros((0, 4)))
        for name, seconds in (("a", 100), ("b", 80), ("c", 70))
    }
    places = judge.spread(pieces, 8)
    assert [one.piece for one in places] == ["a", "a", "b", "b", "c"]  # no room for more
    assert [one.piece for one in judge.spread(pieces, 4)] == ["a", "a", "b", "c"]
    assert np.diff([one.start for one in places[:2]]) >= judge.SECONDS
    for one in places:
        assert one.start >= judge.SEED_SECONDS  # there is room for the seed
        assert len(judge.cut(pieces[one.piece].y, one.start)) == judge.SECONDS * sr


def test_pieces_too_short_for_a_clip_are_named():
    short = {"a": judge.Heard(np.zeros(40 * SETTINGS.sr), np.zeros((0, 4)))}
    with pytest.raises(ValueError, match="a piece of 41 s or more"):
        judge.spread(short)


def test_a_clip_is_as_long_as_its_sound_whatever_is_found_in_it():
    found = np.array([[0.0, 1.0, 60, 1], [29.99, 30.2, 62, 1]])
    roll = judge.Heard(np.zeros(30 * SETTINGS.sr), found).roll
    assert roll.shape == (480, SETTINGS.n_notes)
    assert np.count_nonzero(roll >= rolls.SOFT) == 1


def test_any_music_is_heard_as_a_whole_and_without_its_drums(monkeypatch):
    heard = []
    found = np.append(tune(), [[30.0, 30.1, rolls.FIRST_DRUM, 1.0]], axis=0)
    monkeypatch.setattr(
        judge.library, "hear", lambda y, given: heard.append(len(y)) or (None, found, None)
    )
    transcriber = judge.OfAnyMusic(None, None)
    piece = transcriber.hear(np.zeros(100 * SETTINGS.sr, np.float32))
    np.testing.assert_array_equal(piece.found, tune())
    clip = transcriber.excerpt(piece, 20.0)
    assert len(clip.y) == judge.SECONDS * SETTINGS.sr
    np.testing.assert_array_equal(clip.found, opponents.part(tune(), 20.0, 50.0))
    assert heard == [100 * SETTINGS.sr]


@pytest.mark.parametrize("on", ["validation", "test", "recorded"])
def test_it_is_judged_on_other_pieces_and_another_piano(monkeypatch, on):
    class Asked(Exception):
        pass

    def run(train, held_out, transcriber, composers, *, listener):
        raise Asked(train, held_out, listener)

    monkeypatch.setattr(judge, "load", lambda split, instrument="piano": (split, instrument))
    monkeypatch.setattr(judge, "run", run)
    with pytest.raises(Asked) as asked:
        judge.main(["--on", on])
    train, held_out, listener = asked.value.args
    assert train == ("train", "piano")
    assert held_out == (("test", "recorded piano") if on == "recorded" else (on, "piano"))
    assert (listener is not None) == (on == "recorded")


def test_notes_that_were_played_are_read_as_far_as_a_roll_has_them(tmp_path, monkeypatch):
    (tmp_path / "data" / "notes").mkdir(parents=True)
    rows = ["onset,offset,pitch,velocity", "0.5,1.0,60,70", f"1.0,1.5,{SETTINGS.highest + 1},70"]
    (tmp_path / "data/notes/x.csv").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(judge.played("x"), [[0.5, 1.0, 60, 1]])


def test_other_places_of_pieces_as_long_as_a_clip_are_the_same():
    y = np.zeros(judge.SECONDS * SETTINGS.sr)
    pieces = {name: judge.Heard(y, tune(seed=k)) for k, name in enumerate("abc")}
    places = [Place(name, 0.0, one.found) for name, one in pieces.items()]
    shares = np.array(judge.variances_elsewhere(pieces, places, 2))
    assert shares.shape == (2, len(measures.MEASURES))
    np.testing.assert_allclose(shares[shares > 0], 1)  # of what varies at all
    longer = {name: judge.Heard(np.tile(y, 3), one.found) for name, one in pieces.items()}
    assert not np.allclose(judge.variances_elsewhere(longer, places, 2), shares)


def test_music_like_the_training_music_stays_in_its_range():
    def heard(beat, seconds=120, level=0.1):
        y = np.full(seconds * SETTINGS.sr, level, np.float32)
        return judge.Heard(y, tune(int(seconds / beat), beat=beat))

    train = [heard(0.25), heard(0.5)]
    long = {"after a seed": [[heard(0.3)], [heard(0.1)]], "from nothing": [[heard(0.3, level=0.0)]]}
    result = judge.two_minutes(long, train, [heard(0.4)])
    assert result["held out"]["onset rate"] == 1
    assert [one["onset rate"] for one in result["after a seed"]] == [1, 0]
    assert result["from nothing"][0]["level"] == 0


# Opponents


def test_a_place_knows_what_came_just_before():
    seed = place(20.1).seed
    np.testing.assert_allclose(seed[[0, -1], 0], [0.15, 9.9])
    assert (seed[:, 1] <= 10).all()
    assert len(Place("", 0.0, np.zeros((0, 4))).seed) == 0


@pytest.mark.parametrize("whose", ["markov", "shuffle", "shuffled bars", "reversed"])
def test_opponents_compose_notes_of_the_right_length(whose):
    compose = opponents.all_of([tune()], SETTINGS)[whose]
    found = rolls.valid_notes(compose(place(), np.random.default_rng(0), 30.0))
    assert 60 < len(found) < 180  # the tune has 120 in 30 s
    assert found[:, 1].max() <= 30
    again = compose(place(), np.random.default_rng(0), 30.0)
    np.testing.assert_array_equal(again, found)


def test_a_network_draws_steadily_from_nothing_alone(monkeypatch):
    told = []
    monkeypatch.setattr(
        opponents.note_model, "go_on", lambda *_, steady, **__: told.append(steady) or tune()
    )
    for options in ({}, {"steady": True}):
        compose = opponents.network({}, None, **options)
        for where in (place(), Place("", 0.0, np.zeros((0, 4)))):
            compose(where, np.random.default_rng(0), 5.0)
    assert told == [False, True, True, True]


def test_counted_copying_goes_on_from_the_seed_at_its_tempo():
    compose = opponents.counted_copying([tune(120)])
    found = rolls.valid_notes(compose(place(), np.random.default_rng(0), 10.0))
    assert 10 < len(found) < 100
    assert found[:, 1].max() <= 10
    assert set(found[:, 2]) <= set(range(40, 85))


def test_shuffled_notes_are_those_that_follow():
    shuffle = opponents.shuffled_notes(SETTINGS)
    found = shuffle(place(20.0), np.random.default_rng(0), 30.0)
    coming = opponents.part(place().found, 20, 49.9)
    assert sorted(found[:, 2]) == sorted(coming[:, 2])
    assert not np.array_equal(found[:, 2], coming[:, 2])


def test_shuffled_bars_keep_what_is_in_a_bar():
    found = opponents.shuffled_bars(place(), np.random.default_rng(0), 30.0)
    assert np.median(np.diff(found[:, 0])) == pytest.approx(0.25, abs=0.02)
    pitches = place().found[:, 2].tolist()
    pairs = set(itertools.pairwise(pitches))
    composed = list(zip(found[:-1, 2], found[1:, 2], strict=True))
    assert np.mean([pair in pairs for pair in composed]) > 0.6


def test_the_piece_reversed_ends_with_its_beginning():
    piece = place(0.0)
    found = opponents.reversed_piece(piece, np.random.default_rng(0), 100.0)
    np.testing.assert_array_equal(found[:, 2], piece.found[::-1, 2])
    np.testing.assert_allclose((found[:, 1] - found[:, 0])[:-1], 0.2)
    later = Place("piece", 30.0, piece.found)
    later = opponents.reversed_piece(later, np.random.default_rng(0), 10.0)
    assert later[0, 2] == piece.found[399 - 120, 2]


# The learnt judge


def scale_tune(seed):
    """Return music with an order: steps up and down a scale."""
    steps = np.random.default_rng(seed).choice([-1, 1], 120)
    degree = np.abs(np.cumsum(steps)) % 20
    notes = tune(120)
    notes[:, 2] = 48 + 12 * (degree // 7) + np.array([0, 2, 4, 5, 7, 9, 11])[degree % 7]
    return notes


def test_the_judge_tells_order_from_chance_and_no_music_from_itself():
    clips = {
        "codec": [[scale_tune(i) for i in range(4)]],
        "same": [[scale_tune(i) for i in range(10, 14)]],
        "chance": [
            [tune(120, seed=i) for i in range(4)],
            [tune(120, seed=9 + i) for i in range(4)],
        ],
    }
    result = learnt_judge.judge_all(clips, ["a", "a", "b", "b"])
    assert set(result) == {"same", "chance"}
    assert [list(one) for one in result["chance"]] == [["a", "b"]] * 2
    assert np.mean([list(one.values()) for one in result["chance"]]) > 0.98
    assert 0.2 < np.mean(list(result["same"][0].values())) < 0.8


def test_the_judge_hears_no_key():
    notes = scale_tune(0)
    higher = notes + np.array([0, 0, 12, 0])
    assert learnt_judge.windows(notes).shape == (21, len(learnt_judge.features(notes, 0)))
    a, b = (learnt_judge.features(some, 3.0) for some in (notes, higher))
    assert np.count_nonzero(~np.isclose(a, b)) <= 4  # only how high it lies
    assert np.isfinite(learnt_judge.features(notes[:0], 0.0)).all()


def test_the_judge_needs_two_pieces():
    with pytest.raises(ValueError, match=r"pieces must be two at least.*got \['a'\]"):
        learnt_judge.judge_all({"codec": []}, ["a", "a"])


# Two minutes


@pytest.mark.parametrize("drift_db", [-6.0, 0.0, 12.0])
def test_drift_of_a_sound_that_swells_or_fades_evenly(drift_db):
    gain = 10 ** np.linspace(-1, -1 + drift_db / 20, 20 * 8000)
    y = gain * np.sin(2 * np.pi * 1000 * np.arange(20 * 8000) / 8000)
    assert judge.level_drift_db(y, sr=8000) == pytest.approx(drift_db, abs=0.01)
    y = 0.1 * y / gain
    y[-2 * 8000 :] = 0
    assert judge.level_drift_db(y, sr=8000) == pytest.approx(0, abs=0.01)
