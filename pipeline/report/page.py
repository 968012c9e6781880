"""Pages: one file each, with everything inside, for a browser without a network."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from ... import __version__
from ...sinks import CaptureSaved, PlaneLeft, QualityChanged, QualityItem
from ...sinks.text_findings import weeks
from . import findings, words
from .capture_cards import capture_cards, captures_text
from .choice import Choice
from .contents import Contents, Tile, clip_cards, facts, script_data, tiles
from .pictures import Still
from .sheets import in_letters
from .stretches import SIGNAL_WORDS

SOFTWARE = f"fetalstream {__version__}"
_SCALE_MM = 10.0


def report_page(contents: Contents, choice: Choice, *, no_pictures: str = "", has_index: bool = True) -> str:
    """The page of one study as HTML.

    Args:
        choice: what was wanted of the cine.
        no_pictures: why there are none; empty where there are.
        has_index: whether there is an index beside the study's folder to go back to.
    """
    record = contents.record
    script = _text("report.js")
    return _environment().get_template("report.html").render(
        **_shell(script),
        script=Markup(script),  # noqa: S704 - ours
        data=Markup(_json(script_data(contents))),  # noqa: S704 - every "<" in it is written as \u003c
        page=contents,
        software=SOFTWARE,
        has_index=has_index,
        no_pictures=no_pictures,
        rate=f"{choice.strip_fps:.1f}".removesuffix(".0"),
        tiles=tiles(contents),
        legend=_legend(contents),
        marks=_marks(contents),
        stills=[_shown(still, contents) for still in contents.stills],
        judged=record.last(QualityChanged) is not None,
        no_quality=findings.NO_QUALITY,
        has_captures=record.last(CaptureSaved) is not None,
        captures=capture_cards(contents.captures),
        captures_text=captures_text(contents.captures),
        checklist=findings.checklist(record),
        no_checklist=findings.NO_CHECKLIST,
        no_heart=findings.heart_missing(record),
        clips=clip_cards(contents),
        clips_left_out=choice.clips_left_out if contents.pictures else 0,
        no_age=findings.age_missing(record),
        age_gaps=findings.age_gaps(record),
        chart=_chart(contents),
        doings=findings.doings(record),
        facts=facts(record),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A study in the index; ``link`` is where its report lies, empty where there is none."""

    name: str
    link: str
    length: str
    planes: str
    checklist: Tile | None
    age: Tile | None
    heart: Tile | None
    warnings: tuple[str, ...]


def row_of(contents: Contents, *, folder: str) -> Row:
    """What the index says of a study whose report lies in ``folder``."""
    checked, planes, age, heart, _ = tiles(contents)
    found = words.in_order([visit.plane for visit in contents.visits])
    return Row(
        name=contents.record.name,
        link=f"{quote(folder)}/report.html",
        length=words.seconds(contents.end_seconds),
        planes=", ".join(map(words.plane_title, found)) or planes.value,
        checklist=checked,
        age=age,
        heart=heart,
        warnings=contents.warnings,
    )


def unread_row(name: str, reason: str) -> Row:
    """A study whose record cannot be read."""
    return Row(name=name, link="", length="", planes="", checklist=None, age=None, heart=None, warnings=(reason,))


def index_page(rows: Sequence[Row]) -> str:
    """The page that lists all studies."""
    return _environment().get_template("index.html").render(**_shell(None), rows=rows)


def _shell(script: str | None) -> dict[str, Any]:
    """What every page has: its style, and a policy that lets in nothing but what the page itself holds."""
    style = _text("report.css")
    policy = [
        "default-src 'none'",
        "img-src data:",
        "media-src data:",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(script)}'" if script else "script-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return {"style": Markup(style), "policy": Markup("; ".join(policy))}  # noqa: S704 - ours


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _text(name: str) -> str:
    return files(__package__ or "").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "at": words.at,
        "seconds": words.seconds,
        "figure": words.figure,
        "chance": words.chance,
        "title": words.plane_title,
        "count": words.plural,
        "age_text": findings.age_text,
        "base64": in_letters,
        "moment": _moment,
    }
    environment.filters.update(filters)  # pyright: ignore[reportUnknownMemberType]
    return environment


