"""The student starts from the teacher's own kernels: what the teacher knows of rare planes need not be learnt anew."""

from collections.abc import Callable
from typing import cast

import torch
from einops import rearrange
from torch import Tensor, nn

from ..compact_net import INHERITED_DIM, CompactNet, ConvRelu
from ..planes import BACKGROUND, Plane
from ..sononet import CLASSES, INPUT_GAIN, SonoNet16
from .stream import LABELS

NEAREST: dict[str, str] = {Plane.TRANSTHALAMIC: Plane.TRANSVENTRICULAR, Plane.CERVIX: BACKGROUND}
"""What the teacher calls the planes it does not know."""


def teacher_column(label: str) -> int:
    """The teacher's class that stands for one of our labels."""
    names = [name for _, name in CLASSES]
    return names.index(NEAREST.get(label, label))


def inherit(student: CompactNet, head: nn.Linear, teacher: SonoNet16) -> None:
    """Copies the teacher's five stages, its squeeze and its classes into a student with batch norm.

    Batch norm starts as the identity; `settle` then gives it the true figures.
    """
    pairs: list[tuple[ConvRelu, nn.Conv2d]] = [(student.squeeze, teacher.squeeze)]
    for ours, theirs in zip(student.stages, teacher.stages, strict=True):
        blocks, convolutions = cast("nn.Sequential", ours), cast("nn.ModuleList", theirs)
        pairs += [(cast("ConvRelu", b), cast("nn.Conv2d", c)) for b, c in zip(blocks, convolutions, strict=True)]
    with torch.no_grad():
        for block, convolution in pairs:
            assert block.norm is not None
            block.conv.weight.copy_(convolution.weight)
            block.norm.weight.fill_(1)
            block.norm.bias.copy_(cast("Tensor", convolution.bias))
            cast("Tensor", block.norm.running_mean).zero_()
            cast("Tensor", block.norm.running_var).fill_(1 - block.norm.eps)
        first = cast("ConvRelu", cast("nn.Sequential", student.stages[0])[0])
        first.conv.weight.mul_(INPUT_GAIN)  # the student's input has deviation 1
        rows = [teacher_column(label) for label in LABELS]
        head.weight.zero_()
        head.weight[:, :INHERITED_DIM] = teacher.classify.weight[rows, :, 0, 0]
        head.bias.copy_(cast("Tensor", teacher.classify.bias)[rows])
        for label in NEAREST:
            head.bias[LABELS.index(label)] -= 1.0  # the nearest class keeps its place until the data says otherwise


@torch.no_grad()
def settle(student: CompactNet, pictures: Tensor) -> None:
    """Gives each batch norm the figures that ``pictures`` (b 1 s s) produce, the function unchanged.

    A norm that stood as y = x + bias becomes gain * (x - mean) / std + shift with the channel's true mean and std, and
    the kernel is scaled so that std is 1. Training can then go on in training mode, and from weights of usual size.
    """
    blocks = [module for module in student.modules() if isinstance(module, ConvRelu)]
    handles = [block.conv.register_forward_hook(_measuring(block)) for block in blocks]
    student.eval()
    student(pictures)
    for handle in handles:
        handle.remove()


def _measuring(block: ConvRelu) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
    def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        norm = block.norm
        assert norm is not None
        running_mean, running_var = cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
        slope = norm.weight / (running_var + norm.eps).sqrt()
        shift = norm.bias - running_mean * slope
        mean, std = output.mean((0, 2, 3)), output.std((0, 2, 3)).clamp_min(1e-3)
        block.conv.weight.div_(rearrange(std, "c -> c 1 1 1"))
        running_mean.copy_(mean / std)
        running_var.fill_(1)
        norm.weight.copy_(slope * std * (1 + norm.eps) ** 0.5)
        norm.bias.copy_(shift + mean * slope)
        return output / rearrange(std, "c -> 1 c 1 1")

    return hook
