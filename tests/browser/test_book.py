"""The book, as `make book` builds it: whole, silent towards the network, usable by everybody."""

import contextlib
import functools
import html.parser
import http.server
import importlib.util
import re
import threading
from pathlib import Path
from urllib.parse import unquote, urlparse

import browsing
import pytest
from axe_playwright_python.sync_playwright import Axe

PROJECT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.stem for path in (PROJECT / "notebooks").glob("[0-9]*.ipynb"))
PAGES = [*NOTEBOOKS, *sorted(path.stem for path in (PROJECT / "docs").glob("*.md")), "search"]
PHONE = {"width": 390, "height": 844}
OPEN = "() => document.querySelectorAll('details').forEach((e) => { e.open = true; })"
DECODE = """async () => {
  const faults = [];
  for (const sound of document.querySelectorAll("audio")) {
    try {
      const bytes = await (await fetch(sound.src)).arrayBuffer();
      const decoded = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes);
      if (!(decoded.duration > 0)) throw "nothing";
    } catch (error) { faults.push(`${sound.getAttribute("aria-label")}: ${error}`); }
  }
  return faults;
}"""
SMALL = """(all) => all.filter((e) => e.clientWidth < Math.min(e.naturalWidth, 639))
  .map((e) => `${e.alt}: ${e.clientWidth} px`)"""  # their labels can't be read
