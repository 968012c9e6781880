"""Pictures for the sinks that asked for them, masked and at the rate each of them wants."""

import time
from collections.abc import Callable, Sequence

from ..sinks import Sink
from ..sinks.pictures import PictureSink, Shown
from ..sources import Frame
from .signal.fan import Fan, masked, outline_px


class Showcase:
    """Hands frames to picture sinks; none leaves unmasked, so none leaves before the fan is known. For one thread.

    Args:
        sinks: those that are no `PictureSink`, or want no pictures, are passed over. The rate of the others is read
            anew after each picture: it may change while they are open.
        clock: monotonic seconds.
    """

    def __init__(self, sinks: Sequence[Sink], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._wanting = [sink for sink in sinks if isinstance(sink, PictureSink) and sink.pictures_fps > 0]
        self._next_seconds = [0.0] * len(self._wanting)
        self._clock = clock
        self._outlined: tuple[Fan | None, tuple[tuple[int, int], ...]] = (None, ())

    def see(self, frame: Frame, fan: Fan | None) -> None:
        """Show the frame to every sink whose time has come."""
        if not self._wanting or fan is None:
            return
        now_seconds = self._clock()
        due = [number for number, when in enumerate(self._next_seconds) if now_seconds >= when]
        picture = frame.picture
        if not due or (picture.width_px, picture.height_px) != (fan.width_px, fan.height_px):
            return  # the picture has just changed its size: the fan is still that of the old one
        shown = Shown(
            masked(picture, fan).grey,
            frame.pts_seconds,
            frame.spacing_mm,
            frame.wall_ns,
            frame.captured_ns,
            self._outline(fan),
        )
        for number in due:
            sink = self._wanting[number]
            # Counted from when the last one was due, so that the rate holds, but never made up for after a pause.
            period_seconds = 1 / sink.pictures_fps
            next_seconds = self._next_seconds[number] + period_seconds
            self._next_seconds[number] = next_seconds if next_seconds > now_seconds else now_seconds + period_seconds
            sink.show(shown)

    def _outline(self, fan: Fan) -> tuple[tuple[int, int], ...]:
        """Drawn once for each fan, which stays the same object as long as it holds."""
        if self._outlined[0] is not fan:
            self._outlined = (fan, outline_px(fan))
        return self._outlined[1]
