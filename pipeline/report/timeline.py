"""The timeline: what was in view when, as bars on lanes. Places are per cent of the width, so that it fits any page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...sinks import (
    CaptureSaved,
    OperatorMarked,
    OperatorOverride,
    OperatorPaused,
    PartLeft,
    PlaneLeft,
    QualityChanged,
    StreamDamaged,
)
from .record import Record
from .stretches import Stretch
from .words import at, figure, in_order, plane_title, seconds

_STEPS_SECONDS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_TICKS = 10
LEAST_WIDTH = 0.25
"""Per cent: a shorter bar could not be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """From ``x`` on, ``width`` wide (per cent); ``look`` says how it is drawn, ``text`` what it is."""

    x: float
    width: float
    look: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment at ``x`` (per cent)."""

    x: float
    look: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One row."""

    title: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...] = ()
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A time that is written under the lanes."""

    x: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All lanes over [0, end_seconds)."""

    end_seconds: float
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]


def draw(record: Record, *, end_seconds: float, unfit: Sequence[Stretch], poor: Sequence[Stretch]) -> Timeline:
    """The timeline of a record.

    Args:
        end_seconds: length of the cine.
        unfit: closed gates and gaps.
        poor: when a plane in view was not good enough.
    """
    scale = _Scale(max(end_seconds, 0.001))
    visits = record.all(PlaneLeft)
    lanes = [Lane(title="Picture", look="picture", bars=tuple(scale.bar(one, one.kind, _text(one)) for one in unfit))]
    for plane in in_order([visit.plane for visit in visits]):
        of_plane = [visit for visit in visits if visit.plane == plane]
        lanes.append(
            Lane(
                title=plane_title(plane),
                look="plane",
                bars=tuple(scale.bar(visit, "visit", _visit_text(visit)) for visit in of_plane),
                marks=tuple(
                    scale.mark(visit.best_pts_seconds, "best", f"best frame {at(visit.best_pts_seconds)}")
                    for visit in of_plane
                ),
            )
        )
    parts = record.all(PartLeft)
    for name in dict.fromkeys(part.part for part in parts):
        bars = tuple(scale.bar(part, "part", _part_text(part)) for part in parts if part.part == name)
        lanes.append(Lane(title=f"{plane_title(name)}, unclear", bars=bars))
    if record.last(QualityChanged) is not None:
        lanes.append(Lane(title="Poor quality", bars=tuple(scale.bar(one, "poor", _text(one)) for one in poor)))
    if marks := tuple(_marks(record, scale)):
        lanes.append(Lane(title="Marks", bars=(), marks=marks))
    return Timeline(end_seconds=end_seconds, lanes=tuple(lanes), ticks=tuple(_ticks(scale)))


@dataclass(frozen=True, slots=True)
class _Scale:
    """Seconds to per cent."""

    end_seconds: float

    def __call__(self, moment_seconds: float) -> float:
        return round(min(100.0, max(0.0, 100 * moment_seconds / self.end_seconds)), 3)

    def bar(self, what: Stretch | PlaneLeft | PartLeft, look: str, text: str) -> Bar:
        x = min(self(what.start_seconds), 100 - LEAST_WIDTH)
        width = max(LEAST_WIDTH, round(self(what.end_seconds) - x, 3))
        return Bar(x=x, width=width, look=look, text=text)

    def mark(self, moment_seconds: float, look: str, text: str) -> Mark:
        return Mark(x=self(moment_seconds), look=look, text=text)


def _text(stretch: Stretch) -> str:
    what = f"{stretch.title}{': ' + stretch.reason if stretch.reason else ''}"
    plane = f"{plane_title(stretch.plane)}: " if stretch.plane else ""
    return f"{plane}{what} ({at(stretch.start_seconds)} to {at(stretch.end_seconds)}, {seconds(stretch.seconds)})"


def _visit_text(visit: PlaneLeft) -> str:
    span = f"{at(visit.start_seconds)} to {at(visit.end_seconds)}"
    return f"{plane_title(visit.plane)}, {span}, mean score {figure(visit.score)}"


def _part_text(part: PartLeft) -> str:
    span = f"{at(part.start_seconds)} to {at(part.end_seconds)}"
    return f"{plane_title(part.part)}, which plane is not clear, {span}"


def _marks(record: Record, scale: _Scale) -> Iterator[Mark]:
    for event in record.events:
        if isinstance(event, StreamDamaged) and event.pts_seconds is not None:
            yield scale.mark(event.pts_seconds, "damage", f"{event.what} ({at(event.pts_seconds)})")
        elif isinstance(event, CaptureSaved):
            yield scale.mark(event.pts_seconds, "capture", f"captured, {event.cause} ({at(event.pts_seconds)})")
        elif isinstance(event, OperatorMarked | OperatorOverride | OperatorPaused) and event.pts_seconds is not None:
            yield scale.mark(event.pts_seconds, "operator", f"{operator_text(event)} ({at(event.pts_seconds)})")


def operator_text(event: OperatorMarked | OperatorOverride | OperatorPaused) -> str:
    """What the operator did, in words."""
    if isinstance(event, OperatorMarked):
        return f"marked: {event.text}" if event.text else "marked"
    if isinstance(event, OperatorPaused):
        return "analysis paused" if event.paused else "analysis resumed"
    said = plane_title(event.plane_said) if event.plane_said else "no plane"
    return f"label overridden: {plane_title(event.plane)} instead of {said}" if event.plane else "override taken back"


def _ticks(scale: _Scale) -> Iterator[Tick]:
    steps = (one for one in _STEPS_SECONDS if scale.end_seconds / one <= MOST_TICKS)
    step = next(steps, scale.end_seconds / MOST_TICKS)
    moment = 0.0
    while moment <= scale.end_seconds * 0.97:
        yield Tick(x=scale(moment), label=at(moment) if step < 1 else at(moment)[:-2])
        moment += step
