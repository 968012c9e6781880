"""Everything a report shows of one study, ready for the page: what the record says, and the pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ...sinks import AgeEstimated, ChdScored, PartLeft, PlaneLeft
from ...sinks.text_findings import weeks
from . import findings
from .captures import Shot
from .pictures import Clip, Pictures, Still
from .record import Record
from .sheets import Strip, in_letters
from .stretches import SIGNAL_WORDS, Stretch, closed_stretches, poor_stretches
from .timeline import Timeline, draw
from .warnings import warnings
from .words import at, chance, in_order, of_whole, plane_title, plural, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One answer at the top of the page; ``look`` is "good", "poor", "missing" or ""."""

    title: str
    value: str
    note: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a page shows.

    Attributes:
        end_seconds: length of the cine.
        pictures: of the cine; None where there are none.
        captures: what was kept when the study ended.
        unfit: closed gates and gaps, by time.
        poor: when a plane in view was not good enough.
    """

    record: Record
    end_seconds: float
    pictures: Pictures | None
    captures: tuple[Shot, ...]
    timeline: Timeline
    warnings: tuple[str, ...]
    unfit: tuple[Stretch, ...]
    poor: tuple[Stretch, ...]

    @property
    def visits(self) -> list[PlaneLeft]:
        return self.record.all(PlaneLeft)

    @property
    def unseen(self) -> list[str]:
        """Planes that the model can say and never said, in the order of a mid-trimester scan."""
        started = self.record.started
        seen = {visit.plane for visit in self.visits}
        return in_order([label for label in (started.labels[1:] if started else ()) if label not in seen])

    @property
    def parts(self) -> list[PartLeft]:
        """Parts of the body that were in view with no plane of theirs told."""
        return self.record.all(PartLeft)

    @property
    def ages(self) -> list[AgeEstimated]:
        return self.record.all(AgeEstimated)

    @property
    def stills(self) -> Sequence[Still]:
        """In the order of a mid-trimester scan."""
        stills = self.pictures.stills if self.pictures else ()
        order = in_order([still.plane for still in stills])
        return sorted(stills, key=lambda still: order.index(still.plane))

    @property
    def heart(self) -> ChdScored | None:
        """The heart head's last word on the exam; of a record that was cut off, on a clip."""
        scores = self.record.all(ChdScored)
        exams = [score for score in scores if score.level == "exam"]
        return (exams or scores)[-1] if scores else None


def contents_of(
    record: Record, pictures: Pictures | None, *, captures: Sequence[Shot] = (), no_pictures: str = ""
) -> Contents:
    """Put a page together. ``no_pictures`` says why there are none, where the reader should know."""
    end_seconds = length_seconds(record)
    if pictures is not None:
        end_seconds = max(end_seconds, pictures.end_seconds)
    closed = closed_stretches(record.events, end_seconds=end_seconds)
    unfit = sorted([*closed, *(pictures.gaps if pictures else ())], key=lambda one: one.start_seconds)
    poor = poor_stretches(record.events, end_seconds=end_seconds)
    return Contents(
        record=record,
        end_seconds=end_seconds,
        pictures=pictures,
        captures=tuple(captures),
        timeline=draw(record, end_seconds=end_seconds, unfit=unfit, poor=poor),
        warnings=tuple(warnings(record, pictures, unfit=unfit, end_seconds=end_seconds, no_pictures=no_pictures)),
        unfit=tuple(unfit),
        poor=tuple(poor),
    )


def length_seconds(record: Record) -> float:
    """How long the cine is, as far as the record goes."""
    if record.ended is not None:
        return record.ended.media_seconds
    told = (getattr(event, name, None) for event in record.events for name in ("end_seconds", "pts_seconds"))
    return max((float(moment) for moment in told if moment is not None), default=0.0)


def tiles(contents: Contents) -> list[Tile]:
    """The answers at a glance."""
    return [
        _checklist_tile(contents.record),
        _planes_tile(contents),
        _age_tile(contents.record),
        _heart_tile(contents),
        _judged_tile(contents),
    ]


def _checklist_tile(record: Record) -> Tile:
    found = findings.checklist(record)
    if found is None:
        return Tile(title="Checklist", value="none", note="no protocol was set", look="missing")
    done = found.of("done")
    others = {state.replace("_", " "): found.of(state) for state in ("missing", "poor", "not_judged")}
    notes = [f"{word}: {', '.join(titles)}" for word, titles in others.items() if titles]
    look = "good" if len(done) == len(found.items) else "poor"
    return Tile(title="Checklist", value=f"{len(done)} of {len(found.items)}", note="; ".join(notes), look=look)


def _planes_tile(contents: Contents) -> Tile:
    visits = contents.visits
    planes = in_order([visit.plane for visit in visits])
    if not planes:
        return Tile(title="Planes", value="none", note="no standard plane was found", look="missing")
    return Tile(title="Planes", value=str(len(planes)), note=f"in {plural(len(visits), 'view')}")


def _age_tile(record: Record) -> Tile:
    age = record.last(AgeEstimated)
    if age is None:
        return Tile(title="Gestational age", value="none", note=_reason(findings.age_missing(record)), look="missing")
    return Tile(
        title="Gestational age", value=weeks(age.age_days), note=findings.age_interval(age) or "no interval: zero-shot"
    )


