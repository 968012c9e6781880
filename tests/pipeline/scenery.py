"""Pictures for the tests of the signal: speckle that lives, screens around it, slates."""

import numpy as np

from fetalstream.pipeline.signal.fan import Fan, FanKind, FanShape, Side
from fetalstream.pipeline.signal.glance import Glance, Glancer
from fetalstream.sources import Pixels

SIZE = (240, 320)


def echoes(seed: int, *, size: tuple[int, int] = SIZE, mean: float = 70.0) -> Pixels:
    """(h w) speckle, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.gamma(1.5, mean / 1.5, (size[0] // 2, size[1] // 2))
    return np.clip(np.kron(coarse, np.ones((2, 2))), 0, 255).astype(np.uint8)


def glance_at(pixels: Pixels, fan: Fan | None = None) -> Glance:
    return Glancer().look(pixels, fan)


def sector(*, size: tuple[int, int] = SIZE, lean: float = 0.5) -> Fan:
    """A convex fan in the middle of a picture."""
    height, width = size
    middle = width / 2
    shape = FanShape(
        box_px=(0.1 * width, 0.1 * height, 0.9 * width, 0.95 * height),
        left=Side(middle - 0.05 * width, -lean),
        right=Side(middle + 0.05 * width, lean),
    )
    return Fan(width_px=width, height_px=height, shape=shape, kind=FanKind.CONVEX, confidence=1.0)


def screen(fan: Fan, seed: int, *, device: int = 0) -> Pixels:
    """(h w) echoes in the fan, and around it the furniture of a device."""
    size = (fan.height_px, fan.width_px)
    furniture = np.random.default_rng(1000 + device).random((size[0] // 12 + 1, size[1] // 12 + 1)) < 0.4
    around = np.kron(furniture, np.full((12, 12), 150, np.uint8))[: size[0], : size[1]].astype(np.uint8)
    return np.where(fan.mask > 0, echoes(seed, size=size), around)
