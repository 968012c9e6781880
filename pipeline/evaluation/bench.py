# pyright: reportUnknownMemberType=false
# (PyAV's packets are generic over streams it cannot name)
"""``fetalstream bench pipeline``: this pipeline against the loop a user would write."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import msgspec
from rich.console import Group, RenderableType
from rich.table import Table

from ... import FetalStreamError
from ...sources import Frame
from ..settings import load_config

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks"
CLIP_URI = "phantom://?seed=11&seconds=20&size=1024x768&screen=1&realtime=0"
CLIP_FPS = 25


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Frames per second of one round."""

    fps: float
    baseline_fps: float
    encoder_fps: float
    shared_fps: float


class BenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the benchmark found; medians over rounds.

    Attributes:
        ratio: ours over the baseline's rate, median of the rounds' ratios.
        encoder_fraction: ours over the bare encoder's rate at the same batch, likewise.
        shared_fps: what the processor allows: cores over the processor seconds that bare decoding, preparing and
            encoding of one frame add up to. On a GPU the encoder hardly counts in it.
        shared_fraction: ours over ``shared_fps``.
        bottleneck: "encoder" where its fraction is at least 0.9, else "processor shared by decoding and encoding".
    """

    model: str
    clip: str
    frames: int
    batch_frames: int
    ratio: float
    fps: float
    baseline_fps: float
    encoder_fps: float
    encoder_fraction: float
    shared_fps: float
    shared_fraction: float
    bottleneck: str
    rounds: tuple[Rates, ...]
    hardware: dict[str, str]
    versions: dict[str, str]


def bench_pipeline(*, model: str, weights: Path | None, clip: Path | None, rounds: int) -> BenchResult:
    """Alternate the naive loop, `review` and the bare encoder, each in a process of its own.

    Raises `FetalStreamError` when one of them fails, with the last line it said.
    """
    if not (SCRIPTS / "naive_loop.py").is_file():
        raise FetalStreamError("the baseline stands in benchmarks/ of a source checkout; this installation has none")
    config = load_config("review")
    chosen = ["--model", model, *(["--weights", str(weights)] if weights else [])]
    with tempfile.TemporaryDirectory(prefix="fetalstream-bench-") as folder:
        if clip is None:
            clip = Path(folder, "phantom.mp4")
            record(CLIP_URI, clip)
        results: list[Rates] = []
        frames = 0
        for _ in range(rounds):
            baseline = _run([str(SCRIPTS / "naive_loop.py"), str(clip), *chosen])
            _run(["-m", "fetalstream", "review", str(clip), "--out", folder, *chosen], is_json=False)
            summary = json.loads(Path(folder, clip.stem, "summary.json").read_text(encoding="utf-8"))
            batch = ["--batch", str(config.flow.batch_frames)]
            encoder = _run([str(SCRIPTS / "bare_encoder.py"), *chosen, *batch])
            reader = _run([str(SCRIPTS / "bare_reader.py"), str(clip), *chosen])
            cpu_seconds = sum(part["cpu_seconds"] / part["frames"] for part in (reader, encoder))
            frames = summary["frames_embedded"]
            results.append(
                Rates(
                    fps=frames / summary["wall_seconds"],
                    baseline_fps=baseline["frames"] / baseline["seconds"],
                    encoder_fps=encoder["frames"] / encoder["seconds"],
                    shared_fps=(os.cpu_count() or 1) / cpu_seconds,
                )
            )
    fraction = statistics.median(rates.fps / rates.encoder_fps for rates in results)
    return BenchResult(
        model=model,
        clip=clip.name,
        frames=frames,
        batch_frames=config.flow.batch_frames,
        ratio=round(statistics.median(rates.fps / rates.baseline_fps for rates in results), 2),
        fps=round(statistics.median(rates.fps for rates in results), 1),
        baseline_fps=round(statistics.median(rates.baseline_fps for rates in results), 1),
        encoder_fps=round(statistics.median(rates.encoder_fps for rates in results), 1),
        encoder_fraction=round(fraction, 2),
        shared_fps=round(statistics.median(rates.shared_fps for rates in results), 1),
        shared_fraction=round(statistics.median(rates.fps / rates.shared_fps for rates in results), 2),
        bottleneck="encoder" if fraction >= 0.9 else "processor shared by decoding and encoding",
        rounds=tuple(results),
        hardware={"processor": processor_name(), "cores": str(os.cpu_count()), "machine": platform.machine()},
        versions={
            name: version(name) for name in ("torch", "open_clip_torch", "av", "opencv-python-headless", "numpy")
        },
    )


def record(uri: str, path: Path) -> None:
    """Write what a source shows to an H.264 file, as a device would store it."""
    from ..assemble import opened_source

    with opened_source(uri, realtime=False) as (source, info), av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=CLIP_FPS)
        stream.width, stream.height, stream.pix_fmt = info.width_px, info.height_px, "yuv420p"
        for item in source.items():
            if isinstance(item, Frame):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(item.picture.rgb, format="rgb24")))
        container.mux(stream.encode())


def render(result: BenchResult) -> RenderableType:
    """For a terminal."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("")
    table.add_column("frames/s", justify="right")
    table.add_row("the loop a user would write", f"{result.baseline_fps:.1f}")
    table.add_row("fetalstream review", f"{result.fps:.1f}")
    table.add_row(f"bare encoder, batch {result.batch_frames}", f"{result.encoder_fps:.1f}")
    table.add_row("what the processor allows, decoding included", f"{result.shared_fps:.1f}")
    return Group(
        table,
        f"{result.ratio:.2f} x the loop; {result.encoder_fraction:.0%} of the bare encoder, "
        f"{result.shared_fraction:.0%} of what the processor allows; "
        f"bottleneck: {result.bottleneck}",
        f"{result.model}, {result.clip}, {result.frames} frames, median of {len(result.rounds)} rounds; "
        f"{result.hardware['processor']}, {result.hardware['cores']} cores, torch {result.versions['torch']}",
    )


def _run(arguments: list[str], *, is_json: bool = True) -> dict[str, Any]:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise FetalStreamError(f"{' '.join(arguments)} failed: {said[-1] if said else done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1]) if is_json else {}


def processor_name() -> str:
    """As the kernel tells it, where it does."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
