import base64
import io
import re

import ipywidgets as widgets
import numpy as np
import pytest
import soundfile

from helpers import audio, interactive, models, plotting


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
    return picture, interactive.player(y, sr=16000, label="tone"), interactive.note(f"gain {gain}")


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
    box = interactive.explore(lambda n: interactive.note(f"n is {n}"), n=widgets.IntSlider(value=3))
    assert box.children[1].value == "<p>n is 3</p>"


def test_the_live_curve_is_redrawn_with_each_epoch():
    live = interactive.LiveCurve({"silence": 1.0})
    pictures = []
    for n in (1, 2):
        live(models.History((1.0,) * n, (1.1,) * n, (0.5,) * n))
        pictures.append(live.widget.value)
    assert "after 1 epochs" in pictures[0]
    assert "after 2 epochs" in pictures[1]
