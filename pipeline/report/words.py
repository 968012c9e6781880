"""Numbers and names as people read them."""

from collections.abc import Sequence

from ...models.planes import Plane
from ...models.planes import title as plane_title

__all__ = ["at", "chance", "figure", "in_order", "of_whole", "plane_title", "plural", "seconds"]

_ORDER = {plane.value: number for number, plane in enumerate(Plane)}


def at(seconds: float | None) -> str:
    """A moment of the cine: 72.53 -> "1:12.5"; empty for None."""
    if seconds is None:
        return ""
    tenths = round(abs(seconds) * 10)
    return f"{'-' if seconds < 0 and tenths else ''}{tenths // 600}:{tenths % 600 / 10:04.1f}"


def seconds(value: float) -> str:
    """How long something took or lasted: 3.24 -> "3.2 s", 95 -> "1 min 35 s"."""
    if round(value, 1) < 60:
        return f"{value:.1f} s"
    whole = round(value)
    if whole >= 3600:
        return _hours(whole)
    return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"


def _hours(value: float) -> str:
    """3700 -> "1 h 2 min"."""
    minutes = round(value / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def of_whole(part: float, whole: float) -> str:
    """A share: "12 %", "under 1 %"."""
    share = 100 * part / whole if whole > 0 else 0.0
    return "under 1 %" if 0 < share < 1 else f"{share:.0f} %"


def figure(value: float | None) -> str:
    """A score in [0, 1]: "0.87"; a dash for None."""
    return "–" if value is None else f"{value:.2f}"


def chance(value: float) -> str:
    """A probability, small ones not made nothing: "12 %", "0.7 %", "under 0.1 %"."""
    if value >= 0.1:
        return f"{100 * value:.0f} %"
    return "under 0.1 %" if 0 < value < 0.0005 else f"{100 * value:.1f} %"


def plural(count: int, one: str, more: str = "") -> str:
    """ "1 visit", "2 visits"."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def in_order(planes: Sequence[str]) -> list[str]:
    """Each plane once, in the order of a mid-trimester scan; strange ones last, as they come."""
    return sorted(dict.fromkeys(planes), key=lambda plane: _ORDER.get(plane, len(_ORDER)))
