"""Each part of the kit by itself in JupyterLab: what notebooks show, ask, record and play."""

import shutil
import time

import browsing
import look
import nbformat
import numpy as np
import pytest

from helpers import audio, interactive, plotting, questions

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
KIT = [
    """import ipywidgets as widgets
import numpy as np
from helpers import audio, interactive, plotting, questions

def view(seconds):
    y = (0.1 * np.sin(np.arange(8000 * seconds))).astype(np.float32)
    ax = plotting.waveform(y, sr=8000)
    alt = f"A tone of {seconds} seconds."
    words = [("one ", 0, 0.5), ("two", 0.5, seconds)]
    return interactive.watch(ax, y, sr=8000, label=f"{seconds} s", alt=alt, captions=words)""",
    "interactive.explore(view, seconds=widgets.IntSlider(value=2, min=1, max=4))",
    """questions.predict("Up or down?", ["up", "down"], answer="down", reveal="It falls.")""",
    """Q = questions.Question
questions.quiz([Q(f"Question {i}?", ("yes", "no"), "yes", "So it is.") for i in range(5)])""",
    "interactive.Recorder(interactive.VOICE, seconds=30)",
    """interactive.Recorder("ends.wav", seconds=3)""",
    """print("recorded:", interactive.load_voice(".", sr=8000) is not None)""",
    """from helpers import synthesis
_, bank = synthesis.load("../data/models/notes_bank.npz")

def answer(found, times):
    if len(found) < 3:
        raise ValueError("too few notes")
    said = f"heard {found[:, 2].astype(int)}, beats {times}, waits {np.diff(found[:, 0]).round(1)}"
    y = synthesis.play(found, bank)
    return interactive.stack(
        interactive.line(said), interactive.player(y, sr=bank.settings.sr, label="again")
    )

piano = interactive.Keyboard(bank, answer)
piano.bars = 1
piano""",
    """import time

def slow(after):
    time.sleep(0.6 if after > 2 else 0)
    return interactive.line(f"{after} was heard late")

interactive.explore(slow, after=widgets.IntSlider(value=2, min=1, max=4))""",
]


def write(lab, name, cells):
    """Write a notebook of these cells where JupyterLab finds it."""
    notebook = nbformat.v4.new_notebook(cells=[*cells], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / "notebooks" / f"{name}.ipynb")


@pytest.fixture(scope="module")
def kit(browser, lab):
    """Open a notebook that holds each part of the kit once, and run it."""
    write(lab, "kit", map(nbformat.v4.new_code_cell, KIT))
    with browsing.opened(browser, lab, "kit.ipynb") as page:
        browsing.run_all(page)
        yield page
        assert page.faults == []


def test_a_click_in_a_picture_jumps_there_also_in_an_instrument(kit):
    box = browsing.cell(kit, "interactive.explore")
    line, sound = box.locator(".playhead"), box.locator("audio")
    for seconds in (2, 3):
        line.wait_for(state="visible")
        box.locator("img").evaluate("e => e.decode()")
        place = line.bounding_box()
        duration = sound.evaluate("e => e.duration")
        assert duration == pytest.approx(seconds, abs=0.01)
        line.click(position={"x": 0.25 * place["width"], "y": 5})
        assert abs(sound.evaluate("e => e.currentTime") - duration / 4) < 0.02 * duration
        before = sound.evaluate("e => e.currentTime")
        line.press("ArrowRight")
        assert sound.evaluate("e => e.currentTime") > before
        assert line.get_attribute("aria-valuetext").endswith(" seconds")
        mark = box.locator(".sung[aria-current=true]")
        sound.evaluate("e => { e.currentTime = 0.2; }")
        browsing.wait_until(kit, "a mark", lambda m=mark: m.all_inner_texts() == ["one"])
        sound.evaluate("e => { e.loop = true; }")  # it may not end before it is looked at
        sound.press("Space")  # the player's own key
        browsing.wait_until(kit, "the sound", lambda: sound.evaluate("e => !e.paused"))
        box.locator(".noUi-handle").press("ArrowRight")  # the next one: a new picture and sound
        browsing.wait_until(
            kit, "a longer sound", lambda d=duration: sound.evaluate("e => e.duration") > d
        )


