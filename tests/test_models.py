"""The shipped models are what their manifest says, and the program that makes them enters them."""

import csv
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import tasks
from data.build import ablation, models
from data.build import verse as build
from helpers import events, frame_model, note_model, synthesis, verse

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / "data" / "models"
ROWS = models.read_manifest(FOLDER)
MUSIC_SOURCES = models.sources(models.MUSIC, models.INSTRUMENT)
LOADERS = {
    "note bank": synthesis.load,
    "note model": note_model.load,
    "frame model": frame_model.load,
    "verse model": verse.load,
    "table": lambda path: list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())),
}
TINY = note_model.NoteModelSettings(hidden=2, keys=2, depth=1, dense=2)
WEIGHTS = {
    name: np.zeros(shape, np.float32) for name, shape in note_model.weight_shapes(TINY).items()
}


def test_the_manifest_has_a_row_for_every_file():
    assert tuple(ROWS[0]) == models.COLUMNS
    files = {path.name for path in FOLDER.iterdir()} - {"README.md", "manifest.csv"}
    assert [row["file"] for row in ROWS] == sorted(files)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_shipped_file_is_the_one_in_the_manifest(row):
    path = FOLDER / row["file"]
    assert models.sha256(path) == row["sha256"], "run data/build/models.py, which enters it"
    assert LOADERS[row["kind"]](path)
    if path.suffix == ".npz":
        with np.load(path) as content:
            assert row["kind"] == str(content["kind"])
            assert row["format"] == str(content["version"])
    assert (PROJECT / row["made_by"]).exists()


def test_they_were_learnt_from_the_music_and_texts_that_are_there():
    for row in ROWS:
        sources = build.sources() if row["file"] == build.FILE else MUSIC_SOURCES
        assert row["sources_sha256"] == sources["sources_sha256"], f"{row['file']} is out of date"
        assert row["learnt_from"].startswith(sources["learnt_from"])


def test_the_readme_names_every_file():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [row["file"] for row in ROWS if row["file"] not in readme] == []


def test_what_is_made_is_entered_and_other_rows_stay(tmp_path):
    for name in ("a.npz", "b.npz"):
        note_model.save(tmp_path / name, WEIGHTS, TINY)
    source = {"learnt_from": "nothing, to try it", "sources_sha256": "0"}
    models.enter(tmp_path, ["b.npz", "a.npz"], made_by="one", learnt_from=source)
    note_model.save(tmp_path / "b.npz", WEIGHTS | {"lstm/bias": np.ones(8, np.float32)}, TINY)
    models.enter(tmp_path, ["b.npz"], made_by="another", learnt_from=source)
    a, b = models.read_manifest(tmp_path)
    assert (a["file"], a["made_by"], b["file"], b["made_by"]) == (
        "a.npz",
        "one",
        "b.npz",
        "another",
    )
    assert (a["kind"], a["format"], a["learnt_from"]) == ("note model", "2", "nothing, to try it")
    assert a["sha256"] != b["sha256"]
    (tmp_path / "a.npz").unlink()
    models.enter(tmp_path, [], made_by="nobody", learnt_from=source)
    assert [row["file"] for row in models.read_manifest(tmp_path)] == ["b.npz"]


def test_the_network_of_notebook_05_is_taken_as_it_is(tmp_path):
    shipped = FOLDER / "original_lstm.npz"
    models.main(["--original", str(shipped), "--folder", str(tmp_path)])
    assert (tmp_path / shipped.name).read_bytes() == shipped.read_bytes()
    assert models.read_manifest(tmp_path) == [row for row in ROWS if row["file"] == shipped.name]


