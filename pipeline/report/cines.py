"""Which cine a record was made of: known by its digest, found again where it lay. Likewise the folder of its captures.

Paths hold names of people, so they stand in no record; where things lie is kept in this installation's own folder.
"""

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from ...models.home import home
from ...sinks.sink import SinkError
from ...sinks.whole import write_whole
from ...sources import SourceError
from ...sources.images import picture_files
from .record import Record

MOST_REMEMBERED = 4096
"""Of cines, and of studies with captures; the oldest are forgotten first."""
CAPTURES_FOLDER = "captures"
"""What ``live --out`` and the demo call it."""


class Cines:
    """Finds the cine of a record: among those that are named, or where it lay when it was reviewed.

    Args:
        named: (name of the study, path) each; a cine counts by its digest, whatever it is called now. A record without
            a digest takes the one with its name.
    """

    def __init__(self, named: Iterable[tuple[str, Path]] = ()) -> None:
        self._named = list(named)

    def of(self, record: Record) -> Path | None:
        """Where the record's cine is; None where nobody knows."""
        sha256 = record.cine_sha256
        by_name = [path for name, path in self._named if name == record.name]
        if sha256 is None:
            return by_name[0] if by_name else None
        others = [path for _, path in self._named if path not in by_name]
        for path in [*by_name, *others]:
            with suppress(SourceError):
                if fingerprint(path) == sha256:
                    return path
        return recall(sha256) or (by_name[0] if by_name else None)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file; of a folder of pictures, over the names and digests of its pictures.

    Raises `SourceError` when it cannot be read.
    """
    try:
        if not path.is_dir():
            return _of_file(path)
        whole = hashlib.sha256()
        for file in sorted(picture_files(path)):
            whole.update(f"{file.name}\0{_of_file(file)}\n".encode("utf-8", "surrogateescape"))
        return whole.hexdigest()
    except OSError as error:
        raise SourceError(f"the cine cannot be read again: {error.strerror}") from None


def _of_file(path: Path) -> str:
    known = path.stat()
    return _of_unchanged(path, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=MOST_REMEMBERED)
def _of_unchanged(path: Path, mtime_ns: int, size_bytes: int) -> str:
    """A review that ends in a report asks several times, and a cine may hold gigabytes."""
    del mtime_ns, size_bytes
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remember(sha256: str, path: Path) -> None:
    """Where a cine lies, for `recall`; where nothing can be kept, nothing is."""
    _remember("cines.json", sha256, path)


def recall(sha256: str) -> Path | None:
    """Where the cine with this digest lay; None when nobody remembers, or it is gone."""
    return _recall("cines.json", sha256)


def remember_captures(study: Path, root: Path) -> None:
    """Where the captures of the study in a folder went, for `roots_of`."""
    _remember("captures.json", _as_text(study), root)


def roots_of(study: Path, named: Iterable[Path] = ()) -> list[Path]:
    """Where captures of the study in a folder may lie: where somebody says, where they went, beside the record."""
    remembered = _recall("captures.json", _as_text(study))
    beside = [study / CAPTURES_FOLDER, study.absolute().parent / CAPTURES_FOLDER]
    return [*named, *([remembered] if remembered else []), *beside]


def _as_text(path: Path) -> str:
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")


def _remember(name: str, key: str, path: Path) -> None:
    known = _known(name)
    known.pop(key, None)
    known[key] = _as_text(path)
    newest = dict(list(known.items())[-MOST_REMEMBERED:])
    with suppress(OSError, SinkError):
        home().mkdir(parents=True, exist_ok=True)
        write_whole(home() / name, msgspec.json.encode(newest), mode=0o600)


def _recall(name: str, key: str) -> Path | None:
    path = _known(name).get(key)
    try:
        return Path(path) if path is not None and Path(path).exists() else None
    except OSError:  # a share that is away or forbidden
        return None


def _known(name: str) -> dict[str, str]:
    try:
        return msgspec.json.decode((home() / name).read_bytes(), type=dict[str, str])
    except (OSError, ValueError):
        return {}
