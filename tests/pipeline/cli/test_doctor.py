"""The law of ``fetalstream doctor``, run as a user runs it: a process of its own, its lines and its exit code."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SMALL_SOURCE = "device://lavfi/testsrc2=size=320x240:rate=25"
AREAS = ["python", "libraries", "processor", "gpu", "clock", "devices", "ports", "disk", "model", "protocol", "chd"]
NO_PORT = ("--set", "sinks=[]")


def doctor(*arguments: str | Path, before: str = "") -> subprocess.CompletedProcess[str]:
    code = f"{before}\nimport sys; sys.argv[0] = 'fetalstream'\nfrom fetalstream.pipeline.cli.app import main; main()"
    command = [sys.executable, "-c", code, "doctor", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict]:
    return {finding["area"]: finding for finding in json.loads(done.stdout)["findings"]}


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_machine_that_would_do_ends_with_0_and_one_line_for_each_finding():
    done = doctor(*NO_PORT)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    *lines, empty, last = done.stdout.splitlines()
    assert [line.split()[1] for line in lines if line.split()[1] != "load"] == AREAS
    assert {line.split()[0] for line in lines} <= {"ok", "warning"}
    assert empty == ""
    assert last.startswith("A live run would work")


def test_json_holds_the_same_findings_and_what_was_measured():
    done = doctor(SMALL_SOURCE, "--json", *NO_PORT)
    report = json.loads(done.stdout)
    assert (done.returncode, report["works"], report["source"]) == (0, True, SMALL_SOURCE)
    found = findings(done)
    assert list(found) == [*AREAS[:-3], "source", "picture", "rate", "stream", "signal", *AREAS[-3:]] or "load" in found
    assert found["rate"]["facts"]["announced_fps"] == 25
    assert found["model"]["facts"]["interval_ms"] == pytest.approx(1000 / found["rate"]["facts"]["fps"], rel=0.01)
    assert all(bool(one["todo"]) == (one["status"] != "ok") for one in found.values())


def test_everything_that_would_break_a_run_is_found_in_one_go(silent_port: int, tmp_path: Path):
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"no weights")
    (tmp_path / "file").touch()
    began = time.monotonic()
    done = doctor(
        f"rtsp://me:geheim@127.0.0.1:{silent_port}/live?open_seconds=1",
        *("--weights", wrong, "--out", tmp_path / "file" / "out", "--json"),
        *("--set", f"sinks=[{{kind: zmq, endpoint: 'tcp://127.0.0.1:{silent_port}'}}]"),
    )
    assert time.monotonic() - began < 60
    assert done.returncode == 1
    problems = {area for area, one in findings(done).items() if one["status"] == "problem"}
    assert problems == {"ports", "disk", "source", "model"}
    assert json.loads(done.stdout)["works"] is False
    assert "geheim" not in done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits file sizes as Linux does")
def test_a_disk_that_takes_no_more_is_a_problem(tmp_path: Path):
    full = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    full += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    done = doctor("--out", tmp_path, "--json", *NO_PORT, before=full)
    assert done.returncode == 1
    assert findings(done)["disk"]["status"] == "problem"
    assert list(tmp_path.iterdir()) == []


def test_a_configuration_that_cannot_be_read_is_a_problem_and_the_machine_is_looked_at_all_the_same():
    done = doctor("--config", "nowhere.yaml", "--json")
    assert done.returncode == 1
    found = findings(done)
    assert "neither a preset" in found["settings"]["what"]
    assert found["processor"]["status"] in ("ok", "warning")
    assert "model" not in found
