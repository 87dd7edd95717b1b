"""What every stored notebook keeps to; nbval tests beside this that it runs to what is stored."""

import base64
import importlib.util
import io
import re
import tomllib
from pathlib import Path
from statistics import median
from urllib.parse import unquote

import mido
import mir_eval.transcription
import nbformat
import numpy as np
import pytest
import scipy.signal
import soundfile

from helpers import audio, beats, events, midi, note_model

FOLDER = Path(__file__).parent.parent / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9]*.ipynb"))
SHOWN = [path for path in PATHS if not path.name.startswith("00")]
TAUGHT = [path for path in SHOWN if not path.name.startswith("90")]  # with exercises
NOTEBOOKS = {path: nbformat.read(path, 4) for path in PATHS}

SPEC = importlib.util.spec_from_file_location("stopwatch", FOLDER / "stopwatch.py")
stopwatch = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(stopwatch)

TAGS = {"deeper", "solution", "prediction", "plumbing", "exercise"}  # and nbval's own
MEASURES = {  # what a notebook keeps to on its core path: all but the cells tagged `deeper`
    "at most 75 cells": lambda found: found.n_cells <= 75,
    "at most 2,600 words": lambda found: found.n_words <= 2600,
    "at most 30 minutes": lambda found: found.minutes <= 30,
    "a picture or a sound within five cells": lambda found: (found.first_shown or 99) <= 5,
    "numbers rather than True or False": lambda found: not found.bare,
}
EXEMPT = {  # 90 is looked up, error by error: an appendix may be as long as its list
    "at most 75 cells": {"90"},
    "at most 2,600 words": {"90"},
    "at most 30 minutes": {"90"},
    "a picture or a sound within five cells": set(),
    "numbers rather than True or False": set(),
}


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in NOTEBOOKS[path].cells if cell.cell_type == "code"]


def tagged(path, tag):
    return [cell for cell in code_cells(path) if tag in cell.metadata.get("tags", [])]


def prose(path):
    return "\n".join(c.source for c in NOTEBOOKS[path].cells if c.cell_type == "markdown")