def test_stages_are_kept_when_their_time_has_come(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(models.note_model, "weights_of", lambda model: model)
    monkeypatch.setattr(models.note_model, "save", lambda path, *rest: saved.append(path.name))
    keep = models.stage_keeper({}, None, tmp_path)
    for seconds in (1, 9.9, 10.1, 11, 45, 59, 61, 300):
        keep(seconds)
    assert saved == ["notes_lstm_010s.npz", "notes_lstm_040s.npz"]


def test_stages_that_a_training_does_not_reach_are_not_left_from_another(tmp_path, monkeypatch):
    def trains(model, *rolls, on_step, **options):
        on_step(31.0)

    monkeypatch.setattr(models.note_model, "train", trains)
    monkeypatch.setattr(models.note_model, "build", lambda *args, **options: None)
    monkeypatch.setattr(models.note_model, "weights_of", lambda model: WEIGHTS)
    for seconds in models.STAGES:
        models.stage_path(tmp_path, seconds).write_text("old")
    models.train([], [], TINY, folder=tmp_path, steps=1, seed=0)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["notes_lstm.npz", "notes_lstm_010s.npz"]


def test_make_models_makes_all_that_is_shipped_and_nothing_else(tmp_path, monkeypatch):
    """All but the trainings is done; what would be saved is taken from what is shipped."""

    def save(path, *what):
        shutil.copy(FOLDER / Path(path).name, path)

    def trains(model, *rest, on_step=lambda seconds: None, **options):
        on_step(11.0)
        on_step(41.0)
        return frame_model.History(*(np.array([2.5]),) * 3)

    def runs(*arguments):
        program, *options = arguments[arguments[0] == "-m" :]
        if program.startswith("notebooks/"):
            cells = json.loads((PROJECT / options[0]).read_text(encoding="utf-8"))["cells"]
            code = "".join("".join(cell["source"]) for cell in cells)
            assert 'FOLDER, SEED = Path("../outputs/05")' in code
            assert 'frame_model.save(FOLDER / "original_lstm.npz"' in code
            return
        makers = {"data/build/models.py": models, "data.build.ablation": ablation}
        options = [str(FOLDER / Path(o).name) if o.startswith("outputs/") else o for o in options]
        (makers | {"data.build.verse": build})[program].main([*options, "--folder", str(tmp_path)])

    for module in (note_model, synthesis, verse):
        monkeypatch.setattr(module, "save", save)
    network = SimpleNamespace(count_params=lambda: 1)
    bank = SimpleNamespace(settings=models.rolls.NoteSettings())
    monkeypatch.setattr(note_model, "build", lambda *args, **options: network)
    monkeypatch.setattr(note_model, "train", trains)
    monkeypatch.setattr(note_model, "weights_of", lambda model: WEIGHTS)
    monkeypatch.setattr(models.datasets, "load_waveforms", lambda tracks, **options: {"a": []})
    monkeypatch.setattr(models.notes, "learn_dictionary", lambda ys: bank)
    monkeypatch.setattr(models.notes, "encode", lambda y, dictionary: small_piece())
    monkeypatch.setattr(models.events, "read", lambda found, name="": found)
    monkeypatch.setattr(models.synthesis, "build_bank", lambda *args: None)
    monkeypatch.setattr(models, "hear_labelled", lambda split, **options: two_kinds(split))
    monkeypatch.setattr(ablation, "bits_a_note", lambda *args: np.zeros((1, 4)))
    monkeypatch.setattr(ablation, "count", lambda pieces: {"run": "best counting"})
    monkeypatch.setattr(build, "learn", lambda *args, **options: (None, trains(None)))
    monkeypatch.setattr(tasks, "environment", lambda **options: None)
    monkeypatch.setattr(tasks, "run", runs)
    tasks.main(["models"])
    made = {row["file"]: row for row in models.read_manifest(tmp_path)}
    for row in ROWS:
        if row["file"] == "little_music.csv":  # needs recordings that can't be shipped
            continue
        again = made.pop(row["file"])
        assert again["made_by"] == row["made_by"]
        assert row["file"] == "ablation.csv" or again["sha256"] == row["sha256"]
    assert not made


# A network with labels


def two_kinds(split):
    return {"a rag": (1, small_piece()), "a waltz": (0, small_piece())}


def test_a_ragtime_is_labelled_so_and_all_else_classical():
    for track in models.choose(models.MUSIC, models.INSTRUMENT, "validation"):
        label = models.LABELS[models.label_of(track)]
        assert label == ("ragtime" if "joplin" in track.name else "classical")


def test_the_labelled_network_is_learnt_and_entered_alone(tmp_path, monkeypatch):
    given = []

    def trains(model, training, validation, settings, **options):
        given.append([words[1, events.LABEL] for words in training])
        return frame_model.History(*(np.array([2.5]),) * 3)

    monkeypatch.setattr(models, "hear_labelled", lambda split, **options: two_kinds(split))
    monkeypatch.setattr(models.note_model, "build", lambda settings, *, seed, weights: weights)
    monkeypatch.setattr(models.note_model, "train", trains)
    monkeypatch.setattr(models.note_model, "weights_of", lambda weights: weights)
    models.main(["--labelled", "--folder", str(tmp_path)])
    assert given == [[1, 0]]
    assert note_model.load(tmp_path / "notes_labelled.npz")[1].labels == models.LABELS
    assert [row["file"] for row in models.read_manifest(tmp_path)] == ["notes_labelled.npz"]


def test_a_network_that_is_to_learn_labels_begins_as_it_was():
    weights, settings = note_model.load(FOLDER / "notes_lstm.npz")
    wider, labelled = models.with_labels(weights, settings, models.LABELS)
    words = events.words(small_piece().score)[:6]
    before = note_model.bits(weights, settings, words)
    for label in (None, *models.LABELS):
        after = note_model.bits(wider, labelled, words, label=label)
        np.testing.assert_allclose(before, after, rtol=1e-5, atol=1e-6)


# What the parts of the network are worth


def small_piece():
    score = np.array([(6 * k, 60 + (0, 4, 7, 4)[k % 4], 6, 3 + k % 2) for k in range(40)])
    return events.Played(score, np.zeros(40), np.arange(25) * 0.5)


def test_an_ablation_changes_what_it_says_and_enters_its_numbers(tmp_path, monkeypatch):
    small = ablation.Run({"hidden": 4, "keys": 3, "dense": 4}, 0.01)
    without = ablation.Run({"window": 3, "hidden": 4, "keys": 3, "dense": 4}, 0.01, 2, "kept.npz")
    monkeypatch.setattr(ablation, "RUNS", {"whole": small, "without": without})
    pieces = {"train": [small_piece()], "validation": [small_piece()]}
    rows = ablation.train("whole", 0, pieces, 3, tmp_path)
    assert not (tmp_path / "kept.npz").exists()
    rows += ablation.train("without", 0, pieces, 3, tmp_path)
    _, settings = note_model.load(tmp_path / "kept.npz")
    assert settings.window == 3
    assert [row["step"] for row in rows] == [3, 6]
    each = [rows[0][name] for name in ("wait", "key", "length", "loud")]
    assert sum(each) == pytest.approx(rows[0]["bits_a_note"], abs=0.002)
    models.write_table(tmp_path / "table.csv", ablation.COLUMNS, rows)
    with open(tmp_path / "table.csv", encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert tuple(read[0]) == ablation.COLUMNS
    assert float(read[1]["bits_a_note"]) == rows[1]["bits_a_note"]


def test_counting_is_judged_on_the_same_notes_and_recorded():
    row = ablation.count({"train": [small_piece()], "validation": [small_piece()]})
    assert sum(row[name] for name in ("wait", "key", "length", "loud")) == pytest.approx(
        row["bits_a_note"], abs=0.002
    )
    assert 0 < row["bits_a_note"] <= row["validation_bits"]  # touches are more than loud or not
    with open(FOLDER / "ablation.csv", encoding="utf-8", newline="") as file:
        recorded = [one for one in csv.DictReader(file) if one["run"] == row["run"]]
    assert len(recorded) == 1
    assert 0 < float(recorded[0]["bits_a_note"]) <= float(recorded[0]["validation_bits"])


def test_what_stands_in_for_the_lstm_is_as_large():
    sizes = {}
    for name, run in ablation.RUNS.items():
        shapes = note_model.weight_shapes(note_model.NoteModelSettings(**run.changes)).values()
        sizes[name] = sum(np.prod(shape) for shape in shapes)
        assert run.learning_rate in ablation.RATES
    for name in ("no LSTM, as many steps", "no LSTM, as many seconds"):
        assert sizes[name] == pytest.approx(sizes["whole"], rel=0.1)


# What notebooks load: the reader's own files, or these


def loading_cells(number):
    """Return the code of a notebook that imports, sets constants, or chooses what to load."""
    (path,) = (PROJECT / "notebooks").glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    wanted = re.compile(r"^from helpers import |^(MUSIC|BANKS) = |load_first", re.MULTILINE)
    return "\n".join(source for source in code if wanted.search(source))


@pytest.mark.parametrize(("number", "n_files"), [("06", 1), ("07", 3), ("08", 2), ("90", 1)])
def test_a_notebook_passes_over_files_of_another_edition(
    number, n_files, tmp_path, monkeypatch, capsys
):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data").symlink_to(PROJECT / "data")
    for folder, name in (("04", "notes_bank"), ("06", "notes_lstm"), ("05", "original_lstm")):
        with np.load(FOLDER / f"{name}.npz") as file:
            newer = dict(file) | {"version": np.array(99)}
        (tmp_path / "outputs" / folder).mkdir(parents=True, exist_ok=True)
        np.savez(tmp_path / "outputs" / folder / f"{name}.npz", **newer)
    monkeypatch.chdir(tmp_path / "notebooks")
    exec(loading_cells(number), {})
    said = re.findall(
        r"^Not used: \S+ has format 99 of a .*: update the series", capsys.readouterr().out, re.M
    )
    assert len(said) == n_files
