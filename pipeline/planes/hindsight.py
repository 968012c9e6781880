"""Planes told with hindsight: the most likely course of a whole recording (Viterbi), for reviews alone.

Messages are kept until the recording has ended. Each stretch without an interruption then has its course, and all go
through an ordinary `Analyst`: visits, best frames, companions and notices come out as they do live, but later.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...sinks import AnyEvent
from ..analyst import Analyst
from ..interruptions import interruption, parting
from ..messages import Notice, Scored
from .plane_filter import Dwell, viterbi
from .segments import Rules

_NOT_NOTHING: Final = 1e-6

RULES: Final = Rules(enter_score=_NOT_NOTHING, leave_score=_NOT_NOTHING, hold_seconds=0.0, release_seconds=0.0)
"""The course has been decided: what is not 0 is in view."""


class Course:
    """Stands where a `Smoothing` does: of each frame in turn the label that was decided, with its own score; else 0."""

    def __init__(self) -> None:
        self._columns: list[int] = []
        self._next = 0

    def decide(self, columns: list[int]) -> None:
        """Columns of the frames that will come."""
        self._columns, self._next = columns, 0

    def update(self, pts_seconds: float, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n) scores of one frame -> (n), 0 but for one."""
        del pts_seconds
        column, self._next = self._columns[self._next], self._next + 1
        decided = np.zeros(len(scores))
        decided[column] = max(float(scores[column]), _NOT_NOTHING)
        return decided

    def reset(self) -> None:
        """Nothing to forget: the next stretch has been decided by itself."""


class Hindsight:
    """An `Analyst` that tells everything at the end.

    Args:
        analyst: with ``course`` as its smoothing and a segmenter by `RULES`.
        course: is told what has been decided.
        dwell: the model.
        max_gap_seconds: a longer pause in media time parts stretches, as it does for the analyst.
    """

    def __init__(self, analyst: Analyst, course: Course, dwell: Dwell, *, max_gap_seconds: float) -> None:
        self._analyst = analyst
        self._course = course
        self._dwell = dwell
        self._max_gap_seconds = max_gap_seconds
        self._messages: list[Scored | Notice] = []
        self.labels = analyst.labels

    @property
    def plane(self) -> str | None:
        """The plane in view; None until the end."""
        return self._analyst.plane

    @property
    def smoothed(self) -> dict[str, float]:
        """Label -> score of the newest frame; empty until the end."""
        return self._analyst.smoothed

    def feed(self, message: Scored | Notice) -> Iterator[AnyEvent]:
        """Keeps the message; tells nothing."""
        self._messages.append(message)
        yield from ()

    def finish(self, reason: str) -> Iterator[AnyEvent]:
        """Decides, and tells everything in order."""
        messages, self._messages = self._messages, []
        columns: list[int] = []
        for stretch in stretches(messages, max_gap_seconds=self._max_gap_seconds):
            columns += self._decided(stretch)
        self._course.decide(columns)
        for message in messages:
            yield from self._analyst.feed(message)
        yield from self._analyst.finish(reason)

    def _decided(self, stretch: Sequence[Scored]) -> list[int]:
        times = [frame.pts_seconds for frame in stretch]
        course = viterbi(self.labels, times, np.stack([frame.scores for frame in stretch]), self._dwell)
        return [self.labels.index(label) for label in course]


def stretches(messages: Sequence[Scored | Notice], *, max_gap_seconds: float) -> Iterator[list[Scored]]:
    """Frames between which nothing interrupts what is in view: the same things that make an analyst start afresh."""
    stretch: list[Scored] = []
    for message in messages:
        if isinstance(message, Scored):
            if stretch and parting(stretch[-1], message, max_gap_seconds):
                yield stretch
                stretch = []
            stretch.append(message)
        elif stretch and interruption(message):
            yield stretch
            stretch = []
    if stretch:
        yield stretch
