"""Measure how large a class one machine can serve: `python -m benchmarks.hub`.

JupyterHub and its proxy run on loopback with the configuration of `classroom/hub/`. Students are
programs that do what a browser does, by HTTP and websockets: all log in at the same moment, start
their servers, open notebooks 01, 02 and 03, run all cells of the three at once, and save them.
Then each starts a slow cell; hub and proxy are killed (SIGKILL) and started again; every student
must be able to go on without a new log-in, with the same kernel, in which the cell has gone on, and
find the saved files as they were; lines that the cell printed and nobody received are counted.

The class grows until a cell takes more than a minute, or memory runs out. Run as root with a Python
that every user may run, each student is a user of their own, who must not be able to write to the
project nor to read another's home; else all are the same user. `--state` writes what was measured
to classroom/hub/measured.csv, and the tables of docs/server.md. It needs
configurable-http-proxy (npm install -g configurable-http-proxy).
"""

import argparse
import asyncio
import contextlib
import csv
import functools
import hashlib
import http.cookiejar
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from jupyterhub.spawner import SimpleLocalProcessSpawner
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from helpers import files

PROJECT = Path(__file__).resolve().parent.parent
CONFIG = PROJECT / "classroom/hub/jupyterhub_config.py"
MEASURED = PROJECT / "classroom/hub/measured.csv"
PAGE = PROJECT / "docs/server.md"
NOTEBOOKS = ("01_conversion", "02_sampling_and_nyquist", "03_blocks_and_fft")
TRAINING = "05_lstm_training"  # of the notebooks of a first course what takes most
CELL_SECONDS = 60  # the longest that a cell may take
STATED = re.compile(r"(<!-- measured -->\n)(.*)(\n<!-- until here -->)", re.DOTALL)
SPARE = 2**30  # bytes of memory that must stay free
FIRST_UID = 20_000
SLOW = "import time\nfor i in range(30):\n    print(i, flush=True)\n    time.sleep(1)\nprint(kept)"

CLOSED = """
from pathlib import Path

def may(act):
    try:
        act()
    except PermissionError:
        return False
    return True

print(may(Path("../data/mine").touch), may(lambda: list(Path(OTHER).iterdir())))
"""


class Spawner(SimpleLocalProcessSpawner):
    """Start a student's server in a home below the hub's folder, as a user of its own if root."""

    def make_preexec_fn(self, name):
        """Return what the new process does first."""
        own = has_own_users()

        def become():
            if own:
                os.setgroups([])
                os.setgid(uid_of(name))
                os.setuid(uid_of(name))
            os.chdir(self.home_dir)

        return become


class Failed(Exception):
    """Says what a class of this size can't do."""


def uid_of(name: str) -> int:
    """Return the user id of a simulated student."""
    return FIRST_UID + int(name.removeprefix("student"))


