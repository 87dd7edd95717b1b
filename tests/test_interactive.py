import base64
import html
import io
import json
import re
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pytest
import soundfile
import traitlets
from PIL import Image

from helpers import audio, frame_model, interactive, plotting, synthesis

BANK = Path(__file__).parent.parent / "data" / "models" / "notes_bank.npz"
NOTES = [[0.02, 0.5, 60, 1], [0.61, 1.1, 64, 0.7], [1.2, 1.75, 67, 1.4]]  # of a piano


def tone(duration=1.0, sr=16000, amplitude=0.5, f=440.0):
    t = np.arange(int(duration * sr)) / sr
    return (amplitude * np.sin(2 * np.pi * f * t)).astype(np.float32)


def embedded(shown):
    """Return the samples, sampling rate and MIME type of each sound in some HTML."""
    for kind, data in re.findall(r'src="data:(audio/\w+);base64,([^"]+)"', shown.html):
        yield *soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="float32"), kind


def test_a_short_sound_is_embedded_at_its_own_level_with_its_ends_faded():
    y = tone(amplitude=0.01) + np.float32(0.01)  # cut where it is loud
    ((heard, sr, kind),) = embedded(interactive.player(y, sr=16000, label="quiet"))
    assert (sr, kind) == (16000, "audio/wav")
    np.testing.assert_allclose(heard[80:-80], y[80:-80], atol=0.6 / 32767)
    assert heard[0] == heard[-1] == 0
    assert np.abs(np.diff(heard)).max() < 1.1 * np.abs(np.diff(y)).max()  # no click


def test_a_long_sound_is_compressed_and_keeps_its_level():
    y = tone(10, amplitude=0.1)
    ((heard, sr, kind),) = embedded(interactive.player(y, sr=16000, label="long"))
    assert (sr, kind) == (16000, "audio/mpeg")
    assert abs(audio.level_dbfs(heard) - audio.level_dbfs(y)) < 0.2


def test_a_lossless_sound_is_kept_whatever_its_length():
    y = tone(10) + np.float32(0.1)
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


def test_a_view_gets_the_number_that_a_slider_shows():
    slider = widgets.FloatSlider(0.8, min=0, max=2, step=0.1)
    box = interactive.explore(lambda n: interactive.line(f"n is {n}"), n=slider)
    slider.value = 0.1 + 0.2
    assert "n is 0.3<" in box.children[1].value


def test_a_view_gets_the_very_option_that_is_chosen():
    options = [2**-0.5, 1.0, 2**0.5]  # which may be keys of a dictionary
    chosen = widgets.SelectionSlider(options=options, value=1.0)
    box = interactive.explore(lambda n: interactive.line(f"{options.index(n)} of 2"), n=chosen)
    chosen.value = options[2]
    assert "2 of 2" in box.children[1].value


def test_clipped_samples_are_counted_and_said():
    y = tone(amplitude=0.5)
    y[:3] = [1.5, -2, 1.01]
    shown = interactive.player(y, sr=16000, label="loud")
    assert "3 samples clipped" in shown.text
    y[1:3] = 0
    assert "1 sample clipped" in interactive.player(y, sr=16000, label="once").text
    assert "clipped" not in interactive.player(tone(), sr=16000, label="fine").text


def test_the_level_is_that_of_what_is_heard():
    y = 3 * tone(amplitude=0.5)
    level_db = audio.level_dbfs(np.clip(y, -1, 1))
    assert level_db < audio.level_dbfs(y) - 1
    assert f"{level_db:.1f} dBFS" in interactive.player(y, sr=16000, label="loud").text


def test_the_caption_says_duration_and_level():
    assert interactive.player(tone(), sr=16000, label="A").text == "Sound: A (1.0 s, -9.0 dBFS)"
    silence = np.zeros(16000, np.float32)
    assert "silence" in interactive.player(silence, sr=16000, label="nothing").text


def test_the_caption_names_the_codec_only_where_the_samples_are_changed():
    long = tone(10)
    assert re.search(r", MP3, \d+ kb/s\)$", interactive.player(long, sr=16000, label="A").text)
    exact = interactive.player(long, sr=16000, label="A", lossless=True)
    assert exact.text == "Sound: A (10.0 s, -9.0 dBFS)"


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
    kbps = 8 * path.stat().st_size / 1000
    assert shown.text == f"Sound: A & B (1.0 s, stereo, -9.0 dBFS, MP3, {kbps:.0f} kb/s)"
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


