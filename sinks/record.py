"""What every record has: the envelope of an event, and the references events make."""

import msgspec


class ModelRef(msgspec.Struct, frozen=True, kw_only=True):
    """The weights that spoke: name, SHA-256 of the file's bytes, version."""

    name: str
    sha256: str
    version: str


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """When a record of a *live* stream was made; a review has none, so that it can be repeated byte for byte.

    Attributes:
        captured_ns: monotonic clock of the newest frame the record speaks of.
        latency_ms: from that frame's capture to this record.
        wall_time: UTC, ISO 8601, for the record only.
        frames_dropped: for want of time, since the record before this one in the stream.
    """

    captured_ns: int
    latency_ms: float
    wall_time: str
    frames_dropped: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every record has.

    Attributes:
        stream: identity of the stream, the same from "stream.started" to "stream.ended".
        sequence: running number within the stream, from 0, over all kinds but "frame.scores", which has its own.
        stamp: when it was made, for live streams only.
    """

    stream: str
    sequence: int
    stamp: Stamp | None = None
