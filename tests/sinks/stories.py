"""One event of each kind of finding, and of each thing an operator does."""

from collections.abc import Sequence
from typing import Any

from fetalstream.sinks import (
    AgeEstimated,
    AgeUnavailable,
    AnyEvent,
    CaptureDiscarded,
    CaptureFailed,
    CaptureKept,
    CaptureSaved,
    ChdScored,
    ChdUnavailable,
    ChecklistChanged,
    ModelRef,
    OperatorMarked,
    OperatorOverride,
    OperatorPaused,
    PartEntered,
    PartLeft,
    QualityChanged,
    QualityItem,
)

HEAD = ModelRef(name="age", sha256="ef" * 32, version="1")


def findings(stream: str, *, first_sequence: int) -> list[AnyEvent]:
    """Eight of them, numbered from ``first_sequence``."""
    dark = QualityItem(name="gain", ok=False, score=0.2, reason="too dark: turn the gain up")
    kinds: Sequence[tuple[type[Any], dict[str, Any]]] = [
        (QualityChanged, {"plane": "femur", "pts_seconds": 1.6, "items": (dark,)}),
        (
            ChecklistChanged,
            {
                "protocol": "core_4",
                "item": "femur",
                "plane": "femur",
                "state": "poor",
                "seen": 0,
                "wanted": 1,
                "reasons": (dark.reason,),
                "best_frame_index": 40,
                "best_pts_seconds": 1.6,
                "pts_seconds": 1.6,
            },
        ),
        (
            AgeEstimated,
            {
                "age_days": 148.6,
                "low_days": 141.0,
                "high_days": 156.0,
                "coverage": 0.95,
                "frames": 12,
                "spacing_mm": 0.2,
                "method": "calibrated",
                "head": HEAD,
                "pts_seconds": 1.6,
            },
        ),
        (AgeUnavailable, {"reason": "no pixel spacing"}),
        (
            ChdScored,
            {
                "level": "clip",
                "score": 0.12,
                "low": 0.05,
                "high": 0.3,
                "threshold": 0.2,
                "abstains": True,
                "reason": "the interval is wide",
                "frame_indexes": (1, 3, 5),
                "start_seconds": 0.1,
                "end_seconds": 0.5,
                "clips": 1,
                "head": HEAD,
                "trained_on": "phantom hearts",
                "prevalence": 0.01,
                "positive_predictive_value": 0.04,
            },
        ),
        (ChdUnavailable, {"reason": "no head file"}),
        (PartEntered, {"part": "brain", "start_seconds": 1.0, "score": 0.9}),
        (
            PartLeft,
            {
                "part": "brain",
                "start_seconds": 1.0,
                "end_seconds": 1.6,
                "score": 0.88,
                "frames": 15,
                "reason": "transthalamic",
            },
        ),
    ]
    return _numbered(stream, first_sequence, kinds)


def doings(stream: str, *, first_sequence: int) -> list[AnyEvent]:
    """Seven of them, numbered from ``first_sequence``."""
    capture = {"capture_id": "femur-0001", "plane": "femur"}
    kinds: Sequence[tuple[type[Any], dict[str, Any]]] = [
        (
            CaptureSaved,
            {
                **capture,
                "frame_index": 40,
                "pts_seconds": 1.6,
                "score": 0.9,
                "quality": 0.8,
                "cause": "auto",
                "still": "femur-0001.png",
                "clip": "femur-0001.mp4",
            },
        ),
        (CaptureKept, capture),
        (CaptureDiscarded, capture),
        (CaptureFailed, {"plane": "femur", "pts_seconds": 1.6, "reason": "no space left on the disk"}),
        (OperatorOverride, {"plane": "four_chamber", "plane_said": "femur", "pts_seconds": 1.6}),
        (OperatorMarked, {"text": "ask about this", "plane": "femur", "pts_seconds": None}),
        (OperatorPaused, {"paused": True, "pts_seconds": 1.6}),
    ]
    return _numbered(stream, first_sequence, kinds)


def _numbered(stream: str, first: int, kinds: Sequence[tuple[type[Any], dict[str, Any]]]) -> list[AnyEvent]:
    return [kind(stream=stream, sequence=first + number, **fields) for number, (kind, fields) in enumerate(kinds)]
