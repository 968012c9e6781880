"""Fitting the age decoder, and judging it on patients it has not seen. numpy only; seconds on one core.

Leaving a patient out needs no second fit: with the inverse Q of kernel plus noise, the residuals of the pictures g of
one patient, had the process not seen them, are ``inv(Q[g, g]) @ (Q @ y)[g]`` (Rasmussen and Williams 2006, section
5.4.2, for one picture; the block form follows from the inverse of a partitioned matrix). They choose the kernel, tell
how the error grows with age, and calibrate the interval: split conformal prediction with leave-one-patient-out
residuals, each patient weighing as much as any other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoder import ModelError
from ..growth import counts, is_valid_age, median_age_weeks
from ..heads.age_decoder import AgeDecoder, Fitted, Floats, decode, kernel, shape_of
from ..heads.card import Card, figure_table
from ..heads.gestational_age import zero_shot_days
from ..metrics import bootstrap_by_patient
from .age_exams import judge_exams
from .age_table import AgeTable
from .folds import patient_folds

LENGTHS = (5.0, 7.0, 9.0, 12.0)
NOISES = (0.001, 0.003)
LEVEL = 0.95
MIN_PATIENTS = 20
_SPREAD_WEEKS = np.linspace(10.0, 43.0, 331)
_SPREAD_WIDTH_WEEKS = 1.5


@dataclass(frozen=True, slots=True)
class _Try:
    length: float
    weights: Floats
    left_out: Floats
    """What the process says of each picture without its patient."""
    error_weeks: float


def fit(similarity: NDArray[np.floating], head_mm: Floats, patients: Sequence[str], *, level: float = LEVEL) -> Fitted:
    """A decoder for (n 175) scores of heads (n) in mm, all of which must count (`growth.counts`).

    Raises:
        ModelError: too few patients, heads that do not count, or an impossible level.
    """
    if not 0.5 <= level < 1:
        raise ModelError(f"the level of an interval lies in [0.5, 1), not {level}")
    if not len(similarity) == len(head_mm) == len(patients):
        raise ModelError(f"{len(similarity)} curves, {len(head_mm)} heads and {len(patients)} patients do not pair up")
    if not counts(head_mm).all():
        raise ModelError(f"{int((~counts(head_mm)).sum())} heads lie outside the curve of ages")
    names, whose = np.unique(np.asarray(patients), return_inverse=True)
    if len(names) < MIN_PATIENTS:
        raise ModelError(f"a decoder is fitted on {MIN_PATIENTS} patients or more, not on {len(names)}")
    curves, weeks = shape_of(similarity), median_age_weeks(head_mm)
    logs = np.log(weeks)
    centre, scale = float(logs.mean()), float(logs.std())
    if scale < 1e-6:
        raise ModelError("all heads are of one size: there is no age to learn")
    target = (logs - centre) / scale
    best = min(_tries(curves, target, weeks, whose, centre, scale), key=lambda one: one.error_weeks)
    said_weeks = np.exp(centre + scale * best.left_out)
    residual = scale * np.abs(best.left_out - target)
    spread = _local_mean(said_weeks, residual)
    share = 1 / np.bincount(whose)[whose]
    errors = residual / np.interp(said_weeks, _SPREAD_WEEKS, spread)
    return Fitted(
        curves=curves,
        weights=best.weights,
        length=best.length,
        centre=centre,
        scale=scale,
        spread_weeks=_SPREAD_WEEKS,
        spread=spread,
        quantile=conformal_quantile(errors, share, level),
        level=level,
        min_kernel=0.5 * _least_kernel(curves, whose, best.length),
        first_weeks=float(weeks.min()),
        last_weeks=float(weeks.max()),
    )


def _tries(
    curves: Floats, target: Floats, weeks: Floats, whose: NDArray[np.intp], centre: float, scale: float
) -> Iterator[_Try]:
    groups = [np.flatnonzero(whose == number) for number in range(whose.max() + 1)]
    for length in LENGTHS:
        near = kernel(curves, curves, length)
        for noise in NOISES:
            inverse = np.asarray(np.linalg.inv(near + noise * np.eye(len(near))), dtype=np.float64)
            weights = inverse @ target
            left_out = leave_groups_out(inverse, weights, target, groups)
            error = float(np.abs(np.exp(centre + scale * left_out) - weeks).mean())
            yield _Try(length, weights, left_out, error)


def leave_groups_out(inverse: Floats, weights: Floats, target: Floats, groups: Sequence[NDArray[np.intp]]) -> Floats:
    """What a process with (n n) ``inverse`` of kernel plus noise would say of each group without having seen it."""
    said = np.empty_like(target)
    for rows in groups:
        said[rows] = target[rows] - np.linalg.solve(inverse[np.ix_(rows, rows)], weights[rows])
    return said


def conformal_quantile(errors: Floats, share: Floats, level: float) -> float:
    """The error that a new patient stays under with probability ``level``: the weighted quantile, one patient added.

    Args:
        errors: (n), not negative.
        share: (n) weight of each; those of one patient sum to 1.
        level: in (0, 1). The largest error when there are too few patients for it.
    """
    order = np.argsort(errors)
    reached = np.cumsum(share[order]) / (share.sum() + 1)
    place = int(np.searchsorted(reached, level))
    return float(errors[order][min(place, len(errors) - 1)])


def _local_mean(weeks: Floats, residual: Floats) -> Floats:
    """Errors around each age; a whisper of all of them fills the ages nobody has."""
    near = np.exp(-((_SPREAD_WEEKS[:, None] - weeks[None]) ** 2) / (2 * _SPREAD_WIDTH_WEEKS**2)) + 1e-4
    return np.maximum((near @ residual) / near.sum(axis=1), 1e-4)


def _least_kernel(curves: Floats, whose: NDArray[np.intp], length: float) -> float:
    """How near the loneliest curve is to that of another patient."""
    near = kernel(curves, curves, length)
    near[whose[:, None] == whose[None]] = 0
    return float(near.max(axis=1).min())


def judge(table: AgeTable, *, level: float = LEVEL, folds: int = 5, seed: int = 0) -> dict[str, Any]:
    """What ``fetalstream evaluate ga --json`` prints: per cent and days over the heads that count.

    ``zero_shot`` is the published rule on all of them, ``calibrated`` a decoder for each fold that saw no patient of
    it. Answers count even where it would have refused them (``refused``), so that both rows are over the same heads.
    ``exams`` are patients with several pictures, see `judge_exams`.
    """
    counted = table.counted()
    if not len(counted):
        raise ModelError("no head circumference lies between 100 and 342 mm: there is nothing to judge")
    said = zero_shot_days(counted.similarity) / 7
    valid = is_valid_age(said, counted.head_mm)
    fold = patient_folds(counted.patients, folds=folds, seed=seed)
    weeks, low, high = (np.empty(len(counted)) for _ in range(3))
    refused = 0
    for number in range(folds):
        out = fold == number
        rest = counted.rows(~out)
        fitted = fit(rest.similarity, rest.head_mm, rest.patients, level=level)
        weeks[out], low[out], high[out], nearest = decode(fitted, counted.similarity[out])
        refused += int((nearest < fitted.min_kernel).sum())
    truth = median_age_weeks(counted.head_mm)
    right = is_valid_age(weeks, counted.head_mm)
    return {
        "zero_shot": {
            "vpr": 100 * float(valid.mean()),
            "counted": len(counted),
            "valid": int(valid.sum()),
            "mae_days": 7 * float(np.abs(said - truth).mean()),
            "interval_95": _intervals(counted.patients, valid, 7 * np.abs(said - truth)),
        },
        "calibrated": {
            "vpr": 100 * float(right.mean()),
            "mae_days": 7 * float(np.abs(weeks - truth).mean()),
            "interval_95": _intervals(counted.patients, right, 7 * np.abs(weeks - truth)),
            "coverage": 100 * float(((low <= truth) & (truth <= high)).mean()),
            "level": 100 * level,
            "width_days": 7 * float(np.mean(high - low)),
            "refused": refused,
        },
        "exams": judge_exams(
            counted.patients, said=7 * weeks, low=7 * low, high=7 * high, truth=7 * truth, level=level
        ),
    }


def age_card(decoder: AgeDecoder, figures: Mapping[str, Any]) -> Card:
    """The decoder's model card, from what `judge` found."""
    fitted, found, rule = decoder.fitted, figures["calibrated"], figures["zero_shot"]
    encoder = decoder.encoder
    return Card(
        title="gestational age decoder",
        what=(
            "Age of a fetus from the similarity of one picture of its head to sentences for each of 175 days, with an "
            "interval."
        ),
        facts={
            "encoder": f"{encoder.name} {encoder.version}, sha256 `{encoder.sha256}`",
            "sentences": f"sha256 `{decoder.prompts_sha256}`",
            "recipe": "Gaussian process on the shape of the curve; split conformal interval by patient",
            "answers": (
                f"{fitted.first_weeks:.1f} to {fitted.last_weeks:.1f} weeks, and an interval for {fitted.level:.0%} of "
                "heads"
            ),
        },
        data=decoder.recipe,
        results=(
            f"On patients it had not seen (5 folds by patient): {found['vpr']:.2f} % within the central 95 % of heads "
            f"of the predicted age, mean error {found['mae_days']:.2f} days; the {found['level']:.0f} % interval "
            f"covers {found['coverage']:.1f} % and is {found['width_days']:.1f} days wide on average. The zero-shot "
            f"rule on the same heads: {rule['vpr']:.2f} %, {rule['mae_days']:.2f} days.\n\n"
            + figure_table(
                ("", "valid, % (95 % by patient)", "mean error, days (95 % by patient)"),
                {name: _row(figures[name]) for name in ("calibrated", "zero_shot")},
            )
        ),
        limits=(
            '"True age" is the age at which half of all heads have the measured circumference: the decoder learns to '
            "measure a head, and cannot tell a small fetus from a young one. The error grows with age. Coverage holds "
            "on average over heads like these, not for each age or each machine. It is asked of pictures that show a "
            "head, and of none without pixel spacing."
        ),
    )


def _row(figure: Mapping[str, Any]) -> tuple[str, str]:
    valid, error = figure["interval_95"]["vpr"], figure["interval_95"]["mae_days"]
    return (
        f"{figure['vpr']:.2f} ({valid[0]:.2f} to {valid[1]:.2f})",
        f"{figure['mae_days']:.2f} ({error[0]:.2f} to {error[1]:.2f})",
    )


def _intervals(patients: Sequence[str], valid: NDArray[np.bool_], error_days: Floats) -> dict[str, list[float]]:
    """95 % by drawing patients anew."""
    return {
        "vpr": [100 * bound for bound in bootstrap_by_patient(patients, lambda rows: float(valid[rows].mean()))],
        "mae_days": list(bootstrap_by_patient(patients, lambda rows: float(error_days[rows].mean()))),
    }
