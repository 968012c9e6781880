"""Hearts on the command line: drawn, trained on, judged; leaks and mistakes end in one sentence."""

import csv
import json
from inspect import signature
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from fetalstream import FetalStreamError
from fetalstream.models.compact import EMBEDDED as COMPACT
from fetalstream.models.heads.clip_timing import ClipTiming
from fetalstream.models.train.clip_checks import LeakError
from fetalstream.models.train.clip_fit import ClipTraining
from fetalstream.pipeline.cli import evaluate, train
from fetalstream.pipeline.cli.chd import evaluate_chd, train_chd
from fetalstream.pipeline.heart import clip_set

CHECKED = "scores stay the same when all labels are turned round"


@pytest.fixture(scope="module", autouse=True)
def _few_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight simulated patients that nobody has trained on, two cines each."""
    out = tmp_path_factory.mktemp("hearts")
    told = CliRunner().invoke(
        train.app, ["chd-phantoms", "--out", str(out), "--patients", "8", "--cines", "2", "--first-seed", "5000"]
    )
    assert told.exit_code == 0, told.output
    return out


def judge(hearts: Path, *arguments: str) -> dict:
    told = CliRunner().invoke(
        evaluate.app,
        ["chd", "--manifest", str(hearts / "clips.csv"), "--cache", str(hearts / "kept"), *arguments, "--json"],
    )
    if told.exception is not None:
        raise told.exception
    return json.loads(told.stdout)


def test_the_embedded_head_tells_simulated_hearts_apart_that_it_never_saw(hearts: Path, tmp_path: Path):
    found = judge(hearts, "--head", "phantom", "--plot", str(tmp_path / "hearts.png"))
    assert found["way"] == "chd-conv trained on phantom hearts"
    assert found["patients"]["count"] == 8
    assert found["patients"]["auroc"] >= 0.85
    assert found["clips"]["count"] == 32
    assert {CHECKED, *clip_set.CHECKED} <= set(found["checks"])
    assert found["prevalence"] == 0.5
    assert (tmp_path / "hearts.png").stat().st_size > 5000


def test_a_head_is_trained_written_with_its_card_and_not_judged_on_its_own(hearts: Path, tmp_path: Path):
    out = tmp_path / "head.safetensors"
    arguments = ["chd", "--manifest", str(hearts / "clips.csv"), "--cache", str(hearts / "kept"), "--net", "mean"]
    told = CliRunner().invoke(
        train.app, [*arguments, "--members", "2", "--epochs", "3", "--trained-on", "a handful", "--out", str(out)]
    )
    assert told.exit_code == 0, told.output
    assert "a handful: 8 patients" in out.with_suffix(".md").read_text(encoding="utf-8")
    with pytest.raises(LeakError, match="trained on 16 of these cines"):
        judge(hearts, "--head", str(out))


def test_training_is_judged_in_folds_and_by_shuffled_labels(hearts: Path):
    quick = ("--net", "mean", "--members", "2", "--folds", "2", "--epochs", "3")
    found = judge(hearts, *quick)
    assert found["patients"]["count"] == 8
    assert "no patient is in two folds" in found["checks"]
    shuffled = judge(hearts, *quick, "--shuffle-labels")
    assert "labels shuffled" in shuffled["way"]


def test_what_is_trained_is_what_was_judged_unless_options_differ():
    taught, judged = (signature(command).parameters for command in (train_chd, evaluate_chd))
    shared = taught.keys() & judged.keys()
    assert {"net", "members", "epochs", "frames", "clip_seconds", "stride_seconds", "normal", "seed"} <= shared
    assert [taught[name] for name in shared] == [judged[name] for name in shared]
    training, timing = ClipTraining(), ClipTiming()
    for name, value in (("net", training.net), ("members", training.members), ("epochs", training.epochs)):
        assert taught[name].default == value
    for name, value in (("frames", timing.frames), ("clip_seconds", timing.seconds)):
        assert taught[name].default == value
    assert taught["stride_seconds"].default == timing.stride_seconds


def test_a_table_for_people_puts_patients_first(hearts: Path):
    told = CliRunner().invoke(
        evaluate.app,
        ["chd", "--manifest", str(hearts / "clips.csv"), "--cache", str(hearts / "kept"), "--head", "phantom"],
    )
    assert told.exit_code == 0, told.output
    assert told.stdout.index("by patient") < told.stdout.index("by clip")
    for word in (
        "AUROC",
        "sensitivity at specificity 0.90",
        "expected calibration error",
        "abstains on",
        "checked:",
        "assume that 50.0%",
    ):
        assert word in told.stdout


def test_a_cine_under_a_second_name_is_a_leak(hearts: Path, tmp_path: Path):
    rows = list(csv.DictReader((hearts / "clips.csv").open(encoding="utf-8")))
    for row in rows:
        row["clip"] = str(hearts / row["clip"])
    rows.append(rows[0] | {"patient": "another", "label": "septal_defect"})
    with (tmp_path / "clips.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(LeakError, match="are one cine, byte for byte"):
        judge(hearts, "--manifest", str(tmp_path / "clips.csv"), "--head", "phantom")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--head", "phantom", "--shuffle-labels"), "--shuffle-labels would change nothing with --head phantom"),
        (("--head", "phantom", "--net", "conv", "--frames", "16"), "--net, --frames would change nothing"),
        (("--head", "text", "--members", "5", "--prevalence", "0.1"), "--members, --prevalence would change nothing"),
        (("--prompts", "own.yaml"), "--prompts would change nothing without --head text"),
        (("--head", "no-such.safetensors"), "no such heart head"),
        (("--net", "transformer"), "mean, attention, conv, not 'transformer'"),
        (("--head", "phantom", "--prevalence", "2"), "a prevalence lies between 0 and 1, not 2"),
        (("--plot", "nowhere/hearts.png"), "nowhere/hearts.png cannot be written: there is no folder nowhere"),
        (("--head", "phantom", "--normal", "healthy"), "'healthy'"),
        (("--head", "text", "--weights", str(COMPACT)), "model 'compact' reads no sentences: fetalclip, mobile do"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(hearts: Path, arguments: tuple[str, ...], message: str):
    with pytest.raises(FetalStreamError, match=message) as told:
        judge(hearts, *arguments)
    assert "\n" not in str(told.value)


def test_a_folder_that_is_not_there_is_told_before_the_training(tmp_path: Path):
    told = CliRunner().invoke(
        train.app,
        [
            "chd",
            "--manifest",
            "no.csv",
            "--trained-on",
            "nothing",
            "--out",
            str(tmp_path / "nowhere" / "h.safetensors"),
        ],
    )
    assert isinstance(told.exception, FetalStreamError)
    assert f"there is no folder {tmp_path / 'nowhere'}" in str(told.exception)
