"""What ends whatever is in view, for everybody who follows a stream, and in whose words."""

from ..sources import SourceState, StateChange
from .messages import Notice, Scored, SignalChange
from .signal.gates import GateState

INTERRUPTIONS = frozenset({SourceState.STALLED, SourceState.RECONNECTING, SourceState.ENDED, SourceState.FAILED})
"""States in which nobody knows what the probe sees: whatever plane was in view has left."""


def interruption(notice: Notice) -> str:
    """Why nothing is in view any more; empty when the notice interrupts nothing."""
    if isinstance(notice, StateChange) and notice.state in INTERRUPTIONS:
        return f"source {notice.state.value}"
    if isinstance(notice, SignalChange) and notice.state is not GateState.OPEN:
        return f"signal {notice.state.value}"
    return ""


def parting(before: Scored, after: Scored, max_gap_seconds: float) -> str:
    """Why two frames do not belong together; empty when they do."""
    gap_seconds = after.pts_seconds - before.pts_seconds
    if after.epoch != before.epoch:
        return "the source has reconnected"
    if gap_seconds < 0:
        return "media time went backward"
    return f"no frame for {gap_seconds:.2f} s" if gap_seconds > max_gap_seconds else ""
