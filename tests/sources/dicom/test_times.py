"""When a frame was seen: by the most trustworthy element there is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

VECTOR = 0x00181065
NOTHING: dict[str, Any] = {"FrameTime": None, "FrameIncrementPointer": None}

TABLE = [
    # what, elements, times of four frames in seconds, announced rate
    ("FrameTime", {"FrameTime": 20}, [0, 0.02, 0.04, 0.06], 50),
    ("FrameTime before CineRate", {"FrameTime": 20, "CineRate": 30}, [0, 0.02, 0.04, 0.06], 50),
    (
        "FrameTimeVector where the file points at it",
        {"FrameTime": 20, "FrameTimeVector": [0, 10, 30, 10], "FrameIncrementPointer": VECTOR},
        [0, 0.01, 0.04, 0.05],
        100,
    ),
    ("FrameTimeVector alone", NOTHING | {"FrameTimeVector": [0, 40, 80, 40]}, [0, 0.04, 0.12, 0.16], 25),
    ("CineRate", NOTHING | {"CineRate": 10}, [0, 0.1, 0.2, 0.3], 10),
    ("CineRate before the display's", NOTHING | {"CineRate": 10, "RecommendedDisplayFrameRate": 20}, [0, 0.1, 0.2], 10),
    ("RecommendedDisplayFrameRate", NOTHING | {"RecommendedDisplayFrameRate": 20}, [0, 0.05, 0.1, 0.15], 20),
    ("FrameTime of nought", {"FrameTime": 0, "CineRate": 10}, [0, 0.1, 0.2, 0.3], 10),
    ("FrameTime of an hour", {"FrameTime": 3_600_000, "CineRate": 10}, [0, 0.1, 0.2, 0.3], 10),
    ("a vector too short", NOTHING | {"FrameTimeVector": [0, 40]}, [0, 0.04, 0.08, 0.12], 25),
]


@pytest.mark.parametrize(("what", "elements", "seconds", "fps"), TABLE)
def test_times_come_from(
    what: str, elements: dict, seconds: list[float], fps: float, make_cine: Callable[..., Path], read: Callable
):
    got = read(make_cine([np.zeros((8, 8), np.uint8)] * 4, **elements))
    assert got.times[: len(seconds)] == pytest.approx(seconds), what
    assert got.info.announced_fps == pytest.approx(fps)
    assert got.damage == []


def test_no_time_at_all_is_said_and_25_per_second_are_assumed(make_cine: Callable[..., Path], read: Callable):
    got = read(make_cine([np.zeros((8, 8), np.uint8)] * 3, **NOTHING))
    assert got.times == pytest.approx([0, 0.04, 0.08])
    assert got.info.announced_fps is None
    assert "25 per second were assumed" in got.damage[0].what


def test_times_that_do_not_rise_are_repaired_and_counted(make_cine: Callable[..., Path], read: Callable):
    got = read(make_cine([np.zeros((8, 8), np.uint8)] * 5, **NOTHING, FrameTimeVector=[0, 40, 0, -40, 40]))
    assert got.times == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert "2 time stamps" in got.damage[0].what


def test_a_still_has_no_rate_and_no_complaint(make_cine: Callable[..., Path], read: Callable):
    got = read(make_cine([np.zeros((8, 8), np.uint8)], **NOTHING))
    assert got.times == [0.0]
    assert got.info.announced_fps is None
    assert got.damage == []


def test_the_real_cine_runs_at_its_own_rate(real_cine: Path, read: Callable):
    got = read(real_cine)
    assert got.info.announced_fps == pytest.approx(30, abs=0.01)
    assert np.diff(got.times) == pytest.approx(0.033333)
