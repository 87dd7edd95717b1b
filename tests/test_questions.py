import base64
import io
import re

import numpy as np
import pytest
import soundfile

from helpers import audio, files, plotting, questions, sound_metrics
from helpers.questions import Question

N_EACH = {"ours": 2, "Markov": 1}  # of a listening test


@pytest.fixture(autouse=True)
def a_new_kernel(monkeypatch):
    monkeypatch.setattr(questions, "_given", {})


def ask(**changes):
    options = {"reveal": "It <falls> silent.", "answer": "silence"} | changes
    return questions.predict("What comes next?", ["music", "silence"], **options)


def parts(asked):
    text, box = asked.parts
    return text, *box.children


def test_the_question_stands_on_every_page_and_its_answer_does_not():
    text, buttons, page = parts(ask())
    assert text.text == "Predict: What comes next? [music | silence]"
    assert "What comes next?" in text.html
    assert (buttons.value, buttons.disabled, page.value) == (None, False, "")
    assert buttons.description == "Your prediction:"


@pytest.mark.parametrize(
    ("choice", "said"), [("silence", "That is right."), ("music", "It is: silence.")]
)
def test_a_choice_reveals_the_answer_and_is_final(choice, said):
    _, buttons, page = parts(ask())
    buttons.value = choice
    assert f"You said: <strong>{choice}</strong>. {said}" in page.value
    assert "It &lt;falls&gt; silent." in page.value
    assert buttons.disabled


def test_the_first_answer_is_kept_when_the_cell_runs_again():
    _, buttons, page = parts(ask())
    buttons.value = "music"
    _, again, page_again = parts(ask())
    assert (again.value, again.disabled) == ("music", True)
    assert page_again.value == page.value
    assert parts(questions.predict("Another?", ["a", "b"], reveal="c"))[1].value is None


def test_an_answer_that_is_no_choice_any_more_is_forgotten():
    parts(ask())[1].value = "music"
    _, buttons, page = parts(questions.predict("What comes next?", ["a", "b"], reveal="c"))
    assert (buttons.value, page.value) == (None, "")
    buttons.value = "b"
    assert "You said: <strong>b</strong>." in page.value


def test_where_nothing_is_right_nothing_is_judged():
    _, buttons, page = parts(ask(answer=None))
    buttons.value = "music"
    assert page.value.startswith("<p>You said: <strong>music</strong>.</p>")


def test_a_picture_or_player_can_be_revealed():
    _, buttons, page = parts(ask(reveal=plotting.Shown("<img alt='x'>", "x")))
    buttons.value = "music"
    assert page.value.endswith("<img alt='x'>")


@pytest.mark.parametrize("choices", [[], ["one"], ["same", "same"], "ab"])
def test_a_question_without_a_choice_is_refused(choices):
    with pytest.raises(ValueError, match="2 or more different texts"):
        questions.predict("?", choices, reveal="x")


def test_an_answer_that_is_no_choice_is_refused():
    with pytest.raises(ValueError, match=r"one of \['a', 'b'\], got 'c'"):
        questions.predict("?", ["a", "b"], reveal="x", answer="c")
    with pytest.raises(ValueError, match="got 'c'"):
        questions.quiz([Question("?", ("a", "b"), "c", "")])


def two_questions():
    return [
        Question("First?", ("a", "b"), "a", "Because <1>.", "Look at 1."),
        Question("Second?", ("c", "d"), "d", "Because 2."),
    ]


def rows(asked):
    *asked_parts, score = asked.parts
    return [box.children for box in asked_parts[1::2]], score


def test_a_quiz_shows_each_question_above_its_choices():
    asked = questions.quiz(two_questions())
    assert [part.text for part in asked.parts[:4:2]] == [
        "1: First? [a | b]",
        "2: Second? [c | d]",
    ]
    ((first, _), (second, _)), score = rows(asked)
    assert (first.description, second.description) == ("Answer 1:", "Answer 2:")
    assert "0 of 2 answered, 0 right" in score.value
    assert repr(score) == "What changes as you go on stands here in a running notebook."


