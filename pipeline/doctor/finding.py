"""What the doctor finds: one plain sentence each, and what to do about it."""

from enum import StrEnum
from typing import Any

import msgspec

from ...sources.credentials import masked


class Status(StrEnum):
    """OK; WARNING: a live run would work, but could be better; PROBLEM: it would not work."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding.

    Attributes:
        area: what was looked at, one word.
        status: how it stands.
        what: what was found, a plain sentence without secrets.
        todo: what to do, empty when all is well.
        facts: the measures behind it; their names carry the units.
    """

    area: str
    status: Status
    what: str
    todo: str = ""
    facts: dict[str, Any] = {}


def ok(area: str, what: str, **facts: Any) -> Finding:
    """All is well."""
    return Finding(area=area, status=Status.OK, what=masked(what), facts=facts)


def warning(area: str, what: str, *, todo: str, **facts: Any) -> Finding:
    """It would work, but."""
    return Finding(area=area, status=Status.WARNING, what=masked(what), todo=masked(todo), facts=facts)


def problem(area: str, what: str, *, todo: str, **facts: Any) -> Finding:
    """It would not work."""
    return Finding(area=area, status=Status.PROBLEM, what=masked(what), todo=masked(todo), facts=facts)
