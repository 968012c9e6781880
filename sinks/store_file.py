"""The file of a store: an SQLite database in WAL mode that takes records at its end and nothing else.

    events(sequence, epoch, event, hash, kind, stream)   one row per event; the last two are read from the JSON
    store(identity, software)                            one row

Triggers refuse every change of a row and every row but the next; the chain (`chain`) shows whoever went around them.
"""

import os
import secrets
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from .. import __version__
from .chain import ChainError, Link, Record, beginning, checked
from .database import DatabaseErrors, Kind, connect, expect, explained, open_own, reason_of, require
from .sink import SinkError

STORE = Kind(application_id=0x46535452, format=1, name="event store")  # "FSTR"

_TABLES = (
    "CREATE TABLE store (identity TEXT NOT NULL, software TEXT NOT NULL) STRICT",
    """CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        epoch INTEGER NOT NULL,
        event TEXT NOT NULL,
        hash BLOB NOT NULL,
        kind TEXT GENERATED ALWAYS AS (json_extract(event, '$.kind')) VIRTUAL,
        stream TEXT GENERATED ALWAYS AS (json_extract(event, '$.stream')) VIRTUAL
    ) STRICT""",
)
_TRIGGERS = (
    "CREATE TRIGGER {table}_keep BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'a store is append-only'); END",
    "CREATE TRIGGER {table}_stay BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'a store is append-only'); END",
)
_NEXT_ONLY = """CREATE TRIGGER events_next BEFORE INSERT ON events
WHEN NEW.sequence IS NOT (SELECT ifnull(max(sequence) + 1, 0) FROM events)
BEGIN SELECT RAISE(ABORT, 'a store takes the next number only'); END"""
_RECORDS = "SELECT sequence, epoch, CAST(event AS BLOB), hash FROM events"
_STREAMS = """
SELECT stream, min(epoch), max(epoch), count(*), sum(kind = 'plane.left'),
    max(CASE kind WHEN 'stream.started' THEN json_extract(event, '$.stamp.wall_time') END),
    max(CASE kind WHEN 'stream.ended' THEN json_extract(event, '$.reason') END)
FROM events GROUP BY stream ORDER BY min(sequence)
"""


class StoredStream(NamedTuple):
    """What a store holds of one stream; ``ended`` is None while it runs, and for ever when its writer was killed."""

    stream: str
    first_epoch: int
    last_epoch: int
    events: int
    visits: int
    started: str | None
    ended: str | None


class StoreFile:
    """An open store. For one thread at a time; made by `open_for_writing` and `reading`."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self.path = path
        self._database = database
        row = database.execute("SELECT identity FROM store").fetchone()
        require(row is not None, path, "is damaged: its identity is gone")
        self.identity = str(row[0])

    def records(self, first: int = 0) -> Iterator[Record]:
        """All records from number ``first`` on, unchecked."""
        rows = self._database.execute(f"{_RECORDS} WHERE sequence >= ? ORDER BY sequence", (first,))
        return (Record(*row) for row in rows)

    def checked_records(self) -> Iterator[Record]:
        """All records, each checked against the one before it. Raises `ChainError`."""
        try:
            yield from checked(self.records(), beginning(self.identity))
        except ChainError as error:
            raise ChainError(f"{self.path}: {error}") from None
        except DatabaseErrors as error:
            raise SinkError(f"{self.path}: is damaged: {reason_of(error)}") from None

    def last(self) -> Link:
        """The end of the chain, after a look at whether it fits the record before. Raises `ChainError`."""
        newest = self._database.execute("SELECT max(sequence) FROM events").fetchone()[0]
        if newest is None:
            return beginning(self.identity)
        *before, last = self.records(max(0, newest - 1))
        start = before[0].link if before else beginning(self.identity)
        for _ in checked([last], start):
            pass
        return last.link

    def append(self, record: Record) -> None:
        """Add the next record: all of it or, when this raises `sqlite3.Error`, nothing."""
        row = (record.sequence, record.epoch, record.event.decode(), record.hash)
        self._database.execute("INSERT INTO events (sequence, epoch, event, hash) VALUES (?, ?, ?, ?)", row)

    def streams(self) -> list[StoredStream]:
        """What is held of each stream, oldest first."""
        try:
            return [StoredStream(*row) for row in self._database.execute(_STREAMS)]
        except DatabaseErrors as error:
            raise SinkError(f"{self.path}: is damaged: {reason_of(error)}") from None

    def close(self) -> None:
        self._database.close()


def open_for_writing(path: Path, *, power_safe: bool) -> StoreFile:
    """The store at ``path``, made where there is none. Raises `SinkError` for a file that is something else.

    Args:
        path: the file; its folder is there.
        power_safe: wait for the disk with each record, so that a power cut loses none.
    """
    database = open_own(path, STORE, create=_create, power_safe=power_safe)
    try:
        file = StoreFile(path, database)
        file.last()
    except BaseException as error:
        database.close()
        if isinstance(error, ChainError):
            raise ChainError(f"{path}: {error}; keep the file and begin another") from None
        raise explained(error, path, STORE) from None
    return file


@contextmanager
def reading(path: Path | str) -> Generator[StoreFile]:
    """The store at ``path``, for reading, also while it is written. Raises `SinkError` when it is none."""
    path = Path(path)
    require(path.exists(), path, "is not there")
    require(path.is_file(), path, f"is no {STORE.name}")
    try:
        database = connect(path, "mode=ro" if _index_possible(path) else "immutable=1")
    except sqlite3.Error as error:
        raise explained(error, path, STORE) from None
    with closing(database):
        try:
            expect(database, path, STORE)
            file = StoreFile(path, database)
        except DatabaseErrors as error:
            raise explained(error, path, STORE) from None
        yield file


def _create(database: sqlite3.Connection) -> None:
    for statement in (*_TABLES, _NEXT_ONLY):
        database.execute(statement)
    database.execute("INSERT INTO store VALUES (?, ?)", (secrets.token_hex(16), f"fetalstream {__version__}"))
    for table in ("events", "store"):
        for trigger in _TRIGGERS:
            database.execute(trigger.format(table=table))


def _index_possible(path: Path) -> bool:
    """Whether SQLite can keep its index of the WAL beside the file; it cannot on a medium that is read only."""
    return os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists()
