"""Live sources of every kind: connections that may hang or break, behind a stream that does neither."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from .abandon import Errand
from .clock import Clock
from .frame import Damage, Frame, Item, SourceState, StateChange
from .inbox import Inbox
from .link import Arrival, Link, LinkError, LinkInfo
from .source import SourceError, SourceInfo
from .supervise import Order, Patience, Step, Supervisor

MOST_LEFT_BEHIND = 4
"""Threads of one source that may hang at the same time; before one comes back, no new connection is tried."""
_STEP_SECONDS = 1 / 25
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Gone:
    """The connection's last word."""

    reason: str
    refused: bool = False
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class _Picture:
    index: int
    arrival: Arrival


_Message = LinkInfo | _Picture | Damage | _Gone


class LiveSource:
    """A `Source` over connections that a thread of their own makes and reads.

    `open` waits for the first picture, so that what opened also works. From then on the consumer always gets the newest
    picture, hears within a second that none comes, and gets a new epoch when a new connection gives pictures again.
    Pictures that were let go for newer ones leave gaps in `Frame.index`.

    Args:
        connect: makes a link that is not open yet; must not block.
        uri: without secrets.
        name: safe as a file name.
        patience: how long to wait for what.
        latency_seconds: how long a picture takes from the probe to here; taken off the capture times.
    """

    def __init__(
        self,
        connect: Callable[[], Link],
        *,
        uri: str,
        name: str,
        patience: Patience | None = None,
        latency_seconds: float = 0.0,
    ) -> None:
        if not 0 <= latency_seconds <= 60:
            raise SourceError(f"a latency of {latency_seconds * 1000:g} ms is out of range; allowed: 0 to 60000")
        self._connect = connect
        self._uri = uri
        self._name = name
        self._patience = patience or Patience()
        self._latency_ns = round(latency_seconds * _NS)
        self._stop = threading.Event()
        self._inbox: Inbox[_Message] = Inbox()
        self._errand: Errand | None = None
        self._left: list[Errand] = []
        self._clock = Clock(step_seconds=_STEP_SECONDS)
        self._numbers = count()  # of pictures, over all connections
        self._epoch = 0
        self._size_px: tuple[int, int] | None = None
        self._info = LinkInfo()
        self._first: _Picture | None = None
        self._supervisor: Supervisor | None = None

    def open(self) -> SourceInfo:
        if self._errand is not None:
            raise SourceError(f"{self._uri}: a source is opened once")
        self._start()
        until = time.monotonic() + self._patience.open_seconds
        while self._first is None:
            message = self._inbox.take(max(0.0, until - time.monotonic()))
            reason = self._why_not_open(message)
            if reason is not None:
                self.close()
                raise SourceError(f"{self._uri}: {reason}")
        arrival = self._first.arrival
        self._supervisor = Supervisor(self._patience, now=arrival.captured_ns / _NS)
        return SourceInfo(
            uri=self._uri,
            name=self._name,
            width_px=arrival.picture.width_px,
            height_px=arrival.picture.height_px,
            announced_fps=self._info.announced_fps,
            is_live=True,
            codec=self._info.codec,
        )

    def items(self) -> Iterator[Item]:
        supervisor, first = self._supervisor, self._first
        if supervisor is None or first is None:
            raise SourceError(f"{self._uri}: a source is opened before it is read, and read once")
        self._supervisor = self._first = None
        return self._items(supervisor, first)

    def close(self) -> None:
        self._stop.set()
        self._inbox.close()
        errand = self._errand
        if errand is not None:
            errand.abandon()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._uri!r})"

    # The thread that reads.

    def _start(self) -> None:
        link = self._connect()
        ready = threading.Event()

        def work(errand: Errand) -> None:
            ready.wait()  # until the inbox listens to this errand
            self._read(link, errand)

        self._errand = Errand(f"read-{self._name}", work)
        self._inbox.listen_to(self._errand)
        ready.set()

    def _read(self, link: Link, errand: Errand) -> None:
        """Runs in the errand's thread, from connecting to tidying up."""
        last_word = _Gone("the connection was closed")
        try:
            self._inbox.put(link.open(), sender=errand)
            while not errand.abandoned:
                came = link.read()
                if came is None:
                    last_word = _Gone("the stream has come to its end", at_end=True)
                    break
                if isinstance(came, Arrival):
                    wanted = self._inbox.put(_Picture(next(self._numbers), came), sender=errand, replaceable=True)
                else:
                    wanted = self._inbox.put(came, sender=errand)
                if not wanted:
                    break
        except LinkError as error:
            last_word = _Gone(str(error), refused=error.refused)
        except Exception as error:  # whatever a driver raises must not end the stream; its words may hold secrets
            last_word = _Gone(f"reading failed unexpectedly ({type(error).__name__})")
        finally:
            self._inbox.put(last_word, sender=errand)
            link.close()

    def _drop(self) -> None:
        """Leave the connection behind; its thread closes it as soon as its call returns."""
        self._inbox.listen_to(None)
        if self._errand is not None:
            self._errand.abandon()
            self._left.append(self._errand)

    def _still_hanging(self) -> int:
        self._left = [errand for errand in self._left if not errand.ended]
        return len(self._left)

    # The thread that takes.

    def _why_not_open(self, message: _Message | None) -> str | None:
        """What speaks against waiting for the first picture after ``message``."""
        if self._stop.is_set():
            return "closed while it was opening"
        if message is None:
            return f"no picture came within {self._patience.open_seconds:g} s"
        if isinstance(message, _Gone):
            return message.reason
        if isinstance(message, LinkInfo):
            self._info = message
        elif isinstance(message, _Picture):
            self._first = message
        return None

    def _items(self, supervisor: Supervisor, first: _Picture) -> Iterator[Item]:
        try:
            yield StateChange(SourceState.RUNNING, self._info.remark)
            yield from self._arrived(supervisor, first)
            while not self._stop.is_set():
                message = self._inbox.take(supervisor.wait_seconds(time.monotonic()))
                if self._stop.is_set():
                    break
                if isinstance(message, _Gone) and message.at_end:
                    yield StateChange(SourceState.ENDED)
                    return
                yield from self._on_message(supervisor, message)
                if self._inbox.is_empty:  # else the consumer was away, and what waits may be a picture
                    yield from self._carry_out(supervisor, supervisor.tick(time.monotonic()))
                if supervisor.state is SourceState.FAILED:
                    return
            yield StateChange(SourceState.ENDED, "closed")
        finally:
            self.close()

    def _on_message(self, supervisor: Supervisor, message: _Message | None) -> Iterator[Item]:
        if isinstance(message, _Picture):
            yield from self._arrived(supervisor, message)
        elif isinstance(message, Damage):
            yield Damage(
                what=f"{self._name}: {message.what}",
                lost_packets=message.lost_packets,
                pts_seconds=self._clock.last_seconds,
            )
        elif isinstance(message, _Gone):
            self._drop()
            yield from self._carry_out(
                supervisor, supervisor.lost(time.monotonic(), message.reason, refused=message.refused)
            )
        elif isinstance(message, LinkInfo):
            self._info = message

    def _carry_out(self, supervisor: Supervisor, steps: list[Step]) -> Iterator[Item]:
        for step in steps:
            if isinstance(step, StateChange):
                yield step
            elif step is Order.DROP:
                self._drop()
            elif (hanging := self._still_hanging()) >= MOST_LEFT_BEHIND:
                reason = f"{hanging} earlier calls still hang in the library; waiting for one to come back"
                yield from self._carry_out(supervisor, supervisor.lost(time.monotonic(), reason))
            else:
                self._start()

    def _arrived(self, supervisor: Supervisor, picture: _Picture) -> Iterator[Item]:
        arrival = picture.arrival
        yield from self._carry_out(supervisor, supervisor.frame(arrival.captured_ns / _NS))
        if supervisor.epoch != self._epoch:
            self._epoch = supervisor.epoch
            self._clock.begin_epoch()
            if self._info.remark:
                yield StateChange(SourceState.RUNNING, self._info.remark)
        yield from self._size_change(arrival.picture.width_px, arrival.picture.height_px)
        tick = self._clock.next(arrival.stamp_seconds, arrived_seconds=arrival.captured_ns / _NS)
        yield Frame(
            index=picture.index,
            pts_seconds=tick.pts_seconds,
            captured_ns=arrival.captured_ns - self._latency_ns,
            wall_ns=arrival.wall_ns - self._latency_ns,
            picture=arrival.picture,
            epoch=self._epoch,
            repair=tick.repair,
        )

    def _size_change(self, width_px: int, height_px: int) -> Iterator[Item]:
        before, self._size_px = self._size_px, (width_px, height_px)
        if before is not None and before != self._size_px:
            yield StateChange(
                SourceState.RUNNING, f"pictures are now {width_px} x {height_px} px, before {before[0]} x {before[1]}"
            )
