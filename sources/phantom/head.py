"""The head, cut across: one solid in which three standard planes lie at three heights.

Units: half the biparietal diameter. u runs from occiput (-) to forehead (+), v from side to side, z upwards from the
transthalamic plane. Structures are ellipsoids, so they shrink and vanish as their plane is left.
"""

from functools import lru_cache

import numpy as np

from .canvas import Canvas
from .fetus import Fetus, Tissue
from .shapes import Curve, arc, curve, ellipse, mirrored, section, smooth

THALAMIC_Z, VENTRICULAR_Z, CEREBELLAR_Z = 0.0, 0.42, -0.46
TOLERANCE = 0.38


def paint_head(canvas: Canvas, fetus: Fetus, z: float, oblique: float = 0.0) -> None:
    """Draws the cut at height z (units of the head); nothing when the head is missed.

    An ``oblique`` cut in [0, 1] misses the paired structures that make a standard plane, wherever it lies.
    """
    size = section(z, -0.02, 1.12)
    if size < 0.12:
        return
    length = size / fetus.cephalic_index
    power = 2.0 + 0.25 * section(z, 0.1, 0.6)
    skull = ellipse(0, 0, length, size, power=power, n=72)
    canvas.fill(skull * np.float32(1.07), Tissue.MUSCLE, fetal=True)
    _nuchal_fold(canvas, length, z)
    canvas.stroke(skull * np.float32(1.07), 0.25, closed=True, side=0.2)
    canvas.fill(skull, Tissue.CSF)
    canvas.fill(skull * np.float32(0.93), Tissue.BRAIN)
    _sulci(canvas, fetus, z, length, size)
    kept = 1 - oblique
    _insula(canvas, z, length, kept)
    _ventricles(canvas, z, length, kept)
    _thalami(canvas, z, length, kept)
    _cerebellum(canvas, z, length, kept)
    _midline(canvas, z, length, kept)
    canvas.stroke(skull * np.float32(0.985), 0.98, width=0.075, closed=True, side=0.34, bone=0.36)


def _midline(canvas: Canvas, z: float, length: float, kept: float) -> None:
    falx = section(z, 0.5, 1.0)
    aside = 0.3 * (1 - kept)  # an oblique cut meets the falx off the middle, and only in part
    for start, end, strength in ((0.58, 0.93, 0.56 * kept), (-0.92, -0.34, 0.5 * falx), (-0.34, 0.22, 0.34)):
        if strength > 0.1 and not (end < 0 and section(z, CEREBELLAR_Z, 0.25) > 0.3):
            line = curve(
                [
                    (start * length, 0.004 + aside),
                    ((start + end) / 2 * length, aside - 0.006),
                    (end * length, 0.003 + 0.6 * aside),
                ]
            )
            canvas.stroke(line, strength, width=0.02, side=0.25)
    box = kept * section(z, -0.02, 0.72)  # the cavum septi pellucidi: a box of fluid between two walls
    if box > 0.25:
        half = 0.085 * box
        canvas.fill(ellipse(0.42 * length, 0, 0.14 * length, half, power=4), Tissue.CSF)
        for side in (-1, 1):
            wall = curve(
                [(0.28 * length, side * half), (0.42 * length, side * half * 1.08), (0.56 * length, side * half)]
            )
            canvas.stroke(wall, 0.66, width=0.025, side=0.3)


def _thalami(canvas: Canvas, z: float, length: float, kept: float) -> None:
    size = kept * section(z, -0.03, 0.34)
    if size < 0.2:
        return
    for side in (-1, 1):
        body = ellipse(-0.06 * length, side * 0.19, 0.23 * length * size, 0.165 * size, turn=side * -0.25)
        canvas.fill(body, Tissue.THALAMUS)
        canvas.stroke(body, 0.38 * size, closed=True, side=0.4)
        wall = curve([(-0.16 * length, side * 0.028), (-0.04 * length, side * 0.034), (0.08 * length, side * 0.02)])
        canvas.stroke(wall, 0.5 * size, side=0.4)  # third ventricle
    cistern = smooth(
        [
            (-0.25 * length, 0.3 * size),
            (-0.3 * length, 0.1),
            (-0.27 * length, 0),
            (-0.3 * length, -0.1),
            (-0.25 * length, -0.3 * size),
        ]
    )
    canvas.stroke(cistern, 0.52 * size, width=0.03, side=0.7)
    for side in (-1, 1):
        canvas.fill(
            ellipse(-0.42 * length, side * 0.36, 0.1 * length * size, 0.06 * size, turn=side * 0.5), Tissue.CHOROID - 8
        )


