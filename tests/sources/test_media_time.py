import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.sources.media_time import MediaTime


@pytest.mark.parametrize(
    ("stamps", "times", "repaired"),
    [
        ([0.0, 0.04, 0.08], [0.0, 0.04, 0.08], 0),
        ([1.4, 1.44, 9.0], [0.0, 0.04, 7.6], 0),  # an offset goes, a pause stays
        ([0.0, 0.04, 0.04, 0.08], [0.0, 0.04, 0.041, 0.08], 1),  # a duplicate
        ([0.0, 0.08, 0.04, 0.12], [0.0, 0.08, 0.081, 0.12], 1),  # one step back
        ([None, None, None], [0.0, 0.04, 0.08], 3),
        ([0.0, None, 0.08], [0.0, 0.04, 0.08], 1),
        ([0.0, 5.0, 0.0, 0.04], [0.0, 5.0, 5.04, 5.08], 1),  # the timeline begins anew
        ([-0.08, -0.04, 0.0], [0.0, 0.04, 0.08], 0),
    ],
)
def test_true_stamps_pass_and_false_ones_are_repaired(stamps, times, repaired):
    clock = MediaTime(start_seconds=None, step_seconds=0.04)
    assert [clock.next(stamp) for stamp in stamps] == pytest.approx(times)
    assert clock.repaired == repaired


def test_a_known_start_counts_even_when_the_first_frame_comes_later():
    clock = MediaTime(start_seconds=10.0, step_seconds=0.04)
    assert clock.next(10.5) == pytest.approx(0.5)


def test_a_known_duration_stands_in_for_a_missing_stamp():
    clock = MediaTime(start_seconds=None, step_seconds=0.04)
    assert [clock.next(0.0), clock.next(None, duration_seconds=0.1)] == pytest.approx([0.0, 0.1])


@given(st.lists(st.none() | st.floats(-1e6, 1e6)))
def test_whatever_the_stamps_time_rises(stamps):
    clock = MediaTime(start_seconds=None, step_seconds=0.04)
    times = [clock.next(stamp) for stamp in stamps]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))
