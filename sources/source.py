"""The seam between where pictures come from and everything else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from .. import FetalStreamError
from .frame import Item


class SourceError(FetalStreamError):
    """A source cannot be opened or read; the message names it and says why."""


_LOSSY_CODECS = frozenset(
    (
        *("av1", "dvvideo", "h264", "hevc", "libdav1d", "mjpeg", "mjpg", "mpeg1video", "mpeg2video", "mpeg4"),
        *("msmpeg4v3", "prores", "theora", "vp8", "vp9", "wmv2", "wmv3"),
    )
)
"""By FFmpeg's name or a device's fourcc, in lower case. Some can do without loss; hardly anybody has them do so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomObject:
    """Which DICOM object a source reads, so that results can point back into it.

    Attributes:
        sop_instance_uid, sop_class_uid, study_instance_uid, series_instance_uid: as the object says.
    """

    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What a source says of itself once it is open.

    Attributes:
        uri: how a user would name it, without secrets and without patient data.
        name: short label, safe as a file name.
        width_px, height_px: size of the pictures, 0 when only the frames tell.
        announced_fps: what the container or device claims; for display only, never for deciding what to drop.
        frame_count: frames the container announces, None when it does not (for progress bars only).
        is_live: frames pass whether anyone looks or not.
        region_px: the box (left, top, right, bottom; half-open) the device says the ultrasound is in, None when it
            does not say.
        codec: how the pictures are compressed, by FFmpeg's name ("h264") or DICOM's; empty when nobody knows.
        dicom: the DICOM object that is read; None for other sources, and for an object without proper UIDs. It leads to
            a patient for whoever has the archive: no event, log or message holds it.
        lossy: the pictures were compressed with loss, now or before; None where the codec alone can tell.
    """

    uri: str
    name: str
    width_px: int = 0
    height_px: int = 0
    announced_fps: float | None = None
    frame_count: int | None = None
    is_live: bool = False
    region_px: tuple[int, int, int, int] | None = None
    codec: str = ""
    dicom: DicomObject | None = field(default=None, repr=False)
    lossy: bool | None = None

    @property
    def is_lossy(self) -> bool:
        """The pictures were compressed with loss, as far as anybody knows."""
        return self.codec.lower() in _LOSSY_CODECS if self.lossy is None else self.lossy


class Source(Protocol):
    """A stream of pictures.

    Contract: ``open`` once, then iterate ``items`` once, then ``close`` (any number of times, from any thread, also
    while ``items`` blocks: the iteration then ends soon). ``open`` raises `SourceError` when nothing can be read.
    ``items`` may block between frames of a live stream; it starts with RUNNING and its last item is ENDED or FAILED
    (after which nothing follows); it raises nothing for damage in the stream, which it reports as items. Whoever opened
    the source closes it. Iterating converts no pixels.
    """

    def open(self) -> SourceInfo: ...

    def items(self) -> Iterator[Item]: ...

    def close(self) -> None: ...
