"""Names for studies, cines and files that say nothing of the patient: salted hashes.

The salt is made once for each installation and never leaves it. With it the same study has the same key every time;
without it nobody can try out patient numbers or UIDs until one fits.
"""

import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path
from typing import Literal

_SALT_BYTES = 32
_KEY_DIGITS = 12


def key(kind: Literal["study", "cine", "file"], value: str) -> str:
    """12 hex digits that stand for ``value``, here and in this installation only."""
    return hmac.new(_salt(_salt_file()), f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()[:_KEY_DIGITS]


def file_label(path: Path) -> str:
    """How a DICOM file is called in messages: scanners and archives put patients' names into file names."""
    return f"DICOM file #{key('file', str(path.absolute()))}"


def _salt_file() -> Path:
    """In the folder that also holds weights (see `fetalstream.models.home`)."""
    home = os.environ.get("FETALSTREAM_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "fetalstream") / "study-salt"


@cache
def _salt(file: Path) -> bytes:
    """The salt of this installation; where it cannot be kept, one for this process."""
    try:
        return _kept_salt(file)
    except OSError:
        return secrets.token_bytes(_SALT_BYTES)


def _kept_salt(file: Path) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    if not file.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(secrets.token_bytes(_SALT_BYTES))
        try:
            os.link(draft, file)  # fails when another process was faster: then its salt holds
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    salt = file.read_bytes()
    if len(salt) < _SALT_BYTES:
        raise OSError(f"{file} is too short for a salt")
    return salt
