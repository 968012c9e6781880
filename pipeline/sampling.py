"""Which frames are worth an embedding. Pure state machines fed with media time; no clock, no video."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .signal.motion import TIME_TOLERANCE_SECONDS, changed_share


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
        tick = int((pts_seconds - self._start_seconds + TIME_TOLERANCE_SECONDS) * self._rate_fps)
        if tick < self._next_tick:
            return False
        self._next_tick = tick + 1
        return True


NEAR_DUPLICATE_SHARE = 0.025
"""Less of the fan than this has changed in what is as good as the same picture; see `FreezeWatch`."""


class Motion:
    """Leaves out frames that show nothing new since the last that was taken.

    A frame is taken when enough of the fan has changed since then, however slowly, or when the least rate asks for it.
    So a sweep is seen at the full rate, a probe held still at the least. Use it behind a `FixedRate` of the most.

    Args:
        min_fps: at least so many frames per second of media time are taken, if the source gives them.
        changed_share: part of the fan's bright pixels, in [0, 1], that must have changed.
    """

    def __init__(self, *, min_fps: float, changed_share: float) -> None:
        if not min_fps > 0:
            raise ValueError(f"min_fps must be above 0, not {min_fps}")
        self._most_seconds = 1 / min_fps
        self._changed_share = changed_share
        self._epoch: int | None = None
        self._taken_seconds = 0.0
        self._taken: NDArray[np.uint8] | None = None

    def left_out(self, pts_seconds: float, epoch: int, samples: NDArray[np.uint8]) -> str:
        """Why the next frame, of which (n) ``samples`` are known, is left out; empty when it is taken."""
        taken = self._taken
        waited_seconds = pts_seconds - self._taken_seconds
        is_due = epoch != self._epoch or not 0 <= waited_seconds + TIME_TOLERANCE_SECONDS < self._most_seconds
        if not is_due and taken is not None and taken.shape == samples.shape:
            share = changed_share(taken, samples)
            if share < self._changed_share:
                return "near_duplicate" if share < NEAR_DUPLICATE_SHARE else "slow_motion"
        self._epoch, self._taken_seconds, self._taken = epoch, pts_seconds, samples
        return ""
