"""The law of the OpenIGTLink sink, with pyigtl's own client as the peer."""

import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import psutil
import pyigtl
import pytest
from pyigtl.messages import MessageBase, message_type_to_class_constructor

from fetalstream.sinks import (
    AnyEvent,
    FrameScores,
    PlaneEntered,
    PlaneLeft,
    SignalChanged,
    SinkError,
    StreamEnded,
    StreamState,
)
from fetalstream.sinks.broadcast import MOST_CLIENTS, MOST_QUEUED_BYTES
from fetalstream.sinks.openigtlink import OpenIgtLinkSink
from fetalstream.sinks.pictures import PictureSink, Shown
from fetalstream.sinks.sink import BackgroundSink

PATIENCE_SECONDS = 20


class StatusMessage(MessageBase):
    """STATUS as its specification has it, for pyigtl, which lacks it."""

    def _unpack_content(self, content: bytes) -> None:
        self.code, self.sub_code, name = struct.unpack(">Hq20s", content[:30])
        self.name = name.rstrip(b"\0").decode("ascii")
        assert content.endswith(b"\0")
        self.message = content[30:-1].decode("ascii")


@pytest.fixture(autouse=True)
def _status_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(message_type_to_class_constructor, "STATUS", StatusMessage)


@pytest.fixture
def sink() -> Iterator[OpenIgtLinkSink]:
    with closing(OpenIgtLinkSink(port=0)) as sink:
        yield sink


def client_of(sink: OpenIgtLinkSink) -> pyigtl.OpenIGTLinkClient:
    before = sink._server.clients
    client = pyigtl.OpenIGTLinkClient("127.0.0.1", sink.port)
    wait_until(lambda: sink._server.clients > before)
    return client


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def status_of(client: pyigtl.OpenIGTLinkClient) -> tuple[int, str, str]:
    status = client.wait_for_message("FetalStream", PATIENCE_SECONDS)
    assert status is not None
    return status.code, status.name, status.message


def plane_of(client: pyigtl.OpenIGTLinkClient) -> str:
    message = client.wait_for_message("FetalPlane", PATIENCE_SECONDS)
    assert message is not None
    assert message.message_type == "STRING"
    return message.string


def entered(plane: str = "femur", sequence: int = 0) -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane=plane, start_seconds=1.5, score=0.9)


def left(plane: str = "femur") -> PlaneLeft:
    return PlaneLeft(
        stream="s",
        sequence=1,
        plane=plane,
        start_seconds=1.5,
        end_seconds=2.5,
        score=0.9,
        frames=9,
        best_frame_index=4,
        best_pts_seconds=2.0,
        best_score=1.0,
    )


def test_the_plane_in_view_is_a_string_and_empty_when_there_is_none(sink):
    client = client_of(sink)
    assert plane_of(client) == ""
    sink.write(entered("four_chamber"))
    assert plane_of(client) == "four_chamber"
    sink.write(left("four_chamber"))
    assert plane_of(client) == ""
    client.stop()


def test_each_event_but_scores_of_frames_is_json_in_ascii(sink, story):
    client = client_of(sink)
    for event in story("sträm"):
        if isinstance(event, FrameScores):
            continue
        sink.write(FrameScores(stream="s", sequence=0, frame_index=0, pts_seconds=0.0, epoch=0, scores=(0.5,)))
        sink.write(event)
        message = client.wait_for_message("FetalEvent", PATIENCE_SECONDS)
        assert message is not None
        told = json.loads(message.string)
        assert (told["kind"], told["stream"], told["sequence"]) == (
            event.__struct_config__.tag,
            "sträm",
            event.sequence,
        )
    client.stop()


