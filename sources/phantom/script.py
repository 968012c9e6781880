"""The sweep: where the probe is at each moment, and what is therefore in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .anatomy import BACKGROUND, TARGETS, Target, draw_pose
from .canvas import Pose
from .events import ScanClock, ScanEvent
from .fetus import Fetus, Pathology
from .physics import Settings
from .render import View
from .truth import Truth
from .womb import Womb

_SETTLE_SECONDS = 0.5
_LEAD_SECONDS = 0.6  # fluid and small parts before the first plane comes


class Interval(NamedTuple):
    """Half-open range of media time in which a plane is seen."""

    plane: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class _Visit:
    """A plane held from start to end (scan time), reached from and left towards a height."""

    plane: str
    start: float
    end: float
    pose: Pose
    came_from: int  # +1 from above, -1 from below
    leaves_to: int

    @property
    def target(self) -> Target:
        return TARGETS[self.plane]


class Script:
    """A seeded sweep over one fetus, endless: after all planes were seen they come again, in other poses.

    Planes are held for 2 to 3.2 s with 1 to 1.6 s in between; the first four hold a heart and a brain.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        depth_mm: float = 92.0,
        heart_rate_bpm: float = 140.0,
        pathology: Pathology = "normal",
        events: Sequence[ScanEvent] = (),
        settings: Settings = Settings(),  # noqa: B008 (frozen)
    ) -> None:
        rng = np.random.default_rng([seed, 41])
        self._seed, self._rate_hz = seed, heart_rate_bpm / 60
        self._events, self._clock, self._settings = tuple(events), ScanClock(events), settings
        self.fetus = Fetus(
            seed=seed,
            weeks=float(rng.uniform(20.0, 23.0)),
            pathology=pathology,
            cephalic_index=float(rng.uniform(0.76, 0.82)),
        )
        self._womb = Womb(
            seed=seed,
            depth_mm=depth_mm,
            wall_mm=float(rng.uniform(0.13, 0.19)) * depth_mm,
            placenta=("anterior", "posterior", "none")[int(rng.choice(3, p=(0.3, 0.5, 0.2)))],
            parts=5,
        )
        self._visits: list[_Visit] = []
        self._sweeps = 0
        self._tremor = rng.uniform(0, 2 * np.pi, 6)

    def truth(self, media_seconds: float) -> Truth:
        """What is seen at this media time."""
        return self.moment(media_seconds)[1]

    def moment(self, media_seconds: float) -> tuple[View, Truth]:
        """What to draw at this media time, and what it is."""
        scan = self._clock.scan_seconds(media_seconds)
        shown = self._clock.media_seconds(scan)  # while frozen: the moment the still was taken
        frozen = any(e.kind == "freeze" and e.holds(media_seconds) for e in self._events)
        lifted = any(e.kind == "lift" and e.holds(shown) for e in self._events)
        gain = sum(e.gain_db for e in self._events if e.kind == "gain" and e.holds(shown))
        phase = scan * self._rate_hz % 1.0
        visit, offset, pose, oblique = self._where(scan)
        z = visit.target.z + offset
        off = self._off(visit.target, z)
        plane = visit.plane if visit.start <= scan < visit.end else BACKGROUND
        quality = 0.0 if lifted else max(0.0, 1 - off) if plane != BACKGROUND else min(max(0.0, 1 - off), 0.499)
        view = View(
            womb=self._womb,
            fetus=self.fetus,
            body=visit.target.body,
            pose=pose,
            z=z,
            oblique=oblique,
            phase=phase,
            slide_mm=float(7 * np.sin(0.23 * scan + self._tremor[0]) + 3 * np.sin(0.61 * scan + self._tremor[1])),
            sweep_mm=float(9 * np.sin(0.27 * scan + self._tremor[2]) + 5 * np.sin(0.71 * scan + self._tremor[3])),
            settings=replace(self._settings, gain_db=self._settings.gain_db + gain),
            lifted=lifted,
            frozen=frozen,
            key=round(scan * 1000) * 7919 + self._seed,
        )
        truth = Truth(
            plane=BACKGROUND if lifted else plane,
            quality=quality,
            frozen=frozen,
            lifted=lifted,
            cardiac_phase=phase,
            pathology=self.fetus.pathology,
        )
        return view, truth

    def intervals(self, until_seconds: float) -> list[Interval]:
        """Where planes are seen within [0, until_seconds) of media time, in order."""
        self._extend(self._clock.scan_seconds(until_seconds) + 10)
        found = [
            Interval(v.plane, self._clock.media_seconds(v.start), self._clock.media_seconds(v.end))
            for v in self._visits
        ]
        for event in self._events:
            if event.kind == "lift":
                found = [piece for interval in found for piece in _without(interval, event)]
        return [
            i._replace(end_seconds=min(i.end_seconds, until_seconds)) for i in found if i.start_seconds < until_seconds
        ]

    def _where(self, scan: float) -> tuple[_Visit, float, Pose, float]:
        """The nearest visit, signed distance from its plane, its body's pose, and how oblique the cut is."""
        self._extend(scan + 10)
        ends = [(a.end + b.start) / 2 for a, b in zip(self._visits, self._visits[1:], strict=False)]
        at = int(np.searchsorted(ends, scan, side="right"))
        visit = self._visits[at]
        before = self._visits[at - 1] if at else None
        after = self._visits[at + 1]
        half = 0.5 * visit.target.tolerance
        wobble = self._wobble(scan)
        pose = replace(
            visit.pose,
            x_mm=visit.pose.x_mm + 1.6 * wobble[0],
            y_mm=visit.pose.y_mm + 1.0 * wobble[1],
            turn_rad=visit.pose.turn_rad + 0.035 * wobble[2],
        )
        if scan < visit.start:
            middle = (before.end + visit.start) / 2 if before else 0.0
            way = (visit.start - scan) / (visit.start - middle)
            return visit, *_travel(visit, before, pose, way, visit.came_from), _ease(2.5 * way)
        if scan >= visit.end:
            middle = (visit.end + after.start) / 2
            way = (scan - visit.end) / (middle - visit.end)
            return visit, *_travel(visit, after, pose, way, visit.leaves_to), _ease(2.5 * way)
        arriving = 1 - _ease((scan - visit.start) / _SETTLE_SECONDS)
        leaving = _ease((scan - visit.end + _SETTLE_SECONDS) / _SETTLE_SECONDS)
        calm = (1 - arriving) * (1 - leaving)
        return (
            visit,
            half * (visit.came_from * arriving + visit.leaves_to * leaving + 0.18 * calm * wobble[3]),
            pose,
            0.0,
        )

    def _wobble(self, scan: float) -> list[float]:
        """Four slow unrests of a hand, each within [-1, 1]."""
        t = self._tremor
        return [
            float(0.6 * np.sin((0.7 + 0.2 * k) * scan + t[k]) + 0.4 * np.sin(2.3 * scan + t[k + 1])) for k in range(4)
        ]

    @staticmethod
    def _off(target: Target, z: float) -> float:
        return abs(z - target.z) / target.tolerance

    def _extend(self, until: float) -> None:
        while not self._visits or self._visits[-1].start <= until:
            self._visits = _sweep(self._visits, self._seed, self._sweeps, self.fetus, self._womb)
            self._sweeps += 1


