"""What follows a stream beside its planes: age, heart, checklist, captures. Each has events of its own."""

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from ..sinks import AnyEvent
from ..sources import Frame
from .messages import Notice, Scored
from .planes.segments import Change
from .signal.fan import Fan


class Companion(Protocol):
    """Something that follows one stream, in the thread that makes its events.

    Contract: events are made by the stream's `Recorder` and given back at once, in order; a method returns soon and
    waits for no disk. For the same messages it gives the same events, so that a review can be repeated, unless it deals
    with an operator.
    """

    def feed(self, message: Scored | Notice, plane: str | None) -> Iterable[AnyEvent]:
        """The next message, after the events it gave rise to; ``plane`` is in view now."""
        ...

    def visit(self, change: Change, event: AnyEvent) -> Iterable[AnyEvent]:
        """A plane has entered or left, just told by ``event``; before `feed` sees the frame it happened with."""
        ...

    def finish(self) -> Iterable[AnyEvent]:
        """The stream has ended and all planes have left; "stream.ended" comes next."""
        ...


@runtime_checkable
class Background(Protocol):
    """A companion that works behind the stream's back.

    ``nudge`` is called, from any thread, when there is something to tell; `Companion.feed` then gets a `Nudge`.
    """

    def wake_with(self, nudge: Callable[[], object]) -> None: ...


@runtime_checkable
class Onlooker(Protocol):
    """Sees each frame before it is let go, in the preparing thread; must return at once.

    ``fan`` is where the picture may be shown (see `Watch.fan_to_show`); None: it must not leave this machine.
    """

    def see(self, frame: Frame, fan: Fan | None) -> None: ...
