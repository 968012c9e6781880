"""Which frames of a cine a report shows: a strip of small ones, the best of each plane, and clips of the heart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...models.planes import GROUPS
from ...sinks import CaptureSaved, ChdScored, ChecklistChanged, PlaneLeft
from .record import Record

STRIP_FPS = 4.0
MOST_STRIP_FRAMES = 1000
"""A long cine gets fewer frames a second, so that a report stays small."""

CLIP_SIDE_SECONDS = 1.0
"""How much of a clip lies before the best frame of a visit, and how much after: more where there is less before."""
CLIP_FPS = 25.0
MOST_CLIP_SECONDS = 2.4
MOST_CLIPS = 8

HEART = GROUPS["heart"] | {"heart"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipChoice:
    """A short clip: the frames of a time window, a rate at most, and some that must be in it.

    Attributes:
        plane: what it shows.
        start_seconds, end_seconds: half-open window.
        frame_indexes: frames that are in it whatever the rate: those a heart head used, the best of a visit.
        score_numbers: which of the record's `ChdScored` are about it.
    """

    plane: str
    start_seconds: float
    end_seconds: float
    frame_indexes: frozenset[int]
    score_numbers: tuple[int, ...] = ()


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
    scored = _scored_clips(record.all(ChdScored))
    clips = [*scored, *_visit_clips([visit for visit in visits if not _is_covered(visit, scored)])]
    return Choice(
        strip_fps=min(STRIP_FPS, MOST_STRIP_FRAMES / max(media_seconds, 1.0)),
        strip_indexes=frozenset({visit.best_frame_index for visit in visits} | captured | set(stills)),
        stills=stills,
        clips=tuple(clips[:MOST_CLIPS]),
        clips_left_out=max(0, len(clips) - MOST_CLIPS),
    )


def best_frames(record: Record) -> dict[int, str]:
    """Frame index -> plane, one of each plane that was in view, in order of first sight.

    The checklist has the last word, where its best frame shows that very plane (an item may take several); without
    one it is the best of the visit with the highest score.
    """
    visits = record.all(PlaneLeft)
    best: dict[str, PlaneLeft] = {}
    for visit in visits:
        if visit.plane not in best or visit.best_score > best[visit.plane].best_score:
            best[visit.plane] = visit
    chosen = {plane: visit.best_frame_index for plane, visit in best.items()}
    for item in record.all(ChecklistChanged):
        index, moment = item.best_frame_index, item.best_pts_seconds
        if index is not None and moment is not None and any(_shows(visit, item.plane, moment) for visit in visits):
            chosen[item.plane] = index
    return {index: plane for plane, index in chosen.items()}


def _shows(visit: PlaneLeft, plane: str, moment_seconds: float) -> bool:
    return visit.plane == plane and visit.start_seconds <= moment_seconds < visit.end_seconds


def _scored_clips(scores: Sequence[ChdScored]) -> list[ClipChoice]:
    """What the heart head saw; its windows overlap, so those of one view make one clip."""
    clips: list[ClipChoice] = []
    for number, score in enumerate(scores):
        if score.level != "clip":
            continue
        clip = ClipChoice(
            plane="four_chamber",
            start_seconds=score.start_seconds,
            end_seconds=score.end_seconds,
            frame_indexes=frozenset(score.frame_indexes),
            score_numbers=(number,),
        )
        if clips and clip.start_seconds < clips[-1].end_seconds:
            joined = _joined(clips[-1], clip)
            if joined.end_seconds - joined.start_seconds <= MOST_CLIP_SECONDS:
                clips[-1] = joined
                continue
        clips.append(clip)
    return clips


def _joined(one: ClipChoice, other: ClipChoice) -> ClipChoice:
    return replace(
        one,
        start_seconds=min(one.start_seconds, other.start_seconds),
        end_seconds=max(one.end_seconds, other.end_seconds),
        frame_indexes=one.frame_indexes | other.frame_indexes,
        score_numbers=one.score_numbers + other.score_numbers,
    )


def _is_covered(visit: PlaneLeft, clips: Sequence[ClipChoice]) -> bool:
    return any(clip.start_seconds <= visit.best_pts_seconds < clip.end_seconds for clip in clips)


def _visit_clips(visits: Sequence[PlaneLeft]) -> list[ClipChoice]:
    """One around the best frame of each visit of a heart plane, the best visit first."""
    return [
        ClipChoice(
            plane=visit.plane,
            start_seconds=max(visit.start_seconds, visit.best_pts_seconds - CLIP_SIDE_SECONDS),
            end_seconds=min(
                visit.end_seconds,
                max(visit.best_pts_seconds, visit.start_seconds + CLIP_SIDE_SECONDS) + CLIP_SIDE_SECONDS,
            ),
            frame_indexes=frozenset({visit.best_frame_index}),
        )
        for visit in sorted(visits, key=lambda visit: -visit.best_score)
        if visit.plane in HEART
    ]
