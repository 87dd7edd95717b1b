"""Each part of the kit by itself in JupyterLab: what notebooks show, ask, record and play."""

import shutil

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
    """voice = interactive.Recorder(interactive.VOICE, seconds=3)
voice""",
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
    time.sleep(0.6)
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
    with browsing.watched_page(browser) as page:
        browsing.open_notebook(page, lab, "kit.ipynb")
        browsing.run_all(page, lab)
        yield page
        assert page.faults == []
    lab.stop_kernels()


def run_again(page, lab, text):
    """Run the cell whose source has a text once more."""
    browsing.cell(page, text).locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    browsing.settle(page, lab)


def test_a_click_in_a_picture_jumps_there_also_in_an_instrument(kit, lab):
    box = browsing.cell(kit, "interactive.explore")
    for _ in range(2):
        line, sound = box.locator(".playhead"), box.locator("audio")
        place = line.bounding_box()
        duration = sound.evaluate("e => e.duration")
        kit.mouse.click(place["x"] + 0.25 * place["width"], place["y"] + 5)
        assert abs(sound.evaluate("e => e.currentTime") - duration / 4) < 0.02 * duration
        before = sound.evaluate("e => e.currentTime")
        line.press("ArrowRight")
        assert sound.evaluate("e => e.currentTime") > before
        assert line.get_attribute("aria-valuetext").endswith(" seconds")
        mark = box.locator(".sung[aria-current=true]")
        sound.evaluate("e => { e.currentTime = 0.2; }")
        browsing.wait_until(kit, "a mark", lambda m=mark: m.all_inner_texts() == ["one"], 5)
        sound.press("Space")  # the player's own key
        browsing.wait_until(kit, "the sound", lambda s=sound: s.evaluate("e => !e.paused"), 5)
        box.locator(".noUi-handle").press("ArrowRight")  # the next one: a new picture and sound
        browsing.settle(kit, lab)
        assert box.locator("audio").evaluate("e => e.duration") > duration


def test_a_control_that_is_slow_is_noticed(kit, lab):
    times = []
    for text in ("interactive.explore(view", "interactive.explore(slow"):
        box = browsing.cell(kit, text).locator(".widget-vbox")
        handle, taken = box.locator(".noUi-handle"), []
        while len(taken) < 4:
            key = ("ArrowLeft", "ArrowRight")[len(taken) % 2]
            taken.append(browsing.answer_time(box, lambda h=handle, k=key: h.press(k)))
            browsing.settle(kit, lab)
        times.append(min(taken))
    assert times[0] < times[1]
    assert times[1] > 0.6  # s


def test_a_prediction_comes_before_its_reveal_and_is_kept(kit, lab):
    asked = browsing.cell(kit, "questions.predict")
    assert asked.locator("text=Up or down?").count()
    assert "It falls." not in browsing.shown(kit, "questions.predict")
    asked.get_by_role("button", name="up", exact=True).press("Enter")
    browsing.settle(kit, lab)
    assert "You said: up. It is: down." in browsing.shown(kit, "questions.predict")
    assert "It falls." in browsing.shown(kit, "questions.predict")
    run_again(kit, lab, "questions.predict")
    assert "You said: up. It is: down." in browsing.shown(kit, "questions.predict")
    assert asked.get_by_role("button", name="down", exact=True).is_disabled()


def test_a_quiz_answers_each_choice_and_counts(kit, lab):
    asked = browsing.cell(kit, "questions.quiz")
    for number, choice in enumerate(("no", "yes", "yes", "yes", "yes")):
        buttons = asked.locator(".widget-toggle-buttons").nth(number)
        buttons.get_by_role("button", name=choice).press("Space")
        browsing.settle(kit, lab)
    said = browsing.shown(kit, "questions.quiz")
    assert "Not that one." in said
    assert said.count("So it is.") == 4
    assert "5 of 5 answered, 4 right at the first try." in said


