"""Is there anything for a model to see? Pure state machines fed with (time, glance); no clock, no threads.

A gate is open, or closed with a state and a plain reason. What each measures, and why its thresholds are what they
are, stands in ``docs/signal.md``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from .freeze import FreezeWatch
from .glance import Glance
from .motion import TIME_TOLERANCE_SECONDS


class GateState(StrEnum):
    """What the picture is good for: only when OPEN do heads speak."""

    OPEN = "open"
    FROZEN = "frozen"
    NO_SIGNAL = "no_signal"
    BLACK = "black"
    NOT_B_MODE = "not_b_mode"


CLOSING = frozenset(GateState) - {GateState.OPEN}
"""All states in which a gate is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """Limits of the gates; shares are parts of the pixels within the fan, in [0, 1].

    Attributes:
        closing: the states that are looked for; of the others nothing is said.
        freeze_seconds: how long the picture must stand still to be frozen.
        enter_seconds: how long another closed state must be seen to be entered.
        leave_seconds: how long it must not be seen to be left.
        black_below: grey that 99 % of the fan stay below when it is black.
        one_colour_share: part of one colour from which the picture is a slate.
        colour_share: saturated part from which it is colour Doppler.
        flat_share: bright part without texture from which it is a menu.
    """

    closing: frozenset[GateState] = CLOSING
    freeze_seconds: float = 0.6
    enter_seconds: float = 0.2
    leave_seconds: float = 0.1
    black_below: int = 20
    one_colour_share: float = 0.85
    colour_share: float = 0.01
    flat_share: float = 0.6


@dataclass(frozen=True, slots=True)
class Verdict:
    """State of the gate and why; the reason is empty when it is open."""

    state: GateState
    reason: str = ""


OPEN = Verdict(GateState.OPEN)

COLOUR_VALID_SECONDS = 0.5
"""How long what was seen of colour holds for pictures of which only the brightness is known."""

MIN_PICKED = 2048
"""A glance at fewer pixels (a picture of less than about 64 x 48) shows too little to judge by."""

NOT_BLACK_SHARE = 0.01
ONE_COLOUR_GREYS = 10
FLAT_GREYS, FLAT_ABOVE = 1, 30
BAR_STD, BAR_COLUMNS_SHARE, BAR_CONTRAST = 3.0, 0.9, 25.0
GUTTER_SHARE, GUTTER_COLUMNS, HALF_SHARE, CONTENT_ABOVE = 0.01, 2, 0.25, 24


class Gates:
    """The gate of one stream.

    Closed states seen in single pictures must hold before they count, and be gone before they don't, so that one torn
    picture changes nothing. Freezing has its own clock (`FreezeWatch`). A new epoch starts afresh, open.
    """

    def __init__(self, rules: GateRules | None = None) -> None:
        self._rules = rules or GateRules()
        self._epoch: int | None = None
        self._start()

    def _start(self) -> None:
        self._freeze = FreezeWatch(hold_seconds=self._rules.freeze_seconds)
        self._colour_share, self._colour_seconds = 0.0, -np.inf
        self._shown = OPEN
        self._candidate = OPEN
        self._candidate_seconds = 0.0
        self._last_seconds = -np.inf

    def update(self, pts_seconds: float, epoch: int, glance: Glance) -> Verdict:
        """The verdict on the next picture."""
        if epoch != self._epoch or pts_seconds < self._last_seconds:
            self._epoch = epoch
            self._start()
        self._last_seconds = pts_seconds
        if glance.grey.size < MIN_PICKED:
            return OPEN
        frozen = GateState.FROZEN in self._rules.closing and self._freeze.update(pts_seconds, glance.fan_grey)
        colour_share = self._colour(pts_seconds, glance)
        self._shown = self._settled(pts_seconds, look(glance, self._rules, colour_share=colour_share))
        if self._shown.state is GateState.OPEN and frozen:
            return Verdict(GateState.FROZEN, f"nothing has moved since {self._freeze.still_since_seconds:.2f} s")
        return self._shown

    def _colour(self, pts_seconds: float, glance: Glance) -> float:
        """The coloured part of the fan, of this picture or of one just before it."""
        if glance.coloured is not None:
            self._colour_share = float(glance.coloured[glance.inside].mean())
            self._colour_seconds = pts_seconds
        elif pts_seconds - self._colour_seconds > COLOUR_VALID_SECONDS:
            self._colour_share = 0.0
        return self._colour_share

    def _settled(self, pts_seconds: float, seen: Verdict) -> Verdict:
        """What single pictures show, once it has held long enough."""
        if seen.state is not self._candidate.state:
            self._candidate, self._candidate_seconds = seen, pts_seconds
        if seen.state is self._shown.state:
            return self._shown
        rules = self._rules
        wait_seconds = rules.leave_seconds if seen.state is GateState.OPEN else rules.enter_seconds
        held_seconds = pts_seconds - self._candidate_seconds + TIME_TOLERANCE_SECONDS
        return seen if held_seconds >= wait_seconds else self._shown


