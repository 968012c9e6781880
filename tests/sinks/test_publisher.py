import os
import signal
import socket
import subprocess
import sys
import threading
import time

import msgspec
import psutil
import pytest
import zmq

from fetalstream.sinks import AnyEvent, FrameScores, PlaneEntered, SinkError
from fetalstream.sinks.client import Client
from fetalstream.sinks.notice import Joined
from fetalstream.sinks.publisher import Publisher

ANY_PORT = "tcp://127.0.0.1:*"


def entered(sequence: int) -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane="femur", start_seconds=1.0, score=0.9)


def until(condition, timeout_seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(held)


@pytest.fixture
def publisher():
    publisher = Publisher(ANY_PORT)
    yield publisher
    publisher.close()


SUBSCRIBER = """
import sys
from fetalstream.sinks.client import Client
from fetalstream.sinks.notice import Joined, Notice
import msgspec
client = Client(sys.argv[1])
for received in client.events(20.0):
    if isinstance(received, Joined):
        print("hello", flush=True)
    if isinstance(received, Notice):
        continue
    sys.stdout.write(msgspec.json.encode(received).decode() + "\\n")
    sys.stdout.flush()
    if getattr(received, "reason", "") == "ended":
        break
"""


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_another_process_receives_every_event_in_order(story, encoding, opened):
    publisher = opened(Publisher(ANY_PORT, encoding=encoding))
    command = [sys.executable, "-c", SUBSCRIBER, publisher.endpoint]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hello\n"
        events = [entered(sequence) for sequence in range(500)] + story("s")
        for event in events:
            publisher.write(event)
        lines = list(process.stdout)
        process.wait(10)
    publisher.close()
    assert [msgspec.json.decode(line, type=AnyEvent) for line in lines] == events


def test_a_plain_subscriber_gets_topic_header_and_body(publisher):
    with zmq.Context() as context, context.socket(zmq.SUB) as plain:
        plain.subscribe("plane.")
        plain.connect(publisher.endpoint)
        assert until(lambda: publisher.write(entered(0)) or plain.poll(10))
        topic, header, body = plain.recv_multipart()
        assert topic == b"plane.entered"
        assert msgspec.json.decode(header)["epoch"] == publisher.epoch
        assert msgspec.msgpack.decode(body)["kind"] == "plane.entered"


def test_every_publisher_is_an_epoch_of_its_own(opened):
    epochs = set()
    for _ in range(3):
        publisher = opened(Publisher(ANY_PORT))
        epochs.add(publisher.epoch)
        publisher.close()
    assert len(epochs) == 3


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("tcp://*:5555", "could be read by other machines"),
        ("tcp://0.0.0.0:5555", "could be read by other machines"),
        ("tcp://192.168.1.2:5555", "could be read by other machines"),
        ("tcp://eth0:5555", "could be read by other machines"),
        ("tcp://[::]:5555", "could be read by other machines"),
        ("tcp://127.0.0.1", "names no port"),
        ("tcp://127.0.0.1:port", "names no port"),
        ("tcp://127.0.0.1:70000", "names no port"),
        ("127.0.0.1:5555", "is no endpoint"),
        ("udp://127.0.0.1:5555", "is no endpoint"),
        ("", "is no endpoint"),
        ("ipc:///no/such/folder/socket", "cannot be opened"),
    ],
)
def test_an_endpoint_that_is_none_or_reaches_beyond_this_machine_is_refused(endpoint, message):
    with pytest.raises(SinkError, match=message) as caught:
        Publisher(endpoint)
    assert repr(endpoint) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_port_in_use_is_said(publisher):
    with pytest.raises(SinkError, match="is in use by another program") as caught:
        Publisher(publisher.endpoint)
    assert repr(publisher.endpoint) in str(caught.value)


def test_without_a_bound_there_is_no_publisher():
    with pytest.raises(SinkError, match="hwm=0"):
        Publisher(ANY_PORT, hwm=0)


