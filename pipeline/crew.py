"""Threads that stand and fall together: the first failure wins, everybody else is told to stop."""

import threading
import time
from collections.abc import Callable

from .channel import ChannelClosedError

GRACE_SECONDS = 5.0
"""How long a cancelled thread may take to end; then it is left behind (it is a daemon) and the failure told anyway."""


class Crew:
    """A handful of named threads and what must happen when one of them fails.

    Args:
        on_cancel: called once when the crew must stop early (tear down channels, close the source); must not block.
    """

    def __init__(self, on_cancel: Callable[[], None]) -> None:
        self._on_cancel = on_cancel
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None
        self._cancelled_at: float | None = None

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread of its own."""
        thread = threading.Thread(target=self._guard, args=(work,), name=f"fetalstream-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ChannelClosedError:
            pass  # somebody else failed first, or the crew was cancelled
        except BaseException as failure:  # carried to the thread that waits
            with self._lock:
                if self._failure is None:
                    self._failure = failure
            self.cancel()

    def cancel(self) -> None:
        """Stop early; any number of times, from any thread."""
        with self._lock:
            if self._cancelled_at is not None:
                return
            self._cancelled_at = time.monotonic()
        self._on_cancel()

    def join(self, timeout_seconds: float) -> bool:
        """Wait for all; False when the time ran out. Raises the first failure once every thread has ended."""
        until = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive() and not self._out_of_grace():
                return False
        if self._failure is not None:
            raise self._failure
        return True

    def settle(self) -> None:
        """After `cancel`: wait until all have ended or the grace is over; raises nothing."""
        while any(thread.is_alive() for thread in self._threads) and not self._out_of_grace():
            time.sleep(0.01)

    def _out_of_grace(self) -> bool:
        return self._cancelled_at is not None and time.monotonic() - self._cancelled_at > GRACE_SECONDS
