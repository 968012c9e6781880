"""``fetalstream live`` on a real server, from outside: what a terminal, a list of processes and the record show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from ...servers.running import StartServer

pytestmark = [pytest.mark.server, pytest.mark.slow]

START_SECONDS = 90.0


def wait_until(done: Callable[[], bool], *, within_seconds: float) -> float:
    """When it came true, by the monotonic clock."""
    until = time.monotonic() + within_seconds
    while not done():
        assert time.monotonic() < until, f"not within {within_seconds} s"
        time.sleep(0.05)
    return time.monotonic()


def test_a_live_run_outlives_its_server_and_records_why_there_was_no_picture(rtsp_server: StartServer, tmp_path: Path):
    server = rtsp_server("--login", "annika:geheim")
    record = tmp_path / "events.jsonl"

    def events(kind: str) -> list[dict[str, Any]]:
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return [event for event in map(json.loads, lines) if event["kind"] == kind]

    def states() -> list[str]:
        return [event["state"] for event in events("stream.state")]

    uri = server.uri.replace("rtsp://", "rtsp://annika:geheim@")
    command = [sys.executable, "-m", "fetalstream", "live", uri, "--set", "sinks=[]", "--out", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--headless"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    ) as process:
        try:
            wait_until(lambda: "running" in states(), within_seconds=START_SECONDS)
            shown = " ".join(psutil.Process(process.pid).cmdline())
            server.kill()
            wait_until(lambda: "refuses the connection" in events("stream.state")[-1]["reason"], within_seconds=10)
            back = server.start()
            assert wait_until(lambda: states()[-1] == "running", within_seconds=10) - back < 2.0
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert states() == ["running", "stalled", "reconnecting", "reconnecting", "running", "ended"]
    reasons = [event["reason"] for event in events("stream.state")]
    place = f"127.0.0.1:{server.port}"
    assert reasons[1:4] == [f"{place} has ended the stream"] * 2 + [
        f"{place} refuses the connection; does the server run?"
    ]
    assert events("stream.started")[0]["source"] == f"rtsp://***@{place}/live"
    assert events("stream.ended")[0]["frames_read"] > 0
    for text in (shown, output, record.read_text(encoding="utf-8")):
        assert "geheim" not in text
        assert "annika" not in text
    assert place in shown
