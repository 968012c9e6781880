"""Which pictures of a cine may be shown, and what of them: nothing outside the fan, where names are burned in."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...sources import Frame, Picture, Pixels
from ..signal.fan import Fan, masked
from ..signal.fan_memory import SAME_AGREEMENT, FanMemory, Surroundings
from ..signal.fan_watch import FanWatch
from ..signal.gates import GateRules, GateState, look
from ..signal.glance import Glance, Glancer
from .stretches import FROZEN, Stretch

AHEAD_SECONDS = 0.5
"""A closed gate was noticed after it had been seen for a while: the pictures just before count as closed, too."""

NOTICE_SECONDS = 0.1
"""How often a frame is looked at while the fan is searched."""

MOST_WAITING = 24
"""Pictures kept until the fan is known; a stream needs about a second for that."""

NOT_KNOWN = "not shown: it is not known where the fan is, and names may stand beside it"
NOT_ULTRASOUND = "not shown: it looks like a menu or a slate, and names may stand in it"

_SCREENS = frozenset({GateState.NO_SIGNAL, GateState.NOT_B_MODE})


Take = Callable[[Pixels], None]
"""Given what may be seen of a frame: (h w) or (h w 3) uint8, black outside the fan and cut to its box."""
Refuse = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A picture seen before the fan was known."""

    picture: Picture
    glance: Glance
    take: Take
    refuse: Refuse


class Discretion:
    """Decides for pictures of one cine, fed in order, at once or once the fan is known.

    A picture is shown when the fan is known, the screen around it is the one the fan was found on, it does not look
    like a menu or a slate, and the review said nothing else about its moment.

    Args:
        closed: when the review found the picture unfit (see `closed_stretches`).
        unmasked: show every picture whole, with whatever is burned into it.
    """

    def __init__(self, closed: Sequence[Stretch], *, unmasked: bool = False) -> None:
        self._closed = [stretch for stretch in closed if stretch.kind != FROZEN]
        self._unmasked = unmasked
        self._watch = FanWatch(FanMemory())
        self._glancer = Glancer()
        self._waiting: deque[_Waiting] = deque()
        self._noticed_seconds = -1.0

    def show(self, frame: Frame, take: Take, refuse: Refuse) -> None:
        """Call ``take`` with what may be seen of the frame, or ``refuse`` with the reason why nothing may."""
        picture = frame.picture
        if self._unmasked:
            take(picture.pixels)
            return
        if reason := self._reason_closed(frame.pts_seconds):
            refuse(reason)
            return
        glance = self._glance(frame)
        if glance is None:
            refuse(NOT_ULTRASOUND)
            return
        fan = self._watch.trusted
        if fan is not None:
            self._settle(fan, Surroundings.of(glance))
            take(_seen(picture, fan))
            return
        self._waiting.append(_Waiting(picture, glance, take, refuse))
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft().refuse(NOT_KNOWN)

    def notice(self, frame: Frame) -> None:
        """A frame that is not to be shown: looked at while the fan is searched, so that short cines have theirs."""
        is_due = not 0 <= frame.pts_seconds - self._noticed_seconds < NOTICE_SECONDS
        if self._unmasked or self._watch.trusted is not None or not is_due:
            return
        self._noticed_seconds = frame.pts_seconds
        if not self._reason_closed(frame.pts_seconds):
            self._glance(frame)

    def _glance(self, frame: Frame) -> Glance | None:
        """What the picture looks like, told to the watch; None where it looks like a menu or a slate."""
        glance = self._glancer.look(frame.picture.grey, self._watch.fan)
        if look(glance, GateRules(), colour_share=0.0).state in _SCREENS:
            return None
        self._watch.update(frame.pts_seconds, frame.epoch, glance, frame.picture)
        return glance

    def finish(self) -> None:
        """The cine has ended: what still waits is refused."""
        while self._waiting:
            self._waiting.popleft().refuse(NOT_KNOWN)

    def _reason_closed(self, pts_seconds: float) -> str:
        for stretch in self._closed:
            if stretch.start_seconds - AHEAD_SECONDS <= pts_seconds < stretch.end_seconds:
                return f"not shown: {stretch.title.lower()}"
        return ""

    def _settle(self, fan: Fan, around: Surroundings) -> None:
        """The fan has become known: pictures before it are shown where they have the same screen around it."""
        while self._waiting:
            one = self._waiting.popleft()
            is_same_size = (one.picture.width_px, one.picture.height_px) == (fan.width_px, fan.height_px)
            if is_same_size and around.agreement(one.glance.grey) >= SAME_AGREEMENT:
                one.take(_seen(one.picture, fan))
            else:
                one.refuse(NOT_KNOWN)


def _seen(picture: Picture, fan: Fan) -> Pixels:
    left, top, right, bottom = fan.box_px
    return masked(picture, fan).pixels[top:bottom, left:right]
