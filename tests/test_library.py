"""Folders of strangers' files: prepared once, whatever happens to the files or the run."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import joblib
import numpy as np
import psutil
import pytest

import helpers
from helpers import audio, datasets, drums, library, notes, rolls, synthesis
from tests import interrupted

PROJECT = Path(__file__).parent.parent
RECORDINGS = PROJECT.parent / "shared" / "recordings"
SR = 16_000
GIVEN, BANK = synthesis.load(PROJECT / "data" / "models" / "notes_bank.npz")


def melody(pitches, spacing=0.3, held=0.28):
    """Return notes played one after another, and their sound."""
    onset = 0.1 + spacing * np.arange(len(pitches))
    found = np.stack([onset, onset + held, pitches, np.ones(len(pitches))], axis=1)
    return found, synthesis.play(found, BANK)


def track(path, name=None, minutes=0.2):
    name = path.stem if name is None else name
    known = {"split": "train", "title": name, "genre": "folk", "origin": "own"}
    return datasets.Track(name=name, path=path, minutes=minutes, **known)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Three short pieces."""
    folder = tmp_path_factory.mktemp("music")
    rng = np.random.default_rng(0)
    for name in "abc":
        y = melody(rng.choice([60, 62, 64, 65, 67, 69, 71, 72], 24))[1]
        audio.save(folder / f"{name}.wav", y, sr=SR)
    return folder


@pytest.fixture
def tracks(music, tmp_path):
    folder = tmp_path / "music"
    shutil.copytree(music, folder)
    return [track(path) for path in sorted(folder.iterdir())]


def prepare(tracks, folder, n_jobs=1):
    return library.prepare(tracks, folder, given=GIVEN, n_jobs=n_jobs)


def same(pieces, others):
    assert list(pieces) == list(others)
    for one, other in zip(pieces.values(), others.values(), strict=True):
        np.testing.assert_array_equal(one.found, other.found)
        np.testing.assert_array_equal(one.kit, other.kit)
        plain = [
            {k: v for k, v in asdict(p).items() if k not in ("found", "kit")} for p in (one, other)
        ]
        assert plain[0] == plain[1]


@pytest.fixture
def prepared(monkeypatch):
    """List the names that are really prepared, rather than read."""
    names, real = [], library._prepare

    def prepare(job, given):
        names.append(job.name)
        return real(job, given)

    monkeypatch.setattr(library, "_prepare", prepare)
    return names


def test_sub_folders_named_by_instruments_label_their_pieces(music, tmp_path, prepared):
    folder, kinds = tmp_path / "music", {"a": "piano", "b": "strings", "c": "strings"}
    for name, kind in kinds.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        shutil.copy(music / f"{name}.wav", folder / kind)
    pieces, _ = prepare(datasets.survey(folder)[0], tmp_path / "kept")
    assert {name: piece.genre for name, piece in pieces.items()} == kinds
    shutil.move(folder / "strings" / "c.wav", folder / "piano")
    pieces, _ = prepare(datasets.survey(folder)[0], tmp_path / "kept")
    assert {name: piece.genre for name, piece in pieces.items()} == kinds | {"c": "piano"}
    assert len(prepared) == 3  # to sort a folder anew costs nothing


def test_a_piece_is_levelled_tuned_and_its_notes_are_found(tmp_path):
    played, y = melody(np.tile([60, 64, 67, 72, 65, 69], 12))
    sharp = audio.resample(y, sr_from=round(SR * 2 ** (30 / 1200)), sr_to=SR)
    audio.save(tmp_path / "sharp.wav", 0.03 * sharp, sr=SR)
    pieces, left = prepare([track(tmp_path / "sharp.wav")], tmp_path / "kept")
    assert not left
    piece = pieces["sharp"]
    assert piece.cents == pytest.approx(30, abs=3)
    assert piece.stretch == pytest.approx(2 ** (30 / 1200), rel=0.002)
    assert piece.gain_db > 10
    assert piece.seconds == pytest.approx(len(sharp) / SR, abs=0.01)
    assert len(piece.keys) == pytest.approx(len(played), abs=3)
    in_file = played[:, 0] * len(sharp) / len(y)
    nearest = np.abs(in_file[:, None] - piece.keys[:, 0]).min(axis=1)
    assert np.median(nearest) < 0.03  # in the seconds of the file, not in those it was moved to
    moved = library.waveform(piece, sr=SR)
    assert len(moved) == pytest.approx(len(y), rel=0.002)
    assert abs(notes.tuning(moved, sr=SR)) < 3
    assert audio.level_dbfs(moved) == pytest.approx(
        audio.level_dbfs(0.03 * y) + piece.gain_db, abs=1
    )
    part = library.waveform(piece, sr=SR, start=1.0, duration=2.0)
    assert len(part) == pytest.approx(2 * SR * piece.stretch, abs=2)


