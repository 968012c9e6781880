"""The law of the analyst: notices keep their place, interruptions close what is in view, numbers never skip."""

from itertools import pairwise

import numpy as np
import pytest

from fetalstream.pipeline.analyst import Analyst
from fetalstream.pipeline.interruptions import INTERRUPTIONS
from fetalstream.pipeline.messages import Notice, Scored, SignalChange
from fetalstream.pipeline.planes.segments import Rules, Segmenter
from fetalstream.pipeline.planes.smoothing import ExponentialSmoothing
from fetalstream.pipeline.recorder import Recorder
from fetalstream.pipeline.signal.gates import GateState
from fetalstream.sinks import AnyEvent, FrameScores, PlaneEntered, PlaneLeft, SignalChanged, StreamDamaged, StreamState
from fetalstream.sources import Damage, SourceState, StateChange

LABELS = ("background", "femur")
NOW_NS = 5_000_000_000


def analyst(*, frame_scores: bool = False, stamped: bool = False) -> Analyst:
    return Analyst(
        labels=LABELS,
        smoothing=ExponentialSmoothing(time_constant_seconds=0, max_gap_seconds=1),
        segmenter=Segmenter(LABELS, Rules(hold_seconds=0.1, release_seconds=0.1)),
        max_gap_seconds=1,
        recorder=Recorder("s", stamped=stamped, clock_ns=lambda: NOW_NS),
        frame_scores=frame_scores,
    )


def frame(index: int, femur: float, *, pts_seconds: float | None = None, epoch: int = 0) -> Scored:
    return Scored(
        index=index,
        pts_seconds=index / 10 if pts_seconds is None else pts_seconds,
        captured_ns=NOW_NS - 20_000_000,
        epoch=epoch,
        scores=np.array([1 - femur, femur], dtype=np.float32),
    )


def feed(subject: Analyst, messages: list[Scored | Notice]) -> list[AnyEvent]:
    return [event for message in messages for event in subject.feed(message)]


def seen(events: list[AnyEvent]) -> list[type]:
    return [type(event) for event in events]


VISIT: list[Scored | Notice] = [frame(index, 0.9) for index in range(5)]


@pytest.mark.parametrize("state", sorted(INTERRUPTIONS))
def test_when_the_signal_is_lost_the_plane_leaves_before_the_state_is_told(state: SourceState):
    events = feed(analyst(), [*VISIT, StateChange(state, "why")])
    assert seen(events) == [PlaneEntered, PlaneLeft, StreamState]
    assert isinstance(events[-1], StreamState)
    assert (events[-1].state, events[-1].reason) == (state.value, "why")


def signal(state: GateState, reason: str = "") -> SignalChange:
    return SignalChange(state=state, reason=reason, pts_seconds=0.5, captured_ns=NOW_NS, epoch=0)


@pytest.mark.parametrize("state", sorted(set(GateState) - {GateState.OPEN}))
def test_when_the_gate_closes_the_plane_leaves_for_that_reason_before_it_is_told(state: GateState):
    events = feed(analyst(), [*VISIT, signal(state, "seen")])
    assert seen(events) == [PlaneEntered, PlaneLeft, SignalChanged]
    _, left, changed = events
    assert isinstance(left, PlaneLeft)
    assert isinstance(changed, SignalChanged)
    assert left.reason == f"signal {state.value}"
    assert (changed.state, changed.reason, changed.pts_seconds, changed.epoch) == (state.value, "seen", 0.5, 0)


def test_a_visit_cut_short_by_the_gate_ends_no_later_than_the_gate_closes():
    """Its last frame counts as long as the one before, which is long where few frames are looked at."""
    sparse = [frame(index, 0.9, pts_seconds=index * 0.4) for index in range(4)]
    closed = SignalChange(state=GateState.FROZEN, reason="still", pts_seconds=1.3, captured_ns=NOW_NS, epoch=0)
    _, left, _ = feed(analyst(), [*sparse, closed])
    assert isinstance(left, PlaneLeft)
    assert (left.start_seconds, left.end_seconds) == (0.0, 1.3)


def test_when_the_gate_opens_a_plane_must_show_itself_anew():
    again = [frame(index, 0.9) for index in range(20, 25)]
    events = feed(analyst(), [*VISIT, signal(GateState.BLACK, "dark"), signal(GateState.OPEN), *again])
    assert seen(events) == [PlaneEntered, PlaneLeft, SignalChanged, SignalChanged, PlaneEntered]
    assert isinstance(events[-1], PlaneEntered)
    assert events[-1].start_seconds == 2.0


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (StateChange(SourceState.STALLED), "source stalled"),
        (frame(5, 0.9, epoch=1), "the source has reconnected"),
        (frame(5, 0.9, pts_seconds=1.5), "no frame for 1.10 s"),
        (frame(5, 0.9, pts_seconds=0.1), "media time went backward"),
        (frame(6, 0.0), ""),
    ],
)
def test_a_visit_that_is_cut_short_says_why(after: Scored | Notice, reason: str):
    events = feed(analyst(), [*VISIT, frame(5, 0.0) if reason == "" else VISIT[-1], after])
    assert [event.reason for event in events if isinstance(event, PlaneLeft)] == [reason]


def test_running_interrupts_nothing():
    assert seen(feed(analyst(), [*VISIT, StateChange(SourceState.RUNNING)])) == [PlaneEntered, StreamState]


@pytest.mark.parametrize(
    ("after", "interrupts"),
    [
        (frame(5, 0.9), False),
        (frame(5, 0.9, epoch=1), True),  # reconnected
        (frame(5, 0.9, pts_seconds=1.5), True),  # a pause of 1.1 s
        (frame(5, 0.9, pts_seconds=0.1), True),  # time went backward
    ],
)
def test_a_new_epoch_a_long_pause_or_backward_time_interrupts(after: Scored, interrupts: bool):
    events = feed(analyst(), [*VISIT, after])
    assert (PlaneLeft in seen(events)) is interrupts


def test_damage_is_told_in_its_place_and_interrupts_nothing():
    events = feed(analyst(), [*VISIT, Damage(what="torn", lost_packets=3, pts_seconds=0.4)])
    assert seen(events) == [PlaneEntered, StreamDamaged]
    assert isinstance(events[-1], StreamDamaged)
    assert (events[-1].what, events[-1].lost_packets, events[-1].pts_seconds) == ("torn", 3, 0.4)


def test_numbers_run_without_gaps_and_frame_scores_have_their_own():
    subject = analyst(frame_scores=True)
    events = feed(subject, [*VISIT, StateChange(SourceState.STALLED), StateChange(SourceState.RUNNING), *VISIT])
    for of_scores in (True, False):
        numbers = [event.sequence for event in events if isinstance(event, FrameScores) is of_scores]
        assert numbers[0] == 0
        assert all(later == earlier + 1 for earlier, later in pairwise(numbers))


def test_a_review_is_not_stamped_and_a_live_stream_tells_its_latency():
    assert all(event.stamp is None for event in feed(analyst(), VISIT))
    (entered,) = feed(analyst(stamped=True), VISIT)
    assert entered.stamp is not None
    assert entered.stamp.latency_ms == 20.0
    assert entered.stamp.wall_time.endswith("+00:00")


def test_a_head_without_background_is_refused():
    with pytest.raises(ValueError, match="labels start with 'background'"):
        Analyst(
            labels=("femur",),
            smoothing=ExponentialSmoothing(time_constant_seconds=0, max_gap_seconds=1),
            segmenter=Segmenter(("femur",), Rules()),
            max_gap_seconds=1,
            recorder=Recorder("s", stamped=False),
            frame_scores=False,
        )