def _sweep(visits: list[_Visit], seed: int, number: int, fetus: Fetus, womb: Womb) -> list[_Visit]:
    """The visits so far and those of one more sweep over all planes."""
    rng = np.random.default_rng([seed, 42, number])
    visits = list(visits)
    for plane in _order(rng):
        last = visits[-1] if visits else None
        target = TARGETS[plane]
        start = (last.end + rng.uniform(1.0, 1.6)) if last else _LEAD_SECONDS + rng.uniform(0.4, 1.0)
        pose = draw_pose(target.body, fetus, rng, depth_mm=womb.depth_mm, wall_mm=womb.wall_mm, variety=0.6)
        came_from, leaves_to = (1 if target.z > -0.2 else -1), (1 if target.z > -0.2 else -1)
        if last is not None and last.target.body == target.body and last.plane != plane:
            pose = replace(
                last.pose, x_mm=last.pose.x_mm + rng.normal(0, 3), turn_rad=last.pose.turn_rad + rng.normal(0, 0.06)
            )
            way = 1 if target.z > last.target.z else -1
            visits[-1], came_from = replace(last, leaves_to=way), -way
        visits.append(_Visit(plane, start, start + rng.uniform(2.0, 3.2), pose, came_from, leaves_to))
    return visits


def _order(rng: np.random.Generator) -> list[str]:
    """All planes, a heart and a brain among the first four."""
    names = list(TARGETS)
    while True:
        order = [names[int(k)] for k in rng.permutation(len(names))]
        first = order[:4]
        if "four_chamber" in first and any(TARGETS[p].body == "head" for p in first):
            return order


def _travel(visit: _Visit, other: _Visit | None, pose: Pose, way: float, side: int) -> tuple[float, Pose]:
    """Offset and pose between two visits; ``way`` is 0 at this visit's edge and 1 half way to the other."""
    target, half = visit.target, 0.5 * visit.target.tolerance
    if other is not None and other.target.body == target.body and other.plane != visit.plane:
        meet = (target.z + other.target.z) / 2 + side * (half - 0.5 * other.target.tolerance) / 2
        middle = replace(
            pose,
            x_mm=pose.x_mm + (other.pose.x_mm - visit.pose.x_mm) / 2 * _ease(way),
            y_mm=pose.y_mm + (other.pose.y_mm - visit.pose.y_mm) / 2 * _ease(way),
            turn_rad=pose.turn_rad + (other.pose.turn_rad - visit.pose.turn_rad) / 2 * _ease(way),
        )
        return side * half + way * (meet - target.z - side * half), middle
    gone = target.exits[side > 0] - target.z - side * half
    way = min(way / 0.8, 1.0)
    away = replace(pose, x_mm=pose.x_mm + 14 * side * _ease(way), turn_rad=pose.turn_rad + 0.2 * side * way**2)
    return side * half + gone * (0.35 * way + 0.65 * way**2), away


def _without(interval: Interval, event: ScanEvent) -> list[Interval]:
    pieces = (
        interval._replace(end_seconds=min(interval.end_seconds, event.start_seconds)),
        interval._replace(start_seconds=max(interval.start_seconds, event.end_seconds)),
    )
    return [p for p in pieces if p.start_seconds < p.end_seconds]


def _ease(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)
