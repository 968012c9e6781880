"""Data elements of a DICOM file: only those that are asked for, and never more than a set amount.

Everything else is skipped by its length, so that a patient's name is never even in memory, and neither a gigabyte of
private elements nor a thousand nested sequences cost anything but time, of which there is a limit too.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from ..source import SourceError

Tags = Mapping[int, "Tags | None"]
"""Which elements are wanted: None marks a plain value, a mapping a sequence and what is wanted of its items."""

UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})


class Encoding(NamedTuple):
    """How elements are written: whether each names its type, and the byte order."""

    explicit: bool
    little: bool


_IMPLICIT = Encoding(explicit=False, little=True)


@dataclass(slots=True)
class Budget:
    """What reading may still cost; shared by everything that reads one file.

    Attributes:
        elements: data elements and items still to be looked at, skipped ones included.
        value_bytes: bytes of values still to be kept.
    """

    elements: int
    value_bytes: int

    def spend_element(self) -> None:
        self.elements -= 1
        if self.elements < 0:
            raise SourceError("its header holds more data elements than allowed")

    def spend_bytes(self, count: int) -> None:
        self.value_bytes -= count
        if self.value_bytes < 0:
            raise SourceError("its header holds larger values than allowed")


class Header(NamedTuple):
    """The start of an element: its tag, its type (empty when not written), and where its value lies."""

    tag: int
    vr: bytes
    length: int
    offset: int


@dataclass(frozen=True, slots=True)
class Elements:
    """Values that were found, by tag. Every getter gives None (or nothing) for what is absent or makes no sense."""

    little: bool = True
    values: dict[int, bytes] = field(default_factory=dict[int, bytes])
    sequences: dict[int, list["Elements"]] = field(default_factory=dict[int, list["Elements"]])

    def __contains__(self, tag: int) -> bool:
        return tag in self.values or tag in self.sequences

    def items(self, tag: int) -> list["Elements"]:
        """The items of a sequence."""
        return self.sequences.get(tag, [])

    def text(self, tag: int) -> str | None:
        """A code or UID, stripped of padding."""
        value = self.values.get(tag)
        return value.decode("ascii", "replace").strip(" \0") if value is not None else None

    def numbers(self, tag: int) -> list[float]:
        """Decimal strings (DS, IS), backslashes between; what is no finite number is NaN."""
        text = self.text(tag)
        return [_finite(part) for part in text.split("\\")] if text else []

    def number(self, tag: int) -> float | None:
        """The first of `numbers`, if it is one."""
        numbers = self.numbers(tag)
        return numbers[0] if numbers and math.isfinite(numbers[0]) else None

    def unsigned(self, tag: int) -> int | None:
        """The first binary integer: US, or what a writer made of it (UL, one byte)."""
        value = self.values.get(tag)
        if value is None or not value:
            return None
        width = 4 if len(value) == 4 else min(2, len(value))
        return int.from_bytes(value[:width], "little" if self.little else "big")

    def words(self, tag: int) -> tuple[int, ...]:
        """All 16-bit integers (US)."""
        return self._unpack(tag, "H", 2)

    def doubles(self, tag: int) -> tuple[float, ...]:
        """All 64-bit floats (FD)."""
        return self._unpack(tag, "d", 8)

    def tag_pointer(self, tag: int) -> int | None:
        """The first attribute tag (AT)."""
        words = self.words(tag)
        return words[0] << 16 | words[1] if len(words) >= 2 else None

    def _unpack(self, tag: int, code: str, size: int) -> tuple[Any, ...]:
        value = self.values.get(tag, b"")
        count = len(value) // size
        return struct.unpack(f"{'<' if self.little else '>'}{count}{code}", value[: count * size])


def _finite(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


class ElementReader:
    """Reads one data set from an open file, from where it stands to its pixel data.

    Args:
        file: seekable; a read beyond its end gives nothing, and reading ends there.
        encoding: of the data set.
        budget: what it may cost; `SourceError` when it is spent.
    """

    def __init__(self, file: BinaryIO, encoding: Encoding, budget: Budget) -> None:
        self._file = file
        self._encoding = encoding
        self._budget = budget
        self.pixels: Header | None = None
        """The pixel data element, once `read` has come to it."""

    def read(self, tags: Tags) -> Elements:
        """All wanted elements before the pixel data."""
        return self._read(tags, end=None, encoding=self._encoding, is_top=True)

    def read_one(self, tags: Tags) -> Elements:
        """The element the file stands at, if it is wanted; the file then stands behind it."""
        found = Elements(self._encoding.little)
        header = self._header(self._encoding)
        if header is not None:
            self._take(found, header, tags, self._encoding)
        return found

    def _read(self, tags: Tags, *, end: int | None, encoding: Encoding, is_top: bool) -> Elements:
        found = Elements(encoding.little)
        while end is None or self._file.tell() < end:
            header = self._header(encoding)
            if header is None or header.tag in (_ITEM_END, _SEQUENCE_END):
                break
            if is_top and header.tag in _PIXELS:
                self.pixels = header
                break
            self._take(found, header, tags, encoding)
        return found

    def _take(self, found: Elements, header: Header, tags: Tags, encoding: Encoding) -> None:
        if header.tag not in tags:
            self._skip(header, encoding)
        elif (inner := tags[header.tag]) is None:
            self._keep(found, header, encoding)
        else:
            found.sequences[header.tag] = self._items(header, inner, encoding)

    def _keep(self, found: Elements, header: Header, encoding: Encoding) -> None:
        if header.length == UNDEFINED:  # no plain value has one: whatever it is, it is not ours
            self._skip(header, encoding)
            return
        self._budget.spend_bytes(header.length)
        found.values[header.tag] = self._file.read(header.length)

    def _items(self, header: Header, tags: Tags, encoding: Encoding) -> list[Elements]:
        if header.vr == b"UN":  # a sequence its writer did not know: PS3.5 6.2.2 says how it is written
            encoding = _IMPLICIT
        end = None if header.length == UNDEFINED else header.offset + header.length
        items: list[Elements] = []
        while end is None or self._file.tell() < end:
            item = self._header(encoding)
            if item is None or item.tag != _ITEM:
                break
            item_end = None if item.length == UNDEFINED else item.offset + item.length
            items.append(self._read(tags, end=item_end, encoding=encoding, is_top=False))
            if item_end is not None:
                self._file.seek(item_end)
        if end is not None:
            self._file.seek(end)
        return items

    def _skip(self, header: Header, encoding: Encoding) -> None:
        if header.length != UNDEFINED:
            self._file.seek(header.offset + header.length)
            return
        nest = [_IMPLICIT if header.vr == b"UN" else encoding]  # not by recursion: files nest deeper than stacks
        while nest:
            inner = self._header(nest[-1])
            if inner is None:
                return
            if inner.tag in (_ITEM_END, _SEQUENCE_END):
                nest.pop()
            elif inner.length == UNDEFINED:
                nest.append(_IMPLICIT if inner.vr == b"UN" else nest[-1])
            else:
                self._file.seek(inner.offset + inner.length)

    def _header(self, encoding: Encoding) -> Header | None:
        """The next element's or item's start; None at the end of the file."""
        self._budget.spend_element()
        order = "<" if encoding.little else ">"
        start = self._file.read(8)
        if len(start) < 8:
            return None
        group, element = struct.unpack(f"{order}HH", start[:4])
        vr = start[4:6]
        # Some writers fall back to the implicit form inside explicit data sets: two letters tell.
        if group == 0xFFFE or not encoding.explicit or not (vr.isalpha() and vr.isupper()):
            vr, (length,) = b"", struct.unpack(f"{order}I", start[4:])
        elif vr in _LONG_VRS:
            rest = self._file.read(4)
            if len(rest) < 4:
                return None
            (length,) = struct.unpack(f"{order}I", rest)
        else:
            (length,) = struct.unpack(f"{order}H", start[6:])
        return Header(group << 16 | element, vr, length, self._file.tell())
