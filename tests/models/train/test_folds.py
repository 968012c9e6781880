"""The law of splits: a patient is never on two sides."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.models.encoder import ModelError
from fetalstream.models.train.folds import Folds, Parts, patient_folds

ROWS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcd")), min_size=40, max_size=120).filter(
    lambda rows: len({patient for patient, _ in rows}) >= 5
)


@given(rows=ROWS, seed=st.integers(0, 9), labelled=st.booleans())
def test_a_patient_stands_in_one_fold_and_folds_differ_by_one_patient(
    rows: list[tuple[int, str]], seed: int, labelled: bool
) -> None:
    patients = [str(patient) for patient, _ in rows]
    labels = [label for _, label in rows] if labelled else None
    place = patient_folds(patients, labels=labels, seed=seed)
    folds_of: defaultdict[str, set[int]] = defaultdict(set)
    for patient, fold in zip(patients, place.tolist(), strict=True):
        folds_of[patient].add(fold)
    assert {len(folds) for folds in folds_of.values()} == {1}
    sizes = Counter(next(iter(folds)) for folds in folds_of.values())
    assert set(sizes) == {0, 1, 2, 3, 4}
    assert max(sizes.values()) - min(sizes.values()) <= 1
    np.testing.assert_array_equal(place, patient_folds(patients, labels=labels, seed=seed))


def test_a_rare_label_is_in_every_fold_when_labels_are_told() -> None:
    patients = [str(number) for number in range(100)]
    labels = ["rare" if number % 20 == 3 else "common" for number in range(100)]
    for seed in range(20):
        place = patient_folds(patients, labels=labels, seed=seed)
        assert sorted(place[[label == "rare" for label in labels]]) == [0, 1, 2, 3, 4]


def test_another_seed_deals_other_folds() -> None:
    patients = [str(number) for number in range(50)]
    labels = ["a", "b"] * 25
    assert not np.array_equal(patient_folds(patients, labels=labels), patient_folds(patients, labels=labels, seed=1))


def test_each_row_judges_once_chooses_once_and_teaches_otherwise() -> None:
    patients = [str(number // 2) for number in range(40)]
    folds = Folds.by_patient(patients, count=5)
    assert len(folds) == 5
    times = [np.sum([parts.masks()[part] for parts in folds], axis=0) for part in range(3)]
    assert [set(row.tolist()) for row in times] == [{3}, {1}, {1}]


def test_folds_that_part_a_patient_cannot_be_made() -> None:
    with pytest.raises(ModelError, match="patient 'b' stands in fold 1 and in fold 0"):
        Folds(place=np.array([0, 1, 0]), patients=("a", "b", "b"), count=2)


def test_parts_that_part_a_patient_cannot_be_made() -> None:
    with pytest.raises(ModelError, match="patient '7' stands in train and in test: what is learnt"):
        Parts.named(["train", "validation", "test"], ["7", "8", "7"])


def test_a_table_may_say_val_and_leave_the_test_out() -> None:
    parts = Parts.named(["Train", " val", "train"], ["1", "2", "1"])
    assert [mask.tolist() for mask in parts.masks()] == [[True, False, True], [False, True, False], [False] * 3]


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (["train", "holdout"], "split 'holdout' is none; allowed: train, validation, test"),
        (["train", "test"], "no row is left for validation"),
        (["validation", "test"], "no row is left for train"),
    ],
)
def test_a_table_whose_splits_make_no_sense_is_refused(splits: list[str], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        Parts.named(splits, ["1", "2"])


def test_a_row_in_two_parts_is_refused() -> None:
    both = np.array([True, False])
    with pytest.raises(ModelError, match="a row stands in test and in another part"):
        Parts(train=both, validation=~both, test=both, patients=("1", "2"))


@pytest.mark.parametrize(("patients", "folds"), [(["a", "b"], 5), (["a", "b"], 1), ([], 2)])
def test_more_folds_than_patients_are_refused(patients: list[str], folds: int) -> None:
    with pytest.raises(ModelError, match="cannot be parted into"):
        patient_folds(patients, folds=folds)


def test_two_folds_leave_none_to_teach() -> None:
    with pytest.raises(ModelError, match="no row is left for train"):
        Folds.by_patient(["a", "b", "c"], count=2).parts(0)
