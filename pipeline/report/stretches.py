"""When what held: intervals of media time, made from the changes that were told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...sinks import AnyEvent, PlaneLeft, QualityChanged, SignalChanged

FROZEN = "frozen"
OPEN = "open"

NO_GAP_SECONDS = 0.5
"""A shorter pause between two frames is none."""
GAP_FRAMES = 5
"""Nor is one of fewer frames, at the rate of the cine."""

SIGNAL_WORDS = {
    "frozen": "Frozen",
    "no_signal": "No signal",
    "black": "Black picture",
    "not_b_mode": "Not B-mode",
    "gap": "No frames",
    "poor": "Poor quality",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """[start_seconds, end_seconds) in which ``kind`` held; ``reason`` in words, ``plane`` where it is about one."""

    kind: str
    start_seconds: float
    end_seconds: float
    reason: str = ""
    plane: str = ""

    @property
    def seconds(self) -> float:
        return self.end_seconds - self.start_seconds

    @property
    def said(self) -> str:
        """What held, in words: "poor quality (too far away)"."""
        return f"{self.title.lower()} ({self.reason})" if self.reason else self.title.lower()

    @property
    def title(self) -> str:
        return SIGNAL_WORDS.get(self.kind, self.kind.replace("_", " "))


def closed_stretches(events: Iterable[AnyEvent], *, end_seconds: float) -> list[Stretch]:
    """When the picture was unfit for a model, and why."""
    found: list[Stretch] = []
    since: SignalChanged | None = None
    for event in events:
        if not isinstance(event, SignalChanged):
            continue
        if since is not None:
            found.append(_closed(since, event.pts_seconds))
        since = None if event.state == OPEN else event
    if since is not None:
        found.append(_closed(since, end_seconds))
    return found


def _closed(since: SignalChanged, end_seconds: float) -> Stretch:
    start = since.pts_seconds
    return Stretch(kind=since.state, start_seconds=start, end_seconds=max(start, end_seconds), reason=since.reason)


def poor_stretches(events: Iterable[AnyEvent], *, end_seconds: float) -> list[Stretch]:
    """When a plane was in view and something about the picture was not good enough, and what.

    What was said of a plane holds until something else is said of it, or until it leaves.
    """
    found: list[Stretch] = []
    since: QualityChanged | None = None
    for event in events:
        if isinstance(event, QualityChanged):
            found += _poor(since, event.pts_seconds)
            since = event
        elif isinstance(event, PlaneLeft):
            found += _poor(since, event.end_seconds)
            since = None
    return found + _poor(since, end_seconds)


def _poor(since: QualityChanged | None, until_seconds: float) -> list[Stretch]:
    if since is None or all(item.ok for item in since.items) or until_seconds <= since.pts_seconds:
        return []
    reason = "; ".join(item.reason or item.name for item in since.items if not item.ok)
    return [
        Stretch(
            kind="poor",
            start_seconds=since.pts_seconds,
            end_seconds=until_seconds,
            reason=reason,
            plane=since.plane,
        )
    ]


def gaps(times_seconds: Sequence[float]) -> list[Stretch]:
    """Where the cine itself leaves time out: much longer between two frames than between the others."""
    steps = sorted(later - earlier for earlier, later in pairwise(times_seconds))
    if not steps:
        return []
    limit = max(NO_GAP_SECONDS, GAP_FRAMES * steps[len(steps) // 2])
    return [
        Stretch(kind="gap", start_seconds=earlier, end_seconds=later, reason=f"no frame for {later - earlier:.1f} s")
        for earlier, later in pairwise(times_seconds)
        if later - earlier > limit
    ]
