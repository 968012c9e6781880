"""The one frame of a visit that is worth keeping."""

from typing import NamedTuple


class Candidate(NamedTuple):
    """A frame in the running: ``score`` in [0, 1] is its own, unsmoothed score for the plane."""

    frame_index: int
    pts_seconds: float
    score: float


class BestFrame:
    """Keeps the highest score; the first of equals, so that a review can be repeated."""

    def __init__(self) -> None:
        self._winner: Candidate | None = None

    def offer(self, candidate: Candidate) -> None:
        if self._winner is None or candidate.score > self._winner.score:
            self._winner = candidate

    @property
    def winner(self) -> Candidate:
        """Raises ValueError when nothing was offered."""
        if self._winner is None:
            raise ValueError("no frame was offered")
        return self._winner
