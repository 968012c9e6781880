import random
import socket
import threading
import time

import msgspec
import pytest
import zmq

from fetalstream.sinks import PlaneEntered, SinkError
from fetalstream.sinks.client import Client
from fetalstream.sinks.notice import Gap, Joined, Lagging, Restarted, Silent, Unanswered
from fetalstream.sinks.publisher import Publisher
from fetalstream.sinks.wire import Heartbeat, Writer

ANY_PORT = "tcp://127.0.0.1:*"


def entered(sequence: int) -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane="femur", start_seconds=1.0, score=0.9)


def joined(publisher: Publisher, client: Client) -> None:
    """Writes until the client has joined, and takes out what came of it."""
    deadline = time.monotonic() + 10
    while client.receive(0.02) is None:
        assert time.monotonic() < deadline, "the client never joined"
        publisher.write(entered(0))
    while client.receive(0.1) is not None:
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_client_that_started_first_gets_everything_once_it_has_joined(opened):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    client = opened(Client(endpoint))
    assert client.receive(0.05) is None
    publisher = opened(Publisher(endpoint))
    joined(publisher, client)
    for sequence in range(100):
        publisher.write(entered(sequence))
    assert [event.sequence for event in client.events(0.5) if isinstance(event, PlaneEntered)] == list(range(100))


def test_a_client_that_comes_late_gets_the_state_of_things_and_how_much_was_before(story, opened):
    publisher = opened(Publisher(ANY_PORT))
    for stream in ("a", "b"):
        for event in story(stream)[:-1]:
            publisher.write(event)
    publisher.write(entered(99))
    client = opened(Client(publisher.endpoint))
    joined = client.receive(10)
    assert isinstance(joined, Joined)
    assert joined.epoch == publisher.epoch
    assert joined.before["plane.entered"] == 3
    assert joined.before["stream.started"] == 2
    assert joined.events == (*story("a")[:-1], *story("b")[:-1], entered(99))
    publisher.write(entered(100))
    assert client.receive(10) == entered(100)


def test_of_a_topic_only_the_last_is_state(opened):
    publisher = opened(Publisher(ANY_PORT))
    for sequence in range(7):
        publisher.write(entered(sequence))
    with_state = opened(Client(publisher.endpoint))
    assert with_state.receive(10) == Joined(epoch=publisher.epoch, before={"plane.entered": 7}, events=(entered(6),))


def test_who_asks_for_the_history_gets_all_that_is_remembered_in_order(story, opened):
    publisher = opened(Publisher(ANY_PORT))
    events = [entered(sequence) for sequence in range(1000)] + story("s")
    for event in events:
        publisher.write(event)
    client = opened(Client(publisher.endpoint, history=True))
    assert client.receive(10) == Joined(epoch=publisher.epoch, before={}, events=())
    assert [client.receive(10) for _ in events] == events


def test_what_is_no_longer_remembered_is_reported_as_a_gap_before_what_follows(opened):
    publisher = opened(Publisher(ANY_PORT, remembered=10))
    for sequence in range(25):
        publisher.write(entered(sequence))
    client = opened(Client(publisher.endpoint, history=True))
    received = [client.receive(10) for _ in range(12)]
    assert received[1] == Gap(topic="plane.entered", epoch=publisher.epoch, first_sequence=0, missing=15)
    assert received[2:] == [entered(sequence) for sequence in range(15, 25)]


def test_only_the_wanted_topics_come(story, opened):
    publisher = opened(Publisher(ANY_PORT))
    client = opened(Client(publisher.endpoint, topics=["plane.", "stream.ended"]))
    joined(publisher, client)
    for event in story("s"):
        publisher.write(event)
    kinds = [type(event).__name__ for event in client.events(0.5)]
    assert kinds == ["PlaneEntered", "PlaneLeft", "StreamEnded"]


def test_a_restarted_publisher_is_noticed(opened):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    publisher = opened(Publisher(endpoint))
    client = opened(Client(endpoint))
    joined(publisher, client)
    publisher.close()
    publisher = opened(Publisher(endpoint))
    deadline, received = time.monotonic() + 10, None
    while received is None and time.monotonic() < deadline:
        publisher.write(entered(0))
        received = client.receive(0.02)
    assert isinstance(received, Restarted)
    assert received.epoch == publisher.epoch
    assert isinstance(client.receive(10), Joined)
    assert client.receive(10) == entered(0)  # however many it took: nothing of the new publisher is missed


