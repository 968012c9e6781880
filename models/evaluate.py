"""A model against labelled real pictures in the public layout of FETAL_PLANES_DB, patient by patient."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from einops import rearrange
from numpy.typing import NDArray

from .encoder import Model, ModelError
from .metrics import Report, bootstrap_by_patient, expected_calibration_error, report
from .outputs import PlaneScores
from .planes import BACKGROUND, GROUPS, Plane
from .planes_db import PlanesRow
from .preprocess import open_image

FIVE = ("brain", "abdomen", "femur", "thorax", BACKGROUND)
SIX = (*FIVE[:-1], "cervix", BACKGROUND)

_TRUTH = {
    "Fetal brain": "brain",
    "Fetal abdomen": "abdomen",
    "Fetal femur": "femur",
    "Fetal thorax": "thorax",
    "Maternal cervix": "cervix",
    "Other": BACKGROUND,
}
_COARSE: dict[str, str] = {
    **dict.fromkeys(GROUPS["brain"], "brain"),
    **dict.fromkeys(GROUPS["heart"], "thorax"),
    "brain": "brain",
    "heart": "thorax",
    Plane.ABDOMEN: "abdomen",
    Plane.FEMUR: "femur",
    Plane.CERVIX: "cervix",
}
"""Every label that is not here (background, spine, kidneys, face) counts as background: the data call it "Other"."""

_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores over a set of pictures, and whose they are.

    Attributes:
        labels: columns of ``scores``.
        scores: (b n) float32.
        truth: (b) names of `SIX`.
        patients: (b).
        names: (b) file names.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float32]
    truth: tuple[str, ...]
    patients: tuple[str, ...]
    names: tuple[str, ...]

    def coarse(self, classes: Sequence[str]) -> NDArray[np.float32]:
        """(b n) scores added up to ``classes``; what is none of them is background."""
        table = np.zeros((len(self.labels), len(classes)), dtype=np.float32)
        for row, label in enumerate(self.labels):
            name = _COARSE.get(label, BACKGROUND)
            table[row, classes.index(name if name in classes else BACKGROUND)] = 1
        return self.scores @ table

    def summary(self, *, rounds: int = 1000) -> dict[str, Any]:
        """What ``fetalstream evaluate planes --json`` prints: five classes on top, six below if the cervix is known."""
        found = self._summary(FIVE, rounds=rounds)
        knows_cervix = Plane.CERVIX in self.labels
        return found | {"six_class": self._summary(SIX, rounds=rounds) if knows_cervix else None}

    def report(self, classes: Sequence[str]) -> Report:
        """`metrics.report` with scores and truth added up to ``classes``."""
        said = [classes[int(i)] for i in self.coarse(classes).argmax(axis=1)]
        return report(self._truth(classes), said, classes)

    def _truth(self, classes: Sequence[str]) -> list[str]:
        return [name if name in classes else BACKGROUND for name in self.truth]

    def _summary(self, classes: Sequence[str], *, rounds: int) -> dict[str, Any]:
        coarse, truth = self.coarse(classes), np.array(self._truth(classes))
        said = np.array(classes)[coarse.argmax(axis=1)]
        found = report(list(truth), list(said), classes)

        def interval(figure: Callable[[Report], float]) -> list[float]:
            def of(rows: NDArray[np.intp]) -> float:
                return figure(report(list(truth[rows]), list(said[rows]), classes))

            return list(bootstrap_by_patient(self.patients, of, rounds=rounds))

        return {
            "images": len(self.truth),
            "patients": len(set(self.patients)),
            "accuracy": found.accuracy,
            "macro": {key: value for key, value in asdict(found.macro).items() if key != "support"},
            "per_class": {name: asdict(one) for name, one in found.per_class.items()},
            "confusion": {"labels": list(classes), "counts": found.confusion.tolist()},
            "expected_calibration_error": expected_calibration_error(coarse.max(axis=1), truth == said),
            "interval_95": {
                "accuracy": interval(lambda one: one.accuracy),
                "macro_recall": interval(lambda one: one.macro.recall),
                "macro_f1": interval(lambda one: one.macro.f1),
            },
        }


def evaluate(model: Model, rows: Sequence[PlanesRow], *, progress: Callable[[int], None] | None = None) -> Evaluation:
    """Runs the model over the pictures of a table; ``progress`` is told how many are done."""
    if not rows:
        raise ModelError("there are no pictures to evaluate")
    given: list[PlaneScores] = []
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        given.append(model.planes(model.encoder.encode([model.encoder.prepare(open_image(row.path)) for row in batch])))
        if progress:
            progress(start + len(batch))
    return Evaluation(
        labels=given[0].labels,
        scores=np.concatenate([one.scores for one in given]),
        truth=tuple(_TRUTH[row.plane] for row in rows),
        patients=tuple(row.patient for row in rows),
        names=tuple(row.path.name for row in rows),
    )


def plot_confusion(found: Report, classes: Iterable[str], path: Path, *, title: str) -> None:
    """Writes the confusion matrix as a picture.

    Raises:
        ModelError: matplotlib is not there (the extra ``train`` brings it), or ``path`` cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ModelError("a plot needs matplotlib: pip install 'fetalstream[train]'") from error

    names = list(classes)
    share = found.confusion / np.maximum(rearrange(found.confusion.sum(axis=1), "n -> n 1"), 1)
    figure = Figure(figsize=(1.1 * len(names) + 1.5, 1.0 * len(names) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("said")
    axes.set_ylabel("truth")
    axes.set_title(title, fontsize=10)
    for (row, column), count in np.ndenumerate(found.confusion):
        axes.text(
            column, row, str(count), ha="center", va="center", color="white" if share[row, column] > 0.5 else "black"
        )
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:  # ValueError: a suffix that is no picture format
        raise ModelError(f"the plot cannot be written to {path}: {' '.join(str(error).split())}") from error
