"""A browser without a screen: the page's protocol spoken by a plain websocket client."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import psutil
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

SECONDS = 20.0


def served(port: int) -> int:
    """Connections that stand at a port of this process, as the kernel counts them."""
    found = psutil.Process().net_connections("tcp")
    return len([one for one in found if one.laddr.port == port and one.status == psutil.CONN_ESTABLISHED])


class Browser(AbstractContextManager["Browser"]):
    """Hears what a page's script hears, and keeps it.

    Attributes:
        hello: the first message, or what came in its place later.
        hellos: how many of them came.
        events: told so far, snapshot included, in the order in which they came.
        pictures: heads of the pictures that came, with the JPEG's bytes under "jpeg".
        answers: to wishes, by their number.
    """

    def __init__(self, port: int, *, acks: bool = True, **options: Any) -> None:
        self._stack = ExitStack()
        address = f"ws://127.0.0.1:{port}/live"
        self._socket: ClientConnection = self._stack.enter_context(connect(address, max_size=None, **options))
        self._acks = acks
        self.count = self.hellos = 0
        self.hello: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.status: dict[str, Any] = {}
        self.pictures: list[dict[str, Any]] = []
        self.answers: dict[int, dict[str, Any]] = {}
        self.pongs: list[dict[str, Any]] = []
        self.until(lambda: bool(self.hello))

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def say(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def say_raw(self, text: str | bytes) -> None:
        self._socket.send(text)

    def hear(self, timeout: float = SECONDS) -> None:
        """Take in one message."""
        data = self._socket.recv(timeout)
        self.count += 1
        if isinstance(data, bytes):
            length = int.from_bytes(data[:4], "big")
            self.pictures.append({**json.loads(data[4 : 4 + length]), "jpeg": data[4 + length :]})
        else:
            self._sort(json.loads(data))
        if self._acks:
            self.say(do="ack", count=self.count)

    def _sort(self, message: dict[str, Any]) -> None:
        if message["type"] == "hello":
            self.hello, self.events = message, list(message["events"])
            self.hellos += 1
        elif message["type"] == "events":
            self.events += message["events"]
        elif message["type"] == "status":
            self.status = message
        elif message["type"] == "answer":
            self.answers[message["id"]] = message
        else:
            self.pongs.append(message)

    def until(self, done: Callable[[], bool], *, seconds: float = SECONDS) -> None:
        """Listen until it is so; fails when it takes too long."""
        end = time.monotonic() + seconds
        while not done():
            left = end - time.monotonic()
            assert left > 0, "what was waited for has not come"
            self.hear(left)

    def listen(self, seconds: float) -> None:
        """Listen for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self.hear(left)
            except TimeoutError:
                return

    def kinds(self) -> list[str]:
        return [told["event"]["kind"] for told in self.events]

    @property
    def numbers(self) -> list[int]:
        return [told["n"] for told in self.events]

    def close_code(self, seconds: float = SECONDS) -> int | None:
        """Wait until the server ends the connection; its code."""
        try:
            while True:
                self._socket.recv(seconds)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None