def output_text(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


@each(PATHS)
def test_every_code_cell_was_run_once_in_order(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each(PATHS)
def test_no_cell_wrote_to_stderr_or_failed(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.get("name") != "stderr", output.text
            assert output.output_type != "error", output


@each(PATHS)
def test_every_figure_has_alternative_text(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            data = output.get("data", {})
            assert "image/png" not in data, "show figures through plotting.show"
            for tag in re.findall(r"<img [^>]*>", "".join(data.get("text/html", ""))):
                assert re.search(r'alt="[^"]{20,}"', tag), tag[-200:]


@each(PATHS)
def test_every_player_says_in_words_what_is_heard(path):
    for cell in code_cells(path):
        data = [output.get("data", {}) for output in cell.outputs]
        players = sum(d.get("text/html", "").count("<audio") for d in data)
        said = re.findall(
            r"^Sound: (.*) \(", "\n".join(d.get("text/plain", "") for d in data), re.M
        )
        assert len(said) >= players, cell.id
        assert all(re.search(r"\w", label) for label in said), cell.id


@each(SHOWN)
def test_figures_and_sounds_are_stored(path):
    text = path.read_text(encoding="utf-8")
    assert "data:image/png;base64," in text
    assert "data:audio/" in text


@each(PATHS)
def test_a_notebook_stays_small(path):
    assert path.stat().st_size < (2.5e6 if path.name.startswith("01") else 1.5e6)


def test_all_notebooks_together_stay_under_16_mb():
    assert sum(path.stat().st_size for path in PATHS) < 16e6


@each(PATHS)
@pytest.mark.parametrize("measure", MEASURES)
def test_a_notebook_keeps_to_its_measures(measure, path):
    found = stopwatch.measure(NOTEBOOKS[path])
    kept, exempt = MEASURES[measure](found), path.name[:2] in EXEMPT[measure]
    assert kept != exempt, f"kept now: take it off EXEMPT; {found}" if kept else found


@each(PATHS)
def test_the_head_states_the_minutes_that_a_reader_needs(path):
    """A word more or less needs no new head: two minutes of difference are allowed."""
    found = stopwatch.measure(NOTEBOOKS[path])
    stated = stopwatch.STATED.search(NOTEBOOKS[path].cells[0].source)
    assert stated, "the head says: N minutes to read, M more for the exercises"
    assert abs(int(stated[1]) - found.minutes) <= 2, (
        f"{found}: python notebooks/stopwatch.py --state"
    )
    assert int(stated[2] or 0) == found.exercise_minutes


@each(PATHS)
def test_cells_carry_only_tags_that_mean_something(path):
    for cell in NOTEBOOKS[path].cells:
        unknown = {tag for tag in stopwatch.tags(cell) - TAGS if not tag.startswith("nbval-")}
        assert not unknown, cell.source


@each(PATHS)
def test_what_asks_for_a_prediction_and_what_sets_up_is_tagged(path):
    for cell in NOTEBOOKS[path].cells:
        if cell.cell_type == "markdown":
            assert ("**Predict" not in cell.source) or "prediction" in stopwatch.tags(cell)
        elif re.match(r"(import|from) ", cell.source):
            assert "plumbing" in stopwatch.tags(cell)


@each(PATHS)
def test_code_is_short_and_stands_among_prose(path):
    asked = tagged(path, "prediction")  # text, and collapsed
    lengths = [len(c.source.splitlines()) for c in code_cells(path) if c not in asked]
    assert max(lengths) <= 25
    assert median(lengths) <= 6
    kinds = "".join(cell.cell_type[0] for cell in NOTEBOOKS[path].cells)
    assert "ccc" not in kinds


@each(PATHS)
def test_modules_are_imported_whole(path):
    for cell in code_cells(path):
        assert not re.search(r"^from helpers\.\w+ import|import \*", cell.source, re.MULTILINE)


@each(PATHS)
def test_the_music_is_one_setting(path):
    sources = [cell.source for cell in code_cells(path)]
    settings = re.findall(r"^MUSIC = .*$", "\n".join(sources), re.MULTILINE)
    assert settings == ['MUSIC = r"../data/music"  # the folder of music; name your own here']
    assert not any("data/music" in s.replace(settings[0], "") for s in sources)


@each(SHOWN)
def test_the_anatomy_is_complete(path):
    text = prose(path)
    number = int(path.name[:2])
    assert re.match(rf"# {number} · \S", text)
    parts = ["**You will be able to", "**You need**", "## Recap", "## Limits", "## Sources"]
    parts += ["## Exercises"] * (path in TAUGHT)
    for part in parts:
        assert part in text, part


def test_notebook_90_names_each_error_that_it_referees():
    """Each has a section, in order, to which the list leads; each has a defence."""
    (path,) = FOLDER.glob("90*.ipynb")
    sections = re.split(r"^### (?=Error )", prose(path), flags=re.MULTILINE)
    titles = [section.split("\n")[0] for section in sections[1:]]
    assert [int(title.split()[1].rstrip(":")) for title in titles] == list(range(1, 22))
    listed = re.findall(r"^\| \[(\d+)\]\(#([^)]*)\)", sections[0], flags=re.MULTILINE)
    expected = [(str(n), title.replace(" ", "-")) for n, title in enumerate(titles, 1)]
    assert listed == expected
    assert all("**In its defence:**" in section for section in sections[1:])


@each(PATHS)
def test_links_between_notebooks_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+\.ipynb)[^)]*\)", prose(path)):
        assert (FOLDER / target).exists(), target


@each(TAUGHT)
def test_exercises_wait_and_their_solutions_are_right(path):
    exercises, solutions = tagged(path, "exercise"), tagged(path, "solution")
    assert len(exercises) == len(solutions) >= 3
    for cell in exercises:
        assert output_text(cell).startswith("Not attempted yet"), cell.source
    for cell in solutions:
        assert output_text(cell).startswith("Right:"), cell.source
        assert cell.metadata["jupyter"]["source_hidden"], "a solution is stored collapsed"


@each(PATHS)
def test_what_gives_an_answer_away_is_stored_collapsed(path):
    for cell in code_cells(path):
        if re.search(r"\bquestions\.(predict|quiz)\(", cell.source):
            assert "prediction" in cell.metadata.get("tags", []), cell.source
            assert cell.metadata["jupyter"]["source_hidden"], cell.source


@each(PATHS)
def test_nothing_of_the_machine_is_stored(path):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", path.read_text(encoding="utf-8"))
    assert not re.search(r"/home/|/Users/|/root/|/tmp/|site-packages|C:\\\\", text)


@pytest.mark.parametrize("seed", range(5))
def test_notebook_04_counts_notes_as_mir_eval_does(seed):
    (path,) = FOLDER.glob("04*.ipynb")
    (source,) = (cell.source for cell in code_cells(path) if "def onset_f" in cell.source)
    names = {"np": np}
    exec(source, names)  # the notebook's own function, as the reader sees it
    rng = np.random.default_rng(seed)
    played = np.column_stack(
        [rng.uniform(0, 30, 300), np.full(300, 40.0), rng.integers(60, 66, 300)]
    )
    found = played[rng.random(300) < 0.8] + rng.normal(0, 0.02) * np.array([1, 0, 0])
    found[:, 0] = np.abs(found[:, 0] + rng.normal(0, 0.03, len(found)))
    extra = np.column_stack([rng.uniform(0, 30, 40), np.full(40, 40.0), rng.integers(60, 66, 40)])
    found = np.vstack([found, extra])
    hz = [440 * 2 ** ((x[:, 2] - 69) / 12) for x in (played, found)]
    expected = mir_eval.transcription.precision_recall_f1_overlap(
        played[:, :2], hz[0], found[:, :2], hz[1], offset_ratio=None
    )[2]
    # mir_eval rounds distances to 0.1 ms before it compares them
    assert names["onset_f"](found, played, tolerance=0.05005) == pytest.approx(expected)


# What is said, true of our music and our tools, and printed by no cell.


def test_notebook_01_knows_where_its_encoder_stops():
    noise = np.random.default_rng(0).normal(0, 0.1, 132_300).astype(np.float32)
    stops = {}
    for quality in (0.5, 1.0):
        coded = audio.encode(noise, sr=44_100, suffix=".mp3", quality=quality)
        f, power = scipy.signal.welch(soundfile.read(io.BytesIO(coded))[0], 44_100, nperseg=4096)
        stops[quality] = f[power > np.median(power[f < 10_000]) / 2].max()
    assert 16_300 < stops[0.5] < 16_500
    assert stops[1.0] > 22_000


def test_notebook_02_knows_how_steep_its_filters_are():
    def left(f, change):
        x = np.float32(0.5 * np.sin(2 * np.pi * f * np.arange(44_100) / 44_100))
        return 20 * np.log10(np.std(change(x)[1000:-1000]) / np.std(x))

    def steep(x):
        return audio.resample(x, sr_from=44_100, sr_to=16_000)

    assert left(8200, lambda x: scipy.signal.resample_poly(x, 160, 441)) == pytest.approx(
        -9, abs=0.5
    )
    assert left(8200, steep) < -100


def test_notebook_03_knows_how_far_a_tone_leaks():
    near = []
    for phase in np.arange(0, 1, 1 / 64):
        magnitudes = np.abs(
            np.fft.rfft(np.cos(2 * np.pi * (442 * np.arange(11_025) / 44_100 + phase)))
        )
        near.append(np.sum(magnitudes > magnitudes.max() / 1000))
    assert (min(near), max(near)) == (pytest.approx(350, abs=5), pytest.approx(1020, abs=5))


def test_notebook_05_knows_where_its_synth_errs():
    (path,) = FOLDER.glob("05*.ipynb")
    cells = {cell.id: cell.source for cell in code_cells(path)}
    y = audio.load(FOLDER.parent / "data/music/satie_gymnopedie_1.mp3", sr=16_000, duration=30)
    tone = y[np.argmax(np.abs(y) > 0.05 * np.abs(y).max()) :][: int(0.85 * 16_000)]
    names = {"np": np, "scipy": scipy, "tone": 0.5 * tone / np.abs(tone).max(), "SR": 16_000}
    exec(cells["e5atom07"], names)
    gradient = cells["e5desc11"].split("\n\n\n")[0]
    exec(gradient, names)
    w = np.random.default_rng(0).normal(0, 0.05, 48)
    for _ in range(60):
        w = w - names["gradient"](w)
    power = np.square(names["A"] @ w - names["tone"])
    assert power[:800].sum() / power.sum() == pytest.approx(0.5, abs=0.1)


def test_notebook_07_draws_no_key_above_the_highest():
    (path,) = FOLDER.glob("07*.ipynb")
    cells = {cell.id: cell.source for cell in code_cells(path)}
    names = {"np": np, "events": events, "beats": beats}
    for cell in ("a727dff5", "aad31147"):
        exec(cells[cell], names)
    weights, settings = note_model.load(FOLDER.parent / "data/models/notes_lstm.npz")
    listener, rng = note_model.Listener(weights, settings), np.random.default_rng(0)
    highest = np.zeros(len(events.N_CLASSES), int)
    highest[events.ROW] = events.N_KEYS - 1
    for _ in range(20):
        listener.hear(highest)
        word, _ = names["draw_note"](listener, 0, 0, [], rng, lambda z, part: np.exp(z - z.max()))
        assert word[events.WAIT] > 0
        assert word[events.WAIT] == events.END or word[events.ROW] < events.N_KEYS


def test_notebook_07_writes_a_score_of_one_tempo(tmp_path, capsys):
    (path,) = FOLDER.glob("07*.ipynb")
    cells = {cell.id: cell.source for cell in code_cells(path)}
    notes = np.genfromtxt(FOLDER.parent / "data/notes/satie_gymnopedie_1.csv", delimiter=",")
    found = np.column_stack([notes[1:101, :3], np.full(100, 1.0)])
    names = {"np": np, "events": events, "beats": beats, "midi": midi}
    exec(cells["2e651226"], names | {"OUTPUTS": tmp_path, "found": found})
    score = mido.MidiFile(tmp_path / "minute_score.mid")
    assert sum(message.type == "set_tempo" for message in score) == 1


# Sounds, controls, questions, links, and what is said of them all in 00 and the README.

README = FOLDER.parent / "README.md"
LOUDEST = -14.0  # dBFS, RMS
# At least:
N_CONTROLS = {"01": 2, "02": 3, "03": 3, "04": 3, "05": 5, "06": 0, "07": 9, "08": 2, "09": 2}
N_CONTROLS["10"] = 13
UNNUMBERED = ["Exercises", "Quiz", "Recap", "Limits", "Sources"]
WIDGETS = "application/vnd.jupyter.widget-state+json"


def read(path):
    return path.read_text(encoding="utf-8")


def head(path):
    return NOTEBOOKS[path].cells[0].source


def headings(path):
    return re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)