SEEK = """(sound, part) => new Promise((resolve) => {
  sound.addEventListener("seeked", resolve, { once: true });
  sound.currentTime = part * sound.duration;
}).then(() => 0)"""
LENGTHS = "() => [...document.querySelectorAll('audio')].every((e) => e.duration > 0)"
PLAY = """(sound) => new Promise((resolve) => {
  sound.onended = () => resolve(sound.currentTime);
  sound.onerror = () => resolve("error");
  sound.muted = true;
  sound.play();
})"""
# Each colour of code is judged once: a page has thousands of coloured words, axe looks at each.
FEWER = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight span[class]")) {
    if (seen.has(word.className)) word.replaceWith(...word.childNodes);
    else seen.add(word.className);
  }
}"""


# The theme's own, of what Sphinx 11 will do otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated. Check CHANGES for Sphinx API")


class Links(html.parser.HTMLParser):
    """What a page names, where it leads, what it loads, and its pictures' texts."""

    def __init__(self, path):
        super().__init__()
        self.names, self.links, self.loaded, self.unnamed = set(), [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self.links.append(given["action"])
        if tag in ("link", "script", "img", "audio", "source", "iframe"):
            self.loaded += [given[key] for key in ("src", "href") if key in given]
        if tag == "img" and not (given.get("alt") or "").strip():
            self.unnamed.append(given.get("src", "")[:60])


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Build the book once, and return the folder of its pages."""
    spec = importlib.util.spec_from_file_location("docs_book", PROJECT / "docs" / "book.py")
    book = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(book)
    folder = tmp_path_factory.mktemp("book")
    assert book.build(folder) <= book.MOST_BYTES
    return folder / "html"


@pytest.fixture(scope="session")
def parsed(pages):
    """Return what is in each page, by its name."""
    return {path.name: Links(path) for path in sorted(pages.glob("*.html"))}


@pytest.fixture(scope="session")
def address(pages):
    """Serve the book to this machine, and return where."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=pages)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def open_page(browser, address):
    """Return what opens a page; whatever went wrong on it fails the test at its end."""
    pages = []
    with contextlib.ExitStack() as opened:

        def go(name, **options):
            pages.append(opened.enter_context(browsing.watched_page(browser, **options)))
            pages[-1].goto(f"{address}/{name}", wait_until="load")
            return pages[-1]

        yield go
        assert [fault for page in pages for fault in page.faults] == []


def test_every_page_is_there_and_no_other(parsed):
    assert set(parsed) == {f"{name}.html" for name in PAGES}


def test_the_search_takes_little_room(pages):
    index = (pages / "searchindex.js").read_text(encoding="utf-8")
    assert len(index) < 1_000_000
    assert "base64" not in index


def test_every_picture_has_an_alternative_text(parsed):
    assert {name: page.unnamed for name, page in parsed.items() if page.unnamed} == {}


def test_every_link_leads_somewhere(parsed, pages):
    broken = []
    for name, page in parsed.items():
        for link in page.links:
            parts = urlparse(link)
            if parts.scheme:
                well_formed = parts.scheme in ("http", "https") and "." in parts.netloc
                broken += [] if well_formed else [(name, link)]
                continue
            target, anchor = unquote(parts.path) or name, unquote(parts.fragment)
            is_there = (pages / target).is_file()
            if not is_there or (anchor and anchor not in parsed[target].names):
                broken.append((name, link))
    assert broken == []
    assert sum(len(page.links) for page in parsed.values()) > 500


def test_nothing_is_loaded_from_elsewhere(parsed, pages):
    for name, page in parsed.items():
        for address in page.loaded:
            parts = urlparse(address)
            assert parts.scheme in ("", "data"), (name, address[:80])
            if not parts.scheme:
                assert (pages / unquote(parts.path)).exists(), (name, address)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_notebook_leads_to_its_file_and_its_neighbours(parsed, pages, name):
    links = parsed[f"{name}.html"].links
    (file,) = [link for link in links if link.endswith(".ipynb")]
    stored = PROJECT / "notebooks" / f"{name}.ipynb"
    assert (pages / file).read_bytes() == stored.read_bytes()
    i = NOTEBOOKS.index(name)
    assert {f"{other}.html" for other in NOTEBOOKS[max(0, i - 1) : i + 2]} <= {
        *links,
        f"{name}.html",
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_quietly_and_all_its_players_decode(open_page, name):
    page = open_page(f"{name}.html")
    page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
    assert page.evaluate(DECODE) == []
    assert page.locator("audio").count() > 0 or name not in NOTEBOOKS


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_nothing_runs_out_of_the_page(open_page, name):
    page = open_page(f"{name}.html", is_mobile=True, has_touch=True)
    page.set_viewport_size(PHONE)
    page.evaluate(OPEN)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    for box in page.locator("audio, .picture").all():
        place = box.bounding_box()
        assert 0 <= place["x"] < place["x"] + place["width"] <= PHONE["width"]
    assert page.locator(".cell_output img").evaluate_all(SMALL) == []


def test_on_a_phone_a_swipe_shows_the_rest_of_a_picture_and_a_tap_jumps(open_page):
    page = open_page("03_blocks_and_fft.html", is_mobile=True, has_touch=True)
    page.set_viewport_size(PHONE)
    box = page.locator(".picture:has(.playhead)").first
    line, sound = box.locator(".playhead"), box.locator("xpath=..").locator("audio")
    line.wait_for(state="visible")
    box.scroll_into_view_if_needed()
    box.evaluate("e => { e.scrollLeft = 0; }")
    place = box.bounding_box()
    x, y = place["x"] + 0.9 * place["width"], place["y"] + place["height"] / 2
    finger = page.context.new_cdp_session(page)
    for i in range(16):
        kind, where = "touchMove" if i else "touchStart", [{"x": x - 15 * i, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})
        page.wait_for_timeout(20)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    browsing.wait_until(page, "the swipe", lambda: box.evaluate("e => e.scrollLeft") > 100)
    assert sound.evaluate("e => e.currentTime") == 0
    places = []

    def rests():
        places.append(box.evaluate("e => e.scrollLeft"))
        return len(places) > 5 and len(set(places[-5:])) == 1

    browsing.wait_until(page, "it to come to rest", rests)
    axes = line.bounding_box()
    page.touchscreen.tap(x, y)
    expected = sound.evaluate("e => e.duration") * (x - axes["x"]) / axes["width"]
    now = "e => e.currentTime"
    browsing.wait_until(page, "the jump", lambda: sound.evaluate(now) > 0)
    assert sound.evaluate(now) == pytest.approx(expected, abs=0.05)


def test_a_picture_that_is_too_wide_scrolls_by_keyboard(open_page):
    page = open_page("03_blocks_and_fft.html")
    page.set_viewport_size(PHONE)
    box = page.locator(".picture").first
    box.focus()
    page.keyboard.press("ArrowRight")
    browsing.wait_until(page, "it to scroll", lambda: box.evaluate("e => e.scrollLeft") > 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_an_audit_finds_no_serious_barrier(open_page, name, scheme):
    page = open_page(f"{name}.html", color_scheme=scheme)
    page.evaluate(OPEN)
    page.evaluate(FEWER)
    page.evaluate(browsing.SETTLED)  # colours fade in from those of the other theme
    options = {"resultTypes": ["violations"], "preload": False}
    if scheme == "dark":  # what else could differ
        options["runOnly"] = ["color-contrast", "link-in-text-block"]
    found = Axe().run(page, options=options).response["violations"]
    barriers = [
        (one["id"], one["impact"], node["target"], node["html"][:200])
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert barriers == []


def test_a_sound_plays_to_its_end(open_page):
    page = open_page("03_blocks_and_fft.html")
    players = page.locator("audio").all()
    browsing.wait_until(page, "their lengths", lambda: page.evaluate(LENGTHS))
    durations = [player.evaluate("e => e.duration") for player in players]
    shortest = min(zip(durations, range(len(players)), strict=True))[1]
    ended = players[shortest].evaluate(PLAY)
    assert ended == pytest.approx(durations[shortest], abs=0.01)
    assert ended > 0.3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_line_follows_the_sound_and_a_click_in_the_picture_jumps(open_page, scheme):
    page = open_page("03_blocks_and_fft.html", color_scheme=scheme)
    line = page.locator(".playhead").first
    line.wait_for(state="visible")
    figure = line.locator("xpath=ancestor::figure")
    sound, picture = figure.locator("audio"), figure.locator("img").bounding_box()
    place = line.bounding_box()
    page.mouse.click(picture["x"] + picture["width"] / 2, picture["y"] + picture["height"] / 2)
    middle = picture["x"] + picture["width"] / 2
    duration = sound.evaluate("e => e.duration")
    expected = duration * (middle - place["x"]) / place["width"]
    assert sound.evaluate("e => e.currentTime") == pytest.approx(expected, abs=0.05)
    after = float(line.input_value()) + 0.1  # s
    sound.evaluate("e => { e.muted = true; return e.play(); }")
    browsing.wait_until(page, "the line", lambda: float(line.input_value()) > after)


def test_the_axes_lie_under_the_line_in_both_themes(open_page):
    places = []
    for scheme in ("light", "dark"):
        page = open_page("03_blocks_and_fft.html", color_scheme=scheme)
        line = page.locator(".playhead").first
        line.wait_for(state="visible")
        picture = line.locator("xpath=ancestor::figure").locator("img").bounding_box()
        box = line.bounding_box()
        places.append([box["x"] - picture["x"], box["y"] - picture["y"], box["width"]])
    assert places[0] == pytest.approx(places[1], abs=0.5)


def test_the_syllable_that_sounds_is_marked(open_page):
    page = open_page("10_words.html")
    verse = page.locator(".verse").first
    figure = verse.locator("xpath=ancestor::figure")
    sound = figure.locator("audio")
    figure.locator(".playhead").wait_for(state="visible")
    marked, seen = verse.locator(".sung[aria-current=true]"), set()
    for tenth in range(1, 10):
        sound.evaluate(SEEK, tenth / 10)
        seen |= set(marked.all_inner_texts())
    assert len(seen) > 2


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_answers_open_by_keyboard(open_page, key):
    page = open_page("03_blocks_and_fft.html")
    question = page.locator(".question").first
    answer = question.locator("details p").first
    assert not answer.is_visible()
    question.locator("summary").focus()
    page.keyboard.press(key)
    assert answer.is_visible()


def test_solutions_are_folded_with_what_they_show(open_page):
    page = open_page("03_blocks_and_fft.html")
    solution = page.locator("details:has(> summary:text-is('A solution'))").first
    shown = solution.locator(".cell_input, .cell_output")
    assert shown.count() > 1
    assert not any(one.is_visible() for one in shown.all())
    solution.locator("summary").click()
    assert all(one.is_visible() for one in shown.all())


def test_the_search_finds_nyquist(open_page):
    page = open_page("search.html?q=Nyquist")
    found = page.locator("#search-results li a")
    title = "2 · Sampling and the Nyquist limit"
    browsing.wait_until(page, title, lambda: title in " ".join(found.all_inner_texts()))


def test_without_scripts_pictures_players_and_answers_remain(open_page):
    page = open_page("03_blocks_and_fft.html", java_script_enabled=False)
    assert page.locator("figure audio[controls]").first.is_visible()
    assert page.locator("figure img").first.is_visible()
    question = page.locator(".question").first
    question.locator("summary").click()
    assert question.locator("details p").first.is_visible()
    assert re.match(r"3 · Blocks", page.locator("h1").first.inner_text())
