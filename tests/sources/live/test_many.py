"""Many connections: one after another, none leaving anything behind, and side by side, none disturbing another."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from fetalstream.sources import SourceError, SourceState
from fetalstream.sources.rtsp import from_uri

if TYPE_CHECKING:
    from ...servers.running import RtspServer, StartServer
    from ..conftest import Settled
    from .conftest import Follow

KILLED, HUNG, RECONNECTS = 8, 4, 100
FPS = 10
WINDOW_SECONDS = 6.0


def not_more(now: tuple[int, int], before: tuple[int, int]) -> bool:
    """Whether there are no more threads and no more descriptors; fewer when what other tests left has ended."""
    return now[0] <= before[0] and now[1] <= before[1]


@pytest.mark.server
@pytest.mark.slow
def test_a_hundred_reconnects_leave_no_thread_and_no_descriptor_behind(
    rtsp_server: StartServer,
    follow: Follow,
    left_open: Callable[[], tuple[int, int]],
    new_threads: Callable[[], list[str]],
    settled: Settled,
):
    server = rtsp_server("--size", "160x120", "--fps", "50", "--key-every", "2")

    def throw_out() -> None:
        server.send(signal.SIGHUP)

    def kill() -> None:
        server.kill()
        server.start()

    def hang() -> None:
        dropped = server.send(signal.SIGSTOP)
        follower.wait_for(SourceState.RECONNECTING, after=dropped)
        server.send(signal.SIGCONT)

    uri = f"{server.uri}?silence_seconds=1&retry_seconds=0.1"
    follow(from_uri(uri)).close()  # what the libraries make once, they have now made
    assert settled(lambda: not new_threads())
    nothing = left_open()
    follower = follow(from_uri(uri))
    follower.wait_for_frames(10)
    one_connection = left_open()
    for number in range(RECONNECTS):
        epoch = follower.frames[-1].epoch
        (kill if number < KILLED else hang if number < KILLED + HUNG else throw_out)()
        follower.wait_until(lambda epoch=epoch: follower.frames[-1].epoch > epoch)
    follower.wait_for_frames(10)
    assert follower.frames[-1].epoch >= RECONNECTS
    assert settled(lambda: not_more(left_open(), one_connection)), f"{left_open()} instead of {one_connection}"
    follower.close()
    assert settled(lambda: not_more(left_open(), nothing)), f"{left_open()} instead of {nothing}"


def test_connections_that_never_answer_leave_nothing_behind(
    left_open: Callable[[], tuple[int, int]], new_threads: Callable[[], list[str]], settled: Settled
):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live?open_seconds=0.2"

        def attempt() -> None:
            with suppress(SourceError):
                from_uri(uri).open()

        attempt()
        assert settled(lambda: not new_threads())
        before = left_open()
        for _ in range(20):
            attempt()
        assert settled(lambda: not_more(left_open(), before)), f"{left_open()} instead of {before}"


@pytest.mark.server
def test_of_eight_sources_with_one_dead_seven_keep_their_rate(rtsp_server: StartServer, follow: Follow):
    options = ("--size", "160x120", "--fps", str(FPS), "--key-every", "5")
    healthy, dying = rtsp_server(*options), rtsp_server(*options)
    seven = [follow(from_uri(healthy.uri)) for _ in range(7)]
    dead = follow(from_uri(dying.uri))
    for follower in (*seven, dead):
        follower.wait_for_frames(3)

    died = dying.send(signal.SIGSTOP)
    until = died + WINDOW_SECONDS
    time.sleep(until - time.monotonic())

    assert [state.state for state in dead.states] == [
        SourceState.RUNNING,
        SourceState.STALLED,
        SourceState.RECONNECTING,
    ]
    for follower in seven:
        times = [moment for moment in follower.frame_times() if died <= moment < until]
        assert len(times) == pytest.approx(FPS * WINDOW_SECONDS, abs=0.05 * FPS * WINDOW_SECONDS)
        assert max(after - before for before, after in pairwise(times)) < 5 / FPS
        assert [state.state for state in follower.states] == [SourceState.RUNNING]


@pytest.mark.server
def test_a_source_that_is_closed_while_its_server_hangs_is_closed_at_once(rtsp_server: StartServer, follow: Follow):
    server: RtspServer = rtsp_server()
    follower = follow(from_uri(server.uri))
    follower.wait_for_frames(5)
    server.send(signal.SIGSTOP)
    began = time.monotonic()
    follower.close()
    assert time.monotonic() - began < 1.0
