"""Drums: found, told apart, learnt and taken out; music without them stays as it is."""

import shutil
import subprocess
from pathlib import Path

import mido
import mir_eval
import numpy as np
import pytest
import scipy.signal

from helpers import audio, beats, drums, events, midi, notes, rolls, synthesis

DATA = Path(__file__).parent.parent / "data"
FONTS = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
SR, DURATION = 16_000, 40


def load(name, start=5.0):
    """Load a part of a piece, -20 dBFS loud, and the notes that were played there."""
    path = next((DATA / "music").glob(f"{name}.*"))
    y = audio.load(path, sr=SR, start=start, duration=DURATION)
    y *= 10 ** ((-20 - audio.level_dbfs(y)) / 20)
    played = DATA / "notes" / f"{name}.csv"
    truth = (
        np.loadtxt(played, delimiter=",", skiprows=1, usecols=range(3)) if played.exists() else None
    )
    if truth is not None:
        truth[:, :2] -= start
        truth = truth[(truth[:, 0] >= 0) & (truth[:, 0] < DURATION)]
    return y, truth


def groove(rng, *, human=0.0, ghosts=0.0):
    """Strike a kit at 100 beats a minute: (n_hits, 3), onset in s, kind, velocity."""
    hits = []
    for beat in np.arange(0.3, DURATION - 2.4, 2.4):
        hits += [(beat + 0.3 * i, 2, 90 - 25 * (i % 2)) for i in range(8)]
        hits += [(beat, 0, 110), (beat + 0.9, 0, 90), (beat + 1.2, 0, 105)]
        hits += [(beat + 0.6, 1, 105), (beat + 1.8, 1, 110)]
        hits += [(beat + 0.45 + 0.3 * i, 1, 35) for i in range(6) if rng.random() < ghosts]
    hits = np.array(sorted(hits))
    hits[:, 0] += rng.normal(0, human, len(hits))
    hits[:, 2] += rng.normal(0, 5, len(hits))
    return hits


def synthetic(rng, kind):
    """Make a kick (a falling sine), a snare (noise and a tone), a hat (noise) or all in one."""
    t, noise = np.arange(6400) / SR, rng.standard_normal(6400)
    kick = np.sin(2 * np.pi * (50 * t - 3 * np.exp(-t / 0.03))) * np.exp(-t / 0.1)
    if kind == 0:
        return kick
    if kind == 1:
        band = scipy.signal.butter(2, (900, 6500), "band", fs=SR, output="sos")
        tone = 0.4 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.05)
        return 0.9 * scipy.signal.sosfilt(band, noise) * np.exp(-t / 0.07) + tone
    if kind == 2:
        high = scipy.signal.butter(4, 6000, "high", fs=SR, output="sos")
        return 0.6 * scipy.signal.sosfilt(high, noise) * np.exp(-t / 0.025)
    return kick + 0.8 * noise * np.exp(-t / 0.06)


def strike(hits, seed=0):
    """Play hits on the synthetic kit."""
    rng = np.random.default_rng(seed)
    kit = [synthetic(rng, kind) for kind in range(4)]
    y = np.zeros((DURATION + 1) * SR)
    for onset, kind, velocity in hits:
        y[round(onset * SR) :][:6400] += kit[int(kind)] * velocity / 100
    return y[: DURATION * SR]


def mix(y, struck, level_db=0.0):
    """Add drums that are as loud as the notes, or by so many dB louder."""
    size = np.sqrt(np.mean(y**2) / np.mean(struck**2)) * 10 ** (level_db / 20)
    both = y + size * struck
    both *= min(0.1 / np.sqrt(np.mean(both**2)), 1 / np.abs(both).max())
    return both.astype(np.float32)


def notes_f(found, truth):
    """Compare pitches and onsets: the F-measure at 50 ms."""
    found, pitches = rolls.keys_of(found), (truth[:, 2], rolls.keys_of(found)[:, 2])
    wanted, got = map(rolls.frequency, pitches)
    return mir_eval.transcription.precision_recall_f1_overlap(
        truth[:, :2], wanted, found[:, :2], got, offset_ratio=None
    )[2]


def hear(y, dictionary):
    """Find notes as `library.prepare` does, once drums are out."""
    return notes.encode(y, notes.choose_dictionary(y, dictionary), lasting=True)


def onset_f(found, truth):
    """Compare onsets of drums; what is hit within 30 ms is one."""
    found, truth = (
        np.sort(one)[np.diff(np.sort(one), prepend=-1) > 0.03] for one in (found, truth)
    )
    return mir_eval.onset.f_measure(truth, found)[0]


