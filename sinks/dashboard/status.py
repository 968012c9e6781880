"""How a stream stands at one moment, as the page is told several times a second."""

from collections.abc import Mapping
from typing import Literal

import msgspec

NOT_ANALYSED = -1.0

Phase = Literal["loading", "running", "over"]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The state of things; what is not known yet has its default.

    Attributes:
        phase: "loading" until the model is there, "over" once the stream has ended.
        state, state_reason: the source's state (see "stream.state").
        signal: what the picture is good for (see "signal.changed").
        plane: the plane in view, None for none.
        scores: smoothed score in [0, 1] per label.
        pts_seconds: media time of the newest result.
        frames_read: so far.
        dropped: frames lost for want of time so far.
        results_per_second: over the latest results.
        latency_p50_ms: from capture to result, median; None before the first.
    """

    phase: Phase = "loading"
    state: str = "opening"
    state_reason: str = ""
    signal: str = "open"
    plane: str | None = None
    scores: Mapping[str, float] = {}
    pts_seconds: float = 0.0
    frames_read: int = 0
    dropped: int = 0
    results_per_second: float = 0.0
    latency_p50_ms: float | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the checklist as a person reads it.

    Attributes:
        item: its name in "checklist.changed".
        title: its protocol's words.
        planes: every plane that does for it, the first of them the one it is named for.
    """

    item: str
    title: str
    planes: tuple[str, ...]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change while the page is open.

    Attributes:
        source: what is watched, without secrets.
        model: name of the model that is being loaded; the event "stream.started" has its hash.
        parts: what is switched on beside the planes: "age", "heart", "captures".
        protocol: title of the checklist; empty where there is none, or nobody has said.
        wanted: its items; of one that is not among them only its name is known.
    """

    source: str
    model: str
    parts: tuple[str, ...]
    protocol: str = ""
    wanted: tuple[Wanted, ...] = ()


class Sample(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A point of the strip: when (milliseconds, monotonic), the plane in view ("" for none), its score in [0, 1].

    Where no plane is in view, ``score`` is the highest of any plane; where nothing is analysed it is -1.
    """

    at_ms: float
    plane: str
    score: float


def sample_of(status: Status, at_ms: float, *, paused: bool, background: str = "background") -> Sample:
    """The point a status gives. What was in view when the pictures stopped is not in view any more."""
    if paused or (status.phase, status.state, status.signal) != ("running", "running", "open"):
        return Sample(at_ms=at_ms, plane="", score=NOT_ANALYSED)
    scores = {plane: score for plane, score in status.scores.items() if plane != background}
    if status.plane is not None:
        return Sample(at_ms=at_ms, plane=status.plane, score=scores.get(status.plane, 0.0))
    return Sample(at_ms=at_ms, plane="", score=max(scores.values(), default=0.0))
