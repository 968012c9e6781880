"""Files of results that are either not there or whole, also after a kill: what is half written never has the name."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .encoder import ModelError


@contextmanager
def whole_file(path: Path) -> Generator[BinaryIO]:
    """A file to write, which takes the name ``path`` when the block ends well and vanishes when it does not.

    Raises:
        ModelError: the file cannot be written (no such folder, a full disk); what had that name before is still there.
    """
    beside = path.with_name(f".tmp-{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Refuses a file without a folder, or whose name a folder has, before hours of work; raises `ModelError`."""
    if not path.parent.is_dir():
        raise ModelError(f"{path} cannot be written: there is no folder {path.parent}")
    if path.is_dir():
        raise ModelError(f"{path} cannot be written: it is a folder")
