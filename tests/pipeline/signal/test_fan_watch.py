"""The law of the fan in a running stream: found once, kept while the screen stays, found anew when it has changed."""

from collections.abc import Callable

import numpy as np

from fetalstream.pipeline.signal.fan import Fan, iou
from fetalstream.pipeline.signal.fan_watch import FanWatch
from fetalstream.pipeline.signal.glance import Glancer
from fetalstream.sources import Picture, Pixels

from ..scenery import echoes, screen, sector

WIDE, NARROW = sector(), sector(lean=0.2)
FPS = 10


class Finder:
    """Knows the answer, and counts how often it was asked."""

    def __init__(self, answer: Fan | None) -> None:
        self.answer = answer
        self.asked: list[int] = []

    def __call__(self, pictures: list[Pixels]) -> Fan | None:
        self.asked.append(len(pictures))
        return self.answer


class Stream:
    """Feeds a watch with pictures, each with the glance it takes itself."""

    def __init__(self, watch: FanWatch) -> None:
        self.watch, self._glancer = watch, Glancer()
        self.seconds = 0.0

    def show(self, count: int, draw: Callable[[int], Pixels], *, epoch: int = 0) -> list[Fan | None]:
        fans: list[Fan | None] = []
        for _ in range(count):
            pixels = draw(round(self.seconds * FPS))
            glance = self._glancer.look(pixels, self.watch.fan)
            self.watch.update(self.seconds, epoch, glance, Picture.of(pixels))
            fans.append(self.watch.fan)
            self.seconds += 1 / FPS
        return fans


def test_a_fan_is_found_soon_after_the_beginning_and_never_again_while_the_screen_stays():
    finder = Finder(WIDE)
    fans = Stream(FanWatch(find=finder)).show(300, lambda seed: screen(WIDE, seed))
    assert fans[:3] == [None] * 3
    assert all(fan is WIDE for fan in fans[4:])
    assert finder.asked == [1, 4]


def test_the_real_finder_finds_the_fan_of_a_stream():
    watch = FanWatch()
    Stream(watch).show(15, lambda seed: screen(WIDE, seed))
    assert watch.fan is not None
    assert iou(watch.fan.mask, WIDE.mask) > 0.8


def test_where_none_is_found_the_search_is_repeated_ever_more_rarely():
    finder = Finder(None)
    Stream(FanWatch(find=finder)).show(1200, echoes)
    assert 4 <= finder.asked.count(4) <= 7


def test_pictures_of_another_size_have_another_fan_and_the_first_is_remembered():
    small = sector(size=(120, 160))
    finder = Finder(WIDE)
    stream = Stream(FanWatch(find=finder))
    stream.show(20, lambda seed: screen(WIDE, seed))
    finder.answer = small
    fans = stream.show(20, lambda seed: screen(small, seed))
    assert fans[0] is None
    assert fans[-1] is small
    before = len(finder.asked)
    assert stream.show(20, lambda seed: screen(WIDE, seed))[-1] is WIDE
    assert len(finder.asked) == before


def test_another_device_on_the_same_cable_is_noticed_and_the_first_is_known_when_it_comes_back():
    finder = Finder(WIDE)
    stream = Stream(FanWatch(find=finder))
    stream.show(30, lambda seed: screen(WIDE, seed, device=0))
    finder.answer = NARROW
    assert stream.show(50, lambda seed: screen(NARROW, seed, device=1))[-1] is NARROW
    before = len(finder.asked)
    assert stream.show(50, lambda seed: screen(WIDE, seed, device=0))[-1] is WIDE
    assert len(finder.asked) == before


def test_echoes_that_no_longer_fill_the_fan_are_noticed():
    """The same screen, but the operator has chosen a narrower sector."""

    def narrowed(seed: int) -> Pixels:
        return np.where((WIDE.mask > 0) & (NARROW.mask == 0), 0, screen(WIDE, seed)).astype(np.uint8)

    finder = Finder(WIDE)
    stream = Stream(FanWatch(find=finder))
    stream.show(30, lambda seed: screen(WIDE, seed))
    finder.answer = NARROW
    assert stream.show(60, narrowed)[-1] is NARROW
    asked = len(finder.asked)
    stream.show(200, narrowed)
    assert len(finder.asked) == asked


def test_a_reconnection_to_the_same_device_keeps_the_fan():
    finder = Finder(WIDE)
    stream = Stream(FanWatch(find=finder))
    stream.show(30, lambda seed: screen(WIDE, seed))
    stream.seconds = 0.0
    assert stream.show(40, lambda seed: screen(WIDE, seed), epoch=1)[0] is WIDE
    assert finder.asked == [1, 4]


def test_a_fan_is_trusted_once_it_is_final_and_not_for_one_picture_of_another_screen():
    watch = FanWatch(find=Finder(WIDE))
    stream = Stream(watch)
    trusted: list[bool] = []
    for _ in range(20):
        stream.show(1, lambda seed: screen(WIDE, seed))
        trusted.append(watch.trusted is not None)
    assert not any(trusted[:12])
    assert all(trusted[15:])
    stream.show(1, lambda seed: screen(WIDE, seed, device=1))
    assert watch.trusted is None
    assert watch.fan is WIDE
    stream.show(1, lambda seed: screen(WIDE, seed))
    assert watch.trusted is WIDE
