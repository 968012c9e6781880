"""The law of crews: the first failure wins, and everybody else is told to stop."""

import threading
import time

import pytest

from fetalstream.pipeline.channel import Channel, ChannelClosedError
from fetalstream.pipeline.crew import Crew


def void(_: object) -> None:
    """For a lambda whose result is nobody's business."""


def join(crew: Crew) -> None:
    assert crew.join(5)


def test_a_crew_that_does_its_work_ends_without_a_word():
    done: list[str] = []
    crew = Crew(on_cancel=lambda: done.append("cancelled"))
    crew.start("a", lambda: done.append("a"))
    crew.start("b", lambda: done.append("b"))
    join(crew)
    assert sorted(done) == ["a", "b"]


def test_the_first_failure_wins_and_wakes_those_who_wait():
    channel: Channel[int] = Channel(1)
    crew = Crew(on_cancel=channel.cancel)
    may_fail = threading.Event()

    def fail() -> None:
        may_fail.wait(5)
        raise RuntimeError("first")

    def wait_then_fail_too() -> None:
        may_fail.set()
        try:
            channel.get()
        except ChannelClosedError:
            raise RuntimeError("second") from None

    crew.start("waits", wait_then_fail_too)
    crew.start("fails", fail)
    with pytest.raises(RuntimeError, match="first"):
        join(crew)


def test_cancel_is_told_once_however_often_it_is_called():
    calls: list[int] = []
    crew = Crew(on_cancel=lambda: calls.append(1))
    crew.cancel()
    crew.cancel()
    assert calls == [1]


def test_a_thread_that_will_not_end_does_not_hold_up_the_failure_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fetalstream.pipeline.crew.GRACE_SECONDS", 0.05)
    for_ever = threading.Event()
    crew = Crew(on_cancel=lambda: None)
    crew.start("hangs", lambda: void(for_ever.wait(30)))

    def fail() -> None:
        raise RuntimeError("told anyway")

    crew.start("fails", fail)
    time.sleep(0.1)
    with pytest.raises(RuntimeError, match="told anyway"):
        crew.join(1)
    for_ever.set()


def test_join_says_when_the_time_ran_out():
    hold = threading.Event()
    crew = Crew(on_cancel=lambda: None)
    crew.start("works", lambda: void(hold.wait(5)))
    assert not crew.join(0.01)
    hold.set()
    join(crew)
