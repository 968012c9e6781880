"""Which frames are worth keeping. Pure: fed with what was measured, no pictures, no clock, no disk.

A frame's merit is quality x stillness x confidence, the last taken over 0.4 s to either side: a plane
that is held is better than one that is passed.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ...sinks import QualityItem

AROUND_SECONDS = 0.4

BETTER = 0.03
"""So much more merit is worth replacing a capture; less is noise."""

ALIKE = 3.0
"""Two pictures are one view when their fingerprints differ by less, in grey levels on average."""

Fingerprint = NDArray[np.float32]
"""(16 16) grey levels, the picture made small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A frame that might be kept.

    Attributes:
        frame_index, pts_seconds, epoch, captured_ns: which frame; the last is None where nobody has rated it.
        confidence: of the head for the plane it stands for, in [0, 1].
        quality: in [0, 1]; from 0.5 on nothing is wrong with it.
        worth: quality x stillness, in [0, 1].
        items: what ``quality`` is made of.
        steady: ``confidence`` over the time around it, in [0, 1]; known a little later.
    """

    frame_index: int
    pts_seconds: float
    epoch: int
    captured_ns: int | None
    confidence: float
    quality: float = 1.0
    worth: float = 1.0
    items: tuple[QualityItem, ...] = ()
    steady: float | None = None

    @property
    def merit(self) -> float:
        """In [0, 1]."""
        steady = self.confidence if self.steady is None else self.steady
        return steady * self.worth


class VisitPicker:
    """The best frame of one visit of a plane, while it lasts.

    Args:
        min_quality: frames under it are never the best.
    """

    def __init__(self, *, min_quality: float) -> None:
        self._min_quality = min_quality
        self._recent: deque[tuple[Contender, bool]] = deque()  # some a while back, for what lies around a frame
        self._judged = 0  # so many of them have had what lies after them
        self.best: Contender | None = None
        self.was_poor = False
        """Whether a frame was passed over for its quality alone."""

    def add(self, contender: Contender, *, eligible: bool) -> None:
        """The next frame; one that is not ``eligible`` (it is not of the visit, or must not leave) only counts."""
        self._recent.append((contender, eligible))
        while contender.pts_seconds - self._recent[self._judged][0].pts_seconds >= AROUND_SECONDS:
            self._judge_next()
        while contender.pts_seconds - self._recent[0][0].pts_seconds > 3 * AROUND_SECONDS:
            self._recent.popleft()
            self._judged -= 1

    def end(self) -> Contender | None:
        """The visit is over: the best of all its frames."""
        while self._judged < len(self._recent):
            self._judge_next()
        return self.best

    def _judge_next(self) -> None:
        contender, eligible = self._recent[self._judged]
        self._judged += 1
        if not eligible:
            return
        if contender.quality < self._min_quality:
            self.was_poor = True
            return
        around = [
            other.confidence
            for other, _ in self._recent
            if abs(other.pts_seconds - contender.pts_seconds) <= AROUND_SECONDS
        ]
        contender = replace(contender, steady=sum(around) / len(around))
        if self.best is None or contender.merit > self.best.merit:  # the first of equals: a review can be repeated
            self.best = contender


class Visit:
    """A plane in view, by its number in the stream.

    ``ordered`` is the frame that was last sent to be captured, ``was_blind`` whether frames were such that must not
    leave.
    """

    def __init__(self, number: int, plane: str, start_seconds: float, *, min_quality: float) -> None:
        self.number, self.plane, self.start_seconds = number, plane, start_seconds
        self.end_seconds = math.inf
        self.picker = VisitPicker(min_quality=min_quality)
        self.ordered: Contender | None = None
        self.was_blind = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A capture that is there or on its way to the disk.

    Attributes:
        capture_id, plane: as in its events.
        visit: number of the visit it is of, -1 for none.
        merit: in [0, 1].
        cause: "auto", "operator" or "freeze".
        is_fixed: the operator wants it; nothing replaces it.
        is_poor: its quality is too low to be kept of itself.
        fingerprint: of its picture, None when it is of an earlier run.
    """

    capture_id: str
    plane: str
    visit: int
    merit: float
    cause: str
    is_fixed: bool = False
    is_poor: bool = False
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a frame is captured, and which capture it takes the place of ("" for none)."""

    save: bool
    replaces: str = ""


class Album:
    """What is captured of an exam, and how much more is wanted.

    Args:
        wanted: captures per plane.
        otherwise: of planes not named there.
    """

    def __init__(self, wanted: Mapping[str, int], *, otherwise: int) -> None:
        self._wanted, self._otherwise = dict(wanted), otherwise
        self._kept: dict[str, Kept] = {}
        self._unwanted: list[Kept] = []

    def judge(self, one: Kept) -> Verdict:
        """What to do with a frame that would be kept as ``one``; its identity does not matter.

        What the operator asks for is always captured. Of one view (a visit, or pictures that are alike) there is one
        capture: a frozen one stands before one chosen by itself, else the better one. Beyond the wanted number the
        worst gives way to a better one.
        """
        if one.cause == "operator":
            return Verdict(save=True)
        if any(_one_view(one, other) for other in self._unwanted):
            return Verdict(save=False)
        of_plane = [kept for kept in self._kept.values() if kept.plane == one.plane]
        of_view = [kept for kept in of_plane if _one_view(one, kept)]
        if of_view:
            rival = min(of_view, key=_rank)
            gives_way = all(_gives_way(kept, one) for kept in of_view)
            return Verdict(save=gives_way, replaces=rival.capture_id if gives_way else "")
        if len(of_plane) < self._wanted.get(one.plane, self._otherwise):
            return Verdict(save=True)
        if not of_plane:  # none is wanted
            return Verdict(save=False)
        worst = min(of_plane, key=_rank)
        gives_way = _gives_way(worst, one)
        return Verdict(save=gives_way, replaces=worst.capture_id if gives_way else "")

    def add(self, one: Kept) -> None:
        """It is captured."""
        self._kept[one.capture_id] = one

    def remove(self, capture_id: str, *, unwanted: bool = False) -> Kept | None:
        """It is gone; ``unwanted`` when the operator has discarded it: its view is not captured again of itself."""
        gone = self._kept.pop(capture_id, None)
        if gone is not None and unwanted:
            self._unwanted.append(gone)
        return gone

    def fix(self, capture_id: str) -> Kept | None:
        """Nothing replaces it from now on; None when there is no such capture."""
        kept = self._kept.get(capture_id)
        if kept is not None:
            self._kept[capture_id] = kept = replace(kept, is_fixed=True)
        return kept

    def newest(self) -> str | None:
        """Identity of the capture that was added last."""
        return next(reversed(self._kept), None)

    def __contains__(self, capture_id: object) -> bool:
        return capture_id in self._kept


def fingerprint(pixels: NDArray[np.uint8]) -> Fingerprint:
    """(h w) or (h w 3) uint8 -> (16 16) float32."""
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
    return np.asarray(cv2.resize(grey.astype(np.float32), (16, 16), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _one_view(a: Kept, b: Kept) -> bool:
    if a.plane != b.plane:
        return False
    if a.visit == b.visit and a.visit >= 0:
        return True
    if a.fingerprint is None or b.fingerprint is None:
        return False
    return float(np.abs(a.fingerprint - b.fingerprint).mean()) < ALIKE


def _gives_way(old: Kept, new: Kept) -> bool:
    if old.is_fixed:
        return False
    if old.cause == new.cause:
        return new.merit > old.merit + BETTER
    return new.cause == "freeze" and not new.is_poor


def _rank(kept: Kept) -> tuple[bool, bool, float]:
    """The least goes first."""
    return kept.is_fixed, kept.cause == "freeze", kept.merit
