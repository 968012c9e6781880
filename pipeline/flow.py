"""How frames wait and gather on their way through a run."""

from dataclasses import dataclass

from .channel import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How frames queue and batch; see `FlowSection` in the configuration."""

    policy: Policy
    queue_frames: int
    batch_frames: int
    batch_wait_seconds: float | None
    cpu_threads: int | None = None
