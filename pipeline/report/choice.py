"""Which frames of a cine a report shows: a strip of small ones, the best of each plane, and clips of the heart."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...models.planes import GROUPS
from ...sinks import CaptureSaved, ChdScored, ChecklistChanged, PlaneLeft
from .record import Record

STRIP_FPS = 4.0
MOST_STRIP_FRAMES = 1200
"""A long cine gets fewer frames a second, so that a report stays small."""

CLIP_SIDE_SECONDS = 1.0
"""How much of a clip lies before the best frame of a visit, and how much after: more where there is less before."""
CLIP_FPS = 25.0
MOST_CLIP_FRAMES = 64
MOST_CLIPS = 10

HEART = GROUPS["heart"] | {"heart"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipChoice:
    """A short clip: all frames of a time window, or the very frames that a heart head used.

    Attributes:
        plane: what it shows.
        start_seconds, end_seconds: half-open window.
        frame_indexes: if not empty, these frames and no other.
        best_frame_index: the frame it is about, None where there is none.
        score_number: which of the record's `ChdScored` it belongs to, None for a visit.
        visit_number: which of the record's `PlaneLeft` it belongs to, None for a heart head's.
    """

    plane: str
    start_seconds: float
    end_seconds: float
    frame_indexes: frozenset[int] = frozenset()
    best_frame_index: int | None = None
    score_number: int | None = None
    visit_number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is wanted of a cine.

    Attributes:
        strip_fps: frames of the strip per second of media time.
        strip_indexes: frames that are in the strip whatever their time: the best of each visit, captures.
        stills: frame index and plane of what is shown large.
        clips: in the order in which they are shown.
        clips_left_out: how many more there would be.
    """

    strip_fps: float
    strip_indexes: frozenset[int]
    stills: dict[int, str]
    clips: tuple[ClipChoice, ...]
    clips_left_out: int = 0


def choose(record: Record, *, media_seconds: float) -> Choice:
    """What the report of a record shows of its cine."""
    visits = record.all(PlaneLeft)
    stills = best_frames(record)
    captured = {capture.frame_index for capture in record.all(CaptureSaved)}
    clips = [*_scored_clips(record.all(ChdScored)), *_visit_clips(visits)]
    return Choice(
        strip_fps=min(STRIP_FPS, MOST_STRIP_FRAMES / max(media_seconds, 1.0)),
        strip_indexes=frozenset({visit.best_frame_index for visit in visits} | captured | set(stills)),
        stills=stills,
        clips=tuple(clips[:MOST_CLIPS]),
        clips_left_out=max(0, len(clips) - MOST_CLIPS),
    )


def best_frames(record: Record) -> dict[int, str]:
    """Frame index -> plane, one of each plane that was in view, in order of first sight.

    The checklist, which knows quality, has the last word; without one it is the frame with the highest score.
    """
    best: dict[str, PlaneLeft] = {}
    for visit in record.all(PlaneLeft):
        if visit.plane not in best or visit.best_score > best[visit.plane].best_score:
            best[visit.plane] = visit
    chosen = {plane: visit.best_frame_index for plane, visit in best.items()}
    for item in record.all(ChecklistChanged):
        if item.best_frame_index is not None and item.plane in chosen:
            chosen[item.plane] = item.best_frame_index
    return {index: plane for plane, index in chosen.items()}


def _scored_clips(scores: Sequence[ChdScored]) -> list[ClipChoice]:
    return [
        ClipChoice(
            plane="four_chamber",
            start_seconds=score.start_seconds,
            end_seconds=score.end_seconds,
            frame_indexes=frozenset(sorted(score.frame_indexes)[:MOST_CLIP_FRAMES]),
            score_number=number,
        )
        for number, score in enumerate(scores)
        if score.level == "clip"
    ]


def _visit_clips(visits: Sequence[PlaneLeft]) -> list[ClipChoice]:
    """One around the best frame of each visit of a heart plane, the best visit first."""
    hearts = [(number, visit) for number, visit in enumerate(visits) if visit.plane in HEART]
    return [
        ClipChoice(
            plane=visit.plane,
            start_seconds=max(visit.start_seconds, visit.best_pts_seconds - CLIP_SIDE_SECONDS),
            end_seconds=min(
                visit.end_seconds,
                max(visit.best_pts_seconds, visit.start_seconds + CLIP_SIDE_SECONDS) + CLIP_SIDE_SECONDS,
            ),
            best_frame_index=visit.best_frame_index,
            visit_number=number,
        )
        for number, visit in sorted(hearts, key=lambda pair: -pair[1].best_score)
    ]
