"""Look-up tables over every value a sample can have: the window of grey pictures, and palettes."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..source import SourceError
from . import tags
from .elements import Elements
from .header import Layout

Table = NDArray[np.uint8]
"""(n) grey or (n 3) RGB for the n = 2 ** bits_stored values of a sample, read as unsigned."""

Values = NDArray[np.float64]


def voi_table(elements: Elements, layout: Layout) -> Table | None:
    """(n) uint8: rescaling, then the window (or its look-up table), then inversion for MONOCHROME1.

    Without a window the range is that of the values the file says it holds, else that of the bits stored. None when
    the samples are 8-bit pixels as they are.
    """
    stored = _stored_values(layout)
    values = _rescaled(elements, stored)
    inverted = layout.photometric == "MONOCHROME1"
    shown = _by_voi_lut(elements, values)
    if shown is None:
        shown = _by_window(elements, values)
    if shown is None:
        if layout.bits_stored == layout.bits_allocated == 8 and not layout.is_signed and not inverted:
            return None
        low, high = _range(elements, layout, stored)
        shown = (stored - low) / (high - low) * 255
    table = np.clip(np.rint(shown), 0, 255).astype(np.uint8)
    return 255 - table if inverted else table


def _stored_values(layout: Layout) -> Values:
    values = np.arange(1 << layout.bits_stored, dtype=np.float64)
    if layout.is_signed:
        values[len(values) // 2 :] -= len(values)
    return values


def _rescaled(elements: Elements, values: Values) -> Values:
    slope, intercept = elements.number(tags.SLOPE), elements.number(tags.INTERCEPT)
    return values * slope + (intercept or 0) if slope else values


def _range(elements: Elements, layout: Layout, stored: Values) -> tuple[float, float]:
    if layout.bits_allocated == 16:
        low, high = elements.unsigned(tags.SMALLEST), elements.unsigned(tags.LARGEST)
        if low is not None and high is not None:
            low, high = (int(stored[value & (len(stored) - 1)]) for value in (low, high))
            if low < high:
                return low, high
    return float(stored.min()), max(float(stored.max()), float(stored.min()) + 1)


def _by_window(elements: Elements, values: Values) -> Values | None:
    """[0, 255] by the first window, as PS3.3 C.11.2.1.2 and .3 say."""
    center, width = elements.number(tags.WINDOW_CENTER), elements.number(tags.WINDOW_WIDTH)
    if center is None or width is None or width < 1:
        return None
    function = elements.text(tags.WINDOW_FUNCTION) or "LINEAR"
    if function == "SIGMOID":
        return 255 / (1 + np.exp(np.clip(-4 * (values - center) / width, -50, 50)))
    if function == "LINEAR_EXACT":
        return ((values - center) / width + 0.5) * 255
    return ((values - (center - 0.5)) / max(width - 1, 1e-6) + 0.5) * 255


def _by_voi_lut(elements: Elements, values: Values) -> Values | None:
    for item in elements.items(tags.VOI_LUT)[:1]:
        entries = _entries(item, tags.LUT_DESCRIPTOR, tags.LUT_DATA)
        if entries is not None:
            first, lut = entries
            return lut[np.clip(values - first, 0, len(lut) - 1).astype(np.intp)].astype(np.float64)
    return None


def palette_tables(elements: Elements, layout: Layout) -> Table:
    """(n 3) uint8 RGB. Raises `SourceError` when one of the three palettes is missing or broken."""
    stored = np.arange(1 << layout.bits_stored)
    channels: list[Table] = []
    for descriptor, data, segments in zip(
        tags.PALETTE_DESCRIPTORS, tags.PALETTE_DATA, tags.PALETTE_SEGMENTS, strict=True
    ):
        entries = _entries(elements, descriptor, data, segments)
        if entries is None:
            raise SourceError("its palette is missing or broken")
        first, lut = entries
        channels.append(lut[np.clip(stored - first, 0, len(lut) - 1)])
    return np.stack(channels, axis=-1)


def _entries(elements: Elements, descriptor: int, data: int, segments: int | None = None) -> tuple[int, Table] | None:
    """The stored value of the first entry, and (n) uint8 entries."""
    words = elements.words(descriptor)
    if len(words) < 3:
        return None
    count, first, bits = words[0] or 0x10000, words[1], words[2]
    if first >= 0x8000:  # signed in files with signed pixels; nothing maps that high otherwise
        first -= 0x10000
    if not 8 <= bits <= 16:
        return None
    raw = elements.values.get(data, b"")
    if raw and len(raw) < 2 * count:  # 8-bit entries, two to a word
        entries = np.frombuffer(raw, dtype=np.uint8)[:count].astype(np.uint16)
        bits = 8
    elif raw:
        entries = np.array(elements.words(data)[:count], dtype=np.uint16)
    elif segments is not None and segments in elements:
        entries = np.array(_expanded(elements.words(segments), count), dtype=np.uint16)
    else:
        return None
    if len(entries) < count:
        return None
    is_8_bit = bits == 8 or (bits == 16 and int(entries.max()) < 256)  # many writers say 16 and mean 8
    return first, (entries & 0xFF if is_8_bit else entries >> (bits - 8)).astype(np.uint8)


def _expanded(segments: Sequence[int], count: int) -> list[int]:
    """Entries of a segmented palette (PS3.3 C.7.9.2), never more than ``count``; empty when it is broken."""
    entries: list[int] = []
    for segment in _segments(segments):
        entries.extend(segment if isinstance(segment, list) else _ramp(entries, *segment))
        if len(entries) >= count:
            break
    return entries[:count]


def _ramp(entries: Sequence[int], length: int, end: int) -> Sequence[int]:
    if not entries:
        return ()
    return np.rint(np.linspace(entries[-1], end, length + 1)[1:]).astype(int).tolist()


def _segments(words: Sequence[int], *, nested: bool = False) -> Iterator[list[int] | tuple[int, int]]:
    """Discrete segments as lists, linear ones as (length, end); an indirect one repeats earlier ones."""
    position = 0
    while position + 2 < len(words) + 1:
        kind, length = words[position], words[position + 1]
        if kind == 0:
            yield list(words[position + 2 : position + 2 + length])
            position += 2 + length
        elif kind == 1 and position + 2 < len(words):
            yield length, words[position + 2]
            position += 3
        elif kind == 2 and not nested and position + 3 < len(words):
            start = words[position + 2] | words[position + 3] << 16
            repeated = _segments(words[start:], nested=True)
            for _, segment in zip(range(length), repeated, strict=False):
                yield segment
            position += 4
        else:
            return
