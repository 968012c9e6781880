"""The law of the plane filter: probabilities, dwell times, hierarchy, and no matter how many frames a second."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetalstream.models.planes import Plane
from fetalstream.pipeline.planes.agreement import Interval
from fetalstream.pipeline.planes.plane_filter import Dwell, PlaneFilter, group_probabilities, runs, viterbi

LABELS = ("background", Plane.TRANSTHALAMIC, Plane.TRANSVENTRICULAR, Plane.FEMUR, Plane.FOUR_CHAMBER)
DWELL = Dwell()
SLOW = settings(max_examples=40, deadline=None)


def scores_of(said: list[int], *, certainty: float = 0.9) -> np.ndarray:
    """(b n) scores that put ``certainty`` on each label said."""
    scores = np.full((len(said), len(LABELS)), (1 - certainty) / (len(LABELS) - 1), dtype=np.float32)
    scores[np.arange(len(said)), said] = certainty
    return scores


def filtered(scores: np.ndarray, *, fps: float = 25, dwell: Dwell = DWELL) -> np.ndarray:
    machine = PlaneFilter(LABELS, dwell)
    return np.array([machine.update(index / fps, row) for index, row in enumerate(scores)])


@SLOW
@given(
    seed=st.integers(0, 1000),
    fps=st.floats(3, 100),
    phases=st.integers(1, 6),
    sharp=st.sampled_from([0.01, 1.0, 30.0]),
)
def test_whatever_comes_probabilities_are_probabilities(seed: int, fps: float, phases: int, sharp: float) -> None:
    scores = np.random.default_rng(seed).dirichlet(np.full(len(LABELS), 1 / sharp), size=40).astype(np.float32)
    given_ = filtered(scores, fps=fps, dwell=Dwell(phases=phases))
    assert (given_ >= 0).all()
    np.testing.assert_allclose(given_.sum(axis=1), 1, atol=1e-9)


def test_scores_of_0_and_1_rule_nothing_out() -> None:
    scores = scores_of([0] * 25 + [3] * 25, certainty=1.0)
    assert filtered(scores)[-1].argmax() == 3


def test_one_frame_does_not_move_the_label_and_a_quarter_of_a_second_does() -> None:
    glimpse = filtered(scores_of([0] * 25 + [3] + [0] * 10))
    assert (glimpse[:, 0] > 0.5).all()
    visit = filtered(scores_of([0] * 25 + [3] * 10))
    assert visit[25 + 6].argmax() == 3


def test_a_flickering_score_gives_a_steady_label() -> None:
    said = [0] * 25 + [3, 3, 3, 0] * 20 + [0] * 25
    shown = filtered(scores_of(said, certainty=0.6)).argmax(axis=1)
    assert sum(a != b for a, b in itertools.pairwise(said)) == 40
    assert sum(a != b for a, b in itertools.pairwise(shown)) <= 4
    assert (shown[35:105] == 3).all()


@pytest.mark.parametrize("fps", [10, 25, 50, 100])
def test_the_delay_is_in_seconds_whatever_the_frame_rate(fps: int) -> None:
    given_ = filtered(scores_of([0] * fps * 2 + [3] * fps * 2, certainty=0.8), fps=fps)
    at = int(np.argmax(given_[:, 3] > 0.5))
    assert 0 <= at / fps - 2 <= 0.3


def test_longer_dwell_times_hold_longer_against_a_gap() -> None:
    scores = scores_of([3] * 50 + [0] * 4, certainty=0.7)
    short, long = (filtered(scores, dwell=Dwell(plane_seconds=s))[-1, 3] for s in (0.5, 20.0))
    assert short < long


def test_planes_of_one_body_part_follow_each_other_sooner() -> None:
    brain, femur = (filtered(scores_of([1] * 50 + [other] * 3, certainty=0.8))[-1, other] for other in (2, 3))
    assert brain > femur


def test_a_body_part_is_surer_than_its_planes() -> None:
    torn = np.tile(np.array([[0.02, 0.47, 0.47, 0.02, 0.02]], dtype=np.float32), (25, 1))
    last = filtered(torn)[-1]
    groups = group_probabilities(LABELS, last)
    assert groups.keys() == {"brain", "heart"}
    assert groups["brain"] > 0.95 > 0.6 > last.max()


def test_after_a_long_pause_or_a_step_back_nothing_is_remembered() -> None:
    fresh = PlaneFilter(LABELS).update(0.0, scores_of([0])[0])
    for seconds in (10.0, -1.0):
        machine = PlaneFilter(LABELS, max_gap_seconds=2.0)
        for index in range(50):
            machine.update(index / 25, scores_of([3])[0])
        np.testing.assert_allclose(machine.update(seconds, scores_of([0])[0]), fresh)
    machine.reset()
    np.testing.assert_allclose(machine.update(20.0, scores_of([0])[0]), fresh)


def test_time_that_stands_still_is_no_new_evidence() -> None:
    machine = PlaneFilter(LABELS)
    machine.update(0.0, scores_of([0])[0])
    before = machine.update(0.04, scores_of([3])[0])
    np.testing.assert_allclose(machine.update(0.04, scores_of([3])[0]), before, atol=1e-9)


def exhaustive(scores: np.ndarray, fps: float, dwell: Dwell) -> list[int]:
    """The best path among all, by trying each; one phase, so that states are labels."""
    chain = PlaneFilter(LABELS, dwell)._chain
    moves = chain.elapsed(1 / fps)
    rows = [chain.likelihood(row, dwell.evidence_seconds if i == 0 else 1 / fps) for i, row in enumerate(scores)]

    def chance(path: tuple[int, ...]) -> float:
        steps = [moves[a, b] for a, b in itertools.pairwise(path)]
        return float(
            chain.start()[path[0]] * np.prod(steps) * np.prod([row[s] for row, s in zip(rows, path, strict=True)])
        )

    return list(max(itertools.product(range(len(LABELS)), repeat=len(scores)), key=chance))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_viterbi_finds_the_best_of_all_courses(seed: int) -> None:
    scores = np.random.default_rng(seed).dirichlet(np.full(len(LABELS), 0.3), size=4)
    dwell = Dwell(phases=1, plane_seconds=0.3, background_seconds=0.2)
    found = viterbi(LABELS, np.arange(4) / 5, scores, dwell)
    assert found == [LABELS[state] for state in exhaustive(scores, 5, dwell)]


def test_viterbi_dates_a_visit_by_what_came_later() -> None:
    said = [0] * 50 + [3] * 60 + [0] * 50
    shown = viterbi(LABELS, np.arange(160) / 25, scores_of(said))
    assert list(runs(shown, np.arange(160) / 25)) == [Interval(Plane.FEMUR, 2.0, 4.4)]
    assert viterbi(LABELS, [], np.empty((0, 5))) == []


def test_runs_end_where_the_next_label_begins() -> None:
    labels = ["femur", "femur", "background", "abdomen"]
    assert list(runs(labels, [0.0, 0.5, 1.0, 1.5])) == [Interval("femur", 0.0, 1.0), Interval("abdomen", 1.5, 2.0)]
    assert list(runs([], [])) == []


def test_a_head_that_knows_only_the_background_is_no_trouble() -> None:
    machine = PlaneFilter(("background",))
    assert machine.update(0.0, np.ones(1, dtype=np.float32)).tolist() == [1.0]
    assert machine.update(0.1, np.ones(1, dtype=np.float32)).tolist() == [1.0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Dwell(plane_seconds=0), "take 0.05 to 3600 s"),
        (lambda: Dwell(phases=0), "1 to 8 phases, not 0"),
        (lambda: Dwell(sibling_share=0.7, stranger_share=0.5), "parts of 1"),
        (lambda: Dwell(doubt=1.0), "doubt lies in"),
        (lambda: PlaneFilter(("femur", "background")), "labels start with 'background'"),
        (lambda: PlaneFilter(LABELS).update(0.0, np.ones(3)), r"scores are \(5\), one per label, not \(3,\)"),
        (lambda: viterbi(LABELS, [0.0, -1.0], np.ones((2, 5))), "must not fall"),
        (lambda: viterbi(LABELS, [0.0], np.ones((2, 5))), r"scores are \(1 5\), not \(2, 5\)"),
    ],
)
def test_what_cannot_be_is_refused(make: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()  # pyright: ignore
