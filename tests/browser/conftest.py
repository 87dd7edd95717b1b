"""A JupyterLab over a copy of the project, and a headless Chromium that may talk to nobody else.

Run by `pytest tests/browser`. Chromium is looked for on the path, or where CHROMIUM says. With two
workers (`-n 2`), each has a JupyterLab, a copy and a Chromium of its own.
"""

import contextlib
import json
import os
import random
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from browsing import CONSENT, FLAGS, PATIENCE, Lab, find_chromium
from playwright.sync_api import sync_playwright
from xdist.scheduler import LoadScopeScheduling

PROJECT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    *(".*", "outputs", "__pycache__", "benchmarks", "*.egg-info"),
    *("course", "instructor", "my_notebooks", "student"),
)
SETTINGS = {  # every cell is drawn, also one that is out of sight
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
    },
    # no dialog may come between because a save took long
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}


OTHERWISE = {  # trainings and draws shorter: what is clicked on doesn't depend on how they went
    "01": {"VOICE, seconds=5": "VOICE, seconds=60"},  # a busy machine presses Stop late
    "06": {
        "PLAIN_STEPS, STEPS = 200, 120": "PLAIN_STEPS, STEPS = 50, 30",
        "N_DRAWS, SECONDS, drawn = 8": "N_DRAWS, SECONDS, drawn = 2",
    },
    "09": {"STEPS = None": "STEPS = 12"},
    "10": {"STEPS = True, 2200": "STEPS = True, 200"},
}


class ByPage(LoadScopeScheduling):
    """Keeps on one worker what shares a page: the tests of a notebook, or those of a file."""

    def _split_scope(self, nodeid):
        notebook = re.search(r"[\[-](\d\d_\w+)[\]-]", nodeid)
        return notebook[1] if notebook else nodeid.split("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let xdist use it: its own groups do nothing under this pytest."""
    return ByPage(config, log)


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """Return a copy of the project whose notebooks hold no outputs."""
    folder = tmp_path_factory.mktemp("lab") / "project"
    shutil.copytree(PROJECT, folder, ignore=LEFT_OUT)
    for path in (folder / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        for old, new in OTHERWISE.get(path.name[:2], {}).items():
            (cell,) = (cell for cell in notebook.cells if old in cell.source)
            cell.source = cell.source.replace(old, new)
        nbformat.write(notebook, path)
    return folder


def free_port():
    """Return a free port that neither the system nor another worker takes before it is used."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    for port in random.sample(range(20_000 + worker, 32_000, 10), 100):
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    pytest.fail("no port between 20000 and 32000 is free")


@pytest.fixture(scope="session")
def lab(project, tmp_path_factory):
    """Start JupyterLab on a free port; end it with the session."""
    port = free_port()
    own, token = tmp_path_factory.mktemp("jupyter"), secrets.token_hex(16)
    for name, values in SETTINGS.items():
        path = own / "settings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": str(project),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "IPYTHONDIR": str(own / "ipython"),
        "TQDM_DISABLE": "1",
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", f"--IdentityProvider.token={token}"),
        *(f"--ServerApp.root_dir={project}", "--LabApp.news_url=None"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.expose_app_in_browser=True",  # so that a test may change the theme
    ]
    log = own / "log"
    with log.open("w") as out:
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    running = Lab(project, port, token)
    try:
        for _ in range(4 * round(PATIENCE)):
            with contextlib.suppress(OSError):
                running.ask("status")
                break
            assert server.poll() is None, log.read_text()
            time.sleep(0.25)
        yield running
    finally:
        with contextlib.suppress(OSError):
            running.stop_kernels()
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture(scope="session")
def playwright():
    """Start what drives a browser."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright):
    """Start a Chromium whose fake microphone may be used."""
    chromium = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, CONSENT])
    yield chromium
    chromium.close()
