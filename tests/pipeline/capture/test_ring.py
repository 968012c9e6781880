"""The law of the ring: only what may leave gets in, and it never grows beyond its bound."""

import numpy as np
import pytest

from fetalstream.pipeline.capture.ring import CaptureRing
from fetalstream.pipeline.signal.fan import mask_outside
from fetalstream.sources import Frame, Picture, Pixels
from tests.pipeline.scenery import echoes, screen, sector

FAN = sector()
BOX_BYTES = (FAN.box_px[2] - FAN.box_px[0]) * (FAN.box_px[3] - FAN.box_px[1])


def frame(index: int, pixels: Pixels | None = None, *, epoch: int = 0) -> Frame:
    shown = screen(FAN, index) if pixels is None else pixels
    return Frame(index=index, pts_seconds=index / 25, captured_ns=0, epoch=epoch, picture=Picture.of(shown))


def ring_of(frames: int, *, most_bytes: int = 1 << 30) -> CaptureRing:
    ring = CaptureRing(most_bytes)
    for index in range(frames):
        ring.see(frame(index), FAN)
    return ring


def test_what_is_held_is_the_picture_with_everything_black_outside_the_fan():
    ring = ring_of(3)
    still = ring.at(0, 1)
    assert still is not None
    assert (still.whole() == mask_outside(screen(FAN, 1), FAN)).all()
    assert (screen(FAN, 1) != still.whole()).any()  # there was something to hide
    assert still.size_bytes == BOX_BYTES


def test_a_picture_whose_fan_nobody_knows_does_not_get_in():
    ring = ring_of(2)
    assert not ring.is_blind
    ring.see(frame(2), None)
    assert ring.is_blind
    assert ring.at(0, 2) is None
    assert not ring.has_lost(0, 2)
    ring.see(frame(3, echoes(3, size=(120, 160))), FAN)  # the picture has changed its size, the fan not yet
    assert ring.is_blind
    assert ring.at(0, 3) is None


def test_a_source_that_repeats_itself_costs_nothing_and_every_repeat_is_found():
    ring = CaptureRing(1 << 30)
    for index in range(10):
        ring.see(frame(index, screen(FAN, index // 5)), FAN)
    assert ring.size_bytes == 2 * BOX_BYTES
    assert ring.at(0, 4) is ring.at(0, 0)
    assert ring.at(0, 5) is ring.at(0, 9) is not ring.at(0, 0)


def test_memory_stays_flat_however_long_it_runs_and_however_little_it_is_asked_to_forget():
    most_bytes = 20 * BOX_BYTES
    ring = CaptureRing(most_bytes)
    sizes: list[int] = []
    pictures = [screen(FAN, index) for index in range(7)]
    for index in range(2000):
        ring.see(frame(index, pictures[index % 7]), FAN)
        sizes.append(ring.size_bytes)
    assert max(sizes) <= most_bytes
    assert set(sizes[20:]) == {most_bytes}
    assert ring.has_lost(0, 1000)
    assert ring.at(0, 1000) is None
    assert ring.at(0, 1999) is not None


def test_what_is_no_longer_wanted_goes_and_with_it_all_earlier_epochs():
    ring = ring_of(20)
    ring.see(frame(20, epoch=1), FAN)
    ring.trim(0, 10 / 25)
    assert ring.at(0, 9) is None
    assert ring.at(0, 10) is not None
    ring.trim(1, 0.0)
    assert ring.at(0, 19) is None
    newest = ring.newest()
    assert newest is not None
    assert (newest[0], newest[1].frame_index) == (1, 20)
    assert ring.size_bytes == BOX_BYTES


def test_a_clip_is_what_was_seen_around_a_picture_of_its_size_and_epoch():
    ring = ring_of(50)
    ring.see(frame(50, epoch=1), FAN)
    still = ring.at(0, 25)
    assert still is not None
    clip = ring.around(0, still, start_seconds=0.6, end_seconds=1.6)
    assert [one.frame_index for one in clip] == list(range(15, 41))


@pytest.mark.parametrize(
    ("colour", "channels"),
    [
        ((90, 92, 95), 1),  # a codec's noise
        ((255, 200, 0), 3),  # a calliper
    ],
)
def test_marks_in_colour_stay_coloured_and_hardly_cost_memory(colour, channels):
    pixels = np.stack([screen(FAN, 0)] * 3, axis=2)
    pixels[100:104, 150:170] = colour
    ring = CaptureRing(1 << 30)
    ring.see(frame(0, pixels), FAN)
    still = ring.at(0, 0)
    assert still is not None
    whole = still.whole()
    assert whole.ndim == (2 if channels == 1 else 3)
    assert still.size_bytes < 1.02 * BOX_BYTES
    if channels == 3:
        assert (whole == mask_outside(pixels, FAN)).all()


def test_a_picture_in_colour_is_held_in_colour():
    pixels = np.stack([screen(FAN, 0), screen(FAN, 1), screen(FAN, 2)], axis=2)
    ring = CaptureRing(1 << 30)
    ring.see(frame(0, pixels), FAN)
    still = ring.at(0, 0)
    assert still is not None
    assert (still.whole() == mask_outside(pixels, FAN)).all()
