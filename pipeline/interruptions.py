"""What ends whatever is in view, for everybody who follows a stream: the same that makes an `Analyst` start afresh."""

from ..sources import StateChange
from .analyst import INTERRUPTIONS
from .gates import GateState
from .messages import Notice, Scored, SignalChange


def follows(before: Scored, after: Scored, max_gap_seconds: float) -> bool:
    """Whether two frames belong together."""
    return after.epoch == before.epoch and 0 <= after.pts_seconds - before.pts_seconds <= max_gap_seconds


def interruption(notice: Notice) -> str:
    """Why nothing is in view any more, in the words of the analyst; empty when the notice interrupts nothing."""
    if isinstance(notice, StateChange) and notice.state in INTERRUPTIONS:
        return f"source {notice.state.value}"
    if isinstance(notice, SignalChange) and notice.state is not GateState.OPEN:
        return f"signal {notice.state.value}"
    return ""
