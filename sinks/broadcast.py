"""A TCP server that tells everybody who connects the same, and listens to nobody."""

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from .sink import SinkError

MOST_CLIENTS = 16
MOST_QUEUED_BYTES = 4 * 2**20
"""A client that is further behind is let go; when it comes back it begins with what holds now."""
CLOSE_SECONDS = 0.5
"""How long closing waits for clients to take what is under way."""
_RECEIVE_BYTES = 2**16

Packet = Callable[[], bytes]
"""Makes the bytes of a picture, in the server's thread and only when somebody wants them."""


class Broadcast:
    """Sends packets to all clients from a thread of its own; never waits for any of them.

    Whatever clients send is thrown away unread. Raises `SinkError` when it cannot listen.

    Args:
        host: where to listen.
        port: 0 takes a free one.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.create_server((host, port), family=family, backlog=MOST_CLIENTS)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SinkError(f"port {port} on {host} cannot be listened at: {reason}") from None
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        """Where it listens in truth."""
        self.failure = ""
        """Why the thread has ended before its time; empty while all is well."""
        self._inbox: deque[tuple[bytes, str]] = deque()
        self._picture: Packet | None = None
        self._kept: dict[str, bytes] = {}
        self._clients: list[_Client] = []
        self._closing = threading.Event()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="broadcast", daemon=True)
        self._thread.start()

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def send(self, packet: bytes, *, keep: str = "") -> None:
        """To everybody, in order. A newcomer gets the newest packet of each name under which one is kept."""
        self._inbox.append((packet, keep))
        self._wake()

    def show(self, packet: Packet) -> None:
        """To everybody who has room for it: of pictures only the newest counts."""
        self._picture = packet
        self._wake()

    def close(self) -> None:
        self._closing.set()
        self._wake()
        self._thread.join(CLOSE_SECONDS + 1)

    def _wake(self) -> None:
        try:
            self._waker.send(b"\0")
        except OSError:
            return  # it has been woken already, or is gone

    # What follows runs in the server's thread.

    def _serve(self) -> None:
        try:
            while not self._closing.is_set():
                self._turn(None)
            until = time.monotonic() + CLOSE_SECONDS
            self._turn(0.0)
            while any(client.behind for client in self._clients) and (left := until - time.monotonic()) > 0:
                self._turn(left)
        except Exception as error:  # whatever it is, somebody must see it
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            for client in list(self._clients):
                self._drop(client)
            for one in (self._listener, self._woken, self._waker):
                one.close()
            self._selector.close()

    def _turn(self, timeout_seconds: float | None) -> None:
        for key, events in self._selector.select(timeout_seconds):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._woken:
                self._listen_to_waker()
            else:
                client: _Client = key.data
                if (events & selectors.EVENT_READ and not client.receive()) or not client.send():
                    self._drop(client)
        self._hand_out()
        for client in list(self._clients):
            if client.queued_bytes > MOST_QUEUED_BYTES:
                self._drop(client)
                continue
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.behind else 0)
            if self._selector.get_key(client.socket).events != wanted:
                self._selector.modify(client.socket, wanted, client)

    def _hand_out(self) -> None:
        while self._inbox:
            packet, keep = self._inbox.popleft()
            if keep:
                self._kept[keep] = packet
            for client in self._clients:
                client.queue(packet)
        make, self._picture = self._picture, None
        if make is not None and self._clients:
            picture = make()
            for client in self._clients:
                client.picture = picture

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return  # it has gone again
        if len(self._clients) >= MOST_CLIENTS:
            peer.close()
            return
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = _Client(peer)
        for packet in self._kept.values():
            client.queue(packet)
        self._clients.append(client)
        self._selector.register(peer, selectors.EVENT_READ, client)

    def _listen_to_waker(self) -> None:
        try:
            self._woken.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return

    def _drop(self, client: "_Client") -> None:
        self._clients.remove(client)
        self._selector.unregister(client.socket)
        client.socket.close()


class _Client:
    """One connection and what it has not taken yet."""

    def __init__(self, peer: socket.socket) -> None:
        self.socket = peer
        self.picture: bytes | None = None
        self.queued_bytes = 0
        self._waiting: deque[bytes] = deque()
        self._under_way = memoryview(b"")

    @property
    def behind(self) -> bool:
        return bool(self._under_way or self._waiting or self.picture)

    def queue(self, packet: bytes) -> None:
        self._waiting.append(packet)
        self.queued_bytes += len(packet)

    def receive(self) -> bool:
        """Throw away what it says; False when it has gone."""
        try:
            return bool(self.socket.recv(_RECEIVE_BYTES))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def send(self) -> bool:
        """As much as it takes now; False when it has gone. Pictures come after everything else."""
        try:
            while self._load():
                self._under_way = self._under_way[self.socket.send(self._under_way) :]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def _load(self) -> bool:
        if not self._under_way and self._waiting:
            packet = self._waiting.popleft()
            self.queued_bytes -= len(packet)
            self._under_way = memoryview(packet)
        elif not self._under_way and self.picture is not None:
            self._under_way, self.picture = memoryview(self.picture), None
        return bool(self._under_way)
