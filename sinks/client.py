"""The other end of the publisher: a subscriber that knows what it missed."""

import threading
import time
from collections.abc import Iterable, Iterator

import msgspec
import zmq

from .event import AnyEvent
from .publisher import DEFAULT_ENDPOINT, DEFAULT_HWM
from .sink import SinkError
from .wire import MOST_BODY_BYTES, Header, Message, decode

_LOOK_UP_SECONDS = 0.1


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that were sent and did not arrive.

    Attributes:
        topic: kind of the missing events.
        epoch: the publisher's run.
        first_sequence: number of the first one missing; 0 when they were sent before this client had joined.
        missing: how many.
    """

    topic: str
    epoch: str
    first_sequence: int
    missing: int


class Restarted(msgspec.Struct, frozen=True, kw_only=True):
    """Another publisher answers at the endpoint; what the one before sent last may not have arrived."""

    epoch: str
    previous_epoch: str


Received = AnyEvent | Gap | Restarted


class Continuity:
    """Finds gaps and restarts in the headers of arriving messages. A pure state machine."""

    def __init__(self) -> None:
        self._epoch: str | None = None
        self._expected: dict[str, int] = {}

    def check(self, topic: str, header: Header) -> list[Gap | Restarted]:
        """What happened before this message."""
        found: list[Gap | Restarted] = []
        if header.epoch != self._epoch:
            if self._epoch is not None:
                found.append(Restarted(epoch=header.epoch, previous_epoch=self._epoch))
            self._epoch = header.epoch
            self._expected = {}
        expected = self._expected.get(topic, 0)
        if header.sequence > expected:
            missing = header.sequence - expected
            found.append(Gap(topic=topic, epoch=header.epoch, first_sequence=expected, missing=missing))
        self._expected[topic] = header.sequence + 1
        return found


class Client:
    """Receives events; may start before or after the publisher, and outlives it.

    What it cannot make sense of it counts in ``rejected`` and skips. It cannot know of messages lost after the last one
    that arrived.

    Args:
        endpoint: where the publisher listens.
        topics: beginnings of kinds, such as "plane."; none: everything.
        hwm: messages kept while nobody receives.
    """

    def __init__(self, endpoint: str = DEFAULT_ENDPOINT, topics: Iterable[str] = (), *, hwm: int = DEFAULT_HWM) -> None:
        self.endpoint = endpoint
        self.rejected = 0
        self._continuity = Continuity()
        self._waiting: list[Received] = []
        self._closed = threading.Event()
        self._lock = threading.Lock()  # the socket's fence, see `Publisher`
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, hwm)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MOST_BODY_BYTES)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 50)
        self._socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        for topic in tuple(topics) or ("",):
            self._socket.setsockopt_string(zmq.SUBSCRIBE, topic)
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            example = f"{DEFAULT_ENDPOINT} or ipc://FILE"
            raise SinkError(f"{endpoint!r} is no endpoint to connect to ({error.strerror}); write {example}") from None

    def receive(self, timeout_seconds: float | None = None) -> Received | None:
        """The next event, or what was missed before it; None when nothing came in time or the client was closed."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self._closed.is_set():
            if self._waiting:
                return self._waiting.pop(0)
            left = _LOOK_UP_SECONDS if deadline is None else min(_LOOK_UP_SECONDS, deadline - time.monotonic())
            if (message := self._next_message(max(0.0, left))) is not None:
                self._waiting += self._continuity.check(message.topic, message.header)
                self._waiting.append(message.event)
            elif deadline is not None and time.monotonic() >= deadline:
                return None
        return None

    def events(self, timeout_seconds: float | None = None) -> Iterator[Received]:
        """Everything that comes, until nothing came for so long, or until the client is closed."""
        while (received := self.receive(timeout_seconds)) is not None:
            yield received

    def __iter__(self) -> Iterator[Received]:
        return self.events()

    def close(self) -> None:
        """Any number of times, from any thread; whoever waits in `receive` gets None soon."""
        self._closed.set()
        with self._lock:
            self._socket.close()
            self._context.term()

    def _next_message(self, timeout_seconds: float) -> Message | None:
        with self._lock:
            if self._socket.closed or not self._socket.poll(round(timeout_seconds * 1000)):
                return None
            parts = self._socket.recv_multipart(zmq.NOBLOCK)
        try:
            return decode(parts)
        except SinkError:
            self.rejected += 1
            return None
