"""Samples to pictures: what the photometric interpretation, the window and the palette say, at 8 bits."""

from functools import partial
from typing import NamedTuple, cast

import cv2
import numpy as np

from ..frame import Picture, Pixels, Stored
from .decode import Samples
from .header import PALETTE, CineHeader, Layout
from .lut import Table, palette_tables, voi_table

_NEUTRAL = 128


class Colouring(NamedTuple):
    """How the samples of one cine become pixels.

    Attributes:
        layout: of its frames.
        table: (n) uint8 grey or (n 3) uint8 RGB by stored value, two's complement read as unsigned; None where 8-bit
            samples are pixels already.
    """

    layout: Layout
    table: Table | None

    @classmethod
    def of(cls, header: CineHeader) -> "Colouring":
        """Raises `SourceError` when the palette is missing or broken."""
        layout = header.layout
        if layout.photometric == PALETTE:
            return cls(layout, palette_tables(header.elements, layout))
        if layout.samples == 1:
            return cls(layout, voi_table(header.elements, layout))
        return cls(layout, None)

    def picture(self, samples: Samples, photometric: str) -> Picture:
        """The picture of a decoded frame; nothing is converted yet.

        Args:
            samples: (h w) or (h w 3), as decoded.
            photometric: what they mean now.
        """
        return Picture(
            width_px=self.layout.columns,
            height_px=self.layout.rows,
            convert=partial(self._convert, samples, photometric),
            stored=Stored(self.layout.photometric, full_range=True),
        )

    def _convert(self, samples: Samples, photometric: str) -> Pixels:
        if samples.ndim == 2:
            return self._look_up(samples)
        if samples.dtype.itemsize == 2:
            shift = max(0, self.layout.bits_stored - 8)
            samples = np.minimum(samples >> shift, 255)
        pixels = np.ascontiguousarray(samples, dtype=np.uint8)
        return _from_ybr(pixels) if photometric.startswith("YBR_FULL") else _without_colour(pixels)

    def _look_up(self, samples: Samples) -> Pixels:
        if self.table is None:
            return np.ascontiguousarray(samples, dtype=np.uint8)
        index = samples.astype(np.uint16) & (len(self.table) - 1)
        return _without_colour(self.table[index])


def _from_ybr(ybr: Pixels) -> Pixels:
    """(h w 3) full-range YCbCr -> (h w) when there is no colour, else (h w 3) RGB."""
    chroma = ybr[..., 1:]
    if int(chroma[0, 0, 0]) == _NEUTRAL and not np.any(chroma != _NEUTRAL):
        return ybr[..., 0].copy()
    swapped = np.ascontiguousarray(ybr[..., [0, 2, 1]])  # OpenCV has the red difference first
    return cast("Pixels", cv2.cvtColor(swapped, cv2.COLOR_YCrCb2RGB))


def _without_colour(pixels: Pixels) -> Pixels:
    """(h w 3) -> (h w) when all three channels are equal; a few rows settle it for most pictures."""
    if pixels.ndim == 2:
        return pixels
    for rows in (pixels[::16], pixels):
        if not (np.array_equal(rows[..., 0], rows[..., 1]) and np.array_equal(rows[..., 1], rows[..., 2])):
            return pixels
    return pixels[..., 0].copy()
