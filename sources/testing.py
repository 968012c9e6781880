"""A source for tests, of this package and of others."""

import threading
from collections.abc import Iterable, Iterator

from .frame import Item, SourceState, StateChange
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
