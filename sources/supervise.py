"""When a live source counts as stalled, when to give a connection up, and when to try again. No clock, no threads."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from .frame import SourceState, StateChange
from .source import SourceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what.

    Attributes:
        open_seconds: from the start of an attempt to connect to its first picture.
        stall_seconds: silence after which the source is stalled.
        silence_seconds: silence after which the connection is given up and a new one tried.
        retry_seconds: longest pause between attempts; the first is a sixteenth of it, each next one twice as long.
        refused_seconds: pause after the other side said no (wrong password): accounts get locked by hasty retries.
        lost_seconds: without a picture for so long, the source has failed for good; None: never.
    """

    open_seconds: float = 5.0
    stall_seconds: float = 0.8
    silence_seconds: float = 3.0
    retry_seconds: float = 0.5
    refused_seconds: float = 10.0
    lost_seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("open_seconds", "stall_seconds", "silence_seconds", "retry_seconds", "refused_seconds"):
            value: float = getattr(self, name)
            if not 0.05 <= value <= 3600:
                raise SourceError(f"{name}={value:g} is out of range; allowed: 0.05 to 3600")
        if self.silence_seconds < self.stall_seconds:
            raise SourceError(
                f"silence_seconds={self.silence_seconds:g} is below stall_seconds={self.stall_seconds:g}: "
                "a connection is stalled before it is given up"
            )
        if self.lost_seconds is not None and not self.lost_seconds > 0:
            raise SourceError(f"lost_seconds={self.lost_seconds:g} is out of range; allowed: above 0")


class Order(Enum):
    """What the supervisor wants done about the connection."""

    CONNECT = auto()
    DROP = auto()


Step = StateChange | Order


class Supervisor:
    """The states of a live source after its first picture: running, stalled, reconnecting, failed.

    A pure state machine: times are any clock's seconds that never fall. Each input returns the steps to take, in
    order. After DROP and after `lost` there is no connection, until CONNECT; then there is one attempt under way, until
    `frame` or `lost`.

    Args:
        patience: how long to wait for what.
        now: when the first picture came.
        draw: random numbers in [0, 1), so that many sources do not knock at the same moment.
    """

    def __init__(self, patience: Patience, *, now: float, draw: Callable[[], float] = random.random) -> None:
        self._patience = patience
        self._draw = draw
        self._last_frame = now
        self._attempts = 0
        self._attempt_since: float | None = None
        self._retry_at = now
        self._told = ""
        self.state = SourceState.RUNNING
        self.epoch = 0
        """Rises by one with the first picture of each new connection."""

    def frame(self, now: float) -> list[Step]:
        """A picture came."""
        silent_seconds, self._last_frame = max(0.0, now - self._last_frame), now
        if self.state is SourceState.STALLED:
            return [self._enter(SourceState.RUNNING, f"pictures come again after {silent_seconds:.1f} s")]
        if self.state is SourceState.RECONNECTING:
            tries, self._attempts, self._attempt_since = self._attempts, 0, None
            self.epoch += 1
            attempts = "1 attempt" if tries == 1 else f"{tries} attempts"
            return [
                self._enter(
                    SourceState.RUNNING, f"connected again after {silent_seconds:.1f} s without pictures, {attempts}"
                )
            ]
        return []

    def lost(self, now: float, reason: str, *, refused: bool = False) -> list[Step]:
        """The connection ended or the attempt failed.

        Args:
            now: when.
            reason: a plain sentence.
            refused: the other side said no; asking again at once would not help.
        """
        steps: list[Step] = []
        if self.state is SourceState.RUNNING:
            steps.append(self._enter(SourceState.STALLED, reason))
        self._attempt_since = None
        self._retry_at = now + (self._patience.refused_seconds if refused else self._pause_seconds())
        if (
            self.state is SourceState.STALLED or reason != self._told
        ):  # the same reason is told once, not at each attempt
            steps.append(self._enter(SourceState.RECONNECTING, reason))
        return steps

    def tick(self, now: float) -> list[Step]:
        """Time has passed."""
        patience, silent_seconds = self._patience, now - self._last_frame
        # Deadlines are compared as `wait_seconds` computes them, so that waiting for one always reaches it.
        if patience.lost_seconds is not None and now >= self._last_frame + patience.lost_seconds:
            told = f": {self._told}" if self._told else ""
            return [Order.DROP, self._enter(SourceState.FAILED, f"no picture for {silent_seconds:.0f} s{told}")]
        if self.state is SourceState.RUNNING and now >= self._last_frame + patience.stall_seconds:
            return [self._enter(SourceState.STALLED, f"no picture for {silent_seconds:.1f} s, the connection stands")]
        if self.state is SourceState.STALLED and now >= self._last_frame + patience.silence_seconds:
            return [Order.DROP, *self.lost(now, f"no picture for {silent_seconds:.1f} s, the connection is given up")]
        if self.state is SourceState.RECONNECTING:
            return self._reconnecting(now)
        return []

    def wait_seconds(self, now: float) -> float:
        """How long nothing needs to be done unless something comes."""
        patience = self._patience
        if self.state is SourceState.RUNNING:
            until = self._last_frame + patience.stall_seconds
        elif self.state is SourceState.STALLED:
            until = self._last_frame + patience.silence_seconds
        elif self._attempt_since is not None:
            until = self._attempt_since + patience.open_seconds
        else:
            until = self._retry_at
        if patience.lost_seconds is not None:
            until = min(until, self._last_frame + patience.lost_seconds)
        return max(0.0, until - now)

    def _reconnecting(self, now: float) -> list[Step]:
        if self._attempt_since is None:
            if now < self._retry_at:
                return []
            self._attempt_since = now
            self._attempts += 1
            return [Order.CONNECT]
        if now < self._attempt_since + self._patience.open_seconds:
            return []
        return [Order.DROP, *self.lost(now, f"no picture within {self._patience.open_seconds:g} s of connecting")]

    def _pause_seconds(self) -> float:
        longest = self._patience.retry_seconds
        return min(longest, longest / 16 * 2 ** min(self._attempts, 4)) * (1 - self._draw() / 2)

    def _enter(self, state: SourceState, reason: str) -> StateChange:
        self.state, self._told = state, reason
        return StateChange(state, reason)
