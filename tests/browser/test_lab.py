"""The notebooks as a reader has them: run, heard, played with and looked at in JupyterLab."""

import csv
import os
import re
import shutil
import statistics

import browsing
import look
import pytest

NOTEBOOKS = (  # what takes longest first, so that no worker is left alone with it at the end
    "10_words",
    "06_composing_lstm",
    "08_is_it_music",
    "09_your_own_music",
    "05_lstm_training",
    "90_refereeing_the_original",
    "07_listening",
    "04_what_to_predict",
    "01_conversion",
    "02_sampling_and_nyquist",
    "03_blocks_and_fft",
    "00_start_here",
)
ERRORS = (
    ".jp-OutputArea [data-mime-type='application/vnd.jupyter.error'], "
    ".jp-OutputArea [data-mime-type='application/vnd.jupyter.stderr']"
)
# The house rule: a control answers within half a second, nine seconds of song within four. Where
# others compute beside it, a time says little about the notebook: twenty times that will do.
_BUSY = 20 if "PYTEST_XDIST_WORKER" in os.environ else 1
ANSWERS_IN, SINGS_IN = 0.5 * _BUSY, 4.0 * _BUSY  # s
SUNG = re.compile(r"song \d|.* \((en|de)\b")  # a song, or the reader's line and who sings it
ROWS = ".widget-vbox:has(> .widget-toggle-buttons + .widget-html)"  # a question's buttons and page

FOLLOWS = """e => {  // a playhead is where its sound is
  const sound = e.closest("figure").querySelector("audio");
  return e.value > 0.5 && Math.abs(e.value - sound.currentTime) < 0.05;
}"""


@pytest.fixture(scope="module", params=NOTEBOOKS)
def notebook(request, browser, lab):
    """Open a notebook and run all of it; what it writes is not for the others to find."""
    try:
        with browsing.opened(browser, lab, f"{request.param}.ipynb") as page:
            browsing.run_all(page)
            yield page
    finally:
        shutil.rmtree(lab.folder / "outputs", ignore_errors=True)


def some(found, what):
    """Return all that a locator finds; skip the test where that is nothing."""
    if not found.count():
        pytest.skip(f"it holds no {what}")
    return found.all()


def content(box):
    """Return what an instrument shows below its controls: its pages as HTML, and in words."""
    page = box.locator(":scope > .widget-html").last
    # less the playhead, which comes when its sound is loaded, and the mark of a syllable
    html = re.sub('<input[^>]*>| aria-current="[^"]*"', "", page.inner_html())
    return html, page.inner_text()


def there_and_back(element, there, back, is_last):
    """Return what moves a control one way, then the other, and so on; from its end, back first."""
    ways = [there, back][:: -1 if is_last else 1]

    def press():
        element.focus()
        for key in ways[0].split():
            element.page.keyboard.press(key)
        ways.reverse()

    return press


def moves(box):
    """Yield the name of each control of an instrument, and how a key moves it."""
    for handle in box.locator("[role=slider].noUi-handle").all():
        is_last = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        yield "slider", there_and_back(handle, "ArrowRight", "ArrowLeft", is_last)
    for menu in box.locator("select").all():
        is_last = menu.evaluate("e => e.selectedIndex === e.options.length - 1")
        # closed, it gets no arrows: JupyterLab goes to the next cell with them
        ways = "Space ArrowDown Enter", "Space ArrowUp Enter"
        yield "dropdown", there_and_back(menu, *ways, is_last)
    for group in box.locator(".widget-toggle-buttons").all():
        other = group.locator("button:not(.mod-active)").first
        yield "toggle buttons", lambda b=other: b.press("Space")
    for tick in box.locator("input[type=checkbox]").all():
        yield "checkbox", lambda t=tick: t.press("Space")
    for number in box.locator("input[type=number]").all():
        yield "number", there_and_back(number, "ArrowUp", "ArrowDown", False)
    for text in box.locator("input[type=text], textarea").all():
        yield "text", there_and_back(text, "End s Tab", "End Backspace Tab", False)


def test_no_cell_fails(notebook):
    assert notebook.locator(ERRORS).all_inner_texts() == []


def test_every_player_sounds_as_its_caption_says(notebook):
    assert browsing.contradictions(browsing.heard(notebook.locator("audio"))) == []


def test_every_playhead_is_ready_and_follows_its_sound(notebook):
    for line in notebook.locator(".playhead").all():
        assert line.is_visible()
        sound = line.locator("xpath=ancestor::figure").locator("audio")
        sound.evaluate("e => { e.muted = true; e.currentTime = 0.5; return e.play(); }")
        browsing.wait_until(notebook, "it to follow", lambda e=line: e.evaluate(FOLLOWS))
        sound.evaluate("e => e.pause()")
        browsing.wait_until(notebook, "it to stop", lambda e=line: e.evaluate(FOLLOWS))


