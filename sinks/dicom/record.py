"""What the events of one stream say, so far as a report can hold it."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ..chain import Record as Stored
from ..event import AnyEvent, PlaneLeft, StreamDamaged, StreamStarted
from ..findings import AgeEstimated, AgeUnavailable, ChdScored, ChdUnavailable
from ..lines import is_of_unknown_kind, read_lines
from ..sink import SinkError
from ..store_file import reading

_SQLITE = b"SQLite format 3\0"
_DECODER = msgspec.json.Decoder(AnyEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One stream, as its events tell it.

    Attributes:
        started: which source, model and configuration.
        visits: of planes, in order.
        age: the newest word on gestational age.
        hearts: the newest score of the exam as a whole; without one, that of each clip.
        remarks: why there is no age or heart score, and what of a file could not be read.
        withheld: frames that could not be read: media time of the last good frame before them (None: at the start), and
            how many.
    """

    started: StreamStarted
    visits: tuple[PlaneLeft, ...] = ()
    age: AgeEstimated | None = None
    hearts: tuple[ChdScored, ...] = ()
    remarks: tuple[str, ...] = ()
    withheld: tuple[tuple[float | None, int], ...] = field(default=())

    @property
    def stream(self) -> str:
        return self.started.stream


def read_record(file: Path, *, stream: str | None = None) -> Record:
    """From a file of JSON lines (see `sinks.lines`) or an event store. Raises `SinkError` that names it.

    Args:
        file: ``events.jsonl`` or ``events.db``.
        stream: whose events; None: the file must hold one stream only.
    """
    try:
        with file.open("rb") as opened:
            is_store = opened.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise SinkError(f"{file}: cannot be read: {error.strerror}") from None
    remarks: tuple[str, ...] = ()
    with ExitStack() as stack:
        if is_store:
            records = stack.enter_context(reading(file)).checked_records()
            events: Iterable[AnyEvent] = _stored(file, records)
        else:
            lines = read_lines(file)
            events, remarks = lines.events, lines.remarks
        record = record_of((event for event in events if stream in (None, event.stream)), name=str(file))
    return replace(record, remarks=(*record.remarks, *remarks))


def record_of(events: Iterable[AnyEvent], *, name: str) -> Record:
    """Raises `SinkError`, naming ``name``, unless the events are those of one stream, from its start."""
    started: StreamStarted | None = None
    visits: list[PlaneLeft] = []
    age: AgeEstimated | None = None
    clips: list[ChdScored] = []
    exam: ChdScored | None = None
    remarks: list[str] = []
    withheld: list[tuple[float | None, int]] = []
    for event in events:
        if started is None and not isinstance(event, StreamStarted):
            raise SinkError(f"{name}: does not begin with the start of a stream")
        if isinstance(event, StreamStarted):
            if started is not None:
                several = "runs of one stream" if event.stream == started.stream else "streams"
                raise SinkError(f"{name}: holds several {several}; give the events of one")
            started = event
        elif isinstance(event, PlaneLeft):
            visits.append(event)
        elif isinstance(event, AgeEstimated):
            age = event
        elif isinstance(event, ChdScored):
            exam, clips = (event, clips) if event.level == "exam" else (exam, [*clips, event])
        elif isinstance(event, AgeUnavailable):
            remarks.append(f"No gestational age: {event.reason}")
        elif isinstance(event, ChdUnavailable):
            remarks.append(f"No heart score: {event.reason}")
        elif isinstance(event, StreamDamaged) and event.lost_packets:
            withheld.append((event.pts_seconds, event.lost_packets))
    if started is None:
        raise SinkError(f"{name}: holds no events of the stream")
    return Record(
        started=started,
        visits=tuple(visits),
        age=age,
        hearts=tuple(clips) if exam is None else (exam,),
        remarks=tuple(dict.fromkeys(remarks)),
        withheld=tuple(withheld),
    )


def _stored(file: Path, records: Iterable[Stored]) -> Iterator[AnyEvent]:
    for record in records:
        try:
            yield _DECODER.decode(record.event)
        except ValueError as error:
            if not is_of_unknown_kind(record.event):
                raise SinkError(f"{file}: record {record.sequence} is no event: {error}") from None
