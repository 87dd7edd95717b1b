import copy
import csv
from pathlib import Path

import nbformat
import numpy as np
import pytest

from helpers import questions
from notebooks import execute

PROJECT = Path(__file__).parent.parent
PATH = PROJECT / "classroom" / "pooled_blind_test.ipynb"
STORED = nbformat.read(PATH, 4)


def hand_in(folder, name, rng, share, n=8):
    """Save a test as a listener would who is right in a share of the questions."""
    right = rng.choice(["A", "B"], n)
    wrong = np.where(right == "A", "B", "A")
    answers = np.where(rng.random(n) < share, right, wrong)
    sounds = ["ours"] * (n // 2) + ["Markov"] * (n - n // 2)
    path = folder / f"{name}.csv"
    questions._save_answers(path, 1, sounds, list(map(str, right)), list(map(str, answers)))
    return path


def pooled(folder):
    """Run the notebook on a folder; return what it says, and what its pictures say."""
    notebook = copy.deepcopy(STORED)
    for cell in notebook.cells:
        cell.source = cell.source.replace('Path("../outputs/08/pairs")', f"Path({str(folder)!r})")
    assert notebook.cells != STORED.cells
    execute.execute(notebook)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    return "".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Twelve who hear Markov and our network, and what teachers find in such folders."""
    folder, rng = tmp_path_factory.mktemp("class"), np.random.default_rng(3)
    for k in range(12):
        path = hand_in(folder, f"student {k}", rng, 0.9)
    (folder / "student 11 (1).csv").write_bytes(path.read_bytes())  # handed in twice
    questions._save_answers(path, 2, ["ours"], ["A"], ["A"])  # and, after a second test, again
    (folder / "holiday.csv").write_text("a,b\n1,2\n")
    (folder / "began.csv").write_text("format,test,question,sound,right,answer\n")
    (folder / "odd.csv").write_text("format,test,question,sound,right,answer\n2,1,1,ours,A,C\n")
    (folder / "folder.csv").mkdir()
    hand_in(folder, "$x_$", rng, 0.5)  # no formula
    rows = list(csv.reader(path.open(encoding="utf-8")))
    for row in rows[1:]:
        row[-1] = "A"  # another who drew the same questions
    with (folder / "twin.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)  # as a German Excel saves them
    return pooled(folder)


def test_a_class_that_hears_is_told_so(said):
    lines = {
        line.split()[0]: line for line in said.splitlines() if " p < " in line or " p = " in line
    }
    for name, n in {"ours": 58, "Markov": 56}.items():  # 14 listeners; two second tests
        assert f" of {n} " in lines[name]
        assert "p < 0.001" in lines[name]
        assert lines[name].endswith("of 14 students: told apart")
    assert "the class: shares of 14 students" in said
    assert "round 2" in said
    assert "SIMULATED GUESSING" not in said


def test_files_that_do_not_count_are_named_with_the_reason(said):
    assert "Counted once: student 11 (1) holds the same answers as student 11" in said
    assert "holiday.csv must have the columns" in said
    assert "began.csv has no answers" in said
    assert "odd.csv: answers must be A or B, got A, C" in said
    assert "The same questions, so not independent: student 11, twin." in said


def test_without_answers_it_shows_guessing_and_says_so():
    outputs = [output for cell in STORED.cells for output in cell.get("outputs", [])]
    said = "".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)
    assert "There are no answers in" in said
    assert "SIMULATED GUESSING: nobody listened" in said
    assert "Figure: simulated guessing: shares of 20 students" in said
    assert said.count("SIMULATED GUESSING") == 3
    assert PATH.stat().st_size < 150_000
