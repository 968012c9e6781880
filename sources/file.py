"""Video files: anything FFmpeg reads, with true times, upright, and honest about what is torn."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG

import av
from av import VideoFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from .av_decode import Decoder
from .av_picture import picture_of
from .clock import Clock
from .deinterlace import whole_frames
from .frame import Damage, Frame, Item, SourceState, StateChange
from .pace import Pace
from .source import Source, SourceError, SourceInfo
from .uri import safe_name, split_target, yes_no
from .whole import missing_bytes

_DEFAULT_FPS = 25.0
_CLOSED_EARLY = StateChange(SourceState.ENDED, "closed before its end")
_NOT_VIDEO = frozenset({"tty", "hls", "dash", "concat", "sdp", "image2", "image2pipe", "lavfi"})
"""Formats in which FFmpeg makes a video of text, or follows a list to other files."""


def from_uri(uri: str, *, realtime: bool = False) -> Source:
    """The source of ``PATH`` or ``file:PATH?realtime=1``."""
    path, options = split_target(uri, allowed=("realtime",))
    return FileSource(path, realtime=yes_no("realtime", options["realtime"]) if "realtime" in options else realtime)


class FileSource:
    """A video file as a `Source`.

    - Media time is the container's own, less the start of the video stream: the first frame is at about 0. Variable
      rates and pauses are kept; stamps that are missing or do not rise are repaired and said so at the end.
    - A picture the decoder had to make up (FFmpeg conceals errors silently) is no evidence: it is withheld and counted
      as a lost packet. Pictures that build on it pass: FFmpeg does not mark them.
    - A file cut short gives its good part, then `Damage`, then ENDED; one without a single picture ends with FAILED.
    - Rotation is applied, and pixels are made square (see `picture_of`). Interlaced video is made
      whole (see `Deinterlacer`).
    - A still picture is refused, whatever its name: a folder of pictures is a clip, one picture is not.

    Args:
        path: the file.
        realtime: play at the file's own pace instead of as fast as it decodes.
    """

    def __init__(self, path: Path | str, *, realtime: bool = False) -> None:
        self.path = Path(path)
        self._realtime = realtime
        self._stop = threading.Event()
        self._ownership = threading.Lock()  # who closes the container: `close`, or `items` once it runs
        self._opened: tuple[InputContainer, VideoStream] | None = None
        self._iterating = False
        self._missing_bytes = 0

    def open(self) -> SourceInfo:
        self._check_file()
        container, stream = self._open_stream()
        self._opened = container, stream
        rate = stream.average_rate or stream.guessed_rate
        return SourceInfo(
            uri=f"file:{self.path.name}",
            name=safe_name(self.path),
            width_px=stream.width,
            height_px=stream.height,
            announced_fps=float(rate) if rate else None,
            frame_count=stream.frames or None,
            is_live=self._realtime,
            codec=stream.codec_context.name,
        )

    def items(self) -> Iterator[Item]:
        with self._ownership:
            if self._stop.is_set() and not self._iterating:
                return iter((StateChange(SourceState.RUNNING), _CLOSED_EARLY))
            if self._opened is None or self._iterating:
                raise SourceError(f"{self.path}: a file is opened before it is read, and read once")
            self._iterating = True
        return self._items(*self._opened)

    def close(self) -> None:
        self._stop.set()
        with self._ownership:
            if self._opened is not None and not self._iterating:
                self._opened[0].close()
                self._opened = None

    def __repr__(self) -> str:
        return f"FileSource({str(self.path)!r}, realtime={self._realtime})"

    # Opening.

    def _check_file(self) -> None:
        try:
            mode, size = self.path.stat().st_mode, self.path.stat().st_size
            if S_ISDIR(mode):
                raise SourceError(
                    f"{self.path}: is a folder, not a video file (a folder of pictures is opened as images)"
                )
            if not S_ISREG(mode):  # a pipe would be waited for without end
                raise SourceError(f"{self.path}: is not an ordinary file")
            if size == 0:
                raise SourceError(f"{self.path}: is empty")
            self._missing_bytes = missing_bytes(self.path)
        except FileNotFoundError:
            raise SourceError(f"{self.path}: there is no such file") from None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else error
            raise SourceError(f"{self.path}: cannot be read: {reason}") from None

    def _open_stream(self) -> tuple[InputContainer, VideoStream]:
        try:
            # An absolute path cannot be taken for a protocol; nested lists could still point elsewhere, hence "file".
            container = av.open(
                str(self.path.absolute()),
                mode="r",
                options={"protocol_whitelist": "file"},
                metadata_errors="replace",
            )
        except (FFmpegError, ValueError):
            raise SourceError(f"{self.path}: cannot be read as video{self._why_unreadable()}") from None
        try:
            return container, self._video_stream(container)
        except SourceError:
            container.close()
            raise

    def _why_unreadable(self) -> str:
        if self._missing_bytes:
            return f": it is cut short, at least {self._missing_bytes} bytes are missing, and with them its index"
        return ": it is damaged, or no video (allowed: mp4, mov, avi, mkv, gif and whatever else FFmpeg reads)"

    def _video_stream(self, container: InputContainer) -> VideoStream:
        formats = set(container.format.name.split(","))
        pictures = {name for name in formats if name.endswith("_pipe")}
        if pictures:
            kind = sorted(pictures)[0].removesuffix("_pipe")
            raise SourceError(
                f"{self.path}: is a still picture ({kind}), not a video; a folder of them is read as a clip"
            )
        if formats & _NOT_VIDEO:
            raise SourceError(f"{self.path}: is no video but a text or list of files ({container.format.name})")
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
            raise SourceError(
                f"{self.path}: holds no video stream{self._why_unreadable() if self._missing_bytes else ''}"
            )
        # Without a decoder PyAV leaves the codec context out, and every attribute that lives in it.
        if not getattr(stream, "width", 0) or not getattr(stream, "height", 0):
            raise SourceError(f"{self.path}: its video cannot be decoded (unknown codec or size)")
        return stream

    # Reading.

    def _items(self, container: InputContainer, stream: VideoStream) -> Iterator[Item]:
        decoder = Decoder((container, stream), reopen=self._open_stream, stop=self._stop)
        clock = _clock(stream)
        index = 0
        try:
            yield StateChange(SourceState.RUNNING)
            pace = Pace(self._stop) if self._realtime else None
            aspect = float(stream.sample_aspect_ratio or 1)
            for picture, was_interlaced in whole_frames(decoder):
                if lost := decoder.take_lost_packets():
                    yield self._damage(_torn(lost), lost, clock)
                stamp_seconds, duration_seconds = _stamp(picture)
                tick = clock.next(stamp_seconds, duration_seconds=duration_seconds)
                if pace is not None:
                    pace.wait_until(tick.pts_seconds)
                if self._stop.is_set():
                    break
                yield Frame(
                    index=index,
                    pts_seconds=tick.pts_seconds,
                    captured_ns=time.monotonic_ns(),
                    picture=picture_of(picture, pixel_aspect=aspect, was_interlaced=was_interlaced),
                    repair=tick.repair,
                )
                index += 1
            if self._stop.is_set():
                yield _CLOSED_EARLY
                return
            yield from self._last_damage(decoder, clock)
            if index:
                yield StateChange(SourceState.ENDED)
            else:
                yield StateChange(SourceState.FAILED, f"not one picture of {self.path.name} could be decoded")
        finally:
            container.close()

    def _last_damage(self, decoder: Decoder, clock: Clock) -> Iterator[Damage]:
        lost = decoder.take_lost_packets()
        if self._missing_bytes:
            yield self._damage(f"the file is cut short, at least {self._missing_bytes} bytes are missing", lost, clock)
        elif decoder.gave_up:
            yield self._damage("the rest of the file cannot be read", lost, clock)
        elif lost:
            yield self._damage(_torn(lost), lost, clock)
        if repaired := clock.repairs.total():
            yield self._damage(f"{repaired} time stamps were missing or did not rise, and were repaired", 0, clock)

    def _damage(self, what: str, lost_packets: int, clock: Clock) -> Damage:
        return Damage(what=f"{self.path.name}: {what}", lost_packets=lost_packets, pts_seconds=clock.last_seconds)


def _torn(packets: int) -> str:
    return f"{packets} packet{'s' if packets > 1 else ''} torn"


def _clock(stream: VideoStream) -> Clock:
    rate = stream.average_rate or stream.guessed_rate
    start = None if stream.start_time is None or stream.time_base is None else stream.start_time * stream.time_base
    return Clock(
        start_seconds=None if start is None else float(start),
        step_seconds=1 / float(rate) if rate else 1 / _DEFAULT_FPS,
    )


def _stamp(picture: VideoFrame) -> tuple[float | None, float]:
    """What the stream says: when the picture is shown, and for how long (0: it does not say)."""
    base = picture.time_base
    if base is None or picture.pts is None:
        return None, 0.0
    return float(picture.pts * base), float((picture.duration or 0) * base)
