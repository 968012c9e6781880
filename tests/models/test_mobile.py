"""MobileFetalCLIP at full size with random weights against plain open_clip code: plumbing, not quality."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor

from fetalstream.models.encoder import Model
from fetalstream.models.files import MisfitError, load_state_dict
from fetalstream.models.heads.zero_shot import RejectRule, ZeroShotHead
from fetalstream.models.mobile import MOBILE, load_mobile
from fetalstream.models.weights import verify

from .conftest import RandomState
from .plain import PROMPTS, Plain, encode, evaluate_plainly, sample

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def weights(random_state: RandomState, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mobile") / "mobile_fetal_clip_weights.pt"
    torch.save({"state_dict": random_state(MOBILE), "epoch": 9}, path)
    return path


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prompts") / "prompts.json"
    path.write_text(json.dumps(PROMPTS))
    return path


@pytest.fixture(scope="module")
def plain(weights: Path, data_dir: Path) -> Plain:
    MOBILE.build()  # tells open_clip the name
    return evaluate_plainly(
        "MobileFetalCLIP", weights, sample(data_dir), image_mean=IMAGENET_DEFAULT_MEAN, image_std=IMAGENET_DEFAULT_STD
    )


def load(weights: Path, prompts: Path, cache: Path) -> Model:
    return load_mobile(weights, device="cpu", dtype="float32", prompts=prompts, cache=cache)


def test_embeddings_and_probabilities_are_those_of_plain_open_clip(
    plain: Plain, weights: Path, prompts: Path, data_dir: Path, tmp_path: Path
) -> None:
    model = load(weights, prompts, tmp_path)
    features = encode(model, sample(data_dir))
    theirs = torch.nn.functional.normalize(plain.embeddings)
    assert float((features.unit() - theirs).abs().max()) < 1e-4
    assert float((theirs @ theirs.T).fill_diagonal_(0).max()) < 0.9995, "the pictures must be told apart"
    assert isinstance(model.planes, ZeroShotHead)
    np.testing.assert_allclose(model.planes.probabilities(features), plain.probabilities.numpy(), atol=1e-4)


def apples_name(key: str) -> str:
    """timm's name of a layer of the image tower -> the name it has in Apple's modules, and so in published files."""
    trunk = "visual.trunk."
    if not key.startswith(trunk):
        return key
    name = key.removeprefix(trunk)
    for stage, blocks, downsample in ((0, 0, None), (1, 2, 1), (2, 4, 3), (3, 7, 5)):
        name = name.replace(f"stages.{stage}.blocks.", f"network.{blocks}.")
        name = name.replace(f"stages.{stage}.downsample.proj.", f"network.{downsample}.proj.")
    name = name.replace("stages.3.pos_emb.pos_enc.", "network.6.pe.")
    for timms, apples in (
        ("stem.", "patch_embed."), ("final_conv.", "conv_exp."), ("conv_kxk.", "rbr_conv."),
        ("conv_scale.", "rbr_scale."), ("identity.", "rbr_skip."), ("large_conv.", "lkb_origin."),
        (".mlp.", ".convffn."), ("se.fc1.", "se.reduce."), ("se.fc2.", "se.expand."), (".gamma", ""),
        ("head.fc.", "head."),
    ):  # fmt: skip
        name = name.replace(timms, apples)
    return trunk + name


def test_files_with_apples_layer_names_give_the_same_model(
    plain: Plain, weights: Path, prompts: Path, data_dir: Path, tmp_path: Path
) -> None:
    state = load_state_dict(weights)
    apple: dict[str, Tensor] = {f"module.{apples_name(key)}": tensor for key, tensor in state.items()}
    assert "module.visual.trunk.patch_embed.0.rbr_conv.0.conv.weight" in apple
    assert "module.visual.trunk.network.7.1.token_mixer.qkv.weight" in apple
    torch.save({"state_dict": apple}, tmp_path / "apple.pt")
    embedding = encode(load(tmp_path / "apple.pt", prompts, tmp_path), sample(data_dir)).unit()
    assert float((embedding - torch.nn.functional.normalize(plain.embeddings)).abs().max()) < 1e-4


def test_one_wrong_layer_is_refused_by_name(weights: Path, tmp_path: Path) -> None:
    state = load_state_dict(weights)
    state["visual.trunk.head.fc.weight"] = torch.zeros(768, 1024)
    torch.save(state, tmp_path / "wrong.pt")
    line = (
        r"does not fit MobileFetalCLIP .*: 1 of another shape \(visual.trunk.head.fc.weight is \(768, 1024\), not \(512"
    )
    with pytest.raises(MisfitError, match=line):
        load_mobile(tmp_path / "wrong.pt")
    with pytest.raises(MisfitError, match=line):  # the nearest model is the one that is spoken of
        verify(tmp_path / "wrong.pt")


def test_verify_tells_the_student_from_the_teacher(weights: Path) -> None:
    report = verify(weights)
    assert (report.kind, report.parameters) == ("mobile", 74_855_553)


def test_the_shipped_prompts_work_and_background_comes_first(weights: Path, data_dir: Path, tmp_path: Path) -> None:
    model = load_mobile(weights, device="cpu", rule=RejectRule(min_similarity=0.9), cache=tmp_path)
    result = model.planes(encode(model, sample(data_dir)))
    assert result.labels[0] == "background"
    assert len(result.labels) == 10
    assert (result.scores.argmax(axis=1) == 0).all()  # random weights resemble nothing by 0.9


def test_the_shipped_configuration_is_the_published_one(reference_dir: Path) -> None:
    published = json.loads((reference_dir / "mobileclip2_s0_fetal.json").read_text())
    assert json.loads(MOBILE.config.read_text()) == published
