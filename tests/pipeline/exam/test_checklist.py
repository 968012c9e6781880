"""The law of the checklist, as a table of views and what is told of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fetalstream.pipeline.analyst import Analyst
from fetalstream.pipeline.exam.checklist import Checklist
from fetalstream.pipeline.exam.protocol import ScanProtocol
from fetalstream.pipeline.exam.quality import Judge
from fetalstream.pipeline.messages import Scored
from fetalstream.pipeline.planes.segments import Rules, Segmenter
from fetalstream.pipeline.planes.smoothing import ExponentialSmoothing
from fetalstream.pipeline.recorder import Recorder
from fetalstream.pipeline.signal.looks import Looks
from fetalstream.sinks import ChecklistChanged
from fetalstream.sources import SourceState, StateChange

LABELS = ("background", "femur", "abdomen")
GOOD = Looks(sharpness=0.9, brightness=90.0, saturated_share=0.0, fill_share=0.35, edge_share=0.0, motion_share=0.02)
DARK = replace(GOOD, brightness=20.0)
FPS = 10

Told = tuple[str, str, int]
"""Item, state, good views seen."""


def protocol(*items: dict[str, Any]) -> ScanProtocol:
    return ScanProtocol.model_validate({"name": "p", "title": "P", "items": [{"title": "T"} | item for item in items]})


FEMUR = {"name": "femur", "plane": "femur"}


class Scan:
    """Frames, ten a second, and what the checklist says of them."""

    def __init__(self, wanted: ScanProtocol, *, measured: bool = True) -> None:
        recorder, judge = Recorder("s", stamped=False), Judge(LABELS) if measured else None
        self._analyst = Analyst(
            labels=LABELS,
            smoothing=ExponentialSmoothing(time_constant_seconds=0, max_gap_seconds=5),
            segmenter=Segmenter(LABELS, Rules(hold_seconds=0.1, release_seconds=0.1)),
            max_gap_seconds=5,
            recorder=recorder,
            frame_scores=False,
            companions=[Checklist(wanted, labels=LABELS, judge=judge, recorder=recorder)],
            judge=judge,
        )
        self._index = 0
        self.events: list[ChecklistChanged] = []
        self._feed(StateChange(SourceState.RUNNING))

    def show(self, label: str, *looks: Looks) -> list[Told]:
        """One frame for each of the looks -> what was told meanwhile."""
        before = len(self.events)
        for one in looks:
            scores = np.full(len(LABELS), 0.02, np.float32)
            scores[LABELS.index(label)] = 0.96
            self._feed(
                Scored(
                    index=self._index,
                    pts_seconds=self._index / FPS,
                    captured_ns=0,
                    epoch=0,
                    scores=scores,
                    looks=one,
                )
            )
            self._index += 1
        return [(event.item, event.state, event.seen) for event in self.events[before:]]

    def away(self) -> list[Told]:
        return self.show("background", *[GOOD] * 5)

    def _feed(self, message: Scored | StateChange) -> None:
        self.events += [event for event in self._analyst.feed(message) if isinstance(event, ChecklistChanged)]


def test_each_item_is_told_once_at_the_start():
    scan = Scan(protocol(FEMUR, {"name": "belly", "plane": "abdomen"}))
    assert [(one.item, one.state, one.seen, one.wanted, one.pts_seconds) for one in scan.events] == [
        ("femur", "missing", 0, 1, None),
        ("belly", "missing", 0, 1, None),
    ]


def test_an_item_is_done_once_a_good_view_has_been_held_and_not_before():
    scan = Scan(protocol(FEMUR))
    assert scan.show("femur", *[GOOD] * 6) == []  # the plane is in view since the second, 0.4 s
    assert scan.show("femur", GOOD) == [("femur", "done", 1)]
    assert scan.events[-1].pts_seconds == 0.6
    assert scan.show("femur", *[GOOD] * 20) == []


def test_the_best_frame_of_a_view_is_told_at_its_end():
    scan = Scan(protocol(FEMUR))
    scan.show("femur", *[GOOD] * 12, replace(GOOD, sharpness=1.0), *[GOOD] * 4)
    assert scan.events[-1].best_frame_index == 1
    assert scan.away() == [("femur", "done", 1)]
    assert (scan.events[-1].best_frame_index, scan.events[-1].best_pts_seconds) == (12, 1.2)


def test_a_view_that_is_not_good_is_poor_with_its_reason_when_it_has_ended():
    scan = Scan(protocol(FEMUR))
    assert scan.show("femur", *[DARK] * 12) == []
    assert scan.away() == [("femur", "poor", 0)]
    assert ["raise the gain" in reason for reason in scan.events[-1].reasons] == [True]
    assert scan.events[-1].best_frame_index is not None


def test_a_good_view_that_is_passed_over_is_poor_and_says_how_long_to_hold_it():
    scan = Scan(protocol(FEMUR))
    scan.show("femur", *[GOOD] * 4)
    assert scan.away() == [("femur", "poor", 0)]
    assert scan.events[-1].reasons == ("it was good for 0.2 s only: hold it for 0.5 s",)


@pytest.mark.parametrize(
    ("looks", "is_done"),
    [
        ([GOOD] * 4 + [DARK] * 3 + [GOOD] * 4, False),  # twice 0.3 s, with a break
        ([GOOD] * 4 + [DARK] * 3 + [GOOD] * 6, True),
        ([DARK] * 10 + [GOOD] * 6, True),
    ],
)
def test_good_views_are_not_added_up_over_breaks(looks: list[Looks], is_done: bool):
    assert (("femur", "done", 1) in Scan(protocol(FEMUR)).show("femur", *looks)) is is_done


def test_a_poor_item_becomes_done_and_a_done_one_stays_it():
    scan = Scan(protocol(FEMUR))
    scan.show("femur", *[DARK] * 8)
    assert scan.away() == [("femur", "poor", 0)]
    assert scan.show("femur", *[GOOD] * 8) == [("femur", "done", 1)]
    scan.away()
    done = len(scan.events)
    scan.show("femur", *[DARK] * 8)
    scan.away()
    assert len(scan.events) == done


def test_two_wanted_views_are_two_visits():
    scan = Scan(protocol(FEMUR | {"wanted": 2}))
    assert scan.show("femur", *[GOOD] * 30) == [("femur", "missing", 1)]
    scan.away()
    assert scan.show("femur", *[GOOD] * 8) == [("femur", "done", 2)]


def test_only_the_required_items_of_quality_count():
    scan = Scan(protocol(FEMUR | {"quality": ["sharpness"]}))
    assert scan.show("femur", *[DARK] * 8) == [("femur", "done", 1)]


def test_an_item_may_hold_its_views_longer_than_the_protocol():
    scan = Scan(protocol(FEMUR | {"hold_seconds": 2.0}))
    assert scan.show("femur", *[GOOD] * 20) == []
    assert scan.show("femur", *[GOOD] * 3) == [("femur", "done", 1)]


def test_where_nobody_measures_a_view_counts_for_its_plane():
    assert Scan(protocol(FEMUR), measured=False).show("femur", *[DARK] * 8) == [("femur", "done", 1)]


def test_one_view_may_count_for_several_items_and_several_planes_for_one():
    either = {"name": "either", "plane": "abdomen", "or_planes": ["femur"]}
    scan = Scan(protocol(FEMUR, either))
    assert scan.show("femur", *[GOOD] * 8) == [("femur", "done", 1), ("either", "done", 1)]


def test_a_plane_the_model_cannot_tell_is_not_judged_from_the_start_and_stays_it():
    scan = Scan(protocol(FEMUR, {"name": "cervix", "plane": "cervix"}))
    cervix = scan.events[1]
    assert (cervix.state, cervix.reasons) == ("not_judged", ("not judged by this model",))
    assert all(item == "femur" for item, _, _ in scan.show("femur", *[GOOD] * 8))


def test_a_stream_without_a_single_message_still_tells_its_items():
    recorder = Recorder("s", stamped=False)
    checklist = Checklist(protocol(FEMUR), labels=LABELS, judge=None, recorder=recorder)
    (event,) = checklist.finish()
    assert isinstance(event, ChecklistChanged)
    assert event.state == "missing"
