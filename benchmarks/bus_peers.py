"""Peers of a publisher, good and bad, each in a process of its own: parts of the other bus benchmarks and of tests.

    python benchmarks/bus_peers.py good tcp://127.0.0.1:5555

good      our client: reads until "stream.ended", then prints as JSON what it got and how late
sleeper   a plain subscriber that says "ready" after its first message; whoever started it stops it
drip      a raw connection that subscribes to everything and reads one byte a second
crasher   subscribes in a child process, reads a little, dies by SIGKILL, and again, once a second
endless   a raw connection that sends parts of one message without end; prints how many bytes were taken (endless-asker:
          the same at the port for requests)
flood     a raw connection that subscribes to ever new topics; prints how many bytes were taken
crowd     opens connections and keeps them; prints how many
"""

import json
import os
import signal
import socket
import statistics
import struct
import sys
import time
from collections.abc import Callable
from functools import partial

from fetalstream.sinks import PlaneEntered, StreamEnded
from fetalstream.sinks.client import Client
from fetalstream.sinks.notice import Gap, Joined, Lagging, Notice

READ_SECONDS = 0.5
CROWD = 400


def good(endpoint: str) -> None:
    numbers: list[int] = []
    latencies_ms: list[float] = []
    notices: list[str] = []
    missing = 0
    client = Client(endpoint)
    for received in client:
        if isinstance(received, PlaneEntered) and received.stamp is not None:
            latencies_ms.append((time.monotonic_ns() - received.stamp.captured_ns) / 1e6)
            numbers.append(received.sequence)
        elif isinstance(received, Joined):
            print("ready", flush=True)
        elif isinstance(received, Notice):
            notices.append(type(received).__name__ + (f" {received.seconds}" if isinstance(received, Lagging) else ""))
            missing += received.missing if isinstance(received, Gap) else 0
        elif isinstance(received, StreamEnded):
            break
    client.close()
    cuts = statistics.quantiles(latencies_ms, n=100)
    print(
        json.dumps(
            {
                "events": len(numbers),
                "first": numbers[0],
                "in_order": numbers == list(range(numbers[0], numbers[0] + len(numbers))),
                "missing": missing,
                "notices": notices,
                "p50_ms": round(cuts[49], 3),
                "p99_ms": round(cuts[98], 3),
                "most_ms": round(max(latencies_ms), 3),
            }
        ),
        flush=True,
    )


def sleeper(endpoint: str) -> None:
    import zmq

    subscriber = zmq.Context().socket(zmq.SUB)
    subscriber.subscribe("")
    subscriber.connect(endpoint)
    subscriber.recv_multipart()
    print("ready", flush=True)
    while True:
        subscriber.recv_multipart()


def drip(endpoint: str) -> None:
    connection = _greeted(endpoint, b"SUB")
    connection.sendall(_frame(b"\x01"))
    print("ready", flush=True)
    while connection.recv(1):
        time.sleep(1)


def crasher(endpoint: str) -> None:
    import zmq

    print("ready", flush=True)
    while True:
        child = os.fork()
        if child == 0:
            subscriber = zmq.Context().socket(zmq.SUB)
            subscriber.subscribe("")
            subscriber.connect(endpoint)
            until = time.monotonic() + READ_SECONDS
            while time.monotonic() < until:
                subscriber.recv_multipart()
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        time.sleep(1 - READ_SECONDS)


def endless(endpoint: str, kind: bytes = b"SUB") -> None:
    connection = _greeted(endpoint, kind)
    part = _frame(b"a" * 200, more=True)
    print(_pour(connection, lambda _: part * 500), flush=True)


def flood(endpoint: str) -> None:
    connection = _greeted(endpoint, b"SUB")
    print(
        _pour(connection, lambda n: b"".join(_frame(b"\x01" + struct.pack(">QQ", n, k) * 12) for k in range(500))),
        flush=True,
    )


def crowd(endpoint: str) -> None:
    kept: list[socket.socket] = []
    for _ in range(CROWD):
        try:
            kept.append(_greeted(endpoint, b"SUB"))
        except OSError:
            continue
    print(len(kept), flush=True)
    sys.stdin.read()


def _pour(connection: socket.socket, batch: Callable[[int], bytes], most_bytes: int = 500_000_000) -> int:
    """Send batches until the other side hangs up; how many bytes it has taken."""
    sent = turn = 0
    connection.settimeout(5)
    try:
        while sent < most_bytes:
            data = memoryview(batch(turn))
            turn += 1
            while data:
                taken = connection.send(data)
                data = data[taken:]
                sent += taken
    except OSError:
        pass
    return sent


def _greeted(endpoint: str, kind: bytes) -> socket.socket:
    """A connection on which ZMTP 3.0 has been agreed, without a ZeroMQ of our own (see RFC 23)."""
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    connection = socket.create_connection((host, int(port)))
    connection.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32))
    _read(connection, 64)
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind + b"\x08Identity" + bytes(4)
    connection.sendall(b"\x04" + bytes([len(ready)]) + ready)
    length = _read(connection, 2)[1]
    _read(connection, length)
    return connection


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        if not (got := connection.recv(size - len(data))):
            raise OSError("closed by the other side")
        data += got
    return data


def _frame(body: bytes, *, more: bool = False) -> bytes:
    return bytes([int(more), len(body)]) + body


if __name__ == "__main__":
    KINDS: dict[str, Callable[[str], None]] = {
        "good": good,
        "sleeper": sleeper,
        "drip": drip,
        "crasher": crasher,
        "endless": endless,
        "endless-asker": partial(endless, kind=b"DEALER"),
        "flood": flood,
        "crowd": crowd,
    }
    KINDS[sys.argv[1]](sys.argv[2])
