"""Exams of several pictures, counted by hand, and on the real model's similarities."""

from pathlib import Path

import numpy as np
import pytest

from fetalstream.models.train.age import judge
from fetalstream.models.train.age_exams import judge_exams
from fetalstream.models.train.age_table import read_age_table


def test_patients_with_one_picture_are_no_exam_and_the_others_are_counted_once() -> None:
    truth = np.array([140.0, 150, 150, 160, 160, 160, 160])
    said = np.array([140.0, 153, 153, 168, 168, 168, 168])  # off by 0, 3 and 8 days; intervals of 6 to either side
    found = judge_exams(
        ["a", "b", "b", "c", "c", "c", "c"], said=said, low=said - 6, high=said + 6, truth=truth, level=0.95
    )
    assert found == {"patients": 2, "pictures": 6, "mae_days": 5.5, "coverage": 50.0, "coverage_if_shrunk": 50.0}


def test_without_exams_there_is_nothing_to_say() -> None:
    one = np.array([140.0])
    assert judge_exams(["a"], said=one, low=one - 1, high=one + 1, truth=one, level=0.9) == {"patients": 0}


@pytest.mark.data
def test_on_real_patients_the_interval_of_an_exam_covers_and_a_narrowed_one_does_not(reference_dir: Path) -> None:
    found = judge(read_age_table(reference_dir / "fetalclip_hc18_similarity.npz"))["exams"]
    assert found["patients"] > 100
    assert found["coverage"] >= 95
    assert found["coverage_if_shrunk"] < 92
    assert found["mae_days"] < 4
