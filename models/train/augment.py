"""Ultrasound-like changes to a picture: the probe, the machine and the grabber vary, the anatomy stays."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Field = NDArray[np.float32]

HEIGHT_PX, WIDTH_PX = 224, 288
"""The canvas on which pictures are changed: what the teacher sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far the geometry may go: each a half-width (or a factor both ways) around "as it is"."""

    zoom: float = 1.3
    stretch: float = 1.12
    shift: float = 0.07
    turn_degrees: float = 18.0


GENTLE = Reach()
"""The plane is still the plane."""

WILD = Reach(zoom=2.0, stretch=1.3, shift=0.25, turn_degrees=60.0)
"""Only the teacher can say what it is now."""


def draw_aspect(grey: Grey, rng: Generator) -> float:
    """Width over height of the new picture: mostly its own, at times another machine's."""
    own = grey.shape[1] / grey.shape[0]
    return float(own if rng.random() < 0.6 else rng.uniform(0.9, 1.8))


def place(grey: Grey, aspect: float, reach: Reach, rng: Generator) -> Field:
    """Zoom, stretch, shift, turn and mirror -> (224 288) float32: a picture of ``aspect``, stretched to the canvas."""
    height_px, width_px = grey.shape
    fit = min(aspect * 100 / width_px, 100 / height_px) if rng.random() < 0.5 else aspect * 100 / width_px
    zoom = fit * np.exp(rng.uniform(-1, 1) * np.log(reach.zoom))
    stretch = np.exp(rng.uniform(-1, 1) * np.log(reach.stretch))
    angle = np.deg2rad(rng.triangular(-1, 0, 1) * reach.turn_degrees)
    flip = np.diag([-1.0 if rng.random() < 0.5 else 1.0, -1.0 if rng.random() < 0.08 else 1.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    to_canvas = np.diag([WIDTH_PX / (aspect * 100), HEIGHT_PX / 100])
    matrix = to_canvas @ turn @ np.diag([zoom * stretch, zoom / stretch]) @ flip
    centre = np.array([width_px / 2, height_px / 2])
    target = np.array([WIDTH_PX, HEIGHT_PX]) * (0.5 + rng.uniform(-1, 1, 2) * reach.shift)
    affine = np.hstack([matrix, (target - matrix @ centre)[:, None]])
    if abs(np.linalg.det(matrix)) < 0.4:  # shrinking a lot: blur first, or the speckle folds over
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.8), dtype=np.uint8)
    return np.asarray(cv2.warpAffine(grey, affine, (WIDTH_PX, HEIGHT_PX), flags=cv2.INTER_LINEAR), dtype=np.float32)


def reshape_sector(picture: Field, rng: Generator) -> Field:
    """Blackens what lies outside a random fan (or trapezium): another probe over the same anatomy."""
    height, width = picture.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    apex_y = -height * rng.uniform(0.0, 0.8)
    apex_x = width * rng.uniform(0.4, 0.6)
    half_angle = np.deg2rad(rng.uniform(25, 50))
    radius = np.hypot(rows - apex_y, columns - apex_x)
    inside = np.abs(np.arctan2(columns - apex_x, rows - apex_y)) < half_angle
    inside &= radius < (height - apex_y) * rng.uniform(0.9, 1.1)
    inside &= radius > -apex_y + height * rng.uniform(-0.05, 0.1)
    return np.where(inside, picture, np.float32(0))


def change_gain(picture: Field, rng: Generator, strength: float = 1.0) -> Field:
    """Gain, dynamic range and depth gain of another setting, 0 stays 0."""
    unit = np.clip(picture / 255, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.28 * strength)))
    depth = np.linspace(-1, 1, picture.shape[0], dtype=np.float32)[:, None]
    gain = np.exp(rng.normal(0, 0.18 * strength)) * (1 + np.float32(rng.normal(0, 0.2 * strength)) * depth)
    return np.clip(255 * unit * gain, 0, 255).astype(np.float32)


def smooth_noise(shape: tuple[int, int], grain_px: float, rng: Generator) -> Field:
    """(h w) float32, standard normal, with blobs about ``grain_px`` across."""
    small = (max(int(shape[0] / grain_px), 2), max(int(shape[1] / grain_px), 2))
    coarse = rng.standard_normal(small, dtype=np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def add_speckle(picture: Field, rng: Generator) -> Field:
    """Multiplicative noise of a random grain."""
    noise = smooth_noise((picture.shape[0], picture.shape[1]), rng.uniform(1.0, 3.5), rng)
    return np.asarray(np.clip(picture * (1 + rng.uniform(0.05, 0.4) * noise), 0, 255), dtype=np.float32)


def add_shadow(picture: Field, rng: Generator) -> Field:
    """A dark wedge below a random point, as behind bone or a bad contact."""
    height, width = picture.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = width * rng.uniform(0.05, 0.95), height * rng.uniform(-0.2, 0.7)
    across = np.abs((columns - x) - np.float32(rng.normal(0, 0.25)) * (rows - y))
    spread = width * rng.uniform(0.02, 0.1) + np.maximum(rows - y, 0) * np.float32(rng.uniform(0, 0.15))
    depth = np.float32(rng.uniform(0.3, 0.9)) / (1 + (across / spread) ** 4)
    return np.asarray(picture * (1 - np.where(rows > y, depth, 0)), dtype=np.float32)


def soften(picture: Field, rng: Generator) -> Field:
    """Blur, a coarser picture, or a harder edge filter."""
    choice = rng.integers(3)
    if choice == 0:
        sigma = (rng.uniform(0.4, 1.6), rng.uniform(0.4, 1.2))
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigmaX=sigma[0], sigmaY=sigma[1]), dtype=np.float32)
    if choice == 1:
        size = (int(WIDTH_PX * rng.uniform(0.35, 0.9)), int(HEIGHT_PX * rng.uniform(0.35, 0.9)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, picture.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.5)
    sharper = np.clip(picture + rng.uniform(0.3, 1.2) * (picture - blurred), 0, 255)
    return np.asarray(sharper, dtype=np.float32)


def add_marks(picture: Field, rng: Generator) -> Field:
    """Callipers, dotted lines and letters burned into the picture."""
    marked = np.clip(picture, 0, 255).astype(np.uint8)  # OpenCV writes letters on bytes only
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(0, WIDTH_PX)), int(rng.integers(0, HEIGHT_PX))
        shade = float(rng.uniform(150, 255))
        kind = rng.integers(3)
        if kind == 0:
            cv2.drawMarker(marked, (x, y), shade, cv2.MARKER_CROSS, int(rng.integers(6, 14)))
        elif kind == 1:
            end = rng.integers(0, (WIDTH_PX, HEIGHT_PX))
            for part in np.linspace(0, 1, 30):
                cv2.circle(marked, (int(x + part * (end[0] - x)), int(y + part * (end[1] - y))), 0, shade, -1)
        else:
            letters = "".join(rng.choice(list("ABCDEFGHLMRSTV0123456789. "), int(rng.integers(2, 12))))
            cv2.putText(marked, letters, (x, y), cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.25, 0.5)), shade, 1)
    return marked.astype(np.float32)


def compress(picture: Field, rng: Generator) -> Field:
    """What a grabber's JPEG leaves of it."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))]
    _, coded = cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8), quality)
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.float32)