def test_a_voice_is_recorded_and_used(kit, lab):
    assert "recorded: False" in browsing.shown(kit, "interactive.load_voice")
    box = browsing.cell(kit, "interactive.Recorder")
    box.get_by_role("button", name="Record").press("Enter")
    browsing.wait_until(kit, "recording", lambda: box.locator("text=Stop").count())
    kit.wait_for_timeout(1500)
    assert box.locator("meter").evaluate("e => e.value") >= 0
    box.get_by_role("button", name="Stop").press("Enter")
    browsing.wait_until(kit, "the WAV", lambda: "Recorded" in box.inner_text(), 20)
    path = lab.folder / "notebooks" / "my_voice.wav"
    about = audio.info(path)
    assert 1 < about.duration < 3.5
    assert audio.level_dbfs(audio.load(path, sr=about.sr)) > -60  # Chromium's fake one beeps
    assert browsing.faults(box.locator("audio")) == []
    kit.screenshot(path=lab.folder / "recorder.png")
    run_again(kit, lab, "interactive.load_voice")
    assert "recorded: True" in browsing.shown(kit, "interactive.load_voice")


def test_a_recording_ends_by_itself(kit, lab):
    run_again(kit, lab, "interactive.Recorder")
    box = browsing.cell(kit, "interactive.Recorder")
    box.get_by_role("button", name="Record").press("Enter")
    browsing.wait_until(kit, "the end", lambda: "Recorded" in box.inner_text(), 20)
    assert audio.info(lab.folder / "notebooks" / "my_voice.wav").duration > 2


def test_a_refused_microphone_is_said(playwright, lab, kit):
    flags = [flag for flag in browsing.FLAGS if "fake" not in flag]
    path = browsing.find_chromium()
    browser = playwright.chromium.launch(executable_path=path, args=flags)
    try:
        with browsing.watched_page(browser) as page:
            browsing.open_notebook(page, lab, "kit.ipynb")
            browsing.run_all(page, lab)
            box = browsing.cell(page, "interactive.Recorder")
            box.get_by_role("button", name="Record").press("Enter")
            said = "The notebook goes on with the shipped sound."
            browsing.wait_until(page, "a word", lambda: said in box.inner_text(), 20)
            assert box.get_by_role("button", name="Record").is_enabled()
    finally:
        browser.close()


def played(page, lab, keys, *, finish=True):
    """Play the computer's keys, and wait for what is said of them."""
    box = browsing.cell(page, "interactive.Keyboard")
    if finish:
        box.get_by_role("application").focus()
    for key in keys:
        page.keyboard.down(key)
        page.wait_for_timeout(150)
        page.keyboard.up(key)
    if finish:
        page.keyboard.press("Enter")
    status = box.get_by_role("status")
    ends = ("You played", "No answer")
    browsing.wait_until(page, "an answer", lambda: status.inner_text().startswith(ends), 20)
    return box


def test_the_computers_keys_play_the_piano_and_are_answered(kit, lab):
    n_cells = kit.locator(".jp-Cell").count()
    box = played(kit, lab, "asdxwj")
    assert "heard [60 62 64 73 83], beats None" in box.inner_text()
    assert "You played 5 notes" in box.get_by_role("status").inner_text()
    assert box.locator("audio").evaluate("e => e.currentTime") > 0.5  # the phrase isn't repeated
    assert browsing.faults(box.locator("audio")) == []
    assert kit.locator(".jp-Cell").count() == n_cells  # A would insert one, D twice delete one
    kit.screenshot(path=lab.folder / "keyboard.png")
    played(kit, lab, "z")