@pytest.mark.parametrize("offset", [0.1, -0.3])
def test_an_offset_of_a_sound_card_changes_nothing(tmp_path, offset):
    _, y = melody(np.tile([60, 64, 67, 72, 65, 69], 12))
    paths = {"whole": tmp_path / "whole.wav", "moved": tmp_path / "moved.wav"}
    audio.save(paths["whole"], 0.2 * y, sr=SR)
    audio.save(paths["moved"], 0.2 * y + np.float32(offset), sr=SR)
    pieces, _ = prepare([track(path) for path in paths.values()], tmp_path / "kept")
    whole, moved = pieces.values()
    assert moved.explained == pytest.approx(whole.explained, abs=0.01)
    assert moved.gain_db == pytest.approx(whole.gain_db, abs=0.1)
    assert len(moved.keys) == pytest.approx(len(whole.keys), abs=1)
    sounds = [library.waveform(piece, sr=SR) for piece in (whole, moved)]
    inner = (y[SR // 10 : -SR // 10] for y in sounds)  # the offset's own ends click
    np.testing.assert_allclose(*inner, atol=0.01)


def test_a_constant_is_no_music(tmp_path):
    audio.save(tmp_path / "constant.wav", np.full(5 * SR, 0.1, np.float32), sr=SR)
    pieces, _ = prepare([track(tmp_path / "constant.wav")], tmp_path / "kept")
    assert library.alarm(pieces["constant"]) == "hardly a note is heard"


def test_remarks_do_not_tell_where_a_file_once_lay(tracks, tmp_path):
    whole = tracks[0].path.read_bytes()
    tracks[0].path.write_bytes(whole[: len(whole) // 2])
    pieces, _ = prepare(tracks[:1], tmp_path / "kept")
    (remark,) = pieces["a"].remarks
    assert remark.startswith("read 3.")
    assert str(tmp_path) not in remark


def test_several_processes_find_what_one_finds(tracks, tmp_path):
    one, left = prepare(tracks, tmp_path / "one")
    two, _ = prepare(tracks, tmp_path / "two", n_jobs=2)
    assert not left
    assert list(one) == ["a", "b", "c"]
    same(one, two)


def test_a_second_run_reads_what_was_prepared(tracks, tmp_path, prepared):
    first, _ = prepare(tracks, tmp_path / "kept")
    assert sorted(prepared) == ["a", "b", "c"]
    again, _ = prepare(tracks, tmp_path / "kept")
    assert len(prepared) == 3
    same(first, again)


def test_where_preparing_is_stopped_jupyter_shows_no_traceback(
    tracks, tmp_path, monkeypatch, capsys
):
    def prepare_some(jobs, *_):
        yield jobs[0].kept, "as if damaged"
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "_attempts", prepare_some)
    with pytest.raises(KeyboardInterrupt) as stop:
        prepare(tracks, tmp_path / "kept")
    capsys.readouterr()
    assert interrupted.shown(stop.value, capsys) == f"{helpers.STOPPED[0]}\n"


def test_a_file_is_known_by_its_content_and_not_by_its_name(tracks, tmp_path, prepared):
    prepare(tracks, tmp_path / "kept")
    prepared.clear()
    renamed = tracks[0].path.rename(tracks[0].path.with_name("other name.wav"))
    twin = Path(shutil.copy(tracks[1].path, tmp_path / "twin.wav"))
    pieces, _ = prepare([track(renamed), *tracks[1:], track(twin)], tmp_path / "kept")
    assert prepared == []
    np.testing.assert_array_equal(pieces["b"].found, pieces["twin"].found)
    assert pieces["twin"].path == twin

    shutil.copy(tracks[2].path, tracks[1].path)  # under the same name, other music
    with open(tracks[1].path, "ab") as file:
        file.write(b"and more")
    prepare(tracks[1:], tmp_path / "kept")
    assert prepared == ["b"]


def test_a_file_that_changes_meanwhile_is_never_kept_as_what_it_was(tracks, tmp_path, monkeypatch):
    first, before = tracks[0].path, tracks[0].path.read_bytes()
    loaded = audio.load

    def changed(path, **how):
        shutil.copy(tracks[1].path, first)
        return loaded(path, **how)

    monkeypatch.setattr(audio, "load", changed)
    pieces, left = prepare(tracks[:1], tmp_path / "kept")
    assert not pieces
    assert left == [datasets.Left(first, "changed while it was to be prepared; run it again")]
    monkeypatch.setattr(audio, "load", loaded)
    first.write_bytes(before)
    pieces, _ = prepare(tracks[:1], tmp_path / "kept")
    same(pieces, prepare(tracks[:1], tmp_path / "other")[0])


def test_another_dictionary_prepares_anew(tracks, tmp_path, prepared):
    prepare(tracks[:1], tmp_path / "kept")
    other = replace(GIVEN, reference=2 * GIVEN.reference)
    library.prepare(tracks[:1], tmp_path / "kept", given=other, n_jobs=1)
    assert prepared == ["a", "a"]


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_what_is_damaged_is_rebuilt(tracks, tmp_path, prepared, damage):
    first, _ = prepare(tracks, tmp_path / "kept")
    entry = sorted((tmp_path / "kept").iterdir())[0]
    whole = entry.read_bytes()
    entry.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    again, left = prepare(tracks, tmp_path / "kept")
    assert len(prepared) == 4
    assert not left
    same(first, again)
    assert entry.read_bytes() == whole


def test_what_is_kept_may_be_deleted(tracks, tmp_path, prepared):
    first, _ = prepare(tracks, tmp_path / "kept")
    shutil.rmtree(tmp_path / "kept")
    again, _ = prepare(tracks, tmp_path / "kept")
    assert len(prepared) == 6
    same(first, again)


def test_bad_files_are_named_and_stop_nothing(tracks, tmp_path):
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"not music at all" * 100)
    quiet = tmp_path / "quiet.wav"
    audio.save(quiet, np.zeros(5 * SR, np.float32), sr=SR)
    gone = tmp_path / "gone.wav"
    mixed = [tracks[0], track(bad), track(quiet), track(gone), tracks[1]]
    pieces, left = prepare(mixed, tmp_path / "kept", n_jobs=2)
    assert list(pieces) == ["a", "b"]
    why = {one.path: one.why for one in left}
    assert set(why) == {bad, quiet, gone}
    assert "can't be read" in why[gone]
    assert "silen" in why[quiet]
    assert all(str(path) not in said for path, said in why.items())


def test_a_fault_of_ours_costs_one_piece(tracks, tmp_path, monkeypatch):
    def fails(y, dictionary):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(notes, "explained", fails)
    pieces, left = prepare(tracks, tmp_path / "kept")
    assert not pieces
    assert {one.why for one in left} == {"ZeroDivisionError: by zero"}


def test_preparing_shows_no_bars_of_its_steps_and_leaves_the_environment(
    tracks, tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    prepare(tracks[:1], tmp_path / "kept")
    assert "Learning" not in capsys.readouterr().err
    assert "TQDM_DISABLE" not in os.environ


def test_an_interruption_loses_nothing(tracks, tmp_path, prepared, monkeypatch):
    counted = library._prepare

    def interrupted(job, given):
        if len(prepared) == 2:
            raise KeyboardInterrupt
        return counted(job, given)

    monkeypatch.setattr(library, "_prepare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(tracks, tmp_path / "kept")
    monkeypatch.setattr(library, "_prepare", counted)
    prepare(tracks, tmp_path / "kept")
    assert sorted(prepared) == ["a", "b", "c"]


def test_a_full_disk_is_said_and_stops_nothing(tracks, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(library.files, "save_npz", full)
    with pytest.warns(UserWarning, match="kept: No space left on device; make room") as caught:
        pieces, _ = prepare(tracks, tmp_path / "kept")
    assert len(pieces) == 3
    assert {one.category for one in caught} == {UserWarning}  # 09 passes over AudioWarnings


CHILD = """
import sys
from pathlib import Path
from tests import test_library as t
tracks = [t.track(path) for path in sorted(Path(sys.argv[1]).iterdir())]
print("ready", flush=True)
pieces, left = t.prepare(tracks, sys.argv[2])
assert len(pieces) == len(tracks) and not left
"""


def child(music, kept):
    command = [sys.executable, "-c", CHILD, music, kept]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def test_two_runs_at_once_share_a_folder(tracks, tmp_path):
    music, kept = tracks[0].path.parent, tmp_path / "kept"
    runs = [child(music, kept) for _ in range(2)]
    for run in runs:
        run.communicate(timeout=600)
        assert run.returncode == 0
    assert sorted(path.suffix for path in kept.iterdir()) == [".npz"] * 3
    same(prepare(tracks, kept)[0], prepare(tracks, tmp_path / "alone")[0])


def killed(tracks, kept, seconds):
    """Kill a run some time after it has begun."""
    run = child(tracks[0].path.parent, kept)
    assert run.stdout.readline() == "ready\n"
    time.sleep(seconds)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("n_times", [2, pytest.param(20, marks=pytest.mark.long)])
def test_a_run_that_is_killed_leaves_what_can_be_used(tracks, tmp_path, n_times):
    kept = tmp_path / "kept"
    for seconds in np.random.default_rng(n_times).uniform(0, 1.5, n_times):
        killed(tracks, kept, seconds)
        for path in kept.glob("*.npz") if kept.exists() else ():
            assert library._read(path) is not None  # complete, or not there
    same(prepare(tracks, kept)[0], prepare(tracks, tmp_path / "alone")[0])


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_the_processes_of_a_killed_run_end_though_nobody_reads_their_results(tracks, tmp_path):
    code = CHILD.replace("\npieces", "\nt.library._attempt = t.sends\npieces").replace(
        "sys.argv[2])", "sys.argv[2], n_jobs=2)"
    )
    command = [sys.executable, "-c", code, tracks[0].path.parent, tmp_path / "kept"]
    run = subprocess.Popen(command, cwd=PROJECT)
    workers = []
    while len(workers) < 2 and run.poll() is None:
        time.sleep(0.1)
        with contextlib.suppress(psutil.NoSuchProcess):  # one that ended just now
            below = psutil.Process(run.pid).children(recursive=True)
            workers = [one for one in below if any("LokyProcess" in x for x in one.cmdline())]
    while len(list(tmp_path.glob("*.done"))) < 2 and run.poll() is None:
        time.sleep(0.1)
    os.kill(run.pid, signal.SIGSTOP)
    time.sleep(2)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    assert len(workers) == 2
    assert not psutil.wait_procs(workers, timeout=120)[1]


def sends(job, given):
    """Return more than a pipe takes that nobody reads."""
    (job.kept.parent.parent / f"{job.name}.done").touch()
    time.sleep(1)
    return job.kept, "x" * 10**7


def test_a_process_that_the_system_ends_is_said_with_a_remedy(tracks, tmp_path):
    code = (
        "import os\nfrom helpers import library, notes\nfrom tests import test_library as t\n"
        "import sys\nfrom pathlib import Path\n"
        "tracks = [t.track(path) for path in sorted(Path(sys.argv[1]).iterdir())]\n"
        "library._attempt = t.ends\n"
        "t.prepare(tracks, sys.argv[2], n_jobs=2)\n"
    )
    command = [sys.executable, "-c", code, tracks[0].path.parent, tmp_path / "kept"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RuntimeError: preparing was cut short" in done.stderr
    assert "n_jobs=1 where memory is short" in done.stderr


def ends(job, given):
    os._exit(1)


def test_a_long_file_becomes_several_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "PART", 0.1)
    y = melody(np.tile([60, 64, 67, 72], 10))[1]
    audio.save(tmp_path / "long.wav", y, sr=SR)
    whole = len(y) / SR
    pieces, left = prepare([track(tmp_path / "long.wav", minutes=whole / 60)], tmp_path / "kept")
    assert not left
    assert list(pieces) == [f"long ({i} of 3)" for i in (1, 2, 3)]
    starts = [piece.start for piece in pieces.values()]
    np.testing.assert_allclose(starts, [0, whole / 3, 2 * whole / 3], atol=0.01)
    assert sum(piece.seconds for piece in pieces.values()) == pytest.approx(whole, abs=0.01)
    last = pieces["long (3 of 3)"]
    part = library.waveform(last, sr=SR)
    assert len(part) == pytest.approx(last.seconds * SR * last.stretch, abs=2)


def test_a_file_that_ends_early_says_which_part_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "PART", 0.1)
    audio.save(tmp_path / "short.wav", melody([60, 64, 67, 72] * 4)[1], sr=SR)
    pieces, left = prepare([track(tmp_path / "short.wav", minutes=0.2)], tmp_path / "kept")
    assert list(pieces) == ["short (1 of 2)"]
    assert left[0].why.startswith("short (2 of 2): ")


def test_the_estimate_is_nothing_where_all_is_kept(tracks, tmp_path):
    assert library.estimate(tracks, tmp_path / "kept", given=GIVEN) > 0
    assert not (tmp_path / "kept").exists()
    prepare(tracks, tmp_path / "kept")
    assert library.estimate(tracks, tmp_path / "kept", given=GIVEN) == 0


def test_the_folder_gives_a_bank_of_its_sounds(tracks, tmp_path):
    pieces, _ = prepare(tracks, tmp_path / "kept")
    bank = library.sounds(list(pieces.values()), GIVEN)
    assert bank.settings == GIVEN.settings
    assert bank.n_heard.sum() > 20
    y = synthesis.play(pieces["a"].keys, bank)
    assert audio.level_dbfs(y) == pytest.approx(-20, abs=3)


def test_each_drum_sounds_as_in_the_piece_where_it_is_of_middling_loudness(tracks, tmp_path):
    one = prepare(tracks[:1], tmp_path / "kept")[0]["a"]
    kit = np.zeros((4, 4800), np.float32)
    kit[1, :100] = 1  # a snare
    hit = np.array([[x, x + 0.1, rolls.FIRST_DRUM + 1, 1] for x in np.linspace(0, 5, 60)])
    soft = replace(one, found=np.concatenate([one.found, hit]), kit=0.01 * kit)  # hit most
    loud, middling = (replace(one, found=one.found, kit=level * kit) for level in (2, 1))

    def drums(*pieces):
        return library.sounds(pieces, GIVEN).drums

    np.testing.assert_array_equal(drums(soft, loud, one, middling), kit)
    np.testing.assert_array_equal(drums(middling, one, soft), kit)
    np.testing.assert_array_equal(drums(one, one), 0 * kit)


def piece(found, seconds=60.0, explained=0.7, name="p", **more):
    facts = dict(start=0, seconds=seconds, gain_db=0, cents=0, explained=explained)
    known = dict(name=name, title="", split="train", genre="", path=Path("p.wav"))
    kit = np.zeros((4, 10), np.float32)
    every = facts | known | dict(remarks=(), found=found, kit=kit) | more
    return library.Piece(**every)


def beats(n, pitches=(60, 64, 67, 72)):
    onset = np.linspace(0, 59, n)
    return np.stack([onset, onset + 0.1, np.resize(pitches, n), np.ones(n)], axis=1)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (piece(beats(300)), ""),
        (piece(beats(3)), "hardly a note"),
        (piece(beats(0)), "hardly a note"),
        (piece(beats(60, pitches=(60,))), "one held note"),
        (piece(beats(1500)), "a blur"),
        (piece(beats(300), explained=0.3), "isn't notes"),
    ],
)
def test_an_alarm_says_what_is_in_the_way(one, said):
    assert library.alarm(one).startswith(said) if not said else said in library.alarm(one)
    assert bool(library.alarm(one)) == bool(said)


def test_drums_are_sought_where_notes_leave_much_unexplained(music, monkeypatch):
    y, given = audio.load(music / "a.wav", sr=SR), GIVEN
    found = np.array([[1.0, 1.1, rolls.FIRST_DRUM, 1.0]])
    monkeypatch.setattr(drums, "separate", lambda y, *, sr: (y, found, drums.no_kit(sr) + 1))
    for share, n_hits in ((0.1, 1), (0.6, 1), (0.63, 0), (0.9, 0)):
        monkeypatch.setattr(notes, "explained", lambda y, dictionary, share=share: share)
        _, heard, kit = library.hear(y, given)
        assert np.count_nonzero(heard[:, 2] >= rolls.FIRST_DRUM) == n_hits
        assert kit.any() == bool(n_hits)


def test_drums_are_no_notes():
    hits = beats(1500, pitches=(rolls.FIRST_DRUM,))
    kit = np.zeros((4, 10), np.float32)
    kit[0, 0] = 1  # a kick
    one = piece(np.concatenate([beats(300), hits]), kit=kit)
    assert one.rate == pytest.approx(5)
    assert not library.alarm(one)
    assert "kick" in library.report({"p": one})


@pytest.mark.parametrize(
    ("n_good", "n_bad", "said"),
    [
        (9, 0, "This will sound like your music: "),
        (2, 0, "There is little to learn from"),
        (7, 3, "What suits will sound like itself"),
        (2, 8, "What suits will sound like itself"),
        (0, 8, "a shimmer"),
        (0, 0, "There is nothing"),
    ],
)
def test_the_report_ends_with_what_to_expect(n_good, n_bad, said):
    good = {f"good {i}": piece(beats(300), name=f"good {i}") for i in range(n_good)}
    bad = {f"bad {i}": piece(beats(1500), name=f"bad {i}") for i in range(n_bad)}
    text = library.report(good | bad, [datasets.Left(Path("x.mp3"), "is damaged")])
    assert said in text.splitlines()[-1]
    assert f"{n_good:.1f} of {n_good + n_bad:.1f} minutes" in text
    assert "x.mp3: is damaged" in text


def test_the_report_promises_nothing_of_a_short_piece_that_will_not_be_learnt_from():
    found = {"good": piece(beats(300), name="good", seconds=30.0)}
    found |= {name: piece(beats(1500), name=name, explained=0.3) for name in ("bad", "worse")}
    assert library.report(found).splitlines()[-1].startswith("0.0 of 2.5 minutes suit. ")
    assert "a shimmer" in library.report(found)


def test_short_pieces_alone_are_nothing_to_learn_from():
    short = {name: piece(beats(300), seconds=30.0, name=name) for name in "abcd"}
    assert library.report(short).splitlines()[-1] == (
        "0.0 of 2.0 minutes suit. There is nothing to learn from: no piece lasts 40 s."
    )


def test_what_suits_has_notes_enough_and_no_alarm():
    good = {"good": piece(beats(300)), "short": piece(beats(300), seconds=30.0)}
    bad = {"bad": piece(beats(1500)), "few": piece(beats(30))}
    assert library.suiting(good | bad) == good
    assert not library.suiting(bad | {"short": good["short"]})


def test_a_long_report_shows_the_alarms_first(monkeypatch):
    monkeypatch.setattr(library, "_ROWS", 5)
    many = {f"good {i}": piece(beats(300), name=f"good {i}") for i in range(20)}
    many["bad"] = piece(beats(1500), name="bad")
    lines = library.report(many).splitlines()
    assert lines[1].startswith("bad ")
    assert "and 16 more" in lines[6]
    assert all(len(line) <= 120 for line in lines[:7])


@pytest.mark.long
def test_a_cluster_prepares_what_processes_prepare(tracks, tmp_path):
    distributed = pytest.importorskip("distributed", reason="dask is no dependency")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        pieces, left = prepare(tracks, tmp_path / "cluster", n_jobs=2)
    assert not left
    same(pieces, prepare(tracks, tmp_path / "here")[0])


@pytest.mark.long
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="needs recordings that aren't shipped")
def test_real_pianos_suit_and_songs_dont(tmp_path):
    paths = [p for p in sorted(RECORDINGS.iterdir()) if p.suffix in (".mp3", ".ogg")]
    tracks = [track(p, minutes=audio.info(p).duration / 60) for p in paths]
    pieces, _ = prepare(tracks, tmp_path / "kept", n_jobs=2)
    suits = {name: not library.alarm(piece) for name, piece in pieces.items()}
    assert all(suits[name] for name in suits if name.startswith("piano"))
    assert not suits["song_lets_go_fishin"]


def test_pieces_of_one_name_are_not_lost(tracks, tmp_path):
    tracks[1] = replace(tracks[1], name="a")
    with pytest.raises(ValueError, match="names that differ, got twice: a"):
        prepare(tracks, tmp_path / "kept")
    tracks[0] = replace(tracks[0], name="a", minutes=40.0)
    tracks[1] = replace(tracks[1], name="a (1 of 2)")
    with pytest.raises(ValueError, match=r"got twice: a \(1 of 2\)"):
        prepare(tracks, tmp_path / "kept")


def test_no_waveform_is_no_piece():
    with pytest.raises(audio.AudioError, match="not be empty"):
        library.hear(np.zeros(0, np.float32), GIVEN)
