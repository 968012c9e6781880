import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from fetalstream.sources import Frame, SourceError, SourceState, StateChange
from fetalstream.sources.capture import CaptureLink, from_uri
from fetalstream.sources.card import Mode, OpenCvCard, Shot
from fetalstream.sources.link import LinkError
from fetalstream.sources.live import LiveSource
from fetalstream.sources.supervise import Patience
from fetalstream.sources.testing import ListCard

from .reading import read_until

RUNNING, STALLED, RECONNECTING = SourceState.RUNNING, SourceState.STALLED, SourceState.RECONNECTING
HASTY = Patience(open_seconds=2, stall_seconds=0.2, silence_seconds=0.5, retry_seconds=0.05, refused_seconds=0.05)
FOR_EVER = 600.0
FULL_HD = Mode(fourcc="MJPG", width_px=1920, height_px=1080, fps=30.0)


def shot(value: int, *, stamp_seconds: float | None = None, size_px: tuple[int, int] = (64, 48)) -> Shot:
    return Shot(pixels=np.full((size_px[1], size_px[0], 3), value, np.uint8), stamp_seconds=stamp_seconds)


def link_to(card: ListCard, *, mode: Mode | None = None, strict: bool = False) -> CaptureLink:
    return CaptureLink(lambda: card, shown="capture device 0", mode=mode or Mode(), strict=strict)


def source_of(*cards: ListCard) -> LiveSource:
    waiting = list(cards)
    plug = partial(CaptureLink, lambda: waiting.pop(0), shown="capture device 0", mode=Mode())
    return LiveSource(plug, uri="capture://0", name="capture-0", patience=HASTY)


# The mode.


@pytest.mark.parametrize(
    ("asked", "given", "size_px", "remark"),
    [
        (FULL_HD, FULL_HD, (1920, 1080), ""),
        (FULL_HD, Mode(fourcc="MJPG", fps=29.97), (1920, 1080), ""),  # 29.97 is 30
        (FULL_HD, Mode(), (1920, 1080), ""),  # a card that says nothing cannot be wrong
        (Mode(), Mode(fourcc="YUYV", fps=5.0), (640, 480), ""),  # nothing was asked for
        (FULL_HD, Mode(fourcc="YUYV", fps=5.0), (1920, 1080), "fourcc YUYV instead of MJPG, fps 5 instead of 30"),
        # The first picture is the witness, not the driver.
        (FULL_HD, FULL_HD, (1280, 720), "width 1280 instead of 1920, height 720 instead of 1080"),
    ],
)
def test_what_the_card_gives_instead_is_told(asked: Mode, given: Mode, size_px: tuple[int, int], remark: str):
    card = ListCard([shot(1, size_px=size_px)], given=given)
    info = link_to(card, mode=asked).open()
    assert info.remark == (f"capture device 0 gives {remark}" if remark else "")
    assert card.asked == asked


def test_another_mode_is_an_error_when_strict():
    card = ListCard([shot(1)], given=Mode(fourcc="YUYV"))
    with pytest.raises(LinkError, match="fourcc YUYV instead of MJPG") as caught:
        link_to(card, mode=Mode(fourcc="MJPG"), strict=True).open()
    assert caught.value.refused


def test_another_mode_is_the_reason_of_the_first_state():
    source = LiveSource(
        lambda: link_to(ListCard([shot(1), FOR_EVER], given=Mode(fps=10.0)), mode=Mode(fps=30.0)),
        uri="capture://0",
        name="capture-0",
        patience=HASTY,
    )
    info = source.open()
    first = next(source.items())
    source.close()
    assert (info.width_px, info.height_px, info.announced_fps) == (64, 48, 10.0)
    assert first == StateChange(RUNNING, "capture device 0 gives fps 10 instead of 30")


# The pictures.


def test_colours_come_in_their_order_and_grey_as_grey():
    coloured = Shot(pixels=np.array([[[10, 20, 30]]], np.uint8))  # blue, green, red
    link = link_to(ListCard([coloured, shot(7)]))
    link.open()
    assert link.read().picture.pixels.tolist() == [[[30, 20, 10]]]
    assert link.read().picture.pixels.shape == (48, 64)


def test_the_drivers_stamp_is_the_time_of_a_picture_and_its_arrival_where_there_is_none():
    link = link_to(ListCard([shot(1, stamp_seconds=12.5), shot(2)]))
    link.open()
    assert link.read().stamp_seconds == 12.5
    arrival = link.read()
    assert arrival.stamp_seconds == pytest.approx(arrival.captured_ns / 1e9)


def test_a_frozen_picture_is_new_each_time():
    link = link_to(ListCard([0.01, shot(1), 0.01, shot(1), 0.01, shot(1)]))
    link.open()
    for _ in range(3):
        link.read()


def test_an_old_buffer_that_is_returned_as_new_is_no_picture():
    script = [shot(1, stamp_seconds=1.0), shot(1, stamp_seconds=1.0), shot(2, stamp_seconds=1.04)]
    link = link_to(ListCard(script))
    link.open()
    assert [int(link.read().picture.pixels[0, 0]) for _ in range(2)] == [1, 2]


