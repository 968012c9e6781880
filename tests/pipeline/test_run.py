"""The law of a run: one graph, two policies; nothing is lost unsaid, and whatever happens the record is closed."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pytest

from fetalstream.models.encoder import Features, Model
from fetalstream.models.testing import GreyEncoder, GreyHead, grey_model
from fetalstream.pipeline.assemble import build_run
from fetalstream.pipeline.config import Config
from fetalstream.pipeline.run import StreamRun
from fetalstream.pipeline.settings import load_config
from fetalstream.pipeline.signal.fan import Fan
from fetalstream.sinks import AnyEvent, PlaneEntered, PlaneLeft, SinkError, StreamEnded, StreamStarted, StreamState
from fetalstream.sinks.captures import OPEN_MARK
from fetalstream.sinks.testing import ListSink
from fetalstream.sources import Damage, Frame, Item, Picture, Source, SourceInfo, SourceState, StateChange
from fetalstream.sources.testing import ListSource

FPS = 25
HEAD = GreyHead(("femur", "abdomen"))


def frames(labels: Iterable[str], *, paced_seconds: float = 0.0, converted: list[int] | None = None) -> Iterator[Frame]:
    """One frame per label; its grey level shows the label to the fake model."""
    for index, label in enumerate(labels):
        grey = np.full((8, 8), HEAD.grey_of(label), dtype=np.uint8)

        def convert(grey: np.ndarray = grey, index: int = index) -> np.ndarray:
            if converted is not None:
                converted.append(index)
            return grey

        if paced_seconds:
            time.sleep(paced_seconds)
        yield Frame(
            index=index,
            pts_seconds=index / FPS,
            captured_ns=time.monotonic_ns(),
            picture=Picture(width_px=8, height_px=8, convert=convert),
        )


SWEEP = ["background"] * 25 + ["femur"] * 50 + ["background"] * 25 + ["abdomen"] * 50


def run_of(
    source: Source, sink: ListSink, *, preset: str = "review", model: Model | None = None, assign: Sequence[str] = ()
) -> StreamRun:
    config: Config = load_config(preset, assignments=["sinks=[]", *assign])
    return build_run(
        config,
        source=source,
        info=source.open(),
        model=model or grey_model(),
        sinks=[sink],
        stream="test",
        stamped=preset == "live",
    )


def planes(events: Sequence[AnyEvent]) -> list[tuple[str, float, float]]:
    return [(e.plane, e.start_seconds, e.end_seconds) for e in events if isinstance(e, PlaneLeft)]


def test_a_review_sees_every_frame_and_tells_the_planes_in_order():
    sink = ListSink()
    outcome = run_of(ListSource(frames(SWEEP)), sink).run()
    assert [plane for plane, _, _ in planes(sink.events)] == ["femur", "abdomen"]
    assert (outcome.ended.frames_read, outcome.ended.frames_embedded, outcome.ended.frames_dropped) == (150, 150, {})
    assert outcome.ended.media_seconds == pytest.approx(6.0)
    assert not outcome.failed
    assert isinstance(sink.events[0], StreamStarted)
    assert sink.events[-1] is outcome.ended


def test_live_when_not_overloaded_and_review_give_the_same_planes():
    """One graph with two policies: only the channel differs."""
    live, review = ListSink(), ListSink()
    room = ["flow.queue_frames=200"]  # whatever else the machine does meanwhile
    outcome = run_of(ListSource(frames(SWEEP)), live, preset="live", assign=room).run()
    run_of(ListSource(frames(SWEEP)), review).run()
    assert outcome.ended.frames_dropped == {}
    assert planes(live.events) == planes(review.events)


def test_a_slow_model_in_live_drops_and_counts_but_never_falls_behind():
    """Ten times too slow: 50 ms a frame for a source that gives one every 5 ms."""
    sink, seconds = ListSink(), 0.05
    model = grey_model(seconds_per_batch=seconds)
    run = run_of(ListSource(frames(["femur"] * 400, paced_seconds=seconds / 10)), sink, preset="live", model=model)
    ended = run.run().ended
    dropped = sum(ended.frames_dropped.values())
    assert ended.frames_dropped["encoder_busy"] > 0
    assert dropped > 200
    assert ended.frames_embedded + dropped == ended.frames_read == 400
    stamps = [event.stamp for event in sink.events if event.stamp]
    assert sum(stamp.frames_dropped for stamp in stamps) == dropped  # each event tells those since the one before
    latency_ms = run.telemetry.snapshot().latency_p95_ms
    assert latency_ms is not None
    assert latency_ms < 4 * seconds * 1000  # two encodings, and what a busy machine adds


class Counts:
    """An onlooker that counts."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def see(self, frame: Frame, fan: Fan | None) -> None:
        self.seen.append(frame.index)


