"""The thigh along its bone. Units: millimetres; u runs along the shaft."""

import numpy as np

from .canvas import Canvas
from .fetus import Fetus, Tissue
from .shapes import ellipse, section, smooth


def paint_thigh(canvas: Canvas, fetus: Fetus, off: float) -> None:
    """The femur along u; ``off`` is how far the plane leaves the shaft (0 along it, 2.5 out of the leg)."""
    length = fetus.femur_mm
    flesh = section(off, 0.0, 2.6)
    if flesh < 0.12:
        return
    girth = 0.36 * length * flesh
    leg = smooth(
        [
            (-0.95 * length, -0.75 * girth),
            (-0.5 * length, -1.05 * girth),
            (0.0, -0.86 * girth),
            (0.45 * length, -0.55 * girth),
            (0.72 * length, -0.5 * girth),
            (0.84 * length, 0.02 * girth),
            (0.68 * length, 0.55 * girth),
            (0.3 * length, 0.72 * girth),
            (-0.2 * length, 1.1 * girth),
            (-0.75 * length, 1.35 * girth),
            (-1.1 * length, 0.5 * girth),
        ],
        closed=True,
    )
    _far_leg(canvas, length, girth, flesh)
    canvas.fill(leg, Tissue.MUSCLE, fetal=True)
    canvas.stroke(leg, 0.46, width=0.8, closed=True, side=0.3)
    canvas.fill(leg * np.array([0.95, 0.86], dtype=np.float32), Tissue.MUSCLE - 5)
    for v in (-0.55, 0.5, 0.75):  # sheets between muscles
        sheet = smooth([(-0.5 * length, v * girth), (0, (v + 0.08) * girth), (0.45 * length, v * 0.8 * girth)])
        canvas.stroke(sheet, 0.28 * flesh, side=0.2)
    # A tilted cut leaves the shaft: from one end the bone shortens and dims.
    share = 1 - 0.62 * min(abs(off), 1.3)
    light = float(np.exp(-(abs(off) ** 2) * 0.7))
    if share > 0.1:
        right = (share - 0.5) * length if off >= 0 else 0.5 * length
        left = -0.5 * length if off >= 0 else (0.5 - share) * length
        t = np.linspace(0, 1, 24, dtype=np.float32)
        u = left + t * (right - left)
        shaft = np.stack([u, 0.03 * length * (1 - (2 * u / length) ** 2) * -1 + 0.02 * length], axis=1).astype(
            np.float32
        )
        for end, seen in ((left, off >= -0.4), (right, off <= 0.4)):
            if seen:
                knob = ellipse(end * 1.13, 0.03 * length, 0.09 * length, 0.11 * length, n=24)
                canvas.fill(knob, Tissue.CARTILAGE)
                canvas.stroke(knob, 0.2, closed=True, side=0.3)
        canvas.stroke(shaft, 0.99 * light, width=0.05 * length, side=0.35, bone=0.95 * light)


def _far_leg(canvas: Canvas, length: float, girth: float, flesh: float) -> None:
    """The other thigh, of which only the near edge and a glimpse of bone are caught."""
    leg = ellipse(0.12 * length, 2.05 * girth, 0.72 * length, 0.8 * girth, turn=-0.12, power=2.4)
    canvas.fill(leg, Tissue.MUSCLE - 4, fetal=True)
    canvas.stroke(leg, 0.42 * flesh, width=0.6, closed=True, side=0.3)
    bone = smooth([(-0.2 * length, 2.0 * girth), (0.1 * length, 1.93 * girth), (0.35 * length, 1.95 * girth)])
    canvas.stroke(bone, 0.6 * flesh, width=0.03 * length, side=0.3, bone=0.5)
