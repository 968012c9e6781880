"""The law of devices: what the kernel says of a card, word by word as linux/videodev2.h lays it out.

No card is plugged in where tests run, so the kernel's side is played here, from ctypes structures written down from the
header: another description of the same layout than the reader's.
"""

import ctypes
import errno
from ctypes import c_char, c_uint8, c_uint32
from pathlib import Path

import pytest

from fetalstream.pipeline.doctor import Status
from fetalstream.pipeline.doctor.devices import describe, look_at_devices
from fetalstream.pipeline.doctor.v4l2 import Node, Offer, read_node

pytestmark = pytest.mark.skipif(not Path("/dev/null").exists(), reason="V4L2 is Linux's")


class Capability(ctypes.Structure):
    _fields_ = (
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class Format(ctypes.Structure):
    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_uint8 * 32),
        ("pixelformat", c_char * 4),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class Size(ctypes.Structure):
    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_char * 4),
        ("type", c_uint32),
        ("numbers", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    )


class Interval(ctypes.Structure):
    _fields_ = (
        ("index", c_uint32),
        ("pixel_format", c_char * 4),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("numbers", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    )


def request(number: int, size: int, *, writes: bool) -> int:
    """The kernel's own macro: direction, size, 'V', number."""
    return (3 if writes else 2) << 30 | size << 16 | ord("V") << 8 | number


DISCRETE, STEPWISE = 1, 3
MODES = {
    b"MJPG": {(1920, 1080): [(1, 60), (1001, 30000)], (1280, 720): [(1, 60)]},
    b"YUYV": {(640, 480): [(1, 30)]},
}


class Kernel:
    """A card with two formats; answers as a driver does."""

    def __init__(self, capabilities: int = 0x84200001, device: int = 0x04200001, *, stepwise: bool = False) -> None:
        self._capability = Capability(card=b"USB Capture", capabilities=capabilities, device_caps=device)
        self._stepwise = stepwise

    def __call__(self, descriptor: int, asked: int, buffer: bytearray) -> int:
        del descriptor
        answers = {
            request(0, ctypes.sizeof(Capability), writes=False): self._query,
            request(2, ctypes.sizeof(Format), writes=True): self._format,
            request(74, ctypes.sizeof(Size), writes=True): self._size,
            request(75, ctypes.sizeof(Interval), writes=True): self._interval,
        }
        answers[asked](buffer)
        return 0

    def _query(self, buffer: bytearray) -> None:
        buffer[:] = bytes(self._capability)

    def _format(self, buffer: bytearray) -> None:
        one = Format.from_buffer(buffer)
        assert one.type == 1
        one.pixelformat = self._nth(list(MODES), one.index)

    def _size(self, buffer: bytearray) -> None:
        one = Size.from_buffer(buffer)
        width, height = self._nth(list(MODES[one.pixel_format]), one.index)
        if self._stepwise:
            one.type, one.numbers[:] = STEPWISE, (16, width, 2, 16, height, 2)
        else:
            one.type, one.numbers[:2] = DISCRETE, (width, height)

    def _interval(self, buffer: bytearray) -> None:
        one = Interval.from_buffer(buffer)
        rates = MODES[one.pixel_format][one.width, one.height]
        one.type, one.numbers[:2] = DISCRETE, self._nth(rates, one.index)

    @staticmethod
    def _nth(things: list, index: int):
        if index >= len(things):
            raise OSError(errno.EINVAL, "")
        return things[index]


DEVICE = Path("/dev/null")  # something that opens; the kernel is played


def test_every_format_size_and_rate_is_read():
    assert read_node(DEVICE, Kernel()) == Node(
        "/dev/null",
        "USB Capture",
        captures=True,
        offers=(
            Offer("MJPG", 1920, 1080, (60.0, 29.97)),
            Offer("MJPG", 1280, 720, (60.0,)),
            Offer("YUYV", 640, 480, (30.0,)),
        ),
    )


def test_of_a_range_of_sizes_the_largest_is_named():
    offers = read_node(DEVICE, Kernel(stepwise=True)).offers
    assert [(offer.width_px, offer.height_px) for offer in offers] == [(1920, 1080), (640, 480)]


def test_a_node_that_gives_only_data_about_pictures_is_told_from_one_that_gives_pictures():
    assert not read_node(DEVICE, Kernel(device=0x00A00000)).captures


def test_what_is_no_video_device_says_so():
    node = read_node(DEVICE)
    assert node.trouble == "does not answer as a capture device does"
    assert describe(node).status is Status.WARNING


def test_what_is_not_there_says_so(tmp_path: Path):
    assert read_node(tmp_path / "video9").trouble == "cannot be opened (no such file or directory)"


def test_a_card_is_shown_with_its_best_modes_first():
    finding = describe(read_node(DEVICE, Kernel()))
    assert finding.status is Status.OK
    shown = "/dev/null USB Capture: MJPG 1920 x 1080 at 60, 29.97; MJPG 1280 x 720 at 60; YUYV 640 x 480 at 30"
    assert finding.what == shown
    assert len(finding.facts["modes"]) == 3


def test_a_card_that_may_not_be_used_says_what_to_do():
    finding = describe(Node("/dev/video0", trouble="may not be used by this user; add the user to the group 'video'"))
    assert finding.status is Status.WARNING
    assert "usermod" in finding.todo


def test_looking_around_never_fails():
    findings = list(look_at_devices())
    assert findings
    assert {finding.area for finding in findings} == {"devices"}
