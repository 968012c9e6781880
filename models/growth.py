"""How the head grows: circumference over gestational age, as the published evaluation of FetalCLIP has it.

Log-cubic curves in the manner of the WHO charts: ``HC = exp(b0 + b1 t + b2 t^2 + b3 t^3)`` mm at age t in weeks.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

MIN_HC_MM, MAX_HC_MM = 100.0, 342.0
"""Heads that count in the evaluation, both ends included; smaller and larger ones lie beyond its 14 to 39 weeks."""

_GRID_WEEKS = np.linspace(8.0, 43.0, 35_001)  # every curve rises over all of it; a thousandth of a week is 10 minutes


class Centile(StrEnum):
    """Share of fetuses whose head is smaller."""

    P2_5 = "2.5"
    P50 = "50"
    P97_5 = "97.5"


_COEFFICIENTS = {
    Centile.P2_5: (1.59317517131532, 0.29459800552433, -7.3860372566707e-3, 6.56951770216148e-5),
    Centile.P50: (2.09924879247164, 0.253373656106037, -6.05647816678282e-3, 5.14256072059917e-5),
    Centile.P97_5: (2.50074069629423, 0.220067854715719, -4.93623111462443e-3, 3.89066000946519e-5),
}


def head_circumference_mm(age_weeks: ArrayLike, centile: Centile = Centile.P50) -> NDArray[np.float64]:
    """(...) weeks -> (...) mm."""
    t = np.asarray(age_weeks, dtype=np.float64)
    b0, b1, b2, b3 = _COEFFICIENTS[centile]
    return np.exp(b0 + t * (b1 + t * (b2 + t * b3)))


def median_age_weeks(head_mm: ArrayLike) -> NDArray[np.float64]:
    """(...) mm -> (...) weeks at which half of all heads are this large; held at 8 and 43 weeks."""
    return np.interp(np.asarray(head_mm, dtype=np.float64), head_circumference_mm(_GRID_WEEKS), _GRID_WEEKS)


def counts(head_mm: ArrayLike) -> NDArray[np.bool_]:
    """(...) mm -> (...) whether the evaluation counts such a head."""
    head = np.asarray(head_mm, dtype=np.float64)
    return (head >= MIN_HC_MM) & (head <= MAX_HC_MM)


def is_valid_age(age_weeks: ArrayLike, head_mm: ArrayLike) -> NDArray[np.bool_]:
    """Whether a head lies within the central 95 % of its predicted age: what "valid prediction rate" counts."""
    head = np.asarray(head_mm, dtype=np.float64)
    low, high = (head_circumference_mm(age_weeks, centile) for centile in (Centile.P2_5, Centile.P97_5))
    return (low <= head) & (head <= high)
