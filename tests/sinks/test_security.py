"""Who gets in, who does not, and what it costs: real sockets, in processes of their own where it matters."""

import logging
import os
import re
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from fetalstream.sinks import PlaneEntered, SinkError
from fetalstream.sinks import publisher as publisher_module
from fetalstream.sinks.client import Client
from fetalstream.sinks.desk import QUESTIONS_PER_SECOND
from fetalstream.sinks.keys import allow, create
from fetalstream.sinks.notice import Joined, Silent
from fetalstream.sinks.publisher import Publisher
from fetalstream.sinks.questions import MOST_ANSWER_BYTES, MOST_QUESTION_BYTES

ANY_PORT = "tcp://127.0.0.1:*"


def entered(sequence: int) -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane="femur", start_seconds=1.0, score=0.9)


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """A folder with the keys of a publisher, of a client it allows, and of a stranger."""
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path))
    folder = tmp_path / "keys"
    for name in ("clinic", "laptop", "stranger"):
        create(name, folder)
    allow("laptop", "laptop", folder)
    return folder


@pytest.fixture
def publisher(keys, opened):
    return opened(Publisher(ANY_PORT, key="clinic"))


def port_of(publisher: Publisher) -> int:
    return int(publisher.endpoint.rsplit(":", 1)[1])


def gets_in(publisher: Publisher, *, within_seconds: float = 10.0, **keys: Any) -> bool:
    client = Client(publisher.endpoint, **keys)
    received = client.receive(within_seconds)
    client.close()
    return isinstance(received, Joined)


def stays_out(publisher: Publisher, **keys: Any) -> bool:
    """Whoever may come in is in after a few hundredths of a second."""
    return not gets_in(publisher, within_seconds=0.7, **keys)


def test_with_the_right_keys_events_snapshots_and_replays_come(publisher, opened):
    for sequence in range(1000):
        publisher.write(entered(sequence))
    client = opened(Client(publisher.endpoint, history=True, key="laptop", server_key="clinic"))
    assert isinstance(client.receive(10), Joined)
    assert [client.receive(10) for _ in range(1000)] == [entered(sequence) for sequence in range(1000)]
    publisher.write(entered(1000))
    assert client.receive(10) == entered(1000)


