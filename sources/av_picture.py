"""Decoded video frames as pictures: grey where there is no colour, full range, upright, square pixels."""

import threading
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

import cv2
import numpy as np
from av import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import VideoReformatter

from .frame import Picture, Pixels, Stored
from .studio_range import EXPAND, StudioRange, picked

_LIMITED_RANGE, _FULL_RANGE = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG
_GREY_FORMATS = frozenset({"gray"})
_PLANAR_FORMATS = frozenset(
    {"yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p", "yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p"}
    | {"nv12", "nv21", "nv16", "nv24"}
)
"""8-bit formats whose first plane is the luma and whose other planes are chroma around 128."""
_NEUTRAL_CHROMA = 128
_ASPECT_TOLERANCE = 0.01
_ASPECT_LIMITS = (0.25, 4.0)

_PACKED_RGB = {"rgb24": 3, "bgr24": 3, "rgb0": 4, "bgr0": 4, "rgba": 4, "bgra": 4}
"""Formats of one plane, and how many bytes a pixel has; red, green and blue are the first three."""

_Read = Callable[[VideoFrame], Pixels]

_local = threading.local()


class Upright(NamedTuple):
    """How stored pixels become upright: first swap rows and columns, then flip."""

    swap: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> "Upright":
        """From a frame's display matrix, rounded to the nearest quarter turn (with or without a mirror)."""
        side_data = frame.side_data.get("DISPLAYMATRIX")
        if side_data is None:
            return cls()
        # A stored point (x, y) is shown at (a x + c y, b x + d y).
        a, b, _, c, d, *_ = (int(value) for value in np.frombuffer(side_data, dtype=np.int32))
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(swap=False, flip_rows=d < 0, flip_columns=a < 0)
        return cls(swap=True, flip_rows=b < 0, flip_columns=c < 0)

    def apply(self, pixels: Pixels) -> Pixels:
        """(h w) or (h w 3) -> the same, or (w h) or (w h 3) when rows and columns swap."""
        if self.swap:
            pixels = pixels.swapaxes(0, 1)
        if self.flip_rows:
            pixels = pixels[::-1]
        if self.flip_columns:
            pixels = pixels[:, ::-1]
        return np.ascontiguousarray(pixels)


def picture_of(
    frame: VideoFrame,
    *,
    pixel_aspect: float = 1.0,
    studio_range: StudioRange | None = None,
    was_interlaced: bool = False,
) -> Picture:
    """The picture of a decoded frame; nothing is converted yet.

    Limited range (16 to 235) becomes full range: of YUV unless the frame says that it is full already, of RGB and grey
    where the frame says that it is limited.

    The frame's buffer is reference-counted: it stays as it is while the decoder moves on.

    Args:
        frame: as the decoder gave it.
        pixel_aspect: width of a stored pixel over its height. Everything downstream takes pixels for square, so a clip
            that is more than 1 % off is stretched in width. Nonsense (beyond 1:4 or 4:1) is taken for square.
        studio_range: judges RGB that says nothing of its range; None takes it as it is.
        was_interlaced: the stream's frame was, before it was made whole.
    """
    upright = Upright.of(frame)
    low, high = _ASPECT_LIMITS
    off = abs(pixel_aspect - 1) > _ASPECT_TOLERANCE and low <= pixel_aspect <= high
    width_px = max(1, round(frame.width * pixel_aspect)) if off else frame.width
    shown = (frame.height, width_px) if upright.swap else (width_px, frame.height)
    has_luma = frame.format.name in _GREY_FORMATS | _PLANAR_FORMATS
    is_full = _is_full_range(frame)
    if is_full is None and frame.format.is_rgb:
        is_full = studio_range is None or _looks_full(frame, studio_range)
    read_rgb = partial(_rgb, expand=frame.format.is_rgb and is_full is False)
    return Picture(
        width_px=shown[0],
        height_px=shown[1],
        convert=partial(_convert, frame, width_px, upright, read_rgb),
        luma=partial(_stretch, frame, width_px, upright, _luma) if has_luma else None,
        stored=Stored(frame.format.name, is_full, was_interlaced or frame.interlaced_frame),
    )


