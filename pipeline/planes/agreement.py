"""How well plane events agree with a known truth: per-frame F1 and the delay of each onset. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """A plane in view over [start_seconds, end_seconds)."""

    plane: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Attributes:
    per_plane_f1: F1 in [0, 1] over frames, for each plane that either side names.
    macro_f1: their mean; 1.0 when neither side names any.
    found: true visits with an overlapping event of the same plane.
    onset_delays_seconds: for each of them, event onset less true onset (negative: early).
    missed: true visits without an overlapping event of the same plane.
    false_alarms: events that overlap no true visit of the same plane.
    """

    per_plane_f1: dict[str, float]
    macro_f1: float
    found: tuple[Interval, ...]
    onset_delays_seconds: tuple[float, ...]
    missed: tuple[Interval, ...]
    false_alarms: tuple[Interval, ...]

    @property
    def median_onset_delay_seconds(self) -> float | None:
        return float(np.median(self.onset_delays_seconds)) if self.onset_delays_seconds else None


def compare(
    found: Sequence[Interval], truth: Sequence[Interval], *, duration_seconds: float, rate_fps: float
) -> Agreement:
    """Compare intervals on a grid of frames over [0, duration_seconds)."""
    times = (np.arange(max(1, round(duration_seconds * rate_fps))) + 0.5) / rate_fps
    planes = sorted({interval.plane for interval in (*found, *truth)})
    per_plane = {plane: _f1(_mask(found, plane, times), _mask(truth, plane, times)) for plane in planes}
    matches = [(true, next((event for event in found if _meets(event, true)), None)) for true in truth]
    return Agreement(
        per_plane_f1=per_plane,
        macro_f1=float(np.mean(list(per_plane.values()))) if per_plane else 1.0,
        found=tuple(true for true, event in matches if event is not None),
        onset_delays_seconds=tuple(e.start_seconds - t.start_seconds for t, e in matches if e is not None),
        missed=tuple(true for true, event in matches if event is None),
        false_alarms=tuple(event for event in found if not any(_meets(event, true) for true in truth)),
    )


def _meets(a: Interval, b: Interval) -> bool:
    return a.plane == b.plane and a.start_seconds < b.end_seconds and b.start_seconds < a.end_seconds


def _mask(intervals: Iterable[Interval], plane: str, times: np.ndarray) -> np.ndarray:
    mask = np.zeros(len(times), dtype=bool)
    for interval in intervals:
        if interval.plane == plane:
            mask |= (times >= interval.start_seconds) & (times < interval.end_seconds)
    return mask


def _f1(found: np.ndarray, truth: np.ndarray) -> float:
    hits = int((found & truth).sum())
    total = int(found.sum() + truth.sum())
    return 2 * hits / total if total else 1.0
