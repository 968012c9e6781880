"""What has arrived, what should have, and how late: state machines without sockets."""

from collections.abc import Mapping

from .notice import Gap, Lagging, Notice, Restarted

_DRIFT = 1e-4
"""Of two machines' clocks against each other, more than quartz does."""


class Continuity:
    """Counts a publisher's messages by epoch and topic."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.expected: dict[str, int] = {}

    def meet(self, epoch: str) -> list[Notice]:
        """Take note of the epoch of what arrives; a new one starts with number 0 of every topic."""
        if epoch == self.epoch:
            return []
        previous, received = self.epoch, self.expected
        self.epoch, self.expected = epoch, {}
        if previous is None:
            return []
        return [Restarted(epoch=epoch, previous_epoch=previous, received=received)]

    def missing(self, reached: Mapping[str, int]) -> bool:
        """Whether something is missing before these numbers."""
        return any(number > self.expected.get(topic, 0) for topic, number in reached.items())

    def give_up(self, reached: Mapping[str, int]) -> list[Notice]:
        """Report what is missing before these numbers as lost, and go on there."""
        gaps: list[Notice] = []
        for topic, number in reached.items():
            first = self.expected.get(topic, 0)
            if number > first:
                gaps.append(Gap(topic=topic, epoch=self.epoch or "", first_sequence=first, missing=number - first))
                self.expected[topic] = number
        return gaps

    def arrived(self, topic: str, sequence: int) -> bool:
        """Count a message that is here; False for one that has been counted before."""
        if sequence < self.expected.get(topic, 0):
            return False
        self.expected[topic] = sequence + 1
        return True


class LagWatch:
    """Tells when what is read was published too long ago; once, until it has caught up by half.

    On one machine publisher and client share the monotonic clock. Across machines, the most punctual message so far is
    the measure, allowed to drift: a lag that grows by less than 0.1 ms per second goes unnoticed there.

    Args:
        most_seconds: age at which a message is late.
        shared_clock: whether the publisher runs on this machine.
    """

    def __init__(self, most_seconds: float, *, shared_clock: bool) -> None:
        self._most_seconds = most_seconds
        self._shared_clock = shared_clock
        self._lagging = False
        self._least_seconds: float | None = 0.0 if shared_clock else None
        self._last_seconds = 0.0

    def restart(self) -> None:
        """Another publisher, another clock."""
        if not self._shared_clock:
            self._least_seconds = None

    def check(self, *, published_ns: int, read_ns: int) -> Lagging | None:
        """Both times are monotonic clocks, each of its own machine."""
        age_seconds = (read_ns - published_ns) / 1e9
        read_seconds = read_ns / 1e9
        if self._least_seconds is None:
            self._least_seconds = age_seconds
        elif not self._shared_clock:
            drift = 0.0 if self._lagging else _DRIFT * (read_seconds - self._last_seconds)
            self._least_seconds = min(self._least_seconds + drift, age_seconds)
        self._last_seconds = read_seconds
        late_seconds = age_seconds - self._least_seconds
        if self._lagging:
            self._lagging = late_seconds > self._most_seconds / 2
        elif late_seconds > self._most_seconds:
            self._lagging = True
            return Lagging(seconds=round(late_seconds, 3))
        return None
