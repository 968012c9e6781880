"""Events get their envelope here: which stream, which number, and when."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from ..sinks import AnyEvent, FrameScores, Stamp

E = TypeVar("E", bound=AnyEvent)


class Recorder:
    """Makes the events of one stream.

    Args:
        stream: its identity.
        stamped: whether events carry wall time and latency. A review's do not: it must give the same bytes each time.
        clock_ns: monotonic clock, the one `Frame.captured_ns` is read from.
    """

    def __init__(self, stream: str, *, stamped: bool, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.stream = stream
        self.stamped = stamped
        self._clock_ns = clock_ns
        self._sequence = 0
        self._score_sequence = 0
        self._count_drops: Callable[[], int] = lambda: 0
        self._drops_told = 0

    def watch_drops(self, count: Callable[[], int]) -> None:
        """Where to ask how many frames have been dropped so far."""
        self._count_drops = count

    def make(self, kind: type[E], *, captured_ns: int | None = None, **fields: Any) -> E:
        """An event of ``kind`` with the next number; ``captured_ns`` is that of the newest frame it speaks of."""
        if kind is FrameScores:
            sequence, self._score_sequence = self._score_sequence, self._score_sequence + 1
        else:
            sequence, self._sequence = self._sequence, self._sequence + 1
        return kind(stream=self.stream, sequence=sequence, stamp=self._stamp(captured_ns), **fields)

    def _stamp(self, captured_ns: int | None) -> Stamp | None:
        if not self.stamped:
            return None
        now_ns = self._clock_ns()
        captured_ns = now_ns if captured_ns is None else captured_ns
        drops_before, self._drops_told = self._drops_told, self._count_drops()
        return Stamp(
            captured_ns=captured_ns,
            latency_ms=round((now_ns - captured_ns) / 1e6, 3),
            wall_time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            frames_dropped=self._drops_told - drops_before,
        )
