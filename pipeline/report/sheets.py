"""Many small pictures in a few large ones (sprite sheets), so that a page holds hundreds of them."""

import base64
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np

from ...sources import Pixels

Format = Literal["webp", "png"]

LEAST_SHAPE, MOST_SHAPE = 0.4, 1.4
"""Height over width of a cell; what does not fit is shrunk into it."""


class Cell(NamedTuple):
    """One small picture: which frame, when, and where it is; ``sheet`` is -1 where there is none, and why."""

    frame_index: int
    pts_seconds: float
    sheet: int
    place: int
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Small pictures in the order of their frames.

    Attributes:
        cells: rising by frame.
        sheets: WebP files.
        columns: cells in a row of a sheet.
        cell_width_px, cell_height_px: size of a cell; 0 where no picture was shown.
    """

    cells: tuple[Cell, ...]
    sheets: tuple[bytes, ...]
    columns: int
    cell_width_px: int
    cell_height_px: int

    @property
    def shown(self) -> int:
        """How many have a picture."""
        return sum(cell.sheet >= 0 for cell in self.cells)


class SheetMaker:
    """Collects pictures into sheets; each full sheet is compressed at once.

    All cells have the size of the first picture, made ``width_px`` wide; later ones of another shape are shrunk into it
    and centred on black.

    Args:
        width_px: of a cell.
        columns, rows: cells of a sheet.
        quality: of WebP, 1 to 100.
    """

    def __init__(self, *, width_px: int, columns: int, rows: int, quality: int) -> None:
        self._width_px, self._columns, self._rows, self._quality = width_px, columns, rows, quality
        self._height_px = 0
        self._cells: list[Cell] = []
        self._full: list[bytes] = []
        self._open: list[Pixels] = []

    def add(self, frame_index: int, pts_seconds: float, pixels: Pixels) -> None:
        """The next picture, (h w) or (h w 3) uint8."""
        if not self._height_px:
            shape = min(MOST_SHAPE, max(LEAST_SHAPE, pixels.shape[0] / pixels.shape[1]))
            self._height_px = max(1, round(self._width_px * shape))
        self._cells.append(Cell(frame_index, pts_seconds, len(self._full), len(self._open)))
        self._open.append(fitted(pixels, width_px=self._width_px, height_px=self._height_px))
        if len(self._open) == self._columns * self._rows:
            self._close_sheet()

    def refuse(self, frame_index: int, pts_seconds: float, reason: str) -> None:
        """A frame of which nothing may be shown."""
        self._cells.append(Cell(frame_index, pts_seconds, -1, 0, reason))

    def finish(self) -> Strip:
        """Everything, in order."""
        if self._open:
            self._close_sheet()
        return Strip(
            cells=tuple(sorted(self._cells)),
            sheets=tuple(self._full),
            columns=self._columns,
            cell_width_px=self._width_px if self._height_px else 0,
            cell_height_px=self._height_px,
        )

    def _close_sheet(self) -> None:
        is_grey = all(cell.ndim == 2 for cell in self._open)
        blank = np.zeros((self._height_px, self._width_px), np.uint8)
        columns = min(self._columns, len(self._open)) if not self._full else self._columns
        missing = -len(self._open) % self._columns if len(self._open) > self._columns or self._full else 0
        cells = [*self._open, *[blank] * missing]
        if not is_grey:
            cells = [cv2.cvtColor(cell, cv2.COLOR_GRAY2RGB) if cell.ndim == 2 else cell for cell in cells]
        rows = [np.concatenate(cells[start : start + columns], axis=1) for start in range(0, len(cells), columns)]
        sheet = np.asarray(np.concatenate(rows, axis=0), dtype=np.uint8)
        self._full.append(compressed(sheet, "webp", quality=self._quality))
        self._open = []


def fitted(pixels: Pixels, *, width_px: int, height_px: int) -> Pixels:
    """(h w) or (h w 3) -> the same of another size, whole and with black borders where the shape differs."""
    height, width = pixels.shape[:2]
    scale = min(width_px / width, height_px / height)
    size = (min(width_px, max(1, round(width * scale))), min(height_px, max(1, round(height * scale))))
    smoothing = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(pixels, size, interpolation=smoothing), dtype=np.uint8)
    if size == (width_px, height_px):
        return small
    cell = np.zeros((height_px, width_px, *pixels.shape[2:]), np.uint8)
    top, left = (height_px - size[1]) // 2, (width_px - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    return cell


def compressed(pixels: Pixels, form: Format, *, quality: int = 100) -> bytes:
    """(h w) or (h w 3) uint8 RGB as a file; PNG is exact, WebP is small."""
    stored = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    options = [cv2.IMWRITE_WEBP_QUALITY, quality] if form == "webp" else [cv2.IMWRITE_PNG_COMPRESSION, 9]
    done, file = cv2.imencode(f".{form}", stored, options)
    if not done:
        raise ValueError(f"a picture of {pixels.shape} cannot be written as {form}")
    return file.tobytes()


def poster(strip: Strip, *, quality: int) -> bytes:
    """The middle picture of a strip as WebP; empty where there is none."""
    shown = [cell for cell in strip.cells if cell.sheet >= 0]
    if not shown:
        return b""
    cell = shown[len(shown) // 2]
    file = np.frombuffer(strip.sheets[cell.sheet], dtype=np.uint8)
    sheet = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    top = cell.place // strip.columns * strip.cell_height_px
    left = cell.place % strip.columns * strip.cell_width_px
    picture = sheet[top : top + strip.cell_height_px, left : left + strip.cell_width_px]
    return compressed(picture, "webp", quality=quality)


def in_letters(file: bytes) -> str:
    """Base64."""
    return base64.b64encode(file).decode("ascii")
