"""The law of age along a stream: who speaks, when it is told, why not, and that nobody waits who must not."""

import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from fetalstream.models.encoder import Model, ModelError
from fetalstream.models.growth import head_circumference_mm
from fetalstream.models.heads.age_decoder import UNLIKE, AgeDecoder
from fetalstream.models.heads.age_text import load_age_templates
from fetalstream.models.heads.gestational_age import AGE_DAYS, Age, exam_age, zero_shot_days
from fetalstream.models.outputs import ModelIdentity
from fetalstream.models.testing import grey_model
from fetalstream.models.train.age import fit
from fetalstream.models.train.age_table import AgeTable, read_age_table
from fetalstream.pipeline.cli.options import age_flags
from fetalstream.pipeline.companion import Companion
from fetalstream.pipeline.exam.age import ENDED_EARLY, NO_TEXTS, age_companion
from fetalstream.pipeline.messages import Scored
from fetalstream.pipeline.recorder import Recorder
from fetalstream.pipeline.settings import ConfigError, load_config
from fetalstream.sinks import AgeEstimated, AgeUnavailable, AnyEvent

LABELS = ("background", "transthalamic", "femur")
FPS = 25
DAYS = len(AGE_DAYS)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETALSTREAM_HOME", str(tmp_path / "home"))


class DayTower:
    """A text tower for which every day is a direction of its own: an embedding is its own curve of similarities.

    Args:
        gate: sentences wait for it.
        fails: it breaks down instead of answering.
    """

    def __init__(self, *, gate: threading.Event | None = None, fails: bool = False) -> None:
        self.identity = ModelIdentity(name="days", sha256="d" * 64)
        self.context_length, self.embed_dim = 117, DAYS
        self.asked: list[str] = []
        self._gate, self._fails = gate, fails

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        self.asked.append(texts[0])
        if self._gate is not None:
            assert self._gate.wait(30)
        if self._fails:
            raise RuntimeError("CUDA out of memory")
        assert len(texts) == DAYS
        return torch.eye(DAYS)


def curve(day: float) -> np.ndarray:
    """(175) similarities that peak at ``day``."""
    return (30 * np.exp(-(((AGE_DAYS - day) / 20) ** 2))).astype(np.float32)


def scored(index: int, similarity: np.ndarray | None = None, **fields: Any) -> Scored:
    """A frame whose own scores say transthalamic, unless told otherwise."""
    given = {
        "pts_seconds": index / FPS,
        "captured_ns": 0,
        "epoch": 0,
        "scores": np.array([0.1, 0.8, 0.1], np.float32),
        "embedding": curve(150) if similarity is None else similarity,
        "width_px": 800,
        "height_px": 540,
        "spacing_mm": 0.1,
    }
    return Scored(index=index, **(given | fields))


def companion(tower: DayTower | None, *assign: str, preset: str = "review") -> Companion:
    config = load_config(preset, assignments=["sinks=[]", "age.enabled=true", *assign])
    model = Model(encoder=grey_model().encoder, planes=grey_model().planes, texts=tower)
    return age_companion(config, model=model, recorder=Recorder("test", stamped=False), labels=LABELS)


def told(follower: Companion, frames: Iterable[Scored], *, plane: str | None = "transthalamic") -> list[AnyEvent]:
    events = [event for frame in frames for event in follower.feed(frame, plane)]
    return [*events, *follower.finish()]


def reasons(events: Iterable[AnyEvent]) -> list[str]:
    return [event.reason for event in events if isinstance(event, AgeUnavailable)]


def ages(events: Iterable[AnyEvent]) -> list[AgeEstimated]:
    return [event for event in events if isinstance(event, AgeEstimated)]


