"""Zero-shot planes: the cosine between an image embedding and sentences, as published, and a reject rule beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from einops import einsum, reduce
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from ..encoder import Features, ModelError
from ..outputs import PlaneScores
from ..planes import BACKGROUND
from .prompts import Prompts
from .reject import with_background

LOGIT_SCALE = 100.0
"""Logits are 100 * cosine: the constant of the published evaluation, not the scale stored with the weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectRule:
    """When a picture shows none of the planes. Either part may be off (None); background prompts come on top.

    Attributes:
        min_similarity: cosine below which the best plane loses to the background. It acts like one more class that
            every picture resembles exactly this much.
        min_margin: cosine by which the best plane must lead the second best.
    """

    min_similarity: float | None = None
    min_margin: float | None = None

    def __post_init__(self) -> None:
        if self.min_similarity is not None and not -1 <= self.min_similarity <= 1:
            raise ModelError(f"min_similarity is a cosine, from -1 to 1, or off, not {self.min_similarity}")
        if self.min_margin is not None and not 0 <= self.min_margin <= 2:
            raise ModelError(f"min_margin is a difference of cosines, from 0 to 2, or off, not {self.min_margin}")

    def doubt(self, similarity: Tensor) -> Tensor | None:
        """(b n) cosines -> (b) log-odds of background against the best plane; None when no part speaks."""
        best = similarity.topk(min(2, similarity.shape[1]), dim=1).values
        parts: list[Tensor] = []
        if self.min_similarity is not None:
            parts.append(self.min_similarity - best[:, 0])
        if self.min_margin is not None and best.shape[1] == 2:
            parts.append(self.min_margin - (best[:, 0] - best[:, 1]))
        return torch.logsumexp(LOGIT_SCALE * torch.stack(parts), dim=0) if parts else None


class ZeroShotHead:
    """softmax(100 * cosine) over classes described in words, and background.

    Per class, the embeddings of its sentences are normalised, averaged and normalised again. Each kind of background
    is a class like the planes are, and the score of "background" is the sum over its kinds and the reject rule.

    Args:
        prompts: the sentences.
        embed: n sentences -> (n d), such as `TextTower.encode_text` or a cache before it; called once.
        rule: needed where the prompts describe no background, as in the published files.
    """

    def __init__(
        self, prompts: Prompts, embed: Callable[[Sequence[str]], Tensor], *, rule: RejectRule | None = None
    ) -> None:
        self.rule = rule or RejectRule()
        if not prompts.background and self.rule.doubt(torch.zeros(1, len(prompts.planes))) is None:
            raise ModelError(
                f"the prompts for {', '.join(prompts.planes)} describe no background, and the reject rule is off: "
                "give background prompts, min_similarity or (with two planes or more) min_margin"
            )
        self.labels = (BACKGROUND, *prompts.planes)
        groups = [*prompts.planes.values(), *prompts.background.values()]
        embeddings = embed(list(chain.from_iterable(groups)))
        self._classes = torch.stack([_class_embedding(own) for own in embeddings.split([len(g) for g in groups])])

    def similarity(self, features: Features) -> Tensor:
        """-> (b n+k): cosines to the n planes, then to the k kinds of background."""
        classes = self._classes.to(features.embedding.device)
        return einsum(features.unit().float(), classes, "b d, n d -> b n")

    @torch.no_grad()
    def probabilities(self, features: Features) -> NDArray[np.float32]:
        """-> (b n) over the planes alone, exactly as published: no background, so no answer for a stream."""
        planes = self.similarity(features)[:, : len(self.labels) - 1]
        return (LOGIT_SCALE * planes).softmax(dim=1).cpu().numpy()

    @torch.no_grad()
    def __call__(self, features: Features) -> PlaneScores:
        """Features of batch b -> `PlaneScores` of b rows."""
        planes, nothing = self.similarity(features).tensor_split([len(self.labels) - 1], dim=1)
        scores = with_background(
            LOGIT_SCALE * planes,
            doubt=self.rule.doubt(planes),
            background=(LOGIT_SCALE * nothing).logsumexp(dim=1) if nothing.shape[1] else None,
        )
        return PlaneScores(labels=self.labels, scores=scores.cpu().numpy())


def _class_embedding(sentences: Tensor) -> Tensor:
    """(n d) -> (d), unit norm."""
    mean = reduce(normalize(sentences.float(), dim=-1), "n d -> d", "mean")
    return normalize(mean, dim=-1)
