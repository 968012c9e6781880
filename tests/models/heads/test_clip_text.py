"""The law of hearts judged by sentences: both classes always speak, and random weights prove plumbing only."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.clip_text import CLASSES, ClipTextHead, load_heart_prompts
from fetalstream.models.heads.prompts import Prompts
from fetalstream.models.towers import Architecture, load_towers
from fetalstream.models.train import clip_exam, clip_judge
from fetalstream.models.train.clip_table import ClipTable

PROMPTS = Prompts(planes={"normal": ("a", "b"), "affected": ("c",)})
DIRECTIONS = {"a": (1.0, 0.0, 0.0), "b": (3.0, 0.0, 0.0), "c": (0.0, 2.0, 0.0)}


def embed(texts: Sequence[str]) -> Tensor:
    return torch.tensor([DIRECTIONS[text] for text in texts])


def clips(*directions: tuple[float, float, float]) -> np.ndarray:
    return np.array([[direction] * 5 for direction in directions], dtype=np.float32)


def test_a_clip_is_as_affected_as_its_frames_resemble_those_sentences_more():
    logits = ClipTextHead(PROMPTS, embed).logits(clips((9, 0, 0), (0, 9, 0), (1, 1, 0)))
    assert logits.shape == (1, 3)
    assert logits[0] == pytest.approx([-100, 100, 0], abs=1e-3)


def test_every_sentence_of_both_classes_is_embedded():
    asked: list[str] = []

    def listen(texts: Sequence[str]) -> Tensor:
        asked.extend(texts)
        return torch.ones(len(texts), 3)

    ClipTextHead(load_heart_prompts(), listen)
    prompts = load_heart_prompts()
    assert asked == [*prompts.planes["normal"], *prompts.planes["affected"]]
    assert len(set(asked)) == len(asked) >= 8


def test_sentences_for_other_classes_are_refused(tmp_path: Path):
    path = tmp_path / "prompts.yaml"
    path.write_text("normal: [a heart]\nbroken: [another]\n")
    with pytest.raises(ModelError, match="for normal, broken, not for normal and affected"):
        load_heart_prompts(path)
    assert CLASSES == ("normal", "affected")


def test_towers_with_random_weights_go_all_the_way_to_figures(tiny: Architecture, tiny_weights: Path):
    """Plumbing only: what random weights say means nothing."""
    towers = load_towers(tiny, tiny_weights, device="cpu", dtype="float32")
    head = ClipTextHead(load_heart_prompts(), towers.text.encode_text)
    rng = np.random.default_rng(1)
    pictures = [towers.image.prepare(rng.integers(0, 255, (40, 40), dtype=np.uint8)) for _ in range(12 * 4)]
    embedded = towers.image.encode(pictures).embedding.float().numpy().reshape(12, 4, -1)
    table = ClipTable(
        clips=embedded,
        cines=tuple(f"{number}.mkv" for number in range(12)),
        patients=tuple(f"p{number // 2}" for number in range(12)),
        labels=tuple(("normal", "defect")[number // 2 % 2] for number in range(12)),
        normal="normal",
        digests=np.arange(96, dtype=np.uint8).reshape(12, 8),
    )
    exam = clip_exam.exam_by_text(head, table)
    figures = clip_judge.summary(exam.found, normal="normal", rounds=20)
    assert figures["patients"]["count"] == 6
    assert "scores stay the same when all labels are turned round" in exam.checks