def test_a_quiz_explains_each_choice_and_counts_first_tries():
    ((first, said), (second, said_second)), score = rows(questions.quiz(two_questions()))
    first.value = "b"
    assert "Not that one.</strong> Look at 1." in said.value
    assert not first.disabled
    first.value = "a"
    assert "Right.</strong> Because &lt;1&gt;." in said.value
    assert first.disabled
    second.value = "d"
    assert "Because 2." in said_second.value
    assert "2 of 2 answered, 1 right at the first try" in score.value


def test_a_quiz_that_runs_again_shows_what_was_answered():
    ((first, said), _), score = rows(questions.quiz(two_questions()))
    first.value = "b"
    ((again, said_again), (second, _)), score_again = rows(questions.quiz(two_questions()))
    assert (again.value, second.value) == ("b", None)
    assert (said_again.value, score_again.value) == (said.value, score.value)
    again.value = "a"
    assert "1 of 2 answered, 0 right" in score_again.value


@pytest.mark.parametrize("asked", [[], two_questions()[:1] * 2])
def test_a_quiz_without_different_questions_is_refused(asked):
    with pytest.raises(ValueError, match="different texts"):
        questions.quiz(asked)


def test_displaying_shows_the_parts_in_order(monkeypatch):
    shown = []
    monkeypatch.setattr(questions, "display", shown.append)
    asked = questions.quiz(two_questions())
    asked._ipython_display_()
    assert tuple(shown) == asked.parts


def tone(duration=1.0, sr=16000, amplitude=0.5, f=440.0):
    t = np.arange(int(duration * sr)) / sr
    return (amplitude * np.sin(2 * np.pi * f * t)).astype(np.float32)


def some_clips():
    """Return sounds of several levels and lengths, each with a frequency of its own."""
    return {
        name: [
            tone(1 + 0.1 * i, amplitude=0.1 * (k + 1), f=200 * (5 * k + i + 1)) for i in range(4)
        ]
        for k, name in enumerate(("human", *N_EACH))
    }


def a_test(path, **changes):
    return questions.BlindTest(
        some_clips(),
        N_EACH,
        reference="human",
        sr=16000,
        seed=7,
        path=path,
        interval=sound_metrics.wilson_interval,
        **changes,
    )


def parts_of(box):
    pairs, buttons, page = box.children
    return [pair.children for pair in pairs.children], *buttons.children, page


def sounds_of(players):
    data = re.findall(r"base64,([^\"]+)", players.value)
    return [soundfile.read(io.BytesIO(base64.b64decode(one)), dtype="float32")[0] for one in data]


def draw(clips, n_each, *, abx=False, seed=0):
    rng = np.random.default_rng(seed)
    return questions._draw_questions(clips, n_each, "human", abx, rng=rng)


def pitch(y):
    return round(np.abs(np.fft.rfft(y, 16000)).argmax() / 200)


def test_questions_have_one_length_and_one_level_and_stay_below_full_scale():
    names, _, sounds = draw(some_clips(), N_EACH)
    assert sorted(names) == ["Markov", "ours", "ours"]
    flat = [y for some in sounds for y in some]
    assert len({len(y) for y in flat}) == 1
    assert np.ptp([audio.level_dbfs(y) for y in flat]) < 1e-3
    assert max(np.abs(y).max() for y in flat) < 1
    impulse = np.zeros(16000, np.float32)
    impulse[100] = 1  # the least level for its peak decides
    _, _, ((one, other),) = draw({"human": [impulse], "b": [tone()]}, {"b": 1})
    assert audio.level_dbfs(one) == pytest.approx(audio.level_dbfs(other), abs=1e-3)
    assert max(np.abs(one).max(), np.abs(other).max()) < 1