def save_decoder(path: Path, table: AgeTable | None = None, *, encoder: ModelIdentity | None = None) -> AgeDecoder:
    """A decoder file for `DayTower`, by default fitted on curves that peak near the age."""
    if table is None:
        weeks = np.random.default_rng(0).uniform(16, 38, size=60)
        table = AgeTable(
            similarity=np.stack([curve(7 * w) for w in weeks]),
            head_mm=head_circumference_mm(weeks),
            patients=tuple(str(number) for number in range(60)),
        )
    decoder = AgeDecoder(
        fit(table.similarity, table.head_mm, table.patients),
        encoder=encoder or DayTower().identity,
        prompts_sha256=load_age_templates().sha256,
    )
    decoder.save(path)
    return decoder


# Who speaks, and when it is told.


def test_the_age_of_a_stream_is_the_median_over_frames_of_a_head() -> None:
    days = [148.0] * 30 + [150.0] * 40 + [260.0] * 20
    (last,) = ages(told(companion(DayTower(), "age.every_seconds=60"), map(scored, range(90), map(curve, days))))
    assert abs(last.age_days - 150) <= 1
    assert (last.frames, last.method, last.head, last.low_days, last.coverage) == (90, "zero_shot", None, None, None)
    assert (last.spacing_mm, last.spacing_by_hand, last.pts_seconds) == (0.1, False, 89 / FPS)


def test_frames_of_other_planes_and_those_that_only_linger_in_a_visit_are_silent() -> None:
    lingering = np.array([0.8, 0.1, 0.1], np.float32)
    frames = [scored(index) for index in range(10)]
    frames += [scored(index, curve(250), scores=lingering) for index in range(10, 30)]
    (last,) = ages(told(companion(DayTower()), frames))
    assert (last.frames, last.pts_seconds) == (10, 9 / FPS)
    for plane in ("femur", None):
        events = told(companion(DayTower()), frames, plane=plane)
        assert reasons(events) == ["no head was in view: transthalamic, brain"]
        assert not ages(events)


def test_an_age_is_told_every_two_seconds_of_media_time_while_frames_speak_and_at_the_end() -> None:
    frames = [scored(index) for index in range(6 * FPS)]
    times = [event.pts_seconds for event in ages(told(companion(DayTower()), frames))]
    assert times == [2.0, 4.0, 149 / FPS]


def test_what_was_said_before_a_plane_left_is_told_in_time_and_only_once() -> None:
    follower = companion(DayTower())
    events = [e for index in range(10) for e in follower.feed(scored(index), "transthalamic")]
    assert events == []
    events = [e for index in range(10, 200) for e in follower.feed(scored(index), None)]
    assert [event.pts_seconds for event in ages(events)] == [9 / FPS]
    assert list(follower.finish()) == []


def test_media_time_that_begins_anew_holds_nothing_up() -> None:
    frames = [scored(index, pts_seconds=100 + index / FPS) for index in range(30)]
    frames += [scored(30 + index, pts_seconds=index / FPS, epoch=1) for index in range(30)]
    assert [event.frames for event in ages(told(companion(DayTower()), frames))] == [31, 60]


def test_a_calibrated_age_names_its_file_and_has_an_interval_that_does_not_shrink(tmp_path: Path) -> None:
    decoder = save_decoder(tmp_path / "age.safetensors")
    (one,) = decoder(curve(150)[None])
    assert isinstance(one, Age)
    few, many = (
        ages(told(companion(DayTower(), f"age.head={tmp_path}/age.safetensors"), map(scored, range(count))))[-1]
        for count in (3, 300)
    )
    assert (many.method, many.coverage, many.frames) == ("calibrated", 0.95, 300)
    assert many.head is not None
    assert (many.head.name, len(many.head.sha256)) == ("gestational_age", 64)
    assert (few.low_days, few.high_days) == (many.low_days, many.high_days)
    assert many.low_days == pytest.approx(one.low_days, abs=0.02)
    assert (many.low_days or 0) < 150 < (many.high_days or 0)


