"""Telling an old buffer that a driver returns as new from a picture that stands still."""

import numpy as np

from .frame import Pixels

WAIT_SECONDS = 1.0
"""A read that took so long and brought the very same bytes ran into the driver's time-out."""
_COARSE_ROWS = 16


class StaleCheck:
    """Looks at each picture once. A pure state machine.

    A frozen ultrasound image over a digital cable is the same to the last bit, frame after frame, and yet new: so equal
    bytes alone say nothing. They do when the driver's own stamp did not move either, or when the read took as long as
    a time-out.
    """

    def __init__(self) -> None:
        self._pixels: Pixels | None = None
        self._stamp_seconds: float | None = None

    def is_old(self, pixels: Pixels, *, stamp_seconds: float | None, waited_seconds: float) -> bool:
        """Whether this is the last picture over again.

        Args:
            pixels: as read; kept until the next call.
            stamp_seconds: the driver's, None when it gives none.
            waited_seconds: how long the read took.
        """
        before, stamp_before = self._pixels, self._stamp_seconds
        self._pixels, self._stamp_seconds = pixels, stamp_seconds
        suspicious = waited_seconds >= WAIT_SECONDS or (stamp_seconds is not None and stamp_seconds == stamp_before)
        return suspicious and before is not None and _same(before, pixels)


def _same(one: Pixels, other: Pixels) -> bool:
    if one.shape != other.shape or not np.array_equal(one[::_COARSE_ROWS], other[::_COARSE_ROWS]):
        return False
    return np.array_equal(one, other)
