"""The model: whether it loads, which weights speak, and whether it keeps up."""

import math
import statistics
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ... import FetalStreamError
from ...models.encoder import Model
from ..assemble import load_model
from ..config import AdaptiveSection, Config, FixedRateSection, SamplingSection
from .finding import Finding, ok, problem, warning
from .heads import look_at_heads

ASSUMED_FPS = 25.0
ASSUMED_SIZE_PX = (1024, 768)
_MOST_RUNS, _MOST_SECONDS = 25, 2.0
_DISTURBED = 2.0
"""A median so many times the best is not the model's fault."""


def look_at_model(
    config: Config, *, fps: float | None = None, size_px: tuple[int, int] | None = None
) -> Iterator[Finding]:
    """Loads it and lets it look at pictures one by one, as a live run does; then what follows its planes.

    Args:
        config: names model, weights, head and device.
        fps: rate of the source; None assumes 25.
        size_px: (width, height) of its pictures; None assumes 1024 x 768.
    """
    began = time.perf_counter()
    try:
        model = load_model(config)
    except FetalStreamError as error:
        yield problem("model", str(error), todo=_todo(config))
        return
    load_seconds = time.perf_counter() - began
    identity = model.encoder.identity
    frame_ms, best_ms = frame_times_ms(model, size_px or ASSUMED_SIZE_PX, threads=config.flow.cpu_threads)
    source_fps = fps or ASSUMED_FPS
    wanted_fps = min(source_fps, _most_fps(config.sampling))
    interval_ms = 1000 / wanted_fps
    assumed = "" if fps else " (assumed)"
    disturbed = f" ({best_ms:.1f} when nothing else ran)" if frame_ms > _DISTURBED * best_ms else ""
    what = (
        f"{identity.name} {identity.sha256[:12]} loads in {load_seconds:.1f} s; {frame_ms:.1f} ms per frame"
        f"{disturbed}, and {interval_ms:.1f} ms between frames at {wanted_fps:.4g} frames/s{assumed}"
    )
    facts = {
        "name": identity.name,
        "sha256": identity.sha256,
        "labels": list(model.planes.labels),
        "load_seconds": round(load_seconds, 2),
        "frame_ms": round(frame_ms, 2),
        "best_frame_ms": round(best_ms, 2),
        "interval_ms": round(interval_ms, 2),
    }
    if frame_ms / 1000 > config.smoothing.max_gap_seconds:
        slower = f"more than the {config.smoothing.max_gap_seconds:g} s that are bridged, so no plane could ever enter"
        yield problem("model", f"{what}; {slower}", todo=_todo_slow(config, frame_ms), **facts)
    elif frame_ms > interval_ms:
        looked_at = f"about {1000 / frame_ms:.1f} frames/s will be looked at, the others dropped and counted"
        yield warning("model", f"{what}: {looked_at}", todo=_todo_slow(config, frame_ms), **facts)
    else:
        yield ok("model", what, **facts)
    yield from look_at_heads(config, model)


class FrameTimes(NamedTuple):
    """How long one frame takes: mostly, and when nothing got in the way."""

    median_ms: float
    best_ms: float


def frame_times_ms(model: Model, size_px: tuple[int, int], *, threads: int | None = None) -> FrameTimes:
    """Over some runs of preparing, encoding and scoring one noisy grey picture of ``size_px``."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    width_px, height_px = size_px
    picture = np.random.default_rng(1).integers(0, 256, (height_px, width_px), dtype=np.uint8)
    runs_ms: list[float] = []
    until = time.perf_counter() + _MOST_SECONDS
    while len(runs_ms) < 3 or (len(runs_ms) < _MOST_RUNS and time.perf_counter() < until):
        began = time.perf_counter()
        model.planes(model.encoder.encode([model.encoder.prepare(picture)]))
        runs_ms.append((time.perf_counter() - began) * 1000)
    return FrameTimes(statistics.median(runs_ms[1:]), min(runs_ms))


def _most_fps(sampling: SamplingSection) -> float:
    """Frames per second that sampling lets through at most."""
    if isinstance(sampling, FixedRateSection):
        return sampling.rate_fps
    return sampling.max_fps if isinstance(sampling, AdaptiveSection) else math.inf


def _todo_slow(config: Config, frame_ms: float) -> str:
    smaller = "" if config.model.kind == "compact" else "the smaller model (--model compact), "
    rate_fps = max(1, int(900 / frame_ms))
    return f"{smaller}a GPU, or a fixed rate: --set 'sampling={{kind: fixed_rate, rate_fps: {rate_fps}}}'"


def _todo(config: Config) -> str:
    if config.model.weights is not None:
        return "name a file this model was made for (fetalstream weights verify FILE tells which)"
    return "fetalstream weights list shows what is here; --model compact needs no file"
