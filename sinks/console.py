"""Events as lines on a terminal, or in whatever stands for one."""

from rich.console import Console
from rich.text import Text

from .event import AnyEvent, FrameScores
from .sink import SinkError
from .text import line_of
from .wire import kind_of

_STYLES = {
    "plane.entered": "bold green",
    "plane.left": "green",
    "stream.damaged": "yellow",
    "signal.changed": "yellow",
    "sink.degraded": "bold red",
    "sink.recovered": "yellow",
    "frame.scores": "dim",
}


class ConsoleSink:
    """One line per event; colours only where the output is a terminal, never wrapped.

    Args:
        console: where to print; by default standard output. A terminal that is held (Ctrl-S) holds `write` too.
        frame_scores: print each frame's scores too; they bury everything else.
    """

    def __init__(self, console: Console | None = None, *, frame_scores: bool = False) -> None:
        self._console = console or Console()
        self._frame_scores = frame_scores

    def write(self, event: AnyEvent) -> None:
        if isinstance(event, FrameScores) and not self._frame_scores:
            return
        line = Text(line_of(event), style=_STYLES.get(kind_of(event), ""))
        try:
            self._console.print(line, soft_wrap=True, highlight=False)
        except (OSError, SystemExit):  # the pipe's other end is gone; of its own accord rich would end the program
            raise SinkError("the console cannot be written: nobody reads it any more") from None

    def close(self) -> None:
        """The console is not ours to close."""
