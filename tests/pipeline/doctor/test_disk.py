"""The law of disks: room and rights are tried, not asked for, and nothing is left behind."""

import sys
from pathlib import Path

import pytest

from fetalstream.pipeline.config import CaptureSection, Config, ConsoleSection, JsonLinesSection, StoreSection
from fetalstream.pipeline.doctor import Finding, Status
from fetalstream.pipeline.doctor.disk import look_at_disk, output_folders

ENDLESS_BYTES = 1 << 60


def look(folder: Path, **limits: int) -> Finding:
    (finding,) = look_at_disk(folder, **limits)
    return finding


def test_a_folder_that_will_be_made_is_judged_by_the_one_above_it(tmp_path: Path):
    finding = look(tmp_path / "not" / "there", low_bytes=1, full_bytes=1)
    assert finding.status is Status.OK
    assert finding.facts["free_bytes"] > 0
    assert list(tmp_path.iterdir()) == []


def test_little_room_is_a_warning_and_none_a_problem(tmp_path: Path):
    assert look(tmp_path, low_bytes=ENDLESS_BYTES, full_bytes=1).status is Status.WARNING
    assert look(tmp_path, low_bytes=ENDLESS_BYTES, full_bytes=ENDLESS_BYTES).status is Status.PROBLEM


def test_a_file_in_the_way_is_a_problem(tmp_path: Path):
    (tmp_path / "out").write_text("")
    finding = look(tmp_path / "out" / "record")
    assert finding.status is Status.PROBLEM
    assert "is no folder" in finding.what


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a folder nobody may write into, not even root")
def test_a_folder_that_cannot_be_written_is_a_problem():
    finding = look(Path("/proc/self/out"))
    assert finding.status is Status.PROBLEM
    assert "cannot be written" in finding.what


def test_where_the_sinks_write_is_looked_at_once(tmp_path: Path):
    files = [JsonLinesSection(kind="jsonl", path=tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    store = StoreSection(kind="store", path=tmp_path / "store" / "events.db")
    captures = CaptureSection(folder=tmp_path / "captures")
    sinks = (*files, ConsoleSection(kind="console"), store)
    found = output_folders(Config(sinks=sinks, capture=captures))
    assert found == [tmp_path, tmp_path / "store", tmp_path / "captures"]
    assert output_folders(Config()) == [Path()]
