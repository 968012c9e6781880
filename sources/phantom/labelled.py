"""Single pictures with their labels, as varied as a day's work: what a small model can learn from."""

from dataclasses import replace
from typing import Literal

import numpy as np

from ..frame import Pixels
from ..source import SourceError
from .anatomy import BACKGROUND, TARGETS, Body, draw_pose, extent_mm
from .fetus import Fetus, Pathology
from .physics import Settings
from .render import Renderer, View
from .scan import Sector
from .truth import Truth
from .womb import Womb

_Backdrop = Literal["fluid", "placenta", "wall", "lifted", "oblique", "beside"]
_TINTS = ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0.86, 0.88, 1.06), (1.05, 0.96, 0.82))  # plain twice, blue, sepia
_BACKDROPS: tuple[_Backdrop, ...] = ("fluid", "placenta", "wall", "lifted", "oblique", "beside")


def render_plane(
    plane: str,
    seed: int,
    *,
    quality: float | None = None,
    weeks: float | None = None,
    depth_mm: float | None = None,
    gain_db: float | None = None,
    width_px: int = 800,
    height_px: int = 600,
    screen: bool = False,
    pathology: Pathology = "normal",
    variety: float = 1.0,
) -> tuple[Pixels, Truth]:
    """One picture of a standard plane, or of the "background"; equal arguments give equal pixels.

    Args:
        plane: one of `TARGETS`, or "background": fluid, placenta, limbs, walls, lifted probe, other cuts.
        seed: draws whatever is left open: age, pose, depth, machine's settings, mother, heart's phase.
        quality: [0, 1], how near the ideal plane; below 0.5 the label is "background". Open: 0.6 to 1.
        weeks: gestational age, 15 to 34. Open: 17 to 30.
        depth_mm: of the picture. Open: so that the body fills 50 to 92 % of it.
        gain_db: overall gain. Open: -7 to 7.
        width_px, height_px: size of the picture.
        screen: a device's screen around it, in colour.
        pathology: of the heart.
        variety: 0 is the textbook's pose and a well-set machine, 1 a day's work.

    Returns:
        pixels: (h w) uint8 grey, (h w 3) uint8 RGB with a screen.
        truth: its label and quality.
    """
    if plane != BACKGROUND and plane not in TARGETS:
        raise SourceError(f"phantom: plane={plane!r} is unknown; allowed: {', '.join([*TARGETS, BACKGROUND])}")
    if quality is not None and not 0 <= quality <= 1:
        raise SourceError(f"phantom: quality={quality} is out of range; allowed: 0 to 1")
    if weeks is not None and not 15 <= weeks <= 34:
        raise SourceError(f"phantom: weeks={weeks} is out of range; allowed: 15 to 34")
    if depth_mm is not None and not 30 <= depth_mm <= 300:
        raise SourceError(f"phantom: depth_mm={depth_mm} is out of range; allowed: 30 to 300")
    rng = np.random.default_rng([seed, 51, *plane.encode()])
    fetus = Fetus(
        seed=seed,
        weeks=float(rng.uniform(17, 30)) if weeks is None else weeks,
        pathology=pathology,
        cephalic_index=float(rng.uniform(0.79 - 0.07 * variety, 0.79 + 0.06 * variety)),
        axis_rad=float(np.radians(45 + 9 * variety * rng.uniform(-1, 1))),
    )
    backdrop = (
        _BACKDROPS[int(rng.choice(len(_BACKDROPS), p=(0.16, 0.12, 0.1, 0.06, 0.26, 0.30)))]
        if plane == BACKGROUND
        else None
    )
    body, z, oblique = _cut(plane, backdrop, 1 - (rng.uniform(0.6, 1) if quality is None else quality), rng)
    share = rng.uniform(0.5, 0.92) if variety > 0 else 0.6
    wanted = extent_mm(body or "torso", fetus) / share
    depth = float(np.clip(wanted, 45, 220)) if depth_mm is None else depth_mm
    womb = _womb(backdrop, depth, rng)
    sector = Sector(
        depth_mm=depth,
        half_angle_rad=float(rng.uniform(0.58 - 0.16 * variety, 0.58 + 0.1 * variety)),
        radius_mm=float(rng.uniform(52 - 12 * variety, 52 + 12 * variety)),
    )
    settings = _settings(rng, variety)
    view = View(
        womb=womb,
        fetus=fetus,
        body=body,
        pose=draw_pose(body or "torso", fetus, rng, depth_mm=depth, wall_mm=womb.wall_mm, variety=variety),
        z=z,
        oblique=oblique,
        phase=float(rng.random()),
        sweep_mm=float(rng.uniform(-10, 10)),
        settings=settings if gain_db is None else replace(settings, gain_db=gain_db),
        lifted=backdrop == "lifted",
        key=int(rng.integers(2**31)),
    )
    renderer = Renderer(
        sector,
        width_px=width_px,
        height_px=height_px,
        screen=screen,
        seed=int(rng.integers(2**31)),
        zoom=float(1 + (0.08 if body in ("thigh", "back") else 0.35) * variety * max(rng.uniform(-1, 1), 0)),
        tint=_TINTS[int(rng.integers(len(_TINTS)))],
    )
    near = 0.0 if plane == BACKGROUND else max(0.0, 1 - abs(z - TARGETS[plane].z) / TARGETS[plane].tolerance)
    truth = Truth(
        plane=plane if near >= 0.5 else BACKGROUND,
        quality=near,
        lifted=view.lifted,
        cardiac_phase=view.phase,
        pathology=pathology,
    )
    return renderer.picture(view), truth


