"""What stands around a picture or instead of it: device screens, slates, and textures that look like ultrasound."""

import cv2
import numpy as np
from numpy.random import Generator

from .augment import HEIGHT_PX, WIDTH_PX, Field, Grey, reshape_sector, smooth_noise

Window = tuple[float, float, float, float]
"""Left, top, right, bottom of the picture within the square, in [0, 1]."""


def square(picture: Field, aspect: float, size_px: int) -> tuple[Grey, Window]:
    """The stretched (224 288) canvas, back at its ``aspect``, on a black square as `preprocess.prepare` pads it."""
    width, height = _fit(aspect, size_px)
    return _paste(
        np.zeros((size_px, size_px), np.float32),
        picture,
        (size_px - width) // 2,
        (size_px - height) // 2,
        width,
        height,
    )


def on_screen(picture: Field, aspect: float, size_px: int, rng: Generator) -> tuple[Grey, Window]:
    """The picture as part of a device's screen of a usual shape, text and scales around it, padded to a square."""
    screen_width, screen_height = _fit(float(rng.choice([4 / 3, 16 / 9, 16 / 10, 5 / 4, 0.72])), size_px)
    screen = np.full((screen_height, screen_width), 0 if rng.random() < 0.8 else rng.uniform(5, 60), np.uint8)
    _furnish(screen, rng)
    share = rng.uniform(0.6, 0.98)
    width = min(screen_width * share, screen_height * share * aspect)
    height = width / aspect
    x, y = rng.uniform(0, screen_width - width), rng.uniform(0, screen_height - height)
    left, top = (size_px - screen_width) // 2, (size_px - screen_height) // 2
    canvas = np.zeros((size_px, size_px), np.float32)
    canvas[top : top + screen_height, left : left + screen_width] = screen
    return _paste(canvas, picture, left + int(x), top + int(y), max(int(width), 8), max(int(height), 8))


def slate(size_px: int, rng: Generator) -> Grey:
    """A frame without ultrasound: black, noise, colour bars, a menu, a ramp."""
    kind = rng.integers(6)
    if kind == 0:
        canvas = np.full((size_px, size_px), rng.uniform(0, 255), np.float32)
    elif kind == 1:
        canvas = rng.uniform(0, 60) + rng.uniform(1, 70) * smooth_noise((size_px, size_px), rng.uniform(1, 30), rng)
    elif kind == 2:
        canvas = np.tile(np.repeat(rng.uniform(0, 255, 8), size_px // 8), (size_px, 1))
    elif kind == 3:
        ramp = np.linspace(0, rng.uniform(60, 255), size_px, dtype=np.float32)
        canvas = np.tile(ramp, (size_px, 1)).T if rng.random() < 0.5 else np.tile(ramp, (size_px, 1))
    else:
        canvas = np.full((size_px, size_px), rng.uniform(0, 120), np.uint8)
        for _ in range(int(rng.integers(1, 4))):
            _furnish(canvas, rng)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def texture(rng: Generator) -> Field:
    """(224 288): speckle of several grains with dark cysts, bright arcs and a sector: ultrasound of nothing."""
    shape = (HEIGHT_PX, WIDTH_PX)
    tissue = np.exp(0.6 * smooth_noise(shape, rng.uniform(20, 90), rng))
    speckle = np.abs(smooth_noise(shape, rng.uniform(1.5, 5), rng)) + 0.3
    picture = np.asarray(rng.uniform(20, 70) * tissue * speckle, dtype=np.float32)
    for _ in range(int(rng.integers(0, 6))):
        centre = (int(rng.integers(0, WIDTH_PX)), int(rng.integers(0, HEIGHT_PX)))
        axes = (int(rng.integers(6, 90)), int(rng.integers(4, 60)))
        turn, start = float(rng.uniform(0, 180)), float(rng.uniform(0, 360))
        layer = np.zeros(shape, np.float32)
        whole = rng.random() < 0.4
        end = start + (360 if whole else rng.uniform(40, 200))
        thick = -1 if rng.random() < 0.4 else int(rng.integers(1, 8))
        cv2.ellipse(layer, centre, axes, turn, start, end, 1.0, thick)
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(0.8, 3))), dtype=np.float32)
        echo = rng.uniform(0, 0.4) if thick < 0 else 5.0  # cysts are dark, walls are bright
        picture *= 1 + layer * np.float32(echo - 1)
    depth = np.linspace(0, 1, HEIGHT_PX, dtype=np.float32)[:, None]
    picture = np.asarray(np.clip(picture * np.exp(-rng.uniform(0, 2) * depth), 0, 255), dtype=np.float32)
    return reshape_sector(picture, rng) if rng.random() < 0.7 else picture


def _fit(aspect: float, size_px: int) -> tuple[int, int]:
    return (size_px, max(round(size_px / aspect), 1)) if aspect >= 1 else (max(round(size_px * aspect), 1), size_px)


def _paste(canvas: Field, picture: Field, x: int, y: int, width: int, height: int) -> tuple[Grey, Window]:
    canvas[y : y + height, x : x + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    size_px = canvas.shape[0]
    window = (x / size_px, y / size_px, (x + width) / size_px, (y + height) / size_px)
    return np.clip(canvas, 0, 255).astype(np.uint8), window


def _furnish(screen: Grey, rng: Generator) -> None:
    """Text lines, a grey ramp, ticks and boxes at random places."""
    height, width = screen.shape
    for _ in range(int(rng.integers(2, 14))):
        text = "".join(
            rng.choice(list("ABCDEFGHIKLMNOPRSTUVXabcdefghiklmnorstu0123456789.:/% "), int(rng.integers(3, 16)))
        )
        where = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        cv2.putText(
            screen, text, where, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.18, 0.4)), float(rng.uniform(90, 255)), 1
        )
    if rng.random() < 0.5:
        x, y, tall = int(rng.integers(0, width - 8)), int(rng.integers(0, height // 2)), int(rng.integers(20, 90))
        ramp = np.linspace(255, 0, tall).astype(np.uint8)[:, None]
        part = screen[y : y + tall, x : x + int(rng.integers(2, 8))]
        part[:] = ramp[: part.shape[0]]
    if rng.random() < 0.5:
        x = int(rng.integers(0, width))
        screen[:: int(rng.integers(5, 20)), x : x + 3] = int(rng.integers(100, 255))
    if rng.random() < 0.3:
        corner = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        cv2.rectangle(screen, corner, (corner[0] + 40, corner[1] + 14), float(rng.uniform(30, 200)), -1)
