"""The law of smoothing: a low-pass over media time that never bridges a lost signal."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.pipeline.planes.smoothing import ExponentialSmoothing


def row(*scores: float) -> np.ndarray:
    return np.array(scores, dtype=np.float32)


def smooth(times: list[float], scores: list[float], **options: float) -> list[float]:
    smoothing = ExponentialSmoothing(**({"time_constant_seconds": 0.2, "max_gap_seconds": 1.0} | options))
    return [float(smoothing.update(t, row(s))[0]) for t, s in zip(times, scores, strict=True)]


def test_the_first_score_is_taken_as_it_is():
    assert smooth([3.0], [0.75]) == [0.75]


def test_a_step_reaches_63_per_cent_after_one_time_constant_at_any_frame_rate():
    for fps in (10, 25, 100):
        times = [index / fps for index in range(int(0.2 * fps) + 1)]
        scores = [0.0] + [1.0] * (len(times) - 1)
        assert smooth(times, scores)[-1] == pytest.approx(1 - math.exp(-1), abs=1e-9)


def test_time_constant_zero_changes_nothing():
    scores = [0.1, 0.9, 0.3]
    assert smooth([0, 0.1, 0.2], scores, time_constant_seconds=0) == pytest.approx(scores)


@pytest.mark.parametrize(
    ("second", "fresh"),
    [
        (1.0, False),  # just bridged
        (1.1, True),  # too long a pause
        (-0.5, True),  # time went backward: a new epoch
    ],
)
def test_a_long_pause_or_backward_time_starts_afresh(second: float, fresh: bool):
    assert (smooth([0.0, second], [0.0, 1.0])[1] == 1.0) is fresh


def test_reset_forgets():
    smoothing = ExponentialSmoothing(time_constant_seconds=10, max_gap_seconds=10)
    smoothing.update(0, row(0.0))
    smoothing.reset()
    assert smoothing.update(0.1, row(1.0))[0] == 1.0


@given(st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 1)), min_size=1, max_size=40))
def test_rows_that_sum_to_one_stay_so_and_stay_in_range(steps: list[tuple[float, float]]):
    smoothing = ExponentialSmoothing(time_constant_seconds=0.2, max_gap_seconds=1.0)
    now = 0.0
    for step, score in steps:
        now += step
        smoothed = smoothing.update(now, row(score, 1 - score))
        assert smoothed.sum() == pytest.approx(1, abs=1e-6)
        assert ((smoothed >= -1e-9) & (smoothed <= 1 + 1e-9)).all()
