"""The law of channels: bounded, in order, and only frames are ever dropped."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetalstream.pipeline.channel import Channel, ChannelClosedError, Policy


def drain(channel: Channel[int]) -> list[int]:
    channel.finish()
    items: list[int] = []
    while (item := channel.get()) is not None:
        items.append(item)
    return items


def in_thread(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_items_come_out_in_the_order_they_went_in():
    channel: Channel[int] = Channel(4)
    for item in range(1, 5):
        channel.put(item)
    assert drain(channel) == [1, 2, 3, 4]


def test_block_makes_the_writer_wait_for_the_reader():
    channel: Channel[int] = Channel(1)
    channel.put(1)
    written = threading.Event()
    in_thread(lambda: (channel.put(2), written.set()))
    assert not written.wait(0.05)
    assert channel.get() == 1
    assert written.wait(2)
    assert channel.get() == 2
    assert channel.dropped == 0


def test_latest_drops_the_oldest_and_counts_it():
    channel: Channel[int] = Channel(2, policy=Policy.LATEST, droppable=lambda _: True)
    for item in range(1, 6):
        channel.put(item)
    assert channel.dropped == 3
    assert drain(channel) == [4, 5]


@given(items=st.lists(st.integers(1, 99) | st.integers(-99, -1)), capacity=st.integers(1, 5))
def test_latest_never_drops_what_is_not_droppable_and_accounts_for_every_item(items: list[int], capacity: int):
    """Negative numbers stand for events, positive ones for frames."""
    channel: Channel[int] = Channel(capacity, policy=Policy.LATEST, droppable=lambda item: item > 0)
    for item in items:
        channel.put(item)
    kept = drain(channel)
    assert [item for item in kept if item < 0] == [item for item in items if item < 0]
    assert len(kept) + channel.dropped == len(items)
    frames = [item for item in kept if item > 0]
    assert len(frames) <= capacity
    if items and items[-1] > 0 and len([item for item in items if item < 0]) < capacity:
        assert kept[-1] == items[-1]


def test_a_batch_that_may_wait_for_ever_is_full_or_the_last():
    channel: Channel[int] = Channel(16)

    def write() -> None:
        for item in range(1, 11):
            channel.put(item)
            time.sleep(0.001)
        channel.finish()

    in_thread(write)
    batches: list[list[int]] = []
    while batch := channel.get_batch(4, max_wait_seconds=None):
        batches.append(batch)
    assert batches == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_a_batch_larger_than_the_channel_still_fills():
    channel: Channel[int] = Channel(2)
    in_thread(lambda: [channel.put(item) for item in range(1, 7)])
    assert channel.get_batch(6, max_wait_seconds=None) == [1, 2, 3, 4, 5, 6]


def test_a_batch_that_may_not_wait_takes_what_is_there():
    channel: Channel[int] = Channel(8)
    channel.put(1)
    channel.put(2)
    assert channel.get_batch(8, max_wait_seconds=0) == [1, 2]


def test_a_batch_waits_no_longer_than_it_was_told():
    channel: Channel[int] = Channel(8)
    channel.put(1)
    started = time.monotonic()
    assert channel.get_batch(8, max_wait_seconds=0.05) == [1]
    assert 0.04 < time.monotonic() - started < 1


@pytest.mark.parametrize("wait", ["put", "get", "wait_for_room"])
def test_cancel_wakes_whoever_waits(wait: str):
    channel: Channel[int] = Channel(1)
    if wait != "get":
        channel.put(1)
    refused = threading.Event()

    def work() -> None:
        try:
            {"put": lambda: channel.put(2), "get": channel.get, "wait_for_room": channel.wait_for_room}[wait]()
        except ChannelClosedError:
            refused.set()

    in_thread(work)
    time.sleep(0.02)
    channel.cancel()
    assert refused.wait(2)


def test_the_end_is_none_and_stays_none():
    channel: Channel[int] = Channel(1)
    channel.put(1)
    channel.finish()
    assert [channel.get(), channel.get(), channel.get()] == [1, None, None]


def test_nothing_can_be_put_after_the_end():
    channel: Channel[int] = Channel(1)
    channel.finish()
    with pytest.raises(ChannelClosedError):
        channel.put(1)
