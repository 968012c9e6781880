"""The law of sinks in trouble: the stream goes on, nothing waits unsaid, and what waited comes in order."""

from collections.abc import Sequence

import pytest

from fetalstream.pipeline.outlets import MOST_WAITING, RETRY_SECONDS, Outlets
from fetalstream.pipeline.recorder import Recorder
from fetalstream.sinks import AnyEvent, FrameScores, SinkDegraded, SinkError, SinkRecovered, StreamEnded, StreamState
from fetalstream.sinks.sink import Sink, SinkTroubleError, Standing
from fetalstream.sinks.testing import ListSink


class Disk(ListSink):
    """A sink that can be full."""

    full = False
    tries = 0

    def write(self, event: AnyEvent) -> None:
        self.tries += 1
        if self.full:
            raise SinkTroubleError(sink="disk", where="/patients/smith/events.db", reason="disk is full")
        super().write(event)


class Courier(ListSink):
    """A sink that delivers in the background."""

    standing = Standing("courier", "", 0, 0)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Stage:
    """Outlets with what surrounds them."""

    def __init__(self, *sinks: Sink, live: bool = True) -> None:
        self.clock = Clock()
        self.recorder = Recorder("s", stamped=False)
        self.outlets = Outlets(sinks, recorder=self.recorder, live=live, clock=self.clock)

    def say(self, count: int = 1) -> None:
        for _ in range(count):
            self.outlets.write(self.recorder.make(StreamState, state="running"))
            self.outlets.tick()

    def later(self, seconds: float = RETRY_SECONDS) -> None:
        self.clock.seconds += seconds
        self.outlets.tick()

    def end(self) -> tuple[Standing, ...]:
        counts = {"frames_read": 0, "frames_embedded": 0, "frames_dropped": {}, "frames_skipped": {}}
        self.outlets.tick(last=True)
        self.outlets.write(self.recorder.make(StreamEnded, reason="ended", media_seconds=0.0, **counts))
        return self.outlets.finish()


def numbers(events: Sequence[AnyEvent]) -> list[int]:
    return [event.sequence for event in events]


def of(kind: type, events: Sequence[AnyEvent]) -> list:
    return [event for event in events if isinstance(event, kind)]


def test_while_one_sink_is_in_trouble_the_others_get_everything_at_once():
    disk, bus = Disk(), ListSink()
    stage = Stage(disk, bus)
    stage.say(2)
    disk.full = True
    stage.say(3)
    assert numbers(disk.events) == [0, 1]
    assert numbers(bus.events) == [0, 1, 2, 3, 4, 5]


def test_trouble_is_said_once_and_names_the_sink_but_no_path():
    disk, bus = Disk(), ListSink()
    stage = Stage(disk, bus)
    disk.full = True
    stage.say(5)
    (told,) = of(SinkDegraded, bus.events)
    assert (told.sink, told.reason) == ("disk", "disk is full")
    assert bus.events.index(told) == 1
    assert stage.outlets.standings == (Standing("disk", "disk is full", 6, 0),)


def test_when_it_is_well_again_what_waited_comes_in_order_and_the_others_are_told():
    disk, bus = Disk(), ListSink()
    stage = Stage(disk, bus)
    stage.say()
    disk.full = True
    stage.say(3)
    disk.full = False
    stage.later()
    stage.say()
    assert disk.events == bus.events
    assert numbers(disk.events) == list(range(7))
    (told,) = of(SinkRecovered, bus.events)
    assert (told.sink, told.events_late, told.events_lost) == ("disk", 4, 0)  # three and the word of the trouble
    assert stage.outlets.standings == ()


def test_a_sink_in_trouble_is_tried_once_a_second_not_at_every_event():
    disk = Disk()
    stage = Stage(disk)
    disk.full = True
    stage.say(100)
    assert disk.tries == 1
    for _ in range(16):
        stage.later(RETRY_SECONDS / 8)
    assert disk.tries == 3


