"""The back along its spine, in the sagittal plane. Units: millimetres; u runs from the neck (-) to the tail (+)."""

import numpy as np

from .canvas import Canvas
from .fetus import Fetus, Tissue
from .shapes import Curve, ellipse, section, smooth, tube

_PITCH = 5  # points of the spine's course per vertebra


def paint_back(canvas: Canvas, fetus: Fetus, off: float) -> None:
    """The skin lies at v < 0; ``off`` is how far the plane lies beside the midline (2.8 is beside the trunk)."""
    flesh = section(off, 0.0, 2.8)
    if flesh < 0.12:
        return
    r, half = fetus.trunk_mm, 1.9 * fetus.trunk_mm
    t = np.linspace(-0.96, 0.92, 120, dtype=np.float32)
    bend = 0.2 * np.sin(1.7 * t + 0.3) + np.where(t > 0.55, 0.9 * (t - 0.55) ** 2, 0)
    middle = np.stack([t * half, bend * r], axis=1).astype(np.float32)
    gap = np.interp(t, [-1, -0.6, 0.5, 0.92], [0.18, 0.14, 0.14, 0.012]).astype(np.float32) * np.float32(r)
    _trunk(canvas, middle, gap, r, flesh)
    light = float(np.exp(-(off**2) * 1.1))
    if light > 0.04:
        _vertebrae(canvas, fetus, middle, gap, off, light)


def _trunk(canvas: Canvas, middle: Curve, gap: Curve, r: float, flesh: float) -> None:
    skin = middle[::12] - np.stack([0 * gap, gap + 0.22 * r], axis=1)[::12]
    belly = middle[::-20] + np.array([0, 1.25 * r * flesh], dtype=np.float32)
    ends = np.array([[0.1 * r, 0.12 * r], [0.5 * r, 0.7 * r]], dtype=np.float32)
    outline = np.concatenate([skin, middle[-1:] + ends, belly[1:], middle[:1] + ends[1:] * np.array([-0.7, 1.0])])
    wall = smooth([(float(u), float(v)) for u, v in outline], closed=True, per_span=4)
    canvas.fill(wall, Tissue.MUSCLE, fetal=True)
    canvas.stroke(wall, 0.46, width=0.6, closed=True, side=0.3)
    # Chest and belly before the spine, with the heart's shadow of blood between the lungs.
    chest = middle[4:58] + np.array([0, 0.62 * r], dtype=np.float32)
    belly_organs = middle[54:104] + np.array([0, 0.60 * r], dtype=np.float32)
    canvas.fill(tube(belly_organs, 0.40 * r * flesh), Tissue.LIVER - 4)
    canvas.fill(tube(chest, 0.42 * r * flesh), Tissue.LUNG - 4)
    u, v = middle[38]
    canvas.fill(ellipse(float(u), float(v) + 0.72 * r, 0.32 * r * flesh, 0.2 * r * flesh, turn=0.3), Tissue.BLOOD + 10)
    canvas.stroke(
        smooth([(float(u) + s * 0.25 * r + 0.62 * r, float(v) + d * r) for s, d in ((0, 0.25), (1, 0.6), (0, 1.0))]),
        0.36,
    )


def _vertebrae(canvas: Canvas, fetus: Fetus, middle: Curve, gap: Curve, off: float, light: float) -> None:
    r, pitch_mm = fetus.trunk_mm, float(middle[_PITCH, 0] - middle[0, 0])
    canvas.fill(tube(middle, gap * np.float32(0.7)), Tissue.CSF if light > 0.5 else Tissue.MUSCLE)
    rng = fetus.rng(3)
    # Arches lie towards the skin, bodies before the canal; beside the midline one row is lost first.
    for side, strength in ((-1, 0.9 if off < 0.6 else 0.5), (1, 1.0 if off > -0.6 else 0.5)):
        row = middle + side * np.stack([0 * gap, gap], axis=1)
        for k in range(2, len(row) - 2, _PITCH):
            long, high = (0.34, 0.030) if side > 0 else (0.29, 0.026)
            long, high = long * rng.uniform(0.8, 1.1) * pitch_mm, high * rng.uniform(0.75, 1.15) * r
            lean = float(np.arctan2(row[k + 1, 1] - row[k - 1, 1], row[k + 1, 0] - row[k - 1, 0])) + side * 0.12
            piece = ellipse(float(row[k, 0]), float(row[k, 1]), long, high, turn=lean, power=3, n=14)
            canvas.solid(piece, strength * light * rng.uniform(0.62, 0.86), bone=0.6 * light)
    canvas.stroke(middle - np.array([0, 0.02 * r], dtype=np.float32), 0.3 * light, side=0.2)  # the cord
