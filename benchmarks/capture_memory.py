"""How much memory captures hold over a long run: the last seconds, and what waits for the disk.

    python benchmarks/capture_memory.py [--seconds 120]

A phantom with a device's screen, 800 x 600 at 25 frames a second, every frame, under a model that costs nothing; prints
the most that was held in each tenth of the run, and the most of all.
"""

import argparse
import tempfile

from fetalstream.models.testing import grey_model
from fetalstream.pipeline.assemble import build_run, opened_source
from fetalstream.pipeline.capture.companion import CaptureCompanion
from fetalstream.pipeline.settings import load_config
from fetalstream.sinks.testing import ListSink

TENTHS = 10
MEBIBYTE = 1 << 20


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seconds", type=float, default=120.0)
    seconds = arguments.parse_args().seconds
    most = [0] * TENTHS
    with (
        tempfile.TemporaryDirectory() as folder,
        opened_source(f"phantom://?seed=8&screen=1&seconds={seconds}", realtime=False) as (source, info),
    ):
        config = load_config("live", assignments=["sinks=[]", "flow.policy=block", f"capture.folder={folder}"])
        run = build_run(
            config, source=source, info=info, model=grey_model(), sinks=[ListSink()], stream="memory", stamped=True
        )
        (captures,) = [one for one in run.onlookers if isinstance(one, CaptureCompanion)]

        def look() -> None:
            share = run.telemetry.snapshot().media_seconds / seconds
            tenth = min(TENTHS - 1, int(TENTHS * share))
            most[tenth] = max(most[tenth], captures.held_bytes)

        ended = run.run(look).ended
    print("most held, MiB, by tenths of the run:", " ".join(f"{size / MEBIBYTE:.1f}" for size in most))
    limit = config.capture.memory_mib
    print(f"{ended.frames_embedded} frames; at most {max(most) / MEBIBYTE:.1f} of {limit} MiB were held")


if __name__ == "__main__":
    main()
