"""The thigh along its bone, and the back along its spine. Units: millimetres."""

import numpy as np

from .canvas import Canvas
from .fetus import Fetus, Tissue
from .shapes import ellipse, section, smooth, tube


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


def paint_back(canvas: Canvas, fetus: Fetus, off: float) -> None:
    """The spine along u, the back's skin at v < 0; ``off`` is how far the plane lies beside the midline."""
    half = 1.9 * fetus.trunk_mm
    flesh = section(off, 0.0, 2.8)
    if flesh < 0.12:
        return
    r = fetus.trunk_mm
    trunk = smooth(
        [
            (-half, -0.34 * r),
            (-0.4 * half, -0.30 * r),
            (0.4 * half, -0.36 * r),
            (1.0 * half, -0.1 * r),
            (1.1 * half, 0.5 * r),
            (0.9 * half, 1.25 * r * flesh),
            (0.1 * half, 1.35 * r * flesh),
            (-half, 1.2 * r * flesh),
            (-1.15 * half, 0.4 * r),
        ],
        closed=True,
    )
    canvas.fill(trunk, Tissue.MUSCLE, fetal=True)
    canvas.stroke(trunk, 0.5, width=0.8, closed=True, side=0.3)
    canvas.fill(
        smooth(
            [
                (-0.95 * half, 0.25 * r),
                (0, 0.3 * r),
                (0.7 * half, 0.35 * r),
                (0.85 * half, 0.9 * r * flesh),
                (0, 1.15 * r * flesh),
                (-0.9 * half, 1.0 * r * flesh),
            ],
            closed=True,
        ),
        Tissue.LUNG - 3,
    )
    light = float(np.exp(-(off**2) * 1.1))
    if light < 0.04:
        return
    t = np.linspace(-0.96, 0.92, 120, dtype=np.float32)
    bend = (0.2 * np.sin(1.7 * t + 0.3) + np.where(t > 0.55, 0.9 * (t - 0.55) ** 2, 0)).astype(np.float32)
    gap = np.interp(t, [-1, -0.6, 0.5, 0.92], [0.19, 0.15, 0.15, 0.015]).astype(np.float32)
    middle = np.stack([t * half, bend * r], axis=1).astype(np.float32)
    across = np.array([0, r], dtype=np.float32)
    canvas.fill(tube(middle, gap * np.float32(0.7 * r)), Tissue.CSF if light > 0.5 else Tissue.MUSCLE)
    glow = fetus.rng(3).uniform(0.74, 1.0, len(t))
    for side, strength in ((-1, 0.9 if off < 0.6 else 0.5), (1, 1.0 if off > -0.6 else 0.5)):
        row = middle + side * gap[:, None] * across
        for k in range(2, len(t) - 2, 5):  # a centre of ossification each, longer in the bodies than in the arches
            u, v = row[k]
            long, high = (0.026, 0.036) if side > 0 else (0.020, 0.042)
            piece = ellipse(float(u), float(v), long * half, high * r, power=3, n=14)
            canvas.solid(piece, 0.84 * strength * light * float(glow[k]), bone=0.5 * light)
    canvas.stroke(middle - np.array([0, 0.02 * r], dtype=np.float32), 0.25 * light, side=0.2)
