"""The doctor before a real RTSP server: what it sends, who may see it, and that it stops in the middle."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetalstream.pipeline.doctor import Finding, Status
from fetalstream.pipeline.doctor.stream import StreamVisit

pytestmark = pytest.mark.server

SYSTEM_PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).resolve().parents[2] / "servers" / "rtsp_server.py"
OPTIONS = ("--size", "640x480", "--fps", "20", "--login", "user:geheim")


class Server:
    """The server's process, and where it serves."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def visit(self, login: str, **options: float) -> dict[str, Finding]:
        uri = f"rtsp://{login}@127.0.0.1:{self.port}/live"
        return {finding.area: finding for finding in StreamVisit(uri, **options).look()}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    process = subprocess.Popen(
        [SYSTEM_PYTHON, str(SCRIPT), *OPTIONS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    words = process.stdout.readline().split()
    if words[:1] != ["ready"]:
        message = "GStreamer's RTSP server does not start (Debian packages: .ci/packages.txt)"
        _, said = process.communicate()
        pytest.fail(f"{message}: {said[-500:]}") if os.environ.get("CI") else pytest.skip(message)
    yield Server(process, int(words[1]))
    process.kill()
    process.communicate()


def test_what_it_sends_is_measured(server: Server):
    found = server.visit("user:geheim")
    assert [found[area].status for area in ("source", "picture")] == [Status.OK] * 2
    assert "640 x 480 px, h264, yuv420p" in found["picture"].what
    assert found["rate"].facts["fps"] == pytest.approx(20, rel=0.15)
    assert "geheim" not in str(found)


def test_a_wrong_password_is_a_problem_and_never_shown(server: Server):
    (finding,) = server.visit("user:falsch").values()
    assert finding.status is Status.PROBLEM
    assert "asks for a user and password" in finding.what
    assert "FETALSTREAM_RTSP_PASSWORD" in finding.todo
    assert "falsch" not in str(finding)


def test_a_stream_that_stops_in_the_middle_is_told_and_the_visit_ends(server: Server):
    stop = threading.Timer(2.0, server.process.send_signal, [signal.SIGSTOP])
    stop.start()
    try:
        found = server.visit("user:geheim", watch_seconds=6.0)
    finally:
        stop.join()
        server.process.send_signal(signal.SIGCONT)
    assert found["stream"].status is Status.WARNING
    assert "stalled" in found["stream"].facts["states"]
    assert "no picture for" in found["stream"].what
