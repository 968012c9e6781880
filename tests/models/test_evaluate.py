import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fetalstream.models.encoder import ModelError
from fetalstream.models.evaluate import FIVE, SIX, Evaluation, evaluate, plot_confusion
from fetalstream.models.planes_db import PLANES, planes_table
from fetalstream.models.testing import GreyHead, grey_model

HEADER = "Image_name;Patient_num;Plane;Brain_plane;Operator;US_Machine;Train \n"
MODEL_PLANES = ("transthalamic", "abdomen", "femur", "lvot", "cervix", "kidneys")


def write_table(folder: Path, rows: list[tuple[str, str, int]], *, header: str = HEADER) -> Path:
    """Rows of (patient, plane, grey level): one even picture each."""
    (folder / "Images").mkdir(parents=True)
    lines = [header]
    for number, (patient, plane, level) in enumerate(rows):
        lines.append(f"P{number};{patient};{plane};Not A Brain;Op. 1;Aloka;1 \n")
        Image.fromarray(np.full((20, 30), level, dtype=np.uint8)).save(folder / "Images" / f"P{number}.png")
    (folder / "table.csv").write_text("".join(lines), encoding="utf-8-sig")
    return folder


def judged(folder: Path) -> Evaluation:
    return evaluate(grey_model(MODEL_PLANES), planes_table(folder))


@pytest.fixture
def shades() -> dict[str, int]:
    head = GreyHead(MODEL_PLANES)
    return {plane: head.grey_of(plane) for plane in MODEL_PLANES}


def test_each_plane_counts_as_the_group_the_data_names(tmp_path: Path, shades: dict[str, int]):
    rows = [
        ("1", "Fetal brain", shades["transthalamic"]),
        ("2", "Fetal thorax", shades["lvot"]),
        ("3", "Maternal cervix", shades["cervix"]),
        ("4", "Other", shades["kidneys"]),
        ("4", "Other", 0),
        ("5", "Fetal femur", shades["abdomen"]),
    ]
    found = judged(write_table(tmp_path / "set", rows))
    five, six = found.report(FIVE), found.report(SIX)
    assert five.accuracy == six.accuracy == pytest.approx(5 / 6)
    assert five.per_class["background"].support == 3
    assert six.per_class["cervix"].recall == 1
    assert five.per_class["abdomen"].support == 0


def test_the_summary_is_plain_json_with_the_figures_that_compare_models(tmp_path: Path, shades: dict[str, int]):
    rows = [("1", "Fetal brain", shades["transthalamic"]), ("2", "Fetal femur", 0)] * 3
    summary = json.loads(json.dumps(judged(write_table(tmp_path / "set", rows)).summary(rounds=50)))
    assert summary["accuracy"] == 0.5
    assert summary["macro"].keys() == {"precision", "recall", "f1"}
    assert summary["per_class"]["brain"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 3}
    assert summary["confusion"] == {
        "labels": list(FIVE),
        "counts": [[3, 0, 0, 0, 0], *[[0] * 5], [0, 0, 0, 0, 3], *[[0] * 5] * 2],
    }
    assert summary["patients"] == 2
    assert summary["interval_95"]["accuracy"] == [0.0, 1.0]
    assert summary["six_class"]["per_class"].keys() == set(SIX)
    assert summary["expected_calibration_error"] == pytest.approx(0.45, abs=0.01)


def test_a_model_without_the_cervix_gets_no_six_classes(tmp_path: Path):
    folder = write_table(tmp_path / "set", [("1", "Fetal femur", 20)])
    assert evaluate(grey_model(("femur",)), planes_table(folder)).summary(rounds=5)["six_class"] is None


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("1", "Fetal foot", 0), "line 2: plane 'Fetal foot'; allowed are Fetal brain"),
        (("", "Fetal brain", 0), "line 2: Image_name and Patient_num must not be empty"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, row: tuple[str, str, int], complaint: str):
    with pytest.raises(ModelError, match=complaint):
        planes_table(write_table(tmp_path / "set", [row]))


def test_a_picture_that_is_listed_but_missing_is_named(tmp_path: Path):
    folder = write_table(tmp_path / "set", [("1", "Other", 0)])
    (folder / "Images" / "P0.png").unlink()
    with pytest.raises(ModelError, match=r"P0\.png is not there"):
        planes_table(folder)


def test_a_picture_that_is_none_is_named(tmp_path: Path):
    folder = write_table(tmp_path / "set", [("1", "Other", 0)])
    (folder / "Images" / "P0.png").write_text("no picture")
    with pytest.raises(ModelError, match=r"P0\.png cannot be read"):
        judged(folder)


def test_a_folder_without_a_table_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match=r"holds 0 \.csv files"):
        planes_table(tmp_path)


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path):
    with pytest.raises(ModelError, match="nowhere is no folder"):
        planes_table(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", r"table\.csv lacks the column Image_name, Patient_num, Plane"),
        (b"Image_name,Patient_num,Plane\n", "lacks the column .* has Image_name,Patient_num,Plane"),
        (b"Image_name;Patient_num;Brain_plane\n", r"table\.csv lacks the column Plane;"),
        (b"Image_name;Patient_num;Plane\nP0;1;Fetal br", r"line 2: plane 'Fetal br'; allowed"),
        (b"Image_name;Patient_num;Plane\nP0", "line 2: plane None|line 2: plane ''"),
        (b"Image_name;Patient_num;Plane\nP\xff;1;Other\n", r"table\.csv cannot be read as a table in UTF-8"),
    ],
)
def test_a_torn_or_foreign_table_is_refused_in_one_line(tmp_path: Path, content: bytes, complaint: str):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(ModelError, match=complaint) as caught:
        planes_table(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_table_of_no_rows_has_nothing_to_evaluate(tmp_path: Path):
    (tmp_path / "table.csv").write_text(HEADER)
    with pytest.raises(ModelError, match="no pictures to evaluate"):
        judged(tmp_path)


def test_the_plot_is_a_picture(tmp_path: Path, shades: dict[str, int]):
    found = judged(write_table(tmp_path / "set", [("1", "Fetal femur", shades["femur"])]))
    plot_confusion(found.report(FIVE), FIVE, tmp_path / "plot.png", title="femur")
    with Image.open(tmp_path / "plot.png") as image:
        assert min(image.size) > 300


@pytest.mark.parametrize("name", ["no/such/folder.png", "plot.xyz"])
def test_a_plot_that_cannot_be_written_is_said_in_one_line(tmp_path: Path, shades: dict[str, int], name: str):
    found = judged(write_table(tmp_path / "set", [("1", "Fetal femur", shades["femur"])]))
    with pytest.raises(ModelError, match="the plot cannot be written to") as caught:
        plot_confusion(found.report(FIVE), FIVE, tmp_path / name, title="femur")
    assert "\n" not in str(caught.value)


@pytest.mark.data
def test_the_public_table_is_read_whole(data_dir: Path):
    rows = planes_table(data_dir / "planes")
    assert {row.plane for row in rows} == set(PLANES)
    assert len(rows) >= 74
