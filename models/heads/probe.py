"""A linear probe: one layer on the frozen encoder's embedding, the published way to add classes to FetalCLIP."""

import json
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..encoder import Features, ModelError
from ..files import check_header
from ..outputs import ModelIdentity, PlaneScores
from ..planes import BACKGROUND
from .head_file import check_encoder, encoder_in, encoder_metadata, save_head
from .reject import with_background

KIND = "fetalstream.probe"
FORMAT_VERSION = "1"
DOUBT_SOFTNESS = 0.05
"""Probability by which the best plane must fall short of ``min_score`` for the background to gain a factor of e."""


class ProbeHead:
    """softmax((W e + b) / temperature) on the embedding e as the tower gives it, not normalised.

    Reject rule: a class named "background" among the labels is the background. Without one, a best plane whose
    probability lies below ``min_score`` loses to the background (see `reject`).

    Args:
        weight: (n d), one row per label.
        bias: (n).
        labels: what the rows stand for, "background" at any place or nowhere.
        encoder: the weights whose embeddings the layer was trained on; it means nothing on others.
        temperature: above 1 softens the scores; found on validation data.
        min_score: in [0, 1); used only where the labels hold no background.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        *,
        labels: tuple[str, ...],
        encoder: ModelIdentity,
        temperature: float = 1.0,
        min_score: float = 0.5,
    ) -> None:
        planes = tuple(label for label in labels if label != BACKGROUND)
        if not planes or len(set(labels)) != len(labels):
            raise ModelError(f"a probe has at least one plane and each label once, not {labels}")
        if weight.ndim != 2 or len(weight) != len(labels) or bias.shape != weight.shape[:1]:
            raise ModelError(
                f"a probe with {len(labels)} labels has weights ({len(labels)} d) and bias ({len(labels)}), "
                f"not {tuple(weight.shape)} and {tuple(bias.shape)}"
            )
        if not (np.isfinite(temperature) and temperature > 0):
            raise ModelError(f"temperature is a number above 0, not {temperature}")
        if not 0 <= min_score < 1:
            raise ModelError(f"min_score lies in [0, 1), not {min_score}")
        order = sorted(range(len(labels)), key=lambda row: labels[row] != BACKGROUND)  # stable: background, then planes
        self._weight = weight.detach().float()[order]
        self._bias = bias.detach().float()[order]
        self._knows_background = BACKGROUND in labels
        self.labels = (BACKGROUND, *planes)
        self.encoder = encoder
        self.temperature = float(temperature)
        self.min_score = float(min_score)

    def logits(self, embedding: Tensor) -> Tensor:
        """(b d) -> (b n) over the classes that were trained, background first if it was one of them."""
        if embedding.shape[-1] != self._weight.shape[1]:
            raise ModelError(
                f"this probe reads embeddings of {self._weight.shape[1]} numbers, not {embedding.shape[-1]}: "
                f"it was trained on {self.encoder.name}"
            )
        device = embedding.device
        return torch.nn.functional.linear(embedding.float(), self._weight.to(device), self._bias.to(device))

    @torch.inference_mode()
    def __call__(self, features: Features) -> PlaneScores:
        """Features of batch b -> `PlaneScores` of b rows."""
        logits = self.logits(features.embedding) / self.temperature
        if self._knows_background:
            scores = with_background(logits[:, 1:], background=logits[:, 0])
        else:
            best = logits.softmax(dim=1).amax(dim=1)
            scores = with_background(logits, doubt=(self.min_score - best) / DOUBT_SOFTNESS)
        return PlaneScores(labels=self.labels, scores=scores.cpu().numpy())

    def save(self, path: Path) -> None:
        """Writes one safetensors file: the layer, and in its metadata everything else; see `save_head`."""
        trained = self.labels if self._knows_background else self.labels[1:]
        metadata = {
            "kind": KIND,
            "format_version": FORMAT_VERSION,
            "labels": json.dumps(trained),
            "temperature": repr(self.temperature),
            "min_score": repr(self.min_score),
            **encoder_metadata(self.encoder),
        }
        save_head(path, {"weight": self._weight, "bias": self._bias}, metadata)

    @classmethod
    def load(cls, path: Path, *, encoder: ModelIdentity) -> Self:
        """Reads what `save` wrote.

        Raises:
            ModelError: the file is no probe, is damaged, or was trained on an encoder other than ``encoder``.
        """
        if not path.is_file():
            raise ModelError(f"{path}: there is no such probe file")
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                check_header(metadata, kind=KIND, format_version=FORMAT_VERSION, path=path)
                weight, bias = file.get_tensor("weight"), file.get_tensor("bias")
                trained_on = encoder_in(metadata)
                labels = tuple(json.loads(metadata["labels"]))
                temperature, min_score = float(metadata["temperature"]), float(metadata["min_score"])
        except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
            raise ModelError(f"{path} is a damaged probe file: {' '.join(str(error).split())}") from error
        check_encoder(trained_on, encoder, path=path, made="trained", gives="scores")
        return cls(weight, bias, labels=labels, encoder=trained_on, temperature=temperature, min_score=min_score)
