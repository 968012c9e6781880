"""The linear probe against plain numpy, its reject rule, and its file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from fetalstream.models.encoder import Features, ModelError
from fetalstream.models.heads.probe import DOUBT_SOFTNESS, ProbeHead
from fetalstream.models.outputs import ModelIdentity

ENCODER = ModelIdentity(name="fetalclip", sha256="a" * 64, version="ViT-L/14@224")
OTHER = ModelIdentity(name="mobile", sha256="b" * 64)


def probe(
    labels: tuple[str, ...] = ("femur", "background", "brain"), *, seed: int = 0, temperature: float = 1.0,
    min_score: float = 0.5,
) -> ProbeHead:  # fmt: skip
    rng = torch.Generator().manual_seed(seed)
    weight, bias = torch.randn(len(labels), 8, generator=rng), torch.randn(len(labels), generator=rng)
    return ProbeHead(weight, bias, labels=labels, encoder=ENCODER, temperature=temperature, min_score=min_score)


def embeddings(count: int, seed: int = 1) -> Features:
    return Features(embedding=torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_a_trained_background_is_an_ordinary_class_that_moves_to_the_front() -> None:
    rng = np.random.default_rng(0)
    weight, bias, pictures = rng.normal(size=(3, 8)), rng.normal(size=3), rng.normal(size=(5, 8))
    head = ProbeHead(
        torch.from_numpy(weight), torch.from_numpy(bias), labels=("femur", "background", "brain"), encoder=ENCODER,
        temperature=2.0,
    )  # fmt: skip
    result = head(Features(embedding=torch.from_numpy(pictures).float()))
    assert result.labels == head.labels == ("background", "femur", "brain")
    expected = softmax((pictures @ weight.T + bias) / 2)[:, [1, 0, 2]]
    np.testing.assert_allclose(result.scores, expected, atol=1e-6)


def test_the_embedding_is_not_normalised() -> None:
    head, features = probe(), embeddings(3)
    doubled = Features(embedding=2 * features.embedding)
    assert not np.allclose(head(features).scores, head(doubled).scores)


@given(seed=st.integers(0, 200), min_score=st.floats(0.05, 0.95))
def test_without_a_trained_background_it_wins_exactly_below_min_score(seed: int, min_score: float) -> None:
    head = probe(("femur", "brain", "spine"), seed=seed, min_score=min_score)
    features = embeddings(16, seed)
    scores = head(features).scores
    best = head.logits(features.embedding).softmax(dim=1).amax(dim=1).numpy()
    clear = np.abs(best - min_score) > 1e-4
    np.testing.assert_array_equal((scores.argmax(axis=1) == 0)[clear], (best < min_score)[clear])
    ratio = scores[:, 0] / scores[:, 1:].max(axis=1)
    np.testing.assert_allclose(ratio, np.exp((min_score - best) / DOUBT_SOFTNESS), rtol=1e-3)


@given(seed=st.integers(0, 50), order=st.permutations(range(6)))
def test_the_score_of_a_picture_does_not_depend_on_its_place_in_the_batch(seed: int, order: list[int]) -> None:
    head, features = probe(("a", "b", "c"), seed=seed), embeddings(6, seed)
    moved = head(Features(embedding=features.embedding[order])).scores
    np.testing.assert_allclose(moved, head(features).scores[order], atol=1e-6)
    np.testing.assert_allclose(moved.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("labels", [("femur", "background", "brain"), ("femur", "brain")])
def test_a_saved_probe_comes_back_whole(labels: tuple[str, ...], tmp_path: Path) -> None:
    head = probe(labels, temperature=1.37, min_score=0.61)
    head.save(tmp_path / "probe.safetensors")
    back = ProbeHead.load(tmp_path / "probe.safetensors", encoder=ENCODER)
    assert (back.labels, back.encoder, back.temperature, back.min_score) == (head.labels, ENCODER, 1.37, 0.61)
    np.testing.assert_array_equal(back(embeddings(4)).scores, head(embeddings(4)).scores)


def test_a_probe_of_another_encoder_is_refused(tmp_path: Path) -> None:
    probe().save(tmp_path / "probe.safetensors")
    with pytest.raises(
        ModelError, match=r"was trained on fetalclip \(sha256 aaaaaaaaaaaa\), not on mobile \(sha256 bbb"
    ):
        ProbeHead.load(tmp_path / "probe.safetensors", encoder=OTHER)


def test_embeddings_of_another_length_are_refused() -> None:
    with pytest.raises(ModelError, match="reads embeddings of 8 numbers, not 7: it was trained on fetalclip"):
        probe()(Features(embedding=torch.zeros(1, 7)))


def _save(path: Path, **metadata: str) -> None:
    save_file({"weight": torch.zeros(1, 8), "bias": torch.zeros(1)}, path, metadata)


BAD_FILES = {
    "missing": (lambda path: None, "there is no such probe file"),
    "text": (lambda path: path.write_text("no probe"), "is a damaged probe file"),
    "other tensors": (lambda path: save_file({"x": torch.zeros(1)}, path), "is of kind None, format None"),
    "newer format": (
        lambda path: _save(path, kind="fetalstream.probe", format_version="2"),
        "format '2'; allowed: kind",
    ),
    "no labels": (lambda path: _save(path, kind="fetalstream.probe", format_version="1"), "is a damaged probe file"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_probe_file_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, message = BAD_FILES[kind]
    make(tmp_path / "probe.safetensors")
    with pytest.raises(ModelError, match=message) as raised:
        ProbeHead.load(tmp_path / "probe.safetensors", encoder=ENCODER)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("femur", "femur")}, "each label once"),
        ({"labels": ("background",), "weight": torch.zeros(1, 8), "bias": torch.zeros(1)}, "at least one plane"),
        ({"labels": ("femur", "brain", "spine")}, r"weights \(3 d\) and bias \(3\), not \(2, 8\) and \(2,\)"),
        ({"bias": torch.zeros(3)}, r"not \(2, 8\) and \(3,\)"),
        ({"temperature": 0.0}, "above 0, not 0.0"),
        ({"temperature": float("nan")}, "above 0, not nan"),
        ({"min_score": 1.0}, r"lies in \[0, 1\), not 1.0"),
    ],
)
def test_an_impossible_probe_is_refused(change: dict[str, object], message: str) -> None:
    parts = {"weight": torch.zeros(2, 8), "bias": torch.zeros(2), "labels": ("femur", "brain"), "encoder": ENCODER}
    with pytest.raises(ModelError, match=message):
        ProbeHead(**(parts | change))  # pyright: ignore[reportArgumentType]