def _heart_tile(contents: Contents) -> Tile:
    exam = contents.heart
    if exam is None:
        why = _reason(findings.heart_missing(contents.record))
        return Tile(title="Heart score", value="none", note=why, look="missing")
    note = f"{chance(exam.low)} to {chance(exam.high)}; head trained on {exam.trained_on}"
    if exam.abstains:
        return Tile(title="Heart score", value="abstains", note=f"{exam.reason}; head trained on {exam.trained_on}")
    return Tile(title="Heart score", value=chance(exam.score), note=note)


def _reason(sentence: str) -> str:
    return sentence.partition(": ")[2].rstrip(".") or sentence


def _judged_tile(contents: Contents) -> Tile:
    by_kind: dict[str, float] = {}
    for stretch in contents.unfit:
        by_kind[stretch.kind] = by_kind.get(stretch.kind, 0.0) + stretch.seconds
    lost = sum(by_kind.values())
    notes = [f"{SIGNAL_WORDS.get(kind, kind).lower()} {seconds(length)}" for kind, length in by_kind.items()]
    fit = of_whole(max(0.0, contents.end_seconds - lost), contents.end_seconds)
    note = "; ".join(notes) or "no frozen, black or missing picture"
    return Tile(title="Usable picture", value=fit, note=note)


def script_data(contents: Contents) -> dict[str, Any]:
    """What the page's script needs; only numbers, words and base64."""
    pictures = contents.pictures
    return {
        "end": contents.end_seconds,
        "strip": None if pictures is None else _strip(pictures.strip),
        "clips": [] if pictures is None else [_strip(clip.strip) for clip in pictures.clips],
        "visits": [
            [plane_title(one.plane), one.start_seconds, one.end_seconds, one.best_pts_seconds, one.best_frame_index]
            for one in sorted(contents.visits, key=lambda one: one.start_seconds)
        ],
        "stretches": [
            [(f"{plane_title(one.plane)}: " if one.plane else "") + one.said, one.start_seconds, one.end_seconds]
            for one in [*contents.unfit, *contents.poor]
        ],
    }


def _strip(strip: Strip) -> dict[str, Any]:
    refusals = sorted({cell.refused for cell in strip.cells if cell.refused})
    return {
        "cells": [
            [
                cell.frame_index,
                round(cell.pts_seconds, 4),
                cell.sheet,
                cell.place if cell.sheet >= 0 else refusals.index(cell.refused),
            ]
            for cell in strip.cells
        ],
        "refusals": refusals,
        "sheets": [in_letters(sheet) for sheet in strip.sheets],
        "columns": strip.columns,
        "width": strip.cell_width_px,
        "height": strip.cell_height_px,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipCard:
    """A clip and what is said of it."""

    number: int
    clip: Clip
    title: str
    text: str
    scores: tuple[ChdScored, ...]


def clip_cards(contents: Contents) -> list[ClipCard]:
    """Clips in the order of the choice."""
    return list(_clip_cards(contents))


def _clip_cards(contents: Contents) -> Iterator[ClipCard]:
    scores = contents.record.all(ChdScored)
    for number, clip in enumerate(contents.pictures.clips if contents.pictures else ()):
        choice, cells = clip.choice, clip.strip.cells
        text = f"{at(choice.start_seconds)} to {at(choice.end_seconds)}, {plural(len(cells), 'frame')}"
        text += f"; the heart head used {len(choice.frame_indexes)} of them" if choice.score_numbers else ""
        yield ClipCard(
            number=number,
            clip=clip,
            title=plane_title(choice.plane),
            text=text,
            scores=tuple(scores[one] for one in choice.score_numbers),
        )


def facts(record: Record) -> list[tuple[str, str]]:
    """Where all of it comes from: (what, value)."""
    started, ended, summary = record.started, record.ended, record.summary
    assert started is not None
    rows = [
        ("Source", started.source),
        ("Software", started.software),
        ("Model", f"{started.model.name}, version {started.model.version}"),
        ("Model weights, SHA-256", started.model.sha256),
        ("Configuration, SHA-256", started.config_sha256),
        ("Cine, SHA-256", record.cine_sha256 or "was not taken"),
    ]
    heads = {age.head.name: age.head.sha256 for age in record.all(AgeEstimated) if age.head is not None}
    heads |= {score.head.name: score.head.sha256 for score in record.all(ChdScored)}
    rows += [(f"Head {name}, SHA-256", sha256) for name, sha256 in heads.items()]
    if ended is not None:
        skipped = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in ended.frames_skipped.items())
        rows += [
            ("Frames read", str(ended.frames_read)),
            ("Frames given to the model", str(ended.frames_embedded)),
            ("Frames dropped", str(sum(ended.frames_dropped.values()))),
            ("Frames left out on purpose", skipped or "0"),
            ("End", ended.reason),
        ]
    wall, when = summary.get("wall_seconds"), summary.get("reviewed_at")
    if isinstance(wall, int | float) and ended is not None:
        speed = f" ({ended.media_seconds / wall:.1f} times real time)" if wall > 0 else ""
        rows.append(("The review took", f"{seconds(float(wall))}{speed}"))
    if isinstance(when, str):
        rows.append(("Reviewed at", when))
    rows.append(("Planes that can be said", ", ".join(map(plane_title, cast("Sequence[str]", started.labels[1:])))))
    return rows
