"""Training probes: the recipe learns what is there, learns nothing of what is not, and no patient leaks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fetalstream.models.encoder import Features, ModelError
from fetalstream.models.heads.card import write_card
from fetalstream.models.heads.probe import ProbeHead
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.train.labels import Labelled
from fetalstream.models.train.leaks import near_duplicates
from fetalstream.models.train.probe import Recipe, cross_validate, few_shot, fit_layer, train_head, trials_of
from fetalstream.models.train.probe_figures import few_shot_figures, figures, probe_card

ENCODER = ModelIdentity(name="compact", sha256="a" * 64, version="2")
FAST = Recipe(learning_rate=0.03, epochs=15)
DIM = 24


def patients_with(
    labels: tuple[str, ...] = ("background", "brain", "femur"), *, patients: int = 45, pictures: int = 4,
    signal: float = 3.0, own: float = 0.0, seed: int = 0,
) -> Labelled:  # fmt: skip
    """Each patient shows one class: embeddings are the class's direction, the patient's own one and noise."""
    rng = np.random.default_rng(seed)
    classes, each = rng.normal(size=(len(labels), DIM)), rng.normal(size=(patients, DIM))
    whose = np.repeat(np.arange(patients), pictures)
    embedding = signal * classes[whose % len(labels)] + own * each[whose] + rng.normal(size=(len(whose), DIM))
    return Labelled(
        embedding=embedding.astype(np.float32),
        labels=tuple(labels[number % len(labels)] for number in whose),
        patients=tuple(f"p{number}" for number in whose),
        keys=tuple(f"p{number}/{place}" for place, number in enumerate(whose)),
        encoder=ENCODER,
    )


def macro_f1(data: Labelled, *, runs: int) -> float:
    return figures(data, cross_validate(data, FAST, runs=runs), rounds=20)["macro_f1"]["mean"]


def test_what_is_there_is_learnt_and_told_of_unseen_patients() -> None:
    data = patients_with()
    trials = cross_validate(data, FAST, runs=2)
    assert len(trials) == trials_of(data, folds=5, runs=2) == 10
    found = figures(data, trials, rounds=50)
    assert found["macro_f1"]["mean"] > 0.97
    low, high = found["pooled"]["macro_f1_95"]
    assert 0.9 < low <= high <= 1
    assert np.sum(found["confusion"]["counts"]) == 2 * len(data)
    assert {label: one["pictures"] for label, one in found["per_class"].items()} == dict.fromkeys(data.classes, 60)


def test_patients_are_learnt_by_heart_but_that_helps_nobody() -> None:
    """Classes cannot be seen, patients can: a split that parts patients would call this perfect."""
    data = patients_with(signal=0.0, own=4.0, patients=30)
    rows = np.arange(len(data))
    teach, choose, judge = (rows % 4 < 2, rows % 4 == 2, rows % 4 == 3)  # the leak, made on purpose
    leaky = fit_layer(data, train=teach, validation=choose, recipe=replace(FAST, epochs=60), seed=0)
    said = leaky(torch.from_numpy(data.embedding[judge])).argmax(dim=1).numpy()
    assert (said == data.targets[judge]).mean() > 0.85
    assert macro_f1(data, runs=3) < 0.55


def test_shuffled_labels_teach_nothing() -> None:
    data = patients_with(patients=60)
    names = np.unique(data.patients)
    shuffled = dict(zip(names, np.random.default_rng(1).permutation(np.array(data.labels)[::4]), strict=True))
    blind = replace(data, labels=tuple(str(shuffled[patient]) for patient in data.patients))
    assert 0.15 < macro_f1(blind, runs=2) < 0.5


def test_each_picture_is_judged_once_a_run_by_a_layer_that_never_saw_its_patient() -> None:
    data = patients_with(patients=15)
    trials = cross_validate(data, replace(FAST, epochs=1), runs=3)
    for run in range(3):
        rows = np.concatenate([trial.rows for trial in trials if trial.run == run])
        assert sorted(rows.tolist()) == list(range(len(data)))
    first = [set(np.array(data.patients)[trial.rows]) for trial in trials if trial.run == 0]
    second = [set(np.array(data.patients)[trial.rows]) for trial in trials if trial.run == 1]
    assert first != second, "another run deals the patients anew"


def test_the_same_seed_gives_the_same_layer_and_leaves_everybodys_chance_alone() -> None:
    data = patients_with(patients=15)
    rows = np.arange(len(data)) < 40
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, other = (fit_layer(data, train=rows, validation=~rows, recipe=FAST, seed=3) for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one.weight, other.weight)
    assert not torch.equal(one.weight, fit_layer(data, train=rows, validation=~rows, recipe=FAST, seed=4).weight)


def test_the_epoch_with_the_least_validation_loss_is_kept() -> None:
    data = patients_with(signal=0.5, patients=30)
    rows = np.arange(len(data)) < 60
    kept = fit_layer(data, train=rows, validation=~rows, recipe=Recipe(learning_rate=0.1, epochs=40), seed=0)
    assert 1 <= kept.epoch < 40
    again = fit_layer(data, train=rows, validation=~rows, recipe=Recipe(learning_rate=0.1, epochs=kept.epoch), seed=0)
    assert torch.equal(again.weight, kept.weight)


def test_the_recipe_is_the_published_one() -> None:
    recipe = Recipe()
    assert (recipe.learning_rate, recipe.weight_decay, recipe.batch, recipe.epochs) == (3e-4, 0.01, 64, 50)
    assert not recipe.balanced


def test_weighed_alike_a_rare_class_is_found_more_often() -> None:
    data = patients_with(signal=0.6, patients=60)
    rare = np.array(data.labels) == "femur"
    patients = {patient for patient, is_rare in zip(data.patients, rare, strict=True) if is_rare}
    dropped = set(sorted(patients)[:14])
    keep = np.array([patient not in dropped for patient in data.patients])
    few = Labelled(
        embedding=data.embedding[keep],
        labels=tuple(np.array(data.labels)[keep].tolist()),
        patients=tuple(np.array(data.patients)[keep].tolist()),
        keys=tuple(np.array(data.keys)[keep].tolist()),
        encoder=ENCODER,
    )
    plain, alike = (
        figures(few, cross_validate(few, replace(FAST, balanced=balanced), runs=2), rounds=5)["per_class"]["femur"]
        for balanced in (False, True)
    )
    assert alike["recall"]["mean"] > plain["recall"]["mean"]


def test_the_heads_file_is_read_by_the_stream_and_refused_on_another_encoder(tmp_path: Path) -> None:
    data = patients_with()
    trials = cross_validate(data, FAST, runs=1)
    head = train_head(data, FAST, trials)
    path = tmp_path / "head.safetensors"
    head.save(path)
    back = ProbeHead.load(path, encoder=ENCODER)
    scores = back(Features(embedding=torch.from_numpy(data.embedding)))
    said = [scores.labels[int(column)] for column in scores.scores.argmax(axis=1)]
    assert scores.labels == ("background", "brain", "femur")
    assert np.mean([one == truth for one, truth in zip(said, data.labels, strict=True)]) > 0.97
    with pytest.raises(ModelError, match="its scores would mean nothing"):
        ProbeHead.load(path, encoder=replace_hash("b"))


def replace_hash(letter: str) -> ModelIdentity:
    return ModelIdentity(name="compact", sha256=letter * 64)


def test_without_a_background_class_what_is_unlike_all_of_them_becomes_background() -> None:
    data = patients_with(("brain", "femur", "heart"))
    trials = cross_validate(data, FAST, runs=1)
    head = train_head(data, FAST, trials)
    assert head.labels == ("background", "brain", "femur", "heart")
    own = head(Features(embedding=torch.from_numpy(data.embedding))).scores.argmax(axis=1)
    grey = head(Features(embedding=torch.zeros(1, DIM))).scores
    assert (own == 0).mean() < 0.1
    assert grey.argmax() == 0
    assert "was not measured" in probe_card(head, data, figures(data, trials, rounds=5), FAST).limits


def test_scores_mean_what_they_say_on_patients_not_seen() -> None:
    data = patients_with(signal=0.5, patients=90)
    loud = replace(FAST, learning_rate=0.3, epochs=3)  # far too sure of itself before its temperature is found
    trials = cross_validate(data, loud, runs=1)
    assert np.mean([trial.temperature for trial in trials]) > 1.5
    calibrated = figures(data, trials, rounds=5)["expected_calibration_error"]
    cold = [replace(trial, temperature=1.0) for trial in trials]
    assert calibrated < 0.08
    assert calibrated < figures(data, cold, rounds=5)["expected_calibration_error"]


def test_a_table_with_splits_is_judged_by_its_own_test_patients() -> None:
    data = patients_with()
    word = ("train", "train", "validation", "test")
    splits = tuple(word[int(patient[1:]) // 3 % 4] for patient in data.patients)
    trials = cross_validate(split := replace(data, splits=splits), FAST, runs=3)
    assert len(trials) == trials_of(split, folds=5, runs=3) == 3
    test = np.flatnonzero(np.array(splits) == "test").tolist()
    assert [trial.rows.tolist() for trial in trials] == [test] * 3
    assert (
        "this layer is the first"
        in probe_card(train_head(split, FAST, trials), split, figures(split, trials, rounds=5), FAST).limits
    )


def test_a_table_whose_splits_part_a_patient_is_refused() -> None:
    data = patients_with()
    splits = tuple(("train", "validation", "test", "train")[place % 4] for place in range(len(data)))
    with pytest.raises(ModelError, match="patient 'p0' stands in train and in validation"):
        cross_validate(replace(data, splits=splits), FAST)


def test_more_shots_teach_more_and_no_more_than_asked_are_drawn() -> None:
    data = patients_with(signal=0.7, patients=90)
    found = few_shot_figures(data, few_shot(data, FAST, shots=(1, 4, 16), runs=4))
    means = [found[shots]["macro_f1"]["mean"] for shots in ("1", "4", "16")]
    assert means[0] < means[1] < means[2]
    assert {one["runs"] for one in found.values()} == {4}
    assert [found[shots]["taught"]["mean"] for shots in ("1", "4", "16")] == [3, 12, 48]


def test_a_class_drawn_by_no_patient_says_nothing_of_its_interval() -> None:
    """Three patients of a class are missing from every twentieth draw: that is no F1 of 0."""
    data = patients_with(("background", "brain"), patients=40, pictures=1, signal=6.0)
    is_rare = np.arange(len(data)) < 3
    rare = replace(
        data,
        labels=tuple("rare" if one else label for one, label in zip(is_rare, data.labels, strict=True)),
        embedding=np.where(is_rare[:, None], np.float32(9), data.embedding),
    )
    found = figures(rare, cross_validate(rare, FAST, runs=1))
    assert found["pooled"]["per_class"]["rare"] == {"f1": 1.0, "f1_95": [1.0, 1.0]}


def test_near_duplicates_of_different_patients_are_named_those_of_one_are_not() -> None:
    data = patients_with(signal=1.0)
    assert near_duplicates(data) == []
    embedding = data.embedding.copy()
    embedding[1] = embedding[0]
    embedding[9] = embedding[0] * 1.001
    pairs = near_duplicates(replace(data, embedding=embedding))
    assert {(pair.key, pair.other) for pair in pairs} == {("p0/0", "p2/9"), ("p0/1", "p2/9")}
    found = figures(replace(data, embedding=embedding), cross_validate(data, FAST, runs=1), rounds=5)
    assert found["near_duplicates"]["count"] == 2
    assert found["near_duplicates"]["most_alike"][0]["key"] in ("p0/0", "p0/1")


def test_the_card_tells_the_data_the_recipe_the_figures_and_the_encoder(tmp_path: Path) -> None:
    data = patients_with()
    trials = cross_validate(data, FAST, runs=1)
    head, found = train_head(data, FAST, trials), figures(data, trials, rounds=20)
    head.save(tmp_path / "head.safetensors")
    text = write_card(tmp_path / "head.safetensors", probe_card(head, data, found, FAST)).read_text(encoding="utf-8")
    assert (tmp_path / "head.md").is_file()
    for told in (ENCODER.sha256, "| `brain` | 60 | 15 |", "AdamW 0.03", "95 % by patient", "Research use only"):
        assert told in text
    low, high = found["pooled"]["macro_f1_95"]
    assert f"{low:.3f} to {high:.3f}" in text


def test_too_few_patients_for_the_folds_are_refused() -> None:
    data = patients_with(("brain", "femur"), patients=6)
    with pytest.raises(ModelError, match="6 patients cannot be parted into 7 folds"):
        cross_validate(data, FAST, folds=7)
