"""Which events a page needs to show how things stand, however long the stream has been running. Pure."""

from collections import deque
from itertools import islice

import msgspec

from ..event import AnyEvent, PlaneEntered, PlaneLeft, SignalChanged, SinkDegraded, SinkRecovered, StreamStarted
from ..findings import ChdScored, ChecklistChanged
from ..operator import CaptureDiscarded, CaptureKept, CaptureSaved
from ..text import line_of
from ..wire import kind_of

MOST_RECENT = 2000
"""Events that a slow browser may be behind; one that is further behind gets the whole story anew."""
TOLD_RECENT = 200
"""Of those, how many a browser that comes new is told beside those that still hold."""
MOST_HELD = 2000


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way to browsers: its number on the page, the event as JSON, and as a line for a person."""

    n: int
    event: msgspec.Raw
    text: str


class Story:
    """The events of a stream, folded: the recent ones in full, of older ones those that still hold. For one thread.

    A page that hears ``snapshot()`` and then everything ``after`` it knows as much as one that heard all from the
    start, but for the lines of its log that are older than the last 200.
    """

    def __init__(self) -> None:
        self._recent: deque[Told] = deque(maxlen=MOST_RECENT)
        self._holding: dict[str, Told] = {}
        self._best: dict[str, float] = {}
        self._encoder = msgspec.json.Encoder()
        self._next = 0

    @property
    def next(self) -> int:
        """The number the next event will have."""
        return self._next

    def add(self, event: AnyEvent) -> None:
        """Take in the next event."""
        told = Told(n=self._next, event=msgspec.Raw(self._encoder.encode(event)), text=line_of(event))
        self._next += 1
        self._recent.append(told)
        if isinstance(event, StreamStarted):
            self._holding.clear()
            self._best.clear()
        for gone in _ended_by(event):
            self._holding.pop(gone, None)
        for key in self._keys(event):
            self._holding.pop(key, None)  # the newest last
            self._holding[key] = told
        while len(self._holding) > MOST_HELD:
            del self._holding[next(iter(self._holding))]

    def after(self, number: int) -> list[Told] | None:
        """Events from ``number`` on; None when some of them are forgotten: then it takes a `snapshot`."""
        first = self._next - len(self._recent)
        return None if number < first else list(islice(self._recent, number - first, None))

    def snapshot(self) -> list[Told]:
        """What a page needs that knows nothing, in order."""
        recent = islice(self._recent, max(0, len(self._recent) - TOLD_RECENT), None)
        told = {one.n: one for one in (*self._holding.values(), *recent)}
        return [told[number] for number in sorted(told)]

    def _keys(self, event: AnyEvent) -> list[str]:
        """Under which names an event holds until the next of the same name; most of them: that of their kind."""
        if isinstance(event, PlaneEntered):
            return ["plane"]
        if isinstance(event, PlaneLeft):
            is_best = event.best_score >= self._best.get(event.plane, 0.0)
            if is_best:
                self._best[event.plane] = event.best_score
            return ["plane", f"best {event.plane}"] if is_best else ["plane"]
        if isinstance(event, ChecklistChanged):
            return [f"item {event.item}"]
        if isinstance(event, ChdScored):
            return [f"heart {event.level}"]
        if isinstance(event, CaptureSaved):
            return [f"capture {event.capture_id}"]
        if isinstance(event, CaptureKept):
            return [f"kept {event.capture_id}"]
        if isinstance(event, SinkDegraded | SinkRecovered):
            return [f"sink {event.sink}"]
        return [kind_of(event)]


def _ended_by(event: AnyEvent) -> tuple[str, ...]:
    """What does not hold any more."""
    if isinstance(event, CaptureSaved) and event.replaces:
        return f"capture {event.replaces}", f"kept {event.replaces}"
    if isinstance(event, CaptureDiscarded):
        return f"capture {event.capture_id}", f"kept {event.capture_id}"
    if isinstance(event, SignalChanged):
        return ("quality.changed",)
    return ()
