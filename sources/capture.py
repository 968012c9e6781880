"""HDMI and SDI cards, grabbers and USB scopes: ``capture://0?fourcc=MJPG&width=1920&height=1080&fps=30``."""

import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from .card import APIS, DEFAULT_API, Card, Mode, OpenCvCard, Shot
from .frame import Picture, Pixels, Stored
from .link import Arrival, LinkError, LinkInfo
from .live import LiveSource
from .live_options import NAMES, live_options, number, safe_label, split_options
from .source import Source, SourceError
from .stale import StaleCheck
from .studio_range import EXPAND, StudioRange, picked
from .uri import yes_no

_OPTIONS = NAMES | {"api", "fourcc", "fps", "height", "range", "strict", "width"}
_RANGES = ("auto", "full", "limited")
_NOTHING_SECONDS = 3.0
"""A card that gives nothing (or nothing new) for so long is opened anew."""
_PAUSE_SECONDS = 0.01


def from_uri(uri: str, *, realtime: bool = True) -> Source:
    """The source of ``capture://NUMBER`` or ``capture:///dev/PATH``; it is live whatever ``realtime`` says.

    Options: ``fourcc``, ``width``, ``height``, ``fps`` (the mode, verified after opening), ``strict=1`` (another mode
    is an error instead of a remark), ``api`` (one of `APIS`), ``range`` (``full`` or ``limited`` where ``auto``, see
    `StudioRange`, must not decide), and those of `live_options`.
    """
    del realtime
    rest, ours, others = split_options(uri, _OPTIONS)
    if others:
        name = others[0].partition("=")[0]
        raise SourceError(f"{uri!r}: no option {name!r}; allowed: {', '.join(sorted(_OPTIONS))}")
    api = ours.get("api", DEFAULT_API).lower()
    if api not in APIS:
        raise SourceError(f"option api={api!r} is unknown; allowed: {', '.join(sorted(APIS))}")
    if (given := ours.get("range", "auto")) not in _RANGES:
        raise SourceError(f"option range={given!r} is unknown; allowed: {', '.join(_RANGES)}")
    device = _device(uri, rest)
    patience, latency_seconds = live_options(ours)
    link = partial(
        CaptureLink,
        lambda: OpenCvCard(device, api=api),
        shown=f"capture device {device}",
        mode=_mode(ours),
        strict=yes_no("strict", ours["strict"]) if "strict" in ours else False,
        is_limited=None if given == "auto" else given == "limited",
    )
    return LiveSource(
        link,
        uri=f"capture://{device}",
        name=safe_label(f"capture-{device}"),
        patience=patience,
        latency_seconds=latency_seconds,
    )


class CaptureLink:
    """A `Link` to a card: the mode verified, old pictures told from new ones.

    Args:
        plug: makes the card, not open yet.
        shown: what a message calls it.
        mode: what to ask for.
        strict: whether another mode is an error.
        is_limited: whether greys run from 16 to 235; None lets the pictures tell.
    """

    def __init__(
        self,
        plug: Callable[[], Card],
        *,
        shown: str,
        mode: Mode,
        strict: bool = False,
        is_limited: bool | None = None,
    ) -> None:
        self._card = plug()
        self._shown = shown
        self._mode = mode
        self._strict = strict
        self._stale = StaleCheck()
        self._studio_range = StudioRange()
        self._is_limited = is_limited
        self._first: Shot | None = None

    def open(self) -> LinkInfo:
        given = self._card.open(self._mode)
        # Drivers say one thing and send another: the first picture is the witness.
        self._first = self._next_shot()
        height_px, width_px = self._first.pixels.shape[:2]
        given = Mode(fourcc=given.fourcc, width_px=width_px, height_px=height_px, fps=given.fps)
        differences = self._mode.differences(given)
        remark = f"{self._shown} gives {', '.join(differences)}" if differences else ""
        if remark and self._strict:
            raise LinkError(remark, refused=True)
        return LinkInfo(announced_fps=given.fps, remark=remark, codec=given.fourcc or "")

    def read(self) -> Arrival:
        shot, self._first = self._first or self._next_shot(), None
        captured_ns = time.monotonic_ns()
        height_px, width_px = shot.pixels.shape[:2]
        expand = self._is_limited
        if expand is None:
            expand = self._studio_range.is_limited(picked(shot.pixels))
        stored = Stored("bgr24", not expand)
        return Arrival(
            picture=Picture(
                width_px=width_px,
                height_px=height_px,
                convert=partial(_rgb_or_grey, shot.pixels, expand=expand),
                stored=stored,
            ),
            captured_ns=captured_ns,
            wall_ns=time.time_ns(),
            # Without a driver's stamp, when it came is when it was: that is no repair.
            stamp_seconds=captured_ns / 1e9 if shot.stamp_seconds is None else shot.stamp_seconds,
        )

    def close(self) -> None:
        self._card.close()

    def _next_shot(self) -> Shot:
        """The next picture that is new. Keeps reading, so that no queue builds up in the driver."""
        began = time.monotonic()
        old = False
        while True:
            asked = time.monotonic()
            shot = self._card.read()
            now = time.monotonic()
            if shot is not None:
                old = self._stale.is_old(shot.pixels, stamp_seconds=shot.stamp_seconds, waited_seconds=now - asked)
                if not old:
                    return shot
            if now - began >= _NOTHING_SECONDS:
                what = "gives the same old picture again and again" if old else "gives no pictures; was it unplugged?"
                raise LinkError(f"{self._shown} {what}")
            time.sleep(_PAUSE_SECONDS)


def _device(uri: str, rest: str) -> int | str:
    name = rest.partition(":")[2].removeprefix("//")
    if name.isdecimal():
        return int(name)
    if name.startswith("/"):
        return name
    raise SourceError(f"{uri!r} names no capture device; write capture://NUMBER or capture:///dev/PATH")


def _mode(options: dict[str, str]) -> Mode:
    fourcc = options.get("fourcc")
    if fourcc is not None and not (len(fourcc) == 4 and fourcc.isascii() and fourcc.isprintable()):
        raise SourceError(f"option fourcc={fourcc!r} is no pixel format; allowed: four letters, such as MJPG or YUY2")
    return Mode(
        fourcc=fourcc,
        width_px=_whole("width", options),
        height_px=_whole("height", options),
        fps=_positive("fps", options),
    )


def _positive(name: str, options: dict[str, str]) -> float | None:
    if name not in options:
        return None
    value = number(name, options[name])
    if not 0 < value <= 10_000:
        raise SourceError(f"option {name}={options[name]!r} is out of range; allowed: above 0, up to 10000")
    return value


def _whole(name: str, options: dict[str, str]) -> int | None:
    value = _positive(name, options)
    if value is not None and value != int(value):
        raise SourceError(f"option {name}={options[name]!r} is no whole number")
    return None if value is None else int(value)


def _rgb_or_grey(pixels: Pixels, *, expand: bool) -> Pixels:
    """(h w 3) BGR -> (h w) when all channels are equal, else (h w 3) RGB; ``expand`` makes limited range full."""
    if expand:
        pixels = np.asarray(cv2.LUT(pixels, EXPAND), dtype=np.uint8)
    blue, green, red = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    if np.array_equal(blue, green) and np.array_equal(green, red):
        return np.ascontiguousarray(red)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)