@functools.cache
def has_own_users() -> bool:
    """Tell whether each student can have a user id: root can give it, if Python is for everyone."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    command = [sys.executable, "-c", "import jupyterhub"]
    try:
        return subprocess.run(command, user=FIRST_UID, cwd="/", check=False).returncode == 0
    except OSError:
        return False


class Hub:
    """JupyterHub and its proxy, which can be killed and started again."""

    def __init__(self, folder: Path, proxy: str):
        port, api, hub = free_ports(3)
        self.folder, self.process, self.url = folder, None, f"http://127.0.0.1:{port}"
        self.pid_file = folder / "proxy.pid"
        self.command = [sys.executable, "-m", "jupyterhub", f"--config={CONFIG}"]
        settings = {
            "JupyterHub.bind_url": self.url,
            "JupyterHub.hub_port": hub,
            "JupyterHub.db_url": f"sqlite:///{folder}/hub.sqlite",
            "JupyterHub.cookie_secret_file": folder / "cookie_secret",
            "JupyterHub.authenticator_class": "dummy",
            "JupyterHub.spawner_class": "benchmarks.hub.Spawner",
            "Authenticator.allow_all": True,
            "SimpleLocalProcessSpawner.home_dir_template": f"{folder}/{{username}}",
            "ConfigurableHTTPProxy.command": proxy,
            "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{api}",
            "ConfigurableHTTPProxy.pid_file": self.pid_file,
        }
        if getattr(os, "geteuid", lambda: 1)() == 0 and not has_own_users():
            settings["Spawner.args"] = "['--allow-root']"
        self.command += [f"--{name}={value}" for name, value in settings.items()]

    def start(self) -> float:
        """Start both, and return after how many seconds they answer."""
        begin = time.perf_counter()
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(PROJECT)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while time.perf_counter() < begin + 120 and self.process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/hub/api/", timeout=5).close()
                return time.perf_counter() - begin
            time.sleep(0.2)
        raise Failed(f"the hub did not start:\n{self.said()}")

    def kill(self) -> None:
        """Kill both, so that neither can put anything in order."""
        os.kill(int(self.pid_file.read_text()), signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """Return the end of the log of hub and servers."""
        return (self.folder / "hub.log").read_text(errors="replace")[-3000:]

    def servers(self) -> dict[str, list[psutil.Process]]:
        """Return the processes of each student: the server, and its kernels."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                home = Path(process.environ().get("HOME", "/"))
                ours = {"jupyterhub.singleuser", "ipykernel_launcher"} & set(process.cmdline())
                if ours and home.parent == self.folder:
                    found.setdefault(home.name, []).append(process)
        return found

    def memory(self) -> int:
        """Return what hub and proxy take, in bytes."""
        pids = [self.process.pid, int(self.pid_file.read_text())]
        return sum(psutil.Process(pid).memory_full_info().pss for pid in pids)

    def close(self) -> None:
        """End everything that was started."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(self.pid_file.read_text()), signal.SIGTERM)
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        left = [process for own in self.servers().values() for process in own]
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=10)


def free_ports(n: int) -> list[int]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@dataclass
class Student:
    """Do what a student's browser does."""

    name: str
    url: str  # of the hub
    limit: float  # seconds that a cell may take
    jar: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)
    cells: dict[tuple[str, int], float] = field(default_factory=dict)  # seconds
    opened: int = 0  # bytes of the notebooks, as they come
    received: int = 0  # bytes of what their cells then showed
    saved: dict[str, str] = field(default_factory=dict)  # fingerprints
    log_ins: int = 0

    def __post_init__(self):
        processor = urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(processor)
        self.base = f"{self.url}/user/{self.name}"

    async def ask(self, path: str, *, method="GET", form=None, content=None):
        """Send a request, follow where it leads; return the last address and what came."""
        url = urllib.parse.quote(self.url + path, safe="/:?=&")
        token = [c.value for c in self.jar if c.name == "_xsrf" and path.startswith(c.path)]
        headers, data = {"X-XSRFToken": token[-1] if token else ""}, None
        if form is not None:
            data = urllib.parse.urlencode(form | {"_xsrf": token[-1]}).encode()
        if content is not None:
            data, headers["Content-Type"] = json.dumps(content).encode(), "application/json"
        request = urllib.request.Request(url, data, headers, method=method)

        def send():
            with self.opener.open(request, timeout=300) as answer:
                return answer.url, answer.read()

        return await asyncio.get_running_loop().run_in_executor(None, send)

    async def log_in(self) -> None:
        """Log in, and wait until the own server shows JupyterLab."""
        await self.ask("/hub/login")
        self.log_ins += 1
        form = {"username": self.name, "password": "any"}
        await self.ask("/hub/login?next=/hub/spawn", method="POST", form=form)
        await self.wait()

    async def wait(self) -> None:
        """Wait until the own server answers, without logging in."""
        for _ in range(600):
            with contextlib.suppress(OSError):
                url, _ = await self.ask(f"/user/{self.name}/lab")
                if url.startswith(f"{self.base}/"):
                    return
                if "/hub/login" in url:
                    raise Failed(f"{self.name} had to log in again")
            await asyncio.sleep(0.5)
        raise Failed(f"the server of {self.name} did not start")

    async def run_all(self, name: str) -> "Kernel":
        """Open a working copy, run all its cells, save it."""
        path = f"/user/{self.name}/api/contents/my_notebooks/{name}.ipynb"
        _, content = await self.ask(f"{path}?content=1")
        self.opened += len(content)
        opened = json.loads(content)
        kernel = await Kernel.start(self, f"my_notebooks/{name}.ipynb")
        for i, cell in enumerate(opened["content"]["cells"]):
            if cell["cell_type"] == "code":
                begin = time.perf_counter()
                try:
                    await asyncio.wait_for(kernel.run(cell["source"]), self.limit)
                except TimeoutError:
                    raise Failed(f"cell {i} of {name} took more than {self.limit} s") from None
                self.cells[name, i] = time.perf_counter() - begin
        content = opened["content"]
        content["cells"][0]["source"] += f"\nSaved by {self.name}."
        body = {"type": "notebook", "format": "json", "content": content}
        await self.ask(path, method="PUT", content=body)
        self.saved[name] = await self.fingerprint(name)
        return kernel

    async def fingerprint(self, name: str) -> str:
        """Return what changes when a saved copy does."""
        path = f"/user/{self.name}/api/contents/my_notebooks/{name}.ipynb"
        content = json.loads((await self.ask(f"{path}?content=1"))[1])["content"]
        if f"Saved by {self.name}." not in "".join(content["cells"][0]["source"]):
            raise Failed(f"what {self.name} saved in {name} is lost")
        return hashlib.sha256(json.dumps(content["cells"], sort_keys=True).encode()).hexdigest()


