"""Where results go. Works without torch."""

from .event import (
    AnyEvent,
    Event,
    FrameScores,
    ModelRef,
    PlaneEntered,
    PlaneLeft,
    SignalChanged,
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
    "SinkError",
    "Stamp",
    "StreamDamaged",
    "StreamEnded",
    "StreamStarted",
    "StreamState",
]
