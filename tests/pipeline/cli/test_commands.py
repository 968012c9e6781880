"""The law of the commands, run as a user runs them: a process of its own, its output and its exit code."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

COMMAND = [sys.executable, "-m", "fetalstream"]
HELP_SECONDS = 0.3
COMMANDS = (
    "bench",
    "demo",
    "dicom",
    "doctor",
    "embed",
    "evaluate",
    "events",
    "keys",
    "listen",
    "live",
    "protocols",
    "report",
    "review",
    "store",
    "train",
    "weights",
)


def run(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=180, **options)  # pyright: ignore


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def free_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def write_video(path: Path, frames: int = 30) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index in range(frames):
            picture = np.full((120, 160, 3), 40 + index, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_help_is_instant():
    """By the processor's time, the least of several: what else runs on the machine is not its fault."""
    seconds: list[float] = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < HELP_SECONDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str):
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_bad_input_is_one_line_each_the_good_is_reviewed_and_the_exit_code_tells(tmp_path: Path):
    good = write_video(tmp_path / "good.mp4")
    whole = good.read_bytes()
    bad = {
        "empty.mp4": b"",
        "cut.mp4": whole[: len(whole) // 2],
        "text.mp4": b"this is no video\n" * 50,
        "picture.mp4": b"\x89PNG\r\n\x1a\n" + bytes(64),
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    out = tmp_path / "out"
    done = run("review", good, *(tmp_path / name for name in bad), "--out", out)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert [next(name for name in bad if name in line) for line in errors] == list(bad)
    assert "4 of 5 could not be reviewed" in done.stderr
    assert json.loads((out / "good" / "summary.json").read_text())["frames_read"] == 30
    assert sorted(folder.name for folder in out.iterdir()) == ["good"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["review", "missing.mp4", "--out", "out"], "'missing.mp4' does not exist"),
        (["review", ".", "--out", "out"], "holds neither videos nor images"),
        (["live", "kvm://0"], "no source is called 'kvm'; there are:"),
        (["live", "phantom://?sed=3"], "option 'sed' is unknown; allowed:"),
        (["live", "phantom://", "--set", "segments.enter_score=2"], "segments.enter_score=2"),
        (["live", "phantom://", "--config", "nowhere.yaml"], "neither a preset"),
        (["live", "phantom://", "--model", "fetalclip", "--weights", "missing.pt"], "missing.pt"),
        (["live", "phantom://", "--set", "sinks=[{kind: zmq, endpoint: 'tcp://0.0.0.0:5555'}]"], "0.0.0.0"),
        (["weights", "verify", "missing.pt"], "missing.pt"),
        (["weights", "pull", "resnet", "--accept-licence"], "'resnet'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments: list[str], said: str, tmp_path: Path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_second_process_receives_every_plane_event_of_the_demo_in_order(tmp_path: Path):
    endpoint = free_endpoint()
    with start("listen", endpoint, "--topic", "plane.", "--json") as listener:
        time.sleep(1.0)
        done = run("demo", "--headless", "--seconds", "20", "--endpoint", endpoint, "--out", tmp_path)
        assert done.returncode == 0, done.stderr
        time.sleep(0.5)
        listener.send_signal(signal.SIGINT)
        received, said = listener.communicate(timeout=20)
    written = (tmp_path / "events.jsonl").read_text().splitlines()
    planes = [line for line in written if json.loads(line)["kind"].startswith("plane.")]
    assert len(planes) >= 4
    assert received.splitlines() == planes
    assert [line for line in said.splitlines() if "no sign of life" not in line] == []
    assert "visits found" in done.stdout


def test_ctrl_c_drains_a_live_run_and_closes_its_record(tmp_path: Path):
    with start("live", "phantom://?seed=1", "--headless", "--set", "sinks=[]", "--out", tmp_path) as child:
        events = tmp_path / "events.jsonl"
        deadline = time.monotonic() + 60
        while "running" not in (events.read_text() if events.exists() else "") and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.5)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=20)
    assert child.returncode == 0, errors
    assert "frames read" in output
    last = json.loads(events.read_text().splitlines()[-1])
    assert last["kind"] == "stream.ended"
    assert last["frames_read"] > 5


def test_two_demos_at_one_endpoint_are_told_that_it_is_taken(tmp_path: Path):
    endpoint = free_endpoint()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(endpoint.rsplit(":", 1)[1])))
        taken.listen()
        done = run("demo", "--headless", "--endpoint", endpoint, "--out", tmp_path)
    assert done.returncode == 1
    assert endpoint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_reader_of_our_output_may_go(tmp_path: Path):
    with start("listen", free_endpoint()) as child:
        assert child.stdout is not None
        child.stdout.close()
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        assert child.wait(20) in (130, -signal.SIGINT)
    assert os.name == "posix"