def test_trouble_can_come_again():
    disk, bus = Disk(), ListSink()
    stage = Stage(disk, bus)
    for _ in range(3):
        disk.full = True
        stage.say(2)
        disk.full = False
        stage.later()
    assert len(of(SinkDegraded, bus.events)) == len(of(SinkRecovered, bus.events)) == 3
    assert disk.events == bus.events


def test_more_than_can_wait_is_lost_from_the_oldest_on_and_counted():
    disk, bus = Disk(), ListSink()
    stage = Stage(disk, bus)
    disk.full = True
    stage.say(MOST_WAITING + 9)
    disk.full = False
    stage.later()
    (told,) = of(SinkRecovered, bus.events)
    assert (told.events_late, told.events_lost) == (MOST_WAITING, 10)
    assert numbers(disk.events)[0] == 10


def test_scores_of_frames_do_not_wait():
    disk = Disk()
    stage = Stage(disk)
    disk.full = True
    stage.say()
    for _ in range(50):
        stage.outlets.write(stage.recorder.make(FrameScores, frame_index=0, pts_seconds=0.0, epoch=0, scores=()))
    assert stage.outlets.standings[0].waiting == 2


def test_a_sink_that_makes_up_for_lost_time_holds_the_stream_up_for_a_moment_only():
    stage = Stage()

    class Slow(Disk):
        def write(self, event: AnyEvent) -> None:
            stage.clock.seconds += 0.02
            super().write(event)

    slow = Slow()
    stage.outlets = Outlets([slow], recorder=stage.recorder, live=True, clock=stage.clock)
    slow.full = True
    stage.say(10)
    slow.full = False
    stage.later()
    assert len(slow.events) == 3
    for _ in range(3):
        stage.outlets.tick()
    assert numbers(slow.events) == list(range(len(slow.events)))
    assert stage.outlets.standings == ()


def test_the_last_event_stays_the_last_whatever_the_sinks_do():
    disk, bus = Disk(), ListSink()
    stage = Stage(disk, bus)
    stage.say()
    disk.full = True
    behind = stage.end()
    assert isinstance(bus.events[-1], StreamEnded)
    assert behind == (Standing("disk", "disk is full", 1, 0),)


def test_at_the_end_what_waits_gets_one_more_chance_before_the_last_event():
    disk, bus = Disk(), ListSink()
    stage = Stage(disk, bus)
    disk.full = True
    stage.say(3)
    disk.full = False
    assert stage.end() == ()
    assert disk.events == bus.events
    assert [type(event) for event in bus.events[-2:]] == [SinkRecovered, StreamEnded]


def test_where_the_source_can_be_read_again_trouble_ends_the_run():
    disk = Disk()
    stage = Stage(disk, live=False)
    disk.full = True
    with pytest.raises(SinkTroubleError, match=r"/patients/smith/events\.db: disk is full"):
        stage.say()


def test_what_will_not_pass_ends_a_live_stream_too():
    gone = ListSink()
    stage = Stage(gone)
    gone.close()
    with pytest.raises(SinkError, match="is closed"):
        stage.say()


def test_a_sink_that_delivers_in_the_background_is_asked_and_its_trouble_told():
    courier, bus = Courier(), ListSink()
    stage = Stage(courier, bus)
    stage.say()
    courier.standing = Standing("courier", "nobody answers", 4, 0)
    stage.later(0.1)
    courier.standing = Standing("courier", "nobody answers", 9, 1)
    stage.later(0.1)
    assert stage.outlets.standings == (courier.standing,)
    courier.standing = Standing("courier", "", 0, 2)
    stage.later(0.1)
    degraded, recovered = of(SinkDegraded, bus.events)[0], of(SinkRecovered, bus.events)[0]
    assert (degraded.sink, degraded.reason) == ("courier", "nobody answers")
    assert (recovered.events_late, recovered.events_lost) == (9, 2)
    assert stage.outlets.standings == ()
    assert courier.events == bus.events
