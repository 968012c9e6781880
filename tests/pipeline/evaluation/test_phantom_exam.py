import json
from itertools import pairwise

import numpy as np
import pytest

from fetalstream.models.compact import load_compact
from fetalstream.pipeline.config import Config
from fetalstream.pipeline.evaluation.phantom_exam import CLASSES, FPS, Sweep, plane_intervals, summary, sweep
from fetalstream.pipeline.settings import load_config
from fetalstream.sources.phantom import Interval, PhantomSource

CONFIG: Config = load_config("review")


def told(truth: list[str], said: list[str], *, seed: int = 0, score: float = 0.9) -> Sweep:
    """A sweep at 25 fps whose scores put ``score`` on what is said."""
    scores = np.full((len(said), len(CLASSES)), (1 - score) / (len(CLASSES) - 1), dtype=np.float32)
    scores[np.arange(len(said)), [CLASSES.index(name) for name in said]] = score
    edges = [0, *(i for i in range(1, len(truth)) if truth[i] != truth[i - 1]), len(truth)]
    visits = [
        Interval(truth[first], first / FPS, last / FPS)
        for first, last in pairwise(edges)
        if truth[first] != "background"
    ]
    return Sweep(
        seed=seed,
        labels=CLASSES,
        pts_seconds=np.arange(len(said)) / FPS,
        scores=scores,
        truth=tuple(truth),
        visits=tuple(visits),
        duration_seconds=len(said) / FPS,
    )


QUIET, FEMUR, ABDOMEN = ["background"] * 50, ["femur"] * 50, ["abdomen"] * 50


def test_a_sweep_told_rightly_has_full_marks():
    truth = [*QUIET, *FEMUR, *QUIET, *ABDOMEN, *QUIET]
    found = summary([told(truth, truth)], CONFIG, rounds=5)
    assert found["in_plane"]["macro"]["f1"] == found["all_frames"]["macro"]["f1"] == 1.0
    assert found["false_plane_frames"] == 0
    assert found["background_minutes"] == pytest.approx(6 / 60)
    assert (found["events"]["visits"], found["events"]["missed"], found["events"]["false"]) == (2, 0, 0)
    assert found["expected_calibration_error"] == pytest.approx(0.1, abs=1e-6)


def test_background_said_in_a_plane_costs_recall_and_no_precision():
    found = summary([told([*FEMUR, *QUIET], [*FEMUR[:25], *QUIET[:25], *QUIET])], CONFIG, rounds=5)
    assert found["in_plane"]["per_class"]["femur"]["precision"] == 1.0
    assert found["in_plane"]["per_class"]["femur"]["recall"] == 0.5


def test_a_plane_said_for_long_in_the_background_is_one_false_visit():
    truth = [*QUIET, *QUIET, *QUIET, *FEMUR, *QUIET]
    said = [*QUIET, *ABDOMEN, *QUIET, *FEMUR, *QUIET]
    found = summary([told(truth, said)], CONFIG, rounds=5)
    assert found["events"]["false"] == 1
    assert found["events"]["false_per_background_minute"] == pytest.approx(1 / (8 / 60))
    assert found["false_plane_frames"] == pytest.approx(0.25)
    assert found["in_plane"]["macro"]["f1"] == 1.0, "what is said of the background is no matter of the planes"


def test_a_flash_too_short_for_an_event_counts_as_frames_only():
    found = summary([told([*QUIET, *QUIET], [*QUIET, *ABDOMEN[:2], *QUIET[:48]])], CONFIG, rounds=5)
    assert found["events"]["false"] == 0
    assert found["false_plane_frames"] == pytest.approx(0.02)
    assert found["in_plane"] is None


def test_the_interval_comes_from_sweeps_not_from_frames():
    good, bad = told(FEMUR, FEMUR, seed=1), told(FEMUR, ABDOMEN, seed=2)
    low, high = summary([good, bad], CONFIG, rounds=100)["in_plane"]["interval_95"]["macro_f1"]
    assert (low, high) == (0.0, 1.0)


def test_events_follow_the_configured_rules():
    one = told([*QUIET, *FEMUR, *QUIET], [*QUIET, *FEMUR, *QUIET], score=0.7)
    (found,) = plane_intervals(one, CONFIG)
    assert found.plane == "femur"
    assert found.start_seconds == pytest.approx(2, abs=0.5)
    stricter = load_config("review", assignments=["smoothing.kind=low_pass", "segments.enter_score=0.8"])
    assert not list(plane_intervals(one, stricter))


def test_a_real_sweep_has_the_phantoms_own_truth_at_each_frame_looked_at():
    found = sweep(load_compact(device="cpu"), 7, seconds=4, every=10)
    source = PhantomSource(seed=7, realtime=False)
    assert found.pts_seconds.tolist() == [0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6]
    assert list(found.truth) == [source.truth(10 * index).plane for index in range(10)]
    assert found.scores.shape == (10, len(found.labels))
    assert found.duration_seconds == 4
    json.dumps(summary([found], CONFIG, rounds=2))
