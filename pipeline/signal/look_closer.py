"""Measures of a picture within its fan, cheap enough for each frame; what they mean stands in ``quality.py``.

A picture of 1024 x 768 takes about half a millisecond, and some four more each time its outline is sought anew.
"""

from collections import deque
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...sources import Pixels
from .fan import Fan
from .looks import Looks
from .motion import changed_share
from .outline import MAP_PX, Outline, OutlineFinder

Grey = NDArray[np.uint8]

_GREYS: Final = np.arange(256, dtype=np.float32)

FINE_PX: Final = 256
"""Longer side of the fan in which sharpness and brightness are measured: what is softer than that, an eye sees."""

TISSUE_SHARE: Final = 0.5
"""Brighter part of the fan that counts as tissue; the rest may be fluid or shadow, whatever the gain."""

WHITE: Final = 245
"""Grey from which a pixel is white."""

FINE_DETAIL, STEEPNESS = 0.3, 0.22
"""Detail and steepness of edges at which a picture is as sharp as the published standard planes in their middle."""

FAN_RIM_PX: Final = 1
"""Of the map: what is so close to the fan's edge counts as cut off."""

COMPARED_SECONDS: Final = 0.08
"""Motion is what has changed since the newest frame that is at least so old, so that it means the same at any rate."""

FORGOTTEN_SECONDS: Final = 1.0
OUTLINE_SECONDS: Final = 0.5
"""How often the outline is sought; between, it is where it was: a head does not grow in so short a time."""


class LookCloser:
    """Measures the frames of one stream, in order. For one thread."""

    def __init__(self) -> None:
        self._fan: Fan | None = None
        self._size: tuple[int, int] | None = None
        self._box = (0, 0, 1, 1)
        self._fine_mask = self._map_mask = np.ones((1, 1), np.uint8)
        self._finder: OutlineFinder | None = None
        self._outline: Outline | None = None
        self._outline_seconds = -np.inf
        self._epoch: int | None = None
        self._before: deque[tuple[float, Grey]] = deque()

    def measure(self, grey: Pixels, fan: Fan | None, pts_seconds: float, epoch: int) -> Looks:
        """(h w) uint8 of the next frame. A fan of pictures of another size, or None, is the whole picture."""
        self._fit(grey.shape[:2], fan)
        is_later = self._before and 0 < pts_seconds - self._before[-1][0] <= FORGOTTEN_SECONDS
        if epoch != self._epoch or not is_later:
            self._before.clear()
            self._outline_seconds = -np.inf
        self._epoch = epoch
        left, top, right, bottom = self._box
        fine = _shrunk(grey[top:bottom, left:right], self._fine_mask.shape)
        small = _shrunk(fine, self._map_mask.shape)
        brightness, saturated_share = _gain(fine, self._fine_mask)
        if pts_seconds - self._outline_seconds >= OUTLINE_SECONDS and self._finder is not None:
            self._outline, self._outline_seconds = self._finder.find(small), pts_seconds
        fill_share, edge_share = self._filled(self._outline)
        return Looks(
            sharpness=sharpness(fine, self._fine_mask),
            brightness=brightness,
            saturated_share=saturated_share,
            fill_share=fill_share,
            edge_share=edge_share,
            motion_share=self._motion(pts_seconds, small[self._map_mask > 0]),
        )

    def _fit(self, size: tuple[int, ...], fan: Fan | None) -> None:
        height, width = size
        if fan is not None and fan.mask.shape != size:
            fan = None
        if self._size == (height, width) and self._fan is fan:
            return
        self._size, self._fan = (height, width), fan
        self._box = (0, 0, width, height) if fan is None else fan.box_px
        left, top, right, bottom = self._box
        mask = np.full((bottom - top, right - left), 255, np.uint8)
        if fan is not None:
            mask = fan.mask[top:bottom, left:right]
        longer = max(mask.shape)
        self._fine_mask = _mask(mask, min(1.0, FINE_PX / longer))
        self._map_mask = _mask(mask, MAP_PX / longer)
        rim = np.ones((2 * FAN_RIM_PX + 1,) * 2, np.uint8)
        within = cv2.erode(self._map_mask, rim, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        self._finder = OutlineFinder(within > 0) if within.any() else None
        self._outline, self._outline_seconds = None, -np.inf
        self._before.clear()

    def _filled(self, outline: Outline | None) -> tuple[float, float]:
        if outline is None:
            return 0.0, 0.0
        fan_area = np.count_nonzero(self._map_mask) / MAP_PX**2
        return min(1.0, float(outline.area / fan_area)), outline.edge_share

    def _motion(self, pts_seconds: float, greys: Grey) -> float:
        self._before.append((pts_seconds, greys))
        while len(self._before) > 2 and pts_seconds - self._before[1][0] >= COMPARED_SECONDS - 1e-6:
            self._before.popleft()
        return float(changed_share(self._before[0][1], greys))


def sharpness(grey: Grey, mask: Grey) -> float:
    """(h w) uint8 within (h w) uint8 mask -> [0, 1].

    The lesser of two: the part of the differences between neighbours that a blur takes away (Crete et al. 2007), which
    noise can fake, and how steep the strongest edges are for the picture's contrast, which noise cannot.
    """
    within = _grey(cv2.erode(mask, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0))
    detail = 1 - _differences(_grey(cv2.blur(grey, (3, 3))), within) / max(_differences(grey, within), 1e-3)
    smooth = cv2.GaussianBlur(grey, (5, 5), 0.8)
    slopes = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))
    half_steps = _grey(cv2.convertScaleAbs(cv2.magnitude(*slopes), alpha=2))
    steepest = _level(_counts(half_steps, within), 0.99) / 2
    counts = _counts(grey, mask)
    steep = steepest / (_level(counts, 0.99) - _level(counts, 0.1) + 8)
    return float(np.clip(min(detail / FINE_DETAIL, steep / STEEPNESS), 0, 1))


