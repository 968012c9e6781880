"""Training a linear probe by FetalCLIP's recipe, again and again: five folds by patient, five runs.

Frozen image tower, its embedding not normalised, one linear layer, cross-entropy, AdamW 3e-4 with weight decay 0.01,
batches of 64, at most 50 epochs, the epoch with the least loss on validation patients (arXiv 2502.14807).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..encoder import ModelError
from ..heads.probe import ProbeHead
from ..planes import BACKGROUND
from .export import find_temperature
from .folds import Folds, Parts
from .labels import Labelled
from .threads import one_thread

KEPT_SHARE = 0.95
"""Without a background class: so much of what is named rightly stays above ``min_score``."""

MOST_MIN_SCORE = 0.99

SHOTS = (1, 2, 4, 8, 16, 32, 64)
"""FetalCLIP's few-shot protocol: pictures per class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a layer is trained; the defaults are the published ones.

    Attributes:
        learning_rate, weight_decay: of AdamW.
        batch: pictures per step.
        epochs: most that are tried.
        balanced: classes weigh in the loss as if all had as many pictures.
    """

    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    batch: int = 64
    epochs: int = 50
    balanced: bool = False

    def __str__(self) -> str:
        weights = ", classes weighed alike" if self.balanced else ""
        return (
            f"one linear layer on the frozen embedding, not normalised; cross-entropy{weights}, AdamW "
            f"{self.learning_rate:g}, weight decay {self.weight_decay:g}, batch {self.batch}, at most {self.epochs} "
            "epochs, the one with the least validation loss"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A trained layer: weight (n d), bias (n), the epoch it is of (from 1), and its loss on validation patients."""

    weight: Tensor
    bias: Tensor
    epoch: int
    loss: float

    def __call__(self, embedding: Tensor) -> Tensor:
        """(b d) -> (b n) logits."""
        return functional.linear(embedding, self.weight, self.bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One layer before patients it has not seen.

    Attributes:
        run, fold: which of the trials this is.
        rows: (m) rows of the table that judged it.
        logits: (m n) what it said of them.
        temperature: found on its validation patients, not on those that judge.
        epoch: the one that was kept.
        taught: how many pictures taught it.
    """

    run: int
    fold: int
    rows: NDArray[np.intp]
    logits: Tensor
    temperature: float
    epoch: int
    taught: int


@one_thread()
def fit_layer(
    data: Labelled, *, train: NDArray[np.bool_], validation: NDArray[np.bool_], recipe: Recipe, seed: int
) -> Layer:
    """Trains on the rows ``train`` marks, and keeps the epoch that does best on those ``validation`` marks."""
    classes = len(data.classes)
    embedding, target = torch.from_numpy(data.embedding), torch.from_numpy(data.targets)
    teach, truth = embedding[torch.from_numpy(train)], target[torch.from_numpy(train)]
    other, other_truth = embedding[torch.from_numpy(validation)], target[torch.from_numpy(validation)]
    weights = _class_weights(truth, classes) if recipe.balanced else None
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        layer = torch.nn.Linear(embedding.shape[1], classes)
        optimiser = torch.optim.AdamW(
            layer.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, foreach=True
        )
        best: Layer | None = None
        for epoch in range(1, recipe.epochs + 1):
            for rows in torch.randperm(len(teach)).split(recipe.batch):
                optimiser.zero_grad()
                functional.cross_entropy(layer(teach[rows]), truth[rows], weight=weights).backward()
                optimiser.step()
            with torch.no_grad():
                loss = float(functional.cross_entropy(layer(other), other_truth, weight=weights))
            if best is None or loss < best.loss:
                parts = (layer.weight.detach().clone(), layer.bias.detach().clone())
                best = Layer(weight=parts[0], bias=parts[1], epoch=epoch, loss=loss)
    if best is None or not np.isfinite(best.loss):
        raise ModelError("the loss on validation patients is no number: is the learning rate too high?")
    return best


def cross_validate(
    data: Labelled,
    recipe: Recipe,
    *,
    folds: int = 5,
    runs: int = 5,
    seed: int = 0,
    progress: Callable[[], None] = lambda: None,
) -> list[Trial]:
    """``runs`` times ``folds`` layers, each judged by patients that neither taught nor chose it.

    Run r deals the patients anew, with seed + r. Where the table has splits, each run trains on the same ones with
    another seed. ``progress`` is called after each layer.

    Raises:
        ModelError: too few patients.
    """
    return list(_trials(data, recipe, _splits(data, folds=folds, runs=runs, seed=seed), seed=seed, progress=progress))


def trials_of(data: Labelled, *, folds: int, runs: int) -> int:
    """How many layers `cross_validate` trains."""
    return runs if data.splits else folds * runs


def few_shot(
    data: Labelled,
    recipe: Recipe,
    *,
    shots: Sequence[int] = SHOTS,
    folds: int = 5,
    runs: int = 5,
    seed: int = 0,
    progress: Callable[[], None] = lambda: None,
) -> dict[int, list[Trial]]:
    """FetalCLIP's few-shot protocol: ``runs`` layers for each number of pictures per class.

    Run r draws the pictures from the patients that teach in its first fold (all there are, where a class has fewer);
    validation and test patients are whole.
    """
    splits = [next(_splits(data, folds=folds, runs=1, seed=seed + run)) for run in range(runs)]
    found: dict[int, list[Trial]] = {}
    for count in shots:
        few = (
            (run, fold, replace(parts, train=_draw(data, parts.train, count, seed=seed + run)))
            for run, (_, fold, parts) in enumerate(splits)
        )
        found[count] = list(_trials(data, recipe, few, seed=seed, progress=progress))
    return found


def train_head(data: Labelled, recipe: Recipe, trials: Sequence[Trial], *, folds: int = 5, seed: int = 0) -> ProbeHead:
    """The head to use: all patients teach but those of one fold, which choose the epoch (or as the table splits them).

    Temperature, and without a background class the floor under which a picture is background, come from patients that
    the layers had not seen: those that judged the ``trials``, or the table's own validation patients.
    """
    if data.splits:
        parts = Parts.named(data.splits, data.patients)
        train, validation = parts.train, parts.validation
    else:
        validation = Folds.by_patient(data.patients, labels=data.labels, count=folds, seed=seed).place == 0
        train = ~validation
    layer = fit_layer(data, train=train, validation=validation, recipe=recipe, seed=seed)
    if data.splits:
        logits = layer(torch.from_numpy(data.embedding[validation]))
        truth = torch.from_numpy(data.targets[validation])
    else:
        logits = torch.cat([trial.logits for trial in trials])
        truth = torch.from_numpy(np.concatenate([data.targets[trial.rows] for trial in trials]))
    temperature = _temperature(logits, truth)
    floor = {} if BACKGROUND in data.classes else {"min_score": _floor(logits / temperature, truth)}
    return ProbeHead(
        layer.weight, layer.bias, labels=data.classes, encoder=data.encoder, temperature=temperature, **floor
    )


def _splits(data: Labelled, *, folds: int, runs: int, seed: int) -> Iterator[tuple[int, int, Parts]]:
    """Run, fold and who teaches, chooses and judges."""
    for run in range(runs):
        if data.splits:
            parts = Parts.named(data.splits, data.patients)
            if not parts.test.any():
                raise ModelError("the table's column split names no row for test: there is nothing to judge by")
            yield run, 0, parts
        else:
            dealt = Folds.by_patient(data.patients, labels=data.labels, count=folds, seed=seed + run)
            yield from ((run, fold, parts) for fold, parts in enumerate(dealt))


def _trials(
    data: Labelled,
    recipe: Recipe,
    splits: Iterator[tuple[int, int, Parts]],
    *,
    seed: int,
    progress: Callable[[], None],
) -> Iterator[Trial]:
    embedding, target = torch.from_numpy(data.embedding), torch.from_numpy(data.targets)
    for run, fold, parts in splits:
        layer = fit_layer(data, train=parts.train, validation=parts.validation, recipe=recipe, seed=seed + run)
        chosen = torch.from_numpy(parts.validation)
        yield Trial(
            run=run,
            fold=fold,
            rows=np.flatnonzero(parts.test),
            logits=layer(embedding[torch.from_numpy(parts.test)]),
            temperature=_temperature(layer(embedding[chosen]), target[chosen]),
            epoch=layer.epoch,
            taught=int(parts.train.sum()),
        )
        progress()


def _draw(data: Labelled, rows: NDArray[np.bool_], count: int, *, seed: int) -> NDArray[np.bool_]:
    """At most ``count`` of ``rows`` for each class."""
    rng = np.random.default_rng(seed)
    drawn = np.zeros(len(data), dtype=np.bool_)
    for number in range(len(data.classes)):
        there = rng.permutation(np.flatnonzero(rows & (data.targets == number)))
        drawn[there[:count]] = True
    return drawn


def _class_weights(truth: Tensor, classes: int) -> Tensor:
    """Inverse frequency, 1 on average over the pictures; a class nobody teaches weighs nothing."""
    counts = torch.bincount(truth, minlength=classes).float()
    return torch.where(counts > 0, len(truth) / (counts.clamp_min(1) * (counts > 0).sum()), 0.0)


@one_thread()
def _temperature(logits: Tensor, truth: Tensor) -> float:
    allowed = functional.one_hot(truth, logits.shape[1]).bool()
    return find_temperature(logits, allowed, torch.full((len(truth),), 1 / len(truth)))


def _floor(logits: Tensor, truth: Tensor) -> float:
    best, said = logits.softmax(dim=1).max(dim=1)
    right = best[said == truth]
    return min(float(right.quantile(1 - KEPT_SHARE)), MOST_MIN_SCORE) if len(right) else 0.5
