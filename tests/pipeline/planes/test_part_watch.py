"""The law of the coarse answer: it is told where the part is sure and its plane is not, and at no other time."""

from collections.abc import Sequence

import numpy as np
import pytest

from fetalstream.pipeline.analyst import Analyst
from fetalstream.pipeline.messages import Notice, Scored, SignalChange
from fetalstream.pipeline.planes.part_watch import part_watch
from fetalstream.pipeline.planes.plane_filter import PlaneFilter
from fetalstream.pipeline.planes.segments import Rules, Segmenter
from fetalstream.pipeline.planes.smoothing import ExponentialSmoothing, Smoothing
from fetalstream.pipeline.recorder import Recorder
from fetalstream.pipeline.signal.gates import GateState
from fetalstream.sinks import AnyEvent, PartEntered, PartLeft, PlaneEntered, PlaneLeft
from fetalstream.sources import SourceState, StateChange

LABELS = ("background", "transthalamic", "transventricular", "transcerebellar", "femur")
FPS = 25

BLENDED = (0.04, 0.32, 0.32, 0.30, 0.02)
"""Surely a brain, and nobody knows which plane of it."""
CLEAR = (0.02, 0.94, 0.02, 0.01, 0.01)
FEMUR = (0.02, 0.01, 0.01, 0.01, 0.95)
NOTHING = (0.94, 0.02, 0.02, 0.01, 0.01)
OPEN_QUESTION = (0.45, 0.15, 0.15, 0.15, 0.10)


def told(*messages: Sequence[Scored] | Notice, smoothing: Smoothing | None = None) -> list[AnyEvent]:
    recorder = Recorder("s", stamped=False)
    watch = part_watch(LABELS, recorder=recorder, max_gap_seconds=1.0)
    assert watch is not None
    analyst = Analyst(
        labels=LABELS,
        smoothing=smoothing or PlaneFilter(LABELS),
        segmenter=Segmenter(LABELS, Rules(enter_score=0.6, leave_score=0.4, hold_seconds=0.0, release_seconds=0.12)),
        max_gap_seconds=1.0,
        recorder=recorder,
        frame_scores=False,
        companions=[watch],
    )
    events: list[AnyEvent] = []
    for message in messages:
        for one in message if isinstance(message, Sequence) else [message]:
            events += analyst.feed(one)
    return [*events, *analyst.finish("the run ended")]


def frames(*spans: tuple[tuple[float, ...], float], start: int = 0, epoch: int = 0) -> list[Scored]:
    """Scores, and for how many seconds."""
    rows = [scores for scores, seconds in spans for _ in range(round(seconds * FPS))]
    return [
        Scored(
            index=start + index,
            pts_seconds=(start + index) / FPS,
            captured_ns=0,
            epoch=epoch,
            scores=np.array(row, np.float32),
        )
        for index, row in enumerate(rows)
    ]


def kinds(events: Sequence[AnyEvent]) -> list[type]:
    return [type(event) for event in events if isinstance(event, PartEntered | PartLeft | PlaneEntered | PlaneLeft)]


def test_blended_scores_are_told_as_their_part():
    events = told(frames((NOTHING, 1), (BLENDED, 2), (NOTHING, 1)))
    assert kinds(events) == [PartEntered, PartLeft]
    _, left = [event for event in events if isinstance(event, PartEntered | PartLeft)]
    assert isinstance(left, PartLeft)
    assert left.part == "brain"
    assert left.start_seconds == pytest.approx(1.2, abs=0.15)
    assert left.end_seconds == pytest.approx(3.1, abs=0.15)
    assert left.score == pytest.approx(0.93, abs=0.05)
    assert left.reason == ""


def test_a_plane_that_becomes_clear_takes_its_place():
    events = told(frames((NOTHING, 1), (BLENDED, 2), (CLEAR, 2)))
    assert kinds(events) == [PartEntered, PlaneEntered, PartLeft, PlaneLeft]
    (left,) = [event for event in events if isinstance(event, PartLeft)]
    assert left.reason == "transthalamic"


def test_a_plane_that_stops_being_clear_falls_back_to_its_part():
    low_pass = ExponentialSmoothing(time_constant_seconds=0.2, max_gap_seconds=1)
    events = told(frames((CLEAR, 2), (BLENDED, 2)), smoothing=low_pass)
    assert kinds(events) == [PlaneEntered, PlaneLeft, PartEntered, PartLeft]


@pytest.mark.parametrize(
    "spans",
    [[(NOTHING, 1), (CLEAR, 2), (NOTHING, 1)], [(OPEN_QUESTION, 4)], [(NOTHING, 1), (BLENDED, 0.3), (NOTHING, 1)]],
    ids=["clear from the start", "neither is sure", "a glimpse"],
)
def test_it_is_told_at_no_other_time(spans: list[tuple[tuple[float, ...], float]]):
    assert PartEntered not in kinds(told(frames(*spans)))


def test_a_plane_of_no_part_has_no_coarse_answer():
    assert kinds(told(frames((NOTHING, 1), (FEMUR, 2)))) == [PlaneEntered, PlaneLeft]


@pytest.mark.parametrize(
    ("between", "later", "reason"),
    [
        (StateChange(SourceState.STALLED), frames((BLENDED, 0.1), start=50), "source stalled"),
        (
            SignalChange(state=GateState.FROZEN, reason="", pts_seconds=2.0, captured_ns=0, epoch=0),
            frames((BLENDED, 0.1), start=50),
            "signal frozen",
        ),
        (None, frames((BLENDED, 0.1), start=50, epoch=1), "the source has reconnected"),
        (None, frames((BLENDED, 0.1), start=100), "no frame for 2.04 s"),
        (None, frames((BLENDED, 0.1), start=0), "media time went backward"),
        (None, frames((BLENDED, 0.1), start=50), "the run ended"),
    ],
    ids=["stalled", "frozen", "reconnected", "a pause", "backward", "ended"],
)
def test_what_interrupts_a_plane_interrupts_a_part(between: Notice | None, later: list[Scored], reason: str):
    before = frames((NOTHING, 0.4), (BLENDED, 1.6))
    events = told(before, later) if between is None else told(before, between, later)
    assert [event.reason for event in events if isinstance(event, PartLeft)] == [reason]


def test_a_head_without_a_part_of_several_planes_has_none():
    recorder = Recorder("s", stamped=False)
    assert part_watch(("background", "brain", "femur"), recorder=recorder, max_gap_seconds=1) is None
    assert part_watch(("background", "four_chamber"), recorder=recorder, max_gap_seconds=1) is None
