"""Embed, train, evaluate, review: linear probes as a user makes and uses them."""

import json
import resource
import subprocess
import sys
from inspect import signature
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from fetalstream import FetalStreamError
from fetalstream.models.compact import load_compact
from fetalstream.models.embeddings import read_embeddings
from fetalstream.models.encoder import Features
from fetalstream.models.heads.probe import ProbeHead
from fetalstream.models.train.probe import Recipe
from fetalstream.pipeline.cli import evaluate, train
from fetalstream.pipeline.cli.app import app
from fetalstream.pipeline.cli.probe import evaluate_probe, train_probe

SHAPES = ("background", "brain", "femur")
PATIENTS = 12
TRAIN = ("--epochs", "60", "--learning-rate", "0.02", "--runs", "1")


def draw(label: str, rng: np.random.Generator) -> np.ndarray:
    """(96 128 3) uint8: noise, a ring or a bar."""
    picture = rng.integers(0, 50, (96, 128), dtype=np.uint8)
    x, y = (int(value) for value in rng.integers(50, 70, 2))
    if label == "brain":
        cv2.ellipse(picture, (x, y - 10), (34, 26), 0, 0, 360, 230, 3)
    elif label == "femur":
        cv2.line(picture, (x - 40, y - 5), (x + 40, y + 5), 230, 5)
    return np.repeat(cv2.GaussianBlur(picture, (3, 3), 0)[..., None], 3, axis=2)


def run(*arguments: str | Path, most_file_bytes: int | None = None) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if most_file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))

    command = [sys.executable, "-m", "fetalstream", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, preexec_fn=limit)


@pytest.fixture(scope="module")
def exams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of six frames for each of 12 patients, two frames of each class; their labels; what `embed` made."""
    folder = tmp_path_factory.mktemp("exams")
    lines = ["key,label,patient"]
    for patient in range(PATIENTS):
        rng = np.random.default_rng(patient)
        with av.open(str(folder / f"exam{patient}.mkv"), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv444p"
            for index in range(6):
                label = SHAPES[index // 2]
                container.mux(stream.encode(av.VideoFrame.from_ndarray(draw(label, rng), format="rgb24")))
                lines.append(f"exam{patient}#{index},{label},{patient}")
            container.mux(stream.encode())
    (folder / "labels.csv").write_text("\n".join(lines))
    done = run("embed", folder, "--out", folder / "e.safetensors")
    assert done.returncode == 0, done.stderr
    assert f"{6 * PATIENTS} frames of {PATIENTS} clips and folders by compact" in done.stdout
    return folder


@pytest.fixture(scope="module")
def head(exams: Path) -> Path:
    out = exams / "head.safetensors"
    arguments = ["probe", "--embeddings", exams / "e.safetensors", "--labels", exams / "labels.csv", "--out", out]
    told = CliRunner().invoke(train.app, [*map(str, arguments), *TRAIN])
    assert told.exit_code == 0, told.output
    assert f"written: {out} and {exams / 'head.md'}" in told.output
    return out


def test_a_trained_head_scores_in_the_stream_as_it_does_on_the_embeddings(exams: Path, head: Path):
    done = run(
        "review", exams / "exam3.mkv", "--out", exams / "out", "--set", f"head={{kind: probe, file: {head}}}",
        "--set", "frame_scores=true", "--set", "signal.gates=[]", "--set", "fan.find=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in (exams / "out" / "exam3" / "events.jsonl").read_text().splitlines()]
    hearts = [event for event in events if event["kind"].startswith("chd.")]
    assert [(event["kind"], event["reason"]) for event in hearts] == [
        ("chd.unavailable", "the plane head knows no four_chamber or heart; it knows brain, femur")
    ]
    streamed = [event for event in events if event["kind"] == "frame.scores"]
    started = next(event for event in events if event["kind"] == "stream.started")
    assert started["labels"] == list(SHAPES)
    table = read_embeddings(exams / "e.safetensors")
    rows = [place for place, frame in enumerate(table.frames) if frame.clip == "exam3"]
    probe = ProbeHead.load(head, encoder=table.encoder)
    expected = probe(Features(embedding=torch.from_numpy(table.embedding[rows]))).scores
    assert len(streamed) == len(rows) == 6
    np.testing.assert_allclose([event["scores"] for event in streamed], expected, atol=2e-3)
    assert expected.argmax(axis=1).tolist() == [0, 0, 1, 1, 2, 2]


def test_another_encoders_stream_refuses_the_head_in_one_line(head: Path, tmp_path: Path):
    weights = tmp_path / "other.safetensors"
    weights.write_bytes(load_other_weights())
    done = run("live", "phantom://?seconds=1", "--set", f"head={{kind: probe, file: {head}}}", "--weights", weights)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "was trained on compact" in done.stderr


def load_other_weights() -> bytes:
    """The embedded model's file with another word in its metadata: the same numbers, another hash."""
    content = Path(load_compact.__code__.co_filename).with_name("compact.safetensors").read_bytes()
    return content.replace(b"seed 0", b"seed 1", 1)


