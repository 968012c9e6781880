import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from fetalstream.sources import Damage, Frame, Item, Picture, SourceError, SourceState, StateChange
from fetalstream.sources.abandon import left_behind
from fetalstream.sources.clock import Repair
from fetalstream.sources.link import Arrival, LinkError, LinkInfo
from fetalstream.sources.live import MOST_LEFT_BEHIND, LiveSource
from fetalstream.sources.supervise import Patience
from fetalstream.sources.testing import ListLink

from .reading import read_until

HASTY = Patience(open_seconds=0.5, stall_seconds=0.15, silence_seconds=0.4, retry_seconds=0.05, refused_seconds=0.05)
RUNNING, STALLED, RECONNECTING = SourceState.RUNNING, SourceState.STALLED, SourceState.RECONNECTING


def picture(stamp_seconds: float | None = None, *, width_px: int = 8) -> Arrival:
    pixels = np.zeros((6, width_px), np.uint8)
    return Arrival(picture=Picture.of(pixels), captured_ns=0, wall_ns=0, stamp_seconds=stamp_seconds)


def at_pace(*stamps: float | None) -> Iterator[Arrival | float]:
    for stamp in stamps:
        yield 0.02
        yield picture(stamp)


def source_of(*links: ListLink, patience: Patience = HASTY, latency_seconds: float = 0.0) -> LiveSource:
    """A source whose connections are ``links`` in their order; after the last there are no more."""
    waiting = list(links)

    def connect() -> ListLink:
        return waiting.pop(0) if waiting else ListLink([], info=LinkError("nothing listens"))

    return LiveSource(connect, uri="list://", name="list", patience=patience, latency_seconds=latency_seconds)


def states(items: list[Item]) -> list[SourceState]:
    return [item.state for item in items if isinstance(item, StateChange)]


def frames(items: list[Item]) -> list[Frame]:
    return [item for item in items if isinstance(item, Frame)]


def test_it_opens_with_its_first_picture_and_ends_with_its_link():
    link = ListLink([picture(5.0), *at_pace(5.02, 5.04)], info=LinkInfo(announced_fps=50.0))
    source = source_of(link)
    info = source.open()
    items = list(source.items())
    assert (info.width_px, info.height_px, info.announced_fps, info.is_live) == (8, 6, 50.0, True)
    assert states(items) == [RUNNING, SourceState.ENDED]
    assert [frame.index for frame in frames(items)][-1] == 2
    assert link.closed.wait(5)


def test_a_link_that_says_nothing_fails_at_the_deadline_and_is_left_behind():
    hang = threading.Event()
    link = ListLink([hang])
    source = source_of(link)
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"list://: no picture came within 0\.5 s"):
        source.open()
    assert 0.45 < time.monotonic() - began < 2
    assert left_behind() >= 1, "it is counted; other tests' threads may come back meanwhile"
    assert not link.closed.is_set()
    hang.set()
    assert link.closed.wait(5), "what comes back late is closed"


def test_a_link_that_cannot_be_made_fails_at_once_with_its_reason():
    with pytest.raises(SourceError, match="list://: nothing listens"):
        source_of().open()


def test_silence_is_told_and_the_same_connection_may_come_back():
    items = read_until(
        source_of(ListLink([picture(0.0), 0.25, *at_pace(0.25), threading.Event()])),
        lambda item: isinstance(item, Frame) and item.index == 1,
    )
    assert states(items) == [RUNNING, STALLED, RUNNING]
    assert {frame.epoch for frame in frames(items)} == {0}


def test_a_broken_connection_is_made_again_in_a_new_epoch_and_the_index_goes_on():
    first = ListLink([*at_pace(7.0, 7.02), LinkError("the cable is out")])
    second = ListLink([*at_pace(1.0, 1.02), threading.Event()])
    items = read_until(source_of(first, second), lambda item: isinstance(item, Frame) and item.index == 3)
    assert states(items) == [RUNNING, STALLED, RECONNECTING, RUNNING]
    assert [item.reason for item in items if isinstance(item, StateChange)][1:3] == ["the cable is out"] * 2
    assert [(frame.index, frame.epoch) for frame in frames(items)] == [(0, 0), (1, 0), (2, 1), (3, 1)]
    times = [frame.pts_seconds for frame in frames(items)]
    assert times == sorted(times)
    assert first.closed.wait(5)


def test_a_connection_that_hangs_is_given_up_and_left_behind():
    hang = threading.Event()
    first, second = ListLink([picture(0.0), hang, *at_pace(0.5)]), ListLink([*at_pace(9.0), threading.Event()])
    items = read_until(source_of(first, second), lambda item: isinstance(item, Frame) and item.epoch == 1)
    assert states(items) == [RUNNING, STALLED, RECONNECTING, RUNNING]
    assert not first.closed.is_set()
    hang.set()
    assert first.closed.wait(5)


def test_calls_that_hang_do_not_pile_up():
    hang = threading.Event()
    made: list[ListLink] = []

    def connect() -> ListLink:
        made.append(ListLink([picture(0.0), hang] if not made else [hang]))
        return made[-1]

    patience = Patience(open_seconds=0.1, stall_seconds=0.05, silence_seconds=0.1, retry_seconds=0.05)
    source = LiveSource(connect, uri="list://", name="list", patience=patience)
    items = read_until(source, lambda item: isinstance(item, StateChange) and "still hang" in item.reason)
    assert len(made) == MOST_LEFT_BEHIND
    assert isinstance(items[-1], StateChange)
    assert (
        items[-1].reason == f"{MOST_LEFT_BEHIND} earlier calls still hang in the library; waiting for one to come back"
    )
    hang.set()
    assert all(link.closed.wait(5) for link in made)


