"""A real input device of FFmpeg: the screen of an X server that is ended, hung and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from fetalstream.sources import SourceState
from fetalstream.sources.abandon import left_behind
from fetalstream.sources.device import from_uri
from fetalstream.sources.live import MOST_LEFT_BEHIND

if TYPE_CHECKING:
    from ..conftest import Settled
    from .conftest import Follow

pytestmark = pytest.mark.server

RUNNING, STALLED, RECONNECTING = SourceState.RUNNING, SourceState.STALLED, SourceState.RECONNECTING
FPS = 20


class Screen:
    """An X server without a monitor, always under the same name."""

    def __init__(self) -> None:
        self.name = ""
        self.start()

    def start(self) -> float:
        """Start, and wait until it serves; the moment it did."""
        wanted = [self.name] if self.name else []
        command = ["Xvfb", *wanted, "-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        with self._process.stdout as output:
            self.name = f":{output.readline().strip()}"
        assert self.name != ":", "the X server did not start"
        return time.monotonic()

    def send(self, number: signal.Signals) -> float:
        self._process.send_signal(number)
        return time.monotonic()

    def unplug(self) -> float:
        moment = time.monotonic()
        self._process.kill()
        self._process.wait()
        return moment


@pytest.fixture
def screen() -> Iterator[Screen]:
    if shutil.which("Xvfb") is None:
        message = "Xvfb is not installed (Debian packages: .ci/packages.txt)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    screen = Screen()
    yield screen
    screen.unplug()


def test_a_device_comes_at_the_rate_it_was_asked_for(screen: Screen, follow: Follow):
    follower = follow(from_uri(f"device://x11grab/{screen.name}?framerate={FPS}&video_size=160x120"))
    follower.wait_for_frames(2 * FPS)
    frames = follower.frames
    seconds = (frames[-1].captured_ns - frames[0].captured_ns) / 1e9
    assert (frames[-1].index - frames[0].index) / seconds == pytest.approx(FPS, rel=0.1)
    assert (follower.info.width_px, follower.info.height_px, follower.info.announced_fps) == (160, 120, FPS)
    assert all(frame.repair is None for frame in frames)


def test_a_device_that_is_unplugged_and_plugged_in_again_goes_on(screen: Screen, follow: Follow):
    follower = follow(from_uri(f"device://x11grab/{screen.name}?framerate={FPS}"))
    follower.wait_for_frames(10)
    unplugged = screen.unplug()
    stalled, _ = follower.wait_for(STALLED, after=unplugged)
    assert stalled - unplugged < 1.0
    follower.wait_until(lambda: "is not there (any more)" in follower.states[-1].reason)
    plugged = screen.start()
    moment, _ = follower.wait_for(RUNNING, after=unplugged)
    assert moment - plugged < 2.0
    follower.wait_for_frames(10)
    assert follower.frames[-1].epoch == 1


def test_a_library_that_hangs_is_left_behind_until_it_comes_back(screen: Screen, follow: Follow, settled: Settled):
    """FFmpeg waits for the screen without a deadline; so does opening it anew."""
    before = left_behind()
    follower = follow(from_uri(f"device://x11grab/{screen.name}?framerate={FPS}&silence_seconds=1&open_seconds=0.5"))
    follower.wait_for_frames(10)
    hung = screen.send(signal.SIGSTOP)
    stalled, _ = follower.wait_for(STALLED, after=hung)
    assert stalled - max(came for came in follower.frame_times() if came < stalled) < 1.0
    follower.wait_until(lambda: "still hang in the library" in follower.states[-1].reason)
    assert left_behind() >= MOST_LEFT_BEHIND
    woken = screen.send(signal.SIGCONT)
    moment, _ = follower.wait_for(RUNNING, after=hung)
    assert moment - woken < 2.0
    follower.wait_for_frames(10)
    assert settled(lambda: left_behind() <= before)