def test_what_is_trained_is_what_was_judged_unless_options_differ():
    taught, judged = (signature(command).parameters for command in (train_probe, evaluate_probe))
    shared = taught.keys() & judged.keys()
    assert {"embeddings", "labels", "data", "folds", "runs", "seed", "epochs", "learning_rate", "balanced"} <= shared
    assert [taught[name] for name in shared] == [judged[name] for name in shared]
    recipe = Recipe()
    assert taught["epochs"].default == recipe.epochs
    assert taught["learning_rate"].default == recipe.learning_rate
    assert taught["balanced"].default == recipe.balanced


def test_the_card_stands_beside_the_head(head: Path):
    text = head.with_suffix(".md").read_text(encoding="utf-8")
    for told in (
        "| `femur` | 24 | 12 |",
        "From e.safetensors and labels.csv",
        "sha256 `",
        "AdamW 0.02",
        "95 % by patient",
        "Research use only",
    ):
        assert told in text


def test_evaluate_probe_prints_one_json_object(exams: Path):
    arguments = ["probe", "--embeddings", exams / "e.safetensors", "--labels", exams / "labels.csv", *TRAIN, "--json"]
    told = CliRunner().invoke(evaluate.app, list(map(str, arguments)))
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["macro_f1"]["mean"] > 0.9
    assert found["encoder"]["name"] == "compact"
    assert (found["pictures"], found["patients"], found["trials"], found["runs"]) == (72, 12, 5, 1)
    assert found["confusion"]["labels"] == list(SHAPES)
    assert {"per_class", "pooled", "near_duplicates", "expected_calibration_error"} <= found.keys()


def test_evaluate_probe_tells_a_person_of_classes_and_of_shots(exams: Path):
    arguments = ["probe", "--embeddings", exams / "e.safetensors", "--labels", exams / "labels.csv", *TRAIN]
    told = CliRunner().invoke(evaluate.app, list(map(str, arguments)))
    for word in (*SHAPES, "macro F1", "95 % by patient", "standard deviation"):
        assert word in told.stdout
    few = CliRunner().invoke(evaluate.app, [*map(str, arguments), "--shots", "1,4"])
    assert few.exit_code == 0, few.output
    assert "pictures per class" in few.stdout