def test_a_control_that_is_slow_is_noticed(kit):
    box = browsing.cell(kit, "interactive.explore(slow").locator(".widget-vbox")
    handle, times = box.locator(".noUi-handle"), {"ArrowRight": [], "ArrowLeft": []}
    for _ in range(4):
        for key, taken in times.items():  # to 3, which is slow, and back to 2
            taken.append(browsing.answer_time(box, lambda k=key: handle.press(k)))
    assert min(times["ArrowLeft"]) < min(times["ArrowRight"])
    assert min(times["ArrowRight"]) > 0.6  # s


def test_a_prediction_comes_before_its_reveal_and_is_kept(kit):
    asked = browsing.cell(kit, "questions.predict")
    assert asked.locator("text=Up or down?").count()
    assert "It falls." not in browsing.shown(kit, "questions.predict")

    def is_revealed():
        said = browsing.shown(kit, "questions.predict")
        return "You said: up. It is: down." in said and "It falls." in said

    asked.get_by_role("button", name="up", exact=True).press("Enter")
    browsing.wait_until(kit, "the reveal", is_revealed)
    browsing.run_again(kit, "questions.predict")
    browsing.wait_until(kit, "the reveal again", is_revealed)
    down = asked.get_by_role("button", name="down", exact=True)
    browsing.wait_until(kit, "it to be done", down.is_disabled)


def test_a_quiz_answers_each_choice_and_counts(kit):
    asked = browsing.cell(kit, "questions.quiz")
    for number, choice in enumerate(("no", "yes", "yes", "yes", "yes")):
        buttons = asked.locator(".widget-toggle-buttons").nth(number)
        buttons.get_by_role("button", name=choice).press("Space")
        counted = f"{number + 1} of 5 answered, {number} right at the first try."
        browsing.wait_until(
            kit, "the score", lambda c=counted: c in browsing.shown(kit, "questions.quiz")
        )
    said = browsing.shown(kit, "questions.quiz")
    assert "Not that one." in said
    assert said.count("So it is.") == 4


def test_a_voice_is_recorded_and_used(kit, lab):
    assert "recorded: False" in browsing.shown(kit, "interactive.load_voice")
    box = browsing.cell(kit, "interactive.VOICE")
    start = time.monotonic()
    box.get_by_role("button", name="Record").press("Enter")
    browsing.wait_until(kit, "recording", box.locator("text=Stop").count)
    kit.wait_for_timeout(1500)
    assert box.locator("meter").evaluate("e => e.value") >= 0
    box.get_by_role("button", name="Stop").press("Enter")
    most = time.monotonic() - start
    sound = browsing.recorded(kit, box)
    path = lab.folder / "notebooks" / "my_voice.wav"
    about = audio.info(path)
    assert 1 < about.duration < most + 0.5
    assert audio.level_dbfs(audio.load(path, sr=about.sr)) > -60  # Chromium's fake one beeps
    assert browsing.faults(sound) == []
    kit.screenshot(path=lab.folder / "recorder.png")
    browsing.run_again(kit, "interactive.load_voice")
    assert "recorded: True" in browsing.shown(kit, "interactive.load_voice")


def test_a_recording_ends_by_itself(kit, lab):
    box = browsing.cell(kit, "ends.wav")
    box.get_by_role("button", name="Record").press("Enter")
    browsing.recorded(kit, box)
    assert audio.info(lab.folder / "notebooks" / "ends.wav").duration > 2


def test_a_refused_microphone_is_said(playwright, lab):
    cells = KIT[0], KIT[KIT.index("interactive.Recorder(interactive.VOICE, seconds=30)")]
    write(lab, "refused", map(nbformat.v4.new_code_cell, cells))
    flags = [flag for flag in browsing.FLAGS if "fake" not in flag]
    path = browsing.find_chromium()
    browser = playwright.chromium.launch(executable_path=path, args=flags)
    try:
        with browsing.opened(browser, lab, "refused.ipynb") as page:
            browsing.run_all(page)
            box = browsing.cell(page, "interactive.VOICE")
            box.get_by_role("button", name="Record").press("Enter")
            said = "The notebook goes on with the shipped sound."
            browsing.wait_until(page, "a word", lambda: said in box.inner_text())
            assert box.get_by_role("button", name="Record").is_enabled()
    finally:
        browser.close()


