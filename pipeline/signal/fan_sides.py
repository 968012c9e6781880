"""The slanted sides of a fan: lines that many border pixels lie on and that have nothing outside."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .fan import Side

Points = NDArray[np.float64]
"""(... 2) x, y."""

NEAR_PX = 1.2
"""Border pixels this near a line lie on it."""

MIN_SLANT_DEG = 1.0
"""A line nearer to upright is the edge of the picture, not the side of a fan."""

MAX_SLANT_DEG = 82.0
MIN_SUPPORT = 0.08
"""Part of the fan's height that must be seen of each of two sides that mirror each other."""

MIN_SINGLE_SUPPORT = 0.30
"""Part of it that must be seen of a side whose mirror image nobody saw."""

MIN_SPAN = 0.06
SYMMETRIC_DEG, STEERED_DEG = 4.0, 14.0
"""Difference between the slants of two sides; a steered fan leans, so two sides seen well may differ more."""

OUTSIDE_COST = 1.0
MOST_FITS = 12


@dataclass(frozen=True, slots=True)
class Sides:
    """Left and right border, None where the fan is cut upright; ``half_angle_deg`` between them and the vertical."""

    left: Side | None
    right: Side | None

    @property
    def half_angle_deg(self) -> float:
        slants = [math.degrees(math.atan(abs(side.slope))) for side in (self.left, self.right) if side is not None]
        return sum(slants) / len(slants) if slants else 0.0


@dataclass(frozen=True, slots=True)
class _Fit:
    side: Side
    support: float


def fit_sides(border: Points, corners: Points, hull: Points) -> Sides:
    """Both sides of the fan with this border.

    A fan is symmetric, so sides are chosen in pairs: two seen sides that mirror each other, or one that is seen well
    and its mirror image. A single slanted structure is no side.

    Args:
        border: (n 2) pixels of the outline, bays included.
        corners: (k 2 2) ends of its straight stretches.
        hull: (m 2) corners of its convex hull.
    """
    flip = np.array([-1.0, 1.0])
    lefts = _fits(border, corners)
    rights = [_mirrored(fit) for fit in _fits(border * flip, corners * flip)]
    height = float(np.ptp(hull[:, 1])) or 1.0
    best: tuple[float, Sides] = (0.0, Sides(None, None))
    for left in lefts:
        for right in rights:
            apart_deg = abs(math.degrees(math.atan(left.side.slope) + math.atan(right.side.slope)))
            weaker, support = min(left.support, right.support), left.support + right.support
            limit_deg = STEERED_DEG if weaker >= MIN_SINGLE_SUPPORT * height else SYMMETRIC_DEG
            if apart_deg <= limit_deg and support > best[0]:
                best = support, Sides(left.side, right.side)
    for fit, is_left in [*((fit, True) for fit in lefts), *((fit, False) for fit in rights)]:
        if fit.support > max(best[0], MIN_SINGLE_SUPPORT * height):
            slope = -fit.side.slope
            reach = hull[:, 0] - slope * hull[:, 1]
            partner = Side(float(reach.max() if is_left else reach.min()), slope)
            best = fit.support, Sides(fit.side, partner) if is_left else Sides(partner, fit.side)
    return best[1]


def _mirrored(fit: _Fit) -> _Fit:
    return _Fit(Side(-fit.side.x0, -fit.side.slope), fit.support)


def _fits(border: Points, corners: Points) -> list[_Fit]:
    """Left sides (leaning to the left downwards) that something supports, best first."""
    height = float(np.ptp(border[:, 1])) or 1.0
    size = max(height, float(np.ptp(border[:, 0])))
    downwards = (corners[:, 0, 1] < corners[:, 1, 1])[:, None]
    a = np.where(downwards, corners[:, 0], corners[:, 1])
    along = np.where(downwards, corners[:, 1], corners[:, 0]) - a
    length = np.hypot(along[:, 0], along[:, 1])
    slant_deg = np.degrees(np.arctan2(-along[:, 0], along[:, 1]))
    usable = (length >= MIN_SPAN * size) & (slant_deg >= MIN_SLANT_DEG) & (slant_deg <= MAX_SLANT_DEG)
    fits: list[_Fit] = []
    for at, direction in zip(a[usable], (along / np.maximum(length, 1e-9)[:, None])[usable], strict=True):
        normal = np.array([-direction[1], direction[0]])  # to the left, out of the fan
        out = (border - at) @ normal
        support = np.count_nonzero(np.abs(out) <= NEAR_PX) - OUTSIDE_COST * np.count_nonzero(out > 2 * NEAR_PX)
        if support > MIN_SUPPORT * height:
            fits.append(_Fit(_refined(border, at, normal), float(support)))
    return sorted(fits, key=lambda fit: -fit.support)[:MOST_FITS]


def _refined(border: Points, at: Points, normal: Points) -> Side:
    """Total least squares through the pixels on the line."""
    near = border[np.abs((border - at) @ normal) <= NEAR_PX]
    centre = near.mean(axis=0)
    _, _, axes = np.linalg.svd(near - centre, full_matrices=False)
    direction = axes[0]
    slope = float(direction[0] / direction[1])
    return Side(float(centre[0] - slope * centre[1]) - 0.5, slope)
