"""The law of an answer about a heart: averaged before squeezed, honest about prevalence, silent when unsure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.clip_answer import DISAGREE, STRADDLES, UNLIKE, Calibration, aggregate, logit, sigmoid

SURE = Calibration(prevalence=0.5, threshold=0.0, sensitivity=0.8, specificity=0.8)


def said(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float64)


def test_eighty_per_cent_right_is_wrong_in_ninety_six_of_a_hundred_calls_where_one_in_a_hundred_is_ill():
    assert SURE.positive_predictive_value(0.01) == pytest.approx(0.0388, abs=1e-4)
    assert SURE.positive_predictive_value(0.5) == pytest.approx(0.8)


def test_logits_of_clips_are_averaged_not_their_probabilities():
    answer = aggregate(said([8.0, -2.0], [8.0, -2.0]), SURE, prevalence=0.5)
    assert answer.score == pytest.approx(float(sigmoid(np.array(3.0))))


def test_a_rarer_disease_shifts_the_score_by_the_ratio_of_odds():
    common, rare = (aggregate(said([2.0], [2.0]), SURE, prevalence=share) for share in (0.5, 0.01))
    odds = [answer.score / (1 - answer.score) for answer in (common, rare)]
    assert odds[1] / odds[0] == pytest.approx((0.01 / 0.99) / 1)
    assert common.called
    assert rare.called  # the threshold moves with it: the prevalence changes what is told, not who is called


def test_the_calibration_applies_before_the_prevalence():
    calibration = Calibration(slope=2.0, offset=-1.0, prevalence=0.3)
    answer = aggregate(said([0.5]), calibration, prevalence=0.3)
    assert answer.score == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("logits", "limits", "distance", "reason"),
    [
        (said([3.0, 3.0], [3.1, 3.1]), {}, 1.0, ""),
        (said([1.0, -1.0], [1.0, -1.0]), {}, 1.0, STRADDLES),
        (said([3.0], [9.0]), {"max_spread": 1.0}, 1.0, DISAGREE),
        (said([3.0], [3.0]), {"max_distance": 2.0}, 2.1, UNLIKE),
        (said([9.0], [-9.0]), {"max_distance": 2.0}, 9.0, UNLIKE),  # what it does not know comes first
    ],
)
def test_it_abstains_and_says_why(logits: np.ndarray, limits: dict[str, float], distance: float, reason: str):
    answer = aggregate(logits, Calibration(prevalence=0.5, **limits), prevalence=0.5, distance=distance)
    assert (answer.abstains, answer.reason) == (bool(reason), reason)


@given(
    st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=1, max_size=6),
    st.floats(0.001, 0.999),
    st.floats(0.001, 0.999),
)
def test_the_score_lies_in_its_interval_whatever_the_members_say(rows: list[list[float]], trained: float, used: float):
    answer = aggregate(np.array(rows), Calibration(prevalence=trained), prevalence=used)
    assert 0 <= answer.low <= answer.score <= answer.high <= 1


def test_more_members_that_agree_make_no_wider_interval_and_the_same_question_gets_the_same_answer():
    one = aggregate(said([1.0, 1.2, 0.9], [1.1, 1.3, 1.0]), SURE, prevalence=0.1)
    assert one == aggregate(said([1.0, 1.2, 0.9], [1.1, 1.3, 1.0]), SURE, prevalence=0.1)
    apart = aggregate(said([0.0, 0.2, -0.1], [2.1, 2.3, 2.0]), SURE, prevalence=0.1)
    assert apart.high - apart.low > one.high - one.low


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, float("nan")])
def test_an_impossible_prevalence_is_refused_by_name(prevalence: float):
    with pytest.raises(ModelError, match="prevalence"):
        aggregate(said([0.0]), SURE, prevalence=prevalence)


@pytest.mark.parametrize("logits", [np.empty((2, 0)), np.array([1.0]), np.array([[np.nan]])])
def test_no_answer_is_made_of_nothing(logits: np.ndarray):
    with pytest.raises(ModelError, match="finite logits"):
        aggregate(logits, SURE, prevalence=0.5)


@pytest.mark.parametrize(
    "wrong", [{"slope": 0.0}, {"slope": -1.0}, {"prevalence": 0.0}, {"specificity": 1.0}, {"threshold": float("inf")}]
)
def test_an_impossible_calibration_is_refused(wrong: dict[str, float]):
    with pytest.raises(ModelError):
        Calibration(**wrong)


def test_logit_and_sigmoid_undo_each_other():
    assert float(sigmoid(np.array(logit(0.01)))) == pytest.approx(0.01)
    assert sigmoid(np.array([-800.0, 800.0])).tolist() == [0.0, 1.0]
