"""From a chosen frame to what is written: its picture, the clip around it, and where it all came from."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ... import __version__
from ...models.outputs import ModelIdentity
from ...sinks import ModelRef
from ...sinks.captures import Capture
from ...sinks.sidecar import ClipSpan, Sidecar, SourceObject
from ...sinks.stills import Still
from ...sources import SourceInfo
from .choice import Contender

SECONDS_DIGITS, SCORE_DIGITS = 6, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureMaker:
    """Knows what all captures of a stream have in common.

    Attributes:
        stream: its identity.
        info: what it is made of.
        model, config_sha256: who spoke, under which configuration.
        stamped: whether captures say when they were made; those of a review do not, so that they can be repeated.
    """

    stream: str
    info: SourceInfo
    model: ModelIdentity
    config_sha256: str
    stamped: bool

    def make(
        self,
        contender: Contender,
        *,
        capture_id: str,
        plane: str,
        cause: str,
        still: Still,
        clip: Sequence[Still],
        replaces: str,
    ) -> Capture:
        """A capture to be written; a clip of a single frame is none."""
        clip = clip if len(clip) > 1 else ()
        identity = self.model
        sidecar = Sidecar(
            capture_id=capture_id,
            plane=plane,
            score=round(contender.confidence, SCORE_DIGITS),
            quality=round(contender.quality, SCORE_DIGITS),
            pts_seconds=round(contender.pts_seconds, SECONDS_DIGITS),
            frame_index=contender.frame_index,
            stream=self.stream,
            source=self.info.uri,
            model=ModelRef(name=identity.name, sha256=identity.sha256, version=identity.version),
            config_sha256=self.config_sha256,
            software=f"fetalstream {__version__}",
            masked=True,
            wall_time=self._wall_time(still),
            source_dicom=self._object(still),
            spacing_mm=still.spacing_mm,
            clip=_span(clip, still) if clip else None,
            lossy=self.info.is_lossy,
            cause=cause,
            quality_items=contender.items,
            kept=cause == "operator",
            replaces=replaces,
        )
        return Capture(sidecar=sidecar, still=still, clip=tuple(clip))

    def _object(self, still: Still) -> SourceObject | None:
        if (dicom := self.info.dicom) is None:
            return None
        return SourceObject(
            sop_instance_uid=dicom.sop_instance_uid,
            sop_class_uid=dicom.sop_class_uid,
            study_instance_uid=dicom.study_instance_uid,
            series_instance_uid=dicom.series_instance_uid,
            frame_number=still.dicom_number,
        )

    def _wall_time(self, still: Still) -> str:
        if not self.stamped:
            return ""
        wall_ns = time.time_ns() if still.wall_ns is None else still.wall_ns
        return datetime.fromtimestamp(wall_ns / 1e9, UTC).isoformat(timespec="milliseconds")


def _span(clip: Sequence[Still], still: Still) -> ClipSpan:
    """What ``clip`` (two frames or more) covers; its last frame lasts as long as the others do on average."""
    start_seconds, last_seconds = clip[0].pts_seconds, clip[-1].pts_seconds
    frame_seconds = (last_seconds - start_seconds) / (len(clip) - 1)
    numbers = [number for number, one in enumerate(clip, start=1) if one is still]
    return ClipSpan(
        start_seconds=round(start_seconds, SECONDS_DIGITS),
        end_seconds=round(last_seconds + frame_seconds, SECONDS_DIGITS),
        fps=round(1 / frame_seconds, 3),
        frames=len(clip),
        still_number=numbers[0] if numbers else None,
    )
