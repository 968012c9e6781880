"""Which companions a stream has: one line each."""

from collections.abc import Sequence

from ..models.encoder import Model
from ..sources import SourceInfo
from .companion import Companion
from .config import Config
from .recorder import Recorder


def companions_for(
    config: Config, *, model: Model, info: SourceInfo, recorder: Recorder, labels: Sequence[str]
) -> list[Companion]:
    """Fresh ones for one stream, in the order in which they speak."""
    del config, model, info, recorder, labels
    return []
