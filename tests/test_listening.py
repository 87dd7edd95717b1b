import base64
import io
import re

import numpy as np
import pytest
import soundfile

from helpers import audio, files, listening, sound_metrics


def tone(duration=1.0, sr=16000, amplitude=0.5, f=440.0):
    t = np.arange(int(duration * sr)) / sr
    return (amplitude * np.sin(2 * np.pi * f * t)).astype(np.float32)


N_EACH = {"human": 2, "ours": 1, "Markov": 1}
RIGHT = {"human": "by a human", "ours": "by a machine", "Markov": "by a machine"}


def some_clips():
    """Return sounds of several levels and lengths, each with a frequency of its own."""
    return {
        name: [
            tone(1 + 0.1 * i, amplitude=0.1 * (k + 1), f=200 * (5 * k + i + 1)) for i in range(4)
        ]
        for k, name in enumerate(RIGHT)
    }


def a_test(path, **changes):
    return listening.BlindTest(
        some_clips(),
        N_EACH,
        right=RIGHT,
        sr=16000,
        seed=7,
        path=path,
        interval=sound_metrics.wilson_interval,
        **changes,
    )


def parts(box):
    questions, buttons, page = box.children
    return [question.children for question in questions.children], *buttons.children, page


def sound_of(player):
    data = re.search(r"base64,([^\"]+)", player.value)[1]
    return soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32")[0]


def test_questions_have_one_length_and_one_level_and_stay_below_full_scale():
    clips = some_clips()
    names, sounds = listening._draw_questions(clips, N_EACH, rng=np.random.default_rng(0))
    assert sorted(names) == ["Markov", "human", "human", "ours"]
    assert len({len(y) for y in sounds}) == 1
    assert np.ptp([audio.level_dbfs(y) for y in sounds]) < 1e-3
    assert max(np.abs(y).max() for y in sounds) < 1
    impulse = np.zeros(16000, np.float32)
    impulse[100] = 1  # the least level for its peak decides
    _, sounds = listening._draw_questions(
        {"a": [impulse], "b": [tone()]}, {"a": 1, "b": 1}, rng=np.random.default_rng(0)
    )
    assert np.ptp([audio.level_dbfs(y) for y in sounds]) < 1e-3
    assert max(np.abs(y).max() for y in sounds) < 1


def test_no_sound_is_drawn_twice_and_every_order_can_come():
    clips, orders = some_clips(), set()
    for seed in range(100):
        names, sounds = listening._draw_questions(clips, N_EACH, rng=np.random.default_rng(seed))
        assert len({y.tobytes() for y in sounds}) == 4
        orders.add(tuple(names))
    assert len(orders) == 12  # of four, two are alike


@pytest.mark.parametrize("n_each", [{"human": 5}, {"nobody": 1}, {"human": -1}])
def test_more_questions_than_sounds_are_refused(n_each):
    with pytest.raises(ValueError, match=r"clips must hold .* sounds of .*, got \d"):
        listening._draw_questions(some_clips(), n_each, rng=np.random.default_rng(0))


def test_silence_and_empty_tests_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must not be silent"):
        listening._draw_questions({"a": [np.zeros(9, np.float32)]}, {"a": 1}, rng=rng)
    with pytest.raises(ValueError, match="one sound at least"):
        listening._draw_questions({"a": []}, {"a": 0}, rng=rng)


def test_saved_answers_are_added_and_none_is_lost(tmp_path):
    path = tmp_path / "deep" / "answers.csv"
    assert listening.load_answers(path) == []
    assert listening._save_answers(path, ["ours, 1"], ["machine"], ["human"]) == 1
    assert listening._save_answers(path, ["a", "b"], ["x", "y"], ["x", "y"]) == 2
    rows = listening.load_answers(path)
    assert [(row["test"], row["question"], row["sound"]) for row in rows] == [
        (1, 1, "ours, 1"),
        (2, 1, "a"),
        (2, 2, "b"),
    ]
    assert rows[0]["answer"] == "human"
    assert [file.name for file in path.parent.iterdir()] == ["answers.csv"]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "format,test,question,sound,right,answer\n1,x,1,a,b,c\n",
        "test,question,sound,right,answer\n1,1,a,b,c\n",  # before there was a format
        "format,test,question,sound,right,answer\n2,1,1,a,b,c\n",
    ],
)
def test_a_file_of_another_format_is_named_and_left_alone(tmp_path, text, capsys):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    assert listening.load_answers(path) == []
    assert re.search(r"Not used: .*mine.csv must have the columns", capsys.readouterr().out)
    with pytest.raises(ValueError, match=r"must have the columns format, test, .*: move it away"):
        listening._save_answers(path, ["a"], ["x"], ["x"])
    assert path.read_text() == text


def test_a_write_that_fails_leaves_the_old_answers(tmp_path, monkeypatch):
    path = tmp_path / "answers.csv"
    listening._save_answers(path, ["a"], ["x"], ["x"])

    def full(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        listening._save_answers(path, ["b"], ["x"], ["x"])
    assert [row["sound"] for row in listening.load_answers(path)] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_listening_test_gives_nothing_away(tmp_path):
    questions, score, save, _, page = parts(a_test(tmp_path / "answers.csv"))
    pages = [player.value for player, _ in questions] + [page.value]
    for name in N_EACH:
        assert not any(name in re.sub('base64,[^"]+', "", text) for text in pages)
    assert len({len(player.value) for player, _ in questions}) == 1
    sounds = [sound_of(player) for player, _ in questions]
    assert len({len(y) for y in sounds}) == 1
    assert np.ptp([audio.level_dbfs(y) for y in sounds]) < 0.5
    assert all(choice.value is None for _, choice in questions)
    assert score.disabled
    assert save.disabled


def test_a_listening_test_scores_saves_and_begins_anew(tmp_path):
    path = tmp_path / "answers.csv"
    box = a_test(path)
    questions, score, save, again, page = parts(box)
    for _, choice in questions:
        assert score.disabled
        choice.value = "by a human"
    score.click()
    assert "2 of 4 right" in page.value
    assert "between 15 % and 85 %" in page.value
    assert page.value.count("<td>wrong</td>") == 2
    assert all(choice.disabled for _, choice in questions)
    assert not path.exists()
    save.click()
    assert "Saved as test 1" in page.value
    assert save.disabled
    assert sorted(row["sound"] for row in listening.load_answers(path)) == sorted(
        ["Markov", "human", "human", "ours"]
    )
    before = [player.value for player, _ in questions]
    again.click()
    after = [player.value for player, _ in parts(box)[0]]
    assert set(before) != set(after)
    assert after == [player.value for player, _ in parts(a_test(path))[0]]  # the second test
    assert "right" not in page.value


def test_a_listening_test_says_why_it_could_not_save(tmp_path):
    path = tmp_path / "answers.csv"
    questions, score, save, _, page = parts(a_test(path))
    for _, choice in questions:
        choice.value = "by a machine"
    score.click()
    path.write_text("something else\n<b>\n")
    save.click()
    assert "<strong>" in page.value
    assert "must have the columns" in page.value
    assert not save.disabled
    assert path.read_text() == "something else\n<b>\n"
