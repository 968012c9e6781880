"""All sinks of a stream behind one: a sink in trouble keeps its events waiting, and the others are told."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from ..sinks import AnyEvent, FrameScores, Sink, SinkDegraded, SinkRecovered
from ..sinks.sink import BackgroundSink, SinkTroubleError, Standing
from ..sinks.wire import kind_of
from .recorder import Recorder

MOST_WAITING = 10_000
"""Events kept for a sink in trouble: hours of a stream, a few megabytes. Beyond that the oldest are lost."""
RETRY_SECONDS = 1.0
"""How often a sink in trouble is tried again."""
CATCH_UP_SECONDS = 0.05
"""How long the stream may be held up at once by a sink that makes up for lost time."""
END_SECONDS = 2.0
"""How long the end of a stream waits for what still waits."""


class Outlets:
    """Writes each event to every sink, in order.

    While a stream is live, a sink's `SinkTroubleError` does not end it: that sink's events wait in memory (not
    "frame.scores", which are many), it is tried again every second, and "sink.degraded" and "sink.recovered" are
    events of the stream like any other. Where the source can be read again, trouble ends the run instead, for a record
    with holes is worth less than none. For one thread at a time.

    Args:
        sinks: whoever made them closes them.
        recorder: numbers the events about sinks.
        live: whether the moment is gone if an event is not kept.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        *,
        recorder: Recorder,
        live: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorder = recorder
        self._outlets = [_Outlet(sink, clock) for sink in sinks]
        self._live = live
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> dict[str, int]:
        """How many events of each kind have been written; from any thread."""
        return dict(self._counts)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The sinks that are in trouble."""
        return tuple(standing for outlet in self._outlets if (standing := outlet.standing) is not None)

    def write(self, event: AnyEvent) -> None:
        """To all of them. Raises `SinkError` for what will not pass, and outside a live stream for any trouble."""
        self._counts[kind_of(event)] += 1
        for outlet in self._outlets:
            outlet.write(event, keep=self._live)

    def tick(self, *, last: bool = False) -> None:
        """Try again where it is time to, and tell what has changed. To be called often, and with ``last`` before the
        stream's last event is made.

        Events are numbered when they are made: this may be called only while no event is made that is not yet written.
        """
        for outlet in self._outlets:
            outlet.retry(END_SECONDS if last else CATCH_UP_SECONDS, now=last)
        while told := [event for outlet in self._outlets if (event := outlet.news(self._recorder)) is not None]:
            for event in told:
                self.write(event)

    def finish(self) -> tuple[Standing, ...]:
        """After the last event: one more try. Returns the sinks that have not taken everything."""
        for outlet in self._outlets:
            outlet.retry(END_SECONDS, now=True)
        return self.standings


class _Outlet:
    """One sink, and the events that wait for it."""

    def __init__(self, sink: Sink, clock: Callable[[], float]) -> None:
        self._sink = sink
        self._clock = clock
        self._waiting: deque[AnyEvent] = deque()
        self._trouble: SinkTroubleError | None = None
        self._behind: Standing | None = None
        self._late = 0
        self._lost = 0
        self._lost_before = 0
        self._next_try = 0.0
        self._told: str | None = None
        """Kind of the sink as long as the others believe it in trouble."""

    @property
    def standing(self) -> Standing | None:
        """None when all is well."""
        if self._trouble is not None:
            return Standing(self._trouble.sink, self._trouble.reason, len(self._waiting), self._lost)
        return self._behind

    def write(self, event: AnyEvent, *, keep: bool) -> None:
        if self._trouble is None:
            try:
                self._sink.write(event)
            except SinkTroubleError as trouble:
                if not keep:
                    raise
                self._fail(trouble)
            else:
                return
        if not isinstance(event, FrameScores):
            self._waiting.append(event)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1

    def retry(self, budget_seconds: float, *, now: bool = False) -> None:
        self._look_behind()
        started = self._clock()
        if self._trouble is None or (started < self._next_try and not now):
            return
        try:
            while self._waiting:
                self._sink.write(self._waiting[0])
                self._waiting.popleft()
                self._late += 1
                if self._clock() - started > budget_seconds:
                    return
        except SinkTroubleError as trouble:
            self._fail(trouble)
        else:
            self._trouble = None

    def news(self, recorder: Recorder) -> SinkDegraded | SinkRecovered | None:
        """What the others do not know yet."""
        standing = self.standing
        if standing is not None and self._told is None:
            self._told = standing.sink
            return recorder.make(SinkDegraded, sink=standing.sink, reason=standing.reason)
        if standing is None and self._told is not None:
            sink, self._told = self._told, None
            late, self._late, lost, self._lost = self._late, 0, self._lost, 0
            return recorder.make(SinkRecovered, sink=sink, events_late=late, events_lost=lost)
        return None

    def _fail(self, trouble: SinkTroubleError) -> None:
        self._trouble = trouble
        self._next_try = self._clock() + RETRY_SECONDS

    def _look_behind(self) -> None:
        """Ask a sink that works in the background; what waited for it and what it lost is for "sink.recovered"."""
        if not isinstance(self._sink, BackgroundSink):
            return
        standing = self._sink.standing
        if standing.reason:
            self._behind = standing
            self._late = standing.waiting
        elif self._behind is not None:
            self._behind = None
            self._lost += standing.lost - self._lost_before
            self._lost_before = standing.lost
