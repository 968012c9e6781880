"""Playing a recording at its own pace."""

import threading
import time


class Pace:
    """Holds each frame back until its media time has come, by the monotonic clock.

    Every wait is measured from the first frame, so errors do not add up: a frame that was late makes the next wait
    shorter.

    Args:
        stop: ends a wait at once when it is set.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._origin_seconds: float | None = None

    def wait_until(self, pts_seconds: float) -> None:
        """Returns when ``pts_seconds`` has come, or at once after ``stop``."""
        now = time.monotonic()
        if self._origin_seconds is None:
            self._origin_seconds = now - pts_seconds
        wait_seconds = self._origin_seconds + pts_seconds - now
        if wait_seconds > 0:
            self._stop.wait(min(wait_seconds, threading.TIMEOUT_MAX))