def look(glance: Glance, rules: GateRules, *, colour_share: float) -> Verdict:
    """What one picture alone shows; ``colour_share`` is the coloured part of its fan."""
    signs = _signs(glance, rules, colour_share)
    return next((verdict for verdict in signs if verdict.state in rules.closing), OPEN)


def _signs(glance: Glance, rules: GateRules, colour_share: float) -> Iterator[Verdict]:
    """What speaks against the picture, strongest first."""
    fan = glance.fan_grey
    if _is_black(fan, rules.black_below) and colour_share < rules.one_colour_share:
        everywhere = _is_black(glance.grey, rules.black_below)
        yield Verdict(GateState.BLACK, "the picture is black" if everywhere else "the fan is black")
    share = _one_grey_share(fan)
    if share >= rules.one_colour_share:
        yield Verdict(GateState.NO_SIGNAL, f"one colour fills {share:.0%} of where echoes should be")
    if _is_bars(glance.grey):
        yield Verdict(GateState.NO_SIGNAL, "upright bars fill the picture, as in a test card")
    if colour_share >= rules.colour_share:
        yield Verdict(GateState.NOT_B_MODE, f"{colour_share:.1%} of the fan is coloured, as in colour Doppler")
    share = _flat_share(glance)
    if share >= rules.flat_share:
        yield Verdict(GateState.NOT_B_MODE, f"{share:.0%} of the fan is without texture, as in a menu")
    if _is_split(glance.grey):
        yield Verdict(GateState.NOT_B_MODE, "an empty gutter splits the picture in two halves")


def _is_black(samples: NDArray[np.uint8], below: int) -> bool:
    return bool(np.count_nonzero(samples >= below) <= NOT_BLACK_SHARE * samples.size)


def _one_grey_share(fan: NDArray[np.uint8]) -> float:
    """The part of the fan that is near its commonest grey."""
    common = int(np.bincount(fan >> 2, minlength=64).argmax()) * 4 + 2
    low, high = max(0, common - ONE_COLOUR_GREYS), min(255, common + ONE_COLOUR_GREYS)
    return float(((fan >= low) & (fan <= high)).mean())


def _flat_share(glance: Glance) -> float:
    grey, beside = glance.fan_grey, glance.beside[glance.inside]
    step = np.maximum(grey, beside) - np.minimum(grey, beside)
    return float(((step <= FLAT_GREYS) & (grey > FLAT_ABOVE)).mean())


def _is_bars(channel: NDArray[np.uint8]) -> bool:
    """Columns that do not change downwards and differ from each other; the lowest third may hold something else."""
    upper = channel[: max(2, channel.shape[0] * 3 // 5)]
    upright = upper.std(axis=0) < BAR_STD
    return bool(upright.mean() >= BAR_COLUMNS_SHARE and upper.mean(axis=0).std() > BAR_CONTRAST)


def _is_split(channel: NDArray[np.uint8]) -> bool:
    """Two pictures side by side with nothing in between."""
    height, width = channel.shape
    filled = (channel[height * 15 // 100 : height * 85 // 100] > CONTENT_ABOVE).mean(axis=0)
    middle = slice(width * 2 // 5, width * 3 // 5)
    empty = np.flatnonzero(filled[middle] <= GUTTER_SHARE) + middle.start
    if empty.size < GUTTER_COLUMNS or empty[-1] - empty[0] + 1 != empty.size:
        return False
    quarter = width // 4
    left, right = filled[max(0, empty[0] - quarter) : empty[0]], filled[empty[-1] + 1 : empty[-1] + 1 + quarter]
    return bool(left.size and right.size and left.mean() >= HALF_SHARE and right.mean() >= HALF_SHARE)
