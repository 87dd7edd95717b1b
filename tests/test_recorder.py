import numpy as np
import pytest

from helpers import audio, recorder

VOICE = (0.25 * np.sin(np.arange(48000) / 20)).astype(np.float32)


@pytest.fixture
def widget(tmp_path, monkeypatch):
    made = recorder.Recorder(tmp_path / "new" / recorder.VOICE, seconds=3)
    made.sent = []
    monkeypatch.setattr(made, "send", made.sent.append)
    return made


def receive(widget, content, *buffers):
    """Do what a message from the browser does."""
    widget._handle_custom_msg(content, list(buffers))


def test_what_the_browser_sends_becomes_a_wav(widget, tmp_path):
    receive(widget, {"sr": 48000}, memoryview(VOICE.tobytes()))
    path = tmp_path / "new" / recorder.VOICE
    np.testing.assert_allclose(audio.load(path, sr=48000), VOICE, atol=1 / 32768)
    assert widget.status == f"Recorded 1.0 s at 48000 Hz: {path}"
    assert "your recording (1.0 s, -15.1 dBFS)" in widget.sent[0]["player"]


def test_a_voice_is_no_part_of_the_stored_state(widget):
    before = set(widget.get_state())
    receive(widget, {"sr": 48000}, VOICE.tobytes())
    assert set(widget.get_state()) == before
    assert not any(isinstance(value, bytes | memoryview) for value in widget.get_state().values())


def test_what_is_too_loud_is_clipped_and_said(widget, tmp_path):
    receive(widget, {"sr": 48000}, (8 * VOICE).tobytes())
    assert "samples clipped" in widget.sent[0]["player"]
    assert np.abs(audio.load(tmp_path / "new" / recorder.VOICE, sr=48000)).max() <= 1


def test_a_later_notebook_finds_the_voice_at_its_own_rate_and_at_one_peak(widget, tmp_path):
    assert recorder.load_voice(tmp_path / "new", sr=16000) is None
    receive(widget, {"sr": 48000}, (VOICE / 50).tobytes())
    y = recorder.load_voice(tmp_path / "new", sr=16000)
    assert len(y) == 16000
    assert np.abs(y).max() == pytest.approx(0.5)
    (tmp_path / "new" / recorder.VOICE).write_bytes(b"no sound")
    assert recorder.load_voice(tmp_path / "new", sr=16000) is None


@pytest.mark.parametrize(
    ("content", "data"),
    [
        ({"sr": 48000}, b""),
        ({"sr": 48000}, bytes(400)),
        ({"sr": 48000}, b"\0\0\0"),
        ({"sr": 48000}, np.full(9, np.nan, np.float32).tobytes()),
        ({"sr": 0}, VOICE.tobytes()),
        ({"sr": "many"}, VOICE.tobytes()),
        ({}, VOICE.tobytes()),
    ],
)
def test_a_message_without_sound_is_said_and_writes_nothing(widget, tmp_path, content, data):
    receive(widget, content, data)
    assert widget.status.startswith("Nothing was recorded: ")
    assert not (tmp_path / "new" / recorder.VOICE).exists()
    assert widget.sent == []


def test_only_short_wav_files_are_recorded(tmp_path):
    with pytest.raises(ValueError, match=r"end in .wav, got 'a.mp3'"):
        recorder.Recorder(tmp_path / "a.mp3")
    with pytest.raises(ValueError, match="between 1 and 60 s, got 600"):
        recorder.Recorder(tmp_path / "a.wav", seconds=600)


def test_the_text_of_a_recorder_is_the_same_in_every_run(tmp_path):
    bundle = recorder.Recorder(tmp_path / "a.wav")._repr_mimebundle_()[0]
    assert bundle["text/plain"] == "Recorder('a.wav', seconds=5)"
    assert "application/vnd.jupyter.widget-view+json" in bundle
