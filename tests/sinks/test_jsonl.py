import itertools
import os
import signal
import subprocess
import sys
import time

import msgspec
import pytest

from fetalstream.sinks import AnyEvent, PlaneEntered, SinkError
from fetalstream.sinks.jsonl import JsonLinesSink


def entered(sequence: int) -> PlaneEntered:
    return PlaneEntered(stream="s", sequence=sequence, plane="femur", start_seconds=sequence / 10, score=0.9)


def read(path) -> list[AnyEvent]:
    """Every line must be an event, and the file must end with a newline."""
    *lines, last = path.read_bytes().split(b"\n")
    assert last == b""
    return [msgspec.json.decode(line, type=AnyEvent) for line in lines]


def test_each_event_is_a_line_in_order(tmp_path, story):
    sink = JsonLinesSink(tmp_path / "new" / "events.jsonl")
    for event in story("s"):
        sink.write(event)
    sink.close()
    sink.close()
    assert read(tmp_path / "new" / "events.jsonl") == story("s")


def test_a_line_can_be_read_while_the_file_is_open(tmp_path):
    sink = JsonLinesSink(tmp_path / "events.jsonl")
    for sequence in range(3):
        sink.write(entered(sequence))
        assert len(read(tmp_path / "events.jsonl")) == sequence + 1
    sink.close()


def test_the_same_events_give_the_same_bytes(tmp_path, story):
    for name in ("a", "b"):
        sink = JsonLinesSink(tmp_path / name)
        for event in story("s"):
            sink.write(event)
        sink.close()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(("append", "expected"), [(True, [0, 1]), (False, [1])])
def test_an_existing_file_is_continued_or_begun_anew(tmp_path, append, expected):
    for sequence in range(2):
        sink = JsonLinesSink(tmp_path / "events.jsonl", append=append)
        sink.write(entered(sequence))
        sink.close()
    assert [event.sequence for event in read(tmp_path / "events.jsonl")] == expected


def test_wherever_the_last_line_is_torn_appending_repairs_it(tmp_path):
    path = tmp_path / "events.jsonl"
    lines = [msgspec.json.encode(entered(sequence)) + b"\n" for sequence in range(2)]
    for length in range(len(lines[1])):
        path.write_bytes(lines[0] + lines[1][:length])
        sink = JsonLinesSink(path)
        sink.write(entered(2))
        sink.close()
        # A last line that only lacks its newline is whole, and stays.
        expected = [0, 1, 2] if length == len(lines[1]) - 1 else [0, 2]
        assert [event.sequence for event in read(path)] == expected


def test_a_file_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "thesis.txt"
    path.write_text("years of work")
    with pytest.raises(SinkError, match="does not end with an event"):
        JsonLinesSink(path)
    assert path.read_text() == "years of work"


@pytest.mark.parametrize("kind", ["folder", "under a file"])
def test_a_path_that_cannot_be_written_is_refused_in_one_line(tmp_path, kind):
    (tmp_path / "file").write_text("x\n")
    path = tmp_path if kind == "folder" else tmp_path / "file" / "events.jsonl"
    with pytest.raises(SinkError, match="cannot be written") as caught:
        JsonLinesSink(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_closed_file_takes_no_event(tmp_path):
    sink = JsonLinesSink(tmp_path / "events.jsonl")
    sink.close()
    with pytest.raises(SinkError, match="is closed"):
        sink.write(entered(0))


FULL_DISK = """
import resource, signal, sys
from fetalstream.sinks import PlaneEntered
from fetalstream.sinks.sink import SinkTroubleError
from fetalstream.sinks.jsonl import JsonLinesSink
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
sink = JsonLinesSink(sys.argv[1])
try:
    for sequence in range(100):
        sink.write(PlaneEntered(stream="s", sequence=sequence, plane="femur", start_seconds=1.0, score=0.9))
except SinkTroubleError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sink.write(PlaneEntered(stream="s", sequence=1000, plane="femur", start_seconds=1.0, score=0.9))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_is_said_in_one_line_tears_nothing_and_can_recover(tmp_path):
    path = tmp_path / "events.jsonl"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{path}: cannot be written: File too large"
    sequences = [event.sequence for event in read(path)]
    assert sequences == [*range(len(sequences) - 1), 1000]
    assert len(sequences) > 5


ENDLESS = """
import sys
from fetalstream.sinks import PlaneEntered
from fetalstream.sinks.jsonl import JsonLinesSink
sink, sequence = JsonLinesSink(sys.argv[1]), 0
while True:
    sink.write(PlaneEntered(stream="s", sequence=sequence, plane="femur", start_seconds=1.0, score=0.9))
    sequence += 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_process_leaves_whole_lines_and_the_next_one_goes_on(tmp_path):
    path = tmp_path / "events.jsonl"
    for _ in range(3):
        size = path.stat().st_size if path.exists() else 0
        process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)])
        deadline = time.monotonic() + 20
        while (path.stat().st_size if path.exists() else 0) < size + 10_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    JsonLinesSink(path).close()
    sequences = [event.sequence for event in read(path)]
    starts = [index for index, sequence in enumerate(sequences) if sequence == 0] + [len(sequences)]
    assert len(starts) == 4
    for start, end in itertools.pairwise(starts):
        assert sequences[start:end] == list(range(end - start))
