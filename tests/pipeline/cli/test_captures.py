"""The law of captures as a user meets them: a live run that keeps them, a disk that is full, a command that judges."""

import json
import resource
import subprocess
import sys
from pathlib import Path

from fetalstream.sinks.sidecar import read_sidecar

SCAN = "phantom://?seed=7&seconds=5&screen=1&realtime=0"
EVERY_FRAME = ("--set", "flow.policy=block")  # however slow this machine is
ALONE = ("--set", "sinks=[]", "--headless")


def run(*arguments: str | Path, most_file_bytes: int | None = None) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if most_file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))

    command = [sys.executable, "-m", "fetalstream", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, preexec_fn=limit)


def test_a_live_run_keeps_a_still_and_a_clip_of_the_plane_and_says_so(tmp_path: Path):
    done = run("live", SCAN, "--out", tmp_path, *EVERY_FRAME, *ALONE)
    assert done.returncode == 0, done.stderr
    assert "capture.saved     transcerebellar" in done.stdout
    (path,) = tmp_path.glob("captures/phantom-7-*/*.json")
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".json", ".mp4", ".png"]
    sidecar = read_sidecar(path)
    assert (sidecar.plane, sidecar.cause, sidecar.masked) == ("transcerebellar", "auto", True)
    assert sidecar.model.name == "compact"
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    (saved,) = [event for event in events if event["kind"] == "capture.saved"]
    assert (tmp_path / "captures" / saved["still"]).is_file()
    assert (tmp_path / "captures" / saved["clip"]).is_file()


def test_a_disk_without_room_costs_the_capture_and_not_the_run(tmp_path: Path):
    done = run("live", SCAN, "--capture", tmp_path, *EVERY_FRAME, *ALONE, most_file_bytes=100_000)
    assert done.returncode == 0, done.stderr
    assert "capture.failed    transcerebellar not kept" in done.stdout
    assert "File too large" in done.stdout
    assert "ended: 125 frames read, 125 embedded" in done.stdout
    assert not list(tmp_path.rglob("*.*"))


def test_a_folder_that_cannot_be_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "file").touch()
    done = run("live", SCAN, "--capture", tmp_path / "file", *ALONE)
    assert done.returncode == 1
    assert "captures cannot be kept in" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_captures_are_judged_against_the_truth_of_a_phantom(tmp_path: Path):
    done = run("evaluate", "captures", "--seeds", "1", "--seconds", "8", "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["recall"], found["precision"], found["among_best"]) == (1.0, 1.0, 1.0)
    assert found["captures"] == len(list(tmp_path.glob("seed-900/*.json"))) > 0