def test_every_control_changes_what_its_instrument_shows_and_soon(notebook):
    instruments = notebook.locator(".widget-vbox:has(> .widget-hbox button:text-is('Reset'))")
    for box in some(instruments, "instrument"):
        first, controls = content(box), list(moves(box))
        assert len(controls) >= box.locator(":scope > .widget-hbox > :not(button)").count()
        for name, press in controls:
            page, words = content(box)
            times = [browsing.answer_time(box, press)]
            new_page, new_words = content(box)
            assert new_page != page
            assert new_words != words, f"the {name} doesn't say in words what it changes"
            assert "<strong>" not in new_page, new_words
            most = SINGS_IN if SUNG.match(new_words) else ANSWERS_IN
            while min(times) > most and len(times) < 5:
                browsing.calm(notebook)  # it was slow: because others compute?
                times.append(browsing.answer_time(box, press))
            print(f"{name}: {min(times):.2f} s, of {len(times)} ({new_words[:60]!r})")
            assert min(times) <= most, f"the {name} of {new_words[:60]!r} took {times} s"
        box.get_by_role("button", name="Reset").press("Enter")
        browsing.wait_until(notebook, "Reset", lambda b=box, f=first: content(b) == f)


def go_to(page, cell):
    """Make a cell the active one by the keys of JupyterLab's command mode.

    They pass over cells whose code is collapsed: for such a one, stop at the one before it.
    """
    way = """e => {
      while (e.querySelector(".jp-Placeholder")) e = e.previousElementSibling;
      const active = document.querySelector(".jp-Notebook .jp-Cell.jp-mod-active");
      return active === e ? "" : active.compareDocumentPosition(e) & 4 ? "j" : "k";
    }"""
    page.locator(".jp-Notebook .jp-Cell.jp-mod-active").focus()
    for _ in range(200):
        key = cell.evaluate(way)
        if not key:
            return
        page.keyboard.press(key)
    pytest.fail("the cell can't be reached by keyboard")


def tab_to(page, target):
    """Press Tab until something has the focus, and see that it shows it."""
    for _ in range(80):
        if target.evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    else:
        pytest.fail(f"Tab doesn't reach {target}")
    shows = """e => {
      const look = () => ["outline", "boxShadow", "borderColor", "backgroundColor"]
        .map((name) => getComputedStyle(e)[name]).join();
      const focused = look();
      e.blur();
      const blurred = look();
      e.focus();
      return focused !== blurred;
    }"""
    assert target.evaluate(shows), f"nobody sees that {target} has the focus"


def leave(page, cell):
    """Press Tab until a cell has the focus no more: it is no trap."""
    for _ in range(80):
        if not cell.evaluate("e => e.contains(document.activeElement)"):
            return
        page.keyboard.press("Tab")
    pytest.fail("Tab doesn't leave the cell")


def assert_soon(times):
    """Judge answers that can't be asked for again, so that a busy moment may spoil one of them."""
    print("answers in", [round(time, 2) for time in times], "s")
    assert statistics.median(times) <= ANSWERS_IN, times
    assert max(times) < 4 * ANSWERS_IN, times


def test_predictions_are_made_by_keyboard_alone(notebook):
    cells = notebook.locator(".jp-CodeCell:has(strong:text-is('Predict:'))")
    first, *others = some(cells, "prediction")
    go_to(notebook, first)
    tab_to(notebook, first.locator(f"{ROWS} button").last)
    times = []
    for cell in (first, *others):
        row = cell.locator(ROWS)
        row.locator("button").last.focus()
        times.append(browsing.answer_time(row, lambda: notebook.keyboard.press("Space")))
        assert "You said:" in row.inner_text()
    leave(notebook, others[-1] if others else first)
    assert_soon(times)


def test_a_quiz_is_taken_by_keyboard_alone(notebook):
    (cell,) = some(notebook.locator(".jp-CodeCell:has(label:text-is('Answer 1:'))"), "quiz")
    go_to(notebook, cell)
    rows, times = cell.locator(ROWS).all(), []
    for row in rows:
        first, *others = row.locator("button").all()
        tab_to(notebook, first)
        times.append(browsing.answer_time(row, lambda: notebook.keyboard.press("Space")))
        for other in others:
            if "Right." in row.inner_text():
                break
            tab_to(notebook, other)
            notebook.keyboard.press("Space")
            browsing.settle(notebook)
        assert "Right." in row.inner_text()
    assert f"{len(rows)} of {len(rows)} answered" in cell.inner_text()
    leave(notebook, cell)
    assert_soon(times)


