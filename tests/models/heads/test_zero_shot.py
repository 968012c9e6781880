"""The zero-shot head against plain numpy, and its reject rule."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from fetalstream.models.encoder import Features, ModelError
from fetalstream.models.heads.prompts import Prompts
from fetalstream.models.heads.zero_shot import RejectRule, ZeroShotHead

WORDS = Prompts(
    planes={"brain": ("b1", "b2", "b3"), "femur": ("f1",)}, background={"noise": ("n1", "n2"), "menu": ("m",)}
)
BARE = Prompts(planes=WORDS.planes)
OFF = RejectRule()


def vector(text: str, dims: int = 12) -> NDArray[np.float64]:
    """A fixed vector per text, of any length."""
    return np.random.default_rng(list(text.encode())).normal(size=dims) * len(text)


def embed(texts: Sequence[str]) -> Tensor:
    return torch.from_numpy(np.stack([vector(text) for text in texts])).float()


def pictures(count: int, seed: int = 0) -> Features:
    return Features(embedding=torch.randn(count, 12, generator=torch.Generator().manual_seed(seed)) * 5)


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def class_vector(texts: Sequence[str]) -> NDArray[np.float64]:
    return unit(np.mean([unit(vector(text)) for text in texts], axis=0))


def powers(features: Features, groups: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """(b n): e to the 100 * cosine."""
    classes = np.stack([class_vector(texts) for texts in groups])
    return np.exp(100 * unit(features.embedding.double().numpy()) @ classes.T)


def test_plain_probabilities_are_the_published_rule() -> None:
    features = pictures(6)
    expected = powers(features, list(WORDS.planes.values()))
    expected /= expected.sum(axis=1, keepdims=True)
    for prompts, rule in ((WORDS, OFF), (BARE, RejectRule(min_similarity=0.9))):
        plain = ZeroShotHead(prompts, embed, rule=rule).probabilities(features)
        np.testing.assert_allclose(plain, expected, atol=1e-4)


def test_background_is_the_sum_over_its_kinds() -> None:
    features = pictures(6)
    planes, nothing = powers(features, list(WORDS.planes.values())), powers(features, list(WORDS.background.values()))
    result = ZeroShotHead(WORDS, embed)(features)
    expected = np.concatenate([nothing.sum(axis=1, keepdims=True), planes], axis=1)
    assert result.labels == ("background", "brain", "femur")
    np.testing.assert_allclose(result.scores, expected / expected.sum(axis=1, keepdims=True), atol=1e-4)


def test_the_floor_acts_like_a_class_that_every_picture_resembles_equally() -> None:
    features = pictures(6)
    planes = powers(features, list(BARE.planes.values()))
    scores = ZeroShotHead(BARE, embed, rule=RejectRule(min_similarity=0.1))(features).scores
    expected = np.concatenate([np.full((6, 1), np.exp(10)), planes], axis=1)
    np.testing.assert_allclose(scores, expected / expected.sum(axis=1, keepdims=True), atol=1e-4)


@given(seed=st.integers(0, 300), floor=st.floats(-0.5, 0.9))
def test_below_the_floor_the_background_wins_and_above_it_the_plane(seed: int, floor: float) -> None:
    head = ZeroShotHead(BARE, embed, rule=RejectRule(min_similarity=floor))
    features = pictures(8, seed)
    best = head.similarity(features).amax(dim=1).numpy()
    clear = np.abs(best - floor) > 1e-4
    np.testing.assert_array_equal((head(features).scores.argmax(axis=1) == 0)[clear], (best < floor)[clear])


@given(seed=st.integers(0, 300), margin=st.floats(0, 0.5))
def test_background_wins_when_the_best_plane_leads_by_less_than_the_margin(seed: int, margin: float) -> None:
    head = ZeroShotHead(BARE, embed, rule=RejectRule(min_margin=margin))
    features = pictures(8, seed)
    second, best = np.sort(head.similarity(features).numpy(), axis=1)[:, -2:].T
    clear = np.abs(best - second - margin) > 1e-4
    expected = (best - second < margin)[clear]
    np.testing.assert_array_equal((head(features).scores.argmax(axis=1) == 0)[clear], expected)


@given(seed=st.integers(0, 50), order=st.permutations(range(5)), scale=st.floats(0.01, 100))
def test_scores_depend_neither_on_the_batch_nor_on_the_length_of_the_embedding(
    seed: int, order: list[int], scale: float
) -> None:
    head = ZeroShotHead(WORDS, embed, rule=RejectRule(min_similarity=0.2, min_margin=0.05))
    features = pictures(5, seed)
    moved = head(Features(embedding=features.embedding[order] * scale)).scores
    np.testing.assert_allclose(moved, head(features).scores[order], atol=1e-4)
    np.testing.assert_allclose(moved.sum(axis=1), 1, atol=1e-5)
    assert moved.dtype == np.float32


def test_the_sentences_are_embedded_once_and_together() -> None:
    calls: list[list[str]] = []

    def counting(texts: Sequence[str]) -> Tensor:
        calls.append(list(texts))
        return embed(texts)

    head = ZeroShotHead(WORDS, counting)
    head(pictures(2))
    head(pictures(3))
    assert calls == [["b1", "b2", "b3", "f1", "n1", "n2", "m"]]


@pytest.mark.parametrize(
    ("planes", "rule"),
    [({"brain": ("b",), "femur": ("f",)}, OFF), ({"brain": ("b",)}, RejectRule(min_margin=0.1))],
    ids=["rule off", "a margin needs two planes"],
)
def test_a_head_that_could_never_say_background_is_refused(
    planes: dict[str, tuple[str, ...]], rule: RejectRule
) -> None:
    with pytest.raises(ModelError, match="describe no background, and the reject rule is off"):
        ZeroShotHead(Prompts(planes=planes), embed, rule=rule)


@pytest.mark.parametrize(
    ("similarity", "margin", "message"),
    [(1.5, None, "from -1 to 1, or off, not 1.5"), (30, None, "not 30"), (None, -0.1, "from 0 to 2, or off, not -0.1")],
)
def test_an_impossible_rule_is_refused(similarity: float | None, margin: float | None, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        RejectRule(min_similarity=similarity, min_margin=margin)