@dataclass
class Kernel:
    """A kernel, and the websocket to it."""

    student: Student
    id: str
    session: str
    socket: object = None

    @classmethod
    async def start(cls, student: Student, path: str) -> "Kernel":
        """Start a kernel for a notebook, as JupyterLab does."""
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        where = f"/user/{student.name}/api/sessions"
        session = json.loads((await student.ask(where, method="POST", content=body))[1])
        kernel = cls(student, session["kernel"]["id"], uuid.uuid4().hex)
        await kernel.connect()
        return kernel

    async def connect(self) -> None:
        """Open the websocket; the kernel's server has kept what came while it was closed."""
        path = f"/user/{self.student.name}/api/kernels/{self.id}/channels"
        cookies = [f"{c.name}={c.value}" for c in self.student.jar if path.startswith(c.path)]
        request = HTTPRequest(
            f"{self.student.url.replace('http', 'ws', 1)}{path}?session_id={self.session}",
            headers={"Cookie": "; ".join(cookies)},
            request_timeout=300,
        )
        self.socket = await websocket_connect(request, max_message_size=2**27)

    async def run(self, code: str) -> str:
        """Run code, and return what it printed."""
        return await self.follow(await self.send(code))

    async def send(self, code: str) -> str:
        """Ask for code to be run, and return the number of the message."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "msg_type": "execute_request", "session": self.session}
        header |= {"username": self.student.name, "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "stop_on_error": True}
        content |= {"user_expressions": {}, "allow_stdin": False}
        message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}}
        await self.socket.write_message(json.dumps(message | {"content": content}))
        return number

    async def follow(self, number: str, said: str = "") -> str:
        """Wait until code that was sent has run, and return what it printed."""
        replied = idle = False
        while not (replied and idle):
            message = await self.socket.read_message()
            if message is None:
                raise ConnectionError(said)
            self.student.received += len(message)
            if isinstance(message, bytes):  # a picture for a widget
                continue
            message = json.loads(message)
            if message["parent_header"].get("msg_id") != number:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                said += content["text"]
            elif message["msg_type"] == "execute_reply":
                replied = True
                if content["status"] != "ok":
                    raise Failed(f"{self.student.name}: {content['ename']}: {content['evalue']}")
            elif message["msg_type"] == "status":
                idle = content["execution_state"] == "idle"
        return said


@dataclass
class Memory:
    """Watch the memory of the machine, and of each student."""

    hub: Hub
    lowest: int = 2**62  # available bytes
    shares: dict[str, int] = field(default_factory=dict)  # the most bytes (PSS) of each student

    async def watch(self, every: float) -> None:
        """Measure again and again, until cancelled; end the class where too little is left."""
        last = 0.0  # never
        while True:
            self.lowest = min(self.lowest, psutil.virtual_memory().available)
            if self.lowest < SPARE:
                raise Failed("memory ran out")
            if time.perf_counter() > last + every:
                await asyncio.get_running_loop().run_in_executor(None, self.measure)
                last = time.perf_counter()
            await asyncio.sleep(0.5)

    def measure(self) -> None:
        """Note the memory of each student now, if it is more than before."""
        for name, processes in self.hub.servers().items():
            share = 0
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    share += process.memory_full_info().pss
            self.shares[name] = max(share, self.shares.get(name, 0))


async def lesson(hub: Hub, n: int, notebooks) -> dict:
    """Let a class of n students work, then survive the death of the hub; return measurements."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2 * n + 2))
    limit = 900 if TRAINING in notebooks else CELL_SECONDS
    students = [Student(f"student{i}", hub.url, limit) for i in range(n)]
    begin = time.perf_counter()
    memory = Memory(hub)
    watching = asyncio.create_task(memory.watch(every=max(5, n)))

    async def work(student):
        await student.log_in()
        started = time.perf_counter() - begin
        return started, await asyncio.gather(*map(student.run_all, notebooks))

    working = asyncio.gather(*map(work, students))
    await asyncio.wait({watching, working}, return_when=asyncio.FIRST_COMPLETED)
    if watching.done():
        working.cancel()
        await watching
    watching.cancel()
    started, kernels = zip(*await working, strict=True)
    seconds = time.perf_counter() - begin
    memory.measure()
    processes = [process for own in hub.servers().values() for process in own]
    busy = sum(sum(process.cpu_times()[:2]) for process in processes)
    maps = [Path(f"/proc/{process.pid}/maps").read_text() for process in processes]
    result = {
        "notebooks": " ".join(name[:2] for name in notebooks),
        "students": n,
        "own_users": has_own_users(),
        "cores": os.cpu_count(),
        "cells": sum(len(student.cells) for student in students),
        "longest_cell_s": max(second for student in students for second in student.cells.values()),
        "last_server_s": max(started),
        "all_done_s": seconds,
        "student_mb": sum(memory.shares.values()) / n / 1e6,
        "hub_mb": hub.memory() / 1e6,
        "left_mb": memory.lowest / 1e6,
        "student_cpu_s": busy / n,
        "opened_mb": max(student.opened for student in students) / 1e6,
        "received_mb": max(student.received for student in students) / 1e6,
        "kernels_with_tensorflow": sum("tensorflow" in text for text in maps),
    }
    first = [own[0] for own in kernels]
    if has_own_users() and n > 1:
        for kernel, other in zip(first, [*students[1:], students[0]], strict=True):
            home = str(hub.folder / other.name)
            if await kernel.run(CLOSED.replace("OTHER", repr(home))) != "False False\n":
                raise Failed(f"{kernel.student.name} may write to data/, or read {home}")
    return result | await restart(hub, students, first)


