"""What a user does at the machine while scanning: freeze, turn the gain, lift the probe."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ..source import SourceError

EventKind = Literal["freeze", "gain", "lift"]


@dataclass(frozen=True, slots=True)
class ScanEvent:
    """Something that holds over the half-open range [start_seconds, end_seconds) of media time.

    Attributes:
        kind: "freeze" (the picture stands still, and so does the scan), "gain" or "lift" (probe off the skin).
        gain_db: change of the gain, for "gain" only.
    """

    kind: EventKind
    start_seconds: float
    end_seconds: float
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(EventKind):
            raise SourceError(f"phantom: event {self.kind!r} is unknown; allowed: {', '.join(get_args(EventKind))}")
        if not 0 <= self.start_seconds < self.end_seconds < float("inf"):
            raise SourceError(
                f"phantom: event {self.kind} lasts from {self.start_seconds} to {self.end_seconds} s; "
                "it must start at 0 or later and end after its start"
            )
        if not -30 <= self.gain_db <= 30:
            raise SourceError(f"phantom: gain_db={self.gain_db} is out of range; allowed: -30 to 30")

    def holds(self, seconds: float) -> bool:
        """Whether it holds at this media time."""
        return self.start_seconds <= seconds < self.end_seconds


_EVENT = re.compile(r"(?P<kind>[a-z]+):(?P<start>[0-9.]+)-(?P<end>[0-9.]+)(?::(?P<gain>[-+]?[0-9.]+))?")


def parse_events(text: str) -> tuple[ScanEvent, ...]:
    """``"freeze:3-4,gain:5-8:+9,lift:10-11"`` -> events."""
    events: list[ScanEvent] = []
    for part in filter(None, text.split(",")):
        match = _EVENT.fullmatch(part)
        try:
            if match is None or (match["gain"] is None) == (match["kind"] == "gain"):
                raise ValueError
            # The table of kinds is checked by ScanEvent itself.
            kind: EventKind = match["kind"]  # pyright: ignore[reportAssignmentType]
            events.append(ScanEvent(kind, float(match["start"]), float(match["end"]), float(match["gain"] or 0)))
        except ValueError:
            raise SourceError(
                f"phantom: event {part!r} cannot be read; write freeze:START-END, lift:START-END or gain:START-END:DB"
            ) from None
    return tuple(events)


class ScanClock:
    """Media time -> scan time: the scan stands still while the picture is frozen."""

    def __init__(self, events: Sequence[ScanEvent]) -> None:
        self._freezes: list[tuple[float, float]] = []
        for event in sorted((e for e in events if e.kind == "freeze"), key=lambda e: e.start_seconds):
            if self._freezes and event.start_seconds < self._freezes[-1][1]:  # overlapping stills are one still
                self._freezes[-1] = (self._freezes[-1][0], max(self._freezes[-1][1], event.end_seconds))
            else:
                self._freezes.append((event.start_seconds, event.end_seconds))

    def scan_seconds(self, media_seconds: float) -> float:
        """What the scan had reached at this media time."""
        lost = 0.0
        for start, end in self._freezes:
            if media_seconds < start:
                break
            if media_seconds < end:
                return start - lost  # not media - (lost + ...): a still must be the same to the last bit
            lost += end - start
        return media_seconds - lost

    def media_seconds(self, scan_seconds: float) -> float:
        """The first media time at which the scan had got this far."""
        lost = 0.0
        for start, end in self._freezes:
            if scan_seconds + lost <= start:
                break
            lost += end - start
        return scan_seconds + lost
