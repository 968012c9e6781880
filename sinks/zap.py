"""Who may connect to an encrypted endpoint: the answers to ZeroMQ's authentication protocol (RFC 27, ZAP)."""

import zmq
from zmq.utils import z85

from .complaints import Complaints
from .keys import AllowList

ZAP_ENDPOINT = "inproc://zeromq.zap.01"
ZAP_DOMAIN = b"fetalstream"
_VERSION = b"1.0"
_REQUEST_PARTS = 7


class Gatekeeper:
    """Asked by ZeroMQ itself, in the same context, for each connection that has proved to own the key it shows."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", allowed: AllowList, complaints: Complaints) -> None:
        self.socket = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(ZAP_ENDPOINT)
        self._allowed = allowed
        self._complaints = complaints

    def answer(self) -> None:
        """Answer the request that waits; call it when the socket is readable."""
        parts = self.socket.recv_multipart(zmq.NOBLOCK)
        name = self._name(parts)
        number = parts[1] if len(parts) > 1 else b""
        status = (b"200", b"OK", name.encode()) if name else (b"400", b"this key is not allowed", b"")
        self.socket.send_multipart([_VERSION, number, *status, b""], zmq.NOBLOCK)

    def _name(self, parts: list[bytes]) -> str | None:
        """Of the client that asks to be let in; None keeps it out."""
        if len(parts) != _REQUEST_PARTS or parts[2] != ZAP_DOMAIN or parts[5] != b"CURVE":
            return None
        letters = z85.encode(parts[6])
        name = self._allowed.names().get(letters)
        for damage in self._allowed.damaged:
            self._complaints.add("a file of the allow-list is passed over", damage)
        if name is None:
            who = f"{letters.decode()} at {parts[3].decode(errors='replace')}"
            self._complaints.add("a client was refused, its key is not allowed", who)
        return name
