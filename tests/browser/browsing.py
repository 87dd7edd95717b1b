"""What the browser's tests share: Chromium, a running JupyterLab, and how to use them."""

import base64
import contextlib
import io
import json
import os
import re
import shutil
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

import psutil
import pytest
import soundfile

FLAGS = [
    "--no-sandbox",  # a container's root has no other way
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
]
CONSENT = "--use-fake-ui-for-media-stream"  # without it, nobody answers when the page asks

CAPTION = re.compile(
    r"\((?P<seconds>[\d.]+) s, (?:mono, |stereo, )?(?:silence|(?P<level>-?[\d.]+) dBFS)"
    r"(?:, \d+ samples? clipped)?(?:, (?P<codec>MP3|Ogg Vorbis), (?P<kbps>\d+) kb/s)?\)$"
)
BLIND = re.compile(r"\d+ [ABX]")  # the only players whose names tell no more
CODECS = {"MP3": ["audio/mpeg"], "Ogg Vorbis": ["audio/ogg"], None: ["audio/wav", "audio/flac"]}
HEAR = """async ([sound, rate]) => {
  const faults = [], wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const is = { name: sound.getAttribute("aria-label"), faults };
  if (sound.readyState < 1) {
    sound.load();
    for (let i = 0; i < 600 && sound.readyState < 1 && !sound.error; i++) await wait(100);
  }
  try {
    const data = await (await fetch(sound.currentSrc)).blob();
    const decoder = new OfflineAudioContext(1, 1, rate);
    const decoded = await decoder.decodeAudioData(await data.arrayBuffer());
    const n = decoded.numberOfChannels, sum = (samples) => samples.reduce((a, x) => a + x * x, 0);
    let power = 0;
    for (let i = 0; i < n; i++) power += sum(decoded.getChannelData(i)) / decoded.length / n;
    Object.assign(is, { mime: data.type, bytes: data.size, seconds: decoded.duration });
    is.level = power ? 10 * Math.log10(power) : null;
    if (!(decoded.duration > 0)) faults.push("decodes to nothing");
    sound.muted = true;
    sound.currentTime = 0;
    await sound.play();
    for (let i = 0; i < 1200 && sound.currentTime < 0.1 && !sound.ended; i++) await wait(50);
    if (sound.currentTime < 0.1 && !sound.ended) faults.push(`clock at ${sound.currentTime}`);
  } catch (error) { faults.push(String(error)); }
  sound.pause();
  return is;
}"""
ANSWER = """(box) => {
  const page = box.lastElementChild;
  const look = () => [...page.querySelectorAll("img, audio")].map((e) => e.src) + page.textContent;
  const before = look();
  let pressed;
  addEventListener("keydown", (e) => { pressed = e.timeStamp; }, true);
  window.answered = new Promise((done) => {
    new MutationObserver(async (_, watcher) => {
      if (look() === before) return;
      watcher.disconnect();
      await Promise.all([...page.querySelectorAll("img")].map((e) => e.decode()));
      requestAnimationFrame(() => done((performance.now() - pressed) / 1000));
    }).observe(page, { childList: true, subtree: true, characterData: true });
    setTimeout(() => done(null), 300000);
  });
}"""

TOLD = """() => {  // from now on, which messages to the kernel it hasn't done with
  const told = window.told = new Set(), { session } = jupyterapp.shell.currentWidget.sessionContext;
  session.anyMessage.connect((_, { msg, direction }) => {
    if (direction === "send" && msg.channel === "shell") told.add(msg.header.msg_id);
  });
  session.iopubMessage.connect((_, { header, content, parent_header }) => {
    if (header.msg_type === "status" && content.execution_state === "idle") {
      told.delete(parent_header.msg_id);
    }
  });
}"""
ANSWERED = "() => told.size === 0"
SETTLED = """Promise.allSettled(document.getAnimations()
  .filter((one) => one instanceof CSSTransition).map((one) => one.finished)).then(() => 0)"""
