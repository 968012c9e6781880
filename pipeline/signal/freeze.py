"""Has the operator pressed freeze? A pure state machine fed with (time, picked pixels)."""

import numpy as np
from numpy.typing import NDArray

from .motion import TIME_TOLERANCE_SECONDS, changed_share

CHANGED_SHARE = 0.025
"""Part of the bright pixels that must have changed. A mouse pointer or a calliper changes less than 0.01."""

MIN_STILL_FRAMES = 3


class FreezeWatch:
    """Says whether the picture has stood still.

    Pictures are compared not with the one before but with an anchor, the last that differed: slow motion adds up until
    it is seen, the noise of a codec doesn't. One change alone is no life (a codec refreshes a still at each key frame);
    two within ``pair_seconds`` are. Sources that repeat frames, as one of 12.7 frames a second in a capture of 25, need
    no care: between repeats they change.

    Args:
        hold_seconds: how long nothing must have lived for the picture to be frozen.
        pair_seconds: two changes no further apart than this are life.
    """

    def __init__(self, *, hold_seconds: float, pair_seconds: float = 0.5) -> None:
        self._hold_seconds = hold_seconds
        self._pair_seconds = pair_seconds
        self._anchor: NDArray[np.uint8] | None = None
        self._changed_seconds = -np.inf
        self._alive_seconds = 0.0
        self._still_frames = 0
        self.changed_share = 0.0

    @property
    def still_since_seconds(self) -> float:
        """Media time of the last sign of life."""
        return self._alive_seconds

    def update(self, pts_seconds: float, samples: NDArray[np.uint8]) -> bool:
        """(n) grey pixels of the next picture -> whether it is frozen."""
        anchor = self._anchor
        if anchor is None or anchor.shape != samples.shape or pts_seconds < self._alive_seconds:
            self._anchor, self._still_frames = samples, 0
            self._alive_seconds = self._changed_seconds = pts_seconds
            self.changed_share = 0.0
            return False
        self.changed_share = changed_share(anchor, samples)
        if self.changed_share >= CHANGED_SHARE:
            if pts_seconds - self._changed_seconds <= self._pair_seconds:
                self._alive_seconds, self._still_frames = pts_seconds, 0
            self._changed_seconds = pts_seconds
            self._anchor = samples
        else:
            self._still_frames += 1
        still_seconds = pts_seconds - self._alive_seconds + TIME_TOLERANCE_SECONDS
        return still_seconds >= self._hold_seconds and self._still_frames >= MIN_STILL_FRAMES
