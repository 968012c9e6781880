"""How good answers about hearts are, patient by patient; figures by clip stand beside them and are called so.

scikit-learn computes areas and curves; intervals draw whole patients anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoder import ModelError
from ..heads.clip_answer import Floats, HeartAnswer, aggregate
from ..heads.clip_head import ClipHead
from ..metrics import bootstrap_by_patient, expected_calibration_error
from .clip_checks import check_one_row_each
from .clip_table import ClipTable, by_patient

SPECIFICITIES = (0.9, 0.95)
_SHARES_KEPT = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Answers and truth, one row for each patient.

    Attributes:
        patients, labels: (p).
        affected: (p) bool.
        answers: (p), all at the ``prevalence`` assumed.
        clip_scores, clip_affected: (n), of single clips.
    """

    patients: tuple[str, ...]
    labels: tuple[str, ...]
    affected: Flags
    answers: tuple[HeartAnswer, ...]
    clip_scores: Floats
    clip_affected: Flags

    def __post_init__(self) -> None:
        check_one_row_each(self.patients)
        if len({answer.prevalence for answer in self.answers}) > 1:
            raise ModelError("answers that are judged together assume one prevalence")

    @property
    def prevalence(self) -> float:
        """What the scores assume; calibration error and Brier score want the share affected among these patients."""
        return self.answers[0].prevalence

    @property
    def scores(self) -> Floats:
        """(p)."""
        return np.array([answer.score for answer in self.answers])

    @property
    def doubt(self) -> Floats:
        """(p), what the curve of abstention leaves out first: those whose head abstains, then the widest intervals."""
        return np.array([answer.abstains + (answer.high - answer.low) for answer in self.answers])

    @classmethod
    def joined(cls, parts: "Sequence[Judged]") -> "Judged":
        """Folds put together; a patient that stands in two is a leak."""
        return cls(
            patients=tuple(name for part in parts for name in part.patients),
            labels=tuple(label for part in parts for label in part.labels),
            affected=np.concatenate([part.affected for part in parts]),
            answers=tuple(answer for part in parts for answer in part.answers),
            clip_scores=np.concatenate([part.clip_scores for part in parts]),
            clip_affected=np.concatenate([part.clip_affected for part in parts]),
        )


def judge_head(head: ClipHead, table: ClipTable, *, prevalence: float) -> Judged:
    """What a head says of every patient of a table that it has not seen."""
    logits, distances = head.logits(table.clips), head.distance(table.clips)
    calibration = head.calibration

    def answer(rows: NDArray[np.intp]) -> HeartAnswer:
        distance = float(np.median(distances[rows]))
        return aggregate(logits[:, rows], calibration, prevalence=prevalence, distance=distance)

    return judged(table, answer, calibration.calibrated(logits).mean(axis=0))


def judged(table: ClipTable, answer: Callable[[NDArray[np.intp]], HeartAnswer], clip_scores: Floats) -> Judged:
    """Asks ``answer`` for every patient's rows; it is told nothing else."""
    patients = by_patient(table)
    return Judged(
        patients=tuple(patient.name for patient in patients),
        labels=tuple(patient.label for patient in patients),
        affected=np.array([patient.affected for patient in patients]),
        answers=tuple(answer(patient.rows) for patient in patients),
        clip_scores=clip_scores,
        clip_affected=table.affected,
    )


def summary(found: Judged, *, normal: str, rounds: int = 500) -> dict[str, Any]:
    """What ``fetalstream evaluate chd --json`` prints: ``patients`` is the headline, ``clips`` is beside it."""
    truth, scores = found.affected, found.scores
    if truth.all() or not truth.any():
        raise ModelError("figures want patients of both kinds, normal and affected")
    kept = ~np.array([answer.abstains for answer in found.answers])
    called = np.array([answer.called for answer in found.answers])
    return {
        "prevalence": found.prevalence,
        "patients": {
            "count": len(truth),
            "affected": int(truth.sum()),
            **_areas(scores, truth, found.patients, rounds),
            "auroc_by_label": {
                label: auroc(scores[rows], truth[rows])
                for label in sorted(set(found.labels) - {normal})
                if (rows := np.array([one in (label, normal) for one in found.labels])).any()
            },
            "sensitivity_at_specificity": {
                f"{at:.2f}": sensitivity_at(scores, truth, specificity=at) for at in SPECIFICITIES
            },
            "at_threshold": {
                "sensitivity": float(called[truth].mean()),
                "specificity": float((~called[~truth]).mean()),
            },
            "expected_calibration_error": expected_calibration_error(scores, truth),
            "brier": float(((scores - truth) ** 2).mean()),
            "interval_width": float(np.mean([answer.high - answer.low for answer in found.answers])),
        },
        "abstention": {
            "share": float(1 - kept.mean()),
            "auroc_of_the_others": _both(scores[kept], truth[kept]),
            "curve": abstention_curve(found),
        },
        "clips": {
            "count": len(found.clip_scores),
            "auroc": auroc(found.clip_scores, found.clip_affected),
            "note": "clips of one patient are no independent evidence; the figures of patients are those to quote",
        },
    }


