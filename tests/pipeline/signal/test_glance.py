"""The law of the glance: pixels as they are, the same places each time, only those in the fan."""

import time

import cv2
import numpy as np
import pytest

from fetalstream.pipeline.signal.gates import Gates
from fetalstream.pipeline.signal.glance import COLUMNS, SHIFT_PX, Glancer

from ..scenery import echoes, sector


@pytest.mark.parametrize("size", [(768, 1024), (600, 800), (1080, 776), (240, 320), (100, 130), (3, 5), (1, 1)])
@pytest.mark.parametrize("layers", [None, 3])
def test_a_glance_picks_pixels_of_any_picture(size: tuple[int, int], layers: int | None):
    pixels = np.random.default_rng(0).integers(0, 256, size if layers is None else (*size, layers), dtype=np.uint8)
    glance = Glancer().look(pixels, None)
    assert glance.grey.size
    assert glance.grey.shape == glance.beside.shape == glance.inside.shape
    assert glance.grey.shape[1] <= 2 * COLUMNS
    assert glance.inside.all()
    assert (glance.coloured is None) is (layers is None)


def test_what_is_picked_stands_in_the_picture_and_beside_it_what_lies_to_its_right():
    pixels = np.add.outer(np.arange(96, dtype=np.uint8) % 7, np.arange(128, dtype=np.uint8))
    glance = Glancer().look(pixels, None)
    assert (glance.beside.astype(int) - glance.grey == SHIFT_PX).all()
    assert glance.grey[0].tolist() == list(range(128 - SHIFT_PX))


def test_the_fan_says_which_pixels_are_inside_and_one_of_another_size_is_no_fan():
    fan, glancer = sector(), Glancer()
    glance = glancer.look(np.where(fan.mask > 0, 200, 10).astype(np.uint8), fan)
    assert (glance.fan_grey == 200).all()
    assert (glance.grey[~glance.inside] == 10).all()
    assert glancer.look(echoes(0, size=(100, 300)), fan).inside.all()
    assert not glancer.look(echoes(0), fan).inside.all()
    assert glancer.look(echoes(0), None).inside.all()


def test_brightness_is_what_video_makes_of_the_colours():
    pixels = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    of_colours, of_grey = Glancer().look(pixels, None), Glancer().look(grey, None)
    assert np.abs(of_colours.grey.astype(int) - of_grey.grey).max() <= 1


@pytest.mark.parametrize(
    ("colour", "coloured"),
    [
        ((220, 50, 0), True),  # flow towards the probe
        ((0, 60, 230), True),
        ((220, 180, 120), False),  # sepia
        ((120, 140, 170), False),  # blue tint
        ((50, 0, 0), False),  # too dark to tell
        ((200, 200, 200), False),
    ],
)
def test_flow_is_coloured_and_tinted_grey_is_not(colour: tuple[int, int, int], coloured: bool):
    glance = Glancer().look(np.full((60, 80, 3), colour, np.uint8), None)
    assert glance.coloured is not None
    assert glance.coloured.all() == glance.coloured.any() == coloured


@pytest.mark.parametrize("layers", [None, 3])
def test_looking_and_judging_cost_less_than_a_millisecond_at_1024_by_768(layers: int | None):
    """Processor time, so that what else the machine does counts little."""
    size = (768, 1024)
    pictures = [echoes(seed, size=size) for seed in range(8)]
    if layers:
        pictures = [np.repeat(picture[..., None], layers, axis=2) for picture in pictures]
    fan, glancer, gates = sector(size=size), Glancer(), Gates()
    spent_ms: list[float] = []
    for index in range(200):
        started = time.thread_time()
        gates.update(index / 25, 0, glancer.look(pictures[index % 8], fan))
        spent_ms.append((time.thread_time() - started) * 1000)
    assert np.median(spent_ms) < 1.0
