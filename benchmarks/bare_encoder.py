"""The encoder alone, as this package runs it: the rate no pipeline around it can pass.

    python benchmarks/bare_encoder.py --model compact --batch 8

Prints one JSON object: {"frames": N, "seconds": S, "cpu_seconds": C}.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from fetalstream.pipeline.assemble import load_model
from fetalstream.pipeline.settings import load_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="run at least so long")
    arguments = parser.parse_args()
    section = {"kind": arguments.model, "weights": arguments.weights}
    model = load_model(load_config("review", flags={"model": section, "flow": {"batch_frames": arguments.batch}}))
    noise = np.random.default_rng(0).integers(0, 256, (arguments.batch, 256, 256), dtype=np.uint8)
    batch = [model.encoder.prepare(picture) for picture in noise]
    model.planes(model.encoder.encode(batch))  # warm
    frames = 0
    started, cpu_started = time.perf_counter(), time.process_time()
    while (seconds := time.perf_counter() - started) < arguments.seconds:
        model.planes(model.encoder.encode(batch))
        frames += len(batch)
    print(json.dumps({"frames": frames, "seconds": seconds, "cpu_seconds": time.process_time() - cpu_started}))


if __name__ == "__main__":
    main()