@pytest.mark.data
def test_the_published_similarities_give_each_patient_the_age_that_the_batch_gives(
    reference_dir: Path, tmp_path: Path
) -> None:
    table = read_age_table(reference_dir / "fetalclip_hc18_similarity.npz").counted()
    patients = np.array(table.patients)
    names, counts = np.unique(patients, return_counts=True)
    several = names[counts > 1]
    assert len(several) > 100
    rest = table.rows(~np.isin(patients, several))
    decoder = save_decoder(tmp_path / "age.safetensors", rest)
    rules: list[float] = []
    for name in several[:40]:
        rows = table.similarity[patients == name].astype(np.float32)
        frames = [scored(index, row) for index, row in enumerate(rows)]
        rule = ages(told(companion(DayTower()), frames))[-1]
        wanted = exam_age([Age(days=float(day)) for day in zero_shot_days(rows)])
        assert isinstance(wanted, Age)
        assert (rule.age_days, rule.frames) == (wanted.days, len(rows))
        rules.append(rule.age_days)
        read = ages(told(companion(DayTower(), f"age.head={tmp_path}/age.safetensors"), frames))[-1]
        wanted = exam_age(decoder(rows))
        assert isinstance(wanted, Age)
        assert read.age_days == pytest.approx(wanted.days, abs=0.02)
        assert read.low_days == pytest.approx(wanted.low_days, abs=0.02)
        assert read.high_days == pytest.approx(wanted.high_days, abs=0.02)
    assert len(set(rules)) > 10


# Why there is none.


def test_without_spacing_that_is_told_at_once_and_once_whatever_is_in_view() -> None:
    tower = DayTower()
    follower = companion(tower)
    assert reasons(follower.feed(scored(0, spacing_mm=None), None))[0].startswith("no pixel spacing")
    assert told(follower, [scored(index, spacing_mm=None) for index in range(1, 90)]) == []
    assert tower.asked == []


def test_a_spacing_given_by_hand_is_told_as_such_and_that_of_the_source_comes_first() -> None:
    frames = [scored(index, spacing_mm=None) for index in range(5)]
    by_hand = ages(told(companion(DayTower(), "age.spacing_mm=0.25"), frames))[-1]
    own = ages(told(companion(DayTower(), "age.spacing_mm=0.25"), map(scored, range(5))))[-1]
    assert [(e.spacing_mm, e.spacing_by_hand) for e in (by_hand, own)] == [(0.25, True), (0.1, False)]


def test_a_model_without_text_tower_says_so_once() -> None:
    assert reasons(told(companion(None), map(scored, range(60)))) == [NO_TEXTS]


def test_a_head_of_other_weights_is_a_reason_not_the_end_of_the_stream(tmp_path: Path) -> None:
    save_decoder(tmp_path / "age.safetensors", encoder=ModelIdentity(name="mobile", sha256="e" * 64))
    events = told(companion(DayTower(), f"age.head={tmp_path}/age.safetensors"), map(scored, range(60)))
    (reason,) = reasons(events)
    assert "was fitted on mobile" in reason
    assert len(events) == 1


def test_a_plane_head_that_knows_no_head_is_a_reason() -> None:
    events = told(companion(DayTower(), "age.planes=[transcerebellar]"), map(scored, range(5)))
    assert reasons(events) == ["the plane head knows no transcerebellar; it knows transthalamic, femur"]


def test_heads_like_none_that_is_known_have_no_age_and_the_end_says_why(tmp_path: Path) -> None:
    save_decoder(tmp_path / "age.safetensors")
    noise = np.random.default_rng(0).normal(size=DAYS).astype(np.float32)
    frames = [scored(index, noise) for index in range(60)]
    events = told(companion(DayTower(), f"age.head={tmp_path}/age.safetensors"), frames)
    assert (reasons(events), ages(events)) == ([UNLIKE], [])


@pytest.mark.parametrize("preset", ["review", "live"])
def test_a_text_tower_that_fails_is_a_reason_and_is_asked_once(preset: str) -> None:
    tower = DayTower(fails=True)
    follower = companion(tower, preset=preset)
    events: list[AnyEvent] = []
    deadline = time.monotonic() + 30
    for index in range(100_000):
        events += follower.feed(scored(index), "transthalamic")
        if (reasons(events) and index > 50) or time.monotonic() > deadline:
            break
        time.sleep(0.002)
    assert reasons(events) == ["the text tower failed: CUDA out of memory"]
    assert len(tower.asked) == 1


