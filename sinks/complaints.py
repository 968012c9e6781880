"""Log lines about strangers, who must not be able to fill a disk with them."""

import logging
import time
from collections.abc import Callable

_log = logging.getLogger("fetalstream.sinks")

QUIET_SECONDS = 10.0


class Complaints:
    """The first complaint of a kind is logged at once, those that follow are counted and told when time has passed.

    Args:
        where: what they are about, such as an endpoint.
        quiet_seconds: between two lines of a kind.
        clock_seconds: a monotonic clock.
    """

    def __init__(
        self, where: str, *, quiet_seconds: float = QUIET_SECONDS, clock_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._where = where
        self._quiet_seconds = quiet_seconds
        self._clock_seconds = clock_seconds
        self._quiet_until: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def add(self, kind: str, detail: str = "") -> None:
        """``kind`` is one of a few phrases of ours; ``detail`` may come from outside and is made harmless."""
        now = self._clock_seconds()
        if now < self._quiet_until.get(kind, now):
            self._held[kind] = self._held.get(kind, 0) + 1
            return
        self._quiet_until[kind] = now + self._quiet_seconds
        _log.warning("%s: %s%s", self._where, kind, f" ({harmless(detail)})" if detail else "")

    def flush(self, *, everything: bool = False) -> None:
        """Tell how many were held back, of those kinds whose time has come."""
        now = self._clock_seconds()
        for kind in [kind for kind in self._held if everything or now >= self._quiet_until[kind]]:
            self._quiet_until[kind] = now + self._quiet_seconds
            _log.warning("%s: %s, %d times more", self._where, kind, self._held.pop(kind))


def harmless(text: object) -> str:
    """What came from outside, as one short line that steers no terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))[:200]
