from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from fetalstream.models import BACKGROUND, Plane
from fetalstream.models.compact import EMBEDDED, load_compact
from fetalstream.models.compact_net import EMBEDDING_DIM, CompactNet
from fetalstream.models.encoder import Model, ModelError


@pytest.fixture(scope="module")
def model() -> Model:
    return load_compact(device="cpu", dtype="float32")


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_the_embedded_file_is_small_enough_to_be_carried(model: Model):
    assert EMBEDDED.stat().st_size <= 12 * 2**20
    with safe_open(EMBEDDED, framework="pt") as file:
        sizes = [file.get_tensor(key) for key in file.keys()]  # noqa: SIM118 - not a dictionary
    assert sum(tensor.numel() for tensor in sizes) <= 6_000_000
    assert {tensor.dtype for tensor in sizes} == {torch.float16}


def test_it_can_name_every_plane_and_none(model: Model):
    assert set(model.planes.labels) == {BACKGROUND, *Plane}


def test_colour_and_grey_in_one_batch_give_what_each_gives_alone(model: Model):
    encoder = model.encoder
    grey = noise(0, 240, 320)
    colour = noise(1, 300, 300, 3)
    prepared = [encoder.prepare(grey), encoder.prepare(colour), encoder.prepare(np.dstack([grey] * 3))]
    together = encoder.encode(prepared).embedding
    alone = torch.cat([encoder.encode([one]).embedding for one in prepared])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(together[0], together[2], rtol=1e-3, atol=1e-3)


def test_a_batch_of_any_size_gives_rows_in_its_order(model: Model):
    prepared = [model.encoder.prepare(noise(seed, 100, 140)) for seed in range(11)]
    features = model.encoder.encode(prepared)
    assert features.embedding.shape == (11, EMBEDDING_DIM)
    assert features.feature_map is not None
    assert features.feature_map.shape == (11, 128, 14, 14)
    torch.testing.assert_close(features.embedding[9:10], model.encoder.encode(prepared[9:10]).embedding)
    torch.testing.assert_close(features.unit().norm(dim=1), torch.ones(11))


def test_a_doubled_gain_changes_nothing(model: Model):
    dim = noise(3, 224, 224) // 2
    first, second = (model.encoder.encode([model.encoder.prepare(p)]).embedding for p in (dim, dim * 2))
    torch.testing.assert_close(first, second, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_screen_is_background(model: Model, level: int):
    blank = np.full((480, 640), level, dtype=np.uint8)
    scores = model.planes(model.encoder.encode([model.encoder.prepare(blank)]))
    assert scores.labels[int(scores.scores[0].argmax())] == BACKGROUND


def test_half_precision_names_the_same_planes(model: Model):
    half = load_compact(device="cpu", dtype="bfloat16")
    prepared = [model.encoder.prepare(noise(seed, 120, 160) // (seed + 1)) for seed in range(4)]
    full_scores, half_scores = (m.planes(m.encoder.encode(prepared)).scores for m in (model, half))
    np.testing.assert_allclose(full_scores, half_scores, atol=0.05)


def test_folding_the_batch_norm_changes_no_output():
    torch.manual_seed(0)
    network = CompactNet(norm=True)
    pictures = torch.randn(2, 1, 224, 224)
    network(pictures)  # moves the running figures
    network.eval()
    with torch.inference_mode():
        for folded, plain in zip(network.fused()(pictures), network(pictures), strict=True):
            torch.testing.assert_close(folded, plain, rtol=1e-4, atol=1e-5)


def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path: Path):
    path = tmp_path / "probe.safetensors"
    save_file({"weight": torch.zeros(2, 2)}, path, {"kind": "fetalstream.probe", "format_version": "1"})
    with pytest.raises(ModelError, match=r"kind 'fetalstream\.probe'") as caught:
        load_compact(path)
    assert "\n" not in str(caught.value)


def test_a_file_with_a_tensor_missing_is_refused_by_its_name(tmp_path: Path):
    with safe_open(EMBEDDED, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
        metadata = file.metadata()
    del tensors["head.bias"]
    path = tmp_path / "short.safetensors"
    save_file(tensors, path, metadata)
    with pytest.raises(ModelError, match=r"1 missing \(head\.bias\)"):
        load_compact(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(ModelError, match=r"nowhere\.safetensors"):
        load_compact(tmp_path / "nowhere.safetensors")
