"""Judge composed music beside real music, its floors and its opponents: the notes of `make bench`.

Eighteen clips of 30 s lie in held-out pieces. After the 10 s before each, every composer goes on
for 30 s, with several seeds, and each of its clips is paired with what really follows there. All
are heard by the same transcriber: real clips are transcribed, everything else is played by the
synthesis first. What a number is worth, three floors say: the real clip played and transcribed
again (codec), another place of the same piece, and music whose every measure is the real mean.

`python -m benchmarks.judge` judges the shipped network on the validation pieces, and `python -m
benchmarks.judge 'outputs/bench/seed{}/notes_lstm.npz'` a training for each seed there. `--on test`
takes the test pieces, and `--on recorded` the same as another, recorded piano plays them, heard as
notebook 09 hears any music.
"""

import argparse
import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.stats
from tqdm import tqdm

from benchmarks import learnt_judge, measures, opponents, targets
from benchmarks.opponents import Composer, Place
from benchmarks.targets import at_least, at_most, within
from helpers import (
    audio,
    datasets,
    frame_model,
    library,
    note_metrics,
    note_model,
    notes,
    rolls,
    sound_metrics,
    synthesis,
    transforms,
)

FOLDER = Path("outputs/bench")
MUSIC, INSTRUMENT = "data/music", "piano"
ANOTHER = "recorded piano"  # plays the test pieces, too
SECONDS, SEED_SECONDS, LONG_SECONDS = measures.SECONDS, opponents.SEED_SECONDS, 120
N_CLIPS, N_QUICK_CLIPS = 18, 6
SETTINGS = rolls.NoteSettings()
RATE = SETTINGS.frame_rate
WAVES = ("real", "codec", "ours", "plain", "markov", "shuffle", "original")  # to listen to
FROM_THE_PIECE = ("shuffle", "shuffled bars", "reversed")  # they don't compose, they have the piece
TARGETS = {
    "distance, beyond another place's": at_most(0.1, 0.0),
    "variance over clips, share of real's (median)": within((0.7, 1.4), (0.85, 1.15)),
    "variance over clips, the least of a measure": at_least(0.7, 0.85),
    "variance over clips, the most of a measure": at_most(1.4, 1.15),
    "6 and more onsets (%)": at_most(0.3, 0.12),
    "unplayable (%)": at_most(0.3, 0.06),
    "gaps, share of the codec's": within((0.63, 1.4), (0.84, 1.19)),
    "dissonance, beyond the codec's": at_most(0.03, 0.01),
    "key clarity, beyond the codec's": at_least(-0.04, -0.01),
    "rhythm, share of the codec's": within((0.84, 1.22), (0.93, 1.07)),
    "looping, share of the codec's": at_most(1.17, 1.05),
    "copying p95, share of an unseen piece's": at_most(1.0, 0.9),
    "learnt judge, ours from the codec (AUC)": at_most(0.85, 0.7),
    "learnt judge, Markov from the codec (AUC)": at_least(0.98, 0.98),
    "learnt judge, shuffled from the codec (AUC)": at_least(0.95, 0.95),
    "120 s after a seed, less than held-out music": at_least(-0.05, 0.0),
    "120 s from nothing, less than held-out music": at_least(-0.05, 0.0),
    "FDm of the codec": at_most(9, 6),
    "FDm of ours": at_most(18, 12),
    "FDm of ours, share of Markov's": at_most(0.6, 0.4),
    "drift over 60 s (dB)": at_most(1.5, 1),
    "silent frames in 60 s (share)": at_most(0.05, 0.02),
}


@dataclass(frozen=True, eq=False)
class Heard:
    """Hold a clip: its sound, and the notes that the transcriber hears in it."""

    y: np.ndarray  # float32, (n_samples,)
    found: np.ndarray  # float64, (n_found, 4)

    @property
    def roll(self) -> np.ndarray:
        """Give the notes as a roll, exactly as long as the sound."""
        n_frames = round(len(self.y) / SETTINGS.hop_length)
        begun = self.found[self.found[:, 0] * RATE < n_frames - 0.5]
        return rolls.from_notes(begun, SETTINGS, n_frames=n_frames)