async def restart(hub: Hub, students: list[Student], kernels: list[Kernel]) -> dict:
    """Kill hub and proxy while cells run; return what that cost, or say what was lost."""
    for kernel in kernels:
        await kernel.run(f"kept = {kernel.student.name!r}")
    numbers = [await kernel.send(SLOW) for kernel in kernels]

    async def until_cut(kernel, number):
        try:
            await kernel.follow(number)
        except ConnectionError as cut:
            return str(cut)
        raise Failed("the cell was over before the hub was killed")

    listening = [
        asyncio.ensure_future(until_cut(*pair)) for pair in zip(kernels, numbers, strict=True)
    ]
    await asyncio.sleep(5)
    alive = {p.pid for own in hub.servers().values() for p in own}
    hub.kill()
    heard = await asyncio.gather(*listening)
    down = await asyncio.get_running_loop().run_in_executor(None, hub.start)
    await asyncio.gather(*(student.wait() for student in students))

    async def go_on(kernel, number, said):
        await kernel.connect()
        lines = (await asyncio.wait_for(kernel.follow(number, said), 120)).split()
        if lines[-1:] != [kernel.student.name]:
            raise Failed(f"the kernel of {kernel.student.name} has forgotten: {lines}")
        for name, fingerprint in kernel.student.saved.items():
            if await kernel.student.fingerprint(name) != fingerprint:
                raise Failed(f"what {kernel.student.name} saved in {name} has changed")
        return 30 - sum(str(i) in lines for i in range(30))  # what the proxy had in its hands

    lost = await asyncio.gather(*map(go_on, kernels, numbers, heard))
    if {p.pid for own in hub.servers().values() for p in own} != alive:
        raise Failed("servers or kernels did not survive")
    if any(student.log_ins != 1 for student in students):
        raise Failed("students had to log in again")
    return {"hub_back_s": down, "lines_lost": sum(lost)}


