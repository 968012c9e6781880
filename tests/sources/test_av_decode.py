import threading
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream

from fetalstream.sources import SourceError
from fetalstream.sources.av_decode import Decoder, Opened


def opened(path: Path) -> Opened:
    container = av.open(str(path))
    stream = container.streams.best("video")
    assert isinstance(stream, VideoStream)
    return container, stream


def decoded(path: Path, *, threads: int) -> tuple[list[int | None], int]:
    """Stamps of the frames, and how many packets were lost."""
    decoder = Decoder(opened(path), reopen=lambda: opened(path), stop=threading.Event(), threads=threads)
    return [frame.pts for frame in decoder], decoder.take_lost_packets()


def tear(path: Path, *indices: int) -> None:
    """Zeros over the middle of these packets."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for index in indices:
        position, size = packets[index]
        assert position is not None
        data[position + size // 3 : position + 2 * size // 3] = bytes(2 * size // 3 - size // 3)
    path.write_bytes(data)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("key_every", [1, 100])
@pytest.mark.parametrize("torn", [(15,), (24,), (28,), (29,), (26, 28)])
def test_a_torn_packet_costs_one_picture_wherever_it_lies_and_however_many_threads_decode(
    make_clip, codec, key_every, torn
):
    path = make_clip("a.mp4", frames=30, codec=codec, key_every=key_every)
    whole, _ = decoded(path, threads=1)
    tear(path, *torn)
    for threads in (1, 2, 16):
        stamps, lost_packets = decoded(path, threads=threads)
        assert (len(stamps), lost_packets) == (30 - len(torn), len(torn))
        assert set(stamps) < set(whole)
        assert stamps == sorted(stamp for stamp in stamps if stamp is not None)


def test_a_sound_file_is_opened_once(make_clip):
    for name in ("a.mp4", "a.avi", "a.mkv", "a.gif", "a.ts"):
        path = make_clip(name, frames=20)
        decoder = Decoder(opened(path), reopen=lambda: pytest.fail("again"), stop=threading.Event(), threads=16)
        assert sum(1 for _ in decoder) == 20


def test_of_a_torn_file_that_has_vanished_meanwhile_the_rest_is_counted_as_lost(make_clip):
    def vanished() -> Opened:
        raise SourceError("gone")

    path = make_clip("a.mp4", frames=30, key_every=1)
    tear(path, 24)
    decoder = Decoder(opened(path), reopen=vanished, stop=threading.Event(), threads=16)
    frames = sum(1 for _ in decoder)
    assert 10 < frames < 30
    assert decoder.take_lost_packets() == 30 - frames
