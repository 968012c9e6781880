"""Decoding and preparing alone, as `review` does them: what the encoder has to share the processor with.

    python benchmarks/bare_reader.py CLIP --model compact

Prints one JSON object: {"frames": N, "seconds": S, "cpu_seconds": C}.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from fetalstream.pipeline.assemble import load_model, opened_source
from fetalstream.pipeline.settings import load_config
from fetalstream.sources import Frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--weights", type=Path)
    arguments = parser.parse_args()
    encoder = load_model(
        load_config("review", flags={"model": {"kind": arguments.model, "weights": arguments.weights}})
    ).encoder
    torch.set_num_threads(1)  # as the stage that prepares
    frames = 0
    with opened_source(str(arguments.clip), realtime=False) as (source, _):
        started, cpu_started = time.perf_counter(), time.process_time()
        for item in source.items():
            if isinstance(item, Frame):
                encoder.prepare(item.picture.rgb if encoder.sees_colour else item.picture.grey)
                frames += 1
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    print(json.dumps({"frames": frames, "seconds": seconds, "cpu_seconds": cpu_seconds}))


if __name__ == "__main__":
    main()
