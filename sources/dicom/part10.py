"""The outside of a DICOM file (PS3.10): preamble, meta information, transfer syntax, and deflation."""

import os
import zlib
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple

from ..source import SourceError
from .elements import Budget, ElementReader, Elements, Encoding
from .limits import Limits

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED})
"""Transfer syntaxes whose pixels are not compressed one by one."""

_TRANSFER_SYNTAX = 0x00020010
_PREAMBLE_BYTES = 128
_CHUNK_BYTES = 1 << 20


class DataSet(NamedTuple):
    """An open file that stands at its data set.

    Attributes:
        file: whoever takes this closes it.
        syntax: UID of the transfer syntax; inflated data is explicit, little-endian.
        encoding: how elements are written.
        size: bytes of ``file``.
        is_cut: the file ends before its deflated data does.
    """

    file: BinaryIO
    syntax: str
    encoding: Encoding
    size: int
    is_cut: bool = False


def open_data_set(path: Path, limits: Limits, budget: Budget) -> DataSet:
    """Raises `SourceError`, without the file's name, when it is no DICOM file or too costly; OSError as `open` does."""
    file = path.open("rb")
    try:
        return _open(file, limits, budget)
    except BaseException:
        file.close()
        raise


def _open(file: BinaryIO, limits: Limits, budget: Budget) -> DataSet:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise SourceError("is empty")
    has_preamble = file.read(_PREAMBLE_BYTES + 4)[_PREAMBLE_BYTES:] == b"DICM"
    if not has_preamble:
        file.seek(0)
    syntax = _read_meta(file, budget)
    if syntax is None:
        syntax = _guess(file, trust=has_preamble)
    if syntax == DEFLATED:
        with file:
            return _inflate(file, limits)
    encoding = Encoding(explicit=syntax != IMPLICIT_LITTLE, little=syntax != EXPLICIT_BIG)
    return DataSet(file, syntax, encoding, size)


def _read_meta(file: BinaryIO, budget: Budget) -> str | None:
    """The transfer syntax, when group 2 names one; leaves the file at the first element behind group 2."""
    meta = Elements()
    while True:
        start = file.tell()
        group = int.from_bytes(file.read(2), "little")
        file.seek(start)
        if group != 2:
            return meta.text(_TRANSFER_SYNTAX) or None
        # One element at a time: the length of the group, which would say where it ends, is often wrong or missing.
        reader = ElementReader(file, Encoding(explicit=True, little=True), budget)
        meta.values.update(reader.read_one({_TRANSFER_SYNTAX: None}).values)


def _guess(file: BinaryIO, *, trust: bool) -> str:
    """The transfer syntax of a file that names none, by its first element, which is of group 8 in any image."""
    start = file.tell()
    head = file.read(8)
    file.seek(start)
    is_explicit = head[4:6].isalpha() and head[4:6].isupper()
    if head[:2] == b"\x00\x08" and is_explicit:
        return EXPLICIT_BIG
    if head[:2] == b"\x08\x00" or (trust and len(head) == 8):
        return EXPLICIT_LITTLE if is_explicit else IMPLICIT_LITTLE
    raise SourceError("is no DICOM file, or its beginning is damaged")


def _inflate(file: BinaryIO, limits: Limits) -> DataSet:
    """Unpacks what follows into a temporary file, piece by piece."""
    inflated = TemporaryFile()  # noqa: SIM115 - handed on
    try:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        size = 0
        packed = b""
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail or file.read(_CHUNK_BYTES)
            try:
                piece = unpacker.decompress(packed, _CHUNK_BYTES)
            except zlib.error:
                break  # what was unpacked so far is still good
            if not packed and not piece:
                break
            size += len(piece)
            if size > limits.max_inflated_bytes:
                raise SourceError(f"unpacks to more than {limits.max_inflated_bytes} bytes, the most allowed")
            inflated.write(piece)
        inflated.seek(0)
    except BaseException:
        inflated.close()
        raise
    return DataSet(inflated, EXPLICIT_LITTLE, Encoding(explicit=True, little=True), size, is_cut=not unpacker.eof)
