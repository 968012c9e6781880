"""The compact network: plain 3 x 3 convolutions that a CPU runs at full tilt, 1.7 M parameters.

Its trunk has SonoNet16's shape, so that training can start from the teacher's own kernels (see ``train/inherit.py``).
A context branch at stride 32 sees the whole picture, which the teacher cannot.
"""

from itertools import pairwise
from typing import cast

import torch
from einops import rearrange, reduce
from torch import Tensor, nn
from torch.nn import functional

INPUT_PX = 224
INHERITED_DIM = 64
CONTEXT_DIM = 192
EMBEDDING_DIM = INHERITED_DIM + CONTEXT_DIM
MAP_CHANNELS = 128

_STAGE_WIDTHS = ((1, 16, 16), (16, 32, 32), (32, 64, 64, 64), (64, 128, 128, 128), (128, 128, 128, MAP_CHANNELS))

_LOWEST_STD = 6.0
"""Grey levels: below this a picture holds no anatomy, and stretching it would make noise look like tissue."""


class ConvRelu(nn.Module):
    """Convolution (same padding), batch norm while training, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, *, stride: int = 1, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride=stride, padding=(size - 1) // 2, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.02) if norm else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return functional.relu_(x if self.norm is None else self.norm(x))

    def folded(self) -> tuple[Tensor, Tensor]:
        """Kernel and bias of the one convolution that gives the same as convolution and batch norm."""
        if self.norm is None:
            return self.conv.weight.detach(), cast("Tensor", self.conv.bias).detach()
        assert self.norm.running_mean is not None
        assert self.norm.running_var is not None
        scale = self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()
        kernel = self.conv.weight * rearrange(scale, "o -> o 1 1 1")
        return kernel.detach(), (self.norm.bias - self.norm.running_mean * scale).detach()


class CompactNet(nn.Module):
    """(b 1 224 224) standardised grey -> embedding (b 256) and feature map (b 128 14 14).

    Args:
        norm: with batch norm, for training; without, for use (`fused` makes the second from the first).

    Attributes:
        stages: five at strides 1, 2, 4, 8 and 16, as the teacher's.
        squeeze: 1 x 1 to 64 channels, as the teacher's.
        context: stride 32, the part the teacher has not.
    """

    def __init__(self, *, norm: bool = False) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvRelu(i, o, norm=norm) for i, o in pairwise(widths))) for widths in _STAGE_WIDTHS
        )
        self.squeeze = ConvRelu(MAP_CHANNELS, INHERITED_DIM, 1, norm=norm)
        self.context = nn.Sequential(ConvRelu(MAP_CHANNELS, 256, norm=norm), ConvRelu(256, CONTEXT_DIM, norm=norm))

    def trunk(self, x: Tensor) -> Tensor:
        """(b 1 224 224) -> feature map (b 128 14 14)."""
        for number, stage in enumerate(self.stages):
            x = stage(functional.max_pool2d(x, 2) if number else x)
        return x

    def pool(self, feature_map: Tensor) -> tuple[Tensor, Tensor]:
        """(b 128 14 14) -> embedding (b 256) and the squeezed map (b 64 14 14) behind its first part."""
        squeezed = self.squeeze(feature_map)
        context = self.context(functional.max_pool2d(feature_map, 2))
        parts = [reduce(part.float(), "b c h w -> b c", "mean") for part in (squeezed, context)]
        return torch.cat(parts, dim=1), squeezed

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        feature_map = self.trunk(x)
        return self.pool(feature_map)[0], feature_map

    def fused(self) -> "CompactNet":
        """The same function without batch norm."""
        plain = CompactNet(norm=False)
        blocks = {name: module for name, module in self.named_modules() if isinstance(module, ConvRelu)}
        for name, module in plain.named_modules():
            if isinstance(module, ConvRelu):
                kernel, bias = blocks[name].folded()
                with torch.no_grad():
                    module.conv.weight.copy_(kernel)
                    cast("Tensor", module.conv.bias).copy_(bias)
        return plain.eval()


def standardise(pictures: Tensor) -> Tensor:
    """(b 1 s s) float32 grey levels 0 to 255 -> (x - mean) / std by each picture's own figures: gain drops out."""
    mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
    std = pictures.std(dim=(1, 2, 3), keepdim=True, correction=0)
    return (pictures - mean) / std.clamp_min(_LOWEST_STD)
