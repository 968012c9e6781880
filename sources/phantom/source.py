"""The phantom as a stream: paced like a capture card, or as fast as it can be drawn."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Event
from urllib.parse import parse_qsl, urlsplit

from ..frame import Frame, Item, Picture, SourceState, StateChange
from ..source import SourceError, SourceInfo
from .events import ScanEvent, parse_events
from .fetus import PATHOLOGIES, Pathology
from .render import Renderer
from .scan import Sector
from .script import Interval, Script
from .truth import Truth


class PhantomSource:
    """A seeded ultrasound examination with known truth.

    Equal seeds give equal pixels, byte for byte, paced or not. Nothing is skipped when the consumer is slow: the frame
    that is late comes at once, and the schedule stays that of the clock.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        fps: float = 25.0,
        seconds: float | None = None,
        realtime: bool = True,
        width_px: int = 800,
        height_px: int = 600,
        screen: bool = False,
        heart_rate_bpm: float = 140.0,
        pathology: Pathology = "normal",
        events: Sequence[ScanEvent] = (),
    ) -> None:
        """
        Args:
            seed: of everything: fetus, poses, order of planes, noise.
            fps: frames per second of media time.
            seconds: length; None goes on until `close`.
            realtime: paced by the monotonic clock; else as fast as it is taken.
            width_px, height_px: size of the pictures.
            screen: a device's screen around the fan, in colour; else only the fan, in grey.
            heart_rate_bpm: beats per minute.
            pathology: of the heart.
            events: what is done at the machine meanwhile.
        """
        _check("seed", seed, 0, 2**31 - 1)
        _check("fps", fps, 1, 200)
        _check("width_px", width_px, 64, 4096)
        _check("height_px", height_px, 64, 4096)
        _check("heart_rate_bpm", heart_rate_bpm, 30, 300)
        if seconds is not None:
            _check("seconds", seconds, 1 / fps, 1e6)
        if pathology not in PATHOLOGIES:
            raise SourceError(f"phantom: pathology={pathology!r} is unknown; allowed: {', '.join(PATHOLOGIES)}")
        self._fps, self._realtime, self._screen, self._seed = fps, realtime, screen, seed
        self._size = (width_px, height_px)
        self._frames = None if seconds is None else max(1, round(seconds * fps))
        self._sector = Sector(depth_mm=92.0)
        self._closed = Event()
        self._renderer: Renderer | None = None
        self.script = Script(
            seed, depth_mm=self._sector.depth_mm, heart_rate_bpm=heart_rate_bpm, pathology=pathology, events=events
        )

    @classmethod
    def from_uri(cls, uri: str, *, realtime: bool = True) -> "PhantomSource":
        """``phantom://?seed=3&seconds=20&screen=1&realtime=0``; keys as in the constructor, and ``size=800x600``.

        ``realtime`` is what holds where the URI does not say.
        """
        parts = urlsplit(uri)
        if parts.scheme != "phantom" or parts.netloc or parts.path.strip("/"):
            raise SourceError(f"{uri!r} is no phantom; write phantom:// or phantom://?key=value&key=value")
        options: dict[str, object] = {"realtime": realtime}
        for key, text in parse_qsl(parts.query, keep_blank_values=True):
            if key == "size":
                width, _, height = text.partition("x")
                options["width_px"], options["height_px"] = _read("size", width, text), _read("size", height, text)
            elif key in _READERS:
                options[key] = _READERS[key](key, text)
            else:
                raise SourceError(
                    f"phantom: option {key!r} is unknown; allowed: {', '.join(sorted([*_READERS, 'size']))}"
                )
        return cls(**options)  # pyright: ignore[reportArgumentType]

    def open(self) -> SourceInfo:
        """Prepares the probe; never fails."""
        width, height = self._size
        self._renderer = Renderer(self._sector, width_px=width, height_px=height, screen=self._screen, seed=self._seed)
        return SourceInfo(
            uri=f"phantom://?seed={self._seed}",
            name=f"phantom-{self._seed}",
            width_px=width,
            height_px=height,
            announced_fps=self._fps,
            frame_count=self._frames,
            is_live=self._realtime,
        )

    def items(self) -> Iterator[Item]:
        """RUNNING, frames, ENDED."""
        if self._renderer is None:
            raise SourceError("phantom: items() before open()")
        yield StateChange(SourceState.RUNNING)
        start = time.monotonic()
        index = 0
        while (self._frames is None or index < self._frames) and self._wait(start + index / self._fps):
            yield self._frame(index, self._renderer)
            index += 1
        yield StateChange(SourceState.ENDED, "closed" if self._closed.is_set() else "")

    def close(self) -> None:
        """Ends the iteration at its next frame; wakes it when it waits."""
        self._closed.set()

    def truth(self, index: int) -> Truth:
        """What frame ``index`` shows."""
        return self.script.truth(index / self._fps)

    def intervals(self) -> list[Interval]:
        """Where planes are seen over the whole length; of an endless stream, over its first minute."""
        return self.script.intervals(60.0 if self._frames is None else self._frames / self._fps)

    def _wait(self, due: float) -> bool:
        """Until the frame is due; False once closed."""
        if self._realtime and (left := due - time.monotonic()) > 0:
            return not self._closed.wait(left)
        return not self._closed.is_set()

    def _frame(self, index: int, renderer: Renderer) -> Frame:
        view, _ = self.script.moment(index / self._fps)
        width, height = self._size
        return Frame(
            index=index,
            pts_seconds=index / self._fps,
            captured_ns=time.monotonic_ns(),
            # A captured screen has no spacing, as in the clinic; a bare fan knows its own.
            spacing_mm=None if self._screen else 1 / renderer.converter.px_per_mm,
            picture=Picture(width_px=width, height_px=height, convert=lambda: renderer.picture(view)),
        )


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SourceError(f"phantom: {name}={value} is out of range; allowed: {low:g} to {high:g}")


def _read(key: str, text: str, shown: str) -> int:
    if not text.isdecimal():
        raise SourceError(f"phantom: {key}={shown!r} cannot be read; allowed: WIDTHxHEIGHT, as 800x600")
    return int(text)


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SourceError(f"phantom: {key}={text!r} is not a number") from None


def _whole(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SourceError(f"phantom: {key}={text!r} is not a whole number") from None


def _switch(key: str, text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in known:
        raise SourceError(f"phantom: {key}={text!r} is no switch; allowed: 1 or 0")
    return known[text.lower()]


_READERS: Mapping[str, Callable[[str, str], object]] = {
    "seed": _whole,
    "fps": _number,
    "seconds": _number,
    "realtime": _switch,
    "width_px": _whole,
    "height_px": _whole,
    "screen": _switch,
    "heart_rate_bpm": _number,
    "pathology": lambda _, text: text,
    "events": lambda _, text: parse_events(text.replace(" ", "+")),  # a plus in a query is read as a blank
}
