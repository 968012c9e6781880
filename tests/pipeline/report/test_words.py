"""The law of words: numbers as people read them."""

import pytest

from fetalstream.pipeline.report import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00.0"), (72.53, "1:12.5"), (59.96, "1:00.0"), (3725.2, "62:05.2"), (-0.01, "0:00.0"), (None, "")],
)
def test_a_moment(seconds: float | None, said: str):
    assert words.at(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.24, "0.2 s"), (59.4, "59.4 s"), (59.97, "1 min"), (60, "1 min"), (95, "1 min 35 s"), (3700, "1 h 2 min")],
)
def test_a_length(seconds: float, said: str):
    assert words.seconds(seconds) == said


@pytest.mark.parametrize(("value", "said"), [(0.0, "0.0 %"), (0.0004, "under 0.1 %"), (0.007, "0.7 %"), (0.12, "12 %")])
def test_a_small_probability_is_not_made_nothing(value: float, said: str):
    assert words.chance(value) == said


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(0, 10, "0 %"), (0.05, 10, "under 1 %"), (5, 10, "50 %"), (1, 0, "0 %")]
)
def test_a_share(part: float, whole: float, said: str):
    assert words.of_whole(part, whole) == said


def test_planes_come_in_the_order_of_a_scan_and_strange_ones_last():
    found = words.in_order(["femur", "tail", "four_chamber", "femur", "transthalamic"])
    assert found == ["transthalamic", "four_chamber", "femur", "tail"]
