"""Folds by patient: pictures of one patient are alike, so none may teach on one side of a split and judge on the other.

A split that parts a patient cannot be built: `Folds` and `Parts` refuse it when they are made.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..encoder import ModelError

SPLITS = ("train", "validation", "test")


class LeakError(ModelError):
    """Training and judgement are not apart; the message names what connects them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One split of n rows: what teaches, what chooses, what judges.

    Attributes:
        train, validation, test: (n) bool; no row stands in two, a row may stand in none; ``test`` may be empty.
        patients: (n) whose each row is; no patient stands in two parts.
    """

    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    patients: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, rows in zip(SPLITS, self.masks(), strict=True):
            if rows.shape != (len(self.patients),):
                raise ModelError(f"{name} marks rows of shape {rows.shape}, for {len(self.patients)} patients' rows")
            if not rows.any() and name != "test":
                raise ModelError(f"no row is left for {name}: there are too few patients")
        place = np.full(len(self.patients), -1)
        for number, rows in enumerate(self.masks()):
            if (place[rows] >= 0).any():
                raise ModelError(f"a row stands in {SPLITS[number]} and in another part")
            place[rows] = number
        used = place >= 0
        refuse_parted([name for name, keep in zip(self.patients, used, strict=True) if keep], place[used], SPLITS)

    @classmethod
    def named(cls, splits: Sequence[str], patients: Sequence[str]) -> Self:
        """Rows by a table's word for each: train, validation (or val) or test.

        Raises:
            ModelError: another word, or a part without rows.
            LeakError: a patient in two parts, by name.
        """
        words = ["validation" if word.strip().lower() == "val" else word.strip().lower() for word in splits]
        if strange := sorted(set(words) - set(SPLITS)):
            raise ModelError(f"split {strange[0]!r} is none; allowed: {', '.join(SPLITS)}")
        masks = {name: np.array([word == name for word in words], dtype=np.bool_) for name in SPLITS}
        return cls(**masks, patients=tuple(patients))

    def masks(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Train, validation, test."""
        return self.train, self.validation, self.test


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """n rows dealt into ``count`` folds, patients whole.

    Attributes:
        place: (n) number of the fold of each row, from 0.
        patients: (n) whose each row is.
        count: how many folds there are, at least 2.
    """

    place: NDArray[np.intp]
    patients: tuple[str, ...]
    count: int

    def __post_init__(self) -> None:
        if self.place.shape != (len(self.patients),):
            raise ModelError(f"folds of shape {self.place.shape} for {len(self.patients)} patients' rows")
        if not np.array_equal(np.unique(self.place), np.arange(self.count)) or self.count < 2:
            raise ModelError(f"each of {self.count} folds, at least 2, holds a row; found {np.unique(self.place)}")
        refuse_parted(self.patients, self.place, [f"fold {number}" for number in range(self.count)])

    @classmethod
    def by_patient(
        cls, patients: Sequence[str], *, labels: Sequence[str] | None = None, count: int = 5, seed: int = 0
    ) -> Self:
        """The folds of `patient_folds`; raises `ModelError` where there are fewer patients than folds."""
        place = patient_folds(patients, labels=labels, folds=count, seed=seed)
        return cls(place=place, patients=tuple(patients), count=count)

    def parts(self, number: int) -> Parts:
        """Fold ``number`` judges, the next (after the last the first) chooses, the others teach: 3 folds or more."""
        test, validation = self.place == number, self.place == (number + 1) % self.count
        return Parts(train=~(test | validation), validation=validation, test=test, patients=self.patients)

    def __iter__(self) -> Iterator[Parts]:
        return (self.parts(number) for number in range(self.count))

    def __len__(self) -> int:
        return self.count


def patient_folds(
    patients: Sequence[str], *, labels: Sequence[str] | None = None, folds: int = 5, seed: int = 0
) -> NDArray[np.intp]:
    """-> (n) number of the fold of each row; a patient is in one fold only.

    With ``labels`` (n) each fold gets its share of the rare ones: patients are grouped by the rarest label that each
    has and dealt out group after group, without beginning anew. The number of patients differs by one at most.

    Raises:
        ModelError: fewer patients than folds.
    """
    names, whose = np.unique(np.asarray(patients), return_inverse=True)
    if not 2 <= folds <= len(names):
        raise ModelError(f"{len(names)} patients cannot be parted into {folds} folds")
    rng = np.random.default_rng(seed)
    if labels is None:
        return (rng.permutation(len(names)) % folds)[whose]
    if len(labels) != len(patients):
        raise ModelError(f"{len(labels)} labels for {len(patients)} patients' rows")
    order = np.concatenate([rng.permutation(group) for group in _strata(whose, labels)])
    place = np.empty(len(names), dtype=np.intp)
    place[order] = np.arange(len(names)) % folds
    return place[whose]


def _strata(whose: NDArray[np.intp], labels: Sequence[str]) -> list[list[int]]:
    """Patients by the rarest label each has (rarest by patients), the rarest first."""
    labels_of: defaultdict[int, set[str]] = defaultdict(set)
    for patient, label in zip(whose.tolist(), labels, strict=True):
        labels_of[patient].add(label)
    crowd = Counter(label for had in labels_of.values() for label in had)
    strata: defaultdict[str, list[int]] = defaultdict(list)
    for patient in sorted(labels_of):
        strata[min(labels_of[patient], key=lambda label: (crowd[label], label))].append(patient)
    return [strata[label] for label in sorted(strata, key=lambda label: (crowd[label], label))]


def refuse_parted(patients: Sequence[str], place: Sequence[int] | NDArray[np.intp], names: Sequence[str]) -> None:
    """Refuses rows of which a patient's stand in two parts; raises `LeakError`.

    Args:
        patients: (n) whose each row is.
        place: (n) number of the part of each row.
        names: of the parts.
    """
    seen: dict[str, int] = {}
    for patient, part in zip(patients, place, strict=True):
        number = int(part)
        if (before := seen.setdefault(patient, number)) != number:
            raise LeakError(
                f"patient {patient!r} stands in {names[before]} and in {names[number]}: what is learnt of a patient "
                "must not judge that patient"
            )
