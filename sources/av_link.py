"""Connections through FFmpeg: network streams and input devices, newest picture at once."""

import errno
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import av
from av import VideoFrame
from av import error as av_error
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from .av_decode import PacketDecoder
from .av_picture import picture_of
from .deinterlace import Deinterlacer, Whole
from .frame import Damage
from .link import Arrival, LinkError, LinkInfo
from .pace import Pace
from .studio_range import StudioRange

LOW_LATENCY = {
    "fflags": "-genpts",
    "flags": "low_delay",
    "fpsprobesize": "0",
    "probesize": "32",
    "analyzeduration": "1",
}
"""Nothing is read ahead to find out what the stream itself will tell, and nothing waits in a queue. Not "nobuffer":
that throws away what was read to find out, which is the first key picture, and with it all up to the next one."""
_DAMAGE_SECONDS = 1.0
"""Damage is told at once, then at most so often."""
_MOST_READ_ERRORS = 25
"""Packets in a row that cannot be read before the connection counts as broken."""
_GONE = frozenset({errno.ENODEV, errno.ENXIO, errno.EIO, errno.ENOENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class AvTarget:
    """What FFmpeg opens.

    Attributes:
        url: with everything secret in it; never shown.
        shown: what a message calls it ("10.0.0.5:554").
        format: name of an FFmpeg input device; None for network streams.
        options: FFmpeg's own.
        open_seconds, read_seconds: deadlines the library is given. It does not always keep them, so whoever calls has
            deadlines of their own; these let a call that was left behind come back.
        ends: whether the end of the stream is an end and not a break.
        paced: whether pictures come faster than their time stamps and must be held back.
        prepare: called before opening; raises `LinkError`.
    """

    url: str = field(repr=False)
    shown: str
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    open_seconds: float
    read_seconds: float
    ends: bool = False
    paced: bool = False
    prepare: Callable[[], None] = field(default=lambda: None, repr=False)


class AvLink:
    """A `Link` that FFmpeg opens, reads and decodes."""

    def __init__(self, target: AvTarget) -> None:
        self._target = target
        self._container: InputContainer | None = None
        self._stream: VideoStream | None = None
        self._packets: Iterator[Packet[VideoStream]] = iter(())
        self._decoder = PacketDecoder()
        self._deinterlacer = Deinterlacer()
        self._arrived: deque[tuple[int, int]] = deque()  # monotonic and UTC, of each frame that went in
        self._whole: deque[Whole] = deque()
        self._studio_range = StudioRange()
        self._pace = Pace(threading.Event()) if target.paced else None
        self._damage_told_at = 0.0

    def open(self) -> LinkInfo:
        target = self._target
        target.prepare()
        started = time.monotonic()
        try:
            self._container = av.open(
                target.url,
                mode="r",
                format=target.format,
                options=target.options,
                timeout=(target.open_seconds, target.read_seconds),
                metadata_errors="replace",
            )
        except (FFmpegError, ValueError) as error:
            late = time.monotonic() - started > 0.9 * target.open_seconds
            raise why_not(error, target.shown, late_seconds=target.open_seconds if late else None) from None
        stream = self._container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.codec_context is None:  # pyright: ignore[reportUnnecessaryComparison]
            raise LinkError(f"{target.shown} sends no video that can be decoded")
        # One thread: several would hold pictures back (one for each), or, sharing the slices of a picture, switch off
        # FFmpeg's own check whether it is whole: half a picture would come green and unmarked.
        stream.codec_context.thread_count = 1
        self._stream = stream
        self._packets = self._container.demux(stream)
        rate = stream.average_rate or stream.guessed_rate
        return LinkInfo(announced_fps=float(rate) if rate else None, codec=stream.codec_context.name)

    def read(self) -> Arrival | Damage | None:
        assert self._stream is not None
        while not self._whole:
            packet = self._next_packet()
            if packet is None:
                self._whole.extend(self._deinterlacer.flush())
                if not self._whole:
                    return None
                break
            self._decode(packet)
            if (damage := self._damage()) is not None:
                return damage
        frame, was_interlaced = self._whole.popleft()
        captured_ns, wall_ns = self._arrived.popleft()
        picture = picture_of(
            frame,
            pixel_aspect=float(self._stream.sample_aspect_ratio or 1),
            studio_range=self._studio_range,
            was_interlaced=was_interlaced,
        )
        return Arrival(picture=picture, captured_ns=captured_ns, wall_ns=wall_ns, stamp_seconds=_stamp(frame))

    def close(self) -> None:
        self._whole.clear()
        if self._container is not None:
            self._container.close()

    def _decode(self, packet: "Packet[VideoStream]") -> None:
        for frame in self._decoder.decode(packet):
            stamp_seconds = _stamp(frame)
            if self._pace is not None and stamp_seconds is not None:
                self._pace.wait_until(stamp_seconds)
            # Now is when it came; an interlaced one has to wait for the next.
            self._arrived.append((time.monotonic_ns(), time.time_ns()))
            self._whole.extend(self._deinterlacer.feed(frame))

    def _next_packet(self) -> "Packet[VideoStream] | None":
        """The next packet; None at a natural end. A packet that cannot be read is counted, a run of them is a break."""
        assert self._container is not None
        assert self._stream is not None
        target, errors = self._target, 0
        while True:
            started = time.monotonic()
            try:
                packet = next(self._packets, None)
            except FFmpegError as error:
                late = time.monotonic() - started > 0.9 * target.read_seconds
                errors += 1
                if late or errors > _MOST_READ_ERRORS or not isinstance(error, av_error.InvalidDataError):
                    raise why_not(error, target.shown, late_seconds=target.read_seconds if late else None) from None
                self._decoder.lost_packets += 1
                self._packets = self._container.demux(self._stream)
                continue
            if packet is None and not target.ends:
                raise LinkError(f"{target.shown} has ended the stream")
            return packet

    def _damage(self) -> Damage | None:
        now = time.monotonic()
        if not self._decoder.lost_packets or now - self._damage_told_at < _DAMAGE_SECONDS:
            return None
        self._damage_told_at = now
        lost = self._decoder.take_lost_packets()
        return Damage(what=f"{lost} packet{'s' if lost > 1 else ''} torn", lost_packets=lost)


def _stamp(frame: VideoFrame) -> float | None:
    return None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base)


def why_not(error: Exception, shown: str, *, late_seconds: float | None = None) -> LinkError:
    """What an error of FFmpeg means, in plain words; its own words hold the whole URL, password and all.

    Args:
        error: as it was raised.
        shown: what the other side may be called.
        late_seconds: the deadline that had passed, None when none had.
    """
    if late_seconds is not None:
        return LinkError(f"{shown} has not answered for {late_seconds:g} s")
    if isinstance(error, av_error.HTTPUnauthorizedError | av_error.HTTPForbiddenError):
        return LinkError(f"{shown} asks for a user and password, or does not accept these", refused=True)
    if isinstance(error, av_error.HTTPNotFoundError):
        return LinkError(f"{shown} has no such stream")
    if isinstance(error, ConnectionRefusedError):
        return LinkError(f"{shown} refuses the connection; does the server run?")
    if isinstance(error, PermissionError):
        return LinkError(f"{shown} may not be read by this user", refused=True)
    if isinstance(error, ConnectionError | BrokenPipeError):
        return LinkError(f"{shown} has broken the connection")
    number = error.errno if isinstance(error, OSError) else None
    if number in _GONE:
        return LinkError(f"{shown} is not there (any more)")
    if number == errno.EBUSY:
        return LinkError(f"{shown} is in use by another program")
    words = error.strerror if isinstance(error, FFmpegError | OSError) else type(error).__name__
    return LinkError(f"{shown} cannot be read: {(words or 'unknown error').lower()}")
