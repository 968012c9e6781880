"""Media time that never falls: missing, repeated and backward time stamps are repaired."""

NUDGE_SECONDS = 0.001
"""How far behind its predecessor a stamp is put that came too early; small, so that the next true stamp still holds."""
RESTART_SECONDS = 1.0
"""A stamp further back than this is a timeline that began anew, not a frame out of order."""


class MediaTime:
    """Turns the stamps of one stream into strictly rising seconds.

    True stamps pass unchanged (less ``start_seconds``), pauses and variable rates included. A pure state machine.

    Args:
        start_seconds: the stamp that becomes 0; None: the first one seen.
        step_seconds: how long a frame lasts when neither stamp nor container says.
    """

    def __init__(self, *, start_seconds: float | None, step_seconds: float) -> None:
        self._offset_seconds = start_seconds
        self._step_seconds = step_seconds
        self.last_seconds: float | None = None
        """Time of the newest frame, None before the first."""
        self.repaired = 0
        """How many stamps were missing or did not rise."""

    def next(self, stamp_seconds: float | None, *, duration_seconds: float = 0.0) -> float:
        """The time of the next frame.

        Args:
            stamp_seconds: what the stream says, None when it says nothing.
            duration_seconds: how long the stream says the frame lasts, 0 when it does not.
        """
        step = duration_seconds if duration_seconds > 0 else self._step_seconds
        last = self.last_seconds
        if stamp_seconds is None:
            self.repaired += 1
            time = 0.0 if last is None else last + step
        else:
            if self._offset_seconds is None:
                self._offset_seconds = stamp_seconds
            time = stamp_seconds - self._offset_seconds
            if last is not None and time <= last:
                self.repaired += 1
                if last - time > RESTART_SECONDS:
                    time = last + step
                    self._offset_seconds = stamp_seconds - time
                else:
                    time = last + NUDGE_SECONDS
        self.last_seconds = time
        return time
