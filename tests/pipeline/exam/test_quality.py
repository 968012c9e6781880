"""The law of quality, as tables: each fault turns its own item and no other, and what is poor comes behind all good."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.models.planes import Plane
from fetalstream.pipeline.exam.quality import NAMES, OK, ROUND, Judge, Limits, judge, overall
from fetalstream.pipeline.messages import Scored
from fetalstream.pipeline.signal.looks import Looks
from fetalstream.sinks import QualityItem

GOOD = Looks(sharpness=0.9, brightness=90.0, saturated_share=0.003, fill_share=0.35, edge_share=0.02, motion_share=0.03)
LABELS = ("background", "transthalamic", "femur")


def frame(looks: Looks | None, *scores: float) -> Scored:
    return Scored(index=0, pts_seconds=0.0, captured_ns=0, epoch=0, scores=np.array(scores, np.float32), looks=looks)


def poor(looks: Looks, *, plane: str = "transthalamic", score: float = 0.95, margin: float = 0.9) -> dict[str, str]:
    """Item -> reason of what is not ok."""
    return {item.name: item.reason for item in judge(looks, plane=plane, score=score, margin=margin) if not item.ok}


def test_a_good_picture_is_good_in_every_item_and_gives_no_reason():
    items = judge(GOOD, plane="transthalamic", score=0.95, margin=0.9)
    assert tuple(item.name for item in items) == NAMES
    assert all(item.ok and item.reason == "" for item in items)
    assert overall(items) > 0.8


@pytest.mark.parametrize(
    ("fault", "item", "helps"),
    [
        ({"sharpness": 0.2}, "sharpness", "focus"),
        ({"brightness": 25.0}, "gain", "raise the gain"),
        ({"brightness": 190.0}, "gain", "lower the gain"),
        ({"saturated_share": 0.12}, "gain", "white"),
        ({"fill_share": 0.05}, "zoom", "zoom in"),
        ({"edge_share": 0.3}, "in_fan", "middle"),
        ({"motion_share": 0.35}, "stillness", "still"),
    ],
)
def test_a_fault_of_the_picture_turns_its_own_item_and_says_what_helps(fault: dict[str, float], item: str, helps: str):
    found = poor(replace(GOOD, **fault))
    assert list(found) == [item]
    assert helps in found[item]


@pytest.mark.parametrize(("score", "margin"), [(0.4, 0.3), (0.62, 0.05)])
def test_a_weak_or_narrow_score_is_no_confidence(score: float, margin: float):
    assert list(poor(GOOD, score=score, margin=margin)) == ["confidence"]


def test_a_plane_without_round_outline_is_not_asked_for_size_and_place():
    names = [item.name for item in judge(replace(GOOD, fill_share=0.0, edge_share=0.4), plane="femur")]
    assert names == ["sharpness", "gain", "stillness"]
    assert Plane.FEMUR not in ROUND


def test_limits_are_what_the_configuration_says():
    soft = replace(GOOD, sharpness=0.5)
    (item, *_) = judge(soft, plane="femur", limits=Limits(min_sharpness=0.6))
    assert not item.ok


def test_a_judge_reads_score_and_lead_from_the_frame():
    judge_of = Judge(LABELS)
    *_, sure = judge_of.items(frame(GOOD, 0.02, 0.9, 0.08), "transthalamic")
    *_, narrow = judge_of.items(frame(GOOD, 0.30, 0.65, 0.05), "transthalamic")
    *_, torn = judge_of.items(frame(GOOD, 0.0, 0.55, 0.45), "transthalamic")
    assert (sure.name, sure.ok, narrow.ok, torn.ok) == ("confidence", True, True, False)


def test_a_frame_that_nobody_measured_has_no_items_and_is_worth_its_score():
    bare = frame(None, 0.1, 0.8, 0.1)
    assert Judge(LABELS).items(bare, "transthalamic") == ()
    assert Judge(LABELS).worth(bare, "transthalamic") == pytest.approx(0.8)


def test_worth_is_quality_times_confidence_times_stillness():
    judge_of = Judge(LABELS)
    moving = replace(GOOD, motion_share=0.1)
    items = {item.name: item for item in judge(moving, plane="transthalamic")}
    quality = overall([item for name, item in items.items() if name != "stillness"])
    expected = quality * 0.8 * items["stillness"].score
    assert judge_of.worth(frame(moving, 0.1, 0.8, 0.1), "transthalamic") == pytest.approx(expected)


measures = st.builds(
    Looks,
    sharpness=st.floats(0, 1),
    brightness=st.floats(0, 255),
    saturated_share=st.floats(0, 1),
    fill_share=st.floats(0, 1),
    edge_share=st.floats(0, 1),
    motion_share=st.floats(0, 1),
)


@given(measures, st.sampled_from(["transthalamic", "femur"]), st.floats(0, 1), st.floats(-1, 1))
def test_an_item_is_ok_from_one_half_on_and_so_is_the_whole_exactly_when_all_are(
    looks: Looks, plane: str, score: float, margin: float
):
    items = judge(looks, plane=plane, score=score, margin=margin)
    for item in items:
        assert 0 <= item.score <= 1
        assert item.ok == (item.score >= OK) == (item.reason == "")
    assert 0 <= overall(items) <= 1
    assert (overall(items) >= OK) == all(item.ok for item in items)


@given(measures, st.floats(0, 1), st.floats(0, 1))
def test_worth_stays_between_nothing_and_one(looks: Looks, a: float, b: float):
    assert 0 <= Judge(LABELS).worth(frame(looks, (1 - a) * b, a, (1 - a) * (1 - b)), "transthalamic") <= 1


def test_nothing_to_judge_is_no_fault():
    assert overall(()) == 1.0
    assert overall([QualityItem(name="gain", ok=False, score=0.1, reason="too dark")]) == pytest.approx(0.1)
