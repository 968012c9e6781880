"""What a reader must know before trusting the rest."""

from collections.abc import Iterator, Sequence

from ...sinks import SinkDegraded, SinkRecovered, StreamDamaged, StreamState
from .pictures import Pictures
from .record import Record
from .stretches import Stretch
from .words import of_whole, plural, seconds

_UNFIT_SHARE = 0.2


def warnings(
    record: Record, pictures: Pictures | None, *, unfit: Sequence[Stretch], end_seconds: float, no_pictures: str = ""
) -> list[str]:
    """Sentences; empty when all is well.

    Args:
        pictures: what was seen of the cine; None where it could not be read.
        unfit: closed gates and gaps.
        no_pictures: why there are none; empty where nothing is to be said of them.
    """
    return [
        *_unfinished(record),
        *record.unread,
        *_lost(record, unfit),
        *_sinks(record),
        *_unseen(record, pictures, no_pictures),
        *_unfit(unfit, end_seconds),
    ]


def _unfinished(record: Record) -> Iterator[str]:
    ended, is_live = record.ended, record.is_live
    if ended is None:
        cut = "run was cut off before the stream ended" if is_live else "review was cut off before the end of the cine"
        yield f"The record is incomplete: the {cut}."
    elif is_live and ended.reason not in ("ended", "stopped"):  # somebody stops a live stream, as a rule
        yield f"The stream did not end well: {ended.reason}."
    elif not is_live and ended.reason != "ended":
        yield f"The review did not reach the end of the cine: {ended.reason}."


def _lost(record: Record, unfit: Sequence[Stretch]) -> Iterator[str]:
    for damage in record.all(StreamDamaged):
        yield f"Damage: {damage.what}."
    for state in record.all(StreamState):
        if state.state in ("stalled", "reconnecting"):
            yield f"The source was {state.state}{': ' + state.reason if state.reason else ''}."
    missing = [stretch for stretch in unfit if stretch.kind == "gap"]
    if missing:
        whole = sum(stretch.seconds for stretch in missing)
        yield f"The cine leaves out {seconds(whole)} in {plural(len(missing), 'gap')}."
    if record.ended is not None and (dropped := sum(record.ended.frames_dropped.values())):
        yield f"{plural(dropped, 'frame')} were dropped for want of time: short views may have been missed."


def _sinks(record: Record) -> Iterator[str]:
    for event in record.all(SinkDegraded):
        yield f"Where results went ({event.sink}), something was wrong: {event.reason}."
    for event in record.all(SinkRecovered):
        if event.events_lost:
            yield f"{plural(event.events_lost, 'event')} never reached {event.sink}."


def _unseen(record: Record, pictures: Pictures | None, no_pictures: str) -> Iterator[str]:
    if pictures is None:
        if no_pictures and not record.is_live:
            yield f"There are no pictures: {no_pictures}."
        return
    if not pictures.is_masked:
        yield "Pictures are shown whole: what is burned into them (names, dates) can be read. Do not hand this on."
    read = record.ended.frames_read if record.ended is not None else None
    if read is not None and read != pictures.frames:
        yield (
            f"The review read {plural(read, 'frame')}, this report {pictures.frames}: "
            "frame numbers may point to other pictures."
        )
    hidden = len(pictures.strip.cells) - pictures.strip.shown
    if hidden and hidden > _UNFIT_SHARE * len(pictures.strip.cells):
        whole = len(pictures.strip.cells)
        why = max((cell.refused for cell in pictures.strip.cells if cell.refused), key=len)
        yield f"{of_whole(hidden, whole)} of the pictures are {why} (--unmasked shows them)."


def _unfit(unfit: Sequence[Stretch], end_seconds: float) -> Iterator[str]:
    closed = sum(stretch.seconds for stretch in unfit if stretch.kind != "gap")
    if closed > _UNFIT_SHARE * end_seconds:
        yield f"Nothing could be judged for {of_whole(closed, end_seconds)} of the time: {_kinds(unfit)}."


def _kinds(unfit: Sequence[Stretch]) -> str:
    return ", ".join(dict.fromkeys(stretch.title.lower() for stretch in unfit if stretch.kind != "gap"))
