"""The law of sampling: by media time, on a fixed grid, losing nothing a slow source gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.pipeline.sampling import EveryFrame, FixedRate, Motion
from fetalstream.sources import Pixels

from .scenery import echoes


def wanted(sampler: EveryFrame | FixedRate, times: list[float], epoch: int = 0) -> list[float]:
    return [seconds for seconds in times if sampler.wants(seconds, epoch)]


def test_every_frame_means_every_frame():
    times = [0.0, 0.0, 5.0, 1.0]
    assert wanted(EveryFrame(), times) == times


@pytest.mark.parametrize(
    ("rate_fps", "source_fps", "expected"),
    [
        (5, 25, 10),  # every fifth of 50 frames
        (10, 25, 20),  # no whole number of frames per tick
        (25, 25, 50),  # equal rates: all
        (30, 25, 50),  # slower source: all
        (12.5, 25, 25),
    ],
)
def test_two_seconds_give_twice_the_rate_or_all_there_is(rate_fps: float, source_fps: float, expected: int):
    times = [round(index / source_fps, 6) for index in range(int(2 * source_fps))]
    assert len(wanted(FixedRate(rate_fps), times)) == expected


def test_after_a_pause_sampling_goes_on_without_catching_up():
    assert wanted(FixedRate(1), [0.0, 0.5, 10.2, 10.4, 10.9, 11.1]) == [0.0, 10.2, 11.1]


def test_a_new_epoch_starts_a_new_grid():
    sampler = FixedRate(1)
    assert sampler.wants(100.0, 0)
    assert not sampler.wants(100.5, 0)
    assert sampler.wants(0.0, 1)
    assert not sampler.wants(0.5, 1)


@given(
    steps=st.lists(st.floats(0, 1, allow_nan=False), max_size=60),
    rate_fps=st.floats(0.1, 120, allow_nan=False),
)
def test_no_two_wanted_frames_share_a_tick(steps: list[float], rate_fps: float):
    times = [sum(steps[: index + 1]) for index in range(len(steps))]
    kept = wanted(FixedRate(rate_fps), times)
    if times:
        assert kept[0] == times[0]
        assert len(kept) <= (times[-1] - times[0]) * rate_fps + 1.001


@pytest.mark.parametrize("rate_fps", [0, -1, float("nan")])
def test_an_impossible_rate_is_refused(rate_fps: float):
    with pytest.raises(ValueError, match="rate_fps must be above 0"):
        FixedRate(rate_fps)


# By motion.


def reasons(pictures: list[Pixels], *, fps: float = 25, min_fps: float = 5) -> list[str]:
    motion = Motion(min_fps=min_fps, changed_share=0.25)
    return [motion.left_out(index / fps, 0, picture.ravel()) for index, picture in enumerate(pictures)]


def test_of_a_sweep_every_frame_is_taken():
    assert reasons([echoes(seed) for seed in range(25)]) == [""] * 25


def test_of_a_picture_that_stands_still_the_least_rate_is_taken_and_the_rest_are_duplicates():
    assert reasons([echoes(0)] * 25) == (["", *["near_duplicate"] * 4] * 5)


def test_slow_motion_is_seen_at_a_rate_between_and_says_so():
    """A twentieth of the pixels changes with each picture: after five or so it is a quarter."""
    pictures = [echoes(0).ravel().copy()]
    for index in range(1, 40):
        pictures.append(pictures[-1].copy())
        pictures[-1][index % 20 :: 20] ^= 0x80
    said = reasons(pictures, min_fps=1)
    assert set(said) == {"", "slow_motion"}
    taken = [index for index, reason in enumerate(said) if not reason]
    assert set(np.diff(taken)) <= {5, 6}


@pytest.mark.parametrize("fps", [10, 12.7, 25, 30, 60])
def test_the_least_rate_holds_whatever_the_source_gives(fps: float):
    taken = reasons([echoes(0)] * round(10 * fps), fps=fps).count("")
    assert 0.79 * 50 <= taken <= 51  # a frame is there only every 1 / fps


@given(seeds=st.lists(st.integers(0, 3), max_size=40), min_fps=st.floats(0.5, 25))
def test_no_more_time_than_the_least_rate_allows_passes_between_two_frames_and_the_first_is_taken(
    seeds: list[int], min_fps: float
):
    cache = [echoes(seed, size=(20, 20)) for seed in range(4)]
    said = reasons([cache[seed] for seed in seeds], min_fps=min_fps)
    taken = [index for index, reason in enumerate(said) if not reason]
    if seeds:
        assert taken[0] == 0
        assert max(np.diff([*taken, len(seeds)]), default=0) / 25 <= 1 / min_fps + 1 / 25 + 1e-6


def test_a_new_epoch_time_that_falls_and_another_size_start_afresh():
    motion, still = Motion(min_fps=1, changed_share=0.25), echoes(0).ravel()
    assert motion.left_out(5.0, 0, still) == ""
    assert motion.left_out(5.1, 0, still) == "near_duplicate"
    assert motion.left_out(5.2, 1, still) == ""
    assert motion.left_out(5.1, 1, still) == ""
    assert motion.left_out(5.2, 1, still[:-7]) == ""


@pytest.mark.parametrize("min_fps", [0, -1, float("nan")])
def test_an_impossible_least_rate_is_refused(min_fps: float):
    with pytest.raises(ValueError, match="min_fps must be above 0"):
        Motion(min_fps=min_fps, changed_share=0.25)
