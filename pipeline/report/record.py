"""What a review left behind, read again: the events of one study, and its summary."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from ... import FetalStreamError
from ...sinks import AnyEvent, StreamEnded, StreamStarted
from ...sinks.lines import read_lines
from ...sinks.sink import SinkError

EVENTS_NAME = "events.jsonl"
SUMMARY_NAME = "summary.json"
REPORT_NAME = "report.html"

E = TypeVar("E", bound=AnyEvent)


class ReportError(FetalStreamError):
    """A report cannot be made; the message names the file and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The record of one study.

    Attributes:
        name: of its folder.
        events: all but the scores of single frames, in order; of a file that several runs wrote, those of the last.
        summary: as the review wrote it; empty where the review did not end.
        unread: what in the files could not be understood, in words.
    """

    name: str
    events: Sequence[AnyEvent]
    summary: dict[str, Any]
    unread: tuple[str, ...] = ()

    def all(self, kind: type[E]) -> list[E]:
        """Its events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E | None:
        """Its last event of one kind."""
        return next((event for event in reversed(self.events) if isinstance(event, kind)), None)

    @property
    def started(self) -> StreamStarted | None:
        return self.last(StreamStarted)

    @property
    def ended(self) -> StreamEnded | None:
        return self.last(StreamEnded)

    @property
    def is_live(self) -> bool:
        """Whether it is of a live stream, not of a review."""
        return self.started is not None and self.started.stamp is not None

    @property
    def cine_sha256(self) -> str | None:
        """Digest of the cine that was reviewed (see `cines.fingerprint`); None where nobody took it."""
        cine: object = self.summary.get("cine")
        sha256: object = cast("dict[str, object]", cine).get("sha256") if isinstance(cine, dict) else None
        return sha256 if isinstance(sha256, str) else None


def find_records(folder: Path) -> list[Path]:
    """The folders of studies under ``folder``, sorted; ``folder`` itself, where it is one.

    Raises:
        ReportError: there is none, or it cannot be looked for.
    """
    try:
        if (folder / EVENTS_NAME).is_file():
            return [folder]
        found = sorted(path.parent for path in folder.glob(f"*/{EVENTS_NAME}") if not path.parent.name.startswith("."))
    except OSError as error:
        raise ReportError(f"{str(folder)!r} cannot be read: {error.strerror}") from None
    if not found:
        what = f"holds no review (no {EVENTS_NAME}, nor folders with one)" if folder.is_dir() else "is not a folder"
        raise ReportError(f"{str(folder)!r} {what}; 'fetalstream review CINES --out DIR' makes one")
    return found


def read_record(folder: Path) -> Record:
    """The record in a study's folder.

    What in the file is passed over, and told as `Record.unread`: see `sinks.lines`.

    Raises:
        ReportError: a file cannot be read, or is no record.
    """
    path = folder / EVENTS_NAME
    try:
        lines = read_lines(path)
    except SinkError as error:
        raise ReportError(str(error)) from None
    starts = [number for number, event in enumerate(lines.events) if isinstance(event, StreamStarted)]
    if not starts:
        raise ReportError(f"{path}: holds no record: it does not begin with 'stream.started'")
    return Record(
        name=folder.resolve().name,
        events=lines.events[starts[-1] :],
        summary=_summary(folder),
        unread=lines.remarks,
    )


def _summary(folder: Path) -> dict[str, Any]:
    path = folder / SUMMARY_NAME
    try:
        tree: object = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise ReportError(f"{str(path)!r} cannot be read: {why}") from None
    if not isinstance(tree, dict):
        raise ReportError(f"{str(path)!r} holds no summary")
    return cast("dict[str, Any]", tree)
