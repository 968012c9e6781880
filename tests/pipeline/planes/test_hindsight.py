"""The law of hindsight: a review may decide once all is seen; live never, and by default both decide alike."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fetalstream.models.encoder import Features, Model
from fetalstream.models.outputs import PlaneScores
from fetalstream.models.testing import GreyEncoder
from fetalstream.pipeline.assemble import build_run
from fetalstream.pipeline.evaluation.sweep_file import read_sweeps
from fetalstream.pipeline.messages import Notice, Scored, SignalChange
from fetalstream.pipeline.planes.hindsight import stretches
from fetalstream.pipeline.planes.plane_filter import viterbi
from fetalstream.pipeline.settings import ConfigError, load_config
from fetalstream.pipeline.signal.gates import GateState
from fetalstream.sinks import AnyEvent, FrameScores, PlaneEntered, PlaneLeft
from fetalstream.sinks.testing import ListSink
from fetalstream.sources import Damage, Frame, Item, Picture, SourceState, StateChange
from fetalstream.sources.testing import ListSource

FPS = 25
SWEEPS = read_sweeps(Path(__file__).parents[1] / "phantom_scores.npz")[1]
FRAMES = 250
"""As many as there are grey levels to number them by, and no more."""


class RecordedHead:
    """Reads the number of a frame off its grey level, and gives the scores that the compact model gave it."""

    def __init__(self, labels: Sequence[str], scores: NDArray[np.float32]) -> None:
        self.labels = tuple(labels)
        self._scores = scores

    def __call__(self, features: Features) -> PlaneScores:
        numbers = features.embedding[:, 0].numpy().astype(int)
        return PlaneScores(labels=self.labels, scores=self._scores[numbers])


def told(sweep: int, preset: str, *assign: str, start: int = 0) -> list[AnyEvent]:
    """Ten seconds of a recorded sweep through a preset; frames come faster than at their pace, and none is dropped."""
    one = SWEEPS[sweep]
    model = Model(encoder=GreyEncoder(), planes=RecordedHead(one.labels, one.scores[start : start + FRAMES]))
    sink = ListSink()
    whole = ["sinks=[]", "capture.folder=null", "ui.enabled=false", "flow.queue_frames=300", "signal.gates=[]"]
    source = ListSource(_frames())
    run = build_run(
        load_config(preset, assignments=[*whole, "fan.find=false", "quality.enabled=false", *assign]),
        source=source,
        info=source.open(),
        model=model,
        sinks=[sink],
        stream="cine",
        stamped=preset == "live",
    )
    ended = run.run().ended
    assert (ended.frames_embedded, ended.frames_dropped) == (FRAMES, {})
    return sink.events


def _frames() -> Iterator[Item]:
    for index in range(FRAMES):
        picture = Picture.of(np.full((4, 4), index, np.uint8))
        yield Frame(index=index, pts_seconds=index / FPS, captured_ns=time.monotonic_ns(), picture=picture)


def visits(events: Sequence[AnyEvent]) -> list[tuple[str, float, float, int, float]]:
    return [
        (one.plane, one.start_seconds, one.end_seconds, one.best_frame_index, one.score)
        for one in events
        if isinstance(one, PlaneLeft)
    ]


@pytest.mark.parametrize(("sweep", "start"), [(0, 0), (1, 250), (2, 500)])
def test_the_same_cine_through_live_not_overloaded_and_review_gives_the_same_segments(sweep: int, start: int):
    live, review = told(sweep, "live", start=start), told(sweep, "review", start=start)
    assert visits(live) == visits(review)
    assert len(visits(review)) >= 2


@pytest.mark.parametrize("sweep", [0, 3])
def test_a_review_with_viterbi_tells_the_most_likely_course(sweep: int):
    one = SWEEPS[sweep]
    events = told(sweep, "review", "smoothing.kind=viterbi")
    shown = viterbi(one.labels, one.pts_seconds[:FRAMES], one.scores[:FRAMES])
    expected = [label for label, before in zip(shown, ["background", *shown], strict=False) if label != before]
    assert [visit[0] for visit in visits(events)] == [label for label in expected if label != "background"]
    for plane, start_seconds, end_seconds, best, score in visits(events):
        inside = range(round(start_seconds * FPS), round(end_seconds * FPS))
        assert {shown[index] for index in inside} == {plane}
        assert best in inside
        assert score == pytest.approx(one.scores[inside, one.labels.index(plane)].mean(), abs=1e-3)


def test_a_review_with_viterbi_can_be_repeated_and_keeps_its_order():
    first, second = (told(4, "review", "smoothing.kind=viterbi", "frame_scores=true") for _ in range(2))
    assert first == second
    times = [
        one.pts_seconds if isinstance(one, FrameScores) else one.start_seconds
        for one in first
        if isinstance(one, FrameScores | PlaneEntered)
    ]
    assert times == sorted(times)
    numbers = [one.sequence for one in first if not isinstance(one, FrameScores)]
    assert numbers == list(range(len(numbers)))


def test_live_refuses_to_look_ahead_and_captures_refuse_to_look_back():
    with pytest.raises(ConfigError, match=r"viterbi' needs the whole recording.*hidden_markov, low_pass"):
        told(0, "live", "smoothing.kind=viterbi")
    with pytest.raises(ConfigError, match=r"no capture\.folder"):
        load_config("review", assignments=["smoothing.kind=viterbi", "capture.folder=out"])


def scored(pts_seconds: float, *, epoch: int = 0) -> Scored:
    return Scored(index=0, pts_seconds=pts_seconds, captured_ns=0, epoch=epoch, scores=np.zeros(2, np.float32))


def signal(state: GateState) -> SignalChange:
    return SignalChange(state=state, reason="", pts_seconds=0.3, captured_ns=0, epoch=0)


@pytest.mark.parametrize(
    ("between", "after", "is_parted"),
    [
        (None, scored(0.3), False),
        (Damage(what="torn"), scored(0.3), False),
        (StateChange(SourceState.RUNNING), scored(0.3), False),
        (signal(GateState.OPEN), scored(0.3), False),
        (StateChange(SourceState.STALLED), scored(0.3), True),
        (signal(GateState.FROZEN), scored(0.3), True),
        (None, scored(0.3, epoch=1), True),
        (None, scored(0.1), True),  # backward
        (None, scored(1.3), True),  # a pause
    ],
)
def test_a_course_is_parted_where_an_analyst_starts_afresh(between: Notice | None, after: Scored, is_parted: bool):
    messages = [scored(0.1), scored(0.2), *([between] if between else []), after]
    lengths = [len(stretch) for stretch in stretches(messages, max_gap_seconds=1)]
    assert lengths == ([2, 1] if is_parted else [3])


def test_nothing_seen_is_nothing_to_decide():
    assert list(stretches([StateChange(SourceState.RUNNING)], max_gap_seconds=1)) == []


def test_a_configuration_that_gives_a_time_constant_means_the_low_pass():
    config = load_config("live", assignments=["smoothing.time_constant_seconds=0.1"])
    assert (config.smoothing.kind, config.segments.hold_seconds, config.segments.release_seconds) == (
        "low_pass", 0.2, 0.3,
    )  # fmt: skip
    assert load_config("live").smoothing.kind == load_config("review").smoothing.kind == "hidden_markov"
    again = load_config("live", flags=json.loads(load_config("live").model_dump_json()))
    assert again.smoothing.kind == "hidden_markov"  # written out and read back
