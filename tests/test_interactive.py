import base64
import io
import re

import ipywidgets as widgets
import numpy as np
import pytest
import soundfile

from helpers import audio, files, frame_model, interactive, plotting, sound_metrics


def tone(duration=1.0, sr=16000, amplitude=0.5, f=440.0):
    t = np.arange(int(duration * sr)) / sr
    return (amplitude * np.sin(2 * np.pi * f * t)).astype(np.float32)


def embedded(shown):
    """Return the samples, sampling rate and MIME type of each sound in some HTML."""
    for kind, data in re.findall(r'src="data:(audio/\w+);base64,([^"]+)"', shown.html):
        yield *soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32"), kind


def test_a_short_sound_is_embedded_sample_by_sample_at_its_own_level():
    y = tone(amplitude=0.01)
    ((heard, sr, kind),) = embedded(interactive.player(y, sr=16000, label="quiet"))
    assert (sr, kind) == (16000, "audio/wav")
    np.testing.assert_allclose(heard, y, atol=0.6 / 32767)


def test_a_long_sound_is_compressed_and_keeps_its_level():
    y = tone(10, amplitude=0.1)
    ((heard, sr, kind),) = embedded(interactive.player(y, sr=16000, label="long"))
    assert (sr, kind) == (16000, "audio/mpeg")
    assert abs(audio.level_dbfs(heard) - audio.level_dbfs(y)) < 0.2


def test_a_lossless_sound_is_kept_whatever_its_length():
    y = tone(10)
    ((heard, _, kind),) = embedded(interactive.player(y, sr=16000, label="long", lossless=True))
    assert kind == "audio/flac"
    np.testing.assert_allclose(heard, y, atol=0.6 / 32767)


@pytest.mark.parametrize(("sr", "expected"), [(3000, 8000), (8000, 8000), (10000, 11025)])
def test_rates_that_browsers_refuse_are_resampled_up(sr, expected):
    y = tone(sr=sr)
    ((heard, rate, _),) = embedded(interactive.player(y, sr=sr, label="low"))
    assert rate == expected
    assert abs(len(heard) / rate - 1.0) < 0.01


def test_rates_above_all_are_resampled_down():
    ((_, rate, _),) = embedded(interactive.player(tone(0.2, 96000), sr=96000, label="high"))
    assert rate == 48000


def test_clipped_samples_are_counted_and_said():
    y = tone(amplitude=0.5)
    y[:3] = [1.5, -2, 1.01]
    shown = interactive.player(y, sr=16000, label="loud")
    assert "3 samples clipped" in shown.text
    assert "clipped" not in interactive.player(tone(), sr=16000, label="fine").text


def test_the_caption_says_duration_and_level():
    assert interactive.player(tone(), sr=16000, label="A").text == "Sound: A (1.0 s, -9.0 dBFS)"
    silence = np.zeros(16000, np.float32)
    assert "silence" in interactive.player(silence, sr=16000, label="nothing").text


def test_a_label_is_escaped():
    shown = interactive.player(tone(), sr=16000, label='<script>"x"')
    assert "<script>" not in shown.html
    assert "&lt;script&gt;&quot;x&quot;" in shown.html


@pytest.mark.parametrize("bad", [np.zeros(0, np.float32), np.array([np.nan], np.float32)])
def test_an_invalid_waveform_is_refused(bad):
    with pytest.raises(audio.AudioError, match="y"):
        interactive.player(bad, sr=16000, label="bad")


def test_a_file_is_embedded_as_it_is(tmp_path):
    path = tmp_path / "both.mp3"
    soundfile.write(path, np.stack([tone(), -tone()], axis=1), 16000)
    shown = interactive.file_player(path, label="A & B")
    ((heard, sr, kind),) = embedded(shown)
    assert (heard.shape, sr, kind) == ((16000, 2), 16000, "audio/mpeg")
    assert base64.b64encode(path.read_bytes()).decode() in shown.html
    assert shown.text == "Sound: A & B (1.0 s, stereo, -9.0 dBFS)"
    assert "A &amp; B" in shown.html
    soundfile.write(tmp_path / "one.wav", tone(), 16000)
    assert "mono" in interactive.file_player(tmp_path / "one.wav", label="one").text


def test_a_file_that_browsers_do_not_play_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"end in one of .* got 'x.aiff'"):
        interactive.file_player(tmp_path / "x.aiff", label="x")


def test_players_are_compared_under_their_labels():
    shown = interactive.compare_players({"soft": tone(amplitude=0.1), "loud": tone()}, sr=16000)
    assert len(list(embedded(shown))) == 2
    assert shown.text.splitlines()[0].startswith("Sound: soft")
    with pytest.raises(ValueError, match="at least one"):
        interactive.compare_players({}, sr=16000)


def view(gain):
    if gain > 0.9:
        raise ValueError("gain must be at most 0.9, got <more>")
    y = tone(0.1, amplitude=gain)
    picture = plotting.show(plotting.waveform(y, sr=16000), alt=f"A tone of amplitude {gain}.")
    return picture, interactive.player(y, sr=16000, label="tone"), interactive.line(f"gain {gain}")


