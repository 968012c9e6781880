"""``fetalstream bench live``: how long after its capture a frame's result is told, with everything switched on."""

import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table

from ..assemble import build_run, load_model, opened_sinks, opened_source
from ..doctor.model import frame_times_ms
from ..settings import load_config
from .bench import processor_name, record

SCAN_URI = "phantom://?seed=7&seconds={seconds:g}&screen=1&realtime=0"
STAGES = {
    "queue": "from capture until it is looked at",
    "look": "fan, gates, quality, captures' memory",
    "prepare": "pad, resize",
    "encode": "the model",
    "tell": "planes over time, checklist, events to store, file and bus",
}


class LiveResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found.

    Attributes:
        clip: played at its own rate, as a live source.
        frames_read, frames_embedded, frames_dropped: counts; dropped by reason.
        latency_p50_ms, latency_p95_ms: capture to result, over the last 512 results.
        bare_ms: preparing, encoding and scoring one frame, with nothing else going on.
        ratio: ``latency_p50_ms`` over ``bare_ms``.
        stage_ms: mean time in each of `STAGES`.
    """

    model: str
    clip: str
    frames_read: int
    frames_embedded: int
    frames_dropped: dict[str, int]
    latency_p50_ms: float
    latency_p95_ms: float
    bare_ms: float
    ratio: float
    stage_ms: dict[str, float]
    hardware: dict[str, str]


def bench_live(*, flags: dict[str, Any], clip: Path | None = None, seconds: float = 20.0) -> LiveResult:
    """Play a clip as a live source to the demo's configuration: captures, heart head, checklist, store, file, bus.

    Args:
        flags: of the model, a partial configuration tree.
        clip: a video; None records a phantom of ``seconds`` first, so that simulating it is not measured.

    Raises:
        FetalStreamError: the clip, the weights or a folder cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="fetalstream-bench-") as folder:
        if clip is None:
            clip = Path(folder, "phantom.mp4")
            record(SCAN_URI.format(seconds=seconds), clip)
        sinks = [
            {"kind": "store", "path": f"{folder}/events.db"},
            {"kind": "jsonl", "path": f"{folder}/events.jsonl", "append": False},
            {"kind": "zmq", "endpoint": f"ipc://{folder}/bus"},
        ]
        config = load_config("demo", flags={"sinks": sinks, "capture": {"folder": f"{folder}/captures"}} | flags)
        model = load_model(config)
        with (
            opened_sinks(config.sinks) as opened,
            opened_source(str(clip), realtime=True) as (source, info),
        ):
            bare = frame_times_ms(model, (info.width_px, info.height_px), threads=config.flow.cpu_threads)
            run = build_run(config, source=source, info=info, model=model, sinks=opened, stream="bench", stamped=True)
            ended = run.run().ended
        counts = run.telemetry.snapshot()
        spent = run.telemetry.timings.histograms()
    p50_ms, p95_ms = counts.latency_p50_ms or 0.0, counts.latency_p95_ms or 0.0
    return LiveResult(
        model=model.encoder.identity.name,
        clip=clip.name,
        frames_read=ended.frames_read,
        frames_embedded=ended.frames_embedded,
        frames_dropped=ended.frames_dropped,
        latency_p50_ms=round(p50_ms, 1),
        latency_p95_ms=round(p95_ms, 1),
        bare_ms=round(bare.median_ms, 1),
        ratio=round(p50_ms / bare.median_ms, 2),
        stage_ms={
            name: round(1000 * spent[name].sum_seconds / sum(spent[name].counts), 2) for name in STAGES if name in spent
        },
        hardware={"processor": processor_name(), "cores": str(os.cpu_count()), "machine": platform.machine()},
    )


def render_live(result: LiveResult) -> RenderableType:
    """For a terminal."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("")
    table.add_column("ms (mean)", justify="right")
    table.add_column("")
    for name, mean_ms in result.stage_ms.items():
        table.add_row(name, f"{mean_ms:.1f}", STAGES[name], style="dim")
    dropped = sum(result.frames_dropped.values())
    return Group(
        table,
        f"capture to result {result.latency_p50_ms:.0f} ms (median), {result.latency_p95_ms:.0f} ms (95 %): "
        f"{result.ratio:.1f} x the bare model's {result.bare_ms:.0f} ms",
        f"{result.model}, {result.clip}, {result.frames_read} frames, {dropped} dropped; "
        f"{result.hardware['processor']}, {result.hardware['cores']} cores",
    )
