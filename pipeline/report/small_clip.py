"""A capture's clip made small enough for a page: cut to the fan, shrunk, written anew as H.264."""

import io
from pathlib import Path
from typing import Any, NamedTuple

CLIP_WIDTH_PX = 480
_CODEC = "libx264"
_CODEC_OPTIONS = {"crf": "25", "preset": "veryfast", "bf": "0", "g": "25"}
"""A key frame a second, for seeking; measurements are for the still."""


class Box(NamedTuple):
    """Pixels [left, right) by [top, bottom)."""

    left: int
    top: int
    right: int
    bottom: int


class ClipError(Exception):
    """A clip cannot be shown; the message says why, for the reader of a report."""


def small_clip(path: Path, box: Box, *, most_bytes: int) -> bytes:
    """The clip at ``path``, cut to ``box`` and at most 480 px wide, as MP4 (H.264); each frame keeps its time.

    The same clip gives the same bytes. Raises `ClipError` where it is gone, larger than ``most_bytes``, or no clip.
    """
    from av.error import FFmpegError

    try:
        if path.stat().st_size > most_bytes:
            raise ClipError("its clip is too large to be read")
        return _written(path, box)
    except FileNotFoundError:
        raise ClipError("its clip is gone from the folder of captures") from None
    except (FFmpegError, OSError, ValueError, LookupError):
        raise ClipError("its clip cannot be read") from None


def _written(path: Path, box: Box) -> bytes:
    import av  # brings FFmpeg, which only clips need
    from av.filter import Graph

    buffer = io.BytesIO()
    with av.open(str(path)) as opened, av.open(buffer, "w", format="mp4") as written:
        origin: Any = opened  # PyAV's own types of these are incomplete
        target: Any = written
        source = origin.streams.video[0]
        graph: Any = Graph()
        buffers = graph.add_buffer(template=source)
        cut = graph.add("crop", _crop(box, source.width, source.height))
        small = graph.add("scale", f"min({CLIP_WIDTH_PX}\\,trunc(iw/2)*2):-2:flags=area")
        end: Any = graph.add("buffersink")
        buffers.link_to(cut)
        cut.link_to(small)
        small.link_to(end)
        graph.configure()
        stream: Any = None
        rate = source.average_rate or 25
        step = round(1 / (rate * source.time_base))
        for frame in origin.decode(source):
            graph.push(frame)
            shrunk: Any = graph.pull()
            if stream is None:
                stream = target.add_stream(_CODEC, rate=rate, options=_CODEC_OPTIONS)
                stream.width, stream.height, stream.pix_fmt = shrunk.width, shrunk.height, "yuv420p"
                stream.codec_context.time_base = stream.time_base = source.time_base
                stream.codec_context.thread_count = 1  # the same bytes each time
            shrunk.pict_type = 0  # the encoder's own choice
            target.mux(_lasting(stream.encode(shrunk), step))
        if stream is None:
            raise ClipError("its clip holds no frame")
        target.mux(_lasting(stream.encode(None), step))
    return buffer.getvalue()


def _crop(box: Box, width: int, height: int) -> str:
    """Even places and sizes, for colour has half the resolution."""
    left, top = box.left // 2 * 2, box.top // 2 * 2
    right, bottom = min(width, box.right + box.right % 2), min(height, box.bottom + box.bottom % 2)
    return f"{max(2, right - left)}:{max(2, bottom - top)}:{left}:{top}"


def _lasting(packets: Any, step: int) -> list[Any]:
    """MP4 takes the duration of a frame from the time of the next; of the last it must be told."""
    for packet in packets:
        packet.duration = step
    return list(packets)
