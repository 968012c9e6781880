import json
from pathlib import Path

import numpy as np
import pytest

from fetalstream.models.metrics import bootstrap_by_patient, expected_calibration_error, report


def test_a_small_table_gives_the_figures_one_gets_by_hand():
    found = report(["a", "a", "a", "b"], ["a", "a", "b", "b"], ["a", "b"])
    assert found.accuracy == 0.75
    assert (found.per_class["a"].precision, found.per_class["a"].recall) == (1.0, pytest.approx(2 / 3))
    assert (found.per_class["b"].precision, found.per_class["b"].recall) == (0.5, 1.0)
    assert found.macro.f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.confusion.tolist() == [[2, 1], [0, 1]]


def test_a_class_that_nobody_has_is_shown_but_left_out_of_the_means():
    found = report(["a", "b"], ["a", "b"], ["a", "b", "c"])
    assert found.per_class["c"].support == 0
    assert found.macro.recall == 1.0


def test_a_name_outside_the_classes_is_a_miss():
    found = report(["a", "b"], ["a", "kidneys"], ["a", "b"])
    assert found.accuracy == 0.5
    assert found.per_class["b"].recall == 0.0
    assert found.per_class["a"].precision == 1.0


def test_a_truth_outside_the_classes_is_refused_by_name():
    with pytest.raises(ValueError, match="truth holds z; classes are a, b"):
        report(["z"], ["a"], ["a", "b"])


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "macro_f1"), [("five_planes_prediction.json", 0.972749), ("brain_subplanes_prediction.json", 0.692931)]
)
def test_the_published_predictions_give_the_published_f1(reference_dir: Path, file: str, macro_f1: float):
    published = json.loads((reference_dir / file).read_text())
    found = report(published["label"], published["prediction"], sorted(set(published["label"])))
    assert found.macro.f1 == pytest.approx(macro_f1, abs=5e-7)


def test_confidence_that_is_the_share_of_right_answers_has_no_calibration_error():
    confidence = np.full(10, 0.7)
    right = np.array([True] * 7 + [False] * 3)
    assert expected_calibration_error(confidence, right) == pytest.approx(0, abs=1e-12)


def test_boasting_shows_as_calibration_error():
    assert expected_calibration_error(np.ones(4), np.array([True, False, True, False])) == pytest.approx(0.5)


def test_ten_pictures_of_one_patient_are_no_more_evidence_than_one():
    right = np.array([1.0] * 5 + [0.0] * 5)

    def mean(rows: np.ndarray) -> float:
        return float(right[rows].mean())

    alone = bootstrap_by_patient([str(i) for i in range(10)], mean)
    crowded = bootstrap_by_patient(["p"] * 5 + ["q"] * 5, mean)
    assert crowded == (0.0, 1.0)
    assert 0 < alone[0] < 0.5 < alone[1] < 1
    assert alone == bootstrap_by_patient([str(i) for i in range(10)], mean), "the same seed, the same interval"


def test_draws_without_a_meaning_are_left_out_of_the_interval():
    affected = np.arange(40) < 2

    def share_right(rows: np.ndarray) -> float:
        return float((rows[affected[rows]] == 0).mean()) if affected[rows].any() else float("nan")

    assert np.isnan(share_right(np.arange(2, 40)))
    assert bootstrap_by_patient([str(i) for i in range(40)], share_right) == (0.0, 1.0)