def test_as_many_notes_again_are_answered_again(kit, lab):
    for keys in ("asd", "sdf"):
        box = played(kit, lab, keys)
        assert "You played 3 notes" in box.get_by_role("status").inner_text()
    assert "heard [62 64 65]" in box.inner_text()
    kit.keyboard.press("Enter")
    status = box.get_by_role("status")
    said = "No answer: nothing was played yet"
    for _ in range(2):
        browsing.wait_until(kit, "a word", lambda: status.inner_text() == said, 20)
        kit.keyboard.press("Enter")
    browsing.wait_until(kit, "a word", lambda: status.inner_text() == said, 20)


def test_with_the_click_a_phrase_ends_by_itself_on_its_beats(kit, lab):
    box = browsing.cell(kit, "interactive.Keyboard")
    tempo = box.get_by_label("Beats a minute")
    for typed, used in (("-5", "40"), ("1000", "200"), ("150", "150")):
        tempo.fill(typed)
        box.locator("[data-key='3']").click()  # to try the sound: no part of the phrase
        box.get_by_role("button", name="Click").press("Enter")
        assert tempo.is_disabled()
        assert tempo.input_value() == used
        if used != typed:
            box.get_by_role("button", name="Click").press("Enter")
    kit.wait_for_timeout(900)
    played(kit, lab, "ghj", finish=False)  # the piano has the focus by itself
    assert "heard [67 69 71], beats [0. 0.4 0.8 1.2 1.6]" in box.inner_text()
    assert tempo.is_enabled()


def test_the_mouse_plays_too_and_few_notes_are_said(kit, lab):
    box = browsing.cell(kit, "interactive.Keyboard")
    key = box.locator("[data-key='3']")
    key.click()
    box.get_by_role("button", name="Answer").press("Enter")
    status = box.get_by_role("status")
    said = "No answer: too few notes"
    browsing.wait_until(kit, "a word", lambda: status.inner_text() == said, 20)


def test_the_keys_bear_the_letters_that_they_send(kit, lab):
    piano = browsing.cell(kit, "interactive.Keyboard").get_by_role("application")
    for letter in "éa":  # as on a keyboard of another layout, and back
        event = {"code": "KeyA", "key": letter, "bubbles": True}
        piano.dispatch_event("keydown", event)
        piano.dispatch_event("keyup", event)
        assert piano.locator("[data-key='0']").inner_text() == letter.upper()
        assert f"keys {letter.upper()}, S, D" in piano.get_attribute("aria-label")
    piano.locator("[data-key='4']").click(button="right")
    kit.keyboard.press("Escape")
    piano.focus()
    kit.keyboard.press("Enter")
    status = browsing.cell(kit, "interactive.Keyboard").get_by_role("status")
    said = "No answer: too few notes"  # the two A, without a third from the right button
    browsing.wait_until(kit, "a word", lambda: status.inner_text() == said, 20)


def test_the_piano_takes_no_key_while_it_lacks_the_focus(kit, lab):
    box = browsing.cell(kit, "interactive.Keyboard")
    n_cells = kit.locator(".jp-Cell").count()
    box.locator(".jp-InputPrompt").click()
    kit.keyboard.press("b")  # JupyterLab's own: a new cell below
    browsing.wait_until(kit, "a cell", lambda: kit.locator(".jp-Cell").count() == n_cells + 1, 10)


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
    with browsing.watched_page(browser) as page:
        browsing.open_notebook(page, lab, "training.ipynb")
        page.locator(".jp-Notebook .jp-Cell").first.focus()
        for _ in range(2):
            page.keyboard.press("Shift+Enter")
        outputs, texts, curves = page.locator(".jp-OutputArea"), set(), set()

        def moves():
            texts.update(outputs.locator(".widget-html:has-text('step/s')").all_inner_texts())
            curves.update(outputs.locator("img").evaluate_all("all => all.map((e) => e.src)"))
            return len(texts) > 3 and len(curves) > 2

        browsing.wait_until(page, "a bar and a curve that move", moves, 90)
        for _ in range(2):
            page.keyboard.press("i")  # JupyterLab's own: interrupt the kernel
        error = outputs.locator("pre:has-text('KeyboardInterrupt')")
        browsing.wait_until(page, "the interruption", error.count, 30)
        browsing.settle(page, lab)  # until then, the kernel passes over what it is told
        page.keyboard.press("Shift+Enter")  # the next cell
        said = browsing.cell(page, "the kernel computes").locator(".jp-OutputArea")
        browsing.wait_until(page, "an answer", lambda: "computes: 42" in said.inner_text(), 30)
        assert page.faults == []
        browsing.cell(page, "n_words").focus()
        page.keyboard.press("Control+Enter")
        again = browsing.cell(page, "n_words").locator(".jp-OutputArea")
        browsing.wait_until(page, "it to go on", lambda: "Resuming at" in again.inner_text(), 60)
    lab.stop_kernels()


