"""Capture cards, grabbers and USB scopes, through OpenCV."""

import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from .frame import Pixels
from .link import LinkError

APIS = {
    "any": cv2.CAP_ANY,
    "avfoundation": cv2.CAP_AVFOUNDATION,
    "dshow": cv2.CAP_DSHOW,
    "msmf": cv2.CAP_MSMF,
    "v4l2": cv2.CAP_V4L2,
}
DEFAULT_API = {"linux": "v4l2", "win32": "dshow", "darwin": "avfoundation"}.get(sys.platform, "any")
_RATE_TOLERANCE = 0.02  # 29.97 is 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How a card sends: what is asked for or what is given. None: anything, or it does not say."""

    fourcc: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    fps: float | None = None

    def differences(self, given: "Mode") -> list[str]:
        """Where ``given`` is not what was asked for; what a card does not say is not held against it."""
        words: list[str] = []
        for field in fields(self):
            asked, got = getattr(self, field.name), getattr(given, field.name)
            if asked is None or got is None or asked == got:
                continue
            if field.name == "fps" and abs(got - asked) <= _RATE_TOLERANCE * asked:
                continue
            words.append(f"{field.name.removesuffix('_px')} {_plain(got)} instead of {_plain(asked)}")
        return words


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture off a card: ``pixels`` (h w 3) uint8 BGR; ``stamp_seconds`` by the driver, None when it has none."""

    pixels: Pixels
    stamp_seconds: float | None = None


class Card(Protocol):
    """Something that is plugged in.

    Contract: ``open`` once, ``read`` again and again, ``close`` at the end, all by one thread; each may hang. ``open``
    asks for a mode and returns the one it got. ``read`` returns None when there was no picture this time. Both raise
    `LinkError`. The pixels of a `Shot` are never written again.
    """

    def open(self, mode: Mode) -> Mode: ...

    def read(self) -> Shot | None: ...

    def close(self) -> None: ...


class OpenCvCard:
    """A device that OpenCV reads.

    Args:
        device: its number, or its path (``/dev/v4l/by-id/...`` stays the same when it is plugged in again).
        api: one of `APIS`.
    """

    def __init__(self, device: int | str, *, api: str = DEFAULT_API) -> None:
        self._device = device
        self._api = api
        self._capture: cv2.VideoCapture | None = None

    def open(self, mode: Mode) -> Mode:
        # OpenCV writes its troubles to the terminal; ours are in the states.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        capture = cv2.VideoCapture(self._device, APIS[self._api])  # pyright: ignore[reportArgumentType, reportCallIssue]
        if not capture.isOpened():
            capture.release()
            raise LinkError(self._why_not_open())
        self._capture = capture
        if mode.fourcc is not None:  # first: the sizes and rates on offer depend on it
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*mode.fourcc))
        for key, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, mode.width_px),
            (cv2.CAP_PROP_FRAME_HEIGHT, mode.height_px),
            (cv2.CAP_PROP_FPS, mode.fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),
        ):
            if value is not None:
                capture.set(key, value)
        return Mode(
            fourcc=_fourcc_text(int(capture.get(cv2.CAP_PROP_FOURCC))),
            width_px=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)) or None,
            height_px=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) or None,
            fps=rate if (rate := capture.get(cv2.CAP_PROP_FPS)) > 0 else None,
        )

    def read(self) -> Shot | None:
        assert self._capture is not None
        good, pixels = self._capture.read()
        if not good or pixels is None:  # pyright: ignore[reportUnnecessaryComparison]
            return None
        if pixels.ndim == 2:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
        stamp_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        return Shot(pixels=np.asarray(pixels, dtype=np.uint8), stamp_seconds=stamp_ms / 1000 if stamp_ms > 0 else None)

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()

    def _why_not_open(self) -> str:
        if sys.platform != "linux" or self._api != "v4l2":
            return f"capture device {self._device} cannot be opened; is it plugged in, and free?"
        path = Path(self._device if isinstance(self._device, str) else f"/dev/video{self._device}")
        if not path.exists():
            there = ", ".join(sorted(str(found) for found in Path("/dev").glob("video*"))) or "none"
            return f"there is no capture device {path} (there are: {there})"
        if not os.access(path, os.R_OK | os.W_OK):
            return f"{path} may not be used by this user; add the user to the group 'video'"
        return f"{path} cannot be opened; another program may use it, or it is no capture device"


def _fourcc_text(code: int) -> str | None:
    letters = code.to_bytes(4, "little", signed=code < 0).decode("latin-1")
    return letters if letters.isascii() and letters.isprintable() else None


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
