"""Scores that do not jump. A pure state machine fed with (media time, scores)."""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Smoothing(Protocol):
    """Scores of one stream, frame by frame, to scores that can be judged by thresholds."""

    def update(self, pts_seconds: float, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n) scores of one frame in [0, 1] -> (n) scores in [0, 1]."""
        ...

    def reset(self) -> None:
        """Forget everything: the next frame starts afresh."""
        ...


class ExponentialSmoothing:
    """First-order low-pass over media time, so that its delay does not depend on the frame rate.

    For frames dt apart the weight of the new score is ``1 - exp(-dt / time_constant_seconds)``. The first frame after a
    pause of more than ``max_gap_seconds`` starts afresh: what was seen before the signal was lost says nothing.

    Args:
        time_constant_seconds: 0 switches smoothing off.
        max_gap_seconds: longest pause that is bridged.
    """

    def __init__(self, *, time_constant_seconds: float, max_gap_seconds: float) -> None:
        self._time_constant_seconds = time_constant_seconds
        self._max_gap_seconds = max_gap_seconds
        self._last_seconds: float | None = None
        self._state: NDArray[np.float64] | None = None

    def update(self, pts_seconds: float, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n) scores of one frame -> (n) smoothed scores."""
        fresh = scores.astype(np.float64)
        if self._state is None or self._last_seconds is None or self._time_constant_seconds <= 0:
            self._state = fresh
        else:
            gap_seconds = pts_seconds - self._last_seconds
            if gap_seconds < 0 or gap_seconds > self._max_gap_seconds:
                self._state = fresh
            else:
                weight = 1.0 - math.exp(-gap_seconds / self._time_constant_seconds)
                self._state = self._state + weight * (fresh - self._state)
        self._last_seconds = pts_seconds
        return self._state

    def reset(self) -> None:
        """Forget everything: the next frame starts afresh."""
        self._state = None
        self._last_seconds = None
