"""Whether a run-length coded frame (PS3.5 annex G) is as long as it should be, before a decoder trusts it."""

import struct
from itertools import pairwise

from ..source import SourceError
from .header import Layout

_HEADER_BYTES = 64
_MOST_SEGMENTS = 15


def check_rle(data: bytes, layout: Layout) -> None:
    """Raises `SourceError` when a segment is missing, or does not unpack to one byte for each pixel."""
    segments = layout.samples * layout.bits_allocated // 8
    if len(data) < _HEADER_BYTES:
        raise SourceError("is cut short")
    count, *offsets = struct.unpack(f"<{1 + _MOST_SEGMENTS}I", data[:_HEADER_BYTES])
    if count != segments:
        raise SourceError(f"has {count} segments, not {segments}")
    bounds = [*offsets[:segments], len(data)]
    if bounds[0] < _HEADER_BYTES or any(start >= end for start, end in pairwise(bounds)):
        raise SourceError("has segments out of order")
    if any(_unpacked_bytes(data, *bound) != layout.rows * layout.columns for bound in pairwise(bounds)):
        raise SourceError("does not have the size announced")


def _unpacked_bytes(data: bytes, position: int, end: int) -> int:
    """Of one segment; a last literal run that is cut short (a padding byte looks like one) does not count."""
    total = 0
    while position < end:
        head = data[position]
        if head < 128:
            position += head + 2
            if position > end:
                break
            total += head + 1
        elif head > 128:
            position += 2
            if position > end:
                break
            total += 257 - head
        else:
            position += 1
    return total
