"""From smoothed scores to intervals in which a plane is in view. Pure: no video, no clock, no threads.

A plane enters when its smoothed score reaches ``enter_score`` and it has stayed the strongest plane for
``hold_seconds``; it leaves when its score has stayed under ``leave_score`` for ``release_seconds``, or when another
plane enters. Two thresholds and two times are what keeps a label on a screen from flickering.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .best_frame import BestFrame, Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Thresholds in [0, 1] and times in seconds; see the module's text."""

    enter_score: float = 0.6
    leave_score: float = 0.4
    hold_seconds: float = 0.2
    release_seconds: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """``plane`` is in view since ``start_seconds``; known one hold later. ``score`` is the smoothed score now."""

    plane: str
    start_seconds: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """``plane`` was in view over [start_seconds, end_seconds); ``score`` is its mean smoothed score there."""

    plane: str
    start_seconds: float
    end_seconds: float
    score: float
    frames: int
    best: Candidate


Change = Entered | Left


class _Visit:
    """A plane that is in view, or about to be."""

    def __init__(self, column: int, start_seconds: float) -> None:
        self.column = column
        self.start_seconds = start_seconds
        self.last_good_seconds = start_seconds
        self.end_seconds: float | None = None
        self._best = BestFrame()
        self._pending: list[tuple[float, Candidate]] = []
        self._score_sum = 0.0
        self._frames = 0

    def add(self, score: float, candidate: Candidate, *, good: bool) -> None:
        """Frames that are not good belong to the visit only if a good one follows."""
        self._pending.append((score, candidate))
        if not good:
            if self.end_seconds is None:
                self.end_seconds = candidate.pts_seconds
            return
        self.last_good_seconds = candidate.pts_seconds
        self.end_seconds = None
        for pending_score, pending in self._pending:
            self._score_sum += pending_score
            self._frames += 1
            self._best.offer(pending)
        self._pending.clear()

    def left(self, plane: str, frame_seconds: float) -> Left:
        end_seconds = self.last_good_seconds + frame_seconds if self.end_seconds is None else self.end_seconds
        return Left(
            plane=plane,
            start_seconds=self.start_seconds,
            end_seconds=end_seconds,
            score=self._score_sum / self._frames,
            frames=self._frames,
            best=self._best.winner,
        )


class Segmenter:
    """Turns smoothed scores into `Entered` and `Left`.

    Args:
        labels: columns of the scores; column 0 is the background and never enters.
        rules: thresholds and times.
    """

    def __init__(self, labels: Sequence[str], rules: Rules) -> None:
        self._labels = tuple(labels)
        self._rules = rules
        self._current: _Visit | None = None
        self._rival: _Visit | None = None
        self._last_seconds: float | None = None
        self._frame_seconds = 0.0

    @property
    def plane(self) -> str | None:
        """The plane in view now."""
        return self._labels[self._current.column] if self._current else None

    def update(
        self,
        frame_index: int,
        pts_seconds: float,
        smoothed: NDArray[np.float64],
        raw: NDArray[np.float32],
        worth: Callable[[str], float] | None = None,
    ) -> list[Change]:
        """Feed one frame.

        Args:
            frame_index: which frame this is.
            pts_seconds: its media time; must not fall between calls (`finish` first when it does).
            smoothed, raw: (n) scores in [0, 1] after and before smoothing.
            worth: of the frame as a picture of a plane, in [0, 1]; asked only of planes it may belong to. None takes
                the raw score.
        """
        if self._last_seconds is not None:
            self._frame_seconds = max(0.0, pts_seconds - self._last_seconds)
        self._last_seconds = pts_seconds

        def candidate(column: int) -> Candidate:
            score = float(raw[column])
            return Candidate(frame_index, pts_seconds, score, score if worth is None else worth(self._labels[column]))

        self._rival = self._find_rival(pts_seconds, smoothed)
        if self._rival is not None:
            rival = self._rival
            score = float(smoothed[rival.column])
            rival.add(score, candidate(rival.column), good=True)
            if pts_seconds - rival.start_seconds >= self._rules.hold_seconds:
                changes: list[Change] = self._leave()
                self._current, self._rival = rival, None
                plane = self._labels[rival.column]
                return [*changes, Entered(plane=plane, start_seconds=rival.start_seconds, score=score)]
        if self._current is not None:
            visit = self._current
            score = float(smoothed[visit.column])
            good = score >= self._rules.leave_score and self._rival is None
            visit.add(score, candidate(visit.column), good=good)
            if not good and pts_seconds - visit.last_good_seconds >= self._rules.release_seconds:
                return self._leave()
        return []

    def _find_rival(self, pts_seconds: float, smoothed: NDArray[np.float64]) -> _Visit | None:
        """The strongest plane, when it is strong enough to enter and is not the one in view."""
        if len(smoothed) < 2:
            return None
        column = 1 + int(np.argmax(smoothed[1:]))
        is_current = self._current is not None and self._current.column == column
        if is_current or smoothed[column] < self._rules.enter_score:
            return None
        if self._rival is not None and self._rival.column == column:
            return self._rival
        return _Visit(column, pts_seconds)

    def _leave(self) -> list[Change]:
        visit, self._current = self._current, None
        if visit is None:
            return []
        return [visit.left(self._labels[visit.column], self._frame_seconds)]

    def finish(self) -> list[Change]:
        """The stream, the signal or the epoch has ended: what is in view leaves."""
        self._rival = None
        changes = self._leave()
        self._last_seconds = None
        return changes
