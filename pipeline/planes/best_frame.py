"""The one frame of a visit that is worth keeping."""

from typing import NamedTuple


class Candidate(NamedTuple):
    """A frame in the running.

    Attributes:
        frame_index, pts_seconds: which it is.
        score: [0, 1], its own, unsmoothed score for the plane.
        worth: [0, 1], what it is chosen by: quality x confidence x stillness (see `fetalstream.pipeline.exam.quality`).
    """

    frame_index: int
    pts_seconds: float
    score: float
    worth: float


class BestFrame:
    """Keeps the one worth most; the first of equals, so that a review can be repeated."""

    def __init__(self) -> None:
        self._winner: Candidate | None = None

    def offer(self, candidate: Candidate) -> None:
        if self._winner is None or candidate.worth > self._winner.worth:
            self._winner = candidate

    @property
    def winner(self) -> Candidate:
        """Raises ValueError when nothing was offered."""
        if self._winner is None:
            raise ValueError("no frame was offered")
        return self._winner
