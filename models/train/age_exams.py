"""Whether the interval of a whole exam covers, on patients with several pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..heads.age_decoder import Floats
from ..heads.gestational_age import Age, exam_age


def judge_exams(
    patients: Sequence[str], *, said: Floats, low: Floats, high: Floats, truth: Floats, level: float
) -> dict[str, Any]:
    """Per cent and days over the patients of whom there are two pictures or more.

    The pictures of one patient are an exam (`exam_age`), and the median of their true ages is its true age.
    ``coverage_if_shrunk`` is what an interval narrowed by the root of the number of pictures would cover, as if their
    errors were independent: why ours is not.

    Args:
        patients: (n), whose each picture is.
        said, low, high, truth: (n) days, by a decoder that did not see the patient.
        level: what each interval is meant to cover, in (0, 1).
    """
    _, whose, counts = np.unique(np.asarray(patients), return_inverse=True, return_counts=True)
    errors: list[float] = []
    covers: list[bool] = []
    would_cover: list[bool] = []
    for number in np.flatnonzero(counts > 1):
        rows = np.flatnonzero(whose == number)
        whole = exam_age([Age(days=said[i], low_days=low[i], high_days=high[i], level=level) for i in rows])
        assert isinstance(whole, Age)
        assert whole.low_days is not None
        assert whole.high_days is not None
        true_days = float(np.median(truth[rows]))
        error = true_days - whole.days
        half = (whole.high_days if error > 0 else whole.low_days) - whole.days
        errors.append(abs(error))
        covers.append(abs(error) <= abs(half))
        would_cover.append(abs(error) <= abs(half) / np.sqrt(len(rows)))
    if not errors:
        return {"patients": 0}
    return {
        "patients": len(errors),
        "pictures": int(counts[counts > 1].sum()),
        "mae_days": float(np.mean(errors)),
        "coverage": 100 * float(np.mean(covers)),
        "coverage_if_shrunk": 100 * float(np.mean(would_cover)),
    }
