"""The seam between pixels and embeddings: every image tower stands behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .. import FetalStreamError
from .outputs import ModelIdentity, PlaneScores


class ModelError(FetalStreamError):
    """A model or head cannot be loaded or used; the message names the file and what does not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What an encoder sees in a batch of pictures.

    Attributes:
        embedding: (b d) float32 as the tower gives it, *not* normalised: linear probes want it so.
        feature_map: (b c h w) float32 where the encoder has one, for segmentation and activation maps.
    """

    embedding: Tensor
    feature_map: Tensor | None = None

    def unit(self) -> Tensor:
        """(b d) float32, unit norm: what cosine similarity wants."""
        return self.embedding / self.embedding.norm(dim=-1, keepdim=True).clamp_min(1e-12)


class Encoder(Protocol):
    """Pixels in, embeddings out.

    Contract: ``prepare`` is pure, needs no accelerator and may run in several threads at a time; ``encode`` runs in one
    thread at a time. Neither keeps state between calls, so the result for a picture does not depend on its batch
    (beyond float rounding).
    """

    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def sees_colour(self) -> bool:
        """False: brightness alone is enough for `prepare`, and colours need not be converted."""
        ...

    def prepare(self, pixels: NDArray[np.uint8]) -> Tensor:
        """(h w) grey or (h w 3) RGB uint8 -> (c s s) uint8, padded and resized; c is 1 while grey suffices, else 3."""
        ...

    def encode(self, prepared: list[Tensor]) -> Features:
        """What `prepare` gave for b pictures (grey and colour may mix) -> Features of batch b."""
        ...


class PlaneHead(Protocol):
    """Embeddings in, plane scores out; must be able to answer "background"."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns of the scores; the first is "background"."""
        ...

    def __call__(self, features: Features) -> PlaneScores: ...


class TextEncoder(Protocol):
    """Sentences in, embeddings out, in the space of the pictures' embeddings. May be slow; safe for several threads."""

    identity: ModelIdentity
    context_length: int
    embed_dim: int

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """n sentences -> (n d) float32."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A loaded encoder and the plane head that goes with it.

    ``texts`` is the text tower of the encoder's weights, None where it has none or nobody needs it any more.
    """

    encoder: Encoder
    planes: PlaneHead
    texts: TextEncoder | None = None
