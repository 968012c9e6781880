"""What a source hands on: frames, changes of its state, and damage it met."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .clock import Repair

Pixels = NDArray[np.uint8]


class Stored(NamedTuple):
    """How a picture lay in its stream, before anything was converted; for reports only.

    Attributes:
        layout: of its samples: FFmpeg's pixel format ("yuv420p") or DICOM's photometric interpretation.
        full_range: whether brightness runs from 0 to 255, or from 16 to 235; None when the stream does not say.
        interlaced: every other line is of another moment.
    """

    layout: str
    full_range: bool | None = None
    interlaced: bool = False


class Picture:
    """One picture whose pixels are converted when they are first asked for.

    Decoders hand out planes in their own format; most frames are never looked at (sampling, a busy encoder), so the
    conversion waits until somebody wants it, and is done once. Not safe for two threads at the same time.

    Args:
        width_px: columns.
        height_px: rows.
        convert: returns (h w) uint8 grey when the picture holds no colour, else (h w 3) uint8 RGB; full range 0-255.
        luma: returns (h w) uint8, full range, where that is had without converting colours (video stores it so).
        stored: how it lay in its stream, None when nobody knows.
    """

    __slots__ = ("_convert", "_grey", "_luma", "_pixels", "height_px", "stored", "width_px")

    def __init__(
        self,
        *,
        width_px: int,
        height_px: int,
        convert: Callable[[], Pixels],
        luma: Callable[[], Pixels] | None = None,
        stored: Stored | None = None,
    ) -> None:
        if width_px < 1 or height_px < 1:
            raise ValueError(f"a picture is at least 1 x 1 px, not {width_px} x {height_px}")
        self.width_px = width_px
        self.height_px = height_px
        self.stored = stored
        self._convert = convert
        self._luma = luma
        self._pixels: Pixels | None = None
        self._grey: Pixels | None = None

    @classmethod
    def of(cls, pixels: Pixels) -> "Picture":
        """A picture that is converted already: (h w) or (h w 3) uint8."""
        _check(pixels)
        picture = cls(width_px=pixels.shape[1], height_px=pixels.shape[0], convert=lambda: pixels)
        picture._pixels = pixels
        return picture

    @property
    def pixels(self) -> Pixels:
        """(h w) uint8 when the picture is grey, else (h w 3) uint8 RGB."""
        if self._pixels is None:
            pixels = self._convert()
            _check(pixels)
            self._pixels = pixels
        return self._pixels

    @property
    def grey(self) -> Pixels:
        """(h w) uint8 brightness, whatever the picture holds; of video, cheaper than `pixels`."""
        if self._grey is None:
            if self._luma is not None and self._pixels is None:
                grey = self._luma()
            else:
                pixels = self.pixels
                grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
            _check(grey)
            self._grey = grey
        return self._grey

    @property
    def rgb(self) -> Pixels:
        """(h w 3) uint8 RGB, whatever the picture holds."""
        pixels = self.pixels
        if pixels.ndim == 3:
            return pixels
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), dtype=np.uint8)

    def __repr__(self) -> str:
        return f"Picture({self.width_px} x {self.height_px} px)"


def _check(pixels: Pixels) -> None:
    if pixels.dtype != np.uint8:
        raise TypeError(f"pixels are uint8, not {pixels.dtype}")
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(f"pixels are (h w) grey or (h w 3) RGB, not of shape {pixels.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a stream, with the three times that must never be mixed.

    Attributes:
        index: running number in its stream, from 0; counts every frame the source decoded, wanted or not.
        pts_seconds: media time, for medicine: when in the scan this was seen. Finite; never falls within an epoch.
        captured_ns: monotonic clock at capture (or decoding), for latency.
        epoch: rises by one each time the source reconnects and media time may start anew.
        spacing_mm: millimetres per pixel when the source knows it (DICOM), else None: a captured screen has none.
        picture: the pixels, converted on demand.
        wall_ns: UTC at capture, nanoseconds since 1970, for the record only; None when played from a recording.
        repair: what was wrong with the time stamp that ``pts_seconds`` was made from, None when nothing was.
        dicom_number: of the frame in its DICOM object, from 1, None elsewhere; it runs ahead of ``index`` behind frames
            that could not be decoded.
    """

    index: int
    pts_seconds: float
    captured_ns: int
    picture: Picture = field(repr=False)
    epoch: int = 0
    spacing_mm: float | None = None
    wall_ns: int | None = None
    repair: Repair | None = None
    dicom_number: int | None = None

    def __post_init__(self) -> None:
        if self.index < 0 or self.epoch < 0:
            raise ValueError(f"index and epoch start at 0: index={self.index}, epoch={self.epoch}")
        if not np.isfinite(self.pts_seconds):
            raise ValueError(f"pts_seconds must be finite, not {self.pts_seconds}")
        if self.spacing_mm is not None and not self.spacing_mm > 0:
            raise ValueError(f"spacing_mm must be above 0, not {self.spacing_mm}")


class SourceState(StrEnum):
    """Where a source stands; ENDED and FAILED are last."""

    OPENING = "opening"
    RUNNING = "running"
    STALLED = "stalled"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StateChange:
    """The source has entered ``state``; ``reason`` is a plain sentence, empty when there is nothing to explain."""

    state: SourceState
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something in the stream could not be read; the stream goes on (or ends early) without it.

    Attributes:
        what: a plain sentence that names the file or device.
        lost_packets: how many packets were given up (0 when unknown, as with a file cut short).
        pts_seconds: media time of the last good frame before it, None when there was none.
    """

    what: str
    lost_packets: int = 0
    pts_seconds: float | None = None


Item = Frame | StateChange | Damage
