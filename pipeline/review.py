"""Retrospective review: files and folders in, one record each out; every frame, the same bytes each time."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import FetalStreamError
from ..models.encoder import Model
from ..sinks import (
    AgeEstimated,
    AgeUnavailable,
    AnyEvent,
    ChdScored,
    ChdUnavailable,
    ModelRef,
    PlaneLeft,
    SignalChanged,
    Sink,
)
from ..sinks.whole import write_whole
from ..sources import SourceError
from ..sources.sniff import is_dicom
from ..sources.uri import safe_name
from . import plugins
from .assemble import build_run, opened_sinks, opened_source
from .config import Config, JsonLinesSection
from .report.cines import fingerprint
from .report.record import EVENTS_NAME, REPORT_NAME, SUMMARY_NAME
from .run import Outcome, StreamRun

VIDEO_SUFFIXES = frozenset({".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"})
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One clip to review: ``path`` is a file or a folder of images, ``name`` the folder its record goes to."""

    path: Path
    name: str


def find_studies(paths: Sequence[Path]) -> list[Study]:
    """Clips under ``paths``, sorted: each file named, each video and DICOM cine in a folder, each folder of images.

    Names are file stems made safe, of DICOM files salted hashes (see `_name`); where two would be equal, the later gets
    a number. Raises `SourceError` for a path that does not exist or a folder that holds nothing to review.
    """
    clips: list[Path] = []
    for path in paths:
        found = [path] if path.is_file() else list(_clips_in(path))
        if not found:
            what = "holds neither videos nor images nor DICOM cines" if path.is_dir() else "does not exist"
            raise SourceError(f"{str(path)!r} {what}")
        clips += found
    taken: set[str] = set()
    studies: list[Study] = []
    for clip in clips:
        stem = _name(clip)
        name, number = stem, 2
        while name.casefold() in taken:  # some file systems do not tell A from a
            name, number = f"{stem}-{number}", number + 1
        taken.add(name.casefold())
        studies.append(Study(path=clip, name=name))
    return studies