class Transcriber:
    """Hear with a dictionary, and play with a bank: both learnt from the training pieces."""

    def __init__(self, dictionary: notes.Dictionary, bank: synthesis.NoteBank) -> None:
        self.dictionary, self.bank = dictionary, bank

    def hear(self, y: np.ndarray) -> Heard:
        """Transcribe a recording."""
        return Heard(y, notes.encode(y, self.dictionary))

    def play(self, found: np.ndarray, seconds: float) -> Heard:
        """Play notes, and transcribe what is heard."""
        n_samples = round(seconds * SETTINGS.sr)
        n_frames = n_samples // SETTINGS.hop_length
        found = found[found[:, 0] * RATE < n_frames - 0.5]
        return self.hear(synthesis.play(found, self.bank, n_samples=n_samples))

    def excerpt(self, piece: Heard, start: float) -> Heard:
        """Hear a clip of a piece, and nothing else of it."""
        return self.hear(cut(piece.y, start))


class OfAnyMusic(Transcriber):
    """Hear as notebook 09 hears music whose instrument nobody told it."""

    def hear(self, y: np.ndarray) -> Heard:
        """Transcribe a recording, with a dictionary of its own where that explains it better."""
        return Heard(y, rolls.keys_of(library.hear(y, self.dictionary)[1]))

    def excerpt(self, piece: Heard, start: float) -> Heard:
        """Take a clip out of what was heard in the piece: a dictionary needs all of it."""
        return Heard(cut(piece.y, start), opponents.part(piece.found, start, start + SECONDS))


# Clips


def run(
    train: dict[str, np.ndarray],
    held_out: dict[str, np.ndarray],
    transcriber: Transcriber,
    composers: Callable[[int, list[np.ndarray]], dict[str, Composer]],
    *,
    seeds: tuple[int, ...] = (0, 1, 2),
    n_clips: int = N_CLIPS,
    listener: Transcriber | None = None,
) -> dict:
    """Let composers go on after clips of held-out pieces, and judge all of them.

    `train` and `held_out` are waveforms; `composers(seed, train)` names the composers of a seed,
    "ours" among them; `train` are then the notes of the training pieces. All but these are heard by
    the `listener`, if there is one.
    """
    known = {name: transcriber.hear(y) for name, y in train.items()}
    transcriber = listener or transcriber
    unseen = {name: transcriber.hear(y) for name, y in held_out.items()}
    places = spread(unseen, n_clips)
    clips = {"real": [[transcriber.excerpt(unseen[p.piece], p.start) for p in places]]}
    clips["codec"] = [[transcriber.play(clip.found, SECONDS) for clip in clips["real"][0]]]
    train_notes = [heard.found for heard in known.values()]
    silent = np.zeros(round(SECONDS * SETTINGS.sr), np.float32)
    long = {"after a seed": [], "from nothing": []}
    counting, as_written = opponents.all_of(train_notes, SETTINGS), []
    for seed in tqdm(seeds, desc="composing", unit="seed"):
        named = counting | composers(seed, train_notes)
        for whose, compose in named.items():
            written = [
                compose(place, np.random.default_rng([seed, i]), SECONDS)
                for i, place in enumerate(places)
            ]
            clips.setdefault(whose, []).append([transcriber.play(w, SECONDS) for w in written])
            if whose == "ours":  # for what the transcriber would hide
                as_written.append([Heard(silent, some).roll for some in written])
        long_places = {
            "after a seed": list({place.piece: place for place in places[::-1]}.values()),
            "from nothing": [Place("", 0.0, np.zeros((0, 4)))] * 3,
        }
        for how, some in long_places.items():
            rngs = [np.random.default_rng([seed, i, 1]) for i in range(len(some))]
            found = [
                named["ours"](place, rng, LONG_SECONDS)
                for place, rng in zip(some, rngs, strict=True)
            ]
            long[how].append([transcriber.play(one, LONG_SECONDS) for one in found])
    write_clips(clips, places, held_out)
    report = {"seeds": list(seeds), "clips": [[place.piece, place.start] for place in places]}
    report |= numbers(clips, places, [heard.roll for heard in known.values()])
    report["two minutes"] = two_minutes(long, list(known.values()), list(unseen.values()))
    report["as written"] = [measures.measure(some) for some in as_written]
    parts = [opponents.part(played(p.piece), p.start, p.start + SECONDS) for p in places]
    report["as played"] = measures.measure([Heard(silent, some).roll for some in parts])
    report["variances elsewhere"] = variances_elsewhere(unseen, places)
    report["measured"] = measured(report)
    report["compared"] = targets.compare(report["measured"], TARGETS)
    return report


