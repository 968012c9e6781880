"""How long one picture takes the compact encoder while other work wants the cores: on one core, and spread over all.

    python benchmarks/busy_cores.py [--busy 2] [--pictures 150]

``--busy`` processes compute without a pause meanwhile. Prints one line for each way: median, 95 % and 99 %, in ms.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
import torch

from fetalstream.models.compact import CompactEncoder, load_compact

PAUSE_SECONDS = 0.02


def _compute(until: float) -> None:
    while time.monotonic() < until:
        sum(range(1000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--pictures", type=int, default=150)
    arguments = parser.parse_args()
    encoder = cast("CompactEncoder", load_compact(device="cpu").encoder)
    picture = [torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 224, 224), dtype=np.uint8))]
    cores = os.cpu_count() or 1
    until = time.monotonic() + 1 + arguments.pictures * 0.4
    others = [multiprocessing.Process(target=_compute, args=(until,), daemon=True) for _ in range(arguments.busy)]
    for other in others:
        other.start()
    took: dict[str, list[float]] = {"one core": [], f"spread over {cores}": []}
    for _ in range(arguments.pictures):
        for name, see in zip(took, (encoder.encode, encoder._see), strict=True):  # noqa: SLF001 - the way not taken
            torch.set_num_threads(cores)
            took[name].append(_milliseconds(partial(see, picture)))
    for other in others:
        other.terminate()
    for name, values in took.items():
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        print(f"{name:16s} {p50:7.1f} ms  95 % {p95:7.1f} ms  99 % {p99:7.1f} ms   ({arguments.busy} others busy)")


def _milliseconds(see: Callable[[], object]) -> float:
    time.sleep(PAUSE_SECONDS)
    started = time.perf_counter()
    see()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
