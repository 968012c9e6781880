import threading
import time

import pytest

from fetalstream.sources import Frame, SourceError, SourceState, StateChange
from fetalstream.sources.device import from_uri


def test_ffmpegs_test_picture_comes_at_its_own_pace():
    source = from_uri("device://lavfi/testsrc=size=320x240:rate=25")
    info = source.open()
    threading.Timer(2.0, source.close).start()
    began = time.monotonic()
    items = list(source.items())
    seconds = time.monotonic() - began
    frames = [item for item in items if isinstance(item, Frame)]
    assert (info.width_px, info.height_px, info.announced_fps, info.is_live) == (320, 240, 25.0, True)
    assert info.uri == "device://lavfi/testsrc=size=320x240:rate=25"
    assert frames[-1].index == pytest.approx(25 * seconds, abs=5)
    assert frames[-1].pts_seconds == pytest.approx(frames[-1].index / 25)
    assert all(frame.repair is None for frame in frames)
    assert frames[0].picture.pixels.shape == (240, 320, 3)


def test_a_device_that_has_an_end_ends():
    source = from_uri("device://lavfi/testsrc=size=64x48:rate=25:duration=0.4")
    source.open()
    items = list(source.items())
    assert items[-1] == StateChange(SourceState.ENDED)


def test_ffmpegs_own_options_reach_the_device(capfd: pytest.CaptureFixture[str]):
    source = from_uri("device://lavfi/testsrc?dumpgraph=1")  # an option that makes the device print what it does
    source.open()
    source.close()
    assert "testsrc" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("device://lavfi/nonsense", "device://lavfi/nonsense: lavfi device nonsense cannot be read"),
        ("device://v4l2//dev/video77?framerate=30", "v4l2 device /dev/video77 is not there"),
    ],
)
def test_a_device_that_cannot_be_opened_says_why(uri: str, words: str):
    with pytest.raises(SourceError) as caught:
        from_uri(uri).open()
    assert words in str(caught.value)
    assert "Errno" not in str(caught.value)


@pytest.mark.parametrize("uri", ["device://", "device://lavfi", "device://lavfi/", "device://concat/list.txt"])
def test_what_is_no_input_device_is_refused_with_those_there_are(uri: str):
    with pytest.raises(
        SourceError, match=r"names no input device; write device://FORMAT/NAME, with FORMAT one of: .*lavfi"
    ):
        from_uri(uri)
