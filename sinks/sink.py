"""The seam between the pipeline and where results go."""

from typing import NamedTuple, Protocol, runtime_checkable

from .. import FetalStreamError
from .event import AnyEvent


class SinkError(FetalStreamError):
    """A sink cannot be opened or written; the message names the file or endpoint."""


class SinkTroubleError(SinkError):
    """This event was not taken, not even in part; it may be offered again, for the trouble may pass (a full disk).

    Args:
        sink: the sink's kind, such as "store".
        where: file or endpoint, for whoever sits at this machine.
        reason: what is wrong, without ``where``: it goes on the bus.
    """

    def __init__(self, *, sink: str, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.sink = sink
        self.reason = reason


class Sink(Protocol):
    """Takes events.

    Contract: constructing a sink opens it and raises `SinkError` when that fails, before any frame is read. ``write``
    is called from one thread, in order, and must return in bounded time; what it cannot deliver it counts, it never
    blocks on a reader. It raises `SinkTroubleError` for what may pass, any other `SinkError` for what will not.
    ``close`` flushes in bounded time, any number of times.
    """

    def write(self, event: AnyEvent) -> None: ...

    def close(self) -> None: ...


class Standing(NamedTuple):
    """How a sink stands: what is wrong ("" when nothing is), how many events wait for it, how many it never got."""

    sink: str
    reason: str
    waiting: int
    lost: int


@runtime_checkable
class BackgroundSink(Protocol):
    """A sink that delivers behind ``write``'s back and so tells its trouble when asked; from any thread, at once."""

    @property
    def standing(self) -> Standing: ...
