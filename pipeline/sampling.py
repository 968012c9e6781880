"""Which frames are worth an embedding. Pure state machines fed with media time; no clock, no video."""

from typing import Protocol

GRID_TOLERANCE = 1e-6
"""Seconds by which a stamp may fall short of its tick: media times are decimal fractions rounded by a container."""


class Sampler(Protocol):
    """Says of each frame in turn whether it is wanted."""

    def wants(self, pts_seconds: float, epoch: int) -> bool: ...


class EveryFrame:
    """All of them."""

    def wants(self, pts_seconds: float, epoch: int) -> bool:  # noqa: ARG002 - the seam's signature
        return True


class FixedRate:
    """At most ``rate_fps`` frames per second of *media* time, on a fixed grid.

    The grid starts at the first frame of an epoch. A frame is wanted when it is the first at or after the next tick, so
    a source slower than the rate loses nothing, and one that announces a wrong rate is sampled rightly all the same.
    """

    def __init__(self, rate_fps: float) -> None:
        if not rate_fps > 0:
            raise ValueError(f"rate_fps must be above 0, not {rate_fps}")
        self._rate_fps = rate_fps
        self._epoch: int | None = None
        self._start_seconds = 0.0
        self._next_tick = 0

    def wants(self, pts_seconds: float, epoch: int) -> bool:
        if epoch != self._epoch:
            self._epoch = epoch
            self._start_seconds = pts_seconds
            self._next_tick = 0
        tick = int((pts_seconds - self._start_seconds + GRID_TOLERANCE) * self._rate_fps)
        if tick < self._next_tick:
            return False
        self._next_tick = tick + 1
        return True