@pytest.mark.parametrize("abx", [False, True])
def test_pairs_come_from_one_place_and_the_right_answer_is_the_reference_or_x(abx):
    rights, places = [], set()
    for seed in range(60):
        names, right, sounds = draw(some_clips(), N_EACH, abx=abx, seed=seed)
        heard = set()
        for name, letter, some in zip(names, right, sounds, strict=True):
            heights = [pitch(y) - 1 for y in some]
            kinds, place = [h // 5 for h in heights], {h % 5 for h in heights}
            assert len(place) == 1
            assert sorted(kinds[:2]) == [0, 1 + list(N_EACH).index(name)]
            assert kinds["AB".index(letter)] == (kinds[2] if abx else 0)
            if abx:  # the same again, but not byte for byte
                assert not np.array_equal(some[2], some["AB".index(letter)])
            heard |= place
            rights.append(letter)
        assert len(heard) == len(names)
        places |= heard
    assert places == {0, 1, 2, 3}
    assert 60 <= rights.count("A") <= 120


@pytest.mark.parametrize("n_each", [{"ours": 5}, {"nobody": 1}, {"ours": -1}, {"ours": 0}, {}])
def test_more_questions_than_places_and_none_are_refused(n_each):
    with pytest.raises(ValueError, match=r"n_each must ask for 1 to \d questions.*, got {"):
        draw(some_clips(), n_each)


def test_silence_is_refused():
    silent = [np.zeros(9000, np.float32)]
    with pytest.raises(ValueError, match="must not be silent"):
        draw({"human": silent, "a": silent}, {"a": 1})


def test_saved_answers_are_added_and_none_is_lost(tmp_path):
    path = tmp_path / "deep" / "answers.csv"
    assert questions.load_answers(path) == []
    assert questions._save_answers(path, 1, ["ours, 1"], ["machine"], ["human"]) == 1
    assert questions._save_answers(path, 1, ["a", "b"], ["x", "y"], ["x", "y"]) == 2
    rows = questions.load_answers(path)
    assert [(row["test"], row["question"], row["sound"]) for row in rows] == [
        (1, 1, "ours, 1"),
        (2, 1, "a"),
        (2, 2, "b"),
    ]
    assert rows[0]["answer"] == "human"
    assert rows[0]["listener"] == "answers"
    assert [file.name for file in path.parent.iterdir()] == ["answers.csv"]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "format,test,question,sound,right,answer\n2,x,1,a,b,c\n",
        "test,question,sound,right,answer\n1,1,a,b,c\n",  # before there was a format
        "format,test,question,sound,right,answer\n1,1,1,a,b,c\n",  # of single sounds
        "format,test,question,sound,right,answer\n2,1,1,a,b,\n",  # cut off
        "format,test,question,sound,right,answer\n2,1,1,a,b",
    ],
)
def test_a_file_of_another_format_is_named_and_left_alone(tmp_path, text, capsys):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    assert questions.load_answers(path) == []
    assert re.search(r"Not used: .*mine.csv must have the columns", capsys.readouterr().out)
    with pytest.raises(ValueError, match=r"must have the columns format, test, .*: move it away"):
        questions._save_answers(path, 1, ["a"], ["x"], ["x"])
    assert path.read_text() == text


@pytest.mark.parametrize("separator", [b",", b";"])  # of an English Excel, of a German one
def test_the_answers_of_a_class_are_one_table(tmp_path, separator, capsys):
    for name, n in {"ada": 2, "max": 3}.items():
        path = tmp_path / f"{name}.csv"
        questions._save_answers(path, 1, ["ours"] * n, ["A"] * n, ["B"] * n)
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    (tmp_path / "old.csv").mkdir()
    excel = path.read_bytes().replace(b"\n", b"\r\n").replace(b",", separator)
    path.write_bytes(b"\xef\xbb\xbf" + excel)
    rows = questions.load_answers(tmp_path)
    assert [row["listener"] for row in rows] == ["ada"] * 2 + ["max"] * 3
    assert re.findall(r"Not used: .*(notes|old)\.csv", capsys.readouterr().out) == ["notes", "old"]
    assert questions.load_answers(tmp_path / "nobody") == []
    assert questions._save_answers(path, 1, ["ours"], ["A"], ["B"]) == 2
    assert len(questions.load_answers(path)) == 4


