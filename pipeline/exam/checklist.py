"""Where each item of a protocol stands: missing, poor or done, or not judged by this model. A `Companion`.

A view counts when the required items of quality have been ok for long enough without a break, once for each visit of a
plane: a good picture that was passed over is none that somebody could have looked at.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from ...sinks import AnyEvent, ChecklistChanged, QualityItem
from ..analyst import SECONDS_DIGITS
from ..messages import Notice, Scored
from ..planes.segments import Change, Entered, Left
from ..recorder import Recorder
from ..signal.motion import TIME_TOLERANCE_SECONDS
from .protocol import ProtocolItem, ScanProtocol, load_protocol
from .quality import Judge

BREAK_SECONDS: Final = 0.12
"""So long a good view may be poor without having ended: a frame or two say little."""

MISSING, POOR, DONE, NOT_JUDGED = "missing", "poor", "done", "not_judged"


class _View:
    """One visit of a plane, seen with the eyes of one item."""

    def __init__(self, hold_seconds: float) -> None:
        self._hold_seconds = hold_seconds
        self._good_since_seconds: float | None = None
        self._good_until_seconds = 0.0
        self._longest_seconds = 0.0
        self._best_worth = -1.0
        self._reasons: tuple[str, ...] = ()
        self.best: tuple[int, float] | None = None
        self._best_is_good = False
        self.counted = False

    def add(self, frame: Scored, *, worth: float, reasons: tuple[str, ...]) -> None:
        """The next frame of the visit; without ``reasons`` it is good."""
        now_seconds = frame.pts_seconds
        if not reasons:
            gap_seconds = now_seconds - self._good_until_seconds
            if self._good_since_seconds is None or gap_seconds > BREAK_SECONDS + TIME_TOLERANCE_SECONDS:
                self._good_since_seconds = now_seconds
            self._good_until_seconds = now_seconds
            self._longest_seconds = max(self._longest_seconds, now_seconds - self._good_since_seconds)
            self.counted |= self._longest_seconds >= self._hold_seconds - TIME_TOLERANCE_SECONDS
        if (not reasons, worth) > (self._best_is_good, self._best_worth):
            self.best, self._best_is_good = (frame.index, now_seconds), not reasons
            self._best_worth, self._reasons = worth, reasons

    @property
    def merit(self) -> tuple[bool, bool, float]:
        """Better views compare higher."""
        return self.counted, self._best_is_good, self._best_worth

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it does not count, at its best frame; empty when it does."""
        if self.counted:
            return ()
        if self._reasons:
            return self._reasons
        return (f"it was good for {self._longest_seconds:.1f} s only: hold it for {self._hold_seconds:g} s",)


class _Standing:
    """Where one item stands."""

    def __init__(self, item: ProtocolItem, *, hold_seconds: float, not_judged: str) -> None:
        self.item = item
        self._hold_seconds = hold_seconds if item.hold_seconds is None else item.hold_seconds
        self._not_judged = not_judged
        self._view: _View | None = None
        self._merit = (False, False, -1.0)
        self._best: tuple[int, float] | None = None
        self._poor: tuple[str, ...] = ()
        self.seen = 0
        self.told: tuple[object, ...] | None = None

    def enter(self) -> None:
        self._view = _View(self._hold_seconds)

    def add(self, frame: Scored, items: Sequence[QualityItem], worth: float) -> None:
        if self._view is None:
            return
        required = self.item.quality
        reasons = tuple(one.reason for one in items if not one.ok and (required is None or one.name in required))
        counted_before = self._view.counted
        self._view.add(frame, worth=worth, reasons=reasons)
        if self._view.counted and not counted_before:
            self.seen, self._poor = self.seen + 1, ()
            self._keep_best(self._view)

    def leave(self) -> None:
        view, self._view = self._view, None
        if view is None or view.best is None:
            return
        if not view.counted:
            self._poor = view.reasons
        self._keep_best(view)

    def _keep_best(self, view: _View) -> None:
        """A copy, not the view: while that goes on its best frame changes, which is told at its end only."""
        if view.merit > self._merit:
            self._merit, self._best = view.merit, view.best

    def now(self) -> tuple[str, tuple[str, ...], tuple[int, float] | None]:
        """State, reasons, and frame and time of the best view."""
        if self._not_judged:
            return NOT_JUDGED, (self._not_judged,), None
        if self.seen >= self.item.wanted:
            return DONE, (), self._best
        return (POOR if self._poor else MISSING), self._poor, self._best


class Checklist:
    """A `Companion`: each item once at the start, then when it changes.

    Args:
        protocol: what is wanted; its planes have been checked (`ScanProtocol.check`).
        labels: of the head.
        judge: of pictures; None counts a view for its plane alone.
        recorder: gives events their envelope.
    """

    def __init__(
        self, protocol: ScanProtocol, *, labels: Sequence[str], judge: Judge | None, recorder: Recorder
    ) -> None:
        self._protocol = protocol
        self._judge = judge
        self._recorder = recorder
        self._standings = [
            _Standing(item, hold_seconds=protocol.hold_seconds, not_judged=item.why_not_judged(labels))
            for item in protocol.items
        ]

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterator[AnyEvent]:
        """The next frame of a view; other messages change nothing but may be the first."""
        if isinstance(message, Scored) and plane is not None:
            items = () if self._judge is None else self._judge.items(message, plane)
            worth = 1.0 if self._judge is None else self._judge.worth(message, plane)
            for standing in self._of(plane):
                standing.add(message, items, worth)
        seconds = message.pts_seconds if isinstance(message, Scored) else None
        yield from self._told(seconds, message.captured_ns if isinstance(message, Scored) else None)

    def visit(self, change: Change, event: AnyEvent) -> Iterator[AnyEvent]:
        """A view begins or has ended."""
        del event
        for standing in self._of(change.plane):
            if isinstance(change, Entered):
                standing.enter()
            else:
                standing.leave()
        if isinstance(change, Left):
            yield from self._told(change.end_seconds, None)

    def finish(self) -> Iterator[AnyEvent]:
        """Nothing is open: what was in view has left. Items are told even of a stream without a frame."""
        yield from self._told(None, None)

    def _of(self, plane: str) -> list[_Standing]:
        return [standing for standing in self._standings if standing.item.counts(plane)]

    def _told(self, seconds: float | None, captured_ns: int | None) -> Iterator[AnyEvent]:
        for standing in self._standings:
            state, reasons, best = standing.now()
            now = (state, standing.seen, reasons, best)
            if now == standing.told:
                continue
            is_first, standing.told = standing.told is None, now
            yield self._recorder.make(
                ChecklistChanged,
                captured_ns=captured_ns,
                protocol=self._protocol.name,
                item=standing.item.name,
                plane=standing.item.plane,
                state=state,
                seen=standing.seen,
                wanted=standing.item.wanted,
                reasons=reasons,
                best_frame_index=None if best is None else best[0],
                best_pts_seconds=None if best is None else round(best[1], SECONDS_DIGITS),
                pts_seconds=None if is_first or seconds is None else round(seconds, SECONDS_DIGITS),
            )


def checklist_companion(name: str, *, labels: Sequence[str], judge: Judge | None, recorder: Recorder) -> Checklist:
    """For one stream. Raises `ProtocolError` for a protocol that cannot be read or wants what nobody knows."""
    protocol = load_protocol(name)
    protocol.check(labels)
    return Checklist(protocol, labels=labels, judge=judge, recorder=recorder)
