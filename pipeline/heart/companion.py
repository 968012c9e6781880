"""The heart along a stream: clips of frames in which the four-chamber view is in view are scored, and all of them.

Research only, and never a bare alarm: every event tells score, interval, the very frames, and on what the head was
trained; that of an exam also the chance that a call is right at the share of affected hearts among those scanned.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models.encoder import Model
from ...models.heads.clip_answer import aggregate
from ...models.heads.clip_head import ClipHead, Clips, find_head, stacked
from ...models.heads.head_file import ForeignHeadError
from ...models.planes import Plane
from ...sinks import AnyEvent, ChdScored, ChdUnavailable, ModelRef
from ..analyst import SECONDS_DIGITS
from ..companion import Companion
from ..config import Config
from ..exam.thinned import Thinned
from ..messages import Notice, Scored
from ..planes.segments import Change, Left
from ..recorder import Recorder
from .clips import HeartClip, HeartClips

HEART_PLANES: tuple[str, ...] = (Plane.FOUR_CHAMBER, "heart")
"""What a plane head may call the view; one that knows no finer name says "heart"."""

NO_HEAD = "no heart head is configured (chd.head): four-chamber clips are not scored"
SCORE_DIGITS = 4
MOST_KEPT = 512
"""Clips of an exam that its answer is made of; of a longer one every second, then every fourth."""

EDGE_SECONDS = 0.4
"""The last moments of a visit, when the plane is still told but the probe is leaving: no clip reaches into them."""

_SAME_SHARE = 2e-3
"""Difference between embeddings, as a share of their length, under which two frames show one picture."""


def heart_companion(config: Config, *, model: Model, recorder: Recorder, labels: Sequence[str]) -> Companion:
    """The one that tells scores, or one that tells why there are none.

    Raises:
        ModelError: the head file is damaged.
    """
    planes = tuple(plane for plane in HEART_PLANES if plane in labels)[:1]
    if not planes:
        wanted, known = " or ".join(HEART_PLANES), ", ".join(labels[1:])
        return NoHeartCompanion(f"the plane head knows no {wanted}; it knows {known}", (), recorder)
    section = config.chd
    if section.head is None:
        return NoHeartCompanion(NO_HEAD, planes, recorder)
    try:
        head = ClipHead.load(find_head(section.head), encoder=model.encoder.identity)
    except ForeignHeadError as error:
        return NoHeartCompanion(str(error), planes, recorder)
    return HeartCompanion(
        head, prevalence=section.prevalence, plane=planes[0], column=labels.index(planes[0]), recorder=recorder
    )


class NoHeartCompanion:
    """Tells why there is no score, once: when one of ``planes`` comes into view, at the end where none does.

    Without ``planes``, which is where the plane head knows no heart, with the first message.
    """

    def __init__(self, reason: str, planes: Sequence[str], recorder: Recorder) -> None:
        self._reason = reason
        self._planes = planes
        self._recorder = recorder

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterable[AnyEvent]:
        del message
        return self.finish() if plane in self._planes or not self._planes else ()

    def visit(self, change: Change, event: AnyEvent) -> Iterable[AnyEvent]:
        del change, event
        return ()

    def finish(self) -> Iterator[AnyEvent]:
        if self._reason:
            reason, self._reason = self._reason, ""
            yield self._recorder.make(ChdUnavailable, reason=reason)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A clip whose visit may yet end with it."""

    clip: HeartClip
    embeddings: Clips
    """(1 t d)."""
    captured_ns: int


@dataclass(frozen=True, slots=True)
class _Heard:
    """A clip and what the members said of it."""

    clip: HeartClip
    logits: NDArray[np.float64]
    """(m 1)."""
    distance: float


