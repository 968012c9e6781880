"""The law of leaks: each trap that made published figures too good ends the run with a sentence that names it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from einops import rearrange
from hypothesis import assume, given
from hypothesis import strategies as st

from fetalstream.models.encoder import Features, ModelError
from fetalstream.models.testing import GreyEncoder
from fetalstream.models.train.clip_checks import (
    LeakError,
    check_blind,
    check_chance,
    check_frames_apart,
    check_no_twins,
    check_one_row_each,
    check_unseen,
)
from fetalstream.models.train.clip_table import ClipTable, by_patient, folds_by_patient
from fetalstream.models.train.folds import refuse_parted

from .hearts import hearts


def test_a_patient_in_two_parts_is_named():
    names = ["the first", "the second", "the third"]
    refuse_parted(["p1", "p1", "p2", "p3"], [0, 0, 0, 1], names)
    with pytest.raises(LeakError, match="patient 'p2' stands in the first and in the third"):
        refuse_parted(["p1", "p2", "p3", "p2"], [0, 0, 1, 2], names)


def test_folds_never_share_a_patient_and_each_has_its_share_of_every_label():
    table = hearts(40)
    fold = folds_by_patient(table, folds=5)
    parts = [table.rows(fold == number) for number in range(5)]
    assert len(set().union(*(part.patients for part in parts))) == sum(len(set(part.patients)) for part in parts)
    assert {len(set(part.patients)) for part in parts} == {8}
    assert {sum(patient.affected for patient in by_patient(part)) for part in parts} == {4}


@given(normal=st.integers(3, 12), others=st.lists(st.integers(1, 9), min_size=1, max_size=5), seed=st.integers(0, 9))
def test_however_labels_are_spread_each_fold_holds_patients_of_both_kinds(normal: int, others: list[int], seed: int):
    assume(sum(others) >= 3)
    labels = ["normal"] * normal + [f"defect {kind}" for kind, count in enumerate(others) for _ in range(count)]
    table = hearts(len(labels), clips=1)
    named = table.relabelled(dict(zip(table.patients, labels, strict=True)).__getitem__)
    fold = folds_by_patient(named, folds=3, seed=seed)
    for number in range(3):
        assert set(named.affected[fold == number]) == {False, True}


def test_a_patient_with_two_labels_is_named():
    table = hearts(4)
    mixed = replace(table, patients=("p000",) * len(table))
    with pytest.raises(ModelError, match="p000 has clips labelled normal and septal_defect"):
        folds_by_patient(mixed, folds=2)


def test_scores_that_read_the_label_are_caught():
    def honest(table: ClipTable) -> np.ndarray:
        return table.clips.mean(axis=(1, 2)).astype(np.float64)

    def label_chooses_the_text(table: ClipTable) -> np.ndarray:
        """As published code did: the embedding of the true label's sentence is what the clip is compared with."""
        sentence = np.where(table.affected, 1.0, -1.0)
        return honest(table) * sentence

    assert np.array_equal(check_blind(honest, hearts(8)), honest(hearts(8)))
    with pytest.raises(LeakError, match="the truth chooses something at prediction"):
        check_blind(label_chooses_the_text, hearts(8))


class TimeIntoColour(GreyEncoder):
    """As published code did: (b t c h w) reshaped to (b c t h w), so that an encoder's "colours" are moments."""

    def encode(self, prepared: list[torch.Tensor]) -> Features:
        if len(prepared) % 3:
            return super().encode(prepared)
        mixed = rearrange(torch.stack(prepared).float(), "(b c) one h w -> b c (one h w)", c=3)
        return Features(embedding=mixed.mean(dim=1).repeat_interleave(3, dim=0))


def test_time_that_was_mixed_into_colour_is_caught():
    pictures = [torch.full((1, 1, 1), level, dtype=torch.uint8) for level in (10, 60, 120, 180, 240, 90)]
    for encoder, fails in ((GreyEncoder(), False), (TimeIntoColour(), True)):
        clip = encoder.encode(pictures).embedding.numpy()[None]
        if fails:
            with pytest.raises(LeakError, match="frame 0 of a clip has another embedding than its picture"):
                check_frames_apart(encoder, pictures, clip)
        else:
            check_frames_apart(encoder, pictures, clip)


def test_frames_out_of_order_are_caught():
    encoder = GreyEncoder()
    pictures = [torch.full((1, 1, 1), level, dtype=torch.uint8) for level in (10, 60, 120)]
    clip = encoder.encode(pictures).embedding.numpy()[None]
    with pytest.raises(LeakError, match="frames, colours or clips have been mixed"):
        check_frames_apart(encoder, pictures, clip[:, ::-1])


def thumbnails(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (count, 8, 16, 16)).astype(np.uint8)


def test_the_same_bytes_under_two_names_are_named_with_their_patients():
    names = ["a.mkv (patient 1, normal)", "b.mkv (patient 2, normal)", "c.mkv (patient 3, defect)"]
    check_no_twins(names, thumbnails(3), ["x", "y", "z"])
    with pytest.raises(LeakError, match=r"a\.mkv \(patient 1, normal\) and c\.mkv \(patient 3, defect\) are one cine"):
        check_no_twins(names, thumbnails(3), ["x", "y", "x"])


def test_a_copy_that_was_coded_anew_is_named():
    pictures = thumbnails(4)
    noise = np.random.default_rng(2).integers(-2, 3, pictures[1].shape)
    pictures[3] = np.clip(pictures[1].astype(int) + noise, 0, 255)
    with pytest.raises(LeakError, match="b and d show the same pictures"):
        check_no_twins(["a", "b", "c", "d"], pictures, ["1", "2", "3", "4"])


def test_a_head_is_not_judged_on_what_it_was_trained_on():
    table = hearts(6)
    check_unseen(np.zeros((1, 8), dtype=np.uint8), table)
    with pytest.raises(LeakError, match=r"trained on 1 of these cines, such as p003\.mkv"):
        check_unseen(table.digests[9:10], table)


def test_clips_are_not_told_as_patients():
    check_one_row_each(["p1", "p2"])
    with pytest.raises(LeakError, match="3 rows are of 2 patients"):
        check_one_row_each(["p1", "p2", "p1"])


@pytest.mark.parametrize(("auroc", "leaks"), [(0.5, False), (0.58, False), (0.42, False), (0.75, True), (0.2, True)])
def test_shuffled_labels_that_can_be_told_are_a_leak(auroc: float, leaks: bool):
    if leaks:
        with pytest.raises(LeakError, match=r"not about 0\.5"):
            check_chance(auroc, normal=100, affected=100)
    else:
        check_chance(auroc, normal=100, affected=100)


def test_shuffling_deals_labels_to_patients_and_keeps_their_number():
    table = hearts(40)
    shuffled = table.shuffled(3)
    assert len(by_patient(shuffled)) == 40
    assert sorted(shuffled.labels) == sorted(table.labels)
    assert shuffled.labels != table.labels
    assert np.array_equal(shuffled.clips, table.clips)