def run(n: int, notebooks=NOTEBOOKS, *, proxy: str) -> dict:
    """Measure a class of n students, in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="hub-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)
        for i in range(n):
            home = folder / f"student{i}"
            home.mkdir(mode=0o700)
            if has_own_users():
                os.chown(home, *2 * [uid_of(home.name)])
        hub = Hub(folder, proxy)
        try:
            hub.start()
            return asyncio.run(lesson(hub, n, notebooks))
        except (Failed, OSError) as failure:
            raise Failed(f"{failure}; the log of the hub ends:\n{hub.said()}") from failure
        finally:
            hub.close()


def largest(proxy: str, minutes: float) -> list[dict]:
    """Let the class grow to what a machine can do, or to what fits in the time; return all runs."""
    begin, tried = time.perf_counter(), []
    n, failed = 2, None
    while True:
        left = minutes * 60 - (time.perf_counter() - begin)
        if tried and left < n * tried[-1]["all_done_s"] / tried[-1]["students"] + 60:
            print(f"No time is left to try {n} students.", flush=True)
            return tried
        print(f"{n} students ...", end=" ", flush=True)
        try:
            tried.append(run(n, proxy=proxy))
        except Failed as failure:
            print(str(failure).partition(";")[0], flush=True)
            failed, n = n, n - max(1, n // 8)
            if n < 2 or (tried and n <= tried[-1]["students"]):
                return tried
            continue
        last = tried[-1]
        print(f"longest cell {last['longest_cell_s']:.1f} s, {last['student_mb']:.0f} MB each")
        n = room_for(last)
        if n <= last["students"] or (failed is not None and n >= failed):
            return tried


def room_for(row: dict) -> int:
    """Return how many students there would be room and time for, judged by one run."""
    more = (row["left_mb"] - SPARE / 1e6) / row["student_mb"]
    by_memory = row["students"] + int(0.9 * more)  # what one takes differs a little
    by_time = int(row["students"] * CELL_SECONDS / row["longest_cell_s"])
    return min(by_memory, by_time)


def read(path: Path = MEASURED) -> list[dict]:
    """Return what was measured and stored."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: v if k == "notebooks" else float(v) for k, v in row.items()} for row in rows]


