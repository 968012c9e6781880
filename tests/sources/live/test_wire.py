"""What happens on the cable between a source and a real server: pulled out, cut, noisy."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from fetalstream.sources import SourceState
from fetalstream.sources.rtsp import from_uri

if TYPE_CHECKING:
    from ...servers.running import StartServer
    from .conftest import Follow

pytestmark = pytest.mark.server

RUNNING, STALLED, RECONNECTING = SourceState.RUNNING, SourceState.STALLED, SourceState.RECONNECTING
CHUNK_BYTES = 1400
RESET = struct.pack("ii", 1, 0)  # closing sends a reset


class Wire:
    """Passes on what a server and whoever connects here say to each other; can be pulled out, cut, and made noisy."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._through = threading.Event()
        self._through.set()
        self.noise = 0.0
        """Share of the server's bytes that change on the way."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def pull(self) -> float:
        """Nothing gets through any more, and nobody is told; when it was."""
        self._through.clear()
        return time.monotonic()

    def plug(self) -> float:
        """Everything gets through again; when it was."""
        self._through.set()
        return time.monotonic()

    def cut(self) -> float:
        """Break every connection in the middle of whatever it says; when it was."""
        moment = time.monotonic()
        for end in self._ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
        return moment

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._through.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                return
            self._ends += [client, server]
            threading.Thread(target=self._pass_on, args=(server, client, True), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(client, server, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, noisy: bool) -> None:
        draw = random.Random(1)
        with source, suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                self._through.wait()
                if noisy and self.noise:
                    chunk = bytes(byte ^ 0x55 if draw.random() < self.noise else byte for byte in chunk)
                target.sendall(chunk)
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wired(rtsp_server: StartServer) -> Iterator[Wire]:
    wire = Wire(rtsp_server("--key-every", "10").port)
    yield wire
    wire.close()


def test_a_cable_that_is_pulled_out_is_told_and_found_when_it_is_back(wired: Wire, follow: Follow):
    follower = follow(from_uri(f"rtsp://127.0.0.1:{wired.port}/live?silence_seconds=1.5"))
    follower.wait_for_frames(10)
    pulled = wired.pull()
    stalled, _ = follower.wait_for(STALLED, after=pulled)
    assert stalled - max(moment for moment in follower.frame_times() if moment < stalled) < 1.0
    follower.wait_for(RECONNECTING, after=pulled)
    plugged = wired.plug()
    moment, _ = follower.wait_for(RUNNING, after=pulled)
    assert moment - plugged < 2.0
    follower.wait_for_frames(10)
    assert follower.frames[-1].epoch == 1


def test_a_connection_that_is_cut_in_the_middle_of_a_picture_is_made_again(wired: Wire, follow: Follow):
    follower = follow(from_uri(f"rtsp://127.0.0.1:{wired.port}/live"))
    for epoch in range(5):
        follower.wait_for_frames(7 + epoch)
        cut = wired.cut()
        follower.wait_for(STALLED, after=cut)
        moment, _ = follower.wait_for(RUNNING, after=cut)
        assert moment - cut < 2.0
    follower.wait_for_frames(10)
    assert follower.frames[-1].epoch == 5


def test_noise_on_the_line_neither_hangs_nor_ends_the_source(wired: Wire, follow: Follow):
    follower = follow(from_uri(f"rtsp://127.0.0.1:{wired.port}/live?silence_seconds=1&open_seconds=1"))
    follower.wait_for_frames(10)
    wired.noise = 0.001
    time.sleep(6)
    assert follower.damage or len(follower.states) > 1, "the noise was noticed"
    wired.noise = 0.0
    quiet = time.monotonic()
    follower.wait_until(lambda: bool(follower.frame_times()) and follower.frame_times()[-1] > quiet + 1.0)
    assert follower.states[-1].state is RUNNING