def test_localhost_and_ipv6_and_files_are_this_machine(tmp_path, opened):
    endpoints = ["tcp://localhost:*", f"ipc://{tmp_path}/events"]
    if _has_ipv6():
        endpoints.append("tcp://[::1]:*")
    for endpoint in endpoints:
        publisher = opened(Publisher(endpoint))
        publisher.write(entered(0))
        client = opened(Client(publisher.endpoint))
        joined = client.receive(10)  # which takes both sockets
        assert isinstance(joined, Joined)
        assert joined.events == (entered(0),)
        publisher.write(entered(1))
        assert client.receive(10) == entered(1)
        publisher.close()


def test_opening_and_closing_leaves_nothing_behind():
    process = psutil.Process()
    Publisher(ANY_PORT).close()
    descriptors, threads = process.num_fds(), process.num_threads()
    for _ in range(20):
        publisher = Publisher(ANY_PORT)
        client = Client(publisher.endpoint)
        assert isinstance(client.receive(10), Joined)
        client.close()
        publisher.close()
        with pytest.raises(SinkError):
            Publisher("ipc:///no/such/folder/socket")
    assert process.num_fds() <= descriptors  # those that earlier tests left may have gone meanwhile
    assert process.num_threads() <= threads


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_a_closed_publisher_takes_no_event_and_can_be_closed_again(publisher):
    publisher.close()
    publisher.close()
    with pytest.raises(SinkError, match="is closed"):
        publisher.write(entered(0))


def test_it_may_be_made_written_and_closed_in_different_threads(opened):
    made: list[Publisher] = []
    maker = threading.Thread(target=lambda: made.append(Publisher(ANY_PORT)))
    maker.start()
    maker.join()
    client = opened(Client(made[0].endpoint))
    assert until(lambda: made[0].write(entered(0)) or client.receive(0.01))
    writer = threading.Thread(target=lambda: [made[0].write(entered(i)) for i in range(1000)])
    writer.start()
    writer.join()
    received = [event for event in client.events(0.5) if isinstance(event, PlaneEntered)]
    made[0].close()  # not before: a client that has still to ask for what it missed would ask nobody
    assert [event.sequence for event in received[-1000:]] == list(range(1000))


SLEEPER = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.subscribe("")
socket.connect(sys.argv[1])
socket.recv_multipart()
print("ready", flush=True)
while True:
    socket.recv_multipart()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_stopped_subscriber_costs_bounded_memory_and_no_time(opened):
    publisher = opened(Publisher(ANY_PORT, hwm=1000))
    scores = FrameScores(stream="s", sequence=0, frame_index=0, pts_seconds=0.0, epoch=0, scores=(0.1,) * 100)
    with subprocess.Popen([sys.executable, "-c", SLEEPER, publisher.endpoint], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = threading.Thread(target=lambda: process.stdout and process.stdout.readline())
        ready.start()
        while ready.is_alive():
            publisher.write(scores)
            ready.join(0.02)
        os.kill(process.pid, signal.SIGSTOP)
        for _ in range(20_000):  # until the buffers of both sides are full
            publisher.write(scores)
        before = psutil.Process().memory_info().rss
        slowest_seconds = 0.0
        for _ in range(50_000):
            start = time.perf_counter()
            publisher.write(scores)
            slowest_seconds = max(slowest_seconds, time.perf_counter() - start)
        grown_bytes = psutil.Process().memory_info().rss - before
        start = time.perf_counter()
        publisher.close()
        closing_seconds = time.perf_counter() - start
        os.kill(process.pid, signal.SIGKILL)
    assert grown_bytes < 8 * 2**20
    assert slowest_seconds < 0.25
    assert closing_seconds < 2.0


def test_random_bytes_and_oversized_subscriptions_do_not_stop_it(publisher, opened):
    host, port = publisher.endpoint.removeprefix("tcp://").split(":")
    for garbage in (b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", os.urandom(100_000)):
        with socket.create_connection((host, int(port))) as connection:
            try:
                connection.sendall(garbage)
            except OSError:
                continue
    client = opened(Client(publisher.endpoint))
    assert until(lambda: publisher.write(entered(0)) or client.receive(0.01))
