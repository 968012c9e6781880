"""The law of records: what a review left is read whole, or refused with its name."""

from pathlib import Path

import pytest

from fetalstream.pipeline.report import ReportError, find_records, read_record
from fetalstream.sinks import PlaneLeft, StreamStarted

from .records import Story, full_story, plain_story, write_record


def test_a_record_gives_back_what_was_written(tmp_path: Path):
    story = full_story()
    record = read_record(write_record(tmp_path / "scan", story.events))
    assert list(record.events) == story.events
    assert (record.name, record.unread, record.cine_sha256) == ("scan", (), None)
    assert [visit.plane for visit in record.all(PlaneLeft)] == ["femur", "four_chamber"]


def test_a_torn_last_line_and_kinds_of_later_versions_are_told(tmp_path: Path):
    folder = write_record(tmp_path / "scan", plain_story().events)
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"kind":"heart.rate","stream":"scan","sequence":9,"bpm":140}\n{"kind":"plane.en')
    record = read_record(folder)
    assert list(record.events) == plain_story().events
    assert "torn" in record.unread[0]
    assert "1 event is of a kind" in record.unread[1]


def test_of_a_file_that_two_runs_wrote_the_last_counts(tmp_path: Path):
    first, second = plain_story(), Story()
    second.start()
    second.end()
    record = read_record(write_record(tmp_path / "scan", [*first.events, *second.events]))
    assert len(record.all(StreamStarted)) == 1
    assert record.all(PlaneLeft) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "does not begin with 'stream.started'"),
        ("no json\n", "line 1 is no event"),
        ('{"kind":"plane.left"}\n{"kind":"plane.left"}\n', "line 1 is no event"),
        ("[" * 100_000 + "\n", "line 1 is no event"),
    ],
)
def test_a_file_that_is_no_record_is_refused_in_one_line(tmp_path: Path, content: str, said: str):
    (tmp_path / "events.jsonl").write_text(content)
    with pytest.raises(ReportError, match=said) as refusal:
        read_record(tmp_path)
    assert "\n" not in str(refusal.value)
    assert "events.jsonl" in str(refusal.value)


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_a_summary_that_is_none_is_refused_with_its_name(tmp_path: Path, content: str):
    folder = write_record(tmp_path / "scan", plain_story().events)
    (folder / "summary.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ReportError, match=r"summary\.json"):
        read_record(folder)


def test_studies_are_found_beside_each_other_or_as_one(tmp_path: Path):
    for name in ("b", "a", ".hidden"):
        write_record(tmp_path / name, plain_story().events)
    assert find_records(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert find_records(tmp_path / "a") == [tmp_path / "a"]


def test_a_folder_without_a_review_is_named(tmp_path: Path):
    with pytest.raises(ReportError, match="holds no review"):
        find_records(tmp_path)
    with pytest.raises(ReportError, match="is not a folder"):
        find_records(tmp_path / "missing")
