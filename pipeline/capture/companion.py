"""Captures of one stream: follows its planes, hears the operator, and orders the best frames.

A chosen frame waits until what comes after it has been seen, a second or so, and goes to the disk with its clip.
Time is media time; whatever ends a visit at once (a freeze, a lost signal) ends the waiting too.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...sinks import AnyEvent, Operation
from ...sinks.stills import Still
from ...sources import Frame, SourceState, StateChange
from ..exam.quality import Judge, overall
from ..interruptions import parting
from ..messages import Notice, Scored, SignalChange
from ..planes.segments import Change, Entered
from ..signal.fan import Fan
from ..signal.gates import GateState
from .choice import AROUND_SECONDS, Contender, Visit
from .desk import NO_FAN, CaptureDesk, Order
from .ring import CaptureRing

RECENT_SECONDS = 2.0
"""So much of the past is remembered: a plane is known to have entered only after a while."""

SETTLED_SECONDS = 1.0
"""While a plane stays in view its best frame is captured once no better one has come for so long."""

JUST_LEFT_SECONDS = 1.6
"""Who has frozen the picture so soon after a plane left (0.6 s of which pass until that is known) meant that plane."""

FROZEN_CONFIDENCE = 0.5
"""If the frozen picture still shows it, that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRules:
    """When is captured; see `CaptureSection`.

    ``asked`` are the names of the items of quality that count for a plane; of planes not named there, all do. For
    ``doubt_seconds`` a frame may turn out to be none of echoes, but a menu or a list: until then nothing of it is kept.
    """

    pre_seconds: float
    post_seconds: float
    min_quality: float
    max_gap_seconds: float
    doubt_seconds: float = 0.0
    asked: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])


