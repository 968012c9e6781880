"""The round outline of what is looked at: skull, abdomen or chest, as the ellipse that bright lines follow best.

After the integro-differential operator of Daugman (1993) for irises: the mean along a closed curve, for many curves.
What is averaged is how much of a ridge across the curve the picture has there (its second derivative along the normal),
so that speckle, which has no direction, averages to nothing. A gap in the outline costs a part of the mean only, and so
does a part that the fan's edge cuts off. All centres are tried at once, by correlation in the frequency domain.

Pure: a small grey map in, an ellipse out; lengths are in parts of the map's longer side.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.uint8]
Floats = NDArray[np.float32]

MAP_PX: Final = 48
"""Longer side of the map in which outlines are sought."""

RADII: Final = tuple(0.1 * 1.18**step for step in range(10))
ASPECTS: Final = (0.7, 0.82, 0.96)
TURNS: Final = tuple(np.pi * step / 4 for step in range(4))
"""Shapes that are tried: long half axis, ratio of the half axes, turn of the long one in radians."""

LEAST_INSIDE: Final = 0.62
"""Part of an outline that must lie in the fan."""

FORGIVEN: Final = 0.9
"""Part that must lie there for the rest to cost nothing."""

SIZE_POWER: Final = 0.5
"""A long line is surer than a short one by the root of its length, as any mean of more is."""

_POINTS: Final = 40
_DRAWN_POINTS: Final = 48
_STEPS: Final = (1.0, 0.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """An ellipse, in parts of the map's longer side.

    Attributes:
        x, y: centre.
        long, short: half axes.
        turn_rad: of the long one, clockwise from the x axis.
        support: how much of a ridge there is along it, 0 for none and 1 for the picture's strongest lines.
        edge_share: [0, 1], part of it that lies on or beyond the fan's edge.
    """

    x: float
    y: float
    long: float
    short: float
    turn_rad: float
    support: float
    edge_share: float

    @property
    def area(self) -> float:
        """In squares of the map's longer side."""
        return float(np.pi * self.long * self.short)


