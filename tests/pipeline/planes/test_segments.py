"""The law of segments, as tables: what enters when, what leaves when, and what never happens."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.pipeline.planes.segments import Change, Entered, Left, Rules, Segmenter

LABELS = ("background", "femur", "abdomen")
RULES = Rules(enter_score=0.6, leave_score=0.4, hold_seconds=0.2, release_seconds=0.3)


def run(rows: list[tuple[float, float, float]], rules: Rules = RULES, *, finish: bool = True) -> list[Change]:
    """Rows of (seconds, femur, abdomen); the frame's index is its place."""
    segmenter = Segmenter(LABELS, rules)
    changes: list[Change] = []
    for index, (seconds, femur, abdomen) in enumerate(rows):
        scores = np.array([1 - femur - abdomen, femur, abdomen])
        changes += segmenter.update(index, seconds, scores, scores.astype(np.float32))
    return changes + segmenter.finish() if finish else changes


def steady(start: float, stop: float, femur: float, abdomen: float = 0.0) -> list[tuple[float, float, float]]:
    count = round((stop - start) * 10)
    return [(round(start + index / 10, 6), femur, abdomen) for index in range(count)]


def test_a_plane_enters_once_held_and_its_start_is_its_onset():
    changes = run(steady(0, 1, 0.0) + steady(1, 2, 0.9), finish=False)
    assert changes == [Entered(plane="femur", start_seconds=1.0, score=0.9)]


def test_a_glimpse_shorter_than_the_hold_is_no_event():
    assert run(steady(0, 1, 0.0) + steady(1, 1.2, 0.9) + steady(1.2, 2, 0.0)) == []


def test_between_the_thresholds_nothing_changes():
    assert run(steady(0, 2, 0.5)) == []
    changes = run(steady(0, 1, 0.9) + steady(1, 5, 0.5), finish=False)
    assert [type(change) for change in changes] == [Entered]


def test_a_dip_shorter_than_the_release_does_not_end_the_visit():
    changes = run(steady(0, 1, 0.9) + steady(1, 1.2, 0.1) + steady(1.2, 2, 0.9))
    assert [type(change) for change in changes] == [Entered, Left]
    assert isinstance(changes[1], Left)
    assert changes[1].frames == 20


def test_the_interval_is_half_open_and_ends_at_the_first_frame_that_is_not_good():
    left = run(steady(0, 1, 0.9) + steady(1, 2, 0.0))[-1]
    assert isinstance(left, Left)
    assert (left.start_seconds, left.end_seconds, left.frames) == (0.0, 1.0, 10)
    assert left.score == pytest.approx(0.9)


def test_at_the_end_of_the_stream_the_last_frame_counts_as_long_as_the_one_before():
    left = run(steady(0, 1, 0.9))[-1]
    assert isinstance(left, Left)
    assert left.end_seconds == pytest.approx(1.0)


def test_another_plane_takes_over_without_overlap():
    changes = run(steady(0, 1, 0.9) + steady(1, 2, 0.05, 0.9))
    assert [type(change) for change in changes] == [Entered, Left, Entered, Left]
    first, second = changes[1], changes[3]
    assert isinstance(first, Left)
    assert isinstance(second, Left)
    assert (first.plane, first.end_seconds) == ("femur", 1.0)
    assert (second.plane, second.start_seconds) == ("abdomen", 1.0)


def test_a_rival_that_does_not_hold_leaves_the_plane_in_view():
    changes = run(steady(0, 1, 0.9) + steady(1, 1.1, 0.05, 0.9) + steady(1.1, 2, 0.9))
    assert [type(change) for change in changes] == [Entered, Left]


def test_the_best_frame_is_the_highest_and_the_first_of_equals():
    rows = [(0.0, 0.7, 0.0), (0.1, 0.95, 0.0), (0.2, 0.95, 0.0), (0.3, 0.8, 0.0)]
    left = run(rows)[-1]
    assert isinstance(left, Left)
    assert (left.best.frame_index, left.best.pts_seconds) == (1, 0.1)
    assert left.best.score == pytest.approx(0.95)


def test_the_background_never_enters():
    assert run(steady(0, 5, 0.0)) == []


rows_of_any_kind = st.lists(
    st.tuples(st.floats(0.001, 0.5), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=120
)


@given(rows_of_any_kind)
def test_visits_never_overlap_and_hold_their_best_frame(steps: list[tuple[float, float, float]]):
    now, rows = 0.0, []
    for step, first, second in steps:
        now += step
        rows.append((now, first * (1 - second), second))
    changes = run(rows)
    kinds = [type(change) for change in changes]
    assert kinds == [Entered, Left] * (len(kinds) // 2)
    lefts = [change for change in changes if isinstance(change, Left)]
    for entered, left in zip(changes[::2], lefts, strict=True):
        assert isinstance(entered, Entered)
        assert (entered.plane, entered.start_seconds) == (left.plane, left.start_seconds)
        assert left.start_seconds <= left.best.pts_seconds < left.end_seconds
        assert 0 <= left.score <= 1
    for earlier, later in pairwise(lefts):
        assert earlier.end_seconds <= later.start_seconds


@given(rows_of_any_kind)
def test_labels_change_less_often_than_the_strongest_label_per_frame(steps: list[tuple[float, float, float]]):
    rows = [(0.04 * index, a * (1 - b), b) for index, (_, a, b) in enumerate(steps)]
    strongest = [int(np.argmax([1 - a - b, a, b])) for _, a, b in rows]
    flips = sum(one != two for one, two in pairwise(strongest))
    assert len(run(rows, finish=False)) <= 2 * (flips + 1)
