"""The device's screen around the fan: what a capture card would see. All of it is fictitious."""

import cv2
import numpy as np

from ..frame import Pixels
from .scan import ScanConverter, Sector

FULL_BOX = (0.01, 0.01, 0.99, 0.99)
SCREEN_BOX = (0.07, 0.085, 0.90, 0.975)

_GREY, _DIM, _WHITE = (150, 150, 150), (46, 48, 52), (225, 225, 225)
_YELLOW, _GREEN, _CYAN = (235, 205, 60), (60, 200, 90), (70, 190, 220)


def draw_screen(
    converter: ScanConverter, sector: Sector, *, width_px: int, height_px: int, title: str = "PHANTOM"
) -> Pixels:
    """-> (h w 3) uint8 RGB: bars, texts, scales and marks; black where the fan will shine through."""
    screen = np.zeros((height_px, width_px, 3), np.uint8)
    unit = height_px / 600
    bar = round(0.062 * height_px)
    screen[:bar] = (26, 28, 32)
    screen[bar : bar + max(1, round(unit))] = _DIM
    _text(screen, title, 0.012 * width_px, 0.040 * height_px, 0.62 * unit, _WHITE)
    _text(
        screen, f"PH-1 6C   {sector.depth_mm / 10:.1f}cm / 25Hz", 0.36 * width_px, 0.030 * height_px, 0.40 * unit, _GREY
    )
    _text(screen, "MI 0.0   TIs 0.0", 0.36 * width_px, 0.054 * height_px, 0.36 * unit, _GREY)
    _text(screen, "RESEARCH ONLY", 0.80 * width_px, 0.040 * height_px, 0.42 * unit, _GREY)
    for k, line in enumerate(("2. Trim.", "Har-mid", "Gn  0", "C6 / M7", "SRI II 3")):
        colour = _CYAN if k == 4 else _GREY
        _text(screen, line, 0.915 * width_px, (0.115 + 0.030 * k) * height_px, 0.36 * unit, colour)
    _grey_bar(screen, width_px, height_px)
    _scale(screen, converter, sector, width_px, unit)
    x, y = converter.origin_px
    cv2.circle(screen, (round(0.055 * width_px), round(0.105 * height_px)), round(6 * unit), _GREEN, -1, cv2.LINE_AA)
    focus = round(y + 0.55 * sector.depth_mm * converter.px_per_mm)
    tip = round(0.913 * width_px)
    arrow = np.array(
        [
            [tip, focus],
            [tip + round(8 * unit), focus - round(5 * unit)],
            [tip + round(8 * unit), focus + round(5 * unit)],
        ]
    )
    cv2.fillPoly(screen, [arrow.astype(np.int32)], _YELLOW, cv2.LINE_AA)
    _brackets(screen, x, y, converter, sector, unit)
    return screen


def draw_frozen(screen: Pixels) -> Pixels:
    """The same screen as a frozen device shows it."""
    frozen = screen.copy()
    height, width = frozen.shape[:2]
    _text(frozen, "FROZEN", 0.915 * width, 0.955 * height, 0.42 * height / 600, _CYAN)
    return frozen


def _text(screen: Pixels, words: str, x: float, y: float, size: float, colour: tuple[int, int, int]) -> None:
    cv2.putText(screen, words, (round(x), round(y)), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def _grey_bar(screen: Pixels, width: int, height: int) -> None:
    top, bottom, left = round(0.14 * height), round(0.42 * height), round(0.018 * width)
    ramp = np.linspace(255, 0, bottom - top).astype(np.uint8)
    screen[top:bottom, left : left + max(4, round(0.014 * width))] = ramp[:, None, None]


def _scale(screen: Pixels, converter: ScanConverter, sector: Sector, width: int, unit: float) -> None:
    x, y = round(0.905 * width), converter.origin_px[1]
    for tick in range(0, int(sector.depth_mm) + 1, 10):
        at = round(y + tick * converter.px_per_mm)
        reach = round((8 if tick % 50 == 0 else 4) * unit)
        cv2.line(screen, (x - reach, at), (x, at), _WHITE if tick % 50 == 0 else _GREY, 1)


def _brackets(screen: Pixels, x: float, y: float, converter: ScanConverter, sector: Sector, unit: float) -> None:
    """Four corners of a region of interest."""
    half, reach = 0.42 * sector.depth_mm * converter.px_per_mm, round(14 * unit)
    top, bottom = y + 0.20 * sector.depth_mm * converter.px_per_mm, y + 0.90 * sector.depth_mm * converter.px_per_mm
    for cx, sx in ((x - half, 1), (x + half, -1)):
        for cy, sy in ((top, 1), (bottom, -1)):
            a = (round(cx), round(cy))
            cv2.line(screen, a, (a[0] + sx * reach, a[1]), _YELLOW, 1, cv2.LINE_AA)
            cv2.line(screen, a, (a[0], a[1] + sy * reach), _YELLOW, 1, cv2.LINE_AA)
