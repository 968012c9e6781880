"""Knows the fan of a running stream. Pure: fed with (time, glance, picture)."""

from collections.abc import Callable

import numpy as np

from ...sources import Picture, Pixels
from .fan import Fan, iou
from .fan_finder import find_fan
from .fan_memory import SAME_AGREEMENT, FanMemory, Surroundings
from .glance import Glance

SETTLE_SECONDS = 0.3
"""A stream is given so long to show that it begins with a picture and not with a slate."""

APART_SECONDS = 0.3
ENOUGH_PICTURES = 4
"""A fan is final when so many pictures, so far apart, have been looked at."""

CHECK_SECONDS = 1.0
DOUBTS = 2
"""So many checks in a row must fail."""

RETRY_SECONDS, MOST_RETRY_SECONDS = 2.0, 30.0
"""Where no fan is found the search is repeated, each time after twice the time."""

FILLED_ABOVE, EMPTIED = 12, 0.7
"""A fan is too large when it is filled to less than this part of what it was."""

SAME_IOU = 0.95


class FanWatch:
    """Finds the fan when a stream begins, and again when the screen around it or its size has changed.

    Searching costs some 30 ms and is done a few times in a stream's life; checking costs microseconds, once a second.
    A screen seen before has its fan at once, from memory.

    Args:
        memory: fans known so far; what is found is added to it.
        find: searches pictures, (h w) or (h w 3) uint8, for their fan.
    """

    def __init__(
        self, memory: FanMemory | None = None, *, find: Callable[[list[Pixels]], Fan | None] = find_fan
    ) -> None:
        self._memory = FanMemory() if memory is None else memory
        self._find = find
        self.fan: Fan | None = None
        self._size: tuple[int, int] | None = None
        self._epoch: int | None = None
        self._last_seconds = 0.0
        self._due_seconds = 0.0
        self._retry_seconds = RETRY_SECONDS
        self._pictures: list[Pixels] | None = []  # while searching
        self._is_new_screen = True
        self._around: Surroundings | None = None  # once the fan is final
        self._fill = 0.0
        self._is_same_screen = False
        self._doubts = 0

    @property
    def trusted(self) -> Fan | None:
        """The fan, when it is final and the last picture has the screen around it that it was found on.

        For whoever lets pictures out: another screen, a list of patients say, may have names where this one has echoes.
        """
        return self.fan if self._around is not None and self._is_same_screen else None

    def update(self, pts_seconds: float, epoch: int, glance: Glance, picture: Picture) -> None:
        """Look at the next picture; call it only for those that show echoes.

        Args:
            pts_seconds, epoch: media time of the picture.
            glance: taken with `fan` as it is now.
            picture: converted only when it is searched.
        """
        size = (picture.width_px, picture.height_px)
        if size != self._size:
            self._size, self.fan = size, None
            self._search(pts_seconds + SETTLE_SECONDS, is_new_screen=True)
        elif epoch != self._epoch or pts_seconds < self._last_seconds:  # the same device, most likely
            self._due_seconds = pts_seconds + SETTLE_SECONDS
        self._epoch, self._last_seconds = epoch, pts_seconds
        if self._pictures is None and self._around is None:
            self._sign(glance)
        if self._around is not None:
            self._is_same_screen = self._around.agreement(glance.grey) >= SAME_AGREEMENT
        if pts_seconds < self._due_seconds:
            return
        if self._pictures is not None:
            self._look(pts_seconds, self._pictures, glance, picture)
        else:
            self._check(pts_seconds, glance)

    def _search(self, due_seconds: float, *, is_new_screen: bool) -> None:
        self._due_seconds, self._retry_seconds = due_seconds, RETRY_SECONDS
        self._pictures, self._is_new_screen = [], is_new_screen
        self._around, self._doubts = None, 0

    def _look(self, pts_seconds: float, pictures: list[Pixels], glance: Glance, picture: Picture) -> None:
        self._due_seconds = pts_seconds + APART_SECONDS
        if self._is_new_screen and not pictures:
            known = self._memory.recall(width_px=picture.width_px, height_px=picture.height_px, grey=glance.grey)
            if known is not None:
                self.fan, self._pictures = known, None
                return
        pictures.append(picture.pixels)
        if self._is_new_screen and len(pictures) == 1:
            self.fan = self._find(pictures) or self.fan
        elif len(pictures) == ENOUGH_PICTURES:
            self._conclude(pts_seconds, self._find(pictures))

    def _conclude(self, pts_seconds: float, found: Fan | None) -> None:
        if found is not None and (self.fan is None or iou(found.mask, self.fan.mask) < SAME_IOU):
            self.fan = found
        if self.fan is not None:
            self._pictures = None  # signed with the next glance, which is taken with it
            return
        self._pictures = []
        self._due_seconds = pts_seconds + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, MOST_RETRY_SECONDS)

    def _sign(self, glance: Glance) -> None:
        assert self.fan is not None
        self._around = Surroundings.of(glance)
        self._fill = _fill(glance)
        self._memory.remember(self.fan, self._around)

    def _check(self, pts_seconds: float, glance: Glance) -> None:
        """Twice in a row another screen, or echoes that no longer fill the fan, and the search begins anew."""
        self._due_seconds = pts_seconds + CHECK_SECONDS
        if self._is_same_screen and _fill(glance) >= EMPTIED * self._fill:
            self._doubts = 0
            return
        self._doubts += 1
        if self._doubts == DOUBTS:
            self._search(pts_seconds, is_new_screen=not self._is_same_screen)


def _fill(glance: Glance) -> float:
    return float(np.mean(glance.fan_grey > FILLED_ABOVE))
