"""The published age rule on the real model's scores, answers, and the age of a whole exam."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.models.encoder import ModelError
from fetalstream.models.growth import Centile, counts, head_circumference_mm, is_valid_age, median_age_weeks
from fetalstream.models.heads.gestational_age import (
    AGE_DAYS,
    Age,
    NoAge,
    exam_age,
    weeks_and_days,
    zero_shot_days,
)
from fetalstream.models.train.age_table import read_age_table


def bump(day: float, *, width: float = 20.0) -> np.ndarray:
    return 30 * np.exp(-(((AGE_DAYS - day) / width) ** 2))


def test_the_published_figures_come_out_of_the_real_models_scores(reference_dir: Path) -> None:
    table = read_age_table(reference_dir / "fetalclip_hc18_similarity.npz").counted()
    valid = is_valid_age(zero_shot_days(table.similarity) / 7, table.head_mm)
    assert (len(table), int(valid.sum())) == (814, 679)
    assert round(100 * valid.mean(), 2) == 83.42


def test_the_days_are_175_from_14w0d_to_38w6d() -> None:
    assert (len(AGE_DAYS), weeks_and_days(AGE_DAYS[0]), weeks_and_days(AGE_DAYS[-1])) == (175, "14w0d", "38w6d")


def test_the_middle_of_the_best_15_days_is_the_answer_even_where_they_lie_apart() -> None:
    scores = np.zeros((1, 175))
    scores[0, [*range(7), 100, 101, 102, *range(160, 165)]] = 1 + np.arange(15)
    assert zero_shot_days(scores).tolist() == [98 + 100]


@given(day=st.integers(110, 260))
def test_a_curve_that_peaks_at_a_day_is_of_that_day(day: int) -> None:
    assert abs(zero_shot_days(bump(day)[None])[0] - day) <= 1


@given(shift=st.floats(-50, 50), factor=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_the_rule_sees_only_the_order_of_scores(shift: float, factor: float, seed: int) -> None:
    scores = np.random.default_rng(seed).permuted(np.tile(np.arange(175.0), (3, 1)), axis=1)
    np.testing.assert_array_equal(zero_shot_days(scores), zero_shot_days(shift + factor * scores))


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (np.zeros((2, 168)), r"\(pictures 175\), one per day, not \(2, 168\)"),
        (np.zeros(175), r"not \(175,\)"),
        (np.full((1, 175), np.nan), "175 of 175 are not"),
    ],
)
def test_scores_of_other_days_or_none_are_refused(scores: np.ndarray, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        zero_shot_days(scores)


@given(weeks=st.floats(10, 42))
def test_centiles_are_ordered_rise_with_age_and_are_undone(weeks: float) -> None:
    low, middle, high = (float(head_circumference_mm(weeks, centile)) for centile in Centile)
    later = float(head_circumference_mm(weeks + 0.1))
    assert low < middle < high
    assert middle < later
    assert float(median_age_weeks(middle)) == pytest.approx(weeks, abs=1e-3)
    assert is_valid_age(weeks, [low - 0.01, low, high, high + 0.01]).tolist() == [False, True, True, False]


def test_heads_from_100_to_342_mm_count_both_included() -> None:
    assert counts([99.9, 100, 342, 342.1]).tolist() == [False, True, True, False]


AGES = st.lists(
    st.tuples(st.floats(100, 270), st.floats(0, 30), st.floats(0, 30)).map(
        lambda t: Age(days=t[0], low_days=t[0] - t[1], high_days=t[0] + t[2], level=0.95)
    ),
    min_size=1,
    max_size=15,
)


@given(ages=AGES)
def test_the_age_of_an_exam_lies_in_its_interval_and_among_its_pictures(ages: list[Age]) -> None:
    whole = exam_age([NoAge(reason="unlike"), *ages])
    assert isinstance(whole, Age)
    assert whole.low_days is not None
    assert whole.high_days is not None
    assert whole.low_days <= whole.days <= whole.high_days
    assert min(age.days for age in ages) <= whole.days <= max(age.days for age in ages)
    assert whole.pictures == len(ages)


def test_less_than_half_bad_pictures_do_not_move_the_age_of_an_exam() -> None:
    good = [Age(days=140.0 + step) for step in range(-2, 3)]
    bad = [Age(days=260.0)] * 4
    whole = exam_age([*good, *bad])
    assert isinstance(whole, Age)
    assert 140 <= whole.days <= 142
    assert (whole.low_days, whole.level) == (None, None)


def test_an_exam_without_answers_says_the_usual_reason() -> None:
    answers = [NoAge(reason="no spacing"), NoAge(reason="unlike"), NoAge(reason="no spacing")]
    assert exam_age(answers) == NoAge(reason="no spacing")
    assert exam_age([Age(days=140)], min_pictures=3) == NoAge(reason="1 pictures have an age, 3 are wanted")


def test_intervals_of_two_levels_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="one level"):
        exam_age([Age(days=140), Age(days=140, low_days=130, high_days=150, level=0.9)])


@pytest.mark.parametrize(
    "parts", [{"low_days": 130.0}, {"low_days": 145.0, "high_days": 150.0, "level": 0.9}, {"level": 0.9}]
)
def test_an_interval_is_whole_and_around_its_age(parts: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="low_days"):
        Age(days=140, **parts)  # pyright: ignore[reportArgumentType]


def test_an_age_reads_as_weeks_and_days() -> None:
    assert str(Age(days=143, low_days=135, high_days=151, level=0.95)) == "20w3d (95%: 19w2d to 21w4d)"


LEVEL, Z = 0.9, 1.6449


def exams(shared: float, frames: int, *, seed: int = 0, count: int = 3000) -> np.ndarray:
    """(exams frames) errors of single pictures, normal with deviation 1; ``shared`` of their variance is the head's."""
    rng = np.random.default_rng(seed)
    return np.sqrt(shared) * rng.normal(size=(count, 1)) + np.sqrt(1 - shared) * rng.normal(size=(count, frames))


