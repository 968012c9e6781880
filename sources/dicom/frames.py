"""Where each frame's bytes lie in the file; read one at a time."""

import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import BinaryIO, NamedTuple, Protocol

from ..source import SourceError
from . import tags
from .elements import UNDEFINED
from .header import CineHeader
from .limits import Limits
from .part10 import EXPLICIT_BIG

_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_RLE = "1.2.840.10008.1.2.5"
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP")  # JPEG and JPEG-LS, JPEG 2000, JP2


class FrameReader(Protocol):
    """The encoded frames of one cine.

    Attributes:
        count: frames that lie in the file whole.
        is_cut: the file ends before its pixel data does.
    """

    count: int
    is_cut: bool

    def read(self, frame: int) -> bytes:
        """The bytes of frame ``frame``, from 0 to ``count``. Raises `SourceError` when they are too many or gone."""
        ...


def frame_reader(file: BinaryIO, header: CineHeader, *, size: int, limits: Limits) -> FrameReader:
    """Finds the frames of an open file of ``size`` bytes. Raises `SourceError` when there cannot be any."""
    if header.is_native:
        return NativeFrames(file, header, size=size)
    return EncapsulatedFrames(file, header, size=size, limits=limits)


class NativeFrames:
    """Uncompressed frames: one behind the other, all of one length."""

    def __init__(self, file: BinaryIO, header: CineHeader, *, size: int) -> None:
        self._file = file
        self._offset = header.pixels.offset
        self._bytes = header.layout.native_bytes
        end = min(size, self._offset + header.pixels.length)
        self._end = end
        self.count = max(0, end - self._offset) // self._bytes
        self.is_cut = end < self._offset + header.pixels.length
        if header.frames is not None:  # what follows is padding
            self.count = min(self.count, header.frames)
        # Bytes of big-endian words: neighbours changed places.
        self._is_swapped = (
            header.syntax == EXPLICIT_BIG and header.layout.bits_allocated == 8 and header.pixels.vr == b"OW"
        )

    def read(self, frame: int) -> bytes:
        start = frame * self._bytes
        if not self._is_swapped:
            return self._read(start, self._bytes)
        before = start % 2
        words = self._read(start - before, self._bytes + before + (self._bytes + before) % 2)
        swapped = bytearray(len(words))
        swapped[0::2], swapped[1::2] = words[1::2], words[0::2]
        return bytes(swapped[before : before + self._bytes])

    def _read(self, start: int, count: int) -> bytes:
        self._file.seek(self._offset + start)
        data = self._file.read(count)
        if len(data) < count:
            raise SourceError("the file became shorter while it was read")
        return data


class _Fragments(NamedTuple):
    """Pieces of compressed pixel data: where each one's bytes lie. ``is_cut``: the file ends among them."""

    offsets: Sequence[int]
    lengths: Sequence[int]
    table: tuple[int, ...]
    base: int
    is_cut: bool


class EncapsulatedFrames:
    """Compressed frames, of one or more fragments each.

    Which fragments make a frame is told by the extended or the basic offset table, if it fits the fragments; else by
    their number; else by how a compressed picture starts. Tables are often wrong, fragments cannot be.
    """

    def __init__(self, file: BinaryIO, header: CineHeader, *, size: int, limits: Limits) -> None:
        self._file = file
        self._max_bytes = limits.max_frame_bytes
        self._fragments = _scan(file, header.pixels.offset, size, limits)
        starts = self._starts(header)
        self._starts_at = array("Q", starts)
        self.count = len(self._starts_at)
        self.is_cut = self._fragments.is_cut

    def read(self, frame: int) -> bytes:
        first = self._starts_at[frame]
        last = self._starts_at[frame + 1] if frame + 1 < self.count else len(self._fragments.offsets)
        if sum(self._fragments.lengths[first:last]) > self._max_bytes:
            raise SourceError(f"holds more than {self._max_bytes} compressed bytes, the most allowed")
        pieces: list[bytes] = []
        for offset, length in zip(
            self._fragments.offsets[first:last], self._fragments.lengths[first:last], strict=True
        ):
            self._file.seek(offset)
            pieces.append(self._file.read(length))
        return b"".join(pieces)

    def _starts(self, header: CineHeader) -> Sequence[int]:
        """The index of each frame's first fragment."""
        fragments = self._fragments
        count = len(fragments.offsets)
        extended = header.elements.values.get(tags.OFFSETS, b"")
        for table in (struct.unpack(f"<{len(extended) // 8}Q", extended[: len(extended) // 8 * 8]), fragments.table):
            if (by_table := _by_table(table, fragments)) is not None:
                return by_table
        if count == header.frames or header.syntax == _RLE:
            return range(count)
        starts = [index for index in range(count) if self._is_start(index)]
        if header.frames == 1 and len(starts) <= 1:
            return range(min(count, 1))
        return starts or range(count)

    def _is_start(self, fragment: int) -> bool:
        self._file.seek(self._fragments.offsets[fragment])
        return self._file.read(min(6, self._fragments.lengths[fragment])).startswith(_STARTS)


def _by_table(table: tuple[int, ...], fragments: _Fragments) -> Sequence[int] | None:
    """Fragment indices of the table's offsets; None when the table is empty or does not fit."""
    if not table or table[0] != 0 or any(later <= earlier for earlier, later in pairwise(table)):
        return None
    end = (fragments.offsets[-1] + fragments.lengths[-1]) if fragments.offsets else 0
    starts: list[int] = []
    for offset in table:
        wanted = fragments.base + offset + 8
        index = bisect_left(fragments.offsets, wanted)
        if index < len(fragments.offsets) and fragments.offsets[index] == wanted:
            starts.append(index)
        elif not (fragments.is_cut and wanted > end):
            return None
    return starts or None


def _scan(file: BinaryIO, offset: int, size: int, limits: Limits) -> _Fragments:
    """The fragments that lie in the file whole."""
    file.seek(offset)
    table_length = _item(file)
    if table_length is None or table_length > 4 * limits.max_fragments or offset + 8 + table_length > size:
        raise SourceError("its compressed pixel data does not begin as it should; the file is damaged or cut short")
    raw = file.read(table_length)
    table = struct.unpack(f"<{table_length // 4}I", raw[: table_length // 4 * 4])
    position = base = file.tell()
    offsets, lengths = array("Q"), array("Q")
    is_cut = True
    while len(offsets) <= limits.max_fragments:
        file.seek(position)
        length = _item(file)
        if length is None:  # the end, or what should not be here
            is_cut = _ends_badly(file, position)
            break
        if position + 8 + length > size:
            break
        offsets.append(position + 8)
        lengths.append(length)
        position += 8 + length
    else:
        raise SourceError(f"its pixel data comes in more than {limits.max_fragments} pieces, the most allowed")
    return _Fragments(offsets, lengths, table, base, is_cut)


def _item(file: BinaryIO) -> int | None:
    """The length of the item the file stands at; None when it stands at something else."""
    head = file.read(8)
    if len(head) < 8:
        return None
    group, element, length = struct.unpack("<HHI", head)
    return length if group << 16 | element == _ITEM and length != UNDEFINED else None


def _ends_badly(file: BinaryIO, position: int) -> bool:
    """Whether something other than the delimiter stands where the pixel data should end."""
    file.seek(position)
    head = file.read(8)
    if len(head) < 8:
        return True
    group, element = struct.unpack("<HH", head[:4])
    return group << 16 | element != _SEQUENCE_END
