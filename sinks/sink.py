"""The seam between the pipeline and where results go."""

from typing import Protocol

from .. import FetalStreamError
from .event import AnyEvent


class SinkError(FetalStreamError):
    """A sink cannot be opened or written; the message names the file or endpoint."""


class Sink(Protocol):
    """Takes events.

    Contract: constructing a sink opens it and raises `SinkError` when that fails, before any frame is read. ``write``
    is called from one thread, in order, and must return in bounded time; what it cannot deliver it counts, it never
    blocks on a reader. ``close`` flushes in bounded time, any number of times.
    """

    def write(self, event: AnyEvent) -> None: ...

    def close(self) -> None: ...
