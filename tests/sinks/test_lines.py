"""The law of reading events from a file: ours are given, what is torn or of later is told, all else is refused."""

from pathlib import Path

import pytest

from fetalstream.sinks import AnyEvent, FrameScores, ModelRef, StreamStarted
from fetalstream.sinks.dicom import read_record
from fetalstream.sinks.jsonl import JsonLinesSink
from fetalstream.sinks.lines import LONGEST_LINE_BYTES, read_lines
from fetalstream.sinks.sink import SinkError

from .stories import doings, findings

NEWER = '{"kind":"heart.rate","stream":"s","sequence":9,"bpm":140}\n'
STARTED = StreamStarted(
    stream="s",
    sequence=0,
    source="list:",
    model=ModelRef(name="grey", sha256="0" * 64, version="1"),
    labels=("background", "femur"),
    config_sha256="1" * 64,
    software="fetalstream test",
)
EVENTS: list[AnyEvent] = [STARTED, *findings("s", first_sequence=1), *doings("s", first_sequence=20)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    sink = JsonLinesSink(path)
    for event in EVENTS:
        sink.write(event)
    sink.close()
    return path


def append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def test_what_was_written_is_read(file: Path):
    lines = read_lines(file)
    assert list(lines.events) == EVENTS
    assert (lines.is_torn, lines.unknown, lines.remarks) == (False, 0, ())


def test_a_last_event_that_lacks_only_its_newline_is_read(file: Path):
    file.write_bytes(file.read_bytes().removesuffix(b"\n"))
    lines = read_lines(file)
    assert list(lines.events) == EVENTS
    assert not lines.is_torn


def test_wherever_a_kill_tears_the_last_line_the_rest_is_read(file: Path):
    whole = file.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start + 1, len(whole) - 1):
        file.write_bytes(whole[:end])
        lines = read_lines(file)
        assert list(lines.events) == EVENTS[:-1]
        assert lines.is_torn
        assert "torn" in lines.remarks[0]


def test_kinds_of_later_versions_are_passed_over_and_counted(file: Path):
    append(file, NEWER + NEWER)
    lines = read_lines(file)
    assert list(lines.events) == EVENTS
    assert (lines.unknown, lines.remarks) == (2, ("2 events are of kinds that this version does not know.",))


def test_scores_of_single_frames_are_passed_over(file: Path):
    sink = JsonLinesSink(file)
    sink.write(FrameScores(stream="s", sequence=0, frame_index=0, epoch=0, pts_seconds=0.0, scores=(0.5, 0.5)))
    sink.close()
    lines = read_lines(file)
    assert list(lines.events) == EVENTS
    assert lines.remarks == ()


@pytest.mark.parametrize(
    "foreign",
    [
        "no json\n",
        "no json",
        "\n",
        "{}\n",
        '{"kind":7}\n',
        '{"kind":"plane.left"}\n',
        '{"kind":"plane.left"}',
        '{"kind":"plane.ent\n',  # no kill leaves a newline behind half an event
        "[" * 100_000 + "\n",
        '{"kind":"plane.entered","stream":"' + "x" * LONGEST_LINE_BYTES + '"}\n',
    ],
    ids=lambda text: text[:24],
)
def test_what_is_no_event_is_refused_with_its_line(file: Path, foreign: str):
    append(file, foreign)
    with pytest.raises(SinkError, match=rf"events\.jsonl: line {len(EVENTS) + 1} is (no event|too long)") as refusal:
        read_lines(file)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, what: str):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SinkError, match=f"{what}: cannot be read"):
        read_lines(tmp_path / what)


def test_the_export_to_dicom_reads_it_likewise(file: Path):
    append(file, NEWER + '{"kind":"plane.entered","stream":"s","sequ')
    record = read_record(file)
    assert record.started == STARTED
    assert record.age is not None
    assert "The last line of the record is torn: the run was cut off while it was written." in record.remarks
    assert "1 event is of a kind that this version does not know." in record.remarks