def _differences(grey: Grey, within: Grey) -> float:
    """Mean step from a pixel to those left of it and above it."""
    across = cv2.absdiff(grey[1:, 1:], grey[1:, :-1])
    down = cv2.absdiff(grey[1:, 1:], grey[:-1, 1:])
    where = within[1:, 1:]
    return cv2.mean(across, where)[0] + cv2.mean(down, where)[0]


def _counts(values: Grey, mask: Grey) -> NDArray[np.float32]:
    """(256) how many pixels within the mask have each value."""
    return np.asarray(cv2.calcHist([values], [0], mask, [256], [0, 256]), dtype=np.float32).ravel()


def _level(counts: NDArray[np.float32], share: float) -> float:
    """The step under which this part of the values lies."""
    below: NDArray[np.float32] = counts.cumsum()
    return float(np.searchsorted(below, share * float(below[-1])))


def _gain(grey: Grey, mask: Grey) -> tuple[float, float]:
    """Mean grey of tissue, and the part of the fan that is white."""
    counts = _counts(grey, mask)
    total = max(1.0, float(counts.sum()))
    from_above = np.cumsum(counts[::-1])[::-1]
    taken = np.maximum(counts - np.maximum(from_above - TISSUE_SHARE * total, 0), 0)
    brightness = float(np.dot(taken, _GREYS)) / max(float(taken.sum()), 1e-9)
    return brightness, float(counts[WHITE:].sum() / total)


def _shrunk(grey: Grey, shape: tuple[int, ...]) -> Grey:
    """Halved, which is cheap, as often as it goes; then resized by less than two."""
    height, width = shape
    while grey.shape[0] >= 2 * height and grey.shape[1] >= 2 * width:
        rows, columns = grey.shape[0] // 2, grey.shape[1] // 2
        grey = _grey(cv2.resize(grey[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA))
    return _grey(cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR))


def _mask(mask: Grey, factor: float) -> Grey:
    """(h w) uint8 mask, ``factor`` times as large; 255 where most of a pixel lies inside."""
    height, width = (max(1, round(side * factor)) for side in mask.shape)
    shrunk = _shrunk(mask, (height, width))
    return np.where(shrunk > 127, np.uint8(255), np.uint8(0))


def _grey(array: cv2.typing.MatLike) -> Grey:
    """For the checker of types."""
    return np.asarray(array, dtype=np.uint8)