@pytest.fixture
def piano(kit):
    """Run the piano's cell again: nothing has been played on it yet."""
    browsing.run_again(kit, "interactive.Keyboard")
    box = browsing.cell(kit, "interactive.Keyboard")
    box.get_by_role("application").wait_for()
    return box


def played(page, keys):
    """Play the computer's keys on the piano that has the focus."""
    for key in keys:
        page.keyboard.down(key)
        page.wait_for_timeout(100)
        page.keyboard.up(key)


def answered(page, box, said):
    """Wait until the piano has answered, and says so."""
    status = box.get_by_role("status")
    browsing.wait_until(page, said, lambda: status.inner_text().startswith(said))


def test_the_computers_keys_play_the_piano_and_are_answered(kit, lab, piano):
    n_cells = kit.locator(".jp-Cell").count()
    piano.get_by_role("application").focus()
    played(kit, "asdxwjza")
    kit.keyboard.press("Enter")
    answered(kit, piano, "You played 6 notes")
    assert "heard [60 62 64 73 83 60], beats None" in piano.inner_text()
    sound = piano.locator("audio")
    assert sound.evaluate("e => e.currentTime") > 0.5  # the phrase isn't repeated
    assert browsing.faults(sound) == []
    assert kit.locator(".jp-Cell").count() == n_cells  # A would insert one, D twice delete one
    kit.screenshot(path=lab.folder / "keyboard.png")


def test_as_many_notes_again_are_answered_again(kit, piano):
    piano.get_by_role("application").focus()
    for keys, heard in (("asd", "[60 62 64]"), ("sdf", "[62 64 65]")):
        played(kit, keys)
        kit.keyboard.press("Enter")
        answered(kit, piano, "You played 3 notes")
        assert f"heard {heard}" in piano.inner_text()
    for _ in range(3):
        kit.keyboard.press("Enter")
        answered(kit, piano, "No answer: nothing was played yet")


def test_with_the_click_a_phrase_ends_by_itself_on_its_beats(kit, piano):
    tempo = piano.get_by_label("Beats a minute")
    for typed, used in (("-5", "40"), ("1000", "200"), ("50", "50")):
        tempo.fill(typed)
        piano.locator("[data-key='3']").click()  # to try the sound: no part of the phrase
        piano.get_by_role("button", name="Click").press("Enter")
        assert tempo.is_disabled()
        assert tempo.input_value() == used
        if used != typed:
            piano.get_by_role("button", name="Click").press("Enter")
    kit.wait_for_timeout(900)
    played(kit, "ghj")  # the piano has the focus by itself
    answered(kit, piano, "You played 3 notes")
    assert "heard [67 69 71], beats [0. 1.2 2.4 3.6 4.8]" in piano.inner_text()
    assert tempo.is_enabled()


def test_the_mouse_plays_too_and_few_notes_are_said(kit, piano):
    piano.locator("[data-key='3']").click()
    piano.get_by_role("button", name="Answer").press("Enter")
    answered(kit, piano, "No answer: too few notes")


def test_the_keys_bear_the_letters_that_they_send(kit, piano):
    keys = piano.get_by_role("application")
    for letter in "éa":  # as on a keyboard of another layout, and back
        event = {"code": "KeyA", "key": letter, "bubbles": True}
        keys.dispatch_event("keydown", event)
        keys.dispatch_event("keyup", event)
        assert keys.locator("[data-key='0']").inner_text() == letter.upper()
        assert f"keys {letter.upper()}, S, D" in keys.get_attribute("aria-label")
    keys.locator("[data-key='4']").click(button="right")
    menu = kit.locator(".lm-Menu")
    menu.wait_for()
    kit.keyboard.press("Escape")
    menu.wait_for(state="detached")
    keys.focus()
    kit.keyboard.press("Enter")
    answered(kit, piano, "No answer: too few notes")  # two A, and no third by the right button


def test_the_piano_takes_no_key_while_it_lacks_the_focus(kit):
    box = browsing.cell(kit, "interactive.Keyboard")
    n_cells = kit.locator(".jp-Cell").count()
    box.locator(".jp-InputPrompt").click()
    kit.keyboard.press("b")  # JupyterLab's own: a new cell below
    browsing.wait_until(kit, "a cell", lambda: kit.locator(".jp-Cell").count() == n_cells + 1)