PATIENCE = 300.0  # s: it costs nothing where all is well, and a machine may be busy


def find_chromium() -> str:
    """Return the path of Chromium, or fail with what to do."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.fail(
            "The browser's tests need Chromium, and none of "
            f"{', '.join(names)} is on the path: install it (Debian, Ubuntu: apt-get install "
            "chromium), or name it: CHROMIUM=/path/to/chromium",
            pytrace=False,
        )
    return found


class Lab:
    """A running JupyterLab."""

    def __init__(self, folder: Path, port: int, token: str):
        self.folder, self.base, self.token = folder, f"http://127.0.0.1:{port}", token

    def ask(self, path: str, method: str = "GET"):
        """Ask the server's interface; return what it answers."""
        address = f"{self.base}/api/{path}?token={self.token}"
        request = urllib.request.Request(address, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            text = response.read()
        return json.loads(text) if text else None

    def stop_kernels(self, name: str = "") -> None:
        """End the kernel of a notebook, or every kernel."""
        for session in self.ask("sessions"):
            if session["path"].endswith(name):
                self.ask(f"sessions/{session['id']}", "DELETE")


@contextlib.contextmanager
def watched_page(browser, **options):
    """Open a page that notes what goes wrong: `faults`, and requests to other machines."""
    context = browser.new_context(viewport={"width": 1300, "height": 1600}, **options)
    context.set_default_timeout(1000 * PATIENCE)
    page, faults = context.new_page(), []

    def note(request):
        address = urlparse(request.url)
        if address.scheme in ("http", "https", "ws") and address.hostname != "127.0.0.1":
            faults.append(f"request to {request.url}")

    page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", note)
    page.faults = faults
    try:
        yield page
    finally:
        context.close()


def wait_until(page, what, condition, seconds=PATIENCE, *, act=None):
    """Wait until a condition holds; else fail, saying what was waited for.

    Where `act` is given, do that first, and again every ten seconds, as a reader would.
    """
    start = acted = time.monotonic()
    if act:
        act()
    while not condition():
        now = time.monotonic()
        assert now < start + seconds, f"waited {seconds:.0f} s in vain: {what}"
        if act and now > acted + 10:
            act()
            acted = now
        page.wait_for_timeout(100)


@contextlib.contextmanager
def opened(browser, lab, name):
    """Open a notebook in a watched page, and wait for its kernel, which ends with the page."""
    try:
        with watched_page(browser) as page:
            page.goto(f"{lab.base}/lab/tree/notebooks/{name}?token={lab.token}&reset")
            page.wait_for_selector(".jp-Notebook .jp-Cell")
            # before the kernel is idle, JupyterLab drops "Run All" without a word
            idle = "() => /\\|\\s*Idle/.test(document.body.innerText)"
            wait_until(page, f"the kernel of {name}", lambda: page.evaluate(idle))
            page.evaluate(TOLD)
            yield page
    finally:
        lab.stop_kernels(name)


def run_all(page, seconds=1200.0):
    """Run all cells, and wait until the last one has."""
    page.click(".lm-MenuBar-itemLabel:text-is('Run')")
    page.click(".lm-Menu-itemLabel:text-is('Run All Cells')")
    prompts = (
        "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
        ".map(e => e.textContent)"
    )

    def done():
        texts = [text.strip("[]: ") for text in page.evaluate(prompts)]
        texts = [text for text in texts if text]  # a collapsed cell shows none
        return texts and all(text.isdigit() for text in texts) and page.evaluate(ANSWERED)

    wait_until(page, "Run All", done, seconds)
    page.wait_for_timeout(1000)
    wait_until(page, "a collapsed last cell", done)


def settle(page):
    """Wait until the kernel has done all that it was told in the page, and the page knows."""
    page.wait_for_timeout(50)
    page.wait_for_function(ANSWERED)


def run_again(page, text):
    """Run the cell whose source has a text once more."""
    prompt = cell(page, text).locator(".jp-InputPrompt")
    before = prompt.inner_text()
    prompt.click()
    page.keyboard.press("Control+Enter")
    wait_until(page, "the cell", lambda: prompt.inner_text() not in (before, "[ ]:", "[*]:"))
    settle(page)


def cell(page, text):
    """Return the code cell whose source has a text."""
    return page.locator(f".jp-CodeCell:has(.jp-InputArea-editor:has-text('{text}'))").first


def shown(page, text):
    """Return the text that the cell whose source has a text displays."""
    return "\n".join(cell(page, text).locator(".jp-OutputArea").all_inner_texts())


def recorded(page, box):
    """Wait until a recording is at its end, and can be heard."""
    sound = box.locator("audio")
    wait_until(page, "the WAV", lambda: "Recorded" in box.inner_text() and sound.count())
    return sound


def heard(players):
    """Decode and play all of these sounds at a time; return of each what is true of it.

    That is its name, MIME type, bytes, seconds, level (RMS, dBFS) and faults. It is decoded at its
    own rate: when a browser resamples, it takes what lies close to half of the rate.
    """
    sources = players.evaluate_all("all => all.map((e) => e.src.split(',')[1])")
    assert sources, "no player was found"
    rates = [soundfile.info(io.BytesIO(base64.b64decode(one))).samplerate for one in sources]
    hear = f"(all, rates) => Promise.all(all.map((e, i) => [e, rates[i]]).map({HEAR}))"
    return players.evaluate_all(hear, rates)


def faults(players):
    """Tell which of these players don't play."""
    return [f"{one['name']}: {fault}" for one in heard(players) for fault in one["faults"]]


def contradictions(sounds):
    """Tell where sounds, as they were heard, are not what their captions say, or don't play.

    A caption is rounded to 0.1 s and 0.1 dB. The fades, which take 5 ms off both ends, resampling
    to a rate that browsers play, and the codec move the level by 0.3 dB at most; but an MP3 has no
    room above 16 kHz or so, which costs what lies there (the images of notebook 02) a decibel.
    """
    said = []
    for one in sounds:
        facts, wrong = CAPTION.search(one["name"]), list(one["faults"])
        if not facts and not BLIND.fullmatch(one["name"]):
            wrong.append("its caption says too little")
        if facts and not wrong:
            seconds, level, codec = one["seconds"], one["level"], facts["codec"]
            stated = float(facts["level"] or "-inf")
            if abs(seconds - float(facts["seconds"])) > 0.06:
                wrong.append(f"lasts {seconds:.2f} s")
            if stated < -90:  # next to silence, of which a codec makes silence
                is_right = level is None or level < -90
            else:
                lowest = -1.2 if codec else -0.3
                is_right = level is not None and lowest < level - stated < 0.3
            if not is_right:
                wrong.append(f"has {level} dBFS")
            if one["mime"] not in CODECS[codec]:
                wrong.append(f"is {one['mime']}")
            if codec and abs(one["bytes"] / 125 / seconds - float(facts["kbps"])) > 1:
                wrong.append(f"has {one['bytes']} bytes")
        said += [f"{one['name']}: {fault}" for fault in wrong]
    return said


def answer_time(box, press):
    """Press a key, and return how long it takes, s, until a box shows another page.

    More may come in later messages, such as a quiz's score: wait for those, too.
    """
    box.evaluate(ANSWER)
    press()
    seconds = box.evaluate("() => window.answered")
    settle(box.page)
    assert seconds is not None, "the key changed nothing in five minutes"
    return seconds


def calm(page, seconds=8):
    """Wait until the machine has a core to spare for half a second, or until the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and psutil.cpu_percent(0.5) > 100 - 100 / psutil.cpu_count():
        page.wait_for_timeout(500)
