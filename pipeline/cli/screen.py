"""What a running stream looks like in a terminal."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.bar import Bar
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ...models.planes import title
from ...sinks import AnyEvent, PartEntered, PartLeft, PlaneEntered, PlaneLeft
from ..telemetry import Snapshot, Telemetry

BACKGROUND_TEXT = "no standard plane"
STATE_STYLES = {"running": "bold green", "opening": "yellow", "ended": "dim"}
RESEARCH_USE = "Research use only. Not a medical device."


class SeenPlanes:
    """A sink that remembers, for the screen, which planes have been in view and how well.

    Attributes:
        visits: those that are over.
        open: the one that is not.
        part: the body part in view while its plane is not clear.
    """

    def __init__(self) -> None:
        self.visits: list[PlaneLeft] = []
        self.open: PlaneEntered | None = None
        self.part: str | None = None

    def write(self, event: AnyEvent) -> None:
        if isinstance(event, PlaneEntered):
            self.open = event
        elif isinstance(event, PlaneLeft):
            self.open = None
            self.visits.append(event)
        elif isinstance(event, PartEntered):
            self.part = event.part
        elif isinstance(event, PartLeft):
            self.part = None

    def close(self) -> None:
        pass

    def best(self) -> dict[str, PlaneLeft]:
        """The best visit of each plane, in order of first sight."""
        best: dict[str, PlaneLeft] = {}
        for visit in self.visits:
            if visit.plane not in best or visit.best_score > best[visit.plane].best_score:
                best[visit.plane] = visit
        return best


def render(
    snapshot: Snapshot, seen: SeenPlanes, *, heading: str, truth: str | None = None, wanted: Sequence[str] = ()
) -> RenderableType:
    """The whole screen: what is in view, how sure, what has been seen, and whether all is well.

    Args:
        heading: first line: source and model.
        truth: what a phantom really shows now.
        wanted: planes to list even before they have been seen.
    """
    now = Table.grid(padding=(0, 2))
    now.add_column(style="dim", justify="right", min_width=8)
    now.add_column(min_width=40)
    now.add_row("in view", _in_view(snapshot.plane, seen.part))
    if truth is not None:
        now.add_row("phantom", Text(title(truth) if truth != "background" else BACKGROUND_TEXT, style="italic"))
    state = Text(snapshot.state.upper(), style=STATE_STYLES.get(snapshot.state, "bold white on red"))
    if snapshot.state_reason:
        state.append(f"  {snapshot.state_reason}", style="default")
    now.add_row("source", state)
    if snapshot.signal != "open":
        signal = Text(snapshot.signal.replace("_", " ").upper(), style="bold black on yellow")
        now.add_row("signal", signal.append(f"  {snapshot.signal_reason}", style="default"))
    for standing in snapshot.sinks:
        sink = Text(f"{standing.sink.upper()} IN TROUBLE", style="bold white on red")
        now.add_row("sink", sink.append(f"  {standing.reason} ({standing.waiting} events wait)", style="default"))
    now.add_row("time", f"{snapshot.pts_seconds:6.1f} s")
    return Panel(
        Group(
            Text(heading, style="bold"),
            "",
            now,
            "",
            _scores(snapshot),
            "",
            _visits(seen, wanted),
            "",
            _health(snapshot),
        ),
        title="FetalStream",
        subtitle=RESEARCH_USE,
        width=88,
    )


def latency_words(counts: Snapshot) -> str:
    """How long results took, those of the last seconds."""
    if counts.latency_p50_ms is None or counts.latency_p95_ms is None:
        return "no result came"
    return f"capture to result {counts.latency_p50_ms:.0f} ms (median), {counts.latency_p95_ms:.0f} ms (95 %)"


def _scores(snapshot: Snapshot) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", min_width=18)
    table.add_column(width=36)
    table.add_column(justify="right", width=5)
    strongest = sorted(snapshot.scores.items(), key=lambda item: -item[1])[:4]
    for plane, score in strongest or [("", 0.0)]:
        name = BACKGROUND_TEXT if plane == "background" else title(plane)
        style = "green" if plane == snapshot.plane else "grey50"
        table.add_row(Text(name, style=style), Bar(1.0, 0.0, score, color=style, bgcolor="grey15"), f"{score:.2f}")
    return table


def _in_view(plane: str | None, part: str | None) -> Text:
    if plane is not None:
        return Text(title(plane), style="bold white on dark_green")
    return Text(f"{title(part)}, plane not clear", style="yellow") if part else Text(BACKGROUND_TEXT, style="dim")


def _visits(seen: SeenPlanes, wanted: Sequence[str]) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    for column, justify in (("seen", "left"), ("visits", "right"), ("best at", "right"), ("score", "right")):
        table.add_column(column, justify="left" if justify == "left" else "right")
    best = seen.best()
    in_view = {seen.open.plane} if seen.open else set[str]()
    for plane in dict.fromkeys([*wanted, *best, *in_view]):
        visit = best.get(plane)
        count = sum(one.plane == plane for one in seen.visits)
        if visit is not None:
            row = (
                f"[green]✓[/] {title(plane)}",
                str(count),
                f"{visit.best_pts_seconds:.2f} s",
                f"{visit.best_score:.2f}",
            )
        else:
            row = (f"[yellow]…[/] {title(plane)}" if plane in in_view else f"[dim]· {title(plane)}[/]", "", "", "")
        table.add_row(*row)
    return table


def _health(snapshot: Snapshot) -> RenderableType:
    dropped, skipped = sum(snapshot.dropped.values()), sum(snapshot.skipped.values())
    latency = (
        "–" if snapshot.latency_p95_ms is None else f"{snapshot.latency_p50_ms:.0f} / {snapshot.latency_p95_ms:.0f} ms"
    )
    return Text(
        f"latency p50/p95 {latency}   {snapshot.results_per_second:.1f} frames/s   "
        f"read {snapshot.frames_read}   dropped {dropped}   skipped {skipped}",
        style="dim",
    )


@contextmanager
def live_screen(
    console: Console, telemetry: Telemetry, draw: Callable[[Snapshot], RenderableType]
) -> Generator[Callable[[], None]]:
    """A screen that is redrawn at each call of what this yields."""
    with Live(draw(telemetry.snapshot()), console=console, auto_refresh=False, transient=False) as screen:
        yield lambda: screen.update(draw(telemetry.snapshot()), refresh=True)
