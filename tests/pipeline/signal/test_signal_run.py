"""The law of the gate in a run: nothing is said behind it, every frame is accounted for, changes are told in place."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from fetalstream.models.testing import GreyEncoder, GreyHead, grey_model
from fetalstream.pipeline.assemble import build_run
from fetalstream.pipeline.review import find_studies, review_study
from fetalstream.pipeline.run import Outcome, StreamRun
from fetalstream.pipeline.settings import load_config
from fetalstream.sinks import AnyEvent, FrameScores, PlaneEntered, PlaneLeft, SignalChanged
from fetalstream.sinks.testing import ListSink
from fetalstream.sources import Frame, Picture, Pixels
from fetalstream.sources.testing import ListSource

FPS = 25
HEAD = GreyHead(("femur",))
FEMUR = HEAD.grey_of("femur")


def living(count: int, *, seed: int = 0) -> list[Pixels]:
    """Speckle that moves, (96 128) uint8, with the mean grey that shows a femur to the fake model."""
    rng = np.random.default_rng(seed)
    speckle = rng.gamma(1.0, FEMUR, (count, 96, 128))
    return [np.clip(picture * FEMUR / picture.mean(), 0, 255).astype(np.uint8) for picture in speckle]


def stream(pictures: Sequence[Pixels], *, epochs: Sequence[int] | None = None) -> Iterator[Frame]:
    for index, pixels in enumerate(pictures):
        yield Frame(
            index=index,
            pts_seconds=index / FPS,
            captured_ns=index,
            epoch=epochs[index] if epochs else 0,
            picture=Picture.of(pixels),
        )


def run_of(pictures: Sequence[Pixels], *assign: str) -> tuple[StreamRun, Outcome, list[AnyEvent]]:
    sink = ListSink()
    source = ListSource(stream(pictures))
    config = load_config("review", assignments=["sinks=[]", "frame_scores=true", *assign])
    run = build_run(
        config, source=source, info=source.open(), model=grey_model(("femur",)), sinks=[sink], stream="s", stamped=False
    )
    return run, run.run(), sink.events


def flat(grey: int, count: int) -> list[Pixels]:
    return [np.full((96, 128), grey, dtype=np.uint8)] * count


def frozen(count: int) -> list[Pixels]:
    return [living(1, seed=9)[0]] * count


CLOSED = {"frozen": frozen(50), "black": flat(0, 50), "no_signal": flat(FEMUR, 50)}
"""Each of these looks like a femur, or like nothing, to the fake model."""


@pytest.mark.parametrize("state", CLOSED)
def test_behind_a_closed_gate_the_plane_has_left_and_no_frame_is_scored(state: str):
    _, outcome, events = run_of([*living(50), *CLOSED[state], *living(50, seed=1)])
    told = [event for event in events if isinstance(event, SignalChanged | PlaneEntered | PlaneLeft)]
    kinds = [type(event) for event in told]
    assert kinds == [PlaneEntered, PlaneLeft, SignalChanged, SignalChanged, PlaneEntered, PlaneLeft]
    _, left, closed, opened, entered, _ = told
    assert isinstance(left, PlaneLeft)
    assert isinstance(closed, SignalChanged)
    assert isinstance(opened, SignalChanged)
    assert isinstance(entered, PlaneEntered)
    assert (closed.state, opened.state, opened.reason) == (state, "open", "")
    assert closed.reason
    assert left.reason == f"signal {state}"
    assert 2.0 < closed.pts_seconds <= 2.0 + 0.7
    assert 4.0 <= opened.pts_seconds <= 4.0 + 0.2
    assert left.end_seconds <= closed.pts_seconds
    assert entered.start_seconds >= opened.pts_seconds
    scored = [event.pts_seconds for event in events if isinstance(event, FrameScores)]
    assert not [seconds for seconds in scored if closed.pts_seconds <= seconds < opened.pts_seconds]
    assert outcome.ended.frames_skipped == {state: round((opened.pts_seconds - closed.pts_seconds) * FPS)}


def test_frames_behind_the_gate_are_not_embedded_but_every_frame_is_counted_once():
    run, outcome, events = run_of([*living(30), *flat(0, 30), *frozen(30), *flat(FEMUR, 30), *living(30, seed=1)])
    ended = outcome.ended
    assert ended.frames_read == 150
    assert set(ended.frames_skipped) == {"black", "frozen", "no_signal"}
    assert ended.frames_embedded + sum(ended.frames_skipped.values()) == 150
    assert isinstance(run.model.encoder, GreyEncoder)
    assert sum(run.model.encoder.batch_sizes) == ended.frames_embedded
    assert sum(isinstance(event, FrameScores) for event in events) == ended.frames_embedded
    assert dict(run.telemetry.snapshot().skipped) == ended.frames_skipped


def test_gates_that_are_switched_off_say_nothing():
    _, outcome, events = run_of([*living(30), *flat(0, 30), *frozen(30)], "signal.gates=[frozen]")
    assert {event.state for event in events if isinstance(event, SignalChanged)} == {"frozen"}
    _, outcome, events = run_of([*living(30), *flat(0, 30), *frozen(30)], "signal.gates=[]")
    assert not [event for event in events if isinstance(event, SignalChanged)]
    assert outcome.ended.frames_embedded == 90


def test_the_screen_of_a_closed_gate_shows_no_plane():
    run, _, _ = run_of([*living(50), *flat(0, 50)])
    snapshot = run.telemetry.snapshot()
    assert (snapshot.signal, snapshot.signal_reason) == ("black", "the picture is black")
    assert snapshot.plane is None
    assert not snapshot.scores


def test_adaptive_sampling_in_a_run_counts_what_it_leaves_out():
    still = living(1)[0]
    _, outcome, _ = run_of(
        [*living(50), *[still] * 50], "sampling={kind: adaptive, min_fps: 5, max_fps: 25}", "signal.gates=[]"
    )
    ended = outcome.ended
    assert ended.frames_embedded == 50 + 10
    assert ended.frames_skipped == {"near_duplicate": 40}


@pytest.mark.data
def test_a_review_of_real_cines_gives_the_same_bytes_twice_and_closes_for_real_freezes_alone(
    data_dir: Path, tmp_path: Path
):
    """Two of three end or begin frozen: the operator had pressed freeze before the recording stopped."""
    states: dict[str, Counter[str]] = {}
    for study in find_studies([data_dir / "video"]):
        written: list[bytes] = []
        for name in ("one", "two"):
            summary = review_study(study, config=load_config("review"), model=grey_model(), out=tmp_path / name)
            written.append((tmp_path / name / study.name / "events.jsonl").read_bytes())
        assert written[0] == written[1]
        states[study.name] = Counter(summary["frames_skipped_by_reason"])
    assert states == {
        "butterfly-ocular-phantom": Counter(frozen=1),  # the last 9 of 369 pictures are one
        "clarius-ocular-short": Counter(),
        "sonosite-anon-eye1-video": Counter(frozen=76),  # one picture, 100 times
    }
