"""What a V4L2 device offers, asked of the Linux kernel itself (linux/videodev2.h); nothing is changed or started."""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

_QUERYCAP, _ENUM_FMT = 0x80685600, 0xC0405602
_ENUM_FRAMESIZES, _ENUM_FRAMEINTERVALS = 0xC02C564A, 0xC034564B
_CAPABILITY_BYTES, _FORMAT_BYTES, _SIZE_BYTES, _INTERVAL_BYTES = 104, 64, 44, 52
_CAN_CAPTURE, _CAN_CAPTURE_PLANES, _HAS_DEVICE_CAPABILITIES = 0x1, 0x1000, 0x80000000
_CAPTURE_BUFFER, _CAPTURE_PLANES_BUFFER = 1, 9
_DISCRETE = 1
_MOST = 64
"""Entries of one list; a driver that never comes to an end is left there."""

Ioctl = Callable[[int, int, bytearray], object]
"""(descriptor, request, buffer that is read and written); raises OSError."""


class Offer(NamedTuple):
    """One pixel format and size, and the rates it comes in, fastest first."""

    fourcc: str
    width_px: int
    height_px: int
    fps: tuple[float, ...]

    def __str__(self) -> str:
        rates = f" at {', '.join(f'{rate:g}' for rate in self.fps)}" if self.fps else ""
        return f"{self.fourcc} {self.width_px} x {self.height_px}{rates}"


class Node(NamedTuple):
    """A device file.

    Attributes:
        path: such as "/dev/video0".
        name: what the card calls itself, empty when it was not asked.
        captures: whether pictures come out of it; many cards have a second node that gives only data about them.
        offers: its modes.
        trouble: why it could not be asked, empty when it could.
    """

    path: str
    name: str = ""
    captures: bool = False
    offers: tuple[Offer, ...] = ()
    trouble: str = ""


def nodes() -> list[Path]:
    """The device files, by number."""
    found = (path for path in Path("/dev").glob("video*") if path.name[5:].isdecimal())
    return sorted(found, key=lambda path: int(path.name[5:]))


def read_node(path: Path, ioctl: Ioctl | None = None) -> Node:
    """Ask one device; ``ioctl`` is the system's unless given."""
    if ioctl is None:
        from fcntl import ioctl
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except PermissionError:
        return Node(str(path), trouble="may not be used by this user; add the user to the group 'video'")
    except OSError as error:
        return Node(str(path), trouble=f"cannot be opened ({(error.strerror or '').lower()})")
    try:
        return _ask(path, descriptor, ioctl)
    except OSError:
        return Node(str(path), trouble="does not answer as a capture device does")
    finally:
        os.close(descriptor)


def _ask(path: Path, descriptor: int, ioctl: Ioctl) -> Node:
    answer = bytearray(_CAPABILITY_BYTES)
    ioctl(descriptor, _QUERYCAP, answer)
    can, here = struct.unpack_from("<II", answer, 84)
    can = here if can & _HAS_DEVICE_CAPABILITIES else can
    name = bytes(answer[16:48]).split(b"\0")[0].decode("utf-8", "replace")
    if not can & (_CAN_CAPTURE | _CAN_CAPTURE_PLANES):
        return Node(str(path), name)
    kind = _CAPTURE_BUFFER if can & _CAN_CAPTURE else _CAPTURE_PLANES_BUFFER
    offers = [
        Offer(code.decode("latin-1").strip(), width, height, tuple(_rates(descriptor, ioctl, code, width, height)))
        for code in _formats(descriptor, ioctl, kind)
        for width, height in _sizes(descriptor, ioctl, code)
    ]
    return Node(str(path), name, captures=True, offers=tuple(offers))


def _formats(descriptor: int, ioctl: Ioctl, kind: int) -> Iterator[bytes]:
    for index in range(_MOST):
        answer = bytearray(_FORMAT_BYTES)
        struct.pack_into("<II", answer, 0, index, kind)
        if not _answered(descriptor, ioctl, _ENUM_FMT, answer):
            return
        yield bytes(answer[44:48])


def _sizes(descriptor: int, ioctl: Ioctl, code: bytes) -> Iterator[tuple[int, int]]:
    """(width, height) each; of a range, the largest."""
    for index in range(_MOST):
        answer = bytearray(_SIZE_BYTES)
        struct.pack_into("<I4s", answer, 0, index, code)
        if not _answered(descriptor, ioctl, _ENUM_FRAMESIZES, answer):
            return
        (kind,) = struct.unpack_from("<I", answer, 8)
        if kind == _DISCRETE:
            width, height = struct.unpack_from("<II", answer, 12)
            yield width, height
        else:
            _, width, _, _, height = struct.unpack_from("<5I", answer, 12)
            yield width, height
            return


def _rates(descriptor: int, ioctl: Ioctl, code: bytes, width: int, height: int) -> list[float]:
    """Frames per second, fastest first; of a range, the fastest."""
    rates: list[float] = []
    for index in range(_MOST):
        answer = bytearray(_INTERVAL_BYTES)
        struct.pack_into("<I4sII", answer, 0, index, code, width, height)
        if not _answered(descriptor, ioctl, _ENUM_FRAMEINTERVALS, answer):
            break
        kind, numerator, denominator = struct.unpack_from("<III", answer, 16)
        if numerator and denominator:
            rates.append(round(denominator / numerator, 2))
        if kind != _DISCRETE:
            break
    return sorted(set(rates), reverse=True)


def _answered(descriptor: int, ioctl: Ioctl, request: int, answer: bytearray) -> bool:
    """False at the end of a list, which the kernel tells by an error."""
    try:
        ioctl(descriptor, request, answer)
    except OSError:
        return False
    return True
