"""The law of judging quality on one's own pictures: faults that are put in are found, bad folders are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fetalstream import FetalStreamError
from fetalstream.pipeline.cli.app import app
from fetalstream.pipeline.evaluation.quality_exam import exam
from fetalstream.pipeline.exam.quality import Limits


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    """Three heads with speckle, and their masks beside them."""
    for name in ("pictures", "masks"):
        (tmp_path / name).mkdir()
    for number, long in enumerate((90, 130, 170)):
        rng = np.random.default_rng(number)
        picture = np.clip(cv2.GaussianBlur(rng.gamma(1.2, 50, (480, 640)), (0, 0), 2.2), 1, 255).astype(np.uint8)
        mask = np.zeros_like(picture)
        axes = (long, round(0.8 * long))
        cv2.ellipse(picture, (320, 240), axes, 0, 0, 360, 230, 8)
        cv2.ellipse(mask, (320, 240), axes, 0, 0, 360, 255, -1)
        cv2.imwrite(str(tmp_path / "pictures" / f"{number}.png"), picture)
        cv2.imwrite(str(tmp_path / "masks" / f"{number}.png"), mask)
    return tmp_path


def test_each_fault_is_found_in_its_item_and_the_outline_agrees_with_the_masks(heads: Path):
    folders = ["--data", str(heads / "pictures"), "--masks", str(heads / "masks")]
    sharper = ["--set", "quality.min_sharpness=0.7"]  # what is drawn is sharper than any scan
    told = CliRunner().invoke(app, ["evaluate", "quality", *folders, *sharper, "--json"])
    assert told.exit_code == 0
    found = json.loads(told.stdout)
    assert (found["pictures"], found["plane"]) == (3, "transthalamic")
    ok = found["ok"]
    assert ok["as they are"] == {"sharpness": 3, "gain": 3, "zoom": 2, "in_fan": 3, "stillness": 3}  # one is small
    assert ok["blurred by 0.5 %"]["sharpness"] == 0
    assert ok["gain +28 dB"]["gain"] == 0
    assert found["fill_share"]["correlation"] > 0.95
    assert found["fill_share"]["median_error"] < 0.03


def test_a_table_is_shown_and_limits_are_those_of_the_configuration(heads: Path):
    limits = ["--set", "quality.min_fill_share=0.9", "--files", "0.png"]
    told = CliRunner().invoke(app, ["evaluate", "quality", "--data", str(heads / "pictures"), *limits])
    assert told.exit_code == 0
    assert "1 pictures" in told.stdout
    row = next(line for line in told.stdout.splitlines() if line.startswith("as they are"))
    assert row.split()[-5:] == ["1", "1", "0", "1", "1"]


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda heads: heads / "nowhere", "cannot be listed"),
        (lambda heads: heads, "holds no pictures"),
        (lambda heads: (heads / "pictures" / "0.png").write_bytes(b"text") and heads / "pictures", "is no picture"),
        (lambda heads: (heads / "pictures" / "0.png").write_bytes(b"") or heads / "pictures", "is no picture"),
    ],
    ids=["missing", "empty", "text", "hollow"],
)
def test_a_bad_folder_is_refused_in_one_line(heads: Path, break_it: Callable[[Path], Path], said: str):
    with pytest.raises(FetalStreamError, match=said) as refusal:
        exam(break_it(heads), plane="transthalamic", limits=Limits())
    assert "\n" not in str(refusal.value)


def test_a_mask_that_is_missing_is_named(heads: Path):
    (heads / "masks" / "1.png").unlink()
    with pytest.raises(FetalStreamError, match=r"1\.png' cannot be read"):
        exam(heads / "pictures", plane="transthalamic", limits=Limits(), masks=heads / "masks")
