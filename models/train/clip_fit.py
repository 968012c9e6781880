"""Training the heart head: an ensemble over folds of patients, calibrated on what each member was not fitted to."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..encoder import ModelError
from ..heads.clip_answer import Calibration, Floats
from ..heads.clip_head import ClipHead, ClipRecipe
from ..heads.clip_nets import NetKind, build_net
from ..heads.clip_timing import ClipTiming
from ..outputs import ModelIdentity
from .clip_table import ClipTable, by_patient, folds_by_patient
from .threads import one_thread

_BATCH = 64
_PATIENCE = 10
_SPREAD_QUANTILE = 0.98
_DISTANCE_MARGIN = 1.5

Report = Callable[[int, int, float], None]
"""Told member, epoch and validation loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTraining:
    """How a head is trained.

    Attributes:
        net: kind of network.
        members: of the ensemble; as many folds of patients, each held out by one member.
        width: of hidden layers.
        epochs: at most; a member stops when its held-out patients have gained nothing for ten.
        learning_rate, weight_decay: of AdamW.
        specificity: share of normal patients that the threshold is to leave alone.
        level: of intervals.
        seed: of folds, weights and batches.
    """

    net: NetKind = "conv"
    members: int = 5
    width: int = 64
    epochs: int = 60
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    specificity: float = 0.9
    level: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        if not (2 <= self.members <= 50 and 1 <= self.epochs <= 10_000):
            raise ModelError(f"a head has 2 to 50 members and 1 to 10000 epochs, not {self.members}, {self.epochs}")
        if not (0.5 <= self.specificity < 1 and 0.5 <= self.level < 1):
            raise ModelError(f"specificity and level lie in [0.5, 1), not {self.specificity} and {self.level}")


@one_thread()
def fit(
    table: ClipTable,
    training: ClipTraining,
    *,
    timing: ClipTiming,
    encoder: ModelIdentity,
    trained_on: str,
    report: Report = lambda *_: None,
) -> ClipHead:
    """A head for the clips of a table; seeded.

    Raises:
        ModelError: a patient with two labels, or too few patients of a kind for as many members.
    """
    fold = folds_by_patient(table, folds=training.members, seed=training.seed)
    centre, scale = _standard(table)
    recipe = ClipRecipe(
        net=training.net,
        dim=table.clips.shape[2],
        width=training.width,
        timing=timing,
        encoder=encoder,
        normal=table.normal,
        affected=tuple(sorted({label for label in table.labels if label != table.normal})),
        patients=len(set(table.patients)),
        clips=len(table),
        trained_on=trained_on,
    )
    inputs = (torch.from_numpy(table.clips) - centre[0]) / scale[0]
    truth = torch.from_numpy(table.affected.astype(np.float32))
    weights = _weights(table)
    members = [
        _member(number, inputs, truth, weights, fold != number, training, report) for number in range(training.members)
    ]
    raw = ClipHead(members, recipe=recipe, calibration=Calibration(), centre=centre, scale=scale)
    calibration = _calibrate(raw, table, fold, training)
    return ClipHead(
        members,
        recipe=recipe,
        calibration=calibration,
        centre=centre,
        scale=scale,
        seen=np.unique(table.digests, axis=0),
    )


def _standard(table: ClipTable) -> tuple[Tensor, Tensor]:
    """Mean and deviation of embeddings, (2 d) each: over frames, and over means of clips."""
    means = table.clips.mean(axis=1, dtype=np.float64)
    centre = np.stack([means.mean(axis=0), means.mean(axis=0)])
    over_frames = np.sqrt(((table.clips - centre[0].astype(np.float32)) ** 2).mean(axis=(0, 1), dtype=np.float64))
    scale = np.maximum(np.stack([over_frames, means.std(axis=0)]), 1e-6)
    return torch.from_numpy(centre).float(), torch.from_numpy(scale).float()


def _weights(table: ClipTable) -> Tensor:
    """(n): patients of a class weigh the same whatever the number of their clips, and both classes the same."""
    weights = np.zeros(len(table))
    patients = by_patient(table)
    for affected in (False, True):
        same = [patient for patient in patients if patient.affected is affected]
        for patient in same:
            weights[patient.rows] = 1 / (len(same) * len(patient.rows))
    return torch.from_numpy(weights * len(table) / 2).float()


