"""What lies around the fetus: the mother's belly wall, uterus, placenta, fluid, cord and small parts. Units: mm."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from .canvas import Canvas, Pose
from .fetus import Tissue
from .shapes import Curve, arc, curve, ellipse, section, smooth

Placenta = Literal["anterior", "posterior", "none"]


@dataclass(frozen=True, slots=True)
class Womb:
    """One mother's belly as the probe sees it.

    Attributes:
        seed: of its waviness and of where small parts float.
        depth_mm: depth of the picture it is made for.
        wall_mm: from the probe's face to the inside of the uterus.
        placenta: where it is attached.
        parts: how many limbs and loops of cord float about.
        shadows: places where the probe has poor contact, and the beam is weak.
        room: [0, 1], how much fluid there is; at 0 the walls lie close.
    """

    seed: int = 0
    depth_mm: float = 110.0
    wall_mm: float = 18.0
    placenta: Placenta = "posterior"
    parts: int = 4
    shadows: int = 0
    room: float = 0.5


@dataclass(frozen=True, slots=True)
class _Part:
    kind: Literal["limb", "cord", "hand"]
    x: float
    y: float
    radius: float
    turn: float
    z: float


def paint_womb(canvas: Canvas, womb: Womb, *, slide_mm: float, z_mm: float) -> None:
    """Draws everything but the fetus's main part; ``slide_mm`` moves the probe along, ``z_mm`` across."""
    canvas.clear(Tissue.UTERUS)
    canvas.place(Pose(x_mm=-slide_mm))
    rng = np.random.default_rng([womb.seed, 21])
    wide = 1.25 * womb.depth_mm
    _belly_wall(canvas, womb, rng, wide)
    near, far = _cavity(womb, rng, wide, z_mm)
    cavity = np.concatenate([near, far[::-1]])
    canvas.fill(cavity, Tissue.FLUID)
    _placenta(canvas, womb, near, far, z_mm)
    canvas.stroke(near, 0.34, side=0.2)
    canvas.stroke(far, 0.53, width=0.5, side=0.15)
    deeper = 0.04 * womb.depth_mm + _wave(rng, far[:, 0], womb.depth_mm, 0.02 * womb.depth_mm)
    below = far + np.stack([0 * deeper, deeper], 1)
    canvas.stroke(below, 0.36, width=0.4, side=0.2)
    for _ in range(womb.shadows):
        x, half = rng.uniform(-0.45, 0.45) * womb.depth_mm, rng.uniform(0.02, 0.09) * womb.depth_mm
        canvas.stroke(curve([(x - half, 1.5), (x + half, 1.5)]), 0.0, width=1.5, bone=rng.uniform(0.3, 0.7))
    canvas.stroke(below + np.array([0, 0.05 * womb.depth_mm], dtype=np.float32), 0.32, width=0.4)


def paint_parts(canvas: Canvas, womb: Womb, *, slide_mm: float, z_mm: float) -> None:
    """Draws the small parts that float in the fluid; each is in the plane for a while as z changes."""
    for part in _parts(womb):
        seen = section(z_mm, part.z, 12.0)
        if seen < 0.25:
            continue
        canvas.place(Pose(x_mm=part.x - slide_mm, y_mm=part.y, turn_rad=part.turn, scale_mm=part.radius * seen))
        _PAINTERS[part.kind](canvas)


def _belly_wall(canvas: Canvas, womb: Womb, rng: np.random.Generator, wide: float) -> None:
    x = np.linspace(-wide, wide, 40, dtype=np.float32)
    levels = (Tissue.SKIN - 4, Tissue.FAT - 4, Tissue.MUSCLE, Tissue.UTERUS - 2)
    top = np.full_like(x, -12)
    for k, (share, level) in enumerate(zip((0.12, 0.45, 0.68, 1.25), levels, strict=True)):
        bottom = (
            share * womb.wall_mm
            + _wave(rng, x, womb.depth_mm, 0.05 * womb.wall_mm * min(k, 2))
            + x**2 / (900 + 500 * k)
        )
        layer = np.concatenate([np.stack([x, top], 1), np.stack([x, bottom], 1)[::-1]])
        canvas.fill(layer, level)
        if 0 < k < 3:
            canvas.stroke(np.stack([x, bottom], 1), 0.36, width=0.5, side=0.25)
        top = bottom
    for _ in range(int(rng.integers(4, 9))):  # sheets in fat and muscle
        y, start = rng.uniform(0.15, 0.95) * womb.wall_mm, rng.uniform(-0.5, 0.2) * wide
        span = x[(x > start) & (x < start + 0.6 * wide)]
        sheet = y + _wave(rng, span, womb.depth_mm, 0.8) + span**2 / 1200
        canvas.stroke(np.stack([span, sheet], 1), rng.uniform(0.15, 0.3), side=0.1)


def _cavity(womb: Womb, rng: np.random.Generator, wide: float, z_mm: float) -> tuple[Curve, Curve]:
    x = np.linspace(-wide, wide, 48, dtype=np.float32)
    drift = 0.25 * z_mm
    near = (
        womb.wall_mm
        + _wave(rng, x + drift, womb.depth_mm, 0.022 * womb.depth_mm)
        + x**2 / (womb.depth_mm * rng.uniform(2.2, 5.0) * (0.5 + womb.room))
    )
    far = womb.depth_mm * rng.uniform(0.76 + 0.06 * womb.room, 0.86 + 0.1 * womb.room) + _wave(
        rng, x + drift, womb.depth_mm, 0.03 * womb.depth_mm
    )
    far = np.maximum(
        far
        - (x - rng.uniform(-0.12, 0.12) * wide) ** 2
        / (womb.depth_mm * rng.uniform(0.8, 1.3) * (0.5 + 1.6 * womb.room)),
        near + 0.5,
    )
    return np.stack([x, near], 1).astype(np.float32), np.stack([x, far], 1).astype(np.float32)


