"""Records of what is found beside the planes: quality, the checklist, age and heart. None of them is a diagnosis."""

import msgspec

from .record import Event, ModelRef


class PartEntered(Event, frozen=True, kw_only=True, tag="part.entered"):
    """A part of the body is surely in view, and which of its planes is not clear; none of them has entered.

    Attributes:
        part: "brain", "heart" or "spine".
        start_seconds: media time since which it is.
        score: in [0, 1], of its planes together.
    """

    part: str
    start_seconds: float
    score: float


class PartLeft(Event, frozen=True, kw_only=True, tag="part.left"):
    """It is in view no more, or a plane has entered.

    Attributes:
        part: which.
        start_seconds, end_seconds: media time over which it was in view with no plane of it told.
        score: in [0, 1], the mean of its planes together.
        frames: how many.
        reason: what has ended it: a plane's name, or an interruption; empty when it went out of view.
    """

    part: str
    start_seconds: float
    end_seconds: float
    score: float
    frames: int
    reason: str = ""


class QualityItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a good picture needs.

    Attributes:
        name: such as "sharpness" or "zoom".
        ok: whether it is good enough to keep.
        score: in [0, 1]; higher is better.
        reason: what is wrong and what helps, in words a sonographer uses; empty when it is ok.
    """

    name: str
    ok: bool
    score: float
    reason: str = ""


class QualityChanged(Event, frozen=True, kw_only=True, tag="quality.changed"):
    """What is good and what is not about the plane in view; sent when an item turns, not for each frame."""

    plane: str
    pts_seconds: float
    items: tuple[QualityItem, ...]


class ChecklistChanged(Event, frozen=True, kw_only=True, tag="checklist.changed"):
    """Where one item of the protocol stands; each is told once at the start, then when it changes.

    Attributes:
        protocol: name of the protocol.
        item: name of the item; unique in the protocol.
        plane: the plane it wants.
        state: "missing", "poor" (seen, but not good enough), "done", or "not_judged": this model cannot say.
        seen, wanted: how many good views there are and should be.
        reasons: why it is poor or not judged, in words; empty otherwise.
        best_frame_index, best_pts_seconds: of the best view so far; None while missing.
        pts_seconds: media time of the change; None at the start.
    """

    protocol: str
    item: str
    plane: str
    state: str
    seen: int
    wanted: int
    reasons: tuple[str, ...] = ()
    best_frame_index: int | None = None
    best_pts_seconds: float | None = None
    pts_seconds: float | None = None


class AgeEstimated(Event, frozen=True, kw_only=True, tag="age.estimated"):
    """Gestational age over all frames of the stream so far that show a head.

    Attributes:
        age_days: median, in days.
        low_days, high_days: interval that holds the age with the chance ``coverage``; None where a method has none.
        coverage: in (0, 1); None where there is no interval.
        frames: how many spoke.
        spacing_mm: millimetres per pixel of the last of them.
        spacing_by_hand: the user gave it, for the source knows none; it is wrong as soon as depth or zoom change.
        method: "zero_shot" or "calibrated".
        head: the head file that spoke; None for zero-shot.
        pts_seconds: media time of the newest frame.
    """

    age_days: float
    low_days: float | None
    high_days: float | None
    coverage: float | None
    frames: int
    spacing_mm: float
    method: str
    head: ModelRef | None
    pts_seconds: float
    spacing_by_hand: bool = False


class AgeUnavailable(Event, frozen=True, kw_only=True, tag="age.unavailable"):
    """There will be no age, and why: no pixel spacing, no text tower, no head. Told once for each reason."""

    reason: str


class ChdScored(Event, frozen=True, kw_only=True, tag="chd.scored"):
    """What the heart head makes of four-chamber clips. Never a bare alarm: score, interval, frames, or abstention.

    Attributes:
        level: "clip", or "exam" for all clips of the stream together.
        score: in [0, 1], at the prevalence below; told also when the head abstains.
        low, high: interval of the score.
        threshold: score from which a heart is called abnormal, at that prevalence: without it no score can be read.
        abstains: the head does not commit itself; ``reason`` says why.
        frame_indexes: the very frames that were used.
        start_seconds, end_seconds: media time they span.
        clips: how many clips there were; 1 for a clip. Of a long exam the answer is made of some, evenly spread: those
            whose ``frame_indexes`` are told.
        head: the head file; ``trained_on`` says on what, such as "phantom hearts": then it says nothing of patients.
        prevalence: the share of affected hearts that was assumed.
        positive_predictive_value: of a call about the patient, at the head's threshold and that prevalence; None for a
            clip, of which nobody has counted it.
    """

    level: str
    score: float
    low: float
    high: float
    threshold: float
    abstains: bool
    reason: str
    frame_indexes: tuple[int, ...]
    start_seconds: float
    end_seconds: float
    clips: int
    head: ModelRef
    trained_on: str
    prevalence: float
    positive_predictive_value: float | None


class ChdUnavailable(Event, frozen=True, kw_only=True, tag="chd.unavailable"):
    """There will be no heart score, and why. Told once."""

    reason: str
