"""How fast each image encoder is here, all in one run: ``python benchmarks/encoders.py [--json]``.

FetalCLIP, MobileFetalCLIP and SonoNet16 stand with random weights of their full size unless files are given: their
speed is that of the real ones, their answers mean nothing, and none are looked at. The models take turns within each
round, so that a slow minute of the machine is shared by all.

    python benchmarks/encoders.py --threads 2 --rounds 5 --json
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from fetalstream.models.compact import load_compact
from fetalstream.models.device import pick_device, pick_dtype
from fetalstream.models.encoder import Encoder
from fetalstream.models.fetalclip import FETALCLIP
from fetalstream.models.mobile import MOBILE
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.sononet import SonoNet16, SonoNetEncoder, load_sononet
from fetalstream.models.towers import Architecture, ClipEncoder, load_towers

NAMES = ("compact", "sononet", "mobile", "fetalclip")
BATCH = 8
PICTURE_PX = (600, 800)
RANDOM = ModelIdentity(name="random", sha256="0" * 64)


def random_clip(architecture: Architecture, device: str) -> ClipEncoder:
    """An image tower of the full size; small random weights keep numbers away from overflow and from zero."""
    visual = cast("nn.Module", architecture.build().visual).to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for name, tensor in visual.state_dict().items():
        if tensor.is_floating_point():
            scale = name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight"))
            tensor.fill_(1.0) if scale else tensor.normal_(0, 0.02, generator=generator)
        else:
            tensor.zero_()
    visual = architecture.finish(visual.eval().requires_grad_(requires_grad=False))
    where = pick_device(device)
    return ClipEncoder(visual, identity=RANDOM, spec=architecture.spec, device=where, dtype=pick_dtype("auto", where))


def load(name: str, device: str, weights: Path | None) -> Encoder:
    """The encoder as the product runs it, with a file's weights or random ones."""
    if name == "compact":
        return load_compact(weights, device=device).encoder
    if name == "sononet":
        if weights:
            return load_sononet(weights, device=device).encoder
        return SonoNetEncoder(SonoNet16().eval(), RANDOM, device=pick_device(device), dtype=torch.float32)
    architecture = FETALCLIP if name == "fetalclip" else MOBILE
    if weights:
        return load_towers(architecture, weights, device=device).image
    return random_clip(architecture, device)


def timed(work: Callable[[], object], *, seconds: float, device: torch.device) -> list[float]:
    """Seconds of each call, for at least ``seconds`` and three calls, after one that does not count."""
    spent: list[float] = []
    work()
    started = time.perf_counter()
    while len(spent) < 3 or time.perf_counter() - started < seconds:
        before = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        spent.append(time.perf_counter() - before)
    return spent


def measure(encoders: dict[str, Encoder], *, rounds: int, seconds: float, device: torch.device) -> dict[str, Any]:
    """Name -> medians over all calls, and what the compact model's rate is in units of it."""
    frames = np.random.default_rng(0).integers(0, 256, (BATCH, *PICTURE_PX, 3), dtype=np.uint8)
    spent: dict[str, dict[str, list[float]]] = {name: {"prepare": [], "one": [], "batch": []} for name in encoders}
    for _ in range(rounds):
        for name, encoder in encoders.items():
            given = [encoder.prepare(frame if encoder.sees_colour else frame[:, :, 0]) for frame in frames]
            works: dict[str, Callable[[], object]] = {
                "prepare": lambda e=encoder: e.prepare(frames[0] if e.sees_colour else frames[0, :, :, 0]),
                "one": lambda e=encoder, g=given: e.encode(g[:1]),
                "batch": lambda e=encoder, g=given: e.encode(g),
            }
            for key, work in works.items():
                spent[name][key] += timed(work, seconds=seconds / 4 if key == "prepare" else seconds, device=device)
    found = {
        name: {
            "prepare_ms": 1000 * statistics.median(times["prepare"]),
            "batch_1_ms": 1000 * statistics.median(times["one"]),
            "batch_1_ms_p95": 1000 * float(np.percentile(times["one"], 95)),
            "batch_8_fps": BATCH / statistics.median(times["batch"]),
        }
        for name, times in spent.items()
    }
    if "compact" in found:
        for one in found.values():
            one["compact_ratio"] = found["compact"]["batch_8_fps"] / one["batch_8_fps"]
    return found


def parameters(encoder: Encoder) -> int:
    """Numbers in the network behind the seam."""
    networks = [value for value in vars(encoder).values() if isinstance(value, nn.Module)]
    return sum(tensor.numel() for network in networks for tensor in cast("list[Tensor]", list(network.parameters())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="of torch, on a CPU")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure in a round, at least")
    for name in NAMES:
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"weights of {name}")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = pick_device(arguments.device)
    encoders = {name: load(name, arguments.device, getattr(arguments, name)) for name in arguments.models}
    models = measure(encoders, rounds=arguments.rounds, seconds=arguments.seconds, device=device)
    for name, encoder in encoders.items():
        shipped = name == "compact" and arguments.compact is None
        source = getattr(arguments, name)
        models[name] |= {
            "parameters": parameters(encoder),
            "weights": "shipped" if shipped else str(source) if source else "random",
        }
    result = {
        "models": models,
        "rounds": arguments.rounds,
        "device": str(device),
        "threads": arguments.threads,
        "processor": _processor(),
        "torch": torch.__version__,
    }
    print(json.dumps(result) if arguments.json else _as_text(result))


def _as_text(result: dict[str, Any]) -> str:
    lines = [
        f"{'':10s} {'million':>8s} {'prepare':>8s} {'batch 1':>9s} {'95 %':>9s} {'batch 8':>10s} {'compact is':>11s}"
    ]
    for name, one in result["models"].items():
        ratio = f"{one['compact_ratio']:9.1f} x" if "compact_ratio" in one else ""
        lines.append(
            f"{name:10s} {one['parameters'] / 1e6:8.1f} {one['prepare_ms']:5.1f} ms {one['batch_1_ms']:6.1f} ms "
            f"{one['batch_1_ms_p95']:6.1f} ms {one['batch_8_fps']:8.1f}/s {ratio:>11s}   {one['weights']} weights"
        )
    lines.append(
        f"medians of {result['rounds']} rounds; {result['processor']}, {result['device']}, "
        f"{result['threads']} threads, torch {result['torch']}"
    )
    return "\n".join(lines)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
