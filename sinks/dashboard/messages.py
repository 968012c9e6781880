"""What the page and its server say to each other: JSON but for pictures, which are binary (see `pictures.encoded`)."""

from typing import Annotated

import msgspec

from ..operator import Wish
from .status import About, Sample, Status
from .story import Told

MOST_VALUE_CHARACTERS = 200
MOST_CLIENT_BYTES = 2048
"""A browser has little to say; whoever says more at once is cut off."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="hello"):
    """The first message, and again when a browser was too far behind: forget everything, things stand like this.

    Attributes:
        about: what does not change.
        epoch: identity of this run of the server.
        next: number of the first event that is not in ``events``.
        events: those that still hold, and recent ones, in order.
        history: points of the strip, oldest first.
    """

    about: About
    epoch: str
    next: int
    events: list[Told]
    history: list[Sample]


class Events(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="events"):
    """What has happened, in order; numbers follow each other without a gap."""

    events: list[Told]


class Now(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="status"):
    """How things stand; only the newest is ever sent."""

    status: Status
    sample: Sample


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="pong"):
    """``sent_ms`` comes back, with the server's monotonic clock beside it."""

    sent_ms: float
    now_ms: float


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="answer"):
    """What became of a wish: ``ok``, it is on its way; else ``why`` it is not."""

    id: int
    ok: bool
    why: str = ""


class Ack(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="ack", forbid_unknown_fields=True):
    """So many messages have been dealt with, pictures drawn; until then few others are sent."""

    count: _Count


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="ping", forbid_unknown_fields=True):
    """Asks for the server's clock."""

    sent_ms: float


class Operate(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="operate", forbid_unknown_fields=True):
    """A wish of the operator (see `Operation`); ``id`` comes back with the answer."""

    id: _Count
    wish: Wish
    value: Annotated[str, msgspec.Meta(max_length=MOST_VALUE_CHARACTERS)] = ""


FromBrowser = Ack | Ping | Operate
