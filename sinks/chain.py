"""The hash chain: each record of a store vouches for all before it.

Exactly, with ``||`` for one behind the other and SHA-256 over bytes:

    hash(-1) = SHA-256( "fetalstream store 1 " || identity )
    hash(n)  = SHA-256( hash(n - 1) || n || epoch(n) || event(n) )

where ``identity`` is the store's own random name (32 hex digits, ASCII), ``n`` and ``epoch(n)`` are unsigned integers
of 8 bytes, big-endian, and ``event(n)`` is the event's JSON in UTF-8, byte for byte as it is stored.

The chain shows that nothing within was changed, taken out, put in or moved. Whoever can write the file can also forge
a whole new chain or cut off its end; against that, keep the newest hash elsewhere (``store verify --head``).
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .sink import SinkError


class ChainError(SinkError):
    """A record does not follow from the one before it."""


class Link(NamedTuple):
    """What the next record is chained to: the newest record's number (-1 before the first), epoch and hash."""

    sequence: int
    epoch: int
    hash: bytes


class Record(NamedTuple):
    """One stored event: its number in the store, the writer's run, its JSON and its hash (32 bytes)."""

    sequence: int
    epoch: int
    event: bytes
    hash: bytes

    @property
    def link(self) -> Link:
        return Link(self.sequence, self.epoch, self.hash)


def beginning(identity: str) -> Link:
    """What the first record of a store is chained to."""
    return Link(-1, -1, hashlib.sha256(f"fetalstream store 1 {identity}".encode()).digest())


def follow(last: Link, *, epoch: int, event: bytes) -> Record:
    """The record behind ``last``."""
    sequence = last.sequence + 1
    numbers = sequence.to_bytes(8, "big") + epoch.to_bytes(8, "big")
    return Record(sequence, epoch, event, hashlib.sha256(last.hash + numbers + event).digest())


def checked(records: Iterable[Record], start: Link) -> Iterator[Record]:
    """The same records, each checked against the one before it. Raises `ChainError` at the first that does not fit."""
    last = start
    for record in records:
        if record.sequence != last.sequence + 1:
            raise ChainError(f"record {last.sequence + 1} is missing, {record.sequence} comes in its place")
        if record.epoch not in (max(last.epoch, 0), last.epoch + 1):
            raise ChainError(f"record {record.sequence} is of epoch {record.epoch}, the one before of {last.epoch}")
        if not isinstance(record.event, bytes):  # pyright: ignore[reportUnnecessaryIsInstance] - a torn file's word
            raise ChainError(f"record {record.sequence} holds no text")
        if record != follow(last, epoch=record.epoch, event=record.event):
            raise ChainError(f"record {record.sequence} (epoch {record.epoch}) does not fit its hash: it was changed")
        yield record
        last = record.link
