from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.models.encoder import ModelError
from fetalstream.models.planes import GROUPS
from fetalstream.models.train.pictures import Split, read_examples, split_patients

TURN = (Split.TRAIN, Split.VALIDATION, Split.TRAIN, Split.TEST, Split.TRAIN)


@given(st.dictionaries(st.text(min_size=1), st.lists(st.sampled_from("abc"), min_size=1), min_size=1))
def test_every_patient_gets_one_split_whatever_the_order(kinds_of: dict[str, list[str]]):
    splits = split_patients(kinds_of, TURN)
    assert splits.keys() == kinds_of.keys()
    assert splits == split_patients(dict(reversed(kinds_of.items())), TURN)


def test_each_split_gets_its_share_of_a_rare_kind():
    kinds_of = {f"common {i}": ["a"] for i in range(50)} | {f"rare {i}": ["a", "b"] for i in range(5)}
    splits = split_patients(kinds_of, TURN)
    rare = Counter(split for patient, split in splits.items() if patient.startswith("rare"))
    assert rare == {Split.TRAIN: 3, Split.VALIDATION: 1, Split.TEST: 1}


def test_no_patient_stands_in_two_splits(small_data: Path):
    splits: defaultdict[str, set[Split]] = defaultdict(set)
    for example in read_examples(small_data):
        splits[example.patient].add(example.split)
    assert splits["hc18:002"], "both pictures of one patient are read under one name"
    assert all(len(seen) == 1 for seen in splits.values())


@pytest.mark.data
def test_no_real_patient_stands_in_two_splits(data_dir: Path):
    splits: defaultdict[str, set[Split]] = defaultdict(set)
    for example in read_examples(data_dir):
        splits[example.patient].add(example.split)
    assert len(splits) > 700
    assert all(len(seen) == 1 for seen in splits.values())


def test_what_is_known_of_a_picture_is_no_more_than_its_label_says(small_data: Path):
    allowed = {example.kind: example.allowed for example in read_examples(small_data)}
    assert allowed["Fetal brain, transthalamic"] == {"transthalamic"}
    assert allowed["Fetal thorax"] == GROUPS["heart"]
    assert allowed["head"] == GROUPS["brain"]
    assert "background" in allowed["Other"]
    assert not allowed["Other"] & {"femur", "abdomen", "cervix", *GROUPS["brain"], *GROUPS["heart"]}


def test_a_folder_without_planes_is_refused_by_name(tmp_path: Path):
    with pytest.raises(ModelError, match="holds no folder 'planes'"):
        read_examples(tmp_path)
