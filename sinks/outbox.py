"""A bounded queue on disk: what is to be delivered survives a restart."""

import sqlite3
import threading
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from .database import DatabaseErrors, Kind, open_own, reason_of, sole_writer
from .sink import SinkError

OUTBOX = Kind(application_id=0x46535451, format=1, name="queue")  # "FSTQ"
MOST_REFUSED = 1000
"""Letters kept of those that nobody will take; of more, the newest."""

_TABLES = (
    """CREATE TABLE letters (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, kind TEXT NOT NULL, stream TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE refused (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL
    ) STRICT""",
)


class Letter(NamedTuple):
    """One event to deliver; ``key`` (32 hex digits) is its own for ever, however often it is sent."""

    id: int
    key: str
    kind: str
    stream: str
    body: bytes


class Outbox:
    """First in, first out. Safe from any thread; every method returns in bounded time.

    Args:
        path: the file, made where there is none; one program at a time.
        most: letters that may wait; beyond that the oldest are lost, and counted.
        power_safe: wait for the disk with each change; else a power cut may take the last letters, or bring one back (a
            kill does neither).
    """

    def __init__(self, path: Path, *, most: int, power_safe: bool = False) -> None:
        self._lock = threading.Lock()
        self._held = ExitStack()
        self._most = most
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(sole_writer(path))
            self._database = open_own(path, OUTBOX, create=_create, power_safe=power_safe)
            self._held.callback(self._database.close)
            self._count = int(self._database.execute("SELECT count(*) FROM letters").fetchone()[0])
        except (OSError, *DatabaseErrors) as error:
            self._held.close()
            raise SinkError(f"{path}: cannot be opened: {reason_of(error)}") from None
        except SinkError:
            self._held.close()
            raise

    def __len__(self) -> int:
        with self._lock:
            return self._count

    def put(self, *, kind: str, stream: str, body: bytes) -> int:
        """Add a letter; returns how many were lost for it. Raises `sqlite3.Error` when it could not be kept."""
        with self._lock:
            row = (uuid.uuid4().hex, kind, stream, body)
            self._database.execute("INSERT INTO letters (key, kind, stream, body) VALUES (?, ?, ?, ?)", row)
            self._count += 1
            too_many = max(0, self._count - self._most)
            if too_many:
                oldest = "SELECT id FROM letters ORDER BY id LIMIT ?"
                self._database.execute(f"DELETE FROM letters WHERE id IN ({oldest})", (too_many,))  # noqa: S608
                self._count -= too_many
            return too_many

    def oldest(self, *, after: int = 0) -> Letter | None:
        """The letter that is next, of those behind the one whose id is ``after``."""
        with self._lock:
            next_one = "SELECT id, key, kind, stream, body FROM letters WHERE id > ? ORDER BY id LIMIT 1"
            found = self._database.execute(next_one, (after,)).fetchone()
            return Letter(*found) if found else None

    def delivered(self, letter: Letter) -> None:
        """It has arrived."""
        with self._lock:
            self._remove(letter)

    def refused(self, letter: Letter, reason: str) -> None:
        """Nobody will ever take it: put it aside, with the reason."""
        with self._lock:
            row = (letter.id, letter.key, reason, letter.body)
            self._database.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", row)
            newest = "SELECT id FROM refused ORDER BY id DESC LIMIT ?"
            self._database.execute(f"DELETE FROM refused WHERE id NOT IN ({newest})", (MOST_REFUSED,))  # noqa: S608
            self._remove(letter)

    def close(self) -> None:
        with self._lock:
            self._held.close()

    def _remove(self, letter: Letter) -> None:
        # It may be gone already, as the oldest of too many.
        self._count -= self._database.execute("DELETE FROM letters WHERE id = ?", (letter.id,)).rowcount


def _create(database: sqlite3.Connection) -> None:
    for statement in _TABLES:
        database.execute(statement)
