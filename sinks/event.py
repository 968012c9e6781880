"""What leaves the pipeline: one record type per kind, all of them `Event`.

Records are JSON and MessagePack alike; each carries its ``kind``, which is also its ZeroMQ topic.
"""

from .findings import (
    AgeEstimated,
    AgeUnavailable,
    ChdScored,
    ChdUnavailable,
    ChecklistChanged,
    PartEntered,
    PartLeft,
    QualityChanged,
)
from .operator import (
    CaptureDiscarded,
    CaptureFailed,
    CaptureKept,
    CaptureSaved,
    OperatorMarked,
    OperatorOverride,
    OperatorPaused,
)
from .record import Event, ModelRef


class StreamStarted(Event, frozen=True, kw_only=True, tag="stream.started"):
    """A stream has begun. ``config_sha256`` names the whole configuration, ``labels`` the planes that can be said."""

    source: str
    model: ModelRef
    labels: tuple[str, ...]
    config_sha256: str
    software: str
    research_use_only: bool = True


class StreamState(Event, frozen=True, kw_only=True, tag="stream.state"):
    """The source has changed its state: opening, running, stalled, reconnecting, ended, failed."""

    state: str
    reason: str = ""


class StreamDamaged(Event, frozen=True, kw_only=True, tag="stream.damaged"):
    """Part of the stream could not be read; ``pts_seconds`` is the last good frame before it."""

    what: str
    lost_packets: int
    pts_seconds: float | None


class SignalChanged(Event, frozen=True, kw_only=True, tag="signal.changed"):
    """The picture has become unfit for a model, or fit again; until then nothing is said about planes.

    Attributes:
        state: "open", "frozen", "no_signal", "black" or "not_b_mode".
        reason: what was seen, in words; empty when open.
        pts_seconds, epoch: of the frame it was noticed in; a closed state is noticed after it has held for a while.
    """

    state: str
    reason: str
    pts_seconds: float
    epoch: int


class StreamEnded(Event, frozen=True, kw_only=True, tag="stream.ended"):
    """The last record of a stream, with the whole count of frames.

    ``frames_dropped`` gives a count per reason and is empty when nothing was dropped; ``frames_skipped`` likewise for
    frames left out on purpose, by sampling or behind a closed gate.
    """

    reason: str
    frames_read: int
    frames_embedded: int
    frames_dropped: dict[str, int]
    frames_skipped: dict[str, int]
    media_seconds: float


class SinkDegraded(Event, frozen=True, kw_only=True, tag="sink.degraded"):
    """Where results go, something is wrong (disk full, receiver gone); the stream goes on and events wait.

    Attributes:
        sink: its kind, such as "store".
        reason: what is wrong, in words; holds no path, so that it can go on a bus.
    """

    sink: str
    reason: str


class SinkRecovered(Event, frozen=True, kw_only=True, tag="sink.recovered"):
    """A degraded sink is well again: ``events_late`` had to wait for it, ``events_lost`` never reached it.

    Neither counts "frame.scores", which do not wait: their own numbers show which are missing.
    """

    sink: str
    events_late: int
    events_lost: int


class PlaneEntered(Event, frozen=True, kw_only=True, tag="plane.entered"):
    """A standard plane is in view. ``score`` in [0, 1] is the smoothed score at entry."""

    plane: str
    start_seconds: float
    score: float


class PlaneLeft(Event, frozen=True, kw_only=True, tag="plane.left"):
    """The plane has left the view: its whole interval [start_seconds, end_seconds) and its best frame.

    ``score`` in [0, 1] is the mean over the interval; ``best_score`` the highest single-frame score. ``reason`` is
    empty when the picture itself has changed, else it says what cut the visit short: "signal frozen", for example.
    """

    plane: str
    start_seconds: float
    end_seconds: float
    score: float
    frames: int
    best_frame_index: int
    best_pts_seconds: float
    best_score: float
    reason: str = ""


class FrameScores(Event, frozen=True, kw_only=True, tag="frame.scores"):
    """Scores of one embedded frame, in the order of ``labels`` in "stream.started". Optional, and many."""

    frame_index: int
    pts_seconds: float
    epoch: int
    scores: tuple[float, ...]


AnyEvent = (
    StreamStarted
    | StreamState
    | StreamDamaged
    | SignalChanged
    | SinkDegraded
    | SinkRecovered
    | StreamEnded
    | PlaneEntered
    | PlaneLeft
    | PartEntered
    | PartLeft
    | QualityChanged
    | ChecklistChanged
    | AgeEstimated
    | AgeUnavailable
    | ChdScored
    | ChdUnavailable
    | CaptureSaved
    | CaptureKept
    | CaptureDiscarded
    | CaptureFailed
    | OperatorOverride
    | OperatorMarked
    | OperatorPaused
    | FrameScores
)
"""The tagged union: decode with ``msgspec.json.decode(line, type=AnyEvent)``."""
