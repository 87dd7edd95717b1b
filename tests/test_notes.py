"""Notes are found in sound: against trusted libraries, signals with known notes, and real music."""

import csv
from dataclasses import replace
from pathlib import Path

import mir_eval.transcription
import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import sklearn.decomposition

from helpers import audio, notes, rolls, synthesis, transforms

DATA = Path(__file__).resolve().parents[1] / "data"
SETTINGS = rolls.NoteSettings()
SMALL = rolls.NoteSettings(lowest=55, highest=67)
DURATION = 24.0  # s
MELODY = [(60, 1.0), (64, 0.4), (67, 1.0), (62, 1.0), (59, 0.4), (65, 1.0), (57, 0.4), (64, 1.0)]


def tone(pitch, duration, *, stiffness=None, sr=16_000):
    """A struck string: ten partials that die away, the higher the sooner; damped at the end."""
    t = np.arange(int((duration + 0.1) * sr)) / sr
    B = notes.stiffness(pitch) if stiffness is None else stiffness
    partials = enumerate(notes.partial_frequencies(pitch, 10, B=B), start=1)
    y = sum(
        h**-1.3 * np.exp(-(1.5 + 0.4 * h) * t) * np.sin(2 * np.pi * f * t + h)
        for h, f in partials
        if f < sr / 2
    )
    return 0.1 * y * np.minimum(1, t / 0.004) * np.exp(-np.maximum(0, t - duration) / 0.015)


def song(played, duration=DURATION, *, sr=16_000, **kwargs):
    """Add up tones: rows of onset, offset, pitch, amplitude."""
    y = np.zeros(int(duration * sr))
    for onset, offset, pitch, amplitude in played:
        one = amplitude * tone(pitch, offset - onset, **kwargs)
        start = int(onset * sr)
        y[start : start + one.size] += one[: y.size - start]
    return y.astype(np.float32)