def _ventricles(canvas: Canvas, z: float, length: float, kept: float) -> None:
    size = kept * section(z, VENTRICULAR_Z, 0.34)
    if size < 0.2:
        return
    for side in (-1, 1):
        body = smooth(
            [
                (0.02, 0.24),
                (-0.2, 0.23),
                (-0.44, 0.30),
                (-0.68, 0.40),
                (-0.72, 0.47),
                (-0.56, 0.54),
                (-0.32, 0.50),
                (-0.1, 0.36),
            ],
            closed=True,
        )
        body = _about(body, (-0.35, 0.38), size) * np.array([length, side], dtype=np.float32)
        canvas.fill(body, Tissue.FLUID)
        plexus = smooth(
            [(-0.03, 0.28), (-0.25, 0.26), (-0.47, 0.34), (-0.58, 0.42), (-0.46, 0.485), (-0.22, 0.43)], closed=True
        )
        plexus = _about(plexus, (-0.35, 0.38), size) * np.array([length, side], dtype=np.float32)
        canvas.fill(plexus, Tissue.PLEXUS)
        canvas.stroke(body, 0.5 * size, width=0.015, closed=True, side=0.25)
        horn = ellipse(0.43 * length, side * 0.2, 0.17 * length * size, 0.05 * size, turn=side * 0.16)
        canvas.fill(horn, Tissue.FLUID)
        canvas.stroke(horn, 0.5 * size, closed=True, side=0.15)


def _cerebellum(canvas: Canvas, z: float, length: float, kept: float) -> None:
    size = kept * section(z, CEREBELLAR_Z, 0.32)
    if size < 0.2:
        return
    canvas.fill(
        ellipse(-0.78 * length, 0, 0.15 * length * size, 0.46 * size, power=2.6), Tissue.FLUID
    )  # cisterna magna
    for side in (-1, 1):
        lobe = ellipse(-0.55 * length, side * 0.28 * size, 0.16 * length * size, 0.29 * size, turn=side * 0.4)
        canvas.fill(lobe, Tissue.CEREBELLUM)
        canvas.stroke(lobe, 0.54 * size, width=0.018, closed=True, side=0.45)
        for k in range(3):
            folium = arc(-0.53 * length, side * 0.28 * size, (0.03 + 0.035 * k) * length, 0.07 + 0.06 * k, 1.8, 4.5)
            canvas.stroke(folium, 0.36 * size, side=0.3)
        peduncle = ellipse(-0.22 * length, side * 0.13, 0.15 * length * size, 0.12 * size, turn=side * 0.5)
        canvas.fill(peduncle, Tissue.THALAMUS)
        canvas.stroke(peduncle, 0.36 * size, closed=True, side=0.4)
    canvas.fill(ellipse(-0.56 * length, 0, 0.09 * length * size, 0.085 * size), Tissue.CHOROID)  # vermis
    canvas.stroke(arc(-0.93 * length, 0, 0.05, 0.5 * size, -1.3, 1.3), 0.3, side=0.3)


def _nuchal_fold(canvas: Canvas, length: float, z: float) -> None:
    size = section(z, -0.6, 0.5)
    if size > 0.2:
        canvas.fill(ellipse(-0.98 * length, 0, 0.24 * size, 0.62 * size), Tissue.MUSCLE + 3, fetal=True)
        canvas.stroke(arc(-0.98 * length, 0, 0.24 * size, 0.62 * size, 1.6, 4.7), 0.45, width=0.02, side=0.3)


def _insula(canvas: Canvas, z: float, length: float, kept: float) -> None:
    size = kept * section(z, -0.02, 0.5)
    if size < 0.25:
        return
    fissure = smooth([(0.34, 0.66), (0.27, 0.56), (0.08, 0.53), (-0.1, 0.56), (-0.17, 0.68)])
    fissure = fissure * np.array([length, 1], dtype=np.float32)
    for side in (fissure, mirrored(fissure)):
        canvas.stroke(side, 0.5 * size, width=0.025, side=0.3)


def _sulci(canvas: Canvas, fetus: Fetus, z: float, length: float, size: float) -> None:
    for line, height, strength in _sulcus_table(fetus.seed, fetus.weeks):
        seen = section(z, height, 0.24)
        if seen > 0.25:
            canvas.stroke(line * np.array([length, size], dtype=np.float32), strength * seen, side=0.2)


@lru_cache(maxsize=16)
def _sulcus_table(seed: int, weeks: float) -> tuple[tuple[Curve, float, float], ...]:
    """Folds of the brain's surface and small vessels: (line, its height z, strength). More of them in older fetuses."""
    rng = np.random.default_rng([seed, 11])
    rows: list[tuple[Curve, float, float]] = []
    for _ in range(int(30 + 2.2 * max(weeks - 14, 0))):
        angle, out = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.9) ** 0.7
        centre = np.array([np.cos(angle), np.sin(angle)]) * out * 0.93
        heading, span, bend = rng.normal(0.0, 0.5), rng.uniform(0.03, 0.11), rng.normal(0, 0.02)
        t = np.linspace(-1, 1, 5)
        along, across = span * t, bend * (1 - t**2)
        u = centre[0] + along * np.cos(heading) - across * np.sin(heading)
        v = centre[1] + along * np.sin(heading) + across * np.cos(heading)
        rows.append((np.stack([u, v], 1).astype(np.float32), rng.uniform(-0.9, 0.9), rng.uniform(0.25, 0.6)))
    return tuple(rows)


def _about(points: Curve, centre: tuple[float, float], size: float) -> Curve:
    c = np.asarray(centre, dtype=np.float32)
    return ((points - c) * np.float32(size) + c).astype(np.float32)
