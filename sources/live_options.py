"""Options that every live source takes, written into its URI."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from .source import SourceError
from .supervise import Patience

NAMES = frozenset(
    {
        "latency_ms",
        "lost_seconds",
        "open_seconds",
        "refused_seconds",
        "retry_seconds",
        "silence_seconds",
        "stall_seconds",
    }
)


class LiveOptions(NamedTuple):
    """How long to wait for what, and how old a picture is when it comes."""

    patience: Patience
    latency_seconds: float


class Split(NamedTuple):
    """A URI's own part, what in its query is meant for us, and what is not."""

    rest: str
    ours: dict[str, str]
    others: list[str]


def split_options(text: str, ours: frozenset[str]) -> Split:
    """Take our options out of what follows the last ``?``; the rest of the query is kept as it is written."""
    rest, mark, query = text.rpartition("?")
    if not mark:
        return Split(text, {}, [])
    taken: dict[str, str] = {}
    others: list[str] = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name in ours:
            taken[name] = value
        else:
            others.append(part)
    return Split(rest, taken, others)


def live_options(options: Mapping[str, str]) -> LiveOptions:
    """Read `NAMES` among ``options``. Raises `SourceError`."""
    given = {name: number(name, options[name]) for name in NAMES & set(options)}
    latency_seconds = given.pop("latency_ms", 0.0) / 1000
    if "stall_seconds" in given:  # who waits longer before complaining also waits longer before giving up
        given.setdefault("silence_seconds", max(Patience().silence_seconds, 2 * given["stall_seconds"]))
    return LiveOptions(Patience(**given), latency_seconds)


def number(name: str, text: str) -> float:
    """The number an option holds. Raises `SourceError`."""
    try:
        return float(text)
    except ValueError:
        raise SourceError(f"option {name}={text!r} is no number") from None


def safe_label(text: str) -> str:
    """``text`` as a short label that is safe as a file name."""
    return re.sub(r"[^\w.]+", "-", text).strip("-._")[:60] or "source"