def test_a_mistake_of_a_view_is_shown_too_and_raised():
    slider = widgets.FloatSlider(value=0.5, min=0, max=1)
    box = interactive.explore(lambda gain: interactive.line(f"{0.5 / gain}"), gain=slider)
    with pytest.raises(ZeroDivisionError):
        slider.value = 0
    assert "<strong>ZeroDivisionError: " in box.children[1].value


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


def test_the_reset_button_says_that_something_is_computed():
    slider, said = widgets.IntSlider(1), []

    def slow(n):
        said.append(box.children[0].children[-1].description if n > 1 else "")
        return interactive.line(str(10 // (n - 3)))

    box = interactive.explore(slow, n=slider)
    slider.value = 2
    with pytest.raises(ZeroDivisionError):
        slider.value = 3
    assert said == ["", "Computing ...", "Computing ..."]
    assert box.children[0].children[-1].description == "Reset"


def test_reset_moves_all_controls_and_computes_once():
    seen = []

    def view(a, b):
        seen.append((a, b))
        return interactive.line(f"{a} {b}")

    controls = {name: widgets.IntSlider(1) for name in "ab"}
    box = interactive.explore(view, **controls)
    for control in controls.values():
        control.value = 5
    box.children[0].children[-1].click()
    box.children[0].children[-1].click()  # nothing to move back
    assert seen == [(1, 1), (5, 1), (5, 5), (1, 1)]
    assert box.children[1].value == "<p>1 1</p>"
    controls["a"].value = 2
    assert seen[-1] == (2, 1)


def test_a_view_may_return_one_thing():
    box = interactive.explore(lambda n: interactive.line(f"n is {n}"), n=widgets.IntSlider(value=3))
    assert box.children[1].value == "<p>n is 3</p>"


def test_a_control_without_a_description_is_named_after_what_it_changes():
    slider, named = widgets.IntSlider(), widgets.IntSlider(description="gain (dB)")
    interactive.explore(lambda **_: interactive.line("x"), block_length=slider, gain=named)
    assert (slider.description, named.description) == ("block length", "gain (dB)")


def playhead(shown):
    """Return what the script makes of the playhead, and its place in shares of the picture."""
    script = html.unescape(re.search(r'onloadedmetadata="([^"]*)"', shown.html)[1])
    made = {
        "range": re.search(r"step: 'any'}, ({.*?})\)", script)[1],
        "place": re.search(r'cssText = (".*?");', script)[1],
        "name": re.search(r"'aria-label', (\".*\")\);", script)[1],
    }
    made = {name: json.loads(value) for name, value in made.items()}
    place = re.findall(r"(\w+):([\d.]+)%", made["place"])
    return made, {side: float(share) / 100 for side, share in place}


def picture(shown):
    data = re.search(r'src="data:image/png;base64,([^"]+)"', shown.html)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def watched(ax, y, **changes):
    options = {"sr": 16000, "label": "a tone", "alt": "A tone of one second."} | changes
    return interactive.watch(ax, y, **options)


@pytest.mark.parametrize("start", [0.0, 2.5])
def test_the_playhead_covers_the_sound_to_the_pixel(start):
    y = tone()
    ax = plotting.waveform(y, sr=16000, start=start)
    for edge in (start, start + 1):
        ax.axvline(edge, color="red", linewidth=1)
    shown = watched(ax, y, start=start)
    made, place = playhead(shown)
    assert made["range"] == {"min": "0.000", "max": "1.000"}
    pixels = picture(shown)
    red = (pixels[:, :, 0] > 200) & (pixels[:, :, 1] < 100)
    columns, rows = np.flatnonzero(red.sum(0) > 50), np.flatnonzero(red.sum(1))
    width, height = pixels.shape[1], pixels.shape[0]
    assert abs(columns.min() - place["left"] * width) <= 1
    assert abs(columns.max() - (place["left"] + place["width"]) * width) <= 1
    assert abs(rows.min() - place["top"] * height) <= 1
    assert abs(rows.max() - (place["top"] + place["height"]) * height) <= 1


def test_the_playhead_covers_the_part_that_the_picture_shows():
    ax = plotting.waveform(tone(), sr=16000)
    ax.set_xlim(0.25, 0.75)
    made, place = playhead(watched(ax, tone()))
    assert made["range"] == {"min": "0.250", "max": "0.750"}
    left, right = ax.bbox.x0 / ax.figure.bbox.width, ax.bbox.x1 / ax.figure.bbox.width
    np.testing.assert_allclose([place["left"], place["left"] + place["width"]], [left, right], 1e-2)


def test_the_playhead_runs_over_all_panels():
    axes = plotting.new_axes(2, share_x=True)
    for ax in axes:
        plotting.waveform(tone(), sr=16000, ax=ax)
    both, lower = playhead(watched(axes, tone()))[1], playhead(watched(axes[1], tone()))[1]
    assert both["height"] > 2 * lower["height"]
    assert both["left"] == lower["left"]


def test_picture_and_player_remain_where_scripts_are_off():
    shown = watched(plotting.waveform(tone(), sr=16000), tone())
    assert len(list(embedded(shown))) == 1
    assert 'alt="A tone of one second."' in shown.html
    assert not re.search(r"<(script|input)", shown.html)  # nothing that would stand there dead
    assert shown.text == "Figure: A tone of one second.\nSound: a tone (1.0 s, -9.0 dBFS)"


def test_a_watched_sound_has_a_name_that_is_escaped():
    label = """RANGE START "'<b>");"""
    shown = watched(plotting.waveform(tone(), sr=16000), tone(), label=label)
    assert playhead(shown)[0]["name"] == f"Position in {label}"
    assert "<b>" not in shown.html


VERSE = [("Shep", 0.1, 0.3), ("herd,\n", 0.3, 0.5), ("<i> ", 0.6, 0.8), ("sing", 0.8, 1.0)]


def test_what_is_sung_can_be_read_without_sound_and_scripts():
    shown = watched(plotting.waveform(tone(), sr=16000), tone(), captions=VERSE)
    (verse,) = re.findall(r'<p class="verse">(.*)</p>', shown.html)
    assert re.sub(r"</?span[^>]*>", "", verse) == "Shepherd,<br>&lt;i&gt; sing"
    assert verse.count('<span class="sung">') == 4
    assert shown.text.endswith("dBFS)\nShepherd,\n<i> sing")
    script = html.unescape(re.search(r'onloadedmetadata="([^"]*)"', shown.html)[1])
    assert "const times = [[0.1, 0.3], [0.3, 0.5], [0.6, 0.8], [0.8, 1.0]]," in script


def test_a_sound_without_words_carries_nothing_of_them():
    shown = watched(plotting.waveform(tone(), sr=16000), tone())
    assert not re.search("verse|sung|times", shown.html)


@pytest.mark.parametrize("wrong", [("b", 0.2, 0.1), ("b", -0.1, 0.2), ("b", 0.2, np.nan)])
def test_times_that_cannot_be_are_named(wrong):
    with pytest.raises(ValueError, match=r"in the order of their starts, got .*: sort them"):
        watched(plotting.waveform(tone(), sr=16000), tone(), captions=[("a", 0.0, 0.1), wrong])


def test_keys_reach_the_player_and_the_line_before_jupyterlab():
    shown = watched(plotting.waveform(tone(), sr=16000), tone())
    assert '<audio controls data-lm-suppress-shortcuts="true"' in shown.html
    assert "'data-lm-suppress-shortcuts', 'true'" in html.unescape(shown.html)


def test_equal_sounds_give_equal_pages():
    pages = {watched(plotting.waveform(tone(), sr=16000), tone()).html for _ in range(2)}
    assert len(pages) == 1


def test_axes_without_time_or_without_the_sound_are_refused():
    y, levels = tone(), np.zeros(5)
    with pytest.raises(ValueError, match=r'axis "Time \(s\)", got .Frequency \(Hz\)'):
        watched(plotting.spectrum(np.arange(5), levels, unit="dBFS"), y)
    ax = plotting.waveform(y, sr=16000)
    with pytest.raises(ValueError, match=r"some of the sound, got .* a sound from 9.00 s"):
        watched(ax, y, start=9.0)
    ax.set_xscale("log")
    with pytest.raises(ValueError, match=r"\(log\)"):
        watched(ax, y)
    axes = plotting.new_axes(1, 2)
    for ax in axes:
        plotting.waveform(y, sr=16000, ax=ax)
    with pytest.raises(ValueError, match="one time axis, got 2"):
        watched(axes, y)
    watched(axes[0], y)


def test_the_live_curve_is_redrawn_with_each_epoch():
    live = interactive.LiveCurve({"silence": 1.0})
    pictures = []
    for n in (1, 2):
        live(frame_model.History((1.0,) * n, (1.1,) * n, (0.5,) * n))
        pictures.append(live.widget.value)
    assert "after 1 epochs" in pictures[0]
    assert "after 2 epochs" in pictures[1]
    in_bits = interactive.LiveCurve({"silence": 1.0}, unit="bits a frame")
    in_bits(frame_model.History((1.0,), (1.1,), (0.5,)))
    assert in_bits.widget.value != pictures[0]


# The recorder

VOICE = (0.25 * np.sin(np.arange(48000) / 20)).astype(np.float32)


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    made = interactive.Recorder(tmp_path / "new" / interactive.VOICE, seconds=3)
    made.sent = []
    monkeypatch.setattr(made, "send", made.sent.append)
    return made


def receive(recorder, content, *buffers):
    """Do what a message from the browser does."""
    recorder._handle_custom_msg(content, list(buffers))


def test_what_the_browser_sends_becomes_a_wav(recorder, tmp_path):
    receive(recorder, {"sr": 48000}, memoryview(VOICE.tobytes()))
    path = tmp_path / "new" / interactive.VOICE
    np.testing.assert_allclose(audio.load(path, sr=48000), VOICE, atol=1 / 32768)
    assert recorder.status == f"Recorded 1.0 s at 48000 Hz: {path}"
    assert "your recording (1.0 s, -15.1 dBFS)" in recorder.sent[0]["player"]


def test_a_voice_is_no_part_of_the_stored_state(recorder):
    before = set(recorder.get_state())
    receive(recorder, {"sr": 48000}, VOICE.tobytes())
    assert set(recorder.get_state()) == before
    assert not any(isinstance(value, bytes | memoryview) for value in recorder.get_state().values())


def test_what_is_too_loud_is_clipped_and_said(recorder, tmp_path):
    receive(recorder, {"sr": 48000}, (8 * VOICE).tobytes())
    assert "samples clipped" in recorder.sent[0]["player"]
    assert np.abs(audio.load(tmp_path / "new" / interactive.VOICE, sr=48000)).max() <= 1


def test_a_later_notebook_finds_the_voice_at_its_own_rate_and_at_one_peak(recorder, tmp_path):
    assert interactive.load_voice(tmp_path / "new", sr=16000) is None
    receive(recorder, {"sr": 48000}, (VOICE / 50).tobytes())
    y = interactive.load_voice(tmp_path / "new", sr=16000)
    assert len(y) == 16000
    assert np.abs(y).max() == pytest.approx(0.5)
    square = np.sign(VOICE)  # resampled, it exceeds 1
    receive(recorder, {"sr": 48000}, square.tobytes())
    loud = interactive.load_voice(tmp_path / "new", sr=16000)
    receive(recorder, {"sr": 48000}, (square / 2).tobytes())
    np.testing.assert_allclose(interactive.load_voice(tmp_path / "new", sr=16000), loud, atol=1e-4)
    receive(recorder, {"sr": 48000}, VOICE[1:2].tobytes())  # let go at once: nothing at 16 kHz
    assert interactive.load_voice(tmp_path / "new", sr=16000) is None
    (tmp_path / "new" / interactive.VOICE).write_bytes(b"no sound")
    assert interactive.load_voice(tmp_path / "new", sr=16000) is None


@pytest.mark.parametrize(
    ("content", "data"),
    [
        ({"sr": 48000}, b""),
        ({"sr": 48000}, bytes(400)),
        ({"sr": 48000}, b"\0\0\0"),
        ({"sr": 48000}, np.full(9, np.nan, np.float32).tobytes()),
        ({"sr": 0}, VOICE.tobytes()),
        ({"sr": "many"}, VOICE.tobytes()),
        ({"sr": None}, VOICE.tobytes()),  # NaN, as JavaScript hands it on
        ({}, VOICE.tobytes()),
    ],
)
def test_a_message_without_sound_is_said_and_writes_nothing(recorder, tmp_path, content, data):
    receive(recorder, content, data)
    assert recorder.status.startswith("Nothing was recorded: ")
    assert not (tmp_path / "new" / interactive.VOICE).exists()
    assert recorder.sent == []


def test_only_short_wav_files_are_recorded(tmp_path):
    with pytest.raises(ValueError, match=r"end in .wav, got 'a.mp3'"):
        interactive.Recorder(tmp_path / "a.mp3")
    with pytest.raises(traitlets.TraitError, match=r"'seconds' .* not be greater than 60.* of 600"):
        interactive.Recorder(tmp_path / "a.wav", seconds=600)


def test_where_controls_cannot_be_shown_a_text_says_what_to_do():
    made = interactive.explore(lambda a: interactive.line(str(a)), a=widgets.IntSlider())
    assert (
        repr(made) == "Controls stand here in a running notebook: run the cells down to this one."
    )
    changes = "What changes as you go on stands here in a running notebook."
    assert repr(interactive.LiveCurve().widget) == changes


def test_the_text_of_a_recorder_is_the_same_in_every_run(tmp_path):
    bundle = interactive.Recorder(tmp_path / "a.wav")._repr_mimebundle_()[0]
    assert bundle["text/plain"].endswith("run the cells down to this one.")
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.fixture(scope="module")
def bank():
    return synthesis.load(BANK)[1]


@pytest.fixture
def piano(bank, monkeypatch):
    heard = []

    def answer(found, times):
        heard.append((found, times))
        if len(found) < 2:
            raise ValueError("play at least 2 notes, got 1")
        if len(found) > 3:
            raise IndexError("a reader's slip")
        return plotting.Shown("<p>answered</p>", "answered")

    made = interactive.Keyboard(bank, answer)
    made.heard, made.sent = heard, []
    monkeypatch.setattr(made, "send", lambda *message: made.sent.append(message))
    return made


def play(piano, **content):
    """Do what a message from the browser does."""
    piano._handle_custom_msg(content, [])


def test_a_phrase_becomes_found_notes_and_its_answer_is_sent(piano):
    play(piano, notes=NOTES, beat=0, length=5.8, view="a")  # the reader took time to ask
    found, times = piano.heard[0]
    np.testing.assert_allclose(found, NOTES)
    assert times is None
    assert piano.sent == [({"page": "<p>answered</p>", "at": 1.75, "view": "a"},)]
    assert piano.status == "You played 3 notes. For another answer, play again."


def test_with_the_click_the_beats_are_known_up_to_the_end(piano):
    play(piano, notes=NOTES, beat=0.6, length=2.4)
    np.testing.assert_allclose(piano.heard[0][1], [0, 0.6, 1.2, 1.8, 2.4])
    assert piano.sent[0][0]["at"] == pytest.approx(2.4)


def test_notes_are_sorted_and_lie_within_the_phrase(piano):
    early, held = [-0.05, 0.3, 64, 1], [1.0, 9.0, 60, 1]
    play(piano, notes=[held, early], beat=0.5, length=2.0)
    np.testing.assert_allclose(piano.heard[0][0], [[0, 0.3, 64, 1], [1, 2, 60, 1]])


def test_a_tap_and_a_note_at_the_very_end_last_a_moment(piano):
    play(piano, notes=[[0.5, 0.5, 60, 1], [1.99, 2.4, 62, 1]], beat=0.5, length=2.0)
    onset, offset = piano.heard[0][0][:, :2].T
    np.testing.assert_allclose(offset - onset, 0.05)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"notes": [], "beat": 0, "length": 1}, "No answer: nothing was played yet"),
        ({"notes": NOTES[:1], "beat": 0, "length": 1}, "No answer: play at least 2 notes, got 1"),
        ({"notes": [[0, 1, 200, 1]], "beat": 0, "length": 1}, "No answer: "),
        ({"notes": [[0, 1, 60]], "beat": 0, "length": 1}, "No answer: "),
        ({"notes": NOTES, "beat": "fast", "length": 1}, "No answer: "),
        ({"notes": NOTES}, "No answer: "),
        ({"notes": 2 * NOTES, "beat": 0, "length": 2}, "No answer: IndexError("),
    ],
)
def test_what_has_no_answer_is_said(piano, content, said):
    play(piano, **content)
    assert piano.status.startswith(said)
    assert piano.sent == []


