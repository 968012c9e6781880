"""Smooth plane curves, (n 2) float32 points in millimetres or in a body's own units."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float32]
Points = NDArray[np.floating]
"""What a curve may be made of before it is drawn: any float."""


def curve(points: Sequence[tuple[float, float]]) -> Curve:
    """The points as they stand."""
    return np.asarray(points, dtype=np.float32)


def ellipse(u: float, v: float, ru: float, rv: float, *, turn: float = 0.0, power: float = 2.0, n: int = 48) -> Curve:
    """A closed (super)ellipse around (u, v) with semi-axes ru, rv, turned by ``turn`` radians."""
    t = np.arange(n, dtype=np.float32) * np.float32(2 * np.pi / n)
    c, s = np.cos(t), np.sin(t)
    if power != 2.0:
        c, s = np.sign(c) * np.abs(c) ** (2 / power), np.sign(s) * np.abs(s) ** (2 / power)
    return _placed(ru * c, rv * s, u, v, turn)


def arc(u: float, v: float, ru: float, rv: float, start: float, end: float, *, turn: float = 0.0, n: int = 20) -> Curve:
    """An open piece of an ellipse, from angle ``start`` to ``end`` in radians."""
    t = np.linspace(start, end, n, dtype=np.float32)
    return _placed(ru * np.cos(t), rv * np.sin(t), u, v, turn)


def smooth(points: Sequence[tuple[float, float]], *, closed: bool = False, per_span: int = 8) -> Curve:
    """A Catmull-Rom curve through the points."""
    p = np.asarray(points, dtype=np.float32)
    before, after = (p[-1:], p[:2]) if closed else (2 * p[:1] - p[1:2], 2 * p[-1:] - p[-2:-1])
    p = np.concatenate([before, p, after])
    t = (np.arange(per_span, dtype=np.float32) / per_span)[None, :, None]
    a, b, c, d = (p[k : len(p) - 3 + k, None, :] for k in range(4))
    body = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat = body.reshape(-1, 2)
    return np.asarray(flat if closed else np.concatenate([flat, p[-2:-1]]), dtype=np.float32)


def tube(path: Curve, radius: float | Curve) -> Curve:
    """The closed outline of a band around an open path; ``radius`` is one number or (n,) along the path."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * np.reshape(np.asarray(radius, np.float32), (-1, 1))
    return np.concatenate([path + across, (path - across)[::-1]]).astype(np.float32)


def mirrored(points: Curve) -> Curve:
    """The same curve on the other side of the midline v = 0."""
    return points * np.array([1, -1], dtype=np.float32)


def section(z: float, centre: float, reach: float) -> float:
    """How large an ellipsoid of half-thickness ``reach`` is when cut at ``z``: 1 in its middle, 0 beyond it."""
    return float(np.sqrt(max(0.0, 1.0 - ((z - centre) / reach) ** 2)))


def _placed(x: NDArray[np.floating], y: NDArray[np.floating], u: float, v: float, turn: float) -> Curve:
    c, s = np.cos(turn), np.sin(turn)
    placed = np.empty((len(x), 2), dtype=np.float32)
    placed[:, 0] = u + c * x - s * y
    placed[:, 1] = v + s * x + c * y
    return placed
