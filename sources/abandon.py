"""Library calls that may hang: run in threads that can be left behind, and are counted while they are.

No Python code can end a thread that hangs inside a library, and closing a library's handle from outside while a call
hangs in it crashes the process. So whoever waits leaves (`Errand.abandon`), and the thread itself tidies up when, one
day, its call returns.
"""

import atexit
import threading
import time
from collections.abc import Callable
from functools import cache

EXIT_SECONDS = 4.0
"""How long the end of the process waits for threads that are still under way. A thread that comes back from a library
while Python is being torn down crashes it; one that hangs for good in a library does no harm."""

_lock = threading.Lock()
_under_way: "set[Errand]" = set()


def left_behind() -> int:
    """How many abandoned threads of this process have not come back yet."""
    with _lock:
        return sum(errand.abandoned for errand in _under_way)


def under_way() -> int:
    """How many threads of this process make library calls now, abandoned or not."""
    with _lock:
        return len(_under_way)


@cache
def _register_at_exit() -> None:
    atexit.register(_wait_at_exit)


def _wait_at_exit() -> None:
    until = time.monotonic() + EXIT_SECONDS
    with _lock:
        errands = list(_under_way)
    for errand in errands:
        errand.abandon()
    for errand in errands:
        errand.wait(max(0.0, until - time.monotonic()))


class Errand:
    """One daemon thread that makes library calls which may hang.

    Args:
        name: shown in lists of threads.
        work: is given the errand; looks at `abandoned` after each library call, and releases what it holds before it
            returns, whatever happens. Nobody else touches what it holds.
    """

    def __init__(self, name: str, work: "Callable[[Errand], None]") -> None:
        self._work = work
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"fetalstream-{name}", daemon=True)
        _register_at_exit()
        with _lock:
            _under_way.add(self)
        self._thread.start()

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits any longer: give up at the next chance."""
        return self._abandoned.is_set()

    @property
    def ended(self) -> bool:
        """Whether the thread has come back and tidied up."""
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Leave the thread to itself; any number of times, from any thread, never blocks."""
        self._abandoned.set()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for the thread to end; False when it did not in time."""
        self._thread.join(timeout_seconds)
        return self.ended

    def _run(self) -> None:
        try:
            self._work(self)
        finally:
            with _lock:
                _under_way.discard(self)
