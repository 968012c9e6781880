"""Whether a video file is as long as it says: the one sign of a torn copy that shows before decoding."""

from collections.abc import Callable
from io import SEEK_END
from pathlib import Path
from typing import BinaryIO

_SEGMENT = bytes.fromhex("18538067")
_EBML = bytes.fromhex("1a45dfa3")
_GIF_END = b"\x3b"


def missing_bytes(path: Path) -> int:
    """How many bytes the container announces and the file lacks (at least 1); 0 when it is whole or nobody can tell.

    Understands MP4/MOV, Matroska/WebM, AVI and GIF. Raises OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(0)
        head = file.read(12)
        announced = _announced_size(head)
        return max(0, announced(file, size) - size) if announced else 0


def _announced_size(head: bytes) -> Callable[[BinaryIO, int], int] | None:
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
        return _boxes
    if head[:4] == _EBML:
        return _matroska
    if head[:4] == b"RIFF":
        return _riff
    if head[:4] == b"GIF8":
        return _gif
    return None


def _boxes(file: BinaryIO, size: int) -> int:
    """MP4: boxes follow each other, each with its length; the last one must end with the file."""
    start = 0
    while start < size:
        file.seek(start)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        if length == 1:  # too long for 32 bits: the length follows the name
            length = int.from_bytes(head[8:16]) if len(head) == 16 else 16
        if length == 0:  # "to the end of the file"
            return size
        start += max(length, 8)
    return start


def _matroska(file: BinaryIO, size: int) -> int:
    """EBML: a header element, then one segment; a recording that was never closed has a segment of unknown length."""
    file.seek(4)
    header = _vint(file)
    if header is None:
        return size
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return size
    segment = _vint(file)
    return size if segment is None else file.tell() + segment


def _vint(file: BinaryIO) -> int | None:
    """An EBML length of 1 to 8 bytes: leading zeros of the first say how many; all ones mean unknown."""
    first = file.read(1)
    if not first or first == b"\0":
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1)) & ((1 << 7 * length) - 1)
    return None if value == (1 << 7 * length) - 1 else value


def _riff(file: BinaryIO, size: int) -> int:
    """AVI: one RIFF chunk, in big files followed by more; a length of 0 was never written."""
    start = 0
    while start < size:
        file.seek(start)
        head = file.read(8)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or length == 0:
            return size
        start += 8 + length + length % 2
    return start


def _gif(file: BinaryIO, size: int) -> int:
    """GIF: ends with a semicolon (some writers pad with zeros)."""
    file.seek(max(0, size - 1024))
    return size if file.read().rstrip(b"\0").endswith(_GIF_END) else size + 1
