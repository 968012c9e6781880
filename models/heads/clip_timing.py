"""How a clip is cut from a cine, in media time: a head reads clips of the timing it was trained on and of no other."""

from dataclasses import dataclass
from math import isfinite

from ..encoder import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipTiming:
    """Sixteen frames over 1.28 s see two to three beats of a fetal heart (110 to 160 per minute).

    Attributes:
        frames: of a clip.
        seconds: of media time that a clip stands for; its frames lie ``seconds / frames`` apart.
        stride_seconds: from the start of one clip to that of the next.
    """

    frames: int = 16
    seconds: float = 1.28
    stride_seconds: float = 0.32

    def __post_init__(self) -> None:
        if not 4 <= self.frames <= 256:
            raise ModelError(f"a clip has 4 to 256 frames, not {self.frames}")
        if not (isfinite(self.seconds) and 0.1 <= self.seconds <= 60):
            raise ModelError(f"a clip lasts 0.1 to 60 s, not {self.seconds}")
        if not (isfinite(self.stride_seconds) and 0.01 <= self.stride_seconds <= 60):
            raise ModelError(f"clips begin 0.01 to 60 s apart, not {self.stride_seconds}")

    @property
    def period_seconds(self) -> float:
        """From one frame of a clip to the next."""
        return self.seconds / self.frames
