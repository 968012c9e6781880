"""The sweep and its truth."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.models.planes import GROUPS, Plane
from fetalstream.sources import SourceError
from fetalstream.sources.phantom import PhantomSource, ScanEvent, Script
from fetalstream.sources.phantom.anatomy import BACKGROUND, TARGETS
from fetalstream.sources.phantom.events import ScanClock, parse_events

EVENTS = (ScanEvent("freeze", 4.0, 5.5), ScanEvent("lift", 8.0, 9.0), ScanEvent("gain", 2.0, 12.0, 6.0))


def test_the_planes_have_the_names_that_the_models_use() -> None:
    assert set(TARGETS) <= {plane.value for plane in Plane}
    assert len(TARGETS) == 7


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("events", [(), EVENTS], ids=["plain", "events"])
def test_intervals_agree_with_the_truth_of_each_frame(seed: int, events: tuple[ScanEvent, ...]) -> None:
    script, until, fps = Script(seed, events=events), 30.0, 25
    intervals = script.intervals(until)
    for index in range(int(until * fps)):
        seconds = index / fps
        named = [i.plane for i in intervals if i.start_seconds <= seconds < i.end_seconds]
        assert [script.truth(seconds).plane] == (named or [BACKGROUND]), seconds


@pytest.mark.parametrize("seed", range(3))
def test_a_plane_is_named_exactly_where_its_quality_is_at_least_a_half(seed: int) -> None:
    script = Script(seed)
    truths = [script.truth(k / 25) for k in range(750)]
    for truth in truths:
        assert (truth.plane != BACKGROUND) == (truth.quality >= 0.5)
        assert 0 <= truth.quality <= 1
    assert max(t.quality for t in truths) > 0.95


@pytest.mark.parametrize("seed", range(60))
def test_twenty_seconds_show_four_planes_with_a_heart_and_a_brain(seed: int) -> None:
    planes = [i.plane for i in Script(seed).intervals(20.0)]
    assert len(planes) >= 4
    assert "four_chamber" in planes
    assert GROUPS["brain"] & set(planes)


def test_planes_are_held_for_two_to_four_seconds_with_one_to_two_between() -> None:
    intervals = Script(9).intervals(120.0)[:-1]
    for a, b in itertools.pairwise(intervals):
        assert 2 <= a.end_seconds - a.start_seconds <= 4
        assert 1 <= b.start_seconds - a.end_seconds <= 2


def test_a_second_sweep_shows_the_same_planes_in_other_poses() -> None:
    script = Script(2)
    first, second = script.intervals(120.0)[:7], script.intervals(120.0)[7:14]
    assert {i.plane for i in first} == {i.plane for i in second} == set(TARGETS)
    heart_once, heart_again = (next(i for i in sweep if i.plane == "four_chamber") for sweep in (first, second))
    views = [script.moment(i.start_seconds + 1)[0] for i in (heart_once, heart_again)]
    assert views[0].pose.turn_rad != pytest.approx(views[1].pose.turn_rad, abs=0.01)


def test_the_truth_does_not_depend_on_the_order_of_questions() -> None:
    forward, backward = Script(5), Script(5)
    times = [k * 0.7 for k in range(80)]
    ahead = [forward.moment(t) for t in times]
    assert ahead == [backward.moment(t) for t in reversed(times)][::-1]


def test_between_neighbouring_frames_nothing_jumps_while_a_body_is_seen() -> None:
    script = Script(3)
    for k in range(1, 60 * 25):
        a, b = script.moment((k - 1) / 25)[0], script.moment(k / 25)[0]
        if a.body == b.body and abs(a.z - b.z) < 1.5:
            assert abs(a.pose.x_mm - b.pose.x_mm) < 4
        assert abs(a.slide_mm - b.slide_mm) < 1


def test_a_still_keeps_the_plane_it_shows() -> None:
    interval = Script(1).intervals(20.0)[0]
    start = interval.start_seconds + 1
    script = Script(1, events=[ScanEvent("freeze", start, start + 30)])
    late = script.truth(start + 25)
    assert (late.plane, late.frozen) == (interval.plane, True)
    assert script.intervals(60.0)[0].end_seconds == pytest.approx(interval.end_seconds + 30)


def test_a_lift_cuts_the_plane_in_two() -> None:
    interval = Script(1).intervals(20.0)[0]
    start = interval.start_seconds + 0.5
    script = Script(1, events=[ScanEvent("lift", start, start + 0.5)])
    truth = script.truth(start + 0.1)
    assert (truth.plane, truth.lifted, truth.quality) == (BACKGROUND, True, 0.0)
    assert [i.plane for i in script.intervals(20.0)][:2] == [interval.plane, interval.plane]


def test_the_heart_beats_at_the_asked_rate_in_the_truth() -> None:
    script = Script(0, heart_rate_bpm=120)
    phases = [script.truth(k / 50).cardiac_phase for k in range(200)]
    assert sum(b < a for a, b in itertools.pairwise(phases)) == pytest.approx(8, abs=1)


def test_intervals_of_a_source_end_with_it() -> None:
    source = PhantomSource(seed=1, seconds=7.0, realtime=False)
    assert source.intervals()[-1].end_seconds <= 7.0
    assert all(source.truth(k).plane == BACKGROUND for k in range(5))


spans = st.tuples(st.floats(0, 50), st.floats(0.01, 10)).map(lambda s: ScanEvent("freeze", s[0], s[0] + s[1]))


@given(st.lists(spans, max_size=5), st.floats(0, 200))
def test_scan_time_never_runs_back_and_media_time_finds_it_again(freezes: list[ScanEvent], scan: float) -> None:
    clock = ScanClock(freezes)
    assert clock.scan_seconds(clock.media_seconds(scan)) == pytest.approx(scan, abs=1e-9)
    times = np.linspace(0, 100, 101)
    passed = [clock.scan_seconds(float(t)) for t in times]
    assert all(-1e-9 <= b - a <= 1 + 1e-9 for a, b in itertools.pairwise(passed))


def test_events_are_read_from_text() -> None:
    assert parse_events("freeze:3-4,gain:5-8:-9,lift:10-11.5") == (
        ScanEvent("freeze", 3, 4),
        ScanEvent("gain", 5, 8, -9),
        ScanEvent("lift", 10, 11.5),
    )
    assert parse_events("") == ()


@pytest.mark.parametrize(
    "text", ["freeze", "freeze:1", "freeze:1-2:3", "gain:1-2", "FREEZE:1-2", "gain:1-2:99", "lift:3-3"]
)
def test_an_event_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        parse_events(text)
