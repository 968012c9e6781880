"""The law of the look at each frame: what the model wants is converted and no more, and nothing leaves unmasked."""

import numpy as np
import pytest

from fetalstream.pipeline.sampling import Motion
from fetalstream.pipeline.signal.fan_watch import FanWatch
from fetalstream.pipeline.signal.gates import Gates, GateState
from fetalstream.pipeline.signal.watch import Watch
from fetalstream.sources import Frame, Picture, Pixels

from ..scenery import SIZE, echoes, screen, sector

FPS = 25
FAN = sector()


class Film:
    """Frames that say which of their forms was asked for."""

    def __init__(self) -> None:
        self.colours: list[int] = []
        self._index = 0

    def next(self, grey: Pixels) -> Frame:
        index, self._index = self._index, self._index + 1

        def colour() -> Pixels:
            self.colours.append(index)
            return np.repeat(grey[..., None], 3, axis=2)

        height, width = grey.shape
        picture = Picture(width_px=width, height_px=height, convert=colour, luma=lambda: grey)
        return Frame(index=index, pts_seconds=index / FPS, captured_ns=index, picture=picture)


def black(count: int) -> list[Pixels]:
    return [np.zeros(SIZE, np.uint8)] * count


def living(count: int) -> list[Pixels]:
    return [echoes(seed) for seed in range(count)]


def test_without_gates_fan_and_motion_nothing_is_looked_at():
    film, watch = Film(), Watch(sees_colour=False, gates=None, fans=None, motion=None)
    sights = [watch.look(film.next(picture)) for picture in black(30)]
    assert all(sight.pixels is not None and sight.change is None for sight in sights)
    assert film.colours == []


def test_a_model_that_wants_brightness_has_colours_converted_four_times_a_second_for_the_gates():
    film, watch = Film(), Watch(sees_colour=False, gates=Gates(), fans=None, motion=None)
    for picture in living(50):
        sight = watch.look(film.next(picture))
        assert sight.pixels is not None
        assert sight.pixels.ndim == 2
    assert film.colours == list(range(0, 50, 7))


def test_a_model_that_wants_colours_gets_them():
    film, watch = Film(), Watch(sees_colour=True, gates=Gates(), fans=None, motion=None)
    sight = watch.look(film.next(echoes(1)))
    assert sight.pixels is not None
    assert sight.pixels.shape == (*SIZE, 3)


def test_a_change_is_told_once_with_the_frame_it_came_with():
    film, watch = Film(), Watch(sees_colour=False, gates=Gates(), fans=None, motion=None)
    sights = [watch.look(film.next(picture)) for picture in [*living(10), *black(20), *living(10)]]
    assert [(sight.change.state, sight.change.pts_seconds) for sight in sights if sight.change] == [
        (GateState.BLACK, 15 / FPS),
        (GateState.OPEN, 33 / FPS),  # 0.12 s after the first good picture
    ]
    assert [sight.left_out for sight in sights] == [*[""] * 15, *["black"] * 18, *[""] * 7]


def test_behind_a_closed_gate_neither_the_fan_is_sought_nor_motion_judged():
    asked: list[int] = []

    def find(pictures: list[Pixels]) -> None:
        asked.append(len(pictures))

    film, motion = Film(), Motion(min_fps=5, changed_share=0.25)
    watch = Watch(sees_colour=False, gates=Gates(), fans=FanWatch(find=find), motion=motion)
    sights = [watch.look(film.next(picture)) for picture in black(60)]
    assert asked == []
    assert {sight.left_out for sight in sights[6:]} == {"black"}


@pytest.mark.parametrize(
    ("later", "shown"),
    [
        ([screen(FAN, 99)] * 30, True),  # frozen: the same picture still
        ([np.full(SIZE, 90, np.uint8)] * 10, False),  # a slate
        ([screen(FAN, seed, device=1) for seed in range(10)], False),  # another screen
    ],
    ids=["frozen", "slate", "another screen"],
)
def test_pictures_may_leave_only_while_the_screen_is_the_one_the_fan_was_found_on(later: list[Pixels], shown: bool):
    film = Film()
    watch = Watch(sees_colour=False, gates=Gates(), fans=FanWatch(find=lambda _: FAN), motion=None)
    for seed in range(20):
        watch.look(film.next(screen(FAN, seed)))
    assert watch.fan_to_show is None  # not final yet
    for seed in range(20, 50):
        watch.look(film.next(screen(FAN, seed)))
    assert watch.fan_to_show is FAN
    for picture in later:
        watch.look(film.next(picture))
    assert (watch.fan_to_show is FAN) is shown


def test_without_a_search_for_the_fan_no_picture_may_leave():
    film, watch = Film(), Watch(sees_colour=False, gates=Gates(), fans=None, motion=None)
    watch.look(film.next(echoes(1)))
    assert watch.fan is None
    assert watch.fan_to_show is None
