"""The law of the heart along a stream: clips of one visit, every frame named, never a bare alarm, one word if none."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from fetalstream.models.encoder import ModelError
from fetalstream.models.heads.clip_answer import Calibration
from fetalstream.models.heads.clip_head import ClipHead, ClipRecipe
from fetalstream.models.heads.clip_nets import build_net
from fetalstream.models.heads.clip_timing import ClipTiming
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.testing import grey_model
from fetalstream.pipeline.companion import Companion
from fetalstream.pipeline.heart.companion import NO_HEAD, heart_companion
from fetalstream.pipeline.messages import Scored
from fetalstream.pipeline.planes.segments import Candidate, Change, Entered, Left
from fetalstream.pipeline.recorder import Recorder
from fetalstream.pipeline.settings import ConfigError, load_config
from fetalstream.sinks import AnyEvent, ChdScored, ChdUnavailable, PlaneLeft

LABELS = ("background", "four_chamber", "femur")
FPS = 25
TIMING = ClipTiming(frames=5, seconds=0.4, stride_seconds=0.2)


def write_head(path: Path, *, encoder: ModelIdentity | None = None) -> Path:
    """A head with random weights: it proves plumbing, never quality."""
    torch.manual_seed(1)
    ClipHead(
        [build_net("conv", dim=1, width=4) for _ in range(3)],
        recipe=ClipRecipe(
            net="conv", dim=1, width=4, timing=TIMING, encoder=encoder or grey_model().encoder.identity,
            normal="normal", affected=("septal_defect",), patients=10, clips=30, trained_on="invented hearts",
        ),
        calibration=Calibration(prevalence=0.5, sensitivity=0.8, specificity=0.8, threshold=4.0),
        centre=torch.full((2, 1), 100.0),
        scale=torch.full((2, 1), 30.0),
    ).save(path)  # fmt: skip
    return path


def scored(index: int, *, level: float | None = None, score: float = 0.9, pts_seconds: float | None = None) -> Scored:
    level = 100 + 30 * float(np.sin(index)) if level is None else level
    return Scored(
        index=index,
        pts_seconds=index / FPS if pts_seconds is None else pts_seconds,
        captured_ns=0,
        epoch=0,
        scores=np.array([1 - score, score, 0.0], np.float32),
        embedding=np.array([level], np.float32),
    )


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return write_head(tmp_path / "head.safetensors")


def companion(head: Path | None, *assign: str, labels: tuple[str, ...] = LABELS) -> Companion:
    named = [f"chd.head={head}"] if head else []
    config = load_config("review", assignments=["sinks=[]", *named, *assign])
    return heart_companion(config, model=grey_model(), recorder=Recorder("s", stamped=False), labels=labels)


def left(plane: str = "four_chamber", *, end_seconds: float = 9.0) -> tuple[Change, AnyEvent]:
    best = Candidate(0, 0.0, 0.9, 0.9)
    change = Left(plane=plane, start_seconds=0.0, end_seconds=end_seconds, score=0.9, frames=5, best=best)
    event = PlaneLeft(
        stream="s", sequence=0, plane=plane, start_seconds=0.0, end_seconds=end_seconds, score=0.9, frames=5,
        best_frame_index=0, best_pts_seconds=0.0, best_score=0.9, reason="",
    )  # fmt: skip
    return change, event


def told(subject: Companion, frames: Iterable[Scored], *, plane: str | None = "four_chamber") -> list[Any]:
    return [event for frame in frames for event in subject.feed(frame, plane)]


def test_a_clip_tells_score_interval_frames_prevalence_and_what_the_head_knows(head: Path):
    first, *_ = told(companion(head), [scored(index) for index in range(20)])
    assert isinstance(first, ChdScored)
    assert first.level == "clip"
    assert first.frame_indexes == (0, 2, 4, 6, 8)
    assert (first.start_seconds, first.end_seconds) == (0.0, 0.32)
    assert 0 <= first.low <= first.score <= first.high <= 1
    assert first.prevalence == 0.01
    assert first.positive_predictive_value is None  # nobody has counted it of single clips
    assert first.trained_on == "invented hearts"
    assert len(first.head.sha256) == 64
    assert first.clips == 1


def test_the_exam_is_told_when_the_visit_ends_over_all_clips_so_far(head: Path):
    subject = companion(head)
    clips = told(subject, [scored(index) for index in range(30)])
    *more, exam = subject.visit(*left())
    assert isinstance(exam, ChdScored)
    clips += more
    assert (exam.level, exam.clips) == ("exam", len(clips))
    assert exam.positive_predictive_value == pytest.approx(0.0388, abs=1e-4)
    assert set(exam.frame_indexes) == {index for clip in clips for index in clip.frame_indexes}
    again = told(subject, [scored(index) for index in range(100, 120)])
    *more, later = subject.visit(*left())
    assert isinstance(later, ChdScored)
    assert later.clips == len(clips) + len(again) + len(more)
    assert list(subject.finish()) == []  # all has been told


def test_a_visit_that_the_end_cuts_short_is_told_at_the_end(head: Path):
    subject = companion(head)
    told(subject, [scored(index) for index in range(20)])
    (exam,) = subject.finish()
    assert exam.level == "exam"  # pyright: ignore[reportAttributeAccessIssue]


def test_no_clip_reaches_over_two_visits_or_into_another_plane(head: Path):
    subject = companion(head)
    assert told(subject, [scored(index) for index in range(6)]) == []
    assert list(subject.visit(*left())) == []
    assert told(subject, [scored(index) for index in range(6, 12)]) == []
    told(subject, [scored(index) for index in range(12, 16)], plane="femur")
    assert list(subject.visit(*left("femur"))) == []
    entered = Entered(plane="four_chamber", start_seconds=1.0, score=0.9)
    assert list(subject.visit(entered, left()[1])) == []
    clip, *_ = told(subject, [scored(index) for index in range(40, 60)])
    assert min(clip.frame_indexes) == 40


def test_the_last_moments_of_a_visit_when_the_probe_is_leaving_are_in_no_clip(head: Path):
    subject = companion(head)
    clips = told(subject, [scored(index) for index in range(25)])  # 0.96 s
    clips += [event for event in subject.visit(*left(end_seconds=1.0)) if event.level == "clip"]  # pyright: ignore[reportAttributeAccessIssue]
    assert [clip.end_seconds for clip in clips] == [0.32, 0.52]


def test_a_picture_that_is_repeated_counts_once(head: Path):
    twice = [scored(index, level=100 + 30 * float(np.sin(index // 2))) for index in range(40)]
    clips = told(companion(head), twice)
    assert clips
    assert all(index % 2 == 0 for clip in clips for index in clip.frame_indexes)
    assert told(companion(head), [scored(index, level=90.0) for index in range(60)]) == []


def test_frames_that_hardly_show_the_heart_are_not_scored(head: Path):
    assert told(companion(head), [scored(index, score=0.3) for index in range(30)]) == []


def test_the_same_frames_give_the_same_events(head: Path):
    frames = [scored(index) for index in range(40)]
    one, two = (msgspec.json.encode(told(companion(head), frames)) for _ in range(2))
    assert one == two


def test_prevalence_moves_the_score_and_the_value_of_a_call(head: Path):
    rare, common = (
        [*told(one, [scored(index) for index in range(24)]), *one.finish()][-1]
        for one in (companion(head, f"chd.prevalence={share}") for share in (0.001, 0.3))
    )
    assert rare.score < common.score
    assert rare.positive_predictive_value < 0.01 < 0.5 < common.positive_predictive_value


def test_without_a_head_one_event_says_so_when_a_heart_comes_into_view():
    subject = companion(None)
    assert told(subject, [scored(0)], plane=None) == []
    events = told(subject, [scored(index) for index in range(1, 60)])
    assert [event.reason for event in events] == [NO_HEAD]
    assert isinstance(events[0], ChdUnavailable)
    assert list(subject.visit(*left())) == []
    assert list(subject.finish()) == []
    heartless = companion(None)
    assert told(heartless, [scored(index) for index in range(30)], plane="femur") == []
    assert [event.reason for event in heartless.finish() if isinstance(event, ChdUnavailable)] == [NO_HEAD]


def test_a_head_for_another_encoder_is_said_once_and_scores_nothing(tmp_path: Path):
    foreign = write_head(tmp_path / "foreign.safetensors", encoder=ModelIdentity(name="fetalclip", sha256="f" * 64))
    events = told(companion(foreign), [scored(index) for index in range(30)])
    assert [type(event) for event in events] == [ChdUnavailable]
    assert "was trained on fetalclip" in events[0].reason


def test_a_heart_seen_too_briefly_is_said_at_the_end_with_the_reason(head: Path):
    subject = companion(head)
    told(subject, [scored(index, pts_seconds=index / 4) for index in range(8)])  # four frames a second
    (event,) = subject.finish()
    assert isinstance(event, ChdUnavailable)
    assert "a clip wants 5 frames over 0.4 s" in event.reason
    assert "too few frames" in event.reason


def test_a_stream_without_a_heart_says_so_at_its_end(head: Path):
    subject = companion(head)
    assert told(subject, [scored(index) for index in range(30)], plane="femur") == []
    (event,) = subject.finish()
    assert isinstance(event, ChdUnavailable)
    assert event.reason == "no heart was in view: four_chamber"


@pytest.mark.parametrize("has_head", [True, False])
def test_a_plane_head_that_knows_no_heart_is_said_once(head: Path, has_head: bool):
    subject = companion(head if has_head else None, labels=("background", "femur"))
    events = [*told(subject, [scored(index) for index in range(30)], plane=None), *subject.finish()]
    assert [type(event) for event in events] == [ChdUnavailable]
    assert events[0].reason == "the plane head knows no four_chamber or heart; it knows femur"


def test_a_plane_head_without_finer_names_may_say_heart(head: Path):
    subject = companion(head, labels=("background", "heart"))
    assert told(subject, [scored(index) for index in range(20)], plane="heart")


def test_an_exam_without_end_stays_bounded(head: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fetalstream.pipeline.heart.companion.MOST_KEPT", 8)
    subject = companion(head)
    clips = told(subject, [scored(index) for index in range(120)])
    *_, exam = subject.visit(*left())
    assert isinstance(exam, ChdScored)
    assert len(clips) > 20
    assert exam.clips > 20  # all that there were
    assert 4 * 5 <= len(exam.frame_indexes) <= 8 * 5


def test_a_damaged_head_ends_the_run_and_a_missing_one_the_configuration(tmp_path: Path):
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    with pytest.raises(ModelError, match="damaged heart head"):
        companion(tmp_path / "torn.safetensors")
    with pytest.raises(ConfigError, match=r"chd\.head=.*there is no such file"):
        companion(tmp_path / "missing.safetensors")
