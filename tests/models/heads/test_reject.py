"""The reject rule: background beside a softmax."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.models.heads.reject import with_background

LOGITS = st.lists(st.floats(-200, 200), min_size=1, max_size=6)


@given(logits=LOGITS, doubt=st.floats(-300, 300), background=st.none() | st.floats(-300, 300))
def test_rows_sum_to_one_and_background_stands_first(
    logits: list[float], doubt: float, background: float | None
) -> None:
    row = torch.tensor([logits])
    scores = with_background(row, torch.tensor([doubt]), None if background is None else torch.tensor([background]))
    assert scores.shape == (1, len(logits) + 1)
    assert bool((scores >= 0).all())
    assert float(scores.sum()) == pytest.approx(1, abs=1e-5)


@given(logits=LOGITS, doubt=st.floats(-20, 20).filter(lambda value: abs(value) > 1e-3))
def test_background_beats_the_best_plane_exactly_when_doubt_is_above_zero(logits: list[float], doubt: float) -> None:
    scores = with_background(torch.tensor([logits]), torch.tensor([doubt]))[0]
    assert bool(scores[0] > scores[1:].max()) == (doubt > 0)
    assert float(scores[0] / scores[1:].max()) == pytest.approx(math.exp(doubt), rel=1e-3)


@given(logits=LOGITS)
def test_without_any_reason_for_background_the_softmax_is_untouched(logits: list[float]) -> None:
    row = torch.tensor([logits])
    scores = with_background(row)
    assert float(scores[0, 0]) == 0
    torch.testing.assert_close(scores[:, 1:], row.softmax(dim=1))


def test_the_masses_of_rule_and_background_class_add_up() -> None:
    logits = torch.log(torch.tensor([[4.0, 2.0]]))
    scores = with_background(logits, torch.log(torch.tensor([0.5])), torch.log(torch.tensor([3.0])))
    torch.testing.assert_close(scores, torch.tensor([[5.0, 4.0, 2.0]]) / 11)