def tables(rows: list[dict]) -> str:
    """Write what was measured, and what follows from it, as the page shows it."""
    lines = [
        "| students | notebooks | longest cell | all cells have run after | memory of each "
        "| processor time of each | sent to each, to open; to run | hub back after its death |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['students']:.0f} | {row['notebooks']} | {row['longest_cell_s']:.0f} s "
        f"| {row['all_done_s']:.0f} s | {row['student_mb'] / 1000:.2f} GB "
        f"| {row['student_cpu_s']:.0f} s | {row['opened_mb']:.1f} MB; {row['received_mb']:.1f} MB "
        f"| {row['hub_back_s']:.0f} s |"
        for row in rows
    ]
    lines += [
        "",
        "| students | memory, all reading | a third training | cores, to run the three notebooks "
        "in 3 minutes | all have trained, on as many cores, after |",
        "|---|---|---|---|---|",
    ]
    for n in (10, 20, 30, 60):
        need = sizing(rows, n)
        minutes = f"{need['training_minutes']} minutes" if need["training_minutes"] else "?"
        lines.append(
            f"| {n} | {need['reading_gb']} GB | {need['mixed_gb'] or '?'} GB | {need['cores']} "
            f"| {minutes} |"
        )
    return "\n".join(lines)


def sizing(rows: list[dict], n: int) -> dict[str, int]:
    """Return what n students need, by the largest class measured; 0 for what was not measured."""
    reading = max((r for r in rows if r["notebooks"] != TRAINING[:2]), key=lambda r: r["students"])
    system = (reading["hub_mb"] + SPARE / 1e6) / 1000
    cores = max(2, math.ceil(n * reading["student_cpu_s"] / 180))
    need = {
        "reading_gb": math.ceil(system + n * reading["student_mb"] / 1000),
        "cores": cores,
        "mixed_gb": 0,
        "training_minutes": 0,
    }
    third = math.ceil(n / 3)
    for row in rows:
        if row["notebooks"] == TRAINING[:2]:
            mixed = (n - third) * reading["student_mb"] + third * row["student_mb"]
            need["mixed_gb"] = math.ceil(system + mixed / 1000)
            need["training_minutes"] = math.ceil(n * row["student_cpu_s"] / cores / 60)
    return need


def state(rows: list[dict]) -> None:
    """Write measurements to the table and the page; runs of other notebooks stay."""
    of = {row["notebooks"] for row in rows}
    if MEASURED.exists():
        rows = rows + [row for row in read() if row["notebooks"] not in of]
    rows = [{k: v if k == "notebooks" else f"{v:.5g}" for k, v in row.items()} for row in rows]
    rows.sort(key=lambda row: (row["notebooks"], float(row["students"])))
    with (
        files.replacing(MEASURED) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    page = PAGE.read_text(encoding="utf-8")
    page = STATED.sub(lambda found: f"{found[1]}{tables(read())}{found[3]}", page)
    with files.replacing(PAGE) as temporary:
        temporary.write_text(page, encoding="utf-8")


def main(arguments=None) -> None:
    """Measure, print, and store if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, help="one class of this size; else the largest")
    parser.add_argument("--training", action="store_true", help="one student trains, in 05")
    parser.add_argument("--minutes", type=float, default=14, help="for the largest class")
    parser.add_argument("--proxy", default="configurable-http-proxy")
    parser.add_argument("--state", action="store_true", help="store it, and write the page")
    options = parser.parse_args(arguments)
    proxy = shutil.which(options.proxy)
    if proxy is None:
        sys.exit(
            f"{options.proxy} is not there: npm install -g configurable-http-proxy, or name it by "
            "--proxy"
        )
    try:
        if options.training:
            rows = [run(options.students or 1, (TRAINING,), proxy=proxy)]
        elif options.students:
            rows = [run(options.students, proxy=proxy)]
        else:
            rows = largest(proxy, options.minutes)
    except Failed as failure:
        sys.exit(str(failure))
    for row in rows:
        print(json.dumps(row, indent=1))
    if options.state and rows:
        state(rows)


if __name__ == "__main__":
    main()
