"""The doctor before a real RTSP server: what it sends, who may see it, and that it stops in the middle."""

import signal
import threading

import pytest

from fetalstream.pipeline.doctor import Finding, Status
from fetalstream.pipeline.doctor.stream import WATCH_SECONDS, StreamVisit

from ...servers.running import RtspServer, StartServer

pytestmark = pytest.mark.server

OPTIONS = ("--size", "640x480", "--fps", "20", "--login", "user:geheim")


@pytest.fixture
def server(rtsp_server: StartServer) -> RtspServer:
    return rtsp_server(*OPTIONS)


def visit(
    server: RtspServer, login: str, *, open_seconds: float | None = None, watch_seconds: float = WATCH_SECONDS
) -> dict[str, Finding]:
    uri = f"rtsp://{login}@127.0.0.1:{server.port}/live"
    return {
        finding.area: finding
        for finding in StreamVisit(uri, open_seconds=open_seconds, watch_seconds=watch_seconds).look()
    }


def test_what_it_sends_is_measured(server: RtspServer):
    found = visit(server, "user:geheim")
    assert [found[area].status for area in ("source", "picture")] == [Status.OK] * 2
    assert "640 x 480 px, h264, yuv420p" in found["picture"].what
    assert found["rate"].facts["fps"] == pytest.approx(20, rel=0.15)
    assert "geheim" not in str(found)


def test_a_wrong_password_is_a_problem_and_never_shown(server: RtspServer):
    (finding,) = visit(server, "user:falsch").values()
    assert finding.status is Status.PROBLEM
    assert "asks for a user and password" in finding.what
    assert "FETALSTREAM_RTSP_PASSWORD" in finding.todo
    assert "falsch" not in str(finding)


def test_a_stream_that_stops_in_the_middle_is_told_and_the_visit_ends(server: RtspServer):
    stop = threading.Timer(2.0, server.send, [signal.SIGSTOP])
    stop.start()
    try:
        found = visit(server, "user:geheim", watch_seconds=6.0)
    finally:
        stop.join()
        server.send(signal.SIGCONT)
    assert found["stream"].status is Status.WARNING
    assert "stalled" in found["stream"].facts["states"]
    assert "no picture for" in found["stream"].what