def _convert(frame: VideoFrame, width_px: int, upright: Upright, read_rgb: _Read) -> Pixels:
    return _stretch(frame, width_px, upright, _luma if _is_grey(frame) else read_rgb)


def _stretch(frame: VideoFrame, width_px: int, upright: Upright, read: _Read) -> Pixels:
    """Stored pixels, square and upright."""
    pixels = read(frame)
    if width_px != frame.width:
        smoothing = cv2.INTER_AREA if width_px < frame.width else cv2.INTER_LINEAR
        pixels = cast("Pixels", cv2.resize(pixels, (width_px, frame.height), interpolation=smoothing))
    return upright.apply(pixels)


def _is_grey(frame: VideoFrame) -> bool:
    """Whether the frame's planes show at a glance that it holds no colour."""
    name = frame.format.name
    if name in _GREY_FORMATS:
        return True
    interleaved = 2 if name.startswith("nv") else 1
    return name in _PLANAR_FORMATS and all(
        _is_neutral(_plane(plane, samples=interleaved)) for plane in frame.planes[1:]
    )


def _luma(frame: VideoFrame) -> Pixels:
    """(h w) of a grey or planar format, full range; its own memory."""
    luma = _plane(frame.planes[0])
    if _is_full_range(frame):
        return luma.copy()
    return cast("Pixels", cv2.LUT(luma, EXPAND))


def _is_full_range(frame: VideoFrame) -> bool | None:
    """What the frame says of itself; None when it says nothing. YUV is then taken for limited, as swscale does."""
    name = frame.format.name
    if name.startswith("yuvj") or frame.color_range == _FULL_RANGE:
        return True
    if frame.color_range == _LIMITED_RANGE:
        return False
    return True if name in _GREY_FORMATS else None


def _looks_full(frame: VideoFrame, studio_range: StudioRange) -> bool:
    """What the greys of an RGB frame say; layouts of several planes are not looked at."""
    samples = _PACKED_RGB.get(frame.format.name)
    if samples is None:
        return True
    rows = _plane(frame.planes[0], samples=samples)
    return not studio_range.is_limited(picked(rows.reshape(frame.height, frame.width, samples))[..., :3])


def _is_neutral(chroma: Pixels) -> bool:
    return int(chroma.min()) == _NEUTRAL_CHROMA == int(chroma.max())


def _rgb(frame: VideoFrame, *, expand: bool) -> Pixels:
    """(h w 3) by swscale with the frame's own matrix and range; (h w) when all channels turn out equal.

    ``expand`` is for RGB in limited range, which swscale takes as it is.
    """
    shown = _reformatter().reformat(frame, format="rgb24", threads=1)
    pixels = np.asarray(shown.to_ndarray(), dtype=np.uint8)
    if expand:
        pixels = cast("Pixels", cv2.LUT(pixels, EXPAND))
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    if frame.format.name not in _PLANAR_FORMATS and np.array_equal(red, green) and np.array_equal(green, blue):
        return red.copy()
    # Where there was nothing to convert, the array still is the decoder's buffer.
    return pixels.copy() if shown is frame else np.ascontiguousarray(pixels)


def _reformatter() -> VideoReformatter:
    """One for each thread: building one for each frame costs five times the conversion, and they are not shareable."""
    if not hasattr(_local, "reformatter"):
        _local.reformatter = VideoReformatter()
    return _local.reformatter


def _plane(plane: VideoPlane, *, samples: int = 1) -> Pixels:
    """(h w) view of a plane without its padding; with ``samples`` interleaved ones per pixel, (h w*samples)."""
    stride = plane.line_size
    rows = np.frombuffer(memoryview(plane), dtype=np.uint8)[: abs(stride) * plane.height].reshape(
        plane.height, abs(stride)
    )
    return (rows if stride > 0 else rows[::-1])[:, : plane.width * samples]
