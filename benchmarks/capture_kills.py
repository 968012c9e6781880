"""kill -9 of `fetalstream demo --headless` at random moments: what lies in its captures' folder?

The demo is made restless, so that it captures many times a second and most kills meet a file being written. After each
kill every file under a capture's name must be whole: a still decodes, a clip decodes to its last frame, a sidecar is
read and what it names is there. Then another run begins in the same place: what was unfinished is swept, captures stay.

    python benchmarks/capture_kills.py [--kills 30] [--seconds 12] [--seed 1]
"""

import argparse
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import av
import cv2

from fetalstream.sinks.captures import CLIP, SIDECAR, STILL, CaptureFolder
from fetalstream.sinks.sidecar import read_sidecar
from fetalstream.sinks.whole import UNFINISHED

RESTLESS = (
    "segments={enter_score: 0.05, leave_score: 0.05, hold_seconds: 0, release_seconds: 0}",
    "smoothing.time_constant_seconds=0",
    "capture={per_plane: 100, min_quality: 0, pre_seconds: 1.5, post_seconds: 0}",
    "frame_scores=false",
)
HEAD_START_SECONDS = 4.0
"""Before the fan is known nothing is captured: most kills come later."""


def free_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def killed_demo(folder: Path, after_seconds: float) -> None:
    """Start a demo and kill it so long after its captures' folder is there."""
    command = [sys.executable, "-m", "fetalstream", "demo", "--headless", "--seconds", "120", "--out", str(folder)]
    command += ["--endpoint", free_endpoint(), *(word for setting in RESTLESS for word in ("--set", setting))]
    before = set(folder.glob("captures/*"))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as demo:
        while set(folder.glob("captures/*")) == before and demo.poll() is None:
            time.sleep(0.02)
        time.sleep(after_seconds)
        assert demo.poll() is None, "the demo ended before it was killed"
        demo.send_signal(signal.SIGKILL)


def check_still(path: Path) -> None:
    content = path.read_bytes()
    assert content.endswith(b"IEND\xaeB`\x82"), f"{path} is cut off"
    assert cv2.imread(str(path)) is not None, f"{path} cannot be read"


def check_clip(path: Path) -> int:
    with av.open(str(path), "r") as clip:
        frames = sum(1 for _ in clip.decode(clip.streams.video[0]))
        assert frames == clip.streams.video[0].frames, f"{path} is cut off"
        return frames


def check(exam: Path) -> str:
    """What a kill has met, in a word; raises AssertionError for a file that is not whole."""
    paths = sorted(exam.iterdir())
    for path in paths:
        if path.suffix == STILL:
            check_still(path)
        elif path.suffix == CLIP:
            check_clip(path)
        elif path.suffix == SIDECAR:
            sidecar = read_sidecar(path)
            assert path.with_suffix(STILL).exists(), f"{path} has no still"
            if sidecar.clip is not None:
                assert check_clip(path.with_suffix(CLIP)) == sidecar.clip.frames, f"{path} has another clip"
    if any(path.name.startswith(UNFINISHED) for path in paths):
        return "while a file was written"
    whole = {path.stem for path in paths if path.suffix == SIDECAR}
    if any(path.suffix in (STILL, CLIP) and path.stem not in whole for path in paths):
        return "between a capture's files"
    return "between captures" if whole else "before the first capture"


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=30)
    arguments.add_argument("--seconds", type=float, default=12.0, help="latest moment of a kill")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    chance = random.Random(options.seed)
    met: Counter[str] = Counter()
    captures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(options.kills):
            before = set(folder.glob("captures/*"))
            killed_demo(folder, chance.uniform(HEAD_START_SECONDS / 2, max(HEAD_START_SECONDS, options.seconds)))
            for exam in set(folder.glob("captures/*")) - before:
                met[check(exam)] += 1
                captures += len(list(exam.glob(f"*{SIDECAR}")))
        with closing(CaptureFolder(folder / "captures", "next")):
            left = [path for path in folder.glob("captures/*/*") if path.name.startswith(UNFINISHED)]
            stills = {path.with_suffix("") for path in folder.glob(f"captures/*/*{STILL}")}
            sidecars = {path.with_suffix("") for path in folder.glob(f"captures/*/*{SIDECAR}")}
    assert not left
    assert stills == sidecars
    assert len(sidecars) == captures
    print(f"{options.kills} kills: {', '.join(f'{count} {moment}' for moment, count in met.most_common())}")
    print(f"{captures} captures on the disk, every file whole; what was unfinished is swept by the next start")


if __name__ == "__main__":
    main()
