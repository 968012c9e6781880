"""What a compressed picture says of itself: read before it is decoded, since a decoder allocates what it is told."""

import struct
from typing import NamedTuple

from ..source import SourceError

_J2K_START = b"\xff\x4f\xff\x51"
_JPEG_START = b"\xff\xd8"
_NOT_FRAME_HEADERS = frozenset({0xC4, 0xC8, 0xCC})  # among C0 to CF: Huffman tables, reserved, arithmetic tables
_JPEG_LS_FRAME_HEADER = 0xF7
_SCAN, _APP0 = 0xDA, 0xE0
_MOST_TILES = 4096
_RGB_NAMES = frozenset({b"RGB", b"rgb"})


class Codestream(NamedTuple):
    """Size and kind of a compressed picture.

    Attributes:
        columns, rows: size in px.
        components: samples per pixel.
        precision: bits per sample.
        colour: "RGB" or "YBR" when the stream itself says so, else empty.
    """

    columns: int
    rows: int
    components: int
    precision: int
    colour: str = ""


def read_codestream(data: bytes) -> Codestream:
    """Of a JPEG, JPEG-LS or JPEG 2000 picture. Raises `SourceError` when it is none."""
    if data.startswith(_JPEG_START):
        return _jpeg(data)
    start = 0 if data.startswith(_J2K_START) else data.find(_J2K_START, 0, 4096)
    if start >= 0:
        return _jpeg_2000(data, start)
    raise SourceError("does not begin like a compressed picture")


def _jpeg(data: bytes) -> Codestream:
    position = 2
    has_jfif = False
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        body = data[position + 4 : position + 2 + length]
        if marker == _APP0 and body.startswith(b"JFIF"):
            has_jfif = True
        is_frame = 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAME_HEADERS
        if is_frame or marker == _JPEG_LS_FRAME_HEADER:
            return _jpeg_frame(body, has_jfif=has_jfif)
        if marker == _SCAN or length < 2:
            break
        position += 2 + length
    raise SourceError("has no frame header")


def _jpeg_frame(body: bytes, *, has_jfif: bool) -> Codestream:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise SourceError("has a broken frame header")
    precision, rows, columns, components = struct.unpack_from(">BHHB", body)
    names = body[6 : 6 + 3 * components : 3]
    colour = "RGB" if names in _RGB_NAMES else "YBR" if has_jfif else ""
    return Codestream(columns, rows, components, precision, colour)


def _jpeg_2000(data: bytes, start: int) -> Codestream:
    if len(data) < start + 45:
        raise SourceError("has a broken size header")
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components, depth = struct.unpack_from(
        ">8IHB", data, start + 8
    )
    columns, rows = right - left, bottom - top
    if columns < 1 or rows < 1 or not tile_width or not tile_height or tile_left > left or tile_top > top:
        raise SourceError("has a broken size header")
    tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    if tiles > _MOST_TILES:
        raise SourceError(f"has more than {_MOST_TILES} tiles, the most allowed")
    return Codestream(columns, rows, components, (depth & 0x7F) + 1)