STATES: list[tuple[AnyEvent, tuple[int, str, str]]] = [
    (StreamState(stream="s", sequence=0, state="running"), (1, "running", "")),
    (
        SignalChanged(stream="s", sequence=1, state="frozen", reason="since 3 s", pts_seconds=3.0, epoch=0),
        (13, "frozen", "since 3 s"),
    ),
    (SignalChanged(stream="s", sequence=2, state="open", reason="", pts_seconds=4.0, epoch=0), (1, "running", "")),
    (StreamState(stream="s", sequence=3, state="stalled", reason="für 1 s"), (7, "stalled", "f\\xfcr 1 s")),
    (StreamState(stream="s", sequence=4, state="reconnecting"), (7, "reconnecting", "")),
    (
        StreamEnded(
            stream="s",
            sequence=5,
            reason="failed: gone",
            frames_read=0,
            frames_embedded=0,
            frames_dropped={},
            frames_skipped={},
            media_seconds=0.0,
        ),
        (19, "ended", "failed: gone"),
    ),
]


def test_states_of_source_and_signal_are_status_codes(sink):
    client = client_of(sink)
    assert status_of(client) == (13, "opening", "")
    for event, status in STATES:
        sink.write(event)
        assert status_of(client) == status
    client.stop()


def test_a_newcomer_hears_at_once_how_things_stand(sink):
    for event in (STATES[0][0], entered("abdomen")):
        sink.write(event)
    client = client_of(sink)
    assert status_of(client) == (1, "running", "")
    assert plane_of(client) == "abdomen"
    client.stop()


def test_several_clients_hear_the_same(sink):
    clients = [client_of(sink) for _ in range(4)]
    for client in clients:
        plane_of(client)
    sink.write(entered("spine"))
    assert [plane_of(client) for client in clients] == ["spine"] * 4
    for client in clients:
        client.stop()


def picture(grey: np.ndarray, *, spacing_mm: float | None = None, wall_ns: int | None = None) -> Shown:
    return Shown(grey.astype(np.uint8), 1.5, spacing_mm, wall_ns)


def test_a_picture_arrives_pixel_by_pixel_with_its_scale_and_its_time():
    with closing(OpenIgtLinkSink(port=0, pictures_fps=5)) as sink:
        assert isinstance(sink, PictureSink)
        client = client_of(sink)
        grey = np.arange(30 * 40).reshape(30, 40) % 251
        sink.show(picture(grey, spacing_mm=0.25, wall_ns=1_700_000_000_500_000_000))
        message = client.wait_for_message("FetalImage", PATIENCE_SECONDS)
        client.stop()
    assert message is not None
    assert message.message_type == "IMAGE"
    assert message.image.shape == (1, 30, 40)
    assert np.array_equal(message.image[0], grey)
    assert np.allclose(np.diag(message.ijk_to_world_matrix), [0.25, 0.25, 1, 1])
    assert np.allclose(message.ijk_to_world_matrix[:3, 3], 0)
    assert message.timestamp == pytest.approx(1_700_000_000.5, abs=1e-3)


def test_nobody_connected_costs_no_picture():
    with closing(OpenIgtLinkSink(port=0, pictures_fps=5)) as sink:
        sink.show(picture(np.zeros((2000, 2000))))
        assert sink._server._picture is None


def silent_peer(sink: OpenIgtLinkSink) -> socket.socket:
    """Connects and never reads."""
    before = sink._server.clients
    peer = socket.create_connection(("127.0.0.1", sink.port))
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wait_until(lambda: sink._server.clients > before)
    return peer


def test_a_client_that_never_reads_costs_neither_time_nor_memory_and_is_let_go():
    with closing(OpenIgtLinkSink(port=0, pictures_fps=30)) as sink:
        peer, client = silent_peer(sink), client_of(sink)
        memory = psutil.Process().memory_info().rss
        slowest = 0.0
        text = "x" * 4000
        sent = 0
        while sink._server.clients > 1 and sent < 20_000:
            started = time.monotonic()
            sink.write(StreamState(stream="s", sequence=sent, state="running", reason=text))
            if sent % 50 == 0:
                sink.show(picture(np.full((300, 400), sent % 251)))
            slowest = max(slowest, time.monotonic() - started)
            sent += 1
            if sent % 10 == 0:
                time.sleep(0.01)  # 4 MB/s: who reads keeps up with it, on a busy machine too
        assert sink._server.clients == 1
        assert slowest < 0.5
        assert psutil.Process().memory_info().rss - memory < 10 * MOST_QUEUED_BYTES
        sink.write(entered("heart"))
        wait_until(lambda: plane_of(client) == "heart")
        client.stop()
        peer.close()


