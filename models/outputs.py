"""What models give: the types that leave this pillar."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .planes import BACKGROUND


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """Which weights spoke: goes into every result.

    Attributes:
        name: kind of model, such as "fetalclip" or "compact".
        sha256: hex digest of the weight file's bytes.
        version: the architecture or recipe version.
    """

    name: str
    sha256: str
    version: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneScores:
    """Per-frame probabilities over planes and background.

    Attributes:
        labels: names of the columns; the first is "background", each stands once.
        scores: (b n) float32 in [0, 1], rows sum to 1.
    """

    labels: tuple[str, ...]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        if not self.labels or self.labels[0] != BACKGROUND or len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels start with {BACKGROUND!r} and stand once each, not {self.labels}")
        if self.scores.ndim != 2 or self.scores.shape[1] != len(self.labels):
            raise ValueError(f"scores are (b {len(self.labels)}), not of shape {self.scores.shape}")
        if self.scores.dtype != np.float32:
            raise TypeError(f"scores are float32, not {self.scores.dtype}")

    def __len__(self) -> int:
        return self.scores.shape[0]
