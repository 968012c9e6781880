"""Tells when an item of quality of the plane in view turns; what lasts a moment is not told."""

from collections.abc import Iterator

from ...sinks import AnyEvent, QualityChanged, QualityItem
from ..analyst import SECONDS_DIGITS
from ..messages import Notice, Scored
from ..planes.segments import Change, Left
from ..recorder import Recorder
from ..signal.motion import TIME_TOLERANCE_SECONDS
from .quality import Judge


class _Steady:
    """One item that turns only after it has been different for a while."""

    def __init__(self, item: QualityItem) -> None:
        self.item = item
        self._differs_since_seconds: float | None = None

    def update(self, item: QualityItem, pts_seconds: float, hold_seconds: float) -> bool:
        """-> whether it has turned."""
        if item.ok == self.item.ok:
            self.item, self._differs_since_seconds = item, None
            return False
        if self._differs_since_seconds is None:
            self._differs_since_seconds = pts_seconds
        if pts_seconds - self._differs_since_seconds < hold_seconds - TIME_TOLERANCE_SECONDS:
            return False
        self.item, self._differs_since_seconds = item, None
        return True


class QualityWatch:
    """A `Companion`: all items when a plane has entered, then all of them each time that one turns.

    Args:
        judge: of the stream's labels.
        hold_seconds: media time for which an item must be different to turn.
        recorder: gives events their envelope.
    """

    def __init__(self, judge: Judge, *, hold_seconds: float, recorder: Recorder) -> None:
        self._judge = judge
        self._hold_seconds = hold_seconds
        self._recorder = recorder
        self._plane: str | None = None
        self._items: dict[str, _Steady] = {}

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterator[AnyEvent]:
        """The next frame's items; other messages say nothing of quality."""
        if not isinstance(message, Scored) or plane is None:
            return
        items = self._judge.items(message, plane)
        if not items:
            return
        if plane != self._plane:
            self._plane = plane
            self._items = {item.name: _Steady(item) for item in items}
            turned = True
        else:
            hold_seconds, pts_seconds = self._hold_seconds, message.pts_seconds
            turns = [self._items[item.name].update(item, pts_seconds, hold_seconds) for item in items]
            turned = any(turns)
        if turned:
            yield self._recorder.make(
                QualityChanged,
                captured_ns=message.captured_ns,
                plane=plane,
                pts_seconds=round(message.pts_seconds, SECONDS_DIGITS),
                items=tuple(self._items[item.name].item for item in items),
            )

    def visit(self, change: Change, event: AnyEvent) -> Iterator[AnyEvent]:
        """A plane that comes back is judged anew."""
        del event
        if isinstance(change, Left):
            self._plane = None
        yield from ()

    def finish(self) -> Iterator[AnyEvent]:
        """Nothing is left to tell."""
        yield from ()
