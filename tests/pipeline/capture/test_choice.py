"""The law of choosing: held before passed, good before poor, one of each view, the operator before all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.pipeline.capture.choice import (
    ALIKE,
    AROUND_SECONDS,
    BETTER,
    Album,
    Contender,
    Kept,
    Verdict,
    VisitPicker,
    fingerprint,
)

FPS = 25


def contender(index: int, confidence: float, *, quality: float = 1.0, worth: float | None = None) -> Contender:
    return Contender(
        frame_index=index,
        pts_seconds=index / FPS,
        epoch=0,
        captured_ns=0,
        confidence=confidence,
        quality=quality,
        worth=quality if worth is None else worth,
    )


def picked(contenders: list[Contender], *, min_quality: float = 0.5) -> Contender | None:
    picker = VisitPicker(min_quality=min_quality)
    for one in contenders:
        picker.add(one, eligible=True)
    return picker.end()


def test_a_plane_that_is_held_is_better_than_one_frame_that_flashes_up():
    confidences = [0.2] * 20 + [1.0] + [0.2] * 20 + [0.9] * 25 + [0.2] * 20
    best = picked([contender(index, confidence) for index, confidence in enumerate(confidences)])
    assert best is not None
    assert 46 <= best.frame_index <= 60
    assert best.steady == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("worths", "best_index"),
    [
        ([0.5] * 10 + [0.8] + [0.5] * 10, 10),  # sharper
        ([0.9] * 21, 7),  # equals: the first of those with all around them
    ],
)
def test_quality_and_stillness_decide_among_frames_that_are_equally_sure(worths, best_index):
    best = picked([contender(index, 1.0, worth=worth) for index, worth in enumerate([0.0] * 7 + worths + [0.0] * 7)])
    assert best is not None
    assert best.frame_index == best_index + (7 if len(set(worths)) > 1 else 0)


def test_a_frame_that_is_poor_is_never_the_best_and_it_is_known_that_there_was_one():
    picker = VisitPicker(min_quality=0.5)
    for index in range(30):
        picker.add(contender(index, 1.0, quality=0.49), eligible=True)
    assert picker.end() is None
    assert picker.was_poor


def test_frames_outside_the_visit_count_only_as_what_lies_around():
    picker = VisitPicker(min_quality=0.5)
    for index in range(30):
        picker.add(contender(index, 1.0), eligible=10 <= index < 20)
    best = picker.end()
    assert best is not None
    assert best.frame_index == 10


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=120))
def test_the_best_is_the_best_of_all_frames_however_long_the_visit(frames):
    contenders = [
        contender(index, confidence, quality=quality) for index, (confidence, quality, _) in enumerate(frames)
    ]
    picker = VisitPicker(min_quality=0.5)
    for one, (_, _, eligible) in zip(contenders, frames, strict=True):
        picker.add(one, eligible=eligible)
        assert len(picker._recent) <= 3 * AROUND_SECONDS * FPS + 2

    def merit(one: Contender) -> float:
        near = [o.confidence for o in contenders if abs(o.pts_seconds - one.pts_seconds) <= AROUND_SECONDS]
        return sum(near) / len(near) * one.worth

    allowed = [
        one for one, (_, quality, eligible) in zip(contenders, frames, strict=True) if eligible and quality >= 0.5
    ]
    best = picker.end()
    if not allowed:
        assert best is None
    else:
        assert best is not None
        assert best.merit == pytest.approx(max(map(merit, allowed)))


# The album.


def one(
    name: str = "",
    *,
    plane: str = "femur",
    visit: int = 1,
    merit: float = 0.5,
    cause: str = "auto",
    grey: float | None = None,
    fixed: bool = False,
    poor: bool = False,
) -> Kept:
    return Kept(
        capture_id=name,
        plane=plane,
        visit=visit,
        merit=merit,
        cause=cause,
        is_fixed=fixed or cause == "operator",
        is_poor=poor,
        fingerprint=None if grey is None else np.full((16, 16), grey, np.float32),
    )


def album(*kept: Kept, wanted: dict[str, int] | None = None) -> Album:
    made = Album(wanted or {}, otherwise=1)
    for each in kept:
        made.add(each)
    return made


NO, YES = Verdict(save=False), Verdict(save=True)


@pytest.mark.parametrize(
    ("there", "new", "verdict"),
    [
        ([], one(), YES),
        ([one("a")], one(plane="abdomen"), YES),
        ([one("a")], one(merit=0.9), Verdict(save=True, replaces="a")),  # the same visit, better
        ([one("a")], one(merit=0.5 + BETTER / 2), NO),  # the same visit, hardly better
        ([one("a")], one(visit=2, merit=0.4), NO),  # another visit, worse
        ([one("a")], one(visit=2, merit=0.9), Verdict(save=True, replaces="a")),  # another visit, better
        ([one("a", fixed=True)], one(visit=2, merit=0.9), NO),  # the operator has kept it
        ([one("a", cause="operator")], one(visit=2, merit=0.9), NO),
        ([one("a", cause="operator")], one(merit=0.9), NO),  # he has chosen of this very visit
        ([one("a")], one(cause="operator", merit=0.0), YES),  # what he wishes is captured beside all else
        ([one("a", cause="operator")], one(cause="operator", merit=0.0), YES),
        ([one("a", merit=0.9)], one(cause="freeze", merit=0.2), Verdict(save=True, replaces="a")),
        ([one("a", merit=0.9)], one(cause="freeze", merit=0.2, poor=True), NO),  # frozen, but nothing to be seen
        ([], one(cause="freeze", merit=0.2, poor=True), YES),
        ([one("a", cause="freeze")], one(visit=2, merit=0.9), NO),  # he has frozen it
        ([one("a", cause="freeze")], one(visit=2, cause="freeze", merit=0.9), Verdict(save=True, replaces="a")),
    ],
)
def test_one_capture_is_wanted_of_a_plane(there, new, verdict):
    assert album(*there).judge(new) == verdict


@pytest.mark.parametrize(
    ("there", "new", "verdict"),
    [
        ([one("a")], one(visit=2, merit=0.1), YES),
        ([one("a")], one(visit=1, merit=0.9), Verdict(save=True, replaces="a")),  # a visit is one view
        ([one("a", grey=100)], one(visit=2, merit=0.9, grey=101), Verdict(save=True, replaces="a")),  # looks the same
        ([one("a", grey=100)], one(visit=2, merit=0.1, grey=101), NO),
        ([one("a", grey=100)], one(visit=2, merit=0.1, grey=100 + 2 * ALIKE), YES),
        ([one("a"), one("b", visit=2, merit=0.3)], one(visit=3, merit=0.6), Verdict(save=True, replaces="b")),  # worst
        (
            [one("a", fixed=True, merit=0.1), one("b", visit=2)],
            one(visit=3, merit=0.9),
            Verdict(save=True, replaces="b"),
        ),
    ],
)
def test_where_two_are_wanted_they_show_two_views(there, new, verdict):
    assert album(*there, wanted={"femur": 2}).judge(new) == verdict


def test_of_a_plane_that_nobody_wants_only_the_operator_gets_one():
    empty = album(wanted={"femur": 0})
    assert empty.judge(one()) == NO
    assert empty.judge(one(cause="operator")) == YES


def test_what_the_operator_has_discarded_is_not_captured_again_of_itself_but_the_next_view_is():
    there = album(one("a", grey=100))
    assert there.newest() == "a"
    gone = there.remove("a", unwanted=True)
    assert gone is not None
    assert "a" not in there
    assert there.judge(one(merit=0.9, grey=200)) == NO
    assert there.judge(one(visit=2, grey=100)) == NO
    assert there.judge(one(visit=2, grey=150)) == YES
    assert there.judge(one(cause="operator", grey=100)) == YES


def test_what_could_not_be_written_does_not_count():
    there = album(one("a"))
    there.remove("a")
    assert there.judge(one()) == YES


def test_fingerprints_tell_pictures_apart_that_differ_in_more_than_noise():
    rng = np.random.default_rng(1)
    picture = np.kron(rng.integers(0, 200, (12, 16), dtype=np.uint8), np.ones((20, 20), np.uint8))
    noisy = np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)
    moved = np.roll(picture, 20, axis=1)
    assert np.abs(fingerprint(picture) - fingerprint(noisy)).mean() < ALIKE
    assert np.abs(fingerprint(picture) - fingerprint(moved)).mean() > ALIKE
    assert fingerprint(np.stack([picture] * 3, axis=2)) == pytest.approx(fingerprint(picture))
