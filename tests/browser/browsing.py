"""What the browser's tests share: Chromium, a running JupyterLab, and how to use them."""

import contextlib
import json
import os
import shutil
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

import pytest

FLAGS = [
    "--no-sandbox",  # a container's root has no other way
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
]
CONSENT = "--use-fake-ui-for-media-stream"  # without it, nobody answers when the page asks


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
        with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=5) as r:
            text = r.read()
        return json.loads(text) if text else None

    def is_idle(self) -> bool:
        """Tell whether no kernel computes."""
        return all(s["kernel"]["execution_state"] == "idle" for s in self.ask("sessions"))

    def stop_kernels(self) -> None:
        """End every kernel."""
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", "DELETE")


@contextlib.contextmanager
def watched_page(browser, **options):
    """Open a page that notes what goes wrong: `faults`, and requests to other machines."""
    context = browser.new_context(viewport={"width": 1300, "height": 1600}, **options)
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


def wait_until(page, what, condition, seconds=60.0):
    """Wait until a condition holds; else fail, saying what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain: {what}"
        page.wait_for_timeout(200)


def open_notebook(page, lab, name):
    """Open a notebook in JupyterLab, and wait for its kernel."""
    page.goto(f"{lab.base}/lab/tree/notebooks/{name}?token={lab.token}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    # before the kernel is idle, JupyterLab drops "Run All" without a word
    idle = "() => /\\|\\s*Idle/.test(document.body.innerText)"
    wait_until(page, f"the kernel of {name}", lambda: page.evaluate(idle))


def run_all(page, lab, seconds=300.0):
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
        return texts and all(text.isdigit() for text in texts) and lab.is_idle()

    wait_until(page, "Run All", done, seconds)
    page.wait_for_timeout(1000)
    wait_until(page, "a collapsed last cell", done)
