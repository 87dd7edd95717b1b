from pathlib import Path

import numpy as np
import pytest

from helpers import keyboard, plotting, synthesis

BANK = Path(__file__).parent.parent / "data" / "models" / "notes_bank.npz"
NOTES = [[0.02, 0.5, 60, 1], [0.61, 1.1, 64, 0.7], [1.2, 1.75, 67, 1.4]]


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

    made = keyboard.Keyboard(bank, answer, bars=1)
    made.heard, made.sent = heard, []
    monkeypatch.setattr(made, "send", lambda *message: made.sent.append(message))
    return made


def receive(piano, **content):
    """Do what a message from the browser does."""
    piano._handle_custom_msg(content, [])


def test_a_phrase_becomes_found_notes_and_its_answer_is_sent(piano):
    receive(piano, notes=NOTES, beat=0, length=5.8, view="a")  # the reader took time to ask
    found, times = piano.heard[0]
    np.testing.assert_allclose(found, NOTES)
    assert times is None
    assert piano.sent == [({"page": "<p>answered</p>", "at": 1.75, "view": "a"},)]
    assert piano.status == "You played 3 notes. For another answer, play again."


def test_with_the_click_the_beats_are_known_up_to_the_end(piano):
    receive(piano, notes=NOTES, beat=0.6, length=2.4)
    np.testing.assert_allclose(piano.heard[0][1], [0, 0.6, 1.2, 1.8, 2.4])
    assert piano.sent[0][0]["at"] == pytest.approx(2.4)


def test_notes_are_sorted_and_lie_within_the_phrase(piano):
    early, held = [-0.05, 0.3, 64, 1], [1.0, 9.0, 60, 1]
    receive(piano, notes=[held, early], beat=0.5, length=2.0)
    np.testing.assert_allclose(piano.heard[0][0], [[0, 0.3, 64, 1], [1, 2, 60, 1]])


def test_a_tap_and_a_note_at_the_very_end_last_a_moment(piano):
    receive(piano, notes=[[0.5, 0.5, 60, 1], [1.99, 2.4, 62, 1]], beat=0.5, length=2.0)
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
    receive(piano, **content)
    assert piano.status.startswith(said)
    assert piano.sent == []


def test_every_key_has_a_sound_of_its_own_pitch(piano, bank):
    receive(piano, sounds=True)
    message, (sounds,) = piano.sent[0]
    y = np.frombuffer(sounds, "<i2").reshape(keyboard.HIGHEST - keyboard.LOWEST + 1, -1)
    assert y.shape[1] == 2 * message["sr"] == 2 * bank.settings.sr
    spectra = np.abs(np.fft.rfft(y * np.hanning(y.shape[1])))
    for pitch in (60, 69, 84):
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        level = spectra[pitch - keyboard.LOWEST]
        assert level[round(2 * f0) - 4 : round(2 * f0) + 5].max() > 0.3 * level.max()


def test_neither_notes_nor_sounds_are_part_of_the_stored_state(piano):
    before = set(piano.get_state())
    receive(piano, sounds=True)
    receive(piano, notes=NOTES, beat=0, length=1.8)
    assert set(piano.get_state()) == before
    assert not any(isinstance(value, bytes | memoryview) for value in piano.get_state().values())


def test_impossible_settings_are_refused(bank):
    with pytest.raises(ValueError, match="bars must be from 1 to 8, got 9"):
        keyboard.Keyboard(bank, print, bars=9)


def test_the_text_of_a_piano_is_the_same_in_every_run(piano):
    bundle = piano._repr_mimebundle_()[0]
    assert bundle["text/plain"] == "Keyboard(bars=1)"
    assert "application/vnd.jupyter.widget-view+json" in bundle
