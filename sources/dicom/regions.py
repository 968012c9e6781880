"""Where on the screen the ultrasound is, and how large its pixels are, as the scanner wrote it down."""

import math
from typing import NamedTuple

from . import tags
from .elements import Elements

_TWO_DIMENSIONAL = 1
_TISSUE, _COLOUR_FLOW = 1, 2
_CENTIMETRES = 3
_SAME = 0.01
"""Pixel sizes that differ by less, relatively, are the same."""
_RIVAL = 0.5
"""A second region of at least this share of the largest's area is a split screen, not an inset."""
_SPACINGS_MM = (0.001, 10.0)

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in px, half-open."""


class Calibration(NamedTuple):
    """What is known of the picture's geometry.

    Attributes:
        region_px: the box around the B-mode picture.
        spacing_mm: millimetres per pixel, the same in both directions; None when unknown or ambiguous.
        doubt: why there is no spacing although the file speaks of one; empty otherwise.
    """

    region_px: Box | None = None
    spacing_mm: float | None = None
    doubt: str = ""


class _Region(NamedTuple):
    box_px: Box
    deltas_mm: tuple[float, float] | None

    @property
    def area_px(self) -> int:
        left, top, right, bottom = self.box_px
        return (right - left) * (bottom - top)


def calibration(elements: Elements, *, columns: int, rows: int) -> Calibration:
    """From the ultrasound regions, else from the pixel spacing."""
    regions = _regions(elements, columns, rows)
    if not regions:
        return _by_pixel_spacing(elements)
    largest = max(regions, key=lambda region: region.area_px)
    if largest.deltas_mm is None:
        return _by_pixel_spacing(elements)._replace(region_px=largest.box_px)
    rivals = [region for region in regions if region.area_px >= _RIVAL * largest.area_px and region.deltas_mm]
    across, down = largest.deltas_mm
    if not _same(across, down):
        return Calibration(largest.box_px, None, _not_square(across, down))
    if any(not _same(across, delta) for region in rivals for delta in region.deltas_mm or ()):
        return Calibration(
            largest.box_px, None, "it shows regions of different scale side by side, so no pixel spacing is given"
        )
    return Calibration(largest.box_px, (across + down) / 2)


def _regions(elements: Elements, columns: int, rows: int) -> list[_Region]:
    """The two-dimensional ones: of tissue, or where there is none, of colour flow (which overlays tissue)."""
    items = [item for item in elements.items(tags.REGIONS) if item.unsigned(tags.REGION_FORMAT) == _TWO_DIMENSIONAL]
    for kind in (_TISSUE, _COLOUR_FLOW):
        found = [_region(item, columns, rows) for item in items if item.unsigned(tags.REGION_DATA) == kind]
        if kept := [region for region in found if region is not None]:
            return kept
    return []


def _region(item: Elements, columns: int, rows: int) -> _Region | None:
    corners = [item.unsigned(tag) for tag in (tags.REGION_LEFT, tags.REGION_TOP, tags.REGION_RIGHT, tags.REGION_BOTTOM)]
    if None in corners:
        return None
    left, top, right, bottom = (corner or 0 for corner in corners)
    box = left, top, min(right + 1, columns), min(bottom + 1, rows)  # the file's corners are both inside
    if box[0] >= box[2] or box[1] >= box[3]:
        return None
    return _Region(box, _deltas(item))


def _deltas(item: Elements) -> tuple[float, float] | None:
    if item.unsigned(tags.UNITS_X) != _CENTIMETRES or item.unsigned(tags.UNITS_Y) != _CENTIMETRES:
        return None
    x, y = item.doubles(tags.DELTA_X), item.doubles(tags.DELTA_Y)
    if not x or not y:
        return None
    across, down = abs(x[0]) * 10, abs(y[0]) * 10  # negative where the axis points up or left
    return (across, down) if _is_plausible(across) and _is_plausible(down) else None


def _by_pixel_spacing(elements: Elements) -> Calibration:
    shared = [
        measures
        for group in elements.items(tags.SHARED_GROUPS)[:1]
        for measures in group.items(tags.PIXEL_MEASURES)[:1]
    ]
    for holder in (elements, *shared):
        spacing = holder.numbers(tags.PIXEL_SPACING)  # rows first
        if len(spacing) == 2 and all(map(_is_plausible, spacing)):
            if _same(*spacing):
                return Calibration(spacing_mm=sum(spacing) / 2)
            return Calibration(doubt=_not_square(spacing[1], spacing[0]))
    return Calibration()


def _not_square(across_mm: float, down_mm: float) -> str:
    return f"its pixels are not square ({across_mm:.4g} x {down_mm:.4g} mm), so no pixel spacing is given"


def _same(one_mm: float, other_mm: float) -> bool:
    return abs(one_mm - other_mm) <= _SAME * max(one_mm, other_mm)


def _is_plausible(spacing_mm: float) -> bool:
    return math.isfinite(spacing_mm) and _SPACINGS_MM[0] <= spacing_mm <= _SPACINGS_MM[1]