def test_however_slow_the_model_is_the_picture_is_looked_at_at_its_own_rate():
    model = grey_model(seconds_per_batch=0.2)
    source = ListSource(frames(["femur"] * 100, paced_seconds=0.01))
    run = run_of(source, ListSink(), preset="live", model=model)
    onlooker = Counts()
    run.onlookers = [onlooker]
    ended = run.run().ended
    assert ended.frames_embedded < 20
    assert len(onlooker.seen) == 100 - ended.frames_dropped.get("look_busy", 0) > 50
    assert onlooker.seen == sorted(set(onlooker.seen))


def test_a_slow_model_in_review_drops_nothing():
    sink = ListSink()
    model = grey_model(seconds_per_batch=0.02)
    ended = run_of(ListSource(frames(["femur"] * 100)), sink, model=model).run().ended
    assert (ended.frames_read, ended.frames_embedded, ended.frames_dropped) == (100, 100, {})


def test_the_batches_of_a_review_do_not_depend_on_timing():
    sizes: list[list[int]] = []
    for pace in (0.0, 0.001):
        model = grey_model()
        run_of(ListSource(frames(["femur"] * 30, paced_seconds=pace)), ListSink(), model=model).run()
        assert isinstance(model.encoder, GreyEncoder)
        sizes.append(model.encoder.batch_sizes)
    assert sizes[0] == sizes[1]
    assert sum(sizes[0]) == 30


def test_frames_that_sampling_leaves_out_are_counted_and_never_converted():
    converted: list[int] = []
    sink = ListSink()
    source = ListSource(frames(SWEEP, converted=converted))
    ended = run_of(source, sink, assign=["sampling={kind: fixed_rate, rate_fps: 5}"]).run().ended
    assert (ended.frames_embedded, ended.frames_skipped) == (30, {"sampling": 120})
    assert converted == list(range(0, 150, 5))


def test_notices_keep_their_place_between_the_frames():
    items: list[Item] = list(frames(["femur"] * 20))
    items.insert(10, Damage(what="torn", lost_packets=2))
    sink = ListSink()
    run_of(ListSource(items), sink, assign=["frame_scores=true"]).run()
    kinds = [type(event).__name__ for event in sink.events if not isinstance(event, PlaneEntered)]
    middle = kinds.index("StreamDamaged")
    assert kinds[:middle].count("FrameScores") == 10
    assert kinds[middle:].count("FrameScores") == 10


def test_a_stalled_source_ends_the_visit_and_the_record_goes_on():
    items: list[Item] = list(frames(["femur"] * 40))
    items.insert(20, StateChange(SourceState.STALLED, "no frame for 1 s"))
    items.insert(21, StateChange(SourceState.RUNNING))
    sink = ListSink()
    run_of(ListSource(items), sink).run()
    assert [plane for plane, _, _ in planes(sink.events)] == ["femur", "femur"]


def test_a_source_that_fails_is_told_and_its_record_closed():
    items: list[Item] = [*frames(["femur"] * 20), StateChange(SourceState.FAILED, "cable pulled")]
    sink = ListSink()
    outcome = run_of(ListSource(items), sink).run()
    assert outcome.failed
    assert outcome.ended.reason == "failed: cable pulled"
    assert len(planes(sink.events)) == 1


