"""How large a report is, and how long it takes beside the review.

    python benchmarks/report_cost.py --minutes 10 --captures 2

Records a phantom for 20 s, repeats it to the length asked for, reviews it, makes the report in a process of its own,
and prints one JSON object: megabytes, and seconds on the clock and on the processor for both. With ``--captures`` the
review keeps captures, and the report shows them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from review_memory import repeat

from fetalstream.pipeline.evaluation.bench import CLIP_URI, record


def timed(*arguments: str | Path) -> dict[str, float]:
    """Run a command of ours; its seconds."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-m", "fetalstream", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_seconds": round(time.monotonic() - started, 1), "processor_seconds": round(processor, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--captures", type=int, default=0, metavar="N", help="keep up to N captures of each plane")
    given = parser.parse_args()
    minutes, per_plane = given.minutes, given.captures
    with tempfile.TemporaryDirectory(prefix="fetalstream-report-") as folder:
        short, long, out = Path(folder, "short.mp4"), Path(folder, "long.mp4"), Path(folder, "out")
        record(CLIP_URI, short)
        repeat(short, max(1, round(minutes * 3)), long)
        shots = Path(folder, "shots")
        capture = ("--set", f"capture.folder={shots}", "--set", f"capture.per_plane={per_plane}") if per_plane else ()
        review = timed("review", long, "--out", out, *capture)
        report = timed("report", out, "--cines", long, *(("--captures", shots) if per_plane else ()))
        summary = json.loads(Path(out, "long", "summary.json").read_text(encoding="utf-8"))
        result = {
            "media_seconds": summary["media_seconds"],
            "views": len(summary["planes"]),
            "captures": len(list(shots.glob("*/*.png"))),
            "captures_megabytes": round(sum(file.stat().st_size for file in shots.glob("*/*")) / 1e6, 1),
            "report_megabytes": round(Path(out, "long", "report.html").stat().st_size / 1e6, 1),
            "review": review,
            "report": report,
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
