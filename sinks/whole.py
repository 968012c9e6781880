"""Files that are either not there or whole, also after a kill or a power cut."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from .sink import SinkError

UNFINISHED = ".tmp-"
"""Beginning of the names of files that are being written; whoever finds an old one may delete it."""


def write_whole(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write ``path``, in place of what is there; its folder must exist. ``mode`` is less the process's mask.

    The content goes to a file beside it, is waited for until the disk has it, and takes its name last. Raises
    `SinkError` that names the file and the reason (a full disk, say); what was there before is there still.
    """
    beside = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        settle(path.parent)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise SinkError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def settle(folder: Path) -> None:
    """Wait until the disk knows which names ``folder`` holds. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
