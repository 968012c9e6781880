"""What a few seconds of a stream show. Fed with items; no clock, no threads."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...sources import Damage, Frame, Item, Pixels, SourceState, StateChange
from ...sources.frame import Stored
from ..signal.fan import Fan
from ..signal.fan_finder import find_fan
from ..signal.gates import Gates, Verdict
from ..signal.glance import Glancer

_FAN_PICTURES, _FAN_STEP_SECONDS = 3, 0.1
_LOOK_STEP_SECONDS = 0.035
"""A faster stream is not looked at in every frame: looking must not slow down what is measured."""
_GRID = 8
_SETTLE_SECONDS = 0.4
"""What comes first is no measure of the rate: libraries are loaded, what waited in queues comes at once,
and finding the fan takes its time."""
_NS = 1_000_000_000


class Rate(NamedTuple):
    """How often pictures came.

    Attributes:
        fps: by the clock of this machine; pictures that were let go for newer ones count.
        stamped_fps: by the stream's own time stamps, None when they stand still.
        seconds: over how long.
        longest_gap_ms: between two pictures.
    """

    fps: float
    stamped_fps: float | None
    seconds: float
    longest_gap_ms: float


class Levels(NamedTuple):
    """The darkest and the brightest grey there was, 0 to 255."""

    darkest: int
    brightest: int


class Signal:
    """Is there something for a model to see? Finds the fan first, then asks the gates.

    Args:
        gates: fresh ones; None asks none.
        finds_fan: False takes the whole picture for the fan.
    """

    def __init__(self, gates: Gates | None, *, finds_fan: bool = True) -> None:
        self._pictures: list[tuple[float, Pixels]] = []
        self._gates, self._glancer = gates, Glancer()
        self.has_gates, self.finds_fan = gates is not None, finds_fan
        self._is_searched = not finds_fan
        self.fan: Fan | None = None
        self.verdict: Verdict | None = None
        """The gates' latest word, None when the stream was too short to ask them."""

    def look(self, pts_seconds: float, epoch: int, pixels: Pixels) -> None:
        """(h w) or (h w 3) ``pixels`` of the next picture."""
        if not self._is_searched:
            self._collect(pts_seconds, pixels)
            return
        if self._gates is not None:
            self.verdict = self._gates.update(pts_seconds, epoch, self._glancer.look(pixels, self.fan))

    def _collect(self, pts_seconds: float, pixels: Pixels) -> None:
        kept = self._pictures
        if kept and kept[-1][1].shape[:2] != pixels.shape[:2]:
            kept.clear()
        if not kept or pts_seconds - kept[-1][0] >= _FAN_STEP_SECONDS:
            kept.append((pts_seconds, pixels))
        if len(kept) == _FAN_PICTURES:
            self.fan = find_fan([picture for _, picture in kept])
            self._is_searched = True
            kept.clear()


@dataclass(slots=True)
class Watch:
    """Takes items until it has seen enough.

    Attributes:
        wanted_seconds: how long the rate is measured.
        states, damage: in order.
        sizes_px: (width, height) of the pictures, in order of first sight.
        stored: how the newest picture lay in the stream.
        repairs: pictures whose time stamp had to be repaired.
        spacing_mm: of a pixel, None when unknown.
    """

    wanted_seconds: float
    states: list[StateChange] = field(default_factory=list[StateChange])
    damage: list[Damage] = field(default_factory=list[Damage])
    sizes_px: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    stored: Stored | None = None
    repairs: int = 0
    spacing_mm: float | None = None
    signal: Signal = field(default_factory=lambda: Signal(Gates()))
    levels: Levels | None = None
    _arrivals: list[tuple[int, int, float]] = field(default_factory=list[tuple[int, int, float]])
    _looked_ns: int | None = None

    @property
    def frames(self) -> int:
        """Pictures taken."""
        return len(self._arrivals)

    def take(self, item: Item) -> bool:
        """False when it has seen enough."""
        if isinstance(item, StateChange):
            self.states.append(item)
            return item.state not in (SourceState.ENDED, SourceState.FAILED)
        if isinstance(item, Damage):
            self.damage.append(item)
            return True
        self._frame(item)
        return item.captured_ns - self._arrivals[0][0] < (_SETTLE_SECONDS + self.wanted_seconds) * _NS

    def rate(self) -> Rate | None:
        """None when fewer than three pictures came once the stream had settled."""
        settled_ns = self._arrivals[0][0] + _SETTLE_SECONDS * _NS if self._arrivals else 0
        arrivals = [arrival for arrival in self._arrivals if arrival[0] >= settled_ns]
        if len(arrivals) < 3:
            return None
        (began_ns, first, began_pts), *_, (ended_ns, last, ended_pts) = arrivals
        seconds, media_seconds = (ended_ns - began_ns) / _NS, ended_pts - began_pts
        if seconds <= 0:
            return None
        gaps_ns = [later - earlier for (earlier, _, _), (later, _, _) in pairwise(arrivals)]
        return Rate(
            fps=(last - first) / seconds,
            stamped_fps=(last - first) / media_seconds if media_seconds > 0 else None,
            seconds=seconds,
            longest_gap_ms=max(gaps_ns) / 1e6,
        )

    def _frame(self, frame: Frame) -> None:
        self._arrivals.append((frame.captured_ns, frame.index, frame.pts_seconds))
        self.repairs += frame.repair is not None
        picture = frame.picture
        self.stored, self.spacing_mm = picture.stored, frame.spacing_mm
        if (size := (picture.width_px, picture.height_px)) not in self.sizes_px:
            self.sizes_px.append(size)
        if self._looked_ns is None or frame.captured_ns - self._looked_ns >= _LOOK_STEP_SECONDS * _NS:
            self._looked_ns = frame.captured_ns
            self.signal.look(frame.pts_seconds, frame.epoch, picture.pixels)
            self._measure_levels(picture.grey)

    def _measure_levels(self, grey: Pixels) -> None:
        """From a grid of pixels: the edges of a picture ring where a codec met a caption, a grid seldom hits those."""
        picked = grey[_GRID // 2 :: _GRID, _GRID // 2 :: _GRID]
        if picked.size:
            darkest, brightest = int(np.min(picked)), int(np.max(picked))
            known = self.levels or Levels(darkest, brightest)
            self.levels = Levels(min(known.darkest, darkest), max(known.brightest, brightest))
