"""The law of sampling: by media time, on a fixed grid, losing nothing a slow source gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.pipeline.sampling import EveryFrame, FixedRate


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
