"""A page exported from a notebook: it has no kernel, and perhaps no scripts."""

import browsing
import nbconvert
import nbformat
import numpy as np
import pytest

from helpers import interactive, plotting, questions

SR = 16_000
VERSE = [("Twin", 0.5, 1.0), ("kle, ", 1.0, 1.5), ("lit", 1.5, 2.0), ("tle\n", 2.0, 2.5)]
VERSE += [("star", 3.0, 4.0)]


def shown():
    """Return what the cells of the page display."""
    y = (0.1 * np.sin(np.arange(4 * SR) / 5)).astype(np.float32)
    ax = plotting.waveform(y, sr=SR)
    asked = questions.predict("Up or down?", ["up", "down"], reveal="It falls.")
    return [
        asked.parts[0],
        interactive.watch(ax, y, sr=SR, label="tone", alt="A tone of four seconds."),
        interactive.player(y, sr=SR, label="again"),
        interactive.watch(ax, y, sr=SR, label="song", alt="A song.", captions=VERSE),
    ]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Export a notebook as `jupyter nbconvert --to html` does."""
    outputs = [
        nbformat.v4.new_output("display_data", data=one._repr_mimebundle_()) for one in shown()
    ]
    cell = nbformat.v4.new_code_cell("...", outputs=outputs)
    page, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


def middle_of(page):
    """Click in the middle of the picture."""
    place = page.locator("img[alt='A tone of four seconds.']").bounding_box()
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


@pytest.mark.parametrize("width", [1300, 600])
def test_a_line_follows_the_sound_and_a_click_jumps_at_any_width(browser, address, width):
    with browsing.watched_page(browser) as page:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address, wait_until="domcontentloaded")
        line, sound = page.locator(".playhead").first, page.locator("audio").first
        line.wait_for(state="visible")
        page.locator("img").first.evaluate("e => e.decode()")
        picture, place = page.locator("img").first.bounding_box(), line.bounding_box()
        middle = picture["x"] + picture["width"] / 2
        middle_of(page)
        expected = 4 * (middle - place["x"]) / place["width"]
        assert sound.evaluate("e => e.currentTime") == pytest.approx(expected, abs=0.03)
        assert 1 < expected < 3
        after = float(line.input_value()) + 0.1  # s
        sound.evaluate("e => { e.muted = true; return e.play(); }")
        browsing.wait_until(page, "the line", lambda: float(line.input_value()) > after)


def marked(page):
    """Return the syllables that are marked as sounding."""
    return page.locator(".sung[aria-current=true]").all_inner_texts()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_syllable_that_sounds_is_marked(browser, address, scheme):
    with browsing.watched_page(browser, color_scheme=scheme) as page:
        page.goto(address, wait_until="domcontentloaded")
        page.locator(".playhead").last.wait_for(state="visible")
        sound = page.locator("audio").last
        assert marked(page) == []
        for second, expected in ((1.2, ["kle,"]), (2.7, []), (0.6, ["Twin"]), (3.5, ["star"])):
            sound.evaluate("(e, t) => { e.currentTime = t; }", second)
            browsing.wait_until(page, f"{expected}", lambda e=expected: marked(page) == e)
        look = page.locator(".sung[aria-current=true]").evaluate(
            "e => [getComputedStyle(e).textDecorationLine, getComputedStyle(e).color]"
        )
        assert look == ["underline", "rgb(0, 0, 0)"]  # not by a colour alone, and legible on it
        sound.evaluate("e => { e.currentTime = 0.9; }")
        browsing.wait_until(page, "Twin", lambda: marked(page) == ["Twin"])
        # so slowly that a busy machine passes over none
        sound.evaluate("e => { e.muted = true; e.playbackRate = 0.1; return e.play(); }")
        seen = ["Twin"]
        while len(seen) < 3:
            page.wait_for_timeout(20)
            seen += [one for one in marked(page) if one not in seen]
            assert sound.evaluate("e => !e.ended")
        assert seen == ["Twin", "kle,", "lit"]


def test_without_scripts_question_picture_and_players_remain(browser, address):
    with browsing.watched_page(browser, java_script_enabled=False) as page:
        page.goto(address, wait_until="domcontentloaded")
        assert page.locator("text=Up or down?").is_visible()
        page.locator("img[alt='A tone of four seconds.']").wait_for(state="visible")
        assert all(player.is_visible() for player in page.locator("audio").all())
        assert page.locator("audio[controls]").count() == 3
        assert page.locator(".verse").inner_text() == "Twinkle, little\nstar"
        assert page.locator(".playhead").count() == 0
