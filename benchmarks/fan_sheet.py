"""Fans that were found against fans drawn by hand: ``python benchmarks/fan_sheet.py --data DIR [--out PNG]``.

Prints one line of JSON for each picture, with the IoU of both masks, and a last one with counts. The sheet shows each
picture brightened: the found fan in its own light, the rest in blue, the hand-drawn outline in red.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np

from fetalstream.pipeline.signal.fan import Fan, Mask, iou
from fetalstream.pipeline.signal.fan_finder import find_fan
from fetalstream.sources import Pixels

TRUTH = Path(__file__).resolve().parent / "fan_masks.json"
GOOD_IOU = 0.95
TILE_PX = (320, 260)
COLUMNS = 5
OTHER_FRAMES = (-12, -6, 0, 6, 12)
"""Pictures of a cine the finder is given, beside the one that was drawn."""


class Case(NamedTuple):
    """A screen, what was found on it, and what a person drew."""

    name: str
    kind: str
    picture: Pixels
    fan: Fan | None
    truth: Mask

    @property
    def iou(self) -> float:
        return 0.0 if self.fan is None else iou(self.fan.mask, self.truth)


def cases(data: Path) -> list[Case]:
    """Every picture with a hand-drawn fan."""
    return [_case(data, drawn) for drawn in json.loads(TRUTH.read_text(encoding="utf-8"))["fans"]]


def _case(data: Path, drawn: dict[str, Any]) -> Case:
    path = data / drawn["file"]
    if drawn["frame"] is None:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            sys.exit(f"{path} cannot be read as a picture")
        pictures = [np.asarray(picture, np.uint8)]
    else:
        cine = _cine(path)
        pictures = [cine[drawn["frame"] + k] for k in OTHER_FRAMES if 0 <= drawn["frame"] + k < len(cine)]
    shown = pictures[len(pictures) // 2]
    return Case(path.name, drawn["kind"], shown, find_fan(pictures), _draw(drawn, shown))


def _cine(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def _draw(drawn: dict[str, Any], picture: Pixels) -> Mask:
    """(h w) uint8, 255 within the box, between the sides, under the upper arc and over the lower one."""
    height, width = picture.shape[:2]
    x = np.arange(width)[None, :] + 0.5
    y = np.arange(height)[:, None] + 0.5
    left, top, right, bottom = drawn["box"]
    inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    for name, sign in (("left", 1), ("right", -1)):
        if drawn[name] is not None:
            (x0, y0), (x1, y1) = drawn[name]
            inside &= sign * (x - x0 - (x1 - x0) / (y1 - y0) * (y - y0)) >= 0
    for name, is_within in (("top", False), ("bottom", True)):
        if drawn[name] is not None:
            centre_x, centre_y, radius = _circle(np.array(drawn[name], float))
            inside &= (np.hypot(x - centre_x, y - centre_y) <= radius) == is_within
    return np.where(inside, np.uint8(255), np.uint8(0))


def _circle(points: np.ndarray) -> tuple[float, float, float]:
    """Centre and radius of the circle through three points (3 2): x^2 + y^2 = 2 a x + 2 b y + c."""
    a, b, c = np.linalg.solve(np.column_stack([2 * points, np.ones(3)]), (points**2).sum(axis=1))
    return float(a), float(b), float(np.sqrt(c + a * a + b * b))


def sheet(shown: list[Case]) -> Pixels:
    """(h w 3) uint8: all pictures on one."""
    tiles = [_tile(case) for case in shown]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    return np.vstack([np.hstack(tiles[k : k + COLUMNS]) for k in range(0, len(tiles), COLUMNS)])


def _tile(case: Case) -> Pixels:
    width, height = TILE_PX
    scale = min(width / case.picture.shape[1], (height - 20) / case.picture.shape[0])
    size = (int(case.picture.shape[1] * scale), int(case.picture.shape[0] * scale))
    bright = (255 * (cv2.resize(case.picture, size, interpolation=cv2.INTER_AREA) / 255) ** 0.5).astype(np.uint8)
    if case.fan is None:
        outside = np.ones(bright.shape[:2], bool)
    else:
        outside = cv2.resize(case.fan.mask, size, interpolation=cv2.INTER_NEAREST) == 0
    bright[outside] = bright[outside] // 2 + np.array((0, 20, 90), np.uint8)
    outline, _ = cv2.findContours(
        cv2.resize(case.truth, size, interpolation=cv2.INTER_NEAREST), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    cv2.drawContours(bright, outline, -1, (255, 60, 60), 1)
    tile = np.zeros((height, width, 3), np.uint8)
    tile[20 : 20 + size[1], : size[0]] = bright
    words = f"{case.iou:.3f} {case.name[-34:]}"
    cv2.putText(tile, words, (3, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return tile


def main() -> None:
    parser = argparse.ArgumentParser(description="Found fans against hand-drawn ones.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the real pictures")
    parser.add_argument("--out", type=Path, help="where the picture sheet goes (PNG)")
    arguments = parser.parse_args()
    found = cases(arguments.data)
    for case in found:
        kind = None if case.fan is None else case.fan.kind
        confidence = 0.0 if case.fan is None else case.fan.confidence
        line = {"file": case.name, "kind": case.kind, "found": kind, "iou": round(case.iou, 4)}
        print(json.dumps({**line, "confidence": confidence}))
    good = sum(case.iou >= GOOD_IOU for case in found)
    print(json.dumps({"pictures": len(found), "good": good, "least_iou": round(min(c.iou for c in found), 4)}))
    if arguments.out is not None and not cv2.imwrite(str(arguments.out), cv2.cvtColor(sheet(found), cv2.COLOR_RGB2BGR)):
        sys.exit(f"{arguments.out} cannot be written")


if __name__ == "__main__":
    main()