class HeartCompanion:
    """Follows one stream; see the module's text.

    Args:
        head: trained on the stream's encoder.
        prevalence: share of affected hearts among those scanned.
        plane, column: the view, and its column in the scores.
        recorder: makes the events.
    """

    def __init__(self, head: ClipHead, *, prevalence: float, plane: str, column: int, recorder: Recorder) -> None:
        self._head = head
        self._prevalence = prevalence
        self._plane = plane
        self._column = column
        self._recorder = recorder
        self._cutter = HeartClips(head.recipe.timing)
        self._embeddings: dict[int, NDArray[np.float32]] = {}
        self._last: NDArray[np.float32] | None = None
        self._cut: deque[_Cut] = deque()
        self._heard = Thinned[_Heard](MOST_KEPT)
        self._has_news = self._has_visited = False

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterator[AnyEvent]:
        if not isinstance(message, Scored) or plane != self._plane or message.embedding is None:
            return
        self._has_visited = True
        embedding, score = message.embedding, float(message.scores[self._column])
        repeats = self._last is not None and _is_same(embedding, self._last)
        self._last = self._embeddings[message.index] = embedding
        for clip in self._cutter.add(message.index, message.pts_seconds, score=score, repeats=repeats):
            clips = stacked([self._embeddings[index] for index in clip.indexes])
            self._cut.append(_Cut(clip, clips, message.captured_ns))
        yield from self._hear_until(message.pts_seconds)
        oldest = self._cutter.oldest_index
        for index in [index for index in self._embeddings if oldest is None or index < oldest]:
            del self._embeddings[index]

    def visit(self, change: Change, event: AnyEvent) -> Iterator[AnyEvent]:
        del event
        if change.plane != self._plane:
            return
        if isinstance(change, Left):
            yield from self._hear_until(change.end_seconds)
        self._cut.clear()
        self._cutter.end()
        self._embeddings.clear()
        self._last = None
        if isinstance(change, Left) and self._has_news:
            yield self._exam()

    def finish(self) -> Iterator[AnyEvent]:
        if self._has_news:
            yield self._exam()
        elif not self._heard.count:
            yield self._recorder.make(ChdUnavailable, reason=self._why_none())

    def _hear_until(self, pts_seconds: float) -> Iterator[AnyEvent]:
        """Score the clips that the visit has outlasted."""
        while self._cut and self._cut[0].clip.pts_seconds[-1] <= pts_seconds - EDGE_SECONDS:
            yield self._hear(self._cut.popleft())

    def _hear(self, cut: _Cut) -> AnyEvent:
        clips = cut.embeddings
        heard = _Heard(cut.clip, self._head.logits(clips), float(self._head.distance(clips)[0]))
        self._heard.add(heard)
        self._has_news = True
        return self._told("clip", [heard], clips=1, captured_ns=cut.captured_ns)

    def _exam(self) -> AnyEvent:
        """All clips so far, which are one patient's; the clips of a heart are no independent witnesses."""
        self._has_news = False
        return self._told("exam", self._heard.kept, clips=self._heard.count, captured_ns=None)

    def _told(self, level: str, heard: Sequence[_Heard], *, clips: int, captured_ns: int | None) -> AnyEvent:
        logits = np.concatenate([one.logits for one in heard], axis=1)
        distance = float(np.median([one.distance for one in heard]))
        calibration = self._head.calibration
        answer = aggregate(logits, calibration, prevalence=self._prevalence, distance=distance)
        identity = self._head.identity
        return self._recorder.make(
            ChdScored,
            captured_ns=captured_ns,
            level=level,
            score=round(answer.score, SCORE_DIGITS),
            low=round(answer.low, SCORE_DIGITS),
            high=round(answer.high, SCORE_DIGITS),
            threshold=round(answer.threshold, SCORE_DIGITS),
            abstains=answer.abstains,
            reason=answer.reason,
            frame_indexes=tuple(sorted({index for one in heard for index in one.clip.indexes})),
            start_seconds=round(min(one.clip.pts_seconds[0] for one in heard), SECONDS_DIGITS),
            end_seconds=round(max(one.clip.pts_seconds[-1] for one in heard), SECONDS_DIGITS),
            clips=clips,
            head=ModelRef(name=identity.name, sha256=identity.sha256, version=identity.version),
            trained_on=self._head.recipe.trained_on,
            prevalence=self._prevalence,
            # sensitivity and specificity were counted over patients, so they say nothing of one clip
            positive_predictive_value=round(answer.positive_predictive_value, SCORE_DIGITS)
            if level == "exam"
            else None,
        )

    def _why_none(self) -> str:
        if not self._has_visited:
            return f"no heart was in view: {self._plane}"
        timing = self._head.recipe.timing
        refused = ", ".join(f"{count} x {reason}" for reason, count in sorted(self._cutter.refused.items()))
        wants = f"a clip wants {timing.frames} frames over {timing.seconds:g} s of one visit"
        return f"the heart was in view, but gave no clip: {wants}" + (f" ({refused})" if refused else "")


def _is_same(embedding: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return bool(np.linalg.norm(embedding - other) <= _SAME_SHARE * np.linalg.norm(other))