def _member(
    number: int,
    inputs: Tensor,
    truth: Tensor,
    weights: Tensor,
    mine: NDArray[np.bool_],
    training: ClipTraining,
    report: Report,
) -> nn.Module:
    """One network, with the weights it had when its held-out patients were served best."""
    torch.manual_seed(1000 * training.seed + number)
    net = build_net(training.net, dim=inputs.shape[2], width=training.width)
    optimiser = torch.optim.AdamW(net.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    rng = np.random.default_rng([training.seed, number, 83])
    own, other = np.flatnonzero(mine), torch.from_numpy(~mine)
    best, since = (float("inf"), net.state_dict()), 0
    for epoch in range(training.epochs):
        net.train()
        for rows in _batches(rng.permutation(own)):
            loss = _loss(net, inputs[rows], truth[rows], weights[rows])
            optimiser.zero_grad()
            loss.backward()  # pyright: ignore[reportUnknownMemberType] - torch's gap
            optimiser.step()
        net.eval()
        with torch.inference_mode():
            held_out = float(_loss(net, inputs[other], truth[other], weights[other]))
        report(number, epoch, held_out)
        if held_out < best[0]:
            best, since = (held_out, {key: value.clone() for key, value in net.state_dict().items()}), 0
        elif (since := since + 1) >= _PATIENCE:
            break
    net.load_state_dict(best[1])
    return net.eval()


def _batches(order: NDArray[np.intp]) -> list[Tensor]:
    """Batches of about `_BATCH`; none of one clip, over which a batch norm has no deviation."""
    return [torch.from_numpy(part) for part in np.array_split(order, max(1, round(len(order) / _BATCH)))]


def _loss(net: nn.Module, clips: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(net(clips), truth, weight=weights, reduction="sum") / weights.sum()


def _calibrate(head: ClipHead, table: ClipTable, fold: NDArray[np.intp], training: ClipTraining) -> Calibration:
    """Platt's scaling and threshold from the one member of each patient that was not fitted to it.

    The patient's fold has stopped that member all the same, and the threshold is set on the same answers: sensitivity
    and specificity are too good. The limits of spread and distance are taken over the patients of training, whom the
    other members were fitted to.
    """
    logits = head.logits(table.clips)
    unseen = logits[fold, np.arange(len(table))]
    patients = by_patient(table)
    affected = np.array([patient.affected for patient in patients])
    said = np.array([unseen[patient.rows].mean() for patient in patients])
    slope, offset = platt(said, affected)
    calibrated = slope * said + offset
    threshold = float(np.quantile(calibrated[~affected], training.specificity))
    called = calibrated >= threshold
    spread = np.array([(slope * logits[:, p.rows].mean(axis=1)).std() for p in patients])
    distances = head.distance(table.clips)
    distance = np.array([np.median(distances[p.rows]) for p in patients])
    return Calibration(
        slope=slope,
        offset=offset,
        prevalence=float(affected.mean()),
        threshold=threshold,
        sensitivity=float((called[affected].sum() + 1) / (affected.sum() + 2)),
        specificity=float(((~called[~affected]).sum() + 1) / ((~affected).sum() + 2)),
        max_spread=float(np.quantile(spread, _SPREAD_QUANTILE)),
        max_distance=float(distance.max() * _DISTANCE_MARGIN),
        level=training.level,
    )


def platt(logits: Floats, affected: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the probability sigmoid(slope * logit + offset), (n) each (Platt 1999).

    Targets are (k + 1) / (k + 2) and 1 / (l + 2) for k affected and l normal patients, as there: a set that falls
    apart perfectly still does not ask for certainty. The slope is above 0.
    """
    right, wrong = int(affected.sum()), int((~affected).sum())
    target = torch.from_numpy(np.where(affected, (right + 1) / (right + 2), 1 / (wrong + 2)))
    said = torch.from_numpy(logits)
    log_slope, offset = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    parts = [log_slope.requires_grad_(), offset.requires_grad_()]
    optimiser = torch.optim.LBFGS(parts, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(log_slope.exp() * said + offset, target)
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        return loss

    optimiser.step(closure)  # pyright: ignore[reportArgumentType]
    slope, moved = float(log_slope.detach().clamp(-6, 6).exp()), float(offset.detach())
    if not np.isfinite([slope, moved]).all():
        raise ModelError("the scores of the held-out patients cannot be calibrated: they are not finite")
    return slope, moved