def _clips_in(folder: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders.sort()
        paths = [Path(here, name) for name in sorted(files) if not name.startswith(".")]
        yield from (path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES)
        yield from _cines(path for path in paths if path.suffix.lower() not in VIDEO_SUFFIXES | IMAGE_SUFFIXES)
        if any(path.suffix.lower() in IMAGE_SUFFIXES for path in paths):
            yield Path(here)


def _cines(paths: Iterable[Path]) -> list[Path]:
    """The DICOM cines among ``paths``; stills, reports and the like are passed over, damaged files are not."""
    files = [path for path in paths if is_dicom(path)]
    if not files:
        return []
    plugins.load("sources", "dicom")  # says what to install where pydicom is missing
    from ..sources.dicom import is_cine, natural_order

    return sorted(filter(is_cine, files), key=natural_order)


def _name(clip: Path) -> str:
    """The file's stem; of DICOM, what the source calls itself: scanners and archives put patients into file names."""
    if not is_dicom(clip):
        return safe_name(clip)
    try:
        with opened_source(str(clip), realtime=False) as (_, info):
            return info.name
    except FetalStreamError:
        return "dicom"  # it will be refused with its reason, and no folder is made


class _Highlights:
    """A sink that keeps what the summary needs."""

    def __init__(self) -> None:
        self.visits: list[PlaneLeft] = []
        self.signal: list[SignalChanged] = []
        self.age: AgeEstimated | None = None
        self.no_age: list[str] = []
        self.heart: ChdScored | None = None
        self.heart_clips = 0
        self.no_heart: list[str] = []

    def write(self, event: AnyEvent) -> None:
        if isinstance(event, PlaneLeft):
            self.visits.append(event)
        elif isinstance(event, SignalChanged):
            self.signal.append(event)
        elif isinstance(event, AgeEstimated):
            self.age = event
        elif isinstance(event, AgeUnavailable):
            self.no_age.append(event.reason)
        elif isinstance(event, ChdScored):
            self.heart = event if event.level == "exam" else self.heart
            self.heart_clips += event.level == "clip"
        elif isinstance(event, ChdUnavailable):
            self.no_heart.append(event.reason)

    def close(self) -> None:
        pass


def review_study(
    study: Study,
    *,
    config: Config,
    model: Model,
    out: Path,
    extra_sinks: Sequence[Sink] = (),
    on_start: Callable[[StreamRun], None] = lambda _: None,
    on_tick: Callable[[StreamRun], None] = lambda _: None,
) -> dict[str, Any]:
    """Review one clip; write ``out/<name>/events.jsonl`` while it runs and ``summary.json`` once it is whole.

    Returns the summary. Raises `SourceError` when the clip cannot be read at all (nothing is written then) or its
    source fails midway (the record up to there is kept).
    """
    folder = out / study.name
    highlights = _Highlights()
    with opened_source(str(study.path), realtime=False) as (source, info):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for outdated in (SUMMARY_NAME, REPORT_NAME):
                (folder / outdated).unlink(missing_ok=True)
        except OSError as error:
            raise FetalStreamError(f"{str(folder)!r} cannot be written: {error.strerror}") from None
        with opened_sinks([JsonLinesSection(kind="jsonl", path=folder / EVENTS_NAME, append=False)]) as sinks:
            run = build_run(
                config,
                source=source,
                info=info,
                model=model,
                sinks=[*sinks, highlights, *extra_sinks],
                stream=study.name,
                stamped=False,
            )
            on_start(run)
            outcome = run.run(lambda: on_tick(run))
    summary = _summary(run, outcome, highlights) | {"cine": _cine(study.path)}
    write_whole(folder / SUMMARY_NAME, (json.dumps(summary, indent=2) + "\n").encode())
    if outcome.failed:
        shown = study.name if is_dicom(study.path) else repr(str(study.path))
        raise SourceError(f"{shown}: {outcome.ended.reason}")
    return summary


def _summary(run: StreamRun, outcome: Outcome, highlights: _Highlights) -> dict[str, Any]:
    ended = outcome.ended
    identity = run.model.encoder.identity
    return {
        "stream": ended.stream,
        "ended": ended.reason,
        "frames_read": ended.frames_read,
        "frames_embedded": ended.frames_embedded,
        "frames_dropped": sum(ended.frames_dropped.values()),
        "frames_skipped": sum(ended.frames_skipped.values()),
        "frames_skipped_by_reason": dict(sorted(ended.frames_skipped.items())),
        "media_seconds": ended.media_seconds,
        "wall_seconds": round(outcome.wall_seconds, 3),
        "reviewed_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "planes": [
            {
                "plane": visit.plane,
                "start_seconds": visit.start_seconds,
                "end_seconds": visit.end_seconds,
                "best_pts_seconds": visit.best_pts_seconds,
                "best_frame_index": visit.best_frame_index,
                "score": visit.score,
            }
            for visit in highlights.visits
        ],
        "signal": [
            {"state": change.state, "reason": change.reason, "pts_seconds": change.pts_seconds}
            for change in highlights.signal
        ],
        "age": _age(highlights),
        "chd": _chd(highlights),
        "model": {"name": identity.name, "sha256": identity.sha256, "version": identity.version},
        "config_sha256": run.config_sha256,
        "research_use_only": True,
    }


def _cine(path: Path) -> dict[str, Any] | None:
    """What the cine is known by when a report wants its pictures; None where it is gone already."""
    try:
        return {"sha256": fingerprint(path)}
    except SourceError:
        return None


def _age(highlights: _Highlights) -> dict[str, Any] | None:
    """The last age told, over the whole exam, and why there is none or why some frames have none; None: not asked."""
    age, reasons = highlights.age, highlights.no_age
    if age is None:
        return {"unavailable": reasons} if reasons else None
    names = ("age_days", "low_days", "high_days", "coverage", "frames", "spacing_mm", "spacing_by_hand", "method")
    head = None if age.head is None else _reference(age.head)
    return {name: getattr(age, name) for name in names} | {"head": head, "unavailable": reasons}


def _chd(highlights: _Highlights) -> dict[str, Any] | None:
    """The heart head's word on the exam, how many clips it was told of, and why there is none; None: not asked."""
    exam, clips, reasons = highlights.heart, highlights.heart_clips, highlights.no_heart
    if exam is None:
        return {"clips": clips, "unavailable": reasons} if clips or reasons else None
    names = ("score", "low", "high", "threshold", "abstains", "reason", "clips", "trained_on", "prevalence")
    told = {name: getattr(exam, name) for name in (*names, "positive_predictive_value")}
    return told | {"head": _reference(exam.head), "unavailable": reasons}


def _reference(model: ModelRef) -> dict[str, str]:
    return {"name": model.name, "sha256": model.sha256, "version": model.version}
