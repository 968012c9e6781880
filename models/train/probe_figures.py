"""How good probes are on patients they have not seen: figures of `probe.cross_validate`, and the card they go on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..heads.card import Card, data_table, figure_table
from ..heads.probe import ProbeHead
from ..metrics import Report, bootstrap_by_patient, expected_calibration_error, report
from ..planes import BACKGROUND
from .labels import Labelled
from .leaks import near_duplicates
from .probe import KEPT_SHARE, Recipe, Trial

ROUNDS = 500
_OF_FOLDS = (
    "They are of layers trained like this one on fewer patients, not of this layer itself: all patients taught it or "
    "chose its epoch."
)
_OF_SPLIT = "They are of layers trained like this one on the same patients, with other seeds; this layer is the first."

_NAMED = 10
"""Near duplicates that are named; the rest are counted."""


def figures(data: Labelled, trials: Sequence[Trial], *, rounds: int = ROUNDS) -> dict[str, Any]:
    """What ``fetalstream evaluate probe --json`` prints.

    Macro F1, accuracy and the figures per class are means over the trials (one layer each) with their standard
    deviation; a class that a fold has no picture of is left out of its mean. ``pooled`` takes the answers of all trials
    together, with intervals from drawing patients anew. The confusion adds up all runs.
    """
    reports = [_report(data, trial) for trial in trials]
    rows = np.concatenate([trial.rows for trial in trials])
    said = np.concatenate([_said(trial) for trial in trials])
    truth = data.targets[rows]
    confidence = np.concatenate([_confidence(trial) for trial in trials])
    found = {
        "pictures": len(data),
        "patients": len(set(data.patients)),
        "trials": len(trials),
        "runs": 1 + max(trial.run for trial in trials),
        "macro_f1": _spread([one.macro.f1 for one in reports]),
        "accuracy": _spread([one.accuracy for one in reports]),
        "per_class": _per_class(data, reports),
        "pooled": _pooled(data, rows, said, rounds),
        "confusion": {"labels": list(data.classes), "counts": _named_report(data, truth, said).confusion.tolist()},
        "expected_calibration_error": expected_calibration_error(confidence, said == truth),
        "epochs_kept": _spread([float(trial.epoch) for trial in trials]),
    }
    pairs = near_duplicates(data)
    return found | {
        "near_duplicates": {"count": len(pairs), "most_alike": [pair._asdict() for pair in pairs[:_NAMED]]},
    }


def few_shot_figures(data: Labelled, found: Mapping[int, Sequence[Trial]]) -> dict[str, Any]:
    """Shots -> macro F1 over the runs."""
    return {
        str(count): {
            "macro_f1": _spread([_report(data, trial).macro.f1 for trial in trials]),
            "taught": _spread([float(trial.taught) for trial in trials]),
            "runs": len(trials),
        }
        for count, trials in found.items()
    }


def probe_card(head: ProbeHead, data: Labelled, found: Mapping[str, Any], recipe: Recipe, *, source: str = "") -> Card:
    """The card of a head trained on ``data`` (from ``source``, in words), with the figures of its trials."""
    encoder, floor = data.encoder, ""
    if BACKGROUND not in data.classes:
        floor = (
            f"No picture of the background was taught: a best class below {head.min_score:.3f} counts as background. "
            f"That floor keeps {KEPT_SHARE:.0%} of right answers on patients not seen; how much background it lets "
            "through was not measured.\n"
        )
    mean, pooled = found["macro_f1"], found["pooled"]
    low, high = pooled["macro_f1_95"]
    rows = {
        label: (f"{one['f1']:.3f}", f"{one['f1_95'][0]:.3f} to {one['f1_95'][1]:.3f}")
        for label, one in pooled["per_class"].items()
    }
    alike = found["near_duplicates"]["count"]
    return Card(
        title="linear probe",
        what="Names the plane of a picture from the embedding of a frozen encoder.",
        facts={
            "encoder": f"{encoder.name} {encoder.version}, sha256 `{encoder.sha256}`",
            "recipe": str(recipe),
            "labels": ", ".join(f"`{label}`" for label in head.labels),
            "temperature": f"{head.temperature:.3f}, found on patients that had not taught the layer asked",
        },
        data=(f"From {source}.\n\n" if source else "") + data_table(data.counts()),
        results=(
            f"On patients that neither taught nor chose the layer ({found['trials']} layers, runs: {found['runs']}): "
            f"macro F1 {mean['mean']:.3f} (standard deviation {mean['deviation']:.3f} between layers); of all answers "
            f"together {pooled['macro_f1']:.3f} (95 % by patient: {low:.3f} to {high:.3f}), expected calibration error "
            f"{found['expected_calibration_error']:.3f}.\n\n"
            + figure_table(("class", "F1", "95 % by patient"), rows)
            + (f"\nPairs that look like copies though of different patients: {alike}.\n" if alike else "")
        ),
        limits=floor + "The figures hold for pictures like these. " + (_OF_SPLIT if data.splits else _OF_FOLDS),
    )


def _report(data: Labelled, trial: Trial) -> Report:
    return _named_report(data, data.targets[trial.rows], _said(trial))


def _named_report(data: Labelled, truth: NDArray[np.int64], said: NDArray[np.int64]) -> Report:
    names = data.classes
    return report([names[int(i)] for i in truth], [names[int(i)] for i in said], names)


def _said(trial: Trial) -> NDArray[np.int64]:
    return trial.logits.argmax(dim=1).numpy()


def _confidence(trial: Trial) -> NDArray[np.float32]:
    return torch.softmax(trial.logits / trial.temperature, dim=1).amax(dim=1).numpy()


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "deviation": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0}


def _per_class(data: Labelled, reports: Sequence[Report]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    counts = data.counts()
    for label in data.classes:
        there = [one.per_class[label] for one in reports if one.per_class[label].support]
        spreads = {
            key: _spread([asdict(one)[key] for one in there]) if there else {"mean": 0.0, "deviation": 0.0}
            for key in ("precision", "recall", "f1")
        }
        found[label] = {**spreads, "pictures": counts[label][0], "patients": counts[label][1]}
    return found


def _pooled(data: Labelled, rows: NDArray[np.intp], said: NDArray[np.int64], rounds: int) -> dict[str, Any]:
    """All answers together; draws without a picture of a class say nothing of that class."""
    truth = data.targets[rows]
    per_class: list[list[float]] = []

    def macro_f1(drawn: NDArray[np.intp]) -> float:
        found = _named_report(data, truth[drawn], said[drawn])
        per_class.append([one.f1 if one.support else np.nan for one in found.per_class.values()])
        return found.macro.f1

    interval = bootstrap_by_patient([data.patients[int(row)] for row in rows], macro_f1, rounds=rounds)
    bounds = np.nanquantile(np.array(per_class), [0.025, 0.975], axis=0).T.tolist()
    whole = _named_report(data, truth, said)
    return {
        "macro_f1": whole.macro.f1,
        "macro_f1_95": list(interval),
        "per_class": {
            label: {"f1": one.f1, "f1_95": bound}
            for (label, one), bound in zip(whole.per_class.items(), bounds, strict=True)
        },
    }
