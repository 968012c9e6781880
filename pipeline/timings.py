"""How long things take, as counts per length: cheap enough for every frame, and exact enough for percentiles."""

import bisect
import threading
from typing import NamedTuple

BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Histogram(NamedTuple):
    """Durations so far: ``counts[i]`` took at most ``BOUNDS_SECONDS[i]`` and longer than the bound before; the last
    count is of those beyond all bounds."""

    counts: tuple[int, ...]
    sum_seconds: float


class Timings:
    """Durations by name. Every method is safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        """One more; a clock that went back counts as nothing."""
        seconds = max(0.0, seconds)
        with self._lock:
            counts = self._counts.setdefault(name, [0] * (len(BOUNDS_SECONDS) + 1))
            counts[bisect.bisect_left(BOUNDS_SECONDS, seconds)] += 1
            self._sums[name] = self._sums.get(name, 0.0) + seconds

    def histograms(self) -> dict[str, Histogram]:
        """All of them, in the order in which they first came."""
        with self._lock:
            return {name: Histogram(tuple(counts), self._sums[name]) for name, counts in self._counts.items()}
