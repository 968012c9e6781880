"""Ways from scores to segments: the figures by hand, and on recorded scores of sweeps never seen."""

from pathlib import Path

import numpy as np
import pytest

from fetalstream.pipeline.config import Config
from fetalstream.pipeline.evaluation.phantom_exam import Sweep
from fetalstream.pipeline.evaluation.plane_contest import Told, contest, figures, matched, ways
from fetalstream.pipeline.evaluation.sweep_file import SweepFileError, read_sweeps, write_sweeps
from fetalstream.pipeline.planes.agreement import Interval
from fetalstream.pipeline.planes.plane_filter import PlaneFilter
from fetalstream.pipeline.planes.smoothing import ExponentialSmoothing
from fetalstream.pipeline.planes.tracking import smoothing_for
from fetalstream.pipeline.settings import load_config
from fetalstream.sources.phantom import Interval as Visit

RECORDED = Path(__file__).parents[1] / "phantom_scores.npz"
LABELS = ("background", "femur", "abdomen")


def hidden_markov(*more: str) -> Config:
    return load_config("review", assignments=["smoothing.kind=hidden_markov", *more])


def sweep(truth: list[str], visits: list[Visit]) -> Sweep:
    return Sweep(
        seed=3,
        labels=LABELS,
        pts_seconds=np.arange(len(truth)) / 10,
        scores=np.full((len(truth), 3), 0.25, dtype=np.float32),
        truth=tuple(truth),
        visits=tuple(visits),
        duration_seconds=len(truth) / 10,
    )


FEMUR = sweep(["background"] * 10 + ["femur"] * 10 + ["background"] * 10, [Visit("femur", 1.0, 2.0)])


def test_figures_by_hand() -> None:
    shown = ["background"] * 13 + ["femur"] * 7 + ["abdomen"] + ["background"] * 9
    told = Told(shown, [Interval("femur", 1.3, 2.0), Interval("abdomen", 2.0, 2.1)])
    found = figures([FEMUR], [told])
    assert (found["visits"], found["segments"], found["right"]) == (1, 2, 1)
    assert found["segment_f1"] == pytest.approx(2 / 3)
    assert found["median_onset_delay_seconds"] == pytest.approx(0.3)
    assert found["median_said_delay_seconds"] == pytest.approx(0.3)
    assert found["flicker"] == 3 / 2


def test_a_visit_dated_back_has_its_onset_early_and_was_said_late() -> None:
    told = Told(["background"] * 15 + ["femur"] * 5 + ["background"] * 10, [Interval("femur", 1.0, 2.0)])
    found = figures([FEMUR], [told])
    assert (found["median_onset_delay_seconds"], found["median_said_delay_seconds"]) == (0.0, 0.5)


def test_nothing_told_is_no_error() -> None:
    found = figures([FEMUR], [Told(["background"] * 30, [])])
    assert (found["segment_f1"], found["median_onset_delay_seconds"], found["flicker"]) == (0.0, None, 0.0)


@pytest.mark.parametrize(
    ("found", "right"),
    [
        ([("femur", 1.0, 2.0)], 1),
        ([("femur", 1.5, 2.0)], 1),  # half of it
        ([("femur", 1.51, 2.0)], 0),
        ([("abdomen", 1.0, 2.0)], 0),
        ([("femur", 1.0, 1.5), ("femur", 1.5, 2.0)], 1),  # a visit is met once
        ([], 0),
    ],
)
def test_a_segment_is_right_from_half_an_overlap_on(found: list[tuple[str, float, float]], right: int) -> None:
    assert matched([Interval(*one) for one in found], [Interval("femur", 1.0, 2.0)]) == right


def test_on_recorded_scores_of_unseen_sweeps_the_filter_meets_its_marks_and_argmax_does_not() -> None:
    _, sweeps = read_sweeps(RECORDED)
    found = contest(sweeps, ways(load_config("review", assignments=["smoothing.kind=low_pass"]), hidden_markov()))
    live, review = found["hidden Markov, live"], found["hidden Markov, Viterbi"]
    for one in (live, review):
        assert one["segment_f1"] >= 0.9
        assert one["median_onset_delay_seconds"] <= 0.2
        assert one["flicker"] <= 1.2
    assert live["median_said_delay_seconds"] <= 0.2
    assert found["per-frame argmax"]["segment_f1"] < live["segment_f1"] - 0.1
    assert found["low-pass and hysteresis"]["median_said_delay_seconds"] > live["median_said_delay_seconds"] + 0.1


def test_scores_come_back_from_their_file(tmp_path: Path) -> None:
    write_sweeps(tmp_path / "scores.npz", [FEMUR], model="grey")
    model, (back,) = read_sweeps(tmp_path / "scores.npz")
    assert model == "grey"
    np.testing.assert_array_equal(back.scores, FEMUR.scores)
    assert (back.seed, back.labels, back.truth, back.visits) == (3, LABELS, FEMUR.truth, FEMUR.visits)


BAD_FILES = {
    "missing": (lambda path: None, "is no .npz file of scores"),
    "text": (lambda path: path.write_text("scores"), "is no .npz file of scores"),
    "hollow": (lambda path: np.savez(path, format_version=1), "holds no whole sweeps"),
    "newer": (lambda path: np.savez(path, format_version=2), "is of format 2; 1 is known"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, message = BAD_FILES[kind]
    make(tmp_path / "scores.npz")
    with pytest.raises(SweepFileError, match=message) as raised:
        read_sweeps(tmp_path / "scores.npz")
    assert "\n" not in str(raised.value)


def test_the_configuration_picks_the_filter_and_its_thresholds_and_the_user_still_wins() -> None:
    assert isinstance(smoothing_for(load_config("live"), LABELS), PlaneFilter)
    config = load_config("live", assignments=["smoothing.kind=low_pass", "segments.hold_seconds=0.3"])
    assert isinstance(smoothing_for(config, LABELS), ExponentialSmoothing)
    assert (config.segments.hold_seconds, config.segments.release_seconds) == (0.3, 0.3)
    assert load_config("review").segments.hold_seconds == 0.0
    assert config.sha256 != load_config("review").sha256 == hidden_markov().sha256
