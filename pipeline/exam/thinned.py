"""Answers of an exam in bounded memory: of a long one every second is kept, then every fourth."""

from typing import Generic, TypeVar

Item = TypeVar("Item")


class Thinned(Generic[Item]):
    """Evenly spread over all that was added; memory and time stay bounded however long the stream is.

    Args:
        most: even; when so many are kept every second one goes, and of what follows every second is passed over.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[Item] = []
        self._stride = 1
        self.count = 0
        """All that were added, kept or not."""

    def add(self, item: Item) -> None:
        """One more."""
        if self.count % self._stride == 0:
            self._kept.append(item)
        if len(self._kept) == self._most:
            del self._kept[1::2]
            self._stride *= 2
        self.count += 1

    @property
    def kept(self) -> list[Item]:
        """Those that are kept, in the order in which they came."""
        return list(self._kept)