def test_a_write_that_fails_leaves_the_old_answers(tmp_path, monkeypatch):
    path = tmp_path / "answers.csv"
    questions._save_answers(path, 1, ["a"], ["x"], ["x"])

    def full(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        questions._save_answers(path, 1, ["b"], ["x"], ["x"])
    assert [row["sound"] for row in questions.load_answers(path)] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("abx", [False, True])
def test_a_listening_test_gives_nothing_away(tmp_path, abx):
    pairs, score, _, page = parts_of(a_test(tmp_path / "answers.csv", abx=abx))
    pages = [players.value for players, _ in pairs] + [page.value]
    for name in ("human", *N_EACH):
        assert not any(name in re.sub('base64,[^"]+', "", text) for text in pages)
    data = [re.findall('base64,([^"]+)', players.value) for players, _ in pairs]
    assert [len(some) for some in data] == [3 if abx else 2] * 3
    assert len({len(one) for some in data for one in some}) == 1
    assert len({one for some in data for one in some}) == sum(map(len, data))  # X's bytes differ
    sounds = [y for players, _ in pairs for y in sounds_of(players)]
    assert len({len(y) for y in sounds}) == 1
    assert np.ptp([audio.level_dbfs(y) for y in sounds]) < 1.5  # as the MP3 leaves pure tones
    asked = "X" if abx else "human"
    assert [choice.description for _, choice in pairs] == [
        f"{i}. Which of the two is {asked}?" for i in (1, 2, 3)
    ]
    assert all(choice.value is None for _, choice in pairs)
    assert score.disabled


def test_a_listening_test_scores_saves_and_begins_anew(tmp_path):
    path = tmp_path / "answers.csv"
    box = a_test(path)
    pairs, score, again, page = parts_of(box)
    for right, (_, choice) in zip(box._right, pairs, strict=True):
        assert score.disabled
        choice.value = right
    pairs[0][1].value = "B" if box._right[0] == "A" else "A"
    score.click()
    assert "2 of 3 right" in page.value
    assert "between 21 % and 94 %" in page.value
    assert page.value.count("<td>wrong</td>") == 1
    assert all(choice.disabled for _, choice in pairs)
    assert score.disabled
    assert "Saved as test 1" in page.value
    rows = questions.load_answers(path)
    assert sorted(row["sound"] for row in rows) == ["Markov", "ours", "ours"]
    assert [row["answer"] == row["right"] for row in rows] == [False, True, True]
    before = [players.value for players, _ in pairs]
    again.click()
    after = [players.value for players, _ in parts_of(box)[0]]
    assert set(before) != set(after)
    assert after == [players.value for players, _ in parts_of(a_test(path))[0]]  # the second test
    assert "right" not in page.value


def test_no_questions_come_again_after_a_test_that_was_passed_over(tmp_path):
    path = tmp_path / "answers.csv"
    box = a_test(path)
    parts_of(box)[2].click()  # the first test, unanswered
    pairs, score, _, page = parts_of(box)
    for _, choice in pairs:
        choice.value = "A"
    score.click()
    assert "Saved as test 2" in page.value
    answered = [players.value for players, _ in pairs]
    fresh = [players.value for players, _ in parts_of(a_test(path))[0]]  # the kernel begins anew
    assert fresh != answered
    parts_of(box)[2].click()
    assert fresh == [players.value for players, _ in parts_of(box)[0]]  # the third test


def test_a_listening_test_shows_no_score_that_it_could_not_save(tmp_path):
    path = tmp_path / "answers.csv"
    pairs, score, _, page = parts_of(a_test(path))
    for _, choice in pairs:
        choice.value = "A"
    path.write_text("something else\n<b>\n")
    score.click()
    assert "<strong>Not saved: " in page.value
    assert "of 3 right" not in page.value
    assert "must have the columns" in page.value
    assert path.read_text() == "something else\n<b>\n"
    path.unlink()
    score.click()
    assert "of 3 right" in page.value
