"""The law of showing pictures: only to who asked, only masked, at the rate that was asked for."""

import time
from contextlib import closing
from dataclasses import replace

import cv2
import numpy as np
import pyigtl
import pytest

from fetalstream.models.testing import grey_model
from fetalstream.pipeline.assemble import build_run, opened_source
from fetalstream.pipeline.settings import load_config
from fetalstream.pipeline.showcase import Showcase
from fetalstream.pipeline.signal.fan import Fan, FanKind, FanShape, Side, iou, outline_px
from fetalstream.sinks.openigtlink import OpenIgtLinkSink
from fetalstream.sinks.pictures import Shown
from fetalstream.sinks.testing import ListSink
from fetalstream.sources import Frame, Picture

SIZE_PX = (40, 30)


class Wall(ListSink):
    """A sink that keeps what it is shown."""

    def __init__(self, pictures_fps: float) -> None:
        super().__init__()
        self.pictures_fps = pictures_fps
        self.shown: list[Shown] = []

    def show(self, picture: Shown) -> None:
        self.shown.append(picture)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def frame(index: int = 0, *, size_px: tuple[int, int] = SIZE_PX) -> Frame:
    grey = np.full(size_px[::-1], 200, dtype=np.uint8)
    return Frame(
        index=index, pts_seconds=index / 25, captured_ns=0, picture=Picture.of(grey), spacing_mm=0.5, wall_ns=7
    )


@pytest.fixture
def fan() -> Fan:
    shape = FanShape(box_px=(10, 5, 30, 25))
    return Fan(width_px=40, height_px=30, shape=shape, kind=FanKind.LINEAR, confidence=1.0)


def test_what_lies_outside_the_fan_is_black_and_the_frame_itself_is_left_alone(fan):
    wall, one = Wall(25), frame()
    Showcase([wall]).see(one, fan)
    (shown,) = wall.shown
    assert shown.grey.shape == (30, 40)
    assert (shown.grey[5:25, 10:30] == 200).all()
    assert shown.grey.sum() == 200 * 20 * 20
    assert (shown.pts_seconds, shown.spacing_mm, shown.wall_ns) == (0.0, 0.5, 7)
    assert (one.picture.grey == 200).all()


def test_a_picture_tells_when_it_was_captured_and_where_its_fan_is(fan):
    wall = Wall(25)
    showcase = Showcase([wall])
    showcase.see(replace(frame(), captured_ns=12), fan)
    showcase.see(frame(1), fan)
    shown = wall.shown[0]
    assert shown.captured_ns == 12
    assert set(shown.outline_px) == {(10, 5), (29, 5), (29, 24), (10, 24)}


def test_the_outline_of_a_sector_holds_every_pixel_of_its_fan_and_little_else():
    shape = FanShape(box_px=(0, 0, 200, 150), left=Side(80, -0.7), right=Side(120, 0.7), inner_px=40, outer_px=160)
    fan = Fan(width_px=200, height_px=150, shape=shape, kind=FanKind.CONVEX, confidence=1.0)
    drawn = np.zeros((150, 200), np.uint8)
    cv2.fillPoly(drawn, [np.array(outline_px(fan), np.int32)], 255)
    assert len(outline_px(fan)) < 60
    assert iou(drawn, fan.mask) > 0.98


def test_no_picture_leaves_while_the_fan_is_unknown_or_of_another_size(fan):
    wall = Wall(25)
    showcase = Showcase([wall])
    showcase.see(frame(), None)
    showcase.see(frame(size_px=(80, 60)), fan)
    assert wall.shown == []
    showcase.see(frame(), fan)
    assert len(wall.shown) == 1


def test_who_asked_for_none_gets_none(fan):
    wall, plain = Wall(0), ListSink()
    Showcase([wall, plain]).see(frame(), fan)
    assert wall.shown == []


@pytest.mark.parametrize("fps", [1, 5, 10, 24, 60])
def test_each_gets_pictures_at_its_own_rate_and_never_faster_than_there_are_frames(fan, fps):
    clock, wall, other = Clock(), Wall(fps), Wall(2)
    showcase = Showcase([wall, other], clock=clock)
    for index in range(250):
        clock.seconds = 1000 + index / 25
        showcase.see(frame(index), fan)
    assert abs(len(wall.shown) - min(fps, 25) * 10) <= 2
    assert abs(len(other.shown) - 20) <= 1


def test_after_a_pause_nothing_is_made_up_for(fan):
    clock, wall = Clock(), Wall(5)
    showcase = Showcase([wall], clock=clock)
    showcase.see(frame(), fan)
    clock.seconds = 100.0
    for index in range(5):
        clock.seconds += 0.04
        showcase.see(frame(index), fan)
    assert len(wall.shown) == 2


def test_a_rate_that_changes_while_the_sink_is_open_holds_from_the_next_picture_on(fan):
    clock, wall = Clock(), Wall(5)
    showcase = Showcase([wall], clock=clock)
    counts: list[int] = []
    for fps in (5, 25, 5):
        wall.pictures_fps, before = fps, len(wall.shown)
        for index in range(100):
            clock.seconds += 0.04
            showcase.see(frame(index), fan)
        counts.append(len(wall.shown) - before)
    assert [abs(count - wanted) <= 5 for count, wanted in zip(counts, (20, 100, 20), strict=True)] == [True] * 3


def test_slicers_own_client_sees_a_phantom_scan_without_the_names_on_its_screen():
    config = load_config("live", assignments=["sinks=[]"])
    with (
        closing(OpenIgtLinkSink(port=0, pictures_fps=20)) as sink,
        opened_source("phantom://?seed=7&seconds=4&fps=25&screen=1", realtime=True) as (source, info),
    ):
        client = pyigtl.OpenIGTLinkClient("127.0.0.1", sink.port)
        parts = {"source": source, "info": info, "model": grey_model(), "sinks": [sink]}
        run = build_run(config, **parts, stream="phantom", stamped=True)
        images: list[np.ndarray] = []
        states: list[str] = []

        def look() -> None:
            for message in client.get_latest_messages():
                if message.message_type == "IMAGE":
                    images.append(message.image[0])
                elif message.device_name == "FetalEvent":
                    states.append(message.string)

        run.run(look)
        time.sleep(0.3)
        look()
        client.stop()
        fan = run.watch.fan
    assert fan is not None
    assert len(images) > 10
    for image in images:
        assert image.shape == (fan.height_px, fan.width_px)
        assert image[fan.mask == 0].max() == 0
        assert image[fan.mask > 0].max() > 100
    assert any("stream.ended" in state for state in states)
