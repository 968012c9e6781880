"""The scale of a picture and the box of its ultrasound, by the regions the scanner wrote."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

CM = 3
FRAME = np.zeros((100, 200), np.uint8)


def region(box: tuple[int, int, int, int], delta_cm: tuple[float, float] = (0.03, 0.03), **changes: int) -> Dataset:
    """A calibrated region of tissue; ``box`` as the file has it: both corners inside."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = CM
    item.PhysicalDeltaX, item.PhysicalDeltaY = delta_cm
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


BIG, SMALL = (10, 5, 149, 89), (160, 5, 189, 89)
TABLE: list[tuple[str, list[Dataset], tuple[int, int, int, int] | None, float | None]] = [
    # what, regions, box (half-open), millimetres per pixel
    ("one region", [region(BIG)], (10, 5, 150, 90), 0.3),
    ("an axis that points up", [region(BIG, (0.03, -0.03))], (10, 5, 150, 90), 0.3),
    ("the largest counts", [region(SMALL, (0.01, 0.01)), region(BIG)], (10, 5, 150, 90), 0.3),
    ("an M-mode strip does not", [region(BIG, RegionSpatialFormat=2), region(SMALL)], (160, 5, 190, 90), 0.3),
    ("colour flow lies over tissue", [region(SMALL, RegionDataType=2), region(BIG)], (10, 5, 150, 90), 0.3),
    ("colour flow alone", [region(BIG, RegionDataType=2)], (10, 5, 150, 90), 0.3),
    ("seconds are no length", [region(BIG, PhysicalUnitsXDirection=4)], (10, 5, 150, 90), None),
    ("a box beyond the picture", [region((10, 5, 900, 900))], (10, 5, 200, 100), 0.3),
    ("a box turned inside out", [region((150, 5, 10, 89))], None, None),
    ("a scale of nought", [region(BIG, (0, 0))], (10, 5, 150, 90), None),
    ("pixels not square", [region(BIG, (0.03, 0.04))], (10, 5, 150, 90), None),
    (
        "two scales side by side",
        [region((0, 0, 99, 99)), region((100, 0, 198, 99), (0.02, 0.02))],
        (0, 0, 100, 100),
        None,
    ),
    ("one scale side by side", [region((0, 0, 99, 99)), region((100, 0, 198, 99))], (0, 0, 100, 100), 0.3),
    ("no region", [], None, None),
]


@pytest.mark.parametrize(("what", "regions", "box", "spacing_mm"), TABLE)
def test_scale_and_box(
    what: str,
    regions: list[Dataset],
    box: tuple[int, int, int, int] | None,
    spacing_mm: float | None,
    make_cine: Callable[..., Path],
    read: Callable,
):
    got = read(make_cine([FRAME], SequenceOfUltrasoundRegions=regions))
    assert got.info.region_px == box, what
    assert got.frames[0].spacing_mm == pytest.approx(spacing_mm)


@pytest.mark.parametrize("index", [10, 11])
def test_a_scale_that_cannot_be_used_is_explained(index: int, make_cine: Callable[..., Path], read: Callable):
    got = read(make_cine([FRAME], SequenceOfUltrasoundRegions=TABLE[index][1]))
    assert "no pixel spacing is given" in got.damage[0].what


PIXEL_SPACINGS: list[tuple[Any, float | None]] = [
    ([0.25, 0.25], 0.25),
    ([0.25, 0.5], None),
    ([0, 0], None),
    ([0.25], None),
]


@pytest.mark.parametrize(("spacing", "spacing_mm"), PIXEL_SPACINGS)
def test_pixel_spacing_serves_where_there_is_no_region(
    spacing: list[float], spacing_mm: float | None, make_cine: Callable[..., Path], read: Callable
):
    assert read(make_cine([FRAME], PixelSpacing=spacing)).frames[0].spacing_mm == pytest.approx(spacing_mm)


def test_the_real_cine_has_the_scale_its_region_says(real_cine: Path, read: Callable):
    got = read(real_cine)
    assert got.frames[0].spacing_mm == pytest.approx(0.5105, abs=1e-4)
    assert got.info.region_px == (84, 31, 320, 240)
