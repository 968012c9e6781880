"""The seam for sinks that also show pictures."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Shown(NamedTuple):
    """A picture to show: (h w) uint8, already black wherever a name may stand, and when and how large it is.

    ``spacing_mm`` is millimetres per pixel, ``wall_ns`` UTC at capture, nanoseconds since 1970, and ``captured_ns`` the
    same moment by the monotonic clock; None where unknown. ``outline_px`` are corners of what is not black, x and y.
    """

    grey: NDArray[np.uint8]
    pts_seconds: float
    spacing_mm: float | None
    wall_ns: int | None
    captured_ns: int | None = None
    outline_px: tuple[tuple[int, int], ...] = ()


@runtime_checkable
class PictureSink(Protocol):
    """A sink that also shows pictures, because its user asked for them.

    ``pictures_fps`` is how many a second it wants at most, 0 none. ``show`` is called from another thread than
    ``write`` and must return at once: what cannot be shown now is dropped, for the next one is newer.
    """

    @property
    def pictures_fps(self) -> float: ...

    def show(self, picture: Shown) -> None: ...
