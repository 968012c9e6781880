"""What the demo knows beyond a live stream: the phantom's truth, and how well the events met it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...models.planes import title
from ...sources.phantom.source import PhantomSource
from ..planes.agreement import Agreement, Interval, compare
from ..run import Outcome
from ..telemetry import Snapshot
from .screen import RESEARCH_USE, SeenPlanes, latency_words


class DemoReport:
    """Follows a phantom's run.

    Args:
        fps: the phantom's frame rate.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._phantom: PhantomSource | None = None
        self.seen = SeenPlanes()

    def attach(self, source: object) -> None:
        """The opened source of the run."""
        if isinstance(source, PhantomSource):
            self._phantom = source

    def truth(self, pts_seconds: float) -> str | None:
        """What the phantom shows at a media time."""
        return self._phantom.truth(round(pts_seconds * self._fps)).plane if self._phantom else None

    def agreement(self, media_seconds: float) -> Agreement:
        """Events against truth, over what was really played."""
        assert self._phantom is not None
        truth = [
            Interval(plane, start, min(end, media_seconds))
            for plane, start, end in self._phantom.script.intervals(media_seconds)
            if start < media_seconds
        ]
        found = [Interval(visit.plane, visit.start_seconds, visit.end_seconds) for visit in self.seen.visits]
        return compare(found, truth, duration_seconds=media_seconds, rate_fps=self._fps)

    def render(self, outcome: Outcome, counts: Snapshot, *, endpoint: str, events: Path) -> RenderableType:
        """The summary after the run."""
        agreement = self.agreement(outcome.ended.media_seconds)
        return Group(
            "",
            self._planes(agreement),
            "",
            *self._facts(outcome, counts, agreement),
            f"Every event was published on {endpoint} and stands in {events}; the store beside it is chained:",
            f"fetalstream store verify {events.with_name('events.db')}",
            f"The best picture and a clip of each plane: {events.with_name('captures')}",
            f"As a page to read: fetalstream report {events.parent}",
            "Next: fetalstream review YOUR_CINE.mp4 --out out/review, or fetalstream live SOURCE.",
            Text(RESEARCH_USE, style="dim"),
        )

    def _planes(self, agreement: Agreement) -> Table:
        table = Table(title="What the phantom showed, and what was found", title_justify="left", header_style="dim")
        table.add_column("plane")
        for column in ("visits found", "false", "frames agreeing (F1)", "best frame at", "score"):
            table.add_column(column, justify="right")
        best = self.seen.best()
        false = Counter(visit.plane for visit in agreement.false_alarms)
        found = Counter(visit.plane for visit in agreement.found)
        missed = Counter(visit.plane for visit in agreement.missed)
        for plane, f1 in agreement.per_plane_f1.items():
            visit = best.get(plane)
            at, score = (f"{visit.best_pts_seconds:.2f} s", f"{visit.best_score:.2f}") if visit else ("", "")
            of_all = f"{found[plane]} of {found[plane] + missed[plane]}"
            table.add_row(title(plane), of_all, str(false[plane] or ""), f"{f1:.2f}", at, score)
        return table

    def _facts(self, outcome: Outcome, counts: Snapshot, agreement: Agreement) -> Sequence[str]:
        ended = outcome.ended
        delay = agreement.median_onset_delay_seconds
        found = len(agreement.found)
        visits = found + len(agreement.missed)
        dropped = sum(ended.frames_dropped.values())
        onset = "" if delay is None else f", onset known to {delay * 1000:+.0f} ms (median)"
        visits_text = f"{found} of {visits} visits found, {len(agreement.false_alarms)} false{onset}"
        frames_text = f"{ended.frames_read} frames read, {ended.frames_embedded} embedded, {dropped} dropped"
        return (
            f"{visits_text}; macro F1 per frame {agreement.macro_f1:.2f}.",
            f"{frames_text}; {latency_words(counts)}, with the time to simulate the picture.",
        )
