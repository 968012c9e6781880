"""The law of the terminal's screen: what is in view is named as finely as it is known."""

from rich.console import Console

from fetalstream.pipeline.cli.screen import SeenPlanes, render
from fetalstream.pipeline.telemetry import Telemetry
from fetalstream.sinks import PartEntered, PartLeft


def shown(seen: SeenPlanes, *, plane: str | None = None) -> str:
    """The line of what is in view."""
    telemetry = Telemetry()
    telemetry.result(plane=plane, scores={}, pts_seconds=1.0, captured_ns=0, now_ns=0)
    console = Console(width=100)
    with console.capture() as captured:
        console.print(render(telemetry.snapshot(), seen, heading="phantom"))
    return next(line for line in captured.get().splitlines() if "in view" in line)


def test_a_part_is_shown_where_its_plane_is_not_clear_and_the_plane_where_it_is():
    seen = SeenPlanes()
    assert "no standard plane" in shown(seen)
    seen.write(PartEntered(stream="s", sequence=0, part="brain", start_seconds=1.0, score=0.9))
    assert "Brain, plane not clear" in shown(seen)
    assert "Transthalamic" in shown(seen, plane="transthalamic")
    left = {"start_seconds": 1.0, "end_seconds": 2.0, "score": 0.9, "frames": 25}
    seen.write(PartLeft(stream="s", sequence=1, part="brain", **left))
    assert "no standard plane" in shown(seen)
