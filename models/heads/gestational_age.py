"""Gestational age from the head: the published zero-shot rule, what an answer looks like, and that of a whole exam.

The rule: score each of 175 days by its sentences, take the 15 best, sort them by day, answer their middle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..encoder import ModelError

AGE_DAYS: NDArray[np.int64] = np.arange(14 * 7, 14 * 7 + 175)
"""14 weeks 0 days to 38 weeks 6 days, every day. (The published post-processing lists 168 of them, which shifts what an
index means; its scores hold 175.)"""

BEST_DAYS = 15

NO_SPACING = "no pixel spacing: the picture does not say how large the head is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """An answer.

    Attributes:
        days: gestational age.
        low_days, high_days: prediction interval around it; None from the zero-shot rule, which knows none.
        level: share of heads whose age lies within, in (0, 1); None without interval.
        pictures: how many pictures it rests on.
        scatter_days: how far single pictures scatter (1.4826 * median absolute deviation); 0 from one picture.
    """

    days: float
    low_days: float | None = None
    high_days: float | None = None
    level: float | None = None
    pictures: int = 1
    scatter_days: float = 0.0

    def __post_init__(self) -> None:
        parts = (self.low_days, self.high_days, self.level)
        if any(part is None for part in parts) and any(part is not None for part in parts):
            raise ValueError(f"low_days, high_days and level are all there or none, not {parts}")
        low, high = self.days if self.low_days is None else self.low_days, self.high_days
        if not low <= self.days <= (self.days if high is None else high):
            raise ValueError(f"low_days <= days <= high_days, not {low}, {self.days}, {high}")

    def __str__(self) -> str:
        said = weeks_and_days(self.days)
        if self.low_days is None or self.high_days is None or self.level is None:
            return said
        return f"{said} ({self.level:.0%}: {weeks_and_days(self.low_days)} to {weeks_and_days(self.high_days)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAge:
    """No answer, and why; the reason is for a person to read."""

    reason: str


def weeks_and_days(days: float) -> str:
    """Days -> "20w3d"."""
    whole = round(days)
    return f"{whole // 7}w{whole % 7}d"


def check_similarity(similarity: NDArray[np.floating]) -> None:
    """Refuses what are not scores of 175 days.

    Raises:
        ModelError: one line with the shape, or how many numbers are none.
    """
    if similarity.ndim != 2 or similarity.shape[1] != len(AGE_DAYS):
        raise ModelError(f"similarities are (pictures {len(AGE_DAYS)}), one per day, not {similarity.shape}")
    if bad := int((~np.isfinite(similarity)).sum()):
        raise ModelError(f"similarities are finite; {bad} of {similarity.size} are not")


def zero_shot_days(similarity: NDArray[np.floating]) -> NDArray[np.int64]:
    """(b 175) scores -> (b) days, the published rule. Of equal scores the earlier day counts first."""
    check_similarity(similarity)
    best = np.argsort(-similarity, axis=1, kind="stable")[:, :BEST_DAYS]
    return AGE_DAYS[np.sort(best, axis=1)[:, BEST_DAYS // 2]]


def exam_age(answers: Sequence[Age | NoAge], *, min_pictures: int = 1) -> Age | NoAge:
    """The age of a whole exam: the median over its pictures, for one bad picture must not move it.

    The interval is the median of the lower and of the upper ends, and no narrower than the middle half of the answers.
    It does not shrink with the number of pictures: those of one head share its errors. Where each covers with chance
    1 - a it covers with at least 1 - 2a however they hang together (for it to miss, half of them must), and with 1 - a
    or more where errors are symmetric (Gasparin and Ramdas, "Merging uncertainty sets via majority vote", 2024).

    Args:
        answers: of single pictures; those without age are passed over.
        min_pictures: with fewer answers there is none for the exam.

    Raises:
        ValueError: ``min_pictures`` below 1, or intervals of different levels.
    """
    if min_pictures < 1:
        raise ValueError(f"min_pictures is at least 1, not {min_pictures}")
    ages = [answer for answer in answers if isinstance(answer, Age)]
    if len(ages) < min_pictures:
        reasons = [answer.reason for answer in answers if isinstance(answer, NoAge)]
        if not ages and reasons:
            return NoAge(reason=max(reasons, key=reasons.count))
        return NoAge(reason=f"{len(ages)} pictures have an age, {min_pictures} are wanted")
    levels = {age.level for age in ages}
    if len(levels) > 1:
        raise ValueError(f"the ages of an exam have intervals of one level, not of {levels}")
    days = np.array([age.days for age in ages])
    middle = float(np.median(days))
    return Age(
        days=middle,
        low_days=_end([age.low_days for age in ages], days, 0.25, min),
        high_days=_end([age.high_days for age in ages], days, 0.75, max),
        level=levels.pop(),
        pictures=len(ages),
        scatter_days=1.4826 * float(np.median(np.abs(days - middle))),
    )


def _end(
    ends: Sequence[float | None], days: NDArray[np.float64], share: float, outer: Callable[[float, float], float]
) -> float | None:
    """The median of the ends, or the quartile of the answers where that lies further out."""
    known = [end for end in ends if end is not None]
    return outer(float(np.median(known)), float(np.quantile(days, share))) if known else None