def kinds_f(hits, truth):
    """Give the F-measure of each kind."""
    return [
        onset_f(hits[hits[:, 2] == rolls.FIRST_DRUM + kind, 0], truth[truth[:, 1] == kind, 0])
        for kind in range(3)
    ]


@pytest.fixture(scope="module")
def dictionary():
    return synthesis.load(DATA / "models" / "notes_bank.npz")[0]


@pytest.fixture(scope="module")
def band():
    """A piece with a synthetic kit: the mixture, its notes, its hits, and what is found."""
    y, truth = load("joplin_solace")
    struck = groove(np.random.default_rng(0), ghosts=0.2)
    mixed = mix(y, strike(struck))
    return mixed, truth, struck, drums.separate(mixed, sr=SR)


def test_drums_are_found_and_told_apart(band):
    _, _, struck, (_, hits, _) = band
    rolls.valid_notes(hits, n_drums=len(drums.NAMES))
    assert (np.diff(hits[:, 0]) >= 0).all()
    assert min(kinds_f(hits, struck)) > 0.97  # of the snare, soft strokes beside loud ones, too
    assert onset_f(hits[:, 0], struck[:, 0]) > 0.97


def test_notes_are_found_beside_drums(band, dictionary):
    mixed, truth, _, (rest, _, _) = band
    assert rest.dtype == np.float32
    assert rest.shape == mixed.shape
    assert notes_f(notes.encode(mixed, dictionary), truth) < 0.7
    before, after = (notes_f(hear(one, dictionary), truth) for one in (mixed, rest))
    assert after > max(0.93, before + 0.05)


def test_loud_hits_have_higher_levels(band):
    _, _, struck, (_, hits, _) = band
    snares = hits[hits[:, 2] == rolls.FIRST_DRUM + 1]
    real = struck[struck[:, 1] == 1]
    velocity = real[np.abs(snares[:, :1] - real[:, 0]).argmin(axis=1), 2]
    assert np.mean(snares[:, 3] ** 2) == pytest.approx(1)
    assert snares[velocity < 60, 3].max() < snares[velocity > 60, 3].min()


def test_the_kit_sounds_as_loud_as_the_drums(band):
    mixed, _, _, (_, hits, kit) = band
    assert kit.dtype == np.float32
    assert kit.shape == (len(drums.NAMES), 4800)
    assert not kit[3].any()
    played = np.zeros(len(mixed) + kit.shape[1])
    for onset, _, pitch, level in hits:
        played[round(onset * SR) :][: kit.shape[1]] += level * kit[int(pitch) - rolls.FIRST_DRUM]
    share = np.sqrt(0.5) * np.sqrt(np.mean(mixed**2))  # the drums were as loud as the notes
    assert abs(20 * np.log10(np.sqrt(np.mean(played**2)) / share)) < 3


def test_to_listen_drums_are_taken_out_thoroughly(band):
    mixed, _, _, (rest, hits, kit) = band
    cleaner, *same = drums.separate(mixed, sr=SR, thoroughly=True)
    for one, other in zip(same, (hits, kit), strict=True):
        np.testing.assert_array_equal(one, other)
    y, _ = load("joplin_solace")
    far = [np.linalg.norm(y / np.linalg.norm(y) - x / np.linalg.norm(x)) for x in (rest, cleaner)]
    assert far[1] < 0.7 * far[0]


@pytest.mark.parametrize(
    "name",
    ["joplin_solace", "debussy_clair_de_lune", "joplin_elite_syncopations_salamander",
     "foster_jeanie", "sectoid_feelings", "johnson_lift_every_voice"],
)  # fmt: skip
def test_music_without_drums_stays_as_it_is(name):
    y, _ = load(name, start=2.0)
    rest, hits, kit = drums.separate(y, sr=SR)
    assert rest is y
    assert hits.shape == (0, 4)
    assert not kit.any()


@pytest.mark.parametrize(("name", "kinds"), [("macleod_vibe_ace", {0, 2}),
                                             ("sectoid_war_of_freedom", {0, 2})])  # fmt: skip
def test_a_band_has_drums(name, kinds):
    y, _ = load(name)
    _, hits, kit = drums.separate(y, sr=SR)
    assert kinds <= set(hits[:, 2].astype(int) - rolls.FIRST_DRUM)
    assert kit[sorted(kinds)].any(axis=1).all()


def test_a_drum_of_no_certain_kind_has_a_row_of_its_own():
    y, _ = load("joplin_solace")
    rng = np.random.default_rng(1)
    onset = np.arange(0.4, DURATION - 1, 0.61)
    struck = np.stack([onset, np.full(len(onset), 3), rng.uniform(70, 120, len(onset))], axis=1)
    _, hits, kit = drums.separate(mix(y, strike(struck)), sr=SR)
    assert set(hits[:, 2]) == {rolls.FIRST_DRUM + drums.NAMES.index("drum")}
    assert onset_f(hits[:, 0], onset) > 0.97
    assert kit.any(axis=1).tolist() == [False, False, False, True]


