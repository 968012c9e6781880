"""The law of long exams: memory stays bounded, what is kept is spread evenly, all are counted."""

import numpy as np
import pytest

from fetalstream.pipeline.exam.thinned import Thinned


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100, 5_000])
def test_what_is_kept_is_spread_evenly_over_all(count: int) -> None:
    exam = Thinned[int](8)
    for number in range(count):
        exam.add(number)
        assert len(exam.kept) < 8
    assert exam.count == count
    assert len(exam.kept) >= min(count, 4)
    assert exam.kept[:1] == [0][:count]
    assert len(set(np.diff(exam.kept))) <= 1


def test_a_long_exam_keeps_its_median() -> None:
    days = np.random.default_rng(0).normal(150, 10, size=20_000)
    exam = Thinned[float](2048)
    for day in days.tolist():
        exam.add(day)
    assert 1024 <= len(exam.kept) < 2048
    assert np.median(exam.kept) == pytest.approx(np.median(days), abs=1)