def greeted(forger: "zmq.Socket[bytes]", client: Client, beat: Heartbeat) -> Writer:
    """Lets a publisher of our own making be found by the client; its heartbeats say ``beat``."""
    writer = Writer(epoch="e", encoding="json")
    deadline = time.monotonic() + 10
    while client._continuity.epoch is None and time.monotonic() < deadline:
        forger.send_multipart(writer.parts(beat)[1])
        client.receive(0.02)
    return writer


@pytest.fixture
def forger():
    context = zmq.Context()
    socket = context.socket(zmq.PUB)
    socket.bind(ANY_PORT)
    yield socket
    context.destroy(linger=0)


def test_ten_thousand_forged_messages_are_counted_and_passed_over_with_one_line(forger, caplog, opened):
    client = opened(Client(forger.getsockopt_string(zmq.LAST_ENDPOINT), history=True))
    writer = greeted(forger, client, Heartbeat(interval_seconds=1.0, requests_port=None, next={}))
    header, body = writer.parts(entered(0))[1][1:]
    kinds = [
        [b"plane.entered", b"{}", b"\x80\x04K\x01."],
        [b"plane.left", header, body],
        [b"plane.entered", header, body[:-1]],
        [b"plane.entered", header.replace(b'"2.0"', b'"9.0"'), body],
        [b"plane.entered"] * 50,
        [b""],
    ]
    for index in range(10_000):
        forger.send_multipart(kinds[index % len(kinds)])
        if index % 500 == 0:
            client.receive(0.01)
    while client.rejected < 10_000 - 6:
        assert client.receive(0.5) is None
        if client.rejected == 0:
            pytest.fail("nothing has arrived")
    forger.send_multipart(writer.parts(entered(1))[1])
    assert isinstance(client.receive(10), Gap)  # the first number went into the forgeries
    assert client.receive(10) == entered(1)
    client.close()
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if "passed over (" in line]) == 1
    assert len(lines) == 2
    assert "times more" in lines[-1]


def test_numbers_that_were_announced_and_never_sent_are_a_gap(forger, opened):
    client = opened(Client(forger.getsockopt_string(zmq.LAST_ENDPOINT), history=True))
    beat = Heartbeat(interval_seconds=1.0, requests_port=None, next={"plane.entered": 3, "later.kind": 7})
    greeted(forger, client, Heartbeat(interval_seconds=1.0, requests_port=None, next={}))
    forger.send_multipart(Writer(epoch="e", encoding="json").parts(beat)[1])
    assert client.receive(10) == Gap(topic="plane.entered", epoch="e", first_sequence=0, missing=3)


def test_a_publisher_without_heartbeats_is_read_too_and_gaps_are_told(forger, monkeypatch, opened):
    monkeypatch.setattr("fetalstream.sinks.client.SILENT_SECONDS", 0.2)
    client = opened(Client(forger.getsockopt_string(zmq.LAST_ENDPOINT)))
    writer = Writer(epoch="e", encoding="json")
    received: list[object] = []
    deadline = time.monotonic() + 10
    while entered(0) not in received and time.monotonic() < deadline:
        forger.send_multipart(writer.parts(entered(0))[1])
        received += [one] if (one := client.receive(0.05)) is not None and not isinstance(one, Silent) else []
    assert [type(one) for one in received] == [Joined, Gap, PlaneEntered]


def test_silence_is_told_once_and_ends_with_the_first_sign_of_life(monkeypatch, opened):
    monkeypatch.setattr("fetalstream.sinks.client.SILENT_SECONDS", 0.3)
    monkeypatch.setattr("fetalstream.sinks.desk.HEARTBEAT_SECONDS", 0.1)
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    client = opened(Client(endpoint))
    (silent,) = client.events(1.0)
    assert isinstance(silent, Silent)
    assert silent.endpoint == endpoint
    assert 0.3 <= silent.seconds < 0.6
    publisher = opened(Publisher(endpoint))
    assert isinstance(client.receive(10), Joined)
    assert client.receive(1.0) is None  # heartbeats are signs of life, though no event comes
    publisher.close()
    assert isinstance(client.receive(10), Silent)


