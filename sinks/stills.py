"""Pictures that may leave, and what they are written as: PNG for one, MP4 for many."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .sink import SinkError

TICKS = 90_000
"""Time stamps in a clip count so many a second, as MPEG does: fine enough for any frame rate."""

CODEC, CODEC_OPTIONS = "libx264", {"crf": "20", "preset": "superfast", "bf": "0"}
"""Hardly distinguishable from the original by eye, and quick; measurements are for the still."""

PNG_COMPRESSION = 4


class Tints(NamedTuple):
    """Where a grey picture has colour: marks and callipers. ``places`` (n) into its pixels in rows, ``rgb`` (n 3)."""

    places: NDArray[np.uint32]
    rgb: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Still:
    """One picture of which only the box around the fan is held; everything else is black.

    Attributes:
        frame_index, pts_seconds: which frame of the stream it is.
        wall_ns: UTC at capture, nanoseconds since 1970; None when unknown.
        spacing_mm: millimetres per pixel, None when unknown.
        width_px, height_px: of the whole picture.
        left_px, top_px: where the box lies in it.
        dicom_number: of the frame in its DICOM object, from 1; None elsewhere.
        pixels: (h w) uint8 grey or (h w 3) uint8 RGB, the box, black outside the fan.
        tints: what of grey ``pixels`` is coloured; None for nothing.
    """

    frame_index: int
    pts_seconds: float
    width_px: int
    height_px: int
    left_px: int
    top_px: int
    pixels: NDArray[np.uint8]
    tints: Tints | None = None
    wall_ns: int | None = None
    spacing_mm: float | None = None
    dicom_number: int | None = None

    @property
    def size_bytes(self) -> int:
        """What it costs to hold it."""
        return self.pixels.nbytes + (self.tints.places.nbytes + self.tints.rgb.nbytes if self.tints else 0)

    def whole(self, *, even: bool = False) -> NDArray[np.uint8]:
        """The picture in its full size, (h w) or (h w 3); ``even`` adds a black column or row where H.264 needs it."""
        height, width = self.height_px, self.width_px
        if even:
            height, width = height + height % 2, width + width % 2
        box = self._box()
        whole = np.zeros((height, width, *box.shape[2:]), dtype=np.uint8)
        rows, columns = box.shape[:2]
        whole[self.top_px : self.top_px + rows, self.left_px : self.left_px + columns] = box
        return whole

    def _box(self) -> NDArray[np.uint8]:
        if self.tints is None:
            return self.pixels
        box = np.repeat(self.pixels[:, :, np.newaxis], 3, axis=2)
        box.reshape(-1, 3)[self.tints.places] = self.tints.rgb
        return box


def png(still: Still) -> bytes:
    """The whole picture without loss. Raises `SinkError`."""
    whole = still.whole()
    written = whole if whole.ndim == 2 else cv2.cvtColor(whole, cv2.COLOR_RGB2BGR)
    done, content = cv2.imencode(".png", written, [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION])
    if not done:
        raise SinkError(f"a picture of {still.width_px} x {still.height_px} px cannot be written as PNG")
    return content.tobytes()


def mp4(stills: Sequence[Still], *, frame_seconds: float) -> bytes:
    """H.264 with each frame at its true time, the last one as long as ``frame_seconds``. Raises `SinkError`.

    Args:
        stills: at least one, of one size, in order of time.
        frame_seconds: how long a frame mostly lasts.
    """
    import av  # brings FFmpeg, which few need
    from av.error import FFmpegError

    first, buffer = stills[0], io.BytesIO()
    try:
        with av.open(buffer, "w", format="mp4") as opened:
            target: Any = opened  # PyAV's own types of these are incomplete
            stream = target.add_stream(CODEC, rate=_rate(frame_seconds), options=CODEC_OPTIONS)
            stream.width, stream.height = first.width_px + first.width_px % 2, first.height_px + first.height_px % 2
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
            stream.codec_context.thread_count = 1  # the cores belong to the encoder of the model
            for still in stills:
                whole = still.whole(even=True)
                frame = av.VideoFrame.from_ndarray(whole, "gray" if whole.ndim == 2 else "rgb24")
                frame.pts = round((still.pts_seconds - first.pts_seconds) * TICKS)
                frame.time_base = Fraction(1, TICKS)
                target.mux(_lasting(stream.encode(frame), frame_seconds))
            target.mux(_lasting(stream.encode(None), frame_seconds))
    except (FFmpegError, ValueError) as error:
        raise SinkError(f"a clip of {len(stills)} frames cannot be written as H.264: {error}") from error
    return buffer.getvalue()


def _rate(frame_seconds: float) -> Fraction:
    return Fraction(1 / frame_seconds).limit_denominator(1000)


def _lasting(packets: Sequence[Any], frame_seconds: float) -> list[Any]:
    """MP4 takes the duration of a frame from the time of the next; of the last it must be told."""
    for packet in packets:
        packet.duration = round(frame_seconds * TICKS)
    return list(packets)
