"""What lies beside a captured picture: ``NAME.json`` tells where ``NAME.png`` (and ``NAME.mp4``) came from.

A sidecar names no patient. Of a DICOM source it holds the UIDs, without which nothing could point back into the cine;
whoever has the archive can look them up there, so sidecars of such sources belong where the archive's own data may lie.
"""

import math
from pathlib import Path

import msgspec

from .findings import QualityItem
from .record import ModelRef
from .sink import SinkError

SIDECAR_FORMAT = 1
_LARGEST_BYTES = 1 << 20


class SourceObject(msgspec.Struct, frozen=True, kw_only=True):
    """The DICOM object a capture is a frame of.

    Attributes:
        sop_instance_uid, sop_class_uid, study_instance_uid, series_instance_uid: as the object says; the last two are
            None where it does not.
        frame_number: of the still, from 1, as DICOM counts; it is not ``frame_index + 1`` once a frame before it could
            not be decoded. None when nobody knows.
    """

    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str | None = None
    series_instance_uid: str | None = None
    frame_number: int | None = None


class ClipSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The clip beside a still.

    Attributes:
        start_seconds, end_seconds: media time of its first frame and of the end of its last one.
        fps: frames a second it plays at.
        frames: how many it holds.
        still_number: which of them the still is, from 1; None when nobody knows.
    """

    start_seconds: float
    end_seconds: float
    fps: float
    frames: int
    still_number: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"fps must be above 0, not {self.fps}")
        if self.frames < 1:
            raise ValueError(f"frames must be at least 1, not {self.frames}")
        if self.still_number is not None and not 1 <= self.still_number <= self.frames:
            raise ValueError(f"still_number must be one of the {self.frames} frames, not {self.still_number}")


class Sidecar(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one capture.

    Attributes:
        capture_id: its identity; also the stem of its files.
        plane: what it shows.
        score, quality: in [0, 1].
        pts_seconds: media time of the still.
        frame_index: its running number in the stream, from 0 (`Frame.index`).
        stream: identity of the stream.
        source: what the stream was made of, without secrets (`SourceInfo.uri`).
        model: the weights that spoke.
        config_sha256: names the whole configuration.
        software: name and version of the program.
        masked: everything outside the ultrasound fan is black in still and clip, so that no burned-in text is left.
        wall_time: when the picture was captured, UTC, ISO 8601; empty of a review, whose files can be repeated byte for
            byte.
        source_dicom: the object it is a frame of; None where the source was none.
        spacing_mm: millimetres per pixel of still and clip, both ways; None when unknown.
        clip: None where there is none.
        lossy: the pictures of the source had been compressed with loss, as far as anybody knows.
        cause: "auto", "operator" or "freeze".
        quality_items: what is good and what is not about the still.
        kept: the operator wants it, nothing replaces it.
        replaces: identity of the capture it took the place of; else empty.
        research_use_only: always true: no capture is for diagnosis.
        format: of this record.
    """

    capture_id: str
    plane: str
    score: float
    quality: float
    pts_seconds: float
    frame_index: int
    stream: str
    source: str
    model: ModelRef
    config_sha256: str
    software: str
    masked: bool
    wall_time: str
    source_dicom: SourceObject | None = None
    spacing_mm: float | None = None
    clip: ClipSpan | None = None
    lossy: bool = False
    cause: str = "auto"
    quality_items: tuple[QualityItem, ...] = ()
    kept: bool = False
    replaces: str = ""
    research_use_only: bool = True
    format: int = SIDECAR_FORMAT

    def __post_init__(self) -> None:
        for name, value in (("score", self.score), ("quality", self.quality)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be in [0, 1], not {value}")
        if not math.isfinite(self.pts_seconds):
            raise ValueError(f"pts_seconds must be finite, not {self.pts_seconds}")
        if self.frame_index < 0:
            raise ValueError(f"frame_index starts at 0, not {self.frame_index}")
        if self.spacing_mm is not None and not 0 < self.spacing_mm < math.inf:
            raise ValueError(f"spacing_mm must be above 0, not {self.spacing_mm}")


def sidecar_text(sidecar: Sidecar) -> str:
    """The record as a file: JSON, indented, one newline at its end."""
    return msgspec.json.format(msgspec.json.encode(sidecar), indent=2).decode() + "\n"


def read_sidecar(path: Path) -> Sidecar:
    """Raises `SinkError`, naming the file, for what is no sidecar of a format this program knows."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise SinkError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST_BYTES:
        raise SinkError(f"{path}: is larger than {_LARGEST_BYTES} bytes, no sidecar of a capture")
    try:
        sidecar = msgspec.json.decode(data, type=Sidecar)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SinkError(f"{path}: is no sidecar of a capture: {error}") from None
    if sidecar.format != SIDECAR_FORMAT:
        raise SinkError(f"{path}: is of format {sidecar.format}; this program knows format {SIDECAR_FORMAT}")
    return sidecar
