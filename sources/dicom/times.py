"""When each frame of a cine was seen, by whatever the file offers, the most trustworthy first."""

import math
from typing import NamedTuple

import numpy as np

from . import tags
from .elements import Elements
from .header import temporal_offsets

DEFAULT_FPS = 25.0
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.0005, 60.0
"""Between two frames; anything else is a writer's mistake."""


class FrameTimes(NamedTuple):
    """Media time of every frame, from 0.

    Attributes:
        step_seconds: between two frames, the median where it varies.
        known_seconds: rising times of the first frames, where each has its own; later ones follow at ``step_seconds``.
        origin: which element they come from, empty when the file has none and 25 frames per second were assumed.
        repaired: how many times were missing or did not rise, and were filled in.
    """

    step_seconds: float
    known_seconds: tuple[float, ...] = ()
    origin: str = ""
    repaired: int = 0

    def __call__(self, frame: int) -> float:
        known = self.known_seconds
        if frame < len(known):
            return known[frame]
        if not known:
            return frame * self.step_seconds
        return known[-1] + (frame - len(known) + 1) * self.step_seconds


def frame_times(elements: Elements) -> FrameTimes:
    """From the element the file points at, else FrameTime, FrameTimeVector, CineRate, RecommendedDisplayFrameRate."""
    if (offsets := temporal_offsets(elements)) is not None:
        ordered = _from_steps(np.diff(offsets), "TemporalPositionTimeOffset")
        if ordered is not None:
            return ordered
    by_time, by_vector = _frame_time(elements), _frame_time_vector(elements)
    points_at_vector = elements.tag_pointer(tags.FRAME_INCREMENT_POINTER) == tags.FRAME_TIME_VECTOR
    best = (by_vector or by_time) if points_at_vector else (by_time or by_vector)
    return (
        best
        or _rate(elements, tags.CINE_RATE, "CineRate")
        or _rate(elements, tags.DISPLAY_RATE, "RecommendedDisplayFrameRate")
        or FrameTimes(1 / DEFAULT_FPS)
    )


def _frame_time(elements: Elements) -> FrameTimes | None:
    milliseconds = elements.number(tags.FRAME_TIME)
    if milliseconds is None or not _is_plausible(milliseconds / 1000):
        return None
    return FrameTimes(milliseconds / 1000, origin="FrameTime")


def _frame_time_vector(elements: Elements) -> FrameTimes | None:
    """Increments in milliseconds; the first belongs to the first frame and is 0 by the standard."""
    numbers = elements.numbers(tags.FRAME_TIME_VECTOR)
    return _from_steps(np.array(numbers[1:]) / 1000, "FrameTimeVector") if len(numbers) > 1 else None


def _from_steps(steps_seconds: "np.ndarray[tuple[int], np.dtype[np.float64]]", origin: str) -> FrameTimes | None:
    is_good = np.array([_is_plausible(float(step)) for step in steps_seconds], dtype=bool)
    if not is_good.any():
        return None
    median = float(np.median(steps_seconds[is_good]))
    filled = np.where(is_good, steps_seconds, median)
    seconds = np.concatenate([[0.0], np.cumsum(filled)])
    return FrameTimes(median, tuple(seconds.tolist()), origin, int((~is_good).sum()))


def _rate(elements: Elements, tag: int, origin: str) -> FrameTimes | None:
    fps = elements.number(tag)
    return FrameTimes(1 / fps, origin=origin) if fps and fps > 0 and _is_plausible(1 / fps) else None


def _is_plausible(step_seconds: float) -> bool:
    return math.isfinite(step_seconds) and _SHORTEST_SECONDS <= step_seconds <= _LONGEST_SECONDS
