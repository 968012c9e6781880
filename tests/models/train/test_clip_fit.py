"""The law of training a heart head: it learns what beats differently, from patients apart, and knows what it knows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.card import write_card
from fetalstream.models.heads.clip_answer import sigmoid
from fetalstream.models.heads.clip_head import ClipHead
from fetalstream.models.train import clip_exam, clip_judge
from fetalstream.models.train.clip_card import clip_card
from fetalstream.models.train.clip_checks import LeakError, check_chance
from fetalstream.models.train.clip_fit import ClipTraining, fit, platt
from fetalstream.models.train.clip_judge import Judged
from fetalstream.models.train.clip_table import ClipTable

from .hearts import ENCODER, TIMING, hearts

QUICK = ClipTraining(members=3, width=16, epochs=25, learning_rate=5e-3)
STILL = ClipTraining(net="mean", members=2, epochs=20, learning_rate=0.1)
"""One linear layer: quick, and enough where motion does not matter."""


def trained(table: ClipTable, training: ClipTraining = QUICK) -> ClipHead:
    return fit(table, training, timing=TIMING, encoder=ENCODER, trained_on="invented hearts")


@pytest.fixture(scope="module")
def head() -> ClipHead:
    return trained(hearts(60))


def test_what_beats_differently_is_told_apart_in_patients_never_seen(head: ClipHead):
    exam = clip_exam.exam_by_head(head, hearts(60, seed=1))
    figures = clip_judge.summary(exam.found, normal="normal", rounds=50)
    assert figures["patients"]["auroc"] > 0.95
    assert figures["patients"]["count"] == 60
    assert figures["clips"]["count"] == 180
    low, high = figures["patients"]["auroc_interval_95"]
    assert low <= figures["patients"]["auroc"] <= high <= 1
    assert figures["prevalence"] == 0.5
    assert set(figures["patients"]["auroc_by_label"]) == {"septal_defect", "small_left_ventricle"}
    assert [point["kept"] for point in figures["abstention"]["curve"]] == [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]


def test_two_affected_patients_of_forty_get_intervals_that_json_can_hold(head: ClipHead):
    table = hearts(80, seed=5)
    few = table.rows(np.array([label == "normal" or name in {"p001", "p003"} for name, label in pairs(table)]))
    exam = clip_exam.exam_by_head(head, few)
    figures = clip_judge.summary(exam.found, normal="normal", rounds=100)
    assert (figures["patients"]["affected"], figures["prevalence"]) == (2, 2 / 42)
    json.dumps(figures, allow_nan=False)


def pairs(table: ClipTable) -> list[tuple[str, str]]:
    return list(zip(table.patients, table.labels, strict=True))


def test_scores_assume_the_share_affected_in_the_set_unless_told(head: ClipHead):
    table = hearts(60, seed=6)
    few = table.rows(np.array([label == "normal" or name < "p020" for name, label in pairs(table)]))
    by_itself, told = (clip_exam.exam_by_head(head, few, prevalence=share).found for share in (None, 0.25))
    assert by_itself.prevalence == told.prevalence == 0.25
    assert np.array_equal(by_itself.scores, told.scores)
    folds = clip_exam.exam_by_folds(
        few, ClipTraining(net="mean", members=2, epochs=2), timing=TIMING, encoder=ENCODER, folds=2
    )
    assert folds.found.prevalence == 0.25
    with pytest.raises(ModelError, match="assume one prevalence"):
        Judged.joined([by_itself, clip_exam.exam_by_head(head, hearts(8, seed=7, first=60)).found])


def test_the_mean_probe_cannot_hear_a_beat_and_says_so_by_its_figures():
    exam = clip_exam.exam_by_folds(
        hearts(60), ClipTraining(net="mean", members=2, epochs=15), timing=TIMING, encoder=ENCODER, folds=2
    )
    assert clip_judge.auroc(exam.found.scores, exam.found.affected) < 0.75


def test_training_twice_gives_the_same_head(head: ClipHead):
    again = trained(hearts(60))
    table = hearts(12, seed=2)
    assert np.array_equal(again.logits(table.clips), head.logits(table.clips))
    assert again.calibration == head.calibration


def test_a_head_knows_what_it_was_made_of(head: ClipHead, tmp_path: Path):
    recipe, calibration = head.recipe, head.calibration
    assert (recipe.patients, recipe.clips, recipe.normal) == (60, 180, "normal")
    assert recipe.affected == ("septal_defect", "small_left_ventricle")
    assert calibration.prevalence == 0.5
    assert len(head.seen) == 60
    head.save(tmp_path / "head.safetensors")
    loaded = ClipHead.load(tmp_path / "head.safetensors", encoder=ENCODER)
    card = write_card(tmp_path / "head.safetensors", clip_card(loaded, hearts(60))).read_text(encoding="utf-8")
    assert "invented hearts: 60 patients, 180 clips" in card
    assert "| `normal` | 90 | 30 |" in card
    assert f"sha256 `{loaded.sha256}`" in card
    assert "Not a medical device" in card


def test_a_head_is_not_judged_on_its_own_patients(head: ClipHead):
    with pytest.raises(LeakError, match="trained on 60 of these cines"):
        clip_exam.exam_by_head(head, hearts(60))


def test_shuffled_labels_teach_nothing():
    exam = clip_exam.exam_by_folds(hearts(60), QUICK, timing=TIMING, encoder=ENCODER, folds=2, shuffle=True)
    area = clip_judge.auroc(exam.found.scores, exam.found.affected)
    check_chance(area, normal=30, affected=30)
    assert "shuffled labels give chance" in exam.checks


def test_folds_judge_each_patient_once_by_a_head_that_never_saw_it():
    exam = clip_exam.exam_by_folds(hearts(40), QUICK, timing=TIMING, encoder=ENCODER, folds=2)
    assert sorted(exam.found.patients) == sorted(set(hearts(40).patients))
    with pytest.raises(LeakError, match="figures by patient want one row for each"):
        Judged.joined([exam.found, exam.found])


def test_hearts_unlike_any_that_were_trained_on_get_no_verdict(head: ClipHead):
    strange = hearts(8, seed=3)
    moved = replace(strange, clips=strange.clips + 20)
    for answer in clip_judge.judge_head(head, moved, prevalence=0.01).answers:
        assert answer.abstains
        assert "unlike" in answer.reason


def test_patients_with_many_clips_weigh_no_more_than_others():
    """Six of 20 normal patients look affected, and have 100 clips each: by clips, most that look so are normal."""
    odd = [f"p{number:03d}" for number in range(0, 24, 4)]
    rows = np.flatnonzero(np.isin(hearts(40).patients, odd))
    table = hearts(40).rows(np.concatenate([np.arange(120), np.repeat(rows, 32)]))
    looks_affected = table.affected | np.isin(table.patients, odd)
    raised = np.where(looks_affected, 3, -3).astype(np.float32)[:, None, None]
    head = trained(replace(table, clips=table.clips + raised), STILL)
    assert head.logits(hearts(40, seed=2).clips + 3).mean() == pytest.approx(np.log(20 / 6), abs=0.5)


def test_both_classes_weigh_the_same_however_rare_one_is():
    """Nothing is there to learn: what is left is what the training takes for the usual."""
    table = hearts(84, strength=1.0)
    few = table.rows(np.array([label == "normal" or name < "p012" for name, label in pairs(table)]))
    assert few.affected.mean() == 0.125
    assert abs(trained(few, STILL).logits(hearts(40, strength=1.0, seed=1).clips).mean()) < 0.4


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            hearts(4),
            "2 affected patients cannot be parted into 3 folds|2 normal patients cannot be parted into 3 folds",
        ),
        (hearts(20).relabelled(lambda _: "normal"), "0 affected patients"),
    ],
)
def test_too_few_patients_are_told_by_number(table: ClipTable, message: str):
    with pytest.raises(ModelError, match=message):
        trained(table)


@pytest.mark.parametrize("wrong", [{"members": 1}, {"epochs": 0}, {"specificity": 1.0}, {"level": 0.2}])
def test_an_impossible_training_is_refused(wrong: dict[str, float]):
    with pytest.raises(ModelError):
        ClipTraining(**wrong)  # pyright: ignore[reportArgumentType]


def test_platt_finds_the_scale_that_scores_were_made_with():
    rng = np.random.default_rng(4)
    truth_logits = rng.normal(0, 2, 4000)
    affected = rng.random(4000) < sigmoid(truth_logits)
    slope, offset = platt(truth_logits / 3 + 1, affected)
    assert slope == pytest.approx(3, rel=0.1)
    assert offset == pytest.approx(-3, rel=0.1)


def test_scores_without_any_order_still_get_a_scale_above_zero():
    slope, _ = platt(np.linspace(-1, 1, 50), np.linspace(-1, 1, 50) < 0)
    assert 0 < slope < 0.1


def test_a_plot_is_written_and_an_impossible_name_is_told(head: ClipHead, tmp_path: Path):
    found = clip_exam.exam_by_head(head, hearts(20, seed=1)).found
    clip_judge.plot(found, tmp_path / "hearts.png", title="hearts")
    assert (tmp_path / "hearts.png").stat().st_size > 5000
    with pytest.raises(ModelError, match="cannot be written"):
        clip_judge.plot(found, tmp_path / "hearts.docx", title="hearts")