def accompanied(duration=DURATION):
    """A melody over a slower bass: two notes at a time, some soft, some struck again."""
    played = []
    for i, onset in enumerate(np.arange(0.3, duration - 0.8, 0.41)):
        pitch, amplitude = MELODY[(5 * i + i // 8) % len(MELODY)]
        played.append((onset, onset + 0.36, pitch, amplitude))
        if i % 2 == 0:
            played.append((onset + 0.02, onset + 0.7, (48, 53, 55)[i // 2 % 3], 0.8))
    return np.array(sorted(played))


def onset_f(played, found, *, tolerance=0.05):
    """Mir_eval's F-measure of onsets and pitches."""
    hz = [440 * 2 ** ((one[:, 2] - 69) / 12) for one in (played, found)]
    intervals = [np.maximum(one[:, :2], [0, 0.01]) for one in (played, found)]
    return mir_eval.transcription.precision_recall_f1_overlap(
        intervals[0], hz[0], intervals[1], hz[1], onset_tolerance=tolerance, offset_ratio=None
    )[2]


def factors(seed=0, n_frames=30, n_bands=40, n_templates=5):
    rng = np.random.default_rng(seed)
    H, W = rng.gamma(0.5, size=(n_frames, n_templates)), rng.gamma(0.5, size=(n_bands, n_templates))
    V = np.float32(H @ W.T + 0.01 * rng.random((n_frames, n_bands)))
    start = rng.random((n_frames, n_templates)) + 0.1, rng.random((n_bands, n_templates)) + 0.1
    return V, *map(np.float32, start)


@pytest.fixture(scope="module")
def combs():
    return notes.Dictionary(SETTINGS, notes.comb(SETTINGS), 0.3, np.full(SETTINGS.n_notes, 0.1))


@pytest.fixture(scope="module")
def learnt():
    return notes.learn_dictionary([song(accompanied())])


# Bands and templates


def test_bands_hold_every_bin_once_and_grow_with_frequency():
    edges = notes.band_edges(3072, sr=16_000, f_max=5500.0)
    widths = np.diff(edges)
    assert edges[0] == 0
    assert edges[-1] == 5500 * 3072 // 16_000
    assert widths.min() == 1
    assert (widths <= np.maximum(1, 0.5 + edges[:-1] * (2 ** (1 / 96) - 1))).all()
    assert (np.diff(widths[:-1]) >= -1).all()


def test_band_magnitudes_add_up_what_the_stft_gives():
    y = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    edges = notes.band_edges(512, sr=16_000, f_max=5000.0)
    V = notes.band_magnitudes(y, edges, n_fft=512, hop_length=160)
    spectra = np.abs(notes.transforms.stft(y, n_fft=512, hop_length=160)) / 128
    np.testing.assert_allclose(V.sum(axis=1), spectra[:, : edges[-1]].sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(V[:, 3], spectra[:, edges[3] : edges[4]].sum(axis=1), rtol=1e-4)


@pytest.mark.parametrize("n_samples", [1, 159, 160, 161, 3000, 16_000])
def test_band_magnitudes_do_not_depend_on_how_they_are_chunked(n_samples, monkeypatch):
    y = np.random.default_rng(0).standard_normal(n_samples).astype(np.float32)
    edges = notes.band_edges(512, sr=16_000, f_max=5000.0)
    whole = notes.band_magnitudes(y, edges, n_fft=512, hop_length=160)
    monkeypatch.setattr(notes, "_CHUNK", 7)
    chunked = notes.band_magnitudes(y, edges, n_fft=512, hop_length=160)
    np.testing.assert_allclose(chunked, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("f", [110.0, 441.3, 1234.5, 4000.0])
def test_a_sine_looks_like_its_lobe(f):
    t = np.arange(16_000) / 16_000
    edges = notes.band_edges(2048, sr=16_000, f_max=5500.0)
    V = notes.band_magnitudes(
        np.sin(2 * np.pi * f * t).astype(np.float32), edges, n_fft=2048, hop_length=1000
    )
    lobe = notes.lobes([f], edges, n_fft=2048, sr=16_000)[0]
    np.testing.assert_allclose(V[8], lobe, atol=0.06)  # beyond the main lobe it is drawn as 0
    assert V[8].sum() == pytest.approx(lobe.sum(), rel=0.1)


def test_partials_of_a_stiff_string_are_too_high():
    harmonic = notes.partial_frequencies(48, 12, B=0)
    stiff = notes.partial_frequencies(48, 12, B=notes.stiffness(48))
    np.testing.assert_allclose(harmonic, 130.8128 * np.arange(1, 13), rtol=1e-6)
    assert (np.diff(stiff / harmonic) > 0).all()
    assert stiff[0] / harmonic[0] < 1.001


def test_combs_add_up_to_one_and_stand_at_their_note():
    W = notes.comb(SETTINGS)
    edges = notes.band_edges(SETTINGS.n_fft, sr=SETTINGS.sr, f_max=SETTINGS.f_max)
    np.testing.assert_allclose(W.sum(axis=0), 1, rtol=1e-5)
    assert W.min() >= 0
    for pitch in (60, 72, 84, 96):
        band = np.argmax(W[:, pitch - SETTINGS.lowest])
        f = edges[band : band + 2] * SETTINGS.sr / SETTINGS.n_fft
        assert f[0] - 10 < 440 * 2 ** ((pitch - 69) / 12) < f[1] + 10


# Factorisation, against trusted libraries


def test_divergence_is_scipys():
    V, H, W = factors()
    model = H @ W.T
    assert notes.divergence(V, model) == pytest.approx(scipy.special.kl_div(V, model).sum(), 1e-4)
    assert notes.divergence(V, V) == 0


def test_updates_are_scikit_learns():
    V, H, W = factors()
    oracle_H, oracle_W, _ = sklearn.decomposition.non_negative_factorization(
        V.astype(np.float64),
        W=H.astype(np.float64),
        H=W.T.astype(np.float64),
        n_components=5,
        init="custom",
        solver="mu",
        beta_loss="kullback-leibler",
        tol=0,
        max_iter=20,
    )
    for _ in range(20):
        H = notes.update_activations(V, W, H)
        W = notes.update_templates(V, W, H)
    np.testing.assert_allclose(H, oracle_H, rtol=2e-2, atol=2e-3)
    np.testing.assert_allclose(W, oracle_W.T, rtol=2e-2, atol=2e-3)


def test_activations_for_given_templates_are_scikit_learns():
    V, _, W = factors()
    oracle, _, _ = sklearn.decomposition.non_negative_factorization(
        V.astype(np.float64),
        H=W.T.astype(np.float64),
        n_components=5,
        update_H=False,
        solver="mu",
        beta_loss="kullback-leibler",
        tol=0,
        max_iter=500,
    )
    H = notes.solve_activations(V, W, n_updates=500)
    np.testing.assert_allclose(H @ W.T, oracle @ W.T, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("seed", range(5))
def test_no_update_makes_the_divergence_larger(seed):
    V, H, W = factors(seed)
    before = notes.divergence(V, H @ W.T)
    for _ in range(10):
        H = notes.update_activations(V, W, H)
        between = notes.divergence(V, H @ W.T)
        W = notes.update_templates(V, W, H)
        after = notes.divergence(V, H @ W.T)
        assert between <= before * (1 + 1e-5)
        assert after <= between * (1 + 1e-5)
        before = after


def test_an_exponent_above_one_gets_further_in_as_many_updates():
    V, start, W = factors()
    H = {exponent: start for exponent in (1, 1.5)}
    for _ in range(10):
        H = {x: notes.update_activations(V, W, h, exponent=x) for x, h in H.items()}
    assert notes.divergence(V, H[1.5] @ W.T) < notes.divergence(V, H[1] @ W.T)


def test_silent_notes_and_empty_templates_do_no_harm():
    V, H, W = factors()
    H[:, 2], W[:, 3] = 0, 0
    updated = notes.update_templates(V, W, H)
    np.testing.assert_array_equal(updated[:, 2], W[:, 2])
    assert np.isfinite(notes.update_activations(V, W, H)).all()


# Learning


def test_learnt_templates_add_up_to_one(learnt):
    np.testing.assert_allclose(learnt.templates.sum(axis=0), 1, rtol=1e-4)
    assert learnt.templates.shape == (430, 69)
    assert learnt.templates.min() >= 0
    assert learnt.usual_levels.min() > 0


def test_learning_comes_nearer_to_the_notes_than_the_comb(learnt):
    edges = notes.band_edges(3072, sr=16_000, f_max=5500.0)
    for pitch in (48, 60, 64):
        V = notes.band_magnitudes(
            tone(pitch, 1.0).astype(np.float32), edges, n_fft=3072, hop_length=1000
        )[4]
        note = pitch - SETTINGS.lowest
        cost = [
            notes.divergence(V / V.sum(), W[:, note])
            for W in (learnt.templates, notes.comb(SETTINGS))
        ]
        assert cost[0] < 0.5 * cost[1]


def test_learning_gives_the_same_each_time(learnt):
    again = notes.learn_dictionary([song(accompanied())])
    np.testing.assert_array_equal(again.templates, learnt.templates)
    assert again.reference == learnt.reference


def test_learning_can_stop_after_any_round(learnt):
    music = [song(accompanied())]
    combs, gated = (notes.learn_dictionary(music, n_rounds=n) for n in (0, 2))
    np.testing.assert_array_equal(combs.templates, notes.comb(SETTINGS))
    assert np.all(gated.templates[combs.templates == 0] == 0)  # still within the comb's bins
    assert np.any(learnt.templates[combs.templates == 0] > 0)


@pytest.mark.parametrize("n_rounds", [-1, 5, 1.5])
def test_there_are_four_rounds(n_rounds):
    with pytest.raises(ValueError, match="whole number from 0 to 4, got"):
        notes.learn_dictionary([song(accompanied(3.0), 3.0)], n_rounds=n_rounds)


def test_a_few_minutes_are_cut_from_all_of_the_music():
    waveforms = [np.full(20 * 100, i, np.float32) for i in range(6)]
    parts = notes._excerpts(waveforms, 100, minutes=1.0)
    assert [part.size for part in parts] == [1000] * 6
    assert set(np.concatenate(parts)) == set(range(6))
    assert len(notes._excerpts(waveforms, 100, minutes=2.0)) == 6  # all there is
    assert len(notes._excerpts(waveforms, 100, minutes=0.01)) == 1


@pytest.mark.parametrize(
    ("waveforms", "minutes", "message"),
    [
        ([], 5, "one waveform at least .* got 0 and 5"),
        ([np.zeros(16_000, np.float32)], 5, "got silence only"),
        ([np.ones(16_000, np.float32)], 0, "more than 0 minutes"),
        ([np.ones(16_000, np.float32)], float("nan"), "more than 0 minutes"),
    ],
)
def test_nothing_can_be_learnt_from_no_music(waveforms, minutes, message):
    with pytest.raises(ValueError, match=message):
        notes.learn_dictionary(waveforms, minutes=minutes)


def test_nothing_can_be_learnt_where_no_note_begins(monkeypatch):
    monkeypatch.setattr(notes, "_onsets", lambda H, *_, **__: np.zeros(H.shape, bool))
    with pytest.raises(ValueError, match="must hold notes, got none that begin"):
        notes.learn_dictionary([song(accompanied(3.0), 3.0)], SMALL)


# Finding


def test_two_notes_are_found_by_combs_alone(combs):
    played = np.array([(0.5, 1.3, 60, 1.0), (0.9, 1.6, 67, 1.0)])
    found = notes.encode(song(played, 3.0), combs)
    np.testing.assert_array_equal(found[:, 2], [60, 67])
    np.testing.assert_allclose(found[:, 0], played[:, 0], atol=0.03)
    np.testing.assert_allclose(found[:, 1], played[:, 1], atol=0.1)


def test_a_whole_piece_is_found_with_the_dictionary_learnt_from_it(learnt):
    played = accompanied()
    found = notes.encode(song(played), learnt)
    assert onset_f(played, found) > 0.95
    roll = rolls.from_notes(found, SETTINGS) > 0
    truth = rolls.from_notes(played, SETTINGS, n_frames=len(roll)) > 0
    overlap = 2 * (roll & truth).sum() / (roll.sum() + truth.sum())
    assert overlap > 0.85


@pytest.mark.parametrize("shift", [0.0, 0.013, 0.031, 0.05])
def test_onsets_are_found_between_frames(combs, shift):
    found = notes.encode(song([(0.5 + shift, 1.2, 64, 1.0)], 2.0), combs)
    assert found[0, 0] == pytest.approx(0.5 + shift, abs=0.03)


def test_loud_and_soft_are_told_apart(learnt):
    played = np.array([(0.5 + i, 1.2 + i, 60, amplitude) for i, amplitude in enumerate((1.3, 0.3))])
    level = notes.encode(song(played, 3.0), learnt)[:, 3]
    assert level[0] / level[1] == pytest.approx(1.3 / 0.3, rel=0.15)
    assert level[0] > 1 > level[1]


def test_the_stricter_the_fewer_notes_are_found(combs):
    H = notes.activations(song([(0.5, 1.2, 64, 1.0), (1.5, 2.2, 64, 0.3)], 3.0), combs)
    found = [len(notes.find_notes(H, combs, strictness=s)) for s in (0.25, 1, 6, 30)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1] == 0
    default = notes.find_notes(H, combs)
    np.testing.assert_array_equal(notes.find_notes(H, combs, strictness=1), default)


def test_a_note_that_is_struck_again_ends_there(combs):
    played = [(0.5, 0.9, 60, 1.0), (0.9, 1.5, 60, 1.0)]
    found = notes.encode(song(played, 2.5), combs)
    assert len(found) == 2
    assert found[0, 1] <= found[1, 0]


def test_a_note_that_sounds_from_the_first_sample_is_found(combs):
    y = song([(0.0, 0.8, 60, 1.0)], 1.5)
    found = notes.encode(y[3000:], combs)
    assert found[0, 2] == 60
    assert found[0, 0] == pytest.approx(0, abs=0.04)


def test_a_note_may_last_until_the_end(combs):
    found = notes.encode(song([(0.5, 9.0, 60, 1.0)], 1.5), combs)
    assert found[0, 1] == pytest.approx(1.5, abs=0.08)


def test_silence_has_no_notes(combs):
    assert notes.encode(np.zeros(16_000, np.float32), combs).shape == (0, 4)


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(0, np.float32),
        np.zeros((100, 2), np.float32),
        np.zeros(100, np.int16),
        np.full(5000, np.nan, np.float32),
    ],
)
def test_bad_waveforms_are_refused(combs, y):
    with pytest.raises(audio.AudioError, match=r"^y must"):
        notes.encode(y, combs)


@pytest.mark.parametrize("shape", [(10, 68), (69,)])
def test_activations_of_other_notes_are_refused(combs, shape):
    with pytest.raises(ValueError, match=r"H must have shape \(n_frames, 69\)"):
        notes.find_notes(np.zeros(shape), combs)


def onset_by_definition(h, frame, eighth):
    """Find the lowest frame within an eighth before, and where half of the rise from it is done."""
    first = max(0, frame - eighth)
    first += int(np.argmin(h[first : frame + 1]))
    rise = h[first : frame + eighth // 2 + 1]
    half = (rise[0] + rise.max()) / 2
    i = int(np.argmax(rise >= half))
    return first + (i - (rise[i] - half) / (rise[i] - rise[i - 1]) if i else 0)


def offset_by_definition(h, frame, stop, eighth):
    """Find the first frame that is quiet or falls fast, and where half of that fall is done."""
    for end in range(frame + 1, stop):
        first = max(frame, end - eighth)
        if h[end] < 0.02 * h[frame : frame + eighth + 1].max() or h[end] < 0.25 * h[first]:
            fall = h[first : end + 1]
            i = max(1, int(np.argmax(fall <= fall[0] / 2)))
            share = (fall[i - 1] - fall[0] / 2) / max(fall[i - 1] - fall[i], 1e-6)
            return first - 1 + i + min(1, share) - 0.4 * eighth
    return stop


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("n_frames", [0, 1, 3, 400])
def test_all_notes_at_once_are_found_as_one_by_one(lasting, n_frames):
    """Notes begin, end, are struck again and ring to the end: by arrays, and by the definition."""
    rng, eighth = np.random.default_rng(n_frames), 4 if lasting else 2
    H = rng.gamma(0.5, 0.003, (n_frames, SETTINGS.n_notes)).astype(np.float32)
    for frame in np.flatnonzero(rng.random(n_frames) < 0.15):
        decay = np.exp(-np.arange(n_frames - frame) / rng.uniform(2, 40))
        decay[rng.integers(1, 60) :] *= 0.1
        H[frame:, rng.integers(SETTINGS.n_notes)] += rng.uniform(0.2, 1) * decay
    how = notes._BALANCED | ({"doubt": 0.25} if lasting else {})
    onsets, expected = notes._onsets(H, SETTINGS, 1.0, **how), []
    for note in range(SETTINGS.n_notes):
        h, frames = H[:, note], np.flatnonzero(onsets[:, note]).tolist()
        starts = [onset_by_definition(h, frame, eighth) for frame in frames]
        for i, frame in enumerate(frames):
            stop, latest = n_frames, np.inf
            if i + 1 < len(frames):
                stop, latest = frames[i + 1], starts[i + 1]
            stop = max(starts[i] + eighth // 2, offset_by_definition(h, frame, stop, eighth))
            strength = h[frame : frame + eighth + 1].max()
            if latest > starts[i]:
                expected.append((starts[i], min(stop, latest), SETTINGS.lowest + note, strength))
    found = notes._track(H, SETTINGS, 1.0, **how)
    assert len(found) > 20 or n_frames < 400
    assert found.dtype == np.float64
    assert found.shape == (len(expected), 4)
    np.testing.assert_allclose(found, np.array(sorted(expected)).reshape(-1, 4), atol=1e-4)


# Real music


def test_notes_of_a_piece_that_was_never_heard_are_found():
    names = ("joplin_the_entertainer", "satie_gymnopedie_1")
    paths = [DATA / "music" / f"{name}.mp3" for name in names]
    waveforms = [audio.load(path, sr=16_000, start=30.0, duration=45.0) for path in paths]
    dictionary = notes.learn_dictionary(waveforms)
    with open(DATA / "notes" / "joplin_solace.csv", encoding="utf-8", newline="") as file:
        rows = [(row["onset"], row["offset"], row["pitch"]) for row in csv.DictReader(file)]
    played = np.array(rows, float)
    played = played[(played[:, 0] < 59.5) & (played[:, 2] >= SETTINGS.lowest)]
    y = audio.load(DATA / "music" / "joplin_solace.mp3", sr=16_000, duration=60.0)
    assert onset_f(played, notes.encode(y, dictionary)) > 0.88


def real(name, duration=60.0, *, sr=16_000):
    """Load the beginning of a shipped piece, and the notes that were played in it."""
    with open(DATA / "notes" / f"{name}.csv", encoding="utf-8", newline="") as file:
        rows = [(row["onset"], row["offset"], row["pitch"]) for row in csv.DictReader(file)]
    played = np.array(rows, float)
    heard = (played[:, 0] < duration - 0.5) & (played[:, 2] >= SETTINGS.lowest)
    return audio.load(DATA / "music" / f"{name}.mp3", sr=sr, duration=duration), played[heard]


@pytest.fixture(scope="module")
def shipped():
    return synthesis.load(DATA / "models" / "notes_bank.npz")[0]


# Music of any kind


def test_what_lasts_stays_and_what_strikes_goes():
    V = np.zeros((60, 200), np.float32)
    V[:, 80] = 1  # a partial
    V[30] += 1  # a stroke
    lasting = notes.steady(V)
    np.testing.assert_allclose(np.delete(lasting[:, 80], 30), 1, atol=1e-4)
    assert np.delete(lasting[30], 80).max() < 1e-4


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (40, 60)])
def test_running_medians_are_scipys(shape):
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    expected = scipy.ndimage.median_filter(x, (1, 9))
    if shape[1] >= 4:  # scipy reflects at both ends more than once where a row is shorter
        np.testing.assert_array_equal(transforms.running_medians(x, 9, mode="symmetric"), expected)
    np.testing.assert_array_equal(transforms.running_medians(x, 1, mode="symmetric"), x)
    assert notes.steady(x).shape == shape


@pytest.mark.parametrize("db", [-62, -20, 0])
def test_level_gain_brings_what_sounds_to_one_level(db):
    y = 10 ** (db / 20) * np.random.default_rng(0).standard_normal(160_000).astype(np.float32)
    y[38_400:] = 0  # silence doesn't count
    y *= notes.level_gain(y, sr=16_000)
    assert audio.level_dbfs(y[:38_400]) == pytest.approx(-20, abs=0.2)


@pytest.mark.parametrize("n_samples", [1, 16_000])
def test_silence_is_not_amplified(n_samples):
    assert notes.level_gain(np.full(n_samples, 1e-7, np.float32), sr=16_000) == 1


@pytest.mark.parametrize("cents", [-40, -15, 0, 11, 30, 50])
def test_tuning_is_heard_and_undone(cents, shipped):
    y, played = real("joplin_solace", 40.0)
    out = audio.resample(y, sr_from=16_000, sr_to=round(16_000 / 2 ** (cents / 1200)))
    heard = notes.tuning(out, sr=16_000)
    assert heard == pytest.approx(cents, abs=3)
    moved = round(16_000 * 2 ** (heard / 1200))
    found = notes.encode(audio.resample(out, sr_from=16_000, sr_to=moved), shipped)
    assert onset_f(played, found) > 0.95


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(16_000, np.float32),
        np.float32(0.1) * np.random.default_rng(0).standard_normal(160_000).astype(np.float32),
        np.ones(1, np.float32),
    ],
)
def test_what_has_no_pitch_has_no_tuning(y):
    assert notes.tuning(y, sr=16_000) == 0


def test_music_that_is_explained_already_keeps_the_given_dictionary(shipped):
    assert notes.choose_dictionary(real("joplin_solace", 40.0)[0], shipped) is shipped


def test_other_instruments_get_a_dictionary_of_their_own(shipped):
    y, played = real("foster_jeanie")
    own = notes.choose_dictionary(y, shipped)
    assert own is not shipped
    f = [onset_f(played, notes.encode(y, one, lasting=True)) for one in (own, shipped)]
    assert f[0] > f[1] + 0.1
    assert f[0] > 0.59  # 0.57 where strokes and overtones count as much as notes
    assert notes.explained(y, own) > notes.explained(y, shipped)


@pytest.mark.parametrize(
    "y", [np.zeros(480_000, np.float32), np.ones(1, np.float32), song(accompanied(19.0), 19.0)]
)
def test_what_is_short_or_silent_keeps_the_given_dictionary(y, shipped):
    assert notes.choose_dictionary(y, shipped) is shipped


def test_notes_explain_notes_but_not_noise(learnt):
    tones = song(accompanied())
    noise = np.float32(0.02) * np.random.default_rng(0).standard_normal(len(tones))
    noise = noise.astype(np.float32)
    share = [notes.explained(y, learnt) for y in (tones, tones + noise, noise)]
    assert share[0] > 0.7 > share[1] > 2 * share[2]
    assert notes.explained(np.zeros(16_000, np.float32), learnt) == 0


def test_a_quick_line_alone_is_explained_as_well_as_a_slow_one(learnt):
    share = []
    for step in (0.18, 0.41):
        onset = np.arange(0.3, DURATION - 0.8, step)
        pitch = np.array([MELODY[5 * i % len(MELODY)][0] for i in range(len(onset))])
        played = np.stack([onset, onset + 0.9 * step, pitch, np.ones(len(onset))], axis=1)
        share.append(notes.explained(song(played), learnt))
    assert share[0] > 0.9 * share[1]


def test_notes_are_found_under_drums_where_only_what_lasts_counts(learnt):
    rng, played = np.random.default_rng(0), accompanied()
    y = song(played)
    for start in range(0, len(y) - 2000, 4800):
        stroke = rng.standard_normal(2000) * np.exp(-np.arange(2000) / 600)
        y[start : start + 2000] += np.float32(0.5) * stroke.astype(np.float32)
    f = [onset_f(played, notes.encode(y, learnt, lasting=x)) for x in (False, True)]
    assert f[1] > f[0] + 0.05
    assert f[1] > 0.85


def test_what_is_soon_over_or_has_no_octave_counts_less_where_only_what_lasts_counts(combs):
    fading = 0.9 ** np.arange(20, dtype=np.float32)
    marginal, octave = np.float32(0.15), 12
    H = np.zeros((60, combs.settings.n_notes), np.float32)
    H[:, :2] = 1  # what is loud is measured by them
    for note, shape, above in ((20, fading, 0.5), (22, fading[:2], 0.5), (24, fading, 0.0)):
        H[40 : 40 + len(shape), note] = marginal * shape
        H[40 : 40 + len(shape), note + octave] = above * marginal * shape
    H *= np.float32(combs.reference)

    def pitches(lasting):
        found = notes.find_notes(H, combs, lasting=lasting)
        return set(found[found[:, 0] > 1, 2] - combs.settings.lowest)

    assert pitches(lasting=True) == {20}  # a note; not a stroke, nor an overtone
    assert pitches(lasting=False) == set()  # too soft beside what is loud
    H[:, 2:] *= 1.2
    assert pitches(lasting=False) == {20, 22, 24}
    H[:, 2:8] = combs.reference
    assert pitches(lasting=False) == {20, 22, 24}
    assert pitches(lasting=True) == set()  # many that are as loud hide a note


def test_notes_are_found_where_there_is_no_octave_above():
    few = replace(SETTINGS, lowest=60, highest=69)
    combs = notes.Dictionary(few, notes.comb(few), 0.3, np.full(few.n_notes, 0.1))
    found = notes.encode(song(np.array([(0.5, 1.3, 64, 1.0)]), 2.0), combs, lasting=True)
    assert found[:, 2].tolist() == [64]


def test_notes_begin_and_end_as_played_where_only_what_lasts_counts(shipped):
    y, played = real("joplin_solace", 40.0)
    intervals, pitches = played[:, :2], rolls.frequency(played[:, 2])
    found = notes.encode(y, notes.choose_dictionary(y, shipped), lasting=True)
    pairs = mir_eval.transcription.match_notes(
        intervals, pitches, found[:, :2], rolls.frequency(found[:, 2]), offset_ratio=None
    )
    assert len(pairs) > 0.9 * len(intervals)
    wrong = [np.abs(intervals[i] - found[j, :2]) for i, j in pairs]
    assert np.median(wrong, axis=0) == pytest.approx([0, 0], abs=0.04)


@pytest.mark.parametrize("hop_length", [1000, 1002, 512])
def test_what_lasts_is_looked_at_twice_as_often(hop_length):
    settings = replace(SETTINGS, hop_length=hop_length, lowest=60, highest=69)
    combs = notes.Dictionary(settings, notes.comb(settings), 0.3, np.full(settings.n_notes, 0.1))
    y = song(np.array([(0.5, 1.3, 64, 1.0)]), 2.0)
    H = [notes.activations(y, combs, lasting=lasting) for lasting in (False, True)]
    assert len(H[1]) == pytest.approx(2 * len(H[0]), abs=2)
    found = notes.find_notes(H[1], combs, lasting=True)
    assert found[:, 2].tolist() == [64]
    assert found[0, :2] == pytest.approx([0.5, 1.3], abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_every_note_lasts_even_where_two_rises_are_one_stroke(seed, shipped):
    rng = np.random.default_rng(seed)
    H = (rng.random((400, shipped.settings.n_notes)) ** 3 * shipped.reference).astype(np.float32)
    found = notes.find_notes(H, shipped, lasting=True)
    assert len(found) > 100
    assert (found[:, 1] > found[:, 0]).all()
