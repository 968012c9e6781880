"""Which body each standard plane cuts, at which height, and how far one may stray from it."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from .back import paint_back
from .canvas import Canvas, Pose
from .fetus import Fetus
from .head import CEREBELLAR_Z, THALAMIC_Z, VENTRICULAR_Z, paint_head
from .head import TOLERANCE as HEAD_TOLERANCE
from .thigh import paint_thigh
from .torso import ABDOMEN_TOLERANCE, ABDOMEN_Z, HEART_TOLERANCE, HEART_Z, paint_torso

BACKGROUND = "background"
Body = Literal["head", "torso", "thigh", "back"]


@dataclass(frozen=True, slots=True)
class Target:
    """A standard plane.

    Attributes:
        body: what it cuts.
        z: its height there, in units of the body.
        tolerance: distance from z at which its quality is 0; half of it is still the plane.
        exits: heights below and above at which the body is out of sight.
    """

    body: Body
    z: float
    tolerance: float
    exits: tuple[float, float]


TARGETS = MappingProxyType(
    {
        "transthalamic": Target("head", THALAMIC_Z, HEAD_TOLERANCE, (-1.2, 1.15)),
        "transventricular": Target("head", VENTRICULAR_Z, HEAD_TOLERANCE, (-1.2, 1.15)),
        "transcerebellar": Target("head", CEREBELLAR_Z, HEAD_TOLERANCE, (-1.2, 1.15)),
        "abdomen": Target("torso", ABDOMEN_Z, ABDOMEN_TOLERANCE, (-2.8, 1.5)),
        "four_chamber": Target("torso", HEART_Z, HEART_TOLERANCE, (-2.8, 1.5)),
        "femur": Target("thigh", 0.0, 1.0, (-2.7, 2.7)),
        "spine_sagittal": Target("back", 0.0, 1.0, (-2.9, 2.9)),
    }
)
"""The planes a phantom shows, by the names that ``models.planes.Plane`` gives them."""


def unit_mm(body: Body, fetus: Fetus) -> float:
    """Millimetres per unit of the body's own frame."""
    return {"head": fetus.head_mm, "torso": fetus.trunk_mm, "thigh": 1.0, "back": 1.0}[body]


def extent_mm(body: Body, fetus: Fetus) -> float:
    """How much depth the body wants: the height of a picture it would just fill."""
    return {
        "head": 2.15 * fetus.head_mm,
        "torso": 2.0 * fetus.trunk_mm,
        "thigh": 1.15 * fetus.femur_mm,
        "back": 2.3 * fetus.trunk_mm,
    }[body]


def paint_body(canvas: Canvas, body: Body, fetus: Fetus, pose: Pose, z: float, phase: float, oblique: float) -> None:
    """Draws a body as cut at z; ``phase`` of the heart in [0, 1), ``oblique`` in [0, 1] for the head."""
    canvas.place(pose)
    match body:
        case "head":
            paint_head(canvas, fetus, z, oblique)
        case "torso":
            paint_torso(canvas, fetus, z, phase)
        case "thigh":
            paint_thigh(canvas, fetus, z)
        case "back":
            paint_back(canvas, fetus, z)


def draw_pose(
    body: Body, fetus: Fetus, rng: np.random.Generator, *, depth_mm: float, wall_mm: float, variety: float
) -> Pose:
    """A plausible position: ``variety`` 0 is the textbook's, 1 what a day's work brings."""
    turn = {
        "head": rng.normal(0, 0.28) * variety + (np.pi if rng.random() < 0.5 else 0.0),
        # A spine next to the probe would hide the heart, and is not what one keeps.
        "torso": rng.uniform(-2.2, 2.2) * max(variety, 0.3),
        "thigh": rng.normal(0, 0.24) * variety,
        "back": rng.normal(0, 0.12) * variety + (np.pi if rng.random() < 0.15 * variety else 0.0),
    }[body]
    flipped = bool(rng.random() < 0.5)
    if flipped:
        turn += np.pi  # seen from the other side, yet with the same edge towards the probe
    half = extent_mm(body, fetus) / 2
    middle = wall_mm + (depth_mm * 0.93 - wall_mm) / 2
    y = np.clip(
        middle + rng.normal(0, 0.05) * depth_mm * variety, wall_mm + half * 0.95, max(depth_mm - half, wall_mm + half)
    )
    shift = -0.25 * half if body == "back" else 0.0
    return Pose(
        x_mm=float(rng.normal(0, 0.07) * depth_mm * variety),
        y_mm=float(y + shift),
        turn_rad=float(turn),
        scale_mm=unit_mm(body, fetus),
        flipped=flipped,
    )
