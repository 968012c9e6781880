"""One video stream of an open container, decoded packet by packet, with a count of what was torn."""

import threading
from collections.abc import Iterator

from av import VideoFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

_MOST_READ_ERRORS = 1000
"""Read errors in a row after which a container is given up; each usually costs one packet."""


class Decoder:
    """Iterate once: gives every picture that was decoded without a flaw.

    FFmpeg conceals errors silently: it fills in what it could not read. Such a picture is not given, but counted.
    Decoding runs in FFmpeg's own threads; the pictures are the same and in the same order however many there are.

    Args:
        container: open, and used by nobody else meanwhile.
        stream: one of its video streams.
        stop: ends the iteration soon when it is set.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, *, stop: threading.Event) -> None:
        self._container = container
        self._stream = stream
        self._stop = stop
        self._lost_packets = 0
        self._withheld: list[
            int
        ] = []  # stamps of torn packets that were not decoded, of which frames are still to come
        self.gave_up = False
        """Whether reading ended because the container gave nothing but errors."""
        stream.thread_type = "AUTO"

    def take_lost_packets(self) -> int:
        """Packets lost since the last call: torn in the file, refused by the decoder, or concealed."""
        lost, self._lost_packets = self._lost_packets, 0
        return lost

    def __iter__(self) -> Iterator[VideoFrame]:
        for packet in self._packets():
            if packet.is_corrupt:  # the demuxer knows already that it is not whole
                self._withheld.append(packet.pts or 0)
                continue
            is_flush = packet.pts is None and packet.dts is None and packet.pos is None
            if packet.size == 0 and not is_flush:  # "nothing new here" in an AVI; the decoder would take it for the end
                continue
            try:
                frames = packet.decode()
            except FFmpegError:
                self._lost_packets += 1
                continue
            for frame in frames:
                self._count_withheld(before=frame.pts)
                if frame.is_corrupt:
                    self._lost_packets += 1
                else:
                    yield frame
        self._count_withheld(before=None)

    def _count_withheld(self, *, before: int | None) -> None:
        """Frames come out later than packets go in: a packet counts as lost where its frame would have come."""
        waiting = [] if before is None else [pts for pts in self._withheld if pts >= before]
        self._lost_packets += len(self._withheld) - len(waiting)
        self._withheld = waiting

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
                self._lost_packets += 1
            else:
                return
        self.gave_up = True
        self._lost_packets -= errors  # whoever gives nothing but errors says nothing about how much there was
