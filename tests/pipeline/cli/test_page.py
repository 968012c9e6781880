"""The law of the live page around a real run: the demo and live commands, the system's Chromium, a real RTSP server."""

import json
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fetalstream.pipeline.cli.options import page_flags
from fetalstream.sinks import OperatorOverride
from fetalstream.sinks.client import Client
from fetalstream.sources.phantom.source import PhantomSource

from ...servers.running import StartServer

SEED, FPS = 7, 25
SLOW_MS = 60_000
STALLED_SECONDS = 2.0
SEEN_OFTEN = 5
IN_ORDER = "#stage[data-tone='good'], #stage[data-tone='calm']:has(#banner[hidden])"
"""No banner; the test server's pictures have no fan, so that they stay hidden."""
STABLE_SECONDS = 1.2
"""A plane counts as the truth once it has been in view for so long: a visit is told late, and so is its end."""


class Command:
    """A command that runs, and what it says."""

    def __init__(self, *arguments: str | Path, python: str = "-m fetalstream") -> None:
        command = [sys.executable, *python.split(" ", 1), *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self.lines: list[str] = []
        self.address_said = ""
        self._new: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            self._new.put(line)

    def address(self) -> str:
        """Where the page is, as soon as it is said."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if found := re.search(r"Live page: (http://\S+)", self._new.get(timeout=60)):
                self.address_said = found[1]
                return found[1]
        raise AssertionError(self.lines)

    def end(self, seconds: float = 60.0) -> int:
        code = self.process.wait(seconds)
        self._thread.join(5)
        return code

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.end()


@pytest.fixture
def run() -> Iterator[Callable[..., Command]]:
    """Starts commands, and ends those that have not ended."""
    started: list[Command] = []

    def start(*arguments: str | Path, **options: Any) -> Command:
        started.append(Command(*arguments, **options))
        return started[-1]

    yield start
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
            command.end()


class Watched(AbstractContextManager["Watched"]):
    """A browser without a screen in a thread of its own, which counts what is analysed while it watches.

    Args:
        address: of the page.
        reads: or never does, once it is connected.
    """

    def __init__(self, address: str, *, reads: bool = True) -> None:
        self._stack = ExitStack()
        address = address.replace("http", "ws", 1) + "live"
        self._socket = self._stack.enter_context(connect(address, max_size=None, close_timeout=0.2))
        self._seen: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        if reads:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        if self._thread.ident is not None:
            self._thread.join(10)

    def _read(self) -> None:
        with suppress(ConnectionClosed):
            for count, data in enumerate(self._socket, start=1):
                if isinstance(data, str) and (said := json.loads(data))["type"] == "status":
                    status = said["status"]
                    self._seen.append((time.monotonic(), status["frames_read"] - status["dropped"]))
                self._socket.send(json.dumps({"do": "ack", "count": count}))

    def rate(self) -> float:
        """Frames analysed a second, between the first time and the last."""
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        assert after > before
        return (after - before) / (last - first)


def free_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def open_page(chromium: Browser, address: str) -> Page:
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(SLOW_MS)
    page.goto(address)
    return page


def truth_at(phantom: PhantomSource, pts_seconds: float) -> str | None:
    """What the phantom shows, None where it has changed a short while ago."""
    shown = {phantom.truth(round((pts_seconds - back) * FPS)).plane for back in (0.0, 0.4, 0.8, STABLE_SECONDS)}
    return shown.pop() if len(shown) == 1 and pts_seconds > 2 * STABLE_SECONDS else None


@pytest.mark.server
@pytest.mark.slow
def test_the_demo_is_watched_captured_and_overridden_from_its_page(
    run: Callable[..., Command], chromium: Browser, tmp_path: Path
):
    endpoint = free_endpoint()
    demo = run("demo", "--seconds", "45", "--out", tmp_path, "--endpoint", endpoint, "--ui-port", "0")
    overrides: list[OperatorOverride] = []

    def listen() -> None:
        # Closed by the thread that uses it: left to the garbage collector, ZeroMQ waits for ever.
        with closing(Client(endpoint, topics=("operator.override",))) as client:
            for event in client:
                if isinstance(event, OperatorOverride):
                    overrides.append(event)
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    page = open_page(chromium, demo.address())
    phantom = PhantomSource(seed=SEED, fps=FPS, seconds=45, screen=True)
    expect(page.locator("#live-mark")).to_be_visible(timeout=SLOW_MS)

    expect(page.locator(".tile .name").first).to_have_text("Brain, axial")  # in its protocol's words

    # The label follows the truth: until two planes have been seen often enough.
    agreed: dict[str, int] = {}
    wrong: list[tuple[float, str, str]] = []
    watching = Watched(demo.address_said)
    while True:
        label = page.evaluate(
            "() => [document.getElementById('label').dataset.name ?? '', "
            "Number(document.getElementById('now').dataset.pts)]"
        )
        truth = truth_at(phantom, label[1])
        if truth is not None:
            expected = "" if truth == "background" else truth
            if label[0] == expected:
                agreed[truth] = agreed.get(truth, 0) + 1
            else:
                wrong.append((label[1], truth, label[0]))
        often = [plane for plane, count in agreed.items() if plane != "background" and count >= SEEN_OFTEN]
        if len(often) >= 2:
            break
        assert label[1] < 30, (agreed, wrong)
        page.wait_for_timeout(100)
    assert sum(agreed.values()) > 9 * len(wrong), (agreed, wrong)

    # Ten browsers at once, three of which never read: as many frames are analysed as before.
    alone = watching.rate()
    with ExitStack() as stack:
        for number in range(8):
            stack.enter_context(Watched(demo.address_said, reads=number >= 3))
        with Watched(demo.address_said) as tenth:
            page.wait_for_timeout(3000)
            assert tenth.rate() > alone / 2, "a browser costs the pipeline its rate"
    watching.__exit__()

    # A capture by key comes back as a picture on the disk.
    page.keyboard.press("c")
    expect(page.locator("#last")).to_contain_text("by you", timeout=SLOW_MS)
    image = page.locator("#last img")
    expect(image).to_be_attached()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100

    # An override is an event on the bus.
    page.wait_for_selector("#label[data-plane='in-view']")
    page.keyboard.press("o")
    page.locator("#choices button", has_text="Cervix").click()
    expect(page.locator("#label")).to_have_text("Cervix")
    listener.join(20)
    assert [event.plane for event in overrides] == ["cervix"]

    # A reload in mid stream loses nothing: the log holds what the file holds.
    page.reload()
    expect(page.locator("#live-mark")).to_be_visible(timeout=SLOW_MS)
    page.wait_for_timeout(1500)
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == 0, demo.lines
    page.keyboard.press("l")
    lines = page.locator("#lines li").evaluate_all("lines => lines.map((line) => line.dataset.kind)")
    told = [json.loads(line)["kind"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    kinds = [kind for kind in told if kind != "frame.scores"]
    assert lines == kinds
    page.close()


@pytest.mark.server
def test_a_source_that_dies_is_told_on_the_page_within_two_seconds(
    run: Callable[..., Command], chromium: Browser, rtsp_server: StartServer, tmp_path: Path
):
    server = rtsp_server("--size", "320x240")
    live = run("live", server.uri, "--headless", "--ui-port", "0", "--set", "signal.gates=[]", "--out", tmp_path)
    page = open_page(chromium, live.address())
    expect(page.locator("#model")).to_contain_text("compact")
    page.wait_for_selector(IN_ORDER)
    server.send(signal.SIGSTOP)
    expect(page.locator("#banner-title")).to_have_text("Stalled", timeout=STALLED_SECONDS * 1000)
    server.send(signal.SIGCONT)
    page.wait_for_selector(IN_ORDER)
    server.kill()
    expect(page.locator("#banner-title")).to_have_text(
        re.compile("Stalled|Reconnecting"), timeout=STALLED_SECONDS * 1000
    )
    assert live.interrupt() == 0, live.lines
    page.close()


def test_the_page_is_there_before_the_model(run: Callable[..., Command], tmp_path: Path):
    live = run("live", "phantom://?seed=1", "--headless", "--ui", "--ui-port", "0", "--set", "sinks=[]")
    address = live.address()
    with connect(address.replace("http", "ws") + "live") as browser:
        said = [json.loads(browser.recv(30)) for _ in range(2)]
        assert [message["type"] for message in said] == ["hello", "status"]
        assert said[1]["status"]["phase"] == "loading"
        until = time.monotonic() + 60
        while said[-1].get("status", {}).get("frames_read", 0) < 5:
            assert time.monotonic() < until
            data = browser.recv(30)
            if isinstance(data, str):
                said.append(json.loads(data))
            browser.send(json.dumps({"do": "ack", "count": len(said)}))
    assert live.interrupt() == 0, live.lines


def test_a_port_that_is_named_is_taken_or_nothing_and_one_that_is_not_gives_way(
    run: Callable[..., Command], tmp_path: Path
):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        common = ("phantom://?seconds=1", "--headless", "--set", "sinks=[]")
        named = run("live", *common, "--ui-port", str(port))
        free = run("live", *common, "--ui", "--set", f"ui.port={port}")  # at the same time
        assert named.end() == 1
        assert [line for line in named.lines if line.startswith("error:")] == named.lines[-1:]
        assert str(port) in named.lines[-1]
        assert str(port) not in free.address()
        assert free.end() == 0, free.lines


def test_where_the_extra_is_missing_the_demo_says_what_to_install_and_goes_on(
    run: Callable[..., Command], tmp_path: Path
):
    hidden = "import sys; sys.modules['uvicorn'] = None; from fetalstream.pipeline.cli.app import main; main()"
    common = ("--seconds", "2", "--out", str(tmp_path), "--endpoint", free_endpoint())
    demo = run("-c", hidden, "demo", "--headless", *common, python="-W ignore")
    live = run("-c", hidden, "live", "phantom://?seconds=1", "--headless", "--ui", python="-W ignore")
    assert demo.end() == 0, demo.lines
    (line,) = [line for line in demo.lines if line.startswith("No live page")]
    assert "pip install 'fetalstream[ui]'" in line
    assert live.end() == 1
    assert live.lines[-1].startswith("error: the live page needs")


def test_elsewhere_than_on_this_machine_the_page_needs_its_token(run: Callable[..., Command], tmp_path: Path):
    common = ("phantom://?seed=1", "--headless", "--set", "sinks=[]", "--ui-port", "0")
    live = run("live", *common, "--set", "ui.host=0.0.0.0")
    found = re.search(r"http://[^/]+:(\d+)(/enter/\S+)", live.address())
    assert found is not None
    here = f"http://127.0.0.1:{found[1]}"
    assert httpx.get(here, trust_env=False).status_code == 401
    let_in = httpx.get(here + found[2], trust_env=False)
    assert let_in.status_code == 303
    cookie = {"Cookie": let_in.headers["set-cookie"].split(";")[0]}
    assert httpx.get(here, headers=cookie, trust_env=False).status_code == 200
    unset = run("live", *common, "--set", "ui.token_variable=NOT_THERE")
    assert unset.end() == 1
    assert "'NOT_THERE'" in unset.lines[-1]


@pytest.mark.parametrize(
    ("ui", "port", "tree"),
    [
        (None, None, {}),
        (True, None, {"ui": {"enabled": True}}),
        (False, None, {"ui": {"enabled": False}}),
        (None, 9, {"ui": {"enabled": True, "port": 9}}),
        (False, 9, {"ui": {"enabled": False, "port": 9}}),
    ],
)
def test_who_names_a_port_wants_the_page(ui: bool | None, port: int | None, tree: dict[str, Any]):
    assert page_flags(ui, port) == tree
