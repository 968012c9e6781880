"""What makes a picture worth keeping: items with a reason that a sonographer understands. Pure.

An item is ok from a score of `OK` on, and `overall` from there on exactly when all items are: what is poor in one
respect comes behind all that is good in each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...models.planes import Plane
from ...sinks import QualityItem
from ..messages import Scored
from ..signal.looks import Looks

OK: Final = 0.5

ROUND: Final = frozenset(
    {
        *(Plane.TRANSTHALAMIC, Plane.TRANSVENTRICULAR, Plane.TRANSCEREBELLAR, Plane.ABDOMEN),
        *(Plane.FOUR_CHAMBER, Plane.LVOT, Plane.RVOT, Plane.THREE_VESSEL),
    }
)
"""Planes with a round outline (skull, abdomen, chest): of these alone can "zoom" and "in_fan" be judged."""

NAMES: Final = ("sharpness", "gain", "zoom", "in_fan", "stillness", "confidence")
"""Items there are, in the order in which they are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where an item turns; measures as in `Looks`. Published standard planes are mostly ok (docs/quality.md)."""

    min_sharpness: float = 0.45
    min_brightness: float = 40.0
    max_brightness: float = 165.0
    max_white_share: float = 0.04
    min_fill_share: float = 0.12
    max_edge_share: float = 0.2
    max_motion_share: float = 0.15
    min_score: float = 0.6
    min_margin: float = 0.3


def judge(
    looks: Looks, *, plane: str, score: float | None = None, margin: float | None = None, limits: Limits = Limits()
) -> tuple[QualityItem, ...]:
    """The items of one picture, in the order of `NAMES`.

    Args:
        looks: its measures.
        plane: what it shows; only planes in `ROUND` have "zoom" and "in_fan".
        score, margin: of the plane, and its lead over the next label, in [0, 1] and [-1, 1]; without them there is no
            "confidence".
        limits: where items turn.
    """
    items = [
        _item(
            "sharpness",
            _rising(looks.sharpness, limits.min_sharpness, 1.0),
            "the picture is soft: set the focus to this depth, or raise the frequency",
        ),
        _gain(looks, limits),
    ]
    if plane in ROUND:
        items += [
            _item(
                "zoom",
                _rising(looks.fill_share, limits.min_fill_share, 3 * limits.min_fill_share),
                "it is small in the picture: zoom in or reduce the depth",
            ),
            _item(
                "in_fan",
                _falling(looks.edge_share, limits.max_edge_share),
                "it is cut off at the edge of the picture: move it to the middle or increase the depth",
            ),
        ]
    items.append(
        _item(
            "stillness",
            _falling(looks.motion_share, limits.max_motion_share),
            "the picture moves: hold the probe still",
        )
    )
    if score is not None and margin is not None:
        surety = min(_rising(score, limits.min_score, 1.0), _rising(margin, limits.min_margin, 1.0))
        items.append(_item("confidence", surety, "it is not clearly this plane: tilt or turn the probe a little"))
    return tuple(items)


def overall(items: Sequence[QualityItem]) -> float:
    """[0, 1]: the geometric mean of the scores where all are ok, else the lowest of them. 1 without items."""
    scores = [item.score for item in items]
    if not scores or min(scores) < OK:
        return min(scores, default=1.0)
    return math.prod(scores) ** (1 / len(scores))


class Judge:
    """Judges frames of one stream; see `judge`.

    Args:
        labels: columns of the frames' scores.
        limits: where items turn.
    """

    def __init__(self, labels: Sequence[str], limits: Limits = Limits()) -> None:
        self._column = {label: column for column, label in enumerate(labels)}
        self._limits = limits

    def items(self, frame: Scored, plane: str) -> tuple[QualityItem, ...]:
        """Empty where nobody has measured the frame. Raises KeyError for a plane that is no label."""
        if frame.looks is None:
            return ()
        column = self._column[plane]
        score = float(frame.scores[column])
        others = [float(other) for place, other in enumerate(frame.scores) if place != column]
        margin = score - max(others, default=0.0)
        return judge(frame.looks, plane=plane, score=score, margin=margin, limits=self._limits)

    def worth(self, frame: Scored, plane: str) -> float:
        """[0, 1], by which the best frame of a visit is chosen: quality x confidence x stillness."""
        score = float(frame.scores[self._column[plane]])
        if frame.looks is None:
            return score
        items = judge(frame.looks, plane=plane, limits=self._limits)
        stillness = next(item.score for item in items if item.name == "stillness")
        return overall([item for item in items if item.name != "stillness"]) * score * stillness


def _gain(looks: Looks, limits: Limits) -> QualityItem:
    dark = _rising(looks.brightness, limits.min_brightness, 2 * limits.min_brightness)
    bright = _falling(looks.brightness, limits.max_brightness, 0.8 * limits.max_brightness)
    white = _falling(looks.saturated_share, limits.max_white_share)
    faults = [
        (dark, "too dark: raise the gain, or the depth gain where it is darkest"),
        (bright, "too bright: lower the gain"),
        (white, "much is plain white: lower the gain or widen the dynamic range"),
    ]
    return _item("gain", *min(faults))


def _item(name: str, score: float, reason: str) -> QualityItem:
    rounded = math.floor(1000 * score) / 1000  # never up to OK
    return QualityItem(name=name, ok=rounded >= OK, score=rounded, reason="" if rounded >= OK else reason)


def _rising(value: float, limit: float, good: float) -> float:
    """[0, 1]: 0.5 at the limit, 1 from ``good`` on."""
    if value < limit:
        return max(0.0, OK * value / limit)
    return min(1.0, OK + (1 - OK) * (value - limit) / (good - limit)) if good > limit else 1.0


def _falling(value: float, limit: float, good: float = 0.0) -> float:
    """[0, 1]: 1 up to ``good``, 0.5 at the limit, 0 at twice the distance from good to limit."""
    return min(1.0, max(0.0, 1 - (1 - OK) * (value - good) / (limit - good)))
