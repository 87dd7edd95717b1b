"""The notebooks as a reader has them: run, heard and played with in JupyterLab."""

import re

import browsing
import nbformat
import numpy as np
import pytest

from helpers import audio, interactive, plotting, questions

NOTEBOOKS = (
    "00_start_here",
    "01_conversion",
    "02_sampling_and_nyquist",
    "03_blocks_and_fft",
    "04_what_to_predict",
    "05_lstm_training",
    "06_composing_lstm",
    "07_listening",
    "08_is_it_music",
    "09_your_own_music",
    "10_words",
    "90_refereeing_the_original",
)
ERRORS = (
    ".jp-OutputArea [data-mime-type='application/vnd.jupyter.error'], "
    ".jp-OutputArea [data-mime-type='application/vnd.jupyter.stderr']"
)
PLAY = """async (sound) => {
  const said = [];
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  if (sound.readyState < 1) {
    sound.load();
    for (let i = 0; i < 50 && sound.readyState < 1 && !sound.error; i++) await wait(100);
  }
  try {
    const bytes = await (await fetch(sound.currentSrc)).arrayBuffer();
    const decoded = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes);
    if (!(decoded.duration > 0)) said.push("decodes to nothing");
    sound.muted = true;
    sound.currentTime = 0;
    await sound.play();
    for (let i = 0; i < 40 && sound.currentTime < 0.1; i++) await wait(50);
    if (sound.currentTime < 0.1 && !sound.ended) said.push(`clock at ${sound.currentTime}`);
  } catch (error) { said.push(String(error)); }
  sound.pause();
  return said.map((fault) => `${sound.getAttribute("aria-label")}: ${fault}`);
}"""


@pytest.fixture(scope="module", params=NOTEBOOKS)
def notebook(request, browser, lab):
    """Open a notebook and run all of it."""
    with browsing.watched_page(browser) as page:
        browsing.open_notebook(page, lab, f"{request.param}.ipynb")
        browsing.run_all(page, lab)
        yield page
    lab.stop_kernels()


def settle(page, lab):
    """Wait until the kernel has answered to what was done in the page."""
    page.wait_for_timeout(300)
    browsing.wait_until(page, "the kernel", lab.is_idle)
    page.wait_for_timeout(200)


def content(box):
    """Return what an instrument shows below its controls: its pages as HTML, and in words."""
    page = box.locator(":scope > .widget-html").last
    # less where a playhead stands, and which syllable it is at
    html = re.sub(' aria-(valuetext|current)="[^"]*"', "", page.inner_html())
    return html, page.inner_text()


def moves(box):
    """Yield the name of each control of an instrument, and what a reader does to it."""
    for handle in box.locator("[role=slider].noUi-handle").all():
        at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        yield "slider", lambda h=handle, a=at_end: h.press("ArrowLeft" if a else "ArrowRight")
    for menu in box.locator("select").all():
        options = menu.locator("option").count()
        other = (menu.evaluate("e => e.selectedIndex") + 1) % options
        yield "dropdown", lambda m=menu, i=other: m.select_option(index=i)
    for group in box.locator(".widget-toggle-buttons").all():
        button = group.locator("button:not(.mod-active)").first
        yield "toggle buttons", lambda b=button: b.press("Space")
    for tick in box.locator("input[type=checkbox]").all():
        yield "checkbox", lambda t=tick: t.press("Space")


def test_no_cell_fails(notebook):
    assert notebook.locator(ERRORS).all_inner_texts() == []


def test_every_player_decodes_and_its_clock_advances(notebook):
    players = notebook.locator("audio").all()
    assert players
    assert [fault for player in players for fault in player.evaluate(PLAY)] == []


def test_every_playhead_is_ready_and_follows_its_sound(notebook):
    for line in notebook.locator(".playhead").all():
        assert line.is_visible()
        sound = line.locator("xpath=ancestor::figure").locator("audio")
        sound.evaluate("e => { e.muted = true; e.currentTime = 0.5; return e.play(); }")
        notebook.wait_for_timeout(300)
        sound.evaluate("e => e.pause()")
        notebook.wait_for_timeout(100)
        times = line.evaluate(
            "e => [Number(e.value), e.closest('figure').querySelector('audio').currentTime]"
        )
        assert times[0] > 0.5
        assert abs(times[0] - times[1]) < 0.05


def test_every_control_changes_what_its_instrument_shows(notebook, lab):
    instruments = notebook.locator(".widget-vbox:has(> .widget-hbox button:text-is('Reset'))")
    if not instruments.count():
        pytest.skip("it holds no instrument")
    for box in instruments.all():
        box.scroll_into_view_if_needed()
        first = content(box)
        for name, move in moves(box):
            page, words = content(box)
            move()
            browsing.wait_until(
                notebook,
                f"the {name} to change something",
                lambda b=box, p=page: content(b)[0] != p,
                30,
            )
            settle(notebook, lab)
            new_page, new_words = content(box)
            assert new_words != words, f"the {name} doesn't say in words what it changes"
            assert "<strong>" not in new_page, new_words
        box.get_by_role("button", name="Reset").press("Enter")
        browsing.wait_until(notebook, "Reset", lambda b=box, f=first: content(b) == f, 30)


def test_a_piano_answers_a_phrase(notebook):
    piano = notebook.get_by_role("application")
    if not piano.count():
        pytest.skip("it holds no piano")
    box = notebook.locator(".jp-CodeCell:has([role=application])")
    piano.focus()
    for key in "asdfghj":
        notebook.keyboard.down(key)
        notebook.wait_for_timeout(200)
        notebook.keyboard.up(key)
    notebook.keyboard.press("Enter")
    status = box.get_by_role("status")
    browsing.wait_until(notebook, "an answer", lambda: "7 notes" in status.inner_text(), 60)
    assert "You played 7 notes" in status.inner_text()
    assert box.locator("img[alt*='its answer']").is_visible()
    assert box.locator("audio").evaluate(PLAY) == []


