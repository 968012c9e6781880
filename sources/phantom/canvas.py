"""Where bodies draw themselves: smooth curves in, maps of tissue over (samples lines) out."""

from dataclasses import dataclass

import cv2
import numpy as np

from .scan import Plane2, Sector
from .shapes import Curve, Points

_SHIFT = 4  # fractional bits of drawn points: structures glide between samples instead of jumping
FLOOR_DB = -80.0


def code(level_db: float) -> int:
    """Echo strength in dB (0 is white, `FLOOR_DB` nothing) as stored in the echo map."""
    return int(np.clip(round((1 - level_db / FLOOR_DB) * 255), 0, 255))


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a body lies in the picture plane.

    Attributes:
        x_mm, y_mm: its origin.
        turn_rad: its rotation.
        scale_mm: millimetres per unit of the body.
        flipped: seen from the other side (mirrored).
    """

    x_mm: float = 0.0
    y_mm: float = 0.0
    turn_rad: float = 0.0
    scale_mm: float = 1.0
    flipped: bool = False

    @property
    def matrix(self) -> Plane2:
        """(2 3) float32: body units -> mm."""
        c, s = np.cos(self.turn_rad) * self.scale_mm, np.sin(self.turn_rad) * self.scale_mm
        flip = -1.0 if self.flipped else 1.0
        return np.array([[c, -s * flip, self.x_mm], [s, c * flip, self.y_mm]], dtype=np.float32)

    @property
    def anchor(self) -> Plane2:
        """(2 3) float32: mm in the picture -> mm in the body, for tissue that moves with it."""
        c, s = np.cos(self.turn_rad), np.sin(self.turn_rad)
        flip = -1.0 if self.flipped else 1.0
        back = np.array([[c, s], [-s * flip, c * flip]], dtype=np.float32)
        return np.concatenate([back, back @ np.array([[-self.x_mm], [-self.y_mm]], dtype=np.float32)], axis=1)


class Canvas:
    """Maps of one moment, each (samples lines) uint8.

    ``echo``: scatterers' strength (see `code`); ``glint``: mirrors (surfaces that face the beam); ``bone``: what
    swallows the beam; ``owner``: 255 where tissue moves with the fetus, 0 where it belongs to the mother.
    """

    def __init__(self, sector: Sector) -> None:
        self.sector = sector
        shape = (sector.samples, sector.lines)
        self.echo = np.zeros(shape, np.uint8)
        self.glint = np.zeros(shape, np.uint8)
        self.bone = np.zeros(shape, np.uint8)
        self.owner = np.zeros(shape, np.uint8)
        self._matrix = Pose().matrix
        self._scale = 1.0

    def clear(self, level_db: float) -> None:
        """One tissue everywhere."""
        self.echo.fill(code(level_db))
        for layer in (self.glint, self.bone, self.owner):
            layer.fill(0)

    def place(self, pose: Pose) -> None:
        """Curves that follow are in the units of this pose."""
        self._matrix, self._scale = pose.matrix, pose.scale_mm

    def fill(self, outline: Points, level_db: float, *, fetal: bool = False) -> None:
        """A region of one tissue; what lay there before is gone, its mirrors and bones too."""
        points = self._fixed(self._mm(outline))
        cv2.fillPoly(self.echo, [points], code(level_db), cv2.LINE_AA, _SHIFT)
        if fetal:
            for layer, value in ((self.glint, 0), (self.bone, 0), (self.owner, 255)):
                cv2.fillPoly(layer, [points], value, cv2.LINE_8, _SHIFT)

    def solid(self, outline: Points, strength: float, *, bone: float) -> None:
        """A piece of bone too small to have a side: it shines whatever way the beam comes."""
        points = self._fixed(self._mm(outline))
        cv2.fillPoly(self.glint, [points], int(255 * strength), cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self.bone, [points], int(255 * bone), cv2.LINE_AA, _SHIFT)

    def stroke(
        self,
        line: Points,
        strength: float,
        *,
        width: float = 0.0,
        closed: bool = False,
        side: float = 0.1,
        bone: float = 0.0,
    ) -> None:
        """A surface that mirrors where it faces the beam.

        Args:
            strength: [0, 1] where the beam meets it squarely.
            width: thickness in body units, 0 for a membrane.
            side: share of the strength left where the beam grazes it.
            bone: [0, 1], how much of the beam it swallows.
        """
        mm = self._mm(np.concatenate([line, line[:1]]) if closed else line)
        step, middle = mm[1:] - mm[:-1], (mm[1:] + mm[:-1]) / 2
        length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)
        beam_x, beam_y = middle[:, 0], middle[:, 1] + self.sector.radius_mm
        reach = np.maximum(np.hypot(beam_x, beam_y), 1.0)
        squarely = np.abs(step[:, 0] * beam_y - step[:, 1] * beam_x) / (length * reach)
        light = np.minimum(255 * strength * (side + (1 - side) * squarely**2.5), 255)
        # A grid step is short along the beam and long across it: the pen must follow.
        pen_mm = self.sector.sample_mm * squarely + self.sector.line_rad * reach * (1 - squarely)
        pens = np.maximum(np.round(width * self._scale / pen_mm), 1).astype(int)
        grid = self._fixed(mm).tolist()
        for a, b, level, pen in zip(grid, grid[1:], light.astype(int).tolist(), pens.tolist(), strict=False):
            cv2.line(self.glint, a, b, level, pen, cv2.LINE_AA, _SHIFT)
            if bone > 0:
                cv2.line(self.bone, a, b, int(255 * bone), pen, cv2.LINE_AA, _SHIFT)

    def _mm(self, points: Points) -> Curve:
        return np.asarray(points @ self._matrix[:, :2].T + self._matrix[:, 2], dtype=np.float32)

    def _fixed(self, points_mm: Curve) -> "np.ndarray[tuple[int, ...], np.dtype[np.int32]]":
        grid = np.minimum(np.maximum(self.sector.to_grid(points_mm), -4000), 4000)
        return np.rint(grid * (1 << _SHIFT)).astype(np.int32)