class CaptureCompanion:
    """A `Companion` that captures, and the `Onlooker` that keeps the pictures for it.

    Args:
        labels: columns of the scores.
        rules: when is captured.
        judge: rates a frame.
        ring, desk: where pictures come from and orders go to.
    """

    def __init__(
        self, *, labels: Sequence[str], rules: CaptureRules, judge: Judge, ring: CaptureRing, desk: CaptureDesk
    ) -> None:
        self._columns = {label: column for column, label in enumerate(labels)}
        self._rules, self._judge, self._ring, self._desk = rules, judge, ring, desk
        self._recent: deque[Scored] = deque()
        self._orders: list[Order] = []
        self._visits = 0
        self._visit: Visit | None = None
        self._left: Visit | None = None
        self._override = ""
        self._gate = GateState.OPEN
        self._frozen_plane = ""
        self._is_running, self._is_paused = True, False

    def wake_with(self, nudge: Callable[[], object]) -> None:
        """See `Background`."""
        self._desk.wake_with(nudge)

    @property
    def held_bytes(self) -> int:
        """What pictures hold in memory."""
        return self._ring.size_bytes + self._desk.held_bytes

    def see(self, frame: Frame, fan: Fan | None) -> None:
        """See `Onlooker`."""
        self._ring.see(frame, fan)

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterator[AnyEvent]:
        """See `Companion`."""
        if isinstance(message, Scored):
            yield from self._frame(message)
        elif isinstance(message, SignalChange):
            yield from self._signal(message)
        elif isinstance(message, Operation):
            yield from self._wish(message, plane or "")
        elif isinstance(message, StateChange):
            self._is_running = message.state is SourceState.RUNNING
            if not self._is_running:
                yield from self._flush()
        yield from self._desk.outcomes()

    def visit(self, change: Change, event: AnyEvent) -> Iterator[AnyEvent]:
        """See `Companion`."""
        del event
        if isinstance(change, Entered):
            self._enter(change)
        elif (visit := self._visit) is not None:
            visit.end_seconds = change.end_seconds
            self._visit, self._left = None, visit
            best = visit.picker.end()
            if best is not None:
                self._order_best(visit, best)
            elif visit.was_blind:
                yield self._desk.failed(visit.plane, visit.start_seconds, NO_FAN)

    def finish(self) -> Iterator[AnyEvent]:
        """See `Companion`; waits for the disk, for a bounded time."""
        try:
            yield from self._flush()
        finally:
            outcomes = list(self._desk.finish())
        yield from outcomes

    # Frames.

    def _frame(self, frame: Scored) -> Iterator[AnyEvent]:
        if self._recent and parting(self._recent[-1], frame, self._rules.max_gap_seconds):
            yield from self._flush()
            self._recent.clear()
        self._recent.append(frame)
        while frame.pts_seconds - self._recent[0].pts_seconds > RECENT_SECONDS:
            self._recent.popleft()
        if (visit := self._visit) is not None:
            self._add(visit, frame, is_of_visit=True)
            best = visit.picker.best
            patience_seconds = max(SETTLED_SECONDS, self._rules.post_seconds)
            if best is not None and frame.pts_seconds - best.pts_seconds >= patience_seconds:
                self._order_best(visit, best)
        sure_seconds = frame.pts_seconds - self._rules.doubt_seconds
        due = [order for order in self._orders if sure_seconds >= order.due_seconds]
        self._orders = [order for order in self._orders if sure_seconds < order.due_seconds]
        for order in due:
            yield from self._desk.take(order, frame.pts_seconds)
        self._ring.trim(frame.epoch, self._wanted_since(frame.pts_seconds) - self._rules.pre_seconds)

    def _follows(self, before_seconds: float, now_seconds: float) -> bool:
        return 0 <= now_seconds - before_seconds <= self._rules.max_gap_seconds

    def _wanted_since(self, now_seconds: float) -> float:
        """Media time of the oldest frame that may still be captured."""
        waiting = [order.contender.pts_seconds for order in self._orders]
        if self._visit is not None and self._visit.picker.best is not None:
            waiting.append(self._visit.picker.best.pts_seconds)
        soon = SETTLED_SECONDS + self._rules.post_seconds + self._rules.doubt_seconds
        return max(now_seconds - soon, min(waiting, default=now_seconds)) - AROUND_SECONDS

    def _enter(self, change: Entered) -> None:
        self._visits += 1
        self._override, self._frozen_plane = "", ""
        self._visit = Visit(self._visits, change.plane, change.start_seconds, min_quality=self._rules.min_quality)
        for frame in self._recent:
            self._add(self._visit, frame, is_of_visit=frame.pts_seconds >= change.start_seconds)

    def _add(self, visit: Visit, frame: Scored, *, is_of_visit: bool) -> None:
        may_leave = self._ring.at(frame.epoch, frame.index) is not None
        visit.was_blind = visit.was_blind or (is_of_visit and not may_leave)
        visit.picker.add(self._contender(frame, visit.plane), eligible=is_of_visit and may_leave)

    def _order_best(self, visit: Visit, best: Contender) -> None:
        """Once for each frame; a visit that the operator calls something else is captured only at his wish."""
        if best is visit.ordered or self._override not in ("", visit.plane):
            return
        visit.ordered = best
        due_seconds = best.pts_seconds + self._rules.post_seconds
        self._orders.append(
            Order(plane=visit.plane, visit=visit.number, cause="auto", contender=best, due_seconds=due_seconds)
        )

    def _contender(self, frame: Scored, plane: str) -> Contender:
        items = self._judge.items(frame, plane) if plane in self._columns else ()
        asked = self._rules.asked.get(plane)
        of_worth = [item for item in items if item.name not in ("stillness", "confidence")]
        stillness = next((item.score for item in items if item.name == "stillness"), 1.0)
        return Contender(
            frame_index=frame.index,
            pts_seconds=frame.pts_seconds,
            epoch=frame.epoch,
            captured_ns=frame.captured_ns,
            confidence=self._score(frame, plane),
            quality=overall([item for item in items if asked is None or item.name in asked]),
            worth=overall(of_worth) * stillness,
            items=items,
        )

    def _score(self, frame: Scored, plane: str) -> float:
        column = self._columns.get(plane)
        return 0.0 if column is None else float(frame.scores[column])

    def _flush(self, until_seconds: float | None = None) -> Iterator[AnyEvent]:
        """What is ordered is taken now, with what was seen until then (None: as long as it was sure): no more comes."""
        orders, self._orders = self._orders, []
        if until_seconds is None:
            until_seconds = self._now_seconds() - self._rules.doubt_seconds
        for order in orders:
            yield from self._desk.take(order, until_seconds)

    # Freezing.

    def _signal(self, change: SignalChange) -> Iterator[AnyEvent]:
        self._gate = change.state
        self._frozen_plane = ""
        if change.state is GateState.FROZEN:
            self._freeze()
            yield from self._flush(self._now_seconds())
        elif change.state is not GateState.OPEN:
            sure_seconds = change.pts_seconds - self._rules.doubt_seconds
            for order in [one for one in self._orders if one.contender.pts_seconds >= sure_seconds]:
                self._orders.remove(order)
                yield self._desk.failed(order.plane, order.contender.pts_seconds, _closed(change.state))
            yield from self._flush(sure_seconds)
            self._ring.remove(change.epoch, start_seconds=sure_seconds, end_seconds=change.pts_seconds)

    def _freeze(self) -> None:
        """The operator has stopped the picture: with a plane in it, that is the one he wants."""
        visit = self._left
        if visit is None or not self._recent:
            return
        last = self._recent[-1]
        just_left = visit.start_seconds <= last.pts_seconds <= visit.end_seconds + JUST_LEFT_SECONDS
        still_shown = [f for f in self._recent if last.pts_seconds - f.pts_seconds <= AROUND_SECONDS]
        steady = sum(self._score(frame, visit.plane) for frame in still_shown) / len(still_shown)
        if not just_left or steady < FROZEN_CONFIDENCE:
            return
        self._frozen_plane = visit.plane
        contender = replace(self._contender(last, visit.plane), steady=steady)
        is_poor = contender.quality < self._rules.min_quality
        if not is_poor:  # it stands for its visit
            self._orders = [order for order in self._orders if order.visit != visit.number or order.cause != "auto"]
        self._orders.append(
            Order(plane=visit.plane, visit=visit.number, cause="freeze", contender=contender, is_poor=is_poor)
        )

    # The operator.

    def _wish(self, operation: Operation, plane: str) -> Iterator[AnyEvent]:
        if operation.wish == "capture":
            yield from self._capture_now(self._override or plane or self._frozen_plane)
        elif operation.wish in ("keep", "discard"):
            do = self._desk.keep if operation.wish == "keep" else self._desk.discard
            refused = do(operation.value)
            if refused:
                yield self._desk.failed("", self._now_seconds(), refused)
        elif operation.wish == "override":
            self._override = operation.value
        elif operation.wish in ("pause", "resume"):
            self._is_paused = operation.wish == "pause"
            yield from self._flush()

    def _capture_now(self, plane: str) -> Iterator[AnyEvent]:
        """What is on the screen, whatever it is; without waiting for what comes after where nothing comes."""
        newest = self._ring.newest()
        if newest is None or self._ring.is_blind:
            reason = NO_FAN if self._gate in (GateState.OPEN, GateState.FROZEN) else _closed(self._gate)
            yield self._desk.failed(plane, self._now_seconds(), reason)
            return
        epoch, still = newest
        last = self._recent[-1] if self._recent else None
        is_frozen = self._gate is GateState.FROZEN
        if last is not None and self._shows(last, epoch, still):
            contender = self._contender(last, plane)
        else:  # paused, or left out by sampling: nobody has rated it
            contender = Contender(
                frame_index=still.frame_index,
                pts_seconds=still.pts_seconds,
                epoch=epoch,
                captured_ns=None,
                confidence=0.0,
                quality=0.0,
                worth=0.0,
            )
        visit = self._visit or (self._left if is_frozen and self._frozen_plane else None)
        order = Order(
            plane=plane,
            visit=visit.number if visit else -1,
            cause="operator",
            contender=contender,
            due_seconds=contender.pts_seconds + self._rules.post_seconds,
        )
        if is_frozen or self._is_paused or not self._is_running or contender.captured_ns is None:
            yield from self._desk.take(order, contender.pts_seconds)
        else:
            self._orders.append(order)

    def _shows(self, last: Scored, epoch: int, newest: Still) -> bool:
        """Whether the frame that was rated last is what is on the screen, or was a moment ago."""
        if self._is_paused or last.epoch != epoch or self._ring.at(epoch, last.index) is None:
            return False
        return self._gate is GateState.FROZEN or self._follows(last.pts_seconds, newest.pts_seconds)

    def _now_seconds(self) -> float:
        return self._recent[-1].pts_seconds if self._recent else 0.0


def _closed(state: GateState) -> str:
    return f"the signal is {state.value}, nobody knows what stands in the picture"
