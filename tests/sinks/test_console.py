import io
import subprocess
import sys

import pytest
from rich.console import Console

from fetalstream.sinks import StreamState
from fetalstream.sinks.console import ConsoleSink
from fetalstream.sinks.text import clock, line_of


def test_each_event_is_one_plain_line_however_narrow_the_screen(story):
    output = io.StringIO()
    sink = ConsoleSink(Console(file=output, width=20), frame_scores=True)
    for event in story("s"):
        sink.write(event)
    sink.close()
    assert output.getvalue().splitlines() == [
        "            stream.started    s: file:a.mp4, model compact abababababab; research use only",
        "            stream.state      s: running",
        "  0:01.500  plane.entered     femur score 0.80",
        "  0:01.520  frame.scores      frame 38, highest 0.90",
        "            stream.damaged    a.mp4: 2 packets torn (2 packets lost)",
        "  1:12.250  plane.left        femur since 0:01.500, 10 frames, best 0.95 at 0:02.000 (signal frozen)",
        "  1:12.250  signal.changed    frozen (nothing has moved since 71.40 s)",
        "            sink.degraded     store: database or disk is full; its events wait",
        "            sink.recovered    store: 3 events late, 0 lost",
        "  0:01.600  quality.changed   femur too dark: turn the gain up",
        "  0:01.600  checklist.changed femur poor, 0 of 1 (too dark: turn the gain up)",
        "  0:01.600  age.estimated     21w2d (20w1d to 22w2d), calibrated, 12 frames",
        "            age.unavailable   no pixel spacing",
        (
            "  0:00.500  chd.scored        clip abstains: the interval is wide (0.050 to 0.300, abnormal from 0.200), "
            "1 clips; trained on phantom hearts"
        ),
        "            chd.unavailable   no head file",
        "  0:01.000  part.entered      brain score 0.90, plane not clear",
        "  0:01.600  part.left         brain since 0:01.000, 15 frames (transthalamic)",
        "  0:01.600  capture.saved     femur femur-0001.png (auto)",
        "            capture.kept      femur femur-0001",
        "            capture.discarded femur femur-0001",
        "  0:01.600  capture.failed    femur not kept: no space left on the disk",
        "  0:01.600  operator.override four_chamber instead of femur",
        "            operator.marked   femur ask about this",
        "  0:01.600  operator.paused   analysis paused",
        "  1:20.000  stream.ended      s: ended; 100 frames read, 90 embedded, 10 dropped (busy)",
    ]


def test_colours_are_for_terminals_only(story):
    output = io.StringIO()
    sink = ConsoleSink(Console(file=output, force_terminal=True, color_system="standard"))
    sink.write(story("s")[2])
    assert "\x1b[" in output.getvalue()


def test_brackets_are_not_markup_and_control_characters_do_not_reach_the_terminal():
    event = StreamState(stream="s", sequence=0, state="failed", reason="[red]\x1b[2J\x07 two\nlines")
    assert line_of(event).endswith("stream.state      s: failed ([red] [2J two lines)")
    output = io.StringIO()
    ConsoleSink(Console(file=output, force_terminal=True, color_system=None)).write(event)
    assert "[red]" in output.getvalue()
    assert "\x1b[2J" not in output.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.000"), (72.5, "1:12.500"), (59.9999, "1:00.000"), (3600, "60:00.000"), (-1.25, "-0:01.250"), (None, "")],
)
def test_media_time_is_minutes_and_seconds(seconds, text):
    assert clock(seconds) == text


BROKEN_PIPE = """
import sys
from fetalstream.sinks import SinkError, StreamState
from fetalstream.sinks.console import ConsoleSink
sink = ConsoleSink()
try:
    while True:
        sink.write(StreamState(stream="s", sequence=0, state="running"))
except SinkError as error:
    print(error, file=sys.stderr)
"""


def test_a_pipe_whose_other_end_is_gone_is_said():
    command = [sys.executable, "-c", BROKEN_PIPE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().strip() == "stream.state      s: running"
        process.stdout.close()
        assert process.stderr.read().splitlines() == ["the console cannot be written: nobody reads it any more"]


def test_the_scores_of_each_frame_are_printed_only_when_asked_for(story):
    output = io.StringIO()
    sink = ConsoleSink(Console(file=output))
    for event in story("s"):
        sink.write(event)
    assert "frame.scores" not in output.getvalue()
    assert len(output.getvalue().splitlines()) == len(story("s")) - 1
