"""Whether `fetalstream review` holds its memory on a long clip.

    python benchmarks/review_memory.py --minutes 10

Records a phantom for 20 s, repeats it to the length asked for, reviews it in a process of its own and looks at that
process's resident memory every half second. Prints the median of each tenth of the run and one JSON object last.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import psutil

from fetalstream.pipeline.evaluation.bench import CLIP_FPS, CLIP_URI, record

LOOK_SECONDS = 0.5
TENTHS = 10


def repeat(clip: Path, times: int, longer: Path) -> None:
    """Copy the packets of a clip so many times one after another, without encoding anew."""
    with av.open(str(longer), "w") as target:
        out = None
        for turn in range(times):
            with av.open(str(clip)) as source:
                stream = source.streams.video[0]
                if out is None:
                    out = target.add_stream_from_template(stream)
                assert stream.duration is not None
                shift = turn * stream.duration
                for packet in source.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += shift
                    packet.dts += shift
                    packet.stream = out
                    target.mux(packet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--weights", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fetalstream-memory-") as folder:
        short, long = Path(folder, "short.mp4"), Path(folder, "long.mp4")
        record(CLIP_URI, short)
        repeat(short, max(1, round(arguments.minutes * 60 / 20)), long)
        command = [sys.executable, "-m", "fetalstream", "review", str(long), "--out", folder]
        command += ["--model", arguments.model, *(["--weights", str(arguments.weights)] if arguments.weights else [])]
        looks_mb: list[float] = []
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
            watched = psutil.Process(child.pid)
            while child.poll() is None:
                looks_mb.append(watched.memory_info().rss / 1e6)
                try:
                    child.wait(LOOK_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
        if child.returncode:
            sys.exit(child.returncode)
        summary = json.loads(Path(folder, "long", "summary.json").read_text(encoding="utf-8"))
    size = max(1, len(looks_mb) // TENTHS)
    medians = [round(statistics.median(looks_mb[start : start + size])) for start in range(0, len(looks_mb), size)]
    print("resident memory, MB, by tenths of the run:", *medians)
    result = {
        "frames": summary["frames_read"],
        "media_minutes": round(float(Fraction(summary["frames_read"], CLIP_FPS * 60)), 1),
        "wall_seconds": summary["wall_seconds"],
        "memory_mb": medians,
        "growth_mb": medians[-2] - medians[2] if len(medians) > 3 else None,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
