"""One video stream of an open container, decoded packet by packet, with a count of what was torn."""

import threading
from collections.abc import Callable, Iterator

from av import VideoFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from .source import SourceError

_MOST_READ_ERRORS = 1000
"""Read errors in a row after which a container is given up; each usually costs one packet."""

Opened = tuple[InputContainer, VideoStream]


class PacketDecoder:
    """Packets of one stream in, pictures out: those that were decoded without a flaw.

    FFmpeg conceals errors silently: it fills in what it could not read. Such a picture is not given, but counted.
    """

    def __init__(self) -> None:
        self.lost_packets = 0
        self._withheld: list[int] = []  # stamps of torn packets that were not decoded; their frames' turn is to come
        self.inside = 0  # packets that went in and of which nothing came out yet
        self._came_out = 0
        self.last_pts: int | None = None  # of the newest frame that came out
        self._refused = 0  # packets that were refused since a frame came out
        self._is_again = False
        self._after: int | None = None  # what came up to here is known and counted already

    def take_lost_packets(self) -> int:
        """Packets lost since the last call: torn, refused by the decoder, or concealed."""
        lost, self.lost_packets = self.lost_packets, 0
        return lost

    def decode(self, packet: "Packet[VideoStream]") -> Iterator[VideoFrame]:
        """The pictures that come out when ``packet`` goes in."""
        if packet.is_corrupt:  # the demuxer knows already that it is not whole
            if not self._is_again:
                self._withheld.append(packet.pts or 0)
            return
        is_flush = packet.size == 0 and packet.pts is None and packet.dts is None and packet.pos is None
        if packet.size == 0 and not is_flush:  # a sample without bytes; the decoder would take it for the end
            return
        self.inside += not is_flush and not packet.is_discard
        try:
            frames = packet.decode()
        except FFmpegError:
            if is_flush or self._is_new(packet.pts):
                self._refused += 1
                self.lost_packets += 1
            self.inside -= 1
            return
        self.inside -= len(frames)
        for frame in frames:
            if self._is_new(frame.pts):
                yield from self._sound(frame)

    def left_behind(self) -> bool:
        """Whether nothing came out of some packets, and what comes out a second time can be told from the first."""
        return self.inside > 0 and (self.last_pts is not None or self._came_out == 0)

    def again(self) -> "PacketDecoder":
        """A decoder for the same stream once more, from the last frame or before: it gives and counts what is new."""
        other = PacketDecoder()
        other._is_again = True
        other._after = self.last_pts
        other._withheld = self._withheld
        other.lost_packets = max(0, self.lost_packets - self._refused)  # these will be refused a second time
        return other

    def finish(self) -> None:
        """No more packets come: count those whose frames never did."""
        self._count_withheld(before=None)

    def _sound(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """The frame, unless the decoder had to make it up."""
        self._count_withheld(before=frame.pts)
        self._came_out += 1
        self._refused = 0
        if frame.pts is not None:
            self.last_pts = frame.pts
        if frame.is_corrupt:
            self.lost_packets += 1
        else:
            yield frame

    def _is_new(self, pts: int | None) -> bool:
        return self._after is None or (pts is not None and pts > self._after)

    def _count_withheld(self, *, before: int | None) -> None:
        """Frames come out later than packets go in: a packet counts as lost where its frame would have come."""
        waiting = [] if before is None else [pts for pts in self._withheld if pts >= before]
        self.lost_packets += len(self._withheld) - len(waiting)
        self._withheld = waiting


class Decoder:
    """Iterate once: gives every picture of a file that was decoded without a flaw (see `PacketDecoder`).

    FFmpeg decodes several frames at a time, each in a thread of its own. When the file ends, the last ones are still in
    there, and PyAV stops taking them out at the first torn one: how many good ones that loses would depend on the
    machine's cores. So packets of which nothing came out are decoded once more, in one thread.

    Args:
        opened: the container, used by nobody else meanwhile, and one of its video streams.
        reopen: the same anew, for the end of a torn file.
        stop: ends the iteration soon when it is set.
        threads: how many decode; 0 leaves it to FFmpeg. A sound file gives the same pictures however many.
    """

    def __init__(
        self, opened: Opened, *, reopen: Callable[[], Opened], stop: threading.Event, threads: int = 0
    ) -> None:
        self._container, self._stream = opened
        self._reopen = reopen
        self._stop = stop
        self._decoder = PacketDecoder()
        self.gave_up = False
        """Whether reading ended because the container gave nothing but errors."""
        # Threads that share the slices of one frame would switch off FFmpeg's check whether it is whole.
        self._stream.thread_type = "FRAME"
        self._stream.codec_context.thread_count = threads

    def take_lost_packets(self) -> int:
        """Packets lost since the last call: torn in the file, refused by the decoder, or concealed."""
        return self._decoder.take_lost_packets()

    def __iter__(self) -> Iterator[VideoFrame]:
        for packet in self._packets():
            yield from self._decoder.decode(packet)
        if self._decoder.left_behind() and not self._stop.is_set():
            yield from self._end_again()
        self._decoder.finish()

    def _end_again(self) -> Iterator[VideoFrame]:
        """What comes after the last frame: one thread tells of each torn packet at once, and keeps nothing back."""
        last_pts = self._decoder.last_pts
        try:
            container, stream = self._reopen()
        except SourceError:  # it was there a moment ago
            self._decoder.lost_packets += self._decoder.inside
            return
        with container:
            stream.codec_context.thread_count = 1
            self._decoder = self._decoder.again()
            try:
                if last_pts is not None:
                    container.seek(last_pts, stream=stream)
                for packet in container.demux(stream):
                    if self._stop.is_set():
                        return
                    yield from self._decoder.decode(packet)
            except FFmpegError:  # what cannot be read was counted the first time
                return

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        errors = 0
        while errors < _MOST_READ_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    if self._stop.is_set():
                        return
                    errors = 0
                    yield packet
            except FFmpegError:  # one packet could not be read; the next call reads on behind it
                errors += 1
                self._decoder.lost_packets += 1
            else:
                return
        self.gave_up = True
        self._decoder.lost_packets -= errors  # whoever gives nothing but errors says nothing about how much there was
