"""The arcs of a sector: the probe's surface and the greatest depth, both around the apex."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .fan import FanShape, Mask

RAYS = 96
ON_ARC_PX = 1.6
MIN_RAYS_SHARE = 0.07
"""Part of all rays that must begin (or end) on an arc for it to be one: of a zoomed fan only the corners show it."""

MIN_AGREEING_SHARE = 0.5
"""The same part of the rays that begin (or end) anywhere but at the picture's edge."""


def fit_arcs(shape: FanShape, region: Mask) -> FanShape:
    """``shape`` with the radii that can be seen in ``region`` ((h w) uint8, 255 where echoes are)."""
    apex = shape.apex_px
    if apex is None or shape.left is None or shape.right is None or apex[1] > shape.box_px[3]:
        return shape
    starts, ends = _rays(shape, region, apex)
    return replace(shape, inner_px=_common(starts), outer_px=_common(ends))


def _rays(shape: FanShape, region: Mask, apex: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last radius with echoes on each ray, NaN where the ray meets the box instead."""
    assert shape.left is not None
    assert shape.right is not None
    height, width = region.shape
    first_rad, last_rad = math.atan(shape.left.slope), math.atan(shape.right.slope)
    angles: NDArray[np.float64] = first_rad + (last_rad - first_rad) * (np.arange(RAYS, dtype=np.float64) + 1) / (
        RAYS + 1
    )
    reach = float(np.hypot(max(apex[0], width - apex[0]), height - apex[1])) + 2
    radii: NDArray[np.float64] = np.arange(0.0, reach, 0.5, dtype=np.float64)
    x = np.floor(apex[0] + np.outer(np.sin(angles), radii)).astype(np.int64)
    y = np.floor(apex[1] + np.outer(np.cos(angles), radii)).astype(np.int64)
    known = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    seen = np.zeros(x.shape, bool)
    seen[known] = region[y[known], x[known]] > 0
    left, top, right, bottom = shape.box_px
    starts, ends = np.full(RAYS, np.nan), np.full(RAYS, np.nan)
    for ray in range(RAYS):
        hits = np.flatnonzero(seen[ray])
        if hits.size == 0:
            continue
        first, last = int(hits[0]), int(hits[-1])
        if y[ray, first] > top + 1.5:
            starts[ray] = radii[first]
        if left + 1.5 < x[ray, last] < right - 2.5 and y[ray, last] < bottom - 2.5:
            ends[ray] = radii[last] + 0.5
    return starts, ends


def _common(radii: NDArray[np.float64]) -> float | None:
    """The radius most rays share, None when too few do."""
    known = radii[np.isfinite(radii)]
    if known.size < MIN_RAYS_SHARE * RAYS:
        return None
    shared = np.abs(known[:, None] - known[None, :]) <= ON_ARC_PX
    votes = shared.sum(axis=1)
    best = int(votes.argmax())
    if votes[best] < max(MIN_RAYS_SHARE * RAYS, MIN_AGREEING_SHARE * known.size):
        return None
    return float(np.median(known[shared[best]]))
