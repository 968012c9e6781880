"""Connections under watch: what ZeroMQ itself does not bound, and who was turned away.

ZeroMQ bounds the size of a part and the number of whole messages that wait. It bounds neither the parts of one message
nor the subscriptions of one peer: a peer that sends parts without end fills the publisher's memory (200 MB for 100 MB
sent, with libzmq 4.3.5). A subscriber has little to say, so whoever says much is cut off.
"""

import os
import socket as sockets
import struct
import time
from dataclasses import dataclass

import zmq
from zmq.utils.monitor import parse_monitor_message

from .complaints import Complaints

_EVENTS = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)
_FAILED = (zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
_MOST_EVENTS_AT_ONCE = 256
_RECEIVED_OFFSET = 128
"""Of tcpi_bytes_received in Linux' struct tcp_info; there since Linux 4.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What peers of one socket may take.

    Attributes:
        connections: at a time.
        burst_bytes: that one may send at once.
        bytes_per_second: that it may send over time, beside the burst.
    """

    connections: int
    burst_bytes: int
    bytes_per_second: int


class Guard:
    """Watches the connections that come in at a bound socket. For one thread.

    On other systems than Linux, and for ipc, what peers send is not counted; see docs/security.md.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", port: int | None, limits: Limits, complaints: Complaints) -> None:
        self._watched = socket
        self.socket = socket.get_monitor_socket(_EVENTS)
        self._port = port
        self._limits = limits
        self._complaints = complaints
        self._accepted_at: dict[int, float] = {}

    def read(self) -> bool:
        """Take in what has happened; whether somebody new has been let in."""
        let_in = False
        for _ in range(_MOST_EVENTS_AT_ONCE):
            if not self.socket.poll(0):
                break
            happened = parse_monitor_message(self.socket.recv_multipart(zmq.NOBLOCK))
            event, descriptor = happened["event"], int(happened["value"])
            if event == zmq.EVENT_ACCEPTED:
                self._accepted_at[descriptor] = time.monotonic()
            elif event == zmq.EVENT_DISCONNECTED:
                self._accepted_at.pop(descriptor, None)
            elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                let_in = True
            elif event in _FAILED:
                self._complaints.add(
                    "a connection was refused, it does not speak this endpoint's protocol or encryption"
                )
        return let_in

    def inspect(self) -> None:
        """Cut off who sends too much, and the newest when there are too many."""
        now = time.monotonic()
        for place, (descriptor, accepted_at) in enumerate(list(self._accepted_at.items())):
            peer = self._peer(descriptor)
            if peer is None:
                del self._accepted_at[descriptor]
                continue
            with peer:
                if place >= self._limits.connections:
                    self._cut(peer, f"more than {self._limits.connections} connections: the newest is cut off")
                elif _received_bytes(peer) > self._limits.burst_bytes + self._limits.bytes_per_second * (
                    now - accepted_at
                ):
                    self._cut(peer, "a peer sends too much and is cut off")

    def close(self) -> None:
        self._watched.disable_monitor()
        self.socket.close(linger=0)

    def _peer(self, descriptor: int) -> sockets.socket | None:
        """The connection behind a number, if it is still ours: a number is given to another file once it is free.

        A copy is looked at, so that it cannot become another meanwhile.
        """
        try:
            peer = sockets.socket(fileno=os.dup(descriptor))
        except OSError:
            return None
        try:
            if peer.family in (sockets.AF_INET, sockets.AF_INET6) and peer.getsockname()[1] == self._port:
                return peer
        except OSError:
            pass
        peer.close()
        return None

    def _cut(self, peer: sockets.socket, why: str) -> None:
        try:
            host, port = peer.getpeername()[:2]
            peer.shutdown(sockets.SHUT_RDWR)
        except OSError:  # gone already
            return
        self._complaints.add(why, f"{host} port {port}")


def _received_bytes(peer: sockets.socket) -> int:
    """All that the peer has ever sent; 0 where the system does not tell."""
    if not hasattr(sockets, "TCP_INFO"):
        return 0
    try:
        info = peer.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_INFO, 256)
        return int(struct.unpack_from("=Q", info, _RECEIVED_OFFSET)[0])
    except (OSError, struct.error):
        return 0
