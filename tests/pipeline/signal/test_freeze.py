"""The law of freezing: what stands still is frozen, whatever noise, codecs and pointers do; what lives never is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.pipeline.signal.freeze import FreezeWatch
from fetalstream.pipeline.signal.motion import changed_share
from fetalstream.sources import Pixels

from ..scenery import echoes

HOLD_SECONDS = 0.6


def still(count: int, *, seed: int = 0) -> list[Pixels]:
    return [echoes(seed).ravel()] * count


def living(count: int) -> list[Pixels]:
    return [echoes(seed).ravel() for seed in range(count)]


def noisy(pictures: list[Pixels], sigma: float) -> list[Pixels]:
    rng = np.random.default_rng(0)
    return [np.clip(p + rng.normal(0, sigma, p.shape), 0, 255).astype(np.uint8) for p in pictures]


def frozen(pictures: list[Pixels], *, fps: float = 25.0) -> list[bool]:
    watch = FreezeWatch(hold_seconds=HOLD_SECONDS)
    return [watch.update(index / fps, picture) for index, picture in enumerate(pictures)]


@pytest.mark.parametrize("fps", [8.0, 12.7, 25.0, 60.0])
def test_a_still_is_frozen_once_it_has_stood_so_long_and_free_with_the_second_new_picture(fps: float):
    calm, still_frames = 20, round(2 * fps)
    seen = frozen([*living(calm), *still(still_frames, seed=99), *living(10)], fps=fps)
    first = seen.index(True)
    # the first picture of the still differs from the one before: it is the last sign of life
    assert (first - calm) / fps == pytest.approx(HOLD_SECONDS, abs=1.01 / fps)
    assert all(seen[first : calm + still_frames])
    assert not any(seen[calm + still_frames + 1 :])


@pytest.mark.parametrize("sigma", [0.5, 1.5, 2.0])
def test_the_noise_of_a_cable_is_no_life(sigma: float):
    assert frozen(noisy(still(40), sigma))[-1]


def test_a_key_frame_that_refreshes_a_still_is_no_life():
    pictures = still(30) + noisy(still(1), 12) * 30
    assert all(frozen(pictures)[20:])


def test_a_pointer_over_a_still_is_no_life():
    pictures = [picture.copy() for picture in still(50)]
    for index, picture in enumerate(pictures):
        picture[index * 300 : index * 300 + 200] = 255  # 0.3 % of the pixels
    assert frozen(pictures)[-1]


def test_slow_motion_adds_up_to_life():
    """A step of 1 grey a picture is below any noise; after twelve of them it is motion."""
    ramp = [np.full(1000, 60 + index, dtype=np.uint8) for index in range(150)]
    assert not any(frozen(ramp))


def test_every_picture_sent_twice_is_life():
    assert not any(frozen([picture for picture in living(40) for _ in range(2)]))


@given(seeds=st.lists(st.integers(0, 50), min_size=2, max_size=40))
def test_two_pictures_that_alternate_with_others_are_never_frozen_before_their_time(seeds: list[int]):
    cache = {seed: echoes(seed, size=(40, 40)).ravel() for seed in set(seeds)}
    for index, is_frozen in enumerate(frozen([cache[seed] for seed in seeds])):
        run = seeds[max(0, index - 15) : index + 1]
        assert not is_frozen or len(set(run)) == 1 or index >= 15


def test_a_picture_of_another_size_or_an_earlier_time_starts_afresh():
    watch = FreezeWatch(hold_seconds=HOLD_SECONDS)
    assert [watch.update(index / 25, still(1)[0]) for index in range(20)][-1]
    assert not watch.update(20 / 25, still(1)[0][:-1])
    assert not watch.update(0.0, still(1)[0][:-1])


def test_two_pictures_a_long_time_apart_are_not_enough_to_call_it_frozen():
    assert frozen(still(4), fps=1.0) == [False, False, False, True]


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        ([100] * 10, [100] * 10, 0.0),
        ([100] * 10, [111] * 10, 0.0),  # 11 greys are noise
        ([100] * 10, [112] * 10, 1.0),
        ([100] * 10, [112] * 5 + [100] * 5, 0.5),
        ([100] * 5 + [0] * 5, [0] * 5 + [0] * 5, 1.0),  # the dark half says nothing
        ([0] * 10, [20] * 10, 1.0),  # of nothing bright, all has changed; never more than all
        ([0] * 10, [0] * 10, 0.0),
    ],
)
def test_the_changed_share_is_of_the_bright_pixels(before: list[int], after: list[int], share: float):
    assert changed_share(np.array(before, np.uint8), np.array(after, np.uint8)) == pytest.approx(share)
