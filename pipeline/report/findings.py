"""What a record says, kind by kind, in words; and where it says nothing, why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...sinks import (
    AgeEstimated,
    AgeUnavailable,
    CaptureDiscarded,
    CaptureFailed,
    CaptureKept,
    CaptureSaved,
    ChdScored,
    ChdUnavailable,
    ChecklistChanged,
    OperatorMarked,
    OperatorOverride,
    OperatorPaused,
)
from ...sinks.text_findings import weeks
from .record import Record
from .timeline import operator_text
from .words import plane_title

NO_CHECKLIST = "No checklist: no protocol was set (protocol: null)."
NO_AGE = "No gestational age: it was not asked for (age.enabled: false)."
NO_HEART = "No heart score: it was not asked for (chd.enabled: false)."
NO_QUALITY = "Picture quality was not judged."


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One row of the checklist."""

    title: str
    plane: str
    state: str
    seen: int
    wanted: int
    reasons: str
    best_pts_seconds: float | None
    best_frame_index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """The protocol at the end of the cine."""

    protocol: str
    items: tuple[Item, ...]

    def of(self, state: str) -> list[str]:
        """Titles of the items in one state."""
        return [item.title for item in self.items if item.state == state]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Something that was done while scanning; ``frame_index`` where it is about one frame."""

    pts_seconds: float | None
    what: str
    plane: str
    frame_index: int | None = None


def checklist(record: Record) -> Checklist | None:
    """Where each item stands at the end, in the protocol's order; None without a protocol."""
    last: dict[str, ChecklistChanged] = {}
    for event in record.all(ChecklistChanged):
        last[event.item] = event
    if not last:
        return None
    items = tuple(
        Item(
            title=plane_title(event.item),
            plane=event.plane,
            state=event.state,
            seen=event.seen,
            wanted=event.wanted,
            reasons="; ".join(event.reasons),
            best_pts_seconds=event.best_pts_seconds,
            best_frame_index=event.best_frame_index,
        )
        for event in last.values()
    )
    return Checklist(protocol=next(iter(last.values())).protocol, items=items)


def age_missing(record: Record) -> str:
    """Why there is no age; empty where there is one."""
    if record.last(AgeEstimated) is not None:
        return ""
    reasons = [event.reason for event in record.all(AgeUnavailable)]
    return _because("No gestational age", reasons) if reasons else NO_AGE


def age_gaps(record: Record) -> str:
    """Why some frames have no age though there is one; empty where there is no reason."""
    reasons = [event.reason for event in record.all(AgeUnavailable)]
    return _because("Some frames have none", reasons) if reasons else ""


def age_text(age: AgeEstimated) -> str:
    """ "21w2d (20w5d to 21w6d)"."""
    interval = age_interval(age)
    return f"{weeks(age.age_days)} ({interval})" if interval else weeks(age.age_days)


def age_interval(age: AgeEstimated) -> str:
    """ "20w5d to 21w6d"; empty where the method has none."""
    if age.low_days is None or age.high_days is None:
        return ""
    return f"{weeks(age.low_days)} to {weeks(age.high_days)}"


def heart_missing(record: Record) -> str:
    """Why there is no heart score; empty where there is one."""
    if record.last(ChdScored) is not None:
        return ""
    reasons = [event.reason for event in record.all(ChdUnavailable)]
    return _because("No heart score", reasons) if reasons else NO_HEART


def doings(record: Record) -> list[Done]:
    """Captures, marks, overrides and pauses, in order."""
    return list(_doings(record))


def _doings(record: Record) -> Iterator[Done]:
    fates = _fates(record)
    for event in record.events:
        if isinstance(event, CaptureSaved):
            fate = fates.get(event.capture_id, "")
            files = ", ".join(name for name in (event.still, event.clip) if name)
            what = f"captured ({event.cause}): {files}{', ' + fate if fate else ''}"
            yield Done(pts_seconds=event.pts_seconds, what=what, plane=event.plane, frame_index=event.frame_index)
        elif isinstance(event, CaptureFailed):
            yield Done(pts_seconds=event.pts_seconds, what=f"capture failed: {event.reason}", plane=event.plane)
        elif isinstance(event, OperatorMarked | OperatorOverride | OperatorPaused):
            plane = "" if isinstance(event, OperatorPaused) else event.plane
            yield Done(pts_seconds=event.pts_seconds, what=operator_text(event), plane=plane)


def _fates(record: Record) -> dict[str, str]:
    fates: dict[str, str] = {}
    for event in record.events:
        if isinstance(event, CaptureKept):
            fates[event.capture_id] = "kept"
        elif isinstance(event, CaptureDiscarded):
            fates[event.capture_id] = "discarded"
        elif isinstance(event, CaptureSaved) and event.replaces:
            fates[event.replaces] = "replaced by a better one"
    return fates


def _because(what: str, reasons: Sequence[str]) -> str:
    return f"{what}: {'; '.join(dict.fromkeys(reasons))}."
