from pathlib import Path

import numpy as np
import pytest

from fetalstream.models.train.pictures import Example, Grey, Split, read_examples
from fetalstream.models.train.stream import LABELS, SHARES, View, ViewMaker


@pytest.fixture(scope="module")
def training(small_data: Path) -> list[Example]:
    return [example for example in read_examples(small_data) if example.split is Split.TRAIN]


def white_femur(_: int) -> tuple[Grey, str]:
    return np.full((60, 80), 200, dtype=np.uint8), "femur"


def same(one: View, other: View) -> bool:
    return np.array_equal(one.student, other.student) and one.origin == other.origin and one.window == other.window


def test_the_same_number_gives_the_same_view_whatever_came_before(training: list[Example]):
    first, second = ViewMaker(training, seed=3), ViewMaker(training, seed=3)
    for number in range(10):
        first(number)
    assert all(same(first(number), second(number)) for number in (17, 4))
    assert not same(second(17), ViewMaker(training, seed=4)(17))


def test_views_have_the_shapes_both_networks_want(training: list[Example]):
    maker = ViewMaker(training, phantom=white_femur)
    views = [maker(number) for number in range(120)]
    assert {view.student.shape for view in views} == {(224, 224)}
    assert {view.teacher.shape for view in views if view.teacher is not None} == {(224, 288)}
    for view in views:
        left, top, right, bottom = view.window
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert view.student.dtype == np.uint8
        assert view.allowed.any()


def test_every_origin_that_is_there_is_drawn_about_as_often_as_its_share(training: list[Example]):
    maker = ViewMaker(training, phantom=white_femur)
    origins = [maker(number).origin for number in range(300)]
    there = {"planes", "hc18", "mixed", "texture", "slate", "phantom"}
    assert set(origins) == there
    share = SHARES["phantom"] / sum(SHARES[origin] for origin in there)
    assert origins.count("phantom") / len(origins) == pytest.approx(share, abs=0.08)


def test_phantoms_and_slates_have_one_label_and_no_teacher(training: list[Example]):
    maker = ViewMaker(training, phantom=white_femur)
    views = [maker(number) for number in range(200)]
    for view in views:
        names = {label for label, allowed in zip(LABELS, view.allowed, strict=True) if allowed}
        if view.origin == "phantom":
            assert names == {"femur"}
        elif view.origin == "slate":
            assert names == {"background"}
        assert (view.teacher is None) == (view.origin in ("phantom", "slate"))


def test_mixed_pictures_are_left_to_the_teacher(training: list[Example]):
    maker = ViewMaker(training)
    mixed = [view for number in range(150) if (view := maker(number)).origin in ("mixed", "texture")]
    assert mixed
    assert all(view.allowed.all() for view in mixed)
