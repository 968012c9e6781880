"""The law of stretches: what was told as changes is shown as intervals."""

import pytest

from fetalstream.pipeline.report.stretches import closed_stretches, gaps, poor_stretches
from fetalstream.sinks import QualityChanged, QualityItem, SignalChanged

from .records import Story


def spans(stretches: object) -> list[tuple[str, float, float]]:
    return [(one.kind, one.start_seconds, one.end_seconds) for one in stretches]  # pyright: ignore


def signals(*changes: tuple[float, str]) -> Story:
    story = Story()
    for pts_seconds, state in changes:
        story.tell(SignalChanged, state=state, reason="why", pts_seconds=pts_seconds, epoch=0)
    return story


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([], []),
        ([(1, "frozen"), (2, "open")], [("frozen", 1, 2)]),
        ([(1, "frozen"), (2, "black"), (3, "open")], [("frozen", 1, 2), ("black", 2, 3)]),
        ([(4, "no_signal")], [("no_signal", 4, 9)]),  # never opened again
        ([(0, "open")], []),
    ],
)
def test_a_closed_gate_lasts_until_the_next_change_or_the_end(changes: list, found: list):
    assert spans(closed_stretches(signals(*changes).events, end_seconds=9)) == found


def quality(story: Story, pts_seconds: float, *, ok: bool, plane: str = "femur") -> None:
    item = QualityItem(name="zoom", ok=ok, score=0.5, reason="" if ok else "zoom in")
    story.tell(QualityChanged, plane=plane, pts_seconds=pts_seconds, items=(item,))


def test_poor_quality_ends_when_it_turns_good_or_the_plane_leaves():
    story = Story()
    quality(story, 1.0, ok=False)
    quality(story, 2.0, ok=True)
    quality(story, 3.0, ok=False)
    story.leave("femur", 0.5, 4.0, best=2.5)
    quality(story, 6.0, ok=False)
    found = poor_stretches(story.events, end_seconds=7.0)
    assert spans(found) == [("poor", 1.0, 2.0), ("poor", 3.0, 4.0), ("poor", 6.0, 7.0)]
    assert {one.reason for one in found} == {"zoom in"}


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([], []),
        ([0.0], []),
        ([0.0, 0.04, 0.08, 0.12], []),
        ([0.0, 0.04, 0.08, 2.08, 2.12], [("gap", 0.08, 2.08)]),
        ([0.0, 0.04, 0.08, 0.48, 0.52], []),  # too short to matter
        ([0.0, 1.0, 2.0, 4.0], []),  # a slow cine
    ],
)
def test_a_gap_is_much_longer_than_the_other_steps(times: list[float], found: list):
    assert spans(gaps(times)) == found
