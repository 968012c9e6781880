"""From what a run has left on the disk to DICOM files: captures, or the record of a review."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import Dataset

from ..sidecar import Sidecar, SourceObject, read_sidecar
from ..sink import SinkError
from ..whole import write_whole
from .findings import Findings, HeartFinding, PlaneFinding
from .identity import Filing
from .images import clip_object, still_object
from .key_objects import key_objects
from .pixels import read_clip, read_still, still_of
from .record import Record
from .reference import Reference
from .report import report

SUFFIX = ".dcm"


class LeftOut(NamedTuple):
    """A capture that was not exported, and why."""

    name: str
    reason: str


class Cine(NamedTuple):
    """The DICOM object a stream was made of, and the frame number in it, from 1, of a frame index, from 0."""

    source: SourceObject
    number_of: Callable[[int], int]

    def frames(self, indexes: Sequence[int]) -> Reference:
        """Pointing at frames of the stream, in the cine."""
        numbers = tuple(self.number_of(index) for index in indexes)
        return _cine_reference(self.source)._replace(frame_numbers=numbers)


class Exported(NamedTuple):
    """The files that were written, in order, and what was left out."""

    files: list[Path]
    left_out: list[LeftOut]


class _Captured(NamedTuple):
    sidecar: Sidecar
    still: Dataset
    clip: Dataset | None


def find_captures(folder: Path) -> list[Path]:
    """The sidecars in ``folder``, by name: each JSON file beside a PNG of the same name."""
    return sorted(file for file in folder.glob("*.json") if file.with_suffix(".png").is_file())


def export_captures(
    sidecars: Sequence[Path],
    out: Path,
    *,
    file_of: Callable[[str], Filing],
    record: Record | None = None,
    cine: Cine | None = None,
    compress: bool = True,
    allow_unmasked: bool = False,
) -> Exported:
    """Write each capture's still and clip, and per stream a key object selection and a report.

    A capture that is not masked may show a name: it is left out unless its owner is known (an identity) or
    ``allow_unmasked`` says that its pictures hold no text. What cannot be read is left out, too; the rest is exported.

    Args:
        sidecars: see `find_captures`.
        out: folder for the files; made if need be, and empty but for the same files from an earlier time.
        file_of: where the objects of a stream are filed.
        record: events of the same stream, for age and heart.
        cine: source of the record's stream, so that a heart score can name its frames.
        compress: clips, without loss (JPEG-LS).
        allow_unmasked: also make objects without an identity of pictures in which text may be burned in.
    """
    left_out: list[LeftOut] = []
    streams: dict[str, list[_Captured]] = {}
    out_of = _Out(out)
    for file in sidecars:
        try:
            sidecar = read_sidecar(file)
            filed = file_of(sidecar.stream)
            if filed.is_deidentified and not sidecar.masked and not allow_unmasked:
                left_out.append(LeftOut(file.stem, "it is not masked: the picture may show a name"))
                continue
            captured = streams.setdefault(sidecar.stream, [])
            objects = _objects(sidecar, file, filed, number=len(captured) + 1, compress=compress)
        except SinkError as error:
            left_out.append(LeftOut(file.stem, str(error)))
            continue
        out_of.write("still", objects.still)
        if objects.clip is not None:
            out_of.write("clip", objects.clip)
            objects = objects._replace(clip=_without_pixels(objects.clip))
        captured.append(objects._replace(still=_without_pixels(objects.still)))
    for stream, captured in streams.items():
        if captured:
            findings = _findings(stream, captured, record if record and record.stream == stream else None, cine)
            out_of.documents(findings, file_of(stream), wall_time=captured[-1].sidecar.wall_time)
    out_of.finish()
    return Exported(out_of.files, left_out)


def export_record(record: Record, cine: Cine, out: Path, *, filed: Filing) -> Exported:
    """Write a key object selection and a report that point into the source cine of a review.

    Args:
        record: of the review.
        cine: the source.
        out: folder for the files.
        filed: where they are filed.
    """
    if not record.visits:
        raise SinkError(f"{record.stream}: no standard plane was seen, there is nothing to point at")
    planes = tuple(
        PlaneFinding(
            key=f"{record.stream} visit {number}",
            plane=visit.plane,
            score=visit.best_score,
            quality=None,
            pts_seconds=visit.best_pts_seconds,
            at=cine.frames([visit.best_frame_index]),
            model=record.started.model,
            config_sha256=record.started.config_sha256,
        )
        for number, visit in enumerate(record.visits, start=1)
    )
    hearts = tuple(HeartFinding(scored=scored, at=cine.frames(scored.frame_indexes)) for scored in record.hearts)
    out_of = _Out(out)
    findings = Findings(
        stream=record.stream,
        planes=planes,
        age=record.age,
        hearts=hearts,
        remarks=record.remarks,
        cine=cine.frames(()),
    )
    out_of.documents(findings, filed, wall_time="")
    out_of.finish()
    return Exported(out_of.files, [])


def _objects(sidecar: Sidecar, file: Path, filed: Filing, *, number: int, compress: bool) -> _Captured:
    still = still_object(sidecar, still_of(read_still(file.with_suffix(".png"))), filed, number=number)
    if sidecar.clip is None:
        return _Captured(sidecar, still, None)
    clip = read_clip(file.with_suffix(".mp4"), frames=sidecar.clip.frames, compress=compress)
    return _Captured(sidecar, still, clip_object(sidecar, clip, filed, number=number))


def _without_pixels(image: Dataset) -> Dataset:
    """Enough to point at it."""
    kept = Dataset()
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
        setattr(kept, keyword, image[keyword].value)
    return kept


def _findings(stream: str, captured: Sequence[_Captured], record: Record | None, cine: Cine | None) -> Findings:
    into_cine = all(_has_number(one.sidecar.source_dicom) for one in captured)  # a selection is of one study
    planes = tuple(
        PlaneFinding(
            key=f"{stream} {one.sidecar.capture_id}",
            plane=one.sidecar.plane,
            score=one.sidecar.score,
            quality=one.sidecar.quality,
            pts_seconds=one.sidecar.pts_seconds,
            at=_best_reference(one, into_cine=into_cine),
            model=one.sidecar.model,
            config_sha256=one.sidecar.config_sha256,
        )
        for one in captured
    )
    source = captured[0].sidecar.source_dicom
    whole = _cine_reference(source) if into_cine and source is not None else None
    if record is None:
        return Findings(stream=stream, planes=planes, cine=whole)
    hearts = tuple(
        HeartFinding(scored=scored, at=None if cine is None else cine.frames(scored.frame_indexes))
        for scored in record.hearts
    )
    return Findings(stream=stream, planes=planes, age=record.age, hearts=hearts, remarks=record.remarks, cine=whole)


def _has_number(source: SourceObject | None) -> bool:
    """The very frame is known, and where its cine is filed."""
    return source is not None and bool(source.frame_number and source.study_instance_uid and source.series_instance_uid)


def _best_reference(captured: _Captured, *, into_cine: bool) -> Reference:
    """The frame of the source cine, where that can be; else of our clip; else our still."""
    source, span = captured.sidecar.source_dicom, captured.sidecar.clip
    if into_cine and source is not None and source.frame_number is not None:
        return _cine_reference(source)._replace(frame_numbers=(source.frame_number,))
    if captured.clip is not None and span is not None and span.still_number is not None:
        return _own_reference(captured.clip)._replace(frame_numbers=(span.still_number,))
    return _own_reference(captured.still)


def _own_reference(image: Dataset) -> Reference:
    return Reference(
        study_instance_uid=str(image.StudyInstanceUID),
        series_instance_uid=str(image.SeriesInstanceUID),
        sop_instance_uid=str(image.SOPInstanceUID),
        sop_class_uid=str(image.SOPClassUID),
    )


def _cine_reference(cine: SourceObject) -> Reference:
    if not cine.study_instance_uid or not cine.series_instance_uid:
        raise SinkError("the source cine does not say which study and series it is of: nothing can point at it")
    return Reference(
        study_instance_uid=cine.study_instance_uid,
        series_instance_uid=cine.series_instance_uid,
        sop_instance_uid=cine.sop_instance_uid,
        sop_class_uid=cine.sop_class_uid,
    )


class _Out:
    """The folder that objects are written to. Files are named for kind and UID: no name of a patient can be in them."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._before = set(folder.glob(f"*{SUFFIX}"))
        except OSError as error:
            raise SinkError(f"{folder}: cannot be written: {error.strerror}") from None
        self._folder = folder
        self.files: list[Path] = []

    def write(self, kind: str, data_set: Dataset) -> None:
        content = io.BytesIO()
        data_set.save_as(content, enforce_file_format=True)
        file = self._folder / f"{kind}-{data_set.SOPInstanceUID}{SUFFIX}"
        write_whole(file, content.getvalue())
        self.files.append(file)

    def documents(self, findings: Findings, filed: Filing, *, wall_time: str) -> None:
        self.write("key-objects", key_objects(findings, filed, wall_time=wall_time))
        self.write("report", report(findings, filed, wall_time=wall_time))

    def finish(self) -> None:
        """Complain of objects that were there before and are no part of this export: they'd be sent along."""
        stale = sorted(self._before - set(self.files))
        if stale:
            raise SinkError(
                f"{self._folder}: all is written, but {len(stale)} objects of an earlier export lie there too, such as "
                f"{stale[0].name}; delete them or choose an empty folder"
            )
