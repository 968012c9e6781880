"""The law of frames and pictures: what they hold, when it is converted, and what they refuse."""

import numpy as np
import pytest

from fetalstream.sources import Frame, Picture, Pixels

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
COLOUR = np.stack([GREY, GREY, GREY + 100], axis=-1)


class Counted:
    """A conversion that knows how often it was asked for."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels, self.calls = pixels, 0

    def __call__(self) -> Pixels:
        self.calls += 1
        return self.pixels


def picture(pixels: Pixels, luma: Pixels | None = None) -> tuple[Picture, Counted, Counted | None]:
    convert, fast = Counted(pixels), None if luma is None else Counted(luma)
    return Picture(width_px=pixels.shape[1], height_px=pixels.shape[0], convert=convert, luma=fast), convert, fast


def test_pixels_are_converted_when_first_asked_for_and_once():
    subject, convert, _ = picture(COLOUR)
    assert convert.calls == 0
    assert subject.pixels is subject.pixels
    assert subject.rgb is COLOUR
    assert convert.calls == 1


def test_a_grey_picture_is_given_as_rgb_on_demand():
    subject, _, _ = picture(GREY)
    assert subject.grey is GREY
    assert subject.rgb.shape == (3, 4, 3)
    assert all((subject.rgb[..., channel] == GREY).all() for channel in range(3))


def test_brightness_of_colour_is_weighted_as_in_bt_601():
    expected = 0.299 * COLOUR[..., 0] + 0.587 * COLOUR[..., 1] + 0.114 * COLOUR[..., 2]
    assert np.abs(Picture.of(COLOUR).grey - expected).max() <= 1


def test_stored_luma_spares_the_conversion_of_colours():
    subject, convert, fast = picture(COLOUR, luma=GREY)
    assert subject.grey is GREY
    assert subject.grey is GREY
    assert (convert.calls, fast and fast.calls) == (0, 1)


@pytest.mark.parametrize(
    "pixels",
    [
        GREY.astype(np.float32),
        np.zeros((3, 4, 4), dtype=np.uint8),
        np.zeros((3, 4, 1), dtype=np.uint8),
        np.zeros(4, dtype=np.uint8),
    ],
)
def test_pixels_of_another_kind_are_refused(pixels: np.ndarray):
    with pytest.raises((TypeError, ValueError), match=r"pixels are"):
        Picture.of(pixels)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("index", -1),
        ("epoch", -1),
        ("pts_seconds", float("nan")),
        ("pts_seconds", float("inf")),
        ("spacing_mm", 0.0),
        ("spacing_mm", float("nan")),
    ],
)
def test_an_impossible_frame_is_refused_with_its_value(field: str, value: float):
    good = {"index": 0, "pts_seconds": 0.0, "captured_ns": 0, "picture": Picture.of(GREY)}
    with pytest.raises(ValueError, match=str(value)):
        Frame(**{**good, field: value})  # pyright: ignore[reportArgumentType]