class OutlineFinder:
    """Finds outlines in maps of one shape. For one thread.

    Args:
        inside: (h w) bool, the fan.
    """

    def __init__(self, inside: NDArray[np.bool_]) -> None:
        self._inside = inside
        self._shapes = _shapes()
        height, width = inside.shape
        self._size = tuple(12 * math.ceil((side + MAP_PX // 2) / 12) for side in (height, width))
        self._kernels = _kernels(self._size)
        weight = inside.astype(np.float32)
        self._blur = cv2.GaussianBlur(weight, (0, 0), 4)
        spread = np.fft.rfft2(weight, self._size)
        ones = self._kernels[:, 0] + self._kernels[:, 2]
        share = np.fft.irfft2(spread * ones, self._size)[:, :height, :width]
        long = np.array([shape[0] for shape in self._shapes], dtype=np.float32)[:, None, None]
        self._factor = np.where(share >= LEAST_INSIDE, long**SIZE_POWER / np.maximum(share, FORGIVEN), 0).astype(
            np.float32
        )

    def find(self, grey: Grid) -> Outline | None:
        """(h w) uint8 -> the best ellipse; None where there is no line at all."""
        curvature = self._curvature(grey)
        spread = np.fft.rfft2(curvature, self._size)
        height, width = grey.shape
        sums = spread[0] * self._kernels[:, 0]
        sums += spread[1] * self._kernels[:, 1]
        sums += spread[2] * self._kernels[:, 2]
        found = np.fft.irfft2(sums, self._size)[:, :height, :width] * self._factor
        shape, row, column = np.unravel_index(int(found.argmax()), found.shape)
        if found[shape, row, column] <= 0:
            return None
        best = np.array([(column + 0.5) / MAP_PX, (row + 0.5) / MAP_PX, *self._shapes[int(shape)]], dtype=np.float32)
        support = edge_share = 0.0
        for step in _STEPS:
            best, support, edge_share = self._best_of(_around(best, step), curvature)
        x, y, long, short, turn = best.tolist()
        return Outline(x=x, y=y, long=long, short=short, turn_rad=turn, support=support, edge_share=edge_share)

    def _curvature(self, grey: Grid) -> Floats:
        """(3 h w): -d2/dx2, -d2/dxdy, -d2/dy2 of the map, in parts of its strongest; 0 outside the fan."""
        wide = grey.astype(np.float32)
        around = cv2.GaussianBlur(wide * self._inside, (0, 0), 4) / np.maximum(self._blur, 1e-3)
        smooth = cv2.GaussianBlur(np.where(self._inside, wide, around), (0, 0), 0.9)
        found = np.stack([-cv2.Sobel(smooth, cv2.CV_32F, dx, dy, ksize=3) for dx, dy in ((2, 0), (1, 1), (0, 2))])
        found *= self._inside
        full = float(np.percentile(found[[0, 2]], 98))
        return np.clip(found / max(full, 4.0), -0.5, 1).astype(np.float32)

    def _best_of(self, candidates: Floats, curvature: Floats) -> tuple[Floats, float, float]:
        """(n 5) ellipses -> the best, its support and the part of it outside the fan."""
        points, normals = _points(candidates[:, 2:], _POINTS)
        columns = ((candidates[:, 0, None] + points[..., 0]) * MAP_PX).astype(np.int32)
        rows = ((candidates[:, 1, None] + points[..., 1]) * MAP_PX).astype(np.int32)
        height, width = self._inside.shape
        on_map = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        places = np.where(on_map, rows * width + columns, 0)
        seen = on_map & self._inside.ravel()[places]
        across = np.einsum("knp,npk->np", curvature.reshape(3, -1)[:, places], normals) * seen
        share = seen.mean(axis=1)
        support = across.mean(axis=1) / np.maximum(share, FORGIVEN)
        winner = int(np.where(share >= LEAST_INSIDE, support * candidates[:, 2] ** SIZE_POWER, -1).argmax())
        return candidates[winner], float(support[winner]), float(1 - share[winner])


def _points(shapes: Floats, count: int) -> tuple[Floats, Floats]:
    """(n 3) long, short, turn -> (n p 2) points around the centre, (n p 3) products of their normals: xx, 2 xy, yy."""
    long, short, turn = (shapes[:, column, None] for column in range(3))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False, dtype=np.float32)[None]
    cos, sin = np.cos(turn), np.sin(turn)
    along, across = long * np.cos(angle), short * np.sin(angle)
    points = np.stack([along * cos - across * sin, along * sin + across * cos], axis=2)
    steep, flat = np.cos(angle) / long, np.sin(angle) / short
    length = np.hypot(steep, flat)
    x, y = (steep * cos - flat * sin) / length, (steep * sin + flat * cos) / length
    return points.astype(np.float32), np.stack([x * x, 2 * x * y, y * y], axis=2).astype(np.float32)


def _shapes() -> list[tuple[float, float, float]]:
    return [
        (long, long * aspect, turn)
        for long, aspect in product(RADII, ASPECTS)
        for turn in (TURNS if aspect < 0.9 else TURNS[:1])
    ]


@lru_cache(maxsize=4)
def _kernels(size: tuple[int, int]) -> Floats:
    """(s 3 h w) spectra of all outlines, drawn around the origin, which wraps: as they are symmetric, real ones."""
    points, normals = _points(np.array(_shapes(), dtype=np.float32), _DRAWN_POINTS)
    drawn = np.zeros((len(points), 3, *size), np.float32)
    columns, rows = np.rint(points[..., 0] * MAP_PX).astype(int), np.rint(points[..., 1] * MAP_PX).astype(int)
    which = np.arange(len(points))[:, None]
    for product_ in range(3):
        np.add.at(
            drawn[:, product_], (which, rows % size[0], columns % size[1]), normals[..., product_] / _DRAWN_POINTS
        )
    return np.ascontiguousarray(np.fft.rfft2(drawn).real, dtype=np.float32)


def _around(centre: Floats, step: float) -> Floats:
    """(243 5) ellipses close to one, the first itself."""
    x, y, long, short, turn = centre.tolist()
    moves = np.array(list(product((0.0, -1.0, 1.0), repeat=5)), dtype=np.float32) * step
    longs = long * (1 + 0.07 * moves[:, 2])
    shorts = longs * np.clip(short / long + 0.06 * moves[:, 3], 0.6, 1.0)
    return np.stack(
        [x + moves[:, 0] / MAP_PX, y + moves[:, 1] / MAP_PX, longs, shorts, turn + 0.26 * moves[:, 4]], axis=1
    ).astype(np.float32)
