"""The coarse answer where the fine one is not clear: a body part is surely in view, but not which of its planes."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from ...models import BACKGROUND
from ...models.planes import GROUPS
from ...sinks import AnyEvent, PartEntered, PartLeft
from ..analyst import SCORE_DIGITS, SECONDS_DIGITS
from ..interruptions import interruption, parting
from ..messages import Notice, Scored
from ..recorder import Recorder
from .segments import Change, Entered, Rules, Segmenter
from .smoothing import ExponentialSmoothing

TIME_CONSTANT_SECONDS: Final = 0.2
RULES: Final = Rules(enter_score=0.7, leave_score=0.5, hold_seconds=0.4, release_seconds=0.3)
"""It is held so long that a plane on its way in is not told as a part first."""


class PartWatch:
    """A `Companion`: a part enters while none of its planes has, and leaves when one does.

    Args:
        labels: of the head.
        groups: part -> its labels there, two at least: of one alone the plane says as much.
        recorder: gives events their envelope.
        max_gap_seconds: a longer pause in media time ends what is in view.
    """

    def __init__(
        self, labels: Sequence[str], groups: dict[str, list[str]], *, recorder: Recorder, max_gap_seconds: float
    ) -> None:
        self._names = tuple(groups)
        self._columns = [[labels.index(label) for label in members] for members in groups.values()]
        self._recorder = recorder
        self._max_gap_seconds = max_gap_seconds
        self._smoothing = ExponentialSmoothing(
            time_constant_seconds=TIME_CONSTANT_SECONDS, max_gap_seconds=max_gap_seconds
        )
        self._segmenter = Segmenter((BACKGROUND, *self._names), RULES)
        self._last: Scored | None = None

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterator[AnyEvent]:
        """The next frame; what interrupts the stream ends a part as it does a plane."""
        if not isinstance(message, Scored):
            if reason := interruption(message):
                yield from self._end(reason)
            return
        if self._last is not None and (reason := parting(self._last, message, self._max_gap_seconds)):
            yield from self._end(reason)
        self._last = message
        of_parts = [float(message.scores[columns].sum()) for columns in self._columns]
        scores = np.clip(np.array([1 - sum(of_parts), *of_parts], dtype=np.float32), 0, 1)
        smoothed = self._smoothing.update(message.pts_seconds, scores)
        if plane is None:
            changes = self._segmenter.update(message.index, message.pts_seconds, smoothed, scores)
            for change in changes:
                yield self._event(change, message.captured_ns)

    def visit(self, change: Change, event: AnyEvent) -> Iterator[AnyEvent]:
        """The fine answer takes the place of the coarse one."""
        del event
        if isinstance(change, Entered):
            for left in self._segmenter.finish():
                yield self._event(left, self._last.captured_ns if self._last else None, change.plane)

    def finish(self) -> Iterator[AnyEvent]:
        """What is in view leaves."""
        yield from self._end("the run ended")

    def _end(self, reason: str) -> Iterator[AnyEvent]:
        captured_ns = self._last.captured_ns if self._last else None
        for change in self._segmenter.finish():
            yield self._event(change, captured_ns, reason)
        self._smoothing.reset()
        self._last = None

    def _event(self, change: Change, captured_ns: int | None, reason: str = "") -> AnyEvent:
        start_seconds, score = round(change.start_seconds, SECONDS_DIGITS), round(change.score, SCORE_DIGITS)
        if isinstance(change, Entered):
            return self._recorder.make(
                PartEntered, captured_ns=captured_ns, part=change.plane, start_seconds=start_seconds, score=score
            )
        return self._recorder.make(
            PartLeft,
            captured_ns=captured_ns,
            part=change.plane,
            start_seconds=start_seconds,
            end_seconds=round(change.end_seconds, SECONDS_DIGITS),
            score=score,
            frames=change.frames,
            reason=reason,
        )


def part_watch(labels: Sequence[str], *, recorder: Recorder, max_gap_seconds: float) -> PartWatch | None:
    """For one stream; None where the head has no part with several planes."""
    groups = {name: [label for label in labels if label in members] for name, members in GROUPS.items()}
    fine = {name: members for name, members in groups.items() if len(members) > 1}
    return PartWatch(labels, fine, recorder=recorder, max_gap_seconds=max_gap_seconds) if fine else None
