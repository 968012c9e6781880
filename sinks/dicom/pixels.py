"""Pictures from files, and as DICOM stores them."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import JPEGLSLosslessEncoder
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGLSLossless

from ..sink import SinkError

Pixels = NDArray[np.uint8]
MOST_PIXELS = 8192 * 8192
MOST_FRAMES = 3000
MOST_BYTES = 1 << 31
"""Of all frames of a clip in one object, as they are stored."""

_LOSSY_METHODS = {
    "h264": "ISO_14496_10",
    "hevc": "ISO_23008_2",
    "mjpeg": "ISO_10918_1",
    "mpeg2video": "ISO_13818_2",
}
_LOSSLESS_CODECS = frozenset({"ffv1", "rawvideo", "huffyuv", "png"})


class UnfitError(SinkError):
    """Pictures that cannot become one object; the message names no file."""


class Stored(NamedTuple):
    """Frames ready for an object.

    Attributes:
        data: value of Pixel Data.
        syntax: transfer syntax.
        rows, columns, samples: of each frame; one sample is MONOCHROME2, three are RGB, all of 8 bits.
        frames: how many.
        sha256: over the frames' pixels before compression, so whatever the syntax, the same pictures have the same.
    """

    data: bytes
    syntax: UID
    rows: int
    columns: int
    samples: int
    frames: int
    sha256: str


class Clip(NamedTuple):
    """A clip's frames.

    Attributes:
        stored: the frames.
        times_seconds: of each frame, from 0 and rising; empty where the file tells none.
        lossy_method: how the file had been compressed with loss, in DICOM's words; None when it was not.
        lossy_ratio: how much smaller that made it.
    """

    stored: Stored
    times_seconds: tuple[float, ...]
    lossy_method: str | None
    lossy_ratio: float


def read_still(file: Path) -> Pixels:
    """(h w) where the picture is grey, else (h w 3) RGB. Raises `SinkError` that names the file."""
    try:
        with Image.open(file) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise SinkError(f"{file}: has {picture.width} x {picture.height} px, more than {MOST_PIXELS} in all")
            pixels = np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SinkError(f"{file}: is no picture that can be read: {error}") from None
    return pixels[..., 0].copy() if pixels.ndim == 3 and _is_grey(pixels) else pixels


def still_of(pixels: Pixels) -> Stored:
    """One picture, uncompressed: every program reads that."""
    return _stored(iter([pixels]), compress=False)


def read_clip(file: Path, *, frames: int, compress: bool) -> Clip:
    """All frames of a video, as they decode. Raises `SinkError` that names the file.

    Args:
        file: an mp4, say.
        frames: how many it must hold; another number means that it is not the clip its sidecar speaks of.
        compress: JPEG-LS without loss, else uncompressed.
    """
    grey = all(_is_grey(frame) for frame in _decoded(file))
    times: list[float | None] = []
    try:
        stored = _stored((frame[..., 0] if grey else frame for frame in _decoded(file, times)), compress=compress)
    except UnfitError as error:
        raise SinkError(f"{file}: {error}") from None
    if stored.frames != frames:
        raise SinkError(f"{file}: holds {stored.frames} frames, its sidecar says {frames}")
    with _opened(file) as container:
        codec = container.streams.video[0].codec_context.name
    size = stored.rows * stored.columns * stored.samples * stored.frames
    method = None if codec in _LOSSLESS_CODECS else _LOSSY_METHODS.get(codec, codec.upper())
    return Clip(stored, _rising(times), method, size / max(1, file.stat().st_size))


def _rising(times: list[float | None]) -> tuple[float, ...]:
    """The same from 0; nothing unless every frame has a time and each is later than the one before."""
    known = [seconds for seconds in times if seconds is not None]
    if len(known) < len(times) or any(later <= earlier for earlier, later in pairwise(known)):
        return ()
    return tuple(seconds - known[0] for seconds in known)


def _stored(frames: Iterator[Pixels], *, compress: bool) -> Stored:
    digest, pieces, total = hashlib.sha256(), list[bytes](), 0
    shape: tuple[int, ...] = ()
    for frame in frames:
        if shape and frame.shape != shape:
            raise UnfitError(f"its frames change their size from {shape[:2]} to {frame.shape[:2]}")
        shape = frame.shape
        raw = np.ascontiguousarray(frame).tobytes()
        digest.update(raw)
        pieces.append(_jpeg_ls(raw, shape) if compress else raw)
        total += len(pieces[-1])
        if total > MOST_BYTES or len(pieces) > MOST_FRAMES:
            raise UnfitError(f"it is longer than {MOST_FRAMES} frames or {MOST_BYTES} bytes, too long for one object")
    if not shape:
        raise UnfitError("it holds no picture")
    data = encapsulate(pieces) if compress else b"".join(pieces)
    return Stored(
        data=data + b"\0" * (len(data) % 2),
        syntax=JPEGLSLossless if compress else ExplicitVRLittleEndian,
        rows=shape[0],
        columns=shape[1],
        samples=1 if len(shape) == 2 else 3,
        frames=len(pieces),
        sha256=digest.hexdigest(),
    )


def _jpeg_ls(raw: bytes, shape: tuple[int, ...]) -> bytes:
    samples = 1 if len(shape) == 2 else 3
    options: dict[str, Any] = {
        "rows": shape[0],
        "columns": shape[1],
        "number_of_frames": 1,
        "samples_per_pixel": samples,
        "photometric_interpretation": "MONOCHROME2" if samples == 1 else "RGB",
        "bits_allocated": 8,
        "bits_stored": 8,
        "pixel_representation": 0,
        "planar_configuration": 0,
    }
    return bytes(JPEGLSLosslessEncoder.encode(raw, **options))


def _decoded(file: Path, times: list[float | None] | None = None) -> Iterator[Pixels]:
    """(h w 3) RGB each; the time of each is added to ``times``."""
    with _opened(file) as container:
        try:
            for frame in container.decode(video=0):
                if frame.width * frame.height > MOST_PIXELS:
                    raise SinkError(f"{file}: has frames of {frame.width} x {frame.height} px")
                if times is not None:
                    times.append(frame.time)
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        except FFmpegError as error:
            raise SinkError(f"{file}: cannot be decoded: {error.strerror}") from None


def _opened(file: Path) -> InputContainer:
    try:
        container = av.open(str(file), metadata_errors="replace")
    except (FFmpegError, OSError) as error:
        raise SinkError(f"{file}: is no video that can be read: {error.strerror}") from None
    if not container.streams.video:
        container.close()
        raise SinkError(f"{file}: holds no video")
    return container


def _is_grey(pixels: Pixels) -> bool:
    """All three channels of (h w 3) are the same."""
    red = pixels[..., 0]
    return bool(np.array_equal(red, pixels[..., 1]) and np.array_equal(red, pixels[..., 2]))
