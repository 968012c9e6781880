"""What a client says beside the events: what it knows of what it has not got."""

import msgspec

from .event import AnyEvent


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Not an event, but something to know about those that come, or do not come."""


class Joined(Notice, frozen=True, kw_only=True):
    """The client has found its publisher; what comes next is complete, unless a `Gap` says otherwise.

    Attributes:
        epoch: the publisher's run.
        before: for each topic, how many were sent before this client joined.
        events: of those, the last of each topic of each stream: the state of things. Not news, and not all of them.
    """

    epoch: str
    before: dict[str, int]
    events: tuple[AnyEvent, ...]


class Gap(Notice, frozen=True, kw_only=True):
    """Events that were sent, did not arrive, and cannot be had any more.

    Attributes:
        topic: kind of the missing events.
        epoch: the publisher's run.
        first_sequence: number of the first one missing.
        missing: how many.
    """

    topic: str
    epoch: str
    first_sequence: int
    missing: int


class Restarted(Notice, frozen=True, kw_only=True):
    """Another publisher answers at the endpoint. What the one before sent last may not have arrived: nobody can tell.

    Attributes:
        epoch: of the new one.
        previous_epoch: of the one before.
        received: for each topic, how many numbers of the one before are accounted for, as events or as gaps.
    """

    epoch: str
    previous_epoch: str
    received: dict[str, int]


class Lagging(Notice, frozen=True, kw_only=True):
    """What the client reads now was published so long ago: it is too slow, or was held up."""

    seconds: float


class Silent(Notice, frozen=True, kw_only=True):
    """Not even a heartbeat has come for so long: no publisher is there, or none that lets this client in."""

    endpoint: str
    seconds: float


class Unanswered(Notice, frozen=True, kw_only=True):
    """The publisher does not answer requests: what is missed meanwhile is reported as a `Gap`, not got back."""

    endpoint: str