def test_long_music_is_taken_in_parts(band, monkeypatch):
    mixed, _, struck, _ = band
    monkeypatch.setattr(drums, "_PART", 15.0)
    rest, hits, _ = drums.separate(mixed, sr=SR)
    assert rest.shape == mixed.shape
    assert min(kinds_f(hits, struck)) > 0.85


def test_another_sampling_rate_will_do(band):
    mixed, _, struck, _ = band
    y = audio.resample(mixed, sr_from=SR, sr_to=22_050)
    rest, hits, _ = drums.separate(y, sr=22_050)
    assert rest.shape == y.shape
    assert min(kinds_f(hits, struck)) > 0.85


@pytest.mark.parametrize("y", [np.zeros(SR * 5, np.float32), np.full(100, 0.1, np.float32)])
def test_silence_and_a_moment_have_no_drums(y):
    rest, hits, _ = drums.separate(y, sr=SR)
    assert rest is y
    assert not len(hits)


def test_a_low_sampling_rate_is_refused():
    with pytest.raises(ValueError, match="at least 16000 Hz to hear hats, got 8000"):
        drums.separate(np.zeros(8000, np.float32), sr=8000)


def test_drums_travel_with_the_notes(band, dictionary, tmp_path):
    """Found notes and hits -> score -> words -> found again; MIDI; sound."""
    _, _, _, (rest, hits, kit) = band
    found = np.concatenate([notes.encode(rest, dictionary), hits])
    found = found[np.argsort(found[:, 0], kind="stable")]
    times = beats.track(found)
    score, late = events.write(found, times)
    words = events.words(score)[1:-1]
    struck = words[:, events.ROW] >= events.N_KEYS
    assert struck.sum() == pytest.approx(len(hits), abs=3)  # two within a tick are one
    again = events.play(score, times, late=late)
    assert (np.abs(again[again[:, 2] >= rolls.FIRST_DRUM][:, None, 0] - hits[:, 0]).min(axis=0)
            < 0.05).mean() > 0.98  # fmt: skip
    back = midi.load(midi.save(tmp_path / "band.mid", again))
    assert np.count_nonzero(back[:, 2] >= rolls.FIRST_DRUM) == struck.sum()
    assert set(back[:, 2]) == set(again[:, 2])
    _, bank = synthesis.load(DATA / "models" / "notes_bank.npz")
    bank = synthesis.replace(bank, drums=kit)
    y = synthesis.play(again, bank)
    _, heard, _ = drums.separate(y, sr=SR)
    assert min(kinds_f(heard, np.stack([hits[:, 0], hits[:, 2] - rolls.FIRST_DRUM], 1))) > 0.8


@pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not any(font.exists() for font in FONTS),
    reason="needs fluidsynth and a General MIDI sound font",
)
@pytest.mark.parametrize(("name", "program"), [("joplin_solace", 0), ("beethoven_fuer_elise", 8)])
def test_a_sampled_kit_with_ghosts_is_found(name, program, dictionary, tmp_path):
    y, truth = load(name)
    struck = groove(np.random.default_rng(2), human=0.008, ghosts=0.3)
    file, track = mido.MidiFile(ticks_per_beat=960), mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.Message("program_change", channel=9, program=program))
    now = 0
    for onset, kind, velocity in struck[np.argsort(struck[:, 0])]:
        wait, now = round(onset * 1920) - now, round(onset * 1920)
        key = midi.DRUMS[int(kind)]
        track.append(
            mido.Message("note_on", channel=9, note=key, velocity=int(velocity), time=wait)
        )
    file.save(tmp_path / "kit.mid")
    font = next(font for font in FONTS if font.exists())
    command = ["fluidsynth", "-ni", "-g", "0.6", "-F", tmp_path / "kit.wav", font]
    subprocess.run([*command, tmp_path / "kit.mid"], check=True, capture_output=True)
    kit = audio.load(tmp_path / "kit.wav", sr=SR)
    kit = np.pad(kit, (0, max(0, len(y) - len(kit))))[: len(y)]
    mixed = mix(y, kit)
    rest, hits, _ = drums.separate(mixed, sr=SR)
    assert onset_f(hits[:, 0], struck[:, 0]) > 0.72
    before, after = (notes_f(hear(one, dictionary), truth) for one in (mixed, rest))
    assert after > max(0.84, before + 0.02)
