"""The law of the webhook, before a real server that fails, hangs, dies and comes back: every event arrives, in order,
at least once and each time under its own key; and nobody waits for it."""

import contextlib
import http.server
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from fetalstream.sinks import PlaneEntered, SinkError
from fetalstream.sinks import webhook as module
from fetalstream.sinks.post import retry_after_seconds
from fetalstream.sinks.sink import BackgroundSink, SinkTroubleError
from fetalstream.sinks.webhook import WebhookSink, pause_after

PATIENCE_SECONDS = 30.0


def entered(sequence: int) -> PlaneEntered:
    return PlaneEntered(stream="sträm", sequence=sequence, plane="femur", start_seconds=sequence / 10, score=0.9)


class Request:
    def __init__(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.path = handler.path
        self.headers = dict(handler.headers)
        self.key = self.headers["Idempotency-Key"]
        self.event: dict[str, Any] = json.loads(handler.rfile.read(int(self.headers["Content-Length"])))


class Receiver:
    """A web server on loopback, which can be stopped and started again at the same port."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self.answer: Callable[[http.server.BaseHTTPRequestHandler, int], int] = lambda handler, number: 204
        self.port = 0
        self.connections: list[socket.socket] = []
        self._server: http.server.ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?token=secret"

    @property
    def numbers(self) -> list[int]:
        return [request.event["sequence"] for request in self.taken]

    def start(self) -> None:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                request = Request(self)
                receiver.requests.append(request)
                status = receiver.answer(self, len(receiver.requests))
                if not status:  # the answer has been made, or there is none
                    self.close_connection = True
                    return
                if 200 <= status < 300:
                    receiver.taken.append(request)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def setup(self) -> None:
                super().setup()
                receiver.connections.append(self.connection)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        http.server.ThreadingHTTPServer.daemon_threads = True
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            for connection in self.connections:  # as when its process is killed
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.connections.clear()
            self._server = None


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    return tmp_path / "queue" / "hook.db"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.2)


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def send(sink: WebhookSink, numbers: range) -> None:
    for number in numbers:
        sink.write(entered(number))


def test_each_event_is_one_post_of_json_in_order(receiver, queue, story):
    sink = WebhookSink(receiver.url, queue)
    assert isinstance(sink, BackgroundSink)
    for event in story("s"):
        sink.write(event)
    wait_until(lambda: len(receiver.taken) == len(story("s")) - 1)
    sink.close()
    kinds = [request.event["kind"] for request in receiver.taken]
    assert kinds[0] == "stream.started"
    assert kinds[-1] == "stream.ended"
    assert "frame.scores" not in kinds
    assert receiver.taken[0].path == "/hooks?token=secret"
    assert sink.standing == ("webhook", "", 0, 0)


def test_headers_name_the_event_for_whoever_reads_no_json(receiver, queue):
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(2))
    wait_until(lambda: len(receiver.taken) == 2)
    sink.close()
    first, second = (request.headers for request in receiver.taken)
    assert first["Content-Type"] == "application/json"
    assert (first["ce-specversion"], first["ce-type"]) == ("1.0", "plane.entered")
    assert first["ce-source"] == "fetalstream:str%C3%A4m"
    assert first["ce-id"] == first["Idempotency-Key"] != second["Idempotency-Key"]
    assert "Authorization" not in first


def test_only_the_topics_asked_for_are_sent(receiver, queue, story):
    sink = WebhookSink(receiver.url, queue, topics=["plane.", "frame."])
    for event in story("s"):
        sink.write(event)
    wait_until(lambda: len(receiver.taken) == 3)
    sink.close()
    assert [request.event["kind"] for request in receiver.taken] == ["plane.entered", "frame.scores", "plane.left"]


def test_the_token_comes_from_the_environment(receiver, queue, monkeypatch):
    monkeypatch.setenv("HOOK_TOKEN", "s3cret")
    sink = WebhookSink(receiver.url, queue, token_variable="HOOK_TOKEN")
    send(sink, range(1))
    wait_until(lambda: len(receiver.taken) == 1)
    sink.close()
    assert receiver.taken[0].headers["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("status", [301, 401, 404, 409, 429, 500, 503])
def test_what_may_change_is_tried_again_under_the_same_key_until_it_is_taken(receiver, queue, status):
    receiver.answer = lambda handler, number: status if number < 4 else 200
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(3))
    wait_until(lambda: len(receiver.taken) == 3)
    sink.close()
    assert receiver.numbers == [0, 1, 2]
    assert len({request.key for request in receiver.requests}) == 3
    assert [request.event["sequence"] for request in receiver.requests] == [0, 0, 0, 0, 1, 2]


def test_trouble_is_told_without_path_or_secret_and_passes(receiver, queue):
    receiver.answer = lambda handler, number: 503
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(3))
    wait_until(lambda: sink.standing.reason != "")
    assert sink.standing.reason == f"http://127.0.0.1:{receiver.port}: it answers 503 Service Unavailable"
    assert (sink.standing.waiting, sink.standing.lost) == (3, 0)
    receiver.answer = lambda handler, number: 200
    wait_until(lambda: sink.standing == ("webhook", "", 0, 0))
    sink.close()


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_event_refused_for_good_is_set_aside_and_does_not_hold_up_the_others(receiver, queue, status):
    receiver.answer = lambda handler, number: status if number == 2 else 200
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(4))
    wait_until(lambda: len(receiver.taken) == 3)
    wait_until(lambda: sink.standing.waiting == 0)
    sink.close()
    assert receiver.numbers == [0, 2, 3]
    assert sink.standing.lost == 1
    database = sqlite3.connect(queue)
    ((reason, body),) = database.execute("SELECT reason, body FROM refused").fetchall()
    database.close()
    assert str(status) in reason
    assert json.loads(body)["sequence"] == 1


def hang(handler: http.server.BaseHTTPRequestHandler, number: int) -> int:
    if number == 1:
        time.sleep(2.0)
    return 200


def drop(handler: http.server.BaseHTTPRequestHandler, number: int) -> int:
    return 0 if number == 1 else 200


def half_an_answer(handler: http.server.BaseHTTPRequestHandler, number: int) -> int:
    if number == 1:
        handler.wfile.write(b"HTTP/1.1 2")
        return 0
    return 200


def nonsense(handler: http.server.BaseHTTPRequestHandler, number: int) -> int:
    if number == 1:
        handler.wfile.write(b"\x00\xff" * 5000)
        return 0
    return 200


@pytest.mark.parametrize("spoil", [hang, drop, half_an_answer, nonsense])
def test_a_server_that_hangs_drops_or_talks_nonsense_is_asked_again(receiver, queue, spoil):
    receiver.answer = spoil
    sink = WebhookSink(receiver.url, queue, timeout_seconds=0.3)
    send(sink, range(3))
    wait_until(lambda: {0, 1, 2} <= set(receiver.numbers) and sink.standing.waiting == 0)
    sink.close()
    assert len({request.key for request in receiver.requests}) == 3


def test_an_endless_answer_is_not_read_to_its_end(receiver, queue):
    def endless(handler: http.server.BaseHTTPRequestHandler, number: int) -> int:
        receiver.taken.append(receiver.requests[-1])
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(8192))
        except OSError:
            return 0

    receiver.answer = endless
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(3))
    wait_until(lambda: sink.standing.waiting == 0)
    sink.close()
    assert receiver.numbers == [0, 1, 2]


def test_a_server_that_dies_and_comes_back_gets_all_it_missed(receiver, queue):
    sink = WebhookSink(receiver.url, queue)
    sent = 0
    for _ in range(3):
        send(sink, range(sent, sent + 5))
        sent += 5
        wait_until(lambda: sink.standing.waiting == 0)
        receiver.stop()
        send(sink, range(sent, sent + 5))
        sent += 5
        wait_until(lambda: "refused" in sink.standing.reason)
        receiver.start()
    wait_until(lambda: sink.standing.waiting == 0)
    sink.close()
    assert receiver.numbers == list(range(sent))


def test_writing_never_waits_for_the_server(receiver, queue):
    receiver.answer = hang
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(1))
    wait_until(lambda: bool(receiver.requests))
    slowest = 0.0
    for number in range(1, 200):
        started = time.monotonic()
        sink.write(entered(number))
        slowest = max(slowest, time.monotonic() - started)
    assert slowest < 0.5
    sink.close()


def test_what_was_not_delivered_waits_on_disk_for_the_next_run(receiver, queue):
    receiver.stop()
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(5))
    started = time.monotonic()
    sink.close()
    sink.close()
    assert time.monotonic() - started < 3
    receiver.start()
    again = WebhookSink(receiver.url, queue)
    again.write(entered(5))
    wait_until(lambda: len(receiver.taken) == 6)
    again.close()
    assert receiver.numbers == list(range(6))


ENDLESS = """
import sys, time
from fetalstream.sinks import PlaneEntered
from fetalstream.sinks.webhook import WebhookSink
sink, number = WebhookSink(sys.argv[1], sys.argv[2]), int(sys.argv[3])
while True:
    sink.write(PlaneEntered(stream="s", sequence=number, plane="femur", start_seconds=1.0, score=0.9))
    print(number, flush=True)
    number += 1
    time.sleep(0.002)
"""


def test_a_process_killed_while_it_writes_and_sends_loses_nothing(receiver, queue):
    sent = 0
    for _ in range(4):
        command = [sys.executable, "-c", ENDLESS, receiver.url, str(queue), str(sent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.15)
            os.kill(child.pid, signal.SIGKILL)
            lines = child.stdout.read().splitlines()
        sent = int(lines[-1]) + 1 if lines else sent + 1
    sink = WebhookSink(receiver.url, queue)
    wait_until(lambda: sink.standing.waiting == 0)
    sink.close()
    by_key = {request.key: request.event["sequence"] for request in receiver.taken}
    assert set(range(sent)) <= set(by_key.values())
    assert list(dict.fromkeys(receiver.numbers)) == sorted(set(receiver.numbers))


def test_a_queue_that_cannot_be_written_is_trouble_that_passes_for_the_writer_and_the_courier(receiver, queue):
    answered, may_answer = threading.Event(), threading.Event()

    def slow(handler: http.server.BaseHTTPRequestHandler, number: int) -> int:
        answered.set()
        may_answer.wait(PATIENCE_SECONDS)
        return 200

    receiver.answer = slow
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(2))
    answered.wait(PATIENCE_SECONDS)
    database = sqlite3.connect(queue, isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    with pytest.raises(SinkTroubleError, match="database is locked") as trouble:
        sink.write(entered(2))
    assert (trouble.value.sink, trouble.value.reason) == ("webhook", "database is locked")
    may_answer.set()
    wait_until(lambda: sink.standing.reason == "the queue: database is locked")
    database.execute("ROLLBACK")
    database.close()
    sink.write(entered(2))
    wait_until(lambda: sink.standing == ("webhook", "", 0, 0))
    sink.close()
    assert receiver.numbers == [0, 1, 2]


def test_a_full_queue_loses_the_oldest_and_counts_them(receiver, queue):
    receiver.stop()
    sink = WebhookSink(receiver.url, queue, most_waiting=10)
    send(sink, range(25))
    wait_until(lambda: sink.standing.reason != "")
    assert (sink.standing.waiting, sink.standing.lost) == (10, 15)
    receiver.start()
    wait_until(lambda: sink.standing.waiting == 0)
    sink.close()
    assert set(receiver.numbers) >= set(range(15, 25))


def test_a_server_may_say_how_long_to_wait(receiver, queue):
    moments: list[float] = []

    def busy(handler: http.server.BaseHTTPRequestHandler, number: int) -> int:
        moments.append(time.monotonic())
        if number > 1:
            return 200
        handler.send_response(429)
        handler.send_header("Retry-After", "1")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return 0

    receiver.answer = busy
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(1))
    wait_until(lambda: len(receiver.taken) == 1)
    sink.close()
    assert moments[1] - moments[0] >= 0.99


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("0", 0, 0),
        ("7", 7, 7),
        ("99999999999", 3600, 3600),
        ("in 100 s", 30, 100),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, low, high):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    seconds = retry_after_seconds(soon if value == "in 100 s" else value)
    assert seconds is not None
    assert low <= seconds <= high


@pytest.mark.parametrize("value", [None, "", "soon", "-3", "1e999", "\x00"])
def test_retry_after_that_is_none_is_passed_over(value):
    assert retry_after_seconds(value) is None


def test_pauses_double_up_to_a_bound_and_are_never_in_step(monkeypatch):
    monkeypatch.undo()
    first = [pause_after(1) for _ in range(100)]
    assert 0.25 <= min(first) < max(first) <= 0.5
    assert 30 <= pause_after(50) <= 60
    assert 2 <= pause_after(4) <= 4


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://10.1.2.3/hook", "events would go to 10.1.2.3 in the clear"),
        ("http://example.org/hook", "events would go to example.org in the clear"),
        ("ftp://127.0.0.1/hook", "it begins with ftp://127.0.0.1; allowed: https://host/path"),
        ("127.0.0.1/hook", "allowed: https://host/path"),
        ("https://me:secret@example.org/", "it holds a login; put a token into an environment variable"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("https://example.org:99999/", "Port out of range"),
        ("", "allowed: https://host/path"),
    ],
)
def test_an_address_that_cannot_be_is_refused_before_anything_is_made(queue, url, said):
    with pytest.raises(SinkError) as refusal:
        WebhookSink(url, queue)
    assert said in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert not queue.exists()


def test_a_token_that_is_not_there_is_refused(queue, monkeypatch):
    monkeypatch.delenv("HOOK_TOKEN", raising=False)
    with pytest.raises(SinkError, match="'HOOK_TOKEN' must hold one line"):
        WebhookSink("https://example.org", queue, token_variable="HOOK_TOKEN")


def test_a_queue_file_of_something_else_is_left_alone(queue):
    queue.parent.mkdir()
    queue.write_text("years of work\n" * 99)
    with pytest.raises(SinkError, match="is no queue"):
        WebhookSink("https://example.org", queue)
    assert queue.read_text() == "years of work\n" * 99


def test_two_sinks_do_not_share_a_queue(receiver, queue):
    sink = WebhookSink(receiver.url, queue)
    with pytest.raises(SinkError, match="is being written by another program"):
        WebhookSink(receiver.url, queue)
    sink.close()


def test_a_closed_sink_takes_nothing_and_leaves_no_thread(receiver, queue):
    sink = WebhookSink(receiver.url, queue)
    send(sink, range(3))
    sink.close()
    assert not sink._courier.is_alive()
    with pytest.raises(SinkError, match="is closed"):
        sink.write(entered(3))
    assert receiver.numbers == [0, 1, 2]


def test_without_httpx_it_says_what_to_install(queue):
    code = (
        "import sys; sys.modules['httpx'] = None\n"
        "from fetalstream.sinks.webhook import WebhookSink\n"
        f"WebhookSink('https://example.org', {str(queue)!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("the webhook sink needs httpx: pip install 'fetalstream[webhook]'")


def test_a_host_that_does_not_exist_is_trouble_not_an_end(queue):
    sink = WebhookSink("https://nowhere.invalid/hook", queue)
    send(sink, range(1))
    wait_until(lambda: sink.standing.reason.startswith("https://nowhere.invalid: "))
    sink.close()
