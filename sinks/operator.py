"""What the operator does, and what is kept: requests that go in, records that come out."""

from typing import Literal

import msgspec

from .record import Event

Wish = Literal["capture", "keep", "discard", "override", "mark", "pause", "resume"]


class Operation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wish of the operator, from a page or a key; not an event, but what follows from it is.

    Attributes:
        wish: capture (this plane, now), keep or discard (a capture), override (the label), mark (the moment), pause,
            resume (the analysis; the picture goes on).
        value: a capture's identity for keep and discard (empty: the newest), a plane for override ("" takes the
            override back), a short text for mark.
    """

    wish: Wish
    value: str = ""


class CaptureSaved(Event, frozen=True, kw_only=True, tag="capture.saved"):
    """A still (and perhaps a clip) is whole on the disk.

    Attributes:
        capture_id: its identity; also the stem of its files.
        plane: what it shows.
        frame_index, pts_seconds: which frame the still is.
        score, quality: in [0, 1].
        cause: "auto", "operator" or "freeze".
        still, clip: file names within the captures' folder; clip is empty where there is none.
        replaces: identity of the capture it is better than, whose files are gone; else empty.
    """

    capture_id: str
    plane: str
    frame_index: int
    pts_seconds: float
    score: float
    quality: float
    cause: str
    still: str
    clip: str = ""
    replaces: str = ""


class CaptureKept(Event, frozen=True, kw_only=True, tag="capture.kept"):
    """The operator wants it: nothing replaces it any more."""

    capture_id: str
    plane: str


class CaptureDiscarded(Event, frozen=True, kw_only=True, tag="capture.discarded"):
    """The operator does not want it: its files are gone."""

    capture_id: str
    plane: str


class CaptureFailed(Event, frozen=True, kw_only=True, tag="capture.failed"):
    """A picture could not be kept, and why (a full disk); the stream goes on."""

    plane: str
    pts_seconds: float
    reason: str


class OperatorOverride(Event, frozen=True, kw_only=True, tag="operator.override"):
    """The operator says what is in view: ``plane`` instead of ``plane_said`` (both "" for none)."""

    plane: str
    plane_said: str
    pts_seconds: float | None


class OperatorMarked(Event, frozen=True, kw_only=True, tag="operator.marked"):
    """The operator marks a moment."""

    text: str
    plane: str
    pts_seconds: float | None


class OperatorPaused(Event, frozen=True, kw_only=True, tag="operator.paused"):
    """The operator has stopped the analysis (``paused``) or lets it go on; the picture goes on all the while."""

    paused: bool
    pts_seconds: float | None