class Breaks:
    """An encoder that breaks at its third batch."""

    def __init__(self) -> None:
        self._inner, self._left = GreyEncoder(), 2
        self.identity, self.sees_colour = self._inner.identity, self._inner.sees_colour
        self.prepare = self._inner.prepare

    def encode(self, prepared: list) -> Features:
        if not self._left:
            raise RuntimeError("out of memory")
        self._left -= 1
        return self._inner.encode(prepared)


def test_the_first_failure_of_a_stage_is_raised_after_the_record_is_closed():
    sink = ListSink()
    model = Model(encoder=Breaks(), planes=HEAD)
    with pytest.raises(RuntimeError, match="out of memory"):
        run_of(ListSource(frames(["femur"] * 200)), sink, model=model).run()
    assert isinstance(sink.events[-1], StreamEnded)
    assert sink.events[-1].reason == "failed: out of memory"
    assert isinstance(sink.events[-2], PlaneLeft)


class FullDisk(ListSink):
    """A sink that takes five events."""

    def write(self, event: AnyEvent) -> None:
        if len(self.events) == 5:
            raise SinkError("events.jsonl: no space left on device")
        super().write(event)


def test_a_sink_that_fails_ends_the_run_with_its_own_words():
    with pytest.raises(SinkError, match="no space left"):
        run_of(ListSource(frames(["femur"] * 50)), FullDisk(), assign=["frame_scores=true"]).run()


def test_a_sink_that_fails_keeps_nobody_from_letting_go_of_their_files(tmp_path):
    assign = ["frame_scores=true", f"capture.folder={tmp_path}"]
    run = run_of(ListSource(frames(["femur"] * 50)), FullDisk(), assign=assign)
    assert list(tmp_path.rglob(OPEN_MARK))
    with pytest.raises(SinkError, match="no space left"):
        run.run()
    assert not list(tmp_path.rglob(OPEN_MARK))


def test_stop_ends_in_order_and_finishes_what_is_under_way():
    sink = ListSink()
    run = run_of(ListSource(frames(["femur"] * 100_000, paced_seconds=0.001)), sink)
    threading.Timer(0.3, run.stop).start()
    ended = run.run().ended
    assert 0 < ended.frames_read < 100_000
    assert ended.frames_embedded == ended.frames_read
    assert len(planes(sink.events)) == 1


def test_cancel_ends_now_even_when_the_model_is_slow():
    sink = ListSink()
    model = grey_model(seconds_per_batch=0.2)
    run = run_of(ListSource(frames(["femur"] * 1000)), sink, model=model)
    threading.Timer(0.3, run.cancel).start()
    started = time.monotonic()
    ended = run.run().ended
    assert time.monotonic() - started < 3
    assert ended.frames_embedded < 1000
    assert sink.events[-1] is ended


def test_no_thread_is_left_behind():
    before = threading.active_count()
    for _ in range(5):
        run_of(ListSource(frames(["femur"] * 20)), ListSink()).run()
    assert threading.active_count() <= before  # those that earlier tests left may have gone meanwhile


def test_live_events_are_stamped_and_those_of_a_review_are_not():
    live, review = ListSink(), ListSink()
    run_of(ListSource(frames(SWEEP, paced_seconds=0.002)), live, preset="live").run()
    run_of(ListSource(frames(SWEEP)), review).run()
    assert all(event.stamp is not None for event in live.events)
    assert all(event.stamp is None for event in review.events)
    states = [event.state for event in review.events if isinstance(event, StreamState)]
    assert states == ["running", "ended"]


def test_the_first_event_names_the_model_and_the_labels():
    sink = ListSink()
    source = ListSource(frames(SWEEP), info=SourceInfo(uri="file:a.mp4", name="a"))
    run_of(source, sink).run()
    first = sink.events[0]
    assert isinstance(first, StreamStarted)
    assert (first.source, first.labels) == ("file:a.mp4", ("background", "femur", "abdomen"))
    assert first.model.name == "grey"
    assert len(first.model.sha256) == 64
    assert first.research_use_only