def test_nothing_is_reported_on_the_console_or_asked_of_other_machines(notebook):
    assert notebook.faults == []


def cell(page, text):
    """Return the code cell whose source has a text."""
    return page.locator(f".jp-CodeCell:has(.jp-InputArea-editor:has-text('{text}'))").first


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

interactive.Keyboard(bank, answer, bars=1)""",
]


@pytest.fixture(scope="module")
def kit(browser, lab):
    """Open a notebook that holds each part of the kit once, and run it."""
    cells = [nbformat.v4.new_code_cell(source) for source in KIT]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / "notebooks" / "kit.ipynb")
    with browsing.watched_page(browser) as page:
        browsing.open_notebook(page, lab, "kit.ipynb")
        browsing.run_all(page, lab)
        yield page
        assert page.faults == []
    lab.stop_kernels()


def shown(page, text):
    """Return the text that the cell whose source has a text displays."""
    return "\n".join(cell(page, text).locator(".jp-OutputArea").all_inner_texts())


def run_again(page, lab, text):
    """Run the cell whose source has a text once more."""
    cell(page, text).locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    settle(page, lab)


def test_a_click_in_a_picture_jumps_there_also_in_an_instrument(kit, lab):
    box = cell(kit, "interactive.explore")
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
        settle(kit, lab)
        assert box.locator("audio").evaluate("e => e.duration") > duration


def test_a_prediction_comes_before_its_reveal_and_is_kept(kit, lab):
    asked = cell(kit, "questions.predict")
    assert asked.locator("text=Up or down?").count()
    assert "It falls." not in shown(kit, "questions.predict")
    asked.get_by_role("button", name="up", exact=True).press("Enter")
    settle(kit, lab)
    assert "You said: up. It is: down." in shown(kit, "questions.predict")
    assert "It falls." in shown(kit, "questions.predict")
    run_again(kit, lab, "questions.predict")
    assert "You said: up. It is: down." in shown(kit, "questions.predict")
    assert asked.get_by_role("button", name="down", exact=True).is_disabled()


def test_a_quiz_answers_each_choice_and_counts(kit, lab):
    asked = cell(kit, "questions.quiz")
    for number, choice in enumerate(("no", "yes", "yes", "yes", "yes")):
        buttons = asked.locator(".widget-toggle-buttons").nth(number)
        buttons.get_by_role("button", name=choice).press("Space")
        settle(kit, lab)
    said = shown(kit, "questions.quiz")
    assert "Not that one." in said
    assert said.count("So it is.") == 4
    assert "5 of 5 answered, 4 right at the first try." in said


def test_a_voice_is_recorded_and_used(kit, lab):
    assert "recorded: False" in shown(kit, "interactive.load_voice")
    box = cell(kit, "interactive.Recorder")
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
    assert box.locator("audio").evaluate(PLAY) == []
    kit.screenshot(path=lab.folder / "recorder.png")
    run_again(kit, lab, "interactive.load_voice")
    assert "recorded: True" in shown(kit, "interactive.load_voice")


def test_a_recording_ends_by_itself(kit, lab):
    run_again(kit, lab, "interactive.Recorder")
    box = cell(kit, "interactive.Recorder")
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
            box = cell(page, "interactive.Recorder")
            box.get_by_role("button", name="Record").press("Enter")
            said = "The notebook goes on with the shipped sound."
            browsing.wait_until(page, "a word", lambda: said in box.inner_text(), 20)
            assert box.get_by_role("button", name="Record").is_enabled()
    finally:
        browser.close()


def played(page, lab, keys, *, finish=True):
    """Play the computer's keys, and wait for what is said of them."""
    box = cell(page, "interactive.Keyboard")
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
    assert box.locator("audio").evaluate(PLAY) == []
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
    box = cell(kit, "interactive.Keyboard")
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
    box = cell(kit, "interactive.Keyboard")
    key = box.locator("[data-key='3']")
    key.click()
    box.get_by_role("button", name="Answer").press("Enter")
    status = box.get_by_role("status")
    said = "No answer: too few notes"
    browsing.wait_until(kit, "a word", lambda: status.inner_text() == said, 20)


def test_the_keys_bear_the_letters_that_they_send(kit, lab):
    piano = cell(kit, "interactive.Keyboard").get_by_role("application")
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
    status = cell(kit, "interactive.Keyboard").get_by_role("status")
    said = "No answer: too few notes"  # the two A, without a third from the right button
    browsing.wait_until(kit, "a word", lambda: status.inner_text() == said, 20)


def test_the_piano_takes_no_key_while_it_lacks_the_focus(kit, lab):
    box = cell(kit, "interactive.Keyboard")
    n_cells = kit.locator(".jp-Cell").count()
    box.locator(".jp-InputPrompt").click()
    kit.keyboard.press("b")  # JupyterLab's own: a new cell below
    browsing.wait_until(kit, "a cell", lambda: kit.locator(".jp-Cell").count() == n_cells + 1, 10)


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
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.folder / "notebooks" / "stored.ipynb")
    with browsing.watched_page(browser) as page:
        browsing.open_notebook(page, lab, "stored.ipynb")
        output = page.locator(".jp-OutputArea")
        assert output.locator("text=Up or down?").is_visible()
        assert output.locator("img[alt='A tone of one second.']").is_visible()
        assert output.locator("audio[controls]").evaluate(PLAY) == []
        assert output.locator("input").count() == 0
    lab.stop_kernels()
