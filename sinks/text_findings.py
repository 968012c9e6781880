"""Findings and the operator's doings as plain words; see `text`."""

from collections.abc import Sequence

from .findings import (
    AgeEstimated,
    AgeUnavailable,
    ChdScored,
    ChdUnavailable,
    ChecklistChanged,
    PartEntered,
    PartLeft,
    QualityChanged,
)
from .operator import (
    CaptureDiscarded,
    CaptureFailed,
    CaptureKept,
    CaptureSaved,
    OperatorMarked,
    OperatorOverride,
    OperatorPaused,
)

Finding = (
    PartEntered | PartLeft | QualityChanged | ChecklistChanged | AgeEstimated | AgeUnavailable | ChdScored
    | ChdUnavailable | CaptureSaved | CaptureKept | CaptureDiscarded | CaptureFailed | OperatorOverride
    | OperatorMarked | OperatorPaused
)  # fmt: skip


def clock(seconds: float | None) -> str:
    """Media time as minutes, seconds and milliseconds: 72.5 -> "1:12.500"; empty for None."""
    if seconds is None:
        return ""
    minutes, milliseconds = divmod(round(abs(seconds) * 1000), 60_000)
    return f"{'-' if seconds < 0 else ''}{minutes}:{milliseconds / 1000:06.3f}"


def weeks(days: float) -> str:
    """Age as it is written in a clinic: 148.6 -> "21w2d"."""
    whole = round(days)
    return f"{whole // 7}w{whole % 7}d"


def finding_parts(event: Finding) -> tuple[str, str]:
    """Media time and what happened."""
    if isinstance(event, PartEntered):
        return clock(event.start_seconds), f"{event.part}  score {event.score:.2f}, plane not clear"
    if isinstance(event, PartLeft):
        why = f" ({event.reason})" if event.reason else ""
        return clock(event.end_seconds), f"{event.part}  since {clock(event.start_seconds)}, {event.frames} frames{why}"
    if isinstance(event, QualityChanged):
        wrong = [item.reason or item.name for item in event.items if not item.ok]
        return clock(event.pts_seconds), f"{event.plane}  {'; '.join(wrong) or 'good'}"
    if isinstance(event, ChecklistChanged):
        return clock(event.pts_seconds), _item(event)
    if isinstance(event, AgeEstimated):
        return clock(event.pts_seconds), _age(event)
    if isinstance(event, ChdScored):
        return clock(event.end_seconds), _heart(event)
    if isinstance(event, AgeUnavailable | ChdUnavailable):
        return "", event.reason
    return _doing(event)


def _item(event: ChecklistChanged) -> str:
    return f"{event.item}  {event.state}, {event.seen} of {event.wanted}{_why(event.reasons)}"


def _age(event: AgeEstimated) -> str:
    interval = ""
    if event.low_days is not None and event.high_days is not None:
        interval = f" ({weeks(event.low_days)} to {weeks(event.high_days)})"
    return f"{weeks(event.age_days)}{interval}, {event.method}, {event.frames} frames"


def _heart(event: ChdScored) -> str:
    verdict = f"abstains: {event.reason}" if event.abstains else f"score {event.score:.3f}"
    interval = f"{event.low:.3f} to {event.high:.3f}, abnormal from {event.threshold:.3f}"
    return f"{event.level}  {verdict} ({interval}), {event.clips} clips; trained on {event.trained_on}"


def _doing(
    event: CaptureSaved
    | CaptureKept
    | CaptureDiscarded
    | CaptureFailed
    | OperatorOverride
    | OperatorMarked
    | OperatorPaused,
) -> tuple[str, str]:
    if isinstance(event, CaptureSaved):
        instead = f", instead of {event.replaces}" if event.replaces else ""
        return clock(event.pts_seconds), f"{event.plane}  {event.still} ({event.cause}){instead}"
    if isinstance(event, CaptureKept | CaptureDiscarded):
        return "", f"{event.plane}  {event.capture_id}"
    if isinstance(event, CaptureFailed):
        return clock(event.pts_seconds), f"{event.plane}  not kept: {event.reason}"
    if isinstance(event, OperatorOverride):
        return clock(event.pts_seconds), f"{event.plane or 'none'} instead of {event.plane_said or 'none'}"
    if isinstance(event, OperatorMarked):
        return clock(event.pts_seconds), f"{event.plane}  {event.text}"
    return clock(event.pts_seconds), "analysis paused" if event.paused else "analysis goes on"


def _why(reasons: Sequence[str]) -> str:
    return f" ({'; '.join(reasons)})" if reasons else ""
