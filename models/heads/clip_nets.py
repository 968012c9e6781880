"""Networks over a clip of frame embeddings, (b t d) -> one logit each.

What they are handed is standardised (mean 0, deviation 1 for each number of an embedding, over the training's frames).
"""

from typing import Literal, get_args

import torch
from einops import rearrange, reduce
from torch import Tensor, nn

from ..encoder import ModelError

NetKind = Literal["mean", "attention", "conv"]
NET_KINDS: tuple[NetKind, ...] = get_args(NetKind)

_FLOOR = 1e-4
"""Added before a logarithm: the energy of a number that does not change at all."""


def net_kind(name: str) -> NetKind:
    """The kind that a user named; raises `ModelError` where there is none."""
    for kind in NET_KINDS:
        if kind == name:
            return kind
    raise ModelError(f"a clip head is of kind {', '.join(NET_KINDS)}, not {name!r}")


def build_net(kind: NetKind, *, dim: int, width: int = 64) -> nn.Module:
    """A network with random weights.

    Args:
        kind: "mean", "attention" or "conv".
        dim: d, numbers of an embedding.
        width: of hidden layers; "mean" has none.
    """
    match kind:
        case "mean":
            return MeanProbe(dim)
        case "attention":
            return GatedAttention(dim, width)
        case "conv":
            return TemporalConv(dim, width)


class MeanProbe(nn.Module):
    """One linear layer on the mean embedding: FetalCLIP's protocol for CHD (Maani et al. 2025)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.out = nn.Linear(dim, 1)

    def forward(self, clips: Tensor) -> Tensor:
        return self.out(reduce(clips, "b t d -> b d", "mean"))[:, 0]


class GatedAttention(nn.Module):
    """A weighted mean of frames, the weights from a gated attention (Ilse et al. 2018, eq. 9)."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.frame = nn.Sequential(nn.Dropout(0.2), nn.Linear(dim, width), nn.GELU())
        self.tanh = nn.Linear(width, width // 2)
        self.gate = nn.Linear(width, width // 2)
        self.weight = nn.Linear(width // 2, 1)
        self.out = nn.Sequential(nn.Dropout(0.3), nn.Linear(width, 1))

    def forward(self, clips: Tensor) -> Tensor:
        frames = self.frame(clips)
        weights = self.weight(self.tanh(frames).tanh() * self.gate(frames).sigmoid()).softmax(dim=1)
        return self.out(reduce(weights * frames, "b t w -> b w", "sum"))[:, 0]


class TemporalConv(nn.Module):
    """What changes over the beat: projections of the embedding, filtered over time, and the energy left of each.

    The clip's own mean is taken off first; it goes round the filters, for what does not move. Energies are pooled as
    logarithms, so that a strong beat and a faint one differ by a shift.
    """

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, width, bias=False)
        self.filter = nn.Conv1d(width, width, 3, padding=1, groups=width, bias=False)
        self.norm = nn.BatchNorm1d(3 * width, affine=False)
        self.out = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(3 * width, width), nn.GELU(), nn.Dropout(0.3), nn.Linear(width, 1)
        )
        self.drop = nn.Dropout(0.2)

    def forward(self, clips: Tensor) -> Tensor:
        still = reduce(clips, "b t d -> b 1 d", "mean")
        keep = self.drop(torch.ones_like(still))  # the same numbers left out in every frame of a clip
        moving = rearrange(self.project((clips - still) * keep), "b t w -> b w t")
        energies = [
            (reduce(part.square(), "b w t -> b w", "mean") + _FLOOR).log() for part in (moving, self.filter(moving))
        ]
        parts = torch.cat([*energies, self.project(still * keep)[:, 0]], dim=1)
        return self.out(self.norm(parts))[:, 0]
