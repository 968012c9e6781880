"""Media time one can trust: missing, repeated, backward and jumping time stamps are repaired, and flagged."""

from collections import Counter
from enum import StrEnum
from typing import NamedTuple

NUDGE_SECONDS = 0.001
"""How far behind its predecessor a stamp is put that came too early; small, so that the next true stamp still holds."""
RESTART_SECONDS = 1.0
"""A stamp further back than this is a timeline that began anew, not a frame out of order."""
SANE_SECONDS = 1e11
"""Beyond it a stamp is as good as infinite: a float of that size no longer tells frames apart."""


class Repair(StrEnum):
    """What was wrong with a stamp."""

    MISSING = "missing"
    NOT_FINITE = "not_finite"
    DUPLICATE = "duplicate"
    BACKWARD = "backward"
    JUMP = "jump"


class Tick(NamedTuple):
    """The time of one frame, and what was wrong with its stamp (None: it passed as it came)."""

    pts_seconds: float
    repair: Repair | None


class Clock:
    """Turns the stamps of one stream into strictly rising seconds.

    True stamps pass unchanged (less the offset that makes the first one 0), pauses and variable rates included. A pure
    state machine: whoever feeds it reads the clocks. Arrival times are any clock's seconds that never fall; a live
    source gives them with every stamp, a recording with none.

    Args:
        step_seconds: how long a frame lasts when neither stamp nor container nor arrival says.
        start_seconds: the stamp that becomes 0; None: the first one seen.
        max_jump_seconds: how far a stamp may run ahead of all before it, measured against arrival, until it is a jump.
    """

    def __init__(
        self, *, step_seconds: float, start_seconds: float | None = None, max_jump_seconds: float = 1.0
    ) -> None:
        self._step_seconds = step_seconds
        self._offset_seconds = start_seconds
        self._max_jump_seconds = max_jump_seconds
        self._last_arrived_seconds: float | None = None
        self._lead_seconds: float | None = None  # how far time has been ahead of arrival at most: the least delay seen
        self.last_seconds: float | None = None
        """Time of the newest frame, None before the first."""
        self.repairs: Counter[Repair] = Counter()
        """How many stamps were repaired, by what was wrong with them."""

    def begin_epoch(self) -> None:
        """The source has reconnected: its stamps start anew wherever they like.

        The first frame of the new epoch follows the last of the old one by as much as it arrived later, so that time
        never falls, and an outage takes as long in media time as it took.
        """
        self._offset_seconds = self._lead_seconds = None

    def next(
        self, stamp_seconds: float | None, *, duration_seconds: float = 0.0, arrived_seconds: float | None = None
    ) -> Tick:
        """The time of the next frame.

        Args:
            stamp_seconds: what the stream says, None when it says nothing.
            duration_seconds: how long the stream says the frame lasts, 0 when it does not.
            arrived_seconds: when the frame came, for live sources.
        """
        tick = self._tick(stamp_seconds, self._expected(duration_seconds, arrived_seconds), arrived_seconds)
        self.last_seconds = tick.pts_seconds
        self._last_arrived_seconds = arrived_seconds
        if arrived_seconds is not None:
            lead = tick.pts_seconds - arrived_seconds
            self._lead_seconds = lead if self._lead_seconds is None else max(lead, self._lead_seconds)
        if tick.repair is not None:
            self.repairs[tick.repair] += 1
        return tick

    def _expected(self, duration_seconds: float, arrived_seconds: float | None) -> float:
        """Where the frame would lie if it had no stamp: as much later as it came later, else one frame later."""
        if self.last_seconds is None:
            return 0.0
        if arrived_seconds is not None and self._last_arrived_seconds is not None:
            step = arrived_seconds - self._last_arrived_seconds
        else:
            step = duration_seconds if duration_seconds > 0 else self._step_seconds
        return self.last_seconds + max(NUDGE_SECONDS, step)

    def _tick(self, stamp_seconds: float | None, expected: float, arrived_seconds: float | None) -> Tick:
        if stamp_seconds is None:
            return Tick(expected, Repair.MISSING)
        if not abs(stamp_seconds) < SANE_SECONDS:  # NaN is not below anything
            return Tick(expected, Repair.NOT_FINITE)
        if self._offset_seconds is None:
            self._offset_seconds = stamp_seconds - expected
            return Tick(expected, None)
        time, last = stamp_seconds - self._offset_seconds, self.last_seconds
        if last is None:
            return Tick(time, None)
        if time <= last:
            if last - time > RESTART_SECONDS:
                self._offset_seconds = stamp_seconds - expected
                return Tick(expected, Repair.BACKWARD)
            return Tick(last + NUDGE_SECONDS, Repair.DUPLICATE if time == last else Repair.BACKWARD)
        if self._runs_ahead(time, arrived_seconds):
            self._offset_seconds = stamp_seconds - expected
            return Tick(expected, Repair.JUMP)
        return Tick(time, None)

    def _runs_ahead(self, time: float, arrived_seconds: float | None) -> bool:
        """Whether a frame claims to be from the future. One that was held up and now catches up does not."""
        if arrived_seconds is None or self._lead_seconds is None:
            return False
        return time - arrived_seconds - self._lead_seconds > self._max_jump_seconds