def test_whatever_a_driver_raises_is_a_broken_connection_and_its_words_stay_inside():
    first = ListLink([picture(0.0), RuntimeError("rtsp://ann:geheim@host")])
    items = read_until(source_of(first), lambda item: isinstance(item, StateChange) and item.state is RECONNECTING)
    reasons = [item.reason for item in items if isinstance(item, StateChange)]
    assert reasons[1] == "reading failed unexpectedly (RuntimeError)"


def test_a_source_that_may_be_lost_fails_and_that_is_its_last_item():
    patience = Patience(open_seconds=0.2, stall_seconds=0.1, silence_seconds=0.2, retry_seconds=0.05, lost_seconds=0.7)
    source = source_of(ListLink([picture(0.0), LinkError("the cable is out")]), patience=patience)
    source.open()
    items = list(source.items())
    assert states(items)[-1] is SourceState.FAILED
    assert items[-1] == StateChange(SourceState.FAILED, "no picture for 1 s: nothing listens")


def test_a_slow_consumer_gets_the_newest_picture_and_sees_what_it_missed_in_the_index():
    link = ListLink([picture(0.0), *at_pace(*(0.02 * number for number in range(1, 60))), threading.Event()])
    source = source_of(link)
    source.open()
    ages_ms: list[float] = []
    indices: list[int] = []
    for item in source.items():
        if isinstance(item, Frame):
            ages_ms.append((time.monotonic_ns() - item.captured_ns) / 1e6)
            indices.append(item.index)
            if item.index >= 40:
                break
            time.sleep(0.2)
        else:
            assert item == StateChange(RUNNING), "a consumer that is away is no stall"
    source.close()
    assert max(ages_ms[1:]) < 100  # a picture is 20 ms old at most; the rest is a busy machine
    assert len(indices) < 10
    assert indices == sorted(set(indices))


def test_a_change_of_size_is_told():
    script = [picture(0.0), 0.02, picture(0.02, width_px=12), threading.Event()]
    items = read_until(source_of(ListLink(script)), lambda item: isinstance(item, Frame) and item.index == 1)
    assert StateChange(RUNNING, "pictures are now 12 x 6 px, before 8 x 6") in items


def test_a_mode_that_is_not_as_asked_is_told_at_the_start_and_after_each_reconnect():
    info = LinkInfo(remark="the card gives 720p")
    links = [
        ListLink([*at_pace(0.0), LinkError("out")], info=info),
        ListLink([*at_pace(0.0), threading.Event()], info=info),
    ]
    items = read_until(source_of(*links), lambda item: isinstance(item, Frame) and item.epoch == 1)
    assert [item.reason for item in items if isinstance(item, StateChange)].count("the card gives 720p") == 2


def test_damage_is_passed_on_with_the_time_of_the_last_picture():
    script = [*at_pace(3.0), Damage(what="2 packets torn", lost_packets=2), *at_pace(3.02), threading.Event()]
    items = read_until(source_of(ListLink(script)), lambda item: isinstance(item, Damage))
    assert items[-1] == Damage(what="list: 2 packets torn", lost_packets=2, pts_seconds=0.0)


def test_stamps_are_repaired_and_flagged():
    script = at_pace(None, 4.0, 4.02, float("nan"), 3.99)
    items = read_until(
        source_of(ListLink([*script, threading.Event()])), lambda item: isinstance(item, Frame) and item.index == 4
    )
    assert [frame.repair for frame in frames(items)] == [
        Repair.MISSING,
        None,
        None,
        Repair.NOT_FINITE,
        Repair.BACKWARD,
    ]


def test_a_constant_latency_is_taken_off_the_capture_times():
    before_ns, wall_before_ns = time.monotonic_ns(), time.time_ns()
    source = source_of(ListLink([picture(0.0), threading.Event()]), latency_seconds=50.0)
    (frame,) = frames(read_until(source, lambda item: isinstance(item, Frame)))
    assert 40e9 < before_ns - frame.captured_ns <= 50e9
    assert frame.wall_ns is not None
    assert 40e9 < wall_before_ns - frame.wall_ns <= 50e9


@pytest.mark.parametrize("latency_seconds", [-0.1, 61.0, float("nan")])
def test_an_impossible_latency_is_refused(latency_seconds: float):
    with pytest.raises(SourceError, match="allowed: 0 to 60000"):
        source_of(latency_seconds=latency_seconds)


def test_closing_ends_the_iteration_soon_whatever_hangs():
    source = source_of(ListLink([picture(0.0), threading.Event()]), patience=Patience())
    source.open()
    threading.Timer(0.1, source.close).start()
    began = time.monotonic()
    items = list(source.items())
    assert time.monotonic() - began < 5
    assert items[-1] == StateChange(SourceState.ENDED, "closed")


def test_closing_while_it_opens_ends_that_soon():
    source = source_of(ListLink([threading.Event()]), patience=Patience(open_seconds=60))
    threading.Timer(0.1, source.close).start()
    with pytest.raises(SourceError, match="closed while it was opening"):
        source.open()


def test_it_is_opened_before_it_is_read_and_both_once():
    source = source_of(ListLink([picture(0.0), threading.Event()]))
    with pytest.raises(SourceError, match="opened before it is read"):
        source.items()
    source.open()
    source.items()
    for again in (source.items, source.open):
        with pytest.raises(SourceError, match="once"):
            again()
    source.close()