def test_the_lines_of_the_page_let_a_plain_subscriber_in(publisher, keys, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.+?)```", page, re.DOTALL)
    assert block is not None
    monkeypatch.chdir(keys)
    publisher.write(entered(0))
    with zmq.Context() as context, context.socket(zmq.SUB) as events, context.socket(zmq.REQ) as requests:
        for socket in (events, requests):
            socket.setsockopt(zmq.LINGER, 0)
            exec(block[1], {"socket": socket})
        events.subscribe("bus.heartbeat")
        events.connect(publisher.endpoint)
        assert events.poll(10_000)
        beat = msgspec.msgpack.decode(events.recv_multipart()[2])
        requests.connect(f"tcp://127.0.0.1:{beat['requests_port']}")
        requests.send_json({"ask": "snapshot"})
        assert requests.poll(10_000)
        assert msgspec.msgpack.decode(requests.recv_multipart()[3])["plane"] == "femur"


def test_strangers_stay_out_and_each_kind_makes_one_line(publisher, keys, caplog):
    for _ in range(2):  # libzmq itself tries again, too
        assert stays_out(publisher, key="stranger", server_key="clinic")
        assert stays_out(publisher, key="laptop", server_key="stranger")
        assert stays_out(publisher)
    assert gets_in(publisher, key="laptop", server_key="clinic")
    assert len(caplog.messages) == 2
    assert sum("its key is not allowed" in message for message in caplog.messages) == 1
    assert sum("does not speak this endpoint's protocol or encryption" in message for message in caplog.messages) == 1
    publisher.close()
    assert 3 <= len(caplog.messages) <= 4  # and how many there were, at the end
    assert all("times more" in message for message in caplog.messages[2:])


def test_strangers_cannot_ask_questions_either(publisher, keys):
    publisher.write(entered(0))
    for curve in ({}, {"key": "stranger", "server_key": "clinic"}):
        with zmq.Context() as context, context.socket(zmq.REQ) as plain:
            plain.setsockopt(zmq.LINGER, 0)
            if curve:
                stranger = create("another", keys)
                plain.setsockopt(zmq.CURVE_PUBLICKEY, stranger.public)
                plain.setsockopt(zmq.CURVE_SECRETKEY, stranger.secret)
                plain.setsockopt(zmq.CURVE_SERVERKEY, (keys / "clinic.key").read_bytes().split(b'"')[3])
            plain.connect(f"tcp://127.0.0.1:{publisher._requests_port}")
            plain.send_json({"ask": "snapshot"})
            assert plain.poll(700) == 0


def test_a_client_is_let_in_once_it_is_allowed_without_a_restart(publisher, keys):
    assert stays_out(publisher, key="stranger", server_key="clinic")
    file = allow("stranger", "stranger", keys)
    assert gets_in(publisher, key="stranger", server_key="clinic")
    file.unlink()
    assert stays_out(publisher, key="stranger", server_key="clinic")


def test_on_the_wire_nothing_can_be_read(publisher, opened):
    """What passes between both is looked at by a man in the middle."""
    with socket.create_server(("127.0.0.1", 0)) as middle:
        client = opened(Client(f"tcp://127.0.0.1:{middle.getsockname()[1]}", key="laptop", server_key="clinic"))
        inside, _ = middle.accept()
        outside = socket.create_connection(("127.0.0.1", port_of(publisher)))
        passed = bytearray()
        deadline = time.monotonic() + 3
        for end in (inside, outside):
            end.settimeout(0.02)
        while time.monotonic() < deadline and client._continuity.epoch is None:
            for one, other in ((inside, outside), (outside, inside)):
                try:
                    data = one.recv(65536)
                except TimeoutError:
                    continue
                passed += data
                other.sendall(data)
            client.receive(0.0)
        inside.close()
        outside.close()
    assert client._continuity.epoch == publisher.epoch
    assert b"CURVE" in passed
    assert b"bus.heartbeat" not in passed
    assert publisher.epoch.encode() not in passed


def test_with_a_key_other_machines_may_be_served(keys, opened):
    publisher = opened(Publisher("tcp://0.0.0.0:*", key="clinic"))
    assert publisher._requests_port == port_of(publisher) + 1  # which a firewall can be told
    client = opened(Client(f"tcp://127.0.0.1:{port_of(publisher)}", key="laptop", server_key="clinic"))
    assert isinstance(client.receive(10), Joined)


def test_without_a_key_they_may_not_and_the_refusal_says_how(keys):
    with pytest.raises(SinkError) as caught:
        Publisher("tcp://0.0.0.0:5555")
    assert "fetalstream keys create NAME" in str(caught.value)
    assert "fetalstream keys allow" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"key": "laptop"}, "the publisher's public key is missing"),
        ({"server_key": "clinic"}, "this client's own key is missing"),
        ({"key": "nobody", "server_key": "clinic"}, "no such secret key"),
        ({"key": "laptop", "server_key": "nobody"}, "is neither a public key"),
    ],
)
def test_half_a_set_of_keys_is_said(keys, given, message):
    with pytest.raises(SinkError, match=message):
        Client("tcp://127.0.0.1:5555", **given)


def flood(port: int, data: bytes) -> int:
    """How many bytes of ``data`` the other side takes before it hangs up."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(5)
        try:
            while sent < len(data):
                sent += connection.send(data[sent : sent + 65536])
        except OSError:
            pass
    return sent


@pytest.mark.parametrize("key", [None, "clinic"])
def test_ten_megabytes_of_random_bytes_at_every_port_change_nothing(keys, opened, caplog, key):
    publisher = opened(Publisher(ANY_PORT, key=key))
    noise = os.urandom(10 * 2**20)
    for port in (port_of(publisher), publisher._requests_port):
        flood(port, noise)
        flood(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        flood(port, bytes(2**20))
    fitting: dict[str, Any] = {} if key is None else {"key": "laptop", "server_key": "clinic"}
    assert gets_in(publisher, **fitting)
    kinds = [message.partition(" (")[0] for message in caplog.messages]  # some noise looks like frames
    assert len(kinds) == len(set(kinds)) <= 3
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


def test_ten_thousand_forged_questions_get_no_answer_and_one_line(opened, caplog):
    publisher = opened(Publisher(ANY_PORT))
    with zmq.Context() as context, context.socket(zmq.DEALER) as forger:
        forger.setsockopt(zmq.LINGER, 0)
        forger.setsockopt(zmq.SNDTIMEO, 100)
        forger.connect(f"tcp://127.0.0.1:{publisher._requests_port}")
        kinds = [[b"{}"], [b"\x80\x04K\x01."], [b'{"ask":"all"}'], [b"x"] * 5, [b"", b"", b""], [b"[" * 4000]]
        for index in range(10_000):
            try:
                forger.send_multipart(kinds[index % len(kinds)])
            except zmq.Again:  # the publisher takes a hundred a second
                break
        assert forger.poll(500) == 0
    assert gets_in(publisher)
    assert len([message for message in caplog.messages if "makes no sense" in message]) == 1
    assert len(caplog.messages) <= 3


def test_the_limits_of_the_page_are_those_of_the_code():
    page = " ".join((Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8").split())
    readers, askers = publisher_module._READERS, publisher_module._ASKERS
    assert f"at most {publisher_module.DEFAULT_HWM} messages of memory" in page
    assert f"gone ones are noticed after {publisher_module._DEAD_MS // 1000} s" in page
    assert f"at most {publisher_module._MOST_SUBSCRIPTION_BYTES // 1024} KiB at the port for events" in page
    assert f"{MOST_QUESTION_BYTES // 1024} KiB at the one for requests" in page
    assert f"cut off at {readers.burst_bytes // 1024} KiB ({askers.burst_bytes // 1024} KiB for requests)" in page
    assert f"{readers.bytes_per_second} B ({askers.bytes_per_second // 1024} KiB) a second" in page
    assert f"{readers.connections} for events, {askers.connections} for requests" in page
    assert f"{QUESTIONS_PER_SECOND} a second are answered" in page
    assert f"at most {MOST_ANSWER_BYTES // 1024} KiB" in page


def test_without_a_publisher_a_client_says_so_and_waits(keys, monkeypatch, opened):
    monkeypatch.setattr("fetalstream.sinks.client.SILENT_SECONDS", 0.2)
    publisher = Publisher(ANY_PORT, key="clinic")
    client = opened(Client(publisher.endpoint, key="stranger", server_key="clinic"))
    assert isinstance(client.receive(5), Silent)
    publisher.close()
