"""The teacher at work: batches of its pictures in, what it thinks of them out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange, reduce
from torch import Tensor
from torch.nn import functional

from ..sononet import SonoNet16, normalise, read_network
from .augment import Grey


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the teacher gives for b pictures.

    Attributes:
        logits: (b 14) float32.
        pooled: (b 64) float32, the mean of ``feature_map``.
        feature_map: (b 64 14 18) float32.
    """

    logits: Tensor
    pooled: Tensor
    feature_map: Tensor


class Teacher:
    """SonoNet16, frozen."""

    def __init__(self, weights_path: Path, *, device: torch.device | str, dtype: torch.dtype) -> None:
        self.network: SonoNet16 = read_network(weights_path).requires_grad_(False)
        self._fast = read_network(weights_path).requires_grad_(False)
        self._fast.to(device=device, dtype=dtype)
        self._fast.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's own overload gap
        self._device = device
        self._dtype = dtype

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> Opinion:
        """(b 1 224 288) uint8, whole pictures stretched."""
        feature_map = self._fast(self._input(pictures)).float()
        pooled = reduce(feature_map, "b d h w -> b d", "mean")
        classify = self._fast.classify
        assert classify.bias is not None
        logits = functional.linear(pooled, classify.weight[:, :, 0, 0].float(), classify.bias.float())
        return Opinion(logits=logits, pooled=pooled, feature_map=feature_map)

    def _input(self, pictures: Tensor) -> Tensor:
        normal = normalise(pictures.to(self._device, torch.float32))
        return normal.to(self._dtype).contiguous(memory_format=torch.channels_last)


def stack_greys(greys: list[Grey]) -> Tensor:
    """b pictures (h w) uint8 -> (b 1 h w) uint8."""
    return rearrange(torch.from_numpy(np.stack(greys)), "b h w -> b 1 h w")
