"""Events over ZeroMQ, to whoever listens."""

import errno
import secrets
import threading
from collections.abc import Sequence

import zmq

from .complaints import Complaints
from .desk import HEARTBEAT_SECONDS, Desk
from .endpoint import bindable, port_of, requests_endpoint
from .event import AnyEvent
from .guard import Guard, Limits
from .keys import AllowList, KeyPair, key_folder, load_pair
from .questions import MOST_ANSWER_BYTES, MOST_ANSWER_MESSAGES, MOST_QUESTION_BYTES, Answer, Question
from .ring import MOST_MESSAGES, Ring
from .sink import SinkError
from .wire import HEARTBEAT_TOPIC, Encoding, Heartbeat, Parts, Writer
from .zap import ZAP_DOMAIN, Gatekeeper

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5555"
DEFAULT_HWM = 2_000
_LINGER_MS = 500
_HANDSHAKE_MS = 10_000
_PING_MS = 5_000
_DEAD_MS = 30_000
_MOST_SUBSCRIPTION_BYTES = 1024
_REQUESTS_HWM = 2
_READERS = Limits(connections=256, burst_bytes=64 * 1024, bytes_per_second=64)
_ASKERS = Limits(connections=64, burst_bytes=128 * 1024, bytes_per_second=1024)


class Publisher:
    """A PUB socket: [topic, header, body] for each event, the topic being its kind; beside it, a ROUTER socket for
    those who come late or have missed something. What travels, and how to ask, stands in docs/events.md.

    A subscriber that is slow, stopped or gone costs at most ``hwm`` messages of memory and never time: beyond that,
    its messages are dropped, which it sees by the sequence numbers, and asks for again.

    A socket belongs to one thread at a time, yet it is made, written and closed from different ones. A lock goes with
    every touch: it is the full fence that ZeroMQ asks for when a socket changes threads, and it is never held long
    because a PUB socket does not block.

    Args:
        endpoint: ``tcp://`` on this machine or ``ipc://``; with a key ``tcp://`` anywhere; port ``*`` takes a free one.
        encoding: of the bodies.
        hwm: messages kept for each subscriber that does not keep up.
        remembered: most messages of each topic kept for replay.
        key: name or file of the publisher's secret key (`fetalstream keys create`). Then everything is encrypted, and
            only clients whose keys are in the folder ``allowed`` beside it get in. None: neither, on this machine only.
    """

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        *,
        encoding: Encoding = "msgpack",
        hwm: int = DEFAULT_HWM,
        remembered: int = MOST_MESSAGES,
        key: str | None = None,
    ) -> None:
        if hwm < 1:  # to ZeroMQ, 0 means without bound
            raise SinkError(f"hwm={hwm}: a publisher keeps at least 1 message for each subscriber")
        folder = key_folder()
        pair = None if key is None else load_pair(key, folder)
        address = bindable(endpoint, encrypted=pair is not None)
        self._writer = Writer(epoch=secrets.token_hex(8), encoding=encoding)
        self._ring = Ring(most_messages=remembered)
        self._lock = threading.Lock()
        self._desk: Desk | None = None
        self._context = zmq.Context()
        complaints = Complaints(endpoint)
        try:
            gatekeeper = Gatekeeper(self._context, AllowList(pair.folder), complaints) if pair else None
            self._socket = self._bound(zmq.PUB, address, hwm, _MOST_SUBSCRIPTION_BYTES, pair)
            self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
            """Where it listens in truth, with the port it got."""
            router = self._bound(zmq.ROUTER, requests_endpoint(self.endpoint), _REQUESTS_HWM, MOST_QUESTION_BYTES, pair)
        except SinkError:
            self._context.destroy(linger=0)
            raise
        self._requests_port = port_of(router.getsockopt_string(zmq.LAST_ENDPOINT))
        guards = (
            Guard(self._socket, port_of(self.endpoint), _READERS, complaints),
            Guard(router, self._requests_port, _ASKERS, complaints),
        )
        self._desk = Desk(router, gatekeeper, guards, complaints, ask=self._answer, beat=self._beat)
        self._desk.start()

    @property
    def epoch(self) -> str:
        """Identity of this run, in every header."""
        return self._writer.epoch

    def write(self, event: AnyEvent) -> None:
        with self._lock:
            if self._socket.closed:
                raise SinkError(f"{self.endpoint!r} is closed, no event can be published")
            header, parts = self._writer.parts(event)
            self._ring.append(header.type, event.stream, header.sequence, parts)
            self._send(parts)

    def close(self) -> None:
        with self._lock:
            desk, self._desk = self._desk, None
        if desk is None:
            return
        desk.close()
        self._beat()  # whoever has missed the last events learns it
        with self._lock:
            self._socket.close()
            # Waits until everything is sent, at most for the linger time; must not run in two threads at a time.
            self._context.term()

    def _send(self, parts: Parts) -> None:
        try:
            self._socket.send_multipart(parts, flags=zmq.NOBLOCK)
        except zmq.ZMQError as error:
            raise SinkError(f"{self.endpoint!r} cannot be written: {error.strerror}") from None

    def _beat(self) -> None:
        with self._lock:
            beat = Heartbeat(
                interval_seconds=HEARTBEAT_SECONDS, requests_port=self._requests_port, next=self._next_numbers()
            )
            self._send(self._writer.parts(beat)[1])

    def _next_numbers(self) -> dict[str, int]:
        return {topic: number for topic, number in self._writer.next.items() if topic != HEARTBEAT_TOPIC}

    def _answer(self, question: Question) -> tuple[Answer, Sequence[Parts]]:
        messages: Sequence[Parts] = ()
        more = False
        with self._lock:
            if question.ask == "snapshot":
                messages = self._ring.snapshot(question.topics)
            elif question.epoch == self.epoch:
                messages, more = self._ring.replay(
                    question.topics, question.first, most_messages=MOST_ANSWER_MESSAGES, most_bytes=MOST_ANSWER_BYTES
                )
            answer = Answer(
                answer=question.ask, epoch=self.epoch, next=self._next_numbers(), more=more, number=question.number
            )
        return answer, messages

    def _bound(self, kind: int, address: str, hwm: int, most_bytes: int, pair: KeyPair | None) -> "zmq.Socket[bytes]":
        socket = self._context.socket(kind)
        # Marks and limits set after binding are not applied.
        socket.setsockopt(zmq.SNDHWM, hwm)
        socket.setsockopt(zmq.RCVHWM, _REQUESTS_HWM)
        socket.setsockopt(zmq.LINGER, _LINGER_MS)
        socket.setsockopt(zmq.MAXMSGSIZE, most_bytes)  # of what peers send
        socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        socket.setsockopt(zmq.HEARTBEAT_IVL, _PING_MS)  # a peer whose machine is gone is noticed
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, _DEAD_MS)
        socket.setsockopt(zmq.IPV6, int("[" in address))
        if pair is not None:
            socket.setsockopt(zmq.CURVE_SERVER, 1)
            socket.setsockopt(zmq.CURVE_SECRETKEY, pair.secret)
            socket.setsockopt(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
        try:
            socket.bind(address)
        except zmq.ZMQError as error:
            raise SinkError(f"{address!r} cannot be opened: {_reason(error)}") from None
        return socket


def _reason(error: zmq.ZMQError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "it is in use by another program; stop that one or choose another port"
    return str(error.strerror)
