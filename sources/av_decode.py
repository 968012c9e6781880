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


class PacketDecoder:
    """Packets of one stream in, pictures out: those that were decoded without a flaw.

    FFmpeg conceals errors silently: it fills in what it could not read. Such a picture is not given, but counted.
    """

    def __init__(self) -> None:
        self.lost_packets = 0
        self._withheld: list[
            int
        ] = []  # stamps of torn packets that were not decoded, of which frames are still to come

    def take_lost_packets(self) -> int:
        """Packets lost since the last call: torn, refused by the decoder, or concealed."""
        lost, self.lost_packets = self.lost_packets, 0
        return lost

    def decode(self, packet: "Packet[VideoStream]") -> Iterator[VideoFrame]:
        """The pictures that come out when ``packet`` goes in."""
        if packet.is_corrupt:  # the demuxer knows already that it is not whole
            self._withheld.append(packet.pts or 0)
            return
        is_flush = packet.pts is None and packet.dts is None and packet.pos is None
        if packet.size == 0 and not is_flush:  # "nothing new here" in an AVI; the decoder would take it for the end
            return
        try:
            frames = packet.decode()
        except FFmpegError:
            self.lost_packets += 1
            return
        for frame in frames:
            self._count_withheld(before=frame.pts)
            if frame.is_corrupt:
                self.lost_packets += 1
            else:
                yield frame

    def finish(self) -> None:
        """No more packets come: count those whose frames never did."""
        self._count_withheld(before=None)

    def _count_withheld(self, *, before: int | None) -> None:
        """Frames come out later than packets go in: a packet counts as lost where its frame would have come."""
        waiting = [] if before is None else [pts for pts in self._withheld if pts >= before]
        self.lost_packets += len(self._withheld) - len(waiting)
        self._withheld = waiting


class Decoder:
    """Iterate once: gives every picture of a file that was decoded without a flaw (see `PacketDecoder`).

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
        self._decoder = PacketDecoder()
        self.gave_up = False
        """Whether reading ended because the container gave nothing but errors."""
        stream.thread_type = "AUTO"

    def take_lost_packets(self) -> int:
        """Packets lost since the last call: torn in the file, refused by the decoder, or concealed."""
        return self._decoder.take_lost_packets()

    def __iter__(self) -> Iterator[VideoFrame]:
        for packet in self._packets():
            yield from self._decoder.decode(packet)
        self._decoder.finish()

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
