"""A sink for tests, of this package and of others."""

from .event import AnyEvent
from .sink import SinkError


class ListSink:
    """Keeps every event in ``events``; refuses to be written once it is closed."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.closed = False

    def write(self, event: AnyEvent) -> None:
        if self.closed:
            raise SinkError("the list is closed, no event can be written")
        self.events.append(event)

    def close(self) -> None:
        self.closed = True
