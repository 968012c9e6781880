"""The law of pictures on the disk: stills without loss, clips at their true times."""

import io
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from fetalstream.sinks.stills import Still, Tints, mp4, png
from tests.sinks.capturing import HEIGHT_PX, WIDTH_PX, still


def read_png(content: bytes) -> np.ndarray:
    read = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert read is not None
    return read if read.ndim == 2 else cv2.cvtColor(read, cv2.COLOR_BGR2RGB)


def read_mp4(content: bytes) -> tuple[list[float], list[np.ndarray], float]:
    """Times, pictures and the length in seconds."""
    with av.open(io.BytesIO(content), "r") as clip:
        stream = clip.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.time_base is not None
        frames = list(clip.decode(stream))
        length_seconds = float((stream.duration or 0) * stream.time_base)
        times = [float(frame.time or 0) for frame in frames]
        return times, [frame.to_ndarray(format="rgb24") for frame in frames], length_seconds


@pytest.mark.parametrize("colour", [False, True])
def test_a_still_comes_back_pixel_by_pixel_in_its_place_with_black_around(colour):
    one = still(3, colour=colour)
    read = read_png(png(one))
    assert read.shape[:2] == (HEIGHT_PX, WIDTH_PX)
    assert (read[5:65, 10:90] == one.pixels).all()
    assert np.count_nonzero(read) == np.count_nonzero(one.pixels)


def test_marks_in_colour_are_kept_apart_and_come_back():
    grey = still(1).pixels
    one = replace(still(1), tints=Tints(np.array([0, 81], np.uint32), np.array([[250, 200, 0], [0, 0, 90]], np.uint8)))
    read = read_png(png(one))
    assert tuple(read[5, 10]) == (250, 200, 0)
    assert tuple(read[6, 11]) == (0, 0, 90)
    assert (read[5:65, 10:90, 1][2:] == grey[2:]).all()
    assert one.size_bytes == grey.size + 2 * 4 + 2 * 3


def test_a_clip_holds_each_frame_at_its_true_time_also_where_the_source_stuttered():
    indexes = [0, 1, 2, 5, 6, 20]
    given = [still(index) for index in indexes]
    times, pictures, length_seconds = read_mp4(mp4(given, frame_seconds=0.04))
    assert times == pytest.approx([index / 25 for index in indexes], abs=1e-4)
    assert length_seconds == pytest.approx(21 / 25, abs=1e-3)
    assert {picture.shape for picture in pictures} == {(HEIGHT_PX + 1, WIDTH_PX + 1, 3)}  # H.264 knows even sizes only


@pytest.mark.parametrize("colour", [False, True])
def test_the_pictures_of_a_clip_are_as_bright_as_they_were(colour):
    """Neither washed out nor cut off by one range being taken for the other."""
    ramp = np.repeat(np.arange(0, 240, 3, dtype=np.uint8)[None], 60, axis=0)
    pixels = np.stack([ramp] * 3, axis=2) if colour else ramp
    given = [replace(still(index), pixels=pixels) for index in range(5)]
    _, pictures, _ = read_mp4(mp4(given, frame_seconds=0.04))
    back = pictures[2][5:65, 10:90].mean(axis=(0, 2))
    assert np.abs(back - ramp[0]).max() < 4


def test_equal_frames_give_equal_bytes():
    given = [still(index) for index in range(10)]
    assert mp4(given, frame_seconds=0.04) == mp4(given, frame_seconds=0.04)


def test_grey_and_coloured_frames_can_follow_each_other():
    given = [still(0), still(1, colour=True), still(2)]
    times, pictures, _ = read_mp4(mp4(given, frame_seconds=0.04))
    assert len(times) == 3
    assert np.ptp(pictures[1][20:40, 20:40].mean(axis=(0, 1))) > 20
    assert np.ptp(pictures[2][20:40, 20:40].mean(axis=(0, 1))) < 8


def test_a_still_costs_what_its_box_does():
    assert still().size_bytes == 60 * 80
    assert isinstance(still(), Still)
