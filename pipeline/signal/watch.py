"""What is looked for in each frame before a model sees it: its fan, whether anything lives in it, and how much."""

from dataclasses import dataclass

import numpy as np

from ...sources import Frame, Pixels
from ..messages import SignalChange
from ..sampling import Motion
from .fan import Fan
from .fan_watch import FanWatch
from .gates import OPEN, Gates, GateState
from .glance import Glancer
from .look_closer import LookCloser
from .looks import Looks

COLOUR_SECONDS = 0.25
"""How often the colours of a picture are looked at when the model wants only its brightness."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a frame.

    Attributes:
        pixels: (h w) or (h w 3) uint8 for the encoder; None when the frame is left out.
        left_out: why, the name under which it is counted; empty when it is not.
        change: the gate has opened or closed with this frame.
        looks: its measures; None when it is left out or nobody measures.
    """

    pixels: Pixels | None
    left_out: str = ""
    change: SignalChange | None = None
    looks: Looks | None = None


class Watch:
    """The look at each frame of one stream, in order. For one thread.

    Args:
        sees_colour: whether the model wants colours; else brightness alone is converted, which is cheaper.
        gates: None lets everything through.
        fans: None takes the whole picture for the fan.
        motion: leaves out frames that show nothing new; None leaves out none.
        closer: measures the frames that are not left out; None measures none.
    """

    def __init__(
        self,
        *,
        sees_colour: bool,
        gates: Gates | None,
        fans: FanWatch | None,
        motion: Motion | None,
        closer: LookCloser | None = None,
    ) -> None:
        self._sees_colour = sees_colour
        self._gates = gates
        self._fans = fans
        self._motion = motion
        self._closer = closer
        self._glancer = Glancer()
        self._state = GateState.OPEN
        self._colour_seconds = -np.inf

    @property
    def fan(self) -> Fan | None:
        """Where the echoes are, None while it isn't known."""
        return self._fans.fan if self._fans else None

    @property
    def fan_to_show(self) -> Fan | None:
        """The fan outside of which the last frame is masked before it leaves (`masked`); None: it must not leave.

        Behind a gate that is closed for anything but stillness nobody knows what stands where echoes were.
        """
        is_picture = self._state in (GateState.OPEN, GateState.FROZEN)
        return self._fans.trusted if self._fans and is_picture else None

    def look(self, frame: Frame) -> Sight:
        """Convert, judge and thin out the next frame."""
        picture = frame.picture
        pixels = picture.pixels if self._sees_colour else picture.grey
        if self._gates is None and self._fans is None and self._motion is None:
            return Sight(pixels, looks=self._measured(frame))
        colours = None
        if not self._sees_colour and self._gates is not None and self._colour_is_due(frame.pts_seconds):
            colours = picture.pixels
        glance = self._glancer.look(pixels, self.fan, colours=colours)
        verdict = OPEN if self._gates is None else self._gates.update(frame.pts_seconds, frame.epoch, glance)
        change = None
        if verdict.state is not self._state:
            self._state = verdict.state
            change = SignalChange.of(frame, verdict)
        if verdict.state is not GateState.OPEN:
            return Sight(None, verdict.state.value, change)
        if self._fans is not None:
            self._fans.update(frame.pts_seconds, frame.epoch, glance, picture)
        left_out = self._motion.left_out(frame.pts_seconds, frame.epoch, glance.fan_grey) if self._motion else ""
        if left_out:
            return Sight(None, left_out, change)
        return Sight(pixels, change=change, looks=self._measured(frame))

    def _measured(self, frame: Frame) -> Looks | None:
        if self._closer is None:
            return None
        return self._closer.measure(frame.picture.grey, self.fan, frame.pts_seconds, frame.epoch)

    def _colour_is_due(self, pts_seconds: float) -> bool:
        if 0 <= pts_seconds - self._colour_seconds < COLOUR_SECONDS:
            return False
        self._colour_seconds = pts_seconds
        return True