def _placenta(canvas: Canvas, womb: Womb, near: Curve, far: Curve, z_mm: float) -> None:
    if womb.placenta == "none":
        return
    rng = np.random.default_rng([womb.seed, 22])
    edge, inward = (near, 1.0) if womb.placenta == "anterior" else (far, -1.0)
    middle, reach = rng.uniform(-0.3, 0.3) * womb.depth_mm, rng.uniform(0.45, 0.8) * womb.depth_mm
    thick = rng.uniform(0.10, 0.19) * womb.depth_mm * section(z_mm, 0, 90)
    bulge = thick * np.sqrt(np.clip(1 - ((edge[:, 0] - middle) / reach) ** 2, 0, 1))
    bulge *= 1 + 0.12 * np.sin(edge[:, 0] / womb.depth_mm * 9 + rng.uniform(0, 6))
    inner = edge + np.stack([np.zeros_like(bulge), inward * bulge], 1).astype(np.float32)
    canvas.fill(np.concatenate([edge, inner[::-1]]), Tissue.PLACENTA)
    canvas.stroke(inner[bulge > 0], 0.4, side=0.25)  # chorionic plate
    for _ in range(3):  # lakes of blood
        k = int(rng.integers(8, 40))
        if bulge[k] > 0.5 * thick:
            x, y = edge[k] + np.array([0, inward * bulge[k] * rng.uniform(0.4, 0.7)])
            canvas.fill(ellipse(float(x), float(y), rng.uniform(1.5, 4), rng.uniform(0.8, 1.6), n=16), Tissue.BLOOD)


@lru_cache(maxsize=64)
def _parts(womb: Womb) -> tuple[_Part, ...]:
    rng = np.random.default_rng([womb.seed, 23])
    room = womb.depth_mm - womb.wall_mm
    kinds: tuple[Literal["limb", "cord", "hand"], ...] = ("limb", "cord", "hand")
    return tuple(
        _Part(
            kind=kinds[int(rng.integers(3))],
            x=rng.uniform(-0.62, 0.62) * womb.depth_mm,
            y=womb.wall_mm + rng.uniform(0.15, 0.75) * room,
            radius=rng.uniform(0.05, 0.085) * womb.depth_mm,
            turn=rng.uniform(0, 2 * np.pi),
            z=rng.uniform(-20, 20),
        )
        for _ in range(womb.parts)
    )


def _limb(canvas: Canvas) -> None:
    flesh = ellipse(0, 0, 1.25, 0.9, n=32)
    canvas.fill(flesh, Tissue.MUSCLE - 2, fetal=True)
    canvas.stroke(flesh, 0.5, width=0.06, closed=True, side=0.35)
    canvas.fill(ellipse(0.05, 0, 0.9, 0.6, n=24), Tissue.MUSCLE - 6)
    canvas.stroke(ellipse(-0.1, -0.05, 0.2, 0.15, n=12), 0.9, width=0.14, closed=True, side=0.6, bone=0.5)


def _cord(canvas: Canvas) -> None:
    for k in range(3):
        loop = ellipse(0.75 * (k - 1), 0.25 * (-1) ** k, 0.42, 0.36, turn=0.6 * k, n=20)
        canvas.fill(loop, Tissue.MUSCLE - 2, fetal=True)
        canvas.stroke(loop, 0.42, closed=True, side=0.4)
        canvas.fill(ellipse(0.75 * (k - 1), 0.25 * (-1) ** k, 0.22, 0.18, n=14), Tissue.BLOOD)


def _hand(canvas: Canvas) -> None:
    palm = smooth([(-0.9, -0.4), (0.1, -0.5), (0.5, 0), (0.1, 0.5), (-0.9, 0.4)], closed=True, per_span=5)
    canvas.fill(palm, Tissue.MUSCLE, fetal=True)
    canvas.stroke(palm, 0.45, closed=True, side=0.3)
    for k in range(4):
        v = -0.42 + 0.28 * k
        canvas.stroke(curve([(0.4, v), (0.75, v * 1.2)]), 0.8, width=0.12, side=0.5, bone=0.3)
        canvas.stroke(curve([(0.9, v * 1.25), (1.15, v * 1.3)]), 0.7, width=0.1, side=0.5, bone=0.2)
    canvas.stroke(arc(0, 0, 1.35, 0.7, -0.9, 0.9), 0.3, side=0.3)


_PAINTERS = {"limb": _limb, "cord": _cord, "hand": _hand}


def _wave(rng: np.random.Generator, x: Curve, period_mm: float, height_mm: float) -> Curve:
    phases, speeds = rng.uniform(0, 2 * np.pi, 3), rng.uniform(3, 9, 3)
    waves = [np.sin(x / period_mm * s + p) for s, p in zip(speeds, phases, strict=True)]
    return np.asarray(height_mm / 2 * np.sum(waves, axis=0), dtype=np.float32)
