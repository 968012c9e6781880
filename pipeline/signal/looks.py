"""What can be measured in a picture alone that makes it worth keeping; what it means stands in ``quality.py``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Measures of one picture within its fan.

    Attributes:
        sharpness: of edges, in [0, 1].
        brightness: mean grey of tissue, 0 to 255.
        saturated_share: part of the fan's pixels that are white, in [0, 1].
        fill_share: part of the fan that the structure fills, in [0, 1].
        edge_share: part of the structure's outline that lies on the fan's edge, in [0, 1].
        motion_share: part of the fan that has changed since the frame before, in [0, 1].
    """

    sharpness: float
    brightness: float
    saturated_share: float
    fill_share: float
    edge_share: float
    motion_share: float
