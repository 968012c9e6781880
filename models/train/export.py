"""From a trained student to the one file that the product loads: folded, calibrated, half precision."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..compact import FORMAT_VERSION, KIND, Parts
from ..compact_net import standardise
from .distill import Student
from .losses import label_loss
from .pictures import Example
from .stream import LABELS


def export(student: Student, path: Path, *, temperature: float, recipe: str) -> None:
    """Writes the student without batch norm; ``recipe`` says in one line how it was made."""
    parts = Parts(student.network.fused(), len(LABELS))
    parts.head.load_state_dict(student.head.state_dict())
    tensors = {key: value.half().contiguous() for key, value in parts.state_dict().items()}
    metadata = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "labels": json.dumps(LABELS),
        "temperature": repr(temperature),
        "recipe": recipe,
    }
    save_file(tensors, path, metadata)


def find_temperature(logits: Tensor, allowed: Tensor, weights: Tensor) -> float:
    """The temperature with the least weighted loss on pictures that training never saw.

    Args:
        logits: (b n); allowed: (b n) bool, what each may rightly be called; weights: (b), how much each counts.
    """
    grid = torch.logspace(-1, 1, 201)
    losses = torch.stack([(weights * label_loss(logits / t, allowed)).sum() for t in grid])
    return float(grid[losses.argmin()])


@torch.inference_mode()
def logits_of(student: Student, squares: Tensor) -> Tensor:
    """(b 1 224 224) uint8 -> (b n) float32, as the exported file will give them."""
    network = student.network.fused()
    chunks = [student.head(network(standardise(part.float()))[0]) for part in squares.split(16)]
    return torch.cat(chunks)


def allowed_mask(examples: Sequence[Example]) -> Tensor:
    """(b n) bool over `LABELS`."""
    return torch.tensor([[label in example.allowed for label in LABELS] for example in examples])