def covered(errors: np.ndarray, *, half_days: float) -> float:
    """How often the interval of the exam holds the true age, 200 days."""
    hits = 0
    for row in 200 + errors:
        whole = exam_age(
            [Age(days=day, low_days=day - half_days, high_days=day + half_days, level=LEVEL) for day in row]
        )
        assert isinstance(whole, Age)
        assert whole.low_days is not None
        assert whole.high_days is not None
        hits += whole.low_days <= 200 <= whole.high_days
    return hits / len(errors)


@pytest.mark.parametrize(("shared", "frames"), [(1.0, 1), (1.0, 25), (0.7, 25), (0.3, 5), (0.0, 25)])
def test_the_interval_of_an_exam_covers_no_less_than_that_of_a_picture_however_frames_hang_together(
    shared: float, frames: int
) -> None:
    assert covered(exams(shared, frames), half_days=Z) >= LEVEL - 0.015


def test_an_interval_that_shrank_with_the_number_of_frames_would_not_cover() -> None:
    """What the interval is not: frames of one head share its error, and 25 of them say little more than one."""
    assert covered(exams(0.7, 25), half_days=Z / 5) < 0.6


def test_at_worst_an_exam_misses_twice_as_often_as_a_picture() -> None:
    """One picture in ten is wrong, all on the same fifth of exams, where the others err the same way."""
    errors = np.zeros((1000, 10))
    errors[:200] = 1.0
    errors[:200, :5] = 50.0
    assert np.mean(np.abs(errors) > Z) == pytest.approx(1 - LEVEL)
    assert covered(errors, half_days=Z) == pytest.approx(2 * LEVEL - 1)


def test_frames_that_contradict_each_other_widen_the_interval() -> None:
    def told(*days: float) -> tuple[float | None, float | None]:
        whole = exam_age([Age(days=day, low_days=day - 5, high_days=day + 5, level=0.95) for day in days])
        assert isinstance(whole, Age)
        return whole.low_days, whole.high_days

    assert told(140, 141, 142, 143, 260) == (137, 147)  # one bad picture is no contradiction
    low, high = told(140, 140, 140, 180, 180)
    assert low == 135
    assert high == 180
