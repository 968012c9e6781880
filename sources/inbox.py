"""Where reading threads leave what came, and one thread takes it: notices in order, of pictures only the newest."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Everything left by the one sender that is listened to; others find the door closed.

    There is no backlog: a picture that waits when a newer one comes is let go.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[T, bool]] = deque()
        self._changed = threading.Condition()
        self._sender: object = None
        self._closed = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        with self._changed:
            return not self._waiting

    def listen_to(self, sender: object) -> None:
        """Take from ``sender`` alone from now on (None: from nobody); what waits is forgotten."""
        with self._changed:
            self._sender = sender
            self._waiting.clear()

    def put(self, item: T, *, sender: object, replaceable: bool = False) -> bool:
        """Leave ``item``; False when nobody wants it.

        Args:
            item: what came.
            sender: who leaves it.
            replaceable: a picture: an older one that still waits is let go for it.
        """
        with self._changed:
            if self._closed or sender is not self._sender:
                return False
            if replaceable and self._waiting and self._waiting[-1][1]:
                self._waiting.pop()
            self._waiting.append((item, replaceable))
            self._changed.notify_all()
            return True

    def take(self, timeout_seconds: float) -> T | None:
        """What came first, waiting for it if need be; None when nothing came in time, or after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting, timeout_seconds)
            return self._waiting.popleft()[0] if self._waiting and not self._closed else None

    def close(self) -> None:
        """Wake whoever waits; nothing is left or taken any more."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
