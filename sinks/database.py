"""SQLite files of our own: opening them, telling them from anybody else's, one writer at a time, errors in one line."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from .sink import SinkError

DatabaseErrors = (sqlite3.Error, UnicodeError)
"""What reading a damaged file raises: SQLite's own message may quote bytes that are no text."""
BUSY_SECONDS = 0.1
"""How long a write waits for another program's lock on the file."""


class Kind(NamedTuple):
    """What a file is: its mark in SQLite's header (``PRAGMA application_id``), its format, and what people call it."""

    application_id: int
    format: int
    name: str


def open_own(
    path: Path, kind: Kind, *, create: Callable[[sqlite3.Connection], None], power_safe: bool
) -> sqlite3.Connection:
    """The database at ``path`` in WAL mode, made where there is none; commits of themselves, usable from any thread.

    Raises `SinkError` for a file that is something else, which is left as it was.

    Args:
        path: the file; its folder is there.
        kind: what it must be.
        create: makes tables and the like in a blank database, within a transaction.
        power_safe: wait for the disk with each change, so that a power cut loses none.
    """
    database = connect(path, "mode=rwc")
    try:
        if _is_blank(database):
            wal = database.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal"
            require(wal, path, "cannot be kept in SQLite's WAL mode here (a network drive?)")
            database.execute("BEGIN IMMEDIATE")
            create(database)
            database.execute(f"PRAGMA application_id = {kind.application_id}")
            database.execute(f"PRAGMA user_version = {kind.format}")
            database.execute("COMMIT")
        expect(database, path, kind)
        database.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
    except BaseException as error:
        database.close()
        raise explained(error, path, kind) from None
    return database


def connect(path: Path, options: str) -> sqlite3.Connection:
    """Open a file with the options of an SQLite URI. Raises `sqlite3.Error`."""
    return sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?{options}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def expect(database: sqlite3.Connection, path: Path, kind: Kind) -> None:
    """Raise `SinkError` unless the database is of this kind."""
    (application_id,) = database.execute("PRAGMA application_id").fetchone()
    require(application_id == kind.application_id, path, f"is a database of something else, no {kind.name}")
    (format_,) = database.execute("PRAGMA user_version").fetchone()
    require(format_ == kind.format, path, f"is of format {format_}; this program knows {kind.name}s of {kind.format}")


@contextmanager
def sole_writer(path: Path) -> Generator[None]:
    """While inside, no other program of ours writes the file at ``path``; a killed one lets go of it at once."""
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


def explained(error: BaseException, path: Path, kind: Kind) -> BaseException:
    """An error of opening as a `SinkError` of one line; what is none of SQLite's or the system's, as it is."""
    if not isinstance(error, sqlite3.Error | UnicodeError | OSError):
        return error
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_NOTADB":
        return SinkError(f"{path}: is no {kind.name}")
    damaged = isinstance(error, UnicodeError) or name.startswith("SQLITE_CORRUPT")
    return SinkError(f"{path}: {'is damaged' if damaged else 'cannot be opened'}: {reason_of(error)}")


def require(condition: bool, path: Path, otherwise: str) -> None:
    """Raise `SinkError` with what is wrong with the file, unless the condition holds."""
    if not condition:
        raise SinkError(f"{path}: {otherwise}")


def _is_blank(database: sqlite3.Connection) -> bool:
    """Nothing is in it, as when its maker was killed at once."""
    empty = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    return empty and database.execute("PRAGMA application_id").fetchone()[0] == 0
