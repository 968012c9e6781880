"""The file of a store: an SQLite database in WAL mode that takes records at its end and nothing else.

    events(sequence, epoch, event, hash, kind, stream)   one row per event; the last two are read from the JSON
    store(identity, software)                            one row

Triggers refuse every change of a row and every row but the next; the chain (`chain`) shows whoever went around them.
"""

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from .. import __version__
from .chain import ChainError, Link, Record, beginning, checked
from .sink import SinkError

APPLICATION_ID = 0x46535452
"""In the header of the file ("FSTR"): how a store is told from anybody else's database."""
FORMAT = 1
DatabaseErrors = (sqlite3.Error, UnicodeError)
"""What reading a damaged file raises: SQLite's own message may quote bytes that are no text."""
BUSY_SECONDS = 0.1
"""How long a write waits for another program's lock on the file."""

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE store (identity TEXT NOT NULL, software TEXT NOT NULL) STRICT;
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    event TEXT NOT NULL,
    hash BLOB NOT NULL,
    kind TEXT GENERATED ALWAYS AS (json_extract(event, '$.kind')) VIRTUAL,
    stream TEXT GENERATED ALWAYS AS (json_extract(event, '$.stream')) VIRTUAL
) STRICT;
CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'a store is append-only'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'a store is append-only'); END;
CREATE TRIGGER events_next BEFORE INSERT ON events
WHEN NEW.sequence IS NOT (SELECT ifnull(max(sequence) + 1, 0) FROM events)
BEGIN SELECT RAISE(ABORT, 'a store takes the next number only'); END;
CREATE TRIGGER store_keep BEFORE UPDATE ON store BEGIN SELECT RAISE(ABORT, 'a store is append-only'); END;
CREATE TRIGGER store_stay BEFORE DELETE ON store BEGIN SELECT RAISE(ABORT, 'a store is append-only'); END;
"""
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
    """An open store. For one thread at a time; made by `writing` and `reading`."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self.path = path
        self._database = database
        row = database.execute("SELECT identity FROM store").fetchone()
        _only(row is not None, path, "is damaged: its identity is gone")
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
    database = _connect(path, "mode=rwc")
    try:
        if _is_blank(database):
            _create(database, path)
        _expect_store(database, path)
        database.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
        file = StoreFile(path, database)
        file.last()
    except BaseException as error:
        database.close()
        raise _explained(error, path) from None
    return file


@contextmanager
def reading(path: Path | str) -> Generator[StoreFile]:
    """The store at ``path``, for reading, also while it is written. Raises `SinkError` when it is none."""
    path = Path(path)
    if not path.is_file():
        raise SinkError(f"{path}: is not there" if not path.exists() else f"{path}: is no event store")
    database = _connect(path, "mode=ro" if _shared_memory_possible(path) else "immutable=1")
    with closing(database):
        try:
            _expect_store(database, path)
            file = StoreFile(path, database)
        except DatabaseErrors as error:
            raise _explained(error, path) from None
        yield file


@contextmanager
def sole_writer(path: Path) -> Generator[None]:
    """While inside, no other program writes the store at ``path``; a killed one lets go of it at once."""
    lock = path.with_name(f"{path.name}-lock")  # not on the file itself: closing it would drop SQLite's own locks
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SinkError(f"{path}: is being written by another program; give each its own file") from None
        yield
    finally:
        os.close(descriptor)


def reason_of(error: sqlite3.Error | UnicodeError | OSError) -> str:
    """What went wrong, in words."""
    if isinstance(error, UnicodeError):
        return "text that is none"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    name = getattr(error, "sqlite_errorname", "")
    return f"{error} ({name})" if name.startswith("SQLITE_IOERR") else str(error)


def _connect(path: Path, options: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"file:{quote(str(path.resolve()))}?{options}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise _explained(error, path) from None


def _shared_memory_possible(path: Path) -> bool:
    """Whether SQLite can keep its index of the WAL beside the file; it cannot on a medium that is read only."""
    return os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists()


def _is_blank(database: sqlite3.Connection) -> bool:
    """Nothing is in it, as when its maker was killed at once."""
    empty = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    return empty and database.execute("PRAGMA application_id").fetchone()[0] == 0


def _create(database: sqlite3.Connection, path: Path) -> None:
    """All of an empty store, or nothing."""
    _only(database.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal", path, "cannot be kept in WAL mode")
    database.executescript(_SCHEMA)
    database.execute("INSERT INTO store VALUES (?, ?)", (secrets.token_hex(16), f"fetalstream {__version__}"))
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {FORMAT}")
    database.execute("COMMIT")


def _expect_store(database: sqlite3.Connection, path: Path) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    _only(application == APPLICATION_ID, path, "is a database of something else, no event store")
    (version,) = database.execute("PRAGMA user_version").fetchone()
    _only(version == FORMAT, path, f"is a store of format {version}; this program knows format {FORMAT}")


def _only(condition: bool, path: Path, otherwise: str) -> None:
    if not condition:
        raise SinkError(f"{path}: {otherwise}")


def _explained(error: BaseException, path: Path) -> BaseException:
    if isinstance(error, ChainError):
        return ChainError(f"{path}: {error}; keep the file and begin another")
    if isinstance(error, UnicodeError):
        return SinkError(f"{path}: is damaged: {reason_of(error)}")
    if isinstance(error, sqlite3.Error):
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            return SinkError(f"{path}: is no event store")
        damaged = getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT")
        return SinkError(f"{path}: {'is damaged' if damaged else 'cannot be opened'}: {reason_of(error)}")
    if isinstance(error, OSError):
        return SinkError(f"{path}: cannot be opened: {reason_of(error)}")
    return error
