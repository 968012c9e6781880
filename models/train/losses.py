"""What the student is asked: to agree with the teacher, and with what is known of the picture."""

from typing import cast

import torch
from einops import rearrange, reduce
from torch import Tensor
from torch.nn import functional

from ..sononet import CLASSES
from .inherit import teacher_column
from .stream import LABELS

TEMPERATURE = 2.0


def membership(device: torch.device | str = "cpu") -> Tensor:
    """(n c) float32, 1 where our label n counts as the teacher's class c."""
    table = torch.zeros(len(LABELS), len(CLASSES), device=device)
    for row, label in enumerate(LABELS):
        table[row, teacher_column(label)] = 1
    return table


def label_loss(logits: Tensor, allowed: Tensor) -> Tensor:
    """(b n), (b n) bool -> (b): minus log of the probability on the allowed labels; 0 where all are allowed."""
    inside = logits.masked_fill(~allowed, -torch.inf).logsumexp(dim=1)
    return logits.logsumexp(dim=1) - inside


def teacher_loss(logits: Tensor, teacher_logits: Tensor, allowed: Tensor, table: Tensor) -> Tensor:
    """(b n), (b c) -> (b): divergence from the teacher over its classes, softened.

    The student's probability of labels that the teacher does not tell apart is added up. Where a label is known, the
    teacher is heard only on the classes that it leaves open: truth goes before authority.
    """
    open_classes = (allowed.float() @ table) > 0
    target = (teacher_logits / TEMPERATURE).masked_fill(~open_classes, -torch.inf).softmax(dim=1)
    student = (logits / TEMPERATURE).softmax(dim=1) @ table
    student = student.masked_fill(~open_classes, 0)
    student = student / student.sum(dim=1, keepdim=True).clamp_min(1e-8)
    divergence = torch.where(target > 0, target * (target.clamp_min(1e-8).log() - student.clamp_min(1e-8).log()), 0)
    return TEMPERATURE**2 * divergence.sum(dim=1)


def feature_loss(student: Tensor, teacher: Tensor, scale: Tensor) -> Tensor:
    """(b d), (b d) pooled features -> (b): mean squared distance in units of the teacher's own spread (d)."""
    return reduce(((student - teacher) / scale).square(), "b d -> b", "mean")


def map_loss(student: Tensor, teacher: Tensor, windows: Tensor, scale: Tensor) -> Tensor:
    """(b d h w) maps, (b 4) windows of the picture in the student's square -> (b): distance where both look.

    The student's map is sampled at the places of the teacher's: the two see the picture at other sizes and shapes.
    """
    height, width = teacher.shape[2:]
    ys = (torch.arange(height, device=teacher.device) + 0.5) / height
    xs = (torch.arange(width, device=teacher.device) + 0.5) / width
    left, top, right, bottom = (rearrange(side, "b -> b 1 1") for side in windows.unbind(dim=1))
    grid_x = (left + (right - left) * xs[None, None, :]).expand(-1, height, -1)
    grid_y = (top + (bottom - top) * ys[None, :, None]).expand(-1, -1, width)
    grid = 2 * torch.stack([grid_x, grid_y], dim=-1) - 1
    sampled = functional.grid_sample(student.float(), grid, align_corners=False)
    distance = ((sampled - teacher) / rearrange(scale, "d -> 1 d 1 1")).square()
    return cast("Tensor", reduce(distance, "b d h w -> b", "mean"))