def _json(tree: dict[str, Any]) -> str:
    return str(jinja2.utils.htmlsafe_json_dumps(tree, separators=(",", ":")))


def _moment(text: object) -> str:
    """ "2026-03-01T09:15:02Z" -> "2026-03-01 09:15 UTC"."""
    return f"{str(text)[:10]} {str(text)[11:16]} UTC"


def _legend(contents: Contents) -> list[tuple[str, str]]:
    kinds = list(dict.fromkeys(stretch.kind for stretch in [*contents.unfit, *contents.poor]))
    views = [("visit", "plane in view")] if contents.visits else []
    views += [("part", "seen, but which plane is not clear")] if contents.parts else []
    return [("usable", "usable picture"), *views, *((kind, SIGNAL_WORDS.get(kind, kind).lower()) for kind in kinds)]


def _marks(contents: Contents) -> list[tuple[str, str]]:
    """How moments are drawn, and what they are; those that are there."""
    looks = {mark.look for lane in contents.timeline.lanes for mark in lane.marks}
    words_of = {"capture": "captured", "operator": "the operator's", "damage": "damage"}
    return [(look, word) for look, word in words_of.items() if look in looks]


def _shown(still: Still, contents: Contents) -> dict[str, Any]:
    """A still, and what the record says of its frame and plane."""
    record = contents.record
    of_plane = [visit for visit in contents.visits if visit.plane == still.plane]
    length = sum(visit.end_seconds - visit.start_seconds for visit in of_plane)
    scores = [visit.best_score for visit in of_plane if visit.best_frame_index == still.frame_index]
    view = next((one for one in of_plane if one.start_seconds <= still.pts_seconds < one.end_seconds), None)
    quality = _quality_at(record.all(QualityChanged), still, view)
    scale = None if still.spacing_mm is None else 100 * _SCALE_MM / (still.spacing_mm * max(1, still.width_px))
    return {
        **{name: getattr(still, name) for name in still.__dataclass_fields__},
        "score": words.figure(scores[0]) if scores else "",
        "views": f"{words.plural(len(of_plane), 'view')}, {words.seconds(length)} in all",
        "quality": quality,
        "good": ", ".join(words.plane_title(item.name).lower() for item in quality or () if item.ok),
        "scale_percent": None if scale is None else round(scale, 3),
    }


def _quality_at(
    changes: Sequence[QualityChanged], still: Still, view: PlaneLeft | None
) -> Sequence[QualityItem] | None:
    """The last that was said of the view's quality by the time of the frame, or first behind it: quality is told once
    a plane has entered. None where nothing was; each view is judged anew."""
    if view is None:
        return None
    of_view = [one for one in changes if one.plane == still.plane and _is_within(one.pts_seconds, view)]
    before = [one for one in of_view if one.pts_seconds <= still.pts_seconds]
    chosen = before[-1:] or of_view[:1]
    return chosen[0].items if chosen else None


def _is_within(pts_seconds: float, view: PlaneLeft) -> bool:
    return view.start_seconds <= pts_seconds < view.end_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chart:
    """Points in a box of 100 by 100, and what its upper and lower edges mean."""

    median: str
    band: str
    low: str
    high: str


def _chart(contents: Contents) -> _Chart | None:
    """The age over the cine; None where there are fewer than two estimates."""
    ages = contents.ages
    if len(ages) < 2:
        return None
    days = [day for age in ages for day in (age.age_days, age.low_days, age.high_days) if day is not None]
    low, high = min(days) - 3, max(days) + 3

    def point(age_seconds: float, day: float) -> str:
        x = 100 * age_seconds / max(contents.end_seconds, 0.001)
        return f"{min(100.0, x):.2f},{100 * (high - day) / (high - low):.2f}"

    upper = [point(age.pts_seconds, age.high_days) for age in ages if age.high_days is not None]
    lower = [point(age.pts_seconds, age.low_days) for age in ages if age.low_days is not None]
    return _Chart(
        median=" ".join(point(age.pts_seconds, age.age_days) for age in ages),
        band=" ".join([*upper, *reversed(lower)]),
        low=weeks(low),
        high=weeks(high),
    )
