"""Bounded channels between threads: the only place where frames wait, and the only place where they are dropped."""

import threading
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

from .. import FetalStreamError

T = TypeVar("T")


class Policy(StrEnum):
    """What a full channel does: BLOCK makes the writer wait, LATEST drops the oldest droppable item."""

    BLOCK = "block"
    LATEST = "latest"


class ChannelClosedError(FetalStreamError):
    """The channel was torn down while somebody waited on it."""


def _never(_: object) -> bool:
    return False


class Channel(Generic[T]):
    """A bounded first-in-first-out queue for one reader and, mostly, one writer (`finish` is for all of them).

    ``finish`` is the orderly end: the reader still gets what waits, then an empty batch; a writer that goes on gets
    `ChannelClosedError`. ``cancel`` tears the channel down: both sides get `ChannelClosedError` at once.

    Args:
        capacity: items that may wait.
        policy: what happens when they do.
        droppable: which items LATEST may drop. The others (events, end of stream) are kept even above capacity.
    """

    def __init__(
        self, capacity: int, *, policy: Policy = Policy.BLOCK, droppable: Callable[[T], bool] = _never
    ) -> None:
        if capacity < 1:
            raise ValueError(f"a channel holds at least 1 item, not {capacity}")
        self._capacity = capacity
        self._policy = policy
        self._droppable = droppable
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._finished = False
        self._cancelled = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many items LATEST has dropped so far."""
        with self._changed:
            return self._dropped

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    def put(self, item: T) -> None:
        """Append ``item``; under BLOCK, wait for room. Raises `ChannelClosedError` when torn down."""
        with self._changed:
            if self._policy is Policy.BLOCK:
                self._changed.wait_for(self._writable)
            self._raise_if_cancelled()
            if self._finished:
                raise ChannelClosedError("put after finish")
            if len(self._items) < self._capacity or not self._make_room(item):
                self._items.append(item)
            self._changed.notify_all()

    def _make_room(self, item: T) -> bool:
        """Drop one waiting item for ``item``; True when there was none and ``item`` itself had to go."""
        for position, waiting in enumerate(self._items):
            if self._droppable(waiting):
                del self._items[position]
                self._dropped += 1
                return False
        if self._droppable(item):
            self._dropped += 1
            return True
        return False

    def wait_for_room(self) -> None:
        """Wait until a `put` would not block, so that a writer can choose its item as late as possible."""
        with self._changed:
            self._changed.wait_for(self._writable)
            self._raise_if_cancelled()

    def get(self) -> T | None:
        """The next item; None when the writer has finished and nothing waits."""
        batch = self.get_batch(1)
        return batch[0] if batch else None

    def get_batch(self, max_items: int, *, max_wait_seconds: float | None = 0.0) -> list[T]:
        """At least one item, at most ``max_items``; empty only at the end.

        Waits as long as it takes for the first item, then ``max_wait_seconds`` more for the others (None: until the
        batch is full or the writer has finished, which makes batches, and so results, repeatable).
        """
        batch: list[T] = []
        with self._changed:
            self._changed.wait_for(self._readable)
            until = None if max_wait_seconds is None else time.monotonic() + max_wait_seconds
            while True:
                self._raise_if_cancelled()
                while self._items and len(batch) < max_items:
                    batch.append(self._items.popleft())
                self._changed.notify_all()
                if len(batch) == max_items or self._finished:
                    return batch
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return batch
                self._changed.wait_for(self._readable, left)

    def _writable(self) -> bool:
        return self._cancelled or self._finished or len(self._items) < self._capacity

    def _readable(self) -> bool:
        return self._cancelled or self._finished or bool(self._items)

    def finish(self) -> None:
        """The writer has no more; what waits will still be read."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Tear down: wake and refuse everybody, forget what waits."""
        with self._changed:
            self._cancelled = True
            self._items.clear()
            self._changed.notify_all()

    def _raise_if_cancelled(self) -> None:
        if self._cancelled:
            raise ChannelClosedError("the channel was torn down")
