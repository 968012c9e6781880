"""Clips that the tests make for themselves, and what they wait for."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fetalstream.sources import Damage, Frame, Item, SourceInfo
from fetalstream.sources.file import FileSource

TICKS_PER_SECOND = 1000
CODECS = {".mp4": "libx264", ".mov": "libx264", ".avi": "mjpeg", ".mkv": "libvpx-vp9", ".gif": "gif", ".ts": "libx264"}
FORMATS = {"mjpeg": "yuvj420p", "gif": "rgb8", "ffv1": "bgr0"}


@dataclass(frozen=True)
class ReadOut:
    """Everything one reading of a source gave."""

    info: SourceInfo
    items: list[Item]

    @property
    def frames(self) -> list[Frame]:
        return [item for item in self.items if isinstance(item, Frame)]

    @property
    def damage(self) -> list[Damage]:
        return [item for item in self.items if isinstance(item, Damage)]

    @property
    def lost_packets(self) -> int:
        return sum(damage.lost_packets for damage in self.damage)

    @property
    def times(self) -> list[float]:
        return [frame.pts_seconds for frame in self.frames]


def scenery(count: int, *, width_px: int, height_px: int, grey: bool) -> list[NDArray[np.uint8]]:
    """Smooth blobs that wander to the left: (h w 3) RGB each."""
    rng = np.random.default_rng(7)
    noise = rng.integers(0, 256, (height_px, width_px + 3 * count, 3)).astype(np.uint8)
    blobs = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), np.empty(0), 0, 255, cv2.NORM_MINMAX)
    if grey:
        blobs = np.repeat(blobs[..., :1], 3, axis=2)
    return [np.ascontiguousarray(blobs[:, 3 * i : 3 * i + width_px]).astype(np.uint8) for i in range(count)]


MakeClip = Callable[..., Path]


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Writes a clip: ``make_clip("a.mp4", frames=20, codec="mpeg4", ...)``."""

    def make(
        name: str,
        *,
        frames: int = 20,
        codec: str | None = None,
        pixel_format: str | None = None,
        width_px: int = 96,
        height_px: int = 64,
        grey: bool = False,
        times_ms: Sequence[int] | None = None,
        rotation: tuple[float, bool, bool] | None = None,
        pixel_aspect: Fraction | None = None,
        index_first: bool = False,
        key_every: int = 8,
    ) -> Path:
        path = tmp_path / name
        codec = codec or CODECS[path.suffix]
        options = {"movflags": "faststart"} if index_first else {}
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream(codec, rate=25)
            assert isinstance(stream, VideoStream)
            stream.width, stream.height = width_px, height_px
            stream.pix_fmt = pixel_format or FORMATS.get(codec, "yuv420p")
            stream.gop_size = key_every
            if times_ms is not None:
                stream.codec_context.time_base = Fraction(1, TICKS_PER_SECOND)
            if pixel_aspect is not None:
                stream.sample_aspect_ratio = pixel_aspect
            if rotation is not None:
                stream.set_display_rotation(rotation[0], hflip=rotation[1], vflip=rotation[2])
            pictures = scenery(frames, width_px=width_px, height_px=height_px, grey=grey)
            for index, pixels in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=stream.pix_fmt)
                frame.pts = index if times_ms is None else times_ms[index]
                frame.time_base = Fraction(1, 25) if times_ms is None else Fraction(1, TICKS_PER_SECOND)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return make


@pytest.fixture
def read_out() -> Callable[[Path], ReadOut]:
    """Opens a file, reads it to its end, and closes it."""

    def read(path: Path) -> ReadOut:
        source = FileSource(path)
        try:
            return ReadOut(source.open(), list(source.items()))
        finally:
            source.close()

    return read


def reference_times(path: Path) -> list[float]:
    """What plain PyAV says of each frame's time."""
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """The test runs without the rights of root."""
    if os.name != "posix" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def plain_times() -> Callable[[Path], list[float]]:
    return reference_times


class Settled(Protocol):
    """Whether something comes true in time."""

    def __call__(self, done: Callable[[], bool], *, within_seconds: float = 10.0) -> bool: ...


@pytest.fixture
def settled() -> Settled:
    def wait(done: Callable[[], bool], *, within_seconds: float = 10.0) -> bool:
        until = time.monotonic() + within_seconds
        while not done():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    return wait


@pytest.fixture
def new_threads() -> Callable[[], list[str]]:
    """Names of the threads that sources have started since the test began and that have not ended."""
    before = set(threading.enumerate())
    return lambda: [
        thread.name
        for thread in threading.enumerate()
        if thread not in before and thread.name.startswith("fetalstream-")
    ]
