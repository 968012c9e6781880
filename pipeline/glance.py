"""A quick look at a picture: some ten thousand of its pixels, as they are.

Pixels are picked, not averaged: averaging would take away the very noise by which a living picture is told from a
frozen one. Picking costs a tenth of a millisecond where shrinking a 1024 x 768 picture well costs ten times that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..sources import Pixels
from .fan import Fan

COLUMNS = 128
"""About so many pixels are picked along a row."""

SHIFT_PX = 9
"""How far to the right a picked pixel is compared, to tell flat areas from speckle; farther than a block of a codec."""

Grid = NDArray[np.uint8]
"""(h w) uint8 of picked pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What was picked, in rows and columns.

    Attributes:
        high: (h w) brightest channel.
        low: (h w) darkest channel; the same array as ``high`` in a grey picture.
        beside: (h w) brightest channel some pixels to the right.
        inside: (h w) bool, within the fan; everywhere when the fan isn't known.
    """

    high: Grid
    low: Grid
    beside: Grid
    inside: NDArray[np.bool_]

    @property
    def fan_high(self) -> NDArray[np.uint8]:
        """(n) the brightest channel within the fan."""
        return self.high[self.inside]


class Glancer:
    """Takes glances; remembers which of the picked pixels lie in the fan."""

    def __init__(self) -> None:
        self._fan: Fan | None = None
        self._inside: NDArray[np.bool_] | None = None

    def look(self, pixels: Pixels, fan: Fan | None) -> Glance:
        """(h w) or (h w 3) uint8 -> a glance. A fan of pictures of another size counts as unknown."""
        width = pixels.shape[1]
        step = max(1, width // COLUMNS)
        start = step // 2
        shift = min(SHIFT_PX, width - 1 - start)
        picked = pixels[start::step, start : width - shift : step]
        beside = pixels[start::step, start + shift :: step]
        high, low = _extremes(picked)
        return Glance(high=high, low=low, beside=_extremes(beside)[0], inside=self._mask(high, step, pixels, fan))

    def _mask(self, high: Grid, step: int, pixels: Pixels, fan: Fan | None) -> NDArray[np.bool_]:
        if fan is not None and fan.mask.shape != pixels.shape[:2]:
            fan = None
        if self._inside is None or self._inside.shape != high.shape or self._fan is not fan:
            self._fan = fan
            start = step // 2
            self._inside = np.ones(high.shape, bool)
            if fan is not None:
                self._inside = fan.mask[start::step, start::step][:, : high.shape[1]] > 0
                if not self._inside.any():
                    self._inside = np.ones(high.shape, bool)
        return self._inside


def _extremes(picked: Pixels) -> tuple[Grid, Grid]:
    """(h w) or (h w 3) -> brightest and darkest channel."""
    if picked.ndim == 2:
        grey = np.ascontiguousarray(picked)
        return grey, grey
    red, green, blue = picked[..., 0], picked[..., 1], picked[..., 2]
    return np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
