"""The curved array: where its beams go, and how beams become a picture."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Pixels
from .shapes import Curve

Plane2 = NDArray[np.float32]


@dataclass(frozen=True)
class Sector:
    """A convex sector. The middle of the probe's face is (0, 0); x runs along the face, y into the body, in mm.

    Attributes:
        depth_mm: from the probe's face to the last sample.
        half_angle_rad: from the middle beam to the outermost.
        radius_mm: curvature of the probe's face.
        lines, samples: beams, and samples along each beam.
    """

    depth_mm: float = 120.0
    half_angle_rad: float = 0.58
    radius_mm: float = 52.0
    lines: int = 224
    samples: int = 480

    @property
    def sample_mm(self) -> float:
        """Millimetres from one sample to the next."""
        return self.depth_mm / (self.samples - 1)

    @property
    def line_rad(self) -> float:
        """Radians from one beam to the next."""
        return 2 * self.half_angle_rad / (self.lines - 1)

    @cached_property
    def points_mm(self) -> Plane2:
        """(samples lines 2) float32: x and y of every sample."""
        angle = np.linspace(-self.half_angle_rad, self.half_angle_rad, self.lines, dtype=np.float32)[None]
        reach = np.linspace(0, self.depth_mm, self.samples, dtype=np.float32)[:, None] + self.radius_mm
        return np.stack([reach * np.sin(angle), reach * np.cos(angle) - self.radius_mm], axis=2).astype(np.float32)

    def to_grid(self, points_mm: Curve) -> Curve:
        """(n 2) mm -> (n 2) line and sample, fractional, also outside the sector."""
        x, y = points_mm[:, 0], np.maximum(points_mm[:, 1] + self.radius_mm, 1.0)
        grid = np.empty((len(points_mm), 2), dtype=np.float32)
        grid[:, 0] = (np.arctan2(x, y) + self.half_angle_rad) / self.line_rad
        grid[:, 1] = (np.hypot(x, y) - self.radius_mm) / self.sample_mm
        return grid


class ScanConverter:
    """Turns (samples lines) beams into a (height width) picture of a sector that fills its box."""

    def __init__(
        self,
        sector: Sector,
        *,
        width_px: int,
        height_px: int,
        box: tuple[float, float, float, float],
        zoom: float = 1.0,
    ) -> None:
        """``box``: left, top, right, bottom of the room for the fan, in parts of the picture; ``zoom`` magnifies it."""
        left, top, right, bottom = box[0] * width_px, box[1] * height_px, box[2] * width_px, box[3] * height_px
        far = sector.radius_mm + sector.depth_mm
        rise = sector.radius_mm * (1 - np.cos(sector.half_angle_rad))
        width_mm, height_mm = 2 * far * np.sin(sector.half_angle_rad), sector.depth_mm + rise
        # A fan a little wider than its box is cut at the sides, as scanners do when a user zooms.
        self.px_per_mm = zoom * float(min((bottom - top) / height_mm, 1.3 * (right - left) / width_mm))
        hidden = (1 - 1 / zoom) / 2 * float(height_mm) * self.px_per_mm
        self.origin_px = ((left + right) / 2, top + float(rise) * self.px_per_mm - hidden)
        x = (np.arange(width_px, dtype=np.float32) - self.origin_px[0])[None] / self.px_per_mm
        y = (np.arange(height_px, dtype=np.float32) - self.origin_px[1])[:, None] / self.px_per_mm + sector.radius_mm
        sample = (np.hypot(x, y) - sector.radius_mm) / sector.sample_mm
        line = (np.arctan2(x, np.maximum(y, 1e-3)) + sector.half_angle_rad) / sector.line_rad
        columns, rows = np.arange(width_px)[None], np.arange(height_px)[:, None]
        seen = (line >= 0) & (line <= sector.lines - 1) & (sample >= 0) & (sample <= sector.samples - 1)
        seen &= (columns >= left) & (columns < right) & (rows >= top) & (rows < bottom)
        self.fan = np.ascontiguousarray(seen)
        sample, line = np.where(seen, sample, -9), np.where(seen, line, -9)
        self._maps = cv2.convertMaps(line.astype(np.float32), sample.astype(np.float32), cv2.CV_16SC2)

    def picture(self, beams: Pixels) -> Pixels:
        """(samples lines) uint8 -> (h w) uint8, black outside the fan."""
        picture = cv2.remap(beams, self._maps[0], self._maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return np.asarray(picture, dtype=np.uint8)
