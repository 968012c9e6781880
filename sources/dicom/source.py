"""One DICOM cine as a source: frame by frame, with its own times and scale, and nothing of the patient."""

import bisect
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydicom import config
from pydicom.uid import UID

from ..frame import Damage, Frame, Item, SourceState, StateChange
from ..pace import Pace
from ..source import DicomObject, Source, SourceError, SourceInfo
from ..uri import split_target, yes_no
from . import tags
from .colour import Colouring
from .decode import FrameDecoder
from .elements import Budget, ElementReader, Elements
from .frames import FrameReader, frame_reader
from .header import CineHeader, check_header
from .limits import Limits
from .part10 import DataSet, open_data_set
from .regions import Calibration, calibration
from .study import file_label, key
from .times import DEFAULT_FPS, FrameTimes, frame_times

_DEFAULT_LIMITS = Limits()
_SAME_SECONDS = 6e-4
"""Times that differ by less are one frame's: those of a record have been rounded."""


def from_uri(uri: str, *, realtime: bool = False) -> Source:
    """The source of ``PATH`` or ``dicom:PATH?realtime=1&any_class=1``."""
    path, options = split_target(uri, allowed=("any_class", "realtime"))
    return DicomSource(
        path,
        realtime=yes_no("realtime", options["realtime"]) if "realtime" in options else realtime,
        any_class=yes_no("any_class", options["any_class"]) if "any_class" in options else False,
    )


class _Opened(NamedTuple):
    """Everything `items` needs."""

    data_set: DataSet
    header: CineHeader
    frames: FrameReader
    decoder: FrameDecoder
    colouring: Colouring
    times: FrameTimes
    calibration: Calibration


