"""What the pipeline counts about itself, and what a screen or a report reads from it."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from ..sinks.sink import Standing
from .timings import Timings

RECENT = 512
"""How many latest latencies are kept for percentiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of a running stream at one moment; safe to hand to another thread.

    Attributes:
        state, state_reason: the source's state, and why.
        signal, signal_reason: what the picture is good for, "open" when a model may look at it, and why it may not.
        plane: the plane in view, None for background.
        scores: smoothed score in [0, 1] per label.
        pts_seconds: media time of the newest result.
        media_seconds: how much media has been read, over all epochs; the last frame counts as long as the one before.
        frames_read, frames_embedded: counts so far.
        dropped, skipped: counts per reason: lost for want of time, left out on purpose.
        results_per_second: over the latest results.
        latency_p50_ms, latency_p95_ms: capture to result, over the latest results; None before the first.
        sinks: those in trouble.
    """

    state: str = "opening"
    state_reason: str = ""
    signal: str = "open"
    signal_reason: str = ""
    plane: str | None = None
    scores: MappingProxyType[str, float] = field(default_factory=lambda: MappingProxyType({}))
    pts_seconds: float = 0.0
    media_seconds: float = 0.0
    frames_read: int = 0
    frames_embedded: int = 0
    dropped: MappingProxyType[str, int] = field(default_factory=lambda: MappingProxyType({}))
    skipped: MappingProxyType[str, int] = field(default_factory=lambda: MappingProxyType({}))
    results_per_second: float = 0.0
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    sinks: tuple[Standing, ...] = ()


class Telemetry:
    """Counts of one stream; every method is safe from any thread and cheap.

    ``timings`` are in seconds: "latency" from capture to result, "queue" from capture until somebody looks at a frame,
    and what each stage takes: "look" at a frame, "prepare" it, "encode" a batch, "tell" of a frame or notice.
    """

    def __init__(self) -> None:
        self.timings = Timings()
        self._lock = threading.Lock()
        self._read = 0
        self._media_seconds = 0.0
        self._frame_seconds = 0.0
        self._last_read: tuple[float, int] | None = None
        self._embedded = 0
        self._dropped: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._latencies_ms: deque[float] = deque(maxlen=RECENT)
        self._result_ns: deque[int] = deque(maxlen=RECENT)
        self._state = ("opening", "")
        self._signal = ("open", "")
        self._plane: str | None = None
        self._scores: dict[str, float] = {}
        self._pts_seconds = 0.0
        self._sinks: tuple[Standing, ...] = ()

    def frame_read(self, pts_seconds: float, epoch: int) -> None:
        with self._lock:
            self._read += 1
            if self._last_read is not None and self._last_read[1] == epoch:
                self._frame_seconds = max(0.0, pts_seconds - self._last_read[0])
                self._media_seconds += self._frame_seconds
            self._last_read = (pts_seconds, epoch)

    def frame_skipped(self, reason: str) -> None:
        with self._lock:
            self._skipped[reason] += 1

    def frames_dropped(self, reason: str, total: int) -> None:
        """Set the count for ``reason`` to ``total``."""
        with self._lock:
            if total:
                self._dropped[reason] = total

    def frames_embedded(self, count: int) -> None:
        with self._lock:
            self._embedded += count

    def state(self, state: str, reason: str) -> None:
        with self._lock:
            self._state = (state, reason)

    def signal(self, state: str, reason: str, pts_seconds: float) -> None:
        """The gate has opened or closed: nothing is in view until the next result."""
        with self._lock:
            self._signal = (state, reason)
            self._plane, self._scores, self._pts_seconds = None, {}, pts_seconds

    def result(
        self, *, plane: str | None, scores: dict[str, float], pts_seconds: float, captured_ns: int, now_ns: int
    ) -> None:
        """One frame has come through."""
        self.timings.add("latency", (now_ns - captured_ns) / 1e9)
        with self._lock:
            self._plane, self._scores, self._pts_seconds = plane, scores, pts_seconds
            self._latencies_ms.append((now_ns - captured_ns) / 1e6)
            self._result_ns.append(now_ns)

    def sinks(self, in_trouble: tuple[Standing, ...]) -> None:
        with self._lock:
            self._sinks = in_trouble

    def snapshot(self) -> Snapshot:
        with self._lock:
            latencies = list(self._latencies_ms)
            times = self._result_ns
            span_seconds = (times[-1] - times[0]) / 1e9 if len(times) > 1 else 0.0
            return Snapshot(
                state=self._state[0],
                state_reason=self._state[1],
                signal=self._signal[0],
                signal_reason=self._signal[1],
                plane=self._plane,
                scores=MappingProxyType(dict(self._scores)),
                pts_seconds=self._pts_seconds,
                media_seconds=self._media_seconds + self._frame_seconds,
                frames_read=self._read,
                frames_embedded=self._embedded,
                dropped=MappingProxyType(dict(self._dropped)),
                skipped=MappingProxyType(dict(self._skipped)),
                results_per_second=(len(times) - 1) / span_seconds if span_seconds else 0.0,
                latency_p50_ms=float(np.percentile(latencies, 50)) if latencies else None,
                latency_p95_ms=float(np.percentile(latencies, 95)) if latencies else None,
                sinks=self._sinks,
            )
