"""The last step of a run: calibrate on validation, write the file, and say how good it is on what it never saw."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..compact import load_compact
from ..compact_net import INPUT_PX
from ..encoder import Model
from ..metrics import expected_calibration_error, report
from ..preprocess import prepare
from ..sononet import CLASSES, load_sononet
from .distill import Student
from .export import allowed_mask, export, find_temperature, logits_of
from .inherit import teacher_column
from .pictures import Example, Grey, PhantomMaker, Split
from .stream import LABELS

VALIDATION_PHANTOMS = 240
_FIRST_VALIDATION_NUMBER = 2**40
"""Training draws phantoms by numbers below 2**31."""
_BATCH = 8


def finish(
    student: Student,
    examples: Sequence[Example],
    path: Path,
    *,
    teacher: Path,
    phantom: PhantomMaker | None,
    recipe: str,
) -> dict[str, Any]:
    """Writes ``path`` and returns the figures for the model card."""
    real = [example for example in examples if example.split is Split.VALIDATION]
    phantoms = [phantom(_FIRST_VALIDATION_NUMBER + i) for i in range(VALIDATION_PHANTOMS)] if phantom else []
    temperature = _calibrate(student, real, phantoms)
    export(student, path, temperature=temperature, recipe=recipe)
    model, peer = load_compact(path, device="cpu"), load_sononet(teacher, device="cpu")
    figures: dict[str, Any] = {"temperature": temperature}
    for split in (Split.VALIDATION, Split.TEST):
        if held_out := [example for example in examples if example.split is split]:
            figures[split.value] = _real_figures(model, peer, held_out)
    if phantoms:
        figures["phantom"] = _phantom_figures(model, phantoms)
    return figures


def _calibrate(student: Student, real: Sequence[Example], phantoms: Sequence[tuple[Grey, str]]) -> float:
    """One temperature for both worlds: real pictures and phantoms count the same, however many there are of each."""
    greys = [*(example.grey for example in real), *(grey for grey, _ in phantoms)]
    if not greys:
        return 1.0
    squares = [prepare(grey, INPUT_PX) for grey in greys]
    known = torch.tensor([[label == truth for label in LABELS] for _, truth in phantoms], dtype=torch.bool)
    known = known.reshape(-1, len(LABELS))
    allowed = torch.cat([allowed_mask(real), known])
    shares = [1 / max(len(real), 1)] * len(real) + [1 / max(len(phantoms), 1)] * len(phantoms)
    return find_temperature(logits_of(student, torch.stack(squares)), allowed, torch.tensor(shares))


def _real_figures(model: Model, peer: Model, examples: Sequence[Example]) -> dict[str, Any]:
    """Right or not by what each picture may be called, and how often both models mean the same class."""
    greys = [example.grey for example in examples]
    ours, theirs = _scores(model, greys), _scores(peer, greys)
    columns = [model.planes.labels.index(label) for label in LABELS]
    peer_names = [str(name) for _, name in CLASSES]
    theirs = theirs[:, [peer.planes.labels.index(name) for name in peer_names]]
    merged = np.zeros_like(theirs)
    for row, label in enumerate(LABELS):
        merged[:, teacher_column(label)] += ours[:, columns[row]]
    allowed = allowed_mask(examples).numpy()
    share = (ours[:, columns] * allowed).sum(axis=1)  # on what it may be called; above half: right, and sure of it
    return {
        "pictures": len(examples),
        "right": _right_by_kind(examples, ours[:, columns]),
        "teacher_right": _right_by_kind(examples, _teacher_on_our_labels(theirs)),
        "probability_on_truth": float(share.mean()),
        "agreement_with_teacher": float((merged.argmax(axis=1) == theirs.argmax(axis=1)).mean()),
    }


def _teacher_on_our_labels(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return scores[:, [teacher_column(label) for label in LABELS]]


def _right_by_kind(examples: Sequence[Example], scores: NDArray[np.float32]) -> dict[str, str]:
    """Kind -> "right of all"; a tie between labels that the teacher does not tell apart counts as right."""
    counts: dict[str, list[int]] = {}
    best = scores >= scores.max(axis=1, keepdims=True)
    for row, example in enumerate(examples):
        count = counts.setdefault(f"{example.origin}: {example.kind}", [0, 0])
        count[0] += any(best[row, LABELS.index(label)] for label in example.allowed)
        count[1] += 1
    return {kind: f"{right} of {total}" for kind, (right, total) in sorted(counts.items())}


def _phantom_figures(model: Model, phantoms: Sequence[tuple[Grey, str]]) -> dict[str, Any]:
    scores = _scores(model, [grey for grey, _ in phantoms])
    truth = [label for _, label in phantoms]
    said = [model.planes.labels[column] for column in scores.argmax(axis=1)]
    found = report(truth, said, sorted(set(truth)))
    right = np.array([one == other for one, other in zip(truth, said, strict=True)])
    return {
        "pictures": len(phantoms),
        "accuracy": found.accuracy,
        "macro_f1": found.macro.f1,
        "expected_calibration_error": expected_calibration_error(scores.max(axis=1), right),
    }


def _scores(model: Model, greys: Sequence[Grey]) -> NDArray[np.float32]:
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(greys), _BATCH):
        prepared: list[Tensor] = [model.encoder.prepare(grey) for grey in greys[start : start + _BATCH]]
        parts.append(model.planes(model.encoder.encode(prepared)).scores)
    return np.concatenate(parts)