def auroc(scores: Floats, truth: Flags) -> float:
    """Area under the receiver operating characteristic, in [0, 1]."""
    return float(_sklearn().roc_auc_score(truth, scores))


def sensitivity_at(scores: Floats, truth: Flags, *, specificity: float) -> float:
    """Largest sensitivity of a threshold that leaves at least this share of normal patients alone."""
    false_rate, true_rate, _ = _sklearn().roc_curve(truth, scores, drop_intermediate=False)
    return float(np.asarray(true_rate)[np.asarray(false_rate) <= 1 - specificity + 1e-12].max())


def abstention_curve(found: Judged) -> list[dict[str, float | None]]:
    """AUROC and calibration of the share of patients that the head doubts least."""
    order = np.argsort(found.doubt, kind="stable")
    curve: list[dict[str, float | None]] = []
    for share in _SHARES_KEPT:
        rows = order[: max(2, round(share * len(order)))]
        scores, truth = found.scores[rows], found.affected[rows]
        called = np.array([found.answers[int(row)].called for row in rows])
        curve.append({"kept": share, "auroc": _both(scores, truth), "wrong": float((called != truth).mean())})
    return curve


def plot(found: Judged, path: Path, *, title: str) -> None:
    """Writes a picture of the abstention curve and of what scores mean.

    Raises:
        ModelError: matplotlib is not there (the extra ``train`` brings it), or ``path`` cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ModelError("a plot needs matplotlib: pip install 'fetalstream[train]'") from error

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    order = np.argsort(found.doubt, kind="stable")
    called = np.array([answer.called for answer in found.answers])
    wrong = np.cumsum((called != found.affected)[order]) / np.arange(1, len(order) + 1)
    kept = np.arange(1, len(order) + 1) / len(order)
    left.plot(kept, wrong, color="tab:blue")
    kept_by_head = float(np.mean([not answer.abstains for answer in found.answers]))
    left.axvline(kept_by_head, color="grey", linestyle=":", label=f"the head abstains on {1 - kept_by_head:.0%}")
    left.set(xlabel="share of patients answered", ylabel="share called wrongly", xlim=(0, 1), ylim=(0, None))
    left.legend(frameon=False)
    left.set_title("abstention", fontsize=10)
    place = np.clip((found.scores * 10).astype(int), 0, 9)
    bins = [number for number in range(10) if (place == number).any()]
    right.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    right.plot(
        [found.scores[place == number].mean() for number in bins],
        [found.affected[place == number].mean() for number in bins],
        marker="o",
        color="tab:blue",
    )
    right.set(xlabel="score", ylabel="share of patients affected", xlim=(0, 1), ylim=(0, 1))
    right.set_title("calibration", fontsize=10)
    figure.suptitle(title, fontsize=10)
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:  # ValueError: a suffix that is no picture format
        raise ModelError(f"the plot cannot be written to {path}: {' '.join(str(error).split())}") from error


def _areas(scores: Floats, truth: Flags, patients: Sequence[str], rounds: int) -> dict[str, Any]:
    areas = {"auroc": auroc, "pr_auc": lambda s, t: float(_sklearn().average_precision_score(t, s))}

    def interval(area: Callable[[Floats, Flags], float]) -> list[float]:
        def of(rows: NDArray[np.intp]) -> float:
            drawn = truth[rows]
            return float("nan") if drawn.all() or not drawn.any() else area(scores[rows], drawn)

        return list(bootstrap_by_patient(patients, of, rounds=rounds))

    return {name: area(scores, truth) for name, area in areas.items()} | {
        f"{name}_interval_95": interval(area) for name, area in areas.items()
    }


def _both(scores: Floats, truth: Flags) -> float | None:
    """The area, None where only one kind of patient is left."""
    return auroc(scores, truth) if len(truth) and truth.any() and not truth.all() else None


def _sklearn() -> Any:
    try:
        from sklearn import metrics
    except ImportError as error:
        raise ModelError("figures need scikit-learn: pip install 'fetalstream[train]'") from error
    return metrics
