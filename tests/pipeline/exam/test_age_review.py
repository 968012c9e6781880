"""Age through a whole review: a model with a text tower (random weights: plumbing, not quality), and a real cine."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest
import torch
from pydicom.examples import get_path

from fetalstream.models.clip_model import load_clip_model
from fetalstream.models.encoder import Model
from fetalstream.models.files import sha256_of
from fetalstream.models.growth import head_circumference_mm
from fetalstream.models.heads.age_decoder import AgeDecoder
from fetalstream.models.heads.age_text import load_age_templates
from fetalstream.models.heads.gestational_age import AGE_DAYS
from fetalstream.models.heads.probe import ProbeHead
from fetalstream.models.heads.zero_shot import RejectRule
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.preprocess import InputSpec
from fetalstream.models.towers import Architecture
from fetalstream.models.train.age import fit
from fetalstream.pipeline.review import find_studies, review_study
from fetalstream.pipeline.settings import load_config
from fetalstream.sinks import AgeEstimated, AgeUnavailable, AnyEvent

CINE_SPACING_MM = 0.510497
CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 117, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """FetalCLIP in small, whose plane head takes every picture for a head."""
    folder = tmp_path_factory.mktemp("clip")
    (folder / "SmallCLIP.json").write_text(json.dumps(CONFIG))
    small = Architecture(kind="small", version="1", config=folder / "SmallCLIP.json", spec=InputSpec(size_px=32))
    noise = torch.Generator().manual_seed(3)
    state = {
        name: torch.randn(tensor.shape, generator=noise) * 0.3 for name, tensor in small.build().state_dict().items()
    }
    torch.save(state, weights := folder / "small.pt")
    identity = ModelIdentity(name=small.kind, sha256=sha256_of(weights), version=small.version)
    labels = ("background", "transthalamic")
    ProbeHead(torch.zeros(2, 16), torch.tensor([0.0, 5.0]), labels=labels, encoder=identity).save(folder / "probe")
    return load_clip_model(
        small,
        weights,
        device="cpu",
        dtype="float32",
        prompts="planes",
        rule=RejectRule(min_margin=0.01),
        probe=folder / "probe",
        cache=None,
    )


@pytest.fixture
def decoder(model: Model, tmp_path: Path) -> Path:
    """A decoder file for the model that refuses no curve: those of random weights are like none it was fitted on."""
    weeks = np.random.default_rng(0).uniform(16, 38, size=60)
    curves = np.exp(-(((AGE_DAYS / 7 - weeks[:, None]) / 4) ** 2))
    fitted = replace(fit(curves, head_circumference_mm(weeks), list(map(str, range(60)))), min_kernel=0.0)
    AgeDecoder(fitted, encoder=model.encoder.identity, prompts_sha256=load_age_templates().sha256).save(
        path := tmp_path / "age.safetensors"
    )
    return path


def review(clip: Path, out: Path, model: Model, *assign: str) -> tuple[dict[str, Any], bytes]:
    (study,) = find_studies([clip])
    config = load_config("review", assignments=["age.enabled=true", "age.every_seconds=0.3", *assign])
    summary = review_study(study, config=config, model=model, out=out)
    return summary, (out / study.name / "events.jsonl").read_bytes()


def about_age(record: bytes) -> list[AgeEstimated | AgeUnavailable]:
    events = [msgspec.json.decode(line, type=AnyEvent) for line in record.splitlines()]
    return [event for event in events if isinstance(event, AgeEstimated | AgeUnavailable)]


def test_a_dicom_cine_gives_ages_the_same_bytes_each_time_and_its_summary_the_last(
    model: Model, tmp_path: Path
) -> None:
    cine = Path(str(get_path("ybr_color")))
    summary, record = review(cine, tmp_path / "one", model)
    _, again = review(cine, tmp_path / "two", model)
    assert record == again
    told = about_age(record)
    assert len(told) >= 2
    last = told[-1]
    assert isinstance(last, AgeEstimated)
    assert AGE_DAYS[0] <= last.age_days <= AGE_DAYS[-1]
    assert (last.spacing_mm, last.spacing_by_hand, last.method) == (CINE_SPACING_MM, False, "zero_shot")
    assert 15 <= last.frames <= 30
    age = summary["age"]
    assert (age["age_days"], age["frames"], age["unavailable"]) == (last.age_days, last.frames, [])


def test_a_video_file_knows_no_spacing_and_says_so_once(model: Model, tmp_path: Path) -> None:
    clip = tmp_path / "head.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(40):
            grey = rng.integers(20, 200, size=(48, 64), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        container.mux(stream.encode())
    summary, record = review(clip, tmp_path / "out", model)
    (told,) = about_age(record)
    assert isinstance(told, AgeUnavailable)
    assert "no pixel spacing" in told.reason
    assert [visit["plane"] for visit in summary["planes"]] == ["transthalamic"]
    assert summary["age"] == {"unavailable": [told.reason]}
    by_hand, _ = review(clip, tmp_path / "by_hand", model, "age.spacing_mm=0.8")
    assert by_hand["age"]["spacing_by_hand"] is True


def test_a_decoder_of_the_model_speaks_and_one_of_other_weights_does_not(
    model: Model, decoder: Path, tmp_path: Path
) -> None:
    cine = Path(str(get_path("ybr_color")))
    summary, record = review(cine, tmp_path / "own", model, f"age.head={decoder}")
    last = about_age(record)[-1]
    assert isinstance(last, AgeEstimated)
    assert last.head is not None
    assert (last.method, last.coverage, last.head.sha256) == ("calibrated", 0.95, sha256_of(decoder))
    assert summary["age"]["head"]["sha256"] == sha256_of(decoder)
    assert summary["age"]["low_days"] < summary["age"]["age_days"] < summary["age"]["high_days"]
    foreign = AgeDecoder.load(decoder, encoder=model.encoder.identity, prompts_sha256=load_age_templates().sha256)
    foreign.encoder = ModelIdentity(name="fetalclip", sha256="f" * 64)
    foreign.save(tmp_path / "foreign.safetensors")
    summary, _ = review(cine, tmp_path / "foreign", model, f"age.head={tmp_path}/foreign.safetensors")
    (reason,) = summary["age"]["unavailable"]
    assert "was fitted on fetalclip" in reason
    assert summary["planes"]


def test_who_does_not_ask_for_an_age_is_told_nothing_of_it(model: Model, tmp_path: Path) -> None:
    summary, record = review(Path(str(get_path("ybr_color"))), tmp_path / "out", model, "age.enabled=false")
    assert (summary["age"], about_age(record)) == (None, [])
