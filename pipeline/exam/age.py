"""Gestational age along a stream: each frame that shows a head speaks, and the exam has the answer.

A frame speaks when a head plane is in view, by the segments' thresholds and times, and is also what the frame itself
shows most of. The sentences of a new pixel spacing take the text tower half a minute once: where the source waits
(review) so does the stream, which makes it repeatable; live they are embedded beside it from the first frame on, frames
wait in memory for them, and their age is told later.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch

from ...models.encoder import Features, Model, ModelError
from ...models.files import sha256_of
from ...models.heads import age_decoder
from ...models.heads.age_head import AgeHead
from ...models.heads.age_text import AgeTexts, load_age_templates, prompt_spacing
from ...models.heads.gestational_age import NO_SPACING, Age, NoAge, exam_age
from ...models.heads.head_file import ForeignHeadError
from ...sinks import AgeEstimated, AgeUnavailable, AnyEvent, ModelRef
from ..analyst import SECONDS_DIGITS
from ..channel import Policy
from ..companion import Companion
from ..config import Config
from ..config_findings import AgeSection
from ..messages import Notice, Scored
from ..planes.segments import Change
from ..recorder import Recorder
from .thinned import Thinned

NO_TEXTS = "the model has no text tower: age is read by fetalclip and mobile"
SPACING_HINT = "age.spacing_mm gives it by hand"
ENDED_EARLY = "the stream ended while the sentences for its pixel spacing were being embedded"

MOST_KEPT = 2048
"""Answers of an exam that its median is taken over; of a longer one every second, then every fourth."""
MOST_WAITING = 3000
"""Frames that wait for the sentences of one spacing: two minutes of heads, ten megabytes."""

DAYS_DIGITS = 2
SPACING_DIGITS = 6


def age_companion(config: Config, *, model: Model, recorder: Recorder, labels: Sequence[str]) -> Companion:
    """The one that tells age, or one that tells why there is none.

    Raises:
        ModelError: the head file or the file of sentences cannot be read.
    """
    section = config.age
    planes = frozenset(section.planes) & frozenset(labels)
    if not planes:
        wanted, known = ", ".join(section.planes), ", ".join(labels[1:])
        return NoAgeCompanion(f"the plane head knows no {wanted}; it knows {known}", recorder)
    if model.texts is None:
        return NoAgeCompanion(NO_TEXTS, recorder)
    texts = AgeTexts(load_age_templates(section.prompts), model.texts)
    try:
        head = AgeHead(texts) if section.head is None else AgeHead.load(texts, section.head)
    except ForeignHeadError as error:
        return NoAgeCompanion(str(error), recorder)
    waits = config.flow.policy is Policy.BLOCK
    return AgeCompanion(head, section=section, labels=labels, waits=waits, recorder=recorder)


class NoAgeCompanion:
    """Tells with the first message why there will be no age."""

    def __init__(self, reason: str, recorder: Recorder) -> None:
        self._reason = reason
        self._recorder = recorder

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterable[AnyEvent]:
        del message, plane
        return self.finish()

    def visit(self, change: Change, event: AnyEvent) -> Iterable[AnyEvent]:
        del change, event
        return ()

    def finish(self) -> Iterable[AnyEvent]:
        if self._reason:
            reason, self._reason = self._reason, ""
            yield self._recorder.make(AgeUnavailable, reason=reason)


class _Look(NamedTuple):
    frame: Scored
    spacing_mm: float


class AgeCompanion:
    """Follows one stream; see the module's text.

    Args:
        head: of the stream's model.
        section: what the user wants.
        labels: of the frames' scores.
        waits: for the text tower, as long as it takes; else never.
        recorder: makes the events.
    """

    def __init__(
        self, head: AgeHead, *, section: AgeSection, labels: Sequence[str], waits: bool, recorder: Recorder
    ) -> None:
        self._head = head
        self._section = section
        self._labels = tuple(labels)
        self._waits = waits
        self._recorder = recorder
        self._file = _reference(section)
        self._ages = Thinned[Age](MOST_KEPT)
        self._waiting: dict[str, deque[_Look]] = {}
        self._given_up: set[str] = set()
        self._reasons: set[str] = set()
        self._refusal = ""
        self._last: _Look | None = None
        self._since_seconds: float | None = None
        self._has_begun = self._has_news = False

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterator[AnyEvent]:
        if not isinstance(message, Scored):
            return
        yield from self._look(message, plane)
        yield from self._hear()
        if self._is_due(message.pts_seconds):
            self._since_seconds = message.pts_seconds
            yield from self._tell()

    def visit(self, change: Change, event: AnyEvent) -> Iterable[AnyEvent]:
        del change, event
        return ()

    def finish(self) -> Iterator[AnyEvent]:
        yield from self._hear()
        yield from self._tell()
        if not self._ages.count:
            if any(self._waiting.values()):
                yield from self._refuse(ENDED_EARLY)
            elif self._refusal:
                yield from self._refuse(self._refusal)
            elif not self._reasons:
                yield from self._refuse(f"no head was in view: {', '.join(self._section.planes)}")
        self._head.texts.close()

    def _look(self, frame: Scored, plane: str | None) -> Iterator[AnyEvent]:
        """Take up a frame that shows a head; the first frame of all already says which sentences will be wanted."""
        spacing_mm = self._section.spacing_mm if frame.spacing_mm is None else frame.spacing_mm
        if spacing_mm is None:
            yield from self._refuse(f"{NO_SPACING}; {SPACING_HINT}")
            return
        try:
            prompt = prompt_spacing(spacing_mm, width_px=frame.width_px, height_px=frame.height_px)
        except ModelError as error:
            yield from self._refuse(str(error))
            return
        is_head = plane in self._section.planes and self._labels[int(frame.scores.argmax())] == plane
        is_first, self._has_begun = not self._has_begun, True
        if prompt not in self._given_up and (is_head or is_first):
            waiting = self._waiting.setdefault(prompt, deque(maxlen=MOST_WAITING))
            if is_head and frame.embedding is not None:
                waiting.append(_Look(frame, spacing_mm))

    def _hear(self) -> Iterator[AnyEvent]:
        """Let the frames speak whose sentences are there."""
        for prompt in list(self._waiting):
            try:
                if self._waits or self._head.texts.soon(prompt) is not None:
                    for look in self._waiting.pop(prompt):
                        self._speak(look)
            except ModelError as error:
                self._waiting.pop(prompt, None)
                self._given_up.add(prompt)
                yield from self._refuse(str(error))

    def _speak(self, look: _Look) -> None:
        frame = look.frame
        (answer,) = self._head(
            Features(embedding=torch.tensor(frame.embedding)[None]),
            spacing_mm=look.spacing_mm,
            width_px=frame.width_px,
            height_px=frame.height_px,
            wait=self._waits,
        )
        if isinstance(answer, NoAge):
            self._refusal = answer.reason
            return
        self._ages.add(answer)
        self._has_news = True
        if self._last is None or frame.index > self._last.frame.index:
            self._last = look
        if self._since_seconds is None:
            self._since_seconds = frame.pts_seconds

    def _is_due(self, pts_seconds: float) -> bool:
        """Media time that falls begins anew."""
        if self._since_seconds is None:
            return False
        return not 0 <= pts_seconds - self._since_seconds < self._section.every_seconds

    def _tell(self) -> Iterator[AnyEvent]:
        age = exam_age(self._ages.kept) if self._has_news else None
        self._has_news = False
        if not isinstance(age, Age) or self._last is None:
            return
        frame, spacing_mm = self._last
        yield self._recorder.make(
            AgeEstimated,
            captured_ns=frame.captured_ns,
            age_days=round(age.days, DAYS_DIGITS),
            low_days=None if age.low_days is None else round(age.low_days, DAYS_DIGITS),
            high_days=None if age.high_days is None else round(age.high_days, DAYS_DIGITS),
            coverage=age.level,
            frames=self._ages.count,
            spacing_mm=round(spacing_mm, SPACING_DIGITS),
            spacing_by_hand=frame.spacing_mm is None,
            method="zero_shot" if self._file is None else "calibrated",
            head=self._file,
            pts_seconds=round(frame.pts_seconds, SECONDS_DIGITS),
        )

    def _refuse(self, reason: str) -> Iterator[AnyEvent]:
        if reason not in self._reasons:
            self._reasons.add(reason)
            yield self._recorder.make(AgeUnavailable, reason=reason)


def _reference(section: AgeSection) -> ModelRef | None:
    if section.head is None:
        return None
    return ModelRef(
        name=age_decoder.KIND.rpartition(".")[2], sha256=sha256_of(section.head), version=age_decoder.FORMAT_VERSION
    )