TRAINING = [
    """import os
from pathlib import Path
from helpers import interactive, note_model
from tests import interrupted
del os.environ["TQDM_DISABLE"]  # here the bar is the point
curve = interactive.LiveCurve(unit="bits a note")
curve.widget""",
    """numbers = {"steps": 30_000, "steps_per_epoch": 50, "n_words": 24, "batch_size": 2}
keep = {"checkpoint": Path("training.npz"), "on_epoch": curve}
music = [[interrupted.music(0)], [interrupted.music(1)]]
model = interrupted.built()
print("on its way")
history = note_model.train(model, *music, interrupted.SETTINGS, **numbers, **keep)""",
    """print("the kernel computes:", 6 * 7)""",
]


def test_a_training_shows_how_far_it_is_and_can_be_interrupted(browser, lab):
    write(lab, "training", map(nbformat.v4.new_code_cell, TRAINING))
    with browsing.opened(browser, lab, "training.ipynb") as page:
        page.locator(".jp-Notebook .jp-Cell").first.focus()
        for _ in range(2):
            page.keyboard.press("Shift+Enter")
        outputs, texts, curves = page.locator(".jp-OutputArea"), set(), set()

        def moves():
            texts.update(outputs.locator(".widget-html:has-text('step/s')").all_inner_texts())
            curves.update(outputs.locator("img").evaluate_all("all => all.map((e) => e.src)"))
            return len(texts) > 3 and len(curves) > 2

        browsing.wait_until(page, "a bar and a curve that move", moves)

        def interrupt():  # by JupyterLab's own keys; it forgets the first if it is too busy
            for _ in range(2):
                page.keyboard.press("i")

        error = outputs.locator("pre:has-text('KeyboardInterrupt')")
        browsing.wait_until(page, "the interruption", error.count, act=interrupt)
        browsing.settle(page)  # until then, the kernel passes over what it is told
        page.keyboard.press("Shift+Enter")  # the next cell
        said = browsing.cell(page, "the kernel computes").locator(".jp-OutputArea")
        browsing.wait_until(page, "an answer", lambda: "computes: 42" in said.inner_text())
        assert page.faults == []
        browsing.cell(page, "n_words").focus()
        page.keyboard.press("Control+Enter")
        again = browsing.cell(page, "n_words").locator(".jp-OutputArea")
        browsing.wait_until(page, "it to go on", lambda: "Resuming at" in again.inner_text())


@pytest.fixture
def yours(lab):
    """Return the folder for the reader's own files, empty; delete it at the end."""
    folder = lab.folder / "outputs" / "09" / "your_music"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


def test_files_and_a_recording_become_music_of_the_readers_own(browser, lab, yours):
    notebook = nbformat.read(lab.folder / "notebooks" / "09_your_own_music.ipynb", 4)
    sources = {cell.id: cell.source for cell in notebook.cells}
    find = "tracks, left = datasets.survey(YOURS, fewest=0)\n"
    hear = "sounds = {t.title: audio.load(t.path, sr=SR, duration=2) for t in tracks}\n"
    show = "interactive.compare_players(sounds, sr=SR) if tracks else None"
    cells = [sources[i] for i in ("n9imp", "n9set", "n9drop")]
    cells += [find + sources["n9here"], hear + show]
    write(lab, "yours", map(nbformat.v4.new_code_cell, cells))
    tune = (0.2 * np.sin(np.arange(16_000 * 3) ** 1.1)).astype(np.float32)
    odd = '<b>bold & "loud".mp3'
    dropped = [
        {
            "name": odd,
            "mimeType": "audio/mpeg",
            "buffer": audio.encode(tune, sr=16_000, suffix=".mp3"),
        },
        {"name": "letter.mp3", "mimeType": "audio/mpeg", "buffer": b"Dear Sir,\n"},
    ]
    with browsing.opened(browser, lab, "yours.ipynb") as page:
        browsing.run_all(page)
        box = browsing.cell(page, "FileUpload")
        said = "Files in outputs/09/your_music: 0."
        browsing.wait_until(page, said, lambda: said in box.inner_text())
        with page.expect_file_chooser() as chooser:
            box.get_by_role("button", name="Your files").press("Enter")
        chooser.value.set_files(dropped)
        arrived = "Files in outputs/09/your_music: 2."
        browsing.wait_until(page, "the files", lambda: arrived in box.inner_text())
        assert (yours / odd).read_bytes() == dropped[0]["buffer"]
        box.get_by_role("button", name="Record").press("Enter")
        browsing.wait_until(page, "recording", box.locator("text=Stop").count)
        page.wait_for_timeout(1500)
        box.get_by_role("button", name="Stop").press("Enter")
        browsing.recorded(page, box)
        for text in ("fewest=0", "sounds ="):
            browsing.run_again(page, text)
        shown = browsing.shown(page, "fewest=0")
        assert "Pieces: 2" in shown
        assert '  <b>bold & "loud" ' in shown
        assert "letter.mp3: is text, not audio" in shown
        players = browsing.cell(page, "sounds =")
        names = players.locator("figcaption").all_inner_texts()
        assert [name.split(" (")[0] for name in names] == [odd[:-4], "my recording"]
        assert browsing.faults(players.locator("audio")) == []
        assert page.faults == []