def test_a_copy_under_another_patients_number_is_named(exams: Path, tmp_path: Path):
    for name in ("exam0", "twin0"):
        (tmp_path / f"{name}.mkv").write_bytes((exams / "exam0.mkv").read_bytes())
    lines = (exams / "labels.csv").read_text().splitlines()
    twins = [line.replace("exam0#", "twin0#").removesuffix(",0") + ",99" for line in lines if line.startswith("exam0#")]
    (tmp_path / "labels.csv").write_text("\n".join([*lines, *twins]))
    clips = [*(exams / f"exam{patient}.mkv" for patient in range(1, PATIENTS)), tmp_path]
    made = CliRunner().invoke(app, ["embed", *map(str, clips), "--out", str(tmp_path / "e.safetensors")])
    assert made.exit_code == 0, made.output
    arguments = ["probe", "--embeddings", tmp_path / "e.safetensors", "--labels", tmp_path / "labels.csv", *TRAIN]
    told = CliRunner().invoke(evaluate.app, [*map(str, arguments), "--json"])
    pairs = json.loads(told.stdout)["near_duplicates"]
    named = {frozenset((pair["key"], pair["other"])) for pair in pairs["most_alike"]}
    assert pairs["count"] >= 6
    assert frozenset(("exam0#4", "twin0#4")) in named
    assert "pairs look like copies though of different patients" in told.stderr


@pytest.mark.data
def test_fetal_planes_are_taken_as_they_are_and_brains_by_their_plane(data_dir: Path, tmp_path: Path):
    arguments = ["probe", "--data", str(data_dir), *TRAIN, "--json"]
    told = CliRunner().invoke(evaluate.app, arguments)
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert set(found["per_class"]) == {"background", "brain", "abdomen", "femur", "heart", "cervix"}
    assert found["pictures"] >= 74
    assert found["per_class"]["brain"]["f1"]["mean"] > 0.9
    few = CliRunner().invoke(evaluate.app, [*arguments, "--brain-planes"])
    assert str(few.exception).startswith("class 'transcerebellar' is of 2 patients; it needs 3")
    fine = CliRunner().invoke(evaluate.app, [*arguments, "--brain-planes", "--leave-out", "transcerebellar"])
    assert fine.exit_code == 0, fine.output
    assert {"transventricular", "transthalamic"} <= json.loads(fine.stdout)["per_class"].keys()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "probe", "--out", "h.safetensors"], "give --embeddings FILE and --labels CSV, or --data DIR"),
        (["train", "probe", "--data", "d", "--out", "nowhere/h"], "nowhere/h cannot be written: there is no folder"),
        (["train", "probe", "--embeddings", "e", "--out", "h"], "give --embeddings FILE and --labels CSV"),
        (["evaluate", "probe", "--embeddings", "e", "--labels", "l", "--model", "compact"], "go with --data"),
        (["evaluate", "probe", "--embeddings", "e", "--labels", "l"], "e: there is no such file of embeddings"),
        (["evaluate", "probe", "--data", "nowhere"], "nowhere is no folder"),
        (["evaluate", "probe", "--data", "d", "--shots", "1,x"], "--shots '1,x': whole numbers above 0"),
        (["evaluate", "probe", "--data", "d", "--shots", "0"], "--shots '0': whole numbers above 0"),
        (["embed", "missing.mp4", "--out", "e"], "'missing.mp4' does not exist"),
        (["embed", "x", "--out", "e", "--every", "2", "--fps", "5"], "--every 2 and --fps 5 exclude each other"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, arguments)
    assert isinstance(told.exception, FetalStreamError)
    assert said in str(told.exception)
    assert "\n" not in str(told.exception)


def test_what_cannot_be_read_is_told_the_rest_is_embedded_and_the_exit_code_tells(exams: Path, tmp_path: Path):
    (tmp_path / "bad.mp4").write_text("no video")
    done = run("embed", exams / "exam0.mkv", tmp_path / "bad.mp4", "--out", tmp_path / "e.safetensors", "--every", "3")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "bad.mp4" in done.stderr
    assert [frame.key for frame in read_embeddings(tmp_path / "e.safetensors").frames] == ["exam0#0", "exam0#3"]


def test_a_full_disk_ends_the_run_and_leaves_no_file(exams: Path, tmp_path: Path):
    done = run("embed", exams / "exam0.mkv", "--out", tmp_path / "e.safetensors", most_file_bytes=4000)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"error: {tmp_path / 'e.safetensors'} cannot be written: File too large"]
    assert not list(tmp_path.iterdir())
