"""Quality on pictures of one's own: as they are, and with faults that are put into them and must be found."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import cv2
import numpy as np

from ... import FetalStreamError
from ...sources import Pixels
from ..exam.quality import Limits, judge
from ..signal.fan import Fan
from ..signal.fan_finder import find_fan
from ..signal.look_closer import LookCloser
from ..signal.looks import Looks

SUFFIXES: Final = frozenset({".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff"})
GREYS_PER_DB: Final = 255 / 60
"""On a device of 60 dB dynamic range."""

Fault = Callable[[Pixels], Pixels]


def softened(picture: Pixels) -> Pixels:
    """(h w) uint8, blurred by 0.5 % of the longer side."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.005 * max(picture.shape)), dtype=np.uint8)


def with_gain(decibels: float) -> Fault:
    """What a turn of the gain makes of (h w) uint8; what is black (the screen around the fan) stays it."""
    greys = GREYS_PER_DB * decibels
    return lambda picture: np.where(picture > 0, np.clip(picture + greys, 0, 255), 0).astype(np.uint8)


FAULTS: MappingProxyType[str, Fault] = MappingProxyType(
    {
        "as they are": lambda picture: picture,
        "blurred by 0.5 %": softened,
        "gain -18 dB": with_gain(-18),
        "gain +28 dB": with_gain(28),
    }
)


def exam(folder: Path, *, plane: str, limits: Limits, pattern: str = "*", masks: Path | None = None) -> dict[str, Any]:
    """What ``fetalstream evaluate quality --json`` prints.

    Args:
        folder: of pictures.
        plane: what they show.
        limits: where items turn.
        pattern: which files of the folder.
        masks: folder of pictures of the same names, not black where the head (abdomen, chest) is.

    Raises:
        FetalStreamError: a folder without pictures, or a file that is none.
    """
    files = sorted(path for path in _listed(folder) if path.suffix.lower() in SUFFIXES and path.match(pattern))
    if not files:
        raise FetalStreamError(f"{str(folder)!r} holds no pictures {pattern} ({', '.join(sorted(SUFFIXES))})")
    counts: dict[str, dict[str, int]] = {fault: {} for fault in FAULTS}
    shares: list[tuple[float, float]] = []
    for file in files:
        picture = _read(file)
        fan = find_fan([picture])
        for fault, change in FAULTS.items():
            for item in judge(_looks(change(picture), fan), plane=plane, limits=limits):
                counts[fault][item.name] = counts[fault].get(item.name, 0) + item.ok
        if masks is not None:
            shares.append(_shares(picture, fan, masks / file.name))
    return {"pictures": len(files), "plane": plane, "ok": counts, "fill_share": _agreement(shares) if shares else None}


def _looks(picture: Pixels, fan: Fan | None) -> Looks:
    return LookCloser().measure(picture, fan, 0.0, 0)


def _shares(picture: Pixels, fan: Fan | None, mask: Path) -> tuple[float, float]:
    area = picture.size if fan is None else int(np.count_nonzero(fan.mask))
    return _looks(picture, fan).fill_share, float(np.count_nonzero(_read(mask))) / area


def _agreement(shares: Sequence[tuple[float, float]]) -> dict[str, float]:
    found, true = np.array(shares).T
    return {
        "median_error": float(np.median(np.abs(found - true))),
        "correlation": float(np.corrcoef(found, true)[0, 1]),
    }


def _listed(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError as error:
        raise FetalStreamError(f"{str(folder)!r} cannot be listed: {error.strerror}") from None


def _read(file: Path) -> Pixels:
    try:
        encoded = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise FetalStreamError(f"{str(file)!r} cannot be read: {error.strerror}") from None
    picture = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) if encoded.size else None
    if picture is None:
        raise FetalStreamError(f"{str(file)!r} is no picture")
    return np.asarray(picture, dtype=np.uint8)
