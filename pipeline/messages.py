"""What travels between the stages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..sinks import Operation
from ..sources import Damage, Frame, Pixels, StateChange
from .signal.gates import GateState, Verdict
from .signal.looks import Looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A frame that was looked at and is worth a model's time: ``pixels`` (h w) or (h w 3) uint8, and its measures."""

    frame: Frame
    pixels: Pixels
    looks: Looks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A frame on its way into the encoder: its times and measures, and the model's pixels (c s s) uint8.

    ``spacing_mm`` is millimetres per pixel of the frame as it came, ``width_px`` by ``height_px``; ``looks`` is None
    where nobody measures.
    """

    index: int
    pts_seconds: float
    captured_ns: int
    epoch: int
    pixels: Tensor
    width_px: int
    height_px: int
    spacing_mm: float | None
    looks: Looks | None = None

    @classmethod
    def of(cls, frame: Frame, pixels: Tensor, looks: Looks | None = None) -> "Prepared":
        """Keep a frame's times and measures and let go of its picture."""
        return cls(
            index=frame.index,
            pts_seconds=frame.pts_seconds,
            captured_ns=frame.captured_ns,
            epoch=frame.epoch,
            pixels=pixels,
            width_px=frame.picture.width_px,
            height_px=frame.picture.height_px,
            spacing_mm=frame.spacing_mm,
            looks=looks,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A frame that has been seen.

    Attributes:
        scores: (n) float32 in [0, 1], in the order of the head's labels.
        embedding: (d) float32 as the encoder gives it, not normalised.
        width_px, height_px, spacing_mm, looks: see `Prepared`.
    """

    index: int
    pts_seconds: float
    captured_ns: int
    epoch: int
    scores: NDArray[np.float32]
    embedding: NDArray[np.float32] | None = None
    width_px: int = 0
    height_px: int = 0
    spacing_mm: float | None = None
    looks: Looks | None = None

    @classmethod
    def of(
        cls, prepared: Prepared, scores: NDArray[np.float32], embedding: NDArray[np.float32] | None = None
    ) -> "Scored":
        """Keep a frame's times and measures and let go of its pixels."""
        return cls(
            index=prepared.index,
            pts_seconds=prepared.pts_seconds,
            captured_ns=prepared.captured_ns,
            epoch=prepared.epoch,
            scores=scores,
            embedding=embedding,
            width_px=prepared.width_px,
            height_px=prepared.height_px,
            spacing_mm=prepared.spacing_mm,
            looks=prepared.looks,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalChange:
    """The gate has opened or closed with a frame; ``reason`` is empty when it has opened."""

    state: GateState
    reason: str
    pts_seconds: float
    captured_ns: int
    epoch: int

    @classmethod
    def of(cls, frame: Frame, verdict: Verdict) -> "SignalChange":
        """At this frame."""
        return cls(
            state=verdict.state,
            reason=verdict.reason,
            pts_seconds=frame.pts_seconds,
            captured_ns=frame.captured_ns,
            epoch=frame.epoch,
        )


@dataclass(frozen=True, slots=True)
class Nudge:
    """Nothing has happened in the stream, but a companion has something to say (a capture is whole on the disk)."""


Notice = StateChange | Damage | SignalChange | Operation | Nudge
"""Passes every stage in its place between the frames and is never dropped."""
