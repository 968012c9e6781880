"""Pictures for browsers: cropped to what is not black, small enough, once for all of them; and thumbnails."""

import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from ..pictures import Shown

Grey = NDArray[np.uint8]

LONGEST_SIDE_PX = 1280
JPEG_QUALITY = 85
"""Speckle keeps its grain; a fan of 800 x 600 px takes some 45 kB."""
MARGIN_PX = 6
THUMBNAIL_PX = 320
THUMBNAIL_QUALITY = 80
THUMBNAILS_PER_SECOND = 5.0
EARLY_SECONDS = 0.05
"""Where pictures come at just the thumbnails' rate, one that is so much too early is no reason to wait for the next."""
REMEMBERED_SECONDS = 30.0
NEAR_SECONDS = 1.0
"""A thumbnail of a moment is one taken at most so far from it."""
MOST_FILE_BYTES = 64 * 2**20


class PictureHead(msgspec.Struct, frozen=True, kw_only=True):
    """What goes before a picture's JPEG, as JSON.

    Attributes:
        pts_seconds: media time.
        captured_ms: when it was captured, monotonic clock of the server; None where unknown.
        width_px, height_px: of the JPEG.
        outline_px: corners of the fan in it.
    """

    pts_seconds: float
    captured_ms: float | None
    width_px: int
    height_px: int
    outline_px: tuple[tuple[int, int], ...]


def encoded(shown: Shown) -> bytes:
    """The picture as one message: length of its head (4 bytes, big-endian), head (JSON), JPEG."""
    grey, left, top = _cropped(shown)
    height_px, width_px = grey.shape
    factor = min(1.0, LONGEST_SIDE_PX / max(width_px, height_px))
    if factor < 1:
        size = (max(1, round(width_px * factor)), max(1, round(height_px * factor)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    head = msgspec.json.encode(
        PictureHead(
            pts_seconds=shown.pts_seconds,
            captured_ms=None if shown.captured_ns is None else shown.captured_ns / 1e6,
            width_px=grey.shape[1],
            height_px=grey.shape[0],
            outline_px=tuple((round((x - left) * factor), round((y - top) * factor)) for x, y in shown.outline_px),
        )
    )
    return len(head).to_bytes(4, "big") + head + _jpeg(grey, JPEG_QUALITY)


def thumbnail(grey: Grey) -> Grey:
    """The same, at most 320 px wide and high."""
    factor = min(1.0, THUMBNAIL_PX / max(grey.shape))
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def thumbnail_of_file(path: Path) -> bytes | None:
    """A still on the disk as a small JPEG; None when it is not there (yet, or any more) or no picture."""
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            return None
        grey = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        return None
    if grey is None or not grey.size:
        return None
    filled = cv2.boundingRect(grey)
    left, top, width, height = filled if filled[2] and filled[3] else (0, 0, grey.shape[1], grey.shape[0])
    return _jpeg(thumbnail(np.asarray(grey[top : top + height, left : left + width], np.uint8)), THUMBNAIL_QUALITY)


class _Small(NamedTuple):
    pts_seconds: float
    grey: Grey


class Memory:
    """Small pictures of the last half minute, and one of the best moment of each plane. For one thread."""

    def __init__(self) -> None:
        self._recent: deque[_Small] = deque(maxlen=round(REMEMBERED_SECONDS * THUMBNAILS_PER_SECOND))
        self._best: dict[str, tuple[float, bytes]] = {}
        self._due = 0.0

    def see(self, shown: Shown) -> None:
        """Take the picture if it is time for one."""
        now = time.monotonic()
        if now >= self._due - EARLY_SECONDS:
            period = 1 / THUMBNAILS_PER_SECOND
            self._due = max(self._due, now - period) + period  # the rate holds, and nothing is made up for
            self._recent.append(_Small(shown.pts_seconds, thumbnail(_cropped(shown)[0])))

    def forget(self) -> None:
        """Another stream begins."""
        self._recent.clear()
        self._best.clear()

    def keep_best(self, plane: str, pts_seconds: float, score: float) -> None:
        """The plane was seen with this score at this media time: its picture is kept if it is the best so far."""
        if plane in self._best and self._best[plane][0] > score:
            return
        near = min(self._recent, key=lambda small: abs(small.pts_seconds - pts_seconds), default=None)
        if near is not None and abs(near.pts_seconds - pts_seconds) <= NEAR_SECONDS:
            self._best[plane] = (score, _jpeg(near.grey, THUMBNAIL_QUALITY))

    def best(self, plane: str) -> bytes | None:
        """A JPEG."""
        kept = self._best.get(plane)
        return None if kept is None else kept[1]


def _cropped(shown: Shown) -> tuple[Grey, int, int]:
    """The part within the outline and a small margin, and where its left and top are."""
    if not shown.outline_px:
        return shown.grey, 0, 0
    height_px, width_px = shown.grey.shape
    xs, ys = zip(*shown.outline_px, strict=True)
    left, right = max(0, min(xs) - MARGIN_PX), min(width_px, max(xs) + 1 + MARGIN_PX)
    top, bottom = max(0, min(ys) - MARGIN_PX), min(height_px, max(ys) + 1 + MARGIN_PX)
    return shown.grey[top:bottom, left:right], left, top


def _jpeg(grey: Grey, quality: int) -> bytes:
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(grey), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
