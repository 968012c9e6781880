import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fetalstream import FetalStreamError
from fetalstream.models.encoder import ModelError
from fetalstream.pipeline.cli import evaluate, train
from fetalstream.pipeline.cli.phantoms import TRAINING_SEEDS, training_phantom
from fetalstream.sources.phantom.anatomy import TARGETS


def test_training_phantoms_show_every_plane_and_none_the_same_for_the_same_number():
    pictures = [training_phantom(number) for number in range(40)]
    assert {label for _, label in pictures} == {*TARGETS, "background"}
    assert all(pixels.shape == (300, 400) and pixels.dtype == np.uint8 for pixels, _ in pictures)
    again, label = training_phantom(3)
    assert label == pictures[3][1]
    assert np.array_equal(again, pictures[3][0])


def test_training_leaves_the_seeds_of_tests_and_demonstrations_alone():
    assert TRAINING_SEEDS > 100_000


@pytest.fixture
def planes_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    (folder / "Images").mkdir(parents=True)
    rows = ["Image_name;Patient_num;Plane;Brain_plane;Operator;US_Machine;Train \n"]
    for number in range(6):
        plane = ("Other", "Fetal femur")[number % 2]
        rows.append(f"P{number};{number};{plane};Not A Brain;Op. 1;Aloka;1 \n")
        picture = np.random.default_rng(number).integers(0, 255, (40, 60), dtype=np.uint8)
        assert cv2.imwrite(str(folder / "Images" / f"P{number}.png"), picture)
    (folder / "table.csv").write_text("".join(rows))
    return folder


def test_evaluate_planes_prints_one_json_object_and_a_plot(planes_dir: Path, tmp_path: Path):
    plot = tmp_path / "confusion.png"
    told = CliRunner().invoke(evaluate.app, ["planes", "--data", str(planes_dir), "--plot", str(plot), "--json"])
    assert told.exit_code == 0, told.output
    summary = json.loads(told.stdout)
    assert {"accuracy", "macro", "per_class", "confusion", "six_class", "model"} <= summary.keys()
    assert summary["model"]["name"] == "compact"
    assert summary["images"] == 6
    assert plot.stat().st_size > 1000


def test_evaluate_planes_can_keep_to_patients_that_training_leaves_out(planes_dir: Path):
    counts: dict[str, int] = {}
    for patients in ("all", "held-out"):
        told = CliRunner().invoke(
            evaluate.app, ["planes", "--data", str(planes_dir.parent / "set"), "--patients", patients, "--json"]
        )
        counts[patients] = json.loads(told.stdout)["images"]
    assert 0 < counts["held-out"] < counts["all"]


def test_a_table_for_people_names_every_class(planes_dir: Path):
    told = CliRunner().invoke(evaluate.app, ["planes", "--data", str(planes_dir)])
    for name in ("brain", "abdomen", "femur", "thorax", "cervix", "accuracy"):
        assert name in told.stdout


def test_training_without_a_teacher_says_so_in_one_line(planes_dir: Path, tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    planes_dir.rename(data / "planes")
    arguments = ["compact", "--data", str(data), "--teacher", str(tmp_path / "no.npz"), "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(train.app, arguments)
    assert isinstance(told.exception, ModelError)
    assert str(told.exception) == f"no weight file at {tmp_path / 'no.npz'}"


def test_evaluate_phantoms_prints_one_json_object():
    arguments = ["phantoms", "--seeds", "1", "--seconds", "6", "--every", "25", "--json"]
    told = CliRunner().invoke(evaluate.app, arguments)
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["frames"] == 6
    assert found["model"]["name"] == "compact"
    assert {"in_plane", "all_frames", "events", "false_plane_frames", "expected_calibration_error"} <= found.keys()


def test_evaluate_phantoms_tells_a_person_of_every_plane():
    told = CliRunner().invoke(evaluate.app, ["phantoms", "--seeds", "1", "--seconds", "30", "--every", "25"])
    for name in (*TARGETS, "macro F1", "visits found", "false in"):
        assert name in told.stdout


def test_evaluate_phantoms_refuses_seeds_that_were_trained_on():
    told = CliRunner().invoke(evaluate.app, ["phantoms", "--first-seed", str(TRAINING_SEEDS - 1), "--seeds", "2"])
    assert isinstance(told.exception, FetalStreamError)
    assert str(told.exception).startswith(f"--first-seed {TRAINING_SEEDS - 1} with --seeds 2:")
