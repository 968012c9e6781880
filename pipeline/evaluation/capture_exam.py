"""Captures of phantoms nobody has seen: is each plane there, is each what it says, and is it a good frame of it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...models.encoder import Model
from ...sinks import AnyEvent, CaptureFailed, CaptureSaved
from ...sources.phantom import PhantomSource
from ..assemble import build_run
from ..config import Config
from .phantom_exam import FPS

LONG_ENOUGH_SECONDS = 1.0
"""Only planes that are in view so long, all in all of one visit, are wanted."""

BEST_SHARE = 0.8
"""A frame is among the best 20 % when its true quality is at least this part of the best of its visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A capture that lasted to the end, and its truth.

    Attributes:
        plane, pts_seconds: what it says.
        true_plane: what its frame shows.
        quality_share: its true quality as a part of the best in its visit, in [0, 1].
        better_share: part of the visit's frames with a higher true quality, in [0, 1).
    """

    plane: str
    pts_seconds: float
    true_plane: str
    quality_share: float
    better_share: float

    @property
    def is_right(self) -> bool:
        return self.plane == self.true_plane


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSweep:
    """One sweep: the planes that were there to be captured, the captures, and why others failed."""

    seed: int
    wanted: tuple[str, ...]
    shots: tuple[Shot, ...]
    failures: tuple[str, ...]


class _Captures:
    """A sink that keeps what was captured."""

    def __init__(self) -> None:
        self.saved: dict[str, CaptureSaved] = {}
        self.failures: list[str] = []

    def write(self, event: AnyEvent) -> None:
        if isinstance(event, CaptureSaved):
            self.saved.pop(event.replaces, None)
            self.saved[event.capture_id] = event
        elif isinstance(event, CaptureFailed):
            self.failures.append(f"{event.plane}: {event.reason}")

    def close(self) -> None:
        pass


def capture_sweep(model: Model, config: Config, seed: int, *, seconds: float, folder: Path) -> CaptureSweep:
    """Run the whole pipeline over a phantom; every second one shows a device's screen around its fan.

    Args:
        model: a loaded one.
        config: of a review; its capture section holds.
        seed: of the phantom.
        seconds: length of the sweep.
        folder: captures go to a folder of their own in it.
    """
    source = PhantomSource(seed=seed, fps=FPS, seconds=seconds, realtime=False, screen=seed % 2 == 1)
    captures = _Captures()
    section = config.capture.model_copy(update={"folder": folder})
    run = build_run(
        config.model_copy(update={"capture": section}),
        source=source,
        info=source.open(),
        model=model,
        sinks=[captures],
        stream=f"seed-{seed}",
        stamped=False,
    )
    run.run()
    visits = source.intervals()
    return CaptureSweep(
        seed=seed,
        wanted=tuple(sorted({v.plane for v in visits if v.end_seconds - v.start_seconds >= LONG_ENOUGH_SECONDS})),
        shots=tuple(_shot(source, saved) for saved in captures.saved.values()),
        failures=tuple(captures.failures),
    )


def _shot(source: PhantomSource, saved: CaptureSaved) -> Shot:
    truth = source.truth(saved.frame_index)
    visit = next((v for v in source.intervals() if v.start_seconds <= saved.pts_seconds < v.end_seconds), None)
    frames = range(0) if visit is None else range(int(visit.start_seconds * FPS) + 1, int(visit.end_seconds * FPS))
    of_visit = np.array([source.truth(index).quality for index in frames] or [1.0])
    return Shot(
        plane=saved.plane,
        pts_seconds=saved.pts_seconds,
        true_plane=truth.plane,
        quality_share=min(1.0, truth.quality / float(of_visit.max())),
        better_share=float((of_visit > truth.quality).mean()),
    )


def capture_summary(sweeps: Sequence[CaptureSweep]) -> dict[str, Any]:
    """What ``fetalstream evaluate captures --json`` prints.

    Recall is over the planes of all sweeps that were in view long enough, precision over all captures; quality is of
    right captures alone.
    """
    shots = [shot for one in sweeps for shot in one.shots]
    right = [shot for shot in shots if shot.is_right]
    wanted = sum(len(one.wanted) for one in sweeps)
    found = sum(len(set(one.wanted) & {shot.plane for shot in one.shots if shot.is_right}) for one in sweeps)
    among_best = sum(shot.quality_share >= BEST_SHARE for shot in right)
    return {
        "sweeps": len(sweeps),
        "wanted": wanted,
        "captures": len(shots),
        "right": len(right),
        "recall": found / wanted if wanted else None,
        "precision": len(right) / len(shots) if shots else None,
        "among_best": among_best / len(right) if right else None,
        "median_quality_share": float(np.median([shot.quality_share for shot in right])) if right else None,
        "lowest_quality_share": min((shot.quality_share for shot in right), default=None),
        "median_better_share": float(np.median([shot.better_share for shot in right])) if right else None,
        "wrong": [
            {"seed": one.seed, "plane": s.plane, "true_plane": s.true_plane, "pts_seconds": s.pts_seconds}
            for one in sweeps
            for s in one.shots
            if not s.is_right
        ],
        "missing": [
            {"seed": one.seed, "plane": plane}
            for one in sweeps
            for plane in one.wanted
            if plane not in {shot.plane for shot in one.shots if shot.is_right}
        ],
        "failures": [{"seed": one.seed, "reason": reason} for one in sweeps for reason in one.failures],
    }
