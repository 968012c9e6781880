"""The law of fans: borders as geometry, masks as pixels, and nothing outside ever leaves."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fetalstream.pipeline.signal.fan import Fan, FanKind, FanShape, FanUnknownError, Side, iou, mask_outside, masked
from fetalstream.pipeline.signal.fan_finder import find_fan
from fetalstream.sources import Frame, Picture, Pixels
from fetalstream.sources.phantom import PhantomSource

from ..scenery import echoes, sector

ROOT = Path(__file__).resolve().parents[3]


def fan_of(shape: FanShape, *, size: tuple[int, int] = (100, 120)) -> Fan:
    return Fan(width_px=size[1], height_px=size[0], shape=shape, kind=FanKind.CONVEX, confidence=0.9)


def test_a_box_covers_the_pixels_whose_centres_lie_in_it():
    fan = fan_of(FanShape(box_px=(10, 20, 30, 25)))
    assert fan.box_px == (10, 20, 30, 25)
    assert np.count_nonzero(fan.mask) == 20 * 5
    assert fan.area_share == pytest.approx(100 / 12_000)


def test_sides_meet_in_the_apex_and_arcs_are_around_it():
    shape = FanShape(box_px=(0, 0, 120, 100), left=Side(60, -1.0), right=Side(60, 1.0), inner_px=20, outer_px=50)
    assert shape.apex_px == (60, 0)
    mask = fan_of(shape).mask
    assert [int(mask[y, 60]) for y in (19, 21, 48, 51)] == [0, 255, 255, 0]
    assert mask[30, 20] == 0
    # a quarter of the ring between the radii
    assert np.count_nonzero(mask) == pytest.approx(np.pi * (50**2 - 20**2) / 4, rel=0.02)


@pytest.mark.parametrize(
    "sides", [(None, Side(60, 1.0)), (Side(10, 0.0), Side(90, 0.0)), (Side(60, 1.0), Side(60, -1.0))]
)
def test_sides_that_do_not_meet_above_have_no_apex(sides: tuple[Side | None, Side]):
    assert FanShape(box_px=(0, 0, 120, 100), left=sides[0], right=sides[1]).apex_px is None


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.3])
def test_a_scaled_fan_covers_the_same_part_of_a_scaled_picture(factor: float):
    shape = FanShape(box_px=(5, 10, 110, 95), left=Side(50, -0.5), right=Side(70, 0.5), inner_px=40, outer_px=110)
    large = fan_of(shape.scaled(factor), size=(round(100 * factor), round(120 * factor)))
    assert large.area_share == pytest.approx(fan_of(shape).area_share, rel=0.03)


def test_a_fan_that_covers_nothing_or_is_more_than_sure_is_none():
    with pytest.raises(ValueError, match="covers at least one pixel"):
        fan_of(FanShape(box_px=(30, 20, 10, 25)))
    with pytest.raises(ValueError, match="confidence is in"):
        replace(fan_of(FanShape(box_px=(0, 0, 9, 9))), confidence=1.5)


@pytest.mark.parametrize("layers", [None, 3])
def test_masking_blackens_everything_outside_and_nothing_inside(layers: int | None):
    fan = sector()
    pixels = np.full((240, 320) if layers is None else (240, 320, layers), 200, dtype=np.uint8)
    out = mask_outside(pixels, fan)
    assert (out[fan.mask == 0] == 0).all()
    assert (out[fan.mask > 0] == 200).all()
    assert (pixels == 200).all()


def test_a_masked_picture_is_masked_in_every_form_and_converted_only_when_it_is_asked_for():
    converted: list[str] = []

    def convert(kind: str, pixels: Pixels) -> Pixels:
        converted.append(kind)
        return pixels

    fan = sector()
    grey, colour = np.full((240, 320), 90, np.uint8), np.full((240, 320, 3), 90, np.uint8)
    picture = Picture(
        width_px=320, height_px=240, convert=lambda: convert("colour", colour), luma=lambda: convert("grey", grey)
    )
    out = masked(picture, fan)
    assert converted == []
    assert (out.grey[fan.mask == 0] == 0).all()
    assert converted == ["grey"]
    for form in (out.pixels, out.rgb):
        assert (form[fan.mask == 0] == 0).all()
        assert (form[fan.mask > 0] == 90).all()


def test_a_picture_whose_fan_is_unknown_or_of_another_size_stays_where_it_is():
    picture = Picture.of(echoes(0))
    with pytest.raises(FanUnknownError, match="no fan is known in the picture of 320 x 240 px"):
        masked(picture, None)
    with pytest.raises(ValueError, match="belongs to pictures of 100 x 50 px, not to Picture"):
        masked(picture, sector(size=(50, 100)))


# Finding.


@pytest.mark.parametrize("screen", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_fan_of_a_phantom_is_found_with_its_screen_left_out(seed: int, screen: bool):
    source = PhantomSource(seed=seed, seconds=1, fps=5, realtime=False, screen=screen, width_px=640, height_px=480)
    source.open()
    pictures = [item.picture.pixels for item in source.items() if isinstance(item, Frame)]
    fan = find_fan(pictures)
    assert source._renderer is not None
    truth = np.where(source._renderer.converter.fan, np.uint8(255), np.uint8(0))
    assert fan is not None
    assert fan.kind is FanKind.CONVEX
    assert fan.confidence > 0.9
    assert iou(fan.mask, truth) > 0.97


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((240, 320), np.uint8),
        np.full((240, 320, 3), 128, np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((3, 2000), np.uint8),
        np.zeros((2000, 1, 3), np.uint8),
        np.eye(240, 320, dtype=np.uint8) * 255,
    ],
    ids=["black", "grey", "one pixel", "a line", "a column", "a diagonal"],
)
def test_where_there_is_no_fan_none_is_found(picture: Pixels):
    fan = find_fan([picture])
    assert fan is None or fan.confidence < 0.5


@pytest.mark.parametrize("seed", range(12))
def test_no_picture_whatever_it_holds_breaks_the_finder(seed: int):
    rng = np.random.default_rng(seed)
    size = tuple(int(side) for side in rng.integers(1, 300, 2))
    noise = rng.integers(0, 256, size, dtype=np.uint8)
    blocks = (np.kron(rng.integers(0, 2, (9, 9)), np.ones((33, 33))) * 200).astype(np.uint8)
    for picture in (noise, blocks, np.where(noise > 250, 255, 0).astype(np.uint8)):
        fan = find_fan([picture])
        assert fan is None or fan.mask.shape == picture.shape


def test_no_pictures_or_pictures_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="of one size are wanted"):
        find_fan([])
    with pytest.raises(ValueError, match="of one size are wanted"):
        find_fan([np.zeros((9, 9), np.uint8), np.zeros((9, 8), np.uint8)])


@pytest.mark.data
def test_on_real_screens_fans_agree_with_hand_drawn_ones(data_dir: Path, tmp_path: Path):
    """By the command of docs/signal.md; the fans were drawn before the finder was tuned."""
    command = [sys.executable, "benchmarks/fan_sheet.py", "--data", str(data_dir), "--out", str(tmp_path / "sheet.png")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *cases, counts = map(json.loads, done.stdout.splitlines())
    assert counts == {"pictures": 23, "good": 23, "least_iou": min(case["iou"] for case in cases)}
    assert all(case["iou"] >= 0.95 and case["found"] == case["kind"] for case in cases)
    assert (tmp_path / "sheet.png").stat().st_size > 100_000
