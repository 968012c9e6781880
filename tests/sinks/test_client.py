import socket
import threading
import time

import pytest
import zmq

from fetalstream.sinks import PlaneEntered, SinkError
from fetalstream.sinks.client import Client, Continuity, Gap, Restarted
from fetalstream.sinks.publisher import Publisher
from fetalstream.sinks.wire import Header, Writer

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


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ([("a", "e1", 0), ("a", "e1", 1), ("b", "e1", 0)], []),
        ([("a", "e1", 3)], [Gap(topic="a", epoch="e1", first_sequence=0, missing=3)]),
        ([("a", "e1", 0), ("a", "e1", 5)], [Gap(topic="a", epoch="e1", first_sequence=1, missing=4)]),
        ([("a", "e1", 0), ("a", "e2", 0)], [Restarted(epoch="e2", previous_epoch="e1")]),
        (
            [("a", "e1", 0), ("a", "e2", 2)],
            [Restarted(epoch="e2", previous_epoch="e1"), Gap(topic="a", epoch="e2", first_sequence=0, missing=2)],
        ),
        ([("a", "e1", 0), ("b", "e2", 0), ("a", "e2", 0)], [Restarted(epoch="e2", previous_epoch="e1")]),
    ],
)
def test_gaps_and_restarts_are_found_and_none_invented(messages, found):
    continuity = Continuity()
    seen: list[Gap | Restarted] = []
    for topic, epoch, sequence in messages:
        seen += continuity.check(topic, Header(encoding="json", epoch=epoch, sequence=sequence))
    assert seen == found


def test_a_client_that_started_first_gets_everything_once_it_has_joined():
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    client = Client(endpoint)
    assert client.receive(0.05) is None
    publisher = Publisher(endpoint)
    joined(publisher, client)
    for sequence in range(100):
        publisher.write(entered(sequence))
    assert [event.sequence for event in client.events(0.5) if isinstance(event, PlaneEntered)] == list(range(100))
    client.close()
    publisher.close()


def test_a_client_that_comes_late_is_told_what_it_missed():
    publisher = Publisher(ANY_PORT)
    for sequence in range(7):
        publisher.write(entered(sequence))
    client = Client(publisher.endpoint)
    deadline = time.monotonic() + 10
    sent, first = 7, None
    while first is None and time.monotonic() < deadline:
        publisher.write(entered(sent))
        sent += 1
        first = client.receive(0.02)
    assert isinstance(first, Gap)
    assert (first.topic, first.first_sequence) == ("plane.entered", 0)
    event = client.receive(1.0)
    assert isinstance(event, PlaneEntered)
    assert event.sequence == first.missing >= 7
    client.close()
    publisher.close()


def test_only_the_wanted_topics_come(story):
    publisher = Publisher(ANY_PORT)
    client = Client(publisher.endpoint, topics=["plane.", "stream.ended"])
    joined(publisher, client)
    for event in story("s"):
        publisher.write(event)
    kinds = [type(event).__name__ for event in client.events(0.5)]
    assert kinds == ["PlaneEntered", "PlaneLeft", "StreamEnded"]
    client.close()
    publisher.close()


def test_a_restarted_publisher_is_noticed():
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    publisher = Publisher(endpoint)
    client = Client(endpoint)
    joined(publisher, client)
    publisher.close()
    publisher = Publisher(endpoint)
    deadline, received = time.monotonic() + 10, None
    while received is None and time.monotonic() < deadline:
        publisher.write(entered(0))
        received = client.receive(0.02)
    assert isinstance(received, Restarted)
    client.close()
    publisher.close()


def test_what_is_no_event_is_counted_and_passed_over():
    context = zmq.Context()
    forger = context.socket(zmq.PUB)
    forger.bind(ANY_PORT)
    client = Client(forger.getsockopt_string(zmq.LAST_ENDPOINT))
    deadline = time.monotonic() + 10
    while client.rejected == 0 and time.monotonic() < deadline:
        forger.send_multipart([b"plane.entered", b"{}", b"\x80\x04K\x01."])
        client.receive(0.02)
    rejected = client.rejected
    forger.send(b"x" * 10)
    forger.send_multipart([b""] * 50)
    forger.send_multipart(Writer(epoch="e", encoding="json").parts(entered(0)))
    assert client.receive(2.0) == entered(0)
    assert client.rejected >= rejected + 2
    client.close()
    context.destroy(linger=0)


def test_closing_from_another_thread_ends_the_wait_soon():
    client = Client(f"tcp://127.0.0.1:{free_port()}")
    threading.Timer(0.1, client.close).start()
    start = time.monotonic()
    assert list(client) == []
    assert time.monotonic() - start < 1.0
    client.close()


def test_a_wait_lasts_as_long_as_asked():
    client = Client(f"tcp://127.0.0.1:{free_port()}")
    for timeout_seconds in (0.0, 0.25):
        start = time.monotonic()
        assert client.receive(timeout_seconds) is None
        assert timeout_seconds <= time.monotonic() - start < timeout_seconds + 0.2
    client.close()


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:5555", "tcp://127.0.0.1", "pigeon://5555"])
def test_an_endpoint_that_is_none_is_refused(endpoint):
    with pytest.raises(SinkError, match="is no endpoint to connect to") as caught:
        Client(endpoint)
    assert repr(endpoint) in str(caught.value)
