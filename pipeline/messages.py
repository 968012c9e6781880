"""What travels between the stages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..sources import Damage, Frame, StateChange
from .gates import GateState, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A frame on its way into the encoder; its pixels are already the model's (c s s) uint8."""

    index: int
    pts_seconds: float
    captured_ns: int
    epoch: int
    pixels: Tensor

    @classmethod
    def of(cls, frame: Frame, pixels: Tensor) -> "Prepared":
        """Keep a frame's times and let go of its picture."""
        return cls(
            index=frame.index,
            pts_seconds=frame.pts_seconds,
            captured_ns=frame.captured_ns,
            epoch=frame.epoch,
            pixels=pixels,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A frame that has been seen: ``scores`` (n) float32 in [0, 1], in the order of the head's labels."""

    index: int
    pts_seconds: float
    captured_ns: int
    epoch: int
    scores: NDArray[np.float32]

    @classmethod
    def of(cls, prepared: Prepared, scores: NDArray[np.float32]) -> "Scored":
        """Keep a frame's times and let go of its pixels."""
        return cls(
            index=prepared.index,
            pts_seconds=prepared.pts_seconds,
            captured_ns=prepared.captured_ns,
            epoch=prepared.epoch,
            scores=scores,
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


Notice = StateChange | Damage | SignalChange
"""Passes every stage in its place between the frames and is never dropped."""
