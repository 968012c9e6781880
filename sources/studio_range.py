"""Is what a card sends full range, or video's 16 to 235? RGB pictures rarely say so; their greys do."""

import numpy as np

from .frame import Pixels

EXPAND: Pixels = np.clip(np.rint((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)
"""Limited range (16-235) to full range, a table of 256 greys."""

EVERY_PX = 7
"""Every seventh pixel of every seventh row is looked at."""

BELOW, ABOVE = 12, 240
"""Greys under and over these have no place in limited range; a few are there all the same, by ringing at edges."""

BLACK, WHITE = slice(14, 19), slice(225, 241)
"""Where the black of the screen and the white of its texts are when the range is limited."""

STRAY_SHARE = 0.001
BLACK_SHARE = 0.05
WHITE_SHARE = 0.0002
ENOUGH_PICTURES = 12


class StudioRange:
    """Judges the pictures of one stream, in order, until it is sure.

    A screen holds black and white: black paper around the fan, white text. In limited range they lie at 16 and 235, and
    nothing lies beyond. Twelve such pictures, and the range is limited; one picture with greys beyond, and it is full,
    for good. A screen that shows no black or no white is taken as it is.
    """

    def __init__(self) -> None:
        self._is_full = False
        self._limited = 0

    def is_limited(self, picked: Pixels) -> bool:
        """Whether a picture, of which (...) uint8 values were picked, and those after it are to be expanded."""
        if self._is_full:
            return False
        counts = np.bincount(picked.ravel(), minlength=256) / max(1, picked.size)
        if counts[:BELOW].sum() + counts[ABOVE + 1 :].sum() > STRAY_SHARE:
            self._is_full, self._limited = True, 0
            return False
        if (
            self._limited < ENOUGH_PICTURES
            and counts[BLACK].sum() >= BLACK_SHARE
            and counts[WHITE].sum() >= WHITE_SHARE
        ):
            self._limited += 1
        return self._limited >= ENOUGH_PICTURES


def picked(pixels: Pixels) -> Pixels:
    """(h w) or (h w c) -> the values to judge by."""
    return pixels[::EVERY_PX, ::EVERY_PX]
