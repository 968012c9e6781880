"""The thread beside a publisher: answers questions, sends heartbeats, guards the door."""

import math
import threading
import time
from collections.abc import Callable, Sequence

import zmq

from .complaints import Complaints
from .guard import Guard
from .questions import Answer, Question, decode_question, encode_answer
from .sink import SinkError
from .wire import Parts
from .zap import Gatekeeper

HEARTBEAT_SECONDS = 1.0
TICK_SECONDS = 0.05
"""How often connections are inspected."""
WELCOME_SECONDS = 0.03
"""After a new connection, until its subscription must have come: then a heartbeat tells it where to ask."""
QUESTIONS_PER_SECOND = 100
_MOST_ROUTING_PARTS = 2

Ask = Callable[[Question], tuple[Answer, Sequence[Parts]]]


class Desk:
    """Owns the ROUTER socket, the gatekeeper and the guards from `start` on, and closes them.

    Args:
        router: bound already.
        gatekeeper: for encrypted endpoints.
        guards: of all sockets that others connect to; the first is the publisher's.
        ask: answers a question, from any thread.
        beat: sends a heartbeat, from any thread.
    """

    def __init__(
        self,
        router: "zmq.Socket[bytes]",
        gatekeeper: Gatekeeper | None,
        guards: Sequence[Guard],
        complaints: Complaints,
        *,
        ask: Ask,
        beat: Callable[[], None],
    ) -> None:
        self._router = router
        self._gatekeeper = gatekeeper
        self._guards = guards
        self._complaints = complaints
        self._ask = ask
        self._beat = beat
        self._allowance = Allowance(QUESTIONS_PER_SECOND)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events-desk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and closes its sockets; once."""
        self._stopping.set()
        self._thread.join()
        self._complaints.flush(everything=True)

    def _run(self) -> None:
        poller = zmq.Poller()
        for guard in self._guards:
            poller.register(guard.socket, zmq.POLLIN)
        if self._gatekeeper:
            poller.register(self._gatekeeper.socket, zmq.POLLIN)
        next_beat = next_tick = time.monotonic()
        while not self._stopping.is_set():
            # Beyond the allowance questions wait in the socket, and then at the peers.
            poller.register(self._router, zmq.POLLIN if self._allowance.any() else 0)
            wait_seconds = max(0.0, min(next_beat, next_tick) - time.monotonic())
            ready = dict(poller.poll(math.ceil(wait_seconds * 1000)))
            if self._gatekeeper and self._gatekeeper.socket in ready:
                self._gatekeeper.answer()
            if self._router in ready:
                self._allowance.take()
                self._serve()
            newcomers = [guard.read() for guard in self._guards if guard.socket in ready]
            now = time.monotonic()
            if any(newcomers):
                next_beat = min(next_beat, now + WELCOME_SECONDS)
            if now >= next_beat:
                self._beat()
                next_beat = now + HEARTBEAT_SECONDS
            if now >= next_tick:
                for guard in self._guards:
                    guard.inspect()
                self._complaints.flush()
                next_tick = now + TICK_SECONDS
        for guard in self._guards:
            guard.close()
        self._router.close()
        if self._gatekeeper:
            self._gatekeeper.socket.close()

    def _serve(self) -> None:
        """One question. What is none gets no answer."""
        parts = self._router.recv_multipart(zmq.NOBLOCK)
        # A REQ socket puts an empty part behind the identity, and wants it back.
        routing = parts[:_MOST_ROUTING_PARTS] if len(parts) > _MOST_ROUTING_PARTS and not parts[1] else parts[:1]
        try:
            if len(parts) != len(routing) + 1:
                raise SinkError(f"a question has one part, not {len(parts) - len(routing)}")
            answer, messages = self._ask(decode_question(parts[-1]))
        except SinkError as error:
            self._complaints.add("a question makes no sense and is passed over", str(error))
            return
        # Dropped where the peer does not read: the socket's mark is low.
        self._router.send_multipart([*routing, *encode_answer(answer, messages)], zmq.NOBLOCK)


class Allowance:
    """So many per second, and a second's worth at once."""

    def __init__(self, per_second: float, *, clock_seconds: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock_seconds = clock_seconds
        self._left = per_second
        self._counted_at = clock_seconds()

    def any(self) -> bool:
        """Whether one is left."""
        now = self._clock_seconds()
        self._left = min(self._per_second, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now
        return self._left >= 1

    def take(self) -> None:
        self._left -= 1
