"""Findings for people and for programs."""

from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ... import __version__
from ...sources.credentials import masked
from .finding import Finding, Status

_STYLES = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "bold red"}
_AREA_WIDTH = 10


def works(findings: Sequence[Finding]) -> bool:
    """Whether a live run would work."""
    return not any(finding.status is Status.PROBLEM for finding in findings)


def report(findings: Sequence[Finding], *, source: str | None) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "fetalstream": __version__,
        "source": None if source is None else masked(source),
        "works": works(findings),
        "findings": [msgspec.to_builtins(finding) for finding in findings],
    }


def row(finding: Finding) -> RenderableType:
    """For a terminal: status, area, sentence; what to do stands below it."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=len(Status.WARNING))
    grid.add_column(width=_AREA_WIDTH, style="bold")
    grid.add_column(ratio=1)
    text = Text(finding.what)
    if finding.todo:
        text.append(f"\n→ {finding.todo}", style="cyan")
    grid.add_row(Text(finding.status.value, style=_STYLES[finding.status]), finding.area, text)
    return grid


def line(finding: Finding) -> str:
    """The same on one line, for files and pipes."""
    todo = f" -> {finding.todo}" if finding.todo else ""
    return f"{finding.status.value:<7}  {finding.area:<{_AREA_WIDTH}}  {finding.what}{todo}"


def verdict(findings: Sequence[Finding]) -> str:
    """The last line."""
    problems, warnings = (
        sum(finding.status is status for finding in findings) for status in (Status.PROBLEM, Status.WARNING)
    )
    if problems:
        also = f" and {_count(warnings, 'warning')}" if warnings else ""
        return f"A live run would not work: {_count(problems, 'problem')}{also}."
    but = f", with {_count(warnings, 'warning')}" if warnings else ""
    return f"A live run would work{but}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
