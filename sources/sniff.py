"""What a file is by its first bytes, without any library."""

from pathlib import Path

_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
_SUFFIXES = frozenset({".dcm", ".dicom"})


def is_dicom(path: Path) -> bool:
    """Whether ``path`` is a file that calls itself DICOM, by its suffix or (scanners often give none) its preamble.

    A DICOMDIR passes too: that it holds no pictures only its content tells.
    """
    try:
        if not path.is_file():
            return False
        if path.suffix.lower() in _SUFFIXES:
            return True
        with path.open("rb") as file:
            return file.read(_PREAMBLE_BYTES + len(_MAGIC))[_PREAMBLE_BYTES:] == _MAGIC
    except (OSError, ValueError):  # unreadable, or a name that cannot be one
        return False
