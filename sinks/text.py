"""An event as one plain line for a person."""

from .event import (
    AnyEvent,
    FrameScores,
    PlaneEntered,
    PlaneLeft,
    SignalChanged,
    SinkDegraded,
    SinkRecovered,
    StreamDamaged,
    StreamEnded,
    StreamStarted,
    StreamState,
)
from .text_findings import clock, finding_parts
from .wire import kind_of

_KIND_COLUMNS = 17


def line_of(event: AnyEvent) -> str:
    """Media time (where the event has one), kind, and what happened."""
    time, what = _parts(event)
    # Whoever publishes could otherwise steer the reader's terminal.
    plain = "".join(letter if letter.isprintable() else " " for letter in what)
    return f"{time:>10}  {kind_of(event):<{_KIND_COLUMNS}} {' '.join(plain.split())}".rstrip()


def _parts(event: AnyEvent) -> tuple[str, str]:
    if isinstance(event, StreamStarted):
        model = f"{event.model.name} {event.model.sha256[:12]}"
        return "", f"{event.stream}: {event.source}, model {model}; research use only"
    if isinstance(event, StreamEnded):
        lost = _counts("dropped", event.frames_dropped) + _counts("skipped", event.frames_skipped)
        frames = f"{event.frames_read} frames read, {event.frames_embedded} embedded{lost}"
        return clock(event.media_seconds), f"{event.stream}: {event.reason}; {frames}"
    if isinstance(event, PlaneEntered):
        return clock(event.start_seconds), f"{event.plane}  score {event.score:.2f}"
    if isinstance(event, PlaneLeft):
        best = f"best {event.best_score:.2f} at {clock(event.best_pts_seconds)}"
        why = f" ({event.reason})" if event.reason else ""
        visit = f"since {clock(event.start_seconds)}, {event.frames} frames, {best}{why}"
        return clock(event.end_seconds), f"{event.plane}  {visit}"
    if isinstance(event, FrameScores):
        return clock(event.pts_seconds), f"frame {event.frame_index}, highest {max(event.scores, default=0.0):.2f}"
    if isinstance(event, SignalChanged):
        return clock(event.pts_seconds), event.state + (f" ({event.reason})" if event.reason else "")
    if isinstance(event, SinkDegraded):
        return "", f"{event.sink}: {event.reason}; its events wait"
    if isinstance(event, SinkRecovered):
        return "", f"{event.sink}: {event.events_late} events late, {event.events_lost} lost"
    if isinstance(event, StreamDamaged):
        lost = f" ({event.lost_packets} packets lost)" if event.lost_packets else ""
        return clock(event.pts_seconds), event.what + lost
    if isinstance(event, StreamState):
        return "", f"{event.stream}: {event.state}" + (f" ({event.reason})" if event.reason else "")
    return finding_parts(event)


def _counts(word: str, counts: dict[str, int]) -> str:
    return "".join(f", {count} {word} ({reason})" for reason, count in sorted(counts.items()))