def load(split: str, *, instrument: str = INSTRUMENT) -> dict[str, np.ndarray]:
    """Return the waveforms of a split's pieces for an instrument."""
    tracks = datasets.select(datasets.find_tracks(MUSIC), split=split, instrument=instrument)
    return datasets.load_waveforms(tracks, sr=SETTINGS.sr)


def played(name: str) -> np.ndarray:
    """Return the notes that were played in a rendered piece: onset, offset, pitch, and a level."""
    with open(f"data/notes/{name}.csv", encoding="utf-8", newline="") as file:
        rows = [
            [float(row["onset"]), float(row["offset"]), float(row["pitch"]), 1.0]
            for row in csv.DictReader(file)
        ]
    return np.array([row for row in rows if SETTINGS.lowest <= row[2] <= SETTINGS.highest])


def spread(pieces: dict[str, Heard], n_clips: int = N_CLIPS) -> list[Place]:
    """Choose where clips begin: as many in each piece as it has room for, beside each other."""
    last = {name: len(one.y) / SETTINGS.sr - SECONDS - 1 for name, one in pieces.items()}
    room = {name: int((end - SEED_SECONDS) // SECONDS) + 1 for name, end in last.items()}
    room = {name: n for name, n in room.items() if n > 0}
    if not room:
        raise ValueError(
            f"clips need a piece of {SEED_SECONDS + SECONDS + 1} s or more: choose longer music"
        )
    n_each = dict.fromkeys(room, 0)
    for _ in range(min(n_clips, sum(room.values()))):  # to the piece with the fewest so far
        n_each[min(room, key=lambda name: (n_each[name] >= room[name], n_each[name]))] += 1
    return [
        Place(name, float(start), pieces[name].found)
        for name, n in n_each.items()
        for start in np.floor(np.linspace(SEED_SECONDS, last[name], n))
    ]


def cut(y: np.ndarray, start: float, seconds: float = SECONDS) -> np.ndarray:
    """Return a part of a waveform, exactly so long."""
    first = round(start * SETTINGS.sr)
    return y[first : first + round(seconds * SETTINGS.sr)]


def original_goes_on(y: np.ndarray, n_samples: int) -> np.ndarray:
    """Let the original's network, as notebook 05 trained it, continue a waveform."""
    weights, settings, standardiser = frame_model.load("data/models/original_lstm.npz")
    blocks = transforms.split_blocks(y, settings.block_length)
    frames = standardiser.apply(transforms.spectra_to_features(transforms.rfft_blocks(blocks)))
    n_blocks = -(-n_samples // settings.block_length)
    _, generated = frame_model.compose(frame_model.stepper(weights), frames, n_blocks)
    spectra = transforms.features_to_spectra(standardiser.invert(generated))
    new = transforms.irfft_blocks(spectra, block_length=settings.block_length)
    return np.clip(transforms.join_blocks(new, n_samples), -1, 1)


def write_clips(clips: dict, places: list[Place], held_out: dict[str, np.ndarray]) -> None:
    """Write the clips of the first seed as WAV, and how the original's network goes on."""
    sounds = {w: [clip.y for clip in clips[w][0]] for w in WAVES if w in clips}
    before = [cut(held_out[p.piece], p.start - SEED_SECONDS, SEED_SECONDS) for p in places]
    sounds["original"] = [original_goes_on(y, SECONDS * SETTINGS.sr) for y in before]
    for whose, some in sounds.items():
        (FOLDER / whose).mkdir(parents=True, exist_ok=True)
        for old in (FOLDER / whose).glob("*.wav"):  # of a run on other pieces
            old.unlink()
        for i, (y, place) in enumerate(zip(some, places, strict=True)):
            path = FOLDER / whose / f"{i + 1:02d}_{place.piece}.wav"
            audio.save(path, np.clip(y, -1, 1), sr=SETTINGS.sr)


# Numbers


def numbers(clips: dict, places: list[Place], train: list[np.ndarray]) -> dict:
    """Measure the clips of everyone: {whose: [clips of a seed]}."""
    played = {w: [[clip.roll for clip in one] for one in runs] for w, runs in clips.items()}
    result: dict = {
        "measures": {
            whose: [measures.measure(some) for some in runs]
            for whose, runs in tqdm(played.items(), desc="measuring")
        }
    }
    (real,), (codec,) = (result["measures"][whose] for whose in ("real", "codec"))
    result["distance"] = {
        whose: [measures.distance(one, real).tolist() for one in runs]
        for whose, runs in result["measures"].items()
    } | measures.floors(real, codec, places)
    result["copied"] = {
        whose: [measures.copied(some, train) for some in runs]
        for whose, runs in tqdm(played.items(), desc="looking for copies")
        if whose not in (*FROM_THE_PIECE, "markov")
    }
    found = {w: [[clip.found for clip in one] for one in runs] for w, runs in clips.items()}
    pieces = [place.piece for place in places]
    result["learnt judge"] = learnt_judge.judge_all(found, pieces)
    result["tests"] = measures.compare_paired(result["distance"], pieces)
    sounds = {
        w: [[clip.y for clip in one] for one in clips[w]] for w in ("codec", "ours", "markov")
    }
    real_sounds = [clip.y for clip in clips["real"][0]]
    result["FDm"] = {
        whose: [
            sound_metrics.mfcc_frechet_distance(some, real_sounds, sr=SETTINGS.sr) for some in runs
        ]
        for whose, runs in sounds.items()
    }
    return result


def variances_elsewhere(
    pieces: dict[str, Heard], places: list[Place], n_draws: int = 100
) -> list[list[float]]:
    """Give the variances of real music at other places of the same pieces, drawn at random."""
    heard, n_frames = {name: one.roll for name, one in pieces.items()}, round(SECONDS * RATE)
    rng = np.random.default_rng(0)

    def measured_at(starts: list[int]) -> dict[str, list[float]]:
        at = zip(places, starts, strict=True)
        return measures.measure([rolls.cut(heard[p.piece], k, k + n_frames) for p, k in at])

    here = measured_at([round(place.start * RATE) for place in places])
    last = [len(heard[place.piece]) - n_frames for place in places]
    draws = [rng.integers(0, last, endpoint=True).tolist() for _ in range(n_draws)]
    return [measures.variances(measured_at(starts), here) for starts in draws]


# Two minutes


def in_windows(heard: Heard, seconds: float = 10.0) -> np.ndarray:
    """Measure windows: polyphony, onset rate, level in dB; (n_windows, 3)."""
    roll, n_frames = heard.roll, round(seconds * RATE)
    n_windows = len(roll) // n_frames
    parts = [rolls.cut(roll, k * n_frames, (k + 1) * n_frames) for k in range(n_windows)]
    _, level = sound_metrics.level_curve_db(heard.y, sr=SETTINGS.sr, window_s=seconds)
    rate = [note_metrics.onset_rate(part, frame_rate=RATE) for part in parts]
    return np.stack([[note_metrics.polyphony(p) for p in parts], rate, level[:n_windows]], axis=1)


def level_drift_db(y: np.ndarray, *, sr: int) -> float:
    """Say by how many dB a sound swells or fades from its beginning to its end.

    The median slope of its level (Sen, 1968), which a few silent seconds don't move, times its
    duration.
    """
    t, level_db = sound_metrics.level_curve_db(y, sr=sr, window_s=1.0)
    return float(scipy.stats.theilslopes(level_db, t).slope * len(y) / sr)


def two_minutes(long: dict, train: list[Heard], held_out: list[Heard]) -> dict:
    """Say in which share of its windows music stays in the range of the training music."""
    low, high = np.percentile(np.concatenate([in_windows(heard) for heard in train]), (5, 95), 0)

    def inside(some: list[Heard]) -> list[float]:
        windows = np.concatenate([in_windows(heard) for heard in some])
        return np.mean((windows >= low) & (windows <= high), axis=0).tolist()

    what = ("polyphony", "onset rate", "level")
    result: dict = {"range": dict(zip(what, np.stack([low, high], 1).tolist(), strict=True))}
    result["held out"] = dict(zip(what, inside(held_out), strict=True))
    for how, runs in long.items():
        result[how] = [dict(zip(what, inside(some), strict=True)) for some in runs]
    minute = [
        [Heard(h.y[: 60 * SETTINGS.sr], h.found[h.found[:, 0] < 59.9]) for h in some]
        for some in long["after a seed"]
    ]
    result["drift (dB)"] = [
        [level_drift_db(heard.y, sr=SETTINGS.sr) for heard in some] for some in minute
    ]
    result["silent frames"] = [
        [float(np.mean(~(heard.roll != rolls.OFF).any(axis=1))) for heard in some]
        for some in minute
    ]
    return result


# The report


def measured(report: dict) -> dict[str, list[float]]:
    """Collect the numbers that have targets: one for each seed."""
    ours, real = report["measures"]["ours"], report["measures"]["real"][0]
    codec = report["measures"]["codec"][0]  # real music, played and heard again as ours is
    elsewhere = np.array(report["distance"]["another place"][0])
    there = np.isfinite(elsewhere)  # a piece may have room for one clip only
    away = np.mean(np.array(report["distance"]["ours"])[:, there], axis=1)
    away = away - elsewhere[there].mean() if there.any() else away
    shares = np.array([measures.variances(one, real) for one in ours])
    p95 = {w: [np.percentile(one, 95) for one in report["copied"][w]] for w in ("codec", "ours")}
    rows = {
        "distance, beyond another place's": away,
        "variance over clips, share of real's (median)": np.median(shares, axis=1),
        "variance over clips, the least of a measure": shares.min(axis=1),
        "variance over clips, the most of a measure": shares.max(axis=1),
    }
    for what in measures.FAULTS:
        rows[what] = np.array([np.mean(one[what]) for one in report["as written"]])
    names = {"gaps": "gaps a minute"}  # targets are relative: pieces differ from split to split
    for what in ("gaps", "rhythm", "looping"):
        name = names.get(what, what)
        share = [np.mean(one[name]) / np.mean(codec[name]) for one in ours]
        rows[f"{what}, share of the codec's"] = np.array(share)
    for what in ("dissonance", "key clarity"):
        more = [np.mean(one[what]) - np.mean(codec[what]) for one in ours]
        rows[f"{what}, beyond the codec's"] = np.array(more)
    rows["copying p95, share of an unseen piece's"] = np.divide(p95["ours"], p95["codec"])
    for whose, name in {"ours": "ours", "markov": "Markov", "shuffle": "shuffled"}.items():
        by_seed = report["learnt judge"][whose]
        aucs = [np.mean(list(one.values())) for one in by_seed]
        rows[f"learnt judge, {name} from the codec (AUC)"] = np.array(aucs)
    two = report["two minutes"]
    for how in ("after a seed", "from nothing"):
        short = [min(one[w] - two["held out"][w] for w in one) for one in two[how]]
        rows[f"120 s {how}, less than held-out music"] = np.array(short)
    rows["FDm of the codec"] = np.array(report["FDm"]["codec"])
    rows["FDm of ours"] = np.array(report["FDm"]["ours"])
    rows["FDm of ours, share of Markov's"] = np.divide(
        report["FDm"]["ours"], report["FDm"]["markov"]
    )
    rows["drift over 60 s (dB)"] = np.array([np.mean(np.abs(one)) for one in two["drift (dB)"]])
    rows["silent frames in 60 s (share)"] = np.array([np.mean(o) for o in two["silent frames"]])
    return {what: values.tolist() for what, values in rows.items()}


def print_report(report: dict) -> None:
    """Print the tables: means over clips and seeds, the distance with its range over seeds."""
    print(f"\nMusic, {len(report['clips'])} clips, {len(report['seeds'])} seeds:")
    names = (*measures.MEASURES, *measures.FAULTS)
    print(
        f"{'':15}{'distance':>17}" + "".join(f"{what[:11]:>12}" for what in names) + f"{'AUC':>8}"
    )
    for whose, runs in report["measures"].items():
        far = np.mean(report["distance"][whose], axis=1)
        far = f"{far.mean():.2f} ({far.min():.2f}-{far.max():.2f})"
        means = [np.mean([one[what] for one in runs]) for what in names]
        by_seed = report["learnt judge"].get(whose, [])
        aucs = [value for one in by_seed for value in one.values()]
        auc = f"{np.mean(aucs):8.3f}" if aucs else ""
        print(f"{whose:15}{far:>17}" + "".join(f"{mean:12.3f}" for mean in means) + auc)
    print("Floors of the distance:")
    for whose in ("codec", *measures.FLOORS):
        print(f"  {whose:32}{np.nanmean(report['distance'][whose]):6.2f}")
    print("Variance over clips, share of real's:")
    real = report["measures"]["real"][0]
    for whose, runs in report["measures"].items():
        shares = np.mean([measures.variances(one, real) for one in runs], axis=0)
        print(
            f"  {whose:15}"
            + " ".join(f"{w} {s:.2f}" for w, s in zip(measures.MEASURES, shares, strict=True))
        )
    elsewhere = np.array(report["variances elsewhere"])
    print(f"  real at other places of its pieces, {len(elsewhere)} draws (5th to 95th percentile):")
    for what, f in {"median": np.median, "least": np.min, "most": np.max}.items():
        mean, low, high = f(elsewhere, axis=1).mean(), *np.percentile(f(elsewhere, axis=1), (5, 95))
        print(f"    {what:13}{mean:.2f} ({low:.2f}-{high:.2f})")
    for what in measures.FAULTS:
        written = np.mean([one[what] for one in report["as written"]])
        real_share = np.mean(report["as played"][what])
        print(f"{what}: ours as written {written:.3f}, real as played {real_share:.3f}")
    print(
        "Copying p95: "
        + ", ".join(
            f"{w} {np.mean([np.percentile(one, 95) for one in runs]):.3f}"
            for w, runs in report["copied"].items()
        )
    )
    print("Ours nearer to real music than (paired difference, 95 % by piece, p after Holm):")
    for row in report["tests"]:
        low, high = row["interval"]
        print(
            f"  {row['opponent']:32}{row['difference']:+7.2f}  [{low:+.2f}, {high:+.2f}]"
            f"  p {row['p, Holm']:.3f}"
        )
    two = report["two minutes"]
    print("Share of 10 s windows inside the training music's 5th to 95th percentile:")
    print("  held out      " + str({w: round(v, 2) for w, v in two["held out"].items()}))
    for how in ("after a seed", "from nothing"):
        mean = {w: round(float(np.mean([one[w] for one in two[how]])), 2) for w in two["held out"]}
        print(f"  {how:14}{mean}")


def trained(path: str) -> Callable[[int, list[np.ndarray]], dict[str, Composer]]:
    """Make the composers that `run` asks for: the network in a file, {} its seed, and `lesser`."""

    def composers(seed: int, train: list[np.ndarray]) -> dict[str, Composer]:
        return {"ours": opponents.network(*note_model.load(path.format(seed)))} | lesser()

    return composers


def lesser() -> dict[str, Composer]:
    """Name the networks of the ablation, trained once: without recall, and without an LSTM."""
    names = {"plain": "notes_plain.npz", "no LSTM": "notes_no_lstm.npz"}
    return {
        whose: opponents.network(*note_model.load(f"data/models/{name}"))
        for whose, name in names.items()
    }


def main(arguments: list[str] | None = None) -> None:
    """Judge, print the tables, and write all numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", default="data/models/notes_lstm.npz")
    parser.add_argument("--on", choices=("validation", "test", "recorded"), default="validation")
    options = parser.parse_args(arguments)
    learnt = synthesis.load("data/models/notes_bank.npz")
    if options.on == "recorded":
        held_out, listener = load("test", instrument=ANOTHER), OfAnyMusic(*learnt)
    else:
        held_out, listener = load(options.on), None
    judged = run(
        *(load("train"), held_out, Transcriber(*learnt), trained(options.network)),
        listener=listener,
    )
    print_report(judged)
    targets.print_rows(judged["compared"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(judged, indent=1) + "\n"
    (FOLDER / "judge.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
