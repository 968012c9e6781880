"""Which plane is in view, as a hidden Markov model in media time: forward while live, Viterbi once all is seen.

States are the background and the planes, each with a dwell time: a plane is a chain of phases, passed one after the
other, so that a visit of a few frames is improbable and a long one is not (an Erlang dwell, the simplest hidden
semi-Markov model; Rabiner 1989, section IV.D, tells why a geometric one is wrong). Planes that share a body part
(`fetalstream.models.planes.GROUPS`: the brain's three, the heart's four) follow each other without background between;
other planes seldom do. Times are in seconds, so nothing depends on the frame rate: the chance to move on is the
exponential of rates and time, and what a frame says counts for the time since the last one, for neighbouring frames say
much the same.

Pure: no video, no clock, no threads. `PlaneFilter.update` stands where `ExponentialSmoothing.update` does: thresholds
and times of `segments` follow it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...models.planes import BACKGROUND, GROUPS
from .agreement import Interval

Floats = NDArray[np.float64]

_STEPS: Final = 12  # a time is cut into 2^12 parts: rates are below 100 per second, so that each is small
_ROUNDED: Final = 4  # digits of a second to which times between frames are told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwell:
    """How long things last and how much scores are believed.

    Attributes:
        plane_seconds: mean length of a visit.
        background_seconds: mean time between visits.
        phases: of a visit, at least 1; more make its length surer.
        sibling_share: of the ends of visits, part that go straight to another plane of the same body part.
        stranger_share: part that go straight to a plane of another; the rest goes to the background.
        evidence_seconds: time after which a frame counts as new evidence; frames closer count in proportion.
        doubt: part of each score that is noise, in (0, 1): no single frame can rule a plane out.
    """

    plane_seconds: float = 2.5
    background_seconds: float = 1.5
    phases: int = 2
    sibling_share: float = 0.1
    stranger_share: float = 0.02
    evidence_seconds: float = 0.08
    doubt: float = 0.05

    def __post_init__(self) -> None:
        times = (self.plane_seconds, self.background_seconds, self.evidence_seconds)
        if not all(0.05 <= time <= 3600 for time in times):
            raise ValueError(f"plane, background and evidence take 0.05 to 3600 s, not {times}")
        if not 1 <= self.phases <= 8:
            raise ValueError(f"a visit has 1 to 8 phases, not {self.phases}")
        shares = (self.sibling_share, self.stranger_share)
        if min(shares) < 0 or sum(shares) > 1:
            raise ValueError(f"sibling_share and stranger_share are parts of 1, not {shares}")
        if not 0 < self.doubt < 1:
            raise ValueError(f"doubt lies in (0, 1), not {self.doubt}")


class _Chain:
    """The states of some labels, and how they follow each other. Shared by the filter and Viterbi."""

    def __init__(self, labels: Sequence[str], dwell: Dwell) -> None:
        if not labels or labels[0] != BACKGROUND or len(set(labels)) != len(labels):
            raise ValueError(f"labels start with {BACKGROUND!r} and stand once each, not {tuple(labels)}")
        self.labels = tuple(labels)
        self.dwell = dwell
        planes = len(labels) - 1
        self.owner = np.concatenate([[0], 1 + np.repeat(np.arange(planes), dwell.phases)]).astype(np.intp)
        self.first = np.concatenate([[0], 1 + dwell.phases * np.arange(planes)]).astype(np.intp)
        self._rates = self._generator()
        self.moves = lru_cache(maxsize=256)(self._moves)

    def start(self) -> Floats:
        """(s) before anything was seen: most likely nothing, all planes alike."""
        chances = np.zeros(len(self.owner))
        chances[0] = 1.0 if len(self.first) == 1 else 0.5
        chances[self.first[1:]] = 0.5 / max(1, len(self.first) - 1)
        return chances

    def elapsed(self, gap_seconds: float) -> Floats:
        """(s s) chance to be in a state after so long."""
        return self.moves(round(gap_seconds, _ROUNDED))

    def likelihood(self, scores: NDArray[np.floating], gap_seconds: float) -> Floats:
        """(n) scores in [0, 1] -> (s): how well each state explains them, for a frame that long after the last."""
        believed = (1 - self.dwell.doubt) * np.clip(scores, 0, 1).astype(np.float64) + self.dwell.doubt / len(scores)
        weight = min(1.0, gap_seconds / self.dwell.evidence_seconds)
        return (believed**weight)[self.owner]

    def _generator(self) -> Floats:
        """(s s) rates per second; rows sum to 0."""
        dwell, count = self.dwell, len(self.labels)
        rates = np.zeros((len(self.owner),) * 2)
        if count > 1:
            rates[0, self.first[1:]] = 1 / dwell.background_seconds / (count - 1)
        phase_rate = dwell.phases / dwell.plane_seconds
        for plane in range(1, count):
            first = self.first[plane]
            last = first + dwell.phases - 1
            for state in range(first, last):
                rates[state, state + 1] = phase_rate
            for other, share in self._after(plane).items():
                rates[last, self.first[other]] = phase_rate * share
        np.fill_diagonal(rates, -rates.sum(axis=1))
        return rates

    def _after(self, plane: int) -> Mapping[int, float]:
        """Label -> chance that it follows ``plane``."""
        count = len(self.labels)
        mine = [members for members in GROUPS.values() if self.labels[plane] in members]
        siblings = [o for o in range(1, count) if o != plane and any(self.labels[o] in group for group in mine)]
        strangers = [o for o in range(1, count) if o != plane and o not in siblings]
        to_siblings = self.dwell.sibling_share if siblings else 0.0
        to_strangers = self.dwell.stranger_share if strangers else 0.0
        return (
            {other: to_siblings / len(siblings) for other in siblings}
            | {other: to_strangers / len(strangers) for other in strangers}
            | {0: 1 - to_siblings - to_strangers}
        )

    def _moves(self, gap_seconds: float) -> Floats:
        step = np.eye(len(self._rates)) + self._rates * (gap_seconds / 2**_STEPS)
        moves = np.linalg.matrix_power(step, 2**_STEPS)
        return moves / moves.sum(axis=1, keepdims=True)


class PlaneFilter:
    """The forward algorithm: after each frame, how likely each label is given all frames so far.

    Args:
        labels: columns of the scores, background first.
        dwell: the model.
        max_gap_seconds: longest pause that is bridged; after a longer one, or time that falls, it starts afresh.
    """

    def __init__(self, labels: Sequence[str], dwell: Dwell = Dwell(), *, max_gap_seconds: float = 2.0) -> None:
        self._chain = _Chain(labels, dwell)
        self._max_gap_seconds = max_gap_seconds
        self._last_seconds: float | None = None
        self._state = self._chain.start()

    def update(self, pts_seconds: float, scores: NDArray[np.floating]) -> Floats:
        """(n) scores of one frame in [0, 1] -> (n) probabilities, which sum to 1."""
        chain = self._chain
        if scores.shape != (len(chain.labels),):
            raise ValueError(f"scores are ({len(chain.labels)}), one per label, not {scores.shape}")
        gap_seconds = None if self._last_seconds is None else pts_seconds - self._last_seconds
        if gap_seconds is None or not 0 <= gap_seconds <= self._max_gap_seconds:
            prior, gap_seconds = chain.start(), chain.dwell.evidence_seconds
        else:
            prior = self._state @ chain.elapsed(gap_seconds)
        joint = prior * chain.likelihood(scores, gap_seconds)
        self._state = joint / joint.sum()
        self._last_seconds = pts_seconds
        return np.asarray(np.bincount(chain.owner, self._state, minlength=len(chain.labels)), dtype=np.float64)

    def reset(self) -> None:
        """Forget everything: the next frame starts afresh."""
        self._last_seconds = None


def group_probabilities(labels: Sequence[str], probabilities: Floats) -> dict[str, float]:
    """The coarse answer: body part -> summed probability of its planes; surer than any one of them."""
    return {
        name: float(sum(p for label, p in zip(labels, probabilities, strict=True) if label in members))
        for name, members in GROUPS.items()
        if any(label in members for label in labels)
    }


def viterbi(
    labels: Sequence[str],
    pts_seconds: Sequence[float] | Floats,
    scores: NDArray[np.floating],
    dwell: Dwell = Dwell(),
) -> list[str]:
    """The single most likely course of a finished recording: (b) rising times, (b n) scores -> (b) labels.

    Pauses are bridged whatever their length; part a recording where its signal was lost.
    """
    chain = _Chain(labels, dwell)
    if scores.shape != (len(pts_seconds), len(labels)):
        raise ValueError(f"scores are ({len(pts_seconds)} {len(labels)}), not {scores.shape}")
    if not len(pts_seconds):
        return []
    gaps = np.diff(np.asarray(pts_seconds, dtype=np.float64))
    if (gaps < 0).any():
        raise ValueError("pts_seconds must not fall")
    with np.errstate(divide="ignore"):
        best = np.log(chain.start()) + np.log(chain.likelihood(scores[0], chain.dwell.evidence_seconds))
        came_from: list[NDArray[np.intp]] = []
        for row, gap_seconds in zip(scores[1:], gaps.tolist(), strict=True):
            ways = best[:, None] + np.log(chain.elapsed(gap_seconds))
            came_from.append(ways.argmax(axis=0))
            best = ways.max(axis=0) + np.log(chain.likelihood(row, gap_seconds))
    path = [int(best.argmax())]
    for origins in reversed(came_from):
        path.append(int(origins[path[-1]]))
    return [chain.labels[chain.owner[state]] for state in reversed(path)]


def runs(labels: Sequence[str], pts_seconds: Sequence[float] | Floats) -> Iterator[Interval]:
    """(b) labels at (b) times -> each stretch of one plane; it ends where the next label begins."""
    times = [float(seconds) for seconds in pts_seconds]
    step = times[-1] - times[-2] if len(times) > 1 else 0.0
    ends = [*times[1:], times[-1] + step] if times else []
    start = 0
    for index in range(len(labels)):
        if index + 1 == len(labels) or labels[index + 1] != labels[start]:
            if labels[start] != BACKGROUND:
                yield Interval(labels[start], times[start], ends[index])
            start = index + 1
