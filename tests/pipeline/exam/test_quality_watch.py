"""The law of telling quality: all items when a plane enters, again when one turns for good, and nothing in between."""

from dataclasses import replace

import numpy as np

from fetalstream.pipeline.analyst import Analyst
from fetalstream.pipeline.exam.quality import Judge
from fetalstream.pipeline.exam.quality_watch import QualityWatch
from fetalstream.pipeline.messages import Scored
from fetalstream.pipeline.planes.segments import Rules, Segmenter
from fetalstream.pipeline.planes.smoothing import ExponentialSmoothing
from fetalstream.pipeline.recorder import Recorder
from fetalstream.pipeline.signal.looks import Looks
from fetalstream.sinks import AnyEvent, PlaneEntered, PlaneLeft, QualityChanged
from fetalstream.sources import SourceState, StateChange

LABELS = ("background", "transthalamic")
GOOD = Looks(sharpness=0.9, brightness=90.0, saturated_share=0.0, fill_share=0.35, edge_share=0.0, motion_share=0.02)
DARK = replace(GOOD, brightness=20.0)


def analyst() -> Analyst:
    recorder, judge = Recorder("s", stamped=False), Judge(LABELS)
    return Analyst(
        labels=LABELS,
        smoothing=ExponentialSmoothing(time_constant_seconds=0, max_gap_seconds=1),
        segmenter=Segmenter(LABELS, Rules(hold_seconds=0.1, release_seconds=0.1)),
        max_gap_seconds=1,
        recorder=recorder,
        frame_scores=False,
        companions=[QualityWatch(judge, hold_seconds=0.4, recorder=recorder)],
        judge=judge,
    )


def frames(looks: list[Looks | None], score: float = 0.95) -> list[Scored]:
    """Ten a second."""
    return [
        Scored(
            index=index,
            pts_seconds=index / 10,
            captured_ns=0,
            epoch=0,
            scores=np.array([1 - score, score], np.float32),
            looks=one,
        )
        for index, one in enumerate(looks)
    ]


def told(messages: list[Scored | StateChange]) -> list[AnyEvent]:
    subject = analyst()
    return [event for message in messages for event in subject.feed(message)] + list(subject.finish("end"))


def changes(looks: list[Looks | None]) -> list[tuple[float, list[str]]]:
    """(time, items that are not ok) of each event."""
    return [
        (event.pts_seconds, [item.name for item in event.items if not item.ok])
        for event in told([*frames(looks)])
        if isinstance(event, QualityChanged)
    ]


def test_items_are_told_when_the_plane_enters_and_when_one_turns_and_turns_back():
    assert changes([*[GOOD] * 10, *[DARK] * 10, *[GOOD] * 10]) == [(0.1, []), (1.4, ["gain"]), (2.4, [])]


def test_what_lasts_a_moment_is_not_told():
    assert changes([*[GOOD] * 10, *[DARK] * 4, *[GOOD] * 10, DARK, GOOD, DARK, GOOD]) == [(0.1, [])]


def test_frames_that_nobody_measured_say_nothing():
    assert changes([None] * 20) == []


def test_a_plane_that_comes_back_is_told_anew_and_none_in_view_tells_nothing():
    messages: list[Scored | StateChange] = [*frames([GOOD] * 5), StateChange(SourceState.STALLED), *frames([DARK] * 5)]
    kinds = [type(event) for event in told(messages) if isinstance(event, PlaneEntered | PlaneLeft | QualityChanged)]
    assert kinds == [PlaneEntered, QualityChanged, PlaneLeft] * 2


def test_the_best_frame_is_the_best_picture_and_keeps_its_own_score():
    looks: list[Looks | None] = [*[DARK] * 10, GOOD, *[DARK] * 5]
    messages = frames(looks)
    messages[10] = replace(messages[10], scores=np.array([0.2, 0.8], np.float32))
    (left,) = [event for event in told([*messages]) if isinstance(event, PlaneLeft)]
    assert (left.best_frame_index, left.best_score) == (10, 0.8)
