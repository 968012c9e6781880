"""Events of every kind."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from fetalstream.sinks import (
    AnyEvent,
    FrameScores,
    ModelRef,
    PlaneEntered,
    PlaneLeft,
    SignalChanged,
    SinkDegraded,
    SinkRecovered,
    Stamp,
    StreamDamaged,
    StreamEnded,
    StreamStarted,
    StreamState,
)

from .stories import doings, findings


def _story(stream: str) -> list[AnyEvent]:
    model = ModelRef(name="compact", sha256="ab" * 32, version="1")
    stamp = Stamp(captured_ns=10**12, latency_ms=12.5, wall_time="2026-01-01T00:00:00Z")
    return [
        StreamStarted(
            stream=stream,
            sequence=0,
            source="file:a.mp4",
            model=model,
            labels=("background", "femur"),
            config_sha256="cd" * 32,
            software="fetalstream 0.1.0",
        ),
        StreamState(stream=stream, sequence=1, state="running"),
        PlaneEntered(stream=stream, sequence=2, stamp=stamp, plane="femur", start_seconds=1.5, score=0.8),
        FrameScores(stream=stream, sequence=0, frame_index=38, pts_seconds=1.52, epoch=0, scores=(0.1, 0.9)),
        StreamDamaged(stream=stream, sequence=3, what="a.mp4: 2 packets torn", lost_packets=2, pts_seconds=None),
        PlaneLeft(
            stream=stream,
            sequence=4,
            plane="femur",
            start_seconds=1.5,
            end_seconds=72.25,
            score=0.8,
            frames=10,
            best_frame_index=40,
            best_pts_seconds=2.0,
            best_score=0.95,
            reason="signal frozen",
        ),
        SignalChanged(
            stream=stream,
            sequence=5,
            state="frozen",
            reason="nothing has moved since 71.40 s",
            pts_seconds=72.25,
            epoch=0,
        ),
        SinkDegraded(stream=stream, sequence=6, sink="store", reason="database or disk is full"),
        SinkRecovered(stream=stream, sequence=7, sink="store", events_late=3, events_lost=0),
        *findings(stream, first_sequence=8),
        *doings(stream, first_sequence=16),
        StreamEnded(
            stream=stream,
            sequence=23,
            reason="ended",
            frames_read=100,
            frames_embedded=90,
            frames_dropped={"busy": 10},
            frames_skipped={},
            media_seconds=80.0,
        ),
    ]


@pytest.fixture
def story() -> Callable[[str], list[AnyEvent]]:
    """The events of a short stream of the given name, one of each kind."""
    return _story


@pytest.fixture
def opened() -> Generator[Callable[[Any], Any]]:
    """Takes whatever can be closed, gives it back, and closes it at the end of the test: a socket left open hangs."""
    with ExitStack() as stack:
        yield lambda thing: stack.enter_context(closing(thing))