def test_ten_megabytes_of_noise_and_a_half_header_bring_nothing_down(sink):
    chance = np.random.default_rng(3)
    peer = socket.create_connection(("127.0.0.1", sink.port))
    for _ in range(10):
        peer.sendall(chance.bytes(2**20))
    half = socket.create_connection(("127.0.0.1", sink.port))
    half.sendall(b"\0\1STATUS")
    client = client_of(sink)
    sink.write(entered("femur"))
    wait_until(lambda: plane_of(client) == "femur")
    assert sink.standing.reason == ""
    client.stop()
    peer.close()
    half.close()


def test_clients_that_come_and_go_leave_nothing_behind(sink):
    before = psutil.Process().num_fds()
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", sink.port)) as peer:
            assert peer.recv(58)  # it has been greeted
    wait_until(lambda: sink._server.clients == 0)
    assert psutil.Process().num_fds() <= before


def test_a_client_that_has_gone_costs_no_processor_time(sink):
    """pyigtl's own server would spin here."""
    silent_peer(sink).close()
    wait_until(lambda: sink._server.clients == 0)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.2


def test_more_clients_than_allowed_are_turned_away(sink):
    peers = [silent_peer(sink) for _ in range(MOST_CLIENTS)]
    with socket.create_connection(("127.0.0.1", sink.port)) as one_more:
        one_more.settimeout(PATIENCE_SECONDS)
        assert one_more.recv(1) == b""
    for peer in peers:
        peer.close()


def test_what_is_under_way_arrives_before_closing():
    sink = OpenIgtLinkSink(port=0)
    client = client_of(sink)
    plane_of(client)
    sink.write(entered("kidney"))
    sink.close()
    sink.close()
    assert plane_of(client) == "kidney"
    client.stop()
    with pytest.raises(SinkError, match="is closed"):
        sink.write(entered())
    assert not any(thread.name == "broadcast" for thread in threading.enumerate())


def test_the_same_port_can_be_taken_again_at_once():
    first = OpenIgtLinkSink(port=0)
    peer = silent_peer(first)
    first.close()
    OpenIgtLinkSink(port=first.port).close()
    peer.close()


def test_a_port_that_is_taken_is_said_in_one_line(sink):
    with pytest.raises(SinkError, match=f"port {sink.port} on 127.0.0.1 cannot be listened at: Address already in use"):
        OpenIgtLinkSink(port=sink.port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org"])
def test_other_machines_are_let_in_only_when_somebody_said_so(host):
    with pytest.raises(SinkError, match="other machines could connect, without login or encryption") as refusal:
        OpenIgtLinkSink(host, 0)
    assert host in str(refusal.value)


def test_exposed_it_listens_anywhere():
    OpenIgtLinkSink("0.0.0.0", 0, exposed=True).close()


def test_an_event_too_long_for_a_string_is_said_to_be_so(sink):
    client = client_of(sink)
    sink.write(StreamState(stream="s", sequence=7, state="failed", reason="x" * 70_000))
    message = client.wait_for_message("FetalEvent", PATIENCE_SECONDS)
    assert message is not None
    told = json.loads(message.string)
    assert (told["kind"], told["sequence"]) == ("stream.state", 7)
    assert told["too_long_bytes"] > 70_000
    client.stop()


def test_the_programs_signals_stay_its_own():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with closing(OpenIgtLinkSink(port=0)):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_its_thread_tells_when_it_has_ended(sink):
    watched: BackgroundSink = sink
    sink._server._inbox.append(None)  # what cannot be
    sink._server._wake()
    wait_until(lambda: watched.standing.reason != "")
    assert watched.standing.sink == "openigtlink"


def test_without_pyigtl_it_says_what_to_install():
    code = (
        "import sys; sys.modules['pyigtl'] = None\n"
        "from fetalstream.sinks.openigtlink import OpenIgtLinkSink\nOpenIgtLinkSink(port=0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("needs pyigtl: pip install 'fetalstream[slicer]'")
