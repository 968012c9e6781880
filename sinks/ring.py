"""What a publisher remembers: the last messages of each topic, and the last of each kind of each stream."""

from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice

import msgspec

from .wire import Parts

MOST_MESSAGES = 16_384
MOST_BYTES = 8 * 2**20
_OVERHEAD_BYTES = 256
"""Of one kept message, beside its parts: objects and places in queues."""
_MOST_STREAMS = 16


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A message that was sent.

    Attributes:
        order: its place among all messages of the publisher.
        sequence: its place among those of its topic.
        parts: as it was sent.
    """

    order: int
    sequence: int
    parts: Parts

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.parts)) + _OVERHEAD_BYTES


class Ring:
    """Messages of one publisher. Each topic has bounds of its own, so that many scores push out no plane.

    Args:
        most_messages: kept for each topic.
        most_bytes: kept for each topic, overhead included; the newest message is kept however large it is.
    """

    def __init__(self, *, most_messages: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES) -> None:
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._topics: dict[str, deque[Kept]] = {}
        self._bytes: dict[str, int] = {}
        self._last: OrderedDict[str, dict[str, Kept]] = OrderedDict()
        self._order = 0

    def append(self, topic: str, stream: str, sequence: int, parts: Parts) -> None:
        """Keep a message, forget what is beyond the bounds."""
        kept = Kept(self._order, sequence, parts)
        self._order += 1
        messages = self._topics.setdefault(topic, deque())
        messages.append(kept)
        held_bytes = self._bytes.get(topic, 0) + kept.size_bytes
        while len(messages) > self._most_messages or (held_bytes > self._most_bytes and len(messages) > 1):
            held_bytes -= messages.popleft().size_bytes
        self._bytes[topic] = held_bytes
        self._last.setdefault(stream, {})[topic] = kept
        self._last.move_to_end(stream)
        if len(self._last) > _MOST_STREAMS:
            self._last.popitem(last=False)

    def snapshot(self, topics: Sequence[str]) -> list[Parts]:
        """The last message of each topic of each of the last 16 streams, in the order in which they were sent."""
        chosen = [kept for last in self._last.values() for topic, kept in last.items() if wanted(topic, topics)]
        return [kept.parts for kept in sorted(chosen, key=lambda kept: kept.order)]

    def replay(
        self, topics: Sequence[str], first: Mapping[str, int], *, most_messages: int, most_bytes: int
    ) -> tuple[list[Parts], bool]:
        """Messages from the given sequence numbers on (0 for a topic that has none), in the order they were sent.

        Returns at least one message, if there is any, and no more than fit; and whether there are more.
        """
        runs = [
            self._from(messages, first.get(topic, 0))
            for topic, messages in self._topics.items()
            if wanted(topic, topics)
        ]
        chosen: list[Parts] = []
        sum_bytes = 0
        for kept in merge(*runs, key=lambda kept: kept.order):
            sum_bytes += kept.size_bytes
            if chosen and (len(chosen) == most_messages or sum_bytes > most_bytes):
                return chosen, True
            chosen.append(kept.parts)
        return chosen, False

    @staticmethod
    def _from(messages: deque[Kept], sequence: int) -> Iterator[Kept]:
        return islice(messages, max(0, sequence - messages[0].sequence), None)


def wanted(topic: str, topics: Sequence[str]) -> bool:
    """Whether one of the beginnings in ``topics`` is the topic's; as with a subscription, "" is every topic's."""
    return any(topic.startswith(beginning) for beginning in topics)
