from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from fetalstream.sources import SourceError
from fetalstream.sources.link import LinkError
from fetalstream.sources.rtsp import from_uri, knock

if TYPE_CHECKING:
    from .conftest import Settled


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_server_that_accepts_and_says_nothing_fails_at_the_deadline(
    silent_port: int, new_threads: Callable[[], list[str]], settled: Settled
):
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"no picture came within 1 s|has not answered for 1 s"):
        from_uri(f"rtsp://127.0.0.1:{silent_port}/live?open_seconds=1").open()
    assert 0.8 < time.monotonic() - began < 2.5
    assert settled(lambda: not new_threads()), "the thread that was left behind comes back by itself"


def test_a_server_that_answers_nonsense_fails_and_says_so():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.sendall(b"\x00\xff nonsense \r\n\r\n" * 100)

        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(SourceError, match=f"127.0.0.1:{port}"):
            from_uri(f"rtsp://127.0.0.1:{port}/live?open_seconds=2").open()
        assert time.monotonic() - began < 4
        server.shutdown(socket.SHUT_RDWR)


def test_a_server_that_answers_a_byte_at_a_time_fails_at_the_deadline(
    new_threads: Callable[[], list[str]], settled: Settled
):
    """Each byte comes in time for the library's own deadlines; the answer never ends."""
    ended = threading.Event()

    def drip(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                peer, _ = server.accept()
                with peer, suppress(OSError):
                    while not ended.wait(0.05):
                        peer.sendall(b"R")

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"no picture came within 1 s|has not answered for 1 s"):
            from_uri(f"rtsp://127.0.0.1:{port}/live?open_seconds=1").open()
        assert time.monotonic() - began < 2.5
        assert settled(lambda: not new_threads())
        ended.set()
        server.shutdown(socket.SHUT_RDWR)


def test_where_nothing_listens_opening_fails_at_once(closed_port: int):
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"refuses the connection; does the server run\?"):
        from_uri(f"rtsp://127.0.0.1:{closed_port}/live").open()
    assert time.monotonic() - began < 2


def test_an_unknown_host_is_named():
    with pytest.raises(SourceError, match=r"the host name 'nobody\.invalid' is unknown"):
        from_uri("rtsp://nobody.invalid/live").open()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where Linux keeps silent")
def test_knocking_where_nobody_answers_ends_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as waiting:
        host, port = server.getsockname()
        for _ in range(3):  # the queue is full after one or two: who knocks then hears nothing
            peer = waiting.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex((host, port))
        began = time.monotonic()
        with pytest.raises(LinkError, match=rf"127\.0\.0\.1:{port} does not answer \(is it switched on"):
            knock(host, port, within_seconds=0.3)
        assert 0.25 < time.monotonic() - began < 5


SECRETS = ("geheim", "ge%68eim", "annika")


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://annika:geheim@127.0.0.1:{port}/live",
        "rtsp://annika:ge%68eim@127.0.0.1:{port}/live?channel=1&token=geheim",
        "rtsps://annika:geheim@127.0.0.1:{port}/live?transport=udp",
    ],
)
def test_a_login_shows_nowhere(uri: str, closed_port: int):
    source = from_uri(uri.format(port=closed_port))
    with pytest.raises(SourceError) as caught:
        source.open()
    shown = f"{source!r} {caught.value} {caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r}"
    assert f"127.0.0.1:{closed_port}" in shown
    assert not [secret for secret in SECRETS if secret in shown]


def test_a_login_shows_neither_on_the_terminal_nor_in_the_process_title(silent_port: int):
    uri = f"rtsp://annika:geheim@127.0.0.1:{silent_port}/live?open_seconds=1"
    code = (
        "import sys; from pathlib import Path\n"
        "from fetalstream.sources import SourceError\n"
        "from fetalstream.sources.rtsp import from_uri\n"
        "source = from_uri(sys.argv[1])\n"
        "if sys.platform == 'linux': print(Path('/proc/self/cmdline').read_text())\n"
        "try: source.open()\n"
        "except SourceError as error: print(error)\n"
    )
    environment = {**os.environ, "FETALSTREAM_RTSP_PASSWORD": "geheim"}
    done = subprocess.run(
        [sys.executable, "-c", code, uri], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "geheim" not in done.stdout
    assert f"rtsp://***@127.0.0.1:{silent_port}/live" in done.stdout


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("rtsp:///live", "is no address of a stream; write rtsp://HOST:PORT/PATH"),
        ("rtsp://annika:ge/heim@host/live", "in a password, write / as %2F"),
        ("rtsp:/ann:geheim@host/live", "'rtsp:/***@host/live' is no address of a stream"),
        ("rtsp://host:many/live", "is no address of a stream"),
        ("rtsp://host/live?transport=sctp", "transport='sctp' is unknown; allowed: tcp, udp"),
        ("rtsp://host/live?latency_ms=long", "latency_ms='long' is no number"),
        ("rtsp://host/live?latency_ms=-5", "a latency of -5 ms is out of range; allowed: 0 to 60000"),
        ("rtsp://host/live?stall_seconds=0", "stall_seconds=0 is out of range; allowed: 0.05 to 3600"),
    ],
)
def test_an_impossible_uri_is_refused_with_what_was_allowed(uri: str, words: str):
    with pytest.raises(SourceError) as caught:
        from_uri(uri)
    assert words in str(caught.value)
    assert "heim" not in str(caught.value)


def test_our_options_are_taken_out_and_the_cameras_own_stay():
    source = from_uri("rtsp://host/cam?channel=2&transport=udp&subtype=0&stall_seconds=2&latency_ms=80")
    assert repr(source) == "LiveSource('rtsp://host/cam?channel=2&subtype=0')"