def links(text):
    return re.findall(r"\]\(([^)\s]+)\)", text)


def n_controls(path):
    """Count the controls of what `explore` displays: rows of widgets that end in a button."""
    models = NOTEBOOKS[path].metadata.get("widgets", {}).get(WIDGETS, {}).get("state", {})
    boxes = [m["state"] for m in models.values() if m["model_name"] == "HBoxModel"]
    rows = [box["children"] for box in boxes if box.get("children")]
    last = [models[row[-1].removeprefix("IPY_MODEL_")]["state"] for row in rows]
    pairs = zip(rows, last, strict=True)
    return sum(len(row) - 1 for row, button in pairs if button.get("description") == "Reset")


@each(PATHS)
def test_no_stored_sound_is_loud(path):
    levels = []
    for data in re.findall(r"data:audio/\w+;base64,([\w+/=]+)", read(path)):
        y, _ = soundfile.read(io.BytesIO(base64.b64decode(data)))
        levels.append(10 * np.log10(max(np.mean(np.square(y)), 1e-20)))
    assert levels
    assert max(levels) <= LOUDEST


@each(PATHS)
def test_a_notebook_asks_for_few_predictions(path):
    assert sum(cell.source.count("questions.predict(") for cell in code_cells(path)) <= 6


@each(TAUGHT)
def test_a_notebook_can_be_played_with(path):
    assert n_controls(path) >= N_CONTROLS[path.name[:2]]


