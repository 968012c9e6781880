"""The seam below live sources: one connection to something that sends pictures."""

from dataclasses import dataclass
from typing import Protocol

from .frame import Damage, Picture
from .source import SourceError


class LinkError(SourceError):
    """A connection cannot be made or has broken; the message is a plain sentence without secrets.

    Attributes:
        refused: the other side said no; asking again at once would not help, and might lock an account.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkInfo:
    """What the other side announces.

    Attributes:
        announced_fps: None when it does not say.
        remark: a plain sentence on what is not as it was asked for, empty when all is.
        codec: how the pictures are compressed, empty when nobody knows.
    """

    announced_fps: float | None = None
    remark: str = ""
    codec: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One picture as it came.

    Attributes:
        picture: its pixels, not converted yet.
        captured_ns: monotonic clock when it came.
        wall_ns: UTC when it came, nanoseconds since 1970.
        stamp_seconds: what the stream says when it was taken, None when it says nothing.
    """

    picture: Picture
    captured_ns: int
    wall_ns: int
    stamp_seconds: float | None = None


class Link(Protocol):
    """One connection, made and used by one thread, which may be left behind in any call.

    Contract: ``open`` once, then ``read`` again and again, then ``close`` (also after an ``open`` that failed). Each
    may block, and may hang for good when the library below does; ``open`` and ``read`` raise `LinkError`. ``read``
    returns None when the other side has come to its natural end.
    """

    def open(self) -> LinkInfo: ...

    def read(self) -> Arrival | Damage | None: ...

    def close(self) -> None: ...
