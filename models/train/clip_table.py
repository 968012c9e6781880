"""Clips of hearts with their labels: what the heart head is trained on and judged by, always patient by patient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..encoder import ModelError
from ..heads.clip_head import Clips
from .folds import Folds

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTable:
    """n clips.

    Attributes:
        clips: (n t d) float32, embeddings of their frames.
        cines: (n) which cine each was cut from.
        patients: (n) whose they are.
        labels: (n) such as "normal" or the name of a defect.
        normal: the label that stands for a heart without a defect; every other one is affected.
        digests: (n 8) uint8, first bytes of the digest of each clip's cine.
    """

    clips: Clips
    cines: tuple[str, ...]
    patients: tuple[str, ...]
    labels: tuple[str, ...]
    normal: str
    digests: NDArray[np.uint8]

    def __post_init__(self) -> None:
        lengths = {len(self.clips), len(self.cines), len(self.patients), len(self.labels), len(self.digests)}
        if self.clips.ndim != 3 or len(lengths) > 1:
            raise ModelError(f"clips (n t d), cines, patients and labels do not pair up: {self.clips.shape}")

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def affected(self) -> Flags:
        """(n) whether each clip's patient has a defect."""
        return np.array([label != self.normal for label in self.labels])

    def rows(self, chosen: Flags | Rows) -> Self:
        """Those that are chosen."""
        numbers = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen

        def pick(names: Sequence[str]) -> tuple[str, ...]:
            return tuple(names[int(number)] for number in numbers)

        return type(self)(
            clips=self.clips[numbers],
            cines=pick(self.cines),
            patients=pick(self.patients),
            labels=pick(self.labels),
            normal=self.normal,
            digests=self.digests[numbers],
        )

    def relabelled(self, label_of: Callable[[str], str]) -> Self:
        """The same clips, the label of each made from its patient's name."""
        return type(self)(
            clips=self.clips,
            cines=self.cines,
            patients=self.patients,
            labels=tuple(label_of(patient) for patient in self.patients),
            normal=self.normal,
            digests=self.digests,
        )

    def shuffled(self, seed: int) -> Self:
        """Labels dealt out anew among patients: nothing is left to learn, and whoever still learns has a leak."""
        patients = by_patient(self)
        labels = np.random.default_rng([seed, 81]).permutation([patient.label for patient in patients])
        drawn = {patient.name: str(label) for patient, label in zip(patients, labels, strict=True)}
        return self.relabelled(drawn.__getitem__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One patient of a table: name, label, and the rows of all clips."""

    name: str
    label: str
    affected: bool
    rows: Rows


def by_patient(table: ClipTable) -> list[Patient]:
    """Patients in the order of their names; raises `ModelError` for one with two labels."""
    names, whose = np.unique(np.asarray(table.patients), return_inverse=True)
    patients: list[Patient] = []
    for number, name in enumerate(names):
        rows = np.flatnonzero(whose == number)
        labels = sorted({table.labels[int(row)] for row in rows})
        if len(labels) > 1:
            raise ModelError(f"patient {name} has clips labelled {' and '.join(labels)}: one patient has one label")
        patients.append(Patient(name=str(name), label=labels[0], affected=labels[0] != table.normal, rows=rows))
    return patients


def folds_by_patient(table: ClipTable, *, folds: int, seed: int = 0) -> NDArray[np.intp]:
    """-> (n) number of the fold of each clip, see `patient_folds`; each fold holds patients of both kinds.

    Raises:
        ModelError: fewer normal or fewer affected patients than folds, or a patient with two labels.
    """
    patients = by_patient(table)
    for affected in (False, True):
        count = sum(patient.affected is affected for patient in patients)
        if count < folds:
            kind = "affected" if affected else "normal"
            raise ModelError(f"{count} {kind} patients cannot be parted into {folds} folds")
    return Folds.by_patient(table.patients, labels=table.labels, count=folds, seed=seed).place


def share_affected(table: ClipTable) -> float:
    """Share of the table's patients that are affected, in [0, 1]."""
    return float(np.mean([patient.affected for patient in by_patient(table)]))