class DicomSource:
    """A DICOM file with ultrasound pictures as a `Source`.

    - One frame is in memory at a time, however long the cine; frames are decoded one by one, colour is converted when
      it is asked for.
    - Time is what the file says of its frames (see `frame_times`); where it says nothing, 25 frames per second are
      assumed and a `Damage` says so. A frame that cannot be decoded is withheld and counted; its time passes.
    - ``Frame.spacing_mm`` and ``SourceInfo.region_px`` come from the ultrasound regions (see `calibration`).
    - The patient stays in the file: of all text only UIDs and codes are read. The stream is called ``us-STUDY-CINE``,
      both salted hashes (see `study`); messages call a file by a salted hash of its path, since paths hold names, too.
    - A file cut short gives its good frames, then `Damage`, then ENDED.

    Args:
        path: the file.
        realtime: play at the cine's own pace instead of as fast as it decodes.
        any_class: also read pictures that are no ultrasound.
        limits: what it may cost.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        realtime: bool = False,
        any_class: bool = False,
        limits: Limits = _DEFAULT_LIMITS,
    ) -> None:
        self.path = Path(path)
        self._label = file_label(self.path)
        self._realtime = realtime
        self._any_class = any_class
        self._limits = limits
        self._stop = threading.Event()
        self._ownership = threading.Lock()  # who closes the file: `close`, or `items` once it runs
        self._opened: _Opened | None = None
        self._iterating = False

    def open(self) -> SourceInfo:
        try:
            opened = self._open()
        except SourceError as error:
            raise type(error)(f"{self._label}: {error}") from None
        except OSError as error:
            raise SourceError(f"{self._label}: cannot be read: {error.strerror}") from None
        self._opened = opened
        elements, layout = opened.header.elements, opened.header.layout
        path = str(self.path.absolute())
        study = key("study", elements.text(tags.STUDY_INSTANCE) or path)
        cine = key("cine", elements.text(tags.SOP_INSTANCE) or path)
        name = f"us-{study}-{cine}"
        self._label = f"DICOM cine {name}"
        is_still = opened.header.frames == 1
        return SourceInfo(
            uri=f"dicom:{name}",
            name=name,
            width_px=layout.columns,
            height_px=layout.rows,
            announced_fps=1 / opened.times.step_seconds if opened.times.origin and not is_still else None,
            frame_count=opened.header.frames,
            is_live=self._realtime,
            region_px=opened.calibration.region_px,
            codec=UID(opened.header.syntax).name,
            dicom=_object_of(elements),
            lossy=opened.header.is_lossy,
        )

    def number_at(self, pts_seconds: float) -> int:
        """Of the frame at that media time, from 1 as DICOM counts, decodable or not.

        Raises `SourceError` where there is none, and before `open`.
        """
        if self._opened is None:
            raise SourceError(f"{self._label}: a file is opened before its frames are numbered")
        times, count = self._opened.times, self._opened.frames.count
        behind = bisect.bisect_left(range(count), pts_seconds, key=times)
        near = [number for number in (behind - 1, behind) if 0 <= number < count]
        nearest = min(near, key=lambda number: abs(times(number) - pts_seconds), default=None)
        if nearest is None or abs(times(nearest) - pts_seconds) > _SAME_SECONDS:
            raise SourceError(f"{self._label}: no frame of it is at {pts_seconds:g} s")
        return nearest + 1

    def items(self) -> Iterator[Item]:
        with self._ownership:
            if self._opened is None or self._iterating:
                raise SourceError(f"{self._label}: a file is opened before it is read, and read once")
            self._iterating = True
        return self._items(self._opened)

    def close(self) -> None:
        self._stop.set()
        with self._ownership:
            if self._opened is not None and not self._iterating:
                self._opened.data_set.file.close()
                self._opened = None

    def __repr__(self) -> str:
        return f"DicomSource({self._label!r}, realtime={self._realtime})"

    def _open(self) -> _Opened:
        if self.path.is_dir():
            raise SourceError("is a folder; its cines are opened one by one")
        if not self.path.exists():
            raise SourceError("there is no such file")
        if not self.path.is_file():
            raise SourceError("is not an ordinary file")
        limits = self._limits
        budget = Budget(elements=limits.max_elements, value_bytes=limits.max_header_bytes)
        data_set = open_data_set(self.path, limits, budget)
        try:
            reader = ElementReader(data_set.file, data_set.encoding, budget)
            elements = reader.read(tags.WANTED)
            header = check_header(
                elements, reader.pixels, syntax=data_set.syntax, limits=limits, any_class=self._any_class
            )
            layout = header.layout
            return _Opened(
                data_set=data_set,
                header=header,
                decoder=FrameDecoder(header),
                frames=frame_reader(data_set.file, header, size=data_set.size, limits=limits),
                colouring=Colouring.of(header),
                times=frame_times(elements),
                calibration=calibration(elements, columns=layout.columns, rows=layout.rows),
            )
        except BaseException:
            data_set.file.close()
            raise

    # Reading.

    def _items(self, opened: _Opened) -> Iterator[Item]:
        try:
            yield StateChange(SourceState.RUNNING)
            pace = Pace(self._stop) if self._realtime else None
            given = 0
            lost = _Lost(self._label)
            for number in range(opened.frames.count):
                pts_seconds = opened.times(number)
                if pace is not None:
                    pace.wait_until(pts_seconds)
                if self._stop.is_set():
                    yield StateChange(SourceState.ENDED, "closed before its end")
                    return
                try:
                    samples, photometric = opened.decoder.decode(opened.frames.read(number))
                except (SourceError, OSError) as error:
                    lost.add(number, error)
                    continue
                yield from lost.take()
                lost.last_seconds = pts_seconds
                yield Frame(
                    index=given,
                    pts_seconds=pts_seconds,
                    captured_ns=time.monotonic_ns(),
                    spacing_mm=opened.calibration.spacing_mm,
                    picture=opened.colouring.picture(samples, photometric),
                    dicom_number=number + 1,
                )
                given += 1
            yield from lost.take()
            for what in _remarks(opened):
                yield Damage(what=f"{self._label}: {what}", pts_seconds=lost.last_seconds)
            if given:
                yield StateChange(SourceState.ENDED)
            else:
                yield StateChange(SourceState.FAILED, f"not one picture of {self._label} could be decoded")
        finally:
            opened.data_set.file.close()


def _object_of(elements: Elements) -> DicomObject | None:
    """None unless all four are proper UIDs: a damaged file could hold anything there."""
    wanted = (tags.SOP_INSTANCE, tags.SOP_CLASS, tags.STUDY_INSTANCE, tags.SERIES_INSTANCE)
    uids = [elements.text(tag) or "" for tag in wanted]
    if not all(UID(uid, config.IGNORE).is_valid for uid in uids):
        return None
    instance, sop_class, study, series = uids
    return DicomObject(
        sop_instance_uid=instance, sop_class_uid=sop_class, study_instance_uid=study, series_instance_uid=series
    )


class _Lost:
    """Frames in a row that could not be decoded, told as one."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._first = 0
        self._count = 0
        self._why = ""
        self.last_seconds: float | None = None
        """Time of the newest good frame."""

    def add(self, number: int, error: Exception) -> None:
        if not self._count:
            self._first = number
            self._why = str(error) if isinstance(error, SourceError) else "cannot be read"
        self._count += 1

    def take(self) -> Iterator[Damage]:
        """What was lost since the last call, if anything; frames are numbered from 1, as DICOM does."""
        if self._count == 1:
            what = f"{self._label}: frame {self._first + 1} {self._why}"
        else:
            what = f"{self._label}: {self._count} frames from {self._first + 1} on are lost; the first {self._why}"
        if self._count:
            yield Damage(what=what, lost_packets=self._count, pts_seconds=self.last_seconds)
        self._count = 0


def _remarks(opened: _Opened) -> Iterator[str]:
    """What is wrong with the cine as a whole."""
    announced, found = opened.header.frames, opened.frames.count
    if announced is None:
        yield f"does not say how many frames it has; {found} were found"
    elif found < announced:
        why = "is cut short" if opened.frames.is_cut or opened.data_set.is_cut else "is not whole"
        yield f"{why}: it announces {announced} frames and holds {found}"
    elif found > announced:
        yield f"announces {announced} frames and holds {found}; all were read"
    if opened.times.repaired:
        yield f"{opened.times.repaired} time stamps were missing or did not rise, and were repaired"
    if not opened.times.origin and found > 1:
        yield f"does not say when its frames were taken; {DEFAULT_FPS:g} per second were assumed"
    if opened.calibration.doubt:
        yield opened.calibration.doubt
