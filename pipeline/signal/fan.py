"""The fan: where on a device's screen the echoes are, and how everything else is blackened.

Coordinates are pixels, x to the right and y down, pixel (0, 0) covering [0, 1) x [0, 1); ranges are half-open.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from ... import FetalStreamError
from ...sources import Picture, Pixels

Mask = NDArray[np.uint8]
"""(h w) uint8: 255 inside, 0 outside."""


OUTLINE_TOLERANCE_PX = 1.0


class FanUnknownError(FetalStreamError):
    """A picture was to be stored or sent, and nobody knows which part of it holds no names."""


class FanKind(StrEnum):
    """How the echoes are laid out; UNKNOWN when only their hull could be found."""

    CONVEX = "convex"
    LINEAR = "linear"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Side:
    """A straight border, x = x0 + slope * y."""

    x0: float
    slope: float

    def at(self, y: float) -> float:
        return self.x0 + self.slope * y


@dataclass(frozen=True, slots=True, kw_only=True)
class FanShape:
    """Borders of a fan; what lies inside all that are given is the fan.

    Attributes:
        box_px: left, top, right, bottom; always given.
        left, right: slanted borders of a sector. Where they meet is its apex.
        inner_px, outer_px: radii around the apex: the probe's surface and the greatest depth.
        hull: corners of a convex outline, for fans that fit no sector.
    """

    box_px: tuple[float, float, float, float]
    left: Side | None = None
    right: Side | None = None
    inner_px: float | None = None
    outer_px: float | None = None
    hull: tuple[tuple[float, float], ...] = ()

    @property
    def apex_px(self) -> tuple[float, float] | None:
        """x, y of the point where the sides meet, None when they don't (or below the picture's middle)."""
        if self.left is None or self.right is None or not self.right.slope - self.left.slope > 1e-6:
            return None
        y = (self.left.x0 - self.right.x0) / (self.right.slope - self.left.slope)
        return self.left.at(y), y

    def scaled(self, factor: float) -> "FanShape":
        """The same fan in a picture ``factor`` times as large."""

        def side(border: Side | None) -> Side | None:
            return None if border is None else Side(border.x0 * factor, border.slope)

        left, top, right, bottom = (edge * factor for edge in self.box_px)
        return FanShape(
            box_px=(left, top, right, bottom),
            left=side(self.left),
            right=side(self.right),
            inner_px=None if self.inner_px is None else self.inner_px * factor,
            outer_px=None if self.outer_px is None else self.outer_px * factor,
            hull=tuple((x * factor, y * factor) for x, y in self.hull),
        )

    def draw(self, *, width_px: int, height_px: int) -> Mask:
        """-> (h w) uint8: 255 for every pixel whose centre lies inside."""
        x = np.arange(width_px, dtype=np.float32)[None, :] + 0.5
        y = np.arange(height_px, dtype=np.float32)[:, None] + 0.5
        left, top, right, bottom = self.box_px
        inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        if self.left is not None:
            inside &= x >= self.left.at(0) + self.left.slope * y
        if self.right is not None:
            inside &= x <= self.right.at(0) + self.right.slope * y
        if (apex := self.apex_px) is not None and not (self.inner_px is None and self.outer_px is None):
            radius = np.hypot(x - apex[0], y - apex[1])
            inside &= (radius >= (self.inner_px or 0.0)) & (radius <= (self.outer_px or math.inf))
        mask = np.where(inside, np.uint8(255), np.uint8(0))
        if self.hull:
            outline = np.zeros_like(mask)
            cv2.fillConvexPoly(outline, np.rint(np.array(self.hull)).astype(np.int32), 255)
            mask &= outline
        return mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """The fan of pictures of one size.

    Attributes:
        width_px, height_px: size of the pictures it belongs to.
        shape: its borders.
        kind: convex, linear or unknown.
        confidence: [0, 1], how well its borders agree with what was seen.
        mask: (h w) uint8, 255 inside.
        box_px: left, top, right, bottom of the mask, whole pixels.
    """

    width_px: int
    height_px: int
    shape: FanShape
    kind: FanKind
    confidence: float
    mask: Mask = field(init=False, repr=False, compare=False)
    box_px: tuple[int, int, int, int] = field(init=False, compare=False)
    _mask_rgb: Mask = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence is in [0, 1], not {self.confidence}")
        mask = self.shape.draw(width_px=self.width_px, height_px=self.height_px)
        left, top, width, height = cv2.boundingRect(mask)
        if width == 0 or height == 0:
            raise ValueError(f"a fan covers at least one pixel of {self.width_px} x {self.height_px}, not {self.shape}")
        mask_rgb = np.repeat(mask[:, :, None], 3, axis=2)
        for array in (mask, mask_rgb):
            array.flags.writeable = False
        object.__setattr__(self, "mask", mask)
        object.__setattr__(self, "_mask_rgb", mask_rgb)
        object.__setattr__(self, "box_px", (left, top, left + width, top + height))

    @property
    def area_share(self) -> float:
        """[0, 1]: share of the picture the fan covers."""
        return float(np.count_nonzero(self.mask)) / self.mask.size

    def mask_for(self, pixels: Pixels) -> Mask:
        """The mask in the layout of ``pixels``: (h w) or (h w 3). Raises ValueError for another size."""
        if pixels.shape[:2] != self.mask.shape:
            height, width = pixels.shape[:2]
            raise ValueError(
                f"the fan belongs to pictures of {self.width_px} x {self.height_px} px, not {width} x {height}"
            )
        return self.mask if pixels.ndim == 2 else self._mask_rgb


def mask_outside(pixels: Pixels, fan: Fan) -> Pixels:
    """A copy of (h w) or (h w 3) ``pixels`` that is black outside the fan: no name, no date, no hospital is left."""
    return np.asarray(cv2.bitwise_and(pixels, fan.mask_for(pixels)), dtype=np.uint8)


def masked(picture: Picture, fan: Fan | None) -> Picture:
    """The only form in which a picture may be stored or sent: black outside the fan, converted when it is asked for.

    Raises `FanUnknownError` without a fan, and ValueError when it belongs to pictures of another size: then nobody
    knows where a name may stand, and the picture stays where it is.
    """
    if fan is None:
        size = f"{picture.width_px} x {picture.height_px} px"
        raise FanUnknownError(f"no fan is known in the picture of {size}: what is burned into it cannot be masked")
    if (picture.width_px, picture.height_px) != (fan.width_px, fan.height_px):
        raise ValueError(f"the fan belongs to pictures of {fan.width_px} x {fan.height_px} px, not to {picture}")
    return Picture(
        width_px=picture.width_px,
        height_px=picture.height_px,
        convert=lambda: mask_outside(picture.pixels, fan),
        luma=lambda: mask_outside(picture.grey, fan),
    )


def outline_px(fan: Fan) -> tuple[tuple[int, int], ...]:
    """Corners of the fan's border, x and y, good to a pixel; for drawing it."""
    contours, _ = cv2.findContours(fan.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    corners = cv2.approxPolyDP(largest, OUTLINE_TOLERANCE_PX, closed=True)
    return tuple((int(x), int(y)) for x, y in corners.reshape(-1, 2))


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks, in [0, 1]; two empty masks are equal."""
    union = np.count_nonzero((a != 0) | (b != 0))
    return float(np.count_nonzero((a != 0) & (b != 0)) / union) if union else 1.0
