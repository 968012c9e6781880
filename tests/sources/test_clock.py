import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.sources.clock import NUDGE_SECONDS, Clock, Repair, Tick


def ticks(stamps: list[float | None], *, arrivals: list[float] | None = None) -> list[Tick]:
    clock = Clock(step_seconds=0.04)
    when = arrivals or [None] * len(stamps)
    return [clock.next(stamp, arrived_seconds=arrived) for stamp, arrived in zip(stamps, when, strict=True)]


def rounded(found: list[Tick]) -> list[tuple[float, Repair | None]]:
    return [(round(tick.pts_seconds, 6), tick.repair) for tick in found]


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([5.0, 5.04, 5.08], [(0.0, None), (0.04, None), (0.08, None)]),
        ([5.0, 5.5, 9.0], [(0.0, None), (0.5, None), (4.0, None)]),  # a recording may pause
        ([None, 7.0, 7.04], [(0.0, Repair.MISSING), (0.04, None), (0.08, None)]),  # a live stream's first frames
        ([1.0, None, 1.08], [(0.0, None), (0.04, Repair.MISSING), (0.08, None)]),
        ([1.0, math.nan, 1.08], [(0.0, None), (0.04, Repair.NOT_FINITE), (0.08, None)]),
        ([1.0, math.inf, 1.08], [(0.0, None), (0.04, Repair.NOT_FINITE), (0.08, None)]),
        ([1.0, 1.0, 1.04], [(0.0, None), (NUDGE_SECONDS, Repair.DUPLICATE), (0.04, None)]),
        ([1.0, 1.08, 1.04, 1.12], [(0.0, None), (0.08, None), (0.081, Repair.BACKWARD), (0.12, None)]),
        ([-0.08, -0.04, 0.0], [(0.0, None), (0.04, None), (0.08, None)]),
        ([9.0, 9.04, 0.0, 0.04], [(0.0, None), (0.04, None), (0.08, Repair.BACKWARD), (0.12, None)]),  # begun anew
    ],
)
def test_stamps_are_repaired_and_flagged(stamps: list[float | None], expected: list[tuple[float, Repair | None]]):
    assert rounded(ticks(stamps)) == expected


def test_a_stamp_from_the_future_is_a_jump_and_the_next_ones_follow_it():
    found = ticks([1.0, 1.04, 900.0, 900.04], arrivals=[50.0, 50.04, 50.08, 50.12])
    assert rounded(found) == [(0.0, None), (0.04, None), (0.08, Repair.JUMP), (0.12, None)]


def test_frames_that_were_held_up_and_catch_up_do_not_jump():
    found = ticks([1.0, 1.04, 1.08, 3.96, 4.0], arrivals=[50.0, 50.04, 53.0, 53.01, 53.04])
    assert rounded(found) == [(0.0, None), (0.04, None), (0.08, None), (2.96, None), (3.0, None)]


def test_a_pause_of_the_sender_is_kept():
    assert rounded(ticks([1.0, 11.0], arrivals=[50.0, 60.0])) == [(0.0, None), (10.0, None)]


def test_a_stamp_that_is_missing_counts_as_late_as_it_came():
    assert rounded(ticks([1.0, None, 1.4], arrivals=[50.0, 50.3, 50.4])) == [
        (0.0, None),
        (0.3, Repair.MISSING),
        (0.4, None),
    ]


def test_a_new_epoch_starts_anew_where_the_outage_ended():
    clock = Clock(step_seconds=0.04)
    clock.next(700.0, arrived_seconds=50.0)
    clock.begin_epoch()
    assert rounded([clock.next(3.0, arrived_seconds=58.0), clock.next(3.04, arrived_seconds=58.04)]) == [
        (8.0, None),
        (8.04, None),
    ]


def test_the_containers_own_start_is_zero():
    clock = Clock(step_seconds=0.04, start_seconds=1.5)
    assert clock.next(1.75).pts_seconds == 0.25


def test_the_containers_own_duration_fills_in():
    clock = Clock(step_seconds=0.04)
    clock.next(0.0)
    assert clock.next(None, duration_seconds=0.5) == (0.5, Repair.MISSING)


def test_repairs_are_counted_by_kind():
    clock = Clock(step_seconds=0.04)
    for stamp in (0.0, None, None, math.nan):
        clock.next(stamp)
    assert clock.repairs == {Repair.MISSING: 2, Repair.NOT_FINITE: 1}


stamps = st.none() | st.floats() | st.floats(0, 10)


@given(st.lists(st.tuples(stamps, st.floats(0, 5), st.booleans())), st.booleans())
def test_time_is_finite_and_rises_whatever_comes(script: list[tuple[float | None, float, bool]], live: bool):
    clock, arrived, before = Clock(step_seconds=0.04), 100.0, -math.inf
    for stamp, pause, new_epoch in script:
        arrived += pause
        if new_epoch:
            clock.begin_epoch()
        tick = clock.next(stamp, arrived_seconds=arrived if live else None)
        assert math.isfinite(tick.pts_seconds)
        assert tick.pts_seconds > before
        before = tick.pts_seconds


@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=60))
def test_true_stamps_pass_unchanged(steps: list[float]):
    times = [sum(steps[:index]) for index in range(len(steps) + 1)]
    found = ticks([time + 12.0 for time in times], arrivals=[time + 500.0 for time in times])
    assert [tick.pts_seconds for tick in found] == pytest.approx(times, abs=1e-9)
    assert {tick.repair for tick in found} == {None}