def test_a_blind_test_is_taken_by_keyboard_alone_and_gives_nothing_away(notebook, lab):
    cells = notebook.locator(".jp-CodeCell:has(button:text-is('Save, and show the score'))")
    for cell in some(cells, "blind test"):
        sounds = browsing.heard(cell.locator("audio"))
        assert all(browsing.BLIND.fullmatch(one["name"]) for one in sounds)
        assert len({(one["bytes"], one["mime"], one["seconds"]) for one in sounds}) == 1
        levels = [one["level"] for one in sounds]
        assert max(levels) - min(levels) < 0.5  # dB: the codec moves what was equal
        said = cell.locator("figure").evaluate_all(
            "all => all.map((e) => e.outerHTML.replace(/ src=.[^'\"]*/, ''))"
        )
        assert len({re.sub(browsing.BLIND.pattern, "", one) for one in said}) == 1

        go_to(notebook, cell)
        save = cell.get_by_role("button", name="Save, and show the score")
        questions = cell.locator(".widget-vbox:has(> .widget-html + .widget-toggle-buttons)").all()
        for question in questions:
            assert save.is_disabled()
            for sound in question.locator("audio").all():
                sound.evaluate("e => { e.currentTime = 0; e.loop = true; }")  # it may not end
                tab_to(notebook, sound)
                notebook.keyboard.press("Space")
                browsing.wait_until(
                    notebook, "the sound", lambda s=sound: s.evaluate("e => e.currentTime > 0")
                )
                notebook.keyboard.press("Space")
                assert sound.evaluate("e => e.paused")
            tab_to(notebook, question.locator("button").first)
            notebook.keyboard.press("Space")
            browsing.settle(notebook)
        tab_to(notebook, save)
        notebook.keyboard.press("Enter")
        score = cell.locator("table")
        browsing.wait_until(notebook, "a score", score.is_visible)
        assert score.locator("tr").count() == 1 + len(questions)
        number, path = re.search(r"Saved as test (\d+) in (\S+\.csv)", cell.inner_text()).groups()
        with (lab.folder / "notebooks" / path).open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["test"] == number]
        assert [row["answer"] for row in rows] == ["A"] * len(questions)
        n_right = sum(row["right"] == "A" for row in rows)
        assert f"{n_right} of {len(questions)} right." in cell.inner_text()
        leave(notebook, cell)


def test_a_voice_is_recorded_by_keyboard_alone(notebook, lab):
    (cell,) = some(notebook.locator(".jp-CodeCell:has(meter)"), "recorder")
    go_to(notebook, cell)
    tab_to(notebook, cell.get_by_role("button", name="Record"))
    notebook.keyboard.press("Enter")
    stop = cell.get_by_role("button", name="Stop")
    browsing.wait_until(notebook, "recording", stop.is_visible)
    notebook.wait_for_timeout(1500)
    notebook.keyboard.press("Enter")  # the button still has the focus
    browsing.recorded(notebook, cell)
    path = re.search(r"Recorded .* Hz: (.*\.wav)", cell.inner_text())[1]
    assert (lab.folder / "notebooks" / path).is_file()
    (sound,) = browsing.heard(cell.locator("audio"))
    assert sound["level"] > -60  # Chromium's fake microphone beeps
    leave(notebook, cell)
    if "01" in path:  # its next cell takes the voice in place of the song
        notebook.keyboard.press("Escape")
        go_to(notebook, cell)
        notebook.keyboard.press("j")
        notebook.keyboard.press("Control+Enter")
        following = cell.locator("xpath=following-sibling::*").first
        heard = following.locator("figcaption")
        browsing.wait_until(notebook, "it", lambda: "your voice" in heard.inner_text())
        browsing.settle(notebook)


def test_a_piano_answers_a_phrase(notebook):
    (piano,) = some(notebook.get_by_role("application"), "piano")
    cell = notebook.locator(".jp-CodeCell:has([role=application])")
    go_to(notebook, cell)
    tab_to(notebook, piano)
    for key in "asdfghj":
        notebook.keyboard.down(key)
        notebook.wait_for_timeout(200)
        notebook.keyboard.up(key)
    notebook.keyboard.press("Enter")
    status = cell.get_by_role("status")
    said = "You played 7 notes"
    browsing.wait_until(notebook, "an answer", lambda: said in status.inner_text())
    cell.locator("img[alt*='its answer']").wait_for(state="visible")
    assert browsing.faults(cell.locator("audio")) == []
    leave(notebook, cell)


@pytest.mark.parametrize("theme", look.THEMES)
@pytest.mark.parametrize("width", look.WIDTHS)
def test_nothing_is_out_of_its_place_or_hard_to_read(notebook, request, theme, width):
    with look.of(notebook, theme, width):
        name = f"{request.node.callspec.params['notebook']}-{theme.split()[1].lower()}-{width}.jpeg"
        notebook.screenshot(path=look.FOLDER / name, quality=60)
        assert look.faults(notebook) == []
        if width == look.WIDTHS[0]:
            assert look.hard_to_read(notebook) == []


def test_nothing_is_reported_on_the_console_or_asked_of_other_machines(notebook):
    assert notebook.faults == []
