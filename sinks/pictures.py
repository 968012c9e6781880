"""The seam for sinks that also show pictures."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Shown(NamedTuple):
    """A picture to show: (h w) uint8, already black wherever a name may stand, and when and how large it is.

    ``spacing_mm`` is millimetres per pixel and ``wall_ns`` UTC at capture, nanoseconds since 1970; None where unknown.
    """

    grey: NDArray[np.uint8]
    pts_seconds: float
    spacing_mm: float | None
    wall_ns: int | None


@runtime_checkable
class PictureSink(Protocol):
    """A sink that also shows pictures, because its user asked for them.

    ``pictures_fps`` is how many a second it wants at most, 0 none. ``show`` is called from another thread than
    ``write`` and must return at once: what cannot be shown now is dropped, for the next one is newer.
    """

    @property
    def pictures_fps(self) -> float: ...

    def show(self, picture: Shown) -> None: ...
