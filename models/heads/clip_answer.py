"""From logits of clips to one careful answer: aggregated, calibrated, at the prevalence at hand, or an abstention.

numpy only. Logits of a patient's clips are averaged before they become a probability: clips of one heart are no
independent witnesses, and a product of their odds would be far too sure.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoder import ModelError

Floats = NDArray[np.float64]

STRADDLES = "the interval holds the threshold"
DISAGREE = "the members of the head disagree"
UNLIKE = "unlike the hearts that the head was trained on"

_ROUNDS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What turns logits into probabilities and calls.

    Slope, offset, threshold, sensitivity and specificity come from one answer for each patient of training: that of the
    one member that was not fitted to this patient. So sensitivity and specificity are too good: the patient's fold
    stopped that member, and the threshold was set on the answers that they are counted on. In use the members answer
    together. The two limits were taken over all members and all patients of training.

    Attributes:
        slope, offset: probability = sigmoid(slope * logit + offset), at ``prevalence`` (Platt 1999); 1 / slope is a
            temperature.
        prevalence: share of affected patients in training, in (0, 1).
        threshold: calibrated logit, at ``prevalence``, from which a patient is called affected.
        sensitivity, specificity: of that call, counted with one success and one failure added each (the rule of
            succession): no finite set shows that a head never errs.
        max_spread: standard deviation between members, calibrated, above which the head abstains.
        max_distance: from the hearts of training (`ClipHead.distance`), above which the head abstains.
        level: share of draws inside an interval, in (0, 1).
    """

    slope: float = 1.0
    offset: float = 0.0
    prevalence: float = 0.5
    threshold: float = 0.0
    sensitivity: float = 0.5
    specificity: float = 0.5
    max_spread: float = float("inf")
    max_distance: float = float("inf")
    level: float = 0.9

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in ("prevalence", "sensitivity", "specificity", "level")}
        if wrong := {name: share for name, share in shares.items() if not 0 < share < 1}:
            raise ModelError(f"shares of a calibration lie between 0 and 1, not {wrong}")
        if not (self.slope > 0 and np.isfinite(self.slope)):
            raise ModelError(f"the slope of a calibration is above 0, not {self.slope}: it would turn scores round")
        if not np.isfinite([self.offset, self.threshold]).all() or self.max_spread < 0 or self.max_distance < 0:
            raise ModelError("offset and threshold are finite, max_spread and max_distance at least 0")

    def calibrated(self, logits: Floats) -> Floats:
        """Raw logits of any shape -> logits of the probability at the training's prevalence."""
        return self.slope * logits + self.offset

    def shift(self, prevalence: float) -> float:
        """What is added to a logit where another share of patients is affected: the ratio of prior odds."""
        check_prevalence(prevalence)
        return logit(prevalence) - logit(self.prevalence)

    def positive_predictive_value(self, prevalence: float) -> float:
        """Share of calls that would be right at this prevalence."""
        check_prevalence(prevalence)
        right = self.sensitivity * prevalence
        return right / (right + (1 - self.specificity) * (1 - prevalence))

    def as_dict(self) -> dict[str, Any]:
        """For a head file."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartAnswer:
    """What is said of one patient, or of one clip.

    Attributes:
        score: probability, in [0, 1], at ``prevalence``; told also when the head abstains.
        low, high: interval of the score, over members and over draws of the clips.
        threshold: score from which a patient is called affected, at ``prevalence``.
        called: whether the answer reaches the head's threshold; the prevalence moves both and changes no call.
        abstains: the head does not commit itself; ``reason`` says why.
        prevalence: what was assumed.
        positive_predictive_value: of a call about a patient at that prevalence, by the calibration's sensitivity and
            specificity; of a call about one clip it says nothing.
    """

    score: float
    low: float
    high: float
    threshold: float
    called: bool
    abstains: bool
    reason: str
    prevalence: float
    positive_predictive_value: float


def aggregate(
    logits: Floats, calibration: Calibration, *, prevalence: float, distance: float = 0.0, seed: int = 0
) -> HeartAnswer:
    """One answer from the raw logits of m members on c clips, those of one patient or a single one.

    Args:
        logits: (m c).
        calibration: of the head.
        prevalence: share of affected patients where the answer is used, in (0, 1).
        distance: of these clips from those of training (`ClipHead.distance`), their median.
        seed: of the draws.
    """
    if logits.ndim != 2 or not logits.size or not np.isfinite(logits).all():
        raise ModelError(f"an answer is made of finite logits (members clips), not of shape {logits.shape}")
    calibrated = calibration.calibrated(logits.astype(np.float64))
    shift = calibration.shift(prevalence)
    of_members = calibrated.mean(axis=1)
    middle = float(of_members.mean())
    low, high = _interval(calibrated, calibration.level, seed)
    low, high = min(low, middle), max(high, middle)
    reasons = {
        UNLIKE: distance > calibration.max_distance,
        DISAGREE: float(of_members.std()) > calibration.max_spread,
        STRADDLES: low < calibration.threshold <= high,
    }
    reason = next((text for text, holds in reasons.items() if holds), "")
    score, low, high, threshold = sigmoid(np.array([middle, low, high, calibration.threshold]) + shift).tolist()
    return HeartAnswer(
        score=score,
        low=low,
        high=high,
        threshold=threshold,
        called=middle >= calibration.threshold,
        abstains=bool(reason),
        reason=reason,
        prevalence=prevalence,
        positive_predictive_value=calibration.positive_predictive_value(prevalence),
    )


def _interval(calibrated: Floats, level: float, seed: int) -> tuple[float, float]:
    """Quantiles over draws of one member each, on clips drawn anew: what another training and other clips might say."""
    members, clips = calibrated.shape
    rng = np.random.default_rng([seed, 71])
    member = rng.integers(members, size=(_ROUNDS, 1))
    drawn = rng.integers(clips, size=(_ROUNDS, clips))
    low, high = np.quantile(calibrated[member, drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def check_prevalence(prevalence: float) -> None:
    """Raises `ModelError` where it is no share."""
    if not 0 < prevalence < 1:
        raise ModelError(f"a prevalence lies between 0 and 1, not {prevalence}")


def logit(share: float) -> float:
    """(0, 1) -> the real numbers."""
    return float(np.log(share) - np.log1p(-share))


def sigmoid(logits: Floats) -> Floats:
    """The real numbers -> (0, 1), for any size of argument."""
    return np.exp(-np.logaddexp(0.0, -logits))