def test_a_read_that_brings_nothing_is_tried_again():
    link = link_to(ListCard([None, shot(1), None, None, shot(2)]))
    link.open()
    assert [int(link.read().picture.pixels[0, 0]) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("again", "words"),
    [(shot(1, stamp_seconds=1.0), "gives the same old picture"), (None, "gives no pictures; was it unplugged?")],
)
def test_a_card_that_gives_nothing_new_is_given_up(again: Shot | None, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fetalstream.sources.capture._NOTHING_SECONDS", 0.3)
    link = link_to(ListCard([shot(1, stamp_seconds=1.0), *[again] * 200]))
    link.open()
    link.read()
    with pytest.raises(LinkError, match="capture device 0 gives"):
        link.read()


def test_a_time_out_of_the_driver_stalls_the_source_and_its_old_picture_does_not_wake_it():
    card = ListCard([*[0.02, shot(1)] * 3, 1.1, shot(1), *[shot(2)] * 3, FOR_EVER])
    items = read_until(
        source_of(card, ListCard([shot(3), FOR_EVER])), lambda item: isinstance(item, Frame) and item.epoch == 1
    )
    assert [item.state for item in items if isinstance(item, StateChange)] == [RUNNING, STALLED, RECONNECTING, RUNNING]
    values = [int(item.picture.pixels[0, 0]) for item in items if isinstance(item, Frame)]
    assert set(values) == {1, 3}


def test_a_card_that_is_unplugged_and_plugged_in_again_goes_on():
    first, second = ListCard([*[0.02, shot(1)] * 3]), ListCard([*[0.02, shot(2)] * 3, FOR_EVER])
    items = read_until(source_of(first, second), lambda item: isinstance(item, Frame) and item.epoch == 1)
    told = [(item.state, item.reason) for item in items if isinstance(item, StateChange)]
    assert told[1:3] == [(STALLED, "the card was unplugged"), (RECONNECTING, "the card was unplugged")]
    assert first.closed.wait(5)


# The real library.


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three grey levels as Motion JPEG, which OpenCV reads through the same object as a card."""
    path = tmp_path / "card.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for value in (50, 100, 150):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    return path


def test_opencv_gives_mode_and_pictures(clip: Path):
    card = OpenCvCard(str(clip), api="any")
    given = card.open(Mode(fourcc="MJPG", width_px=1920))
    shots = [card.read() for _ in range(4)]
    card.close()
    assert given == Mode(fourcc="MJPG", width_px=64, height_px=48, fps=25.0)
    assert [None if shot is None else round(float(shot.pixels.mean()), -1) for shot in shots] == [50, 100, 150, None]


@pytest.mark.skipif(sys.platform != "linux", reason="device files are Linux's")
def test_a_device_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(SourceError, match=r"capture://77: there is no capture device /dev/video77 \(there are: "):
        from_uri("capture://77").open()


@pytest.mark.skipif(sys.platform != "linux", reason="device files are Linux's")
def test_a_file_that_is_no_device_is_refused_and_nothing_reaches_the_terminal(tmp_path: Path):
    path = tmp_path / "video0"
    path.write_text("no device")
    code = (
        "from fetalstream.sources.capture import from_uri; from fetalstream.sources import SourceError\n"
        f"try: from_uri('capture://{path}').open()\n"
        "except SourceError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert "cannot be opened; another program may use it, or it is no capture device" in done.stdout


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("capture://front", "names no capture device; write capture://NUMBER"),
        ("capture://0?fourcc=MJPEG", "fourcc='MJPEG' is no pixel format; allowed: four letters"),
        ("capture://0?width=wide", "width='wide' is no number"),
        ("capture://0?width=12.5", "width='12.5' is no whole number"),
        ("capture://0?fps=0", "fps='0' is out of range; allowed: above 0"),
        ("capture://0?fps=nan", "fps='nan' is out of range"),
        ("capture://0?api=vfw", "api='vfw' is unknown; allowed: any, avfoundation, dshow, msmf, v4l2"),
        ("capture://0?size=1", "no option 'size'; allowed: api, fourcc, fps, height"),
        ("capture://0?strict=perhaps", "strict='perhaps' is neither yes nor no"),
        ("capture://0?stall_seconds=0", "stall_seconds=0 is out of range"),
    ],
)
def test_an_impossible_uri_is_refused_with_what_was_allowed(uri: str, words: str):
    with pytest.raises(SourceError) as caught:
        from_uri(uri)
    assert words in str(caught.value)


def test_the_reading_thread_ends_when_the_source_is_closed():
    card = ListCard([part for _ in range(500) for part in (0.01, shot(1))])
    source = source_of(card)
    source.open()
    source.close()
    began = time.monotonic()
    assert card.closed.wait(5)
    assert time.monotonic() - began < 2
