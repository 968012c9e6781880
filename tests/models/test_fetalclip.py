"""A full-size FetalCLIP checkpoint (1.7 GB, made here, in the published format) against plain open_clip code.

The weights are random: equal numbers prove that loading, preprocessing and head do what the published code does. They
prove nothing about the quality of the real weights, which cannot be shipped.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from fetalstream.models.encoder import Features, Model, ModelError
from fetalstream.models.fetalclip import FETALCLIP, load_fetalclip
from fetalstream.models.files import MisfitError, sha256_of
from fetalstream.models.heads.zero_shot import ZeroShotHead
from fetalstream.models.preprocess import read_image
from fetalstream.models.towers import Architecture
from fetalstream.models.weights import verify

from .conftest import RandomState
from .plain import PROMPTS, Plain, encode, evaluate_plainly, sample


@pytest.fixture(scope="module")
def weights(random_state: RandomState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("fetalclip") / "FetalCLIP_weights.pt"
    torch.save(random_state(FETALCLIP), path)
    yield path
    path.unlink()  # pytest keeps the folders of three runs


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prompts") / "prompts.json"
    path.write_text(json.dumps(PROMPTS))
    return path


@pytest.fixture(scope="module")
def plain(weights: Path, data_dir: Path) -> Plain:
    FETALCLIP.build()  # tells open_clip the name
    return evaluate_plainly("FetalCLIP", weights, sample(data_dir))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("text")


@pytest.fixture(scope="module")
def model(plain: Plain, weights: Path, prompts: Path, cache: Path) -> Model:  # after "plain": never both in memory
    return load_fetalclip(weights, device="cpu", dtype="float32", prompts=prompts, cache=cache)


@pytest.fixture(scope="module")
def features(model: Model, data_dir: Path) -> Features:
    return encode(model, sample(data_dir))


pytestmark = [pytest.mark.slow, pytest.mark.data]


def test_the_file_has_the_published_size(weights: Path) -> None:
    assert weights.stat().st_size == pytest.approx(1.71e9, rel=0.01)


def test_embeddings_are_those_of_plain_open_clip(plain: Plain, features: Features) -> None:
    ours, theirs = features.unit(), torch.nn.functional.normalize(plain.embeddings)
    assert float((ours - theirs).abs().max()) < 1e-4
    alike = (theirs @ theirs.T).fill_diagonal_(0)
    assert float(alike.max()) < 0.9995, "the pictures must be told apart, or the comparison is empty"


def test_probabilities_are_those_of_plain_open_clip(plain: Plain, model: Model, features: Features) -> None:
    assert isinstance(model.planes, ZeroShotHead)
    ours = model.planes.probabilities(features)
    np.testing.assert_allclose(ours, plain.probabilities.numpy(), atol=1e-4)
    assert plain.probabilities.std(dim=0).max() > 1e-3, "the pictures must be told apart, or the comparison is empty"


def test_leaving_out_the_pad_would_have_been_noticed(plain: Plain, model: Model, data_dir: Path) -> None:
    wide = read_image(Image.open(sample(data_dir)[0]))
    height_px, width_px = wide.shape[:2]
    assert width_px > height_px
    middle: NDArray[np.uint8] = wide[:, (width_px - height_px) // 2 :][:, :height_px]
    cropped = model.encoder.encode([model.encoder.prepare(middle)]).unit()[0]
    assert float((cropped - torch.nn.functional.normalize(plain.embeddings)[0]).abs().max()) > 1e-3


def test_the_sha256_of_the_file_is_the_models_identity(model: Model, weights: Path) -> None:
    assert model.encoder.identity.name == "fetalclip"
    assert model.encoder.identity.sha256 == sha256_of(weights)


def test_a_second_load_is_quick_and_asks_the_text_tower_nothing(
    model: Model, weights: Path, prompts: Path, cache: Path
) -> None:
    (kept,) = cache.iterdir()
    written_ns = kept.stat().st_mtime_ns
    start = time.monotonic()
    load_fetalclip(weights, prompts=prompts, cache=cache)
    assert time.monotonic() - start < 20  # seconds; two, on an idle machine
    assert kept.stat().st_mtime_ns == written_ns


def test_verify_knows_the_architecture_and_counts_its_parameters(weights: Path) -> None:
    report = verify(weights)
    assert (report.kind, report.parameters, report.trusted) == ("fetalclip", 427_647_233, None)


def test_another_models_weights_are_refused(tiny_weights: Path) -> None:
    with pytest.raises(MisfitError, match=r"does not fit FetalCLIP .*missing \(.*of another shape \(") as raised:
        load_fetalclip(tiny_weights, prompts="planes")
    assert "\n" not in str(raised.value)


def test_half_a_checkpoint_is_refused(weights: Path, tmp_path: Path) -> None:
    with weights.open("rb") as whole:
        (tmp_path / "half.pt").write_bytes(whole.read(1_000_000))
    with pytest.raises(ModelError, match=r"half.pt is torn: its end is missing \(1000000 bytes are there\)"):
        load_fetalclip(tmp_path / "half.pt")


def test_the_shipped_configuration_is_the_published_one(reference_dir: Path) -> None:
    assert json.loads(FETALCLIP.config.read_text()) == json.loads((reference_dir / "FetalCLIP_config.json").read_text())
    assert isinstance(FETALCLIP, Architecture)
