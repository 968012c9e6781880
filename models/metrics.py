"""How good scores are: precision, recall, F1, calibration, and how sure one can be of them. numpy only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassReport:
    """One class. Ratios in [0, 1]; a ratio whose denominator is 0 is 0, as is custom."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All classes.

    Attributes:
        accuracy: [0, 1].
        per_class: in the order asked for; classes that nobody has are left out of ``macro``.
        macro: plain means over the classes with support; its support is that of all.
        confusion: (n n) counts, rows are the truth.
    """

    accuracy: float
    per_class: dict[str, ClassReport]
    macro: ClassReport
    confusion: NDArray[np.int64]


def report(truth: Labels, said: Labels, classes: Sequence[str]) -> Report:
    """Compares names with names; a name said that is none of ``classes`` counts against recall only."""
    if len(truth) != len(said) or not truth:
        raise ValueError(f"truth and said have the same length above 0, not {len(truth)} and {len(said)}")
    stray = sorted(set(truth) - set(classes))
    if stray:
        raise ValueError(f"truth holds {', '.join(stray)}; classes are {', '.join(classes)}")
    index = {name: number for number, name in enumerate(classes)}
    rows = np.array([index[name] for name in truth])
    columns = np.array([index.get(name, len(classes)) for name in said])
    wide = np.zeros((len(classes), len(classes) + 1), dtype=np.int64)
    np.add.at(wide, (rows, columns), 1)
    confusion = wide[:, :-1]
    hits, support, named = np.diag(confusion), wide.sum(axis=1), confusion.sum(axis=0)
    precision, recall = _ratio(hits, named), _ratio(hits, support)
    f1 = _ratio(2 * hits, named + support)
    per_class = {
        name: ClassReport(
            precision=float(precision[i]), recall=float(recall[i]), f1=float(f1[i]), support=int(support[i])
        )
        for i, name in enumerate(classes)
    }
    there = support > 0
    macro = ClassReport(
        precision=float(precision[there].mean()),
        recall=float(recall[there].mean()),
        f1=float(f1[there].mean()),
        support=len(truth),
    )
    return Report(accuracy=float(hits.sum() / len(truth)), per_class=per_class, macro=macro, confusion=confusion)


def expected_calibration_error(confidence: NDArray[np.floating], right: NDArray[np.bool_], *, bins: int = 10) -> float:
    """How far stated confidence is from the share that was right: (b) in [0, 1], (b) bool -> [0, 1].

    Bins of equal width, each weighted by how many fall into it.
    """
    if confidence.shape != right.shape or confidence.ndim != 1 or not len(confidence):
        raise ValueError(f"confidence and right are (b) with b above 0, not {confidence.shape} and {right.shape}")
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    gap = np.bincount(place, weights=confidence - right, minlength=bins)
    return float(np.abs(gap).sum() / count.sum())


def bootstrap_by_patient(
    patients: Sequence[str],
    figure: Callable[[NDArray[np.intp]], float],
    *,
    rounds: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of a figure when whole patients are drawn anew: pictures of one patient are no independent evidence.

    Draws in which the figure has no meaning (one class only, in a small set) are left out of the interval.

    Args:
        patients: whose each picture is.
        figure: row numbers (with repeats) -> the figure, NaN where it has no meaning.
        rounds: draws.
        level: share of draws inside the interval.
    """
    names, inverse = np.unique(np.asarray(patients), return_inverse=True)
    rows_of = [np.flatnonzero(inverse == number) for number in range(len(names))]
    rng = np.random.default_rng(seed)
    figures = [
        figure(np.concatenate([rows_of[i] for i in rng.integers(len(names), size=len(names))])) for _ in range(rounds)
    ]
    low, high = np.nanquantile(figures, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
