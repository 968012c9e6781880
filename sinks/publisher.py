"""Events over ZeroMQ, to whoever listens."""

import errno
import secrets
import threading

import zmq

from .endpoint import loopback_only
from .event import AnyEvent
from .sink import SinkError
from .wire import MOST_BODY_BYTES, Encoding, Writer

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5555"
DEFAULT_HWM = 10_000
_LINGER_MS = 500


class Publisher:
    """A PUB socket: [topic, header, body] for each event, the topic being its kind.

    A subscriber that is slow, stopped or gone costs at most ``hwm`` messages of memory and never time: beyond that,
    its messages are dropped, which it sees by the sequence numbers in the headers. ZeroMQ does not tell the publisher.

    A socket belongs to one thread at a time, yet it is made, written and closed from different ones. A lock goes with
    every touch: it is the full fence that ZeroMQ asks for when a socket changes threads, and it is never held long
    because a PUB socket does not block.

    Args:
        endpoint: loopback ``tcp://`` or ``ipc://``; port ``*`` takes a free one (see `loopback_only`).
        encoding: of the bodies.
        hwm: messages kept for each subscriber that does not keep up.
    """

    def __init__(
        self, endpoint: str = DEFAULT_ENDPOINT, *, encoding: Encoding = "msgpack", hwm: int = DEFAULT_HWM
    ) -> None:
        if hwm < 1:  # to ZeroMQ, 0 means without bound
            raise SinkError(f"hwm={hwm}: a publisher keeps at least 1 message for each subscriber")
        address = loopback_only(endpoint)
        self._writer = Writer(epoch=secrets.token_hex(8), encoding=encoding)
        self._lock = threading.Lock()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        # A mark set after binding is not applied.
        self._socket.setsockopt(zmq.SNDHWM, hwm)
        self._socket.setsockopt(zmq.LINGER, _LINGER_MS)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MOST_BODY_BYTES)  # what subscribers may send us
        self._socket.setsockopt(zmq.IPV6, int("[" in address))
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise SinkError(f"{endpoint!r} cannot be opened: {_reason(error)}") from None
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        """Where it listens in truth, with the port it got."""

    def write(self, event: AnyEvent) -> None:
        with self._lock:
            if self._socket.closed:
                raise SinkError(f"{self.endpoint!r} is closed, no event can be published")
            parts = self._writer.parts(event)
            try:
                self._socket.send_multipart(parts, flags=zmq.NOBLOCK)
            except zmq.ZMQError as error:
                raise SinkError(f"{self.endpoint!r} cannot be written: {error.strerror}") from None

    def close(self) -> None:
        with self._lock:
            self._socket.close()
            # Waits until everything is sent, at most for the linger time; must not run in two threads at a time.
            self._context.term()


def _reason(error: zmq.ZMQError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "it is in use by another program; stop that one or choose another port"
    return str(error.strerror)
