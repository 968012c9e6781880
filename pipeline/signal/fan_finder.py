"""Finding the fan in pictures of a device's screen. Slow (some 10 ms): once per stream, and again when it has changed.

Everything is done on a copy of at most `WORK_SIDE_PX`. First what is neither background nor screen furniture: thin
strokes (text, rulers), saturated icons, bars with long runs of one grey, and, where several pictures are given, what is
bright and never changes. Then the outline of what is left: straight sides that many border pixels lie on, completed by
symmetry where the picture is dark, and arcs around the point where they meet.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ...sources import Pixels
from .fan import Fan, FanKind, FanShape, Mask, iou
from .fan_arcs import fit_arcs
from .fan_sides import fit_sides

WORK_SIDE_PX = 480
"""Longest side of the copy that is searched: fine enough that a border is found to a pixel of the original."""

LEAST_SIDE_PX = 24
"""In a copy narrower than this there is nothing to find."""

MIN_AREA_SHARE = 0.06
"""A fan smaller than this part of the picture is none."""

MIN_AGREEMENT = 0.88
"""IoU of sector and hull under which the sector is not believed."""

EDGE_SHARE = 0.35
"""Rows and columns of an upright rectangle are filled at least to this part: a logo beside it is not of it."""

TIP_SHARE = 0.02
"""The same for a sector, which may end in a tip."""

PATCHES = 24
"""Along each edge of the picture."""

MOST_NOISE, DARKEST = 10, 40
"""Range of greys an empty patch of the screen may have, and the brightest it may be."""

_SATURATED = 70
_BRIGHT, _FLAT = 12, 1
_BAR_ROW_SHARE, _EDGE = 0.30, 10
_STATIC, _LIVE = 1.0, 2.5
_PAD = 7


class Scene(NamedTuple):
    """Pictures of one screen, made small: peak (h w) uint8, furniture (h w) bool, scale = small / original."""

    peak: Pixels
    furniture: NDArray[np.bool_]
    scale: float


def find_fan(pictures: Sequence[Pixels]) -> Fan | None:
    """The fan in one or more pictures, (h w) or (h w 3) uint8 of one size; None where there is none.

    More pictures, some tenths of a second apart, tell the living picture from the still screen and fill its dark parts.
    """
    if not pictures or any(picture.shape[:2] != pictures[0].shape[:2] for picture in pictures):
        raise ValueError(f"one or more pictures of one size are wanted, not {[p.shape for p in pictures]}")
    height_px, width_px = pictures[0].shape[:2]
    scene = _scene(pictures)
    if min(scene.peak.shape) < LEAST_SIDE_PX:
        return None
    region = _region(scene)
    if region is None:
        return None
    shape, kind, agreement = _outline(region)
    if not shape.draw(width_px=region.shape[1], height_px=region.shape[0]).any():
        return None
    return Fan(
        width_px=width_px,
        height_px=height_px,
        shape=shape.scaled(1 / scene.scale),
        kind=kind,
        confidence=round(agreement, 3),
    )


def _scene(pictures: Sequence[Pixels]) -> Scene:
    height, width = pictures[0].shape[:2]
    scale = min(1.0, WORK_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.stack([_grey_and_colour(_shrunk(p, size)) for p in pictures])
    peak = small[..., 0].max(axis=0)
    furniture = small[..., 1].min(axis=0) > _SATURATED
    if len(pictures) > 1:
        spread = np.asarray(cv2.blur(np.std(small[..., 0], axis=0, dtype=np.float32), (5, 5)), np.float32)
        content = peak > _floor(peak)
        # A cine of a still scene (or a frozen one) tells nothing: only where much moves is stillness a sign.
        if np.count_nonzero(content & (spread > _LIVE)) > 0.3 * np.count_nonzero(content):
            furniture |= content & (spread < _STATIC) & (peak > _floor(peak) + _BRIGHT)
    return Scene(peak, furniture, scale)


def _shrunk(picture: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _grey_and_colour(picture: Pixels) -> Pixels:
    """(h w) or (h w 3) -> (h w 2): brightest channel, and how far it is above the darkest."""
    if picture.ndim == 2:
        return np.stack([picture, np.zeros_like(picture)], axis=-1)
    high, low = picture.max(axis=2), picture.min(axis=2)
    return np.stack([high, high - low], axis=-1)


def _floor(peak: Pixels) -> int:
    """The grey above which a pixel is content: the empty screen with its noise, read from its emptiest patch.

    -1 when no patch along the frame is empty: then the fan fills the picture.
    """
    height, width = peak.shape
    tall, wide = max(4, height // 30), max(4, width // 30)
    tops = [k * (height - tall) // (PATCHES - 1) for k in range(PATCHES)]
    lefts = [k * (width - wide) // (PATCHES - 1) for k in range(PATCHES)]
    frame = [(y, x) for y in tops for x in (0, width - wide)] + [(y, x) for x in lefts for y in (0, height - tall)]
    ranges = [np.percentile(peak[y : y + tall, x : x + wide], (1, 98)) for y, x in frame]
    low, high = min(ranges, key=lambda percentiles: float(percentiles[1]))
    return int(high) if high - low <= MOST_NOISE and high <= DARKEST else -1


def _region(scene: Scene) -> Mask | None:
    """(h w) uint8, 255 where echoes are; dark parts are holes in it, bars and texts are not."""
    peak, furniture, _ = scene
    floor = _floor(peak)
    content = ((peak > floor) & ~furniture).astype(np.uint8) * 255
    flat = _flat_runs(peak, floor)
    first, last = _between_bars(peak, flat)
    content[:first] = content[last:] = 0
    strokes_gone = cv2.morphologyEx(content, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(strokes_gone, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    # Zeros around: what touches the picture's edge is as thin as it looks.
    framed = cv2.copyMakeBorder(closed, _PAD, _PAD, _PAD, _PAD, cv2.BORDER_CONSTANT, value=0)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _PAD - 1, 2 * _PAD - 1))
    body = cv2.morphologyEx(framed, cv2.MORPH_OPEN, disk)[_PAD:-_PAD, _PAD:-_PAD]
    parts = _parts(np.asarray(body, np.uint8), flat)
    if parts is None:
        return None
    near = cv2.dilate(parts, np.ones((9, 9), np.uint8))
    region = np.asarray(cv2.bitwise_and(closed, near), dtype=np.uint8)
    return region if np.count_nonzero(region) >= 0.5 * MIN_AREA_SHARE * region.size else None


def _flat_runs(peak: Pixels, floor: int) -> Mask:
    """255 on long horizontal runs of one brightish grey, as bars and buttons have and echoes have not."""
    step = cv2.absdiff(peak[:, 1:], peak[:, :-1])
    flat = np.zeros_like(peak)
    flat[:, 1:] = ((step <= _FLAT) & (peak[:, 1:] > floor + _BRIGHT)) * np.uint8(255)
    return np.asarray(cv2.morphologyEx(flat, cv2.MORPH_OPEN, np.ones((1, peak.shape[1] // 16), np.uint8)), np.uint8)


def _between_bars(peak: Pixels, flat: Mask) -> tuple[int, int]:
    """Rows [first, last) between the bars at the top and bottom of the screen.

    A bar has long flat runs and a straight sharp edge; smooth tissue has only the one.
    """
    height, width = flat.shape
    rows: NDArray[np.int64] = np.arange(height, dtype=np.int64)
    bars = np.count_nonzero(flat, axis=1) > _BAR_ROW_SHARE * width
    step = peak[1:].astype(np.int16) - peak[:-1]
    edges = np.zeros(height + 1, bool)
    sharp = np.maximum(np.count_nonzero(step > _EDGE, axis=1), np.count_nonzero(step < -_EDGE, axis=1))
    edges[1:height] = sharp > _BAR_ROW_SHARE * width
    near_edge = edges[:-1] | edges[1:]
    top = rows[bars & near_edge & (rows < 0.3 * height)]
    bottom = rows[bars & near_edge & (rows > 0.8 * height)]
    return (int(top.max()) + 1 if top.size else 0), (int(bottom.min()) if bottom.size else height)


def _parts(body: Mask, flat: Mask) -> Mask | None:
    """The largest part, and those above or below it: a fan may be cut in two by a dark structure."""
    count, labelled, stats, _ = cv2.connectedComponentsWithStats(body)
    labels = np.asarray(labelled, np.int32)
    areas = stats[:, cv2.CC_STAT_AREA].astype(float)
    for label in range(1, count):
        if np.count_nonzero(flat[labels == label]) > 0.4 * areas[label]:
            areas[label] = 0.0
    areas[0] = 0.0
    main = int(areas.argmax())
    if areas[main] == 0:
        return None
    left, width = int(stats[main, cv2.CC_STAT_LEFT]), int(stats[main, cv2.CC_STAT_WIDTH])
    kept = np.zeros(count, np.uint8)
    for label in range(1, count):
        start, length = int(stats[label, cv2.CC_STAT_LEFT]), int(stats[label, cv2.CC_STAT_WIDTH])
        shared = min(start + length, left + width) - max(start, left)
        if areas[label] >= 0.04 * areas[main] and shared >= 0.8 * length:
            kept[label] = 255
    kept[main] = 255
    return kept[labels]


def _outline(region: Mask) -> tuple[FanShape, FanKind, float]:
    """-> borders in the small copy, kind, and agreement with the hull in [0, 1]."""
    height, width = region.shape
    contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    border = np.concatenate([contour[:, 0, :] for contour in contours]).astype(np.float64) + 0.5
    hull = cv2.convexHull(border.astype(np.float32))[:, 0, :].astype(np.float64)
    sides = fit_sides(border, np.concatenate([_stretches(np.asarray(contour, np.int32)) for contour in contours]), hull)
    left, top, right, bottom = _box(region, EDGE_SHARE if sides.left is None else TIP_SHARE)
    shape = FanShape(box_px=(left, top, right, bottom), left=sides.left, right=sides.right)
    shape = fit_arcs(shape, region)
    around = FanShape(box_px=(left, top, right, bottom), hull=tuple((x, y) for x, y in hull.tolist()))
    of_hull = around.draw(width_px=width, height_px=height)
    of_shape = shape.draw(width_px=width, height_px=height)
    # Compare outlines: an inner arc is a bay that a hull cannot have.
    filled = FanShape(box_px=shape.box_px, left=shape.left, right=shape.right, outer_px=shape.outer_px)
    agreement = iou(filled.draw(width_px=width, height_px=height), of_hull)
    if agreement < MIN_AGREEMENT or not of_shape.any():
        return around, FanKind.UNKNOWN, 0.5 * agreement
    kind = FanKind.CONVEX if shape.apex_px is not None and sides.half_angle_deg > 4 else FanKind.LINEAR
    return shape, kind, agreement


def _box(region: Mask, share: float) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the rows and columns filled to at least ``share`` of the fullest."""
    columns, rows = np.count_nonzero(region, axis=0), np.count_nonzero(region, axis=1)
    x = np.flatnonzero(columns >= share * columns.max())
    y = np.flatnonzero(rows >= share * rows.max())
    return float(x[0]), float(y[0]), float(x[-1] + 1), float(y[-1] + 1)


def _stretches(contour: NDArray[np.int32]) -> NDArray[np.float64]:
    """(n 1 2) contour -> (k 2 2) ends of its straight stretches."""
    corners = cv2.approxPolyDP(contour, 1.5, closed=True)[:, 0, :].astype(np.float64) + 0.5
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
