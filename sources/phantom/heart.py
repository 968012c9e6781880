"""A beating heart cut through its four chambers, normal or with one of three malformations.

Heart's own frame: p from base to apex, q across with the left side at q > 0; units: half the heart's length.
"""

from collections.abc import Callable

import numpy as np

from .canvas import Canvas
from .fetus import Fetus, Tissue
from .shapes import Curve, curve, ellipse, section, smooth

_Place = Callable[[Curve], Curve]
_LENGTH = 0.66  # half the heart's length in radii of the trunk: about a third of the chest's area


def paint_heart(canvas: Canvas, fetus: Fetus, z: float, phase: float, size: float) -> None:
    """Draws the heart as cut at height z of the trunk; ``phase`` 0 is end-diastole, 0.4 end-systole."""
    seen = section(z, 0.02, 0.66)
    if seen < 0.15:
        return
    axis = fetus.axis_rad if fetus.pathology != "axis_deviation" else fetus.axis_rad + np.radians(38)
    # The apex points to the left and forward, away from the spine.
    along = np.array([np.sin(axis), -np.cos(axis)], dtype=np.float32)
    left = np.array([np.cos(axis), np.sin(axis)], dtype=np.float32)
    frame = np.stack([along, left]) * np.float32(_LENGTH * seen * size)
    centre = np.array([0.10, -0.14], dtype=np.float32) * np.float32(size)

    def at(points: Curve) -> Curve:
        return np.asarray(points @ frame + centre, dtype=np.float32)

    squeeze = _systole(phase)
    _paint_walls(canvas, at, squeeze)
    open_chambers = section(z, 0.0, 0.46)
    if open_chambers > 0.2:
        _paint_chambers(canvas, at, fetus, squeeze, open_chambers)
        _paint_septa(canvas, at, fetus, squeeze, open_chambers, phase)


def _systole(phase: float) -> float:
    """[0, 1] contraction of the ventricles over the beat: fast in, slower out."""
    if phase < 0.4:
        return float(np.sin(np.pi * phase / 0.8) ** 2)
    return float(np.cos(np.pi * (phase - 0.4) / 0.9) ** 2) if phase < 0.85 else 0.0


def _paint_walls(canvas: Canvas, at: _Place, squeeze: float) -> None:
    outline = at(ellipse(0, 0, 1.0 - 0.03 * squeeze, 0.80 - 0.05 * squeeze, power=2.1, n=56))
    canvas.fill(outline, Tissue.MYOCARDIUM)
    canvas.stroke(outline, 0.42, width=0.02, closed=True, side=0.25)


def _paint_chambers(canvas: Canvas, at: _Place, fetus: Fetus, squeeze: float, seen: float) -> None:
    small = fetus.pathology == "small_left_ventricle"
    ventricle, atrium = (1 - 0.30 * squeeze) * seen, (1 + 0.12 * squeeze) * seen
    left, right = (0.42 if small else 1.0), (1.18 if small else 1.0)
    chambers = (
        (0.30 - 0.04 * squeeze, 0.36 + (0.1 if small else 0), 0.52 * ventricle * left, 0.29 * ventricle * left, 0.08),
        (0.26 - 0.04 * squeeze, -0.35, 0.48 * ventricle * min(right, 1.06), 0.29 * ventricle * right, -0.10),
        (-0.50, 0.31, 0.29 * atrium * (0.8 if small else 1), 0.25 * atrium * (0.8 if small else 1), 0.0),
        (-0.48, -0.33, 0.31 * atrium, 0.27 * atrium, 0.0),
    )
    for p, q, rp, rq, turn in chambers:
        room = at(ellipse(p, q, rp, rq, turn=turn, power=2.2, n=40))
        canvas.fill(room, Tissue.BLOOD)
        canvas.stroke(room, 0.36, closed=True, side=0.3)
    canvas.stroke(
        at(curve([(0.52, -0.18), (0.55, -0.32), (0.5, -0.46)])), 0.45 * seen, width=0.03, side=0.6
    )  # moderator band


def _paint_septa(canvas: Canvas, at: _Place, fetus: Fetus, squeeze: float, seen: float, phase: float) -> None:
    wall = smooth(
        [(-0.05, -0.045), (0.3, -0.075), (0.85, -0.06), (0.85, 0.06), (0.3, 0.075), (-0.05, 0.045)], closed=True
    )
    canvas.fill(at(wall), Tissue.MYOCARDIUM + 2)
    for side in (-1, 1):
        canvas.stroke(at(curve([(-0.02, side * 0.05), (0.3, side * 0.08), (0.75, side * 0.075)])), 0.4 * seen, side=0.3)
    # Atrial septum with the gap of the foramen ovale, whose flap bulges into the left atrium.
    for start, end in ((-0.14, -0.32), (-0.62, -0.82)):
        canvas.stroke(
            at(curve([(start, 0.0), ((start + end) / 2, 0.005), (end, 0.0)])), 0.5 * seen, width=0.03, side=0.5
        )
    bulge = 0.13 + 0.07 * np.sin(2 * np.pi * phase)
    canvas.stroke(at(smooth([(-0.32, 0.0), (-0.42, bulge), (-0.54, bulge), (-0.6, 0.05)])), 0.36 * seen, side=0.3)
    if fetus.pathology == "septal_defect":
        _paint_defect(canvas, at, seen)
    else:
        canvas.stroke(at(ellipse(-0.07, 0, 0.07, 0.045, n=14)), 0.5 * seen, width=0.03, closed=True, side=0.6)  # crux
    _paint_valves(canvas, at, squeeze, seen, phase)


def _paint_defect(canvas: Canvas, at: _Place, seen: float) -> None:
    """A hole where the septa should meet: the upper part of the ventricular septum is missing."""
    canvas.fill(at(ellipse(0.08, 0, 0.27, 0.2, n=24)), Tissue.BLOOD, fetal=True)
    canvas.stroke(at(curve([(0.34, -0.08), (0.31, 0.0), (0.34, 0.08)])), 0.5 * seen, side=0.6)


def _paint_valves(canvas: Canvas, at: _Place, squeeze: float, seen: float, phase: float) -> None:
    """Closed in systole (leaflets meet in a line), open in diastole (they hang into the ventricle)."""
    swing = 0.30 * (1 - squeeze) * (0.75 + 0.25 * np.cos(4 * np.pi * phase))
    for q_hinge, q_wall, p in ((0.05, 0.62, -0.13), (-0.05, -0.66, -0.07)):
        middle = (q_hinge + q_wall) / 2
        for hinge in (q_hinge, q_wall):
            tip = (p + 0.04 + swing, middle + (hinge - middle) * (0.05 + 0.9 * swing))
            bow = (p + 0.5 * swing, (hinge * 1.2 + tip[1] * 0.8) / 2)
            canvas.stroke(at(smooth([(p, hinge), bow, tip], per_span=5)), 0.5 * seen, width=0.015, side=0.6)
