"""From scored frames to events: smoothing, segments and the record of what happened. No threads, no I/O."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from ..models import BACKGROUND
from ..sinks import (
    AnyEvent,
    FrameScores,
    Operation,
    OperatorMarked,
    OperatorOverride,
    OperatorPaused,
    PlaneEntered,
    PlaneLeft,
    SignalChanged,
    StreamDamaged,
    StreamState,
)
from ..sources import StateChange
from .companion import Companion
from .exam.quality import Judge
from .interruptions import interruption, parting
from .messages import Notice, Nudge, Scored, SignalChange
from .planes.segments import Change, Entered, Left, Segmenter
from .planes.smoothing import Smoothing
from .recorder import Recorder

SECONDS_DIGITS = 6
SCORE_DIGITS = 4
"""Digits written: more would record float noise of one machine, not the scan."""


class Analyst:
    """Feeds frames and notices of one stream through smoothing and segmentation.

    Args:
        labels: the head's labels; the first is "background".
        smoothing, segmenter: fresh ones, for this stream alone.
        max_gap_seconds: a longer pause in media time ends what is in view.
        recorder: gives events their envelope.
        frame_scores: whether each frame's scores are events too.
        companions: what follows the stream beside its planes.
        judge: of pictures, which chooses the best frame of a visit; None goes by the score alone.
    """

    def __init__(
        self,
        *,
        labels: Sequence[str],
        smoothing: Smoothing,
        segmenter: Segmenter,
        max_gap_seconds: float,
        recorder: Recorder,
        frame_scores: bool,
        companions: Sequence[Companion] = (),
        judge: Judge | None = None,
    ) -> None:
        if labels[0] != BACKGROUND:
            raise ValueError(f"labels start with {BACKGROUND!r}, not {labels[0]!r}")
        self.labels = tuple(labels)
        self.smoothed: dict[str, float] = {}
        self._smoothing = smoothing
        self._segmenter = segmenter
        self._max_gap_seconds = max_gap_seconds
        self._recorder = recorder
        self._frame_scores = frame_scores
        self._companions = tuple(companions)
        self._judge = judge
        self._last: Scored | None = None
        self._paused = False

    @property
    def plane(self) -> str | None:
        """The plane in view now, None for background."""
        return self._segmenter.plane

    def feed(self, message: Scored | Notice) -> Iterator[AnyEvent]:
        """The events one message gives rise to, in order."""
        yield from self._own(message)
        if not (self._paused and isinstance(message, Scored)):
            for companion in self._companions:
                yield from companion.feed(message, self.plane)

    def finish(self, reason: str) -> Iterator[AnyEvent]:
        """The stream has ended for ``reason``: what is in view leaves, and companions have their last word."""
        yield from self.interrupt(reason)
        for companion in self._companions:
            yield from companion.finish()

    def _own(self, message: Scored | Notice) -> Iterator[AnyEvent]:
        if isinstance(message, Scored):
            if not self._paused:
                yield from self._frame(message)
        elif isinstance(message, Operation):
            yield from self._operation(message)
        elif isinstance(message, Nudge):
            return
        elif isinstance(message, StateChange):
            if reason := interruption(message):
                yield from self.interrupt(reason)
            yield self._recorder.make(StreamState, state=message.state.value, reason=message.reason)
        elif isinstance(message, SignalChange):
            yield from self._signal(message)
        else:
            pts_seconds = None if message.pts_seconds is None else round(message.pts_seconds, SECONDS_DIGITS)
            yield self._recorder.make(
                StreamDamaged, what=message.what, lost_packets=message.lost_packets, pts_seconds=pts_seconds
            )

    def interrupt(self, reason: str, *, by_seconds: float = math.inf) -> Iterator[AnyEvent]:
        """What is in view leaves for ``reason``, by this media time at the latest; the next frame starts afresh."""
        captured_ns = self._last.captured_ns if self._last else None
        for change in self._segmenter.finish():
            left = (
                replace(change, end_seconds=min(change.end_seconds, by_seconds)) if isinstance(change, Left) else change
            )
            yield from self._told(left, captured_ns, reason)
        self._smoothing.reset()
        self._last = None

    def _signal(self, change: SignalChange) -> Iterator[AnyEvent]:
        """Behind a closed gate nothing is in view."""
        if reason := interruption(change):
            # A visit's last frame counts as long as the one before: where few are looked at, beyond the change.
            is_later = self._last is not None and self._last.epoch == change.epoch
            by_seconds = change.pts_seconds if is_later else math.inf
            yield from self.interrupt(reason, by_seconds=by_seconds)
        yield self._recorder.make(
            SignalChanged,
            captured_ns=change.captured_ns,
            state=change.state.value,
            reason=change.reason,
            pts_seconds=round(change.pts_seconds, SECONDS_DIGITS),
            epoch=change.epoch,
        )

    def _frame(self, frame: Scored) -> Iterator[AnyEvent]:
        if self._last is not None and (reason := parting(self._last, frame, self._max_gap_seconds)):
            yield from self.interrupt(reason)
        self._last = frame
        smoothed = self._smoothing.update(frame.pts_seconds, frame.scores)
        self.smoothed = dict(zip(self.labels, map(float, smoothed), strict=True))
        worth = None if self._judge is None else partial(self._judge.worth, frame)
        for change in self._segmenter.update(frame.index, frame.pts_seconds, smoothed, frame.scores, worth):
            yield from self._told(change, frame.captured_ns)
        if self._frame_scores:
            yield self._recorder.make(
                FrameScores,
                captured_ns=frame.captured_ns,
                frame_index=frame.index,
                pts_seconds=round(frame.pts_seconds, SECONDS_DIGITS),
                epoch=frame.epoch,
                scores=tuple(round(float(score), SCORE_DIGITS) for score in frame.scores),
            )

    def _operation(self, operation: Operation) -> Iterator[AnyEvent]:
        """What the operator says of the stream itself; wishes about captures are a companion's."""
        pts_seconds = None if self._last is None else round(self._last.pts_seconds, SECONDS_DIGITS)
        said, make = self.plane or "", self._recorder.make
        if operation.wish == "override":
            yield make(OperatorOverride, plane=operation.value, plane_said=said, pts_seconds=pts_seconds)
        elif operation.wish == "mark":
            yield make(OperatorMarked, text=operation.value, plane=said, pts_seconds=pts_seconds)
        elif operation.wish in ("pause", "resume") and self._paused != (operation.wish == "pause"):
            if not self._paused:
                yield from self.interrupt("paused by the operator")
            self._paused = not self._paused
            yield make(OperatorPaused, paused=self._paused, pts_seconds=pts_seconds)

    def _told(self, change: Change, captured_ns: int | None, reason: str = "") -> Iterator[AnyEvent]:
        event = self._event(change, captured_ns, reason)
        yield event
        for companion in self._companions:
            yield from companion.visit(change, event)

    def _event(self, change: Change, captured_ns: int | None, reason: str) -> AnyEvent:
        if isinstance(change, Entered):
            return self._recorder.make(
                PlaneEntered,
                captured_ns=captured_ns,
                plane=change.plane,
                start_seconds=round(change.start_seconds, SECONDS_DIGITS),
                score=round(change.score, SCORE_DIGITS),
            )
        return self._recorder.make(
            PlaneLeft,
            captured_ns=captured_ns,
            plane=change.plane,
            start_seconds=round(change.start_seconds, SECONDS_DIGITS),
            end_seconds=round(change.end_seconds, SECONDS_DIGITS),
            score=round(change.score, SCORE_DIGITS),
            frames=change.frames,
            best_frame_index=change.best.frame_index,
            best_pts_seconds=round(change.best.pts_seconds, SECONDS_DIGITS),
            best_score=round(change.best.score, SCORE_DIGITS),
            reason=reason,
        )
