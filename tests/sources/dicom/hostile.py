"""Reads every DICOM file of a folder, in a process that may use only so much memory; one JSON line says how it went.

Usage: python hostile.py FOLDER MEBIBYTES
"""

import json
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import cv2
import psutil

from fetalstream.sources import Damage, Frame, SourceError, SourceState, StateChange
from fetalstream.sources.dicom import DicomSource

MEBIBYTE = 1 << 20


def outcome(path: Path) -> str:
    """How reading ended. Whatever is not a `SourceError` gets through."""
    source = DicomSource(path, any_class=True)
    try:
        source.open()
        items = list(source.items())
    except SourceError as error:
        return "error" if "\n" not in str(error) else "an error of many lines"
    finally:
        source.close()
    for item in items:
        if isinstance(item, Frame):
            assert item.picture.pixels.shape[:2] == (item.picture.height_px, item.picture.width_px)
    last = items[-1]
    assert isinstance(last, StateChange)
    if last.state is SourceState.FAILED:
        return "failed"
    assert last.state is SourceState.ENDED
    return "prefix and damage" if any(isinstance(item, Damage) for item in items) else "whole"


def main(folder: Path, mebibytes: int) -> None:
    cv2.setNumThreads(1)
    files = sorted(folder.iterdir())
    outcome(files[0])  # loads whatever is loaded on first use
    process = psutil.Process()
    limit = process.memory_info().vms + mebibytes * MEBIBYTE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before = process.memory_info().rss
    counts: Counter[str] = Counter()
    broken: list[str] = []
    slowest_seconds = 0.0
    for path in files:
        (folder.parent / "current").write_text(path.name)  # where a process that died was
        began = time.monotonic()
        try:
            counts[outcome(path)] += 1
        except BaseException:
            broken.append(f"{path.name}: {traceback.format_exc(limit=-3)}")
        slowest_seconds = max(slowest_seconds, time.monotonic() - began)
    # Not ru_maxrss: that also counts the process this one was forked from.
    peak = 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    report = {
        "counts": dict(counts),
        "broken": broken,
        "peak_mebibytes": round((peak - before) / MEBIBYTE),
        "slowest_seconds": round(slowest_seconds, 2),
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
