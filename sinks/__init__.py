"""Where results go. Works without torch."""

from .event import (
    AnyEvent,
    Event,
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
from .sink import Sink, SinkError

__all__ = [
    "AnyEvent",
    "Event",
    "FrameScores",
    "ModelRef",
    "PlaneEntered",
    "PlaneLeft",
    "SignalChanged",
    "Sink",
    "SinkDegraded",
    "SinkError",
    "SinkRecovered",
    "Stamp",
    "StreamDamaged",
    "StreamEnded",
    "StreamStarted",
    "StreamState",
]