@each(TAUGHT)
def test_a_notebook_ends_in_a_quiz(path):
    assert [cell for cell in code_cells(path) if "questions.quiz(" in cell.source]


@each(SHOWN)
def test_the_head_links_to_the_map_and_to_both_neighbours(path):
    """So does the end, to what comes next; an appendix leads back to the map."""
    at = PATHS.index(path)
    before, after = PATHS[at - 1], PATHS[at + 1] if path in TAUGHT else PATHS[0]
    neighbours = {before.name, after.name} if path in TAUGHT else set()
    assert {"00_start_here.ipynb#The-map", *neighbours} <= set(links(head(path)))
    end = [cell for cell in NOTEBOOKS[path].cells if cell.cell_type == "markdown"][-1].source
    assert after.name in {link.partition("#")[0] for link in links(end)}


@each(PATHS)
def test_a_link_into_a_notebook_leads_to_a_heading(path):
    """JupyterLab names a heading by its text, with hyphens for its spaces."""
    for link in links(prose(path)):
        target, _, fragment = link.partition("#")
        if fragment and not target.startswith("http"):
            named = {text.replace(" ", "-") for text in headings(FOLDER / (target or path.name))}
            assert unquote(fragment) in named, link


@each(SHOWN)
def test_heads_have_one_form(path):
    title, empty, promise, _, line, *_ = head(path).split("\n")
    assert re.fullmatch(rf"# {int(path.name[:2])} · \S.*[^.]", title)
    assert not empty
    assert re.fullmatch(r"\*\S[^\n]*[.?!]\*", promise), "a promise, in italics"
    assert re.match(rf"{stopwatch.STATED.pattern}; [a-z ,]+ to (run|listen) · \[", line)
    assert stopwatch.waiting(NOTEBOOKS[path])


