"""From configuration to a companion that captures."""

from collections.abc import Sequence
from pathlib import Path

from ...models.encoder import Model
from ...sinks.capture_writer import CaptureWriter
from ...sinks.captures import CaptureFolder
from ...sinks.sidecar import Sidecar
from ...sources import SourceInfo
from ..config import Config
from ..exam.protocol import ProtocolItem, load_protocol
from ..exam.quality import Judge
from ..planes.tracking import judge_for
from ..recorder import Recorder
from .choice import Album, Kept
from .companion import CaptureCompanion, CaptureRules
from .desk import CaptureDesk
from .maker import CaptureMaker
from .ring import CaptureRing

MEBIBYTE = 1 << 20


def capture_companion(
    config: Config, root: Path, *, model: Model, info: SourceInfo, recorder: Recorder, labels: Sequence[str]
) -> CaptureCompanion:
    """The one that keeps captures in ``root``, each stream's in a folder of its own.

    A live stream goes on from what is there under its name; a review begins anew. Raises `SinkError` when the folder
    cannot be used.
    """
    section = config.capture
    folder = CaptureFolder(root, recorder.stream)
    if not recorder.stamped:
        folder.clear()
    half_bytes = section.memory_mib * MEBIBYTE // 2
    items = () if config.protocol is None else load_protocol(config.protocol).items
    album = Album(_wanted(items, labels), otherwise=section.per_plane)
    ring = CaptureRing(half_bytes)
    desk = CaptureDesk(
        ring=ring,
        folder=folder,
        writer=CaptureWriter(folder, most_bytes=half_bytes),
        album=album,
        maker=CaptureMaker(
            stream=recorder.stream,
            info=info,
            model=model.encoder.identity,
            config_sha256=config.sha256,
            stamped=recorder.stamped,
        ),
        recorder=recorder,
        pre_seconds=section.pre_seconds if section.clips else None,
        is_live=recorder.stamped,
    )
    if recorder.stamped:
        for sidecar in folder.existing():
            album.add(_kept(sidecar))
            desk.know(sidecar.capture_id, sidecar.plane, sidecar.pts_seconds)
    return CaptureCompanion(
        labels=labels,
        rules=CaptureRules(
            pre_seconds=section.pre_seconds,
            post_seconds=section.post_seconds,
            min_quality=section.min_quality,
            doubt_seconds=config.signal.enter_seconds if config.signal.gates else 0.0,
            asked=_asked(items, labels),
            max_gap_seconds=config.smoothing.max_gap_seconds,
        ),
        judge=judge_for(config, labels) or Judge(labels),
        ring=ring,
        desk=desk,
    )


def _wanted(items: Sequence[ProtocolItem], labels: Sequence[str]) -> dict[str, int]:
    """How many captures of each plane a protocol wants, of those it names."""
    counts = {label: sum(item.wanted for item in items if item.counts(label)) for label in labels}
    return {label: count for label, count in counts.items() if count}


def _asked(items: Sequence[ProtocolItem], labels: Sequence[str]) -> dict[str, frozenset[str]]:
    """Which items of quality a protocol asks of each plane, where it does not ask for all."""
    asked: dict[str, frozenset[str]] = {}
    for label in labels:
        lists = [item.quality for item in items if item.counts(label)]
        if lists and None not in lists:
            asked[label] = frozenset(name for names in lists for name in names or ())
    return asked


def _kept(sidecar: Sidecar) -> Kept:
    """A capture of an earlier run."""
    return Kept(
        capture_id=sidecar.capture_id,
        plane=sidecar.plane,
        visit=-1,
        merit=sidecar.score * sidecar.quality,
        cause=sidecar.cause,
        is_fixed=sidecar.kept,
    )
