"""Which cine a record was made of: known by its digest, found again where it lay.

Paths hold names of people, so they stand in no record; where cines lie is kept in this installation's own folder.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from ...models.home import home
from ...sinks.sink import SinkError
from ...sinks.whole import write_whole
from ...sources import SourceError
from ...sources.images import SUFFIXES
from .record import Record

MOST_REMEMBERED = 4096
"""Cines; the oldest are forgotten first."""


class Cines:
    """Finds the cine of a record: among those that are named, or where it lay when it was reviewed.

    Args:
        named: (name of the study, path) each; a cine counts by its digest, whatever it is called now. A record without
            a digest takes the one with its name.
    """

    def __init__(self, named: Iterable[tuple[str, Path]] = ()) -> None:
        self._named = list(named)
        self._digests: dict[Path, str] = {}

    def of(self, record: Record) -> Path | None:
        """Where the record's cine is; None where nobody knows."""
        sha256 = record.cine_sha256
        by_name = [path for name, path in self._named if name == record.name]
        if sha256 is None:
            return by_name[0] if by_name else None
        others = [path for _, path in self._named if path not in by_name]
        for path in [*by_name, *others]:
            if self._digest(path) == sha256:
                return path
        return by_name[0] if by_name else recall(sha256)

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            with suppress(SourceError):
                self._digests[path] = fingerprint(path)
        return self._digests.get(path, "")


def fingerprint(path: Path) -> str:
    """SHA-256 of a file; of a folder of pictures, over the names and digests of its pictures.

    Raises `SourceError` when it cannot be read.
    """
    try:
        if not path.is_dir():
            return _of_file(path)
        whole = hashlib.sha256()
        for file in sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file()):
            whole.update(f"{file.name}\0{_of_file(file)}\n".encode("utf-8", "surrogateescape"))
        return whole.hexdigest()
    except OSError as error:
        raise SourceError(f"the cine cannot be read again: {error.strerror}") from None


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remember(sha256: str, path: Path) -> None:
    """Where a cine lies, for `recall`; where nothing can be kept, nothing is."""
    known = _known()
    known.pop(sha256, None)
    known[sha256] = str(path.absolute())
    newest = dict(list(known.items())[-MOST_REMEMBERED:])
    with suppress(OSError, SinkError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        write_whole(_file(), msgspec.json.encode(newest))
        _file().chmod(0o600)


def recall(sha256: str) -> Path | None:
    """Where the cine with this digest lay; None when nobody remembers, or it is gone."""
    path = _known().get(sha256)
    return Path(path) if path is not None and Path(path).exists() else None


def _known() -> dict[str, str]:
    try:
        return msgspec.json.decode(_file().read_bytes(), type=dict[str, str])
    except (OSError, ValueError):
        return {}


def _file() -> Path:
    return home() / "cines.json"
