"""Interlaced frames made whole: where something moves, their two halves show it in two places."""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from av import VideoFrame
from av.error import BlockingIOError as AvBlockingIOError
from av.error import EOFError as AvEOFError
from av.error import FFmpegError
from av.filter import Graph

_FILTER = ("bwdif", "mode=send_frame:deint=interlaced")
"""Motion-adaptive; one frame out for each one in, and what is not marked as interlaced comes out as it went in."""
_TIME_BASE = Fraction(1, 90_000)  # of frames that have none; their stamps are put back anyway


class _Kind(NamedTuple):
    width_px: int
    height_px: int
    format: str


class Whole(NamedTuple):
    """A frame whose lines are all of one moment, and whether it came so."""

    frame: VideoFrame
    was_interlaced: bool


class Deinterlacer:
    """Frames of one stream, in order, in and out; costs nothing until one is marked as interlaced.

    From then on a frame comes out when the next has gone in: what moved is judged by its neighbours on both sides. Each
    frame keeps its stamp and its duration. What the filter cannot work on (four pixels, say) comes out as it went in.
    """

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._kind: _Kind | None = None
        self._inside: deque[VideoFrame] = deque()
        self._unfit: _Kind | None = None

    def feed(self, frame: VideoFrame) -> list[Whole]:
        """What comes out when ``frame`` goes in."""
        kind = _Kind(frame.width, frame.height, frame.format.name)
        if (self._graph is None and not frame.interlaced_frame) or kind == self._unfit:
            return [Whole(frame, frame.interlaced_frame)]
        out: list[Whole] = []
        if kind != self._kind:
            out, self._kind = self.flush(), kind
        self._inside.append(frame)
        try:
            if self._graph is None:
                self._graph = _graph(frame)
            self._graph.push(frame)
            return out + self._pull(self._graph)
        except (FFmpegError, ValueError):
            self._graph, self._kind, self._unfit = None, None, kind
            as_they_are = [Whole(left, left.interlaced_frame) for left in self._inside]
            self._inside.clear()
            return out + as_they_are

    def flush(self) -> list[Whole]:
        """No more frames come, or none of this kind: what is still inside."""
        graph, self._graph, self._kind = self._graph, None, None
        if graph is None:
            return []
        graph.push(None)
        return self._pull(graph)

    def _pull(self, graph: Graph) -> list[Whole]:
        out: list[Whole] = []
        while True:
            try:
                frame = graph.pull()
            except (AvBlockingIOError, AvEOFError):
                return out
            assert isinstance(frame, VideoFrame)
            went_in = self._inside.popleft()
            frame.pts, frame.duration = went_in.pts, went_in.duration
            if went_in.time_base is not None:
                frame.time_base = went_in.time_base
            out.append(Whole(frame, went_in.interlaced_frame))


def whole_frames(frames: Iterable[VideoFrame]) -> Iterator[Whole]:
    """All of them, made whole."""
    deinterlacer = Deinterlacer()
    for frame in frames:
        yield from deinterlacer.feed(frame)
    yield from deinterlacer.flush()


def _graph(frame: VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or _TIME_BASE
    )
    graph.link_nodes(source, graph.add(*_FILTER), graph.add("buffersink")).configure()
    return graph
