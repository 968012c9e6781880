"""Precision and recall of the signal gates, and what they cost: ``python benchmarks/signal_gates.py [DATA]``.

A frame counts as right when the gate's state is the true one. Closing takes its time on purpose (0.6 s of stillness,
0.2 s of a slate) and so does opening, so the figures are given over all frames and over those after that time, "due".
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from signal_scenes import Scene, phantom_scene, real_scenes

from fetalstream.pipeline.signal.fan import mask_outside
from fetalstream.pipeline.signal.fan_finder import find_fan
from fetalstream.pipeline.signal.gates import GateRules, Gates, GateState
from fetalstream.pipeline.signal.glance import Glancer
from fetalstream.sources import Pixels

RULES = GateRules(freeze_seconds=0.6)
GRACE_SECONDS = {GateState.FROZEN: 0.6 + 0.1}
OTHER_GRACE_SECONDS = RULES.enter_seconds + 0.1


def scenes(data: Path) -> Iterator[Scene]:
    yield from real_scenes(data / "video")
    for seed in range(4):
        for coding in ("raw", "h264 crf 28", "h264 crf 35", "noise 1.5"):
            yield phantom_scene(seed, screen=seed % 2 == 0, coding=coding)


def judge(scene: Scene) -> tuple[list[GateState], list[bool]]:
    """-> state of each frame, and whether it may already be expected."""
    gates, glancer = Gates(RULES), Glancer()
    seen: list[GateState] = []
    due: list[bool] = []
    since = 0.0
    for k, (frame, true) in enumerate(zip(scene.frames, scene.truth, strict=True)):
        pts_seconds = k / scene.fps
        if k == 0 or true is not scene.truth[k - 1]:
            since = pts_seconds
        due.append(pts_seconds - since >= GRACE_SECONDS.get(true, OTHER_GRACE_SECONDS))
        seen.append(gates.update(pts_seconds, 0, glancer.look(frame, scene.fan)).state)
    return seen, due


def main() -> None:
    data = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    hits: Counter[GateState] = Counter()
    said: Counter[GateState] = Counter()
    true: Counter[GateState] = Counter()
    late_hits: Counter[GateState] = Counter()
    late_said: Counter[GateState] = Counter()
    late_true: Counter[GateState] = Counter()
    for scene in scenes(data):
        seen, due = judge(scene)
        right = [a is b for a, b in zip(seen, scene.truth, strict=True)]
        wrong_when_due = sum(d and not r for d, r in zip(due, right, strict=True))
        print(f"{scene.name:44s} {len(seen):4d} frames {np.mean(right):6.1%} right, {wrong_when_due:3d} wrong when due")
        said.update(seen)
        true.update(scene.truth)
        hits.update(t for t, r in zip(scene.truth, right, strict=True) if r)
        late_true.update(t for t, d in zip(scene.truth, due, strict=True) if d)
        late_said.update(s for s, d in zip(seen, due, strict=True) if d)
        late_hits.update(t for t, d, r in zip(scene.truth, due, right, strict=True) if d and r)
    print(
        f"\n{'state':12s} {'frames':>6s} {'precision':>9s} {'recall':>7s}   when due: {'precision':>9s} {'recall':>7s}"
    )
    for state in GateState:
        precision, recall = hits[state] / max(1, said[state]), hits[state] / max(1, true[state])
        late = late_hits[state] / max(1, late_true[state])
        late_precision = late_hits[state] / max(1, late_said[state])
        print(f"{state:12s} {true[state]:6d} {precision:9.3f} {recall:7.3f} {late_precision:9.3f} {late:7.3f}")
    cost()


def cost() -> None:
    scene = phantom_scene(0, screen=True, coding="raw")
    frames = [np.asarray(cv2.resize(f, (1024, 768)), np.uint8) for f in scene.frames[:40]]
    fan = find_fan(frames[:3])
    assert fan is not None
    gates, glancer = Gates(RULES), Glancer()
    works: dict[str, Callable[[int, Pixels], object]] = {
        "gates": lambda k, f: gates.update(k / 25, 0, glancer.look(f, fan)),
        "mask": lambda _, f: mask_outside(f, fan),
        "find fan": lambda _, f: find_fan([f]),
    }
    for name, work in works.items():
        spent: list[float] = []
        for k in range(120):
            start = time.perf_counter()
            work(k, frames[k % len(frames)])
            spent.append((time.perf_counter() - start) * 1000)
        half, most = np.percentile(spent, (50, 95))
        print(f"{name:9s} at 1024 x 768, RGB: median {half:.3f} ms, 95th percentile {most:.3f} ms")


if __name__ == "__main__":
    main()
