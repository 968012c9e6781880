"""Public fakes of this pillar's seams: a model whose answers a test can write down beforehand."""

import hashlib
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .encoder import Features, Model
from .outputs import ModelIdentity, PlaneScores
from .planes import BACKGROUND

LEVELS_PER_PLANE = 20
"""Grey levels between one plane and the next: see `grey_of`."""


class GreyEncoder:
    """Embeds a picture as its mean grey level, (b 1); optionally as slowly as a large model.

    Args:
        seconds_per_batch: how long `encode` takes.
    """

    def __init__(self, *, seconds_per_batch: float = 0.0) -> None:
        self.seconds_per_batch = seconds_per_batch
        self.batch_sizes: list[int] = []

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(name="grey", sha256=hashlib.sha256(b"grey").hexdigest())

    @property
    def sees_colour(self) -> bool:
        return False

    def prepare(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(h w) or (h w 3) uint8 -> (1 1 1) uint8, the mean."""
        return torch.full((1, 1, 1), round(float(pixels.mean())), dtype=torch.uint8)

    def encode(self, prepared: list[Tensor]) -> Features:
        self.batch_sizes.append(len(prepared))
        if self.seconds_per_batch:
            time.sleep(self.seconds_per_batch)
        return Features(embedding=torch.stack(prepared).flatten(1).float())


class GreyHead:
    """Reads the plane off the grey level: black is background, `grey_of(label)` is that label."""

    def __init__(self, planes: Sequence[str], *, certainty: float = 0.95) -> None:
        self.labels = (BACKGROUND, *planes)
        self.certainty = certainty

    def __call__(self, features: Features) -> PlaneScores:
        columns = np.clip(np.rint(features.embedding[:, 0].numpy() / LEVELS_PER_PLANE), 0, len(self.labels) - 1)
        rest = (1 - self.certainty) / max(1, len(self.labels) - 1)
        scores = np.full((len(columns), len(self.labels)), rest, dtype=np.float32)
        scores[np.arange(len(columns)), columns.astype(int)] = self.certainty
        return PlaneScores(labels=self.labels, scores=scores)

    def grey_of(self, label: str) -> int:
        """The grey level that shows ``label``."""
        return self.labels.index(label) * LEVELS_PER_PLANE


def grey_model(planes: Sequence[str] = ("femur", "abdomen"), *, seconds_per_batch: float = 0.0) -> Model:
    """`GreyEncoder` and `GreyHead` as a loaded model."""
    return Model(encoder=GreyEncoder(seconds_per_batch=seconds_per_batch), planes=GreyHead(planes))