def test_every_key_has_a_sound_of_its_own_pitch(piano, bank):
    play(piano, sounds=True)
    message, (sounds,) = piano.sent[0]
    y = np.frombuffer(sounds, "<i2").reshape(interactive._HIGHEST - interactive._LOWEST + 1, -1)
    assert y.shape[1] == 2 * message["sr"] == 2 * bank.settings.sr
    spectra = np.abs(np.fft.rfft(y * np.hanning(y.shape[1])))
    for pitch in (60, 69, 84):
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        level = spectra[pitch - interactive._LOWEST]
        assert level[round(2 * f0) - 4 : round(2 * f0) + 5].max() > 0.3 * level.max()


def test_neither_notes_nor_sounds_are_part_of_the_stored_state(piano):
    before = set(piano.get_state())
    play(piano, sounds=True)
    play(piano, notes=NOTES, beat=0, length=1.8)
    assert set(piano.get_state()) == before
    assert not any(isinstance(value, bytes | memoryview) for value in piano.get_state().values())


def test_the_text_of_a_piano_is_the_same_in_every_run(piano):
    bundle = piano._repr_mimebundle_()[0]
    assert bundle["text/plain"].endswith("run the cells down to this one.")
    assert "application/vnd.jupyter.widget-view+json" in bundle
