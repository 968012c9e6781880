"""How much of a picture has changed: the one measure that freezing and adaptive sampling share."""

import numpy as np
from numpy.typing import NDArray

CHANGED_GREYS = 12
"""Step in grey that counts as a change: more than a codec's or a capture card's noise (a standard deviation of 2), less
than what speckle does as soon as anything moves."""

BRIGHT = 24
"""Darker pixels say nothing: fluid is black whether it lives or not."""

MIN_BRIGHT_SHARE = 0.05

TIME_TOLERANCE_SECONDS = 1e-6
"""A span of media time may fall short by this: the times are decimal fractions, and their differences are not exact."""


def changed_share(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Part of the bright pixels that have changed, in [0, 1]; both pictures of one shape."""
    low, high = np.minimum(before, after), np.maximum(before, after)
    bright = np.count_nonzero(high > BRIGHT)
    changed = np.count_nonzero(high - low >= CHANGED_GREYS)
    return min(1.0, changed / max(bright, MIN_BRIGHT_SHARE * before.size, 1.0))