def test_a_moved_slider_remakes_picture_sound_and_text_and_can_be_undone():
    slider = widgets.FloatSlider(value=0.5, min=0, max=1)
    box = interactive.explore(view, gain=slider)
    page, reset = box.children[1], box.children[0].children[-1]
    before = page.value
    slider.value = 0.25
    assert "gain 0.25" in page.value
    assert re.findall(r"base64,([^\"]+)", page.value) != re.findall(r"base64,([^\"]+)", before)
    reset.click()
    assert page.value == before


def test_an_error_of_a_view_is_shown_and_gone_with_the_next_value():
    slider = widgets.FloatSlider(value=0.5, min=0, max=1)
    box = interactive.explore(view, gain=slider)
    slider.value = 0.95
    assert (
        box.children[1].value
        == "<p><strong>gain must be at most 0.9, got &lt;more&gt;</strong></p>"
    )
    slider.value = 0.3
    assert "gain 0.3" in box.children[1].value


def test_a_view_may_return_one_thing():
    box = interactive.explore(lambda n: interactive.line(f"n is {n}"), n=widgets.IntSlider(value=3))
    assert box.children[1].value == "<p>n is 3</p>"


def test_the_live_curve_is_redrawn_with_each_epoch():
    live = interactive.LiveCurve({"silence": 1.0})
    pictures = []
    for n in (1, 2):
        live(frame_model.History((1.0,) * n, (1.1,) * n, (0.5,) * n))
        pictures.append(live.widget.value)
    assert "after 1 epochs" in pictures[0]
    assert "after 2 epochs" in pictures[1]
    logarithmic = interactive.LiveCurve({"uniform": 138.0}, unit="bits a frame", log=True)
    logarithmic(frame_model.History((1.0,), (1.1,), (0.5,)))
    assert logarithmic.widget.value != pictures[0]


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
    return interactive.listening_test(
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
    names, sounds = interactive.draw_questions(clips, N_EACH, rng=np.random.default_rng(0))
    assert sorted(names) == ["Markov", "human", "human", "ours"]
    assert len({len(y) for y in sounds}) == 1
    assert np.ptp([audio.level_dbfs(y) for y in sounds]) < 1e-3
    assert max(np.abs(y).max() for y in sounds) < 1
    impulse = np.zeros(16000, np.float32)
    impulse[100] = 1  # the least level for its peak decides
    _, sounds = interactive.draw_questions(
        {"a": [impulse], "b": [tone()]}, {"a": 1, "b": 1}, rng=np.random.default_rng(0)
    )
    assert np.ptp([audio.level_dbfs(y) for y in sounds]) < 1e-3
    assert max(np.abs(y).max() for y in sounds) < 1


def test_no_sound_is_drawn_twice_and_every_order_can_come():
    clips, orders = some_clips(), set()
    for seed in range(100):
        names, sounds = interactive.draw_questions(clips, N_EACH, rng=np.random.default_rng(seed))
        assert len({y.tobytes() for y in sounds}) == 4
        orders.add(tuple(names))
    assert len(orders) == 12  # of four, two are alike


@pytest.mark.parametrize("n_each", [{"human": 5}, {"nobody": 1}, {"human": -1}])
def test_more_questions_than_sounds_are_refused(n_each):
    with pytest.raises(ValueError, match=r"clips must hold .* sounds of .*, got \d"):
        interactive.draw_questions(some_clips(), n_each, rng=np.random.default_rng(0))


def test_silence_and_empty_tests_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="must not be silent"):
        interactive.draw_questions({"a": [np.zeros(9, np.float32)]}, {"a": 1}, rng=rng)
    with pytest.raises(ValueError, match="one sound at least"):
        interactive.draw_questions({"a": []}, {"a": 0}, rng=rng)


def test_answers_are_scored_with_an_interval():
    score = interactive.score_answers(
        list("hmhm"), list("hmmm"), interval=sound_metrics.wilson_interval
    )
    assert score == (3, sound_metrics.wilson_interval(3, 4))
    with pytest.raises(ValueError, match="the 2 questions, 1 missing"):
        interactive.score_answers(list("hm"), ["h", None], interval=sound_metrics.wilson_interval)


def test_saved_answers_are_added_and_none_is_lost(tmp_path):
    path = tmp_path / "deep" / "answers.csv"
    assert interactive.load_answers(path) == []
    assert interactive.save_answers(path, ["ours, 1"], ["machine"], ["human"]) == 1
    assert interactive.save_answers(path, ["a", "b"], ["x", "y"], ["x", "y"]) == 2
    rows = interactive.load_answers(path)
    assert [(row["test"], row["question"], row["sound"]) for row in rows] == [
        (1, 1, "ours, 1"),
        (2, 1, "a"),
        (2, 2, "b"),
    ]
    assert rows[0]["answer"] == "human"
    assert [file.name for file in path.parent.iterdir()] == ["answers.csv"]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "test,question,sound,right,answer\nx,1,a,b,c\n"])
def test_a_file_of_something_else_is_left_alone(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match="must have the columns test, question"):
        interactive.save_answers(path, ["a"], ["x"], ["x"])
    assert path.read_text() == text


def test_a_write_that_fails_leaves_the_old_answers(tmp_path, monkeypatch):
    path = tmp_path / "answers.csv"
    interactive.save_answers(path, ["a"], ["x"], ["x"])

    def full(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        interactive.save_answers(path, ["b"], ["x"], ["x"])
    assert [row["sound"] for row in interactive.load_answers(path)] == ["a"]
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
    assert sorted(row["sound"] for row in interactive.load_answers(path)) == sorted(
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
