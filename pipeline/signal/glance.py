"""A quick look at a picture: some ten thousand of its pixels, as they are.

Pixels are picked, not averaged: averaging would take away the very noise by which a living picture is told from a
frozen one. Picking costs a tenth of a millisecond where shrinking a 1024 x 768 picture well costs ten times that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...sources import Pixels
from .fan import Fan

COLUMNS = 128
"""About so many pixels are picked along a row."""

SHIFT_PX = 9
"""How far to the right a picked pixel is compared, to tell flat areas from speckle; farther than a block of a codec."""

SATURATION, COLOUR_ABOVE = 0.5, 60
"""A pixel is coloured when its channels differ by more than this part of the brightest, and that is brighter than this:
flow is, the blue and sepia maps of grey pictures are not."""

Grid = NDArray[np.uint8]
"""(h w) uint8 of picked pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What was picked, in rows and columns.

    Attributes:
        grey: (h w) brightness.
        beside: (h w) brightness some pixels to the right.
        inside: (h w) bool, within the fan; everywhere when the fan isn't known.
        coloured: (h w) bool, strongly coloured; None when nobody looked.
    """

    grey: Grid
    beside: Grid
    inside: NDArray[np.bool_]
    coloured: NDArray[np.bool_] | None

    @property
    def fan_grey(self) -> NDArray[np.uint8]:
        """(n) brightness within the fan."""
        return self.grey[self.inside]


class Glancer:
    """Takes glances; remembers which of the picked pixels lie in the fan."""

    def __init__(self) -> None:
        self._fan: Fan | None = None
        self._inside: NDArray[np.bool_] | None = None

    def look(self, pixels: Pixels, fan: Fan | None, *, colours: Pixels | None = None) -> Glance:
        """A glance at (h w) or (h w 3) uint8 ``pixels``.

        A fan of pictures of another size counts as unknown. ``colours`` is the same picture in colour, for callers that
        read brightness alone of most pictures.
        """
        width = pixels.shape[1]
        step = max(1, width // COLUMNS)
        start = step // 2
        shift = min(SHIFT_PX, width - 1 - start)
        rows, columns = slice(start, None, step), slice(start, width - shift, step)
        if colours is None and pixels.ndim == 3:
            colours = pixels
        grey = _grey(pixels[rows, columns])
        return Glance(
            grey=grey,
            beside=_grey(pixels[rows, start + shift :: step]),
            inside=self._mask(pixels.shape[:2], grey.shape, rows, columns, fan),
            coloured=None if colours is None else _coloured(colours[rows, columns]),
        )

    def _mask(
        self, size: tuple[int, ...], shape: tuple[int, ...], rows: slice, columns: slice, fan: Fan | None
    ) -> NDArray[np.bool_]:
        if fan is not None and fan.mask.shape != size:
            fan = None
        if self._inside is None or self._inside.shape != shape or self._fan is not fan:
            self._fan = fan
            inside = np.ones(shape, bool) if fan is None else fan.mask[rows, columns] > 0
            self._inside = inside if inside.any() else np.ones(shape, bool)
        return self._inside


def _grey(picked: Pixels) -> Grid:
    """(h w) or (h w 3) -> (h w) brightness, as video weighs the colours."""
    if picked.ndim == 2:
        return np.ascontiguousarray(picked)
    wide = picked.astype(np.uint16)
    return ((77 * wide[..., 0] + 150 * wide[..., 1] + 29 * wide[..., 2]) >> 8).astype(np.uint8)


def _coloured(picked: Pixels) -> NDArray[np.bool_]:
    if picked.ndim == 2:
        return np.zeros(picked.shape, bool)
    red, green, blue = picked[..., 0], picked[..., 1], picked[..., 2]
    high = np.maximum(np.maximum(red, green), blue)
    low = np.minimum(np.minimum(red, green), blue)
    return (high > COLOUR_ABOVE) & (high - low > SATURATION * high)