FAULTY = """
<figure><figcaption style="color:#888;background:#999">pale</figcaption></figure>
<p style="width:3em;overflow:hidden;white-space:nowrap">a text that is cut</p>
<p style="height:3em">this is below</p><p style="margin-top:-3em;height:1em">and this above</p>
<p style="position:relative;left:-2em">to the left</p>
<table><td style="min-width:150em">wide</td></table>
<span><img alt="a dot" width="20" height="20"
  src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="></span>"""


def test_what_is_out_of_its_place_or_pale_or_miscaptioned_is_noticed(browser, lab):
    y = (0.1 * np.sin(np.arange(8000))).astype(np.float32)
    wrong = ("1.2 s, -23.0 dBFS", "1.0 s, -22.6 dBFS", "1.0 s, -23.0 dBFS, MP3, 32 kb/s")
    players = [
        interactive.embed(audio.encode(y, sr=8000, suffix=".wav"), ".wav", f"tone ({facts})").html
        for facts in (*wrong, "1.0 s, -23.0 dBFS")
    ]
    (lab.folder / "notebooks" / "faulty.html").write_text(FAULTY + "".join(players))
    cell = nbformat.v4.new_code_cell(
        "from IPython import display; display.HTML(filename='faulty.html')"
    )
    write(lab, "faulty", [cell])
    with browsing.opened(browser, lab, "faulty.ipynb") as page:
        browsing.run_all(page)
        heard = browsing.heard(page.locator("audio"))
        found = browsing.contradictions(heard)
        assert [line.split(": ", 1)[0] for line in found] == [
            *(f"tone ({facts})" for facts in (*wrong, wrong[-1])),
        ]
        with look.of(page, look.THEMES[1], look.WIDTHS[0]):
            faults = " ".join(look.faults(page))
            for fault in (
                *("a text that is cut: cut off", "below: overlaps <p> and this above"),
                *("to the left: sticks out by", "wide: sticks out by", "scrolls sideways"),
                "stands beside <img> a dot",
            ):
                assert fault in faults
            assert any("pale" in text for text in look.hard_to_read(page))


def test_a_stored_notebook_shows_question_picture_and_player_before_it_is_trusted(browser, lab):
    y = (0.1 * np.sin(np.arange(8000))).astype(np.float32)
    ax = plotting.waveform(y, sr=8000)
    asked = questions.predict("Up or down?", ["up", "down"], reveal="It falls.")
    watched = interactive.watch(ax, y, sr=8000, label="tone", alt="A tone of one second.")
    outputs = [
        nbformat.v4.new_output("display_data", data=one._repr_mimebundle_())
        for one in (asked.parts[0], watched)
    ]
    cell = nbformat.v4.new_code_cell("...", outputs=outputs, execution_count=1)
    write(lab, "stored", [cell])
    with browsing.opened(browser, lab, "stored.ipynb") as page:
        output = page.locator(".jp-OutputArea")
        output.locator("text=Up or down?").wait_for(state="visible")
        output.locator("img[alt='A tone of one second.']").wait_for(state="visible")
        assert browsing.faults(output.locator("audio[controls]")) == []
        assert output.locator("input").count() == 0
