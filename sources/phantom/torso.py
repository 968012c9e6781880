"""The trunk, cut across: chest with the heart above, belly with stomach and umbilical vein below.

Units: radius of the abdomen. v points to the back (+) and the breastbone (-), u to the fetus's left (+), z to its head
from the four-chamber plane.
"""

import numpy as np

from .canvas import Canvas
from .fetus import Fetus, Tissue
from .heart import paint_heart
from .shapes import arc, curve, ellipse, section, smooth, tube

HEART_Z, ABDOMEN_Z = 0.0, -1.35
HEART_TOLERANCE, ABDOMEN_TOLERANCE = 0.5, 0.42


def paint_torso(canvas: Canvas, fetus: Fetus, z: float, phase: float) -> None:
    """Draws the cut at height z; ``phase`` in [0, 1) is where the heart stands in its beat."""
    size = section(z, -0.65, 2.1)
    if size < 0.12:
        return
    chest = section(z, 0.1, 0.75)
    wide, deep = size * (1.0 - 0.04 * chest), size * (0.95 - 0.05 * chest)
    wall = ellipse(0, 0, wide, deep, power=2.15, n=64)
    canvas.fill(wall, Tissue.MUSCLE, fetal=True)
    canvas.stroke(wall, 0.62, width=0.035, closed=True, side=0.35)
    inside = wall * np.float32(0.89)
    canvas.fill(inside, Tissue.LUNG if z > -0.6 else Tissue.LIVER)
    canvas.stroke(inside, 0.3, closed=True, side=0.2)
    liver = section(z, -1.3, 1.0)
    if z > -0.6 and liver > 0.2:  # the dome of the diaphragm
        dome = ellipse(-0.2 * size, -0.05, 0.62 * liver * size, 0.6 * liver * size)
        canvas.fill(dome, Tissue.LIVER)
        canvas.stroke(dome, 0.3, closed=True)
    paint_heart(canvas, fetus, z, phase, size)
    _belly(canvas, z, size)
    _kidneys(canvas, z, size)
    _great_vessels(canvas, z, size)
    _ribs(canvas, z, size, wide, deep)
    _spine(canvas, size)


def _belly(canvas: Canvas, z: float, size: float) -> None:
    stomach = section(z, -1.25, 0.5)
    if stomach > 0.2:
        bubble = ellipse(0.42 * size, 0.06 * size, 0.27 * stomach, 0.19 * stomach, turn=-0.35)
        canvas.fill(bubble, Tissue.FLUID)
        canvas.stroke(bubble, 0.4, closed=True, side=0.15)
    vein = section(z, ABDOMEN_Z, 0.36)
    if vein > 0.2:
        path = smooth([(0.0, -0.62), (0.0, -0.42), (-0.03, -0.22), (-0.16, -0.06), (-0.36, -0.02), (-0.5, -0.06)])
        start = int(len(path) * 0.5 * (1 - vein))
        path = path[start:]
        lumen = tube(path, 0.058 * vein)
        canvas.fill(lumen, Tissue.BLOOD)
        canvas.stroke(lumen, 0.46 * vein, closed=True, side=0.2)
    for u, v, r, height in (
        (-0.45, 0.35, 0.045, -1.2),
        (0.1, -0.3, 0.03, -1.0),
        (-0.6, 0.1, 0.035, -1.5),
        (-0.25, 0.45, 0.04, -1.6),
    ):
        seen = section(z, height, 0.35)
        if seen > 0.3:  # hepatic veins
            canvas.fill(ellipse(u * size, v * size, r * 2 * seen, r * seen, turn=u * 3, n=16), Tissue.BLOOD)
    gall = section(z, -1.72, 0.22)
    if gall > 0.3:
        canvas.fill(ellipse(-0.3 * size, -0.38 * size, 0.17 * gall, 0.07 * gall, turn=-0.7), Tissue.FLUID)
    adrenal = section(z, -1.55, 0.3)
    if adrenal > 0.3:
        canvas.fill(ellipse(0.34 * size, 0.5 * size, 0.13 * adrenal, 0.04, turn=0.6), Tissue.CARTILAGE)


def _kidneys(canvas: Canvas, z: float, size: float) -> None:
    seen = section(z, -2.1, 0.5)
    if seen < 0.2:
        return
    for side in (-1, 1):
        kidney = ellipse(side * 0.40 * size, 0.44 * size, 0.24 * seen, 0.19 * seen, turn=side * 0.5)
        canvas.fill(kidney, Tissue.KIDNEY - 4)
        canvas.stroke(kidney, 0.4, closed=True)
        canvas.fill(
            ellipse(side * 0.36 * size, 0.43 * size, 0.08 * seen, 0.04 * seen, turn=side * 0.5, n=20), Tissue.FLUID
        )


def _great_vessels(canvas: Canvas, z: float, size: float) -> None:
    for u, v, r in ((0.12, 0.50, 0.075), (-0.14 - 0.12 * section(z, -1.0, 1.0), 0.42, 0.06)):
        vessel = ellipse(u * size, v * size, r, r, n=20)
        canvas.fill(vessel, Tissue.BLOOD)
        canvas.stroke(vessel, 0.4, closed=True, side=0.3)


def _ribs(canvas: Canvas, z: float, size: float, wide: float, deep: float) -> None:
    cage = section(z, -0.3, 1.6)
    for side in (-1, 1):
        # A true cross-section follows one rib far round; a lower one cuts several.
        pieces = ((-0.62, 0.95),) if section(z, 0.0, 0.6) > 0.3 else ((-0.5, -0.25), (0.0, 0.28), (0.5, 0.8))
        for start, end in pieces:
            rib = arc(0, 0, wide * 0.93, deep * 0.93, start, end, n=14) * np.array([side, 1], dtype=np.float32)
            canvas.stroke(rib, 0.85 * cage, width=0.055, side=0.3, bone=0.30 * cage)
    canvas.stroke(
        curve([(-0.08 * size, -deep * 0.9), (0.08 * size, -deep * 0.9)]), 0.5 * cage, width=0.04, side=0.4, bone=0.15
    )


def _spine(canvas: Canvas, size: float) -> None:
    canvas.fill(ellipse(0, 0.76 * size, 0.2, 0.16, n=24), Tissue.MUSCLE)
    canvas.fill(ellipse(0, 0.82 * size, 0.075, 0.06, n=20), Tissue.FLUID)
    canvas.solid(ellipse(0, 0.70 * size, 0.085, 0.07, n=20), 0.9, bone=0.5)
    for side in (-1, 1):
        canvas.solid(ellipse(side * 0.125, 0.84 * size, 0.035, 0.075, turn=side * 0.5, n=16), 0.9, bone=0.5)
    canvas.stroke(smooth([(-0.2, 0.965 * size), (0, 0.985 * size), (0.2, 0.965 * size)]), 0.3, side=0.3)