@each(TAUGHT)
def test_sections_are_numbered_and_those_that_every_lesson_has_are_not(path):
    sections = re.findall(r"^## (.+)$", prose(path), re.MULTILINE)
    numbered = [text for text in sections if text not in UNNUMBERED]
    assert [text.partition(". ")[0] for text in numbered] == [
        str(i) for i in range(1, len(numbered) + 1)
    ]


@each(SHOWN)
def test_every_paper_among_the_sources_has_an_address(path):
    """So has every book: whatever has a year. A line may cite several, after semicolons."""
    lines = re.findall(r"^- .*$", prose(path).partition("## Sources")[2], re.MULTILINE)
    cited = [one for line in lines for one in re.split(r"; (?=(?:\w\. )+[A-Z])", line)]
    papers = [one for one in cited if re.search(r"\b(1[89]|20)\d\d\b", one)]
    assert papers
    assert [one for one in papers if "](http" not in one] == []


def routes(text):
    """Return the lines that say what the routes take, without the folder of their links."""
    lines = [s for s in text.split("\n") if s.startswith((stopwatch.WHOLE, stopwatch.SHORT))]
    return [line.replace("](notebooks/", "](") for line in lines]


def test_the_readme_and_notebook_00_state_the_same_routes():
    whole, short = routes(read(README))
    assert routes(prose(PATHS[0])) == [whole, short]
    by_number = {path.name[:2]: NOTEBOOKS[path] for path in PATHS}
    exact = stopwatch.route_minutes(by_number, stopwatch.stops(short))
    said = int(re.search(r"takes (\d+) minutes", short)[1])
    assert abs(said - exact) <= 1, "python notebooks/stopwatch.py --state"
    assert max(said, exact) <= 90
    stated = stopwatch.state_routes(whole, by_number)
    assert stopwatch.TAKES.findall(whole) == stopwatch.TAKES.findall(stated), "stopwatch.py --state"


def rows(text):
    """Return the rows of the table of notebooks by number, but for folders and pages."""
    text = re.sub(r" \(\[page\]\([^)]*\)\)", "", text)
    return {row[2]: row[0].replace("](notebooks/", "](") for row in stopwatch.ROW.finditer(text)}


def test_the_tables_state_the_titles_and_the_minutes_of_the_heads():
    table = rows(read(README))
    assert table.keys() == {path.name[:2] for path in PATHS}
    for path in PATHS:
        title = head(path).partition("\n")[0].removeprefix("# ")
        minutes, exercises = stopwatch.STATED.search(head(path)).groups()
        stated = f"{minutes} + {exercises}" if exercises else minutes
        row = table[path.name[:2]]
        assert row.startswith(f"| [{title}]({path.name}) |")
        assert row.endswith(f"| {stated} |"), "python notebooks/stopwatch.py --state"


def test_notebook_00_has_the_readmes_table_but_for_itself():
    table = rows(read(README))
    del table["00"]
    assert rows(prose(PATHS[0])) == table


def test_the_readme_leads_to_the_page_of_each_notebook():
    settings = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))
    book = settings["project"]["urls"]["Book"]
    for row in stopwatch.ROW.finditer(read(README)):
        name = links(row[0])[0].removeprefix("notebooks/").removesuffix(".ipynb")
        assert f"([page]({book}{name}.html))" in row[0]


def test_the_picture_of_the_readme_is_one_of_notebook_00():
    picture = FOLDER / "start.png"
    (cell,) = (cell for cell in code_cells(PATHS[0]) if cell.id == "readme-picture")
    stored = re.search(r"base64,([\w+/=]+)", "".join(cell.outputs[0].data["text/html"]))[1]
    assert base64.b64decode(stored) == picture.read_bytes(), "execute.py --store writes both"
    assert picture.stat().st_size <= 60_000
    assert re.search(r"!\[[^]]{40,}\]\(notebooks/start\.png\)", read(README))
