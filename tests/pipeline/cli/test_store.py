"""The law of `fetalstream store`."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fetalstream.sinks import AnyEvent, ModelRef, PlaneLeft, StreamEnded, StreamStarted
from fetalstream.sinks.store import StoreSink
from fetalstream.sinks.store_file import reading

COMMAND = [sys.executable, "-m", "fetalstream", "store"]


def store_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def story(stream: str) -> list[AnyEvent]:
    model = ModelRef(name="compact", sha256="ab" * 32, version="1")
    start = {"source": "file:a.mp4", "labels": ("femur",), "config_sha256": "cd" * 32, "software": "fetalstream"}
    visit = {"start_seconds": 1.0, "end_seconds": 2.0, "score": 0.9, "frames": 25}
    best = {"best_frame_index": 30, "best_pts_seconds": 1.2, "best_score": 0.95}
    counts = {"frames_read": 50, "frames_embedded": 50, "frames_dropped": {}, "frames_skipped": {}}
    return [
        StreamStarted(stream=stream, sequence=0, model=model, **start),
        PlaneLeft(stream=stream, sequence=1, plane="femur", **visit, **best),
        StreamEnded(stream=stream, sequence=2, reason="ended", media_seconds=2.0, **counts),
    ]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for stream in ("first", "second", "killed"):
        sink = StoreSink(tmp_path / "events.db")
        for event in story(stream)[: 1 if stream == "killed" else None]:
            sink.write(event)
        sink.close()
    return tmp_path / "events.db"


def test_list_says_what_is_held_of_each_stream(store: Path):
    lines = store_command("list", store).stdout.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["first", "0", "3", "1"],
        ["second", "1", "3", "1"],
        ["killed", "2", "1", "0"],
    ]
    assert "still running, or killed" in lines[3]


def test_verify_gives_the_newest_hash_and_finds_an_older_one_again(store: Path):
    done = store_command("verify", store)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{store}: 7 events in 3 epochs, chain whole, head ")
    head = done.stdout.split()[-1]
    sink = StoreSink(store)
    sink.close()
    assert store_command("verify", store, "--head", head).returncode == 0
    lost = store_command("verify", store, "--head", "ab" * 32)
    assert lost.returncode == 1
    assert "holds no hash abab" in lost.stderr


def test_export_writes_a_table(store: Path, tmp_path: Path):
    done = store_command("export", store, "--out", tmp_path / "events.parquet")
    assert done.stdout.strip() == f"{tmp_path / 'events.parquet'}: 7 events"


@pytest.mark.parametrize("command", ["list", "verify"])
def test_a_file_that_is_no_store_is_one_line(command: str, tmp_path: Path):
    for name, said in (("missing.db", "is not there"), ("text.db", "is no event store")):
        (tmp_path / "text.db").write_text("years of work\n" * 99)
        done = store_command(command, tmp_path / name)
        assert done.returncode == 1
        assert done.stderr == f"error: {tmp_path / name}: {said}\n"


def wait_for(text: str, path: Path, *, times: int) -> None:
    until = time.monotonic() + 60
    while (path.read_text() if path.exists() else "").count(text) < times:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_live_run_killed_and_started_again_goes_on_in_the_same_store_in_a_new_epoch(tmp_path: Path):
    """What stands in events.jsonl has been told after it was stored: all of it must be there."""
    sinks = f"sinks=[{{kind: store, path: {tmp_path / 'elsewhere' / 'events.db'}}}]"
    lines = tmp_path / "events.jsonl"
    command = [sys.executable, "-m", "fetalstream", "live", "phantom://?seed=1", "--headless"]
    for run in range(2):
        with subprocess.Popen(
            [*command, "--set", sinks, "--set", "frame_scores=true", "--out", str(tmp_path)], stdout=subprocess.DEVNULL
        ) as child:
            wait_for('"state":"running"', lines, times=run + 1)
            time.sleep(0.5)
            if run:
                child.send_signal(signal.SIGINT)
                assert child.wait(30) == 0
            else:
                child.kill()
    assert not (tmp_path / "elsewhere").exists()  # --out keeps the store where it says
    assert "in 2 epochs, chain whole" in store_command("verify", tmp_path / "events.db").stdout
    with reading(tmp_path / "events.db") as store:
        stored = [record.event for record in store.checked_records()]
    told = [line for line in lines.read_bytes().splitlines() if not line.startswith(b'{"kind":"frame.scores"')]
    assert stored[: len(told)] == told
    ended = [json.loads(event)["kind"] for event in stored].count("stream.ended")
    assert ended == 1  # the killed one has no last event