def test_files_and_a_recording_become_music_of_the_readers_own(browser, lab):
    notebook = nbformat.read(lab.folder / "notebooks" / "09_your_own_music.ipynb", 4)
    sources = {cell.id: cell.source for cell in notebook.cells}
    find = "tracks, left = datasets.survey(YOURS, fewest=0)\n"
    hear = "sounds = {t.title: audio.load(t.path, sr=SR, duration=2) for t in tracks}\n"
    show = "interactive.compare_players(sounds, sr=SR) if tracks else None"
    cells = [sources[i] for i in ("n9imp", "n9set", "n9drop")]
    cells += [find + sources["n9here"], hear + show]
    write(lab, "yours", map(nbformat.v4.new_code_cell, cells))
    yours = lab.folder / "outputs" / "09" / "your_music"
    yours.mkdir(parents=True)
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
    try:
        with browsing.watched_page(browser) as page:
            browsing.open_notebook(page, lab, "yours.ipynb")
            browsing.run_all(page, lab)
            box = browsing.cell(page, "FileUpload")
            assert "Nothing has arrived" in box.inner_text()
            with page.expect_file_chooser() as chooser:
                box.get_by_role("button", name="Your files").press("Enter")
            chooser.value.set_files(dropped)
            said = "Files in outputs/09/your_music: 2."
            browsing.wait_until(page, "the files", lambda: said in box.inner_text(), 20)
            assert (yours / odd).read_bytes() == dropped[0]["buffer"]
            box.get_by_role("button", name="Record").press("Enter")
            browsing.wait_until(page, "recording", lambda: box.locator("text=Stop").count())
            page.wait_for_timeout(1500)
            box.get_by_role("button", name="Stop").press("Enter")
            browsing.wait_until(page, "the WAV", lambda: "Recorded" in box.inner_text(), 20)
            for text in ("fewest=0", "sounds ="):
                run_again(page, lab, text)
            shown = browsing.shown(page, "fewest=0")
            assert "Pieces: 2" in shown
            assert '  <b>bold & "loud" ' in shown
            assert "letter.mp3: is text, not audio" in shown
            players = browsing.cell(page, "sounds =")
            names = players.locator("figcaption").all_inner_texts()
            assert [name.split(" (")[0] for name in names] == [odd[:-4], "my recording"]
            assert browsing.faults(players.locator("audio")) == []
            assert page.faults == []
    finally:
        shutil.rmtree(yours)
        lab.stop_kernels()


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
    with browsing.watched_page(browser) as page:
        browsing.open_notebook(page, lab, "faulty.ipynb")
        browsing.run_all(page, lab)
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
    lab.stop_kernels()


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
    with browsing.watched_page(browser) as page:
        browsing.open_notebook(page, lab, "stored.ipynb")
        output = page.locator(".jp-OutputArea")
        assert output.locator("text=Up or down?").is_visible()
        assert output.locator("img[alt='A tone of one second.']").is_visible()
        assert browsing.faults(output.locator("audio[controls]")) == []
        assert output.locator("input").count() == 0
    lab.stop_kernels()