# Nobody waits who must not.


def wait_for(follower: Companion, *, frames: int) -> list[AnyEvent]:
    """What is told while others than heads are in view, until so many frames of heads have spoken."""
    events: list[AnyEvent] = []
    deadline = time.monotonic() + 30
    index = 10_000
    while (not events or ages(events)[-1].frames < frames) and time.monotonic() < deadline:
        events += follower.feed(scored(index), None)
        index += FPS
        time.sleep(0.002)
    return events


def test_a_live_stream_does_not_wait_and_says_later_what_its_frames_have_said() -> None:
    gate = threading.Event()
    tower = DayTower(gate=gate)
    live, review = companion(tower, preset="live"), companion(DayTower())
    frames = list(map(scored, range(100), map(curve, np.linspace(140, 160, 100))))
    began = time.monotonic()
    assert [event for frame in frames for event in live.feed(frame, "transthalamic")] == []
    assert time.monotonic() - began < 5
    gate.set()
    (late,) = ages(wait_for(live, frames=100))
    assert late.age_days == ages(told(review, frames))[-1].age_days
    assert (late.frames, late.pts_seconds) == (100, 99 / FPS)
    assert list(live.finish()) == []


def test_a_live_stream_begins_with_its_sentences_before_a_head_is_in_view_and_a_review_when_one_is() -> None:
    towers = {preset: DayTower() for preset in ("live", "review")}
    for preset, tower in towers.items():
        follower = companion(tower, preset=preset)
        list(follower.feed(scored(0), None))
        deadline = time.monotonic() + 30
        while preset == "live" and len(tower.asked) < 5 and time.monotonic() < deadline:
            time.sleep(0.002)
        list(follower.finish())
    assert (len(towers["live"].asked), len(towers["review"].asked)) == (5, 0)
    assert "0.36" in towers["live"].asked[0]


def test_another_depth_setting_holds_nothing_up_and_its_frames_count_too() -> None:
    gate = threading.Event()
    tower = DayTower(gate=gate)
    live = companion(tower, preset="live")
    for index in range(20):
        assert list(live.feed(scored(index, spacing_mm=0.1 if index < 10 else 0.2), "transthalamic")) == []
    gate.set()
    last = ages(wait_for(live, frames=20))[-1]
    assert (last.frames, last.spacing_mm, last.pts_seconds) == (20, 0.2, 19 / FPS)
    assert ["0.36" in asked for asked in tower.asked] == [True] * 5 + [False] * 5


def test_a_live_stream_that_ends_first_does_not_wait_either_and_says_why() -> None:
    gate = threading.Event()
    live = companion(DayTower(gate=gate), preset="live")
    began = time.monotonic()
    events = told(live, map(scored, range(50)))
    assert time.monotonic() - began < 5
    assert reasons(events) == [ENDED_EARLY]
    gate.set()


# What the user says.


def test_who_gives_a_spacing_on_the_command_line_wants_an_age() -> None:
    age = load_config("live", flags=age_flags(0.21)).age
    assert (age.enabled, age.spacing_mm) == (True, 0.21)
    assert load_config("live", flags=age_flags(None)).age.enabled is False


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("age.spacing_mm=21", "age.spacing_mm=21: Input should be less than or equal to 10"),
        ("age.spacing_mm=0", "age.spacing_mm=0: Input should be greater than 0"),
        ("age.head=nowhere.safetensors", "age.head='nowhere.safetensors': Path does not point to a file"),
        ("age.planes=[]", "age.planes"),
    ],
)
def test_what_cannot_be_is_refused_before_a_stream_begins(assignment: str, said: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_config("live", assignments=[assignment])
    assert said in str(refusal.value)


def test_a_damaged_head_file_is_an_error_and_no_reason(tmp_path: Path) -> None:
    (tmp_path / "age.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelError, match=r"age\.safetensors is a damaged age decoder"):
        companion(DayTower(), f"age.head={tmp_path}/age.safetensors")
