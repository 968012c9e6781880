"""Ways to turn scores into segments, side by side on sweeps whose truth is known.

A segment is right when a true visit of its plane overlaps it by half or more of their union (each visit is met once).
``onset`` is where the event says the plane began, ``said`` when that was known: a way that looks back may date a visit
rightly and late. ``flicker`` is how often the label on the screen changes for each true change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...models import BACKGROUND
from ..config import Config
from ..planes.agreement import Interval
from ..planes.plane_filter import Dwell, runs, viterbi
from ..planes.segments import Change, Left
from ..planes.tracking import dwell_for, segmenter_for, smoothing_for
from .phantom_exam import Sweep

MIN_OVERLAP = 0.5
AVERAGED_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Told:
    """What one way made of one sweep: the label shown with each frame, and the segments."""

    shown: list[str]
    segments: list[Interval]


Way = Callable[[Sweep], Told]


def ways(low_pass: Config, hidden_markov: Config) -> dict[str, Way]:
    """Name -> way, from the plainest on. The configurations differ in ``smoothing.kind`` and what follows from it."""
    return {
        "per-frame argmax": _argmax,
        f"moving average {AVERAGED_SECONDS:g} s": _moving_average,
        "low-pass and hysteresis": lambda one: _tracked(one, low_pass),
        "hidden Markov, live": lambda one: _tracked(one, hidden_markov),
        "hidden Markov, Viterbi": lambda one: _viterbi(one, dwell_for(hidden_markov)),
    }


def contest(sweeps: Sequence[Sweep], by: dict[str, Way]) -> dict[str, dict[str, Any]]:
    """Way -> its figures over all sweeps; times in seconds, None where nothing was found."""
    return {name: figures(sweeps, [way(one) for one in sweeps]) for name, way in by.items()}


def figures(sweeps: Sequence[Sweep], told: Sequence[Told]) -> dict[str, Any]:
    """Counts, segment F1, median onset and said delays, and flicker of what was told of each sweep."""
    right = found = visits = changes = true_changes = 0
    onset: list[float] = []
    said: list[float] = []
    for one, this in zip(sweeps, told, strict=True):
        truth = [Interval(*visit) for visit in one.visits]
        right += matched(this.segments, truth)
        found, visits = found + len(this.segments), visits + len(truth)
        changes += sum(a != b for a, b in pairwise(this.shown))
        true_changes += sum(a != b for a, b in pairwise(one.truth))
        for visit in truth:
            meeting = [s.start_seconds for s in this.segments if s.plane == visit.plane and _overlap(s, visit) > 0]
            onset += [min(meeting) - visit.start_seconds] if meeting else []
            seen = [
                float(seconds) - visit.start_seconds
                for seconds, label in zip(one.pts_seconds, this.shown, strict=True)
                if label == visit.plane and visit.start_seconds <= seconds < visit.end_seconds
            ]
            said += seen[:1]
    return {
        "visits": visits,
        "segments": found,
        "right": right,
        "segment_f1": 2 * right / (found + visits) if found + visits else 1.0,
        "median_onset_delay_seconds": float(np.median(onset)) if onset else None,
        "median_said_delay_seconds": float(np.median(said)) if said else None,
        "flicker": changes / true_changes if true_changes else None,
    }


def matched(found: Sequence[Interval], truth: Sequence[Interval]) -> int:
    """How many of ``found`` are right; the best overlaps are taken first."""
    pairs = sorted(
        (
            (_overlap(a, b), i, j)
            for i, a in enumerate(found)
            for j, b in enumerate(truth)
            if a.plane == b.plane and _overlap(a, b) >= MIN_OVERLAP
        ),
        reverse=True,
    )
    taken: set[tuple[str, int]] = set()
    count = 0
    for _, i, j in pairs:
        if ("found", i) not in taken and ("truth", j) not in taken:
            taken |= {("found", i), ("truth", j)}
            count += 1
    return count


def _overlap(a: Interval, b: Interval) -> float:
    """Intersection over union, in [0, 1]."""
    both = min(a.end_seconds, b.end_seconds) - max(a.start_seconds, b.start_seconds)
    either = max(a.end_seconds, b.end_seconds) - min(a.start_seconds, b.start_seconds)
    return max(0.0, both) / either if either > 0 else 0.0


def _argmax(one: Sweep) -> Told:
    return Told(one.said, list(runs(one.said, one.pts_seconds)))


def _moving_average(one: Sweep) -> Told:
    shown: list[str] = []
    for seconds in one.pts_seconds:
        window = (one.pts_seconds <= seconds) & (one.pts_seconds > seconds - AVERAGED_SECONDS)
        shown.append(one.labels[int(one.scores[window].mean(axis=0).argmax())])
    return Told(shown, list(runs(shown, one.pts_seconds)))


def _tracked(one: Sweep, config: Config) -> Told:
    smoothing, segmenter = smoothing_for(config, one.labels), segmenter_for(config, one.labels)
    shown: list[str] = []
    changes: list[Change] = []
    for index, (seconds, scores) in enumerate(zip(one.pts_seconds.tolist(), one.scores, strict=True)):
        changes += segmenter.update(index, seconds, smoothing.update(seconds, scores), scores)
        shown.append(segmenter.plane or BACKGROUND)
    changes += segmenter.finish()
    left = [change for change in changes if isinstance(change, Left)]
    return Told(shown, [Interval(c.plane, c.start_seconds, c.end_seconds) for c in left])


def _viterbi(one: Sweep, dwell: Dwell) -> Told:
    shown = viterbi(one.labels, one.pts_seconds, one.scores, dwell)
    return Told(shown, list(runs(shown, one.pts_seconds)))
