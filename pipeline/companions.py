"""Which companions a stream has: one line each."""

from collections.abc import Sequence

from ..models.encoder import Model
from ..sources import SourceInfo
from .capture.build import capture_companion
from .companion import Companion
from .config import Config
from .exam.age import age_companion
from .exam.checklist import checklist_companion
from .exam.quality_watch import QualityWatch
from .heart.companion import heart_companion
from .planes.part_watch import part_watch
from .planes.tracking import judge_for
from .recorder import Recorder


def companions_for(
    config: Config, *, model: Model, info: SourceInfo, recorder: Recorder, labels: Sequence[str]
) -> list[Companion]:
    """Fresh ones for one stream, in the order in which they speak."""
    companions: list[Companion] = []
    if (judge := judge_for(config, labels)) is not None:
        companions.append(QualityWatch(judge, hold_seconds=config.quality.hold_seconds, recorder=recorder))
    if (parts := part_watch(labels, recorder=recorder, max_gap_seconds=config.smoothing.max_gap_seconds)) is not None:
        companions.append(parts)
    if config.protocol is not None:
        companions.append(checklist_companion(config.protocol, labels=labels, judge=judge, recorder=recorder))
    if config.age.enabled:
        companions.append(age_companion(config, model=model, recorder=recorder, labels=labels))
    if config.chd.enabled:
        companions.append(heart_companion(config, model=model, recorder=recorder, labels=labels))
    if config.capture.folder is not None:
        companions.append(
            capture_companion(config, config.capture.folder, model=model, info=info, recorder=recorder, labels=labels)
        )
    return companions