def _cut(
    plane: str, backdrop: _Backdrop | None, off: float, rng: np.random.Generator
) -> tuple[Body | None, float, float]:
    """Body, height and obliqueness of what is to be seen."""
    side = 1 if rng.random() < 0.5 else -1
    if backdrop is None:
        target = TARGETS[plane]
        # The planes of the head lie close together: leaving one must not show the next as background.
        oblique = min(max(off - 0.5, 0) * 5, 1.0) if target.body == "head" else 0.0
        return target.body, target.z + side * off * target.tolerance, oblique
    if backdrop == "oblique":
        return "head", float(rng.uniform(-0.9, 0.9)), float(rng.uniform(0.75, 1))
    if backdrop == "beside":
        bodies: tuple[tuple[Body, tuple[float, float]], ...] = (
            ("head", (0.88, 1.05)), ("torso", (0.62, 1.2)), ("torso", (-2.5, -1.85)), ("torso", (-0.82, -0.55)),
            ("thigh", (1.2, 2.3)), ("back", (1.2, 2.4)),
        )  # fmt: skip
        body, (low, high) = bodies[int(rng.integers(len(bodies)))]
        return body, float(rng.uniform(low, high)) * (side if body in ("thigh", "back") else 1), 0.0
    return None, 0.0, 0.0


def _womb(backdrop: _Backdrop | None, depth: float, rng: np.random.Generator) -> Womb:
    wall = {"placenta": rng.uniform(0.1, 0.25), "wall": rng.uniform(0.45, 0.8)}.get(
        backdrop or "", rng.uniform(0.06, 0.2)
    )
    kind = (
        "anterior"
        if backdrop == "placenta"
        else ("anterior", "posterior", "none")[int(rng.choice(3, p=(0.3, 0.45, 0.25)))]
    )
    return Womb(
        seed=int(rng.integers(2**31)),
        depth_mm=depth,
        wall_mm=float(wall) * depth,
        placenta=kind,
        parts=int(rng.integers(3, 10) if backdrop == "fluid" else rng.integers(0, 7)),
        shadows=int(rng.choice(4, p=(0.5, 0.25, 0.15, 0.1))),
        room=float(rng.uniform(0.0, 1.0)),
    )


def _settings(rng: np.random.Generator, variety: float) -> Settings:
    def about(middle: float, spread: float) -> float:
        return float(middle + spread * variety * rng.uniform(-1, 1))

    return Settings(
        gain_db=about(0, 7),
        range_db=about(60, 10),
        absorption_db_per_mm=about(0.05, 0.06),
        noise_db=about(-55, 6),
        haze_db=about(-34, 8),
        focus=about(0.55, 0.25),
        smoothing=about(0.35, 0.3),
        gamma=about(1.1, 0.3),
    )
