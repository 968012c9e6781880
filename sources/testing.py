"""Sources, connections and cards for tests, of this package and of others."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from .card import Mode, Shot
from .frame import Damage, Item, SourceState, StateChange
from .link import Arrival, LinkError, LinkInfo
from .source import SourceError, SourceInfo


class ListSource:
    """Gives the items it was given, between RUNNING and ENDED.

    Args:
        items: frames, damage and changes of state; an ENDED or FAILED among them is the last item.
        info: what `open` says.
    """

    def __init__(self, items: Iterable[Item], *, info: SourceInfo | None = None) -> None:
        self._items = items
        self._info = info or SourceInfo(uri="list:", name="list")
        self._closed = threading.Event()
        self._is_open = False

    def open(self) -> SourceInfo:
        self._is_open = True
        return self._info

    def items(self) -> Iterator[Item]:
        if not self._is_open:
            raise SourceError(f"{self._info.uri} is not open")
        yield StateChange(SourceState.RUNNING)
        for item in self._items:
            if self._closed.is_set():
                break
            yield item
            if isinstance(item, StateChange) and item.state in (SourceState.ENDED, SourceState.FAILED):
                return
        yield StateChange(SourceState.ENDED)

    def close(self) -> None:
        self._closed.set()


class ListLink:
    """A connection that plays a list; after its last entry it has come to its end.

    Args:
        script: an `Arrival` comes (now, whatever its capture times say), so does `Damage`; a number is seconds of
            silence before what follows; an error is raised; an event is waited for (a library that hangs until the
            test lets it go).
        info: what `open` says, or the error it raises.
    """

    def __init__(
        self,
        script: Iterable[Arrival | Damage | float | Exception | threading.Event],
        *,
        info: LinkInfo | Exception | None = None,
    ) -> None:
        self._script = iter(script)
        self._info = info or LinkInfo()
        self.closed = threading.Event()

    def open(self) -> LinkInfo:
        if isinstance(self._info, Exception):
            raise self._info
        return self._info

    def read(self) -> Arrival | Damage | None:
        for entry in self._script:
            if isinstance(entry, Exception):
                raise entry
            if isinstance(entry, threading.Event):
                entry.wait()
            elif isinstance(entry, int | float):
                time.sleep(entry)
            elif isinstance(entry, Arrival):
                return replace(entry, captured_ns=time.monotonic_ns(), wall_ns=time.time_ns())
            else:
                return entry
        return None

    def close(self) -> None:
        self.closed.set()


class ListCard:
    """A capture card that plays a list; after its last entry it is unplugged.

    Args:
        script: a `Shot` comes, a number is seconds the driver takes for what follows, None is a read without a picture.
        given: the mode it sends in, whatever it is asked for.
    """

    def __init__(self, script: Iterable[Shot | float | None], *, given: Mode | None = None) -> None:
        self._script = deque(script)
        self._given = given or Mode()
        self.asked: Mode | None = None
        self.closed = threading.Event()

    def open(self, mode: Mode) -> Mode:
        self.asked = mode
        return self._given

    def read(self) -> Shot | None:
        while self._script:
            entry = self._script.popleft()
            if not isinstance(entry, int | float):
                return entry
            time.sleep(entry)
        raise LinkError("the card was unplugged")

    def close(self) -> None:
        self.closed.set()
