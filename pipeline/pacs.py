"""From runs to DICOM objects: which exam, which cine, whose."""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .. import FetalStreamError
from ..sinks.dicom import (
    Cine,
    Exported,
    Filing,
    Identity,
    Record,
    export_captures,
    export_record,
    filing,
    find_captures,
    identity_of,
    read_record,
)
from ..sinks.sidecar import SourceObject, read_sidecar
from ..sinks.sink import SinkError
from ..sources import SourceInfo
from ..sources.dicom import DicomSource, file_label
from ..sources.dicom.study import key
from .report.record import EVENTS_NAME

_DICOM_STREAM = re.compile(r"us-(?P<study>[0-9a-f]{12})-[0-9a-f]{12}(-.*)?")


class PacsError(FetalStreamError):
    """What was asked for cannot be exported; the message says why and what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to export.

    Attributes:
        folder: with captures, or of a review.
        out: where the objects go.
        cine: the DICOM cine the stream was made of; needed to point into it from a review.
        identity: who was examined; None: objects that do not say.
        of_cine: take the identity from ``cine``, and file the objects in its study.
        events: of the same stream as captures, for age and heart: JSON lines or an event store.
        compress: clips, without loss.
        allow_unmasked: also without an identity, pictures that may hold text.
    """

    folder: Path
    out: Path
    cine: Path | None = None
    identity: Identity | None = None
    of_cine: bool = False
    events: Path | None = None
    compress: bool = True
    allow_unmasked: bool = False


def export(wanted: Wanted) -> Exported:
    """Write the objects. Raises `FetalStreamError` when there is nothing to export or it is not safe to."""
    if not wanted.folder.is_dir():
        raise PacsError(f"{str(wanted.folder)!r} is no folder")
    identity = _identity(wanted)
    if captures := find_captures(wanted.folder):
        return _export_captures(wanted, captures, identity)
    events = wanted.folder / EVENTS_NAME
    if wanted.events is not None:
        raise PacsError(
            f"{str(wanted.folder)!r} holds no captures, and a review has its own events: leave --events out"
        )
    if not events.is_file():
        raise PacsError(f"{str(wanted.folder)!r} holds neither captures (NAME.json beside NAME.png) nor {EVENTS_NAME}")
    record = read_record(events)
    return _export_review(wanted, record, _filing(record.stream, identity))


def subject_of(stream: str) -> str:
    """What stands for the exam of a stream in made-up identities and UIDs: a salted hash, one for all cines of a study.

    The stream's own name will not do: of a video file it is the file's, and people put patients into these.
    """
    found = _DICOM_STREAM.fullmatch(stream)
    return found["study"] if found else key("study", stream)


def frame_numbers(record: Record, number_at: Callable[[float], int]) -> Callable[[int], int]:
    """From a frame's index in the stream, from 0, to its number in the cine, from 1.

    They run apart behind frames that could not be read, which the record tells of.

    Args:
        record: of the stream.
        number_at: the number of the frame at a media time.
    """
    gaps = [(0 if last_good is None else number_at(last_good), count) for last_good, count in record.withheld]

    def number_of(index: int) -> int:
        number = index + 1
        for last_good, count in gaps:
            if number > last_good:
                number += count
        return number

    return number_of


def _identity(wanted: Wanted) -> Identity | None:
    if not wanted.of_cine:
        return wanted.identity
    if wanted.identity is not None:
        raise PacsError("an identity is given, and the cine's is asked for, too: which one is meant?")
    if wanted.cine is None:
        raise PacsError("to take the identity from the source cine, give the cine as well")
    return identity_of(wanted.cine, label=file_label(wanted.cine))


def _export_captures(wanted: Wanted, captures: Sequence[Path], identity: Identity | None) -> Exported:
    streams = set(_streams(captures))
    if identity is not None:
        _check_one_exam(streams)
    record = None
    if wanted.events is not None:
        record = read_record(wanted.events, stream=next(iter(streams)) if len(streams) == 1 else None)
    with ExitStack() as stack:
        cine = None
        if wanted.cine is not None:
            source, info = stack.enter_context(_opened(wanted.cine))
            if {subject_of(stream) for stream in streams} != {subject_of(info.name)}:
                raise PacsError(f"{file_label(wanted.cine)} is {info.name}, the captures are of another study")
            if record is not None and _is_of(record, info):
                cine = _pointing(record, source, info)
        return export_captures(
            captures,
            wanted.out,
            file_of=lambda stream: _filing(stream, identity),
            record=record,
            cine=cine,
            compress=wanted.compress,
            allow_unmasked=wanted.allow_unmasked,
        )


def _export_review(wanted: Wanted, record: Record, filed: Filing) -> Exported:
    if wanted.cine is None:
        raise PacsError(
            f"{str(wanted.folder)!r} is the record of a review: give its source as well to point into it; it must "
            "be a DICOM cine"
        )
    with _opened(wanted.cine) as (source, info):
        if not _is_of(record, info):
            raise PacsError(
                f"{file_label(wanted.cine)} is {info.name}, the record is of {record.stream}: not the same cine, or "
                "reviewed by an installation with another salt"
            )
        return export_record(record, _pointing(record, source, info), wanted.out, filed=filed)


def _pointing(record: Record, source: DicomSource, info: SourceInfo) -> Cine:
    """How to point into the cine, once it is certain that the record is of these very frames."""
    number_of = frame_numbers(record, source.number_at)
    for visit in record.visits:
        if source.number_at(visit.best_pts_seconds) != number_of(visit.best_frame_index):
            raise PacsError(f"{record.stream}: the frames of its record are not those of the cine; review it again")
    if info.dicom is None:
        raise PacsError(f"DICOM cine {info.name} has no proper UIDs: nothing can point into it")
    return Cine(
        SourceObject(
            sop_instance_uid=info.dicom.sop_instance_uid,
            sop_class_uid=info.dicom.sop_class_uid,
            study_instance_uid=info.dicom.study_instance_uid,
            series_instance_uid=info.dicom.series_instance_uid,
        ),
        number_of,
    )


def _is_of(record: Record, info: SourceInfo) -> bool:
    """A live stream is called after its source and a number of its own."""
    return record.stream == info.name or record.stream.startswith(f"{info.name}-")


@contextmanager
def _opened(cine: Path) -> Generator[tuple[DicomSource, SourceInfo]]:
    source = DicomSource(cine)
    try:
        yield source, source.open()
    finally:
        source.close()


def _streams(captures: Sequence[Path]) -> Iterator[str]:
    """What is no capture will be left out, by name."""
    for file in captures:
        with suppress(SinkError):
            yield read_sidecar(file).stream


def _filing(stream: str, identity: Identity | None) -> Filing:
    return filing(subject_of(stream), identity)


def _check_one_exam(streams: set[str]) -> None:
    exams = {subject_of(stream) for stream in streams}
    if len(exams) > 1:
        raise PacsError(
            f"the captures are of {len(exams)} exams, an identity is of one person: export each exam's folder by itself"
        )