def test_a_reader_that_comes_too_late_to_its_queue_is_told(opened):
    publisher = opened(Publisher(ANY_PORT))
    client = opened(Client(publisher.endpoint, late_seconds=0.3))
    joined(publisher, client)
    for sequence in range(100):
        publisher.write(entered(sequence))
    time.sleep(0.5)
    received = list(client.events(0.5))
    assert isinstance(received[0], Lagging)
    assert 0.4 < received[0].seconds < 5
    assert received[1:] == [entered(sequence) for sequence in range(100)]


def test_what_the_connection_loses_is_asked_for_again_and_comes_in_order(story, opened):
    publisher = opened(Publisher(ANY_PORT, hwm=5))
    client = opened(Client(publisher.endpoint, hwm=5))
    joined(publisher, client)
    events = [entered(sequence) for sequence in range(5000)] + story("s")
    for event in events:  # far more than the marks and the kernel hold
        publisher.write(msgspec.structs.replace(event, stream="s" * 200))
    received = [client.receive(10) for _ in events]
    assert received == [msgspec.structs.replace(event, stream="s" * 200) for event in events]
    assert all(isinstance(one, Lagging) for one in client.events(0.3))


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_network_loses_everything_comes_once_and_by_topic_in_order(opened, story, monkeypatch, seed):
    monkeypatch.setattr("fetalstream.sinks.desk.HEARTBEAT_SECONDS", 0.05)
    rng = random.Random(seed)
    publisher = opened(Publisher(ANY_PORT))
    client = opened(Client(publisher.endpoint))
    assert isinstance(client.receive(10), Joined)
    send, lossy = publisher._send, rng.choice([0.05, 0.5, 0.95])
    publisher._send = lambda parts: None if rng.random() < lossy else send(parts)
    events = [event for number in range(40) for event in story(f"s{number}")]
    for event in events:
        publisher.write(event)
        if rng.random() < 0.02:
            time.sleep(0.03)
    received = [client.receive(20) for _ in events]
    for kind in {type(event) for event in events}:
        assert [one for one in received if type(one) is kind] == [one for one in events if type(one) is kind]
    assert client.receive(0.2) is None


def test_a_kind_of_event_that_is_not_known_yet_is_passed_over_and_said(forger, opened, caplog):
    client = opened(Client(forger.getsockopt_string(zmq.LAST_ENDPOINT), history=True))
    writer = greeted(forger, client, Heartbeat(interval_seconds=1.0, requests_port=None, next={"gestational.age": 9}))
    header, body = (part.replace(b"plane.entered", b"gestational.age") for part in writer.parts(entered(0))[1][1:])
    forger.send_multipart([b"gestational.age", header, body])
    forger.send_multipart(Writer(epoch="e", encoding="json").parts(entered(0))[1])
    assert client.receive(10) == entered(0)
    assert client.rejected == 1
    assert "kind unknown to this version" in caplog.text


def test_where_nobody_answers_what_is_missed_is_told_and_the_rest_comes(monkeypatch, opened):
    monkeypatch.setattr("fetalstream.sinks.inquiry.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("fetalstream.sinks.desk.Desk._serve", lambda self: self._router.recv_multipart())
    publisher = opened(Publisher(ANY_PORT))
    for sequence in range(3):
        publisher.write(entered(sequence))
    client = opened(Client(publisher.endpoint, history=True))
    received = [client.receive(10) for _ in range(3)]
    assert [type(one) for one in received] == [Joined, Unanswered, Gap]
    publisher.write(entered(3))
    assert client.receive(10) == entered(3)


def test_closing_from_another_thread_ends_the_wait_soon(opened):
    client = opened(Client(f"tcp://127.0.0.1:{free_port()}"))
    threading.Timer(0.1, client.close).start()
    start = time.monotonic()
    assert list(client) == []
    assert time.monotonic() - start < 1.0


def test_a_wait_lasts_as_long_as_asked(opened):
    client = opened(Client(f"tcp://127.0.0.1:{free_port()}"))
    for timeout_seconds in (0.0, 0.25):
        start = time.monotonic()
        assert client.receive(timeout_seconds) is None
        assert timeout_seconds <= time.monotonic() - start < timeout_seconds + 0.2


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:5555", "tcp://127.0.0.1", "pigeon://5555"])
def test_an_endpoint_that_is_none_is_refused(endpoint):
    with pytest.raises(SinkError, match="is no endpoint to connect to") as caught:
        Client(endpoint)
    assert repr(endpoint) in str(caught.value)
